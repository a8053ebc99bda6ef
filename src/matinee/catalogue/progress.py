"""How far each ingest has come, for the command line and the screens to show while it runs. A row goes when its ingest ends.

How an ingest ended is the work engine's to tell; what it brought about, the catalogue's. So a refusal leaves no row here.
"""

import threading
from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Clock, Instant
from matinee.base.ids import IngestId, PublisherId, ServiceId
from matinee.outside.database import Database, InstantColumn, metadata

WRITE_EVERY_MS = 400
MAX_NAME_CHARS = 200


class Stage(StrEnum):
    """The stages of an ingest, in their order."""

    RENDER = "render"  # of the demo's own films alone: the film itself is being drawn
    WAITING = "waiting"
    PROBE = "probe"
    ENCODE = "encode"
    PACKAGE = "package"
    VERIFY = "verify"
    PUBLISH = "publish"


ingests = sa.Table(
    "ingests",
    metadata,
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("service_id", sa.String(26), nullable=False),
    sa.Column("name", sa.String(MAX_NAME_CHARS), nullable=False),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("fraction", sa.Float, nullable=False),
    sa.Column("requested_at", InstantColumn, nullable=False),
    sa.Column("updated_at", InstantColumn, nullable=False),
    # Which film of which publisher it is, once it was read: the claim that keeps two adds of one film apart.
    sa.Column("publisher_id", sa.String(26)),
    sa.Column("source_hash", sa.String(64)),
    sa.UniqueConstraint("publisher_id", "source_hash"),
)


class IngestProgress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ingest under way. `fraction` is of its present stage, from 0 to 1."""

    id: IngestId
    service_id: ServiceId
    name: str
    stage: Stage
    fraction: float


def begin(conn: Connection, ingest: IngestId, service: ServiceId, name: str, now: Instant) -> None:
    """Note an ingest as waiting. One that is noted already stays as it is."""
    if conn.execute(sa.select(ingests.c.id).where(ingests.c.id == ingest)).first() is None:
        row = {"id": ingest, "service_id": service, "name": name[:MAX_NAME_CHARS], "stage": Stage.WAITING}
        conn.execute(sa.insert(ingests).values(**row, fraction=0.0, requested_at=now, updated_at=now))


def claim(conn: Connection, ingest: IngestId, publisher: PublisherId, source_hash: str) -> bool:
    """Whether this ingest is the one that makes this film. False where another one under way is making it."""
    try:
        with conn.begin_nested():
            conn.execute(sa.update(ingests).where(ingests.c.id == ingest).values(publisher_id=publisher, source_hash=source_hash))
    except sa.exc.IntegrityError:
        return False
    return True


def end(conn: Connection, ingest: IngestId) -> None:
    """Take the row of an ended ingest away."""
    conn.execute(sa.delete(ingests).where(ingests.c.id == ingest))


def forget_all_but(conn: Connection, known: Sequence[IngestId]) -> None:
    """Take away the rows of ingests that a killed program announced and never handed in."""
    announced = ingests.c.stage.in_((Stage.RENDER, Stage.WAITING))
    conn.execute(sa.delete(ingests).where(announced, ingests.c.id.not_in(known)))


def under_way(conn: Connection) -> Sequence[IngestProgress]:
    """Every ingest that has not ended, the longest waiting first."""
    rows = conn.execute(sa.select(ingests).order_by(ingests.c.requested_at, ingests.c.id))
    return [
        IngestProgress(
            id=IngestId(r.id), service_id=ServiceId(r.service_id), name=r.name, stage=Stage(r.stage), fraction=r.fraction
        )
        for r in rows
    ]


class Reporter:
    """Writes one ingest's progress down, a few times a second at the most, from whichever thread reports it."""

    def __init__(self, database: Database, ingest: IngestId, clock: Clock) -> None:
        self._database = database
        self._ingest = ingest
        self._clock = clock
        self._lock = threading.Lock()
        self._written_at = Instant(0)

    def stage(self, stage: Stage) -> Callable[[float], None]:
        """Begin a stage: writes it down at once, and gives the function that reports its fraction."""
        self._write(stage, 0.0, force=True)
        return lambda fraction: self._write(stage, min(1.0, max(0.0, fraction)), force=False)

    def _write(self, stage: Stage, fraction: float, *, force: bool) -> None:
        now = self._clock()
        with self._lock:
            if not force and now - self._written_at < WRITE_EVERY_MS:
                return
            self._written_at = now
        with self._database.write() as conn:
            values = {"stage": stage, "fraction": fraction, "updated_at": now}
            conn.execute(sa.update(ingests).where(ingests.c.id == self._ingest).values(**values))
