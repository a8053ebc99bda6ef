"""The report of an analysis: every rung as expected and delivered, a picture drawn here, nothing fetched, no name breaks out."""

import re
from xml.etree import ElementTree

import msgspec

from matinee.base.units import BitsPerSecond, FrameRate, Pixels
from matinee.encoding.analysis_report import Delivered, hull_svg, report_html, report_of, timeline_svg
from matinee.encoding.measured import Analysis, Measured, Stretch, Survey
from matinee.encoding.model import Choice, Coding


def point(coding: Coding, height: int, crf: float, bitrate: int, score: float, peak: int | None = None) -> Measured:
    return Measured(
        width=Pixels(height * 16 // 9 // 2 * 2),
        height=Pixels(height),
        crf=crf,
        bitrate=BitsPerSecond(bitrate),
        score=score,
        coding=coding,
        peak=None if peak is None else BitsPerSecond(peak),
        older_score=None if peak is None else score + 2,
    )


POINTS = (
    point(Coding.H264, 720, 17, 2_500_000, 95.2),
    point(Coding.H264, 360, 26, 260_000, 56.0),
    point(Coding.H264, 720, 18.5, 2_100_000, 94.7, 3_360_000),
    point(Coding.H264, 360, 28, 200_000, 51.1, 320_000),
    point(Coding.AV1, 720, 30, 900_000, 94.1, 1_440_000),
)
ANALYSIS = Analysis(
    presets={Coding.H264: "medium", Coding.AV1: "8"},
    model="vmaf_v1.0.16_3d0h",
    older_model="vmaf_v0.6.1",
    rate=FrameRate(num=24, den=1),
    segment_frames=48,
    survey=Survey(frames=4800, groups=(1000, 3000) * 50),
    stretches=(Stretch(start_frame=960, frames=96, weight=1.0, scale=1.0),),
    points=POINTS,
    choices=tuple(
        Choice(
            width=one.width,
            height=one.height,
            crf=one.crf,
            bitrate=one.bitrate,
            score=one.score,
            coding=one.coding,
            peak=one.peak,
        )
        for one in POINTS
        if one.peak is not None
    ),
)
DELIVERED = (Delivered(name="v720", average=BitsPerSecond(2_205_000), peak=BitsPerSecond(3_969_000)),)


def test_each_rung_is_told_as_expected_and_as_delivered() -> None:
    report = report_of("A film", ANALYSIS, DELIVERED)
    assert [(one.name, one.bitrate, one.max_bitrate, one.score, one.older_score) for one in report.rungs] == [
        ("v720", 2_100_000, 3_360_000, 94.7, 96.7),
        ("v360", 200_000, 320_000, 51.1, 53.1),
        ("av1_720", 900_000, 1_440_000, 94.1, 96.1),
    ]
    assert [one.delivered for one in report.rungs] == [DELIVERED[0], None, None]
    page = report_html(report)
    assert "<td>2,205 (+5%)</td><td>3,969 (1.80x)</td>" in page
    assert "96 frames of 4800 were encoded in 5 ways (H.264 at preset medium; AV1 at preset 8)" in page


def test_the_page_fetches_nothing_and_a_name_cannot_break_out() -> None:
    page = report_html(report_of("<script>alert(1)</script>", ANALYSIS, ()))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"https?:|url\(|@import|\bsrc=|\bhref=|\son\w+=", page)


def test_the_picture_holds_every_encode_and_every_rung() -> None:
    drawn = ElementTree.fromstring(hull_svg(ANALYSIS))
    titles = [title.text or "" for title in drawn.iter("title")]
    assert len(titles) == len(POINTS)
    assert "H.264 1280x720, CRF 18.5, at most 3,360 k: 2.1 M, VMAF 94.7" in titles
    assert len([one for one in drawn.iter("circle") if one.get("class") == "chosen"]) == 3
    lines = [one.get("points", "").split() for one in drawn.iter("polyline")]
    assert [len(line) for line in lines] == [2, 1]
    (left, best), (right, worst) = (tuple(map(float, place.split(","))) for place in reversed(lines[0]))
    assert left < right
    assert best > worst  # SVG counts downwards: the poorer rung lies lower
    assert all(0 <= float(place.split(",")[0]) <= 900 for line in lines for place in line)


def test_the_timeline_shows_how_hard_the_film_is_and_where_it_was_looked_at() -> None:
    drawn = ElementTree.fromstring(timeline_svg(ANALYSIS))
    bars = [float(one.get("height", "0")) for one in drawn.iter("rect") if one.get("class") == "bar"]
    assert len(bars) == 100
    assert bars[:2] == [29.3, 88.0]
    assert [one.text for one in drawn.iter("text")][:5] == ["0:00", "0:50", "1:40", "2:30", "3:20"]
    long = msgspec.structs.replace(ANALYSIS, survey=Survey(frames=48 * 20_000, groups=(5,) * 20_000))
    assert len(timeline_svg(long)) < 60_000


def test_a_film_of_which_little_is_known_is_drawn_all_the_same() -> None:
    one = msgspec.structs.replace(
        ANALYSIS, points=POINTS[2:3], choices=ANALYSIS.choices[:1], survey=Survey(frames=1, groups=(0,))
    )
    bare = msgspec.structs.replace(one, points=(), choices=())
    black = msgspec.structs.replace(one, points=(point(Coding.H264, 720, 18.5, 9_000, 100.0, 14_400),))
    for analysis in (one, bare, black):
        ElementTree.fromstring(hull_svg(analysis))
        ElementTree.fromstring(timeline_svg(analysis))
        assert report_html(report_of("A film", analysis, ()))
