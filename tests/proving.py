"""What `make prove-...` targets share: lines, each with its figure and its verdict, and how commands and tests are run."""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"

Verdict = tuple[bool, str]
Line = Callable[[], Verdict]


def prove(lines: Sequence[Line], chosen: list[str]) -> int:
    """Prove the chosen lines, or all; 1 where one does not hold."""
    numbers = [int(text) for text in chosen] or list(range(1, len(lines) + 1))
    verdicts: dict[int, Verdict] = {}
    for number in numbers:
        line = lines[number - 1]
        print(f"{number}. {line.__doc__}", flush=True)
        verdicts[number] = line()
        print(f"   {'HOLDS' if verdicts[number][0] else 'FALLS SHORT'}: {verdicts[number][1]}\n", flush=True)
    for number, (fine, figure) in verdicts.items():
        print(f"{number}. {'HOLDS      ' if fine else 'FALLS SHORT'} {figure}")
    return 0 if all(fine for fine, _ in verdicts.values()) else 1


def run(argv: list[str], cwd: Path = ROOT, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, its output kept."""
    return subprocess.run(argv, cwd=cwd, check=check, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def matinee(arguments: list[str], data: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the program on a data folder."""
    return run([str(BIN / "matinee"), *arguments, "--data", data], check=False)


def run_tests(arguments: list[str], environment: dict[str, str] | None = None) -> Verdict:
    """Run tests; whether they pass, and pytest's last line. What failed is printed."""
    done = subprocess.run(
        [str(BIN / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        print(done.stdout[-4000:])
    return done.returncode == 0, (done.stdout.strip().splitlines() or ["pytest printed nothing"])[-1]
