"""One base error, one subclass per feature, one closed vocabulary of codes.

A code is part of the API: a client may branch on it, so it never changes its meaning. `app.problems` is the one place that
turns these into RFC 9457 problem details; a sentence names what is wrong and what to do.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class ErrorCode(StrEnum):
    """Every code that an answer or a command may carry, and the HTTP status that goes with it."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CURSOR = "invalid_cursor"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    TOO_MANY_REQUESTS = "too_many_requests"
    TOKEN_INVALID = "token_invalid"  # noqa: S105 -- the name of a code, not a secret
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    SESSION_ENDED = "session_ended"
    TITLE_NOT_PLAYABLE = "title_not_playable"
    PLAN_NEEDED = "plan_needed"
    PAID_ELSEWHERE = "paid_elsewhere"
    NOT_IN_THIS_STATE = "not_in_this_state"
    TOO_MANY_STREAMS = "too_many_streams"
    PIN_NEEDED = "pin_needed"
    PIN_WRONG = "pin_wrong"
    FILM_REFUSED = "film_refused"
    DISK_FULL = "disk_full"
    ALREADY_ADDED = "already_added"
    PACKAGE_DAMAGED = "package_damaged"
    SETTING_INVALID = "setting_invalid"
    TOOL_MISSING = "tool_missing"
    TOOL_FAILED = "tool_failed"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"

    @property
    def http_status(self) -> int:
        return _STATUS[self]


_STATUS = {
    ErrorCode.INVALID_REQUEST: 400,
    ErrorCode.INVALID_CURSOR: 400,
    ErrorCode.NOT_SIGNED_IN: 401,
    ErrorCode.NOT_ALLOWED: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.CONFLICT: 409,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.TOO_MANY_REQUESTS: 429,
    ErrorCode.TOKEN_INVALID: 403,
    ErrorCode.TOKEN_EXPIRED: 403,
    ErrorCode.SESSION_ENDED: 410,
    ErrorCode.TITLE_NOT_PLAYABLE: 409,
    ErrorCode.PLAN_NEEDED: 403,
    ErrorCode.PAID_ELSEWHERE: 409,
    ErrorCode.NOT_IN_THIS_STATE: 409,
    ErrorCode.TOO_MANY_STREAMS: 409,
    ErrorCode.PIN_NEEDED: 403,
    ErrorCode.PIN_WRONG: 403,
    ErrorCode.FILM_REFUSED: 422,
    ErrorCode.DISK_FULL: 507,
    ErrorCode.ALREADY_ADDED: 409,
    ErrorCode.PACKAGE_DAMAGED: 500,
    ErrorCode.SETTING_INVALID: 500,
    ErrorCode.TOOL_MISSING: 500,
    ErrorCode.TOOL_FAILED: 500,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INTERNAL: 500,
}


class MatineeError(Exception):
    """What went wrong, in one sentence that names the file or field, and what to do about it.

    `code` is the closed vocabulary; `remedy` is the second sentence, apart so that a screen may show it differently.
    """

    code: ErrorCode = ErrorCode.INTERNAL
    members: Mapping[str, object] = MappingProxyType({})
    """More that a program is told beside the sentence: the extension members of RFC 9457."""

    def __init__(self, message: str, *, remedy: str = "", code: ErrorCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        # Durable work stores an error and raises it again in another process: the default would lose the keywords.
        return _rebuild, (type(self), self.message, self.remedy, self.code)


def _rebuild(kind: type[MatineeError], message: str, remedy: str, code: ErrorCode) -> MatineeError:
    error = kind.__new__(kind)
    MatineeError.__init__(error, message, remedy=remedy, code=code)
    return error


class InvalidRequest(MatineeError):
    """A request or an argument has the wrong shape."""

    code = ErrorCode.INVALID_REQUEST


class NotFound(MatineeError):
    """Nothing of that name, or nothing that this party may know of: the two read alike on purpose."""

    code = ErrorCode.NOT_FOUND


class NotAllowed(MatineeError):
    """The party is known, and may not do this."""

    code = ErrorCode.NOT_ALLOWED


class TooManyRequests(MatineeError):
    """Too much was asked at once. `retry_after` are seconds, as the header of that name has them."""

    code = ErrorCode.TOO_MANY_REQUESTS
    retry_after: int = 1

    def __init__(self, message: str, *, retry_after: int, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy or f"Try again in {retry_after} seconds.")
        self.retry_after = retry_after
