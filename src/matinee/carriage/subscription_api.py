"""Plans and subscriptions over HTTP: a publisher's of its own services, an operator's where its agreement is on its own bill.

An operator names the homes at its own lines, a publisher those at lines where its service has an agreement: to each, every other
home and every other plan reads as one that does not exist.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, Parameter
from sqlalchemy.engine import Connection

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.errors import NotAllowed, NotFound
from matinee.base.ids import HouseholdId, OperatorId, PlanId, ServiceId, is_id
from matinee.base.pagination import MAX_PAGE, decode_cursor, encode_cursor
from matinee.base.party import OWNERS, PUBLISHERS, SIDES, Party, Side
from matinee.base.units import Pixels
from matinee.carriage.api import instant
from matinee.carriage.entitlements import billed_by
from matinee.carriage.explanations import moment_of
from matinee.carriage.sides import Sides
from matinee.carriage.snapshot import Carriage
from matinee.catalogue.model import Seller
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.snapshot import Fleet
from matinee.members import account_store, plan_store, store, terms_store
from matinee.members.leaving import HomesLines
from matinee.members.model import (
    DEFAULT_STREAMS,
    MAX_MAX_HEIGHT,
    MAX_STREAMS,
    MIN_MAX_HEIGHT,
    Plan,
    Subscription,
    SubscriptionState,
)
from matinee.members.selling import Selling
from matinee.members.snapshot import Members
from matinee.members.subscriptions import Subscriptions
from matinee.members.terms import NO_TERMS, Terms, in_order, trial_days
from matinee.outside.database import Database
from matinee.parties.hooks import actor_of

PRIVATE = {"Cache-Control": "private, no-store"}
PartyRequest = Request[Party, Any, Any]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Id = Annotated[str, msgspec.Meta(max_length=64)]
When = Annotated[str, msgspec.Meta(max_length=40)]


Streams = Annotated[int, msgspec.Meta(ge=1, le=MAX_STREAMS)]
Lines = Annotated[int, msgspec.Meta(ge=MIN_MAX_HEIGHT, le=MAX_MAX_HEIGHT)]


class PlanAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    service_id: Id
    name: Text
    streams: Streams = DEFAULT_STREAMS
    max_height: Lines | None = None


class LimitsAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan gives from now on: films at once in one household, and the lines of the tallest picture (null: no limit)."""

    streams: Streams
    max_height: Lines | None


class WirePrice(msgspec.Struct, frozen=True, kw_only=True):
    """What a month costs in a country from a day of its own on, every tax in it: 799 and "EUR" are 7.99 euro.

    `minor` null: from that day on it is not sold there.
    """

    country: str
    minor: int | None
    currency: str | None
    from_day: str


class WirePlan(msgspec.Struct, frozen=True, kw_only=True):
    """`prices` by country and day, also those that were and that will be. `trial_days`: so long it costs nothing."""

    id: str
    service_id: str
    name: str
    streams: int
    max_height: int | None
    prices: list[WirePrice]
    trial_days: int


class PlanList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[WirePlan]


class SubscriptionAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more record. `reference` is the asker's own name for it: sent again with the same words, it changes nothing.

    `household` by its reference. `state` "active" from `since` (null: now) up to `until` (null: no end known), or "ended" from
    `since` on, what the same seller sold. A record that begins when an earlier one does takes its place.
    """

    reference: Text
    household: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    plan_id: Id
    state: Literal["active", "ended"] = "active"
    since: When | None = None
    until: When | None = None


class WireSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """`seller`: "us", the service's publisher, or "operator", then with its id.

    `household` is the home's reference; to a publisher null where an operator sold it, which names the home to this service by
    `partner_account_id` and to no other.
    """

    id: str
    reference: str
    household: str | None
    partner_account_id: str | None
    service_id: str
    plan_id: str
    seller: str
    operator_id: str | None
    state: str
    valid_from: str
    valid_to: str | None
    recorded_at: str


class SubscriptionPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[WireSubscription]
    next_cursor: str | None


class Counter:
    """Who may write and read what, over snapshots. What a record is for comes from the database: a plan may be a moment old."""

    def __init__(
        self, carriage: Carriage, fleet: Fleet, catalogue: Catalogue, members: Members, subscriptions: Subscriptions
    ) -> None:
        self._carriage = carriage
        self._fleet = fleet
        self._members = members
        self._subscriptions = subscriptions
        self.lines = HomesLines(members, fleet)
        self.sides = Sides(carriage, fleet, catalogue)

    def check_grown_ups(self, party: Party) -> None:
        """Raises NotForKids where a kids' profile is open on the screen, and NotFound where it is no home's."""
        self._members.grown_ups(party)

    def plans(self, party: Party, now: Instant) -> Sequence[Plan]:
        """A publisher's own plans; an operator's those that it may sell; an auditor's those of its side."""
        operator = party.side.operator
        own = {service.id for service in self.sides.services(party)}
        found = [plan for plan in self._subscriptions.plans() if plan.service in own]
        return [plan for plan in found if operator is None or self.sells(operator, plan.service, now)]

    def terms(self, plan: Plan) -> Terms:
        """Its prices and trials, as they are known in memory."""
        return self._subscriptions.terms(plan.id)

    def may_name_plan(self, party: Party, plan: Plan, now: Instant, *, is_open: bool) -> bool:
        """Whether a party may sell a plan. `is_open`: or end what it sold, or say it again."""
        operator = party.side.operator
        if operator is None:
            return party.side.has_publisher(plan.publisher)
        return is_open or self.sells(operator, plan.service, now)

    def may_name_home(self, party: Party, household: HouseholdId, service: ServiceId, now: Instant) -> bool:
        """Whether one of the household's lines is the operator's, or of a publisher at one with which the service has agreed."""
        operators = {self._fleet.operator_of_line(line) for line in self._members.lines_of(household, now)}
        if party.side.operator is not None:
            return party.side.operator in operators
        return any(billed_by(self._carriage.agreement_of(one, service, now)).is_agreed for one in operators)

    def sells(self, operator: OperatorId, service: ServiceId, now: Instant) -> bool:
        """Whether the agreement of the two that is in force bills by the operator."""
        return billed_by(self._carriage.agreement_of(operator, service, now)).by is Seller.OPERATOR


def routes(counter: Counter, database: Database, clock: Clock) -> Sequence[Router]:
    @get("/plans", opt={"policy": SIDES})
    async def list_plans(request: PartyRequest) -> Response[PlanList]:
        """The plans of one's own services; for an operator, those that it sells on its bill."""
        now = clock()
        found = [wire_plan(one, counter.terms(one), now) for one in counter.plans(request.user, now)]
        return Response(PlanList(items=found), headers=PRIVATE)

    @post("/plans", opt={"policy": PUBLISHERS}, sync_to_thread=True, responses=there_already(WirePlan))
    def make_plan(request: PartyRequest, data: JSONBody[PlanAsked]) -> Response[WirePlan]:
        """Make a plan of one's own service. One of that name that is there is answered as it is, with 200."""
        service = counter.sides.service(request.user, data.service_id)
        if service is None:
            raise NotFound("There is no such service of yours.", remedy="Send the id of one of your services.")
        with database.write() as conn:
            made, is_new = plan_store.ensure_plan(
                conn,
                service,
                data.name,
                clock(),
                actor=actor_of(request.user),
                streams=data.streams,
                max_height=None if data.max_height is None else Pixels(data.max_height),
            )
            terms = terms_store.terms_of(conn, [made.id]).get(made.id, NO_TERMS)
        return Response(wire_plan(made, terms, clock()), status_code=201 if is_new else 200, headers=PRIVATE)

    @put("/plans/{plan_id:str}/limits", opt={"policy": PUBLISHERS}, sync_to_thread=True)
    def change_limits(request: PartyRequest, plan_id: FromPath[str], data: JSONBody[LimitsAsked]) -> Response[WirePlan]:
        """Change what a plan of one's own gives, from now on. Said again, it changes nothing."""
        height = None if data.max_height is None else Pixels(data.max_height)
        with database.write() as conn:
            plan = plan_store.plan_of(conn, PlanId(plan_id)) if is_id(plan_id) else None
            if plan is None or not request.user.side.has_publisher(plan.publisher):
                raise NotFound("There is no such plan of yours.", remedy="GET /api/v1/plans lists them.")
            after, _ = plan_store.change_limits(conn, plan.id, data.streams, height, clock(), actor=actor_of(request.user))
            terms = terms_store.terms_of(conn, [after.id]).get(after.id, NO_TERMS)
        return Response(wire_plan(after, terms, clock()), headers=PRIVATE)

    @get("/subscriptions", opt={"policy": SIDES}, sync_to_thread=True)
    def list_subscriptions(
        request: PartyRequest,
        household: Annotated[str | None, Parameter(max_length=200)] = None,
        cursor: Annotated[str | None, Parameter(max_length=400)] = None,
        limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = 50,
    ) -> Response[SubscriptionPage]:
        """What was recorded of subscriptions to one's own services; for an operator, of those that it sold.

        A publisher that names a household reads of what it sold that one itself.
        """
        after = "" if cursor is None else str(decode_cursor(cursor, str)[0])
        services = [service.id for service in counter.sides.services(request.user)]
        with database.read() as conn:
            of = None if household is None else household_called(conn, household)
            nobody = household is not None and of is None
            side = request.user.side
            asked = (conn, services, side.operator, of, after, limit + 1)
            rows = [] if nobody else plan_store.page_of(*asked, ours_alone=of is not None and side.publisher is not None)
            homes = {one.household for one in rows}
            names, accounts = store.references_of(conn, homes), _accounts(conn, *homes)
        page = SubscriptionPage(
            items=[_told(one, names[one.household], accounts, side) for one in rows[:limit]],
            next_cursor=encode_cursor(rows[limit - 1].id) if len(rows) > limit else None,
        )
        return Response(page, headers=PRIVATE)

    @post("/subscriptions", opt={"policy": OWNERS}, sync_to_thread=True, responses=there_already(WireSubscription))
    def record_subscription(request: PartyRequest, data: JSONBody[SubscriptionAsked]) -> Response[WireSubscription]:
        """Record that a household subscribes, or does no more. The same reference again: what is recorded, with 200."""
        party, now = request.user, clock()
        if party.side.key is None:
            raise NotAllowed("This key stands at no side.")
        since, until = instant("since", data.since), instant("until", data.until)
        with database.write() as conn:
            household = household_called(conn, data.household)
            plan = plan_store.plan_of(conn, PlanId(data.plan_id)) if is_id(data.plan_id) else None
            is_open = _is_open(conn, household, plan, party.side.operator, data)
            if plan is None or not counter.may_name_plan(party, plan, now, is_open=is_open):
                raise NotFound("There is no such plan of yours.", remedy="GET /api/v1/plans lists them.")
            if household is None or not (is_open or counter.may_name_home(party, household, plan.service, now)):
                raise NotFound("There is no such household of yours.", remedy="Send the reference of one at your lines.")
            state, operator = SubscriptionState(data.state), party.side.operator
            if not plan_store.is_recorded(conn, plan, operator, data.reference):
                selling = Selling(conn, counter.lines, now, actor_of(party))
                selling.check_by_hand(household, plan, operator, state, since, until)
            made, is_new = plan_store.record_subscription(
                conn,
                household,
                plan,
                party.side.operator,
                state,
                now,
                actor=actor_of(party),
                valid_from=since,
                valid_to=until,
                reference=data.reference,
            )
            told = _told(made, data.household, _accounts(conn, household), party.side)
        return Response(told, status_code=201 if is_new else 200, headers=PRIVATE)

    handlers = [list_plans, make_plan, change_limits, list_subscriptions, record_subscription]
    # In a router, since two methods share a path: the app would register such handlers twice.
    return [Router(path="/api/v1", route_handlers=handlers)]


def there_already(answer: type[msgspec.Struct]) -> dict[int, ResponseSpec]:
    """What is told, beside 201, where the same was recorded before: the same answer with 200."""
    return {200: ResponseSpec(data_container=answer, generate_examples=False, description="It was there already.")}


def household_called(conn: Connection, reference: str) -> HouseholdId | None:
    """The household of this reference. What no reference can be is asked of no database."""
    return store.household_named(conn, reference) if reference.isprintable() else None


def _is_open(
    conn: Connection, household: HouseholdId | None, plan: Plan | None, operator: OperatorId | None, data: SubscriptionAsked
) -> bool:
    """Whether this ends what the seller has sold, or says it again: open also after the agreement or the home has changed."""
    if household is None or plan is None:
        return False
    had = plan_store.subscriptions_of(conn, [household])
    own = [one.reference for one in had if (one.plan, one.operator) == (plan.id, operator)]
    return data.reference in own or (bool(own) and data.state == "ended")


def wire_plan(one: Plan, terms: Terms, now: Instant) -> WirePlan:
    return WirePlan(
        id=one.id,
        service_id=one.service,
        name=one.name,
        streams=one.streams,
        max_height=one.max_height,
        prices=[
            WirePrice(
                country=price.country,
                minor=None if price.money is None else price.money.minor,
                currency=None if price.money is None else price.money.currency,
                from_day=price.from_day,
            )
            for price in in_order(terms.prices)
        ],
        trial_days=trial_days(terms.trials, now),
    )


def _accounts(conn: Connection, *homes: HouseholdId) -> Mapping[tuple[OperatorId | None, ServiceId, HouseholdId], str]:
    """The ids by which operators and services name these homes."""
    found = account_store.all_of(conn, *homes)
    return {(one.operator, one.service, one.household): one.id for one in found if one.household is not None}


def _told(
    one: Subscription,
    household: str,
    accounts: Mapping[tuple[OperatorId | None, ServiceId, HouseholdId], str],
    side: Side,
) -> WireSubscription:
    return WireSubscription(
        id=one.id,
        reference=one.reference,
        household=None if one.operator is not None and side.publisher is not None else household,
        partner_account_id=accounts.get((one.operator, one.service, one.household)),
        service_id=one.service,
        plan_id=one.plan,
        seller=one.seller.value,
        operator_id=one.operator,
        state=one.state.value,
        valid_from=to_rfc3339(one.valid_from),
        valid_to=moment_of(one.valid_to),
        recorded_at=to_rfc3339(one.recorded_at),
    )
