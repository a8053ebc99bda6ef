"""What was measured of a film is kept, so that another target, another coding or a second try encodes and scores nothing again.

Each figure lies under the hash of all that it follows from: the film's bytes, the command lines, the build of ffmpeg. Numbers
alone are kept, never a picture. A file that is not what was written (its own hash says so) is as one that is not there. The
folder is bounded, because a service ingests for years: the oldest go first.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from matinee.outside.tools import Tools

MOST_BYTES = 64 * 1024 * 1024
"""Some thousands of films: an analysis keeps about twenty files of a kilobyte or two."""
LARGEST_FILE = 1024 * 1024
_HASH_CHARS = 64

T = TypeVar("T", bound=msgspec.Struct)


class Kept:
    """A folder of measured figures. Several processes may use it at once: each file is written whole, then renamed."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most = most_bytes

    def find(self, key: str, kind: type[T]) -> T | None:
        """What was kept under a key; None where nothing was, or where it cannot be trusted."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
            found = msgspec.json.decode(_checked(key, data), type=kind)
        except (OSError, ValueError):  # a DecodeError is a ValueError
            return None
        with contextlib.suppress(OSError):  # on a disk that may not be written it is as good
            os.utime(path)
        return found

    def keep(self, key: str, value: msgspec.Struct) -> None:
        """Write down a figure. A disk that is full or read-only costs the next analysis its time, and this one nothing."""
        body = msgspec.json.encode(value)
        if len(body) + _HASH_CHARS > LARGEST_FILE:
            return
        path = self._path(key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
                part = Path(file.name)
                try:
                    file.write(_digest(key, body) + body)
                    file.close()
                    part.rename(path)
                except OSError:
                    part.unlink(missing_ok=True)
                    raise

    def trim(self) -> None:
        """Take away the files that were used longest ago, until the rest fits the bound."""
        found = []
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        room = self._most
        for _, size, path in sorted(found, reverse=True):
            room -= size
            if room < 0:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key[2:]


def key_of(*parts: Sequence[str] | str) -> str:
    """The hash of all that a figure follows from."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def file_hash(source: Path) -> str:
    """SHA-256 of a file's bytes, as they are now. Raises OSError."""
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def build_of(tools: Tools) -> str:
    """Which ffmpeg it is, by its bytes: another build encodes and scores otherwise."""
    return file_hash(Path(tools.ffmpeg))


def _digest(key: str, body: bytes) -> bytes:
    """The key goes in: a file that was moved under another name is not what that name says."""
    return hashlib.sha256(key.encode() + body).hexdigest().encode()


def _checked(key: str, data: bytes) -> bytes:
    body = data[_HASH_CHARS:]
    if len(data) > LARGEST_FILE or data[:_HASH_CHARS] != _digest(key, body):
        raise ValueError
    return body
