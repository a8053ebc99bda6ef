"""Boxes that a launch names: kept as they were told, few kinds among many boxes, and each route says the same of one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from matinee.base.ids import new_id
from matinee.carriage.model import MAX_NAMES, CarriageError
from matinee.carriage.snapshot import Carriage
from matinee.carriage.store import all_launches
from matinee.fleet import store as fleet
from matinee.outside.database import Database
from matinee.parties import audit
from tests.world import NOW, Home, Screens, World, screens, world_on_sqlite


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


@pytest.fixture
def homes(world: World) -> list[Home]:
    return [world.settle(world.orange, f"s-{number}") for number in range(6)]


def having(world: World, carriage: Carriage | None = None) -> int:
    rows = (carriage or world.carriage).reach(world.cinema.id, world.now)
    return next(row.having for row in rows if row.operator.id == world.orange)


def has(world: World, home: Home) -> bool:
    seen = world.carriage.seen(world.orange, [world.carriage.view_of(home.box.id, world.now)], world.now)
    explained = world.carriage.explain(home.box.id, world.cinema.id, world.now).visible
    assert (world.cinema.id in seen.direct) is explained
    return explained


def test_testers_have_it_before_everybody(world: World, ask: Screens, homes: list[Home]) -> None:
    named = frozenset({homes[0].box.id, "00AFFF-LBP-serial-s-1"})
    world.switch(world.orange, world.cinema, share=0, named=named)
    assert [has(world, home) for home in homes] == [True, True, False, False, False, False]
    assert having(world) == 2
    asked = {"box": homes[1].box.id, "service": world.cinema.id}
    clauses = ask.studio.get("/api/v1/decisions", **asked).json()["clauses"]
    assert [one["name"] for one in clauses][-3:] == ["named", "rule", "share"]
    assert all(one["holds"] for one in clauses)
    flag = ask.studio.send("POST", f"/ofrep/v1/evaluate/flags/{world.cinema.id}", {"context": {"targetingKey": homes[1].box.id}})
    assert (flag.json()["value"], flag.json()["reason"]) == (True, "TARGETING_MATCH")
    again = Carriage(world.fleet)
    with world.database.read() as conn:
        again.load(conn)
        assert all_launches(conn)[-1].named == named
        assert audit.first_broken(conn) is None
    assert having(world, again) == 2


def test_an_excluded_box_never_has_it_and_hears_nothing(world: World, ask: Screens) -> None:
    world.switch(world.orange, world.cinema, "announced", excluded=frozenset({"00AFFF-LBP-serial-one"}), announced_for="2014-11")
    assert ask.box.get("/api/v1/announced").json() == {"services": []}
    assert ask.box.get("/api/v1/me").json()["services"] == []
    assert ask.phone.get("/api/v1/me").json()["services"] == [], "a phone has what a box of its line has"


def test_named_boxes_are_kinds_of_their_own_and_no_other_is(tmp_path: Path) -> None:
    with world_on_sqlite(tmp_path) as world:
        with world.database.write() as conn:
            boxes = [fleet.add_box(conn, world.model.id, f"x-{number}", "", NOW).id for number in range(300)]
            for number, box in enumerate(boxes):
                fleet.assign_box(conn, box, fleet.ensure_line(conn, world.orange, f"x{number}", NOW).id, NOW, NOW)
        world.feed.poll()
        names = frozenset({*boxes[:10], *(f"00AFFF-LBP-x-{number}" for number in range(10, 20)), "00AFFF-LBP-none"})
        for fields, expected in (({"excluded": names}, 281), ({"share": 0, "named": names}, 20)):
            world.switch(world.orange, world.cinema, **fields)
            assert having(world) == expected
            found = list(world.fleet.kinds_by_operator(world.now, None, (), {world.orange: names}))
            assert sum(count for _, _, count in found) == 302
            assert len(found) == 20 + 2, "twenty named ones, the others of each operator together"
            for box in boxes:
                world.carriage.seen(world.orange, [world.carriage.view_of(box, world.now)], world.now)
            assert len(world.carriage._known.kept) == 20 + 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"named": frozenset({"ORANGE"})}, "'ORANGE', which is no box"),
        ({"excluded": frozenset({"00AFFF-LBP-\n"})}, "which is no box"),
        ({"named": frozenset({"00AFFF-LBP-" + "x" * 300})}, "which is no box"),
        ({"named": frozenset({"a-b-c"}), "excluded": frozenset({"a-b-c"})}, "names a-b-c and excludes it"),
        ({"named": frozenset(new_id() for _ in range(MAX_NAMES)), "excluded": frozenset({"a-b-c"})}, "names 10,001 boxes"),
    ],
)
def test_names_that_cannot_be_are_refused(world: World, fields: dict[str, frozenset[str]], says: str) -> None:
    with pytest.raises(CarriageError, match=says):
        world.switch(world.orange, world.cinema, **fields)


def test_as_many_as_may_be_named_are_kept(tmp_path: Path) -> None:
    with world_on_sqlite(tmp_path) as world:
        names = frozenset(new_id() for _ in range(MAX_NAMES))
        world.switch(world.orange, world.cinema, named=names, share=0)
        world.switch(world.orange, world.cinema, named=names, share=1)
        with world.database.read() as conn:
            one, two = all_launches(conn)[-2:]
            last = audit.row_at(conn, audit.newest(conn)[0])
        assert one.named == names
        assert one.named is two.named, "the waves of a launch share what they name"
        assert last is not None
        assert "10,000 boxes, SHA-256" in last
        assert len(last) < 2_000
