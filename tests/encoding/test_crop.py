"""Black bars: cut where they stand through the whole film, never a line that was lit."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.encoding import work
from matinee.encoding.crop import LEAST_SAMPLES, Box, choose_crop, read_boxes
from matinee.encoding.model import Crop, EncodedFilm
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, ffmpeg, picture_at

CARD = "testsrc2=s={size}:r=24:d=4"


def card(path: Path, graph: str, *more: str) -> Path:
    ffmpeg("-f", "lavfi", "-i", graph, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *more, path)
    return path


def ingest(source: Path, workdir: Path) -> EncodedFilm:
    workdir.mkdir()
    planned = work.plan(work.probe(source, find_tools()), FAST)
    return work.encode(planned, source, workdir, find_tools(), lambda _: None)


FILMS = [
    ("letterbox", "testsrc2=s=640x268:r=24:d=4,pad=640:360:0:46", (640, 268)),
    ("pillarbox", "testsrc2=s=480x360:r=24:d=4,pad=640:360:80:0", (480, 360)),
    ("windowbox", "testsrc2=s=480x270:r=24:d=4,pad=640:360:80:46", (480, 270)),
    ("a line only", "testsrc2=s=640x356:r=24:d=4,pad=640:360:0:2", (640, 360)),
    ("no bars", "testsrc2=s=640x360:r=24:d=4", (640, 360)),
    ("black all over", "color=black:s=640x360:r=24:d=4", (640, 360)),
    ("a light in the dark", "color=black:s=640x360:r=24:d=4,drawbox=280:150:90:70:white:fill", (640, 360)),
    (
        "mostly dark scenes, then one that fills the picture",
        "color=black:s=640x360:r=24:d=4,drawbox=0:46:640:268:gray:fill:enable='lt(t,3)',drawbox=c=gray:t=fill:enable='gte(t,3)'",
        (640, 360),
    ),
    (
        "dark scenes, then a wide one",
        (
            "color=black:s=640x360:r=24:d=4,drawbox=200:100:240:160:gray:fill:enable='lt(t,1)',"
            "drawbox=0:46:640:268:gray:fill:enable='gte(t,1)'"
        ),
        (640, 268),
    ),
    (
        "a subtitle within the bar",
        "testsrc2=s=640x268:r=24:d=4,pad=640:360:0:46,drawbox=260:330:120:16:white:fill:enable='between(t,2,3)'",
        (640, 360),
    ),
    (
        "a short word within the bar",
        (
            "testsrc2=s=640x268:r=24:d=4,pad=640:360:0:46,drawbox=300:330:4:12:white:fill:enable='between(t,2,3)',"
            "drawbox=310:330:4:12:white:fill:enable='between(t,2,3)'"
        ),
        (640, 360),
    ),
    (
        "bars with noise",
        "testsrc2=s=640x268:r=24:d=4,pad=640:360:0:46,noise=c0s=9:allf=t",
        (640, 268),
    ),
]


@pytest.mark.parametrize(("graph", "size"), [film[1:] for film in FILMS], ids=[film[0] for film in FILMS])
def test_only_bars_that_stand_are_cut(graph: str, size: tuple[int, int], tmp_path: Path) -> None:
    film = ingest(card(tmp_path / "film.mkv", graph), tmp_path / "work")
    assert (film.video[0].width, film.video[0].height) == size
    assert ("cropped" in {warning.code.value for warning in film.warnings}) == (size != (640, 360))


def test_what_is_left_is_the_picture_that_was_there(tmp_path: Path) -> None:
    """Turned and anamorphic too: the bars are found in the coded picture, before it is stood up."""
    plain = card(tmp_path / "plain.mp4", "testsrc2=s=640x268:r=24:d=4,pad=640:360:0:46")
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", 90, "-i", plain, "-c", "copy", turned)
    film = ingest(turned, tmp_path / "work")
    best = film.video[0]
    assert (best.width, best.height) == (150, 360)
    shown = picture_at(tmp_path / "work" / best.path, 150, 360, "bt709")
    assert shown[:, 0].mean() > 30  # the picture's own edge, not a bar
    assert shown[:, -1].mean() > 30


@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 79), st.integers(0, 79)),
        min_size=LEAST_SAMPLES,
        max_size=20,
    )
)
def test_nothing_lit_is_ever_cut(lit: list[tuple[int, int, int, int]]) -> None:
    boxes = [Box(min(a, b), max(a, b), min(c, d), max(c, d)) for a, b, c, d in lit]
    crop = choose_crop(boxes, 100, 80) or Crop(left=0, top=0, width=100, height=80)  # type: ignore[arg-type]
    assert all(crop.left <= box.left and box.right < crop.left + crop.width for box in boxes)
    assert all(crop.top <= box.top and box.bottom < crop.top + crop.height for box in boxes)
    assert (crop.left % 2, crop.top % 2, crop.width % 2, crop.height % 2) == (0, 0, 0, 0)


LINES = st.sampled_from(
    ["lavfi.cropdetect.x1=3", "lavfi.cropdetect.x2=9", "x2=9", "y1=-", "y1=2", "lavfi.cropdetect.y2=99999999"]
)


@given(st.text(max_size=300) | st.lists(LINES).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    read_boxes(text)


def test_few_samples_say_nothing() -> None:
    bars = [Box(0, 99, 10, 69)] * LEAST_SAMPLES
    assert choose_crop(bars, 100, 80) == Crop(left=0, top=10, width=100, height=60)  # type: ignore[arg-type]
    assert choose_crop(bars[1:], 100, 80) is None
