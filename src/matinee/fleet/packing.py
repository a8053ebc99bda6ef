"""Millions of small records in a few runs of bytes, where a Python object for each would weigh ten times as much.

One thread writes, any number read, and readers take no lock. What makes that safe: a row is copied out, and is replaced, by
one slice of a bytearray, which no other thread of CPython interrupts; texts and added rows never change their place; and what
points at a row is written after the row itself. So a reader sees a row as it was or as it is, never half of each.
"""

import struct
from array import array
from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar

V = TypeVar("V")

NONE: Final = -1
"""The number of no row."""

_FIRST_SLOTS: Final = 1 << 10
_POINTER: Final = struct.Struct("<i")
_LONG: Final = 255
"""In the place of a short text's length: the length follows in four bytes."""


class Rows:
    """Rows of one width, numbered from 0. `form` is what `struct` calls the fields, without alignment: "iq" is 12 bytes."""

    def __init__(self, form: str) -> None:
        self._form = struct.Struct("<" + form)
        self._width = self._form.size
        self._bytes = bytearray()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, *fields: Any) -> int:
        """A new row; its number. Raises struct.error for a field that does not fit, and adds nothing then."""
        self._bytes += self._form.pack(*fields)
        self._count += 1
        return self._count - 1

    def read(self, row: int) -> tuple[Any, ...]:
        """The fields of a row."""
        # Of a copy: bytes that `unpack_from` looks at cannot grow, and a collection in the midst of it may let the writer run.
        begin = row * self._width
        return self._form.unpack(self._bytes[begin : begin + self._width])

    def write(self, row: int, *fields: Any) -> None:
        """Replace a row at once. Raises struct.error for a field that does not fit, and changes nothing then."""
        # Packed apart: `pack_into` would leave half a row where a field does not fit.
        begin = row * self._width
        self._bytes[begin : begin + self._width] = self._form.pack(*fields)

    def pointer(self, row: int, last: int) -> int:
        """One of the numbers that end a row: -1 is the last one. They are "i" in the row's form."""
        end = (row + 1) * self._width + 4 * last
        return int.from_bytes(self._bytes[end : end + 4], "little", signed=True)

    def point(self, row: int, last: int, number: int) -> None:
        """Replace one of the numbers that end a row at once."""
        end = (row + 1) * self._width + 4 * last
        self._bytes[end : end + 4] = _POINTER.pack(number)

    @property
    def weight(self) -> int:
        """Bytes in use."""
        return len(self._bytes)


class KeyedRows(Rows):
    """Rows that begin with a key of their own, which `find` looks up. Keys must be random in their first eight bytes.

    A table of row numbers with open addressing, at most two thirds full: some 8 bytes for each row.
    """

    def __init__(self, key_bytes: int, form: str) -> None:
        super().__init__(f"{key_bytes}s{form}")
        self._key_bytes = key_bytes
        self._slots = array("i", [NONE]) * _FIRST_SLOTS

    def find(self, key: bytes) -> int:
        """The number of the row of that key, NONE where there is none."""
        slots, data, width, size = self._slots, self._bytes, self._width, self._key_bytes
        mask = len(slots) - 1
        place = int.from_bytes(key[:8]) & mask
        while (row := slots[place]) != NONE:
            begin = row * width
            if data[begin : begin + size] == key:
                return row
            place = (place + 1) & mask
        return NONE

    def add(self, *fields: Any) -> int:
        """A new row, whose key, the first field, no row has yet; its number."""
        if 3 * self._count >= 2 * len(self._slots):
            self._widen()
        row = super().add(*fields)
        _settle(self._slots, fields[0], row)
        return row

    def _widen(self) -> None:
        slots = array("i", [NONE]) * (2 * len(self._slots))
        for row in range(self._count):
            begin = row * self._width
            _settle(slots, self._bytes[begin : begin + 8], row)
        self._slots = slots  # whole at once, for those who are looking something up

    @property
    def weight(self) -> int:
        """Bytes in use, with the table's."""
        return len(self._bytes) + self._slots.itemsize * len(self._slots)


def _settle(slots: "array[int]", key: bytes | bytearray, row: int) -> None:
    mask = len(slots) - 1
    place = int.from_bytes(key[:8]) & mask
    while slots[place] != NONE:
        place = (place + 1) & mask
    slots[place] = row


class Texts:
    """Byte strings one after the other, of 4 GB together. Each keeps its place for ever; 0 is the place of the empty one."""

    def __init__(self) -> None:
        self._bytes = bytearray(1)

    def add(self, text: bytes) -> int:
        """Keep a text; its place. Raises struct.error where 4 GB are full."""
        if not text:
            return 0
        place = len(self._bytes)
        struct.pack("<I", place)  # rows hold places in four bytes
        self._bytes += (bytes((len(text),)) if len(text) < _LONG else struct.pack("<BI", _LONG, len(text))) + text
        return place

    def read(self, place: int) -> bytes:
        """The text at a place."""
        length = self._bytes[place]
        begin = place + 1
        if length == _LONG:
            (length,) = struct.unpack("<I", self._bytes[begin : begin + 4])
            begin += 4
        return bytes(self._bytes[begin : begin + length])

    @property
    def weight(self) -> int:
        """Bytes in use."""
        return len(self._bytes)


class Interned(Generic[V]):
    """Few values that many rows share, each under a small number."""

    def __init__(self) -> None:
        self._values: list[V] = []
        self._numbers: dict[V, int] = {}

    def number(self, value: V) -> int:
        """The number of a value, from 0 on, given to it for ever the first time."""
        number = self._numbers.get(value)
        if number is None:
            number = len(self._values)
            self._values.append(value)
            self._numbers[value] = number
        return number

    def __iter__(self) -> Iterator[V]:
        """The values by their numbers."""
        return iter(self._values)

    def value(self, number: int) -> V:
        """The value of a number. Raises IndexError for a number that was not given."""
        return self._values[number]
