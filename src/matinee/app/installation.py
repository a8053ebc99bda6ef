"""One installation opened: its data folder, databases, stores and keys, as every command and process needs them.

What is opened here is closed in the mirrored order.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from matinee.app.migrate import migrate
from matinee.app.settings import Settings
from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.library.keys import MasterKey, load_master_key
from matinee.outside import work
from matinee.outside.database import Database, DatabaseError
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
    work_store: ObjectStore
    master: MasterKey
    queue: work.WorkQueue

    @property
    def token_key_file(self) -> Path:
        return self.settings.data_folder / "keys" / "token.key"

    @property
    def sign_in_key_file(self) -> Path:
        return self.settings.data_folder / "keys" / "sign-in.json"

    @property
    def control_lock(self) -> Path:
        return control_lock(self.settings)


def control_lock(settings: Settings) -> Path:
    """What the processes of one machine hold while they write the control file."""
    return settings.data_folder / "keys" / "control.lock"


def read_clock() -> Instant:
    """The one place where a clock is read."""
    return Instant(time.time_ns() // 1_000_000)


@contextlib.contextmanager
def open_installation(settings: Settings) -> Iterator[Installation]:
    """Open an installation, bringing folder, schema and keys into being at the first run.

    Raises DataFolderUnusable, DatabaseError or KeysUnusable, each naming what to mend.
    """
    _make_folder(settings)
    with contextlib.ExitStack() as stack:
        database = Database(settings.database)
        stack.callback(database.close)
        try:
            migrate(database)
            work.prepare(settings.work_database)
            queue = work.WorkQueue(settings.work_database)
        except sa.exc.DBAPIError as error:
            raise DatabaseError(
                f"The database cannot be used: {(str(error.orig).strip() or 'no reason given').splitlines()[0]}.",
                remedy="See that it runs and may be written, or name another by database_url and work_database_url.",
            ) from error
        stack.callback(queue.close)
        yield Installation(
            settings=settings,
            database=database,
            published=ObjectStore.at(settings.published),
            work_store=ObjectStore.at(settings.work_store),
            master=load_master_key(settings.data_folder / "keys" / "master.key"),
            queue=queue,
        )


def _make_folder(settings: Settings) -> None:
    folder = settings.data_folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "work").mkdir(exist_ok=True, mode=0o700)
        (folder / "keys").mkdir(exist_ok=True, mode=0o700)
        (folder / "telemetry").mkdir(exist_ok=True, mode=0o700)
        for url in (settings.database, settings.work_database):
            if url in (f"sqlite:///{folder / 'matinee.db'}", f"sqlite:///{folder / 'work.db'}"):
                _make_private(Path(url.removeprefix("sqlite:///")))
    except OSError as error:
        raise DataFolderUnusable(
            f"The data folder {folder} cannot be used: {error.strerror}.",
            remedy="Name another with --data or MATINEE_DATA.",
        ) from error


def _make_private(database: Path) -> None:
    """An empty file for its owner alone, before SQLite makes one that everyone may read; its logs get the same mode.

    One that is there is never opened: to close it again would drop the locks that this process holds on it.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
