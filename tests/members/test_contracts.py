"""The life of a subscription: which event is allowed from which state, and the same life in whatever order events come."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from matinee.base.clock import Instant
from matinee.base.ids import PlanId
from matinee.members.contracts import ALLOWED, Act, BillingEvent, Life, live, waits_for_link
from matinee.members.model import LIVE, PAYING, PLAYS
from matinee.members.model import SubscriptionState as State

A, B = PlanId("a"), PlanId("b")


def told(act: str, at: int, identifier: str = "", **words: Any) -> BillingEvent:
    plan = {"plan": A} if act in ("activate", "change") and "plan" not in words else {}
    return BillingEvent(id=identifier or f"{act} {at}", act=Act(act), at=Instant(at), **{**plan, **words})


def shown(life: Life) -> list[tuple[str, str, int]]:
    return [(span.state.value, span.plan, span.valid_from) for span in life.spans]


REACHED: dict[State | None, list[BillingEvent]] = {
    None: [],
    State.PENDING: [told("activate", 1, by_link=True)],
    State.ACTIVE: [told("activate", 1)],
    State.ENDING: [told("activate", 1), told("cancel", 2, until=Instant(100))],
    State.SUSPENDED: [told("activate", 1), told("suspend", 2)],
    State.GRACE: [told("activate", 1), told("grace", 2, until=Instant(100))],
    State.CANCELLED: [told("activate", 1), told("cancel", 2, until=Instant(3))],
    State.REVOKED: [told("activate", 1), told("revoke", 2)],
}
"""Events after which a subscription stands so at 10."""
BECOMES: dict[tuple[Act, State | None], State] = {
    (Act.ACTIVATE, None): State.ACTIVE,
    (Act.ACTIVATE, State.CANCELLED): State.ACTIVE,
    (Act.ACTIVATE, State.REVOKED): State.ACTIVE,
    (Act.OPEN, State.PENDING): State.ACTIVE,
    **{(Act.CHANGE, one): one for one in (State.PENDING, State.ACTIVE, State.GRACE, State.SUSPENDED)},
    **{(Act.SUSPEND, one): State.SUSPENDED for one in (State.ACTIVE, State.ENDING, State.GRACE)},
    (Act.GRACE, State.ACTIVE): State.GRACE,
    **{(Act.RESUME, one): State.ACTIVE for one in (State.SUSPENDED, State.GRACE, State.ENDING)},
    (Act.CANCEL, State.PENDING): State.CANCELLED,
    (Act.CANCEL, State.ACTIVE): State.ENDING,
    (Act.CANCEL, State.GRACE): State.GRACE,
    (Act.CANCEL, State.SUSPENDED): State.SUSPENDED,
    **{(Act.REVOKE, one): State.REVOKED for one in LIVE},
    **{(Act.CLOSE, one): State.CANCELLED for one in LIVE},
}
"""The table once more, by hand. What is not in it is not allowed."""


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", REACHED, ids=str)
def test_which_event_is_allowed_from_which_state(act: Act, state: State | None) -> None:
    before = live(REACHED[state])
    held = before.at(Instant(10))
    assert (None if held is None else held.state) == state
    event = told(act, 10, until=Instant(50) if act in (Act.CANCEL, Act.GRACE) else None)
    after = live([*REACHED[state], event])
    wanted = BECOMES.get((act, state))
    assert (wanted is not None) == (state in ALLOWED[act]) == (event.id not in after.unfit)
    if wanted is None:
        assert (after.spans, after.unfit) == (before.spans, {event.id: state})
    else:
        assert (found := after.at(Instant(10))) is not None
        assert found.state is wanted


def test_what_time_does_by_itself() -> None:
    late = [told("activate", 1), told("grace", 5, until=Instant(8))]
    assert shown(live(late)) == [("active", A, 1), ("grace", A, 5), ("suspended", A, 8)]
    cancelled = [*late, told("cancel", 6, until=Instant(12))]
    assert shown(live(cancelled)) == [("active", A, 1), ("grace", A, 5), ("suspended", A, 8), ("cancelled", A, 12)]
    paid = [*cancelled, told("resume", 9)]
    assert shown(live(paid))[3:] == [("ending", A, 9), ("cancelled", A, 12)], "what was held back goes on to the end that it had"
    again = [*paid, told("resume", 10)]
    assert shown(live(again))[4:] == [("active", A, 10)], "and a second yes takes the cancel back"
    assert live([*again, told("resume", 12)]).unfit == {"resume 12": State.ACTIVE}


def test_a_change_takes_the_other_plan_from_its_moment_on() -> None:
    life = live([told("change", 4, plan=B), told("activate", 1), told("revoke", 9)])
    assert shown(life) == [("active", A, 1), ("active", B, 4), ("revoked", B, 9)]
    assert [span.valid_to for span in life.spans] == [4, 9, None]


def test_what_is_handed_over_begins_when_what_was_paid_ends() -> None:
    begun = told("activate", 1, begins_at=Instant(20), hands_over=True)
    assert shown(live([begun])) == [("pending", A, 1), ("active", A, 20)]
    assert shown(live([begun, told("revoke", 5)])) == [("pending", A, 1), ("revoked", A, 5)]
    assert live([begun, told("open", 5)]).unfit == {"open 5": State.PENDING}, "it waits for no link"


@pytest.mark.parametrize(
    ("shows", "events", "waits"),
    [
        ("nothing was sold", [], False),
        ("sold by link", [told("activate", 1, by_link=True)], True),
        ("without one", [told("activate", 1)], False),
        ("it waits for another's end", [told("activate", 1, begins_at=Instant(90))], False),
        ("opened at this very moment", [told("activate", 1, by_link=True), told("open", 10)], False),
        ("opened later", [told("activate", 1, by_link=True), told("open", 11)], True),
        ("cancelled", [told("activate", 1, by_link=True), told("revoke", 10)], False),
    ],
)
def test_what_waits_for_its_link(shows: str, events: list[BillingEvent], waits: bool) -> None:
    assert waits_for_link(events, Instant(10)) is waits, shows


def test_a_late_event_takes_its_place_and_undoes_what_no_longer_fits() -> None:
    known = [told("activate", 1), told("suspend", 10)]
    assert live([*known, told("revoke", 5)]).unfit == {"suspend 10": State.REVOKED}
    back = [*known, told("revoke", 5), told("activate", 7)]
    assert shown(live(back)) == [("active", A, 1), ("revoked", A, 5), ("active", A, 7), ("suspended", A, 10)]


_events = st.lists(
    st.builds(
        lambda act, at, plan, length, by_link, late: BillingEvent(
            id="",
            act=act,
            at=Instant(at),
            plan=plan if act in (Act.ACTIVATE, Act.CHANGE) else None,
            until=Instant(at + length) if act in (Act.CANCEL, Act.GRACE) else None,
            by_link=by_link and act is Act.ACTIVATE,
            begins_at=Instant(at + length) if late and act in (Act.ACTIVATE, Act.OPEN) else None,
        ),
        st.sampled_from(list(Act)),
        st.integers(0, 8),
        st.sampled_from([A, B]),
        st.integers(-1, 6),
        st.booleans(),
        st.booleans(),
    ),
    max_size=5,
)


@given(_events)
@settings(max_examples=150, deadline=None)
def test_every_order_of_delivery_gives_one_life(drawn: list[BillingEvent]) -> None:
    events = [replace(event, id=f"event {number}") for number, event in enumerate(drawn)]
    lives = {(life.spans, tuple(sorted(life.unfit))) for life in map(live, itertools.permutations(events))}
    assert len(lives) == 1
    ((spans, _),) = lives
    assert all(one.valid_to == other.valid_from for one, other in itertools.pairwise(spans)), "no gap, no overlap"
    assert all(one.valid_to is None or one.valid_from < one.valid_to for one in spans)
    assert spans[-1].valid_to is None if spans else all(event.id in live(events).unfit for event in events)


def test_what_each_state_means() -> None:
    assert {State.ACTIVE, State.ENDING, State.GRACE} == PLAYS
    assert {State.SUSPENDED} == PAYING - PLAYS
    assert {State.PENDING} == LIVE - PAYING
