"""Keeps what decided the rows: once an hour for each operator, and a sample an hour of what each audience was answered.

The hourly record goes by the clock and not by who asked, and holds all services at once: so what one publisher is told of it is
the same whether or not there is a service that nobody may know of. A sample is an answer as it went out, with what it was made
from: `matinee ranking verify` makes each again.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol

from matinee.base.clock import HOUR, Clock, Instant
from matinee.base.ids import OperatorId, ServiceId, TitleId
from matinee.carriage.snapshot import Carriage
from matinee.catalogue.model import AGE_CLASSES, AgeClass, Language, Sight
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.view import CatalogueView
from matinee.fleet.model import Operator
from matinee.fleet.snapshot import Fleet
from matinee.home import learnt_store
from matinee.home import ranking_store as store
from matinee.home.learnt import NOTHING_LEARNT, Learnt
from matinee.home.learnt_store import Lessons, PlaceKey
from matinee.home.model import Row
from matinee.home.ranking import PLACES, inputs_of, ranked, titles_shown
from matinee.home.ranking_store import HOURLY, Ranking
from matinee.outside.database import Database

STEP_SECONDS: Final = 60.0
MAX_WAITING: Final = 256
"""Samples that wait to be written. Beyond it an answer is not sampled: it is given all the same."""

_Audience = tuple[OperatorId, frozenset[ServiceId], AgeClass, tuple[tuple[ServiceId, int], ...]]


class NotesRows(Protocol):
    """Told of the rows that homes share, whenever they are made anew; and of what was recommended, each time."""

    def note(self, view: CatalogueView, lesson: Learnt, sight: Sight, rows: Sequence[Row]) -> None: ...

    def note_placed(self, sight: Sight, placed: Sequence[tuple[str, ServiceId, str]]) -> None:
        """Told of each place of a profile's recommendations: (kind of the row, service, rule)."""
        ...


class RankingLog:
    """Implements `NotesRows`. `note` is called by requests and only remembers; `step` writes, on a thread of its own."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        carriage: Carriage,
        fleet: Fleet,
        clock: Clock,
        lessons: Lessons | None = None,
    ) -> None:
        self._lessons = lessons
        self._placed: Counter[PlaceKey] = Counter()
        self._database = database
        self._catalogue = catalogue
        self._carriage = carriage
        self._fleet = fleet
        self._clock = clock
        self._lock = threading.Lock()
        self._hour = Instant(-1)
        self._noted: set[_Audience] = set()
        self._waiting: list[tuple[Instant, CatalogueView, Learnt, Sight, dict[str, list[TitleId]]]] = []
        self._recorded: set[OperatorId] = set()

    def note(self, view: CatalogueView, lesson: Learnt, sight: Sight, rows: Sequence[Row]) -> None:
        """Remember an answer, where it is the first of its audience in this hour."""
        if sight.operator is None:
            return
        audience = (sight.operator, sight.listed, sight.max_age, sight.prominence)
        hour = _hour_of(sight.now)
        with self._lock:
            if hour != self._hour:
                self._hour = hour
                self._noted.clear()
                self._recorded.clear()
            if audience in self._noted or len(self._waiting) >= MAX_WAITING:
                return
            self._noted.add(audience)
            shown = {row.id: [TitleId(tile.id) for tile in row.items[:PLACES]] for row in rows}
            self._waiting.append((hour, view, lesson, sight, shown))

    def note_placed(self, sight: Sight, placed: Sequence[tuple[str, ServiceId, str]]) -> None:
        """Count what was recommended."""
        if sight.operator is None:
            return
        hour = _hour_of(sight.now)
        counted = Counter((sight.operator, hour, row, service, rule) for row, service, rule in placed)
        with self._lock:
            self._placed.update(counted)

    def step(self) -> None:
        """Write what waits, and the hour's record of each operator that has none yet."""
        now = self._clock()
        hour = _hour_of(now)
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if hour != self._hour:
                self._hour = hour
                self._noted.clear()
                self._recorded.clear()
            placed, self._placed = self._placed, Counter()
            due = [one for one in self._fleet.operators() if one.id not in self._recorded]
        made = [self._sample(*one) for one in waiting]
        hourly = [self._hourly(one, now) for one in due]
        with self._database.write() as conn:
            for one in hourly:
                if not store.settle(conn, one.operator, one.at):
                    continue
                before = store.newest(conn, one.operator, one.at)
                # Where nothing changed the record before goes on holding.
                if before is None or (before.inputs, before.openly) != (one.inputs, one.openly):
                    made.append(one)
            store.add(conn, made)
            learnt_store.add_places(conn, placed)
            if hourly:
                store.prune(conn, now)
        with self._lock:
            if hour == self._hour:  # else an answer began the next hour meanwhile, which has no record yet
                self._recorded |= {one.id for one in due}

    def _hourly(self, operator: Operator, now: Instant) -> Ranking:
        prominence = self._carriage.in_rows_somewhere(operator, now)
        services = frozenset(one for one, _ in prominence)
        sight = Sight(
            services=services,
            searched=services,
            listed=services,
            max_age=AGE_CLASSES[-1],
            operator=operator.id,
            territory=operator.country,
            now=now,
            language=Language("en"),
            prominence=tuple((one, weight) for one, weight in prominence if weight),
        )
        lesson = self._lessons.newest if self._lessons is not None else NOTHING_LEARNT
        inputs = inputs_of(self._catalogue.view, sight, lesson.popular.get(operator.id, ()))
        return Ranking(
            operator=operator.id,
            at=_hour_of(now),
            audience=HOURLY,
            inputs=inputs,
            shown=titles_shown(ranked(inputs)),
            openly=frozenset(one.service for one in self._carriage.carried_openly(operator, now) if one.since <= now),
        )

    def _sample(
        self, hour: Instant, view: CatalogueView, lesson: Learnt, sight: Sight, shown: dict[str, list[TitleId]]
    ) -> Ranking:
        told = f"{sorted(sight.listed)} {sight.max_age} {sight.prominence}"
        return Ranking(
            operator=OperatorId(sight.operator or ""),
            at=hour,
            audience=hashlib.blake2b(told.encode(), digest_size=12).hexdigest(),
            inputs=inputs_of(view, sight, lesson.popular.get(OperatorId(sight.operator or ""), ())),
            shown=shown,
            openly=frozenset(),
        )


def _hour_of(now: Instant) -> Instant:
    return Instant(now - now % HOUR)
