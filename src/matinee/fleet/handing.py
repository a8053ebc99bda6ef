"""Which box was last handed which release, written down a little later and many at once.

A box asks at each start, and after a power cut a whole town asks at once: the answer comes from memory and waits for no disk,
also while the database is away. What a killed process loses is the last second: such a box counts once it confirms, or fails.
"""

import threading
from collections.abc import Mapping
from typing import Final

from matinee.base.clock import Clock, Instant
from matinee.base.ids import BoxId
from matinee.fleet import release_store, store
from matinee.fleet.buckets import ALL_BOXES, bucket
from matinee.fleet.model import Box
from matinee.fleet.release_book import ReleaseBook
from matinee.fleet.release_store import Start
from matinee.fleet.waves import Phase
from matinee.outside.database import Database

FLUSH_SECONDS: Final = 1.0
MAX_UNWRITTEN: Final = 200_000
"""While the database is away; what is handed beyond that is not written down."""
BOXES_AT_A_TIME: Final = 2_000
"""In one transaction: whoever else writes waits for it."""


class Handing:
    """Safe to call from the event loop and from threads; `flush` blocks."""

    def __init__(self, database: Database, book: ReleaseBook, clock: Clock) -> None:
        self._database = database
        self._book = book
        self._clock = clock
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._unwritten: dict[BoxId, tuple[str, Instant]] = {}

    def note(self, box: Box, version: str) -> None:
        """A box is handed a version; the one that it was handed last changes nothing, unless a wave of it has begun meanwhile."""
        with self._lock:
            unwritten = self._unwritten.get(box.id)
            if unwritten is not None and unwritten[0] == version:
                return
            if unwritten is None and box.installed_release == version and not self._is_in_a_newer_wave(box, version):
                return
            if len(self._unwritten) < MAX_UNWRITTEN or box.id in self._unwritten:
                self._unwritten[box.id] = version, self._clock()

    def _is_in_a_newer_wave(self, box: Box, version: str) -> bool:
        """Whether a wave of the version began after the box was last seen: it counts what boxes were handed since it began."""
        found = self._book.uploaded(version)
        waves = None if found is None else found.stands.waves
        if waves is None or waves.phase is not Phase.RUNNING:
            return False
        return box.last_seen is None or box.last_seen < waves.since

    def flush(self) -> None:
        """Write down what was handed. What cannot be written now is kept for the next time."""
        with self._flushing:
            with self._lock:
                handed = list(self._unwritten.items())
            for begin in range(0, len(handed), BOXES_AT_A_TIME):
                self._write(dict(handed[begin : begin + BOXES_AT_A_TIME]))

    def _write(self, handed: Mapping[BoxId, tuple[str, Instant]]) -> None:
        starts = {start_of(self._book, box, version): at for box, (version, at) in handed.items()}
        with self._database.write() as conn:
            store.record_installed(conn, handed, self._clock())
            release_store.record_handed(conn, {start: at for start, at in starts.items() if start is not None})
        with self._lock:
            for box, told in handed.items():
                if self._unwritten.get(box) == told:
                    del self._unwritten[box]


def start_of(book: ReleaseBook, box: BoxId, version: str) -> Start | None:
    """A box's start of an uploaded release; None of the built-in one, which is in no waves."""
    found = book.uploaded(version)
    # A release's own id is the salt of all its plans.
    return None if found is None else Start(found.release.id, box, bucket(found.release.id, box, ALL_BOXES))
