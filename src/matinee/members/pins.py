"""The household's PIN as it is kept, how often it may be tried, and the unlock that a right one gives. Pure but for `secrets`.

A PIN has 10,000 values: whoever holds what is kept of it tries them all within the second, whatever the hash costs. So it is kept
under a key that is not in the database, and guessing is slowed where it is asked (docs/decisions/0029).
"""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from matinee.base.clock import HOUR, MINUTE, Instant
from matinee.base.ids import HouseholdId
from matinee.members.model import MemberError

Marking = Callable[[str], bytes]
"""Bytes that are the same for the same words, and that nobody without the server's key can make or check (`MasterKey.mark`)."""

HOUSEHOLD: Final = "household"
"""The scope of an unlock that lets its screen change profiles and the PIN; any other scope is the profile that it opens."""

OPENS_MS: Final = 4 * HOUR
"""An evening: a screen that was left on and is taken up again later asks anew."""
CHANGES_MS: Final = 10 * MINUTE
"""Time enough to change what one came to change, and little for whoever sits down next."""

NEVER: Final = Instant(0)
_PIN = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True)
class Budget:
    """So many wrong PINs at once, and one more each `refill_ms`."""

    burst: int
    refill_ms: int


OF_A_SCREEN: Final = Budget(burst=5, refill_ms=10 * MINUTE)
OF_A_HOUSEHOLD: Final = Budget(burst=15, refill_ms=5 * MINUTE)
"""Wider than one screen's: a child who guesses on one television must not keep the parents from entering it on their phone."""


@dataclass(frozen=True, slots=True)
class Spent:
    """How many tries of a budget are spent, at a moment."""

    count: float = 0.0
    at: Instant = NEVER

    def by(self, now: Instant, budget: Budget) -> "Spent":
        """What is still spent later on. A clock that went back fills nothing up."""
        return Spent(max(0.0, self.count - max(0, now - self.at) / budget.refill_ms), max(self.at, now))

    def wait_ms(self, now: Instant, budget: Budget) -> int:
        """How long until one more may be tried; 0 for now."""
        return max(0, round((self.by(now, budget).count + 1 - budget.burst) * budget.refill_ms))

    def one_more(self, now: Instant, budget: Budget) -> "Spent":
        then = self.by(now, budget)
        return Spent(then.count + 1, then.at)


def check_shape(pin: str) -> None:
    """Raises MemberError for what is no PIN."""
    if not _PIN.fullmatch(pin):
        raise MemberError("A PIN is four digits.", remedy="Write four digits from 0 to 9.")


def new_version() -> str:
    return secrets.token_hex(8)


def kept_of(mark: Marking, household: HouseholdId, version: str, pin: str) -> str:
    """What is kept of a PIN. Each has a version drawn for it, so that the same digits are kept alike nowhere."""
    return mark(f"pin\n{household}\n{version}\n{pin}").hex()


def is_right(mark: Marking, household: HouseholdId, version: str, kept: str, pin: str) -> bool:
    return hmac.compare_digest(kept_of(mark, household, version, pin), kept)


def unlock(mark: Marking, household: HouseholdId, version: str, screen: str, scope: str, until: Instant) -> str:
    """What a screen sends along after the right PIN: for this screen, this scope and until then, while this PIN is the PIN."""
    return f"{until}.{_signed(mark, household, version, screen, scope, until)}"


def opens(mark: Marking, household: HouseholdId, version: str, screen: str, scope: str, told: str, now: Instant) -> bool:
    """Whether what a screen sent is such an unlock. For any text."""
    until, _, signed = told.partition(".")
    if not re.fullmatch(r"[0-9]{1,15}", until) or not signed.isascii() or int(until) <= now:
        return False
    return hmac.compare_digest(_signed(mark, household, version, screen, scope, Instant(int(until))), signed)


def _signed(mark: Marking, household: HouseholdId, version: str, screen: str, scope: str, until: Instant) -> str:
    return mark(f"unlock\n{household}\n{version}\n{screen}\n{scope}\n{until}").hex()
