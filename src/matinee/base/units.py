"""What a number means, named. Signatures say DurationMs or BitsPerSecond, never int."""

from dataclasses import dataclass
from fractions import Fraction
from typing import NewType

DurationMs = NewType("DurationMs", int)
PositionMs = NewType("PositionMs", int)
BitsPerSecond = NewType("BitsPerSecond", int)
Bytes = NewType("Bytes", int)
Pixels = NewType("Pixels", int)
Hertz = NewType("Hertz", int)
Lufs = NewType("Lufs", float)


@dataclass(frozen=True, slots=True, order=True)
class FrameRate:
    """Frames per second as a rational: 24000/1001 is exact, 23.976 is not."""

    num: int
    den: int

    def __post_init__(self) -> None:
        if self.num <= 0 or self.den <= 0:
            raise ValueError(f"a frame rate is positive, not {self.num}/{self.den}")

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.num, self.den)

    def frames_in(self, seconds: Fraction) -> int:
        """Whole frames nearest to a time, for instance the length of a segment: 2 s at 24000/1001 are 48 frames."""
        return round(seconds * self.fraction)

    def __str__(self) -> str:
        return f"{self.num}/{self.den}"
