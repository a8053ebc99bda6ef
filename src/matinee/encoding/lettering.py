"""Setting a title into a picture: the largest size at which balanced lines fit, in a font that has every sign.

Manrope covers Latin, Greek and Cyrillic. For other scripts a font of the machine is looked for; where none has the signs, the
answer is None and the picture stays without words, because boxes are worse than silence (the screen writes the title beside).
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import font_manrope
from PIL import ImageFont

_SYSTEM_FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_PREFERRED = ("NotoSansCJK-Bold", "NotoSans", "DejaVuSans-Bold", "FreeSansBold")
_LEADING = 1.12
_MOST_LINES = 4
_SMALLEST_SHARE = 0.34
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class SetTitle:
    """Lines to draw: `size` is the font's, `leading` the distance of baselines, all in pixels."""

    lines: tuple[str, ...]
    font: ImageFont.FreeTypeFont
    size: int
    leading: int

    @property
    def height(self) -> int:
        """From the top of the first line's capitals to the last baseline, about."""
        return self.leading * (len(self.lines) - 1) + round(self.size * 0.74)


def set_title(title: str, width: int, height: int, largest: int) -> SetTitle | None:
    """Fit a title into a box, largest size first; the longest titles end with an ellipsis. None without a font for it."""
    text = " ".join(unicodedata.normalize("NFC", title).split())
    path = font_for(text)
    if not text or path is None:
        return None
    smallest = max(12, round(largest * _SMALLEST_SHARE))
    for size in range(largest, smallest - 1, -2):
        font = ImageFont.truetype(str(path), size)
        lines = balance(text.split(), font, width)
        fitted = SetTitle(lines, font, size, round(size * _LEADING)) if lines else None
        if fitted is not None and fitted.height <= height and _calm(lines, size, largest):
            return fitted
    font = ImageFont.truetype(str(path), smallest)
    room = max(1, min(_MOST_LINES, height // round(smallest * _LEADING)))
    return SetTitle(_cut(text, font, width, room), font, smallest, round(smallest * _LEADING))


def balance(words: Sequence[str], font: ImageFont.FreeTypeFont, width: int) -> tuple[str, ...]:
    """Break words into the fewest lines that fit, as even as they can be. () where a word or the whole does not fit."""
    widths = [font.getlength(word) for word in words]
    if not words or max(widths) > width:
        return ()
    space = font.getlength(" ")
    for count in range(1, min(_MOST_LINES, len(words)) + 1):
        found = _evenest(widths, space, width, count)
        if found is not None:
            return tuple(" ".join(words[start:end]) for start, end in found)
    return ()


def font_for(text: str) -> Path | None:
    """A font file that has every sign of a text: Manrope ExtraBold, else one of the machine's."""
    own = Path(font_manrope.ManropeExtraBold)
    if covers(own, text):
        return own
    return next((path for path in _machine_fonts() if covers(path, text)), None)


def covers(path: Path, text: str) -> bool:
    """Whether a font draws each sign of a text as something else than its mark for a missing one."""
    try:
        font = _probe_font(path)
        missing = bytes(font.getmask("\U0010fffd"))
        return all(bytes(font.getmask(sign)) != missing for sign in set(text) if not sign.isspace())
    except (OSError, ValueError):
        return False


@cache
def _probe_font(path: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), 24)


@cache
def _machine_fonts() -> tuple[Path, ...]:
    roots = [root for root in _SYSTEM_FONTS if root.is_dir()]
    found = [path for root in roots for path in root.rglob("*") if path.suffix in {".ttf", ".otf", ".ttc"}]

    def rank(path: Path) -> tuple[int, str]:
        place = next((number for number, name in enumerate(_PREFERRED) if path.stem.startswith(name)), len(_PREFERRED))
        return place, str(path)

    return tuple(sorted((path for path in found if "Mono" not in path.stem), key=rank))


def _evenest(widths: Sequence[float], space: float, width: int, count: int) -> list[tuple[int, int]] | None:
    """The breaks into `count` lines whose widest line is narrowest; a short last line before a short first one."""
    best: tuple[float, float, list[tuple[int, int]]] | None = None

    def spans(start: int, left: int) -> list[list[tuple[int, int]]]:
        if left == 1:
            return [[(start, len(widths))]]
        ends = range(start + 1, len(widths) - left + 2)
        return [[(start, end), *rest] for end in ends for rest in spans(end, left - 1)]

    if len(widths) > 24:
        return None
    for lines in spans(0, count):
        lengths = [sum(widths[start:end]) + space * (end - start - 1) for start, end in lines]
        if max(lengths) <= width:
            rank = (round(max(lengths), 1), lengths[-1])
            if best is None or rank < (best[0], best[1]):
                best = (*rank, lines)
    return None if best is None else best[2]


def _calm(lines: Sequence[str], size: int, largest: int) -> bool:
    """Many lines may not shout: each line beyond the second asks for smaller type."""
    return size <= largest * (1.0, 1.0, 0.86, 0.74, 0.62)[min(4, len(lines))]


def _cut(text: str, font: ImageFont.FreeTypeFont, width: int, rows: int) -> tuple[str, ...]:
    """Fill rows sign by sign where words do not fit, and end with an ellipsis where there is more."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < rows:
        end = len(rest)
        while end > 1 and font.getlength(rest[:end]) > width:
            end -= 1
        if end < len(rest) and " " in rest[1:end]:
            end = rest.rindex(" ", 1, end)
        lines.append(rest[:end].strip())
        rest = rest[end:].strip()
    if rest:
        last = lines[-1]
        while last and font.getlength(last.rstrip() + _ELLIPSIS) > width:
            last = last[:-1]
        lines[-1] = last.rstrip() + _ELLIPSIS
    return tuple(lines)
