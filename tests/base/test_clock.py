"""Times on the wire, against the standard library's own way to write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from matinee.base.clock import DAY, Instant, from_rfc3339, to_rfc3339

_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC) for year in (1, 9999))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLI = timedelta(milliseconds=1)


@given(some.integers((_FIRST - _EPOCH) // _MILLI, (_LAST - _EPOCH) // _MILLI))
def test_a_time_is_written_as_the_library_writes_it(at: int) -> None:
    written = to_rfc3339(Instant(at))
    assert written == (_EPOCH + at * _MILLI).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert from_rfc3339(written) == at


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (DAY - 1, "1970-01-01T23:59:59.999Z"),
        (DAY, "1970-01-02T00:00:00.000Z"),
        (1_412_230_800_000, "2014-10-02T06:20:00.000Z"),
    ],
)
def test_a_day_ends_where_the_next_begins(at: int, told: str) -> None:
    assert to_rfc3339(Instant(at)) == told
