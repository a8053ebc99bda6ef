"""What a profile may be: its name, its looks, its age class. Pure."""

import re
import unicodedata
from typing import Final

from matinee.catalogue.model import AGE_CLASSES
from matinee.catalogue.view import KIDS_MOST
from matinee.members.model import MemberError

MAX_PROFILES: Final = 5
MAX_NAME: Final = 24
"""As many characters as a television shows under a face without cutting the name."""

AVATARS: Final = ("", "fox", "owl", "whale", "cat", "star", "moon", "rocket", "leaf")
"""The drawings of the screens (ui/src/screens/parts/avatars.tsx), and "" for the name's first letter."""

_COLOR = re.compile(r"#[0-9a-f]{6}")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINER: Final = "\u200d"
"""Zero width, and kept: families and flags of emoji are held together by it."""
_MAX_MARKS: Final = 3
"""Accents upon one letter: no language needs more, and a tower of them covers the lines above."""


def cleaned(name: str) -> str:
    """A name as it is kept: composed, of visible characters, with single spaces. Raises MemberError where nothing fit is left."""
    seen, marks = [], 0
    for one in unicodedata.normalize("NFC", name):
        marks = marks + 1 if unicodedata.category(one) in ("Mn", "Me") else 0
        if unicodedata.category(one) in _UNSEEN and one not in (_JOINER, "\t", "\n"):
            continue
        if marks <= _MAX_MARKS:
            seen.append(one)
    kept = " ".join("".join(seen).split()).strip(_JOINER)
    if not kept or len(kept) > MAX_NAME:
        raise MemberError(f"The name has no character that can be seen, or more than {MAX_NAME}.", remedy="Write a short name.")
    if all(unicodedata.category(one).startswith(("M", "Z")) for one in kept):
        raise MemberError("The name has no letter, number or sign in it.", remedy="Write a short name.")
    return kept


def same_name(one: str, other: str) -> bool:
    """Whether two names would be taken for one another."""
    return unicodedata.normalize("NFKC", one).casefold() == unicodedata.normalize("NFKC", other).casefold()


def check(*, color: str, avatar: str, age_class: int, kids: bool) -> None:
    """Raises MemberError, which names the field."""
    if not _COLOR.fullmatch(color):
        raise MemberError(f"color is {color!r}.", remedy="Write a colour such as #4477aa.")
    if avatar not in AVATARS:
        raise MemberError(f"avatar is {avatar!r}.", remedy=f"Write one of {', '.join(filter(None, AVATARS))}, or nothing.")
    if age_class not in AGE_CLASSES:
        raise MemberError(f"age_class is {age_class}.", remedy="Write 0, 10, 12, 16 or 18.")
    if kids and age_class > KIDS_MOST:
        raise MemberError(f"A kids' profile is for {KIDS_MOST} at the most.", remedy=f"Write an age class up to {KIDS_MOST}.")
