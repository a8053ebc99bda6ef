"""Loudness: every film at -24 LUFS by one gain, its true peaks under -2 dBTP, its dynamics as they were; as it is delivered."""

from pathlib import Path

import numpy as np
import pytest

from matinee.encoding import work
from matinee.encoding.model import EncodedFilm, Levels
from matinee.encoding.rules import gain_for
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, ffmpeg, loud_over_time, measured_loudness

PICTURE = ("-f", "lavfi", "-i", "color=gray:s=160x90:r=24:d=6")
VOICE = "aevalsrc='{level}*sin(2*PI*220*t)*(0.6+0.4*sin(2*PI*3*t))':d=6:s=48000"


def ingest(source: Path, workdir: Path) -> EncodedFilm:
    workdir.mkdir()
    planned = work.plan(work.probe(source, find_tools()), FAST)
    return work.encode(planned, source, workdir, find_tools(), lambda _: None)


def make(path: Path, sound: str, *more: str) -> Path:
    ffmpeg(*PICTURE, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", *more, path)
    return path


SOUNDS = [
    ("quiet voice", VOICE.format(level="0.02"), "reached"),
    ("loud voice", VOICE.format(level="0.9"), "reached"),
    ("loud noise", "anoisesrc=a=0.9:c=brown:d=6:r=48000:seed=7", "reached"),
    ("claps in silence", "aevalsrc='if(lt(mod(t,2),0.001),0.9*sin(2*PI*1000*t),0)':d=6:s=48000", "bound"),
    ("clicks in a hum", "aevalsrc='if(lt(mod(t,2),0.0005),0.9,0.004*sin(2*PI*300*t))':d=6:s=48000", "bound"),
]


@pytest.mark.parametrize(("sound", "ends"), [each[1:] for each in SOUNDS], ids=[each[0] for each in SOUNDS])
def test_films_are_equally_loud_and_never_too_high(sound: str, ends: str, tmp_path: Path) -> None:
    film = ingest(make(tmp_path / "film.mkv", sound), tmp_path / "work")
    integrated, peak = measured_loudness(tmp_path / "work" / film.audio[0].path)
    assert peak <= -2.0
    if ends == "reached":
        assert abs(integrated - -24) <= 0.3
    else:
        assert integrated < -24.5
        assert peak > -6
    told = film.loudness[0]
    assert told.integrated is not None
    assert abs(told.integrated - integrated) <= 0.3


def test_the_gain_is_one_and_the_same_all_through(tmp_path: Path) -> None:
    """A whisper and a shout, 30 dB apart before and after."""
    sound = "aevalsrc='(if(lt(t,3),0.012,0.38))*sin(2*PI*440*t)':d=6:s=48000"
    film = ingest(make(tmp_path / "film.mkv", sound), tmp_path / "work")
    made = loud_over_time(tmp_path / "work" / film.audio[0].path)
    whisper, shout = (float(np.sqrt((made[48000 * at : 48000 * (at + 1)] ** 2).mean())) for at in (1, 4))
    assert abs(20 * np.log10(shout / whisper) - 30) <= 0.3


def test_what_a_coder_sends_beyond_full_scale_is_not_clipped(tmp_path: Path) -> None:
    """A float film at +6 dBFS comes out a sine, not a square."""
    sound = "aevalsrc='2*sin(2*PI*440*t)':d=6:s=48000"
    film = ingest(make(tmp_path / "film.mkv", sound, "-c:a", "pcm_f32le"), tmp_path / "work")
    made = loud_over_time(tmp_path / "work" / film.audio[0].path)[48000:96000]
    third = np.abs(np.fft.rfft(made))
    assert third[1320] < third[440] / 300


@pytest.mark.parametrize(
    ("levels", "gain"),
    [
        (None, 0.0),
        (Levels(integrated=-24.0, true_peak_dbtp=-10.0), 0.0),  # type: ignore[arg-type]
        (Levels(integrated=-16.0, true_peak_dbtp=1.0), -8.0),  # type: ignore[arg-type]
        (Levels(integrated=-30.0, true_peak_dbtp=-5.0), 2.0),  # type: ignore[arg-type]
        (Levels(integrated=-60.0, true_peak_dbtp=-50.0), 20.0),  # type: ignore[arg-type]
        (Levels(integrated=-23.96, true_peak_dbtp=-9.0), -0.1),  # type: ignore[arg-type]
    ],
)
def test_the_gain(levels: Levels | None, gain: float) -> None:
    assert gain_for(levels) == pytest.approx(gain)


def test_silence_stays_silence(tmp_path: Path) -> None:
    film = ingest(make(tmp_path / "film.mkv", "anullsrc=cl=stereo:r=48000,atrim=end=6"), tmp_path / "work")
    assert film.loudness[0].integrated is None
    assert np.abs(loud_over_time(tmp_path / "work" / film.audio[0].path)).max() == 0
