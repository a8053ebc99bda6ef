"""Words that a partner wrote, made fit to stand on a screen of ours: plain text, of a bounded length.

What a viewer cannot see can still do harm: a character that turns the writing round lets a name pass for another, a hundred
accents on one letter cover the rows above it. So those are taken out. Markup is refused and not stripped: a text with half
of its markup gone says what nobody wrote.
"""

import re
import unicodedata
from typing import Final

from matinee.catalogue.model import CatalogueError

_UNSEEN = re.compile(
    "[\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ue000-\uf8ff\U000e0000-\U0010ffff]"
)
"""Signs of direction, of no width, of private use, and halves of signs. Joiners stay: scripts and emoji are written with them."""

_BLANKS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_PILED = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_MARKUP = re.compile(r"<[a-zA-Z/!?]|&(?:[a-zA-Z]{2,10}|#[xX]?[0-9a-fA-F]{1,6});")

MAX_READ_CHARS: Final = 100_000


def plain_text(text: str, limit: int) -> str:
    """One line of what a partner wrote, at most `limit` characters, cut between words. Raises CatalogueError for markup."""
    if len(text) > MAX_READ_CHARS:
        raise CatalogueError(f"has {len(text):,} characters; {MAX_READ_CHARS:,} are read")
    line = _PILED.sub(r"\1", _UNSEEN.sub("", _BLANKS.sub(" ", unicodedata.normalize("NFC", text)))).strip()
    if _MARKUP.search(line):
        raise CatalogueError("holds markup (HTML): plain text is wanted")
    if len(line) <= limit:
        return line
    return (line[: limit - 1].rpartition(" ")[0] or line[: limit - 1]).rstrip(" ,;:.–-") + "…"
