"""The household's own plans and invoices, as its screens show them. Money is the grown-ups': a kids' screen is told nothing.

Only services that the screen sees are told of, like everywhere; all that was recorded is in the home's own file.
"""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from sqlalchemy.engine import Connection

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.ids import HouseholdId, ServiceId
from matinee.base.money import Money
from matinee.base.party import SCREENS
from matinee.catalogue.answers import AnyRequest
from matinee.catalogue.model import Service
from matinee.fleet.snapshot import Fleet
from matinee.members import charge_store, invoice_store, plan_store, terms_store
from matinee.members.bill_rules import active_since, free_days_left
from matinee.members.charges import Due
from matinee.members.invoices import Invoice
from matinee.members.leaving import HomesLines
from matinee.members.model import CarriedServices, Plan, Subscription, SubscriptionState
from matinee.members.payments import Billed, Place
from matinee.members.plan_told import Bill, bill_of, lowered_from, state_told, to_tell, until_told
from matinee.members.snapshot import Members
from matinee.members.terms import NO_TERMS, price_on, trial_days
from matinee.members.voucher_api import PRIVATE, WireMoney
from matinee.outside.database import Database

MAX_INVOICES = 60
"""Five years of months."""
NOWHERE = Place(country="", zone="UTC")


class WireDue(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be paid; the home plays on until `grace_until`, where that is known."""

    amount: WireMoney
    grace_until: str | None


class WireLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan gives: films at once, and the lines of the tallest picture (null: no limit)."""

    name: str
    streams: int
    max_height: int | None


class WirePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One plan of the household, as it stands now.

    `seller`: "us" or "operator", whose name is `operator`. `state` is a SubscriptionState; `waits_for`: of what is pending
    "link", or "other" where it begins when what another sold ends. `price` is a month's, with its tax; of what an operator
    sells what it billed last. `next_charge` is a day; `trial_until` and `until` are moments. `lowered_from`: what the plan
    before gave.
    """

    service_id: str
    service_name: str
    plan: WireLimits
    seller: str
    operator: str | None
    state: str
    waits_for: str | None
    since: str
    until: str | None
    price: WireMoney | None
    next_charge: str | None
    trial_until: str | None
    due: WireDue | None
    lowered_from: WireLimits | None


class Plans(msgspec.Struct, frozen=True, kw_only=True):
    plans: list[WirePlan]


class WireLine(msgspec.Struct, frozen=True, kw_only=True):
    """One charge: days from `first` up to, not including, `until`; `percent` is the rate of the tax in `amount`."""

    service: str
    plan: str
    first: str
    until: str
    amount: WireMoney
    percent: str


class WireInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or a credit note, as it was issued. `corrects`: the number of the invoice that a credit note takes back of."""

    number: int
    kind: str
    seller: str
    details: str
    month: str
    issued_on: str
    total: WireMoney
    tax: WireMoney
    corrects: int | None
    lines: list[WireLine]


class Invoices(msgspec.Struct, frozen=True, kw_only=True):
    invoices: list[WireInvoice]


def routes(
    carried: CarriedServices, members: Members, fleet: Fleet, billed: Billed, database: Database, clock: Clock
) -> Sequence[HTTPRouteHandler]:
    lines = HomesLines(members, fleet)

    @get("/api/v1/plan", opt={"policy": SCREENS}, sync_to_thread=True)
    def get_plan(request: AnyRequest) -> Response[Plans]:
        """The household's plans of the services that it sees. 403 on a screen where a kids' profile is open."""
        household, now = members.grown_ups(request.user), clock()
        seen = {service.id: service for service in carried.services_of(request.user, now)}
        with database.read() as conn:
            told = _plans(conn, household, seen, fleet, lines, billed, now)
        return Response(Plans(plans=told), headers=PRIVATE)

    @get("/api/v1/invoices", opt={"policy": SCREENS}, sync_to_thread=True)
    def get_invoices(request: AnyRequest) -> Response[Invoices]:
        """The household's invoices and credit notes, the newest first, of the publishers whose services it sees."""
        household = members.grown_ups(request.user)
        publishers = {service.publisher for service in carried.services_of(request.user, clock())}
        with database.read() as conn:
            found = invoice_store.of_household(conn, household, publishers, MAX_INVOICES)
        return Response(Invoices(invoices=[_invoice(one) for one in found]), headers=PRIVATE)

    return [get_plan, get_invoices]


def _plans(
    conn: Connection,
    household: HouseholdId,
    seen: dict[ServiceId, Service],
    fleet: Fleet,
    lines: HomesLines,
    billed: Billed,
    now: Instant,
) -> list[WirePlan]:
    records = [one for one in plan_store.subscriptions_of(conn, [household]) if one.service in seen]
    plans = {one.id: one for one in plan_store.all_plans(conn) if one.service in seen}
    charges = charge_store.charges_of(conn, household)
    told = []
    sellers = {one.operator for one in records if one.operator is not None}
    left = {operator for operator in sellers if lines.left(household, operator, now) is not None}
    for one in to_tell(records, now, left):
        operator = fleet.operator(one.operator)
        place = billed.place_of(household, one.service, now) or NOWHERE
        dues = charge_store.dues_of(conn, household, one.plan) if one.operator is None else []
        own = [other for other in records if (other.plan, other.operator) == (one.plan, one.operator)]
        bill = _direct(conn, one, own, records, dues, place, now) if one.operator is None else None
        last = [
            charge for charge in charges if (charge.plan, charge.operator) == (one.plan, one.operator) and charge.corrects is None
        ]
        price = bill.price if bill else max(last, key=lambda charge: charge.first).amount if last else None
        before = lowered_from(one, records, list(plans.values()), now)
        until = until_told(one, own, now)
        state = state_told(one, until, None if bill is None else bill.due)
        is_pending = state is SubscriptionState.PENDING
        told.append(
            WirePlan(
                service_id=one.service,
                service_name=seen[one.service].name,
                plan=_limits(plans[one.plan]),
                seller=one.seller.value,
                operator=None if operator is None else operator.name,
                state=state.value,
                waits_for=("link" if one.valid_to is None else "other") if is_pending else None,
                since=to_rfc3339(one.valid_from),
                until=None if until is None else to_rfc3339(until),
                price=None if price is None else _money(price),
                next_charge=None if bill is None or bill.next_on is None else _day(bill.next_on),
                trial_until=None if bill is None or bill.trial_until is None else to_rfc3339(bill.trial_until),
                due=None if bill is None or bill.due is None else _due(bill.due),
                lowered_from=None if before is None else _limits(before),
            )
        )
    return told


def _direct(
    conn: Connection,
    one: Subscription,
    own: Sequence[Subscription],
    records: Sequence[Subscription],
    dues: Sequence[Due],
    place: Place,
    now: Instant,
) -> Bill:
    """What is to be paid for a direct plan, counted as it is charged. `own`: its records; `records`: the household's."""
    of_service = [other for other in records if other.service == one.service]
    since = active_since(own, now) or one.valid_from
    zone = ZoneInfo(place.zone)
    terms = terms_store.terms_of(conn, [one.plan]).get(one.plan, NO_TERMS)

    def price(day: date) -> Money | None:
        found = price_on(terms.prices, place.country, day.isoformat())
        return found if found is not None and found.minor > 0 else None

    free_days = free_days_left(of_service, since, trial_days(terms.trials, since), zone)
    return bill_of(own, dues, free_days, price, zone, now)


def _limits(plan: Plan) -> WireLimits:
    return WireLimits(name=plan.name, streams=plan.streams, max_height=plan.max_height)


def _due(due: Due) -> WireDue:
    return WireDue(amount=_money(due.amount), grace_until=None if due.grace_until is None else to_rfc3339(due.grace_until))


def _invoice(one: Invoice) -> WireInvoice:
    return WireInvoice(
        number=one.number,
        kind=one.kind.value,
        seller=one.seller,
        details=one.details,
        month=one.month,
        issued_on=_day(one.issued_on),
        total=_money(one.total),
        tax=_money(one.tax),
        corrects=one.corrects,
        lines=[
            WireLine(
                service=line.service,
                plan=line.plan,
                first=_day(line.first),
                until=_day(line.until),
                amount=WireMoney(minor=line.gross, currency=one.currency),
                percent=str(line.percent),
            )
            for line in one.lines
        ],
    )


def _money(money: Money) -> WireMoney:
    return WireMoney(minor=money.minor, currency=money.currency)


def _day(day: date) -> str:
    return day.isoformat()
