"""The screens' files. Those that were built here are served from memory: a few megabytes, read once, compressed once, with ETags.
Those of uploaded releases are read from the published store when they are first asked for, and kept while there is room.

/ui/VERSION/... never changes and says so; the launcher's pages, always the built ones, are asked for again each time.
"""

import asyncio
import gzip
import hashlib
import mimetypes
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from matinee.base.errors import ErrorCode, MatineeError, NotFound
from matinee.base.party import ANYONE
from matinee.fleet.model import Release
from matinee.fleet.release_book import ReleaseBook
from matinee.outside.objects import ObjectMissing, ObjectStore

_COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}


KEPT_BYTES: Final = 64 * 1024 * 1024
"""Of uploaded releases' files, in one process: some forty releases of today's screens."""

log = structlog.get_logger("matinee.screens")


class ScreensMissing(MatineeError):
    """The screens have not been built."""

    code = ErrorCode.TOOL_MISSING


class ReleaseDamaged(MatineeError):
    """A file of a release does not lie in the store as it was signed."""

    code = ErrorCode.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    gzipped: bytes | None
    media_type: str
    etag: str
    cache_control: str

    @property
    def weight(self) -> int:
        return len(self.body) + len(self.gzipped or b"")


class UploadedFiles:
    """Files of uploaded releases, from the published store. Which there are is the book's to say, so nobody can ask the store for
    anything else; what comes is compared with the hash that was signed. What was used longest ago gives way.
    """

    def __init__(self, published: ObjectStore, book: ReleaseBook, kept_bytes: int = KEPT_BYTES) -> None:
        self._published = published
        self._book = book
        self._kept_bytes = kept_bytes
        self._files: OrderedDict[str, _File] = OrderedDict()
        self._weight = 0
        self._fetching: dict[str, asyncio.Task[_File]] = {}

    @property
    def weight(self) -> int:
        """Bytes that are kept."""
        return self._weight

    async def file(self, version: str, path: str) -> _File | None:
        """A file of an uploaded release; None where there is none. Raises ObjectStoreFailed, ReleaseDamaged."""
        found = self._book.file(version, path)
        if found is None:
            return None
        place, digest = found
        kept = self._files.get(place)
        if kept is not None:
            self._files.move_to_end(place)
            return kept
        # A whole town may ask for one file at once: it is read once.
        fetching = self._fetching.get(place)
        if fetching is None:
            fetching = self._fetching[place] = asyncio.create_task(asyncio.to_thread(self._fetch, place, digest))
            fetching.add_done_callback(lambda done: self._keep(place, done))
        return await asyncio.shield(fetching)

    def _fetch(self, place: str, digest: str) -> _File:
        try:
            body = self._published.get(place)
        except ObjectMissing:
            body = b""
        if hashlib.sha256(body).hexdigest() != digest:
            log.error("a release's file in the published store is not as it was signed", path=place)
            raise ReleaseDamaged("A file of this release is not as it was uploaded.", remedy="Upload its bundle again.")
        return _made(body, PurePosixPath(place), versioned=True)

    def _keep(self, place: str, done: "asyncio.Task[_File]") -> None:
        del self._fetching[place]
        if done.cancelled() or done.exception() is not None:
            return
        self._files[place] = done.result()
        self._weight += done.result().weight
        while self._weight > self._kept_bytes:
            self._weight -= self._files.popitem(last=False)[1].weight


class Screens:
    """The built screens. Raises ScreensMissing where the folder holds no build."""

    def __init__(self, dist: Path) -> None:
        release = built_release(dist)
        if release is None:
            raise ScreensMissing(f"{dist} holds no built screens.", remedy="Run make ui.")
        self.release = release
        self._files: Mapping[str, _File] = {
            "/" + path.relative_to(dist).as_posix(): _load(path, dist) for path in sorted(dist.rglob("*")) if path.is_file()
        }

    @property
    def inline_styles(self) -> list[str]:
        """The texts of the style elements in our own pages, for the policy that allows them by hash."""
        pages = [file.body.decode() for path, file in self._files.items() if path.endswith(".html")]
        return [style for page in pages for style in re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)]

    def routes(self, uploaded: UploadedFiles) -> list[HTTPRouteHandler]:
        """/box/, /watch/ and /ui/... for everyone: they hold no secret."""

        @get(["/box", "/box/{rest:path}", "/watch", "/watch/{rest:path}"], opt={"policy": ANYONE}, include_in_schema=False)
        async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
            asked = request.scope["raw_path"].decode("latin-1").partition("?")[0]
            root = "/box/" if asked.startswith("/box") else "/watch/"
            if asked + "/" == root:
                return Response(b"", status_code=308, headers={"Location": root})
            # A path without a dot is a place inside the app, which reads it itself.
            inside = "." not in asked.rsplit("/", 1)[-1]
            return _answer(request, self._files.get(f"{root}index.html" if inside else asked))

        @get("/ui/{rest:path}", opt={"policy": ANYONE}, include_in_schema=False)
        async def asset(request: Request[Any, Any, Any]) -> Response[bytes]:
            path = request.scope["path"]
            file = self._files.get(path)
            if file is None:
                version, _, rest = path.removeprefix("/ui/").partition("/")
                file = await uploaded.file(version, rest)
            return _answer(request, file)

        return [page, asset]


def built_release(dist: Path) -> Release | None:
    """The release that was built into a folder, None where there is none."""
    file = dist / "release.json"
    return msgspec.json.decode(file.read_bytes(), type=Release) if file.is_file() else None


def _load(path: Path, dist: Path) -> _File:
    return _made(path.read_bytes(), path, versioned=path.relative_to(dist).parts[0] == "ui")


def _made(body: bytes, path: PurePath, *, versioned: bool) -> _File:
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    compressible = media_type.startswith(_COMPRESSIBLE) and len(body) > 1024
    return _File(
        body,
        gzip.compress(body, 9, mtime=0) if compressible else None,
        media_type,  # the framework says of text that it is UTF-8
        f'"{hashlib.sha256(body).hexdigest()[:24]}"',
        "public, max-age=31536000, immutable" if versioned else "no-cache",
    )


def _answer(request: Request[Any, Any, Any], file: _File | None) -> Response[bytes]:
    if file is None:
        raise NotFound("There is no such page.")
    headers = {"ETag": file.etag, "Cache-Control": file.cache_control, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == file.etag:
        return Response(b"", status_code=304, headers=headers)
    if file.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.gzipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.body, headers=headers, media_type=file.media_type)
