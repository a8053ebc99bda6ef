"""`matinee subscription`, and what `matinee explain` tells of it; and the same from a scenario's file."""

import json
from pathlib import Path
from typing import Any

import pytest

from matinee.app import cli
from tests.app.stories import fibre_carries_films, homes_of_fibre

_PLAN = """
[[plans]]
service = "Films"
name = "Everything"
"""
_STORY = fibre_carries_films("A home with a plan, and one without", billing="operator") + homes_of_fibre(2) + _PLAN
_SUBSCRIPTION = """
[[subscriptions]]
operator = "Fibre"
household = "Fibre B-00001"
service = "Films"
plan = "{plan}"
seller = "operator"
since = 2026-02-01
until = {until}
"""
_AT = ("--at", "2026-02-10T12:00:00Z")


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command: (exit code, standard output, standard error)."""

    def run_it(*arguments: str) -> tuple[int, str, str]:
        code = cli.run([*arguments, "--data", str(tmp_path / "data")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_it


@pytest.fixture
def apply(run: Any, tmp_path: Path) -> Any:
    def apply_it(*, plan: str = "Everything", until: str = "2026-03-01", rest: str = "") -> tuple[int, str, str]:
        file = tmp_path / "story.toml"
        file.write_text(_STORY + _SUBSCRIPTION.format(plan=plan, until=until) + rest)
        result: tuple[int, str, str] = run("apply", str(file))
        return result

    return apply_it


def _entitlement(run: Any, *asked: str) -> Any:
    code, out, err = run("explain", "--service", "Films", *asked, "--json")
    assert code == 0, err
    return json.loads(out)["entitlement"]


def test_a_scenario_tells_of_a_home_with_a_plan_and_of_one_without(run: Any, apply: Any) -> None:
    code, out, err = apply()
    assert code == 0, err
    assert "Fibre B-00001 to Everything of Films: active since 2026-02-01" in out
    assert "Nothing is new" in apply()[1]
    assert _entitlement(run, "--box", "B-00001", *_AT)["may_play"]
    assert not _entitlement(run, "--box", "B-00002", *_AT)["may_play"]
    assert not _entitlement(run, "--box", "B-00001", "--at", "2026-01-31T22:59:59Z")["may_play"], (
        "an hour before midnight in Paris"
    )
    assert _entitlement(run, "--box", "B-00001", "--at", "2026-01-31T23:00:00Z")["may_play"]
    code, out, _ = apply(until="2026-02-05")
    assert (code, "1 recorded." in out) == (0, True)
    assert not _entitlement(run, "--household", "Fibre B-00001", *_AT)["may_play"], "a changed file corrects what it told"


def test_the_example_tells_of_both(run: Any) -> None:
    example = Path(__file__).parents[2] / "examples/plans.toml"
    assert run("apply", str(example))[0] == 0
    for box, may_play in (("HOME-00001", True), ("HOME-00002", False)):
        out = run("explain", "--service", "Ciné-club", "--box", box, "--at", "2026-02-10T20:00:00+01:00", "--json")[1]
        told = json.loads(out)
        assert (told["visible"], told["entitlement"]["may_play"]) == (True, may_play)


def test_a_scenario_that_tells_of_no_plan_or_no_home_is_refused(run: Any, apply: Any) -> None:
    assert "subscriptions[0]: There is no plan 'Another' of 'Films'" in apply(plan="Another")[2]
    rest = _SUBSCRIPTION.format(plan="Everything", until="2026-03-01").replace("B-00001", "nobody")
    assert "subscriptions[1]: There is no household 'Fibre nobody'" in apply(rest=rest)[2]
    assert json.loads(run("subscription", "list", "--json")[1]) == {"subscriptions": []}, "all of it, or nothing"


def test_from_no_plan_to_one_and_to_its_end(run: Any, apply: Any) -> None:
    assert apply()[0] == 0
    named = ("Fibre B-00002", "--service", "Films", "--plan", "Everything", "--seller", "operator")
    since = ("--since", "2026-02-05T00:00:00Z")
    code, out, err = run("subscription", "add", *named, *since, "--reference", "order 7", "--by", "a clerk")
    assert code == 0, err
    assert out.startswith("Fibre B-00002 subscribes to Everything: since 2026-02-05")
    code, out, _ = run("subscription", "add", *named, *since, "--reference", "order 7")
    assert (code, "recorded before under that reference" in out) == (0, True)
    assert _entitlement(run, "--box", "B-00002", *_AT)["may_play"]
    assert run("subscription", "end", *named, "--since", "2026-02-08T00:00:00Z")[0] == 0
    told = _entitlement(run, "--box", "B-00002", *_AT)
    assert (told["may_play"], told["seller"]) == (False, "operator")
    assert told["clauses"][2]["says"] == "The one sold by the operator has ended at 2026-02-08 01:00 Europe/Paris."
    rows = json.loads(run("subscription", "list", "--household", "Fibre B-00002", "--json")[1])["subscriptions"]
    assert [(row["state"], row["service"], row["plan"]) for row in rows] == [
        ("active", "Films", "Everything"),
        ("ended", "Films", "Everything"),
    ]
    code, out, _ = run("subscription", "list", "--service", "Films")
    assert (code, "Fibre B-00001" in out, "order 7" in out) == (0, True, True)


def test_explain_tells_the_two_decisions_apart(run: Any, apply: Any) -> None:
    assert apply()[0] == 0
    code, out, _ = run("explain", "--service", "Films", "--box", "B-00002", *_AT)
    assert code == 0
    there, plan = out.split("May the household at Fibre play Films")
    assert "The box has it." in there
    assert "plan" not in there
    assert "No subscription is recorded." in plan
    assert "OK plays nothing" in plan
    code, alone, _ = run("explain", "--service", "Films", "--household", "Fibre B-00001", *_AT)
    assert (code, "The box has it" in alone, "OK plays." in alone) == (0, False, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", "--service", "Films"), "--box BOX, or --household"),
        (("explain", "--service", "Films", "--household", "nobody"), "There is no household 'nobody'"),
        (("subscription", "add", "nobody", "--service", "Films", "--plan", "x"), "There is no household 'nobody'"),
        (("subscription", "add", "Fibre B-00001", "--service", "Nothing", "--plan", "x"), "There is no service 'Nothing'"),
        (("subscription", "end", "Fibre B-00001", "--service", "Films", "--plan", "x"), "There are: Everything."),
        (
            ("subscription", "add", "Fibre B-00001", "--service", "Films", "--plan", "x", "--since", "soon"),
            "--since is no moment",
        ),
    ],
)
def test_what_is_wrong_says_what_to_do(run: Any, apply: Any, arguments: tuple[str, ...], words: str) -> None:
    assert apply()[0] == 0
    code, _, err = run(*arguments)
    assert code == 1
    assert words in err


def test_what_a_plan_gives_is_told_and_changed(run: Any, apply: Any) -> None:
    assert apply()[0] == 0
    named = ("subscription", "limits", "--service", "Films", "--plan", "Everything")
    assert run(*named)[1].startswith("Everything: 2 films at once in a home, any height.")
    code, out, err = run(*named, "--streams", "1", "--max-height", "1080", "--by", "a clerk")
    assert (code, out.strip()) == (0, "Everything: one film at a time in a home, 1080 lines at most. Changed."), err
    told = json.loads(run(*named, "--max-height", "0", "--json")[1])
    assert (told["streams"], told["max_height"], told["is_new"]) == (1, None, True)
    assert run(*named, "--streams", "0")[0] != 0
    assert run("subscription", "limits", "--service", "Films", "--plan", "Nothing")[0] != 0
