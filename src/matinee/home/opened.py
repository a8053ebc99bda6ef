"""What a profile opened with a partner, and how far the partner told it came, for the continue-watching row.

Where a partner tells nothing, such a title stands in the row without any progress, by the moment when it was opened. It leaves by
itself two weeks after it was opened or watched last.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

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
    sa.Column("permille", sa.Integer),
    sa.Column("completed", sa.Boolean, nullable=False, server_default=sa.false()),
)


_C: Final = opened_titles.c
_NEWEST: Final = (
    sa.select(_C.title_id, _C.opened_at, _C.permille, _C.completed)
    .where(_C.profile_id == sa.bindparam("whose"))
    .order_by(_C.opened_at.desc(), _C.title_id)
    .limit(MAX_OPENED)
)
"""Built once: to build it costs as much as to ask it."""


class Opened(NamedTuple):
    """A title that was opened, or watched, `at` a moment. `permille`: how much of it, 0 to 1,000; None where nobody told."""

    title: TitleId
    at: Instant
    permille: int | None = None
    completed: bool = False


class OpenedTitles:
    """What each profile opened of late. Safe to call from many threads; every method may block.

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
        try:
            self._write(household, Opened(title, now), profile, {"permille": _kept_where_unfinished(), "completed": False})
        except sa.exc.SQLAlchemyError as error:
            log.error("what was opened cannot be noted", error=type(error).__name__)

    def watched(self, household: HouseholdId, profile: ProfileId, told: Opened, *, is_late: bool) -> None:
        """Note how far a partner told that a profile came, unless something later is known. Raises what the database raises.

        What is told late changes only what is there: who erased a title meanwhile must not find it again.
        """
        changed = {"permille": told.permille, "completed": told.completed}
        if not is_late:
            self._write(household, told, profile, changed)
            return
        own = opened_titles.c
        same = (own.profile_id == profile, own.title_id == told.title, own.opened_at <= told.at)
        try:
            with self._database.write() as conn:
                conn.execute(sa.update(opened_titles).where(*same).values(opened_at=told.at, **changed))
        finally:
            self.forget(profile)

    def _write(self, household: HouseholdId, told: Opened, profile: ProfileId, changed: Mapping[str, Any]) -> None:
        own = opened_titles.c
        values: dict[str, Any] = {"profile_id": profile, "title_id": told.title, "household_id": household}
        values |= {"opened_at": told.at, "permille": told.permille, "completed": told.completed}
        try:
            with self._database.write() as conn:
                dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
                row = dialect.insert(opened_titles).values(**values)
                conn.execute(
                    row.on_conflict_do_update(
                        index_elements=["profile_id", "title_id"],
                        set_={"opened_at": told.at, **changed},
                        where=own.opened_at <= row.excluded.opened_at,
                    )
                )
                conn.execute(sa.delete(opened_titles).where(own.profile_id == profile, own.opened_at <= told.at - SHOWN_FOR_MS))
        finally:
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
        return [one for one in known[1] if now - one.at < SHOWN_FOR_MS]

    def _read(self, profile: ProfileId) -> tuple[Instant, Sequence[Opened]]:
        asked_at, writes = self._clock(), self._writes
        try:
            with self._database.read() as conn:
                rows = conn.execute(_NEWEST, {"whose": profile}).all()
        except sa.exc.SQLAlchemyError as error:
            log.error("what was opened cannot be read", error=type(error).__name__)
            return self._known.get(profile, (asked_at, ()))
        found = (asked_at, tuple(Opened(*row) for row in rows))
        with self._lock:
            if writes != self._writes:  # somebody opened something meanwhile: what was read may lack it, and is not kept
                return found
            self._known[profile] = found
            self._known.move_to_end(profile)
            while len(self._known) > MAX_PROFILES:
                self._known.popitem(last=False)
        return found


def _kept_where_unfinished() -> Any:
    """How far a title is that is opened again: as before, and from its start where it had come to its end."""
    return sa.case((opened_titles.c.completed, sa.null()), else_=opened_titles.c.permille)


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
