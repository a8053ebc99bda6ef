"""The command lines of an analysis: one pass over the whole film, its stretches as one reel, encodes of the reel, their scores.

The reel is what the encoder will be given, upright and of the best rung's size, without loss: so encodes and scores read our own
files alone, and each of many encodes costs no second decode of a stranger's. Its stretches are files that are read as one, in a
coding that is twice as large as lossless H.264 and decoded in a third of its time, for it is read some ten times.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matinee.encoding.command import NO_TRACES, QUIET, encoder_arguments, evened, film_input, most_frames, normalised, scaled
from matinee.encoding.measured import Point, Stretch
from matinee.encoding.model import EncodePlan
from matinee.outside.tools import Tools

SURVEY_FILE, REEL_FILE = "survey.txt", "reel.txt"
SURVEY_WIDTH, SURVEY_HEIGHT = 320, 180
SURVEY_CRF = 30
SCORED_WIDTH, SCORED_HEIGHT = 1920, 1080
COMPARED = 3
"""Frames that are brought up to 1080 lines for one that is scored: it and its neighbours, by which the models tell motion."""
_TELLING = ["-progress", "pipe:1", "-stats_period", "0.5"]
_REEL = ["-f", "concat", "-i", REEL_FILE]


def survey_command(plan: EncodePlan, source: Path, tools: Tools) -> list[str]:
    """Encode the whole film once, small and fast, and write down how many bytes each frame took.

    Its frames are those that the encoder is given, so that a stretch is found where the survey counted it. Only the filter
    over their blocks' edges is left out in decoding: it is a tenth of this pass, and moves what four seconds take by some 3 %.
    """
    group = str(plan.segment_frames)
    steps = evened(plan)
    if plan.promised_ms is not None:
        steps.append(f"trim=end_frame={most_frames(plan.promised_ms, plan.rate)}")
    small = f"[0:{plan.source.index}]{','.join(steps)},{scaled(SURVEY_WIDTH, SURVEY_HEIGHT)},format=yuv420p[small]"
    return [
        *[tools.ffmpeg, *QUIET, *_TELLING, "-max_error_rate", "1", "-reinit_filter", "0"],
        *["-skip_loop_filter", "all", *film_input(source)],
        *["-filter_complex", small, "-map", "[small]", "-c:v", "libx264", "-preset", "ultrafast"],
        *["-crf", str(SURVEY_CRF), "-g", group, "-keyint_min", group, "-sc_threshold", "0", "-threads", "1"],
        *["-fps_mode", "passthrough", *NO_TRACES, "-f", "framecrc", SURVEY_FILE],
    ]


def stretch_file(number: int) -> str:
    """The file of a stretch."""
    return f"stretch{number}.mov"


def reel_list(stretches: int) -> str:
    """The reel: ffmpeg's list of files that are one after another."""
    return "".join(f"file '{stretch_file(number)}'\n" for number in range(stretches))


def stretch_command(plan: EncodePlan, number: int, stretch: Stretch, source: Path, tools: Tools) -> list[str]:
    """One stretch as the encoder would be given it, without loss."""
    start = float(stretch.start_frame / plan.rate.fraction)
    # A stretch at the end of a film that promised more is filled up with its last frame: groups of pictures stay in step.
    steps = [*normalised(plan), "tpad=stop=-1:stop_mode=clone", f"trim=end_frame={stretch.frames}", f"setpts=N/({plan.rate})/TB"]
    return [
        *[tools.ffmpeg, *QUIET, "-max_error_rate", "1", "-reinit_filter", "0"],
        *[*(["-ss", f"{start:.6f}"] if stretch.start_frame else []), *film_input(source)],
        *["-filter_complex", f"[0:{plan.source.index}]{','.join(steps)}[stretch]", "-map", "[stretch]"],
        *["-c:v", "utvideo", "-pix_fmt", "yuv420p", "-r", str(plan.rate), *NO_TRACES, "-f", "mov", stretch_file(number)],
    ]


def points_command(plan: EncodePlan, points: Sequence[Point], tools: Tools) -> list[str]:
    """Every point from one decode of the reel: each frame size scaled once, each quality of it an encode."""
    sizes = list(dict.fromkeys((one.width, one.height) for one in points))
    chains = [f"[0:v]split={len(sizes)}{''.join(f'[z{height}]' for _, height in sizes)}"]
    for width, height in sizes:
        mine = [one.name for one in points if one.height == height]
        chains.append(f"[z{height}]{scaled(width, height)},setsar=1,split={len(mine)}{''.join(f'[{name}]' for name in mine)}")
    argv = [tools.ffmpeg, *QUIET, *_TELLING, *_REEL, "-filter_complex", ";".join(chains)]
    for one in points:
        argv += _encoded(one, plan)
    return argv


class Judge(NamedTuple):
    """A model of VMAF, and how many frames lie from one that it scores to the next.

    An odd number: encoders give pictures their bits by turns of two, four and eight, and each of these is to have its say.
    """

    model: str
    each: int


def scores_file(point: Point, place: int) -> str:
    """Where the figures of a point lie that the first judge gave, or another."""
    return f"{point.name}.{place}.json"


def score_command(plan: EncodePlan, points: Sequence[Point], judges: Sequence[Judge], tools: Tools) -> list[str]:
    """Score every point against the reel, both at 1080 lines; one file of figures for each point and judge.

    A second judge scores as often as the first, or one of so many of its frames. Frames that are neither scored nor beside one
    that is are dropped: to bring them up to size would cost more than all scores. In the files frames are counted as they are
    left; `scored_frame` tells which of the reel they are.
    """
    each = judges[0].each
    some = f"select=lt(mod(n+1\\,{each})\\,{COMPARED})"
    even = f"setpts=N/({plan.rate})/TB,settb=1/1000000,{some},{scaled(SCORED_WIDTH, SCORED_HEIGHT)},format=yuv420p"
    labels = [(number, place) for number in range(len(points)) for place in range(len(judges))]
    argv = [tools.ffmpeg, *QUIET, *_TELLING, *_REEL]
    chains = [f"[0:v]{even},split={len(labels)}{''.join(f'[r{number}_{place}]' for number, place in labels)}"]
    for number, one in enumerate(points):
        argv += ["-i", one.path]
        mine = "".join(f"[d{number}_{place}]" for place in range(len(judges)))
        chains.append(f"[{number + 1}:v]{even},split={len(judges)}{mine}")
        for place, judge in enumerate(judges):
            options = f"model=version={judge.model}:n_threads=1:n_subsample={COMPARED * (judge.each // each)}"
            log = f"log_fmt=json:log_path={scores_file(one, place)}"
            chains.append(f"[d{number}_{place}][r{number}_{place}]libvmaf={options}:{log}[o{number}_{place}]")
    argv += ["-filter_complex", ";".join(chains)]
    for number, place in labels:
        argv += ["-map", f"[o{number}_{place}]", "-f", "null", "-"]
    return argv


def scored_frame(counted: int, judges: Sequence[Judge]) -> int:
    """The frame of the reel that a file of figures counts so."""
    return counted // COMPARED * judges[0].each


def judge_command(models: Sequence[str], tools: Tools) -> list[str]:
    """Score one grey picture against itself: fails at once where this ffmpeg has not the models."""
    grey = ["-f", "lavfi", "-i", f"color=gray:size={SURVEY_WIDTH}x{SURVEY_HEIGHT}:rate=1:duration=1,format=yuv420p"]
    names = "|".join(f"version={model}\\\\:name=m{place}" for place, model in enumerate(models))
    return [tools.ffmpeg, *QUIET, *grey, *grey, "-filter_complex", f"[0:v][1:v]libvmaf=model={names}", "-f", "null", "-"]


def _encoded(one: Point, plan: EncodePlan) -> list[str]:
    preset = plan.preset_of(one.coding)
    return [
        *["-map", f"[{one.name}]", *encoder_arguments(one.coding, preset, one.crf, plan.segment_frames, 1, one.peak)],
        *["-fps_mode", "passthrough", *NO_TRACES, "-f", "mp4", one.path],
    ]
