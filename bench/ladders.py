"""What a ladder chosen by measuring saves: BD-rate against Netflix's fixed ladder of 2015, and against a common one of six rungs.

    python -m bench.ladders [SECONDS [PRESET]]     of the shared films; 12 s of each and the ladder's own preset by default

For each clip: its rungs are chosen by an analysis, encoded, and scored by VMAF (v0.6.1 and v1, both sides scaled to 1080 lines,
one frame of five); the rungs of each fixed ladder are encoded from the same frames by the same encoder and preset, in two passes
at their bitrates, those taller than the film left out. BD-rate is the mean difference of bits at equal VMAF, where both ladders
reach, from 40 to 95, with log rates between the measured points by monotone cubics (PCHIP).
"""

import contextlib
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from statistics import median

import msgspec

from bench.film import SHARED_FILMS
from bench.rows import Row, table
from matinee.base.units import Pixels
from matinee.encoding import analysis_command as command
from matinee.encoding import work as encoding
from matinee.encoding.analysis import analyse, read_scores
from matinee.encoding.command import scaled
from matinee.encoding.curves import Curve
from matinee.encoding.ladder import PER_TITLE_V1, chosen_plans
from matinee.encoding.measured import Point, Stretch
from matinee.encoding.model import EncodePlan, VideoPlan
from matinee.encoding.report import frame_sizes
from matinee.outside.tools import Tools, find_tools

SECONDS = 12
PRESET = PER_TITLE_V1.preset
MODELS = {"v1": "vmaf_v1.0.16_3d0h", "v0.6.1": "vmaf_v0.6.1"}
LOWEST, HIGHEST = 40.0, 95.0
NETFLIX_2015 = (
    *((235, 320, 240), (375, 384, 288), (560, 512, 384), (750, 512, 384), (1050, 640, 480)),
    *((1750, 720, 480), (2350, 1280, 720), (3000, 1280, 720), (4300, 1920, 1080), (5800, 1920, 1080)),
)
"""Kbit/s and frame size, as published. Source: Netflix Technology Blog, "Per-Title Encode Optimization", 2015."""
SIX_RUNGS = ((300, 416, 234), (600, 640, 360), (1200, 960, 540), (2400, 1280, 720), (3500, 1280, 720), (5000, 1920, 1080))
CLIPS = (
    ("bbb_480p24_30s_5.1.mp4", 8),
    ("bbb_540p25_48s.mp4", 4),
    ("bbb_540p25_48s.mp4", 30),
    ("bbb_720p24_30s_vp8.webm", 14),
    ("sintel_trailer_720p24.mp4", 12),
    ("sintel_trailer_720p24.mp4", 32),
    ("gotland_race_360p24_ad.mp4", 0),
    ("highway_540p60_noaudio.mp4", 0),
    ("mdn_crystal_480p30.mp4", 0),
)
"""A film and the second at which its clip begins. Films of less than 240 lines have no rung of the ladder of 2015."""
ANIMATION = ("bbb_", "sintel_")

Quality = list[tuple[float, float]]
"""Bits a second and score of each rung."""


def run(seconds: int = SECONDS, preset: str = PRESET) -> list[Row]:
    if not SHARED_FILMS.is_dir():
        raise SystemExit(f"the films of {SHARED_FILMS} are not here")
    found: dict[tuple[str, str, str], float] = {}
    for film, start in CLIPS:
        name = f"{film} from {start} s"
        with tempfile.TemporaryDirectory(prefix="matinee-bench-") as folder:
            for (ladder, model), saved in _clip(SHARED_FILMS / film, start, seconds, Path(folder), preset).items():
                found[name, ladder, model] = saved
                print(f"bench: {name}, {ladder}, {model}: {saved:+.1f} %", file=sys.stderr, flush=True)
    return [
        _row(found, ladder, model, least, preset)
        for ladder, least in (("2015 ladder", -20), ("six rungs", -10))
        for model in MODELS
    ]


def _row(found: dict[tuple[str, str, str], float], ladder: str, model: str, goal: int, preset: str) -> Row:
    each = {name: saved for (name, of, by), saved in found.items() if (of, by) == (ladder, model) and math.isfinite(saved)}
    drawn = [saved for name, saved in each.items() if name.startswith(ANIMATION)]
    filmed = [saved for name, saved in each.items() if not name.startswith(ANIMATION)]
    if not each:
        raise SystemExit(f"no clip shares a stretch of quality with the {ladder}")
    value, worst = median(each.values()), max(each.values())
    return Row(
        name=f"BD-rate over the {ladder}, VMAF {model}, {preset}, median of {len(each)} clips",
        value=value,
        unit="%",
        baseline=f"worst {worst:+.1f}; animation {_middle(drawn)}, live action {_middle(filmed)}",
        ratio=None,
        goal=f"<= {goal} %, none over +2 %",
        verdict="meets" if value <= goal and worst <= 2 else "misses",
    )


def _middle(saved: list[float]) -> str:
    return f"{median(saved):+.1f}" if saved else "none"


def _clip(film: Path, start: int, seconds: int, folder: Path, preset: str) -> dict[tuple[str, str], float]:
    """BD-rate in percent, by ladder and model."""
    tools = find_tools()
    ladder = msgspec.structs.replace(PER_TITLE_V1, preset=preset)
    plan = encoding.plan(encoding.probe(film, tools), ladder)
    lasts = min(Fraction(seconds), Fraction(plan.promised_ms or 0, 1000) - start)
    first, frames = (round(time * plan.rate.fraction) for time in (start, lasts))
    whole = Stretch(start_frame=first, frames=frames, weight=1.0, scale=1.0)
    _call(command.stretch_command(plan, 0, whole, film, tools), folder)
    (folder / command.REEL_FILE).write_text(command.reel_list(1))
    reel = folder / command.stretch_file(0)
    chosen = analyse(encoding.plan(encoding.probe(reel, tools), ladder), reel, folder, tools, lambda _: None).choices
    if not chosen:
        raise SystemExit(f"{film.name} was given no rung")
    ours = [_held(one, plan, folder, tools) for one in chosen_plans(chosen, plan.rate)]
    tallest = plan.video[0]
    fixed = {
        name: [
            _two_passes(kbit, width, height, plan, folder, tools)
            for kbit, width, height in rungs
            if height <= tallest.height and width <= tallest.width * Fraction(11, 10)
        ]
        for name, rungs in (("2015 ladder", NETFLIX_2015), ("six rungs", SIX_RUNGS))
    }
    points = list({one.name: one for one in [*ours, *fixed["2015 ladder"], *fixed["six rungs"]]}.values())
    saved = {}
    for short, model in MODELS.items():
        _call(command.score_command(plan, points, model, tools), folder)
        quality = {one.name: _quality(one, plan, folder) for one in points}
        for name, anchors in fixed.items():
            saved[name, short] = bd_rate([quality[one.name] for one in ours], [quality[one.name] for one in anchors])
    return saved


def _held(rung: VideoPlan, plan: EncodePlan, folder: Path, tools: Tools) -> Point:
    """A chosen rung, as an ingest encodes it."""
    point = Point(name=f"ours_{rung.name}", path=f"ours_{rung.name}.mp4", width=rung.width, height=rung.height, crf=rung.crf or 0)
    control = ["-crf", f"{rung.crf:g}", "-maxrate", str(rung.max_bitrate), "-bufsize", str(rung.buffer_bits)]
    _call(_encode(point, plan, tools, control, point.path), folder)
    return point


def _two_passes(kbit: int, width: int, height: int, plan: EncodePlan, folder: Path, tools: Tools) -> Point:
    name = f"fixed_{kbit}_{width}x{height}"
    point = Point(name=name, path=f"{name}.mp4", width=Pixels(width), height=Pixels(height), crf=0)
    for number, path in ((1, "/dev/null"), (2, point.path)):
        _call(_encode(point, plan, tools, ["-b:v", f"{kbit}k", "-pass", str(number), "-passlogfile", name], path), folder)
    return point


def _encode(point: Point, plan: EncodePlan, tools: Tools, control: list[str], path: str) -> list[str]:
    group = str(plan.segment_frames)
    return [
        *[tools.ffmpeg, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-i", command.stretch_file(0)],
        *[
            "-vf",
            f"{scaled(point.width, point.height)},setsar=1",
            "-c:v",
            "libx264",
            "-preset",
            plan.preset,
            "-profile:v",
            "high",
        ],
        *[*control, "-g", group, "-keyint_min", group, "-sc_threshold", "0", "-threads", "1", "-f", "mp4", path],
    ]


def _quality(point: Point, plan: EncodePlan, folder: Path) -> tuple[float, float]:
    sizes = frame_sizes(folder / point.path)
    scores = [score for _, score in read_scores((folder / f"{point.name}.json").read_bytes())]
    return sum(sizes) * 8 / len(sizes) * float(plan.rate.fraction), sum(scores) / len(scores)


def bd_rate(ours: Quality, theirs: Quality) -> float:
    """The mean difference of bits at equal score, in percent: below nought where ours takes fewer. NaN where none is shared."""
    mine, other = _by_score(ours), _by_score(theirs)
    if len(mine) < 2 or len(other) < 2:
        return math.nan
    low = max(LOWEST, mine[0][0], other[0][0])
    high = min(HIGHEST, mine[-1][0], other[-1][0])
    if high - low < 1:
        return math.nan
    means = [_mean(Curve([score for score, _ in side], [rate for _, rate in side]), low, high) for side in (mine, other)]
    return float((2 ** (means[0] - means[1]) - 1) * 100)


def _mean(curve: Curve, low: float, high: float, steps: int = 200) -> float:
    """By the trapezoidal rule."""
    width = (high - low) / steps
    inner = sum(curve(low + width * step) for step in range(1, steps))
    return (inner + (curve(low) + curve(high)) / 2) / steps


def _by_score(rungs: Quality) -> list[tuple[float, float]]:
    """Score and the rate's logarithm, rising in both: a rung that costs more and gives no more is not on the curve."""
    kept: list[tuple[float, float]] = []
    for rate, score in sorted(rungs):
        if not kept or score > kept[-1][0] + 0.01:
            kept.append((score, math.log2(rate)))
    return kept


def _call(argv: Sequence[str], folder: Path) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=1800, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SystemExit(f"{argv[0]} failed: {done.stderr[-400:]}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        print(table(run(*(int(word) if word.isdigit() else word for word in sys.argv[1:]))))  # type: ignore[arg-type]
