"""SQL for households, whose line is whose when, profiles, and viewers' tokens."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, LineId, ProfileId, is_id, new_id
from matinee.catalogue.model import AGE_CLASSES, AgeClass, Language
from matinee.members.model import Household, HouseholdAssignment, MemberError, Profile, ProfileNotFound
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import outbox, tokens
from matinee.parties.tokens import Token, TokenDigest, TokenKind

TOPIC: Final = "members"
PROFILES: Final = {"kind": "profiles"}
"""The event of a change that concerns one household's profiles alone; its key is the household."""
HOME: Final = {"kind": "home"}
"""The event of a change of anything else that one household has: lines, tokens. Its key is the household."""
LINE: Final = {"kind": "line"}
"""The event of a line that is another household's, or nobody's, from some moment on; its key is the line."""
ERASED: Final = "erased "
"""What the reference of an erased household begins with; an id of nothing follows."""
_AT_ONCE: Final = 1_000
_COLOR = re.compile(r"#[0-9a-f]{6}")

households = sa.Table(
    "households",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("reference", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", InstantColumn, nullable=False),
)

household_assignments = sa.Table(
    "household_assignments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("line_id", sa.Text, sa.ForeignKey("lines.id"), nullable=False, index=True),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id")),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("valid_to", InstantColumn),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)

profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("color", sa.Text, nullable=False),
    sa.Column("age_class", sa.Integer, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("audio_language", sa.Text, nullable=False),
    sa.Column("subtitle_language", sa.Text),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("avatar", sa.Text, nullable=False, server_default=""),
    sa.Column("kids", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("request", sa.Text),  # the screen's own name for its wish to have it made: said twice, it makes one
    sa.UniqueConstraint("household_id", "name"),
    sa.UniqueConstraint("household_id", "request"),
)

viewer_tokens = sa.Table(
    "viewer_tokens",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False, index=True),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("expires_at", InstantColumn),
    sa.Column("revoked_at", InstantColumn),
)


_PROFILES = sa.select(profiles).order_by(profiles.c.household_id, profiles.c.place, profiles.c.id)
_RECORDED = sa.select(household_assignments).order_by(
    household_assignments.c.recorded_at,
    household_assignments.c.valid_from,
    household_assignments.c.line_id,
    household_assignments.c.id,
)


def ensure_household(conn: Connection, reference: str, now: Instant) -> Household:
    """The household of that reference, made where there is none."""
    row = conn.execute(sa.select(households).where(households.c.reference == reference)).one_or_none()
    if row is not None:
        return Household(id=row.id, reference=row.reference)
    outbox.hold(conn)
    row = conn.execute(sa.select(households).where(households.c.reference == reference)).one_or_none()
    if row is not None:  # another was first
        return Household(id=row.id, reference=row.reference)
    made = Household(id=HouseholdId(new_id()), reference=reference)
    conn.execute(sa.insert(households).values(id=made.id, reference=reference, created_at=now))
    outbox.append(conn, TOPIC, made.id, HOME, now)
    return made


def household_named(conn: Connection, reference: str) -> HouseholdId | None:
    return conn.execute(sa.select(households.c.id).where(households.c.reference == reference)).scalar()


def households_named(conn: Connection, references: Collection[str]) -> dict[str, HouseholdId]:
    """The household of each reference that is one's."""
    found: dict[str, HouseholdId] = {}
    for some in _batches(references):
        rows = conn.execute(sa.select(households.c.id, households.c.reference).where(households.c.reference.in_(some)))
        found.update((row.reference, row.id) for row in rows)
    return found


def references_of(conn: Connection, wanted: Collection[HouseholdId]) -> dict[HouseholdId, str]:
    """Each household's reference."""
    found: dict[HouseholdId, str] = {}
    for some in _batches(wanted):
        rows = conn.execute(sa.select(households.c.id, households.c.reference).where(households.c.id.in_(some)))
        found.update((row.id, row.reference) for row in rows)
    return found


def is_erased(conn: Connection, household: HouseholdId) -> bool:
    """Whether nothing but its accounts is left of it."""
    reference = references_of(conn, [household]).get(household, "")
    return reference.startswith(ERASED) and is_id(reference.removeprefix(ERASED))


def assign_household(
    conn: Connection,
    line: LineId,
    household: HouseholdId | None,
    valid_from: Instant,
    now: Instant,
    valid_to: Instant | None = None,
) -> None:
    """Record that a line is a household's from a moment on; None, that it is nobody's."""
    if valid_to is not None and valid_to <= valid_from:
        raise MemberError("The assignment ends before it begins.", remedy="Write its beginning first.")
    outbox.hold(conn)
    conn.execute(
        sa.insert(household_assignments).values(
            id=new_id(), line_id=line, household_id=household, valid_from=valid_from, valid_to=valid_to, recorded_at=now
        )
    )
    outbox.append(conn, TOPIC, line, LINE, now)


def ensure_profile(
    conn: Connection,
    household: HouseholdId,
    name: str,
    color: str,
    age_class: AgeClass,
    language: Language,
    now: Instant,
    audio_language: Language | None = None,
    subtitle_language: Language | None = None,
) -> Profile:
    """The household's profile of that name, made where there is none, after those that are there."""
    outbox.hold(conn)
    there = [profile for profile in profiles_of(conn, household) if profile.name == name]
    if there:
        return there[0]
    if not name.strip() or not _COLOR.fullmatch(color) or age_class not in AGE_CLASSES:
        raise MemberError(
            f"The profile {name!r} has no name, no colour or no age class.",
            remedy="Give it a name, a colour such as #4477aa, and an age class of 0, 10, 12, 16 or 18.",
        )
    made = Profile(
        id=ProfileId(new_id()),
        household=household,
        name=name,
        color=color,
        age_class=age_class,
        language=language,
        audio_language=audio_language or language,
        subtitle_language=subtitle_language,
        place=len(profiles_of(conn, household)),
    )
    conn.execute(
        sa.insert(profiles).values(
            id=made.id,
            household_id=household,
            name=name,
            color=color,
            age_class=int(age_class),
            language=language,
            audio_language=made.audio_language,
            subtitle_language=subtitle_language,
            place=made.place,
        )
    )
    outbox.append(conn, TOPIC, household, PROFILES, now)
    return made


def change_preferences(
    conn: Connection, household: HouseholdId, profile: ProfileId, changes: Mapping[str, str | None], now: Instant
) -> Profile:
    """Change a profile's languages; the profile as it now is. Raises ProfileNotFound, also for another household's."""
    own = sa.and_(profiles.c.id == profile, profiles.c.household_id == household)
    if changes:
        outbox.hold(conn)
        changed = conn.execute(sa.update(profiles).where(own).values(**changes))
        if changed.rowcount:
            outbox.append(conn, TOPIC, household, PROFILES, now)
    row = conn.execute(sa.select(profiles).where(own)).one_or_none()
    if row is None:
        raise ProfileNotFound
    return profile_from(row)


def mint_viewer_token(conn: Connection, household: HouseholdId, now: Instant, expires_at: Instant | None = None) -> Token:
    """A new token for a household's web or phone. It is shown this once; what is kept is its hash."""
    outbox.hold(conn)
    token = tokens.mint(TokenKind.VIEWER)
    conn.execute(
        sa.insert(viewer_tokens).values(
            digest=tokens.digest(token), household_id=household, created_at=now, expires_at=expires_at
        )
    )
    outbox.append(conn, TOPIC, household, HOME, now)
    return token


def revoke_viewer_tokens(conn: Connection, household: HouseholdId, now: Instant) -> int:
    """Sign all of a household's webs and phones out. How many tokens there were."""
    outbox.hold(conn)
    ended = conn.execute(
        sa.update(viewer_tokens)
        .where(viewer_tokens.c.household_id == household, viewer_tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    outbox.append(conn, TOPIC, household, HOME, now)
    return ended.rowcount


def profiles_of(conn: Connection, household: HouseholdId | None = None) -> Sequence[Profile]:
    """A household's profiles in their order, or everybody's."""
    query = _PROFILES if household is None else _PROFILES.where(profiles.c.household_id == household)
    return [profile_from(row) for row in conn.execute(query)]


def each_profile(conn: Connection) -> Iterator[Profile]:
    """Everybody's, household by household, one by one as they come: of millions no list is made."""
    return (profile_from(row) for row in _streamed(conn, _PROFILES))


def count_profiles(conn: Connection) -> int:
    return int(conn.execute(sa.select(sa.func.count()).select_from(profiles)).scalar_one())


def each_assignment(conn: Connection) -> Iterator[HouseholdAssignment]:
    """All that was ever recorded of whose line is whose, in the order of recording."""
    return (_assignment_from(row) for row in _streamed(conn, _RECORDED))


def assignments_of(conn: Connection, lines: Collection[LineId]) -> Sequence[HouseholdAssignment]:
    """All that was ever recorded of some lines, in the order of recording."""
    return [
        _assignment_from(row)
        for some in _batches(lines)
        for row in conn.execute(_RECORDED.where(household_assignments.c.line_id.in_(some)))
    ]


def _assignment_from(row: "Row[Any]") -> HouseholdAssignment:
    return HouseholdAssignment(
        line=row.line_id,
        household=row.household_id,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        recorded_at=row.recorded_at,
    )


def living_tokens(
    conn: Connection, households: Collection[HouseholdId] | None = None
) -> dict[TokenDigest, tuple[HouseholdId, Instant | None]]:
    """Each token's household, of these households or of all, and when the token ends by itself."""
    query = sa.select(viewer_tokens).where(viewer_tokens.c.revoked_at.is_(None))
    queries = [query] if households is None else [query.where(viewer_tokens.c.household_id.in_(s)) for s in _batches(households)]
    return {
        TokenDigest(row.digest): (HouseholdId(row.household_id), row.expires_at) for one in queries for row in conn.execute(one)
    }


def _streamed(conn: Connection, query: "sa.Select[Any]") -> "Iterable[Row[Any]]":
    """The rows a thousand at a time, so that of millions no list stands beside what is made of them."""
    return conn.execute(query, execution_options={"yield_per": _AT_ONCE})


def _batches(ids: Collection[str]) -> Iterator[Sequence[str]]:
    """A database takes some ten thousand values in one statement, and no more."""
    every = list(ids)
    return (every[first : first + _AT_ONCE] for first in range(0, len(every), _AT_ONCE))


def profile_from(row: "Row[Any]") -> Profile:
    return Profile(
        id=row.id,
        household=row.household_id,
        name=row.name,
        color=row.color,
        age_class=AgeClass(row.age_class),
        language=row.language,
        audio_language=row.audio_language,
        subtitle_language=row.subtitle_language,
        avatar=row.avatar,
        kids=row.kids,
        place=row.place,
    )
