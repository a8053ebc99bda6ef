"""`matinee plan FILM`: what is said is what is made, in words, as a document and as a command line."""

import json
import os
import shlex
from pathlib import Path

import pytest

from matinee.encoding import work as encoding
from matinee.encoding.command import encode_command
from matinee.encoding.ladder import FIXED_V1
from matinee.outside.tools import find_tools
from tests.app.test_cli import run
from tests.films import make_film


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    (folder / "A film.fr.srt").write_text("1\n00:00:00,100 --> 00:00:01,000\nBonjour\n")
    return make_film(folder / "A film.mp4", seconds=2, size="640x360", languages=("fra",))


def test_it_tells_what_the_film_would_become_and_touches_nothing(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(["plan", str(film), "--data", str(tmp_path / "data")], capsys)
    lines = out.splitlines()
    assert (code, err, lines[0]) == (0, "", "A film.mp4")
    assert "h264 640x360, 8 bit, SDR, 24/1 frames a second, progressive; 1 sound, 0 subtitles" in lines[1]
    assert "fixed-v1, preset veryfast" in lines[3]
    rungs = [line.split()[:2] for line in lines if line.lstrip().startswith("v")]
    assert rungs == [["v360", "640x360"], ["v234", "416x234"]]
    assert any("fr main, AAC stereo 128 kbit/s, from stream 1" in line for line in lines)
    assert "  encoded  in one run: it is shorter than two chunks" in lines
    assert any("fr subtitle, WebVTT, from A film.fr.srt" in line for line in lines)
    assert not (tmp_path / "data").exists()


def test_the_document_and_the_command_line_are_those_of_the_ingest(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools = find_tools()
    made = encoding.plan(encoding.probe(film, tools), FIXED_V1, encoding.find_sidecars(film))
    said = json.loads(run(["plan", str(film), "--json"], capsys)[1])
    assert [rung["bitrate"] for rung in said["plan"]["video"]] == [rung.bitrate for rung in made.video]
    assert said["probe"]["video"]["codec"] == "h264"
    assert said["command"] == encode_command(made, film, tools)
    assert shlex.split(run(["plan", str(film), "--command"], capsys)[1]) == said["command"]


def test_both_codings_are_told_with_their_effort(
    film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_LADDER", "fixed-v2")
    monkeypatch.setenv("MATINEE_EFFORT", "best")
    lines = run(["plan", str(film)], capsys)[1].splitlines()
    assert lines[3] == "  ladder   fixed-v2, preset slow; AV1 at preset 6"
    assert [line.split()[0] for line in lines[4:8]] == ["v360", "v234", "av1_360", "av1_234"]
    assert lines[6] == "    av1_360  640x360       420 kbit/s, at most 630; av01.0.01M.08; crf 32"
    argv = shlex.split(run(["plan", str(film), "--command"], capsys)[1])
    assert [argv[place + 1] for place, word in enumerate(argv) if word == "-preset"] == ["slow", "slow", "6", "6"]
    monkeypatch.setenv("MATINEE_EFFORT", "some")
    code, _, err = run(["plan", str(film)], capsys)
    assert (code, "The setting effort is 'some'." in err) == (1, True)


def test_a_file_that_would_be_refused_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.mp4").write_text("no film at all\n")
    code, out, err = run(["plan", str(tmp_path / "text.mp4")], capsys)
    assert (code, out) == (1, "")
    assert "text.mp4: it is no film that can be read." in err
    assert run(["plan", str(tmp_path / "missing.mp4")], capsys)[0] == 1


def test_a_name_cannot_write_on_the_terminal(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = tmp_path / "a\x1b[2Jb.mp4"
    os.link(film, odd)
    assert run(["plan", str(odd)], capsys)[1].startswith("a\\x1b[2Jb.mp4\n")


def test_an_analysis_chooses_the_rungs_and_tells_what_it_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_film(tmp_path / "small.mp4", seconds=2, size="416x234")
    said = json.loads(run(["plan", str(film), "--analyse", "--json"], capsys)[1])
    rungs = [(rung["crf"], rung["bitrate"], rung["score"]) for rung in said["plan"]["video"]]
    assert rungs == [(one["crf"], one["bitrate"], one["score"]) for one in said["analysis"]["choices"]]
    assert (said["plan"]["ladder"], said["plan"]["measures"]) == ("per-title-v1", False)
    assert said["command"][said["command"].index("-crf") + 1] == f"{rungs[0][0]:g}"
    assert len([point for point in said["analysis"]["points"] if point["peak"] is None]) == 3
    assert len([point for point in said["analysis"]["points"] if point["peak"] is not None]) >= len(rungs)
    lines = run(["plan", str(film), "--analyse"], capsys)[1].splitlines()
    assert f"crf {rungs[0][0]:g}, expected to score {rungs[0][2]:.1f}" in lines[4]
    assert any(line.startswith("  measured 48 frames of 48 in 1 stretches") for line in lines)


def test_where_rungs_are_chosen_at_the_ingest_none_are_promised(
    film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_LADDER", "per-title-v1")
    assert "chosen by an analysis when it is added" in run(["plan", str(film)], capsys)[1]
    assert json.loads(run(["plan", str(film), "--json"], capsys)[1])["command"] is None
    code, out, err = run(["plan", str(film), "--command"], capsys)
    assert (code, out) == (1, "")
    assert "Add --analyse." in err
