"""What operators tell of the subscriptions that they sell, put at its time, with one payer for each home and service.

Each method works in the transaction that it is given, which it keeps to itself: of two sellers who come at once the second sees
what the first recorded. An error that it raises takes all of it back.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId, OperatorId, PlanId, ServiceId, new_id
from matinee.base.party import SideKey, operator_side, publisher_side
from matinee.catalogue.store import service_of
from matinee.members import account_store, billing_store, charge_store, plan_store, terms_store
from matinee.members.account_store import PartnerAccount
from matinee.members.bill_rules import active_since, active_until, free_days_left, paid_until
from matinee.members.contracts import Act, BillingEvent, Life, Span, live, waits_for_link
from matinee.members.model import LIVE, PAYING, MemberError, Plan, Subscription, SubscriptionState
from matinee.members.payers import PaidElsewhere, edges, paid_twice
from matinee.members.rules import standing
from matinee.members.terms import NO_TERMS, trial_days
from matinee.parties import audit, outbox


class Lines(Protocol):
    """Where homes are: leaving.HomesLines is one."""

    def left(self, household: HouseholdId, operator: OperatorId, now: Instant) -> Instant | None:
        """Since when the home has no line at the operator; None where it has one now."""
        ...


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an event. `fits`: it counts; else it met a state in which it is not allowed, and changes nothing."""

    account: PartnerAccount
    life: Life
    fits: bool


class Selling:
    """One transaction's work, as one actor, at one moment."""

    def __init__(self, conn: Connection, lines: Lines, now: Instant, actor: str) -> None:
        self._conn = conn
        self._lines = lines
        self._now = now
        self._actor = actor
        outbox.hold(conn)

    def take(self, account: PartnerAccount, event: BillingEvent, words: Mapping[str, Any], zone: ZoneInfo) -> Taken:
        """Keep an event that was not told before, and record what follows from it. `zone` is the operator's, by whose days a
        handed-over month ends. Raises PaidElsewhere, and MemberError where this operator recorded the same by hand.
        """
        had = billing_store.events_of(self._conn, account.id)
        before, after = live(had), live([*had, event])
        if account.household is not None:
            if not before.spans and after.spans:
                self._check_no_hand(account.household, account, after.spans[0].valid_from)
            self._close_what_was_left(account.household, account.service, account.operator)
            if event.hands_over and not event.by_link and event.id not in after.unfit:
                event = msgspec.structs.replace(event, begins_at=self._hand_over(account.household, account, event.at, zone))
                after = live([*had, event])
            others = [one for one in self._rows(account.household, account.service) if one.operator != account.operator]
            if paid_twice(before.spans, after.spans, others) is not None:
                raise PaidElsewhere
        self._keep(account, event, words, before, after)
        return Taken(account=account, life=after, fits=event.id not in after.unfit)

    def open(self, account: PartnerAccount, household: HouseholdId, zone: ZoneInfo) -> Taken:
        """Activate what waits for its link, as this home's. Raises PaidElsewhere, and MemberError where it waits for none."""
        events = billing_store.events_of(self._conn, account.id)
        activated = [one for one in events if one.act is Act.ACTIVATE and one.at <= self._now]
        event = BillingEvent(
            id=f"ours:{new_id()}",
            act=Act.OPEN,
            at=self._now,
            hands_over=bool(activated) and max(activated, key=lambda one: one.at).hands_over,
        )
        if not waits_for_link(events, self._now):
            raise NotWaiting
        if account.household is None:
            if account_store.account_of(self._conn, account.operator, account.service, household) is not None:
                raise MemberError(
                    "This home is activated with this operator by another link.",
                    remedy="Ask the operator which one is meant.",
                    code=ErrorCode.CONFLICT,
                )
            account = account_store.bind(self._conn, account, household, self._now)
        return self.take(account, event, {}, zone)

    def close(self, operator: OperatorId, household: HouseholdId, service: ServiceId, at: Instant) -> None:
        """End what an operator sold to a home from a moment on: the home has left it, or its agreement has ended."""
        account = account_store.account_of(self._conn, operator, service, household)
        if account is not None:
            while (moment := _live_from(billing_store.events_of(self._conn, account.id), at)) is not None:
                event = BillingEvent(id=f"ours:{new_id()}", act=Act.CLOSE, at=moment)
                had = billing_store.events_of(self._conn, account.id)
                self._keep(account, event, {}, live(had), live([*had, event]))
        self._close_by_hand(operator, household, service, at)

    def check_by_hand(
        self,
        household: HouseholdId,
        plan: Plan,
        operator: OperatorId | None,
        state: SubscriptionState,
        since: Instant | None,
        until: Instant | None,
    ) -> None:
        """Whether a record by hand may stand beside what came by events. Raises PaidElsewhere, MemberError.

        What two sellers both record by hand is theirs to settle: it is believed, as it always was.
        """
        if operator in {one.operator for one in self._told_of(household, plan.service)}:
            raise MemberError(
                "This subscription is kept by billing events.",
                remedy="Tell of it by POST /api/v1/billing/events.",
                code=ErrorCode.CONFLICT,
            )
        begins = self._now if since is None else since
        spans = [Span(state=state, plan=plan.id, valid_from=begins, valid_to=until)]
        self._close_what_was_left(household, plan.service, operator)
        by_events = {one.operator for one in self._told_of(household, plan.service)} - {operator}
        others = [one for one in self._rows(household, plan.service) if one.operator in by_events]
        if paid_twice([], spans, others) is not None:
            raise PaidElsewhere

    def _told_of(self, household: HouseholdId, service: ServiceId) -> Sequence[PartnerAccount]:
        found = account_store.accounts_of(self._conn, household, service)
        return [one for one in found if live(billing_store.events_of(self._conn, one.id)).spans]

    def _rows(self, household: HouseholdId, service: ServiceId) -> Sequence[Subscription]:
        return [one for one in plan_store.subscriptions_of(self._conn, [household]) if one.service == service]

    def _check_no_hand(self, household: HouseholdId, account: PartnerAccount, since: Instant) -> None:
        own = [one for one in self._rows(household, account.service) if one.operator == account.operator]
        if _first(own, since, lambda state: state in LIVE) is not None:
            raise MemberError(
                "This operator has recorded a subscription of this home by hand.",
                remedy="End it first by POST /api/v1/subscriptions with the state ended, at the moment of the activation.",
                code=ErrorCode.CONFLICT,
            )

    def _close_what_was_left(self, household: HouseholdId, service: ServiceId, but: OperatorId | None) -> None:
        """Other operators at which the home has no line any more bill it no more: their bill ended where its line did."""
        rows = self._rows(household, service)
        for operator in sorted({one.operator for one in rows if one.operator not in (None, but)} - {None}, key=str):
            left = None if operator is None else self._lines.left(household, operator, self._now)
            if operator is not None and left is not None:
                self.close(operator, household, service, left)

    def _hand_over(self, household: HouseholdId, account: PartnerAccount, at: Instant, zone: ZoneInfo) -> Instant | None:
        """End what the service itself sold at the end of its paid period; that end, None where there is none to wait for.

        A month that could not be paid ends now: the operator alone bills from here on.
        """
        since = max(at, self._now)  # what was paid before is not taken back
        every = self._rows(household, account.service)
        rows = [one for one in every if one.operator is None]
        ends = []
        for one in standing(rows, since):
            if one.state in PAYING:
                of_plan = [row for row in rows if row.plan == one.plan]
                told, end = active_until(of_plan, since), self._paid_until(of_plan, every, since, zone)
                if told is None or end < told:
                    self._end_direct(one, account, since, end)
                    ends.append(end)
                else:
                    ends.append(told)
        return max(ends, default=None)

    def _paid_until(self, of_plan: Sequence[Subscription], every: Sequence[Subscription], at: Instant, zone: ZoneInfo) -> Instant:
        """When what stands at a moment has to be paid next, counted as it is charged; that moment where it was not paid."""
        household, plan = of_plan[0].household, of_plan[0].plan
        since = active_since(of_plan, at) or at
        terms = terms_store.terms_of(self._conn, [plan]).get(plan, NO_TERMS)
        free = free_days_left(every, since, trial_days(terms.trials, since), zone)
        return paid_until(since, free, charge_store.dues_of(self._conn, household, plan), at, zone)

    def _end_direct(self, one: Subscription, account: PartnerAccount, at: Instant, end: Instant) -> None:
        seller = self._publisher(account.service)
        spans = [Span(state=SubscriptionState.CANCELLED, plan=one.plan, valid_from=end)]
        if at < end:
            spans.insert(0, Span(state=SubscriptionState.ENDING, plan=one.plan, valid_from=at, valid_to=end))
        plan_store.lay(self._conn, one.household, one.service, seller, None, spans, self._now, only=one.plan)
        detail = {"plan": one.plan, "ends": end, "account": account.id}
        audit.record(self._conn, self._actor, "subscription.hand_over", one.id, detail, self._now, sides=[seller])

    def _keep(self, account: PartnerAccount, event: BillingEvent, words: Mapping[str, Any], before: Life, after: Life) -> None:
        """Write an event, what follows from it, and who said so."""
        billing_store.add_event(self._conn, account, event, words, self._now)
        seller = operator_side(account.operator)
        changed = [span for span in after.spans if span not in before.spans]
        if account.household is None:
            for span in changed:
                plan_store.tell_account(self._conn, account.id, account.operator, account.service, span, self._now)
        else:
            plan_store.lay(
                self._conn, account.household, account.service, seller, account.operator, after.spans, self._now, account.id
            )
        detail = {
            "event_id": event.id,
            "service": account.service,
            "plan": event.plan,
            "at": event.at,
            "until": event.until,
            "begins_at": event.begins_at,
            "fits": event.id not in after.unfit,
            "states": [[span.state.value, span.plan, span.valid_from, span.valid_to] for span in changed],
        }
        sides = {seller, self._publisher(account.service)}
        audit.record(self._conn, self._actor, f"subscription.{event.act.value}", account.id, detail, self._now, sides=sides)

    def _close_by_hand(self, operator: OperatorId, household: HouseholdId, service: ServiceId, at: Instant) -> None:
        rows = [one for one in self._rows(household, service) if one.operator == operator]
        for plan in sorted({one.plan for one in rows}):
            moment = _first([one for one in rows if one.plan == plan], at, lambda state: state in LIVE)
            if moment is not None:
                self._end_by_hand(operator, household, service, plan, moment)

    def _end_by_hand(self, operator: OperatorId, household: HouseholdId, service: ServiceId, plan: PlanId, at: Instant) -> None:
        seller = operator_side(operator)
        ended = Span(state=SubscriptionState.ENDED, plan=plan, valid_from=at)
        plan_store.lay(self._conn, household, service, seller, operator, [ended], self._now, only=plan)
        detail = {"household": household, "plan": plan, "service": service, "operator": operator, "valid_from": at}
        sides = {seller, self._publisher(service)}
        audit.record(self._conn, self._actor, "subscription.close", household, detail, self._now, sides=sides)

    def _publisher(self, service: ServiceId) -> SideKey:
        return publisher_side(service_of(self._conn, service).publisher)


class NotWaiting(MemberError):
    """Nothing waits to be activated."""

    code = ErrorCode.NOT_IN_THIS_STATE

    def __init__(self) -> None:
        super().__init__("Nothing waits to be activated here.", remedy="Ask the operator for a link.")

    def __reduce__(self) -> tuple[object, ...]:
        return NotWaiting, ()


def _live_from(events: Sequence[BillingEvent], at: Instant) -> Instant | None:
    """The first moment from `at` on at which something is live."""
    life = live(events)
    held = life.at(at)
    if held is not None and held.state in LIVE:
        return at
    return next((span.valid_from for span in life.spans if span.valid_from > at and span.state in LIVE), None)


def _first(rows: Sequence[Subscription], at: Instant, wanted: Callable[[SubscriptionState], bool]) -> Instant | None:
    """The first moment from `at` on at which one of these stands so."""
    for moment in [at, *(edge for edge in edges(rows) if edge > at)]:
        if any(wanted(one.state) for one in standing(rows, moment)):
            return moment
    return None
