"""What partners tell of what was watched with them: where it stands in continue watching and in the history."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from matinee.base.clock import DAY, HOUR, MINUTE, Instant
from matinee.base.units import DurationMs
from matinee.catalogue.model import AgeClass, Offer, PartnerWork, Title, WayToWatch
from matinee.home.opened import SHOWN_FOR_MS
from matinee.outside.database import Database
from tests.catalogue.factories import episode, film, series
from tests.world import NOW, Screens, World, screens

_WHOLE = DurationMs(2 * HOUR)


@pytest.fixture
def world(any_database: Database) -> World:
    world = World(any_database)
    world.sign(world.orange, world.theatre)
    return world


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def theirs(world: World, made: Title, *, duration: DurationMs | None = _WHOLE, **fields: Any) -> Title:
    """A title of the rival's service that lies with a partner, who names it by its id."""
    way = WayToWatch(link="https://tv.example/{id}", offer=Offer.FREE)
    partner = PartnerWork(ref=f"urn:{made.id}", duration_ms=duration, ways=(way,))
    return msgspec.structs.replace(
        made, publisher=world.rival.id, service=world.theatre.id, playable=None, partner=partner, **fields
    )


def tell(ask: Screens, world: World, title: Title, progress: float, profile: str = "", **more: Any) -> int:
    said = {
        "service_id": world.theatre.id,
        "entity_id": f"urn:{title.id}",
        "profile_id": profile or world.one.adult.id,
        "progress": progress,
    }
    return int(ask.box.send("POST", "/api/v1/watched", said | more).status_code)


def continues(ask: Screens, profile: str) -> list[tuple[str, int | None]]:
    """What is under way, and how many minutes of it."""
    rows = ask.box.get("/api/v1/home", profile=profile).json()["rows"]
    tiles = [one for row in rows if row["id"] == "continue" for one in row["items"]]
    return [(one["name"], one["progress"] and one["progress"]["position_ms"] // MINUTE) for one in tiles]


def history(ask: Screens, profile: str) -> list[tuple[str, bool | None]]:
    items = ask.box.get("/api/v1/history", profile=profile).json()["items"]
    return [(one["title"]["name"], one["completed"]) for one in items]


def test_how_far_a_partner_tells_stands_in_the_row_and_a_finished_film_leaves_it(world: World, ask: Screens) -> None:
    phare, other = (theirs(world, film(name)) for name in ("Le Phare", "Autre"))
    unmeasured = theirs(world, film("Sans durée"), duration=None)
    world.put(phare, other, unmeasured)
    adult = world.one.adult.id
    for number, (title, progress) in enumerate(((phare, 0.25), (other, 0.5), (unmeasured, 0.5))):
        world.now = Instant(NOW + number)
        assert tell(ask, world, title, progress) == 204
    assert continues(ask, adult) == [("Sans durée", None), ("Autre", 60), ("Le Phare", 30)]
    world.now = Instant(NOW + 10)
    assert tell(ask, world, other, 0.99, completed=True) == 204
    assert continues(ask, adult) == [("Sans durée", None), ("Le Phare", 30)]
    assert history(ask, adult) == [("Autre", True), ("Sans durée", False), ("Le Phare", False)]
    assert continues(ask, world.one.child.id) == [], "it is one profile's"
    world.now = Instant(NOW + SHOWN_FOR_MS + 2)
    assert continues(ask, adult) == []


def test_what_is_opened_keeps_its_progress_and_begins_anew_where_it_was_finished(world: World, ask: Screens) -> None:
    phare = theirs(world, film("Le Phare"))
    world.put(phare)
    adult = world.one.adult.id

    def opened() -> None:
        world.now = Instant(world.now + 10)
        ask.box.send("POST", f"/api/v1/titles/{phare.id}/open", {"source": "home", "profile_id": adult})

    tell(ask, world, phare, 0.5)
    opened()
    assert continues(ask, adult) == [("Le Phare", 60)]
    world.now = Instant(world.now + 10)
    tell(ask, world, phare, 1, completed=True)
    assert continues(ask, adult) == []
    opened()
    assert continues(ask, adult) == [("Le Phare", None)]


def test_the_episode_after_a_finished_one_takes_its_place(world: World, ask: Screens) -> None:
    saga = theirs(world, series("Saga"))
    one, two = (theirs(world, episode(saga, 1, n, f"E{n}")) for n in (1, 2))
    world.put(saga, one, two)
    adult = world.one.adult.id
    tell(ask, world, one, 0.5)
    assert continues(ask, adult) == [("E1", 60)]
    tell(ask, world, one, 0.97, completed=True)
    assert continues(ask, adult) == [("E2", None)]
    world.now = Instant(NOW + 10)
    tell(ask, world, two, 0.25)
    assert continues(ask, adult) == [("E2", 30)]
    tell(ask, world, two, 1, completed=True)
    assert continues(ask, adult) == [], "nothing follows the last"


def test_what_is_told_late_overtakes_nothing(world: World, ask: Screens) -> None:
    phare = theirs(world, film("Le Phare"))
    world.put(phare)
    adult = world.one.adult.id
    assert tell(ask, world, phare, 0.1) == 204
    world.now = Instant(NOW + HOUR)
    assert tell(ask, world, phare, 0.5, late_ms=10 * MINUTE) == 204
    for _ in range(2):
        assert tell(ask, world, phare, 0.25, late_ms=30 * MINUTE) == 204
        assert continues(ask, adult) == [("Le Phare", 60)]
    assert tell(ask, world, phare, 0.75) == 204
    assert continues(ask, adult) == [("Le Phare", 90)]


def test_what_is_told_late_of_an_erased_title_does_not_bring_it_back(world: World, ask: Screens) -> None:
    phare = theirs(world, film("Le Phare"))
    world.put(phare)
    adult = world.one.adult.id
    assert tell(ask, world, phare, 0.1) == 204
    world.now = Instant(NOW + HOUR)
    assert ask.box.send("DELETE", f"/api/v1/history?profile={adult}", None).status_code == 204
    assert tell(ask, world, phare, 0.5, late_ms=10 * MINUTE) == 204
    assert (continues(ask, adult), history(ask, adult)) == ([], [])
    assert tell(ask, world, phare, 0.6) == 204, "watched again since"
    assert len(continues(ask, adult)) == 1


def test_what_may_not_be_seen_or_is_unknown_reads_the_same(world: World, ask: Screens) -> None:
    grown_up = theirs(world, film("x"), age_class=AgeClass(16))
    world.put(grown_up)
    other = {"service_id": world.cinema.id}
    assert tell(ask, world, grown_up, 0.5, profile=world.one.child.id) == 404
    assert tell(ask, world, film("unknown"), 0.5) == tell(ask, world, grown_up, 0.5, **other) == 404
    assert tell(ask, world, grown_up, 0.5, service_id="x") == tell(ask, world, grown_up, 0.5, profile_id="x") == 404
    for hidden in ("planned", "paused"):
        world.switch(world.orange, world.theatre, hidden)
        assert tell(ask, world, grown_up, 0.5) == 404
    world.switch(world.orange, world.theatre)
    assert tell(ask, world, grown_up, 0.5) == 204


@pytest.mark.parametrize(
    "wrong",
    [
        {"progress": 1.5},
        {"progress": -0.1},
        {"progress": "half"},
        {"late_ms": -1},
        {"late_ms": 15 * DAY},
        {"entity_id": ""},
        {"entity_id": "x" * 2_001},
        {"completed": "yes"},
        {"watched_on": "2026-11-27"},
    ],
    ids=str,
)
def test_what_is_no_report_is_refused_and_moves_nothing(world: World, ask: Screens, wrong: dict[str, Any]) -> None:
    phare = theirs(world, film("Le Phare"))
    world.put(phare)
    assert tell(ask, world, phare, **({"progress": 0.5} | wrong)) == 400
    assert continues(ask, world.one.adult.id) == []
