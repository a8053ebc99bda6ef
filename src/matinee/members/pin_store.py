"""SQL for the household's PIN, the tries of it, and the screens on which a kids' profile is open."""

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import DAY, SECOND, Instant
from matinee.base.errors import ErrorCode, TooManyRequests
from matinee.base.ids import HouseholdId, ProfileId
from matinee.members import pins
from matinee.members.model import MemberError
from matinee.members.pins import OF_A_HOUSEHOLD, OF_A_SCREEN, Budget, Marking, Spent
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import outbox

TOPIC: Final = "pins"
_ALL: Final = ""
"""The row of tries that counts for the household as a whole: no screen is called so."""

household_pins = sa.Table(
    "household_pins",
    metadata,
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("kept", sa.Text, nullable=False),
    sa.Column("set_at", InstantColumn, nullable=False),
)

pin_tries = sa.Table(
    "pin_tries",
    metadata,
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), primary_key=True),
    sa.Column("screen", sa.Text, primary_key=True),
    sa.Column("spent", sa.Float, nullable=False),
    sa.Column("at", InstantColumn, nullable=False),
)

kids_screens = sa.Table(
    "kids_screens",
    metadata,
    sa.Column("screen", sa.Text, primary_key=True),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False, index=True),
    sa.Column("profile_id", sa.Text, nullable=False, index=True),
    sa.Column("since", InstantColumn, nullable=False),
)


def set_pin(conn: Connection, mark: Marking, household: HouseholdId, pin: str, now: Instant, *, of_version: str | None) -> None:
    """Give the household a PIN, in place of the one of that version (None: of none). Every unlock of that is worth nothing more.

    Raises MemberError for what is no PIN, and (conflict) where another screen was first.
    """
    pins.check_shape(pin)
    outbox.hold(conn)
    if versions_of(conn, [household]).get(household) != of_version:
        raise MemberError("The PIN was changed meanwhile.", remedy="Enter the PIN as it now is.", code=ErrorCode.CONFLICT)
    conn.execute(sa.delete(household_pins).where(household_pins.c.household_id == household))
    version = pins.new_version()
    kept = pins.kept_of(mark, household, version, pin)
    conn.execute(sa.insert(household_pins).values(household_id=household, version=version, kept=kept, set_at=now))
    outbox.append(conn, TOPIC, household, {}, now)


def take_pin(conn: Connection, household: HouseholdId, now: Instant) -> bool:
    """Take the PIN away, with the tries of it and the screens that it held on a kids' profile. Whether there was one."""
    outbox.hold(conn)
    taken = conn.execute(sa.delete(household_pins).where(household_pins.c.household_id == household)).rowcount > 0
    for table in (pin_tries, kids_screens):
        conn.execute(sa.delete(table).where(table.c.household_id == household))
    outbox.append(conn, TOPIC, household, {}, now)
    return taken


def try_pin(conn: Connection, mark: Marking, household: HouseholdId, screen: str, pin: str, now: Instant) -> str | None:
    """Try a PIN: its version where it is right, None where it is wrong, which is spent. Commit either way.

    Raises MemberError (conflict) where the household has none, TooManyRequests where too many were wrong, which spends none.
    """
    pins.check_shape(pin)
    # The row is locked until the commit: of tries that are sent all at once each sees what the one before it spent.
    query = sa.select(household_pins).where(household_pins.c.household_id == household).with_for_update()
    row = conn.execute(query).one_or_none()
    if row is None:
        raise MemberError("The household has no PIN.", remedy="Set one first.", code=ErrorCode.CONFLICT)
    budgets = {screen: OF_A_SCREEN, _ALL: OF_A_HOUSEHOLD}
    spent = {name: _spent(conn, household, name) for name in budgets}
    wait = max(spent[name].wait_ms(now, budget) for name, budget in budgets.items())
    if wait:
        raise TooManyRequests("The PIN was entered wrongly too often.", retry_after=-(-wait // SECOND))
    if pins.is_right(mark, household, row.version, row.kept, pin):
        return str(row.version)
    # What filled up again long ago is dropped, so that screens that are gone leave nothing behind.
    old = (pin_tries.c.household_id == household, pin_tries.c.at < now - DAY)
    conn.execute(sa.delete(pin_tries).where(*old))
    for name, budget in budgets.items():
        _spend(conn, household, name, spent[name], budget, now)
    return None


def versions_of(conn: Connection, households: Collection[HouseholdId] | None = None) -> dict[HouseholdId, str]:
    """The version of each household's PIN; with None of all that have one."""
    query = sa.select(household_pins.c.household_id, household_pins.c.version)
    if households is not None:
        query = query.where(household_pins.c.household_id.in_(households))
    return {HouseholdId(row.household_id): row.version for row in conn.execute(query)}


def settle_screen(conn: Connection, screen: str, household: HouseholdId, profile: ProfileId | None, now: Instant) -> None:
    """Note that a kids' profile is open on a screen; None, that none is."""
    outbox.hold(conn)
    conn.execute(sa.delete(kids_screens).where(kids_screens.c.screen == screen))
    if profile is not None:
        conn.execute(sa.insert(kids_screens).values(screen=screen, household_id=household, profile_id=profile, since=now))
    outbox.append(conn, TOPIC, household, {}, now)


def kids_screens_of(conn: Connection, households: Collection[HouseholdId] | None = None) -> "list[Row[Any]]":
    """(screen, household_id, profile_id) of these households; with None of all."""
    query = sa.select(kids_screens.c.screen, kids_screens.c.household_id, kids_screens.c.profile_id)
    if households is not None:
        query = query.where(kids_screens.c.household_id.in_(households))
    return list(conn.execute(query))


def forget_household(conn: Connection, household: HouseholdId, now: Instant) -> None:
    """Erase the household's PIN and what belongs to it."""
    take_pin(conn, household, now)


def _spent(conn: Connection, household: HouseholdId, screen: str) -> Spent:
    query = sa.select(pin_tries).where(pin_tries.c.household_id == household, pin_tries.c.screen == screen)
    row = conn.execute(query).one_or_none()
    return Spent() if row is None else Spent(row.spent, row.at)


def _spend(conn: Connection, household: HouseholdId, screen: str, spent: Spent, budget: Budget, now: Instant) -> None:
    after = spent.one_more(now, budget)
    mine = (pin_tries.c.household_id == household, pin_tries.c.screen == screen)
    conn.execute(sa.delete(pin_tries).where(*mine))
    conn.execute(sa.insert(pin_tries).values(household_id=household, screen=screen, spent=after.count, at=after.at))
