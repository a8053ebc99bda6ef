"""The months that a direct subscription is charged for. Pure: each follows from the day on which the first one began.

A period begins on the anchor's day of each month, and on the month's last day where it has no such day: 31 January, 28 February,
31 March. A day begins at its first moment in the zone, also where the clocks are changed at midnight.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.members.model import MemberError


class Period(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The days from `first` up to, not including, `until`. `anchor` is the day of which it is counted."""

    anchor: date
    first: date
    until: date


def period_of(anchor: date, number: int) -> Period:
    """The period of this number; that of number 0 begins on the anchor."""
    return Period(anchor=anchor, first=_boundary(anchor, number), until=_boundary(anchor, number + 1))


def period_from(anchor: date, first: date) -> Period:
    """The period of an anchor that begins on a day. Raises MemberError where none does."""
    number = (first.year - anchor.year) * 12 + first.month - anchor.month
    found = period_of(anchor, max(0, number))
    if found.first != first:
        raise MemberError(f"No month counted from {anchor} begins on {first}.", code=ErrorCode.INTERNAL)
    return found


def next_period(since: date, paid: Period | None) -> Period:
    """The period to be charged next. `since` is the day on which the home subscribed, `paid` the last period that it paid.

    Who comes back while an earlier payment lasts owes from the end of that on, and is then counted from there; so is what follows
    a month of which days were given back.
    """
    if paid is None or paid.until < since:
        return period_of(since, 0)
    if paid.first < since or paid.until < period_from(paid.anchor, paid.first).until:
        return period_of(paid.until, 0)
    return period_from(paid.anchor, paid.until)


def first_moment(day: date, zone: ZoneInfo) -> Instant:
    """When a day begins. Where midnight is left out, the first moment after it; where it comes twice, the first of the two."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    at = midnight.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return Instant(round(at.timestamp() * 1000))
    # A gap: what is read with the offset of before it lies behind the gap, by exactly as much as midnight lies behind its start.
    low, high = at - timedelta(hours=24), at
    while high - low > timedelta(milliseconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if middle.astimezone(zone).date() >= day else (middle, high)
    return Instant(round(high.timestamp() * 1000))


def day_of(at: Instant, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at / 1000, zone).date()


def _boundary(anchor: date, number: int) -> date:
    months = anchor.month - 1 + number
    year, month = anchor.year + months // 12, months % 12 + 1
    return date(year, month, min(anchor.day, calendar.monthrange(year, month)[1]))
