"""A television, a phone and a desktop in headless Chromium, and the remote that drives them by real keys."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--mute-audio",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PATIENCE_MS = 25_000
"""How long anything may take on a machine that runs other tests beside: a guard against hanging, not a measure of speed."""

CUT_LINE = ("Failed to load resource", "net::ERR_", "Failed to fetch")
"""What Chromium itself notes for each request that comes to nothing, because a test cut the line or left the screen."""

_FILM = """() => {
  const film = document.querySelector("video");
  if (!film) return { at: 0, paused: true, height: 0, length: 0, ready: 0 };
  return { at: film.currentTime, paused: film.paused, height: film.videoHeight, length: film.duration || 0,
    ready: film.readyState };
}"""

HOLD_TIMERS = """() => {
  const set = window.setTimeout, clear = window.clearTimeout;
  const held = new Map(), real = new Map();
  let last = 0;
  window.setTimeout = (run, ms = 0, ...rest) => {
    if (ms < 400) return set(run, ms, ...rest);
    held.set(--last, [run, ms, ...rest]);
    return last;
  };
  window.clearTimeout = id => { if (!held.delete(id)) clear(real.get(id) ?? id); };
  window.releaseTimers = () => {
    window.setTimeout = set;
    for (const [id, timer] of held) real.set(id, set(...timer));
    held.clear();
  };
}"""

_NOTE = """() => {
  const noted = window.filmNoted = { first: null, last: null };
  const note = event => {
    const film = event.target;
    if (!(film instanceof HTMLVideoElement) || film.readyState < 2) return;
    if (event.type === "playing" && noted.first === null) noted.first = film.currentTime;
    if (noted.first !== null) noted.last = film.currentTime;
  };
  for (const kind of ["playing", "timeupdate", "pause"]) document.addEventListener(kind, note, true);
}"""

TV = {"width": 1920, "height": 1080}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. For a module and no longer: while it runs, no test of another module can have an event loop of its own."""
    chromium = os.environ.get("MATINEE_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.fail("Chromium is not on this machine: run `apt-get install chromium`, or name one in MATINEE_CHROMIUM.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@dataclass
class Screen:
    """One screen with a page on it. Complaints of the page's own scripts are kept, and fail the test that made them."""

    context: BrowserContext
    page: Page
    complaints: list[str]

    def press(self, *keys: str, pause_ms: int = 0) -> None:
        """Press keys by name ("ArrowDown", "Enter", "Escape"), one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
            if pause_ms:
                self.page.wait_for_timeout(pause_ms)

    def press_code(self, code: int) -> None:
        """A key that only a box's remote has, by the number that it sends."""
        self.page.evaluate(
            """code => { for (const kind of ["keydown", "keyup"]) {
                 const event = new KeyboardEvent(kind, { key: "Unidentified", bubbles: true, cancelable: true });
                 Object.defineProperty(event, "keyCode", { get: () => code });
                 document.activeElement.dispatchEvent(event); } }""",
            code,
        )

    def layer(self) -> str:
        """The id of the layer that owns the focus."""
        return str(self.page.evaluate("document.activeElement?.closest('[data-layer]')?.dataset.layer ?? ''"))

    def hash(self) -> str:
        return str(self.page.evaluate("location.hash"))

    def after_paint(self) -> None:
        """Wait for what the last key did: on a television the document's focus follows the paint of its ring."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(() => setTimeout(done))))")

    def focused(self) -> str:
        """What the focused element says: its label, else its text."""
        self.after_paint()
        return str(
            self.page.evaluate(
                "(document.activeElement?.getAttribute('aria-label') || document.activeElement?.innerText || '').trim()"
            )
        )

    def until(self, what: str, holds: Callable[[], bool], seconds: float = PATIENCE_MS / 1000) -> None:
        """Wait until something holds; `what` says what was waited for."""
        end = time.monotonic() + seconds
        while not self._already(holds):
            assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s. {self.state()}"
            self.page.wait_for_timeout(50)

    def _already(self, holds: Callable[[], bool]) -> bool:
        try:
            return holds()
        except Error as error:
            if "Execution context was destroyed" not in str(error):
                raise
            return False  # the page was just going to another: the next one is asked

    def state(self) -> str:
        text = " ".join(str(self.page.evaluate("document.body.innerText")).split())[:300]
        return f"At {self.hash()!r}, layer {self.layer()!r}, focus on {self.focused()!r}; it reads: {text!r}"

    def see(self, text: str) -> None:
        """Wait until a text stands on the screen."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible(timeout=PATIENCE_MS)

    def move_to(self, text: str, key: str, limit: int = 12) -> None:
        """Press an arrow until the focus is on what says `text`."""
        for _ in range(limit):
            if text.casefold() in self.focused().casefold():
                return
            self.step(key)
        assert text.casefold() in self.focused().casefold(), f"{key} does not lead to {text!r}. {self.state()}"

    def find_card(self, title_id: str) -> None:
        """From anywhere in Home's rows to a title's card, row by row, as somebody does who looks for it."""

        def here() -> str:
            self.after_paint()
            return str(self.page.evaluate("document.activeElement?.dataset.title ?? ''"))

        for _ in range(10):
            while self.step("ArrowLeft"):
                pass
            while here() != title_id and self.step("ArrowRight"):
                pass
            if here() == title_id:
                return
            self.step("ArrowDown")
        pytest.fail(f"Home's rows do not hold {title_id}. {self.state()}")

    def step(self, key: str) -> bool:
        """Press a key and give the focus time to move; whether it did."""
        self.page.evaluate("window.before = document.activeElement")
        self.press(key)
        for _ in range(12):
            self.after_paint()
            if self.page.evaluate("document.activeElement !== window.before"):
                return True
            self.page.wait_for_timeout(25)
        return False

    @contextlib.contextmanager
    def unhurried(self) -> Iterator[None]:
        """What goes by itself after a while (400 ms or more) stays until the block ends, however long looking at it takes."""
        self.page.evaluate(HOLD_TIMERS)
        yield
        self.page.evaluate("releaseTimers()")

    # --- the film ---------------------------------------------------------------------------------------------------

    def film(self) -> dict[str, Any]:
        """Where the film is: seconds, whether it stands, its size; zeros where there is none."""
        return dict(self.page.evaluate(_FILM))

    def note_film(self) -> None:
        """From now on note where a film is first seen to move and where last, by the picture itself: see `noted`."""
        self.page.evaluate(_NOTE)

    def noted(self) -> tuple[float, float]:
        """Where the film began to move and where it moved last (s), since `note_film`."""
        first, last = self.page.evaluate("[window.filmNoted.first, window.filmNoted.last]")
        assert first is not None, f"no film has moved. {self.state()}"
        return float(first), float(last)

    def await_film(self, beyond: float = 0.0) -> None:
        """Wait until the film moves, and has come further than some second."""

        def moves() -> bool:
            now = self.film()
            return not now["paused"] and now["at"] > beyond and now["ready"] >= 2

        self.until(f"the film plays beyond {beyond:.1f} s", moves)
        before = self.film()["at"]
        self.until("the film goes on", lambda: self.film()["at"] > before)

    def picture(self, clip: dict[str, float] | None = None) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """The pixels of the screen (height, width, 3), or of a part of it."""
        shot = self.page.screenshot(**({"clip": clip} if clip else {}))  # type: ignore[arg-type]
        return np.asarray(Image.open(BytesIO(shot)).convert("RGB"))


def _complaint(said: ConsoleMessage) -> str:
    """A line of the console with the path that it is about: what could not be loaded is named there alone."""
    return f"{said.text} [{urlsplit(said.location['url']).path}]"


@contextlib.contextmanager
def screen(
    browser: Browser,
    address: str,
    *,
    size: dict[str, int] | None = None,
    user_agent: str | None = None,
    touch: bool = False,
    forgives: tuple[str, ...] = (),
    **context: Any,
) -> Iterator[Screen]:
    """A screen that has just been switched on at an address. A script error that `forgives` does not name fails the test."""
    made = browser.new_context(
        viewport=size or TV,  # type: ignore[arg-type]
        locale="en-GB",
        has_touch=touch,
        is_mobile=touch,
        **({"user_agent": user_agent} if user_agent else {}),
        **context,
    )
    made.set_default_timeout(PATIENCE_MS)
    page = made.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(_complaint(said)) if said.type == "error" else None)
    try:
        page.goto(address)
        yield Screen(made, page, complaints)
        left = [text for text in complaints if not any(word in text for word in forgives)]
        assert not left, f"the page complained: {left}"
    finally:
        made.close()


def choose_profile(on: Screen, name: str = "Kids") -> None:
    """Past "Who is watching?" to Home. Kids reads English, Salon French."""
    on.until("the profiles", lambda: on.layer() == "profiles")
    on.move_to(name, "ArrowRight" if name == "Kids" else "ArrowLeft", 3)
    on.press("Enter")
    on.until("Home", lambda: on.layer() == "home")
    on.until("a title has the focus", lambda: bool(on.page.evaluate("document.activeElement?.dataset.title ?? ''")))


def is_lively(pixels: "np.ndarray[Any, np.dtype[np.uint8]]") -> bool:
    """Whether a picture is neither black nor of one colour."""
    return float(pixels.max()) > 60 and float(pixels.std()) > 8
