"""`matinee switch`: take a service off, within a second and whatever else is down; and take that back.

The control file comes first and is what acts. The database is asked for names, and keeps the account; while it is away, ids do.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from matinee.app.commands import DONE, settings_for
from matinee.app.installation import Installation, control_lock, open_installation, read_clock
from matinee.app.settings import Settings
from matinee.app.switchboard import switches_of
from matinee.app.terminal import Terminal
from matinee.base.clock import to_rfc3339
from matinee.base.errors import InvalidRequest, MatineeError, NotFound
from matinee.base.ids import OperatorId, ServiceId, is_id
from matinee.carriage import store
from matinee.carriage.model import Switch
from matinee.catalogue import store as catalogue
from matinee.delivery.control import ControlWriter, read_control
from matinee.delivery.keyring import open_ring
from matinee.delivery.model import SwitchedOff
from matinee.fleet import store as fleet
from matinee.outside.objects import ObjectStore

_ACTOR = "matinee switch"


def switch(
    action: Literal["off", "on", "list"],
    service: str,
    *,
    operator: str | None,
    playing: bool,
    data: Path | None,
    as_json: bool,
) -> int:
    """Switch a service off (`playing`: what plays too) or on again, or list what is off."""
    settings = settings_for(data)
    if action == "list":
        return _tell(settings, _standing(settings), None, as_json=as_json)
    if not service:
        raise InvalidRequest(f"No service is named to switch {action}.", remedy=f"Write `matinee switch {action} SERVICE`.")
    wanted = ServiceId(_id(settings, "service", service))
    at = None if operator is None else OperatorId(_id(settings, "operator", operator))
    if action == "off":
        writer = _writer(settings)
        told = writer.switch_off(wanted, at, read_clock(), ends_plays=playing)
        _warn_of_damage(writer)
        rest = "and those that run are stopped" if playing else "those that run go on"
        return _tell(settings, told.switched_off, f"Switched off: new plays are refused, {rest}.", as_json=as_json)
    if not any((one.service, one.operator, one.by_launch) == (wanted, at, False) for one in _standing(settings)):
        where = "at every operator" if at is None else "at that operator"
        raise NotFound(f"Nobody has switched this service off {where} by hand.", remedy="See `matinee switch list`.")
    told = _writer(settings).switch_on(wanted, at, read_clock())
    return _tell(settings, told.switched_off, "Switched on again, as far as its launches go.", as_json=as_json)


def _standing(settings: Settings) -> tuple[SwitchedOff, ...]:
    return read_control(ObjectStore.at(settings.published), open_ring(_key_file(settings))).switched_off


def _writer(settings: Settings) -> ControlWriter:
    return ControlWriter(ObjectStore.at(settings.published), open_ring(_key_file(settings)), control_lock(settings))


def _warn_of_damage(writer: ControlWriter) -> None:
    if writer.found_damaged:
        Terminal().err.print(
            "The control file did not hold and was written anew: what else was switched off must be said again.", style="note"
        )


def _key_file(settings: Settings) -> Path:
    return settings.data_folder / "keys" / "token.key"


def _tell(settings: Settings, standing: tuple[SwitchedOff, ...], done: str | None, *, as_json: bool) -> int:
    """Say what stands; where something was `done`, keep the account of it first."""
    terminal = Terminal()
    names: dict[str, str] = {}
    missing = None
    try:
        with open_installation(settings) as installation:
            if done is not None:
                with installation.database.write() as conn:
                    store.follow_switches(conn, _switches_now(installation), read_clock(), actor=_ACTOR)
            names = dict(_named(installation))
    except MatineeError as error:
        missing = error.message
    if as_json:
        account = None if done is None else missing is None
        terminal.json({"switched_off": [_row(one) for one in standing], "recorded": account, "ids": names})
        return DONE
    if done is not None:
        terminal.line(done, "good")
    if missing is not None and done is not None:
        terminal.line(f"The database keeps no account of it yet: {missing} The service records it when that is back.", "note")
    cells = [
        [
            names.get(one.service, one.service),
            "every one" if one.operator is None else names.get(one.operator, one.operator),
            "new plays and those that run" if one.ends_plays else "new plays",
            "a launch that is killed" if one.by_launch else "hand",
            to_rfc3339(one.since),
        ]
        for one in standing
    ]
    if cells:
        terminal.table(["service", "operator", "stops", "by", "since"], cells)
    else:
        terminal.line("Nothing is switched off.")
    if done is None and names:
        terminal.line("Ids to keep at hand for when the database is away:", "note")
        for identifier, name in names.items():
            terminal.line(f"  {identifier}  {name}")
    return DONE


def _switches_now(installation: Installation) -> Sequence[Switch]:
    return switches_of(read_control(installation.published, open_ring(installation.token_key_file)))


def _named(installation: Installation) -> Sequence[tuple[str, str]]:
    """Ids and names of services, then of operators."""
    with installation.database.read() as conn:
        services = [(str(one.id), one.name) for one in catalogue.all_services(conn)]
        return services + [(str(one.id), one.name) for one in fleet.all_operators(conn)]


def _row(one: SwitchedOff) -> dict[str, object]:
    return {
        "service": one.service,
        "operator": one.operator,
        "ends_plays": one.ends_plays,
        "by_launch": one.by_launch,
        "since": to_rfc3339(one.since),
    }


def _id(settings: Settings, kind: str, name: str) -> str:
    """The id of what has this name. An id is taken as it is, since the database may be away when it is needed most."""
    if is_id(name):
        return name
    try:
        with open_installation(settings) as installation, installation.database.read() as conn:
            rows = catalogue.all_services(conn) if kind == "service" else fleet.all_operators(conn)
            known = [(str(one.id), one.name) for one in rows]
    except MatineeError as error:
        raise InvalidRequest(
            f"No name can be looked up: {error.message}",
            remedy=f"Name the {kind} by its id; `matinee switch list` tells the ids while the database is there.",
        ) from error
    found = [one for one, called in known if called == name]
    if len(found) != 1:
        there = ", ".join(f"{called} ({one})" for one, called in known) or "none"
        raise NotFound(f"{len(found) or 'No'} {kind} is called {name!r}.", remedy=f"Name it by its id. There are: {there}.")
    return found[0]
