"""SQL for what plans cost and how long they may be tried, and for the ids by which operators name them. No record is edited."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import OperatorId, PlanId, new_id
from matinee.base.money import Money
from matinee.base.party import operator_side, publisher_side
from matinee.members.model import MemberError, Plan
from matinee.members.plan_store import TERMS_SET, TOPIC, check_text, plan_of
from matinee.members.terms import MAX_TRIAL_DAYS, NO_TERMS, Price, Terms, Trial, check_price, in_order, trial_days
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import audit, outbox

MAX_OFFER: Final = 100

plan_prices = sa.Table(
    "plan_prices",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("plan_id", sa.Text, sa.ForeignKey("plans.id"), nullable=False, index=True),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("minor", sa.BigInteger),  # none: from that day on it is not sold there
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("from_day", sa.Text, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)

plan_trials = sa.Table(
    "plan_trials",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("plan_id", sa.Text, sa.ForeignKey("plans.id"), nullable=False, index=True),
    sa.Column("days", sa.Integer, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)

plan_offers = sa.Table(
    "plan_offers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id"), nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("offer_id", sa.Text, nullable=False),
    sa.Column("plan_id", sa.Text, sa.ForeignKey("plans.id"), nullable=False, index=True),
    sa.Column("is_taken_away", sa.Boolean, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
    sa.Index("ix_plan_offers_named", "operator_id", "environment", "offer_id"),
)


class Environment(StrEnum):
    SANDBOX = "sandbox"
    PRODUCTION = "production"


class OfferTaken(MemberError):
    """An operator's id names another publisher's plan, or did, in either environment: whose, and which, is not told."""

    code = ErrorCode.CONFLICT

    def __init__(self, offer_id: str) -> None:
        self.offer_id = offer_id
        super().__init__(
            f"The offer_id {offer_id!r} is not free at this operator.",
            remedy="Ask the operator for an id of its own for this plan; only it may give one to another plan.",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return OfferTaken, (self.offer_id,)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """That an operator names a plan by an id of its own."""

    operator: OperatorId
    environment: Environment
    offer_id: str
    plan: PlanId


def terms_of(conn: Connection, plans: Collection[PlanId] | None = None) -> Mapping[PlanId, Terms]:
    """What was recorded of these plans, or with None of all; of a plan without any nothing."""
    of_these = sa.true() if plans is None else sa.column("plan_id").in_(plans)
    prices = conn.execute(sa.select(plan_prices).where(of_these).order_by(plan_prices.c.recorded_at, plan_prices.c.id))
    trials = conn.execute(sa.select(plan_trials).where(of_these).order_by(plan_trials.c.recorded_at, plan_trials.c.id))
    found: dict[PlanId, Terms] = {}
    for row in prices:
        terms = found.get(row.plan_id, NO_TERMS)
        found[row.plan_id] = msgspec.structs.replace(terms, prices=(*terms.prices, _price(row)))
    for row in trials:
        terms = found.get(row.plan_id, NO_TERMS)
        trial = Trial(plan=row.plan_id, days=row.days, recorded_at=row.recorded_at)
        found[row.plan_id] = msgspec.structs.replace(terms, trials=(*terms.trials, trial))
    return found


def set_price(
    conn: Connection, plan: Plan, country: str, money: Money | None, from_day: str, now: Instant, *, actor: str
) -> tuple[Price, bool]:
    """Record what a plan costs in a country from a day on (None: it is not sold there), and whether that was new.

    Raises MemberError.
    """
    outbox.hold(conn)
    check_price(country, money, from_day)
    had = terms_of(conn, [plan.id]).get(plan.id, NO_TERMS).prices
    for one in in_order(had):
        if (one.country, one.from_day, one.money) == (country, from_day, money):
            return one, False
    made = Price(plan=plan.id, country=country, money=money, from_day=from_day, recorded_at=_after(had, now))
    told = {
        "plan_id": plan.id,
        "country": country,
        "minor": None if money is None else money.minor,
        "currency": "" if money is None else money.currency,
        "from_day": from_day,
    }
    conn.execute(sa.insert(plan_prices).values(id=new_id(), **told, recorded_at=made.recorded_at))
    audit.record(conn, actor, "plan.price", plan.id, told, now, sides=[publisher_side(plan.publisher)])
    outbox.append(conn, TOPIC, plan.id, {"kind": TERMS_SET}, now)
    return made, True


def set_trial(conn: Connection, plan: Plan, days: int, now: Instant, *, actor: str) -> bool:
    """Record for how many days what is sold from now on may be tried; whether that was new. Raises MemberError."""
    outbox.hold(conn)
    if not 0 <= days <= MAX_TRIAL_DAYS:
        raise MemberError(f"trial_days is {days}.", remedy=f"Write 0 (no trial) to {MAX_TRIAL_DAYS}.")
    had = terms_of(conn, [plan.id]).get(plan.id, NO_TERMS).trials
    recorded_at = _after(had, now)
    if trial_days(had, recorded_at) == days:
        return False
    conn.execute(sa.insert(plan_trials).values(id=new_id(), plan_id=plan.id, days=days, recorded_at=recorded_at))
    audit.record(conn, actor, "plan.trial", plan.id, {"days": days}, now, sides=[publisher_side(plan.publisher)])
    outbox.append(conn, TOPIC, plan.id, {"kind": TERMS_SET}, now)
    return True


def set_offer(
    conn: Connection,
    plan: Plan,
    offer: Offer,
    now: Instant,
    *,
    actor: str,
    takes_away: bool = False,
    is_operator: bool = False,
) -> bool:
    """Record that an operator names a plan by this id, or does so no more; whether that was new.

    An id that stood for another plan of the same publisher stands for this one from now on. To one that was ever another
    publisher's, in either environment, the operator alone may give another meaning (`is_operator`): the ids are its own, and a
    publisher that took one would be paid for what another sold. Raises MemberError, OfferTaken.
    """
    outbox.hold(conn)
    check_text("The offer's id", offer.offer_id, MAX_OFFER)
    if not (takes_away or is_operator):
        _check_publisher(conn, plan, offer)
    before = offer_named(conn, offer.operator, offer.environment, offer.offer_id)
    if (before is None or before.plan != plan.id) if takes_away else before == offer:
        return False
    told = {"operator_id": offer.operator, "environment": offer.environment.value, "offer_id": offer.offer_id, "plan_id": plan.id}
    latest = conn.execute(_named(sa.func.max(plan_offers.c.recorded_at), offer)).scalar()
    recorded_at = now if latest is None else max(now, latest + 1)
    conn.execute(sa.insert(plan_offers).values(id=new_id(), **told, is_taken_away=takes_away, recorded_at=recorded_at))
    sides = [publisher_side(plan.publisher), operator_side(offer.operator)]
    audit.record(conn, actor, "plan.offer.end" if takes_away else "plan.offer", plan.id, told, now, sides=sides)
    return True


def offer_named(conn: Connection, operator: OperatorId, environment: Environment, offer_id: str) -> Offer | None:
    """What an operator's id stands for now."""
    wanted = Offer(operator=operator, environment=environment, offer_id=offer_id, plan=PlanId(""))
    row = conn.execute(_named(plan_offers, wanted).order_by(plan_offers.c.recorded_at.desc()).limit(1)).one_or_none()
    return None if row is None or row.is_taken_away else _offer(row)


def offers_of(conn: Connection, operator: OperatorId | None, plans: Collection[PlanId]) -> Sequence[Offer]:
    """What stands now of these plans, with an operator of what it names: by operator, environment and id."""
    query = sa.select(plan_offers).where(plan_offers.c.plan_id.in_(plans)).order_by(plan_offers.c.recorded_at)
    if operator is not None:
        query = query.where(plan_offers.c.operator_id == operator)
    named = {(row.operator_id, row.environment, row.offer_id) for row in conn.execute(query)}
    found = [offer_named(conn, one, Environment(environment), offer_id) for one, environment, offer_id in sorted(named)]
    return [one for one in found if one is not None and one.plan in plans]


def _check_publisher(conn: Connection, plan: Plan, offer: Offer) -> None:
    named = (plan_offers.c.operator_id == offer.operator, plan_offers.c.offer_id == offer.offer_id)
    for one in conn.execute(sa.select(plan_offers.c.plan_id).where(*named).distinct()).scalars():
        other = plan_of(conn, one)
        if other is not None and other.publisher != plan.publisher:
            raise OfferTaken(offer.offer_id)


def _named(what: Any, offer: Offer) -> "sa.Select[Any]":
    return sa.select(what).where(
        plan_offers.c.operator_id == offer.operator,
        plan_offers.c.environment == offer.environment.value,
        plan_offers.c.offer_id == offer.offer_id,
    )


def _after(had: Sequence[Price] | Sequence[Trial], now: Instant) -> Instant:
    """When a record is known: after those that are there, whatever clock wrote them."""
    return Instant(max([now, *(one.recorded_at + 1 for one in had)]))


def _price(row: "Row[Any]") -> Price:
    return Price(
        plan=row.plan_id,
        country=row.country,
        money=None if row.minor is None else Money(row.minor, row.currency),
        from_day=row.from_day,
        recorded_at=row.recorded_at,
    )


def _offer(row: "Row[Any]") -> Offer:
    return Offer(operator=row.operator_id, environment=Environment(row.environment), offer_id=row.offer_id, plan=row.plan_id)
