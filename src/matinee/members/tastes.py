"""What profiles put on their lists and what they like, in memory as it is asked for: each home screen and title page asks."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection

from matinee.base.clock import Clock, Instant
from matinee.base.ids import HouseholdId, ProfileId, TitleId
from matinee.catalogue.model import Taste
from matinee.members import taste_store
from matinee.outside.database import Database

MAX_PROFILES: Final = 20_000

log = structlog.get_logger("matinee.members")


@dataclass(frozen=True, slots=True)
class _Known:
    """One profile's, as it was read at a moment."""

    at: Instant
    listed: Sequence[TitleId] = ()
    thumbs: Mapping[TitleId, str] = field(default_factory=dict)


class KeptTastes:
    """Implements `catalogue.model.Tastes`. Safe to call from many threads; every method may block.

    `fresh_ms` is how long what was read may be trusted: None for ever, where this is the only process that writes.
    """

    def __init__(self, database: Database, clock: Clock, *, fresh_ms: int | None = None) -> None:
        self._database = database
        self._clock = clock
        self._fresh_ms = fresh_ms
        self._lock = threading.Lock()
        self._known: OrderedDict[ProfileId, _Known] = OrderedDict()
        self._writes = 0

    def taste(self, profile: ProfileId, title: TitleId) -> Taste:
        """What a profile thinks of a title. While the database is away: what was last known, or nothing."""
        known = self._of(profile)
        return Taste(in_list=title in known.listed, thumb=known.thumbs.get(title))

    def listed(self, profile: ProfileId) -> Sequence[TitleId]:
        """What is on the profile's list, newest first."""
        return self._of(profile).listed

    def put_on_list(self, household: HouseholdId, profile: ProfileId, title: TitleId) -> Taste:
        """Raises ProfileNotFound, MemberError where the list is full, and what the database raises."""
        with self._database.write() as conn:
            taste_store.put_on_list(conn, household, profile, title, self._clock())
        return self._after(profile, title)

    def take_off_list(self, household: HouseholdId, profile: ProfileId, title: TitleId) -> Taste:
        with self._database.write() as conn:
            taste_store.take_off_list(conn, household, profile, title)
        return self._after(profile, title)

    def put_thumb(self, household: HouseholdId, profile: ProfileId, title: TitleId, thumb: str | None) -> Taste:
        """Raises ProfileNotFound, and what the database raises."""
        with self._database.write() as conn:
            taste_store.put_thumb(conn, household, profile, title, thumb, self._clock())
        return self._after(profile, title)

    def forget(self, profile: ProfileId) -> None:
        """Drop what is held of a profile."""
        with self._lock:
            self._writes += 1
            self._known.pop(profile, None)

    def _after(self, profile: ProfileId, title: TitleId) -> Taste:
        self.forget(profile)
        return self.taste(profile, title)

    def _of(self, profile: ProfileId) -> _Known:
        known = self._known.get(profile)
        if known is not None and (self._fresh_ms is None or self._clock() - known.at <= self._fresh_ms):
            return known
        asked_at, writes = self._clock(), self._writes
        try:
            with self._database.read() as conn:
                found = _read(conn, profile, asked_at)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            log.error("lists and thumbs cannot be read", error=type(error).__name__)
            return known or _Known(asked_at)
        with self._lock:
            if writes == self._writes:  # else somebody wrote meanwhile: what was read may lack it, and is not kept
                self._known[profile] = found
                self._known.move_to_end(profile)
                while len(self._known) > MAX_PROFILES:
                    self._known.popitem(last=False)
        return found


def _read(conn: Connection, profile: ProfileId, at: Instant) -> _Known:
    rows = taste_store.tastes_of(conn, profile)
    return _Known(
        at=at,
        listed=tuple(TitleId(row.title_id) for row in rows if row.listed_at is not None),
        thumbs={TitleId(row.title_id): row.thumb for row in rows if row.thumb is not None},
    )
