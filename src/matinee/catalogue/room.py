"""Room on a disk: asked for before long work begins, and told of in words where it ends under way."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from matinee.base.errors import ErrorCode, MatineeError
from matinee.catalogue.progress import IngestCancelled

TO_SPARE_BYTES = 256 * 1024 * 1024
NO_ROOM_BYTES = 1024 * 1024

T = TypeVar("T")


def check_room(folder: Path, wanted: int, name: str, then: str) -> None:
    """Refuse what a disk cannot hold: raises MatineeError (DISK_FULL).

    `wanted` is in bytes, apart from what else is written there; `then` is what to do once there is room.
    """
    wanted, free = wanted + TO_SPARE_BYTES, shutil.disk_usage(folder).free
    if free < wanted:
        raise MatineeError(
            f"{name} needs about {wanted // 10**6} MB in {folder}, and {free // 10**6} MB are free.",
            remedy=f"Make room, or move the data folder to a larger disk; then {then}.",
            code=ErrorCode.DISK_FULL,
        )


def telling_of_a_full_disk(work: Callable[[], T], folder: Path, then: str) -> T:
    """A disk that fills up while we write says so in its own words, whichever program met it."""
    try:
        return work()
    except IngestCancelled:
        raise
    except (OSError, MatineeError) as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if not full and shutil.disk_usage(folder).free > NO_ROOM_BYTES:
            raise
        raise MatineeError(
            f"The disk of {folder} is full.", remedy=f"Make room, then {then}.", code=ErrorCode.DISK_FULL
        ) from error
