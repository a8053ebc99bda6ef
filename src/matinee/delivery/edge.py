"""The embedded edge: it serves published files by stream token, and nothing else.

It runs in a process of its own, which holds the token keys and can read the published store; it has no database, no clear film
and no content key. What it answers is decided in rules.py; how the bytes go out stands in wire.py; the same contract holds for an
nginx edge.
"""

import asyncio
import contextlib
import os
import resource
import signal
import ssl
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.errors import ErrorCode
from matinee.base.units import Bytes
from matinee.delivery import heights, rules
from matinee.delivery.control import ControlFileInvalid, InForce, read_control
from matinee.delivery.files import Found, HotFiles, source_of
from matinee.delivery.keyring import read_ring
from matinee.delivery.model import EdgeConfig, KeyFileInvalid, StreamGrant, TokenRefused
from matinee.delivery.tokens import TokenVerifier
from matinee.delivery.wire import Answer, Body, Chunks, FileSlice, Headers, HttpServer, Request
from matinee.outside.objects import ObjectStore, ObjectStoreFailed

_Teller = Callable[[int, int | None, int], None]
"""Told status, first byte and bytes sent."""

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
]


class Edge:
    """What answers. `start` reads keys and the control file once and then each `poll_ms`; `stop` ends that and the log."""

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
        self._heights = heights.KnownHeights()
        self._control = InForce()
        self._looking = ThreadPoolExecutor(1)  # of its own: behind a hundred slow disks it would come too late
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
        self._looking.shutdown(wait=False)
        self._write_log()

    async def answer(self, request: Request) -> Answer:
        """What the edge says to a request."""
        if request.method == "OPTIONS":
            return Answer(204, _PREFLIGHT)
        if request.method not in ("GET", "HEAD"):
            return _refusal(request, 405, "only GET, HEAD and OPTIONS", [(b"allow", b"GET, HEAD, OPTIONS")])
        if request.target == "/healthz":
            return self._health(request)
        return await self._file(request)

    async def _file(self, request: Request) -> Answer:
        now = self._clock()
        wanted = rules.read_path(request.target)
        if wanted is None:
            return _refusal(request, 404, "not found")
        try:
            grant = self._verifier.verify(wanted.token, now)
        except TokenRefused as refused:
            expired = refused.code is ErrorCode.TOKEN_EXPIRED
            return _refusal(request, 403, "token expired" if expired else "token refused")
        if grant.path_prefix != wanted.prefix or self._control.stops(grant):
            return _refusal(request, 403, "token refused")
        try:
            too_tall = await self._too_tall(grant, wanted)
            if too_tall is None:
                return _refusal(request, 404, "not found")
            if heights.rung_of(wanted.file) in too_tall:
                return _refusal(request, 403, "token refused")
            found = await self._source.find(wanted.object_path)
        except Exception:  # noqa: BLE001 -- the process's outer edge: whatever a store says stays here
            return _refusal(request, 503, "try again")
        told = partial(self._note, now, grant, wanted, request.method)
        if found is None:
            return replace(_refusal(request, 404, "not found"), when_sent=partial(told, 404, None))
        answer: Answer | None = None
        try:
            if too_tall and wanted.file in heights.FILTERED:
                answer = await self._smaller_manifest(request, wanted, found, too_tall, told)
            else:
                answer = await self._answer_with(request, wanted, found, told)
        except ObjectStoreFailed:
            return _refusal(request, 503, "try again")
        finally:
            if answer is None or not isinstance(answer.body, FileSlice):
                found.close()
        return answer

    async def _too_tall(self, grant: StreamGrant, wanted: rules.Wanted) -> frozenset[str] | None:
        """The rungs of the package that the token is too small for; None where the package does not tell its rungs."""
        if grant.max_height is None:
            return frozenset()
        known = self._heights.get(wanted.prefix)
        if known is None:
            listing = msgspec.structs.replace(wanted, file=heights.CONTENTS)
            found = await self._source.find(listing.object_path)
            if found is None:
                return None
            try:
                known = heights.heights_of(await self._whole(found))
            finally:
                found.close()
            self._heights.keep(wanted.prefix, known)
        return heights.refused_rungs(known, grant.max_height)

    async def _smaller_manifest(
        self, request: Request, wanted: rules.Wanted, found: Found, refused: frozenset[str], told: _Teller
    ) -> Answer:
        """A manifest without the rungs that the token does not open. Whole: nobody asks for a part of one."""
        body = heights.without_rungs(wanted.file, await self._whole(found), refused)
        tag = rules.etag(Bytes(len(body)), found.changed)
        headers: Headers = [*_CORS, (b"etag", tag.encode()), (b"cache-control", rules.cache_control(wanted.file).encode())]
        if rules.not_modified(_text(request, b"if-none-match"), tag):
            return Answer(304, headers, when_sent=partial(told, 304, None))
        headers.append((b"content-type", (rules.content_type(wanted.file) or "").encode()))
        headers.append((b"content-length", b"%d" % len(body)))
        return Answer(200, headers, b"" if request.method == "HEAD" else body, when_sent=partial(told, 200, 0))

    async def _whole(self, found: Found) -> bytes:
        if found.descriptor is not None:
            return await asyncio.to_thread(os.pread, found.descriptor, found.size, 0)
        return b"".join([chunk async for chunk in self._source.read(found, 0, found.size)])

    async def _answer_with(self, request: Request, wanted: rules.Wanted, found: Found, told: _Teller) -> Answer:
        tag = rules.etag(found.size, found.changed)
        headers: Headers = [
            *_CORS,
            (b"etag", tag.encode()),
            (b"cache-control", rules.cache_control(wanted.file).encode()),
            (b"accept-ranges", b"bytes"),
        ]
        if rules.not_modified(_text(request, b"if-none-match"), tag):
            return Answer(304, headers, when_sent=partial(told, 304, None))
        part = rules.choose_slice(_text(request, b"range"), _text(request, b"if-range"), tag, found.size)
        if isinstance(part, str):
            refusal = _refusal(request, 416, "range past the end", [(b"content-range", f"bytes */{found.size}".encode())])
            return replace(refusal, when_sent=partial(told, 416, None))
        status = 200 if part is None else 206
        bounds = rules.Slice(start=Bytes(0), end=found.size) if part is None else part
        headers.append((b"content-type", (rules.content_type(wanted.file) or "").encode()))
        headers.append((b"content-length", b"%d" % (bounds.end - bounds.start)))
        if part is not None:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (part.start, part.end - 1, found.size)))
        if request.method == "HEAD" or bounds.start == bounds.end:
            return Answer(status, headers, when_sent=partial(told, status, bounds.start))
        return Answer(status, headers, await self._body(found, bounds), when_sent=partial(told, status, bounds.start))

    async def _body(self, found: Found, bounds: rules.Slice) -> Body:
        if found.descriptor is not None:
            return FileSlice(found.descriptor, bounds.start, bounds.end)
        data = self._hot.get(found)
        if data is None and self._hot.is_wanted(found):
            data = b"".join([chunk async for chunk in self._source.read(found, 0, found.size)])
            if len(data) != found.size:
                raise ObjectStoreFailed(f"{found.path} was cut short.")
            self._hot.keep(found, data)
        if data is not None:
            return memoryview(data)[bounds.start : bounds.end]
        return Chunks(self._source.read(found, bounds.start, bounds.end), bounds.end - bounds.start)

    def _health(self, request: Request) -> Answer:
        """For anybody, so without the control file's number: it would count the plays that were ever stopped."""
        state = {"ok": True, "control_readable": self._control_good}
        body = msgspec.json.encode(state)
        headers = [*_CORS, (b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        headers.append((b"content-length", b"%d" % len(body)))
        return Answer(200, headers, b"" if request.method == "HEAD" else body)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._config.poll_ms / 1000)
            try:
                await self._look()
                self._write_log()
            except Exception as error:  # noqa: BLE001 -- an edge that looks no more would never hear of a switch again
                self._control_good = False
                sys.stderr.write(f"edge: the control file and the keys cannot be looked at: {type(error).__name__}\n")

    async def _look(self) -> None:
        """Take in a rotated key file and a newer control file; whatever cannot be read leaves the last good one in force."""
        stamp = self._stamp()
        if stamp != self._key_stamp:
            self._key_stamp = stamp
            with contextlib.suppress(KeyFileInvalid):
                self._ring = read_ring(self._key_path)
                self._verifier.use(self._ring)
        try:
            told = await asyncio.get_running_loop().run_in_executor(self._looking, read_control, self._store, self._ring)
        except (ControlFileInvalid, ObjectStoreFailed):
            self._control_good = False
            return
        self._control_good = True
        if told.sequence > self._control.told.sequence:
            self._control = InForce(told)

    def _stamp(self) -> tuple[int, int]:
        try:
            facts = os.stat(self._key_path)
        except OSError:
            return 0, 0
        return facts.st_mtime_ns, facts.st_ino

    def _note(
        self, now: Instant, grant: StreamGrant, wanted: rules.Wanted, method: str, status: int, start: int | None, sent: int
    ) -> None:
        """One line per answer to a good token: no token, no address. `bytes` is what the system took of the file's."""
        if self._log is None or len(self._log) >= MAX_LOG_LINES:
            return
        line = {
            "at": to_rfc3339(now),
            "session": grant.session,
            "operator": grant.operator,
            "method": method,
            "path": wanted.shown_path,
            "status": status,
            "bytes": sent if status in (200, 206) else 0,
            "start": start,
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


def serve_edge(config: EdgeConfig, clock: Clock) -> None:
    """Serve until SIGTERM or SIGINT. Call it in a process of its own. Raises KeyFileInvalid."""
    import uvloop

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))  # a connection and a file each
    uvloop.run(_serve(config, clock))


async def _serve(config: EdgeConfig, clock: Clock) -> None:
    edge = Edge(config, clock)
    server = HttpServer(edge.answer, clock, host=config.host, port=config.port, tls=_tls(config))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await edge.start()
    await server.start()
    await stopped.wait()
    await server.stop()
    await edge.stop()


def _tls(config: EdgeConfig) -> ssl.SSLContext | None:
    if not config.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # televisions of 2016 speak no 1.3
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(config.tls_certificate, config.tls_key)
    return context


def _text(request: Request, name: bytes) -> str | None:
    value = request.headers.get(name)
    return None if value is None else value.decode("latin-1")


def _refusal(request: Request, status: int, words: str, more: Headers | None = None) -> Answer:
    """A few words of plain text: nothing of what was asked is said back, nothing of what lies behind is told."""
    body = words.encode() + b"\n"
    headers: Headers = [
        *_CORS,
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"content-length", b"%d" % len(body)),
        *(more or []),
    ]
    return Answer(status, headers, b"" if request.method == "HEAD" else body)
