"""Where an analysis looks next, with exact figures: peaks, AV1 beside H.264, and what is left once rungs are known better."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.units import BitsPerSecond, FrameRate, Pixels
from matinee.encoding import search
from matinee.encoding.ladder import PEAK_OVER_MEAN
from matinee.encoding.measured import Measured, Sample, Stretch
from matinee.encoding.model import Choice, Coding

RATE = FrameRate(num=25, den=1)
STEP = 50
STRETCHES = (
    Stretch(start_frame=0, frames=100, weight=0.75, scale=1.0),
    Stretch(start_frame=500, frames=100, weight=0.25, scale=2.0),
)
SAMPLE = Sample(groups=(50_000, 50_000, 100_000, 300_000), scores=(90.0, 70.0), older=(92.0, 76.0))


def choice(crf: float, bitrate: int, score: float, height: int = 360, coding: Coding = Coding.H264) -> Choice:
    width = Pixels(height * 16 // 9)
    return Choice(
        width=width, height=Pixels(height), crf=crf, bitrate=BitsPerSecond(bitrate), score=score, coding=coding, peak=None
    )


def test_each_group_of_pictures_speaks_for_its_share() -> None:
    """Two seconds each; 50,000 bytes are 200 kbit/s; the second stretch is half as hard as what it speaks for."""
    assert search.group_rates(SAMPLE, STRETCHES, STEP, RATE) == [
        (0.375, 200_000.0),
        (0.375, 200_000.0),
        (0.125, 800_000.0),
        (0.125, 2_400_000.0),
    ]
    point = search.point_of(Coding.H264, Pixels(640), Pixels(360), 25)
    found = search.measured_as(point, SAMPLE, STRETCHES, STEP, RATE)
    assert (found.bitrate, found.score, found.older_score) == (550_000, 85.0, 88.0)


def test_a_picture_alone_at_the_end_counts_with_the_group_before_it() -> None:
    """Sixty frames in groups of 25: 25, and 35 that hold a last group of ten."""
    long = (Stretch(start_frame=0, frames=60, weight=0.6, scale=1.0), Stretch(start_frame=60, frames=20, weight=0.4, scale=1.0))
    sample = Sample(groups=(1000, 2000, 800, 500), scores=(90.0, 70.0))
    assert search.group_rates(sample, long, 25, RATE) == [
        pytest.approx((0.25, 8 * 1000.0)),
        pytest.approx((0.35, 8 * 2000.0)),
        pytest.approx((0.4, 8 * 625.0)),
    ]


def test_a_mean_under_a_peak_is_what_is_left_when_no_segment_is_over_twice_of_it() -> None:
    assert search.held_mean([(0.5, 100.0), (0.5, 150.0)]) == 125
    mean = search.held_mean([(0.9, 100.0), (0.1, 400.0)])
    assert mean == pytest.approx(0.9 * 100 + 0.1 * 2 * mean, rel=1e-6)
    assert search.held_mean([(0.75, 0.0), (0.25, 400.0)]) == 75  # not starved


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 1e8)), min_size=1, max_size=20))
def test_a_peak_lowers_a_mean_never_raises_it_and_never_by_more_than_a_quarter(groups: list[tuple[float, float]]) -> None:
    plain = sum(share * bits for share, bits in groups)
    assert plain * 0.75 - 1e-6 <= search.held_mean(groups) <= plain + 1e-6


def test_a_rungs_peak_goes_by_how_uneven_the_film_is() -> None:
    even = Sample(groups=(50_000,) * 4, scores=(90.0, 70.0))
    flat = tuple(Stretch(start_frame=one.start_frame, frames=100, weight=0.5, scale=1.0) for one in STRETCHES)
    rung = search.with_peak(choice(25, 300_000, 80), even, BitsPerSecond(200_000), flat, STEP, RATE)
    assert rung.peak == 300_000 * PEAK_OVER_MEAN
    uneven = search.with_peak(choice(25, 300_000, 80), SAMPLE, BitsPerSecond(550_000), STRETCHES, STEP, RATE)
    assert uneven.peak is not None
    assert 300_000 * PEAK_OVER_MEAN * Fraction(3, 4) <= uneven.peak < 300_000 * PEAK_OVER_MEAN


def test_av1_is_looked_at_where_h264_has_rungs() -> None:
    points = search.beside([choice(20, 3_000_000, 94, 720), choice(28, 1_000_000, 86, 720), choice(28, 400_000, 70, 360)])
    assert [(one.height, one.crf) for one in points] == [(720, 13), (720, 30), (720, 47), (360, 30), (360, 47)]
    assert all(one.coding is Coding.AV1 for one in points)
    extremes = search.beside([choice(10, 9_000_000, 95, 720), choice(45, 90_000, 40, 234)])
    assert {one.crf for one in extremes} <= {search.AV1_LOWEST, search.AV1_HIGHEST, *(float(crf) for crf in range(13, 62))}
    assert search.AV1_LOWEST in {one.crf for one in extremes}


def test_rungs_are_settled_by_what_the_second_look_found() -> None:
    def seen(bitrate: int, score: float) -> Measured:
        return Measured(width=Pixels(640), height=Pixels(360), crf=20, bitrate=BitsPerSecond(bitrate), score=score)

    choices = [choice(20, 1000, 95), choice(24, 700, 89), choice(28, 500, 83), choice(30, 900, 90, coding=Coding.AV1)]
    found = [seen(980, 94.3), seen(900, 93.9), seen(480, 82.0), seen(800, 91.2)]
    assert [(one.bitrate, one.score) for one in search.settled(choices, found, Coding.H264)] == [(980, 94.3), (480, 82.0)]
    assert [(one.crf, one.bitrate) for one in search.settled(choices, found, Coding.AV1)] == [(30, 800)]
