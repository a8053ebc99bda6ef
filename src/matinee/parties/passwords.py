"""Passwords as they are kept: Argon2id, as RFC 9106 chooses it where memory is dear (3 passes over 64 MiB in 4 lanes).

One hash takes a good part of a second and 64 MiB, and lets other threads run meanwhile. Its lanes are threads of OpenSSL, which
wait for each other for ever where two hashes of one process run at once (4.0.3): so one waits for the other here, which costs
nothing where the lanes of one keep the cores busy. How many wait, and how often, is bounded where people sign in (`sign_in.py`).
"""

import base64
import hashlib
import secrets
import threading
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from matinee.parties.rules import folded_password

_SALT_BYTES = 16
_HASH_BYTES = 32
_NOBODYS = ((b"nobody's salt", _SALT_BYTES), (b"nobody's hash", _HASH_BYTES))


@dataclass(frozen=True, slots=True)
class Cost:
    """`memory_kib` is in KiB."""

    passes: int
    lanes: int
    memory_kib: int


COST = Cost(passes=3, lanes=4, memory_kib=64 * 1024)

_one_at_a_time = threading.Lock()


def hashed(password: str) -> str:
    """What is kept of a password, in the PHC form ("$argon2id$v=19$..."), which names its own cost. Takes its time.

    Raises PartyError for what is no text.
    """
    made = Argon2id(
        salt=secrets.token_bytes(_SALT_BYTES),
        length=_HASH_BYTES,
        iterations=COST.passes,
        lanes=COST.lanes,
        memory_cost=COST.memory_kib,
    )
    folded = folded_password(password).encode()
    with _one_at_a_time:
        return made.derive_phc_encoded(folded)


def matches(password: str, kept: str) -> bool:
    """Whether this is the password of which `kept` is what is kept. Takes its time, alike for right and wrong ones."""
    folded = folded_password(password).encode()
    try:
        with _one_at_a_time:
            Argon2id.verify_phc_encoded(folded, kept)
    except InvalidKey:
        return False
    return True


def nobodys() -> str:
    """A hash whose password nobody knows: what is worked on where there is no account of the name, at the same cost."""
    salt, made = (base64.b64encode(hashlib.sha256(word).digest()[:size]).decode().rstrip("=") for word, size in _NOBODYS)
    return f"$argon2id$v=19$m={COST.memory_kib},t={COST.passes},p={COST.lanes}${salt}${made}"


def generated() -> str:
    """A password that nobody has to think of: 120 random bits in five groups that can be read aloud."""
    letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(25))
    return "-".join(letters[start : start + 5] for start in range(0, 25, 5))
