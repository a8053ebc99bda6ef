"""The screens' built files, served from memory: a few megabytes, read once, compressed once, with ETags.

/ui/VERSION/... never changes and says so; the launcher's pages are asked for again each time.
"""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from matinee.base.errors import ErrorCode, MatineeError, NotFound
from matinee.base.party import ANYONE
from matinee.fleet.model import BoxModel, Release

_COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}


class ScreensMissing(MatineeError):
    """The screens have not been built."""

    code = ErrorCode.TOOL_MISSING


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    gzipped: bytes | None
    media_type: str
    etag: str
    cache_control: str


class Screens:
    """The built screens. Raises ScreensMissing where the folder holds no build."""

    def __init__(self, dist: Path) -> None:
        release = dist / "release.json"
        if not release.is_file():
            raise ScreensMissing(f"{dist} holds no built screens.", remedy="Run make ui.")
        self.release = msgspec.json.decode(release.read_bytes(), type=Release)
        self._files: Mapping[str, _File] = {
            "/" + path.relative_to(dist).as_posix(): _load(path, dist) for path in sorted(dist.rglob("*")) if path.is_file()
        }

    @property
    def inline_styles(self) -> list[str]:
        """The texts of the style elements in our own pages, for the policy that allows them by hash."""
        pages = [file.body.decode() for path, file in self._files.items() if path.endswith(".html")]
        return [style for page in pages for style in re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)]

    def meant_for(self, model: BoxModel | None) -> Release | None:
        """Implements fleet's `Releases`: one release for every model, until releases come in waves."""
        return self.release

    def routes(self) -> list[HTTPRouteHandler]:
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
            return _answer(request, self._files.get(request.scope["path"]))

        return [page, asset]


def _load(path: Path, dist: Path) -> _File:
    body = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    compressible = media_type.startswith(_COMPRESSIBLE) and len(body) > 1024
    versioned = path.relative_to(dist).parts[0] == "ui"
    return _File(
        body,
        gzip.compress(body, 9, mtime=0) if compressible else None,
        media_type + ("; charset=utf-8" if media_type.startswith("text/") else ""),
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
