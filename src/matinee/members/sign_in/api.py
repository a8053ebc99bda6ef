"""The endpoints of OAuth 2 and OpenID Connect, and a household's own list of what is signed in."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.engine import Connection

from matinee.base.ahead import Answer, Asked, answered_ahead
from matinee.base.clock import SECOND, Clock, Instant, to_rfc3339
from matinee.base.errors import NotFound, TooManyRequests
from matinee.base.ids import HouseholdId, ScreenSessionId
from matinee.base.party import ANYONE, SCREENS
from matinee.catalogue.answers import AnyRequest
from matinee.members import store
from matinee.members.sign_in import codes, rules, sessions
from matinee.members.sign_in.keys import ALGORITHM
from matinee.members.sign_in.model import DEVICE_GRANT, EXCHANGE_GRANT, OPENID, WATCH, ScreenSession, SignInError
from matinee.members.sign_in.server import Reply, SignInServer
from matinee.members.snapshot import Members
from matinee.parties.attempts import Attempts, Budget

FORM: Final = "application/x-www-form-urlencoded"
MAX_FORM_BYTES: Final = 16 * 1024
MAX_FIELDS: Final = 30
_READ: Final = (b"content-type", b"authorization")
PRIVATE: Final = {"Cache-Control": "private, no-store"}

CODES_AT_ONCE: Final = Budget(burst=20_000, refill_ms=SECOND // 100)
"""New codes in one process: as many televisions as a town turns on at once, and a hundred a second after that."""


class WireSession(msgspec.Struct, frozen=True, kw_only=True):
    """`last_seen` is by the hour. `kind`: "tv", "web", or "program" for a relying party. `current`: this very screen."""

    id: str
    kind: str
    label: str
    begun_at: str
    last_seen: str
    current: bool


class Sessions(msgspec.Struct, frozen=True, kw_only=True):
    sessions: list[WireSession]


class SignedOut(msgspec.Struct, frozen=True, kw_only=True):
    """How many were signed in and are so no more."""

    ended: int


async def form_of(request: AnyRequest) -> Mapping[str, str]:
    """The parameters of a form's body. Raises SignInError."""
    return _form(request.headers.get("content-type", ""), await request.body())


def _form(content_type: str, body: bytes) -> Mapping[str, str]:
    """Raises SignInError."""
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise SignInError(f"The body is no {FORM}.", remedy="Send a form.")
    if len(body) > MAX_FORM_BYTES:
        raise SignInError("The form is too long.", remedy="Send what is asked for alone.")
    return parameters_of(body.decode("latin-1"))


def parameters_of(encoded: str) -> Mapping[str, str]:
    """Parameters of a query or a form, each once. Raises SignInError."""
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:  # not UTF-8, or too many of them
        raise SignInError("The parameters cannot be read.", remedy="Send a few, in UTF-8.") from error
    return rules.at_most_once(pairs)


def routes(server: SignInServer, members: Members, clock: Clock) -> Sequence[HTTPRouteHandler]:
    issuer, database = server.signer.issuer, server.database
    new_codes = Attempts(Budget(burst=1_000_000, refill_ms=1), CODES_AT_ONCE)

    async def replied(endpoint: str, request: Asked) -> Reply:
        told = {name: value.decode("latin-1") for name, value in reversed(request.headers) if name in _READ}  # the first counts
        try:
            parameters = _form(told.get(b"content-type", ""), request.body)
        except SignInError as error:
            return Reply(400, {"error": "invalid_request", "error_description": error.message}, PRIVATE)
        headers = {"Authorization": _readable(told.get(b"authorization", ""))}
        if endpoint == "token" and server.is_waiting(parameters):
            return server.answer(endpoint, parameters, headers)  # from memory
        return await asyncio.to_thread(server.answer, endpoint, parameters, headers, request.party)

    async def give_token(request: Asked) -> Answer:
        return _answer(await replied("token", request))

    async def give_code(request: Asked) -> Answer:
        try:
            new_codes.take("", clock())
        except TooManyRequests as error:
            body = {"error": "temporarily_unavailable", "error_description": "Too many ask for codes at once."}
            return _answer(Reply(429, body, {**PRIVATE, "Retry-After": str(error.retry_after)}))
        return _answer(await replied("device_authorization", request))

    async def take_back(request: Asked) -> Answer:
        return _answer(await replied("revocation", request))

    @post("/oauth/token", opt={"policy": ANYONE, "ahead": give_token}, status_code=200, include_in_schema=False)
    async def token() -> None:
        """Exchange what one has for tokens (RFC 6749, 7636, 8628). A form; errors as RFC 6749 5.2 has them."""
        answered_ahead()

    @post("/oauth/device_authorization", opt={"policy": ANYONE, "ahead": give_code}, status_code=200, include_in_schema=False)
    async def device_authorization() -> None:
        """Ask for a code to show on a television (RFC 8628). `device_label` says which one it is to whoever approves it."""
        answered_ahead()

    @post("/oauth/revoke", opt={"policy": ANYONE, "ahead": take_back}, status_code=200, include_in_schema=False)
    async def revoke() -> None:
        """Sign out by a token of the session (RFC 7009)."""
        answered_ahead()

    @get("/oauth/jwks", opt={"policy": ANYONE}, sync_to_thread=True, include_in_schema=False)
    def jwks() -> Response[dict[str, Any]]:
        """The public keys by which our tokens are checked."""
        server.signer.keys.refresh()
        return Response(server.signer.keys.ring.public(), headers={"Cache-Control": "public, max-age=300"})

    @get("/.well-known/oauth-authorization-server", opt={"policy": ANYONE}, include_in_schema=False)
    async def oauth_metadata() -> Response[dict[str, Any]]:
        """Where the endpoints are, and what they know (RFC 8414)."""
        return Response(_metadata(issuer), headers={"Cache-Control": "public, max-age=300"})

    @get("/.well-known/openid-configuration", opt={"policy": ANYONE}, include_in_schema=False)
    async def openid_metadata() -> Response[dict[str, Any]]:
        """The same for relying parties (OpenID Connect Discovery 1.0)."""
        return Response(_metadata(issuer) | _OPENID, headers={"Cache-Control": "public, max-age=300"})

    def check_may_sign_out(request: AnyRequest) -> None:
        """Where a kids' profile is open the PIN is asked: a screen that is signed in anew is kept on none. Raises PinNeeded.

        To list them too: whoever knows a session's id can end it by a made-up token (docs/decisions/0028).
        """
        if members.kids_here(request.user) is not None:
            members.guard.check_change(request.user, clock())

    def living(household: HouseholdId) -> Sequence[ScreenSession]:
        with database.read() as conn:
            return sessions.sessions_of(conn, household, clock())

    def signed_out(household: HouseholdId) -> int:
        with database.write() as conn:
            return sign_out_everywhere(conn, household, clock())

    # Two handlers of one address that the framework runs in threads would be wrapped twice: these hand on to threads themselves.
    @get("/api/v1/sessions", opt={"policy": SCREENS})
    async def list_sessions(request: AnyRequest) -> Response[Sessions]:
        """What is signed in to this household, the newest first. A box at its line is not among them: it is there by its line."""
        check_may_sign_out(request)
        found = await asyncio.to_thread(living, _household(request))
        rows = [_wire(server, one, request.user.session) for one in found]
        return Response(Sessions(sessions=rows), headers=PRIVATE)

    @delete("/api/v1/sessions/{session_id:str}", opt={"policy": SCREENS}, status_code=204, sync_to_thread=True)
    def end_session(request: AnyRequest, session_id: FromPath[str]) -> None:
        """Sign one screen out. Within a second it plays nothing new, and what plays there is stopped a moment later."""
        check_may_sign_out(request)
        with database.write() as conn:
            ended = sessions.end(conn, _household(request), ScreenSessionId(session_id.replace("\0", "")), clock())
        if not ended:
            raise NotFound("There is no such session.", remedy="Ask for the sessions again.")

    @delete("/api/v1/sessions", opt={"policy": SCREENS}, status_code=200)
    async def end_all_sessions(request: AnyRequest) -> Response[SignedOut]:
        """Sign out everywhere, here too: every screen and program but the boxes at the household's line."""
        check_may_sign_out(request)
        ended = await asyncio.to_thread(signed_out, _household(request))
        return Response(SignedOut(ended=ended), headers=PRIVATE)

    return [
        token,
        device_authorization,
        revoke,
        jwks,
        oauth_metadata,
        openid_metadata,
        list_sessions,
        end_session,
        end_all_sessions,
    ]


def sign_out_everywhere(conn: Connection, household: HouseholdId, now: Instant) -> int:
    """End all sessions and tokens of a household, and the codes that would begin more. How many there were."""
    codes.void(conn, household)
    return sessions.end_all(conn, household, now) + store.revoke_viewer_tokens(conn, household, now)


def _household(request: AnyRequest) -> HouseholdId:
    if request.user.household is None:
        raise NotFound("This box stands at no household's line.", remedy="Have the operator assign it.")
    return request.user.household


def _wire(server: SignInServer, one: ScreenSession, current: str) -> WireSession:
    client = server.sign_ins.client(one.client)
    ours = client is not None and client.is_ours
    return WireSession(
        id=one.id,
        kind=("tv" if DEVICE_GRANT in client.grants and not client.redirect_uris else "web") if ours and client else "program",
        label=one.label if ours or client is None else client.name,
        begun_at=to_rfc3339(one.begun_at),
        last_seen=to_rfc3339(one.last_seen),
        current=one.id == current,
    )


def _readable(authorization: str) -> str:
    """The header where it is RFC 7617's, in ASCII; "" for anything else, which is no client's and which authlib cannot read."""
    kind, _, told = authorization.strip().partition(" ")
    try:
        plain = base64.b64decode(told.strip(), validate=True)
    except ValueError:
        return ""
    return f"Basic {told.strip()}" if kind.lower() == "basic" and plain.isascii() and b":" in plain else ""


def _answer(reply: Reply) -> Answer:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
    kept = [(name, value) for name, value in headers if name != b"content-type"]
    return Answer(msgspec.json.encode(reply.body), reply.status, [(b"content-type", b"application/json"), *kept])


def _metadata(issuer: str) -> dict[str, Any]:
    methods = ["none", "client_secret_basic", "client_secret_post"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "device_authorization_endpoint": f"{issuer}/oauth/device_authorization",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "scopes_supported": [OPENID, WATCH],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT, EXCHANGE_GRANT],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }


_OPENID: Final = {
    "subject_types_supported": ["pairwise"],
    "id_token_signing_alg_values_supported": [ALGORITHM],
    "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr"],
    "claims_parameter_supported": False,
    "request_parameter_supported": False,
    "request_uri_parameter_supported": False,
}
