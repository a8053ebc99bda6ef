"""A household erased: its people, its name and how it signs in are gone; its accounts stay, under a name that says nothing.

What was billed and what is owed must add up for years, so subscriptions keep their household's random id, whose row keeps no
name. Nothing leads from it to a line any more. Whatever stands at its lines starts anew in a household of its own, which has the
old one's reference: that is the operator's name for the contract, and the contract is there.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.base.errors import NotFound
from matinee.base.ids import HouseholdId, LineId, OperatorId, ProfileId, new_id
from matinee.catalogue.model import AgeClass, Language
from matinee.members import account_store, billing_store, forgotten, pin_store, plan_store, rules, store
from matinee.members.forgotten import Forgotten, ForgottenKind
from matinee.members.model import LIVE, HouseholdAssignment, SubscriptionState
from matinee.members.payers import edges
from matinee.members.selling import Selling
from matinee.members.sign_in import work as sign_in
from matinee.parties import audit, outbox

FIRST_PROFILE: Final = ("Salon", "#c8553d", AgeClass(18), Language("fr"))
"""What a household begins with, so that there is somebody to watch as."""


def erase(conn: Connection, household: HouseholdId, now: Instant, *, actor: str) -> tuple[HouseholdId, list[Forgotten]]:
    """Erase it here. The household that starts anew, and what every other folder is to erase, which was told through the outbox.

    Raises NotFound.
    """
    sign_in.hold(conn, household)
    outbox.hold(conn)
    row = conn.execute(sa.select(store.households).where(store.households.c.id == household)).one_or_none()
    if row is None:
        raise NotFound("There is no such household.", remedy="Name it by its reference.")
    told = [
        Forgotten(kind=ForgottenKind.PROFILE, household=household, profile=ProfileId(one.id), until=now)
        for one in store.profiles_of(conn, household)
    ]
    told.append(Forgotten(kind=ForgottenKind.HOUSEHOLD, household=household, until=now))
    _end_subscriptions(conn, household, now, actor)
    pin_store.take_pin(conn, household, now)
    sign_in.erase(conn, household, now)
    for table in (store.profiles, store.viewer_tokens):
        conn.execute(sa.delete(table).where(table.c.household_id == household))
    lines = _leave_lines(conn, household, now)
    _rename(conn, household, now)
    fresh = store.ensure_household(conn, row.reference, now).id
    store.ensure_profile(conn, fresh, *FIRST_PROFILE, now)
    for line in lines:
        store.assign_household(conn, line, fresh, now, now)
    audit.record(conn, actor, "household.erase", household, {}, now)
    for one in told:
        forgotten.say(conn, one)
    outbox.append(conn, store.TOPIC, household, store.HOME, now)
    return fresh, told


class _Nowhere:
    """Implements `selling.Lines` of a home that is at no line any more."""

    def left(self, household: HouseholdId, operator: OperatorId, now: Instant) -> Instant | None:
        """See `selling.Lines`."""
        return now


def _end_subscriptions(conn: Connection, household: HouseholdId, now: Instant, actor: str) -> None:
    """Whoever sold something bills it no more: nobody is there any longer to watch it."""
    selling = Selling(conn, _Nowhere(), now, actor)
    for account in account_store.all_of(conn, household):
        selling.close(account.operator, household, account.service, now)
        billing_store.forget_names(conn, account.id)
    recorded = plan_store.subscriptions_of(conn, [household])
    moments = [now, *(edge for edge in edges(recorded) if edge > now)]
    # What runs to an end that is recorded, or begins only later, ends now as well.
    held = (one for moment in moments for one in rules.standing(recorded, moment) if one.state in LIVE)
    for of_plan, operator in dict.fromkeys((one.plan, one.operator) for one in held):
        plan = plan_store.plan_of(conn, of_plan)
        if plan is not None:
            plan_store.record_subscription(
                conn, household, plan, operator, SubscriptionState.ENDED, now, actor=actor, valid_from=now
            )


def _leave_lines(conn: Connection, household: HouseholdId, now: Instant) -> list[LineId]:
    """Take the household out of whose line was whose, also in the past. The lines that it had now."""
    had = sa.select(store.household_assignments.c.line_id).where(store.household_assignments.c.household_id == household)
    by_line: dict[LineId, list[HouseholdAssignment]] = {LineId(row.line_id): [] for row in conn.execute(had)}
    for one in store.assignments_of(conn, by_line):
        by_line[one.line].append(one)
    standing = {line: in_force(row, now) for line, row in by_line.items()}
    lines = [line for line, one in standing.items() if one is not None and one.household == household]
    own = store.household_assignments.c.household_id == household
    conn.execute(sa.update(store.household_assignments).where(own).values(household_id=None))
    return lines


def _rename(conn: Connection, household: HouseholdId, now: Instant) -> None:
    own = store.households.c.id == household
    conn.execute(sa.update(store.households).where(own).values(reference=f"{store.ERASED}{new_id()}", created_at=now))
