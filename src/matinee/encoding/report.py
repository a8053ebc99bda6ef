"""What ffmpeg says while it works and what it leaves, read back as values."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matinee.base.units import DurationMs, Lufs, PositionMs
from matinee.encoding.model import Loudness

_ERROR = re.compile(r"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[(?:error|fatal)\] (.*)$", re.MULTILINE)
_CUT = re.compile(r"lavfi\.scd\.time=(\d+(?:\.\d+)?)")
_TOO_QUIET = -69.9
_HARMLESS = ("Error writing trailer",)


class ProgressReader:
    """Turns the lines of `-progress` into fractions: how much of the promised length has been written."""

    def __init__(self, promised: DurationMs | None, tell: Callable[[float], None]) -> None:
        self._promised = promised
        self._tell = tell
        self._last = 0.0

    def __call__(self, line: str) -> None:
        name, _, value = line.partition("=")
        if name == "out_time_us" and value.lstrip("-").isdigit() and self._promised:
            fraction = min(0.99, max(self._last, int(value) / 1000 / self._promised))
            if fraction > self._last:
                self._last = fraction
                self._tell(fraction)


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A written picture stream: how many frames it has."""

    frames: int


def read_video(path: Path) -> VideoFile:
    """Count the frames of an MP4 that we made ourselves, from its sample table (ISO 14496-12, the stsz box)."""
    data = _moov(path)
    place = data.find(b"stsz")
    if place < 0:
        return VideoFile(0)
    return VideoFile(int.from_bytes(data[place + 12 : place + 16], "big"))


def frame_sizes(path: Path) -> list[int]:
    """The bytes of each frame of an MP4 that we made ourselves, in the order of decoding, from the same table."""
    data = _moov(path)
    place = data.find(b"stsz")
    if place < 0:
        return []
    same, count = (int.from_bytes(data[place + at : place + at + 4], "big") for at in (8, 12))
    if same:
        return [same] * count
    table = data[place + 16 : place + 16 + 4 * count]
    return [int.from_bytes(table[at : at + 4], "big") for at in range(0, len(table), 4)]


def key_frames(path: Path) -> list[int]:
    """The frames of an MP4 that we made ourselves at which a decoder may begin, counted from 0 (the stss box)."""
    data = _moov(path)
    place = data.find(b"stss")
    if place < 0:  # without the box every frame is one
        return list(range(read_video(path).frames))
    count = int.from_bytes(data[place + 8 : place + 12], "big")
    table = data[place + 12 : place + 12 + 4 * count]
    return [int.from_bytes(table[at : at + 4], "big") - 1 for at in range(0, len(table), 4)]


def decoder_setup(path: Path) -> bytes:
    """What a decoder is told before the first frame of an MP4 that we made ourselves (the avcC or av1C box)."""
    data = _moov(path)
    place = max(data.find(b"avcC"), data.find(b"av1C"))
    return b"" if place < 4 else data[place : place - 4 + int.from_bytes(data[place - 4 : place], "big")]


def read_checksums(path: Path) -> list[str]:
    """A checksum for each frame, from ffmpeg's framecrc: stream, dts, pts, duration, size, checksum."""
    if not path.exists():
        return []
    lines = (line.split(",") for line in path.read_text("ascii", "replace").splitlines() if line and not line.startswith("#"))
    return [parts[5].strip() for parts in lines if len(parts) > 5]


def _moov(path: Path) -> bytes:
    with path.open("rb") as file:
        size = path.stat().st_size
        at = 0
        while at + 8 <= size:
            file.seek(at)
            header = file.read(16)
            length = int.from_bytes(header[:4], "big")
            if length == 1:
                length = int.from_bytes(header[8:16], "big")
            if header[4:8] == b"moov":
                file.seek(at)
                return file.read(length)
            at += max(8, length)
    return b""


def count_errors(stderr: str) -> int:
    """How many complaints about the media the decoder and demuxer made."""
    return sum(1 for text in _ERROR.findall(stderr) if not text.startswith(_HARMLESS))


def last_error(stderr: str) -> str:
    """The last complaint, in short, for a person."""
    found = _ERROR.findall(stderr)
    text = found[-1] if found else "no reason given"
    return "".join(sign for sign in text if sign.isprintable())[:160].rstrip(".")


def read_cuts(path: Path) -> tuple[PositionMs, ...]:
    """The starts of shots that the scdet filter wrote down."""
    if not path.exists():
        return ()
    return tuple(PositionMs(round(float(at) * 1000)) for at in _CUT.findall(path.read_text("ascii", "replace")))


def read_loudness(stderr: str, name: str) -> Loudness:
    """The last summary of the named ebur128 filter; nothing measured where it says -70 LUFS, its floor.

    The filter says its summary in two messages, and another thread's may come between them, on the line that the first left open.
    """
    messages = re.findall(rf"\[ebur128@{re.escape(name)} @ 0x[0-9a-f]+\] \[info\] (.*?)(?=\n\[|\Z)", stderr, re.DOTALL)
    last = max((place for place, text in enumerate(messages) if text.startswith("Summary:")), default=len(messages))
    text = "\n".join(messages[last:])
    integrated, span, peak = (_number(text, label) for label in (r"I:\s+", r"LRA:\s+", r"Peak:\s+"))
    if integrated is None or integrated <= _TOO_QUIET:
        return Loudness(name=name, integrated=None, range_lu=None, true_peak_dbtp=None)
    return Loudness(name=name, integrated=Lufs(integrated), range_lu=span, true_peak_dbtp=peak)


def _number(text: str, label: str) -> float | None:
    match = re.search(rf"\b{label}(-?\d+(?:\.\d+)?)", text)
    return float(match[1]) if match else None
