"""A box signs a home in by its operator's identity: a real provider on this machine, read by what the worker runs."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwt
from joserfc.jwk import RSAKey

from matinee.base.clock import DAY, MINUTE, Instant
from matinee.members.sign_in import issuers
from matinee.members.sign_in.exchange import BOX_PROOF, ID_TOKEN, proof_message
from matinee.members.sign_in.issuer_keys import IssuerKeys, public_keys
from matinee.members.sign_in.model import EXCHANGE_GRANT, SignInError
from matinee.outside.database import Database
from tests.members.operator_provider import AUDIENCE, Provider, provider
from tests.members.signing import Program, signing
from tests.world import World, world_on_sqlite


class OwnBox:
    """A box with a key, that asks with its token."""

    def __init__(self, world: World, token: str) -> None:
        self._ask, self._token, self._key = Program(world)._http, token, ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        x, y = (base64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        thumb = base64url(
            hashlib.sha256(json.dumps({k: jwk[k] for k in ("crv", "kty", "x", "y")}, separators=(",", ":")).encode()).digest()
        )
        proof = self.sign(f"matinee-key\n{thumb}".encode())
        self.send("POST", "/api/v1/box/key", json={"jwk": jwk, "proof": proof}).raise_for_status()

    def sign(self, message: bytes) -> str:
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256())))
        return base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def send(self, method: str, path: str, **what: Any) -> Any:
        return self._ask.request(method, path, headers={"Authorization": f"Bearer {self._token}"}, **what)

    def nonce(self) -> str:
        return str(self.send("GET", "/api/v1/box/nonce").json()["nonce"])

    def exchange(self, nonce: str, id_token: str, signer: "OwnBox | None" = None, **changes: str) -> Any:
        form = {
            "grant_type": EXCHANGE_GRANT,
            "client_id": "matinee-tv",
            "subject_token": id_token,
            "subject_token_type": ID_TOKEN,
            "actor_token": f"{nonce}.{(signer or self).sign(proof_message(nonce, id_token))}",
            "actor_token_type": BOX_PROOF,
        }
        return self.send("POST", "/oauth/token", data={**form, **changes})


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_on_sqlite(tmp_path_factory.mktemp("exchange")) as world, signing(world):
        yield world


@pytest.fixture(scope="module")
def operators(world: World) -> Iterator[Provider]:
    """The operator of the first home has a provider, and the worker has read its keys."""
    with provider() as made:
        with world.database.write() as conn:
            issuers.set_issuer(conn, world.orange, made.issuer, AUDIENCE, "sub", world.now, actor="test")
        assert IssuerKeys(world.database, lambda: world.now, allow_private=True).poll() == 1
        world.feed.poll()
        made.now = world.now
        yield made


@pytest.fixture(scope="module")
def box(world: World) -> OwnBox:
    return OwnBox(world, world.one.box_token)


def test_a_box_signs_the_home_of_the_line_in_without_a_word(world: World, operators: Provider, box: OwnBox) -> None:
    nonce = box.nonce()
    got = box.exchange(nonce, operators.id_token(nonce)).raise_for_status().json()
    assert got["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    ask = Program(world)
    assert ask.get("/api/v1/me", got["access_token"]).json()["household_id"] == world.one.household
    assert ask.refresh(got["refresh_token"]).status_code == 200
    listed = ask.get("/api/v1/sessions", got["access_token"]).json()["sessions"]
    assert [(one["label"], one["current"]) for one in listed] == [("Salon", True)]


def test_what_was_shown_once_is_worth_nothing_again(world: World, operators: Provider, box: OwnBox) -> None:
    nonce = box.nonce()
    token = operators.id_token(nonce)
    assert box.exchange(nonce, token).status_code == 200
    assert box.exchange(nonce, token).json()["error"] == "invalid_grant"
    assert box.exchange(box.nonce(), token).json()["error"] == "invalid_grant"


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"iss": "http://127.0.0.1:1"},
    {"aud": "another"},
    {"aud": [AUDIENCE, "another"]},
    {"azp": "another"},
    {"iat": 1},
    {"iat": 4_000_000_000},
    {"iat": "now"},
    {"exp": 1},
    {"exp": None},
]


@pytest.mark.parametrize("changes", WRONG_CLAIMS, ids=str)
def test_an_id_token_for_another_occasion_signs_nobody_in(operators: Provider, box: OwnBox, changes: dict[str, Any]) -> None:
    nonce = box.nonce()
    operators.changes = changes
    token = operators.id_token(nonce)
    operators.changes = {}
    assert box.exchange(nonce, token).json()["error"] == "invalid_grant"


def test_a_customer_of_no_line_or_of_no_home_is_nobody(world: World, operators: Provider, box: OwnBox) -> None:
    for customer in ("nobody", "other", ""):  # "other" is a line of another operator
        operators.customer = customer
        nonce = box.nonce()
        token = operators.id_token(nonce) if customer else _signed(operators, nonce, sub=5)
        assert box.exchange(nonce, token).json()["error"] == "invalid_grant"
    operators.customer = "one"


def _signed(operators: Provider, nonce: str, key: RSAKey | None = None, alg: str = "RS256", **changes: Any) -> str:
    now = operators.now // 1000
    claims = {"iss": operators.issuer, "aud": AUDIENCE, "sub": "one", "iat": now, "exp": now + 60, "nonce": nonce, **changes}
    return jwt.encode({"alg": alg, "kid": "one"}, claims, key or operators.keys[0], algorithms=[alg])


def test_what_the_operator_did_not_sign_signs_nobody_in(operators: Provider, box: OwnBox) -> None:
    stranger = RSAKey.generate_key(2048)
    for _ in range(1):
        nonce = box.nonce()
        assert box.exchange(nonce, _signed(operators, nonce)).status_code == 200, "as it ought to be"
    for forged in (
        lambda nonce: _signed(operators, nonce, stranger),
        lambda nonce: _signed(operators, nonce, alg="PS256"),
        lambda nonce: base64url(b'{"alg":"none"}') + "." + _signed(operators, nonce).split(".")[1] + ".",
        lambda nonce: _signed(operators, nonce)[:-4] + "AAAA",
        lambda nonce: "x",
    ):
        nonce = box.nonce()
        assert box.exchange(nonce, forged(nonce)).json()["error"] == "invalid_grant"


def test_a_box_proves_itself_and_is_of_this_operator(world: World, operators: Provider, box: OwnBox) -> None:
    other = OwnBox(world, world.other.box_token)
    nonce = box.nonce()
    assert box.exchange(nonce, operators.id_token(nonce), signer=other).json()["error"] == "invalid_grant"
    nonce = other.nonce()
    assert other.exchange(nonce, operators.id_token(nonce)).json()["error"] == "invalid_grant", "its operator has no issuer"
    nonce = box.nonce()
    assert other.exchange(nonce, operators.id_token(nonce)).json()["error"] == "invalid_grant", "another box's nonce"
    nonce = box.nonce()
    form = {"actor_token_type": ID_TOKEN}
    assert box.exchange(nonce, operators.id_token(nonce), **form).json()["error"] == "invalid_request"
    assert box.exchange(nonce, operators.id_token(nonce), client_id="matinee-web").json()["error"] == "unauthorized_client"
    anybody = Program(world)
    said = {"grant_type": EXCHANGE_GRANT, "client_id": "matinee-tv", "subject_token": "x", "subject_token_type": ID_TOKEN}
    assert anybody.token(**said, actor_token="x.y", actor_token_type=BOX_PROOF).json()["error"] == "invalid_grant"


def test_new_keys_are_read_and_what_cannot_be_read_leaves_the_old(world: World, operators: Provider, box: OwnBox) -> None:
    reader = IssuerKeys(world.database, lambda: world.now, allow_private=True)
    assert reader.poll() == 0, "it was read a moment ago"
    before = world.now
    operators.keys = [RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})]
    world.now = Instant(world.now + 10 * MINUTE)
    operators.now = world.now
    assert reader.poll() == 1
    world.feed.poll()
    nonce = box.nonce()
    assert box.exchange(nonce, operators.id_token(nonce)).status_code == 200
    own, operators.issuer = operators.issuer, "http://127.0.0.1:1"
    world.now = Instant(world.now + 10 * MINUTE)
    assert reader.poll() == 0
    operators.issuer = own
    with world.database.read() as conn:
        (row,) = issuers.all_issuers(conn)
    assert row.fault == "Its openid-configuration names another issuer."
    assert row.jwks is not None
    world.now = before
    operators.now = before


def test_a_public_service_calls_no_private_address(any_database: Database) -> None:
    world = World(any_database)
    with world.database.write() as conn:
        issuers.set_issuer(conn, world.orange, "http://127.0.0.1:1", AUDIENCE, "sub", world.now, actor="test")
    assert IssuerKeys(world.database, lambda: world.now, allow_private=False).poll() == 0
    world.now = Instant(world.now + DAY)
    with world.database.write() as conn:
        with pytest.raises(SignInError, match="Another operator"):
            issuers.set_issuer(conn, world.free, "http://127.0.0.1:1", AUDIENCE, "sub", world.now, actor="test")
        issuers.set_issuer(conn, world.orange, "https://127.0.0.1:1", AUDIENCE, "sub", world.now, actor="test")
    assert IssuerKeys(world.database, lambda: world.now, allow_private=False).poll() == 0
    with world.database.write() as conn:
        assert "127.0.0.1" in issuers.all_issuers(conn)[0].fault
        issuers.forget_issuer(conn, world.orange, world.now, actor="test")
        assert issuers.all_issuers(conn) == []


BAD_KEYS: list[Any] = [
    {},
    {"keys": 5},
    {"keys": [5]},
    {"keys": [{"kty": "oct", "k": "AAAA", "kid": "a"}]},
    {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a"}]},
    {"keys": [{"kty": "RSA", "kid": "a"}]},
    {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "a"}]},
]


@pytest.mark.parametrize("told", BAD_KEYS, ids=str)
def test_what_is_no_key_is_not_kept(told: Any) -> None:
    with pytest.raises(SignInError, match="no key"):
        public_keys(told)


def test_a_private_part_is_not_kept_though_somebody_told_it() -> None:
    key = RSAKey.generate_key(2048, {"kid": "a"})
    assert set(public_keys({"keys": [key.as_dict(private=True)]})["keys"][0]) == {"kty", "kid", "n", "e"}
