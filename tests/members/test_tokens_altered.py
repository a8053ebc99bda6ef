"""Tokens that were altered, swapped, signed by others or by nobody: nothing is granted, and nothing secret is in a log."""

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from matinee.base.clock import MINUTE, Instant
from matinee.members.sign_in import keys as signing_keys
from matinee.members.sign_in.access import Signer
from matinee.members.sign_in.keys import SigningKeys
from matinee.members.sign_in.model import DEVICE_GRANT
from matinee.outside.database import Database, metadata
from tests.members.signing import Browser, Program, asked, sent_back, signing, tv_of
from tests.world import NOW, ORIGIN, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('tokens') / 'world.db'}")
    metadata.create_all(database.engine)
    world = World(database)
    with signing(world):
        yield world
    database.close()


@pytest.fixture(scope="module")
def access(world: World) -> str:
    browser = Browser(world)
    browser.sign_in("ada@example.com")
    return str(tv_of(world, browser)["access_token"])


def _parts(token: str) -> list[dict[str, Any]]:
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def _packed(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    text = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    return ".".join([*text, signature])


def _opens(world: World, token: str) -> bool:
    return Program(world).get("/api/v1/me", token).status_code == 200


def test_what_was_altered_opens_nothing(world: World, access: str) -> None:
    assert _opens(world, access)
    header, claims = _parts(access)
    signature = access.rsplit(".", 1)[1]
    for change in ({"sub": world.other.household}, {"exp": claims["exp"] + 9}, {"scope": "watch openid"}, {"sid": "0" * 26}):
        assert not _opens(world, _packed(header, claims | change, signature))
    for kind in ("none", "None", "NONE", ""):
        for end in ("", signature):
            assert not _opens(world, _packed(header | {"alg": kind}, claims, end))
            assert not _opens(world, _packed({"alg": kind, "typ": "at+jwt"}, claims, end))
    assert not _opens(world, access[:-4] + "AAAA")
    assert not _opens(world, access.rsplit(".", 1)[0] + ".")
    assert not _opens(world, access + "." + signature)


def test_what_another_key_signed_opens_nothing(world: World, access: str) -> None:
    header, claims = _parts(access)
    stranger = RSAKey.generate_key(2048)
    own = world.signer.keys.ring.public()["keys"][0]
    forged = [
        jwt.encode(header, claims, stranger, algorithms=["RS256"]),
        jwt.encode({**header, "jwk": stranger.as_dict(private=False)}, claims, stranger, algorithms=["RS256"]),
        jwt.encode({"alg": "RS256", "typ": "at+jwt"}, claims, stranger, algorithms=["RS256"]),
        # The public key taken for the secret of a hash: the algorithm is never the token's to choose.
        jwt.encode({**header, "alg": "HS256"}, claims, OctKey.import_key(json.dumps(own)), algorithms=["HS256"]),
    ]
    ours = world.signer.keys.ring.key
    forged += [
        jwt.encode({**header, "typ": kind}, claims, ours, algorithms=["RS256"])
        for kind in ("JWT", "matinee-browser+jwt", "matinee-known+jwt", "AT+JWT")
    ]
    forged += [
        jwt.encode(header, claims | change, ours, algorithms=["RS256"])
        for change in (
            {"iss": "https://other.example"},
            {"aud": "https://other.example/api"},
            {"aud": [f"{ORIGIN}/api"]},
            {"exp": NOW // 1000},
            {"exp": "9999999999"},
            {"scope": "openid"},
            {"sid": 5},
        )
    ]
    for one in forged:
        assert not _opens(world, one), one


def test_a_cookie_is_no_token_and_a_token_no_cookie(world: World, access: str) -> None:
    browser = Browser(world)
    browser.sign_in("ada@example.com")
    for cookie in browser.cookies.values():
        assert not _opens(world, cookie)
    assert world.signer.browser(access, world.now) is None


def test_a_key_that_was_put_in_signs_and_an_old_one_verifies_until_it_is_pushed_out(
    tmp_path: Any, access: str, world: World
) -> None:
    file = tmp_path / "keys" / "sign-in.json"
    signer = Signer(SigningKeys(file), ORIGIN)
    assert signer.keys.ring.keys
    assert file.stat().st_mode & 0o777 == 0o600
    made = [signer.browser_cookie(_somebody(world))]
    for _ in range(3):
        signing_keys.rotate(file)
        signer.keys.refresh()
        made.append(signer.browser_cookie(_somebody(world)))
    assert [signer.browser(one, world.now) is not None for one in made] == [False, True, True, True]
    behind = Signer(SigningKeys(file), ORIGIN)
    assert behind.browser(made[-1], world.now) is not None
    signing_keys.rotate(file)
    newest = Signer(SigningKeys(file), ORIGIN).browser_cookie(_somebody(world))
    assert behind.browser(newest, world.now) is not None, "a process that had not heard of the key reads it"
    file.chmod(0o644)
    with pytest.raises(signing_keys.SigningKeysInvalid, match="read by others"):
        signing_keys.read_ring(file)
    file.chmod(0o600)
    file.write_text("{}")
    with pytest.raises(signing_keys.SigningKeysInvalid):
        signing_keys.read_ring(file)


def _somebody(world: World) -> Any:
    from matinee.members.sign_in.access import BrowserSignedIn

    return BrowserSignedIn("0" * 26, world.one.household, "1" * 26, world.now, Instant(world.now + MINUTE))  # type: ignore[arg-type]


def test_no_log_holds_a_secret(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser, page = Browser(world), Program(world)
    browser.sign_in("ada@example.com")
    code = sent_back(browser.get(asked()))["code"]
    tokens = page.exchange(code).json()
    after = page.refresh(tokens["refresh_token"], "matinee-web").json()
    page.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"] + "x", client_id="matinee-web")
    page.post("/oauth/revoke", token=after["refresh_token"], client_id="matinee-web")
    secrets = [code, *(one[name] for one in (tokens, after) for name in ("access_token", "refresh_token"))]
    secrets += browser.cookies.values()
    for record in caplog.records:
        said = record.getMessage() + str(record.args)
        assert not any(secret in said for secret in secrets), record.name


_VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["matinee-tv", "matinee-web", "refresh_token", "authorization_code", DEVICE_GRANT, "mtd_" + "A" * 43, "watch", "\0", "é"]
    ),
    st.just("mtr_" + "0" * 26 + "A" * 43),
    st.just("mtc_" + "A" * 43),
)
_NAMES = st.one_of(
    st.sampled_from(
        [
            "grant_type",
            "client_id",
            "client_secret",
            "device_code",
            "code",
            "redirect_uri",
            "refresh_token",
            "code_verifier",
            "scope",
        ]
    ),
    st.text(max_size=8),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.dictionaries(_NAMES, _VALUES, max_size=8), authorization=st.one_of(st.none(), st.binary(max_size=30)))
def test_whatever_is_sent_brings_an_error_and_no_token(world: World, form: dict[str, str], authorization: bytes | None) -> None:
    ask = Program(world)
    headers = {} if authorization is None else {"Authorization": "Basic " + base64.b64encode(authorization).decode()}
    for path in ("token", "revoke", "device_authorization"):
        answer = ask._http.post(f"/oauth/{path}", data=form, headers=headers)
        assert answer.status_code in (200, 400, 401, 429), (path, form, answer.text)
        if answer.status_code != 200:
            assert set(answer.json()) <= {"error", "error_description"}
            assert answer.json()["error"].isascii()
        assert "access_token" not in answer.json()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/x-www-form-urlencoded", "application/json", "x", ""]))
def test_what_is_no_form_is_refused(world: World, body: bytes, kind: str) -> None:
    answer = Program(world)._http.post("/oauth/token", content=body, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code in (400, 401)
    assert "error" in answer.json()
