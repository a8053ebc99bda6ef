"""A service that the home does not have: not a word of it while its launch is planned, a line once it is announced."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.screens import PATIENCE_MS, Screen, choose_profile, screen
from tests.journeys.service import Service

NAME = "Ciné-club"
_ON_TOP = """() => {
  const line = document.querySelector(".announced li"), box = line.getBoundingClientRect();
  return line.contains(document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2));
}"""
_STORY = """
name = "A second service at the demo's operator"
today = 2026-01-01
[[services]]
name = "Ciné-club"
[[operators]]
name = "Home fibre"
country = "FR"
timezone = "Europe/Paris"
[[agreements]]
operator = "Home fibre"
service = "Ciné-club"
status = "signed"
since = 2026-01-01
"""
_LAUNCH = """
[[launches]]
operator = "Home fibre"
service = "Ciné-club"
state = "{state}"
since = {since}
announced_for = "{announced_for}"
"""


def tell(service: Service, folder: Path, *launches: tuple[str, str, str]) -> str:
    file = folder / "story.toml"
    written = (_LAUNCH.format(state=state, since=since, announced_for=told) for state, since, told in launches)
    file.write_text(_STORY + "".join(written))
    done = service.matinee("apply", str(file))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("seat", "profile", "line"), [("box", "Kids", "is coming in November 2031"), ("watch", "Salon", "arrive en novembre 2031")]
)
def test_a_line_comes_with_the_announcement_and_goes_with_it(
    service: Service, browser: Browser, tmp_path: Path, seat: str, profile: str, line: str
) -> None:
    day = {"box": "01", "watch": "05"}[seat]
    planned = ("planned", f"2026-01-{day}", "2031-11")
    told = ("announced", f"2026-01-{day}T01:00:00", "2031-11")
    over = ("ended", f"2026-01-{day}T02:00:00", "")
    address = service.box_address if seat == "box" else service.watch_address
    try:
        tell(service, tmp_path, planned)
        with screen(browser, address) as on:
            _at_home(on, seat, profile)
            assert on.page.get_by_text(NAME).count() == 0
        assert "announced" in tell(service, tmp_path, planned, told)
        with screen(browser, address) as on:
            _at_home(on, seat, profile)
            expect(on.page.locator(".announced")).to_contain_text(f"{NAME} {line}", timeout=PATIENCE_MS)
            assert on.page.evaluate(_ON_TOP), "the line lies under something else"
            on.page.wait_for_timeout(900)
            folder = os.environ.get("MATINEE_SCREENSHOTS")
            on.page.screenshot(path=Path(folder or tmp_path) / f"{seat}-announced.png")
    finally:
        tell(service, tmp_path, planned, told, over)
    with screen(browser, address) as on:
        _at_home(on, seat, profile)
        on.page.wait_for_timeout(500)
        assert on.page.locator(".announced").count() == 0


def _at_home(on: Screen, seat: str, profile: str) -> None:
    if seat == "box":
        choose_profile(on, profile)
    else:
        on.page.get_by_role("button", name=profile).click()
        on.page.locator(".card").first.wait_for()
