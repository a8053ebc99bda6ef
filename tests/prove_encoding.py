"""`make prove-encoding`: each claim of "encoding that competes", with its figure and its verdict.

Arguments choose lines: 1 to 7. The first four take an hour and more on two cores: they encode and score films in many ways.
"""

import sys
import tempfile
from pathlib import Path

from tests.proving import BIN, Line, Verdict, matinee, prove, run, run_tests
from tests.shared import MEDIA

KILLS = "30"


def savings() -> Verdict:
    """BD-rate, median of eight clips and more: -20 % over the ladder of 2015, -10 % over six rungs; AV1 -30 % over our H.264."""
    return _bench("ladders")


def cost() -> Verdict:
    """The analysis takes at most 20 % of the ladder's processor time; all 1.3 of a plain run's time at most, 1.1 without."""
    fine, told = _bench("analysis")
    chunks = _bench("chunks")
    return fine and chunks[0], f"{told}; chunks: {chunks[1]}"


def predictions() -> Verdict:
    """What is expected of a rung comes true within 2 VMAF and 10 % of its rate, for nine rungs of ten."""
    return _bench("predictions")


def kills() -> Verdict:
    """Workers killed at 30 random points leave equal segments, and do at most one chunk each again."""
    done = run([str(BIN / "python"), "-m", "tests.prove_encoding_kills", KILLS], check=False)
    print(done.stdout[-6000:])
    return done.returncode == 0, (done.stdout.strip().splitlines() or [done.stderr[-300:]])[-1]


def again() -> Verdict:
    """A second add of the same film encodes nothing and takes under 2 % of the time; new keys take under 1 %."""
    return _bench("again")


def right_pictures() -> Verdict:
    """Odd films of every kind come out right, judged by measuring: shape, rate, sync, loudness, fields, range, colours, text."""
    kinds = ("nasty", "kinds", "fields", "crop", "colours", "surround", "loudness", "captions", "av1")
    files = [f"tests/encoding/test_{kind}.py" for kind in kinds]
    return run_tests([*files, "tests/library/test_clap.py", "tests/library/test_manifests.py", "tests/library/test_av1.py"])


def plan_and_report() -> Verdict:
    """`matinee plan` tells what would be made of a film; the report of a title's analysis is one page that stands alone."""
    files = ("app/test_plan_command.py", "encoding/test_analysis_report.py", "catalogue/test_reports.py")
    tested = run_tests([f"tests/{file}" for file in files])
    if MEDIA is None:
        return tested
    with tempfile.TemporaryDirectory() as data:
        told = matinee(["plan", str(Path(MEDIA) / "films" / "sintel_trailer_720p24.mp4")], data)
    print(told.stdout)
    return tested[0] and told.returncode == 0, tested[1]


def _bench(*parts: str) -> Verdict:
    done = run([str(BIN / "python"), "-m", "bench", *parts], check=False)
    print(done.stdout, done.stderr[-2000:])
    missed = sum("misses" in line for line in done.stdout.splitlines())
    met = sum("meets" in line for line in done.stdout.splitlines())
    return done.returncode == 0, f"{met} figures meet their goal, {missed} miss it"


LINES: tuple[Line, ...] = (savings, cost, predictions, kills, again, right_pictures, plan_and_report)

if __name__ == "__main__":
    sys.exit(prove(LINES, sys.argv[1:]))
