"""Where a film is cut for encoding: chunks of half a minute or so, each a whole number of segments. Pure.

Every segment begins with a frame that needs none before it, wherever a shot begins; so a cut between any two segments costs a
viewer nothing, and chunks are cut evenly. Frames are counted after they were evened out to the film's rate.
"""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction

import msgspec

from matinee.encoding.command import most_frames
from matinee.encoding.model import EncodePlan
from matinee.encoding.rules import chunkable


class Chunk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The frames of a film from `start` up to, not including, `end`. The last one's end is beyond the film's.

    It is `sought` where the reader jumps to it; else the film is decoded from its beginning, which is always exact.
    """

    start: int
    end: int
    sought: bool = True


class PartKind(StrEnum):
    """What one piece of encoding work makes."""

    WHOLE = "whole"  # of a short film: all of it in one run
    REST = "rest"  # of a film in chunks: sound, text, pictures, and a checksum of each frame
    CHUNK = "chunk"  # all rungs of one chunk


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One piece of the work on a film, which any worker can do that reads the film."""

    kind: PartKind
    chunk: Chunk | None = None

    @property
    def name(self) -> str:
        return self.kind if self.chunk is None else f"{self.kind} {self.chunk.start}-{self.chunk.end}"


WHOLE, REST = Part(kind=PartKind.WHOLE), Part(kind=PartKind.REST)


class Cutting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chunks of a film; `why` says why it is one alone, and is empty where it is several."""

    chunks: tuple[Chunk, ...]
    why: str = ""


def cut(plan: EncodePlan) -> Cutting:
    """Chunks of equal length, but for the last, near to what the plan asks for; never shorter than it."""
    if plan.promised_ms is None:
        return Cutting(chunks=(), why="its container does not say how long it is")
    if not chunkable(plan.source):
        return Cutting(chunks=(), why="its frames are counted in cycles from its beginning")
    frames = round(plan.promised_ms * plan.rate.fraction / 1000)
    segments = -(-frames // plan.segment_frames)
    wanted = max(1, plan.rate.frames_in(Fraction(plan.chunk_ms, 1000)) // plan.segment_frames)
    count = frames // (wanted * plan.segment_frames)
    if count < 2:
        return Cutting(chunks=(), why="it is shorter than two chunks")
    starts = [number * plan.segment_frames for number in range(0, segments, -(-segments // count))]
    ends = [*starts[1:], most_frames(plan.promised_ms, plan.rate)]
    return Cutting(chunks=tuple(Chunk(start=start, end=end) for start, end in zip(starts, ends, strict=True)))


def parts_of(cutting: Cutting) -> list[Part]:
    """All the work on a film, as it is begun."""
    chunks = [Part(kind=PartKind.CHUNK, chunk=chunk) for chunk in cutting.chunks]
    return [REST, *chunks] if chunks else [WHOLE]


def differing(chunks: Sequence[Chunk], made: Sequence[Sequence[str]], whole: Sequence[str]) -> list[Chunk]:
    """The chunks whose frames are not those of the one decode from the beginning, by their checksums."""
    return [chunk for chunk, mine in zip(chunks, made, strict=True) if list(mine) != list(whole[chunk.start : chunk.end])]


def from_the_beginning(chunks: Sequence[Chunk]) -> list[Chunk]:
    """What is made instead of chunks that differed: neighbours as one, decoded from the film's beginning."""
    merged: list[Chunk] = []
    for chunk in chunks:
        if merged and merged[-1].end == chunk.start:
            merged[-1] = Chunk(start=merged[-1].start, end=chunk.end, sought=False)
        else:
            merged.append(Chunk(start=chunk.start, end=chunk.end, sought=False))
    return merged
