"""SQL for the names by which an operator and a service speak of one home, and for the links by which homes activate.

A partner account is random and of one operator and one service: by it two services cannot find out that they have a home in
common. Of an activation's code we keep the hash alone.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, OperatorId, PartnerAccountId, ServiceId, new_id
from matinee.outside.database import InstantColumn, metadata

partner_accounts = sa.Table(
    "partner_accounts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id"), nullable=False),
    sa.Column("service_id", sa.Text, sa.ForeignKey("services.id"), nullable=False),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), index=True),  # none until its link is opened
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("bound_at", InstantColumn),
    sa.UniqueConstraint("operator_id", "service_id", "household_id"),
)

activation_codes = sa.Table(
    "activation_codes",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, sa.ForeignKey("partner_accounts.id"), nullable=False, index=True),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("expires_at", InstantColumn, nullable=False),
    sa.Column("ended_at", InstantColumn),  # it was opened, or another took its place
)


class PartnerAccount(msgspec.Struct, frozen=True, kw_only=True):
    """How an operator and a service name one home. `household` None: its link was not opened yet."""

    id: PartnerAccountId
    operator: OperatorId
    service: ServiceId
    household: HouseholdId | None
    created_at: Instant


def add_account(
    conn: Connection, operator: OperatorId, service: ServiceId, household: HouseholdId | None, now: Instant
) -> PartnerAccount:
    """A new account. For a home that has one already ask `account_of` first."""
    made = PartnerAccount(id=PartnerAccountId(new_id()), operator=operator, service=service, household=household, created_at=now)
    conn.execute(
        sa.insert(partner_accounts).values(
            id=made.id,
            operator_id=operator,
            service_id=service,
            household_id=household,
            created_at=now,
            bound_at=None if household is None else now,
        )
    )
    return made


def account(conn: Connection, one: PartnerAccountId) -> PartnerAccount | None:
    row = conn.execute(sa.select(partner_accounts).where(partner_accounts.c.id == one)).one_or_none()
    return None if row is None else _account(row)


def account_of(conn: Connection, operator: OperatorId, service: ServiceId, household: HouseholdId) -> PartnerAccount | None:
    """The account by which these two name this home."""
    row = conn.execute(
        sa.select(partner_accounts).where(
            partner_accounts.c.operator_id == operator,
            partner_accounts.c.service_id == service,
            partner_accounts.c.household_id == household,
        )
    ).one_or_none()
    return None if row is None else _account(row)


def accounts_of(conn: Connection, household: HouseholdId, service: ServiceId) -> Sequence[PartnerAccount]:
    """The accounts by which operators and a service name this home."""
    of_both = (partner_accounts.c.household_id == household, partner_accounts.c.service_id == service)
    return [_account(row) for row in conn.execute(sa.select(partner_accounts).where(*of_both).order_by(partner_accounts.c.id))]


def all_of(conn: Connection, *households: HouseholdId) -> Sequence[PartnerAccount]:
    """Every account by which anybody names these homes."""
    query = sa.select(partner_accounts).where(partner_accounts.c.household_id.in_(households))
    return [_account(row) for row in conn.execute(query.order_by(partner_accounts.c.id))]


def bind(conn: Connection, one: PartnerAccount, household: HouseholdId, now: Instant) -> PartnerAccount:
    """The account, as this home's from now on."""
    conn.execute(sa.update(partner_accounts).where(partner_accounts.c.id == one.id).values(household_id=household, bound_at=now))
    return msgspec.structs.replace(one, household=household)


def add_code(conn: Connection, one: PartnerAccountId, code: str, now: Instant, expires_at: Instant) -> None:
    """Keep a new code of an account. Those before it open nothing any more."""
    of_account = (activation_codes.c.account_id == one, activation_codes.c.ended_at.is_(None))
    conn.execute(sa.update(activation_codes).where(*of_account).values(ended_at=now))
    conn.execute(sa.insert(activation_codes).values(digest=_digest(code), account_id=one, created_at=now, expires_at=expires_at))


def account_to_open(conn: Connection, code: str, now: Instant) -> tuple[PartnerAccount, bool] | None:
    """Whose link this is, and whether it still opens it: it was not used or replaced, and has not run out."""
    row = conn.execute(
        sa.select(partner_accounts, activation_codes.c.ended_at, activation_codes.c.expires_at)
        .join(activation_codes, activation_codes.c.account_id == partner_accounts.c.id)
        .where(activation_codes.c.digest == _digest(code))
    ).one_or_none()
    return None if row is None else (_account(row), row.ended_at is None and now < row.expires_at)


def use_code(conn: Connection, code: str, now: Instant) -> None:
    """It opens nothing any more."""
    conn.execute(sa.update(activation_codes).where(activation_codes.c.digest == _digest(code)).values(ended_at=now))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _account(row: "Row[Any]") -> PartnerAccount:
    return PartnerAccount(
        id=row.id,
        operator=row.operator_id,
        service=row.service_id,
        household=row.household_id,
        created_at=row.created_at,
    )
