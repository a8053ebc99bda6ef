"""How a film's pictures are made of fields: whole frames, video of two moments each, or film pulled down to 30 frames.

Flags lie in both directions: whole frames are sent as fields (PsF), and fields are coded as if they were frames. So the
pictures are looked at, in some parts of the film, because the head is often another kind than the rest.

Film at 24 frames becomes 30 by showing fields again, in turns of 3 and 2: of five frames one has its upper and another, two
frames on, its lower field from the frame before. No other material repeats fields in step, so that is what it is known by.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Literal

_CYCLE = 5
_LEAST_REPEATS = 0.2
"""Of all frames; pulled down film has two in five, but where nothing moves a repeated field is not seen."""
_IN_STEP = 0.8
_LEAST_KNOWN = 12
"""Frames of a part that must show something; a still picture shows nothing."""
_LEAST_DIFFERENCE = 0.06
_UNDECLARED = 0.6
_LEAST_UNDECLARED = 2
"""Of the frames that show something, and of parts: whole frames of fine lines that move slowly look like fields for a while."""
_OVER_CHANCE = 4
_FIELDS = re.compile(r"\bi:([PTB?])\b")


class Fields(StrEnum):
    """What a part of a film is made of."""

    FRAMES = "frames"
    VIDEO = "video"
    PULLDOWN = "pulldown"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a film: what it is made of (None: nothing moved), which field comes first, and whether frames say so."""

    fields: Fields | None
    order: Literal["", "tff", "bff"]
    flagged: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done about a film's fields. `order` is set where frames do not tell which field comes first."""

    interlaced: bool = False
    telecined: bool = False
    mixed: bool = False
    order: Literal["", "tff", "bff"] = ""


def read_part(metadata: str, said: str) -> Part:
    """One part of a film, from what idet wrote for each frame, and what showinfo said of it."""
    kinds = re.findall(r"lavfi\.idet\.single\.current_frame=(\w+)", metadata)
    repeats = re.findall(r"lavfi\.idet\.repeated\.current_frame=(\w+)", metadata)
    flags = _FIELDS.findall(said)
    flagged = 2 * sum(1 for flag in flags if flag in "TB") > len(flags)
    tff, bff = kinds.count("tff"), kinds.count("bff")
    order: Literal["", "tff", "bff"] = "" if tff == bff else ("tff" if tff > bff else "bff")
    if _in_step([repeat != "neither" for repeat in repeats]):
        return Part(Fields.PULLDOWN, order, flagged)
    known = tff + bff + kinds.count("progressive")
    if known < _LEAST_KNOWN:
        return Part(None, order, flagged)
    # Fine lines that move look like fields of either order by chance; real fields keep to one order.
    least = max(_LEAST_DIFFERENCE * known, 2 * sqrt(tff + bff), 0 if flagged else _UNDECLARED * known)
    of_one_order = abs(tff - bff) > least and max(tff, bff) >= _OVER_CHANCE * min(tff, bff)
    return Part(Fields.VIDEO if of_one_order else Fields.FRAMES, order, flagged)


def judge(parts: Sequence[Part], flagged: bool) -> Verdict:
    """What a film is. Where no part shows anything its flags are believed; where parts differ it is treated as video."""
    seen = {part.fields for part in parts if part.fields is not None}
    if not seen:
        return Verdict(interlaced=flagged)
    moving = [part for part in parts if part.fields in (Fields.VIDEO, Fields.PULLDOWN)]
    orders = {part.order for part in moving}
    order: Literal["", "tff", "bff"] = moving[0].order if len(orders) == 1 else ""
    if seen == {Fields.PULLDOWN}:
        return Verdict(telecined=True, order=order)
    if seen == {Fields.FRAMES}:
        return Verdict()
    declared = any(part.flagged for part in moving)
    sure = Fields.FRAMES not in seen and order and len(moving) >= _LEAST_UNDECLARED
    if not (declared or sure):
        return Verdict()
    return Verdict(interlaced=True, mixed=Fields.PULLDOWN in seen, order="" if declared else order)


def _in_step(repeated: Sequence[bool]) -> bool:
    """Whether fields repeat in the steps of pulldown: in two places of every five frames, two frames apart."""
    places = [place % _CYCLE for place, again in enumerate(repeated) if again]
    if len(places) < max(4, len(repeated) * _LEAST_REPEATS):
        return False
    best = max(places.count(phase) + places.count((phase + 2) % _CYCLE) for phase in range(_CYCLE))
    return best >= _IN_STEP * len(places)
