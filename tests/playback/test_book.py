"""The book and its store on both databases: own writes read back, batches, restarts, processes, a database that is away."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, PackageId, ProfileId, SessionId, TitleId, new_id
from matinee.base.units import DurationMs, PositionMs
from matinee.members.forgotten import Forgotten, ForgottenKind
from matinee.outside.database import Database, metadata
from matinee.playback import book as book_module
from matinee.playback import store
from matinee.playback.book import Book
from matinee.playback.model import Place, PlayState, Report, Session, TooBusy

NOW = Instant(1_795_500_000_000)
FILM = TitleId("film")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Instant:
        return self.now


def session(profile: ProfileId, **changes: Any) -> Session:
    fields: dict[str, Any] = {
        "id": SessionId(new_id()),
        "household": HouseholdId("h"),
        "profile": profile,
        "title": FILM,
        "package": PackageId("k"),
        "duration_ms": DurationMs(600_000),
        "started_at": NOW,
        "token_expires_at": Instant(NOW + 1000),
        "token": "secret-token",
    }
    return Session(**{**fields, **changes})


def report(sequence: int, position: int) -> Report:
    return Report(sequence=sequence, position_ms=PositionMs(position), state=PlayState.PLAYING)


@pytest.fixture
def database(any_database: Database) -> Database:
    metadata.create_all(any_database.engine, tables=[store.play_sessions, store.places])
    return any_database


def test_what_is_heard_is_read_at_once_and_after_a_restart(database: Database) -> None:
    profile, clock = ProfileId(new_id()), Clock()
    book = Book(database, clock)
    playing = session(profile)
    book.open(playing)
    assert book.recent(profile, 10) == []
    book.hear(playing.id, report(0, 5_000), NOW)
    assert [row.position_ms for row in book.recent(profile, 10)] == [5_000]
    assert book.among(profile, [FILM, TitleId("other")])[FILM].position_ms == 5_000
    book.start()
    book.close()
    again = Book(database, clock)
    assert [row.position_ms for row in again.recent(profile, 10)] == [5_000]
    found = again.find_session(playing.id)
    assert found is not None
    assert (found.sequence, found.position_ms, found.token) == (0, 5_000, "")
    assert found == msgspec.structs.replace(playing, sequence=0, position_ms=PositionMs(5_000), reported_at=NOW, token="")


def test_no_token_is_written_down(database: Database) -> None:
    book = Book(database, Clock())
    book.open(session(ProfileId(new_id())))
    book.flush()
    with database.read() as connection:
        assert "secret-token" not in str(connection.execute(sa.text("SELECT * FROM play_sessions")).all())


def test_one_batch_for_many_reports(database: Database) -> None:
    book = Book(database, Clock())
    sessions = [session(ProfileId(new_id())) for _ in range(50)]
    for each in sessions:
        book.open(each)
        for beat in range(20):
            book.hear(each.id, report(beat, beat * 1000), Instant(NOW + beat))
    assert book.flush() == 100  # a session and a place each, whatever the number of reports
    assert book.flush() == 0


def test_the_database_decides_which_of_two_processes_is_newer(database: Database) -> None:
    profile = ProfileId(new_id())
    early, late = Book(database, Clock()), Book(database, Clock())
    one, other = session(profile), session(profile)
    early.open(one)
    late.open(other)
    early.hear(one.id, report(0, 5_000), NOW)
    late.hear(other.id, report(0, 9_000), Instant(NOW + 500))
    late.flush()
    early.flush()  # commits later, and is older
    assert [row.position_ms for row in Book(database, Clock()).recent(profile, 5)] == [9_000]


def test_another_process_sees_the_place_once_its_own_memory_is_no_longer_fresh(database: Database) -> None:
    profile, clock = ProfileId(new_id()), Clock()
    box, web = Book(database, clock, fresh_ms=1000), Book(database, clock, fresh_ms=1000)
    assert web.recent(profile, 5) == []
    playing = session(profile)
    box.open(playing)
    box.hear(playing.id, report(0, 7_000), clock.now)
    box.flush()
    clock.now = Instant(clock.now + 1001)
    assert web.held_places(profile) is None
    assert [row.position_ms for row in web.recent(profile, 5)] == [7_000]


def test_an_end_is_never_taken_back_by_a_late_batch(database: Database) -> None:
    book = Book(database, Clock())
    playing = session(ProfileId(new_id()))
    ended = msgspec.structs.replace(playing, sequence=4, ended_at=NOW, stop_reason="stopped")
    with database.write() as connection:
        store.save_sessions(connection, [ended])
        store.save_sessions(connection, [msgspec.structs.replace(playing, sequence=2)])
        store.save_sessions(connection, [msgspec.structs.replace(playing, sequence=9)])
    found = book.find_session(playing.id)
    assert found is not None
    assert (found.sequence, found.ended_at, found.stop_reason) == (9, NOW, "stopped")


def test_an_erased_household_leaves_nothing(database: Database) -> None:
    book = Book(database, Clock())
    playing = session(ProfileId(new_id()))
    book.open(playing)
    book.hear(playing.id, report(0, 5_000), NOW)
    book.flush()
    with database.write() as connection:
        told = Forgotten(kind=ForgottenKind.HOUSEHOLD, household=playing.household, until=NOW)
        store.forget(connection, told)
        assert store.places_of(connection, playing.profile) == []
        assert store.session_of(connection, playing.id) is None


def test_a_database_that_is_away_loses_nothing_and_in_the_end_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(f"sqlite:///{tmp_path / 'late.db'}")  # its tables are not there yet
    monkeypatch.setattr(book_module, "MAX_UNWRITTEN", 20)
    monkeypatch.setattr(book_module, "FLUSH_SECONDS", 0.02)
    book = Book(database, Clock())
    book.start()
    sessions = [session(ProfileId(new_id())) for _ in range(10)]
    for each in sessions:
        book.open(each)
        book.hear(each.id, report(0, 5_000), NOW)
    deadline = time.monotonic() + 5
    while book.failed_flushes == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert book.failed_flushes > 0
    with pytest.raises(TooBusy):
        _retry_open(book)
    metadata.create_all(database.engine, tables=[store.play_sessions, store.places])
    book.close()
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(store.places)).scalar_one() == 10
    database.close()


def test_while_the_database_is_away_a_profile_is_where_it_was_last_known(database: Database) -> None:
    clock = Clock()
    book = Book(database, clock, fresh_ms=1000)
    profile, stranger = ProfileId(new_id()), ProfileId(new_id())
    one = session(profile)
    book.open(one)
    book.hear(one.id, report(0, 5_000), NOW)
    book.flush()
    assert book.find_places(profile)
    clock.now = Instant(clock.now + 5_000)
    store.places.drop(database.engine)
    assert book.held_places(profile) is None, "no longer fresh: the database is asked"
    assert [place.position_ms for place in book.find_places(profile).values()] == [5_000]
    assert book.find_places(stranger) == {}


def _retry_open(book: Book) -> None:
    """Between taking a batch and putting it back the book looks empty for a moment."""
    for _ in range(200):
        book.open(session(ProfileId(new_id())))


def test_a_reader_never_misses_what_is_being_written(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush that commits between a reader's query and its look at memory: the report is in neither, unless asked again."""
    profile = ProfileId(new_id())
    book = Book(database, Clock())
    playing = session(profile)
    book.open(playing)
    read, flushed = store.places_of, []

    def read_then_flush(connection: Any, whose: ProfileId) -> Any:
        rows = read(connection, whose)
        if not flushed:
            flushed.append(True)
            connection.rollback()
            book.hear(playing.id, report(0, 8_000), NOW)
            book.flush()
        return rows

    monkeypatch.setattr(store, "places_of", read_then_flush)
    assert book.among(profile, [FILM])[FILM].position_ms == 8_000


def test_only_so_much_stays_in_memory(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "MAX_SESSIONS", 5)
    monkeypatch.setattr(book_module, "MAX_PROFILES", 3)
    book = Book(database, Clock())
    first = session(ProfileId(new_id()))
    book.open(first)
    book.flush()
    for _ in range(20):
        book.open(session(ProfileId(new_id())))
        book.flush()
        book.find_places(ProfileId(new_id()))
    assert len(book._sessions) == 5
    assert len(book._profiles) == 3
    assert book.held_session(first.id) is None
    assert book.find_session(first.id) is not None


def test_places_read_are_bounded(database: Database) -> None:
    profile, most = ProfileId(new_id()), store.MAX_PLACES
    rows = [
        Place(
            household=HouseholdId("h"),
            profile=profile,
            title=TitleId(f"t{n}"),
            position_ms=PositionMs(5_000),
            duration_ms=DurationMs(600_000),
            completed=False,
            session=SessionId(new_id()),
            sequence=0,
            counted_at=Instant(NOW + n),
        )
        for n in range(most + 13)
    ]
    with database.write() as connection:
        store.save_places(connection, rows)
    assert [row.title for row in Book(database, Clock()).recent(profile, 2 * most)] == [f"t{n}" for n in range(most + 12, 12, -1)]


def test_an_end_is_not_taken_back_by_who_read_the_session_before(any_database: Database) -> None:
    """A report is being answered on the event loop while a thread stops the play."""
    clock = Clock()
    book = Book(any_database, clock)
    begun = session(ProfileId(new_id()))
    book.open(begun)
    book.mark_stopped(begun.id, "other_screen")
    renewed = book.put_session(msgspec.structs.replace(begun, token="another"))
    assert (renewed.stop_reason, renewed.ended_at) == ("other_screen", NOW)
    assert book.held_session(begun.id) == renewed
