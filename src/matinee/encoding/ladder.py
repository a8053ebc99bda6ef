"""The qualities that films are offered in, as data, and how they apply to one film's shape.

A ladder is named, because a package says by which one it was made. Where it measures, `analysis.py` finds for each film the rungs
worth having. Bitrates of the fixed one sit between Apple's authoring table and what x264
needs at this preset; the peak is 1.5 times the mean, which with a buffer of half a second's peak keeps each two-second
segment below twice the mean, as the HLS authoring rules ask. Each rung has one encoder thread: with two, x264 under a bound on
its buffer writes other bytes on each run, and the rungs of one film keep the cores busy anyway (docs/decisions/0004). SVT-AV1
does the same under a bound on its bits. AV1 stands beside H.264, never instead of it (docs/decisions/0021).
"""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction

import msgspec

from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.units import BitsPerSecond, DurationMs, FrameRate, Pixels
from matinee.encoding.model import Av1Rungs, Choice, Coding, Ladder, Rung, Transfer, VideoPlan


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

FIXED_V2 = msgspec.structs.replace(FIXED_V1, name="fixed-v2", codings=(Coding.H264, Coding.AV1))

PER_TITLE_V2 = msgspec.structs.replace(PER_TITLE_V1, name="per-title-v2", codings=(Coding.H264, Coding.AV1))

BUILT_IN = {ladder.name: ladder for ladder in (FIXED_V1, FIXED_V2, PER_TITLE_V1, PER_TITLE_V2)}


class Effort(StrEnum):
    """Speed against size: how long the encoders may look for ways to write the same picture in fewer bits."""

    FAST = "fast"
    BALANCED = "balanced"
    BEST = "best"


_PRESETS = {Effort.FAST: ("veryfast", "9"), Effort.BALANCED: ("medium", "8"), Effort.BEST: ("slow", "6")}
"""Of x264 and SVT-AV1. From its preset 10 on SVT-AV1 itself warns of faults that can be seen."""

PEAK_OVER_MEAN = Fraction(8, 5)
"""Of a rung that holds a quality. With a buffer of half a second's peak a segment of two seconds stays within twice the mean."""
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

# AV1 Annex A: luma samples a frame, the longest sides, luma samples shown a second, and the bitrate of Main tier in kbit/s.
_AV1_LEVELS: tuple[tuple[str, int, int, int, int, int], ...] = (
    ("2.0", 147_456, 2_048, 1_152, 4_423_680, 1_500),
    ("2.1", 278_784, 2_816, 1_584, 8_363_520, 3_000),
    ("3.0", 665_856, 4_352, 2_448, 19_975_680, 6_000),
    ("3.1", 1_065_024, 5_504, 3_096, 31_950_720, 10_000),
    ("4.0", 2_359_296, 6_144, 3_456, 70_778_880, 12_000),
    ("4.1", 2_359_296, 6_144, 3_456, 141_557_760, 20_000),
    ("5.0", 8_912_896, 8_192, 4_352, 267_386_880, 30_000),
    ("5.1", 8_912_896, 8_192, 4_352, 534_773_760, 40_000),
    ("5.2", 8_912_896, 8_192, 4_352, 1_069_547_520, 60_000),
)
_AV1_COLOURS = {Transfer.PQ: ".10.0.110.09.16.09.0", Transfer.HLG: ".10.0.110.09.18.09.0"}
"""The end of the codec string where it is not what is taken for granted (8 bit, BT.709): ten bit, 4:2:0, and the code points of
BT.2020 primaries, the transfer, BT.2020 matrix, limited range (AV1 in ISOBMFF, section 5)."""


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


def with_effort(ladder: Ladder, effort: Effort) -> Ladder:
    """The ladder with the presets of an effort, for each coding."""
    h264, av1 = _PRESETS[effort]
    return msgspec.structs.replace(ladder, preset=h264, av1=msgspec.structs.replace(ladder.av1, preset=av1))


def video_plans(
    ladder: Ladder, width: Fraction, height: Fraction, rate: FrameRate, transfer: Transfer = Transfer.SDR
) -> tuple[VideoPlan, ...]:
    """The rungs that a film of this display size (square pixels) has, H.264 before AV1, best first: at least one, none above
    its own size.

    Where the film's size falls between two rungs the upper one is kept at the film's size, with bitrates to match.
    """
    sizes = [fit(width, height, rung.width, rung.height) for rung in ladder.rungs]
    own = max(sizes)
    first = max(place for place, size in enumerate(sizes) if size == own)
    chosen = [_video_plan(ladder, ladder.rungs[first], own, rate)]
    for rung, size in zip(ladder.rungs[first + 1 :], sizes[first + 1 :], strict=True):
        if chosen[-1].height >= size[1] * _WORTH_KEEPING:
            chosen.append(_video_plan(ladder, rung, size, rate))
    if Coding.AV1 in ladder.codings:
        chosen += [_beside(plan, ladder.av1, rate, transfer) for plan in chosen]
    return tuple(chosen)


def chosen_plans(choices: Sequence[Choice], rate: FrameRate, transfer: Transfer = Transfer.SDR) -> tuple[VideoPlan, ...]:
    """The rungs that an analysis chose, as they are encoded: a quality held up to a peak. Rungs of one height are counted.

    `transfer` is the film's: AV1 keeps it.
    """
    plans: list[VideoPlan] = []
    for choice in sorted(choices, key=lambda choice: choice.coding is Coding.AV1):
        same = sum(1 for plan in plans if (plan.coding, plan.height) == (choice.coding, choice.height))
        peak = choice.peak or round(choice.bitrate * PEAK_OVER_MEAN)
        rung = _rung_plan(choice.coding, choice.width, choice.height, choice.bitrate, peak, rate, transfer)
        name = rung.name if not same else f"{rung.name}_{same + 1}"
        rung = msgspec.structs.replace(rung, name=name, path=f"{name}.mp4", crf=choice.crf, score=choice.score)
        plans.append(rung)
    return tuple(plans)


def _video_plan(ladder: Ladder, rung: Rung, size: tuple[Pixels, Pixels], rate: FrameRate) -> VideoPlan:
    share = (size[0] * size[1] / (rung.width * rung.height)) ** 0.75  # bits grow slower than pixels
    percent = ladder.high_rate_percent if rate.fraction > 30 else 100
    bitrate = _rounded(rung.bitrate * share * percent / 100)
    plan = _rung_plan(Coding.H264, *size, bitrate, bitrate * rung.max_bitrate // rung.bitrate, rate)
    return msgspec.structs.replace(plan, threads=rung.threads)


def _beside(rung: VideoPlan, av1: Av1Rungs, rate: FrameRate, transfer: Transfer) -> VideoPlan:
    """The AV1 rung beside an H.264 one."""
    bitrate, peak = (_rounded(bits * av1.percent / 100) for bits in (rung.bitrate, rung.max_bitrate))
    plan = _rung_plan(Coding.AV1, rung.width, rung.height, bitrate, peak, rate, transfer)
    return msgspec.structs.replace(plan, crf=av1.crf)


def _rung_plan(
    coding: Coding,
    width: Pixels,
    height: Pixels,
    bitrate: int,
    peak: int,
    rate: FrameRate,
    transfer: Transfer = Transfer.SDR,
) -> VideoPlan:
    if coding is Coding.AV1:
        name, level = f"av1_{height}", av1_level_for(width, height, rate, BitsPerSecond(peak))
        codec = f"av01.0.{_av1_index(level):02d}M{_AV1_COLOURS.get(transfer, '.08')}"
    else:
        name, level = f"v{height}", level_for(width, height, rate, BitsPerSecond(peak))
        codec, transfer = f"avc1.6400{round(float(level) * 10):02x}", Transfer.SDR
    return VideoPlan(
        name=name,
        path=f"{name}.mp4",
        width=width,
        height=height,
        bitrate=BitsPerSecond(bitrate),
        max_bitrate=BitsPerSecond(peak),
        buffer_bits=peak // 2,
        level=level,
        codec=codec,
        threads=1,
        coding=coding,
        transfer=transfer,
    )


def av1_level_for(width: int, height: int, rate: FrameRate, max_bitrate: BitsPerSecond) -> str:
    """The lowest AV1 level (Annex A, Main tier) that holds a picture."""
    for level, samples, widest, tallest, per_second, kbit in _AV1_LEVELS:
        if (
            width * height <= samples
            and width <= widest
            and height <= tallest
            and width * height * rate.fraction <= per_second
            and max_bitrate <= kbit * 1000
        ):
            return level
    return _AV1_LEVELS[-1][0]


def _av1_index(level: str) -> int:
    """seq_level_idx: four to each major level, from 2.0 on."""
    major, minor = level.split(".")
    return (int(major) - 2) * 4 + int(minor)


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
