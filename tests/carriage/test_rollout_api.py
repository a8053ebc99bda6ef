"""Staff of both sides say yes, go on and no to a rollout over HTTP: signed in, as two people, each wave by its number."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from matinee.base.clock import HOUR, MINUTE, Instant
from matinee.base.ids import RolloutId
from matinee.base.units import DurationMs
from matinee.carriage import rollout_store as store
from matinee.carriage.model import CarriageError
from matinee.carriage.rollouts import Rollout
from matinee.fleet.waves import EventKind, Wave
from matinee.outside.database import Database
from matinee.parties import audit
from tests.world import Screen, World, screens

ROLLOUTS = "/api/v1/rollouts"


@pytest.fixture
def world(any_database: Database) -> World:
    made = World(any_database)
    made.switch(made.orange, made.cinema, "silent", share=0)
    for number in range(12):
        made.settle(made.orange, f"more {number}")
    return made


@pytest.fixture
def planned(world: World) -> Rollout:
    """Two waves, both of which wait for an approval, planned by orange.planner."""
    words: dict[str, Any] = {"sample": 1, "soak_ms": DurationMs(HOUR), "timeout_ms": DurationMs(HOUR), "failing": 5.0}
    waves = tuple(Wave(share=share, needs_approval=True, **words) for share in (5_000, 10_000))
    wanted = Rollout(
        id=RolloutId(""),
        operator=world.orange,
        service=world.cinema.id,
        starts_at=world.now,
        recorded_at=world.now,
        waves=waves,
        salt="",
        author="Orange.Planner",
    )
    world.now = Instant(world.now + MINUTE)
    with world.database.write() as conn:
        return store.plan(conn, wanted, world.now)


@pytest.fixture
def people(world: World) -> Iterator[dict[str, Screen]]:
    with screens(world) as ask:
        seats: list[tuple[str, str, dict[str, Any]]] = [
            ("orange.planner", "operator", {"operator": world.orange}),
            ("orange.head", "operator", {"operator": world.orange}),
            ("orange.auditor", "auditor", {"operator": world.orange}),
            ("studio.head", "publisher", {"publisher": world.studio.id}),
            ("free.head", "operator", {"operator": world.free}),
            ("rival.head", "publisher", {"publisher": world.rival.id}),
            ("auditor.of.all", "auditor", {}),
        ]
        found = {name: ask.as_(world.sign_in(name, role, **side)) for name, role, side in seats}
        found["orange's key"] = ask.as_(world.key("operator", operator=world.orange))
        yield found


def happen(world: World, rollout: Rollout, kind: EventKind, wave: int) -> None:
    world.now = Instant(world.now + MINUTE)
    with world.database.write() as conn:
        store.append(conn, rollout, kind, wave, world.now, "rollout")


def test_a_rollout_is_seen_by_its_two_sides(planned: Rollout, people: dict[str, Screen]) -> None:
    told = {name: [one["id"] for one in who.get(ROLLOUTS).json()["items"]] for name, who in people.items()}
    own = {"orange.planner", "orange.head", "orange.auditor", "orange's key", "studio.head", "auditor.of.all"}
    assert told == {name: [planned.id] if name in own else [] for name in people}
    (one,) = people["studio.head"].get(ROLLOUTS).json()["items"]
    assert (one["operator"]["name"], one["service"]["name"]) == ("Orange", "Cinéma")
    assert (one["phase"], one["wave"], one["waves"], one["percent"]) == ("waiting_for_approval", 1, 2, 50.0)
    assert people["free.head"].get(ROLLOUTS).content == people["rival.head"].get(ROLLOUTS).content


@pytest.mark.parametrize("act", ["approve", "resume", "withdraw"])
def test_anothers_rollout_reads_as_one_that_does_not_exist(planned: Rollout, people: dict[str, Screen], act: str) -> None:
    for name in ("free.head", "rival.head"):
        for body in ({"wave": 1}, {"wave": 2}):
            there, nowhere, none = (
                people[name].send("POST", f"{ROLLOUTS}/{one}/{act}", body) for one in (planned.id, "0" * 26, "x")
            )
            assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content)
            assert there.status_code == none.status_code == 404


@pytest.mark.parametrize("act", ["approve", "resume", "withdraw"])
@pytest.mark.parametrize("name", ["orange.auditor", "auditor.of.all", "orange's key"])
def test_auditors_and_keys_say_nothing_to_one(planned: Rollout, people: dict[str, Screen], act: str, name: str) -> None:
    assert people[name].send("POST", f"{ROLLOUTS}/{planned.id}/{act}", {"wave": 1}).status_code == 403


def test_it_takes_two_and_each_wave_by_its_number(world: World, planned: Rollout, people: dict[str, Screen]) -> None:
    approve = f"{ROLLOUTS}/{planned.id}/approve"
    author = people["orange.planner"].send("POST", approve, {"wave": 1})
    assert (author.status_code, author.json()["code"]) == (403, "not_allowed")
    wrong = people["orange.head"].send("POST", approve, {"wave": 2})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "conflict")
    assert "wave 1" in wrong.json()["detail"]
    said = people["orange.head"].send("POST", approve, {"wave": 1})
    assert (said.status_code, said.json()["phase"]) == (200, "waiting")
    again = people["studio.head"].send("POST", approve, {"wave": 1})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    happen(world, planned, EventKind.BEGUN, 0)
    happen(world, planned, EventKind.SUCCEEDED, 0)
    late = people["orange.head"].send("POST", approve, {"wave": 1})
    assert late.status_code == 409, "a request sent again never lets the next wave begin"
    (one,) = people["orange.head"].get(ROLLOUTS).json()["items"]
    assert (one["phase"], one["wave"]) == ("waiting_for_approval", 2)
    assert people["studio.head"].send("POST", approve, {"wave": 2}).json()["phase"] == "waiting"
    with world.database.read() as conn:
        events = [(event.kind, event.actor) for event in store.events_of(conn, planned.id) if event.kind is EventKind.APPROVED]
    assert events == [(EventKind.APPROVED, "orange.head"), (EventKind.APPROVED, "studio.head")]


def test_a_wave_that_halted_goes_on_and_an_end_is_one(world: World, planned: Rollout, people: dict[str, Screen]) -> None:
    head, path = people["orange.head"], f"{ROLLOUTS}/{planned.id}"
    assert head.send("POST", f"{path}/resume", {"wave": 1}).status_code == 409
    assert head.send("POST", f"{path}/approve", {"wave": 1}).status_code == 200
    happen(world, planned, EventKind.BEGUN, 0)
    happen(world, planned, EventKind.HALTED, 0)
    assert head.send("POST", f"{path}/resume", {"wave": 1}).json()["phase"] == "waiting_for_approval"
    assert head.send("POST", f"{path}/resume", {"wave": 1}).status_code == 409
    assert people["studio.head"].send("POST", f"{path}/withdraw", None).json()["phase"] == "withdrawn"
    for act in ("withdraw", "approve", "resume"):
        assert head.send("POST", f"{path}/{act}", {"wave": 1}).status_code == 409
    for body in (None, {}, {"wave": 0}, {"wave": "first"}, {"wave": 10**30}, {"wave": 1, "by": "somebody.else"}):
        assert head.send("POST", f"{path}/approve", body).status_code == 400, body


def test_of_two_who_say_it_at_once_one_is_told_that_it_is_said(world: World, planned: Rollout) -> None:
    start, said = threading.Barrier(2), []

    def approve(name: str) -> None:
        start.wait(10)
        try:
            with world.database.write() as conn:
                store.approve(conn, planned, name, world.now, wave=0)
            said.append("approved")
        except CarriageError as error:
            said.append(error.code)

    both = [threading.Thread(target=approve, args=(name,)) for name in ("orange.head", "studio.head")]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    assert sorted(said) == ["approved", "conflict"]
    with world.database.read() as conn:
        assert len(store.events_of(conn, planned.id)) == 1


def test_the_account_stands_in_the_audit(world: World, planned: Rollout, people: dict[str, Screen]) -> None:
    people["orange.head"].send("POST", f"{ROLLOUTS}/{planned.id}/approve", {"wave": 1})
    with world.database.read() as conn:
        newest = sa.select(audit.audit).where(audit.audit.c.action == "rollout.approved")
        row = conn.execute(newest).one()
        assert audit.first_broken(conn) is None
        assert audit.broken_sides(conn) == []
    me = people["orange.head"].get("/api/v1/staff/me").json()
    assert (row.actor, row.subject, row.detail["account"]) == ("orange.head", planned.id, me["id"])
    for name, sees in (("orange.auditor", True), ("studio.head", True), ("free.head", False), ("rival.head", False)):
        told = people[name].get("/api/v1/audit").json()["items"]
        assert ("rollout.approved" in [one["action"] for one in told]) is sees, name


def test_rollouts_come_in_pages_newest_first(world: World, planned: Rollout, people: dict[str, Screen]) -> None:
    made = [planned.id]
    for _ in range(2):
        world.now = Instant(world.now + MINUTE)
        with world.database.write() as conn:
            made.append(store.plan(conn, planned, world.now).id)
    seen, cursor = [], None
    while True:
        page = people["orange.head"].get(ROLLOUTS, limit=2, cursor=cursor).json()
        seen += [one["id"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == made[::-1]
