"""Acoustic fingerprints of two films compared: the longest stretch that both of them sound.

Chromaprint turns sound into words of 32 bits, one each 124 ms, each over 2.6 s. The same music, coded by another encoder or at
another level, gives words that differ in two or three bits; other music differs in about fifteen. Two films share a stretch where
words stay alike along one diagonal: at the same distance in time, whatever that distance is.
"""

import msgspec
import numpy as np

from matinee.base.units import DurationMs, PositionMs

WORD_MS = 1000 * 1365 / 11025
"""From one word to the next: 4096 samples at 11,025 Hz of which two thirds overlap (Chromaprint's algorithm 1)."""
WINDOW_WORDS = 16
"""What is alike is judged two seconds at a time: a single word may be alike by chance."""
ALIKE_BITS = 5.0
"""Of 32, on average over a window. The same music measured 0.3 to 4, other music 6.9 at the least of half a million windows."""
EDGE_BITS = 4
"""The first and the last word of a common stretch differ in no more: those that reach beyond it differ in more and more."""
BEGINS_AFTER_MS, ENDS_AFTER_MS = 120, 2_100
"""From the time of the first word, and of the last one, to where the common sound begins and ends; measured."""
LEAST_VARIETY = 0.25
"""Words that differ, of all words of a stretch: silence, a hum and a test tone say one word over and over."""


class SoundPrint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fingerprint of a part of a film: words of 32 bits, little-endian, the first of them at `start_ms`."""

    start_ms: PositionMs
    words: bytes

    @property
    def end_ms(self) -> PositionMs:
        return PositionMs(round(self.start_ms + len(self.words) // 4 * WORD_MS + ENDS_AFTER_MS))


class Stretch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a film."""

    start_ms: PositionMs
    end_ms: PositionMs

    @property
    def length_ms(self) -> DurationMs:
        return DurationMs(self.end_ms - self.start_ms)


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch that two films share, as it lies in each of them."""

    first: Stretch
    second: Stretch


def common_stretch(first: SoundPrint, second: SoundPrint) -> Common | None:
    """The longest stretch that both sound; None where there is none of two seconds and a half.

    The cost is that of the diagonals: ten minutes against ten minutes take half a second.
    """
    one, other = _words(first), _words(second)
    best = (0, 0, 0)  # words, where in one, where in the other
    for shift in range(WINDOW_WORDS - len(other), len(one) - WINDOW_WORDS + 1):
        begin, end = max(0, shift), min(len(one), len(other) + shift)
        bits = np.bitwise_count(one[begin:end] ^ other[begin - shift : end - shift])
        length, at = _longest_run(bits)
        if length > best[0] and _varies(one[begin + at : begin + at + length]):
            best = (length, begin + at, begin + at - shift)
    length, at, there = best
    if not length:
        return None
    return Common(first=_stretch(first, at, length), second=_stretch(second, there, length))


def _words(printed: SoundPrint) -> "np.ndarray":
    return np.frombuffer(printed.words[: len(printed.words) // 4 * 4], dtype="<u4")


def _longest_run(bits: "np.ndarray") -> tuple[int, int]:
    """Words of the longest run of windows that are alike, and where it begins; (0, 0) where none is."""
    sums = np.cumsum(np.concatenate(([0], bits)))
    alike = sums[WINDOW_WORDS:] - sums[:-WINDOW_WORDS] <= ALIKE_BITS * WINDOW_WORDS
    if not alike.any():
        return 0, 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], alike.astype(np.int8), [0]))))
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    begin, end = int(starts[longest]), int(ends[longest]) + WINDOW_WORDS - 1
    near = bits[begin:end] <= EDGE_BITS
    pairs = np.flatnonzero(near[1:] & near[:-1])  # one word by itself may be near by chance
    if not pairs.size:
        return 0, 0
    return int(pairs[-1] - pairs[0]) + 2, begin + int(pairs[0])


def _varies(words: "np.ndarray") -> bool:
    return len(np.unique(words)) >= LEAST_VARIETY * len(words)


def _stretch(printed: SoundPrint, at: int, length: int) -> Stretch:
    begin = printed.start_ms + at * WORD_MS + BEGINS_AFTER_MS
    end = printed.start_ms + (at + length - 1) * WORD_MS + ENDS_AFTER_MS
    return Stretch(start_ms=PositionMs(round(begin)), end_ms=PositionMs(round(end)))
