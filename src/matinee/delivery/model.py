"""What delivery speaks of: a grant to fetch one package's files, and what an edge needs to know to serve them."""

from enum import StrEnum

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import BoxId, OperatorId, PackageId, ProfileId, ServiceId, SessionId
from matinee.base.units import Bytes, Pixels


class DeliveryError(MatineeError):
    """Something about tokens, keys or an edge."""


class TokenRefused(DeliveryError):
    """A stream token that grants nothing. The message is for logs and tests: an edge says refused or expired."""

    code = ErrorCode.TOKEN_INVALID


class KeyFileInvalid(DeliveryError):
    """The file of token keys cannot be used as it is."""

    code = ErrorCode.SETTING_INVALID


class StreamGrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a stream token says: this session may fetch this package's files until then.

    `expires_at` is kept in whole seconds by the token (RFC 8392 NumericDate), so a minted grant reads back rounded down.
    """

    session: SessionId
    profile: ProfileId
    package: PackageId
    expires_at: Instant
    box: BoxId | None = None
    operator: OperatorId | None = None
    service: ServiceId | None = None
    """None in a token of before services stood in them: it lives for hours at most, and no switch of a service stops it."""
    max_height: Pixels | None = None
    """Lines of the tallest picture that it opens; None: every one."""

    @property
    def path_prefix(self) -> str:
        """The prefix that the token's `catu` claim names. It ends with a slash: a bare prefix would cover longer ids too."""
        return f"/p/{self.package}/"


class Revoked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session whose tokens no edge may honour, listed until the last of them has expired."""

    session: SessionId
    until: Instant


class SwitchedOff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A service that is switched off, at one operator or, with None, at every one.

    New plays are refused; with `ends_plays` those that run are stopped too. `by_launch`: it follows a launch that is recorded as
    killed, and goes when that does; otherwise somebody did it by hand, and somebody must take it back.
    """

    service: ServiceId
    since: Instant
    operator: OperatorId | None = None
    ends_plays: bool = False
    by_launch: bool = False


class ControlList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the control file says. `sequence` only grows, so that an edge never takes an older file for news."""

    sequence: int
    revoked: tuple[Revoked, ...] = ()
    switched_off: tuple[SwitchedOff, ...] = ()


class ContentKind(StrEnum):
    """How long an answer may be kept by the player that asked."""

    SEGMENT = "segment"
    MANIFEST = "manifest"


class EdgeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that an edge's process is told. No path in it reaches the private work store or the database."""

    published_url: str
    """file:///FOLDER or s3://BUCKET/PREFIX."""
    key_file: str
    host: str = "127.0.0.1"
    port: int = 8001
    issuer: str = "matinee"
    memory_bytes: Bytes = Bytes(128 * 1024 * 1024)
    """Hot segments of an object store kept in memory; 0 keeps none. Of a local folder the system's page cache holds them."""
    access_log: str | None = None
    """A file for one JSON line per answer, "-" for standard output, None for none."""
    tls_certificate: str | None = None
    tls_key: str | None = None
    poll_ms: int = 500
