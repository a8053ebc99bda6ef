"""Credits told from the picture: cards and rolls of names are found, all else is not."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from matinee.base.units import DurationMs, PositionMs
from matinee.encoding.closing import HEIGHT, WIDTH, credits_of
from matinee.encoding.prints import Stretch

_FONT = ImageFont.load_default(11)
_NAMES = ["Director   Nobody Atall", "Music   No One", "Sound   Some Body", "Colours   Any Body", "Thanks to all of them"]


def _lettering(at: float, lines: list[str], ground: int = 8, ink: int = 235) -> np.ndarray:
    picture = Image.new("L", (WIDTH, HEIGHT), ground)
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((60, at + 18 * number), line, fill=ink, font=_FONT)
    return np.asarray(picture)


def card(number: int) -> np.ndarray:
    return _lettering(40, _NAMES)


def roll(number: int) -> np.ndarray:
    return _lettering(-12.0 * (number % 15), _NAMES * 6, ground=30)


def black(number: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), 16, np.uint8)


def picture(number: int) -> np.ndarray:
    chance = np.random.default_rng(number)
    small = chance.integers(0, 255, (HEIGHT // 12, WIDTH // 16)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def night(number: int) -> np.ndarray:
    """A dark sky with a dozen lights."""
    frame = np.full((HEIGHT, WIDTH), 20, np.uint8)
    chance = np.random.default_rng(7)
    for y, x in zip(chance.integers(0, HEIGHT - 2, 12), chance.integers(0, WIDTH - 2, 12), strict=True):
        frame[y : y + 2, x : x + 2] = 240
    return frame


def subtitled(number: int) -> np.ndarray:
    return np.maximum(night(number), _lettering(150, ["A line of speech that stands at the foot"], ground=0))


def white(number: int) -> np.ndarray:
    return _lettering(40, _NAMES, ground=245, ink=10)


Part = tuple[Callable[[int], np.ndarray], int]


def _credits(*parts: Part, length: int = 200) -> Stretch | None:
    """What is found at the end of a film of `length` seconds whose last seconds are these."""
    makers = [make for make, seconds in parts for _ in range(seconds)]
    frames = np.stack([make(number) for number, make in enumerate(makers)])
    return credits_of(frames, PositionMs((length - len(makers)) * 1000), 1000, DurationMs(length * 1000))


@pytest.mark.parametrize(
    ("shows", "parts", "begins", "ends"),
    [
        ("cards", [(picture, 20), (card, 25)], 175, 200),
        ("a roll", [(picture, 20), (roll, 30)], 170, 200),
        ("black after it", [(picture, 20), (card, 20), (black, 5)], 175, 195),
        ("a scene after it", [(picture, 10), (roll, 30), (picture, 15)], 155, 185),
        ("a picture between cards", [(picture, 20), (card, 12), (picture, 2), (card, 12)], 174, 200),
    ],
)
def test_credits_are_found_to_the_second(shows: str, parts: list[Part], begins: int, ends: int) -> None:
    found = _credits(*parts)
    assert found is not None, shows
    assert (found.start_ms, found.end_ms) == (begins * 1000, ends * 1000), shows


@pytest.mark.parametrize(
    ("shows", "parts"),
    [
        ("pictures", [(picture, 50)]),
        ("black", [(picture, 10), (black, 40)]),
        ("a night", [(picture, 10), (night, 40)]),
        ("a night with subtitles", [(picture, 10), (subtitled, 40)]),
        ("one card of a few seconds", [(picture, 40), (card, 6)]),
        ("a long scene after them", [(roll, 25), (picture, 30)]),
        ("black on white, which is not looked for", [(picture, 10), (white, 40)]),
        ("nothing", []),
    ],
)
def test_what_is_none_is_not_taken_for_credits(shows: str, parts: list[Part]) -> None:
    if not parts:
        assert credits_of(np.zeros((0, HEIGHT, WIDTH), np.uint8), PositionMs(0), 1000, DurationMs(1000)) is None
        return
    assert _credits(*parts) is None, shows


def test_a_title_card_in_the_middle_is_no_credits() -> None:
    assert _credits((card, 30), (picture, 90)) is None
