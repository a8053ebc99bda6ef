"""From the press of OK on Play to the film, over a bare `<video src=film.mp4>` and a key, in turns.

    python -m bench.start

Everything is real: `matinee serve` with its edge, a film ingested with the whole ladder, headless Chromium at a television's
size, at full speed and with the page's processor slowed down six times (DevTools' throttling, about a set-top box). Each
run is a page opened anew, with the browser's cache as an evening leaves it, by a player that remembers a line of 20 Mbit/s. Cold:
OK as soon as Play has the focus, before a start is predicted. Predicted: OK when Play has had the focus for 2.5 s. Bare: the
rendition that our player began with, in the clear, as one progressive MP4 with the same sound from the same edge.

The goals are held to the first frame that moves, of both sides; the first frame that the browser tells of stands beside. For
a prepared film these two are one, while a bare film's first one stands still: see pages/first_frame.js.
"""

import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from playwright.sync_api import Page

from bench.chromium import PAGES, PATIENCE_MS, Remote, chromium, television
from bench.film import plain_command, short_film
from bench.rows import Row, compared, table
from bench.service import Serving, add, serving, settings_for
from matinee.encoding import work as encoding
from matinee.encoding.ladder import FIXED_V1
from matinee.outside.tools import find_tools

ROUNDS = 5
FACTORS = (1, 6)
FILM_SECONDS = 12
IDLE_SECONDS = 2.0
"""On Home before a title is opened, from when the player's script has come: what is evaluated in idle time is."""
REST_SECONDS = 2.5
TOO_LATE_MS = 400
"""A cold press later than this after Play got the focus might have met a prediction, and does not count."""
COLD_GOAL, PREDICTED_GOAL = 6.0, 1.1
TRIES = 3
GOODBYE_SECONDS = 0.5
"""From when a page is left to when its last words have come to the server."""

THROUGHPUT = 20_000_000

Times = dict[tuple[int, str], list[dict[str, float]]]
"""By slowdown and kind of start: of each round, milliseconds to the first frame that "moves" and to "any", and its height."""


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        folder = Path(name)
        film = short_film(folder, FILM_SECONDS)
        settings = settings_for(folder / "data")
        add(settings, film)
        clear = _clear_renditions(film, folder / "clear")
        with serving(settings) as service, chromium() as browser, television(browser, "first_frame.js") as context:
            page = context.new_page()
            # What the edge serves lies in the published store: the bare films come from beside the package, by its token.
            package = next((settings.data_folder / "published" / "packages").iterdir())
            for path in clear:
                (package / path.name).write_bytes(path.read_bytes())
            times = _rounds(page, service, folder)
    return _rows(times)


def _rounds(page: Page, service: Serving, folder: Path) -> Times:
    times: Times = defaultdict(list)
    remote = Remote(page)
    prefix: list[str] = []

    def note(request: object) -> None:
        url = str(getattr(request, "url", ""))
        if "/s/" in url and url.endswith(".mpd"):
            prefix[:] = [url.rpartition("/")[0]]

    page.on("request", note)
    remote.slow_down(1)
    _ours(remote, service, rest=0.0)  # the first of all is not counted: it fills the browser's cache
    for factor in FACTORS:
        for _ in range(ROUNDS):
            remote.slow_down(factor)
            cold = _ours(remote, service, rest=0.0)
            times[factor, "cold"].append(cold)
            times[factor, "bare"].append(_bare(remote, f"{prefix[0]}/clear-{cold['height']}.mp4", folder))
            times[factor, "predicted"].append(_ours(remote, service, rest=REST_SECONDS))
    return times


def _ours(remote: Remote, service: Serving, rest: float) -> dict[str, float]:
    """One start in a page opened anew."""
    page = remote.page
    for _ in range(TRIES):
        remote.home(service.box_address)
        page.evaluate(f"localStorage.setItem('matinee.throughput', '{THROUGHPUT}')")
        _await(page, "performance.getEntriesByType('resource').some(({ name }) => /shaka/.test(name))")
        remote.rest(IDLE_SECONDS)
        remote.press("Enter")
        page.wait_for_selector("[data-action=play]:focus")
        if rest:
            remote.rest(rest)
        said = _pressed(remote)
        page.goto("about:blank")
        remote.rest(GOODBYE_SECONDS)
        _rewind(service)
        if rest or said["waited"] < TOO_LATE_MS:
            return said
    raise SystemExit(f"bench start: this machine is too busy to press OK within {TOO_LATE_MS} ms")


def _pressed(remote: Remote) -> dict[str, float]:
    """Press OK, and wait for the film."""
    remote.page.evaluate("bench.arm()")
    remote.press("Enter")
    _await(remote.page, "bench.run.movesAt !== null")
    said = remote.page.evaluate("bench.run")
    pressed = said["pressedAt"]
    return {
        "any": said["anyAt"] - pressed,
        "moves": said["movesAt"] - pressed,
        "waited": pressed - (said["playFocusedAt"] or 0),
        "height": said["height"],
    }


def _rewind(service: Serving) -> None:
    """Nobody is anywhere in a film: each start is one from the beginning, as the bare film's is."""
    for profile in service.ask("GET", "/api/v1/me")["profiles"]:
        home = service.ask("GET", f"/api/v1/home?profile={profile['id']}")
        film = home["rows"][0]["items"][0]["id"]
        play = service.ask("POST", "/api/v1/playback", {"title_id": film, "profile_id": profile["id"]})
        service.ask("POST", f"/api/v1/playback/{play['session_id']}/end", {"sequence": 1, "position_ms": 0})
        play = service.ask("POST", "/api/v1/playback", {"title_id": film, "profile_id": profile["id"]})
        if play["resume_ms"] != 0:
            raise SystemExit("bench start: a film does not go back to its beginning")


def _bare(remote: Remote, film: str, folder: Path) -> dict[str, float]:
    bare = folder / "bare.html"
    bare.write_text((PAGES / "bare.html").read_text().replace("FILM", film))
    remote.page.goto(bare.as_uri())
    remote.rest(GOODBYE_SECONDS)
    return _pressed(remote)


def _await(page: Page, holds: str) -> None:
    """Asked a few times a second only: an asking takes time of the page that is measured."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(holds):
        if time.monotonic() > end:
            raise SystemExit(f"bench start: {holds} does not come true; the page reads: {page.inner_text('body')[:300]!r}")
        page.wait_for_timeout(200)


def _clear_renditions(film: Path, folder: Path) -> list[Path]:
    """The rungs of a film as an ingest makes them, in the clear, each with the sound in one MP4 that begins with its index."""
    tools = find_tools()
    plan = encoding.plan(encoding.probe(film, tools), FIXED_V1)
    folder.mkdir()
    subprocess.run(plain_command(plan, film, tools), cwd=folder, check=True, timeout=300)
    made = []
    for rung in plan.video:
        out = folder / f"clear-{rung.height}.mp4"
        inputs = ["-i", rung.path, "-i", plan.audio[0].path]
        argv = [tools.ffmpeg, "-nostdin", "-v", "error", *inputs, "-c", "copy", "-movflags", "+faststart", out.name]
        subprocess.run(argv, cwd=folder, check=True, timeout=60)
        made.append(out)
    return made


def _rows(times: Times) -> list[Row]:
    rows = []
    for factor in FACTORS:
        slow = f", CPU slowed {factor}x" if factor > 1 else ""
        goals = {"cold": COLD_GOAL, "predicted": PREDICTED_GOAL} if factor == FACTORS[-1] else {}
        for what, name in (("moves", "OK to first moving frame"), ("any", "OK to first frame told of")):
            for kind in ("cold", "predicted"):
                ours, theirs = ([each[what] for each in times[factor, side]] for side in (kind, "bare"))
                most = goals.get(kind) if what == "moves" else None
                rows.append(compared(f"{name}, {kind}{slow}", ours, theirs, "ms", "bare mp4", None, most=most))
    return rows


if __name__ == "__main__":
    print(table(run()))
