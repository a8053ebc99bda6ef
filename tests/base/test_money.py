"""Amounts are exact: what is written is what is read, and a half is rounded alike on both sides of zero."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matinee.base.money import Money, digits_of, parse_money, rounded

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "TND", "CLF", "CHF"])
MINOR = st.integers(-(10**14), 10**14)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("7.99", "EUR", 799),
        ("7.9", "EUR", 790),
        ("0.05", "EUR", 5),
        ("-0.05", "EUR", -5),
        ("500", "JPY", 500),
        ("1.234", "TND", 1234),
        ("00012", "EUR", 1200),
    ],
)
def test_an_amount_is_read_in_the_minor_unit_of_its_currency(text: str, currency: str, minor: int) -> None:
    assert parse_money(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("7,99", "EUR"),
        ("7.999", "EUR"),
        ("500.0", "JPY"),
        ("1e3", "EUR"),
        ("1 000", "EUR"),
        ("1_000", "EUR"),
        ("+7", "EUR"),
        ("", "EUR"),
        (".5", "EUR"),
        ("5.", "EUR"),
        ("NaN", "EUR"),
        ("٧", "EUR"),
        ("7.99\n", "EUR"),
        ("1" * 14, "EUR"),
        ("7.99", "eur"),
        ("7.99", "EURO"),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_read(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_money(text, currency)


@given(MINOR, CURRENCIES)
def test_what_is_written_is_read_again(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert parse_money(money.decimal, currency) == money
    assert len(money.decimal.partition(".")[2]) == digits_of(currency)


@given(MINOR, MINOR, CURRENCIES)
def test_to_take_away_is_to_add_what_is_owed(one: int, other: int, currency: str) -> None:
    a, b = Money(one, currency), Money(other, currency)
    assert a - b == a + -b
    assert (a - b) + b == a


def test_two_currencies_are_never_mixed() -> None:
    with pytest.raises(ValueError, match="EUR and USD"):
        Money(1, "EUR") - Money(1, "USD")


@example(Fraction(5, 2))
@example(Fraction(-5, 2))
@given(st.fractions(max_denominator=1000))
def test_rounding_is_the_nearest_and_the_same_on_both_sides_of_zero(exact: Fraction) -> None:
    whole = rounded(exact)
    assert abs(whole - exact) <= Fraction(1, 2)
    assert rounded(-exact) == -whole
    if (2 * exact).denominator == 1 and exact.denominator != 1:
        assert abs(whole) > abs(exact), "a half goes away from zero"
