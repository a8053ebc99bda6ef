"""What an edge answers, decided as data: which file a path names, which bytes of it, and what the answer says about them.

Nothing here opens a file, so that the same decisions stand for a local folder, for S3, and in the tests' tables. Paths are
read as they were sent, still encoded: our own need no encoding, so a `%` is a refusal and there is no second way to spell one.
"""

import re

import msgspec

from matinee.base.units import Bytes
from matinee.delivery.model import ContentKind

MAX_PATH_CHARS = 2048
RANGE_UNIT = "bytes"

_ELEMENT = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}"
_PATH = re.compile(rf"/s/([A-Za-z0-9_-]{{1,1024}})(/p/[0-9a-z]{{26}}/)({_ELEMENT}(?:/{_ELEMENT}){{0,3}})")
_RANGE = re.compile(r"bytes=\s*(\d{1,15})?-(\d{1,15})?\s*")

_TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
    "m4a": "audio/mp4",
    "vtt": "text/vtt; charset=utf-8",
    "jpg": "image/jpeg",
    "webp": "image/webp",
}
_MANIFESTS = frozenset({"m3u8", "mpd"})

_CACHE = {
    # A URL holds a token, so only the player that asked may keep it; a published file never changes.
    ContentKind.SEGMENT: "private, max-age=31536000, immutable",
    ContentKind.MANIFEST: "private, max-age=60",
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A path of an edge, taken apart: `/s/TOKEN` + `/p/PACKAGE/` + the file within the package."""

    token: str
    prefix: str
    file: str

    @property
    def object_path(self) -> str:
        """Where the file lies in the published store."""
        return f"packages/{self.prefix[3:]}{self.file}"

    @property
    def shown_path(self) -> str:
        """The path without the token, for logs."""
        return self.prefix + self.file


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of a file to send: from `start` up to, not including, `end`."""

    start: Bytes
    end: Bytes


def read_path(raw_path: str) -> Wanted | None:
    """What a path as it was sent names; None for any that is not ours in every letter."""
    if len(raw_path) > MAX_PATH_CHARS:
        return None
    match = _PATH.fullmatch(raw_path)
    if match is None or content_type(match[3]) is None:
        return None
    return Wanted(token=match[1], prefix=match[2], file=match[3])


def content_type(file: str) -> str | None:
    """The media type by the file's ending; None for what an edge never serves."""
    return _TYPES.get(file.rpartition(".")[2]) if "." in file else None


def content_kind(file: str) -> ContentKind:
    return ContentKind.MANIFEST if file.rpartition(".")[2] in _MANIFESTS else ContentKind.SEGMENT


def cache_control(file: str) -> str:
    return _CACHE[content_kind(file)]


def etag(size: Bytes, changed: int) -> str:
    """A strong validator. Published files never change in place; size and time tell a package made anew."""
    return f'"{changed:x}-{size:x}"'


def not_modified(if_none_match: str | None, tag: str) -> bool:
    """Whether the player has the file already (RFC 9110 13.1.2, weak comparison)."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return any(entry.strip().removeprefix("W/") == tag for entry in if_none_match[:1000].split(","))


def choose_slice(range_header: str | None, if_range: str | None, tag: str, size: Bytes) -> Slice | str | None:
    """The slice that a request asks for; None for the whole file; "unsatisfiable" where it asks for bytes past the end.

    One range alone is served: a list of them is answered by the whole file, as RFC 9110 14.2 allows, and so is a range of a file
    that has changed since (`If-Range`; a date there never matches, since no dates are sent).
    """
    if range_header is None or (if_range is not None and if_range.strip() != tag):
        return None
    match = _RANGE.fullmatch(range_header)
    if match is None or (match[1] is None and match[2] is None):
        return None
    if match[1] is None:
        length = min(int(match[2]), size)
        return "unsatisfiable" if length == 0 else Slice(start=Bytes(size - length), end=size)
    start = int(match[1])
    last = int(match[2]) if match[2] is not None else size - 1
    if match[2] is not None and last < start:
        return None  # no valid range at all: ignored, as the RFC asks
    if start >= size:
        return "unsatisfiable"
    return Slice(start=Bytes(start), end=Bytes(min(last + 1, size)))
