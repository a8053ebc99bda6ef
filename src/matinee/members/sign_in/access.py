"""What we sign: access tokens (RFC 9068), ID tokens, and the cookies of the pages on which one signs in.

An access token is read from memory: its signature is checked once, and that it lives, and its session, at each request. No other
algorithm than ours is taken, whatever a token says of itself, and no token of one kind passes for another: each has its `typ`.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError

from matinee.base.clock import DAY, MINUTE, Instant
from matinee.base.ids import AccountId, ClientId, HouseholdId, OperatorId, ScreenSessionId, encode_id, is_id
from matinee.members.sign_in.keys import ALGORITHM, SigningKeys
from matinee.members.sign_in.model import ACCESS_MS, BROWSER_MS, WATCH, ScreenSession

ACCESS_TYPE: Final = "at+jwt"
_BROWSER_TYPE: Final = "matinee-browser+jwt"
_KNOWN_TYPE: Final = "matinee-known+jwt"
_VISIT_TYPE: Final = "matinee-visit+jwt"
KNOWN_MS: Final = 400 * DAY
"""As long as browsers keep a cookie at all."""
CHECKED_KEPT: Final = 50_000
MAX_CHARS: Final = 2_000
MAX_VISIT: Final = 3_900
"""A browser keeps 4,096 bytes of a cookie with its name and all."""
VISIT_MS: Final = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token says, once its signature was found good."""

    session: ScreenSessionId
    household: HouseholdId
    client: ClientId
    expires_at: Instant
    may_watch: bool


@dataclass(frozen=True, slots=True)
class OperatorVisit:
    """A browser that is away at its operator, to be signed in there. `then` is where it goes on afterwards, a path of ours.

    `anew`: the operator is to ask who it is, whoever is signed in there already.
    """

    operator: OperatorId
    state: str
    nonce: str
    verifier: str
    then: str
    begun_at: Instant
    anew: bool


@dataclass(frozen=True, slots=True)
class BrowserSignedIn:
    """Who is signed in on our own pages, since when. `account` is None where the household's operator said who it is."""

    session: ScreenSessionId
    household: HouseholdId
    account: AccountId | None
    authenticated_at: Instant
    expires_at: Instant


class Signer:
    """Signs and checks. `issuer` is the web's origin. Safe from threads."""

    def __init__(self, keys: SigningKeys, issuer: str) -> None:
        self._keys = keys
        self.issuer = issuer
        self._audience = f"{issuer}/api"
        self._checked: OrderedDict[bytes, Access] = OrderedDict()
        self._lock = Lock()
        self._ring: object = None

    @property
    def keys(self) -> SigningKeys:
        return self._keys

    def access_token(self, session: ScreenSession, now: Instant, *, ours: bool) -> str:
        """A token for a quarter of an hour. A relying party's names the household as that party knows it, and opens nothing."""
        claims = {
            "iss": self.issuer,
            "aud": self._audience,
            "sub": session.household if ours else self.subject(session.client, session.household),
            "client_id": session.client,
            "sid": session.id,
            "scope": session.scope,
            "iat": now // 1000,
            "exp": (now + ACCESS_MS) // 1000,
            "jti": secrets.token_urlsafe(12),
        }
        return self._signed(ACCESS_TYPE, claims)

    def access(self, token: str, now: Instant) -> Access | None:
        """What an access token of ours says at a moment; None for any other text, and for one that is over."""
        if len(token) > MAX_CHARS or token.count(".") != 2 or not token.isascii():
            return None
        mark = hashlib.sha256(token.encode()).digest()
        with self._lock:
            if self._ring is not self._keys.ring:  # a key may have been taken away: nothing that it signed is to stand
                self._checked.clear()
                self._ring = self._keys.ring
            found = self._checked.get(mark)
        if found is None:
            found = self._access_of(token)
            if found is None:
                return None
            with self._lock:
                self._checked[mark] = found
                while len(self._checked) > CHECKED_KEPT:
                    self._checked.popitem(last=False)
        return found if now < found.expires_at else None

    def _access_of(self, token: str) -> Access | None:
        claims = self._claims(ACCESS_TYPE, token)
        if claims is None or claims.get("aud") != self._audience:
            return None
        sid, sub, client, expires, scope = (claims.get(key) for key in ("sid", "sub", "client_id", "exp", "scope"))
        if not (isinstance(expires, int) and all(isinstance(one, str) for one in (sid, sub, client, scope))):
            return None
        watch = WATCH in str(scope).split()
        return Access(ScreenSessionId(str(sid)), HouseholdId(str(sub)), ClientId(str(client)), Instant(expires * 1000), watch)

    def subject(self, client: ClientId, household: HouseholdId) -> str:
        """A household's name at one relying party: always the same there, and another at each (OpenID Connect Core 8.1)."""
        made = hmac.new(self._keys.ring.pairwise, f"{client} {household}".encode(), hashlib.sha256).digest()
        return encode_id(made[:16])

    def browser_cookie(self, who: BrowserSignedIn) -> str:
        claims = {
            "iss": self.issuer,
            "sub": who.account or "",
            "household": who.household,
            "sid": who.session,
            "auth_time": who.authenticated_at // 1000,
            "exp": who.expires_at // 1000,
        }
        return self._signed(_BROWSER_TYPE, claims)

    def browser(self, cookie: str, now: Instant) -> BrowserSignedIn | None:
        """Whoever a cookie says is signed in; None for one that is not ours, or over. Ask apart whether its session lives."""
        claims = self._claims(_BROWSER_TYPE, cookie)
        if claims is None:
            return None
        sid, sub, household, since, expires = (claims.get(key) for key in ("sid", "sub", "household", "auth_time", "exp"))
        is_whole = is_id(str(sid)) and (sub == "" or is_id(str(sub)))
        if not (is_whole and isinstance(since, int) and isinstance(expires, int)):
            return None
        found = BrowserSignedIn(
            ScreenSessionId(str(sid)),
            HouseholdId(str(household)),
            AccountId(str(sub)) if sub else None,
            Instant(since * 1000),
            Instant(expires * 1000),
        )
        return found if now < found.expires_at <= now + BROWSER_MS else None

    def visit_cookie(self, visit: OperatorVisit) -> str:
        claims = {
            "iss": self.issuer,
            "operator": visit.operator,
            "state": visit.state,
            "nonce": visit.nonce,
            "verifier": visit.verifier,
            "then": visit.then,
            "iat": visit.begun_at // 1000,
            "anew": visit.anew,
        }
        return self._signed(_VISIT_TYPE, claims)

    def visit(self, cookie: str, now: Instant) -> OperatorVisit | None:
        """The visit that a cookie tells of; None for one that is not ours, or was begun too long ago."""
        claims = self._claims(_VISIT_TYPE, cookie, most=MAX_VISIT)
        if claims is None:
            return None
        begun = Instant(int(claims["iat"]) * 1000)
        found = OperatorVisit(
            operator=OperatorId(str(claims["operator"])),
            state=str(claims["state"]),
            nonce=str(claims["nonce"]),
            verifier=str(claims["verifier"]),
            then=str(claims["then"]),
            begun_at=begun,
            anew=bool(claims["anew"]),
        )
        return found if begun <= now < begun + VISIT_MS else None

    def known_cookie(self, name: str, now: Instant) -> str:
        """What a browser keeps that has once signed in by this name: its tries are counted apart from strangers'."""
        claims = {"sub": _told(name), "jti": secrets.token_urlsafe(12), "exp": (now + KNOWN_MS) // 1000}
        return self._signed(_KNOWN_TYPE, claims)

    def known(self, cookie: str, name: str, now: Instant) -> str | None:
        """What tells a browser from others that has signed in by this very name before; None for any other."""
        claims = self._claims(_KNOWN_TYPE, cookie)
        if claims is None or not isinstance(claims.get("exp"), int) or now >= claims["exp"] * 1000:
            return None
        return str(claims.get("jti")) if claims.get("sub") == _told(name) else None

    def _signed(self, kind: str, claims: dict[str, Any]) -> str:
        key = self._keys.ring.key
        return jwt.encode({"alg": ALGORITHM, "typ": kind, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])

    def _claims(self, kind: str, token: str, *, most: int = MAX_CHARS) -> dict[str, Any] | None:
        if len(token) > most or token.count(".") != 2 or not token.isascii():
            return None
        for again in (False, True):
            try:
                found = jwt.decode(token, self._keys.verifies, algorithms=[ALGORITHM])
            except (JoseError, ValueError, TypeError, UnicodeError, RecursionError):
                if again or not self._keys.refresh():  # another process may sign with a newer key
                    return None
                continue
            claims = found.claims
            right = found.header.get("typ") == kind and isinstance(claims, dict) and found.header.get("kid") in self._keys.kids
            return claims if right and claims.get("iss", self.issuer) == self.issuer else None
        return None


def _told(name: str) -> str:
    """A name as a cookie holds it: it stays in browsers that several people use."""
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()
