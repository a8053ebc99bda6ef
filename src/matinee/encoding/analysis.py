"""The analysis of a film: encode a little of it in many ways, score that, and choose the rungs that are worth having.

    survey (whole film, small)  ->  stretches  ->  reel  ->  points (encodes)  ->  scores  ->  choices  ->  those once more, held

The survey, the reel and its decode are shared by all codings. All of it lies in one folder that is taken away at the end; what
was measured is kept as figures (`kept.py`), and what is kept is not done again.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import TypeVar

import msgspec

from matinee.base.units import DurationMs
from matinee.encoding import analysis_command as command
from matinee.encoding import search
from matinee.encoding.analysis_command import Judge
from matinee.encoding.hull import choose_rungs
from matinee.encoding.kept import Kept, build_of, file_hash, key_of
from matinee.encoding.measured import Analysis, Measured, Point, Sample, Stretch, Survey
from matinee.encoding.model import Choice, Coding, EncodeFailed, EncodePlan
from matinee.encoding.report import ProgressReader, frame_sizes, last_error
from matinee.encoding.rules import LONGEST_MS, printable
from matinee.encoding.stretches import choose_stretches, surveyed
from matinee.outside.processes import Limits, ToolFailed, run
from matinee.outside.tools import Tools

MODEL = "vmaf_v1.0.16_3d0h"
OLDER_MODEL = "vmaf_v0.6.1"
"""What others publish is by this one: the rungs that are chosen are scored by it too, and nothing is decided by it."""
STRETCHES = 8
AT_ONCE = 10
"""Points that are encoded and scored by one run: each judge of a picture of 1080 lines takes 0.2 GB."""
_FOLDER = "analysis.part"
_MEMORY = 8 * 1024**3
_LARGEST_FILE = 2 * 1024**3
"""Of a stretch: eight seconds without loss of 1080 lines and 60 frames a second, not packed at all, are 1.5 GB."""
_JUDGE_LIMITS = Limits(wall_seconds=60, memory_bytes=2 * 1024**3)
_SURVEY_SHARE = 0.15
"""Of the whole time, as a person is told of it."""

_ANY_SOURCE, _ANY_TOOLS = Path("/film"), Tools("ffmpeg", "ffprobe", "packager")
"""In the keys of what is kept: where a film and a program lie changes no figure."""

Progress = Callable[[float], None]
T = TypeVar("T", bound=msgspec.Struct)


def analyse(
    plan: EncodePlan,
    source: Path,
    workdir: Path,
    tools: Tools,
    progress: Progress,
    most: int = STRETCHES,
    kept: Kept | None = None,
) -> Analysis:
    """Measure a film and choose its rungs. `plan` is made with a fixed ladder: it says at which frame sizes to look.

    Raises EncodeFailed where the film or the machine does not allow it; of pictures nothing is left behind.
    """
    folder = workdir / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return _Analysis(plan, source, folder, tools, progress, most, kept).run()
    except ToolFailed as error:
        why = "it takes too long" if error.timed_out else last_error(error.stderr)
        raise _failed(plan, why) from error
    except (OSError, msgspec.DecodeError) as error:
        raise _failed(plan, f"what it wrote cannot be read ({error})") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if kept is not None:
            kept.trim()


_FIRST_LOOK = (Judge(MODEL, 17),)
_SECOND_LOOK = (Judge(MODEL, 11), Judge(OLDER_MODEL, 33))
"""The first look only says where to look again; the older model's figure is told, and decides nothing."""

_Look = Sequence[Judge]


class _Analysis:
    """One analysis under way: the film, its folder, and how far it is."""

    def __init__(
        self,
        plan: EncodePlan,
        source: Path,
        folder: Path,
        tools: Tools,
        progress: Progress,
        most: int,
        kept: Kept | None,
    ) -> None:
        self._plan, self._source, self._folder, self._tools, self._most, self._kept = plan, source, folder, tools, most, kept
        self._progress, self._done = progress, 0.0
        self._codings = [coding for coding in Coding if any(rung.coding is coding for rung in plan.video)]
        seconds = (plan.promised_ms or LONGEST_MS) / 1000
        self._limits = Limits(wall_seconds=1800 + 30 * seconds, memory_bytes=_MEMORY, file_bytes=_LARGEST_FILE)
        self._film = [] if kept is None else [file_hash(source), build_of(tools)]
        self._stretches: tuple[Stretch, ...] = ()
        self._has_reel = False
        self._was_judged = False

    def run(self) -> Analysis:
        survey = self._survey()
        self._stretches = choose_stretches(survey, self._plan.segment_frames, self._most)
        if not self._stretches:
            raise _failed(self._plan, "none of its frames can be decoded")
        sizes = list(dict.fromkeys((rung.width, rung.height) for rung in self._plan.video))
        looked = self._measure(search.first_points(sizes), _FIRST_LOOK, until=0.5)
        choices = self._chosen(looked)
        if Coding.AV1 in self._codings:
            beside = self._measure(search.beside(choices), _FIRST_LOOK, until=0.65)
            choices, looked = [*choices, *self._chosen(beside, choices[0])], [*looked, *beside]
        seen = [one for one, _ in self._measure(search.held(choices), _SECOND_LOOK, until=1.0)]
        self._tell(1.0)
        return Analysis(
            presets={coding: self._plan.preset_of(coding) for coding in self._codings},
            model=MODEL,
            older_model=OLDER_MODEL,
            rate=self._plan.rate,
            segment_frames=self._plan.segment_frames,
            survey=survey,
            stretches=self._stretches,
            points=(*(one for one, _ in looked), *seen),
            choices=tuple(one for coding in self._codings for one in search.settled(choices, seen, coding)),
        )

    def _survey(self) -> Survey:
        key = key_of(self._film, command.survey_command(self._plan, _ANY_SOURCE, _ANY_TOOLS))
        found = self._find(key, Survey)
        if found is None:
            self._check_judges()  # a model that is missing is told of before the whole film is read, not after
            argv = command.survey_command(self._plan, self._source, self._tools)
            self._run(argv, self._plan.promised_ms, until=_SURVEY_SHARE)
            with (self._folder / command.SURVEY_FILE).open(encoding="ascii", errors="replace") as lines:
                found = surveyed(read_survey(lines), self._plan.segment_frames)
            self._keep(key, found)
        return found

    def _measure(self, points: Sequence[Point], look: _Look, until: float) -> list[tuple[Measured, Sample]]:
        """Encode the reel at each point and score it, as far as that is not known yet."""
        keys = {point.name: self._key(point, look) for point in points}
        found = {point.name: sample for point in points if (sample := self._find(keys[point.name], Sample)) is not None}
        missing = [point for point in points if point.name not in found]
        if missing:
            self._check_judges()
            self._make_reel()
        batches = [missing[begin : begin + AT_ONCE] for begin in range(0, len(missing), AT_ONCE)]
        for number, batch in enumerate(batches):
            share = (until - self._done) / (len(batches) - number)
            half, whole = self._done + share / 2, self._done + share
            length = DurationMs(round(self._frames * 1000 / self._plan.rate.fraction))
            self._run(command.points_command(self._plan, batch, self._tools), length, until=half)
            self._run(command.score_command(self._plan, batch, look, self._tools), length, until=whole)
            for point in batch:
                found[point.name] = self._sample(point, look)
                self._keep(keys[point.name], found[point.name])
                (self._folder / point.path).unlink()
        self._tell(until)
        return [(self._measured(one, found[one.name]), found[one.name]) for one in points]

    def _measured(self, point: Point, sample: Sample) -> Measured:
        return search.measured_as(point, sample, self._stretches, self._plan.segment_frames, self._plan.rate)

    def _make_reel(self) -> None:
        if not self._has_reel:
            for number, one in enumerate(self._stretches):
                argv = command.stretch_command(self._plan, number, one, self._source, self._tools)
                run(argv, limits=self._limits, cwd=self._folder)
            (self._folder / command.REEL_FILE).write_text(command.reel_list(len(self._stretches)))
            self._has_reel = True

    def _check_judges(self) -> None:
        if not self._was_judged:
            run(command.judge_command([one.model for one in _SECOND_LOOK], self._tools), limits=_JUDGE_LIMITS, cwd=self._folder)
            self._was_judged = True

    def _chosen(self, looked: Sequence[tuple[Measured, Sample]], best: Choice | None = None) -> list[Choice]:
        """The rungs by a first look, each with the peak that it is to be held to; none beyond the `best` of an older coding."""
        choices = []
        for choice in choose_rungs((one for one, _ in looked), best):
            same = [(abs(one.crf - choice.crf), one, sample) for one, sample in looked if one.height == choice.height]
            _, near, sample = min(same, key=lambda each: each[0])
            step, rate = self._plan.segment_frames, self._plan.rate
            choices.append(search.with_peak(choice, sample, near.bitrate, self._stretches, step, rate))
        return choices

    def _sample(self, point: Point, look: _Look) -> Sample:
        sizes = frame_sizes(self._folder / point.path)
        if len(sizes) != self._frames:  # a stretch that came short would hand its frames to its neighbours
            raise _failed(self._plan, "it does not decode where its stretches begin")
        groups: list[int] = []
        for begin, end in self._bounds():
            groups += surveyed(sizes[begin:end], self._plan.segment_frames).groups
        scores, *older = [self._scores(point, place, look) for place in range(len(look))]
        return Sample(groups=tuple(groups), scores=scores, older=older[0] if older else ())

    def _scores(self, point: Point, place: int, look: _Look) -> tuple[float, ...]:
        """What a judge gave each stretch; to one so short that none of its frames was scored, what it gave them all."""
        counted = read_scores((self._folder / command.scores_file(point, place)).read_bytes())
        scores = [(command.scored_frame(number, look), score) for number, score in counted]
        mine = [[score for frame, score in scores if begin <= frame < end] for begin, end in self._bounds()]
        return tuple(fmean(each or [score for _, score in scores]) for each in mine)

    def _bounds(self) -> list[tuple[int, int]]:
        """Where each stretch begins and ends in the reel."""
        ends = list(accumulate(one.frames for one in self._stretches))
        return list(zip([0, *ends], ends, strict=False))

    @property
    def _frames(self) -> int:
        return sum(one.frames for one in self._stretches)

    def _key(self, point: Point, look: _Look) -> str:
        """All that an encode's figures follow from. Names of files are none of it."""
        plain = msgspec.structs.replace(point, name="p", path="p.mp4")
        reel = [
            command.stretch_command(self._plan, number, one, _ANY_SOURCE, _ANY_TOOLS)
            for number, one in enumerate(self._stretches)
        ]
        encodes = command.points_command(self._plan, [plain], _ANY_TOOLS)
        return key_of(self._film, *reel, encodes, command.score_command(self._plan, [plain], look, _ANY_TOOLS))

    def _find(self, key: str, kind: type[T]) -> T | None:
        return None if self._kept is None else self._kept.find(key, kind)

    def _keep(self, key: str, value: msgspec.Struct) -> None:
        if self._kept is not None:
            self._kept.keep(key, value)

    def _run(self, argv: list[str], length: DurationMs | None, until: float) -> None:
        low = self._done
        told = ProgressReader(length, lambda part: self._tell(low + part * (until - low)))
        run(argv, limits=self._limits, cwd=self._folder, on_stdout_line=told)
        self._tell(until)

    def _tell(self, done: float) -> None:
        if done > self._done:
            self._done = done
            self._progress(done)


def _failed(plan: EncodePlan, why: str) -> EncodeFailed:
    return EncodeFailed(
        f"{printable(plan.source_name)} could not be analysed: {printable(why).rstrip('.')}.",
        remedy="Add it with a fixed ladder (the setting ladder).",
    )


def read_survey(lines: Iterable[str]) -> Iterator[int]:
    """The bytes of each frame, from ffmpeg's framecrc: stream, dts, pts, duration, size, checksum.

    One after another: a film whose length nobody knows may have gigabytes of such lines.
    """
    for line in lines:
        parts = [] if line.startswith("#") else line.split(",")
        if len(parts) > 4:
            yield int(parts[4])


class _Metrics(msgspec.Struct):
    vmaf: float


class _Frame(msgspec.Struct, rename="camel"):
    frame_num: int
    metrics: _Metrics


class _Scored(msgspec.Struct):
    frames: list[_Frame]


def read_scores(log: bytes) -> list[tuple[int, float]]:
    """Frames, as they are counted there, and their VMAF, from libvmaf's log. Frames that were passed over are not in it."""
    return [(one.frame_num, one.metrics.vmaf) for one in msgspec.json.decode(log, type=_Scored).frames]
