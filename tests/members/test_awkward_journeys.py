"""What an operator meets on its first day: each case as one journey over the URLs, with real plans, money and plays.

On both databases. The screens, the publisher's and the operators' keys ask; the steps that processes take by themselves
(charging, closing, stopping plays on boxes that left, calling back) are taken where a test says so, and time moves then too.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from matinee.app.moved_boxes import MovedBoxes
from matinee.app.telling import tell
from matinee.app.web import create_web
from matinee.base.clock import DAY, HOUR, MINUTE, SECOND
from matinee.carriage.closing import Closing
from matinee.carriage.model import Billing
from matinee.delivery.control import read_control
from matinee.delivery.keyring import open_ring
from matinee.fleet import moves
from matinee.fleet import store as fleet_store
from matinee.members.leaving import HomesLines
from matinee.outside.database import Database
from matinee.outside.objects import ObjectStore
from matinee.parties import hook_api
from matinee.parties.hook_work import Postman, caller
from tests.app.hubs import LIMITS, MASTER, OK, answering, listening
from tests.carriage.bills import ACCOUNTS
from tests.members.test_hand_over import SECOND_MONTH, Paid
from tests.playback.paying import Home, Paying
from tests.playback.test_rights_that_end import unlock
from tests.world import Screen, screens

TOKEN = 4 * HOUR
"""For so long what began to play may go on."""


class Life(Paid):
    """Everything that one home can meet: its screens, its money, and both of its operators."""

    world: Paying

    def __init__(self, world: Paying, who: Any, player: "TestClient[Any]") -> None:
        super().__init__(world, who)
        self.price()
        self.home, self._player = Home(world, who, player), player

    def play(self, token: str = "") -> Any:
        """What OK answers on a screen, on the home's box where no other is named."""
        said = {"title_id": self.world.film.id, "profile_id": self.world.one.adult.id}
        return self._send("/api/v1/playback", said, token or self.world.one.box_token)

    def beat(self, begun: Any, sequence: int, token: str = "") -> Any:
        said = {"sequence": sequence, "position_ms": sequence * 1_000, "state": "playing"}
        return self._send(f"/api/v1/playback/{begun['session_id']}/heartbeat", said, token or self.world.one.box_token)

    def _send(self, path: str, said: Any, token: str) -> Any:
        answer = self._player.post(path, json=said, headers={"Authorization": f"Bearer {token}"})
        self.world.leases.flush()  # as a thread of the web does twice a second
        return answer

    def edges_refuse(self) -> set[str]:
        folder = self.world.folder
        told = read_control(ObjectStore.local(folder / "published"), open_ring(folder / "token.key"))
        return {entry.session for entry in told.revoked}

    def stop_what_left(self) -> None:
        world = self.world
        MovedBoxes(world.book, world.fleet, world.members, world.desk.stop, lambda: world.now).step()

    def close_what_ended(self) -> None:
        world = self.world
        lines = HomesLines(world.members, world.fleet)
        Closing(world.carriage, world.subscriptions, lines, world.database, lambda: world.now).step()
        world.feed.poll()

    def profiles(self, screen: Screen) -> set[str]:
        return {one["id"] for one in screen.get("/api/v1/me").raise_for_status().json()["profiles"]}


@pytest.fixture
def life(any_database: Database, tmp_path: Path) -> Iterator[Life]:
    world = Paying(any_database, tmp_path)
    with screens(world) as who, TestClient(world.player) as player:
        yield Life(world, who, player)


def test_direct_and_operator_subscription_at_once_is_found_before_activation_and_has_one_payer(life: Life) -> None:
    life.fill(5 * 799)
    assert life.direct("d", 0) == 201
    assert life.run(0).charged == 1
    life.at(10 * DAY)
    rows = life.rows()
    refused = life.tell("activate", 10 * DAY, eventId="a")
    assert (refused.status_code, refused.json()["code"], life.rows()) == (409, "paid_elsewhere", rows)
    assert life.play().status_code == 200, "by what it pays us"
    begun = life.tell("activate", 10 * DAY, hand_over=True).json()
    assert (begun["state"], begun["valid_to"]) == ("pending", life.moment(SECOND_MONTH))
    for moment in (11 * DAY, SECOND_MONTH - HOUR, SECOND_MONTH, SECOND_MONTH + 40 * DAY):
        assert life.run(moment).charged == 0, "it paid this month, and the next is the operator's"
        assert life.play().status_code == 200
    assert life.direct("e", SECOND_MONTH + 41 * DAY) == 409, "and not the other way round either"
    assert life.months() == ["2014-10-02"]
    assert life.payers_at_most() == 1


def test_non_payment_while_a_stream_runs(life: Life) -> None:
    life.tell("activate").raise_for_status()
    begun = life.play().json()
    late = HOUR
    life.at(late)
    life.tell("grace", late, until=life.moment(2 * HOUR)).raise_for_status()
    assert life.beat(begun, 1).json()["notice"] is None, "a bill is late, and it plays"
    assert life.play(life.world.one.viewer_token).status_code == 200
    life.at(2 * HOUR)
    heard = life.beat(begun, 2).json()
    assert (heard["stop"], heard["notice"]) == (None, "plan"), "nobody's film is cut"
    assert life.play(life.world.one.viewer_token).json()["code"] == "plan_needed", "nothing else begins"
    assert unlock(life.home, begun).status_code == 200
    life.at(TOKEN - 5 * SECOND)
    assert life.beat(begun, 3).json()["stop"] == "plan"
    assert begun["session_id"] in life.edges_refuse()
    assert unlock(life.home, begun).json()["code"] == "session_ended"
    assert life.play().json()["code"] == "plan_needed"
    life.at(5 * HOUR)
    life.tell("resume", 5 * HOUR).raise_for_status()
    assert life.play().json()["resume_ms"] == 2_000, "paid, it goes on where it was"


def test_a_box_is_swapped_returned_and_sold_on_and_the_old_one_is_signed_out_and_wiped(life: Life) -> None:
    world, old = life.world, life.who.box
    life.tell("activate").raise_for_status()
    begun = life.play().json()
    life.beat(begun, 7)
    life.at(HOUR)
    with world.database.write() as conn:
        new = fleet_store.ensure_box(conn, world.model.id, "serial-new", "Salon", world.now)
        token = fleet_store.mint_box_token(conn, new.id, world.now)
        moves.swap_boxes(conn, world.one.box.id, new.id, world.now, world.now, actor="test")
    world.feed.poll()
    life.stop_what_left()
    for path in ("/api/v1/me", "/api/v1/home", f"/api/v1/home?profile={world.one.adult.id}", "/api/v1/box/release"):
        assert old.get(path).status_code == 401, path
    assert life.beat(begun, 8).status_code == 401
    assert life.play().status_code == 401
    assert life.edges_refuse() == {begun["session_id"]}
    assert unlock(life.home, begun).json()["code"] == "session_ended"
    assert life.play(token).json()["resume_ms"] == 7_000, "the box in its place goes on where the old one was"
    life.at(2 * HOUR)
    with world.database.write() as conn:
        moves.move_box(conn, world.one.box.id, world.other.line, world.now, world.now, actor="test")
        sold = life.who.as_(fleet_store.mint_box_token(conn, world.one.box.id, world.now))
    world.feed.poll()
    assert life.profiles(sold) == {world.other.adult.id, world.other.child.id}
    assert sold.get("/api/v1/home", profile=world.one.adult.id).status_code == 404
    assert old.get("/api/v1/me").status_code == 401, "what it was signed in with never opens anything again"
    life.at(3 * HOUR)
    with world.database.write() as conn:
        moves.return_box(conn, new.id, world.now, world.now, actor="test")
    world.feed.poll()
    assert life.who.as_(token).get("/api/v1/me").status_code == 401
    assert life.profiles(life.who.phone) == {world.one.adult.id, world.one.child.id}, "the home has lost nothing"


def test_a_household_changes_operator_and_keeps_profiles_and_place(life: Life) -> None:
    world = life.world
    life.tell("activate").raise_for_status()
    begun = life.play().json()
    life.beat(begun, 42)
    own = life.profiles(life.who.box)
    life.at(5 * DAY)
    life.move(world.one, 5 * DAY, line=world.other)
    at_free = world.other.box_token  # the box at the new operator's line
    assert life.profiles(life.who.as_(at_free)) == own
    assert life.play(at_free).json()["code"] == "plan_needed", "what the old one sold holds at its own lines"
    activated = life.tell("activate", 5 * DAY, who=life.free)
    assert (activated.status_code, activated.json()["state"]) == (201, "active")
    assert life.play(at_free).json()["resume_ms"] == 42_000
    assert life.play(world.one.viewer_token).json()["resume_ms"] == 42_000
    assert life.states(world.orange)[-1] == ("cancelled", "Basic", 5 * DAY)
    assert life.payers_at_most() == 1
    assert life.tell("resume", 6 * DAY).status_code == 409, "the old one bills it no more"


def test_an_operator_ends_its_agreement(life: Life) -> None:
    world = life.world
    life.tell("activate").raise_for_status()
    begun = life.play().json()
    life.beat(begun, 9)
    life.at(HOUR)
    world.sign(world.orange, world.cinema, "ended", billing=Billing.OPERATOR)
    assert life.play().json()["code"] in ("not_found", "plan_needed"), "nothing of it begins any more"
    life.close_what_ended()
    assert life.states(world.orange)[-1] == ("cancelled", "Basic", HOUR)
    life.at(TOKEN - 5 * SECOND)
    assert life.beat(begun, 10).json()["stop"] is not None
    assert begun["session_id"] in life.edges_refuse()
    life.at(2 * DAY)
    world.sign(world.orange, world.cinema, billing=Billing.OPERATOR)
    assert life.play().json()["code"] == "plan_needed", "agreed anew, nobody is billed again by itself"
    life.tell("activate", 2 * DAY).raise_for_status()
    assert life.play().json()["resume_ms"] == 9_000
    assert life.payers_at_most() == 1


def test_a_plan_is_lowered_while_four_streams_run(life: Life) -> None:
    limits = f"/api/v1/plans/{life.plans['Basic']}/limits"
    assert life.studio.send("PUT", limits, {"streams": 4, "max_height": None}).status_code == 200
    life.tell("activate").raise_for_status()
    tokens = [life.world.one.box_token, *[life.world.one.viewer_token] * 3]
    begun = []
    for number, token in enumerate(tokens):
        life.at(number * SECOND)
        begun.append(life.play(token).raise_for_status().json())
    assert life.play(tokens[1]).json()["limit"] == 4
    assert life.studio.send("PUT", limits, {"streams": 2, "max_height": None}).status_code == 200
    life.world.feed.poll()
    life.at(10 * SECOND)
    heard = [life.beat(one, 1, token).json() for one, token in zip(begun, tokens, strict=True)]
    assert [one["stop"] for one in heard] == [None] * 4, "nobody's film is cut"
    assert [one["notice"] for one in heard] == [None, None, "streams", "streams"]
    assert life.play(tokens[1]).json()["limit"] == 2
    assert life.edges_refuse() == set()
    life.at(20 * SECOND)
    for _ in range(2):  # the first two end; those that were over the limit come within it
        ends = begun.pop(0)
        said = {"sequence": 2, "position_ms": 2_000}
        assert life._send(f"/api/v1/playback/{ends['session_id']}/end", said, tokens.pop(0)).status_code == 204
    heard = [life.beat(one, 2, token).json() for one, token in zip(begun, tokens, strict=True)]
    assert [(one["stop"], one["notice"]) for one in heard] == [(None, None)] * 2
    assert life.play(tokens[1]).json()["limit"] == 2


@pytest.mark.parametrize("off", ["Wed, 02 Oct 2013 10:00:00 GMT", "Fri, 02 Oct 2015 10:00:00 GMT"])
def test_the_clock_of_the_box_is_wrong_by_a_year(life: Life, off: str) -> None:
    """Whatever it says of the time, by the way or as how long ago something was, it plays as any other."""
    life.tell("activate").raise_for_status()
    headers = {"Date": off, "If-Modified-Since": off, "If-Unmodified-Since": off}
    for path in ("/api/v1/me", "/api/v1/box/release", f"/api/v1/home?profile={life.world.one.adult.id}"):
        assert life.who.box.get(path, headers=headers).content == life.who.box.get(path).content, path
    headers["Authorization"] = f"Bearer {life.world.one.box_token}"
    said = {"title_id": life.world.film.id, "profile_id": life.world.one.adult.id}
    begun = life._player.post("/api/v1/playback", json=said, headers=headers).raise_for_status().json()
    assert begun["token_expires_at"] == life.moment(TOKEN)
    life.at(MINUTE)
    path = f"/api/v1/playback/{begun['session_id']}"
    told = {"sequence": 1, "position_ms": 30_000, "state": "playing"}
    heard = life._player.post(f"{path}/heartbeat", json=told, headers=headers).raise_for_status().json()
    assert (heard["stop"], heard["notice"]) == (None, None)
    assert unlock(life.home, begun).status_code == 200
    ended = {"sequence": 2, "position_ms": 50_000, "late_ms": 365 * DAY}
    life._player.post(f"{path}/end", json=ended, headers=headers).raise_for_status()
    phone = life.play(life.world.one.viewer_token).json()
    assert phone["resume_ms"] == 50_000


def test_a_webhook_is_delivered_twice_late_and_out_of_order(life: Life) -> None:
    """A week of an operator's events to two homes: in order to the one, backwards, twice and a day late to the other."""
    told: list[tuple[str, int, dict[str, Any]]] = [
        ("activate", 0, {}),
        ("suspend", DAY, {}),
        ("resume", 2 * DAY, {}),
        ("change", 3 * DAY, {"offer_id": "Plus-production"}),
        ("grace", 4 * DAY, {"until": life.moment(6 * DAY)}),
        ("resume", 5 * DAY, {}),
        ("cancel", 6 * DAY, {"until": life.moment(30 * DAY)}),
    ]
    twin, name = life.settle()
    for number, (act, at, words) in enumerate(told):
        life.at(at)
        assert life.tell(act, at, household=name, eventId=f"in order {number}", **words).status_code == 201
    life.at(8 * DAY)
    for _ in range(2):
        for number, (act, at, words) in reversed(list(enumerate(told))):
            answer = life.tell(act, at, eventId=f"backwards {number}", **words)
            assert answer.status_code in (200, 201, 409)
            assert answer.status_code != 409 or answer.json()["code"] == "not_in_this_state", "kept, and counts once it fits"
    rows = life.rows()
    for number, (act, at, words) in enumerate(told):
        assert life.tell(act, at, eventId=f"backwards {number}", **words).status_code == 200
    assert life.rows() == rows, "the same again writes nothing"
    assert life.states(life.world.orange) == life.states(life.world.orange, twin)
    assert life.states(life.world.orange)[-1] == ("cancelled", "Plus", 30 * DAY)
    assert life.payers_at_most() == 1
    assert life.play().status_code == 200
    life.at(30 * DAY)
    assert life.play().json()["code"] == "plan_needed"


def test_an_operator_s_system_is_down_for_a_day(life: Life) -> None:
    """Homes activate and play without it; it is told all of it once it is back, and what it tells late stands at its time."""
    world = life.world
    hub = create_web(
        hook_api.routes(world.database, MASTER, allow_private=True, clock=lambda: world.now),
        authenticate=world.resolver.resolve,
        clock=lambda: world.now,
        page_policy="default-src 'none'",
    )
    calls = caller(allow_private=True, limits=LIMITS)
    postman = Postman(world.database, tell, MASTER, calls, lambda: world.now, dice=lambda: 0.0)
    with TestClient(hub) as client, listening() as listener:
        key = world.key("operator", operator=world.orange)
        made = Screen(client, key).send("POST", "/api/v1/hub", {"callback": listener.url, "query": ""})
        assert made.status_code == 201, made.text
        account = life.orange.send("POST", ACCOUNTS, {"service_id": world.cinema.id}).json()["partner_account_id"]
        link = life.tell("activate", partner_account_id=account).json()["activation"]["code"]
        listener.speak = answering(503)
        life.at(MINUTE)
        assert life.who.phone.send("POST", "/api/v1/activations", {"code": link}).json()["state"] == "active"
        world.feed.poll()
        begun = life.play().raise_for_status().json()
        try:
            for at in range(MINUTE, DAY + 1, 20 * MINUTE):
                life.at(at)
                postman.step()
                postman.settle()
            assert life.beat(begun, 1).status_code == 200
            assert listener.heard, "it was called, and did not answer"
            listener.speak, tried = OK, len(listener.heard)
            for at in range(DAY, 2 * DAY, 20 * MINUTE):
                life.at(at)
                postman.step()
                postman.settle()
        finally:
            postman.close()
        came = [one.event["event"]["subscription"]["state"] for one in listener.heard[tried:]]
        assert sorted(came) == ["active", "pending", "pending"], "sold, then the home's, then active: each once"
        ids = [one.id for one in listener.heard[tried:]]
        assert (len(set(ids)), set(ids)) == (3, {one.id for one in listener.heard[:tried]}), (
            "under the ids that it was called with"
        )
    late = life.tell("suspend", 12 * HOUR, partner_account_id=account)
    assert (late.status_code, late.json()["state"]) == (201, "suspended")
    assert life.states(world.orange)[-1] == ("suspended", "Basic", 12 * HOUR)
    assert life.play().json()["code"] == "plan_needed"
