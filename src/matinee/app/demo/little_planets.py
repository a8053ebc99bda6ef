"""Little Planets: a series of three. Each planet is a disc with a few things standing on its rim, and one thing happens to it.

The intro is the same painter in all three, with a marker, so that it can be skipped; each episode opens cold before it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matinee.app.demo import canvas, sound
from matinee.app.demo.canvas import Colour, Stage, clamp, ease, ease_out, mix, paint, rgb, smoothstep, span, tint, turned
from matinee.app.demo.cutting import STUDIO_CREDITS, Shot, credits_card, cut, held
from matinee.app.demo.model import Cue, DemoFilm, Episode, Marker, Painter, Picture, Plane, Score, Series, Words
from matinee.base.units import FrameRate

_OPEN, _INTRO, _CLOSE, _END, _LENGTH = 3.0, 7.0, 13.0, 18.5, 22.0
"""Seconds: the cold opening ends, the intro ends, the close shot begins, the credits begin, the end."""

_CREAM = rgb("#fff5e4")


@dataclass(frozen=True, slots=True)
class Place:
    """A planet on the frame: its middle, its radius and how far it has turned, in radians."""

    stage: Stage
    x: float
    y: float
    radius: float
    turn: float

    def at(self, angle: float, height: float = 0.0) -> tuple[float, float]:
        """A point above the rim: `angle` clockwise from the top, `height` in radii."""
        a, r = angle + self.turn, self.radius * (1 + height)
        return self.x + r * float(np.sin(a)), self.y - r * float(np.cos(a))

    def stand(
        self, picture: Picture, angle: float, points: canvas.Points, size: float, colour: Colour, alpha: float = 1.0
    ) -> None:
        """An outline that stands upright on the rim, its foot at (0, 0); `size` in radii."""
        x, y = self.at(angle)
        paint(picture, canvas.polygon(self.stage, turned(points, angle + self.turn, x, y, size * self.radius)), colour, alpha)

    def spot(
        self, picture: Picture, angle: float, up: float, right: float, size: float, colour: Colour, squash: float = 1.0
    ) -> None:
        """A disc over the rim: `up` and `right` from the foot at `angle`, and its radius, in radii of the planet."""
        fx, fy = self.at(angle)
        px, py = turned([(right, -up)], angle + self.turn, fx, fy, self.radius)[0].tolist()
        paint(picture, canvas.disc(self.stage, px, py, size * self.radius, squash=squash), colour)


def _ball(stage: Stage, picture: Picture, x: float, y: float, radius: float, colour: Colour, dark: Colour, rim: Colour) -> None:
    """A flat planet: its night a crescent, a paler rim on the day side."""
    body = canvas.disc(stage, x, y, radius)
    if body is None:
        return
    paint(picture, body, colour)
    h, w = body.mask.shape
    dx, dy = stage.x[:, body.left : body.left + w], stage.y[body.top : body.top + h]

    def within(ox: float, oy: float, size: float, soft: float) -> Plane:
        away = np.hypot(dx - np.float32(x + ox * radius), dy - np.float32(y + oy * radius))
        return np.asarray(
            np.clip((np.float32(size * radius) - away) / np.float32(max(soft * radius, stage.px)) + np.float32(0.5), 0, 1)
        )

    paint(picture, canvas.Patch(body.mask * (1 - within(0.055, 0.055, 1.0, 0.01)), body.top, body.left), rim, 0.8)
    paint(picture, canvas.Patch(body.mask * (1 - within(-0.16, -0.16, 1.02, 0.03)), body.top, body.left), dark, 0.55)
    paint(picture, canvas.Patch(body.mask * (1 - within(-0.42, -0.42, 1.18, 0.03)), body.top, body.left), dark, 0.30)


def _space(stage: Stage, seed: int, top: Colour, bottom: Colour, haze: Colour) -> Picture:
    picture = stage.blank() + stage.gradient([(0, top), (1, bottom)])
    rng = np.random.default_rng(seed)
    for _ in range(5):
        glow = canvas.glow(stage, rng.uniform(0, stage.aspect), rng.uniform(0, 1), rng.uniform(0.35, 0.8), rng.uniform(0.5, 0.9))
        tint(picture, glow, haze, 0.13)
    for x, y, size, bright in rng.random((130, 4)):
        paint(picture, canvas.disc(stage, x * stage.aspect, y, 0.0009 + 0.0018 * size**4, 0.0008), _CREAM, 0.2 + 0.7 * bright**2)
    for x, y in rng.random((7, 2)):
        _spark(stage, picture, x * stage.aspect, y, 0.010, 0.8)
    return picture


def _spark(stage: Stage, picture: Picture, x: float, y: float, size: float, alpha: float) -> None:
    """A four-pointed star."""
    radii = np.where(np.arange(8) % 2, size * 0.24, size)
    angles = np.arange(8) * np.pi / 4
    paint(
        picture, canvas.polygon(stage, np.stack([x + radii * np.sin(angles), y - radii * np.cos(angles)], axis=1)), _CREAM, alpha
    )


Scene = Callable[[Picture, float, float, float, float], None]
"""Draws a planet and its life at (x, y) with a radius, at a time on the episode's own clock."""


# The Seed


def _seed_scene(stage: Stage) -> Scene:
    ground, dark, rim = rgb("#e8795f"), rgb("#6b2a4e"), rgb("#ffc09a")
    craters = [(0.5, 0.52, 0.13), (2.1, 0.62, 0.10), (3.6, 0.40, 0.16), (4.6, 0.70, 0.08), (5.5, 0.55, 0.11), (1.3, 0.30, 0.07)]
    leaves = (rgb("#9bd48a"), rgb("#5fb38a"), rgb("#f4d35e"), rgb("#2f8f83"))
    grove = [
        (-0.62, 0.62, 0),
        (0.58, 0.7, 1),
        (-1.15, 0.5, 2),
        (1.2, 0.55, 0),
        (1.9, 0.62, 3),
        (-1.9, 0.66, 1),
        (2.7, 0.6, 0),
        (-2.6, 0.5, 3),
    ]

    def tree(place: Place, picture: Picture, angle: float, grown: float, size: float, hue: Colour, t: float) -> None:
        if grown <= 0:
            return
        sway = 0.03 * np.sin(1.6 * t + angle * 3)
        tall = size * (0.10 + 0.50 * ease(grown))
        wide = 0.020 + 0.022 * grown
        trunk = [(-wide, 0.03), (-wide * 0.45, -tall), (wide * 0.45, -tall), (wide, 0.03)]
        place.stand(picture, angle, trunk, 1.0, rgb("#96525a"))
        if grown < 0.3:
            for side in (-1, 1):
                leaf = canvas.smooth_curve(
                    [(0, -tall), (side * 0.07, -tall - 0.055), (side * 0.13, -tall - 0.03), (side * 0.07, -tall + 0.012)], 6
                )
                place.stand(picture, angle, leaf, clamp(grown / 0.2) * 1.0, hue)
            return
        crown = ease(span(grown, 0.3, 1.0))
        for up, right, radius, k in (
            (0.02, -0.11, 0.13, 0.25),
            (0.02, 0.12, 0.13, 0.32),
            (0.12, 0.0, 0.17, 0.0),
            (0.15, -0.05, 0.09, -0.3),
        ):
            tone = mix(hue, rgb("#14454a"), k) if k >= 0 else mix(hue, _CREAM, -k)
            place.spot(
                picture,
                angle,
                tall + up * size * 1.6 * crown,
                (right * crown + sway) * size * 1.5,
                radius * size * 1.5 * crown + 0.001,
                tone,
            )

    def draw(picture: Picture, x: float, y: float, radius: float, t: float) -> None:
        place = Place(stage, x, y, radius, -0.10 * (t - 8) if t < _CLOSE else -0.05 * (t - _CLOSE) - 0.1)
        for i, (angle, size, hue) in enumerate(grove):
            tree(place, picture, angle, 1.05 * ease_out(span(t, 12.4 + 0.45 * i, 15.0 + 0.45 * i)), size, leaves[hue], t)
        tree(place, picture, 0.0, span(t, 8.6, 12.8), 1.0, leaves[0], t)
        green = ease(span(t, 12.0, 16.5))
        for i in range(72 if green > 0 else 0):
            angle = i * 2 * np.pi / 72 + 0.03 * np.sin(i * 5)
            late = abs((angle + np.pi) % (2 * np.pi) - np.pi) / np.pi
            sprung = ease_out(span(green, 0.75 * late, 0.75 * late + 0.25))
            if sprung > 0:
                place.spot(picture, angle, 0.004, 0.0, (0.026 + 0.030 * (i * 7 % 5) / 5) * sprung, leaves[(0, 1, 0, 3, 1)[i % 5]])
        rim_now, ground_now = mix(rim, leaves[0], green), mix(ground, rgb("#d98a5c"), green)
        _ball(stage, picture, x, y, radius, ground_now, dark, rim_now)
        for angle, far, size in craters:
            cx, cy = place.at(angle, far - 1)
            paint(picture, canvas.disc(stage, cx, cy, size * radius), mix(ground, dark, 0.34))
            paint(
                picture,
                canvas.disc(stage, cx + 0.012 * radius, cy + 0.014 * radius, size * radius * 0.92),
                mix(ground, dark, 0.20),
            )
        falls = span(t, 0.6, 2.7) if t < 4 else span(t, 7.0, 8.5)
        if 0 < falls < 1:
            far = 2.0 * (1 - falls) ** 1.1
            sx, sy = place.at(0.75 * (1 - falls), far + 0.015)
            ex, ey = place.at(0.75 * (1 - falls) + 0.16 * far, far * 1.28 + 0.05)
            paint(picture, canvas.stroke(stage, ex, ey, sx, sy, 0.055 * radius, 0.02), rgb("#ffe9a8"), 0.55)
            tint(picture, canvas.glow(stage, sx, sy, 0.22 * radius), rgb("#ffdf8a"), 0.8)
            paint(picture, canvas.disc(stage, sx, sy, 0.034 * radius), _CREAM)
        elif t >= 8.5:
            ring = span(t, 8.5, 9.5)
            if ring < 1:
                gx, gy = place.at(0.0)
                tint(picture, canvas.glow(stage, gx, gy, radius * (0.2 + 0.8 * ring)), rgb("#ffdf8a"), 0.6 * (1 - ring))

    return draw


# The Tide


def _tide_scene(stage: Stage) -> Scene:
    deep, dark, foam = rgb("#2b9eb3"), rgb("#123a6b"), rgb("#9be3d8")
    angles = np.linspace(0, 2 * np.pi, 361)[:-1]

    def draw(picture: Picture, x: float, y: float, radius: float, t: float) -> None:
        place = Place(stage, x, y, radius, 0.0)
        moon = -1.0 + 0.30 * t if t < _CLOSE else -0.75 + 0.26 * (t - _CLOSE)
        bulge = 0.075 * np.cos(2 * (angles - moon))

        def surface(shift: float, size: float) -> npt.NDArray[np.floating[Any]]:
            waves = 0.011 * np.sin(14 * angles + 2.6 * t + shift) + 0.005 * np.sin(23 * angles - 3.5 * t + 2 * shift)
            r = radius * size * (1 + bulge + waves)
            return np.stack([x + r * np.sin(angles), y - r * np.cos(angles)], axis=1)

        def level(angle: float) -> float:
            return float(
                0.075 * np.cos(2 * (angle - moon)) + 0.011 * np.sin(14 * angle + 2.6 * t) + 0.005 * np.sin(23 * angle - 3.5 * t)
            )

        mx, my = place.at(moon, 0.72)
        paint(picture, canvas.glow(stage, mx, my, 0.34 * radius), rgb("#fff0c8"), 0.25)
        _ball(stage, picture, mx, my, 0.145 * radius, rgb("#f7e3b0"), rgb("#8a5a6e"), _CREAM)
        for cx, cy, s in ((-0.04, -0.02, 0.03), (0.04, 0.04, 0.02)):
            paint(picture, canvas.disc(stage, mx + cx * radius, my + cy * radius, s * radius), rgb("#e3c98f"))
        jump = span(t, 9.6, 11.6) if t < _CLOSE else span(t, 14.4, 17.2)
        if 0 < jump < 1:
            _whale(place, picture, -0.62 + 0.75 * jump, 0.46 * np.sin(np.pi * jump) - 0.14, np.pi * (0.5 - jump) * 0.75, t)
        boat = 0.42 + 0.10 * t if t < _CLOSE else 0.50 - 0.02 * (t - _CLOSE)
        tip = 0.14 * np.sin(2.1 * t)
        bx, by = place.at(boat, level(boat) - 0.012)
        for points, colour in (
            ([(-0.008, -0.02), (-0.008, -0.36), (0.008, -0.36), (0.008, -0.02)], rgb("#5a3a4a")),
            ([(0.02, -0.35), (0.02, -0.07), (0.17, -0.07)], _CREAM),
            ([(-0.02, -0.32), (-0.02, -0.07), (-0.11, -0.07)], rgb("#ffb59a")),
            ([(-0.15, -0.06), (0.17, -0.06), (0.11, 0.04), (-0.10, 0.04)], rgb("#e8604c")),
        ):
            paint(picture, canvas.polygon(stage, turned(points, boat + tip, bx, by, radius)), colour)
        paint(picture, canvas.polygon(stage, surface(1.2, 1.035)), foam, 0.55)
        body = canvas.polygon(stage, surface(0.0, 1.0))
        paint(picture, body, deep)
        for i, (size, tone) in enumerate(((0.87, 0.10), (0.70, 0.21), (0.50, 0.33))):
            r = radius * size * (1 + bulge * (1 - 0.25 * i) + 0.010 * np.sin(10 * angles - 1.6 * t + i))
            depth = np.stack([x + r * np.sin(angles), y - r * np.cos(angles)], axis=1)
            paint(picture, canvas.polygon(stage, depth), mix(deep, dark, tone))
        for i in range(7):
            a, far = i * 0.9 + 0.16 * t * (1 if i % 2 else -1), 0.50 + 0.055 * (i * 3 % 6)
            fx, fy = place.at(a, far - 1)
            way = 1 if i % 2 else -1
            fish = [
                (0.055, 0.0),
                (0.0, -0.026),
                (-0.035, -0.004),
                (-0.065, -0.026),
                (-0.065, 0.026),
                (-0.035, 0.004),
                (0.0, 0.026),
            ]
            paint(
                picture,
                canvas.polygon(stage, turned([(way * px, py) for px, py in fish], a, fx, fy, radius)),
                rgb(("#ffd166", "#ff9b85", "#9be3d8")[i % 3]),
            )
        if body is not None:
            h, w = body.mask.shape
            away = np.hypot(
                stage.x[:, body.left : body.left + w] - np.float32(x - 0.18 * radius),
                stage.y[body.top : body.top + h] - np.float32(y - 0.18 * radius),
            )
            paint(
                picture, canvas.Patch(body.mask * smoothstep(0.98 * radius, 1.06 * radius, away), body.top, body.left), dark, 0.42
            )

    return draw


def _whale(place: Place, picture: Picture, angle: float, height: float, lean: float, t: float) -> None:
    stage, radius = place.stage, place.radius
    x, y = place.at(angle, height)
    body = canvas.smooth_curve(
        [
            (0.24, 0.0),
            (0.17, -0.085),
            (0.02, -0.105),
            (-0.14, -0.055),
            (-0.25, -0.015),
            (-0.14, 0.055),
            (0.04, 0.085),
            (0.19, 0.065),
        ],
        6,
    )
    tail = canvas.smooth_curve([(-0.22, -0.01), (-0.31, -0.11), (-0.36, -0.10), (-0.33, 0.0), (-0.36, 0.07), (-0.30, 0.06)], 5)
    belly = canvas.smooth_curve([(0.235, 0.015), (0.10, 0.035), (-0.08, 0.045), (0.03, 0.085), (0.19, 0.066)], 6)
    fin = [(0.06, 0.03), (0.0, 0.14), (-0.05, 0.135), (0.0, 0.03)]
    turn = angle - lean
    for points, colour in ((tail, rgb("#3d4f86")), (body, rgb("#4b62a3")), (belly, rgb("#dfe6f5")), (fin, rgb("#34457a"))):
        paint(picture, canvas.polygon(stage, turned(points, turn, x, y, radius)), colour)
    ex, ey = turned([(0.165, -0.02)], turn, x, y, radius)[0].tolist()
    paint(picture, canvas.disc(stage, ex, ey, 0.012 * radius), rgb("#141d3c"))
    for i in range(6):
        drop = (0.9 * t + i / 6) % 1
        dx, dy = place.at(angle - 0.10 + 0.03 * i, height * 0.4 + 0.25 * np.sin(np.pi * drop) * max(0.0, height + 0.1))
        paint(picture, canvas.disc(stage, dx, dy, 0.010 * radius), rgb("#d8f5f0"), 0.8 * (1 - drop))


# The Snow


def _snow_scene(stage: Stage) -> Scene:
    ground, dark, rim = rgb("#e6edf8"), rgb("#4a4f9c"), rgb("#ffffff")
    rng = np.random.default_rng(61)
    flakes = rng.random((80, 3))
    pines = [
        (0.62, 0.9),
        (0.86, 0.7),
        (-0.55, 0.8),
        (-0.80, 1.0),
        (-1.10, 0.7),
        (1.6, 0.9),
        (1.85, 0.75),
        (2.6, 1.0),
        (-1.9, 0.85),
        (-2.5, 0.9),
        (3.0, 0.7),
    ]
    drifts = [(0.9, 0.55, 0.17), (2.4, 0.45, 0.13), (3.9, 0.62, 0.12), (5.2, 0.40, 0.18)]

    def draw(picture: Picture, x: float, y: float, radius: float, t: float) -> None:
        place = Place(stage, x, y, radius, 0.07 * (t - 10) if t < _CLOSE else 0.035 * (t - 15.5))
        lights = ease(span(t, 9.0, 11.5)) if t > 4 else 0.4
        angles = np.linspace(-1.5, 1.7, 60)
        for k, light in ((0, "#5ef2b0"), (1, "#7fa8ff"), (2, "#c58cff")):
            inner = 1.34 + 0.06 * k + 0.05 * np.sin(3 * angles + 0.9 * t + k) + 0.02 * np.sin(9 * angles - 1.4 * t)
            for layer in range(4):
                thick = np.sin(np.pi * (angles + 1.5) / 3.2) * (1 + 0.4 * np.sin(5 * angles + t * 1.1 + k))
                outer = inner + (0.04 + 0.05 * layer) * thick
                a = np.concatenate([angles, angles[::-1]]) + 0.14 * np.sin(0.3 * t)
                r = radius * np.concatenate([inner, outer[::-1]])
                ribbon = np.stack([x + r * np.sin(a), y - r * np.cos(a)], axis=1)
                tint(picture, canvas.polygon(stage, ribbon), rgb(light), 0.085 * lights)
        for angle, size in pines:
            for skirt in range(3):
                up, half = 0.06 + 0.10 * skirt, 0.105 - 0.024 * skirt
                place.stand(
                    picture,
                    angle,
                    [(-half, -up), (0, -up - 0.17), (half, -up)],
                    size,
                    mix(rgb("#2f6a72"), rgb("#1f3f66"), 0.25 * (2 - skirt)),
                )
                place.stand(
                    picture,
                    angle,
                    [(-half * 0.42, -up - 0.10), (0, -up - 0.17), (half * 0.42, -up - 0.10), (0, -up - 0.075)],
                    size,
                    _CREAM,
                )
            place.stand(picture, angle, [(-0.016, 0.02), (-0.016, -0.07), (0.016, -0.07), (0.016, 0.02)], size, rgb("#4a3350"))
        for i in range(7):  # smoke
            age = (0.32 * t + i / 7) % 1
            place.spot(
                picture,
                0.0,
                0.40 + 0.55 * age,
                0.085 + 0.10 * age + 0.03 * np.sin(5 * age + t),
                0.022 + 0.045 * age,
                mix(rgb("#cfd3ee"), rgb("#4a4f8c"), 0.35 + 0.6 * age),
            )
        for points, colour in (
            ([(0.06, -0.28), (0.06, -0.41), (0.115, -0.41), (0.115, -0.24)], rgb("#6a3b46")),
            ([(-0.16, 0.03), (-0.16, -0.20), (0.16, -0.20), (0.16, 0.03)], rgb("#b0584a")),
            ([(-0.21, -0.185), (0.0, -0.36), (0.21, -0.185)], rgb("#f4f7ff")),
            ([(-0.15, -0.185), (0.0, -0.30), (0.15, -0.185)], rgb("#8f4540")),
            ([(-0.035, 0.03), (-0.035, -0.115), (0.04, -0.115), (0.04, 0.03)], rgb("#5a2c3c")),
            ([(-0.125, -0.065), (-0.125, -0.145), (-0.06, -0.145), (-0.06, -0.065)], rgb("#ffd97a")),
            ([(0.065, -0.065), (0.065, -0.145), (0.13, -0.145), (0.13, -0.065)], rgb("#ffd97a")),
        ):
            place.stand(picture, 0.0, points, 1.0, colour)
        for right in (-0.09, 0.10):
            fx, fy = place.at(0.0)
            gx, gy = turned([(right, -0.105)], place.turn, fx, fy, radius)[0].tolist()
            tint(picture, canvas.glow(stage, gx, gy, 0.20 * radius), rgb("#ffc860"), 0.5)
        snowman = 0.33
        rise = ease(span(t, 7.5, 9.5)) if t > 4 else 0.0
        if rise > 0:
            for up, size in ((0.055, 0.075), (0.165, 0.055), (0.245, 0.038)):
                place.spot(picture, snowman, up * rise, 0, size * rise, rgb("#ffffff"))
            fx, fy = place.at(snowman)
            for right, up, size, coal in (
                (-0.013, 0.255, 0.006, "#232a55"),
                (0.013, 0.255, 0.006, "#232a55"),
                (0.0, 0.172, 0.007, "#232a55"),
                (0.0, 0.148, 0.007, "#232a55"),
            ):
                gx, gy = turned([(right, -up * rise)], snowman + place.turn, fx, fy, radius)[0].tolist()
                paint(picture, canvas.disc(stage, gx, gy, size * radius), rgb(coal))
            place.stand(
                picture, snowman, [(0.0, -0.247 * rise), (0.055, -0.238 * rise), (0.0, -0.234 * rise)], 1.0, rgb("#ff8a4a")
            )
            place.stand(
                picture, snowman, [(-0.05, -0.212), (0.05, -0.212), (0.045, -0.192), (-0.045, -0.192)], rise, rgb("#e2566a")
            )
        _ball(stage, picture, x, y, radius, ground, dark, rim)
        for angle, far, size in drifts:
            cx, cy = place.at(angle, far - 1)
            paint(picture, canvas.disc(stage, cx, cy, size * radius, squash=0.6), mix(ground, dark, 0.10))
        for a, far, size in flakes:
            height = (1.25 * far + 1.25 - 0.16 * t * (0.6 + 0.6 * size)) % 1.25
            sx, sy = place.at(a * 2 * np.pi + 0.08 * np.sin(t + 9 * far), height)
            paint(
                picture,
                canvas.disc(stage, sx, sy, (0.008 + 0.010 * size) * radius),
                rgb("#ffffff"),
                clamp(height * 8) * clamp((1.25 - height) * 3) * 0.9,
            )

    return draw


# The series


def _intro(stage: Stage) -> Painter:
    """Three planets rise one after another on one orbit; the name of the series under them."""
    space = _space(stage, 5, rgb("#141033"), rgb("#3a1f5c"), rgb("#6a4ac8"))
    looks = (("#e8795f", "#6b2a4e", "#ffc09a"), ("#2b9eb3", "#123a6b", "#9be3d8"), ("#e6edf8", "#4a4f9c", "#ffffff"))

    def at(t: float) -> Picture:
        picture = space.copy()
        cx, cy, reach = stage.aspect / 2, 1.10, 0.78
        draw = ease(span(t, 0.0, 1.1))
        rim = canvas.disc(stage, cx, cy, reach)
        inner = canvas.disc(stage, cx, cy, reach - 0.004)
        if rim is not None and inner is not None:
            ring = rim.mask.copy()
            oy, ox = inner.top - rim.top, inner.left - rim.left
            h, w = inner.mask.shape
            ring[oy : oy + h, ox : ox + w] -= inner.mask
            sweep = np.clip((np.float32(stage.aspect * draw) - stage.x[:, rim.left : rim.left + ring.shape[1]]) * 30, 0, 1)
            paint(picture, canvas.Patch(np.clip(ring, 0, 1) * sweep, rim.top, rim.left), _CREAM, 0.55)
        for i, (colour, dark, edge) in enumerate(looks):
            k = ease_out(span(t, 0.45 + 0.5 * i, 1.35 + 0.5 * i))
            if k <= 0:
                continue
            bounce = k * (1 + 0.16 * np.sin(np.pi * span(t, 0.45 + 0.5 * i, 1.5 + 0.5 * i)))
            angle = (i - 1) * 0.62 + 0.03 * t
            x, y = cx + reach * np.sin(angle), cy - reach * np.cos(angle)
            tint(picture, canvas.glow(stage, x, y, 0.25 * k), rgb(colour), 0.30)
            _ball(stage, picture, x, y, (0.105, 0.135, 0.10)[i] * bounce, rgb(colour), rgb(dark), rgb(edge))
        shown = held(t, 1.5, 4.3, 0.6)
        y = 0.725 - 0.02 * ease(span(t, 1.5, 2.4))
        paint(picture, canvas.lettering(stage, "Petites planètes", cx, y, 0.115, "ExtraBold", -0.005), _CREAM, shown)
        paint(
            picture,
            canvas.lettering(stage, "LITTLE PLANETS", cx, y + 0.108, 0.030, "SemiBold", 0.42),
            rgb("#ffc9a8"),
            ease(span(t, 2.1, 2.9)) * shown,
        )
        return picture

    return at


def _film(number: int, make: Callable[[Stage], Scene], sky: tuple[str, str, str], french: str) -> Callable[[int, int], Painter]:
    def picture(width: int, height: int) -> Painter:
        stage = Stage(width, height)
        scene = make(stage)
        space = _space(stage, 30 + number, *(rgb(c) for c in sky))

        def cold(t: float) -> Picture:
            out = space.copy()
            k = ease(t / _OPEN)
            scene(out, stage.aspect * (0.66 - 0.16 * k), 0.50 + 0.05 * k, 0.055 + 0.115 * k, t)
            return out

        def wide(t: float) -> Picture:
            out = space.copy()
            now = t + _INTRO
            k = ease(span(t, 0, 6))
            scene(out, stage.aspect * (0.60 - 0.04 * k), 0.575, 0.235 + 0.05 * k, now)
            shown = held(t, 0.5, 4.0, 0.7)
            paint(out, canvas.lettering(stage, f"{number}", 0.10, 0.375, 0.055, "Bold", 0.0, "left"), rgb("#ffc9a8"), shown)
            paint(out, canvas.lettering(stage, french, 0.095, 0.50, 0.125, "ExtraBold", -0.015, "left"), _CREAM, shown)
            return out

        def close(t: float) -> Picture:
            out = space.copy()
            scene(out, stage.aspect / 2, 1.13 - 0.03 * ease(t / 5.5), 0.64, t + _CLOSE)
            return out

        def end(t: float) -> Picture:
            out = space.copy()
            k = ease_out(t / 3.2)
            scene(out, stage.aspect * (0.40 - 0.06 * k), 0.52, 0.30 - 0.10 * k, t + _END)
            credits_card(stage, out, t, _CREAM, 0.3, 0.70 * stage.aspect, 0.46)
            return out

        return cut(
            [
                Shot(0, _OPEN, cold, fade_in=0.6),
                Shot(_OPEN, _INTRO, _intro(stage), fade_in=0.25),
                Shot(_INTRO, _CLOSE, wide, fade_in=0.3),
                Shot(_CLOSE, _END, close),
                Shot(_END, _LENGTH, end, dissolve=0.6, fade_out=0.8),
            ]
        )

    return picture


_KEYS = {1: (60, "major"), 2: (62, "lydian"), 3: (57, "minor")}
_STEPS = {
    "major": ((0, 4, 7, 12), (9, 12, 16, 21), (5, 9, 12, 17), (7, 11, 14, 19)),
    "lydian": ((0, 4, 7, 11), (2, 6, 9, 14), (7, 11, 14, 19), (-3, 4, 7, 12)),
    "minor": ((0, 3, 7, 12), (-4, 3, 8, 12), (3, 7, 10, 15), (-2, 5, 10, 14)),
}


def _score(number: int) -> Callable[[float], Score]:
    root, mode = _KEYS[number]

    def chord(t: float) -> tuple[int, ...]:
        return tuple(root + step for step in _STEPS[mode][int(t / 2) % 4])

    def music(seconds: float) -> Score:
        out = sound.Mix(seconds)
        for bar in range(int(seconds / 2)):
            start = bar * 2.0
            if _OPEN - 0.5 < start < _INTRO - 0.5:
                continue
            notes = chord(start)
            out.add(start, sound.pad(notes[:3], 2.8, 0.4, 0.8, 0.3), 0.55)
            out.add(start, sound.bass(notes[0] - 24, 1.8), 0.3)
            play = (sound.harp, sound.piano, sound.music_box)[number - 1]
            for step in range(8):
                if (step * 5 + bar * 3 + number) % 7 < 5:
                    out.add(start + step * 0.25, play(notes[(step * 3 + bar) % 4] + 12), 0.30, 0.5 * np.sin(step + bar))
        for i, (at, note) in enumerate(((3.45, 67), (3.95, 71), (4.45, 74), (4.95, 79), (5.2, 76), (5.45, 79), (5.7, 83))):
            out.add(at, sound.bell(note + (12 if i > 2 else 0), 3.0), 0.30, -0.6 + 0.2 * i)
        out.add(3.0, sound.pad((55, 59, 62, 67), 4.4, 0.3, 1.4, 0.6), 0.8)
        bed = sound.reverb(out.samples, 2.4, 0.4)
        if number == 2:
            bed = bed + sound.sea(seconds, 801) * np.float32(0.09)
        if number == 3:
            bed = bed + sound.weather(seconds, 803, 200, 1100, 0.8) * np.float32(0.035)
        if number == 1:
            whistle = sound.seconds_axis(1.5)
            tone = np.sin(2 * np.pi * (1500 * whistle - 330 * whistle**2)) * np.exp(-whistle) * np.float32(0.05)
            effects = sound.Mix(seconds)
            effects.add(7.0, tone.astype(np.float32))
            effects.add(8.5, sound.kick(0.5), 0.5)
            bed = bed + sound.reverb(effects.samples, 2.0, 0.5)
        return Score(bed=bed, notes=chord, voice_gain=0.7)

    return music


_SERIES = Series(
    id="little-planets",
    title=Words(fr="Petites planètes", en="Little Planets"),
    synopsis=Words(
        fr="Trois planètes si petites qu’on en fait le tour en un regard. Sur chacune, il arrive une chose, une seule.",
        en="Three planets so small that one look goes all the way round. On each of them one thing happens, and only one.",
    ),
)


def _episode(
    number: int, slug: str, title: Words, short: Words, synopsis: Words, cues: tuple[tuple[float, float, str, str], ...],
    make: Callable[[Stage], Scene], sky: tuple[str, str, str],
) -> DemoFilm:  # fmt: skip
    return DemoFilm(
        slug=slug,
        title=title,
        short=short,
        synopsis=synopsis,
        year=2026,
        age_class=0,
        genres=("animation", "family"),
        original_language="fr",
        credits=STUDIO_CREDITS,
        markers=(Marker(kind="intro", start=_OPEN, end=_INTRO), Marker(kind="credits", start=_END, end=_LENGTH)),
        cues=tuple(Cue(start=start, end=end, text=Words(fr=fr, en=en)) for start, end, fr, en in cues),
        width=1280,
        height=720,
        frame_rate=FrameRate(25, 1),
        frames=int(_LENGTH * 25),
        container="mkv" if number == 2 else "mp4",
        subtitles="beside" if number == 3 else "inside",
        picture=_film(number, make, sky, title.fr),
        music=_score(number),
        episode=Episode(series=_SERIES, season=1, number=number),
    )


EPISODES = (
    _episode(
        1,
        "little-planets-1-the-seed",
        Words(fr="La Graine", en="The Seed"),
        Words(
            fr="Une graine tombe sur une planète qui n’avait rien demandé.",
            en="A seed falls on a planet that had asked for nothing.",
        ),
        Words(
            fr="La planète rouge est nue et s’en contente. Puis une graine tombe du ciel, et la planète apprend le vert.",
            en="The red planet is bare, and content to be. Then a seed falls from the sky, and the planet learns about green.",
        ),
        (
            (0.5, 3.0, "Il était une planète\nqui n’avait rien.", "Once there was a planet\nthat had nothing."),
            (8.8, 11.6, "Une graine suffit,\ndisent les graines.", "One seed is enough,\nsay the seeds."),
            (13.6, 17.2, "Elles avaient raison.", "They were right."),
        ),
        _seed_scene,
        ("#2a1145", "#6b2a5c", "#ff8a6a"),
    ),
    _episode(
        2,
        "little-planets-2-the-tide",
        Words(fr="La Marée", en="The Tide"),
        Words(
            fr="Un petit bateau, une grande vague et la lune qui tire.", en="A small boat, a great wave, and the moon that pulls."
        ),
        Words(
            fr="Sur la planète de l’eau, la mer suit la lune, le bateau suit la mer, et quelqu’un, dessous, suit le bateau.",
            en="On the planet of water the sea follows the moon, the boat follows the sea, and someone below follows the boat.",
        ),
        (
            (0.5, 3.0, "Ici, la mer suit la lune.", "Here, the sea follows the moon."),
            (9.0, 12.0, "Le bateau suit la mer.", "The boat follows the sea."),
            (14.0, 17.6, "Et la baleine suit\nce qui lui plaît.", "And the whale follows\nwhatever she likes."),
        ),
        _tide_scene,
        ("#0e1a48", "#1f5a86", "#4ad0c8"),
    ),
    _episode(
        3,
        "little-planets-3-the-snow",
        Words(fr="La Neige", en="The Snow"),
        Words(fr="La neige tombe de tous les côtés à la fois.", en="The snow falls from every side at once."),
        Words(
            fr="Sur la planète blanche, la neige vient de partout. Il faut un toit, du feu, et quelqu’un pour l’écharpe.",
            en="On the white planet the snow comes from everywhere. It takes a house, a fire, and someone to put a scarf on.",
        ),
        (
            (0.5, 3.0, "La neige, ici, tombe\nde tous les côtés.", "Snow here falls\nfrom every side."),
            (8.6, 11.8, "Alors on fait du feu,\net un ami.", "So you make a fire,\nand a friend."),
            (13.8, 17.6, "Puis on regarde le ciel\nen couleurs.", "Then you watch the sky\nin colour."),
        ),
        _snow_scene,
        ("#0b1030", "#2c2f6e", "#5a6ae0"),
    ),
)
