"""A running demo plays a film by keys alone: MATINEE_DEMO_ADDRESS is its box's address. Without one, our own service is asked."""

import os

import pytest
from playwright.sync_api import Browser

from tests.journeys.screens import choose_profile, is_lively, screen


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    return os.environ.get("MATINEE_DEMO_ADDRESS") or request.getfixturevalue("service").box_address


def test_a_film_is_found_and_played_by_keys_alone(address: str, browser: Browser) -> None:
    with screen(browser, address, ignore_https_errors=True) as tv:
        choose_profile(tv)
        tv.step("ArrowRight")
        tv.press("Enter")
        tv.until("a title's page", lambda: tv.hash().startswith("#/title/"))
        tv.until("its first button", lambda: tv.page.evaluate("document.activeElement?.dataset.action ?? ''") == "play")
        tv.press("Enter")
        tv.await_film(beyond=tv.film()["at"] + 1)
        film = tv.film()
        assert film["height"] > 0
        assert film["length"] > 5
        pictures = []
        for _ in range(20):  # a film may begin in the dark
            pictures.append(is_lively(tv.picture({"x": 480, "y": 200, "width": 960, "height": 500})))
            if pictures[-1]:
                break
            tv.page.wait_for_timeout(500)
        assert pictures[-1], "no picture of the film was anything but dark"
        with tv.unhurried():
            tv.press("ArrowRight")
            tv.page.locator(".play-strip").wait_for(state="visible")
        for _ in range(4):
            if not tv.hash().startswith("#/play/"):
                break
            tv.press("Escape", pause_ms=300)
        assert tv.hash().startswith("#/title/")
