"""SQL for making, changing, ordering and deleting profiles.

Each act waits for whoever changes something now (`outbox.hold`): two screens that make the fifth profile at once, or delete the
last two, come one after the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId, ProfileId, new_id
from matinee.catalogue.model import AgeClass, Language
from matinee.members import forgotten, profile_rules
from matinee.members.forgotten import Forgotten, ForgottenKind
from matinee.members.model import MemberError, Profile, ProfileNotFound
from matinee.members.pin_store import kids_screens
from matinee.members.profile_rules import MAX_PROFILES
from matinee.members.store import PROFILES, TOPIC, profiles, profiles_of
from matinee.parties import outbox


class NewProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile as a screen asks for it. `request` is the screen's own name for its wish: said twice, it makes one."""

    request: str
    name: str
    color: str
    age_class: AgeClass
    language: Language
    avatar: str = ""
    kids: bool = False


def make(conn: Connection, household: HouseholdId, told: NewProfile, now: Instant) -> tuple[Profile, bool]:
    """The profile, and whether it was made now. Raises MemberError."""
    outbox.hold(conn)
    made_before = conn.execute(
        sa.select(profiles.c.id).where(profiles.c.household_id == household, profiles.c.request == told.request)
    ).scalar()
    there = profiles_of(conn, household)
    if made_before is not None:
        return next(one for one in there if one.id == made_before), False
    name = profile_rules.cleaned(told.name)
    profile_rules.check(color=told.color, avatar=told.avatar, age_class=told.age_class, kids=told.kids)
    if len(there) >= MAX_PROFILES:
        raise MemberError(f"The household has {MAX_PROFILES} profiles.", remedy="Delete one first.", code=ErrorCode.CONFLICT)
    _check_name_is_free(name, there)
    made = Profile(
        id=ProfileId(new_id()),
        household=household,
        name=name,
        color=told.color,
        age_class=told.age_class,
        language=told.language,
        audio_language=told.language,
        avatar=told.avatar,
        kids=told.kids,
        place=max((one.place for one in there), default=-1) + 1,
    )
    row = {key: value for key, value in msgspec.structs.asdict(made).items() if key != "household"}
    conn.execute(sa.insert(profiles).values(**row, household_id=household, request=told.request))
    outbox.append(conn, TOPIC, household, PROFILES, now)
    return made, True


def change(conn: Connection, household: HouseholdId, profile: ProfileId, changes: Mapping[str, Any], now: Instant) -> Profile:
    """Change what is named, to the profile as it then is. The same again changes nothing. Raises ProfileNotFound, MemberError."""
    outbox.hold(conn)
    there = profiles_of(conn, household)
    before = next((one for one in there if one.id == profile), None)
    if before is None:
        raise ProfileNotFound
    told = dict(changes)
    if "name" in told:
        told["name"] = profile_rules.cleaned(told["name"])
    after = msgspec.structs.replace(before, **told)
    profile_rules.check(color=after.color, avatar=after.avatar, age_class=after.age_class, kids=after.kids)
    if after == before:
        return before
    if after.name != before.name:
        _check_name_is_free(after.name, [one for one in there if one.id != profile])
    conn.execute(sa.update(profiles).where(profiles.c.id == profile).values(**told))
    outbox.append(conn, TOPIC, household, PROFILES, now)
    return after


def arrange(conn: Connection, household: HouseholdId, wanted: Sequence[str], now: Instant) -> Sequence[Profile]:
    """Put the household's profiles into an order, which names each of them once. Raises MemberError."""
    outbox.hold(conn)
    there = profiles_of(conn, household)
    if sorted(wanted) != sorted(one.id for one in there):
        raise MemberError(
            "The order names other profiles than the household has.",
            remedy="Ask for the household's profiles again.",
            code=ErrorCode.CONFLICT,
        )
    for place, one in enumerate(wanted):
        conn.execute(sa.update(profiles).where(profiles.c.id == one).values(place=place))
    outbox.append(conn, TOPIC, household, PROFILES, now)
    return profiles_of(conn, household)


def delete(conn: Connection, household: HouseholdId, profile: ProfileId, now: Instant) -> bool:
    """Delete a profile; what is held of it elsewhere goes by the event. Whether it was there. Raises MemberError for the last."""
    outbox.hold(conn)
    there = profiles_of(conn, household)
    if all(one.id != profile for one in there):
        return False
    if len(there) == 1:
        raise MemberError("This is the household's last profile.", remedy="Make another one first.", code=ErrorCode.CONFLICT)
    conn.execute(sa.delete(kids_screens).where(kids_screens.c.profile_id == profile))
    conn.execute(sa.delete(profiles).where(profiles.c.id == profile))
    outbox.append(conn, TOPIC, household, PROFILES, now)
    forgotten.say(conn, Forgotten(kind=ForgottenKind.PROFILE, household=household, profile=profile, until=now))
    return True


def _check_name_is_free(name: str, others: Sequence[Profile]) -> None:
    if any(profile_rules.same_name(name, one.name) for one in others):
        raise MemberError(f"There is a profile {name!r} already.", remedy="Choose another name.", code=ErrorCode.CONFLICT)
