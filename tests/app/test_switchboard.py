"""The control file at a start: what was switched off stays off where the file is gone or damaged; a killed launch is in it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from matinee.app.switchboard import Switchboard, switches_of
from matinee.base.clock import Instant
from matinee.carriage.model import LaunchState
from matinee.carriage.store import all_switches, follow_switches
from matinee.delivery.control import CONTROL_PATH, ControlWriter, read_control
from matinee.delivery.keyring import KeyRing, open_ring
from matinee.outside.database import Database
from matinee.outside.objects import ObjectStore
from tests.world import World


class Board:
    def __init__(self, database: Database, folder: Path) -> None:
        self.world = World(database)
        self.ring: KeyRing = open_ring(folder / "token.key")
        self.published = ObjectStore.local(folder / "published")
        self.file = folder / "published" / CONTROL_PATH
        self.writer = ControlWriter(self.published, self.ring, folder / "lock")
        self.board = Switchboard(
            self.published, self.ring, self.writer, self.world.carriage, database, lambda: Instant(time.time_ns() // 1_000_000)
        )

    def is_there(self) -> bool:
        world, carriage = self.world, self.world.carriage
        return world.cinema.id in carriage.seen(world.orange, [carriage.view_of(world.one.box.id, world.now)], world.now).row


@pytest.fixture
def board(any_database: Database, tmp_path: Path) -> Iterator[Board]:
    made = Board(any_database, tmp_path)
    yield made
    made.board.close()


def until(check: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not check():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("left", [None, b"damaged"], ids=["gone", "damaged"])
def test_a_start_without_the_file_goes_by_the_account(board: Board, left: bytes | None) -> None:
    told = board.writer.switch_off(board.world.cinema.id, None, board.world.now, ends_plays=True)
    with board.world.database.write() as conn:
        follow_switches(conn, switches_of(told), board.world.now, actor="test")
    board.file.unlink()
    if left is not None:
        board.file.write_bytes(left)
    assert board.is_there()
    board.board.start()
    assert not board.is_there()
    (entry,) = read_control(board.published, board.ring).switched_off
    assert entry.ends_plays, "and the file is whole again"
    time.sleep(1.5)
    with board.world.database.read() as conn:
        assert [one.is_off for one in all_switches(conn)] == [True], "nobody switched it on"


def test_a_fresh_installation_starts_with_nothing_off(board: Board) -> None:
    board.board.start()
    assert board.is_there()
    assert not board.file.exists()


def test_the_file_follows_a_launch_that_is_killed(board: Board) -> None:
    board.board.start()
    board.world.switch(board.world.orange, board.world.cinema, LaunchState.KILLED.value)
    until(lambda: len(read_control(board.published, board.ring).switched_off) == 1)
    assert read_control(board.published, board.ring).switched_off[0].by_launch
    board.world.switch(board.world.orange, board.world.cinema)
    until(lambda: not read_control(board.published, board.ring).switched_off)
    assert board.is_there()
