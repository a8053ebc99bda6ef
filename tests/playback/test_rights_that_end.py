"""Rights that end or change while a film runs: by the real agreements, plans, lines and boxes, through the URLs."""

import base64
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from matinee.app.moved_boxes import MovedBoxes
from matinee.base.clock import DAY, HOUR, MINUTE, Instant
from matinee.base.ids import SessionId, new_id
from matinee.base.units import Pixels
from matinee.catalogue.model import AgeClass
from matinee.delivery.control import read_control
from matinee.delivery.keyring import open_ring
from matinee.delivery.tokens import TokenVerifier
from matinee.fleet import moves
from matinee.fleet import store as fleet_store
from matinee.members import plan_store
from matinee.members.model import SubscriptionState
from matinee.outside.objects import ObjectStore
from tests.catalogue.factories import film
from tests.playback.paying import Home, Paying
from tests.world import NOW

KID = base64.urlsafe_b64encode(bytes.fromhex("00112233445566778899aabbccddeeff")).rstrip(b"=").decode()


def give(world: Paying, plan: str, streams: int, max_height: int | None) -> None:
    """A plan of these terms, to which the home subscribes."""
    height = None if max_height is None else Pixels(max_height)
    with world.database.write() as conn:
        made, _ = plan_store.ensure_plan(conn, world.cinema, plan, world.now, actor="test", streams=streams, max_height=height)
        plan_store.change_limits(conn, made.id, streams, height, world.now, actor="test")
    world.subscribe(plan=plan)


def grant_of(world: Paying, begun: Any) -> Any:
    ring = open_ring(world.folder / "token.key")
    return TokenVerifier(ring).verify(begun["manifests"]["dash"].split("/")[4], world.now)


def revoked(world: Paying) -> set[str]:
    told = read_control(ObjectStore.local(world.folder / "published"), open_ring(world.folder / "token.key"))
    return {entry.session for entry in told.revoked}


def unlock(home: Home, begun: Any) -> httpx.Response:
    return home._player.post(begun["licence"]["url"].removeprefix("http://web.test"), json={"kids": [KID]})


@pytest.mark.parametrize(
    ("plans", "streams", "max_height"),
    [
        ([(1, 720)], 1, 720),
        ([(1, 1080), (3, 480)], 3, 1080),  # each limit by the plan that gives most
        ([(2, 480), (1, None)], 2, None),
    ],
)
def test_of_several_plans_the_best_of_each_holds(
    world: Paying, home: Home, plans: list[tuple[int, int | None]], streams: int, max_height: int | None
) -> None:
    world.bill("direct")
    for number, (at_once, tallest) in enumerate(plans):
        give(world, f"Plan {number}", at_once, tallest)
    begun = home.play(world.film, phone=True).json()
    assert begun["quality"] == {"max_height": max_height}
    assert grant_of(world, begun).max_height == max_height
    for _ in range(streams - 1):
        assert home.play(world.film, phone=True).status_code == 200
    refused = home.play(world.film, phone=True)
    assert (refused.status_code, refused.json()["limit"]) == (409, streams)


def test_where_no_plan_is_needed_no_plan_limits(world: Paying, home: Home) -> None:
    give(world, "Small", 1, 480)
    for _ in range(4):
        begun = home.play(world.film, phone=True).json()
    assert begun["quality"] == {"max_height": None}


def test_a_box_that_plays_is_named_by_its_label(world: Paying, home: Home) -> None:
    world.bill("direct")
    give(world, "One", 1, None)
    home.play(world.film)
    (told,) = home.play(world.film, phone=True).json()["streams"]
    assert told["screen"] == {"kind": "box", "label": "Salon"}
    assert told["title"]["name"] == "Le Phare"


def test_a_film_keeps_the_height_that_it_began_with(world: Paying, home: Home) -> None:
    world.bill("direct")
    give(world, "Tall", 2, 1080)
    begun = home.play(world.film).json()
    give(world, "Tall", 2, 480)
    world.now = Instant(NOW + 3 * HOUR)
    heard = home.beat(begun["session_id"], 1).json()
    assert grant_of(world, heard).max_height == 1080, "its manifest names what it named"
    assert home.play(world.film, phone=True).json()["quality"] == {"max_height": 480}
    # The same after a restart: what a token opens is written down.
    world.book.flush()
    with TestClient(world.desk_of(type(world.book)(world.database, lambda: world.now))) as player:
        again = Home(world, home.who, player).beat(begun["session_id"], 2).json()
        assert grant_of(world, again).max_height == 1080


def test_nothing_paid_any_more_while_a_film_runs(world: Paying, home: Home) -> None:
    """It is told so, runs on by its token, unlocks by it, and is over when that is; nothing else begins."""
    world.bill("operator")
    world.subscribe(operator=world.orange)
    begun = home.play(world.film).json()
    world.now = Instant(NOW + HOUR)
    world.subscribe(operator=world.orange, state=SubscriptionState.ENDED)
    heard = home.beat(begun["session_id"], 1).json()
    assert (heard["stop"], heard["notice"]) == (None, "plan")
    assert unlock(home, begun).status_code == 200
    assert home.play(world.film, phone=True).json()["code"] == "plan_needed"
    assert revoked(world) == set()
    world.now = Instant(NOW + 4 * HOUR - MINUTE // 6)
    assert home.beat(begun["session_id"], 2).json()["stop"] == "plan"
    assert revoked(world) == {begun["session_id"]}
    assert unlock(home, begun).json()["code"] == "session_ended"
    world.now = Instant(NOW + 4 * HOUR)
    assert unlock(home, begun).json()["code"] == "token_expired"
    # Paid again, it plays again where it was.
    world.subscribe(operator=world.orange)
    assert home.play(world.film).json()["resume_ms"] == 1_000


def test_a_licence_is_of_its_film_alone_and_ends_with_its_play(world: Paying, home: Home) -> None:
    begun = home.play(world.film).json()
    path = begun["licence"]["url"].removeprefix("http://web.test")
    assert unlock(home, begun).status_code == 200
    other = base64.urlsafe_b64encode(b"\1" * 16).rstrip(b"=").decode()
    assert home._player.post(path, json={"kids": [other]}).json()["code"] == "not_allowed"
    home._post(f"/api/v1/playback/{begun['session_id']}/end", {"sequence": 3, "position_ms": 0}).raise_for_status()
    refused = unlock(home, begun)
    assert (refused.status_code, refused.json()["code"]) == (410, "session_ended")
    stopped = home.play(world.film).json()
    world.desk.stop(SessionId(stopped["session_id"]), "rights")
    assert unlock(home, stopped).json()["code"] == "session_ended"


def moved(world: Paying) -> MovedBoxes:
    return MovedBoxes(world.book, world.fleet, world.members, world.desk.stop, lambda: world.now)


def test_a_box_that_is_returned_while_it_plays_is_signed_out_and_its_film_ends(world: Paying, home: Home) -> None:
    begun, phone = home.play(world.film).json(), home.play(world.film, phone=True).json()
    moved(world).step()
    assert revoked(world) == set()
    world.now = Instant(NOW + HOUR)
    with world.database.write() as conn:
        moves.return_box(conn, world.one.box.id, world.now, world.now, actor="test")
    world.feed.poll()
    assert home.beat(begun["session_id"], 1).status_code == 401
    for _ in range(2):
        moved(world).step()
    assert revoked(world) == {begun["session_id"]}, "the home's other screens go on"
    assert unlock(home, begun).json()["code"] == "session_ended"
    assert unlock(home, phone).status_code == 200
    assert home.play(world.film).status_code == 401


@pytest.mark.parametrize("restarts", [False, True])
def test_with_a_box_goes_also_the_film_that_another_one_replaced_on_it(world: Paying, home: Home, restarts: bool) -> None:
    """Where the home has room for both, the token of the first was not revoked."""
    world.bill("direct")
    give(world, "Two", 2, None)
    both = {home.play(title).json()["session_id"] for title in (world.film, world.night)}
    assert revoked(world) == set()
    world.now = Instant(NOW + HOUR)
    with world.database.write() as conn:
        moves.return_box(conn, world.one.box.id, world.now, world.now, actor="test")
    world.feed.poll()
    if restarts:
        world.book.flush()
        world.leases.flush()
        world.desk_of(type(world.book)(world.database, lambda: world.now))
        world.book.learn()
    for _ in range(2):
        moved(world).step()
    assert revoked(world) == both
    assert not [one for one in world.book.running(world.now) if one.box is not None], "and is looked for no more"


def test_the_box_that_comes_in_its_place_goes_on_where_the_old_one_was(world: Paying, home: Home) -> None:
    begun = home.play(world.film).json()
    home.beat(begun["session_id"], 7)
    world.now = Instant(NOW + HOUR)
    with world.database.write() as conn:
        new = fleet_store.ensure_box(conn, world.model.id, "serial-new", "Salon", world.now)
        token = fleet_store.mint_box_token(conn, new.id, world.now)
        moves.swap_boxes(conn, world.one.box.id, new.id, world.now, world.now, actor="test")
    world.feed.poll()
    moved(world).step()
    assert revoked(world) == {begun["session_id"]}
    world.one.box_token = token
    assert home.play(world.film).json()["resume_ms"] == 7_000


def test_a_box_that_was_sold_on_shows_nothing_of_the_home_that_it_left(world: Paying, home: Home) -> None:
    world.sign(world.free, world.cinema)
    begun = home.play(world.film).json()
    home.beat(begun["session_id"], 7)
    world.now = Instant(NOW + HOUR)
    with world.database.write() as conn:
        moves.move_box(conn, world.one.box.id, world.other.line, Instant(world.now + DAY), world.now, actor="test")
    world.feed.poll()
    moved(world).step()
    assert revoked(world) == set(), "until tomorrow it stands where it stood"
    world.now = Instant(world.now + DAY)
    late = home.play(world.film).json()
    assert late["code"] == "not_found", "the old home's profile is none of the new one's"
    assert home.beat(begun["session_id"], 8).status_code == 404
    me = home.who.box.get("/api/v1/me").json()
    assert me["household_id"] == world.other.household
    assert {one["id"] for one in me["profiles"]}.isdisjoint({world.one.adult.id, world.one.child.id})


def test_one_that_plays_in_the_moment_of_the_move_is_stopped(world: Paying, home: Home) -> None:
    begun = home.play(world.film).json()
    world.now = Instant(NOW + HOUR)
    with world.database.write() as conn:
        moves.move_box(conn, world.one.box.id, world.other.line, world.now, world.now, actor="test")
    world.feed.poll()
    moved(world).step()
    assert revoked(world) == {begun["session_id"]}


@pytest.mark.parametrize(
    "off", ["Wed, 02 Oct 2013 10:00:00 GMT", "Fri, 02 Oct 2015 10:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"]
)
def test_a_box_whose_clock_is_wrong_plays_as_any_other(world: Paying, home: Home, off: str) -> None:
    """Nothing that a box says of the time is asked for; what it might say by the way changes nothing."""
    world.bill("direct")
    give(world, "One", 1, None)
    headers = {
        "Authorization": f"Bearer {world.one.box_token}",
        "Date": off,
        "If-Modified-Since": off,
        "If-Unmodified-Since": off,
    }
    said = {"title_id": world.film.id, "profile_id": world.one.adult.id}
    begun = home._player.post("/api/v1/playback", json=said, headers=headers).raise_for_status().json()
    assert grant_of(world, begun).expires_at == Instant(NOW + 4 * HOUR)
    path = f"/api/v1/playback/{begun['session_id']}"
    for sequence in range(3):
        world.now = Instant(world.now + 10_000)
        body = {"sequence": sequence, "position_ms": 10_000 * (sequence + 1), "state": "playing"}
        heard = home._player.post(f"{path}/heartbeat", json=body, headers=headers).raise_for_status().json()
        assert (heard["stop"], heard["position_ms"]) == (None, 10_000 * (sequence + 1))
    # A screen that could tell nobody says how long ago it ended, by a difference of its own clock, however that may be.
    late = {"sequence": 9, "position_ms": 55_000, "late_ms": 10**15}
    home._player.post(f"{path}/end", json=late, headers=headers).raise_for_status()
    assert home.play(world.film, phone=True).json()["resume_ms"] == 55_000


def test_an_end_that_comes_late_moves_no_place_that_was_told_since(world: Paying, home: Home) -> None:
    box, phone = home.play(world.film).json(), home.play(world.film, phone=True).json()
    home.beat(box["session_id"], 5)
    world.now = Instant(NOW + HOUR)
    said = {"sequence": 1, "position_ms": 42_000, "state": "playing"}
    home._post(f"/api/v1/playback/{phone['session_id']}/heartbeat", said, phone=True).raise_for_status()
    world.now = Instant(NOW + 2 * HOUR)
    path = f"/api/v1/playback/{box['session_id']}/end"
    home._post(path, {"sequence": 6, "position_ms": 30_000, "late_ms": 90 * MINUTE}).raise_for_status()
    assert home.play(world.film).json()["resume_ms"] == 42_000
    assert home.beat(box["session_id"], 9).json()["code"] == "session_ended"
    # One that ended after the other screen was heard of counts, though it is told late.
    home._post(
        f"/api/v1/playback/{phone['session_id']}/end", {"sequence": 2, "position_ms": 48_000, "late_ms": MINUTE}, phone=True
    )
    assert home.play(world.film).json()["resume_ms"] == 48_000


def test_a_play_that_is_never_ended_gets_the_height_that_the_plan_gives_now(world: Paying, home: Home) -> None:
    """A film left paused for days is no way to keep what is not paid for any more."""
    world.bill("direct")
    give(world, "Tall", 2, 1080)
    begun = home.play(world.film).json()
    give(world, "Tall", 2, 480)
    for turn in (1, 2):
        world.now = Instant(NOW + turn * 4 * HOUR - MINUTE)
        heard = home.beat(begun["session_id"], turn).json()
    assert grant_of(world, heard).max_height == 480
    give(world, "Tall", 2, 1080)
    world.now = Instant(NOW + 12 * HOUR - MINUTE)
    assert grant_of(world, home.beat(begun["session_id"], 3).json()).max_height == 480, "what began lower stays so"


def test_a_screen_that_was_given_to_a_child_gets_no_token_of_what_played_there(world: Paying, home: Home) -> None:
    grown_up = film("Le Vieux", age_class=AgeClass(18), publisher=world.studio.id, service=world.cinema.id)
    world.put(grown_up)
    box, child = home.who.box, world.one.child.id
    begun = home.play(grown_up).json()
    assert box.send("PATCH", f"/api/v1/profiles/{child}", {"kids": True}).status_code == 200
    assert box.send("POST", f"/api/v1/profiles/{child}/choose").status_code == 200
    assert home.beat(begun["session_id"], 0).status_code == 200, "where there is no PIN it stands between nobody"
    assert home.who.phone.send("PUT", "/api/v1/pin", {"pin": "2468"}).status_code == 204
    refused, unknown = home.beat(begun["session_id"], 1), home.beat(new_id(), 1)
    assert (refused.status_code, refused.content) == (404, unknown.content)
    unlock = box.send("POST", "/api/v1/pin/unlock", {"pin": "2468", "profile_id": world.one.adult.id}).json()["unlock"]
    assert box.send("POST", f"/api/v1/profiles/{world.one.adult.id}/choose", unlock=unlock).status_code == 200
    assert home.beat(begun["session_id"], 2).status_code == 200, "given back, it goes on, and asks for no PIN again"


def test_after_a_restart_a_box_that_left_its_home_is_still_stopped(world: Paying, home: Home) -> None:
    """It asks nothing any more, so what runs on it must be known without its reports."""
    world.bill("direct")
    give(world, "Tall", 2, None)
    begun = home.play(world.film).json()
    world.book.flush()
    world.desk_of(type(world.book)(world.database, lambda: world.now))
    world.book.learn()
    assert [one.id for one in world.book.running_on_boxes(world.now)] == [begun["session_id"]]
    world.now = Instant(NOW + MINUTE)
    with world.database.write() as conn:
        moves.return_box(conn, world.one.box.id, world.now, world.now, actor="test")
    world.feed.poll()
    moved(world).step()
    assert revoked(world) == {begun["session_id"]}
