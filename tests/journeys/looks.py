"""Pictures of the screens of a home, to be looked at: `python -m tests.journeys.looks FOLDER`.

Sign-in by a code, the page on the phone, profiles, PIN, plan, voucher, invoice, devices, settings: each as PNG, 1920x1080 on a
television and 390x844 on a phone.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.journeys.house import House, a_house, sign_in_on_our_page
from tests.journeys.screens import CUT_LINE, FLAGS, PHONE, Screen, choose_profile, screen

SETTLED_MS = 900


def take(house: House, browser: Browser, into: Path) -> None:
    """All pictures, in the order in which somebody meets them."""
    with screen(browser, house.lone_box, forgives=CUT_LINE) as tv:
        tv.page.locator(".sign-in-code").wait_for()
        code = tv.page.locator(".sign-in-code").inner_text()
        _shoot(tv, into / "tv-sign-in.png")
        with screen(browser, f"{house.web}/activate?user_code={code}", size=PHONE, touch=True, forgives=CUT_LINE) as phone:
            _shoot(phone, into / "phone-sign-in.png")
            sign_in_on_our_page(phone)
            phone.page.get_by_role("button", name="Yes, sign it in").wait_for()
            _shoot(phone, into / "phone-approve.png")
            phone.page.get_by_role("button", name="Yes, sign it in").click()
            phone.page.get_by_text("goes on by itself").wait_for()
        tv.until("the profiles", lambda: tv.layer() == "profiles")
        _shoot(tv, into / "tv-profiles.png")
        choose_profile(tv)
        _shoot(tv, into / "tv-home.png")
        _at(tv, "settings", into / "tv-settings.png")
        _at(tv, "devices", into / "tv-devices.png")
        tv.page.locator(".line").first.click()
        tv.until("the question", lambda: tv.layer() == "question")
        _shoot(tv, into / "tv-question.png")
        tv.press("Escape")
        _at(tv, "plan", into / "tv-plan-grace.png")
        _at(tv, "voucher", into / "tv-voucher.png")
        tv.press(*house.voucher().replace("-", "")[:9])
        _shoot(tv, into / "tv-voucher-half.png")
        with screen(browser, f"{house.web}/watch/", size=PHONE, touch=True, forgives=CUT_LINE) as phone:
            phone.page.get_by_role("button", name="Sign in in this browser").click()
            sign_in_on_our_page(phone)
            phone.page.get_by_role("button", name="Salon").click()
            phone.page.locator(".card").first.wait_for()
            _at(phone, "voucher", into / "phone-voucher.png", reload=False)
            phone.page.locator(".voucher-field input").fill(house.voucher())
            phone.page.locator(".voucher .button").last.click()
            phone.page.locator(".notice").wait_for()
            _shoot(phone, into / "phone-voucher-added.png")
            house.bill()
            house.issue_invoice()
            for place in ("plan", "invoices", "devices", "settings"):
                _at(phone, place, into / f"phone-{place}.png", reload=False)
        for place in ("plan", "invoices", "devices"):
            _at(tv, place, into / f"tv-{place}.png")
        tv.page.evaluate("location.hash = '#/settings'")
        tv.page.reload()
        tv.page.get_by_role("button", name="Set a PIN").click()
        tv.until("the pad", lambda: tv.layer() == "pin")
        tv.press("2", "4")
        _shoot(tv, into / "tv-pin.png")


def _at(on: Screen, place: str, file: Path, *, reload: bool = True) -> None:
    on.page.evaluate("place => { location.hash = `#/${place}`; }", place)
    if reload:  # a television reads its address at the start alone
        on.page.reload()
    on.until(place, lambda: on.layer() == place)
    _shoot(on, file)


def _shoot(on: Screen, file: Path) -> None:
    on.page.wait_for_timeout(SETTLED_MS)
    on.page.screenshot(path=file)
    print(file)


def main(folder: str) -> None:
    into = Path(folder)
    into.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("MATINEE_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with a_house(Path(made)) as house:
            house.bills_directly()
            house.bill()
            take(house, browser, into)
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.journeys.looks FOLDER")
    main(sys.argv[1])
