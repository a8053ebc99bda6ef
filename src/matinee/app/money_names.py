"""Publishers, households and days as the commands of money name them."""

from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import HouseholdId
from matinee.base.money import Money, is_currency, parse_money
from matinee.catalogue.model import Service
from matinee.catalogue.store import all_services
from matinee.fleet import store as fleet
from matinee.fleet.model import Operator
from matinee.members import store
from matinee.members.periods import first_moment
from matinee.parties.model import Publisher
from matinee.parties.store import all_publishers

_WEST: Final = ZoneInfo("Etc/GMT+12")
"""Where a day ends last: what holds up to a day holds it wherever the home is."""


def publisher_named(conn: Connection, name: str | None) -> Publisher:
    """The publisher of this name or id; with None the only one there is. Raises NotFound, InvalidRequest."""
    every = all_publishers(conn)
    found = [one for one in every if name is None or name in (one.id, one.name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(one.name for one in every) or "none"
    if name is None and found:
        raise InvalidRequest("Several publishers are here.", remedy=f"Name one with --publisher: {known}.")
    raise NotFound(f"There is no publisher {name!r}.", remedy=f"There are: {known}.")


def household_named(conn: Connection, reference: str) -> HouseholdId:
    """Raises NotFound."""
    found = store.household_named(conn, reference) if reference.isprintable() else None
    if found is None:
        raise NotFound(f"There is no household {reference!r}.", remedy='Name it by its reference: "demo", "Orange ORANGE-2".')
    return found


def operator_named(conn: Connection, name: str) -> Operator:
    """Raises NotFound."""
    every = fleet.all_operators(conn)
    found = [one for one in every if name in (one.id, one.name)]
    if len(found) != 1:
        known = ", ".join(one.name for one in every) or "none"
        raise NotFound(f"There is no operator {name!r}.", remedy=f"There are: {known}.")
    return found[0]


def services_of(conn: Connection, publisher: Publisher) -> list[Service]:
    return [one for one in all_services(conn) if one.publisher == publisher.id]


def day_told(option: str, text: str) -> date:
    """A day as it was typed. Raises InvalidRequest, which names the option."""
    try:
        if len(text) == len("2026-11-30"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidRequest(f"{option} is no day: {text!r}.", remedy="Write the year, the month and the day: 2026-11-30.")


def end_of(day: date) -> Instant:
    """The first moment at which a day is over wherever a home may be."""
    return first_moment(day + timedelta(days=1), _WEST)


def money_told(option: str, amount: str, currency: str) -> Money:
    """An amount as it was typed. Raises InvalidRequest, which names the option."""
    if not is_currency(currency):
        raise InvalidRequest(f"{option}: {currency!r} is no currency.", remedy="Write an amount and its currency: 10.00 EUR.")
    try:
        return parse_money(amount, currency)
    except ValueError as error:
        raise InvalidRequest(f"{option}: {error}.", remedy="Write an amount and its currency: 10.00 EUR.") from error
