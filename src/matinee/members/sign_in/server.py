"""authlib's authorization server over our stores: its grants decide what the standards ask for, and these adapters keep the rows.

Everything here blocks, but for a device's code that still waits: that is answered from memory (`Waiting`). One request is one
transaction, begun when a row is first needed; what shows a theft ends a session in it, and is committed although the answer is
an error.
"""

import contextlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload, OAuth2Request
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import RSAKey
from sqlalchemy.engine import Connection

from matinee.base.clock import SECOND, Clock, Instant
from matinee.base.ids import AccountId, ClientId, HouseholdId, ScreenSessionId, new_id
from matinee.base.party import ANONYMOUS, Party
from matinee.members.sign_in import accounts, codes, rules, sessions
from matinee.members.sign_in.access import BrowserSignedIn, Signer
from matinee.members.sign_in.exchange import ExchangeGrant
from matinee.members.sign_in.keys import ALGORITHM
from matinee.members.sign_in.model import (
    ACCESS_MS,
    AUTHORIZATION_CODE_MS,
    DEVICE_CODE_MS,
    DEVICE_GRANT,
    INTERVAL_MS,
    OPENID,
    REFRESH_MS,
    WATCH,
    AuthorizationCode,
    Client,
    Decision,
    DeviceCode,
    ScreenSession,
    SignInError,
)
from matinee.members.sign_in.operator_identity import Whereabouts
from matinee.members.sign_in.snapshot import SignIns
from matinee.outside.database import Database
from matinee.parties import tokens
from matinee.parties.tokens import CodeKind, digest

# It writes whole tokens to its log where that is open for debugging: a secret is in no log.
logging.getLogger("authlib").setLevel(logging.WARNING)

WAITING_KEPT: Final = 200_000
USER_CODES_TRIED: Final = 5
EARLY_MS: Final = SECOND
"""A device that asks so much before its interval is over is not slowed down: networks gather and delay."""
_PLAIN: Final = frozenset(chr(number) for number in range(0x20, 0x7F)) - {'"', "\\"}
_IN_MESSAGES: Final = ("response_type", "redirect_uri", "client_id", "grant_type", "scope", "code_challenge_method", "prompt")
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as authlib gives it: `body` is an object for JSON, "" where there is a `Location` instead."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


@dataclass(frozen=True, slots=True)
class Granted:
    """authlib's "user": a household that said yes, and the session that it means."""

    household: HouseholdId
    account: AccountId | None
    session: ScreenSessionId
    label: str
    authenticated_at: Instant
    kept: ScreenSession | None = None
    """The session that is there already, where a refresh token asks."""
    following: str = ""
    """The refresh token that follows, where one is there already."""


class Asked(OAuth2Request):  # type: ignore[misc]
    """One request to one of the endpoints, with its transaction."""

    def __init__(
        self,
        uri: str,
        parameters: Mapping[str, str],
        headers: Mapping[str, str],
        database: Database,
        *,
        method: str = "POST",
        party: Party = ANONYMOUS,
    ) -> None:
        """Raises authlib's InsecureTransportError where the issuer's address is plain http to another machine."""
        self._parameters = dict(parameters)
        self.party = party
        self._database = database
        self._stack = contextlib.ExitStack()
        self._conn: Connection | None = None
        super().__init__(method, uri, headers=dict(headers))
        self.payload = BasicOAuth2Payload(self._parameters)

    @property
    def args(self) -> dict[str, str]:
        return self._parameters

    @property
    def form(self) -> dict[str, str]:
        return self._parameters

    def told(self, name: str) -> str:
        return self._parameters.get(name, "")

    @property
    def conn(self) -> Connection:
        """The one transaction, begun where it is first asked for."""
        if self._conn is None:
            self._conn = self._stack.enter_context(self._database.write())
        return self._conn

    def __enter__(self) -> "Asked":
        return self

    def __exit__(self, *what: Any) -> bool | None:
        return self._stack.__exit__(*what)


class _KnownClient:
    """authlib's view of a client."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.id_token_signed_response_alg = ALGORITHM

    def get_client_id(self) -> str:
        return self.client.id

    def get_default_redirect_uri(self) -> str | None:
        return None  # it is always told, and compared

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What was asked for, where the client may have all of it; all that it may have where nothing was."""
        asked = (scope or "").split() or list(self.client.scopes)
        return " ".join(dict.fromkeys(asked)) if set(asked) <= set(self.client.scopes) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.client.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        try:
            return bool(self.client.secret_digest) and tokens.same(digest(client_secret), self.client.secret_digest)
        except UnicodeEncodeError:
            return False

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") != bool(self.client.secret_digest)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and "authorization_code" in self.client.grants

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.client.grants


@dataclass(slots=True)
class _Waits:
    code: DeviceCode
    asked_at: Instant
    interval_ms: int = INTERVAL_MS


class Waiting:
    """Devices' codes that this process was asked for: each is read from the database once, and then waits here.

    That a code was decided comes through the outbox, before or after it was read here: nothing is missed. Safe from threads.
    """

    def __init__(self, sign_ins: SignIns) -> None:
        self._sign_ins = sign_ins
        self._codes: OrderedDict[str, _Waits] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, code_digest: str) -> _Waits | None:
        """A code that waits, as far as this process knows; None where the database must be asked."""
        return None if self._sign_ins.is_decided(code_digest) else self._codes.get(code_digest)

    def note(self, code: DeviceCode, now: Instant) -> _Waits:
        """Keep a code that was read, or made, and waits. Its first question is never too early."""
        with self._lock:
            found = self._codes.setdefault(code.digest, _Waits(code, Instant(0)))
            while len(self._codes) > WAITING_KEPT or next(iter(self._codes.values())).code.expires_at < now - codes.KEPT_MS:
                self._codes.popitem(last=False)
        return found


class SignInServer(AuthorizationServer):  # type: ignore[misc]
    """The endpoints, each from parameters to a Reply. They block; `is_waiting` says which request does not."""

    def __init__(self, database: Database, sign_ins: SignIns, signer: Signer, whereabouts: Whereabouts, clock: Clock) -> None:
        super().__init__(scopes_supported=[WATCH, OPENID])
        self.whereabouts = whereabouts
        self.database, self.sign_ins, self.signer, self.clock = database, sign_ins, signer, clock
        self.waiting = Waiting(sign_ins)
        self.register_token_generator("default", self._tokens)
        self.register_grant(_CodeGrant, [_S256Only(required=True), _IdToken()])
        self.register_grant(_DeviceGrant)
        self.register_grant(_RefreshGrant)
        self.register_grant(ExchangeGrant)
        self.register_endpoint(_DeviceAuthorization)
        self.register_endpoint(_Revocation)

    def is_waiting(self, parameters: Mapping[str, str]) -> bool:
        """Whether a request for tokens is that of a device whose code waits here: it is answered without the database."""
        code = parameters.get("device_code", "")
        if parameters.get("grant_type") != DEVICE_GRANT or not tokens.is_code(code, CodeKind.DEVICE_CODE):
            return False
        return self.waiting.known(digest(code)) is not None

    def answer(self, endpoint: str, parameters: Mapping[str, str], headers: Mapping[str, str], party: Party = ANONYMOUS) -> Reply:
        """Answer "token", "device_authorization" or "revocation". `party` is whoever's own token came with it: a box's."""
        try:
            check_plain(parameters)
            with Asked(f"{self.signer.issuer}/oauth/{endpoint}", parameters, headers, self.database, party=party) as request:
                if endpoint == "token":
                    return self.create_token_response(request)  # type: ignore[no-any-return]
                return self.create_endpoint_response(endpoint, request)  # type: ignore[no-any-return]
        except OAuth2Error as error:
            return self.handle_error_response(None, error)  # type: ignore[no-any-return]
        except SignInError as error:
            return self.handle_error_response(None, InvalidRequestError(error.message))  # type: ignore[no-any-return]

    def asked_to_authorize(self, parameters: Mapping[str, str]) -> Asked:
        """A request of the authorization endpoint, to be used in one thread. Raises OAuth2Error, SignInError."""
        check_plain(parameters)
        return Asked(f"{self.signer.issuer}/oauth/authorize", parameters, {}, self.database, method="GET")

    def grant_for(self, request: Asked, who: BrowserSignedIn | None) -> Any:
        """What is asked for, checked: authlib's grant. Raises OAuth2Error, with an address to send it to where that is safe."""
        return self.get_consent_grant(request, who)

    def authorize(self, request: Asked, grant: Any, who: BrowserSignedIn | None, label: str) -> Reply:
        """Send the browser back with a code, or with None who signed in with a refusal."""
        user = None
        if who is not None:
            if not sessions.is_living(request.conn, who.session, self.clock()):
                raise SignInError("This browser is signed out.", remedy="Sign in again.")
            user = Granted(who.household, who.account, ScreenSessionId(new_id()), label, who.authenticated_at)
        return self.told_who(self.create_authorization_response(request, user, grant))

    def refused(self, request: Asked, error: OAuth2Error) -> Reply:
        """What a browser is told of an error: sent back with it where the address was checked, else a status of its own."""
        return self.told_who(self.handle_error_response(request, error))

    def told_who(self, reply: Reply) -> Reply:
        """A way back that names us, so that no answer of another server passes for ours (RFC 9207)."""
        if not reply.location:
            return reply
        more = urlencode({"iss": self.signer.issuer})
        location = reply.location + ("&" if "?" in reply.location else "?") + more
        return Reply(reply.status, reply.body, {**reply.headers, "Location": location})

    # What authlib asks of a server.

    def query_client(self, client_id: str) -> _KnownClient | None:
        found = self.sign_ins.client(client_id)
        return None if found is None else _KnownClient(found)

    def granted(self, household: HouseholdId, session: ScreenSessionId, label: str, now: Instant) -> Granted:
        """What a household is given whom no account stands for."""
        return Granted(household, None, session, label, now)

    def create_oauth2_request(self, request: Asked) -> Asked:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Reply:
        return Reply(status, dict(body) if isinstance(body, list) else body, {**_NO_STORE, **dict(headers)})

    def _tokens(
        self,
        grant_type: str,
        client: _KnownClient,
        user: Granted,
        scope: str,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        now = self.clock()
        session = user.kept or new_session(user, client.client.id, scope, now)
        made = {
            "token_type": "Bearer",
            "access_token": self.signer.access_token(session, now, ours=client.client.is_ours),
            "expires_in": ACCESS_MS // SECOND,
            "scope": scope,
        }
        if include_refresh_token:
            made["refresh_token"] = user.following or rules.first_refresh_token(session.id)
        return made

    def save_token(self, token: Mapping[str, Any], request: Asked) -> None:
        user: Granted = request.user
        if user.kept is None:
            made = new_session(user, request.client.client.id, token["scope"], self.clock())
            sessions.begin(request.conn, made, token.get("refresh_token", ""))


def new_session(user: Granted, client: ClientId, scope: str, now: Instant) -> ScreenSession:
    """The session that begins by what a household granted."""
    return ScreenSession(
        id=user.session,
        household=user.household,
        account=user.account,
        client=client,
        scope=scope,
        label=user.label,
        begun_at=now,
        last_seen=now,
        expires_at=Instant(now + REFRESH_MS),
        authenticated_at=user.authenticated_at,
    )


def check_plain(parameters: Mapping[str, str]) -> None:
    """What an error's description may name must be of the letters that it may hold (RFC 6749 5.2). Raises OAuth2Error."""
    for name in _IN_MESSAGES:
        if not set(parameters.get(name, "")) <= _PLAIN:
            raise InvalidRequestError(f"The parameter {name} has letters that it cannot have.")


class _S256Only(CodeChallenge):  # type: ignore[misc]
    """A challenge from everybody, and never a plain one: who reads the address of a browser could use that."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 -- as authlib reads it

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        told = grant.request.told
        if not told("code_challenge") or told("code_challenge_method") != "S256":
            raise InvalidRequestError("A code_challenge with the method S256 is needed.")
        super().validate_code_challenge(grant, redirect_uri)

    def get_authorization_code_challenge(self, authorization_code: "_Code") -> str:
        return authorization_code.code.challenge

    def get_authorization_code_challenge_method(self, authorization_code: "_Code") -> str:
        return "S256"


@dataclass(frozen=True, slots=True)
class _Code:
    """authlib's view of an authorization code."""

    code: AuthorizationCode

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return self.code.scope

    def get_nonce(self) -> str:
        return self.code.nonce

    def get_auth_time(self) -> int:
        return self.code.authenticated_at // SECOND

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> list[str] | None:
        return None if self.code.account is None else ["pwd"]  # how an operator signs in is its own to say


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]  # noqa: RUF012 -- as authlib reads it

    def generate_authorization_code(self) -> str:
        return tokens.mint(CodeKind.AUTHORIZATION_CODE)

    def save_authorization_code(self, code: str, request: Asked) -> None:
        user, now = request.user, self.server.clock()
        made = AuthorizationCode(
            digest=digest(code),
            client=request.client.client.id,
            redirect_uri=request.told("redirect_uri"),
            scope=request.scope,
            nonce=request.told("nonce"),
            challenge=request.told("code_challenge"),
            household=user.household,
            account=user.account,
            session=user.session,
            label=user.label,
            authenticated_at=user.authenticated_at,
            expires_at=Instant(now + AUTHORIZATION_CODE_MS),
        )
        codes.add_authorization_code(request.conn, made, now)

    def query_authorization_code(self, code: str, client: _KnownClient) -> _Code | None:
        if not tokens.is_code(code, CodeKind.AUTHORIZATION_CODE):
            return None
        conn, now = self.request.conn, self.server.clock()
        found = codes.authorization_code(conn, digest(code))
        if found is None or found.client != client.client.id:
            return None
        if found.used_at is not None:  # somebody else has it too: what it gave the first is taken back (RFC 6749 4.1.2)
            sessions.end(conn, found.household, found.session, now)
            return None
        return _Code(found) if now < found.expires_at else None

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        codes.use(self.request.conn, authorization_code.code.digest, self.server.clock())

    def authenticate_user(self, authorization_code: _Code) -> Granted | None:
        one = authorization_code.code
        if one.account is not None and not accounts.is_living(self.request.conn, one.account):
            return None
        return Granted(one.household, one.account, one.session, one.label, one.authenticated_at)


class _IdToken(OpenIDCode):  # type: ignore[misc]
    """ID tokens: that it is the same household as ever, and since when it is signed in."""

    def exists_nonce(self, nonce: str, request: Asked) -> bool:
        return False  # a nonce is the client's own guard, and a code is used once

    def resolve_client_private_key(self, client: _KnownClient) -> RSAKey:
        return self._server.signer.keys.ring.key

    def get_encode_header(self, client: _KnownClient) -> dict[str, str]:
        return {"alg": ALGORITHM, "typ": "JWT", "kid": str(self.resolve_client_private_key(client).kid)}

    def get_compatible_claims(self, request: Asked) -> dict[str, Any]:
        """Without authlib's own `auth_time`, which is this moment: where nobody told since when, none is claimed."""
        claims = dict(super().get_compatible_claims(request))
        claims.pop("auth_time", None)
        return claims

    def get_client_claims(self, client: _KnownClient) -> dict[str, Any]:
        now = self._server.clock() // SECOND
        return {"iss": self._server.signer.issuer, "aud": [client.client.id], "iat": now, "exp": now + ACCESS_MS // SECOND}

    def generate_user_info(self, user: Granted, scope: str) -> dict[str, str]:
        return {"sub": self._server.signer.subject(self._client, user.household)}

    def __call__(self, grant: Any) -> None:
        # One object for each grant: authlib hands the grant here and then asks without it.
        bound = _IdToken()
        bound._server = grant.server
        bound._grant = grant
        super(_IdToken, bound).__call__(grant)

    _server: SignInServer
    _grant: Any

    @property
    def _client(self) -> ClientId:
        return ClientId(self._grant.request.client.client.id)


@dataclass(frozen=True, slots=True)
class _Device:
    """authlib's view of a device's code."""

    waits: _Waits
    now: Instant

    def get_client_id(self) -> str:
        return self.waits.code.client

    def get_scope(self) -> str:
        return self.waits.code.scope

    def get_user_code(self) -> str:
        return self.waits.code.user_code

    def is_expired(self) -> bool:
        return self.now >= self.waits.code.expires_at


class _DeviceGrant(DeviceCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]  # noqa: RUF012 -- as authlib reads it

    def query_device_credential(self, device_code: str) -> _Device | None:
        if not tokens.is_code(device_code, CodeKind.DEVICE_CODE):
            raise InvalidGrantError("The device code is none of ours.")
        mark, now, waiting = digest(device_code), self.server.clock(), self.server.waiting
        found = waiting.known(mark)
        if found is None:
            code = codes.device_code(self.request.conn, mark, locked=True)
            if code is None:
                raise InvalidGrantError("The device code is none of ours.")
            found = waiting.note(code, now) if code.decision is None else _Waits(code, now)
        return _Device(found, now)

    def query_user_grant(self, user_code: str) -> tuple[Granted | None, bool] | None:
        code = self._code
        if code.decision is None:
            return None
        if code.decision is Decision.REFUSED or code.household is None:
            return None, False
        conn, now = self.request.conn, self.server.clock()
        if code.redeemed_at is not None:  # somebody else has it too: what it gave the first is taken back
            if code.session is not None:
                sessions.end(conn, code.household, code.session, now)
            raise InvalidGrantError("The device code was used before.")
        if code.account is not None and not accounts.is_living(conn, code.account):
            return None, False
        session = ScreenSessionId(new_id())
        since = now if code.authenticated_at is None else code.authenticated_at
        return Granted(code.household, code.account, session, code.label, since), True

    def validate_device_credential(self, credential: _Device) -> Granted:
        self._code = credential.waits.code
        return super().validate_device_credential(credential)  # type: ignore[no-any-return]

    def should_slow_down(self, credential: _Device) -> bool:
        waits, now = credential.waits, credential.now
        too_soon = now < waits.asked_at + waits.interval_ms - EARLY_MS
        waits.asked_at = now
        if too_soon:
            waits.interval_ms += INTERVAL_MS  # RFC 8628 3.5: for this and all that follow
        return too_soon

    def save_token(self, token: Mapping[str, Any]) -> None:
        super().save_token(token)
        codes.redeem(self.request.conn, self._code.digest, self.request.user.session, self.server.clock())


class _DeviceAuthorization(DeviceAuthorizationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = ["none"]  # noqa: RUF012 -- as authlib reads it

    def create_endpoint_response(self, request: Asked) -> tuple[int, dict[str, Any], Any]:
        """As authlib's, with the request's own transaction, and only for those who may come for tokens later."""
        client: _KnownClient = self.authenticate_client(request)
        if not client.check_grant_type(DEVICE_GRANT):
            raise UnauthorizedClientError
        scope = client.get_allowed_scope(request.payload.scope)
        if scope is None:
            raise InvalidScopeError
        now, device = self.server.clock(), tokens.mint(CodeKind.DEVICE_CODE)
        label = rules.label_of(request.told("device_label"), client.client.name)
        for _ in range(USER_CODES_TRIED):
            made = DeviceCode(
                digest=digest(device),
                user_code=rules.new_user_code(),
                client=client.client.id,
                scope=scope,
                label=label,
                expires_at=Instant(now + DEVICE_CODE_MS),
            )
            if codes.add_device_code(request.conn, made, now):
                break
        else:
            raise OAuth2Error("No code is free.", error="temporarily_unavailable", status_code=503)
        self.server.waiting.note(made, now)
        activate = f"{self.server.signer.issuer}/activate"
        told = {
            "device_code": device,
            "user_code": made.user_code,
            "verification_uri": activate,
            "verification_uri_complete": f"{activate}?{urlencode({'user_code': made.user_code})}",
            "expires_in": DEVICE_CODE_MS // SECOND,
            "interval": INTERVAL_MS // SECOND,
        }
        return 200, told, _NO_STORE.items()


@dataclass(frozen=True, slots=True)
class _Refresh:
    """authlib's view of a refresh token that was good, with the one that follows it."""

    session: ScreenSession
    following: str

    def check_client(self, client: _KnownClient) -> bool:
        return client.client.id == self.session.client

    def get_scope(self) -> str:
        return self.session.scope


class _RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]  # noqa: RUF012 -- as authlib reads it
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _Refresh | None:
        client: ClientId = self.request.client.client.id
        found = sessions.refreshed(self.request.conn, refresh_token, client, self.server.clock())
        return None if found is None else _Refresh(*found)

    def authenticate_user(self, refresh_token: _Refresh) -> Granted:
        one = refresh_token.session
        return Granted(
            one.household, one.account, one.id, one.label, one.authenticated_at, kept=one, following=refresh_token.following
        )

    def revoke_old_credential(self, refresh_token: _Refresh) -> None:
        """It was turned into its successor already."""


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    """Sign-out by RFC 7009: a session's refresh token, or an access token of it, ends the session."""

    CLIENT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]  # noqa: RUF012 -- as authlib reads it

    def authenticate_token(self, request: Asked, client: _KnownClient) -> tuple[HouseholdId, ScreenSessionId] | None:
        self.check_params(request, client)
        token, now = request.told("token"), self.server.clock()
        session = sessions.holder_of(request.conn, token)
        if session is None:
            access = self.server.signer.access(token, now)
            session = None if access is None else sessions.session(request.conn, access.session)
        if session is None or session.client != client.client.id:
            return None  # RFC 7009 2.2: what is not there, or not one's own, is as revoked
        return session.household, session.id

    def revoke_token(self, token: tuple[HouseholdId, ScreenSessionId], request: Asked) -> None:
        sessions.end(request.conn, *token, self.server.clock())
