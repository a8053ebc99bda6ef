"""The one place where errors become HTTP answers (RFC 9457)."""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from matinee.base.ahead import Answer
from matinee.base.errors import ErrorCode, MatineeError, TooManyRequests

PROBLEM_TYPE = "application/problem+json"
PROBLEM_URL = "/docs/errors#"

log = structlog.get_logger("matinee.web")


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details. `code` is the closed vocabulary of base.errors; `remedy` says what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    remedy: str = ""


def problem(
    code: ErrorCode,
    detail: str,
    remedy: str = "",
    headers: dict[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> Answer:
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
    told = {"content-type": PROBLEM_TYPE, "cache-control": "no-store"}
    if status == 401:
        told["www-authenticate"] = "Bearer"
    told |= headers or {}
    encoded = msgspec.json.encode({**msgspec.to_builtins(body), **members} if members else body)
    return Answer(encoded, status, [(name.encode(), value.encode()) for name, value in told.items()])


def problem_response(code: ErrorCode, detail: str, headers: dict[str, str] | None = None) -> Response[bytes]:
    return response_of(problem(code, detail, headers=headers))


def response_of(answer: Answer) -> Response[bytes]:
    """An answer as the framework's own."""
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    kind = headers.pop("content-type")
    return Response(answer.body, status_code=answer.status, media_type=kind, headers=headers)


def problem_of(error: MatineeError) -> Answer:
    if error.code.http_status >= 500:
        log.error("request failed", code=error.code, message=error.message)
    headers = {"retry-after": str(error.retry_after)} if isinstance(error, TooManyRequests) else None
    return problem(error.code, error.message, error.remedy, headers, error.members)


def answer_matinee_error(_request: Request[Any, Any, Any], error: MatineeError) -> Response[bytes]:
    return response_of(problem_of(error))


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


def answer_http_exception(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own refusals, in our words: which field, and what is wrong with it."""
    code = _CODE_OF_STATUS.get(error.status_code, ErrorCode.INTERNAL if error.status_code >= 500 else ErrorCode.INVALID_REQUEST)
    detail = error.detail
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        detail = "; ".join(
            f"{entry.get('key', 'body')}: {entry.get('message', '')}" for entry in error.extra if isinstance(entry, dict)
        )
    headers = {"allow": error.headers["allow"]} if error.headers and "allow" in error.headers else None
    return problem_response(code, detail, headers)


def answer_unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return response_of(unforeseen(request.scope["path"], error))


def unforeseen(path: str, error: Exception) -> Answer:
    # A process boundary: what no one foresaw is logged with its trace here, and told to nobody.
    log.error("request broke", path=path.split("/")[1:2], exc_info=error)
    return problem(ErrorCode.INTERNAL, "Something went wrong on our side.", "Try again in a moment.")
