"""`matinee plans`: what plans cost, how long they may be tried, and by which ids operators name them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from matinee.app.carrying import service_named
from matinee.app.commands import DONE, opened
from matinee.app.installation import read_clock
from matinee.app.subscribing import ACTOR
from matinee.app.terminal import Terminal
from matinee.base.clock import Instant
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import OperatorId
from matinee.catalogue import store as catalogue
from matinee.fleet import store as fleet
from matinee.members import plan_store, terms_store
from matinee.members.model import Plan
from matinee.members.terms import NO_TERMS, Price, Terms, in_order, money_of, trial_days
from matinee.members.terms_store import Environment, Offer


def list_all(service: str | None, *, data: Path | None, as_json: bool) -> int:
    """Every plan, with what it costs where and since when, its trial, and its offers."""
    now = read_clock()
    with opened(data) as installation, installation.database.read() as conn:
        services = list(catalogue.all_services(conn))
        names = {one.id: one.name for one in services}
        wanted = None if service is None else service_named(services, service).id
        plans = [one for one in plan_store.all_plans(conn) if wanted in (None, one.service)]
        terms = terms_store.terms_of(conn)
        operators = {one.id: one.name for one in fleet.all_operators(conn)}
        offers = terms_store.offers_of(conn, None, [one.id for one in plans])
    rows = [_row(one, names[one.service], terms.get(one.id, NO_TERMS), offers, operators, now) for one in plans]
    terminal = Terminal()
    if as_json:
        terminal.json({"plans": rows})
        return DONE
    cells = [
        [
            row["service"],
            row["name"],
            "; ".join(_price_said(one) for one in in_order(terms.get(row["id"], NO_TERMS).prices)),
            str(row["trial_days"] or ""),
            "; ".join(f"{one['operator']} {one['offer_id']} ({one['environment']})" for one in row["offers"]),
        ]
        for row in rows
    ]
    terminal.table(["service", "plan", "a month costs", "trial days", "offers"], cells)
    return DONE


def set_price(
    plan: str,
    country: str,
    minor: int | None,
    currency: str,
    *,
    service: str,
    from_day: str,
    by: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Record what a plan costs in a country from a day on; None: it is not sold there any more."""
    with opened(data) as installation, installation.database.write() as conn:
        found, money = _plan(conn, service, plan), money_of(minor, currency)
        price, is_new = terms_store.set_price(conn, found, country, money, from_day, read_clock(), actor=by or ACTOR)
    terminal = Terminal()
    if as_json:
        terminal.json({**_price_row(price), "plan": plan, "is_new": is_new})
    else:
        terminal.line(f"{plan}: {_price_said(price)}.{'' if is_new else ' It was recorded before.'}", "good")
    return DONE


def set_trial(plan: str, days: int, *, service: str, by: str, data: Path | None, as_json: bool) -> int:
    """Record for how many days what is sold from now on costs nothing."""
    with opened(data) as installation, installation.database.write() as conn:
        is_new = terms_store.set_trial(conn, _plan(conn, service, plan), days, read_clock(), actor=by or ACTOR)
    terminal = Terminal()
    if as_json:
        terminal.json({"plan": plan, "trial_days": days, "is_new": is_new})
    else:
        terminal.line(f"{plan} may be tried for {days} days by who takes it from now on.", "good")
    return DONE


def set_offer(
    plan: str,
    offer_id: str,
    *,
    service: str,
    operator: str,
    sandbox: bool,
    takes_away: bool,
    by: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Record by which id an operator names a plan, or that it does so no more."""
    environment = Environment.SANDBOX if sandbox else Environment.PRODUCTION
    with opened(data) as installation, installation.database.write() as conn:
        found = _plan(conn, service, plan)
        offer = Offer(operator=_operator(conn, operator), environment=environment, offer_id=offer_id, plan=found.id)
        is_new = terms_store.set_offer(conn, found, offer, read_clock(), actor=by or ACTOR, takes_away=takes_away)
    terminal = Terminal()
    if as_json:
        terminal.json(
            {"plan": plan, "operator": operator, "environment": environment.value, "offer_id": offer_id, "is_new": is_new}
        )
    else:
        word = "names no more" if takes_away else "names"
        terminal.line(
            f"{operator} {word} {plan} by {offer_id} ({environment.value}).{'' if is_new else ' Nothing is new.'}", "good"
        )
    return DONE


def _plan(conn: Connection, service: str, name: str) -> Plan:
    of = service_named(list(catalogue.all_services(conn)), service)
    found = plan_store.plan_named(conn, of.id, name)
    if found is None:
        known = ", ".join(one.name for one in plan_store.all_plans(conn) if one.service == of.id) or "none"
        raise NotFound(f"{of.name} has no plan {name!r}.", remedy=f"There are: {known}.")
    return found


def _operator(conn: Connection, name: str) -> OperatorId:
    every = fleet.all_operators(conn)
    found = [one.id for one in every if name in (one.id, one.name)]
    if len(found) > 1:
        raise InvalidRequest(f"{len(found)} operators are called {name!r}.", remedy="Name one by its id.")
    if not found:
        known = ", ".join(one.name for one in every) or "none"
        raise NotFound(f"There is no operator {name!r}.", remedy=f"There are: {known}.")
    return found[0]


def _row(
    one: Plan, service: str, terms: Terms, offers: Sequence[Offer], operators: dict[OperatorId, str], now: Instant
) -> dict[str, Any]:
    return {
        "id": one.id,
        "service": service,
        "name": one.name,
        "prices": [_price_row(price) for price in in_order(terms.prices)],
        "trial_days": trial_days(terms.trials, now),
        "offers": [
            {"operator": operators[offer.operator], "environment": offer.environment.value, "offer_id": offer.offer_id}
            for offer in offers
            if offer.plan == one.id
        ],
    }


def _price_row(one: Price) -> dict[str, Any]:
    return {
        "country": one.country,
        "minor": None if one.money is None else one.money.minor,
        "currency": None if one.money is None else one.money.currency,
        "from_day": one.from_day,
    }


def _price_said(one: Price) -> str:
    """In minor units, as they are recorded: how many of them a unit has is its currency's own."""
    what = "not sold" if one.money is None else f"{one.money.minor} {one.money.currency}"
    return f"{what} in {one.country} from {one.from_day}"
