"""Plays on boxes that have left the home they began in: returned, swapped, or sold on with another line.

Such a box asks nothing any more, or asks as another home's, so that no heartbeat of it could be told anything; but its stream
token opens edges for hours. So what runs on boxes is looked through every few seconds, and what runs in no home, or in another
one than it began in, is stopped.
"""

from collections.abc import Callable
from typing import Final

from matinee.base.clock import Clock
from matinee.base.ids import SessionId
from matinee.fleet.snapshot import Fleet
from matinee.members.snapshot import Members
from matinee.playback.book import Book

EVERY_SECONDS: Final = 2.0
BOX_LEFT: Final = "box"


class MovedBoxes:
    """`stop` is the desk's: it blocks."""

    def __init__(self, book: Book, fleet: Fleet, members: Members, stop: Callable[[SessionId, str], None], clock: Clock) -> None:
        self._book = book
        self._fleet = fleet
        self._members = members
        self._stop = stop
        self._clock = clock

    def step(self) -> None:
        """Stop what runs on boxes that are elsewhere now. Blocks."""
        now = self._clock()
        for session in self._book.running_on_boxes(now):
            home = self._members.household_at(None if session.box is None else self._fleet.line_of(session.box, now), now)
            if home != session.household:
                self._stop(session.id, BOX_LEFT)
