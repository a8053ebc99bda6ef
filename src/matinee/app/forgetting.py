"""What is to be erased is erased wherever it lies: by the outbox's events, and by its age.

The act itself (a profile deleted, a history hidden) erases what it can at once. This follows a little later and erases the same
again, since a web process may have been about to write what it had heard before the act.
"""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy.engine import Connection

from matinee.base.clock import DAY, HOUR, SECOND, Clock, Instant
from matinee.base.ids import HouseholdId
from matinee.home import opened
from matinee.home.opened import OpenedTitles
from matinee.members import consent_store, erasure, forgotten, taste_store
from matinee.members.forgotten import Forgotten
from matinee.members.tastes import KeptTastes
from matinee.outside.database import Database
from matinee.parties import cursors, outbox
from matinee.parties.outbox import Event
from matinee.playback import lease_store
from matinee.playback import store as playback
from matinee.playback.book import Book

NAME: Final = "forgetting"
SETTLED_MS: Final = 5 * SECOND
"""So long after an act no process writes any more what it heard before it (`playback.book.FLUSH_SECONDS`, and its patience)."""
MONTH_MS: Final = 30 * DAY
OLD_EVERY_MS: Final = HOUR

PARTS: Final[Sequence[Callable[[Connection, Forgotten], None]]] = (
    playback.forget,
    lease_store.forget,
    opened.forget,
    taste_store.forget,
    consent_store.forget,
)
"""Whoever holds something of a profile or of a household."""


def forget(conn: Connection, told: Forgotten) -> None:
    """Erase it everywhere, in one transaction. Said again it changes nothing."""
    for part in PARTS:
        part(conn, told)


def erase_everywhere(database: Database, household: HouseholdId, now: Instant, *, actor: str) -> HouseholdId:
    """Erase a household everywhere. The one that starts anew. Raises NotFound. Blocks.

    What others hold of it goes in transactions of their own, after the act, which holds the outbox: whoever writes of plays takes
    their rows first and the outbox last. If that is cut off, the worker does it by the events of the act.
    """
    with database.write() as conn:
        fresh, told = erasure.erase(conn, household, now, actor=actor)
    for one in told:
        with database.write() as conn:
            forget(conn, one)
    return fresh


class Forgetting:
    """The worker's part. Any number of workers may run it: the place in the outbox is locked while one acts."""

    def __init__(self, database: Database, clock: Clock, *, viewing_months: int, plays_months: int) -> None:
        self._database = database
        self._clock = clock
        self._viewing_ms = viewing_months * MONTH_MS
        self._plays_ms = plays_months * MONTH_MS
        self._old_at = Instant(0)

    def step(self) -> None:
        """Erase what events say, and once an hour what is too old."""
        while self._follow():
            pass
        now = self._clock()
        if now - self._old_at >= OLD_EVERY_MS:
            with self._database.write() as conn:
                playback.forget_before(conn, Instant(now - self._viewing_ms), Instant(now - self._plays_ms))
                opened.forget_before(conn, Instant(now - self._viewing_ms))
            self._old_at = now

    def _follow(self) -> bool:
        """Up to the next event that erases, in one transaction with the place that was come to. Whether there may be more.

        One alone: of several the rows would be locked event by event, and whoever writes of several homes locks them by their
        keys.
        """
        settled = self._clock() - SETTLED_MS
        with self._database.read() as conn:  # most of the time there is nothing, and no lock is needed to see it
            if not outbox.after(conn, cursors.seen(conn, NAME), 1):
                return False
        with self._database.write() as conn:
            done = cursors.take(conn, NAME)
            events = outbox.after(conn, done)
            for event in events:
                if event.topic == forgotten.TOPIC:
                    is_settled = event.at <= settled
                    if is_settled:
                        forget(conn, forgotten.heard(event))
                        done = event.seq
                    cursors.move(conn, NAME, done)
                    return is_settled
                done = event.seq
            cursors.move(conn, NAME, done)
        return bool(events)


class ForgetsInMemory:
    """The web process's part: what it holds of whoever was forgotten goes too. Follows the topic "forgotten"."""

    topics = frozenset({forgotten.TOPIC})

    def __init__(self, book: Book, opened_titles: OpenedTitles, tastes: KeptTastes) -> None:
        self._book = book
        self._opened = opened_titles
        self._tastes = tastes

    def load(self, conn: Connection) -> None:
        """Nothing: what is held was read after all that was said before."""

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        for told in map(forgotten.heard, events):
            if told.profile is not None:
                self._book.forget(told.profile, told.title)
                self._opened.forget(told.profile)
                self._tastes.forget(told.profile)
