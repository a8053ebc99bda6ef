"""What profiles agree to, in memory as it is asked for: whether titles are recommended is asked by each home screen."""

import threading
from collections import OrderedDict
from typing import Final

import sqlalchemy as sa
import structlog

from matinee.base.clock import Clock, Instant
from matinee.base.ids import ProfileId
from matinee.members import consent_store
from matinee.members.consent_store import Purpose
from matinee.outside.database import Database

MAX_PROFILES: Final = 20_000

log = structlog.get_logger("matinee.members")


class KeptConsents:
    """Safe to call from many threads; every method may block.

    `fresh_ms` is how long what was read may be trusted: None for ever, where this is the only process that writes.
    """

    def __init__(self, database: Database, clock: Clock, *, fresh_ms: int | None = None) -> None:
        self._database = database
        self._clock = clock
        self._fresh_ms = fresh_ms
        self._lock = threading.Lock()
        self._known: OrderedDict[ProfileId, tuple[Instant, frozenset[Purpose]]] = OrderedDict()
        self._writes = 0

    def may_recommend(self, profile: ProfileId) -> bool:
        """Whether a profile agreed that titles are recommended to it by what it watched. While the database is away: no."""
        return Purpose.RECOMMENDATIONS in self._of(profile)

    def forget(self, profile: ProfileId) -> None:
        """Drop what is held of a profile: it was written anew."""
        with self._lock:
            self._writes += 1
            self._known.pop(profile, None)

    def _of(self, profile: ProfileId) -> frozenset[Purpose]:
        known = self._known.get(profile)
        if known is not None and (self._fresh_ms is None or self._clock() - known[0] <= self._fresh_ms):
            return known[1]
        asked_at, writes = self._clock(), self._writes
        try:
            with self._database.read() as conn:
                given = consent_store.given_by(conn, profile)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            log.error("consents cannot be read; none counts", error=type(error).__name__)
            return frozenset()
        found = frozenset(purpose for purpose, since in given.items() if since is not None)
        with self._lock:
            if writes == self._writes:  # else somebody wrote meanwhile, and what was read may lack it
                self._known[profile] = (asked_at, found)
                self._known.move_to_end(profile)
                while len(self._known) > MAX_PROFILES:
                    self._known.popitem(last=False)
        return found
