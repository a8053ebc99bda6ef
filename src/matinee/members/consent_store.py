"""SQL for what a profile agreed to, purpose by purpose. What was never asked is not given."""

from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, ProfileId
from matinee.members.forgotten import Forgotten, ForgottenKind
from matinee.members.model import MemberError, ProfileNotFound
from matinee.members.store import profiles
from matinee.outside.database import InstantColumn, metadata


class Purpose(StrEnum):
    """What data is used for. Part of the API: a name never changes its meaning."""

    NEEDED = "needed"
    """To show and play films, to go on where one was, to bill: without it there is no service, so nobody is asked."""
    RECOMMENDATIONS = "recommendations"
    MEASUREMENT = "measurement"


ASKED: Final = (Purpose.RECOMMENDATIONS, Purpose.MEASUREMENT)

consents = sa.Table(
    "consents",
    metadata,
    sa.Column("profile_id", sa.Text, primary_key=True),
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("household_id", sa.Text, nullable=False, index=True),
    sa.Column("given", sa.Boolean, nullable=False),
    sa.Column("at", InstantColumn, nullable=False),
)
_GIVEN: Final = sa.select(consents).where(consents.c.profile_id == sa.bindparam("whose"), consents.c.given.is_(True))
"""Built once: to build it costs as much as to ask it."""


def give(conn: Connection, household: HouseholdId, profile: ProfileId, purpose: Purpose, *, given: bool, now: Instant) -> None:
    """Note that a profile agrees to a purpose, or does so no more. The same again keeps the moment of the first time.

    Raises ProfileNotFound, and MemberError for what is not asked, of children for what is for grown-ups.
    """
    mine = (profiles.c.id == profile, profiles.c.household_id == household)
    row = conn.execute(sa.select(profiles.c.kids).where(*mine).with_for_update()).one_or_none()
    if row is None:
        raise ProfileNotFound
    if purpose not in ASKED:
        raise MemberError("Nobody is asked for what is needed.", remedy=f"Write {' or '.join(ASKED)}.")
    if given and row.kids:
        raise MemberError("A kids' profile agrees to nothing.", remedy="Ask in a grown-up's profile.")
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    told = dialect.insert(consents).values(profile_id=profile, purpose=purpose.value, household_id=household, given=given, at=now)
    changed = told.on_conflict_do_update(
        index_elements=["profile_id", "purpose"],
        set_={"given": given, "at": now},
        where=consents.c.given != told.excluded.given,
    )
    conn.execute(changed)


def given_by(conn: Connection, profile: ProfileId) -> dict[Purpose, Instant | None]:
    """Each purpose that is asked, and since when it is given; None where it is not."""
    since = {row.purpose: row.at for row in conn.execute(_GIVEN, {"whose": profile})}
    return {purpose: since.get(purpose.value) for purpose in ASKED}


def all_given(conn: Connection, purpose: Purpose) -> frozenset[ProfileId]:
    """Every profile that agrees to a purpose, and is no kids' profile."""
    given = (consents.c.purpose == purpose.value, consents.c.given.is_(True), profiles.c.kids.is_(False))
    joined = sa.select(consents.c.profile_id).join(profiles, profiles.c.id == consents.c.profile_id)
    rows = conn.execute(joined.where(*given))
    return frozenset(ProfileId(row.profile_id) for row in rows)


def forget(conn: Connection, told: Forgotten) -> None:
    """Erase what a profile or a household agreed to."""
    if told.kind is ForgottenKind.HISTORY:
        return
    which = [consents.c.household_id == told.household]
    if told.profile is not None:
        which.append(consents.c.profile_id == told.profile)
    conn.execute(sa.delete(consents).where(*which))
