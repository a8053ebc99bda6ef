"""Common Media Client Data version 2 (CTA-5004-B) in event mode: reading lines that anyone may have written.

A line is a structured-field dictionary (RFC 9651). Only what the standard names is taken, each key in its type; a key twice, a
key of another report's kind, or one that no one knows is a fault of that line. The reader has no recursion and looks at each
character once, and what it takes is capped before it begins.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

MAX_BODY_BYTES = 64 * 1024
MAX_LINES = 250
MAX_LINE_CHARS = 4096
MAX_KEYS = 64
MAX_LIST = 16
MAX_STRING = 2048
MAX_CUSTOM = 64
MAX_NUMBER = 10**15 - 1

Item: TypeAlias = int | float | str | bool
Value: TypeAlias = Item | tuple[Item, ...]


class Word(str):
    """A bare word (a structured-field token), told apart from a quoted string."""

    __slots__ = ()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was read: its values, and the keys at fault. It is good when there are none."""

    values: Mapping[str, Value]
    bad_keys: tuple[str, ...]


_LISTS_OF_NUMBERS = frozenset(["ab", "bl", "br", "bsa", "bsd", "bsda", "lab", "lb", "mtp", "pb", "tab", "tb", "tbl", "tpb"])
_LISTS_OF_STRINGS = frozenset({"ec", "nor"})
_INTEGERS = frozenset(["d", "dfa", "dl", "ltc", "msd", "pt", "rc", "rtp", "sn", "ts", "ttfb", "ttfbb", "ttlb", "v"])
_NUMBERS = frozenset({"pr"})
_BOOLEANS = frozenset({"bg", "bs", "nr", "su"})
_STRINGS = {"cdn": 128, "cen": 64, "cid": 128, "cmsdd": 1024, "cmsds": 1024, "cs": 128, "h": 128, "sid": 64}
_STRINGS |= {"smrt": 1024, "url": MAX_STRING}
_WORDS = {
    "e": frozenset(["abe", "abs", "ae", "as", "b", "bc", "c", "ce", "e", "m", "pc", "pe", "pr", "ps", "rr", "sk", "t", "um"]),
    "ot": frozenset(["a", "av", "c", "i", "k", "m", "o", "tt", "v"]),
    "sf": frozenset(["d", "h", "o", "s"]),
    "st": frozenset(["l", "ll", "v"]),
    "sta": frozenset(["a", "d", "e", "f", "k", "p", "q", "r", "s", "w"]),
}
_RESPONSE_ONLY = frozenset(["cmsdd", "cmsds", "rc", "smrt", "ttfb", "ttfbb", "ttlb", "url"])
_NEEDS = {"ps": "sta", "pr": "pr", "c": "cid", "b": "bg", "bc": "br", "e": "ec", "ce": "cen", "rr": "url"}

_KEY = re.compile(r"[A-Za-z*][A-Za-z0-9_.*-]{0,63}")
_CUSTOM = re.compile(r"[A-Za-z0-9.]+-[A-Za-z0-9.-]+")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,3})?(?![\d.])")
_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_WORD = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]{0,63}")
_PARAMETER = re.compile(r";[ ]*[a-z*][a-z0-9_.*-]*(?:=(?:\"(?:[^\"\\]|\\.)*\"|[A-Za-z0-9*?.:/-]+))?")


def split_lines(body: bytes) -> list[str]:
    """The lines of a report's body, blank ones left out. Raises ValueError where it is none: too long, too many, not ASCII."""
    if len(body) > MAX_BODY_BYTES:
        raise ValueError("the body is too long")
    if not body.isascii():
        raise ValueError("the body is not ASCII")
    lines = [line for line in body.decode("ascii").replace("\r\n", "\n").split("\n") if line.strip()]
    if not lines:
        raise ValueError("the body is empty")
    if len(lines) > MAX_LINES:
        raise ValueError(f"the body has more than {MAX_LINES} lines")
    return lines


def read_event(text: str) -> Line:
    """One line, judged as a version 2 event. Raises ValueError where it is no structured-field dictionary at all."""
    values = read_dictionary(text)
    return Line(values=values, bad_keys=tuple(sorted(_faults(values))))


def read_dictionary(text: str) -> dict[str, Value]:
    """Keys and values of a structured-field dictionary; parameters of items are read over. Raises ValueError."""
    if len(text) > MAX_LINE_CHARS:
        raise ValueError("the line is too long")
    values: dict[str, Value] = {}
    text = text.strip(" \t")
    at = 0
    while at < len(text):
        key, at = _expect(_KEY, text, at, "a key")
        if key in values:
            raise ValueError(f"the key {key} comes twice")
        if len(values) >= MAX_KEYS:
            raise ValueError("there are too many keys")
        if text.startswith("=", at):
            values[key], at = _value(text, at + 1)
        else:
            values[key] = True
        at = _parameters(text, at)
        at = _blank(text, at)
        if at == len(text):
            break
        if text[at] != ",":
            raise ValueError(f"a comma is missing after {key}")
        at = _blank(text, at + 1)
        if at == len(text):
            raise ValueError("the line ends with a comma")
    return values


def _value(text: str, at: int) -> tuple[Value, int]:
    if not text.startswith("(", at):
        return _item(text, at)
    items: list[Item] = []
    at += 1
    while True:
        while text.startswith(" ", at):
            at += 1
        if text.startswith(")", at):
            return tuple(items), at + 1
        if len(items) >= MAX_LIST:
            raise ValueError("a list is too long")
        item, at = _item(text, at)
        items.append(item)
        at = _parameters(text, at)
        if not text.startswith((" ", ")"), at):
            raise ValueError("a list is not closed")


def _item(text: str, at: int) -> tuple[Item, int]:
    first = text[at : at + 1]
    if first == '"':
        match = _STRING.match(text, at)
        if match is None or len(match[1]) > MAX_STRING:
            raise ValueError("a string is not closed, or too long")
        return re.sub(r"\\(.)", r"\1", match[1]), match.end()
    if first == "?":
        if text[at + 1 : at + 2] not in ("0", "1"):
            raise ValueError("a boolean is ?0 or ?1")
        return text[at + 1] == "1", at + 2
    if first == "-" or first.isdigit():
        number, end = _expect(_NUMBER, text, at, "a number")
        return (float(number) if "." in number else int(number)), end
    word, end = _expect(_WORD, text, at, "a value")
    return Word(word), end


def _expect(pattern: re.Pattern[str], text: str, at: int, what: str) -> tuple[str, int]:
    match = pattern.match(text, at)
    if match is None:
        raise ValueError(f"{what} was expected at character {at + 1}")
    return match[0], match.end()


def _parameters(text: str, at: int) -> int:
    while match := _PARAMETER.match(text, at):
        at = match.end()
    return at


def _blank(text: str, at: int) -> int:
    while text.startswith((" ", "\t"), at):
        at += 1
    return at


def _faults(values: Mapping[str, Value]) -> set[str]:
    faults = {key for key, value in values.items() if not _is_typed(key, value)}
    event = values.get("e")
    faults |= {key for key in ("e", "ts") if key not in values}
    if values.get("v") != 2:
        faults.add("v")
    if event != "rr":
        faults |= _RESPONSE_ONLY & values.keys()
    if event != "ce":
        faults |= {"cen"} & values.keys()
    needed = _NEEDS.get(event) if isinstance(event, str) else None
    if needed is not None and needed not in values:
        faults.add(needed)
    return faults


def _is_typed(key: str, value: Value) -> bool:
    if key in _INTEGERS:
        return type(value) is int
    if key in _LISTS_OF_NUMBERS:
        return isinstance(value, tuple) and all(type(entry) in (int, float) for entry in value)
    if key in _WORDS:
        return isinstance(value, Word) and value in _WORDS[key]
    if key in _STRINGS:
        return type(value) is str and len(value) <= _STRINGS[key]
    if key in _BOOLEANS:
        return type(value) is bool
    if key in _LISTS_OF_STRINGS:
        return isinstance(value, tuple) and all(type(entry) is str for entry in value)
    if key in _NUMBERS:
        return type(value) in (int, float)
    return _CUSTOM.fullmatch(key) is not None and not (isinstance(value, str) and len(value) > MAX_CUSTOM)


def first_number(value: Value | None) -> float | None:
    """The first number of a list such as `br=(2350)`."""
    if isinstance(value, tuple) and value and isinstance(value[0], int | float):
        return float(value[0])
    return None


def integer(values: Mapping[str, Value], key: str) -> int | None:
    value = values.get(key)
    return value if type(value) is int else None


def text(values: Mapping[str, Value], key: str) -> str | None:
    value = values.get(key)
    return str(value) if isinstance(value, str) else None


def joined(value: Value | None) -> str | None:
    """The strings of a list such as `ec=("network" "1001")`, with spaces between."""
    return " ".join(str(entry) for entry in value)[:256] if isinstance(value, tuple) and value else None


def summed(value: Value | None) -> int | None:
    """The sum of a list of durations such as `bsd=(1250 300)`."""
    numbers: Sequence[float] = [entry for entry in value if isinstance(entry, int | float)] if isinstance(value, tuple) else []
    return round(sum(numbers)) if numbers else None
