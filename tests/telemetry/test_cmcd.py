"""The reader of CMCD v2 lines, against the Common Media Library's verdicts and against anything at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.telemetry.cmcd import MAX_BODY_BYTES, MAX_LINES, Word, read_dictionary, read_event, split_lines
from matinee.telemetry.model import Kind
from matinee.telemetry.rules import Seen
from tests.shared import DATA

_OWN = {
    "batches": [
        {
            "body": 'e=ps,sid="s",ts=1700000000000,sta=p,v=2',
            "valid": True,
            "why": "one event",
            "method": "POST",
            "content_type": "application/cmcd",
            "bad_keys": [],
        }
    ],
    "decode": [{"text": "br=(1000),su,v=2", "decoded": {"br": [1000], "su": True, "v": 2}}],
}


def _vectors() -> dict[str, Any]:
    if DATA is None:
        return _OWN
    loaded: dict[str, Any] = json.loads((DATA / "vectors" / "cmcd_v2_events.json").read_text())
    return loaded


VECTORS = _vectors()
OF_THE_BODY = [
    case
    for case in VECTORS["batches"]
    if case["method"] == "POST" and (case["content_type"] or "").startswith("application/cmcd")
]


@pytest.mark.parametrize("case", OF_THE_BODY, ids=lambda case: case["why"])
def test_batches_are_judged_as_the_library_does(case: dict[str, Any]) -> None:
    try:
        lines = [read_event(line) for line in split_lines(case["body"].encode())]
    except ValueError:
        assert not case["valid"]
        assert case["bad_keys"] == []
        return
    bad = sorted({key for line in lines for key in line.bad_keys})
    assert set(case["bad_keys"]) <= set(bad)
    if "e" not in bad:  # the library looks at a line's types only once it knows what line it is
        assert bad == sorted(case["bad_keys"])
    assert (not bad) is case["valid"]


@pytest.mark.parametrize("case", VECTORS["decode"], ids=lambda case: case["text"] or "empty")
def test_decoding(case: dict[str, Any]) -> None:
    if "decoded" in case:
        values = read_dictionary(case["text"])
        decoded = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
        assert decoded == case["decoded"]


def test_the_library_s_own_strings() -> None:
    if DATA is None:
        assert read_dictionary('e=t,ts=1,v=2') == {"e": "t", "ts": 1, "v": 2}
        return
    known = json.loads((DATA / "standards" / "cmcd" / "cmcd_vectors.json").read_text())
    values = read_dictionary(known["CMCD_STRING_REQUEST"])
    read = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
    assert read == known["CMCD_OUTPUT_REQUEST"]
    for name in ("CMCD_STRING_EVENT", "CMCD_STRING_RESPONSE"):
        line = read_event(known[name])
        assert (set(line.bad_keys) - {"url", "rc", "ttfb", "ttfbb", "ttlb", "cmsdd", "cmsds", "smrt"}) == set()


@pytest.mark.parametrize(
    "line",
    [
        "e=t,,ts=1",
        "e=t,",
        ",e=t",
        "e=",
        "=1",
        "e t",
        "e=t;",
        'cid="open',
        'cid="a\\n"',
        'cid="a"b',
        "br=(1",
        "br=(1,2)",
        "br=(1 2))",
        "br=((1))",
        "br=(" + "1 " * 17 + ")",
        "ts=1234567890123456",
        "ts=1.2345",
        "ts=1.",
        "ts=-",
        "ts=1e5",
        "bg=?2",
        "e=t,e=ps",
        "é=1",
        ",".join(f"a-{n}=1" for n in range(65)),
        "a-b=" + '"' + "x" * 5000 + '"',
        "cid=:aGVsbG8=:",
    ],
)
def test_lines_that_are_no_dictionary(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the reader's one error
        read_dictionary(line)


def test_words_and_strings_are_two_things() -> None:
    assert isinstance(read_dictionary("e=t")["e"], Word)
    assert not isinstance(read_dictionary('e="t"')["e"], Word)
    assert read_event('e="t",ts=1,v=2').bad_keys == ("e",)
    assert read_dictionary('nor=("a.m4s";r="0-99" "b.m4s")')["nor"] == ("a.m4s", "b.m4s")


@pytest.mark.parametrize(
    "body", [b"", b"\n\n", b"e=t\n" * (MAX_LINES + 1), b"a" * (MAX_BODY_BYTES + 1), "é=1".encode(), b"\xff\xfe"]
)
def test_bodies_that_are_none(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        split_lines(body)


@given(st.text(max_size=200) | st.text('e=ps,sta"()\\;?0123. -v2\t', max_size=200))
def test_anything_at_all_is_read_or_refused(text: str) -> None:
    try:
        line = read_event(text)
    except ValueError:
        return
    assert len(line.values) <= 64


def _kinds(*lines: str) -> list[Kind]:
    seen = Seen()
    return [seen.judge(read_event(f"{line},ts=1,v=2").values) for line in lines]


START, FAILURE, REBUFFER, END, OTHER = Kind.START, Kind.FAILURE, Kind.REBUFFER, Kind.END, Kind.OTHER


@pytest.mark.parametrize(
    ("what", "lines", "kinds"),
    [
        ("a film seen", ("e=ps,sta=s", "e=ps,sta=p", "e=t,sta=p", "e=ps,sta=e"), [OTHER, START, OTHER, END]),
        ("a pause is no second start", ("e=ps,sta=p", "e=ps,sta=a", "e=ps,sta=p"), [START, OTHER, OTHER]),
        ("a fatal error is one failure", ('e=e,ec=("1001"),sta=s', "e=ps,sta=f"), [FAILURE, OTHER]),
        (
            "each stall",
            ("e=ps,sta=p", "e=ps,sta=r", "bs,bsd=(900),e=ps,sta=p", "e=ps,sta=r"),
            [START, REBUFFER, OTHER, REBUFFER],
        ),
        ("buffering before the start is none", ("e=ps,sta=r", "e=ps,sta=p"), [OTHER, START]),
        ("a player that says bs alone", ("e=ps,sta=p", "bs,e=t", "e=t", "bs,e=t"), [START, REBUFFER, OTHER, REBUFFER]),
        ("a quit and an end are one end", ("e=ps,sta=p", "e=ps,sta=e", "e=ps,sta=q"), [START, END, OTHER]),
    ],
)
def test_what_events_mean(what: str, lines: tuple[str, ...], kinds: list[Kind]) -> None:
    assert _kinds(*lines) == kinds


def test_a_repeated_line_is_known() -> None:
    seen = Seen()
    assert [seen.is_repeated(number) for number in (0, 1, 0, None, None, 2, 2)] == [False, False, True, False, False, False, True]
