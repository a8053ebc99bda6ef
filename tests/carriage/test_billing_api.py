"""What operators tell of the subscriptions on their bill: once, at its time, of their own homes, and never a second payer."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import DAY, HOUR, MINUTE, Instant
from matinee.carriage.model import Billing
from matinee.outside.database import Database
from matinee.parties import audit
from tests.carriage.bills import ACCOUNTS, EVENTS, OFFERS, Bills, few
from tests.world import NOW, World, screens, world_on_sqlite

OPENED = "/api/v1/activations"


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bills]:
    """One world for what is drawn, each time with homes of its own."""
    with world_on_sqlite(tmp_path_factory.mktemp("quiet")) as world, screens(world) as who:
        yield Bills(world, who)


@pytest.fixture
def bills(any_database: Database) -> Iterator[Bills]:
    world = World(any_database)
    with screens(world) as who:
        yield Bills(world, who)


def test_from_activation_to_the_end_of_what_was_paid(bills: Bills) -> None:
    begun = bills.tell("activate").raise_for_status()
    assert (begun.status_code, begun.json()["state"], begun.json()["valid_to"]) == (201, "active", None)
    assert bills.plays()
    bills.world.now = Instant(NOW + HOUR)
    assert bills.tell("suspend", MINUTE).json()["state"] == "suspended"
    assert not bills.plays()
    assert bills.tell("resume", 2 * MINUTE).json()["state"] == "active"
    assert bills.tell("change", 3 * MINUTE, offer_id="Plus-production").json()["plan_id"] == bills.plans["Plus"]
    assert bills.tell("grace", 4 * MINUTE, until=bills.moment(DAY)).json()["state"] == "grace"
    assert bills.plays()
    assert bills.tell("resume", 5 * MINUTE).json()["state"] == "active"
    ends = bills.tell("cancel", 6 * MINUTE, until=bills.moment(2 * DAY)).json()
    assert (ends["state"], ends["valid_to"]) == ("ending", bills.moment(2 * DAY))
    assert (bills.plays(at=2 * DAY - 1), bills.plays(at=2 * DAY)) == (True, False)
    assert bills.states(bills.world.orange)[-2:] == [("ending", "Plus", 6 * MINUTE), ("cancelled", "Plus", 2 * DAY)]
    assert bills.tell("revoke", 7 * MINUTE).json()["state"] == "revoked"
    assert not bills.plays()
    assert bills.tell("activate", 8 * MINUTE).status_code == 201, "and begins anew"
    assert bills.plays()


def test_the_same_again_changes_nothing_and_other_words_are_refused(bills: Bills) -> None:
    first = bills.tell("activate", eventId="a")
    rows = bills.rows()
    bills.world.now = Instant(NOW + HOUR)
    again = bills.tell("activate", eventId="a")
    assert (again.status_code, again.json(), bills.rows()) == (200, first.json(), rows)
    other = bills.tell("activate", MINUTE, eventId="a")
    assert (other.status_code, other.json()["code"], bills.rows()) == (409, "conflict", rows)
    assert bills.tell("activate", eventId="a", who=bills.free, household="other").status_code == 201, "ids are the sender's own"


def test_what_is_not_allowed_is_refused_by_name_and_counts_once_it_fits(bills: Bills) -> None:
    early = bills.tell("suspend", MINUTE, eventId="s")
    assert (early.status_code, early.json()["code"]) == (409, "not_in_this_state")
    assert "nothing yet" in early.json()["detail"]
    assert bills.rows() == []
    bills.world.now = Instant(NOW + HOUR)
    late = bills.tell("activate", 0)
    assert (late.status_code, late.json()["state"]) == (201, "suspended"), "what came first counts now"
    assert bills.tell("suspend", MINUTE, eventId="s").status_code == 200
    twice = bills.tell("activate", 2 * MINUTE)
    assert (twice.status_code, "suspended" in twice.json()["detail"]) == (409, True)
    assert "cancelled, nothing, revoked" in twice.json()["remedy"]


_drawn = st.lists(
    st.tuples(
        st.sampled_from(["activate", "change", "suspend", "resume", "grace", "cancel", "revoke"]),
        st.integers(0, 6),
        st.sampled_from(["Basic-production", "Plus-production"]),
        st.integers(0, 5),
    ),
    min_size=2,
    max_size=3,
)


@given(_drawn)
@few
def test_every_order_of_delivery_records_one_life(quiet: Bills, drawn: list[Any]) -> None:
    """Over all permutations, through the URL, each for a home of its own: what was recorded stands alike."""
    found = set()
    for order in itertools.permutations(range(len(drawn))):
        home, name = quiet.settle()
        for number in order:
            act, at, offer, length = drawn[number]
            words: dict[str, Any] = {"offer_id": offer} if act in ("activate", "change") else {}
            words |= {"until": quiet.moment(at + length)} if act in ("cancel", "grace") else {}
            quiet.world.now = Instant(quiet.world.now + MINUTE)
            answer = quiet.tell(act, at, eventId=f"{name} {number}", household=name, **words)
            assert answer.status_code in (201, 409), answer.text
        found.add(tuple(quiet.states(quiet.world.orange, home)))
    assert len(found) == 1


_ACTS = ["activate", "take over", "suspend", "resume", "cancel", "revoke", "by hand", "end by hand", "move"]


@given(st.lists(st.tuples(st.sampled_from(_ACTS), st.booleans(), st.integers(-3, 6), st.integers(0, 60)), max_size=12))
@few
def test_there_are_never_two_payers(quiet: Bills, drawn: list[Any]) -> None:
    """Whatever two operators and the service itself tell, in whatever order: at no moment, as known at none, do two bill."""
    home, name = quiet.settle()
    other, _ = quiet.settle(quiet.world.free)
    quiet.also_at(other, home)
    for number, (act, is_free, days, length) in enumerate(drawn):
        quiet.world.now = Instant(quiet.world.now + HOUR)
        seller, at = (quiet.free if is_free else quiet.orange), quiet.world.now - NOW + days * DAY
        if act in ("by hand", "end by hand"):
            told: dict[str, Any] = {"state": "ended"} if act == "end by hand" else {}
            told |= {"until": quiet.moment(at + length * DAY)} if length % 2 and not told else {}
            body = {"reference": f"{name} {number}", "household": name, "plan_id": quiet.plans["Basic"]}
            answer = quiet.studio.send("POST", "/api/v1/subscriptions", {**body, "since": quiet.moment(at), **told})
            quiet.world.feed.poll()
        elif act == "move":
            quiet.move(other if is_free else home, at, home.household if length % 2 else None)
            continue
        elif act == "take over":
            answer = quiet.tell("activate", at, who=seller, household=name, hand_over=True)
        else:
            words = {"until": quiet.moment(at + length * DAY)} if act == "cancel" else {}
            answer = quiet.tell(act, at, who=seller, household=name, **words)
        assert answer.status_code in (200, 201, 400, 404, 409), answer.text
        assert quiet.payers_at_most(home) <= 1, drawn[: number + 1]


def test_a_home_that_pays_elsewhere_is_refused_without_a_word_of_whom(bills: Bills) -> None:
    bills.also_at(bills.world.other, bills.world.one)
    bills.world.now = Instant(NOW + DAY)
    assert bills.tell("activate", DAY, who=bills.free).status_code == 201
    refused = bills.tell("activate", DAY, eventId="x")
    assert (refused.status_code, refused.json()["code"]) == (409, "paid_elsewhere")
    assert "Free" not in refused.text
    assert bills.world.free not in refused.text
    assert bills.tell("activate", DAY, eventId="y", hand_over=True).json()["code"] == "paid_elsewhere", "it is not the service's"
    assert bills.states(bills.world.orange) == []
    bills.tell("revoke", 2 * DAY, who=bills.free)
    assert bills.tell("activate", DAY, eventId="x").status_code == 409
    bills.world.now = Instant(NOW + 3 * DAY)
    assert bills.tell("activate", 2 * DAY, eventId="z").status_code == 201, "once the other has ended"
    assert bills.payers_at_most() == 1


def test_two_who_sell_at_once_are_one_after_the_other(bills: Bills) -> None:
    bills.also_at(bills.world.other, bills.world.one)
    bills.world.now = Instant(NOW + DAY)
    body = {"eventTime": bills.moment(DAY), "eventType": "activate", "household": "one", "offer_id": "Basic-production"}
    sellers = [bills.orange, bills.free] * 3
    with ThreadPoolExecutor(len(sellers)) as pool:
        told = pool.map(lambda pair: pair[1].send("POST", EVENTS, {**body, "eventId": f"at once {pair[0]}"}), enumerate(sellers))
        answers = [(one.status_code, one.json().get("code")) for one in told]
    assert answers.count((201, None)) == 1
    assert answers.count((409, "paid_elsewhere")) == 3
    assert answers.count((409, "not_in_this_state")) == 2
    assert bills.payers_at_most() == 1


def test_it_takes_over_from_the_service_itself_at_the_end_of_what_was_paid(bills: Bills) -> None:
    direct = {"reference": "d", "household": "one", "plan_id": bills.plans["Plus"], "since": bills.moment(0)}
    assert bills.studio.send("POST", "/api/v1/subscriptions", direct).status_code == 201
    bills.world.now = Instant(NOW + 10 * DAY)
    assert bills.tell("activate", 10 * DAY).json()["code"] == "paid_elsewhere"
    begun = bills.tell("activate", 10 * DAY, hand_over=True).json()
    month = 30 * DAY + 13 * HOUR  # from 2 October, 12:00 in Paris, to the first moment of 2 November, when clocks have gone back
    assert (begun["state"], begun["valid_to"]) == ("pending", bills.moment(month))
    assert bills.states(None) == [("active", "Plus", 0), ("ending", "Plus", 10 * DAY), ("cancelled", "Plus", month)]
    assert bills.states(bills.world.orange) == [("pending", "Basic", 10 * DAY), ("active", "Basic", month)]
    assert bills.plays(at=month - 1), "by the one"
    assert bills.plays(at=month), "by the other"
    assert bills.payers_at_most() == 1
    more = {**direct, "reference": "e", "since": bills.moment(month + DAY)}
    assert bills.studio.send("POST", "/api/v1/subscriptions", more).json()["code"] == "paid_elsewhere"
    assert bills.studio.send("POST", "/api/v1/subscriptions", direct).status_code == 200, "what was sent can be sent again"
    assert bills.tell("revoke", 12 * DAY).json()["state"] == "pending", "it is to be told at its time"


def test_an_operator_that_keeps_events_keeps_no_records_by_hand(bills: Bills) -> None:
    body = {"reference": "o", "household": "one", "plan_id": bills.plans["Basic"]}
    assert bills.orange.send("POST", "/api/v1/subscriptions", body).status_code == 201
    refused = bills.tell("activate", HOUR)
    assert (refused.status_code, "by hand" in refused.json()["detail"]) == (409, True)
    ended = {**body, "reference": "p", "state": "ended", "since": bills.moment(HOUR)}
    assert bills.orange.send("POST", "/api/v1/subscriptions", ended).status_code == 201
    assert bills.tell("activate", HOUR).status_code == 201
    for state in ("active", "ended"):
        told = bills.orange.send("POST", "/api/v1/subscriptions", {**body, "reference": state, "state": state})
        assert (told.status_code, "billing events" in told.json()["detail"]) == (409, True)


def test_what_is_another_s_reads_as_what_does_not_exist(bills: Bills) -> None:
    account = bills.tell("activate").json()["partner_account_id"]
    nowhere = "0" * 26
    same: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"household": "other"}, {"household": "nobody"}),
        ({"household": "other", "service_id": bills.world.theatre.id}, {"household": "nobody", "service_id": nowhere}),
        ({"offer_id": "Basic-sandbox"}, {"offer_id": "none"}),
    ]
    for there, missing in same:
        answers = [bills.tell("activate", MINUTE, **words) for words in (there, missing)]
        assert answers[0].status_code == 404
        assert answers[0].content == answers[1].content
    for who in (bills.free, bills.rival):
        theirs, none = (who.get(f"{ACCOUNTS}/{one}") for one in (account, nowhere))
        assert (theirs.status_code, theirs.content) == (404, none.content)
    told = [bills.tell("suspend", MINUTE, who=bills.free, partner_account_id=one) for one in (account, nowhere)]
    assert (told[0].status_code, told[0].content) == (404, told[1].content)
    links = [bills.free.send("POST", f"{ACCOUNTS}/{one}/activation", {}) for one in (account, nowhere)]
    assert (links[0].status_code, links[0].content) == (404, links[1].content)
    assert bills.tell("suspend", MINUTE, who=bills.studio).status_code == 403
    wrong = bills.orange.send("POST", ACCOUNTS, {"service_id": bills.world.theatre.id})
    assert (wrong.status_code, wrong.content) == (404, bills.orange.send("POST", ACCOUNTS, {"service_id": nowhere}).content)


def test_an_account_is_of_one_service_and_resolved_by_its_two_sides_alone(bills: Bills) -> None:
    world = bills.world
    world.sign(world.orange, world.theatre, valid_from=NOW, billing=Billing.OPERATOR)
    made = [
        bills.orange.send("POST", ACCOUNTS, {"service_id": one.id, "household": "one"}) for one in (world.cinema, world.theatre)
    ]
    assert [one.status_code for one in made] == [201, 201]
    ids = [one.json()["partner_account_id"] for one in made]
    assert ids[0] != ids[1]
    again = bills.orange.send("POST", ACCOUNTS, {"service_id": world.cinema.id, "household": "one"})
    assert (again.status_code, again.json()["partner_account_id"]) == (200, ids[0])
    assert bills.tell("activate").json()["partner_account_id"] == ids[0]
    for who, one in ((bills.orange, ids[0]), (bills.studio, ids[0]), (bills.orange, ids[1]), (bills.rival, ids[1])):
        told = who.get(f"{ACCOUNTS}/{one}").json()
        assert told["partner_account_id"] == one
        assert told["household"] == ("one" if who is bills.orange else None), "by that two services would know it for one home"
    assert bills.studio.get(f"{ACCOUNTS}/{ids[1]}").status_code == bills.rival.get(f"{ACCOUNTS}/{ids[0]}").status_code == 404
    assert bills.studio.get(f"{ACCOUNTS}/{ids[0]}").json()["state"] == "active"


def test_a_link_binds_a_home_and_activates_once(bills: Bills) -> None:
    account = bills.orange.send("POST", ACCOUNTS, {"service_id": bills.world.cinema.id}).json()["partner_account_id"]
    begun = bills.tell("activate", partner_account_id=account).json()
    assert (begun["state"], begun["activation"]["expires_at"]) == ("pending", bills.moment(14 * DAY))
    code = begun["activation"]["code"]
    assert begun["activation"]["url"].endswith(f"/watch/#/activate/{code}")
    assert bills.orange.get(f"{ACCOUNTS}/{account}").json()["household"] is None
    assert bills.who.other_box.send("POST", OPENED, {"code": code}).status_code == 404, "it is at no line of the operator's"
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    opened = bills.who.phone.send("POST", OPENED, {"code": typed})
    assert (opened.status_code, opened.json()["state"], opened.json()["service_name"]) == (200, "active", "Cinéma")
    bills.world.feed.poll()
    assert bills.plays()
    told = bills.orange.get(f"{ACCOUNTS}/{account}").json()
    assert (told["household"], told["state"]) == ("one", "active")
    rows = bills.rows()
    again = bills.who.box.send("POST", OPENED, {"code": code})
    assert (again.status_code, again.json(), bills.rows()) == (200, opened.json(), rows), "opened twice is opened once"
    bills.tell("revoke", MINUTE, partner_account_id=account)
    bills.world.now = Instant(NOW + HOUR)
    assert bills.who.box.send("POST", OPENED, {"code": code}).status_code == 404


def test_a_link_ends_and_another_takes_its_place(bills: Bills) -> None:
    begun = bills.tell("activate", by_link=True).json()
    assert begun["state"] == "pending"
    assert not bills.plays()
    account, first = begun["partner_account_id"], begun["activation"]["code"]
    bills.world.now = Instant(NOW + 14 * DAY)
    assert bills.who.phone.send("POST", OPENED, {"code": first}).status_code == 404
    fresh = [bills.orange.send("POST", f"{ACCOUNTS}/{account}/activation", {}) for _ in range(2)]
    assert [one.status_code for one in fresh] == [201, 201]
    codes = [one.json()["code"] for one in fresh]
    assert bills.who.phone.send("POST", OPENED, {"code": codes[0]}).status_code == 404
    assert bills.who.phone.send("POST", OPENED, {"code": codes[1]}).json()["state"] == "active"
    refused = bills.orange.send("POST", f"{ACCOUNTS}/{account}/activation", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_in_this_state")


def test_codes_are_not_guessed(bills: Bills) -> None:
    code = bills.tell("activate", by_link=True).json()["activation"]["code"]
    for number in range(5):
        assert bills.who.phone.send("POST", OPENED, {"code": f"AAAAA-AAAA{number}"}).status_code == 404
    slow = bills.who.phone.send("POST", OPENED, {"code": code})
    assert (slow.status_code, slow.json()["code"], slow.headers["retry-after"]) == (429, "too_many_requests", "60")
    bills.world.now = Instant(NOW + MINUTE)
    assert bills.who.phone.send("POST", OPENED, {"code": code}).status_code == 200


def test_a_home_that_pays_the_service_itself_opens_a_link_that_hands_over(bills: Bills) -> None:
    direct = {"reference": "d", "household": "one", "plan_id": bills.plans["Plus"], "until": bills.moment(20 * DAY)}
    assert bills.studio.send("POST", "/api/v1/subscriptions", direct).status_code == 201
    plain = bills.tell("activate", by_link=True).json()
    refused = bills.who.phone.send("POST", OPENED, {"code": plain["activation"]["code"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "paid_elsewhere")
    bills.tell("revoke", MINUTE)
    bills.world.now = Instant(NOW + HOUR)
    hands = bills.tell("activate", 2 * MINUTE, by_link=True, hand_over=True).json()
    opened = bills.who.phone.send("POST", OPENED, {"code": hands["activation"]["code"]}).json()
    assert (opened["state"], opened["valid_to"]) == ("pending", bills.moment(20 * DAY))
    assert bills.states(bills.world.orange)[-1] == ("active", "Basic", 20 * DAY)
    assert bills.payers_at_most() == 1


def test_the_sandbox_is_answered_and_taken_back(bills: Bills) -> None:
    tried = bills.tell("activate", environment="sandbox", offer_id="Plus-sandbox")
    assert (tried.status_code, tried.json()["state"], tried.json()["environment"]) == (200, "active", "sandbox")
    assert bills.rows() == []
    assert bills.tell("activate", environment="sandbox").status_code == 404, "an offer of production"
    assert bills.tell("suspend", environment="sandbox").json()["code"] == "not_in_this_state"


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("no moment", {"eventTime": "soon"}),
        ("a year that no calendar tells", {"eventTime": "9999-01-01T00:00:00Z"}),
        ("an unknown event", {"eventType": "explode"}),
        ("two homes", {"partner_account_id": "0" * 26}),
        ("no offer", {"offer_id": None}),
        ("an offer with a zero byte", {"offer_id": "a\0"}),
        ("an end of nothing", {"until": "2014-11-01T00:00:00Z"}),
        ("a line that breaks", {"eventId": "a\nb"}),
        ("an empty id", {"eventId": ""}),
        ("a field too many", {"price": 5}),
        ("a cancel without an end", {"eventType": "cancel", "offer_id": None}),
        ("a link for a revoke", {"eventType": "revoke", "offer_id": None, "by_link": True}),
    ],
)
def test_what_is_wrong_is_refused_in_words(bills: Bills, what: str, told: dict[str, Any]) -> None:
    body = {"eventId": "e", "eventTime": bills.moment(0), "eventType": "activate", "household": "one"}
    body |= {"offer_id": "Basic-production", "service_id": bills.world.cinema.id, **told}
    refused = bills.orange.send("POST", EVENTS, body)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request"), what
    assert bills.rows() == []


def test_every_event_is_sealed_for_its_two_sides(bills: Bills) -> None:
    bills.tell("activate")
    bills.tell("suspend", MINUTE)
    bills.tell("activate", 2 * MINUTE)

    def told(who: Any) -> list[tuple[str, bool]]:
        rows = who.get("/api/v1/audit").json()["items"]
        return [(row["action"], row["detail"]["fits"]) for row in rows if "fits" in row["detail"]]

    expected = [("subscription.activate", False), ("subscription.suspend", True), ("subscription.activate", True)]
    assert told(bills.orange) == told(bills.studio) == expected
    assert told(bills.free) == told(bills.rival) == []
    with bills.world.database.read() as conn:
        assert (audit.first_broken(conn), audit.broken_sides(conn)) == (None, [])


def test_an_offer_is_its_operator_s_and_can_be_corrected(bills: Bills) -> None:
    basic, plus = bills.plans["Basic"], bills.plans["Plus"]
    asked = {"plan_id": basic, "offer_id": "new", "operator_id": bills.world.free}
    assert bills.studio.send("POST", OFFERS, asked).status_code == 201
    assert bills.studio.send("POST", OFFERS, asked).status_code == 200
    assert bills.tell("activate", offer_id="new").status_code == 404, "another operator's"
    assert bills.rival.send("POST", OFFERS, asked).status_code == 404
    assert bills.orange.send("POST", OFFERS, asked).status_code == 404
    own = {"plan_id": basic, "offer_id": "mine"}
    assert bills.orange.send("POST", OFFERS, own).status_code == 201
    assert bills.orange.send("POST", OFFERS, {**own, "plan_id": plus}).status_code == 201
    assert bills.tell("activate", offer_id="mine").json()["plan_id"] == plus, "the newest counts"
    assert bills.orange.send("POST", OFFERS, {**own, "plan_id": plus, "takes_away": True}).status_code == 201
    assert bills.tell("change", MINUTE, offer_id="mine").status_code == 404
    listed = {(one["offer_id"], one["operator_id"]) for one in bills.orange.get(OFFERS).json()["items"]}
    assert {operator for _, operator in listed} == {bills.world.orange}
    assert len(bills.studio.get(OFFERS).json()["items"]) == 9
    assert bills.rival.get(OFFERS).json() == {"items": []}


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_a_publisher_never_gets_what_another_sells_under_an_offer(bills: Bills, environment: str) -> None:
    """Else the operator's next activation would be of another publisher's plan, which would be paid for it."""
    world = bills.world
    world.sign(world.orange, world.theatre, valid_from=NOW, billing=Billing.OPERATOR)
    theirs = bills.rival.send("POST", "/api/v1/plans", {"service_id": world.theatre.id, "name": "Stage"}).json()["id"]
    world.feed.poll()
    takes = {"plan_id": theirs, "offer_id": "Basic-production", "operator_id": world.orange, "environment": environment}
    refused = bills.rival.send("POST", OFFERS, takes)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "Studio" not in refused.text
    assert "Basic " not in refused.text
    assert bills.tell("activate").json()["plan_id"] == bills.plans["Basic"]
    given_up = {"plan_id": bills.plans["Basic"], "offer_id": "Basic-production", "takes_away": True}
    assert bills.orange.send("POST", OFFERS, given_up).status_code == 201
    assert bills.rival.send("POST", OFFERS, takes).status_code == 409, "what is told late of it is still the other's"
    assert bills.rival.send("POST", OFFERS, {**takes, "operator_id": world.free}).status_code == 404
    assert bills.rival.send("POST", OFFERS, {**takes, "offer_id": "Stage"}).status_code == 201
    own = {"plan_id": theirs, "offer_id": "Basic-production", "environment": environment}
    assert bills.orange.send("POST", OFFERS, own).status_code == 201, "the ids are the operator's"
