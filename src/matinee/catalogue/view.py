"""The catalogue in memory, as every read sees it: one value that does not change, swapped whole when titles do.

A home screen must cost the same with a thousand titles and with a hundred thousand. So titles lie in sorted shelves, one
for each (service, shelf, age class): the first few of what a party may see are a merge of the heads of a few shelves, and
nothing is ever filtered out of a long list. A change touches only the shelves that its title is on.
"""

import bisect
import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from matinee.base.ids import ServiceId, TitleId
from matinee.catalogue.model import AGE_CLASSES, AgeClass, Language, Service, Sight, Title, TitleKind
from matinee.catalogue.rules import likeness, may_see
from matinee.catalogue.shelves import NEW, SERIES, Shelf, genre_shelf

KIDS_MOST: Final = AgeClass(12)
"""The highest age class of a kids' profile."""
SIMILAR_CANDIDATES: Final = 60
FEW_CHANGES: Final = 64
"""Up to here, changes are slid into a sorted shelf one by one; above, sorting it anew is quicker."""

ShelfKey = tuple[ServiceId, Shelf, AgeClass]
Entry = tuple[int, TitleId]
"""A title on a shelf: minus the instant it sorts by, so that the newest comes first, and its id."""


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """One moment of the catalogue. Read it through one variable for the length of a request, and it stays one moment.

    `version` grows by one with each change. `effective_age` of a series is its youngest episode's class.
    """

    version: int = 0
    services: Mapping[ServiceId, Service] = field(default_factory=dict)
    titles: Mapping[TitleId, Title] = field(default_factory=dict)
    shelves: Mapping[ShelfKey, Sequence[Entry]] = field(default_factory=dict)
    episodes: Mapping[TitleId, Sequence[TitleId]] = field(default_factory=dict)
    seasons: Mapping[TitleId, Sequence[TitleId]] = field(default_factory=dict)
    effective_age: Mapping[TitleId, AgeClass] = field(default_factory=dict)
    tiles: dict[tuple[TitleId, Language], Any] = field(default_factory=dict, compare=False, repr=False)
    """Tiles that were made of this moment's titles (`tiles.tile_of`): most are shown again and again."""

    def get(self, sight: Sight, title: TitleId) -> Title | None:
        """A title that the party may see, else None. A series is there while one of its episodes is.

        A partner may tell of a series and of none of its episodes: that one is there by itself.
        """
        found = self.titles.get(title)
        if found is None or not self._sees(sight, found):
            return None
        return found

    def _sees(self, sight: Sight, title: Title) -> bool:
        if title.kind is TitleKind.SERIES:
            episodes = self.episodes.get(title.id, ())
            if not episodes and title.partner is not None and title.partner.ways:
                return may_see(sight, title)
            return title.service in sight.services and any(may_see(sight, self.titles[one]) for one in episodes)
        if title.kind is TitleKind.SEASON and title.series is not None:
            # It has no age class of its own that anybody told: it is there while one of its episodes is.
            parts = (self.titles[one] for one in self.episodes.get(title.series, ()))
            return any(one.season == title.season and may_see(sight, one) for one in parts)
        return may_see(sight, title)

    def age_of(self, title: Title) -> AgeClass:
        return self.effective_age.get(title.id, title.age_class)

    def episodes_of(self, sight: Sight, series: TitleId) -> list[Title]:
        """The episodes that the party may see, by season and number."""
        found = (self.titles[one] for one in self.episodes.get(series, ()))
        return [title for title in found if may_see(sight, title)]

    def next_episode(self, sight: Sight, title: Title) -> Title | None:
        """The episode that follows one, across seasons, None after the last that the party may see."""
        if title.series is None:
            return None
        row = self.episodes_of(sight, title.series)
        ids = [one.id for one in row]
        place = ids.index(title.id) + 1 if title.id in ids else len(ids)
        return row[place] if place < len(row) else None

    def walk(self, sight: Sight, shelf: Shelf, after: Entry | None = None) -> Iterator[tuple[Entry, Title]]:
        """The titles of a shelf that the party may see, newest first, from after an entry on. Lazy: take what you need."""
        runs = [
            itertools.islice(entries, bisect.bisect_right(entries, after) if after else 0, None)
            for service in sight.listed
            for age in AGE_CLASSES
            if age <= sight.max_age and (entries := self.shelves.get((service, shelf, age)))
        ]
        for entry in heapq.merge(*runs):
            title = self.titles[entry[1]]
            if self._sees(sight, title):
                yield entry, title

    def titles_of(self, service: ServiceId, first: Entry | None = None) -> Iterator[tuple[Entry, Title]]:
        """A service's films and series, whoever may see them, newest first, from an entry on (itself among them). Lazy."""
        runs = [
            itertools.islice(entries, bisect.bisect_left(entries, first) if first else 0, None)
            for age in AGE_CLASSES
            if (entries := self.shelves.get((service, NEW, age)))
        ]
        for entry in heapq.merge(*runs):
            yield entry, self.titles[entry[1]]

    def shelf_sizes(self, sight: Sight) -> dict[Shelf, int]:
        """How many titles each shelf holds for the party, windows apart. Its cost is in shelves, not in titles."""
        sizes: dict[Shelf, int] = {}
        for (service, shelf, age), entries in self.shelves.items():
            if entries and service in sight.listed and age <= sight.max_age:
                sizes[shelf] = sizes.get(shelf, 0) + len(entries)
        return sizes

    def similar(self, sight: Sight, title: Title, limit: int) -> list[Title]:
        """What else somebody who likes this may like. Looks at the newest of each of its genres, so its cost is flat."""
        about = self.titles.get(title.series, title) if title.series else title
        found: dict[TitleId, Title] = {}
        for genre in about.genres[:4]:
            for _, other in itertools.islice(self.walk(sight, genre_shelf(genre)), SIMILAR_CANDIDATES):
                if other.id != about.id:
                    found[other.id] = other
        return sorted(found.values(), key=lambda other: (-likeness(about, other), -other.published_at, other.id))[:limit]


def partners_for_grown_ups(view: CatalogueView) -> frozenset[ServiceId]:
    """The services that lie with a partner and have a title for 16 or over.

    A link leads into the partner's own application, where a profile's age class holds no more: to a child such a service is not
    there, whatever else it has.
    """
    return frozenset(
        service
        for (service, shelf, age), entries in view.shelves.items()
        if shelf == NEW and age > KIDS_MOST and entries and view.titles[entries[0][1]].partner is not None
    )


def view_of(titles: Iterable[Title], services: Iterable[Service] = ()) -> CatalogueView:
    """A view of these titles, with no database (tests, benches)."""
    return with_changes(CatalogueView(), {s.id: s for s in services}, {t.id: t for t in titles})


def with_changes(
    view: CatalogueView, services: Mapping[ServiceId, Service], changes: Mapping[TitleId, Title | None]
) -> CatalogueView:
    """The view after these titles became what they are given as; None means gone."""
    titles = dict(view.titles)
    touched = set(changes) | {
        title.series for one in changes for title in (titles.get(one), changes[one]) if title is not None and title.series
    }
    shelves = _Shelves(view.shelves)
    for one in touched:
        if one in titles:
            shelves.take(titles[one], _sort_key(view, titles[one]), view.age_of(titles[one]))
    for one, title in changes.items():
        if title is None:
            titles.pop(one, None)
        else:
            titles[one] = title
    episodes, seasons = dict(view.episodes), dict(view.seasons)
    _replant(episodes, TitleKind.EPISODE, view.titles, titles, changes)
    _replant(seasons, TitleKind.SEASON, view.titles, titles, changes)
    ages = dict(view.effective_age)
    for one in touched:
        parts = episodes.get(one)
        if parts and one in titles and titles[one].kind is TitleKind.SERIES:
            ages[one] = min(titles[part].age_class for part in parts)
        else:
            ages.pop(one, None)
    after = CatalogueView(
        version=view.version + 1,
        services=dict(services),
        titles=titles,
        shelves={},
        episodes=episodes,
        seasons=seasons,
        effective_age=ages,
    )
    for one in touched:
        if one in titles:
            shelves.put(titles[one], _sort_key(after, titles[one]), after.age_of(titles[one]))
    return CatalogueView(
        version=after.version,
        services=after.services,
        titles=titles,
        shelves=shelves.done(),
        episodes=episodes,
        seasons=seasons,
        effective_age=ages,
    )


def _replant(
    tree: dict[TitleId, Sequence[TitleId]],
    kind: TitleKind,
    before: Mapping[TitleId, Title],
    after: Mapping[TitleId, Title],
    changes: Mapping[TitleId, Title | None],
) -> None:
    """Grow the changed branches of a series tree anew: series -> its episodes (or seasons), in order."""
    branches: dict[TitleId, set[TitleId]] = {}
    for one in changes:
        for title in (before.get(one), after.get(one)):
            if title is not None and title.kind is kind and title.series is not None:
                branches.setdefault(title.series, set(tree.get(title.series, ()))).add(one)
    for series, members in branches.items():
        there = [after[m] for m in members if m in after and after[m].series == series and after[m].kind is kind]
        if there:
            tree[series] = tuple(t.id for t in sorted(there, key=lambda t: (t.season or 0, t.episode or 0, t.id)))
        else:
            tree.pop(series, None)


def _sort_key(view: CatalogueView, title: Title) -> int:
    """What a title is sorted by: when it came; a series, when its newest episode came."""
    if title.kind is not TitleKind.SERIES:
        return -title.published_at
    came = (view.titles[one].published_at for one in view.episodes.get(title.id, ()) if one in view.titles)
    return -max(came, default=title.published_at)


class _Shelves:
    """Shelves being rearranged: what is taken off and put on is gathered first, and each shelf is made anew once."""

    def __init__(self, shelves: Mapping[ShelfKey, Sequence[Entry]]) -> None:
        self._shelves = dict(shelves)
        self._off: dict[ShelfKey, set[Entry]] = {}
        self._on: dict[ShelfKey, set[Entry]] = {}

    def take(self, title: Title, key: int, age: AgeClass) -> None:
        for shelf in _shelves_of(title):
            self._off.setdefault((title.service, shelf, age), set()).add((key, title.id))

    def put(self, title: Title, key: int, age: AgeClass) -> None:
        for shelf in _shelves_of(title):
            self._on.setdefault((title.service, shelf, age), set()).add((key, title.id))

    def done(self) -> dict[ShelfKey, Sequence[Entry]]:
        for key in self._off.keys() | self._on.keys():
            off, on = self._off.get(key, set()), self._on.get(key, set())
            entries = _rearranged(self._shelves.get(key, ()), off - on, on - off)
            if entries:
                self._shelves[key] = entries
            else:
                self._shelves.pop(key, None)
        return self._shelves


def _rearranged(entries: Sequence[Entry], off: set[Entry], on: set[Entry]) -> Sequence[Entry]:
    if len(off) + len(on) > FEW_CHANGES:
        return tuple(sorted((set(entries) - off) | on))
    row = list(entries)
    for entry in off:
        place = bisect.bisect_left(row, entry)
        if place < len(row) and row[place] == entry:
            del row[place]
    for entry in on:
        place = bisect.bisect_left(row, entry)
        if place == len(row) or row[place] != entry:
            row.insert(place, entry)
    return tuple(row)


def _shelves_of(title: Title) -> list[Shelf]:
    """The shelves that a title stands on. Episodes and seasons stand on none: their series does."""
    if title.kind is TitleKind.FILM:
        return [NEW, *(genre_shelf(genre) for genre in title.genres)]
    if title.kind is TitleKind.SERIES:
        return [NEW, SERIES, *(genre_shelf(genre) for genre in title.genres)]
    return []
