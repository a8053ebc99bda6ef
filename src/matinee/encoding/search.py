"""Where an analysis looks next. Pure.

    first look: each frame size at a few qualities  ->  rungs  ->  the same rungs again, held to their peaks: what they will be

A rung that may not spend more than a peak is smaller and worse, where the film is hard, than its quality alone says. How much so
hangs on the film, and is measured, not reckoned: the second look encodes the chosen rungs as they will be delivered.

AV1 is looked at where H.264's rungs lie: only at the frame sizes that earned one there, and only about as good.
"""

from collections.abc import Sequence
from itertools import groupby, islice

import msgspec

from matinee.base.units import BitsPerSecond, FrameRate, Pixels
from matinee.encoding.hull import LEAST_RATIO
from matinee.encoding.ladder import PEAK_OVER_MEAN
from matinee.encoding.measured import Measured, Point, Sample, Stretch
from matinee.encoding.model import Choice, Coding

CRFS = ((17.0, 25.0, 34.0), (24.0, 33.0), (26.0, 34.0))
"""H.264's first look: from the film's own size down, the last for all smaller ones. What a small frame gives at a high quality is
never on the hull, and would cost an encode and a score all the same."""
AV1_LOWEST, AV1_HIGHEST = 12.0, 62.0
"""Below, AV1 takes more bits than H.264's best rung, and an encode of it more time than any other."""
_BESIDE, _ABOVE_BEST = 3.0, 1.0
"""How far beyond H.264's rungs of a size AV1 is looked at, in CRF of H.264; less beyond the best of all."""
_WIDE = 24.0
"""In CRF of AV1: farther apart, two points leave too much between them."""
_SEGMENT_OVER_PEAK = 1.25
"""A segment of two seconds may hold its two seconds at the peak, and half a second's buffer on top."""
_LEAST_HELD = 0.75
"""Of the mean without a peak. A film that is black for half of its length would be starved in the other half without it."""
_WORTH_KEEPING = LEAST_RATIO * 0.92
"""Of what was chosen at `LEAST_RATIO`, once it is known better."""

Sizes = Sequence[tuple[Pixels, Pixels]]


def first_points(sizes: Sizes) -> tuple[Point, ...]:
    """H.264's first look at each frame size, tallest first."""
    return tuple(
        point_of(Coding.H264, width, height, crf)
        for place, (width, height) in enumerate(sizes)
        for crf in CRFS[min(place, len(CRFS) - 1)]
    )


def beside(chosen: Sequence[Choice]) -> tuple[Point, ...]:
    """AV1's first look, by the rungs that H.264 was given."""
    points = []
    for place, (_, group) in enumerate(groupby(chosen, key=lambda one: (one.width, one.height))):
        rungs = list(group)
        crfs = [rung.crf for rung in rungs]
        low, high = (_in_av1(crf) for crf in (min(crfs) - (_BESIDE if place else _ABOVE_BEST), max(crfs) + _BESIDE))
        middle = [round((low + high) / 2)] if high - low > _WIDE else []
        points += [point_of(Coding.AV1, rungs[0].width, rungs[0].height, crf) for crf in (low, *middle, high)]
    return tuple({(one.height, one.crf): one for one in points}.values())


def _in_av1(crf: float) -> float:
    """About the CRF of SVT-AV1 at which a picture looks as one of x264 does. It need not be exact: it says where to look."""
    return float(min(AV1_HIGHEST, max(AV1_LOWEST, round(2.8 * crf - 40))))


def point_of(coding: Coding, width: Pixels, height: Pixels, crf: float, peak: BitsPerSecond | None = None) -> Point:
    name = f"{'p' if peak is None else 'h'}_{coding.value}_{height}_{crf:g}".replace(".", "_")
    return Point(name=name, path=f"{name}.mp4", width=width, height=height, crf=crf, coding=coding, peak=peak)


def held(choices: Sequence[Choice]) -> tuple[Point, ...]:
    """The rungs as they will be encoded, held to their peaks."""
    return tuple(point_of(one.coding, one.width, one.height, one.crf, one.peak) for one in choices)


def with_peak(
    choice: Choice, near: Sample, near_rate: BitsPerSecond, stretches: Sequence[Stretch], step: int, rate: FrameRate
) -> Choice:
    """The choice with the peak that it is held to: a share over the mean that is left when no segment is above twice of it.

    `near` is a measured encode of the same frame size, and `near_rate` its mean: the film's hard parts are about as much harder
    than its mean at the chosen quality as there.
    """
    groups = [(share, bits * choice.bitrate / near_rate) for share, bits in group_rates(near, stretches, step, rate)]
    mean = held_mean(groups)
    return msgspec.structs.replace(choice, peak=BitsPerSecond(max(1, round(mean * PEAK_OVER_MEAN))))


def held_mean(groups: Sequence[tuple[float, float]]) -> float:
    """The mean of rates (each with its share of the film) that are cut off at what a segment may take of that very mean."""
    plain = sum(share * bits for share, bits in groups)
    mean = plain
    for _ in range(20):
        most = mean * float(PEAK_OVER_MEAN) * _SEGMENT_OVER_PEAK
        mean = max(plain * _LEAST_HELD, sum(share * min(bits, most) for share, bits in groups))
    return mean


def group_rates(sample: Sample, stretches: Sequence[Stretch], step: int, rate: FrameRate) -> list[tuple[float, float]]:
    """For each group of pictures, of `step` frames: the share of the film for which it speaks, and its bits a second there.

    What is shorter at a stretch's end counts with the group before it: one picture alone is no rate.
    """
    sizes = iter(sample.groups)
    found = []
    for one in stretches:
        mine = list(islice(sizes, -(-one.frames // step)))
        whole = max(1, one.frames // step)
        mine = [*mine[: whole - 1], sum(mine[whole - 1 :])]
        for number, size in enumerate(mine, start=1):
            frames = step if number < whole else one.frames - step * (whole - 1)
            found.append((one.weight * frames / one.frames, size * 8 * one.scale / frames * float(rate.fraction)))
    return found


def measured_as(point: Point, sample: Sample, stretches: Sequence[Stretch], step: int, rate: FrameRate) -> Measured:
    """One encode of the reel as it speaks for the whole film: each stretch for its group."""
    bits = sum(share * rate_there for share, rate_there in group_rates(sample, stretches, step, rate))
    return Measured(
        width=point.width,
        height=point.height,
        crf=point.crf,
        bitrate=BitsPerSecond(max(1, round(bits))),
        score=_weighted(sample.scores, stretches),
        coding=point.coding,
        peak=point.peak,
        older_score=_weighted(sample.older, stretches) if sample.older else None,
    )


def settled(choices: Sequence[Choice], seen: Sequence[Measured], coding: Coding) -> tuple[Choice, ...]:
    """A coding's rungs with what the second look found of each, without those that then earn nothing beside the one above."""
    kept: list[Choice] = []
    for choice, found in zip(choices, seen, strict=True):
        now = msgspec.structs.replace(choice, bitrate=found.bitrate, score=round(found.score, 2))
        if choice.coding is coding and (not kept or _goes_down(kept[-1], now)):
            kept.append(now)
    return tuple(kept)


def _goes_down(above: Choice, below: Choice) -> bool:
    return above.bitrate >= below.bitrate * _WORTH_KEEPING and above.score > below.score


def _weighted(scores: Sequence[float], stretches: Sequence[Stretch]) -> float:
    return round(sum(one.weight * score for one, score in zip(stretches, scores, strict=True)), 3)
