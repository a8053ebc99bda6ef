"""Households in memory follow what changes by reading that alone, and know then what one read anew knows."""

import random
from collections.abc import Callable

import pytest
from sqlalchemy.engine import Connection

from matinee.base.clock import DAY, Instant
from matinee.base.ids import HouseholdId, LineId
from matinee.catalogue.model import AgeClass, Language
from matinee.fleet import store as fleet_store
from matinee.members import erasure, pin_store, profile_store, store
from matinee.members.snapshot import Members
from matinee.outside.database import Database
from matinee.parties.feed import Feed
from tests.world import NOW, World

STEPS = 60


class CountsLoads(Members):
    """Counts how often it is loaded: of a million homes that takes minutes."""

    def __init__(self) -> None:
        super().__init__()
        self.loads = 0

    def load(self, conn: Connection) -> None:
        self.loads += 1
        super().load(conn)


def known(members: Members) -> dict[str, object]:
    """All that it holds, without the empty rows of those that have nothing any more."""
    held = {name: getattr(members, name) for name in ("_by_line", "_lines_of", "_profiles", "_tokens")}
    held |= {"pins": members.guard._versions, "screens": members.guard._screens}
    return {name: {key: row for key, row in table.items() if row != ()} for name, table in held.items()}


@pytest.mark.parametrize("seed", range(4))
def test_what_followed_is_what_a_fresh_read_finds(any_database: Database, seed: int) -> None:
    draw, followed = random.Random(seed), CountsLoads()
    World(any_database)
    feed = Feed(any_database, [followed])
    feed.poll()
    with any_database.write() as conn:
        operator = fleet_store.ensure_operator(conn, "Orange", "FR", "Europe/Paris", NOW).id
        lines = [fleet_store.ensure_line(conn, operator, f"line {n}", NOW).id for n in range(4)]
        homes = [store.ensure_household(conn, f"home {n}", NOW).id for n in range(4)]
    for step in range(1, STEPS):
        with any_database.write() as conn:
            for _ in range(draw.randint(1, 3)):
                draw.choice(ACTS)(conn, draw, homes, lines, Instant(NOW + step * DAY))
        feed.poll()
        fresh = Members()
        with any_database.read() as conn:
            fresh.load(conn)
        assert known(followed) == known(fresh), step
    assert followed.loads == 1


def _assign(conn: Connection, draw: random.Random, homes: list[HouseholdId], lines: list[LineId], now: Instant) -> None:
    ends = draw.choice((None, Instant(now + 3 * DAY)))
    store.assign_household(conn, draw.choice(lines), draw.choice([*homes, None]), now, now, ends)


def _profile(conn: Connection, draw: random.Random, homes: list[HouseholdId], lines: list[LineId], now: Instant) -> None:
    name = f"name {draw.randrange(4)}"
    store.ensure_profile(conn, draw.choice(homes), name, "#4477aa", AgeClass(12), Language("fr"), now)


def _unprofile(conn: Connection, draw: random.Random, homes: list[HouseholdId], lines: list[LineId], now: Instant) -> None:
    home = draw.choice(homes)
    own = store.profiles_of(conn, home)
    if len(own) > 1:
        profile_store.delete(conn, home, draw.choice(own).id, now)


def _token(conn: Connection, draw: random.Random, homes: list[HouseholdId], lines: list[LineId], now: Instant) -> None:
    store.mint_viewer_token(conn, draw.choice(homes), now, draw.choice((None, Instant(now + DAY))))


def _revoke(conn: Connection, draw: random.Random, homes: list[HouseholdId], lines: list[LineId], now: Instant) -> None:
    store.revoke_viewer_tokens(conn, draw.choice(homes), now)


def _pin(conn: Connection, draw: random.Random, homes: list[HouseholdId], lines: list[LineId], now: Instant) -> None:
    pin_store.take_pin(conn, draw.choice(homes), now)


def _erase(conn: Connection, draw: random.Random, homes: list[HouseholdId], lines: list[LineId], now: Instant) -> None:
    place = draw.randrange(len(homes))
    homes[place], _ = erasure.erase(conn, homes[place], now, actor="test")


ACTS: list[Callable[[Connection, random.Random, list[HouseholdId], list[LineId], Instant], None]] = [
    *[_assign] * 4,
    *[_profile] * 3,
    _unprofile,
    *[_token] * 2,
    _revoke,
    _pin,
    _erase,
]
