"""A month of thousands of homes, told by three: every fault that was put in is found, and nothing else; and each mend mends."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.base.money import Money
from matinee.members.reconcile import (
    OPERATOR,
    US,
    AllowedBy,
    Discrepancy,
    Kind,
    Mend,
    MendEvent,
    Plays,
    Stands,
    Told,
    reconcile,
)

FIRST, UNTIL = date(2026, 11, 1), date(2026, 12, 1)
DAY = timedelta(days=1)
PLANS = ("Everything", "Films alone")
PRICE = {"Everything": Money(799, "EUR"), "Films alone": Money(499, "EUR")}


@dataclass
class Month:
    """The accounts of a month. Each list may be given in any order."""

    ours: list[Told] = field(default_factory=list)
    theirs: list[Told] = field(default_factory=list)
    stands: list[Stands] = field(default_factory=list)
    plays: list[Plays] = field(default_factory=list)

    def compare(self, since: date = FIRST, until: date = UNTIL) -> list[Discrepancy]:
        return reconcile(self.ours, self.theirs, self.stands, self.plays, since, until)


def _replaced(rows: list[Told], event_id: str, **changes: Any) -> None:
    place = next(number for number, one in enumerate(rows) if one.event_id == event_id)
    rows[place] = msgspec.structs.replace(rows[place], **changes)


def month(seed: int, homes: int = 3_000) -> Month:
    """Homes that subscribe, change, cancel and come back, billed for what they had: three accounts that agree."""
    chance, made = random.Random(seed), Month()
    for number in range(homes):
        name = f"home {number:05}"
        way = chance.random()
        plan = chance.choice(PLANS)
        spans: list[tuple[str, date, date]]
        if way < 0.70:  # all month and on, since some day before
            began = FIRST - chance.randrange(1, 28) * DAY
            spans = [(plan, began, began + 30 * DAY), (plan, began + 30 * DAY, began + 60 * DAY)]
        elif way < 0.80:  # new this month
            began = FIRST + chance.randrange(30) * DAY
            spans = [(plan, began, began + 30 * DAY)]
        elif way < 0.88:  # ended this month
            ends = FIRST + chance.randrange(1, 29) * DAY
            spans = [(plan, ends - 30 * DAY, ends)]
        elif way < 0.94:  # changed its plan
            changes = FIRST + chance.randrange(1, 29) * DAY
            spans = [(PLANS[0], changes - 30 * DAY, changes), (PLANS[1], changes, changes + 30 * DAY)]
        elif way < 0.97:  # ended, and came back
            ends = FIRST + chance.randrange(1, 10) * DAY
            again = ends + chance.randrange(1, 10) * DAY
            spans = [(plan, ends - 30 * DAY, ends), (plan, again, again + 30 * DAY)]
        else:  # pays us, and not the operator
            made.plays.append(Plays(household=name, service="Films", first=FIRST, until=UNTIL, by=AllowedBy.US))
            continue
        for place, (what, first, until) in enumerate(spans):
            event = f"e-{number:05}-{place}"
            told = Told(event_id=event, household=name, service="Films", plan=what, first=first, until=until, amount=PRICE[what])
            made.ours.append(told)
            made.theirs.append(msgspec.structs.replace(told, where=f"line {len(made.theirs) + 2}"))
            made.stands.append(Stands(household=name, service="Films", plan=what, first=first, until=until))
            made.plays.append(Plays(household=name, service="Films", first=first, until=until, by=AllowedBy.OPERATOR))
    for rows in (made.ours, made.theirs, made.stands, made.plays):
        chance.shuffle(rows)
    return made


# --- one fault of each kind, put into a home's charge that lies within the month


def _unknown_name(made: Month, one: Told) -> None:
    _replaced(made.theirs, one.event_id, household="nobody's home", is_known=False)
    made.ours = [other for other in made.ours if other.event_id != one.event_id]
    made.stands = [other for other in made.stands if (other.household, other.first) != (one.household, one.first)]
    made.plays = [other for other in made.plays if (other.household, other.first) != (one.household, one.first)]


def _event_conflicts(made: Month, one: Told) -> None:
    made.theirs.append(msgspec.structs.replace(one, amount=Money(1, "EUR")))


def _missing_here(made: Month, one: Told) -> None:
    made.ours = [other for other in made.ours if other.event_id != one.event_id]


def _missing_there(made: Month, one: Told) -> None:
    made.theirs = [other for other in made.theirs if other.event_id != one.event_id]


def _home_differs(made: Month, one: Told) -> None:
    _replaced(made.ours, one.event_id, household=f"{one.household} next door")


def _plan_differs(made: Month, one: Told) -> None:
    _replaced(made.ours, one.event_id, plan="Another")


def _period_differs(made: Month, one: Told) -> None:
    _replaced(made.ours, one.event_id, first=one.first + DAY, until=one.until + DAY)


def _currency_differs(made: Month, one: Told) -> None:
    _replaced(made.ours, one.event_id, amount=Money(one.amount.minor, "CHF"))


def _amount_differs(made: Month, one: Told) -> None:
    _replaced(made.ours, one.event_id, amount=one.amount + Money(1, "EUR"))


def _billed_twice(made: Month, one: Told) -> None:
    again = msgspec.structs.replace(one, event_id=f"{one.event_id}-again")
    made.ours.append(again)
    made.theirs.append(again)


def _billed_not_subscribed(made: Month, one: Told) -> None:
    made.stands = [other for other in made.stands if (other.household, other.first) != (one.household, one.first)]
    made.plays = [other for other in made.plays if (other.household, other.first) != (one.household, one.first)]


def _subscribed_not_billed(made: Month, one: Told) -> None:
    _missing_here(made, one)
    _missing_there(made, one)


def _billed_cannot_play(made: Month, one: Told) -> None:
    made.plays = [other for other in made.plays if (other.household, other.first) != (one.household, one.first)]


def _billed_for_nothing(made: Month, one: Told) -> None:
    _billed_cannot_play(made, one)
    made.plays.append(Plays(household=one.household, service="Films", first=one.first, until=one.until, by=AllowedBy.NOBODY))


def _plays_unpaid(made: Month, one: Told) -> None:
    _subscribed_not_billed(made, one)
    made.stands = [other for other in made.stands if (other.household, other.first) != (one.household, one.first)]


FAULTS: dict[Kind, Callable[[Month, Told], None]] = {
    Kind.UNKNOWN_NAME: _unknown_name,
    Kind.EVENT_CONFLICTS: _event_conflicts,
    Kind.MISSING_HERE: _missing_here,
    Kind.MISSING_THERE: _missing_there,
    Kind.HOME_DIFFERS: _home_differs,
    Kind.PLAN_DIFFERS: _plan_differs,
    Kind.PERIOD_DIFFERS: _period_differs,
    Kind.CURRENCY_DIFFERS: _currency_differs,
    Kind.AMOUNT_DIFFERS: _amount_differs,
    Kind.BILLED_TWICE: _billed_twice,
    Kind.BILLED_NOT_SUBSCRIBED: _billed_not_subscribed,
    Kind.SUBSCRIBED_NOT_BILLED: _subscribed_not_billed,
    Kind.BILLED_CANNOT_PLAY: _billed_cannot_play,
    Kind.BILLED_FOR_NOTHING: _billed_for_nothing,
    Kind.PLAYS_UNPAID: _plays_unpaid,
}


def with_faults(seed: int, count: int, homes: int = 3_000) -> tuple[Month, dict[str, Kind]]:
    """A month with so many faults, of every kind in turn, each in a home of its own: by home what was put in."""
    made, chance = month(seed, homes), random.Random(seed + 1)
    within = [one for one in made.theirs if one.first < UNTIL and one.until > FIRST]
    chance.shuffle(within)
    chosen: dict[str, Told] = {}
    for one in within:
        chosen.setdefault(one.household, one)
    kinds = list(FAULTS)
    put = {}
    for number, one in enumerate(islice(chosen.values(), count)):
        kind = kinds[number % len(kinds)]
        FAULTS[kind](made, one)
        put["nobody's home" if kind is Kind.UNKNOWN_NAME else one.household] = kind
        if kind is Kind.UNKNOWN_NAME:
            _replaced(made.theirs, one.event_id, household=f"nobody's home {number}")
            put.pop("nobody's home")
            put[f"nobody's home {number}"] = kind
    return made, put


def _found(made: Month) -> dict[str, Kind]:
    return {one.household: one.kind for one in made.compare()}


@pytest.mark.parametrize("seed", range(3))
def test_a_month_without_faults_agrees(seed: int) -> None:
    assert month(seed).compare() == []
    assert month(seed).compare(date(2026, 11, 12), date(2026, 11, 13)) == []


@pytest.mark.parametrize("seed", range(3))
def test_fifty_faults_of_every_kind_are_found_and_no_other(seed: int) -> None:
    made, put = with_faults(seed, 50)
    found = made.compare()
    assert len(found) == 50
    assert {one.household: one.kind for one in found} == put
    assert set(Counter(put.values())) == set(Kind)
    assert all(one.ours and one.theirs and one.mends for one in found), "both sides, and what would mend it"


def test_to_tell_everything_twice_changes_nothing() -> None:
    made, _ = with_faults(7, 50)
    twice = Month(made.ours * 2, made.theirs * 2, made.stands * 2, made.plays * 2)
    assert twice.compare() == made.compare()
    shuffled = Month(made.ours[::-1], made.theirs[::-1], made.stands[::-1], made.plays[::-1])
    kinds = [(one.household, one.kind, one.first, one.until) for one in made.compare()]
    assert [(one.household, one.kind, one.first, one.until) for one in shuffled.compare()] == kinds


def apply(made: Month, mends: list[Mend]) -> None:
    """Record what mends say, on the side that is to record it. A side's own corrections are new events, never edits."""
    for number, mend in enumerate(mends):
        home: dict[str, Any] = {"household": mend.household, "service": mend.service, "plan": mend.plan}
        if mend.event is MendEvent.CHARGE and mend.at == US:
            assert mend.amount is not None
            assert mend.event_id is not None
            assert mend.event_id not in {one.event_id for one in made.ours}, "an event id is never given twice"
            assert mend.until is not None
            made.ours.append(
                Told(
                    event_id=mend.event_id,
                    **home,
                    first=mend.first,
                    until=mend.until,
                    amount=mend.amount,
                    corrects=mend.corrects,
                )
            )
        elif mend.event is MendEvent.CHARGE and mend.corrects is not None:  # the operator's next file has that row no more
            made.theirs = [one for one in made.theirs if one.event_id != mend.corrects]
            made.ours = [one for one in made.ours if one.event_id != mend.corrects]
        elif mend.event is MendEvent.CHARGE:
            assert mend.until is not None
            event = mend.event_id or f"billed late {number}"
            amount = PRICE[mend.plan] if mend.amount is None else mend.amount
            told = Told(event_id=event, **home, first=mend.first, until=mend.until, amount=amount)
            made.theirs.append(told)
            if mend.event_id is None:
                made.ours.append(told)
        elif mend.event is MendEvent.SUBSCRIBE:
            assert mend.until is not None
            made.stands.append(Stands(**home, first=mend.first, until=mend.until))
            made.plays.append(
                Plays(household=mend.household, service=mend.service, first=mend.first, until=mend.until, by=AllowedBy.OPERATOR)
            )
        elif mend.event is MendEvent.END:
            ends = {"until": mend.first}
            same = (mend.household, mend.service)
            made.stands = [
                msgspec.structs.replace(one, **ends) if (one.household, one.service) == same and one.until > mend.first else one
                for one in made.stands
            ]
            made.plays = [
                msgspec.structs.replace(one, **ends) if (one.household, one.service) == same and one.until > mend.first else one
                for one in made.plays
            ]
        elif mend.event is MendEvent.RESEND:
            first = next(one for one in made.theirs if one.event_id == mend.event_id)
            made.theirs = [one for one in made.theirs if one.event_id != mend.event_id] + [first]


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_proposed_mends_it(kind: Kind) -> None:
    made = month(11, 200)
    one = next(one for one in made.theirs if one.first < UNTIL and one.until > FIRST and one.until <= UNTIL + 20 * DAY)
    FAULTS[kind](made, one)
    (found,) = made.compare(FIRST - 60 * DAY, UNTIL + 60 * DAY)
    assert found.kind is kind
    for mend in found.mends:
        assert mend.at in (US, OPERATOR)
    apply(made, list(found.mends))
    assert made.compare(FIRST - 60 * DAY, UNTIL + 60 * DAY) == []


def test_a_charge_that_was_corrected_is_what_is_left_of_it() -> None:
    told = Told(event_id="e", household="h", service="s", plan="p", first=FIRST, until=UNTIL, amount=Money(799, "EUR"))
    back = msgspec.structs.replace(told, event_id="e.c1", amount=Money(-799, "EUR"), corrects="e")
    right = msgspec.structs.replace(told, event_id="e.c2", amount=Money(500, "EUR"), corrects="e")
    stands = Stands(household="h", service="s", plan="p", first=FIRST, until=UNTIL)
    plays = Plays(household="h", service="s", first=FIRST, until=UNTIL, by=AllowedBy.OPERATOR)
    billed = msgspec.structs.replace(told, amount=Money(500, "EUR"))
    assert reconcile([told, back, right], [billed], [stands], [plays], FIRST, UNTIL) == []
    (one,) = reconcile([told, back], [billed], [stands], [plays], FIRST, UNTIL)
    assert one.kind is Kind.MISSING_HERE
    assert one.mends[0].event_id == "e.c2", "its own id is spent"
    (one,) = reconcile([told, back, right], [told], [stands], [plays], FIRST, UNTIL)
    assert (one.kind, [mend.event_id for mend in one.mends]) == (Kind.AMOUNT_DIFFERS, ["e.c3", "e.c4"])


def test_a_fault_of_some_days_is_told_as_those_days() -> None:
    told = Told(event_id="e", household="h", service="s", plan="p", first=FIRST, until=UNTIL, amount=Money(799, "EUR"))
    plays = Plays(household="h", service="s", first=FIRST, until=UNTIL, by=AllowedBy.OPERATOR)
    stands = [
        Stands(household="h", service="s", plan="p", first=FIRST, until=FIRST + 5 * DAY),
        Stands(household="h", service="s", plan="p", first=FIRST + 8 * DAY, until=UNTIL),
    ]
    (one,) = reconcile([told], [told], stands, [plays], FIRST, UNTIL)
    assert (one.kind, one.first, one.until) == (Kind.BILLED_NOT_SUBSCRIBED, FIRST + 5 * DAY, FIRST + 8 * DAY)
    assert reconcile([told], [told], stands, [plays], FIRST, FIRST + 5 * DAY) == [], "another day is not asked about"


def test_where_the_agreement_asks_for_no_plan_a_subscription_owes_nothing() -> None:
    stands = Stands(household="h", service="s", plan="p", first=FIRST, until=UNTIL)
    free = Plays(household="h", service="s", first=FIRST, until=UNTIL, by=AllowedBy.NOBODY)
    assert reconcile([], [], [stands], [free], FIRST, UNTIL) == []


_DAYS = st.integers(0, 12).map(lambda number: FIRST + number * DAY)
_TOLD = st.builds(
    Told,
    event_id=st.sampled_from("abcd"),
    household=st.sampled_from("hi"),
    service=st.just("s"),
    plan=st.sampled_from("pq"),
    first=_DAYS,
    until=_DAYS.map(lambda day: day + 5 * DAY),
    amount=st.builds(Money, st.integers(1, 3), st.sampled_from(["EUR", "CHF"])),
    is_known=st.booleans(),
)


@settings(max_examples=150)
@given(
    st.lists(_TOLD, max_size=4),
    st.lists(_TOLD, max_size=5),
    st.lists(st.tuples(st.sampled_from("hi"), st.sampled_from("pq"), _DAYS), max_size=3),
    st.lists(st.tuples(st.sampled_from("hi"), _DAYS, st.sampled_from(list(AllowedBy))), max_size=3),
)
def test_whatever_is_told_twice_it_changes_nothing(
    ours: list[Told], theirs: list[Told], stands: list[tuple[str, str, date]], plays: list[tuple[str, date, AllowedBy]]
) -> None:
    ours = list({one.event_id: one for one in ours}.values())  # our own table has one row for each
    had = [Stands(household=home, service="s", plan=plan, first=day, until=day + 4 * DAY) for home, plan, day in stands]
    may = [Plays(household=home, service="s", first=day, until=day + 4 * DAY, by=by) for home, day, by in plays]
    once = reconcile(ours, theirs, had, may, FIRST, UNTIL)
    assert reconcile(ours * 2, theirs * 2, had * 2, may * 2, FIRST, UNTIL) == once
    assert reconcile(ours, [one for one in theirs if one.is_known], had, may, UNTIL, UNTIL) == [], "no day is asked about"
