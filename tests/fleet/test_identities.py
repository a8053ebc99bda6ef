"""What a box was taken for, at any moment, as it was known at any other: through the real addresses and the import."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from matinee.base.clock import DAY, Instant, to_rfc3339
from matinee.fleet import key_store, store
from matinee.fleet.model import BoxIdentity, IdentityCause
from matinee.fleet.snapshot import Fleet
from matinee.fleet.work import import_boxes
from matinee.outside.database import Database
from tests.fleet.test_fleet import BoxKey, register
from tests.world import NOW, Screens, World, screens

ELSEWHERE = "ManufacturerOUI,ProductClass,SerialNumber,operator,line\n00AFFF,LBP,serial-one,Free,mine\n"


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def day(number: int) -> Instant:
    return Instant(NOW + number * DAY)


def quarantined_on_the_tenth_day(world: World, folder: Path) -> None:
    file = folder / "boxes.csv"
    file.write_text(ELSEWHERE)
    import_boxes(world.database, file, day(10), actor="test", progress=lambda stage, done: None)
    world.feed.poll()


def test_a_box_quarantined_on_the_tenth_was_visible_on_the_second(world: World, ask: Screens, tmp_path: Path) -> None:
    quarantined_on_the_tenth_day(world, tmp_path)
    world.now = day(20)
    for at, known_at, visible in (
        (day(2), None, True),
        (day(2), day(20), True),
        (day(2), day(2), True),
        (day(10), None, False),
        (day(12), day(11), False),
        (day(12), day(9), True),  # nobody knew of it yet
        (day(20), None, False),
    ):
        asked = {"box": world.one.box.id, "service": world.cinema.id, "at": to_rfc3339(at)}
        answer = ask.studio.get("/api/v1/decisions", **asked, known_at=None if known_at is None else to_rfc3339(known_at))
        assert answer.json()["visible"] is visible, (at, known_at, answer.json())
        says = next(one["says"] for one in answer.json()["clauses"] if one["name"] == "identity")
        assert ("quarantined" in says) is not visible
    assert [row.having for row in world.carriage.reach(world.cinema.id, day(2)) if row.operator.id == world.orange] == [1]
    assert [row.having for row in world.carriage.reach(world.cinema.id, day(11)) if row.operator.id == world.orange] == [0]


def test_a_release_does_not_undo_the_days_before_it(world: World, tmp_path: Path) -> None:
    quarantined_on_the_tenth_day(world, tmp_path)
    with world.database.write() as conn:
        key_store.release_box(conn, world.one.box.id, day(12), actor="somebody")
    world.feed.poll()
    visible = [world.carriage.explain(world.one.box.id, world.cinema.id, day(number)).visible for number in (9, 11, 12, 13)]
    assert visible == [True, False, True, True]


def test_each_change_has_its_cause_and_is_loaded_as_it_was_followed(world: World, ask: Screens, tmp_path: Path) -> None:
    world.now = day(1)
    register(ask.box, BoxKey())
    register(ask.box, BoxKey())  # in the same millisecond
    quarantined_on_the_tenth_day(world, tmp_path)
    with world.database.read() as conn:
        changes = list(store.identities_of(conn, [world.one.box.id]))
        again = Fleet()
        again.load(conn)
    assert [(one.identity, one.why, one.valid_from) for one in changes] == [
        (BoxIdentity.VERIFIED, IdentityCause.FIRST_KEY, day(1)),
        (BoxIdentity.UNVERIFIED, IdentityCause.ANOTHER_KEY, day(1) + 1),
        (BoxIdentity.QUARANTINED, IdentityCause.TOLD_ELSEWHERE, day(10)),
    ]
    for fleet in (world.fleet, again):
        kinds = [fleet.kind_of(world.one.box.id, at) for at in (NOW, day(1), Instant(day(1) + 1), day(10))]
        assert [kind.identity.value for kind in kinds if kind] == ["unverified", "verified", "unverified", "quarantined"]


def test_a_box_whose_identity_never_changed_has_no_history(world: World) -> None:
    with world.database.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(store.box_identities)).scalar_one() == 0
