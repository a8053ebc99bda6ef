"""Which part of a film's picture is picture, and which is black bars.

A bar is cut only where it is black through the whole film, so the part that is kept holds whatever was lit in any sample: a
scene in another aspect, a subtitle within the bar and a logo all keep it. Dark scenes say little, since their edges are black
without a bar; they may widen the picture but not narrow it, and enough lit samples must reach its edge.
"""

from collections.abc import Sequence
from typing import NamedTuple

from matinee.base.units import Pixels
from matinee.encoding.model import Crop

LEAST_SAMPLES = 6
"""A film of fewer lit samples is left as it is."""
_AGREEING = 0.5
"""The part of all lit samples that must reach each edge that is cut at."""
_NEAR = 0.02
"""How far from the edge, as a part of the side, still reaches it: the edge of a lit picture may be dark."""
_WORTH = 0.02
"""Less than this part of a side is not worth another frame size."""
_LEAST_LEFT = 0.4
"""A picture that fills less of a side than this is no film within bars."""


class Box(NamedTuple):
    """What is lit in one sample: the first and the last column and row, all within."""

    left: int
    right: int
    top: int
    bottom: int


def read_boxes(text: str) -> list[Box]:
    """What is lit in each sample, from the lines of cropdetect; samples that are black all over are left out."""
    boxes: list[Box] = []
    seen: dict[str, int] = {}
    for line in text.splitlines():
        name, _, value = line.rpartition("=")
        name = name.removeprefix("lavfi.cropdetect.")
        if name in ("x1", "x2", "y1", "y2") and value.lstrip("-").isdigit():
            seen[name] = int(value)
        if len(seen) == 4:
            if seen["x1"] < seen["x2"] and seen["y1"] < seen["y2"]:
                boxes.append(Box(seen["x1"], seen["x2"], seen["y1"], seen["y2"]))
            seen = {}
    return boxes


def choose_crop(boxes: Sequence[Box], width: int, height: int) -> Crop | None:
    """The picture within the bars of a film whose coded frames have this size, None where nothing is cut."""
    if len(boxes) < LEAST_SAMPLES:
        return None
    across = _kept([(box.left, box.right) for box in boxes], width)
    down = _kept([(box.top, box.bottom) for box in boxes], height)
    if across == (0, width) and down == (0, height):
        return None
    return Crop(
        left=Pixels(across[0]),
        top=Pixels(down[0]),
        width=Pixels(across[1] - across[0]),
        height=Pixels(down[1] - down[0]),
    )


def _kept(spans: Sequence[tuple[int, int]], side: int) -> tuple[int, int]:
    """The part of one side that is kept, as begin and end, on even numbers; all of it where the samples do not agree."""
    first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
    near = max(2.0, side * _NEAR)
    if sum(1 for begin, end in spans if begin - first <= near and last - end <= near) < len(spans) * _AGREEING:
        return 0, side
    begin, end = first - first % 2, min(side, last + 2 - last % 2)
    if side - (end - begin) < side * _WORTH or end - begin < side * _LEAST_LEFT:
        return 0, side
    return begin, end
