"""SQL for prepaid credit, as double entries: every movement is one entry of lines whose sum is zero, and none is ever changed.

There is no column with a balance: a balance is the sum of an account's lines, so that it cannot disagree with them. What a
publisher owes a household stands on that household's account "credit", positive; the other side of it on the publisher's accounts
"vouchers" (what was redeemed, negative) and "sales" (what was earned, positive). So all lines of a currency sum to zero.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId, PublisherId, new_id
from matinee.base.money import MAX_MINOR, Money
from matinee.base.party import publisher_side
from matinee.members.model import MemberError
from matinee.members.payments import MAX_KEY, KeyUsedOtherwise
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import audit, outbox

ledger_entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), nullable=False),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False, index=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("minor", sa.BigInteger, nullable=False),  # what was moved, above zero
    sa.Column("of_key", sa.Text),  # of a refund: the charge of which it gives back
    sa.Column("at", InstantColumn, nullable=False),
    sa.UniqueConstraint("publisher_id", "key"),
    sa.Index("ix_ledger_entries_of_key", "publisher_id", "of_key"),
)

ledger_lines = sa.Table(
    "ledger_lines",
    metadata,
    sa.Column("entry_id", sa.Text, sa.ForeignKey("ledger_entries.id"), primary_key=True),
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("publisher_id", sa.Text, nullable=False),
    sa.Column("household_id", sa.Text),  # of the account "credit" alone
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("minor", sa.BigInteger, nullable=False),
    sa.Index("ix_ledger_lines_account", "publisher_id", "household_id", "currency"),
)


class Account(StrEnum):
    CREDIT = "credit"
    VOUCHERS = "vouchers"
    SALES = "sales"


class Movement(StrEnum):
    """What an entry is, and so between which accounts it moves its amount: from the first to the second."""

    REDEEM = "redeem"
    CHARGE = "charge"
    REFUND = "refund"


_BETWEEN: Final[Mapping[Movement, tuple[Account, Account]]] = {
    Movement.REDEEM: (Account.VOUCHERS, Account.CREDIT),
    Movement.CHARGE: (Account.CREDIT, Account.SALES),
    Movement.REFUND: (Account.SALES, Account.CREDIT),
}


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One movement of a household's credit at a publisher. `amount` is above zero; `of` names the charge that a refund is of."""

    id: str
    publisher: PublisherId
    household: HouseholdId
    key: str
    kind: Movement
    amount: Money
    at: Instant
    of: str | None = None


class Overdrawn(MemberError):
    """The account would go below zero: nothing was moved."""

    code = ErrorCode.CONFLICT


def move(conn: Connection, asked: Entry, *, actor: str) -> tuple[Entry, bool]:
    """Make a movement once: what is recorded under its key, and whether it was new. The entry's id is given here.

    Raises KeyUsedOtherwise; Overdrawn where a charge is above the credit, or a refund above what is left of its charge;
    MemberError for an amount that is not above zero.
    """
    outbox.hold(conn)  # of two that would spend the same credit, the second finds it spent; and before the audit's lock
    before = entry_of(conn, asked.publisher, asked.key)
    if before is not None:
        return _again(before, asked), False
    if not 0 < asked.amount.minor <= MAX_MINOR:
        raise MemberError("An amount that is moved is above zero.", remedy="Turn the movement round instead of its sign.")
    if not asked.key or len(asked.key) > MAX_KEY:
        raise MemberError(f"A movement's key has 1 to {MAX_KEY} characters.")
    _check_covered(conn, asked)
    made = msgspec.structs.replace(asked, id=new_id())
    conn.execute(
        sa.insert(ledger_entries).values(
            id=made.id,
            publisher_id=made.publisher,
            household_id=made.household,
            key=made.key,
            kind=made.kind.value,
            currency=made.amount.currency,
            minor=made.amount.minor,
            of_key=made.of,
            at=made.at,
        )
    )
    giving, getting = _BETWEEN[made.kind]
    conn.execute(sa.insert(ledger_lines), [_line(made, giving, -made.amount), _line(made, getting, made.amount)])
    detail = {"household": made.household, "key": made.key, "amount": made.amount.decimal, "currency": made.amount.currency}
    detail |= {"entry": made.id} | ({} if made.of is None else {"of": made.of})
    action = f"credit.{made.kind.value}"
    audit.record(conn, actor, action, made.household, detail, made.at, sides=[publisher_side(made.publisher)])
    return made, True


def entry_of(conn: Connection, publisher: PublisherId, key: str) -> Entry | None:
    named = (ledger_entries.c.publisher_id == publisher, ledger_entries.c.key == key)
    row = conn.execute(sa.select(ledger_entries).where(*named)).one_or_none()
    return None if row is None else _entry(row)


def entries_of(conn: Connection, household: HouseholdId) -> Sequence[Entry]:
    """All movements of a household's credit, at whatever publisher, oldest first."""
    query = sa.select(ledger_entries).where(ledger_entries.c.household_id == household)
    return [_entry(row) for row in conn.execute(query.order_by(ledger_entries.c.at, ledger_entries.c.id))]


def balance(conn: Connection, publisher: PublisherId, household: HouseholdId, currency: str) -> Money:
    """What a household has to spend at a publisher in a currency."""
    own = (
        ledger_lines.c.publisher_id == publisher,
        ledger_lines.c.household_id == household,
        ledger_lines.c.currency == currency,
    )
    total = conn.execute(sa.select(sa.func.coalesce(sa.func.sum(ledger_lines.c.minor), 0)).where(*own)).scalar_one()
    return Money(int(total), currency)


def balances(conn: Connection, household: HouseholdId) -> Mapping[tuple[PublisherId, str], Money]:
    """A household's credit by publisher and currency, those too that are spent."""
    query = (
        sa.select(ledger_lines.c.publisher_id, ledger_lines.c.currency, sa.func.sum(ledger_lines.c.minor).label("total"))
        .where(ledger_lines.c.household_id == household)
        .group_by(ledger_lines.c.publisher_id, ledger_lines.c.currency)
        .order_by(ledger_lines.c.publisher_id, ledger_lines.c.currency)
    )
    return {(row.publisher_id, row.currency): Money(int(row.total), row.currency) for row in conn.execute(query)}


def faults(conn: Connection) -> Sequence[str]:
    """What is wrong with the whole ledger, in words: no entry may be out of balance, no currency, and no credit below zero."""
    lines, found = ledger_lines.c, []
    by_entry = sa.select(lines.entry_id).group_by(lines.entry_id, lines.currency).having(sa.func.sum(lines.minor) != 0)
    found += [f"The lines of the entry {row.entry_id} do not sum to zero." for row in conn.execute(by_entry)]
    whole = sa.select(lines.currency, sa.func.sum(lines.minor).label("total")).group_by(lines.currency)
    found += [f"All lines in {row.currency} sum to {row.total}, not to zero." for row in conn.execute(whole) if row.total]
    alone = sa.select(ledger_entries.c.id).where(~sa.exists().where(lines.entry_id == ledger_entries.c.id))
    found += [f"The entry {row.id} has no lines." for row in conn.execute(alone)]
    credit = sa.select(lines.publisher_id, lines.household_id).where(lines.account == Account.CREDIT.value)
    below = credit.group_by(lines.publisher_id, lines.household_id, lines.currency).having(sa.func.sum(lines.minor) < 0)
    found += [f"The credit of the household {row.household_id} is below zero." for row in conn.execute(below)]
    return found


def _check_covered(conn: Connection, asked: Entry) -> None:
    amount = asked.amount
    if asked.kind is Movement.CHARGE:
        has = balance(conn, asked.publisher, asked.household, amount.currency)
        if has.minor < amount.minor:
            raise Overdrawn(f"The credit is {has}, and {amount} is asked.", remedy="Redeem a voucher first.")
    if asked.kind is Movement.REFUND:
        charged = entry_of(conn, asked.publisher, asked.of or "")
        if charged is None or charged.kind is not Movement.CHARGE or charged.household != asked.household:
            raise MemberError("There is no such charge to give back of.", code=ErrorCode.NOT_FOUND)
        given = (ledger_entries.c.publisher_id == asked.publisher, ledger_entries.c.of_key == asked.of)
        before = conn.execute(sa.select(sa.func.coalesce(sa.func.sum(ledger_entries.c.minor), 0)).where(*given)).scalar_one()
        left = charged.amount - Money(int(before), charged.amount.currency)
        if amount.currency != left.currency or amount.minor > left.minor:
            raise Overdrawn(f"Of that charge {left} is left to give back, not {amount}.", remedy="Give back no more than that.")


def _again(before: Entry, asked: Entry) -> Entry:
    same = (before.household, before.kind, before.amount, before.of) == (asked.household, asked.kind, asked.amount, asked.of)
    if same:
        return before
    raise KeyUsedOtherwise(
        f"The key {before.key!r} names another movement: {before.kind.value} of {before.amount}.",
        remedy="Give each payment a key of its own; to ask for one again, ask for all of it as before.",
    )


def _line(entry: Entry, account: Account, amount: Money) -> dict[str, Any]:
    return {
        "entry_id": entry.id,
        "account": account.value,
        "publisher_id": entry.publisher,
        "household_id": entry.household if account is Account.CREDIT else None,
        "currency": amount.currency,
        "minor": amount.minor,
    }


def _entry(row: "Row[Any]") -> Entry:
    return Entry(
        id=row.id,
        publisher=row.publisher_id,
        household=row.household_id,
        key=row.key,
        kind=Movement(row.kind),
        amount=Money(int(row.minor), row.currency),
        at=row.at,
        of=row.of_key,
    )
