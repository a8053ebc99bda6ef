"""Plans and subscriptions over HTTP: who may write and read which, twice sent is once recorded, and all of it is in the audit."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from matinee.base.clock import DAY, Instant
from matinee.carriage.model import Billing
from matinee.members import plan_store, store
from matinee.members.model import MemberError, SubscriptionState
from matinee.outside.database import Database
from matinee.parties import audit
from tests.world import NOW, Screen, Screens, World, screens

SUBSCRIPTIONS, PLANS = "/api/v1/subscriptions", "/api/v1/plans"


class Counter:
    """Everybody who sells: the studio that owns Cinéma, its rival, and the two operators."""

    def __init__(self, world: World, who: Screens) -> None:
        self.world = world
        self.studio, self.rival = who.studio, who.rival
        self.orange = who.as_(world.key("operator", operator=world.orange))
        self.free = who.as_(world.key("operator", operator=world.free))
        self.auditor = who.as_(world.key("auditor", operator=world.orange))
        self.all = who.as_(world.key("auditor"))

    def bill(self, billing: str) -> None:
        self.world.sign(self.world.orange, self.world.cinema, valid_from=NOW, billing=Billing(billing))

    def plan(self, name: str = "Everything") -> str:
        made = self.studio.send("POST", PLANS, {"service_id": self.world.cinema.id, "name": name})
        self.world.feed.poll()
        return str(made.raise_for_status().json()["id"])

    def sell(self, seller: Screen, plan: str, household: str = "one", reference: str = "order 1", **told: Any) -> httpx.Response:
        answer = seller.send("POST", SUBSCRIPTIONS, {"reference": reference, "household": household, "plan_id": plan, **told})
        self.world.feed.poll()
        return answer

    def listed(self, who: Screen, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = who.get(SUBSCRIPTIONS, **query).raise_for_status().json()["items"]
        return found


@pytest.fixture
def counter(any_database: Database) -> Iterator[Counter]:
    world = World(any_database)
    with screens(world) as who:
        yield Counter(world, who)


def test_a_publisher_sells_its_own_and_an_operator_where_it_bills(counter: Counter) -> None:
    plan = counter.plan()
    for billing, status in (("none", 404), ("direct", 404), ("operator", 201)):
        counter.world.now = Instant(counter.world.now + 1)
        counter.bill(billing)
        assert counter.sell(counter.orange, plan).status_code == status, billing
        shown = [one["id"] for one in counter.orange.get(PLANS).json()["items"]]
        assert shown == ([plan] if status == 201 else [])
    sold = counter.sell(counter.studio, plan)
    assert (sold.status_code, sold.json()["seller"], sold.json()["operator_id"]) == (201, "us", None)
    assert [(one["seller"], one["operator_id"]) for one in counter.listed(counter.orange)] == [("operator", counter.world.orange)]
    assert len(counter.listed(counter.studio)) == len(counter.listed(counter.all)) == 2
    assert counter.listed(counter.auditor) == counter.listed(counter.orange)
    assert counter.listed(counter.rival) == counter.listed(counter.free) == []


def test_a_publisher_knows_an_operator_s_customer_by_its_account_alone(counter: Counter) -> None:
    """By the home's reference two services would find out that they have it in common."""
    counter.bill("operator")
    plan = counter.plan()
    asked = {"service_id": counter.world.cinema.id, "household": "one"}
    account = counter.orange.send("POST", "/api/v1/partner-accounts", asked).json()["partner_account_id"]
    told = counter.sell(counter.orange, plan).json()
    assert (told["household"], told["partner_account_id"]) == ("one", account)
    own = counter.sell(counter.studio, plan).json()
    assert (own["household"], own["partner_account_id"]) == ("one", None)
    for who, knows in ((counter.studio, {None, "one"}), (counter.all, {"one"})):
        found = counter.listed(who)
        assert {one["household"] for one in found} == knows
        assert {one["partner_account_id"] for one in found} == {None, account}
    assert [one["id"] for one in counter.listed(counter.studio, household="one")] == [own["id"]]
    assert [one["id"] for one in counter.listed(counter.orange, household="one")] == [told["id"]]
    assert len(counter.listed(counter.all, household="one")) == 2


def test_what_is_another_s_reads_as_what_does_not_exist(counter: Counter) -> None:
    counter.bill("operator")
    plan = counter.plan()
    nowhere = "0" * 26
    for seller in (counter.rival, counter.free):
        there, missing = counter.sell(seller, plan), counter.sell(seller, nowhere)
        assert (there.status_code, there.content) == (missing.status_code, missing.content) == (404, there.content)
        assert seller.get(PLANS).json() == {"items": []}
    for seller in (counter.studio, counter.orange):
        other, nobody = counter.sell(seller, plan, "other"), counter.sell(seller, plan, "nobody")
        assert (other.status_code, other.content) == (nobody.status_code, nobody.content) == (404, other.content)
        assert counter.listed(seller, household="other") == counter.listed(seller, household="nobody") == []
        assert counter.listed(seller, household="\0") == []
    refused = counter.rival.send("POST", PLANS, {"service_id": counter.world.cinema.id, "name": "Mine"})
    missing = counter.rival.send("POST", PLANS, {"service_id": nowhere, "name": "Mine"})
    assert (refused.status_code, refused.content) == (404, missing.content)


def test_an_auditor_and_a_screen_write_nothing(counter: Counter) -> None:
    plan = counter.plan()
    assert counter.sell(counter.auditor, plan).status_code == 403
    assert counter.orange.send("POST", PLANS, {"service_id": counter.world.cinema.id, "name": "x"}).status_code == 403


def test_a_reference_said_again_changes_nothing_and_is_the_seller_s_own(counter: Counter) -> None:
    counter.bill("operator")
    plan = counter.plan()
    first = counter.sell(counter.orange, plan, since="2014-10-02T10:00:00Z", until="2015-10-02T10:00:00Z")
    counter.world.now = Instant(counter.world.now + DAY)
    again = counter.sell(counter.orange, plan, since="2014-10-02T10:00:00Z", until="2015-10-02T10:00:00Z")
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert counter.sell(counter.orange, plan, state="ended").json()["code"] == "conflict"
    assert counter.sell(counter.orange, plan, since="2014-10-03T10:00:00Z").status_code == 409
    assert counter.sell(counter.studio, plan).status_code == 201, "another seller's reference is another"
    assert len(counter.listed(counter.orange)) == 1
    assert counter.plan() == plan


def test_what_was_sold_can_be_ended_after_the_agreement_bills_no_more(counter: Counter) -> None:
    counter.bill("operator")
    plan = counter.plan()
    counter.sell(counter.orange, plan)
    counter.world.now = Instant(counter.world.now + 1)
    counter.bill("direct")
    assert counter.sell(counter.orange, plan, reference="order 2").status_code == 404
    assert counter.sell(counter.orange, plan, reference="order 3", state="ended").status_code == 201
    assert sorted(one["state"] for one in counter.listed(counter.orange)) == ["active", "ended"]


@pytest.mark.parametrize("status", ["refused", "negotiating", "ended"])
def test_what_is_not_agreed_sells_nothing(counter: Counter, status: str) -> None:
    plan = counter.plan()
    fields = {"valid_from": NOW, "billing": Billing.OPERATOR}
    counter.world.sign(counter.world.orange, counter.world.cinema, status, **fields)
    assert counter.orange.get(PLANS).json() == {"items": []}
    assert counter.sell(counter.orange, plan).status_code == counter.sell(counter.studio, plan).status_code == 404


def test_a_plan_can_be_sold_as_soon_as_it_is_made(counter: Counter) -> None:
    made = counter.studio.send("POST", PLANS, {"service_id": counter.world.cinema.id, "name": "Everything"}).json()
    assert counter.sell(counter.studio, made["id"]).status_code == 201, "the snapshot has not followed"


def test_an_operator_sells_nothing_to_a_home_that_has_left_it(counter: Counter) -> None:
    world = counter.world
    counter.bill("operator")
    plan = counter.plan()
    first = counter.sell(counter.orange, plan)
    world.now = Instant(NOW + DAY)
    with world.database.write() as conn:
        store.assign_household(conn, world.one.line.id, None, world.now, world.now)
    world.feed.poll()
    assert counter.sell(counter.orange, plan, reference="order 2").status_code == 404
    again = counter.sell(counter.orange, plan)
    assert (again.status_code, again.json()) == (200, first.json()), "what was sent can be sent again"
    assert counter.sell(counter.orange, plan, reference="order 3", state="ended").status_code == 201


def test_an_operator_sells_to_a_home_of_two_lines_of_which_one_is_its_own(counter: Counter) -> None:
    world = counter.world
    world.sign(world.free, world.cinema, valid_from=NOW, billing=Billing.OPERATOR)
    plan = counter.plan()
    assert counter.sell(counter.free, plan).status_code == 404
    with world.database.write() as conn:
        store.assign_household(conn, world.other.line.id, world.one.household, Instant(NOW + 1), NOW)
    world.feed.poll()
    world.now = Instant(NOW + DAY)
    assert counter.sell(counter.free, plan).status_code == 201


def test_an_end_ends_what_the_same_seller_sold(counter: Counter) -> None:
    counter.bill("operator")
    plan = counter.plan()
    counter.sell(counter.orange, plan)
    refused = counter.sell(counter.studio, plan, state="ended")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), "the home would play on"
    until = counter.sell(counter.orange, plan, reference="order 2", state="ended", until="2030-01-01T00:00:00Z")
    assert (until.status_code, "no end of its own" in until.json()["detail"]) == (400, True)
    assert [one["state"] for one in counter.listed(counter.studio)] == ["active"]


@pytest.mark.parametrize("name", [" ", "a\0", "a\nb", "a" * 101])
def test_a_plan_has_a_name_of_one_line(counter: Counter, name: str) -> None:
    refused = counter.studio.send("POST", PLANS, {"service_id": counter.world.cinema.id, "name": name})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


def test_it_comes_in_pages(counter: Counter) -> None:
    plan = counter.plan()
    for number in range(5):
        assert counter.sell(counter.studio, plan, reference=f"order {number}").status_code == 201
    found, cursor = [], None
    for _ in range(3):
        page = counter.studio.get(SUBSCRIPTIONS, limit=2, cursor=cursor).json()
        found += [one["reference"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert (sorted(found), cursor) == ([f"order {number}" for number in range(5)], None)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("an empty reference", {"reference": ""}),
        ("one that breaks lines", {"reference": "a\nb"}),
        ("a zero byte", {"reference": "a\0"}),
        ("one that is too long", {"reference": "a" * 101}),
        ("no moment", {"since": "soon"}),
        ("an end before its beginning", {"since": "2015-01-01T00:00:00Z", "until": "2014-01-01T00:00:00Z"}),
        ("a year that no calendar tells", {"until": "9999-01-01T00:00:00Z"}),
        ("an unknown state", {"state": "grace"}),
        ("an unknown field", {"price": 5}),
    ],
)
def test_what_is_wrong_is_refused_in_words(counter: Counter, what: str, told: dict[str, Any]) -> None:
    plan = counter.plan()
    body = {"reference": "order 1", "household": "one", "plan_id": plan, **told}
    refused = counter.studio.send("POST", SUBSCRIPTIONS, body)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request"), what
    assert counter.listed(counter.studio) == []


def test_each_record_is_sealed_for_its_seller_and_the_publisher(counter: Counter) -> None:
    counter.bill("operator")
    plan = counter.plan()
    counter.sell(counter.studio, plan, reference="ours")
    counter.sell(counter.orange, plan, reference="theirs")

    def told(who: Screen) -> list[str]:
        rows = who.get("/api/v1/audit").json()["items"]
        return sorted(row["detail"]["reference"] for row in rows if row["action"] == "subscription.record")

    assert (told(counter.studio), told(counter.orange)) == (["ours", "theirs"], ["theirs"])
    assert told(counter.rival) == told(counter.free) == []
    with counter.world.database.read() as conn:
        assert (audit.first_broken(conn), audit.broken_sides(conn)) == (None, [])


def test_a_store_keeps_every_record_and_refuses_a_time_that_is_none(any_database: Database) -> None:
    world = World(any_database)
    with any_database.write() as conn:
        household = store.household_named(conn, "one")
        assert household is not None
        plan, is_new = plan_store.ensure_plan(conn, world.cinema, "Everything", NOW, actor="test")
        assert is_new
        assert plan_store.ensure_plan(conn, world.cinema, "Everything", NOW, actor="test") == (plan, False)
        states = (SubscriptionState.ACTIVE, SubscriptionState.ENDED, SubscriptionState.ACTIVE)
        made = [plan_store.record_subscription(conn, household, plan, None, state, NOW, actor="test")[0] for state in states]
        with pytest.raises(MemberError, match="known later than now"):
            plan_store.record_subscription(
                conn, household, plan, None, states[0], NOW, actor="test", recorded_at=Instant(NOW + 1_000)
            )
        assert plan_store.subscriptions_of(conn) == plan_store.subscriptions_of(conn, [household]) == made
    assert [one.recorded_at for one in made] == [NOW, NOW + 1, NOW + 2], "which was written last is plain"
