"""Rules in CEL (the Common Expression Language): what they may say, and what they say of one box. Pure.

CEL always ends, but the engine knows no limit of time and holds the interpreter while it runs. So a rule is capped before it
is compiled (length, depth, one comprehension), may name what we hand it and nothing else, and is tried in a child process
when it is recorded (trial.py). Evaluated here it has at most one pass over a short list.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from matinee.carriage.model import BoxView, CarriageError
from matinee.fleet.model import BoxModel

MAX_CHARS: Final = 2_000
MAX_DEPTH: Final = 24
MAX_TOKENS: Final = 400
MAX_ITEMS, MAX_TEXT = 32, 64

FIELDS: Final[Mapping[str, Any]] = {
    "model": "",
    "oui": "",
    "product_class": "",
    "serial": "",
    "identity": "unverified",
    "product": "",
    "version": "",
    "version_major": 0,
    "codecs": [],
    "drm": [],
    "hdcp": "",
    "memory_mb": 0,
    "max_height": 0,
}
"""What a rule may name of a box, as `box.NAME`, with what it is where nothing is known: so each field has one type."""

FULLEST: Final[Mapping[str, Any]] = {
    name: [f"{name}-{number}".ljust(MAX_TEXT, "x") for number in range(MAX_ITEMS)]
    if isinstance(value, list)
    else "x" * MAX_TEXT
    if isinstance(value, str)
    else 2**31
    for name, value in FIELDS.items()
}
"""A box with as much of everything as any may have: what a rule costs at the most shows on it."""

_OF_ONE_BOX: Final = frozenset({"serial"})
_MACROS: Final = frozenset({"all", "exists", "exists_one", "map", "filter"})
_FUNCTIONS: Final = frozenset({"size", "startsWith", "endsWith", "contains", "matches", "has", "int", "string"})
_WORDS: Final = frozenset({"true", "false", "in", "box"})
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]])""",
    re.VERBOSE | re.ASCII,
)


def check(rule: str) -> None:
    """Whether a rule may be compiled at all. Raises CarriageError, naming the place."""
    if len(rule) > MAX_CHARS:
        raise _wrong(f"it has {len(rule):,} characters; {MAX_CHARS:,} are the most", "Split it into launches of their own.")
    names = _names_in(_tokens(rule))
    unknown = sorted(names - set(FIELDS))
    if unknown:
        raise _wrong(f"it names box.{unknown[0]}, which is not known", f"Known are: {', '.join(FIELDS)}.")
    _compiled(rule)


def asks_for_one_box(rule: str) -> bool:
    """Whether two boxes of one kind may be told apart by the rule."""
    return bool(_names_in(_tokens(rule)) & _OF_ONE_BOX)


def facts_of(view: BoxView, model: BoxModel | None) -> dict[str, Any]:
    """What a rule sees of a box. A capability of another type than FIELDS', or beyond any real box's, counts as not known."""
    facts = {name: list(value) if isinstance(value, list) else value for name, value in FIELDS.items()}
    facts |= {"identity": view.identity.value, "serial": view.serial}
    if view.interface is not None:
        major = view.interface.version.split(".")[0]
        facts |= {"product": view.interface.product, "version": view.interface.version}
        facts["version_major"] = int(major) if major.isascii() and major.isdigit() and len(major) < 9 else 0
    if model is not None:
        facts |= {"model": model.name, "oui": model.oui, "product_class": model.product_class}
        for name in ("codecs", "drm", "hdcp", "memory_mb", "max_height"):
            value = model.capabilities.get(name)
            if type(value) is type(FIELDS[name]) and _is_modest(value):
                facts[name] = value
    return facts


def _is_modest(value: Any) -> bool:
    """Whether a rule's one pass over it is short, whatever an operator tells of its boxes."""
    if isinstance(value, list):
        return len(value) <= MAX_ITEMS and all(isinstance(one, str) and len(one) <= MAX_TEXT for one in value)
    return not isinstance(value, str) or len(value) <= MAX_TEXT


def evaluate(rule: str, facts: Mapping[str, Any]) -> bool:
    """What a rule says of a box. Raises CarriageError where it cannot be evaluated or gives no boolean."""
    try:
        value = _compiled(rule).execute({"box": {**FIELDS, **facts}})
    except BaseException as error:  # the engine panics as a BaseException, and a fault of a rule must never end a process
        if isinstance(error, KeyboardInterrupt | SystemExit | CarriageError):
            raise
        raise _wrong(f"it cannot be evaluated ({str(error).splitlines()[0][:160]})", "Guard what may be missing.") from error
    if not isinstance(value, bool):
        raise _wrong(f"it gives {type(value).__name__}, not true or false", "End it with a comparison.")
    return value


@functools.lru_cache(maxsize=1_000)
def _compiled(rule: str) -> Any:
    import cel  # brings a command line of its own along, which no command of ours need wait for

    try:
        return cel.compile(rule)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        first = next((line for line in str(error).splitlines() if "ERROR" in line), str(error).splitlines()[0])
        raise _wrong(f"it cannot be read ({first.strip()[:160]})", "Mend that place.") from error


def _tokens(rule: str) -> Sequence[tuple[str, str]]:
    """The rule's words, in order: (kind, text), without spaces. Raises CarriageError beyond the bounds."""
    tokens: list[tuple[str, str]] = []
    at = depth = 0
    while at < len(rule):
        found = _TOKEN.match(rule, at)
        if found is None:
            raise _wrong(f"it has {rule[at]!r} at character {at + 1}, which no rule may hold", "Take it out.")
        kind, text = str(found.lastgroup), found.group()
        depth += (text in ("(", "[")) - (text in (")", "]")) if kind == "sign" else 0
        if not 0 <= depth <= MAX_DEPTH or len(tokens) > MAX_TOKENS:
            raise _wrong(f"it is nested deeper than {MAX_DEPTH} or has more than {MAX_TOKENS} words", "Say less at once.")
        if tokens and _hides_something(*tokens[-1], kind, text):
            raise _wrong(
                f"it has a comment or a text of another form at character {at + 1}", 'Write texts as "x", and no comment.'
            )
        if kind != "space":
            tokens.append((kind, text))
        at = found.end()
    if not tokens:
        raise _wrong("it is empty", "Leave it out, or say what must hold of `box`.")
    return tokens


def _hides_something(kind_before: str, before: str, kind: str, text: str) -> bool:
    """Whether the engine would read on differently from here: a text in three quotes, r"raw" or b"bytes", or a // comment."""
    if kind == "text":
        return kind_before == "text" or (kind_before == "name" and before != "in")
    return before == text == "/"


def _names_in(tokens: Sequence[tuple[str, str]]) -> set[str]:
    """The fields of `box` that are named. Raises CarriageError for any other name, and for a second comprehension."""
    fields: set[str] = set()
    variables: set[str] = set()
    comprehensions = 0
    for place, (kind, text) in enumerate(tokens):
        if kind != "name":
            continue
        before = tokens[place - 1][1] if place else ""
        after = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        if before == "." and after == "(" and text in _MACROS:
            comprehensions += 1
            if place + 2 < len(tokens):
                variables.add(tokens[place + 2][1])
        elif before == "." and after != "(" and place > 1 and tokens[place - 2][1] == "box":
            fields.add(text)
        elif not (text in _WORDS or (text in _FUNCTIONS and after == "(") or (text in variables and before != ".")):
            raise _wrong(f"it names {text!r}, which is not known", f"Name box.{', box.'.join(list(FIELDS)[:4])}, ...")
        elif text == "box" and after != ".":
            raise _wrong("it uses `box` as a whole", "Name one of its fields: box.model.")
    if comprehensions > 1:
        raise _wrong(f"it has {comprehensions} comprehensions; one is the most", "Write two launches, or use `in`.")
    return fields


def _wrong(what: str, remedy: str) -> CarriageError:
    return CarriageError(f"The rule is wrong: {what}.", remedy=remedy)
