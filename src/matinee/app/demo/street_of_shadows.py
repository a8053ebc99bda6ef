"""Street of Shadows: black and white, on worn film. One plane of grey, and over every shot the same old projector.

The wear is made once and moved about: a few sheets of grain read at random offsets cost a fraction of new noise per frame.
"""

from collections.abc import Callable

import numpy as np

from matinee.app.demo import canvas, sound
from matinee.app.demo.canvas import Stage, ease, paint, smoothstep, span, tint
from matinee.app.demo.cutting import STUDIO_CREDITS, Shot, cut, held
from matinee.app.demo.model import Cue, DemoFilm, Marker, Painter, Picture, Plane, Score, Words
from matinee.base.units import FrameRate

_RATE = FrameRate(24000, 1001)
_GATE = 4 / 3  # the picture is as wide as old film; the rest of the frame is black


class Projector:
    """Grain, flicker, dust, scratches, a gate that weaves, and the dark corners of an old lens."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        h, w = stage.height, stage.width
        self.sheets = [canvas.grain(h + 64, w + 64, 200 + i) for i in range(3)]
        x, y = (stage.x - stage.aspect / 2) / (_GATE / 2), (stage.y - 0.5) / 0.5
        gate = np.clip((1 - np.maximum(np.abs(x), 0)) * (h * _GATE / 2) / 2, 0, 1) * np.clip((1 - np.abs(y)) * h / 6 + 1, 0, 1)
        corner = (np.maximum(np.abs(x) - 0.93, 0) / 0.07) ** 2 + (np.maximum(np.abs(y) - 0.93, 0) / 0.07) ** 2
        self.gate = (gate * smoothstep(1.05, 0.9, corner) * (1 - 0.52 * np.clip((x * x + y * y) / 2, 0, 1) ** 1.3)).astype(
            np.float32
        )

    def show(self, picture: Picture, t: float) -> Picture:
        frame = round(t * float(_RATE.fraction))
        rng = np.random.default_rng(9000 + frame)
        h, w = self.stage.height, self.stage.width
        weave = round((0.6 * np.sin(t * 7.1) + 0.5 * np.sin(t * 17.3 + 1)) * h / 720)
        plane = np.roll(picture[0], weave, axis=0) if weave else picture[0]
        oy, ox = rng.integers(0, 64, 2)
        noise = self.sheets[frame % 3][oy : oy + h, ox : ox + w]
        flicker = np.float32(1 + 0.022 * np.sin(t * 31) + rng.normal(0, 0.012))
        mid = plane * (np.float32(1.25) - plane)
        worn = plane * flicker + noise * (np.float32(0.014) + np.float32(0.12) * np.clip(mid, 0, 1))
        out = worn[None]
        for _ in range(int(rng.poisson(0.9))):
            x, y, size = rng.uniform(0.25, 1.5), rng.uniform(0, 1), rng.uniform(0.001, 0.0045)
            tone = 0.9 if rng.random() < 0.6 else 0.02
            paint(out, canvas.disc(self.stage, x, y, size, 0.002, rng.uniform(0.5, 1.6)), (tone,), 0.8)
        if (frame // 40) % 3 != 1:
            x = 0.45 + 0.9 * ((frame // 40) * 0.377 % 1) + 0.002 * np.sin(t * 5)
            paint(out, canvas.stroke(self.stage, x, -0.1, x + 0.004, 1.1, 0.0013), (0.85,), 0.20 + 0.1 * rng.random())
        if rng.random() < 0.03:
            x, y = rng.uniform(0.3, 1.4), rng.uniform(0.1, 0.9)
            hair = canvas.smooth_curve([(x + rng.normal(0, 0.05), y + rng.normal(0, 0.04)) for _ in range(4)], 8, closed=False)
            for (x0, y0), (x1, y1) in zip(hair[:-1].tolist(), hair[1:].tolist(), strict=True):
                paint(out, canvas.stroke(self.stage, x0, y0, x1, y1, 0.0018), (0.05,), 0.6)
        out = np.clip(out, 0.015, 1)
        return np.asarray(out * self.gate)


def _leader(stage: Stage) -> Painter:
    """The leader that counts down, a beat to a second."""
    cx = stage.aspect / 2
    angle = (np.arctan2(stage.x - np.float32(cx), -(stage.y - np.float32(0.5))) / np.float32(2 * np.pi)) % 1

    def at(t: float) -> Picture:
        picture = stage.blank((0.62,))
        left = max(0.0, t % 1)
        swept = np.clip((np.float32(left) - angle) * 200, 0, 1)
        picture[0] -= swept * np.float32(0.22)
        for x0, y0, x1, y1 in ((cx - 1, 0.5, cx + 1, 0.5), (cx, 0, cx, 1)):
            paint(picture, canvas.stroke(stage, x0, y0, x1, y1, 0.004), (0.08,))
        hand = 2 * np.pi * left
        paint(picture, canvas.stroke(stage, cx, 0.5, cx + 0.9 * np.sin(hand), 0.5 - 0.9 * np.cos(hand), 0.005), (0.05,))
        for radius in (0.40, 0.345):
            outer, inner = canvas.disc(stage, cx, 0.5, radius), canvas.disc(stage, cx, 0.5, radius - 0.009)
            if outer is not None and inner is not None:
                ring = outer.mask.copy()
                dy, dx = inner.top - outer.top, inner.left - outer.left
                ring[dy : dy + inner.mask.shape[0], dx : dx + inner.mask.shape[1]] -= inner.mask
                paint(picture, canvas.Patch(np.clip(ring, 0, 1), outer.top, outer.left), (0.93,))
        number = str(max(1, 3 - int(t)))
        paint(picture, canvas.lettering(stage, number, cx + 0.004, 0.495, 0.52, "ExtraBold"), (0.06,))
        return picture

    return at


def _blinds(stage: Stage) -> Painter:
    """A wall, a lamp outside that swings past, the shadow of a blind; the title stands on the wall."""
    wall = 0.5 + 0.16 * (canvas.clouds(stage.height, stage.width, 71, 1.6) - 0.5)

    def at(t: float) -> Picture:
        picture = stage.blank((0.035,))
        swing = -0.65 + 1.3 * ease(t / 4.2)
        lean = np.float32(0.10 + 0.10 * swing)
        across = stage.x - np.float32(stage.aspect / 2 + 0.75 * swing * 0.7)
        rows = (stage.y + across * lean) * np.float32(11.5)
        slats = smoothstep(0.20, 0.42, np.abs(rows % 1 - 0.5))
        window = smoothstep(0.66, 0.52, np.abs(across)) * smoothstep(0.50, 0.40, np.abs(stage.y + across * lean - 0.5))
        bars = 1 - 0.92 * smoothstep(0.018, 0.008, np.abs(np.abs(across) - 0.22))
        light: Plane = slats * window * bars * np.exp(-(across**2) * 0.8)
        picture[0] += light * wall * np.float32(1.15)
        shown = held(t, 0.5, 4.2, 0.6)
        for line, y, size in (("LA RUE", 0.40, 0.075), ("DES OMBRES", 0.545, 0.135)):
            for dx, dy, tone, alpha in ((0.006, 0.009, 0.0, 0.8), (0, 0, 0.97, 1.0)):
                text = canvas.lettering(
                    stage, line, stage.aspect / 2 + dx, y + dy, size, "ExtraBold", 0.10 if size < 0.1 else 0.02
                )
                paint(picture, text, (tone,), alpha * shown)
        paint(
            picture, canvas.stroke(stage, stage.aspect / 2 - 0.30, 0.468, stage.aspect / 2 + 0.30, 0.468, 0.004), (0.97,), shown
        )
        return picture

    return at


def _figure(stage: Stage, picture: Picture, x: float, feet: float, size: float, stride: float, tone: float = 0.01) -> None:
    """Someone in a hat and a long coat, seen from the front; `stride` is the phase of the walk."""
    bob = 0.012 * abs(np.sin(stride))

    def at(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x + size * px, feet + size * (py - bob)) for px, py in points]

    for side in (-1, 1):
        lift = max(0.0, side * np.sin(stride)) * 0.055
        leg = [
            (side * 0.035 - 0.035, -0.34),
            (side * 0.035 + 0.035, -0.34),
            (side * 0.055 + 0.028, -lift),
            (side * 0.055 - 0.036, -lift),
        ]
        paint(picture, canvas.polygon(stage, at(leg)), (tone,))
    sway = 0.02 * np.sin(stride)
    coat = [
        (-0.05, -0.84), (-0.14, -0.80), (-0.165, -0.62), (-0.17, -0.42), (-0.135, -0.38), (-0.155 + sway, -0.16),
        (0.0 + sway, -0.145), (0.155 + sway, -0.16), (0.135, -0.38), (0.17, -0.42), (0.165, -0.62), (0.14, -0.80), (0.05, -0.84),
    ]  # fmt: skip
    head = [(-0.052, -0.93), (-0.045, -0.85), (0.0, -0.825), (0.045, -0.85), (0.052, -0.93)]
    hat = [
        (-0.115, -0.925),
        (-0.062, -0.945),
        (-0.058, -1.015),
        (-0.015, -1.03),
        (0.0, -1.022),
        (0.015, -1.03),
        (0.058, -1.015),
        (0.062, -0.945),
        (0.115, -0.925),
        (0.0, -0.905),
    ]
    collar = [(-0.075, -0.82), (-0.05, -0.90), (0.0, -0.83), (0.05, -0.90), (0.075, -0.82)]
    paint(
        picture,
        canvas.polygon(stage, canvas.smooth_curve(at(coat), 5), canvas.smooth_curve(at(head), 5), at(hat), at(collar)),
        (tone,),
    )


def _street_set(stage: Stage) -> Picture:
    """A street that runs to a point: two rows of houses in perspective, windows, lamps in the fog."""
    picture = stage.blank((0.05,))
    cx, cy = stage.aspect / 2, 0.56
    far = np.exp(
        -(((stage.x - np.float32(cx)) / np.float32(0.34)) ** 2 + ((stage.y - np.float32(cy - 0.06)) / np.float32(0.42)) ** 2)
    )
    picture[0] += far * np.float32(0.52)
    rng = np.random.default_rng(33)
    # Houses from far to near, so that the near ones cover: depth z is 1 at the screen's edge.
    for z in np.geomspace(9, 0.95, 11):
        for side in (-1, 1):
            near, deep = 0.60 / z, 0.60 / (z * 1.24)
            tall = rng.uniform(0.62, 1.0)
            tone = 0.30 * max(0.0, 1 - 1 / z) ** 1.5 + 0.016
            top0, top1, ground0, ground1 = cy - tall / z, cy - tall / (z * 1.24), cy + 0.30 / z, cy + 0.30 / (z * 1.24)
            wall = [(cx + side * near, top0), (cx + side * deep, top1), (cx + side * deep, ground1), (cx + side * near, ground0)]
            face = [
                (cx + side * near, top0),
                (cx + side * 2.2, top0 - (0.02 if z > 2 else 0)),
                (cx + side * 2.2, ground0),
                (cx + side * near, ground0),
            ]
            paint(picture, canvas.polygon(stage, face), (tone * 0.62,))
            paint(picture, canvas.polygon(stage, wall), (tone,))
            for floor in range(4):
                for column in range(2):
                    lit = rng.random()
                    a, b = 0.16 + 0.42 * column, 0.42 + 0.42 * column
                    xs = [near + (deep - near) * k for k in (a, b)]
                    zs = [z * (1 + 0.24 * k) for k in (a, b)]
                    y0 = [cy - tall / k * (0.90 - 0.24 * floor) for k in zs]
                    y1 = [cy - tall / k * (0.74 - 0.24 * floor) for k in zs]
                    pane = [
                        (cx + side * xs[0], y0[0]),
                        (cx + side * xs[1], y0[1]),
                        (cx + side * xs[1], y1[1]),
                        (cx + side * xs[0], y1[0]),
                    ]
                    paint(picture, canvas.polygon(stage, pane), (0.75 if lit > 0.80 else tone * 0.45,), 0.9)
    for z in (6.2, 4.0, 2.6, 1.7):
        for side in (-1, 1):
            x, foot, top = cx + side * 0.43 / z, cy + 0.30 / z, cy - 0.36 / z
            paint(picture, canvas.stroke(stage, x, foot, x, top, 0.016 / z), (0.012,))
            paint(picture, canvas.stroke(stage, x, top, x - side * 0.07 / z, top - 0.02 / z, 0.012 / z), (0.012,))
            lx, ly = x - side * 0.075 / z, top + 0.006 / z
            tint(picture, canvas.glow(stage, lx, ly, 0.55 / z + 0.03), (1.0,), 0.34)
            tint(picture, canvas.glow(stage, lx, ly, 0.13 / z), (1.0,), 0.8)
            paint(picture, canvas.disc(stage, lx, ly, 0.017 / z, 0.004), (1.0,))
    return picture


def _street(stage: Stage) -> Painter:
    """Rain; someone comes down the middle of the street, out of the light."""
    still = _street_set(stage)
    horizon = round(0.585 * stage.height)
    cobbles = canvas.clouds(512, 512, 77, 0.8)
    depth = np.maximum(stage.y[horizon:] - np.float32(0.56), 0.004)
    u = ((stage.x - np.float32(stage.aspect / 2)) / depth * 26).astype(np.int32) & 511
    v = ((np.float32(16) / depth).astype(np.int32) & 511) + np.zeros_like(u)
    wet = (
        0.55
        + 0.9 * (cobbles[v, u] - 0.5)
        + 0.10 * np.cos(np.float32(np.pi * 2) * ((stage.x - np.float32(stage.aspect / 2)) / depth * 2.2))
    )
    road = np.clip((depth * 2.05 - np.abs(stage.x - np.float32(stage.aspect / 2))) * stage.height / 8, 0, 1) * 0.35 + 0.65
    rng = np.random.default_rng(44)
    drops = rng.random((110, 3))
    rows = stage.height - horizon

    def at(t: float) -> Picture:
        picture = still.copy()
        size = 0.20 + 0.30 * (t / 7) ** 1.4
        feet = 0.605 + 0.26 * (t / 7) ** 1.6
        x = stage.aspect / 2 + 0.012 * np.sin(t * 0.9)
        _figure(stage, picture, x, feet, size, t * 5.2)
        source = picture[0, horizon - np.minimum(np.arange(rows), horizon - 1)]
        shake = (np.sin(np.arange(rows) * 0.55 + t * 7) * np.linspace(0.5, 6, rows) * stage.height / 720).astype(int)
        mirrored = np.stack([np.roll(row, s) for row, s in zip(source, shake, strict=True)])
        fade = np.linspace(0.95, 0.35, rows, dtype=np.float32)[:, None]
        picture[0, horizon:] = (0.020 + mirrored * fade * np.clip(wet, 0.1, 1.2) * 0.85) * road
        _figure(stage, picture, x, feet, size, t * 5.2)
        shadow = [(x - 0.10 * size, feet - 0.01), (x + 0.10 * size, feet - 0.01), (x + 0.55 * size, 1.1), (x - 0.55 * size, 1.1)]
        canvas.shade(picture, canvas.polygon(stage, shadow), 0.55)
        for fx, fy, near in drops:
            y = (fy + t * (1.3 + near)) % 1.25 - 0.12
            px = 0.2 + fx * 1.45 + 0.05 * y
            paint(
                picture,
                canvas.stroke(stage, px - 0.006, y - 0.05 - 0.05 * near, px, y, 0.0014 + 0.0012 * near),
                (0.9,),
                0.10 + 0.14 * near,
            )
        return picture

    return at


def _windows(stage: Stage) -> Painter:
    """A front of windows; someone passes behind one; the lights go out, all but one."""
    rng = np.random.default_rng(52)
    grid = [(row, column, rng.random()) for row in range(4) for column in range(6)]
    keep = (1, 3)
    brick = canvas.clouds(stage.height, stage.width, 53, 1.2)
    front = stage.blank((0.0,))
    rows = np.floor(stage.y * 46)
    joints = np.minimum(np.abs(stage.y * 46 % 1 - 0.5) * 2, np.abs((stage.x * 19 + 0.5 * (rows % 2)) % 1 - 0.5) * 2)
    front[0] = (0.060 + 0.055 * (brick - 0.5)) * (0.75 + 0.25 * smoothstep(0.04, 0.2, joints))

    def at(t: float) -> Picture:
        picture = front.copy()
        zoom = 1 + 0.05 * t / 5
        for row, column, luck in grid:
            off = 0.6 + 3.4 * luck
            lit = 1.0 if (row, column) == keep else (0.0 if luck < 0.16 else 1.0 - ease(span(t, off, off + 0.07)))
            x, y = stage.aspect / 2 + (column - 2.5) * 0.205 * zoom, 0.52 + (row - 1.55) * 0.265 * zoom
            w, h = 0.058 * zoom, 0.098 * zoom
            frame = [
                (x - w - 0.010, y - h - 0.010),
                (x + w + 0.010, y - h - 0.010),
                (x + w + 0.010, y + h + 0.012),
                (x - w - 0.010, y + h + 0.012),
            ]
            paint(picture, canvas.polygon(stage, frame), (0.16,))
            tone = 0.02 + (0.62 + 0.33 * ((luck * 7) % 1)) * lit
            paint(picture, canvas.polygon(stage, [(x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h)]), (tone,))
            if lit > 0.3:
                tint(picture, canvas.glow(stage, x, y, 0.19), (1.0,), 0.12 * lit)
                for side in (-1, 1):  # curtains
                    drape = [
                        (x + side * w, y - h),
                        (x + side * w * 0.42, y - h),
                        (x + side * w * 0.72, y + 0.3 * h),
                        (x + side * w * 0.64, y + h),
                        (x + side * w, y + h),
                    ]
                    paint(picture, canvas.polygon(stage, drape), (tone * 0.55,))
            if (row, column) == keep:
                walk = x - 0.16 + 0.075 * t if t < 2.1 else x - 0.0025
                if abs(walk - x) < w + 0.06:
                    _through(stage, picture, walk, y, w, h, t)
            paint(picture, canvas.stroke(stage, x, y - h, x, y + h, 0.006), (0.05,))
            paint(picture, canvas.stroke(stage, x - w, y - 0.25 * h, x + w, y - 0.25 * h, 0.006), (0.05,))
            sill = [
                (x - w - 0.02, y + h + 0.008),
                (x + w + 0.02, y + h + 0.008),
                (x + w + 0.02, y + h + 0.024),
                (x - w - 0.02, y + h + 0.024),
            ]
            paint(picture, canvas.polygon(stage, sill), (0.20 + 0.2 * lit,))
        return picture

    return at


def _through(stage: Stage, picture: Picture, walk: float, y: float, w: float, h: float, t: float) -> None:
    """The figure behind a window: drawn on a copy, shown inside the panes alone."""
    centre = round(y * stage.height)
    half = round(h * stage.height)
    saved = picture.copy()
    _figure(stage, picture, walk, y + h * 2.25, 0.30, t * 4, 0.03)
    keep_x = stage.aspect / 2 + 0.5 * 0.205 * (1 + 0.05 * t / 5)
    left, right = round((keep_x - w) * stage.height), round((keep_x + w) * stage.height)
    inside = np.s_[:, centre - half : centre + half, left:right]
    saved[inside] = picture[inside]
    picture[:] = saved


def _stairs(stage: Stage) -> Painter:
    """A stairwell from above, turning: squares within squares, each a step darker, and a light at the bottom."""

    def at(t: float) -> Picture:
        picture = stage.blank((0.02,))
        cx, cy = stage.aspect / 2, 0.5
        turn, ratio = 0.22 * t + 0.4, 0.835
        phase = (t * 0.55) % 1
        for level in range(-2, 17):
            depth = level + 1 - phase
            size = 1.02 * ratio**depth
            angle = turn + 0.23 * (level + int(t * 0.55)) + 0.0
            tone = 0.05 + 0.80 * np.clip(depth / 15, 0, 1) ** 1.25
            outer = canvas.turned([(-1, -1), (1, -1), (1, 1), (-1, 1)], angle, cx, cy, size)
            paint(picture, canvas.polygon(stage, outer), (tone * 0.55,))
            rail = canvas.turned([(-1, -1), (1, -1), (1, 1), (-1, 1)], angle, cx, cy, size * 0.985)
            paint(picture, canvas.polygon(stage, rail), (min(1.0, tone * 1.45),))
            steps = canvas.turned([(-1, -1), (1, -1), (1, 1), (-1, 1)], angle, cx, cy, size * 0.955)
            paint(picture, canvas.polygon(stage, steps), (tone * 0.8,))
            if size > 0.10:
                for side in range(4):
                    for i in range(1, 7):
                        k = -1 + 2 * i / 7
                        a, b = canvas.turned([(k, -0.955), (k, -0.845)], angle + side * np.pi / 2, cx, cy, size).tolist()
                        paint(picture, canvas.stroke(stage, a[0], a[1], b[0], b[1], 0.008 * size), (tone * 0.35,))
        tint(picture, canvas.glow(stage, cx, cy, 0.42), (1.0,), 0.55)
        paint(picture, canvas.disc(stage, cx, cy, 0.030, 0.03), (1.0,))
        return picture

    return at


def _corner(stage: Stage) -> Painter:
    """Under the last lamp; it flickers; the iris closes on the credits."""
    still = stage.blank((0.03,))
    x, lamp_y, ground = stage.aspect / 2 - 0.22, 0.22, 0.86
    cone = np.clip(
        1 - np.abs(stage.x - np.float32(x)) / (np.float32(0.02) + np.maximum(stage.y - np.float32(lamp_y), 0) * np.float32(0.42)),
        0,
        1,
    )
    cone = cone * (stage.y > lamp_y) * np.exp(-(stage.y - np.float32(lamp_y)) * 1.3)
    pool = canvas.glow(stage, x, ground + 0.02, 0.40, 0.16)
    wall = 0.7 + 0.6 * (canvas.clouds(stage.height, stage.width, 83, 1.5) - 0.5)

    def at(t: float) -> Picture:
        picture = still.copy()
        on = 1.0 if not (1.05 < t < 1.12 or 1.2 < t < 1.32 or 2.5 < t < 2.56) else 0.12
        picture[0] += np.float32(0.62 * on) * cone * wall
        tint(picture, pool, (0.75,), on)
        paint(picture, canvas.stroke(stage, x + 0.09, ground + 0.03, x + 0.09, lamp_y - 0.05, 0.014), (0.004,))
        paint(picture, canvas.stroke(stage, x + 0.09, lamp_y - 0.05, x, lamp_y - 0.03, 0.011), (0.004,))
        paint(
            picture,
            canvas.polygon(
                stage,
                [
                    (x - 0.045, lamp_y + 0.005),
                    (x - 0.02, lamp_y - 0.035),
                    (x + 0.02, lamp_y - 0.035),
                    (x + 0.045, lamp_y + 0.005),
                ],
            ),
            (0.01,),
        )
        tint(picture, canvas.glow(stage, x, lamp_y + 0.012, 0.15), (1.0,), 0.9 * on)
        if t < 2.5:
            _figure(stage, picture, x - 0.03, ground + 0.03, 0.50, 0.3)
        for row, (text, size, weight, tracking) in enumerate(
            (
                ("MATINEE", 0.058, "Bold", 0.30),
                ("image & musique", 0.033, "Medium", 0.0),
                ("pictures & music", 0.033, "Medium", 0.0),
            )
        ):
            line = canvas.lettering(stage, text, stage.aspect / 2 + 0.28, 0.42 + (0, 0.075, 0.12)[row], size, weight, tracking)
            paint(picture, line, (0.92,), ease(span(t, 0.3 + 0.2 * row, 0.8 + 0.2 * row)))
        iris = 1.05 * (1 - ease(span(t, 3.1, 4.1)))
        away = np.hypot(stage.x - np.float32(stage.aspect / 2), stage.y - np.float32(0.5))
        picture[0] *= np.clip((np.float32(iris) - away) * 60, 0, 1)
        return picture

    return at


def _picture(width: int, height: int) -> Painter:
    stage = Stage(width, height)
    projector = Projector(stage)
    film = cut(
        [
            Shot(0, 3, _leader(stage)),
            Shot(3, 7.5, _blinds(stage)),
            Shot(7.5, 14.5, _street(stage)),
            Shot(14.5, 19.5, _windows(stage)),
            Shot(19.5, 24, _stairs(stage)),
            Shot(24, 28.1, _corner(stage)),
        ]
    )
    show: Callable[[Picture, float], Picture] = projector.show
    return lambda t: show(film(t), t)


_CHORDS = ((50, 57, 60, 65), (46, 53, 57, 62), (43, 50, 55, 58), (45, 52, 55, 61))


def _chord(t: float) -> tuple[int, ...]:
    return tuple(note + 12 for note in _CHORDS[int(max(0.0, t - 3) / 3) % 4])


def _music(seconds: float) -> Score:
    """A slow walking bass, brushes, a muted line; the leader has its beeps, the street its rain and steps."""
    out = sound.Mix(seconds)
    for beat in range(3):
        out.add(beat, sound.music_box(81, 0.25), 0.28)
    walk = (0, 7, 10, 12, 10, 7)
    for beat in range(int((seconds - 4) / 0.5)):
        at = 3 + beat * 0.5
        chord = _CHORDS[int((at - 3) / 3) % 4]
        out.add(at, sound.bass(chord[0] - 12 + walk[beat % 6], 0.62, 0.35), 0.62)
        swing = at + (0.17 if beat % 2 else 0)
        out.add(swing, sound.hiss(0.30, 13, 2500, 9000, 70 + beat % 5), 0.13, 0.3)
        if beat % 6 == 3:
            for tone in chord[1:]:
                out.add(at + 0.17, sound.piano(tone + 12, 1.8, 0.3), 0.26, -0.25)
    for at, note, long in (
        (4.0, 69, 1.3),
        (5.5, 72, 0.9),
        (6.5, 70, 1.0),
        (9.0, 74, 2.2),
        (11.5, 72, 1.0),
        (12.6, 69, 1.8),
        (15.5, 65, 1.6),
        (17.5, 67, 1.8),
        (20.0, 74, 1.4),
        (21.5, 76, 1.0),
        (22.6, 77, 1.4),
        (24.5, 74, 2.8),
    ):
        out.add(at, sound.cello(note, long, 0.25), 0.36, 0.2)
    for step in range(13):
        out.add(7.7 + step * 0.604 * 0.9, sound.hiss(0.09, 60, 180, 1600, 20 + step % 4), 0.36 + 0.02 * step)
    rain = sound.swept(
        sound.weather(seconds, 601, 900, 8000, 0.35),
        np.array([0, 0, 1, 1, 0.25, 0.2, 0.7, 0], np.float32),
        np.array([0, 7.45, 7.55, 14.4, 14.6, 23.9, 24.1, 28], np.float32),
    )
    crackle = np.random.default_rng(602)
    for _ in range(int(seconds * 5)):
        out.add(
            float(crackle.uniform(0, seconds - 0.1)),
            sound.hiss(0.012, 300, 1500, 9000, int(crackle.integers(8))),
            float(crackle.uniform(0.05, 0.22)),
        )
    return Score(bed=sound.reverb(out.samples, 1.3, 0.28) + rain * np.float32(0.10), notes=_chord, voice_gain=0.8)


FILM = DemoFilm(
    slug="street-of-shadows",
    title=Words(fr="La Rue des Ombres", en="Street of Shadows"),
    short=Words(
        fr="Une nuit de pluie, une silhouette, une fenêtre restée allumée.",
        en="A night of rain, a silhouette, one window left alight.",
    ),
    synopsis=Words(
        fr="Pellicule usée, pavés mouillés : quelqu’un descend une rue vide pendant que les fenêtres s’éteignent une à une. "
        "Toutes, sauf celle qu’il fallait surveiller.",
        en="Worn film, wet cobbles: someone walks down an empty street while the windows go dark one by one. All but the one "
        "that should have been watched.",
    ),
    year=2026,
    age_class=12,
    genres=("thriller", "drama"),
    original_language="fr",
    credits=STUDIO_CREDITS,
    markers=(Marker(kind="intro", start=0.0, end=7.5), Marker(kind="credits", start=24.2, end=28.0)),
    cues=(
        Cue(
            start=8.0,
            end=11.4,
            text=Words(
                fr="Il pleuvait depuis trois jours,\nou depuis toujours.", en="It had rained for three days,\nor for ever."
            ),
        ),
        Cue(
            start=11.5,
            end=14.4,
            text=Words(fr="Personne ne marche ainsi\nsans savoir où.", en="No one walks like that\nwithout knowing where."),
        ),
        Cue(start=15.2, end=19.0, text=Words(fr="Une fenêtre attendait.", en="One window was waiting.")),
        Cue(
            start=20.0,
            end=23.6,
            text=Words(fr="Combien d’étages\npour oublier un nom ?", en="How many floors does it take\nto forget a name?"),
        ),
    ),
    width=1280,
    height=720,
    frame_rate=_RATE,
    frames=672,
    container="mp4",
    subtitles="beside",
    picture=_picture,
    music=_music,
    monochrome=True,
    crf=22,
)
