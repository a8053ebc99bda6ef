"""Titles in the database: whole or not at all, one of a film, and nothing of another publisher's."""

import threading

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import ArtworkId, OperatorId, TitleId, new_id
from matinee.catalogue import store
from matinee.catalogue.model import (
    AlreadyAdded,
    CatalogueError,
    Service,
    Title,
    TitleKind,
    TitleNotFound,
    Window,
)
from matinee.outside.database import Database
from matinee.parties import outbox
from tests.catalogue.factories import FR, NOW, a_service, film, playable, told, told_episode


def _publish(database: Database, service: Service, name: str, source: str, title: TitleId | None = None) -> Title:
    with database.write() as conn:
        return store.publish(conn, title or TitleId(new_id()), service, told(name), playable(), None, source, NOW)


def _keys(database: Database, seq: int = 0) -> list[tuple[str, str]]:
    with database.read() as conn:
        return [(event.key, event.payload["change"]) for event in outbox.after(conn, seq) if event.topic == "title"]


@pytest.fixture
def service(any_database: Database) -> Service:
    with any_database.write() as conn:
        return a_service(conn)


def test_a_title_comes_back_as_it_went_in(any_database: Database, service: Service) -> None:
    with any_database.write() as conn:
        made = store.publish(
            conn, TitleId(new_id()), service, told("Été"), playable(), ArtworkId(new_id()), "hash", NOW, ["no sound"]
        )
    with any_database.read() as conn:
        assert store.load_title(conn, made.id) == made
        assert list(store.all_titles(conn)) == [made]
        assert store.title_of_source(conn, service.publisher, "hash") == made.id
    assert _keys(any_database) == [(made.id, "published")]


def test_to_publish_again_what_is_published_changes_nothing(any_database: Database, service: Service) -> None:
    made = _publish(any_database, service, "Film", "hash")
    assert _publish(any_database, service, "Film", "hash", made.id) == made
    assert len(_keys(any_database)) == 1


def test_one_film_is_one_title_of_a_publisher(any_database: Database, service: Service) -> None:
    made = _publish(any_database, service, "Film", "hash")
    with pytest.raises(AlreadyAdded, match=made.id):
        _publish(any_database, service, "Copy", "hash")
    with any_database.write() as conn:
        other = a_service(conn, "Another studio")
    assert _publish(any_database, other, "Film", "hash").publisher == other.publisher
    with any_database.write() as conn:
        store.remove(conn, service.publisher, made.id, NOW)
    _publish(any_database, service, "Film", "hash")  # and it may come back


def test_of_two_adds_of_one_film_at_once_one_publishes(any_database: Database, service: Service) -> None:
    together, outcomes = threading.Barrier(4), []

    def add() -> None:
        together.wait(10)
        try:
            outcomes.append(_publish(any_database, service, "Film", "hash").id)
        except AlreadyAdded as refused:
            outcomes.append(refused.code)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(str, outcomes)).count(ErrorCode.ALREADY_ADDED) == 3
    with any_database.read() as conn:
        assert len(list(store.all_titles(conn))) == 1
    assert len(_keys(any_database)) == 1


def test_the_first_episode_brings_its_series_and_the_last_one_takes_it_along(any_database: Database, service: Service) -> None:
    with any_database.write() as conn:
        one = store.publish(conn, TitleId(new_id()), service, told_episode("noël", 1, 1), playable(), None, "1", NOW)
        two = store.publish(conn, TitleId(new_id()), service, told_episode("noël", 1, 2), playable(), None, "2", NOW)
    assert one.series == two.series is not None
    with any_database.write() as conn:
        parent = store.load_title(conn, one.series)
        assert (parent.kind, parent.text[FR].name, parent.playable) == (TitleKind.SERIES, "Noël", None)
        assert store.remove(conn, service.publisher, one.id, NOW) == [one]
        assert store.remove(conn, service.publisher, two.id, NOW) == [two, parent]
        assert list(store.all_titles(conn)) == []


def test_a_series_goes_with_its_episodes(any_database: Database, service: Service) -> None:
    with any_database.write() as conn:
        made = [
            store.publish(conn, TitleId(new_id()), service, told_episode("s", 1, n), playable(), None, str(n), NOW)
            for n in (1, 2)
        ]
        assert made[0].series is not None
        assert [t.kind for t in store.remove(conn, service.publisher, made[0].series, NOW)] == [
            TitleKind.EPISODE, TitleKind.EPISODE, TitleKind.SERIES,
        ]  # fmt: skip
        assert list(store.all_titles(conn)) == []


def test_a_series_never_keeps_the_pictures_of_an_episode_that_is_gone(any_database: Database, service: Service) -> None:
    pictures = [ArtworkId(new_id()) for _ in range(3)]
    with any_database.write() as conn:
        one, _ = (
            store.publish(conn, TitleId(new_id()), service, told_episode("s", 1, n), playable(), pictures[n], str(n), NOW)
            for n in (0, 1)
        )
        assert one.series is not None
        assert store.load_title(conn, one.series).artwork == pictures[0]
        store.replace(conn, service.publisher, one.id, playable(), pictures[2], NOW)
        assert store.load_title(conn, one.series).artwork == pictures[2]
        store.remove(conn, service.publisher, one.id, NOW)
        assert store.load_title(conn, one.series).artwork == pictures[1]
    assert (one.series, "replaced") in _keys(any_database)


def test_a_place_in_a_series_is_taken_once(any_database: Database, service: Service) -> None:
    with any_database.write() as conn:
        store.publish(conn, TitleId(new_id()), service, told_episode("s", 1, 1), playable(), None, "1", NOW)
    with pytest.raises(CatalogueError, match="season 1, episode 1") as refused, any_database.write() as conn:
        store.publish(conn, TitleId(new_id()), service, told_episode("s", 1, 1), playable(), None, "2", NOW)
    assert refused.value.code is ErrorCode.CONFLICT
    with any_database.read() as conn:
        assert len(list(store.all_titles(conn))) == 2


def test_a_refused_first_episode_leaves_no_series(any_database: Database, service: Service) -> None:
    _publish(any_database, service, "Film", "hash")
    with pytest.raises(AlreadyAdded), any_database.write() as conn:
        store.publish(conn, TitleId(new_id()), service, told_episode("s", 1, 1), playable(), None, "hash", NOW)
    with any_database.read() as conn:
        assert [t.kind for t in store.all_titles(conn)] == [TitleKind.FILM]


def test_a_title_changes_its_package_and_nothing_else(any_database: Database, service: Service) -> None:
    made = _publish(any_database, service, "Film", "hash")
    newer = playable(90_000)
    with any_database.write() as conn:
        assert store.replace(conn, service.publisher, made.id, newer, None, NOW) == made
        assert store.load_title(conn, made.id) == msgspec.structs.replace(made, playable=newer)
        assert store.title_of_source(conn, service.publisher, "hash") == made.id
    assert _keys(any_database)[-1] == (made.id, "replaced")


def test_publishers_reach_nothing_of_each_others(any_database: Database, service: Service) -> None:
    mine = _publish(any_database, service, "Film", "hash")
    with any_database.write() as conn:
        other = a_service(conn, "Another studio")
        window = Window(territory="FR", opens_at=NOW)
        for reach in (
            lambda: store.remove(conn, other.publisher, mine.id, NOW),
            lambda: store.replace(conn, other.publisher, mine.id, playable(), None, NOW),
            lambda: store.add_window(conn, other.publisher, mine.id, window, NOW),
        ):
            with pytest.raises(TitleNotFound):
                reach()
        assert store.list_titles(conn, other.publisher, None, 10).items == []
        assert store.title_of_source(conn, other.publisher, "hash") is None
        assert store.load_title(conn, mine.id) == mine


def test_windows_come_with_the_title_until_they_are_withdrawn(any_database: Database, service: Service) -> None:
    made = _publish(any_database, service, "Film", "hash")
    window = Window(territory="FR", operator=OperatorId("o"), opens_at=NOW, closes_at=Instant(NOW + 1))
    with any_database.write() as conn:
        window_id = store.add_window(conn, service.publisher, made.id, window, NOW)
        assert store.load_title(conn, made.id).windows == (window,)
        backward = Window(territory="FR", opens_at=NOW, closes_at=NOW)
        with pytest.raises(CatalogueError, match="closes before it opens"):
            store.add_window(conn, service.publisher, made.id, backward, NOW)
        store.withdraw_window(conn, made.id, window_id, NOW)
        assert store.load_title(conn, made.id).windows == ()
        store.add_window(conn, service.publisher, made.id, window, NOW)
        store.remove(conn, service.publisher, made.id, NOW)


@settings(max_examples=25, deadline=None)
@given(times=st.lists(st.integers(0, 3), max_size=12), limit=st.integers(1, 5))
def test_pages_hold_every_title_once_newest_first(times: list[int], limit: int) -> None:
    database = Database("sqlite://")  # in memory, of this example alone
    try:
        store.titles.metadata.create_all(database.engine)
        with database.write() as conn:
            service = a_service(conn)
            made = [
                film("F", service=service.id, publisher=service.publisher, published_at=Instant(NOW + at)) for at in times
            ]
            store.insert_many(conn, made, NOW)
            seen: list[Title] = []
            cursor = None
            while True:
                page = store.list_titles(conn, service.publisher, cursor, limit)
                assert len(page.items) <= limit
                seen += page.items
                cursor = page.next_cursor
                if cursor is None:
                    break
        assert [t.id for t in seen] == [t.id for t in sorted(made, key=lambda t: (-t.published_at, t.id))]
    finally:
        database.close()


def test_a_series_has_pictures_of_its_own_from_the_episode_that_brings_it_into_being(
    any_database: Database, service: Service
) -> None:
    own, other = ArtworkId(new_id()), ArtworkId(new_id())
    with any_database.write() as conn:
        for number, pictures in ((1, own), (2, other)):
            one = store.publish(
                conn,
                TitleId(new_id()),
                service,
                told_episode("s", 1, number),
                playable(),
                ArtworkId(new_id()),
                str(number),
                NOW,
                series_artwork=pictures,
            )
            assert store.series_artwork_of(conn, one.id) == own
