"""Money is whole minor units with a currency; a rate is a decimal. Nothing here is ever a float."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_WITHOUT: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
_WITH_FOUR: Final = "CLF UYW"
_DIGITS: Final = {
    currency: digits for digits, names in ((0, _WITHOUT), (3, _WITH_THREE), (4, _WITH_FOUR)) for currency in names.split()
}
"""How many digits follow the point, where it is not two (ISO 4217, list one)."""

_AMOUNT: Final = re.compile(r"(-?)(\d{1,15})(?:\.(\d{1,4}))?", re.ASCII)
MAX_MINOR: Final = 10**15
"""No amount is larger: a thousand milliards of cents, which sums of a million rows hold in 64 bits."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency's minor unit: Money(799, "EUR") is 7.99 euro."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not is_currency(self.currency):
            raise ValueError(f"a currency is three capital letters (ISO 4217), not {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added; convert one at a dated rate first")
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return self + -other

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    @property
    def decimal(self) -> str:
        """The amount in major units, as `parse_money` reads it: "7.99", "-0.05", "500"."""
        digits = digits_of(self.currency)
        whole, part = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}.{part:0{digits}}" if digits else f"{sign}{whole}"

    def __str__(self) -> str:
        return f"{self.decimal} {self.currency}"


def is_currency(text: str) -> bool:
    """Whether this has the shape of an ISO 4217 code."""
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()


def digits_of(currency: str) -> int:
    """How many digits follow the point in this currency: 2 for EUR, 0 for JPY, 3 for TND."""
    return _DIGITS.get(currency, 2)


def parse_money(amount: str, currency: str) -> Money:
    """Read "7.99" in a currency. Raises ValueError, which says what is wrong, for all that is not exactly an amount of it.

    No exponent, no separator of thousands, no comma: what could be read in two ways is not read.
    """
    found = _AMOUNT.fullmatch(amount)
    if found is None:
        raise ValueError(f"{amount!r} is no amount: write digits and a point, such as 7.99")
    sign, whole, part = found[1], found[2], found[3] or ""
    digits = digits_of(currency)
    if len(part) > digits:
        raise ValueError(f"{amount!r} has {len(part)} digits after the point, and {currency} has {digits}")
    minor = int(whole + part.ljust(digits, "0"))
    if minor > MAX_MINOR:
        raise ValueError(f"{amount!r} is larger than any amount here")
    return Money(-minor if sign else minor, currency)


def rounded(exact: Fraction) -> int:
    """To the nearest whole unit, and the half away from zero: 2.5 is 3, and -2.5 is -3.

    It is how tax offices and tills round, and since it treats both signs alike, what is taken back is what was taken.
    """
    whole = int(abs(exact) + Fraction(1, 2))
    return -whole if exact < 0 else whole
