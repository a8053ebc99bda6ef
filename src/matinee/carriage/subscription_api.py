"""Plans and subscriptions over HTTP: a publisher's of its own services, an operator's where its agreement is on its own bill.

An operator names the homes at its own lines, a publisher those at lines where its service has an agreement: to each, every other
home and every other plan reads as one that does not exist.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import JSONBody, Parameter
from sqlalchemy.engine import Connection

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.errors import NotAllowed, NotFound
from matinee.base.ids import HouseholdId, OperatorId, PlanId, ServiceId
from matinee.base.pagination import MAX_PAGE, decode_cursor, encode_cursor
from matinee.base.party import OWNERS, PUBLISHERS, SIDES, Party
from matinee.carriage.api import instant
from matinee.carriage.explanations import moment_of
from matinee.carriage.model import Billing
from matinee.carriage.sides import Sides
from matinee.carriage.snapshot import Carriage
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.snapshot import Fleet
from matinee.members import plan_store, store
from matinee.members.model import Plan, Subscription, SubscriptionState
from matinee.members.snapshot import Members
from matinee.members.subscriptions import Subscriptions
from matinee.outside.database import Database
from matinee.parties.hooks import actor_of

PRIVATE = {"Cache-Control": "private, no-store"}
PartyRequest = Request[Party, Any, Any]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Id = Annotated[str, msgspec.Meta(max_length=64)]
When = Annotated[str, msgspec.Meta(max_length=40)]


class PlanAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    service_id: Id
    name: Text


class WirePlan(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    service_id: str
    name: str


class PlanList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[WirePlan]


class SubscriptionAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more record. `reference` is the asker's own name for it: sent again with the same words, it changes nothing.

    `household` by its reference. `state` "active" from `since` (null: now) up to `until` (null: no end known), or "ended" from
    `since` on. A record that begins when an earlier one does takes its place.
    """

    reference: Text
    household: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    plan_id: Id
    state: SubscriptionState = SubscriptionState.ACTIVE
    since: When | None = None
    until: When | None = None


class WireSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """`seller`: "us", the service's publisher, or "operator", then with its id."""

    id: str
    reference: str
    household: str
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
    """Who may write and read what: over snapshots alone."""

    def __init__(
        self, carriage: Carriage, fleet: Fleet, catalogue: Catalogue, members: Members, subscriptions: Subscriptions
    ) -> None:
        self._carriage = carriage
        self._fleet = fleet
        self._members = members
        self._subscriptions = subscriptions
        self.sides = Sides(carriage, fleet, catalogue)

    def plans(self, party: Party, now: Instant) -> Sequence[Plan]:
        """A publisher's own plans; an operator's those that it may sell; an auditor's those of its side."""
        operator = party.side.operator
        own = {service.id for service in self.sides.services(party)}
        found = [plan for plan in self._subscriptions.plans() if plan.service in own]
        return [plan for plan in found if operator is None or self._sells(operator, plan.service, now)]

    def plan(self, party: Party, text: str, state: SubscriptionState, household: HouseholdId | None, now: Instant) -> Plan:
        """A plan that the party may sell, or has sold to this household, to end that. Raises NotFound."""
        found = self._subscriptions.plan(PlanId(text))
        operator = party.side.operator
        if found is not None and (
            party.side.has_publisher(found.publisher)
            if operator is None
            else self._sells(operator, found.service, now)
            or (state is SubscriptionState.ENDED and self._has_sold(operator, household, found.service))
        ):
            return found
        raise NotFound("There is no such plan of yours.", remedy="GET /api/v1/plans lists them.")

    def is_own(self, party: Party, household: HouseholdId, service: ServiceId, now: Instant) -> bool:
        """Whether a party may name a household for a service."""
        at = self._fleet.operator_of_line(self._members.line_of(household, now))
        operator = party.side.operator
        if operator is not None:
            return at == operator or self._has_sold(operator, household, service)
        return self._carriage.agreement_of(at, service, now) is not None or self._has_sold(None, household, service)

    def _sells(self, operator: OperatorId, service: ServiceId, now: Instant) -> bool:
        agreement = self._carriage.agreement_of(operator, service, now)
        return agreement is not None and agreement.billing is Billing.OPERATOR

    def _has_sold(self, operator: OperatorId | None, household: HouseholdId | None, service: ServiceId) -> bool:
        had = () if household is None else self._subscriptions.of(household, service)
        return any(one.operator == operator for one in had)


def routes(counter: Counter, database: Database, clock: Clock) -> Sequence[Router]:
    @get("/plans", opt={"policy": SIDES})
    async def list_plans(request: PartyRequest) -> Response[PlanList]:
        """The plans of one's own services; for an operator, those that it sells on its bill."""
        found = [_plan(one) for one in counter.plans(request.user, clock())]
        return Response(PlanList(items=found), headers=PRIVATE)

    @post("/plans", opt={"policy": PUBLISHERS}, sync_to_thread=True)
    def make_plan(request: PartyRequest, data: JSONBody[PlanAsked]) -> Response[WirePlan]:
        """Make a plan of one's own service. One of that name that is there is answered as it is, with 200."""
        service = counter.sides.service(request.user, data.service_id)
        if service is None:
            raise NotFound("There is no such service of yours.", remedy="Send the id of one of your services.")
        with database.write() as conn:
            made, is_new = plan_store.ensure_plan(conn, service, data.name, clock(), actor=actor_of(request.user))
        return Response(_plan(made), status_code=201 if is_new else 200, headers=PRIVATE)

    @get("/subscriptions", opt={"policy": SIDES}, sync_to_thread=True)
    def list_subscriptions(
        request: PartyRequest,
        household: Annotated[str | None, Parameter(max_length=200)] = None,
        cursor: Annotated[str | None, Parameter(max_length=400)] = None,
        limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = 50,
    ) -> Response[SubscriptionPage]:
        """What was recorded of subscriptions to one's own services; for an operator, of those that it sold."""
        after = "" if cursor is None else str(decode_cursor(cursor, str)[0])
        services = [service.id for service in counter.sides.services(request.user)]
        with database.read() as conn:
            of = None if household is None else _household(conn, household)
            nobody = household is not None and of is None
            operator = request.user.side.operator
            rows = [] if nobody else plan_store.page_of(conn, services, operator, of, after, limit + 1)
            names = store.references_of(conn, {one.household for one in rows})
        page = SubscriptionPage(
            items=[_told(one, names[one.household]) for one in rows[:limit]],
            next_cursor=encode_cursor(rows[limit - 1].id) if len(rows) > limit else None,
        )
        return Response(page, headers=PRIVATE)

    @post("/subscriptions", opt={"policy": OWNERS}, sync_to_thread=True)
    def record_subscription(request: PartyRequest, data: JSONBody[SubscriptionAsked]) -> Response[WireSubscription]:
        """Record that a household subscribes, or does no more. The same reference again: what is recorded, with 200."""
        party, now = request.user, clock()
        if party.side.key is None:
            raise NotAllowed("This key stands at no side.")
        since, until = instant("since", data.since), instant("until", data.until)
        with database.write() as conn:
            household = _household(conn, data.household)
            plan = counter.plan(party, data.plan_id, data.state, household, now)
            if household is None or not counter.is_own(party, household, plan.service, now):
                raise NotFound("There is no such household of yours.", remedy="Send the reference of one at your lines.")
            made, is_new = plan_store.record_subscription(
                conn,
                household,
                plan,
                party.side.operator,
                data.state,
                now,
                actor=actor_of(party),
                valid_from=since,
                valid_to=until,
                reference=data.reference,
            )
        return Response(_told(made, data.household), status_code=201 if is_new else 200, headers=PRIVATE)

    # In a router, since two methods share a path: the app would register such handlers twice.
    return [Router(path="/api/v1", route_handlers=[list_plans, make_plan, list_subscriptions, record_subscription])]


def _household(conn: Connection, reference: str) -> HouseholdId | None:
    """The household of this reference. What no reference can be is asked of no database."""
    return store.household_named(conn, reference) if reference.isprintable() else None


def _plan(one: Plan) -> WirePlan:
    return WirePlan(id=one.id, service_id=one.service, name=one.name)


def _told(one: Subscription, household: str) -> WireSubscription:
    return WireSubscription(
        id=one.id,
        reference=one.reference,
        household=household,
        service_id=one.service,
        plan_id=one.plan,
        seller=one.seller.value,
        operator_id=one.operator,
        state=one.state.value,
        valid_from=to_rfc3339(one.valid_from),
        valid_to=moment_of(one.valid_to),
        recorded_at=to_rfc3339(one.recorded_at),
    )
