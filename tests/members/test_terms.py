"""What a plan costs on a day, its trial, and what is recorded of them, on both databases."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from matinee.base.clock import Instant
from matinee.base.ids import PlanId
from matinee.base.money import Money
from matinee.members import plan_store, terms_store
from matinee.members.model import MemberError
from matinee.members.terms import Price, Trial, in_order, price_on, trial_days
from matinee.outside.database import Database
from matinee.parties import audit
from tests.world import NOW, Screens, World, screens

PARIS = ZoneInfo("Europe/Paris")
PLAN = PlanId("p")


def _price(minor: int | None, day: str, known: int = 0, country: str = "FR") -> Price:
    money = None if minor is None else Money(minor, "EUR")
    return Price(plan=PLAN, country=country, money=money, from_day=day, recorded_at=Instant(known))


PRICES = [
    _price(799, "2014-10-01"),
    _price(899, "2015-01-01", 5),
    _price(949, "2015-01-01", 9),
    _price(None, "2016-01-01", 9),
    _price(699, "2014-10-01", country="BE"),
]


@pytest.mark.parametrize(
    ("shows", "country", "day", "known_at", "minor"),
    [
        ("before the first", "FR", "2014-09-30", None, None),
        ("from its day on", "FR", "2014-10-01", None, 799),
        ("to the eve of the next", "FR", "2014-12-31", None, 799),
        ("a price of the same day takes the place of the one before", "FR", "2015-01-01", None, 949),
        ("as it was known", "FR", "2015-01-01", 8, 899),
        ("as it was known at first", "FR", "2015-01-01", 4, 799),
        ("not sold any more", "FR", "2016-01-01", None, None),
        ("another country's", "BE", "2015-06-01", None, 699),
        ("nowhere told", "DE", "2015-06-01", None, None),
    ],
)
def test_what_it_costs(shows: str, country: str, day: str, known_at: int | None, minor: int | None) -> None:
    found = price_on(PRICES, country, day, None if known_at is None else Instant(known_at))
    assert found == (None if minor is None else Money(minor, "EUR")), shows
    assert price_on(PRICES[::-1], country, day, None if known_at is None else Instant(known_at)) == found


def test_a_trial_is_that_of_the_day_on_which_it_was_sold() -> None:
    trials = [Trial(plan=PLAN, days=30, recorded_at=Instant(5)), Trial(plan=PLAN, days=7, recorded_at=Instant(9))]
    assert [trial_days(trials, Instant(at)) for at in (4, 5, 8, 9)] == [0, 30, 30, 7]


def test_what_is_recorded_is_kept_and_sealed(any_database: Database) -> None:
    world = World(any_database)
    with any_database.write() as conn:
        plan, _ = plan_store.ensure_plan(conn, world.cinema, "Everything", NOW, actor="test")
        for minor, is_new in ((799, True), (799, False), (899, True), (799, True)):
            told = terms_store.set_price(conn, plan, "FR", Money(minor, "EUR"), "2014-10-01", NOW, actor="test")
            assert told[1] is is_new, minor
        terms = terms_store.terms_of(conn)[plan.id]
        assert [one.money and one.money.minor for one in terms.prices] == [799, 899, 799]
        assert [one.money and one.money.minor for one in in_order(terms.prices)] == [799], "what was said last"
        assert [terms_store.set_trial(conn, plan, days, NOW, actor="test") for days in (0, 7, 7, 0)] == [False, True, False, True]
        for country, money, day in (("fr", None, "2014-10-01"), ("FR", Money(-1, "EUR"), "2014-10-01"), ("FR", None, "1.10.")):
            with pytest.raises(MemberError):
                terms_store.set_price(conn, plan, country, money, day, NOW, actor="test")
    with any_database.read() as conn:
        assert (audit.first_broken(conn), audit.broken_sides(conn)) == (None, [])


def _terms(who: Screens, world: World) -> tuple[str, str]:
    asked = {"service_id": world.cinema.id, "name": "Everything"}
    plan = str(who.studio.send("POST", "/api/v1/plans", asked).json()["id"])
    world.feed.poll()
    return plan, f"/api/v1/plans/{plan}/terms"


def test_a_publisher_sets_the_terms_of_its_own_plans(any_database: Database) -> None:
    world = World(any_database)
    with screens(world) as who:
        plan, path = _terms(who, world)
        price = {"country": "FR", "minor": 799, "currency": "EUR", "from_day": "2014-10-01"}
        told = who.studio.send("POST", path, {"prices": [price], "trial_days": 30})
        assert (told.status_code, told.json()["prices"], told.json()["trial_days"]) == (200, [price], 30)
        assert who.studio.send("POST", path, {"trial_days": 7}).json()["prices"] == [price], "what is left out stays"
        world.feed.poll()
        (listed,) = who.studio.get("/api/v1/plans").json()["items"]
        assert (listed["id"], listed["prices"]) == (plan, [price])
        for where in (path, f"/api/v1/plans/{'0' * 26}/terms"):
            assert who.rival.send("POST", where, {"trial_days": 1}).content == who.rival.send("POST", where, {}).content
        wrong: list[dict[str, Any]] = [
            {"prices": [{**price, "minor": 7.99}]},
            {"prices": [{**price, "minor": -1}]},
            {"prices": [{**price, "country": "fr"}]},
            {"prices": [{**price, "currency": "€"}]},
            {"prices": [{**price, "from_day": "2014-02-30"}]},
            {"prices": [price, {**price, "from_day": "soon"}]},
            {"trial_days": 1_000},
        ]
        for body in wrong:
            assert who.studio.send("POST", path, body).json()["code"] == "invalid_request", body
        assert who.studio.send("POST", path, {}).json()["prices"] == [price], "all of it or nothing"
