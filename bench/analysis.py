"""What an analysis costs: its processor time over that of the ladder which it chooses, of a film cut together from many; and how
long all of it then takes.

    python -m bench.analysis [SECONDS [EFFORT [PART]]]     ten minutes and the balanced effort by default

The film is 1280x720, of shots of four seconds. All of it is surveyed; the ladder (H.264 and AV1) is encoded of its first PART
seconds alone, by one plain run of ffmpeg (`bench.film.plain_command`) and in chunks as a worker does, and that time is taken in
proportion: the shots come in turn, so that each part is about as hard as the other. A film of another length has a survey in
proportion, and the same eight stretches to look at: so shares at other lengths are reckoned, from a film of half a minute or more
as from a longer one.
"""

import contextlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bench.film import plain_command
from bench.montage import montage
from bench.rows import Row, table
from matinee.app.settings import Settings
from matinee.base.units import DurationMs
from matinee.encoding import analysis
from matinee.encoding import work as encoding
from matinee.encoding.joining import HereMaker, encode_in_parts
from matinee.encoding.ladder import PER_TITLE_V2, Effort, chosen_plans, with_effort
from matinee.encoding.measured import Analysis
from matinee.encoding.rules import with_rungs
from matinee.encoding.stretches import GROUPS_OF_PICTURES
from matinee.outside.processes import Finished
from matinee.outside.tools import find_tools

SECONDS, PART = 600, 40
TEN_MINUTES, LONG_SECONDS = 600, 90 * 60
MOST_SHARE, MOST_WALL = 0.20, 1.3
_STAGES = {"survey": "survey.txt", "score": "libvmaf", "stretch": "utvideo"}
"""A word by which the command of each stage is known; all others are encodes of points."""


def run(seconds: int = SECONDS, effort: str = "balanced", part: int = PART) -> list[Row]:
    tools = find_tools()
    ladder = msgspec.structs.replace(with_effort(PER_TITLE_V2, Effort(effort)), chunk_ms=DurationMs(20_000))
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        folder = Path(name)
        film = montage(folder, seconds)
        plan = encoding.plan(encoding.probe(film, tools), ladder)
        costs: dict[str, float] = dict.fromkeys((*_STAGES, "points"), 0.0)
        began = time.monotonic()
        found = _timed(costs, lambda: analysis.analyse(plan, film, folder, tools, lambda _: None))
        looking = time.monotonic() - began
        beginning = montage(folder, min(part, seconds))
        short = with_rungs(encoding.plan(encoding.probe(beginning, tools), ladder), chosen_plans(found.choices, found.rate))
        lasts = max(0.001, (short.promised_ms or 0) / 1000)
        argv = plain_command(short, beginning, tools)
        before, began = _children(), time.monotonic()
        subprocess.run(argv, cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        per_second, plain = (_children() - before) / lasts, (time.monotonic() - began) / lasts
        began = time.monotonic()
        maker = HereMaker(beginning, "0" * 64, folder / "parts", tools, Settings().parts_at_once)
        encode_in_parts(short, beginning, folder, maker, tools, lambda _: None)
        chunked = (time.monotonic() - began) / lasts
    whole, length = sum(costs.values()), found.survey.frames / float(found.rate.fraction)
    share = whole / (per_second * length)
    looked = sum(one.frames for one in found.stretches)
    more = analysis.STRETCHES * GROUPS_OF_PICTURES * found.segment_frames / looked  # of a short film there is less to look at
    long, at_ten = (costs["survey"] / length * lasts + (whole - costs["survey"]) * more for lasts in (LONG_SECONDS, TEN_MINUTES))
    where = ", ".join(f"{stage} {cost / whole:.0%}" for stage, cost in costs.items())
    baseline = f"a plain run of the ladder ({len(found.choices)} rungs), of {min(part, seconds)} s, in proportion"
    job = (looking * at_ten / whole + chunked * TEN_MINUTES) / (plain * TEN_MINUTES)
    return [
        Row(
            name=f"processor time of an analysis, {length:.0f} s of 720p, {effort}; {where}",
            value=whole,
            unit="s",
            baseline=f"{baseline}: {per_second * length:.0f} s",
            ratio=share,
            goal=f"ratio <= {MOST_SHARE:g}" if length >= SECONDS else "",
            verdict="shown" if length < SECONDS else "meets" if share <= MOST_SHARE else "misses",
        ),
        Row(
            name=f"the same of ten minutes, reckoned, {effort}",
            value=at_ten,
            unit="s",
            baseline=baseline,
            ratio=at_ten / (per_second * TEN_MINUTES),
            goal=f"ratio <= {MOST_SHARE:g}",
            verdict="meets" if at_ten / (per_second * TEN_MINUTES) <= MOST_SHARE else "misses",
        ),
        Row(
            name=f"the same of 90 minutes, reckoned, {effort}",
            value=long,
            unit="s",
            baseline=baseline,
            ratio=long / (per_second * LONG_SECONDS),
            goal="",
            verdict="shown",
        ),
        Row(
            name=f"wall time of all: looking and encoding in chunks, ten minutes, reckoned, {effort}",
            value=looking * at_ten / whole + chunked * TEN_MINUTES,
            unit="s",
            baseline=f"{baseline}: {plain * TEN_MINUTES:.0f} s; chunks alone {chunked / plain:.2f} of it",
            ratio=job,
            goal=f"ratio <= {MOST_WALL:g}",
            verdict="meets" if job <= MOST_WALL else "misses",
        ),
    ]


def _timed(costs: dict[str, float], work: Callable[[], Analysis]) -> Analysis:
    """Run the analysis with each child's processor time booked to its stage."""
    inside = vars(analysis)
    plain = inside["run"]

    def booked(argv: Sequence[str], **limits: object) -> Finished:
        before, said = _children(), " ".join(argv)
        done: Finished = plain(argv, **limits)
        costs[next((stage for stage, word in _STAGES.items() if word in said), "points")] += _children() - before
        return done

    inside["run"] = booked
    try:
        return work()
    finally:
        inside["run"] = plain


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        print(table(run(*(int(word) if word.isdigit() else word for word in sys.argv[1:]))))  # type: ignore[arg-type]
