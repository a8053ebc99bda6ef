"""TLS for a home network without a public name: a local authority, made once, that a television or phone is told to trust.

A screen needs a secure context for its key (WebCrypto) and for encrypted media; on another machine than this one that means TLS.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import trustme

from matinee.base.errors import ErrorCode, MatineeError


class TlsFailed(MatineeError):
    """No certificate could be made or read."""

    code = ErrorCode.SETTING_INVALID


@dataclass(frozen=True, slots=True)
class LocalTls:
    """Files of a certificate for this machine, and of the authority that signed it."""

    certificate: Path
    key: Path
    authority: Path


def ensure_local_tls(folder: Path, hosts: tuple[str, ...]) -> LocalTls:
    """A certificate for these hosts, signed by the folder's own authority.

    The authority's key is never written down: when the machine's addresses change, a new authority is made, and screens are to
    trust that one. Files are made once for a set of hosts.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = LocalTls(folder / "certificate.pem", folder / "key.pem", folder / "authority.pem")
    for_hosts = folder / "hosts"
    wanted = "\n".join(hosts)
    if (
        for_hosts.exists()
        and for_hosts.read_text() == wanted
        and all(p.exists() for p in (made.certificate, made.key, made.authority))
    ):
        return made
    authority = trustme.CA(organization_name="Matinee local authority")
    issued = authority.issue_cert(*hosts, organization_name="Matinee")
    _write_private(made.key, issued.private_key_pem.bytes())
    made.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    made.authority.write_bytes(authority.cert_pem.bytes())
    for_hosts.write_text(wanted)
    return made


def local_authority(folder: Path, certificate: str) -> Path | None:
    """The authority's certificate, where the service speaks TLS by the folder's own certificate; else None."""
    authority = folder / "authority.pem"
    return authority if certificate == str(folder / "certificate.pem") and authority.is_file() else None


def _write_private(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def lan_address() -> str:
    """This machine's address on the network that its default route leads to. Sends nothing.

    Raises TlsFailed where there is no such network.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: connecting a datagram socket only picks the route
            return str(probe.getsockname()[0])
    except OSError as error:
        raise TlsFailed(
            "This machine has no network that other screens could reach it by.", remedy="Connect it, or serve without --lan."
        ) from error
