"""A browser signs its household in at the operator: a real provider on this machine, read by what the worker runs."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from joserfc.jwk import RSAKey

from matinee.base.clock import HOUR, MINUTE, SECOND, Instant
from matinee.members import pin_store
from matinee.members.sign_in import issuers, operator_login, sessions
from matinee.members.sign_in.issuer_keys import IssuerKeys
from matinee.members.sign_in.issuers import WebClient
from matinee.members.sign_in.operator_login import purpose_of
from matinee.members.sign_in.pages import is_page_of_ours
from matinee.outside.calling import CallLimits
from tests.members.operator_provider import AUDIENCE, Provider, provider
from tests.members.signing import VERIFIER, Browser, Program, add_client, asked, sent_back, signing, words_of
from tests.world import ORIGIN, World, world_on_sqlite

OURS, SECRET = "our-pages", "a secret: 100 % & more"
ACTIVATE = "/activate"


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_on_sqlite(tmp_path_factory.mktemp("operator-login")) as world, signing(world):
        yield world


@pytest.fixture
def operator(world: World) -> Iterator[Provider]:
    """The provider of the first home's operator, at which our pages are a client with a secret."""
    with provider() as made:
        made.now = world.now
        made.clients[OURS] = (SECRET, f"{ORIGIN}/sign-in/{world.orange}/done")
        known_as(world, made, sealed(world, SECRET))
        yield made


def sealed(world: World, secret: str) -> WebClient:
    return WebClient(id=OURS, sealed=world.master.seal(purpose_of(world.orange), secret.encode()))


def known_as(world: World, operator: Provider, web: WebClient | None) -> None:
    with world.database.write() as conn:
        issuers.set_issuer(conn, world.orange, operator.issuer, AUDIENCE, "sub", world.now, actor="test", web=web)
    assert IssuerKeys(world.database, lambda: world.now, allow_private=True).poll() == 1
    world.feed.poll()


def goes(browser: Browser, world: World, then: str = ACTIVATE, **more: str) -> str:
    """Send a browser to its operator; where the operator sends it back to."""
    away = browser.get(f"/sign-in/{world.orange}", then=then, **more)
    assert away.status_code == 303, away.text
    back = httpx.get(away.headers["location"])
    assert back.status_code == 302, back.text
    return str(back.headers["location"])


def comes_back(browser: Browser, back: str) -> httpx.Response:
    return browser.get(back.removeprefix(ORIGIN))


def is_signed_in(browser: Browser) -> bool:
    return 'name="password"' not in browser.get(ACTIVATE).text


def test_a_browser_signs_in_at_its_operator_and_goes_on(world: World, operator: Provider) -> None:
    browser, address = Browser(world), asked()
    form = browser.get(address)
    assert "Sign in with Orange" in words_of(form)
    href = f"/sign-in/{world.orange}?{urlencode({'then': address})}".replace("&", "&amp;")
    assert href in form.text
    then = comes_back(browser, goes(browser, world, address))
    assert (then.status_code, then.headers["location"]) == (303, address)
    code = sent_back(browser.get(address))["code"]
    got = Program(world).exchange(code).raise_for_status().json()
    me = Program(world).get("/api/v1/me", got["access_token"]).json()
    assert me["household_id"] == world.one.household
    said = operator.asked[0]
    assert (said["scope"], said["code_challenge_method"], said["client_id"]) == ("openid", "S256", OURS)
    assert "prompt" not in said
    assert "code_verifier" in operator.asked[1]


def test_a_television_is_approved_by_whoever_signed_in_at_the_operator(world: World, operator: Provider) -> None:
    browser, tv = Browser(world), Program(world)
    code = tv.code(device_label="Salon TV")
    then = f"/activate?user_code={code['user_code']}"
    assert comes_back(browser, goes(browser, world, then)).headers["location"] == then
    assert browser.send(ACTIVATE, step="approve", user_code=code["user_code"]).status_code == 200
    world.feed.poll()
    got = tv.poll(code).raise_for_status().json()
    assert tv.get("/api/v1/me", got["access_token"]).json()["household_id"] == world.one.household
    assert tv.refresh(got["refresh_token"]).status_code == 200


@pytest.mark.parametrize(("method", "web_secret"), [("client_secret_post", SECRET), ("none", "")])
def test_the_client_shows_its_secret_as_the_operator_takes_it(
    world: World, operator: Provider, method: str, web_secret: str
) -> None:
    operator.discovery = {"token_endpoint_auth_methods_supported": [method]}
    operator.method = method
    operator.clients[OURS] = (web_secret, operator.clients[OURS][1])
    known_as(world, operator, sealed(world, SECRET) if web_secret else WebClient(id=OURS))
    browser = Browser(world)
    assert comes_back(browser, goes(browser, world)).status_code == 303
    assert is_signed_in(browser)
    assert ("client_secret" in operator.asked[-1]) == bool(web_secret)


def test_where_no_operator_signs_browsers_in_no_page_names_one(world: World, operator: Provider) -> None:
    assert "Orange" in words_of(Browser(world).get(ACTIVATE))
    known_as(world, operator, None)
    assert "Orange" not in words_of(Browser(world).get(ACTIVATE))
    for name in (world.orange, world.free, "nobody"):
        assert Browser(world).get(f"/sign-in/{name}", then=ACTIVATE).status_code == 404


def test_another_browser_cannot_come_back_in_ones_place(world: World, operator: Provider) -> None:
    back = goes(Browser(world), world)
    stranger = Browser(world)
    assert comes_back(stranger, back).status_code == 400, "it was never sent away"
    goes(stranger, world)
    assert comes_back(stranger, back).status_code == 400, "the state is another's"
    assert not is_signed_in(stranger)


def test_a_browser_comes_back_once_in_time_and_to_its_own_operator(world: World, operator: Provider) -> None:
    browser = Browser(world)
    back = goes(browser, world)
    assert comes_back(browser, back.replace(world.orange, world.free)).status_code == 400
    kept = browser.cookies["__Host-matinee-visit"]
    assert comes_back(browser, back).status_code == 303
    assert comes_back(browser, back).status_code == 400, "it came back already"
    browser.forget("__Host-matinee-visit")
    asked = len(operator.asked)
    browser.keep("__Host-matinee-visit", kept)
    again = [comes_back(browser, back).status_code]
    for _ in range(5):
        browser.keep("__Host-matinee-visit", kept)
        again.append(comes_back(browser, back).status_code)
    assert again == [502, 502, 429, 429, 429, 429], "the operator is not asked without end"
    assert len(operator.asked) == asked + 2
    browser.forget("__Host-matinee-visit")
    back = goes(browser, world)
    world.now = Instant(world.now + 16 * MINUTE)
    assert comes_back(browser, back).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://127.0.0.1:1"},
        {"aud": "another"},
        {"aud": AUDIENCE},
        {"nonce": "another"},
        {"iat": 1},
        {"exp": 1},
    ],
    ids=str,
)
def test_an_id_token_for_another_occasion_signs_no_browser_in(world: World, operator: Provider, changes: dict[str, Any]) -> None:
    browser = Browser(world)
    back = goes(browser, world)
    operator.changes = changes
    if "nonce" in changes:
        for one in operator.codes.values():
            one["nonce"] = changes["nonce"]
    failed = comes_back(browser, back)
    assert (failed.status_code, "Orange did not sign you in" in words_of(failed)) == (502, True)
    assert not is_signed_in(browser)


def test_a_refusal_or_a_code_of_nobody_signs_no_browser_in(world: World, operator: Provider) -> None:
    browser = Browser(world)
    for changes, status in (
        ({"error": "access_denied"}, 403),
        ({"code": ""}, 403),
        ({"code": "guessed"}, 502),
        ({"iss": "https://another.example"}, 502),
    ):
        back = urlsplit(goes(browser, world, "/activate?user_code=BCDF-GHJK"))
        told = {name: values[0] for name, values in parse_qs(back.query).items()} | changes
        failed = browser.get(f"{back.path}?{urlencode(told)}")
        assert failed.status_code == status
        assert 'href="/activate?user_code=BCDF-GHJK"' in failed.text
        assert not is_signed_in(browser)


def test_a_wrong_secret_and_a_provider_that_is_away_sign_nobody_in(world: World, operator: Provider) -> None:
    browser = Browser(world)
    back = goes(browser, world)
    operator.clients[OURS] = ("another", operator.clients[OURS][1])
    assert comes_back(browser, back).status_code == 502
    operator.discovery = {"token_endpoint": "http://127.0.0.1:1/token"}
    known_as(world, operator, sealed(world, SECRET))
    assert comes_back(browser, goes(browser, world)).status_code == 502
    assert not is_signed_in(browser)


@pytest.mark.parametrize("customer", ["nobody", "other"])
def test_a_customer_without_a_home_here_is_told_so(world: World, operator: Provider, customer: str) -> None:
    operator.customer = customer  # "other" is a line of another operator
    browser = Browser(world)
    told = comes_back(browser, goes(browser, world))
    assert (told.status_code, "no household of this service is at your line yet" in words_of(told)) == (403, True)
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "then",
    [
        "https://evil.example/activate",
        "//evil.example/activate",
        "///activate",
        "///oauth/authorize",
        " /activate",
        "/activate?user_code=a&user_code=b",
        "/\\evil.example",
        "/watch/",
        "/activate/../oauth/token",
        "/activate#x",
        "/activate\n",
        "javascript:alert(1)",
        "http://[/activate",
        "/activate?" + "x" * 2_000,
        '/activate?user_code="',
        "",
    ],
)
def test_a_browser_goes_on_to_our_two_pages_alone(world: World, operator: Provider, then: str) -> None:
    assert not is_page_of_ours(then)
    assert Browser(world).get(f"/sign-in/{world.orange}?{urlencode({'then': then})}").status_code == 400


def test_a_home_with_a_pin_is_asked_anew_at_its_operator(world: World, operator: Provider) -> None:
    """Else a child signs a screen of no kids' profile in by what a parent left signed in at the operator."""
    with world.database.write() as conn:
        pin_store.set_pin(conn, world.members.guard.mark, world.one.household, "2468", world.now, of_version=None)
    world.feed.poll()
    operator.signed_in_at = (world.now - HOUR) // SECOND
    browser, address = Browser(world), asked()
    again = comes_back(browser, goes(browser, world, address)).headers["location"]
    assert again == f"/sign-in/{world.orange}?{urlencode({'then': address, 'anew': '1'})}"
    assert "code" not in parse_qs(urlsplit(browser.get(address).headers.get("location", "")).query)
    back = goes(browser, world, address, anew="1")
    assert operator.asked[-1]["prompt"] == "login"
    assert comes_back(browser, back).headers["location"] == address
    assert "code" in sent_back(browser.get(address))


def test_an_operator_that_does_not_ask_anew_is_not_believed(world: World, operator: Provider) -> None:
    browser = Browser(world)
    for since in (1, (world.now - HOUR) // SECOND, (world.now + HOUR) // SECOND, None, True):
        back = goes(browser, world, anew="1")
        for one in operator.codes.values():
            one["auth_time"] = since
        assert comes_back(browser, back).status_code == 502
    assert not is_signed_in(browser)


def test_who_was_asked_anew_comes_back_at_once(world: World, operator: Provider) -> None:
    """Else a child who went there waits for a parent to sign in at the operator for reasons of their own."""
    browser = Browser(world)
    back = goes(browser, world, anew="1")
    operator.now = world.now = Instant(world.now + 10 * MINUTE)
    for one in operator.codes.values():
        one["auth_time"] = (world.now - 5 * MINUTE) // SECOND
    assert comes_back(browser, back).status_code == 502
    assert not is_signed_in(browser)


def test_a_relying_party_is_not_asked_anew_for_the_sake_of_a_pin(world: World, operator: Provider) -> None:
    with world.database.write() as conn:
        pin_store.set_pin(conn, world.members.guard.mark, world.one.household, "2468", world.now, of_version=None)
    world.feed.poll()
    party, _ = add_client(world, "https://club.example/back")
    address = asked(client_id=party.id, redirect_uri="https://club.example/back", scope="openid")
    browser = Browser(world)
    assert comes_back(browser, goes(browser, world, address)).headers["location"] == address


def test_a_wrong_password_takes_no_wish_for_a_new_sign_in_away(world: World, operator: Provider) -> None:
    party, _ = add_client(world, "https://club.example/back")
    address = asked(client_id=party.id, redirect_uri="https://club.example/back", scope="openid", prompt="login")
    again = Browser(world).send(address, step="sign_in", name="ada@example.com", password="wrong")
    assert again.status_code == 401
    assert "anew=1" in again.text


def test_a_program_that_asks_for_a_new_sign_in_has_one(world: World, operator: Provider) -> None:
    party, _ = add_client(world, "https://club.example/back")
    address = asked(client_id=party.id, redirect_uri="https://club.example/back", scope="openid", prompt="login")
    browser = Browser(world)
    assert "anew=1" in browser.get(address).text
    then = comes_back(browser, goes(browser, world, address, anew="1")).headers["location"]
    assert "prompt" not in then
    assert "Sign in to Programme?" in words_of(browser.get(then))
    code = sent_back(browser.send(then, step="allow"))["code"]
    assert code


@pytest.mark.parametrize("since", [None, 1_412_240_000])
def test_no_token_of_ours_says_what_the_operator_did_not(world: World, operator: Provider, since: int | None) -> None:
    operator.signed_in_at = since
    party, secret = add_client(world, "https://club.example/back")
    address = asked(client_id=party.id, redirect_uri="https://club.example/back", scope="openid")
    browser = Browser(world)
    comes_back(browser, goes(browser, world))
    code = sent_back(browser.send(address, step="allow"))["code"]
    form = {
        "code": code,
        "code_verifier": VERIFIER,
        "grant_type": "authorization_code",
        "redirect_uri": "https://club.example/back",
    }
    got = Program(world).token((party.id, secret), **form).raise_for_status().json()
    claims = world.signer._claims("JWT", got["id_token"])
    assert claims is not None
    assert "amr" not in claims
    assert claims.get("auth_time") == since


def test_a_slow_operator_holds_up_no_other(world: World, operator: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as are worked on and wait fill one operator's places; the next keeps its visit, and another operator answers."""
    monkeypatch.setattr(operator_login, "WAIT", 1)
    monkeypatch.setattr(operator_login, "LIMITS", CallLimits(seconds=60, max_bytes=64 * 1024))
    browsers = [Browser(world) for _ in range(operator_login.AT_ONCE + 2)]
    backs = [goes(browser, world) for browser in browsers]
    with provider() as other, ThreadPoolExecutor(8) as threads:
        other.now, other.customer = world.now, "other"
        other.clients[OURS] = ("", f"{ORIGIN}/sign-in/{world.free}/done")
        with world.database.write() as conn:
            web = WebClient(id=OURS)
            issuers.set_issuer(conn, world.free, other.issuer, AUDIENCE, "sub", world.now, actor="test", web=web)
        assert IssuerKeys(world.database, lambda: world.now, allow_private=True).poll() == 1
        world.feed.poll()
        with operator.asleep():
            first = [threads.submit(comes_back, *pair) for pair in list(zip(browsers, backs, strict=True))[:-1]]
            until = time.monotonic() + 30
            while world.operator_login._running[world.orange] < len(first):
                assert time.monotonic() < until
                time.sleep(0.01)
            busy = comes_back(browsers[-1], backs[-1])
            assert (busy.status_code, "Many sign in at this moment" in words_of(busy)) == (429, True)
            stranger = Browser(world)
            away = stranger.get(f"/sign-in/{world.free}", then=ACTIVATE).headers["location"]
            assert comes_back(stranger, str(httpx.get(away).headers["location"])).status_code == 303
        assert [one.result(30).status_code for one in first] == [303] * len(first)
    assert comes_back(browsers[-1], backs[-1]).status_code == 303, "its visit was kept"


def test_what_an_operator_signed_in_ends_with_the_household(world: World, operator: Provider) -> None:
    browser = Browser(world)
    comes_back(browser, goes(browser, world))
    with world.database.write() as conn:
        rows = conn.execute(sa.select(sessions.screen_sessions.c.account_id)).all()
        assert [row.account_id for row in rows] == [None]
        sessions.end_all(conn, world.one.household, world.now)
    world.feed.poll()
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "discovery",
    [
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://id.example/x#y"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": 5},
    ],
    ids=str,
)
def test_an_issuer_without_addresses_signs_no_browser_in(world: World, operator: Provider, discovery: dict[str, Any]) -> None:
    """Its keys are read all the same: boxes need no more."""
    operator.discovery = discovery
    operator.keys = [RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})]
    with world.database.write() as conn:
        web = WebClient(id=OURS)
        issuers.set_issuer(conn, world.orange, operator.issuer, AUDIENCE, "sub", world.now, actor="test", web=web)
        assert issuers.all_issuers(conn)[0].jwks is not None, "the keys of the same issuer stay"
    assert IssuerKeys(world.database, lambda: world.now, allow_private=True).poll() == 0
    world.feed.poll()
    with world.database.read() as conn:
        (row,) = issuers.all_issuers(conn)
    assert row.fault.startswith("No browser signs in there")
    assert row.jwks is not None
    assert [key["kid"] for key in row.jwks["keys"]] == ["two"]
    assert Browser(world).get(f"/sign-in/{world.orange}", then=ACTIVATE).status_code == 404


def test_a_public_service_sends_no_browser_over_plain_http(world: World) -> None:
    reader = IssuerKeys(world.database, lambda: world.now, allow_private=False)
    secure = {"authorization_endpoint": "https://id.example/a", "token_endpoint": "https://id.example/t"}
    assert reader._endpoints(secure)[0] is not None
    for name in secure:
        assert reader._endpoints({**secure, name: "http://id.example/x"})[0] is None


def test_what_was_read_of_an_issuer_that_was_recorded_anew_since_is_read_again(world: World, operator: Provider) -> None:
    """Else no other process hears that it is whole again: what is read then is what was read before."""
    with world.database.read() as conn:
        (before,) = issuers.all_issuers(conn)
    world.now = Instant(world.now + 1)
    with world.database.write() as conn:
        issuers.set_issuer(
            conn, world.orange, operator.issuer, AUDIENCE, "sub", world.now, actor="test", web=sealed(world, SECRET)
        )
    world.feed.poll()
    assert before.jwks is not None
    with world.database.write() as conn:
        assert not issuers.record_read(conn, before, before.jwks, before.endpoints, world.now)
        issuers.record_fault(conn, before, "away", world.now)
        (row,) = issuers.all_issuers(conn)
    assert (row.asked_at, row.fault) == (None, "")
    assert IssuerKeys(world.database, lambda: world.now, allow_private=True).poll() == 1
    world.feed.poll()
    assert "Orange" in words_of(Browser(world).get(ACTIVATE))
