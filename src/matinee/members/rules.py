"""Entitlement: what OK does on a title that is there. Pure, for any moment, as it was known at any other.

It is decided apart from availability (carriage/rules.py): no clause here hides a title, and none there asks for a plan. Every
clause is asked, also when an earlier one fails. Days in what is said to staff are the operator's.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.base.ids import HouseholdId, OperatorId, PlanId, ServiceId
from matinee.catalogue.model import Seller, StreamTerms
from matinee.members.model import (
    PLAYS,
    Billed,
    Entitlement,
    EntitlementClause,
    EntitlementClauseName,
    Plan,
    Subscription,
    SubscriptionState,
)

_SOLD_BY = {Seller.US: "the service itself", Seller.OPERATOR: "the operator, on its own bill"}


def entitled(
    service: ServiceId,
    household: HouseholdId,
    operator: OperatorId | None,
    billed: Billed,
    subscriptions: Iterable[Subscription],
    at: Instant,
    known_at: Instant | None = None,
    zone: ZoneInfo | None = None,
    sold_by: OperatorId | None = None,
) -> Entitlement:
    """Decide by what was recorded of this household and this service alone; `operator` is that of its line at `at`.

    With `sold_by` by what this operator sold alone: the answer for who may read no more.
    """
    asked = [one for one in subscriptions if sold_by in (None, one.operator)]
    known = [one for one in asked if known_at is None or one.recorded_at <= known_at]
    return Entitlement(
        service=service,
        household=household,
        operator=operator,
        at=at,
        known_at=known_at,
        seller=billed.by,
        clauses=(
            _billing(billed),
            _subscription(billed, known, "" if sold_by is None else " that this operator sold"),
            _period(billed, known, operator, at, zone or ZoneInfo("UTC")),
        ),
    )


def may_play(billed: Billed, subscriptions: Sequence[Subscription], operator: OperatorId | None, at: Instant) -> bool:
    """The answer of `entitled` as it is known now, without its reasons: asked for each play."""
    if not billed.is_agreed:
        return False
    return billed.by is None or any(_holds(one, operator) for one in standing(subscriptions, at))


def waits_for_link(subscriptions: Sequence[Subscription], operator: OperatorId | None, at: Instant) -> bool:
    """Whether what would play is sold and waits for its link, which has no end: what waits for another's end begins by itself."""
    held = standing(subscriptions, at)
    return any(
        one.state is SubscriptionState.PENDING and one.valid_to is None and one.operator in (None, operator) for one in held
    )


def plans_held(subscriptions: Sequence[Subscription], operator: OperatorId | None, at: Instant) -> list[PlanId]:
    """The plans by which `may_play` says yes, as far as one is needed."""
    return [one.plan for one in standing(subscriptions, at) if _holds(one, operator)]


def best_of(plans: Iterable[Plan]) -> StreamTerms:
    """What a home may have that has all of these plans: each limit by the plan that gives most. Without any, nothing at once."""
    every = list(plans)
    heights = [plan.max_height for plan in every if plan.max_height is not None]
    is_limited = len(heights) == len(every) > 0
    return StreamTerms(streams=max((plan.streams for plan in every), default=0), max_height=max(heights) if is_limited else None)


def standing(subscriptions: Iterable[Subscription], at: Instant) -> list[Subscription]:
    """What is in force at a moment of each plan and each seller, by all that is given, whatever it says."""
    rows: dict[tuple[PlanId, OperatorId | None], list[Subscription]] = {}
    for one in subscriptions:
        rows.setdefault((one.plan, one.operator), []).append(one)
    found = (in_force(row, at) for row in rows.values())
    return [one for one in found if one is not None]


def _holds(one: Subscription, operator: OperatorId | None) -> bool:
    return one.state in PLAYS and one.operator in (None, operator)


def _billing(billed: Billed) -> EntitlementClause:
    if not billed.is_agreed:
        return _no(EntitlementClauseName.BILLING, "No agreement is in force: nothing says who would bill.")
    if billed.by is None:
        return _yes(EntitlementClauseName.BILLING, "The agreement bills nobody: no plan is needed.")
    return _yes(EntitlementClauseName.BILLING, f"The agreement bills: a plan is needed, sold by {_SOLD_BY[billed.by]}.")


def _subscription(billed: Billed, known: Sequence[Subscription], which: str) -> EntitlementClause:
    if not billed.is_agreed:
        return _no(EntitlementClauseName.SUBSCRIPTION, "There is nothing that one could be for.")
    if billed.by is None:
        return _yes(EntitlementClauseName.SUBSCRIPTION, "None is needed.")
    if not known:
        return _no(EntitlementClauseName.SUBSCRIPTION, f"No subscription{which} is recorded.")
    return _yes(EntitlementClauseName.SUBSCRIPTION, f"{len(known)} recorded{which}.")


def _period(
    billed: Billed, known: Sequence[Subscription], operator: OperatorId | None, at: Instant, zone: ZoneInfo
) -> EntitlementClause:
    name = EntitlementClauseName.PERIOD
    if not billed.is_agreed:
        return _no(name, "There is nothing that one could be for.")
    if billed.by is None:
        return _yes(name, "None is needed.")
    held = standing(known, at)
    for one in held:
        if _holds(one, operator):
            return _yes(name, _holding(one, operator, zone))
    for one in sorted(held, key=lambda one: _TOLD_FIRST.index(one.state)):
        if one.state in PLAYS:
            return _no(name, "The one that holds was sold by another operator, and holds at that one's lines alone.")
        return _no(name, f"The one sold by {_sold(one, operator)} {_WHY[one.state]} {_moment(one.valid_from, zone)}.")
    return _no(name, "None is recorded that holds at this moment.")


_WHY = {
    SubscriptionState.ENDED: "has ended at",
    SubscriptionState.PENDING: "waits, until its activation link is opened or what another sold ends, since",
    SubscriptionState.SUSPENDED: "is suspended since",
    SubscriptionState.CANCELLED: "was cancelled, and what was paid ended at",
    SubscriptionState.REVOKED: "was revoked at",
}
_TOLD_FIRST = (
    SubscriptionState.SUSPENDED,
    SubscriptionState.PENDING,
    *sorted(PLAYS),
    SubscriptionState.REVOKED,
    SubscriptionState.CANCELLED,
    SubscriptionState.ENDED,
)
"""Of several that do not hold, the one of which something can be done is told of."""


def _holding(one: Subscription, operator: OperatorId | None, zone: ZoneInfo) -> str:
    until = "with no end known" if one.valid_to is None else f"until {_moment(one.valid_to, zone)}"
    bill = ", in grace, since a bill is late" if one.state is SubscriptionState.GRACE else ""
    end = ", cancelled to the end of what is paid" if one.state is SubscriptionState.ENDING else ""
    return f"One sold by {_sold(one, operator)} holds since {_moment(one.valid_from, zone)}, {until}{bill}{end}."


def _sold(one: Subscription, operator: OperatorId | None) -> str:
    if one.operator is None:
        return "the service itself"
    return "the operator" if one.operator == operator else "another operator"


def _yes(name: EntitlementClauseName, says: str) -> EntitlementClause:
    return EntitlementClause(name=name, holds=True, says=says)


def _no(name: EntitlementClauseName, says: str) -> EntitlementClause:
    return EntitlementClause(name=name, holds=False, says=says)


def _moment(at: Instant, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).strftime(f"%Y-%m-%d %H:%M {zone.key}")
