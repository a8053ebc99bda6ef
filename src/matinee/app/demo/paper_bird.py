"""The Paper Bird: cut paper, drawn. Sheets lie one behind another, each throwing a soft shadow on the next.

A sheet's edge is one height for each column, trees and all: that makes a whole forest a single line of numbers, and a sheet
that passes by is that line shifted.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from matinee.app.demo import canvas, sound
from matinee.app.demo.canvas import Colour, Patch, Stage, ease, mix, paint, rgb, span, tint, turned
from matinee.app.demo.cutting import STUDIO_CREDITS, Shot, credits_card, cut, held
from matinee.app.demo.model import Cue, DemoFilm, Marker, Painter, Picture, Plane, Score, Words
from matinee.base.units import FrameRate

_CREAM, _INK = rgb("#fdf3e1"), rgb("#1d3c45")
_BIRD = (rgb("#fffdf6"), rgb("#f7dcc0"), rgb("#e39a78"), rgb("#b4604e"))

Line = npt.NDArray[np.floating[Any]]


class Sheet:
    """One layer of paper: its upper edge over three frame widths, repeating, and its colour."""

    def __init__(self, stage: Stage, seed: int, height: float, sway: float, colour: Colour, trees: str = "") -> None:
        self.stage, self.colour = stage, colour
        self.period = 3 * stage.width
        rng = np.random.default_rng(seed)
        x = np.arange(self.period) / stage.height
        turn = 2 * np.pi / (self.period / stage.height)
        edge = np.full(self.period, height)
        for k, size in ((2, 0.5), (3, 0.42), (5, 0.25), (9, 0.12), (14, 0.06)):
            edge += sway * size * np.sin(k * turn * x + rng.random() * 2 * np.pi)
        self.edge = self._planted(edge, x, trees, rng).astype(np.float32)
        slope = np.gradient(self.edge) * stage.height
        self.steep = np.sqrt(1 + slope.astype(np.float32) ** 2)

    def _planted(self, edge: Line, x: Line, trees: str, rng: np.random.Generator) -> Line:
        wide = self.period / self.stage.height
        at, top = 0.05, edge.copy()
        while trees and at < wide - 0.15:
            size = rng.uniform(0.7, 1.25)
            away = np.abs(x - at)
            ground = edge[int(at * self.stage.height)]
            if trees == "fir":
                high, half = 0.17 * size, 0.042 * size
                # Three skirts: the height falls from the tip, and starts again a little outside, three times.
                for skirt in range(3):
                    reach = half * (0.45 + 0.275 * skirt)
                    peak = high * (1 - 0.27 * skirt)
                    crown = np.where(away < reach, ground - peak * (1 - 0.62 * away / reach), 9)
                    top = np.minimum(top, crown)
            else:
                reach = 0.05 * size
                crown = np.where(away < reach, ground - 1.9 * np.sqrt(np.maximum(reach**2 - away**2, 0)), 9)
                top = np.minimum(top, crown)
            at += rng.uniform(0.06, 0.2) * (1.1 if trees == "fir" else 1.7)
        return top

    def lay(self, picture: Picture, offset: float, drop: float = 0.0, shadow: float = 0.34) -> None:
        """Shadow, paper and the bright cut of its edge; `offset` and `drop` move the sheet, in frame heights."""
        stage = self.stage
        edge = canvas.shift_columns(self.edge, offset * stage.height, stage.width) + np.float32(drop)
        steep = canvas.shift_columns(self.steep, offset * stage.height, stage.width)
        thrown = canvas.shift_columns(self.edge, (offset - 0.011) * stage.height, stage.width) + np.float32(drop)
        canvas.shade(picture, canvas.shadow_above(stage, thrown - np.float32(0.004), 0.045, shadow))
        top = max(0, int(float(edge.min()) * stage.height) - 1)
        full = min(stage.height, max(top, int(float(edge.max()) * stage.height) + 2))
        deep = (stage.y[top:full] - edge[None]) * np.float32(stage.height) / steep[None]
        rim = np.clip(1.4 - np.abs(deep - 1.2) * 0.7, 0, 1) * 0.16
        mask = np.clip(deep + 0.5, 0, 1)
        light = [value + rim * (1 - value) for value in self.colour]
        for plane, value, flat in zip(picture, light, self.colour, strict=True):
            part = plane[top:full]
            part += mask * (value - part)
            plane[full:] = flat


def _paper(stage: Stage) -> Plane:
    """The fibres of the paper, as a factor for the whole picture."""
    fine = canvas.grain(stage.height, stage.width, 21)
    soft = canvas.clouds(stage.height, stage.width, 22, 0.9, 0.4)
    factor: Plane = (1 + 0.012 * fine + 0.06 * (soft - 0.5)).astype(np.float32) * canvas.vignette(stage.width, stage.height, 0.2)
    return factor


def _paper_disc(stage: Stage, picture: Picture, x: float, y: float, radius: float, colour: Colour) -> None:
    canvas.shade(picture, canvas.disc(stage, x + 0.004, y + 0.012, radius, 0.035), 0.22)
    paint(picture, canvas.disc(stage, x, y, radius), colour)
    ring = canvas.disc(stage, x, y, radius)
    inner = canvas.disc(stage, x + 0.0006, y + 0.0016, radius - 0.0016)
    if ring is not None and inner is not None:
        paint(picture, ring, mix(colour, (1, 1, 1), 0.35), 0.5)
        paint(picture, inner, colour)


_CLOUD = canvas.smooth_curve(
    [(-0.15, 0.02), (-0.12, -0.025), (-0.075, -0.03), (-0.04, -0.065), (0.02, -0.06), (0.05, -0.03), (0.1, -0.035), (0.15, 0.02)],
    6,
)


def _cloud(stage: Stage, picture: Picture, x: float, y: float, size: float, colour: Colour, string: Colour) -> None:
    paint(picture, canvas.stroke(stage, x, 0, x, y, 0.0018), string, 0.55)
    outline = turned(_CLOUD, 0, x, y, size)
    canvas.shade(picture, canvas.polygon(stage, canvas.moved(outline, 0.004, 0.010)), 0.10)
    canvas.shade(picture, canvas.polygon(stage, canvas.moved(outline, 0.003, 0.005)), 0.10)
    paint(picture, canvas.polygon(stage, outline), colour)


def _bird(
    stage: Stage, picture: Picture, x: float, y: float, size: float, beat: float, lean: float, shades: tuple[Colour, ...]
) -> None:
    """The folded bird: `beat` from -1, wings down, to 1, up; each face of the fold has its own light."""
    light, pale, dim, dark = shades
    near, far = (-0.16, -0.95 * beat + 0.10), (0.02, -0.82 * beat - 0.06)
    faces: list[tuple[list[tuple[float, float]], Colour]] = [
        ([(0.30, -0.02), (-0.16, 0.0), far], dark),
        ([(-0.10, 0.10), (-1.05, -0.30), (-0.42, -0.02)], dim),
        ([(-0.10, 0.10), (-1.05, -0.30), (-0.30, 0.16)], pale),
        ([(0.10, 0.12), (0.46, -0.06), (0.88, -0.46), (0.72, -0.12)], pale),
        ([(0.88, -0.46), (1.12, -0.36), (0.80, -0.28)], dim),
        ([(0.52, 0.0), (-0.42, 0.0), (0.02, 0.30)], pale),
        ([(0.52, 0.0), (0.05, 0.0), (0.02, 0.30)], light),
        ([(0.36, 0.03), (-0.10, 0.05), near], light),
        ([(-0.10, 0.05), (-0.38, 0.02), near], mix(light, pale, 0.7 if beat > 0 else 1.0)),
    ]
    placed = [(turned(points, lean, x, y, size), colour) for points, colour in faces]
    canvas.shade(picture, canvas.polygon(stage, *(canvas.moved(points, 0.010, 0.020) for points, _ in placed)), 0.10)
    canvas.shade(picture, canvas.polygon(stage, *(canvas.moved(points, 0.006, 0.012) for points, _ in placed)), 0.12)
    for points, colour in placed:
        paint(picture, canvas.polygon(stage, points), colour)


def _flap(t: float, speed: float = 1.0) -> float:
    """A wing's beat: down quickly, up slowly, with a glide now and then."""
    phase = t * 2.1 * speed
    return float(np.sin(2 * np.pi * phase + 0.6 * np.sin(2 * np.pi * phase)) * (0.72 + 0.28 * np.sin(t * 1.3)))


def _dawn(stage: Stage) -> Painter:
    sky = stage.gradient([(0, rgb("#f7d9b5")), (0.35, rgb("#fbe6c9")), (0.75, rgb("#ffe9cf"))])
    colours = ("#f6c59b", "#ee9f7d", "#d97a6a", "#8c5f70", "#3d5a6c", "#1d3c45")
    sheets = [
        Sheet(stage, 31 + i, 0.56 + 0.075 * i, 0.12 - 0.008 * i, rgb(c), ("", "", "", "round", "fir", "")[i])
        for i, c in enumerate(colours)
    ]
    paper = _paper(stage)

    def at(t: float) -> Picture:
        picture = stage.blank() + sky
        rise = ease(span(t, -1.5, 8.5))
        x, y = 0.71 * stage.aspect, 0.66 - 0.27 * rise
        for radius, colour in ((0.36, "#fbdcb4"), (0.28, "#fccd93"), (0.205, "#f9b46c"), (0.135, "#f59350")):
            _paper_disc(stage, picture, x, y, radius * (0.94 + 0.06 * rise), rgb(colour))
        for i, cloud in enumerate(((0.25, 0.22, 1.0), (1.5, 0.15, 0.8), (1.02, 0.30, 0.55))):
            _cloud(
                stage,
                picture,
                cloud[0] + 0.012 * t * (1 + i),
                cloud[1] + 0.004 * np.sin(t * 0.9 + i),
                cloud[2],
                _CREAM,
                rgb("#c9a37e"),
            )
        for i, sheet in enumerate(sheets):
            sheet.lay(
                picture, 0.012 * t * (i + 1) ** 1.35, 0.05 * (1 - ease(span(t, -0.5 + 0.12 * i, 1.6 + 0.12 * i))) * (i + 1) / 3
            )
        shown = held(t, 1.0, 6.6, 1.0)
        title = canvas.lettering(stage, "L’Oiseau de papier", 0.08 * stage.aspect, 0.40, 0.104, "ExtraBold", -0.01, "left")
        if title is not None and shown:
            canvas.shade(picture, Patch(title.mask, title.top + round(stage.height * 0.005), title.left), 0.16 * shown)
        paint(picture, title, _INK, shown)
        if t > 3.9:
            k = span(t, 3.9, 8.4)
            _bird(
                stage,
                picture,
                -0.15 + 1.15 * k + 0.25 * k * k,
                0.56 - 0.20 * ease(k),
                0.11,
                _flap(t),
                -0.16 + 0.05 * np.sin(t),
                _BIRD,
            )
        picture *= paper
        return picture

    return at


def _forest(stage: Stage) -> Painter:
    sky = stage.gradient([(0, rgb("#bfe3dc")), (0.6, rgb("#f1f3d8"))])
    colours = ("#b9d8b4", "#8fc1a0", "#5fa58d", "#3a8379", "#24605f", "#123f45")
    kinds = ("round", "fir", "round", "fir", "fir", "")
    sheets = [Sheet(stage, 51 + i, 0.52 + 0.09 * i, 0.07, rgb(c), kinds[i]) for i, c in enumerate(colours)]
    paper = _paper(stage)

    def at(t: float) -> Picture:
        picture = stage.blank() + sky
        _paper_disc(stage, picture, 0.3 * stage.aspect, 0.24, 0.13, rgb("#fff4c8"))
        _paper_disc(stage, picture, 0.3 * stage.aspect, 0.24, 0.085, rgb("#ffe28a"))
        for i in range(4):
            x = (0.35 + 0.62 * i - 0.05 * (1 + 0.3 * i) * t) % (stage.aspect + 0.5) - 0.25
            _cloud(
                stage,
                picture,
                x,
                0.12 + 0.07 * ((i * 7) % 3) + 0.005 * np.sin(t + i),
                0.75 + 0.2 * (i % 2),
                rgb("#ffffff"),
                rgb("#7fb3a8"),
            )
        bird_y = 0.42 + 0.05 * np.sin(t * 1.15) - 0.02 * t / 6
        for i, sheet in enumerate(sheets):
            sheet.lay(picture, 0.035 * (i + 1) ** 1.6 * t)
            if i == 3:
                _bird(
                    stage,
                    picture,
                    0.47 * stage.aspect + 0.05 * np.sin(t * 0.7),
                    bird_y,
                    0.15,
                    _flap(t + 0.3),
                    -0.06 - 0.06 * np.cos(t * 1.15),
                    _BIRD,
                )
        picture *= paper
        return picture

    return at


def _storm(stage: Stage) -> Painter:
    sky = stage.gradient([(0, rgb("#26314f")), (0.7, rgb("#5a6a86"))])
    colours = ("#46577a", "#384769", "#2a3655", "#1c2540")
    sheets = [Sheet(stage, 71 + i, 0.58 + 0.11 * i, 0.13, rgb(c), ("", "fir", "", "fir")[i]) for i, c in enumerate(colours)]
    rng = np.random.default_rng(77)
    drops = rng.random((90, 3))
    bolt = [(1.28, -0.02), (1.19, 0.20), (1.26, 0.21), (1.12, 0.52), (1.205, 0.265), (1.135, 0.262), (1.2, -0.02)]
    paper = _paper(stage)

    def at(t: float) -> Picture:
        picture = stage.blank() + sky
        flash = max(np.exp(-7 * (t - s)) if t >= s else 0.0 for s in (0.48, 2.0, 2.2))
        if flash > 0.01:
            tint(picture, canvas.glow(stage, 1.2, 0.1, 1.2), rgb("#b9c8ff"), 0.55 * flash)
        if flash > 0.12:
            shape = canvas.moved(bolt, 0.0 if t < 1.5 else -0.62, 0)
            canvas.shade(picture, canvas.polygon(stage, canvas.moved(shape, 0.006, 0.012)), 0.25)
            paint(picture, canvas.polygon(stage, shape), rgb("#ffe9a3"), min(1.0, flash * 3))
        for i in range(5):
            drift = (0.45 * i + 0.16 * t) % (stage.aspect + 0.6) - 0.3
            _cloud(
                stage,
                picture,
                drift,
                0.10 + 0.05 * (i % 3),
                1.5 + 0.3 * (i % 2),
                mix(rgb("#3b4868"), rgb("#6c7a98"), (i % 3) / 2),
                rgb("#1b2440"),
            )
        for i, sheet in enumerate(sheets):
            sheet.lay(picture, 0.06 * (i + 1) ** 1.5 * t)
            if i == 1:
                gust = 0.05 * np.sin(t * 3.1) + 0.03 * np.sin(t * 7.3)
                _bird(
                    stage,
                    picture,
                    0.50 * stage.aspect + gust,
                    0.44 + 0.06 * np.sin(t * 2.3),
                    0.13,
                    _flap(t, 1.5),
                    0.14 + 0.16 * np.sin(t * 2.7),
                    _BIRD,
                )
        for fx, fy, depth in drops:
            y = (fy + t * (0.9 + 0.9 * depth)) % 1.3 - 0.15
            x = (fx * 1.3 - 0.28 * y) * stage.aspect * 1.0
            long = 0.035 + 0.055 * depth
            paint(
                picture,
                canvas.stroke(stage, x + 0.3 * long, y - long, x, y, 0.0022 + 0.0032 * depth),
                rgb("#c7d6ee"),
                0.35 + 0.35 * depth,
            )
        picture *= paper
        return picture

    return at


_FLOCK = ("#f59350", "#f2c14e", "#7fc8a9", "#e76f6f", "#8fb8de", "#f7b2ad", "#c3a6e0")


def _night(stage: Stage) -> Painter:
    background = stage.blank() + stage.gradient([(0, rgb("#141b3c")), (0.55, rgb("#3a3f74")), (0.85, rgb("#8d6f94"))])
    moon_x, moon_y = 0.5 * stage.aspect, 0.40
    for radius, colour in ((0.37, "#2b3263"), (0.30, "#424a80"), (0.225, "#f7e8c4")):
        _paper_disc(stage, background, moon_x, moon_y, radius, rgb(colour))
    for cx, cy, r in ((-0.07, -0.05, 0.035), (0.06, 0.03, 0.05), (-0.02, 0.11, 0.025), (0.09, -0.1, 0.02)):
        paint(background, canvas.disc(stage, moon_x + cx, moon_y + cy, r), rgb("#e9d3a6"))
    rng = np.random.default_rng(91)
    stars = [(x * stage.aspect, 0.04 + 0.42 * y, 0.008 + 0.012 * s) for x, y, s in rng.random((20, 3)) if abs(x - 0.5) > 0.24]
    colours = ("#6a5a8c", "#4c4677", "#333460", "#1b2144")
    sheets = [Sheet(stage, 81 + i, 0.66 + 0.085 * i, 0.09, rgb(c), ("", "round", "fir", "")[i]) for i, c in enumerate(colours)]
    flock = [(0.17 * i, 0.09 * ((i * 3) % 4) - 0.12, 0.050 + 0.008 * (i % 3), i * 0.31) for i in range(1, 8)]
    paper = _paper(stage)

    def at(t: float) -> Picture:
        picture = background.copy()
        for i, (x, y, size) in enumerate(stars):
            sway = 0.006 * np.sin(0.8 * t + i)
            paint(picture, canvas.stroke(stage, x, 0, x + sway, y, 0.0014), rgb("#7d82b8"), 0.5)
            angles = np.arange(10) * np.pi / 5 + 0.4 * np.sin(0.7 * t + 2 * i)
            radii = np.where(np.arange(10) % 2, size * 0.45, size)
            star = np.stack([x + sway + radii * np.sin(angles), y - radii * np.cos(angles)], axis=1)
            canvas.shade(picture, canvas.polygon(stage, canvas.moved(star, 0.003, 0.006)), 0.2)
            paint(picture, canvas.polygon(stage, star), rgb("#ffe6a8"))
        for i, sheet in enumerate(sheets):
            sheet.lay(picture, 0.014 * (i + 1) ** 1.5 * t)
        lead = -0.12 + 0.235 * t
        for i, (behind, side, size, phase) in enumerate(flock):
            colour = rgb(_FLOCK[i])
            shades = tuple(mix(colour, other, k) for other, k in ((_CREAM, 0.45), (_CREAM, 0.1), (_INK, 0.18), (_INK, 0.4)))
            late = lead - behind - 0.1
            _bird(
                stage,
                picture,
                late,
                0.46 + side - 0.05 * late + 0.012 * np.sin(1.7 * t + i),
                size,
                _flap(t + phase, 1.1),
                -0.12,
                shades,
            )
        _bird(stage, picture, lead, 0.42 - 0.05 * lead, 0.085, _flap(t), -0.12, _BIRD)
        if t > 4.8:
            canvas.shade(picture, canvas.glow(stage, 0.5 * stage.aspect, 0.87, 1.0, 0.25), 0.35 * ease(span(t, 4.8, 5.6)))
            credits_card(stage, picture, t, _CREAM, 5.0, 0.5 * stage.aspect, 0.81)
        picture *= paper
        return picture

    return at


def _picture(width: int, height: int) -> Painter:
    stage = Stage(width, height)
    return cut(
        [
            Shot(0, 8, _dawn(stage), fade_in=0.8),
            Shot(8, 14, _forest(stage)),
            Shot(14, 18, _storm(stage)),
            Shot(18, 26, _night(stage), dissolve=0.5, fade_out=0.9),
        ]
    )


_CHORDS = (
    (62, 66, 69, 74), (62, 66, 69, 74), (59, 62, 66, 71), (55, 59, 62, 71),
    (57, 61, 64, 73), (62, 66, 69, 74), (55, 59, 67, 71),
    (59, 62, 65, 71), (58, 61, 65, 70),
    (55, 59, 62, 67), (57, 61, 64, 69), (62, 66, 69, 74), (62, 66, 69, 74),
)  # fmt: skip


def _chord(t: float) -> tuple[int, ...]:
    return _CHORDS[min(int(t / 2), len(_CHORDS) - 1)]


def _music(seconds: float) -> Score:
    out = sound.Mix(seconds)
    for bar, chord in enumerate(_CHORDS):
        start = bar * 2.0
        stormy = bar in (7, 8)
        out.add(start, sound.pad(chord[:3], 2.9, 0.5, 0.9, 0.35), 0.5 if not stormy else 0.75)
        out.add(start, sound.bass(chord[0] - 24, 1.9), 0.3 if not stormy else 0.45)
        pattern = (0, 1, 2, 3, 2, 1, 3, 2) if not stormy else (0, 0, 1, 0, 2, 0, 1, 0)
        if 1 <= bar < 12:
            for step, tone in enumerate(pattern):
                gain = 0.34 if step % 4 == 0 else 0.23
                out.add(start + step * 0.25, sound.harp(chord[tone] + 12), gain, 0.5 * np.sin(step * 1.9 + bar))
        if bar in (1, 3, 4, 6, 9, 11):
            for step, tone in enumerate((3, 2, 3)):
                out.add(start + (0.0, 0.75, 1.5)[step], sound.music_box(chord[tone] + 24), 0.2, 0.3)
    out.add(14, sound.weather(4.4, 61, 700, 7000, 0.3) * sound._envelope(int(4.4 * sound.RATE), 0.3, 0.6), 0.16)
    for strike in (14.48, 16.0, 16.2):
        out.add(strike, sound.hiss(2.4, 1.8, 35, 220, int(strike * 10)), 0.8)
    return Score(bed=sound.reverb(out.samples, 1.9, 0.35), notes=_chord, voice_gain=0.8)


FILM = DemoFilm(
    slug="paper-bird",
    title=Words(fr="L’Oiseau de papier", en="The Paper Bird"),
    short=Words(
        fr="Un oiseau plié dans une feuille blanche traverse le jour, l’orage et la nuit.",
        en="A bird folded from one white sheet crosses the day, the storm and the night.",
    ),
    synopsis=Words(
        fr="Au lever d’un soleil de papier, un oiseau blanc quitte sa colline. Il longe les forêts, tient tête à l’orage et "
        "découvre, la nuit venue, qu’il n’est pas le seul de son pliage.",
        en="As a paper sun rises, a white bird leaves its hill. It skims the forests, stands up to the storm and learns, once "
        "night has come, that it is not the only one of its fold.",
    ),
    year=2026,
    age_class=0,
    genres=("animation", "family"),
    original_language="fr",
    credits=STUDIO_CREDITS,
    markers=(Marker(kind="intro", start=0.0, end=7.6), Marker(kind="credits", start=23.0, end=26.0)),
    cues=(
        Cue(
            start=4.2,
            end=7.4,
            text=Words(
                fr="Une feuille, sept plis,\net le vent fait le reste.", en="One sheet, seven folds,\nand the wind does the rest."
            ),
        ),
        Cue(
            start=8.4,
            end=11.0,
            text=Words(fr="Il apprit la forêt\narbre après arbre.", en="It learned the forest\ntree by tree."),
        ),
        Cue(start=14.3, end=17.4, text=Words(fr="L’orage, lui,\nne s’apprend pas.", en="The storm\ncannot be learned.")),
        Cue(
            start=18.8,
            end=22.4,
            text=Words(fr="Puis la nuit lui rendit\ntoutes ses couleurs.", en="Then the night gave it back\nall its colours."),
        ),
    ),
    width=1280,
    height=720,
    frame_rate=FrameRate(25, 1),
    frames=650,
    container="mp4",
    subtitles="beside",
    picture=_picture,
    music=_music,
)
