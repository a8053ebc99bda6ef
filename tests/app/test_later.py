"""What a command does not need is not imported for it."""

import subprocess
import sys
from pathlib import Path

_HEAVY = ("alembic", "dbos", "litestar", "numpy", "sqlalchemy")


def test_help_imports_nothing_of_the_service() -> None:
    code = f"import sys; from matinee.app import cli; cli.run(['--help']); print([n for n in {_HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_command_imports_what_it_needs(tmp_path: Path) -> None:
    code = "import sys; from matinee.app import cli; cli.run(['titles', '--data', sys.argv[1]]); print('dbos' in sys.modules)"
    run = [sys.executable, "-c", code, str(tmp_path)]
    assert "True" in subprocess.run(run, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout
