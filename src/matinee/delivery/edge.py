"""The embedded edge: an ASGI application that serves published files by stream token, and nothing else.

It runs in a process of its own, which holds the token keys and can read the published store; it has no database, no clear film
and no content key. It is written on bare ASGI, since a framework's routing costs more than all that is decided here. What it
answers is decided in rules.py; the same contract holds for an nginx edge.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.errors import ErrorCode
from matinee.base.ids import SessionId
from matinee.base.units import Bytes
from matinee.delivery import rules
from matinee.delivery.control import ControlFileInvalid, read_control
from matinee.delivery.files import Found, HotFiles, held, source_of
from matinee.delivery.keyring import read_ring
from matinee.delivery.model import ControlList, EdgeConfig, KeyFileInvalid, StreamGrant, TokenRefused
from matinee.delivery.tokens import TokenVerifier
from matinee.outside.objects import ObjectStore, ObjectStoreFailed

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MAX_LOG_LINES = 50_000

_CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"content-length, content-range, accept-ranges, etag, date"),
    (b"timing-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
]
_PREFLIGHT: Headers = [
    *_CORS,
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"range, if-none-match, if-range, cmcd-object, cmcd-request, cmcd-session, cmcd-status",
    ),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]


class Edge:
    """The application. `start` reads keys and the control file once and then each `poll_ms`; `stop` ends that and the log."""

    def __init__(self, config: EdgeConfig, clock: Clock) -> None:
        """Raises KeyFileInvalid where there is no usable key file: an edge without keys would refuse everything."""
        self._config = config
        self._clock = clock
        self._store = ObjectStore.at(config.published_url)
        self._source = source_of(self._store)
        self._hot = HotFiles(config.memory_bytes)
        self._key_path = Path(config.key_file)
        self._key_stamp = self._stamp()
        self._ring = read_ring(self._key_path)
        self._verifier = TokenVerifier(self._ring, config.issuer)
        self._control = ControlList(sequence=0)
        self._revoked: frozenset[SessionId] = frozenset()
        self._control_good = True
        self._log: list[bytes] | None = [] if config.access_log else None
        self._poller: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._look()
        self._poller = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poller
        self._write_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, send: Send) -> None:
        method: str = scope["method"]
        raw_path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode("latin-1")
        if method == "OPTIONS":
            await _empty(send, 204, _PREFLIGHT)
        elif method not in ("GET", "HEAD"):
            await _refuse(send, 405, "only GET, HEAD and OPTIONS", [(b"allow", b"GET, HEAD, OPTIONS")])
        elif raw_path == "/healthz":
            await self._health(send, method)
        else:
            await self._serve(scope, send, method, raw_path)

    async def _serve(self, scope: Scope, send: Send, method: str, raw_path: str) -> None:
        now = self._clock()
        wanted = rules.read_path(raw_path)
        if wanted is None:
            return await _refuse(send, 404, "not found")
        try:
            grant = self._verifier.verify(wanted.token, now)
        except TokenRefused as refused:
            expired = refused.code is ErrorCode.TOKEN_EXPIRED
            return await _refuse(send, 403, "token expired" if expired else "token refused")
        if grant.path_prefix != wanted.prefix or grant.session in self._revoked:
            return await _refuse(send, 403, "token refused")
        try:
            found = await self._source.find(wanted.object_path)
        except Exception:  # noqa: BLE001 -- the process's outer edge: whatever a store says stays here
            return await _refuse(send, 503, "try again")
        if found is None:
            status, sent = 404, None
            await _refuse(send, 404, "not found")
        else:
            status, sent = await self._send(scope, send, method, wanted, found)
        self._note(now, grant, wanted, method, status, sent)
        return None

    async def _send(
        self, scope: Scope, send: Send, method: str, wanted: rules.Wanted, found: Found
    ) -> tuple[int, rules.Slice | None]:
        asked = _conditions(scope["headers"])
        tag = rules.etag(found.size, found.changed)
        headers: Headers = [
            *_CORS,
            (b"etag", tag.encode()),
            (b"cache-control", rules.cache_control(wanted.file).encode()),
            (b"accept-ranges", b"bytes"),
        ]
        if rules.not_modified(asked.get(b"if-none-match"), tag):
            await _empty(send, 304, headers)
            return 304, None
        part = rules.choose_slice(asked.get(b"range"), asked.get(b"if-range"), tag, found.size)
        if isinstance(part, str):
            await _refuse(send, 416, "range past the end", [(b"content-range", f"bytes */{found.size}".encode())])
            return 416, None
        status = 200 if part is None else 206
        whole = rules.Slice(start=Bytes(0), end=found.size)
        bounds = whole if part is None else part
        headers.append((b"content-type", (rules.content_type(wanted.file) or "").encode()))
        headers.append((b"content-length", b"%d" % (bounds.end - bounds.start)))
        if part is not None:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (part.start, part.end - 1, found.size)))
        if method == "HEAD":
            await _empty(send, status, headers)
            return status, None
        await self._send_bytes(scope, send, status, headers, found, bounds)
        return status, bounds

    async def _send_bytes(
        self, scope: Scope, send: Send, status: int, headers: Headers, found: Found, bounds: rules.Slice
    ) -> None:
        start = {"type": "http.response.start", "status": status, "headers": headers}
        whole = bounds.end - bounds.start == found.size
        data = held(b"") if found.size == 0 else self._hot.get(found)
        if data is None and self._hot.is_wanted(found):
            data = held(b"".join([chunk async for chunk in self._source.read(found, 0, found.size)]))
            self._hot.keep(found, data)
        if data is not None:
            await send(start)
            last = b""
            for piece in data.within(bounds.start, bounds.end):
                if last:
                    await send({"type": "http.response.body", "body": last, "more_body": True})
                last = piece
            await send({"type": "http.response.body", "body": last})
        elif whole and found.local is not None and "http.response.pathsend" in scope.get("extensions", {}):
            await send(start)
            await send({"type": "http.response.pathsend", "path": found.local})
        else:
            await send(start)
            async for chunk in self._source.read(found, bounds.start, bounds.end):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _health(self, send: Send, method: str) -> None:
        state = {"ok": True, "control_sequence": self._control.sequence, "control_readable": self._control_good}
        body = msgspec.json.encode(state)
        headers = [*_CORS, (b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._config.poll_ms / 1000)
            await self._look()
            self._write_log()

    async def _look(self) -> None:
        """Take in a rotated key file and a newer control file; whatever cannot be read leaves the last good one in force."""
        stamp = self._stamp()
        if stamp != self._key_stamp:
            self._key_stamp = stamp
            with contextlib.suppress(KeyFileInvalid):
                self._ring = read_ring(self._key_path)
                self._verifier.use(self._ring)
        try:
            told = await asyncio.to_thread(read_control, self._store, self._ring)
        except (ControlFileInvalid, ObjectStoreFailed):
            self._control_good = False
            return
        self._control_good = True
        if told.sequence > self._control.sequence:
            self._control = told
            self._revoked = frozenset(entry.session for entry in told.revoked)

    def _stamp(self) -> tuple[int, int]:
        try:
            facts = os.stat(self._key_path)
        except OSError:
            return 0, 0
        return facts.st_mtime_ns, facts.st_ino

    def _note(
        self, now: Instant, grant: StreamGrant, wanted: rules.Wanted, method: str, status: int, sent: rules.Slice | None
    ) -> None:
        """One line per answer to a good token: no token, no address. `bytes` is what was to be sent, not what arrived."""
        if self._log is None or len(self._log) >= MAX_LOG_LINES:
            return
        line = {
            "at": to_rfc3339(now),
            "session": grant.session,
            "operator": grant.operator,
            "method": method,
            "path": wanted.shown_path,
            "status": status,
            "bytes": 0 if sent is None else sent.end - sent.start,
            "start": None if sent is None else sent.start,
        }
        self._log.append(msgspec.json.encode(line))

    def _write_log(self) -> None:
        if not self._log or self._config.access_log is None:
            return
        lines, self._log = self._log, []
        text = b"\n".join(lines) + b"\n"
        if self._config.access_log == "-":
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
            return
        with contextlib.suppress(OSError), Path(self._config.access_log).open("ab") as file:  # a full disk stops no film
            file.write(text)


def edge_app(config: EdgeConfig, clock: Clock) -> Edge:
    """The ASGI application of an edge. Raises KeyFileInvalid."""
    return Edge(config, clock)


def serve_edge(config: EdgeConfig, clock: Clock) -> None:
    """Serve until SIGTERM or SIGINT. Call it in a process of its own."""
    import uvloop

    uvloop.run(_serve(config, clock))


async def _serve(config: EdgeConfig, clock: Clock) -> None:
    from granian.constants import Interfaces, SSLProtocols
    from granian.server.embed import Server

    server = Server(
        edge_app(config, clock),
        address=config.host,
        port=config.port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_access=False,
        log_enabled=False,
        ssl_cert=Path(config.tls_certificate) if config.tls_certificate else None,
        ssl_key=Path(config.tls_key) if config.tls_key else None,
        ssl_protocol_min=SSLProtocols.tls12,  # televisions of 2016 speak no 1.3
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


def _conditions(headers: list[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """The four headers that matter, as text; the first of each counts."""
    found: dict[bytes, str] = {}
    for name, value in headers:
        if name in (b"range", b"if-range", b"if-none-match") and name not in found:
            found[name] = value.decode("latin-1")
    return found


async def _empty(send: Send, status: int, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(send: Send, status: int, words: str, more: Headers | None = None) -> None:
    """A few words of plain text: nothing of what was asked is said back, nothing of what lies behind is told."""
    body = words.encode() + b"\n"
    headers: Headers = [
        *_CORS,
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"content-length", b"%d" % len(body)),
        *(more or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
