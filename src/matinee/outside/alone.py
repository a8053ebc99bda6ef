"""Whether a process is the only one of its kind on this machine, known for certain and without asking anybody each time.

Whoever holds `alone.lock` for itself may decide from its own memory. One who comes later leaves a mark; the first sees it in its
next step, writes down what it knows, and shares from then on. No clock and no waiting time is trusted: only locks, which end with
the process that holds them. `here.lock` is held by all, so that who finds `alone.lock` free in the moment in which its holder
changes from having to sharing does not take itself for alone.
"""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from matinee.base.errors import ErrorCode, MatineeError

GIVE_WAY_SECONDS = 30.0
_POLL_SECONDS = 0.05


class NotGivenWay(MatineeError):
    """The process that was alone did not share: it hangs."""

    code = ErrorCode.UNAVAILABLE


class Alone:
    """The right to be alone, in one folder. `enter` once, `step` now and then from one thread, `leave` at the end."""

    def __init__(self, folder: Path, name: str) -> None:
        self._paths = [folder / f"{name}-{what}" for what in ("alone.lock", "here.lock", "wanted")]
        self._alone = self._here = -1
        self._mark = ""
        self.holds = False
        """Whether this process is alone, from `enter` until it gives way."""

    def enter(self) -> None:
        """Become alone where nobody is here, else have the one who was alone share. Blocks; raises NotGivenWay."""
        self._alone, self._here = (os.open(path, os.O_RDWR | os.O_CREAT, 0o600) for path in self._paths[:2])
        self._mark = self._read_mark()
        if _take(self._alone, fcntl.LOCK_EX) and _take(self._here, fcntl.LOCK_EX):
            fcntl.flock(self._here, fcntl.LOCK_SH)
            self.holds = True
            return
        fcntl.flock(self._here, fcntl.LOCK_SH)
        end = time.monotonic() + GIVE_WAY_SECONDS
        self._paths[2].write_text(f"{os.getpid()} {time.monotonic_ns()}")
        while not _take(self._alone, fcntl.LOCK_SH):
            if time.monotonic() > end:
                raise NotGivenWay(
                    f"Another process holds {self._paths[0]} and does not share it.", remedy="End that process, then start again."
                )
            time.sleep(_POLL_SECONDS)

    def step(self, before_sharing: Callable[[], None]) -> None:
        """Share from now on where somebody has come. `before_sharing` writes down what was decided alone; it may raise."""
        if self.holds and self._read_mark() != self._mark:
            self.holds = False
            try:
                before_sharing()
            except BaseException:
                self.holds = True
                raise
            fcntl.flock(self._alone, fcntl.LOCK_SH)

    def leave(self) -> None:
        self.holds = False
        for held in (self._alone, self._here):
            if held >= 0:
                os.close(held)
        self._alone = self._here = -1

    def _read_mark(self) -> str:
        try:
            return self._paths[2].read_text()
        except FileNotFoundError:
            return ""


def _take(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
