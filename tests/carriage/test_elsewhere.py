"""A service that a home's box cannot have and its phones may, and what a box shows of a title's height, by real addresses."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from matinee.base.clock import DAY, Instant
from matinee.base.ids import BoxModelId
from matinee.fleet import store as fleet
from matinee.fleet.model import BoxModel
from matinee.outside.database import Database
from tests.catalogue.factories import film
from tests.world import NOW, ORIGIN, Screen, Screens, World, screens


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def told(screen: Screen) -> list[tuple[str, str, str]]:
    return [(one["name"], one["shows"], one["watch_at"]) for one in screen.get("/api/v1/announced").json()["services"]]


def services(screen: Screen) -> list[str]:
    return [one["name"] for one in screen.get("/api/v1/me").json()["services"]]


NEWER = {"models": (BoxModelId("newer"),), "elsewhere": True}


def test_the_box_points_to_the_phone_that_has_it(world: World, ask: Screens) -> None:
    title = msgspec.structs.replace(film("Film"), publisher=world.studio.id, service=world.cinema.id)
    world.put(title)
    page = f"/api/v1/titles/{title.id}"
    world.switch(world.orange, world.cinema, **NEWER)
    assert told(ask.box) == [("Cinéma", "elsewhere", f"{ORIGIN}/watch/")]
    assert (services(ask.box), services(ask.phone)) == ([], ["Cinéma"])
    assert told(ask.phone) == []
    assert [screen.get(page).status_code for screen in (ask.box, ask.phone, ask.other_box)] == [404, 200, 404]
    decision = ask.studio.get("/api/v1/decisions", box=world.one.box.id, service=world.cinema.id).json()
    assert (decision["visible"], decision["shows"], decision["elsewhere"]) == (False, "not_on_this_box", True)

    world.switch(world.orange, world.cinema, models=NEWER["models"])
    assert told(ask.box) == [("Cinéma", "not_on_this_box", "")]
    assert (services(ask.phone), ask.phone.get(page).status_code) == ([], 404)


@pytest.mark.parametrize("state", ["silent", "planned", "paused", "killed", "ended"])
def test_what_is_not_open_is_no_more_elsewhere_than_here(world: World, ask: Screens, state: str) -> None:
    world.switch(world.orange, world.cinema, state, **NEWER)
    assert (told(ask.box), told(ask.phone), services(ask.phone)) == ([], [], [])


def test_an_end_that_is_known_is_told_to_the_phone(world: World, ask: Screens) -> None:
    world.switch(world.orange, world.cinema, **NEWER)
    world.sign(world.orange, world.cinema, valid_from=NOW, valid_to=Instant(world.now + 20 * DAY))
    assert [shows for _, shows, _ in told(ask.phone)] == ["leaving"]
    assert [shows for _, shows, _ in told(ask.box)] == ["elsewhere"]


HEIGHTS: list[tuple[dict[str, Any], int | None]] = [
    ({}, None),
    ({"max_height": 720}, 720),
    ({"max_height": "720"}, None),
    ({"max_height": True}, None),
    ({"max_height": 0}, None),
    ({"max_height": -1}, None),
    ({"hdcp": "none"}, 576),
    ({"hdcp": "1.4"}, 1080),
    ({"hdcp": "2.2"}, None),
    ({"hdcp": ["none"]}, None),
    ({"hdcp": "None", "max_height": 2160}, 576),
]


@pytest.mark.parametrize(("capabilities", "height"), HEIGHTS)
def test_the_highest_picture_that_a_model_is_declared_to_show(capabilities: dict[str, Any], height: int | None) -> None:
    model = BoxModel(id=BoxModelId("m"), oui="1", product_class="2", name="3", capabilities=capabilities)
    assert model.max_height == height


@pytest.mark.parametrize(
    ("capabilities", "takes"),
    [
        ({}, True),
        ({"codecs": ["avc1", "mp4a"]}, False),
        ({"codecs": ["avc1", "AV01", "mp4a"]}, True),
        ({"codecs": ["avc1.64002a", "av01.0.08M.08"]}, True),
        ({"codecs": []}, True),
        ({"codecs": "avc1"}, True),
        ({"codecs": ["avc1", 7]}, True),
    ],
)
def test_av1_is_for_models_that_are_not_declared_without_it(capabilities: dict[str, Any], takes: bool) -> None:
    model = BoxModel(id=BoxModelId("m"), oui="1", product_class="2", name="3", capabilities=capabilities)
    assert model.takes_av1 is takes


def test_a_titles_page_says_what_this_box_shows_of_it(world: World, ask: Screens) -> None:
    made = msgspec.structs.replace(film("Film"), publisher=world.studio.id, service=world.cinema.id)
    world.put(made)
    with world.database.write() as conn:
        modest = fleet.ensure_box_model(conn, "00AFFF", "OLD", "Older", {"max_height": 720}, world.now)
        box = fleet.add_box(conn, modest.id, "modest", "", world.now).id
        fleet.assign_box(conn, box, world.one.line.id, world.now, world.now)
        token = fleet.mint_box_token(conn, box, world.now)
    world.feed.poll()
    assert made.playable is not None
    height = made.playable.height
    for screen, here in ((Screen(ask.box._client, token), 720), (ask.box, None), (ask.phone, None)):
        quality = screen.get(f"/api/v1/titles/{made.id}").json()["quality"]
        assert quality == {"height": height, "hdr": False, "here": here}


def test_hdr_is_promised_to_no_box_that_is_declared_without_av1(world: World, ask: Screens) -> None:
    made = msgspec.structs.replace(film("Film"), publisher=world.studio.id, service=world.cinema.id)
    assert made.playable is not None
    made = msgspec.structs.replace(made, playable=msgspec.structs.replace(made.playable, hdr=True))
    world.put(made)
    with world.database.write() as conn:
        model = fleet.ensure_box_model(conn, "00AFFF", "AVC", "Older", {"codecs": ["avc1", "mp4a"]}, world.now)
        box = fleet.add_box(conn, model.id, "avc", "", world.now).id
        fleet.assign_box(conn, box, world.one.line.id, world.now, world.now)
        token = fleet.mint_box_token(conn, box, world.now)
    world.feed.poll()
    told = [
        each.get(f"/api/v1/titles/{made.id}").json()["quality"]["hdr"] for each in (Screen(ask.box._client, token), ask.phone)
    ]
    assert told == [False, True]
