"""The household's own plans and invoices, as its screens are told of them: how each stands, and who is told nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from matinee.app.web import create_web
from matinee.base.clock import DAY, Instant, to_rfc3339
from matinee.base.ids import HouseholdId
from matinee.base.money import Money
from matinee.base.party import operator_side
from matinee.carriage.billed_homes import BilledHomes
from matinee.carriage.model import Billing
from matinee.members import invoice_store, pin_store, plan_store, profile_store, store, tax_store, terms_store, voucher_store
from matinee.members.bills import Bills
from matinee.members.contracts import Span
from matinee.members.credit import PrepaidCredit
from matinee.members.model import Plan, SubscriptionState
from matinee.members.plan_api import routes
from matinee.members.price_list import PlanPrices
from matinee.members.snapshot import Resolver
from tests.world import NOW, Screens, World, world_on_sqlite

EURO = "EUR"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world in which the first operator's homes need a plan of the cinema's, at 7.99 a month."""
    with world_on_sqlite(tmp_path) as made:
        made.now = Instant(made.now + 1)
        made.sign(made.orange, made.cinema, billing=Billing.DIRECT)
        with made.database.write() as conn:
            tax_store.record_rate(conn, made.studio.id, "FR", Decimal(20), date(2014, 1, 1), made.now, actor="test")
        yield made


@contextmanager
def _screens(world: World) -> Iterator[Screens]:
    billed = BilledHomes(world.carriage, world.fleet, world.members)
    app = create_web(
        routes(world.sights, world.members, world.fleet, billed, world.database, lambda: world.now),
        authenticate=Resolver(world.keys, world.fleet, world.members, world.staff).resolve,
        clock=lambda: world.now,
        page_policy="default-src 'self'",
    )
    with TestClient(app) as client:
        yield Screens(world, client)


def _plan(world: World, name: str = "Everything", streams: int = 2, trial: int = 0) -> Plan:
    with world.database.write() as conn:
        made = plan_store.ensure_plan(conn, world.cinema, name, world.now, actor="test", streams=streams)[0]
        terms_store.set_price(conn, made, "FR", Money(799, EURO), "2014-01-01", world.now, actor="test")
        terms_store.set_trial(conn, made, trial, world.now, actor="test")
    return made


def _subscribe(world: World, plan: Plan, household: HouseholdId | None = None, **told: Any) -> None:
    world.now = Instant(world.now + 10)
    state = told.pop("state", SubscriptionState.ACTIVE)
    with world.database.write() as conn:
        plan_store.record_subscription(conn, household or world.one.household, plan, None, state, world.now, actor="test", **told)
    world.feed.poll()


def _bill(world: World, grace_days: int = 7) -> None:
    with world.database.read() as conn:
        prices = PlanPrices(conn)
    port = PrepaidCredit(world.database, lambda: world.now, actor="test")
    billed = BilledHomes(world.carriage, world.fleet, world.members)
    done = Bills(world.database, port, prices, billed, grace_days=grace_days, actor="test").run(world.now)
    assert not done.problems


def _credit(world: World, minor: int) -> None:
    with world.database.write() as conn:
        batch = voucher_store.make(conn, world.cinema, Money(minor, EURO), 1, Instant(world.now + DAY), world.now, actor="test")
    voucher_store.redeem(world.database, batch[1][0], world.one.household, [world.cinema.id], world.now, actor="test")


def _told(screens: Screens) -> list[dict[str, Any]]:
    answer = screens.box.get("/api/v1/plan")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    return list(answer.json()["plans"])


def test_a_direct_plan_tells_its_trial_and_its_next_charge(world: World) -> None:
    _subscribe(world, _plan(world, trial=10))
    with _screens(world) as screens:
        (told,) = _told(screens)
        assert (told["state"], told["seller"], told["operator"]) == ("active", "us", None)
        assert told["plan"] == {"name": "Everything", "streams": 2, "max_height": None}
        assert told["price"] == {"minor": 799, "currency": EURO}
        assert told["next_charge"] == "2014-10-12", "ten days after 2 October"
        assert told["trial_until"] == "2014-10-11T22:00:00.000Z", "the first moment of that day in Paris"
        world.now = Instant(world.now + 11 * DAY)
        (told,) = _told(screens)
        assert told["trial_until"] is None


def test_a_service_that_was_tried_once_is_told_no_second_trial(world: World) -> None:
    """As it is charged: what is left of a trial is counted from the day on which the home first had the service."""
    _subscribe(world, _plan(world, "Basic"))
    world.now = Instant(world.now + 40 * DAY)
    _subscribe(world, _plan(world, "Basic"), state=SubscriptionState.ENDED)
    _subscribe(world, _plan(world, trial=30))
    with _screens(world) as screens:
        (told,) = [one for one in _told(screens) if one["plan"]["name"] == "Everything"]
    assert (told["trial_until"], told["next_charge"]) == (None, "2014-11-11"), "what has begun is owed from its first day on"


def test_after_a_month_is_paid_the_next_one_is_told(world: World) -> None:
    _subscribe(world, _plan(world))
    _credit(world, 1_000)
    _bill(world)
    with _screens(world) as screens:
        (told,) = _told(screens)
    assert (told["state"], told["due"], told["next_charge"]) == ("active", None, "2014-11-02")


def test_a_month_that_cannot_be_paid_is_a_grace_until_a_voucher_pays_it(world: World) -> None:
    _subscribe(world, _plan(world))
    _bill(world)
    with _screens(world) as screens:
        (told,) = _told(screens)
        assert told["state"] == "grace"
        assert told["due"] == {"amount": {"minor": 799, "currency": EURO}, "grace_until": "2014-10-09T22:00:00.000Z"}
        assert told["next_charge"] is None
        _credit(world, 1_000)
        _bill(world)
        (told,) = _told(screens)
        assert (told["state"], told["due"], told["next_charge"]) == ("active", None, "2014-11-02")


def test_a_plan_that_gives_less_than_the_one_before_says_so(world: World) -> None:
    more, less = _plan(world, "Family", streams=4), _plan(world, "Alone", streams=1)
    seller = operator_side(world.orange)
    before, then = NOW, Instant(NOW + 2 * DAY)
    spans = [
        Span(state=SubscriptionState.ACTIVE, plan=more.id, valid_from=before, valid_to=then),
        Span(state=SubscriptionState.ACTIVE, plan=less.id, valid_from=then),
    ]
    with world.database.write() as conn:
        plan_store.lay(conn, world.one.household, world.cinema.id, seller, world.orange, spans, world.now)
    with _screens(world) as screens:
        world.now = Instant(then + DAY)
        (told,) = _told(screens)
        assert (told["plan"]["name"], told["seller"], told["operator"]) == ("Alone", "operator", "Orange")
        assert told["lowered_from"] == {"name": "Family", "streams": 4, "max_height": None}
        assert (told["price"], told["next_charge"]) == (None, None), "the operator has billed nothing yet"
        world.now = Instant(then + 70 * DAY)
        (told,) = _told(screens)
        assert told["lowered_from"] is None


@pytest.mark.parametrize(
    ("state", "until", "waits_for"),
    [
        (SubscriptionState.PENDING, None, "link"),
        (SubscriptionState.PENDING, Instant(NOW + 30 * DAY), "other"),
        (SubscriptionState.ENDING, Instant(NOW + 30 * DAY), None),
        (SubscriptionState.SUSPENDED, None, None),
        (SubscriptionState.GRACE, None, None),
        (SubscriptionState.CANCELLED, None, None),
        (SubscriptionState.REVOKED, None, None),
    ],
)
def test_each_state_of_an_operators_subscription(
    world: World, state: SubscriptionState, until: Instant | None, waits_for: str | None
) -> None:
    plan = _plan(world)
    spans = [Span(state=state, plan=plan.id, valid_from=NOW, valid_to=until)]
    if until is not None:
        spans.append(Span(state=SubscriptionState.CANCELLED, plan=plan.id, valid_from=until))
    with world.database.write() as conn:
        plan_store.lay(conn, world.one.household, world.cinema.id, operator_side(world.orange), world.orange, spans, world.now)
    with _screens(world) as screens:
        (told,) = _told(screens)
    assert (told["state"], told["waits_for"]) == (state.value, waits_for)
    assert told["until"] == (None if until is None else to_rfc3339(until))


def test_a_plan_of_an_operator_that_the_home_has_left_is_told_no_more(world: World) -> None:
    """Nobody has told its end yet; it plays nothing. If the home gets a line there again, it has it again."""
    plan, there = _plan(world), world.settle(world.free, "there")

    def line_is(household: HouseholdId | None, since: int) -> None:
        with world.database.write() as conn:
            store.assign_household(conn, there.line.id, household, Instant(NOW + since), world.now)
        world.feed.poll()

    line_is(world.one.household, 1)
    spans = [Span(state=SubscriptionState.ACTIVE, plan=plan.id, valid_from=Instant(NOW + 2))]
    with world.database.write() as conn:
        plan_store.lay(conn, world.one.household, world.cinema.id, operator_side(world.free), world.free, spans, world.now)
    with _screens(world) as screens:
        world.now = Instant(NOW + DAY)
        assert [one["operator"] for one in _told(screens)] == ["Free"]
        line_is(None, DAY)
        assert _told(screens) == []
        _subscribe(world, plan)
        assert [(one["seller"], one["state"]) for one in _told(screens)] == [("us", "active")]
        world.now = Instant(NOW + 2 * DAY)
        line_is(world.one.household, 2 * DAY)
        assert sorted(one["seller"] for one in _told(screens)) == ["operator", "us"]


def test_what_ended_long_ago_is_told_no_more_and_another_home_never(world: World) -> None:
    plan = _plan(world)
    _subscribe(world, plan)
    _subscribe(world, plan, state=SubscriptionState.ENDED)
    with _screens(world) as screens:
        (told,) = _told(screens)
        assert (told["state"], told["price"] is None, told["next_charge"]) == ("ended", False, None)
        assert screens.other_box.get("/api/v1/plan").json() == {"plans": []}
        world.now = Instant(world.now + 63 * DAY)
        assert _told(screens) == []


def test_an_invoice_is_read_line_by_line_by_its_own_home_alone(world: World) -> None:
    plan = _plan(world)
    _subscribe(world, plan)
    _credit(world, 1_000)
    _bill(world)
    world.now = Instant(world.now + 31 * DAY)
    names = {plan.id: (world.cinema.name, plan.name)}
    with world.database.write() as conn:
        invoice_store.record_details(conn, world.studio.id, "1 rue du Test", world.now, actor="test")
        invoice_store.issue(conn, world.studio.id, "Studio", world.one.household, "2014-10", names, world.now, actor="test")
    with _screens(world) as screens:
        (told,) = screens.phone.get("/api/v1/invoices").json()["invoices"]
        assert (told["number"], told["kind"], told["month"], told["seller"]) == (1, "invoice", "2014-10", "Studio")
        assert (told["total"]["minor"], told["tax"]["minor"]) == (799, 133)
        (line,) = told["lines"]
        assert (line["plan"], line["first"], line["until"]) == ("Everything", "2014-10-02", "2014-11-02")
        assert screens.other_box.get("/api/v1/invoices").json() == {"invoices": []}


@pytest.mark.parametrize("path", ["/api/v1/plan", "/api/v1/invoices"])
def test_a_kids_screen_is_told_nothing_of_money(world: World, path: str) -> None:
    world.now = Instant(world.now + 1)
    with world.database.write() as conn:
        profile_store.change(conn, world.one.household, world.one.child.id, {"kids": True}, world.now)
        pin_store.settle_screen(conn, f"box:{world.one.box.id}", world.one.household, world.one.child.id, world.now)
    world.feed.poll()
    with _screens(world) as screens:
        refused = screens.box.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        assert screens.phone.get(path).status_code == 200, "another screen of the home shows another profile"
        assert screens.nobody.get(path).status_code == 401
        assert screens.studio.get(path).status_code == 403
