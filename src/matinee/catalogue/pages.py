"""A title's page and a search's answer, put together from the snapshot: pure but for the search index."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from matinee.base.ids import TitleId
from matinee.catalogue.folding import typed_words
from matinee.catalogue.model import (
    Language,
    Playable,
    Positions,
    Sight,
    Taste,
    Tastes,
    Title,
    TitleKind,
    TitleNotFound,
    Watched,
)
from matinee.catalogue.plans import Needed, PlanNeededTold, plan_for
from matinee.catalogue.rules import in_language, name_of, open_ways
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.tiles import Tile, tile_of
from matinee.catalogue.view import CatalogueView

SIMILAR_TITLES: Final = 12
SUGGESTIONS: Final = 6
_SPARE_HITS: Final = 20
"""Asked of the index beyond what is shown, for titles whose window is shut: the index knows no windows."""
_MOST_HITS: Final = 2_000
"""Asked at the most, where window after window is shut: a partner's feed may tell of thousands of titles that are over."""


class WireCredit(msgspec.Struct, frozen=True, kw_only=True):
    role: str
    names: tuple[str, ...]


class WireTrack(msgspec.Struct, frozen=True, kw_only=True):
    language: str
    label: str
    role: str


class WireQuality(msgspec.Struct, frozen=True, kw_only=True):
    """What the title offers. `here`: the height that this screen's box shows, where that is less; null where it is not."""

    height: int
    hdr: bool
    here: int | None


class WireMarker(msgspec.Struct, frozen=True, kw_only=True):
    """A marker as screens have it: whether it was written or found is for staff."""

    kind: str
    start_ms: int
    end_ms: int


def wire_markers(title: Title) -> list[WireMarker]:
    return [WireMarker(kind=one.kind.value, start_ms=one.start_ms, end_ms=one.end_ms) for one in title.markers]


class WireResume(msgspec.Struct, frozen=True, kw_only=True):
    """What Resume plays: the title itself, or of a series the episode in hand or the one that follows it."""

    title_id: str
    position_ms: int


class WireWay(msgspec.Struct, frozen=True, kw_only=True):
    """A way to watch what lies with a partner. `number` is what asks for it; `offer` is free, subscribe, buy or rent."""

    number: int
    offer: str
    subscription: str


class EpisodeTile(Tile, frozen=True, kw_only=True):
    synopsis: str


class WireSeason(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    name: str | None
    episodes: list[EpisodeTile]


class TitlePage(Tile, frozen=True, kw_only=True):
    """A tile and all that its page shows beside it. A series speaks for its tracks by its first episode.

    `ways` are told of what lies with a partner, and are empty for what plays here. `needs_plan`: OK plays nothing until the home
    has a plan; null where it plays. `in_list` and `thumb` ("up", "down", null) are the profile's own.
    """

    synopsis: str
    credits: list[WireCredit]
    audio: list[WireTrack]
    subtitles: list[WireTrack]
    quality: WireQuality | None
    seasons: list[WireSeason]
    resume: WireResume | None
    markers: list[WireMarker]
    warnings: tuple[str, ...]
    ways: list[WireWay]
    needs_plan: PlanNeededTold | None
    in_list: bool
    thumb: str | None
    similar: list[Tile]


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    query: str
    items: list[Tile]
    suggestions: list[str]


def title_page(
    view: CatalogueView, sight: Sight, positions: Positions, tastes: Tastes, title_id: TitleId, needed: Needed
) -> TitlePage:
    """The page of a title that the party may see. Raises TitleNotFound."""
    title = view.get(sight, title_id)
    if title is None or title.kind is TitleKind.SEASON:
        raise TitleNotFound
    episodes = view.episodes_of(sight, title.id) if title.kind is TitleKind.SERIES else []
    wanted = [title.id, *(episode.id for episode in episodes)]
    watched = positions.among(sight.profile, wanted) if sight.profile is not None else {}
    taste = tastes.taste(sight.profile, title.series or title.id) if sight.profile is not None else Taste()
    playable = title.playable or next((episode.playable for episode in episodes), None)
    return TitlePage(
        **msgspec.structs.asdict(tile_of(view, sight, title, watched.get(title.id))),
        synopsis=in_language(title.text, "synopsis", sight.language, title.original_language),
        credits=[WireCredit(role=credit.role, names=credit.names) for credit in title.credits],
        audio=[WireTrack(language=t.language, label=t.label, role=t.role) for t in (playable.audio if playable else ())],
        subtitles=[WireTrack(language=t.language, label=t.label, role=t.role) for t in (playable.subtitles if playable else ())],
        quality=_quality(playable, sight) if playable else None,
        seasons=_seasons(view, sight, title, episodes, watched),
        resume=_resume(title, episodes, watched),
        markers=wire_markers(title),
        warnings=title.warnings,
        ways=[
            WireWay(number=number, offer=way.offer.value, subscription=way.subscription)
            for number, way in open_ways(sight, title)
        ],
        needs_plan=plan_for(view, title, needed),
        in_list=taste.in_list,
        thumb=taste.thumb,
        similar=[tile_of(view, sight, other) for other in view.similar(sight, title, SIMILAR_TITLES)],
    )


def _quality(playable: Playable, sight: Sight) -> WireQuality:
    most = sight.max_height
    is_lower = most is not None and most < playable.height
    # HDR is in AV1 alone (docs/decisions/0021): a box declared without that is shown the picture in SDR.
    return WireQuality(height=playable.height, hdr=playable.hdr and sight.takes_av1, here=most if is_lower else None)


def search_answer(catalogue: Catalogue, sight: Sight, query: str, limit: int) -> SearchAnswer:
    """What the party finds, best first, and what it may have meant to type."""
    view = catalogue.view
    asked = limit + _SPARE_HITS
    while True:
        hits = catalogue.search.find(sight, query, asked)
        found = [title for one in hits if (title := view.get(sight, one)) is not None][:limit]
        if len(found) == limit or len(hits) < asked or asked >= _MOST_HITS:
            break
        asked *= 4
    return SearchAnswer(
        query=query,
        items=[tile_of(view, sight, title) for title in found],
        suggestions=_suggestions(found, query, sight.language),
    )


def _suggestions(found: Sequence[Title], query: str, language: Language) -> list[str]:
    """People whose names go on as the query does, then the names of the best titles."""
    words = typed_words(query)
    people = (
        name
        for title in found
        for credit in title.credits
        for name in credit.names
        if words and _goes_on(typed_words(name), words)
    )
    names = (name_of(title, language) for title in found)
    return list(itertools.islice(dict.fromkeys(itertools.chain(people, names)), SUGGESTIONS))


def _goes_on(name: Sequence[str], typed: Sequence[str]) -> bool:
    return all(any(word.startswith(part) for word in name) for part in typed)


def _seasons(
    view: CatalogueView, sight: Sight, series: Title, episodes: Sequence[Title], watched: Mapping[TitleId, Watched]
) -> list[WireSeason]:
    names = {
        season.season: name_of(season, sight.language)
        for one in view.seasons.get(series.id, ())
        if (season := view.titles.get(one)) is not None
    }
    return [
        WireSeason(
            number=number,
            name=names.get(number),
            episodes=[
                EpisodeTile(
                    **msgspec.structs.asdict(tile_of(view, sight, episode, watched.get(episode.id))),
                    synopsis=in_language(episode.text, "synopsis", sight.language, episode.original_language),
                )
                for episode in row
            ],
        )
        for number, row in itertools.groupby(episodes, key=lambda episode: episode.season or 0)
    ]


def _resume(title: Title, episodes: Sequence[Title], watched: Mapping[TitleId, Watched]) -> WireResume | None:
    if title.kind is not TitleKind.SERIES:
        own = watched.get(title.id)
        return WireResume(title_id=title.id, position_ms=own.position_ms) if own and own.position_ms > 0 else None
    under_way = [watched[episode.id] for episode in episodes if episode.id in watched]
    if not under_way:
        return None
    last = max(under_way, key=lambda one: one.at)
    return WireResume(title_id=last.title, position_ms=last.position_ms)
