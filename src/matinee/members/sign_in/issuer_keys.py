"""Reading operators' issuers: where they sign in, and their public keys, every few minutes, within limits.

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
from matinee.members.sign_in.issuers import Endpoints, OperatorIssuer
from matinee.members.sign_in.model import SignInError
from matinee.outside.calling import Answer, CallLimits, call, check_url
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
        endpoints, fault = self._endpoints(told) if one.web is not None else (None, "")
        with self._database.write() as conn:
            issuers.record_read(conn, one, keys, endpoints, self._clock(), fault=fault)
        return not fault

    def _endpoints(self, told: dict[str, Any]) -> tuple[Endpoints | None, str]:
        """Where a browser is signed in; else None, and why: boxes need none of it."""
        found = str(told.get("authorization_endpoint")), str(told.get("token_endpoint"))
        for url in found:
            try:
                self._check(url)
            except MatineeError as error:
                return None, f"No browser signs in there: {error.message}"
        if "#" in found[0]:
            return None, "No browser signs in there: its authorization_endpoint has a fragment."
        methods = told.get("token_endpoint_auth_methods_supported")
        in_body = isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods
        return Endpoints(authorization=found[0], token=found[1], secret_in_body=in_body), ""

    def _check(self, url: str) -> None:
        """Raises SignInError, CallRefused."""
        if not url.startswith("https://") and not self._allow_private:
            raise SignInError("It is no https address.")
        check_url(url)

    def _json(self, url: str) -> dict[str, Any]:
        """Raises MatineeError."""
        self._check(url)
        answer = call("GET", url, headers={"Accept": "application/json"}, limits=LIMITS, allow_private=self._allow_private)
        return json_of(answer)


def json_of(answer: Answer) -> dict[str, Any]:
    """The object that an issuer answered. Raises SignInError."""
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
