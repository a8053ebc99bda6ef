"""From a file to renditions, with films that the tests make: every kind of odd film, hostile names, and interruptions."""

import os
import resource
from pathlib import Path

import msgspec
import numpy as np
import pytest

from matinee.base.errors import ErrorCode
from matinee.encoding import work
from matinee.encoding.model import EncodedFilm, EncodeFailed, FilmRefused, RefusalReason
from matinee.outside import processes
from matinee.outside.processes import Limits
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, ffmpeg, light_over_time, loud_over_time, make_clap, make_film, picture_at, stream


def ingest(source: Path, workdir: Path) -> EncodedFilm:
    workdir.mkdir(exist_ok=True)
    planned = work.plan(work.probe(source, find_tools()), FAST, work.find_sidecars(source))
    return work.encode(planned, source, workdir, find_tools(), lambda _: None)


def warnings(film: EncodedFilm) -> set[str]:
    return {warning.code.value for warning in film.warnings}


def clap_times(film: EncodedFilm, workdir: Path) -> tuple[float, float]:
    """When the picture turns white and when the sound begins, in seconds."""
    light = light_over_time(workdir / film.video[0].path)
    loud = np.abs(loud_over_time(workdir / film.audio[0].path))
    seen = float(np.flatnonzero(light > 128)[0] / film.frame_rate.fraction)
    return seen, float(np.flatnonzero(loud > loud.max() / 5)[0] / 48000)


@pytest.mark.parametrize(
    ("name", "rate", "more"),
    [
        ("plain.mkv", "24", ()),
        ("ntsc.mkv", "30000/1001", ()),
        ("late_sound.mkv", "25", ("-af", "atrim=start=0.6")),
        ("late_clock.ts", "25", ("-c:a", "aac", "-output_ts_offset", "90000")),
        ("uneven.mkv", "30", ("-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr")),
        ("fast.mkv", "120", ()),
        ("interlaced.mkv", "50", ("-vf", "interlace", "-flags", "+ilme+ildct", "-c:v", "mpeg2video", "-q:v", "3")),
        ("edit_list.mp4", "24", ("-c:a", "aac", "-bf", "3")),
    ],
)
def test_picture_and_sound_stay_together(name: str, rate: str, more: tuple[str, ...], tmp_path: Path) -> None:
    source = make_clap(tmp_path / name, at=1.6, rate=rate, more=more)
    film = ingest(source, tmp_path / "work")
    seen, heard = clap_times(film, tmp_path / "work")
    assert abs(seen - heard) <= 0.045
    assert abs(seen - 1.6) <= 0.1
    assert abs(film.duration_ms - 3000) <= 100
    assert film.frame_rate.fraction <= 60


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", [False, True])
def test_every_orientation_stands_upright(turn: int, flip: bool, tmp_path: Path) -> None:
    """Four corners of four colours tell all eight orientations apart; ffmpeg's own turning is the oracle."""
    card = "color=black:s=320x180:d=0.5,drawbox=0:0:60:60:red:fill,drawbox=260:0:60:60:lime:fill,drawbox=0:120:60:60:blue:fill"
    plain = tmp_path / "plain.mp4"
    ffmpeg("-f", "lavfi", "-i", card, "-c:v", "libx264", "-pix_fmt", "yuv420p", plain)
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", turn, *(("-display_hflip",) if flip else ()), "-i", plain, "-c", "copy", turned)
    film = ingest(turned, tmp_path / "work")
    best = film.video[0]
    assert (best.width > best.height) == (turn in (0, 180))
    wanted = picture_at(turned, best.width, best.height, "bt601")
    shown = picture_at(tmp_path / "work" / best.path, best.width, best.height, "bt709")
    assert float(np.abs(wanted - shown).mean()) < 4
    assert ("rotated" in warnings(film)) == (turn != 0 or flip)


def test_odd_sides_and_rich_colours_become_even_8_bit(tmp_path: Path) -> None:
    source = make_film(tmp_path / "odd.mkv", size="319x179", more=("-pix_fmt", "yuv444p10le"))
    film = ingest(source, tmp_path / "work")
    there = stream(tmp_path / "work" / film.video[0].path)
    assert (there["pix_fmt"], int(there["width"]) % 2, int(there["height"]) % 2) == ("yuv420p", 0, 0)


def test_a_film_of_three_frames_is_whole(tmp_path: Path) -> None:
    film = ingest(make_film(tmp_path / "blink.mkv", seconds=0.125), tmp_path / "work")
    assert film.frames == 3
    assert "very_short" in warnings(film)
    assert film.thumbnails is not None
    assert film.thumbnails.count == 1


def test_several_languages_keep_their_names_roles_and_default(tmp_path: Path) -> None:
    source = tmp_path / "many.mkv"
    tones = [word for pitch in (300, 400, 500, 600) for word in ("-f", "lavfi", "-i", f"sine=f={pitch}:d=1")]
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=d=1:s=160x90", *tones, "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "4"),
        *("-metadata:s:a:0", "language=fre", "-metadata:s:a:1", "language=eng", "-metadata:s:a:2", "language=fra"),
        *("-metadata:s:a:2", "title=Audiodescription", "-disposition:a:1", "default", "-disposition:a:0", "0", source),
    )
    film = ingest(source, tmp_path / "work")
    assert [(each.name, each.label, each.role, each.default) for each in film.audio] == [
        ("a_fr", "Français", "main", False),
        ("a_en", "English", "main", True),
        ("a_fr_2", "Audiodescription", "description", False),
        ("a_und", "", "main", False),
    ]


HOSTILE_NAMES = [
    "-i.mp4",
    "--help.mp4",
    "it's \"quoted\".mp4",
    "two\nlines.mp4",
    "frame%03d.mp4",
    "concat:a|b.mp4",
    "http:example.mp4",
    "[brackets],;=:\\.mp4",
    " space .mp4",
    "été 映画 🎬.mp4",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_is_only_a_name(name: str, tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", seconds=0.5, size="160x90").rename(tmp_path / name)
    film = ingest(tmp_path / name, tmp_path / "work")
    assert film.frames == 12


def test_a_refusal_of_a_hostile_name_is_one_printable_line(tmp_path: Path) -> None:
    source = tmp_path / "two\nlines\x1b[2J.mp4"
    source.write_bytes(b"no film")
    with pytest.raises(FilmRefused) as refusal:
        work.probe(source, find_tools())
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("hls.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfilm.ts\n#EXT-X-ENDLIST\n"),
        ("hls.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfilm.ts\n#EXT-X-ENDLIST\n"),
        ("concat.mp4", "ffconcat version 1.0\nfile film.mp4\n"),
        ("sdp.mp4", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"),
    ],
)
def test_a_playlist_posing_as_a_film_opens_nothing(name: str, content: str, tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", seconds=0.5)
    (tmp_path / name).write_text(content)
    with pytest.raises(FilmRefused) as refusal:
        work.probe(tmp_path / name, find_tools())
    assert refusal.value.reason in (RefusalReason.PLAYLIST_OR_IMAGE, RefusalReason.NOT_A_FILM)


def test_a_huge_image_is_refused_unopened(tmp_path: Path) -> None:
    picture = tmp_path / "huge.png"
    ffmpeg("-f", "lavfi", "-i", "color=gray:s=16000x16000:d=0.04:r=25", "-frames:v", "1", "-pix_fmt", "gray", picture)
    posing = tmp_path / "huge.mp4"
    posing.write_bytes(picture.read_bytes())
    for source in (picture, posing):
        with pytest.raises(FilmRefused) as refusal:
            work.probe(source, find_tools())
        assert refusal.value.reason is RefusalReason.PLAYLIST_OR_IMAGE


def test_a_film_of_huge_pictures_is_refused_by_its_size(tmp_path: Path) -> None:
    source = tmp_path / "huge.mkv"
    ffmpeg("-f", "lavfi", "-i", "color=gray:s=16000x9000:d=0.08:r=25", "-c:v", "mjpeg", source)
    with pytest.raises(FilmRefused) as refusal:
        work.probe(source, find_tools())
    assert refusal.value.reason is RefusalReason.TOO_LARGE
    assert "16000x9000" in refusal.value.message


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for name, reason in (("pipe.mp4", RefusalReason.NOT_A_FILE), ("gone.mp4", RefusalReason.MISSING)):
        with pytest.raises(FilmRefused) as refusal:
            work.probe(tmp_path / name, find_tools())
        assert refusal.value.reason is reason


def test_two_runs_give_equal_bytes_and_the_second_is_found_done(tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mkv", seconds=3)
    (tmp_path / "film.fr.srt").write_text("1\n00:00:00,500 --> 00:00:02,000\nBonjour\n")
    made = [tmp_path / "one", tmp_path / "two"]
    films = [ingest(source, workdir) for workdir in made]
    assert films[0] == films[1]
    files = [{path.relative_to(workdir): path for path in workdir.rglob("*") if path.is_file()} for workdir in made]
    assert files[0].keys() == files[1].keys()
    assert all(path.read_bytes() == files[1][name].read_bytes() for name, path in files[0].items())
    before = {path: path.stat().st_mtime_ns for path in made[0].rglob("*")}
    assert ingest(source, made[0]) == films[0]
    assert {path: path.stat().st_mtime_ns for path in made[0].rglob("*")} == before


def test_what_a_killed_run_left_is_made_anew(tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mkv", seconds=1)
    part = tmp_path / "work" / "encode.part"
    part.mkdir(parents=True)
    (part / "v360.mp4").write_bytes(b"half")
    film = ingest(source, tmp_path / "work")
    assert film.frames == 24
    assert not part.exists()


def test_a_full_disk_is_told_as_such_and_leaves_nothing(tmp_path: Path) -> None:
    """/dev/full answers every write as a full disk does, to the real ffmpeg."""
    source = make_film(tmp_path / "film.mkv", seconds=2, size="640x360")
    planned = work.plan(work.probe(source, find_tools()), FAST)
    full = msgspec.structs.replace(planned.video[0], path="/dev/full")
    workdir = tmp_path / "work"
    workdir.mkdir()
    with pytest.raises(EncodeFailed) as failure:
        work.encode(
            msgspec.structs.replace(planned, video=(full, *planned.video[1:])), source, workdir, find_tools(), lambda _: None
        )
    assert failure.value.code is ErrorCode.DISK_FULL
    assert list(workdir.iterdir()) == []


def test_the_child_has_no_secrets_and_a_ceiling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_SECRET", "do not tell")
    said = processes.run(["/bin/sh", "-c", "env; ulimit -v"], limits=Limits(wall_seconds=5, memory_bytes=2**30)).stdout.decode()
    assert "do not tell" not in said
    assert str(2**30 // 1024) in said
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 2**30


def test_progress_grows_to_one(tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mkv", seconds=8, size="1280x720", rate="50")
    planned = work.plan(work.probe(source, find_tools()), FAST)
    told: list[float] = []
    work.encode(planned, source, tmp_path, find_tools(), told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) >= 2


def test_subtitles_inside_and_beside_the_film(tmp_path: Path) -> None:
    (tmp_path / "in.srt").write_text("1\n00:00:00,200 --> 00:00:01,000\nInside\n")
    plain = make_film(tmp_path / "plain.mkv", seconds=2)
    source = tmp_path / "film.mkv"
    ffmpeg("-i", plain, "-i", tmp_path / "in.srt", "-c", "copy", "-c:s", "ass", "-metadata:s:s:0", "language=eng", source)
    (tmp_path / "film.fr.forced.srt").write_bytes("1\n00:00:01,000 --> 00:00:01,900\nÀ l'été\n".encode("cp1252"))
    (tmp_path / "film.de.vtt").write_text("nothing here")
    film = ingest(source, tmp_path / "work")
    assert [(text.name, text.language, text.role) for text in film.text] == [("t_en", "en", "subtitle"), ("t_fr", "fr", "forced")]
    inside, beside = ((tmp_path / "work" / text.path).read_text() for text in film.text)
    assert "00:00:00.200 --> 00:00:01.000\nInside" in inside
    assert "À l'été" in beside
    assert "subtitle_empty" in warnings(film)


@pytest.mark.parametrize("name", ["film.mkv", "film.mp4"])
def test_forced_lines_and_those_for_the_deaf_keep_their_roles(name: str, tmp_path: Path) -> None:
    lines = tmp_path / "lines.srt"
    lines.write_text("1\n00:00:00,200 --> 00:00:01,000\nHere\n")
    coded = ("-c:s", "srt" if name.endswith("mkv") else "mov_text")
    flags = ("-disposition:s:0", "forced", "-disposition:s:1", "hearing_impaired", "-disposition:s:2", "0")
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=d=2:s=160x90", "-i", lines, "-i", lines, "-i", lines),
        *("-map", "0", "-map", "1", "-map", "2", "-map", "3", *coded, *flags, tmp_path / name),
    )
    film = ingest(tmp_path / name, tmp_path / "work")
    assert [text.role for text in film.text] == ["forced", "caption", "subtitle"]
