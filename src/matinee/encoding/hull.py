"""From measured encodes to the rungs worth having: for each step of quality, the frame size that costs the fewest bits. Pure.

For one frame size, bits and quality both fall as CRF rises; a smaller frame has fewer bits at the same CRF, and a ceiling that no
bitrate lifts. The hull is the upper edge of all sizes' curves together (de Cock and others, "Complexity-based consistent-quality
encoding in the cloud", ICIP 2016). Rungs are read off it from the top down, some six points apart: what a viewer just notices.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from matinee.base.units import BitsPerSecond, Pixels
from matinee.encoding.curves import Curve, where
from matinee.encoding.measured import Measured
from matinee.encoding.model import Choice

TOP_SCORE = 95.0
STEP = 6.0
FLOOR_RATE = BitsPerSecond(250_000)
"""With 48 kbit/s of sound, what still plays on 0.3 Mb/s."""
MOST_RUNGS = 9
LEAST_RATIO = 1.25
"""A rung that saves less than a fifth of the bits of the one above earns nothing."""
_BEST_CRF, _STEP_CRF = 16.0, 0.25


class SizeCurve:
    """What one frame size gives and costs at any CRF between the measured ones."""

    def __init__(self, points: Sequence[Measured]) -> None:
        ordered = sorted(points, key=lambda point: point.crf)
        crfs = [point.crf for point in ordered]
        self.width, self.height = ordered[0].width, ordered[0].height
        self.low, self.high = crfs[0], crfs[-1]
        self._rate = Curve(crfs, [math.log2(point.bitrate) for point in ordered])
        self._score = Curve(crfs, [point.score for point in ordered])

    def rate(self, crf: float) -> float:
        """Bits a second."""
        return float(2 ** self._rate(crf))

    def score(self, crf: float) -> float:
        """VMAF, 0 to 100: past the measured ends a line, which may leave that range."""
        return min(100.0, max(0.0, self._score(crf)))

    def crf_for(self, score: float) -> float | None:
        """The CRF, in quarters, that gives at least this score; None where none between the measured ones does."""
        if score > self.score(self.low):
            return None
        crf = where(self._score, score, self.low, self.high)
        return max(self.low, math.floor(crf / _STEP_CRF) * _STEP_CRF)


def size_curves(points: Iterable[Measured]) -> list[SizeCurve]:
    """A curve for each frame size that was measured at two CRFs or more, tallest first."""
    ordered = sorted(points, key=lambda point: (-point.height, point.crf))
    groups = [list(group) for _, group in groupby(ordered, key=lambda point: point.height)]
    return [SizeCurve(group) for group in groups if len(group) > 1]


def choose_rungs(points: Iterable[Measured]) -> tuple[Choice, ...]:
    """The rungs of a film, best first; fewer bits and less quality at each step. Empty where nothing was measured."""
    curves = size_curves(points)
    if not curves:
        return ()
    top = min(TOP_SCORE, max(curve.score(curve.low) for curve in curves))
    chosen: list[Choice] = []
    score = top
    while len(chosen) < MOST_RUNGS and score > 0:
        best = cheapest(curves, score)
        if best is None:
            break
        if not chosen or chosen[-1].bitrate >= best.bitrate * LEAST_RATIO:
            chosen.append(best)
            if best.bitrate <= FLOOR_RATE:
                return tuple(chosen)
        score -= STEP
    floor = _floor(curves, chosen[-1] if chosen else None)
    return (*chosen, floor) if floor is not None else tuple(chosen)


def cheapest(curves: Sequence[SizeCurve], score: float) -> Choice | None:
    """The frame size and CRF that give a score with the fewest bits; None where no size reaches it or all are above it."""
    found = []
    for curve in curves:
        crf = curve.crf_for(score)
        if crf is not None and curve.score(curve.high) <= score:
            found.append((curve.rate(crf), curve, crf))
    if not found:
        return None
    rate, curve, crf = min(found, key=lambda one: (one[0], -one[1].height))
    return _choice(curve, crf, rate)


def _floor(curves: Sequence[SizeCurve], last: Choice | None) -> Choice | None:
    """One rung more that plays on a thin line, where those above are too wide for it: the best picture within the rate."""
    if last is None or last.bitrate <= FLOOR_RATE:
        return None
    fitting = []
    for curve in curves:
        crf = curve.high
        if curve.rate(crf) > FLOOR_RATE:
            continue
        while crf - _STEP_CRF >= curve.low and curve.rate(crf - _STEP_CRF) <= FLOOR_RATE:
            crf -= _STEP_CRF
        fitting.append((curve.score(crf), curve, crf))
    if not fitting:
        smallest = curves[-1]
        fitting = [(smallest.score(smallest.high), smallest, smallest.high)]
    score, curve, crf = max(fitting, key=lambda one: one[0])
    rate = curve.rate(crf)
    return _choice(curve, crf, rate) if score < last.score and last.bitrate >= rate * LEAST_RATIO else None


def _choice(curve: SizeCurve, crf: float, rate: float) -> Choice:
    return Choice(
        width=Pixels(curve.width),
        height=Pixels(curve.height),
        crf=crf,
        bitrate=BitsPerSecond(round(rate)),
        score=round(curve.score(crf), 2),
    )
