"""Decisions and reach as staff read them, over the web and from the command line: in one form, apart from the web's libraries."""

import msgspec

from matinee.base.clock import Instant, to_rfc3339
from matinee.carriage.model import Decision, Discoverability
from matinee.carriage.snapshot import Reach
from matinee.members.model import Entitlement


class WireClause(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    holds: bool
    says: str


class EntitlementTold(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the household may play it, with every clause's answer.

    `seller`: who sells the plan, "us" or "operator"; null where none is needed.
    """

    service: str
    household: str
    operator: str | None
    at: str
    known_at: str | None
    may_play: bool
    seller: str | None
    clauses: list[WireClause]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with every clause's answer; `known_at` null is as it is known now.

    `elsewhere`: the box's model keeps the service from it, and the home's other screens have it. `entitlement` is a
    decision of its own, what OK does for the household whose line the box stood at; null where there was none, or where it is not
    the asker's to read. An operator is answered by what it sold itself alone.
    """

    service: str
    box: str
    operator: str | None
    at: str
    known_at: str | None
    visible: bool
    shows: str
    discoverability: str
    announced_for: str
    elsewhere: bool
    clauses: list[WireClause]
    entitlement: EntitlementTold | None


class WireReach(msgspec.Struct, frozen=True, kw_only=True):
    """`boxes` stand at the operator's lines, `having` of them have the service."""

    operator: str
    agreement: str | None
    reason: str
    announced_at: str | None
    live_at: str | None
    boxes: int
    having: int


def entitlement_told(one: Entitlement) -> EntitlementTold:
    """An entitlement as it goes over the wire."""
    return EntitlementTold(
        service=one.service,
        household=one.household,
        operator=one.operator,
        at=to_rfc3339(one.at),
        known_at=moment_of(one.known_at),
        may_play=one.may_play,
        seller=None if one.seller is None else one.seller.value,
        clauses=[WireClause(name=clause.name.value, holds=clause.holds, says=clause.says) for clause in one.clauses],
    )


def explained(decision: Decision, entitlement: Entitlement | None) -> Explanation:
    """A decision as it goes over the wire, with the household's entitlement beside it."""
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
        elsewhere=decision.elsewhere is not Discoverability.HIDDEN,
        clauses=[WireClause(name=one.name.value, holds=one.holds, says=one.says) for one in decision.clauses],
        entitlement=None if entitlement is None else entitlement_told(entitlement),
    )


def reach_row(one: Reach) -> WireReach:
    """How a service stands at one operator, as the web and the command line write it."""
    agreement = one.agreement
    return WireReach(
        operator=one.operator.name,
        agreement=agreement.status.value if agreement is not None else None,
        reason=agreement.reason if agreement is not None else "",
        announced_at=moment_of(one.told_at),
        live_at=moment_of(one.live_at),
        boxes=one.boxes,
        having=one.having,
    )


def moment_of(at: Instant | None) -> str | None:
    """The wire form of a moment that may be missing."""
    return None if at is None else to_rfc3339(at)
