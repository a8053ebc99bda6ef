"""Answers that a screen or a program may keep and ask about again.

The entity tag is a hash of the answer itself. A counter of changes would be cheaper, but it would change with every title
of every publisher, and so tell one party that something happened which it may not see.
"""

import hashlib
from typing import Any, TypeVar, cast

import msgspec
from litestar import Request, Response

from matinee.base.party import Party

T = TypeVar("T")

AnyRequest = Request[Party, Any, Any]

_encoder = msgspec.json.Encoder()


def revalidated(request: AnyRequest, answer: T, media_type: str = "application/json") -> Response[T]:
    """The answer as JSON with its entity tag, or 304 with none where the asker holds that very answer. For one party alone."""
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept-Language, Accept-Encoding"}
    return cast("Response[T]", _answer(request, _encoder.encode(answer), media_type, headers))


def revalidated_for_all(request: AnyRequest, body: bytes, media_type: str) -> Response[bytes]:
    """The same for bytes that are equal for everybody who asks: any cache may keep them, and asks again each time."""
    return _answer(request, body, media_type, {"Cache-Control": "public, no-cache", "Vary": "Accept-Encoding"})


def _answer(request: AnyRequest, body: bytes, media_type: str, headers: dict[str, str]) -> Response[bytes]:
    # Weak (RFC 9110 8.8.3): the bytes differ when the answer travels compressed.
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, **headers}
    if _holds(request.headers.get("if-none-match", ""), tag):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _holds(if_none_match: str, tag: str) -> bool:
    asked = [part.strip() for part in if_none_match[:2_000].split(",")]
    return "*" in asked or any(part.removeprefix("W/") == tag.removeprefix("W/") for part in asked)
