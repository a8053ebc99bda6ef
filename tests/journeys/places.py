"""The screens that a person can reach, each by name: how it is reached on a television and on a phone, and what it must say."""

import re
from collections.abc import Callable, Mapping

from tests.journeys.screens import HOLD_TIMERS, PHONE, TV, Screen
from tests.journeys.service import LIGHTHOUSE, SERIES, Service

KIDS = re.compile("Kids")


def profiles(on: Screen, service: Service) -> None:
    on.page.get_by_role("button", name=KIDS).wait_for()


def home(on: Screen, service: Service) -> None:
    profiles(on, service)
    on.page.get_by_role("button", name=KIDS).click()
    on.page.locator(f'a[data-title="{service.titles[LIGHTHOUSE]}"]').first.wait_for()
    on.page.locator(".card img.shown").first.wait_for()
    on.page.wait_for_timeout(900)  # the backdrop's fade, and the names that show where a picture is late


def _title(on: Screen, service: Service, name: str) -> None:
    home(on, service)
    on.page.evaluate("href => { location.hash = href; }", f"#/title/{service.titles[name]}")
    if on.layer() == "home":  # a television mirrors its place in the address, and reads it at its start alone
        on.page.reload()
    on.until(f"the page of {name}", lambda: bool(on.page.evaluate("!!document.querySelector('[data-action=play]')")))
    on.page.wait_for_timeout(900)


def film_title(on: Screen, service: Service) -> None:
    _title(on, service, LIGHTHOUSE)


def series_title(on: Screen, service: Service) -> None:
    _title(on, service, SERIES)


def search(on: Screen, service: Service) -> None:
    home(on, service)
    on.page.get_by_role("link", name="Search", exact=True).click()
    on.until("the search", lambda: on.layer() == "search")
    if on.page.locator("input[type=search]").count():
        on.page.locator("input[type=search]").fill("train")
    else:
        for letter in "train":
            on.page.locator(".key", has_text=re.compile(f"^{letter}$")).click()
    on.see("1 title")
    on.page.wait_for_timeout(900)


def settings(on: Screen, service: Service) -> None:
    home(on, service)
    on.page.get_by_role("link", name="Settings", exact=True).click()
    on.see("Operator")


def player(on: Screen, service: Service) -> None:
    """The film, with what a seek shows: thumbnails, which stay until the screen is left."""
    film_title(on, service)
    on.page.locator("[data-action=play]").click()
    on.await_film()
    on.page.evaluate(HOLD_TIMERS)
    on.press("ArrowRight", "ArrowRight")
    on.page.locator(".play-strip, .play-seek-preview").first.wait_for(state="visible")
    on.page.wait_for_timeout(400)


def tracks(on: Screen, service: Service) -> None:
    film_title(on, service)
    on.page.locator("[data-action=tracks]").click()
    on.until("the choice of languages", lambda: on.layer() == "tracks")


PLACES: Mapping[str, tuple[Callable[[Screen, Service], None], str]] = {
    "profiles": (profiles, "Kids"),
    "home": (home, "Just added"),
    "title": (film_title, "A keeper, a lamp, and the sea rising."),
    "series": (series_title, "Two days, two seasons."),
    "search": (search, "1 title"),
    "settings": (settings, "Operator"),
    "player": (player, "0:2"),
    "tracks": (tracks, "Subtitles"),
}

SEATS: Mapping[str, tuple[dict[str, int], bool]] = {"tv": (TV, False), "phone": (PHONE, True)}


def address_for(service: Service, seat: str) -> str:
    return service.box_address if seat == "tv" else service.watch_address
