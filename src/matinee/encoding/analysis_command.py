"""The command lines of an analysis: one pass over the whole film, its stretches as one reel, encodes of the reel, their scores.

The reel is what the encoder will be given, upright and of the best rung's size, without loss: so encodes and scores read our own
file alone, and each of many encodes costs no second decode of a stranger's.
"""

from collections.abc import Sequence
from pathlib import Path

from matinee.encoding.command import GUARDS, MAX_PIXELS, NO_TRACES, QUIET, normalised, scaled, source_url
from matinee.encoding.measured import Point, Stretch
from matinee.encoding.model import EncodePlan
from matinee.outside.tools import Tools

SURVEY_FILE, REEL_FILE = "survey.txt", "reel.mkv"
SURVEY_WIDTH, SURVEY_HEIGHT = 320, 180
SURVEY_CRF = 30
SCORED_WIDTH, SCORED_HEIGHT = 1920, 1080
SCORE_EACH = 5
"""Frames from one that is scored to the next: it moves a mean by less than 0.2."""


def survey_command(plan: EncodePlan, source: Path, tools: Tools) -> list[str]:
    """Encode the whole film once, small and fast, and write down how many bytes each frame took."""
    group = str(plan.segment_frames)
    small = f"[0:{plan.source.index}]fps={plan.rate}:start_time=0,{scaled(SURVEY_WIDTH, SURVEY_HEIGHT)},format=yuv420p[small]"
    return [
        *[tools.ffmpeg, *QUIET, "-progress", "pipe:1", "-stats_period", "0.5", "-max_error_rate", "1", "-reinit_filter", "0"],
        *[*_input(source), "-filter_complex", small, "-map", "[small]", "-c:v", "libx264", "-preset", "ultrafast"],
        *["-crf", str(SURVEY_CRF), "-g", group, "-keyint_min", group, "-sc_threshold", "0", "-threads", "1"],
        *["-fps_mode", "passthrough", *NO_TRACES, "-f", "framecrc", SURVEY_FILE],
    ]


def reel_command(plan: EncodePlan, stretches: Sequence[Stretch], source: Path, tools: Tools) -> list[str]:
    """The stretches one after another, as the encoder would be given them, without loss."""
    argv = [tools.ffmpeg, *QUIET, "-max_error_rate", "1", "-reinit_filter", "0"]
    chains, names = [], ""
    for number, one in enumerate(stretches):
        start = float(one.start_frame / plan.rate.fraction)
        argv += [*(["-ss", f"{start:.6f}"] if one.start_frame else []), *_input(source)]
        # A stretch at the end of a film that promised more is filled up with its last frame: groups of pictures stay in step.
        steps = [*normalised(plan), "tpad=stop=-1:stop_mode=clone", f"trim=end_frame={one.frames}"]
        chains.append(f"[{number}:{plan.source.index}]{','.join(steps)},setpts=N/({plan.rate})/TB[s{number}]")
        names += f"[s{number}]"
    graph = ";".join([*chains, f"{names}concat=n={len(stretches)}:v=1:a=0[reel]"])
    return [
        *[*argv, "-filter_complex", graph, "-map", "[reel]", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0"],
        *["-g", str(plan.segment_frames), "-r", str(plan.rate), *NO_TRACES, "-f", "matroska", REEL_FILE],
    ]


def points_command(plan: EncodePlan, points: Sequence[Point], tools: Tools) -> list[str]:
    """Every point from one decode of the reel: each frame size scaled once, each quality of it an encode."""
    sizes = list(dict.fromkeys((one.width, one.height) for one in points))
    chains = [f"[0:v]split={len(sizes)}{''.join(f'[z{height}]' for _, height in sizes)}"]
    for width, height in sizes:
        mine = [one.name for one in points if one.height == height]
        chains.append(f"[z{height}]{scaled(width, height)},setsar=1,split={len(mine)}{''.join(f'[{name}]' for name in mine)}")
    argv = [tools.ffmpeg, *QUIET, "-progress", "pipe:1", "-stats_period", "0.5", "-i", REEL_FILE, "-filter_complex"]
    argv.append(";".join(chains))
    for one in points:
        argv += _encoded(one, plan)
    return argv


def score_command(
    plan: EncodePlan, points: Sequence[Point], model: str, tools: Tools, each: int = SCORE_EACH
) -> list[str]:
    """Score every point against the reel, both at 1080 lines, one frame of `each`; one file of figures for each point."""
    even = f"setpts=N/({plan.rate})/TB,settb=1/1000000,{scaled(SCORED_WIDTH, SCORED_HEIGHT)},format=yuv420p"
    argv, chains = [tools.ffmpeg, *QUIET, "-i", REEL_FILE], []
    chains.append(f"[0:v]{even},split={len(points)}{''.join(f'[r{number}]' for number in range(len(points)))}")
    for number, one in enumerate(points):
        argv += ["-i", one.path]
        options = f"model=version={model}:n_threads=1:n_subsample={each}:log_fmt=json:log_path={one.name}.json"
        chains.append(f"[{number + 1}:v]{even}[d{number}];[d{number}][r{number}]libvmaf={options}[o{number}]")
    argv += ["-filter_complex", ";".join(chains)]
    for number in range(len(points)):
        argv += ["-map", f"[o{number}]", "-f", "null", "-"]
    return argv


def _input(source: Path) -> list[str]:
    """A stranger's film, by few threads: several of them are open at once."""
    return [*GUARDS, "-max_pixels", str(MAX_PIXELS), "-threads", "2", "-noautorotate", "-i", source_url(source)]


def _encoded(one: Point, plan: EncodePlan) -> list[str]:
    group = str(plan.segment_frames)
    return [
        *["-map", f"[{one.name}]", "-c:v", "libx264", "-preset", plan.preset, "-profile:v", "high", "-crf", f"{one.crf:g}"],
        *["-g", group, "-keyint_min", group, "-sc_threshold", "0", "-flags", "+cgop+bitexact", "-threads", "1"],
        *["-fps_mode", "passthrough", *NO_TRACES, "-f", "mp4", one.path],
    ]
