"""An operator's file against our records: charges brought in from it, and what of the three accounts does not agree."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.engine import Connection

from matinee.app.billing import lines_and_agreements
from matinee.app.commands import DONE, FAILED, opened
from matinee.app.installation import Installation, read_clock
from matinee.app.money_names import day_told, operator_named
from matinee.app.terminal import Terminal
from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import HouseholdId, PlanId, ServiceId
from matinee.carriage.entitlements import billed_by
from matinee.carriage.snapshot import Carriage
from matinee.catalogue.store import all_services
from matinee.fleet.model import Operator
from matinee.fleet.snapshot import Fleet
from matinee.members import charge_store, plan_store, store, terms_store
from matinee.members.charge_store import EventTaken
from matinee.members.charges import Charge
from matinee.members.model import PLAYS, Plan, Subscription
from matinee.members.operator_file import BilledTold, FileFault, FileRefused, read_billed
from matinee.members.periods import day_of, first_moment
from matinee.members.reconcile import AllowedBy, Discrepancy, Plays, Stands, Told, reconcile
from matinee.members.rules import may_play
from matinee.members.snapshot import Members
from matinee.members.terms import NO_TERMS
from matinee.parties.store import all_publishers

SHOWN = 200
_DAY = timedelta(days=1)

Names = tuple[str, str]
"""A service and a plan, as a file names them: each by its name, or the service by its id."""


@dataclass(frozen=True)
class _Sold:
    """The plans of the installation by the names that a file may use, the one name that we use for each, and its currencies."""

    plans: Mapping[Names, Plan]
    names: Mapping[PlanId, Names]
    currencies: Mapping[Names, Collection[str]]


# --- what the commands do


def import_charges(installation: Installation, operator: str, file: Path, actor: str) -> tuple[int, int]:
    """Record the charges of an operator's file, all of it or nothing: how many were new, and how many known.

    Raises FileRefused, which names the line and the column.
    """
    now = read_clock()
    with installation.database.write() as conn:
        of = operator_named(conn, operator)
        sold = _sold(conn, of)
        rows = _read(file, sold)
        homes = store.households_named(conn, {row.household for row in rows})
        _check_names(file, rows, sold, homes)
        by_home = _by_home(one for one in plan_store.subscriptions_of(conn) if one.operator == of.id)
        charges: dict[str, list[Charge]] = {}
        for row in rows:
            plan, home = sold.plans[row.service, row.plan], homes[row.household]
            charges.setdefault(plan.publisher, []).append(_charge(row, of, plan, home, by_home.get((home, plan.id), ()), now))
        new = 0
        for told in charges.values():
            try:
                new += sum(is_new for _, is_new in charge_store.record_charges(conn, told, actor=actor))
            except EventTaken as error:
                line = max(row.line for row in rows if row.event_id == error.event_id)
                remedy = "Give each charge an id of its own."
                fault = FileFault(line=line, column="event_id", says=error.message, remedy=remedy)
                raise FileRefused(str(file), [fault]) from error
    return new, len(rows) - new


def compare(operator: str, file: Path, day: str | None, *, data: Path | None, as_json: bool) -> int:
    """Tell what does not agree on a day, else yesterday. 1 where something does not."""
    now = read_clock()
    with opened(data) as installation, installation.database.read() as conn:
        of = operator_named(conn, operator)
        asked = day_of(now, ZoneInfo(of.timezone)) - _DAY if day is None else day_told("--day", day)
        found = discrepancies(conn, of, file, asked)
    terminal = Terminal()
    if as_json:
        terminal.json(
            {"operator": of.name, "day": asked.isoformat(), "discrepancies": [msgspec.to_builtins(one) for one in found]}
        )
        return FAILED if found else DONE
    for one in found[:SHOWN]:
        _tell(terminal, one)
    if len(found) > SHOWN:
        terminal.line(f"And {len(found) - SHOWN} more: --json tells all.")
    verdict = "All three accounts agree." if not found else f"{len(found)} discrepancies."
    terminal.line(f"{of.name} on {asked}: {verdict}", "bad" if found else "good")
    return FAILED if found else DONE


def discrepancies(conn: Connection, operator: Operator, file: Path, day: date) -> Sequence[Discrepancy]:
    """The three accounts of a day of the operator's, gathered and compared. Raises FileRefused."""
    sold = _sold(conn, operator)
    rows = _read(file, sold)
    since, until = min([day, *(row.first for row in rows)]), max([day + _DAY, *(row.until for row in rows)])
    charges = charge_store.sold_by(conn, operator.id, list(sold.names), since, until)
    recorded = plan_store.subscriptions_of(conn)
    own = _by_home(one for one in recorded if one.operator == operator.id)
    known = store.households_named(conn, {row.household for row in rows})
    homes = store.references_of(conn, {*known.values(), *(one.household for one in charges), *(home for home, _ in own)})
    stands = [
        Stands(household=homes[home], service=names[0], plan=names[1], first=day, until=day + _DAY)
        for (home, plan), records in own.items()
        if any(_stands(records, moment) for moment in _moments(records, day, operator))
        for names in [sold.names[plan]]
    ]
    asked = {(home, sold.plans[sold.names[plan]].service) for home, plan in own}
    asked |= {(one.household, sold.plans[sold.names[one.plan]].service) for one in charges}
    told = [(known.get(row.household), sold.plans.get((row.service, row.plan))) for row in rows]
    asked |= {(home, plan.service) for home, plan in told if home is not None and plan is not None}
    return reconcile(
        [_ours(one, homes, sold) for one in charges],
        [_theirs(row, known, sold) for row in rows],
        stands,
        _plays(conn, operator, day, asked, homes, recorded, sold),
        day,
        day + _DAY,
    )


# --- gathering


def _sold(conn: Connection, operator: Operator) -> _Sold:
    services = {service.id: service for service in all_services(conn)}
    priced = {publisher.id: publisher.currency for publisher in all_publishers(conn)}
    terms = terms_store.terms_of(conn)
    plans: dict[Names, Plan] = {}
    names: dict[PlanId, Names] = {}
    currencies: dict[Names, set[str]] = {}
    count: dict[str, int] = {}
    for service in services.values():
        count[service.name] = count.get(service.name, 0) + 1
    for plan in plan_store.all_plans(conn):
        name = services[plan.service].name
        # Two publishers' services may have one name: then a file names them by their ids alone.
        names[plan.id] = (name if count[name] == 1 else plan.service, plan.name)
        prices = [one for one in terms.get(plan.id, NO_TERMS).prices if one.country == operator.country]
        in_these = {one.money.currency for one in prices if one.money is not None} or {priced[plan.publisher]}
        for key in {names[plan.id], (str(plan.service), plan.name)}:
            plans[key], currencies[key] = plan, in_these
    return _Sold(plans, names, currencies)


def _read(file: Path, sold: _Sold) -> list[BilledTold]:
    try:
        with file.open("rb") as told:
            return read_billed(told, str(file), sold.currencies)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {file}.", remedy="See that the path is spelled right.") from error
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.", remedy="See that it may be read.") from error


def _check_names(file: Path, rows: Iterable[BilledTold], sold: _Sold, homes: Mapping[str, HouseholdId]) -> None:
    faults: list[FileFault] = []
    for row in rows:
        if (row.service, row.plan) not in sold.plans:
            says = f"There is no plan {row.plan!r} of a service {row.service!r}."
            faults.append(FileFault(line=row.line, column="plan", says=says, remedy="Write both as their publisher named them."))
        if row.household not in homes:
            says = f"There is no household {row.household!r}."
            faults.append(FileFault(line=row.line, column="household", says=says, remedy="Name it by its reference."))
    if faults:
        raise FileRefused(str(file), faults[:50])


def _charge(
    row: BilledTold, operator: Operator, plan: Plan, home: HouseholdId, records: Sequence[Subscription], now: Instant
) -> Charge:
    zone = ZoneInfo(operator.timezone)
    begins = first_moment(row.first, zone)
    held = in_force(records, Instant(first_moment(row.first + _DAY, zone) - 1))
    return Charge(
        event_id=row.event_id,
        publisher=plan.publisher,
        operator=operator.id,
        household=home,
        plan=plan.id,
        subscription=None if held is None else held.id,
        first=row.first,
        until=row.until,
        amount=row.amount,
        country=operator.country,
        zone=operator.timezone,
        source="operator",
        at=begins,
        recorded_at=now,
    )


def _ours(one: Charge, homes: Mapping[HouseholdId, str], sold: _Sold) -> Told:
    service, plan = sold.names[one.plan]
    return Told(
        event_id=one.event_id,
        household=homes[one.household],
        service=service,
        plan=plan,
        first=one.first,
        until=one.until,
        amount=one.amount,
        corrects=one.corrects,
    )


def _theirs(row: BilledTold, known: Mapping[str, HouseholdId], sold: _Sold) -> Told:
    found = sold.plans.get((row.service, row.plan))
    service, plan = (row.service, row.plan) if found is None else sold.names[found.id]
    return Told(
        event_id=row.event_id,
        household=row.household,
        service=service,
        plan=plan,
        first=row.first,
        until=row.until,
        amount=row.amount,
        where=f"line {row.line}",
        is_known=found is not None and row.household in known,
    )


def _plays(
    conn: Connection,
    operator: Operator,
    day: date,
    asked: Iterable[tuple[HouseholdId, ServiceId]],
    homes: Mapping[HouseholdId, str],
    recorded: Iterable[Subscription],
    sold: _Sold,
) -> list[Plays]:
    """What a play would be allowed by, at any moment of the day, in these homes: decided as a play decides it."""
    fleet, members, carriage = lines_and_agreements(conn)
    had: dict[tuple[HouseholdId, ServiceId], list[Subscription]] = {}
    for record in recorded:
        had.setdefault((record.household, record.service), []).append(record)
    services = {plan.service: sold.names[plan.id][0] for plan in sold.plans.values()}
    found: list[Plays] = []
    for home, service in asked:
        records = had.get((home, service), [])
        moments = _moments(records, day, operator)
        by = {_allowed_by(carriage, fleet, members, operator, home, service, records, at) for at in moments}
        found += [
            Plays(household=homes[home], service=services[service], first=day, until=day + _DAY, by=one)
            for one in by
            if one is not None
        ]
    return found


def _allowed_by(
    carriage: Carriage,
    fleet: Fleet,
    members: Members,
    operator: Operator,
    home: HouseholdId,
    service: ServiceId,
    records: Sequence[Subscription],
    at: Instant,
) -> AllowedBy | None:
    here = fleet.operator_of_line(members.line_of(home, at))
    billed = billed_by(carriage.agreement_of(here, service, at))
    if not may_play(billed, records, here, at):
        return None
    if billed.by is None:
        return AllowedBy.NOBODY
    is_theirs = may_play(billed, [one for one in records if one.operator == operator.id], here, at)
    return AllowedBy.OPERATOR if is_theirs else AllowedBy.US


def _moments(records: Iterable[Subscription], day: date, operator: Operator) -> list[Instant]:
    """The moments of a day at which something may change: its first, and those at which a record begins or ends."""
    zone = ZoneInfo(operator.timezone)
    begins, ends = first_moment(day, zone), first_moment(day + _DAY, zone)
    edges = {edge for one in records for edge in (one.valid_from, one.valid_to) if edge is not None}
    return [begins, *sorted(edge for edge in edges if begins < edge < ends), Instant(ends - 1)]


def _stands(records: Sequence[Subscription], at: Instant) -> bool:
    held = in_force(records, at)
    return held is not None and held.state in PLAYS


def _by_home(recorded: Iterable[Subscription]) -> dict[tuple[HouseholdId, PlanId], list[Subscription]]:
    found: dict[tuple[HouseholdId, PlanId], list[Subscription]] = {}
    for one in recorded:
        found.setdefault((one.household, one.plan), []).append(one)
    return found


def _tell(terminal: Terminal, one: Discrepancy) -> None:
    event = f", event {one.event_id}" if one.event_id else ""
    days = f"{one.first}" if one.until == one.first + _DAY else f"{one.first} to {one.until - _DAY}"
    terminal.line(f"{one.kind.value}: {one.household}, {one.service} {one.plan}, {days}{event}", "bad")
    terminal.line(f"  we say:    {one.ours}")
    terminal.line(f"  they say:  {one.theirs}")
    for mend in one.mends:
        amount = "" if mend.amount is None else f" of {mend.amount}"
        until = "" if mend.until is None else f" to {mend.until - _DAY}"
        corrects = "" if mend.corrects is None else f", correcting {mend.corrects}"
        named = "" if mend.event_id is None else f" {mend.event_id}"
        what = f"{mend.event.value}{named}{amount} for {mend.household}, {mend.first}{until}{corrects}"
        terminal.line(f"  mend:      {mend.at} records: {what}")
