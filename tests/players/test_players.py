"""Three players and ffprobe, which we did not write, play a package: in Chromium they show the very frames that were encoded.

Chromium decodes H.264 in software here, so that the pixels of an encrypted frame must hash equal to those of the same frame
of the clear rendition, shown by the same browser.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from matinee.base.ids import PackageId, new_id
from matinee.base.units import FrameRate
from matinee.encoding import work as encoding
from matinee.encoding.ladder import FIXED_V1
from matinee.encoding.model import EncodedFilm
from matinee.library.keys import new_content_keys
from matinee.library.model import ContentKeys, DrmSystem, PackageFiles, TrackKind
from matinee.library.work import package, verify
from matinee.outside.tools import find_tools
from tests.library.films import Shape, make_film
from tests.players.server import serve_files, serve_package
from tests.readers import frames_by_ffprobe
from tests.shared import MEDIA

_MODULES = Path(__file__).parents[2] / "ui" / "node_modules"
_FLAGS = [
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-gpu",
    "--mute-audio",
    "--disable-dev-shm-usage",
]
SEEKS = 4
_SOUNDS = (("fr", "Français", "main"), ("en", "English", "main"), ("fr", "Audiodescription", "description"))
_TEXTS = (("fr", "Français", "subtitle"), ("en", "English", "subtitle"))
_PLAYERS = {
    "hls.js": ("hls", "master.m3u8"),
    "dash.js": ("dash", "manifest.mpd"),
    "shaka-hls": ("shaka", "master.m3u8"),
    "shaka-dash": ("shaka", "manifest.mpd"),
}


@dataclass(frozen=True)
class Served:
    """A film, its package on a server, and the hash of some frames of the clear rendition by number."""

    film: EncodedFilm
    work: Path
    package: Path
    files: PackageFiles
    keys: ContentKeys
    origin: str
    asked: list[list[str]]
    clear: dict[int, str] = field(default_factory=dict)

    @property
    def height(self) -> int:
        return self.film.video[0].height


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = os.environ.get("MATINEE_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.fail("Chromium is not on this machine: run `apt-get install chromium`, or name one in MATINEE_CHROMIUM.")
    if not (_MODULES / "hls.js").is_dir():
        pytest.fail("The players are not in ui/node_modules: run `make ui`.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve_files({"page": Path(__file__).parent, "modules": _MODULES}) as origin:
        yield origin


def _real(name: str) -> Callable[[Path], EncodedFilm]:
    """A film of the shared media, encoded as an ingest does."""

    def make(folder: Path) -> EncodedFilm:
        assert MEDIA is not None
        source = MEDIA / "films" / name
        plan = encoding.plan(encoding.probe(source, find_tools()), FIXED_V1)
        return encoding.encode(plan, source, folder, find_tools(), lambda _: None)

    return make


def _made(shape: Shape) -> Callable[[Path], EncodedFilm]:
    return lambda folder: make_film(folder, shape)


_FILMS: dict[str, Callable[[Path], EncodedFilm]] = {
    "made": _made(Shape(rate=FrameRate(30000, 1001), segment_frames=60, frames=200, sounds=_SOUNDS, texts=_TEXTS)),
}
if MEDIA is not None:
    _FILMS = {
        "two languages": _real("nasa_13013_multiaudio_subs.mp4"),
        "described": _real("gotland_race_360p24_ad.mp4"),
    }


@pytest.fixture(scope="module", params=sorted(_FILMS))
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, browser: Browser, site: str
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("film")
    film = _FILMS[request.param](folder / "work")
    keys = new_content_keys()
    files = package(film, folder / "work", PackageId(new_id()), keys, (DrmSystem.CLEARKEY,), folder / "out", find_tools())
    verify(folder / "out", film, keys, find_tools())
    asked: list[list[str]] = []
    with serve_package(folder / "out", keys, asked) as origin, serve_files({"clear": folder / "work"}) as renditions:
        result = Served(film, folder / "work", folder / "out", files, keys, origin, asked)
        with _page(browser, site) as page:
            page.evaluate("(url) => page.clear({ url })", f"{renditions}/clear/{film.video[0].path}")
            for number in _frames(film):
                result.clear[number] = _frame(page, result, number)
        assert len(set(result.clear.values())) == len(result.clear), "the chosen frames look alike: they prove nothing"
        yield result


def _frames(film: EncodedFilm) -> list[int]:
    """Beginning, both sides of a segment's boundary, the middle of a group of pictures, the end; in no order of playing."""
    return [3, film.segment_frames - 1, film.frames - 2, film.segment_frames, film.segment_frames * 2 + 17]


@contextmanager
def _page(browser: Browser, site: str) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(f"{site}/page/player.html")
    yield page
    page.close()


def _frame(page: Page, served: Served, number: int) -> str:
    """The hash of a frame's pixels, off the screen: a canvas may not read what was encrypted, the compositor shows it."""
    rate = float(served.film.frame_rate.fraction)
    size = page.evaluate("([number, rate, height]) => page.frame(number, rate, height)", [number, rate, served.height])
    picture = Image.open(BytesIO(page.screenshot(clip={"x": 0, "y": 0, **size}))).convert("RGB")
    assert len(picture.getcolors(picture.width * picture.height) or []) > 100, f"frame {number} is blank"
    return hashlib.sha256(picture.tobytes()).hexdigest()


@pytest.mark.parametrize("player", sorted(_PLAYERS))
def test_a_player_shows_the_frames_that_were_encoded(served: Served, browser: Browser, site: str, player: str) -> None:
    kind, manifest = _PLAYERS[player]
    served.asked.clear()
    with _page(browser, site) as page:
        page.evaluate(
            "([kind, argument]) => page[kind](argument)",
            [
                kind,
                {
                    "manifest": f"{served.origin}/package/{manifest}",
                    "licence": f"{served.origin}/licence/clearkey",
                    "keys": {served.keys.kid.hex(): served.keys.key.hex()},
                    "height": served.height,
                },
            ],
        )
        shown = {number: _settled_frame(page, served, number) for number in served.clear}
        assert shown == served.clear
        assert page.evaluate("page.encrypted()") is True
        if player != "shaka-hls":
            assert served.asked, "the licence was never asked for"
        _hears_and_reads(page, served)
        if kind != "hls":  # hls.js knows no thumbnails
            _shows_thumbnails(page, served)
        assert page.evaluate("page.errors") == []


def test_ffprobe_reads_every_frame_of_every_rung(served: Served) -> None:
    expected = {(rung.height, served.film.frames) for rung in served.film.video}
    assert frames_by_ffprobe(served.package, served.keys.key.hex()) == expected


def _settled_frame(page: Page, served: Served, number: int) -> str:
    """The hash of a frame once the player shows it from the rendition that was asked for.

    On a busy machine a player may still hold the first segment of another rendition, or paint the frame before a seek has
    ended. A frame that is wrong stays wrong however often it is sought.
    """
    for _ in range(SEEKS):
        shown = _frame(page, served, number)
        if shown == served.clear[number]:
            break
        page.wait_for_timeout(700)
    return shown


def _hears_and_reads(page: Page, served: Served) -> None:
    """Every sound and text is there to choose; two of the sounds are heard; the first text shows its lines in time."""
    film = served.film
    tracks = page.evaluate("page.tracks()")
    sounds = [(track.language, track.label) for track in served.files.tracks if track.kind is TrackKind.AUDIO]
    texts = [(track.language, track.label) for track in served.files.tracks if track.kind is TrackKind.TEXT]
    assert sorted((language, label) for language, label, _ in tracks["audio"]) == sorted(sounds)
    assert sorted(tuple(track) for track in tracks["text"]) == sorted(texts)
    page.evaluate("video.currentTime = 0.7")
    assert page.evaluate("page.play(0.6)")["sound"] > 0, "no sound was decoded"
    if len(sounds) > 1:
        page.evaluate("(label) => page.chooseAudio(label)", sounds[1][1])
        assert page.evaluate("page.play(0.6)")["sound"] > 0, "no sound was decoded after the change of language"
    if film.text:
        written = (served.work / film.text[0].path).read_text(encoding="utf-8")
        first = next(line for line in written.splitlines() if " --> " in line)
        hours, minutes, seconds = first.split(" ")[0].rjust(12, "0").replace("00000", "00:00").split(":")
        start = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        page.evaluate("(start) => page.line(start)", start)


def _shows_thumbnails(page: Page, served: Served) -> None:
    """The picture for a time, as the player finds it: sheets last columns x rows x interval, tiles go row by row."""
    sheets = served.film.thumbnails
    assert sheets is not None
    for number in range(sheets.count):
        time = (number + 0.3) * sheets.interval_ms / 1000
        tile = page.evaluate(f"page.thumbnail({time})")
        assert tile is not None, f"no thumbnail at {time} s of {served.film.duration_ms} ms"
        sheet, place = divmod(number, sheets.columns * sheets.rows)
        row, column = divmod(place, sheets.columns)
        assert tile["url"] == f"{served.origin}/package/thumbs/{sheet + 1}.jpg"
        expected = (column * sheets.tile_width, row * sheets.tile_height, sheets.tile_width, sheets.tile_height)
        assert (tile["x"], tile["y"], tile["width"], tile["height"]) == expected
