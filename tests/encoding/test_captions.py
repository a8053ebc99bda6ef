"""Closed captions: CEA-608 within the picture becomes a caption track, in its words and at its times."""

import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.encoding import captions, work
from matinee.encoding.captions import Pair
from matinee.encoding.model import EncodedFilm
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, ffmpeg

FRAMES = 24


def odd(byte: int) -> int:
    """With the parity bit of line 21."""
    return byte | (0x80 if byte.bit_count() % 2 == 0 else 0)


def spoken(text: str) -> list[Pair]:
    """What loads a line of text unseen (pop-on): resume loading, a row, characters."""
    letters = text.encode("ascii") + b"\0" * (len(text) % 2)
    pairs = [(0x14, 0x20), (0x14, 0x20), (0x14, 0x70), (0x14, 0x70), *zip(letters[::2], letters[1::2], strict=True)]
    return [(odd(first), odd(second)) for first, second in pairs]


SHOW: list[Pair] = [(odd(0x14), odd(0x2F))] * 2
ERASE: list[Pair] = [(odd(0x14), odd(0x2C))] * 2


def a53(pair: Pair) -> bytes:
    """User data of A/53 with one pair of the first field, and one of the second that means nothing."""
    return b"GA94\x03" + bytes([0x42, 0xFF, 0xFC, *pair, 0xFD, 0x80, 0x80, 0xFF])


def sei(pair: Pair) -> bytes:
    payload = b"\xb5\x00\x31" + a53(pair)
    return b"\0\0\0\1\x06\x04" + bytes([len(payload)]) + payload + b"\x80"


def captioned(path: Path, codec: str, script: dict[int, list[Pair]]) -> Path:
    """A film whose frames, from each of the script's on, bring one pair each."""
    pairs = {first + offset: pair for first, each in script.items() for offset, pair in enumerate(each)}
    raw = path.with_suffix(".raw")
    source = ("-f", "lavfi", "-i", f"testsrc2=s=160x90:r={FRAMES}:d=4")
    if codec == "h264":
        ffmpeg(
            *source, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x264-params", "aud=1", "-f", "h264", raw
        )
        parts = re.split(b"(?=" + re.escape(b"\0\0\0\1\x09") + b")", raw.read_bytes())[1:]
        data = b"".join(part[:6] + sei(pairs.get(number, (0x80, 0x80))) + part[6:] for number, part in enumerate(parts))
    else:
        ffmpeg(*source, "-c:v", "mpeg2video", "-f", "mpeg2video", raw)
        parts = re.split(b"(?=" + re.escape(b"\0\0\1\x01") + b")", raw.read_bytes())  # before the first slice of each picture
        data = parts[0]
        for number, part in enumerate(parts[1:]):
            data += b"\0\0\1\xb2" + a53(pairs.get(number, (0x80, 0x80))) + part
    raw.write_bytes(data)
    sound = ("-f", "lavfi", "-i", "sine=d=4")
    moved = ("-bsf:v", f"setts=ts=N/TB/{FRAMES}")
    ffmpeg("-r", FRAMES, "-f", "h264" if codec == "h264" else "mpegvideo", "-i", raw, *sound, "-c:v", "copy", *moved, *MADE, path)
    return path


MADE = ("-c:a", "mp2", "-metadata:s:a:0", "language=eng")


def ingest(source: Path, workdir: Path) -> EncodedFilm:
    workdir.mkdir()
    planned = work.plan(work.probe(source, find_tools()), FAST)
    return work.encode(planned, source, workdir, find_tools(), lambda _: None)


def cues(text: str) -> list[tuple[float, float, str]]:
    found = re.findall(r"(\d+):(\d+):([\d.]+) --> (\d+):(\d+):([\d.]+).*\n(.+)", text)
    return [
        (
            int(hours) * 3600 + int(minutes) * 60 + float(seconds),
            int(last_hours) * 3600 + int(last_minutes) * 60 + float(last_seconds),
            words,
        )
        for hours, minutes, seconds, last_hours, last_minutes, last_seconds, words in found
    ]


SCRIPT = {2: spoken("Good evening."), 24: SHOW, 30: spoken("We begin"), 60: SHOW, 72: ERASE, 74: spoken("The end"), 84: SHOW}


@pytest.mark.parametrize(
    ("name", "codec"), [("film.ts", "h264"), ("film.mp4", "h264"), ("film.mkv", "h264"), ("film.ts", "mpeg2")]
)
def test_captions_become_a_track(name: str, codec: str, tmp_path: Path) -> None:
    film = ingest(captioned(tmp_path / name, codec, SCRIPT), tmp_path / "work")
    assert [(text.name, text.language, text.role, text.label) for text in film.text] == [("t_en", "en", "caption", "English CC")]
    found = cues((tmp_path / "work" / film.text[0].path).read_text())
    assert [words for _, _, words in found] == ["Good evening.", "We begin", "The end"]
    wanted = [(24, 60), (60, 72), (84, 96)]
    for (begin, end, _), (first, last) in zip(found, wanted, strict=True):
        assert abs(begin - first / FRAMES) <= 0.09
        assert abs(end - last / FRAMES) <= 0.09


def test_padding_is_no_caption(tmp_path: Path) -> None:
    film = ingest(captioned(tmp_path / "film.ts", "h264", {}), tmp_path / "work")
    assert film.text == ()
    assert not any("subtitle" in warning.code.value for warning in film.warnings)


@given(
    st.lists(st.sampled_from([b"\0\0\1", b"\x06", b"\x09", b"GA94\x03", b"\x42", b"\xff", b"\xfc\x94\x20", b"\0\0\x03", b"\xb2"]))
)
def test_any_bytes_are_read(parts: list[bytes]) -> None:
    data = b"".join(parts)
    captions.holds_captions(data)
    for codec in captions.CODECS:
        shown = captions.pictures(data, codec)
        text = captions.scenarist(shown, [float(at) for at in range(len(shown))], 5.0)
        assert re.fullmatch(r"(Scenarist_SCC V1\.0\n\n(\d\d:\d\d:\d\d:\d\d\t[0-9a-f]{4}( [0-9a-f]{4})*\n\n?)+)?", text)


def test_pictures_without_times_of_their_own_give_nothing() -> None:
    shown = [[(0x94, 0x20)]] * 4
    assert captions.scenarist(shown, [0.0] * 3, 1.0) == ""
    assert captions.scenarist(shown, [0.5, 0.0], 1.0).splitlines()[2:5:2] == ["00:00:00:00\t9420 9420", "00:00:00:15\t9420 9420"]


def test_a_stream_of_nothing_but_captions_takes_little_memory() -> None:
    data = b"\0\0\1\x09" + (b"\0\0\1\x06GA94\x03\x5f\xff" + b"\xfc\x94\x20" * 31) * 10_000
    tracemalloc.start()
    shown = captions.pictures(data, "h264")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(shown[0]) == 310_000
    assert peak < 5 * len(data)


def test_more_pictures_than_any_film_has_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captions, "_MOST_PICTURES", 3)
    assert len(captions.pictures(b"\0\0\1\x09" * 3, "h264")) == 3
    assert captions.pictures(b"\0\0\1\x09" * 4, "h264") == []
