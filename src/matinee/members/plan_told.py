"""What a household is told of its plans: how each stands, who is paid what and when, and what it gave before. Pure.

A direct plan whose month could not be paid is recorded as one with an end: the home is told that it is in grace, and what is due.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from matinee.base.clock import DAY, Instant
from matinee.base.ids import OperatorId
from matinee.base.money import Money
from matinee.members.bill_rules import active_since, active_until, month_after, month_owed
from matinee.members.charges import Due
from matinee.members.model import LIVE, PLAYS, Plan, Subscription, SubscriptionState
from matinee.members.periods import day_of, first_moment
from matinee.members.rules import standing

TOLD_AFTER_MS: Final = 62 * DAY
"""How long a home is told of a plan that is over, and of a change that took something away."""

PriceOn = Callable[[date], Money | None]


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What a direct plan costs from now on. `next_on` is the first day of the next month that is paid, None where none comes.

    `trial_until` None: no trial runs. `due`: what could not be paid.
    """

    price: Money | None
    next_on: date | None
    trial_until: Instant | None
    due: Due | None


def to_tell(records: Iterable[Subscription], at: Instant, left: Collection[OperatorId] = ()) -> list[Subscription]:
    """What stands at a moment, by service; of a service where nothing is live also what ended lately.

    `left`: operators at which the home has no line any more. What they sold plays nothing and is billed no more, whatever is
    recorded as live.
    """
    held = [one for one in standing(records, at) if one.operator not in left or one.state not in LIVE]
    living = {one.service for one in held if one.state in LIVE}
    lately = [one for one in held if one.service not in living and at - one.valid_from < TOLD_AFTER_MS]
    return sorted([*(one for one in held if one.state in LIVE), *lately], key=lambda one: (one.service, one.plan))


def state_told(one: Subscription, until: Instant | None, due: Due | None) -> SubscriptionState:
    """In one word how it stands: what has an end is ending, or in grace where a month is unpaid."""
    if one.state is not SubscriptionState.ACTIVE or until is None:
        return one.state
    return SubscriptionState.ENDING if due is None else SubscriptionState.GRACE


def until_told(one: Subscription, own: Sequence[Subscription], now: Instant) -> Instant | None:
    """Up to when it stands as it does, by ends that were recorded apart too. `own`: what was recorded of its plan and seller."""
    return active_until(own, now) if one.state is SubscriptionState.ACTIVE else one.valid_to


def bill_of(
    records: Sequence[Subscription], dues: Sequence[Due], free_days: int, price_on: PriceOn, zone: ZoneInfo, now: Instant
) -> Bill:
    """The bill of one direct plan, `records` and `dues` being its own. `free_days` is the trial of when it was sold."""
    open_due = next((one for one in dues if one.is_open), None)
    since = active_since(records, now)
    price = price_on(day_of(now, zone))
    if since is None:
        return Bill(price=price, next_on=None, trial_until=None, due=open_due)
    ends = first_moment(day_of(since, zone) + timedelta(days=free_days), zone)
    period = month_owed(since, free_days, dues, zone)
    while first_moment(period.first, zone) <= now and not price_on(period.first):
        period = month_after(period)  # what cost nothing when it began is not owed
    upto = active_until(records, now)
    is_last = upto is not None and upto <= first_moment(period.first, zone)
    next_on = None if is_last or open_due is not None or not price_on(period.first) else period.first
    return Bill(price=price, next_on=next_on, trial_until=ends if free_days and ends > now else None, due=open_due)


def lowered_from(one: Subscription, records: Sequence[Subscription], plans: Sequence[Plan], now: Instant) -> Plan | None:
    """The plan that stood before this one, of the same seller, where it gave more and the change is recent."""
    since = _since(one, records)
    if one.state not in PLAYS or now - since >= TOLD_AFTER_MS:
        return None
    held = {plan.id: plan for plan in plans}
    before = [
        held[other.plan]
        for other in standing(records, Instant(since - 1))
        if (other.service, other.operator) == (one.service, one.operator) and other.plan != one.plan and other.state in PLAYS
    ]
    return next((plan for plan in before if _gives_more(plan, held[one.plan])), None)


def _since(one: Subscription, records: Sequence[Subscription]) -> Instant:
    """Since when this plan has played without a gap: its records begin anew where its state changes."""
    own = [other for other in records if (other.plan, other.operator) == (one.plan, one.operator)]
    since = one.valid_from
    while (before := next(iter(standing(own, Instant(since - 1))), None)) is not None and before.state in PLAYS:
        since = before.valid_from
    return since


def _gives_more(plan: Plan, than: Plan) -> bool:
    if plan.streams > than.streams:
        return True
    return than.max_height is not None and (plan.max_height is None or plan.max_height > than.max_height)
