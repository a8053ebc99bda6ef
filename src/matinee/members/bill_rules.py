"""When a direct subscription owes a month, and which. Pure; the records given are those of one household and one plan, sold by
us.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.members.charges import Due
from matinee.members.model import PLAYS, Subscription, SubscriptionState
from matinee.members.payers import edges, pays
from matinee.members.periods import Period, day_of, first_moment, next_period, period_from
from matinee.members.rules import standing as all_standing

OWES: Final = frozenset({SubscriptionState.ACTIVE, SubscriptionState.ENDING})
"""What is handed over to an operator is ending: the month that it lasts is owed as any other."""


def standing(records: Sequence[Subscription], at: Instant) -> Subscription | None:
    """The record by which the household subscribes at a moment; None where it does not."""
    found = in_force(records, at)
    return found if found is not None and found.state in OWES else None


def active_since(records: Sequence[Subscription], at: Instant) -> Instant | None:
    """Since when the household has subscribed without a gap up to a moment; None where it does not then."""
    if standing(records, at) is None:
        return None
    since = at
    for edge in reversed([edge for edge in edges(records) if edge <= at]):
        if standing(records, edge) is None:
            break
        since = edge
        if standing(records, Instant(edge - 1)) is None:
            break
    return since


def active_until(records: Sequence[Subscription], at: Instant) -> Instant | None:
    """Up to when it goes on without a gap from a moment at which it stands; None where no end is known."""
    return next((edge for edge in edges(records) if edge > at and standing(records, edge) is None), None)


def month_owed(since: Instant, free_days: int, dues: Sequence[Due], zone: ZoneInfo) -> Period:
    """The first month that was neither paid nor written down, whether it has begun or not."""
    paid = [Period(anchor=one.anchor, first=one.first, until=one.until) for one in dues if one.settled_at is not None]
    last = max(paid, key=lambda one: one.until, default=None)
    return next_period(day_of(since, zone) + timedelta(days=free_days), last)


def free_days_left(of_service: Sequence[Subscription], since: Instant, days: int, zone: ZoneInfo) -> int:
    """How many days of a trial are left to a home that subscribes at a moment: a service is tried once, whoever sells it.

    `of_service`: all that was recorded of the home and the service. A trial is counted from the day on which it first had that.
    """
    earlier = (edge for edge in edges(of_service) if edge < since)
    first = next((edge for edge in earlier if any(one.state in PLAYS for one in all_standing(of_service, edge))), since)
    return max(0, days - (day_of(since, zone) - day_of(first, zone)).days)


def paid_until(since: Instant, free_days: int, dues: Sequence[Due], at: Instant, zone: ZoneInfo) -> Instant:
    """When the trial or the month ends that a moment lies in: the next one's first moment, at which that would be owed.

    A month that has begun and waits to be charged is owed whole; where it could not be paid nothing is, and it ends at once.
    """
    if any(one.is_open and one.grace_until is not None for one in dues):
        return at
    period = month_owed(since, free_days, dues, zone)
    while (ends := first_moment(period.first, zone)) <= at:
        period = month_after(period)
    return ends


def unused_from(due: Due, of_service: Sequence[Subscription], dues: Sequence[Due]) -> date | None:
    """From which of its days on a month was another's: the home had this plan no more, and paid for the service elsewhere.

    None where there is none. `of_service` and `dues`: all that was recorded of the home and the service. Who pays an operator
    does so from the operator's beginning on; a direct plan is paid for the days of its own months, which are left out where they
    were given up.
    """
    zone = ZoneInfo(due.zone)
    own = [one for one in of_service if _is_of(one, due)]
    sold_on_a_bill = [one for one in of_service if one.operator is not None]
    others = [one for one in dues if one.plan != due.plan and one.lapsed_at is None]

    def is_paid(at: Instant) -> bool:
        if pays(sold_on_a_bill, at):
            return True
        day = day_of(at, zone)
        return any(
            one.first <= day < one.until and standing([row for row in of_service if _is_of(row, one)], at) is not None
            for one in others
        )

    begun = [one.valid_from for one in own if one.id == due.subscription]  # what it had earlier that day was another month's
    begins, ends = max([first_moment(due.first, zone), *begun]), first_moment(due.until, zone)
    moments = {*edges(of_service), *(first_moment(one.first, zone) for one in others)}
    within = (at for at in sorted(moments) if begins <= at < ends)
    found = next((at for at in within if standing(own, at) is None and is_paid(at)), None)
    return None if found is None else day_of(found, zone)


def month_after(period: Period) -> Period:
    return period_from(period.anchor, period.until)


def grace_end(now: Instant, days: int, zone: ZoneInfo) -> Instant:
    """Until when a home plays on that could not pay: so many whole days after today."""
    return now if days == 0 else first_moment(day_of(now, zone) + timedelta(days=days + 1), zone)


def _is_of(one: Subscription, due: Due) -> bool:
    return one.operator is None and one.plan == due.plan
