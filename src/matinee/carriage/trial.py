"""Try a new rule where it can do no harm: in a child process with little time and memory, before it is recorded.

An operator's own examples are tried with it: a rule that says otherwise of one of them than its author does is refused.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from matinee.base.errors import ErrorCode
from matinee.carriage.expressions import FIELDS, FULLEST, check, evaluate
from matinee.carriage.model import CarriageError
from matinee.outside.processes import Limits, ToolFailed, run

LIMITS: Final = Limits(wall_seconds=10, memory_bytes=1024**3, cpu_seconds=3, file_bytes=0, output_bytes=64 * 1024)


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A box by some of a rule's fields, and whether the rule must hold for it."""

    box: dict[str, Any]
    holds: bool


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    rule: str
    examples: tuple[Example, ...]


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, and what to do; empty where the rule is good."""

    wrong: str = ""
    remedy: str = ""


def try_rule(rule: str, examples: Sequence[Example] = ()) -> None:
    """Check, compile and evaluate a rule in a child process. Raises CarriageError with what is wrong."""
    _check_examples(examples)
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "rule.json"
        asked.write_bytes(msgspec.json.encode(_Asked(rule=rule, examples=tuple(examples))))
        try:
            done = run([sys.executable, "-m", "matinee.carriage.trial"], limits=LIMITS, stdin_path=asked)
        except ToolFailed as error:
            raise CarriageError(
                "The rule is wrong: tried on a box, it came to no end within its time and memory.", remedy="Say it more simply."
            ) from error
    try:
        answer = msgspec.json.decode(done.stdout, type=_Answer)
    except msgspec.DecodeError as error:
        raise CarriageError("The rule could not be tried.", remedy="Try again.", code=ErrorCode.TOOL_FAILED) from error
    if answer.wrong:
        raise CarriageError(answer.wrong, remedy=answer.remedy)


def _check_examples(examples: Sequence[Example]) -> None:
    """Whether each example names known fields, each with a value of its type."""
    for number, example in enumerate(examples):
        for name, value in example.box.items():
            if name not in FIELDS:
                raise CarriageError(
                    f"Example {number + 1} has box.{name}, which is not known.", remedy=f"Known: {', '.join(FIELDS)}."
                )
            if type(value) is not type(FIELDS[name]):
                kind = type(FIELDS[name]).__name__
                raise CarriageError(f"Example {number + 1} has a box.{name} that is no {kind}.", remedy=f"Write a {kind}.")


def _try_here(asked: _Asked) -> _Answer:
    try:
        check(asked.rule)
        for box in ({}, FULLEST):
            evaluate(asked.rule, box)
        for number, example in enumerate(asked.examples):
            if evaluate(asked.rule, example.box) is not example.holds:
                said = "does not hold" if example.holds else "holds"
                return _Answer(
                    wrong=f"The rule {said} for example {number + 1}, {example.box}.", remedy="Mend the rule, or the example."
                )
    except CarriageError as error:
        return _Answer(wrong=error.message, remedy=error.remedy)
    return _Answer()


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_try_here(msgspec.json.decode(sys.stdin.buffer.read(), type=_Asked))))
