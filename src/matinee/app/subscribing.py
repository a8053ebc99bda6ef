"""`matinee subscription`: who subscribes to what, recorded by hand, and listed."""

from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy.engine import Connection

from matinee.app.carrying import moment_told, service_named
from matinee.app.commands import DONE, opened
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.clock import Instant, to_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import HouseholdId, OperatorId
from matinee.base.units import Pixels
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Seller, Service
from matinee.fleet import store as fleet
from matinee.fleet.snapshot import Fleet
from matinee.members import plan_store, store
from matinee.members.leaving import HomesLines
from matinee.members.model import Plan, Subscription, SubscriptionState
from matinee.members.selling import Selling
from matinee.members.snapshot import Members

ACTOR = "command line"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line named: a household by its reference, service and plan by their names, moments as typed."""

    household: str
    service: str
    plan: str
    seller: Literal["us", "operator"]
    since: str | None
    until: str | None
    reference: str


def add(told: Wanted, *, by: str, data: Path | None, as_json: bool) -> int:
    """Record that a household subscribes. The plan is made where the service has none of that name."""
    return _record(told, SubscriptionState.ACTIVE, by=by, data=data, as_json=as_json)


def end(told: Wanted, *, by: str, data: Path | None, as_json: bool) -> int:
    """Record that a household's subscription has ended, or will."""
    return _record(told, SubscriptionState.ENDED, by=by, data=data, as_json=as_json)


def limits(
    service: str, plan: str, streams: int | None, max_height: int | None, *, by: str, data: Path | None, as_json: bool
) -> int:
    """Tell what a plan gives, after changing what is named. `max_height` 0: no limit."""
    with opened(data) as installation, installation.database.write() as conn:
        found = _plan_named(conn, service_named(list(catalogue.all_services(conn)), service), plan)
        height = found.max_height if max_height is None else None if max_height == 0 else Pixels(max_height)
        wanted = found.streams if streams is None else streams
        after, is_new = plan_store.change_limits(conn, found.id, wanted, height, read_clock(), actor=by or ACTOR)
    terminal = Terminal()
    if as_json:
        terminal.json({"id": after.id, "streams": after.streams, "max_height": after.max_height, "is_new": is_new})
        return DONE
    tallest = "any height" if after.max_height is None else f"{after.max_height} lines at most"
    at_once = "one film at a time" if after.streams == 1 else f"{after.streams} films at once"
    terminal.line(f"{after.name}: {at_once} in a home, {tallest}.{' Changed.' if is_new else ''}", "good")
    return DONE


def list_all(household: str | None, service: str | None, *, data: Path | None, as_json: bool) -> int:
    """Every record, in the order of recording."""
    with opened(data) as installation, installation.database.read() as conn:
        services = {one.id: one.name for one in catalogue.all_services(conn)}
        wanted = None if service is None else service_named(list(catalogue.all_services(conn)), service).id
        of = None if household is None else [_household(conn, household)]
        found = [one for one in plan_store.subscriptions_of(conn, of) if wanted in (None, one.service)]
        plans = {plan.id: plan.name for plan in plan_store.all_plans(conn)}
        operators = {one.id: one.name for one in fleet.all_operators(conn)}
        names = store.references_of(conn, {one.household for one in found})
    rows = [
        {**_row(one), "household": names[one.household], "service": services[one.service], "plan": plans[one.plan]}
        for one in found
    ]
    terminal = Terminal()
    if as_json:
        terminal.json({"subscriptions": rows})
        return DONE
    cells = [
        [
            row["household"],
            row["service"],
            row["plan"],
            "us" if one.operator is None else operators[one.operator],
            row["state"],
            row["valid_from"],
            row["valid_to"] or "",
            row["reference"],
        ]
        for row, one in zip(rows, found, strict=True)
    ]
    terminal.table(["household", "service", "plan", "sold by", "state", "since", "until", "reference"], cells)
    return DONE


def _record(told: Wanted, state: SubscriptionState, *, by: str, data: Path | None, as_json: bool) -> int:
    now = read_clock()
    since, until = moment_told("--since", told.since), moment_told("--until", told.until)
    actor = by or ACTOR
    with opened(data) as installation, installation.database.write() as conn:
        household = _household(conn, told.household)
        operator = None if told.seller == Seller.US.value else _operator(conn, household, now if since is None else since)
        plan = _plan(conn, told, state, now, actor)
        if not plan_store.is_recorded(conn, plan, operator, told.reference):
            Selling(conn, _lines(conn), now, actor).check_by_hand(household, plan, operator, state, since, until)
        made, is_new = plan_store.record_subscription(
            conn,
            household,
            plan,
            operator,
            state,
            now,
            actor=actor,
            valid_from=since,
            valid_to=until,
            reference=told.reference,
        )
    terminal = Terminal()
    if as_json:
        terminal.json({**_row(made), "household": told.household, "is_new": is_new})
        return DONE
    word = "subscribes" if state is SubscriptionState.ACTIVE else "subscribes no more"
    ends = "" if made.valid_to is None else f", until {to_rfc3339(made.valid_to)}"
    known = "" if is_new else " It was recorded before under that reference."
    terminal.line(f"{told.household} {word} to {told.plan}: since {to_rfc3339(made.valid_from)}{ends}.{known}", "good")
    return DONE


def _plan(conn: Connection, told: Wanted, state: SubscriptionState, now: Instant, actor: str) -> Plan:
    service = service_named(list(catalogue.all_services(conn)), told.service)
    if state is SubscriptionState.ACTIVE:
        return plan_store.ensure_plan(conn, service, told.plan, now, actor=actor)[0]
    return _plan_named(conn, service, told.plan)


def _plan_named(conn: Connection, service: Service, name: str) -> Plan:
    found = plan_store.plan_named(conn, service.id, name)
    if found is None:
        known = ", ".join(one.name for one in plan_store.all_plans(conn) if one.service == service.id) or "none"
        raise NotFound(f"{service.name} has no plan {name!r}.", remedy=f"There are: {known}.")
    return found


def _household(conn: Connection, reference: str) -> HouseholdId:
    found = store.household_named(conn, reference)
    if found is None:
        raise NotFound(f"There is no household {reference!r}.", remedy='Name it by its reference: "demo", "Orange ORANGE-2".')
    return found


def _operator(conn: Connection, household: HouseholdId, at: Instant) -> OperatorId:
    """Whose line the household has: what an operator sells holds there alone."""
    lines, members = _snapshots(conn)
    found = lines.operator_of_line(members.line_of(household, at))
    if found is None:
        raise InvalidRequest("The household had no operator's line at that moment.", remedy="Write --seller us.")
    return found


def _lines(conn: Connection) -> HomesLines:
    lines, members = _snapshots(conn)
    return HomesLines(members, lines)


def _snapshots(conn: Connection) -> tuple[Fleet, Members]:
    lines, members = Fleet(), Members()
    lines.load(conn)
    members.load(conn)
    return lines, members


def _row(one: Subscription) -> dict[str, Any]:
    return {
        "id": one.id,
        "reference": one.reference,
        "seller": one.seller.value,
        "operator": one.operator,
        "state": one.state.value,
        "valid_from": to_rfc3339(one.valid_from),
        "valid_to": None if one.valid_to is None else to_rfc3339(one.valid_to),
        "recorded_at": to_rfc3339(one.recorded_at),
    }
