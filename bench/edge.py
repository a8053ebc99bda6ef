"""The embedded edge, with its stream tokens, over nginx without any, serving the same files from the same disk cache, in turns.

    python -m bench.edge

nginx is Debian's, one worker, sendfile on, no log, keep-alive without end: the fastest it serves files. The edge checks its token
on every request. 24 files are asked for in turn, all in the system's page cache, by one keep-alive client in another process than
either server.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.cpu import cpu_seconds
from bench.rows import Row, compared, table

ROUNDS = 7
SEGMENTS = 24
LARGE, SMALL = 2 * 1024 * 1024, 1024
SECONDS = 0.7

_EDGE = """
import sys, time, msgspec
from matinee.delivery.edge import serve_edge
from matinee.delivery.model import EdgeConfig
serve_edge(msgspec.json.decode(sys.argv[1], type=EdgeConfig), lambda: int(time.time() * 1000))
"""

_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000; open_file_cache max=1000;
  types {{ video/iso.segment m4s; }}
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def run() -> list[Row]:
    """Bytes a second of segments hot and cold and of small files; and what each gigabyte costs in processor time."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if nginx is None:
        raise SystemExit("bench edge wants nginx as its baseline: apt-get install nginx-light")
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        package, token, key_file = _publish(folder)
        bare = stack.enter_context(_nginx(nginx, folder))
        edge = stack.enter_context(_edge(folder, key_file))
        ours = [f"/s/{token}/p/{package}/v720/{n}.m4s" for n in range(SEGMENTS)]
        theirs = [f"/packages/{package}/v720/{n}.m4s" for n in range(SEGMENTS)]
        small = [f"/s/{token}/p/{package}/small/{n}.m4s" for n in range(SEGMENTS)]
        small_bare = [f"/packages/{package}/small/{n}.m4s" for n in range(SEGMENTS)]
        return [
            *_rows("edge, 2 MiB segments", (edge, ours), (bare, theirs), LARGE, 0.6),
            *_rows("edge, 1 KiB files", (edge, small), (bare, small_bare), SMALL, None),
        ]


Server = tuple[int, int]
"""Port and process id."""


def _rows(
    name: str, edge: tuple[Server, Sequence[str]], bare: tuple[Server, Sequence[str]], size: int, least: float | None
) -> list[Row]:
    rates: tuple[list[float], list[float]] = ([], [])
    per_second_of_cpu: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for which, (server, paths) in enumerate((edge, bare)):
            before = cpu_seconds(server[1])
            rate, got = _rate(server, paths, size, SECONDS)
            rates[which].append(rate)
            per_second_of_cpu[which].append(got / 1e6 / max(cpu_seconds(server[1]) - before, 0.01))
    baseline = "nginx without tokens"
    return [
        compared(name, *rates, "MB/s", baseline, least),
        compared(f"{name}, per second of CPU", *per_second_of_cpu, "MB", baseline, None),
    ]


def _rate(server: Server, paths: Sequence[str], size: int, seconds: float) -> tuple[float, int]:
    """Megabytes a second over one connection, for that long and at least once through the paths; and the bytes."""
    requests = [f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode() for path in paths]
    buffer = memoryview(bytearray(1 << 20))
    got, turn = 0, 0
    with socket.create_connection(("127.0.0.1", server[0])) as sock:
        began = time.monotonic()
        while turn < len(requests) or time.monotonic() - began < seconds:
            sock.sendall(requests[turn % len(requests)])
            head = b""
            while (end := head.find(b"\r\n\r\n")) < 0:
                head += sock.recv(65536)
            assert head.startswith(b"HTTP/1.1 200"), head[:200]
            left = size - (len(head) - end - 4)
            while left > 0:
                left -= sock.recv_into(buffer[: min(left, len(buffer))])
            got += size
            turn += 1
        return got / (time.monotonic() - began) / 1e6, got


def _publish(folder: Path) -> tuple[str, str, Path]:
    import os

    from matinee.base.clock import HOUR, Instant
    from matinee.base.ids import PackageId, ProfileId, SessionId, new_id
    from matinee.delivery.keyring import open_ring
    from matinee.delivery.model import StreamGrant
    from matinee.delivery.tokens import TokenMinter

    package = PackageId(new_id())
    root = folder / "published" / "packages" / package
    for kind, size in (("v720", LARGE), ("small", SMALL)):
        (root / kind).mkdir(parents=True)
        for number in range(SEGMENTS):
            (root / kind / f"{number}.m4s").write_bytes(os.urandom(size))
    for path in (folder, folder / "published", root.parent, root):
        path.chmod(0o755)  # nginx's worker is another user when it is started by root
    ring = open_ring(folder / "token.key")
    now = Instant(time.time_ns() // 1_000_000)
    grant = StreamGrant(session=SessionId(new_id()), profile=ProfileId(new_id()), package=package, expires_at=Instant(now + HOUR))
    return package, TokenMinter(ring).mint(grant, now), folder / "token.key"


@contextlib.contextmanager
def _edge(folder: Path, key_file: Path) -> Iterator[Server]:
    import msgspec

    from matinee.delivery.model import EdgeConfig

    port = _free_port()
    config = EdgeConfig(published_url=f"file://{folder}/published", key_file=str(key_file), port=port)
    with _process([sys.executable, "-c", _EDGE, msgspec.json.encode(config).decode()], port) as pid:
        yield port, pid


@contextlib.contextmanager
def _nginx(program: str, folder: Path) -> Iterator[Server]:
    port = _free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, root=folder / "published"))
    with _process([program, "-p", str(folder), "-c", str(config), "-e", str(folder / "nginx.log")], port) as pid:
        yield port, pid


@contextlib.contextmanager
def _process(argv: list[str], port: int) -> Iterator[int]:
    process = subprocess.Popen(argv)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    print(table(run()))
