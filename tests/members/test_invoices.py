"""Invoices: numbered without a gap, never changed, every charge on one of them; and a page that a person can read."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
import sqlalchemy as sa

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId
from matinee.base.money import Money
from matinee.members import invoice_store
from matinee.members.invoice_page import page_of, text_of
from matinee.members.invoices import Invoice, InvoiceKind
from matinee.members.model import MemberError
from matinee.members.refunds import refund
from matinee.outside.database import Database
from tests.at_once import at_once
from tests.members.money_world import PRICE, MoneyWorld, at, money_world

DETAILS = "1 rue de la Paix\n75002 Paris\nTVA FR12345678901"


def _told(world: MoneyWorld) -> MoneyWorld:
    with world.database.write() as conn:
        invoice_store.record_details(conn, world.studio.id, DETAILS, world.now, actor="test")
    return world


def _home(world: MoneyWorld) -> HouseholdId:
    """A home that was charged for a month from 31 October on, and for one from 30 November on."""
    home = world.home("Fibre B-00001")
    world.fill(home, 5 * PRICE.minor)
    world.subscribe(home, at("2026-10-31", 9))
    world.run("2026-11-01")
    world.run("2026-11-30")
    return home


@pytest.fixture
def world(tmp_path: Path) -> Iterator[MoneyWorld]:
    with money_world(tmp_path) as made:
        yield _told(made)


@pytest.fixture
def home(world: MoneyWorld) -> HouseholdId:
    return _home(world)


def _issue(world: MoneyWorld, home: HouseholdId, month: str) -> Sequence[Invoice]:
    names = {world.plan.id: ("Cinéma", "Everything")}
    with world.database.write() as conn:
        return invoice_store.issue(conn, world.studio.id, "Studio", home, month, names, world.now, actor="test")


def _numbers(world: MoneyWorld) -> Sequence[int]:
    with world.database.read() as conn:
        return invoice_store.all_numbers(conn, world.studio.id)


def test_an_invoice_tells_a_month_and_is_the_same_for_ever(any_database: Database) -> None:
    world = _told(MoneyWorld(any_database))
    home = _home(world)
    world.now = at("2026-12-01")
    (one,) = _issue(world, home, "2026-11")
    assert (one.number, one.kind, one.month, one.reference) == (1, InvoiceKind.INVOICE, "2026-11", "Fibre B-00001")
    assert [(line.first.isoformat(), line.gross, line.tax) for line in one.lines] == [
        ("2026-10-31", 799, 133),
        ("2026-11-30", 799, 133),
    ]
    assert (one.total, one.tax, one.net) == (Money(1598, "EUR"), Money(266, "EUR"), Money(1332, "EUR"))
    with world.database.write() as conn:
        invoice_store.record_details(conn, world.studio.id, "Elsewhere", world.now, actor="test")
    world.now = at("2027-05-01")
    assert list(_issue(world, home, "2026-11")) == [one], "also when the seller has moved since"


def test_a_month_that_is_not_over_or_holds_nothing_has_none(world: MoneyWorld, home: HouseholdId) -> None:
    world.now = Instant(at("2026-12-01", 0) - 1)
    with pytest.raises(MemberError, match="not over"):
        _issue(world, home, "2026-11")
    world.now = at("2026-12-01", 0)
    with pytest.raises(MemberError, match="Nothing was charged"):
        _issue(world, home, "2026-09")
    for wrong in ("2026-13", "2026", "26-11", "2026-11-01", ""):
        with pytest.raises(MemberError, match="no month"):
            _issue(world, home, wrong)
    assert _numbers(world) == [], "no number was lost on the way"


def test_earlier_months_come_first_each_under_its_own_name(world: MoneyWorld, home: HouseholdId) -> None:
    world.run("2026-12-31")
    world.now = at("2027-01-02")
    (december,) = _issue(world, home, "2026-12")
    (november,) = _issue(world, home, "2026-11")
    assert (november.number, december.number) == (1, 2)


def test_what_is_given_back_later_stands_on_a_credit_note(world: MoneyWorld, home: HouseholdId) -> None:
    world.now = at("2026-12-01")
    (invoice,) = _issue(world, home, "2026-11")
    charge = world.charges(home)[0]
    world.now = at("2026-12-05")
    refund(world.database, world.credit, world.studio.id, charge.event_id, Money(300, "EUR"), "a", world.now, actor="test")
    world.now = at("2027-01-02")
    (note,) = _issue(world, home, "2026-12")
    assert (note.number, note.kind, note.corrects) == (2, InvoiceKind.CREDIT_NOTE, invoice.number)
    assert (note.total, note.tax) == (Money(-300, "EUR"), Money(-50, "EUR"))
    assert list(_issue(world, home, "2026-11")) == [invoice], "the invoice is as it was"


def test_what_is_given_back_before_stands_beside_its_charge(world: MoneyWorld, home: HouseholdId) -> None:
    charge = world.charges(home)[0]
    refund(world.database, world.credit, world.studio.id, charge.event_id, None, "a", world.now, actor="test")
    world.now = at("2026-12-01")
    (one,) = _issue(world, home, "2026-11")
    assert (one.kind, [line.gross for line in one.lines]) == (InvoiceKind.INVOICE, [799, -799, 799])
    assert one.total == PRICE


def test_a_charge_that_comes_late_stands_on_the_next_invoice(world: MoneyWorld, home: HouseholdId) -> None:
    """As after a process was killed between the payment and the record of it, over the end of a month."""
    from matinee.members import charge_store

    world.now = at("2026-12-01")
    (november,) = _issue(world, home, "2026-11")
    late = world.charges(home)[0]
    with world.database.write() as conn:
        import msgspec

        charge_store.record_charge(conn, msgspec.structs.replace(late, event_id="late"), actor="test")
    assert list(_issue(world, home, "2026-11")) == [november]
    world.now = at("2027-01-01")
    (december,) = _issue(world, home, "2026-12")
    assert [line.event_id for line in december.lines] == ["late"]


def test_numbers_follow_one_another_whoever_issues(any_database: Database) -> None:
    world = MoneyWorld(any_database)
    homes = [world.home(f"home {number}") for number in range(8)]
    for one in homes:
        world.fill(one, 799)
        world.subscribe(one, at("2026-11-05"))
    world.run("2026-11-06")
    world.now = at("2026-12-01")

    def issue(some: Sequence[HouseholdId]) -> None:
        for one in some:
            _issue(world, one, "2026-11")

    at_once(*(partial(issue, homes[place : place + 5]) for place in range(4)))
    assert _numbers(world) == list(range(1, 9))


def test_every_charge_stands_on_one_paper(world: MoneyWorld, home: HouseholdId) -> None:
    world.run("2027-02-15")
    for month in ("2026-11", "2027-02"):
        world.now = at("2027-03-01")
        _issue(world, home, month)
    with world.database.read() as conn:
        lines = conn.execute(sa.select(invoice_store.invoice_lines.c.event_id)).scalars().all()
    assert sorted(lines) == sorted(one.event_id for one in world.charges(home))


# --- as people read them


class _Page(HTMLParser):
    """The words of a page, and what it would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        leads = any(name in ("src", "href") or name.startswith("on") for name, _ in attrs)
        if leads or tag in ("script", "img", "link", "iframe"):
            self.loads.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style" and data.strip():
            self.words.append(data.strip())


@pytest.fixture
def paper(world: MoneyWorld, home: HouseholdId) -> Invoice:
    world.now = at("2026-12-01")
    return _issue(world, home, "2026-11")[0]


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        (
            "fr",
            ["Facture 1", "novembre 2026", "1er décembre 2026", "Everything", "30 novembre 2026 – 30 décembre 2026", "15,98 €"],
        ),
        ("en", ["Invoice 1", "November 2026", "1 December 2026", "Everything", "30 November 2026 – 30 December 2026", "€15.98"]),
    ],
)
def test_a_page_tells_all_and_stands_alone(paper: Invoice, language: str, wanted: list[str]) -> None:
    text = page_of(paper, language)
    page = _Page(text)
    assert page.loads == []
    assert page.open == []
    assert "url(" not in text
    assert f'<html lang="{language}">' in text
    words = re.sub("[\xa0\u202f]", " ", " ".join(page.words))
    for one in (*wanted, "Studio", "75002 Paris", "TVA FR12345678901", "Fibre B-00001", "Cinéma"):
        assert one in words, one


def test_text_tells_the_same(paper: Invoice) -> None:
    text = text_of(paper, "fr")
    for one in ("Facture 1", "Studio", "TVA FR12345678901", "Cinéma, Everything", "7,99 €", "TVA 20 %", "15,98 €"):
        assert one in text, one
    assert max(len(line) for line in text.splitlines()) <= 78
    assert text.rstrip().endswith("Il ne reste rien à payer.")


def test_what_strangers_wrote_is_text_and_no_page(paper: Invoice) -> None:
    import msgspec

    bad = "<script>alert(1)</script>"
    lines = tuple(msgspec.structs.replace(line, plan=bad, service=f'"{bad}') for line in paper.lines)
    text = page_of(msgspec.structs.replace(paper, seller=bad, details=bad, reference=bad, lines=lines), "en")
    assert "<script" not in text
    assert _Page(text).loads == []


@pytest.mark.parametrize(
    ("minor", "currency", "french", "english"),
    [
        (123_456_789, "EUR", "1 234 567,89 €", "€1,234,567.89"),
        (-5, "EUR", "−0,05 €", "−€0.05"),
        (500, "JPY", "500 JPY", "JPY 500"),
        (1_234, "TND", "1,234 TND", "TND 1.234"),
    ],
)
def test_amounts_are_written_as_each_language_writes_them(minor: int, currency: str, french: str, english: str) -> None:
    from matinee.members.invoice_page import _amount

    money = Money(minor, currency)
    assert re.sub("[\xa0\u202f]", " ", _amount(money, "fr")) == french
    assert re.sub("[\xa0\u202f]", " ", _amount(money, "en")) == english
