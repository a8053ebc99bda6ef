"""Which frames of a film make good pictures: sharp, well exposed, of some colour, not beside a cut, not the credits.

Scores are products, so that one fault is enough to lose: a black frame is no use however sharp its title card. What counts
is measured on a small copy (320 wide), where film grain does not pass for detail.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from matinee.base.units import DurationMs, PositionMs
from matinee.encoding.model import Still, Stills

_WIDTH = 320
_KEPT = 6
_CUT_NEAR_MS = 300
_LAST_PART = 0.8
_FIRST_PART = 0.03
_FAR_APART = 0.08

Picture = NDArray[np.float32]


def choose_stills(
    frames: Sequence[tuple[Path, PositionMs]], cuts: Sequence[PositionMs], length: DurationMs
) -> Stills | None:
    """The best frames, best first and unlike each other, and the one whose middle suits an upright poster best."""
    scored: list[tuple[float, float, Path, PositionMs, Picture]] = []
    for path, at in frames:
        picture = _load(path)
        if picture is None:
            continue
        place = placing(at, cuts, length)
        scored.append((place * score(picture), place * score(_middle(picture)), path, at, picture))
    if not scored:
        return None
    scored.sort(key=lambda entry: (-entry[0], entry[3]))
    kept = [scored[0]]
    for entry in scored[1:]:
        if len(kept) < _KEPT and all(_difference(entry[4], other[4]) > _FAR_APART for other in kept):
            kept.append(entry)
    poster = max(kept, key=lambda entry: entry[1])
    return Stills(
        candidates=tuple(Still(path=str(entry[2]), position_ms=entry[3], score=round(entry[0], 6)) for entry in kept),
        poster=str(poster[2]),
    )


def score(picture: Picture) -> float:
    """How good a frame looks, 0 to 1, from its RGB values of shape (height, width, 3) between 0 and 1."""
    light = picture @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    return float(_sharpness(light) * _exposure(light) * _colour(picture) * _fullness(light))


def placing(at: PositionMs, cuts: Sequence[PositionMs], length: DurationMs) -> float:
    """How well a moment suits: not beside a cut, not at the very start, not among the credits."""
    part = at / max(1, length)
    value = 1.0 if _FIRST_PART <= part <= _LAST_PART else 0.35
    return value * (0.3 if any(abs(at - cut) < _CUT_NEAR_MS for cut in cuts) else 1.0)


def _sharpness(light: Picture) -> float:
    """The spread of a Laplacian, with diminishing returns: a wall of noise is no better than a clear face."""
    edges = 4 * light[1:-1, 1:-1] - light[:-2, 1:-1] - light[2:, 1:-1] - light[1:-1, :-2] - light[1:-1, 2:]
    spread = float(np.mean(np.sort(np.abs(edges), axis=None)[-max(1, edges.size // 10) :]))
    return spread / (spread + 0.12)


def _exposure(light: Picture) -> float:
    """Middle tones score; frames that are nearly black, nearly white or flat do not."""
    mean, contrast = float(light.mean()), float(light.std())
    if mean < 0.03 or contrast < 0.02:
        return 0.01
    lit = float(np.exp(-(((mean - 0.38) / 0.28) ** 2)))
    clipped = float(((light < 0.02) | (light > 0.98)).mean())
    return lit * min(1.0, contrast / 0.16) * (1 - 0.8 * clipped)


def _colour(picture: Picture) -> float:
    spread = float((picture.max(axis=2) - picture.min(axis=2)).mean())
    return 0.6 + 0.4 * min(1.0, spread / 0.25)


def _fullness(light: Picture) -> float:
    """How much of the frame shows something: a title card on black has detail in a few rows of tiles only."""
    rows, columns = light.shape[0] // 6, light.shape[1] // 10
    if rows < 2 or columns < 2:
        return 1.0
    tiles = light[: rows * 6, : columns * 10].reshape(6, rows, 10, columns)
    return 0.2 + 0.8 * float((tiles.std(axis=(1, 3)) > 0.015).mean())


def _middle(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    across = min(width, max(16, height * 2 // 3))
    start = (width - across) // 2
    return picture[:, start : start + across]


def _difference(one: Picture, other: Picture) -> float:
    return float(np.abs(one[::8, ::8] - other[::8, ::8]).mean())


def _load(path: Path) -> Picture | None:
    try:
        with Image.open(path) as image:
            image.draft("RGB", (_WIDTH, _WIDTH))
            height = max(16, round(image.height * _WIDTH / image.width))
            small = image.convert("RGB").resize((_WIDTH, height), Image.Resampling.BOX)
    except (OSError, UnidentifiedImageError):
        return None
    return np.asarray(small, dtype=np.float32) / np.float32(255)
