"""Our own stream tokens: equal to the reference library's, and closed to everything else."""

import base64
from pathlib import Path
from typing import Any

import cbor2
import cwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.base.clock import HOUR, Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import BoxId, OperatorId, PackageId, ProfileId, SessionId, encode_id, new_id
from matinee.delivery.cbor import Tagged, read_cbor
from matinee.delivery.keyring import KeyRing, fresh_ring, open_ring, read_ring, rotate
from matinee.delivery.mac0 import sealer
from matinee.delivery.model import KeyFileInvalid, StreamGrant, TokenRefused
from matinee.delivery.tokens import WHO, TokenMinter, TokenVerifier, claims_of

NOW = Instant(1_795_500_000_000)
RING = KeyRing(signs=b"\x01\x02\x03\x04", keys={b"\x01\x02\x03\x04": bytes(range(32))})


def grant(**changes: Any) -> StreamGrant:
    given_ = {
        "session": SessionId(new_id()),
        "profile": ProfileId(new_id()),
        "package": PackageId(new_id()),
        "box": BoxId(new_id()),
        "operator": OperatorId(new_id()),
        "expires_at": Instant(NOW + 4 * HOUR),
    }
    return StreamGrant(**{**given_, **changes})


ids = st.binary(min_size=16, max_size=16).map(encode_id)
grants = st.builds(
    StreamGrant,
    session=ids,
    profile=ids,
    package=ids,
    box=st.none() | ids | st.text("abc-", min_size=1, max_size=64),
    operator=st.none() | ids,
    max_height=st.none() | st.integers(1, 5000),
    expires_at=st.integers(NOW // 1000 + 1, NOW // 1000 + 10**6).map(lambda seconds: seconds * 1000),
)


@given(grants)
def test_every_grant_reads_back_and_equals_the_reference_library(made: StreamGrant) -> None:
    token = TokenMinter(RING).mint(made, NOW)
    assert TokenVerifier(RING).verify(token, NOW) == made
    key = cwt.COSEKey.from_symmetric_key(RING.signing_key, alg="HS256", kid=RING.signs)
    # The reference's COSE layer: its CWT layer would add `nbf` from the machine's clock.
    cose = cwt.COSE.new(alg_auto_inclusion=True, kid_auto_inclusion=True)
    reference = b"\xd8\x3d" + cose.encode_and_mac(cbor2.dumps(claims_of(made, "matinee", NOW)), key)
    assert token == base64.urlsafe_b64encode(reference).rstrip(b"=").decode()


def test_the_reference_library_reads_ours() -> None:
    made = grant(expires_at=Instant(4_102_444_800_000))
    token = TokenMinter(RING).mint(made, NOW)
    key = cwt.COSEKey.from_symmetric_key(RING.signing_key, alg="HS256", kid=RING.signs)
    reader = cwt.CWT(leeway=10**9)  # the reference reads the machine's clock; the test's `now` is fixed
    claims = reader.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), key)
    assert isinstance(claims, dict)
    assert claims[312] == {3: {1: f"/p/{made.package}/"}}
    assert claims[4] == 4_102_444_800


def test_a_token_is_short_enough_to_stand_in_every_url() -> None:
    assert len(TokenMinter(RING).mint(grant(), NOW)) <= 280


def test_a_token_ends_when_it_says_also_when_it_is_remembered() -> None:
    made = grant()
    verifier, token = TokenVerifier(RING), TokenMinter(RING).mint(made, NOW)
    verifier.verify(token, Instant(made.expires_at - 1))
    for _ in range(2):
        with pytest.raises(TokenRefused) as refused:
            verifier.verify(token, made.expires_at)
        assert refused.value.code is ErrorCode.TOKEN_EXPIRED


def test_what_is_remembered_is_bounded_and_refusals_are_not_remembered() -> None:
    verifier, minter = TokenVerifier(RING, capacity=3), TokenMinter(RING)
    for _ in range(10):
        verifier.verify(minter.mint(grant(), NOW), NOW)
        with pytest.raises(TokenRefused):
            verifier.verify("A" * 200, NOW)
    assert len(verifier._known) == 3


@settings(max_examples=1000)
@given(st.data())
def test_no_altered_token_passes(data: st.DataObject) -> None:
    token = TokenMinter(RING).mint(grant(), NOW)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda letter: letter != token[at]))
    with pytest.raises(TokenRefused):
        TokenVerifier(RING).verify(token[:at] + other + token[at + 1 :], NOW)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore")))
def test_noise_is_refused_and_never_raises_anything_else(noise: bytes) -> None:
    for text in (noise.decode("latin-1"), base64.urlsafe_b64encode(noise).rstrip(b"=").decode()):
        with pytest.raises(TokenRefused):
            TokenVerifier(RING).verify(text, NOW)


def _sealed(claims: Any, *, ring: KeyRing = RING, raw: bytes | None = None) -> str:
    payload = raw if raw is not None else cbor2.dumps(claims)
    return base64.urlsafe_b64encode(sealer(ring.signs, ring.signing_key)(payload)).rstrip(b"=").decode()


def _mac0(protected: dict[int, Any], unprotected: dict[int, Any], payload: bytes, key: bytes) -> str:
    import hmac

    header = cbor2.dumps(protected)
    mac = hmac.digest(key, cbor2.dumps(["MAC0", header, b"", payload]), "sha256")
    data = cbor2.dumps(cbor2.CBORTag(61, cbor2.CBORTag(17, [header, unprotected, payload, mac])))
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


GOOD = claims_of(grant(), "matinee", NOW)
KEY = RING.signing_key
KID = RING.signs
PAYLOAD = cbor2.dumps(GOOD)


@pytest.mark.parametrize(
    ("what", "token"),
    [
        ("no expiry", _sealed({k: v for k, v in GOOD.items() if k != 4})),
        ("expiry is text", _sealed({**GOOD, 4: "4102444800"})),
        ("expiry is true", _sealed({**GOOD, 4: True})),
        ("expiry is infinite", _sealed({**GOOD, 4: float("inf")})),
        ("expiry is no number", _sealed({**GOOD, 4: float("nan")})),
        ("another issuer", _sealed({**GOOD, 1: "matin"})),
        ("no issuer", _sealed({k: v for k, v in GOOD.items() if k != 1})),
        ("another version", _sealed({**GOOD, 310: 2})),
        ("forbids reuse", _sealed({**GOOD, 308: 1})),
        ("an unknown claim", _sealed({**GOOD, 311: ["10.0.0.0/8"]})),
        ("an unknown text claim", _sealed({**GOOD, "role": "admin"})),
        ("no path", _sealed({k: v for k, v in GOOD.items() if k != 312})),
        ("the path of everything", _sealed({**GOOD, 312: {3: {1: "/"}}})),
        ("the path of all packages", _sealed({**GOOD, 312: {3: {1: "/p/"}}})),
        ("a path without its slash", _sealed({**GOOD, 312: {3: {1: "/p/" + new_id()}}})),
        ("a path that climbs", _sealed({**GOOD, 312: {3: {1: f"/p/../{new_id()}/"}}})),
        ("a second path rule", _sealed({**GOOD, 312: {3: {1: f"/p/{new_id()}/", 2: ".mpd"}}})),
        ("a second component", _sealed({**GOOD, 312: {3: {1: f"/p/{new_id()}/"}, 1: {0: "host"}}})),
        ("nobody plays", _sealed({k: v for k, v in GOOD.items() if k != WHO})),
        ("a session of no shape", _sealed({**GOOD, WHO: [b"short", b"x" * 16, None, None]})),
        ("the same claim twice", _sealed(None, raw=b"\xa2" + 2 * (b"\x01" + cbor2.dumps("matinee")))),
        ("claims that go on for ever", _sealed(None, raw=b"\xbf" + PAYLOAD[1:] + b"\xff")),
        ("bytes after the claims", _sealed(None, raw=PAYLOAD + b"\x00")),
        ("deep claims", _sealed(None, raw=b"\xa1\x01" + b"\x81" * 200 + b"\x00")),
        ("a huge announced list", _sealed(None, raw=b"\xa1\x01\x9a\xff\xff\xff\xff")),
        ("claims that are a list", _sealed([1, 2])),
        ("HMAC 256/64", _mac0({1: 4}, {4: KID}, PAYLOAD, KEY)),
        ("no algorithm", _mac0({}, {4: KID}, PAYLOAD, KEY)),
        ("the algorithm unprotected", _mac0({}, {1: 5, 4: KID}, PAYLOAD, KEY)),
        ("the algorithm twice", _mac0({1: 5}, {1: 5, 4: KID}, PAYLOAD, KEY)),
        ("critical headers", _mac0({1: 5, 2: [99], 99: 1}, {4: KID}, PAYLOAD, KEY)),
        ("the key named twice", _mac0({1: 5, 4: KID}, {4: KID}, PAYLOAD, KEY)),
        ("a key that is not live", _mac0({1: 5}, {4: b"gone"}, PAYLOAD, KEY)),
        ("no key named", _mac0({1: 5}, {}, PAYLOAD, KEY)),
        ("an unprotected header more", _mac0({1: 5}, {4: KID, 5: b"x"}, PAYLOAD, KEY)),
        ("the key's id as a number", _mac0({1: 5}, {4: 1}, PAYLOAD, KEY)),
        ("a signature instead of a MAC", _mac0({1: -7}, {4: KID}, PAYLOAD, KEY)),
        ("MACed with nothing", _mac0({1: 5}, {4: KID}, PAYLOAD, b"")),
        ("too long", "A" * 100_000),
        ("with padding", _sealed(GOOD) + "="),
        ("in two halves", _sealed(GOOD) + "\n"),
        ("empty", ""),
    ],
)
def test_hostile_tokens(what: str, token: str) -> None:
    with pytest.raises(TokenRefused):
        TokenVerifier(RING).verify(token, NOW)


def test_the_good_one_beside_the_hostile_ones_passes() -> None:
    TokenVerifier(RING).verify(_sealed(GOOD), NOW)
    TokenVerifier(RING).verify(_mac0({1: 5, 4: KID}, {}, PAYLOAD, KEY), NOW)


def test_a_control_file_is_no_token() -> None:
    sealed = sealer(KID, KEY, b"matinee-control")(PAYLOAD)
    with pytest.raises(TokenRefused):
        TokenVerifier(RING).verify(base64.urlsafe_b64encode(sealed).rstrip(b"=").decode(), NOW)


plain_values = st.recursive(
    st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=20)
    | st.text(max_size=20)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.integers(-1000, 1000) | st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(plain_values)
def test_the_strict_reader_agrees_with_cbor2(value: Any) -> None:
    assert read_cbor(cbor2.dumps(value)) == value


@given(st.binary(max_size=60))
def test_the_strict_reader_takes_nothing_that_cbor2_reads_otherwise(data: bytes) -> None:
    try:
        ours = read_cbor(data)
    except ValueError:
        return
    if not _has_tag(ours):
        assert ours == cbor2.loads(data)


def _has_tag(value: Any) -> bool:
    if isinstance(value, Tagged):
        return True
    if isinstance(value, list):
        return any(_has_tag(entry) for entry in value)
    return isinstance(value, dict) and any(_has_tag(entry) for entry in value.values())


def test_rotation_signs_with_the_new_and_verifies_the_old(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "token.key"
    first = open_ring(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_ring(path) == first
    old = TokenMinter(first).mint(grant(), NOW)
    second = rotate(path)
    assert second.signs != first.signs
    verifier = TokenVerifier(read_ring(path))
    verifier.verify(old, NOW)
    verifier.verify(TokenMinter(second).mint(grant(), NOW), NOW)
    for _ in range(3):
        rotate(path)
    verifier.use(read_ring(path))
    with pytest.raises(TokenRefused, match="not live"):
        verifier.verify(old, NOW)


def test_a_key_file_that_others_may_read_or_that_is_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    open_ring(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileInvalid, match="read by others"):
        open_ring(path)
    path.chmod(0o600)
    path.write_text('{"signs":"00","keys":{}}')
    with pytest.raises(KeyFileInvalid):
        open_ring(path)


def test_a_ring_never_prints_its_keys() -> None:
    ring = fresh_ring()
    assert ring.signing_key.hex() not in repr(ring)
    assert repr(ring.signing_key) not in repr(ring)
