"""`matinee lesson`: what was learnt from viewing, and what was recommended by it."""

from pathlib import Path

import msgspec

from matinee.app.commands import DONE, opened
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.clock import DAY, Instant, to_rfc3339
from matinee.base.errors import InvalidRequest
from matinee.catalogue import store as catalogue
from matinee.fleet import store as fleet
from matinee.home import learnt_store as store

LEARN = "learn"


def lesson(what: str, *, data: Path | None, as_json: bool) -> int:
    """Tell of the newest lesson, and of what was recommended by it within a day; with "learn", learn one of now first."""
    if what not in ("", LEARN):
        raise InvalidRequest(
            f"There is nothing to do called {what!r}.", remedy="Write `matinee lesson`, or `matinee lesson learn`."
        )
    now = read_clock()
    with opened(data) as installation:
        if what == LEARN:
            from matinee.app.learning_process import learn_now  # scipy comes with it, which the other way needs not

            learn_now(installation, now)
        with installation.database.read() as conn:
            newest = store.newest(conn)
            given = store.places_since(conn, Instant(now - DAY))
            services = {one.id: one.name for one in catalogue.all_services(conn)}
            operators = {one.id: one.name for one in fleet.all_operators(conn)}
    rows = [
        {"operator": operators.get(operator, operator), "row": row, "service": services.get(service, service), "rule": rule}
        | {"places": places}
        for operator, row, service, rule, places in given
    ]
    terminal = Terminal()
    if as_json:
        told = None if newest is None else {"as_of": to_rfc3339(newest.as_of), **msgspec.to_builtins(newest.told)}
        terminal.json({"lesson": told, "places": rows})
        return DONE
    if newest is None:
        terminal.line("Nothing was learnt from viewing yet: a worker does it each night, `matinee lesson learn` does it now.")
        return DONE
    told_of = newest.told
    terminal.line(f"Learnt from all viewing before {to_rfc3339(newest.as_of)}, in {told_of.seconds:g} s:", "name")
    terminal.line(
        f"  {told_of.profiles:,} profiles, {told_of.viewings:,} viewings of {told_of.titles:,} titles; "
        f"{told_of.pairs:,} pairs of titles that go together, {told_of.bytes:,} bytes"
    )
    for one in rows:
        terminal.line(
            f"  {one['operator']}, {one['row']}: {one['places']:,} places to {one['service']} by the rule {one['rule']}"
        )
    return DONE
