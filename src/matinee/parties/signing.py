"""Signatures of what is sent to callbacks, in the form of Standard Webhooks 1.0: HMAC-SHA256 over id, time and body."""

import base64
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from matinee.base.clock import SECOND, Instant

SECRET_BYTES: Final = 32


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def written(secret: bytes) -> str:
    """A secret as its owner is shown it, once: whsec_ and base64."""
    return "whsec_" + base64.b64encode(secret).decode("ascii")


def signature(secret: bytes, message: str, seconds: int, body: bytes) -> str:
    """One signature: "v1," and base64 of the HMAC. `seconds` since 1970."""
    signed = hmac.digest(secret, f"{message}.{seconds}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(signed).decode("ascii")


def signed_headers(keys: Sequence[bytes], message: str, now: Instant, body: bytes) -> Mapping[str, str]:
    """The three headers. Each secret signs, with spaces between, so that a receiver may change over when it likes."""
    seconds = now // SECOND
    return {
        "webhook-id": message,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signature(key, message, seconds, body) for key in keys),
    }
