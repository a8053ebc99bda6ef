"""Rules in CEL: what they may say of a box, what is refused before it is compiled, and what a trial in a child finds."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.ids import BoxId, BoxModelId
from matinee.carriage import trial
from matinee.carriage.expressions import FIELDS, asks_for_one_box, check, evaluate, facts_of
from matinee.carriage.model import BoxView, CarriageError, Clause, ClauseName, Shows
from matinee.carriage.rules import decide
from matinee.carriage.trial import Example, try_rule
from matinee.fleet.model import BoxModel, Interface
from matinee.outside.processes import Limits
from tests.carriage.test_decide import FRENCH, S, day, launch, signed

PLAY = BoxModel(
    id=BoxModelId("m"),
    oui="00AF01",
    product_class="LiveboxPlay",
    name="Livebox Play",
    capabilities={"codecs": ["avc1", "av01"], "memory_mb": 1024, "drm": "wrong type", "hdcp": "2.2"},
)
VIEW = BoxView(
    box=BoxId("b"),
    model=BoxModelId("m"),
    model_name="Livebox Play",
    serial="X-7",
    interface=Interface(product="polaris", version="2.1"),
)

HOLDS = [
    ('box.model == "Livebox Play"', True),
    ("box.product_class == 'LiveboxPlay' && box.oui == '00AF01'", True),
    ('box.codecs.exists(c, c == "av01")', True),
    ('"hvc1" in box.codecs', False),
    ("box.memory_mb >= 1024", True),
    ("box.version_major >= 2 && box.product == 'polaris'", True),
    ('box.serial in ["X-7", "X-8"]', True),
    ("size(box.drm) == 0", True),
    ('box.identity == "verified"', False),
    ("!(box.memory_mb < 512 || box.hdcp == '')", True),
    ("box.model.startsWith('Livebox') ? box.memory_mb > 1 : false", True),
]


@pytest.mark.parametrize(("rule", "holds"), HOLDS, ids=[row[0] for row in HOLDS])
def test_a_rule_says_of_a_box(rule: str, holds: bool) -> None:
    check(rule)
    assert evaluate(rule, facts_of(VIEW, PLAY)) is holds
    clause = decided(rule)
    assert (clause.holds, clause.says.endswith(rule)) == (holds, True)


def decided(rule: str, view: BoxView = VIEW) -> Clause:
    decision = decide(S, FRENCH, [signed()], [launch("open", rule=rule)], view, day(1), None, PLAY)
    clause = next(one for one in decision.clauses if one.name is ClauseName.RULE)
    assert decision.shows is (Shows.PLAYABLE if clause.holds else Shows.COMING)
    return clause


def test_a_screen_without_a_box_meets_no_rule() -> None:
    assert not decided("true == true", BoxView()).holds


REFUSED: list[tuple[str, str, str]] = [
    ("empty", "  ", "it is empty"),
    ("too long", 'box.model == "' + "x" * 2000 + '"', "2,000 are the most"),
    ("too deep", "(" * 40 + "true" + ")" * 40, "nested deeper"),
    ("too many words", " + ".join(["1"] * 300) + " == 1", "more than 400 words"),
    ("an unknown field", "box.colour == 'red'", "box.colour, which is not known"),
    ("an unknown name", "household.age > 3", "'household', which is not known"),
    ("an unknown function", "now() > 3", "'now', which is not known"),
    ("a method that is none of ours", "box.model.split('x') == []", "'split', which is not known"),
    ("the box as a whole", "box == box", "`box` as a whole"),
    ("two comprehensions", "box.codecs.all(a, box.drm.all(b, a == b))", "2 comprehensions"),
    ("many, one in another", "[1,2].map(x, [1,2].map(y, [1].map(z, x)))", "3 comprehensions"),
    ("code behind three quotes", '"""a"in""" == box.model || box.serial == \'A\' // "', "a text of another form"),
    ("a comment", "true // box.serial", "a comment"),
    ("a raw text", 'box.codecs.exists(r, r"\\" == "x")', "a text of another form"),
    ("bytes", "b'x' == b'x'", "a text of another form"),
    ("nesting behind brackets that close first", ")" * 30 + "(" * 30, "nested deeper"),
    ("no CEL", "box.model ==", "cannot be read"),
    ("brackets that do not close", "(true", "cannot be read"),
    ("a sign that no rule holds", "box.model == `x`", "'`' at character 14"),
    ("braces", "{1: 2} == {}", "'{' at character 1"),
    ("a control character", "true\x00", "no rule may hold"),
    ("not ASCII outside of text", "bøx.model == 'x'", "which no rule may hold"),
]


@pytest.mark.parametrize(("shows", "rule", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_refused_before_it_runs(shows: str, rule: str, says: str) -> None:
    with pytest.raises(CarriageError) as refused:
        check(rule)
    assert says in refused.value.message, shows
    assert refused.value.remedy


FAULTS = [
    ("no boolean", "box.memory_mb + 1", "gives int"),
    ("divided by nothing", "1 / box.memory_mb == 1", "cannot be evaluated"),
    ("beyond the end", 'box.codecs[0] == "x"', "cannot be evaluated"),
    ("two types", 'box.model + 1 == "x"', "cannot be evaluated"),
]


@pytest.mark.parametrize(("shows", "rule", "says"), FAULTS, ids=[row[0] for row in FAULTS])
def test_a_fault_is_found_by_the_trial_and_is_no_service_where_it_happens(shows: str, rule: str, says: str) -> None:
    with pytest.raises(CarriageError, match=says):
        try_rule(rule)
    with pytest.raises(CarriageError):
        evaluate(rule, {})
    bare = BoxModel(id=BoxModelId("m"), oui="", product_class="", name="", capabilities={})
    decision = decide(S, FRENCH, [signed()], [launch("open", rule=rule)], VIEW, day(1), None, bare)
    assert not decision.visible


def test_an_operators_examples_are_tried_with_its_rule() -> None:
    rule = "box.memory_mb >= 512"
    good = (Example(box={"memory_mb": 512}, holds=True), Example(box={}, holds=False))
    try_rule(rule, good)
    with pytest.raises(CarriageError, match="holds for example 3"):
        try_rule(rule, (*good, Example(box={"memory_mb": 4096}, holds=False)))
    with pytest.raises(CarriageError, match=r"Example 1 has box.colour"):
        try_rule(rule, (Example(box={"colour": "red"}, holds=True),))
    with pytest.raises(CarriageError, match=r"box.memory_mb that is no int"):
        try_rule(rule, (Example(box={"memory_mb": "much"}, holds=True),))


def test_a_rule_that_takes_its_time_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LIMITS", Limits(wall_seconds=0.01))  # less than the child's start: as a rule without end
    with pytest.raises(CarriageError, match="came to no end"):
        try_rule("box.memory_mb > 1")


def test_boxes_of_one_kind_are_told_apart_by_serial_alone() -> None:
    assert asks_for_one_box('box.serial == "1"')
    assert not asks_for_one_box('box.model == "box.serial"'), "what stands in a text is no name"


def ends(rule: str) -> None:
    """A rule is refused, cannot be evaluated, or says yes or no: nothing else comes of it."""
    with contextlib.suppress(CarriageError):
        check(rule)
        assert isinstance(evaluate(rule, {}), bool)


@given(st.text(max_size=60))
def test_whatever_is_typed_ends_in_an_answer_or_a_refusal(rule: str) -> None:
    ends(rule)


_PIECES = st.sampled_from(
    [
        "box",
        ".",
        *FIELDS,
        "codecs",
        "exists",
        "(",
        ")",
        "c",
        ",",
        "==",
        "&&",
        "||",
        "!",
        "1",
        '"x"',
        "in",
        "[",
        "]",
        "size",
        "?",
        ":",
    ]
)


@given(st.lists(_PIECES, max_size=14).map(" ".join))
def test_whatever_is_built_of_its_words_too(rule: str) -> None:
    ends(rule)


def test_a_trial_knows_the_fullest_box_and_no_box_is_fuller() -> None:
    """A fault that shows on a box with something of everything is found before the rule is recorded."""
    with pytest.raises(CarriageError, match="cannot be evaluated"):
        try_rule('size(box.codecs) > 0 && box.codecs[40] == "x"')
    endless = BoxModel(
        id=BoxModelId("m"), oui="", product_class="", name="", capabilities={"codecs": ["x"] * 10_000, "hdcp": "y" * 999}
    )
    facts = facts_of(VIEW, endless)
    assert (facts["codecs"], facts["hdcp"]) == ([], "")
    mixed = BoxModel(id=BoxModelId("m"), oui="", product_class="", name="", capabilities={"codecs": ["x", 7]})
    assert facts_of(VIEW, mixed)["codecs"] == []
