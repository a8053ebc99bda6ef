"""At how many frames a second a film really runs, as an exact rational.

Headers lie: a Matroska of 60 frames may say 1000, an FLV 1000, a phone says 29.4 because it dropped some in the dark. The
times of the frames themselves decide, the header's figure breaks ties (30 and 30000/1001 differ by a thousandth), and the
answer is one of the rates that screens know, because segments are counted in frames at a rational rate.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from statistics import median

from matinee.base.units import FrameRate

STANDARD_RATES: tuple[FrameRate, ...] = (
    FrameRate(10, 1),
    FrameRate(12, 1),
    FrameRate(25, 2),
    FrameRate(15000, 1001),
    FrameRate(15, 1),
    FrameRate(18, 1),
    FrameRate(20, 1),
    FrameRate(24000, 1001),
    FrameRate(24, 1),
    FrameRate(25, 1),
    FrameRate(30000, 1001),
    FrameRate(30, 1),
    FrameRate(48000, 1001),
    FrameRate(48, 1),
    FrameRate(50, 1),
    FrameRate(60000, 1001),
    FrameRate(60, 1),
    FrameRate(90, 1),
    FrameRate(100, 1),
    FrameRate(120000, 1001),
    FrameRate(120, 1),
    FrameRate(240, 1),
)
_SAME = Fraction(4, 1000)  # two rates this close are one rate, told with rounding
_NEAR = Fraction(3, 100)  # a measured rate this close to a standard one is that one, with jitter
_FASTEST_EVENED = 60
_MAY_BE_LOST = 0.02
_HARDLY = 0.002
_REORDERED = 8
_JITTER_S = 0.0025  # Matroska and FLV round times to a millisecond, at both ends of a gap


def choose_rate(times: Sequence[float], claimed: Sequence[Fraction]) -> tuple[FrameRate, bool]:
    """The film's rate, and whether its frames come unevenly, from presentation times in seconds and what headers claim.

    `claimed` goes from the most to the least trusted. Without two frames the first standard claim holds, else 25. Where frames
    come unevenly, the rate is raised until hardly one of them is lost.
    """
    gaps = _gaps(times)
    rate, uneven = _usual_rate(gaps, claimed)
    return (_keeping(gaps, rate) if uneven else rate), uneven


def _usual_rate(gaps: Sequence[float], claimed: Sequence[Fraction]) -> tuple[FrameRate, bool]:
    if not gaps:
        for claim in claimed:
            found = _standard_within(claim, _SAME)
            if found is not None:
                return found, False
        return FrameRate(25, 1), False
    if _pulled_down(gaps):
        return FrameRate(24000, 1001), False
    typical = median(gaps)
    regular = [gap for gap in gaps if abs(gap - typical) <= max(_JITTER_S, typical * 0.1)]
    uneven = len(gaps) - len(regular) > max(1, len(gaps) // 100)
    mean = sum(regular) / len(regular)
    measured = Fraction(1 / mean).limit_denominator(100_000)
    for claim in claimed:
        standard = _standard_within(claim, _SAME)
        if standard is None:
            continue
        if _close(standard.fraction, measured, _SAME * 2) or (uneven and _fits(gaps, standard)):
            return standard, uneven
    near = _standard_within(measured, _NEAR)
    if near is not None:
        return near, uneven
    above = [rate for rate in STANDARD_RATES if rate.fraction > measured]
    return (above[0] if above else STANDARD_RATES[-1]), True


def lower_to(rate: FrameRate, highest: int) -> FrameRate:
    """Halve a rate until it is at most `highest` frames a second: every second frame is left out, none is blended."""
    num, den = rate.num, rate.den
    while Fraction(num, den) > highest:
        den *= 2
    exact = Fraction(num, den)
    return FrameRate(exact.numerator, exact.denominator)


def double(rate: FrameRate) -> FrameRate:
    """The rate of fields, for interlaced film: 25 frames of two fields become 50 frames."""
    exact = rate.fraction * 2
    return FrameRate(exact.numerator, exact.denominator)


def four_fifths(rate: FrameRate) -> FrameRate:
    """The rate of film within a telecined rate: 30000/1001 frames hold 24000/1001."""
    exact = rate.fraction * Fraction(4, 5)
    return FrameRate(exact.numerator, exact.denominator)


def _gaps(times: Sequence[float]) -> list[float]:
    """The gaps between frames in order of display. The last few frames of a window may have neighbours beyond its end,
    and hidden frames (VP9's alternate references) come within a millisecond or so of the one they serve.
    """
    ordered = sorted(times)
    if len(ordered) > 4 * _REORDERED:
        ordered = ordered[:-_REORDERED]
    return [later - earlier for earlier, later in pairwise(ordered) if later - earlier > 0.0012]


def _keeping(gaps: Sequence[float], rate: FrameRate) -> FrameRate:
    """The rate itself where it loses less than one frame in fifty, else the lowest of its kind that loses hardly more."""
    if _lost(gaps, rate) < _MAY_BE_LOST:
        return rate
    higher = [each for each in STANDARD_RATES if rate.fraction < each.fraction <= _FASTEST_EVENED]
    lost = {each: _lost(gaps, each) for each in [rate, *higher] if (each.den == 1001) == (rate.den == 1001)}
    fewest = min(lost.values())
    return next(each for each, part in lost.items() if part <= fewest + _HARDLY)


def _lost(gaps: Sequence[float], rate: FrameRate) -> float:
    """The part of all frames that share a frame's time with the one before, once each stands on the nearest."""
    places = [round(at * float(rate.fraction)) for at in accumulate(gaps, initial=0.0)]
    return 1 - len(set(places)) / len(places)


def _pulled_down(gaps: Sequence[float]) -> bool:
    """Whether frames are shown for two and three fields of 60000/1001 in turn, as soft telecine's flags ask of a player."""
    field = 1001 / 60000
    long, short = (sum(1 for gap in gaps if abs(gap - fields * field) <= _JITTER_S) for fields in (3, 2))
    return long + short >= len(gaps) * 0.95 and abs(long - short) <= max(1, len(gaps) // 20)


def _fits(gaps: Sequence[float], rate: FrameRate) -> bool:
    """Whether nearly all gaps are whole multiples of a rate's frame, as when frames were dropped from an even film."""
    frame = 1 / float(rate.fraction)
    whole = sum(1 for gap in gaps if abs(gap / frame - round(gap / frame)) * frame <= _JITTER_S and gap > frame / 2)
    return whole >= len(gaps) * 0.9


def _standard_within(rate: Fraction, tolerance: Fraction) -> FrameRate | None:
    nearest = min(STANDARD_RATES, key=lambda standard: abs(standard.fraction - rate))
    return nearest if _close(nearest.fraction, rate, tolerance) else None


def _close(one: Fraction, other: Fraction, tolerance: Fraction) -> bool:
    return abs(one - other) <= tolerance * one
