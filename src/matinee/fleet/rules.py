"""Proof that a box holds its key: what it signs, and how a signature is checked. Pure.

The key is made on the box by WebCrypto and cannot be taken out of it; we only ever see its public half. WebCrypto writes
an ECDSA signature as the two numbers r and s of 32 bytes each (IEEE P1363), not as ASN.1.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from matinee.base.errors import ErrorCode
from matinee.fleet.model import FleetError, PublicKey

NONCE_LIVES_MS: Final = 120_000
NONCES_PER_BOX: Final = 8
KEYS_TRIED: Final = 16
"""Keys of a box, its own first, by which a confirmation is checked: an old one that signs is a second box that is alive."""
_COORDINATE_BYTES: Final = 32


def public_key_of(jwk: Mapping[str, Any]) -> PublicKey:
    """The P-256 public key in a JWK (RFC 7517; members that say how it may be used are passed over). Raises FleetError."""
    if "d" in jwk:
        raise FleetError("The key holds its private half.", remedy="Export the public key alone, and make a new pair.")
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise FleetError("The key is no P-256 key.", remedy='Send a JWK with kty "EC" and crv "P-256".')
    key = PublicKey(x=str(jwk.get("x", "")), y=str(jwk.get("y", "")))
    _load(key)
    return key


def thumbprint(key: PublicKey) -> str:
    """The key's name: RFC 7638's SHA-256 thumbprint, as base64url."""
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{key.x}","y":"{key.y}"}}'
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode().rstrip("=")


def key_message(key: PublicKey) -> bytes:
    """What a box signs to show that it holds the key that it registers: "matinee-key" and the key's thumbprint."""
    return f"matinee-key\n{thumbprint(key)}".encode()


def confirm_message(nonce: str, version: str) -> bytes:
    """What a box signs to confirm that it runs a release."""
    return f"matinee-confirm\n{nonce}\n{version}".encode()


def start_failed_message(nonce: str, version: str) -> bytes:
    """What a box signs to tell that a release did not stand on it."""
    return f"matinee-start-failed\n{nonce}\n{version}".encode()


def check_signature(key: PublicKey, signature: str, message: bytes) -> None:
    """Check an ECDSA P-256 SHA-256 signature in WebCrypto's form as base64url. Raises FleetError (not_allowed)."""
    raw = _unbase64(signature)
    if raw is None or len(raw) != 2 * _COORDINATE_BYTES:
        raise _wrong_signature()
    r, s = int.from_bytes(raw[:_COORDINATE_BYTES], "big"), int.from_bytes(raw[_COORDINATE_BYTES:], "big")
    try:
        _load(key).verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise _wrong_signature() from error


def signer(keys: Sequence[PublicKey], signature: str, message: bytes) -> PublicKey:
    """The first of these keys that made a signature. Raises FleetError (not_allowed) where none did."""
    for key in keys:
        try:
            check_signature(key, signature, message)
        except FleetError:
            continue
        return key
    raise _wrong_signature()


def _load(key: PublicKey) -> ec.EllipticCurvePublicKey:
    x, y = _unbase64(key.x), _unbase64(key.y)
    if x is None or y is None or len(x) != _COORDINATE_BYTES or len(y) != _COORDINATE_BYTES:
        raise FleetError("The key's x and y are not 32 bytes each.", remedy="Send them as base64url.")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
    try:
        return numbers.public_key()
    except ValueError as error:  # a point beside the curve
        raise FleetError("The key is no point of P-256.", remedy="Send the key as it was exported.") from error


def _unbase64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _wrong_signature() -> FleetError:
    return FleetError(
        "The signature does not fit the box's key.",
        remedy="Sign with the key that the box registered.",
        code=ErrorCode.NOT_ALLOWED,
    )
