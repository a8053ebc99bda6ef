"""A service that the home does not have: not a word of it while its launch is planned, a line once it is announced.

And what a viewer is shown whose box cannot have it, but whose phone can; and whose box must be checked.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from matinee.app.household import BOX, BOX_MODEL
from tests.journeys.screens import PATIENCE_MS, Screen, choose_profile, screen
from tests.journeys.service import Service
from tests.journeys.stories import apply_story, signed_at_the_demos_operator

NAME = "Ciné-club"
_ON_TOP = """() => {
  const line = document.querySelector(".announced li"), box = line.getBoundingClientRect();
  return line.contains(document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2));
}"""
_STORY = signed_at_the_demos_operator(NAME)
_LAUNCH = """
[[launches]]
operator = "Home fibre"
service = "Ciné-club"
state = "{state}"
since = {since}
announced_for = "{announced_for}"
"""


def tell(service: Service, folder: Path, *launches: tuple[str, str, str]) -> str:
    written = (_LAUNCH.format(state=state, since=since, announced_for=told) for state, since, told in launches)
    return apply_story(service, folder, _STORY + "".join(written))


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


_OTHERS = """
[[box_models]]
name = "A newer box"
oui = "00AFFF"
product_class = "NEWER"
"""
_ELSEWHERE = """
[[launches]]
operator = "Home fibre"
service = "Ciné-club"
state = "{state}"
since = 2026-02-{day}
technical_at = 2026-02-01
models = ["A newer box"]
elsewhere = true
"""


def _elsewhere(service: Service, folder: Path, *launches: tuple[str, str]) -> None:
    written = (_ELSEWHERE.format(state=state, day=day) for state, day in launches)
    apply_story(service, folder, _STORY + _OTHERS + "".join(written))


def test_a_box_that_cannot_have_it_leads_to_the_phone_that_can(service: Service, browser: Browser, tmp_path: Path) -> None:
    silent, is_open, over = ("silent", "01"), ("open", "02"), ("ended", "03")
    try:
        _elsewhere(service, tmp_path, silent)
        with screen(browser, service.box_address) as on:
            _at_home(on, "box", "Kids")
            assert on.page.get_by_text(NAME).count() == 0, "a silent launch shows none of it"
        _elsewhere(service, tmp_path, silent, is_open)
        with screen(browser, service.box_address) as on:
            _at_home(on, "box", "Kids")
            expect(on.page.locator(".announced")).to_contain_text(f"{NAME} is on your phone and on the web", timeout=PATIENCE_MS)
            code = on.page.get_by_role("img", name="Scan this with your phone, or open ")
            expect(code).to_be_visible()
            assert "/watch/" in str(code.get_attribute("aria-label"))
            squares = on.page.evaluate("document.querySelector('.qr path').getAttribute('d').split('M').length - 1")
            assert squares > 200
            assert on.page.evaluate(_ON_TOP), "the line lies under something else"
            on.page.wait_for_timeout(900)
            folder = os.environ.get("MATINEE_SCREENSHOTS")
            on.page.screenshot(path=Path(folder or tmp_path) / "box-elsewhere.png")
            # The remote goes its way past it: what cannot be pressed is never focused.
            for key in ("ArrowRight", "ArrowUp", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowUp"):
                on.press(key)
                on.after_paint()
                assert not on.page.evaluate("Boolean(document.activeElement?.closest('.announced'))"), key
                assert on.layer() == "home"
            on.press("Enter")
            on.until("OK opens what is focused", lambda: on.layer() != "home")
        with screen(browser, service.watch_address) as on:
            _at_home(on, "watch", "Salon")
            on.page.wait_for_timeout(500)
            assert on.page.locator(".announced").count() == 0, "the web has it"
    finally:
        _elsewhere(service, tmp_path, silent, is_open, over)


def test_a_box_that_must_be_checked_says_so_and_comes_back(service: Service, browser: Browser, tmp_path: Path) -> None:
    oui, product_class, _ = BOX_MODEL
    file = tmp_path / "boxes.csv"
    heading = "ManufacturerOUI,ProductClass,SerialNumber,operator,line"
    file.write_text(f"{heading}\n{oui},{product_class},{BOX[0]},Elsewhere,1\n")
    story = tmp_path / "operator.toml"
    elsewhere = '[[operators]]\nname = "Elsewhere"\ncountry = "FR"\ntimezone = "Europe/Paris"\n'
    story.write_text(f'name = "Another operator"\ntoday = 2026-01-01\n{elsewhere}')
    for arguments in (("apply", str(story)), ("boxes", "import", str(file))):
        done = service.matinee(*arguments)
        assert done.returncode == 0, done.stderr
    try:
        # A held box's new key is kept and not taken, so its confirmation is refused.
        with screen(browser, service.box_address, forgives=("status of 403",)) as on:
            on.page.get_by_role("button", name="Kids").wait_for()
            on.move_to("Kids", "ArrowRight")
            on.press("Enter")
            on.see("This box must be checked")
            on.see("Please call your operator")
            on.page.wait_for_timeout(600)
            folder = os.environ.get("MATINEE_SCREENSHOTS")
            on.page.screenshot(path=Path(folder or tmp_path) / "box-held.png")
            on.press("ArrowRight", "ArrowRight", "Enter")
            on.until("the settings can still be reached", lambda: on.layer() == "settings")
    finally:
        done = service.matinee("boxes", "release", BOX[0], "--by", "a test")
        assert done.returncode == 0, done.stderr
    with screen(browser, service.box_address) as on:
        _at_home(on, "box", "Kids")
        assert on.page.get_by_text("must be checked").count() == 0


def _at_home(on: Screen, seat: str, profile: str) -> None:
    if seat == "box":
        choose_profile(on, profile)
    else:
        on.page.get_by_role("button", name=profile).click()
        on.page.locator(".card").first.wait_for()
