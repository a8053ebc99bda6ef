"""What changed, in the order in which it was committed, written in the same transaction as the change itself.

A row of numbers is not enough for that: on PostgreSQL two writers may take numbers 5 and 6 and commit 6 first, and a
reader that has moved on to 6 never sees 5. So a writer that appends holds one lock from here to its commit, and the
numbers are the order of commits. On SQLite every write holds such a lock anyway. What is written often (positions,
reports) does not come through here.

Whoever locks several things does so in one order, or two of them could wait for each other: an account, codes, sessions of
screens; plays and their leases; then the outbox; then all else, each table's rows by their keys; the audit last. A row that
refers to another keeps that one too: who makes one and will append holds the outbox first (`hold`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.outside.database import InstantColumn, JsonColumn, metadata

MAX_BATCH: Final = 1_000
_LOCK: Final = 0x6D61_7469_6E65  # any number that nobody else in the database locks: "matine"

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("payload", JsonColumn, nullable=False),
    sa.Column("at", InstantColumn, nullable=False),
    sqlite_autoincrement=True,  # a number is never given twice, not even when the newest row was taken away
)


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change. `key` is the id of what changed; `payload` says how, in the topic's own words."""

    seq: int
    topic: str
    key: str
    payload: dict[str, Any]
    at: Instant


def hold(conn: Connection) -> None:
    """Wait for whoever appends now, and keep others waiting until the commit: for what must read before it writes."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def append(conn: Connection, topic: str, key: str, payload: Mapping[str, Any], now: Instant) -> int:
    """Add an event to the transaction of the change that it tells of. Its number is above all committed before it."""
    hold(conn)
    row = sa.insert(outbox).values(topic=topic, key=key, payload=dict(payload), at=now).returning(outbox.c.seq)
    return int(conn.execute(row).scalar_one())


def append_many(conn: Connection, topic: str, events: Sequence[tuple[str, Mapping[str, Any]]], now: Instant) -> None:
    """Add events, each a key and a payload, in this order: for what changes by the thousand in one transaction."""
    if events:
        hold(conn)
        rows = [{"topic": topic, "key": key, "payload": dict(payload), "at": now} for key, payload in events]
        conn.execute(sa.insert(outbox), rows)


def after(conn: Connection, seq: int, limit: int = MAX_BATCH) -> Sequence[Event]:
    """The events that follow number `seq`, oldest first, at most `limit` of them."""
    rows = conn.execute(sa.select(outbox).where(outbox.c.seq > seq).order_by(outbox.c.seq).limit(min(limit, MAX_BATCH)))
    return [Event(seq=r.seq, topic=r.topic, key=r.key, payload=r.payload, at=r.at) for r in rows]


def latest(conn: Connection) -> int:
    """The number of the newest event, 0 where there is none.

    A reader that builds its state anew asks this first and reads the state afterwards: an event between the two is
    then applied once more, which does no harm, and never missed.
    """
    return int(conn.execute(sa.select(sa.func.coalesce(sa.func.max(outbox.c.seq), 0))).scalar_one())
