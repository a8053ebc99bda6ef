"""Text made comparable: what somebody types on a remote with no accents, and what a title says, fold to the same words."""

import re
import unicodedata
from typing import Final

_LETTERS: Final = str.maketrans(
    {
        "œ": "oe", "æ": "ae", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ħ": "h", "ı": "i", "ŋ": "n",
        **dict.fromkeys("’ʼ`´‘", "'"),
    }
)
_WORDS = re.compile(r"[^\W_]+(?:'[^\W_]+)*'?|&|\+", re.UNICODE)

# fmt: off
STOP_WORDS: Final = frozenset([
    "a", "an", "and", "au", "aux", "d", "de", "des", "du", "en", "et", "in", "l", "la", "le", "les", "of", "on", "or",
    "ou", "the", "to", "un", "une",
])
# fmt: on
"""Small words of French and English that a title is found without, as long as another word was typed."""

_ARTICLES: Final = ("a ", "an ", "la ", "le ", "les ", "l ", "un ", "une ", "des ", "the ")

_NUMBERS: Final = {
    "1": ("i", "one", "un"), "2": ("ii", "two", "deux"), "3": ("iii", "three", "trois"), "4": ("iv", "four", "quatre"),
    "5": ("v", "five", "cinq"), "6": ("vi", "six"), "7": ("vii", "seven", "sept"), "8": ("viii", "eight", "huit"),
    "9": ("ix", "nine", "neuf"), "10": ("x", "ten", "dix"), "11": ("xi", "eleven", "onze"), "12": ("xii", "twelve", "douze"),
    "13": ("xiii", "thirteen", "treize"), "20": ("xx", "twenty", "vingt"), "100": ("hundred", "cent"),
}  # fmt: skip
_DIGITS_OF: Final = {word: digits for digits, words in _NUMBERS.items() for word in words if word not in ("un", "i")}
_AND: Final = ("and", "et")


def fold(text: str) -> str:
    """Lower case, no accents, ligatures apart, one kind of apostrophe: "L’Œuvre" is "l'oeuvre"."""
    folded = _fold_once(text)
    # Taking a character apart may bring a capital or a ligature to light (U+2121 is "TEL"): fold until nothing changes.
    while (again := _fold_once(folded)) != folded:
        folded = again
    return folded


def _fold_once(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(c for c in apart if not unicodedata.combining(c))


def typed_words(text: str) -> list[str]:
    """The words of a query, folded. An elided article goes with its word: "l'arbre" is "larbre", as it is in the index."""
    words = []
    for word in _WORDS.findall(fold(text)):
        if word in ("&", "+"):
            words.append(_AND[0])
        else:
            words.append(word.replace("'", ""))
    return [word for word in words if word]


def indexed_words(text: str) -> list[str]:
    """All the words by which a name is found, folded, without repeats.

    "L'Arbre" is found by larbre, l and arbre; "Spider-Man" also by spiderman; "Rocky II" also by 2; "&" by and, et.
    """
    found: dict[str, None] = {}
    folded = fold(text)
    for word in _WORDS.findall(folded):
        parts = [part for part in word.split("'") if part]
        if word in ("&", "+"):
            parts = list(_AND)
        elif len(parts) > 1:
            parts = ["".join(parts), *parts]
        for part in parts:
            found[part] = None
            if part in _DIGITS_OF:
                found[_DIGITS_OF[part]] = None
            for spelled in _NUMBERS.get(part, ()):
                found[spelled] = None
    for joined in re.findall(r"[^\W_]+(?:-[^\W_]+)+", folded):
        found[joined.replace("-", "")] = None
    return list(found)


def starts(text: str) -> list[str]:
    """A name from its beginning, as one string: whole, and without its article: "the matrix", "matrix"."""
    whole = " ".join(typed_words(text))
    apart = " ".join(fold(text).replace("'", " ").split())
    found = dict.fromkeys([whole])
    for article in _ARTICLES:
        for name in (whole, apart):
            if name.startswith(article) and len(name) > len(article):
                found[" ".join(typed_words(name[len(article) :]))] = None
    return [name for name in found if name]
