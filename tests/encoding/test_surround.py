"""Surround: kept in 5.1 beside a stereo mix of the same words, each channel where it was, both equally loud and in step."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.encoding import work
from matinee.encoding.model import EncodedFilm
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, ffmpeg, measured_loudness

PLACES = ("FL", "FR", "FC", "LFE", "BL", "BR")


def ingest(source: Path, workdir: Path) -> EncodedFilm:
    workdir.mkdir()
    planned = work.plan(work.probe(source, find_tools()), FAST)
    return work.encode(planned, source, workdir, find_tools(), lambda _: None)


def make(path: Path, sounds: str, *more: str) -> Path:
    picture = ("-f", "lavfi", "-i", "testsrc2=s=160x90:r=24:d=3")
    ffmpeg(*picture, "-f", "lavfi", "-i", sounds, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", *more, path)
    return path


def heard(path: Path) -> NDArray[np.float64]:
    """The samples of a 5.1 rendition, shape (samples, 6)."""
    raw = ffmpeg("-i", path, "-f", "f32le", "-")
    return np.frombuffer(raw, dtype=np.float32).reshape(-1, 6).astype(float)


def strongest(sound: NDArray[np.float64], pitch: int) -> list[int]:
    """The channels in which a pitch is heard, loudest first, without those 20 dB below it."""
    spectrum = np.abs(np.fft.rfft(sound[48000:96000], axis=0))[pitch]
    return [int(place) for place in np.argsort(-spectrum) if spectrum[place] > spectrum.max() / 10]


@pytest.mark.parametrize(
    ("layout", "places"),
    [
        ("5.1", (0, 1, 2, 3, 4, 5)),
        ("5.1(side)", (0, 1, 2, 3, 4, 5)),
        ("7.1", (0, 1, 2, 3, 4, 5, 4, 5)),
        ("5.0", (0, 1, 2, 4, 5)),
        ("quad", (0, 1, 4, 5)),
    ],
)
def test_each_channel_stays_in_its_place(layout: str, places: tuple[int, ...], tmp_path: Path) -> None:
    """Each channel has a pitch of its own; the low one too, since a coder keeps little else of that channel."""
    tones = "|".join(f"0.1*sin(2*PI*{100 if place == 3 else 300 + 100 * number}*t)" for number, place in enumerate(places))
    film = ingest(make(tmp_path / "film.mkv", f"aevalsrc='{tones}':c={layout}:d=3:s=48000"), tmp_path / "work")
    assert [(each.name, each.channels, each.mix_of, each.default) for each in film.audio] == [
        ("a_und", 2, None, True),
        ("a_und_surround", 6, "a_und", False),
    ]
    sound = heard(tmp_path / "work" / film.audio[1].path)
    for number, place in enumerate(places):
        assert strongest(sound, 100 if place == 3 else 300 + 100 * number) == [place], PLACES[place]
    warned = {warning.code.value for warning in film.warnings}
    assert ("audio_downmixed" in warned) == (len(places) > 6)


def test_both_mixes_are_equally_loud_and_in_step(tmp_path: Path) -> None:
    """The sound begins at one moment in all channels."""
    tones = "|".join(f"if(gte(t,1.5),0.05*sin(2*PI*{300 + 100 * number}*t),0)" for number in range(6))
    film = ingest(make(tmp_path / "film.mkv", f"aevalsrc='{tones}':c=5.1:d=3:s=48000"), tmp_path / "work")
    stereo, surround = (tmp_path / "work" / each.path for each in film.audio)
    figures = [measured_loudness(path) for path in (stereo, surround)]
    assert all(abs(integrated - -24) <= 0.3 for integrated, _ in figures)
    assert all(peak <= -2 for _, peak in figures)
    begins = []
    for path in (stereo, surround):
        mono = np.frombuffer(ffmpeg("-i", path, "-ac", "1", "-f", "f32le", "-"), dtype=np.float32)
        begins.append(int(np.flatnonzero(np.abs(mono) > np.abs(mono).max() / 3)[0]))
    assert abs(begins[0] - begins[1]) <= 240  # 5 ms
    assert [each.name for each in film.loudness] == ["a_und", "a_und_surround"]


def test_languages_without_surround_stay_as_they_are(tmp_path: Path) -> None:
    source = tmp_path / "film.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=d=1:s=160x90", "-f", "lavfi", "-i", "sine=f=300:d=1"),
        *("-f", "lavfi", "-i", "anoisesrc=d=1:r=48000,aformat=channel_layouts=mono,pan=5.1|FC=c0|BL=c0"),
        *(
            "-map",
            "0",
            "-map",
            "1",
            "-map",
            "2",
            "-c:a",
            "flac",
            "-metadata:s:a:0",
            "language=fre",
            "-metadata:s:a:1",
            "language=eng",
        ),
        source,
    )
    film = ingest(source, tmp_path / "work")
    assert [(each.name, each.language, each.channels) for each in film.audio] == [
        ("a_fr", "fr", 2),
        ("a_en", "en", 2),
        ("a_en_surround", "en", 6),
    ]
