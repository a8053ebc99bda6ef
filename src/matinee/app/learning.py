"""Learning from viewing in a child of the worker, whose memory ends with it and which holds up nothing else."""

import subprocess
import sys

from matinee.app.installation import Installation, read_clock
from matinee.app.settings import settings_as_environment
from matinee.base.errors import ErrorCode, MatineeError
from matinee.home import learnt_store as store
from matinee.home.for_you import lesson_of
from matinee.outside.processes import dies_with_parent

WITHIN_SECONDS = 3600


class NotLearnt(MatineeError):
    """The child that learns ended badly, or took too long."""

    code = ErrorCode.UNAVAILABLE


def lesson_in_a_child(installation: Installation) -> None:
    """Learn the day's lesson where it is not learnt yet. Blocks. Raises NotLearnt."""
    with installation.database.read() as conn:
        newest = store.newest(conn)
    if newest is not None and newest.as_of >= lesson_of(read_clock()):
        return
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "matinee.app.learning_process"],
            env=settings_as_environment(installation.settings),
            stdin=subprocess.DEVNULL,
            preexec_fn=dies_with_parent,
            timeout=WITHIN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotLearnt(f"Learning from viewing took more than {WITHIN_SECONDS} s.") from error
    if ended.returncode != 0:
        raise NotLearnt(f"Learning from viewing ended with exit code {ended.returncode}.", remedy="Its own log line tells why.")
