"""Which titles a profile is recommended, from what it watched and what viewing taught. Pure: the moment is in what is handed in.

A row changes once a day and not at each visit: only what was watched before the lesson's moment speaks for others (`seeds`), and
all that was watched since only leaves the row. Whoever watched nothing yet gets no row here: new and the top 10 are there.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from matinee.base.clock import DAY, HOUR, Instant
from matinee.base.ids import TitleId
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import Genre, Sight, Title, TitleKind
from matinee.catalogue.view import CatalogueView, Entry

HOUR_OF_DAY: Final = 3
"""UTC: night in the countries for which this was made. A row of recommendations changes then, and at no other time."""

LEAST_SHARE: Final = 0.1
"""Of a title: whoever left before did not watch it, and says nothing by it."""

MAX_SEEDS: Final = 30
HALF_LIFE_MS: Final = 60 * DAY
"""What was watched so long before the last title counts half as much."""

TOP: Final = 10
LEAST_TOP: Final = 3
"""A top of fewer titles than this is none."""

LEAST_ROW: Final = 4
"""A row of recommendations of fewer titles than this is none."""

MAX_BECAUSE: Final = 2
GENRES_TAKEN: Final = 3

T = TypeVar("T")


class Placed(StrEnum):
    """The rule that gave a title its place in a row of recommendations. Part of the record: a name never changes its meaning."""

    TOGETHER = "together"  # viewers of what the profile watched watched this too
    GENRE = "genre"  # it is new in a genre that the profile watched most
    NEW = "new"  # it is new, and of another genre than the rest of the row
    ALIKE = "alike"  # it is like the title that the row is about: genres, people, time
    POPULAR = "popular"  # so many homes of the operator watched it


class Viewed(msgspec.Struct, frozen=True, kw_only=True):
    """How much a profile saw of a title, and when it last did."""

    title: TitleId
    interest: float
    at: Instant


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """A title, or the series of an episode, that speaks for others, by how much, and how much of it was seen."""

    title: TitleId
    weight: float
    interest: float


def lesson_of(now: Instant) -> Instant:
    """The moment of the newest lesson that is due."""
    return Instant((now - HOUR_OF_DAY * HOUR) // DAY * DAY + HOUR_OF_DAY * HOUR)


def interest_of(position: PositionMs, duration: DurationMs, *, completed: bool) -> float:
    """How much a place says that its title was liked: 0 where it was hardly begun, 1 where it was seen to its end."""
    if completed:
        return 1.0
    share = min(position / duration, 1.0) if duration > 0 else 0.0
    return share if share >= LEAST_SHARE else 0.0


def item_of(title: Title) -> TitleId | None:
    """What a viewing counts for: a film for itself, an episode for its series."""
    if title.kind is TitleKind.EPISODE:
        return title.series
    return None if title.kind is TitleKind.SEASON else title.id


def seeds(viewed: Iterable[tuple[TitleId, Viewed]], as_of: Instant) -> list[Seed]:
    """The newest titles that were watched before a moment, each once, the newest first. A pair is (item, what was viewed)."""
    newest: dict[TitleId, tuple[Instant, float]] = {}
    for item, one in viewed:
        if one.interest > 0 and one.at < as_of:
            at, interest = newest.get(item, (one.at, 0.0))
            newest[item] = max(at, one.at), max(interest, one.interest)
    row = sorted(newest.items(), key=lambda pair: (-pair[1][0], pair[0]))[:MAX_SEEDS]
    return [
        # Against the newest of them, so that who comes back after years is no stranger.
        Seed(title=item, weight=interest * 0.5 ** ((row[0][1][0] - at) / HALF_LIFE_MS), interest=interest)
        for item, (at, interest) in row
    ]


def visible(view: CatalogueView, sight: Sight, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Title]]:
    """Those of these titles that rows may show the party, in their order. Lazy."""
    for entry in entries:
        title = view.get(sight, entry[1])
        if title is not None and title.service in sight.listed:
            yield entry, title


def genres_of(liked: Iterable[tuple[Title, float]]) -> list[Genre]:
    """The genres that weigh most among these titles, at most three; equals by name."""
    weights: dict[Genre, float] = {}
    for title, weight in liked:
        for genre in title.genres:
            weights[genre] = weights.get(genre, 0.0) + weight
    return sorted(weights, key=lambda genre: (-weights[genre], genre))[:GENRES_TAKEN]


def in_turns(rows: Sequence[Iterable[T]]) -> Iterator[T]:
    """The first of each, the second of each, and so on, until all have ended. Lazy."""
    running = [iter(row) for row in rows]
    while running:
        left = []
        for one in running:
            try:
                yield next(one)
            except StopIteration:
                continue
            left.append(one)
        running = left


def mixed(candidates: Iterable[tuple[Title, Placed]], count: int, excluded: Collection[TitleId]) -> list[tuple[Title, Placed]]:
    """The first of these titles, each once, with no genre taking more than half of the places but two, while there is another.

    The order of the candidates holds among those of one genre. A genre here is a title's first.
    """
    waiting: dict[Genre | None, list[tuple[Title, Placed]]] = {}
    taken: dict[Genre | None, int] = {}
    row: list[tuple[Title, Placed]] = []
    known = set(excluded)

    def fits(genre: Genre | None) -> bool:
        return taken.get(genre, 0) < 2 + len(row) // 2

    def place(one: tuple[Title, Placed], genre: Genre | None) -> None:
        row.append(one)
        taken[genre] = taken.get(genre, 0) + 1

    for one in candidates:
        if len(row) >= count:
            return row
        if one[0].id in known:
            continue
        known.add(one[0].id)
        genre = one[0].genres[0] if one[0].genres else None
        if not fits(genre):
            waiting.setdefault(genre, []).append(one)
            continue
        place(one, genre)
        for late in [other for other, queue in waiting.items() if queue and fits(other)]:
            if len(row) < count and fits(late):
                place(waiting[late].pop(0), late)
    for one in (late for queue in waiting.values() for late in queue):  # nothing of another genre is left
        if len(row) < count:
            row.append(one)
    return row
