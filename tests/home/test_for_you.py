"""What is learnt from viewing and what is chosen from it, without a server: properties that hold whatever was watched."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.base.clock import DAY, HOUR, Instant
from matinee.base.ids import OperatorId, TitleId
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import Genre, Title
from matinee.home.for_you import (
    MAX_SEEDS,
    Placed,
    Viewed,
    genres_of,
    in_turns,
    interest_of,
    item_of,
    lesson_of,
    mixed,
    seeds,
)
from matinee.home.learning import Viewings, learnt_from
from matinee.home.learnt import Learnt, packed, unpacked
from tests.catalogue.factories import episode, film, series
from tests.world import NOW

TITLES = [TitleId(f"{number:026}") for number in range(12)]
Watching = list[tuple[int, set[int]]]
"""Of each profile its home and the titles that it watched."""

watchings = st.lists(st.tuples(st.integers(0, 5), st.sets(st.integers(0, 11), max_size=8)), max_size=14)


def learnt(watching: Watching, service_of: list[int] | None = None, least_homes: int = 2) -> Learnt:
    pairs = [(profile, home, title) for profile, (home, titles) in enumerate(watching) for title in sorted(titles)]
    profile, home, title = (np.array([one[place] for one in pairs], np.int32) for place in range(3))
    viewings = Viewings(profile=profile, home=home, title=title, interest=np.ones(len(pairs), np.float32))
    services = np.array(service_of or [0] * len(TITLES), np.int32)
    return learnt_from(viewings, TITLES, services, least_homes, NOW, {OperatorId("one"): [(-7, TITLES[3])]})


def close(lesson: Learnt, number: int) -> list[tuple[int, float]]:
    row = slice(lesson.starts[number], lesson.starts[number + 1])
    return list(zip(lesson.neighbours[row].tolist(), lesson.closeness[row].tolist(), strict=True))


def test_what_the_same_viewers_watch_is_close() -> None:
    lesson = learnt([(home, {0, 1, 2}) for home in range(4)] + [(home, {0, 3}) for home in range(3)])
    assert [number for number, _ in close(lesson, 0)] == [1, 2, 3]
    assert [number for number, _ in close(lesson, 1)] == [2, 0], "of two that go with it, the one that goes with less else"
    assert list(lesson.close_to([(TITLES[3], 1.0)])) == [TITLES[0]]
    assert next(lesson.close_to([(TITLES[1], 1.0), (TITLES[3], 0.1)])) == TITLES[2]
    assert list(lesson.close_to([(TitleId("nobody knows it"), 1.0)])) == []


def test_a_pair_counts_by_homes_and_not_by_profiles() -> None:
    one_home = [(0, {0, 1}) for _ in range(9)]
    assert close(learnt(one_home), 0) == []
    assert [number for number, _ in close(learnt([*one_home, (1, {0, 1})]), 0)] == [1]


@given(watchings, st.lists(st.integers(0, 2), min_size=12, max_size=12), st.integers(0, 2))
@settings(deadline=None)
def test_viewing_of_a_service_changes_nothing_between_the_titles_of_others(
    watching: Watching, service_of: list[int], silent: int
) -> None:
    """The silence of the model: with the viewing of one service and without it, all other titles are as close, to the bit."""
    kept = {number for number, service in enumerate(service_of) if service != silent}
    there = learnt(watching, service_of)
    without = learnt([(home, titles & kept) for home, titles in watching], service_of)
    for number in kept:
        assert [pair for pair in close(there, number) if pair[0] in kept] == close(without, number)
        liked = [(TITLES[number], 1.0), (TITLES[min(kept)], 0.5)]
        shown = [one for one in there.close_to(liked) if TITLES.index(one) in kept]
        assert shown == list(without.close_to(liked))


def test_the_closest_of_each_service_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matinee.home.learning.NEIGHBOURS", 2)
    lesson = learnt([(home, set(range(12))) for home in range(4)], [0] * 6 + [1] * 6)
    assert [number for number, _ in close(lesson, 0)] == [1, 2, 6, 7]


@given(watchings)
@settings(deadline=None)
def test_a_lesson_is_kept_to_the_bit_and_made_the_same_again(watching: Watching) -> None:
    lesson = learnt(watching)
    data = packed(lesson)
    assert packed(learnt(watching)) == data
    again = unpacked(data)
    assert packed(again) == data
    for number in range(len(TITLES)):
        assert close(again, number) == close(lesson, number)
        assert all(0 < value <= 1 for _, value in close(lesson, number))
    assert (again.as_of, again.popular, again.numbers) == (NOW, {OperatorId("one"): ((-7, TITLES[3]),)}, lesson.numbers)


@given(st.binary(max_size=60), st.integers(0, 400))
@settings(deadline=None)
def test_what_is_no_lesson_is_refused(noise: bytes, place: int) -> None:
    data = packed(learnt([(0, {1, 2}), (1, {1, 2})]))
    for broken in (noise, data[:place], data[:place] + b"\xff" + data[place:], msgspec.msgpack.encode([2, 0])):
        try:
            read = unpacked(broken)
        except ValueError:
            continue
        list(read.close_to([(one, 1.0) for one in TITLES]))


def test_who_left_at_once_did_not_watch() -> None:
    minute = 60_000
    assert interest_of(PositionMs(8 * minute), DurationMs(90 * minute), completed=False) == 0
    assert interest_of(PositionMs(45 * minute), DurationMs(90 * minute), completed=False) == 0.5
    assert interest_of(PositionMs(99 * minute), DurationMs(90 * minute), completed=False) == 1
    assert interest_of(PositionMs(0), DurationMs(0), completed=False) == 0
    assert interest_of(PositionMs(0), DurationMs(90 * minute), completed=True) == 1


def test_a_viewing_counts_for_the_film_or_for_the_series() -> None:
    saga, one = series("Saga"), film("Film")
    assert item_of(one) == one.id
    assert item_of(saga) == saga.id
    assert item_of(episode(saga, 1, 2)) == saga.id


def test_a_lesson_is_due_each_day_at_three() -> None:
    day = Instant(NOW // DAY * DAY)
    assert lesson_of(Instant(day + 3 * HOUR - 1)) == day - 21 * HOUR
    assert lesson_of(Instant(day + 3 * HOUR)) == day + 3 * HOUR
    assert lesson_of(Instant(day + 26 * HOUR)) == day + 3 * HOUR


def viewed(title: str, interest: float, ago: int) -> tuple[TitleId, Viewed]:
    return TitleId(title), Viewed(title=TitleId(title), interest=interest, at=Instant(NOW - ago))


def test_what_was_watched_before_the_lesson_speaks_for_others() -> None:
    row = seeds([viewed("a", 1, DAY), viewed("b", 0.5, 61 * DAY), viewed("left", 0, DAY), viewed("today", 1, -1)], NOW)
    assert [one.title for one in row] == ["a", "b"]
    assert row[0].weight == 1
    assert row[1].weight == pytest.approx(0.5 * 0.5)


def test_a_series_speaks_once_and_the_newest_are_enough() -> None:
    many = [viewed("saga", 0.2 + number / 100, number) for number in range(50)]
    (one,) = seeds(many, NOW)
    assert (one.interest, one.weight) == (pytest.approx(0.69), pytest.approx(0.69, abs=0.01))
    row = seeds([viewed(f"{number:03}", 1, 1000 - number) for number in range(100)], NOW)
    assert [one.title for one in row] == [f"{number:03}" for number in range(99, 99 - MAX_SEEDS, -1)]


def of(*genres: str) -> Title:
    return film("".join(genres) or "none", genres=tuple(Genre(one) for one in genres))


def test_the_genres_that_weigh_most() -> None:
    liked = [(of("a", "b"), 1.0), (of("b"), 0.5), (of("c"), 1.0), (of("d"), 0.9), (of(), 5.0)]
    assert genres_of(liked) == ["b", "a", "c"]


def test_rows_take_turns() -> None:
    assert list(in_turns([[1, 2, 3], [], [4], [5, 6]])) == [1, 4, 5, 2, 6, 3]


@given(st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=40), st.integers(0, 24), st.integers(0, 5))
@settings(deadline=None)
def test_a_row_is_mixed_while_it_can_be(genres: list[str], count: int, skipped: int) -> None:
    titles = [of(*([genre] if genre else [])) for genre in genres]
    candidates = [(title, Placed.TOGETHER) for title in titles]
    excluded = {title.id for title in titles[:skipped]}
    row = [title for title, _ in mixed(iter([*candidates, *candidates]), count, excluded)]
    left = [title for title in titles if title.id not in excluded]
    assert len(row) == min(count, len(left)), "as long as it can be"
    assert len({title.id for title in row}) == len(row)
    assert not {title.id for title in row} & excluded
    for genre in {title.genres for title in titles}:
        kin: list[Any] = [title.id for title in left if title.genres == genre]
        assert [title.id for title in row if title.genres == genre] == kin[: sum(title.genres == genre for title in row)]
    for length in range(len(row)):
        placed = [title.genres for title in row[: length + 1]]
        others = [title for title in left if title.genres != row[length].genres and title not in row[: length + 1]]
        if len(set(placed)) == 1 and length >= 3:
            assert not others, "all of one genre only where there is nothing else"
