"""Time is UTC, in whole milliseconds since 1970; a rule is given `now`, only the app reads a clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NewType

Instant = NewType("Instant", int)
"""Milliseconds since 1970-01-01T00:00:00Z: sorts, subtracts and is stored alike in SQLite and PostgreSQL."""

Clock = Callable[[], Instant]

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def to_rfc3339(at: Instant) -> str:
    """The wire form, with milliseconds: 2014-10-02T06:00:00.000Z."""
    day, left = divmod(at, DAY)
    second, milli = divmod(left, SECOND)
    return f"{_date(day)}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{milli:03d}Z"


@lru_cache(maxsize=64)
def _date(day: int) -> str:
    """A day since 1970, as it is written: nearly all that are asked for are of today."""
    return datetime.fromtimestamp(day * DAY // SECOND, UTC).date().isoformat()


def from_rfc3339(text: str) -> Instant:
    """Read a wire time. Raises ValueError where the text is no time or names no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; end it with Z for UTC")
    return Instant(round(moment.timestamp() * 1000))
