"""A service's titles as schema.org tells them, each with the action that begins to play it, for a partner's own catalogue.

Source: schema.org (DataFeed, WatchAction, ActionAccessSpecification), as media actions ask for them. A window that is one
operator's alone stands in that operator's feed and in no other: a region cannot say it. What closed is left out, what will
open is told with its moment.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from matinee.base.clock import Instant, to_rfc3339
from matinee.base.ids import TitleId
from matinee.base.pagination import decode_cursor, encode_cursor
from matinee.base.units import DurationMs
from matinee.catalogue.model import Language, Service, ServiceKind, Title, TitleKind
from matinee.catalogue.rules import name_of
from matinee.catalogue.view import CatalogueView
from matinee.fleet.model import Operator

MEDIA_TYPE: Final = "application/ld+json"
PLATFORMS: Final = ("https://schema.org/DesktopWebPlatform", "https://schema.org/MobileWebPlatform")

_CONTEXT: Final[tuple[Any, ...]] = ("https://schema.org", {"next_cursor": None})  # a term of ours, with no meaning there
_TYPES: Final = {TitleKind.FILM: "Movie", TitleKind.SERIES: "TVSeries", TitleKind.EPISODE: "TVEpisode"}
_SUBSCRIPTION: Final = {ServiceKind.SVOD: "subscription", ServiceKind.PAYTV: "externalsubscription"}
"""How a viewer comes by a service; any other kind is free, for whoever signs in."""


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A text in one language."""

    language: str = msgspec.field(name="@language")
    value: str = msgspec.field(name="@value")


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation, a person, a country or a subscription, by its name."""

    type: str = msgspec.field(name="@type")
    name: str


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The series or the season that an episode is a part of."""

    type: str = msgspec.field(name="@type")
    id: str | None = msgspec.field(name="@id", default=None)
    name: list[Words] | None = None
    season_number: int | None = msgspec.field(name="seasonNumber", default=None)


class Access(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who may watch, where and when. Without a region: wherever the service is carried."""

    type: str = msgspec.field(name="@type")
    category: str
    starts: str = msgspec.field(name="availabilityStarts")
    ends: str | None = msgspec.field(name="availabilityEnds", default=None)
    region: Thing | None = msgspec.field(name="eligibleRegion", default=None)
    subscription: Thing | None = msgspec.field(name="requiresSubscription", default=None)


class EntryPoint(msgspec.Struct, frozen=True, kw_only=True):
    type: str = msgspec.field(name="@type")
    template: str = msgspec.field(name="urlTemplate")
    platforms: tuple[str, ...] = msgspec.field(name="actionPlatform")


class WatchAction(msgspec.Struct, frozen=True, kw_only=True):
    type: str = msgspec.field(name="@type")
    target: EntryPoint
    access: list[Access] = msgspec.field(name="actionAccessibilityRequirement")


class Work(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A Movie, a TVSeries or a TVEpisode."""

    type: str = msgspec.field(name="@type")
    id: str = msgspec.field(name="@id")
    url: str
    name: list[Words]
    action: WatchAction = msgspec.field(name="potentialAction")
    description: list[Words] = []
    image: str | None = None
    duration: str | None = None
    published: str | None = msgspec.field(name="datePublished", default=None)
    age_range: str | None = msgspec.field(name="typicalAgeRange", default=None)
    genre: tuple[str, ...] = ()
    language: str | None = msgspec.field(name="inLanguage", default=None)
    subtitles: list[str] = msgspec.field(name="subtitleLanguage", default_factory=list)
    director: list[Thing] = []
    actor: list[Thing] = []
    music: list[Thing] = msgspec.field(name="musicBy", default_factory=list)
    part_of_series: Part | None = msgspec.field(name="partOfSeries", default=None)
    part_of_season: Part | None = msgspec.field(name="partOfSeason", default=None)
    episode_number: int | None = msgspec.field(name="episodeNumber", default=None)


class WatchFeed(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a service's titles."""

    context: tuple[Any, ...] = msgspec.field(name="@context")
    type: str = msgspec.field(name="@type")
    name: str
    provider: Thing
    elements: list[Work] = msgspec.field(name="dataFeedElement")
    next_cursor: str | None


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """When a title may be watched in a country; None is wherever its service is carried."""

    territory: str | None
    opens_at: Instant
    closes_at: Instant | None


Place = tuple[int, TitleId, int, int]
"""Where a title stands in the feed: its entry of the shelf, then season and episode, or -1 and -1 for the entry itself."""


def watch_feed(
    view: CatalogueView,
    service: Service,
    provider: str,
    operator: Operator | None,
    now: Instant,
    web_origin: str,
    cursor: str | None,
    limit: int,
) -> WatchFeed:
    """A page of the feed, newest first, each series before its episodes. Raises InvalidRequest for a cursor that is not ours."""
    after = _place(cursor) if cursor else None
    found = list(itertools.islice(_walk(view, service, operator, now, after), limit + 1))
    return WatchFeed(
        context=_CONTEXT,
        type="DataFeed",
        name=service.name,
        provider=Thing(type="Organization", name=provider),
        elements=[_work(view, service, title, openings, web_origin) for _, title, openings in found[:limit]],
        next_cursor=encode_cursor(*found[limit - 1][0]) if len(found) > limit else None,
    )


def openings_of(title: Title, operator: Operator | None, now: Instant) -> list[Opening]:
    """Where and when a film or an episode may be watched, now or later; at one operator where one is named."""
    country = operator.country if operator is not None else None
    if not title.windows:
        return [Opening(territory=country, opens_at=title.published_at, closes_at=None)]
    return [
        Opening(territory=window.territory or country, opens_at=window.opens_at, closes_at=window.closes_at)
        for window in sorted(title.windows, key=lambda window: (window.territory, window.opens_at))
        if (window.closes_at is None or now < window.closes_at)
        and (country is None or window.territory in ("", country))
        and window.operator in (None, operator.id if operator is not None else None)
    ]


def _place(cursor: str) -> Place:
    key, title, season, episode = decode_cursor(cursor, int, str, int, int)
    return int(key), TitleId(str(title)), int(season), int(episode)


def _walk(
    view: CatalogueView, service: Service, operator: Operator | None, now: Instant, after: Place | None
) -> Iterator[tuple[Place, Title, list[Opening]]]:
    for (key, entry), title in view.titles_of(service.id, after[:2] if after is not None else None):
        parts = [view.titles[one] for one in view.episodes.get(entry, ())]
        open_parts = [(part, openings) for part in parts if (openings := openings_of(part, operator, now))]
        own = (
            _joined(openings for _, openings in open_parts)
            if title.kind is TitleKind.SERIES
            else openings_of(title, operator, now)
        )
        row: list[tuple[Place, Title, list[Opening]]] = [((key, entry, -1, -1), title, own)] if own else []
        row += [((key, entry, part.season or 0, part.episode or 0), part, openings) for part, openings in open_parts]
        yield from (one for one in row if after is None or one[0] > after)


def _joined(every: Iterable[Sequence[Opening]]) -> list[Opening]:
    """When a series is there: in each country from its first episode's opening to its last one's close."""
    joined: dict[str | None, Opening] = {}
    for one in itertools.chain.from_iterable(every):
        known = joined.get(one.territory, one)
        ends = None if known.closes_at is None or one.closes_at is None else max(known.closes_at, one.closes_at)
        joined[one.territory] = Opening(territory=one.territory, opens_at=min(known.opens_at, one.opens_at), closes_at=ends)
    return sorted(joined.values(), key=lambda one: one.territory or "")


def _work(view: CatalogueView, service: Service, title: Title, openings: Sequence[Opening], web_origin: str) -> Work:
    page = f"{web_origin}/watch/#/title/{title.id}"
    series = view.titles.get(title.series) if title.series is not None else None
    is_episode = title.kind is TitleKind.EPISODE
    return Work(
        type=_TYPES[title.kind],
        id=page,
        url=page,
        name=_words(title, "name") or [Words(language="und", value=name_of(title, Language("und")))],
        description=_words(title, "synopsis") or _words(title, "short"),
        action=WatchAction(
            type="WatchAction",
            target=EntryPoint(
                type="EntryPoint",
                template=page if title.playable is None else f"{web_origin}/watch/#/play/{title.id}",
                platforms=PLATFORMS,
            ),
            access=[_access(service, one) for one in openings],
        ),
        image=None if title.artwork is None else f"{web_origin}/artwork/{title.artwork}/poster.jpg",
        duration=None if title.playable is None else _duration(title.playable.duration_ms),
        published=None if title.year is None else f"{title.year:04d}",
        age_range=f"{title.age_class}-",
        genre=title.genres,
        language=title.original_language,
        subtitles=sorted({track.language for track in title.playable.subtitles}) if title.playable is not None else [],
        director=_people(title, "director"),
        actor=_people(title, "cast"),
        music=_people(title, "music"),
        part_of_series=Part(type="TVSeries", id=f"{web_origin}/watch/#/title/{series.id}", name=_words(series, "name"))
        if is_episode and series is not None
        else None,
        part_of_season=Part(type="TVSeason", season_number=title.season) if is_episode and title.season is not None else None,
        episode_number=title.episode if is_episode else None,
    )


def _access(service: Service, opening: Opening) -> Access:
    category = _SUBSCRIPTION.get(service.kind)
    return Access(
        type="ActionAccessSpecification",
        category=category or "free",
        starts=to_rfc3339(opening.opens_at),
        ends=None if opening.closes_at is None else to_rfc3339(opening.closes_at),
        region=None if opening.territory is None else Thing(type="Country", name=opening.territory),
        subscription=None if category is None else Thing(type="MediaSubscription", name=service.name),
    )


def _words(title: Title, field: str) -> list[Words]:
    return [Words(language=tag, value=words) for tag, text in sorted(title.text.items()) if (words := getattr(text, field))]


def _people(title: Title, role: str) -> list[Thing]:
    return [Thing(type="Person", name=name) for credit in title.credits if credit.role == role for name in credit.names]


def _duration(duration_ms: DurationMs) -> str:
    """ISO 8601, in whole seconds: PT1H2M3S."""
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"PT{hours}H{minutes}M{seconds}S"
