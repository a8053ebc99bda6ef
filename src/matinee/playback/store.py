"""Sessions and places in SQL, written in batches by one thread. Which of two is newer is decided by the database, not its caller.

Several web processes may write about one profile. Each row's update carries its own condition, so that a batch that comes late
changes nothing that is newer, whatever order the processes' transactions commit in.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping

from matinee.base.clock import Instant
from matinee.base.ids import ProfileId, SessionId
from matinee.members.forgotten import Forgotten, ForgottenKind
from matinee.outside.database import InstantColumn, metadata
from matinee.playback.model import Place, Session

MAX_PLACES = 500
"""The newest places of a profile that are read into memory: enough for years of rows, and a bound."""

MAX_ASKED = 5_000
"""Ids in one query: databases bound what one may name."""


class Ended(NamedTuple):
    """That a play has ended, when, and why where it was stopped."""

    session: SessionId
    at: Instant
    reason: str | None


play_sessions = sa.Table(
    "play_sessions",
    metadata,
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("household", sa.String(64), nullable=False),
    sa.Column("profile", sa.String(64), nullable=False),
    sa.Column("title", sa.String(64), nullable=False),
    sa.Column("package", sa.String(64), nullable=False),
    sa.Column("duration_ms", sa.BigInteger, nullable=False),
    sa.Column("started_at", InstantColumn, nullable=False),
    sa.Column("token_expires_at", InstantColumn, nullable=False),
    sa.Column("box", sa.String(64)),
    sa.Column("screen", sa.Text, nullable=False, server_default=""),
    sa.Column("operator", sa.String(64)),
    sa.Column("credits_ms", sa.BigInteger),
    sa.Column("next_title", sa.String(64)),
    sa.Column("next_duration_ms", sa.BigInteger),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("position_ms", sa.BigInteger, nullable=False),
    sa.Column("reported_at", InstantColumn),
    sa.Column("ended_at", InstantColumn),
    sa.Column("stop_reason", sa.String(64)),
    sa.Column("max_height", sa.Integer),
    sa.Index("ix_play_sessions_household", "household", "started_at"),
)

places = sa.Table(
    "places",
    metadata,
    sa.Column("profile", sa.String(64), primary_key=True),
    sa.Column("title", sa.String(64), primary_key=True),
    sa.Column("household", sa.String(64), nullable=False, index=True),
    sa.Column("position_ms", sa.BigInteger, nullable=False),
    sa.Column("duration_ms", sa.BigInteger, nullable=False),
    sa.Column("completed", sa.Boolean, nullable=False),
    sa.Column("session", sa.String(26), nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("counted_at", InstantColumn, nullable=False),
    sa.Column("next_title", sa.String(64)),
    sa.Column("next_duration_ms", sa.BigInteger),
    sa.Index("ix_places_newest", "profile", "counted_at"),
)


_PLACE_FIELDS = tuple(column.name for column in places.columns)

# Built once: to build it costs as much as to ask it.
_NEWEST = (
    sa.select(places).where(places.c.profile == sa.bindparam("whose")).order_by(places.c.counted_at.desc()).limit(MAX_PLACES)
)


def save_sessions(connection: Connection, sessions: Iterable[Session]) -> None:
    """Write sessions as they are now. A row never goes back in sequence, and an end is never taken back."""
    insert = insert_into(connection, play_sessions)
    new, old = insert.excluded, play_sessions.c
    statement = insert.on_conflict_do_update(
        index_elements=[old.id],
        set_={
            "token_expires_at": new.token_expires_at,
            "sequence": new.sequence,
            "position_ms": new.position_ms,
            "reported_at": new.reported_at,
            "ended_at": sa.func.coalesce(old.ended_at, new.ended_at),
            "stop_reason": sa.func.coalesce(old.stop_reason, new.stop_reason),
        },
        where=new.sequence >= old.sequence,
    )
    run_many(connection, statement, sessions, key=lambda session: session.id)


def save_places(connection: Connection, counted: Iterable[Place]) -> None:
    """Write places, each only over an older one: `rules.newer` in SQL."""
    insert = insert_into(connection, places)
    new, old = insert.excluded, places.c
    kept = [column.name for column in places.columns if column.name not in ("profile", "title")]
    statement = insert.on_conflict_do_update(
        index_elements=[old.profile, old.title],
        set_={name: new[name] for name in kept},
        where=sa.or_(
            sa.and_(new.session == old.session, new.sequence > old.sequence),
            sa.and_(new.session != old.session, new.counted_at >= old.counted_at),
        ),
    )
    run_many(connection, statement, counted, key=lambda place: (place.profile, place.title))


def stop_session(connection: Connection, session: SessionId, reason: str, now: Instant) -> None:
    """Write down that a play was stopped, whichever process hears its reports: no report that comes late takes it back."""
    own = play_sessions.c
    changed = sa.update(play_sessions).where(own.id == session)
    ended, why = sa.func.coalesce(own.ended_at, now), sa.func.coalesce(own.stop_reason, reason)
    connection.execute(changed.values(ended_at=ended, stop_reason=why))


def ended_of(connection: Connection, sessions: Sequence[SessionId]) -> Sequence[Ended]:
    """Those of these sessions that have ended."""
    found, own = list[Ended](), play_sessions.c
    for first in range(0, len(sessions), MAX_ASKED):
        query = sa.select(own.id, own.ended_at, own.stop_reason).where(
            own.id.in_(sessions[first : first + MAX_ASKED]), own.ended_at.is_not(None)
        )
        found += [Ended(*row) for row in connection.execute(query)]
    return found


def session_of(connection: Connection, session: SessionId) -> Session | None:
    """The session of this id, or None."""
    row = connection.execute(sa.select(play_sessions).where(play_sessions.c.id == session)).mappings().first()
    return None if row is None else msgspec.convert(plain(row), Session)


def places_of(connection: Connection, profile: ProfileId) -> Sequence[Place]:
    """A profile's newest places."""
    return [Place(**dict(zip(_PLACE_FIELDS, row, strict=True))) for row in connection.execute(_NEWEST, {"whose": profile})]


def forget(connection: Connection, told: Forgotten) -> None:
    """Erase what a household or a profile watched: places and sessions; of a history that is hidden places alone."""
    for table, at in ((play_sessions, play_sessions.c.started_at), (places, places.c.counted_at)):
        which = [table.c.household == told.household, at <= told.until]
        if told.profile is not None:
            which.append(table.c.profile == told.profile)
        if told.title is not None:
            which.append(table.c.title == told.title)
        if told.kind is not ForgottenKind.HISTORY or table is places:
            # Locked in the order in which the book writes them.
            connection.execute(
                sa.select(sa.literal(1)).select_from(table).where(*which).order_by(*table.primary_key).with_for_update()
            )
            connection.execute(sa.delete(table).where(*which))


def forget_before(connection: Connection, viewing: Instant, plays: Instant) -> int:
    """Erase what was watched before a moment and not since, and plays that were over before another: how many rows."""
    over = sa.func.coalesce(play_sessions.c.ended_at, play_sessions.c.token_expires_at)
    gone = connection.execute(sa.delete(places).where(places.c.counted_at < viewing)).rowcount
    return gone + connection.execute(sa.delete(play_sessions).where(over < plays)).rowcount


def insert_into(connection: Connection, table: sa.Table) -> Any:
    """An insert that may say what becomes of a row that is there."""
    # Both have the same clause by the same name, and no common class in SQLAlchemy.
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def run_many(connection: Connection, statement: Any, values: Iterable[Any], key: Any) -> None:
    """Run one statement for many values, by the driver's own executemany.

    SQLAlchemy's costs 20 us a row, all of it holding the interpreter that answers requests meanwhile; the driver's a third.
    In the order of their keys: two processes that lock the same rows then wait for each other in one direction only.
    """
    compiled = statement.compile(dialect=connection.dialect)
    names = compiled.positiontup or list(compiled.params)
    read = attrgetter(*names)
    rows: list[Any] = [read(value) for value in sorted(values, key=key)]
    if not compiled.positional:
        rows = [dict(zip(names, row, strict=True)) for row in rows]
    if rows:
        connection.exec_driver_sql(compiled.string, rows)


def plain(row: RowMapping) -> Mapping[str, Any]:
    """A row for msgspec to read."""
    # SQLAlchemy's keys are of a class of its own, which msgspec does not take for strings.
    return {str(name): value for name, value in row.items()}
