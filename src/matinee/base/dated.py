"""Facts with two times: when they are true, and when we knew. Nothing is ever edited; a newer record overrules.

A change, a correction and an end are each one more record: that a box left its line is a record of the box at no line. A record
that begins when an earlier one does is a correction of it, and takes its place whole, also after it ends.
So a question may be asked for any moment, as it was (`at`) and as it was known (`known_at`).
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from matinee.base.clock import Instant


class Dated(Protocol):
    """True from `valid_from` up to, not including, `valid_to` (None: no end known); known since `recorded_at`."""

    @property
    def valid_from(self) -> Instant: ...

    @property
    def valid_to(self) -> Instant | None: ...

    @property
    def recorded_at(self) -> Instant: ...


F = TypeVar("F", bound=Dated)


def in_force(facts: Iterable[F], at: Instant, known_at: Instant | None = None) -> F | None:
    """The fact that held at a moment, as far as was known at another; None where none did.

    Of several that cover the moment the one recorded last counts; of those, the one that begins last; of those, the last
    in the order given, which is the order of their writing.
    """
    found: F | None = None
    for fact in _corrected(facts, known_at):
        if not (fact.valid_from <= at and (fact.valid_to is None or at < fact.valid_to)):
            continue
        if found is None or (fact.recorded_at, fact.valid_from) >= (found.recorded_at, found.valid_from):
            found = fact
    return found


def _corrected(facts: Iterable[F], known_at: Instant | None) -> Iterable[F]:
    """Those that were known, without the ones in whose place another stands."""
    if known_at is None and isinstance(facts, (tuple, list)) and len(facts) < 2:
        return facts  # nearly always: asked for each of a million boxes
    by_start: dict[Instant, F] = {}
    for fact in facts:
        if known_at is None or fact.recorded_at <= known_at:
            before = by_start.get(fact.valid_from)
            if before is None or fact.recorded_at >= before.recorded_at:
                by_start[fact.valid_from] = fact
    return by_start.values()


def next_change(facts: Iterable[Dated], after: Instant) -> Instant | None:
    """The next moment at which `in_force` may answer otherwise, None where nothing that is recorded changes it."""
    edges = [edge for fact in facts for edge in (fact.valid_from, fact.valid_to) if edge is not None and edge > after]
    return min(edges, default=None)
