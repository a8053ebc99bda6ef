"""What a ladder chosen by measuring saves: BD-rate against Netflix's fixed ladder of 2015, and against a common one of six rungs;
and what AV1's rungs save over H.264's.

    python -m bench.ladders [SECONDS [EFFORT [CLIPS]]]     of the shared films; 12 s of each, balanced, all clips by default

For each clip: its rungs are chosen by an analysis, encoded, and scored by VMAF (v0.6.1 and v1 in one run, both sides scaled to
1080 lines, one frame of five); the rungs of each fixed ladder are encoded from the same frames by the same x264 and preset, in
two passes at their bitrates, those taller than the film left out; a first pass serves all bitrates of one frame size. BD-rate
is the mean difference of bits at equal VMAF, where both ladders reach, from 40 to 95, with log rates between the measured
points by monotone cubics (PCHIP).
"""

import contextlib
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from statistics import median

from bench.film import SHARED_FILMS
from bench.rows import Row, table
from matinee.base.units import Pixels
from matinee.encoding import analysis_command as command
from matinee.encoding import work as encoding
from matinee.encoding.analysis import MODEL, OLDER_MODEL, analyse, read_scores
from matinee.encoding.command import scaled
from matinee.encoding.curves import Curve
from matinee.encoding.ladder import PER_TITLE_V2, Effort, with_effort
from matinee.encoding.measured import Point, Stretch
from matinee.encoding.model import Coding, EncodePlan
from matinee.encoding.report import frame_sizes
from matinee.encoding.search import held
from matinee.outside.tools import Tools, find_tools

SECONDS = 12
AT_ONCE = 2
"""Clips; no figure here is a time, and the fixed ladders' encodes have a thread each."""
MODELS = {"v1": MODEL, "v0.6.1": OLDER_MODEL}
_JUDGES = tuple(command.Judge(model, 5) for model in MODELS.values())
AV1_OVER_H264 = "our H.264"
GOALS = (("2015 ladder", "our H.264 rungs", -20), ("six rungs", "our H.264 rungs", -10), (AV1_OVER_H264, "our AV1 rungs", -30))
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


def run(seconds: int = SECONDS, effort: str = "balanced", clips: int = len(CLIPS)) -> list[Row]:
    if not SHARED_FILMS.is_dir():
        raise SystemExit(f"the films of {SHARED_FILMS} are not here")
    found: dict[tuple[str, str, str], float] = {}

    def one(clip: tuple[str, int]) -> None:
        film, start = clip
        name = f"{film} from {start} s"
        with tempfile.TemporaryDirectory(prefix="matinee-bench-") as folder:
            for (ladder, model), saved in _clip(SHARED_FILMS / film, start, seconds, Path(folder), Effort(effort)).items():
                found[name, ladder, model] = saved
                print(f"bench: {name}, over {ladder}, {model}: {saved:+.1f} %", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, CLIPS[:clips]))
    return [_row(found, ladder, ours, model, least, effort) for ladder, ours, least in GOALS for model in MODELS]


def _row(found: dict[tuple[str, str, str], float], ladder: str, ours: str, model: str, goal: int, effort: str) -> Row:
    each = {name: saved for (name, of, by), saved in found.items() if (of, by) == (ladder, model) and math.isfinite(saved)}
    drawn = [saved for name, saved in each.items() if name.startswith(ANIMATION)]
    filmed = [saved for name, saved in each.items() if not name.startswith(ANIMATION)]
    if not each:
        raise SystemExit(f"no clip shares a stretch of quality with the {ladder}")
    value, worst = median(each.values()), max(each.values())
    return Row(
        name=f"BD-rate of {ours} over {ladder}, VMAF {model}, {effort}, median of {len(each)} clips",
        value=value,
        unit="%",
        baseline=f"worst {worst:+.1f}; animation {_middle(drawn)}, live action {_middle(filmed)}",
        ratio=None,
        goal=f"<= {goal} %, none over +2 %",
        verdict="meets" if value <= goal and worst <= 2 else "misses",
    )


def _middle(saved: list[float]) -> str:
    return f"{median(saved):+.1f}" if saved else "none"


def _clip(film: Path, start: int, seconds: int, folder: Path, effort: Effort) -> dict[tuple[str, str], float]:
    """BD-rate in percent, by ladder and model."""
    tools = find_tools()
    ladder = with_effort(PER_TITLE_V2, effort)
    plan = encoding.plan(encoding.probe(film, tools), ladder)
    lasts = min(Fraction(seconds), Fraction(plan.promised_ms or 0, 1000) - start)
    first, frames = (round(time * plan.rate.fraction) for time in (start, lasts))
    whole = Stretch(start_frame=first, frames=frames, weight=1.0, scale=1.0)
    _call(command.stretch_command(plan, 0, whole, film, tools), folder)
    (folder / command.REEL_FILE).write_text(command.reel_list(1))
    reel = folder / command.stretch_file(0)
    chosen = analyse(encoding.plan(encoding.probe(reel, tools), ladder), reel, folder, tools, lambda _: None)
    if not all(chosen.choices_of(coding) for coding in Coding):
        raise SystemExit(f"{film.name} was given no rung")
    ours = {coding: held(chosen.choices_of(coding)) for coding in Coding}
    _call(command.points_command(plan, [*ours[Coding.H264], *ours[Coding.AV1]], tools), folder)
    fixed = {
        name: _anchors(
            [(kbit, width, height) for kbit, width, height in rungs if _fits(width, height, plan)], plan, folder, tools
        )
        for name, rungs in (("2015 ladder", NETFLIX_2015), ("six rungs", SIX_RUNGS))
    }
    points = list({one.name: one for side in (*ours.values(), *fixed.values()) for one in side}.values())
    _call(command.score_command(plan, points, _JUDGES, tools), folder)
    saved = {}
    for place, short in enumerate(MODELS):
        quality = {one.name: _quality(one, plan, folder, place) for one in points}
        mine, newer = ([quality[one.name] for one in ours[coding]] for coding in (Coding.H264, Coding.AV1))
        for name, anchors in fixed.items():
            saved[name, short] = bd_rate(mine, [quality[one.name] for one in anchors])
        saved[AV1_OVER_H264, short] = bd_rate(newer, mine)
    return saved


def _fits(width: int, height: int, plan: EncodePlan) -> bool:
    return height <= plan.best.height and width <= plan.best.width * Fraction(11, 10)


def _anchors(rungs: Sequence[tuple[int, int, int]], plan: EncodePlan, folder: Path, tools: Tools) -> list[Point]:
    """Rungs of a fixed ladder in two passes. What is encoded already is taken as it is."""
    made = []
    for kbit, width, height in rungs:
        name, log = f"fixed_{kbit}_{width}x{height}", f"first_{width}x{height}"
        point = Point(name=name, path=f"{name}.mp4", width=Pixels(width), height=Pixels(height), crf=0)
        control = ["-b:v", f"{kbit}k", "-passlogfile", log]
        if not (folder / f"{log}-0.log").exists():
            _call(_encode(point, plan, tools, [*control, "-pass", "1"], "/dev/null"), folder)
        if not (folder / point.path).exists():
            _call(_encode(point, plan, tools, [*control, "-pass", "2"], point.path), folder)
        made.append(point)
    return made


def _encode(point: Point, plan: EncodePlan, tools: Tools, control: list[str], path: str) -> list[str]:
    group = str(plan.segment_frames)
    return [
        *[tools.ffmpeg, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-i", command.stretch_file(0)],
        *["-vf", f"{scaled(point.width, point.height)},setsar=1", "-c:v", "libx264", "-preset", plan.preset],
        *["-profile:v", "high", *control, "-g", group, "-keyint_min", group, "-sc_threshold", "0", "-threads", "1"],
        *["-f", "mp4", path],
    ]


def _quality(point: Point, plan: EncodePlan, folder: Path, model: int) -> tuple[float, float]:
    """Bits a second and score, by the first model or by the second."""
    sizes = frame_sizes(folder / point.path)
    scores = [score for _, score in read_scores((folder / command.scores_file(point, model)).read_bytes())]
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
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=7200, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SystemExit(f"{argv[0]} failed: {done.stderr[-400:]}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        print(table(run(*(int(word) if word.isdigit() else word for word in sys.argv[1:]))))  # type: ignore[arg-type]
