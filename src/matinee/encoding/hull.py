"""From measured encodes to the rungs worth having: for each step of quality, the frame size that costs the fewest bits. Pure.

For one frame size, bits and quality both fall as CRF rises; a smaller frame has fewer bits at the same CRF, and a ceiling that no
bitrate lifts. The hull is the upper edge of all sizes' curves together (de Cock and others, "Complexity-based consistent-quality
encoding in the cloud", ICIP 2016). Rungs are read off it from the top down, some six points apart: what a viewer just notices.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby

from matinee.base.units import BitsPerSecond, Pixels
from matinee.encoding.curves import Curve, where
from matinee.encoding.measured import Measured
from matinee.encoding.model import Choice

TOP_SCORE = 95.0
STEP = 6.0
FLOOR_RATE = BitsPerSecond(170_000)
"""With the ladder's 128 kbit/s of sound, what still plays on 0.3 Mb/s."""
MOST_RUNGS = 9
LEAST_RATIO = 1.25
"""A rung that saves less than a fifth of the bits of the one above earns nothing."""
_STEP_CRF = 0.25
_STEP_TOP = 0.25


class SizeCurve:
    """What one frame size gives and costs at any CRF between the measured ones."""

    def __init__(self, points: Sequence[Measured]) -> None:
        ordered = sorted(points, key=lambda point: point.crf)
        crfs = [point.crf for point in ordered]
        self.width, self.height, self.coding = ordered[0].width, ordered[0].height, ordered[0].coding
        self.low, self.high = crfs[0], crfs[-1]
        # Of a picture without detail a worse encode may score a hair better, which is noise.
        self._rate = Curve(crfs, list(accumulate((math.log2(point.bitrate) for point in ordered), min)))
        self._score = Curve(crfs, list(accumulate((point.score for point in ordered), min)))

    def rate(self, crf: float) -> float:
        """Bits a second."""
        return float(2 ** self._rate(crf))

    def score(self, crf: float) -> float:
        """VMAF, 0 to 100."""
        return self._score(crf)

    def crf_for(self, score: float) -> float | None:
        """The highest CRF, in quarters, that gives at least this score; None where the lowest measured one does not."""
        if score > self.score(self.low):
            return None
        crf = where(self._score, score, self.low, self.high)
        return max(self.low, math.floor(crf / _STEP_CRF) * _STEP_CRF)


def size_curves(points: Iterable[Measured]) -> list[SizeCurve]:
    """A curve for each frame size that was measured at two CRFs or more, tallest first."""
    ordered = sorted(points, key=lambda point: (-point.height, point.crf))
    groups = [list(group) for _, group in groupby(ordered, key=lambda point: point.height)]
    return [SizeCurve(group) for group in groups if len(group) > 1]


def choose_rungs(points: Iterable[Measured], beside: Choice | None = None) -> tuple[Choice, ...]:
    """The rungs of a film in the coding of its points, best first; fewer bits and less quality at each step.

    `beside` is the best rung of an older coding: none here costs more than it, or is better. Empty where nothing was measured.
    """
    curves = size_curves(points)
    if not curves:
        return ()
    chosen: list[Choice] = []
    score = _top(curves, beside)
    while not chosen or (len(chosen) < MOST_RUNGS - 1 and score > 0):
        best = cheapest(curves, score)
        if not chosen or chosen[-1].bitrate >= best.bitrate * LEAST_RATIO:
            chosen.append(best)
            if best.bitrate <= FLOOR_RATE:
                return tuple(chosen)
        score -= STEP
    floor = _floor(curves, chosen[-1])
    return (*chosen, floor) if floor is not None else tuple(chosen)


def _top(curves: Sequence[SizeCurve], beside: Choice | None) -> float:
    """The score of the best rung. Near to what a frame size can give at all, a hair more costs as much as all below it."""
    score = min(TOP_SCORE, max(curve.score(curve.low) for curve in curves))
    if beside is None:
        return score
    score = min(score, beside.score)
    while score > 0 and cheapest(curves, score).bitrate > beside.bitrate:
        score -= _STEP_TOP
    return score


def cheapest(curves: Sequence[SizeCurve], score: float) -> Choice:
    """The frame size and CRF that give at least a score, which one of them must reach, with the fewest bits."""
    reaching = ((curve, crf) for curve in curves if (crf := curve.crf_for(score)) is not None)
    curve, crf = min(reaching, key=lambda one: (one[0].rate(one[1]), -one[0].height))
    return _choice(curve, crf)


def _floor(curves: Sequence[SizeCurve], last: Choice) -> Choice | None:
    """One rung more that plays on a thin line, where those above are too wide for it: the best picture within the rate."""
    fitting = [(curve, crf) for curve in curves if (crf := _crf_within(curve, FLOOR_RATE)) is not None]
    if not fitting:
        fitting = [(curves[-1], curves[-1].high)]
    found = _choice(*max(fitting, key=lambda one: one[0].score(one[1])))
    return found if found.score < last.score and last.bitrate >= found.bitrate * LEAST_RATIO else None


def _crf_within(curve: SizeCurve, rate: float) -> float | None:
    """The lowest CRF, in quarters from the highest measured one down, that stays within a rate; None where that one does not."""
    crf = curve.high
    if curve.rate(crf) > rate:
        return None
    while crf - _STEP_CRF >= curve.low and curve.rate(crf - _STEP_CRF) <= rate:
        crf -= _STEP_CRF
    return crf


def _choice(curve: SizeCurve, crf: float) -> Choice:
    return Choice(
        width=Pixels(curve.width),
        height=Pixels(curve.height),
        crf=crf,
        bitrate=BitsPerSecond(round(curve.rate(crf))),
        score=round(curve.score(crf), 2),
        coding=curve.coding,
    )
