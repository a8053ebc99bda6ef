"""A step on a thread of its own: it is taken again whatever it raises, and its failures are told once."""

import threading
import time

import pytest
from structlog.testing import capture_logs

from matinee.app.repeating import Repeating


class Step:
    """Fails the first three times."""

    def __init__(self) -> None:
        self.taken = 0
        self.enough = threading.Event()

    def __call__(self) -> None:
        self.taken += 1
        if self.taken >= 6:
            self.enough.set()
        if self.taken <= 3:
            raise LookupError("away")


def test_it_goes_on_after_failures_and_tells_of_them_once() -> None:
    step = Step()
    with capture_logs() as told:
        again = Repeating("steps", step, 0.01, "steps fail")
        again.start()
        assert step.enough.wait(5)
        again.close()
    said = [(one["log_level"], one["event"]) for one in told]
    assert said == [("error", "steps fail"), ("info", "a thread does its work again")]


def test_after_close_no_step_is_taken() -> None:
    step = Step()
    again = Repeating("steps", step, 0.01, "steps fail")
    again.start()
    assert step.enough.wait(5)
    again.close()
    taken = step.taken
    time.sleep(0.1)
    assert step.taken == taken


@pytest.mark.parametrize("times", [1, 2])
def test_one_that_was_never_started_may_be_closed(times: int) -> None:
    again = Repeating("steps", Step(), 0.01, "steps fail")
    for _ in range(times):
        again.close()
