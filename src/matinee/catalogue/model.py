"""What we tell of: services and titles, and what a screen needs to know to play one.

A title is one immutable value with all its languages inside. Its rows in the database, its place in the snapshot and
its document in the search index are each made from it whole, so that no two of them can disagree about half a title.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NewType, Protocol

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import ArtworkId, OperatorId, PackageId, ProfileId, PublisherId, ServiceId, TitleId
from matinee.base.party import Party
from matinee.base.units import BitsPerSecond, DurationMs, Pixels, PositionMs

Language = NewType("Language", str)
"""A BCP 47 tag, lower-case language first: "fr", "pt-BR", "und" where it is not known."""

AgeClass = NewType("AgeClass", int)
"""The youngest age that a title is for: 0, 10, 12, 16 or 18, as France has them."""

AGE_CLASSES: Final = (AgeClass(0), AgeClass(10), AgeClass(12), AgeClass(16), AgeClass(18))

Genre = NewType("Genre", str)
"""A lower-case English word or words joined by dashes: "drama", "science-fiction". Screens word it themselves."""


class CatalogueError(MatineeError):
    """A title, a service or a sidecar is not as it must be."""

    code = ErrorCode.INVALID_REQUEST


class TitleNotFound(CatalogueError):
    """No such title, or none that this party may know of: one answer, the same to the byte."""

    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("There is no such title.", remedy="Go back to the list: it shows what there is.")

    def __reduce__(self) -> tuple[object, ...]:
        return TitleNotFound, ()


class AlreadyAdded(CatalogueError):
    """The same film, byte for byte, is there already."""

    code = ErrorCode.ALREADY_ADDED


class ServiceKind(StrEnum):
    SVOD = "svod"
    CATCHUP = "catchup"
    LINEAR = "linear"
    PAYTV = "paytv"


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator carries or refuses: a publisher's titles under one name."""

    id: ServiceId
    publisher: PublisherId
    name: str
    kind: ServiceKind = ServiceKind.SVOD


class TitleKind(StrEnum):
    FILM = "film"
    SERIES = "series"
    SEASON = "season"
    EPISODE = "episode"


class TitleText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A title's words in one language. An empty field falls back to another language's."""

    name: str = ""
    synopsis: str = ""
    short: str = ""


class Credit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who did what: role is a lower-case English word ("director", "cast", "music")."""

    role: str
    names: tuple[str, ...]


class MarkerKind(StrEnum):
    INTRO = "intro"
    RECAP = "recap"
    CREDITS = "credits"


class MarkerSource(StrEnum):
    """Who says so: the publisher, in a sidecar, a chapter's name or by hand; or we, who found it."""

    WRITTEN = "written"
    FOUND = "found"


class Marker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch of a film that a screen offers to skip, or where it offers the next episode. Its source is for staff alone."""

    kind: MarkerKind
    start_ms: PositionMs
    end_ms: PositionMs
    source: MarkerSource = MarkerSource.WRITTEN


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and when a title may be shown: from `opens_at` up to, not including, `closes_at`.

    `territory` is an ISO 3166 country ("FR"), or "" wherever its service is carried; `operator` None means every operator there.
    `closes_at` None has no end.
    """

    territory: str
    operator: OperatorId | None = None
    opens_at: Instant
    closes_at: Instant | None = None


class AudioTrack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """role is "main", "description" or "commentary"."""

    language: Language
    label: str = ""
    role: str = "main"


class SubtitleTrack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """role is "subtitle", "caption" (for the hard of hearing) or "forced"."""

    language: Language
    label: str = ""
    role: str = "subtitle"


class Thumbnails(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tiled pictures for trick play. `path` lies in the package, with {n} for the sheet's number, from 1.

    A sheet holds `columns` x `rows` tiles of `tile_width` x `tile_height`, one each `interval_ms`; `count` tiles.
    """

    path: str
    columns: int
    rows: int
    tile_width: Pixels
    tile_height: Pixels
    interval_ms: DurationMs
    count: int


class TrackLoudness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """EBU R 128 of one sound track as it is delivered: integrated LUFS, range in LU, true peak in dBTP; None: not measurable."""

    track: str
    integrated_lufs: float | None
    range_lu: float | None
    true_peak_dbtp: float | None


class Av1Picture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The best of a package's pictures in AV1: what a player asks its decoder about. `codec` is the RFC 6381 name, `bitrate`
    the most that it takes, `frame_rate` in frames a second."""

    codec: str
    width: Pixels
    height: Pixels
    bitrate: BitsPerSecond
    frame_rate: float
    hdr: bool


class Playable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of its package a screen is told: enough to offer Play and draw the controls before anything is fetched."""

    package: PackageId
    duration_ms: DurationMs
    height: Pixels
    hdr: bool = False
    audio: tuple[AudioTrack, ...] = ()
    subtitles: tuple[SubtitleTrack, ...] = ()
    thumbnails: Thumbnails | None = None
    loudness: tuple[TrackLoudness, ...] = ()
    av1: Av1Picture | None = None


class Offer(StrEnum):
    """By what a viewer comes to a partner's title."""

    FREE = "free"
    SUBSCRIBE = "subscribe"
    BUY = "buy"
    RENT = "rent"


class WayToWatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to a partner's title: where OK leads, and by which offer.

    `link` is a template that was checked (deep_links.py). `subscription` names what is subscribed to, "" where nobody said.
    `windows`: where and when this way holds; empty is wherever and whenever its service is carried.
    """

    link: str
    offer: Offer
    subscription: str = ""
    windows: tuple[Window, ...] = ()


class PartnerWork(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a title that lies with a partner and not here. `ref` is the partner's own name for it (its @id)."""

    ref: str
    duration_ms: DurationMs | None = None
    ways: tuple[WayToWatch, ...] = ()


class Title(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A film, a series, a season or an episode.

    `playable` is None for a series and a season, and for what lies with a partner: that has `partner`, and is opened there.
    `series`, `season` and `episode` place an episode (and a season). `windows` empty means that no window narrows it: its
    service's agreements alone decide. `warnings` are the named troubles of its source that a viewer may notice. `settled` are
    the kinds of markers that staff decided on, with a marker or without: none of them is found any more.
    """

    id: TitleId
    publisher: PublisherId
    service: ServiceId
    kind: TitleKind
    text: dict[Language, TitleText]
    published_at: Instant
    year: int | None = None
    age_class: AgeClass = AGE_CLASSES[0]
    genres: tuple[Genre, ...] = ()
    original_language: Language | None = None
    credits: tuple[Credit, ...] = ()
    markers: tuple[Marker, ...] = ()
    artwork: ArtworkId | None = None
    windows: tuple[Window, ...] = ()
    playable: Playable | None = None
    partner: PartnerWork | None = None
    series: TitleId | None = None
    season: int | None = None
    episode: int | None = None
    warnings: tuple[str, ...] = ()
    settled: tuple[MarkerKind, ...] = ()


class SeriesRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The place of an episode, as its sidecar or its file name tells it. `key` names the series for its publisher."""

    key: str
    season: int
    episode: int
    text: dict[Language, TitleText] = {}


class Metadata(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a film apart from its pictures: from the sidecar beside it, or else from its name."""

    kind: TitleKind
    text: dict[Language, TitleText]
    year: int | None = None
    age_class: AgeClass = AGE_CLASSES[0]
    genres: tuple[Genre, ...] = ()
    original_language: Language | None = None
    credits: tuple[Credit, ...] = ()
    markers: tuple[Marker, ...] = ()
    series: SeriesRef | None = None


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What one party may see at one moment, decided once per request and handed on.

    `services` are those whose titles have pages and play, `searched` those of them that a search finds, `listed` those that
    rows show. `prominence` are the weights that the operator gives some of `listed`, by their ids. `max_age` is the profile's
    age class: a title above it is no more there than one that does not exist. `max_height` is the highest picture that the
    screen's box shows, None where nothing bounds it; `takes_av1` is False where it is declared not to decode that. `kids`: it is
    a children's profile, which has a home of its own.
    """

    services: frozenset[ServiceId]
    searched: frozenset[ServiceId]
    listed: frozenset[ServiceId]
    max_age: AgeClass
    operator: OperatorId | None
    territory: str | None
    now: Instant
    language: Language
    profile: ProfileId | None = None
    prominence: tuple[tuple[ServiceId, int], ...] = ()
    max_height: Pixels | None = None
    takes_av1: bool = True
    kids: bool = False


class Sights(Protocol):
    """Who may see what: carriage answers it, from the agreements and the household's profiles."""

    def sight(self, party: Party, profile: str | None, now: Instant, *, playing: bool = False) -> Sight:
        """What the party may see, as one of its profiles or, with None, as its youngest; `playing`, what may run on.

        Raises NotFound where the profile is not one of the party's own household, PinNeeded where the PIN is asked first.
        """
        ...


class Seller(StrEnum):
    """Who sells a service's plans to a home: `us` is the service's publisher here, `operator` the one whose line the home has."""

    US = "us"
    OPERATOR = "operator"


class StreamTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a home may have of a service: films at once, and lines of the tallest picture. None: no limit."""

    streams: int | None = None
    max_height: Pixels | None = None


class Plans(Protocol):
    """What OK does, apart from what is there: carriage answers it, from agreements and subscriptions, in memory."""

    def seller_needed(self, party: Party, service: ServiceId, now: Instant) -> Seller | None:
        """Who sells the plan that the party's home needs for a service and has not; None where it has one or needs none.

        Never blocks. Ask it of services that the party may see: of others the answer means nothing.
        """
        ...

    def waits_for_link(self, party: Party, service: ServiceId, now: Instant) -> bool:
        """Whether the plan that is needed was sold already, and waits for the home to activate it. Never blocks."""
        ...

    def terms(self, party: Party, service: ServiceId, now: Instant) -> StreamTerms | None:
        """What the party's home may have, by the best of its plans that hold; where none is needed, what the settings say.

        None where it needs a plan and has none: `seller_needed` says whose. Never blocks.
        """
        ...


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """How far a profile is in a title, and when it last was. An episode that follows a finished one is at 0."""

    title: TitleId
    position_ms: PositionMs
    duration_ms: DurationMs
    at: Instant


class Positions(Protocol):
    """What a profile has under way: begun and not finished, or next in its series. Playback decides and answers it."""

    def recent(self, profile: ProfileId, limit: int) -> Sequence[Watched]:
        """What is under way, newest first."""
        ...

    def among(self, profile: ProfileId, titles: Sequence[TitleId]) -> Mapping[TitleId, Watched]:
        """Those of these titles that are under way."""
        ...


class Taste(msgspec.Struct, frozen=True, kw_only=True):
    """What a profile thinks of a title: whether it is on its list, and its thumb: "up", "down", or None for none."""

    in_list: bool = False
    thumb: str | None = None


class Tastes(Protocol):
    """What profiles put on their lists and what they liked: members answers it."""

    def taste(self, profile: ProfileId, title: TitleId) -> Taste: ...

    def listed(self, profile: ProfileId) -> Sequence[TitleId]:
        """What is on the profile's list, newest first."""
        ...
