"""How far each follower of the outbox that must not miss an event has come: a place in the database, moved with what it did.

A snapshot in memory needs none (`feed.py`): it reads anew. What acts on an event (erases, for one) keeps its place here, and
moves it in the transaction of the act. Several processes may run the same follower: the row is locked until the commit.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.outside.database import metadata
from matinee.parties import outbox

outbox_cursors = sa.Table(
    "outbox_cursors",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)


def seen(conn: Connection, name: str) -> int:
    """The number of the last event that this follower has done with, 0 at first."""
    return int(conn.execute(sa.select(outbox_cursors.c.seq).where(outbox_cursors.c.name == name)).scalar() or 0)


def take(conn: Connection, name: str) -> int:
    """The number of the last event that this follower has done with, 0 at first. Nobody else moves it until the commit."""
    query = sa.select(outbox_cursors.c.seq).where(outbox_cursors.c.name == name).with_for_update()
    seq = conn.execute(query).scalar()
    if seq is not None:
        return int(seq)
    outbox.hold(conn)  # of two that begin at once the second finds the first one's row
    seq = conn.execute(query).scalar()
    if seq is None:
        conn.execute(sa.insert(outbox_cursors).values(name=name, seq=0))
    return int(seq or 0)


def move(conn: Connection, name: str, seq: int) -> None:
    """All up to this event is done."""
    conn.execute(sa.update(outbox_cursors).where(outbox_cursors.c.name == name).values(seq=seq))
