"""Key pictures told from bytes: what x264 and SVT-AV1 made, and bytes that are none."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.encoding.model import Coding
from matinee.library.key_pictures import UnknownCoding, coding_of, stands_alone
from matinee.outside.tools import find_tools

ENCODERS = {
    Coding.H264: ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-x264-params", "scenecut=0"),
    Coding.AV1: ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1"),
}


def _samples(path: Path) -> list[tuple[int, int, bool]]:
    """Where each packet lies, its size, and whether the container calls it a key: by ffprobe, which is not our code."""
    argv = [find_tools().ffprobe, "-v", "error", "-show_entries", "packet=pos,size,flags", "-of", "csv=p=0", str(path)]
    lines = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    fields = [line.split(",") for line in lines if line]
    return [(int(pos), int(size), flags.startswith("K")) for size, pos, flags, *_ in fields]


@pytest.mark.parametrize("coding", list(Coding))
def test_each_picture_is_told_as_the_container_tells_it(tmp_path: Path, coding: Coding) -> None:
    film = tmp_path / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=128x72:rate=24", "-frames:v", "40", "-g", "16", "-keyint_min", "16"]
    argv = [find_tools().ffmpeg, "-nostdin", "-v", "error", *source, *ENCODERS[coding], "-pix_fmt", "yuv420p", str(film)]
    subprocess.run(argv, check=True, timeout=60)
    data = film.read_bytes()
    told = [(stands_alone(data[at : at + size], coding), is_key) for at, size, is_key in _samples(film)]
    assert [alone for alone, _ in told] == [is_key for _, is_key in told]
    assert 1 < sum(is_key for _, is_key in told) < len(told)


@pytest.mark.parametrize(("codec", "coding"), [("avc1.64000c", Coding.H264), ("av01.0.04M.08", Coding.AV1)])
def test_codings_by_their_names(codec: str, coding: Coding) -> None:
    assert coding_of(codec) is coding


def test_a_codec_that_is_unknown_is_named() -> None:
    with pytest.raises(UnknownCoding, match="hev1"):
        coding_of("hev1.1.6.L93")


@given(st.binary(max_size=200), st.sampled_from(list(Coding)))
def test_bytes_of_any_kind_are_judged_and_never_raise(sample: bytes, coding: Coding) -> None:
    assert stands_alone(sample, coding) in (True, False)


def test_an_open_group_is_no_key_picture() -> None:
    """A recovery point (a slice of type I that is no IDR, NAL type 1) may need pictures of before."""
    sei, slice_ = b"\x06\x06\x01\xc4\x80", b"\x21\x88\x80"
    sample = b"".join(len(nal).to_bytes(4) + nal for nal in (sei, slice_))
    assert not stands_alone(sample, Coding.H264)
    assert stands_alone(sample.replace(b"\x21", b"\x25"), Coding.H264)
