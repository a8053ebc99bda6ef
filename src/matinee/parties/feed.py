"""One reader of the outbox per process: it keeps every snapshot in memory as new as the newest commit it has seen.

Handlers never wait for it and it never takes a snapshot away: while the database is away, what was last known goes on
answering.
"""

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.engine import Connection

from matinee.outside.database import Database
from matinee.parties import outbox
from matinee.parties.outbox import Event


class Follower(Protocol):
    """A snapshot in memory that follows the outbox. Both methods run on the feed's thread, one at a time."""

    @property
    def topics(self) -> frozenset[str]:
        """The topics that this snapshot cares for."""
        ...

    def load(self, conn: Connection) -> None:
        """Build the snapshot from nothing."""
        ...

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        """Bring the snapshot up to date. An event may come twice: read the row again, add nothing up."""
        ...


class Feed:
    """Loads followers in the order given, then hands each new event to those that care for its topic."""

    def __init__(self, database: Database, followers: Sequence[Follower]) -> None:
        self._database = database
        self._followers = tuple(followers)
        self._seq = -1
        self._read_at = time.monotonic()
        self._lock = threading.Lock()

    @property
    def seq(self) -> int:
        """The number of the last event that every follower has seen; -1 before the first load."""
        return self._seq

    def unread_ms(self) -> int:
        """For how long nobody has known whether there is news: since the last good poll, by a clock that nobody sets."""
        return int((time.monotonic() - self._read_at) * 1000)

    def poll(self) -> int:
        """Load where nothing is loaded yet, then apply all that is new. How many events were applied.

        Call it a few times a second. An error leaves the sequence where it was, and the next call begins there again.
        """
        applied, asked_at = 0, time.monotonic()
        with self._lock, self._database.read() as conn:
            if self._seq < 0:
                newest = outbox.latest(conn)
                for follower in self._followers:
                    follower.load(conn)
                self._seq = newest
            while events := outbox.after(conn, self._seq):
                for follower in self._followers:
                    mine = [event for event in events if event.topic in follower.topics]
                    if mine:
                        follower.follow(conn, mine)
                self._seq = events[-1].seq
                applied += len(events)
            self._read_at = asked_at
        return applied
