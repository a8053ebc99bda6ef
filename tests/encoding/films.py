"""Films that the tests make themselves, and eyes and ears to look at what was made of them."""

import json
import re
import subprocess
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from matinee.base.units import BitsPerSecond
from matinee.encoding.ladder import FIXED_V1
from matinee.encoding.model import Ladder
from matinee.outside.tools import find_tools

FAST: Ladder = msgspec.structs.replace(
    FIXED_V1,
    name="fast",
    preset="ultrafast",
    rungs=tuple(
        msgspec.structs.replace(rung, bitrate=BitsPerSecond(4_000_000), max_bitrate=BitsPerSecond(6_000_000))
        for rung in FIXED_V1.rungs[-2:]
    ),
)
"""The two smallest rungs, made quickly and with bits to spare: what is tested is what becomes of a film."""


def ffmpeg(*words: str | Path, cwd: Path | None = None) -> bytes:
    argv = [find_tools().ffmpeg, "-hide_banner", "-nostdin", "-v", "error", "-y", *map(str, words)]
    return subprocess.run(argv, check=True, capture_output=True, timeout=120, cwd=cwd).stdout


def make_film(path: Path, *, seconds: float = 2, size: str = "320x180", rate: str = "24", more: tuple[str, ...] = ()) -> Path:
    """A test card with a tone."""
    picture = f"testsrc2=s={size}:r={rate}:d={seconds}"
    sound = f"sine=f=440:d={seconds}:r=48000"
    ffmpeg(
        *("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", *more, path),
    )
    return path


def make_clap(path: Path, *, at: float, rate: str = "24", offset: float = 0.0, more: tuple[str, ...] = ()) -> Path:
    """Black and silent, then white and loud from one moment on: picture and sound must change together."""
    picture = f"color=black:s=320x180:r={rate}:d=3,drawbox=c=white:t=fill:enable='gte(t,{at})'"
    sound = f"aevalsrc='if(gte(t,{at}),0.5*sin(2*PI*880*t),0)':d=3:s=48000,atrim=start={offset}"
    ffmpeg(
        *("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", *more, path),
    )
    return path


def entries(path: Path, what: str) -> dict[str, object]:
    argv = [find_tools().ffprobe, "-v", "error", "-print_format", "json", "-count_packets", "-show_entries", what, path]
    found: dict[str, object] = json.loads(subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout)
    return found


def stream(path: Path) -> dict[str, str]:
    """The one stream of a rendition."""
    found = entries(path, "stream:stream_side_data")["streams"]
    assert isinstance(found, list)
    assert len(found) == 1
    return dict(found[0])


def picture_at(path: Path, width: int, height: int, matrix: str, before: str = "") -> NDArray[np.float64]:
    """The first frame as ffmpeg itself would show it (it turns by the display matrix): RGB, shape (height, width, 3)."""
    filters = f"{before}scale={width}:{height}:in_color_matrix={matrix},format=gbrp,format=rgb24"
    raw = ffmpeg("-i", f"file:{path}", "-frames:v", "1", "-vf", filters, "-f", "rawvideo", "-")
    return np.frombuffer(raw, dtype=np.uint8).reshape(height, width, 3).astype(float)


def light_over_time(path: Path) -> NDArray[np.float64]:
    """The mean light of each frame."""
    raw = ffmpeg("-i", path, "-vf", "scale=16:16,format=gray", "-f", "rawvideo", "-")
    return np.frombuffer(raw, dtype=np.uint8).reshape(-1, 256).mean(axis=1)


def loud_over_time(path: Path) -> NDArray[np.float64]:
    """The samples of a rendition at 48 kHz, one channel, without its encoder's priming."""
    raw = ffmpeg("-i", path, "-ac", "1", "-ar", "48000", "-f", "f32le", "-")
    return np.frombuffer(raw, dtype=np.float32).astype(float)


def measured_loudness(path: Path, index: int = 0) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBTP of a file's sound, by ffmpeg's ebur128."""
    filters = "ebur128=peak=true:framelog=quiet"
    argv = [find_tools().ffmpeg, "-hide_banner", "-nostdin", "-i", path, "-map", f"0:a:{index}", "-af", filters]
    argv += ["-f", "null", "-"]
    said = subprocess.run(argv, check=True, capture_output=True, timeout=60).stderr.decode()
    summary = said[said.rindex("Summary:") :]
    found = [re.search(rf"\b{label}:\s+(\S+)", summary) for label in ("I", "Peak")]
    assert all(found)
    return tuple(float(match[1]) for match in found if match)  # type: ignore[return-value]
