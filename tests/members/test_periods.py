"""A direct plan's months follow from their anchor alone: no day twice, none left out, wherever clocks change."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.members.model import MemberError
from matinee.members.periods import Period, day_of, first_moment, next_period, period_from, period_of

DAYS = st.dates(date(1990, 1, 1), date(2200, 1, 1))
ZONES = st.sampled_from(
    ["Europe/Paris", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "Africa/Cairo", "UTC", "Asia/Tehran"]
)


def test_the_31st_is_the_last_day_where_a_month_has_none_and_comes_again() -> None:
    anchor = date(2027, 1, 31)
    assert [period_of(anchor, number).first.isoformat() for number in range(5)] == [
        "2027-01-31",
        "2027-02-28",
        "2027-03-31",
        "2027-04-30",
        "2027-05-31",
    ]
    assert period_of(date(2028, 1, 31), 1).first == date(2028, 2, 29)


@given(DAYS, st.integers(0, 600))
def test_months_follow_one_another_without_gap_or_overlap(anchor: date, number: int) -> None:
    one, following = period_of(anchor, number), period_of(anchor, number + 1)
    assert one.first < one.until == following.first
    assert 28 <= (one.until - one.first).days <= 31
    assert one.first.day == anchor.day or (one.first + timedelta(days=1)).day == 1
    assert period_from(anchor, one.first) == one


@given(DAYS, st.lists(st.integers(0, 90), max_size=6))
def test_who_leaves_and_comes_back_pays_no_day_twice_and_none_before_coming(since: date, gaps: list[int]) -> None:
    paid: Period | None = None
    taken: list[Period] = []
    for gap in [0, *gaps]:
        since = since + timedelta(days=gap)
        for _ in range(2):
            period = next_period(since, paid)
            assert period.first >= since
            taken.append(period)
            paid = period
        since = max(since, paid.first)
    for one, following in pairwise(taken):
        assert one.until <= following.first


def test_who_comes_back_while_a_month_is_paid_owes_from_its_end_on() -> None:
    paid = period_of(date(2026, 11, 1), 0)
    assert next_period(date(2026, 11, 12), paid) == period_of(date(2026, 12, 1), 0)
    assert next_period(date(2026, 12, 5), paid) == period_of(date(2026, 12, 5), 0)
    assert next_period(date(2026, 11, 1), paid) == period_of(date(2026, 11, 1), 1)


def test_a_month_that_begins_on_no_boundary_is_a_fault_of_ours() -> None:
    with pytest.raises(MemberError):
        period_from(date(2026, 1, 31), date(2026, 2, 27))


@given(DAYS, ZONES)
def test_a_day_begins_at_its_first_moment(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    at = first_moment(day, zone)
    is_left_out = name == "Pacific/Apia" and day == date(2011, 12, 30)
    assert day_of(at, zone) == (date(2011, 12, 31) if is_left_out else day)
    assert datetime.fromtimestamp((at - 1) / 1000, zone).date() < day


@pytest.mark.parametrize(
    ("name", "day", "moment"),
    [
        ("Europe/Paris", date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        ("Europe/Paris", date(2026, 10, 26), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC)),  # midnight was left out
        ("Asia/Beirut", date(2026, 3, 29), datetime(2026, 3, 28, 22, tzinfo=UTC)),
    ],
)
def test_where_clocks_change(name: str, day: date, moment: datetime) -> None:
    assert first_moment(day, ZoneInfo(name)) == round(moment.timestamp() * 1000)
