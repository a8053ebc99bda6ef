"""A film from its parts: what is cut, made and compared here ends in the same `EncodedFilm` as one run would.

cut -> made by a Maker, anywhere -> every frame compared with the one decode of the whole -> chunks that differ made anew from the
film's beginning -> each rung's chunks put one after another, without encoding anew
"""

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
import structlog

from matinee.encoding import chunk_command
from matinee.encoding.chunks import Part, PartKind, cut, differing, from_the_beginning, parts_of
from matinee.encoding.making import Made, hashes_beside, key_of, make, tool_build
from matinee.encoding.model import EncodedFilm, EncodeFailed, EncodePlan, VideoPlan
from matinee.encoding.report import ProgressReader, decoder_setup, key_frames, read_checksums, read_video
from matinee.encoding.work import Progress, encode_limits, into_place, run_encoder, video_renditions
from matinee.outside.tools import Tools

_MADE = "made.json"

log = structlog.get_logger("matinee.encode")


class Ready(NamedTuple):
    """A part that is made, and the folder where its files lie for now."""

    made: Made
    folder: Path


class Maker(Protocol):
    """Who makes parts. What it raises is what the first part that failed raised."""

    def make(self, plan: EncodePlan, parts: Sequence[Part], progress: Progress) -> Sequence[Ready]: ...


class HereMaker:
    """Makes parts in this process, some at once, each in a folder of its own under `folder`."""

    def __init__(self, source: Path, sha256: str, folder: Path, tools: Tools, at_once: int = 1) -> None:
        self._source = source
        self._sha256 = sha256
        self._folder = folder
        self._tools = tools
        self._at_once = at_once

    def make(self, plan: EncodePlan, parts: Sequence[Part], progress: Progress) -> Sequence[Ready]:
        """One that stands under its key already is taken as it is."""
        done = [0.0] * len(parts)

        def one(number: int) -> Ready:
            def tell(fraction: float) -> None:
                done[number] = fraction
                progress(sum(done) / len(done))

            return self._one(plan, parts[number], tell)

        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(one, range(len(parts))))

    def _one(self, plan: EncodePlan, part: Part, progress: Progress) -> Ready:
        key = key_of(plan, part, self._sha256, tool_build(self._tools), hashes_beside(plan, self._source))
        place, draft = self._folder / key, self._folder / f"{key}.draft"
        if not (place / _MADE).exists():
            for leftover in (place, draft):
                shutil.rmtree(leftover, ignore_errors=True)
            draft.mkdir(parents=True)
            made = make(plan, part, self._source, draft, self._tools, progress)
            (draft / _MADE).write_bytes(msgspec.json.encode(made))
            draft.rename(place)
        return Ready(msgspec.json.decode((place / _MADE).read_bytes(), type=Made), place)


def encode_in_parts(plan: EncodePlan, source: Path, workdir: Path, maker: Maker, tools: Tools, progress: Progress) -> EncodedFilm:
    """Make everything that a plan names, under `workdir/encode`, in as many chunks as it is cut into.

    Raises as `encoding.work.encode` does.
    """
    return into_place(plan, source, workdir, lambda folder: _fill(folder, plan, maker, tools, progress), progress)


def _fill(folder: Path, plan: EncodePlan, maker: Maker, tools: Tools, progress: Progress) -> EncodedFilm:
    cutting = cut(plan)
    first, *made = maker.make(plan, parts_of(cutting), progress)
    film = _taken(first, folder)
    if not cutting.chunks:
        return film
    wanted = read_checksums(folder / chunk_command.CHECKSUMS_FILE)
    (folder / chunk_command.CHECKSUMS_FILE).unlink()
    by_start = {chunk.start: ready for chunk, ready in zip(cutting.chunks, made, strict=True)}
    bad = differing(cutting.chunks, [_checksums(one) for one in made], wanted)
    if bad:
        log.warning("a film cannot be sought exactly", film=plan.source_name, chunks=len(bad), of=len(cutting.chunks))
        for chunk in bad:
            del by_start[chunk.start]
        again = from_the_beginning(bad)
        parts = [Part(kind=PartKind.CHUNK, chunk=chunk) for chunk in again]
        for chunk, ready in zip(again, maker.make(plan, parts, progress), strict=True):
            by_start[chunk.start] = ready
    chunks = [by_start[start] for start in sorted(by_start) if by_start[start].made.frames]
    frames = sum(one.made.frames for one in chunks)
    if frames != film.frames:
        raise _unlike(plan, f"its chunks have {frames} frames, and the film {film.frames}")
    for rung in plan.video:
        _join(plan, rung, chunks, folder, tools)
    return msgspec.structs.replace(film, video=video_renditions(folder, plan, film.frames, film.duration_ms))


def _taken(ready: Ready, folder: Path) -> EncodedFilm:
    """A part's files in the film's own folder, and what was told of the film."""
    assert ready.made.film is not None  # noqa: S101 -- such parts tell of the film
    for file in ready.made.files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        os.link(ready.folder / file, folder / file)
    return ready.made.film


def _checksums(ready: Ready) -> list[str]:
    return read_checksums(ready.folder / chunk_command.CHECKSUMS_FILE)


def _join(plan: EncodePlan, rung: VideoPlan, chunks: Sequence[Ready], folder: Path, tools: Tools) -> None:
    files, counts = [one.folder / rung.path for one in chunks], [read_video(one.folder / rung.path).frames for one in chunks]
    if counts != [one.made.frames for one in chunks]:
        raise _unlike(plan, f"of {rung.name} a chunk has frames too few or too many")
    if len({decoder_setup(file) for file in files}) != 1:
        raise _unlike(plan, f"the chunks of {rung.name} ask for decoders of several kinds")
    names = [(f"join/{number}-{rung.path}", count) for number, count in enumerate(counts)]
    (folder / "join").mkdir()
    for (name, _), file in zip(names, files, strict=True):
        os.link(file, folder / name)
    list_file = f"{rung.name}.list"
    (folder / list_file).write_text(chunk_command.join_list(plan, names), encoding="ascii")
    argv = chunk_command.join_command(plan, rung, list_file, tools)
    run_encoder(argv, encode_limits(plan), folder, plan.source_name, ProgressReader(None, lambda _: None))
    shutil.rmtree(folder / "join")
    (folder / list_file).unlink()
    joined = folder / rung.path
    if read_video(joined).frames != sum(counts) or key_frames(joined) != list(range(0, sum(counts), plan.segment_frames)):
        raise _unlike(plan, f"{rung.name} does not begin a segment each {plan.segment_frames} frames")


def _unlike(plan: EncodePlan, why: str) -> EncodeFailed:
    return EncodeFailed(
        f"The chunks of {plan.source_name} do not make one film: {why}.",
        remedy="Add it again; with a ladder whose chunk_ms is longer than the film it is encoded in one run.",
    )
