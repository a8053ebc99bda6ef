"""Giving a direct charge back, in whole or in part: a movement of credit and a charge below zero, both new and named alike."""

import re
from typing import Final

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import PublisherId
from matinee.base.money import Money
from matinee.base.party import publisher_side
from matinee.members import charge_store
from matinee.members.charges import Charge, given_back
from matinee.members.model import MemberError
from matinee.members.payments import Payment, PaymentPort
from matinee.members.tax import tax_of_part
from matinee.outside.database import Database
from matinee.parties import outbox

_REFERENCE: Final = re.compile(r"[A-Za-z0-9-]{1,20}", re.ASCII)


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
    own_id = f"{event_id}.refund.{reference}"
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
        outbox.hold(conn)  # of two refunds of one charge, the second sees how much tax the first gave back
        given = given_back(charge_store.charges_of(conn, charge.household), event_id, amount.currency)
        percent = charge.percent
        made = Charge(
            event_id=own_id,
            publisher=publisher,
            operator=None,
            household=charge.household,
            plan=charge.plan,
            subscription=charge.subscription,
            first=charge.first,
            until=charge.until,
            amount=-receipt.amount,
            tax=None if percent is None else -tax_of_part(receipt.amount, given, percent),
            percent=percent,
            country=charge.country,
            zone=charge.zone,
            source=port.source,
            corrects=event_id,
            at=receipt.at,
            recorded_at=now,
        )
        return charge_store.record_charge(conn, made, actor=actor)
