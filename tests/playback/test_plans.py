"""What OK does: a title that is there plays for a home that has the plan it needs, and tells any other so beforehand."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from matinee.base.clock import DAY, HOUR, Instant
from matinee.base.party import operator_side
from matinee.members import plan_store, store
from matinee.members.contracts import Span
from matinee.members.model import PLAYS, SubscriptionState
from matinee.outside.database import Database
from matinee.playback.book import Book
from tests.playback.paying import Home, Paying
from tests.world import NOW

ENDED = SubscriptionState.ENDED
SERVICE = "Cinéma"


def test_where_nobody_is_billed_no_plan_is_needed(world: Paying, home: Home) -> None:
    assert home.told(world.film) is None
    assert home.home()["needs_plan"] == []
    assert home.announced() == []
    assert home.play(world.film).status_code == 200


@pytest.mark.parametrize(("billing", "seller"), [("direct", "us"), ("operator", "operator")])
def test_without_a_plan_it_is_told_and_refused_and_the_tile_stays(world: Paying, home: Home, billing: str, seller: str) -> None:
    before = home.home()["rows"], home.who.box.get("/api/v1/search", q="phare").content, home.who.box.get("/api/v1/me").content
    world.bill(billing)
    expected = {"service_id": world.cinema.id, "service_name": SERVICE, "seller": seller}
    for title in (world.film, world.nights, world.night):
        assert home.told(title) == home.told(title, phone=True) == expected
    assert home.home()["needs_plan"] == [expected]
    assert home.announced() == [(SERVICE, "needs_plan")]
    after = home.home()["rows"], home.who.box.get("/api/v1/search", q="phare").content, home.who.box.get("/api/v1/me").content
    assert after == before
    for phone in (False, True):
        for title in (world.film, world.night):
            refused = home.play(title, phone=phone)
            assert (refused.status_code, refused.json()["code"]) == (403, "plan_needed")
            assert ("operator" in refused.json()["remedy"]) == (seller == "operator")
    assert home.play(world.nights).json()["code"] == "title_not_playable"


@pytest.mark.parametrize("billing", ["direct", "operator"])
@pytest.mark.parametrize("by_operator", [False, True])
def test_with_a_plan_it_plays(world: Paying, home: Home, billing: str, by_operator: bool) -> None:
    world.bill(billing)
    world.subscribe(operator=world.orange if by_operator else None)
    assert home.told(world.film) is None
    assert (home.home()["needs_plan"], home.announced()) == ([], [])
    assert home.play(world.film).status_code == home.play(world.night, phone=True).status_code == 200


def test_what_another_operator_sold_holds_at_its_own_lines_alone(world: Paying, home: Home) -> None:
    world.bill("operator")
    world.subscribe(operator=world.free)
    assert home.play(world.film).json()["code"] == "plan_needed"
    (period,) = (one for one in home.explained(world.studio_key)["entitlement"]["clauses"] if one["name"] == "period")
    assert "another operator" in period["says"]


def test_one_that_ends_tomorrow_plays_today_and_not_tomorrow(world: Paying, home: Home) -> None:
    world.bill("direct")
    tomorrow = Instant(NOW + DAY)
    world.subscribe(valid_to=tomorrow)
    for now, status in ((NOW, 200), (tomorrow - 1, 200), (tomorrow, 403), (tomorrow + DAY, 403)):
        world.now = Instant(now)
        assert home.play(world.film).status_code == status, now - NOW
        assert (home.told(world.film) is None) == (status == 200)


def test_one_that_begins_tomorrow_does_not_play_today(world: Paying, home: Home) -> None:
    world.bill("direct")
    world.subscribe(valid_from=Instant(NOW + DAY))
    assert home.play(world.film).status_code == 403
    world.now = Instant(NOW + DAY)
    assert home.play(world.film).status_code == 200


def test_an_end_is_a_record_and_so_is_coming_back(world: Paying, home: Home) -> None:
    world.bill("direct")
    world.subscribe()
    world.now = Instant(NOW + DAY)
    world.subscribe(state=ENDED)
    assert home.play(world.film).status_code == 403
    world.subscribe(plan="Another one", valid_to=Instant(NOW + 2 * DAY))
    assert home.play(world.film).status_code == 200, "any plan of the service does"
    world.now = Instant(NOW + 3 * DAY)
    assert home.play(world.film).status_code == 403
    world.subscribe()
    assert home.play(world.film).status_code == 200


@pytest.mark.parametrize("state", SubscriptionState, ids=str)
def test_what_each_state_means_for_ok(world: Paying, home: Home, state: SubscriptionState) -> None:
    """Where an operator's events made it; the tile stays, and staff read why."""
    world.bill("operator")
    with world.database.write() as conn:
        plan, _ = plan_store.ensure_plan(conn, world.cinema, "All of it", world.now, actor="test")
        span, side = Span(state=state, plan=plan.id, valid_from=NOW), operator_side(world.orange)
        plan_store.lay(conn, world.one.household, world.cinema.id, side, world.orange, [span], world.now)
    world.feed.poll()
    played = home.play(world.film)
    assert (played.status_code == 200) == (state in PLAYS) == (home.told(world.film) is None)
    told = home.explained(world.studio_key)["entitlement"]
    words = {"ended": "ended", "pending": "waits", "suspended": "suspended", "cancelled": "cancelled", "revoked": "revoked"}
    words |= {"active": "holds", "ending": "end of what is paid", "grace": "a bill is late"}
    assert words[state] in told["clauses"][2]["says"]
    if state not in PLAYS:
        assert played.json()["code"] == "plan_needed"
        assert ("link" in played.json()["remedy"]) == (state is SubscriptionState.PENDING)


def test_it_can_be_told_as_it_was_and_as_it_was_known(world: Paying, home: Home) -> None:
    world.bill("direct")
    world.now = Instant(NOW + 10 * DAY)
    world.subscribe(valid_from=Instant(NOW + DAY))  # known nine days after it began
    asked = {"at": "2014-10-04T12:00:00Z"}
    now_known = home.explained(world.studio_key, **asked)
    then_known = home.explained(world.studio_key, **asked, known_at="2014-10-05T00:00:00Z")
    assert (now_known["entitlement"]["may_play"], then_known["entitlement"]["may_play"]) == (True, False)
    assert now_known["visible"], "availability is another decision"
    assert then_known["entitlement"]["clauses"][1]["says"] == "No subscription is recorded."
    assert [one["name"] for one in now_known["entitlement"]["clauses"]] == ["billing", "subscription", "period"]
    before = home.explained(world.studio_key, at="2014-10-02T20:00:00Z")["entitlement"]
    assert not before["may_play"], "the day before it began"


def test_who_reads_the_entitlement(world: Paying, home: Home) -> None:
    """The service's publisher does. Its operator does where that bills, and not where the service itself does."""
    key = world.key("operator", operator=world.orange)
    for billing, reads in (("none", True), ("operator", True), ("direct", False)):
        world.now = Instant(world.now + 1)
        world.bill(billing)
        assert home.explained(world.studio_key)["entitlement"] is not None
        assert (home.explained(key)["entitlement"] is not None) == reads, billing


def test_an_operator_reads_of_what_it_sold_alone(world: Paying, home: Home) -> None:
    world.bill("operator")
    world.subscribe()
    key = world.key("operator", operator=world.orange)
    assert home.explained(world.studio_key)["entitlement"]["may_play"]
    told = home.explained(key)["entitlement"]
    assert not told["may_play"]
    assert not any("service itself" in clause["says"] for clause in told["clauses"])
    world.subscribe(operator=world.orange)
    assert home.explained(key)["entitlement"]["may_play"]


@pytest.mark.parametrize("status", ["refused", "ended"])
def test_without_an_agreement_nothing_plays_and_no_publisher_reads_of_the_home(world: Paying, home: Home, status: str) -> None:
    world.sign(world.orange, world.cinema, status, valid_from=NOW)
    world.subscribe()
    assert home.explained(world.studio_key)["entitlement"] is None
    told = home.explained(world.key("auditor"))["entitlement"]
    assert (told["may_play"], told["clauses"][0]["holds"]) == (False, False)


def test_a_film_that_runs_goes_on_to_its_token_s_end_when_the_plan_ends(world: Paying, home: Home) -> None:
    world.bill("direct")
    world.subscribe(valid_to=Instant(NOW + HOUR))
    begun = home.play(world.film).json()
    session, expires = begun["session_id"], begun["token_expires_at"]
    tokens = set()
    for sequence, later in enumerate((HOUR - 1, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR - 30_000), 1):
        world.now = Instant(NOW + later)
        heard = home.beat(session, sequence).json()
        assert (heard["stop"], heard["token_expires_at"]) == (None, expires), "it runs, by the token that it had"
        tokens.add(heard["token"])
    assert len(tokens) == 1
    world.now = Instant(NOW + 4 * HOUR - 10_000)
    assert home.beat(session, 9).json()["stop"] == "plan"
    assert home.play(world.film).json()["code"] == "plan_needed"


def test_after_a_restart_of_ours_it_goes_on_and_no_longer(world: Paying, home: Home) -> None:
    """Tokens are in memory alone: another is made, that ends when the first one would have."""
    world.bill("direct")
    world.subscribe(valid_to=Instant(NOW + HOUR))
    begun = home.play(world.film).json()
    world.book.flush()
    world.now = Instant(NOW + 2 * HOUR)
    with TestClient(world.desk_of(Book(world.database, lambda: world.now))) as player:
        heard = Home(world, home.who, player).beat(begun["session_id"], 1).json()
    assert (heard["stop"], heard["token_expires_at"]) == (None, begun["token_expires_at"])
    assert heard["token"]


def test_a_film_that_runs_is_renewed_while_the_plan_holds(world: Paying, home: Home) -> None:
    world.bill("direct")
    world.subscribe()
    begun = home.play(world.film).json()
    world.now = Instant(NOW + 3 * HOUR)
    assert home.beat(begun["session_id"], 1).json()["token_expires_at"] > begun["token_expires_at"]


def test_a_home_of_which_no_line_is_known_has_no_service_and_so_no_plan_to_need(world: Paying, home: Home) -> None:
    world.bill("direct")
    world.now = Instant(NOW + DAY)
    with world.database.write() as conn:
        store.assign_household(conn, world.one.line.id, None, world.now, world.now)
    world.feed.poll()
    assert home.play(world.film, phone=True).json()["code"] == "not_found"


def test_while_the_database_is_away_it_decides_by_what_was_known(world: Paying, home: Home) -> None:
    world.bill("direct")
    assert home.play(world.film).status_code == 403
    world.subscribe(valid_to=Instant(NOW + DAY))
    assert home.play(world.film).status_code == 200  # keys and places are in memory from here on
    with _away(world.database):
        assert home.told(world.film) is None
        assert home.play(world.film).status_code == 200
        with pytest.raises(ConnectionError), world.database.read():
            pytest.fail("the database is there")
        world.now = Instant(NOW + DAY)
        assert home.play(world.film).json()["code"] == "plan_needed"


@contextmanager
def _away(database: Database) -> Iterator[None]:
    """The database closed, and no connection to it to be had."""

    def refuse(*_: object) -> None:
        raise ConnectionError("the database is away")

    database.close()
    sa.event.listen(database.engine, "do_connect", refuse)
    try:
        yield
    finally:
        sa.event.remove(database.engine, "do_connect", refuse)
