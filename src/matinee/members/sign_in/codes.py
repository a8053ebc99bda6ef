"""SQL for codes on their way: a device's, which somebody approves elsewhere, and a browser's, which a program takes back once."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import AccountId, ClientId, HouseholdId, ScreenSessionId
from matinee.members.sign_in.model import AuthorizationCode, Decision, DeviceCode
from matinee.members.sign_in.sessions import TOPIC
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import outbox

CODE_DECIDED: Final = "code-decided"
KEPT_MS: Final = HOUR
"""After its end, so that a code that is shown again is known for what it was."""

device_codes = sa.Table(
    "device_codes",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("user_code", sa.Text, nullable=False, unique=True),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("expires_at", InstantColumn, nullable=False, index=True),
    sa.Column("decision", sa.Text),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id")),
    sa.Column("account_id", sa.Text),
    sa.Column("session_id", sa.Text),
    sa.Column("authenticated_at", InstantColumn),
    sa.Column("redeemed_at", InstantColumn),
)

authorization_codes = sa.Table(
    "authorization_codes",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("redirect_uri", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("nonce", sa.Text, nullable=False),
    sa.Column("challenge", sa.Text, nullable=False),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False),
    sa.Column("account_id", sa.Text),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("authenticated_at", InstantColumn, nullable=False),
    sa.Column("expires_at", InstantColumn, nullable=False, index=True),
    sa.Column("used_at", InstantColumn),
)


def add_device_code(conn: Connection, code: DeviceCode, now: Instant) -> bool:
    """Record a code that waits. False where its user code is another's already."""
    conn.execute(sa.delete(device_codes).where(device_codes.c.expires_at < now - KEPT_MS))
    taken = sa.select(device_codes.c.digest).where(device_codes.c.user_code == code.user_code)
    if conn.execute(taken).one_or_none() is not None:
        return False
    conn.execute(
        sa.insert(device_codes).values(
            digest=code.digest,
            user_code=code.user_code,
            client_id=code.client,
            scope=code.scope,
            label=code.label,
            expires_at=code.expires_at,
        )
    )
    return True


def device_code(conn: Connection, digest: str, *, locked: bool = False) -> DeviceCode | None:
    """The code of a digest, whatever became of it. `locked` keeps others from redeeming it until the commit."""
    query = sa.select(device_codes).where(device_codes.c.digest == digest)
    return _device(conn.execute(query.with_for_update() if locked else query).one_or_none())


def waiting_code(conn: Connection, user_code: str, now: Instant) -> DeviceCode | None:
    """The code that is shown as this and still waits; None for one that is nobody's, was decided, or is old: all read alike."""
    waits = sa.and_(device_codes.c.user_code == user_code, device_codes.c.decision.is_(None), device_codes.c.expires_at > now)
    return _device(conn.execute(sa.select(device_codes).where(waits)).one_or_none())


def decide(
    conn: Connection,
    code: DeviceCode,
    decision: Decision,
    household: HouseholdId,
    account: AccountId | None,
    authenticated_at: Instant,
    now: Instant,
) -> bool:
    """Say yes or no to a code that waits. False where somebody did so before, or it is too late."""
    waits = sa.and_(device_codes.c.digest == code.digest, device_codes.c.decision.is_(None), device_codes.c.expires_at > now)
    outbox.hold(conn)  # the row names a household from here on, which keeps that household's
    said = {
        "decision": decision.value,
        "household_id": household,
        "account_id": account,
        "authenticated_at": authenticated_at,
    }
    decided = bool(conn.execute(sa.update(device_codes).where(waits).values(**said)).rowcount)
    if decided:
        outbox.append(conn, TOPIC, code.digest, {"kind": CODE_DECIDED, "expires_at": code.expires_at}, now)
    return decided


def redeem(conn: Connection, digest: str, session: ScreenSessionId, now: Instant) -> None:
    """Record that a device has what it was approved for."""
    own = device_codes.c.digest == digest
    conn.execute(sa.update(device_codes).where(own).values(redeemed_at=now, session_id=session))


def decided_codes(conn: Connection, now: Instant) -> dict[str, Instant]:
    """Codes that were decided and are not over, with their ends."""
    query = sa.select(device_codes.c.digest, device_codes.c.expires_at).where(
        device_codes.c.decision.is_not(None), device_codes.c.expires_at > now
    )
    return {row.digest: row.expires_at for row in conn.execute(query)}


def add_authorization_code(conn: Connection, code: AuthorizationCode, now: Instant) -> None:
    conn.execute(sa.delete(authorization_codes).where(authorization_codes.c.expires_at < now - KEPT_MS))
    conn.execute(
        sa.insert(authorization_codes).values(
            digest=code.digest,
            client_id=code.client,
            redirect_uri=code.redirect_uri,
            scope=code.scope,
            nonce=code.nonce,
            challenge=code.challenge,
            household_id=code.household,
            account_id=code.account,
            session_id=code.session,
            label=code.label,
            authenticated_at=code.authenticated_at,
            expires_at=code.expires_at,
        )
    )


def authorization_code(conn: Connection, digest: str) -> AuthorizationCode | None:
    """The code of a digest, whatever became of it; nobody else uses it until the commit."""
    query = sa.select(authorization_codes).where(authorization_codes.c.digest == digest).with_for_update()
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    return AuthorizationCode(
        digest=row.digest,
        client=ClientId(row.client_id),
        redirect_uri=row.redirect_uri,
        scope=row.scope,
        nonce=row.nonce,
        challenge=row.challenge,
        household=row.household_id,
        account=row.account_id,
        session=row.session_id,
        label=row.label,
        authenticated_at=row.authenticated_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )


def use(conn: Connection, digest: str, now: Instant) -> None:
    """Record that an authorization code was exchanged."""
    conn.execute(sa.update(authorization_codes).where(authorization_codes.c.digest == digest).values(used_at=now))


def hold(conn: Connection, household: HouseholdId) -> None:
    """Keep others from codes that a household has said yes to, until the commit."""
    for table in (device_codes, authorization_codes):
        own = sa.select(table.c.digest).where(table.c.household_id == household)
        conn.execute(own.order_by(table.c.digest).with_for_update())


def void(conn: Connection, household: HouseholdId, account: AccountId | None = None) -> None:
    """Let nothing begin any more by codes that a household, or one of its accounts, has said yes to."""
    for table in (device_codes, authorization_codes):
        own = table.c.household_id == household
        conn.execute(sa.delete(table).where(own if account is None else sa.and_(own, table.c.account_id == account)))


def _device(row: Any) -> DeviceCode | None:
    if row is None:
        return None
    return DeviceCode(
        digest=row.digest,
        user_code=row.user_code,
        client=ClientId(row.client_id),
        scope=row.scope,
        label=row.label,
        expires_at=row.expires_at,
        decision=None if row.decision is None else Decision(row.decision),
        household=row.household_id,
        account=row.account_id,
        session=row.session_id,
        redeemed_at=row.redeemed_at,
        authenticated_at=row.authenticated_at,
    )
