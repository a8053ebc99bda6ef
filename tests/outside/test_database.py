"""The two ways to use a database, on both kinds."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.outside.database import Database, DatabaseError, InstantColumn, JsonColumn

_things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", InstantColumn),
    sa.Column("data", JsonColumn),
)


@pytest.fixture
def database(any_database: Database) -> Database:
    _things.create(any_database.engine)
    return any_database


def _count(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(_things)) or 0


def test_a_write_is_committed_at_the_end(database: Database) -> None:
    with database.write() as connection:
        connection.execute(_things.insert().values(id=1, at=1412200800000, data={"é": [1, None]}))
    with database.read() as connection:
        assert connection.execute(sa.select(_things)).one() == (1, 1412200800000, {"é": [1, None]})


def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            connection.execute(_things.insert().values(id=1))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert _count(database) == 0


def test_a_read_changes_nothing(database: Database) -> None:
    with database.read() as connection:
        connection.execute(_things.insert().values(id=1))
    assert _count(database) == 0


def test_writers_wait_for_each_other(database: Database) -> None:
    with database.write() as connection:
        connection.execute(_things.insert().values(id=1, at=0))

    def add() -> None:
        for _ in range(20):
            with database.write() as connection:
                at = connection.scalar(sa.select(_things.c.at).where(_things.c.id == 1).with_for_update())
                connection.execute(_things.update().values(at=at + 1).where(_things.c.id == 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.scalar(sa.select(_things.c.at)) == 80


def test_a_new_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    """The first openers of a file all ask for its mode; without a wait of our own about one in a hundred is refused."""
    failures: list[BaseException] = []
    start = threading.Barrier(6)

    def open_new(number: int) -> None:
        database = Database(f"sqlite:///{tmp_path}/{number}.db")
        try:
            start.wait(20)
            with database.read() as connection:
                assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        except BaseException as error:  # noqa: BLE001 -- handed to the test
            failures.append(error)
        finally:
            database.close()

    for number in range(60):
        threads = [threading.Thread(target=open_new, args=(number,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert failures == []


def test_a_url_of_no_known_kind_is_refused_with_the_remedy() -> None:
    with pytest.raises(DatabaseError, match="sqlite:///PATH or postgresql://"):
        Database("oracle9://x")


def test_reads_together_share_a_connection_and_see_what_was_written_meanwhile(database: Database) -> None:
    """A cache asks again after a write: what it then reads must have it, on either database."""
    with database.together():
        assert _taken(database) == 0, "none is taken before the first read"
        with database.read() as first:
            assert _rows(first) == 0
        with database.write() as conn:
            conn.execute(_things.insert().values(id=1))
        with database.together(), database.read() as second:
            assert _rows(second) == 1
            assert (second is first) == (not database.is_sqlite)
    assert _taken(database) == 0
    with database.read() as third:
        assert third is not first


def test_a_read_that_broke_breaks_no_other_of_those_together(database: Database) -> None:
    with database.together():
        with pytest.raises(sa.exc.SQLAlchemyError), database.read() as conn:
            conn.execute(sa.text("SELECT nothing FROM nowhere"))
        with database.read() as conn:
            assert _rows(conn) == 0
    with pytest.raises(RuntimeError), database.together(), database.read():
        raise RuntimeError
    assert _taken(database) == 0


def test_what_would_write_among_reads_together_writes_nothing(database: Database) -> None:
    refused = contextlib.nullcontext() if database.is_sqlite else pytest.raises(sa.exc.SQLAlchemyError, match="read-only")
    with database.together(), refused, database.read() as conn:
        conn.execute(_things.insert().values(id=1))
    assert _count(database) == 0


@pytest.mark.parametrize("any_kind", ["postgresql"], indirect=True)
def test_a_connection_that_broke_while_it_lay_is_replaced_before_it_is_read_from(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matinee.outside.database.IDLE_S", 0.0)
    own = sa.text("SELECT pg_backend_pid()")
    with any_database.together(), any_database.read() as conn:
        first = conn.execute(own).scalar_one()
    with any_database.together(), any_database.read() as conn:
        assert conn.execute(own).scalar_one() == first, "it is used again"
    with any_database.write() as conn:
        assert conn.execute(sa.text("SELECT pg_terminate_backend(:one, 5000)"), {"one": first}).scalar_one()
    with any_database.together(), any_database.read() as conn:
        assert conn.execute(own).scalar_one() != first


@pytest.mark.parametrize("any_kind", ["postgresql"], indirect=True)
def test_reads_together_keep_the_options_of_the_address(any_database: Database) -> None:
    url = any_database.engine.url.update_query_dict({"options": "-c statement_timeout=12345"})
    asked = Database(url.render_as_string(hide_password=False))
    with asked.together(), asked.read() as conn:
        told = [conn.execute(sa.text(f"SHOW {name}")).scalar_one() for name in ("statement_timeout", "transaction_read_only")]
    asked.close()
    assert told == ["12345ms", "on"]


def test_reads_of_another_thread_share_nothing(database: Database) -> None:
    with database.together(), database.read() as mine, ThreadPoolExecutor(1) as other:

        def theirs() -> bool:
            with database.read() as conn:
                return conn is mine

        assert not other.submit(theirs).result(10)


def _taken(database: Database) -> int:
    return sum(engine.pool.checkedout() for engine in {database.engine, database._reader})  # type: ignore[attr-defined]


def _rows(conn: Connection) -> int:
    return int(conn.execute(sa.select(sa.func.count()).select_from(_things)).scalar_one())
