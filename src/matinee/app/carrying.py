"""The commands on who carries what: apply and compare a scenario, explain one box, count all."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from matinee.app.commands import DONE, opened
from matinee.app.installation import Installation, read_clock
from matinee.app.scenario.apply import Change, apply_scenario, days_until, try_rules
from matinee.app.scenario.told import read_scenario
from matinee.app.terminal import Terminal
from matinee.base.clock import Instant, from_rfc3339, to_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.carriage.entitlements import Entitlements
from matinee.carriage.explanations import entitlement_told, explained, reach_row
from matinee.carriage.model import Decision, Discoverability, Shows
from matinee.carriage.snapshot import Carriage
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Service
from matinee.fleet.model import Box, Operator
from matinee.fleet.snapshot import Fleet
from matinee.members import store as member_store
from matinee.members.model import Entitlement
from matinee.members.snapshot import Members
from matinee.members.subscriptions import Subscriptions

_SHOWN = {
    Shows.NOTHING: "The viewer is shown nothing.",
    Shows.PLAYABLE: "The box has it.",
    Shows.COMING: "The box has it not; the viewer is told that it is coming.",
    Shows.UPDATE_NEEDED: "The box has it not; the viewer is told that an update is needed.",
    Shows.NOT_ON_THIS_BOX: "The box has it not; the viewer is told that it is not on this box.",
}


class _TakeBack(Exception):
    """Raised at the end of a comparison."""


def apply(file: Path, *, today: bool, data: Path | None, as_json: bool) -> int:
    """Bring a scenario into being, all of it or nothing."""
    scenario, now = read_scenario(file), read_clock()
    try_rules(scenario)
    with opened(data) as installation, installation.database.write() as conn:
        changes = apply_scenario(conn, scenario, now, shift_days=days_until(scenario, now) if today else 0)
    _print(changes, "recorded", "Nothing is new: all of it is recorded already.", as_json=as_json)
    return DONE


def diff(file: Path, *, today: bool, data: Path | None, as_json: bool) -> int:
    """Say what `apply` would record, by doing it and taking it back."""
    scenario, now = read_scenario(file), read_clock()
    try_rules(scenario)
    changes: list[Change] = []
    with opened(data) as installation:
        try:
            with installation.database.write() as conn:
                changes += apply_scenario(conn, scenario, now, shift_days=days_until(scenario, now) if today else 0)
                raise _TakeBack
        except _TakeBack:
            pass
    _print(changes, "would be recorded", "Nothing would be new.", as_json=as_json)
    return DONE


def explain(
    box: str | None,
    service: str,
    *,
    household: str | None,
    at: str | None,
    known_at: str | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Decide for one box whether it has a service, and for one household what OK does; print every clause of each apart."""
    if box is None and household is None:
        raise InvalidRequest("Nobody is named to explain it for.", remedy="Write --box BOX, or --household HOUSEHOLD, or both.")
    moment, known = moment_told("--at", at) or read_clock(), moment_told("--known-at", known_at)
    with opened(data) as installation:
        fleet, carriage, services = _loaded(installation)
        found, wanted = None if box is None else _box(fleet, box), service_named(services, service)
        decision = None if found is None else carriage.explain(found.id, wanted.id, moment, known)
        entitlement = _entitlement(installation, fleet, carriage, household, found, wanted, moment, known)
    terminal = Terminal()
    if as_json:
        alone = {"entitlement": entitlement and entitlement_told(entitlement)}
        terminal.json(msgspec.to_builtins(alone if decision is None else explained(decision, entitlement)))
        return DONE
    if decision is not None and found is not None:
        _tell(terminal, decision, found, wanted, fleet)
    if entitlement is not None:
        _tell_entitlement(terminal, entitlement, wanted, fleet)
    return DONE


def _entitlement(
    installation: Installation,
    fleet: Fleet,
    carriage: Carriage,
    household: str | None,
    box: Box | None,
    service: Service,
    at: Instant,
    known_at: Instant | None,
) -> Entitlement | None:
    """Of the household that is named, else of the one whose line the box stood at."""
    members, subscriptions = Members(), Subscriptions()
    with installation.database.read() as conn:
        members.load(conn)
        subscriptions.load(conn)
        named = None if household is None else member_store.household_named(conn, household)
    entitlements = Entitlements(carriage, fleet, members, subscriptions)
    if household is None:
        return None if box is None else entitlements.of_box(box.id, service.id, at, known_at)
    if named is None:
        raise NotFound(f"There is no household {household!r}.", remedy="Name it by its reference.")
    return entitlements.of_household(named, service.id, at, known_at)


def _tell_entitlement(terminal: Terminal, one: Entitlement, service: Service, fleet: Fleet) -> None:
    operator = fleet.operator(one.operator)
    zone = ZoneInfo(operator.timezone) if operator is not None else ZoneInfo("UTC")
    where = f" at {operator.name}" if operator is not None else ", with no line,"
    terminal.line(f"May the household{where} play {service.name} on {_local(one.at, zone)}, where it is there?")
    for clause in one.clauses:
        mark, style = ("✓", "good") if clause.holds else ("✗", "bad")
        terminal.line(f"  {mark} {clause.name.value:15} {clause.says}", style)
    said = "OK plays." if one.may_play else "OK plays nothing; the viewer is told that a plan is needed."
    terminal.line(said, "name")


def reach(service: str, *, at: str | None, known_at: str | None, data: Path | None, as_json: bool) -> int:
    """How a service stands at each operator, and how many of its boxes have it."""
    moment = moment_told("--at", at) or read_clock()
    with opened(data) as installation:
        _, carriage, services = _loaded(installation)
        rows = carriage.reach(service_named(services, service).id, moment, moment_told("--known-at", known_at))
    terminal = Terminal()
    if as_json:
        terminal.json({"at": to_rfc3339(moment), "operators": [msgspec.to_builtins(reach_row(one)) for one in rows]})
        return DONE
    cells = [
        [
            one.operator.name,
            one.agreement.status.value if one.agreement is not None else "none",
            _day(one.told_at, one.operator),
            _day(one.live_at, one.operator),
            f"{one.boxes:,}",
            f"{one.having:,}",
            f"{100 * one.having / one.boxes:.1f} %" if one.boxes else "",
        ]
        for one in rows
    ]
    terminal.table(["operator", "agreement", "announced", "live", "boxes", "have it", "share"], cells)
    for one in rows:
        if one.agreement is not None and one.agreement.reason:
            terminal.line(f"{one.operator.name}: {one.agreement.reason}", "note")
    return DONE


def _day(at: Instant | None, operator: Operator) -> str:
    return "" if at is None else _local(at, ZoneInfo(operator.timezone))[:10]


def _tell(terminal: Terminal, decision: Decision, box: Box, service: Service, fleet: Fleet) -> None:
    operator, model = fleet.operator(decision.operator), fleet.model(box.model)
    zone = ZoneInfo(operator.timezone) if operator is not None else ZoneInfo("UTC")
    where = f" at {operator.name}" if operator is not None else ", at no operator's line,"
    known = "" if decision.known_at is None else f", as it was known on {_local(decision.known_at, zone)}"
    kind = model.name if model is not None else "unknown model"
    terminal.line(f"{service.name} on {box.serial} ({kind}){where} on {_local(decision.at, zone)}{known}")
    for clause in decision.clauses:
        mark, style = ("✓", "good") if clause.holds else ("✗", "bad")
        terminal.line(f"  {mark} {clause.name.value:15} {clause.says}", style)
    extra = ""
    if decision.visible:
        extra = f" It is found by: {decision.discoverability.value}."
    elif decision.elsewhere is not Discoverability.HIDDEN:
        extra = " The home's other screens have it."
    elif decision.announced_for:
        extra = f" Announced for {decision.announced_for}."
    terminal.line(_SHOWN[decision.shows] + extra, "name")


def _print(changes: Sequence[Change], verb: str, nothing: str, *, as_json: bool) -> None:
    terminal = Terminal()
    if as_json:
        terminal.json([{"kind": one.kind, "what": one.what} for one in changes])
        return
    for one in changes:
        terminal.line(f"  + {one.kind:10} {one.what}", "good")
    terminal.line(f"{len(changes)} {verb}." if changes else nothing)


def _loaded(installation: Installation) -> tuple[Fleet, Carriage, list[Service]]:
    fleet = Fleet()
    carriage = Carriage(fleet)
    with installation.database.read() as conn:
        fleet.load(conn)
        carriage.load(conn)
        return fleet, carriage, list(catalogue.all_services(conn))


def _box(fleet: Fleet, name: str) -> Box:
    found = fleet.boxes_named(name)
    if not found:
        raise NotFound(f"There is no box {name!r}.", remedy="Name it by its id or its serial.")
    if len(found) > 1:
        ids = ", ".join(box.id for box in found[:5])
        raise InvalidRequest(f"{len(found)} boxes have the serial {name!r}.", remedy=f"Name one by its id: {ids}.")
    return found[0]


def service_named(services: list[Service], name: str) -> Service:
    """The one service of this name or id. Raises NotFound, and InvalidRequest where several have it."""
    found = [one for one in services if name in (one.id, one.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidRequest(f"{len(found)} services are called {name!r}.", remedy="Name one by its id.")
    known = ", ".join(one.name for one in services) or "none"
    raise NotFound(f"There is no service {name!r}.", remedy=f"There are: {known}.")


def moment_told(option: str, text: str | None) -> Instant | None:
    """A moment as it was typed, None where it was not. Raises InvalidRequest, which names the option."""
    if text is None:
        return None
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"{option} is no moment with a time zone: {text!r}.",
            remedy="Write 2014-10-02T08:00:00Z or 2014-10-02T08:00:00+02:00.",
        ) from error


def _local(at: Instant, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).strftime(f"%Y-%m-%d %H:%M {zone.key}")
