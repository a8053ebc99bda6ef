"""Credits by the picture: lettering on a plain, dark ground, still or rolling, that lasts to the end of a film or nearly.

It is told from grey frames of 320 x 180. Lettering is many steep steps along a row, in bands of rows with calm rows between them;
a plain ground is nearly all else being flat. It is conservative: lettering over a moving picture is not found, and no marker is
better than one that cuts a film short.
"""

from collections.abc import Sequence

import numpy as np

from matinee.base.units import DurationMs, PositionMs
from matinee.encoding.prints import Stretch

WIDTH, HEIGHT = 320, 180

STEEP, FLAT = 40, 6
"""Steps of luma from one pixel to the next: that of lettering, and that of a ground."""
STEPS_IN_A_ROW = 6
DARKEST_FILM = 110
"""The ground is darker: credits in black on white are not looked for."""
PLAIN = 0.85
"""How much of a card is flat; of a page of small names, which is hardly flat, the bands of rows speak instead."""
CARD_ROWS, CARD_BANDS = 0.06, 3
PAGE_ROWS, PAGE_BANDS, PAGE_GROUND = 0.25, 15, 80
STRONG_SHARE = 0.4
"""Of the frames of a stretch that must be cards or pages by themselves; the rest is plain ground on which letters come and go."""
SHORTEST_MS, SHORTEST_SHARE, SHORTEST_AT_MOST_MS = 8_000, 0.02, 30_000
"""Of credits: eight seconds and a fiftieth of the film, and half a minute is enough of any film. Dark scenes pass for less."""
LONGEST_GAP_MS = 4_000
AFTER_SHARE = 0.7
"""Credits begin in the last part of a film."""
SCENE_AFTER_MS = 60_000
"""What may follow: a scene after the credits. More of it, and they were none."""


def credits_of(frames: "np.ndarray", start_ms: PositionMs, step_ms: float, length_ms: DurationMs) -> Stretch | None:
    """The credits of a film, from the frames of its end: uint8[n, 180, 320], one each `step_ms` from `start_ms`."""
    kinds = [_kind_of(frame) for frame in frames]
    found: Stretch | None = None
    for begin, end in _runs(kinds, max(1, round(LONGEST_GAP_MS / step_ms))):
        run = kinds[begin:end]
        stretch = Stretch(
            start_ms=PositionMs(round(start_ms + begin * step_ms)),
            end_ms=PositionMs(min(length_ms, round(start_ms + end * step_ms))),
        )
        is_long = stretch.length_ms >= _shortest(length_ms) and sum(kind == 2 for kind in run) >= STRONG_SHARE * len(run)
        is_late = stretch.start_ms >= AFTER_SHARE * length_ms and length_ms - stretch.end_ms <= _scene_after(length_ms)
        if is_long and is_late and (found is None or stretch.length_ms > found.length_ms):
            found = stretch
    return found


def _shortest(length_ms: DurationMs) -> float:
    return min(SHORTEST_AT_MOST_MS, SHORTEST_MS + SHORTEST_SHARE * length_ms)


def _scene_after(length_ms: DurationMs) -> float:
    return min(SCENE_AFTER_MS, length_ms / 10)


def _kind_of(frame: "np.ndarray") -> int:
    """2: a card or a page of names. 1: a plain dark ground with a little on it, or nothing at all. 0: a picture."""
    luma = frame.astype(np.int16)
    along, down = np.abs(np.diff(luma, axis=1)), np.abs(np.diff(luma, axis=0))
    ground = float(np.median(luma))
    plain = float(((along[:-1] <= FLAT) & (down[:, :-1] <= FLAT)).mean())
    lettered = (along > STEEP).sum(axis=1) >= STEPS_IN_A_ROW
    rows, bands = float(lettered.mean()), int((np.diff(lettered.astype(np.int8)) == 1).sum())
    if rows >= PAGE_ROWS and bands >= PAGE_BANDS and ground <= PAGE_GROUND:
        return 2
    if plain < PLAIN or ground > DARKEST_FILM:
        return 0
    return 2 if rows >= CARD_ROWS and bands >= CARD_BANDS else 1


def _runs(kinds: Sequence[int], gap: int) -> list[tuple[int, int]]:
    """Stretches from one card to another with nothing but cards and plain ground between them, and few pictures."""
    runs: list[tuple[int, int]] = []
    begin, last, pictures = -1, -1, 0
    for number, kind in enumerate(kinds):
        if kind == 2:
            begin, last, pictures = (number if begin < 0 else begin), number, 0
        elif kind == 0:
            pictures += 1
            if begin >= 0 and pictures > gap:
                runs.append((begin, last + 1))
                begin, pictures = -1, 0
    if begin >= 0:
        runs.append((begin, last + 1))
    return runs
