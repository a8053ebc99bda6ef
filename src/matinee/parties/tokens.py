"""Opaque bearer tokens: 256 random bits behind a prefix that says whose they are, of which we keep the hash alone.

A plain SHA-256 is right here and a password hash is not: nobody guesses 256 random bits, however fast the hash. For the
same reason a look-up by hash gives nothing away by its timing; the comparison at the end is constant-time all the same,
so that this stays true whatever container holds the hashes.
"""

import hashlib
import hmac
import re
import secrets
from enum import StrEnum
from typing import NewType

Token = NewType("Token", str)
TokenDigest = NewType("TokenDigest", str)
"""SHA-256 of a token's ASCII, as 64 hexadecimal digits."""


class TokenKind(StrEnum):
    """The prefix of a token: whose it is, visible at a glance in a place where no token should be (a log, a commit)."""

    BOX = "mtb_"
    VIEWER = "mtv_"
    API_KEY = "mtk_"
    STAFF = "mts_"


class CodeKind(StrEnum):
    """The prefix of what is exchanged for a token, and asks for nothing by itself."""

    DEVICE_CODE = "mtd_"
    AUTHORIZATION_CODE = "mtc_"
    CLIENT_SECRET = "mtx_"  # noqa: S105 -- a prefix


_SHAPE = re.compile(r"(mtb_|mtv_|mtk_|mts_)[A-Za-z0-9_-]{43}")
_REST = re.compile(r"[A-Za-z0-9_-]{43}")


def mint(kind: TokenKind | CodeKind) -> Token:
    """A fresh token: the prefix and 32 random bytes as base64url, 47 characters in all."""
    return Token(kind + secrets.token_urlsafe(32))


def kind_of(text: str) -> TokenKind | None:
    """Whose token this is by its shape; None for anything that is no token of ours."""
    shape = _SHAPE.fullmatch(text)
    return TokenKind(shape.group(1)) if shape else None


def is_code(text: str, kind: CodeKind) -> bool:
    """Whether this has the shape of a code of a kind."""
    return text.startswith(kind) and _REST.fullmatch(text, len(kind)) is not None


def digest(token: str) -> TokenDigest:
    """What is kept of a token. Raises UnicodeEncodeError for what cannot be a token: check its shape first."""
    return TokenDigest(hashlib.sha256(token.encode("ascii")).hexdigest())


def same(one: str, other: str) -> bool:
    """Whether two digests are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)
