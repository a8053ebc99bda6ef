"""Whether a box has a service: tables of (what it shows, the launch, the box, the day, what comes of it)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import DAY, HOUR, Instant
from matinee.base.ids import AgreementId, BoxId, BoxModelId, LaunchId, OperatorId, ServiceId
from matinee.carriage.model import (
    Agreement,
    AgreementStatus,
    Blackout,
    BoxView,
    ClauseName,
    Discoverability,
    Launch,
    LaunchState,
    Shows,
)
from matinee.carriage.rules import decide, leaves_at, milestones, next_decision
from matinee.fleet.model import BoxIdentity, BoxModel, Interface, Operator
from tests.world import NOW

S, OPERATOR = ServiceId("s"), OperatorId("o")
FRENCH = Operator(id=OPERATOR, name="Fibre", country="FR", timezone="Europe/Paris")
NEW, OLD = BoxModelId("new"), BoxModelId("old")


def day(number: float) -> Instant:
    return Instant(NOW + int(number * DAY))


def signed(**changes: Any) -> Agreement:
    words = {"status": AgreementStatus.SIGNED, "valid_from": NOW, "recorded_at": NOW} | changes
    return Agreement(id=AgreementId(""), operator=OPERATOR, service=S, **words)


def launch(state: str, since: float = 0, known: float | None = None, **changes: Any) -> Launch:
    words = {"technical_at": NOW} | changes
    return Launch(
        id=LaunchId("l"),
        operator=OPERATOR,
        service=S,
        state=LaunchState(state),
        valid_from=day(since),
        recorded_at=day(since if known is None else known),
        **words,
    )


def box(model: str = NEW, version: str | None = "2", **changes: Any) -> BoxView:
    interface = None if version is None else Interface(product="polaris", version=version)
    return BoxView(box=BoxId("b"), model=BoxModelId(model), model_name=model, interface=interface, **changes)


NEWEST: dict[str, Any] = {"models": (NEW,), "interface": Interface(product="polaris", version="2")}
BY_ID, BY_SERIAL = frozenset({"b"}), frozenset({"00AFFF-New-Class-7-8"})
CLASS = BoxModel(id=NEW, oui="00AFFF", product_class="New-Class", name="new")
MONTH = {"announced_for": "2014-11"}

TABLE: list[tuple[str, list[Launch], BoxView, float, Shows]] = [
    ("no launch is no service", [], box(), 1, Shows.NOTHING),
    ("planned", [launch("planned")], box(), 1, Shows.NOTHING),
    ("silent, and the box is of the right kind", [launch("silent", **NEWEST)], box(), 1, Shows.PLAYABLE),
    ("silent, on an older interface: not a word", [launch("silent", **NEWEST)], box(version="1.9"), 1, Shows.NOTHING),
    ("silent, on an older model: not a word", [launch("silent", **NEWEST)], box(OLD), 1, Shows.NOTHING),
    ("silent, before the technical date", [launch("silent", technical_at=day(2))], box(), 1, Shows.NOTHING),
    ("silent, at the technical date", [launch("silent", technical_at=day(2))], box(), 2, Shows.PLAYABLE),
    ("announced, and the box has it already", [launch("announced", **NEWEST, **MONTH)], box(), 1, Shows.PLAYABLE),
    ("announced, on an older interface", [launch("announced", **NEWEST, **MONTH)], box(version="1"), 1, Shows.COMING),
    ("announced, on an older model", [launch("announced", **NEWEST, **MONTH)], box(OLD), 1, Shows.COMING),
    ("announced without a technical date", [launch("announced", technical_at=None)], box(), 1, Shows.COMING),
    ("announced under embargo", [launch("announced", technical_at=None, embargo_until=day(3))], box(), 2, Shows.NOTHING),
    ("the embargo is over", [launch("announced", technical_at=None, embargo_until=day(3))], box(), 3, Shows.COMING),
    ("open, on an older interface", [launch("open", **NEWEST)], box(version="1"), 1, Shows.UPDATE_NEEDED),
    ("open, on an older model", [launch("open", **NEWEST)], box(OLD, "1"), 1, Shows.NOT_ON_THIS_BOX),
    ("open, no interface was confirmed", [launch("open", **NEWEST)], box(version=None), 1, Shows.UPDATE_NEEDED),
    ("open, a later interface", [launch("open", **NEWEST)], box(version="10.1"), 1, Shows.PLAYABLE),
    ("open, 2.0 is 2", [launch("open", **NEWEST)], box(version="2.0"), 1, Shows.PLAYABLE),
    ("open, another product", [launch("open", interface=Interface(product="x", version="1"))], box(), 1, Shows.UPDATE_NEEDED),
    ("open, a screen without a box", [launch("open", **NEWEST)], BoxView(), 1, Shows.NOT_ON_THIS_BOX),
    ("open to all, a screen without a box", [launch("open")], BoxView(), 1, Shows.PLAYABLE),
    ("open, to be found nowhere", [launch("open", discoverability=Discoverability.HIDDEN)], box(), 1, Shows.NOTHING),
    ("hidden is told to nobody", [launch("open", discoverability=Discoverability.HIDDEN, **NEWEST)], box(OLD), 1, Shows.NOTHING),
    ("an older model of a share: never coming", [launch("open", share=0, **NEWEST)], box(OLD), 1, Shows.NOT_ON_THIS_BOX),
    ("an older model, before the date", [launch("open", technical_at=day(9), **NEWEST)], box(OLD), 1, Shows.NOT_ON_THIS_BOX),
    ("paused", [launch("paused")], box(), 1, Shows.NOTHING),
    ("killed", [launch("open"), launch("killed", 2)], box(), 2, Shows.NOTHING),
    ("before it was killed", [launch("open"), launch("killed", 2)], box(), 1, Shows.PLAYABLE),
    ("ended", [launch("open"), launch("ended", 2)], box(), 3, Shows.NOTHING),
    ("a clone has nothing and hears nothing", [launch("open")], box(identity=BoxIdentity.CLONED), 1, Shows.NOTHING),
    ("quarantined", [launch("open")], box(identity=BoxIdentity.QUARANTINED), 1, Shows.NOTHING),
    ("unverified is no distrust", [launch("open")], box(identity=BoxIdentity.UNVERIFIED), 1, Shows.PLAYABLE),
    ("for no box yet", [launch("open", share=0)], box(), 1, Shows.COMING),
    ("for a hundredth of a percent too few", [launch("open", share=9_999, salt="t")], box(), 1, Shows.PLAYABLE),
    ("named, of no share", [launch("open", share=0, named=BY_ID)], box(), 1, Shows.PLAYABLE),
    ("named, against the rule", [launch("open", rule="false", named=BY_ID)], box(), 1, Shows.PLAYABLE),
    ("another is named", [launch("open", share=0, named=frozenset({"other"}))], box(), 1, Shows.COMING),
    ("named by serial", [launch("silent", share=0, named=BY_SERIAL)], box(serial="7-8"), 1, Shows.PLAYABLE),
    ("named by another serial", [launch("silent", share=0, named=BY_SERIAL)], box(serial="8"), 1, Shows.NOTHING),
    ("named, on an older model", [launch("open", share=0, named=BY_ID, **NEWEST)], box(OLD), 1, Shows.NOT_ON_THIS_BOX),
    ("named, on an older interface", [launch("open", named=BY_ID, **NEWEST)], box(version="1"), 1, Shows.UPDATE_NEEDED),
    ("named, and held", [launch("open", named=BY_ID)], box(identity=BoxIdentity.CLONED), 1, Shows.NOTHING),
    ("named, before the date", [launch("open", named=BY_ID, technical_at=day(2))], box(), 1, Shows.COMING),
    ("named, and killed", [launch("killed", named=BY_ID)], box(), 1, Shows.NOTHING),
    ("excluded", [launch("open", excluded=BY_ID)], box(), 1, Shows.NOTHING),
    (
        "excluded, and of the share",
        [launch("open", share=9_999, salt="t", excluded=BY_SERIAL)],
        box(serial="7-8"),
        1,
        Shows.NOTHING,
    ),
    ("another is excluded", [launch("open", excluded=frozenset({"other"}))], box(), 1, Shows.PLAYABLE),
    ("a screen without a box is never named", [launch("open", share=0, named=frozenset({""}))], BoxView(), 1, Shows.COMING),
    ("a blackout lasts", [launch("open", blackouts=(Blackout(start=day(1), end=day(2)),))], box(), 1, Shows.NOTHING),
    ("the blackout is over", [launch("open", blackouts=(Blackout(start=day(1), end=day(2)),))], box(), 2, Shows.PLAYABLE),
]


@pytest.mark.parametrize(("shows", "launches", "view", "at", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_what_a_box_is_shown(shows: str, launches: list[Launch], view: BoxView, at: float, expected: Shows) -> None:
    decision = decide(S, FRENCH, [signed()], launches, view, day(at), model=CLASS)
    assert decision.shows is expected, (shows, decision.clauses)
    assert decision.visible is (expected is Shows.PLAYABLE)
    assert bool(decision.announced_for) is (expected is Shows.COMING and launches[-1].announced_for != "")
    if not decision.visible:
        assert decision.discoverability is Discoverability.HIDDEN


@pytest.mark.parametrize("status", [one for one in AgreementStatus if one is not AgreementStatus.SIGNED])
def test_without_a_signed_agreement_no_launch_helps_and_nobody_hears(status: AgreementStatus) -> None:
    decision = decide(S, FRENCH, [signed(status=status, reason="no peering")], [launch("open")], box(), day(1))
    assert decision.shows is Shows.NOTHING
    failed = decision.first_failed
    assert failed is not None
    assert failed.name is ClauseName.AGREEMENT
    assert "no peering" in failed.says


def test_a_territory_that_is_not_in_the_agreement_overrules() -> None:
    assert decide(S, FRENCH, [signed(territories=("BE", "FR"))], [launch("open")], box(), day(1)).visible
    abroad = decide(S, FRENCH, [signed(territories=("BE",))], [launch("open")], box(), day(1))
    assert abroad.shows is Shows.NOTHING
    assert decide(S, None, [signed(territories=("FR",))], [launch("open")], box(), day(1)).shows is Shows.NOTHING


def test_live_on_the_second_and_known_on_the_tenth() -> None:
    facts = [launch("silent", 2, known=10)]
    assert decide(S, FRENCH, [signed()], facts, box(), day(4)).visible, "as it was"
    assert not decide(S, FRENCH, [signed()], facts, box(), day(4), known_at=day(5)).visible, "as it was known then"
    assert decide(S, FRENCH, [signed()], facts, box(), day(4), known_at=day(10)).visible


def test_every_clause_answers_also_when_the_first_fails() -> None:
    decision = decide(S, FRENCH, [], [launch("silent", **NEWEST)], box(OLD, "1"), day(1))
    assert [clause.name for clause in decision.clauses] == list(ClauseName)
    says = {clause.name: clause.says for clause in decision.clauses if not clause.holds}
    assert set(says) == {ClauseName.AGREEMENT, ClauseName.MODEL, ClauseName.INTERFACE}
    assert says[ClauseName.MODEL].startswith("Not on this model")
    assert says[ClauseName.INTERFACE].startswith("Update needed")


def test_a_named_box_is_explained_and_drawn_from_no_share() -> None:
    facts = [launch("open", share=1, salt="t", rule="false", named=BY_ID)]
    decision = decide(S, FRENCH, [signed()], facts, box(), day(1))
    says = {clause.name.value: clause.says for clause in decision.clauses}
    assert says["named"] == "The launch names this box: it goes ahead of rule and share."
    assert (says["rule"], says["share"]) == (
        "The box is named: the rule is not asked.",
        "The box is named: the share is not drawn.",
    )
    assert not decision.share_drawn
    excluded = decide(S, FRENCH, [signed()], [launch("open", excluded=BY_ID)], box(), day(1))
    assert excluded.first_failed is not None
    assert excluded.first_failed.says == "The launch excludes this box."


def test_what_is_said_names_the_operators_own_days() -> None:
    midnight = Instant(1412200800000)  # 2014-10-02 00:00 in Paris, the day before in UTC
    facts = [launch("open", technical_at=midnight)]
    says = decide(S, FRENCH, [signed(valid_from=midnight)], facts, box(), day(100)).clauses
    assert "2014-10-02" in says[0].says
    assert "2014-10-02 00:00 Europe/Paris" in next(one.says for one in says if one.name is ClauseName.TECHNICAL_DATE)


def test_a_pause_lets_films_run_and_a_kill_ends_them() -> None:
    for state, runs_on in (("open", True), ("paused", True), ("killed", False), ("ended", False), ("planned", False)):
        assert decide(S, FRENCH, [signed()], [launch(state)], box(), day(1)).plays_on is runs_on, state
    paused_elsewhere = decide(S, FRENCH, [signed(territories=("BE",))], [launch("paused")], box(), day(1))
    assert not paused_elsewhere.plays_on, "a territory overrules"


OTHERS: dict[str, Any] = {"elsewhere": True, **NEWEST}
HIDDEN = Discoverability.HIDDEN

ELSEWHERE: list[tuple[str, list[Launch], BoxView, Discoverability, bool]] = [
    ("open, on an older model", [launch("open", **OTHERS)], box(OLD, "1"), Discoverability.ROW, True),
    ("by search alone", [launch("open", discoverability="search", **OTHERS)], box(OLD), Discoverability("search"), True),
    ("the launch does not say so", [launch("open", **NEWEST)], box(OLD), HIDDEN, False),
    ("silent: not a word", [launch("silent", **OTHERS)], box(OLD), HIDDEN, False),
    ("announced, and not open", [launch("announced", **OTHERS)], box(OLD), HIDDEN, False),
    ("under embargo", [launch("open", embargo_until=day(2), **OTHERS)], box(OLD), HIDDEN, False),
    ("before the date", [launch("open", technical_at=day(2), **OTHERS)], box(OLD), HIDDEN, False),
    ("it is the interface that is missing", [launch("open", **OTHERS)], box(version="1"), HIDDEN, False),
    ("not of the share: a wave is for other screens too", [launch("open", share=0, **OTHERS)], box(OLD), HIDDEN, False),
    ("not by the rule", [launch("open", rule="false", **OTHERS)], box(OLD), HIDDEN, False),
    ("named, of no share", [launch("open", share=0, named=BY_ID, **OTHERS)], box(OLD), Discoverability.ROW, True),
    ("excluded", [launch("open", excluded=BY_ID, **OTHERS)], box(OLD), HIDDEN, False),
    ("held", [launch("open", **OTHERS)], box(OLD, identity=BoxIdentity.CLONED), HIDDEN, False),
    ("a home without a box", [launch("open", **OTHERS)], BoxView(), HIDDEN, False),
    ("the box has it", [launch("open", **OTHERS)], box(), HIDDEN, False),
    ("a pause takes no new plays, and lets films run", [launch("paused", **OTHERS)], box(OLD), HIDDEN, True),
    ("killed", [launch("killed", **OTHERS)], box(OLD), HIDDEN, False),
]


@pytest.mark.parametrize(("shows", "launches", "view", "found_by", "plays_on"), ELSEWHERE, ids=[row[0] for row in ELSEWHERE])
def test_what_other_screens_have_where_the_boxs_model_cannot(
    shows: str, launches: list[Launch], view: BoxView, found_by: Discoverability, plays_on: bool
) -> None:
    launches = [msgspec.convert(msgspec.to_builtins(one), Launch) for one in launches]
    decision = decide(S, FRENCH, [signed()], launches, view, day(1), model=CLASS)
    assert (decision.elsewhere, decision.elsewhere_plays_on) == (found_by, plays_on), shows
    if found_by is not HIDDEN:
        assert decision.shows is Shows.NOT_ON_THIS_BOX


def test_first_announced_and_first_live_are_two_moments() -> None:
    assert milestones([launch("announced", 0, technical_at=None)]) == (day(0), None)
    assert milestones([launch("silent", 2), launch("announced", 5)]) == (day(5), day(2))
    assert milestones([launch("announced", 1, embargo_until=day(3), technical_at=day(9))]) == (day(3), day(9))
    assert milestones([launch("planned")]) == (None, None)
    assert milestones([]) == (None, None)


_LAUNCHES = st.lists(
    st.builds(
        lambda state, since, known, until, technical, embargo: launch(
            state,
            since,
            known,
            valid_to=None if until is None else day(since + until),
            technical_at=None if technical is None else day(technical),
            embargo_until=None if embargo is None else day(embargo),
        ),
        st.sampled_from([state.value for state in LaunchState]),
        st.integers(0, 6),
        st.integers(0, 6),
        st.none() | st.integers(1, 4),
        st.none() | st.integers(0, 8),
        st.none() | st.integers(0, 8),
    ),
    max_size=5,
)


@given(_LAUNCHES, st.integers(0, 9 * 24))
def test_nothing_changes_before_the_next_decision(launches: list[Launch], hour: int) -> None:
    at = Instant(NOW + hour * HOUR)
    now = decide(S, FRENCH, [signed()], launches, box(), at)
    change = next_decision([signed()], launches, at)
    for later in range(hour, 12 * 24):
        moment = Instant(NOW + later * HOUR)
        if change is not None and moment >= change:
            break
        assert decide(S, FRENCH, [signed()], launches, box(), moment).shows is now.shows


@pytest.mark.parametrize(
    ("shows", "agreements", "launches", "expected"),
    [
        ("no end is known", [signed()], [launch("open")], None),
        ("the agreement's end", [signed(valid_to=day(9))], [launch("open")], day(9)),
        ("one follows", [signed(valid_to=day(9)), signed(valid_from=day(9), recorded_at=day(1))], [launch("open")], None),
        ("an end that is told later", [signed(), signed(valid_to=day(9), recorded_at=day(1))], [launch("open")], day(9)),
        ("with a gap", [signed(valid_to=day(9)), signed(valid_from=day(10), recorded_at=day(1))], [launch("open")], day(9)),
        ("the launch's end", [signed()], [launch("open", valid_to=day(7))], day(7)),
        ("an end that is recorded ahead", [signed()], [launch("open"), launch("ended", 5, known=1)], day(5)),
        ("a change that is no end", [signed()], [launch("silent"), launch("open", 5, known=1)], None),
        ("the first of two", [signed(valid_to=day(9))], [launch("open", valid_to=day(7))], day(7)),
        ("a blackout", [signed()], [launch("open", blackouts=(Blackout(start=day(3), end=day(4)),))], None),
    ],
)
def test_when_a_service_goes(shows: str, agreements: list[Agreement], launches: list[Launch], expected: Instant | None) -> None:
    assert leaves_at(agreements, launches, day(2)) == expected, shows
