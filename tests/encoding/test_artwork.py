"""Which frames are chosen, and what is drawn from them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from matinee.base.units import DurationMs, PositionMs
from matinee.encoding.artwork import cover, draw_artwork, palette, trim_bars
from matinee.encoding.lettering import font_for, set_title
from matinee.encoding.model import Still, Stills
from matinee.encoding.stills import choose_stills, placing

LONG = "Les très longues vacances de monsieur et madame Pommier au bord de la mer"
TITLES = ["Sintel", "L'Été à Noël", "Кристалл", LONG, "W" * 200]


def scene(path: Path, kind: str) -> Path:
    image = Image.new("RGB", (640, 360), (70, 90, 130))
    draw = ImageDraw.Draw(image)
    for number in range(60):
        x, y = (number * 97) % 620, (number * 61) % 340
        draw.ellipse((x, y, x + 40, y + 40), fill=((number * 37) % 200 + 40, (number * 71) % 160 + 40, 90))
    if kind == "blurred":
        image = image.filter(ImageFilter.GaussianBlur(12))
    elif kind == "black":
        image = Image.new("RGB", (640, 360), (3, 3, 3))
    elif kind == "white":
        image = Image.new("RGB", (640, 360), (252, 252, 252))
    elif kind == "credits":
        image = Image.new("RGB", (640, 360), (0, 0, 0))
        for row in range(4):
            ImageDraw.Draw(image).text((260, 120 + row * 24), "A NAME, A ROLE", fill=(240, 240, 240))
    image.save(path, quality=92)
    return path


@pytest.mark.parametrize("worse", ["blurred", "black", "white", "credits"])
def test_a_clear_frame_beats(worse: str, tmp_path: Path) -> None:
    frames = [
        (scene(tmp_path / "0.jpg", worse), PositionMs(20_000)),
        (scene(tmp_path / "1.jpg", "clear"), PositionMs(30_000)),
        (scene(tmp_path / "2.jpg", worse), PositionMs(40_000)),
    ]
    chosen = choose_stills(frames, (), DurationMs(60_000))
    assert chosen is not None
    assert Path(chosen.candidates[0].path).name == "1.jpg"
    assert Path(chosen.poster).name == "1.jpg"


def test_a_frame_beside_a_cut_or_in_the_credits_counts_less() -> None:
    length = DurationMs(100_000)
    calm = placing(PositionMs(50_000), (PositionMs(40_000),), length)
    assert placing(PositionMs(40_100), (PositionMs(40_000),), length) < calm
    assert placing(PositionMs(95_000), (), length) < calm
    assert placing(PositionMs(500), (), length) < calm


def test_broken_and_missing_frames_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "0.jpg").write_bytes(b"no picture")
    frames = [(tmp_path / "0.jpg", PositionMs(0)), (tmp_path / "gone.jpg", PositionMs(1))]
    assert choose_stills(frames, (), DurationMs(60_000)) is None


def test_black_bars_are_cut_off_and_dark_frames_are_not(tmp_path: Path) -> None:
    image = Image.new("RGB", (640, 360))
    image.paste(Image.open(scene(tmp_path / "0.jpg", "clear")).crop((0, 0, 640, 272)), (0, 44))
    assert abs(trim_bars(image).height - 268) <= 3
    dark = Image.new("RGB", (640, 360), (4, 4, 4))
    assert trim_bars(dark).size == (640, 360)


def test_an_upright_crop_keeps_what_stands_out() -> None:
    image = Image.new("RGB", (1920, 1080), (150, 150, 150))
    ImageDraw.Draw(image).ellipse((1300, 300, 1600, 800), fill=(200, 40, 30))
    red = np.asarray(cover(image, (720, 1080)).convert("RGB"))[:, :, 0].astype(int)
    assert (red > 190).sum() > 0.95 * np.pi * 150 * 250


@pytest.mark.parametrize("title", TITLES, ids=["short", "accents", "cyrillic", "long", "one endless word"])
def test_the_family_is_drawn(title: str, tmp_path: Path) -> None:
    scene(tmp_path / "0.jpg", "clear")
    still = Still(path="0.jpg", position_ms=PositionMs(0), score=1)
    files = draw_artwork(Stills(candidates=(still,), poster="0.jpg"), tmp_path, title, tmp_path / "art")
    sizes = {
        files.poster: (720, 1080),
        files.poster_small: (320, 480),
        files.backdrop: (1920, 1080),
        files.backdrop_small: (960, 540),
        files.tile: (640, 360),
    }
    assert {path.name: Image.open(path).size for path in (tmp_path / "art").iterdir()} == sizes
    foot = np.asarray(Image.open(tmp_path / "art" / files.poster).convert("L"), dtype=float)[900:]
    assert (foot > 225).mean() > 0.002  # the title is there
    assert np.median(foot) < 60  # on a ground dark enough to read it


def test_equal_stills_and_title_give_equal_bytes(tmp_path: Path) -> None:
    scene(tmp_path / "0.jpg", "clear")
    stills = Stills(candidates=(Still(path="0.jpg", position_ms=PositionMs(0), score=1),), poster="0.jpg")
    for name in ("one", "two"):
        draw_artwork(stills, tmp_path, "Sintel", tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_without_stills_there_is_a_calm_ground(tmp_path: Path) -> None:
    files = draw_artwork(None, tmp_path, "Untitled", tmp_path / "art")
    assert Image.open(tmp_path / "art" / files.tile).size == (640, 360)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abcdéèWMil", min_size=1, max_size=18), min_size=1, max_size=14).map(" ".join), st.integers(200, 700))
def test_a_title_stays_in_its_box(title: str, width: int) -> None:
    fitted = set_title(title, width, 260, 96)
    assert fitted is not None
    assert all(fitted.font.getlength(line) <= width for line in fitted.lines)
    assert fitted.height <= 260 + fitted.leading
    joined = " ".join(fitted.lines)
    assert joined.replace(" ", "") == title.replace(" ", "") or joined.endswith("…")


def test_lines_are_balanced() -> None:
    fitted = set_title("Une vie de chien", 400, 300, 90)
    assert fitted is not None
    lengths = [fitted.font.getlength(line) for line in fitted.lines]
    assert len(lengths) == 2
    assert min(lengths) / max(lengths) > 0.6


def test_signs_that_no_font_has_leave_the_picture_without_words() -> None:
    assert font_for("\U0010fffc") is None
    assert set_title("\U0010fffc", 400, 200, 80) is None
    assert set_title("   ", 400, 200, 80) is None


def test_colours_come_from_the_film() -> None:
    _, accent = palette(Image.new("RGB", (64, 36), (30, 60, 200)))
    assert accent[2] == max(accent)
    shade, neutral = palette(Image.new("RGB", (64, 36), (120, 120, 120)))
    assert max(shade) < 0.15
    assert max(neutral) - min(neutral) < 0.05
