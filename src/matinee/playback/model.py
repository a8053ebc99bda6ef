"""What a play is made of: a session, the place in the film, what the player is told, and who answers what we need to know.

What a title looks like on the wire is not ours: it comes as ready-made JSON from whoever keeps the catalogue in memory, made once
per change of the catalogue instead of once per play.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import BoxId, HouseholdId, OperatorId, PackageId, ProfileId, ServiceId, SessionId, TitleId
from matinee.base.units import DurationMs, Pixels, PositionMs
from matinee.catalogue.model import Av1Picture, Language, Sight, Thumbnails

MAX_SEQUENCE = 2**31 - 1
MAX_POSITION_MS = 7 * 24 * 3_600_000


class PlaybackError(MatineeError):
    """A play cannot begin or go on."""


class TitleNotPlayable(PlaybackError):
    """The title is there, and has nothing to play: a series, or a film whose package is not published yet."""

    code = ErrorCode.TITLE_NOT_PLAYABLE


class PlanNeeded(PlaybackError):
    """The title is there and would play, and the household has no plan for its service now."""

    code = ErrorCode.PLAN_NEEDED


class TooManyStreams(PlaybackError):
    """The home sees as many films of the service at once as it may. `members` names them: see home_streams.StreamTold."""

    code = ErrorCode.TOO_MANY_STREAMS

    def __init__(self, message: str, *, remedy: str, members: Mapping[str, object]) -> None:
        super().__init__(message, remedy=remedy)
        self.members = members


class SessionNotFound(PlaybackError):
    """No such session, or another screen's: the two read alike."""

    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("There is no such session.", remedy="Start the film again.")

    def __reduce__(self) -> tuple[object, ...]:
        return SessionNotFound, ()


class SessionEnded(PlaybackError):
    """The session was ended, by its player or by us."""

    code = ErrorCode.SESSION_ENDED


class LicenceRefused(PlaybackError):
    """A key was asked for that this session has no right to."""

    code = ErrorCode.NOT_ALLOWED


class TooBusy(PlaybackError):
    """More waits to be written than may: the database is away, or far too slow."""

    code = ErrorCode.UNAVAILABLE


class PlayState(StrEnum):
    """What a player says that it is doing when it reports its place."""

    PLAYING = "playing"
    PAUSED = "paused"
    ENDED = "ended"


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One heartbeat. `sequence` counts up from 0 with each report of a session, so that a late one undoes no newer one."""

    sequence: int
    position_ms: PositionMs
    state: PlayState


class Session(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One play of one title by one profile, on one screen.

    `position_ms` is the place last counted for this session (at first the place where it resumed); `credits_ms` is where the
    credits begin, and `next_title` what follows, kept so that a report is judged without asking the catalogue again. `token` is
    in memory alone: the database holds no bearer's secret. `max_height`: the tallest picture that its tokens open, as it was when
    the play began. `screen` is the one that began it, by `Party.screen`: no other is told anything of the play. One of before
    screens were kept is nobody's.
    """

    id: SessionId
    household: HouseholdId
    profile: ProfileId
    title: TitleId
    package: PackageId
    duration_ms: DurationMs
    started_at: Instant
    token_expires_at: Instant
    token: str = ""
    max_height: Pixels | None = None
    box: BoxId | None = None
    screen: str = ""
    operator: OperatorId | None = None
    credits_ms: PositionMs | None = None
    next_title: TitleId | None = None
    next_duration_ms: DurationMs | None = None
    sequence: int = -1
    position_ms: PositionMs = PositionMs(0)
    reported_at: Instant | None = None
    ended_at: Instant | None = None
    stop_reason: str | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a profile is in a title, by the last report that counted. `counted_at` is the server's time, never a player's."""

    household: HouseholdId
    profile: ProfileId
    title: TitleId
    position_ms: PositionMs
    duration_ms: DurationMs
    completed: bool
    session: SessionId
    sequence: int
    counted_at: Instant
    next_title: TitleId | None = None
    next_duration_ms: DurationMs | None = None


class Preferences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile's wishes. `subtitle_language` None is none wanted; `audio_language` None is the film's own."""

    audio_language: Language | None = None
    subtitle_language: Language | None = None


class Showing(msgspec.Struct, frozen=True, kw_only=True):
    """All that a play needs to know of a title, ready in memory.

    `tile`, `markers` and `next_tile` are JSON as the wire has them. `audio` and `subtitles` are the languages that the package
    has, the default first. `package` None: nothing to play. `av1` is None where the sight's box does not take it.
    """

    title: TitleId
    service: ServiceId
    package: PackageId | None
    duration_ms: DurationMs
    tile: msgspec.Raw
    markers: msgspec.Raw
    audio: tuple[Language, ...]
    subtitles: tuple[Language, ...] = ()
    credits_ms: PositionMs | None = None
    thumbnails: Thumbnails | None = None
    av1: Av1Picture | None = None
    next_title: TitleId | None = None
    next_duration_ms: DurationMs | None = None
    next_tile: msgspec.Raw | None = None


class Showings(Protocol):
    """The catalogue's memory, as a play asks it."""

    def showing(self, title: TitleId, sight: Sight) -> Showing | None:
        """The title, if this sight may see it; None otherwise, whether there is such a title or not. Never blocks."""
        ...

    def service_of(self, title: TitleId, sight: Sight) -> ServiceId | None:
        """Of which service the title is, for what has all the rest of it already; None as above. Never blocks."""
        ...


class ViewerPreferences(Protocol):
    """A profile's wishes, from memory."""

    def preferences(self, household: HouseholdId, profile: ProfileId) -> Preferences: ...


class ScreenNames(Protocol):
    """What a home calls its screens, from memory."""

    def label(self, box: BoxId) -> str:
        """What the box is called; "" where nobody knows."""
        ...


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """What opens a package in one DRM system. `keys` are key id -> key in hexadecimal, empty for systems that hand none out."""

    system: str
    keys: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Licence(system={self.system!r}, kids={sorted(self.keys)})"


class LicenceIssuer(Protocol):
    """Issues licences of one DRM system. `held` never blocks; `fetch` may ask a database or a licence server."""

    def held(self, package: PackageId) -> Licence | None: ...

    def fetch(self, package: PackageId) -> Licence: ...


class ContentKeySource(Protocol):
    """Where content keys come from: the library, which unwraps them."""

    def content_keys(self, package: PackageId) -> Mapping[str, str]:
        """Key id -> key of a published package, both 32 hexadecimal digits. Blocks. Raises NotFound."""
        ...


class Addresses(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where screens reach us: origins without a slash at the end."""

    web: str
    edge: str


class Manifests(msgspec.Struct, frozen=True, kw_only=True):
    """Absolute addresses of the two manifests, stream token included."""

    hls: str
    dash: str
