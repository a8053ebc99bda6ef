"""What players report, as it is kept: one row per event, of known columns only."""

from enum import StrEnum
from typing import Protocol

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import BoxId, OperatorId, PackageId, PublisherId, ServiceId, SessionId


class TelemetryError(MatineeError):
    """A report cannot be taken."""

    code = ErrorCode.INVALID_REQUEST


class PackageOwners(Protocol):
    """Whose title a package is of: the catalogue answers it, from memory."""

    def owner_of(self, package: PackageId) -> PublisherId | None:
        """None for a package that is no title's."""
        ...


class Kind(StrEnum):
    """What an event means for the figures; rules.py says how it is told."""

    START = "start"
    FAILURE = "failure"
    REBUFFER = "rebuffer"
    END = "end"
    OTHER = "other"


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One CMCD v2 event of a session, named as CTA-5004-B names its keys where it has one for it.

    `received_at` is the server's clock; `ts` is the player's, kept and never trusted. Rates are kbit/s, times ms. Session,
    operator, box, service and package come from the stream token, never from the line. `url` is without its token.
    """

    received_at: Instant
    session: SessionId
    operator: OperatorId | None
    package: PackageId
    kind: Kind
    e: str
    ts: int
    sn: int | None = None
    sta: str | None = None
    pt: int | None = None
    bl: int | None = None
    br: float | None = None
    mtp: int | None = None
    bs: bool = False
    bsd: int | None = None
    msd: int | None = None
    ec: str | None = None
    rc: int | None = None
    ttfb: int | None = None
    ttlb: int | None = None
    url: str | None = None
    cdn: str | None = None
    box: BoxId | None = None
    service: ServiceId | None = None


class BoxCount(msgspec.Struct, frozen=True, kw_only=True):
    """What one box reported of a service in a while: starts, failures, rebufferings, each counted, and when it was heard last.

    `runs_on`: its newest play began, and by all that it told was playing then: no end, no failure, no pause.
    """

    box: str
    starts: int
    failures: int
    rebuffers: int
    last_at: Instant
    runs_on: bool


class HourCount(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one operator and hour (UTC): sessions that started, failed and ended; rebufferings, each counted."""

    operator: str
    hour: str
    starts: int
    failures: int
    rebuffers: int
    ends: int
    start_ms_median: float | None
