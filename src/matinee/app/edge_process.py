"""The embedded edge's process. It is told one JSON document in one variable: no database, no master key, no settings file."""

import os
import sys

import msgspec

from matinee.app.installation import Installation, read_clock
from matinee.app.serve import Child
from matinee.base.errors import MatineeError
from matinee.delivery.edge import serve_edge
from matinee.delivery.model import EdgeConfig

VARIABLE = "MATINEE_EDGE_CONFIG"
_KEPT = ("PATH", "HOME", "LANG", "AWS_", "GOOGLE_", "AZURE_", "SSL_CERT_")


def edge_child(installation: Installation) -> Child:
    """The edge as `serve` starts it. Of our environment it gets what an object store's client needs, and nothing else."""
    settings = installation.settings
    config = EdgeConfig(
        published_url=settings.published,
        key_file=str(installation.token_key_file),
        host=settings.host,
        port=settings.edge_port,
        tls_certificate=settings.tls_certificate or None,
        tls_key=settings.tls_key or None,
    )
    environment = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    return Child("edge", "matinee.app.edge_process", {**environment, VARIABLE: msgspec.json.encode(config).decode()})


def main() -> None:
    """The process's entry."""
    try:
        serve_edge(msgspec.json.decode(os.environ[VARIABLE], type=EdgeConfig), read_clock)
    except MatineeError as error:
        sys.stderr.write(f"edge: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
