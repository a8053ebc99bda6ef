"""What plans cost, for how long they may be tried, and by which ids operators name them: over HTTP, each for its own side."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody
from sqlalchemy.engine import Connection

from matinee.base.clock import Clock
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import OperatorId, PlanId, is_id
from matinee.base.party import OWNERS, PUBLISHERS, SIDES, Party
from matinee.carriage.subscription_api import (
    PRIVATE,
    Counter,
    Id,
    PartyRequest,
    Text,
    WirePlan,
    there_already,
    wire_plan,
)
from matinee.members import plan_store, terms_store
from matinee.members.model import Plan
from matinee.members.terms import MAX_MINOR, MAX_TRIAL_DAYS, NO_TERMS, money_of
from matinee.members.terms_store import Environment, Offer
from matinee.outside.database import Database
from matinee.parties.hooks import actor_of

MAX_PRICES = 100


class PriceAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`minor` whole minor units with every tax in them, null where it is not to be sold there any more; see WirePrice."""

    country: Annotated[str, msgspec.Meta(max_length=2)]
    minor: Annotated[int, msgspec.Meta(ge=0, le=MAX_MINOR)] | None
    from_day: Annotated[str, msgspec.Meta(max_length=10)]
    currency: Annotated[str, msgspec.Meta(max_length=3)] = ""


class TermsAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is. A price for a day that has one already takes its place."""

    prices: Annotated[list[PriceAsked], msgspec.Meta(max_length=MAX_PRICES)] = []
    trial_days: Annotated[int, msgspec.Meta(ge=0, le=MAX_TRIAL_DAYS)] | None = None


class OfferAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`operator_id` is left out by an operator: its offers are its own. `takes_away`: the id names the plan no more."""

    plan_id: Id
    offer_id: Text
    operator_id: Id | None = None
    environment: Environment = Environment.PRODUCTION
    takes_away: bool = False


class WireOffer(msgspec.Struct, frozen=True, kw_only=True):
    operator_id: str
    environment: str
    offer_id: str
    plan_id: str


class OfferList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[WireOffer]


def routes(counter: Counter, database: Database, clock: Clock) -> Sequence[Router]:
    @post("/plans/{plan_id:str}/terms", opt={"policy": PUBLISHERS}, status_code=200, sync_to_thread=True)
    def set_terms(request: PartyRequest, plan_id: FromPath[str], data: JSONBody[TermsAsked]) -> Response[WirePlan]:
        """Set what one's own plan costs, by country and from a day on, and for how many days it may be tried."""
        now, actor = clock(), actor_of(request.user)
        with database.write() as conn:
            plan = _plan(conn, counter, request.user, plan_id)
            for told in data.prices:
                money = money_of(told.minor, told.currency)
                terms_store.set_price(conn, plan, told.country, money, told.from_day, now, actor=actor)
            if data.trial_days is not None:
                terms_store.set_trial(conn, plan, data.trial_days, now, actor=actor)
            terms = terms_store.terms_of(conn, [plan.id]).get(plan.id, NO_TERMS)
        return Response(wire_plan(plan, terms, max([now, *(one.recorded_at for one in terms.trials)])), headers=PRIVATE)

    @get("/offers", opt={"policy": SIDES}, sync_to_thread=True)
    def list_offers(request: PartyRequest) -> Response[OfferList]:
        """The ids by which operators name the plans of one's own services; for an operator, its own ids."""
        plans = [plan.id for plan in counter.plans(request.user, clock())]
        with database.read() as conn:
            found = [_told(one) for one in terms_store.offers_of(conn, request.user.side.operator, plans)]
        return Response(OfferList(items=found), headers=PRIVATE)

    @post("/offers", opt={"policy": OWNERS}, sync_to_thread=True, responses=there_already(WireOffer))
    def set_offer(request: PartyRequest, data: JSONBody[OfferAsked]) -> Response[WireOffer]:
        """Say by which id an operator names a plan, in its sandbox or in production. Nothing new: 200."""
        with database.write() as conn:
            plan = _plan(conn, counter, request.user, data.plan_id)
            operator = _operator(counter, request.user, plan, data.operator_id, clock)
            offer = Offer(operator=operator, environment=data.environment, offer_id=data.offer_id, plan=plan.id)
            is_new = terms_store.set_offer(
                conn,
                plan,
                offer,
                clock(),
                actor=actor_of(request.user),
                takes_away=data.takes_away,
                is_operator=request.user.side.operator is not None,
            )
        return Response(_told(offer), status_code=201 if is_new else 200, headers=PRIVATE)

    def _plan(conn: Connection, counter: Counter, party: Party, text: str) -> Plan:
        """A plan of the publisher's own, or one that the operator sells. Raises NotFound."""
        plan = plan_store.plan_of(conn, PlanId(text)) if is_id(text) else None
        if plan is None or not counter.may_name_plan(party, plan, clock(), is_open=False):
            raise NotFound("There is no such plan of yours.", remedy="GET /api/v1/plans lists them.")
        return plan

    return [Router(path="/api/v1", route_handlers=[set_terms, list_offers, set_offer])]


def _operator(counter: Counter, party: Party, plan: Plan, told: str | None, clock: Clock) -> OperatorId:
    """Whose offer it is: the operator's that asks, or one that sells the publisher's service. Raises NotFound, InvalidRequest."""
    own = party.side.operator
    if own is not None:
        if told not in (None, own):
            raise NotFound("There is no such operator of yours.", remedy="Leave operator_id out: it is you.")
        return own
    if told is None:
        raise InvalidRequest("operator_id is missing.", remedy="Send the id of the operator whose offer it is.")
    if not is_id(told) or not counter.sells(OperatorId(told), plan.service, clock()):
        raise NotFound("There is no such operator of yours.", remedy="Send the id of one whose agreement bills by operator.")
    return OperatorId(told)


def _told(one: Offer) -> WireOffer:
    return WireOffer(operator_id=one.operator, environment=one.environment.value, offer_id=one.offer_id, plan_id=one.plan)
