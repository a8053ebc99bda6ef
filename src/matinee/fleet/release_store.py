"""SQL for releases: who may sign them, what was uploaded, what was done to each, and how its starts went on boxes.

Releases and acts are appended, never edited; how a release stands is folded from them. A row of `release_starts` is what one box
told of one release: where a box that asks is handed it, confirms it, or says that it did not stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import BoxId, ReleaseId, ReleaseKeyId, new_id
from matinee.fleet.model import FleetError
from matinee.fleet.releases import RETURNS_WITHIN_MS, Act, ReleaseKey, Spread, UIRelease, stand
from matinee.fleet.store import boxes
from matinee.fleet.waves import Counts
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import audit, outbox

TOPIC: Final = "releases"
_ROWS_AT_A_TIME: Final = 500

release_keys = sa.Table(
    "release_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("added_at", InstantColumn, nullable=False),
    sa.Column("ended_at", InstantColumn),
)

releases = sa.Table(
    "releases",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, nullable=False, unique=True),  # an address names it, so it is one for all products
    sa.Column("uploaded_at", InstantColumn, nullable=False),
    sa.Column("told", JsonColumn, nullable=False),  # releases.UIRelease
)

release_events = sa.Table(
    "release_events",
    metadata,
    sa.Column("release_id", sa.Text, sa.ForeignKey("releases.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("told", JsonColumn, nullable=False),  # releases.Act
)

release_starts = sa.Table(
    "release_starts",
    metadata,
    sa.Column("release_id", sa.Text, sa.ForeignKey("releases.id"), primary_key=True),
    sa.Column("box_id", sa.Text, sa.ForeignKey("boxes.id"), primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),  # its bucket, so that a wave's boxes are counted where they lie
    sa.Column("handed_at", InstantColumn),
    sa.Column("confirmed_at", InstantColumn),
    sa.Column("failed_at", InstantColumn),
    sa.Index("ix_release_starts_by_place", "release_id", "place"),  # a small wave is counted alone
)


class Start(NamedTuple):
    """What a box told of a release at a moment."""

    release: ReleaseId
    box: BoxId
    place: int


# --- who may sign -----------------------------------------------------------------------------------------------------


def add_key(conn: Connection, name: str, product: str, public_key: str, now: Instant, *, actor: str) -> ReleaseKey:
    """Let a key sign releases of a product. Raises FleetError where the name is taken, or the key may sign for it already."""
    outbox.hold(conn)
    for one in all_keys(conn):
        if one.name == name:
            raise FleetError(
                f"There is a key {name!r} already.", remedy="Name it otherwise; names are kept.", code=ErrorCode.CONFLICT
            )
        if (one.product, one.public_key, one.ended_at) == (product, public_key, None):
            raise FleetError(f"It is the key {one.name!r} already.", remedy="Nothing is to be done.", code=ErrorCode.CONFLICT)
    made = ReleaseKey(id=ReleaseKeyId(new_id()), name=name, product=product, public_key=public_key, added_at=now)
    conn.execute(sa.insert(release_keys).values(**msgspec.structs.asdict(made)))
    audit.record(conn, actor, "release_key.add", made.id, msgspec.to_builtins(made), now)
    return made


def end_key(conn: Connection, name: str, now: Instant, *, actor: str) -> ReleaseKey:
    """Let a key sign no more uploads; what it signed before stands. Raises FleetError."""
    found = next((one for one in all_keys(conn) if one.name == name), None)
    if found is None or found.ended_at is not None:
        raise FleetError(
            f"No key {name!r} may sign releases.", remedy="See `matinee release key list`.", code=ErrorCode.NOT_FOUND
        )
    conn.execute(sa.update(release_keys).where(release_keys.c.id == found.id).values(ended_at=now))
    audit.record(conn, actor, "release_key.end", found.id, {"name": name}, now)
    return msgspec.structs.replace(found, ended_at=now)


def all_keys(conn: Connection) -> Sequence[ReleaseKey]:
    rows = conn.execute(sa.select(release_keys).order_by(release_keys.c.added_at, release_keys.c.name))
    return [ReleaseKey(**row._asdict()) for row in rows]


# --- releases, and what was done to them --------------------------------------------------------------------------------


def insert(conn: Connection, release: UIRelease, now: Instant) -> None:
    """Record an uploaded release, whose files lie in the store already."""
    told = msgspec.to_builtins(release)
    conn.execute(sa.insert(releases).values(id=release.id, version=release.version, uploaded_at=now, told=told))
    audit.record(conn, release.uploader, "release.upload", release.id, told, now)
    outbox.append(conn, TOPIC, release.id, {"kind": "release"}, now)


def append(conn: Connection, release: UIRelease, act: Act) -> None:
    """Append what was done, in the transaction in which it was checked."""
    outbox.hold(conn)
    count = conn.execute(
        sa.select(sa.func.count()).select_from(release_events).where(release_events.c.release_id == release.id)
    ).scalar_one()
    told = msgspec.to_builtins(act)
    conn.execute(sa.insert(release_events).values(release_id=release.id, number=count, told=told))
    audit.record(conn, act.actor, f"release.{act.kind.value}", release.id, {"version": release.version, **told}, act.at)
    outbox.append(conn, TOPIC, release.id, {"kind": "release"}, act.at)


def all_spreads(conn: Connection) -> Sequence[Spread]:
    """Every release with how it stands, in the order of uploading."""
    acts: dict[str, list[Act]] = {}
    for row in conn.execute(sa.select(release_events).order_by(release_events.c.release_id, release_events.c.number)):
        acts.setdefault(row.release_id, []).append(msgspec.convert(row.told, Act))
    rows = conn.execute(sa.select(releases.c.id, releases.c.told).order_by(releases.c.uploaded_at, releases.c.id))
    return [Spread(msgspec.convert(row.told, UIRelease), stand(acts.get(row.id, ()))) for row in rows]


def find(conn: Connection, version: str) -> UIRelease | None:
    told = conn.execute(sa.select(releases.c.told).where(releases.c.version == version)).scalar_one_or_none()
    return None if told is None else msgspec.convert(told, UIRelease)


def load(conn: Connection, version: str) -> Spread:
    """The release of a version, and how it stands. Raises FleetError where there is none."""
    release = find(conn, version)
    if release is None:
        raise FleetError(f"No release {version!r} was uploaded.", remedy="See `matinee release list`.", code=ErrorCode.NOT_FOUND)
    return Spread(release, stand(acts_of(conn, release.id)))


def acts_of(conn: Connection, release: ReleaseId) -> Sequence[Act]:
    query = sa.select(release_events.c.told).where(release_events.c.release_id == release).order_by(release_events.c.number)
    return [msgspec.convert(told, Act) for told in conn.execute(query).scalars()]


# --- how its starts went ------------------------------------------------------------------------------------------------


def record_handed(conn: Connection, starts: Mapping[Start, Instant]) -> None:
    """Boxes were handed releases that they had not been handed last."""
    _upsert(conn, "handed_at", starts.items())


def record_confirmed(conn: Connection, start: Start, now: Instant) -> None:
    _upsert(conn, "confirmed_at", [(start, now)])


def record_failed(conn: Connection, start: Start, now: Instant) -> None:
    _upsert(conn, "failed_at", [(start, now)])


def was_handed(conn: Connection, release: ReleaseId, box: BoxId) -> bool:
    query = sa.select(release_starts.c.place).where(release_starts.c.release_id == release, release_starts.c.box_id == box)
    return conn.execute(query).first() is not None


def counts(conn: Connection, release: ReleaseId, places: tuple[int, int], since: Instant, now: Instant) -> Counts:
    """What boxes at these places (the first, and the one after the last) told of a release since a moment.

    What a box told last counts. One that was handed it and was not heard again is lost, if it has a key: a browser without one
    (plain http) can confirm nothing.
    """
    told = release_starts.c
    confirms, fails = told.confirmed_at >= since, told.failed_at >= since
    failing = sa.and_(fails, sa.or_(told.confirmed_at.is_(None), told.confirmed_at < told.failed_at))
    is_late = sa.and_(told.handed_at >= since, told.handed_at <= now - RETURNS_WITHIN_MS)
    silent = sa.and_(*(sa.or_(column.is_(None), column < since) for column in (told.confirmed_at, told.failed_at)))
    has_key = sa.exists().where(boxes.c.id == told.box_id, boxes.c.public_key.is_not(None))  # looked up for few
    lost = sa.and_(is_late, silent, has_key)
    query = (
        sa.select(
            *(
                sa.func.coalesce(sa.func.sum(sa.case((which, 1), else_=0)), 0).label(name)
                for name, which in (("reported", sa.or_(confirms, fails, lost)), ("failing", failing), ("lost", lost))
            )
        )
        .select_from(release_starts)
        .where(told.release_id == release, told.place >= places[0], told.place < places[1])
    )
    row = conn.execute(query).one()
    return Counts(reported=int(row.reported), failing=int(row.failing), lost=int(row.lost))


def _upsert(conn: Connection, column: str, starts: Iterable[tuple[Start, Instant]]) -> None:
    insert_of = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement: Any = insert_of(release_starts)
    statement = statement.on_conflict_do_update(
        index_elements=[release_starts.c.release_id, release_starts.c.box_id],
        set_={column: statement.excluded[column], "place": statement.excluded.place},
    )
    # In one order, so that two processes that write the same rows do not wait for each other in a ring.
    ordered = sorted(starts)
    for begin in range(0, len(ordered), _ROWS_AT_A_TIME):
        some = ordered[begin : begin + _ROWS_AT_A_TIME]
        conn.execute(
            statement, [{"release_id": one.release, "box_id": one.box, "place": one.place, column: at} for one, at in some]
        )
