"""A launch in waves from a scenario's file, and what staff say to it on the command line."""

import json
from pathlib import Path

import pytest

from matinee.app import cli
from tests.app.stories import fibre_carries_films, homes_of_fibre

_PLAN = """
[[rollouts]]
operator = "Fibre"
service = "Films"
starts = "2026-01-02T09:00:00"
author = "planner"
holdback = 5
freezes = [{ start = 2026-12-24, end = 2027-01-02, reason = "holidays" }]
waves = [
  { percent = 25, sample = 4, soak_hours = 24, timeout_hours = 96, failing = 5, needs_approval = true },
  { percent = 95, sample = 8, soak_hours = 24, timeout_hours = 96, failing = 2, lost = 1 },
]
"""
FILE = fibre_carries_films("Waves", state="silent") + "percent = 0\n" + homes_of_fibre(40) + _PLAN


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_from_the_file_to_an_approval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, data = tmp_path / "waves.toml", ("--data", str(tmp_path / "data"))
    file.write_text(FILE)
    code, out, err = run(capsys, "apply", str(file), *data)
    assert code == 0, err
    assert "Films at Fibre in 2 waves" in out
    assert "Nothing is new" in run(capsys, "apply", str(file), *data)[1]
    (row,) = json.loads(run(capsys, "rollout", "--json", *data)[1])["rollouts"]
    assert (row["phase"], row["wave"], row["waves"]) == ("waiting_for_approval", 1, 2)
    assert "25 % of the boxes" in run(capsys, "rollout", *data)[1]
    for arguments, says in (
        (("approve", row["id"]), "--by"),
        (("approve", row["id"], "--by", "Planner"), "cannot approve"),
        (("approve", "zz", "--by", "other"), "No rollout"),
        (("resume", row["id"], "--by", "other"), "has not halted"),
    ):
        code, _, err = run(capsys, "rollout", *arguments, *data)
        assert code == 1
        assert says in " ".join(err.split())
    code, out, _ = run(capsys, "rollout", "approve", row["id"][:6], "--by", "other", *data)
    assert code == 0
    assert "waiting in wave 1 of 2" in out


def test_the_switch_by_names_and_the_ids_to_keep_at_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, data = tmp_path / "waves.toml", ("--data", str(tmp_path / "data"))
    file.write_text(FILE)
    assert run(capsys, "apply", str(file), *data)[0] == 0
    ids = {name: one for one, name in json.loads(run(capsys, "switch", "list", "--json", *data)[1])["ids"].items()}
    assert set(ids) == {"Films", "Fibre"}
    listed = run(capsys, "switch", "list", *data)[1]
    assert "Nothing is switched off" in listed
    assert ids["Films"] in listed
    code, out, _ = run(capsys, "switch", "off", "Films", "--operator", "Fibre", *data)
    assert code == 0
    assert "those that run go on" in out
    assert "Fibre" in out
    why = " ".join(run(capsys, "explain", "--box", "B-00001", "--service", "Films", *data)[1].split())
    assert "Switched off by hand at this operator" in why
    assert run(capsys, "switch", "on", "Films", *data)[0] == 1, "it is off at one operator, not everywhere"
    back = run(capsys, "switch", "on", ids["Films"], "--operator", ids["Fibre"], "--json", *data)[1]
    assert json.loads(back)["recorded"] is True
    table = [(["off"], "No service is named"), (["off", "Nothing"], "No service is called"), (["on", "Films"], "Nobody has")]
    for arguments, says in table:
        code, _, err = run(capsys, "switch", *arguments, *data)
        assert code == 1
        assert says in " ".join(err.split())


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("percent = 95", "percent = 20", "rollouts[0]: waves[1]"),
        ("percent = 95", "percent = 96", "the most is 95"),
        ("sample = 8", "sample = 80", "can never be met"),
        ("failing = 5, ", "", "nothing would ever halt it"),
        ("end = 2027-01-02", "end = 2026-12-01", "ends before it begins"),
        ("percent = 0\n", "percent = 100\n", "every box already"),
        ('state = "silent"', 'state = "paused"', "no launch to spread"),
        ('author = "planner"', "", "author"),
        ("percent = 95", "percent = nan", "A percentage or a time is none"),
        ("timeout_hours = 96, failing = 2", "timeout_hours = inf, failing = 2", "or over 10,000"),
        ("failing = 5", "failing = nan", "never be passed"),
    ],
)
def test_a_plan_that_could_never_be_is_refused_and_nothing_of_the_file_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, says: str
) -> None:
    assert before in FILE
    file, data = tmp_path / "waves.toml", ("--data", str(tmp_path / "data"))
    file.write_text(FILE.replace(before, after))
    code, _, err = run(capsys, "apply", str(file), *data)
    assert code == 1
    assert says in " ".join(err.split())
    assert "Nothing is new" not in run(capsys, "diff", str(file), *data)[1]
    assert json.loads(run(capsys, "rollout", "--json", *data)[1]) == {"rollouts": []}
