"""Direct plans are charged once a month, whoever charges them, however often, and wherever they are killed."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from matinee.base.clock import DAY, HOUR, Instant
from matinee.base.ids import HouseholdId, PublisherId
from matinee.base.money import Money
from matinee.members import charge_store, ledger
from matinee.members.bill_rules import active_since, active_until
from matinee.members.credit import PrepaidCredit
from matinee.members.model import SubscriptionState
from matinee.members.payments import Payment, Place, Receipt
from matinee.members.refunds import refund
from matinee.outside.database import Database
from matinee.parties import audit
from tests.at_once import at_once
from tests.members.money_world import PRICE, MoneyWorld, at, money_world


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
    """A home that subscribes since the morning of 31 October in Paris, with credit for three months."""
    home = world.home("a home")
    world.fill(home, 3 * PRICE.minor)
    world.subscribe(home, at("2026-10-31", 9))
    return home


@pytest.fixture
def home(world: MoneyWorld) -> HouseholdId:
    return _home(world)


@pytest.fixture
def any_home(any_world: MoneyWorld) -> HouseholdId:
    return _home(any_world)


def test_each_month_is_charged_once_however_often_it_runs(any_world: MoneyWorld, any_home: HouseholdId) -> None:
    assert any_world.run("2026-11-01").charged == 1
    for _ in range(3):
        assert any_world.run("2026-11-29").charged == 0
    assert any_world.run("2026-11-30", hour=0).charged == 1, "the first moment of the month's day in Paris"
    assert any_world.run("2026-12-30").charged == 0
    assert any_world.run("2026-12-31").charged == 1
    assert any_world.months(any_home) == ["2026-10-31", "2026-11-30", "2026-12-31"]
    assert any_world.balance(any_home) == 0
    one = any_world.charges(any_home)[0]
    assert (one.amount, one.tax, one.until, one.source) == (PRICE, Money(133, "EUR"), date(2026, 11, 30), "credit")
    assert (one.seller, one.country, one.zone) == (f"publisher:{any_world.studio.id}", "FR", "Europe/Paris")


def test_a_moment_before_midnight_in_paris_it_is_not_due(world: MoneyWorld, home: HouseholdId) -> None:
    world.run("2026-11-01")
    world.now = Instant(at("2026-11-30", 0) - 1)
    assert world.run().charged == 0
    world.now = Instant(world.now + 1)
    assert world.run().charged == 1


def test_months_that_nobody_ran_in_are_charged_when_somebody_does(world: MoneyWorld, home: HouseholdId) -> None:
    assert world.run("2027-01-02").charged == 3
    assert world.months(home) == ["2026-10-31", "2026-11-30", "2026-12-31"]


def test_who_cannot_pay_plays_on_for_the_grace_and_no_longer(world: MoneyWorld, home: HouseholdId) -> None:
    world.run("2027-01-02")
    outcome = world.run("2027-01-31", hour=1)
    assert (outcome.charged, outcome.in_grace) == (0, 1)
    ends = at("2027-02-08", 0)
    assert world.plays(home, Instant(ends - 1))
    assert not world.plays(home, ends), "it is recorded at once"
    with world.database.read() as conn:
        row = next(row for row in audit.page_of(conn, None, None, 20) if row.action == "bill.grace")
    assert row.detail["until"] == "2027-02-07T23:00:00.000Z"
    assert world.run("2027-02-05").in_grace == 0, "a grace is given once"
    assert world.run("2027-02-08").given_up == 1
    world.fill(home, 799)
    assert world.run("2027-02-09").charged == 0, "what has ended is not charged"
    assert world.balance(home) == 799


def test_a_payment_in_time_takes_the_end_back(any_world: MoneyWorld, any_home: HouseholdId) -> None:
    any_world.run("2027-01-31", hour=1)
    any_world.now = at("2027-02-03")
    any_world.fill(any_home, 799)
    assert any_world.run().charged == 1
    assert any_world.plays(any_home, at("2027-02-20"))
    assert any_world.months(any_home)[-1] == "2027-01-31", "the month that it owed, from its own day on"
    any_world.fill(any_home, 799)
    assert any_world.run("2027-02-28").charged == 1, "counted on from the first day, not from the day of the payment"
    assert any_world.months(any_home)[-1] == "2027-02-28"


def test_a_payment_in_time_takes_no_other_end_back(world: MoneyWorld, home: HouseholdId) -> None:
    world.run("2027-01-31", hour=1)
    world.end(home, at("2027-02-20"))
    world.now = at("2027-02-03")
    world.fill(home, 799)
    assert world.run().charged == 1
    assert world.plays(home, at("2027-02-19"))
    assert not world.plays(home, at("2027-02-21")), "the publisher's own end stands"


def test_without_a_grace_it_ends_at_once(world: MoneyWorld, home: HouseholdId) -> None:
    world.run("2027-01-02")
    assert world.run("2027-01-31", grace_days=0).in_grace == 1
    assert not world.plays(home, world.now)
    assert world.run("2027-01-31", hour=13).given_up == 1


def test_who_comes_back_on_the_day_of_a_month_that_was_given_up_can_pay_it(world: MoneyWorld, home: HouseholdId) -> None:
    world.run("2027-01-02")
    world.run("2027-01-31", hour=9, grace_days=0)
    world.run("2027-01-31", hour=10)
    world.fill(home, 799)
    world.subscribe(home, at("2027-01-31", 11))
    assert world.run("2027-01-31", hour=12).charged == 1
    assert world.months(home)[-1] == "2027-01-31"
    assert world.run("2027-01-31", hour=13).charged == 0


def test_who_comes_back_while_a_month_is_paid_owes_nothing_before_its_end(world: MoneyWorld, home: HouseholdId) -> None:
    world.run("2026-11-01")
    world.now = at("2026-11-10")
    world.end(home, world.now)
    world.now = at("2026-11-12")
    world.subscribe(home, world.now)
    assert world.run().charged == 0
    assert world.run("2026-11-30").charged == 1


def test_a_home_that_moves_between_states_of_the_same_kind_keeps_its_day(world: MoneyWorld) -> None:
    home = world.home("a home")
    world.fill(home, 5 * PRICE.minor)
    world.subscribe(home, at("2026-10-31"), at("2026-11-15"))
    world.subscribe(home, at("2026-11-15"), at("2027-01-10"))  # without a gap
    world.run("2027-01-05")
    assert world.months(home) == ["2026-10-31", "2026-11-30", "2026-12-31"]
    assert world.run("2027-02-05").charged == 0, "it ended on 10 January"


def test_the_price_is_that_of_the_months_first_day(world: MoneyWorld, home: HouseholdId) -> None:
    world.prices.rows.append((world.plan.id, "FR", date(2026, 12, 1), Money(500, "EUR")))
    world.run("2027-01-02")
    assert [one.amount.minor for one in world.charges(home)] == [799, 799, 500]


def test_months_before_a_price_are_free_and_stay_so(world: MoneyWorld, home: HouseholdId) -> None:
    world.prices.rows[:] = [(world.plan.id, "FR", date(2026, 12, 15), PRICE)]
    assert world.run("2026-12-20").charged == 0
    assert world.run("2027-01-01").charged == 1
    assert world.months(home) == ["2026-12-31"]


def test_days_of_trial_are_free(world: MoneyWorld, home: HouseholdId) -> None:
    world.prices.free = 30
    assert world.run("2026-11-29").charged == 0
    assert world.run("2026-11-30").charged == 1
    assert world.run("2026-12-30").charged == 1
    assert world.months(home) == ["2026-11-30", "2026-12-30"]


def test_a_home_where_nothing_is_billed_owes_nothing(world: MoneyWorld, home: HouseholdId) -> None:
    world.agreement.place = None
    assert world.run("2027-01-02").charged == 0
    world.agreement.place = Place(country="FR", zone="America/New_York")
    world.now = at("2026-10-31", 9)
    assert world.run().charged == 1
    assert world.charges(home)[0].first == date(2026, 10, 31)


def test_days_are_those_of_the_home(world: MoneyWorld) -> None:
    home = world.home("far away")
    world.fill(home, 2 * PRICE.minor)
    world.agreement.place = Place(country="FR", zone="Pacific/Noumea")
    world.subscribe(home, at("2026-10-30", 20))  # the 31st, there
    world.run("2026-11-01")
    assert world.months(home) == ["2026-10-31"]


def test_up_to_when_a_home_paid_is_a_day_of_where_it_was_last(any_world: MoneyWorld) -> None:
    home = any_world.home("on the move")
    any_world.fill(home, 2 * PRICE.minor)
    any_world.agreement.place = Place(country="FR", zone="Pacific/Noumea")
    any_world.subscribe(home, at("2026-11-01"))
    any_world.run("2026-11-02")
    any_world.agreement.place = Place(country="FR", zone="Europe/Paris")
    any_world.run("2026-12-02")
    with any_world.database.read() as conn:
        assert charge_store.paid_until(conn)[home, any_world.plan.id] == (date(2027, 1, 1), "Europe/Paris")


def test_without_a_rate_of_tax_nobody_is_charged_and_others_still_are(world: MoneyWorld, home: HouseholdId) -> None:
    world.prices.rows.append((world.plan.id, "XX", date(2014, 1, 1), PRICE))
    world.agreement.place = Place(country="XX", zone="UTC")
    outcome = world.run("2026-11-01")
    assert outcome.charged == 0
    assert "No rate of tax is recorded for XX" in outcome.problems[0]
    world.agreement.place = Place(country="FR", zone="Europe/Paris")
    assert world.run("2026-11-01").charged == 1


def test_an_operators_subscription_is_not_charged_here(world: MoneyWorld) -> None:
    from matinee.fleet import store as fleet
    from matinee.members import plan_store

    home = world.home("a home")
    world.fill(home, 1_000)
    with world.database.write() as conn:
        operator = fleet.ensure_operator(conn, "Fibre", "FR", "Europe/Paris", world.now).id
        plan_store.record_subscription(
            conn, home, world.plan, operator, SubscriptionState.ACTIVE, world.now, actor="test", valid_from=at("2026-10-31")
        )
    assert world.run("2026-11-01").charged == 0


# --- killed between steps


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class KillsAfter:
    """A way to pay that is killed after so many calls of one kind came back, or before."""

    def __init__(self, inner: PrepaidCredit, calls: int, *, before: bool) -> None:
        self._inner, self._calls, self._before = inner, calls, before
        self.source = inner.source

    def _step(self) -> None:
        self._calls -= 1
        if self._calls < 0:
            raise Killed

    def charge(self, payment: Payment) -> Receipt:
        if self._before:
            self._step()
        receipt = self._inner.charge(payment)
        self._step()
        return receipt

    def refund(self, payment: Payment, of: str) -> Receipt:
        receipt = self._inner.refund(payment, of)
        self._step()
        return receipt

    def found(self, publisher: PublisherId, key: str) -> Receipt | None:
        return self._inner.found(publisher, key)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("calls", range(5))
def test_killed_around_a_payment_it_is_taken_and_recorded_once(
    world: MoneyWorld, home: HouseholdId, calls: int, before: bool
) -> None:
    world.now = at("2027-01-02")
    for later in range(2):  # the second start of the process is killed too, one call later
        with contextlib.suppress(Killed):
            world.bills(KillsAfter(world.credit, calls + later, before=before)).run(world.now)
    world.run()
    assert world.months(home) == ["2026-10-31", "2026-11-30", "2026-12-31"]
    assert world.balance(home) == 0


@pytest.mark.parametrize("name", ["add_due", "record_charge", "change_due"])
def test_killed_within_a_transaction_nothing_is_half_done(
    world: MoneyWorld, home: HouseholdId, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(charge_store, name)

    def dies(*told: Any, **more: Any) -> Any:
        real(*told, **more)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(charge_store, name, dies)
        with pytest.raises(Killed):
            world.bills().run(at("2026-11-01"))
    world.check()
    assert world.run("2026-11-01").charged == 1
    assert (world.months(home), world.balance(home)) == (["2026-10-31"], 2 * PRICE.minor)


def test_killed_by_the_system_again_and_again_each_month_is_charged_once(world: MoneyWorld) -> None:
    homes = [world.home(f"home {number}") for number in range(12)]
    for one in homes:
        world.fill(one, 3 * PRICE.minor)
        world.subscribe(one, at("2026-10-31"))
    world.now = at("2027-01-02")
    url = world.database.engine.url.render_as_string()
    command = [sys.executable, "-m", "tests.members.bill_runner", url, str(world.now), world.plan.id]
    done, killed = _steps(world), 0
    for more in (1, 2, 0, 4):
        process = subprocess.Popen(command)
        while process.poll() is None and _steps(world) <= done + more:
            time.sleep(0.001)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        done = _steps(world)
    assert killed, "it was killed in the middle"
    world.run()
    for one in homes:
        assert world.months(one) == ["2026-10-31", "2026-11-30", "2026-12-31"]
        assert world.balance(one) == 0


def _steps(world: MoneyWorld) -> int:
    """How many rows the steps have written so far: dues, movements, charges."""
    tables = (charge_store.dues, charge_store.charges, ledger.ledger_entries)
    with world.database.read() as conn:
        return sum(conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables)


def test_money_that_was_taken_is_recorded_also_where_the_home_has_left_meanwhile(world: MoneyWorld, home: HouseholdId) -> None:
    world.now = at("2026-11-01")
    with pytest.raises(Killed):
        world.bills(KillsAfter(world.credit, 0, before=False)).run(world.now)
    world.end(home, Instant(world.now + HOUR))
    assert world.run("2026-11-20").charged == 1
    assert world.balance(home) == 2 * PRICE.minor


def test_a_price_that_changes_between_the_steps_changes_nothing(world: MoneyWorld, home: HouseholdId) -> None:
    world.now = at("2026-11-01")
    with pytest.raises(Killed):
        world.bills(KillsAfter(world.credit, 0, before=False)).run(world.now)
    world.prices.rows.append((world.plan.id, "FR", date(2026, 10, 31), Money(999, "EUR")))
    assert world.run().problems == []
    assert [one.amount for one in world.charges(home)] == [PRICE]


def test_several_at_once_charge_each_month_once(any_world: MoneyWorld, any_home: HouseholdId) -> None:
    others = [any_world.home(f"home {number}") for number in range(6)]
    for one in others:
        any_world.fill(one, 2 * PRICE.minor)
        any_world.subscribe(one, at("2026-11-05"))
    any_world.now = at("2027-01-02")
    at_once(*[lambda: any_world.bills().run(any_world.now)] * 4)
    any_world.run()
    for one in others:
        assert any_world.months(one) == ["2026-11-05", "2026-12-05"]
        assert any_world.balance(one) == 0
    assert len(any_world.months(any_home)) == 3


# --- giving back


def _refund(world: MoneyWorld, event_id: str, minor: int | None, reference: str, port: Any = None) -> Any:
    amount = None if minor is None else Money(minor, "EUR")
    return refund(world.database, port or world.credit, world.studio.id, event_id, amount, reference, world.now, actor="test")


def test_what_is_given_back_is_a_charge_of_its_own_with_its_part_of_the_tax(any_world: MoneyWorld, any_home: HouseholdId) -> None:
    any_world.run("2026-11-01")
    (charge,) = any_world.charges(any_home)
    for minor, reference in ((100, "a"), (101, "b")):
        made, is_new = _refund(any_world, charge.event_id, minor, reference)
        assert (made.amount.minor, made.corrects, is_new) == (-minor, charge.event_id, True)
        assert not _refund(any_world, charge.event_id, minor, reference)[1], "said again, it gives nothing more"
    _refund(any_world, charge.event_id, None, "the-rest")
    assert not _refund(any_world, charge.event_id, None, "the-rest")[1]
    assert any_world.balance(any_home) == 3 * PRICE.minor
    assert sum(one.amount.minor for one in any_world.charges(any_home)) == 0
    assert sum(one.tax.minor for one in any_world.charges(any_home) if one.tax is not None) == 0
    with pytest.raises(Exception, match="left to give back"):
        _refund(any_world, charge.event_id, 1, "more")
    with pytest.raises(Exception, match="no charge"):
        _refund(any_world, "another", 1, "more")


def test_a_refund_that_was_killed_in_the_middle_is_finished_once(world: MoneyWorld, home: HouseholdId) -> None:
    world.run("2026-11-01")
    (charge,) = world.charges(home)
    with pytest.raises(Killed):
        _refund(world, charge.event_id, None, "a", KillsAfter(world.credit, 0, before=False))
    assert _refund(world, charge.event_id, None, "a")[1]
    assert world.balance(home) == 3 * PRICE.minor
    assert [one.amount.minor for one in world.charges(home)] == [799, -799]


# --- the rules alone


def test_since_when_and_until_when_a_home_subscribes(world: MoneyWorld) -> None:
    from matinee.members import plan_store

    home = world.home("a home")
    days = [Instant(number * DAY) for number in range(10)]
    world.now = days[9]
    world.subscribe(home, days[1], days[3])
    world.subscribe(home, days[3], days[5])
    world.subscribe(home, days[6])
    with world.database.read() as conn:
        records = plan_store.subscriptions_of(conn, [home])
    assert [active_since(records, day) for day in days[:8]] == [None, 1 * DAY, DAY, DAY, DAY, None, 6 * DAY, 6 * DAY]
    assert [active_until(records, day) for day in days[1:4]] == [5 * DAY] * 3
    assert active_until(records, days[7]) is None
