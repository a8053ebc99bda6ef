"""Who is let in to a route, and the routes that are answered ahead of the framework (docs/decisions/0007)."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope, LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

from matinee.app.problems import problem_of, unforeseen
from matinee.base.ahead import Act, Answer, Asked
from matinee.base.clock import Clock, Instant
from matinee.base.errors import ErrorCode, InvalidRequest, MatineeError
from matinee.base.party import ANONYMOUS, Party, PartyKind, may_use

MAX_BODY_BYTES = 256 * 1024
MAX_TOKEN_CHARS = 2_007
"""An access token and the word before it."""
UNLOCK_HEADER = b"matinee-unlock"
OWN_HEADERS = ((b"x-content-type-options", b"nosniff"),)
"""Of what is answered ahead: it is data that no browser shows as a page. The server looks through each header at each answer."""
_NOTHING: Mapping[str, str] = {}

Authenticate = Callable[[str, Instant], Party | None]


class Gate:
    """Who asks, and whether they may. A token that says nothing is as none."""

    def __init__(self, authenticate: Authenticate, clock: Clock) -> None:
        self._authenticate = authenticate
        self._clock = clock

    def let_in(self, scope: Scope, opt: Mapping[str, Any]) -> Party:
        """The party of a request, where the route's policy names it. Raises MatineeError."""
        token, unlock = _shown(scope)
        party = (self._authenticate(token, self._clock()) if token else None) or ANONYMOUS
        if unlock:
            party = dataclasses.replace(party, unlock=unlock)
        check_policy(party, opt)
        return party


def check_policy(party: Party, opt: Mapping[str, Any]) -> None:
    """What every route goes through: a party whose kind and roles its policy does not name goes no further.

    Called where somebody is let in, and not as the framework's guard: a guard copies the handler for each request, which costs a
    seventh of a play, and lies inside of any middleware of a route.
    """
    policy = opt.get("policy")
    if policy is not None and may_use(party, policy):
        return
    if party.kind is PartyKind.ANONYMOUS and policy:
        raise MatineeError(
            "This needs a token.",
            remedy="Send the header Authorization: Bearer TOKEN.",
            code=ErrorCode.NOT_SIGNED_IN,
        )
    raise MatineeError("This token may not do this.", code=ErrorCode.NOT_ALLOWED)


class _AheadRoute:
    """An address whose requests an act answers; `name` is that of its one parameter, "" where it has none."""

    def __init__(self, path: str, opt: Mapping[str, Any]) -> None:
        self.opt, self.act = opt, opt["ahead"]
        self._begins, _, rest = path.partition("{")
        self.name, _, self._ends = rest.partition(":str}")

    def path_of(self, path: str) -> Mapping[str, str] | None:
        """The parameter of an address that is this route's; None for another's, and for one that is not written plainly."""
        if not (path.startswith(self._begins) and path.endswith(self._ends)):
            return None
        value = path[len(self._begins) : len(path) - len(self._ends)]
        return {self.name: value} if value and "/" not in value else None


class Web(Litestar):
    """The app. What a handler has an act for is answered ahead of the framework's routing, and by the same act behind it."""

    __slots__ = ("_fixed", "_gate", "_named")

    def answer_ahead(self, gate: Gate) -> None:
        """Answer POSTs to such routes so."""
        self._gate = gate
        posts = [(route.path, route.route_handler_map.get("POST")) for route in self.routes if isinstance(route, HTTPRoute)]
        ahead = [(path, _AheadRoute(path, found[0].opt)) for path, found in posts if found and "ahead" in found[0].opt]
        self._fixed = {path: route for path, route in ahead if not route.name}
        self._named = [route for _, route in ahead if route.name]

    async def __call__(self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend) -> None:
        if scope["type"] == ScopeType.HTTP:
            asked = cast("HTTPScope", scope)
            found = self._found(asked["path"]) if asked["method"] == "POST" else None
            if found is not None:
                await self._answer(asked, cast("Receive", receive), cast("Send", send), *found)
                return
        await super().__call__(scope, receive, send)

    def _found(self, path: str) -> tuple[_AheadRoute, Mapping[str, str]] | None:
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, _NOTHING
        for route in self._named:
            values = route.path_of(path)
            if values is not None:
                return route, values
        return None

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send, route: _AheadRoute, path: Mapping[str, str]) -> None:
        try:
            party = self._gate.let_in(scope, route.opt)
            answer = await acted(route.act, party, path, scope, receive)
        except MatineeError as error:
            answer = problem_of(error)
        except Exception as error:  # noqa: BLE001 -- as the framework's last handler has it
            answer = unforeseen(scope["path"], error)
        await send_answer(answer, send, OWN_HEADERS)


async def acted(act: Act, party: Party, path: Mapping[str, str], scope: Scope, receive: Receive) -> Answer:
    """Raises MatineeError."""
    return await act(Asked(party, path, list(scope["headers"]), await _body(receive)))


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise InvalidRequest("The request broke off.")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise InvalidRequest("The body is too long.", code=ErrorCode.TOO_LARGE)
        if not message.get("more_body"):
            return body


async def send_answer(answer: Answer, send: Send, more: Sequence[tuple[bytes, bytes]]) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body)), *more]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _shown(scope: Scope) -> tuple[str, str]:
    """The bearer token of a request, and what its screen was given for the household's PIN; "" for what is not there.

    Whether they are worth anything is for others to say.
    """
    token = unlock = ""
    for name, value in scope["headers"]:
        if name == b"authorization":
            if not token and value[:7].lower() == b"bearer " and len(value) <= MAX_TOKEN_CHARS:
                token = value[7:].strip().decode("latin-1")
        elif name == UNLOCK_HEADER and not unlock and len(value) <= MAX_TOKEN_CHARS:
            unlock = value.strip().decode("latin-1")
    return token, unlock
