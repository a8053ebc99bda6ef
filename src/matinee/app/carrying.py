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
from matinee.carriage.explanations import explained, reach_row
from matinee.carriage.model import Decision, Discoverability, Shows
from matinee.carriage.snapshot import Carriage
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Service
from matinee.fleet.model import Box, Operator
from matinee.fleet.snapshot import Fleet

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


def explain(box: str, service: str, *, at: str | None, known_at: str | None, data: Path | None, as_json: bool) -> int:
    """Decide for one box, and print every clause."""
    moment = _moment("--at", at) or read_clock()
    with opened(data) as installation:
        fleet, carriage, services = _loaded(installation)
        found, wanted = _box(fleet, box), _service(services, service)
        decision = carriage.explain(found.id, wanted.id, moment, _moment("--known-at", known_at))
    terminal = Terminal()
    if as_json:
        terminal.json(msgspec.to_builtins(explained(decision)))
        return DONE
    _tell(terminal, decision, found, wanted, fleet)
    return DONE


def reach(service: str, *, at: str | None, known_at: str | None, data: Path | None, as_json: bool) -> int:
    """How a service stands at each operator, and how many of its boxes have it."""
    moment = _moment("--at", at) or read_clock()
    with opened(data) as installation:
        _, carriage, services = _loaded(installation)
        rows = carriage.reach(_service(services, service).id, moment, _moment("--known-at", known_at))
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


def _service(services: list[Service], name: str) -> Service:
    found = [one for one in services if name in (one.id, one.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidRequest(f"{len(found)} services are called {name!r}.", remedy="Name one by its id.")
    known = ", ".join(one.name for one in services) or "none"
    raise NotFound(f"There is no service {name!r}.", remedy=f"There are: {known}.")


def _moment(option: str, text: str | None) -> Instant | None:
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
