"""The tax in a price: exact, never more nor less than the amount, and given back as it was taken."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import Instant
from matinee.base.ids import PublisherId
from matinee.base.money import Money
from matinee.members.model import MemberError
from matinee.members.tax import TaxRate, parse_country, parse_percent, rate_on, tax_in, tax_of_part
from matinee.outside.database import Database

STUDIO, RIVAL = PublisherId("studio"), PublisherId("rival")
GROSS = st.integers(1, 10**9).map(lambda minor: Money(minor, "EUR"))
PERCENT = st.decimals(0, "99.9999", places=4)


@pytest.mark.parametrize(
    ("gross", "percent", "tax"),
    [
        (1200, "20", 200),
        (799, "20", 133),  # 133.1666...
        (799, "5.5", 42),  # 41.65...
        (3, "20", 1),  # exactly a half: 0.5
        (799, "0", 0),
        (1, "99.9999", 0),  # 0.49999...
        (-3, "20", -1),
    ],
)
def test_the_tax_in_an_amount(gross: int, percent: str, tax: int) -> None:
    assert tax_in(Money(gross, "EUR"), Decimal(percent)) == Money(tax, "EUR")


@given(GROSS, PERCENT)
def test_net_and_tax_are_the_amount_and_the_tax_is_within_half_a_cent(gross: Money, percent: Decimal) -> None:
    tax = tax_in(gross, percent)
    exact = Fraction(gross.minor) * Fraction(percent) / (100 + Fraction(percent))
    assert abs(tax.minor - exact) <= Fraction(1, 2)
    assert 0 <= tax.minor <= gross.minor
    assert tax_in(-gross, percent) == -tax, "what is given back holds the tax that was taken"


@given(st.lists(GROSS, min_size=1, max_size=20), PERCENT)
def test_a_charge_given_back_in_parts_gives_back_its_tax(parts: list[Money], percent: Decimal) -> None:
    before, taxes = Money(0, "EUR"), Money(0, "EUR")
    for part in parts:
        taxes += tax_of_part(part, before, percent)
        before += part
    assert taxes == tax_in(before, percent)


def _rate(percent: str, since: date, recorded_at: int = 1, publisher: PublisherId = STUDIO, country: str = "FR") -> TaxRate:
    return TaxRate(publisher=publisher, country=country, percent=Decimal(percent), since=since, recorded_at=Instant(recorded_at))


def test_the_rate_is_that_of_the_country_and_the_day() -> None:
    rates = [
        _rate("19.6", date(2000, 4, 1)),
        _rate("21", date(2014, 1, 1), recorded_at=1),
        _rate("20", date(2014, 1, 1), recorded_at=2),
        _rate("5", date(2000, 1, 1), publisher=RIVAL),
        _rate("19", date(2007, 1, 1), country="DE"),
    ]
    assert rate_on(rates, STUDIO, "FR", date(2000, 3, 31)) is None
    assert rate_on(rates, STUDIO, "FR", date(2013, 12, 31)) == Decimal("19.6")
    assert rate_on(rates, STUDIO, "FR", date(2014, 1, 1)) == Decimal("20"), "the newer record of the same day"
    assert rate_on(rates, STUDIO, "IT", date(2014, 1, 1)) is None


@pytest.mark.parametrize("text", ["-1", "100", "20%", "1e1", "", "5,5", "٢"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(MemberError, match="no rate of tax"):
        parse_percent(text)


def test_what_is_no_country_is_refused() -> None:
    assert parse_country("FR") == "FR"
    with pytest.raises(MemberError, match="no country"):
        parse_country("France")


def test_a_rate_is_kept_as_the_decimal_that_it_was(any_database: Database) -> None:
    from matinee.members import tax_store
    from matinee.parties import audit, store

    with any_database.write() as conn:
        studio = store.ensure_publisher(conn, "Studio", "EUR", Instant(1)).id
        tax_store.record_rate(conn, studio, "FR", Decimal("5.5"), date(2014, 1, 1), Instant(2), actor="test")
        tax_store.record_rate(conn, studio, "FR", Decimal("20"), date(2015, 1, 1), Instant(3), actor="test")
        assert [str(one.percent) for one in tax_store.rates_of(conn, studio)] == ["5.5", "20"]
        (newest, _) = audit.page_of(conn, None, None, 5)
        assert (newest.action, newest.detail["percent"]) == ("tax.record", "20")
