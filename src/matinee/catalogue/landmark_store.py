"""SQL for the landmarks of titles: what the next episode of a season is compared with. They go with their title."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import TitleId
from matinee.encoding.landmarks import Landmarks
from matinee.outside.database import InstantColumn, metadata

title_landmarks = sa.Table(
    "title_landmarks",
    metadata,
    sa.Column("title_id", sa.Text, sa.ForeignKey("titles.id", ondelete="CASCADE"), primary_key=True),
    # msgspec's MessagePack of Landmarks: 20 kB for ten minutes of sound, 30 kB at the most.
    sa.Column("landmarks", sa.LargeBinary, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)


def keep(conn: Connection, title: TitleId, landmarks: Landmarks, now: Instant) -> None:
    """Keep what was found of a title in place of what was kept before."""
    conn.execute(sa.delete(title_landmarks).where(title_landmarks.c.title_id == title))
    conn.execute(sa.insert(title_landmarks).values(title_id=title, landmarks=msgspec.msgpack.encode(landmarks), recorded_at=now))


def landmarks_of(conn: Connection, titles: Sequence[TitleId]) -> dict[TitleId, Landmarks]:
    """What is kept of these titles. What another version wrote and this one cannot read is as if it were not there."""
    found: dict[TitleId, Landmarks] = {}
    for row in conn.execute(sa.select(title_landmarks).where(title_landmarks.c.title_id.in_(titles))):
        try:
            found[TitleId(row.title_id)] = msgspec.msgpack.decode(row.landmarks, type=Landmarks)
        except msgspec.DecodeError:
            continue
    return found
