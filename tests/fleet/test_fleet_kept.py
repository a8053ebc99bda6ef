"""What the fleet keeps of boxes that asked is what one read anew finds, whatever was recorded and at which moment it is asked."""

import random

import pytest

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import BoxId
from matinee.fleet import snapshot, store
from matinee.fleet.model import BoxIdentity, IdentityCause, Interface
from matinee.fleet.snapshot import Fleet
from matinee.outside.database import Database
from matinee.parties import outbox
from matinee.parties.feed import Feed
from matinee.parties.tokens import Token
from tests.world import NOW, World

STEPS, BOXES = 30, 5


@pytest.mark.parametrize("seed", range(2))
def test_what_is_kept_is_what_a_fresh_read_finds(any_database: Database, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MAX_KEPT", BOXES - 1)
    draw, world, fleet = random.Random(seed), World(any_database), Fleet()
    feed = Feed(any_database, [fleet])
    feed.poll()
    with any_database.write() as conn:
        lines = [store.ensure_line(conn, (world.orange, world.free)[n % 2], f"line {n}", NOW).id for n in range(4)]
        boxes = [store.add_box(conn, world.model.id, f"kept {n}", "", NOW).id for n in range(BOXES)]
        minted: list[Token] = [store.mint_box_token(conn, box, NOW) for box in boxes]
    for step in range(1, STEPS):
        now = Instant(NOW + step * HOUR)
        with any_database.write() as conn:
            box = draw.choice(boxes)
            match draw.randrange(5):
                case 0:
                    begins = Instant(now + draw.randint(-3, 3) * HOUR)
                    store.assign_box(conn, box, draw.choice([*lines, None]), begins, now)
                case 1:
                    store.revoke_box_tokens(conn, box, now)
                case 2:
                    minted.append(store.mint_box_token(conn, box, now))
                case 3:
                    store.record_identity(conn, {box: draw.choice(list(BoxIdentity))}, IdentityCause.RECORDED, now)
                    outbox.append(conn, store.TOPIC, box, {"kind": store.BOX_CHANGED}, now)
                case _:
                    store.record_interface(conn, box, Interface(product="matinee", version=draw.choice("123")), now, now)
        feed.poll()
        fresh = Fleet()
        with any_database.read() as conn:
            fresh.load(conn)
        for hours in (0, 0, 1, 2, -1):
            at = Instant(now + hours * HOUR)
            fresh._forget_all()
            assert [fleet.resolve(one, at) for one in minted] == [fresh.resolve(one, at) for one in minted], (step, hours)
            assert [_told(fleet, one, at) for one in boxes] == [_told(fresh, one, at) for one in boxes], (step, hours)


def _told(fleet: Fleet, box: BoxId, at: Instant) -> object:
    return fleet.kind_of(box, at), fleet.line_of(box, at), fleet.model_of(box)
