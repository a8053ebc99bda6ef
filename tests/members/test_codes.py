"""A browser signs in and goes on with a code (RFC 6749, 7636, 9207), and tokens follow from tokens: ours and relying parties'."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from matinee.base.clock import DAY, MINUTE, SECOND, Instant
from matinee.members import pin_store
from matinee.members.sign_in.model import REFRESH_MS
from matinee.outside.database import Database
from tests.members.signing import CHALLENGE, VERIFIER, Browser, Program, add_client, asked, sent_back, signing, words_of
from tests.world import ORIGIN, World

PARTNER = "https://partner.example/callback?shop=1"


@pytest.fixture
def world(any_database: Database) -> Iterator[World]:
    world = World(any_database)
    with signing(world):
        yield world


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world on SQLite for all that is refused: nothing in it changes."""
    from matinee.outside.database import metadata

    database = Database(f"sqlite:///{tmp_path_factory.mktemp('quiet') / 'world.db'}")
    metadata.create_all(database.engine)
    world = World(database)
    with signing(world):
        yield world
    database.close()


def signed_in(world: World, name: str = "ada@example.com") -> Browser:
    browser = Browser(world)
    assert browser.sign_in(name).status_code == 303
    return browser


def test_a_page_signs_in_with_a_code_and_its_own_secret(world: World) -> None:
    browser, page = Browser(world), Program(world)
    form = browser.get(asked())
    assert "Sign in" in words_of(form)
    assert "form-action 'self' https://tv.example;" in form.headers["content-security-policy"]
    on = browser.sign_in("ada@example.com", path=asked())
    assert on.status_code == 303
    back = sent_back(browser.get(on.headers["location"]))
    assert (back["state"], back["iss"]) == ("st", ORIGIN)
    tokens = page.exchange(back["code"]).json()
    assert page.get("/api/v1/me", tokens["access_token"]).json()["household_id"] == world.one.household
    assert "id_token" not in tokens
    again = sent_back(browser.get(asked(state="2")))
    assert again["code"] != back["code"], "who is signed in here is not asked again"


def test_where_there_is_a_pin_a_browser_is_asked_its_password_again_before_it_makes_a_new_screen(world: World) -> None:
    """A new screen is kept on no kids' profile, and the cookie of a parent's password lives for an hour."""
    browser = signed_in(world)
    world.now = Instant(world.now + 2 * MINUTE)
    assert sent_back(browser.get(asked()))["code"], "a home without a PIN keeps nothing from anybody"
    with world.database.write() as conn:
        pin_store.set_pin(conn, world.members.guard.mark, world.one.household, "2468", world.now, of_version=None)
    world.feed.poll()
    assert "Password" in words_of(browser.get(asked()))
    assert "Password" in words_of(browser.send(asked(), step="allow"))
    on = browser.sign_in("ada@example.com", path=asked())
    assert sent_back(browser.get(on.headers["location"]))["code"]


def test_a_code_is_used_once_and_a_second_use_takes_back_what_the_first_gave(world: World) -> None:
    page = Program(world)
    code = sent_back(signed_in(world).get(asked()))["code"]
    assert page.exchange(code, code_verifier="w" * 43).json()["error"] == "invalid_grant"
    tokens = page.exchange(code).json()
    assert page.exchange(code).json()["error"] == "invalid_grant"
    world.feed.poll()
    assert page.get("/api/v1/me", tokens["access_token"]).status_code == 401
    assert page.refresh(tokens["refresh_token"], "matinee-web").json()["error"] == "invalid_grant"


def test_a_code_is_old_after_a_minute(world: World) -> None:
    code = sent_back(signed_in(world).get(asked()))["code"]
    world.now = Instant(world.now + MINUTE)
    assert Program(world).exchange(code).json()["error"] == "invalid_grant"


WRONG_EXCHANGES = [
    {"client_id": "matinee-tv"},
    {"client_id": "nobody"},
    {"redirect_uri": f"{ORIGIN}/watch"},
    {"redirect_uri": ""},
    {"code_verifier": ""},
    {"code_verifier": CHALLENGE},
    {"code": "mtc_" + "A" * 43},
    {"code": "x"},
    {"grant_type": "password"},
    {"grant_type": "client_credentials"},
    {"grant_type": "\u00e9"},
]


@pytest.mark.parametrize("changes", WRONG_EXCHANGES, ids=lambda one: "-".join(f"{k}={v}" for k, v in one.items()))
def test_a_code_in_the_wrong_hands_brings_nothing(quiet: World, changes: dict[str, str]) -> None:
    code = sent_back(signed_in(quiet).get(asked()))["code"]
    answer = Program(quiet).exchange(**{"code": code, **changes})
    assert answer.status_code in (400, 401)
    assert set(answer.json()) <= {"error", "error_description"}
    assert Program(quiet).exchange(code).status_code == 200, "the honest one still has it"


NEVER_SENT = [
    {"redirect_uri": "https://evil.example/watch/"},
    {"redirect_uri": f"{ORIGIN}/watch/../evil"},
    {"redirect_uri": f"{ORIGIN}/watch/?more=1"},
    {"redirect_uri": f"{ORIGIN}/Watch/"},
    {"redirect_uri": ""},
    {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": 'x"\u00e9'},
    {"client_id": "nobody"},
    {"client_id": ""},
    {"client_id": "matinee-tv"},
    {"client_id": "matinee-browser"},
]


@pytest.mark.parametrize("changes", NEVER_SENT, ids=lambda one: "-".join(f"{k}={v}" for k, v in one.items()))
def test_nobody_is_sent_where_no_client_said(quiet: World, changes: dict[str, str]) -> None:
    for browser in (Browser(quiet), signed_in(quiet)):
        answer = browser.get(asked(**changes))
        assert (answer.status_code, answer.headers.get("location")) == (400, None)
        assert browser.send(asked(**changes), step="allow").headers.get("location") is None


SENT_BACK = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": ""}, "invalid_request"),
    ({"code_challenge": ""}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"scope": "openid"}, "invalid_scope"),
    ({"scope": "everything"}, "invalid_scope"),
]


@pytest.mark.parametrize(("changes", "error"), SENT_BACK)
def test_what_a_client_may_not_ask_is_told_to_it(quiet: World, changes: dict[str, str], error: str) -> None:
    back = sent_back(signed_in(quiet).get(asked(**changes)))
    assert (back["error"], back["state"], back["iss"], "code" in back) == (error, "st", ORIGIN, False)


def test_parameters_are_there_once(quiet: World) -> None:
    assert signed_in(quiet).get(asked() + "&redirect_uri=https%3A%2F%2Fevil.example%2F").status_code == 400
    assert signed_in(quiet).get(asked() + "&state=two").status_code == 400


def test_a_relying_party_learns_that_it_is_the_same_home_and_nothing_else(world: World) -> None:
    one, secret = add_client(world, PARTNER)
    two, other_secret = add_client(world, "https://other.example/")
    subjects, nonce = [], "n-0S6_WzA2Mj"
    for client, key, uri in ((one, secret, PARTNER), (one, secret, PARTNER), (two, other_secret, "https://other.example/")):
        said = {"client_id": client.id, "redirect_uri": uri, "scope": "openid", "nonce": nonce}
        browser = signed_in(world)
        page = browser.get(asked(**said))
        assert "Sign in to Programme?" in words_of(page)
        origin = urlsplit(uri)
        assert f"form-action 'self' {origin.scheme}://{origin.netloc};" in page.headers["content-security-policy"]
        back = sent_back(browser.send(asked(**said), step="allow"))
        server = Program(world)
        assert server.exchange(back["code"], ("", ""), redirect_uri=uri, client_id=client.id).status_code in (400, 401)
        assert server.exchange(back["code"], (client.id, "mtx_" + "A" * 43), redirect_uri=uri).status_code == 401
        tokens = server.exchange(back["code"], (client.id, key), redirect_uri=uri).raise_for_status().json()
        keys = KeySet.import_key_set(server.get("/oauth/jwks").json())
        claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
        assert claims["iss"] == ORIGIN
        assert claims["aud"] == [client.id]
        assert claims["nonce"] == nonce
        assert claims["auth_time"] == world.now // SECOND
        assert claims["exp"] == world.now // SECOND + 900
        assert world.one.household not in str(claims)
        assert "refresh_token" not in tokens
        assert server.get("/api/v1/me", tokens["access_token"]).status_code == 401, "it opens nothing here"
        assert server.get("/api/v1/me", tokens["id_token"]).status_code == 401
        subjects.append(claims["sub"])
    assert subjects[0] == subjects[1] != subjects[2]
    refused = sent_back(signed_in(world).send(asked(client_id=one.id, redirect_uri=PARTNER, scope="openid"), step="refuse"))
    assert (refused["error"], refused["shop"]) == ("access_denied", "1")


def test_who_must_sign_in_anew_is_asked_to(world: World) -> None:
    client, _ = add_client(world, PARTNER)
    said = {"client_id": client.id, "redirect_uri": PARTNER, "scope": "openid"}
    browser = signed_in(world)
    assert "Password" in words_of(browser.get(asked(**said, prompt="login")))
    world.now = Instant(world.now + 10 * MINUTE)
    assert "Password" in words_of(browser.get(asked(**said, max_age="60")))
    assert "Sign in to Programme?" in words_of(browser.get(asked(**said, max_age="3600")))
    assert sent_back(Browser(world).get(asked(**said, prompt="none")))["error"] == "login_required"
    assert sent_back(browser.get(asked(**said, prompt="none")))["error"] == "consent_required"


def test_refresh_tokens_follow_from_each_other_and_a_stolen_one_ends_all(world: World) -> None:
    page = Program(world)
    first = page.exchange(sent_back(signed_in(world).get(asked()))["code"]).json()
    world.now = Instant(world.now + 15 * MINUTE)
    assert page.get("/api/v1/me", first["access_token"]).status_code == 401, "a quarter of an hour is over"
    assert page.refresh(first["refresh_token"], "matinee-tv").json()["error"] == "invalid_grant", "another program's"
    second = page.refresh(first["refresh_token"], "matinee-web").json()
    assert page.get("/api/v1/me", second["access_token"]).status_code == 200
    # The answer was lost, or the request was sent twice: the same token comes again, for a moment.
    assert page.refresh(first["refresh_token"], "matinee-web").json()["refresh_token"] == second["refresh_token"]
    third = page.refresh(second["refresh_token"], "matinee-web").json()
    world.now = Instant(world.now + SECOND)
    # What was used before the last one shows that two have it.
    assert page.refresh(first["refresh_token"], "matinee-web").json()["error"] == "invalid_grant"
    world.feed.poll()
    assert page.get("/api/v1/me", third["access_token"]).status_code == 401
    assert page.refresh(third["refresh_token"], "matinee-web").json()["error"] == "invalid_grant"


def test_an_answer_that_was_lost_for_long_signs_nobody_out_and_a_thief_who_uses_that_is_found(world: World) -> None:
    page = Program(world)
    first = page.exchange(sent_back(signed_in(world).get(asked()))["code"]).json()["refresh_token"]
    lost = page.refresh(first, "matinee-web").json()["refresh_token"]
    world.now = Instant(world.now + DAY)
    found = page.refresh(first, "matinee-web").json()["refresh_token"]
    assert found != lost
    assert page.refresh(lost, "matinee-web").json()["error"] == "invalid_grant", "two have what one was given"
    assert page.refresh(found, "matinee-web").json()["error"] == "invalid_grant"


def test_a_screen_that_was_not_used_for_long_signs_in_again(world: World) -> None:
    page = Program(world)
    token = page.exchange(sent_back(signed_in(world).get(asked()))["code"]).json()["refresh_token"]
    world.now = Instant(world.now + REFRESH_MS - DAY)
    token = page.refresh(token, "matinee-web").json()["refresh_token"]
    world.now = Instant(world.now + REFRESH_MS)
    assert page.refresh(token, "matinee-web").json()["error"] == "invalid_grant"


@pytest.mark.parametrize("by", ["refresh_token", "access_token"])
def test_a_screen_signs_out_by_a_token_of_its_own(world: World, by: str) -> None:
    page = Program(world)
    tokens = page.exchange(sent_back(signed_in(world).get(asked()))["code"]).json()
    for said in ({"token": tokens[by], "client_id": "matinee-tv"}, {"token": "x", "client_id": "matinee-web"}):
        assert page.post("/oauth/revoke", **said).status_code == 200
    world.feed.poll()
    assert page.get("/api/v1/me", tokens["access_token"]).status_code == 200
    assert page.post("/oauth/revoke", token=tokens[by], client_id="matinee-web").status_code == 200
    world.feed.poll()
    assert page.get("/api/v1/me", tokens["access_token"]).status_code == 401
    assert page.refresh(tokens["refresh_token"], "matinee-web").json()["error"] == "invalid_grant"


def test_what_the_endpoints_are_is_told_alike(quiet: World) -> None:
    ask = Program(quiet)
    openid = ask.get("/.well-known/openid-configuration").json()
    oauth = ask.get("/.well-known/oauth-authorization-server").json()
    assert oauth.items() <= openid.items()
    assert openid["issuer"] == ORIGIN
    assert openid["id_token_signing_alg_values_supported"] == ["RS256"]
    keys = ask.get("/oauth/jwks").json()["keys"]
    assert all(set(key) == {"n", "e", "kty", "kid", "use", "alg"} for key in keys), "no private part"


def test_verifier_is_what_the_challenge_is_of() -> None:
    assert len(VERIFIER) == 43
