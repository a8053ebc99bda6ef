"""Shots put one after another, and the cards that every film has: a title, and the credits at the end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matinee.app.demo.canvas import Colour, Stage, ease, lettering, paint, span
from matinee.app.demo.model import Credit, Painter, Picture

STUDIO_CREDITS = (
    Credit(role="director", names=("Matinee",)),
    Credit(role="animation", names=("Matinee",)),
    Credit(role="music", names=("Matinee",)),
)
"""Nobody but the program made these films, and the credits say so."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A painter on its own time, from 0. Without fades it begins and ends in cuts; `dissolve` blends it over the shot before."""

    start: float
    end: float
    painter: Painter
    fade_in: float = 0.0
    fade_out: float = 0.0
    dissolve: float = 0.0


def cut(shots: Sequence[Shot]) -> Painter:
    """One painter for the whole film. Shots stand in order and leave no gap."""

    def at(t: float) -> Picture:
        index = max(i for i, shot in enumerate(shots) if shot.start <= t + 1e-6)
        shot = shots[index]
        picture = shot.painter(t - shot.start)
        if shot.dissolve and t - shot.start < shot.dissolve and index:
            before = shots[index - 1]
            k = np.float32(ease((t - shot.start) / shot.dissolve))
            earlier = before.painter(t - before.start)
            picture = earlier + (picture - earlier) * k
        light = 1.0
        if shot.fade_in:
            light *= ease((t - shot.start) / shot.fade_in)
        if shot.fade_out:
            light *= ease((shot.end - t) / shot.fade_out)
        return picture if light >= 1 else picture * np.float32(light)

    return at


def held(t: float, start: float, end: float, fade: float = 0.7) -> float:
    """How visible a card is that comes at `start` and has gone by `end`."""
    return ease(span(t, start, start + fade)) * ease(span(t, end, end - fade))


def credits_card(stage: Stage, picture: Picture, t: float, colour: Colour, start: float, x: float, y: float) -> None:
    """The studio's name over what it made the film with; its lines come one after another and stay."""
    for row, (text, size, weight, tracking) in enumerate(
        (
            ("MATINEE", 0.05, "Bold", 0.32),
            ("image & musique  ·  pictures & music", 0.027, "Medium", 0.0),
            ("numpy  ·  Pillow  ·  ffmpeg", 0.027, "Medium", 0.0),
        )
    ):
        shown = ease(span(t, start + 0.25 * row, start + 0.25 * row + 0.8))
        line = lettering(stage, text, x, y + (0.0, 0.062, 0.102)[row] + 0.012 * (1 - shown), size, weight, tracking)
        paint(picture, line, colour, shown)
