"""New keys for a published title: its package is made anew from its own segments, with no encode, and takes the old one's place.

For a key that may have got out, and for whoever changes keys by the calendar. The old package stays, with its key, for those
who are watching it; `sweep` takes it away later. A title points to the one or the other, never to half of one.
"""

import fcntl
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from matinee.base.clock import Clock, Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import PackageId, new_id
from matinee.catalogue import store
from matinee.catalogue.model import CatalogueError, Title
from matinee.catalogue.room import check_room, telling_of_a_full_disk
from matinee.encoding.model import EncodedFilm
from matinee.library import store as library_store
from matinee.library import work as library
from matinee.library.keys import MasterKey
from matinee.library.model import DrmSystem, PackageFiles, PackageState
from matinee.outside.database import Database
from matinee.outside.objects import ObjectStore
from matinee.outside.tools import Tools

KEEP_RETIRED_MS = 24 * 3_600_000
"""For how long a package stays that no title points to any more: longer than any play of it goes on."""

_AGAIN = "give the title new keys again; it plays as before"

Progress = Callable[[float], None]


class Rekeying:
    """The use case, with what it works on."""

    def __init__(
        self,
        *,
        database: Database,
        published: ObjectStore,
        work_folder: Path,
        tools: Tools,
        master: MasterKey,
        drm: tuple[DrmSystem, ...],
        clock: Clock,
    ) -> None:
        self._database = database
        self._published = published
        self._work_folder = work_folder
        self._tools = tools
        self._master = master
        self._drm = drm
        self._clock = clock

    def rekey(self, title: Title, *, at_once: bool, progress: Progress) -> PackageId:
        """Give a title new keys; the id of its new package. `at_once` takes the old one away, and with it what plays it.

        Raises CatalogueError where there is nothing to make anew or another does it already, LibraryError where the old package
        is damaged: nothing has changed then, and nothing is left.
        """
        if title.playable is None:
            raise CatalogueError(
                "A series has no package of its own.", remedy="Name its episodes, one by one.", code=ErrorCode.INVALID_REQUEST
            )
        before, package = title.playable.package, PackageId(new_id())
        self._work_folder.mkdir(parents=True, exist_ok=True)
        with (self._work_folder / "rekey.lock").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CatalogueError(
                    "Another title is being given new keys on this machine.", remedy="Let that end.", code=ErrorCode.CONFLICT
                ) from None
            for left in self._work_folder.glob("rekey-*"):  # of one that was killed: nobody else holds the lock
                shutil.rmtree(left, ignore_errors=True)
            self._forget_unfinished(title)
            folder = self._work_folder / f"rekey-{package}"
            try:
                film, files = telling_of_a_full_disk(
                    partial(self._make, title, before, package, folder, progress), self._work_folder, _AGAIN
                )
                self._tell(title, before, package, film, files)
            except BaseException:
                self._forget_unfinished(title)  # by what the database says: an error may come after the title was handed over
                raise
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        if at_once:
            take_away_package(self._database, self._published, before)
        return package

    def _make(
        self, title: Title, before: PackageId, package: PackageId, folder: Path, progress: Progress
    ) -> tuple[EncodedFilm, PackageFiles]:
        with self._database.write() as conn:
            film, old = library_store.film_of(conn, before), library_store.get(conn, before).files
            if film is None or old is None:
                raise CatalogueError(
                    "Its package was published before what is needed for this was kept.",
                    remedy="Remove the title and add its film again.",
                    code=ErrorCode.CONFLICT,
                )
            opens = library_store.keys_of(conn, self._master, before)
            keys = library_store.ensure_keys(conn, self._master, package, title.id, self._clock())
        three = old.total_bytes * 3  # what is fetched, what is made of it, and what is published
        check_room(self._work_folder, three, "The package", _AGAIN)
        out = folder / "package"
        files = library.repackage(
            film, old, self._published, opens, package, keys, self._drm, out, self._tools, lambda part: progress(part / 2)
        )
        library.verify(out, film, keys, self._tools, lambda part: progress(0.5 + part * 0.3), decodes=False)
        library.publish(out, package, self._published, lambda part: progress(0.8 + part * 0.2))
        return film, files

    def _tell(self, title: Title, before: PackageId, package: PackageId, film: EncodedFilm, files: PackageFiles) -> None:
        """The one transaction that hands the title over, if it is still as it was when this began."""
        now = self._clock()
        with self._database.write() as conn:
            there = store.load_title(conn, title.id)
            if there.playable is None or there.playable.package != before:
                raise CatalogueError(
                    "The title was given another package meanwhile.", remedy="Look at it first.", code=ErrorCode.CONFLICT
                )
            library_store.mark_published(conn, files, now, film)
            library_store.retire(conn, before, now)
            library_store.move_analysis(conn, before, package)
            playable = msgspec.structs.replace(there.playable, package=package)
            store.replace(conn, there.publisher, there.id, playable, there.artwork, now, there.warnings)

    def _forget_unfinished(self, title: Title) -> None:
        """What a rekeying of this title that did not end left: a published title has no other package in the making."""
        with self._database.write() as conn:
            unfinished = library_store.of_title(conn, title.id, PackageState.PREPARING)
            for package in unfinished:
                library_store.forget(conn, package)
        for package in unfinished:
            library.unpublish(package, self._published)


def sweep(database: Database, published: ObjectStore, now: Instant) -> list[PackageId]:
    """Take away the packages that were retired long enough ago; which those were."""
    with database.read() as conn:
        old = library_store.retired(conn, Instant(now - KEEP_RETIRED_MS))
    for package in old:
        take_away_package(database, published, package)
    return old


def take_away_package(database: Database, published: ObjectStore, package: PackageId) -> None:
    """Remove a package that no title points to: first its key, then its bytes. Safe to run again."""
    with database.write() as conn:
        library_store.mark_removed(conn, package)
    library.unpublish(package, published)
