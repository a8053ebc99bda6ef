"""Invoices and credit notes: what they hold, and which charges stand on which. Pure.

An invoice tells all that a publisher charged a household in a month of the household's own days. Once issued it never changes:
what is given back later stands on a credit note, which names the invoice that it corrects. Every charge stands on one of them,
once.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, PublisherId
from matinee.base.money import Money
from matinee.members.charges import Charge
from matinee.members.model import MemberError
from matinee.members.periods import day_of, first_moment

_MONTH: Final = re.compile(r"(19|2\d)\d\d-(0[1-9]|1[0-2])", re.ASCII)


class InvoiceKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One charge, in the minor unit of the invoice's currency; days from `first` up to, not including, `until`."""

    event_id: str
    service: str
    plan: str
    first: date
    until: date
    gross: int
    tax: int
    percent: Decimal


class Invoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document as it was issued. `number` follows the publisher's last one; `corrects` is the number of the invoice that a
    credit note takes back of. `issued_on` is a day of the household's."""

    publisher: PublisherId
    number: int
    kind: InvoiceKind
    household: HouseholdId
    reference: str
    month: str
    seller: str
    details: str
    currency: str
    country: str
    issued_on: date
    issued_at: Instant
    lines: tuple[InvoiceLine, ...]
    corrects: int | None = None

    @property
    def total(self) -> Money:
        return Money(sum(line.gross for line in self.lines), self.currency)

    @property
    def tax(self) -> Money:
        return Money(sum(line.tax for line in self.lines), self.currency)

    @property
    def net(self) -> Money:
        return self.total - self.tax

    def by_rate(self) -> Sequence[tuple[Decimal, Money, Money]]:
        """(rate, net, tax) of each rate, the lowest first: sums of what the lines say, so that they add up to the total."""
        rates = sorted({line.percent for line in self.lines})
        found = []
        for rate in rates:
            of = [line for line in self.lines if line.percent == rate]
            tax = Money(sum(line.tax for line in of), self.currency)
            found.append((rate, Money(sum(line.gross for line in of), self.currency) - tax, tax))
        return found


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be issued: charges of one currency that belong on one paper."""

    kind: InvoiceKind
    currency: str
    charges: tuple[Charge, ...]
    corrects: int | None = None


def parse_month(text: str) -> str:
    """Raises MemberError."""
    if not _MONTH.fullmatch(text):
        raise MemberError(f"{text!r} is no month.", remedy="Write the year and the month: 2026-11.")
    return text


def month_of(charge: Charge) -> str:
    """The month in which it was charged, by the days of where it was."""
    return day_of(charge.at, ZoneInfo(charge.zone)).isoformat()[:7]


def is_over(month: str, zone: ZoneInfo, now: Instant) -> bool:
    year, number = int(month[:4]), int(month[5:])
    following = date(year + number // 12, number % 12 + 1, 1)
    return first_moment(following, zone) <= now


def documents(new: Iterable[Charge], issued: Mapping[str, int], invoiced: Collection[str]) -> Sequence[Document]:
    """What to issue for charges of one month that stand nowhere yet, currency by currency.

    `issued`: by event id, the number of the invoice on which a charge stands; `invoiced`: the currencies in which this month has
    an invoice already, to which nothing can be added any more: what came late waits for the next month's. What gives a charge
    back stands beside it where it has no invoice yet, and else on a credit note of that invoice.
    """
    charges = sorted(new, key=lambda one: (one.at, one.event_id))
    found: list[Document] = []
    for currency in sorted({one.amount.currency for one in charges}):
        own = [one for one in charges if one.amount.currency == currency]
        corrected = {issued[one.corrects] for one in own if one.corrects in issued and one.corrects is not None}
        fresh = tuple(one for one in own if one.corrects is None or one.corrects not in issued)
        if fresh and currency not in invoiced:
            found.append(Document(kind=InvoiceKind.INVOICE, currency=currency, charges=fresh))
        for number in sorted(corrected):
            given = tuple(one for one in own if one.corrects is not None and issued.get(one.corrects) == number)
            found.append(Document(kind=InvoiceKind.CREDIT_NOTE, currency=currency, charges=given, corrects=number))
    return found
