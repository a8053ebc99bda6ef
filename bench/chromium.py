"""Headless Chromium as a slow box: a television's screen, driven by keys that the browser takes for a remote's."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = (
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
)
PATIENCE_MS = 60_000
PAGES = Path(__file__).parent / "pages"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser until the block ends."""
    program = os.environ.get("MATINEE_CHROMIUM") or shutil.which("chromium")
    if program is None:
        raise SystemExit("bench: Chromium is not on this machine; apt-get install chromium, or name one in MATINEE_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def television(browser: Browser, probe: str) -> Iterator[BrowserContext]:
    """A screen of 1920x1080 whose every page runs a script of bench/pages before its own."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script((PAGES / probe).read_text())
    try:
        yield context
    finally:
        context.close()


class Remote:
    """One page and the keys that are pressed on it, with its script slowed down by a factor."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._tools = page.context.new_cdp_session(page)

    def slow_down(self, factor: int) -> None:
        """Give the page's main thread 1/factor of its time, as DevTools does. Holds until the next call, also after `goto`."""
        self._tools.send("Emulation.setCPUThrottlingRate", {"rate": factor})

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def home(self, address: str) -> None:
        """Open the box's address and go past the profiles to Home, with the focus in its first row."""
        self.page.goto(address)
        self.page.wait_for_selector("[data-layer=profiles] [data-focused], [data-layer=home] [data-focused]")
        if self.page.query_selector("[data-layer=profiles] [data-focused]"):
            self.press("Enter")
        self.page.wait_for_selector("[data-layer=home] [data-focused]")

    def rest(self, seconds: float) -> None:
        """Somebody looks at the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.page.wait_for_timeout(50)
