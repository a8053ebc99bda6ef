"""Child processes of untrusted work: bounded in time, memory and output, without our environment, and none left behind."""

import os
import sys
import time
from pathlib import Path

import pytest

from matinee.outside.processes import Limits, ToolFailed, run

PYTHON = sys.executable


def test_it_gives_what_the_child_wrote() -> None:
    done = run([PYTHON, "-c", "print('hello'); import sys; print('note', file=sys.stderr)"], limits=Limits(wall_seconds=20))
    assert done.stdout == b"hello\n"
    assert done.stderr == "note\n"


def test_lines_are_handed_on_as_they_come() -> None:
    lines: list[str] = []
    run([PYTHON, "-c", "print(1); print(2)"], limits=Limits(wall_seconds=20), on_stdout_line=lines.append)
    assert lines == ["1", "2"]


def test_our_secrets_are_not_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_SECRET", "s3cret")
    done = run([PYTHON, "-c", "import os; print(sorted(os.environ))"], limits=Limits(wall_seconds=20))
    assert b"MATINEE_SECRET" not in done.stdout


def test_one_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    pid_file = tmp_path / "grandchild"
    script = (
        "import subprocess, sys, time; "
        f"child = subprocess.Popen(['sleep', '600']); open({str(pid_file)!r}, 'w').write(str(child.pid)); time.sleep(600)"
    )
    with pytest.raises(ToolFailed) as caught:
        run([PYTHON, "-c", script], limits=Limits(wall_seconds=1.5))
    assert caught.value.timed_out
    assert _gone(int(pid_file.read_text()))


def test_one_that_wants_too_much_memory_is_refused_it() -> None:
    with pytest.raises(ToolFailed) as caught:
        run(
            [PYTHON, "-c", "x = bytearray(2 * 1024**3)"],
            limits=Limits(wall_seconds=20, memory_bytes=512 * 1024**2),
        )
    assert "MemoryError" in caught.value.stderr


def test_one_that_writes_without_end_is_ended() -> None:
    script = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    with pytest.raises(ToolFailed, match="wrote more than"):
        run([PYTHON, "-c", script], limits=Limits(wall_seconds=20, output_bytes=1_000_000))


def test_complaints_without_end_are_kept_short() -> None:
    script = "import sys\nfor i in range(200000): print('complaint', i, file=sys.stderr)\nsys.exit(3)"
    with pytest.raises(ToolFailed, match="exit code 3: complaint 199999") as caught:
        run([PYTHON, "-c", script], limits=Limits(wall_seconds=30))
    assert len(caught.value.stderr) <= 64 * 1024


def test_it_may_not_write_a_file_larger_than_allowed(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed):
        run(
            [PYTHON, "-c", "open('big', 'wb').write(b'x' * 10_000_000)"],
            limits=Limits(wall_seconds=20, file_bytes=1_000_000),
            cwd=tmp_path,
        )
    assert (tmp_path / "big").stat().st_size <= 1_000_000


def _gone(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False
