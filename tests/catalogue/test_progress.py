"""How far the parts of ingests are, written down by many workers at once: nobody in another's way, and nothing left behind."""

import threading
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from matinee.base.clock import Instant
from matinee.base.ids import IngestId, ServiceId
from matinee.catalogue import progress
from matinee.catalogue.progress import IngestCancelled, PartReporter
from matinee.outside.database import Database, metadata
from tests.databases import PostgresServer

ONE, OTHER = IngestId("1" * 26), IngestId("2" * 26)
KEY = "a" * 64


def begun(database: Database, ingests: Sequence[IngestId]) -> None:
    with database.write() as conn:
        for ingest in ingests:
            progress.begin(conn, ingest, ServiceId("s" * 26), "film.mp4", Instant(0))


def reporter(database: Database, ingest: IngestId) -> PartReporter:
    times = iter(range(1, 10**9, progress.WRITE_EVERY_MS))
    return PartReporter(database, ingest, KEY, lambda: Instant(next(times) + progress.WRITE_EVERY_MS))


def test_two_publishers_that_add_one_film_at_once_are_told_each_of_their_own(any_database: Database) -> None:
    begun(any_database, (ONE, OTHER))
    reporter(any_database, ONE)(0.25)
    reporter(any_database, OTHER)(0.5)
    with any_database.read() as conn:
        assert (progress.fractions(conn, ONE), progress.fractions(conn, OTHER)) == ({KEY: 0.25}, {KEY: 0.5})
    with any_database.write() as conn:
        progress.end(conn, ONE)
    with any_database.read() as conn:
        assert (progress.fractions(conn, ONE), progress.fractions(conn, OTHER)) == ({}, {KEY: 0.5})


def test_a_part_that_two_workers_make_is_told_of_by_both(postgres_server: PostgresServer) -> None:
    """The first has written its row and not committed yet: the second must not break the part over it."""
    database = Database(postgres_server.new_database_url())
    try:
        metadata.create_all(database.engine)
        begun(database, (ONE,))
        other = threading.Thread(target=reporter(database, ONE), args=(0.5,))
        failed: list[object] = []
        threading.excepthook, hook = lambda said: failed.append(said.exc_value), threading.excepthook
        try:
            with database.write() as conn:
                conn.execute(sa.insert(progress.parts).values(ingest_id=ONE, key=KEY, fraction=0.25))
                other.start()
                wait_for_a_lock(database)
            other.join()
        finally:
            threading.excepthook = hook
        assert failed == []
        with database.read() as conn:
            assert list(progress.fractions(conn, ONE)) == [KEY]
    finally:
        database.close()


def test_no_row_of_a_part_outlives_its_ingest(postgres_server: PostgresServer) -> None:
    """The ingest ends while a part's worker writes down how far it is: whoever comes first, nothing stays."""
    database = Database(postgres_server.new_database_url())
    try:
        metadata.create_all(database.engine)
        begun(database, (ONE,))
        stopped: list[bool] = []

        def tell() -> None:
            try:
                reporter(database, ONE)(0.5)
            except IngestCancelled:
                stopped.append(True)

        other = threading.Thread(target=tell)
        with database.write() as conn:
            progress.end(conn, ONE)
            other.start()
            wait_for_a_lock(database)
        other.join()
        with database.read() as conn:
            assert progress.fractions(conn, ONE) == {}
        assert stopped == [True]
    finally:
        database.close()


def wait_for_a_lock(database: Database) -> None:
    """Until somebody waits for what another transaction holds; a moment is enough where nobody will."""
    for _ in range(50):
        with database.read() as conn:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            if conn.execute(sa.text(waiting)).scalar_one():
                return
        threading.Event().wait(0.1)


@pytest.mark.parametrize("stage", [None, progress.Stage.CANCELLING])
def test_a_part_of_an_ingest_that_does_not_go_on_is_stopped(any_database: Database, stage: progress.Stage | None) -> None:
    if stage is not None:
        begun(any_database, (ONE,))
        with any_database.write() as conn:
            assert progress.cancel(conn, ONE)
    with pytest.raises(IngestCancelled):
        reporter(any_database, ONE)(0.5)
    with any_database.read() as conn:
        assert progress.fractions(conn, ONE) == {}
