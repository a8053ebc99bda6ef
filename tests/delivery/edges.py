"""A real edge for tests: the server in its own process on a free port of the loopback address, over a folder of files."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import PackageId, ProfileId, SessionId, new_id
from matinee.delivery.keyring import open_ring
from matinee.delivery.model import EdgeConfig, StreamGrant
from matinee.delivery.tokens import TokenMinter

_MAIN = """
import sys, time, msgspec
from matinee.delivery.edge import serve_edge
from matinee.delivery.model import EdgeConfig
serve_edge(msgspec.json.decode(sys.argv[1], type=EdgeConfig), lambda: int(time.time() * 1000))
"""

SEGMENT = bytes(range(256)) * 400


def now() -> Instant:
    return Instant(int(time.time() * 1000))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningEdge:
    """An edge at `origin`, over `root`; `token(package)` mints for it."""

    def __init__(self, root: Path, port: int, scheme: str = "http") -> None:
        self.root = root
        self.origin = f"{scheme}://127.0.0.1:{port}"
        self.port = port
        self.key_file = root / "keys" / "token.key"

    def package(self, files: dict[str, bytes] | None = None) -> PackageId:
        package = PackageId(new_id())
        folder = self.root / "published" / "packages" / package
        for name, data in (files or {"master.m3u8": b"#EXTM3U\n", "v720/1.m4s": SEGMENT}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return package

    def token(self, package: PackageId, **changes: Any) -> str:
        fields: dict[str, Any] = {
            "session": SessionId(new_id()),
            "profile": ProfileId(new_id()),
            "package": package,
            "expires_at": Instant(now() + HOUR),
        }
        return TokenMinter(open_ring(self.key_file)).mint(StreamGrant(**{**fields, **changes}), now())

    def url(self, package: PackageId, file: str, token: str | None = None) -> str:
        return f"{self.origin}/s/{token or self.token(package)}/p/{package}/{file}"


@contextlib.contextmanager
def running_edge(root: Path, **options: Any) -> Iterator[RunningEdge]:
    edge = RunningEdge(root, free_port(), "https" if options.get("tls_certificate") else "http")
    open_ring(edge.key_file)
    (root / "published").mkdir(exist_ok=True)
    settings: dict[str, Any] = {
        "published_url": f"file://{root}/published",
        "key_file": str(edge.key_file),
        "port": edge.port,
        "poll_ms": 100,
        **options,
    }
    config = EdgeConfig(**settings)
    with (root / "edge.out").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, msgspec.json.encode(config).decode()], stdout=output, stderr=output
        )
        try:
            _wait(edge, process)
            yield edge
        finally:
            process.terminate()
            try:
                code = process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
    assert code == 0, (root / "edge.out").read_text()


def _wait(edge: RunningEdge, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{edge.origin}/healthz", verify=False).status_code == 200:
                return
        assert process.poll() is None, (edge.root / "edge.out").read_text()
        time.sleep(0.05)
    raise AssertionError("the edge did not answer within ten seconds")
