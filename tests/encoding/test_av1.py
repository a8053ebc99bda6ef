"""AV1 beside H.264: the same frames, cut at the same places, in the colours that were promised; the same bytes each time."""

import hashlib
import subprocess
from pathlib import Path

import msgspec
import pytest

from matinee.base.units import BitsPerSecond, FrameRate
from matinee.encoding import work
from matinee.encoding.ladder import FIXED_V2, PER_TITLE_V2, Effort, av1_level_for, with_effort
from matinee.encoding.model import Av1Rungs, Coding, EncodedFilm, Transfer
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, entries, ffmpeg, make_film, stream

BOTH = msgspec.structs.replace(FAST, preset="veryfast", codings=FIXED_V2.codings, av1=Av1Rungs(preset="9", crf=40, percent=60))
MASTERED = "mastering-display=G(0.265,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000,0.005):content-light=900,300"


def made(source: Path, work_folder: Path) -> EncodedFilm:
    plan = work.plan(work.probe(source, find_tools()), BOTH)
    return work.encode(plan, source, work_folder, find_tools(), lambda _: None)


def key_frames(path: Path) -> list[int]:
    """Which frames stand alone."""
    packets = entries(path, "packet=flags")["packets"]
    assert isinstance(packets, list)
    return [number for number, packet in enumerate(packets) if "K" in packet["flags"]]


def test_both_codings_hold_the_same_frames_and_the_same_groups(tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", seconds=5, size="640x360", rate="24000/1001")
    film = made(source, tmp_path / "work")
    assert [rung.name for rung in film.video] == ["v360", "v234", "av1_360", "av1_234"]
    assert [rung.coding for rung in film.video] == [Coding.H264, Coding.H264, Coding.AV1, Coding.AV1]
    for rung in film.video:
        told = stream(tmp_path / "work" / rung.path)
        assert told["codec_name"] == rung.coding.value
        assert told["mime_codec_string"].startswith(rung.codec)
        assert (told["width"], told["height"], int(told["nb_read_packets"])) == (rung.width, rung.height, film.frames)
        assert [told[name] for name in ("color_range", "color_primaries", "color_transfer", "color_space")] == [
            "tv",
            *["bt709"] * 3,
        ]
        assert told["pix_fmt"] == "yuv420p"
        assert key_frames(tmp_path / "work" / rung.path) == [0, 48, 96]


def test_two_runs_give_the_same_bytes_where_the_bound_is_felt(tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", seconds=3, size="640x360", more=("-vf", "noise=alls=30:allf=t"))
    plan = work.plan(work.probe(source, find_tools()), BOTH)
    rungs = tuple(
        msgspec.structs.replace(rung, crf=25.0, max_bitrate=BitsPerSecond(300_000)) if rung.coding is Coding.AV1 else rung
        for rung in plan.video
    )
    plan = msgspec.structs.replace(plan, video=rungs)
    runs = [work.encode(plan, source, tmp_path / run, find_tools(), lambda _: None) for run in ("one", "two")]
    one, two = (
        [hashlib.sha256((tmp_path / run / rung.path).read_bytes()).hexdigest() for rung in runs[0].video]
        for run in ("one", "two")
    )
    assert one == two
    assert (
        max(rung.bitrate for rung in runs[0].video if rung.coding is Coding.AV1) < 450_000
    )  # unbounded, the smaller one has 3 Mbit/s


@pytest.mark.parametrize(
    ("transfer", "named", "codec"),
    [
        (Transfer.PQ, "smpte2084", "av01.0.04M.10.0.110.09.16.09.0"),
        (Transfer.HLG, "arib-std-b67", "av01.0.04M.10.0.110.09.18.09.0"),
    ],
)
def test_hdr_is_kept_in_av1_and_mapped_in_h264(tmp_path: Path, transfer: Transfer, named: str, codec: str) -> None:
    colours = ("-color_primaries", "bt2020", "-color_trc", named, "-colorspace", "bt2020nc", "-color_range", "tv")
    source = tmp_path / "film.mp4"
    tags = f"setparams=range=tv:color_primaries=bt2020:color_trc={named}:colorspace=bt2020nc"
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s=640x360:r=24:d=2.5,format=yuv420p10le,{tags}", "-c:v", "libsvtav1", "-preset", "10"),
        *("-svtav1-params", MASTERED, *colours, source),
    )
    film = made(source, tmp_path / "work")
    assert [(rung.coding, rung.transfer) for rung in film.video] == [
        *[(Coding.H264, Transfer.SDR)] * 2,
        *[(Coding.AV1, transfer)] * 2,
    ]
    assert [warning.message for warning in film.warnings if warning.code == "hdr_to_sdr"] == [
        f"Its HDR picture ({transfer.value.upper()}) was mapped to SDR in H.264, and kept in AV1."
    ]
    for rung in film.video:
        path = tmp_path / "work" / rung.path
        told = stream(path)
        assert int(told["nb_read_packets"]) == film.frames
        if rung.coding is Coding.H264:
            assert (told["pix_fmt"], told["color_transfer"], told["color_primaries"]) == ("yuv420p", "bt709", "bt709")
            continue
        assert (told["pix_fmt"], told["color_transfer"]) == ("yuv420p10le", named)
        assert (told["color_primaries"], told["color_space"], told["color_range"]) == ("bt2020", "bt2020nc", "tv")
    assert film.video[2].codec == codec
    told = stream(tmp_path / "work" / film.video[2].path)
    assert told["mime_codec_string"] == codec
    # The screen that it was mastered on is told by the file.
    shown = [find_tools().ffmpeg, "-hide_banner", "-i", tmp_path / "work" / film.video[2].path]
    seen = subprocess.run(
        [*shown, "-vf", "showinfo", "-frames:v", "1", "-f", "null", "-"], check=True, capture_output=True, text=True
    )
    of_frames = {line.partition("side data - ")[2] for line in seen.stderr.splitlines() if "side data - " in line}
    screen = "r(0.6800,0.3200) g(0.2650,0.6900) b(0.1500 0.0600) wp(0.3127, 0.3290)"
    assert of_frames == {
        f"Mastering display metadata: has_primaries:1 has_luminance:1 {screen} min_luminance=0.005000, max_luminance=1000.000000",
        "Content light level metadata: MaxCLL=900, MaxFALL=300",
    }


@pytest.mark.parametrize(
    ("width", "height", "rate", "bitrate", "level"),
    [
        (416, 234, 24, 300_000, "2.0"),
        (640, 360, 24, 700_000, "2.1"),
        (1280, 720, 24, 2_600_000, "3.1"),
        (1920, 1080, 24, 5_000_000, "4.0"),
        (1920, 1080, 60, 7_000_000, "4.1"),
        (1920, 1080, 24, 25_000_000, "5.0"),
        (640, 360, 24, 4_000_000, "3.0"),
        (8192, 4352, 60, 5_000_000, "5.2"),
    ],
)
def test_levels(width: int, height: int, rate: int, bitrate: int, level: str) -> None:
    assert av1_level_for(width, height, FrameRate(rate, 1), BitsPerSecond(bitrate)) == level


def test_an_effort_says_a_preset_for_each_coding() -> None:
    assert [(with_effort(PER_TITLE_V2, each).preset, with_effort(PER_TITLE_V2, each).av1.preset) for each in Effort] == [
        ("veryfast", "9"),
        ("medium", "8"),
        ("slow", "6"),
    ]
