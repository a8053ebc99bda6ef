"""Each side sees its own: tables of who asks for what, and that what is another's reads as what does not exist, byte for byte."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matinee.base.clock import DAY, Instant
from matinee.base.ids import new_id
from matinee.catalogue import store as titles
from matinee.fleet import store as fleet
from matinee.fleet.model import Interface
from matinee.outside.database import Database
from tests.world import NOW, Screen, Screens, World, screens, world_on_sqlite

FLAGS = "/ofrep/v1/evaluate/flags"
UNKNOWN = "0" * 26

STUDIO_SIDE = ("studio's key", "studio's staff", "studio's auditor")
ORANGE_SIDE = ("orange's key", "orange's staff", "orange's auditor")
FREE_SIDE = ("free's key", "free's staff", "free's auditor")
RIVAL_SIDE = ("rival's key", "rival's staff", "rival's auditor")
EVERYONE = (*STUDIO_SIDE, *ORANGE_SIDE, *FREE_SIDE, *RIVAL_SIDE, "auditor of all", "auditor of all's key")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_on_sqlite(tmp_path) as made:
        yield made


class Seated:
    """Clients of all seats by who they are."""

    def __init__(self, world: World, ask: Screens) -> None:
        sides: list[tuple[str, str, dict[str, Any]]] = [
            ("studio", "publisher", {"publisher": world.studio.id}),
            ("rival", "publisher", {"publisher": world.rival.id}),
            ("orange", "operator", {"operator": world.orange}),
            ("free", "operator", {"operator": world.free}),
        ]
        self._tokens = {}
        for name, role, side in sides:
            self._tokens[f"{name}'s key"] = world.key(role, **side)
            self._tokens[f"{name}'s staff"] = world.sign_in(f"{name}.staff", role, **side)
            self._tokens[f"{name}'s auditor"] = world.sign_in(f"{name}.auditor", "auditor", **side)
        self._tokens["auditor of all"] = world.sign_in("auditor.of.all", "auditor")
        self._tokens["auditor of all's key"] = world.key("auditor")
        self._ask = ask

    def __getitem__(self, who: str) -> Screen:
        return self._ask.as_(self._tokens[who])


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


@pytest.fixture
def seated(world: World, ask: Screens) -> Seated:
    """In a world where Orange carries Cinéma silently and Free has refused it; the rival's Théâtre is open at both."""
    world.switch(world.orange, world.cinema, "silent")
    world.sign(world.free, world.cinema, "refused")
    world.sign(world.orange, world.theatre)
    world.sign(world.free, world.theatre)
    return Seated(world, ask)


def test_decisions_are_told_to_their_sides(world: World, seated: Seated) -> None:
    """At Orange of Orange's own box, at Free of Free's: each of a service with which it has a record."""
    own, others = world.one.box.id, world.other.box.id
    table = [
        (world.cinema.id, own, {*STUDIO_SIDE, *ORANGE_SIDE}),
        (world.cinema.id, others, {*STUDIO_SIDE, *FREE_SIDE}),
        (world.theatre.id, own, {*RIVAL_SIDE, *ORANGE_SIDE}),
        (world.cinema.id, UNKNOWN, set()),
        (UNKNOWN, own, set()),
    ]
    for service, box, may in table:
        for who in EVERYONE:
            answer = seated[who].get("/api/v1/decisions", box=box, service=service)
            knows = who in may or (who.startswith("auditor of all") and UNKNOWN not in (service, box))
            assert answer.status_code == (200 if knows else 404), (who, service, box, answer.text)


def test_a_publisher_asks_about_boxes_of_its_operators_alone(world: World, seated: Seated) -> None:
    """A box that has moved to another operator is told of for the time before; one at no line, never."""
    with world.database.write() as conn:
        bouygues = fleet.ensure_operator(conn, "Bouygues", "FR", "Europe/Paris", NOW).id
        line = fleet.ensure_line(conn, bouygues, "third", NOW)
        fleet.assign_box(conn, world.one.box.id, line.id, Instant(NOW + DAY), NOW)
        loose = fleet.ensure_box(conn, world.model.id, "at no line", "Salon", NOW)
    world.feed.poll()
    before, after = "2014-10-02T11:00:00Z", "2014-10-04T11:00:00Z"
    for who in STUDIO_SIDE:
        asked = {"service": world.cinema.id, "at": after}
        unknown = seated[who].get("/api/v1/decisions", box=UNKNOWN, **asked)
        for box in (world.one.box.id, loose.id):
            answer = seated[who].get("/api/v1/decisions", box=box, **asked)
            assert (answer.status_code, answer.content) == (404, unknown.content), who
        was = seated[who].get("/api/v1/decisions", box=world.one.box.id, service=world.cinema.id, at=before)
        assert was.status_code == 200, who
    told = seated["auditor of all"].get("/api/v1/decisions", box=world.one.box.id, service=world.cinema.id, at=after)
    assert told.status_code == 200


def test_what_is_anothers_reads_as_what_does_not_exist(world: World, seated: Seated) -> None:
    world.sign(world.free, world.theatre)
    with world.database.write() as conn:
        nocturama = titles.ensure_service(conn, world.studio.id, "Nocturama", world.now)
    world.feed.poll()
    world.sign(world.orange, nocturama)
    world.switch(world.orange, nocturama, "silent")
    for who in (*FREE_SIDE, *RIVAL_SIDE):
        asker = seated[who]
        for box in (world.one.box.id, world.other.box.id, UNKNOWN, "x"):
            here, nowhere = (asker.get("/api/v1/decisions", box=box, service=one) for one in (nocturama.id, UNKNOWN))
            assert (here.status_code, here.content) == (nowhere.status_code, nowhere.content)
            body = {"context": {"targetingKey": box}}
            here, nowhere = (asker.send("POST", f"{FLAGS}/{one}", body) for one in (nocturama.id, UNKNOWN))
            assert here.status_code == nowhere.status_code == 404
            assert here.content.replace(nocturama.id.encode(), UNKNOWN.encode()) == nowhere.content
        here, nowhere = (asker.get("/api/v1/reach", service=one) for one in (nocturama.id, UNKNOWN))
        assert (here.status_code, here.content) == (nowhere.status_code, nowhere.content)
        assert here.status_code == 404
        assert nocturama.id not in asker.get("/api/v1/carriage").text


def test_an_operator_asks_of_a_box_as_long_as_it_stood_there(world: World, seated: Seated) -> None:
    """A box that moved is told of to each operator for the time in which it stood at its own lines."""
    moved_at = Instant(world.now + DAY)
    with world.database.write() as conn:
        fleet.assign_box(conn, world.one.box.id, world.other.line.id, moved_at, world.now)
    world.feed.poll()
    asked = {"box": world.one.box.id, "service": world.theatre.id}
    for at, orange, free in ((world.now, 200, 404), (Instant(moved_at + DAY), 404, 200)):
        moment = f"2014-10-{2 + (at - NOW) // DAY:02d}T11:00:00Z"
        assert seated["orange's key"].get("/api/v1/decisions", at=moment, **asked).status_code == orange, moment
        assert seated["free's staff"].get("/api/v1/decisions", at=moment, **asked).status_code == free, moment


def test_flags_of_an_operator_are_its_boxes_and_its_services(world: World, seated: Seated) -> None:
    asker = seated["orange's key"]
    all_flags = asker.send("POST", FLAGS, {"context": {"targetingKey": world.one.box.id}}).json()["flags"]
    assert {(flag["key"], flag["value"]) for flag in all_flags} == {(world.cinema.id, True), (world.theatre.id, True)}
    others, unknown = (asker.send("POST", FLAGS, {"context": {"targetingKey": box}}) for box in (world.other.box.id, UNKNOWN))
    assert (others.status_code, others.content) == (unknown.status_code, unknown.content)
    assert others.json()["errorCode"] == "INVALID_CONTEXT"
    studio = seated["studio's staff"].send("POST", FLAGS, {"context": {"targetingKey": world.other.box.id}}).json()["flags"]
    assert [(flag["key"], flag["value"]) for flag in studio] == [(world.cinema.id, False)]


def pairs(answer: Any) -> set[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    return {(pair["operator"]["name"], pair["service"]["name"]) for pair in answer.json()["items"]}


def test_records_are_told_to_their_two_sides(world: World, seated: Seated) -> None:
    mine = {
        STUDIO_SIDE: {("Orange", "Cinéma"), ("Free", "Cinéma")},
        ORANGE_SIDE: {("Orange", "Cinéma"), ("Orange", "Théâtre")},
        FREE_SIDE: {("Free", "Cinéma"), ("Free", "Théâtre")},
        RIVAL_SIDE: {("Orange", "Théâtre"), ("Free", "Théâtre")},
    }
    for side, may in mine.items():
        for who in side:
            assert pairs(seated[who].get("/api/v1/carriage")) == may, who
    assert len(pairs(seated["auditor of all"].get("/api/v1/carriage"))) == 4
    for who in (*ORANGE_SIDE, *RIVAL_SIDE):
        assert "no peering" not in [
            one["reason"]
            for pair in seated[who].get("/api/v1/carriage").json()["items"]
            for one in pair["agreements"]
            if one["status"] == "refused"
        ]
    (refused,) = (
        one
        for pair in seated["free's staff"].get("/api/v1/carriage").json()["items"]
        for one in pair["agreements"]
        if one["status"] == "refused"
    )
    assert (refused["reason"], refused["holds"]) == ("no peering", True)


def test_records_have_two_times_and_pages(world: World, seated: Seated) -> None:
    asker = seated["orange's staff"]
    before = asker.get("/api/v1/carriage").json()
    (cinema,) = (one for one in before["items"] if one["service"]["name"] == "Cinéma")
    assert [(one["state"], one["holds"]) for one in cinema["launches"]] == [("open", False), ("silent", True)]
    assert {"valid_from", "valid_to", "recorded_at", "technical_at"} <= cinema["launches"][1].keys()
    known = "2014-10-02T10:00:00.000Z"
    at_first = asker.get("/api/v1/carriage", known_at=known).json()
    (cinema,) = (one for one in at_first["items"] if one["service"]["name"] == "Cinéma")
    assert [(one["state"], one["holds"]) for one in cinema["launches"]] == [("open", True)]
    assert at_first["known_at"] == known
    assert asker.get("/api/v1/carriage", known_at="2010-01-01T00:00:00Z").json()["items"] == []
    seen, cursor = [], None
    while True:
        page = asker.get("/api/v1/carriage", limit=1, cursor=cursor).json()
        assert len(page["items"]) == 1
        seen += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == before["items"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"at": "noon"}, "invalid_request"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "invalid_request"),
        ({"at": "9999-12-31T23:59:59Z"}, "invalid_request"),
        ({"known_at": "2014-10-02"}, "invalid_request"),
        ({"cursor": "x"}, "invalid_cursor"),
        ({"limit": 0}, "invalid_request"),
    ],
)
def test_what_cannot_be_read_is_told(seated: Seated, query: dict[str, Any], code: str) -> None:
    answer = seated["orange's key"].get("/api/v1/carriage", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_reach_is_of_ones_own_side(world: World, seated: Seated) -> None:
    def operators(who: str, service: str) -> list[tuple[str, Any, int, int]]:
        answer = seated[who].get("/api/v1/reach", service=service)
        assert answer.status_code == 200, (who, answer.text)
        return [(one["operator"], one["agreement"], one["boxes"], one["having"]) for one in answer.json()["operators"]]

    free, orange = ("Free", "refused", 1, 0), ("Orange", "signed", 1, 1)
    for who in STUDIO_SIDE:
        assert operators(who, world.cinema.id) == [free, orange]
    for who in ORANGE_SIDE:
        assert operators(who, world.cinema.id) == [orange]
    for who in FREE_SIDE:
        assert operators(who, world.cinema.id) == [free]
    for who in RIVAL_SIDE:
        assert seated[who].get("/api/v1/reach", service=world.cinema.id).status_code == 404
    with world.database.write() as conn:
        fleet.ensure_operator(conn, "Bouygues", "FR", "Europe/Paris", NOW)
    world.feed.poll()
    world.settle(operator_named(world, "Bouygues"), "third")
    assert operators("studio's key", world.cinema.id) == [free, orange], "an operator without a record is nobody's business"
    assert [row[0] for row in operators("auditor of all", world.cinema.id)] == ["Bouygues", "Free", "Orange"]


def operator_named(world: World, name: str) -> Any:
    with world.database.read() as conn:
        return next(one.id for one in fleet.all_operators(conn) if one.name == name)


def test_boxes_are_an_operators_own(world: World, seated: Seated) -> None:
    with world.database.write() as conn:
        fleet.record_interface(conn, world.one.box.id, Interface(product="polaris", version="2.1"), NOW, NOW)
        loose = fleet.ensure_box(conn, world.model.id, "at no line", "Salon", NOW)
    world.feed.poll()
    own = {
        "id": world.one.box.id,
        "serial": "serial-one",
        "model": "Livebox Play",
        "label": "Salon",
        "identity": "unverified",
        "interface": {"product": "polaris", "version": "2.1"},
        "release": {"version": "v1", "says": "No uploaded release is for it: it runs the built-in one."},
        "line": "one",
    }
    for who in (*ORANGE_SIDE, "auditor of all"):
        assert seated[who].get("/api/v1/boxes", serial="serial-one").json() == {"boxes": [own]}, who
    nothing = seated["free's staff"].get("/api/v1/boxes", serial="no such serial").content
    for who, serial in (
        ("free's staff", "serial-one"),
        ("free's key", "serial-one"),
        ("studio's auditor", "serial-one"),
        ("orange's key", "serial-other"),
        ("orange's key", loose.serial),
        ("auditor of all", loose.serial),
        ("orange's key", "zero\x00byte"),
        ("orange's key", "' OR 1=1 --"),
    ):
        answer = seated[who].get("/api/v1/boxes", serial=serial)
        assert (answer.status_code, answer.content) == (200, nothing), (who, serial)
    for who in ("studio's key", "studio's staff", "rival's key"):
        assert seated[who].get("/api/v1/boxes", serial="serial-one").status_code == 403


def test_a_serial_that_a_database_would_not_take_is_no_box(any_database: Database) -> None:
    world = World(any_database)
    with screens(world) as ask:
        asker = ask.as_(world.key("operator", operator=world.orange))
        (own,) = asker.get("/api/v1/boxes", serial="serial-one").json()["boxes"]
        assert own["line"] == "one"
        for serial in ("zero\x00byte", "\ufffd", "%00", "serial-one\x00"):
            assert asker.get("/api/v1/boxes", serial=serial).json() == {"boxes": []}


def test_an_operator_reaches_nothing_of_a_publishers(world: World, seated: Seated) -> None:
    for who in (*ORANGE_SIDE, "auditor of all", "studio's auditor"):
        for path in ("/api/v1/titles", f"/api/v1/services/{world.cinema.id}/watch-actions"):
            assert seated[who].get(path).status_code == 403, (who, path)
    assert seated["studio's staff"].get("/api/v1/titles").status_code == 200
    for who in EVERYONE:
        for path in ("/api/v1/home", "/api/v1/me", "/api/v1/search"):
            assert seated[who].get(path).status_code == 403, "staff are no viewers"


def test_screens_have_no_side(world: World, ask: Screens) -> None:
    """A box carries the operator of its line: that lets it ask nothing of the operator's."""
    for path in (
        "/api/v1/carriage",
        "/api/v1/boxes?serial=serial-one",
        "/api/v1/reach?service=x",
        "/api/v1/audit",
        "/api/v1/rollouts",
    ):
        for who in (ask.box, ask.phone):
            assert who.get(path).status_code == 403
        assert ask.nobody.get(path).status_code == 401
    party = world.fleet.resolve(world.one.box_token, world.now)
    assert party is not None
    assert party.operator == world.orange
    assert not party.side.has_operator(world.orange)
    assert party.side.key is None


def test_a_service_that_no_one_knows_of_is_no_fault(seated: Seated) -> None:
    for who in EVERYONE:
        for service in (new_id(), "x", "é", ""):
            assert seated[who].get("/api/v1/reach", service=service).status_code == 404
