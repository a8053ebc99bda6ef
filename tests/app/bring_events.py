"""A process that brings events to callbacks, at a moment that stands still, until it is ended.

`bring_events.py URL OF_A_GO EVENTS_AT_A_TIME DIES_AFTER`: it dies by its own hand, in the middle of handing on the outbox, once
it has seen so many events; 0 is never.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from matinee.app.telling import tell
from matinee.outside.database import Database
from matinee.parties import hook_work
from tests.app.hubs import LIMITS, MASTER, START


def main(url: str, of_a_go: int, at_a_time: int, dies_after: int) -> None:
    hook_work.AT_ONE_GO, hook_work.EVENTS_AT_A_TIME = of_a_go, at_a_time  # type: ignore[misc]
    seen = 0

    def telling(conn: Any, events: Sequence[Any]) -> Any:
        nonlocal seen
        for one in tell(conn, events):
            yield one
            seen += 1
            if seen == dies_after:
                os.kill(os.getpid(), signal.SIGKILL)

    post = hook_work.caller(allow_private=True, limits=LIMITS)
    postman = hook_work.Postman(Database(url), telling, MASTER, post, lambda: START)
    while True:
        postman.step()
        time.sleep(0.005)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
