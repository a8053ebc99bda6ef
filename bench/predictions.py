"""What an analysis expects of a rung, against what the rung then is: rate and VMAF, for short clips and for a montage.

    python -m bench.predictions [EFFORT [FILM ...]]     fast by default; names of shared films, or "montage"

Each clip is analysed, encoded whole by the rungs that were chosen (H.264 and AV1), and scored whole by the analysis's model.
"""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.film import SHARED_FILMS
from bench.montage import montage
from bench.rows import Row, table
from matinee.encoding import analysis_command as command
from matinee.encoding import work as encoding
from matinee.encoding.analysis import MODEL, read_scores
from matinee.encoding.ladder import PER_TITLE_V2, Effort, with_effort
from matinee.encoding.measured import Point, Stretch
from matinee.encoding.model import EncodePlan, VideoPlan
from matinee.encoding.report import frame_sizes
from matinee.outside.tools import Tools, find_tools

CLIPS = (
    ("bbb_480p24_30s_5.1.mp4", 0, 24),
    ("gotland_race_360p24_ad.mp4", 0, 10),
    ("mdn_crystal_480p30.mp4", 0, 12),
    ("chaplin_grain_bw_360p.mp4", 0, 9),
    ("sintel_trailer_720p24.mp4", 12, 16),
)
"""A shared film, the second at which its clip begins, and how many it lasts."""
MONTAGE_SECONDS, MONTAGE_SIZE = 96, "640x360"
"""Three times what is looked at: here the stretches must speak for what they are not."""
VMAF_WITHIN, RATE_WITHIN = 2.0, 0.10
RUNGS_WITHIN = 0.9
_JUDGES = (command.Judge(MODEL, 5),)


@dataclass(frozen=True, slots=True)
class Compared:
    """One rung: what was expected, what came, and how much the fullest segment takes over the mean."""

    film: str
    rung: VideoPlan
    bitrate: float
    score: float
    fullest: float

    @property
    def holds(self) -> bool:
        rate = abs(self.bitrate / self.rung.bitrate - 1)
        return abs(self.score - (self.rung.score or 0.0)) <= VMAF_WITHIN and rate <= RATE_WITHIN


def run(effort: str = "fast", *films: str) -> list[Row]:
    tools, found = find_tools(), []
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        folder = Path(name)
        for film, start, seconds in CLIPS:
            if not films or film in films:
                found += _compared(film, _cut(folder, film, start, seconds, tools), folder, Effort(effort), tools)
        if not films or "montage" in films:
            found += _compared("montage", montage(folder, MONTAGE_SECONDS, MONTAGE_SIZE), folder, Effort(effort), tools)
    good = sum(one.holds for one in found)
    fullest = max(one.fullest for one in found)
    return [
        Row(
            name=f"rungs within {VMAF_WITHIN:g} VMAF and {RATE_WITHIN:.0%} of the rate expected, {effort}",
            value=100 * good / len(found),
            unit="%",
            baseline=f"{good} of {len(found)} rungs, of {len({one.film for one in found})} films",
            ratio=good / len(found),
            goal=f"ratio >= {RUNGS_WITHIN:g}",
            verdict="meets" if good / len(found) >= RUNGS_WITHIN else "misses",
        ),
        Row(
            name=f"fullest segment of two seconds over the rung's mean, {effort}",
            value=fullest,
            unit="x",
            baseline=f"above 2 in {sum(one.fullest > 2 for one in found)} of {len(found)} rungs",
            ratio=fullest,
            goal="ratio <= 2 (HLS authoring)",
            verdict="meets" if fullest <= 2 else "misses",
        ),
    ]


def told(found: Sequence[Compared]) -> str:
    """The table of rungs: expected and delivered."""
    lines = [f"{'film':<28} rung         crf  kbit/s    came    off   VMAF  came   off fullest segment"]
    for one in found:
        rung, score = one.rung, one.rung.score or 0.0
        lines.append(
            f"{one.film[:28]:<28} {rung.name:<10} {rung.crf:>5g} {rung.bitrate / 1000:>7.0f} {one.bitrate / 1000:>7.0f} "
            f"{one.bitrate / rung.bitrate - 1:>+6.1%}  {score:>5.1f} {one.score:>5.1f} {one.score - score:>+5.1f} "
            f"{one.fullest:.2f}{'' if one.holds else '  off'}"
        )
    return "\n".join(lines)


def _cut(folder: Path, film: str, start: int, seconds: int, tools: Tools) -> Path:
    out = folder / f"cut-{film}.mp4"
    argv = [tools.ffmpeg, "-nostdin", "-y", "-loglevel", "error", "-ss", str(start), "-i", str(SHARED_FILMS / film)]
    argv += ["-t", str(seconds), "-an", "-sn", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", str(out)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return out


def _compared(name: str, clip: Path, folder: Path, effort: Effort, tools: Tools) -> list[Compared]:
    plan = encoding.plan(encoding.probe(clip, tools), with_effort(PER_TITLE_V2, effort))
    plan, analysis = encoding.choose(plan, clip, folder, tools, lambda _: None)
    if analysis is None:
        raise SystemExit(f"{name}: {plan.warnings[-1].message}")
    made = encoding.encode(plan, clip, folder, tools, lambda _: None)
    whole = Stretch(start_frame=0, frames=made.frames, weight=1.0, scale=1.0)
    _call(command.stretch_command(plan, 0, whole, clip, tools), folder)
    (folder / command.REEL_FILE).write_text(command.reel_list(1))
    points = [_point(rung) for rung in plan.video]
    _call(command.score_command(plan, points, _JUDGES, tools), folder)
    came = [_came(name, rung, plan, folder) for rung in plan.video]
    print(told(came), file=sys.stderr, flush=True)
    return came


def _point(rung: VideoPlan) -> Point:
    path = f"{encoding.OUT}/{rung.path}"
    return Point(name=rung.name, path=path, width=rung.width, height=rung.height, crf=rung.crf or 0, coding=rung.coding)


def _came(film: str, rung: VideoPlan, plan: EncodePlan, folder: Path) -> Compared:
    sizes = frame_sizes(folder / encoding.OUT / rung.path)
    scores = [vmaf for _, vmaf in read_scores((folder / command.scores_file(_point(rung), 0)).read_bytes())]
    mean = sum(sizes) / len(sizes)
    step = plan.segment_frames
    whole = range(0, len(sizes) - step + 1, step)
    fullest = max((sum(sizes[begin : begin + step]) / step / mean for begin in whole), default=1.0)
    bitrate = mean * 8 * float(plan.rate.fraction)
    return Compared(film=film, rung=rung, bitrate=bitrate, score=sum(scores) / len(scores), fullest=fullest)


def _call(argv: Sequence[str], folder: Path) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=3600, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SystemExit(f"{argv[0]} failed: {done.stderr[-400:]}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        print(table(run(*sys.argv[1:])))
