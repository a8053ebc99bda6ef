"""Pages by cursor: a cursor names the last item seen, so that pages stay right while titles come and go."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from matinee.base.errors import ErrorCode, InvalidRequest

T = TypeVar("T")

MAX_PAGE = 100
_MAX_CURSOR_CHARS = 400
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor of the next page or None at the end."""

    items: Sequence[T]
    next_cursor: str | None


def encode_cursor(*key: str | int) -> str:
    """Write the sort key of the last item seen as an opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *shape: type) -> tuple[str | int, ...]:
    """Read a cursor back and check that it holds values of these types. Raises InvalidRequest (invalid_cursor)."""
    try:
        if len(cursor) > _MAX_CURSOR_CHARS:
            raise ValueError("too long")
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(key, list) or [type(part) for part in key] != list(shape) or not all(map(_is_plain, key)):
            raise ValueError("another shape")
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidRequest(
            "The cursor is not one that this list gave.",
            remedy="Start again without a cursor.",
            code=ErrorCode.INVALID_CURSOR,
        ) from error
    return tuple(key)


def _is_plain(part: str | int) -> bool:
    """Whether a database takes it: no number beyond 64 bits, no NUL, no half of a surrogate pair."""
    if isinstance(part, int):
        return -_LARGEST <= part <= _LARGEST
    return "\0" not in part and not any("\ud800" <= sign <= "\udfff" for sign in part)
