"""From measured points to rungs: curves that do not turn, the cheapest size at each step, and the bounds of a ladder."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.units import BitsPerSecond, Pixels
from matinee.encoding.curves import Curve, where
from matinee.encoding.hull import FLOOR_RATE, LEAST_RATIO, MOST_RUNGS, STEP, TOP_SCORE, choose_rungs, size_curves
from matinee.encoding.measured import Measured


def point(height: int, crf: float, bitrate: float, score: float) -> Measured:
    width = Pixels(height * 16 // 9 // 2 * 2)
    return Measured(width=width, height=Pixels(height), crf=crf, bitrate=BitsPerSecond(round(bitrate)), score=score)


def film(hardness: float, ceiling: dict[int, float], crfs: tuple[float, ...] = (17, 24, 31, 38)) -> list[Measured]:
    """What a film of some hardness measures: bits halve every six of CRF, quality falls off towards it, a size has a ceiling."""
    return [
        point(height, crf, hardness * (height / 720) ** 1.6 * 4_000_000 * 2 ** (-(crf - 17) / 6), most - (crf - 12) ** 2 / 12)
        for height, most in ceiling.items()
        for crf in crfs
    ]


SIZES = {720: 97.0, 540: 92.0, 360: 82.0, 234: 60.0}


def test_a_curve_goes_through_its_points_and_never_beyond_them() -> None:
    curve = Curve([0, 1, 2, 5], [0, 10, 10.5, 11])
    assert [curve(x) for x in (0, 1, 2, 5)] == pytest.approx([0, 10, 10.5, 11])
    values = [curve(x / 50) for x in range(251)]
    assert all(before <= after + 1e-9 for before, after in pairwise(values))
    assert [curve(x) for x in (-1, 6)] == [0, 11]


def test_a_curve_of_a_straight_line_is_that_line() -> None:
    curve = Curve([0, 1, 4], [1, 3, 9])
    assert [curve(x) for x in (0.3, 1, 2.5)] == pytest.approx([1.6, 3, 6])
    assert where(curve, 6, 0, 4) == pytest.approx(2.5)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=8))
def test_a_rising_curve_rises_everywhere(ys: list[float]) -> None:
    rising = sorted(ys)
    curve = Curve(list(range(len(rising))), rising)
    values = [curve(step / 10) for step in range(10 * (len(rising) - 1) + 1)]
    assert all(before <= after + 1e-6 for before, after in pairwise(values))


@pytest.mark.parametrize("xs", [[], [1], [1, 1], [2, 1]])
def test_what_is_no_curve_is_refused(xs: list[float]) -> None:
    with pytest.raises(ValueError, match="two points or more"):
        Curve(xs, xs)


def test_rungs_go_down_from_the_top_in_steps_and_small_frames_take_over_where_they_are_cheaper() -> None:
    rungs = choose_rungs(film(1.0, SIZES))
    assert rungs[0].score == pytest.approx(TOP_SCORE, abs=0.4)
    for above, below in pairwise(rungs):
        assert above.bitrate >= below.bitrate * LEAST_RATIO
        assert above.score > below.score
        assert above.height >= below.height
    assert all(STEP - 0.5 <= above.score - below.score <= 2 * STEP + 0.5 for above, below in pairwise(rungs[:-1]))
    assert len({rung.height for rung in rungs}) > 1
    assert rungs[-1].bitrate <= FLOOR_RATE * 1.01


def test_each_rung_is_the_cheapest_of_all_sizes_at_its_score() -> None:
    points = film(1.0, SIZES)
    curves = size_curves(points)
    for rung in choose_rungs(points)[:-1]:
        others = [(curve, curve.crf_for(rung.score - 0.01)) for curve in curves]  # it was rounded
        costs = [curve.rate(crf) for curve, crf in others if crf is not None]
        assert rung.bitrate <= min(costs) * 1.06  # a quarter of a CRF


def test_an_easy_film_has_fewer_rungs_and_a_hard_one_a_floor_all_the_same() -> None:
    easy, hard = choose_rungs(film(0.03, SIZES)), choose_rungs(film(6.0, SIZES))
    assert len(easy) < len(hard) <= MOST_RUNGS
    assert easy[0].bitrate <= FLOOR_RATE
    assert len(easy) == 1
    assert hard[-1].bitrate < hard[-2].bitrate / 2


def test_a_film_that_cannot_reach_the_top_begins_with_its_best() -> None:
    rungs = choose_rungs(film(1.0, {360: 80.0, 234: 60.0}))
    assert rungs[0].crf == 17
    assert rungs[0].score == pytest.approx(80 - 25 / 12, abs=0.1)


def test_a_newer_coding_is_given_no_rung_that_is_better_than_the_older_ones_best() -> None:
    best = choose_rungs(film(1.0, {540: 90.0, 360: 80.0}))[0]
    newer = film(0.5, {540: 96.0, 360: 84.0})
    assert choose_rungs(newer)[0].score > best.score + 3
    rungs = choose_rungs(newer, best)
    assert rungs[0].score == pytest.approx(best.score, abs=0.4)
    assert rungs[0].bitrate < best.bitrate / 2
    assert [rung.score for rung in rungs] == sorted((rung.score for rung in rungs), reverse=True)


def test_a_newer_coding_is_given_no_rung_that_costs_more_than_the_older_ones_best() -> None:
    best = choose_rungs(film(1.0, {540: 90.0, 360: 80.0}))[0]
    newer = [point(540, 4, best.bitrate * 3, 88), point(540, 28, best.bitrate * 0.5, 84), point(540, 60, best.bitrate / 9, 40)]
    assert choose_rungs(newer)[0].bitrate > best.bitrate * 2
    rungs = choose_rungs(newer, best)
    assert best.bitrate * 0.7 < rungs[0].bitrate <= best.bitrate
    assert 84 < rungs[0].score < 88


def test_a_newer_coding_that_always_costs_more_has_rungs_all_the_same() -> None:
    best = choose_rungs(film(0.1, {540: 90.0}))[0]
    assert choose_rungs(film(4.0, {540: 90.0}), best)


@pytest.mark.parametrize(
    ("shows", "points"),
    [
        ("all that was measured is above the top", [(1080, 17, 900_000, 99.9), (1080, 38, 80_000, 96.5)]),
        (
            "one size is above it and the other below",
            [(1080, 17, 9e5, 99), (1080, 38, 8e4, 96), (720, 23, 7e5, 94), (720, 37, 5e4, 80)],
        ),
        ("nothing was measured in between", [(540, 23, 9e5, 90), (540, 37, 5e5, 75), (360, 26, 4e5, 70), (360, 34, 5e4, 40)]),
    ],
)
def test_what_was_not_measured_leaves_no_film_without_rungs_and_no_hole(
    shows: str, points: list[tuple[int, float, float, float]]
) -> None:
    rungs = choose_rungs(point(*one) for one in points)
    assert rungs[-1].bitrate <= FLOOR_RATE
    cheapest_end = min(bitrate for _, _, bitrate, _ in points)
    assert rungs[-1].bitrate >= cheapest_end * 0.9


def test_nothing_measured_gives_nothing() -> None:
    assert choose_rungs([]) == ()
    assert choose_rungs([point(720, 20, 1_000_000, 90)]) == ()


@given(
    st.lists(
        st.tuples(st.sampled_from([1080, 720, 540, 360, 234]), st.integers(10, 45), st.floats(1e3, 5e7), st.floats(0, 100)),
        max_size=20,
        unique_by=lambda one: one[:2],
    )
)
def test_any_measurements_give_a_ladder_that_goes_down(drawn: list[tuple[int, int, float, float]]) -> None:
    points = [point(*one) for one in drawn]
    rungs = choose_rungs(points)
    assert bool(rungs) == bool(size_curves(points))
    for above, below in pairwise(rungs):
        assert above.bitrate > below.bitrate
        assert above.score >= below.score - 0.5
    assert all(math.isfinite(rung.score) and rung.bitrate > 0 for rung in rungs)
