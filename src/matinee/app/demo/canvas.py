"""Drawing with numpy: anti-aliased shapes, gradients, noise and type on planar float pictures.

Pictures are planar, (3, h, w), because numpy then blends a mask over each plane in one pass over contiguous memory: on
interleaved pixels the same blend is several times slower. Straight shapes are drawn by Pillow several times too large in
their own bounding box and reduced; round ones come from their distance formula, which needs no oversampling.
"""

from collections.abc import Sequence
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple

import font_manrope
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from matinee.app.demo.model import Picture, Plane

Colour = tuple[float, ...]
"""Red, green and blue, or one grey: as many numbers as the picture has planes; 0 to 1."""
Points = Sequence[tuple[float, float]] | npt.NDArray[np.floating[Any]] | npt.NDArray[np.floating[Any]]

_OVERSAMPLE = 4
_LARGE = 0.3  # of the frame: above this a shape is drawn twice too large only, for its mask would cost more than it shows


def rgb(text: str) -> Colour:
    """A colour from `#rrggbb`, 0 to 1 each."""
    return (int(text[1:3], 16) / 255, int(text[3:5], 16) / 255, int(text[5:7], 16) / 255)


def mix(a: Colour, b: Colour, k: float) -> Colour:
    return tuple(x + (y - x) * k for x, y in zip(a, b, strict=True))


def clamp(k: float) -> float:
    return min(1.0, max(0.0, k))


def ease(k: float) -> float:
    """Slow at both ends: the quintic smoothstep, for camera moves and things that come to rest."""
    k = clamp(k)
    return k * k * k * (k * (k * 6 - 15) + 10)


def ease_out(k: float) -> float:
    """Fast, then slow: for what arrives."""
    return 1 - (1 - clamp(k)) ** 3


def span(t: float, start: float, end: float) -> float:
    """How far `t` is on the way from start to end, held at 0 and 1."""
    return clamp((t - start) / (end - start))


def smoothstep(edge0: float, edge1: float, x: Plane) -> Plane:
    k = np.clip((x - np.float32(edge0)) * np.float32(1 / (edge1 - edge0)), 0, 1)
    return np.asarray(k * k * (3 - 2 * k))


class Patch(NamedTuple):
    """A mask and where its top left corner lies on the picture, in pixels; it lies wholly inside the picture."""

    mask: Plane
    top: int
    left: int

    def of(self, picture: Picture) -> Picture:
        """The part of the picture under the mask, as a view."""
        h, w = self.mask.shape
        return picture[:, self.top : self.top + h, self.left : self.left + w]


class Stage:
    """A frame of so many pixels, with its coordinates in frame heights: y from 0 to 1, x from 0 to `aspect`."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.aspect = width / height
        self.px = 1 / height

    @cached_property
    def x(self) -> Plane:
        """(1, w), pixel centres."""
        return ((np.arange(self.width, dtype=np.float32) + 0.5) / self.height)[None, :]

    @cached_property
    def y(self) -> Plane:
        """(h, 1), pixel centres."""
        return ((np.arange(self.height, dtype=np.float32) + 0.5) / self.height)[:, None]

    def blank(self, colour: Colour = (0, 0, 0)) -> Picture:
        picture = np.empty((len(colour), self.height, self.width), np.float32)
        for plane, value in zip(picture, colour, strict=True):
            plane[:] = value
        return picture

    def gradient(self, stops: Sequence[tuple[float, Colour]]) -> Picture:
        """(3, h, 1): colours by height, eased between the stops (y, colour); add it to a blank, or broadcast it."""
        return ramp(self.y[:, 0], stops)[:, :, None]

    def box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[int, int, int, int] | None:
        """Pixels left, top, right, bottom of a box in frame heights, clipped to the frame; None where nothing is left."""
        left, right = max(0, int(x0 * self.height) - 1), min(self.width, int(x1 * self.height) + 2)
        top, bottom = max(0, int(y0 * self.height) - 1), min(self.height, int(y1 * self.height) + 2)
        return (left, top, right, bottom) if left < right and top < bottom else None


def ramp(at: npt.NDArray[np.floating[Any]], stops: Sequence[tuple[float, Colour]]) -> npt.NDArray[np.floating[Any]]:
    """(3, n): colours at positions, from stops (position, colour), mixed in linear light so that no mix turns grey."""
    places = [place for place, _ in stops]
    return np.stack([np.interp(at, places, [colour[c] ** 2.2 for _, colour in stops]) ** (1 / 2.2) for c in range(3)]).astype(
        np.float32
    )


# Shapes: each gives a Patch, or None where it lies outside the frame.


def polygon(stage: Stage, *outlines: Points) -> Patch | None:
    """The union of filled outlines, each a list of (x, y) in frame heights."""
    arrays = [np.asarray(outline, np.float64) for outline in outlines]
    every = np.concatenate(arrays)
    box = stage.box(*every.min(axis=0).tolist(), *every.max(axis=0).tolist())
    if box is None:
        return None
    left, top, right, bottom = box
    factor = _OVERSAMPLE if (right - left) * (bottom - top) < _LARGE * stage.width * stage.height else 2
    large = Image.new("L", ((right - left) * factor, (bottom - top) * factor))
    pen = ImageDraw.Draw(large)
    for array in arrays:
        corners = (array * stage.height - (left, top)) * factor - 0.5
        pen.polygon(corners.ravel().tolist(), fill=255)
    return Patch(_plane(large.reduce(factor)), top, left)


def disc(stage: Stage, x: float, y: float, radius: float, soft: float = 0.0, squash: float = 1.0) -> Patch | None:
    """A filled circle; `soft` is the width of its edge beyond one pixel, `squash` its height over its width."""
    reach = radius + soft
    box = stage.box(x - reach, y - reach * squash, x + reach, y + reach * squash)
    if box is None:
        return None
    left, top, right, bottom = box
    dx = stage.x[:, left:right] - np.float32(x)
    dy = (stage.y[top:bottom] - np.float32(y)) / np.float32(squash)
    away = np.sqrt(dx * dx + dy * dy)
    edge = soft + stage.px
    return Patch(np.clip((np.float32(radius + edge / 2) - away) / np.float32(edge), 0, 1), top, left)


def glow(stage: Stage, x: float, y: float, radius: float, squash: float = 1.0) -> Patch | None:
    """A soft light that is gone at `radius`: (1 - r²)³, which has no visible rim."""
    box = stage.box(x - radius, y - radius * squash, x + radius, y + radius * squash)
    if box is None:
        return None
    left, top, right, bottom = box
    dx = (stage.x[:, left:right] - np.float32(x)) / np.float32(radius)
    dy = (stage.y[top:bottom] - np.float32(y)) / np.float32(radius * squash)
    fall = np.maximum(1 - (dx * dx + dy * dy), 0)
    return Patch(fall * fall * fall, top, left)


def stroke(stage: Stage, x0: float, y0: float, x1: float, y1: float, width: float, taper: float = 1.0) -> Patch | None:
    """A straight line with round ends; it fades thinner towards the first end when `taper` is below 1."""
    half = width / 2 + stage.px
    box = stage.box(min(x0, x1) - half, min(y0, y1) - half, max(x0, x1) + half, max(y0, y1) + half)
    if box is None:
        return None
    left, top, right, bottom = box
    px, py = stage.x[:, left:right] - np.float32(x0), stage.y[top:bottom] - np.float32(y0)
    dx, dy = x1 - x0, y1 - y0
    along = np.clip((px * np.float32(dx) + py * np.float32(dy)) / np.float32(dx * dx + dy * dy + 1e-12), 0, 1)
    away = np.hypot(px - along * np.float32(dx), py - along * np.float32(dy))
    wide = np.float32(width / 2) * (np.float32(taper) + np.float32(1 - taper) * along)
    return Patch(np.clip((wide - away) * np.float32(stage.height) + np.float32(0.5), 0, 1), top, left)


def below(stage: Stage, edge: npt.NDArray[np.floating[Any]]) -> Patch | None:
    """All that lies under a line: `edge` is (w,), the y of the line at each column."""
    top = max(0, int(float(edge.min()) * stage.height) - 1)
    if top >= stage.height:
        return None
    mask = np.clip((stage.y[top:] - edge[None, :]) * np.float32(stage.height) + np.float32(0.5), 0, 1)
    return Patch(mask, top, 0)


def shadow_above(stage: Stage, edge: npt.NDArray[np.floating[Any]], reach: float, strength: float) -> Patch | None:
    """The soft shadow that a sheet whose upper edge is `edge` throws on what lies behind it, up to `reach` above it."""
    top = max(0, int((float(edge.min()) - reach) * stage.height))
    bottom = min(stage.height, int(float(edge.max()) * stage.height) + 2)
    if top >= bottom:
        return None
    near = np.clip(1 - (edge[None, :] - stage.y[top:bottom]) / np.float32(reach), 0, 1)
    return Patch(near * near * np.float32(strength), top, 0)


def soften(patch: Patch, stage: Stage, radius: float) -> Patch:
    """The same mask blurred; for shadows and glows of drawn shapes that are made once."""
    pad = int(radius * stage.height * 2.5) + 1
    top, left = max(0, patch.top - pad), max(0, patch.left - pad)
    h, w = patch.mask.shape
    bottom, right = min(stage.height, patch.top + h + pad), min(stage.width, patch.left + w + pad)
    wide = np.zeros((bottom - top, right - left), np.float32)
    wide[patch.top - top : patch.top - top + h, patch.left - left : patch.left - left + w] = patch.mask
    image = Image.fromarray((wide * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius * stage.height))
    return Patch(_plane(image), top, left)


def paint(picture: Picture, patch: Patch | None, colour: Colour, alpha: float = 1.0) -> None:
    """Lay a colour over the picture through the mask."""
    if patch is None or alpha <= 0:
        return
    mask = patch.mask if alpha >= 1 else patch.mask * np.float32(alpha)
    for plane, value in zip(patch.of(picture), colour, strict=True):
        plane += mask * (np.float32(value) - plane)


def tint(picture: Picture, patch: Patch | None, light: Colour, strength: float = 1.0) -> None:
    """Add light through the mask."""
    if patch is None or strength <= 0:
        return
    for plane, value in zip(patch.of(picture), light, strict=True):
        plane += patch.mask * np.float32(value * strength)


def shade(picture: Picture, patch: Patch | None, strength: float = 1.0) -> None:
    """Take light away through the mask: 1 leaves black."""
    if patch is None:
        return
    patch.of(picture)[:] *= 1 - patch.mask * np.float32(strength)


def shift_columns(plane: npt.NDArray[np.floating[Any]], offset: float, width: int) -> npt.NDArray[np.floating[Any]]:
    """`width` columns of a plane that repeats sideways, from a fractional offset in pixels; the last axis is x."""
    period = plane.shape[-1]
    whole = int(np.floor(offset))
    part = np.float32(offset - whole)
    columns = np.arange(whole, whole + width + 1) % period
    taken = np.take(plane, columns, axis=-1)
    left = taken[..., :-1]
    return np.asarray(left + (taken[..., 1:] - left) * part)


def smooth_curve(points: Points, steps: int = 8, closed: bool = True) -> npt.NDArray[np.floating[Any]]:
    """(n, 2): a Catmull-Rom curve through the points, for organic outlines."""
    knots = np.asarray(points, np.float64)
    knots = np.concatenate([knots[-1:], knots, knots[:2]] if closed else [knots[:1], knots, knots[-1:]])
    before, start, end, after = knots[:-3, None], knots[1:-2, None], knots[2:-1, None], knots[3:, None]
    s = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    curve = 0.5 * (
        2 * start
        + (end - before) * s
        + (2 * before - 5 * start + 4 * end - after) * s**2
        + (3 * start - before - 3 * end + after) * s**3
    )
    return curve.reshape(-1, 2)


def turned(points: Points, angle: float, x: float = 0.0, y: float = 0.0, size: float = 1.0) -> npt.NDArray[np.floating[Any]]:
    """Points scaled, turned by an angle in radians (clockwise on the screen) and moved."""
    array = np.asarray(points, np.float64) * size
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(array @ np.array([[cos, sin], [-sin, cos]]) + (x, y))


def moved(points: Points, dx: float, dy: float) -> npt.NDArray[np.floating[Any]]:
    return np.add(points, (dx, dy))


# Noise


@lru_cache(maxsize=24)
def clouds(height: int, width: int, seed: int, roughness: float = 1.8, stretch: float = 1.0) -> Plane:
    """(h, w) of noise with a spectrum 1/f^roughness, 0 to 1 with mean 0.5, seamless at all edges.

    `stretch` above 1 draws it out sideways. Made in one inverse FFT of a seeded random spectrum.
    """
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width)[None, :] * height
    frequency = np.hypot(fy, fx * stretch)
    frequency[0, 0] = 1
    spectrum = np.exp(2j * np.pi * rng.random(frequency.shape)) * frequency**-roughness
    spectrum[0, 0] = 0
    noise = np.fft.irfft2(spectrum, (height, width))
    scaled: Plane = np.clip(0.5 + noise / (noise.std() * 5), 0, 1).astype(np.float32)
    return scaled


@lru_cache(maxsize=8)
def grain(height: int, width: int, seed: int) -> Plane:
    """(h, w) of film grain: noise of mean 0 and deviation 1, a little larger than a pixel as silver clumps are."""
    raw = np.random.default_rng(seed).standard_normal((height, width)).astype(np.float32)
    soft = raw + 0.45 * (np.roll(raw, 1, 0) + np.roll(raw, 1, 1) + np.roll(raw, -1, 0) + np.roll(raw, -1, 1))
    return np.asarray(soft / soft.std(), np.float32)


@cache
def vignette(width: int, height: int, strength: float) -> Plane:
    """(h, w): 1 in the middle, 1 - strength in the corners."""
    stage = Stage(width, height)
    dx, dy = (stage.x / stage.aspect - 0.5) * 2, (stage.y - 0.5) * 2
    away = (dx * dx + dy * dy) / 2
    fall: Plane = (1 - strength * away**1.5).astype(np.float32)
    return fall


@cache
def _dither(height: int, width: int) -> Plane:
    return np.random.default_rng(5).random((height, width), np.float32)


def enlarged(picture: Picture, stage: Stage) -> Picture:
    """A picture painted smaller, drawn out to the stage's size; for soft things only."""
    size = (stage.width, stage.height)
    return np.stack([np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR)) for plane in picture])


def quantised(picture: Picture) -> npt.NDArray[np.uint8]:
    """8-bit values, dithered by a pattern that stands still: no bands in a dark sky, and nothing extra for an encoder to code."""
    scaled = picture * np.float32(255)
    scaled += _dither(picture.shape[1], picture.shape[2])
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)


# Type


@cache
def _font(weight: str, pixels: int) -> ImageFont.FreeTypeFont:
    path: str = font_manrope.font_files["Manrope" + weight]
    return ImageFont.truetype(path, pixels)


@lru_cache(maxsize=256)
def type_mask(text: str, weight: str, pixels: int, tracking: float) -> Plane:
    """A line of Manrope as a mask. `tracking` is the space added between letters, in ems."""
    factor = 2
    font = _font(weight, pixels * factor)
    spread = tracking * pixels * factor
    # Kerning stays right where no space is added; with space added, letters are placed one by one.
    starts = [font.getlength(text[:i]) + spread * i for i in range(len(text))] if tracking else [0.0]
    length = (starts[-1] + font.getlength(text[-1])) if tracking else font.getlength(text)
    ascent, descent = font.getmetrics()
    pad = 2 * factor
    large = Image.new("L", (-(-(int(length) + 2 * pad) // factor) * factor, -(-(ascent + descent) // factor) * factor))
    pen = ImageDraw.Draw(large)
    for i, start in enumerate(starts):
        pen.text((pad + start, 0), text[i] if tracking else text, font=font, fill=255)
    return _plane(large.reduce(factor))


def lettering(
    stage: Stage,
    text: str,
    x: float,
    y: float,
    size: float,
    weight: str = "SemiBold",
    tracking: float = 0.0,
    anchor: str = "centre",
) -> Patch | None:
    """A line of type: `size` is the em in frame heights, (x, y) the middle of the line, or its left or right end.

    It may lie between pixels, so that a slow drift does not tremble.
    """
    pixels = max(6, round(size * stage.height))
    mask = type_mask(text, weight, pixels, tracking)
    h, w = mask.shape
    left = x * stage.height - {"left": 0.0, "centre": w / 2, "right": float(w)}[anchor]
    top = y * stage.height - h / 2
    return _placed(stage, mask, left, top)


def _placed(stage: Stage, mask: Plane, left: float, top: float) -> Patch | None:
    ix, iy = int(np.floor(left)), int(np.floor(top))
    fx, fy = np.float32(left - ix), np.float32(top - iy)
    wide = np.pad(mask, 1)
    moved = (wide[:, 1:] * (1 - fx) + wide[:, :-1] * fx)[:, :]
    moved = moved[1:] * (1 - fy) + moved[:-1] * fy
    return crop(stage, moved, iy, ix)


def crop(stage: Stage, mask: Plane, top: int, left: int) -> Patch | None:
    """The part of a mask that lies on the frame."""
    h, w = mask.shape
    t, b = max(0, -top), min(h, stage.height - top)
    le, r = max(0, -left), min(w, stage.width - left)
    return Patch(mask[t:b, le:r], top + t, left + le) if t < b and le < r else None


def _plane(image: Image.Image) -> Plane:
    return np.asarray(image, np.float32) * np.float32(1 / 255)
