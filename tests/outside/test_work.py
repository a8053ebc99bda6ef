"""Durable work over real processes: a worker killed half-way, and the next one that takes over without doing a step twice."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from matinee.base.clock import Instant
from matinee.outside.work import DEAD_AFTER_MS, WorkQueue, is_dead, prepare

WORKER = """
import sys, time
from pathlib import Path
from matinee.base.clock import Instant
from matinee.outside.database import Database, metadata
from matinee.outside.work import WorkEngine

folder = Path(sys.argv[1])
database = Database(f"sqlite:///{folder}/main.db")
metadata.create_all(database.engine)

def note(line):
    with (folder / "log").open("a") as log:
        log.write(line + "\\n")

def body(run, argument):
    first = run("first", lambda: (note("first"), "a")[1])
    def slow():
        note("second begins")
        note(f"{sys.argv[2:]} begins")
        time.sleep(float((folder / "pause").read_text()))
        note("second ends")
        return first + argument
    if (folder / "newer").exists():
        run("between", lambda: (note("between"), "")[1])
    last = run("second", slow)
    return run("third", lambda: last)

engine = WorkEngine(f"sqlite:///{folder}/work.db", database, lambda: Instant(int(time.time() * 1000)))
engine.define("probe", body)
engine.queue("line", int((sys.argv[2:] or ["1"])[0]))
if (folder / "forgets").exists():
    from dbos import DBOS
    from matinee.outside.work import WorkQueue

    real, looks = DBOS.list_workflows, []

    def listed(**options):
        found = real(**options)
        looks.append(found)
        if len(looks) == 2:  # between the look at a dead worker's work and the taking over of it
            WorkQueue(f"sqlite:///{folder}/work.db").forget("piece-0")
        return found

    DBOS.list_workflows = listed
engine.start()
note("ready")
time.sleep(120)
"""


def _worker(folder: Path, *more: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", WORKER, str(folder), *more])


def _await_line(folder: Path, line: str, times: int = 1, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (folder / "log").exists() and (folder / "log").read_text().splitlines().count(line) >= times:
            return
        time.sleep(0.05)
    pytest.fail(f"no line {line!r} x{times} in {(folder / 'log').read_text() if (folder / 'log').exists() else 'no log'}")


def _await_result(queue: WorkQueue) -> str | None:
    for _ in range(100):
        state = queue.state("piece-1")
        assert state is not None
        if state.state == "done":
            break
        time.sleep(0.1)
    return state.result


def _queue(folder: Path, pause: str) -> WorkQueue:
    """A queue of its own, whose pieces wait for so many seconds in their second step."""
    url = f"sqlite:///{folder}/work.db"
    prepare(url)
    (folder / "pause").write_text(pause)
    return WorkQueue(url)


def _end(queue: WorkQueue, *workers: "subprocess.Popen[bytes] | None") -> None:
    for process in workers:
        if process is not None:
            process.kill()
            process.wait()
    queue.close()


def test_a_killed_workers_work_is_taken_over_and_only_the_open_step_runs_again(tmp_path: Path) -> None:
    queue = _queue(tmp_path, pause="60")
    queue.enqueue("line", "probe", "piece-1", "b")
    queue.enqueue("line", "probe", "piece-1", "handed in twice")
    waiting = queue.state("piece-1")
    assert waiting is not None
    assert waiting.state == "waiting"
    first = _worker(tmp_path)
    second = None
    try:
        _await_line(tmp_path, "second begins")
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        (tmp_path / "pause").write_text("0")
        second = _worker(tmp_path)
        _await_line(tmp_path, "second ends")
        assert _await_result(queue) == "ab"
        log = (tmp_path / "log").read_text().splitlines()
        assert log.count("first") == 1
        assert log.count("second begins") == 2
    finally:
        _end(queue, first, second)


def test_work_of_an_older_version_is_finished_by_one_that_has_a_step_more(tmp_path: Path) -> None:
    queue = _queue(tmp_path, pause="0")
    queue.enqueue("line", "probe", "piece-1", "b")
    older = _worker(tmp_path)
    newer = None
    try:
        _await_line(tmp_path, "second ends")
        os.kill(older.pid, signal.SIGKILL)
        older.wait()
        with sqlite3.connect(tmp_path / "work.db") as work:  # as if it had died just before its last step was recorded
            work.execute("DELETE FROM operation_outputs WHERE function_name = 'third'")
            work.execute("UPDATE workflow_status SET status = 'PENDING', output = NULL")
        (tmp_path / "newer").touch()
        newer = _worker(tmp_path)
        _await_line(tmp_path, "second ends", times=2)
        assert _await_result(queue) == "ab"
        assert (tmp_path / "log").read_text().splitlines().count("first") == 1
    finally:
        _end(queue, older, newer)


def test_each_worker_takes_as_much_as_it_said(tmp_path: Path) -> None:
    queue = _queue(tmp_path, pause="60")
    processes = []
    try:
        for place, many in enumerate(("3", "1"), 1):  # the small one comes last, and what it says is not the large one's limit
            processes.append(_worker(tmp_path, many))
            _await_line(tmp_path, "ready", times=place)
        for number in reversed(range(6)):  # so that no worker sees a part of them alone that is less urgent
            queue.enqueue("line", "probe", f"piece-{number}", "b", priority=100 - number)
        _await_line(tmp_path, "second begins", times=4)
        time.sleep(1.5)  # long enough to take more, were they to
        log = (tmp_path / "log").read_text().splitlines()
        assert (log.count("['3'] begins"), log.count("['1'] begins")) == (3, 1)
        waiting = {
            work_id for work_id, state in queue.states([f"piece-{n}" for n in range(6)]).items() if state.state == "waiting"
        }
        assert waiting == {"piece-0", "piece-1"}, "what is urgent goes first"
        queue.forget_all("piece-")
        assert queue.states(["piece-0", "piece-5"]) == {}
    finally:
        for process in processes:
            process.kill()
            process.wait()
        queue.close()


def test_work_that_is_forgotten_while_it_is_taken_over_keeps_nobody_from_the_rest(tmp_path: Path) -> None:
    queue = _queue(tmp_path, pause="60")
    for number in range(2):
        queue.enqueue("line", "probe", f"piece-{number}", "b", priority=1 + number)
    dead = _worker(tmp_path, "2")
    heir = None
    try:
        _await_line(tmp_path, "second begins", times=2)
        dead.kill()
        dead.wait()
        (tmp_path / "pause").write_text("0")
        (tmp_path / "forgets").touch()
        heir = _worker(tmp_path, "2")
        _await_line(tmp_path, "second ends")
        assert _await_result(queue) == "ab"
        assert queue.state("piece-0") is None
    finally:
        _end(queue, dead, heir)


def test_a_worker_that_forgotten_work_ran_on_takes_the_next_piece(tmp_path: Path) -> None:
    queue = _queue(tmp_path, pause="3")
    queue.enqueue("line", "probe", "piece-0", "a")
    worker = _worker(tmp_path, "1")
    try:
        _await_line(tmp_path, "second begins")
        queue.forget("piece-0")
        queue.enqueue("line", "probe", "piece-1", "b")
        _await_line(tmp_path, "second ends", times=2)
        assert _await_result(queue) == "ab"
        assert queue.state("piece-0") is None, "what went on to its end came back"
    finally:
        _end(queue, worker)


@pytest.mark.parametrize(
    ("shows", "host", "seen_ago", "dead"),
    [
        ("another machine's worker that beats", "elsewhere", 1_000, False),
        ("another machine's worker that stopped", "elsewhere", DEAD_AFTER_MS + 1, True),
        ("a worker that said goodbye", "elsewhere", 10**12, True),
    ],
)
def test_when_a_worker_counts_as_dead(shows: str, host: str, seen_ago: int, dead: bool) -> None:
    now = Instant(2 * 10**12)
    assert is_dead(host, 1, 1, Instant(now - seen_ago), now) is dead, shows
