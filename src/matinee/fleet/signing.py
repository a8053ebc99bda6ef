"""Who may sign a release: Ed25519 keys (RFC 8032), and what is signed. Pure.

The private half is a PEM file that whoever builds releases keeps; the service knows public keys alone, each for one product.
"""

import base64
import binascii
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from matinee.fleet.model import FleetError

KEY_BYTES: Final = 32
_KIND: Final = "ed25519:"
"""So that a key says what it is, and never begins with a dash on a command line."""


def new_private_key() -> bytes:
    """A fresh private key as PEM (PKCS #8), not encrypted."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_key_of(private: bytes) -> str:
    """The public half of a PEM private key, as it is written here: "ed25519:" and base64url of 32 bytes. Raises FleetError."""
    raw = _load(private).public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return _KIND + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def sign(private: bytes, told: bytes) -> bytes:
    """The signature of a release's release.json: 64 bytes. Raises FleetError for what is no private key."""
    return _load(private).sign(_message(told))


def is_signed_by(public: str, signature: bytes, told: bytes) -> bool:
    """Whether a signature of release.json is by the private half of this key."""
    try:
        read_public_key(public).verify(signature, _message(told))
    except InvalidSignature:
        return False
    return True


def read_public_key(text: str) -> Ed25519PublicKey:
    """A public key as `public_key_of` writes it. Raises FleetError."""
    kind, coded = text[: len(_KIND)], text[len(_KIND) :]
    try:
        raw = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if kind != _KIND or len(raw) != KEY_BYTES:
        raise FleetError(f"The public key is not {_KIND} and 32 bytes.", remedy="Write it as `matinee release keygen` prints it.")
    return Ed25519PublicKey.from_public_bytes(raw)


def _message(told: bytes) -> bytes:
    # So that a key's signature of anything else is none of a release.
    return b"matinee-release\n" + told


def _load(private: bytes) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(private, password=None)
    except (ValueError, TypeError) as error:
        raise FleetError(
            "The key file holds no private key that can be read.", remedy="Make one: matinee release keygen."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise FleetError("The private key is none of Ed25519.", remedy="Make one: matinee release keygen.")
    return key
