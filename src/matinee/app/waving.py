"""`matinee rollout`: where launches that spread in waves stand, and what staff say to them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from matinee.app.commands import DONE, opened
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.clock import to_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.carriage import rollout_store as store
from matinee.carriage.rollouts import Rollout
from matinee.catalogue import store as catalogue
from matinee.fleet import store as fleet
from matinee.fleet.waves import Phase, Standing

_ACTS = {"approve": store.approve, "resume": store.resume, "withdraw": store.withdraw}
_STYLES = {Phase.HALTED: "bad", Phase.RUNNING: "good", Phase.FINISHED: "good", Phase.WAITING_FOR_APPROVAL: "name"}


def rollout(
    action: Literal["list", "approve", "resume", "withdraw"], name: str, *, by: str, data: Path | None, as_json: bool
) -> int:
    """Do as is said to one rollout, then list: that one, or all."""
    with opened(data) as installation:
        if action != "list":
            with installation.database.write() as conn:
                found = _one(store.standing_rollouts(conn), name)
                if not by.strip():
                    raise InvalidRequest("Nobody is named who says so.", remedy="Write --by and your name: the audit keeps it.")
                _ACTS[action](conn, found, by.strip(), read_clock())
                name = found.id
        with installation.database.read() as conn:
            rows = [pair for pair in store.standing_rollouts(conn) if pair[0].id.startswith(name)]
            names = {str(one.id): one.name for one in catalogue.all_services(conn)}
            names |= {str(one.id): one.name for one in fleet.all_operators(conn)}
    terminal = Terminal()
    if as_json:
        terminal.json({"rollouts": [_row(one, stands) for one, stands in rows]})
        return DONE
    if not rows:
        terminal.line("No rollout is planned. A scenario's file plans one: see docs/scenarios.md.")
    for one, stands in rows:
        wave = one.waves[min(stands.wave, len(one.waves) - 1)]
        terminal.line(f"{names.get(one.service, one.service)} at {names.get(one.operator, one.operator)}  {one.id}", "name")
        terminal.line(
            f"  {stands.phase.value.replace('_', ' ')} in wave {min(stands.wave + 1, len(one.waves))} of {len(one.waves)}"
            f" ({wave.share / 100:g} % of the boxes) since {to_rfc3339(stands.since)}",
            _STYLES.get(stands.phase, "note"),
        )
        if stands.says:
            terminal.line(f"  {stands.says}")
    return DONE


def _one(rows: Sequence[tuple[Rollout, Standing]], name: str) -> Rollout:
    found = [one for one, _ in rows if name and one.id.startswith(name)]
    if len(found) != 1:
        raise NotFound(
            f"{len(found) or 'No'} rollout has an id that begins with {name!r}.", remedy="See `matinee rollout` for their ids."
        )
    return found[0]


def _row(one: Rollout, stands: Standing) -> dict[str, object]:
    return {
        "id": one.id,
        "operator": one.operator,
        "service": one.service,
        "phase": stands.phase.value,
        "wave": min(stands.wave + 1, len(one.waves)),
        "waves": len(one.waves),
        "since": to_rfc3339(stands.since),
        "says": stands.says,
    }
