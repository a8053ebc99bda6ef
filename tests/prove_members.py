"""`make prove-members`: each claim of "homes: sign-in, plans, money, rights at play", with its figure and its verdict.

Arguments choose lines: 1 to 7. What a claim says and no test holds is said so, and falls short.
"""

import sys

from tests.proving import BIN, Line, Verdict, prove, run, run_tests


def journeys() -> Verdict:
    """In Chromium: a television's code, approved on the phone, plays; a box at its operator's line is in without a word (what it
    exchanges for that is asked over HTTP); the web goes on within a second of where the television stopped; a film plays on while
    the centre is killed."""
    files = ("journeys/test_sign_in.py", "members/test_exchange.py", "journeys/test_viewer.py", "journeys/test_centre_down.py")
    return run_tests([f"tests/{one}" for one in files])


def strangers() -> Verdict:
    """Clients of other makers: authlib's for codes of devices and with PKCE, a relying party of another library."""
    return run_tests(["tests/journeys/test_sign_in.py", "-k", "authlib or relying"])


def awkward_cases() -> Verdict:
    """What an operator meets on its first day, on SQLite and on PostgreSQL: the nine journeys, and the parts of each."""
    files = (
        "members/test_awkward_journeys.py",
        "members/test_awkward_cases.py",
        "members/test_hand_over.py",
        "playback/test_rights_that_end.py",
        "playback/test_several_processes.py",
    )
    return run_tests([f"tests/{one}" for one in (*files, "carriage/test_billing_api.py", "members/test_contracts.py")])


def reconciliation() -> Verdict:
    """A month of made-up events with 50 faults: the 50 are found and no others; everything twice changes nothing."""
    return run_tests(["tests/members/test_reconcile.py", "tests/members/test_operator_file.py", "tests/members/test_bills.py"])


def who_may_what() -> Verdict:
    """Every route by every kind of party; every route of screens by every age class; what is silent leaks nothing."""
    files = ("app/test_matrix.py", "app/test_policies.py", "app/test_ages.py", "app/silence", "members/test_tokens_altered.py")
    return run_tests([f"tests/{one}" for one in files])


def figures() -> Verdict:
    """Televisions that poll, sign-ins, plays and heartbeats over a bare answer, a home among a million households."""
    done = run([str(BIN / "python"), "-m", "bench", "members", "playback", "plays", "homes"], check=False)
    print(done.stdout, done.stderr[-2000:])
    met, missed = (sum(f"  {word}  " in line for line in done.stdout.splitlines()) for word in ("meets", "misses"))
    return done.returncode == 0 and not missed, f"{met} figures meet their goal, {missed} miss it"


def screens() -> Verdict:
    """Sign-in, profiles, PIN, plans, devices: the screens by the remote's keys."""
    files = ("sign_in", "profiles", "plan_needed", "plan", "devices")
    return run_tests([f"tests/journeys/test_{one}.py" for one in files])


LINES: tuple[Line, ...] = (journeys, strangers, awkward_cases, reconciliation, who_may_what, figures, screens)

if __name__ == "__main__":
    sys.exit(prove(LINES, sys.argv[1:]))
