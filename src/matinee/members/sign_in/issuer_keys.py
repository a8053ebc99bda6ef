"""Reading operators' issuers: their discovery documents and their public keys, every few minutes, within limits.

What is read is foreign: it is bounded, only public keys of kinds that we check are kept, and a failure leaves the last ones good.
"""

import json
from typing import Any, Final

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from matinee.base.clock import MINUTE, Clock
from matinee.base.errors import MatineeError
from matinee.members.sign_in import issuers
from matinee.members.sign_in.issuers import OperatorIssuer
from matinee.members.sign_in.model import SignInError
from matinee.outside.calling import CallLimits, call
from matinee.outside.database import Database

EVERY_MS: Final = 5 * MINUTE
LIMITS: Final = CallLimits(seconds=10, max_bytes=256 * 1024)
MAX_KEYS: Final = 20
MIN_RSA_BITS: Final = 2048
ALGORITHMS: Final = ("RS256", "ES256")
_PUBLIC_PARTS: Final = ("kty", "kid", "alg", "use", "n", "e", "crv", "x", "y")

log = structlog.get_logger("matinee.sign_in")


class IssuerKeys:
    """Used by one thread. `allow_private` lets issuers stand in an operator's own network, and speak plain http there."""

    def __init__(self, database: Database, clock: Clock, *, allow_private: bool) -> None:
        self._database = database
        self._clock = clock
        self._allow_private = allow_private

    def poll(self) -> int:
        """Read every issuer that is due. How many were read well."""
        now, good = self._clock(), 0
        with self._database.read() as conn:
            found = issuers.all_issuers(conn)
        for one in found:
            if one.asked_at is None or now - one.asked_at >= EVERY_MS:
                good += self._read(one)
        return good

    def _read(self, one: OperatorIssuer) -> bool:
        try:
            told = self._json(f"{one.issuer.rstrip('/')}/.well-known/openid-configuration")
            if told.get("issuer") != one.issuer:
                raise SignInError("Its openid-configuration names another issuer.")
            keys = public_keys(self._json(str(told.get("jwks_uri"))))
        except MatineeError as error:
            log.warning("an operator's issuer cannot be read; its last keys stay", operator=one.operator, why=error.message)
            with self._database.write() as conn:
                issuers.record_fault(conn, one, error.message, self._clock())
            return False
        with self._database.write() as conn:
            issuers.record_keys(conn, one, keys, self._clock())
        return True

    def _json(self, url: str) -> dict[str, Any]:
        """Raises MatineeError."""
        if not url.startswith("https://") and not self._allow_private:
            raise SignInError("It is no https address.")
        answer = call("GET", url, headers={"Accept": "application/json"}, limits=LIMITS, allow_private=self._allow_private)
        if answer.status != 200:
            raise SignInError(f"It answered {answer.status}.")
        try:
            told = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise SignInError("It answered no JSON.") from error
        if not isinstance(told, dict):
            raise SignInError("It answered no JSON object.")
        return told


def public_keys(told: dict[str, Any]) -> dict[str, Any]:
    """Of a key set that was read, the public RSA and P-256 keys that sign. Raises SignInError where none is left."""
    keys = told.get("keys")
    kept = []
    for key in keys[:MAX_KEYS] if isinstance(keys, list) else []:
        if not isinstance(key, dict) or key.get("use", "sig") != "sig" or not isinstance(key.get("kid"), str):
            continue
        public = {name: key[name] for name in _PUBLIC_PARTS if isinstance(key.get(name), str)}
        try:
            match public.get("kty"):
                case "RSA":
                    is_good = RSAKey.import_key(public).public_key.key_size >= MIN_RSA_BITS
                case "EC":
                    is_good = public.get("crv") == "P-256" and bool(ECKey.import_key(public).public_key)
                case _:
                    is_good = False
        except (JoseError, ValueError, TypeError, KeyError):
            is_good = False
        if is_good:
            kept.append(public)
    if not kept:
        raise SignInError("It has no key that signs by RS256 or ES256.")
    return {"keys": kept}


def key_set(jwks: Any) -> KeySet:
    """The kept keys, to check with."""
    return KeySet.import_key_set(jwks)
