"""Several web processes on one database: of two plays that begin at the same instant one passes; a stop is told by the other."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from matinee.base.ids import new_id
from matinee.catalogue.model import StreamTerms
from matinee.outside.database import Database, metadata
from matinee.outside.processes import dies_with_parent
from matinee.parties.feed import Feed
from matinee.playback.leases import Stops
from tests.playback.desks import Stage
from tests.playback.homes import Household

ROOT = Path(__file__).parents[2]
ROUNDS = 12


class OneProcess:
    """A web process of its own; see one_process.py."""

    def __init__(self, url: str, folder: Path, *rights: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.playback.one_process", url, str(folder), *rights],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            preexec_fn=dies_with_parent,
        )
        self.ready: Any = None

    def say(self, **told: Any) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(told) + "\n")
        self._child.stdin.flush()

    def heard(self) -> Any:
        assert self._child.stdout is not None
        return json.loads(self._child.stdout.readline())

    def await_ready(self) -> Any:
        self.ready = self.heard()
        return self.ready

    def take(self, session: str) -> Any:
        self.say(do="take", session=session, box=session)
        return self.heard()

    def release(self, session: str) -> None:
        self.say(do="release", session=session)
        self.heard()

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()

    def end(self) -> None:
        self.say(do="stop")
        self._child.wait(60)
        self.kill()


@contextmanager
def processes(url: str, folder: Path, count: int, *rights: str) -> Iterator[list[OneProcess]]:
    with ExitStack() as stack:
        made = []
        for _ in range(count):
            made.append(OneProcess(url, folder, *rights))
            stack.callback(made[-1].kill)
        for one in made:
            one.await_ready()
        yield made


@pytest.fixture
def url(any_database_url: str) -> str:
    database = Database(any_database_url)
    metadata.create_all(database.engine)
    database.close()
    return any_database_url


def at_once(some: list[OneProcess], round_: int) -> list[str]:
    """Each process begins a play in the same home at the same instant: what came of each."""
    at = time.monotonic_ns() + 20_000_000
    for number, one in enumerate(some):
        session = f"{round_} {number}"
        one.say(do="take", session=session, box=session, at=at)
    return [str(one.heard()["verdict"]) for one in some]


@pytest.mark.parametrize("rights", [(), ("alone",)])
def test_two_that_begin_at_the_same_instant_never_both_pass_a_limit_of_one(
    url: str, tmp_path: Path, rights: tuple[str, ...]
) -> None:
    with processes(url, tmp_path, 2, *rights) as some:
        for round_ in range(ROUNDS):
            verdicts = at_once(some, round_)
            assert sorted(verdicts) == ["held", "refused"], f"round {round_}: {verdicts}"
            winner = verdicts.index("held")
            some[winner].release(f"{round_} {winner}")
            # An end frees the place for the other process at once.
            assert some[1 - winner].take(f"{round_} again")["verdict"] == "held"
            some[1 - winner].release(f"{round_} again")


def test_one_that_is_alone_asks_memory_and_gives_way_to_one_who_comes(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'test.db'}"
    opened = Database(database)
    metadata.create_all(opened.engine)
    opened.close()
    with ExitStack() as stack:
        first = OneProcess(database, tmp_path, "alone")
        stack.callback(first.kill)
        assert first.await_ready()["alone"] is True
        assert first.take("a") == {"verdict": "held", "from_memory": True}
        assert first.take("b") == {"verdict": "refused", "from_memory": True}
        second = OneProcess(database, tmp_path, "alone")
        stack.callback(second.kill)
        assert second.await_ready()["alone"] is False
        # What the first let begin alone, it wrote down before it gave way.
        assert second.take("c") == {"verdict": "refused", "from_memory": False}
        first.release("a")
        assert second.take("c") == {"verdict": "held", "from_memory": False}
        assert first.take("d") == {"verdict": "refused", "from_memory": False}
        # One that was killed leaves what it held, and no right to be alone that would outlive it.
        first.kill()
        second.kill()
        third = OneProcess(database, tmp_path, "alone")
        stack.callback(third.kill)
        assert third.await_ready()["alone"] is True
        assert third.take("e") == {"verdict": "refused", "from_memory": True}
        third.release("c")
        assert third.take("e") == {"verdict": "held", "from_memory": True}
        third.end()


@pytest.fixture
def two(any_database: Database, tmp_path: Path) -> Iterator[tuple[Stage, Household, Household, Feed]]:
    """Two desks with memories of their own over one database: heartbeats come to the first."""
    first, second = Stage(tmp_path, any_database, fresh_ms=0), Stage(tmp_path, any_database, fresh_ms=0)
    for name in ("now", "tokens", "profiles", "showings", "ages", "keys", "home", "film", "second", "adult", "service"):
        setattr(second, name, getattr(first, name))
    first.given = second.given = StreamTerms(streams=1)
    feed = Feed(any_database, [Stops(first.desk.stopped_elsewhere)])
    feed.poll()
    with TestClient(first.app()) as one, TestClient(second.app()) as other:
        yield first, Household(first, one), Household(second, other), feed
    first.book.close()
    second.book.close()


def test_what_one_process_stops_the_other_tells_its_player(two: tuple[Stage, Household, Household, Feed]) -> None:
    stage, here, there, feed = two
    tv, phone = here.box(), here.box()
    begun = here.play(tv)  # not written down yet: the lease alone is known
    (named,) = there.refused(phone)["streams"]
    assert named["session_id"] == begun["session_id"]
    assert there.stop(phone, named["session_id"]).status_code == 204
    there.play(phone)
    feed.poll()
    stage.book.flush()
    assert here.beat(tv, begun["session_id"])["stop"] == "other_screen"
    stage.leases.flush()
    there.refused(tv)
    assert there.stop("mtb_other", named["session_id"]).status_code == 404
    assert there.stop(phone, new_id()).status_code == 404


def test_heartbeats_that_come_to_another_process_keep_the_place(two: tuple[Stage, Household, Household, Feed]) -> None:
    stage, here, there, _ = two
    tv, phone = here.box(), here.box()
    begun = here.play(tv)
    stage.book.flush()
    for turn in range(12):
        here.wait(10_000)
        there.stage.now = stage.now
        heard = (there if turn % 3 else here).beat(tv, begun["session_id"]) if turn < 2 else there.beat(tv, begun["session_id"])
        assert heard["stop"] is None
        there.stage.leases.flush()
        stage.leases.flush()
        here.refused(phone)


def test_a_play_that_ended_at_one_process_unlocks_nothing_at_the_other(two: tuple[Stage, Household, Household, Feed]) -> None:
    stage, here, there, _ = two
    tv = here.box()
    begun = here.play(tv)
    kid = base64.urlsafe_b64encode(bytes.fromhex("00112233445566778899aabbccddeeff")).rstrip(b"=").decode()
    stage.book.flush()
    here.end(tv, begun["session_id"])
    stage.book.flush()
    assert there.unlock(begun, [kid]).json()["code"] == "session_ended"


def test_a_replaced_film_is_told_so_whichever_process_hears_it(two: tuple[Stage, Household, Household, Feed]) -> None:
    stage, here, there, feed = two
    tv = here.box()
    first = here.play(tv)
    stage.book.flush()
    there.play(tv, stage.second)
    feed.poll()
    assert here.beat(tv, first["session_id"])["stop"] == "replaced"


def test_a_play_that_ended_at_one_process_goes_on_at_no_other(two: tuple[Stage, Household, Household, Feed]) -> None:
    """Whichever process a player reports to, what it has ended frees its place and brings no token for longer than a report."""
    stage, here, there, _ = two
    tv = here.box()
    for streams in (1, None):
        stage.given = there.stage.given = StreamTerms(streams=streams)
        begun = here.play(tv)
        here.beat(tv, begun["session_id"])
        stage.book.flush()
        there.end(tv, begun["session_id"])
        there.stage.book.flush()
        here.beat(tv, begun["session_id"])
        stage.book.flush()
        report = {"sequence": 10_000, "position_ms": 90_000, "state": "playing"}
        refused = here._post(tv, f"/api/v1/playback/{begun['session_id']}/heartbeat", report)
        assert (refused.status_code, refused.json()["code"]) == (410, "session_ended")
