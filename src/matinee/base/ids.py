"""Ids are random 128-bit, never time-ordered: an id in a URL tells nothing of when, how many, or whose.

Written as 26 characters of Crockford's base32 in lower case, so that an id may be read aloud, is one path element, and
never begins with a dash on a command line.
"""

import re
import secrets
from typing import NewType

PublisherId = NewType("PublisherId", str)
StaffId = NewType("StaffId", str)
ServiceId = NewType("ServiceId", str)
TitleId = NewType("TitleId", str)
PackageId = NewType("PackageId", str)
ArtworkId = NewType("ArtworkId", str)
OperatorId = NewType("OperatorId", str)
BoxModelId = NewType("BoxModelId", str)
BoxId = NewType("BoxId", str)
LineId = NewType("LineId", str)
HouseholdId = NewType("HouseholdId", str)
ProfileId = NewType("ProfileId", str)
AccountId = NewType("AccountId", str)
ClientId = NewType("ClientId", str)
ScreenSessionId = NewType("ScreenSessionId", str)
PlanId = NewType("PlanId", str)
SubscriptionId = NewType("SubscriptionId", str)
PartnerAccountId = NewType("PartnerAccountId", str)
AgreementId = NewType("AgreementId", str)
LaunchId = NewType("LaunchId", str)
RolloutId = NewType("RolloutId", str)
ReleaseId = NewType("ReleaseId", str)
ReleaseKeyId = NewType("ReleaseKeyId", str)
DisputeId = NewType("DisputeId", str)
NetworkId = NewType("NetworkId", str)
SessionId = NewType("SessionId", str)
IngestId = NewType("IngestId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_SHAPE = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")
_LENGTH = 26
_DIGITS = bytes(ord(dict(zip(_ALPHABET, "0123456789abcdefghijklmnopqrstuv", strict=True)).get(chr(n), "!")) for n in range(256))
"""To the digits that `int` reads in base 32; what is in no id becomes an exclamation mark, which `int` refuses."""


def new_id() -> str:
    """A fresh random id: 26 characters, 128 bits of randomness. Wrap it in the noun's type at the call."""
    return encode_id(secrets.token_bytes(16))


def encode_id(raw: bytes) -> str:
    """Write 16 bytes as an id. Raises ValueError for any other length."""
    if len(raw) != 16:
        raise ValueError(f"an id is made of 16 bytes, not {len(raw)}")
    number = int.from_bytes(raw, "big")
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def decode_id(text: str) -> bytes:
    """The 16 bytes that an id was made of. Raises ValueError for what has not the shape of an id."""
    try:
        raw = text.encode("ascii")
        if len(raw) == _LENGTH:
            return int(raw.translate(_DIGITS), 32).to_bytes(16, "big")
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{text!r} is no id")


def is_id(text: str) -> bool:
    """Whether a string that came from outside has the shape of an id."""
    return _SHAPE.fullmatch(text) is not None
