"""The home screen: which rows, in which order, for whom; and that its cost does not grow with the catalogue."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from bench.catalogue_data import SERVICE, make_titles
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import Instant
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import AgeClass, Genre, Sight, Title, Watched, Window
from matinee.catalogue.shelves import NEW, SERIES, Shelf, genre_shelf
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.view import view_of
from matinee.home.model import MAX_GENRE_ROWS
from matinee.home.rows import KEPT_FOR_MS, Homes
from matinee.home.rules import plan_rows
from matinee.outside.database import Database
from tests.catalogue.factories import FR, episode, film, series
from tests.shared import DATA
from tests.world import NOW, Screens, SetPositions, World, screens

DRAMA, COMEDY = Genre("drama"), Genre("comedy")


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def mine(world: World, title: Title, **fields: Any) -> Title:
    return msgspec.structs.replace(title, publisher=world.studio.id, service=world.cinema.id, **fields)


def watched(title: Title, position_ms: int = 9_000, at: int = NOW) -> Watched:
    return Watched(title=title.id, position_ms=PositionMs(position_ms), duration_ms=DurationMs(60_000), at=Instant(at))


def shape(answer: Any) -> list[tuple[str, str, str | None, list[str], bool]]:
    return [
        (row["id"], row["kind"], row["genre"], [tile["name"] for tile in row["items"]], row["more"])
        for row in answer.json()["rows"]
    ]


def test_a_home_has_its_rows_in_their_order(world: World, ask: Screens) -> None:
    old = mine(world, film("Old", genres=(DRAMA,), published_at=Instant(NOW - 9)))
    new = mine(world, film("New", genres=(DRAMA, COMEDY), published_at=Instant(NOW - 1)))
    saga = mine(world, series("Saga", genres=(COMEDY,), published_at=Instant(NOW - 8)))
    one = mine(world, episode(saga, 1, 1, "Un", published_at=Instant(NOW - 5)))
    late = mine(world, film("Late", age_class=AgeClass(18), genres=(DRAMA,)))
    world.put(old, new, saga, one, late)
    adult, child = world.one.adult.id, world.one.child.id
    world.positions.watched[adult] = [watched(one), watched(old)]
    assert shape(ask.box.get("/api/v1/home", profile=adult)) == [
        ("continue", "continue", None, ["Un", "Old"], False),
        ("new", "new", None, ["Late", "New", "Saga", "Old"], False),
        ("series", "series", None, ["Saga"], False),
        ("genre-drama", "genre", "drama", ["Late", "New", "Old"], False),
        ("genre-comedy", "genre", "comedy", ["New", "Saga"], False),
    ]
    assert shape(ask.box.get("/api/v1/home", profile=child)) == [
        ("new", "new", None, ["New", "Saga", "Old"], False),
        ("series", "series", None, ["Saga"], False),
        ("genre-comedy", "genre", "comedy", ["New", "Saga"], False),
        ("genre-drama", "genre", "drama", ["New", "Old"], False),
    ]
    for row in (rows := ask.box.get("/api/v1/home", profile=adult).json()["rows"]):
        assert ask.box.get(f"/api/v1/rows/{row['id']}", profile=adult).json()["items"] == row["items"]
    first = rows[0]["items"][0]
    assert first["progress"] == {"position_ms": 9_000, "duration_ms": 60_000}
    assert first["series"] == {"id": saga.id, "name": "Saga", "season": 1, "episode": 1}


def test_an_empty_catalogue_is_a_home_with_no_rows(world: World, ask: Screens) -> None:
    assert ask.box.get("/api/v1/home").json()["rows"] == []


def test_a_home_of_an_operator_without_an_agreement_shows_nothing(world: World, ask: Screens) -> None:
    made = mine(world, film("Film"))
    world.put(made)
    world.positions.watched[world.other.adult.id] = [watched(made)]
    assert ask.other_box.get("/api/v1/home", profile=world.other.adult.id).json()["rows"] == []
    world.sign(world.free, world.cinema)
    assert [row[0] for row in shape(ask.other_box.get("/api/v1/home", profile=world.other.adult.id))] == ["continue", "new"]
    world.now = Instant(NOW + 1)
    world.sign(world.free, world.cinema, "suspended")
    assert ask.other_box.get("/api/v1/home", profile=world.other.adult.id).json()["rows"] == []
    assert ask.box.get("/api/v1/home").json()["rows"], "the other operator's homes are as they were"


def test_a_long_row_goes_on_page_by_page(world: World, ask: Screens) -> None:
    made = [mine(world, film(f"F{n:02d}", genres=(DRAMA,), published_at=Instant(NOW + n))) for n in range(60)]
    world.put(*made)
    home = ask.box.get("/api/v1/home").json()["rows"]
    assert [(row["id"], len(row["items"]), row["more"]) for row in home] == [("new", 24, True), ("genre-drama", 24, True)]
    seen, cursor = [], None
    while True:
        page = ask.box.get("/api/v1/rows/genre-drama", cursor=cursor, limit=25).json()
        seen += [tile["name"] for tile in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        world.put(mine(world, film("Just in", genres=(DRAMA,), published_at=Instant(NOW + 100))))
    assert seen == [f"F{n:02d}" for n in range(59, -1, -1)], "what comes in meanwhile moves nothing"


def test_a_row_that_is_not_there_reads_as_one_that_is_empty(world: World, ask: Screens) -> None:
    world.put(
        mine(world, film("Film", genres=(DRAMA,), age_class=AgeClass(16))),
        film("Rival", genres=(COMEDY,), publisher=world.rival.id, service=world.theatre.id),
    )
    absent = ask.box.get("/api/v1/rows/nonsense")
    assert absent.status_code == 404
    for row in ("genre-drama", "genre-comedy", "new", "series", "continue"):
        answer = ask.box.get(f"/api/v1/rows/{row}", profile=world.one.child.id)
        assert (answer.status_code, answer.content) == (404, absent.content), row


def test_continue_watching_shows_a_series_once_and_only_what_may_be_seen(world: World, ask: Screens) -> None:
    saga = mine(world, series("Saga"))
    one, two = (mine(world, episode(saga, 1, n, f"E{n}")) for n in (1, 2))
    grown = mine(world, film("Grown", age_class=AgeClass(16)))
    gone = mine(world, film("Gone"))
    world.put(saga, one, two, grown)
    child = world.one.child.id
    world.positions.watched[child] = [watched(two, 0), watched(one), watched(grown), watched(gone)]
    page = ask.box.get("/api/v1/rows/continue", profile=child).json()
    assert [tile["name"] for tile in page["items"]] == ["E2"]
    assert page["next_cursor"] is None


def test_what_may_not_be_seen_takes_no_place_in_continue_watching(world: World, ask: Screens) -> None:
    seen, hidden = mine(world, film("Seen")), [film(f"Hidden {number}", service=world.theatre.id) for number in range(150)]
    world.put(seen, *(msgspec.structs.replace(one, publisher=world.rival.id) for one in hidden))
    adult = world.one.adult.id
    world.positions.watched[adult] = [*(watched(one) for one in hidden), watched(seen)]
    page = ask.box.get("/api/v1/rows/continue", profile=adult).json()
    assert [tile["name"] for tile in page["items"]] == ["Seen"]


def test_a_home_that_is_held_is_not_sent_again(world: World, ask: Screens) -> None:
    made = mine(world, film("Film"))
    world.put(made)
    first = ask.box.get("/api/v1/home", profile=world.one.adult.id)
    tag = {"If-None-Match": first.headers["etag"]}
    assert ask.box.get("/api/v1/home", tag, profile=world.one.adult.id).status_code == 304
    world.positions.watched[world.one.adult.id] = [watched(made)]
    assert ask.box.get("/api/v1/home", tag, profile=world.one.adult.id).status_code == 200
    world.positions.watched.clear()
    world.put(mine(world, film("Another")))
    assert ask.box.get("/api/v1/home", tag, profile=world.one.adult.id).status_code == 200


def test_a_window_that_opens_shows_within_seconds(world: World, ask: Screens) -> None:
    window = Window(territory="FR", opens_at=Instant(NOW + 1))
    made, other = mine(world, film("Soon")), mine(world, film("Now"))
    world.put(made, other)
    with world.database.write() as conn:
        from matinee.catalogue import store

        store.add_window(conn, world.studio.id, made.id, window, NOW)
    world.feed.poll()
    assert shape(ask.box.get("/api/v1/home"))[0][3] == ["Now"]
    world.now = Instant(NOW + KEPT_FOR_MS)
    assert sorted(shape(ask.box.get("/api/v1/home"))[0][3]) == ["Now", "Soon"]


@given(st.dictionaries(st.sampled_from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"), st.integers(0, 5)), st.integers(0, 3))
def test_planned_rows_are_never_empty_and_in_one_order(genres: dict[str, int], count: int) -> None:
    sizes: dict[Shelf, int] = {genre_shelf(Genre(genre)): size for genre, size in genres.items()}
    sizes[NEW] = count
    rows = plan_rows(sizes)
    assert all(sizes[Shelf(row.id)] > 0 for row in rows)
    assert rows == plan_rows(dict(reversed(sizes.items())))
    assert len(rows) <= 2 + MAX_GENRE_ROWS
    assert SERIES not in [row.id for row in rows]


def test_the_cost_of_a_home_does_not_grow_with_the_catalogue() -> None:
    """The first home of its kind, which nothing has been kept for, among a thousand titles and among twenty thousand."""
    data = DATA.parent / "data" if DATA else None
    best: dict[int, float] = {}
    for count in (1_000, 20_000):
        catalogue = Catalogue()
        catalogue.view = view_of(make_titles(count, data))
        sight = Sight(
            services=frozenset({SERVICE}),
            searched=frozenset({SERVICE}),
            listed=frozenset({SERVICE}),
            max_age=AgeClass(10),
            operator=None,
            territory="FR",
            now=NOW,
            language=FR,
        )
        costs = []
        for _ in range(15):
            homes = Homes(catalogue, SetPositions())
            began = time.thread_time()
            assert homes.home(sight).rows
            costs.append(time.thread_time() - began)
        best[count] = min(costs)
    assert best[20_000] < 3 * best[1_000] + 0.002, best
