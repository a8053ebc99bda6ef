"""The Last Crossing: a sea, slowly. A ferry leaves at sunset and comes home by lighthouse.

The water is one flat plane seen in perspective: each pixel below the horizon knows how far away it looks, a sum of travelling
sines gives the tilt of the water there, and that tilt decides which part of the sky it mirrors.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from matinee.app.demo import canvas, sound
from matinee.app.demo.canvas import Colour, Stage, ease, mix, paint, ramp, rgb, tint
from matinee.app.demo.cutting import STUDIO_CREDITS, Shot, credits_card, cut, held
from matinee.app.demo.model import Cue, DemoFilm, Marker, Painter, Picture, Plane, Score, Words
from matinee.base.units import FrameRate

Line = npt.NDArray[np.floating[Any]]
Stops = list[tuple[float, Colour]]
"""Colours of a sky by elevation: 0 at the horizon, 1 at the top of the frame."""

_GOLD: Stops = [(0, rgb("#ffd9a0")), (0.1, rgb("#fbb27a")), (0.3, rgb("#e8848a")), (0.6, rgb("#8f6a9c")), (1, rgb("#3f4a80"))]
_ROSE: Stops = [(0, rgb("#f9b08a")), (0.15, rgb("#dd7f86")), (0.4, rgb("#8a5f93")), (0.7, rgb("#474b82")), (1, rgb("#232c5c"))]
_BLUE: Stops = [(0, rgb("#8c93b4")), (0.15, rgb("#6b7aa6")), (0.5, rgb("#3c4f80")), (1, rgb("#1a2850"))]
_NIGHT: Stops = [(0, rgb("#3a4a78")), (0.2, rgb("#22315f")), (0.6, rgb("#101a3e")), (1, rgb("#080d26"))]


class Water:
    """The sea below a horizon."""

    def __init__(self, stage: Stage, horizon: float, calm: float = 1.0) -> None:
        self.stage, self.horizon = stage, horizon
        self.top = round(horizon * stage.height)
        depth = stage.y[self.top :] - np.float32(horizon) + np.float32(0.5 * stage.px)
        self.depth = np.maximum(depth, np.float32(0.3 * stage.px))
        far = np.float32(0.34) / self.depth  # (rows, 1): distance along the water
        across = (stage.x - np.float32(stage.aspect / 2)) * far * 3
        # Each wave: its direction, length and speed. Far rows see many waves to a pixel; `seen` fades them out there.
        self.waves = []
        rng = np.random.default_rng(4)
        for length in (2.9, 1.7, 1.05, 0.66, 0.41, 0.26, 0.17):
            angle = rng.normal(0, 0.42)
            k = 2 * np.pi / length
            phase = (k * (np.cos(angle) * far * 3.4 + np.sin(angle) * across * 0.55)).astype(np.float32)
            seen = np.clip(self.depth**2 * length * stage.height / 1.4, 0, 1).astype(np.float32)
            self.waves.append((phase, np.float32(np.sqrt(9.8 * k) * 0.17), seen * np.float32(length**0.38 * calm)))

    def tilt(self, t: float) -> Plane:
        """(rows, w): the slope of the water towards the eye, about -1 to 1."""
        total = np.zeros((self.depth.shape[0], self.stage.width), np.float32)
        for i, (phase, speed, size) in enumerate(self.waves):
            total += np.sin(phase + speed * np.float32(t * 2.2) + np.float32(1.3 * i)) * size
        return total * np.float32(0.36)

    def lay(self, picture: Picture, tilt: Plane, sky: Stops, deep: Colour, mirror: float = 0.82) -> None:
        """Mirror the sky in it; near water, seen steeply, shows more of its own colour."""
        table = ramp(np.linspace(0, 1, 512, dtype=np.float32), sky)
        elevation = np.clip(self.depth * np.float32(0.9) + tilt * (np.float32(0.10) + self.depth * np.float32(0.75)), 0, 1)
        index = (elevation * np.float32(511)).astype(np.intp)
        keep = (np.float32(mirror) - self.depth * np.float32(0.75)).clip(0.2, 1)
        for plane, colours, own in zip(picture, table, deep, strict=True):
            plane[self.top :] = np.float32(own) + (colours[index] - np.float32(own)) * keep

    def glitter(self, picture: Picture, tilt: Plane, x: float, light: Colour, width: float, strength: float) -> None:
        """The path of a light at column x over the waves."""
        away = (self.stage.x - np.float32(x)) / (np.float32(width) * (np.float32(0.35) + self.depth * 2.6))
        path = np.exp(-(away * away))
        spark = canvas.smoothstep(0.05, 0.75, tilt + path * np.float32(0.35)) * path * np.float32(strength)
        for plane, value in zip(picture, light, strict=True):
            part = plane[self.top :]
            part += spark * np.float32(value)


def _sky(stage: Stage, stops: Stops, horizon: float) -> Picture:
    return ramp(np.clip((np.float32(horizon) - stage.y[:, 0]) / np.float32(horizon), 0, 1), stops)[:, :, None]


def _blend(a: Stops, b: Stops, k: float) -> Stops:
    places = sorted({p for p, _ in a} | {p for p, _ in b})
    first, second = ramp(np.array(places, np.float32), a), ramp(np.array(places, np.float32), b)
    both = first + (second - first) * k
    return [(p, (float(both[0, i]), float(both[1, i]), float(both[2, i]))) for i, p in enumerate(places)]


class Clouds:
    """Thin bands of cloud over the horizon, lit from below."""

    def __init__(self, stage: Stage, seed: int, horizon: float, amount: float) -> None:
        self.stage, self.bottom = stage, round(horizon * stage.height)
        height = 1 << (self.bottom - 1).bit_length()
        noise = canvas.clouds(height, 2 * stage.width, seed, 1.6, 1.3)[: self.bottom]
        rise = (np.float32(horizon) - stage.y[: self.bottom]) / np.float32(horizon)
        band = np.exp(-(((rise - 0.33) / 0.26) ** 2))
        self.density = canvas.smoothstep(0.62 - 0.2 * amount, 0.95, noise * (0.55 + 0.6 * band)) * np.float32(0.9)
        self.lit = np.clip(np.roll(noise, -max(1, stage.height // 60), 0) - noise + 0.5, 0, 1)

    def lay(self, picture: Picture, drift: float, dark: Colour, bright: Colour) -> None:
        density = canvas.shift_columns(self.density, drift * self.stage.height, self.stage.width)
        lit = canvas.shift_columns(self.lit, drift * self.stage.height, self.stage.width)
        for plane, shadow, light in zip(picture, dark, bright, strict=True):
            part = plane[: self.bottom]
            part += density * (np.float32(shadow) + lit * np.float32(light - shadow) - part)


def _ferry(stage: Stage, picture: Picture, x: float, y: float, size: float, hull: Colour, lamps: float, way: int = 1) -> None:
    """The ferry in silhouette at its waterline (x, y); `size` is its length, `way` 1 when it heads right."""

    def shape(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x + way * size * px, y + size * py) for px, py in points]

    lower = shape([(-0.50, -0.085), (0.56, -0.105), (0.47, 0.0), (-0.46, 0.0)])
    deck = shape([(-0.42, -0.16), (0.33, -0.16), (0.37, -0.08), (-0.44, -0.08)])
    upper = shape([(-0.34, -0.215), (0.20, -0.215), (0.235, -0.15), (-0.36, -0.15)])
    bridge = shape([(0.03, -0.268), (0.155, -0.268), (0.19, -0.20), (0.02, -0.20)])
    funnel = shape([(-0.20, -0.315), (-0.11, -0.315), (-0.09, -0.20), (-0.21, -0.20)])
    mast = shape([(0.088, -0.37), (0.094, -0.37), (0.098, -0.26), (0.084, -0.26)])
    paint(picture, canvas.polygon(stage, lower, deck, upper, bridge, funnel, mast), hull)
    paint(
        picture,
        canvas.polygon(stage, shape([(-0.203, -0.290), (-0.107, -0.290), (-0.103, -0.265), (-0.206, -0.265)])),
        mix(hull, rgb("#e0563f"), 0.7),
    )
    if lamps <= 0:
        return
    warm = rgb("#ffd48a")
    rows = ((-0.40, 0.30, -0.125, 15), (-0.31, 0.17, -0.185, 10))
    for start, end, height, count in rows:
        for i in range(count):
            px, w = start + (end - start) * i / (count - 1), 0.014
            pane = shape([(px - w, height - 0.012), (px + w, height - 0.012), (px + w, height + 0.012), (px - w, height + 0.012)])
            paint(picture, canvas.polygon(stage, pane), warm, lamps)
        tint(
            picture,
            canvas.glow(stage, x + way * size * (start + end) / 2, y + size * height, size * 0.5, 0.32),
            warm,
            0.26 * lamps,
        )
    for px, py, colour in ((0.091, -0.38, "#fff3d0"), (0.54, -0.115, "#ff7a5c")):
        lx, ly = x + way * size * px, y + size * py
        tint(picture, canvas.glow(stage, lx, ly, 0.07 * size), rgb(colour), 0.6 * lamps)
        paint(picture, canvas.disc(stage, lx, ly, 0.008 * size + 0.0008), rgb(colour), lamps)


def _gull(stage: Stage, picture: Picture, x: float, y: float, size: float, beat: float, colour: Colour) -> None:
    lift = 0.45 * beat
    wing = [(0, 0.10), (0.45, -0.16 - lift), (1.0, 0.10 - 0.9 * lift), (0.45, -0.02 - lift), (0.0, 0.22)]
    for side in (1, -1):
        paint(
            picture, canvas.polygon(stage, canvas.smooth_curve([(x + side * size * a, y + size * b) for a, b in wing], 5)), colour
        )


def _headland(stage: Stage, seed: int, horizon: float, height: float, start: float, end: float) -> Line:
    """The upper edge of a coast over two frame widths, from `start` to `end` in frame heights."""
    rng = np.random.default_rng(seed)
    x = (np.arange(2 * stage.width) + 0.5) / stage.height
    body = np.sin(np.clip((x - start) / (end - start), 0, 1) * np.pi) ** 0.75
    rough = sum(np.sin(k * x + rng.random() * 6.3) / k**0.72 for k in (3.1, 7.3, 15.0, 33.0, 71.0))
    return (horizon - body * (height + 0.24 * height * np.asarray(rough)) + 0.004).astype(np.float32)


def _land(stage: Stage, picture: Picture, coast: Line, horizon: float, colour: Colour, foot: Colour, moved: float = 0.0) -> None:
    """A coast that ends at the waterline, paler at its foot where the haze lies."""
    patch = canvas.below(stage, canvas.shift_columns(coast, moved * stage.height, stage.width))
    if patch is None:
        return
    bottom = round(horizon * stage.height) - patch.top
    mask = patch.mask[:bottom]
    haze = np.clip(1 - (np.float32(horizon) - stage.y[patch.top : patch.top + bottom]) / np.float32(0.09), 0, 1)
    for plane, value, low in zip(picture, colour, foot, strict=True):
        part = plane[patch.top : patch.top + bottom]
        part += mask * (np.float32(value) + haze * np.float32((low - value) * 0.7) - part)


def _sunset(stage: Stage) -> Painter:
    horizon = 0.60
    water, clouds = Water(stage, horizon), Clouds(stage, 12, horizon, 1.25)
    far, near = _headland(stage, 5, horizon, 0.085, 1.22, 2.5), _headland(stage, 8, horizon, 0.045, -0.7, 0.44)
    finish = canvas.vignette(stage.width, stage.height, 0.32)

    def at(t: float) -> Picture:
        k = t / 10
        stops = _blend(_GOLD, _ROSE, ease(0.75 * k))
        picture = stage.blank() + _sky(stage, stops, horizon)
        sun_x, sun_y = 0.62 * stage.aspect, horizon - 0.115 + 0.085 * k
        tint(picture, canvas.glow(stage, sun_x, sun_y, 0.95, 0.75), rgb("#ff9a58"), 0.26)
        tint(picture, canvas.glow(stage, sun_x, sun_y, 0.34), rgb("#ffc070"), 0.30)
        paint(picture, canvas.disc(stage, sun_x, sun_y, 0.072, 0.003), (1.25, 1.16, 0.92))
        clouds.lay(picture, 0.006 * t, mix(rgb("#b4668a"), rgb("#6a4a80"), k), mix(rgb("#ffdca8"), rgb("#ff9f86"), k))
        tilt = water.tilt(t)
        _land(stage, picture, far, horizon, mix(rgb("#8c5a80"), rgb("#5a4476"), k), rgb("#e09a8c"))
        _land(stage, picture, near, horizon, mix(rgb("#6c4a78"), rgb("#43386a"), k), rgb("#c98a90"))
        water.lay(picture, tilt, stops, rgb("#2c3560"))
        water.glitter(picture, tilt, sun_x, rgb("#ffc98a"), 0.13, 1.0)
        ferry_x = 0.30 + 0.034 * t
        _wake(stage, picture, ferry_x - 0.09, horizon + 0.022, 0.5, rgb("#ffe0c0"), 0.25)
        _reflection(stage, picture, ferry_x, horizon + 0.022, 0.25, rgb("#3a2f58"), 0.45)
        _ferry(stage, picture, ferry_x, horizon + 0.022, 0.25, rgb("#3a2b52"), 0.85 * ease(k * 1.3))
        for i in range(5):
            x = 1.22 - 0.042 * t + 0.06 * i + 0.02 * np.sin(t + i)
            _gull(
                stage,
                picture,
                x,
                0.27 + 0.03 * ((i * 3) % 4) + 0.012 * np.sin(0.9 * t + i),
                0.016 + 0.003 * (i % 3),
                np.sin(6.5 * t + 1.7 * i),
                rgb("#4a3560"),
            )
        shown = held(t, 1.6, 8.2, 1.3)
        paint(
            picture,
            canvas.lettering(stage, "LA DERNIÈRE TRAVERSÉE", 0.5 * stage.aspect, 0.165, 0.058, "Light", 0.26 + 0.012 * t / 10),
            rgb("#fff6e6"),
            shown,
        )
        picture *= finish
        return picture

    return at


def _wake(stage: Stage, picture: Picture, x: float, y: float, length: float, colour: Colour, strength: float) -> None:
    """Foam behind the hull: two long strokes that thin out."""
    for rise in (0.0, 0.010):
        paint(picture, canvas.stroke(stage, x - length, y + rise * 2.2 + 0.004, x, y + rise * 0.4, 0.006, 0.05), colour, strength)


def _reflection(stage: Stage, picture: Picture, x: float, y: float, size: float, colour: Colour, strength: float) -> None:
    paint(picture, canvas.glow(stage, x, y + size * 0.10, size * 0.62, 0.26), colour, strength)


def _deck(stage: Stage) -> Painter:
    """The ferry close by, broadside, at the end of dusk."""
    horizon = 0.52
    water, clouds = Water(stage, horizon, 1.15), Clouds(stage, 33, horizon, 1.0)
    far = _headland(stage, 15, horizon, 0.075, -0.9, 1.5)
    finish = canvas.vignette(stage.width, stage.height, 0.38)

    def at(t: float) -> Picture:
        stops = _blend(_ROSE, _BLUE, 0.35 + 0.06 * t)
        picture = stage.blank() + _sky(stage, stops, horizon)
        clouds.lay(picture, 0.02 * t, rgb("#4d4478"), rgb("#e58f8c"))
        _land(stage, picture, far, horizon, rgb("#4b4272"), rgb("#a87a92"), 0.012 * t)
        tilt = water.tilt(t + 20)
        water.lay(picture, tilt, stops, rgb("#1c2650"))
        bob = 0.004 * np.sin(1.1 * t)
        x, y = 0.99 - 0.030 * t, horizon + 0.135 + bob
        _reflection(stage, picture, x, y, 0.98, rgb("#1d1f42"), 0.72)
        glint = np.exp(-(((stage.x - np.float32(x)) / np.float32(0.40)) ** 2))
        waves = canvas.smoothstep(0.0, 0.8, tilt) * glint
        fall = np.exp(-np.maximum(stage.y[water.top :] - np.float32(y), 0) * 9) * (stage.y[water.top :] > y - 0.01)
        for plane, value in zip(picture, rgb("#ffc67a"), strict=True):
            plane[water.top :] += waves * fall * np.float32(0.55 * value)
        _wake(stage, picture, x - 0.40, y - 0.004, 1.1, rgb("#cfc4dc"), 0.35)
        _ferry(stage, picture, x, y, 0.98, rgb("#20203f"), 1.0)
        for i in range(9):  # smoke, drifting back as the ship goes on
            age = (t * 0.55 + i / 3) % 3
            smoke = canvas.glow(stage, x - 0.155 - 0.15 * age, y - 0.32 - 0.055 * age + 0.01 * np.sin(i), 0.05 + 0.06 * age, 0.62)
            paint(picture, smoke, rgb("#3a3560"), 0.33 * (1 - age / 3))
        for i in range(3):
            _gull(
                stage,
                picture,
                0.3 + 0.06 * t + 0.17 * i,
                0.13 + 0.06 * (i % 2) + 0.02 * np.sin(t + i),
                0.034,
                np.sin(5.2 * t + 2 * i),
                rgb("#262447"),
            )
        picture *= finish
        return picture

    return at


def _fog(stage: Stage) -> Painter:
    """The lighthouse in fog, its beam going round."""
    horizon = 0.64
    water = Water(stage, horizon, 0.7)
    banks = [canvas.clouds(256, 2 * stage.width, 41 + i, 1.7, 1.2) for i in range(2)]
    rock = canvas.smooth_curve(
        [
            (1.02, 0.70),
            (1.10, 0.635),
            (1.17, 0.60),
            (1.24, 0.565),
            (1.33, 0.56),
            (1.42, 0.60),
            (1.5, 0.63),
            (1.60, 0.66),
            (1.82, 0.70),
        ],
        6,
    )
    tower_x, lamp_y = 1.285, 0.225
    finish = canvas.vignette(stage.width, stage.height, 0.42)

    def at(t: float) -> Picture:
        stops = _blend(_BLUE, _NIGHT, 0.25 + 0.05 * t)
        picture = stage.blank() + _sky(stage, stops, horizon)
        tilt = water.tilt(t + 40)
        water.lay(picture, tilt, stops, rgb("#131d40"), 0.9)
        angle = 2 * np.pi * (t / 5.2) + 2.2
        facing, across = np.cos(angle), np.sin(angle)
        # The beam is a cone in the round: seen from the side it is long, seen end on it is a flare.
        away = stage.x - np.float32(tower_x)
        reach = np.float32(across * 1.9)
        along = away / reach if abs(across) > 0.02 else away * 0 - 1
        spread = np.float32(0.012) + np.float32(0.11) * np.clip(along, 0, 1)
        beam = np.exp(-(((stage.y - np.float32(lamp_y) - away * np.float32(0.02)) / spread) ** 2))
        beam *= np.clip(along * 30, 0, 1) * np.clip(1 - along, 0, 1) ** 1.6 * np.float32(0.5 + 0.5 * abs(across))
        for plane, value in zip(picture, rgb("#ffe9b8"), strict=True):
            plane += beam * np.float32(0.62 * value)
        far_x = 0.15 + 0.028 * t
        _ferry(stage, picture, far_x, horizon + 0.012, 0.11, rgb("#1d2850"), 0.95)
        water.glitter(picture, tilt, far_x, rgb("#ffcf8a"), 0.05, 0.5)
        water.glitter(picture, tilt, tower_x, rgb("#ffe2a8"), 0.07, 0.25 + 0.75 * max(0.0, facing) ** 6)
        for i, noise in enumerate(banks):
            moved = canvas.shift_columns(noise, (0.02 + 0.035 * i) * t * stage.height + 300 * i, stage.width)
            top = round((0.40 + 0.13 * i) * stage.height)
            rows = min(round(0.36 * stage.height), stage.height - top)
            scaled = moved[np.linspace(0, 255, rows).astype(int)]
            hump = np.sin(np.linspace(0.001, np.pi - 0.001, rows, dtype=np.float32))[:, None] ** 1.5
            veil = canvas.smoothstep(0.30, 0.85, scaled) * hump * np.float32(0.62 - 0.12 * i)
            lit = mix(rgb("#8fa0c4"), rgb("#e8dcc0"), 0.25 * max(0.0, facing))
            for plane, value in zip(picture, lit, strict=True):
                part = plane[top : top + rows]
                part += veil * (np.float32(value) - part)
            if i == 0:
                paint(picture, canvas.polygon(stage, rock), rgb("#141b38"))
                body = [
                    (tower_x - 0.030, lamp_y + 0.035),
                    (tower_x + 0.030, lamp_y + 0.035),
                    (tower_x + 0.047, 0.575),
                    (tower_x - 0.047, 0.575),
                ]
                paint(picture, canvas.polygon(stage, body), rgb("#d9d4d0"))
                for band in (0.0, 0.42, 0.80):
                    y0, y1 = lamp_y + 0.06 + 0.30 * band, lamp_y + 0.06 + 0.30 * band + 0.055
                    w0, w1 = (0.030 + 0.017 * (y - lamp_y - 0.035) / 0.315 for y in (y0, y1))
                    stripe = [(tower_x - w0, y0), (tower_x + w0, y0), (tower_x + w1, y1), (tower_x - w1, y1)]
                    paint(picture, canvas.polygon(stage, stripe), rgb("#a8414a"))
                side = [
                    (tower_x + 0.004, lamp_y + 0.03),
                    (tower_x + 0.031, lamp_y + 0.03),
                    (tower_x + 0.048, 0.58),
                    (tower_x + 0.010, 0.58),
                ]
                paint(picture, canvas.polygon(stage, side), rgb("#1a2348"), 0.45)
                paint(
                    picture,
                    canvas.polygon(
                        stage,
                        [
                            (tower_x - 0.041, lamp_y + 0.026),
                            (tower_x + 0.041, lamp_y + 0.026),
                            (tower_x + 0.037, lamp_y + 0.04),
                            (tower_x - 0.037, lamp_y + 0.04),
                        ],
                    ),
                    rgb("#151d3c"),
                )
                paint(
                    picture,
                    canvas.polygon(
                        stage,
                        [
                            (tower_x - 0.022, lamp_y - 0.028),
                            (tower_x + 0.022, lamp_y - 0.028),
                            (tower_x + 0.022, lamp_y + 0.028),
                            (tower_x - 0.022, lamp_y + 0.028),
                        ],
                    ),
                    rgb("#ffeec2"),
                )
                paint(
                    picture,
                    canvas.polygon(
                        stage, [(tower_x - 0.029, lamp_y - 0.026), (tower_x, lamp_y - 0.062), (tower_x + 0.029, lamp_y - 0.026)]
                    ),
                    rgb("#8e3540"),
                )
        flare = max(0.0, facing) ** 8
        tint(picture, canvas.glow(stage, tower_x, lamp_y, 0.16 + 0.55 * flare), rgb("#fff0c4"), 0.5 + 0.5 * flare)
        tint(picture, canvas.glow(stage, tower_x, lamp_y, 0.9 * flare + 0.01, 0.05), rgb("#fff4d8"), 0.8 * flare)
        picture *= finish
        return picture

    return at


def _harbour(stage: Stage) -> Painter:
    """Night; the moon's path; the ferry has come in. The credits stand in the sky."""
    horizon = 0.66
    water = Water(stage, horizon, 0.8)
    rng = np.random.default_rng(19)
    stars = rng.random((170, 4))
    moon_x, moon_y = 1.30, 0.235
    quay = _headland(stage, 25, horizon, 0.08, -0.9, 1.0)
    lamps = [(0.05 + 0.082 * i, horizon - 0.012 - 0.028 * ((i * 5) % 3)) for i in range(10)]
    background = stage.blank() + _sky(stage, _NIGHT, horizon)
    for x, y, size, bright in stars:
        star_y = y * horizon * 0.92
        paint(
            background,
            canvas.disc(stage, x * stage.aspect, star_y, 0.0006 + 0.0011 * size**3, 0.0008),
            rgb("#dfe6ff"),
            0.25 + 0.75 * bright,
        )
    tint(background, canvas.glow(stage, moon_x, moon_y, 0.60), rgb("#8fa4d8"), 0.30)
    tint(background, canvas.glow(stage, moon_x, moon_y, 0.18), rgb("#cfd9f4"), 0.30)
    paint(background, canvas.disc(stage, moon_x, moon_y, 0.052, 0.002), rgb("#f6f2e2"))
    for cx, cy, r in ((-0.015, -0.012, 0.012), (0.014, 0.010, 0.016), (-0.006, 0.024, 0.008)):
        paint(background, canvas.disc(stage, moon_x + cx, moon_y + cy, r, 0.008), rgb("#d8d5cc"), 0.7)
    _land(stage, background, quay, horizon, rgb("#0b1230"), rgb("#1c284e"))
    finish = canvas.vignette(stage.width, stage.height, 0.35)

    def at(t: float) -> Picture:
        picture = background.copy()
        tilt = water.tilt(t + 60)
        water.lay(picture, tilt, _NIGHT, rgb("#0a1130"), 0.9)
        water.glitter(picture, tilt, moon_x, rgb("#dfe4f2"), 0.10, 0.85)
        for i, (x, y) in enumerate(lamps):
            warm = rgb(("#ffd48a", "#ffb870", "#ffe3b0")[i % 3])
            tint(picture, canvas.glow(stage, x, y, 0.032), warm, 0.6)
            paint(picture, canvas.disc(stage, x, y, 0.0028), warm)
            water.glitter(picture, tilt, x, warm, 0.014, 0.38)
        _ferry(stage, picture, 0.80 - 0.10 * ease_in_port(t), horizon + 0.010, 0.20, rgb("#0c1434"), 1.0, -1)
        credits_card(stage, picture, t, rgb("#f3efe2"), 1.0, 0.5 * stage.aspect, 0.19)
        picture *= finish
        return picture

    return at


def ease_in_port(t: float) -> float:
    return canvas.ease_out(t / 5)


def _picture(width: int, height: int) -> Painter:
    stage = Stage(width, height)
    return cut(
        [
            Shot(0, 10, _sunset(stage), fade_in=1.6),
            Shot(10, 17.5, _deck(stage)),
            Shot(17.5, 26, _fog(stage), dissolve=1.0),
            Shot(26, 32, _harbour(stage), dissolve=1.2, fade_out=1.2),
        ]
    )


_CHORDS = (
    (57, 60, 64, 71), (53, 57, 60, 69), (60, 64, 67, 74), (55, 59, 62, 71),
    (57, 60, 64, 72), (53, 57, 64, 69), (50, 53, 57, 65), (52, 56, 59, 64),
)  # fmt: skip


def _chord(t: float) -> tuple[int, ...]:
    return _CHORDS[min(int(t / 4), len(_CHORDS) - 1)]


def _music(seconds: float) -> Score:
    out = sound.Mix(seconds)
    for bar, chord in enumerate(_CHORDS):
        start = bar * 4.0
        out.add(start, sound.pad(chord, 5.4, 1.6, 1.8, 0.4), 0.9)
        out.add(start, sound.bass(chord[0] - 24, 3.9, 0.1), 0.28)
        for step, tone in enumerate((0, 2, 3, 1)):
            if bar or step > 1:
                out.add(
                    start + 0.5 + step * 0.85 + 0.04 * (step % 2), sound.piano(chord[tone] + 12, 4.0), 0.42, -0.3 + 0.2 * step
                )
    for at, note, long in (
        (10.0, 64, 1.9),
        (12.0, 67, 1.9),
        (14.0, 71, 3.6),
        (18.0, 72, 1.9),
        (20.0, 69, 3.8),
        (26.0, 64, 2.0),
        (28.0, 64, 3.4),
    ):
        out.add(at, sound.cello(note - 12, long), 0.42, 0.25)
    for horn in (9.2, 27.2):
        for reed in (41.0, 45.1):
            out.add(horn, sound.cello(reed, 1.9, 0.9), 0.34, -0.4)
    bed = sound.reverb(out.samples, 3.0, 0.45)
    return Score(bed=bed + sound.sea(seconds, 301) * np.float32(0.16), notes=_chord, voice_gain=0.75)


FILM = DemoFilm(
    slug="last-crossing",
    title=Words(fr="La Dernière Traversée", en="The Last Crossing"),
    short=Words(
        fr="Le dernier ferry du soir rentre au port, de phare en phare.",
        en="The evening’s last ferry comes home, from light to light.",
    ),
    synopsis=Words(
        fr="Le soleil touche la mer quand le dernier ferry quitte la côte. Le crépuscule, la brume, un phare, puis la lune : "
        "une traversée de trente secondes où rien ne presse.",
        en="The sun touches the sea as the last ferry leaves the coast. Dusk, fog, a lighthouse, then the moon: a crossing of "
        "thirty seconds in which nothing hurries.",
    ),
    year=2026,
    age_class=0,
    genres=("drama", "nature"),
    original_language="fr",
    credits=STUDIO_CREDITS,
    markers=(Marker(kind="intro", start=0.0, end=9.5), Marker(kind="credits", start=27.0, end=32.0)),
    cues=(
        Cue(
            start=4.0,
            end=8.0,
            text=Words(
                fr="Le dernier ferry part\nquand les mouettes rentrent.", en="The last ferry leaves\nas the gulls come home."
            ),
        ),
        Cue(
            start=11.0,
            end=15.0,
            text=Words(fr="À bord, on parle bas.\nLa mer écoute.", en="On board we speak low.\nThe sea is listening."),
        ),
        Cue(
            start=18.8,
            end=23.2,
            text=Words(
                fr="Dans la brume, le phare\ncompte pour nous.", en="In the fog, the lighthouse\ndoes the counting for us."
            ),
        ),
        Cue(start=27.4, end=30.6, text=Words(fr="Nous voilà rendus.", en="Here we are, home.")),
    ),
    width=1280,
    height=720,
    frame_rate=FrameRate(24, 1),
    frames=768,
    container="mp4",
    subtitles="inside",
    picture=_picture,
    music=_music,
)
