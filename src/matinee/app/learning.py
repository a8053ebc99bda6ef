"""Learning from viewing: in a child of the worker, whose memory ends with it and which holds up nothing else; or by a command."""

import subprocess
import sys
from pathlib import Path

import msgspec

from matinee.app.commands import DONE, opened
from matinee.app.installation import Installation, read_clock
from matinee.app.settings import settings_as_environment
from matinee.app.terminal import Terminal
from matinee.base.clock import DAY, Instant, to_rfc3339
from matinee.base.errors import ErrorCode, InvalidRequest, MatineeError
from matinee.catalogue import store as catalogue
from matinee.fleet import store as fleet
from matinee.home import learnt_store as store
from matinee.home.for_you import lesson_of
from matinee.outside.processes import dies_with_parent

WITHIN_SECONDS = 3600
LEARN = "learn"


class NotLearnt(MatineeError):
    """The child that learns ended badly, or took too long."""

    code = ErrorCode.UNAVAILABLE


def lesson_in_a_child(installation: Installation) -> None:
    """Learn the day's lesson where it is not learnt yet. Blocks. Raises NotLearnt."""
    with installation.database.read() as conn:
        newest = store.newest(conn)
    if newest is not None and newest.as_of >= lesson_of(read_clock()):
        return
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "matinee.app.learning_process"],
            env=settings_as_environment(installation.settings),
            stdin=subprocess.DEVNULL,
            preexec_fn=dies_with_parent,
            timeout=WITHIN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotLearnt(f"Learning from viewing took more than {WITHIN_SECONDS} s.") from error
    if ended.returncode != 0:
        raise NotLearnt(f"Learning from viewing ended with exit code {ended.returncode}.", remedy="Its own log line tells why.")


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
