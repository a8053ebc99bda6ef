"""Rows of recommendations, made for each request from the day's lesson and what the profile watched; and the top of an operator.

Nothing is kept for a profile but, of those that came last, the day's row: so a film that is watched on during the day, or a new
one that is published, does not reshuffle it. What was watched or may no longer be seen leaves it at once.

What is shown goes by the party's sight alone, as in every other row; a title that the party may not see speaks for none either,
so that even the order of what it sees tells nothing of it.
"""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from matinee.base.clock import Instant
from matinee.base.ids import ProfileId, ServiceId, TitleId
from matinee.catalogue.model import AgeClass, Sight, Title
from matinee.catalogue.rules import name_of
from matinee.catalogue.shelves import NEW, genre_shelf
from matinee.catalogue.tiles import tile_of
from matinee.catalogue.view import CatalogueView
from matinee.home.for_you import (
    LEAST_ROW,
    MAX_BECAUSE,
    TOP,
    Placed,
    Seed,
    Viewed,
    genres_of,
    in_turns,
    item_of,
    mixed,
    seeds,
    visible,
)
from matinee.home.learnt import Learnt
from matinee.home.learnt_store import Lessons
from matinee.home.model import ROW_ITEMS, MayRecommend, OperatorNames, Row, RowKind, Viewings
from matinee.home.ranking_log import NotesRows

KEPT_DAYS: Final = 4_096
"""Of so many profiles the day's row is remembered."""

SPARE: Final = ROW_ITEMS
"""So many titles more than a row has are chosen for a day: they move up when what comes first is watched."""

CANDIDATES: Final = 4 * ROW_ITEMS
"""So many titles that go with what was watched are looked at; and so many new ones where those are too few or of one kind."""

LEAST_SEEN: Final = 0.5
"""A row is about a title only if that much of it was seen."""

FOR_YOU: Final = "for-you"
BECAUSE: Final = "because-"

_Chosen = Sequence[tuple[Title, Placed]]
_DayKey = tuple[ProfileId, frozenset[ServiceId], frozenset[ServiceId], AgeClass]
"""A profile, and what its screen may see: two screens of one home need not see the same."""


class _Day(NamedTuple):
    """What goes for a profile from one lesson to the next: the titles that speak for others, and the row made of them."""

    as_of: Instant
    seeds: Sequence[Seed]
    for_you: Sequence[tuple[TitleId, Placed]]


class Recommending:
    """Makes rows of recommendations. Safe to call from many threads."""

    def __init__(
        self,
        lessons: Lessons,
        viewings: Viewings,
        may_recommend: MayRecommend,
        operator_name: OperatorNames,
        log: NotesRows | None = None,
    ) -> None:
        self._lessons = lessons
        self._viewings = viewings
        self._may_recommend = may_recommend
        self._operator_name = operator_name
        self._log = log
        self._lock = threading.Lock()
        self._days: OrderedDict[_DayKey, _Day] = OrderedDict()

    @property
    def lesson(self) -> Learnt:
        return self._lessons.newest

    def top_row(self, view: CatalogueView, lesson: Learnt, sight: Sight) -> Row:
        """The top 10 among what the party may see: places are counted among these, and so have no gaps."""
        watched = () if sight.operator is None else lesson.popular.get(sight.operator, ())
        found = itertools.islice(visible(view, sight, watched), TOP)
        return Row(
            id=RowKind.TOP.value,
            kind=RowKind.TOP.value,
            genre=None,
            about=self._operator_name(sight.operator) if sight.operator is not None else None,
            items=[tile_of(view, sight, title) for _, title in found],
            more=False,
        )

    def rows(self, view: CatalogueView, sight: Sight, opened: Collection[TitleId]) -> list[Row]:
        """The profile's own rows: for you, then one for each of the last titles that it watched. None that is nearly empty.

        What it watched, or opened with a partner, is in none of them: it was finished, given up, or stands in continue watching.
        May block.
        """
        if sight.profile is None or not self._may_recommend(sight.profile):
            return []
        lesson = self.lesson
        viewed = self._viewings.viewed(sight.profile)
        if not viewed:
            return []
        day = self._day(view, sight, sight.profile, lesson, viewed)
        known = (view.titles.get(one) for one in (*(one.title for one in viewed), *opened))
        watched = {item for title in known if title and (item := item_of(title))}
        chosen = [
            (title, rule) for one, rule in day.for_you if one not in watched and (title := _listed(view, sight, one)) is not None
        ][:ROW_ITEMS]
        made = [(_row(view, sight, FOR_YOU, RowKind.FOR_YOU, None, chosen), chosen)]
        about = (one.title for one in day.seeds if one.interest >= LEAST_SEEN)
        for title in itertools.islice(filter(None, (_listed(view, sight, one) for one in about)), MAX_BECAUSE):
            chosen = _because(view, sight, lesson, title, watched)
            name = name_of(title, sight.language)
            made.append((_row(view, sight, f"{BECAUSE}{title.id}", RowKind.BECAUSE, name, chosen), chosen))
        shown = [(row, chosen) for row, chosen in made if len(chosen) >= LEAST_ROW]
        if self._log is not None:
            placed = [(row.kind, title.service, rule.value) for row, chosen in shown for title, rule in chosen]
            self._log.note_placed(sight, placed)
        return [row for row, _ in shown]

    def _day(self, view: CatalogueView, sight: Sight, profile: ProfileId, lesson: Learnt, viewed: Sequence[Viewed]) -> _Day:
        """What goes for the profile today, by what it watched before the lesson, of the titles that the party may see."""
        key = (profile, sight.services, sight.listed, sight.max_age)
        with self._lock:
            kept = self._days.get(key)
        items = [(item, one) for one in viewed if (title := view.titles.get(one.title)) and (item := item_of(title))]
        # What somebody took out of the history speaks for nothing from that moment on.
        if kept is not None and kept.as_of == lesson.as_of and {one.title for one in kept.seeds} <= {item for item, _ in items}:
            return kept
        speaking = seeds(((item, one) for item, one in items if view.get(sight, item) is not None), lesson.as_of)
        before = {item for item, one in items if one.at < lesson.as_of}
        liked = [(title, one) for one in speaking if (title := view.get(sight, one.title)) is not None]
        row = mixed(_for_you(view, sight, lesson, liked), ROW_ITEMS + SPARE, before) if liked else []
        made = _Day(lesson.as_of, speaking, [(title.id, rule) for title, rule in row])
        with self._lock:
            self._days[key] = made
            self._days.move_to_end(key)
            while len(self._days) > KEPT_DAYS:
                self._days.popitem(last=False)
        return made


def _listed(view: CatalogueView, sight: Sight, one: TitleId) -> Title | None:
    title = view.get(sight, one)
    return title if title is not None and title.service in sight.listed else None


def _together(
    view: CatalogueView, sight: Sight, lesson: Learnt, liked: Sequence[tuple[TitleId, float]]
) -> Iterator[tuple[Title, Placed]]:
    for one in lesson.close_to(liked):
        title = _listed(view, sight, one)
        if title is not None:
            yield title, Placed.TOGETHER


def _for_you(
    view: CatalogueView, sight: Sight, lesson: Learnt, liked: Sequence[tuple[Title, Seed]]
) -> Iterator[tuple[Title, Placed]]:
    """What goes with what was watched; then what is new in the genres of it; then what is new. As long as more is asked for."""
    together = _together(view, sight, lesson, [(title.id, seed.weight) for title, seed in liked])
    yield from itertools.islice(together, CANDIDATES)
    genres = genres_of((title, seed.weight) for title, seed in liked)
    newest = in_turns([view.walk(sight, genre_shelf(genre)) for genre in genres])
    yield from ((title, Placed.GENRE) for _, title in itertools.islice(newest, CANDIDATES))
    yield from ((title, Placed.NEW) for _, title in itertools.islice(view.walk(sight, NEW), CANDIDATES))


def _because(
    view: CatalogueView, sight: Sight, lesson: Learnt, about: Title, excluded: Collection[TitleId]
) -> list[tuple[Title, Placed]]:
    """What goes with one title; where that is next to nothing, what is like it."""
    without = {*excluded, about.id}
    found = [one for one in _together(view, sight, lesson, [(about.id, 1.0)]) if one[0].id not in without][:ROW_ITEMS]
    if len(found) < LEAST_ROW:
        known = without | {title.id for title, _ in found}
        alike = view.similar(sight, about, ROW_ITEMS + len(excluded))
        found += [(title, Placed.ALIKE) for title in alike if title.id not in known]
    return found[:ROW_ITEMS]


def _row(view: CatalogueView, sight: Sight, name: str, kind: RowKind, about: str | None, chosen: _Chosen) -> Row:
    items = [tile_of(view, sight, title) for title, _ in chosen]
    return Row(id=name, kind=kind.value, genre=None, about=about, items=items, more=False)
