"""Due South: fast. A road drawn row by row, as arcade machines did: each row of the screen is one distance down the road.

All that is on the road's plane is then a test of how far a pixel lies from the road's middle, in road widths; bends are a shift
of the middle that grows with the square of the distance.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matinee.app.demo import canvas, sound
from matinee.app.demo.canvas import Colour, Stage, clamp, ease, ease_out, mix, paint, rgb, span, tint, turned
from matinee.app.demo.cutting import STUDIO_CREDITS, Shot, credits_card, cut, held
from matinee.app.demo.model import Cue, DemoFilm, Marker, Painter, Picture, Score, Words
from matinee.base.units import FrameRate

_EYE = 0.30  # rows below the horizon at distance 1, in frame heights


@dataclass(frozen=True, slots=True)
class Paint:
    """The colours of a road: two of each ground, so that stripes tell the speed."""

    left: tuple[Colour, Colour]
    right: tuple[Colour, Colour]
    kerb: tuple[Colour, Colour]
    tar: tuple[Colour, Colour]
    line: Colour


class Road:
    """The plane of a road below a horizon."""

    def __init__(self, stage: Stage, horizon: float, width: float, colours: Paint) -> None:
        self.stage, self.horizon, self.width, self.colours = stage, horizon, width, colours
        self.top = int(horizon * stage.height) + 1
        below = stage.y[self.top :] - np.float32(horizon)
        self.far = np.float32(_EYE) / np.maximum(below, np.float32(0.5 * stage.px))  # (rows, 1): distance
        self.half = np.float32(width) / self.far  # half the road's width on the screen
        self.sharp = self.half * np.float32(stage.height)  # pixels to a half width

    def middle(
        self, far: npt.NDArray[np.floating[Any]] | float, bend: float, sway: float
    ) -> npt.NDArray[np.floating[Any]] | float:
        """The road's middle on the screen at a distance."""
        return self.stage.aspect / 2 + bend * 0.0035 * far * far / (1 + 0.018 * far) + sway / far

    def lay(self, picture: Picture, travelled: float, bend: float, sway: float, haze: Colour) -> None:
        stage, c = self.stage, self.colours
        off = (stage.x - np.asarray(self.middle(self.far, bend, sway), np.float32)) / self.half  # in half widths
        away = np.abs(off)
        distance = self.far + np.float32(travelled)
        fine = np.clip(1.2 - self.far * np.float32(0.035), 0, 1)  # far stripes melt together rather than flicker
        wave = np.clip(np.sin(distance * np.float32(np.pi / 1.6)) * 6 / np.maximum(self.far * 0.25, 1), -1, 1) * fine
        band = wave * np.float32(0.5) + np.float32(0.5)
        dash = np.clip(np.sin(distance * np.float32(np.pi / 1.6)) * 8 / np.maximum(self.far * 0.25, 1) - 0.5, 0, 1) * fine
        road = np.clip((1 - away) * self.sharp + np.float32(0.5), 0, 1)
        kerb = np.clip((np.float32(1.09) - away) * self.sharp + np.float32(0.5), 0, 1)
        edge = np.clip((np.float32(0.018) - np.abs(away - np.float32(0.93))) * self.sharp + np.float32(0.5), 0, 1)
        marks = np.clip((np.float32(0.020) - away) * self.sharp + np.float32(0.5), 0, 1) * dash
        lines = np.maximum(edge * (np.float32(0.35) + 0.65 * fine), marks)
        left = np.clip(-off * self.sharp, 0, 1)
        fog = np.exp(-self.far * np.float32(0.03))
        for i, plane in enumerate(picture):
            part = plane[self.top :]
            tones = [
                np.float32(pair[0][i]) + band * np.float32(pair[1][i] - pair[0][i]) for pair in (c.left, c.right, c.kerb, c.tar)
            ]
            ground = tones[1] + left * (tones[0] - tones[1])
            ground += kerb * (tones[2] - ground)
            ground += road * (tones[3] - ground)
            ground += lines * (np.float32(c.line[i]) - ground)
            part[:] = np.float32(haze[i]) + (ground - np.float32(haze[i])) * fog

    def at(self, off: float, far: float, bend: float, sway: float) -> tuple[float, float, float]:
        """Where on the screen a place on the road's plane is: x, y, and the size of one half width there."""
        half = self.width / far
        return float(self.middle(far, bend, sway)) + off * half, self.horizon + _EYE / far, half


def _rear(stage: Stage, picture: Picture, x: float, y: float, size: float, body: Colour, lean: float, brake: float) -> None:
    """A low coupé from behind; (x, y) is the middle of the ground under it, `size` its width."""

    def shape(points: list[tuple[float, float]], mirror: bool = True) -> npt.NDArray[np.floating[Any]]:
        full = points + [(-px, py) for px, py in reversed(points)] if mirror else points
        return turned([(px, py - 0.02) for px, py in full], lean * 0.10, x + lean * size * 0.03, y, size)

    dark, shine = mix(body, rgb("#12081c"), 0.55), mix(body, rgb("#fff1d8"), 0.38)
    shadow = canvas.glow(stage, x, y - 0.005 * size, 0.66 * size, 0.16)
    paint(picture, shadow, rgb("#160a22"), 0.75)
    for side in (-1, 1):
        paint(
            picture,
            canvas.polygon(
                stage, turned([(side * 0.30, -0.16), (side * 0.47, -0.16), (side * 0.47, 0.0), (side * 0.31, 0.0)], 0, x, y, size)
            ),
            rgb("#140c1e"),
        )
    paint(picture, canvas.polygon(stage, shape([(0.0, -0.455), (0.235, -0.44), (0.345, -0.29), (0.0, -0.27)])), dark)
    paint(picture, canvas.polygon(stage, shape([(0.0, -0.43), (0.212, -0.418), (0.300, -0.298), (0.0, -0.29)])), rgb("#2b1f46"))
    glass = [(-0.19, -0.415), (-0.05, -0.425), (-0.13, -0.295), (-0.27, -0.300)]
    paint(picture, canvas.polygon(stage, shape(glass, False)), rgb("#ffb48a"), 0.55)
    paint(
        picture,
        canvas.polygon(
            stage, shape([(0.0, -0.30), (0.34, -0.305), (0.475, -0.245), (0.49, -0.12), (0.455, -0.065), (0.0, -0.065)])
        ),
        body,
    )
    paint(picture, canvas.polygon(stage, shape([(0.0, -0.30), (0.34, -0.305), (0.46, -0.252), (0.0, -0.252)])), shine)
    paint(picture, canvas.polygon(stage, shape([(0.0, -0.345), (0.40, -0.345), (0.41, -0.318), (0.0, -0.318)])), dark)
    paint(picture, canvas.polygon(stage, shape([(0.0, -0.115), (0.45, -0.115), (0.43, -0.05), (0.0, -0.05)])), rgb("#1d1228"))
    paint(picture, canvas.polygon(stage, shape([(0.0, -0.225), (0.455, -0.225), (0.46, -0.165), (0.0, -0.165)])), rgb("#230f22"))
    for side in (-1, 1):
        lamp = [(side * 0.20, -0.213), (side * 0.448, -0.213), (side * 0.452, -0.177), (side * 0.20, -0.177)]
        paint(picture, canvas.polygon(stage, shape(lamp, False)), mix(rgb("#c51f3a"), rgb("#ff8a70"), brake))
        lx, ly = x + side * 0.33 * size, y - 0.21 * size
        tint(picture, canvas.glow(stage, lx, ly, (0.22 + 0.2 * brake) * size, 0.6), rgb("#ff3a4a"), 0.30 + 0.45 * brake)
        paint(picture, canvas.disc(stage, x + side * 0.16 * size, y - 0.085 * size, 0.022 * size), rgb("#6d6478"))
    plate = [(-0.085, -0.212), (0.085, -0.212), (0.085, -0.172), (-0.085, -0.172)]
    paint(picture, canvas.polygon(stage, shape(plate, False)), rgb("#f4ecd8"))


def _palm(stage: Stage, picture: Picture, x: float, y: float, size: float, seed: int, bark: Colour, leaf: Colour) -> None:
    if size < 0.012:
        return
    lean = 0.10 * np.sin(seed * 2.4)
    stem = [
        (-0.022, 0.0),
        (-0.014 + 0.35 * lean, -0.5),
        (lean - 0.010, -0.98),
        (lean + 0.010, -0.98),
        (0.012 + 0.35 * lean, -0.5),
        (0.026, 0.0),
    ]
    paint(picture, canvas.polygon(stage, turned(stem, 0, x, y, size)), bark)
    for i in range(8):
        angle = -np.pi / 2 + (i - 3.5) * 0.56 + 0.1 * np.sin(seed + i)
        out, drop = np.cos(angle), np.sin(angle)
        tip = (lean + 0.36 * out, -0.98 + 0.22 * drop + 0.20 * abs(out))
        mid = (lean + 0.20 * out, -1.02 + 0.20 * drop - 0.02)
        under = (lean + 0.19 * out, -0.955 + 0.16 * drop + 0.02)
        paint(
            picture,
            canvas.polygon(stage, turned([(lean, -0.98), mid, tip, under], 0, x, y, size)),
            mix(leaf, rgb("#1a0f2e"), 0.16 * (i % 3)),
        )


def _ridge(stage: Stage, seed: int, base: float, height: float) -> npt.NDArray[np.floating[Any]]:
    rng = np.random.default_rng(seed)
    count = 2 * stage.width
    x = np.arange(count) * (2 * np.pi / count)
    peaks = np.zeros(count)
    for k in (3, 5, 8, 13, 21, 34):
        peaks += np.abs(np.sin(k * x + rng.random() * 6.3)) / k**0.75
    return np.asarray(base - height * peaks / peaks.max(), np.float32)


_COAST = Paint(
    left=(rgb("#e5a36a"), rgb("#dd955f")),
    right=(rgb("#eab57a"), rgb("#e2a76c")),
    kerb=(rgb("#fff4e0"), rgb("#e8503f")),
    tar=(rgb("#5a4560"), rgb("#554159")),
    line=rgb("#fff4e0"),
)


def _coast(stage: Stage) -> Painter:
    """Behind the red car, into a low sun, palms on both sides."""
    horizon = 0.50
    road = Road(stage, horizon, 0.40, _COAST)
    sky = stage.blank() + stage.gradient(
        [(0, rgb("#4b2a6b")), (0.16, rgb("#a23f78")), (0.32, rgb("#f06a5f")), (0.44, rgb("#ffab5e")), (0.51, rgb("#ffdf94"))]
    )
    sun_y, radius = 0.445, 0.175
    stripe = ((stage.y - np.float32(sun_y)) / np.float32(radius)) * 4.2
    cuts = np.clip(
        ((np.abs(stripe % 1 - 0.5) - np.clip(0.10 + 0.055 * stripe, 0, 0.4)) * np.float32(radius * stage.height / 4.2)) + 0.5,
        0,
        1,
    )
    cuts = np.where(stripe > 0.0, cuts, 1).astype(np.float32)
    hills, near_hills = _ridge(stage, 3, 0.512, 0.13), _ridge(stage, 9, 0.515, 0.062)

    def at(t: float) -> Picture:
        picture = sky.copy()
        bend = 1.5 * np.sin(t * 0.75) + 0.5 * np.sin(t * 1.9)
        pan = 0.20 * np.cos(t * 0.75) + 0.02 * t
        sun_x = stage.aspect / 2 + 0.22 + 0.16 * (pan - 0.2)
        tint(picture, canvas.glow(stage, sun_x, sun_y, 0.62), rgb("#ff9a50"), 0.35)
        sun = canvas.disc(stage, sun_x, sun_y, radius)
        if sun is not None:
            sun = canvas.Patch(sun.mask * cuts[sun.top : sun.top + sun.mask.shape[0]], sun.top, sun.left)
        paint(picture, sun, rgb("#fff0b8"))
        for line, colour, speed in ((hills, "#b0527a", 0.5), (near_hills, "#7a3a6e", 0.9)):
            edge = canvas.shift_columns(line, (0.4 + speed * pan) * stage.height, stage.width)
            paint(picture, canvas.below(stage, edge), rgb(colour))
        travelled = 16 * t + 1.1 * t * t
        sway = -0.10 * np.sin(t * 0.75)
        road.lay(picture, travelled, bend, sway, rgb("#ffb070"))
        first = int(travelled / 2.4)
        for i in range(first + 17, first, -1):
            far = i * 2.4 - travelled
            if 0.42 < far < 40:
                for side in (-1, 1):
                    x, y, half = road.at(side * (1.75 + 0.35 * ((i * 7) % 3) / 2), far, bend, sway)
                    tone = clamp(far / 34)
                    _palm(
                        stage,
                        picture,
                        x,
                        y,
                        half * (1.75 + 0.3 * (i % 3)),
                        i * 2 + side,
                        mix(rgb("#4a2440"), rgb("#d07a68"), tone),
                        mix(rgb("#2c2a4c"), rgb("#c8746c"), tone),
                    )
        drift = 0.13 * np.sin(t * 0.75 - 0.5) - sway * 0.8
        arrive = ease_out(t / 1.8)
        _rear(
            stage,
            picture,
            stage.aspect / 2 + drift,
            0.955 - 0.10 * arrive + 0.0025 * np.sin(31 * t),
            0.52 - 0.12 * arrive,
            rgb("#e2343f"),
            -0.5 * np.sin(t * 0.75),
            0.15,
        )
        shown = held(t, 0.9, 5.6, 0.5)
        if shown:
            slide = (1 - ease_out((t - 0.9) / 0.7)) * 0.5 - ease(span(t, 5.1, 5.7)) * 0.6
            for dx, hue in ((0.007, rgb("#3b1d52")), (0.0, rgb("#fff6e4"))):
                paint(
                    picture,
                    canvas.lettering(stage, "PLEIN SUD", 0.5 * stage.aspect + slide + dx, 0.145 + dx, 0.19, "ExtraBold", 0.03),
                    hue,
                    shown,
                )
        return picture

    return at


def _profile(stage: Stage) -> Painter:
    """The car from the side; the land is a blur."""
    ground = 0.80
    sky = stage.blank() + stage.gradient(
        [(0, rgb("#2b6f8f")), (0.35, rgb("#7cc4bd")), (0.6, rgb("#ffe6b0")), (0.62, rgb("#1f9aa0")), (0.70, rgb("#15707f"))]
    )
    layers = [(_ridge(stage, 21, 0.60, 0.14), "#5f97a3", 0.10), (_ridge(stage, 22, 0.615, 0.09), "#3c6f88", 0.30)]
    rng = np.random.default_rng(24)
    streaks = rng.random((70, 4))

    def at(t: float) -> Picture:
        picture = sky.copy()
        paint(picture, canvas.disc(stage, 0.32 * stage.aspect, 0.30, 0.085), rgb("#fff4d0"))
        for line, colour, speed in layers:
            paint(
                picture,
                canvas.below(stage, canvas.shift_columns(line, (speed * t + 0.3) * stage.height, stage.width)),
                rgb(colour),
            )
        for top, colour in ((0.70, "#efc98a"), (0.735, "#4a4258"), (0.93, "#3e374b")):
            start = round(top * stage.height)
            for plane, value in zip(picture, rgb(colour), strict=True):
                plane[start:] = value
        paint(picture, canvas.stroke(stage, -0.1, 0.747, stage.aspect + 0.1, 0.747, 0.006), rgb("#fff4e0"))
        for i in range(6):
            x = stage.aspect + 0.4 - (5.2 * t + 0.42 * i) % 2.6
            dash = [(x, 0.872), (x + 0.26, 0.872), (x + 0.24, 0.884), (x - 0.02, 0.884)]
            paint(picture, canvas.polygon(stage, dash), rgb("#fff4e0"), 0.9)
        for i in range(4):  # posts, smeared by their speed
            x = stage.aspect + 0.3 - (4.2 * t + 0.71 * i) % 2.9
            for smear in range(4):
                paint(
                    picture, canvas.stroke(stage, x + 0.014 * smear, 0.655, x + 0.014 * smear, 0.728, 0.016), rgb("#fff4e0"), 0.26
                )
        bounce = 0.0022 * np.sin(37 * t) + 0.002 * np.sin(23 * t)
        x = 0.26 * stage.aspect + 0.36 * ease(t / 4.2) * stage.aspect
        _side(stage, picture, x, ground + 0.06 + bounce, 0.62, t)
        for sx, sy, long, speed in streaks:
            y = 0.03 + 0.94 * sy
            if 0.44 < y < 0.70:
                continue
            px = (sx * 3.2 - t * (5 + 5 * speed)) % 3.2 - 0.7
            paint(
                picture,
                canvas.stroke(stage, px, y, px + 0.15 + 0.45 * long, y, 0.0030, 0.2),
                rgb("#ffffff"),
                0.22 if y < 0.6 else 0.14,
            )
        return picture

    return at


def _side(stage: Stage, picture: Picture, x: float, y: float, size: float, t: float) -> None:
    def shape(points: list[tuple[float, float]]) -> npt.NDArray[np.floating[Any]]:
        return turned(points, -0.006, x, y, size)

    red, dark, shine = rgb("#e2343f"), rgb("#8c1b36"), rgb("#ff8a6c")
    paint(picture, canvas.glow(stage, x, y + 0.005, 0.62 * size, 0.07), rgb("#160a22"), 0.85)
    body = canvas.smooth_curve(
        [
            (-0.52, -0.13),
            (-0.50, -0.205),
            (-0.36, -0.225),
            (-0.20, -0.235),
            (0.10, -0.215),
            (0.34, -0.185),
            (0.49, -0.145),
            (0.52, -0.085),
            (0.50, -0.05),
            (-0.49, -0.05),
        ],
        8,
    )
    roof = canvas.smooth_curve(
        [(-0.40, -0.215), (-0.26, -0.300), (-0.10, -0.330), (0.04, -0.318), (0.20, -0.205), (-0.1, -0.19)], 8
    )
    glass = canvas.smooth_curve(
        [(-0.30, -0.225), (-0.21, -0.290), (-0.09, -0.312), (0.03, -0.300), (0.14, -0.222), (-0.08, -0.215)], 8
    )
    wing = [(-0.535, -0.285), (-0.40, -0.275), (-0.40, -0.262), (-0.535, -0.268)]
    paint(
        picture, canvas.polygon(stage, shape([(-0.47, -0.27), (-0.45, -0.27), (-0.44, -0.21), (-0.46, -0.21)]), shape(wing)), dark
    )
    paint(picture, canvas.polygon(stage, turned(roof, -0.006, x, y, size)), dark)
    paint(picture, canvas.polygon(stage, turned(glass, -0.006, x, y, size)), rgb("#20304a"))
    paint(
        picture,
        canvas.polygon(stage, shape([(-0.20, -0.285), (-0.12, -0.305), (-0.20, -0.222), (-0.27, -0.224)])),
        rgb("#9fd6d2"),
        0.6,
    )
    paint(picture, canvas.polygon(stage, shape([(-0.045, -0.31), (-0.025, -0.31), (-0.035, -0.215), (-0.055, -0.215)])), dark)
    paint(picture, canvas.polygon(stage, turned(body, -0.006, x, y, size)), red)
    paint(
        picture,
        canvas.polygon(
            stage, shape([(-0.49, -0.195), (0.10, -0.200), (0.40, -0.165), (0.40, -0.155), (0.10, -0.186), (-0.495, -0.180)])
        ),
        shine,
    )
    paint(picture, canvas.polygon(stage, shape([(-0.50, -0.088), (0.51, -0.088), (0.49, -0.05), (-0.48, -0.05)])), rgb("#3a1228"))
    paint(picture, canvas.disc(stage, x + 0.02 * size, y - 0.142 * size, 0.045 * size), rgb("#fff4e0"))
    paint(picture, canvas.lettering(stage, "7", x + 0.02 * size, y - 0.143 * size, 0.062 * size, "ExtraBold"), rgb("#3a1228"))
    tint(picture, canvas.glow(stage, x + 0.51 * size, y - 0.12 * size, 0.10 * size), rgb("#fff0c0"), 0.8)
    tint(picture, canvas.glow(stage, x - 0.52 * size, y - 0.16 * size, 0.10 * size), rgb("#ff4a4a"), 0.8)
    for wheel in (-0.315, 0.325):
        wx, wy, r = x + wheel * size, y - 0.062 * size, 0.084 * size
        paint(picture, canvas.disc(stage, wx, wy, r * 1.14), rgb("#2a0d22"))
        paint(picture, canvas.disc(stage, wx, wy, r), rgb("#17131f"))
        paint(picture, canvas.disc(stage, wx, wy, r * 0.62), rgb("#8d8798"))
        for i in range(5):
            angle = 26 * t + i * 2 * np.pi / 5
            paint(
                picture,
                canvas.stroke(stage, wx, wy, wx + r * 0.56 * np.cos(angle), wy + r * 0.56 * np.sin(angle), 0.016 * size),
                rgb("#d9d4e0"),
                0.8,
            )
        paint(picture, canvas.disc(stage, wx, wy, r * 0.16), rgb("#f4efe6"))


_TUNNEL = Paint(
    left=(rgb("#120d26"), rgb("#1a1334")), right=(rgb("#120d26"), rgb("#1a1334")), kerb=(rgb("#ffb43c"), rgb("#3a2152")),
    tar=(rgb("#241b40"), rgb("#211938")), line=rgb("#ffe9b8"),
)  # fmt: skip


_RINGS = 5.0  # road lengths from one ring of light to the next


class Vault:
    """The wall of a straight tunnel: each pixel looks at one angle of the wall at one distance, worked out once.

    Its light is soft, so it is painted at half the size and enlarged: the car and the road before it stay sharp.
    """

    def __init__(self, full: Stage, horizon: float, width: float) -> None:
        self.full = full
        stage = Stage(full.width // 2, full.height // 2)
        dx = (stage.x - np.float32(stage.aspect / 2)) / np.float32(1.34)
        dy = (stage.y - np.float32(horizon)) / np.float32(1.42)
        away = np.sqrt(dx * dx + dy * dy)
        self.far = np.float32(width) / np.maximum(away, np.float32(0.004))
        angle = np.arctan2(dx, -dy)  # 0 overhead
        self.fog = np.exp(self.far * np.float32(-0.075))
        # A ring that filled the frame as it went by would flash some five times a second: near ones go dark before they do.
        self.past = canvas.smoothstep(0.75, 2.3, self.far)
        self.crisp = np.clip(2.6 / self.far, 0.0, 1.0)  # far rings melt together
        self.strips = np.exp(-(((np.abs(angle) - 0.62) / 0.030) ** 2)) + 0.55 * np.exp(-(((np.abs(angle) - 1.42) / 0.022) ** 2))
        self.panels = 0.82 + 0.18 * np.cos(angle * 24)

    def show(self, travelled: float) -> Picture:
        along = (self.far + np.float32(travelled)) / np.float32(_RINGS)
        index = np.floor(along)
        place = along - index
        ring = np.exp(-(((place - np.float32(0.5)) / np.float32(0.034)) ** 2)) * self.past * (0.25 + 0.75 * self.crisp)
        spill = np.exp(-(((place - np.float32(0.5)) / np.float32(0.16)) ** 2)) * self.past
        dash = np.clip(np.abs(place * 6 % 1 - 0.5) * 8 - 1, 0, 1) * self.crisp + (1 - self.crisp) * np.float32(0.6)
        which = (index.astype(np.int32) % 3).astype(np.intp)
        hues = np.array([rgb(c) for c in ("#ff4f8b", "#ffb43c", "#5ad1e6")], np.float32)
        base, deep = rgb("#1a1236"), rgb("#6a45c8")
        glow = spill * self.fog * self.panels
        picture = np.empty((3, *self.far.shape), np.float32)
        for i, plane in enumerate(picture):
            hue = hues[:, i][which]
            plane[:] = np.float32(deep[i]) + (np.float32(base[i]) * self.panels - np.float32(deep[i])) * self.fog
            plane += glow * hue * np.float32(0.34)
            plane += ring * (hue * np.float32(0.75) + np.float32(0.35)) * (0.35 + 0.65 * self.fog)
            plane += self.strips * dash * self.fog * np.float32((1.0, 0.86, 0.66)[i])
        return canvas.enlarged(picture, self.full)


def _tunnel(stage: Stage) -> Painter:
    """A tunnel: arches of light that rush past, and the lamps of the cars ahead."""
    horizon = 0.50
    road = Road(stage, horizon, 0.42, _TUNNEL)
    vault = Vault(stage, horizon, road.width)
    others = ((0.48, 9.0, 3.2, "#f2b33d"), (-0.50, 17.0, 3.6, "#3fb6c9"))
    bend = sway = 0.0
    end_x = stage.aspect / 2
    off = np.abs(stage.x - np.float32(end_x)) / np.maximum((stage.y - np.float32(horizon)) * np.float32(road.width / _EYE), 1e-4)
    beyond = np.where(stage.y > horizon, np.clip((off - np.float32(1.14)) * 60, 0, 1), 0).astype(np.float32)

    def at(t: float) -> Picture:
        travelled = 26 * t
        wall = vault.show(travelled)
        picture = wall.copy()
        road.lay(picture, travelled, 0.0, 0.0, rgb("#3a2a70"))
        # The road's own edges end at the wall: beyond it the wall goes down behind the kerb.
        picture += beyond * (wall - picture)
        for lane, start, speed, hue in others:
            far = start - speed * t
            if 0.75 < far < 30:
                x, y, half = road.at(lane, far, bend, sway)
                _rear(stage, picture, x, y, half * 0.52, rgb(hue), 0.0, 0.5)
        drift = 0.16 * np.sin(t * 1.1 - 0.4)
        _rear(
            stage,
            picture,
            stage.aspect / 2 + drift,
            0.87 + 0.0025 * np.sin(33 * t),
            0.42,
            rgb("#e2343f"),
            -0.6 * np.cos(t * 1.1),
            0.25,
        )
        leave = span(t, 4.6, 5.9)
        if leave > 0:
            tint(picture, canvas.glow(stage, end_x, 0.49, 0.1 + 2.4 * leave**2), rgb("#fff0d8"), 1.6 * leave)
            picture += np.float32(1.4 * leave**4)
        return picture

    return at


_DESERT = Paint(
    left=(rgb("#e98f74"), rgb("#e4866b")), right=(rgb("#ee9a7c"), rgb("#e89073")), kerb=(rgb("#f7c9a0"), rgb("#f2bd92")),
    tar=(rgb("#6b4a6a"), rgb("#664665")), line=rgb("#fff1d6"),
)  # fmt: skip


def _desert(stage: Stage) -> Painter:
    """Out of the tunnel: pink rocks, a straight road, three cars that grow small."""
    horizon = 0.53
    road = Road(stage, horizon, 0.40, _DESERT)
    sky = stage.blank() + stage.gradient(
        [(0, rgb("#3a4d8f")), (0.22, rgb("#8a74b0")), (0.40, rgb("#f0a3a0")), (0.54, rgb("#ffdcae"))]
    )
    rng = np.random.default_rng(29)
    for _ in range(9):  # thin clouds
        x, y = rng.uniform(0, stage.aspect), rng.uniform(0.06, 0.30)
        paint(sky, canvas.glow(stage, x, y, rng.uniform(0.25, 0.5), 0.05), rgb("#ffd9c8"), 0.55)
    mesas = []
    for start, wide, high, tone in (
        (0.02, 0.36, 0.15, 0.35),
        (0.52, 0.17, 0.11, 0.15),
        (1.18, 0.22, 0.14, 0.25),
        (1.47, 0.42, 0.21, 0.5),
        (0.30, 0.2, 0.07, 0.6),
    ):
        points = [
            (start, 0.54),
            (start + 0.12 * wide, 0.54 - 0.55 * high),
            (start + 0.17 * wide, 0.54 - 0.97 * high),
            (start + 0.80 * wide, 0.54 - high),
            (start + 0.86 * wide, 0.54 - 0.5 * high),
            (start + wide, 0.54),
        ]
        lit = [
            (start + 0.58 * wide, 0.54 - 0.99 * high),
            (start + 0.80 * wide, 0.54 - high),
            (start + 0.86 * wide, 0.54 - 0.5 * high),
            (start + wide, 0.54),
            (start + 0.66 * wide, 0.54),
            (start + 0.60 * wide, 0.54 - 0.5 * high),
        ]
        mesas.append((points, lit, tone))
    for points, lit, tone in mesas:
        paint(sky, canvas.polygon(stage, points), mix(rgb("#b8627a"), rgb("#8f4a72"), tone))
        paint(sky, canvas.polygon(stage, lit), mix(rgb("#f09a84"), rgb("#dc7c78"), tone))

    def at(t: float) -> Picture:
        picture = sky.copy()
        tint(picture, canvas.glow(stage, 0.95, 0.515, 0.55, 0.6), rgb("#ffb870"), 0.28)
        paint(picture, canvas.disc(stage, 0.95, 0.505 - 0.006 * t, 0.055), (1.2, 1.12, 0.95))
        travelled = 24 * t
        bend = 0.16 * np.sin(t * 0.5)
        road.lay(picture, travelled, bend, 0.0, rgb("#ffc9a0"))
        first = int(travelled / 3.4)
        for i in range(first + 11, first, -1):
            far = i * 3.4 - travelled
            if 0.4 < far < 36:
                for side in (-1, 1):
                    x, y, half = road.at(side * (1.5 + 1.3 * ((i * 5 + side) % 3)), far, bend, 0.0)
                    _cactus(stage, picture, x, y, half * 0.62, i + side, mix(rgb("#3f4a58"), rgb("#d68a80"), clamp(far / 30)))
        gone = 1 + 8.5 * ease(span(t, 1.2, 7.2)) ** 1.7
        for lane, start, hue in ((-0.48, 2.1, "#3fb6c9"), (0.50, 1.55, "#f2b33d"), (0.0, 1.0, "#e2343f")):
            far = start * gone * 0.86
            x, y, half = road.at(lane, far, bend, 0.0)
            _rear(stage, picture, x, y + 0.0015 * np.sin(29 * t + start * 9), half * 0.82, rgb(hue), 0.0, 0.1)
        if t > 2.6:
            credits_card(stage, picture, t, rgb("#fff6e4"), 2.8, 0.5 * stage.aspect, 0.13)
        flash = 1 - span(t, 0.0, 0.7)
        if flash > 0:
            picture += np.float32(1.2 * flash**2)
        return picture

    return at


def _cactus(stage: Stage, picture: Picture, x: float, y: float, size: float, seed: int, colour: Colour) -> None:
    if size < 0.008:
        return
    side = 1 if seed % 2 else -1
    paint(picture, canvas.stroke(stage, x, y, x, y - size, 0.16 * size), colour)
    for way, low in ((side, 0.42), (-side, 0.58)):
        paint(picture, canvas.stroke(stage, x, y - low * size, x + way * 0.26 * size, y - low * size, 0.11 * size), colour)
        paint(
            picture,
            canvas.stroke(
                stage, x + way * 0.26 * size, y - low * size, x + way * 0.26 * size, y - (low + 0.28) * size, 0.11 * size
            ),
            colour,
        )


def _picture(width: int, height: int) -> Painter:
    stage = Stage(width, height)
    return cut(
        [
            Shot(0, 6.4, _coast(stage), fade_in=0.4),
            Shot(6.4, 10.4, _profile(stage)),
            Shot(10.4, 16.4, _tunnel(stage)),
            Shot(16.4, 24.1, _desert(stage), fade_out=1.1),
        ]
    )


_BEAT = 0.4
_CHORDS = ((57, 60, 64, 69), (53, 57, 60, 69), (60, 64, 67, 72), (55, 59, 62, 67))


def _chord(t: float) -> tuple[int, ...]:
    return _CHORDS[int(t / (4 * _BEAT)) % 4]


def _music(seconds: float) -> Score:
    """150 beats a minute: kick, hats, a running bass and an arpeggio; the tunnel takes the drums away for a while."""
    out = sound.Mix(seconds)
    kick, hat, clap = sound.kick(), sound.hiss(0.07, 55, 6000, 14000, 1), sound.hiss(0.22, 18, 900, 6500, 2)
    for beat in range(int(seconds / _BEAT) - 2):
        at = beat * _BEAT
        chord = _CHORDS[beat // 4 % 4]
        calm = 10.4 <= at < 14.4
        if not calm and at > 0.7:
            out.add(at, kick, 0.85)
            if beat % 2:
                out.add(at, clap, 0.30, 0.1)
        for half in range(2):
            if at > 0.7:
                out.add(at + half * _BEAT / 2, hat, 0.10 if half else 0.05, 0.4)
            out.add(at + half * _BEAT / 2, sound.bass(chord[0] - 24 + 12 * half, _BEAT * 0.48, 0.8), 0.46)
        for step in range(4):
            tone = chord[(step * 3 + beat) % 4] + (12 if (step + beat) % 3 else 24)
            out.add(at + step * _BEAT / 4, sound.harp(tone, 0.9, 1.4), 0.22, 0.6 * np.sin(step * 2 + beat))
        if beat % 4 == 0:
            out.add(at, sound.pad(chord, 4 * _BEAT + 0.6, 0.15, 0.5, 0.9), 0.6)
    for at, note, long in (
        (1.6, 76, 1.1),
        (3.2, 72, 0.7),
        (4.0, 74, 0.7),
        (4.8, 76, 1.4),
        (6.4, 79, 1.1),
        (8.0, 77, 1.4),
        (16.4, 81, 1.5),
        (18.0, 79, 1.1),
        (19.2, 76, 1.1),
        (20.8, 76, 2.4),
    ):
        out.add(at, sound.cello(note, long, 1.0), 0.30, -0.1)
    wind = sound.swept(
        sound.weather(seconds, 701, 150, 2600, 0.5),
        np.array([0.3, 0.5, 1, 1, 0.5, 1, 1.6, 0.4, 0], np.float32),
        np.array([0, 6.3, 6.4, 10.3, 10.4, 14, 16.3, 17, 24], np.float32),
    )
    return Score(bed=sound.reverb(out.samples, 1.1, 0.18) + wind * np.float32(0.12), notes=_chord, voice_gain=1.1)


FILM = DemoFilm(
    slug="due-south",
    title=Words(fr="Plein Sud", en="Due South"),
    short=Words(fr="Trois voitures, une côte, un tunnel, le désert.", en="Three cars, a coast, a tunnel, the desert."),
    synopsis=Words(
        fr="La rouge part la dernière. Entre les palmiers et le désert, il lui reste vingt-quatre secondes, un tunnel et "
        "toute la route du Sud pour rattraper les deux autres.",
        en="The red one starts last. Between the palms and the desert it has twenty-four seconds, one tunnel and the whole road "
        "south to catch the other two.",
    ),
    year=2026,
    age_class=0,
    genres=("animation", "music"),
    original_language="fr",
    credits=STUDIO_CREDITS,
    markers=(Marker(kind="intro", start=0.0, end=6.2), Marker(kind="credits", start=19.2, end=23.9)),
    cues=(
        Cue(start=2.0, end=4.6, text=Words(fr="Le Sud, c’est tout droit.", en="South is straight ahead.")),
        Cue(
            start=7.0,
            end=9.8,
            text=Words(fr="Ne regarde pas la mer,\nelle va moins vite.", en="Don’t look at the sea:\nit goes slower."),
        ),
        Cue(
            start=11.2,
            end=14.2,
            text=Words(fr="Dans le tunnel,\non compte les couleurs.", en="In the tunnel,\nyou count the colours."),
        ),
        Cue(start=17.4, end=20.0, text=Words(fr="Et puis, plus personne.", en="And then, no one left.")),
    ),
    width=1920,
    height=1080,
    frame_rate=FrameRate(30000, 1001),
    frames=719,
    container="mp4",
    subtitles="beside",
    picture=_picture,
    music=_music,
)
