"""What of an encoded film tells where its intro and its credits lie: fingerprints of its sound, cuts, silences, cards of credits.

It is read from the renditions, whose times are those that viewers see, by ffmpeg as a limited child: they hold what a stranger's
film decoded to. Frames are small and grey, and come one each second.
"""

import re
from pathlib import Path

import msgspec
import numpy as np

from matinee.base.units import DurationMs, PositionMs
from matinee.encoding.closing import HEIGHT, WIDTH, credits_of
from matinee.encoding.command import QUIET, source_url
from matinee.encoding.model import EncodedFilm, Transfer
from matinee.encoding.prints import SoundPrint, Stretch
from matinee.outside.processes import Limits, ToolFailed, run
from matinee.outside.tools import Tools

HEAD_MS, HEAD_SHARE = 600_000, 0.5
"""The sound's fingerprint is taken over the first ten minutes, or the first half of a shorter film ..."""
TAIL_MS, TAIL_SHARE = 300_000, 0.3
"""... and over the last five minutes, or the last three tenths."""
CREDITS_MS, CREDITS_SHARE = 720_000, 0.3
"""Cards of credits are looked for in the last twelve minutes, or the last three tenths."""
FRAME_MS = 1_000
SILENCE = "silencedetect=noise=-50dB:duration=0.3"
_LIMITS = Limits(wall_seconds=600, memory_bytes=2 * 1024**3, output_bytes=WIDTH * HEIGHT * (CREDITS_MS // FRAME_MS + 2))
_SILENT = re.compile(r"silence_(?:start|end): (-?\d+(?:\.\d+)?)")


class Landmarks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of a film to compare it with others of its season. `edges`: cuts, and where silences begin and end, sorted.

    A print is None where there is no sound to take it of. `credits` are those that the picture alone told.
    """

    length_ms: DurationMs
    head: SoundPrint | None = None
    tail: SoundPrint | None = None
    edges: tuple[PositionMs, ...] = ()
    credits: Stretch | None = None


def find_landmarks(film: EncodedFilm, workdir: Path, tools: Tools) -> Landmarks:
    """Listen to the beginning and the end of a film, and look at its end. Raises ToolFailed."""
    length = film.duration_ms
    head_ms = round(min(HEAD_MS, HEAD_SHARE * length))
    tail_ms = round(min(TAIL_MS, TAIL_SHARE * length))
    edges = set(film.cuts)
    head = tail = None
    if film.audio:
        sound = workdir / next((one.path for one in film.audio if one.default), film.audio[0].path)
        head, heard = _listen(sound, 0, head_ms, tools)
        edges |= heard
        tail, heard = _listen(sound, length - tail_ms, tail_ms, tools)
        edges |= heard
    return Landmarks(length_ms=length, head=head, tail=tail, edges=tuple(sorted(edges)), credits=_credits(film, workdir, tools))


def print_command(sound: Path, start_ms: int, length_ms: int, tools: Tools) -> list[str]:
    """Fingerprint a part of a sound to standard output, and tell its silences on the way."""
    return [
        *[tools.ffmpeg, *QUIET, "-protocol_whitelist", "file,pipe"],
        *["-ss", f"{start_ms / 1000:.3f}", "-t", f"{length_ms / 1000:.3f}", "-i", source_url(sound), "-map", "0:a:0"],
        *["-af", SILENCE, "-ac", "2", "-f", "chromaprint", "-fp_format", "raw", "-"],
    ]


def frames_command(picture: Path, start_ms: int, tools: Tools) -> list[str]:
    """Small grey frames to the end of a film, one each second, to standard output."""
    return [
        *[tools.ffmpeg, *QUIET, "-protocol_whitelist", "file,pipe", "-threads", "1"],
        *["-ss", f"{start_ms / 1000:.3f}", "-i", source_url(picture), "-map", "0:v:0"],
        *["-vf", f"fps={1000 // FRAME_MS},scale={WIDTH}:{HEIGHT}:flags=area,format=gray", "-f", "rawvideo", "-"],
    ]


def _listen(sound: Path, start_ms: int, length_ms: int, tools: Tools) -> tuple[SoundPrint | None, set[PositionMs]]:
    try:
        done = run(print_command(sound, start_ms, length_ms, tools), limits=_LIMITS)
    except ToolFailed as error:
        if "fingerprint" in error.stderr.lower():  # too short for a single word
            return None, set()
        raise
    silences = {PositionMs(start_ms + round(float(at) * 1000)) for at in _SILENT.findall(done.stderr)}
    return SoundPrint(start_ms=PositionMs(start_ms), words=done.stdout), silences


def _credits(film: EncodedFilm, workdir: Path, tools: Tools) -> Stretch | None:
    picture = min((one for one in film.video if one.transfer is Transfer.SDR), key=lambda one: abs(one.height - HEIGHT * 2))
    start = film.duration_ms - round(min(CREDITS_MS, CREDITS_SHARE * film.duration_ms))
    raw = run(frames_command(workdir / picture.path, start, tools), limits=_LIMITS).stdout
    count = len(raw) // (WIDTH * HEIGHT)
    frames = np.frombuffer(raw[: count * WIDTH * HEIGHT], dtype=np.uint8).reshape(count, HEIGHT, WIDTH)
    return credits_of(frames, PositionMs(start), FRAME_MS, film.duration_ms)
