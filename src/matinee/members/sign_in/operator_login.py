"""Signing a browser in at its household's operator: we are a relying party of the operator's own OpenID provider.

The browser goes there with a state, a nonce and a challenge of ours (OpenID Connect Core 3.1, RFC 7636), which it keeps in a
signed cookie; it comes back with a code, for which the provider gives us an ID token. That calls a stranger's server: within
limits, on threads of each operator's own, so that a slow provider holds up nobody else's.
"""

import asyncio
import base64
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from matinee.base.clock import MINUTE, SECOND, Clock, Instant
from matinee.base.errors import TooManyRequests
from matinee.base.ids import OperatorId, ScreenSessionId, new_id
from matinee.fleet.model import Operator
from matinee.members.sign_in import sessions
from matinee.members.sign_in.access import BrowserSignedIn, OperatorVisit, Signer
from matinee.members.sign_in.issuer_keys import json_of
from matinee.members.sign_in.issuers import Endpoints, OperatorIssuer, WebClient
from matinee.members.sign_in.model import BROWSER_MS, OPENID, SignInError
from matinee.members.sign_in.operator_identity import AHEAD_MS, Whereabouts, claims_of
from matinee.members.sign_in.snapshot import SignIns
from matinee.outside.calling import CallLimits, call
from matinee.outside.database import Database
from matinee.parties.hooks import Seals

AT_ONCE: Final = 4
WAIT: Final = 12
"""Browsers of one operator that come back at the same moment: so many are worked on, so many wait, and more try again."""
ASKED_MS: Final = MINUTE
"""So long ago at most a browser was asked anew that is back from that."""
LIMITS: Final = CallLimits(seconds=10, max_bytes=64 * 1024)
FORM: Final = "application/x-www-form-urlencoded"


def purpose_of(operator: OperatorId) -> str:
    """What the secret of our client at an operator is sealed for."""
    return f"operator sign-in {operator}"


class _Ready(NamedTuple):
    """An issuer at which browsers can sign in."""

    issuer: OperatorIssuer
    web: WebClient
    endpoints: Endpoints


class OperatorLogin:
    """Used from the web's event loop alone, but for what runs on its own threads."""

    def __init__(
        self,
        database: Database,
        sign_ins: SignIns,
        signer: Signer,
        whereabouts: Whereabouts,
        seals: Seals,
        clock: Clock,
        *,
        allow_private: bool,
    ) -> None:
        self._database, self._sign_ins, self._signer = database, sign_ins, signer
        self._whereabouts, self._seals, self._clock = whereabouts, seals, clock
        self._allow_private = allow_private
        self._running: Counter[OperatorId] = Counter()
        self._pools: dict[OperatorId, ThreadPoolExecutor] = {}

    def start(self) -> None:
        """Nothing is to be done: it stands among what is started for the sake of its end."""

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)

    def offered(self) -> Sequence[Operator]:
        """The operators at which a browser can sign in, by their names."""
        ready = [one.operator for one in self._sign_ins.issuers() if _ready_of(one) is not None]
        found = [self._whereabouts.fleet.operator(operator) for operator in ready]
        return sorted((one for one in found if one is not None), key=lambda one: (one.name, one.id))

    def name_of(self, operator: OperatorId) -> str:
        found = self._whereabouts.fleet.operator(operator)
        return operator if found is None else found.name

    def begin(self, operator: OperatorId, then: str, *, anew: bool) -> tuple[str, OperatorVisit]:
        """Where to send a browser, and what it is to keep until it is back. Raises SignInError where it cannot sign in there."""
        _, web, endpoints = self._ready(operator)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        visit = OperatorVisit(operator, state, nonce, verifier, then, self._clock(), anew)
        asked = {
            "response_type": "code",
            "client_id": web.id,
            "redirect_uri": self.redirect_uri(operator),
            "scope": OPENID,
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        if anew:
            asked |= {"prompt": "login", "max_age": "0"}
        mark = "&" if "?" in endpoints.authorization else "?"
        return f"{endpoints.authorization}{mark}{urlencode(asked)}", visit

    def redirect_uri(self, operator: OperatorId) -> str:
        """Where an operator's provider sends a browser back to: an address of each operator's own (RFC 9700 4.4)."""
        return redirect_uri_of(self._signer.issuer, operator)

    async def finish(self, visit: OperatorVisit, told: Mapping[str, str], label: str) -> BrowserSignedIn:
        """Sign a browser in that is back from its visit, by what it came back with.

        Raises NoHousehold, SignInError, CallFailed, KeysUnusable, TooManyRequests.
        """
        operator = visit.operator
        ready = self._ready(operator)
        if told.get("iss", ready.issuer.issuer) != ready.issuer.issuer:  # RFC 9207
            raise SignInError("Another issuer sent the browser back.")
        if self._running[operator] >= AT_ONCE + WAIT:
            raise TooManyRequests("Too many sign in at this operator at once.", retry_after=2)
        if operator not in self._pools:
            self._pools[operator] = ThreadPoolExecutor(AT_ONCE, "operator-login")
        loop, pool = asyncio.get_running_loop(), self._pools[operator]
        self._running[operator] += 1
        try:
            return await loop.run_in_executor(pool, self._finish, ready, visit, told["code"], label)
        finally:
            self._running[operator] -= 1

    def _ready(self, operator: OperatorId) -> _Ready:
        """What is needed to sign a browser in. Raises SignInError where it cannot sign in there."""
        issuer = self._sign_ins.issuer_of(operator)
        ready = None if issuer is None else _ready_of(issuer)
        if ready is None:
            raise SignInError("No browser signs in at this operator.", remedy="Sign in with the household's account.")
        return ready

    def _finish(self, ready: _Ready, visit: OperatorVisit, code: str, label: str) -> BrowserSignedIn:
        issuer, web, endpoints = ready
        id_token = self._id_token(visit, web, endpoints, code)
        now = self._clock()
        claims = claims_of(issuer, id_token, web.id, visit.nonce, now)
        since = authenticated_at(claims, visit, now)
        household = self._whereabouts.household(self._database, issuer, claims, now)
        made = BrowserSignedIn(ScreenSessionId(new_id()), household, None, since, Instant(now + BROWSER_MS))
        with self._database.write() as conn:
            sessions.begin_in_browser(conn, made, label, now)
        return made

    def _id_token(self, visit: OperatorVisit, web: WebClient, endpoints: Endpoints, code: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri(visit.operator),
            "client_id": web.id,
            "code_verifier": visit.verifier,
        }
        headers = {"Accept": "application/json", "Content-Type": FORM}
        if web.sealed is not None:
            secret = self._seals.unseal(purpose_of(visit.operator), web.sealed).decode()
            if endpoints.secret_in_body:
                form["client_secret"] = secret
            else:
                both = f"{quote_plus(web.id)}:{quote_plus(secret)}"  # RFC 6749 2.3.1
                headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
        body = urlencode(form).encode()
        answer = call("POST", endpoints.token, headers=headers, body=body, limits=LIMITS, allow_private=self._allow_private)
        found = json_of(answer).get("id_token")
        if not isinstance(found, str):
            raise SignInError("It gave no ID token.")
        return found


def redirect_uri_of(web_origin: str, operator: OperatorId) -> str:
    return f"{web_origin}/sign-in/{operator}/done"


def authenticated_at(claims: Mapping[str, Any], visit: OperatorVisit, now: Instant) -> Instant:
    """Since when a browser is signed in at its operator: now, where it was asked anew; the epoch where nobody says.

    Raises SignInError where it was to be asked anew, and the operator did not (OpenID Connect Core 3.1.2.1).
    """
    told = claims.get("auth_time")
    is_told = isinstance(told, int) and not isinstance(told, bool) and 0 <= told * SECOND <= now + AHEAD_MS
    since = Instant(min(now, int(told) * SECOND)) if is_told else Instant(0)  # type: ignore[arg-type]
    if visit.anew and since < max(visit.begun_at, now - ASKED_MS) - AHEAD_MS:
        raise SignInError("The operator did not ask anew who it is.")
    return now if visit.anew else since


def _ready_of(one: OperatorIssuer) -> _Ready | None:
    """None where no browser is meant to sign in there, or not all is read yet."""
    if one.web is None or one.endpoints is None or one.jwks is None:
        return None
    return _Ready(one, one.web, one.endpoints)
