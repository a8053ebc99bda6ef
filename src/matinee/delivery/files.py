"""Where an edge's bytes come from: a folder on this machine, or an object store elsewhere; and the hot ones of a store.

A file on this machine is opened and handed to the kernel, which keeps what is asked for often in its page cache. Of an object
store, what is asked for twice is kept in memory here, up to a bound. Published files never change in place, so a kept one is good
as long as its size and time are those that the store tells.
"""

import os
import stat
from collections import OrderedDict
from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec

from matinee.base.units import Bytes
from matinee.outside.objects import ObjectStore

MAX_HOT_FILE = Bytes(16 * 1024 * 1024)
_SEEN_ONCE = 4096


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A file that may be served: its size, and a number that differs when it was made anew.

    One on this machine is open already: whoever finds it sees that `descriptor` is closed.
    """

    path: str
    size: Bytes
    changed: int
    descriptor: int | None = None

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)


class Source(Protocol):
    """Finds files by their path in the published store, and reads those that are not open as files."""

    async def find(self, path: str) -> Found | None: ...

    def read(self, found: Found, start: int, end: int) -> AsyncGenerator[bytes, None]: ...


def source_of(store: ObjectStore) -> Source:
    root = store.local_file("")
    return RemoteSource(store) if root is None else LocalSource(root)


class LocalSource:
    """Files under one folder, and never out of it: a link that leads elsewhere is as good as no file."""

    def __init__(self, root: os.PathLike[str]) -> None:
        self._root = os.path.realpath(root)

    async def find(self, path: str) -> Found | None:
        asked = f"{self._root}/{path}"
        try:
            # Without O_NONBLOCK a pipe in the folder would hold up everybody until someone writes to it.
            descriptor = os.open(asked, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError):
            return None
        facts = os.fstat(descriptor)
        # What was opened tells where it really lies, so that no link on the way there can be swapped after a look.
        if not stat.S_ISREG(facts.st_mode) or os.readlink(f"/proc/self/fd/{descriptor}") != asked:
            os.close(descriptor)
            return None
        return Found(path=path, size=Bytes(facts.st_size), changed=facts.st_mtime_ns, descriptor=descriptor)

    def read(self, found: Found, start: int, end: int) -> AsyncGenerator[bytes, None]:
        raise TypeError(f"{found.path} is open as a file: the kernel sends it.")


class RemoteSource:
    """Objects in S3 and its kin. One HEAD per request: an edge far from its store wants nginx's cache in front of it."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def find(self, path: str) -> Found | None:
        facts = await self._store.facts(path)
        return None if facts is None else Found(path=path, size=facts[0], changed=facts[1])

    def read(self, found: Found, start: int, end: int) -> AsyncGenerator[bytes, None]:
        return self._store.stream(found.path, start, end)


class HotFiles:
    """Files asked for at least twice, in memory up to a bound; the least lately used go first."""

    def __init__(self, capacity: Bytes) -> None:
        self._capacity = capacity
        self._held: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.size = 0

    def get(self, found: Found) -> bytes | None:
        kept = self._held.get(found.path)
        if kept is None:
            return None
        if kept[0] != found.changed or len(kept[1]) != found.size:
            self._drop(found.path)
            return None
        self._held.move_to_end(found.path)
        return kept[1]

    def is_wanted(self, found: Found) -> bool:
        """Whether to keep this file now. A film watched once, from end to end, passes through without pushing anything out."""
        if found.size > min(MAX_HOT_FILE, self._capacity):
            return False
        if found.path in self._seen:
            del self._seen[found.path]
            return True
        self._seen[found.path] = None
        if len(self._seen) > _SEEN_ONCE:
            self._seen.popitem(last=False)
        return False

    def keep(self, found: Found, data: bytes) -> None:
        if len(data) != found.size:
            return
        self._drop(found.path)
        self._held[found.path] = (found.changed, data)
        self.size += len(data)
        while self.size > self._capacity:
            self._drop(next(iter(self._held)))

    def _drop(self, path: str) -> None:
        kept = self._held.pop(path, None)
        if kept is not None:
            self.size -= len(kept[1])
