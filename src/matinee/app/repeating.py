"""A step that is taken again and again on a thread of its own, for as long as the process serves."""

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger("matinee.repeating")


class Repeating:
    """Takes a step every so many seconds from `start` until `close`.

    Whatever a step raises, it is taken again the next time: a thread that ended (the database was away, a row could not be read)
    would leave what it keeps old for ever, and nobody told. The first failure of several in a row is logged, and that it is over.
    """

    def __init__(self, name: str, step: Callable[[], object], seconds: float, failing: str) -> None:
        """`failing` says in words for the log what does not happen while the step fails, and what holds meanwhile."""
        self._step = step
        self._seconds = seconds
        self._failing = failing
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop. Blocks until a step that is being taken has ended."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        fails = False
        while not self._stopping.wait(self._seconds):
            try:
                self._step()
            except Exception as error:
                if not fails:
                    log.error(self._failing, thread=self._thread.name, exc_info=error)
                fails = True
            else:
                if fails:
                    log.info("a thread does its work again", thread=self._thread.name)
                fails = False
