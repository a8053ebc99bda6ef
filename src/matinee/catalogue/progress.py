"""How far each ingest has come, for the command line and the screens to show while it runs. A row goes when its ingest ends.

How an ingest ended is the work engine's to tell; what it brought about, the catalogue's. So a refusal leaves no row here.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Clock, Instant
from matinee.base.errors import ErrorCode, MatineeError
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
    PAUSED = "paused"  # a disk is full: it goes on when there is room
    CANCELLING = "cancelling"  # no stage follows: whoever works on it stops when it would tell how far it is


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

parts = sa.Table(
    "ingest_parts",
    metadata,
    sa.Column("ingest_id", sa.String(26), primary_key=True),
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("fraction", sa.Float, nullable=False),
)


class IngestCancelled(MatineeError):
    """Somebody said that this film is not to be made after all."""

    code = ErrorCode.CONFLICT


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
    """Take the rows of an ended ingest away. Its own row first: whoever writes one of its parts down holds that."""
    conn.execute(sa.delete(ingests).where(ingests.c.id == ingest))
    conn.execute(sa.delete(parts).where(parts.c.ingest_id == ingest))


def claim_of(conn: Connection, ingest: IngestId) -> str | None:
    """The hash of the film that an ingest claimed."""
    found: str | None = conn.execute(sa.select(ingests.c.source_hash).where(ingests.c.id == ingest)).scalar_one_or_none()
    return found


def cancel(conn: Connection, ingest: IngestId) -> bool:
    """Have an ingest stop wherever it stands. False where there is none such under way."""
    return conn.execute(sa.update(ingests).where(ingests.c.id == ingest).values(stage=Stage.CANCELLING)).rowcount == 1


def stands(conn: Connection, ingest: IngestId) -> bool:
    """Whether an ingest has not ended."""
    return conn.execute(sa.select(ingests.c.id).where(ingests.c.id == ingest)).first() is not None


def requested_at(conn: Connection, ingest: IngestId) -> Instant:
    """When an ingest was handed in; 0 where it is not under way."""
    return Instant(conn.execute(sa.select(ingests.c.requested_at).where(ingests.c.id == ingest)).scalar_one_or_none() or 0)


def claimed(conn: Connection) -> set[tuple[PublisherId, str]]:
    """Every film of an ingest under way: its publisher, and its hash."""
    rows = conn.execute(sa.select(ingests.c.publisher_id, ingests.c.source_hash).where(ingests.c.source_hash.is_not(None)))
    return {(PublisherId(row.publisher_id), row.source_hash) for row in rows}


def is_claimed(conn: Connection, publisher: PublisherId, source_hash: str) -> bool:
    """Whether an ingest under way makes this film."""
    mine = sa.and_(ingests.c.publisher_id == publisher, ingests.c.source_hash == source_hash)
    return conn.execute(sa.select(ingests.c.id).where(mine)).first() is not None


def fractions(conn: Connection, ingest: IngestId) -> dict[str, float]:
    """How far the parts of an ingest are, by their keys."""
    rows = conn.execute(sa.select(parts.c.key, parts.c.fraction).where(parts.c.ingest_id == ingest))
    return {row.key: row.fraction for row in rows}


def forget_all_but(conn: Connection, known: Sequence[IngestId]) -> None:
    """Take away the rows of ingests that a killed program announced and never handed in, cancelled or not."""
    announced = ingests.c.stage.in_((Stage.RENDER, Stage.WAITING, Stage.CANCELLING))
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
        """Begin a stage: writes it down at once, and gives the function that reports its fraction. Both raise IngestCancelled."""
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
            mine = sa.and_(ingests.c.id == self._ingest, ingests.c.stage != Stage.CANCELLING)
            if conn.execute(sa.update(ingests).where(mine).values(**values)).rowcount:
                return
            cancelled = stands(conn, self._ingest)
        if cancelled:
            raise IngestCancelled("It was cancelled.")


class PartReporter:
    """Writes down how far one part of an ingest is, a few times a second at the most, and stops it where the ingest ended."""

    def __init__(self, database: Database, ingest: IngestId, key: str, clock: Clock) -> None:
        self._database = database
        self._ingest = ingest
        self._key = key
        self._clock = clock
        self._written_at = Instant(0)

    def __call__(self, fraction: float) -> None:
        """Raises IngestCancelled."""
        now = self._clock()
        if now - self._written_at < WRITE_EVERY_MS:
            return
        self._written_at = now
        with self._database.write() as conn:
            row = sa.select(ingests.c.stage).where(ingests.c.id == self._ingest)
            # Held until this is written: an ingest that ends meanwhile would leave the part's row behind for ever.
            stage = conn.execute(row.with_for_update(read=True, key_share=True)).scalar_one_or_none()
            wanted = stage not in (None, Stage.CANCELLING)
            if wanted:
                self._note(conn, fraction)
        if not wanted:
            raise IngestCancelled("It was cancelled.")

    def _note(self, conn: Connection, fraction: float) -> None:
        mine = sa.and_(parts.c.ingest_id == self._ingest, parts.c.key == self._key)
        if conn.execute(sa.update(parts).where(mine).values(fraction=fraction)).rowcount:
            return
        with contextlib.suppress(sa.exc.IntegrityError), conn.begin_nested():  # another worker makes it too: its word will do
            conn.execute(sa.insert(parts).values(ingest_id=self._ingest, key=self._key, fraction=fraction))
