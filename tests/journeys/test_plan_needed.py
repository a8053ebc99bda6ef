"""A home without a plan: its titles are there, OK says what is needed and whom to ask, and plays once there is a plan."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.screens import PATIENCE_MS, Screen, choose_profile, screen
from tests.journeys.service import FIRST_DAY, LIGHTHOUSE, SECOND_DAY, SERIES, Service
from tests.journeys.stories import apply_story, signed_at_the_demos_operator

_PLAY = 415
"""A remote's Play."""
_REFUSED = ("status of 403",)
_ADD = ("subscription", "add", "demo", "--service", "Matinee", "--plan", "Everything")
_END = ("subscription", "end", "demo", "--service", "Matinee", "--plan", "Everything")


def _story(billing: str) -> str:
    """The demo's own service at its operator, under an agreement that bills so."""
    return signed_at_the_demos_operator("Matinee", publisher="Matinee", billing=billing)


def _run(service: Service, *arguments: str) -> None:
    done = service.matinee(*arguments)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    return Path(os.environ.get("MATINEE_SCREENSHOTS") or tmp_path)


@pytest.fixture
def billed(service: Service, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """The demo's agreement bills, and its home has no plan, for the length of a test."""
    apply_story(service, tmp_path, _story(request.param))
    _followed(service, needs_plan=True)
    yield
    service.matinee(*_END, *(("--seller", "operator") if request.param == "operator" else ()))  # where there was any
    apply_story(service, tmp_path, _story("none"))


def _no_player(on: Screen) -> None:
    assert on.page.locator("video").count() == 0
    assert "#/play" not in on.hash()


def _subscribe(service: Service, *seller: str) -> None:
    """A plan is recorded, and the service has followed."""
    _run(service, *_ADD, *seller)
    _followed(service, needs_plan=False)


def _followed(service: Service, *, needs_plan: bool) -> None:
    """Wait until the service knows of what a command wrote."""
    end = time.monotonic() + PATIENCE_MS / 1000
    with service.client() as client:
        while (client.get(f"/api/v1/titles/{service.titles[LIGHTHOUSE]}").json()["needs_plan"] is not None) != needs_plan:
            assert time.monotonic() < end, f"needs_plan is not {needs_plan}"
            time.sleep(0.1)


def _opened(on: Screen, service: Service, title: str) -> None:
    """On a television a place is read from the address at the start alone."""
    on.page.evaluate("href => { location.hash = href; }", f"#/play/{service.titles[title]}")
    on.page.reload()


@pytest.mark.parametrize("billed", ["operator"], indirect=True)
def test_on_the_box_ok_says_whom_to_ask(service: Service, browser: Browser, billed: None, shots: Path) -> None:
    film, series = service.titles[LIGHTHOUSE], service.titles[SERIES]
    with screen(browser, service.box_address, forgives=_REFUSED) as on:
        choose_profile(on)
        expect(on.page.locator(".announced")).to_contain_text("You need a plan to watch Matinee", timeout=PATIENCE_MS)
        on.find_card(film)
        expect(on.page.locator(".plan-line")).to_have_text("Needs a plan: ask Home fibre")
        on.page.wait_for_timeout(900)
        on.page.screenshot(path=shots / "box-plan-home.png")
        on.press_code(_PLAY)  # on a card it leads to the page, and not to a player
        on.until("its page", lambda: "Check again" in on.focused())
        on.see("You need a plan to watch")
        on.see("Ask Home fibre for one.")
        assert on.page.get_by_role("button", name="Play", exact=True).count() == 0
        on.page.wait_for_timeout(900)
        on.page.screenshot(path=shots / "box-plan-title.png")
        on.press("Enter")
        on.see("Not yet.")
        on.press_code(_PLAY)
        on.after_paint()
        _no_player(on)
        on.page.screenshot(path=shots / "box-plan-not-yet.png")
        on.press("Escape")
        on.until("Home, where it was left", lambda: on.layer() == "home" and "The Lighthouse" in on.focused())

        on.find_card(series)
        on.press("Enter")
        on.until("the series' page", lambda: "Check again" in on.focused())
        on.press("ArrowDown")
        # The first, or the one that this home was last in.
        on.until("an episode", lambda: any(episode in on.focused() for episode in (FIRST_DAY, SECOND_DAY)))
        on.press("Enter")
        on.until("OK on an episode leads to what is said", lambda: "Check again" in on.focused())
        _no_player(on)


@pytest.mark.parametrize("billed", ["operator"], indirect=True)
def test_a_link_leads_to_what_is_said_and_it_plays_once_there_is_a_plan(service: Service, browser: Browser, billed: None) -> None:
    film = service.titles[LIGHTHOUSE]
    with screen(browser, service.box_address, forgives=_REFUSED) as on:
        choose_profile(on)
        _opened(on, service, LIGHTHOUSE)
        on.until("a link to the film leads to its page", lambda: on.hash() == f"#/title/{film}")
        on.until("what is said", lambda: "Check again" in on.focused())
        _no_player(on)

        _subscribe(service, "--seller", "operator")
        on.press("Enter")
        on.until("Play comes in its place", lambda: on.page.locator("[data-action=play]").count() == 1)
        on.until("and has the focus", lambda: on.focused() in ("Play", "Resume"))
        assert on.page.locator(".plan").count() == 0
        on.press("Enter")
        on.await_film()
        _run(service, *_END, "--seller", "operator")
        on.page.wait_for_timeout(2_500)  # two heartbeats
        on.await_film(on.film()["at"])
        on.press("Escape")  # the controls, where they are still there
        on.page.wait_for_timeout(500)
        if "#/play" in on.hash():
            on.press("Escape")
        on.until("back at its page", lambda: on.hash() == f"#/title/{film}")
        on.until("what is said, again", lambda: on.page.locator(".plan").count() == 1)


@pytest.mark.parametrize("billed", ["direct"], indirect=True)
def test_on_the_web_it_is_said_in_french_before_anything_is_pressed(
    service: Service, browser: Browser, billed: None, shots: Path
) -> None:
    film = service.titles[LIGHTHOUSE]
    with screen(browser, service.watch_address, forgives=_REFUSED) as on:
        on.page.get_by_role("button", name="Salon").click()
        on.page.locator(".card").first.wait_for()
        expect(on.page.locator(".featured .plan-line")).to_have_text("Sur abonnement, à prendre sur le site du service")
        assert on.page.get_by_role("button", name="Lecture").count() == 0
        on.page.wait_for_timeout(900)
        on.page.screenshot(path=shots / "web-plan-home.png")
        on.page.evaluate("href => { location.hash = href; }", f"#/play/{film}")
        on.until("a link to the film leads to its page", lambda: on.hash() == f"#/title/{film}")
        on.see("Matinee vend ses abonnements directement.")
        on.page.wait_for_timeout(900)
        on.page.screenshot(path=shots / "web-plan-title.png")
        _no_player(on)
        on.press("Enter")
        on.see("Pas encore.")
        on.press("Escape")
        on.until("Back leads away from it", lambda: on.hash() in ("#/", ""))
        on.page.evaluate("href => { location.hash = href; }", f"#/title/{service.titles[SERIES]}")
        on.page.get_by_role("button", name="Le plus court").click()
        expect(on.page.locator(".plan")).to_be_in_viewport()
        on.until("an episode leads to what is said", lambda: "Vérifier à nouveau" in on.focused())
        _no_player(on)
        _subscribe(service)
        on.page.evaluate("href => { location.hash = href; }", f"#/title/{film}")
        on.page.get_by_role("button", name="Lecture").or_(on.page.get_by_role("button", name="Reprendre")).first.click()
        on.await_film()
