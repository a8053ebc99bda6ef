"""What happens to subscriptions in life and in no manual: lines move, agreements end, news comes late. On both databases."""

from collections.abc import Iterator

import pytest

from matinee.base.clock import DAY, HOUR, Instant
from matinee.carriage.closing import Closing, ended_since
from matinee.carriage.model import AgreementStatus, Billing
from matinee.catalogue.model import Seller
from matinee.members.leaving import HomesLines
from matinee.outside.database import Database
from matinee.parties import audit, outbox
from tests.carriage.bills import Bills
from tests.world import NOW, World, screens


@pytest.fixture
def bills(any_database: Database) -> Iterator[Bills]:
    world = World(any_database)
    with screens(world) as who:
        yield Bills(world, who)


def _after(bills: Bills, days: int) -> None:
    bills.world.now = Instant(NOW + days * DAY)


def _close(bills: Bills) -> None:
    world = bills.world
    lines = HomesLines(world.members, world.fleet)
    Closing(world.carriage, world.subscriptions, lines, world.database, lambda: world.now).step()
    world.feed.poll()


def _told_to_orange(bills: Bills) -> list[str]:
    """The states that rows of the outbox tell, of what Orange sold."""
    with bills.world.database.read() as conn:
        rows = [one.payload for one in outbox.after(conn, 0) if one.topic == "subscriptions"]
    return [row["state"] for row in rows if row.get("operator") == bills.world.orange]


def test_a_home_s_line_moves_to_another_operator(bills: Bills) -> None:
    """What the old operator sold holds no more at the new line; the new one sells, and the old one's has ended with its line."""
    home, other = bills.world.one, bills.world.other
    bills.tell("activate")
    _after(bills, 5)
    bills.move(home, 5 * DAY, line=other)
    assert not bills.plays(), "it was sold for the lines of the other"
    assert bills.plays(at=5 * DAY - 1)
    bills.world.entitlements.of_household(home.household, bills.world.cinema.id, bills.world.now)
    _after(bills, 6)
    begun = bills.tell("activate", 6 * DAY, who=bills.free)
    assert (begun.status_code, begun.json()["state"]) == (201, "active")
    assert bills.plays()
    assert bills.states(bills.world.orange) == [("active", "Basic", 0), ("cancelled", "Basic", 5 * DAY)]
    assert _told_to_orange(bills) == ["active", "cancelled"]
    assert bills.payers_at_most() == 1
    late = bills.tell("suspend", 6 * DAY)
    assert (late.status_code, late.json()["code"]) == (409, "not_in_this_state")
    assert bills.tell("cancel", 2 * DAY, until=bills.moment(20 * DAY)).status_code == 201, "what it told late of before counts"
    assert bills.states(bills.world.orange)[-1] == ("cancelled", "Basic", 5 * DAY)
    assert bills.tell("activate", 6 * DAY).status_code == 404, "the home is no more its own"
    assert bills.plays()
    with bills.world.database.read() as conn:
        assert (audit.first_broken(conn), audit.broken_sides(conn)) == (None, [])


def test_a_move_that_becomes_known_late(bills: Bills) -> None:
    """While the old line is still told of, the home pays there; once its end is known, it ended when it did."""
    bills.tell("activate")
    bills.also_at(bills.world.other, bills.world.one)
    _after(bills, 5)
    assert bills.tell("activate", 5 * DAY, who=bills.free, eventId="f").json()["code"] == "paid_elsewhere"
    _after(bills, 8)
    bills.move(bills.world.one, 4 * DAY)
    assert bills.tell("activate", 5 * DAY, who=bills.free, eventId="f").status_code == 201, "the same event, sent again"
    assert bills.states(bills.world.orange) == [("active", "Basic", 0), ("cancelled", "Basic", 4 * DAY)]
    assert bills.states(bills.world.free) == [("active", "Basic", 5 * DAY)]
    assert bills.payers_at_most() == 1


def test_a_home_that_comes_back_before_it_took_anything_else(bills: Bills) -> None:
    home = bills.world.one
    bills.tell("activate")
    _after(bills, 5)
    bills.move(home, 5 * DAY)
    assert not bills.plays()
    _after(bills, 7)
    bills.move(home, 7 * DAY, home.household)
    assert bills.plays()
    assert bills.states(bills.world.orange) == [("active", "Basic", 0)]


def test_a_home_that_leaves_and_takes_it_from_the_service_itself(bills: Bills) -> None:
    bills.tell("activate")
    bills.also_at(bills.world.other, bills.world.one)
    _after(bills, 5)
    direct = {"reference": "d", "household": "one", "plan_id": bills.plans["Plus"]}
    assert bills.studio.send("POST", "/api/v1/subscriptions", direct).json()["code"] == "paid_elsewhere"
    bills.move(bills.world.one, 5 * DAY)
    assert bills.studio.send("POST", "/api/v1/subscriptions", direct).status_code == 201
    assert bills.states(bills.world.orange)[-1] == ("cancelled", "Basic", 5 * DAY)
    assert bills.payers_at_most() == 1


def test_an_operator_ends_its_agreement(bills: Bills) -> None:
    """What it sold ends then, by events and by hand; signed anew it does not come back by itself."""
    world = bills.world
    bills.tell("activate")
    hand, name = bills.settle()
    by_hand = {"reference": "h", "household": name, "plan_id": bills.plans["Plus"]}
    assert bills.orange.send("POST", "/api/v1/subscriptions", by_hand).status_code == 201
    world.feed.poll()
    assert bills.plays()
    assert bills.plays(hand)
    _after(bills, 5)
    world.sign(world.orange, world.cinema, "ended", billing=Billing.OPERATOR)
    _after(bills, 6)
    assert not bills.plays()
    _close(bills)
    assert bills.states(world.orange) == [("active", "Basic", 0), ("cancelled", "Basic", 5 * DAY)]
    (active, ended) = bills.rows(hand)
    assert (active.state, ended.state, ended.valid_from) == ("active", "ended", NOW + 5 * DAY)
    before = bills.rows(), bills.rows(hand)
    _close(bills)
    assert (bills.rows(), bills.rows(hand)) == before, "once is enough"
    _after(bills, 9)
    world.sign(world.orange, world.cinema, billing=Billing.OPERATOR)
    assert not bills.plays()
    assert not bills.plays(hand)
    assert bills.tell("activate", 9 * DAY).status_code == 201
    assert bills.plays()


def test_an_agreement_that_is_suspended_ends_nothing(bills: Bills) -> None:
    bills.tell("activate")
    _after(bills, 5)
    bills.world.sign(bills.world.orange, bills.world.cinema, "suspended", billing=Billing.OPERATOR)
    _close(bills)
    assert bills.states(bills.world.orange) == [("active", "Basic", 0)]


def test_an_agreement_s_end_that_becomes_known_late(bills: Bills) -> None:
    """It ended on the fifth day and was told on the eighth: what was suspended on the sixth never was."""
    bills.tell("activate")
    _after(bills, 6)
    bills.tell("suspend", 6 * DAY)
    _after(bills, 8)
    ends = {"valid_from": Instant(NOW + 5 * DAY), "billing": Billing.OPERATOR}
    bills.world.sign(bills.world.orange, bills.world.cinema, "ended", **ends)
    _close(bills)
    assert bills.states(bills.world.orange) == [("active", "Basic", 0), ("cancelled", "Basic", 5 * DAY)]


def test_since_when_nothing_is_agreed(bills: Bills) -> None:
    world = bills.world
    world.sign(world.orange, world.cinema, "negotiating", valid_from=Instant(NOW + 2 * DAY))
    world.sign(world.orange, world.cinema, "ended", valid_from=Instant(NOW + 3 * DAY))
    agreements = next(of for one, service, of, _ in world.carriage.records() if (one, service) == (world.orange, world.cinema.id))
    assert ended_since(agreements, NOW) is None
    assert ended_since(agreements, Instant(NOW + 4 * DAY)) == NOW + 2 * DAY
    never = [one for one in agreements if one.status is not AgreementStatus.SIGNED]
    assert ended_since(never, Instant(NOW + 4 * DAY)) is None


def test_the_last_hour_before_a_handed_over_month(bills: Bills) -> None:
    """What the service itself sold on trial is handed over at the trial's end, not a month later."""
    terms = {"trial_days": 7, "prices": [{"country": "FR", "minor": 799, "currency": "EUR", "from_day": "2014-10-01"}]}
    assert bills.studio.send("POST", f"/api/v1/plans/{bills.plans['Plus']}/terms", terms).status_code == 200
    _after(bills, 1)
    direct = {"reference": "d", "household": "one", "plan_id": bills.plans["Plus"]}
    assert bills.studio.send("POST", "/api/v1/subscriptions", direct).status_code == 201
    ends = 7 * DAY + 12 * HOUR  # the first moment of 10 October in Paris, at which the first month would be charged
    bills.world.now = Instant(NOW + ends - HOUR)
    begun = bills.tell("activate", ends - HOUR, hand_over=True).json()
    assert (begun["state"], begun["valid_to"]) == ("pending", bills.moment(ends))


def test_what_waits_for_its_link_tells_the_home_what_to_do(bills: Bills) -> None:
    bills.tell("activate", by_link=True)
    told = bills.world.entitlements.of_household(bills.world.one.household, bills.world.cinema.id, bills.world.now)
    assert (told.may_play, told.seller) == (False, Seller.OPERATOR)
    assert "activation link" in told.clauses[2].says
