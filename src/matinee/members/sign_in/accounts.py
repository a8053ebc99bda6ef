"""SQL for households' accounts: a name, whose household it opens, and the hash of its password."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import AccountId, HouseholdId, new_id
from matinee.members.sign_in import codes, sessions
from matinee.members.sign_in.model import Account, HouseholdSignInRefused, SignInError
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import audit, outbox
from matinee.parties.rules import check_name

household_accounts = sa.Table(
    "household_accounts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("ended_at", InstantColumn),
)


def add_account(conn: Connection, household: HouseholdId, name: str, password_hash: str, now: Instant, *, actor: str) -> Account:
    """A new account. Raises PartyError for what is no name, SignInError for one that was given before."""
    check_name(name)
    outbox.hold(conn)
    if _row_of(conn, name) is not None:
        raise SignInError(f"The name {name!r} was given before.", remedy="Choose another.", code=ErrorCode.CONFLICT)
    made = Account(id=AccountId(new_id()), household=household, name=name, created_at=now)
    conn.execute(
        sa.insert(household_accounts).values(
            id=made.id, household_id=household, name=name, password=password_hash, created_at=now
        )
    )
    audit.record(conn, actor, "account.add", made.id, {"household": household}, now)
    return made


def change_password(conn: Connection, name: str, password_hash: str, now: Instant, *, actor: str) -> Account:
    """Take another password, and end all that was signed in with the old one. Raises SignInError."""
    account = _living(conn, name)
    own = household_accounts.c.id == account.id
    conn.execute(sa.update(household_accounts).where(own).values(password=password_hash))
    _sign_out(conn, account, now)
    audit.record(conn, actor, "account.password", account.id, {"household": account.household}, now)
    return account


def end_account(conn: Connection, name: str, now: Instant, *, actor: str) -> Account:
    """End an account, and all that is signed in with it. Its name is never given again. Raises SignInError."""
    account = _living(conn, name)
    conn.execute(sa.update(household_accounts).where(household_accounts.c.id == account.id).values(ended_at=now))
    _sign_out(conn, account, now)
    audit.record(conn, actor, "account.end", account.id, {"household": account.household}, now)
    return account


def account_to_sign_in(conn: Connection, name: str) -> tuple[Account, str] | None:
    """The account of a name with its password's hash; None for one that is not there, or has ended."""
    row = _row_of(conn, name)
    return None if row is None or row.ended_at is not None else (_account(row), row.password)


def check_still(conn: Connection, account: Account, password_hash: str) -> None:
    """Raises HouseholdSignInRefused where the account ended, or its password changed, while the old one was worked on."""
    row = _row_of(conn, account.name, locked=True)
    if row is None or row.ended_at is not None or row.password != password_hash:
        raise HouseholdSignInRefused


def is_living(conn: Connection, account: AccountId) -> bool:
    found = sa.select(household_accounts.c.id).where(household_accounts.c.id == account, household_accounts.c.ended_at.is_(None))
    return conn.execute(found).one_or_none() is not None


def hold(conn: Connection, household: HouseholdId) -> None:
    """Keep others from a household's accounts until the commit."""
    own = sa.select(household_accounts.c.id).where(household_accounts.c.household_id == household)
    conn.execute(own.order_by(household_accounts.c.id).with_for_update())


def erase(conn: Connection, household: HouseholdId) -> None:
    """Take a household's accounts away, names and all."""
    conn.execute(sa.delete(household_accounts).where(household_accounts.c.household_id == household))


def accounts_of(conn: Connection, household: HouseholdId | None = None) -> Sequence[Account]:
    """Every account there ever was, of one household or of all, by name."""
    query = sa.select(household_accounts).order_by(household_accounts.c.name)
    if household is not None:
        query = query.where(household_accounts.c.household_id == household)
    return [_account(row) for row in conn.execute(query)]


def _living(conn: Connection, name: str) -> Account:
    row = _row_of(conn, name, locked=True)  # whoever signs in at this moment does so before, or not at all
    if row is None or row.ended_at is not None:
        raise SignInError(
            f"There is no account {name!r}." if row is None else f"The account {name!r} has ended.",
            remedy="`matinee account list` lists them.",
            code=ErrorCode.NOT_FOUND,
        )
    return _account(row)


def _sign_out(conn: Connection, account: Account, now: Instant) -> None:
    codes.void(conn, account.household, account.id)
    sessions.end_all(conn, account.household, now, account=account.id)


def _row_of(conn: Connection, name: str, *, locked: bool = False) -> "sa.Row[Any] | None":
    query = sa.select(household_accounts).where(household_accounts.c.name == name)
    return conn.execute(query.with_for_update() if locked else query).one_or_none()


def _account(row: Any) -> Account:
    return Account(id=row.id, household=row.household_id, name=row.name, created_at=row.created_at, ended_at=row.ended_at)
