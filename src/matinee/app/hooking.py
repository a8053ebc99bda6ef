"""`matinee hooks`: the callbacks that every side registered, how they stand, and what could not be delivered."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy.engine import Connection

from matinee.app.commands import DONE, opened
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.clock import to_rfc3339
from matinee.base.errors import InvalidRequest
from matinee.base.pagination import MAX_PAGE
from matinee.base.party import operator_side, publisher_side
from matinee.fleet import store as fleet
from matinee.parties import hook_store as store
from matinee.parties import store as parties
from matinee.parties.hook_api import dead_told
from matinee.parties.hook_store import Counts
from matinee.parties.hooks import Delivery, Hook, written_query


def hooks(action: Literal["list", "dead", "retry"], name: str, *, by: str, data: Path | None, as_json: bool) -> int:
    """List callbacks, or dead letters (of one callback, or all), or have one tried again."""
    with opened(data) as installation:
        if action == "retry":
            if not by.strip():
                raise InvalidRequest("Nobody is named who says so.", remedy="Write --by and your name: the audit keeps it.")
            with installation.database.write() as conn:
                hook = store.hook_of_dead(conn, name)
                store.give_back(conn, None, hook, name, read_clock(), actor=by.strip())
        with installation.database.read() as conn:
            if action == "dead":
                return _tell_dead(conn, name, as_json=as_json)
            found = store.hooks_of(conn, None)
            counts = store.counts_of(conn, [one.id for one in found])
            names = _names(conn)
            rows = [_row(one, counts[one.id], names.get(one.owner, "")) for one in found]
    terminal = Terminal()
    if as_json:
        terminal.json({"hooks": rows})
        return DONE
    if action == "retry":
        terminal.line("It is tried again within a second, where a worker runs.", "good")
    if not rows:
        terminal.line("Nobody has registered a callback: see docs/webhooks.md.")
        return DONE
    headings = ["id", "whose", "callback", "query", "waiting", "dead", "delivered_at", "ended"]
    terminal.table(headings, [[str("" if row[key] is None else row[key]) for key in headings] for row in rows])
    return DONE


def _tell_dead(conn: Connection, name: str, *, as_json: bool) -> int:
    found: Sequence[Hook] = [store.hook_of(conn, None, name)] if name else store.hooks_of(conn, None)
    pages = [(one, store.dead_of(conn, one.id, None, MAX_PAGE)) for one in found]
    terminal = Terminal()
    if as_json:
        told = [{"hook": one.id, **msgspec.to_builtins(dead_told(letter))} for one, page in pages for letter in page.items]
        terminal.json({"dead": told})
        return DONE
    cells = [_cells(one, letter) for one, page in pages for letter in page.items]
    if cells:
        terminal.table(["id", "callback", "event", "since", "tries", "why", "answer"], cells)
    else:
        terminal.line("All that was told has been delivered, or waits.")
    return DONE


def _cells(hook: Hook, letter: Delivery) -> list[str]:
    return [letter.id, hook.id, letter.type, to_rfc3339(letter.created_at), str(letter.tries), letter.why, letter.answer]


def _row(hook: Hook, stand: Counts, whose: str) -> dict[str, object]:
    return {
        "id": hook.id,
        "owner": hook.owner,
        "whose": whose,
        "callback": hook.callback,
        "query": written_query(hook.types),
        "waiting": stand.waiting,
        "dead": stand.dead,
        "delivered_at": None if hook.delivered_at is None else to_rfc3339(hook.delivered_at),
        "ended": hook.ended_why,
    }


def _names(conn: Connection) -> dict[str, str]:
    """What each side is called."""
    names: dict[str, str] = {publisher_side(one.id): one.name for one in parties.all_publishers(conn)}
    return names | {operator_side(one.id): one.name for one in fleet.all_operators(conn)}
