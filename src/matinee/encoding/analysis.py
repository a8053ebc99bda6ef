"""The analysis of a film: encode a little of it in many ways, score that, and choose the rungs that are worth having.

    survey (whole film, small)  ->  stretches  ->  reel  ->  points (encodes)  ->  scores  ->  choices

All of it lies in one folder that is taken away at the end.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from matinee.base.units import BitsPerSecond, DurationMs
from matinee.encoding import analysis_command as command
from matinee.encoding.hull import choose_rungs
from matinee.encoding.measured import Analysis, Measured, Point, Stretch
from matinee.encoding.model import Coding, EncodeFailed, EncodePlan
from matinee.encoding.report import ProgressReader, frame_sizes, last_error
from matinee.encoding.rules import LONGEST_MS, printable
from matinee.encoding.stretches import choose_stretches
from matinee.outside.processes import Limits, ToolFailed, run
from matinee.outside.tools import Tools

MODEL = "vmaf_v1.0.16_3d0h"
CRFS = ((17.0, 24.0, 31.0, 38.0), (23.0, 30.0, 37.0), (26.0, 34.0))
"""Where to look: from the film's own size down, the last for all smaller ones. What a small frame gives at a high quality is
never on the hull, and would cost an encode and a score all the same."""
STRETCHES = 8
_FOLDER = "analysis.part"
_MEMORY = 8 * 1024**3
_LARGEST_FILE = 2 * 1024**3
"""Of a stretch: four seconds without loss of 1080 lines and 60 frames a second are far from it."""

Progress = Callable[[float], None]


def analyse(plan: EncodePlan, source: Path, workdir: Path, tools: Tools, progress: Progress, most: int = STRETCHES) -> Analysis:
    """Measure a film and choose its rungs. `plan` is made with a fixed ladder: it says at which frame sizes to look.

    Raises EncodeFailed where the film or the machine does not allow it; nothing is left behind.
    """
    folder = workdir / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return _analyse(plan, source, folder, tools, progress, most)
    except ToolFailed as error:
        why = "it takes too long" if error.timed_out else last_error(error.stderr)
        raise _failed(plan, why) from error
    except (OSError, msgspec.DecodeError) as error:
        raise _failed(plan, f"what it wrote cannot be read ({error})") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def points_of(plan: EncodePlan) -> tuple[Point, ...]:
    """What is measured: each frame size of the plan at some qualities; about a dozen encodes in all."""
    found = []
    for place, rung in enumerate(rung for rung in plan.video if rung.coding is Coding.H264):
        for crf in CRFS[min(place, len(CRFS) - 1)]:
            name = f"p{rung.height}_{crf:g}"
            found.append(Point(name=name, path=f"{name}.mp4", width=rung.width, height=rung.height, crf=crf))
    return tuple(found)


def _analyse(plan: EncodePlan, source: Path, folder: Path, tools: Tools, progress: Progress, most: int) -> Analysis:
    seconds = (plan.promised_ms or LONGEST_MS) / 1000
    limits = Limits(wall_seconds=600 + 30 * seconds, memory_bytes=_MEMORY, file_bytes=_LARGEST_FILE)
    told = _reader(plan.promised_ms, progress, 0, 0.3)
    run(command.survey_command(plan, source, tools), limits=limits, cwd=folder, on_stdout_line=told)
    sizes = read_survey((folder / command.SURVEY_FILE).read_text("ascii", "replace"))
    stretches = choose_stretches(sizes, plan.segment_frames, most)
    if not stretches:
        raise _failed(plan, "none of its frames can be decoded")
    for number, one in enumerate(stretches):
        run(command.stretch_command(plan, number, one, source, tools), limits=limits, cwd=folder)
    (folder / command.REEL_FILE).write_text(command.reel_list(len(stretches)))
    length = DurationMs(round(sum(one.frames for one in stretches) * 1000 / plan.rate.fraction))
    points = points_of(plan)
    told = _reader(length, progress, 0.4, 0.7)
    run(command.points_command(plan, points, tools), limits=limits, cwd=folder, on_stdout_line=told)
    told = _reader(length, progress, 0.7, 1.0)
    run(command.score_command(plan, points, MODEL, tools), limits=limits, cwd=folder, on_stdout_line=told)
    progress(1.0)
    measured = tuple(_measured(plan, point, stretches, folder) for point in points)
    return Analysis(
        coding=Coding.H264,
        preset=plan.preset,
        model=MODEL,
        rate=plan.rate,
        frames=len(sizes),
        stretches=stretches,
        points=measured,
        choices=choose_rungs(measured),
    )


def _failed(plan: EncodePlan, why: str) -> EncodeFailed:
    return EncodeFailed(
        f"{printable(plan.source_name)} could not be analysed: {printable(why).rstrip('.')}.",
        remedy="Add it with a fixed ladder (the setting ladder).",
    )


def read_survey(text: str) -> list[int]:
    """The bytes of each frame, from ffmpeg's framecrc: stream, dts, pts, duration, size, checksum."""
    lines = (line.split(",") for line in text.splitlines() if line and not line.startswith("#"))
    return [int(parts[4]) for parts in lines if len(parts) > 4]


def _measured(plan: EncodePlan, point: Point, stretches: Sequence[Stretch], folder: Path) -> Measured:
    """One encode of the reel as it speaks for the whole film: each stretch for its group."""
    sizes = frame_sizes(folder / point.path)
    if len(sizes) != sum(one.frames for one in stretches):  # a stretch that came short would hand its frames to its neighbours
        raise _failed(plan, "it does not decode where its stretches begin")
    scores = read_scores((folder / f"{point.name}.json").read_bytes())
    bits, score, begin = 0.0, 0.0, 0
    for one in stretches:
        end = begin + one.frames
        bits += one.weight * one.scale * sum(sizes[begin:end]) * 8 / one.frames
        mine = [value for frame, value in scores if begin <= frame < end]
        score += one.weight * (sum(mine) / len(mine) if mine else 0.0)
        begin = end
    rate = BitsPerSecond(max(1, round(bits * plan.rate.fraction)))
    return Measured(width=point.width, height=point.height, crf=point.crf, bitrate=rate, score=round(score, 3))


class _Metrics(msgspec.Struct):
    vmaf: float


class _Frame(msgspec.Struct, rename="camel"):
    frame_num: int
    metrics: _Metrics


class _Scored(msgspec.Struct):
    frames: list[_Frame]


def read_scores(log: bytes) -> list[tuple[int, float]]:
    """Frame and VMAF, from libvmaf's log. Frames that were passed over are not in it."""
    return [(one.frame_num, one.metrics.vmaf) for one in msgspec.json.decode(log, type=_Scored).frames]


def _reader(length: DurationMs | None, progress: Progress, low: float, high: float) -> ProgressReader:
    return ProgressReader(length, lambda part: progress(low + part * (high - low)))
