"""A viewer is told on which day a service goes, a month ahead and not before; and only one that has it."""

import pytest

from matinee.base.clock import DAY, HOUR, Instant
from matinee.carriage.snapshot import LEAVING_MS
from matinee.outside.database import Database
from tests.world import World, screens


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


def test_it_is_told_a_month_ahead(world: World) -> None:
    midnight = Instant(1_420_066_800_000)  # 2015-01-01 in Paris, an hour before it is in UTC
    signed_at, world.now = world.now, Instant(world.now + 1)
    world.sign(world.orange, world.cinema, valid_from=signed_at, valid_to=midnight)
    expected = {"service": world.cinema.id, "name": "Cinéma", "shows": "leaving", "announced_for": "2015-01-01", "watch_at": ""}
    with screens(world) as who:
        told = [(who.box, midnight - LEAVING_MS - 1, []), (who.box, midnight - LEAVING_MS, [expected])]
        told += [(who.phone, midnight - HOUR, [expected]), (who.other_box, midnight - HOUR, []), (who.box, midnight, [])]
        for screen, now, services in told:
            world.now = Instant(now)
            assert screen.get("/api/v1/announced").raise_for_status().json()["services"] == services
        world.now = Instant(midnight - 5 * DAY)
        world.sign(world.orange, world.cinema, valid_from=midnight)
        assert who.box.get("/api/v1/announced").json()["services"] == [], "another agreement follows"
