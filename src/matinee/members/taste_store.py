"""SQL for what a profile puts on its list and what it likes. Bounded, since screens write it: `MAX_LISTED`, `MAX_THUMBS`."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId, ProfileId, TitleId
from matinee.members.forgotten import Forgotten, ForgottenKind
from matinee.members.model import MemberError, ProfileNotFound
from matinee.members.store import profiles
from matinee.outside.database import InstantColumn, metadata

MAX_LISTED: Final = 200
MAX_THUMBS: Final = 1_000

profile_titles = sa.Table(
    "profile_titles",
    metadata,
    sa.Column("profile_id", sa.Text, primary_key=True),
    sa.Column("title_id", sa.Text, primary_key=True),
    sa.Column("household_id", sa.Text, nullable=False, index=True),
    sa.Column("listed_at", InstantColumn),
    sa.Column("thumb", sa.Text),  # "up" or "down"
    sa.Column("thumb_at", InstantColumn),
)
_C: Final = profile_titles.c
_TASTES: Final = (
    sa.select(_C.title_id, _C.listed_at, _C.thumb)
    .where(_C.profile_id == sa.bindparam("whose"))
    .order_by(sa.func.coalesce(_C.listed_at, 0).desc(), _C.title_id)
)
"""Built once: to build it costs as much as to ask it."""


def put_on_list(conn: Connection, household: HouseholdId, profile: ProfileId, title: TitleId, now: Instant) -> None:
    """Put a title on a profile's list. One that is there stays where it is.

    Raises ProfileNotFound, and MemberError (conflict) where the list is full.
    """
    _hold(conn, household, profile)
    on_list = (_C.profile_id == profile, _C.listed_at.is_not(None))
    if conn.execute(sa.select(_C.title_id).where(*on_list, _C.title_id == title)).first() is not None:
        return
    if conn.execute(sa.select(sa.func.count()).where(*on_list)).scalar_one() >= MAX_LISTED:
        raise MemberError(f"There are {MAX_LISTED} titles on the list.", remedy="Take one off first.", code=ErrorCode.CONFLICT)
    _write(conn, household, profile, title, {"listed_at": now})


def take_off_list(conn: Connection, household: HouseholdId, profile: ProfileId, title: TitleId) -> None:
    """Take a title off a profile's list. Saying it again changes nothing."""
    mine = (_C.household_id == household, _C.profile_id == profile, _C.title_id == title)
    conn.execute(sa.update(profile_titles).where(*mine).values(listed_at=None))
    _sweep(conn, profile)


def put_thumb(
    conn: Connection, household: HouseholdId, profile: ProfileId, title: TitleId, thumb: str | None, now: Instant
) -> None:
    """Note that a profile likes a title ("up"), does not ("down"), or says nothing of it (None). Raises ProfileNotFound.

    Of more than `MAX_THUMBS` the oldest is forgotten.
    """
    _hold(conn, household, profile)
    _write(conn, household, profile, title, {"thumb": thumb, "thumb_at": None if thumb is None else now})
    newest = sa.select(_C.thumb_at).where(_C.profile_id == profile, _C.thumb.is_not(None))
    last = conn.execute(newest.order_by(_C.thumb_at.desc()).offset(MAX_THUMBS - 1).limit(1)).scalar()
    if last is not None:
        old = (_C.profile_id == profile, _C.thumb_at < last)
        conn.execute(sa.update(profile_titles).where(*old).values(thumb=None, thumb_at=None))
    _sweep(conn, profile)


def tastes_of(conn: Connection, profile: ProfileId) -> "list[Row[Any]]":
    """All that is kept of a profile: (title_id, listed_at, thumb), what was listed last first."""
    return list(conn.execute(_TASTES, {"whose": profile}))


def forget(conn: Connection, told: Forgotten) -> None:
    """Erase what is kept of a profile or of a household."""
    if told.kind is ForgottenKind.HOUSEHOLD:
        conn.execute(sa.delete(profile_titles).where(_C.household_id == told.household))
    elif told.kind is ForgottenKind.PROFILE:
        conn.execute(sa.delete(profile_titles).where(_C.household_id == told.household, _C.profile_id == told.profile))


def _hold(conn: Connection, household: HouseholdId, profile: ProfileId) -> None:
    """Wait for whoever writes for this profile now, so that what is counted is true; and see that it has not been deleted."""
    mine = (profiles.c.id == profile, profiles.c.household_id == household)
    if conn.execute(sa.select(profiles.c.id).where(*mine).with_for_update()).first() is None:
        raise ProfileNotFound


def _write(conn: Connection, household: HouseholdId, profile: ProfileId, title: TitleId, values: dict[str, Any]) -> None:
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    row = dialect.insert(profile_titles).values(profile_id=profile, title_id=title, household_id=household, **values)
    conn.execute(row.on_conflict_do_update(index_elements=["profile_id", "title_id"], set_=values))


def _sweep(conn: Connection, profile: ProfileId) -> None:
    """Rows that say nothing any more."""
    empty = (_C.profile_id == profile, _C.listed_at.is_(None), _C.thumb.is_(None))
    conn.execute(sa.delete(profile_titles).where(*empty))
