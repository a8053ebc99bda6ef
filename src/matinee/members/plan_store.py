"""SQL for plans and for who subscribes to them. A change, an end and a correction are each one more record; none is edited."""

import unicodedata
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant, to_rfc3339
from matinee.base.dated import in_force
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId, OperatorId, PartnerAccountId, PlanId, ServiceId, SubscriptionId, new_id
from matinee.base.party import SideKey, operator_side, publisher_side
from matinee.base.units import Pixels
from matinee.catalogue.model import Service
from matinee.members.contracts import Span
from matinee.members.model import (
    BY_HAND,
    DEFAULT_STREAMS,
    MAX_MAX_HEIGHT,
    MAX_STREAMS,
    MIN_MAX_HEIGHT,
    MemberError,
    Plan,
    Subscription,
    SubscriptionState,
)
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import audit, outbox

TOPIC: Final = "subscriptions"
PLAN_MADE: Final = "plan"
PLAN_CHANGED: Final = "plan_limits"
SUBSCRIPTION_RECORDED: Final = "subscription"
TERMS_SET: Final = "terms"
ACCOUNT_TOLD: Final = "account"
MAX_NAME: Final = 100
MAX_REFERENCE: Final = 100
FIRST_MOMENT: Final = -2_208_988_800_000
LAST_MOMENT: Final = 221_845_392_000_000
"""The first days of 1900 and of 9000: no calendar tells of more."""

plans = sa.Table(
    "plans",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), nullable=False),
    sa.Column("service_id", sa.Text, sa.ForeignKey("services.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("streams", sa.Integer, nullable=False, server_default=str(DEFAULT_STREAMS)),
    sa.Column("max_height", sa.Integer),  # lines of the tallest picture; none: no limit
    sa.UniqueConstraint("service_id", "name"),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False, index=True),
    sa.Column("plan_id", sa.Text, sa.ForeignKey("plans.id"), nullable=False, index=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id")),  # who sold it; none: the service's publisher
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("valid_to", InstantColumn),
    sa.Column("recorded_at", InstantColumn, nullable=False),
    sa.Column("seller", sa.Text, nullable=False),  # the side that sold it (base/party.py): its references are its own
    sa.Column("reference", sa.Text, nullable=False),
    sa.UniqueConstraint("seller", "reference"),
)


def ensure_plan(
    conn: Connection,
    service: Service,
    name: str,
    now: Instant,
    *,
    actor: str,
    streams: int = DEFAULT_STREAMS,
    max_height: Pixels | None = None,
) -> tuple[Plan, bool]:
    """The service's plan of that name, and whether it was made now; one that was there keeps its terms. Raises MemberError."""
    outbox.hold(conn)  # two who make the same one at once must not both find it missing
    check_text("A plan's name", name, MAX_NAME)
    _check_terms(streams, max_height)
    found = plan_named(conn, service.id, name)
    if found is not None:
        return found, False
    made = Plan(
        id=PlanId(new_id()),
        publisher=service.publisher,
        service=service.id,
        name=name,
        streams=streams,
        max_height=max_height,
    )
    conn.execute(
        sa.insert(plans).values(
            id=made.id,
            publisher_id=made.publisher,
            service_id=made.service,
            name=made.name,
            created_at=now,
            streams=made.streams,
            max_height=made.max_height,
        )
    )
    detail = {"service": made.service, "name": made.name, "streams": made.streams, "max_height": made.max_height}
    audit.record(conn, actor, "plan.make", made.id, detail, now, sides=[publisher_side(made.publisher)])
    outbox.append(conn, TOPIC, made.id, {"kind": PLAN_MADE}, now)
    return made, True


def change_limits(
    conn: Connection, plan: PlanId, streams: int, max_height: Pixels | None, now: Instant, *, actor: str
) -> tuple[Plan, bool]:
    """Give a plan other terms from now on: the plan as it is then, and whether that changed anything. Raises MemberError.

    The audit keeps what they were and what they became. What plays under the old ones is playback's to treat gently.
    """
    outbox.hold(conn)
    _check_terms(streams, max_height)
    before = plan_of(conn, plan)
    if before is None:
        raise MemberError("There is no such plan.", remedy="Name one of the service's plans.", code=ErrorCode.NOT_FOUND)
    after = msgspec.structs.replace(before, streams=streams, max_height=max_height)
    if after == before:
        return before, False
    conn.execute(sa.update(plans).where(plans.c.id == plan).values(streams=streams, max_height=max_height))
    detail = {
        "service": after.service,
        "name": after.name,
        "before": {"streams": before.streams, "max_height": before.max_height},
        "after": {"streams": streams, "max_height": max_height},
    }
    audit.record(conn, actor, "plan.limits", plan, detail, now, sides=[publisher_side(after.publisher)])
    outbox.append(conn, TOPIC, plan, {"kind": PLAN_CHANGED}, now)
    return after, True


def plan_named(conn: Connection, service: ServiceId, name: str) -> Plan | None:
    row = conn.execute(sa.select(plans).where(plans.c.service_id == service, plans.c.name == name)).one_or_none()
    return None if row is None else _plan(row)


def plan_of(conn: Connection, plan: PlanId) -> Plan | None:
    row = conn.execute(sa.select(plans).where(plans.c.id == plan)).one_or_none()
    return None if row is None else _plan(row)


def all_plans(conn: Connection) -> Sequence[Plan]:
    """Every plan, by service and name."""
    return [_plan(row) for row in conn.execute(sa.select(plans).order_by(plans.c.service_id, plans.c.name))]


def record_subscription(
    conn: Connection,
    household: HouseholdId,
    plan: Plan,
    operator: OperatorId | None,
    state: SubscriptionState,
    now: Instant,
    *,
    actor: str,
    valid_from: Instant | None = None,
    valid_to: Instant | None = None,
    reference: str = "",
    recorded_at: Instant | None = None,
) -> tuple[Subscription, bool]:
    """Record how a household stands with a plan from a moment on (None: from now on), and whether that was new.

    `reference` is the seller's own name for the record, "" to have one drawn: the same again, with the same words, is the record
    that is there. `recorded_at`: when it was known, where that was before `now`. Raises MemberError, also where this seller has
    nothing to end: "it has ended" would be said of a home that plays on by what another sold.
    """
    outbox.hold(conn)
    seller = publisher_side(plan.publisher) if operator is None else operator_side(operator)
    if reference:
        check_text("The reference", reference, MAX_REFERENCE)
        before = _of_reference(conn, seller, reference)
        if before is not None:
            return _again(before, (household, plan.id, state), valid_from, valid_to), False
    if state not in BY_HAND:
        raise MemberError(
            f"A subscription is not recorded as {state.value} by hand.",
            remedy="Record it as active or ended; the other states come of an operator's events (POST /api/v1/billing/events).",
        )
    since = now if valid_from is None else valid_from
    _check_times(since, valid_to, recorded_at, now)
    if state is SubscriptionState.ENDED:
        _check_end(conn, household, plan, operator, valid_to)
    made = Subscription(
        id=SubscriptionId(new_id()),
        household=household,
        plan=plan.id,
        service=plan.service,
        operator=operator,
        state=state,
        valid_from=since,
        valid_to=valid_to,
        recorded_at=_known_at(conn, household, plan.id, now if recorded_at is None else recorded_at, now),
        reference=reference or new_id(),
    )
    _insert(conn, made, seller, now)
    detail = {
        "household": household,
        "plan": plan.id,
        "service": plan.service,
        "operator": operator,
        "state": state.value,
        "valid_from": made.valid_from,
        "valid_to": made.valid_to,
        "reference": made.reference,
    }
    audit.record(conn, actor, "subscription.record", made.id, detail, now, sides={seller, publisher_side(plan.publisher)})
    return made, True


def lay(
    conn: Connection,
    household: HouseholdId,
    service: ServiceId,
    seller: SideKey,
    operator: OperatorId | None,
    spans: Sequence[Span],
    now: Instant,
    account: PartnerAccountId | None = None,
    only: PlanId | None = None,
) -> Sequence[Subscription]:
    """Record what must be, so that what this seller sold stands as in `spans` from their beginning on; the new records.

    With `only` of this plan alone. Of each plan records begin at the first moment at which it stood otherwise: what stands right
    is said no second time.
    """
    if not spans:
        return []
    outbox.hold(conn)
    of_service = [one for one in subscriptions_of(conn, [household]) if one.service == service]
    recorded_at = Instant(max([now, *(one.recorded_at + 1 for one in of_service)]))
    made: list[Subscription] = []
    every = {*(span.plan for span in spans), *(one.plan for one in of_service if one.operator == operator)}
    for plan in sorted(every) if only is None else [only]:
        had = [one for one in of_service if (one.plan, one.operator) == (plan, operator)]
        for span in _needed(had, spans, plan):
            new = Subscription(
                id=SubscriptionId(new_id()),
                household=household,
                plan=plan,
                service=service,
                operator=operator,
                state=span.state,
                valid_from=span.valid_from,
                valid_to=span.valid_to,
                recorded_at=recorded_at,
                reference=new_id(),
            )
            _insert(conn, new, seller, now, account)
            made.append(new)
    return made


def _needed(had: Sequence[Subscription], spans: Sequence[Span], plan: PlanId) -> list[Span]:
    """What is to be recorded of one plan: all from the first moment on at which it stands otherwise than it should."""
    begins = spans[0].valid_from
    moments = {begins, *(span.valid_from for span in spans)}
    moments |= {edge for one in had for edge in (one.valid_from, one.valid_to) if edge is not None and edge > begins}
    wanted: list[tuple[Instant, SubscriptionState]] = []
    for moment in sorted(moments):
        held = in_force(had, moment)
        stands = None if held is None else held.state
        span = max((one for one in spans if one.valid_from <= moment), key=lambda one: one.valid_from)
        if span.plan != plan and stands is None and not wanted:
            continue  # the home has not had this plan yet: there is nothing to end
        state = span.state if span.plan == plan else SubscriptionState.ENDED
        if state is not (wanted[-1][1] if wanted else stands):
            wanted.append((moment, state))
    ends = [*(moment for moment, _ in wanted[1:]), None]
    return [
        Span(state=state, plan=plan, valid_from=moment, valid_to=end) for (moment, state), end in zip(wanted, ends, strict=False)
    ]


def _insert(conn: Connection, made: Subscription, seller: SideKey, now: Instant, account: PartnerAccountId | None = None) -> None:
    """Write a record, and the event by which snapshots follow it and its two sides are told of it."""
    conn.execute(
        sa.insert(subscriptions).values(
            id=made.id,
            household_id=made.household,
            plan_id=made.plan,
            operator_id=made.operator,
            state=made.state.value,
            valid_from=made.valid_from,
            valid_to=made.valid_to,
            recorded_at=made.recorded_at,
            seller=seller,
            reference=made.reference,
        )
    )
    span = Span(state=made.state, plan=made.plan, valid_from=made.valid_from, valid_to=made.valid_to)
    told = _told(SUBSCRIPTION_RECORDED, made.service, made.operator, account, span)
    outbox.append(conn, TOPIC, made.household, {**told, "reference": made.reference}, now)


def tell_account(
    conn: Connection, account: PartnerAccountId, operator: OperatorId, service: ServiceId, span: Span, now: Instant
) -> None:
    """Tell how a subscription stands whose home is not known yet: of it there are no records."""
    outbox.append(conn, TOPIC, account, _told(ACCOUNT_TOLD, service, operator, account, span), now)


def _told(
    kind: str, service: ServiceId, operator: OperatorId | None, account: PartnerAccountId | None, span: Span
) -> dict[str, Any]:
    return {
        "kind": kind,
        "service": service,
        "operator": operator,
        "account": account,
        "plan": span.plan,
        "state": span.state.value,
        "valid_from": span.valid_from,
        "valid_to": span.valid_to,
    }


def is_recorded(conn: Connection, plan: Plan, operator: OperatorId | None, reference: str) -> bool:
    """Whether this seller has recorded something by this reference, "" for none. Raises MemberError where it can be none."""
    if not reference:
        return False
    check_text("The reference", reference, MAX_REFERENCE)
    seller = publisher_side(plan.publisher) if operator is None else operator_side(operator)
    return _of_reference(conn, seller, reference) is not None


def subscriptions_of(conn: Connection, households: Collection[HouseholdId] | None = None) -> Sequence[Subscription]:
    """All that was ever recorded of these households, or with None of all, in the order of recording."""
    query = _recorded().order_by(subscriptions.c.recorded_at, subscriptions.c.valid_from, subscriptions.c.id)
    if households is not None:
        query = query.where(subscriptions.c.household_id.in_(households))
    return [_subscription(row) for row in conn.execute(query)]


def page_of(
    conn: Connection,
    services: Collection[ServiceId],
    operator: OperatorId | None,
    household: HouseholdId | None,
    after: str,
    limit: int,
    *,
    ours_alone: bool = False,
) -> Sequence[Subscription]:
    """At most `limit` records of these services, with an operator those that it sold, by id from after one on.

    With `ours_alone` those that no operator sold.
    """
    query = _recorded().where(plans.c.service_id.in_(services), subscriptions.c.id > after)
    if operator is not None:
        query = query.where(subscriptions.c.operator_id == operator)
    if household is not None:
        query = query.where(subscriptions.c.household_id == household)
    if ours_alone:
        query = query.where(subscriptions.c.operator_id.is_(None))
    return [_subscription(row) for row in conn.execute(query.order_by(subscriptions.c.id).limit(limit))]


def _recorded() -> "sa.Select[Any]":
    return sa.select(subscriptions, plans.c.service_id).select_from(
        subscriptions.join(plans, plans.c.id == subscriptions.c.plan_id)
    )


def _of_reference(conn: Connection, seller: SideKey, reference: str) -> Subscription | None:
    named = (subscriptions.c.seller == seller, subscriptions.c.reference == reference)
    row = conn.execute(_recorded().where(*named)).one_or_none()
    return None if row is None else _subscription(row)


def _again(
    before: Subscription,
    told: tuple[HouseholdId, PlanId, SubscriptionState],
    valid_from: Instant | None,
    valid_to: Instant | None,
) -> Subscription:
    """The record of a reference that is said again. Raises MemberError where it was said of something else."""
    same_times = valid_from in (None, before.valid_from) and valid_to == before.valid_to
    if (before.household, before.plan, before.state) == told and same_times:
        return before
    since = to_rfc3339(before.valid_from)
    raise MemberError(
        f"The reference {before.reference!r} names another record already: {before.state.value} since {since}.",
        remedy="Give each record a reference of its own; to say one again, say all of it as before.",
        code=ErrorCode.CONFLICT,
    )


def _known_at(conn: Connection, household: HouseholdId, plan: PlanId, told: Instant, now: Instant) -> Instant:
    """When a record was known: of two of a household and a plan it is plain which was written last."""
    of_both = (subscriptions.c.household_id == household, subscriptions.c.plan_id == plan)
    newest = conn.execute(sa.select(sa.func.max(subscriptions.c.recorded_at)).where(*of_both)).scalar()
    if told == now and newest is not None and newest >= told:
        return Instant(newest + 1)
    return told


def _check_times(valid_from: Instant, valid_to: Instant | None, recorded_at: Instant | None, now: Instant) -> None:
    for moment in (valid_from, valid_to):
        if moment is not None and not FIRST_MOMENT <= moment <= LAST_MOMENT:
            raise MemberError("A moment lies before 1900 or after 9000.", remedy="Leave the end out where none is known.")
    if valid_to is not None and valid_to <= valid_from:
        raise MemberError("The subscription ends before it begins.", remedy="Write its beginning first.")
    if recorded_at is not None and recorded_at > now:
        raise MemberError("It was known later than now.", remedy="Leave that moment out, or write one that is past.")


def _check_end(
    conn: Connection, household: HouseholdId, plan: Plan, operator: OperatorId | None, valid_to: Instant | None
) -> None:
    if valid_to is not None:
        raise MemberError("What has ended has no end of its own.", remedy="Write the moment of the end as its beginning.")
    had = subscriptions_of(conn, [household])
    if not any((one.plan, one.operator) == (plan.id, operator) for one in had):
        raise MemberError(
            f"This seller has recorded no subscription to {plan.name!r} for this household.",
            remedy="End it as who sold it, by the name of its plan.",
            code=ErrorCode.NOT_FOUND,
        )


def check_text(what: str, text: str, limit: int) -> None:
    if not text.strip() or len(text) > limit or any(unicodedata.category(one).startswith("C") for one in text):
        raise MemberError(f"{what} is no line of 1 to {limit} characters.", remedy="Write a short one.")


def _check_terms(streams: int, max_height: Pixels | None) -> None:
    if not 1 <= streams <= MAX_STREAMS:
        raise MemberError(f"streams is {streams}.", remedy=f"Let 1 to {MAX_STREAMS} films play at once.")
    if max_height is not None and not MIN_MAX_HEIGHT <= max_height <= MAX_MAX_HEIGHT:
        raise MemberError(
            f"max_height is {max_height}.",
            remedy=f"Write the lines of the tallest picture, {MIN_MAX_HEIGHT} to {MAX_MAX_HEIGHT}, or none for no limit.",
        )


def _plan(row: "Row[Any]") -> Plan:
    return Plan(
        id=row.id,
        publisher=row.publisher_id,
        service=row.service_id,
        name=row.name,
        streams=row.streams,
        max_height=row.max_height,
    )


def _subscription(row: "Row[Any]") -> Subscription:
    return Subscription(
        id=row.id,
        household=row.household_id,
        plan=row.plan_id,
        service=row.service_id,
        operator=row.operator_id,
        state=SubscriptionState(row.state),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        recorded_at=row.recorded_at,
        reference=row.reference,
    )
