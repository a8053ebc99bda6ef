"""What a plan costs where, from which day on, and for how many days it may be tried. Pure.

A price is for a month, with every tax in it: what the home is told is what it pays. A day is the place's own.
"""

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from matinee.base.clock import Instant
from matinee.base.ids import PlanId
from matinee.base.money import Money
from matinee.members.model import MemberError

MAX_MINOR: Final = 1_000_000_000
MAX_TRIAL_DAYS: Final = 366
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a month of a plan costs in a country (ISO 3166) from a day on ("2014-11-01"). `money` None: it is not sold there."""

    plan: PlanId
    country: str
    money: Money | None
    from_day: str
    recorded_at: Instant


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """For how many days what is sold from then on costs nothing."""

    plan: PlanId
    days: int
    recorded_at: Instant


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """All that was recorded of one plan, in the order of recording."""

    prices: tuple[Price, ...] = ()
    trials: tuple[Trial, ...] = ()


NO_TERMS: Final = Terms()


def price_on(prices: Iterable[Price], country: str, day: str, known_at: Instant | None = None) -> Money | None:
    """The price in a country on a day, as it was known at a moment; None where none is set, or it is not sold there."""
    held = [one for one in in_order(prices, known_at) if one.country == country and one.from_day <= day]
    return held[-1].money if held else None


def in_order(prices: Iterable[Price], known_at: Instant | None = None) -> Sequence[Price]:
    """Prices by country and day. One for a day that had another takes its place."""
    found: dict[tuple[str, str], Price] = {}
    for one in prices:
        if known_at is None or one.recorded_at <= known_at:
            before = found.get((one.country, one.from_day))
            if before is None or one.recorded_at >= before.recorded_at:
                found[one.country, one.from_day] = one
    return [found[key] for key in sorted(found)]


def trial_days(trials: Iterable[Trial], at: Instant) -> int:
    """The trial of what is sold at a moment."""
    known = [one for one in trials if one.recorded_at <= at]
    return max(known, key=lambda one: one.recorded_at).days if known else 0


def check_price(country: str, money: Money | None, from_day: str) -> None:
    """Raises MemberError."""
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise MemberError(f"country is {country!r}.", remedy="Write two capital letters (ISO 3166): FR.")
    if money is not None and not 0 <= money.minor <= MAX_MINOR:
        raise MemberError("minor is no price.", remedy=f"Write whole minor units, 0 to {MAX_MINOR:,}: 799 is 7.99 euro.")
    check_day(from_day)


def money_of(minor: int | None, currency: str) -> Money | None:
    """A price as it is told. Raises MemberError."""
    if minor is None:
        return None
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise MemberError(f"currency is {currency!r}.", remedy="Write three capital letters (ISO 4217): EUR.")
    return Money(minor, currency)


def check_day(day: str) -> None:
    """Raises MemberError."""
    try:
        if _DAY.fullmatch(day) and 1900 <= datetime.date.fromisoformat(day).year < 9000:
            return
    except ValueError:
        pass
    raise MemberError(f"from_day is {day!r}.", remedy="Write a day: 2014-11-01.")
