"""SQL for sessions of screens: begun once, kept alive by refresh tokens that follow from each other, and ended.

A session's row holds all of its refresh tokens that matter: digests of the newest and of the one before. Rows are locked while a
token is exchanged, so that two who show the same one at once come one after the other. Whoever locks several things does so in
the order that parties/outbox.py says.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import AccountId, ClientId, HouseholdId, ScreenSessionId
from matinee.members.sign_in import rules
from matinee.members.sign_in.access import BrowserSignedIn
from matinee.members.sign_in.model import BROWSER, REFRESH_MS, RefreshState, Rotation, ScreenSession
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import outbox
from matinee.parties.tokens import digest

TOPIC: Final = "sign-in"
SESSIONS_ENDED: Final = "sessions-ended"
MAX_SESSIONS: Final = 100
"""Of one household: what was not used for longest goes first."""

screen_sessions = sa.Table(
    "screen_sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False, index=True),
    sa.Column("account_id", sa.Text),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("begun_at", InstantColumn, nullable=False),
    sa.Column("last_seen", InstantColumn, nullable=False),
    sa.Column("expires_at", InstantColumn, nullable=False, index=True),
    sa.Column("authenticated_at", InstantColumn, nullable=False),
    sa.Column("ended_at", InstantColumn, index=True),
    sa.Column("refresh_digest", sa.Text, nullable=False),
    sa.Column("previous_digest", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("rotated_at", InstantColumn, nullable=False),
)


def begin(conn: Connection, session: ScreenSession, refresh_token: str) -> None:
    """Record a session with its first refresh token; "" for one that has none. What the household had too many of ends."""
    now = session.begun_at
    living = _living(now).where(screen_sessions.c.household_id == session.household)
    kind = (screen_sessions.c.client_id == BROWSER) == (session.client == BROWSER)
    newest = living.where(kind).order_by(screen_sessions.c.last_seen.desc(), screen_sessions.c.id)
    _end(conn, [ScreenSessionId(row.id) for row in conn.execute(newest.offset(MAX_SESSIONS - 1))], now)
    conn.execute(
        sa.insert(screen_sessions).values(
            id=session.id,
            household_id=session.household,
            account_id=session.account,
            client_id=session.client,
            scope=session.scope,
            label=session.label,
            begun_at=now,
            last_seen=rules.by_the_hour(now),
            expires_at=session.expires_at,
            authenticated_at=session.authenticated_at,
            refresh_digest=digest(refresh_token) if refresh_token else "",
            previous_digest="",
            salt="",
            rotated_at=0,
        )
    )


def begin_in_browser(conn: Connection, who: BrowserSignedIn, label: str, now: Instant) -> None:
    """Record that a browser is signed in on our own pages: it has a cookie, and no refresh token."""
    session = ScreenSession(
        id=who.session,
        household=who.household,
        account=who.account,
        client=BROWSER,
        scope="",
        label=label,
        begun_at=now,
        last_seen=now,
        expires_at=who.expires_at,
        authenticated_at=who.authenticated_at,
    )
    begin(conn, session, "")


def refreshed(conn: Connection, shown: str, client: ClientId, now: Instant) -> tuple[ScreenSession, str] | None:
    """The session of a refresh token that is shown, and the token that follows; None for what is worth nothing.

    A token whose reuse shows that two hold it ends its session here: the transaction must be committed all the same.
    """
    session = rules.session_of(shown)
    row = None if session is None else _locked(conn, session)
    if row is None or row.ended_at is not None or row.expires_at <= now or not row.refresh_digest or row.client_id != client:
        return None
    state = RefreshState(current=row.refresh_digest, previous=row.previous_digest, salt=row.salt, rotated_at=row.rotated_at)
    match rules.rotation(state, digest(shown), now):
        case Rotation.REUSED:
            _end(conn, [row.id], now)
            return None
        case Rotation.AGAIN:
            return _session(row), rules.successor(shown, row.salt)
        case Rotation.NEXT | Rotation.REPLACED:
            salt = secrets.token_urlsafe(32)
            following = rules.successor(shown, salt)
            changed = {
                "refresh_digest": digest(following),
                "previous_digest": digest(shown),
                "salt": salt,
                "rotated_at": now,
                "last_seen": rules.by_the_hour(now),
                "expires_at": now + REFRESH_MS,
            }
            conn.execute(sa.update(screen_sessions).where(screen_sessions.c.id == row.id).values(**changed))
            return _session(row), following


def holder_of(conn: Connection, shown: str) -> ScreenSession | None:
    """The session of one of its two refresh tokens that matter, whether it lives or not; nothing changes."""
    session = rules.session_of(shown)
    row = None if session is None else _locked(conn, session)
    if row is None or digest(shown) not in (row.refresh_digest, row.previous_digest):
        return None
    return _session(row)


def end(conn: Connection, household: HouseholdId, session: ScreenSessionId, now: Instant) -> bool:
    """End one of a household's sessions. False where it has no such one that lives: another's reads as none."""
    own = _living(now).where(screen_sessions.c.household_id == household, screen_sessions.c.id == session)
    found = [ScreenSessionId(row.id) for row in conn.execute(own)]
    _end(conn, found, now)
    return bool(found)


def end_all(conn: Connection, household: HouseholdId, now: Instant, *, account: AccountId | None = None) -> int:
    """End all of a household's sessions, or those of one of its accounts. How many there were."""
    own = _living(now).where(screen_sessions.c.household_id == household)
    if account is not None:
        own = own.where(screen_sessions.c.account_id == account)
    found = [ScreenSessionId(row.id) for row in conn.execute(own)]
    _end(conn, found, now)
    return len(found)


def sessions_of(conn: Connection, household: HouseholdId, now: Instant) -> Sequence[ScreenSession]:
    """Those of its screens and relying parties that live, the newest first."""
    own = _living(now).where(screen_sessions.c.household_id == household, screen_sessions.c.client_id != BROWSER)
    rows = conn.execute(own.order_by(screen_sessions.c.begun_at.desc(), screen_sessions.c.id))
    return [_session(row) for row in rows]


def session(conn: Connection, session: ScreenSessionId) -> ScreenSession | None:
    """A session, whether it lives or not."""
    row = _locked(conn, session)
    return None if row is None else _session(row)


def is_living(conn: Connection, session: ScreenSessionId, now: Instant) -> bool:
    return conn.execute(_living(now).where(screen_sessions.c.id == session)).one_or_none() is not None


def ended_since(conn: Connection, since: Instant) -> dict[ScreenSessionId, Instant]:
    """What ended lately, and when: an access token of it may still be on its way."""
    query = sa.select(screen_sessions.c.id, screen_sessions.c.ended_at).where(screen_sessions.c.ended_at >= since)
    return {ScreenSessionId(row.id): row.ended_at for row in conn.execute(query)}


def hold(conn: Connection, household: HouseholdId) -> None:
    """Keep others from a household's sessions until the commit."""
    own = sa.select(screen_sessions.c.id).where(screen_sessions.c.household_id == household)
    conn.execute(own.order_by(screen_sessions.c.id).with_for_update())


def erase(conn: Connection, household: HouseholdId) -> None:
    """Take a household's sessions away, once they have ended."""
    conn.execute(sa.delete(screen_sessions).where(screen_sessions.c.household_id == household))


def forget_old(conn: Connection, before: Instant) -> int:
    """Take away what ended, or was last used, so long ago that nobody asks for it. How many rows."""
    over = sa.or_(screen_sessions.c.ended_at < before, screen_sessions.c.expires_at < before)
    return conn.execute(sa.delete(screen_sessions).where(over)).rowcount


def _end(conn: Connection, sessions: Sequence[ScreenSessionId], now: Instant) -> None:
    if sessions:
        every = sa.select(screen_sessions.c.id).where(screen_sessions.c.id.in_(sessions))
        conn.execute(every.order_by(screen_sessions.c.id).with_for_update())  # two who end the same ones, in one direction
        conn.execute(sa.update(screen_sessions).where(screen_sessions.c.id.in_(sessions)).values(ended_at=now))
        outbox.append(conn, TOPIC, sessions[0], {"kind": SESSIONS_ENDED, "sessions": list(sessions)}, now)


def _living(now: Instant) -> "sa.Select[Any]":
    return sa.select(screen_sessions).where(screen_sessions.c.ended_at.is_(None), screen_sessions.c.expires_at > now)


def _locked(conn: Connection, session: ScreenSessionId) -> "sa.Row[Any] | None":
    query = sa.select(screen_sessions).where(screen_sessions.c.id == session)
    return conn.execute(query.with_for_update()).one_or_none()


def _session(row: Any) -> ScreenSession:
    return ScreenSession(
        id=row.id,
        household=row.household_id,
        account=row.account_id,
        client=ClientId(row.client_id),
        scope=row.scope,
        label=row.label,
        begun_at=row.begun_at,
        last_seen=row.last_seen,
        expires_at=row.expires_at,
        authenticated_at=row.authenticated_at,
        ended_at=row.ended_at,
    )
