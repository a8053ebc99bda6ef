"""Colours: whatever a film is coded in, what is delivered shows the same ones, as 8 bit 4:2:0 of BT.709 in limited range."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.encoding import work
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, ffmpeg, picture_at, stream

PATCHES = np.array(
    [[0, 0, 0], [255, 255, 255], [128, 128, 128], [235, 40, 40], [40, 220, 40], [40, 40, 230], [224, 172, 140], [20, 90, 120]]
)
SIDE = 80


def card() -> NDArray[np.uint8]:
    rows = PATCHES.reshape(2, 4, 3).astype(np.uint8)
    return rows.repeat(SIDE, axis=0).repeat(SIDE, axis=1)


def levelled(path: Path, lumas: list[int], transfer: str) -> Path:
    """Grey stripes of given 10 bit levels as an HDR film."""
    stripe = np.array(lumas, dtype="<u2").repeat(SIDE)
    frame = np.concatenate([np.tile(stripe, 2 * SIDE), np.full(len(stripe) * SIDE, 512, dtype="<u2")])
    raw = path.with_suffix(".yuv")
    raw.write_bytes(frame.tobytes())
    size = f"{len(stripe)}x{2 * SIDE}"
    tags = f"setparams=range=tv:colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}"
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", size, "-r", "24", "-i", raw, "-vf", f"loop=24:1,{tags}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", path),
    )
    return path


def make(path: Path, pixels: str, matrix: str, full: bool, *coded: str, more: str = "") -> Path:
    """The card as a film of one second in some coding, tagged as it is coded."""
    raw = path.with_suffix(".rgb")
    raw.write_bytes(card().tobytes())
    reading = "pc" if full else "tv"
    picture = f"scale=out_color_matrix={matrix}:out_range={reading}:flags=accurate_rnd+full_chroma_int,format={pixels},loop=24:1"
    tag = {"bt709": "bt709", "bt601": "smpte170m", "bt2020": "bt2020nc"}[matrix] if pixels.startswith("yuv") else "gbr"
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{4 * SIDE}x{2 * SIDE}", "-r", "24", "-i", raw),
        *("-vf", f"{picture},setparams=range={reading}:colorspace={tag}{more}", *coded, path),
    )
    return path


LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0")
FILMS = [
    ("yuv420p", "bt709", False, LOSSLESS),
    ("yuv420p", "bt601", False, LOSSLESS),
    ("yuvj420p", "bt709", True, LOSSLESS),
    ("yuv422p", "bt709", True, LOSSLESS),
    ("yuv422p10le", "bt709", False, LOSSLESS),
    ("yuv444p", "bt601", True, LOSSLESS),
    ("yuv444p10le", "bt709", True, LOSSLESS),
    ("yuv420p10le", "bt2020", False, LOSSLESS),
    ("gbrp", "bt709", True, ("-c:v", "libx264rgb", "-preset", "ultrafast", "-qp", "0")),
    ("gbrp", "bt709", True, ("-c:v", "ffv1")),
    ("yuv422p10le", "bt709", False, ("-c:v", "prores_ks")),
]


@pytest.mark.parametrize(("pixels", "matrix", "full", "coded"), FILMS, ids=[f"{f[3][1]} {f[0]} {f[1]} {f[2]}" for f in FILMS])
def test_colours_stay(pixels: str, matrix: str, full: bool, coded: tuple[str, ...], tmp_path: Path) -> None:
    if coded[1] == "libx264rgb":
        pixels = "bgr24"
    source = make(tmp_path / "film.mkv", pixels, matrix, full, *coded)
    planned = work.plan(work.probe(source, find_tools()), FAST)
    film = work.encode(planned, source, tmp_path, find_tools(), lambda _: None)
    best = tmp_path / film.video[0].path
    there = stream(best)
    tags = ("pix_fmt", "color_range", "color_space", "color_primaries", "color_transfer")
    assert [there[tag] for tag in tags] == ["yuv420p", "tv", "bt709", "bt709", "bt709"]
    shown = picture_at(best, 4 * SIDE, 2 * SIDE, "bt709:in_range=tv")
    middles = shown[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE].reshape(-1, 3)
    assert np.abs(middles - PATCHES).max() <= 6


def pq(nits: float) -> int:
    """The 10 bit level of a light by SMPTE ST 2084, in limited range."""
    light = (nits / 10_000) ** 0.1593017578125
    return round(64 + 876 * ((0.8359375 + 18.8515625 * light) / (1 + 18.6875 * light)) ** 78.84375)


def hlg(signal: float) -> int:
    return round(64 + 876 * signal)


@pytest.mark.parametrize(
    ("transfer", "levels"),
    [
        ("smpte2084", [pq(nits) for nits in (0, 1, 26, 203, 600, 1000)]),
        ("arib-std-b67", [hlg(part) for part in (0, 0.1, 0.38, 0.75, 0.9, 1.0)]),
    ],
)
def test_hdr_becomes_sdr_with_its_greys_in_order(transfer: str, levels: list[int], tmp_path: Path) -> None:
    """Black stays black, the grey card and reference white (BT.2408: 26 and 203 cd/m2) are where SDR has them.

    Lights beyond white are kept apart.
    """
    source = levelled(tmp_path / "film.mkv", levels, transfer)
    planned = work.plan(work.probe(source, find_tools()), FAST)
    film = work.encode(planned, source, tmp_path, find_tools(), lambda _: None)
    best = film.video[0]
    there = stream(tmp_path / best.path)
    tags = ("pix_fmt", "color_range", "color_space", "color_primaries", "color_transfer")
    assert [there[tag] for tag in tags] == ["yuv420p", "tv", "bt709", "bt709", "bt709"]
    raw = ffmpeg("-i", tmp_path / best.path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    luma = np.frombuffer(raw, dtype=np.uint8)[: best.width * best.height].reshape(best.height, best.width)
    chroma = np.frombuffer(raw, dtype=np.uint8)[best.width * best.height :]
    stripe = best.width // len(levels)
    black, dark, grey, white, bright, brightest = (int(luma[best.height // 2, stripe // 2 + stripe * n]) for n in range(6))
    assert black <= 18
    assert black < dark < grey < white < bright < brightest <= 238
    assert 85 <= grey <= 135
    assert 180 <= white <= 228
    assert np.abs(chroma.astype(int) - 128).max() <= 3
    assert "hdr_to_sdr" in {warning.code.value for warning in film.warnings}


WIDE = ":color_primaries=bt2020:color_trc=bt709"


def test_wide_colours_of_sdr_are_brought_into_bt709(tmp_path: Path) -> None:
    """BT.2020 primaries: greys stay, and a colour is as BT.2087 converts it: matrices of light between gammas of 2.4."""
    source = make(tmp_path / "film.mkv", "yuv420p10le", "bt2020", False, *LOSSLESS, more=WIDE)
    planned = work.plan(work.probe(source, find_tools()), FAST)
    film = work.encode(planned, source, tmp_path, find_tools(), lambda _: None)
    shown = picture_at(tmp_path / film.video[0].path, 4 * SIDE, 2 * SIDE, "bt709:in_range=tv")
    middles = shown[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE].reshape(-1, 3)
    narrow = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
    light = (PATCHES / 255) ** 2.4 @ narrow.T
    wanted = np.clip(light, 0, 1) ** (1 / 2.4) * 255
    assert np.abs(middles[:3] - PATCHES[:3]).max() <= 4
    assert np.abs(middles[6] - wanted[6]).max() <= 8  # skin, which lies within both
    assert middles[6][0] - PATCHES[6][0] > 4
