"""What was decided is kept by box for as many as the fleet keeps, and no more: of others it would be looked up in vain."""

import pytest

from matinee.carriage import snapshot
from matinee.fleet import snapshot as fleet
from tests.world import World, world_on_sqlite


def test_boxes_are_kept_decided_up_to_the_fleets_bound(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert snapshot.MAX_KEPT is fleet.MAX_KEPT, "said once"
    monkeypatch.setattr(snapshot, "MAX_KEPT", 2)
    with world_on_sqlite(tmp_path) as world:  # type: ignore[arg-type]
        boxes = [world.settle(world.orange, f"kept {n}").box.id for n in range(5)]
        for box in boxes:
            assert _has(world, box) == {world.cinema.id}
            assert len(world.carriage._known.kept_boxes) <= 2
        assert _has(world, boxes[0]) == {world.cinema.id}, "one that was forgotten is decided anew"


def _has(world: World, box: object) -> object:
    return world.carriage.seen_on(world.orange, box, world.now).direct  # type: ignore[arg-type]
