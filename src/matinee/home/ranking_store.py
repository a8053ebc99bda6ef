"""SQL for the ranking log: what decided the rows of each operator, hour by hour, and samples of what homes were answered.

Rows are added and never changed; what is older than `KEPT_MS` goes. Nothing in it is a viewer's: an audience is a set of services
and an age class.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import DAY, Instant
from matinee.base.ids import OperatorId, ServiceId, TitleId
from matinee.home.ranking import Inputs
from matinee.outside.database import InstantColumn, JsonColumn, metadata

KEPT_MS: Final = 90 * DAY
HOURLY: Final = ""
"""The audience of the hourly record: every service that some box of the operator may find in its rows, for adults."""

_SETTLED: Final = "-"
"""The audience of the mark that an hour was looked at. It is nobody's, decides nothing, and goes after a day."""

_SETTLED_KEPT_MS: Final = DAY

rankings = sa.Table(
    "rankings",
    metadata,
    sa.Column("operator_id", sa.Text, primary_key=True),
    sa.Column("at", InstantColumn, primary_key=True),  # the beginning of an hour
    sa.Column("audience", sa.Text, primary_key=True),
    sa.Column("inputs", JsonColumn, nullable=False),
    sa.Column("shown", JsonColumn, nullable=False),
    sa.Column("openly", JsonColumn, nullable=False),
)


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """One record. `shown`: the titles as they stood, by row; `openly`: the services that everybody might hear of then."""

    operator: OperatorId
    at: Instant
    audience: str
    inputs: Inputs
    shown: dict[str, list[TitleId]]
    openly: frozenset[ServiceId]


def add(conn: Connection, made: Sequence[Ranking]) -> None:
    """Add records. One whose operator, hour and audience are there already is left out: another process was first."""
    rows = [
        {
            "operator_id": one.operator,
            "at": one.at,
            "audience": one.audience,
            "inputs": msgspec.to_builtins(one.inputs),
            "shown": one.shown,
            "openly": sorted(one.openly),
        }
        for one in made
    ]
    if rows:
        dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
        conn.execute(dialect.insert(rankings).on_conflict_do_nothing(), rows)


def settle(conn: Connection, operator: OperatorId, hour: Instant) -> bool:
    """Take an operator's hour to record it; False where it was taken before, by whichever process.

    An hour in which nothing had changed is taken too. Were it left open, a process that starts later would write a change of its
    first minute, and would not where another service's change was written first: a rival could tell.
    """
    mark = {"operator_id": operator, "at": hour, "audience": _SETTLED, "inputs": {}, "shown": {}, "openly": []}
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    made = dialect.insert(rankings).values(**mark).on_conflict_do_nothing()
    return conn.execute(made.returning(rankings.c.at)).first() is not None  # PostgreSQL's driver counts no inserted rows


def newest(conn: Connection, operator: OperatorId, at: Instant) -> Ranking | None:
    """The newest hourly record of an operator that is not later than `at`."""
    query = sa.select(rankings).where(rankings.c.operator_id == operator, rankings.c.audience == HOURLY, rankings.c.at <= at)
    row = conn.execute(query.order_by(rankings.c.at.desc()).limit(1)).one_or_none()
    return None if row is None else _ranking(row)


def every(conn: Connection) -> Iterator[Ranking]:
    """All records, by operator and hour."""
    query = (
        sa.select(rankings)
        .where(rankings.c.audience != _SETTLED)
        .order_by(rankings.c.operator_id, rankings.c.at, rankings.c.audience)
    )
    for row in conn.execute(query.execution_options(yield_per=100)):
        yield _ranking(row)


def prune(conn: Connection, now: Instant) -> int:
    """Take away what is too old, but for the hourly record that still held at that moment; how many records went."""
    horizon = now - KEPT_MS
    held = (
        sa.select(rankings.c.operator_id, sa.func.max(rankings.c.at).label("at"))
        .where(rankings.c.audience == HOURLY, rankings.c.at <= horizon)
        .group_by(rankings.c.operator_id)
        .subquery()
    )
    still = sa.exists().where(
        held.c.operator_id == rankings.c.operator_id, held.c.at == rankings.c.at, rankings.c.audience == HOURLY
    )
    conn.execute(sa.delete(rankings).where(rankings.c.audience == _SETTLED, rankings.c.at < now - _SETTLED_KEPT_MS))
    return int(conn.execute(sa.delete(rankings).where(rankings.c.at < horizon, ~still)).rowcount)


def _ranking(row: "Row[Any]") -> Ranking:
    return Ranking(
        operator=row.operator_id,
        at=row.at,
        audience=row.audience,
        inputs=msgspec.convert(row.inputs, Inputs),
        shown=row.shown,
        openly=frozenset(ServiceId(one) for one in row.openly),
    )
