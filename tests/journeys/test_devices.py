"""What is signed in: a television, signed in by its code, ends a browser's session, which is signed out at its next act."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.house import House, a_house, sign_in_on_our_page, to_settings
from tests.journeys.screens import CUT_LINE, PATIENCE_MS, PHONE, Screen, choose_profile, screen


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with a_house(tmp_path_factory.mktemp("devices")) as made:
        yield made


def _signed_in_by_code(tv: Screen, house: House) -> None:
    tv.until("the code", lambda: tv.layer() == "sign-in" and tv.page.locator(".sign-in-code").count() == 1)
    house.approve(tv.page.locator(".sign-in-code").inner_text())
    choose_profile(tv)


def _devices(tv: Screen) -> None:
    to_settings(tv)
    tv.step("ArrowUp")
    tv.move_to("Devices", "ArrowRight", 3)
    tv.press("Enter")
    tv.until("the devices", lambda: tv.layer() == "devices")


def _is_signed_out(on: Screen) -> None:
    """The app starts anew, and asks who is there."""
    on.page.locator("[data-layer=sign-in]").wait_for(timeout=PATIENCE_MS)


def test_a_television_signs_a_browser_out_and_then_everybody(house: House, browser: Browser) -> None:
    with screen(browser, f"{house.web}/watch/", size=PHONE, touch=True, forgives=CUT_LINE) as web:
        web.page.get_by_role("button", name="Sign in in this browser").click()
        sign_in_on_our_page(web)
        web.page.wait_for_url(lambda address: "/watch/" in address)
        web.page.get_by_role("button", name="Kids").click()
        web.page.locator(".card").first.wait_for()
        with screen(browser, house.lone_box, forgives=CUT_LINE) as tv:
            _signed_in_by_code(tv, house)
            _devices(tv)
            lines = tv.page.locator(".line")
            expect(lines).to_have_count(2, timeout=PATIENCE_MS)
            expect(tv.page.locator(".devices-at-line")).to_contain_text("At your line")
            expect(lines.filter(has_text="This screen")).to_contain_text("Television")
            tv.move_to("Browser", "ArrowDown", 3)
            tv.press("Enter")
            tv.until("the question", lambda: tv.layer() == "question")
            assert tv.focused() == "Cancel", "OK twice in a row must end nothing"
            tv.press("Enter")
            tv.until("nothing has happened", lambda: tv.layer() == "devices")
            expect(lines).to_have_count(2)
            tv.press("Enter")
            tv.until("the question", lambda: tv.layer() == "question")
            tv.move_to("Sign it out", "ArrowLeft", 2)
            tv.press("Enter")
            expect(lines).to_have_count(1, timeout=PATIENCE_MS)

            assert web.layer() == "home"
            web.page.locator(".card").first.click()
            _is_signed_out(web)

            # Everywhere, here too: this television is signed out as well.
            tv.move_to("Sign out everywhere", "ArrowUp", 3)
            tv.press("Enter")
            tv.until("the question", lambda: tv.layer() == "question")
            tv.move_to("This screen too", "ArrowLeft", 2)
            tv.press("Enter")
            _is_signed_out(tv)


def test_a_box_at_its_line_signs_others_out_and_stays(house: House, browser: Browser) -> None:
    with screen(browser, house.lone_box, forgives=CUT_LINE) as other, screen(browser, house.box, forgives=CUT_LINE) as box:
        _signed_in_by_code(other, house)
        choose_profile(box)
        _devices(box)
        expect(box.page.locator(".devices-at-line li").filter(has_text="This screen")).to_have_count(1, timeout=PATIENCE_MS)
        box.move_to("Sign out everywhere", "ArrowUp", 3)
        box.press("Enter")
        box.until("the question", lambda: box.layer() == "question")
        box.move_to("Sign all of them out", "ArrowLeft", 2)
        box.press("Enter")
        box.see("Nothing else is signed in.")
        other.press("Enter")
        _is_signed_out(other)
        box.page.reload()
        box.until("the box stays", lambda: box.layer() in ("home", "devices"))
