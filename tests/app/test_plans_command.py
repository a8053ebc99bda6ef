"""`matinee plans`: prices, trials and offers, as they are typed and listed."""

import json
from pathlib import Path
from typing import Any

import pytest

from matinee.app import cli
from tests.app.stories import fibre_carries_films, homes_of_fibre

_STORY = (
    fibre_carries_films("A plan with terms", billing="operator")
    + homes_of_fibre(1)
    + '\n[[plans]]\nservice = "Films"\nname = "Everything"\n'
)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command on an installation with a plan: (exit code, standard output, standard error)."""

    def run_it(*arguments: str) -> tuple[int, str, str]:
        code = cli.run([*arguments, "--data", str(tmp_path / "data")])
        said = capsys.readouterr()
        return code, said.out, said.err

    story = tmp_path / "story.toml"
    story.write_text(_STORY)
    assert run_it("apply", str(story))[0] == 0
    return run_it


def test_terms_are_set_and_listed(run: Any) -> None:
    of = ("--service", "Films")
    code, out, err = run("plans", "price", "Everything", "FR", "799", "EUR", *of, "--from", "2026-02-01", "--by", "a clerk")
    assert (code, out, err) == (0, "Everything: 799 EUR in FR from 2026-02-01.\n", "")
    assert "recorded before" in run("plans", "price", "Everything", "FR", "799", "EUR", *of, "--from", "2026-02-01")[1]
    assert run("plans", "price", "Everything", "FR", *of, "--from", "2027-02-01")[1].startswith("Everything: not sold in FR")
    assert run("plans", "trial", "Everything", "7", *of)[0] == 0
    assert run("plans", "offer", "Everything", "TV-1", *of, "--operator", "Fibre")[0] == 0
    assert run("plans", "offer", "Everything", "T-1", *of, "--operator", "Fibre", "--sandbox")[0] == 0
    (told,) = json.loads(run("plans", "list", "--json")[1])["plans"]
    assert told["trial_days"] == 7
    assert [(one["minor"], one["from_day"]) for one in told["prices"]] == [(799, "2026-02-01"), (None, "2027-02-01")]
    assert {(one["operator"], one["environment"], one["offer_id"]) for one in told["offers"]} == {
        ("Fibre", "production", "TV-1"),
        ("Fibre", "sandbox", "T-1"),
    }
    assert run("plans", "offer", "Everything", "T-1", *of, "--operator", "Fibre", "--sandbox", "--end")[0] == 0
    code, out, _ = run("plans", "list", *of)
    assert (code, "799 EUR in FR from 2026-02-01" in out, "TV-1" in out, "T-1 (sandbox)" in out) == (0, True, True, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("price", "Nothing", "FR", "1", "EUR", "--service", "Films", "--from", "2026-02-01"), "There are: Everything."),
        (("price", "Everything", "fr", "1", "EUR", "--service", "Films", "--from", "2026-02-01"), "two capital letters"),
        (("price", "Everything", "FR", "1", "euro", "--service", "Films", "--from", "2026-02-01"), "three capital letters"),
        (("price", "Everything", "FR", "1", "EUR", "--service", "Films", "--from", "soon"), "Write a day"),
        (("trial", "Everything", "400", "--service", "Films"), "0 (no trial) to 366"),
        (("offer", "Everything", "x", "--service", "Films", "--operator", "Nobody"), "There are: Fibre."),
        (("list", "--service", "Nothing"), "There is no service 'Nothing'"),
    ],
)
def test_what_is_wrong_says_what_to_do(run: Any, arguments: tuple[str, ...], words: str) -> None:
    code, _, err = run("plans", *arguments)
    assert (code, words in err) == (1, True), err
