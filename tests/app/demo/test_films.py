"""The demo's films: their plans hold together, their pictures and sounds are what the plans say, and their files are whole."""

import hashlib
import json
import subprocess
import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from matinee.app.demo import canvas, mezzanine, sidecar, sound, voice
from matinee.app.demo.films import films, render, sounds
from matinee.app.demo.model import LANGUAGES, Cue, DemoFilm, Words
from matinee.base.units import FrameRate
from matinee.outside.processes import ToolFailed
from matinee.outside.tools import Tools, find_tools

FILMS = films()
GENRES = {"animation", "documentary", "drama", "thriller", "science_fiction", "family", "nature", "music"}
by_film = pytest.mark.parametrize("film", FILMS, ids=lambda film: film.slug)


def small(film: DemoFilm, seconds: float | None = None) -> DemoFilm:
    """The same film at 320 x 180, and cut short where a test needs no more."""
    frames = film.frames if seconds is None else round(seconds * film.frame_rate.fraction)
    return msgspec.structs.replace(film, width=320, height=180, frames=frames)


def named(slug: str) -> DemoFilm:
    return next(film for film in FILMS if film.slug == slug)


@by_film
def test_a_plan_holds_together(film: DemoFilm) -> None:
    assert 20 <= film.seconds <= 60
    assert set(film.genres) <= GENRES
    assert film.genres
    for before, after in zip(film.cues, film.cues[1:], strict=False):
        assert before.end <= after.start
    for cue in film.cues:
        assert 0 <= cue.start < cue.end <= film.seconds
        for language in LANGUAGES:
            text = cue.text.in_language(language)
            assert max(len(line) for line in text.split("\n")) <= 42, "a line fits the safe area"
            assert text.count("\n") <= 1
            assert len(text) / (cue.end - cue.start) <= 17, "slow enough to read"
    for marker in film.markers:
        assert 0 <= marker.start < marker.end <= film.seconds + 0.05
    assert "credits" in {marker.kind for marker in film.markers}
    assert {name for credit in film.credits for name in credit.names} == {"Matinee"}, "nobody is invented"


def test_the_programme_is_varied() -> None:
    assert len({film.slug for film in FILMS}) == len(FILMS) == 8
    assert {film.height for film in FILMS} == {720, 1080}
    assert FILMS[0].height == 720, "the first to be watched is quick to make"
    assert {film.frame_rate for film in FILMS} == {
        FrameRate(24, 1),
        FrameRate(25, 1),
        FrameRate(24000, 1001),
        FrameRate(30000, 1001),
    }
    assert {(film.container, film.subtitles) for film in FILMS} == {("mp4", "beside"), ("mp4", "inside"), ("mkv", "inside")}
    assert [film.episode.number for film in FILMS if film.episode] == [1, 2, 3]
    assert all("intro" in {marker.kind for marker in film.markers} for film in FILMS if film.episode)


@by_film
def test_the_sidecar_says_what_the_plan_says(film: DemoFilm) -> None:
    read = tomllib.loads(sidecar.toml(film))
    assert read["kind"] == ("episode" if film.episode else "film")
    assert read["title"] == {"fr": film.title.fr, "en": film.title.en}
    assert read["synopsis"] == {"fr": film.synopsis.fr, "en": film.synopsis.en}
    assert read["short"] == {"fr": film.short.fr, "en": film.short.en}
    assert (read["year"], read["age_class"], read["original_language"]) == (2026, film.age_class, "fr")
    assert read["genres"] == list(film.genres)
    assert read["credits"] == [{"role": credit.role, "names": list(credit.names)} for credit in film.credits]
    assert [(m["kind"], m["start"], m["end"]) for m in read["markers"]] == [
        (marker.kind, sidecar.clock(marker.start), sidecar.clock(marker.end)) for marker in film.markers
    ]
    if film.episode:
        assert (read["series"]["id"], read["series"]["season"], read["series"]["episode"]) == (
            "little-planets",
            1,
            film.episode.number,
        )
        assert set(read["series"]["title"]) == set(read["series"]["synopsis"]) == {"fr", "en"}
    else:
        assert "series" not in read


def test_subtitles_are_subrip() -> None:
    cues = (
        Cue(start=0.8, end=2.0, text=Words(fr="Un «oui».", en="A “yes”.")),
        Cue(start=3661.0, end=3662.25, text=Words(fr="Deux\nlignes", en="Two\nlines")),
    )
    assert sidecar.srt(cues, "fr") == (
        "1\n00:00:00,800 --> 00:00:02,000\nUn «oui».\n\n2\n01:01:01,000 --> 01:01:02,250\nDeux\nlignes\n"
    )


def test_quotes_in_a_sidecar_are_escaped() -> None:
    film = msgspec.structs.replace(FILMS[0], title=Words(fr='a "b" \\ c', en="d\ne"))
    assert tomllib.loads(sidecar.toml(film))["title"] == {"fr": 'a "b" \\ c', "en": "d\ne"}


@by_film
def test_pictures_are_the_same_on_every_run(film: DemoFilm) -> None:
    def painted() -> list[bytes]:
        painter = film.picture(192, 108)
        return [canvas.quantised(painter(t)).tobytes() for t in (0.0, 1.0, 2.5, 2.54, film.seconds / 2, film.seconds - 2)]

    first = painted()
    assert painted() == first
    assert len(set(first)) == len(first), "nothing stands still"


@by_film
def test_pictures_show_something(film: DemoFilm) -> None:
    painter = film.picture(192, 108)
    dark = 0
    times = np.arange(0.5, film.seconds, 0.5)
    for t in times:
        picture = painter(float(t))
        assert picture.shape == (1 if film.monochrome else 3, 108, 192)
        assert np.isfinite(picture).all(), f"at {t}"
        values = canvas.quantised(picture)
        dark += int(values.max() < 60)
    assert dark <= 3, "black is for the fades alone"


@pytest.mark.parametrize("slug", ["paper-bird", "street-of-shadows", "due-south"])
def test_nothing_flashes_more_than_three_times_a_second(slug: str) -> None:
    # WCAG 2.3.1, for each quarter of the frame: a flash is a pair of opposing changes of relative luminance of 0.1 or more.
    film = named(slug)
    painter, rate = film.picture(96, 54), float(film.frame_rate.fraction)
    levels = []
    for index in range(film.frames):
        linear = np.clip(painter(index / rate), 0, 1) ** 2.2
        light = linear[0] if film.monochrome else np.tensordot([0.2126, 0.7152, 0.0722], linear, 1)
        levels.append(light.reshape(2, 27, 2, 48).mean(axis=(1, 3)).ravel())
    for quarter in np.array(levels).T:
        turns = _changes(quarter.tolist(), 0.1)
        for start in turns:
            assert sum(start <= turn < start + rate for turn in turns) <= 6, f"after {start / rate:.2f} s"


def _changes(values: list[float], least: float) -> list[int]:
    """Where a series has risen by `least` from its last low, or fallen by it from its last high, by turns."""
    found, way, low, high = [], 0, values[0], values[0]
    for index, value in enumerate(values):
        low, high = min(low, value), max(high, value)
        if way <= 0 and value - low >= least:
            found, way, high = [*found, index], 1, value
        elif way >= 0 and high - value >= least:
            found, way, low = [*found, index], -1, value
    return found


def test_changes_are_counted_by_turns() -> None:
    assert _changes([0.0, 0.05, 0.2, 0.4, 0.35, 0.1, 0.0, 0.12], 0.1) == [2, 5, 7]
    assert _changes([0.5, 0.45, 0.5, 0.42], 0.1) == []


@pytest.mark.parametrize(
    ("slug", "cuts"),
    [("paper-bird", (8.0, 14.0)), ("last-crossing", (10.0,)), ("due-south", (6.4, 10.4)), ("street-of-shadows", (7.5,))],
)
def test_cuts_are_hard(slug: str, cuts: tuple[float, ...]) -> None:
    film = named(slug)
    painter = film.picture(192, 108)
    frame = 1 / float(film.frame_rate.fraction)
    for at in cuts:
        shots = [painter(at + k * frame).copy() for k in (-1.6, -0.6, 0.6, 1.6)]
        within = max(np.abs(shots[1] - shots[0]).mean(), np.abs(shots[3] - shots[2]).mean())
        assert np.abs(shots[2] - shots[1]).mean() > 2 * within, f"at {at}"


@pytest.mark.parametrize("slug", ["paper-bird", "little-planets-2-the-tide", "street-of-shadows"])
def test_sound_is_level_and_differs_by_language(slug: str) -> None:
    film = named(slug)
    made = sounds(film)
    for language in LANGUAGES:
        assert made[language].shape == (2, int(film.seconds * sound.RATE))
        assert sound.loudness(made[language]) == pytest.approx(sound.TARGET_LUFS, abs=0.4)
        assert np.abs(made[language]).max() <= sound.CEILING
        assert np.abs(made[language][:, -480:]).max() < 0.01, "it ends in silence"
    sung = film.cues[0]
    span = slice(int(sung.start * sound.RATE), int(sung.end * sound.RATE))
    assert np.abs(made["fr"] - made["en"])[:, span].max() > 0.01


def test_the_loudness_meter_reads_what_the_standard_says() -> None:
    # BS.1770: a full-scale sine of 997 Hz in both channels reads 0 LUFS; a tenth of it, -20.
    tone = np.sin(2 * np.pi * 997 * sound.seconds_axis(3.0)) * np.float32(0.1)
    assert sound.loudness(np.stack([tone, tone])) == pytest.approx(-20.0, abs=0.05)
    assert sound.loudness(np.stack([tone, tone * 0])) == pytest.approx(-23.01, abs=0.05)
    assert sound.loudness(np.zeros((2, sound.RATE), np.float32)) == -70.0


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("La mer", "fr", ["a", "@"]),
        ("Toutes", "fr", ["u"]),
        ("Une lune", "fr", ["y", "y"]),
        ("The moon", "en", ["e", "u"]),
        ("See the sea", "en", ["i", "e", "i"]),
        ("…!", "fr", []),
    ],
)
def test_the_voice_sings_the_vowels(text: str, language: str, expected: list[str]) -> None:
    assert voice.syllables(text, "fr" if language == "fr" else "en") == expected


def test_shapes_cover_what_they_should() -> None:
    stage = canvas.Stage(320, 180)
    disc = canvas.disc(stage, 0.9, 0.5, 0.2)
    assert disc is not None
    assert disc.mask.sum() / 180**2 == pytest.approx(np.pi * 0.04, rel=0.01)
    square = canvas.polygon(stage, [(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)])
    assert square is not None
    assert square.mask.sum() / 180**2 == pytest.approx(0.04, rel=0.03)
    assert canvas.disc(stage, -3, 0.5, 0.2) is None
    assert canvas.polygon(stage, [(5, 5), (6, 5), (6, 6)]) is None
    picture = stage.blank()
    canvas.paint(picture, disc, (1.0, 0.5, 0.0))
    assert picture[:, 90, 162].tolist() == [1.0, 0.5, 0.0]
    assert picture[:, 0, 0].tolist() == [0.0, 0.0, 0.0]


def test_the_command_is_whole() -> None:
    film = named("little-planets-1-the-seed")
    argv = mezzanine.command(film, Path("/w"), Path("/w/film.mp4"), Tools("ffmpeg", "ffprobe", "packager"))
    assert " ".join(argv) == (
        "ffmpeg -hide_banner -nostdin -loglevel error -y -f rawvideo -pix_fmt gbrp -s 1280x720 -r 25/1 -i pipe:0 "
        "-i /w/fr.wav -i /w/en.wav -i /w/fr.srt -i /w/en.srt -map 0:v -map 1:a -map 2:a -map 3:s -map 4:s "
        "-vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p "
        "-c:v libx264 -preset superfast -crf 13 -threads 2 -g 50 "
        "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv -c:a aac -b:a 192k -c:s mov_text "
        "-metadata:s:a:0 language=fra -metadata:s:s:0 language=fra "
        "-metadata:s:a:0 title=Français (voix chantée de synthèse) "
        "-metadata:s:a:0 handler_name=Français (voix chantée de synthèse) "
        "-metadata:s:a:1 language=eng -metadata:s:s:1 language=eng "
        "-metadata:s:a:1 title=English (synthetic sung voice) -metadata:s:a:1 handler_name=English (synthetic sung voice) "
        "-disposition:a:0 default -disposition:a:1 0 -disposition:s 0 "
        "-fflags +bitexact -flags:v +bitexact -flags:a +bitexact -movflags +faststart /w/film.mp4"
    )


@pytest.mark.parametrize(
    ("slug", "files", "streams"),
    [
        (
            "little-planets-2-the-tide",
            {"little-planets-2-the-tide.mkv", "little-planets-2-the-tide.toml"},
            [("h264", None), ("flac", "fra"), ("flac", "eng"), ("subrip", "fra"), ("subrip", "eng")],
        ),
        (
            "little-planets-3-the-snow",
            {f"little-planets-3-the-snow.{end}" for end in ("mp4", "toml", "fr.srt", "en.srt")},
            [("h264", "und"), ("aac", "fra"), ("aac", "eng")],
        ),
    ],
)
def test_a_film_is_made_whole_and_once(slug: str, files: set[str], streams: list[tuple[str, str | None]], tmp_path: Path) -> None:
    film, seen = small(named(slug)), []
    made = render(film, tmp_path, find_tools(), seen.append)
    assert {path.name for path in tmp_path.iterdir()} == files, "and no temporary folder"
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    told = _probe(made)
    assert [(s["codec_name"], s.get("tags", {}).get("language")) for s in told["streams"]] == streams
    assert float(told["format"]["duration"]) == pytest.approx(film.seconds, abs=0.05)
    video = told["streams"][0]
    assert (video["width"], video["height"], video["r_frame_rate"], int(video["nb_read_packets"])) == (
        320,
        180,
        "25/1",
        film.frames,
    )
    stamp = made.stat().st_mtime_ns
    assert render(film, tmp_path, find_tools(), seen.append) == made
    assert made.stat().st_mtime_ns == stamp


def test_two_renders_give_equal_bytes(tmp_path: Path) -> None:
    film = small(named("street-of-shadows"), seconds=2.0)
    film = msgspec.structs.replace(film, cues=())
    made = [render(film, tmp_path / run, find_tools(), lambda _: None) for run in ("a", "b")]
    assert len({hashlib.sha256(path.read_bytes()).hexdigest() for path in made}) == 1


def test_a_failed_render_leaves_nothing(tmp_path: Path) -> None:
    broken = Tools("/bin/false", find_tools().ffprobe, find_tools().packager)
    with pytest.raises(ToolFailed, match="could not write"):
        render(small(FILMS[0], seconds=1.0), tmp_path, broken, lambda _: None)
    assert list(tmp_path.iterdir()) == []


def _probe(path: Path) -> dict[str, list[dict[str, str]]]:
    argv = [find_tools().ffprobe, "-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json", str(path)]
    return json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
