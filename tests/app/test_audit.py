"""`matinee audit check` on an installation whose rows somebody touches by SQL."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from matinee.app import cli

STORY = Path(__file__).parents[2] / "examples" / "france-2014.toml"
NOT_AS_WRITTEN = "is not as it was written"
_REST = "at, actor, action, subject, detail, seal"


@pytest.fixture
def data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder in which the story's agreements and launches are recorded."""
    assert cli.run(["apply", str(STORY), "--data", str(tmp_path / "data")]) == cli.DONE
    capsys.readouterr()
    return tmp_path / "data"


def touch(data: Path, statement: str) -> None:
    with sqlite3.connect(data / "matinee.db") as db:
        assert db.execute(statement).rowcount == 1


def report(data: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    code = cli.run(["audit", "check", "--json", "--data", str(data), *more])
    return code, json.loads(capsys.readouterr().out)


def test_rows_that_nobody_touched_stand(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["audit", "check", "--data", str(data)]) == cli.DONE
    said = " ".join(capsys.readouterr().out.split())
    code, told = report(data, capsys)
    assert (code, told["first_broken"]) == (cli.DONE, None)
    assert told["rows"] > 10
    assert f"{told['rows']} rows, each sealed to the one before it." in said
    assert told["newest_seal"] in said
    assert cli.run(["audit", "--data", str(data)]) == cli.DONE


@pytest.mark.parametrize(
    ("shows", "statement", "row", "says"),
    [
        ("an actor", "UPDATE audit SET actor = 'nobody' WHERE seq = 3", 3, NOT_AS_WRITTEN),
        ("a reason", "UPDATE audit SET detail = replace(detail, '{', '{\"a\":1,') WHERE seq = 5", 5, NOT_AS_WRITTEN),
        ("no JSON", "UPDATE audit SET detail = '[' WHERE seq = 1", 1, NOT_AS_WRITTEN),
        ("bytes for a text", "UPDATE audit SET actor = x'00ff' WHERE seq = 2", 2, NOT_AS_WRITTEN),
        ("a text that cannot be read", "UPDATE audit SET detail = CAST(x'ff' AS TEXT) WHERE seq = 7", 7, NOT_AS_WRITTEN),
        ("no moment", "UPDATE audit SET at = 'noon' WHERE seq = 2", 2, NOT_AS_WRITTEN),
        ("a row that is gone", "DELETE FROM audit WHERE seq = 4", 4, "is missing"),
        ("the first row gone", "DELETE FROM audit WHERE seq = 1", 1, "is missing"),
        ("a row in front of the first", f"INSERT INTO audit SELECT 0, {_REST} FROM audit WHERE seq = 1", 1, NOT_AS_WRITTEN),
    ],
)
def test_the_first_row_that_was_touched_is_told(
    shows: str, statement: str, row: int, says: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(data, statement)
    assert cli.run(["audit", "check", "--data", str(data)]) == cli.FAILED, shows
    err = " ".join(capsys.readouterr().err.split())
    assert f"Row {row} of the audit {says}." in err
    assert "Traceback" not in err
    code, told = report(data, capsys)
    assert (code, told["first_broken"]) == (cli.FAILED, row)


def test_rows_cut_off_at_the_end_show_by_the_seal_that_was_kept(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, told = report(data, capsys)
    kept = told["newest_seal"]
    assert report(data, capsys, "--kept", kept)[0] == cli.DONE
    touch(data, "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    code, told = report(data, capsys)
    assert code == cli.FAILED
    assert {one["side"].partition(":")[0] for one in told["broken_sides"]} == {"operator"}, (
        "a dispute is the operator's: its side had it"
    )
    assert cli.run(["audit", "check", "--data", str(data)]) == cli.FAILED
    assert "of the audit of operator:" in capsys.readouterr().err
    touch(data, "DELETE FROM audit_sides WHERE seq NOT IN (SELECT seq FROM audit)")
    assert report(data, capsys)[0] == cli.DONE, "the chains alone cannot tell"
    assert cli.run(["audit", "check", "--kept", kept, "--data", str(data)]) == cli.FAILED
    assert f"No row carries the seal {kept}" in " ".join(capsys.readouterr().err.split())
    code, told = report(data, capsys, "--kept", kept)
    assert (code, told["kept_seal_found"]) == (cli.FAILED, False)


def test_an_empty_audit_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = report(tmp_path / "data", capsys)
    assert (code, told["rows"]) == (cli.DONE, 0)
