"""SQL for staff accounts and their sessions. What the snapshot holds appends an event in the same transaction.

An account is ended, never taken away, and its name is never given again: the audit names it.
"""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import StaffId, new_id
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import audit, outbox, tokens
from matinee.parties.model import PartyError, Seat, SignInRefused, StaffAccount, StaffSession
from matinee.parties.rules import check_name, check_seat
from matinee.parties.seats import seat_columns, seat_of, sides_of, values_of
from matinee.parties.tokens import Token, TokenKind

TOPIC: Final = "staff"
MAX_SESSIONS: Final = 20
"""Of one account at once; one more ends the oldest."""

staff_accounts = sa.Table(
    "staff_accounts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    *seat_columns(),
    sa.Column("password", sa.Text, nullable=False),  # its Argon2id hash, in the PHC form
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("ended_at", InstantColumn),
)

staff_sessions = sa.Table(
    "staff_sessions",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, sa.ForeignKey("staff_accounts.id"), nullable=False, index=True),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("expires_at", InstantColumn, nullable=False),
)


def add_account(conn: Connection, name: str, seat: Seat, password_hash: str, now: Instant, *, actor: str) -> StaffAccount:
    """A new account. Raises PartyError: for a name that is none, or that was given before."""
    check_name(name)
    check_seat(seat)
    outbox.hold(conn)
    if _row_of(conn, name) is not None:
        raise PartyError(
            f"The name {name!r} was given before.",
            remedy="Choose another: the audit holds the old one.",
            code=ErrorCode.CONFLICT,
        )
    made = StaffAccount(id=StaffId(new_id()), name=name, seat=seat, created_at=now)
    conn.execute(
        sa.insert(staff_accounts).values(id=made.id, name=name, password=password_hash, created_at=now, **values_of(seat))
    )
    _tell(conn, made, "staff.add", now, actor)
    return made


def end_account(conn: Connection, name: str, now: Instant, *, actor: str) -> StaffAccount:
    """End an account and all its sessions, for good. Raises PartyError."""
    account = _living(conn, name)
    conn.execute(sa.update(staff_accounts).where(staff_accounts.c.id == account.id).values(ended_at=now))
    _end_sessions(conn, account.id)
    _tell(conn, account, "staff.end", now, actor)
    return account


def change_password(conn: Connection, name: str, password_hash: str, now: Instant, *, actor: str) -> StaffAccount:
    """Take another password, and end all sessions that were begun by the old one. Raises PartyError."""
    account = _living(conn, name)
    conn.execute(sa.update(staff_accounts).where(staff_accounts.c.id == account.id).values(password=password_hash))
    _end_sessions(conn, account.id)
    _tell(conn, account, "staff.password", now, actor)
    return account


def account_to_sign_in(conn: Connection, name: str) -> tuple[StaffAccount, str] | None:
    """The account of a name with its password's hash; None for one that is not there, or has ended."""
    row = _row_of(conn, name)
    return None if row is None or row.ended_at is not None else (_account(row), row.password)


def begin_session(
    conn: Connection, account: StaffAccount, password_hash: str, now: Instant, expires_at: Instant
) -> tuple[Token, StaffSession]:
    """A new session, where the account still has this password. The token is shown this once.

    Raises SignInRefused where the account was ended, or its password changed, while the old one was worked on.
    """
    outbox.hold(conn)
    row = _row_of(conn, account.name)
    if row is None or row.ended_at is not None or row.password != password_hash:
        raise SignInRefused
    token = tokens.mint(TokenKind.STAFF)
    made = StaffSession(digest=tokens.digest(token), account=account.id, created_at=now, expires_at=expires_at)
    own = staff_sessions.c.account_id == account.id
    conn.execute(sa.delete(staff_sessions).where(staff_sessions.c.expires_at <= now))
    newest = sa.select(staff_sessions.c.digest).where(own).order_by(staff_sessions.c.created_at.desc(), staff_sessions.c.digest)
    too_many = list(conn.execute(newest.offset(MAX_SESSIONS - 1)).scalars())
    conn.execute(sa.delete(staff_sessions).where(staff_sessions.c.digest.in_(too_many)))
    conn.execute(
        sa.insert(staff_sessions).values(digest=made.digest, account_id=account.id, created_at=now, expires_at=expires_at)
    )
    outbox.append(conn, TOPIC, made.digest, {}, now)
    return token, made


def end_session(conn: Connection, digest: str, now: Instant) -> bool:
    """End one session. False where there is no such one."""
    ended = conn.execute(sa.delete(staff_sessions).where(staff_sessions.c.digest == digest))
    if ended.rowcount:
        outbox.append(conn, TOPIC, digest, {}, now)
    return bool(ended.rowcount)


def all_accounts(conn: Connection) -> Sequence[StaffAccount]:
    """Every account there ever was, by name."""
    return [_account(row) for row in conn.execute(sa.select(staff_accounts).order_by(staff_accounts.c.name))]


def living_accounts(conn: Connection) -> Sequence[StaffAccount]:
    return [_account(row) for row in conn.execute(sa.select(staff_accounts).where(staff_accounts.c.ended_at.is_(None)))]


def all_sessions(conn: Connection) -> Sequence[StaffSession]:
    """Those that were not ended; some may have expired."""
    return [
        StaffSession(digest=r.digest, account=r.account_id, created_at=r.created_at, expires_at=r.expires_at)
        for r in conn.execute(sa.select(staff_sessions))
    ]


def _living(conn: Connection, name: str) -> StaffAccount:
    outbox.hold(conn)  # whoever signs in at this moment does so before, or not at all
    row = _row_of(conn, name)
    if row is None or row.ended_at is not None:
        raise PartyError(
            f"There is no account {name!r}." if row is None else f"The account {name!r} has ended.",
            remedy="`matinee staff list` lists them.",
            code=ErrorCode.NOT_FOUND,
        )
    return _account(row)


def _row_of(conn: Connection, name: str) -> "sa.Row[Any] | None":
    return conn.execute(sa.select(staff_accounts).where(staff_accounts.c.name == name)).one_or_none()


def _end_sessions(conn: Connection, account: StaffId) -> None:
    conn.execute(sa.delete(staff_sessions).where(staff_sessions.c.account_id == account))


def _tell(conn: Connection, account: StaffAccount, action: str, now: Instant, actor: str) -> None:
    detail = {"name": account.name, **values_of(account.seat)}
    audit.record(conn, actor, action, account.id, detail, now, sides=sides_of(account.seat))
    outbox.append(conn, TOPIC, account.id, {}, now)


def _account(row: Any) -> StaffAccount:
    return StaffAccount(id=row.id, name=row.name, seat=seat_of(row), created_at=row.created_at, ended_at=row.ended_at)
