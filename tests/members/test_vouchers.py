"""Vouchers: shown once, kept as hashes, redeemed once, and a code that gives nothing never says why."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import DAY, Instant
from matinee.base.ids import HouseholdId, ServiceId
from matinee.base.money import Money
from matinee.members import voucher_store
from matinee.members.model import MemberError
from matinee.members.voucher_codes import LETTERS, digest_of, draw
from matinee.members.voucher_store import Redeemed, VoucherRefused
from matinee.outside.database import Database, metadata
from matinee.parties import audit
from tests.members.money_world import MoneyWorld, money_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[MoneyWorld]:
    with money_world(tmp_path) as made:
        yield made


@pytest.fixture
def any_world(any_database: Database) -> Iterator[MoneyWorld]:
    made = MoneyWorld(any_database)
    yield made
    made.check()


def _make(world: MoneyWorld, count: int = 1, minor: int = 1_000) -> list[str]:
    with world.database.write() as conn:
        ends = Instant(world.now + DAY)
        _, codes = voucher_store.make(conn, world.service, Money(minor, "EUR"), count, ends, world.now, actor="test")
    return list(codes)


def _redeem(world: MoneyWorld, code: str, home: HouseholdId, services: list[ServiceId] | None = None) -> Redeemed:
    seen = [world.service.id] if services is None else services
    return voucher_store.redeem(world.database, code, home, seen, world.now, actor="test")


def test_a_code_has_letters_that_nobody_mistakes() -> None:
    assert not set(LETTERS) & set("01OILUVSBZAE") - {"V"}
    codes = {draw() for _ in range(500)}
    assert len(codes) == 500
    for code in codes:
        assert len(code) == 24
        assert {len(group) for group in code.split("-")} == {4}


@given(st.lists(st.sampled_from(LETTERS), min_size=20, max_size=20), st.lists(st.sampled_from(" -"), max_size=10))
def test_however_a_code_is_typed_it_is_the_same(letters: list[str], gaps: list[str]) -> None:
    code = "".join(letters)
    typed = "".join(f"{letter}{gaps[place] if place < len(gaps) else ''}" for place, letter in enumerate(code.lower()))
    assert digest_of(typed) == digest_of(code) is not None


@given(st.text(max_size=80))
def test_whatever_is_typed_is_a_code_or_none(text: str) -> None:
    digest = digest_of(text)
    assert digest is None or len(digest) == 64


def test_a_voucher_gives_its_value_once(any_world: MoneyWorld) -> None:
    home, (code, other) = any_world.home("a home"), _make(any_world, 2)
    told = _redeem(any_world, code.lower().replace("-", " "), home)
    assert (told.value, told.credit, told.is_new) == (Money(1_000, "EUR"), Money(1_000, "EUR"), True)
    again = _redeem(any_world, code, home)
    assert (again.credit, again.is_new) == (Money(1_000, "EUR"), False), "an answer that was lost does no harm"
    assert _redeem(any_world, other, home).credit == Money(2_000, "EUR")


def test_what_gives_nothing_reads_alike(world: MoneyWorld) -> None:
    home, stranger = world.home("a home"), world.home("a stranger")
    used, ended, elsewhere = _make(world, 3)
    _redeem(world, used, stranger)
    said = []
    for code, services, later in (
        (used, None, 0),
        (draw(), None, 0),
        ("no code", None, 0),
        ("", None, 0),
        ("x" * 1_000, None, 0),
        ("\0", None, 0),
        (elsewhere, [], 0),
        (ended, None, DAY),
    ):
        world.now = Instant(world.now + later)
        with pytest.raises(VoucherRefused) as refused:
            _redeem(world, code, home, services)
        said.append((refused.value.code, refused.value.message, refused.value.remedy))
    assert len(set(said)) == 1
    assert world.balance(home) == 0


def test_what_was_redeemed_in_time_can_be_asked_for_again_later(world: MoneyWorld) -> None:
    home, (code,) = world.home("a home"), _make(world)
    _redeem(world, code, home)
    world.now = Instant(world.now + 10 * DAY)
    assert not _redeem(world, code, home).is_new


def test_of_many_who_redeem_one_code_at_once_one_gets_it(any_world: MoneyWorld) -> None:
    homes, (code,) = [any_world.home(f"home {number}") for number in range(6)], _make(any_world)
    refused: list[Any] = []
    start = threading.Barrier(len(homes))

    def redeem(home: HouseholdId) -> None:
        start.wait(20)
        try:
            _redeem(any_world, code, home)
        except VoucherRefused:
            refused.append(home)

    threads = [threading.Thread(target=redeem, args=(home,)) for home in homes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(refused) == 5
    assert sum(any_world.balance(home) for home in homes) == 1_000


def test_no_code_is_kept_or_written_into_the_audit(world: MoneyWorld) -> None:
    home, codes = world.home("a home"), _make(world, 3)
    _redeem(world, codes[0], home)
    with world.database.read() as conn:
        for table in metadata.sorted_tables:
            everything = str(conn.execute(sa.select(table)).all())
            for code in codes:
                assert code not in everything
                assert code.replace("-", "") not in everything
        (made,) = (row for row in audit.page_of(conn, None, None, 20) if row.action == "voucher.make")
    assert (made.detail["count"], made.detail["amount"]) == (3, "10.00")


def test_a_batch_tells_how_many_of_it_were_redeemed(any_world: MoneyWorld) -> None:
    home, codes = any_world.home("a home"), _make(any_world, 1_005)
    _make(any_world, 2)
    for code in (codes[0], codes[-1]):
        _redeem(any_world, code, home)
    with any_world.database.read() as conn:
        first, second = voucher_store.batches_of(conn, [any_world.service.id])
    assert {(one.count, one.redeemed) for one in (first, second)} == {(1_005, 2), (2, 0)}


@pytest.mark.parametrize(("minor", "count", "later"), [(0, 1, 1), (-5, 1, 1), (10**7, 1, 1), (5, 0, 1), (5, 10**6, 1), (5, 1, 0)])
def test_what_is_no_batch_is_refused(world: MoneyWorld, minor: int, count: int, later: int) -> None:
    ends = Instant(world.now + later)
    with world.database.write() as conn, pytest.raises(MemberError):
        voucher_store.make(conn, world.service, Money(minor, "EUR"), count, ends, world.now, actor="test")
