"""HTTP/1.1 on plain sockets: what a stranger sends in pieces, too slowly, too much of or out of order, and what becomes of it."""

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from matinee.base.clock import Instant
from matinee.delivery.wire import Answer, Chunks, FileSlice, HttpServer, Request, WireLimits

LIMITS = WireLimits(head_bytes=2000, head_seconds=0.5, idle_seconds=0.6, stall_seconds=0.5, connections=5)
GET = b"GET /%b HTTP/1.1\r\nHost: edge\r\n\r\n"
BIG = os.urandom(8 * 1024 * 1024)


class Served:
    """A server of its own on a thread, with short patience. `sent` holds what each answer's teller heard."""

    def __init__(self, folder: Path, limits: WireLimits = LIMITS) -> None:
        self.folder = folder
        self.sent: list[int] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._server = HttpServer(self._answer, lambda: Instant(0), host="127.0.0.1", port=0, limits=limits)
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "Served":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(5)
        self.port = self._server.port
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def stop(self, grace: float = 0.2) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(grace), self._loop).result(5)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    async def _answer(self, request: Request) -> Answer:
        if request.target == "/fault":
            raise ValueError("a fault of ours")
        if request.target.startswith("/file/"):
            path = self.folder / request.target.removeprefix("/file/")
            size = path.stat().st_size
            body: FileSlice | Chunks | bytes = FileSlice(os.open(path, os.O_RDONLY), 0, size)
            if path.name == "shorter":
                path.write_bytes(b"x" * 10)
        elif request.target in ("/broken", "/failing"):
            size, body = 30, Chunks(_broken() if request.target == "/broken" else _failing(), 30)
        else:
            body = f"{request.method} {request.target}".encode()
            size = len(body)
        return Answer(200, [(b"content-length", b"%d" % size)], body, self.sent.append)


async def _broken() -> AsyncGenerator[bytes, None]:
    yield b"only ten.."


async def _failing() -> AsyncGenerator[bytes, None]:
    yield b"only ten.."
    raise LookupError("the store is away")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path) as server:
        yield server


def _until(check: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not check():
        assert time.monotonic() - began < 5
        time.sleep(0.01)


def _all(sock: socket.socket) -> bytes:
    data = b""
    while chunk := sock.recv(1 << 20):
        data += chunk
    return data


def _ask(served: Served, data: bytes) -> bytes:
    with served.connect() as sock:
        sock.sendall(data)
        return _all(sock)


def test_several_requests_on_one_connection_at_once_and_in_pieces(served: Served) -> None:
    said = _ask(served, GET % b"a" + GET % b"b?query=1" + b"GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + GET % b"d")
    assert [line.split(b"\r\n")[-1] for line in said.split(b"HTTP/1.1 200 OK")[1:]] == [b"GET /a", b"GET /b", b"GET /c"]
    assert said.count(b"connection: close") == 1, "after the one that asked for an end, nothing is read"
    with served.connect() as sock:
        for byte in GET % b"slow":
            sock.sendall(bytes([byte]))
        assert sock.recv(1000).endswith(b"GET /slow")
        sock.sendall(GET % b"again")
        assert sock.recv(1000).endswith(b"GET /again")


def test_the_time_is_told(served: Served) -> None:
    assert b"\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n" in _ask(served, GET % b"a")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 3000, b"431"),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n", b"431"),
        (b"GET /fault HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"500"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200"),
        (b"GET http://edge.example/a/b?c HTTP/1.1\r\nHost: edge.example\r\nConnection: close\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b"200"),
    ],
)
def test_one_request_and_the_end(served: Served, request_: bytes, status: bytes) -> None:
    said = _ask(served, request_)
    assert said.split(b" ")[1] == status
    assert b"connection: close" in said
    if b"edge.example" in request_:
        assert said.endswith(b"GET /a/b")
    assert b"a fault" not in said


def test_a_body_is_not_taken_for_a_request(served: Served) -> None:
    inner = GET % b"smuggled"
    for head in (b"Content-Length: %d" % len(inner), b"Transfer-Encoding: chunked"):
        said = _ask(served, b"POST /a HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n" + inner)
        assert said.endswith(b"POST /a")
        assert said.count(b"HTTP/1.1") == 1


def test_who_is_slow_with_a_head_or_silent_between_two_is_let_go(served: Served) -> None:
    with served.connect() as sock:
        sock.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n")
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 5:  # a byte now and then does not buy more time
                sock.sendall(b"X: y\r\n")
                time.sleep(0.05)
        assert time.monotonic() - began < 4
    with served.connect() as sock:
        sock.sendall(GET % b"a")
        assert sock.recv(1000)
        assert sock.recv(1000) == b""


def test_who_says_nothing_at_all_has_no_longer_than_a_head(tmp_path: Path) -> None:
    with Served(tmp_path, replace(LIMITS, idle_seconds=60)) as served, served.connect() as sock:
        assert sock.recv(10) == b"", "within the five seconds that this socket waits"


def test_a_good_request_before_a_bad_one_is_answered(served: Served) -> None:
    said = _ask(served, GET % b"good" + b"no request\r\n\r\n")
    assert [part[:4] for part in said.split(b"HTTP/1.1")[1:]] == [b" 200", b" 400"]
    assert b"GET /good" in said


def test_one_who_asks_without_end_holds_up_nobody(served: Served) -> None:
    stopping = threading.Event()

    def flood() -> None:
        with served.connect() as sock, contextlib.suppress(OSError):
            sock.setblocking(False)
            while not stopping.is_set():
                with contextlib.suppress(BlockingIOError):
                    sock.send(GET % b"a" * 200)
                with contextlib.suppress(BlockingIOError):
                    sock.recv(1 << 20)

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        _until(lambda: len(served.sent) > 1000)
        for _ in range(20):
            assert _ask(served, b"GET /b HTTP/1.0\r\n\r\n").endswith(b"GET /b")
        assert flooding.is_alive()
    finally:
        stopping.set()
        flooding.join()


def test_who_stops_reading_is_let_go_and_others_are_served_meanwhile(served: Served) -> None:
    (served.folder / "big").write_bytes(BIG)
    with served.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(GET % b"file/big")
        assert sock.recv(10)
        assert _ask(served, b"GET /b HTTP/1.0\r\n\r\n").endswith(b"GET /b")
        _until(lambda: len(served.sent) == 2)
        assert served.sent[0] == 6
        assert 0 < served.sent[1] < len(BIG), "what went out is told as it was"


def test_a_file_whole(served: Served) -> None:
    (served.folder / "big").write_bytes(BIG)
    for _ in range(2):
        descriptor = os.open(served.folder / "big", os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # so that the disk has a part in it
        os.close(descriptor)
        said = _ask(served, b"GET /file/big HTTP/1.0\r\n\r\n")
        assert said.partition(b"\r\n\r\n")[2] == BIG
    assert served.sent == [len(BIG)] * 2


def test_a_promise_that_cannot_be_kept_ends_the_connection_short_of_it(served: Served) -> None:
    (served.folder / "shorter").write_bytes(b"x" * 1000)
    assert _ask(served, GET % b"file/shorter").endswith(b"\r\n\r\n" + b"x" * 10)
    assert _ask(served, GET % b"broken").endswith(b"\r\n\r\nonly ten..")
    assert _ask(served, GET % b"failing").endswith(b"\r\n\r\nonly ten..")
    assert served.sent == [10, 10, 10]


def test_no_descriptor_is_left_open(served: Served) -> None:
    (served.folder / "big").write_bytes(BIG)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with served.connect() as sock:
            sock.sendall(GET % b"file/big")
            assert sock.recv(10)
    _until(lambda: len(served.sent) == 20)
    _until(lambda: len(os.listdir("/proc/self/fd")) <= before)


def test_no_more_connections_than_there_is_room_for(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(served.connect()) for _ in range(LIMITS.connections)]
        for sock in held:
            sock.sendall(GET % b"a")
            assert sock.recv(1000)
        with served.connect() as late:
            assert late.recv(1000) == b""
    _until(lambda: _asked(served))


def _asked(served: Served) -> bool:
    with contextlib.suppress(OSError):
        return _ask(served, b"GET /b HTTP/1.0\r\n\r\n").endswith(b"GET /b")
    return False


def test_an_answer_under_way_ends_whole_when_the_server_stops(served: Served) -> None:
    (served.folder / "big").write_bytes(BIG)
    with served.connect() as sock:
        sock.sendall(GET % b"file/big")
        data = sock.recv(10)
        stopper = threading.Thread(target=served.stop, args=(3,))
        stopper.start()
        data += _all(sock)
        stopper.join()
    assert data.partition(b"\r\n\r\n")[2] == BIG
    with pytest.raises(OSError, match="refused"):
        served.connect()
