"""HTTP/1.1 for a server that gives files away and takes nothing in: plain sockets on one event loop.

The kernel hands a file's pages to the socket (sendfile), so that a segment never passes through Python; a general server copies
it at least twice. Requests are parsed by llhttp. What a stranger may cost is bounded: bytes of a head, seconds for a head, for
an idle connection and for a reader who stands still, and the number of connections. A request with a body is answered, and its
connection closed. Over TLS the same code runs, with the pages read and encrypted here.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import httptools

from matinee.base.clock import Clock

_T = TypeVar("_T")

Headers = list[tuple[bytes, bytes]]

READ_BYTES = 16 * 1024
STEP_BYTES = 1024 * 1024
"""What is handed to the kernel at once; between two steps the others have their turn."""
TLS_STEP_BYTES = 256 * 1024
_LINGER_SECONDS = 1.0
_TARGET_IN_FULL = (b"http://", b"https://")


@dataclass(frozen=True, slots=True)
class WireLimits:
    """What one stranger, and all of them together, may cost."""

    head_bytes: int = 16 * 1024
    head_seconds: float = 10
    """For a TLS handshake, for a first request from the connection's beginning, for later ones from their first byte."""
    idle_seconds: float = 75
    """Between two requests of a connection. Players come back after a segment's length, most within ten seconds."""
    stall_seconds: float = 60
    """How long a reader may take nothing at all of an answer."""
    connections: int = 10_000


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head. `target` is the path as it was sent, still encoded, without its query."""

    method: str
    target: str
    headers: Mapping[bytes, bytes]
    """By lower-case name; the first of each counts."""
    is_last: bool


@dataclass(frozen=True, slots=True)
class FileSlice:
    """Bytes of an open file from `start` up to, not including, `end`. Whoever sends it closes the descriptor."""

    descriptor: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chunks:
    """Bytes that come one after the other from elsewhere, `length` in all."""

    parts: AsyncGenerator[bytes, None]
    length: int


Body = bytes | memoryview | FileSlice | Chunks


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `when_sent` is told the bytes of the body that went out, also where the reader left in the middle."""

    status: int
    headers: Headers
    body: Body = b""
    when_sent: Callable[[int], None] | None = None


Application = Callable[[Request], Awaitable[Answer]]


class _Gone(Exception):
    """The other side left, stood still for too long, or said what is no HTTP; the connection ends without a word."""


class _Refused(Exception):
    """The head cannot be read. Answered with its status, and the connection closed."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class HttpServer:
    """Listens from `start` until `stop`. One event loop, any number of connections up to the limit."""

    def __init__(
        self,
        application: Application,
        clock: Clock,
        *,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        limits: WireLimits | None = None,
    ) -> None:
        self.application = application
        self.limits = limits or WireLimits()
        self.tls = tls
        self._clock = clock
        self._date = (-1, b"")
        self._address = (host, port)
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._connections: dict[asyncio.Task[None], _Connection] = {}

    @property
    def port(self) -> int:
        """The port that is listened on: the one asked for, or the system's choice where that was 0."""
        if self._listener is None:
            raise RuntimeError("The server has not been started.")
        return int(self._listener.getsockname()[1])

    async def start(self) -> None:
        """Listen. Raises OSError where the address is taken."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._listener = socket.create_server(self._address, family=family, backlog=1024)
        self._listener.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(self._listener))

    async def stop(self, grace_seconds: float = 3) -> None:
        """Take no more connections, close those that wait for a request, let answers under way end, then close."""
        if self._accepting is None or self._listener is None:
            return
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._listener.close()
        for task, connection in tuple(self._connections.items()):
            if connection.is_idle:
                task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=grace_seconds)
        for task in tuple(self._connections):
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    @property
    def is_stopping(self) -> bool:
        return self._accepting is None or self._accepting.done() or self._accepting.cancelling() > 0

    def date(self) -> bytes:
        """The Date header's value (RFC 9110 6.6.1), made once a second."""
        second = self._clock() // 1000
        if second != self._date[0]:
            self._date = (second, formatdate(second, usegmt=True).encode())
        return self._date[1]

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(listener)
            except OSError:  # out of descriptors, or the caller left while it waited: others are to be served all the same
                await asyncio.sleep(0.05)
                continue
            if len(self._connections) >= self.limits.connections:
                sock.close()
                continue
            connection = _Connection(self, sock)
            task = loop.create_task(connection.run())
            self._connections[task] = connection
            task.add_done_callback(self._connections.pop)


@dataclass(slots=True)
class _Head:
    """What llhttp tells of requests, in its callbacks' names; whole ones are queued."""

    parser: "httptools.HttpRequestParser" = field(init=False)
    whole: deque[Request] = field(default_factory=deque)
    refusal: HTTPStatus | None = None
    """What comes after the whole ones cannot be read."""
    is_open: bool = True
    """Whether a head has begun and has not ended; a connection's first is awaited from the beginning."""
    has_ended: bool = False
    _bytes_read: int = 0
    _url: bytes = b""
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _hosts: int = 0

    def __post_init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes, limit: int) -> None:
        """Nothing after a last request, or after one that cannot be read, is read."""
        if self.has_ended or self.refusal is not None:
            return
        self._bytes_read += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # not taken up: the request is answered as what it is
        except httptools.HttpParserError:
            if not self.has_ended:
                self.refusal = HTTPStatus.BAD_REQUEST
        if self._bytes_read > limit and self.refusal is None:
            self.refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

    def on_message_begin(self) -> None:
        self.is_open = True

    def on_url(self, part: bytes) -> None:
        self._url += part

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self._hosts += name == b"host"
        self._headers.setdefault(name, value)

    def on_headers_complete(self) -> None:
        if self.has_ended or self.refusal is not None:
            return
        version = self.parser.get_http_version()
        if self._hosts > 1 or (self._hosts == 0 and version == "1.1"):
            self.refusal = HTTPStatus.BAD_REQUEST  # RFC 9112 3.2
            return
        has_body = b"transfer-encoding" in self._headers or self._headers.get(b"content-length", b"0").strip() != b"0"
        is_last = has_body or version != "1.1" or self.parser.should_upgrade() or not self.parser.should_keep_alive()
        method = self.parser.get_method().decode("latin-1")
        self.whole.append(Request(method, _path(self._url), self._headers, is_last))
        self.has_ended = is_last
        self.is_open = False
        self._url, self._headers, self._hosts, self._bytes_read = b"", {}, 0, 0


class _Connection:
    """One connection, from its first byte to its last, as one coroutine."""

    def __init__(self, server: HttpServer, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._server = server
        self._limits = server.limits
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._head = _Head()
        self.is_idle = True

    async def run(self) -> None:
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._server.tls is not None:
                await self._shake_hands(self._server.tls)
            await self._serve()
        except (_Gone, OSError):
            pass  # ssl.SSLError is an OSError too
        except Exception as error:  # noqa: BLE001 -- the outer edge of a connection: it ends, and the others go on
            self._loop.call_exception_handler({"message": "a connection ended in a fault", "exception": error})
        finally:
            self._sock.close()

    async def _serve(self) -> None:
        while True:
            try:
                request = await self._next()
            except _Refused as refused:
                words = refused.status.phrase.lower().encode() + b"\n"
                headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(words))]
                await self._send(Answer(refused.status, headers, words), is_last=True)
                return await self._linger()
            if request is None:
                return None
            try:
                answer = await self._server.application(request)
            except Exception as error:  # noqa: BLE001 -- the outer edge of a request: the others go on
                self._loop.call_exception_handler({"message": "an answer could not be made", "exception": error})
                answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, [(b"content-length", b"0")])
            is_last = request.is_last or self._server.is_stopping
            await self._send(answer, is_last)
            if is_last:
                return await self._linger()
            await asyncio.sleep(0)  # one who asks without end, faster than we answer, is one of many all the same

    async def _next(self) -> Request | None:
        """The next request; None where the other side has ended in order. Raises _Refused, _Gone."""
        head = self._head
        began = self._loop.time()
        while not head.whole:
            if head.refusal is not None:
                raise _Refused(head.refusal)
            if head.is_open:
                data = await self._receive(began + self._limits.head_seconds - self._loop.time())
            else:
                self.is_idle = True
                data = await self._receive(self._limits.idle_seconds)
                began = self._loop.time()
            self.is_idle = False
            if not data:
                return None
            head.feed(data, self._limits.head_bytes)
        return head.whole.popleft()

    async def _send(self, answer: Answer, is_last: bool) -> None:
        """The whole answer. Raises _Gone, OSError."""
        body = answer.body
        head = _status_line(answer.status) + b"".join(b"%b: %b\r\n" % pair for pair in answer.headers)
        head += b"date: %b\r\n%b\r\n" % (self._server.date(), b"connection: close\r\n" if is_last else b"")
        sent = _Count()
        try:
            if isinstance(body, FileSlice):
                await self._push(head, has_more=True)
                await self._send_file(body, sent)
            elif isinstance(body, Chunks):
                await self._push(head, has_more=True)
                await self._send_chunks(body, sent)
            elif len(body) <= READ_BYTES:
                await self._push(head + body)
                sent.bytes = len(body)
            else:
                await self._push(head, has_more=True)
                await self._push(body, sent)
        finally:
            if isinstance(body, FileSlice):
                os.close(body.descriptor)
            if answer.when_sent is not None:
                answer.when_sent(sent.bytes)

    async def _send_chunks(self, body: Chunks, sent: "_Count") -> None:
        async with contextlib.aclosing(body.parts) as parts:
            async for part in parts:
                await self._push(part, sent)
        if sent.bytes != body.length:
            raise _Gone  # the head promised more: only an end without order tells the reader

    async def _send_file(self, part: FileSlice, sent: "_Count") -> None:
        at = part.start
        while at < part.end:
            step = min(STEP_BYTES if self._server.tls is None else TLS_STEP_BYTES, part.end - at)
            if not (_is_in_memory(part.descriptor, at) and _is_in_memory(part.descriptor, at + step - 1)):
                await self._loop.run_in_executor(None, _read_in, part.descriptor, at, step)  # a slow disk holds up nobody else
            if self._server.tls is None:
                done = await self._try(partial(os.sendfile, self._sock.fileno(), part.descriptor, at, step))
                sent.bytes += done
            else:
                data = os.pread(part.descriptor, step, at)
                await self._push(data, sent)
                done = len(data)
            if done == 0:
                raise _Gone  # the file has become shorter than it was said to be
            at += done
            if done == step and at < part.end:
                await asyncio.sleep(0)  # one who reads as fast as it is sent; the others wait for the socket by and by

    async def _push(self, data: bytes | memoryview, sent: "_Count | None" = None, *, has_more: bool = False) -> None:
        flags = socket.MSG_MORE if has_more and self._server.tls is None else 0
        view = memoryview(data)
        while view:
            done = await self._try(partial(self._sock.send, view, flags))
            view = view[done:]
            if sent is not None:
                sent.bytes += done
            if view:
                await asyncio.sleep(0)

    async def _try(self, act: Callable[[], _T]) -> _T:
        """Do it, waiting for the socket as often as it asks for that. Raises _Gone for a reader who stands still."""
        while True:
            try:
                return act()
            except (BlockingIOError, ssl.SSLWantWriteError):
                await self._wait(self._loop.add_writer, self._loop.remove_writer, self._limits.stall_seconds)
            except ssl.SSLWantReadError:
                await self._wait(self._loop.add_reader, self._loop.remove_reader, self._limits.stall_seconds)

    async def _receive(self, patience: float) -> bytes:
        while True:
            try:
                return self._sock.recv(READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                await self._wait(self._loop.add_reader, self._loop.remove_reader, patience)
            except ssl.SSLWantWriteError:
                await self._wait(self._loop.add_writer, self._loop.remove_writer, patience)

    async def _wait(self, add: "Callable[..., None]", remove: "Callable[[int], bool]", patience: float) -> None:
        descriptor = self._sock.fileno()
        ready: asyncio.Future[bool] = self._loop.create_future()
        add(descriptor, _settle, ready, True)
        timer = self._loop.call_later(max(patience, 0), _settle, ready, False)
        try:
            if not await ready:
                raise _Gone
        finally:
            timer.cancel()
            remove(descriptor)

    async def _shake_hands(self, tls: ssl.SSLContext) -> None:
        wrapped = tls.wrap_socket(self._sock, server_side=True, do_handshake_on_connect=False)
        self._sock = wrapped
        async with _within(self._limits.head_seconds):
            await self._try(wrapped.do_handshake)

    async def _linger(self) -> None:
        """End in order: what is still on its way in is read and dropped, or the system would take our last words back."""
        self._sock.shutdown(socket.SHUT_WR)
        async with _within(_LINGER_SECONDS):
            while await self._receive(_LINGER_SECONDS):
                await asyncio.sleep(0)


@dataclass(slots=True)
class _Count:
    bytes: int = 0


@contextlib.asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise _Gone from None


def _settle(future: "asyncio.Future[bool]", value: bool) -> None:
    if not future.done():
        future.set_result(value)


def _path(url: bytes) -> str:
    """The path of a target, as it was sent. One in full (RFC 9112 3.2.2) loses its scheme and host."""
    if url.lower().startswith(_TARGET_IN_FULL):
        url = b"/" + url.split(b"/", 3)[3] if url.count(b"/") > 2 else b"/"
    return url.partition(b"?")[0].decode("latin-1")


def _status_line(status: int) -> bytes:
    line = _STATUS_LINES.get(status)
    if line is None:
        line = _STATUS_LINES[status] = b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
    return line


_STATUS_LINES: dict[int, bytes] = {}


def _is_in_memory(descriptor: int, offset: int) -> bool:
    """Whether the byte there can be read without waiting for a disk. True where the file system cannot say."""
    try:
        os.preadv(descriptor, [bytearray(1)], offset, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _read_in(descriptor: int, start: int, length: int) -> None:
    """Have the kernel read a part of a file. In a thread: this is what waits."""
    for offset in range(start, start + length, TLS_STEP_BYTES):
        os.pread(descriptor, min(TLS_STEP_BYTES, start + length - offset), offset)
