"""Objects by path: a local folder by default, S3 and its kin by a setting. The published store is one of these.

Published paths are written once. `put_if_absent` is what makes a step of durable work safe to run again: the second run
finds the object there and leaves it.
"""

import contextlib
import os
import shutil
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, S3Store, from_url

from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.units import Bytes

_PIECE_BYTES = 8 * 1024 * 1024


class ObjectMissing(MatineeError):
    """No object stands at a path where one should."""

    code = ErrorCode.NOT_FOUND


class ObjectStoreFailed(MatineeError):
    """The store did not do what it was asked: full, away, or not ours."""

    code = ErrorCode.UNAVAILABLE


class ObjectStore:
    """A store of objects by relative POSIX path. Every method is synchronous and safe to call from threads."""

    def __init__(self, store: LocalStore | S3Store | Any, root: Path | None) -> None:
        self._store = store
        self._root = root

    @classmethod
    def local(cls, root: Path) -> "ObjectStore":
        """Objects as files under a folder, which is made if it is not there."""
        root.mkdir(parents=True, exist_ok=True)
        return cls(LocalStore(root.resolve(), mkdir=True, automatic_cleanup=True), root.resolve())

    @classmethod
    def at(cls, url: str, **options: Any) -> "ObjectStore":
        """Objects at a URL: s3://BUCKET/PREFIX with the provider's usual environment or `options`, or file:///FOLDER."""
        if url.startswith("file://"):
            return cls.local(Path(url.removeprefix("file://")))
        return cls(from_url(url, **options), None)

    def put(self, path: str, data: bytes | Path) -> None:
        """Write an object, whole or not at all, over whatever stands there: never a part of a package."""
        self._put(path, data, "overwrite")

    def put_if_absent(self, path: str, data: bytes | Path) -> bool:
        """Write an object unless one stands there. True where it was written, False where it was already there."""
        try:
            self._put(path, data, "create")
        except AlreadyExistsError:
            return False
        return True

    def _put(self, path: str, data: bytes | Path, mode: str) -> None:
        try:
            obstore.put(self._store, path, data, mode=mode)  # type: ignore[arg-type]
        except AlreadyExistsError:
            raise
        except (BaseError, OSError) as error:
            raise ObjectStoreFailed(
                f"{path} could not be stored: {_first_line(error)}.",
                remedy="See that the store has room and may be written.",
            ) from error

    def get(self, path: str) -> bytes:
        """The whole object. Raises ObjectMissing, ObjectStoreFailed."""
        try:
            return bytes(obstore.get(self._store, path).bytes())
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectMissing(f"{path} is not in the store.") from error
        except (BaseError, OSError) as error:
            raise _unread(path, error) from error

    def get_range(self, path: str, start: int, end: int) -> bytes:
        """Bytes from `start` up to, not including, `end`. Raises ObjectMissing, ObjectStoreFailed."""
        try:
            return bytes(obstore.get_range(self._store, path, start=start, end=end))
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectMissing(f"{path} is not in the store.") from error
        except (BaseError, OSError) as error:
            raise _unread(path, error) from error

    def size(self, path: str) -> Bytes | None:
        """The object's size, or None where there is none."""
        try:
            return Bytes(int(obstore.head(self._store, path)["size"]))
        except (NotFoundError, FileNotFoundError):
            return None

    async def facts(self, path: str) -> tuple[Bytes, int] | None:
        """The object's size and when it was written (milliseconds since 1970), or None. For a server's event loop."""
        try:
            meta = await obstore.head_async(self._store, path)
        except (NotFoundError, FileNotFoundError):
            return None
        return Bytes(int(meta["size"])), round(meta["last_modified"].timestamp() * 1000)

    async def stream(self, path: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Bytes from `start` up to, not including, `end`, as they come. Raises ObjectMissing, ObjectStoreFailed."""
        try:
            got = await obstore.get_async(self._store, path, options={"range": (start, end)})
            async for chunk in got.stream(min_chunk_size=256 * 1024):
                yield bytes(chunk)
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectMissing(f"{path} is not in the store.") from error
        except (BaseError, OSError) as error:
            raise _unread(path, error) from error

    def list(self, prefix: str) -> Iterator[tuple[str, Bytes]]:
        """Every (path, size) under a prefix of whole path elements: "packages/x" is none of "packages/xy"."""
        for entry in self._entries(prefix):
            yield str(entry["path"]), Bytes(int(entry["size"]))

    def _entries(self, prefix: str) -> Iterator[Any]:
        """Raises ObjectStoreFailed."""
        try:
            for batch in obstore.list(self._store, prefix=prefix.rstrip("/") or None):
                yield from batch
        except (NotFoundError, FileNotFoundError):
            return  # another took it away meanwhile
        except (BaseError, OSError) as error:
            raise ObjectStoreFailed(f"{prefix or 'The store'} could not be listed: {_first_line(error)}.") from error

    def delete(self, path: str) -> None:
        """Take an object away; one that is not there is fine."""
        try:
            obstore.delete(self._store, path)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise ObjectStoreFailed(f"{path} could not be deleted: {_first_line(error)}.") from error

    def delete_under(self, prefix: str) -> int:
        """Take away everything under a prefix; how many objects that were."""
        paths = [path for path, _ in self.list(prefix)]
        for path in paths:
            self.delete(path)
        if self._root is not None:  # what a killed process had half written bears a name that no list shows
            _remove_folder(self._root / prefix, self._root)
        return len(paths)

    def last_written(self, prefix: str, depth: int) -> dict[str, int]:
        """Under a prefix, each folder of so many path elements, and when something in it was last written (ms since 1970)."""
        found: dict[str, int] = {}
        for entry in self._entries(prefix):
            folder = "/".join(str(entry["path"]).split("/")[:depth])
            found[folder] = max(found.get(folder, 0), round(entry["last_modified"].timestamp() * 1000))
        return found

    def fetch(self, path: str, to: Path) -> None:
        """The object as a file of this machine: without a copy where it lies on the same disk, so write into neither.

        Raises ObjectMissing, ObjectStoreFailed.
        """
        if self._root is None:
            self._download(path, to)
            return
        try:
            os.link(self._root / path, to)
        except FileNotFoundError as error:
            raise ObjectMissing(f"{path} is not in the store.") from error
        except OSError:
            shutil.copyfile(self._root / path, to)

    def _download(self, path: str, to: Path) -> None:
        """Piece by piece: the sound of a long film is larger than what one should hold in memory."""
        try:
            with to.open("wb") as file:
                for piece in obstore.get(self._store, path).stream(min_chunk_size=_PIECE_BYTES):
                    file.write(piece)
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectMissing(f"{path} is not in the store.") from error
        except BaseError as error:
            raise _unread(path, error) from error

    def local_file(self, path: str) -> Path | None:
        """Where the object lies as a file, for a server that sends files by path; None in a store elsewhere."""
        return None if self._root is None else self._root / path


def _remove_folder(folder: Path, root: Path) -> None:
    """A folder with all in it, and those above it that are empty then."""
    shutil.rmtree(folder, ignore_errors=True)
    for above in folder.parents:
        if above == root or root not in above.parents:
            return
        with contextlib.suppress(OSError):
            above.rmdir()


def _unread(path: str, error: BaseException) -> ObjectStoreFailed:
    return ObjectStoreFailed(f"{path} could not be read: {_first_line(error)}.")


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
