"""What a profile opened with a partner, for the continue-watching row: that it was opened is all that is known.

How far somebody came, and whether they finished, partners do not tell. So such a title stands in the row without any progress, by
the moment when it was opened, and leaves it by itself after two weeks.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from matinee.base.clock import DAY, Clock, Instant
from matinee.base.ids import HouseholdId, ProfileId, TitleId
from matinee.members.forgotten import Forgotten
from matinee.outside.database import Database, InstantColumn, metadata

SHOWN_FOR_MS: Final = 14 * DAY
MAX_OPENED: Final = 100
MAX_PROFILES: Final = 20_000

log = structlog.get_logger("matinee.home")

opened_titles = sa.Table(
    "opened_titles",
    metadata,
    sa.Column("profile_id", sa.Text, primary_key=True),
    sa.Column("title_id", sa.Text, primary_key=True),
    sa.Column("household_id", sa.Text, nullable=False, index=True),
    sa.Column("opened_at", InstantColumn, nullable=False),
)

Opened = tuple[TitleId, Instant]


class OpenedTitles:
    """What each profile opened of late. Safe to call from many threads; both methods may block.

    `fresh_ms` is how long what was read may be trusted: None for ever, where this is the only process that writes.
    """

    def __init__(self, database: Database, clock: Clock, *, fresh_ms: int | None = None) -> None:
        self._database = database
        self._clock = clock
        self._fresh_ms = fresh_ms
        self._lock = threading.Lock()
        self._known: OrderedDict[ProfileId, tuple[Instant, Sequence[Opened]]] = OrderedDict()
        self._writes = 0

    def remember(self, household: HouseholdId, profile: ProfileId, title: TitleId, now: Instant) -> None:
        """Note that a title was opened. Where the database is away it is not noted: the title opens all the same."""
        values = {"profile_id": profile, "title_id": title, "household_id": household, "opened_at": now}
        try:
            with self._database.write() as conn:
                dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
                row = dialect.insert(opened_titles).values(**values)
                conn.execute(row.on_conflict_do_update(index_elements=["profile_id", "title_id"], set_={"opened_at": now}))
                old = (opened_titles.c.profile_id == profile, opened_titles.c.opened_at <= now - SHOWN_FOR_MS)
                conn.execute(sa.delete(opened_titles).where(*old))
        except sa.exc.SQLAlchemyError as error:
            log.error("what was opened cannot be noted", error=type(error).__name__)
        self.forget(profile)

    def forget(self, profile: ProfileId) -> None:
        """Drop what is held of a profile."""
        with self._lock:
            self._writes += 1
            self._known.pop(profile, None)

    def recent(self, profile: ProfileId, now: Instant) -> Sequence[Opened]:
        """What the profile opened within two weeks, newest first."""
        known = self._known.get(profile)
        if known is None or (self._fresh_ms is not None and self._clock() - known[0] > self._fresh_ms):
            known = self._read(profile)
        return [one for one in known[1] if now - one[1] < SHOWN_FOR_MS]

    def _read(self, profile: ProfileId) -> tuple[Instant, Sequence[Opened]]:
        asked_at, writes = self._clock(), self._writes
        mine = sa.select(opened_titles.c.title_id, opened_titles.c.opened_at).where(opened_titles.c.profile_id == profile)
        try:
            with self._database.read() as conn:
                rows = conn.execute(
                    mine.order_by(opened_titles.c.opened_at.desc(), opened_titles.c.title_id).limit(MAX_OPENED)
                ).all()
        except sa.exc.SQLAlchemyError as error:
            log.error("what was opened cannot be read", error=type(error).__name__)
            return self._known.get(profile, (asked_at, ()))
        found = (asked_at, tuple((TitleId(row.title_id), row.opened_at) for row in rows))
        with self._lock:
            if writes != self._writes:  # somebody opened something meanwhile: what was read may lack it, and is not kept
                return found
            self._known[profile] = found
            self._known.move_to_end(profile)
            while len(self._known) > MAX_PROFILES:
                self._known.popitem(last=False)
        return found


def forget(conn: Connection, told: Forgotten) -> None:
    """Erase what a household or a profile opened, or one title of that."""
    which = [opened_titles.c.household_id == told.household, opened_titles.c.opened_at <= told.until]
    if told.profile is not None:
        which.append(opened_titles.c.profile_id == told.profile)
    if told.title is not None:
        which.append(opened_titles.c.title_id == told.title)
    conn.execute(sa.delete(opened_titles).where(*which))


def forget_before(conn: Connection, moment: Instant) -> int:
    """Erase what was opened before a moment: how many rows."""
    return conn.execute(sa.delete(opened_titles).where(opened_titles.c.opened_at < moment)).rowcount
