"""The tax that a price holds. Pure. Prices are tax inclusive: what a home pays is the price, and the tax is a part of it.

The tax of an amount is worked out exactly, amount * rate / (100 + rate), and rounded once to a whole minor unit, the half away
from zero. It is worked out for each charge; an invoice adds the taxes of its lines up and never rounds again, so that what was
told of a charge and of an invoice are the same cents. The net is what remains: net and tax are always the amount.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from matinee.base.clock import Instant
from matinee.base.ids import PublisherId
from matinee.base.money import Money, rounded
from matinee.members.model import MemberError

_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_PERCENT: Final = re.compile(r"\d{1,2}(\.\d{1,4})?", re.ASCII)


class TaxRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a publisher's sales to a country (ISO 3166) are taxed at, from a day on until a later one says otherwise.

    `percent` is a decimal: 20, 5.5, 0.
    """

    publisher: PublisherId
    country: str
    percent: Decimal
    since: date
    recorded_at: Instant


def parse_country(text: str) -> str:
    """Raises MemberError."""
    if not _COUNTRY.fullmatch(text):
        raise MemberError(f"{text!r} is no country.", remedy="Write two capital letters (ISO 3166): FR.")
    return text


def parse_percent(text: str) -> Decimal:
    """Raises MemberError. At most four digits after the point, and below a hundred."""
    if not _PERCENT.fullmatch(text):
        raise MemberError(f"{text!r} is no rate of tax.", remedy="Write a percentage from 0 to 99.9999, such as 20 or 5.5.")
    return Decimal(text)


def rate_on(rates: Iterable[TaxRate], publisher: PublisherId, country: str, day: date) -> Decimal | None:
    """The rate that holds on a day. Of several that begin on one day the one recorded last; None where none is recorded."""
    known = [one for one in rates if (one.publisher, one.country) == (publisher, country) and one.since <= day]
    found = max(known, key=lambda one: (one.since, one.recorded_at), default=None)
    return None if found is None else found.percent


def tax_in(gross: Money, percent: Decimal) -> Money:
    """The tax that a tax-inclusive amount holds. Of an amount that is given back it is that of the amount, given back too."""
    rate = Fraction(percent)
    return Money(rounded(gross.minor * rate / (100 + rate)), gross.currency)


def tax_of_part(part: Money, before: Money, percent: Decimal) -> Money:
    """The tax in a part of an amount of which `before` was told apart already.

    A charge that is given back in parts gives back exactly its tax: the parts' taxes add up to that of the whole.
    """
    return tax_in(before + part, percent) - tax_in(before, percent)
