"""A television signs in by a code that somebody approves on a phone (RFC 8628)."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from matinee.base.clock import HOUR, MINUTE, SECOND, Instant
from matinee.members import pin_store
from matinee.members.sign_in import accounts, codes, sessions, work
from matinee.members.sign_in.model import DEVICE_CODE_MS, DEVICE_GRANT
from matinee.outside.database import Database
from tests.members.signing import Browser, Program, signing, tv_of, words_of
from tests.world import PASSWORD, World


@pytest.fixture
def world(any_database: Database) -> Iterator[World]:
    world = World(any_database)
    with signing(world):
        yield world


@pytest.fixture
def phone(world: World) -> Browser:
    browser = Browser(world)
    assert browser.sign_in("ada@example.com").status_code == 303
    return browser


def after(world: World, ms: int) -> None:
    world.now = Instant(world.now + ms)


def test_a_television_goes_on_by_itself_once_a_phone_said_yes(world: World, phone: Browser) -> None:
    tv = Program(world)
    code = tv.code(device_label="Télé du salon")
    assert code | {"device_code": "", "user_code": "", "verification_uri_complete": ""} == {
        "device_code": "",
        "user_code": "",
        "verification_uri": "https://tv.example/activate",
        "verification_uri_complete": "",
        "expires_in": 900,
        "interval": 5,
    }
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", code["user_code"])
    assert code["verification_uri_complete"] == f"https://tv.example/activate?user_code={code['user_code']}"
    assert (tv.poll(code).status_code, tv.poll(code).json()["error"]) == (400, "slow_down")

    page = phone.get("/activate", user_code=code["user_code"].lower().replace("-", " "))
    assert "Télé du salon" in words_of(page)
    assert code["user_code"] in words_of(page)
    done = phone.send("/activate", step="approve", user_code=code["user_code"])
    assert "goes on by itself" in words_of(done)
    world.feed.poll()
    got = tv.poll(code)
    assert got.headers["cache-control"] == "no-store"
    tokens = got.json()
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 900, "watch")
    me = tv.get("/api/v1/me", tokens["access_token"]).json()
    assert (me["party"], me["household_id"]) == ("viewer", world.one.household)
    assert [one["name"] for one in me["services"]] == ["Cinéma"]


def test_a_television_waits_and_is_slowed_down_for_good_where_it_hurries(world: World) -> None:
    tv = Program(world)
    code = tv.code()
    said = []
    for pause in (0, 5, 2, 5, 10, 9):
        after(world, pause * SECOND)
        said.append(tv.poll(code).json()["error"])
    waits, slow = "authorization_pending", "slow_down"
    assert said == [waits, waits, slow, slow, slow, slow]
    after(world, 25 * SECOND)
    assert tv.poll(code).json()["error"] == waits
    after(world, DEVICE_CODE_MS)
    assert tv.poll(code).json()["error"] == "expired_token"


def test_a_refusal_is_told_and_a_code_is_decided_once(world: World, phone: Browser) -> None:
    tv = Program(world)
    code = tv.code()
    assert phone.send("/activate", step="refuse", user_code=code["user_code"]).status_code == 200
    assert phone.send("/activate", step="approve", user_code=code["user_code"]).status_code == 409
    world.feed.poll()
    assert tv.poll(code).json()["error"] == "access_denied"


def test_a_code_that_waits_costs_no_query(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tv = Program(world)
    code = tv.code()
    asked: list[str] = []
    monkeypatch.setattr(world.database, "read", lambda: asked.append("read"))
    monkeypatch.setattr(world.database, "write", lambda: asked.append("write"))
    for _ in range(3):
        after(world, 5 * SECOND)
        assert tv.poll(code).json()["error"] == "authorization_pending"
    assert asked == []


def test_another_process_that_never_saw_the_code_goes_on_with_it(world: World, phone: Browser) -> None:
    code = Program(world).code()
    other = World.__new__(World)
    other.__init__(world.database)  # type: ignore[misc]
    other.feed.poll()
    away = Program(other)
    assert away.poll(code).json()["error"] == "authorization_pending"
    phone.send("/activate", step="approve", user_code=code["user_code"])
    other.feed.poll()
    tokens = away.poll(code).json()
    assert away.get("/api/v1/me", tokens["access_token"]).status_code == 200
    # And one that begins after the decision.
    third = Program(world)
    assert third.get("/api/v1/me", tokens["access_token"]).status_code == 200


def test_a_device_code_that_is_shown_twice_ends_what_it_gave(world: World, phone: Browser) -> None:
    tv, thief = Program(world), Program(world)
    code = tv.code()
    phone.send("/activate", step="approve", user_code=code["user_code"])
    world.feed.poll()
    tokens = tv.poll(code).json()
    assert thief.poll(code).json()["error"] == "invalid_grant"
    world.feed.poll()
    assert tv.get("/api/v1/me", tokens["access_token"]).status_code == 401
    assert tv.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


BAD_CODES = [
    {"device_code": ""},
    {"device_code": "mtd_" + "A" * 43},
    {"device_code": "é"},
    {"client_id": "matinee-web"},
    {"client_id": "nobody"},
    {"client_id": ""},
]


@pytest.mark.parametrize("changes", BAD_CODES)
def test_what_is_no_code_of_this_program_brings_nothing(world: World, phone: Browser, changes: dict[str, str]) -> None:
    tv = Program(world)
    code = tv.code()
    phone.send("/activate", step="approve", user_code=code["user_code"])
    world.feed.poll()
    form = {"grant_type": DEVICE_GRANT, "device_code": code["device_code"], "client_id": "matinee-tv", **changes}
    answer = tv.token(**form)
    assert answer.status_code in (400, 401)
    assert "access_token" not in answer.json()
    assert tv.poll(code).status_code == 200, "the honest one still has it"


def test_who_is_not_signed_in_learns_of_no_code(world: World) -> None:
    code = Program(world).code(device_label="Chambre")
    nobody = Browser(world)
    for answer in (
        nobody.get("/activate", user_code=code["user_code"]),
        nobody.send("/activate", step="approve", user_code=code["user_code"]),
        nobody.send("/activate", step="code", user_code="BBBB-BBBB"),
    ):
        assert "Sign in" in words_of(answer)
        assert "Chambre" not in answer.text


def test_a_guesser_is_slow_and_an_honest_home_is_not_kept_waiting(world: World, phone: Browser) -> None:
    guesser = Browser(world)
    guesser.sign_in("eve@example.com")
    tried = [guesser.send("/activate", step="code", user_code="BBBB-BBBB").status_code for _ in range(7)]
    assert tried == [404] * 5 + [429] * 2
    code = Program(world).code()
    assert guesser.send("/activate", step="approve", user_code=code["user_code"]).status_code == 429, "nor a right one"
    assert "Sign this television in?" in words_of(phone.get("/activate", user_code=code["user_code"]))
    after(world, MINUTE)
    assert guesser.send("/activate", step="code", user_code="BBBB-BBBB").status_code == 404


def test_a_password_is_tried_so_often_and_the_known_browser_is_let_in_all_the_same(world: World, phone: Browser) -> None:
    thief = Browser(world)
    tried = [thief.sign_in("ada@example.com", "not the password").status_code for _ in range(7)]
    assert tried == [401] * 5 + [429] * 2
    assert thief.sign_in("ada@example.com", PASSWORD).status_code == 429
    phone.forget("__Host-matinee-signed-in")
    assert phone.sign_in("ada@example.com").status_code == 303, "it has signed in before"
    unknown = [Browser(world).sign_in("nobody@example.com", "not the password") for _ in range(2)]
    known = thief.sign_in("eve@example.com", "not the password")
    assert [one.status_code for one in (*unknown, known)] == [401] * 3
    assert unknown[0].text == known.text


def test_an_ended_account_opens_nothing_by_what_it_had_said(world: World, phone: Browser) -> None:
    tv = Program(world)
    code, has = tv.code(), tv_of(world, phone)
    phone.send("/activate", step="approve", user_code=code["user_code"])
    with world.database.write() as conn:
        accounts.end_account(conn, "ada@example.com", world.now, actor="test")
    world.feed.poll()
    assert "access_token" not in tv.poll(code).json()
    assert tv.get("/api/v1/me", has["access_token"]).status_code == 401
    assert "Sign in" in words_of(phone.get("/activate", user_code=tv.code()["user_code"]))
    assert Browser(world).sign_in("ada@example.com").status_code == 401


@pytest.mark.parametrize("origin", ["", "https://evil.example", "null", "https://tv.example.evil.example"])
def test_a_form_of_another_site_is_not_taken(world: World, phone: Browser, origin: str) -> None:
    code = Program(world).code()
    assert phone.send("/activate", origin=origin, step="approve", user_code=code["user_code"]).status_code == 403
    assert Program(world).poll(code).json()["error"] in ("authorization_pending", "slow_down")


def test_what_a_device_calls_itself_is_text_and_no_mark(world: World, phone: Browser) -> None:
    code = Program(world).code(device_label="<script>x</script>\u202e " + "y" * 300)
    page = phone.get("/activate", user_code=code["user_code"])
    assert "<script>" not in page.text
    assert "\u202e" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers.get_list("content-security-policy")[0].startswith("default-src 'none'; style-src 'sha256-")
    assert len(page.headers.get_list("content-security-policy")) == 1


def test_sessions_are_listed_and_end_one_by_one_and_all_at_once(world: World, phone: Browser) -> None:
    first, second, third = (tv_of(world, phone, label) for label in ("Salon", "Chambre", "Cuisine"))
    eve = Browser(world)
    eve.sign_in("eve@example.com")
    others = tv_of(world, eve, "Ailleurs")
    ask = Program(world)
    after(world, HOUR)
    rows = ask.get("/api/v1/sessions", world.one.box_token).json()["sessions"]
    assert sorted(one["label"] for one in rows) == ["Chambre", "Cuisine", "Salon"]
    assert {(one["kind"], one["begun_at"], one["last_seen"]) for one in rows} == {
        ("tv", "2014-10-02T10:00:00.000Z", "2014-10-02T10:00:00.000Z")
    }
    world.now = Instant(world.now - HOUR)
    mine = {one["label"]: one for one in ask.get("/api/v1/sessions", first["access_token"]).json()["sessions"]}
    assert [label for label, one in mine.items() if one["current"]] == ["Salon"]

    their = ask.get("/api/v1/sessions", others["access_token"]).json()["sessions"][0]["id"]
    for nothing in (their, "nothing"):
        assert ask.send("DELETE", f"/api/v1/sessions/{nothing}", first["access_token"]).status_code == 404
    assert ask.send("DELETE", f"/api/v1/sessions/{mine['Chambre']['id']}", first["access_token"]).status_code == 204
    world.feed.poll()
    assert ask.get("/api/v1/me", second["access_token"]).status_code == 401
    assert ask.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert ask.get("/api/v1/me", third["access_token"]).status_code == 200

    waiting = ask.code()
    phone.send("/activate", step="approve", user_code=waiting["user_code"])
    ended = ask.send("DELETE", "/api/v1/sessions", third["access_token"]).json()["ended"]
    assert ended == 4, "two televisions, the browser that approved them, and the phone's token of the household"
    world.feed.poll()
    for gone in (first, third):
        assert ask.get("/api/v1/me", gone["access_token"]).status_code == 401
        assert ask.refresh(gone["refresh_token"]).json()["error"] == "invalid_grant"
    assert "access_token" not in ask.poll(waiting).json()
    assert "Sign in" in words_of(phone.get("/activate", user_code="BBBB-BBBB"))
    assert ask.get("/api/v1/me", others["access_token"]).status_code == 200
    assert ask.get("/api/v1/me", world.one.box_token).status_code == 200, "the box is there by its line"


def test_a_home_that_is_erased_leaves_nothing_of_its_signing_in(world: World, phone: Browser) -> None:
    has, tv = tv_of(world, phone), Program(world)
    code = tv.code()
    phone.send("/activate", step="approve", user_code=code["user_code"])
    with world.database.write() as conn:
        work.erase(conn, world.one.household, world.now)
        for table in (accounts.household_accounts, sessions.screen_sessions, codes.device_codes):
            own = sa.select(table).where(table.c.household_id == world.one.household)
            assert conn.execute(own).all() == []
    world.feed.poll()
    assert tv.get("/api/v1/me", has["access_token"]).status_code == 401
    assert tv.refresh(has["refresh_token"]).json()["error"] == "invalid_grant"
    assert "access_token" not in tv.poll(code).json()


def test_a_session_ends_in_a_process_that_began_later(world: World, phone: Browser) -> None:
    has = tv_of(world, phone)
    with world.database.write() as conn:
        assert sessions.end_all(conn, world.one.household, world.now) == 2
    later = World(world.database)
    later.feed.poll()
    assert Program(later).get("/api/v1/me", has["access_token"]).status_code == 401


def test_where_there_is_a_pin_it_is_asked_before_a_screen_is_signed_in(world: World, phone: Browser) -> None:
    """A screen that is signed in anew is kept on no kids' profile: a child at a parent's browser is not to make one."""
    with world.database.write() as conn:
        pin_store.set_pin(conn, world.members.guard.mark, world.one.household, "2468", world.now, of_version=None)
    world.feed.poll()
    tv = Program(world)
    code = tv.code()
    assert 'name="pin"' in phone.get("/activate", user_code=code["user_code"]).text
    for pin in ("0000", "246"):
        assert phone.send("/activate", step="approve", user_code=code["user_code"], pin=pin).status_code == 403, pin
    assert phone.send("/activate", step="approve", user_code=code["user_code"]).status_code == 403
    world.feed.poll()
    after(world, 5 * MINUTE)
    assert tv.poll(code).json()["error"] == "authorization_pending"
    for _ in range(4):
        phone.send("/activate", step="approve", user_code=code["user_code"], pin="0000")
    assert phone.send("/activate", step="approve", user_code=code["user_code"], pin="2468").status_code == 429, (
        "guessed too often"
    )
    after(world, 9 * MINUTE)
    done = phone.send("/activate", step="approve", user_code=code["user_code"], pin="2468")
    assert "goes on by itself" in words_of(done)
