"""Fields: video to a frame each, film back to the frames that were shot, whole frames left alone, whatever the flags say."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matinee.encoding import work
from matinee.encoding.fields import Fields, Part, Verdict, judge, read_part
from matinee.encoding.model import EncodedFilm
from matinee.encoding.rules import chunkable
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, ffmpeg

SHOT = "testsrc2=s=320x240:r=24000/1001:d={seconds},gblur=sigma=1.5"
PULLED = f"{SHOT},telecine=pattern=23:first_field=top,setfield=tff"
VIDEO = "testsrc2=s=320x240:r=60000/1001:d={seconds},gblur=sigma=1.5,interlace=lowpass=0"
AS_FIELDS = ("-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ilme+ildct")
AS_FRAMES = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-pix_fmt", "yuv420p")


def make(path: Path, graph: str, seconds: float, *coded: str) -> Path:
    ffmpeg("-f", "lavfi", "-i", graph.format(seconds=seconds), "-r", "30000/1001", *coded, path)
    return path


def soft_telecine(path: Path, seconds: float) -> Path:
    """MPEG-2 film of 24 frames whose flags ask a player to show fields for two and three times in turn, in 30 frames."""
    raw = path.with_suffix(".m2v")
    ffmpeg("-f", "lavfi", "-i", SHOT.format(seconds=seconds), "-c:v", "mpeg2video", "-q:v", "2", "-g", "12", raw)
    data, at, picture = bytearray(raw.read_bytes()), 0, 0
    while (at := data.find(b"\0\0\1", at)) >= 0:
        code, extension = data[at + 3], data[at + 4] >> 4
        if code == 0xB3:
            data[at + 7] = data[at + 7] & 0xF0 | 4  # 30000/1001 frames a second
        elif (code, extension) == (0xB5, 1):
            data[at + 5] &= ~0x08  # not a progressive sequence
        elif (code, extension) == (0xB5, 8):
            top_first, repeat = ((1, 1), (0, 0), (0, 1), (1, 0))[picture % 4]
            data[at + 7] = data[at + 7] & ~0x82 | top_first << 7 | repeat << 1
            data[at + 8] |= 0x80  # a progressive frame
            picture += 1
        at += 3
    raw.write_bytes(data)
    ffmpeg("-i", raw, "-c", "copy", "-bsf:v", r"setts=ts='(floor(N/2)*5+mod(N\,2)*3)*20020'", path)
    return path


def ingest(source: Path, workdir: Path) -> EncodedFilm:
    workdir.mkdir()
    planned = work.plan(work.probe(source, find_tools()), FAST)
    assert chunkable(planned.source) == (not planned.source.telecined)
    return work.encode(planned, source, workdir, find_tools(), lambda _: None)


def grey(*source: str | Path) -> NDArray[np.float64]:
    """The frames of a film in grey, 160x120."""
    raw = ffmpeg(*source, "-vf", "scale=160:120,format=gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-")
    return np.frombuffer(raw, dtype=np.uint8).reshape(-1, 120, 160).astype(float)


def codes(film: EncodedFilm) -> set[str]:
    return {warning.code.value for warning in film.warnings} - {"no_audio"}


FILMS = [
    ("hard telecine", "film.mpg", PULLED, AS_FIELDS, "24000/1001", {"telecine_removed"}),
    ("hard telecine coded as frames", "film.mkv", f"{PULLED},setfield=prog", AS_FRAMES, "24000/1001", {"telecine_removed"}),
    ("video", "film.mpg", VIDEO, AS_FIELDS, "60000/1001", {"deinterlaced"}),
    ("whole frames sent as fields", "film.mpg", SHOT.replace("24000", "30000") + ",setfield=tff", AS_FIELDS, "30000/1001", set()),
    ("whole frames", "film.mkv", SHOT.replace("24000", "30000"), AS_FRAMES, "30000/1001", set()),
]


@pytest.mark.parametrize(("name", "graph", "coded", "rate", "warned"), [f[1:] for f in FILMS], ids=[f[0] for f in FILMS])
def test_what_becomes_of_fields(
    name: str, graph: str, coded: tuple[str, ...], rate: str, warned: set[str], tmp_path: Path
) -> None:
    film = ingest(make(tmp_path / name, graph, 3, *coded), tmp_path / "work")
    assert str(film.frame_rate) == rate
    assert codes(film) == warned
    assert abs(film.duration_ms - 3000) <= 100


@pytest.mark.parametrize("soft", [True, False])
def test_the_frames_that_were_shot_are_found_again(soft: bool, tmp_path: Path) -> None:
    """Each frame is one that was shot, whole, each is there once, in order, at its time."""
    source = soft_telecine(tmp_path / "film.mkv", 3) if soft else make(tmp_path / "film.mpg", PULLED, 3, *AS_FIELDS)
    film = ingest(source, tmp_path / "work")
    assert str(film.frame_rate) == "24000/1001"
    shot = grey("-f", "lavfi", "-i", SHOT.format(seconds=3))
    shown = grey("-i", tmp_path / "work" / film.video[0].path)
    assert abs(len(shown) - len(shot)) <= 1
    nearest = [int(np.abs(shot - frame).mean(axis=(1, 2)).argmin()) for frame in shown]
    off = np.array(nearest) - np.arange(len(nearest))
    assert abs(int(np.median(off))) <= 1
    assert (off == np.median(off)).mean() > 0.95
    differences = [float(np.abs(shot[place] - frame).mean()) for place, frame in zip(nearest, shown, strict=True)]
    assert max(differences) < 4  # a frame woven of two that were shot is further from both


def test_video_coded_as_frames_is_found_out_where_the_film_is_long_enough(tmp_path: Path) -> None:
    film = ingest(make(tmp_path / "film.mkv", f"{VIDEO},setfield=prog", 21, *AS_FRAMES), tmp_path / "work")
    assert str(film.frame_rate) == "60000/1001"
    assert codes(film) == {"deinterlaced"}
    shown = grey("-i", tmp_path / "work" / film.video[0].path)[600:640]
    moved = np.abs(np.diff(shown, axis=0)).mean(axis=(1, 2))
    assert (moved > moved.max() / 4).all()  # each field became a frame of its own


def test_film_and_video_mixed_are_deinterlaced_and_said_so(tmp_path: Path) -> None:
    pulled, video = (each.format(seconds=14) for each in (PULLED, VIDEO))
    graph = f"{pulled},fps=30000/1001[a];{video}[b];[a][b]concat,setfield=tff"
    film = ingest(make(tmp_path / "film.mpg", graph, 14, *AS_FIELDS), tmp_path / "work")
    assert str(film.frame_rate) == "60000/1001"
    assert codes(film) == {"deinterlaced"}
    assert "mixes" in next(warning.message for warning in film.warnings if warning.code.value == "deinterlaced")


UNDECLARED = Part(Fields.VIDEO, "bff", False)
PULLDOWN, MOVING, WHOLE, STILL = (
    Part(Fields.PULLDOWN, "tff", True),
    Part(Fields.VIDEO, "tff", True),
    Part(Fields.FRAMES, "", True),
    Part(None, "", True),
)


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        ([], Verdict(interlaced=True)),
        ([STILL, STILL], Verdict(interlaced=True)),
        ([STILL, WHOLE], Verdict()),
        ([PULLDOWN, STILL, PULLDOWN], Verdict(telecined=True, order="tff")),
        ([PULLDOWN, WHOLE], Verdict(interlaced=True, mixed=True)),
        ([PULLDOWN, MOVING], Verdict(interlaced=True, mixed=True)),
        ([WHOLE, MOVING, WHOLE], Verdict(interlaced=True)),
        ([UNDECLARED, STILL, UNDECLARED], Verdict(interlaced=True, order="bff")),
        ([UNDECLARED], Verdict()),
        ([WHOLE, UNDECLARED, UNDECLARED], Verdict()),
        ([UNDECLARED, Part(Fields.VIDEO, "tff", False)], Verdict()),
    ],
)
def test_the_verdict(parts: list[Part], verdict: Verdict) -> None:
    assert judge(parts, flagged=True) == verdict


@given(st.text(max_size=200), st.lists(st.sampled_from(["tff", "bff", "progressive", "undetermined", "x"]), max_size=60))
def test_any_text_is_read(said: str, kinds: list[str]) -> None:
    text = "\n".join(f"lavfi.idet.single.current_frame={kind}\nlavfi.idet.repeated.current_frame={kind}" for kind in kinds)
    part = read_part(text + said, said)
    assert judge([part], flagged=False).order in ("", "tff", "bff")
