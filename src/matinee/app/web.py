"""The web process's ASGI app: features' routes behind one gate, with the headers and the description that all of them share.

Deny by default: a handler that names no policy answers nobody, and a test walks them all.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from litestar import Litestar, Response, Router
from litestar.config.compression import CompressionConfig
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
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
from litestar.types import (
    ASGIApp,
    ControllerRouterHandler,
    Message,
    Receive,
    Scope,
    Send,
)

from matinee.app.answering import MAX_BODY_BYTES, Authenticate, Gate, Web, acted, send_answer
from matinee.app.problems import PROBLEM_TYPE, answer_http_exception, answer_matinee_error, answer_unforeseen, problem_response
from matinee.base.clock import Clock
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.party import ANYONE


def create_web(
    routes: Sequence[ControllerRouterHandler],
    *,
    authenticate: Authenticate,
    clock: Clock,
    page_policy: str,
    on_startup: Sequence[Callable[[], Any]] = (),
    on_shutdown: Sequence[Callable[[], Any]] = (),
) -> Litestar:
    """The ASGI app. `page_policy` is the Content-Security-Policy of whatever a browser may show."""
    gate = Gate(authenticate, clock)
    app = Web(
        route_handlers=list(routes),
        middleware=[_party_middleware(gate)],
        before_send=[_add_headers(page_policy)],
        exception_handlers={
            MatineeError: answer_matinee_error,
            HTTPException: answer_http_exception,
            Exception: answer_unforeseen,
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
    app.answer_ahead(gate)
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


def _party_middleware(gate: Gate) -> Callable[[ASGIApp], ASGIApp]:
    """Resolve who asks once per request, into scope["user"]; and answer what came here that an act answers."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP:
                opt = scope["route_handler"].opt
                scope["user"], scope["auth"] = gate.let_in(scope, opt), None
                if "ahead" in opt:
                    await send_answer(await acted(opt["ahead"], scope["user"], scope["path_params"], scope, receive), send, ())
                    return
            await app(scope, receive, send)

        return middleware

    return wrap


def _add_headers(page_policy: str) -> Callable[[Message, Scope], Awaitable[None]]:
    """On every answer of the framework's, those to addresses that no route has among them."""
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
