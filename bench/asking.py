"""A server under load, beside a bare ASGI answer on the same server program: uvicorn, one process each, in turns.

The client is a few blocking sockets in threads of this process, with keep-alive; what it sends is whole requests as bytes.
"""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.cpu import cpu_seconds
from bench.rows import Row, compared

ROUNDS = 5
SECONDS = 1.5
CONNECTIONS = 8
PATIENCE = 60
"""Seconds until an answer that does not come ends the part."""

Server = tuple[int, int]
"""Port and process id."""

Turns = tuple[list[float], list[float], list[float], list[float]]
"""Requests a second of ours and of the baseline, then requests per second of processor time of each."""


def in_turns(real: Server, bare: Server, make: Callable[[], bytes], statuses: Collection[int] = (200,)) -> Turns:
    turns: Turns = ([], [], [], [])
    for _ in range(ROUNDS):
        for which, server in enumerate((real, bare)):
            before = cpu_seconds(server[1])
            rate, count = rate_of(server[0], make, statuses)
            turns[which].append(rate)
            turns[which + 2].append(count / max(cpu_seconds(server[1]) - before, 0.01))
    return turns


def rows_of(name: str, turns: Turns, least: float | None) -> list[Row]:
    return [
        compared(name, turns[0], turns[1], "req/s", "bare ASGI answer", least),
        compared(f"{name}, per second of CPU", turns[2], turns[3], "req", "bare ASGI answer", None),
    ]


def ask_once(port: int, request: bytes, statuses: Collection[int] = (200,)) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        return ask(sock, request, statuses)


def ask(sock: socket.socket, request: bytes, statuses: Collection[int] = (200,)) -> bytes:
    sock.sendall(request)
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _more(sock)
    head = data[:end].lower()
    assert int(head[9:12]) in statuses, data
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)  # 204 has none
    while len(data) < end + 4 + length:
        data += _more(sock)
    return data[end + 4 :]


def _more(sock: socket.socket) -> bytes:
    sock.settimeout(PATIENCE)
    try:
        found = sock.recv(65536)
    except TimeoutError:
        raise SystemExit(f"bench: an answer did not come within {PATIENCE} s.") from None
    if not found:
        raise SystemExit("bench: the server closed the connection in the midst of an answer.")
    return found


def post(path: str, said: Mapping[str, Any], token: str) -> bytes:
    """A request with a JSON body, as bytes."""
    body = json.dumps(said).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def ask_all(server: Server, requests: Sequence[bytes], statuses: Collection[int] = (200,)) -> list[bytes]:
    """The answers to all of these, each asked once, over a few connections."""

    def part(first: int) -> list[bytes]:
        with contextlib.closing(connected(server)) as sock:
            return [ask(sock, request, statuses) for request in requests[first::CONNECTIONS]]

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        parts = list(pool.map(part, range(CONNECTIONS)))
    return [parts[place % CONNECTIONS][place // CONNECTIONS] for place in range(len(requests))]


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server[0]))


def rate_of(port: int, make: Callable[[], bytes], statuses: Collection[int] = (200,)) -> tuple[float, int]:
    counts = [0] * CONNECTIONS
    stop = time.monotonic() + SECONDS

    def client(index: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            while time.monotonic() < stop:
                ask(sock, make(), statuses)
                counts[index] += 1

    threads = [threading.Thread(target=client, args=(index,)) for index in range(CONNECTIONS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began), sum(counts)


@contextlib.contextmanager
def serving(module: str, *arguments: str, patience: float = 60) -> Iterator[Server]:
    """`python -m MODULE ARGUMENTS PORT` as a child that serves at a free port, for as long as the block lasts.

    `patience`: seconds that it may take to begin.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-m", module, *arguments, str(port)])
    try:
        for _ in range(int(patience / 0.05)):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if process.poll() is not None:
                raise SystemExit(f"bench: {module} ended with {process.returncode} before it served.")
            time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


async def bare(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
