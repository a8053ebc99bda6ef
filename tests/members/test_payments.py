"""What every way to pay must promise, asked of prepaid credit, the one that is here; and that its ledger always balances.

The first tests ask what `PaymentPort` promises and nothing else: another implementation is put in the place of `world.credit`.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId
from matinee.base.money import Money
from matinee.members import ledger
from matinee.members.ledger import Entry, Movement
from matinee.members.model import MemberError
from matinee.members.payments import Declined, KeyUsedOtherwise, Payment
from matinee.outside.database import Database
from matinee.parties import audit
from tests.at_once import at_once
from tests.databases import PostgresServer
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


def _home(world: MoneyWorld) -> HouseholdId:
    home = world.home("a home")
    world.fill(home, 1_000)
    return home


@pytest.fixture
def home(world: MoneyWorld) -> HouseholdId:
    return _home(world)


@pytest.fixture
def any_home(any_world: MoneyWorld) -> HouseholdId:
    return _home(any_world)


def _pay(world: MoneyWorld, home: HouseholdId, minor: int, key: str = "one", currency: str = "EUR") -> Payment:
    return Payment(key=key, publisher=world.studio.id, household=home, amount=Money(minor, currency))


# --- the promises of payments.PaymentPort


def test_a_charge_is_taken_once_however_often_it_is_asked(any_world: MoneyWorld, any_home: HouseholdId) -> None:
    first = any_world.credit.charge(_pay(any_world, any_home, 300))
    any_world.now = Instant(any_world.now + 1_000)
    assert any_world.credit.charge(_pay(any_world, any_home, 300)) == first
    assert any_world.credit.found(any_world.studio.id, "one") == first
    assert any_world.balance(any_home) == 700


@pytest.mark.parametrize("other", ["another amount", "another household", "another direction"])
def test_a_key_names_one_payment(world: MoneyWorld, home: HouseholdId, other: str) -> None:
    world.credit.charge(_pay(world, home, 300))
    next_door = world.home("next door")
    acts = {
        "another amount": lambda: world.credit.charge(_pay(world, home, 301)),
        "another household": lambda: world.credit.charge(_pay(world, next_door, 300)),
        "another direction": lambda: world.credit.refund(_pay(world, home, 300), of="one"),
    }
    with pytest.raises(KeyUsedOtherwise):
        acts[other]()
    assert world.balance(home) == 700


@pytest.mark.parametrize(("minor", "currency"), [(1_001, "EUR"), (1, "USD")])
def test_what_a_home_cannot_pay_is_declined_and_nothing_is_taken(
    world: MoneyWorld, home: HouseholdId, minor: int, currency: str
) -> None:
    with pytest.raises(Declined):
        world.credit.charge(_pay(world, home, minor, currency=currency))
    assert world.credit.found(world.studio.id, "one") is None
    world.credit.charge(_pay(world, home, 1_000))
    assert world.balance(home) == 0, "all of it may be spent, and a key that was declined is free"


@pytest.mark.parametrize("minor", [0, -1])
def test_an_amount_is_above_zero(world: MoneyWorld, home: HouseholdId, minor: int) -> None:
    with pytest.raises(MemberError, match="above zero"):
        world.credit.charge(_pay(world, home, minor))


def test_a_refund_is_a_new_movement_and_gives_back_no_more_than_was_taken(any_world: MoneyWorld, any_home: HouseholdId) -> None:
    any_world.credit.charge(_pay(any_world, any_home, 300))
    back = any_world.credit.refund(_pay(any_world, any_home, 200, "back"), of="one")
    assert any_world.credit.refund(_pay(any_world, any_home, 200, "back"), of="one") == back
    with pytest.raises(Declined, match=r"1\.00 EUR is left"):
        any_world.credit.refund(_pay(any_world, any_home, 101, "more"), of="one")
    any_world.credit.refund(_pay(any_world, any_home, 100, "the rest"), of="one")
    assert any_world.balance(any_home) == 1_000
    with any_world.database.read() as conn:
        kinds = [entry.kind for entry in ledger.entries_of(conn, any_home)]
    assert sorted(kinds) == ["charge", "redeem", "refund", "refund"], "nothing was edited"


def test_what_was_not_charged_is_not_given_back(world: MoneyWorld, home: HouseholdId) -> None:
    world.credit.charge(_pay(world, home, 300))
    stranger = world.home("next door")
    for asked, of in ((_pay(world, home, 1, "a"), "two"), (_pay(world, stranger, 1, "b"), "one")):
        with pytest.raises(MemberError, match="no such charge"):
            world.credit.refund(asked, of=of)
    assert world.balance(stranger) == 0


def test_many_at_once_never_spend_more_than_there_is(any_world: MoneyWorld, any_home: HouseholdId) -> None:
    declined: list[str] = []

    def spend(key: str) -> None:
        try:
            any_world.credit.charge(_pay(any_world, any_home, 300, key))
        except Declined:
            declined.append(key)

    at_once(*(partial(spend, f"key {number % 6}") for number in range(8)))
    assert any_world.balance(any_home) == 100
    with any_world.database.read() as conn:
        assert sum(entry.kind is Movement.CHARGE for entry in ledger.entries_of(conn, any_home)) == 3
    assert len(set(declined)) == 3, "six payments were asked, two of them twice"


# --- the ledger


def test_each_movement_is_in_the_audit_of_its_publisher(world: MoneyWorld, home: HouseholdId) -> None:
    world.credit.charge(_pay(world, home, 300))
    world.credit.charge(_pay(world, home, 300))
    with world.database.read() as conn:
        rows = audit.page_of(conn, audit.SideKey(f"publisher:{world.studio.id}"), None, 20)
    assert [row.action for row in rows if row.action.startswith("credit.")] == ["credit.charge", "credit.redeem"]
    assert rows[0].detail["amount"] == "3.00"


def test_a_line_that_was_changed_or_taken_away_is_seen(any_world: MoneyWorld, any_home: HouseholdId) -> None:
    any_world.credit.charge(_pay(any_world, any_home, 300))
    with any_world.database.engine.connect() as conn:
        lines = ledger.ledger_lines
        credit = (lines.c.account == "credit", lines.c.minor < 0)
        conn.execute(sa.update(lines).where(*credit).values(minor=lines.c.minor + 1))
        said = " ".join(ledger.faults(conn))
        assert "do not sum to zero" in said
        assert "All lines in EUR sum to 1" in said
        conn.execute(sa.update(lines).where(*credit).values(minor=-5_000))
        assert "below zero" in " ".join(ledger.faults(conn))
        conn.execute(sa.delete(lines))
        assert "has no lines" in " ".join(ledger.faults(conn))
        conn.rollback()


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(list(Movement)),
        st.integers(0, 1),
        st.integers(-2, 900),
        st.integers(0, 12),
        st.integers(0, 12),
        st.sampled_from(["EUR", "EUR", "USD"]),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def one_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MoneyWorld]:
    from matinee.outside.database import metadata

    database = Database(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'test.db'}")
    metadata.create_all(database.engine)
    yield MoneyWorld(database)
    database.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_ACTS)
def test_whatever_is_asked_the_sum_is_zero_and_no_credit_is_below_zero(one_world: MoneyWorld, acts: list[Any]) -> None:
    homes = [one_world.home("one"), one_world.home("two")]
    with one_world.database.engine.connect() as conn:
        model: dict[tuple[int, str], int] = {}
        for kind, home, minor, key, of, currency in acts:
            asked = Entry(
                id="",
                publisher=one_world.studio.id,
                household=homes[home],
                key=f"key {key}",
                kind=kind,
                amount=Money(minor, currency),
                at=one_world.now,
                of=f"key {of}" if kind is Movement.REFUND else None,
            )
            try:
                _, is_new = ledger.move(conn, asked, actor="test")
            except MemberError:
                continue
            if is_new:
                sign = -1 if kind is Movement.CHARGE else 1
                model[home, currency] = model.get((home, currency), 0) + sign * minor
        assert ledger.faults(conn) == []
        for (home, currency), minor in model.items():
            assert ledger.balance(conn, one_world.studio.id, homes[home], currency) == Money(minor, currency)
            assert minor >= 0
        conn.rollback()


def test_the_outbox_is_locked_before_the_audit(postgres_server: PostgresServer) -> None:
    """As everywhere (tests/app/test_order_of_locks.py): two that take them in different orders could wait for each other."""
    from matinee.outside.database import metadata
    from matinee.parties import outbox

    database = Database(postgres_server.new_database_url())
    taken: list[int] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "pg_advisory_xact_lock" in statement:
            taken.extend(one for one in parameters.values() if one not in taken)

    try:
        metadata.create_all(database.engine)
        world = MoneyWorld(database)
        home = world.home("a home")
        sa.event.listen(database.engine, "before_cursor_execute", note)
        world.fill(home, 1_000)
        assert taken == [outbox._LOCK, audit._LOCK]
        for act in (
            lambda: world.credit.charge(_pay(world, home, 300)),
            lambda: (world.subscribe(home, world.now), world.run()),
        ):
            taken.clear()
            act()
            assert taken == [outbox._LOCK, audit._LOCK]
    finally:
        database.close()
