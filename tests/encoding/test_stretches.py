"""Which stretches speak for a film: all of a short one, and of a long one those that stand for its parts."""

import random
from collections.abc import Sequence

import pytest

from matinee.encoding.measured import Stretch
from matinee.encoding.stretches import choose_stretches, surveyed


def chosen(sizes: Sequence[int], segment_frames: int, most: int) -> tuple[Stretch, ...]:
    return choose_stretches(surveyed(sizes, segment_frames), segment_frames, most)


def test_a_short_film_is_looked_at_whole() -> None:
    stretches = chosen([100] * 250, 48, 8)
    assert [(one.start_frame, one.frames) for one in stretches] == [(0, 96), (96, 154)]
    assert [one.weight for one in stretches] == pytest.approx([96 / 250, 154 / 250])


def test_what_is_left_at_the_end_of_a_long_film_has_its_say() -> None:
    """The last 90 frames are a hundred times as hard, and too few for a stretch of their own."""
    sizes = [10] * (50 * 96) + [1000] * 90
    stretches = chosen(sizes, 48, 5)
    told = sum(
        one.weight * one.scale * sum(sizes[one.start_frame : one.start_frame + one.frames]) / one.frames for one in stretches
    )
    assert told == pytest.approx(sum(sizes) / len(sizes), rel=1e-9)


def test_a_film_shorter_than_a_stretch_is_one_and_no_film_none() -> None:
    (one,) = chosen([100] * 30, 48, 8)
    assert (one.start_frame, one.frames, one.weight, one.scale) == (0, 30, 1.0, 1.0)
    assert chosen([], 48, 8) == ()


def test_easy_and_hard_parts_are_each_spoken_for_by_their_share() -> None:
    """Nine tenths of a film are easy, a tenth is hard: blind draws of ten would often miss it."""
    sizes = [10] * (90 * 96) + [1000] * (10 * 96)
    stretches = chosen(sizes, 48, 10)
    hard = [one for one in stretches if one.start_frame >= 90 * 96]
    assert len(stretches) == 10
    assert sum(one.weight for one in hard) == pytest.approx(0.1)


def test_the_stretches_together_cost_what_the_film_costs() -> None:
    draw = random.Random(7)
    sizes = [size for _ in range(150) for size in [round(draw.lognormvariate(6, 1.2))] * 96]
    stretches = chosen(sizes, 48, 6)
    told = sum(
        one.weight * one.scale * sum(sizes[one.start_frame : one.start_frame + one.frames]) / one.frames for one in stretches
    )
    assert told == pytest.approx(sum(sizes) / len(sizes), rel=1e-9)
    assert sum(one.weight for one in stretches) == pytest.approx(1)
    assert all(0.3 < one.scale < 3 for one in stretches)


def test_stretches_are_whole_groups_of_pictures_in_order_and_none_comes_twice() -> None:
    draw = random.Random(11)
    stretches = chosen([draw.randrange(5000) for _ in range(5000)], 50, 12)
    starts = [one.start_frame for one in stretches]
    assert starts == sorted(set(starts))
    assert all(start % 100 == 0 for start in starts)


def test_a_film_without_a_bit_in_it_is_taken_as_it_is() -> None:
    assert all(one.scale == 1.0 for one in chosen([0] * 1000, 48, 4))
