"""The qualities that films are offered in, as data, and how they apply to one film's shape.

A ladder is named, because a package says by which one it was made. Where it measures, `analysis.py` finds for each film the rungs
worth having. Bitrates of the fixed one sit between Apple's authoring table and what x264
needs at this preset; the peak is 1.5 times the mean, which with a buffer of half a second's peak keeps each two-second
segment below twice the mean, as the HLS authoring rules ask. Each rung has one encoder thread: with two, x264 under a bound on
its buffer writes other bytes on each run, and the rungs of one film keep the cores busy anyway (docs/decisions/0004).
"""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.units import BitsPerSecond, DurationMs, FrameRate, Pixels
from matinee.encoding.model import Choice, Ladder, Rung, VideoPlan


def _rung(width: int, height: int, kbit: int) -> Rung:
    return Rung(
        width=Pixels(width),
        height=Pixels(height),
        bitrate=BitsPerSecond(kbit * 1000),
        max_bitrate=BitsPerSecond(kbit * 1500),
        threads=1,
    )


FIXED_V1 = Ladder(
    name="fixed-v1",
    rungs=(
        _rung(1920, 1080, 5000),
        _rung(1280, 720, 2600),
        _rung(960, 540, 1500),
        _rung(640, 360, 700),
        _rung(416, 234, 300),
    ),
    preset="veryfast",
    segment_ms=DurationMs(2000),
    max_rate=60,
    high_rate_percent=140,
    audio_bitrate=BitsPerSecond(128_000),
)

PER_TITLE_V1 = msgspec.structs.replace(FIXED_V1, name="per-title-v1", preset="medium", measures=True)
"""The rungs are chosen for each film from what an analysis measured of it; those here say at which frame sizes it looks."""

BUILT_IN = {ladder.name: ladder for ladder in (FIXED_V1, PER_TITLE_V1)}

PEAK_OVER_MEAN = 2
"""Of a rung that holds a quality; its buffer is one second of the peak (docs/decisions/0018 says what that leaves open)."""
_SMALLEST_SIDE = 16
_WORTH_KEEPING = Fraction(23, 20)  # a rung needs 15 % less height than the one above, or it is only a copy of it

# H.264 Annex A, table A-1: macroblocks a second, macroblocks a frame, decoded picture buffer in macroblocks, and the
# bitrate of High profile (1.25 x that of Main) in kbit/s.
_LEVELS: tuple[tuple[str, int, int, int, int], ...] = (
    ("1.3", 11_880, 396, 2_376, 960),
    ("2.1", 19_800, 792, 4_752, 5_000),
    ("3.0", 40_500, 1_620, 8_100, 12_500),
    ("3.1", 108_000, 3_600, 18_000, 17_500),
    ("3.2", 216_000, 5_120, 20_480, 25_000),
    ("4.0", 245_760, 8_192, 32_768, 25_000),
    ("4.2", 522_240, 8_704, 34_816, 62_500),
    ("5.1", 983_040, 36_864, 184_320, 300_000),
    ("5.2", 2_073_600, 36_864, 184_320, 300_000),
)
_REFERENCES = 4


def load_ladder(text: bytes) -> Ladder:
    """A ladder from JSON of the shape of `Ladder`. Raises MatineeError (setting_invalid) that names the field."""
    try:
        ladder = msgspec.json.decode(text, type=Ladder)
    except msgspec.DecodeError as error:
        raise MatineeError(
            f"The ladder cannot be read: {error}.", remedy="See the fields of Ladder.", code=ErrorCode.SETTING_INVALID
        ) from error
    heights = [rung.height for rung in ladder.rungs]
    if not heights or heights != sorted(set(heights), reverse=True):
        raise MatineeError(
            f"The ladder {ladder.name} has no rungs or has them out of order.",
            remedy="List rungs from the highest to the lowest, each height once.",
            code=ErrorCode.SETTING_INVALID,
        )
    return ladder


def fit(width: Fraction, height: Fraction, box_width: int, box_height: int) -> tuple[Pixels, Pixels]:
    """A shape scaled down, never up, into a frame: the even size in square pixels that is nearest to its aspect."""
    scale = min(Fraction(1), Fraction(box_width) / width, Fraction(box_height) / height)
    return _even(width * scale), _even(height * scale)


def video_plans(ladder: Ladder, width: Fraction, height: Fraction, rate: FrameRate) -> tuple[VideoPlan, ...]:
    """The rungs that a film of this display size (square pixels) has, best first: at least one, none above its own size.

    Where the film's size falls between two rungs the upper one is kept at the film's size, with bitrates to match.
    """
    sizes = [fit(width, height, rung.width, rung.height) for rung in ladder.rungs]
    own = max(sizes)
    first = max(place for place, size in enumerate(sizes) if size == own)
    chosen = [_video_plan(ladder, ladder.rungs[first], own, rate)]
    for rung, size in zip(ladder.rungs[first + 1 :], sizes[first + 1 :], strict=True):
        if chosen[-1].height >= size[1] * _WORTH_KEEPING:
            chosen.append(_video_plan(ladder, rung, size, rate))
    return tuple(chosen)


def chosen_plans(choices: Sequence[Choice], rate: FrameRate) -> tuple[VideoPlan, ...]:
    """The rungs that an analysis chose, as they are encoded: a quality held up to a peak. Rungs of one height are counted."""
    plans: list[VideoPlan] = []
    for choice in choices:
        same = sum(1 for plan in plans if plan.height == choice.height)
        peak = choice.bitrate * PEAK_OVER_MEAN
        plan = _rung_plan(choice.width, choice.height, choice.bitrate, peak, rate)
        name = plan.name if not same else f"{plan.name}_{same + 1}"
        plan = msgspec.structs.replace(plan, name=name, path=f"{name}.mp4", buffer_bits=peak, crf=choice.crf, score=choice.score)
        plans.append(plan)
    return tuple(plans)


def _video_plan(ladder: Ladder, rung: Rung, size: tuple[Pixels, Pixels], rate: FrameRate) -> VideoPlan:
    share = (size[0] * size[1] / (rung.width * rung.height)) ** 0.75  # bits grow slower than pixels
    percent = ladder.high_rate_percent if rate.fraction > 30 else 100
    bitrate = _rounded(rung.bitrate * share * percent / 100)
    plan = _rung_plan(*size, bitrate, bitrate * rung.max_bitrate // rung.bitrate, rate)
    return msgspec.structs.replace(plan, threads=rung.threads)


def _rung_plan(width: Pixels, height: Pixels, bitrate: int, peak: int, rate: FrameRate) -> VideoPlan:
    level = level_for(width, height, rate, BitsPerSecond(peak))
    return VideoPlan(
        name=f"v{height}",
        path=f"v{height}.mp4",
        width=width,
        height=height,
        bitrate=BitsPerSecond(bitrate),
        max_bitrate=BitsPerSecond(peak),
        buffer_bits=peak // 2,
        level=level,
        codec=f"avc1.6400{round(float(level) * 10):02x}",
        threads=1,
    )


def level_for(width: int, height: int, rate: FrameRate, max_bitrate: BitsPerSecond) -> str:
    """The lowest H.264 level (Annex A, table A-1, High profile) that holds a picture, with four reference frames."""
    blocks = ((width + 15) // 16) * ((height + 15) // 16)
    for level, per_second, per_frame, buffered, kbit in _LEVELS:
        side = max((width + 15) // 16, (height + 15) // 16)
        if (
            blocks <= per_frame
            and side * side <= 8 * per_frame
            and blocks * rate.fraction <= per_second
            and blocks * _REFERENCES <= buffered
            and max_bitrate <= kbit * 1000
        ):
            return level
    return _LEVELS[-1][0]


def _even(side: Fraction) -> Pixels:
    return Pixels(max(_SMALLEST_SIDE, 2 * round(side / 2)))


def _rounded(bitrate: float) -> int:
    return max(64_000, 10_000 * round(bitrate / 10_000))
