"""A worker that breaks ends, and does not stay up as half of one; one that is asked to end does, whoever hears it."""

import subprocess
import sys
from pathlib import Path

from tests.journeys.service import environment_for

_BREAKS = """
import threading
from dbos import DBOS
from matinee.app import worker

def refuse(*_: object, **__: object) -> None:
    threading.Thread(target=threading.Event().wait).start()  # as work that was taken meanwhile
    raise RuntimeError("the queue cannot be named")

DBOS.register_queue = refuse
worker.main()
"""


def test_a_worker_that_breaks_at_its_start_ends_and_says_why(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _BREAKS],
        env=environment_for(tmp_path / "data"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "the queue cannot be named" in ended.stdout + ended.stderr


_HEARS_ELSEWHERE = """
import signal, threading, time
from matinee.app import worker

def tell() -> None:
    while not any(thread.name == "lessons" for thread in threading.enumerate()):  # the last that starts
        time.sleep(0.05)
    time.sleep(1)  # the main thread has nothing to do any more
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=tell).start()
worker.main()
"""


def test_a_worker_ends_where_another_thread_received_the_signal(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _HEARS_ELSEWHERE],
        env=environment_for(tmp_path / "data"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
