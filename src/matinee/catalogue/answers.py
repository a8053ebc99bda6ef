"""JSON answers that a screen may keep and ask about again.

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


def revalidated(request: AnyRequest, answer: T) -> Response[T]:
    """The answer with its entity tag, or 304 with none where the asker holds that very answer. For one party alone."""
    body = _encoder.encode(answer)
    # Weak (RFC 9110 8.8.3): the bytes differ when the answer travels compressed.
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept-Language, Accept-Encoding",
    }
    if _holds(request.headers.get("if-none-match", ""), tag):
        return cast("Response[T]", Response(b"", status_code=304, headers=headers))
    return cast("Response[T]", Response(body, media_type="application/json", headers=headers))


def _holds(if_none_match: str, tag: str) -> bool:
    asked = [part.strip() for part in if_none_match[:2_000].split(",")]
    return "*" in asked or any(part.removeprefix("W/") == tag.removeprefix("W/") for part in asked)
