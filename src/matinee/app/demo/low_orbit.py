"""Low Orbit: a planet by night, mostly dark. Every planet here is a sphere that is looked up, not modelled.

For each pixel of a disc the point of the sphere under it is computed once; a turning planet is then a map read at a moving
longitude, and its day, night, cloud and city lights are products of a few such readings.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from matinee.app.demo import canvas, sound
from matinee.app.demo.canvas import Stage, ease, paint, ramp, rgb, smoothstep, span, tint
from matinee.app.demo.cutting import STUDIO_CREDITS, Shot, credits_card, cut, held
from matinee.app.demo.model import Cue, DemoFilm, Marker, Painter, Picture, Plane, Score, Words
from matinee.base.units import FrameRate

_MAP = (1024, 2048)


class Cities(NamedTuple):
    """Points of light on a planet: longitude in revolutions, latitude in radians."""

    longitude: Plane
    latitude: Plane
    bright: Plane


class Globe:
    """The visible half of a sphere on the frame: its box, and for each pixel the normal and the place on the map."""

    def __init__(self, stage: Stage, x: float, y: float, radius: float, tilt: float = 0.0) -> None:
        self.stage, self.x, self.y, self.radius = stage, x, y, radius
        box = stage.box(x - radius * 1.02, y - radius * 1.02, x + radius * 1.02, y + radius * 1.02)
        assert box is not None  # noqa: S101 -- the shots place their planets on the frame
        self.left, self.top, self.right, self.bottom = box
        dx = (stage.x[:, self.left : self.right] - np.float32(x)) / np.float32(radius)
        dy = (stage.y[self.top : self.bottom] - np.float32(y)) / np.float32(radius)
        away = dx * dx + dy * dy
        self.cover = np.clip((1 - np.sqrt(away)) * np.float32(radius * stage.height) + np.float32(0.5), 0, 1)
        self.nz = np.sqrt(np.maximum(1 - away, 0))
        self.nx, self.ny = dx + 0 * dy, dy + 0 * dx
        cos, sin = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
        across, up = self.nx * cos + self.ny * sin, self.ny * cos - self.nx * sin
        latitude = np.arcsin(np.clip(up, -1, 1)) / np.pi + 0.5
        longitude = np.arctan2(across, self.nz) / (2 * np.pi)
        place = np.clip(latitude * (_MAP[0] - 1), 0, _MAP[0] - 1.001)
        self.row = place.astype(np.int32) * _MAP[1]
        self.between = (place - np.floor(place)).astype(np.float32)
        self.tilt = (cos, sin)
        self.column = (longitude * _MAP[1]).astype(np.float32)
        self.rim = ((1 - self.nz) ** 3).astype(np.float32)

    def read(self, surface: Plane, turn: float) -> Plane:
        """The map seen on the disc, turned by `turn` of a revolution, blended between its points: a slow turn must not step."""
        place = self.column + np.float32(turn * _MAP[1])
        whole = np.floor(place)
        index = whole.astype(np.int32)
        part = place - whole
        left, right = self.row + (index & (_MAP[1] - 1)), self.row + ((index + 1) & (_MAP[1] - 1))
        flat = surface.ravel()
        lower = flat[_MAP[1] :]
        first, second = np.take(flat, left), np.take(flat, right)
        upper_row = first + (second - first) * part
        first, second = np.take(lower, left), np.take(lower, right)
        return np.asarray(upper_row + (first + (second - first) * part - upper_row) * self.between)

    def lamps(self, cities: Cities, turn: float, size: float) -> Plane:
        """The lights of cities on the disc: each a point between pixels, shared out over those around it.

        `size` is the radius of a light, in pixels of a frame of 720 rows.
        """
        angle = (cities.longitude - np.float32(turn)) * np.float32(2 * np.pi)
        flat = np.cos(cities.latitude)
        across, up, towards = flat * np.sin(angle), np.sin(cities.latitude), flat * np.cos(angle)
        seen = towards > 0.03
        cos, sin = self.tilt
        x = (self.x + self.radius * (across * cos - up * sin)[seen]) * self.stage.height - self.left - 0.5
        y = (self.y + self.radius * (across * sin + up * cos)[seen]) * self.stage.height - self.top - 0.5
        bright = cities.bright[seen] * np.clip(towards[seen] * 4, 0, 1)
        spread = (size * self.stage.height / 720) ** 2 * (0.6 + 0.8 * bright)
        h, w = self.cover.shape
        light = np.zeros(h * w, np.float32)
        ix, iy = np.rint(x).astype(np.int32), np.rint(y).astype(np.int32)
        for oy in (-2, -1, 0, 1, 2):
            for ox in (-2, -1, 0, 1, 2):
                fall = np.exp(-((ix + ox - x) ** 2 + (iy + oy - y) ** 2) / spread).astype(np.float32)
                inside = (ix + ox >= 0) & (ix + ox < w) & (iy + oy >= 0) & (iy + oy < h)
                np.add.at(light, ((iy + oy) * w + ix + ox)[inside], (fall * bright)[inside])
        return light.reshape(h, w)

    def light(self, sx: float, sy: float, sz: float) -> Plane:
        """The cosine of the sun's height at each pixel; the sun's direction points right, down and at the eye."""
        size = np.sqrt(sx * sx + sy * sy + sz * sz)
        return np.asarray(self.nx * np.float32(sx / size) + self.ny * np.float32(sy / size) + self.nz * np.float32(sz / size))

    def lay(self, picture: Picture, surface: npt.NDArray[np.floating[Any]]) -> None:
        part = picture[:, self.top : self.bottom, self.left : self.right]
        part += self.cover * (surface - part)


@cache
def _planet() -> tuple[Plane, Cities]:
    """A planet's clouds, and its cities: many along the coasts and in a few wide plains, none at sea or at the poles."""
    land, people = canvas.clouds(*_MAP, 101, 2.0), canvas.clouds(*_MAP, 109, 1.5)
    coast = np.exp(-(((land - 0.50) / 0.03) ** 2)) + 0.22 * (land > 0.5)
    spots = smoothstep(0.5, 0.95, canvas.clouds(*_MAP, 107, 0.9))
    pole = np.cos(np.linspace(-np.pi / 2, np.pi / 2, _MAP[0]))[:, None] ** 1.5
    chance = coast * (land > 0.475) * spots**1.5 * smoothstep(0.35, 0.75, people) * pole
    rng = np.random.default_rng(113)
    place = np.searchsorted(np.cumsum(chance.ravel(), dtype=np.float64) / chance.sum(dtype=np.float64), rng.random(15000))
    row, column = np.divmod(np.minimum(place, chance.size - 1), _MAP[1])
    jitter = rng.random((2, 15000))
    cities = Cities(
        ((column + jitter[0]) / _MAP[1]).astype(np.float32),
        (((row + jitter[1]) / _MAP[0] - 0.5) * np.pi).astype(np.float32),
        (0.15 + 1.0 * rng.random(15000) ** 3).astype(np.float32),
    )
    return canvas.clouds(*_MAP, 103, 1.35, 0.8), cities


def _stars(stage: Stage, seed: int, amount: int) -> Picture:
    """A sky of stars with a faint galactic band."""
    picture = stage.blank(rgb("#03040a"))
    rng = np.random.default_rng(seed)
    size = 1 << (stage.height - 1).bit_length()
    dust = canvas.clouds(size, 2 * size, seed + 1, 1.7)[: stage.height, : stage.width]
    lean = (stage.y - 0.5) + (stage.x - stage.aspect / 2) * 0.45
    band = np.exp(-((lean / 0.30) ** 2)) * smoothstep(0.38, 0.9, dust)
    for plane, value in zip(picture, rgb("#38406e"), strict=True):
        plane += band * np.float32(value * 0.55)
    hues = [rgb(c) for c in ("#ffffff", "#cfdcff", "#ffe6c8", "#a9c2ff")]
    for x, y, bright, hue in rng.random((amount, 4)):
        radius = 0.0004 + 0.0012 * bright**6
        colour = hues[int(hue * 4)]
        paint(picture, canvas.disc(stage, x * stage.aspect, y, radius, 0.0008), colour, 0.25 + 0.75 * bright**2)
        if bright > 0.985:
            tint(picture, canvas.glow(stage, x * stage.aspect, y, 0.012), colour, 0.35)
    return picture


def _sunrise(stage: Stage) -> Painter:
    """A black limb; the sun comes up behind it and draws the atmosphere."""
    stars = _stars(stage, 7, 420)
    globe = Globe(stage, 0.55 * stage.aspect, 2.06, 1.42)
    cover, cities = _planet()
    dx, dy = stage.x - np.float32(globe.x), stage.y - np.float32(globe.y)
    height = np.sqrt(dx * dx + dy * dy) - np.float32(globe.radius)
    above = np.clip(height, 0, 1)
    outside = smoothstep(-1.5 * stage.px, 0.5 * stage.px, height)
    air = np.exp(-above / np.float32(0.016)) * outside
    haze = np.exp(-above / np.float32(0.06)) * outside
    inner = np.exp(np.minimum(height, 0) / np.float32(0.022)) * (1 - outside)
    bearing = np.arctan2(dx, -dy)

    def at(t: float) -> Picture:
        picture = stars.copy()
        k = ease(span(t, 0.6, 9.0))
        sun_bearing = 0.13
        lift = -0.085 + 0.125 * k
        sun_x = globe.x + (globe.radius + lift) * np.sin(sun_bearing)
        sun_y = globe.y - (globe.radius + lift) * np.cos(sun_bearing)
        near = np.exp(-((np.abs(bearing - np.float32(sun_bearing)) / np.float32(0.10 + 0.42 * k)) ** 1.2))
        glow = near * np.float32(0.15 + 0.95 * k)
        up = max(0.0, lift + 0.012) / 0.052
        bright = min(1.0, up)
        # The night side: cities drifting by under thin moonlit cloud.
        turn = 0.010 * t
        lamps = globe.lamps(cities, turn + 0.10, 0.75)
        veil = globe.read(cover, turn * 1.15 + 0.3)
        dark = smoothstep(0.42, 0.85, veil)
        sunlit = np.clip(globe.light(np.sin(sun_bearing) * 0.9, -1, -0.46 + 0.10 * k), 0, 1) ** 1.5 * np.float32(2.1 * k)
        moon = np.float32(0.045) * globe.nz
        face = np.stack(
            [
                moon * np.float32(c) * (0.5 + 1.1 * dark)
                + lamps * (1 - 0.85 * dark) * np.float32(w)
                + sunlit * (np.float32(0.10 * c) + dark * np.float32(s))
                for c, w, s in zip((0.45, 0.62, 1.0), (1.5, 1.02, 0.5), (0.95, 0.60, 0.42), strict=True)
            ]
        )
        globe.lay(picture, face)
        for plane, thin, thick, edge in zip(picture, rgb("#7fb4ff"), rgb("#ff9a5c"), rgb("#3f7dff"), strict=True):
            plane += air * (glow * np.float32(1.25 * (0.55 * thin + 0.45 * thick)) + np.float32(0.10 * thin))
            plane += haze * glow * np.float32(0.34 * edge)
            plane += inner * glow * np.float32(0.55 * (0.4 * edge + 0.6 * thick))
        if bright > 0:
            tint(picture, canvas.glow(stage, sun_x, sun_y, 1.25, 0.8), rgb("#ff9d5c"), 0.20 * bright)
            tint(picture, canvas.glow(stage, sun_x, sun_y, 0.30), rgb("#ffd9a0"), 0.55 * bright)
            tint(picture, canvas.glow(stage, sun_x, sun_y, 0.09), rgb("#fff3dc"), 1.2 * bright)
            tint(picture, canvas.glow(stage, sun_x, sun_y, 1.5, 0.014), rgb("#ffcf9a"), 0.55 * bright)
            for far, size, colour in (
                (-0.45, 0.035, "#5f8cff"),
                (-0.8, 0.06, "#58c0a8"),
                (-1.25, 0.022, "#ff9d6c"),
                (0.35, 0.016, "#ffc890"),
            ):
                fx = sun_x + (0.5 * stage.aspect - sun_x) * -far * 1.5
                fy = sun_y + (0.5 - sun_y) * -far * 1.2
                tint(picture, canvas.disc(stage, fx, fy, size, 0.006), rgb(colour), 0.05 * bright)
        shown = held(t, 2.2, 9.2, 1.6)
        wide = 0.62 + 0.03 * t / 10
        paint(
            picture,
            canvas.lettering(stage, "ORBITE BASSE", 0.5 * stage.aspect, 0.30, 0.075, "ExtraLight", wide),
            rgb("#eef3ff"),
            shown,
        )
        return picture

    return at


def _nightside(stage: Stage) -> Painter:
    """Over the dark half: cities, lightning in the clouds, an aurora along the limb, the station passing."""
    stars = _stars(stage, 27, 380)
    globe = Globe(stage, 0.30 * stage.aspect, 1.42, 1.16, -0.35)
    cover, cities = _planet()
    dx, dy = stage.x - np.float32(globe.x), stage.y - np.float32(globe.y)
    height = np.sqrt(dx * dx + dy * dy) - np.float32(globe.radius)
    bearing = np.arctan2(dx, -dy)
    limb = np.exp(-np.abs(height) / np.float32(0.010))
    curtain = np.exp(-np.clip(height - 0.012, 0, 1) / np.float32(0.040)) * smoothstep(0.004, 0.016, height)
    red = np.exp(-np.clip(height - 0.03, 0, 1) / np.float32(0.075)) * smoothstep(0.010, 0.05, height)
    rng = np.random.default_rng(62)
    strikes = [(rng.uniform(0, 9), rng.uniform(0.1, 1.1), rng.uniform(0.50, 0.95), rng.uniform(0.05, 0.12)) for _ in range(26)]

    def at(t: float) -> Picture:
        picture = stars.copy()
        turn = 0.2 + 0.014 * t
        lamps = globe.lamps(cities, turn + 0.05, 0.8)
        veil = smoothstep(0.42, 0.86, globe.read(cover, turn * 1.08))
        moon = np.clip(globe.light(0.6, -0.5, 0.6), 0, 1) * np.float32(0.12)
        storm = np.zeros_like(lamps)
        for start, x, y, size in strikes:
            age = t - start
            if 0 <= age < 0.5:
                flash = canvas.glow(stage, x + 0.02 * (start - t), y, size)
                if flash is not None:
                    top, left = flash.top - globe.top, flash.left - globe.left
                    h, w = flash.mask.shape
                    if top >= 0 and left >= 0:
                        part = storm[top : top + h, left : left + w]
                        part += flash.mask[: part.shape[0], : part.shape[1]] * np.float32(
                            np.exp(-8 * age) * (0.6 + 0.4 * np.cos(40 * age))
                        )
        edge = globe.rim
        face = np.stack(
            [
                moon * np.float32(c) * (0.5 + 2.0 * veil)
                + lamps * (1 - 0.75 * veil) * np.float32(w)
                + storm * (0.25 + veil) * np.float32(f)
                + edge * np.float32(0.10 * c)
                for c, w, f in zip((0.40, 0.58, 1.0), (1.9, 1.28, 0.60), (0.75, 0.8, 1.3), strict=True)
            ]
        )
        globe.lay(picture, face)
        rays = 0.55 + 0.45 * np.sin(bearing * 61 + 0.9 * t) * np.sin(bearing * 23 - 0.6 * t + 1)
        sweep = np.exp(-(((bearing - np.float32(0.42 - 0.02 * t)) / np.float32(0.42)) ** 2)) * rays
        sweep2 = np.exp(-(((bearing - np.float32(0.58 - 0.03 * t)) / np.float32(0.30)) ** 2))
        for plane, green, top_red, blue in zip(picture, rgb("#4dffa0"), rgb("#c04a9c"), rgb("#4f9fff"), strict=True):
            plane += (
                curtain * sweep * np.float32(0.95 * green)
                + red * sweep2 * np.float32(0.34 * top_red)
                + limb * np.float32(0.22 * blue)
            )
        _station(stage, picture, 1.62 - 0.105 * t, 0.15 + 0.018 * t, 0.24, t)
        return picture

    return at


def _station(stage: Stage, picture: Picture, x: float, y: float, size: float, t: float) -> None:
    """The station: a truss, modules, wings of panels that catch a blue light."""
    lean = -0.22 + 0.015 * t

    def bar(x0: float, y0: float, x1: float, y1: float) -> npt.NDArray[np.floating[Any]]:
        return canvas.turned([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], lean, x, y, size)

    metal, bright = rgb("#5c6478"), rgb("#aab4c8")
    paint(picture, canvas.polygon(stage, bar(-0.95, -0.012, 0.95, 0.012)), metal)
    for px in (-0.82, -0.58, 0.58, 0.82):
        for up in (-1, 1):
            y0, y1 = (0.035, 0.36) if up > 0 else (-0.36, -0.035)
            paint(picture, canvas.polygon(stage, bar(px - 0.085, y0, px + 0.085, y1)), rgb("#1f3a78"))
            glint = 0.25 + 0.75 * max(0.0, np.sin(0.7 * t + px * 1.5)) ** 6
            paint(picture, canvas.polygon(stage, bar(px - 0.085, y0, px - 0.006, y1)), rgb("#3f6fd0"), 0.35 + 0.5 * glint)
            for line in np.linspace(y0, y1, 7)[1:-1]:
                paint(
                    picture, canvas.polygon(stage, bar(px - 0.085, line - 0.003, px + 0.085, line + 0.003)), rgb("#0c1a3c"), 0.8
                )
    for x0, y0, x1, y1, colour in (
        (-0.22, -0.06, 0.22, 0.06, metal), (-0.22, -0.06, 0.22, -0.015, bright), (-0.055, -0.20, 0.055, 0.24, metal),
        (-0.055, -0.20, -0.010, 0.24, bright), (0.24, -0.04, 0.36, 0.04, bright), (-0.34, -0.035, -0.24, 0.035, metal),
    ):  # fmt: skip
        paint(picture, canvas.polygon(stage, bar(x0, y0, x1, y1)), colour)
    for i in range(4):
        wx, wy = canvas.turned([(-0.15 + 0.1 * i, 0.02)], lean, x, y, size)[0]
        paint(picture, canvas.disc(stage, wx, wy, 0.011 * size), rgb("#ffd890"))
    if t % 1.5 < 0.18:
        for end in (-0.95, 0.95):
            bx, by = canvas.turned([(end, 0.0)], lean, x, y, size)[0]
            tint(picture, canvas.glow(stage, bx, by, 0.03), rgb("#ff5a4a"), 1.2)


_BANDS = [
    (0.0, rgb("#8a6a54")), (0.12, rgb("#c89a70")), (0.22, rgb("#e8c99a")), (0.30, rgb("#b57f5c")), (0.38, rgb("#f0dbb4")),
    (0.47, rgb("#d9ad7c")), (0.53, rgb("#a86a4c")), (0.60, rgb("#ecd0a0")), (0.70, rgb("#c79468")), (0.80, rgb("#e4c59a")),
    (0.90, rgb("#9c7458")), (1.0, rgb("#6e5446")),
]  # fmt: skip


def _giant(stage: Stage) -> Painter:
    """A ringed giant, half lit, with two moons; the ring's shadow lies on it, and its shadow on the ring."""
    stars = _stars(stage, 47, 420)
    centre_x, centre_y, radius, lean, flat = 0.64 * stage.aspect, 0.50, 0.285, -0.30, 0.26
    globe = Globe(stage, centre_x, centre_y, radius, lean)
    swirl = canvas.clouds(*_MAP, 121, 1.6, 5.0)
    rows = np.linspace(0, 1, _MAP[0], dtype=np.float32)[:, None] + (swirl - 0.5) * 0.075
    bands = [np.interp(rows, [p for p, _ in _BANDS], [c[i] for _, c in _BANDS]).astype(np.float32) for i in range(3)]
    sun = (-0.80, -0.28, 0.52)
    day = np.clip(globe.light(*sun) + 0.06, 0, 1) ** 0.85
    cos, sin = np.float32(np.cos(lean)), np.float32(np.sin(lean))
    dx, dy = stage.x - np.float32(centre_x), stage.y - np.float32(centre_y)
    along, across = dx * cos + dy * sin, (dy * cos - dx * sin) / np.float32(flat)
    away = np.sqrt(along**2 + across**2) / np.float32(radius)
    profile = 0.35 + 0.65 * np.convolve(np.random.default_rng(8).random(400), np.ones(5, np.float32) / 5, "same")
    where = np.linspace(1.28, 2.35, 400)
    density = np.interp(away, where, profile).astype(np.float32)
    edge = np.float32(stage.px / radius * 2)
    inside = np.clip((away - 1.28) / edge, 0, 1) * np.clip((2.35 - away) / edge, 0, 1)
    gap = 1 - 0.93 * np.exp(-(((away - 1.98) / 0.030) ** 2)) - 0.6 * np.exp(-(((away - 1.52) / 0.018) ** 2))
    ring = density * inside * gap * np.float32(0.92)
    in_front = across > 0
    # The planet's shadow on the ring: behind it, seen from the sun.
    behind = along * np.float32(0.86) + across * np.float32(0.42)
    beside = np.abs(-along * np.float32(0.42) + across * np.float32(0.86)) / np.float32(radius)
    dark = smoothstep(1.04, 0.94, beside) * (behind > 0)
    lit = ring * (1 - 0.94 * dark)
    box = np.s_[globe.top : globe.bottom, globe.left : globe.right]
    # The ring's shadow on the planet: the ring's own density read a little higher up, where the sun throws it.
    thrown = np.interp(
        np.sqrt(along[box] ** 2 + (across[box] + np.float32(0.20)) ** 2) / np.float32(radius), where, profile, 0, 0
    ).astype(np.float32)
    thrown *= smoothstep(0.34, 0.16, across[box] + np.float32(0.20))
    hue = ramp(
        np.clip((away.ravel() - 1.28) / 1.07, 0, 1),
        [(0, rgb("#8d7a66")), (0.35, rgb("#e9d6b4")), (0.7, rgb("#cdb596")), (1, rgb("#8f8274"))],
    )
    hue = hue.reshape(3, *away.shape)

    def at(t: float) -> Picture:
        picture = stars.copy()
        back = ring * ~in_front
        picture += (hue * (lit * 0.95) - picture * ring) * (back > 0)
        turn = 0.030 * t
        shade = day * (1 - 0.42 * thrown)
        face = np.stack([globe.read(b, turn) * shade + 0.008 for b in bands])
        globe.lay(picture, face)
        picture += (hue * (lit * 0.95) - picture * ring) * in_front
        for phase, far, size, colour in ((0.88, 3.1, 0.020, "#cfd4dc"), (0.62, 2.65, 0.012, "#d8b890")):
            angle = 2 * np.pi * (phase + 0.022 * t)
            mx = far * radius * np.cos(angle)
            my = far * radius * np.sin(angle) * flat
            x, y = centre_x + mx * float(cos) - my * float(sin), centre_y + mx * float(sin) + my * float(cos)
            paint(picture, canvas.disc(stage, x, y, size), (0.012, 0.012, 0.018))
            moon = canvas.disc(stage, x, y, size)
            glow = canvas.glow(stage, x - size * 0.7, y - size * 0.35, size * 1.7)
            if moon is not None and glow is not None:
                light = np.zeros((stage.height, stage.width), np.float32)
                light[glow.top : glow.top + glow.mask.shape[0], glow.left : glow.left + glow.mask.shape[1]] = glow.mask
                h, w = moon.mask.shape
                mask = moon.mask * light[moon.top : moon.top + h, moon.left : moon.left + w]
                paint(picture, canvas.Patch(np.clip(mask * 1.6, 0, 1), moon.top, moon.left), rgb(colour))
        if t > 2.6:
            credits_card(stage, picture, t, rgb("#eef3ff"), 2.8, 0.22 * stage.aspect, 0.74)
        return picture

    return at


def _picture(width: int, height: int) -> Painter:
    stage = Stage(width, height)
    return cut(
        [
            Shot(0, 11, _sunrise(stage), fade_in=2.0),
            Shot(11, 20, _nightside(stage)),
            Shot(20, 28, _giant(stage), fade_in=0.8, fade_out=1.4),
        ]
    )


_CHORDS = (
    (50, 57, 62, 65),
    (46, 53, 62, 69),
    (48, 55, 64, 67),
    (43, 50, 58, 65),
    (50, 57, 60, 65),
    (46, 53, 57, 65),
    (50, 57, 62, 69),
)


def _chord(t: float) -> tuple[int, ...]:
    return tuple(note + 12 for note in _CHORDS[min(int(t / 4), len(_CHORDS) - 1)])


def _music(seconds: float) -> Score:
    out = sound.Mix(seconds)
    for bar, chord in enumerate(_CHORDS):
        out.add(bar * 4.0, sound.pad(chord, 6.0, 2.0, 2.2, 0.55), 1.0)
        out.add(bar * 4.0, sound.bass(chord[0] - 12, 4.4, 0.2), 0.42)
        for step in range(8):
            if bar > 1 or (bar == 1 and step > 3):
                out.add(
                    bar * 4 + step * 0.5,
                    sound.music_box(chord[(step * 3 + bar) % 4] + 24, 3.0),
                    0.15,
                    0.7 * np.sin(step * 2.3 + bar),
                )
    for at, note in ((2.2, 74), (8.0, 81), (11.0, 69), (20.0, 74), (24.0, 77)):
        out.add(at, sound.bell(note, 5.0), 0.34, 0.2)
    swell = sound.swept(
        sound.weather(seconds, 501, 40, 300, 0.4),
        np.array([0.2, 1, 0.5, 0.3, 0.2], np.float32),
        np.array([0, 8.5, 11, 18, 28], np.float32),
    )
    return Score(bed=sound.reverb(out.samples, 4.2, 0.6) + swell * np.float32(0.10), notes=_chord, voice_gain=0.9)


FILM = DemoFilm(
    slug="low-orbit",
    title=Words(fr="Orbite basse", en="Low Orbit"),
    short=Words(fr="Un tour de planète du côté de la nuit.", en="Once around a planet, on the night side."),
    synopsis=Words(
        fr="Une station silencieuse passe au-dessus des villes allumées, des orages et d’une aurore, puis s’en va saluer plus "
        "loin une géante et ses anneaux.",
        en="A silent station passes above lit cities, storms and an aurora, then goes out to greet a giant and its rings.",
    ),
    year=2026,
    age_class=10,
    genres=("science_fiction",),
    original_language="fr",
    credits=STUDIO_CREDITS,
    markers=(Marker(kind="intro", start=0.0, end=11.0), Marker(kind="credits", start=22.8, end=28.0)),
    cues=(
        Cue(
            start=3.2,
            end=7.2,
            text=Words(fr="Ici, le soleil se lève\nseize fois par jour.", en="Up here the sun rises\nsixteen times a day."),
        ),
        Cue(
            start=11.8,
            end=15.2,
            text=Words(
                fr="Chaque lumière, en bas,\nest quelqu’un qui veille.", en="Every light down there\nis someone still awake."
            ),
        ),
        Cue(
            start=15.8,
            end=19.2,
            text=Words(fr="L’aurore ne fait aucun bruit.\nNous non plus.", en="The aurora makes no sound.\nNor do we."),
        ),
        Cue(
            start=21.2,
            end=24.6,
            text=Words(fr="Encore un tour,\net nous irons voir plus loin.", en="One more turn,\nthen we shall look farther."),
        ),
    ),
    width=1920,
    height=1080,
    frame_rate=FrameRate(24, 1),
    frames=672,
    container="mkv",
    subtitles="inside",
    picture=_picture,
    music=_music,
)
