"""A household's plan: a month that is not paid, a voucher typed by the remote's keys that pays it, and its invoice read."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.house import House, a_house, to_settings
from tests.journeys.screens import PATIENCE_MS, PHONE, Screen, choose_profile, screen

LETTERS = "23456789CDFGHJKMNPQRTVWXY"
COLUMNS = 5
_NO_FILM = ("status of 404 (Not Found) [/api/v1/playback]",)
"""This house's titles are records alone, and a screen that rests on one would make it ready."""
_REFUSED = (*_NO_FILM, "status of 404 (Not Found) [/api/v1/vouchers/redeem]")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Its plan is owed a month that it has no credit for."""
    with a_house(tmp_path_factory.mktemp("plan")) as made:
        made.bills_directly()
        assert made.bill().in_grace == 1
        yield made


def open_plan(on: Screen) -> None:
    """From Home by the remote's keys."""
    to_settings(on)
    on.step("ArrowUp")
    on.move_to("Plan and invoices", "ArrowLeft", 3)
    on.press("Enter")
    on.until("the plan", lambda: on.layer() == "plan")


def type_code(on: Screen, code: str) -> None:
    """Letter by letter, by arrows and OK; the focus stands on the first one."""
    at = 0
    for letter in code.replace("-", ""):
        to = LETTERS.index(letter)
        lines, steps = to // COLUMNS - at // COLUMNS, to % COLUMNS - at % COLUMNS
        on.press(*["ArrowDown" if lines > 0 else "ArrowUp"] * abs(lines))
        on.press(*["ArrowRight" if steps > 0 else "ArrowLeft"] * abs(steps))
        assert on.focused() == letter
        on.press("Enter")
        at = to


def test_a_voucher_typed_by_the_remotes_keys_pays_the_plan_and_its_invoice_is_read(house: House, browser: Browser) -> None:
    with screen(browser, house.box, forgives=_REFUSED) as tv:
        choose_profile(tv)
        open_plan(tv)
        tv.see("€7.99 could not be paid.")
        tv.see("Paid to Matinee, out of your credit")
        tv.move_to("Type a voucher", "ArrowLeft", 2)
        tv.press("Enter")
        tv.until("the keys", lambda: tv.layer() == "voucher")
        code = house.voucher()

        wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
        type_code(tv, wrong)
        tv.move_to("Use it", "ArrowDown", 6)
        tv.press("Enter")
        tv.see("This code gives nothing here.")
        tv.move_to("Erase", "ArrowLeft", 2)
        tv.press("Enter")
        tv.press(code[-1])  # what a keyboard types, or a remote's digits
        expect(tv.page.locator(".voucher-code")).to_have_text(code, timeout=PATIENCE_MS)
        tv.move_to("Use it", "ArrowRight", 2)
        tv.press("Enter")
        tv.see("€10.00 added. Your credit is now €10.00.")
        assert house.bill().charged == 1
        tv.until("the way back", lambda: tv.focused() == "To your plan")
        tv.press("Enter")
        tv.until("the plan", lambda: tv.layer() == "plan")
        tv.see("It runs, and goes on month by month.")
        tv.see("Next charge on")
        tv.see("Your credit: €2.01")

        house.issue_invoice()
        tv.move_to("Invoices", "ArrowRight", 2)
        tv.press("Enter")
        tv.until("the invoice", lambda: tv.layer() == "invoices" and tv.page.locator(".paper").count() == 1)
        paper = tv.page.locator(".paper")
        expect(paper).to_contain_text("Invoice 1")
        expect(paper).to_contain_text("Matinee, Everything")
        expect(paper).to_contain_text("1 rue du Test")
        expect(paper.locator("tfoot")).to_contain_text("€7.99")
        expect(paper.locator("tfoot")).to_contain_text("€1.33")
        for _ in range(2):
            tv.press("Escape")
        tv.until("Back closes one level each time", lambda: tv.layer() == "settings")

    with screen(browser, house.watch, size=PHONE, touch=True, forgives=_NO_FILM) as phone:
        phone.page.get_by_role("button", name="Kids").click()
        phone.page.locator(".card").first.wait_for()
        phone.page.evaluate("location.hash = '#/voucher'")
        phone.page.get_by_role("textbox", name="Voucher").fill(house.voucher().lower().replace("-", " "))
        phone.page.get_by_role("button", name="Use it").click()
        phone.see("€10.00 added. Your credit is now €12.01.")
        phone.page.evaluate("location.hash = '#/invoices'")
        phone.see("Invoice 1")
