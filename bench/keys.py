"""From a key to the paint of what it did, on a Home of many long rows and a processor slowed down six times.

    python -m bench.keys

Home is the real one, served by `matinee serve` from a database with a thousand titles, each with its own pictures. Keys are
pressed every 120 ms, as a hand does that looks for something, in all four directions, in runs. Baseline: the same keys on
a page with nothing but two boxes and a ring that moves between them, in turns, in the same browser. Times are the
browser's own: see pages/key_to_paint.js. A percentile is taken of each turn's keys, and of the turns the median, as with
every figure that a moment of another program's work could spoil.
"""

import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
from PIL import Image

from bench.catalogue_data import make_titles
from bench.chromium import PAGES, Remote, chromium, television
from bench.rows import Row, compared, table
from bench.service import opened, serving, settings_for
from matinee.app.ingests import default_service
from matinee.app.installation import Installation, read_clock
from matinee.catalogue import store
from matinee.catalogue.model import Title

TITLES = 1000
TURNS = 5
KEYS_A_TURN = 80
EVERY_SECONDS = 0.12
SETTLE_SECONDS = 1.0
SLOWDOWN = 6
GOAL_MS = 100.0
UNSEEN_MS = 16.0
"""The browser says nothing of keys that took less."""
_PICTURES = {
    "poster.jpg": (720, 1080),
    "poster-320.jpg": (320, 480),
    "backdrop.jpg": (1920, 1080),
    "backdrop-960.jpg": (960, 540),
    "tile.jpg": (640, 360),
}
_DESIGNS = 12


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        settings = settings_for(Path(name) / "data")
        with opened(settings) as (installation, _):
            fill(installation, TITLES, pictures=True)
        with serving(settings) as service, chromium() as browser, television(browser, "key_to_paint.js") as context:
            ours, theirs = Remote(context.new_page()), Remote(context.new_page())
            ours.home(service.box_address)
            theirs.page.goto((PAGES / "ring.html").as_uri())
            keys = walk()
            mine, bare = [], []
            for _ in range(TURNS):
                turn = [next(keys) for _ in range(KEYS_A_TURN)]
                mine.append(_pressed(ours, turn))
                bare.append(_pressed(theirs, turn))
    rows = []
    for percent in (95, 50):
        at, bare_at = ([_percentile(turn, percent) for turn in side] for side in (mine, bare))
        name = f"key to paint, Home of {TITLES:,} titles, CPU slowed {SLOWDOWN}x, p{percent}"
        row = compared(name, at, bare_at, "ms", "two boxes and a ring", None)
        if percent == 95:
            row = replace(row, goal=f"<= {GOAL_MS:g} ms", verdict="meets" if row.value <= GOAL_MS else "misses")
        rows.append(row)
    return rows


def walk() -> Iterator[str]:
    """The same keys at each run: along a row for a while, then up or down a few; more on than back, more down than up."""
    draw = random.Random(461)
    while True:
        along = draw.choices(("ArrowRight", "ArrowLeft"), (3, 2))[0]
        yield from [along] * draw.randint(2, 9)
        across = draw.choices(("ArrowDown", "ArrowUp"), (3, 2))[0]
        yield from [across] * draw.randint(1, 3)


def fill(installation: Installation, count: int, *, pictures: bool) -> None:
    """Publish so many made-up films in the default service; `pictures` also draws theirs."""
    service = default_service(installation)
    titles = make_titles(count, None, publisher=service.publisher, service=service.id)
    if pictures:
        _draw(installation, titles)
    else:
        titles = [msgspec.structs.replace(title, artwork=None) for title in titles]
    with installation.database.write() as conn:
        store.insert_many(conn, titles, read_clock())


def _draw(installation: Installation, titles: list[Title]) -> None:
    """A few designs, under each title's own address: the browser fetches and decodes each anew, the disk holds few."""
    root = Path(installation.settings.published.removeprefix("file://")) / "artwork"
    designs = [root / f"design{number}" for number in range(_DESIGNS)]
    for number, design in enumerate(designs):
        design.mkdir(parents=True)
        noise = Image.effect_noise((480, 480), 60)
        for name, size in _PICTURES.items():
            tint = Image.new("L", size, 20 * number)
            Image.merge("RGB", (noise.resize(size), tint, noise.rotate(90).resize(size))).save(design / name, quality=82)
    for place, artwork in enumerate(title.artwork for title in titles if title.artwork is not None):
        _link(designs[place % _DESIGNS], root / artwork)


def _link(design: Path, artwork: Path) -> None:
    artwork.mkdir()
    for name in _PICTURES:
        os.link(design / name, artwork / name)


def _pressed(remote: Remote, keys: list[str]) -> list[float]:
    """Milliseconds of each key. Raises SystemExit where keys went astray, for then nothing was measured."""
    page = remote.page
    page.bring_to_front()
    remote.slow_down(SLOWDOWN)
    remote.rest(SETTLE_SECONDS)
    page.evaluate("Object.assign(bench.run, { durations: [], presses: 0, moves: 0 })")
    next_at = time.monotonic()
    for key in keys:
        page.wait_for_timeout(max(0.0, next_at - time.monotonic()) * 1000)
        next_at = max(next_at + EVERY_SECONDS, time.monotonic())
        remote.press(key)
    remote.rest(SETTLE_SECONDS)
    said = page.evaluate("bench.run")
    remote.slow_down(1)
    if said["presses"] != len(keys) or said["moves"] < len(keys) / 2:
        raise SystemExit(f"bench keys: of {len(keys)} keys {said['presses']} arrived and {said['moves']} moved the focus")
    durations: list[float] = said["durations"]
    return durations + [UNSEEN_MS] * (len(keys) - len(durations))


def _percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


if __name__ == "__main__":
    print(table(run()))
