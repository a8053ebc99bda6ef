"""SQL for what was learnt from viewing: one lesson a day, and how many places each rule gave in rows of recommendations.

A lesson is taken before it is learnt, so that of several workers one learns it. It holds nothing of a profile or a home.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from matinee.base.clock import DAY, HOUR, Instant
from matinee.base.ids import OperatorId, ServiceId
from matinee.home.learnt import NOTHING_LEARNT, Learnt, packed, unpacked
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import outbox
from matinee.parties.outbox import Event

TOPIC: Final = "learnt"
GIVEN_UP_MS: Final = 2 * HOUR
"""A lesson that was taken so long ago and is not there was its worker's last: another takes it."""

KEPT_MS: Final = 3 * DAY
PLACES_KEPT_MS: Final = 90 * DAY

log = structlog.get_logger("matinee.home")

lessons = sa.Table(
    "lessons",
    metadata,
    sa.Column("as_of", InstantColumn, primary_key=True),  # all viewing before it
    sa.Column("taken_at", InstantColumn, nullable=False),
    sa.Column("learnt_at", InstantColumn),
    sa.Column("told", JsonColumn, nullable=False),
    sa.Column("data", sa.LargeBinary),
)

places_given = sa.Table(
    "places_given",
    metadata,
    sa.Column("operator_id", sa.Text, primary_key=True),
    sa.Column("at", InstantColumn, primary_key=True),  # the beginning of an hour
    sa.Column("row", sa.Text, primary_key=True),
    sa.Column("service_id", sa.Text, primary_key=True),
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("places", sa.BigInteger, nullable=False),
)

PlaceKey = tuple[OperatorId, Instant, str, ServiceId, str]
"""Operator, hour, kind of the row, service, rule."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Of what a lesson was made, for staff."""

    profiles: int
    viewings: int
    titles: int
    pairs: int
    bytes: int
    seconds: float


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    as_of: Instant
    learnt_at: Instant
    told: Told


class Lessons:
    """Follows the topic "learnt": the newest lesson in memory. Readers take `newest` once and need no lock."""

    topics = frozenset({TOPIC})

    def __init__(self) -> None:
        self.newest: Learnt = NOTHING_LEARNT

    def load(self, conn: Connection) -> None:
        row = conn.execute(
            sa.select(lessons.c.data).where(lessons.c.data.is_not(None)).order_by(lessons.c.as_of.desc()).limit(1)
        ).one_or_none()
        if row is None:
            return
        try:
            self.newest = unpacked(row.data)
        except ValueError as error:  # of another version of this program: the one before goes on, or none
            log.error("the newest lesson is not read", error=str(error))

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        self.load(conn)


def take(conn: Connection, as_of: Instant, now: Instant) -> bool:
    """Take a lesson to learn it; False where another worker has it in hand, or it was learnt."""
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    row = dialect.insert(lessons).values(as_of=as_of, taken_at=now, told={})
    again = row.on_conflict_do_update(
        index_elements=["as_of"],
        set_={"taken_at": now},
        where=sa.and_(lessons.c.data.is_(None), lessons.c.taken_at <= now - GIVEN_UP_MS),
    )
    return conn.execute(again.returning(lessons.c.as_of)).first() is not None


def save(conn: Connection, learnt: Learnt, told: Told, now: Instant) -> None:
    """Keep a lesson that was taken, tell of it, and take away what is too old."""
    conn.execute(
        sa.update(lessons)
        .where(lessons.c.as_of == learnt.as_of)
        .values(data=packed(learnt), learnt_at=now, told=msgspec.to_builtins(told))
    )
    conn.execute(sa.delete(lessons).where(lessons.c.as_of < learnt.as_of - KEPT_MS))
    conn.execute(sa.delete(places_given).where(places_given.c.at < now - PLACES_KEPT_MS))
    outbox.append(conn, TOPIC, str(learnt.as_of), {}, now)


def newest(conn: Connection) -> Lesson | None:
    """What is told of the newest lesson."""
    one = lessons.c
    query = sa.select(one.as_of, one.learnt_at, one.told).where(one.learnt_at.is_not(None)).order_by(one.as_of.desc()).limit(1)
    row = conn.execute(query).one_or_none()
    return None if row is None else Lesson(as_of=row.as_of, learnt_at=row.learnt_at, told=msgspec.convert(row.told, Told))


def add_places(conn: Connection, given: Mapping[PlaceKey, int]) -> None:
    """Count places that were given in rows of recommendations."""
    if not given:
        return
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    row = dialect.insert(places_given)
    counted = row.on_conflict_do_update(
        index_elements=["operator_id", "at", "row", "service_id", "rule"],
        set_={"places": places_given.c.places + row.excluded.places},
    )
    names = ("operator_id", "at", "row", "service_id", "rule")
    conn.execute(counted, [{**dict(zip(names, key, strict=True)), "places": given[key]} for key in sorted(given)])


def places_since(conn: Connection, since: Instant) -> list[tuple[OperatorId, str, ServiceId, str, int]]:
    """(operator, row, service, rule, places) since a moment, by their names."""
    one = places_given.c
    names = (one.operator_id, one.row, one.service_id, one.rule)
    query = sa.select(*names, sa.func.sum(one.places)).where(one.at >= since).group_by(*names).order_by(*names)
    return [(row[0], row[1], row[2], row[3], int(row[4])) for row in conn.execute(query)]
