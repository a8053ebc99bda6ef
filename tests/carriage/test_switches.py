"""A service that is switched off by hand: what screens see of it, what may play on, and the account of it."""

from typing import Any

import pytest

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import OperatorId
from matinee.carriage.model import ClauseName, LaunchState, Shows, Switch
from matinee.carriage.rules import decide, killed
from matinee.carriage.store import all_launches, all_switches, follow_switches, standing_switches
from matinee.outside.database import Database
from tests.carriage.test_decide import FRENCH, OPERATOR, S, box, day, launch, signed
from tests.world import World, screens


def switch(operator: OperatorId | None = OPERATOR, since: float = 1, *, off: bool = True, ends: bool = False) -> Switch:
    return Switch(
        service=S, operator=operator, is_off=off, ends_plays=ends, valid_from=day(since), recorded_at=day(since)
    )


@pytest.mark.parametrize(
    ("shows", "state", "switches", "at", "seen", "plays_on"),
    [
        ("none", "open", [], 2, Shows.PLAYABLE, True),
        ("new plays, here", "open", [switch()], 2, Shows.NOTHING, True),
        ("new plays, everywhere", "open", [switch(None)], 2, Shows.NOTHING, True),
        ("what plays too", "open", [switch(ends=True)], 2, Shows.NOTHING, False),
        ("before it was", "open", [switch()], 0.5, Shows.PLAYABLE, True),
        ("at another operator", "open", [switch(OperatorId("x"), ends=True)], 2, Shows.PLAYABLE, True),
        ("taken back", "open", [switch(), switch(since=2, off=False)], 3, Shows.PLAYABLE, True),
        ("taken back here, not everywhere", "open", [switch(), switch(None), switch(since=2, off=False)], 3, Shows.NOTHING, True),
        ("both, the harder counts", "open", [switch(ends=True), switch(None)], 2, Shows.NOTHING, False),
        ("a pause too", "paused", [switch()], 2, Shows.NOTHING, True),
        ("a kill too", "killed", [switch()], 2, Shows.NOTHING, False),
        ("an announced one is not told of", "announced", [switch()], 2, Shows.NOTHING, True),
    ],
)
def test_the_switch_overrules(shows: str, state: str, switches: list[Switch], at: float, seen: Shows, plays_on: bool) -> None:
    decision = decide(S, FRENCH, [signed()], [launch(state)], box(), day(at), switches=switches)
    assert (decision.shows, decision.plays_on) == (seen, plays_on), shows
    clause = next(one for one in decision.clauses if one.name is ClauseName.SWITCH)
    assert clause.holds is (seen is Shows.PLAYABLE)
    if not clause.holds:
        assert "Europe/Paris" in clause.says


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


def test_screens_lose_the_service_at_once_and_without_the_database(world: World) -> None:
    before = world.sights.seen(_party(world), world.now)
    off = Switch(
        service=world.cinema.id, operator=world.orange, is_off=True, ends_plays=False, valid_from=world.now, recorded_at=world.now
    )
    assert world.cinema.id in before.row
    world.database.close()
    world.carriage.switch([off], world.now)
    seen = world.sights.seen(_party(world), world.now)
    assert not seen.direct | seen.search | seen.row
    assert not seen.told
    assert world.cinema.id in seen.plays_on
    world.carriage.switch([], world.now)
    assert world.sights.seen(_party(world), world.now) == before


def _party(world: World) -> Any:
    from matinee.members.snapshot import Resolver

    return Resolver(world.keys, world.fleet, world.members, world.staff).resolve(world.one.box_token, world.now)


def test_the_account_follows_and_the_past_is_told_by_it(world: World) -> None:
    off = Switch(
        service=world.cinema.id, operator=None, is_off=True, ends_plays=True, valid_from=world.now, recorded_at=world.now
    )
    later, last = Instant(world.now + HOUR), Instant(world.now + 2 * HOUR)
    with world.database.write() as conn:
        assert follow_switches(conn, [off], world.now, actor="test") == 1
        assert follow_switches(conn, [off], later, actor="test") == 0
        assert follow_switches(conn, [], later, actor="test") == 1
        assert [(one.is_off, one.valid_from) for one in all_switches(conn)] == [(True, world.now), (False, later)]
    world.feed.poll()
    box_id, service = world.one.box.id, world.cinema.id
    assert world.carriage.explain(box_id, service, Instant(later - 1)).shows is Shows.NOTHING
    assert world.carriage.explain(box_id, service, last).shows is Shows.PLAYABLE


def test_a_launch_that_is_killed_is_told_of(world: World) -> None:
    assert world.carriage.killed(world.now) == frozenset()
    world.switch(world.orange, world.cinema, LaunchState.KILLED.value)
    assert world.carriage.killed(world.now) == {(world.orange, world.cinema.id)}


def test_a_rival_hears_nothing_of_it(world: World) -> None:
    off = Switch(
        service=world.cinema.id, operator=None, is_off=True, ends_plays=True, valid_from=world.now, recorded_at=world.now
    )
    with screens(world) as who:
        before = who.other_box.get("/api/v1/home").content
        world.carriage.switch([off], world.now)
        assert who.other_box.get("/api/v1/home").content == before
        for path in ("/api/v1/me", "/api/v1/announced", "/api/v1/home"):
            assert world.cinema.id not in who.box.get(path).raise_for_status().text


def test_what_is_heard_now_counts_now_and_the_account_before(world: World) -> None:
    off = Switch(
        service=world.cinema.id, operator=None, is_off=True, ends_plays=True, valid_from=world.now, recorded_at=world.now
    )
    with world.database.write() as conn:
        follow_switches(conn, [off], world.now, actor="test")
    world.feed.poll()
    later = Instant(world.now + HOUR)
    world.carriage.switch([], later)  # it is on again, and the account does not know it yet
    assert world.carriage.explain(world.one.box.id, world.cinema.id, later).visible
    assert not world.carriage.explain(world.one.box.id, world.cinema.id, Instant(later - 1)).visible


def test_the_database_tells_what_is_killed_and_what_is_off(world: World) -> None:
    off = Switch(
        service=world.cinema.id, operator=None, is_off=True, ends_plays=True, valid_from=world.now, recorded_at=world.now
    )
    world.switch(world.orange, world.cinema, LaunchState.KILLED.value)
    with world.database.write() as conn:
        assert killed(all_launches(conn), world.now) == world.carriage.killed(world.now) == {(world.orange, world.cinema.id)}
        assert standing_switches(conn) == ()
        follow_switches(conn, [off], world.now, actor="test")
        assert [one.service for one in standing_switches(conn)] == [world.cinema.id]
