"""`make prove-carriage`: each claim of "who may see what, and why", with its figure and its verdict.

What is not built yet is said so, and falls short. Arguments choose lines: 1 to 6.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.home.dvb_i import NEEDED, SCHEMA
from tests.proving import BIN, ROOT, Line, Verdict, matinee, prove, run, run_tests
from tests.shared import DATA

_MOMENTS = {"eve": "2014-10-01T20:00:00+02:00", "morning": "2014-10-02T08:00:00+02:00", "evening": "2014-10-02T19:00:00+02:00"}
_EXPECTED = {
    "ORANGE-1": ["nothing", "playable", "playable"],
    "ORANGE-2": ["nothing", "nothing", "coming"],
    "ORANGE-3": ["nothing", "nothing", "coming"],
    "BBOX-1": ["coming", "coming", "coming"],
    "FREE-1": ["nothing", "nothing", "nothing"],
    "NUMERICABLE-1": ["nothing", "nothing", "nothing"],
}


def the_article() -> Verdict:
    """The scenario's journey is green; `matinee explain` answers for each case on the three dates."""
    journey = run_tests(["tests/app/scenario"])
    with tempfile.TemporaryDirectory() as data:
        applied = matinee(["apply", str(ROOT / "examples" / "france-2014.toml"), "--json"], data)
        told = {
            box: [
                json.loads(matinee(["explain", "--box", box, "--service", "Netflix", "--at", at, "--json"], data).stdout)["shows"]
                for at in _MOMENTS.values()
            ]
            for box in _EXPECTED
        }
    right = sum(told[box] == expected for box, expected in _EXPECTED.items())
    fine = journey[0] and applied.returncode == 0 and right == len(_EXPECTED)
    return fine, f"{journey[1]}; explain is right of {right} boxes of {len(_EXPECTED)} on {len(_MOMENTS)} dates"


def ofrep() -> Verdict:
    """OpenFeature's client reads our flags; bulk, ETag, error codes; flagd's bucketing on values computed elsewhere."""
    return run_tests(["tests/journeys/test_ofrep_client.py", "tests/carriage/test_ofrep.py", "tests/fleet/test_buckets.py"])


def waves() -> Verdict:
    """Waves halt at the right box and never hang; raising a share only adds; the kill switch acts within a second."""
    tests = ("carriage/test_rollouts.py", "fleet/test_buckets.py", "app/scenario/test_rollouts.py")
    spread = run_tests([f"tests/{one}" for one in tests])
    switch = run_tests(["tests/journeys/test_kill_switch.py", "tests/delivery/test_switches.py"], {"KILL_SWITCH_SECONDS": "1"})
    words = f"waves: {spread[1]}; the switch within a second under load, with the database there and away: {switch[1]}"
    return spread[0] and switch[0], words


def leaks() -> Verdict:
    """The leak test over all routes, as anonymous, viewer, a rival operator's homes and rival service."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "figure"
        fine, ran = run_tests(["tests/app/silence"], {"MATINEE_SILENCE_FIGURE": str(told)})
        figure = told.read_text() if told.exists() else "nothing was compared"
    return fine and figure.split()[0].isdigit(), f"{figure}: {ran}"


def speed() -> Verdict:
    """100,000 decisions a second on a core; 5 million boxes in under 60 s; at most 300 MB for a million boxes; changes seen."""
    done = run([str(BIN / "python"), "-m", "bench", "decisions", "carriage"], check=False)
    print(done.stdout)
    return done.returncode == 0, f"{sum('misses' in line for line in done.stdout.splitlines())} figures miss their goal"


def feeds_and_audit() -> Verdict:
    """The DVB-I list is valid; schemathesis finds no 5xx; the audit's check finds a tampered row."""
    if DATA is None or not (DATA / "standards" / "dvb-i" / SCHEMA).exists():
        return False, f"the DVB-I list cannot be held against its schema without {NEEDED}"
    parts = {
        "the DVB-I list, by DVB's schema (what it borrows of TV-Anytime, in our words)": ["tests/home/test_service_list.py"],
        "partners' feed": ["tests/home/test_watch_actions.py"],
        "every route, drawn at random": ["tests/app/test_openapi.py"],
        "the audit": ["tests/parties/test_keys_and_audit.py", "tests/parties/test_audit_of_a_side.py", "tests/app/test_audit.py"],
    }
    verdicts = {what: run_tests(arguments) for what, arguments in parts.items()}
    return all(fine for fine, _ in verdicts.values()), "; ".join(f"{what}: {told}" for what, (_, told) in verdicts.items())


LINES: tuple[Line, ...] = (the_article, ofrep, waves, leaks, speed, feeds_and_audit)

if __name__ == "__main__":
    sys.exit(prove(LINES, sys.argv[1:]))
