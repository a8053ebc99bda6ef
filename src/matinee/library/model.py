"""What the library holds: packages, their tracks, and the keys that open them.

A package never changes: a title that is encoded again gets a new one. Its contents are listed once, with a hash of every file
and of every track's clear samples, in `contents.json` beside the manifests; the row in the database holds the hash of that list,
so that one 32-byte value vouches for every byte.
"""

import hashlib
from enum import StrEnum
from typing import NoReturn

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import PackageId, TitleId
from matinee.base.units import BitsPerSecond, Bytes, DurationMs


class LibraryError(MatineeError):
    """A package or a key is not as it should be."""

    code = ErrorCode.PACKAGE_DAMAGED


class KeysUnusable(MatineeError):
    """The master key file is exposed, is not one, or is another than the one that wrapped a content key."""

    code = ErrorCode.SETTING_INVALID


class DrmSystem(StrEnum):
    """Systems whose signalling (PSSH boxes, DASH ContentProtection, HLS EXT-X-KEY) a package may carry."""

    CLEARKEY = "clearkey"
    WIDEVINE = "widevine"
    PLAYREADY = "playready"
    FAIRPLAY = "fairplay"


class PackageState(StrEnum):
    """`preparing` holds a key and no bytes that count; `published` stands whole in the published store; `retired` stands there
    for those who watch it, and no title points to it any more; `removed` is gone."""

    PREPARING = "preparing"
    PUBLISHED = "published"
    RETIRED = "retired"
    REMOVED = "removed"


class Check(StrEnum):
    """What a package is checked for before it is published, and after. Closed: a name never changes its meaning."""

    FILES = "files"
    """Every file stands as it is listed, and no other."""
    ADDRESSES = "addresses"
    """Every address in a playlist or manifest leads to a file of the package."""
    SAMPLES = "samples"
    """Every byte of picture and sound decrypts to what was encoded."""
    KEY_PICTURES = "key_pictures"
    """Every segment of every rung begins with a picture that stands alone."""
    DECODING = "decoding"
    """The first, a middle and the last segment of each track decode, frame for frame."""
    BOUNDARIES = "boundaries"
    DESCRIPTIONS = "descriptions"
    LENGTHS = "lengths"
    SYNC = "sync"
    RATES = "rates"
    PICTURES = "pictures"
    """A sampled stretch of every rung looks like the source."""


class TrackKind(StrEnum):
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    IMAGE = "image"


class ContentKeys:
    """The key of a package: key id, AES-128 key, constant IV, 16 bytes each.

    It has no readable form on purpose: neither repr, nor pickle, nor JSON, so that no log, no error and no durable step can hold
    it. Whoever needs it asks the store again.
    """

    __slots__ = ("iv", "key", "kid")

    def __init__(self, *, kid: bytes, key: bytes, iv: bytes) -> None:
        for name, value in (("kid", kid), ("key", key), ("iv", iv)):
            if len(value) != 16:
                raise ValueError(f"{name} is 16 bytes, not {len(value)}")
        self.kid = kid
        self.key = key
        self.iv = iv

    def __repr__(self) -> str:
        return f"ContentKeys(kid={self.kid.hex()})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ContentKeys):
            return NotImplemented
        return (self.kid, self.key, self.iv) == (other.kid, other.key, other.iv)

    def __hash__(self) -> int:
        return hash(self.kid)

    def __reduce__(self) -> NoReturn:
        raise TypeError("content keys are not written down; ask the store for them by the package's id")


class Track(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One track of a package: what a player may choose, and what `check` compares.

    `media_sha256` is over all clear samples in order (audio and video), so that a check can tell that every byte decrypts to what
    was encoded, long after the renditions are gone.
    """

    name: str
    kind: TrackKind
    label: str = ""
    language: str = ""
    role: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    channels: int = 0
    peak: BitsPerSecond = BitsPerSecond(0)
    average: BitsPerSecond = BitsPerSecond(0)
    segments: int = 0
    samples: int = 0
    duration_ms: DurationMs = DurationMs(0)
    media_sha256: str = ""


class FileHash(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a package: path within it, size, SHA-256 in hexadecimal."""

    path: str
    size: Bytes
    sha256: str


class Contents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything in a package but this list itself; `files` is sorted by path."""

    package_id: PackageId
    kid: str
    drm: tuple[DrmSystem, ...]
    duration_ms: DurationMs
    tracks: tuple[Track, ...]
    files: tuple[FileHash, ...]

    def encode(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1)

    @staticmethod
    def decode(data: bytes) -> "Contents":
        return msgspec.json.decode(data, type=Contents)


class PackageFiles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What packaging made, small enough to be the answer of a durable step: the list of files stays in the folder."""

    package_id: PackageId
    kid: str
    drm: tuple[DrmSystem, ...]
    duration_ms: DurationMs
    tracks: tuple[Track, ...]
    file_count: int
    total_bytes: Bytes
    contents_sha256: str

    @staticmethod
    def of(contents: Contents) -> "PackageFiles":
        encoded = contents.encode()
        return PackageFiles(
            package_id=contents.package_id,
            kid=contents.kid,
            drm=contents.drm,
            duration_ms=contents.duration_ms,
            tracks=contents.tracks,
            file_count=len(contents.files) + 1,
            total_bytes=Bytes(sum(file.size for file in contents.files) + len(encoded)),
            contents_sha256=hashlib.sha256(encoded).hexdigest(),
        )


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was looked at and found right; what is wrong raises LibraryError instead. `sync_ms` is audio's start after video's,
    `scores` how the poorest sampled stretch of each rung looks beside the source (VMAF at 360 lines)."""

    files: int
    bytes: Bytes
    segments: int
    samples: int
    frames_decoded: int
    duration_ms: DurationMs
    sync_ms: int
    scores: dict[str, float] = {}


class CheckReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `matinee check` found in one published package: every fault as one sentence, none when it stands."""

    package_id: PackageId
    files: int
    bytes: Bytes
    faults: tuple[str, ...]


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A package as the database knows it. `files` is None until it is published."""

    id: PackageId
    title_id: TitleId
    kid: str
    state: PackageState
    created_at: Instant
    published_at: Instant | None = None
    files: PackageFiles | None = None
