"""The household's PIN: where it is asked, what guessing costs, and that nobody is locked out for good."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import DAY, MINUTE, Instant
from matinee.base.errors import TooManyRequests
from matinee.base.ids import HouseholdId
from matinee.members import pin_store, pins
from matinee.members.model import MemberError
from matinee.members.pins import OF_A_HOUSEHOLD, OF_A_SCREEN, Spent
from matinee.outside.database import Database
from tests.members.test_profiles import wish
from tests.world import NOW, Screen, Screens, World, screens

PIN, WRONG = "2468", "1357"
HOUSE = HouseholdId("house")


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    """A home whose PIN was set, with the child's profile as a kids' profile, and a third for sixteen."""
    with screens(world) as everybody:
        assert everybody.box.send("PATCH", f"/api/v1/profiles/{world.one.child.id}", {"kids": True}).status_code == 200
        assert everybody.box.send("POST", "/api/v1/profiles", wish("Ado", age_class=16)).status_code == 201
        assert everybody.box.send("PUT", "/api/v1/pin", {"pin": PIN}).status_code == 204
        yield everybody


def unlocked(screen: Screen, profile: str | None = None, pin: str = PIN) -> str:
    answer = screen.send("POST", "/api/v1/pin/unlock", {"pin": pin, "profile_id": profile})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["unlock"])


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "") if answer.status_code >= 400 else ""


NEEDED, FINE = (403, "pin_needed"), (200, "")


def test_an_adults_profile_opens_after_the_pin_on_that_screen_for_an_evening(world: World, ask: Screens) -> None:
    adult, teen = world.one.adult.id, ask.box.get("/api/v1/me").json()["profiles"][2]["id"]
    assert code(ask.box.get("/api/v1/home", profile=adult)) == NEEDED
    assert code(ask.box.get("/api/v1/home", profile=teen)) == FINE
    assert code(ask.box.get("/api/v1/home")) == FINE
    unlock = unlocked(ask.box, adult)
    header = {"Matinee-Unlock": unlock}
    assert code(ask.box.get("/api/v1/home", profile=adult, headers=header)) == FINE
    assert code(ask.phone.get("/api/v1/home", profile=adult, headers=header)) == NEEDED, "another screen's"
    world.now = Instant(NOW + pins.OPENS_MS)
    assert code(ask.box.get("/api/v1/home", profile=adult, headers=header)) == NEEDED, "and not for ever"


def test_every_route_that_takes_a_profile_asks(world: World, ask: Screens) -> None:
    adult = world.one.adult.id
    for answer in (
        ask.box.get("/api/v1/home", profile=adult),
        ask.box.get("/api/v1/rows/new", profile=adult),
        ask.box.get("/api/v1/search", q="a", profile=adult),
        ask.box.get("/api/v1/titles/x", profile=adult),
        ask.box.send("POST", "/api/v1/titles/x/open", {"source": "home", "profile_id": adult}),
        ask.box.send("POST", f"/api/v1/profiles/{adult}/choose"),
        ask.box.send("PATCH", f"/api/v1/profiles/{adult}", {"name": "X"}),
        ask.box.send("PUT", f"/api/v1/profiles/{adult}/preferences", {"language": "en"}),
    ):
        assert code(answer) == NEEDED, answer.request.url


def test_a_kids_profile_is_left_with_the_pin_alone(world: World, ask: Screens) -> None:
    child = world.one.child.id
    teen = ask.box.get("/api/v1/me").json()["profiles"][2]["id"]
    chosen = ask.box.send("POST", f"/api/v1/profiles/{child}/choose")
    assert [one["asks_pin"] for one in chosen.json()["profiles"]] == [True, False, True]
    assert ask.box.get("/api/v1/me").json()["kept_on"] == child
    assert code(ask.box.get("/api/v1/home", profile=child)) == FINE
    assert code(ask.box.get("/api/v1/home", profile=teen)) == NEEDED
    assert code(ask.box.send("POST", f"/api/v1/profiles/{teen}/choose")) == NEEDED
    assert code(ask.box.send("PUT", "/api/v1/profiles", {"profile_ids": []})) == NEEDED
    assert code(ask.phone.get("/api/v1/home", profile=teen)) == FINE, "the phone shows no kids' profile"
    unlock = unlocked(ask.box, teen)
    assert code(ask.box.send("POST", f"/api/v1/profiles/{teen}/choose", unlock=unlock)) == FINE
    assert ask.box.get("/api/v1/me").json()["kept_on"] is None
    assert code(ask.box.get("/api/v1/home", profile=teen)) == FINE, "it was left: nothing is asked any more"


def test_from_one_kids_profile_to_another_that_sees_no_more_none_is_asked(world: World, ask: Screens) -> None:
    change = unlocked(ask.box)
    for name, age in (("Bébé", 0), ("Douze", 12)):
        told = wish(name, age_class=age, kids=True)
        assert ask.box.send("POST", "/api/v1/profiles", told, unlock=change).status_code == 201
    ids = {one["name"]: one["id"] for one in ask.box.get("/api/v1/me").json()["profiles"]}
    ask.box.send("POST", f"/api/v1/profiles/{ids['Petit']}/choose")
    assert code(ask.box.send("POST", f"/api/v1/profiles/{ids['Douze']}/choose")) == NEEDED
    assert code(ask.box.send("POST", f"/api/v1/profiles/{ids['Bébé']}/choose")) == FINE
    assert code(ask.box.send("POST", f"/api/v1/profiles/{ids['Petit']}/choose")) == NEEDED


def test_who_lives_here_and_the_pin_are_changed_with_the_pin_alone(world: World, ask: Screens) -> None:
    child = f"/api/v1/profiles/{world.one.child.id}"
    acts: list[tuple[str, str, Any]] = [
        ("PATCH", child, {"age_class": 12}),
        ("PATCH", child, {"kids": False}),
        ("POST", "/api/v1/profiles", wish("Neuf")),
        ("PUT", "/api/v1/pin", {"pin": "1111"}),
        ("DELETE", "/api/v1/pin", None),
        ("DELETE", child, None),
    ]
    for method, path, body in acts:
        assert code(ask.box.send(method, path, body)) == NEEDED
        opened = unlocked(ask.box, world.one.adult.id)
        assert code(ask.box.send(method, path, body, unlock=opened)) == NEEDED, "to open a profile is another right"
    assert code(ask.box.send("PATCH", child, {"name": "Puce", "age_class": 10})) == FINE, "an age that stays is no change"
    unlock = unlocked(ask.box)
    world.now = Instant(NOW + pins.CHANGES_MS)
    assert code(ask.box.send("DELETE", child, unlock=unlock)) == NEEDED
    world.now = NOW
    for method, path, body in acts[:3] + acts[-1:]:
        assert ask.box.send(method, path, body, unlock=unlock).status_code < 300


def test_another_pin_ends_every_unlock_of_the_one_before(world: World, ask: Screens) -> None:
    adult = world.one.adult.id
    opened, change = unlocked(ask.phone, adult), unlocked(ask.box)
    assert ask.box.send("PUT", "/api/v1/pin", {"pin": "1111"}, unlock=change).status_code == 204
    assert code(ask.phone.get("/api/v1/home", profile=adult, headers={"Matinee-Unlock": opened})) == NEEDED
    assert code(ask.box.send("DELETE", "/api/v1/pin", unlock=change)) == NEEDED
    change = unlocked(ask.box, pin="1111")
    for _ in range(2):
        assert ask.box.send("DELETE", "/api/v1/pin", unlock=change).status_code == 204
    assert code(ask.phone.get("/api/v1/home", profile=adult)) == FINE


def test_a_childs_screen_sets_no_first_pin(world: World) -> None:
    with screens(world) as ask:
        child = f"/api/v1/profiles/{world.one.child.id}"
        ask.box.send("PATCH", child, {"kids": True})
        ask.box.send("POST", f"{child}/choose")
        assert ask.box.send("PUT", "/api/v1/pin", {"pin": PIN}).status_code == 409
        assert ask.phone.send("PUT", "/api/v1/pin", {"pin": PIN}).status_code == 204


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4", "１２３４", "12 4", "-123"])
def test_what_is_no_pin_is_none(ask: Screens, pin: str) -> None:
    assert code(ask.box.send("POST", "/api/v1/pin/unlock", {"pin": pin})) == (400, "invalid_request")
    assert code(ask.box.send("PUT", "/api/v1/pin", {"pin": pin}, unlock=unlocked(ask.box))) == (400, "invalid_request")


def test_guessing_is_slowed_and_the_parents_phone_is_not(world: World, ask: Screens) -> None:
    def guess(screen: Screen, pin: str = WRONG) -> Any:
        return screen.send("POST", "/api/v1/pin/unlock", {"pin": pin})

    for _ in range(OF_A_SCREEN.burst):
        assert code(guess(ask.box)) == (403, "pin_wrong")
    slowed = guess(ask.box, PIN)
    assert code(slowed) == (429, "too_many_requests"), "a right one too: else it would tell"
    assert int(slowed.headers["retry-after"]) * 1_000 == OF_A_SCREEN.refill_ms
    assert code(guess(ask.phone, PIN)) == FINE
    world.now = Instant(NOW + OF_A_SCREEN.refill_ms)
    assert code(guess(ask.box, PIN)) == FINE, "after a while the honest person is let in, whatever was guessed before"
    world.now = NOW
    assert code(guess(ask.box, PIN))[0] == 429, "a clock that went back fills nothing up"


def test_many_screens_guess_no_faster_than_the_household_may(world: World, ask: Screens) -> None:
    def wrong(number: int) -> bool:
        try:
            with world.database.write() as conn:
                return pin_store.try_pin(conn, world.members.guard.mark, world.one.household, f"s{number}", WRONG, NOW) is None
        except TooManyRequests:
            return False

    assert sum(wrong(number) for number in range(40)) == OF_A_HOUSEHOLD.burst
    with world.database.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(pin_store.pin_tries)).scalar_one() <= OF_A_HOUSEHOLD.burst + 1


def test_tries_that_are_sent_all_at_once_are_all_counted(world: World, ask: Screens) -> None:
    heard: list[str] = []
    gate = threading.Barrier(12)

    def wrong() -> None:
        gate.wait()
        try:
            with world.database.write() as conn:
                pin_store.try_pin(conn, world.members.guard.mark, world.one.household, "box", WRONG, NOW)
            heard.append("wrong")
        except TooManyRequests:
            heard.append("slowed")

    threads = [threading.Thread(target=wrong) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(heard) == ["slowed"] * (12 - OF_A_SCREEN.burst) + ["wrong"] * OF_A_SCREEN.burst


def test_all_pins_take_months_to_try() -> None:
    days = (10_000 - OF_A_HOUSEHOLD.burst) * OF_A_HOUSEHOLD.refill_ms / DAY
    assert days > 30


@given(st.lists(st.integers(0, 60 * MINUTE), max_size=30))
def test_a_budget_lets_through_what_it_says_and_waits_no_longer_than_one_refill(gaps: list[int]) -> None:
    now, spent, times = Instant(NOW), Spent(), []
    for gap in gaps:
        now = Instant(now + gap)
        wait = spent.wait_ms(now, OF_A_SCREEN)
        assert 0 <= wait <= OF_A_SCREEN.refill_ms
        if wait == 0:
            spent = spent.one_more(now, OF_A_SCREEN)
            times.append(now)
    for start, first in enumerate(times):
        within = [one for one in times[start:] if one < first + OF_A_SCREEN.refill_ms]
        assert len(within) <= OF_A_SCREEN.burst + 1


def test_what_is_kept_is_nothing_without_the_servers_key(world: World, ask: Screens) -> None:
    with world.database.read() as conn:
        row = conn.execute(sa.select(pin_store.household_pins)).one()
    other = lambda words: __import__("hashlib").sha256(words.encode()).digest()[:16]  # noqa: E731
    tried = (f"{number:04d}" for number in range(10_000))
    assert not any(pins.is_right(other, world.one.household, row.version, row.kept, pin) for pin in tried)


@given(st.text(max_size=80))
def test_what_is_no_unlock_opens_nothing(text: str) -> None:
    mark = lambda words: b"0" * 16  # noqa: E731
    good = pins.unlock(mark, HOUSE, "v", "box:1", pins.HOUSEHOLD, Instant(NOW + 1))
    assert pins.opens(mark, HOUSE, "v", "box:1", pins.HOUSEHOLD, good, NOW)
    assert text == good or not pins.opens(mark, HOUSE, "v", "box:1", pins.HOUSEHOLD, text, NOW)


def test_a_pin_of_no_household_is_refused(world: World) -> None:
    with pytest.raises(MemberError), world.database.write() as conn:
        pin_store.try_pin(conn, world.members.guard.mark, world.one.household, "box", PIN, NOW)
