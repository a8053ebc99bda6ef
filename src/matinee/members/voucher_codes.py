"""What stands on a voucher: letters that nobody mistakes for another, read aloud, printed or typed with a remote control. Pure
but for the draw.

Twenty of twenty-five letters are 92 bits: nobody tries them all, however fast the hash, so that a plain SHA-256 is what is kept
of one (see parties/tokens.py). No vowels, so that no word comes about; and of 0 O, 1 I L, 2 Z, 5 S, 8 B, U V one alone or none.
"""

import hashlib
import secrets
from typing import Final, NewType

VoucherCode = NewType("VoucherCode", str)
"""Twenty letters in groups of four: "C7DF-9GHJ-KMNP-QRTV-WXY3"."""
VoucherDigest = NewType("VoucherDigest", str)

LETTERS: Final = "23456789CDFGHJKMNPQRTVWXY"
_COUNT: Final = 20
_GROUP: Final = 4
MAX_TYPED: Final = 64
_IGNORED: Final = {ord(sign): None for sign in " -–.\t"}  # the longer one is what a phone makes of two dashes


def draw() -> VoucherCode:
    """A fresh code."""
    drawn = "".join(secrets.choice(LETTERS) for _ in range(_COUNT))
    return VoucherCode("-".join(drawn[at : at + _GROUP] for at in range(0, _COUNT, _GROUP)))


def digest_of(typed: str) -> VoucherDigest | None:
    """What is kept of a code, from the code as somebody typed it: small letters, blanks and dashes make no difference.

    None for what can be no code.
    """
    letters = typed[:MAX_TYPED].translate(_IGNORED).upper()
    if len(typed) > MAX_TYPED or len(letters) != _COUNT or not set(letters) <= set(LETTERS):
        return None
    return VoucherDigest(hashlib.sha256(f"voucher:{letters}".encode("ascii")).hexdigest())
