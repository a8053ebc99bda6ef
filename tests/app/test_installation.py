"""What an operator meets when the data folder is not as it should be: one line, never a trace; and nothing for others to read."""

import stat
from pathlib import Path

import pytest

from matinee.app import cli
from matinee.app.installation import open_installation
from matinee.app.settings import load_settings


@pytest.mark.parametrize("name", ["matinee.db", "work.db"])
def test_a_database_that_is_none_is_told_in_one_line(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_bytes(b"no database\n" * 1000)
    assert cli.run(["titles", "--data", str(tmp_path)]) == cli.FAILED
    assert "The database cannot be used" in capsys.readouterr().err


def test_others_of_the_machine_read_neither_databases_nor_reports(tmp_path: Path) -> None:
    with open_installation(load_settings(tmp_path, {})):
        for path in (*tmp_path.glob("*.db*"), *(tmp_path / one for one in ("keys", "work", "telemetry"))):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name
