"""Subtitles as people's files have them, and what becomes of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.units import DurationMs, PositionMs
from matinee.encoding.subtitles import clean, decode_text, find_role_and_language, timestamp
from tests.shared import DATA

LINE = re.compile(r"(\d\d+):(\d\d):(\d\d)\.(\d{3}) --> (\d\d+):(\d\d):(\d\d)\.(\d{3})(?: .*)?")


ASS = (
    "[Script Info]\n[Events]\nFormat: Layer, Start, End, Style, Text\n"
    "Dialogue: 0,0:00:01.00,0:00:02.50,Default,{\\i1}One{\\i0}, two\\Nthree\n"
    "Dialogue: 0,0:00:03.00,0:00:04.00,Default,{\\p1}m 0 0 l 1 1\n"
)
PIECES = ["\n", "00:00:01,000 --> 00:00:02,500", "<i>", "</b>", "&", "<v a", ">", "--", "1", "{\\an8}", "x"]


def cues(vtt: str) -> list[str]:
    return vtt.split("\n\n")[1:]


def valid(vtt: str) -> bool:
    """A reader apart from ours: the header, then blocks of a time line and text that is all escaped or known tags."""
    blocks = [block.strip("\n") for block in vtt.split("\n\n")]
    if blocks[0] != "WEBVTT":
        return False
    last = -1
    for block in filter(None, blocks[1:]):
        head, *body = block.split("\n")
        match = LINE.fullmatch(head)
        if match is None or not body or any("-->" in line for line in body):
            return False
        times = (match.groups()[:4], match.groups()[4:])
        start, end = (((int(h) * 60 + int(m)) * 60 + int(s)) * 1000 + int(ms) for h, m, s, ms in times)
        text = re.sub(r"</?(?:i|b|u|ruby|rt)>|<(?:v|lang) [^<>]+>|</(?:v|lang)>", "", "\n".join(body))
        if end <= start or start < last or "<" in text or ">" in text or re.search(r"&(?!amp;|lt;|gt;)", text):
            return False
        last = start
    return True


@pytest.mark.parametrize(
    ("what", "text", "wanted"),
    [
        ("srt", "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nYou\n", ["Hello", "You"]),
        ("no blank line", "1\n00:00:01,000 --> 00:00:02,000\nHello\n2\n00:00:03,000 --> 00:00:04,000\nYou\n", ["Hello", "You"]),
        ("old Mac line ends", "1\r00:00:01,000 --> 00:00:02,000\rHello\r", ["Hello"]),
        ("font tags", '1\n00:00:01,000 --> 00:00:02,000\n<font color="red">Hello <i>you</font></i>\n', ["Hello <i>you</i>"]),
        ("stray signs", "1\n00:00:01,000 --> 00:00:02,000\nA & B < C\n", ["A &amp; B &lt; C"]),
        ("script", "1\n00:00:01,000 --> 00:00:02,000\n<script>alert(1)</script>x\n", ["alert(1)x"]),
        ("out of order", "9\n00:00:03,000 --> 00:00:04,000\nB\n\n1\n00:00:01,000 --> 00:00:02,000\nA\n", ["A", "B"]),
        ("backwards", "1\n00:00:03,000 --> 00:00:02,000\nB\n", []),
        ("negative", "1\n-00:00:03,000 --> 00:00:02,000\nB\n", ["B"]),
        ("twice", "1\n00:00:01,000 --> 00:00:02,000\nA\n\n2\n00:00:01,000 --> 00:00:02,000\nA\n", ["A"]),
        ("vtt note", "WEBVTT\n\nNOTE not shown\n\n00:01.000 --> 00:02.000 align:start evil:yes\nA\n", ["A"]),
        ("vtt speaker", "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Hi</v> <c.red>you</c>\n", ["<v Ann>Hi</v> you"]),
        (
            "ass",
            ASS,
            ["<i>One</i>, two\nthree"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_cues(what: str, text: str, wanted: list[str]) -> None:
    cleaned = clean(text, DurationMs(60_000))
    assert ["\n".join(cue.strip("\n").split("\n")[1:]) for cue in cues(cleaned.vtt)] == wanted
    assert cleaned.cues == len(wanted)
    assert valid(cleaned.vtt)


def test_settings_are_kept_where_they_are_known_and_top_is_top() -> None:
    cleaned = clean("WEBVTT\n\n00:01.000 --> 00:02.000 align:start line:0 region:x\n{\\an8}A\n", None)
    assert "00:00:01.000 --> 00:00:02.000 align:start line:0\nA" in cleaned.vtt
    assert "line:5%\nB" in clean("1\n00:00:01,000 --> 00:00:02,000\n{\\an8}B\n", None).vtt


def test_cues_past_the_film_are_cut_or_dropped() -> None:
    text = "1\n00:00:01,000 --> 00:00:09,000\nA\n\n2\n00:00:08,000 --> 00:00:09,000\nB\n"
    cleaned = clean(text, DurationMs(5000))
    assert "00:00:01.000 --> 00:00:05.000\nA" in cleaned.vtt
    assert (cleaned.cues, cleaned.dropped) == (1, 1)


@pytest.mark.parametrize(
    ("language", "encoding", "text"),
    [
        ("fr", "utf-8", "à l'été, cœur"),
        ("fr", "utf-8-sig", "à l'été"),
        ("fr", "cp1252", "à l'été, cœur"),
        ("pl", "cp1250", "źdźbło"),
        ("ru", "cp1251", "Привет, мир"),
        ("el", "cp1253", "Καλημέρα"),
        ("ja", "cp932", "こんにちは"),
        ("en", "utf-16", "plain words enough"),
        ("en", "utf-16-le", "plain words enough"),
        ("en", "utf-16-be", "plain words enough"),
    ],
)
def test_encodings(language: str, encoding: str, text: str) -> None:
    assert decode_text(text.encode(encoding), language) == text


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Film.srt", ("und", "subtitle")),
        ("Film.fr.srt", ("fr", "subtitle")),
        ("Film.fra.forced.SRT", ("fr", "forced")),
        ("Film.en.sdh.vtt", ("en", "caption")),
        ("Film.pt-BR.ass", ("pt-BR", "subtitle")),
        ("Film.directors-cut.srt", None),
        ("Film 2.srt", None),
        ("Other.fr.srt", None),
        ("Film.fr.txt", None),
    ],
)
def test_files_beside_the_film(name: str, found: tuple[str, str] | None) -> None:
    sidecar = find_role_and_language("Film", name)
    assert (None if sidecar is None else (sidecar.language, sidecar.role)) == found


@given(st.text(max_size=300) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_anything_becomes_valid_webvtt(text: str) -> None:
    assert valid(clean(text, DurationMs(10_000)).vtt)
    assert valid(clean(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n", DurationMs(10_000)).vtt)


@given(st.integers(0, 360_000_000))
def test_times_are_written_as_they_are_read(at: int) -> None:
    cleaned = clean(f"{timestamp(PositionMs(at))} --> {timestamp(PositionMs(at + 1))}\nx\n", None)
    assert timestamp(PositionMs(at)) in cleaned.vtt


def test_real_files_become_valid_and_keep_their_cues() -> None:
    files = sorted((DATA / "subtitles").rglob("*.vtt")) if DATA is not None else []
    for file in files:
        text = decode_text(file.read_bytes(), "en")
        cleaned = clean(text, None)
        assert valid(cleaned.vtt), file
        if "wpt_webvtt" not in file.parts:
            assert cleaned.cues == len(re.findall(r"^[\d:.]+ --> ", text, re.MULTILINE)), file
            assert cleaned.dropped == 0, file
