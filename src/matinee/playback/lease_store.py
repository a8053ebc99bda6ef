"""Leases in SQL: what holds across web processes. One transaction judges a play, and no two of one home at once."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, ServiceId, SessionId
from matinee.members.forgotten import Forgotten, ForgottenKind
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import outbox
from matinee.playback.model import Session
from matinee.playback.store import insert_into, plain, play_sessions, run_many
from matinee.playback.streams import REPLACED, Judged, Lease, judge

TOPIC: Final = "playback"
STOPPED: Final = "stopped"
_LOCKS: Final = 0x6C65_6173  # "leas": the first half of a lock's number, of which the home is the second

stream_leases = sa.Table(
    "stream_leases",
    metadata,
    sa.Column("session", sa.String(26), primary_key=True),
    sa.Column("household", sa.String(64), nullable=False),
    sa.Column("service", sa.String(64), nullable=False),
    sa.Column("title", sa.String(64), nullable=False),
    sa.Column("profile", sa.String(64), nullable=False),
    sa.Column("box", sa.String(64)),
    sa.Column("screen", sa.Text, nullable=False, server_default=""),
    sa.Column("since", InstantColumn, nullable=False),
    sa.Column("until", InstantColumn, nullable=False),
    sa.Column("token_until", InstantColumn, nullable=False),
    sa.Column("limit", sa.Integer, nullable=False),
    sa.Column("is_over", sa.Boolean, nullable=False),
    sa.Index("ix_stream_leases_home", "household", "service"),
    sa.Index("ix_stream_leases_token_until", "token_until"),
)


def take(conn: Connection, asks: Lease, limit: int, now: Instant) -> Judged:
    """Judge a play by all that is recorded of its home, and record its place. Whoever else asks for this home waits meanwhile."""
    _hold(conn, asks.household)
    judged = judge(asks, leases_of(conn, asks.household, asks.service), limit, now)
    if judged.lease is not None:
        save(conn, [judged.lease, *judged.superseded])
        for one in judged.superseded:
            tell_stopped(conn, one.session, REPLACED, now)
    return judged


def leases_of(conn: Connection, household: HouseholdId, service: ServiceId) -> Sequence[Lease]:
    """All that is recorded of a home's streams of a service, lapsed ones too."""
    columns = stream_leases.c
    query = sa.select(stream_leases).where(columns.household == household, columns.service == service)
    return [msgspec.convert(plain(row), Lease) for row in conn.execute(query).mappings()]


def lease_of(conn: Connection, session: SessionId) -> Lease | None:
    row = conn.execute(sa.select(stream_leases).where(stream_leases.c.session == session)).mappings().first()
    return None if row is None else msgspec.convert(plain(row), Lease)


def all_leases(conn: Connection, now: Instant) -> Sequence[Lease]:
    """Every lease whose token opens edges still."""
    query = sa.select(stream_leases).where(stream_leases.c.token_until > now)
    return [msgspec.convert(plain(row), Lease) for row in conn.execute(query).mappings()]


def sessions_of(conn: Connection, now: Instant, limit: int) -> Sequence[Session]:
    """The plays that run under a lease, or were replaced, and whose token opens edges still: by their leases, soon forgotten."""
    runs_on = sa.or_(play_sessions.c.ended_at.is_(None), play_sessions.c.stop_reason == REPLACED)
    query = (
        sa.select(play_sessions)
        .join_from(stream_leases, play_sessions, play_sessions.c.id == stream_leases.c.session)
        .where(stream_leases.c.token_until > now, runs_on)
        .limit(limit)
    )
    return [msgspec.convert(plain(row), Session) for row in conn.execute(query).mappings()]


def save(conn: Connection, leases: Iterable[Lease]) -> None:
    """Write leases as they are now."""
    insert = insert_into(conn, stream_leases)
    kept = {name: insert.excluded[name] for name in ("until", "token_until", "limit", "is_over")}
    statement = insert.on_conflict_do_update(index_elements=[stream_leases.c.session], set_=kept)
    run_many(conn, statement, leases, key=lambda one: one.session)


def renew(conn: Connection, leases: Iterable[Lease]) -> None:
    """Renew those that are recorded. One that another process has ended is not brought back, and none is made shorter."""
    columns = stream_leases.c
    until = sa.bindparam("until", type_=sa.BigInteger)
    changed = sa.update(stream_leases).where(columns.session == sa.bindparam("session", type_=sa.String), columns.until < until)
    statement = changed.values(until=until, token_until=sa.bindparam("token_until", type_=sa.BigInteger))
    run_many(conn, statement, leases, key=lambda one: one.session)


def release(conn: Connection, sessions: Collection[SessionId]) -> None:
    """Free the places of these plays."""
    if sessions:
        conn.execute(sa.delete(stream_leases).where(stream_leases.c.session.in_(sorted(sessions))))


def tell_stopped(conn: Connection, session: SessionId, reason: str, now: Instant) -> None:
    """Tell the other web processes that a play was stopped: one of them may be the one that hears its heartbeats."""
    outbox.append(conn, TOPIC, session, {"kind": STOPPED, "reason": reason}, now)


def forget_old(conn: Connection, now: Instant) -> None:
    """Drop what opens no edge any more."""
    conn.execute(sa.delete(stream_leases).where(stream_leases.c.token_until <= now))


def forget(conn: Connection, told: Forgotten) -> None:
    """Erase the streams of a household or of a profile. A history that is hidden frees no place: what plays, plays on."""
    if told.kind is ForgottenKind.HISTORY:
        return
    which = [stream_leases.c.household == told.household, stream_leases.c.since <= told.until]
    if told.profile is not None:
        which.append(stream_leases.c.profile == told.profile)
    conn.execute(sa.delete(stream_leases).where(*which))


def _hold(conn: Connection, household: HouseholdId) -> None:
    """Until the commit no other transaction judges a play of this home. On SQLite a write is alone anyway."""
    if conn.dialect.name == "postgresql":
        # A lease that a crash of the database loses is renewed by the next heartbeat: no play need wait for a disk.
        conn.exec_driver_sql("SET LOCAL synchronous_commit TO off")
        key: Any = sa.func.hashtext(household)
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.literal(_LOCKS, sa.Integer), key)))
