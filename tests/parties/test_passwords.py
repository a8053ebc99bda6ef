"""Passwords in a process of its own: hashes that wait for each other for ever would take this one with them."""

import subprocess
import sys

SECONDS = 120
MANY_AT_ONCE = """
from concurrent.futures import ThreadPoolExecutor
from matinee.parties import passwords

kept = passwords.hashed("the right one")
tried = ["the right one", "a wrong one"] * 6
with ThreadPoolExecutor(4) as pool:
    made = pool.submit(passwords.hashed, "another")
    right = list(pool.map(lambda word: passwords.matches(word, kept), tried))
assert right == [True, False] * 6, right
assert passwords.matches("another", made.result())
"""


def test_many_passwords_at_once_come_to_their_end_each_with_its_own_answer() -> None:
    done = subprocess.run([sys.executable, "-c", MANY_AT_ONCE], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
