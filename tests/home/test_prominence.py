"""Where an operator's prominence acts: among the first twelve titles of a row, and nowhere else."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import Instant
from matinee.base.ids import ServiceId
from matinee.base.pagination import encode_cursor
from matinee.carriage.model import CarriageError
from matinee.catalogue.model import Genre, Service
from matinee.home.rules import PROMINENT_PLACES, arranged
from matinee.outside.database import Database
from tests.catalogue.factories import film
from tests.world import NOW, Screens, World, screens

DRAMA = Genre("drama")


@pytest.fixture
def world(any_database: Database) -> World:
    """Both studios' services on one box: 20 films each, one of the one and one of the other, newest first: S19, R19, S18, ..."""
    world = World(any_database)
    world.sign(world.orange, world.theatre)
    world.put(*(_film(world, world.cinema, f"S{n:02d}", 2 * n + 1) for n in range(20)))
    world.put(*(_film(world, world.theatre, f"R{n:02d}", 2 * n) for n in range(20)))
    return world


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def _film(world: World, service: Service, name: str, at: int) -> Any:
    made = film(name, genres=(DRAMA,), published_at=Instant(NOW + at))
    return msgspec.structs.replace(made, publisher=service.publisher, service=service.id)


def names(ask: Screens, row: str = "new") -> list[str]:
    rows = {one["id"]: one["items"] for one in ask.box.get("/api/v1/home").json()["rows"]}
    return [tile["name"] for tile in rows[row]]


def pages(ask: Screens, limit: int, row: str = "new") -> list[str]:
    found, cursor = [], None
    while True:
        page = ask.box.get(f"/api/v1/rows/{row}", cursor=cursor, limit=limit).raise_for_status().json()
        assert len(page["items"]) == limit or page["next_cursor"] is None
        found += [tile["name"] for tile in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


OWN_ORDER = [f"{letter}{n:02d}" for n in range(19, -1, -1) for letter in "SR"]
BY_WEIGHT = [f"R{n:02d}" for n in range(19, 13, -1)] + [f"S{n:02d}" for n in range(19, 13, -1)] + OWN_ORDER[12:]


def weigh(world: World, service: Service, weight: int, **fields: Any) -> None:
    world.now = Instant(world.now + 1)
    world.sign(world.orange, service, prominence=weight, **fields)


def test_without_weights_a_row_has_its_own_order(world: World, ask: Screens) -> None:
    assert names(ask) == OWN_ORDER[:24]
    weigh(world, world.theatre, 0)
    assert names(ask) == OWN_ORDER[:24]
    weigh(world, world.theatre, 7)
    weigh(world, world.cinema, 7)
    assert names(ask) == OWN_ORDER[:24], "equal weights change nothing"


def test_a_weight_moves_titles_within_the_first_places_of_each_row(world: World, ask: Screens) -> None:
    weigh(world, world.theatre, 40)
    assert names(ask) == names(ask, "genre-drama") == BY_WEIGHT[:24]
    weigh(world, world.cinema, 41)
    assert names(ask)[:12] == BY_WEIGHT[6:12] + BY_WEIGHT[:6]
    assert names(ask)[12:] == OWN_ORDER[12:24]


@pytest.mark.parametrize("limit", [1, 5, 11, 12, 13, 24, 40, 100])
def test_a_row_goes_on_page_by_page_as_it_stands_on_home(world: World, ask: Screens, limit: int) -> None:
    assert pages(ask, limit) == OWN_ORDER
    weigh(world, world.theatre, 1)
    assert pages(ask, limit) == BY_WEIGHT


def test_weights_are_the_operators_and_have_their_dates(world: World, ask: Screens) -> None:
    world.sign(world.free, world.theatre)
    world.sign(world.free, world.cinema)
    weigh(world, world.theatre, 40, valid_from=Instant(NOW + 5_000))
    assert names(ask) == OWN_ORDER[:24]
    world.now = Instant(NOW + 5_000)
    assert names(ask) == BY_WEIGHT[:24]
    others = ask.other_box.get("/api/v1/home").json()["rows"][0]["items"]
    assert [tile["name"] for tile in others] == OWN_ORDER[:24]


def test_search_and_similar_titles_know_no_weights(world: World, ask: Screens) -> None:
    def found() -> Any:
        first = ask.box.get("/api/v1/search", q="S19").json()["items"][0]["id"]
        page = ask.box.get(f"/api/v1/titles/{first}").json()
        return [ask.box.get("/api/v1/search", q=words).content for words in ("R1", "S1", "r", "1")], page["similar"]

    before = found()
    weigh(world, world.theatre, 100)
    assert found() == before


def test_what_is_no_weight_or_no_place_is_refused(world: World, ask: Screens) -> None:
    for weight in (-1, 101):
        with pytest.raises(CarriageError, match="prominence"):
            weigh(world, world.theatre, weight)
    weigh(world, world.theatre, 1)
    for cursor in (encode_cursor("head", 0), encode_cursor("head", 12), encode_cursor("tail", 3), encode_cursor("head", -1)):
        assert ask.box.get("/api/v1/rows/new", cursor=cursor).json()["code"] == "invalid_cursor"


_ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers()), max_size=30, unique=True)
_WEIGHTS = st.dictionaries(st.sampled_from(["a", "b", "c", "gone"]), st.integers(1, 100))


@given(_ROWS, _WEIGHTS)
def test_no_weight_brings_a_title_in_or_takes_one_out(row: list[tuple[str, int]], weights: dict[str, int]) -> None:
    given_weights = tuple(sorted((ServiceId(one), weight) for one, weight in weights.items()))
    shown = arranged(row, lambda one: ServiceId(one[0]), given_weights)
    assert sorted(shown[:PROMINENT_PLACES]) == sorted(row[:PROMINENT_PLACES])
    assert shown[PROMINENT_PLACES:] == row[PROMINENT_PLACES:]
    for service in "abc":
        mine = [one for one in row if one[0] == service]
        assert [one for one in shown if one[0] == service] == mine, "a service's own titles keep their order"
