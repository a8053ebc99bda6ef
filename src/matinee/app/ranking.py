"""`matinee ranking`: how a service was ranked in an operator's rows, and whether what is recorded follows from the rules."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from matinee.app.commands import DONE, FAILED, opened
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.clock import from_rfc3339, to_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import OperatorId, ServiceId
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Language
from matinee.catalogue.rules import name_of
from matinee.fleet import store as fleet
from matinee.home import ranking_store as store
from matinee.home.ranking import ranked, titles_shown
from matinee.home.ranking_told import ranking_told

VERIFY = "verify"


def ranking(service: str, *, operator: str | None, at: str | None, data: Path | None, as_json: bool) -> int:
    """What a publisher is told of its service; or with "verify", whether every record follows from what it was made of."""
    if service == VERIFY:
        return _verify(data=data, as_json=as_json)
    if not service or operator is None:
        raise InvalidRequest("It takes a service and an operator.", remedy="Write `matinee ranking SERVICE --operator NAME`.")
    now = read_clock()
    try:
        moment = now if at is None else from_rfc3339(at)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"--at is no moment with a time zone: {at!r}.", remedy="Write 2014-10-02T08:00:00Z.") from error
    with opened(data) as installation:
        with installation.database.read() as conn:
            found = _id("service", service, [(one.id, one.name) for one in catalogue.all_services(conn)])
            where = _id("operator", operator, [(one.id, one.name) for one in fleet.all_operators(conn)])
            titles = {str(one.id): name_of(one, Language("en")) for one in catalogue.all_titles(conn)}
        told, _ = ranking_told(installation.database, ServiceId(found), OperatorId(where), moment, now)
    terminal = Terminal()
    if as_json:
        terminal.json(msgspec.to_builtins(told))
        return DONE
    terminal.line(
        f"{service} at {operator}, in the hour from {told.hour}: rule {told.rule}, prominence {told.prominence}", "name"
    )
    terminal.line(f"  {told.says}")
    for row in told.rows:
        terminal.line(f"  {row.row}: {row.titles:,} titles, {len(row.places)} of the first {row.filled} places")
        for one in row.places:
            moved = "" if one.place == one.own_place else f" (its own order has it at {one.own_place})"
            terminal.line(f"    {one.place:2}. {titles.get(one.title, one.title)}, of {one.sorted_by}{moved}")
    return DONE


def _verify(*, data: Path | None, as_json: bool) -> int:
    """Make every recorded order again, and tell of each that comes out otherwise."""
    checked, wrong = 0, []
    with opened(data) as installation, installation.database.read() as conn:
        for one in store.every(conn):
            checked += 1
            try:
                again = titles_shown(ranked(one.inputs))
            except KeyError:
                again = {}
            if again != one.shown:
                wrong.append({"operator": one.operator, "hour": to_rfc3339(one.at), "audience": one.audience or "hourly"})
    terminal = Terminal()
    if as_json:
        terminal.json({"records": checked, "otherwise": wrong})
    else:
        for place in wrong:
            terminal.line(f"✗ {place['operator']} at {place['hour']} ({place['audience']}): the rules give another order.", "bad")
        terminal.line(f"{checked:,} records made again, {len(wrong):,} come out otherwise.")
    return FAILED if wrong else DONE


def _id(kind: str, name: str, known: Sequence[tuple[str, str]]) -> str:
    found = [one for one, called in known if name in (one, called)]
    if len(found) > 1:
        raise InvalidRequest(f"{len(found)} {kind}s are called {name!r}.", remedy="Name one by its id.")
    if not found:
        names = ", ".join(called for _, called in known) or "none"
        raise NotFound(f"There is no {kind} {name!r}.", remedy=f"There are: {names}.")
    return found[0]
