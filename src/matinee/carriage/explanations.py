"""A decision as staff read it, over the web and from the command line: in one form, apart from the web's libraries."""

import msgspec

from matinee.base.clock import to_rfc3339
from matinee.carriage.model import Decision


class WireClause(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    holds: bool
    says: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with every clause's answer; `known_at` null is as it is known now."""

    service: str
    box: str
    operator: str | None
    at: str
    known_at: str | None
    visible: bool
    shows: str
    discoverability: str
    announced_for: str
    clauses: list[WireClause]


def explained(decision: Decision) -> Explanation:
    """A decision as it goes over the wire."""
    return Explanation(
        service=decision.service,
        box=decision.box or "",
        operator=decision.operator,
        at=to_rfc3339(decision.at),
        known_at=None if decision.known_at is None else to_rfc3339(decision.known_at),
        visible=decision.visible,
        shows=decision.shows.value,
        discoverability=decision.discoverability.value,
        announced_for=decision.announced_for,
        clauses=[WireClause(name=one.name.value, holds=one.holds, says=one.says) for one in decision.clauses],
    )
