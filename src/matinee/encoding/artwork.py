"""The pictures that a title is shown by, drawn from the film's own frames so that all of them look like one family.

What makes the family: one typeface at the same left margin, a short rule in a colour of the film above the title, and a
scrim that falls into a dark shade of that colour. Black bars are cut off, an upright poster is cropped where the frame
has most to show. Equal stills and title give equal bytes.
"""

import colorsys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from matinee.encoding.lettering import SetTitle, set_title
from matinee.encoding.model import ArtworkFiles, Stills

Colour = tuple[float, float, float]
Plane = NDArray[np.float32]

_POSTER = (720, 1080)
_BACKDROP = (1920, 1080)
_TILE = (640, 360)
_QUALITY = 88
_BAR_LIGHT = 0.055
_NEUTRAL: Colour = (0.075, 0.085, 0.105)


def draw_artwork(stills: Stills | None, workdir: Path, title: str, out: Path) -> ArtworkFiles:
    """Draw poster, backdrop and tile into the folder `out`, which is made. Without stills they are drawn on a plain ground.

    `title` is set on poster and tile; the backdrop is clean, because the screen writes on it in the viewer's language.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = ArtworkFiles()
    wide = _open(workdir / stills.candidates[0].path) if stills else _plain()
    tall = _open(workdir / stills.poster) if stills else wide
    shade, accent = palette(wide)
    poster = _draw_poster(tall, title, shade, accent)
    backdrop = _draw_backdrop(wide, shade)
    _save(poster, out / files.poster)
    _save(poster.resize((320, 480), Image.Resampling.LANCZOS), out / files.poster_small)
    _save(backdrop, out / files.backdrop)
    _save(backdrop.resize((960, 540), Image.Resampling.LANCZOS), out / files.backdrop_small)
    _save(_draw_tile(wide, title, shade, accent), out / files.tile)
    return files


def palette(image: Image.Image) -> tuple[Colour, Colour]:
    """A dark shade and a light accent of the hue that a picture shows most, as RGB from 0 to 1; greys where it has none."""
    pixels = np.asarray(image.convert("RGB").resize((64, 36), Image.Resampling.BOX), dtype=np.float32).reshape(-1, 3) / 255
    high, low = pixels.max(axis=1), pixels.min(axis=1)
    weight = (high - low) * np.sqrt(high)
    if float(weight.mean()) < 0.012:
        return _NEUTRAL, (0.86, 0.86, 0.84)
    hues = np.array([colorsys.rgb_to_hsv(*pixel)[0] for pixel in pixels.tolist()])
    bins = np.floor(hues * 24).astype(int) % 24
    votes = np.array([float(weight[bins == number].sum()) for number in range(24)])
    smooth = votes + 0.6 * (np.roll(votes, 1) + np.roll(votes, -1))
    best = int(smooth.argmax())
    near = (np.abs((bins - best + 12) % 24 - 12) <= 1) & (weight > 0)
    turned = (hues[near] * 24 - best + 12) % 24 - 12
    hue = float((np.average(turned, weights=weight[near]) + best) / 24) % 1.0
    strength = min(1.0, float(weight.mean()) / 0.18)
    return colorsys.hsv_to_rgb(hue, 0.30 + 0.35 * strength, 0.085), colorsys.hsv_to_rgb(hue, 0.28 + 0.32 * strength, 0.96)


def trim_bars(image: Image.Image) -> Image.Image:
    """Cut off black bars, up to two fifths of a side; a frame that is dark altogether stays whole."""
    light = np.asarray(image.convert("L"), dtype=np.float32) / 255
    if float(light.mean()) < _BAR_LIGHT:
        return image
    top, bottom = _bars(np.percentile(light, 98, axis=1))
    left, right = _bars(np.percentile(light, 98, axis=0))
    height, width = light.shape
    if top == bottom == left == right == 0:
        return image
    left, top, right, bottom = (side + 2 if side else 0 for side in (left, top, right, bottom))  # a bar's edge is soft
    return image.crop((left, top, width - right, height - bottom))


def _bars(profile: NDArray[np.floating[object]]) -> tuple[int, int]:  # type: ignore[type-var]
    lit = np.flatnonzero(profile > _BAR_LIGHT)
    if lit.size == 0:
        return 0, 0
    before, after = int(lit[0]), int(profile.size - 1 - lit[-1])
    most = profile.size * 2 // 5
    return (before if before <= most else 0), (after if after <= most else 0)


def cover(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Fill a frame of `size`, cropped around what stands out: shapes that differ in light and colour from what is around."""
    width, height = size
    scale = max(width / image.width, height / image.height)
    full = (max(width, round(image.width * scale)), max(height, round(image.height * scale)))
    grown = image.resize(full, Image.Resampling.LANCZOS)
    across, down = grown.width - width, grown.height - height
    if across <= 0 and down <= 0:
        return grown
    standing_out = _saliency(grown)
    left = _best_window(standing_out.sum(axis=0), width / grown.width, across)
    top = _best_window(standing_out.sum(axis=1), height / grown.height, down)
    return grown.crop((left, top, left + width, top + height))


def _saliency(image: Image.Image) -> Plane:
    """How much each part draws the eye, shape about (90, 160): half by fine detail and light, half by standing out.

    Detail alone prefers foliage to a face, standing out alone prefers a window to what is before it.
    """
    small = image.resize((160, max(8, round(image.height * 160 / image.width))), Image.Resampling.BOX)
    light = np.asarray(small.convert("L"), dtype=np.float32)
    detail = np.abs(np.gradient(light, axis=1)) + np.abs(np.gradient(light, axis=0)) + 0.04 * light
    near = np.asarray(small.filter(ImageFilter.GaussianBlur(2)), dtype=np.float32)
    far = np.asarray(small.filter(ImageFilter.GaussianBlur(14)), dtype=np.float32)
    apart = np.sqrt(((near - far) ** 2).sum(axis=2))
    return np.asarray(detail / (detail.mean() + 0.1) + apart / (apart.mean() + 0.1), dtype=np.float32)


def _best_window(profile: Plane, share: float, room: int) -> int:
    """Where to start a window of `share` of a profile so that it, and its middle most, holds the most."""
    length = max(2, round(profile.size * share))
    if room <= 0 or profile.size <= length:
        return max(0, room // 2)
    sums = np.convolve(profile, np.hanning(length + 2)[1:-1] + 0.6, mode="valid")
    place = np.linspace(-1, 1, sums.size)
    chosen = int((sums * (1 - 0.2 * place**2)).argmax())
    return min(room, round(chosen * room / max(1, sums.size - 1)))


def _draw_poster(still: Image.Image, title: str, shade: Colour, accent: Colour) -> Image.Image:
    width, height = _POSTER
    margin = 56
    fitted = set_title(title, width - 2 * margin, 380, 104)
    picture = cover(still, (width, round(height * 0.86)))
    ground = Image.new("RGB", _POSTER, _bytes(shade))
    ground.paste(picture, (0, 0))
    block = fitted.height + 60 if fitted else 0
    solid = (height - margin - block - 40) / height  # the scrim is full where the title begins
    image = _scrim(ground, shade, lambda x, y: _rise(y, solid - 0.40, solid + 0.06) * 0.97 + _rise(0.16 - y, 0, 0.16) * 0.22)
    image = _scrim(image, shade, lambda x, y: _rise(y, 0.72, 0.86))
    return _letter(image, fitted, accent, margin, height - margin - 8)


def _draw_tile(still: Image.Image, title: str, shade: Colour, accent: Colour) -> Image.Image:
    width, height = _TILE
    margin = 30
    fitted = set_title(title, round(width * 0.74), 150, 54)
    picture = cover(still, _TILE)
    top = 1 - (fitted.height + 96 if fitted else 60) / height  # where the words begin, the scrim is half risen
    image = _scrim(picture, shade, lambda x, y: np.maximum(_rise(y, top - 0.28, top + 0.5) * 0.95, _rise(1 - x, 0.3, 1.1) * 0.6))
    return _letter(image, fitted, accent, margin, height - margin - 4)


def _draw_backdrop(still: Image.Image, shade: Colour) -> Image.Image:
    picture = cover(still, _BACKDROP)
    if still.width < 1000:  # a small film blown up shows its blocks: soften what the screen will write on anyway
        picture = picture.filter(ImageFilter.GaussianBlur(2.2))

    def vignette(x: Plane, y: Plane) -> Plane:
        corners = _rise(np.hypot(x - 0.5, y - 0.45), 0.42, 0.95) * 0.55
        return np.asarray(np.maximum(corners, _rise(y, 0.62, 1.1) * 0.5), dtype=np.float32)

    return _scrim(picture, shade, vignette)


def _letter(image: Image.Image, fitted: SetTitle | None, accent: Colour, margin: int, baseline: int) -> Image.Image:
    if fitted is None:
        return image
    first = baseline - fitted.leading * (len(fitted.lines) - 1)
    shadow = Image.new("L", image.size, 0)
    under = ImageDraw.Draw(shadow)
    for place, line in enumerate(fitted.lines):
        under.text((margin, first + place * fitted.leading), line, font=fitted.font, fill=150, anchor="ls")
    soft = shadow.filter(ImageFilter.GaussianBlur(max(3, fitted.size // 9)))
    image.paste((0, 0, 0), (0, 0), soft)
    draw = ImageDraw.Draw(image)
    for place, line in enumerate(fitted.lines):
        draw.text((margin, first + place * fitted.leading), line, font=fitted.font, fill=(246, 244, 240), anchor="ls")
    thick = max(3, round(image.width / 150))
    top = first - round(fitted.size * 0.74) - round(fitted.size * 0.42) - thick
    draw.rectangle((margin + 2, top, margin + 2 + round(image.width * 0.075), top + thick - 1), fill=_bytes(accent))
    return image


def _scrim(image: Image.Image, shade: Colour, strength: Callable[[Plane, Plane], Plane]) -> Image.Image:
    """Blend towards a shade by a strength over x and y from 0 to 1, with fine noise so that no bands show on a TV."""
    width, height = image.size
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    share = np.clip(np.broadcast_to(strength(x, y), (height, width)), 0, 1)[:, :, None]
    colours = np.asarray(image, dtype=np.float32)
    noise = np.random.default_rng(7).random((height, width, 1), dtype=np.float32) - 0.5
    blended = colours * (1 - share) + np.array(shade, dtype=np.float32) * 255 * share + noise * 1.6 * share
    return Image.fromarray(np.clip(blended + 0.5, 0, 255).astype(np.uint8), "RGB")


def _rise(value: Plane, start: float, end: float) -> Plane:
    """A smooth step from 0 at `start` to 1 at `end`."""
    part = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), dtype=np.float32)


def _bytes(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (round(part * 255) for part in colour)
    return red, green, blue


def _open(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return trim_bars(image.convert("RGB"))


def _plain() -> Image.Image:
    return _scrim(Image.new("RGB", _BACKDROP, (38, 42, 52)), _NEUTRAL, lambda x, y: np.maximum(y, x * 0.5) * 0.7)


def _save(image: Image.Image, path: Path) -> None:
    part = path.with_suffix(".part")
    image.save(part, "JPEG", quality=_QUALITY, optimize=True, progressive=True, subsampling=0)
    part.rename(path)
