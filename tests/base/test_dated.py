"""Facts with two times, against the plain reading of their definition."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import Instant
from matinee.base.dated import in_force, next_change


@dataclass(frozen=True)
class Fact:
    valid_from: Instant
    valid_to: Instant | None
    recorded_at: Instant
    name: int = 0


_TIME = st.integers(0, 8).map(Instant)
_FACTS = st.lists(
    st.builds(Fact, _TIME, st.none() | _TIME, _TIME), max_size=6
).map(lambda facts: [Fact(f.valid_from, f.valid_to, f.recorded_at, n) for n, f in enumerate(facts)])


@given(_FACTS, _TIME, st.none() | _TIME)
def test_the_last_word_on_a_moment_counts(facts: list[Fact], at: Instant, known: Instant | None) -> None:
    heard = [f for f in facts if known is None or f.recorded_at <= known]
    kept = [
        f
        for f in heard
        if not any(g.valid_from == f.valid_from and (g.recorded_at, g.name) > (f.recorded_at, f.name) for g in heard)
    ]
    covering = [f for f in kept if f.valid_from <= at and (f.valid_to is None or at < f.valid_to)]
    expected = max(covering, key=lambda f: (f.recorded_at, f.valid_from, f.name), default=None)
    assert in_force(facts, at, known) == expected


def test_an_end_that_is_told_later_is_an_end() -> None:
    facts = [Fact(Instant(0), None, Instant(0)), Fact(Instant(0), Instant(5), Instant(1), 1)]
    assert in_force(facts, Instant(4)) == facts[1]
    assert in_force(facts, Instant(5)) is None
    assert in_force(facts, Instant(5), Instant(0)) == facts[0], "as it was known then"


@given(_FACTS, _TIME)
def test_between_changes_nothing_changes(facts: list[Fact], at: Instant) -> None:
    until = next_change(facts, at)
    for later in range(at, 10 if until is None else until):
        assert in_force(facts, Instant(later)) == in_force(facts, at)


@given(_FACTS, _TIME, _TIME)
def test_what_was_known_is_never_changed_by_what_comes_to_be_known(facts: list[Fact], at: Instant, known: Instant) -> None:
    before = in_force([f for f in facts if f.recorded_at <= known], at)
    assert in_force(facts, at, known) == before
