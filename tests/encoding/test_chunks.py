"""A film in chunks is the film in one run: the same frames, the same clock, the same warnings, and equal bytes each time."""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from matinee.base.units import BitsPerSecond, DurationMs, FrameRate
from matinee.encoding import chunk_command, command, work
from matinee.encoding.chunks import REST, Chunk, Part, PartKind, cut, differing, from_the_beginning
from matinee.encoding.joining import HereMaker, Ready, encode_in_parts
from matinee.encoding.making import key_of, tool_build
from matinee.encoding.model import Coding, EncodedFilm, EncodePlan, FilmRefused, Ladder, Transfer
from matinee.encoding.report import frame_sizes
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, ffmpeg, make_film, stream
from tests.encoding.test_av1 import BOTH, MASTERED
from tests.encoding.test_command import LADDER, PROBE, VIDEO

CHUNKED: Ladder = msgspec.structs.replace(FAST, chunk_ms=DurationMs(4000))
HASH = "0" * 64
LIKE = ("codec_name", "profile", "level", "pix_fmt", "color_range", "color_space", "color_transfer", "color_primaries", "width")


def plan_of(film: Path, ladder: Ladder = CHUNKED) -> EncodePlan:
    return work.plan(work.probe(film, find_tools()), ladder)


class Noting(HereMaker):
    """Notes what it is asked for."""

    def __init__(self, film: Path, folder: Path) -> None:
        super().__init__(film, HASH, folder, find_tools())
        self.asked: list[Part] = []

    def make(self, plan: EncodePlan, parts: Sequence[Part], progress: work.Progress) -> Sequence[Ready]:
        self.asked += parts
        return super().make(plan, parts, progress)


def in_parts(film: Path, workdir: Path, ladder: Ladder = CHUNKED) -> tuple[EncodedFilm, list[Part]]:
    workdir.mkdir()
    maker = Noting(film, workdir / "parts")
    return encode_in_parts(plan_of(film, ladder), film, workdir, maker, find_tools(), lambda _: None), maker.asked


def in_one_run(film: Path, workdir: Path, ladder: Ladder = CHUNKED) -> EncodedFilm:
    workdir.mkdir()
    return work.encode(plan_of(film, ladder), film, workdir, find_tools(), lambda _: None)


def without_rates(film: EncodedFilm) -> EncodedFilm:
    """Each chunk has its own rate control, so that means differ."""
    return msgspec.structs.replace(
        film, video=tuple(msgspec.structs.replace(one, bitrate=BitsPerSecond(0)) for one in film.video)
    )


def clock(path: Path) -> bytes:
    argv = [
        find_tools().ffprobe,
        "-v",
        "error",
        "-show_entries",
        "packet=pts,dts,duration,flags:stream=time_base,start_time,duration",
    ]
    return subprocess.run([*argv, "-of", "csv", path], check=True, capture_output=True, timeout=60).stdout


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def frames_of(plan: EncodePlan, film: Path, chunk: Chunk | None, steps: Sequence[str] = ()) -> list[str]:
    """The MD5 of each frame as the encoder is given it, by way of `steps`: of a chunk, or of one decode of the whole."""
    window = None if chunk is None else (chunk.start, chunk.end)
    begin = [] if chunk is None else chunk_command._from(plan, chunk)
    argv = [find_tools().ffmpeg, *command.QUIET, "-max_error_rate", "1", "-reinit_filter", "0", *begin, *command.film_input(film)]
    argv += ["-filter_complex", f"{command.frames(plan, steps or command.upright(plan), window)}[out]", "-map", "[out]"]
    said = subprocess.run([*argv, "-fps_mode", "passthrough", "-f", "framemd5", "-"], check=True, capture_output=True, timeout=60)
    return [line.rpartition(",")[2].strip() for line in said.stdout.decode().splitlines() if not line.startswith("#")]


LONG_GROUPS = ("-g", "200", "-bf", "3", "-x264-params", "open-gop=1:scenecut=0")


@pytest.mark.parametrize(
    ("name", "rate", "more"),
    [
        ("long_groups.mp4", "24", LONG_GROUPS),
        ("edit_list.mp4", "25", ("-bf", "3", "-output_ts_offset", "0.7")),
        ("late_clock.mkv", "24", (*LONG_GROUPS, "-output_ts_offset", "7.3")),
        ("stream.ts", "25", ("-g", "120", "-bf", "2", "-output_ts_offset", "90000")),
        ("ntsc.mkv", "30000/1001", ("-g", "90")),
        ("halved.mkv", "120", ("-g", "400")),
        ("uneven.mkv", "30", ("-vf", "select='not(eq(mod(n,7),3))*not(between(n,200,290))'", "-fps_mode", "vfr", "-g", "150")),
        (
            "fields.mkv",
            "50",
            ("-vf", "interlace", "-flags", "+ilme+ildct", "-c:v", "mpeg2video", "-q:v", "3", "-g", "60", "-bf", "2"),
        ),
        ("old.webm", "25", ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "200", "-c:a", "libopus")),
        ("old.avi", "25", ("-c:v", "mpeg4", "-q:v", "4", "-g", "100", "-c:a", "mp2")),
    ],
)
def test_chunks_hold_the_very_frames_of_one_decode(name: str, rate: str, more: tuple[str, ...], tmp_path: Path) -> None:
    film = make_film(tmp_path / name, seconds=13, rate=rate, more=more)
    plan = plan_of(film)
    chunks = cut(plan).chunks
    assert len(chunks) == 3
    assert chunk_command._from(plan, chunks[-1]), "nothing is sought"
    whole = frames_of(plan, film, None)
    assert len(set(whole)) > len(whole) / 2, "frames that are alike prove nothing"
    assert [frame for chunk in chunks for frame in frames_of(plan, film, chunk)] == whole


@pytest.mark.parametrize("rate", ["24", "30000/1001"])
def test_joined_chunks_are_one_film(rate: str, tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mkv", seconds=13, rate=rate, size="640x360")
    chunked, asked = in_parts(film, tmp_path / "parts")
    assert [part.kind for part in asked] == [PartKind.REST, *3 * [PartKind.CHUNK]]
    once = in_one_run(film, tmp_path / "once")
    assert without_rates(chunked) == without_rates(once)
    for video in once.video:
        assert clock(tmp_path / "parts" / video.path) == clock(tmp_path / "once" / video.path)
    for path, same in hashes(tmp_path / "once" / "encode").items():
        if not path.startswith("v") and path != "film.json":
            assert hashes(tmp_path / "parts" / "encode")[path] == same
    assert hashes(tmp_path / "parts" / "encode").keys() == hashes(tmp_path / "once" / "encode").keys()
    in_parts(film, tmp_path / "again")
    assert hashes(tmp_path / "again" / "encode") == hashes(tmp_path / "parts" / "encode")


def test_a_film_that_breaks_off_ends_where_it_breaks_off(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", seconds=16, more=("-movflags", "+faststart", "-g", "48"))
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    chunked, _ = in_parts(film, tmp_path / "parts")
    assert {"truncated"} <= {warning.code for warning in chunked.warnings}
    assert without_rates(chunked) == without_rates(in_one_run(film, tmp_path / "once"))


def test_the_last_frame_is_held_over_chunks_that_have_no_picture(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    inputs = ("-f", "lavfi", "-i", "testsrc2=d=3:s=320x180:r=24", "-f", "lavfi", "-i", "sine=d=13")
    ffmpeg(*inputs, "-c:v", "libx264", "-c:a", "aac", film)
    chunked, asked = in_parts(film, tmp_path / "parts")
    assert all(part.chunk is None or part.chunk.sought for part in asked), "it was made again from the beginning"
    assert chunked.frames == 13 * 24
    assert without_rates(chunked) == without_rates(in_one_run(film, tmp_path / "once"))


def test_a_film_that_cannot_be_sought_is_decoded_from_its_beginning(tmp_path: Path) -> None:
    """Two recordings in one file: the clock begins anew half-way, so that its second half is where nobody would look."""
    for number, source in enumerate(("testsrc2", "mandelbrot")):
        ffmpeg("-f", "lavfi", "-i", f"{source}=s=320x180:r=25", "-t", 8, "-c:v", "libx264", "-g", 50, tmp_path / f"{number}.ts")
    film = tmp_path / "film.ts"
    film.write_bytes(b"".join((tmp_path / f"{number}.ts").read_bytes() for number in range(2)))
    plan = msgspec.structs.replace(plan_of(film), promised_ms=DurationMs(16_000))
    (tmp_path / "parts").mkdir()
    maker = Noting(film, tmp_path / "made")
    chunked = encode_in_parts(plan, film, tmp_path / "parts", maker, find_tools(), lambda _: None)
    again = [part.chunk for part in maker.asked if part.chunk is not None and not part.chunk.sought]
    assert again
    (tmp_path / "once").mkdir()
    assert without_rates(chunked) == without_rates(work.encode(plan, film, tmp_path / "once", find_tools(), lambda _: None))
    assert stream(tmp_path / "parts" / chunked.video[0].path)["nb_frames"] == str(chunked.frames)


def test_a_film_of_which_nothing_decodes_is_refused(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", seconds=13)
    plan = plan_of(film)
    data = bytearray(film.read_bytes())
    begin, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[begin:end] = bytes(end - begin)
    film.write_bytes(bytes(data))
    (tmp_path / "work").mkdir()
    with pytest.raises(FilmRefused):
        encode_in_parts(plan, film, tmp_path / "work", Noting(film, tmp_path / "made"), find_tools(), lambda _: None)


def test_no_two_seconds_take_more_than_is_allowed(tmp_path: Path) -> None:
    """Every chunk begins with a buffer that is nearly full, whatever the one before it left; joins keep the peak too."""
    film = tmp_path / "film.mkv"
    noise = "testsrc2=d=13:s=416x234:r=24,noise=alls=60:allf=t"
    ffmpeg("-f", "lavfi", "-i", noise, "-c:v", "libx264", "-qp", 10, "-preset", "ultrafast", film)
    rung = msgspec.structs.replace(CHUNKED.rungs[-1], bitrate=BitsPerSecond(300_000), max_bitrate=BitsPerSecond(450_000))
    chunked, _ = in_parts(film, tmp_path / "parts", msgspec.structs.replace(CHUNKED, rungs=(rung,)))
    sizes = frame_sizes(tmp_path / "parts" / chunked.video[0].path)
    windows = [sum(sizes[at : at + 48]) * 4 for at in range(len(sizes) - 47)]
    assert max(windows) <= 2 * rung.bitrate, "twice the mean is what the HLS authoring rules allow"


IN_BOTH: Ladder = msgspec.structs.replace(BOTH, rungs=BOTH.rungs[-1:], chunk_ms=DurationMs(2000))
"""One size in H.264 and in AV1."""


def make_hdr(path: Path, named: str, seconds: float) -> Path:
    """A film in HDR that says on which screen it was mastered, with a key frame each four seconds."""
    colours = ("-color_primaries", "bt2020", "-color_trc", named, "-colorspace", "bt2020nc", "-color_range", "tv")
    tags = f"setparams=range=tv:color_primaries=bt2020:color_trc={named}:colorspace=bt2020nc"
    picture = f"testsrc2=s=416x234:r=24:d={seconds},format=yuv420p10le,{tags}"
    coder = ("-c:v", "libsvtav1", "-preset", "12", "-g", "96", "-svtav1-params", MASTERED)
    ffmpeg("-f", "lavfi", "-i", picture, *coder, *colours, path)
    return path


def shown(path: Path) -> list[str]:
    """What a player learns of each frame: its pixels' MD5, its colours, the screen that it was mastered on; not what x264 says
    of itself."""
    argv = [find_tools().ffmpeg, "-hide_banner", "-nostdin", "-i", path, "-vf", "showinfo=checksum=0", "-f", "framemd5", "-"]
    said = subprocess.run(argv, check=True, capture_output=True, timeout=60)
    frames = [line.rpartition(",")[2].strip() for line in said.stdout.decode().splitlines() if not line.startswith("#")]
    told: list[str] = []
    for line in said.stderr.decode().splitlines():
        text = line.partition("] ")[2]
        if " pts_time:" in text:
            told.append("")
        elif told and "User Data" not in text and ("side data - " in text or "color_range:" in text):
            told[-1] += f"{text.strip()}; "
    assert len(told) == len(frames)
    return [f"{frame} {more}" for frame, more in zip(frames, told, strict=True)]


@pytest.mark.parametrize(("transfer", "named"), [(Transfer.SDR, ""), (Transfer.PQ, "smpte2084"), (Transfer.HLG, "arib-std-b67")])
def test_joined_chunks_in_av1_are_what_each_of_them_is(transfer: Transfer, named: str, tmp_path: Path) -> None:
    """The last of them has one frame. An encoder looks ahead and bounds its bits, and so a plain run gives other bytes from where
    it looks beyond the first chunk's end."""
    film = tmp_path / "film.mp4"
    if named:
        make_hdr(film, named, 193 / 24)
    else:
        make_film(film, seconds=193 / 24, size="416x234", more=LONG_GROUPS)
    chunked, asked = in_parts(film, tmp_path / "parts", IN_BOTH)
    chunks = [part.chunk for part in asked if part.chunk is not None]
    assert [(chunk.start, chunk.sought) for chunk in chunks] == [(0, True), (96, True), (192, True)]
    once = in_one_run(film, tmp_path / "once", IN_BOTH)
    assert without_rates(chunked) == without_rates(once)
    assert chunked.frames == 193
    assert [(one.coding, one.transfer) for one in chunked.video] == [(Coding.H264, Transfer.SDR), (Coding.AV1, transfer)]
    for video in chunked.video:
        joined, whole = tmp_path / "parts" / video.path, tmp_path / "once" / video.path
        assert clock(joined) == clock(whole)
        assert {name: stream(joined)[name] for name in LIKE} == {name: stream(whole)[name] for name in LIKE}
        plan = plan_of(film, IN_BOTH)
        keys = [key_of(plan, Part(kind=PartKind.CHUNK, chunk=chunk), HASH, tool_build(find_tools())) for chunk in chunks]
        alone = [frame for key in keys for frame in shown(tmp_path / "parts" / "parts" / key / Path(video.path).name)]
        assert shown(joined) == alone, "a join changes what is shown"
        assert shown(joined)[:48] == shown(whole)[:48], "so far nothing tells the encoder that it makes a chunk"
        assert len({frame.partition(" ")[2] for frame in shown(joined)}) == 1, "colours or mastering change at a join"
        if video.transfer is not Transfer.SDR:
            assert stream(joined)["color_transfer"] == named
            assert shown(joined)[96].count("side data - ") == 2
            assert "max_luminance=1000.000000" in shown(joined)[96]
            assert "MaxCLL=900, MaxFALL=300" in shown(joined)[96]


@pytest.mark.parametrize("named", ["smpte2084", "arib-std-b67"])
def test_chunks_in_hdr_hold_the_very_frames_of_one_decode(named: str, tmp_path: Path) -> None:
    plan = plan_of(make_hdr(tmp_path / "film.mp4", named, 9), IN_BOTH)
    best = next(rung for rung in plan.video if rung.transfer is not Transfer.SDR)
    chunks, steps = cut(plan).chunks, command.upright_hdr(plan, best)
    assert len(chunks) > 2
    assert chunk_command._from(plan, chunks[-1]), "nothing is sought"
    whole = frames_of(plan, tmp_path / "film.mp4", None, steps)
    assert len(set(whole)) == 9 * 24
    assert [frame for chunk in chunks for frame in frames_of(plan, tmp_path / "film.mp4", chunk, steps)] == whole


PLAN = msgspec.structs.replace(work.plan(PROBE, LADDER), chunk_ms=DurationMs(20_000))


@pytest.mark.parametrize(
    ("shows", "promised_ms", "chunk_ms", "starts"),
    [
        ("a minute in three", 60_060, 20_000, [0, 480, 960]),
        ("what is left over lengthens them", 74_000, 20_000, [0, 624, 1248]),
        ("shorter than two chunks", 39_000, 20_000, []),
        ("no length known", None, 20_000, []),
        ("never shorter than a segment", 8_000, 1, [0, 48, 96, 144]),
    ],
)
def test_where_a_film_is_cut(shows: str, promised_ms: int | None, chunk_ms: int, starts: list[int]) -> None:
    promised = None if promised_ms is None else DurationMs(promised_ms)
    cutting = cut(msgspec.structs.replace(PLAN, promised_ms=promised, chunk_ms=DurationMs(chunk_ms)))
    assert [chunk.start for chunk in cutting.chunks] == starts, shows
    assert [chunk.end for chunk in cutting.chunks[:-1]] == starts[1:], shows
    assert bool(cutting.why) == (not starts), shows


def test_neighbours_that_differ_are_made_as_one() -> None:
    chunks = [Chunk(start=at, end=at + 10) for at in (0, 10, 20, 30)]
    whole = [str(at) for at in range(35)]
    made = [whole[0:10], whole[9:19], [], whole[30:]]
    bad = differing(chunks, made, whole)
    assert bad == chunks[1:3]
    assert from_the_beginning([*bad, Chunk(start=40, end=50)]) == [
        Chunk(start=10, end=30, sought=False),
        Chunk(start=40, end=50, sought=False),
    ]


def test_a_key_is_of_all_that_bytes_hang_on() -> None:
    chunk = Part(kind=PartKind.CHUNK, chunk=Chunk(start=48, end=96))
    other = Part(kind=PartKind.CHUNK, chunk=Chunk(start=48, end=144))
    preset = msgspec.structs.replace(PLAN, preset="slow")
    keys = [
        key_of(PLAN, chunk, HASH, "build"),
        key_of(PLAN, chunk, "1" * 64, "build"),
        key_of(PLAN, chunk, HASH, "another build"),
        key_of(preset, chunk, HASH, "build"),
        key_of(PLAN, other, HASH, "build"),
        key_of(PLAN, REST, HASH, "build"),
        key_of(PLAN, REST, HASH, "build", ("a subtitle file",)),
        key_of(PLAN, REST, HASH, "build", ("another",)),
    ]
    assert len(set(keys)) == len(keys)
    named = msgspec.structs.replace(PLAN, source_name="another name.mkv")
    assert key_of(named, chunk, HASH, "build", ("a subtitle file",)) == keys[0], "neither a film's name nor text is in its chunks"


def test_a_chunk_is_one_command() -> None:
    plan = msgspec.structs.replace(PLAN, source=msgspec.structs.replace(VIDEO, rate=FrameRate(24000, 1001)))
    line = " ".join(chunk_command.chunk_command(plan, Chunk(start=480, end=960), Path("/films/A film.mkv"), find_tools()))
    scale = "flags=bicubic+accurate_rnd+bitexact"
    assert "-copyts -start_at_zero -noaccurate_seek -ss 17.020000 -protocol_whitelist file" in line
    assert (
        "[0:0]fps=24000/1001:start_time=0,trim=start_frame=480:end_frame=960,setpts=PTS-STARTPTS,"
        f"scale=1280:720:{scale}:in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1,"
        "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,sidedata=mode=delete,"
        f"split=2[v720][in_v360];[in_v360]scale=640:360:{scale},setsar=1,split=2[v360][check] "
    ) in line
    assert line.endswith("-map [check] -c:v rawvideo -fps_mode passthrough -f framecrc frames.crc")
