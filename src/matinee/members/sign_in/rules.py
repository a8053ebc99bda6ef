"""Codes that are typed, refresh tokens that follow from each other, redirect addresses, and who may guess how often. Pure."""

import contextlib
import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from matinee.base.clock import HOUR, MINUTE, SECOND, Instant
from matinee.base.errors import TooManyRequests
from matinee.base.ids import HouseholdId, ScreenSessionId
from matinee.members.sign_in.model import AGAIN_MS, RefreshState, Rotation, SignInError
from matinee.parties.attempts import Attempts, Budget

USER_CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628 6.1: no vowels, so no words; no digits, so no 0 beside an O."""
_USER_CODE = re.compile(f"[{USER_CODE_LETTERS}]{{8}}")

MAX_LABEL: Final = 60
MAX_REDIRECT: Final = 400
LOOPBACK: Final = ("127.0.0.1", "[::1]", "localhost")

_REFRESH = re.compile(r"mtr_([0-7][0-9a-hjkmnp-tv-z]{25})([A-Za-z0-9_-]{43})")


def new_user_code() -> str:
    """Eight letters, a dash after the fourth: 34 random bits."""
    letters = ""
    while len(letters) < 8:
        drawn = [one for one in secrets.token_bytes(16) if one < 240]  # 240 is twelve times twenty: each letter is as likely
        letters = "".join(USER_CODE_LETTERS[one % 20] for one in drawn)[:8]
    return f"{letters[:4]}-{letters[4:]}"


def user_code_of(typed: str) -> str | None:
    """The code that was meant, whatever its case, dash and spaces; None for what can be none."""
    letters = re.sub(r"[\s\-\u2010-\u2015]", "", typed[:40]).upper()
    return f"{letters[:4]}-{letters[4:]}" if _USER_CODE.fullmatch(letters) else None


def label_of(told: str, otherwise: str) -> str:
    """What a screen calls itself, as one short line: control and format characters go, so that nothing is disguised."""
    kept = "".join(one if unicodedata.category(one)[0] not in "CZ" else " " for one in told[: 4 * MAX_LABEL])
    return " ".join(kept.split())[:MAX_LABEL].strip() or otherwise


def first_refresh_token(session: ScreenSessionId) -> str:
    """ "mtr_", the session's id, and 256 random bits."""
    return f"mtr_{session}{secrets.token_urlsafe(32)}"


def session_of(refresh_token: str) -> ScreenSessionId | None:
    """Which session a refresh token names; None for what is no refresh token."""
    found = _REFRESH.fullmatch(refresh_token)
    return ScreenSessionId(found.group(1)) if found else None


def successor(refresh_token: str, salt: str) -> str:
    """The refresh token that follows from another by a salt: who has one alone cannot tell it."""
    found = _REFRESH.fullmatch(refresh_token)
    if found is None:
        raise ValueError("no refresh token")
    made = hmac.new(salt.encode(), found.group(2).encode(), hashlib.sha256).digest()
    return f"mtr_{found.group(1)}{urlsafe_b64encode(made).decode().rstrip('=')}"


def rotation(state: RefreshState, shown: str, now: Instant) -> Rotation:
    """What it means that the token of this digest is shown."""
    if hmac.compare_digest(state.current, shown):
        return Rotation.NEXT
    if not state.previous or not hmac.compare_digest(state.previous, shown):
        return Rotation.REUSED
    return Rotation.AGAIN if now - state.rotated_at < AGAIN_MS else Rotation.REPLACED


def by_the_hour(at: Instant) -> Instant:
    return Instant(at - at % HOUR)


def check_redirect_uri(uri: str) -> None:
    """An address to which a code may be sent: https, or this very machine's http. Raises SignInError."""
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    shown = uri.isascii() and uri.isprintable() and not set(uri) & set(" \"\\<>'*;,")
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.netloc.rpartition(":")[0] in LOOPBACK)
    if not shown or not host or not secure or parts.fragment or "#" in uri or "@" in parts.netloc or len(uri) > MAX_REDIRECT:
        raise SignInError(
            f"{uri!r} is no address to send a code to.",
            remedy="Write the whole https:// address, without a fragment; http:// for 127.0.0.1 and a port alone.",
        )


PER_HOUSEHOLD: Final = Budget(burst=5, refill_ms=MINUTE)
WRONG_IN_ALL: Final = Budget(burst=600, refill_ms=SECOND)


class CodeGuesses:
    """How often a household may type a code, and how many wrong ones are answered in all. Not safe from threads.

    A right code gives no try back: anybody can ask for a code and type it. Wrong ones count for all households together, so that
    a crowd of guessers is slow; and whoever has typed none wrong lately may try all the same: no crowd locks an honest one out.
    """

    def __init__(self) -> None:
        self._tries = Attempts(PER_HOUSEHOLD, Budget(burst=1_000_000, refill_ms=1))
        self._wrong = Attempts(WRONG_IN_ALL, Budget(burst=1_000_000, refill_ms=1))
        self._suspects: dict[HouseholdId, Instant] = {}

    def take(self, household: HouseholdId, now: Instant) -> None:
        """Spend one try. Raises TooManyRequests."""
        if self._suspects.get(household, 0) > now - HOUR:
            self._wrong.take("", now)
        self._tries.take(household, now)

    def was_wrong(self, household: HouseholdId, now: Instant) -> None:
        """The code that was typed is nobody's."""
        if self._suspects.get(household, 0) <= now - HOUR:  # the others have paid before
            with contextlib.suppress(TooManyRequests):
                self._wrong.take("", now)
        self._suspects.pop(household, None)
        self._suspects[household] = now
        while len(self._suspects) > 10_000:
            del self._suspects[next(iter(self._suspects))]


def at_most_once(pairs: "list[tuple[str, str]]") -> Mapping[str, str]:
    """Parameters of a request by name. Raises SignInError for one that is there twice (RFC 6749 3.1, 3.2) or is no plain text."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise SignInError("A parameter is there twice.", remedy="Send each once.")
        text = name + value
        is_plain = text.isascii() and text.isprintable()  # nearly all: asked by each television that waits, each five seconds
        if not is_plain and any(unicodedata.category(one) in ("Cc", "Cs", "Co", "Cn") for one in text):
            raise SignInError("A parameter is no plain text.", remedy="Send it as UTF-8, without control characters.")
        found[name] = value
    return found
