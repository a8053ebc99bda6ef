"""One part of a film is made: all of a short film, one chunk's rungs, or all that is no rung. Any worker may do it.

What a part is made of is named by its key: the SHA-256 of the film's own hash, the version of this stage, the encoder's build and
the whole command, with the paths left out; for what holds text, the files beside the film too. Equal keys mean equal bytes, so
what lies under a key is never made again.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec

from matinee.base.units import DurationMs
from matinee.encoding import chunk_command, command
from matinee.encoding.chunks import Chunk, Part, PartKind
from matinee.encoding.model import EncodedFilm, EncodePlan, FilmRefused, RefusalReason
from matinee.encoding.report import ProgressReader, read_checksums
from matinee.encoding.subtitles import LARGEST_BYTES
from matinee.encoding.work import Progress, encode_into, encode_limits, run_encoder
from matinee.outside.tools import Tools

STAGE_VERSION = 1
"""Raised when what is made of equal commands changes."""


class Made(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one part came to: its files, by paths within its folder, and what is known of the film from it."""

    frames: int
    files: tuple[str, ...]
    film: EncodedFilm | None = None


def key_of(plan: EncodePlan, part: Part, film_sha256: str, build: str, beside: Sequence[str] = ()) -> str:
    """The name of what a part comes to, in hexadecimal. `beside` are the hashes of the files that lie beside the film."""
    argv = part_command(plan, part, Path("/film"), Tools("ffmpeg", "ffprobe", "packager"))
    told = (film_sha256, STAGE_VERSION, build, part, (plan, beside) if part.chunk is None else plan.video, argv)
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def hashes_beside(plan: EncodePlan, source: Path) -> tuple[str, ...]:
    """The SHA-256 of each text file beside the film that the plan takes a track from, as far as it is read; "" for one that
    cannot be read."""
    files = [source.parent / text.sidecar for text in plan.text if text.sidecar]
    return tuple(_hash_of(file) for file in files)


def _hash_of(file: Path) -> str:
    try:
        with file.open("rb") as text:
            return hashlib.sha256(text.read(LARGEST_BYTES)).hexdigest()
    except OSError:
        return ""


@cache
def tool_build(tools: Tools) -> str:
    """Which encoder this is: the SHA-256 of its program."""
    with Path(tools.ffmpeg).open("rb") as program:
        return hashlib.file_digest(program, "sha256").hexdigest()


def make(plan: EncodePlan, part: Part, source: Path, folder: Path, tools: Tools, progress: Progress) -> Made:
    """Make a part in an empty folder. Raises FilmRefused and EncodeFailed, as an encode does.

    A chunk that lies beyond the end of a film comes out empty; so does one whose reader could not jump to it: what is made of
    those is for the joining to decide, which knows the whole.
    """
    film, frames = None, 0
    if part.chunk is None:
        film = encode_into(folder, plan, source, tools, progress, rungs=part.kind is PartKind.WHOLE)
        frames = film.frames
    else:
        try:
            _encode_chunk(plan, part.chunk, source, folder, tools, progress)
            frames = len(read_checksums(folder / chunk_command.CHECKSUMS_FILE))
        except FilmRefused as refusal:
            if not part.chunk.sought or refusal.reason is not RefusalReason.UNDECODABLE:
                raise
        if frames == 0:
            for path in folder.iterdir():
                path.unlink()
    progress(1.0)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return Made(frames=frames, files=tuple(files), film=film)


def _encode_chunk(plan: EncodePlan, chunk: Chunk, source: Path, folder: Path, tools: Tools, progress: Progress) -> None:
    end = chunk.end if plan.promised_ms is None else min(chunk.end, round(plan.promised_ms * plan.rate.fraction / 1000))
    length = DurationMs(round(max(1, end - chunk.start) * 1000 / plan.rate.fraction))
    argv = chunk_command.chunk_command(plan, chunk, source, tools)
    run_encoder(argv, encode_limits(plan), folder, plan.source_name, ProgressReader(length, progress))


def part_command(plan: EncodePlan, part: Part, source: Path, tools: Tools) -> list[str]:
    """The encoder's whole command line for a part."""
    if part.chunk is not None:
        return chunk_command.chunk_command(plan, part.chunk, source, tools)
    if part.kind is PartKind.REST:
        return chunk_command.rest_command(plan, source, tools)
    return command.encode_command(plan, source, tools)
