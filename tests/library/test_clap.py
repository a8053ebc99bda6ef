"""Claps (a white picture and a beep) at a film's start, middle and end are together to within 12 ms in what is packaged."""

from pathlib import Path

import numpy as np
import pytest

from matinee.base.ids import PackageId, new_id
from matinee.encoding import work as encoding
from matinee.library.hls import playlists
from matinee.library.keys import new_content_keys
from matinee.library.measure import measure
from matinee.library.model import DrmSystem
from matinee.library.work import package, verify
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, ffmpeg

CLAPS = (0.0, 4.0, 7.0)
LASTING = 0.25
LENGTH = 8


def clap_film(path: Path, rate: str, channels: str, *more: str) -> Path:
    shown = "+".join(f"between(t,{at - 0.001},{at + LASTING - 0.001})" for at in CLAPS)
    picture = f"color=black:s=320x180:r={rate}:d={LENGTH},drawbox=c=white:t=fill:enable='{shown}'"
    beep = f"if({shown},0.3*sin(2*PI*1000*t),0)"
    tones = "|".join([beep] * (6 if channels == "5.1" else 2))
    ffmpeg(
        *("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", f"aevalsrc='{tones}':c={channels}:d={LENGTH}:s=48000"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", *more, path),
    )
    return path


def joined(track: Path) -> Path:
    """A track's file from its segments, as a player would append them."""
    whole = track / "whole.mp4"
    segments = sorted(track.glob("*.m4s"), key=lambda path: int(path.stem))
    whole.write_bytes((track / "init.mp4").read_bytes() + b"".join(path.read_bytes() for path in segments))
    return whole


def begins(strengths: np.ndarray, step: float) -> list[float]:  # type: ignore[type-arg]
    """When something begins, in seconds."""
    on = strengths > strengths.max() / 2
    return [float(place * step) for place in np.flatnonzero(on & ~np.concatenate([[False], on[:-1]]))]


@pytest.mark.parametrize(
    ("rate", "channels", "more"),
    [
        ("24", "5.1", ()),
        ("30000/1001", "stereo", ("-c:a", "aac")),
        ("25", "stereo", ("-c:a", "libmp3lame")),
        ("25", "stereo", ("-vf", "settb=1/1000,setpts=PTS+0.055/TB", "-af", "adelay=55:all=1", "-enc_time_base:v", "1:1000")),
    ],
)
def test_picture_and_every_sound_stay_together(rate: str, channels: str, more: tuple[str, ...], tmp_path: Path) -> None:
    tools, keys = find_tools(), new_content_keys()
    source = clap_film(tmp_path / "film.mkv", rate, channels, *more)
    workdir, out = tmp_path / "work", tmp_path / "out"
    workdir.mkdir()
    film = encoding.encode(encoding.plan(encoding.probe(source, tools), FAST), source, workdir, tools, lambda _: None)
    files = package(film, workdir, PackageId(new_id()), keys, (DrmSystem.CLEARKEY,), out, tools)
    verify(out, film, keys, tools)
    opened = ("-decryption_key", keys.key.hex(), "-i")
    raw = ffmpeg(*opened, joined(out / film.video[0].name), "-vf", "scale=16:16,format=gray", "-f", "rawvideo", "-")
    light = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 256).mean(axis=1)
    seen = begins(light, 1 / float(film.frame_rate.fraction))
    assert len(seen) == 3
    assert seen[0] == 0
    for sound in film.audio:
        samples = np.frombuffer(ffmpeg(*opened, joined(out / sound.name), "-ac", "1", "-f", "f32le", "-"), dtype=np.float32)
        strengths = np.abs(samples)
        near = np.maximum.reduceat(strengths, np.arange(0, len(strengths), 48))  # the loudest of each millisecond
        heard = [at for at in begins(near, 0.001) if not any(0 < at - other < LASTING for other in begins(near, 0.001))]
        assert len(heard) == 3
        assert max(abs(a - b) for a, b in zip(seen, heard, strict=True)) <= 0.012
        assert abs(len(samples) / 48000 - film.duration_ms / 1000) <= 0.045
    assert [track.channels for track in files.tracks if track.channels] == [each.channels for each in film.audio]
    if channels == "5.1":
        master = playlists(measure(out, film, keys, (DrmSystem.CLEARKEY,)))["master.m3u8"]
        assert 'GROUP-ID="surround",NAME="und",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="6",URI="a_und_surround/main.m3u8"' in master
