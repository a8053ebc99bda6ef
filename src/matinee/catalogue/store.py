"""SQL for services and titles. A title appears, changes or goes whole, in one transaction with the event that says so.

What is asked by has a column; the rest of a title is one JSON text, the same value that the snapshot holds. Windows have
a table of their own with two times: when they are true, and when we knew (`recorded_at`, `withdrawn_at`).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import IntegrityError

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import ArtworkId, PublisherId, ServiceId, TitleId, new_id
from matinee.base.pagination import MAX_PAGE, Page, decode_cursor, encode_cursor
from matinee.catalogue.model import (
    AlreadyAdded,
    CatalogueError,
    Metadata,
    Playable,
    SeriesRef,
    Service,
    ServiceKind,
    Title,
    TitleKind,
    TitleNotFound,
    Window,
)
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import outbox

TITLE_TOPIC: Final = "title"
SERVICE_TOPIC: Final = "service"
PUBLISHED: Final = "published"
REMOVED: Final = "removed"
MARKED: Final = "marked"
_BATCH: Final = 500

services = sa.Table(
    "services",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.UniqueConstraint("publisher_id", "name"),
)

titles = sa.Table(
    "titles",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), nullable=False),
    sa.Column("service_id", sa.Text, sa.ForeignKey("services.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    # The SHA-256 of the film file. With the publisher it is unique: of two adds of one film at once, one publishes.
    sa.Column("source_hash", sa.Text),
    sa.Column("series_key", sa.Text),
    sa.Column("series_id", sa.Text, sa.ForeignKey("titles.id"), index=True),
    sa.Column("season", sa.Integer),
    sa.Column("episode", sa.Integer),
    sa.Column("package_id", sa.Text),
    sa.Column("published_at", InstantColumn, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
    sa.Column("body", JsonColumn, nullable=False),
    sa.UniqueConstraint("publisher_id", "source_hash"),
    sa.UniqueConstraint("service_id", "series_key"),
    sa.UniqueConstraint("series_id", "season", "episode"),
    sa.Index("ix_titles_by_publisher", "publisher_id", "published_at", "id"),
)

title_windows = sa.Table(
    "title_windows",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("title_id", sa.Text, sa.ForeignKey("titles.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("territory", sa.Text, nullable=False),
    sa.Column("operator_id", sa.Text),
    sa.Column("opens_at", InstantColumn, nullable=False),
    sa.Column("closes_at", InstantColumn),
    sa.Column("recorded_at", InstantColumn, nullable=False),
    sa.Column("withdrawn_at", InstantColumn),
)

# The columns that a title's body does not repeat.
_APART: Final = (
    "id", "publisher", "service", "kind", "series", "season", "episode", "published_at", "windows",
)  # fmt: skip


def ensure_service(
    conn: Connection, publisher: PublisherId, name: str, now: Instant, kind: ServiceKind = ServiceKind.SVOD
) -> Service:
    """The publisher's service of that name, made where there is none."""
    found = conn.execute(sa.select(services).where(services.c.publisher_id == publisher, services.c.name == name)).one_or_none()
    if found is not None:
        return _service(found)
    if not name.strip():
        raise CatalogueError("A service's name is empty.", remedy="Give it a name.")
    made = Service(id=ServiceId(new_id()), publisher=publisher, name=name, kind=kind)
    conn.execute(
        sa.insert(services).values(id=made.id, publisher_id=publisher, name=name, kind=kind.value, created_at=now)
    )
    outbox.append(conn, SERVICE_TOPIC, made.id, {"change": PUBLISHED}, now)
    return made


def service_of(conn: Connection, service: ServiceId) -> Service:
    """One service. Raises CatalogueError (not_found)."""
    found = conn.execute(sa.select(services).where(services.c.id == service)).one_or_none()
    if found is None:
        raise CatalogueError(f"There is no service {service}.", code=ErrorCode.NOT_FOUND)
    return _service(found)


def series_artwork_of(conn: Connection, title: TitleId) -> ArtworkId | None:
    """The pictures of the series that a title belongs to, None where it belongs to none."""
    episode = _load(conn, title)
    series = _load(conn, episode.series) if episode is not None and episode.series is not None else None
    return None if series is None else series.artwork


def all_services(conn: Connection) -> Sequence[Service]:
    return [_service(row) for row in conn.execute(sa.select(services).order_by(services.c.name, services.c.id))]


def title_of_source(conn: Connection, publisher: PublisherId, source_hash: str) -> TitleId | None:
    """The publisher's title that was made from this very file, if there is one."""
    found = conn.execute(
        sa.select(titles.c.id).where(titles.c.publisher_id == publisher, titles.c.source_hash == source_hash)
    ).scalar_one_or_none()
    return None if found is None else TitleId(found)


def publish(
    conn: Connection,
    title: TitleId,
    service: Service,
    told: Metadata,
    playable: Playable,
    artwork: ArtworkId | None,
    source_hash: str,
    now: Instant,
    warnings: Sequence[str] = (),
    series_artwork: ArtworkId | None = None,
) -> Title:
    """Bring a film or an episode into being, with its series where it is the first episode. The title as it now stands.

    `series_artwork` is the series' own pictures, should this be what brings it into being; without, it borrows the episode's.
    To publish the same title id again (work that is run twice) changes nothing. Raises AlreadyAdded where this file is
    another title of the publisher's, and CatalogueError (conflict) where the place in the series is taken.
    """
    there = _load(conn, title)
    if there is not None:
        return there
    series, first_episode = None, False
    if told.series is not None:
        series, first_episode = _ensure_series(conn, service, told.series, told, series_artwork or artwork, now)
    made = Title(
        id=title,
        publisher=service.publisher,
        service=service.id,
        kind=told.kind,
        text=told.text,
        published_at=now,
        year=told.year,
        age_class=told.age_class,
        genres=told.genres,
        original_language=told.original_language,
        credits=told.credits,
        markers=told.markers,
        artwork=artwork,
        playable=playable,
        series=series,
        season=told.series.season if told.series else None,
        episode=told.series.episode if told.series else None,
        warnings=tuple(warnings),
    )
    try:
        with conn.begin_nested():
            conn.execute(sa.insert(titles).values(**_columns(made, now), source_hash=source_hash))
    except IntegrityError as error:
        other = title_of_source(conn, service.publisher, source_hash)
        if other is not None:
            raise AlreadyAdded(
                f"This very film is already title {other}.",
                remedy="Remove that title first, to add the film anew.",
            ) from error
        if told.series is not None:
            raise CatalogueError(
                f"The series {told.series.key} has a season {told.series.season}, episode {told.series.episode} already.",
                remedy="Remove that episode first, or give this one its own number.",
                code=ErrorCode.CONFLICT,
            ) from error
        raise
    # The events last: to append takes a lock, and to wait for another's unique row while holding it could be for ever.
    if series is not None and first_episode:
        outbox.append(conn, TITLE_TOPIC, series, _told(PUBLISHED, TitleKind.SERIES, service.publisher, service.id), now)
    outbox.append(conn, TITLE_TOPIC, made.id, _told(PUBLISHED, made.kind, made.publisher, made.service), now)
    return made


def insert_many(conn: Connection, made: Sequence[Title], now: Instant) -> None:
    """Bring many titles into being at once (an import); each gets its own event. Series stand before their episodes."""
    for start in range(0, len(made), _BATCH):
        part = made[start : start + _BATCH]
        conn.execute(sa.insert(titles), [{**_columns(title, now), "source_hash": None} for title in part])
        for title in part:
            outbox.append(conn, TITLE_TOPIC, title.id, _told(PUBLISHED, title.kind, title.publisher, title.service), now)


def write_partner_titles(
    conn: Connection, made: Sequence[Title], changed: Sequence[Title], gone: Sequence[Title], now: Instant
) -> None:
    """Write what one reading of a partner's feed brings: titles that are new, that changed, that are gone. Each gets its event.

    The caller has seen to it that series stand before their episodes in `made`.
    """
    # Episodes may change places with each other: all leave theirs before any takes its new one.
    ids = [one.id for one in (*gone, *changed)]
    for start in range(0, len(ids), _BATCH):
        there = titles.c.id.in_(ids[start : start + _BATCH])
        conn.execute(sa.update(titles).where(there).values(series_id=None, season=None, episode=None))
    for start in range(0, len(gone), _BATCH):
        conn.execute(sa.delete(titles).where(titles.c.id.in_([one.id for one in gone[start : start + _BATCH]])))
    for start in range(0, len(made), _BATCH):
        part_made = made[start : start + _BATCH]
        conn.execute(sa.insert(titles), [{**_columns(title, now), "source_hash": None} for title in part_made])
    for title in changed:
        conn.execute(sa.update(titles).where(titles.c.id == title.id).values(**_columns(title, now)))
    _write_windows(conn, made, changed, now)
    events = [(one.id, _told(REMOVED, one.kind, one.publisher, one.service)) for one in gone]
    events += [(one.id, _told(PUBLISHED, one.kind, one.publisher, one.service)) for one in made]
    events += [(one.id, {"change": "replaced"}) for one in changed]
    outbox.append_many(conn, TITLE_TOPIC, events, now)


def _write_windows(conn: Connection, made: Sequence[Title], changed: Sequence[Title], now: Instant) -> None:
    """Withdraw the windows that changed titles have no longer, and add those that are new."""
    wanted = [(title.id, window) for title in (*made, *changed) for window in title.windows]
    standing: set[tuple[str, Window]] = set()
    ids = [title.id for title in changed]
    for start in range(0, len(ids), _BATCH):
        keep = {(title.id, window) for title in changed[start : start + _BATCH] for window in title.windows}
        there = title_windows.c.title_id.in_(ids[start : start + _BATCH])
        for row in conn.execute(sa.select(title_windows).where(there, title_windows.c.withdrawn_at.is_(None))).all():
            pair = (row.title_id, _window(row))
            if pair in keep and pair not in standing:
                standing.add(pair)
            else:
                conn.execute(sa.update(title_windows).where(title_windows.c.id == row.id).values(withdrawn_at=now))
    rows = [
        {
            "id": new_id(),
            "title_id": title,
            "territory": window.territory,
            "operator_id": window.operator,
            "opens_at": window.opens_at,
            "closes_at": window.closes_at,
            "recorded_at": now,
        }
        for title, window in wanted
        if (title, window) not in standing
    ]
    if rows:
        conn.execute(sa.insert(title_windows), rows)


def replace(
    conn: Connection,
    publisher: PublisherId,
    title: TitleId,
    playable: Playable,
    artwork: ArtworkId | None,
    now: Instant,
    warnings: Sequence[str] = (),
) -> Title:
    """Point a title to a new package (and pictures); the title as it was before. Raises TitleNotFound."""
    before = _load(conn, title)
    if before is None or before.publisher != publisher or before.playable is None:
        raise TitleNotFound
    after = msgspec.structs.replace(before, playable=playable, artwork=artwork, warnings=tuple(warnings))
    conn.execute(sa.update(titles).where(titles.c.id == title).values(**_columns(after, now)))
    parent = _load(conn, before.series) if before.series is not None else None
    if parent is not None and parent.artwork is not None and parent.artwork == before.artwork:
        _redraw(conn, parent, artwork, now)
    outbox.append(conn, TITLE_TOPIC, title, {"change": "replaced"}, now)
    return before


def remove(conn: Connection, publisher: PublisherId, title: TitleId, now: Instant) -> Sequence[Title]:
    """Take a title away: a series with its episodes, and with its last episode the series.

    The titles that went, so that their packages and pictures can go after the commit. Raises TitleNotFound, also for a
    title of another publisher's.
    """
    first = _load(conn, title)
    if first is None or first.publisher != publisher:
        raise TitleNotFound
    gone = [first]
    if first.kind is TitleKind.SERIES:
        gone = [*_titles(conn, titles.c.series_id == title), first]
    elif first.series is not None:
        left = [one for one in _titles(conn, titles.c.series_id == first.series) if one.id != title]
        parent = _load(conn, first.series)
        if not left and parent is not None:
            gone.append(parent)
        elif parent is not None and parent.artwork is not None and parent.artwork == first.artwork:
            # A series borrows the pictures of its first episode, and these are about to go.
            _redraw(conn, parent, next((one.artwork for one in left if one.artwork), None), now)
    for one in gone:  # children before their series
        conn.execute(sa.delete(titles).where(titles.c.id == one.id))
        outbox.append(conn, TITLE_TOPIC, one.id, _told(REMOVED, one.kind, one.publisher, one.service), now)
    return gone


def _told(change: str, kind: TitleKind, publisher: PublisherId, service: ServiceId) -> dict[str, str]:
    """What an event says of a title that came or went: whose it is cannot be looked up once it is gone."""
    return {"change": change, "kind": kind.value, "publisher": publisher, "service": service}


def _redraw(conn: Connection, series: Title, artwork: ArtworkId | None, now: Instant) -> None:
    after = msgspec.structs.replace(series, artwork=artwork)
    conn.execute(sa.update(titles).where(titles.c.id == series.id).values(**_columns(after, now)))
    outbox.append(conn, TITLE_TOPIC, series.id, {"change": "replaced"}, now)


def change_markers(conn: Connection, title: TitleId, change: Callable[[Title], Title], now: Instant) -> Title:
    """Write what `change` makes of a title's markers, with an event where it is another; the title as it now stands.

    The row is held from the reading on: of two who change it at once, each sees what the other wrote. Raises TitleNotFound.
    """
    conn.execute(sa.select(titles.c.id).where(titles.c.id == title).with_for_update())
    before = load_title(conn, title)
    after = change(before)
    if after != before:
        conn.execute(sa.update(titles).where(titles.c.id == title).values(**_columns(after, now)))
        outbox.append(conn, TITLE_TOPIC, title, {"change": MARKED}, now)
    return after


def episodes_near(conn: Connection, title: Title, most: int) -> Sequence[Title]:
    """The other episodes of a title's season, the nearest by number first; none where it is no episode."""
    if title.series is None:
        return ()
    season = _titles(conn, sa.and_(titles.c.series_id == title.series, titles.c.season == title.season, titles.c.id != title.id))
    return sorted(season, key=lambda one: (abs((one.episode or 0) - (title.episode or 0)), one.episode or 0))[:most]


def add_window(conn: Connection, publisher: PublisherId, title: TitleId, window: Window, now: Instant) -> str:
    """Narrow a title to a window. The window's own id. Raises TitleNotFound, CatalogueError for a backward window."""
    there = _load(conn, title)
    if there is None or there.publisher != publisher:
        raise TitleNotFound
    if window.closes_at is not None and window.closes_at <= window.opens_at:
        raise CatalogueError("The window closes before it opens.", remedy="Write its opening first.")
    made = new_id()
    conn.execute(
        sa.insert(title_windows).values(
            id=made,
            title_id=title,
            territory=window.territory,
            operator_id=window.operator,
            opens_at=window.opens_at,
            closes_at=window.closes_at,
            recorded_at=now,
        )
    )
    outbox.append(conn, TITLE_TOPIC, title, {"change": "window"}, now)
    return made


def withdraw_window(conn: Connection, title: TitleId, window_id: str, now: Instant) -> None:
    """Take a window back from now on; that it was once known stays on record."""
    conn.execute(
        sa.update(title_windows)
        .where(title_windows.c.id == window_id, title_windows.c.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
    outbox.append(conn, TITLE_TOPIC, title, {"change": "window"}, now)


def load_title(conn: Connection, title: TitleId) -> Title:
    """One title. Raises TitleNotFound."""
    found = _load(conn, title)
    if found is None:
        raise TitleNotFound
    return found


def titles_by_id(conn: Connection, ids: Sequence[TitleId]) -> dict[TitleId, Title]:
    """Those of these titles that are there."""
    found: dict[TitleId, Title] = {}
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        found.update((title.id, title) for title in _titles(conn, titles.c.id.in_(part)))
    return found


def all_titles(conn: Connection) -> Iterator[Title]:
    """Every title of every publisher, for a snapshot."""
    windows = _windows(conn)
    for row in conn.execute(sa.select(titles).execution_options(yield_per=_BATCH)):
        yield _title(row, windows.get(row.id, ()))


def list_titles(conn: Connection, publisher: PublisherId, cursor: str | None, limit: int) -> Page[Title]:
    """A publisher's titles of every kind, newest first. Raises InvalidRequest for a cursor that is not ours."""
    limit = max(1, min(limit, MAX_PAGE))
    query = sa.select(titles).where(titles.c.publisher_id == publisher)
    if cursor:
        at, last = decode_cursor(cursor, int, str)
        query = query.where(sa.or_(titles.c.published_at < at, sa.and_(titles.c.published_at == at, titles.c.id > last)))
    rows = conn.execute(query.order_by(titles.c.published_at.desc(), titles.c.id).limit(limit + 1)).all()
    windows = _windows(conn, [row.id for row in rows])
    page = [_title(row, windows.get(row.id, ())) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(page, encode_cursor(page[-1].published_at, page[-1].id) if more else None)


def _ensure_series(
    conn: Connection, service: Service, ref: SeriesRef, episode: Metadata, artwork: ArtworkId | None, now: Instant
) -> tuple[TitleId, bool]:
    """The series that an episode names, made from that episode's sidecar where it is the first; and whether it was."""
    found = conn.execute(
        sa.select(titles.c.id).where(titles.c.service_id == service.id, titles.c.series_key == ref.key)
    ).scalar_one_or_none()
    if found is not None:
        return TitleId(found), False
    made = Title(
        id=TitleId(new_id()),
        publisher=service.publisher,
        service=service.id,
        kind=TitleKind.SERIES,
        text=ref.text or episode.text,
        published_at=now,
        year=episode.year,
        age_class=episode.age_class,
        genres=episode.genres,
        original_language=episode.original_language,
        credits=episode.credits,
        artwork=artwork,
    )
    try:
        with conn.begin_nested():
            conn.execute(sa.insert(titles).values(**_columns(made, now), series_key=ref.key))
    except IntegrityError:  # another episode of the series came first, on another connection
        there = sa.select(titles.c.id).where(titles.c.service_id == service.id, titles.c.series_key == ref.key)
        return TitleId(conn.execute(there).scalar_one()), False
    return made.id, True


def _load(conn: Connection, title: TitleId) -> Title | None:
    return next(iter(_titles(conn, titles.c.id == title)), None)


def _titles(conn: Connection, which: "sa.ColumnElement[bool]") -> list[Title]:
    rows = conn.execute(sa.select(titles).where(which).order_by(titles.c.season, titles.c.episode, titles.c.id)).all()
    windows = _windows(conn, [row.id for row in rows])
    return [_title(row, windows.get(row.id, ())) for row in rows]


def _windows(conn: Connection, of: Sequence[str] | None = None) -> dict[str, tuple[Window, ...]]:
    query = sa.select(title_windows).where(title_windows.c.withdrawn_at.is_(None))
    if of is not None:
        query = query.where(title_windows.c.title_id.in_(of))
    found: dict[str, tuple[Window, ...]] = {}
    for row in conn.execute(query.order_by(title_windows.c.opens_at, title_windows.c.id)):
        found[row.title_id] = (*found.get(row.title_id, ()), _window(row))
    return found


def _window(row: "Row[Any]") -> Window:
    return Window(territory=row.territory, operator=row.operator_id, opens_at=row.opens_at, closes_at=row.closes_at)


def _columns(title: Title, now: Instant) -> dict[str, Any]:
    body = msgspec.to_builtins(title)
    return {
        "id": title.id,
        "publisher_id": title.publisher,
        "service_id": title.service,
        "kind": title.kind.value,
        "series_id": title.series,
        "season": title.season,
        "episode": title.episode,
        "package_id": title.playable.package if title.playable else None,
        "published_at": title.published_at,
        "recorded_at": now,
        "body": {key: value for key, value in body.items() if key not in _APART},
    }


def _title(row: "Row[Any]", windows: tuple[Window, ...]) -> Title:
    return msgspec.convert(
        {
            **row.body,
            "id": row.id,
            "publisher": row.publisher_id,
            "service": row.service_id,
            "kind": row.kind,
            "series": row.series_id,
            "season": row.season,
            "episode": row.episode,
            "published_at": row.published_at,
            "windows": windows,
        },
        Title,
    )


def _service(row: "Row[Any]") -> Service:
    return Service(id=row.id, publisher=row.publisher_id, name=row.name, kind=ServiceKind(row.kind))
