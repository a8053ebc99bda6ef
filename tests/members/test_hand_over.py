"""A home between the service itself and an operator: each day is billed once, by whom it was told, and tried free once.

All of it is real: prices and records over the URLs, credit, the run that charges months, and the operator's events.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from matinee.base.clock import DAY, HOUR, MINUTE, Instant
from matinee.base.money import Money
from matinee.carriage.billed_homes import BilledHomes
from matinee.members import charge_store, erasure, ledger, plan_store, store, tax_store, voucher_store
from matinee.members.billing_store import billing_events
from matinee.members.bills import Bills as Charging
from matinee.members.bills import Outcome
from matinee.members.charges import Charge
from matinee.members.credit import PrepaidCredit
from matinee.members.model import SubscriptionState
from matinee.members.payers import first_paid, pays
from matinee.members.payments import Payment, Receipt
from matinee.members.price_list import PlanPrices
from matinee.outside.database import Database
from tests.at_once import at_once
from tests.carriage.bills import ACCOUNTS, Bills
from tests.world import NOW, World, screens

SECOND_MONTH = 30 * DAY + 13 * HOUR
"""The first moment of 2 November in Paris, from noon of 2 October on, when the home subscribed: clocks have gone back."""
THIRD_MONTH = SECOND_MONTH + 30 * DAY


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Deadly(PrepaidCredit):
    """Credit of which the process dies right after a call that is named."""

    after = ""

    def charge(self, payment: Payment) -> Receipt:
        made = super().charge(payment)
        if self.after == "charge":
            raise Killed
        return made

    def refund(self, payment: Payment, of: str) -> Receipt:
        made = super().refund(payment, of)
        if self.after == "refund":
            raise Killed
        return made


class Paid(Bills):
    """An operator's bill, and beside it direct plans at 7.99 EUR a month, paid by credit."""

    def price(self, trial_days: int = 0) -> None:
        terms = {
            "trial_days": trial_days,
            "prices": [{"country": "FR", "minor": 799, "currency": "EUR", "from_day": "2014-01-01"}],
        }
        for plan in self.plans.values():
            assert self.studio.send("POST", f"/api/v1/plans/{plan}/terms", terms).status_code == 200
        with self.world.database.write() as conn:
            tax_store.record_rate(conn, self.world.studio.id, "FR", Decimal(20), date(2014, 1, 1), self.world.now, actor="test")

    def fill(self, minor: int) -> None:
        database, now = self.world.database, self.world.now
        with database.write() as conn:
            _, (code,) = voucher_store.make(conn, self.world.cinema, Money(minor, "EUR"), 1, Instant(now + 1), now, actor="test")
        voucher_store.redeem(database, code, self.world.one.household, [self.world.cinema.id], now, actor="test")

    def direct(self, reference: str, at: int, plan: str = "Plus", state: str = "active") -> int:
        body = {"reference": reference, "household": "one", "plan_id": self.plans[plan], "since": self.moment(at), "state": state}
        answer = self.studio.send("POST", "/api/v1/subscriptions", body)
        self.world.feed.poll()
        return answer.status_code

    def at(self, moment: int) -> None:
        self.world.now = Instant(NOW + moment)

    def run(self, moment: int | None = None, dies_after: str = "") -> Outcome:
        """What the worker does every five minutes. `dies_after`: a call of the way to pay that it does not outlive."""
        world = self.world
        if moment is not None:
            self.at(moment)
        with world.database.read() as conn:
            prices = PlanPrices(conn)
        homes = BilledHomes(world.carriage, world.fleet, world.members)
        credit = Deadly(world.database, lambda: world.now, actor="test")
        credit.after = dies_after
        outcome = Charging(world.database, credit, prices, homes, grace_days=7, actor="test").run(world.now)
        world.feed.poll()
        assert outcome.problems == []
        return outcome

    def charges(self) -> Sequence[Charge]:
        with self.world.database.read() as conn:
            return charge_store.charges_of(conn, self.world.one.household)

    def months(self) -> list[str]:
        return [one.first.isoformat() for one in self.charges() if one.corrects is None]

    def given_back(self) -> list[tuple[str, str, int]]:
        """From which day on, up to which, and how much."""
        return [
            (one.first.isoformat(), one.until.isoformat(), -one.amount.minor)
            for one in self.charges()
            if one.corrects is not None
        ]

    def balance(self) -> int:
        """What credit is left; nothing of it came about or is lost, and charges tell of it all."""
        with self.world.database.read() as conn:
            assert ledger.faults(conn) == []
            return ledger.balance(conn, self.world.studio.id, self.world.one.household, "EUR").minor


@pytest.fixture
def paid(any_database: Database) -> Iterator[Paid]:
    world = World(any_database)
    with screens(world) as who:
        made = Paid(world, who)
        made.price()
        yield made


def test_a_month_that_was_charged_this_morning_is_not_billed_by_the_operator_too(paid: Paid) -> None:
    """It subscribed at noon; its months begin at midnight. What is handed over in between waits for the end of the new month."""
    paid.fill(3 * 799)
    paid.direct("d", 0)
    paid.run(0)
    assert paid.run(SECOND_MONTH).charged == 1
    paid.at(SECOND_MONTH + HOUR)
    begun = paid.tell("activate", SECOND_MONTH + HOUR, hand_over=True).json()
    assert (begun["state"], begun["valid_to"]) == ("pending", paid.moment(THIRD_MONTH))
    for moment in (SECOND_MONTH + DAY, THIRD_MONTH - 1, THIRD_MONTH, THIRD_MONTH + 40 * DAY):
        assert paid.run(moment).charged == 0
    assert paid.months() == ["2014-10-02", "2014-11-02"]
    assert paid.states(paid.world.orange) == [("pending", "Basic", SECOND_MONTH + HOUR), ("active", "Basic", THIRD_MONTH)]
    assert paid.payers_at_most() == 1
    assert paid.plays(at=THIRD_MONTH - 1)
    assert paid.plays(at=THIRD_MONTH)


def test_a_month_that_is_handed_over_before_a_run_came_to_it_is_charged_once(paid: Paid) -> None:
    paid.fill(799)
    paid.direct("d", 0)
    paid.at(MINUTE)
    assert paid.tell("activate", MINUTE, hand_over=True).json()["valid_to"] == paid.moment(SECOND_MONTH)
    assert paid.run(2 * MINUTE).charged == 1
    assert paid.run(SECOND_MONTH).charged == 0
    assert paid.months() == ["2014-10-02"]
    assert paid.payers_at_most() == 1


def test_an_end_that_was_recorded_for_later_keeps_no_home_from_being_handed_over(paid: Paid) -> None:
    paid.fill(5 * 799)
    paid.direct("d", 0)
    paid.direct("e", SECOND_MONTH + 90 * DAY, state="ended")
    paid.run(0)
    paid.at(MINUTE)
    assert paid.tell("activate", MINUTE, hand_over=True).json()["valid_to"] == paid.moment(SECOND_MONTH)
    assert paid.run(SECOND_MONTH + 40 * DAY).charged == 0
    assert paid.months() == ["2014-10-02"]
    assert paid.payers_at_most() == 1


def test_a_home_in_grace_is_handed_over_at_once_and_owes_that_month_to_nobody_here(paid: Paid) -> None:
    paid.fill(799)
    paid.direct("d", 0)
    paid.run(0)
    assert paid.run(SECOND_MONTH).in_grace == 1
    at = SECOND_MONTH + 2 * DAY
    paid.at(at)
    assert paid.tell("activate", at, hand_over=True).json()["state"] == "active"
    paid.fill(5 * 799)
    assert paid.run(at + HOUR).given_up == 1
    assert paid.run(at + 40 * DAY).charged == 0
    assert paid.months() == ["2014-10-02"]
    assert paid.payers_at_most() == 1
    assert paid.plays()


def test_a_month_that_was_paid_after_a_grace_still_ends_on_its_own_day(paid: Paid) -> None:
    """What was taken back when it was paid begins a record of its own, which no month is counted from."""
    paid.fill(799)
    paid.direct("d", 0)
    paid.run(0)
    paid.run(SECOND_MONTH)
    paid.fill(799)
    assert paid.run(SECOND_MONTH + 3 * DAY).charged == 1
    paid.at(SECOND_MONTH + 20 * DAY)
    begun = paid.tell("activate", SECOND_MONTH + 20 * DAY, hand_over=True).json()
    assert begun["valid_to"] == paid.moment(THIRD_MONTH)
    assert paid.run(THIRD_MONTH + DAY).charged == 0
    assert paid.payers_at_most() == 1


def test_what_is_paid_in_grace_goes_on_no_further_than_an_operator_lets_it(paid: Paid) -> None:
    """An operator sold it from the end of the grace on; then the month was paid after all. The operator remains the one payer."""
    paid.fill(799)
    paid.direct("d", 0)
    paid.run(0)
    paid.run(SECOND_MONTH)
    grace_end = SECOND_MONTH + 8 * DAY
    assert paid.tell("activate", grace_end + DAY).status_code == 201
    paid.fill(5 * 799)
    assert paid.run(SECOND_MONTH + 3 * DAY).charged == 1
    assert paid.payers_at_most() == 1
    assert paid.run(THIRD_MONTH + DAY).charged == 0
    assert paid.plays(at=grace_end + HOUR), "it was paid"
    assert paid.months() == ["2014-10-02", "2014-11-02"]
    assert paid.given_back() == [("2014-11-11", "2014-12-02", 559)], "21 of 30 days are the operator's"
    assert paid.balance() == 4 * 799 + 559


def test_a_month_that_ends_early_by_its_publisher_is_no_operator_s_too(paid: Paid) -> None:
    """Its end was known; the operator was let begin there, in the middle of a month that was paid whole."""
    paid.fill(799)
    paid.direct("d", 0)
    paid.run(0)
    paid.direct("e", 10 * DAY, state="ended")
    paid.at(DAY)
    assert paid.tell("activate", DAY, hand_over=True).json()["valid_to"] == paid.moment(10 * DAY)
    for moment in (2 * DAY, 11 * DAY, 40 * DAY):
        paid.run(moment)
    assert paid.given_back() == [("2014-10-12", "2014-11-02", 541)], "21 of 31 days"
    assert paid.balance() == 541
    assert paid.payers_at_most() == 1


def test_a_grace_lasts_no_longer_than_until_the_operator_begins(paid: Paid) -> None:
    paid.direct("d", 0)
    paid.at(SECOND_MONTH - 3 * DAY)
    assert paid.tell("activate", SECOND_MONTH - 3 * DAY, hand_over=True).json()["valid_to"] == paid.moment(SECOND_MONTH)
    assert paid.run(SECOND_MONTH - 3 * DAY + MINUTE).in_grace == 1
    with paid.world.database.read() as conn:
        (due,) = charge_store.open_dues(conn)
    assert due.grace_until == NOW + SECOND_MONTH
    assert paid.plays(at=SECOND_MONTH - 1)
    assert paid.plays(at=SECOND_MONTH), "without a gap"
    assert paid.run(SECOND_MONTH).given_up == 1
    paid.fill(799)
    assert paid.run(SECOND_MONTH + DAY).charged == 0
    assert paid.payers_at_most() == 1


@pytest.mark.parametrize("pays", [True, False])
def test_who_was_handed_over_and_cannot_pay_plays_for_the_grace_and_then_by_the_operator(paid: Paid, pays: bool) -> None:
    paid.direct("d", 0)
    paid.at(MINUTE)
    assert paid.tell("activate", MINUTE, hand_over=True).json()["valid_to"] == paid.moment(SECOND_MONTH)
    assert paid.run(2 * MINUTE).in_grace == 1
    if pays:
        paid.fill(799)
    assert paid.run(3 * DAY).charged == (1 if pays else 0)
    assert paid.plays(at=7 * DAY)
    assert paid.plays(at=9 * DAY) is pays, "nobody else bills the rest of that month"
    assert paid.plays(at=SECOND_MONTH)
    paid.run(SECOND_MONTH + DAY)
    assert paid.given_back() == []
    assert paid.payers_at_most() == 1


def test_what_was_paid_and_not_recorded_when_an_operator_took_over_is_given_back_once(paid: Paid) -> None:
    """Paid in its grace by a process that died of it; before the next one came, the home was handed over."""
    paid.fill(799)
    paid.direct("d", 0)
    paid.run(0)
    assert paid.run(SECOND_MONTH).in_grace == 1
    at = SECOND_MONTH + 2 * DAY + HOUR
    paid.at(at)
    paid.fill(799)
    with pytest.raises(Killed):
        paid.run(at, dies_after="charge")
    assert paid.tell("activate", at, hand_over=True).json()["state"] == "active"
    with pytest.raises(Killed):
        paid.run(at + HOUR, dies_after="refund")
    assert (paid.balance(), paid.given_back()) == (746, [])
    for _ in range(2):
        paid.run(at + 2 * HOUR)
    assert paid.months() == ["2014-10-02", "2014-11-02"]
    assert paid.given_back() == [("2014-11-04", "2014-12-02", 746)], "28 of 30 days: it had two"
    assert paid.balance() == 746
    assert sum(one.tax.minor for one in paid.charges() if one.tax is not None) == 133 + 9
    paid.fill(799)
    assert paid.run(THIRD_MONTH + DAY).charged == 0
    assert paid.payers_at_most() == 1


def test_of_a_plan_that_is_changed_in_its_month_the_rest_is_given_back_and_pays_for_the_other(paid: Paid) -> None:
    """Each day is paid for once, whichever plan it was; also where the home then goes back to the first."""
    paid.fill(799)
    paid.direct("a", 0, "Basic")
    assert paid.run(0).charged == 1
    for reference, at, before, after in (("b", 10 * DAY, "Basic", "Plus"), ("c", 20 * DAY, "Plus", "Basic")):
        paid.at(at)
        paid.fill(799)
        paid.direct(f"{reference} ends", at, before, "ended")
        paid.direct(reference, at, after)
        assert paid.run(at).charged == 1
        assert paid.run(at + HOUR).charged == 0
    assert paid.months() == ["2014-10-02", "2014-10-12", "2014-10-22"]
    assert paid.given_back() == [("2014-10-12", "2014-11-02", 541), ("2014-10-22", "2014-11-12", 541)]
    assert paid.balance() == 2 * 541
    assert paid.run(SECOND_MONTH + DAY).charged == 0
    assert paid.run(52 * DAY).charged == 1
    assert paid.months()[-1] == "2014-11-22"


def test_a_plan_that_is_changed_and_changed_back_within_a_day_is_paid_once(paid: Paid) -> None:
    paid.fill(799)
    paid.direct("a", 0, "Basic")
    paid.run(0)
    for reference, at, before, after in (("b", HOUR, "Basic", "Plus"), ("c", 2 * HOUR, "Plus", "Basic")):
        paid.at(at)
        paid.direct(f"{reference} ends", at, before, "ended")
        paid.direct(reference, at, after)
        assert paid.run(at).charged == 1, "what was given back pays for it"
    assert paid.balance() == 0
    assert paid.run(HOUR + DAY).charged == 0
    assert [one.amount.minor for one in paid.charges()].count(799) == 3
    assert [minor for _, _, minor in paid.given_back()] == [799, 799]


def test_several_at_once_give_the_same_days_back_once(paid: Paid) -> None:
    paid.fill(2 * 799)
    paid.direct("a", 0, "Basic")
    paid.run(0)
    paid.at(10 * DAY)
    paid.direct("a ends", 10 * DAY, "Basic", "ended")
    paid.direct("b", 10 * DAY, "Plus")
    at_once(*[paid.run] * 4)
    assert paid.months() == ["2014-10-02", "2014-10-12"]
    assert paid.given_back() == [("2014-10-12", "2014-11-02", 541)]
    assert paid.balance() == 541


def test_who_changes_to_a_plan_that_it_cannot_pay_has_the_rest_of_the_first_back(paid: Paid) -> None:
    paid.fill(799)
    paid.direct("a", 0, "Basic")
    paid.run(0)
    paid.at(10 * DAY)
    paid.direct("a ends", 10 * DAY, "Basic", "ended")
    paid.direct("b", 10 * DAY, "Plus")
    assert paid.run(10 * DAY).in_grace == 1
    assert paid.run(20 * DAY).given_up == 1
    assert paid.balance() == 541
    assert len(paid.given_back()) == 1


def test_who_was_an_operator_s_for_an_hour_and_came_back_pays_for_that_day_once_more(paid: Paid) -> None:
    """The month that it comes back to is another one of the same day; nothing of that is the operator's."""
    paid.direct("a", 0)
    assert paid.run(0).in_grace == 1
    paid.at(HOUR)
    assert paid.tell("activate", HOUR, hand_over=True).json()["state"] == "active"
    paid.at(2 * HOUR)
    assert paid.tell("revoke", 2 * HOUR).status_code == 201
    paid.fill(2 * 799)
    paid.run(2 * HOUR)
    paid.at(3 * HOUR)
    paid.direct("b", 3 * HOUR)
    assert paid.run(3 * HOUR).charged == 1
    assert paid.run(4 * HOUR).charged == 0
    assert (paid.balance(), paid.given_back()) == (799, [])


def test_two_plans_at_once_are_paid_for_both(paid: Paid) -> None:
    paid.fill(2 * 799)
    paid.direct("a", 0, "Basic")
    paid.direct("b", 10 * DAY, "Plus")
    for moment in (0, 10 * DAY, 11 * DAY):
        paid.run(moment)
    assert (paid.balance(), paid.given_back()) == (0, [])


def test_a_home_that_comes_back_to_a_direct_plan_has_no_second_trial(paid: Paid) -> None:
    paid.price(trial_days=7)
    paid.fill(5 * 799)
    paid.at(DAY)
    paid.direct("a", DAY)
    assert paid.run(2 * DAY).charged == 0
    paid.at(5 * DAY)
    paid.direct("b", 5 * DAY, state="ended")
    paid.at(40 * DAY)
    paid.direct("c", 40 * DAY)
    assert paid.run(40 * DAY).charged == 1, "it tried it before"
    assert paid.months() == ["2014-11-11"]


def test_a_trial_is_not_had_again_by_another_plan_nor_after_an_operator_s(paid: Paid) -> None:
    paid.price(trial_days=7)
    paid.fill(5 * 799)
    paid.at(DAY)
    paid.direct("a", DAY, "Basic")
    paid.at(4 * DAY)
    paid.direct("b", 4 * DAY, "Basic", "ended")
    paid.direct("c", 4 * DAY, "Plus")
    assert paid.run(5 * DAY).charged == 0, "what is left of it goes over to the other plan"
    assert paid.run(8 * DAY).charged == 1
    assert paid.months() == ["2014-10-10"]


def test_a_home_that_leaves_an_operator_has_tried_it_there(paid: Paid) -> None:
    paid.price(trial_days=7)
    paid.fill(5 * 799)
    assert paid.tell("activate").status_code == 201
    paid.at(20 * DAY)
    assert paid.tell("revoke", 20 * DAY).status_code == 201
    paid.at(21 * DAY)
    assert paid.direct("a", 21 * DAY) == 201
    assert paid.run(21 * DAY).charged == 1
    assert paid.months() == ["2014-10-23"]


@pytest.mark.parametrize("who", ["us", "operator"])
@pytest.mark.parametrize(("begins", "ends"), [(0, None), (0, 20), (5, None), (5, 20)])
def test_of_an_erased_home_nothing_runs_on_nor_begins(paid: Paid, who: str, begins: int, ends: int | None) -> None:
    """The newest record may be an end that is to come: what runs until then, or begins only later, is over all the same."""
    operator = None if who == "us" else paid.world.orange
    with paid.world.database.write() as conn:
        for state, day in ((SubscriptionState.ACTIVE, begins), (SubscriptionState.ENDED, ends)):
            plan, since = plan_store.plan_of(conn, paid.plans["Plus"]), None if day is None else Instant(NOW + day * DAY)
            assert plan is not None
            if since is not None:
                plan_store.record_subscription(
                    conn, paid.world.one.household, plan, operator, state, NOW, actor="test", valid_from=since
                )
    paid.at(DAY)
    assert pays(paid.rows(), Instant(NOW + 6 * DAY))
    with paid.world.database.write() as conn:
        erasure.erase(conn, paid.world.one.household, paid.world.now, actor="test")
    assert first_paid(paid.rows(), paid.world.now) is None


def test_an_event_that_is_told_again_of_an_erased_home_is_known_and_says_no_more_whose_it_was(paid: Paid) -> None:
    """Its sender may not have heard the answer. Nothing of the home's name is left by which to know it again."""
    world, reference = paid.world, "ORANGE-4711"
    with world.database.write() as conn:
        conn.execute(sa.update(store.households).where(store.households.c.id == world.one.household).values(reference=reference))
    world.feed.poll()
    told = {"eventId": "a", "household": reference, "correlationId": f"order of {reference}", "domain": reference}
    account = paid.tell("activate", **told).json()["partner_account_id"]
    paid.at(DAY)
    with world.database.write() as conn:
        erasure.erase(conn, world.one.household, world.now, actor="test")
    world.feed.poll()
    rows = paid.rows()
    again = paid.tell("activate", **told)
    assert (again.status_code, again.json()["partner_account_id"], again.json()["state"]) == (200, account, "cancelled")
    assert paid.tell("activate", HOUR, **told).status_code == 409, "another event by the same name"
    assert paid.rows() == rows
    with world.database.read() as conn:
        words = [row.words for row in conn.execute(sa.select(billing_events.c.words))]
    assert len(words) == 2, "what was told, and that it was closed"
    assert reference not in json.dumps(words)


def test_what_an_operator_tells_late_of_an_erased_home_changes_nothing(paid: Paid) -> None:
    account = paid.tell("activate").json()["partner_account_id"]
    world = paid.world
    paid.at(DAY)
    with world.database.write() as conn:
        erasure.erase(conn, world.one.household, world.now, actor="test")
    world.feed.poll()
    assert paid.states(world.orange)[-1] == ("cancelled", "Basic", DAY)
    rows = paid.rows()
    paid.at(2 * DAY)
    for act, at in (("suspend", HOUR), ("resume", 2 * HOUR), ("change", 3 * HOUR), ("cancel", DAY), ("activate", 2 * DAY)):
        assert paid.tell(act, at, partner_account_id=account).status_code == 404
    assert paid.orange.get(f"{ACCOUNTS}/{account}").status_code == 404
    assert paid.studio.get(f"{ACCOUNTS}/{account}").status_code == 404
    assert paid.rows() == rows
    begun = paid.tell("activate", 2 * DAY)
    assert begun.status_code == 201, "who stands at the line now starts anew"
    assert begun.json()["partner_account_id"] != account
    assert paid.rows() == rows
