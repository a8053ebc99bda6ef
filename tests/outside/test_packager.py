"""The packager's command, whole, and where its key does and does not go."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.outside.packager import Job, Stream, arguments, flags, package
from matinee.outside.processes import Limits, ToolFailed
from matinee.outside.tools import Tools

KID, KEY, IV = bytes(range(16)), b"0123456789abcdef", b"fedcba9876543210"


def _job(segment: Fraction = Fraction(48048, 24000)) -> Job:
    streams = (
        Stream(name="v720", kind="video", source="v720.mp4"),
        Stream(name="a_fr", kind="audio", source="sound/a_fr.mp4"),
    )
    return Job(streams=streams, segment=segment, kid=KID, key=KEY, iv=IV, systems=("Common", "Widevine"))


def test_the_flags_are_these() -> None:
    assert flags(_job()) == (
        "--enable_raw_key_encryption\n"
        "--protection_scheme=cbcs\n"
        "--keys=label=film:key_id=000102030405060708090a0b0c0d0e0f:key=30313233343536373839616263646566\n"
        "--iv=66656463626139383736353433323130\n"
        "--protection_systems=Common,Widevine\n"
        "--clear_lead=0\n"
        "--segment_duration=2.002000100\n"
        "--generate_sidx_in_media_segments=false\n"
        "--use_fake_clock_for_muxer\n"
        "--quiet\n"
    )


def test_what_is_encrypted_already_is_opened_by_its_own_key() -> None:
    again = replace(_job(), opens=(KID[::-1], b"another key here"))
    told = flags(again)
    assert "--enable_raw_key_decryption\n" in told
    assert (
        "--keys=label=film:key_id=000102030405060708090a0b0c0d0e0f:key=30313233343536373839616263646566,"
        "label=before:key_id=0f0e0d0c0b0a09080706050403020100:key=616e6f74686572206b65792068657265\n"
    ) in told
    assert "another key" not in repr(again)


def test_the_command_line_is_this() -> None:
    assert " ".join(arguments(_job(), "packager")) == (
        "packager --flagfile=/dev/stdin "
        "in=in/v720.mp4,stream=video,drm_label=film,"
        "init_segment=out/v720/init.mp4,segment_template=out/v720/$Number$.m4s "
        "in=in/sound/a_fr.mp4,stream=audio,drm_label=film,"
        "init_segment=out/a_fr/init.mp4,segment_template=out/a_fr/$Number$.m4s"
    )


@pytest.mark.parametrize("name", ["a,stream=video", "../v720", "/v720", "-v", "", "v 720", "v720/", "$Number$", "a=b"])
def test_a_name_cannot_add_a_field(name: str) -> None:
    with pytest.raises(ValueError, match="plain names"):
        Stream(name=name, kind="video", source="v720.mp4")
    with pytest.raises(ValueError, match="plain names"):
        Stream(name="v720", kind="video", source=name)


@given(
    rate=st.sampled_from([Fraction(n) for n in (10, 12, 24, 25, 30, 50, 60)])
    | st.sampled_from([Fraction(n, 1001) for n in (24000, 30000, 60000)])
    | st.builds(Fraction, st.integers(200, 6000), st.integers(20, 101)),
    frames=st.integers(1, 600),
    multiple=st.integers(1, 40),
)
def test_the_segment_length_becomes_the_right_number_of_ticks(rate: Fraction, frames: int, multiple: int) -> None:
    """As the packager computes it: a double times the timescale, cut off behind the point."""
    timescale = rate.numerator * multiple
    line = next(line for line in flags(_job(frames / rate)).splitlines() if line.startswith("--segment_duration="))
    assert int(float(line.partition("=")[2]) * timescale) == frames * rate.denominator * multiple


def _spy(tmp_path: Path, then: str) -> Tools:
    """A program in the packager's place that writes down all that another process of the machine could see of it."""
    program = tmp_path / "spy"
    program.write_text(
        "#!/bin/sh\n"
        f"exec 2>&1 >'{tmp_path}/seen'\n"
        "tr '\\0' ' ' < /proc/$$/cmdline; tr '\\0' ' ' < /proc/$$/environ\n"
        f"find '{tmp_path}/' -type f ! -name seen -exec cat {{}} +\n"
        f"cat /dev/stdin > '{tmp_path}/told'\n" + then
    )
    program.chmod(0o755)
    return Tools("ffmpeg", "ffprobe", str(program))


def test_the_key_reaches_the_packager_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    package(
        _job(),
        renditions=tmp_path / "in",
        out=tmp_path / "out",
        tools=_spy(tmp_path, "exit 0"),
        limits=Limits(wall_seconds=10),
    )
    assert (tmp_path / "told").read_text() == flags(_job())
    seen = (tmp_path / "seen").read_text()
    assert "--flagfile=/dev/stdin" in seen
    for secret in (KEY.hex(), IV.hex()):
        assert secret not in seen.lower()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "seen", "spy", "told"]


def test_an_error_never_quotes_the_key(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    tools = _spy(tmp_path, f"echo 'bad flag {KEY.hex().upper()}' > /proc/self/fd/2; exit 1")
    program = Path(tools.packager)
    program.write_text(program.read_text().replace("exec 2>&1 >", "exec >"))
    with pytest.raises(ToolFailed) as caught:
        package(_job(), renditions=tmp_path / "in", out=tmp_path / "out", tools=tools, limits=Limits(wall_seconds=10))
    assert "[hidden]" in caught.value.stderr
    assert KEY.hex() not in (caught.value.stderr + str(caught.value)).lower()
    assert caught.value.__cause__ is None
