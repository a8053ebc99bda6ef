"""Packages, their wrapped keys, and what was measured of their films, in SQL.

A key is written before the packager first runs, and read back on every later run: that is why two runs of one ingest give equal
bytes, and why a crash never leaves ciphertext whose key nobody has.
"""

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import PackageId, TitleId
from matinee.encoding.measured import Analysis
from matinee.encoding.model import EncodedFilm
from matinee.library.keys import MasterKey, new_content_keys
from matinee.library.model import ContentKeys, LibraryError, Package, PackageFiles, PackageState
from matinee.outside.database import InstantColumn, JsonColumn, metadata

packages = sa.Table(
    "packages",
    metadata,
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("title_id", sa.String(26), nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("published_at", InstantColumn),
    sa.Column("files", JsonColumn),
    sa.Column("film", JsonColumn),
    sa.Column("retired_at", InstantColumn),
)

content_keys = sa.Table(
    "content_keys",
    metadata,
    sa.Column("package_id", sa.String(26), sa.ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kid", sa.String(32), nullable=False, unique=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("master_key", sa.String(16), nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
)

analyses = sa.Table(
    "analyses",
    metadata,
    sa.Column("package_id", sa.String(26), primary_key=True),
    sa.Column("made_at", InstantColumn, nullable=False),
    sa.Column("found", JsonColumn, nullable=False),
)
"""What the analysis of a film measured, and the rungs that it chose for its package. It is made before the package's own row."""

_SELECT = sa.select(packages, content_keys.c.kid).join(content_keys)


def ensure_keys(connection: Connection, master: MasterKey, package_id: PackageId, title_id: TitleId, now: Instant) -> ContentKeys:
    """The package's row and key, made where they are not there yet. Commit before the packager runs.

    Raises LibraryError where the package was removed or belongs to another title: its bytes must never be made again.
    """
    row = connection.execute(sa.select(packages).where(packages.c.id == package_id)).one_or_none()
    if row is None:
        fresh = new_content_keys()
        connection.execute(
            packages.insert().values(id=package_id, title_id=title_id, state=PackageState.PREPARING.value, created_at=now)
        )
        connection.execute(
            content_keys.insert().values(
                package_id=package_id,
                kid=fresh.kid.hex(),
                wrapped=master.wrap(package_id, fresh),
                master_key=master.name,
                created_at=now,
            )
        )
        return fresh
    if row.title_id != title_id or row.state == PackageState.REMOVED:
        raise LibraryError(f"Package {package_id} was removed, or is another title's.", code=ErrorCode.CONFLICT)
    return keys_of(connection, master, package_id)


def keys_of(connection: Connection, master: MasterKey, package_id: PackageId) -> ContentKeys:
    """The key of a package. Raises LibraryError (not_found), and KeysUnusable with another master key."""
    row = connection.execute(sa.select(content_keys).where(content_keys.c.package_id == package_id)).one_or_none()
    if row is None:
        raise LibraryError(f"There is no key for a package {package_id}.", code=ErrorCode.NOT_FOUND)
    return master.unwrap(package_id, bytes.fromhex(row.kid), row.wrapped)


def mark_published(connection: Connection, files: PackageFiles, now: Instant, film: EncodedFilm | None = None) -> None:
    """Say that a package stands whole in the published store; saying it again changes nothing. `film` is what it was made of.

    Raises LibraryError where it was removed meanwhile, or published with other bytes.
    """
    found = get(connection, files.package_id)
    if found.state is PackageState.PUBLISHED and found.files == files:
        return
    if found.state is not PackageState.PREPARING:
        raise LibraryError(
            f"Package {files.package_id} cannot be published: it is {found.state.value} already.",
            code=ErrorCode.CONFLICT,
        )
    connection.execute(
        packages.update()
        .where(packages.c.id == files.package_id)
        .values(
            state=PackageState.PUBLISHED.value,
            published_at=now,
            files=msgspec.to_builtins(files),
            film=None if film is None else msgspec.to_builtins(film),
        )
    )


def film_of(connection: Connection, package_id: PackageId) -> EncodedFilm | None:
    """What a package was made of; None where it was published by a version that kept no such record, or with another shape."""
    row = connection.execute(sa.select(packages.c.film).where(packages.c.id == package_id)).one_or_none()
    try:
        return None if row is None or row.film is None else msgspec.convert(row.film, EncodedFilm)
    except msgspec.ValidationError:
        return None


def retire(connection: Connection, package_id: PackageId, now: Instant) -> None:
    """Say that no title points to a package any more: it stands, with its key, for those who are watching it."""
    connection.execute(
        packages.update()
        .where(packages.c.id == package_id, packages.c.state == PackageState.PUBLISHED.value)
        .values(state=PackageState.RETIRED.value, retired_at=now)
    )


def retired(connection: Connection, before: Instant) -> list[PackageId]:
    """The packages that were retired before a moment."""
    chosen = sa.select(packages.c.id).where(packages.c.state == PackageState.RETIRED.value, packages.c.retired_at < before)
    return [PackageId(row.id) for row in connection.execute(chosen.order_by(packages.c.retired_at))]


def of_title(connection: Connection, title_id: TitleId, state: PackageState) -> list[PackageId]:
    """A title's packages in a state."""
    chosen = sa.select(packages.c.id).where(packages.c.title_id == title_id, packages.c.state == state.value)
    return [PackageId(row.id) for row in connection.execute(chosen.order_by(packages.c.id))]


def mark_removed(connection: Connection, package_id: PackageId) -> None:
    """Say that a package is gone, and forget its key: ciphertext that lies in a cache somewhere is closed for good."""
    connection.execute(packages.update().where(packages.c.id == package_id).values(state=PackageState.REMOVED.value))
    connection.execute(content_keys.delete().where(content_keys.c.package_id == package_id))
    _forget_analysis(connection, package_id)


def keep_analysis(connection: Connection, package_id: PackageId, found: Analysis, now: Instant) -> None:
    """Write down what the film of a package was measured to be; a later analysis of the same ingest takes its place."""
    _forget_analysis(connection, package_id)
    connection.execute(analyses.insert().values(package_id=package_id, made_at=now, found=msgspec.to_builtins(found)))


def analysis_of(connection: Connection, package_id: PackageId) -> Analysis | None:
    """What was measured of a package's film; None where its ladder was fixed, or a later version reads it no more."""
    found = connection.execute(sa.select(analyses.c.found).where(analyses.c.package_id == package_id)).scalar_one_or_none()
    try:
        return None if found is None else msgspec.convert(found, Analysis)
    except msgspec.ValidationError:
        return None


def move_analysis(connection: Connection, before: PackageId, package_id: PackageId) -> None:
    """The film of a package is another one's now: what was measured of it goes along. Doing it again changes nothing."""
    connection.execute(analyses.update().where(analyses.c.package_id == before).values(package_id=package_id))


def _forget_analysis(connection: Connection, package_id: PackageId) -> None:
    connection.execute(analyses.delete().where(analyses.c.package_id == package_id))


def forget(connection: Connection, package_id: PackageId) -> None:
    """Take away the rows of a package that was never published, its key with it: a refused film leaves none."""
    connection.execute(packages.delete().where(packages.c.id == package_id, packages.c.state == PackageState.PREPARING.value))
    if not is_published(connection, package_id):
        _forget_analysis(connection, package_id)


def is_published(connection: Connection, package_id: PackageId) -> bool:
    """Whether a package stands, and with it the title that it was made for."""
    state = connection.execute(sa.select(packages.c.state).where(packages.c.id == package_id)).scalar_one_or_none()
    return state == PackageState.PUBLISHED.value


def get(connection: Connection, package_id: PackageId) -> Package:
    """A package that holds a key still. Raises LibraryError (not_found)."""
    row = connection.execute(_SELECT.where(packages.c.id == package_id)).one_or_none()
    if row is None:
        raise LibraryError(f"There is no package {package_id}.", code=ErrorCode.NOT_FOUND)
    return _package(row)


def published(connection: Connection) -> list[Package]:
    """Every published package, oldest first."""
    chosen = _SELECT.where(packages.c.state == PackageState.PUBLISHED.value)
    return [_package(row) for row in connection.execute(chosen.order_by(packages.c.published_at, packages.c.id))]


def _package(row: Row[tuple[object, ...]]) -> Package:
    return Package(
        id=PackageId(row.id),
        title_id=TitleId(row.title_id),
        kid=row.kid,
        state=PackageState(row.state),
        created_at=Instant(row.created_at),
        published_at=None if row.published_at is None else Instant(row.published_at),
        files=None if row.files is None else msgspec.convert(row.files, PackageFiles),
    )
