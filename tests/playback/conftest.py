"""What tests of rights at play stand on, where they say nothing else: a home, and the world that it pays in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from matinee.outside.database import Database
from tests.playback.paying import Home, Paying
from tests.world import screens


@pytest.fixture
def world(any_database: Database, tmp_path: Path) -> Paying:
    return Paying(any_database, tmp_path)


@pytest.fixture
def home(world: Paying) -> Iterator[Home]:
    with screens(world) as who, TestClient(world.player) as player:
        yield Home(world, who, player)
