"""Processes that bring events: killed in the middle, and several at once. Nothing is lost, nothing is tried twice at a time."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from matinee.carriage.model import LaunchState
from matinee.outside.database import Database, metadata
from matinee.outside.processes import dies_with_parent
from matinee.parties import hook_queue, hook_store
from matinee.parties.hook_queue import LEASE_MS
from tests.app.hubs import OK, Heard, Hub, answering, hub, launch_states, listening

ROOT = Path(__file__).parents[2]
STATES = [LaunchState.SILENT, LaunchState.OPEN, LaunchState.PAUSED, LaunchState.KILLED, LaunchState.PLANNED] * 2


@contextlib.contextmanager
def world(url: str) -> Iterator[Hub]:
    database = Database(url)
    metadata.create_all(database.engine)
    try:
        with hub(database) as there:
            there.agree(there.a)
            yield there
    finally:
        database.close()


@contextlib.contextmanager
def bringing(url: str, *, of_a_go: int = 50, at_a_time: int = 200, dies_after: int = 0) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.app.bring_events", url, str(of_a_go), str(at_a_time), str(dies_after)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, ["src", os.environ.get("PYTHONPATH", "")]))},
        stdout=subprocess.DEVNULL,
        preexec_fn=dies_with_parent,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come about")


def test_a_process_that_is_killed_in_a_call_loses_nothing(any_database_url: str) -> None:
    killed = threading.Event()

    def kill_at_the_fourth(request: Any, heard: Heard) -> None:
        if len(listener.heard) == 4:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
            killed.set()
        OK(request, heard)

    with world(any_database_url) as there, listening(kill_at_the_fourth) as listener:
        there.register("studio", listener.url)
        there.states(*STATES)
        with bringing(any_database_url) as process:
            assert killed.wait(60)
        there.round()
        assert len(listener.heard) == 4, "the hook is still held by the one that died"
        there.wait(LEASE_MS)
        there.run_out()
    ids = [one.id for one in listener.heard]
    assert ids[4] == ids[3], "what was broken off comes again, under the same id"
    once = list(dict.fromkeys(ids))
    assert (len(once), len(ids)) == (len(STATES), len(STATES) + 1)
    assert launch_states([listener.heard[ids.index(one)] for one in once]) == [state.value for state in STATES]


def test_a_process_that_is_killed_while_it_hands_on_the_outbox_loses_nothing(any_database_url: str) -> None:
    with world(any_database_url) as there, listening() as listener:
        there.register("studio", listener.url)
        there.states(*STATES)
        with bringing(any_database_url, at_a_time=4, dies_after=6) as process:
            assert process.wait(60) == -signal.SIGKILL
        with there.database.read() as conn:
            handed = conn.execute(sa.select(sa.func.count()).select_from(hook_store.deliveries)).scalar_one()
        assert handed == 4, "the four of the first transaction, and none of the one that it died in"
        there.wait(LEASE_MS)
        there.run_out()
    assert launch_states(listener.heard) == [state.value for state in STATES]
    assert len({one.id for one in listener.heard}) == len(STATES)


def test_two_processes_at_once_try_each_event_once(any_database_url: str) -> None:
    """Each lets a hook go after one event, so that both want it all the time. Time stands still: nothing is due a second time."""
    with contextlib.ExitStack() as stack:
        there = stack.enter_context(world(any_database_url))
        good = [stack.enter_context(listening()) for _ in range(4)]
        bad = stack.enter_context(listening(answering(500)))
        for listener in (*good, bad):
            there.register("studio", listener.url)
        for _ in range(2):
            stack.enter_context(bringing(any_database_url, of_a_go=1, at_a_time=3))
        for _ in range(3):
            there.states(*STATES)
        wait_for(lambda: all(len(one.heard) >= 3 * len(STATES) for one in good) and len(bad.heard) >= 1)
        wait_for(lambda: _due(there) == 0)
        for one in good:
            assert launch_states(one.heard) == [state.value for state in STATES] * 3
            assert len({heard.id for heard in one.heard}) == 3 * len(STATES)
        assert len(bad.heard) == 1, "one try of the first; the others wait behind it"


def _due(there: Hub) -> int:
    with there.database.read() as conn:
        return len(hook_queue.due(conn, there.now, is_slow=False, limit=10)) + len(
            hook_queue.due(conn, there.now, is_slow=True, limit=10)
        )
