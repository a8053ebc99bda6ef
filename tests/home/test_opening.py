"""What OK on a partner's title does: its link filled in, for whom it is open, and what stands in continue watching after."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from matinee.base.clock import DAY, Instant
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import AgeClass, Offer, PartnerWork, Title, Watched, WayToWatch, Window
from matinee.home.opened import SHOWN_FOR_MS, forget
from matinee.members.forgotten import Forgotten, ForgottenKind
from matinee.outside.database import Database
from tests.catalogue.factories import episode, film, series
from tests.world import NOW, Screens, World, screens


@pytest.fixture
def world(any_database: Database) -> World:
    world = World(any_database)
    world.sign(world.orange, world.theatre)
    return world


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def way(offer: Offer = Offer.FREE, *windows: Window, link: str = "https://tv.example/{id}?l={language}&s={source}") -> WayToWatch:
    return WayToWatch(link=link, offer=offer, windows=windows)


def theirs(world: World, made: Title, *ways: WayToWatch, **fields: Any) -> Title:
    """A title of the rival's service that lies with a partner."""
    partner = PartnerWork(ref="urn:a/b?c", ways=ways or (way(),))
    return msgspec.structs.replace(
        made, publisher=world.rival.id, service=world.theatre.id, playable=None, partner=partner, **fields
    )


def opened(ask: Screens, title: Title, **body: Any) -> Any:
    return ask.box.send("POST", f"/api/v1/titles/{title.id}/open", {"source": "home"} | body)


def continues(ask: Screens, profile: str) -> list[tuple[str, Any]]:
    rows = ask.box.get("/api/v1/home", profile=profile).json()["rows"]
    return [(one["name"], one["progress"]) for row in rows if row["id"] == "continue" for one in row["items"]]


def test_the_link_is_filled_in_and_says_where_the_viewer_came_from(world: World, ask: Screens) -> None:
    made = theirs(world, film("Le Phare"))
    world.put(made)
    answer = opened(ask, made, source="search", profile_id=world.one.adult.id)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")
    assert answer.json() == {
        "action": "launch",
        "uri": "https://tv.example/urn%3Aa%2Fb%3Fc?l=fr&s=search",
        "context": {
            "source": "search",
            "service_id": world.theatre.id,
            "service_name": "Théâtre",
            "title_id": made.id,
            "entity_id": "urn:a/b?c",
        },
    }


def test_only_a_way_that_is_open_leads_there(world: World, ask: Screens) -> None:
    belgian = Window(territory="BE", opens_at=Instant(0))
    tomorrow = Window(territory="", opens_at=Instant(NOW + DAY))
    made = theirs(
        world, film("x"), way(Offer.BUY, belgian), way(Offer.RENT, tomorrow), way(Offer.SUBSCRIBE, link="https://tv.example/")
    )
    world.put(made)

    def ways() -> list[tuple[int, str]]:
        return [(one["number"], one["offer"]) for one in ask.box.get(f"/api/v1/titles/{made.id}").json()["ways"]]

    assert ways() == [(2, "subscribe")]
    assert opened(ask, made).json()["uri"] == opened(ask, made, way=2).json()["uri"] == "https://tv.example/"
    for shut in (0, 1, 3, -1, 10**9):
        assert opened(ask, made, way=shut).status_code == 409
    world.now = Instant(NOW + DAY)
    assert ways() == [(1, "rent"), (2, "subscribe")]
    assert opened(ask, made, way=1).status_code == 200


def test_what_may_not_be_seen_reads_as_what_does_not_exist(world: World, ask: Screens) -> None:
    grown_up = theirs(world, film("x"), age_class=AgeClass(16))
    ours = msgspec.structs.replace(film("y"), publisher=world.studio.id, service=world.cinema.id)
    world.put(grown_up, ours)
    nothing = ask.box.send("POST", f"/api/v1/titles/{'0' * 26}/open", {"source": "home"})
    assert nothing.status_code == 404
    assert opened(ask, grown_up, profile_id=world.one.child.id).content == nothing.content
    assert ask.other_box.send("POST", f"/api/v1/titles/{grown_up.id}/open", {"source": "home"}).content == nothing.content
    assert opened(ask, ours).json()["code"] == "conflict", "it plays here"
    world.switch(world.orange, world.theatre, "silent", models=(world.model.id,))
    assert opened(ask, grown_up, profile_id=world.one.adult.id).status_code == 200, "this box has it"
    world.switch(world.orange, world.theatre, "planned")
    assert opened(ask, grown_up, profile_id=world.one.adult.id).content == nothing.content
    wrong: tuple[Any, ...] = ({}, {"source": "mail"}, {"source": "home", "way": "x"}, {"source": "home", "more": 1}, [])
    for body in wrong:
        assert ask.box.send("POST", f"/api/v1/titles/{grown_up.id}/open", body).status_code == 400


def test_what_was_opened_stands_in_continue_watching_for_two_weeks(world: World, ask: Screens) -> None:
    saga = theirs(world, series("Saga"))
    one, two = (theirs(world, episode(saga, 1, n, f"E{n}")) for n in (1, 2))
    phare = theirs(world, film("Le Phare"))
    ours = msgspec.structs.replace(film("À nous"), publisher=world.studio.id, service=world.cinema.id)
    world.put(saga, one, two, phare, ours)
    adult, child = world.one.adult.id, world.one.child.id
    assert continues(ask, adult) == []
    for title in (phare, one, two):
        world.now = Instant(world.now + 10)
        opened(ask, title, profile_id=adult)
    half = {"position_ms": 5, "duration_ms": 10}
    world.positions.watched[adult] = [
        Watched(title=ours.id, position_ms=PositionMs(5), duration_ms=DurationMs(10), at=Instant(NOW + 15))
    ]
    assert continues(ask, adult) == [("E2", None), ("À nous", half), ("Le Phare", None)], "a series shows once"
    assert continues(ask, child) == []
    opened(ask, phare)
    assert continues(ask, child) == [], "opened for nobody in particular, it is nobody's"
    world.now = Instant(NOW + 10 + SHOWN_FOR_MS)
    assert continues(ask, adult) == [("E2", None), ("À nous", half)]
    world.switch(world.orange, world.theatre, "planned")
    assert continues(ask, adult) == [("À nous", half)]
    world.switch(world.orange, world.theatre)
    with world.database.write() as conn:
        forget(conn, Forgotten(kind=ForgottenKind.HOUSEHOLD, household=world.other.household, until=world.now))
    assert len(continues(ask, adult)) == 2
