"""Prepaid credit as a way to pay: what vouchers filled, charges spend. Each call is one transaction of its own, as a processor's
would be, so that whoever calls it must stand being killed between a payment and the record of it."""

from matinee.base.clock import Clock
from matinee.base.ids import PublisherId
from matinee.members import ledger
from matinee.members.ledger import Entry, Movement, Overdrawn
from matinee.members.payments import Declined, Payment, Receipt
from matinee.outside.database import Database


class PrepaidCredit:
    """Implements `payments.PaymentPort` over the ledger. Safe from threads and processes."""

    source = "credit"

    def __init__(self, database: Database, clock: Clock, *, actor: str) -> None:
        self._database = database
        self._clock = clock
        self._actor = actor

    def charge(self, payment: Payment) -> Receipt:
        """See `PaymentPort.charge`."""
        return self._move(payment, Movement.CHARGE, None)

    def refund(self, payment: Payment, of: str) -> Receipt:
        """See `PaymentPort.refund`. Raises MemberError (not_found) where no charge of this household has that key."""
        return self._move(payment, Movement.REFUND, of)

    def found(self, publisher: PublisherId, key: str) -> Receipt | None:
        """See `PaymentPort.found`."""
        with self._database.read() as conn:
            entry = ledger.entry_of(conn, publisher, key)
        return None if entry is None else _receipt(entry)

    def _move(self, payment: Payment, kind: Movement, of: str | None) -> Receipt:
        asked = Entry(
            id="",
            publisher=payment.publisher,
            household=payment.household,
            key=payment.key,
            kind=kind,
            amount=payment.amount,
            at=self._clock(),
            of=of,
        )
        try:
            with self._database.write() as conn:
                return _receipt(ledger.move(conn, asked, actor=self._actor)[0])
        except Overdrawn as error:
            raise Declined(error.message, remedy=error.remedy) from error


def _receipt(entry: Entry) -> Receipt:
    return Receipt(key=entry.key, household=entry.household, amount=entry.amount, at=entry.at, reference=entry.id)
