"""Where an edge's bytes come from: a folder on this machine, or an object store elsewhere; and the hot ones, kept in memory.

A server that sends a file by path copies it in small pieces through its own threads (measured here: 2.3 GB/s a core, nginx with
sendfile 5 to 6); the same bytes from memory go at 3.5. So what is asked for twice is kept, up to a bound. Published files never
change in place, so a kept file is good as long as its size and time are those of the file on disk.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from matinee.base.units import Bytes
from matinee.outside.objects import ObjectStore

MAX_HOT_FILE = Bytes(16 * 1024 * 1024)
CHUNK = 256 * 1024
PIECE_BYTES = 256 * 1024
"""What a kept file is cut into. Sent whole, 2 MiB went at 2.8 GB/s; in such pieces at 4.0; in 64 KiB or 512 KiB ones at 3.5."""
_SEEN_ONCE = 4096


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A file that may be served: its size, a number that differs when it was made anew, and its place where it has one."""

    path: str
    size: Bytes
    changed: int
    local: str | None


class Source(Protocol):
    """Finds files by their path in the published store, and reads them."""

    async def find(self, path: str) -> Found | None: ...

    def read(self, found: Found, start: int, end: int) -> AsyncIterator[bytes]: ...


def source_of(store: ObjectStore) -> Source:
    root = store.local_file("")
    return RemoteSource(store) if root is None else LocalSource(root)


class LocalSource:
    """Files under one folder, and never out of it: a link that leads elsewhere is as good as no file."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)

    async def find(self, path: str) -> Found | None:
        asked = f"{self._root}/{path}"
        try:
            # Two system calls' worth of blocking, a few microseconds; a thread would cost ten times that.
            real = os.path.realpath(asked, strict=True)
            facts = os.stat(real)
        except (OSError, ValueError):
            return None
        if real != asked or not os.path.isfile(real):
            return None
        return Found(path=path, size=Bytes(facts.st_size), changed=facts.st_mtime_ns, local=real)

    async def read(self, found: Found, start: int, end: int) -> AsyncIterator[bytes]:
        descriptor = await asyncio.to_thread(os.open, str(found.local), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            while start < end:
                chunk = await asyncio.to_thread(os.pread, descriptor, min(CHUNK, end - start), start)
                if not chunk:
                    return
                start += len(chunk)
                yield chunk
        finally:
            os.close(descriptor)


class RemoteSource:
    """Objects in S3 and its kin. One HEAD per request: an edge far from its store wants nginx's cache in front of it."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def find(self, path: str) -> Found | None:
        facts = await self._store.facts(path)
        return None if facts is None else Found(path=path, size=facts[0], changed=facts[1], local=None)

    def read(self, found: Found, start: int, end: int) -> AsyncIterator[bytes]:
        return self._store.stream(found.path, start, end)


@dataclass(frozen=True, slots=True)
class Held:
    """A file in memory, cut into pieces that a core's own cache holds: the server copies each, and sends it while it is warm."""

    size: int
    pieces: tuple[bytes, ...]

    def within(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end`, piece by piece; a whole piece is not copied."""
        for number in range(start // PIECE_BYTES, -(-end // PIECE_BYTES)):
            piece, offset = self.pieces[number], number * PIECE_BYTES
            first, last = max(start - offset, 0), min(end - offset, len(piece))
            yield piece if last - first == len(piece) else piece[first:last]


def held(data: bytes) -> Held:
    """Cut a file into pieces."""
    return Held(len(data), tuple(data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)))


class HotFiles:
    """Files asked for at least twice, in memory up to a bound; the least lately used go first."""

    def __init__(self, capacity: Bytes) -> None:
        self._capacity = capacity
        self._held: OrderedDict[str, tuple[int, Held]] = OrderedDict()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.size = 0

    def get(self, found: Found) -> Held | None:
        kept = self._held.get(found.path)
        if kept is None:
            return None
        if kept[0] != found.changed or kept[1].size != found.size:
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

    def keep(self, found: Found, data: Held) -> None:
        if data.size != found.size:
            return
        self._drop(found.path)
        self._held[found.path] = (found.changed, data)
        self.size += data.size
        while self.size > self._capacity:
            self._drop(next(iter(self._held)))

    def _drop(self, path: str) -> None:
        kept = self._held.pop(path, None)
        if kept is not None:
            self.size -= kept[1].size
