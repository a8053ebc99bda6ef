"""Rungs beside their source: one of this film scores high, one of another next to nothing, by a seek as by a decode of all."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from matinee.encoding import work
from matinee.encoding.ladder import FIXED_V1
from matinee.encoding.model import EncodedFilm, EncodePlan
from matinee.encoding.sampling import _FOLDER, _scored, places, sample_command, sampled_scores
from matinee.outside.tools import find_tools
from tests.films import make_film

TOOLS = find_tools()
QUICK = msgspec.structs.replace(FIXED_V1, preset="ultrafast", rungs=FIXED_V1.rungs[-2:])
Encoded = tuple[EncodePlan, EncodedFilm, Path, Path]


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Encoded]:
    def make(source: str, name: str) -> Encoded:
        folder = tmp_path_factory.mktemp("sampled")
        film = make_film(folder / name, seconds=6, rate="24", languages=("fra",), source=source)
        plan = work.plan(work.probe(film, TOOLS), QUICK)
        return plan, work.encode(plan, film, folder / "work", TOOLS, lambda _: None), film, folder / "work"

    return make


@pytest.fixture(scope="module")
def film(encoded: Callable[..., Encoded]) -> Encoded:
    return encoded("testsrc2", "film.mkv")


def test_every_rung_of_a_film_looks_like_it(film: Encoded) -> None:
    plan, made, source, folder = film
    scores = sampled_scores(plan, made, source, folder, TOOLS)
    assert set(scores) == {one.name for one in made.video}
    assert min(scores.values()) > 60
    assert not (folder / _FOLDER).exists()


def test_a_rung_of_another_film_does_not_and_its_neighbour_still_does(
    film: Encoded, encoded: Callable[..., Encoded], tmp_path: Path
) -> None:
    plan, made, source, folder = film
    _, other, _, others = encoded("testsrc", "other.mkv")
    mixed = shutil.copytree(folder, tmp_path / "work")
    shutil.copy(others / other.video[0].path, mixed / made.video[0].path)
    scores = sampled_scores(plan, made, source, mixed, TOOLS)
    assert scores[made.video[0].name] < 10
    assert scores[made.video[1].name] > 60


def test_noise_is_told_from_another_film_though_no_score_says_anything_of_it(film: Encoded, tmp_path: Path) -> None:
    source, folder = tmp_path / "noise.mkv", tmp_path / "noise"
    noise = "nullsrc=s=640x360:r=24:d=6,geq=lum='random(1)*219+16':cb=128:cr=128"
    argv = [TOOLS.ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i", noise, "-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run([*argv, "-qp", "10", "-pix_fmt", "yuv420p", str(source)], check=True, timeout=120)
    plan = work.plan(work.probe(source, TOOLS), QUICK)
    made = work.encode(plan, source, folder, TOOLS, lambda _: None)
    assert sampled_scores(plan, made, source, folder, TOOLS) == {}
    mixed = shutil.copytree(folder, tmp_path / "work")
    shutil.copy(film[3] / film[1].video[0].path, mixed / made.video[0].path)
    scores = sampled_scores(plan, made, source, mixed, TOOLS)
    assert set(scores) == {made.video[0].name}
    assert scores[made.video[0].name] < 15


def test_a_seek_and_a_decode_from_the_start_find_the_same_pictures(film: Encoded, tmp_path: Path) -> None:
    plan, made, source, folder = film
    begin = places(made)[-1]
    assert begin == 96
    scored = []
    for seeks in (True, False):
        (folder / "part").mkdir(exist_ok=True)
        scored.append(_scored(plan, made, begin, source, folder / "part", TOOLS, seeks=seeks))
    for name, score in scored[0].items():
        assert abs(score - scored[1][name]) < 0.5


def test_the_whole_command(film: Encoded) -> None:
    plan, made, _, _ = film
    told = sample_command(plan, made.video[-1:], 96, Path("/films/a.mkv"), TOOLS, seeks=True)
    graph = told[told.index("-filter_complex") + 1]
    assert " ".join(told).replace(graph, "GRAPH") == (
        f"{TOOLS.ffmpeg} -hide_banner -nostdin -y -loglevel level+info -nostats -max_error_rate 1 -reinit_filter 0 -ss 3.989583"
        " -protocol_whitelist file -format_whitelist mov,mp4,matroska,webm,mpegts,mpeg,avi,flv,asf,ogg,mxf,mpegvideo,h264,hevc,"
        "m4v,ivf,obu,nut,wtv,rm,dv,gxf -max_pixels 35651584 -threads 4 -noautorotate -i file:/films/a.mkv"
        " -protocol_whitelist file -ss 3.989583 -i file:../encode/v234.mp4 -filter_complex GRAPH -map [ov234] -f null -"
    )
    assert "trim=start_frame=0:end_frame=48" in graph
    later = sample_command(plan, made.video[-1:], 96, Path("/films/a.mkv"), TOOLS, seeks=False)
    assert "trim=start_frame=96:end_frame=144" in later[later.index("-filter_complex") + 1]
    assert later.count("-ss") == 1
    assert " ".join(later).endswith("-map 0:1 -c copy -t 6.000 -f null -")


def test_a_film_whose_sound_begins_before_its_picture_and_that_cannot_be_sought_is_found_all_the_same(tmp_path: Path) -> None:
    """A transport stream at the end of its clock's range: seeks land anywhere, and the first time is the sound's."""
    plain = make_film(tmp_path / "plain.mp4", seconds=6, rate="24", languages=("fra",))
    film = tmp_path / "film.ts"
    argv = [TOOLS.ffmpeg, "-nostdin", "-v", "error", "-itsoffset", "0.03", "-i", str(plain), "-i", str(plain), "-map", "0:v"]
    argv += ["-map", "1:a", "-c", "copy", "-output_ts_offset", "95000", "-f", "mpegts", str(film)]
    subprocess.run(argv, check=True, timeout=60)
    plan = work.plan(work.probe(film, TOOLS), QUICK)
    made = work.encode(plan, film, tmp_path / "work", TOOLS, lambda _: None)
    assert min(sampled_scores(plan, made, film, tmp_path / "work", TOOLS).values()) > 60
