"""The analysis: its command lines as strings, and a real one of a film made here, from the file to the rungs of its plan."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from matinee.base.units import BitsPerSecond, Pixels
from matinee.encoding import analysis_command as command
from matinee.encoding import work
from matinee.encoding.analysis import MODEL, OLDER_MODEL, analyse, read_scores, read_survey
from matinee.encoding.analysis_command import Judge
from matinee.encoding.command import encode_command, normalised, video_graph
from matinee.encoding.hull import LEAST_RATIO
from matinee.encoding.kept import Kept
from matinee.encoding.ladder import PER_TITLE_V1, PER_TITLE_V2, chosen_plans
from matinee.encoding.measured import Stretch
from matinee.encoding.model import Choice, Coding, Crop, EncodeFailed, EncodePlan, WarningCode
from matinee.encoding.rules import plan_encode, with_rungs
from matinee.encoding.search import first_points, held, point_of
from matinee.outside.processes import Limits, run
from matinee.outside.tools import find_tools
from tests.encoding.films import entries, ffmpeg, make_film
from tests.encoding.test_command import PROBE, SOURCE, TOOLS

LADDER = msgspec.structs.replace(PER_TITLE_V1, preset="ultrafast", rungs=PER_TITLE_V1.rungs[3:])
PLAN = plan_encode(PROBE, LADDER)
BOTH = plan_encode(PROBE, msgspec.structs.replace(PER_TITLE_V2, rungs=LADDER.rungs))
WIDE, TALL, PEAK = Pixels(640), Pixels(360), BitsPerSecond(720_000)
ONE = point_of(Coding.H264, WIDE, TALL, 20)
STRETCHES = (
    Stretch(start_frame=0, frames=96, weight=0.5, scale=1.0),
    Stretch(start_frame=480, frames=96, weight=0.5, scale=1.2),
)


def test_the_survey_reads_the_whole_film_small() -> None:
    assert " ".join(command.survey_command(PLAN, SOURCE, TOOLS)) == (
        "ffmpeg -hide_banner -nostdin -y -loglevel level+info -nostats -progress pipe:1 -stats_period 0.5 -max_error_rate 1 "
        "-reinit_filter 0 -skip_loop_filter all "
        "-protocol_whitelist file -format_whitelist mov,mp4,matroska,webm,mpegts,mpeg,avi,flv,asf,ogg,mxf,"
        "mpegvideo,h264,hevc,m4v,ivf,obu,nut,wtv,rm,dv,gxf -max_pixels 35651584 -threads 4 -noautorotate "
        "-i file:/films/A film.mkv -filter_complex "
        "[0:0]fps=24000/1001:start_time=0,trim=end_frame=2400,"
        "scale=320:180:flags=bicubic+accurate_rnd+bitexact,format=yuv420p[small] "
        "-map [small] -c:v libx264 -preset ultrafast -crf 30 -g 48 -keyint_min 48 -sc_threshold 0 -threads 1 "
        "-fps_mode passthrough -map_metadata -1 -map_chapters -1 -fflags +bitexact -f framecrc survey.txt"
    )


@pytest.mark.parametrize(
    ("changed", "moved"),
    [
        ({"interlaced": True}, 0),
        ({"interlaced": True, "telecined": True, "field_order": "tff"}, 0),
        ({"crop": Crop(left=Pixels(0), top=Pixels(88), width=Pixels(1280), height=Pixels(544))}, 0),
        ({}, -40_000),
    ],
)
def test_the_survey_counts_the_frames_that_the_encoder_is_given(changed: dict[str, Any], moved: int) -> None:
    video = msgspec.structs.replace(PROBE.video, **changed)
    plan = msgspec.structs.replace(plan_encode(msgspec.structs.replace(PROBE, video=video), LADDER), shift_us=moved)
    argv = command.survey_command(plan, SOURCE, TOOLS)
    evened = argv[argv.index("-filter_complex") + 1].partition("trim=")[0]
    assert len(evened) > len(f"[0:0]fps={plan.rate}:start_time=0,")
    assert video_graph(plan).startswith(evened)
    stretch = command.stretch_command(plan, 0, STRETCHES[0], SOURCE, TOOLS)
    assert stretch[stretch.index("-filter_complex") + 1].startswith(evened)


def test_a_stretch_is_what_the_encoder_would_be_given() -> None:
    argv = command.stretch_command(PLAN, 1, STRETCHES[1], SOURCE, TOOLS)
    assert argv[argv.index("-ss") + 1] == "20.020000"
    assert "-ss" not in command.stretch_command(PLAN, 0, STRETCHES[0], SOURCE, TOOLS)
    graph = argv[argv.index("-filter_complex") + 1]
    assert graph.startswith("[0:0]fps=24000/1001:start_time=0,scale=640:360")
    assert graph.endswith("tpad=stop=-1:stop_mode=clone,trim=end_frame=96,setpts=N/(24000/1001)/TB[stretch]")
    assert " ".join(argv).endswith(
        "-map [stretch] -c:v utvideo -pix_fmt yuv420p -r 24000/1001 -map_metadata -1 -map_chapters -1 "
        "-fflags +bitexact -f mov stretch1.mov"
    )
    assert command.reel_list(2) == "file 'stretch0.mov'\nfile 'stretch1.mov'\n"


def test_a_reel_has_every_frame_of_its_stretches_once_and_without_loss(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    source = "testsrc2=s=640x360:r=24000/1001:d=12,noise=alls=20:allf=t,format=yuv420p"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "10", film)
    plan = plan_encode(work.probe(film, find_tools()), PER_TITLE_V1)
    stretches = [Stretch(start_frame=start, frames=frames, weight=0.5, scale=1.0) for start, frames in ((0, 48), (192, 77))]
    for number, one in enumerate(stretches):
        argv = command.stretch_command(plan, number, one, film, find_tools())
        run(argv, limits=Limits(wall_seconds=120), cwd=tmp_path)
    (tmp_path / command.REEL_FILE).write_text(command.reel_list(2))

    def frames(*source: str | Path) -> list[tuple[str, str]]:
        ffmpeg(*source, "-fps_mode", "passthrough", "-f", "framecrc", tmp_path / "frames.txt")
        lines = [one.split(",") for one in (tmp_path / "frames.txt").read_text().splitlines() if not one.startswith("#")]
        return [(line[2].strip(), line[-1].strip()) for line in lines]

    told = frames("-f", "concat", "-i", tmp_path / command.REEL_FILE)
    assert [time for time, _ in told] == [str(number) for number in range(48 + 77)]
    whole = [checksum for _, checksum in frames("-i", film, "-vf", ",".join(normalised(plan)))]
    assert [checksum for _, checksum in told] == [*whole[:48], *whole[192 : 192 + 77]]


def test_a_size_is_scaled_once_and_encoded_at_each_of_its_qualities() -> None:
    points = first_points([(rung.width, rung.height) for rung in PLAN.video])
    assert [(one.height, one.crf) for one in points] == [(360, 17), (360, 25), (360, 34), (234, 24), (234, 33)]
    argv = command.points_command(PLAN, points, TOOLS)
    assert argv[argv.index("-filter_complex") + 1] == (
        "[0:v]split=2[z360][z234];"
        "[z360]scale=640:360:flags=bicubic+accurate_rnd+bitexact,setsar=1,split=3[p_h264_360_17][p_h264_360_25][p_h264_360_34];"
        "[z234]scale=416:234:flags=bicubic+accurate_rnd+bitexact,setsar=1,split=2[p_h264_234_24][p_h264_234_33]"
    )
    assert " ".join(argv).endswith(
        "-map [p_h264_234_33] -c:v libx264 -preset ultrafast -profile:v high -crf 33 -g 48 -keyint_min 48 -sc_threshold 0 "
        "-flags +cgop+bitexact -threads 1 -fps_mode passthrough -map_metadata -1 -map_chapters -1 -fflags +bitexact "
        "-f mp4 p_h264_234_33.mp4"
    )


def test_a_rung_is_measured_as_it_is_delivered() -> None:
    """The same encoder, quality, peak and buffer, in both codings."""
    choices = [
        Choice(width=WIDE, height=TALL, crf=crf, bitrate=BitsPerSecond(500_000), score=80, coding=coding, peak=PEAK)
        for coding, crf in ((Coding.H264, 26.25), (Coding.AV1, 38.5))
    ]
    plan = with_rungs(BOTH, chosen_plans(choices, BOTH.rate))
    delivered = " ".join(encode_command(plan, SOURCE, TOOLS))
    measured = " ".join(command.points_command(BOTH, held(choices), TOOLS))
    for said in ("-crf 26.25 -maxrate 720000 -bufsize 360000", "crf=38.5:keyint=48:irefresh-type=2:scd=0:lp=1:mbr=720"):
        assert said in delivered
        assert said in measured


def test_scores_are_taken_at_1080_lines_on_equal_time_bases() -> None:
    argv = command.score_command(PLAN, [ONE], (Judge("vmaf_v1", 5), Judge("vmaf_v0.6.1", 15)), TOOLS)
    even = "setpts=N/(24000/1001)/TB,settb=1/1000000,select=lt(mod(n+1\\,5)\\,3)"
    even += ",scale=1920:1080:flags=bicubic+accurate_rnd+bitexact,format=yuv420p"
    assert argv[argv.index("-filter_complex") + 1] == (
        f"[0:v]{even},split=2[r0_0][r0_1];[1:v]{even},split=2[d0_0][d0_1];"
        "[d0_0][r0_0]libvmaf=model=version=vmaf_v1:n_threads=1:n_subsample=3:log_fmt=json:log_path=p_h264_360_20.0.json[o0_0];"
        "[d0_1][r0_1]libvmaf=model=version=vmaf_v0.6.1:n_threads=1:n_subsample=9:log_fmt=json:log_path=p_h264_360_20.1.json[o0_1]"
    )


def test_a_frame_scores_the_same_whatever_was_dropped_around_it(tmp_path: Path) -> None:
    """The models compare neighbours; they must be the film's."""
    source = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=24:d=2,noise=alls=20:allf=t")
    ffmpeg(*source, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", tmp_path / command.stretch_file(0))
    ffmpeg("-i", tmp_path / command.stretch_file(0), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "30", tmp_path / ONE.path)
    (tmp_path / command.REEL_FILE).write_text(command.reel_list(1))
    scores = {}
    for each in (3, 9):
        judges = (Judge(MODEL, each), Judge(OLDER_MODEL, each))
        run(command.score_command(PLAN, [ONE], judges, find_tools()), limits=Limits(wall_seconds=120), cwd=tmp_path)
        for place in range(2):
            told = read_scores((tmp_path / command.scores_file(ONE, place)).read_bytes())
            scores[each, place] = {command.scored_frame(number, judges): score for number, score in told}
    assert list(scores[9, 0]) == list(scores[9, 1]) == [0, 9, 18, 27, 36, 45]
    for place in range(2):
        assert {frame: scores[3, place][frame] for frame in scores[9, place]} == scores[9, place]
        assert len(set(scores[3, place].values())) > 5


def test_what_the_tools_write_down_is_read() -> None:
    survey = "#software: x\n#tb 0: 1/24\n0,  0,  0,  1,  5123, 0x1\n0,  1,  1,  1,   77, 0x2, F=0x0\n"
    assert list(read_survey(survey.splitlines(keepends=True))) == [5123, 77]
    frames = [{"frameNum": 0, "metrics": {"integer_motion": 0, "vmaf": 91.5}}, {"frameNum": 5, "metrics": {"vmaf": 80}}]
    log = msgspec.json.encode({"version": "3", "frames": frames})
    assert read_scores(log) == [(0, 91.5), (5, 80.0)]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen seconds: a still card, then one that is full of motion and grain."""
    folder = tmp_path_factory.mktemp("analysis")
    for name, source in (
        ("still", "testsrc2=s=640x360:r=10:d=8,loop=-1:1"),
        ("moving", "testsrc2=s=640x360:r=10:d=8,noise=alls=20:allf=t"),
    ):
        ffmpeg(
            "-f", "lavfi", "-i", source, "-t", "8", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "8", folder / f"{name}.mkv"
        )
    (folder / "list.txt").write_text("file still.mkv\nfile moving.mkv\n")
    ffmpeg("-f", "concat", "-i", folder / "list.txt", "-c", "copy", folder / "film.mkv")
    return folder / "film.mkv"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """What was measured of that film is not measured by each test again."""
    return Kept(tmp_path_factory.mktemp("kept"))


def planned(film: Path) -> EncodePlan:
    return work.plan(work.probe(film, find_tools()), LADDER)


def test_a_real_film_is_measured_and_nothing_is_left_behind(film: Path, kept: Kept, tmp_path: Path) -> None:
    told: list[float] = []
    analysis = analyse(planned(film), film, tmp_path, find_tools(), told.append, kept=kept)
    assert list(tmp_path.iterdir()) == []
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert analysis.survey.frames == 160
    assert len(analysis.survey.groups) == 8
    assert [one.start_frame for one in analysis.stretches] == [0, 40, 80, 120]
    by_size = {height: [one for one in analysis.points if one.height == height and one.peak is None] for height in (360, 234)}
    for points in by_size.values():
        assert [one.bitrate for one in points] == sorted((one.bitrate for one in points), reverse=True)
        assert [one.score for one in points] == sorted((one.score for one in points), reverse=True)
    assert by_size[360][0].score > 80
    assert analysis.choices[0].height == 360
    assert all(one.older_score is not None for one in analysis.points if one.peak is not None)
    measured = {(one.bitrate, round(one.score, 2)) for one in analysis.points}
    assert measured >= {(one.bitrate, one.score) for one in analysis.choices}


def test_the_stretches_of_a_film_speak_for_all_of_it(film: Path, kept: Kept, tmp_path: Path) -> None:
    """With half of the stretches, easy and hard ones alike are still counted at their share."""
    plan = planned(film)
    whole, half = (analyse(plan, film, tmp_path, find_tools(), lambda _: None, most, kept) for most in (8, 2))
    assert len(half.stretches) == 2
    first = [[one for one in found.points if one.peak is None] for found in (whole, half)]
    for one, other in zip(*first, strict=True):
        assert other.bitrate == pytest.approx(one.bitrate, rel=0.15)
        assert other.score == pytest.approx(one.score, abs=3)


def test_the_chosen_rungs_are_made_and_cost_what_was_expected(film: Path, kept: Kept, tmp_path: Path) -> None:
    tools = find_tools()
    plan = planned(film)
    chosen, _ = work.choose(plan, film, tmp_path, tools, lambda _: None, kept)
    assert len({rung.name for rung in chosen.video}) == len(chosen.video) > 1
    made = work.encode(chosen, film, tmp_path, tools, lambda _: None)
    for rung, rendition in zip(chosen.video, made.video, strict=True):
        assert rung.crf is not None
        assert (rendition.width, rendition.height) == (rung.width, rung.height)
        assert rendition.bitrate == pytest.approx(rung.bitrate, rel=0.1)
        stream = entries(tmp_path / rendition.path, "stream=nb_read_packets")["streams"][0]  # type: ignore[index]
        assert int(stream["nb_read_packets"]) == 160
    for above, below in zip(made.video, made.video[1:], strict=False):
        assert above.bitrate > below.bitrate * (LEAST_RATIO - 0.2)


def test_a_stretch_that_does_not_decode_speaks_for_nothing(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a film cannot be entered, its stretch comes short, and the frames behind would be taken for it."""
    beyond = (
        Stretch(start_frame=0, frames=40, weight=0.5, scale=1.0),
        Stretch(start_frame=9_000, frames=40, weight=0.5, scale=1.0),
    )
    monkeypatch.setattr("matinee.encoding.analysis.choose_stretches", lambda *_: beyond)
    with pytest.raises(EncodeFailed, match="could not be analysed"):
        analyse(planned(film), film, tmp_path, find_tools(), lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_cannot_be_analysed_is_published_by_the_ladder_as_it_stands(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matinee.encoding.analysis._SECOND_LOOK", (Judge("no_such_model", 5),))
    surveyed = "the whole film was read before the model was missed"
    monkeypatch.setattr("matinee.encoding.analysis.read_survey", lambda *_: pytest.fail(surveyed))
    plan = planned(film)
    chosen, found = work.choose(plan, film, tmp_path, find_tools(), lambda _: None)
    assert found is None
    assert chosen.video == plan.video
    assert (plan.measures, chosen.measures) == (True, False)
    assert chosen.warnings[-1].code is WarningCode.NOT_ANALYSED
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(EncodeFailed, match="could not be analysed"):
        analyse(plan, film, tmp_path, find_tools(), lambda _: None)


def test_both_codings_are_measured_and_another_try_encodes_and_scores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "film.mkv", seconds=4, size="320x180", rate="12")
    ladder = msgspec.structs.replace(
        PER_TITLE_V2, preset="ultrafast", rungs=LADDER.rungs, av1=msgspec.structs.replace(PER_TITLE_V2.av1, preset="12")
    )
    tools, kept = find_tools(), Kept(tmp_path / "kept")
    plan = work.plan(work.probe(film, tools), ladder)
    first = analyse(plan, film, tmp_path / "one", tools, lambda _: None, kept=kept)
    assert [one.coding for one in first.choices] == sorted((one.coding for one in first.choices), reverse=True)
    for coding in (Coding.H264, Coding.AV1):
        rungs = first.choices_of(coding)
        assert rungs
        assert all(above.bitrate > below.bitrate and above.score > below.score for above, below in pairwise(rungs))
    assert list((tmp_path / "one").iterdir()) == []
    assert not [path for path in (tmp_path / "kept").rglob("*") if path.is_file() and path.read_bytes()[64:65] != b"{"]

    (tmp_path / "moved.mkv").write_bytes(film.read_bytes())
    monkeypatch.setattr("matinee.encoding.analysis.run", lambda *_, **__: pytest.fail("a program was run"))
    assert analyse(plan, tmp_path / "moved.mkv", tmp_path / "two", tools, lambda _: None, kept=kept) == first
    monkeypatch.undo()
    only = work.plan(work.probe(film, tools), msgspec.structs.replace(ladder, codings=(Coding.H264,)))
    assert analyse(only, film, tmp_path / "three", tools, lambda _: None, kept=kept).choices == first.choices_of(Coding.H264)


def test_another_film_of_the_same_name_is_measured_anew(tmp_path: Path) -> None:
    kept, tools = Kept(tmp_path / "kept"), find_tools()
    found = []
    for rate in ("12", "10"):
        film = make_film(tmp_path / "film.mkv", seconds=2, size="320x180", rate=rate)
        found.append(analyse(planned(film), film, tmp_path / "work", tools, lambda _: None, kept=kept))
    assert found[0].survey.frames == 24
    assert found[1].survey.frames == 20
