"""The web process's ASGI app: features' routes, who asks, policies, and the one place where errors become HTTP answers.

Deny by default: a handler that names no policy answers nobody, and a test walks them all.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from litestar import Litestar, Request, Response, Router
from litestar.config.compression import CompressionConfig
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIResponse,
    Reference,
    Schema,
    SecurityScheme,
)
from litestar.openapi.spec.enums import OpenAPIType
from litestar.types import ASGIApp, ControllerRouterHandler, Message, Receive, Scope, Send

from matinee.base.clock import Clock, Instant
from matinee.base.errors import ErrorCode, MatineeError, TooManyRequests
from matinee.base.party import ANONYMOUS, ANYONE, Party, PartyKind, may_use

MAX_BODY_BYTES = 256 * 1024
MAX_TOKEN_CHARS = 2_007
"""An access token and the word before it."""
UNLOCK_HEADER = b"matinee-unlock"
PROBLEM_TYPE = "application/problem+json"
PROBLEM_URL = "/docs/errors#"

log = structlog.get_logger("matinee.web")

Authenticate = Callable[[str, Instant], Party | None]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details. `code` is the closed vocabulary of base.errors; `remedy` says what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    remedy: str = ""


def create_web(
    routes: Sequence[ControllerRouterHandler],
    *,
    authenticate: Authenticate,
    clock: Clock,
    page_policy: str,
    on_startup: Sequence[Callable[[], Any]] = (),
    on_shutdown: Sequence[Callable[[], Any]] = (),
) -> Litestar:
    """The ASGI app. `page_policy` is the Content-Security-Policy that every answer carries."""
    app = Litestar(
        route_handlers=list(routes),
        middleware=[_party_middleware(authenticate, clock)],
        before_send=[_add_headers(page_policy)],
        exception_handlers={
            MatineeError: _answer_matinee_error,
            HTTPException: _answer_http_exception,
            Exception: _answer_unforeseen,
        },
        compression_config=CompressionConfig(
            backend="gzip",
            gzip_compress_level=5,
            minimum_size=1024,
            exclude=["^/ui/", "^/box", "^/watch", "^/artwork/"],  # compressed once at the start, or pictures
        ),
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=OpenAPIConfig(
            title="Matinee",
            version="1",
            description="The API of screens, publishers and operators. Errors are RFC 9457 problem details.",
            use_handler_docstrings=True,
            openapi_router=Router(path="/api", route_handlers=[], opt={"policy": ANYONE}, after_request=_no_foreign_page),
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"bearer": []}],
        ),
        on_startup=list(on_startup),
        on_shutdown=list(on_shutdown),
        logging_config=None,
    )
    _describe_problems(app.openapi_schema)
    return app


def _describe_problems(description: OpenAPI) -> None:
    """Say of every operation what the framework does not know: any error of it is a problem, with a code of our vocabulary.

    Routes of the framework that hand out the description itself are left out of it.
    """
    text, number = Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.INTEGER)
    codes = Schema(type=OpenAPIType.STRING, enum=[code.value for code in ErrorCode])
    fields: dict[str, Reference | Schema] = dict.fromkeys(("type", "title", "detail", "remedy"), text)
    fields |= {"status": number, "code": codes}
    required = ["type", "title", "status", "code"]
    description.components.schemas["Problem"] = Schema(type=OpenAPIType.OBJECT, properties=fields, required=required)
    problem = OpenAPIResponse(
        description="What went wrong, and what to do about it (RFC 9457)",
        content={PROBLEM_TYPE: OpenAPIMediaType(schema=Reference(ref="#/components/schemas/Problem"))},
    )
    paths = description.paths or {}
    for own in [path for path in paths if path in ("/api", "/api/openapi.json", "/api/{path}")]:
        del paths[own]
    for path in paths.values():
        for operation in (path.get, path.put, path.post, path.delete, path.patch):
            if operation is not None:
                good = {status: answer for status, answer in (operation.responses or {}).items() if int(status) < 400}
                operation.responses = {**good, "default": problem}


async def _no_foreign_page(answer: Response[Any]) -> Response[Any]:
    """The framework answers a page of its own where /api holds nothing; errors have one shape here."""
    return problem_response(ErrorCode.NOT_FOUND, "There is nothing at this address.") if answer.status_code == 404 else answer


def check_policy(party: Party, handler: BaseRouteHandler) -> None:
    """What every route goes through: a party whose kind and roles the handler's policy does not name goes no further.

    Called by the party's middleware, which runs after routing, and not as the framework's guard: a guard copies the handler for
    each request, which costs a seventh of a play, and lies inside of any middleware of a route.
    """
    policy = handler.opt.get("policy")
    if policy is not None and may_use(party, policy):
        return
    if party.kind is PartyKind.ANONYMOUS and policy:
        raise MatineeError(
            "This needs a token.",
            remedy="Send the header Authorization: Bearer TOKEN.",
            code=ErrorCode.NOT_SIGNED_IN,
        )
    raise MatineeError("This token may not do this.", code=ErrorCode.NOT_ALLOWED)


def problem_response(
    code: ErrorCode,
    detail: str,
    remedy: str = "",
    headers: dict[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> Response[bytes]:
    """The one shape of every error answer; `members` stand beside what all of them have."""
    status = code.http_status
    body = Problem(
        type=f"{PROBLEM_URL}{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        code=code,
        detail=detail,
        remedy=remedy,
    )
    extra = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Response(
        msgspec.json.encode({**msgspec.to_builtins(body), **members} if members else body),
        status_code=status,
        media_type=PROBLEM_TYPE,
        headers={"Cache-Control": "no-store", **extra, **(headers or {})},
    )


def _answer_matinee_error(_request: Request[Any, Any, Any], error: MatineeError) -> Response[bytes]:
    if error.code.http_status >= 500:
        log.error("request failed", code=error.code, message=error.message)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyRequests) else None
    return problem_response(error.code, error.message, error.remedy, headers, error.members)


_CODE_OF_STATUS = {
    400: ErrorCode.INVALID_REQUEST,
    401: ErrorCode.NOT_SIGNED_IN,
    403: ErrorCode.NOT_ALLOWED,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.TOO_LARGE,
    415: ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    429: ErrorCode.TOO_MANY_REQUESTS,
    503: ErrorCode.UNAVAILABLE,
}


def _answer_http_exception(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own refusals, in our words: which field, and what is wrong with it."""
    code = _CODE_OF_STATUS.get(error.status_code, ErrorCode.INTERNAL if error.status_code >= 500 else ErrorCode.INVALID_REQUEST)
    detail = error.detail
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        detail = "; ".join(
            f"{entry.get('key', 'body')}: {entry.get('message', '')}" for entry in error.extra if isinstance(entry, dict)
        )
    headers = {"Allow": error.headers["allow"]} if error.headers and "allow" in error.headers else None
    return problem_response(code, detail, headers=headers)


def _answer_unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    # A process boundary: what no one foresaw is logged with its trace here, and told to nobody.
    log.error("request broke", path=request.scope["path"].split("/")[1:2], exc_info=error)
    return problem_response(ErrorCode.INTERNAL, "Something went wrong on our side.", "Try again in a moment.")


def _party_middleware(authenticate: Authenticate, clock: Clock) -> Callable[[ASGIApp], ASGIApp]:
    """Resolve who asks once per request, into scope["user"], and whether they may. A token that says nothing is as none."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP:
                token = _bearer(scope)
                party = (authenticate(token, clock()) if token else None) or ANONYMOUS
                if unlock := _unlock(scope):
                    party = dataclasses.replace(party, unlock=unlock)
                scope["user"] = party
                scope["auth"] = None
                check_policy(party, scope["route_handler"])
            await app(scope, receive, send)

        return middleware

    return wrap


def _bearer(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer " and len(value) <= MAX_TOKEN_CHARS:
            return value[7:].strip().decode("latin-1")
    return ""


def _unlock(scope: Scope) -> str:
    """What a screen was given for the household's PIN. Whether it is worth anything is for members to say."""
    for name, value in scope["headers"]:
        if name == UNLOCK_HEADER and len(value) <= MAX_TOKEN_CHARS:
            return str(value.strip().decode("latin-1"))
    return ""


def _add_headers(page_policy: str) -> Callable[[Message, Scope], Awaitable[None]]:
    """On every answer, those to addresses that no route has among them."""
    extra = [
        (b"content-security-policy", page_policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
    ]

    async def add(message: Message, _scope: Scope) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}  # a page that needs others says so itself
            message["headers"] = [*message["headers"], *(one for one in extra if one[0] not in own)]

    return add
