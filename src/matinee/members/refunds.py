"""Giving a direct charge back, in whole or in part: a movement of credit and a charge below zero, both new and named alike."""

import re
from datetime import date
from typing import Final

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import PublisherId
from matinee.base.money import Money
from matinee.base.party import publisher_side
from matinee.members import charge_store
from matinee.members.charges import Charge, Due, given_back, share_of
from matinee.members.model import MemberError
from matinee.members.payments import Payment, PaymentPort, Receipt
from matinee.members.tax import tax_of_part
from matinee.outside.database import Database
from matinee.parties import outbox

_REFERENCE: Final = re.compile(r"[A-Za-z0-9-]{1,20}", re.ASCII)
_DAYS: Final = "other_payer"
"""Nobody can name a refund so by hand, and a charge has one: it ends a month, which ends once."""


def refund(
    database: Database,
    port: PaymentPort,
    publisher: PublisherId,
    event_id: str,
    amount: Money | None,
    reference: str,
    now: Instant,
    *,
    actor: str,
) -> tuple[Charge, bool]:
    """Give back an amount of a charge, or with None all that is left of it: the charge below zero, and whether it is new.

    `reference` names this giving back: said again, by whoever was killed in the middle, it gives nothing more. Raises
    MemberError.
    """
    if not _REFERENCE.fullmatch(reference):
        raise MemberError("A refund's reference is 1 to 20 letters, digits and dashes.", remedy="Write a short one.")
    seller = publisher_side(publisher)
    own_id = _own_id(event_id, reference)
    with database.read() as conn:
        charge = charge_store.charge_of(conn, seller, event_id)
        before = charge_store.charge_of(conn, seller, own_id)
        had = () if charge is None else charge_store.charges_of(conn, charge.household)
    if charge is None or charge.corrects is not None:
        raise MemberError(
            f"There is no charge {event_id!r}.", remedy="matinee credit HOUSEHOLD lists them.", code=ErrorCode.NOT_FOUND
        )
    paid = port.found(publisher, own_id)
    if amount is None:
        left = charge.amount - given_back(had, event_id, charge.amount.currency)
        amount = -before.amount if before is not None else left if paid is None else paid.amount
    asked = Payment(key=own_id, publisher=publisher, household=charge.household, amount=amount)
    receipt = port.refund(asked, of=event_id)
    with database.write() as conn:
        return _record(conn, charge, receipt, charge.first, port.source, now, actor)


def give_days_back(database: Database, port: PaymentPort, due: Due, since: date, now: Instant, *, actor: str) -> None:
    """Give back what a paid month's days from one on cost, once, and let the month end there. Raises MemberError.

    Whoever was killed in the middle left the month as long as it was: the next one gives nothing more, and shortens it.
    """
    own_id = _own_id(due.event_id, _DAYS)
    with database.read() as conn:
        charge = charge_store.charge_of(conn, publisher_side(due.publisher), due.event_id)
        had = charge_store.charges_of(conn, due.household)
    if charge is None:
        raise MemberError(f"There is no charge {due.event_id!r}.", code=ErrorCode.INTERNAL)
    receipt = port.found(due.publisher, own_id)
    if receipt is None:
        left = charge.amount - given_back(had, due.event_id, charge.amount.currency) - share_of(charge, since)
        if left.minor > 0:  # what somebody gave back by hand is not given twice
            asked = Payment(key=own_id, publisher=due.publisher, household=due.household, amount=left)
            receipt = port.refund(asked, of=due.event_id)
    with database.write() as conn:
        outbox.hold(conn)
        if charge_store.shorten_due(conn, due, since) and receipt is not None:
            _record(conn, charge, receipt, since, port.source, now, actor)


def _record(
    conn: Connection, charge: Charge, receipt: Receipt, first: date, source: str, now: Instant, actor: str
) -> tuple[Charge, bool]:
    outbox.hold(conn)  # of two refunds of one charge, the second sees how much tax the first gave back
    before = charge_store.charge_of(conn, charge.seller, receipt.key)
    if before is not None:
        return before, False
    given = given_back(charge_store.charges_of(conn, charge.household), charge.event_id, charge.amount.currency)
    percent = charge.percent
    made = Charge(
        event_id=receipt.key,
        publisher=charge.publisher,
        operator=None,
        household=charge.household,
        plan=charge.plan,
        subscription=charge.subscription,
        first=first,
        until=charge.until,
        amount=-receipt.amount,
        tax=None if percent is None else -tax_of_part(receipt.amount, given, percent),
        percent=percent,
        country=charge.country,
        zone=charge.zone,
        source=source,
        corrects=charge.event_id,
        at=receipt.at,
        recorded_at=now,
    )
    return charge_store.record_charge(conn, made, actor=actor)


def _own_id(event_id: str, reference: str) -> str:
    return f"{event_id}.refund.{reference}"
