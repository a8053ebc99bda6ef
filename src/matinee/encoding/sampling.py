"""How each rung looks beside its source: a few seconds at two places, scored by VMAF at 360 lines.

It asks whether a rung shows this film and nothing else, not how good it is: an analysis does that. Small frames make it cheap,
and a poor rung and a wrong one lie far apart on them. The source is decoded where a stretch begins, as a seek finds it; where a
rung then does not look like it, it is decoded from the film's start, as the encoder did: some containers seek to another picture
than they say.

Of noise (static, confetti, flicker) VMAF says next to nothing, of a right rung as of a wrong one. So a stretch that still scores
low is seen again as 32 x 18 dots, in which noise is even and what a picture shows is not: where source and rung are alike so,
its score is left out.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from matinee.encoding.analysis import MODEL, read_scores
from matinee.encoding.command import QUIET, film_input, kept_hdr, normalised, scaled
from matinee.encoding.model import EncodedFilm, EncodePlan, Transfer, VideoRendition
from matinee.outside.processes import Limits, ToolFailed, run
from matinee.outside.tools import Tools

PLACES = (1 / 3, 3 / 4)
"""Where the stretches begin, as parts of the film: neither in its titles nor in its credits."""
STRETCH_SECONDS = 2
SCORED_WIDTH, SCORED_HEIGHT = 640, 360
DOUBTED = 40.0
"""A stretch that scores less is scored again without a seek, before anything is said of it."""
ALIKE = 8.0
"""Between dots of rung and source, in steps of luma, as a root of the mean square: 6 of noise coded poorly, 12 of flicker half a
second late, 50 of another film."""
_DOTS = "scale=32:18:flags=area,format=gray"
_ERROR = re.compile(rb"\bmse_y:(\d+(?:\.\d+)?)")
_FOLDER = "sample.part"
_SCORE_EACH = 5
_MEMORY = 4 * 1024**3


def sampled_scores(plan: EncodePlan, film: EncodedFilm, source: Path, workdir: Path, tools: Tools) -> dict[str, float]:
    """The score of each rung's poorest stretch, by its name; none of a rung of which none can be told. Raises ToolFailed."""
    folder = workdir / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        found: dict[str, float] = {}
        for begin in places(film):
            scores = _sought(plan, film, begin, source, folder, tools)
            if min(scores.values()) < DOUBTED:
                scores = _scored(plan, film, begin, source, folder, tools, seeks=False)
                scores = {name: score for name, score in scores.items() if score >= DOUBTED or not _alike(folder, name)}
            found |= {name: min(score, found.get(name, score)) for name, score in scores.items()}
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def places(film: EncodedFilm) -> list[int]:
    """The frames at which stretches begin: each the first of a segment."""
    return sorted({int(film.frames * part) // film.segment_frames * film.segment_frames for part in PLACES})


def sample_command(
    plan: EncodePlan, rungs: Sequence[VideoRendition], begin: int, source: Path, tools: Tools, *, seeks: bool
) -> list[str]:
    """Score a stretch of the rungs against the source, from the frame `begin` on; one file of figures for each rung.

    It runs in a folder of the work folder. A seek aims a quarter of a frame early, so that rounding cannot lose the first frame.
    Without one the film's sounds are read too, as the encoder read them: ffmpeg counts all times from the first of any stream,
    and where times jump in a file they jump for all. Then the dots are compared as well.
    """
    frames = round(STRETCH_SECONDS * plan.rate.fraction)
    start = max(0.0, float((begin - 0.25) / plan.rate.fraction))
    ready = f"setpts=N/({plan.rate})/TB,settb=1/1000000,{scaled(SCORED_WIDTH, SCORED_HEIGHT)},format=yuv420p"
    seek = ["-ss", f"{start:.6f}"]
    first = 0 if seeks else begin
    cut = f"tpad=stop={begin - first + frames}:stop_mode=clone,trim=start_frame={first}:end_frame={first + frames}"
    argv = [tools.ffmpeg, *QUIET, "-max_error_rate", "1", "-reinit_filter", "0"]
    argv += [*(seek if seeks and begin else []), *film_input(source)]
    chains = []
    for steps, alike in _references(plan, rungs):
        labels = [f"[{kind}{one.name}]" for one in alike for kind in ("r" if seeks else "rs")]
        chains.append(f"[0:{plan.source.index}]{','.join(steps)},{cut},{ready},split={len(labels)}{''.join(labels)}")
    for number, one in enumerate(rungs, 1):
        argv += ["-protocol_whitelist", "file", *(seek if begin else []), "-i", f"file:../{one.path}"]
        options = f"model=version={MODEL}:n_threads=1:n_subsample={_SCORE_EACH}:log_fmt=json:log_path={one.name}.json"
        split = f"[d{one.name}]" if seeks else f",split=2[d{one.name}][e{one.name}]"
        chains.append(f"[{number}:v]trim=end_frame={frames},{ready}{split}")
        if not seeks:
            chains.append(f"[s{one.name}]{_DOTS}[t{one.name}];[e{one.name}]{_DOTS}[f{one.name}]")
            chains.append(f"[t{one.name}][f{one.name}]psnr=stats_file={one.name}.dots[p{one.name}]")
        chains.append(f"[d{one.name}][r{one.name}]libvmaf={options}[o{one.name}]")
    argv += ["-filter_complex", ";".join(chains)]
    for one in rungs:
        argv += ["-map", f"[o{one.name}]", "-f", "null", "-"]
        argv += [] if seeks else ["-map", f"[p{one.name}]", "-f", "null", "-"]
    for sound in plan.audio if not seeks else ():
        if sound.source_index is not None:
            end = f"{float((begin + frames) / plan.rate.fraction):.3f}"
            argv += ["-map", f"0:{sound.source_index}", "-c", "copy", "-t", end, "-f", "null", "-"]
    return argv


def _references(plan: EncodePlan, rungs: Sequence[VideoRendition]) -> list[tuple[list[str], list[VideoRendition]]]:
    """The source as the encoder was given it, for the rungs in SDR, and in its own light for those that keep that."""
    sdr = [one for one in rungs if one.transfer is Transfer.SDR]
    others = [one for one in rungs if one.transfer is not Transfer.SDR]
    found = [(normalised(plan), sdr)] if sdr else []
    if others:
        best = next(one for one in plan.video if one.transfer is not Transfer.SDR)
        found.append((kept_hdr(plan, best), others))
    return found


def _sought(plan: EncodePlan, film: EncodedFilm, begin: int, source: Path, folder: Path, tools: Tools) -> dict[str, float]:
    """The scores as a seek finds the source; of one that leads nowhere nothing is held against the rungs."""
    try:
        return _scored(plan, film, begin, source, folder, tools, seeks=True)
    except ToolFailed:
        return {one.name: 0.0 for one in film.video}


def _scored(
    plan: EncodePlan, film: EncodedFilm, begin: int, source: Path, folder: Path, tools: Tools, *, seeks: bool
) -> dict[str, float]:
    # As long as the encoder may take: from the start, or by a seek in a file without an index, all of the film is decoded.
    limits = Limits(wall_seconds=600 + 100 * film.duration_ms / 1000, memory_bytes=_MEMORY)
    for log in folder.iterdir():
        log.unlink()
    run(sample_command(plan, film.video, begin, source, tools, seeks=seeks), limits=limits, cwd=folder)
    return {one.name: _mean(folder / f"{one.name}.json") for one in film.video}


def _mean(log: Path) -> float:
    """The mean of what was scored; 0 where there was nothing to score, of which no log is written."""
    scores = [value for _, value in read_scores(log.read_bytes())] if log.exists() else []
    return sum(scores) / len(scores) if scores else 0.0


def _alike(folder: Path, name: str) -> bool:
    """Whether a rung and its source showed the same dots. Where nothing was compared they are not alike."""
    log = folder / f"{name}.dots"
    errors = [float(error) for error in _ERROR.findall(log.read_bytes())] if log.exists() else []
    return bool(errors) and (sum(errors) / len(errors)) ** 0.5 <= ALIKE
