"""`make prove-film-to-box`: each claim of "from a film file to the box's screen", with its figure and its verdict.

It works on fresh clones in a temporary folder, on the committed state, and ends what it starts. Arguments choose lines: 1 to 7.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.proving import BIN, ROOT, Line, Verdict, matinee, prove, run, run_tests

CI_LIMIT_MINUTES = 15
FIRST_TITLE_SECONDS = 120
SECOND_RUN_SECONDS = 20


def demo_on_a_fresh_clone() -> Verdict:
    """`make demo` ends with addresses; the first title may be watched within two minutes; the box plays by keys alone; a second
    run is there in seconds."""
    with _fresh_clone() as clone, tempfile.TemporaryDirectory() as data:
        run(["make", "setup"], clone)
        with _demo(clone, data) as log:
            began = time.monotonic()
            first = _await_in_log(log, r"ready to watch", 300) - began
            address = _await_address(log, 600)
            keys = run_tests(["tests/journeys/test_demo_by_keys.py"], {"MATINEE_DEMO_ADDRESS": address})
        with _demo(clone, data) as log:
            began = time.monotonic()
            second = _await_in_log(log, r"All films are there", 300) - began
        fine = first <= FIRST_TITLE_SECONDS and keys[0] and second <= SECOND_RUN_SECONDS
        told = f"first title after {first:.0f} s (goal {FIRST_TITLE_SECONDS}); by keys alone: {keys[1]}"
        return fine, f"{told}; second run after {second:.0f} s (goal {SECOND_RUN_SECONDS})"


@contextlib.contextmanager
def _demo(clone: Path, data: str) -> Iterator[Path]:
    """A demo until the block ends: the file that it prints to."""
    log = clone / "demo.log"
    argv = [str(clone / ".venv/bin/matinee"), "demo", "--data", data]
    argv += ["--port", str(_free_port()), "--edge-port", str(_free_port())]
    with log.open("w") as out:
        demo = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield log
    finally:
        os.killpg(demo.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            demo.wait(20)
        if demo.poll() is None:
            demo.kill()


def tests_on_a_fresh_clone() -> Verdict:
    """`.ci/run`, which is `make test`, passes on a fresh clone in under 15 minutes."""
    with _fresh_clone() as clone:
        began = time.monotonic()
        done = subprocess.run(
            ["bash", ".ci/run"],
            cwd=clone,
            env={**os.environ, "CI": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        minutes = (time.monotonic() - began) / 60
        for line in re.findall(r"^(?:FAILED|ERROR|E   ) .*", done.stdout, re.MULTILINE)[:20]:
            print(f"      {line[:300]}")
        summary = re.findall(r"^\d+ (?:passed|failed).*", done.stdout, re.MULTILINE)[-1:] or [done.stderr[-200:]]
        return done.returncode == 0 and minutes < CI_LIMIT_MINUTES, f"{minutes:.1f} minutes; {summary[0]}"


def ten_films_in_three_players() -> Verdict:
    """All ten real films are published, `matinee check` holds, and three players and ffprobe play two of them."""
    films = _shared() / "media" / "films"
    with tempfile.TemporaryDirectory() as data:
        added = matinee(["add", str(films), "--json"], data)
        outcomes = json.loads(added.stdout or "[]")
        published = sum(outcome["state"] == "published" for outcome in outcomes)
        checked = matinee(["check"], data)
        verdict = checked.stdout.strip().splitlines()[-1:]
    players = run_tests(["tests/players"], {})
    fine = published == len(outcomes) == 10 and checked.returncode == 0 and players[0]
    return fine, f"{published} of {len(outcomes)} published; {verdict}; players: {players[1]}"


def nasty_files() -> Verdict:
    """Every nasty file ends as its row of the table says."""
    return run_tests(["tests/encoding", "tests/journeys", "-k", "nasty or hostile or refus"], {})


def bench() -> Verdict:
    """`make bench` runs, prints its table, and every figure meets its goal."""
    done = run([str(BIN / "python"), "-m", "bench"], ROOT, check=False)
    misses = [line for line in done.stdout.splitlines() if "misses" in line]
    print(done.stdout)
    return done.returncode == 0, f"{len(misses)} figures miss their goal" + "".join(f"\n      {line}" for line in misses)


def import_contracts() -> Verdict:
    """The import contracts hold, and one import wilfully turned the wrong way fails the lint of the test command."""
    holds = run([str(BIN / "lint-imports")], ROOT, check=False)
    with _fresh_clone() as clone:
        broken = clone / "src/matinee/base/clock.py"
        broken.write_text(broken.read_text() + "\nfrom matinee.home import api as _api\n")
        (clone / ".venv").symlink_to(ROOT / ".venv")
        wrong = subprocess.run(
            [str(BIN / "lint-imports")],
            cwd=clone,
            env={**os.environ, "PYTHONPATH": str(clone / "src")},
            capture_output=True,
            text=True,
        )
    kept = re.search(r"Contracts: .*", holds.stdout)
    caught = re.search(r"Contracts: .*", wrong.stdout)
    fine = holds.returncode == 0 and wrong.returncode != 0
    return fine, f"as it stands: {kept and kept[0]} With one wrong import: {caught and caught[0]}"


def screenshots() -> Verdict:
    """Pictures of each screen on television and phone are made for looking at, and the README shows one."""
    folder = ROOT / ".prove" / "screens"
    shutil.rmtree(folder, ignore_errors=True)
    made = run_tests(["tests/journeys/test_screens.py"], {"MATINEE_SCREENSHOTS": str(folder)})
    pictures = sorted(path.name for path in folder.glob("*.png"))
    shown = "docs/pictures/" in (ROOT / "README.md").read_text()
    return made[0] and len(pictures) >= 8 and shown, f"{len(pictures)} pictures in .prove/screens; README shows one: {shown}"


LINES: tuple[Line, ...] = (
    demo_on_a_fresh_clone,
    tests_on_a_fresh_clone,
    ten_films_in_three_players,
    nasty_files,
    bench,
    import_contracts,
    screenshots,
)


@contextlib.contextmanager
def _fresh_clone() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "matinee"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        shared = _shared_or_none()
        if shared is not None:
            (Path(folder) / "shared").symlink_to(shared)
        yield clone


def _shared_or_none() -> Path | None:
    folder = Path(os.environ.get("MATINEE_SHARED") or ROOT.parent / "shared")
    return folder.resolve() if folder.is_dir() else None


def _shared() -> Path:
    folder = _shared_or_none()
    if folder is None:
        raise SystemExit("The shared films are not here; name their folder with MATINEE_SHARED.")
    return folder


def _await_in_log(log: Path, pattern: str, seconds: float) -> float:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if re.search(pattern, log.read_text()):
            return time.monotonic()
        time.sleep(0.2)
    raise SystemExit(f"{pattern!r} was not printed within {seconds:.0f} s:\n{log.read_text()}")


def _await_address(log: Path, seconds: float) -> str:
    _await_in_log(log, r"All films are there", seconds)
    found = re.search(r"https?://\S+/box/#token=\S+", log.read_text())
    if found is None:
        raise SystemExit(f"The demo printed no address of the box:\n{log.read_text()}")
    return found[0]


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(prove(LINES, sys.argv[1:]))
