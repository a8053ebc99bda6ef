"""One payer: of all who sell a service to a home, one alone bills it at any moment. Pure."""

from collections.abc import Iterable, Sequence

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.members.contracts import Life, Span
from matinee.members.model import PAYING, MemberError, Subscription
from matinee.members.rules import standing


class PaidElsewhere(MemberError):
    """The home has a subscription to this service with another seller: who that is, and what it is, is not told."""

    code = ErrorCode.PAID_ELSEWHERE

    def __init__(self) -> None:
        super().__init__(
            "This home has a subscription to the service already.",
            remedy="Have it ended first; or, where the service itself sold it, send the activation again with hand_over.",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return PaidElsewhere, ()


def paid_twice(before: Sequence[Span], after: Sequence[Span], others: Sequence[Subscription]) -> Instant | None:
    """The first moment at which a seller's new life would make it a second payer, that was none there before; None for never.

    All three change at their edges alone, so that it is enough to look there.
    """
    moments = sorted({*_edges(before), *_edges(after), *edges(others)})
    for moment in moments:
        if _pays(after, moment) and not _pays(before, moment) and pays(others, moment):
            return moment
    return None


def pays(recorded: Sequence[Subscription], at: Instant) -> bool:
    """Whether, by what was recorded, somebody bills at a moment."""
    return any(one.state in PAYING for one in standing(recorded, at))


def first_paid(recorded: Sequence[Subscription], at: Instant) -> Instant | None:
    """The first moment from one on at which, by what was recorded, somebody bills; None for never."""
    return next((moment for moment in (at, *edges(recorded)) if moment >= at and pays(recorded, moment)), None)


def edges(recorded: Iterable[Subscription]) -> list[Instant]:
    """The moments at which what was recorded may change, in order."""
    found = {edge for one in recorded for edge in (one.valid_from, one.valid_to) if edge is not None}
    return sorted(found)


def _pays(spans: Sequence[Span], at: Instant) -> bool:
    held = Life(spans=tuple(spans), unfit={}).at(at)
    return held is not None and held.state in PAYING and (held.valid_to is None or at < held.valid_to)


def _edges(spans: Sequence[Span]) -> list[Instant]:
    return [edge for span in spans for edge in (span.valid_from, span.valid_to) if edge is not None]
