"""Which boxes a part of the fleet is: a stable draw, as flagd's fractional evaluation makes it in its second version.

A box's place is (murmur3_32(key) * total weight) >> 32, with seed 0 over the key's UTF-8. So a box keeps its place, raising
a share only adds boxes, and another salt draws anew.
Source: flagd, "Fractional operation", and MurmurHash3_x86_32 by Austin Appleby (public domain).
"""

from typing import Final

ALL_BOXES: Final = 10_000
"""A share of the boxes is in hundredths of a percent."""

_MASK: Final = 0xFFFF_FFFF
_C1, _C2 = 0xCC9E_2D51, 0x1B87_3593


def bucket(salt: str, key: str, total: int) -> int:
    """The place of a key among `total`, 0 to total - 1."""
    return (murmur3_32((salt + key).encode()) * total) >> 32


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """MurmurHash3 in its 32-bit form, unsigned."""
    state = seed
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        state ^= _mixed(int.from_bytes(data[at : at + 4], "little"))
        state = (_rotated(state, 13) * 5 + 0xE654_6B64) & _MASK
    if whole < len(data):
        state ^= _mixed(int.from_bytes(data[whole:], "little"))
    state ^= len(data)
    state = ((state ^ (state >> 16)) * 0x85EB_CA6B) & _MASK
    state = ((state ^ (state >> 13)) * 0xC2B2_AE35) & _MASK
    return state ^ (state >> 16)


def _mixed(word: int) -> int:
    return (_rotated((word * _C1) & _MASK, 15) * _C2) & _MASK


def _rotated(word: int, by: int) -> int:
    return ((word << by) | (word >> (32 - by))) & _MASK
