"""Charging direct plans: each month of each subscription once, however often this runs and wherever it is killed.

A month is first written down as due; then it is paid under the due's own id, which a way to pay takes once; then the charge is
recorded under the same id. Whoever is killed between two of these steps leaves a due that is open, and the next run goes on
there: it asks what became of the payment before it asks for another. No transaction is held open while a payment is made.

A home that cannot pay plays on for a grace, the end of which is recorded at once as the end of its subscription; a payment that
comes in time takes that end back.

A month is charged whole. Where the home pays an operator, or for another plan of the service, before it is over, its days from
there on are given back; that is looked at before and after each payment, and first of all for who was killed in between.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.engine import Connection

from matinee.base.clock import DAY, Instant, to_rfc3339
from matinee.base.errors import MatineeError
from matinee.base.ids import HouseholdId, OperatorId, PlanId, ServiceId
from matinee.base.party import publisher_side
from matinee.members import charge_store, plan_store, tax_store
from matinee.members.bill_rules import (
    active_since,
    active_until,
    free_days_left,
    grace_end,
    month_after,
    month_owed,
    standing,
    unused_from,
)
from matinee.members.charges import Charge, Due, event_id_of
from matinee.members.model import MemberError, Plan, Subscription, SubscriptionState
from matinee.members.payers import edges, first_paid, pays
from matinee.members.payments import Billed, Declined, Payment, PaymentPort, PriceList, Receipt
from matinee.members.periods import day_of, first_moment
from matinee.members.refunds import give_days_back
from matinee.members.tax import TaxRate, rate_on, tax_in
from matinee.outside.database import Database
from matinee.parties import audit, outbox

log = structlog.get_logger("matinee.bills")

_LONGEST_MONTH_MS: Final = 32 * DAY
"""A month of 31 days, and the hour of a clock that went back."""


@dataclass(slots=True)
class Outcome:
    """What one run did: months charged, homes that could not pay and play on in grace, months given up, and what went wrong."""

    charged: int = 0
    in_grace: int = 0
    given_up: int = 0
    problems: list[str] = field(default_factory=list)


class Bills:
    """Charges direct plans. Safe to run in several processes at once."""

    def __init__(
        self, database: Database, port: PaymentPort, prices: PriceList, billed: Billed, *, grace_days: int, actor: str
    ) -> None:
        self._database = database
        self._port = port
        self._prices = prices
        self._billed = billed
        self._grace_days = grace_days
        self._actor = actor

    def run(self, now: Instant) -> Outcome:
        """Charge all that is due by a moment. What is wrong with one home is told in the outcome and keeps no other back."""
        outcome = Outcome()
        with self._database.read() as conn:
            every = plan_store.subscriptions_of(conn)
            plans = {plan.id: plan for plan in plan_store.all_plans(conn)}
            rates = tax_store.rates_of(conn)
            left = {(due.household, due.plan) for due in charge_store.open_dues(conn)}
            paid = charge_store.paid_until(conn)
        everywhere = day_of(Instant(now + DAY), ZoneInfo("UTC"))  # no zone is further than a day from any other
        for household, service in _changed(every, paid):
            try:
                self._give_back(household, service, now)
            except MatineeError as error:
                outcome.problems.append(f"{household}: {error}")
        for (household, plan), records in _by_home(one for one in every if one.operator is None).items():
            has_open = (household, plan) in left
            if not has_open and paid.get((household, plan), (everywhere, ""))[0] > everywhere:
                continue  # nearly every home on nearly every run: nothing of it need be read
            try:
                self._charge_home(household, plans[plan], records, rates, now, outcome, has_open=has_open)
            except MatineeError as error:
                outcome.problems.append(f"{household}: {error}")
        for problem in outcome.problems:
            log.error("a home is not charged", why=problem)
        return outcome

    def _charge_home(
        self,
        household: HouseholdId,
        plan: Plan,
        records: Sequence[Subscription],
        rates: Sequence[TaxRate],
        now: Instant,
        outcome: Outcome,
        *,
        has_open: bool,
    ) -> None:
        while has_open or standing(records, now) is not None:
            with self._database.read() as conn:
                dues = charge_store.dues_of(conn, household, plan.id)
                ever = _of_service(conn, household, plan)
            due = next((one for one in dues if one.is_open), None) or self._write_down(plan, records, ever, dues, rates, now)
            if due is None:
                return
            has_others = any((one.plan, one.operator) != (plan.id, None) for one in ever)
            if has_others:
                self._give_back(household, plan.service, now)  # before it is charged: what it had paid may pay for this
            is_settled = self._settle(due, plan, now, outcome)
            if has_others:
                self._give_back(household, plan.service, now)
            if not is_settled:
                return
            has_open = False

    def _give_back(self, household: HouseholdId, service: ServiceId, now: Instant) -> None:
        """Give back the days of paid months that the home then paid for elsewhere."""
        with self._database.read() as conn:
            records = [one for one in plan_store.subscriptions_of(conn, [household]) if one.service == service]
            dues = charge_store.dues_of(conn, household, *{one.plan for one in records})
        for due in dues:
            since = None if due.settled_at is None else unused_from(due, records, dues)
            if since is not None:
                give_days_back(self._database, self._port, due, since, now, actor=self._actor)

    def _write_down(
        self,
        plan: Plan,
        records: Sequence[Subscription],
        ever: Sequence[Subscription],
        dues: Sequence[Due],
        rates: Sequence[TaxRate],
        now: Instant,
    ) -> Due | None:
        """The next month that is owed and has begun, written down; None where none is."""
        held, since = standing(records, now), active_since(records, now)
        here = None if held is None else self._billed.place_of(held.household, plan.service, now)
        if held is None or since is None or here is None:
            return None
        zone = ZoneInfo(here.zone)
        period = month_owed(since, free_days_left(ever, since, self._prices.free_days(plan.id, since), zone), dues, zone)
        while (begins := max(since, first_moment(period.first, zone))) <= now:
            place = self._billed.place_of(held.household, plan.service, begins)
            price = None if place is None else self._prices.price_of(plan.id, place.country, period.first)
            if place is None or price is None or price.minor == 0:
                period = month_after(period)
                continue
            percent = rate_on(rates, plan.publisher, place.country, period.first)
            if percent is None:
                raise MemberError(
                    f"No rate of tax is recorded for {place.country} on {period.first}: {plan.name} is not charged.",
                    remedy=f"Record it: matinee tax set {place.country} PERCENT --from DAY.",
                )
            given_up = sum(one.first == period.first and (one.lapsed_at is not None or one.until == one.first) for one in dues)
            due = Due(
                event_id=event_id_of(held.household, plan.id, period.first, given_up),
                publisher=plan.publisher,
                household=held.household,
                plan=plan.id,
                subscription=held.id,
                anchor=period.anchor,
                first=period.first,
                until=period.until,
                amount=price,
                tax=tax_in(price, percent),
                percent=percent,
                country=place.country,
                zone=place.zone,
                recorded_at=now,
            )
            with self._database.write() as conn:
                charge_store.add_due(conn, due)
                known = charge_store.due_of(conn, due.publisher, due.event_id)  # another process's, where that was first
            return known if known is not None and known.is_open else None
        return None

    def _settle(self, due: Due, plan: Plan, now: Instant, outcome: Outcome) -> bool:
        """Bring a due to its end, as far as it goes now. Whether its home may be asked for the next month."""
        receipt = self._port.found(due.publisher, due.event_id)
        if receipt is None:
            with self._database.read() as conn:
                records = _records(conn, due)
            if standing(records, now) is None:
                self._give_up(due, now, outcome)
                return False
            asked = Payment(key=due.event_id, publisher=due.publisher, household=due.household, amount=due.amount)
            try:
                receipt = self._port.charge(asked)
            except Declined:
                self._let_play_on(due, plan, now, outcome)
                return False
        self._record(due, plan, receipt, now, outcome)
        return True

    def _record(self, due: Due, plan: Plan, receipt: Receipt, now: Instant, outcome: Outcome) -> None:
        """The charge of a due that is paid; and the end that was recorded when it could not be is taken back."""
        with self._database.write() as conn:
            outbox.hold(conn)
            known = charge_store.due_of(conn, due.publisher, due.event_id)
            if known is None or not charge_store.change_due(conn, due, settled_at=now):
                return  # another process was first
            charge_store.record_charge(conn, _charge(due, receipt, self._port.source, now), actor=self._actor)
            if known.grace_until is not None:
                self._go_on(conn, due, plan, known.grace_until, now)
        outcome.charged += 1

    def _go_on(self, conn: Connection, due: Due, plan: Plan, grace_until: Instant, now: Instant) -> None:
        kept = [one for one in _records(conn, due) if one.reference != _unpaid(due)]
        if standing(kept, grace_until) is None:
            return  # it ends by then for another reason, which stands
        others = [one for one in _of_service(conn, due.household, plan) if one.operator is not None]
        until, elsewhere = active_until(kept, grace_until), first_paid(others, grace_until)
        if elsewhere == grace_until:
            return  # an operator bills from there on: it remains the only payer
        if elsewhere is not None and (until is None or elsewhere < until):
            self._subscribe(conn, due, plan, f"elsewhere {due.event_id}", SubscriptionState.ENDED, elsewhere, now)
            until = elsewhere
        self._subscribe(conn, due, plan, f"paid {due.event_id}", SubscriptionState.ACTIVE, grace_until, now, until)

    def _let_play_on(self, due: Due, plan: Plan, now: Instant, outcome: Outcome) -> None:
        if due.grace_until is not None:
            if now >= due.grace_until:
                self._give_up(due, now, outcome)
            return
        grace = grace_end(now, self._grace_days, ZoneInfo(due.zone))
        with self._database.write() as conn:
            outbox.hold(conn)
            told = active_until(_records(conn, due), now)
            ends = grace if told is None else min(grace, told)  # an end that is recorded, as where an operator begins, stands
            if not charge_store.change_due(conn, due, grace_until=ends):
                return  # another process was first, or it is paid meanwhile
            if ends != told:
                self._subscribe(conn, due, plan, _unpaid(due), SubscriptionState.ENDED, ends, now)
            self._audit(conn, "bill.grace", due, now, {"until": to_rfc3339(ends)})
        outcome.in_grace += 1

    def _give_up(self, due: Due, now: Instant, outcome: Outcome) -> None:
        with self._database.write() as conn:
            outbox.hold(conn)
            if not charge_store.change_due(conn, due, lapsed_at=now):
                return
            self._audit(conn, "bill.give-up", due, now, {})
        outcome.given_up += 1

    def _subscribe(
        self,
        conn: Connection,
        due: Due,
        plan: Plan,
        named: str,
        state: SubscriptionState,
        since: Instant,
        now: Instant,
        until: Instant | None = None,
    ) -> None:
        plan_store.record_subscription(
            conn,
            due.household,
            plan,
            None,
            state,
            now,
            actor=self._actor,
            valid_from=since,
            valid_to=until,
            reference=named,
        )

    def _audit(self, conn: Connection, action: str, due: Due, now: Instant, more: dict[str, str]) -> None:
        detail = {"household": due.household, "plan": due.plan, "amount": due.amount.decimal, "currency": due.amount.currency}
        sides = [publisher_side(due.publisher)]
        audit.record(conn, self._actor, action, due.event_id, {**detail, **more}, now, sides=sides)


def _unpaid(due: Due) -> str:
    """What the record is called that ends a subscription where a due stays unpaid."""
    return f"unpaid {due.event_id}"


def _charge(due: Due, receipt: Receipt, source: str, now: Instant) -> Charge:
    return Charge(
        event_id=due.event_id,
        publisher=due.publisher,
        operator=None,
        household=due.household,
        plan=due.plan,
        subscription=due.subscription,
        first=due.first,
        until=due.until,
        amount=receipt.amount,
        tax=tax_in(receipt.amount, due.percent),
        percent=due.percent,
        country=due.country,
        zone=due.zone,
        source=source,
        at=receipt.at,
        recorded_at=now,
    )


def _records(conn: Connection, due: Due) -> list[Subscription]:
    """What is recorded of a due's household and plan, as we sold it."""
    every = plan_store.subscriptions_of(conn, [due.household])
    return [one for one in every if one.plan == due.plan and one.operator is None]


def _of_service(conn: Connection, household: HouseholdId, plan: Plan) -> list[Subscription]:
    """What is recorded of a household and a plan's service, whoever sold it."""
    return [one for one in plan_store.subscriptions_of(conn, [household]) if one.service == plan.service]


def _changed(
    every: Sequence[Subscription], paid: Mapping[tuple[HouseholdId, PlanId], tuple[date, str]]
) -> Iterable[tuple[HouseholdId, ServiceId]]:
    """Where days of the last month that was paid may be another's: few homes, of all there are."""
    first: dict[tuple[HouseholdId, ServiceId], tuple[PlanId, OperatorId | None]] = {}
    sold: dict[tuple[HouseholdId, ServiceId], list[Subscription]] = {}
    for one in every:
        if first.setdefault((one.household, one.service), (one.plan, one.operator)) != (one.plan, one.operator):
            sold[one.household, one.service] = []
    for one in every:
        if (one.household, one.service) in sold:
            sold[one.household, one.service].append(one)
    for (household, service), records in sold.items():
        if any(_may_be_anothers(records, plan, *paid[household, plan]) for plan in _direct(records) if (household, plan) in paid):
            yield household, service


def _direct(records: Iterable[Subscription]) -> set[PlanId]:
    return {one.plan for one in records if one.operator is None}


def _may_be_anothers(records: Sequence[Subscription], plan: PlanId, until: date, zone: str) -> bool:
    ends = first_moment(until, ZoneInfo(zone))
    own = [one for one in records if (one.plan, one.operator) == (plan, None)]
    others = [one for one in records if (one.plan, one.operator) != (plan, None)]
    moments = (moment for moment in edges(records) if ends - _LONGEST_MONTH_MS <= moment < ends)
    return any(standing(own, moment) is None and pays(others, moment) for moment in moments)


def _by_home(sold: Iterable[Subscription]) -> dict[tuple[HouseholdId, PlanId], list[Subscription]]:
    found: dict[tuple[HouseholdId, PlanId], list[Subscription]] = {}
    for one in sold:
        found.setdefault((one.household, one.plan), []).append(one)
    return found
