"""One installation opened: its data folder, databases, stores and keys, as every command and process needs them.

What is opened here is closed in the mirrored order.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matinee.app.migrate import migrate
from matinee.app.settings import Settings
from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.library.keys import MasterKey, load_master_key
from matinee.outside import work
from matinee.outside.database import Database
from matinee.outside.objects import ObjectStore


class DataFolderUnusable(MatineeError):
    """The data folder cannot be made or written."""

    code = ErrorCode.SETTING_INVALID


@dataclass(frozen=True, slots=True)
class Installation:
    """What stands under one data folder, open."""

    settings: Settings
    database: Database
    published: ObjectStore
    master: MasterKey
    queue: work.WorkQueue

    @property
    def token_key_file(self) -> Path:
        return self.settings.data_folder / "keys" / "token.key"


def read_clock() -> Instant:
    """The one place where a clock is read."""
    return Instant(time.time_ns() // 1_000_000)


@contextlib.contextmanager
def open_installation(settings: Settings) -> Iterator[Installation]:
    """Open an installation, bringing folder, schema and keys into being at the first run.

    Raises DataFolderUnusable, DatabaseError or KeysUnusable, each naming what to mend.
    """
    _make_folder(settings.data_folder)
    with contextlib.ExitStack() as stack:
        database = Database(settings.database)
        stack.callback(database.close)
        migrate(database)
        work.prepare(settings.work_database)
        queue = work.WorkQueue(settings.work_database)
        stack.callback(queue.close)
        yield Installation(
            settings=settings,
            database=database,
            published=ObjectStore.at(settings.published),
            master=load_master_key(settings.data_folder / "keys" / "master.key"),
            queue=queue,
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "work").mkdir(exist_ok=True, mode=0o700)
        (folder / "keys").mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise DataFolderUnusable(
            f"The data folder {folder} cannot be used: {error.strerror}.",
            remedy="Name another with --data or MATINEE_DATA.",
        ) from error
