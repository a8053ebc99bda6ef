"""A strict reader of the little CBOR that tokens are made of.

Tokens come from outside, and a lenient reader is a way in: cbor2 keeps the last of two equal map keys, follows shared references
and reads without limit of depth. This one refuses duplicate keys, indefinite lengths, trailing bytes, depth, and every type that
no token needs. It is slower than cbor2's C reader; an edge reads each token once and remembers it.
"""

import math
import struct
from typing import TypeAlias

MAX_DEPTH = 8
MAX_ITEMS = 256

Key: TypeAlias = int | str | bytes
Value: TypeAlias = "int | float | str | bytes | bool | list[Value] | dict[Key, Value] | Tagged | None"

_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_SIMPLE: dict[int, bool | None] = {20: False, 21: True, 22: None}


class Tagged:
    """A value with a CBOR tag around it."""

    __slots__ = ("tag", "value")

    def __init__(self, tag: int, value: "Value") -> None:
        self.tag = tag
        self.value = value


def read_cbor(data: bytes) -> Value:
    """The one value that these bytes are. Raises ValueError, and no other error, for anything else."""
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        raise ValueError("bytes after the value")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise ValueError("ends too early")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise ValueError("indefinite or reserved length")
        return int.from_bytes(self.take(1 << (info - 24)), "big")

    def value(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise ValueError("too deep")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            return self.simple(info)
        number = self.argument(info)
        match major:
            case 0:
                return number
            case 1:
                return -1 - number
            case 2:
                return self.take(number)
            case 3:
                return self.take(number).decode("utf-8")  # UnicodeDecodeError is a ValueError
            case 4:
                return [self.value(depth + 1) for _ in range(_bounded(number))]
            case 5:
                return self.map(_bounded(number), depth)
            case _:
                return Tagged(number, self.value(depth + 1))

    def map(self, count: int, depth: int) -> dict[Key, Value]:
        pairs: dict[Key, Value] = {}
        for _ in range(count):
            key = self.value(depth + 1)
            if isinstance(key, bool) or not isinstance(key, int | str | bytes):
                raise ValueError("a map's key is a number or a string")
            if key in pairs:
                raise ValueError("the same key twice")
            pairs[key] = self.value(depth + 1)
        return pairs

    def simple(self, info: int) -> float | bool | None:
        if info in _FLOATS:
            form, size = _FLOATS[info]
            number = float(struct.unpack(form, self.take(size))[0])
            if not math.isfinite(number):
                raise ValueError("a number that is not finite")
            return number
        if info not in _SIMPLE:
            raise ValueError("a simple value of no use here")
        return _SIMPLE[info]


def _bounded(count: int) -> int:
    if count > MAX_ITEMS:
        raise ValueError("too many items")
    return count
