"""`matinee household`: what staff do for a home that asks: its PIN taken away, what is held of it, erased."""

from pathlib import Path

from sqlalchemy.engine import Connection

from matinee.app import privacy
from matinee.app.commands import DONE, opened
from matinee.app.forgetting import erase_everywhere
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import HouseholdId
from matinee.members import pin_store, store
from matinee.parties import audit

ACTOR = "command line"


def reset_pin(reference: str, *, reset: bool, by: str, data: Path | None) -> int:
    """Take a household's PIN away."""
    if not reset:
        raise InvalidRequest("Nothing is to be done.", remedy="Write --reset to take the PIN away.")
    now = read_clock()
    with opened(data) as installation, installation.database.write() as conn:
        household = _household(conn, reference)
        had = pin_store.take_pin(conn, household, now)
        if had:
            audit.record(conn, by or ACTOR, "household.pin.reset", household, {}, now)
    Terminal().line(f"{reference} has no PIN any more." if had else f"{reference} had no PIN.", "good")
    return DONE


def export(reference: str, *, data: Path | None) -> int:
    """Print all that is held of a household, as JSON."""
    with opened(data) as installation, installation.database.read() as conn:
        told = privacy.export(conn, _household(conn, reference), read_clock())
    Terminal().json(told)
    return DONE


def erase(reference: str, *, by: str, data: Path | None) -> int:
    """Erase a household."""
    now = read_clock()
    with opened(data) as installation:
        with installation.database.read() as conn:
            household = _household(conn, reference)
        erase_everywhere(installation.database, household, now, actor=by or ACTOR)
    Terminal().line(f"{reference} was erased. What stands at its lines starts anew.", "good")
    return DONE


def _household(conn: Connection, reference: str) -> HouseholdId:
    found = store.household_named(conn, reference)
    if found is None:
        raise NotFound(f"There is no household {reference!r}.", remedy='Name it by its reference: "demo", "Orange ORANGE-2".')
    return found
