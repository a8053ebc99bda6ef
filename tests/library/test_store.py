"""Packages and keys in SQL, on both databases."""

import pytest
import sqlalchemy as sa

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import PackageId, TitleId, new_id
from matinee.base.units import BitsPerSecond, Bytes, DurationMs
from matinee.library import store
from matinee.library.keys import MasterKey
from matinee.library.model import DrmSystem, KeysUnusable, LibraryError, PackageFiles, PackageState, Track, TrackKind
from matinee.outside.database import Database

MASTER = MasterKey(b"m" * 32)
NOW = Instant(1_412_200_800_000)


def _files(package: PackageId, kid: str) -> PackageFiles:
    track = Track(name="v720", kind=TrackKind.VIDEO, codec="avc1.64001f", peak=BitsPerSecond(1), media_sha256="ab")
    return PackageFiles(
        package_id=package,
        kid=kid,
        drm=(DrmSystem.CLEARKEY,),
        duration_ms=DurationMs(1000),
        tracks=(track,),
        file_count=3,
        total_bytes=Bytes(1234),
        contents_sha256="cd",
    )


@pytest.fixture
def package(any_database: Database) -> PackageId:
    id_ = PackageId(new_id())
    with any_database.write() as connection:
        store.ensure_keys(connection, MASTER, id_, TitleId("t1"), NOW)
    return id_


def test_the_same_key_is_given_again(any_database: Database, package: PackageId) -> None:
    with any_database.write() as connection:
        first = store.ensure_keys(connection, MASTER, package, TitleId("t1"), NOW)
        again = store.ensure_keys(connection, MASTER, package, TitleId("t1"), Instant(NOW + 1))
        assert first == again == store.keys_of(connection, MASTER, package)
        found = store.get(connection, package)
    assert (found.kid, found.state, found.created_at, found.files) == (first.kid.hex(), PackageState.PREPARING, NOW, None)


def test_no_key_lies_open_in_the_database(any_database: Database, package: PackageId) -> None:
    with any_database.read() as connection:
        keys = store.keys_of(connection, MASTER, package)
        row = connection.execute(sa.select(store.content_keys)).one()
    written = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    for secret in (keys.key, keys.iv):
        assert secret not in written
        assert secret.hex().encode() not in written


def test_another_master_key_says_so(any_database: Database, package: PackageId) -> None:
    with any_database.read() as connection, pytest.raises(KeysUnusable, match="does not open"):
        store.keys_of(connection, MasterKey(b"x" * 32), package)


def test_a_package_of_another_title_is_not_handed_over(any_database: Database, package: PackageId) -> None:
    with any_database.write() as connection, pytest.raises(LibraryError) as caught:
        store.ensure_keys(connection, MASTER, package, TitleId("t2"), NOW)
    assert caught.value.code is ErrorCode.CONFLICT


def test_published_twice_is_published_once(any_database: Database, package: PackageId) -> None:
    with any_database.write() as connection:
        files = _files(package, store.get(connection, package).kid)
        store.mark_published(connection, files, NOW)
        store.mark_published(connection, files, Instant(NOW + 5))
        assert [(p.id, p.published_at, p.files) for p in store.published(connection)] == [(package, NOW, files)]
        with pytest.raises(LibraryError, match="published already"):
            store.mark_published(connection, _files(package, "00" * 16), NOW)


def test_a_removed_package_has_no_key_and_comes_never_back(any_database: Database, package: PackageId) -> None:
    with any_database.write() as connection:
        store.mark_published(connection, _files(package, store.get(connection, package).kid), NOW)
        store.mark_removed(connection, package)
        assert store.published(connection) == []
        with pytest.raises(LibraryError, match="no key"):
            store.keys_of(connection, MASTER, package)
        with pytest.raises(LibraryError, match="was removed"):
            store.ensure_keys(connection, MASTER, package, TitleId("t1"), NOW)


def test_forgetting_leaves_no_row_of_what_was_never_published(any_database: Database, package: PackageId) -> None:
    with any_database.write() as connection:
        store.forget(connection, package)
        for table in (store.packages, store.content_keys):
            assert connection.execute(sa.select(table)).all() == []


def test_forgetting_never_takes_a_published_package(any_database: Database, package: PackageId) -> None:
    with any_database.write() as connection:
        store.mark_published(connection, _files(package, store.get(connection, package).kid), NOW)
        store.forget(connection, package)
        assert store.keys_of(connection, MASTER, package)
        assert store.get(connection, package).state is PackageState.PUBLISHED


def test_what_is_not_there_is_told(any_database: Database) -> None:
    with any_database.read() as connection:
        for ask in (lambda: store.get(connection, PackageId("no")), lambda: store.keys_of(connection, MASTER, PackageId("no"))):
            with pytest.raises(LibraryError) as caught:
                ask()
            assert caught.value.code is ErrorCode.NOT_FOUND
