"""Curves through measured points that never turn where the points do not, and what is read off them. Pure.

A handful of encodes are measured and all others are read off between them, so the curve may not overshoot: piecewise cubic
Hermite with the slopes of Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 1984), the PCHIP of the Bjøntegaard measure.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise


class Curve:
    """A monotone interpolation through points with rising `xs`. Beyond the ends it has their values."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        """Raises ValueError for fewer than two points, or where the xs do not rise."""
        if len(xs) != len(ys) or len(xs) < 2 or any(after <= before for before, after in pairwise(xs)):
            raise ValueError("a curve needs two points or more, from left to right")
        self._xs, self._ys = tuple(xs), tuple(ys)
        self._slopes = _slopes(self._xs, self._ys)

    def __call__(self, x: float) -> float:
        xs, ys, slopes = self._xs, self._ys, self._slopes
        if x <= xs[0]:
            return ys[0]
        if x >= xs[-1]:
            return ys[-1]
        place = bisect_right(xs, x) - 1
        width = xs[place + 1] - xs[place]
        t = (x - xs[place]) / width
        return (
            (1 + 2 * t) * (1 - t) ** 2 * ys[place]
            + t * (1 - t) ** 2 * width * slopes[place]
            + t * t * (3 - 2 * t) * ys[place + 1]
            + t * t * (t - 1) * width * slopes[place + 1]
        )


def where(curve: Curve, y: float, low: float, high: float) -> float:
    """The x between `low` and `high` at which a rising or falling curve has the value `y`; the nearer end where it never has."""
    rises = curve(high) > curve(low)
    for _ in range(40):
        middle = (low + high) / 2
        if (curve(middle) < y) == rises:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _slopes(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, ...]:
    widths = [after - before for before, after in pairwise(xs)]
    rises = [(after - before) / width for (before, after), width in zip(pairwise(ys), widths, strict=True)]
    if len(rises) == 1:
        return (rises[0], rises[0])
    inner = []
    for (width, after), (rise, next_rise) in zip(pairwise(widths), pairwise(rises), strict=True):
        if rise * next_rise <= 0:
            inner.append(0.0)
        else:
            one, other = 2 * after + width, after + 2 * width
            inner.append((one + other) / (one / rise + other / next_rise))
    first = _end_slope(widths[0], widths[1], rises[0], rises[1])
    last = _end_slope(widths[-1], widths[-2], rises[-1], rises[-2])
    return (first, *inner, last)


def _end_slope(width: float, next_width: float, rise: float, next_rise: float) -> float:
    """A three-point estimate at an end, kept from turning."""
    slope = ((2 * width + next_width) * rise - width * next_rise) / (width + next_width)
    if slope * rise <= 0:
        return 0.0
    return 3 * rise if rise * next_rise < 0 and abs(slope) > 3 * abs(rise) else slope
