"""Shaka Packager as a child process: it cuts renditions into CMAF segments and encrypts them. Manifests are not its work here.

What it is told is data first (`Job`), then two texts that a test compares whole: the arguments, which any process of the machine
may read, and the flags, which hold the key. The flags travel by a file that lives in memory only (memfd) and reaches the packager
as its standard input, so that a machine that dies mid-job leaves no key on a disk.

The packager would draw a random IV and write the time of day; it is given both, so that two runs give equal bytes.
"""

import re
import tempfile
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Literal

from matinee.outside.processes import Limits, ToolFailed, held_in_memory, run
from matinee.outside.tools import Tools

INITIALISATION = "init.mp4"
SEGMENT_SUFFIX = ".m4s"

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_LABEL = "film"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One rendition to cut up: `source` is a path within the job's input folder, `name` the folder its segments go to."""

    name: str
    kind: Literal["video", "audio"]
    source: str

    def __post_init__(self) -> None:
        # The packager reads a descriptor as a list with commas: a name must not be able to add a field of its own.
        if not _SAFE.fullmatch(self.name) or not _SAFE.fullmatch(self.source) or ".." in self.source:
            raise ValueError(f"the packager takes plain names only, not {self.name!r} from {self.source!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that the packager must know. `kid`, `key`, `iv` are 16 bytes each; `systems` are the packager's own names.

    `opens`: key id and key of streams that are encrypted already. They are decrypted on the way, in its memory alone.
    """

    streams: tuple[Stream, ...]
    segment: Fraction
    kid: bytes
    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    systems: tuple[str, ...]
    opens: tuple[bytes, bytes] | None = field(default=None, repr=False)


def flags(job: Job) -> str:
    """The flag file, one flag to a line: the part of the command that holds the key."""
    keys = f"label={_LABEL}:key_id={job.kid.hex()}:key={job.key.hex()}"
    opening = []
    if job.opens is not None:
        opening.append("--enable_raw_key_decryption")
        keys += f",label=before:key_id={job.opens[0].hex()}:key={job.opens[1].hex()}"
    lines = [
        "--enable_raw_key_encryption",
        *opening,
        "--protection_scheme=cbcs",
        f"--keys={keys}",
        f"--iv={job.iv.hex()}",
        f"--protection_systems={','.join(job.systems)}",
        "--clear_lead=0",
        f"--segment_duration={_seconds(job.segment)}",
        "--generate_sidx_in_media_segments=false",
        "--use_fake_clock_for_muxer",
        "--quiet",
    ]
    return "\n".join(lines) + "\n"


def arguments(job: Job, packager: str) -> list[str]:
    """The command line: paths only, relative to a folder with `in` (the renditions) and `out`."""
    return [packager, "--flagfile=/dev/stdin", *(_descriptor(stream) for stream in job.streams)]


def package(job: Job, *, renditions: Path, out: Path, tools: Tools, limits: Limits) -> None:
    """Cut and encrypt every stream of `renditions` into `out/<name>/init.mp4` and `out/<name>/<n>.m4s`, n from 1.

    `out` is an empty folder. Raises ToolFailed, whose text never holds the key.
    """
    with (
        tempfile.TemporaryDirectory(prefix=".matinee-packager-", dir=out.parent) as private,
        held_in_memory(flags(job).encode("ascii")) as told,
    ):
        (Path(private) / "in").symlink_to(renditions.resolve(), target_is_directory=True)
        (Path(private) / "out").symlink_to(out.resolve(), target_is_directory=True)
        try:
            run(arguments(job, tools.packager), limits=limits, cwd=Path(private), stdin_path=told)
        except ToolFailed as error:
            # What the tool said is kept for a log: take out what it may have quoted of its flags.
            raise ToolFailed(
                _without_secrets(error.message, job),
                remedy=error.remedy,
                code=error.code,
                stderr=_without_secrets(error.stderr, job),
                timed_out=error.timed_out,
                signal_number=error.signal_number,
            ) from None


def _descriptor(stream: Stream) -> str:
    # The packager refuses "und" and many a tag that it does not know; only the manifests, which are ours, need the language.
    return (
        f"in=in/{stream.source},stream={stream.kind},drm_label={_LABEL},"
        f"init_segment=out/{stream.name}/{INITIALISATION},segment_template=out/{stream.name}/$Number${SEGMENT_SUFFIX}"
    )


def _seconds(length: Fraction) -> str:
    """A length that the packager turns into the right number of ticks.

    It multiplies by the track's timescale and cuts off what is behind the point: 2.002 s of 24000 ticks may become 48047, and
    after enough segments a group of pictures falls into its neighbour. A ten-millionth of a second more makes the cut exact for
    every timescale below ten million.
    """
    exact = Decimal(length.numerator) / Decimal(length.denominator) + Decimal("1e-7")
    return f"{exact:.9f}"


def _without_secrets(text: str, job: Job) -> str:
    for secret in (job.key, job.iv, *(job.opens or ())[1:]):
        text = re.sub(secret.hex(), "[hidden]", text, flags=re.IGNORECASE)
    return text
