"""From a token to a household for a moment, and what a household's screens may ask and change."""

from collections.abc import Iterator
from typing import Any

import pytest

from matinee.base.clock import DAY, Instant
from matinee.base.ids import new_id
from matinee.base.party import PartyKind
from matinee.catalogue.model import AgeClass, Language
from matinee.fleet import store as fleet_store
from matinee.members import store
from matinee.members.model import MemberError
from matinee.members.snapshot import Resolver
from matinee.outside.database import Database, metadata
from tests.world import NOW, Screens, World, screens


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Screens]]:
    """One world on SQLite for all that only asks, or is refused: nothing in it changes."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('quiet') / 'world.db'}")
    metadata.create_all(database.engine)
    world = World(database)
    with screens(world) as everybody:
        yield world, everybody
    database.close()


def test_a_screen_learns_whose_it_is(world: World, ask: Screens) -> None:
    me = ask.box.get("/api/v1/me").json()
    profile = {"color": "#4477aa", "language": "fr", "audio_language": "fr", "subtitle_language": None}
    profile |= {"avatar": "", "kids": False, "asks_pin": False}
    assert me == {
        "party": "box",
        "household_id": world.one.household,
        "box": {"id": world.one.box.id, "model": "Livebox Play", "label": "Salon", "held": False},
        "boxes": [{"id": world.one.box.id, "model": "Livebox Play", "label": "Salon", "held": False}],
        "operator": {"id": world.orange, "name": "Orange"},
        "language": "fr",
        "profiles": [
            {"id": world.one.adult.id, "name": "Grande", "age_class": 18, **profile},
            {"id": world.one.child.id, "name": "Petit", "age_class": 10, **profile},
        ],
        "has_pin": False,
        "kept_on": None,
        "services": [{"id": world.cinema.id, "name": "Cinéma"}],
    }
    assert ask.phone.get("/api/v1/me").json() == {**me, "party": "viewer", "box": None}
    assert ask.other_box.get("/api/v1/me").json()["services"] == []


def test_who_is_no_screen_is_not_told(quiet: tuple[World, Screens]) -> None:
    ask = quiet[1]
    for screen, status in ((ask.nobody, 401), (ask.stranger, 401), (ask.studio, 403)):
        assert screen.get("/api/v1/me").status_code == status


NO_TOKENS = ["", "x", "mtb_", "mtb_" + "é" * 43, "mtk_" + "A" * 43, "Bearer", "a" * 5_000, "mtv_" + "A" * 44]


@pytest.mark.parametrize("token", NO_TOKENS)
def test_what_is_no_token_is_nobodys(quiet: tuple[World, Screens], token: str) -> None:
    world = quiet[0]
    assert Resolver(world.keys, world.fleet, world.members, world.staff).resolve(token, NOW) is None


CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"audio_language": "en"}, {"audio_language": "en", "subtitle_language": "fr", "language": "fr"}),
    ({"subtitle_language": None}, {"audio_language": "fr", "subtitle_language": None, "language": "fr"}),
    ({"language": "en"}, {"audio_language": "fr", "subtitle_language": "fr", "language": "en"}),
    ({}, {"audio_language": "fr", "subtitle_language": "fr", "language": "fr"}),
]


@pytest.mark.parametrize(("body", "after"), CHANGES)
def test_preferences_change_what_is_named_and_nothing_else(
    world: World, ask: Screens, body: dict[str, Any], after: dict[str, Any]
) -> None:
    path = f"/api/v1/profiles/{world.one.adult.id}/preferences"
    ask.box.send("PUT", path, {"subtitle_language": "fr"})
    answer = ask.box.send("PUT", path, body)
    assert answer.status_code == 200
    assert {key: answer.json()[key] for key in after} == after
    world.feed.poll()
    adult, child = ask.phone.get("/api/v1/me").json()["profiles"]
    assert {key: adult[key] for key in after} == after
    assert child["audio_language"] == "fr"
    assert child["subtitle_language"] is None


BAD: list[Any] = [
    {"audio_language": None},
    {"audio_language": "français"},
    {"language": "de"},
    {"subtitle_language": 3},
    {"age_class": 18},
    {"name": "x"},
    [],
    "x",
]


@pytest.mark.parametrize("body", BAD)
def test_a_bad_preference_is_refused_and_changes_nothing(quiet: tuple[World, Screens], body: Any) -> None:
    world, ask = quiet
    before = ask.box.get("/api/v1/me").json()
    answer = ask.box.send("PUT", f"/api/v1/profiles/{world.one.adult.id}/preferences", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    world.feed.poll()
    assert ask.box.get("/api/v1/me").json() == before


def test_another_households_profile_reads_as_none(world: World, ask: Screens) -> None:
    body = {"audio_language": "en"}
    theirs = ask.box.send("PUT", f"/api/v1/profiles/{world.other.adult.id}/preferences", body)
    nobodys = ask.box.send("PUT", f"/api/v1/profiles/{new_id()}/preferences", body)
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content
    world.feed.poll()
    assert ask.other_box.get("/api/v1/me").json()["profiles"][0]["audio_language"] == "fr"


def test_a_line_changes_hands(world: World, ask: Screens) -> None:
    """A house move: the line, and the box at it, are the next household's; the old one's phone follows its new line."""
    day = Instant(NOW + DAY)
    with world.database.write() as conn:
        newcomers = store.ensure_household(conn, "newcomers", NOW).id
        new_line = fleet_store.ensure_line(conn, world.free, "new", NOW).id
        store.assign_household(conn, world.one.line.id, newcomers, day, NOW)
        store.assign_household(conn, new_line, world.one.household, day, NOW)
    world.feed.poll()
    resolver = Resolver(world.keys, world.fleet, world.members, world.staff)

    def of(token: str, now: Instant) -> tuple[Any, ...]:
        party = resolver.resolve(token, now)
        assert party is not None
        return party.kind, party.household, party.line, party.operator

    one, line = world.one, world.one.line.id
    assert of(one.box_token, Instant(day - 1)) == (PartyKind.BOX, one.household, line, world.orange)
    assert of(one.box_token, day) == (PartyKind.BOX, newcomers, line, world.orange)
    assert of(one.viewer_token, Instant(day - 1)) == (PartyKind.VIEWER, one.household, line, world.orange)
    assert of(one.viewer_token, day) == (PartyKind.VIEWER, one.household, new_line, world.free)


def test_a_box_at_no_line_is_nobodys_and_sees_nothing(world: World, ask: Screens) -> None:
    with world.database.write() as conn:
        fleet_store.assign_box(conn, world.one.box.id, None, NOW, Instant(NOW + 1))
    world.feed.poll()
    assert ask.box.get("/api/v1/me").status_code == 404
    assert ask.box.get("/api/v1/home").json()["rows"] == []
    assert ask.box.get("/api/v1/home", profile=world.one.adult.id).status_code == 404


def test_a_household_without_a_line_sees_nothing(world: World, ask: Screens) -> None:
    with world.database.write() as conn:
        store.assign_household(conn, world.one.line.id, None, NOW, Instant(NOW + 1))
    world.feed.poll()
    assert ask.phone.get("/api/v1/me").json()["services"] == []
    assert ask.phone.get("/api/v1/me").json()["operator"] is None
    assert ask.box.get("/api/v1/me").status_code == 404


def test_a_phone_is_signed_out(world: World, ask: Screens) -> None:
    with world.database.write() as conn:
        short = store.mint_viewer_token(conn, world.one.household, NOW, Instant(NOW + 10))
    world.feed.poll()
    resolver = Resolver(world.keys, world.fleet, world.members, world.staff)
    assert resolver.resolve(short, Instant(NOW + 9)) is not None
    assert resolver.resolve(short, Instant(NOW + 10)) is None
    with world.database.write() as conn:
        assert store.revoke_viewer_tokens(conn, world.one.household, NOW) == 2
    world.feed.poll()
    assert ask.phone.get("/api/v1/me").status_code == 401
    assert ask.box.get("/api/v1/me").status_code == 200


NO_PROFILES = [("", "#4477aa", 18), ("A", "blue", 18), ("A", "#4477aa", 11), ("A", "#4477AA", 18)]


@pytest.mark.parametrize(("name", "color", "age"), NO_PROFILES)
def test_a_profile_that_makes_no_sense_is_refused(quiet: tuple[World, Screens], name: str, color: str, age: int) -> None:
    world = quiet[0]
    with pytest.raises(MemberError), world.database.write() as conn:
        store.ensure_profile(conn, world.one.household, name, color, AgeClass(age), Language("fr"), NOW)
