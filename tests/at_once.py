"""Several acts that begin at the same moment, each in a thread of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(*acts: Callable[[], T], within: float = 120) -> list[T]:
    """What each act gave, in their order. Raises what one of them raised; TimeoutError where one is not done `within` seconds."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], T]) -> T:
        start.wait(20)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        begun = [pool.submit(run, act) for act in acts]
        return [one.result(within) for one in begun]
