"""Charges: what a household was charged for a plan and some days, by whom. Frozen; a correction is a charge of its own.

A charge is known by its seller and the seller's own id for the event of billing: told again, it is the same charge.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, OperatorId, PlanId, PublisherId, SubscriptionId
from matinee.base.money import Money, rounded
from matinee.base.party import SideKey, operator_side, publisher_side


class Charge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount, tax included, for the days from `first` up to, not including, `until`; below zero where it is given back.

    `operator` billed it, None: the publisher itself. `corrects` is the event id of an earlier charge of the same seller that this
    one takes back, in whole or in part. `tax` and `percent` are None where an operator told none: it owes that tax, and not we.
    `source` says how it was paid or came here: "credit", "operator". `at` is the moment of the charge, `zone` whose days its own
    are.
    """

    event_id: str
    publisher: PublisherId
    operator: OperatorId | None
    household: HouseholdId
    plan: PlanId
    subscription: SubscriptionId | None
    first: date
    until: date
    amount: Money
    country: str
    zone: str
    source: str
    at: Instant
    recorded_at: Instant
    tax: Money | None = None
    percent: Decimal | None = None
    corrects: str | None = None

    @property
    def seller(self) -> SideKey:
        return publisher_side(self.publisher) if self.operator is None else operator_side(self.operator)


class Due(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a household owes for one month of a direct plan, from the moment on at which that month began.

    At most one of `settled_at` and `lapsed_at` is told; `grace_until` once it could not be paid: it plays on until then. Where
    days of a paid month are given back, `until` becomes the first of them.
    """

    event_id: str
    publisher: PublisherId
    household: HouseholdId
    plan: PlanId
    subscription: SubscriptionId
    anchor: date
    first: date
    until: date
    amount: Money
    tax: Money
    percent: Decimal
    country: str
    zone: str
    recorded_at: Instant
    grace_until: Instant | None = None
    settled_at: Instant | None = None
    lapsed_at: Instant | None = None

    @property
    def is_open(self) -> bool:
        return self.settled_at is None and self.lapsed_at is None


def event_id_of(household: HouseholdId, plan: PlanId, first: date, given_up: int = 0) -> str:
    """The event id of a direct plan's month: the same month can be charged once, whoever charges it and however often.

    `given_up`: how many times that month was given up unpaid or given back whole before, and then subscribed to again.
    """
    again = f".{given_up + 1}" if given_up else ""
    return f"{household}.{plan}.{first.isoformat()}{again}"


def net_of(charge: Charge) -> Money:
    """What remains of the amount without its tax."""
    return charge.amount if charge.tax is None else charge.amount - charge.tax


def given_back(charges: Iterable[Charge], event_id: str, currency: str) -> Money:
    """How much of a charge was taken back, above zero."""
    taken = [one.amount for one in charges if one.corrects == event_id and one.amount.currency == currency]
    return -sum(taken, Money(0, currency))


def share_of(charge: Charge, until: date) -> Money:
    """What of a charge is for its days before one, to the nearest minor unit, a half away from zero."""
    days = Fraction((until - charge.first).days, (charge.until - charge.first).days)
    return Money(rounded(charge.amount.minor * days), charge.amount.currency)


def by_event(charges: Sequence[Charge]) -> dict[str, Charge]:
    return {one.event_id: one for one in charges}
