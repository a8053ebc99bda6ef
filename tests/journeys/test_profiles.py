"""The people of a home, by the keys of a remote: the PIN before a profile for 18, and a child's home that is not left without it.

The films are rows alone: nothing here plays, and so nothing need be encoded.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from matinee.app.household import ensure_household
from matinee.app.ingests import default_service
from matinee.app.installation import open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.clock import Instant
from matinee.catalogue import store as titles
from matinee.catalogue.model import AgeClass, Genre
from tests.catalogue.factories import film
from tests.journeys.screens import PATIENCE_MS, Screen, screen
from tests.journeys.service import environment_for, free_ports, serving

PIN = "2468"
_REFUSED = ("status of 403", "status of 404")
"""What Chromium notes of a PIN that is wrong, and of pictures that are not there."""


@dataclass(frozen=True)
class House:
    box: str
    web: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running service with films of two age classes, and the demo's home: Salon for 18 and Kids for 10."""
    folder = tmp_path_factory.mktemp("house")
    data = folder / "data"
    with open_installation(load_settings(data, {})) as installation:
        service, now = default_service(installation), read_clock()
        ensure_household(installation, service, now)
        of = {"publisher": service.publisher, "service": service.id, "genres": (Genre("drama"),)}
        made = [film(f"Small tale {n}", published_at=Instant(now - n), **of) for n in range(6)]
        made += [film(f"Dark tale {n}", age_class=AgeClass(18), published_at=Instant(now - 10 - n), **of) for n in range(6)]
        with installation.database.write() as conn:
            titles.insert_many(conn, made, now)
    port, edge_port = free_ports(2)
    environment = environment_for(data, port=str(port), edge_port=str(edge_port))
    with serving(environment, folder / "serve.log", port=port, edge_port=edge_port):
        tokens = json.loads((data / "keys" / "screens.json").read_text())
        web = f"http://127.0.0.1:{port}"
        yield House(box=f"{web}/box/#token={tokens['box']}", web=f"{web}/watch/#token={tokens['web']}")


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    return Path(os.environ.get("MATINEE_SCREENSHOTS") or tmp_path)


def _type(on: Screen, pin: str) -> None:
    on.until("the pad", lambda: on.layer() == "pin")
    on.press(*pin)


def _profiles(on: Screen) -> None:
    on.until("the profiles", lambda: on.layer() == "profiles")


def _home(on: Screen) -> None:
    on.until("Home", lambda: on.layer() == "home")


def test_a_grown_ups_profile_asks_for_the_pin_and_a_childs_is_not_left_without(
    house: House, browser: Browser, shots: Path
) -> None:
    with screen(browser, house.box, forgives=_REFUSED) as on:
        _profiles(on)
        on.page.screenshot(path=shots / "who.png")
        on.move_to("Salon", "ArrowLeft", 3)
        on.press("Enter")
        _home(on)
        expect(on.page.locator("body")).to_contain_text("Dark tale", timeout=PATIENCE_MS)

        # The PIN is set in the settings, entered twice.
        on.page.evaluate("location.hash = '#/settings'")
        on.page.reload()
        on.until("the settings", lambda: on.layer() == "settings")
        on.page.screenshot(path=shots / "settings.png")
        on.move_to("code", "ArrowDown", 6)
        on.press("Enter")
        _type(on, PIN)
        _type(on, PIN)
        on.until("the pad is closed", lambda: on.layer() == "settings")

        # Kids becomes a children's profile, which takes the PIN.
        on.page.evaluate("location.hash = '#/profiles'")
        on.page.reload()
        _profiles(on)
        on.press("ArrowDown", "Enter", "ArrowUp")
        on.move_to("Kids", "ArrowRight", 3)
        on.press("Enter")
        on.until("the editor", lambda: on.layer() == "profile-edit")
        on.page.screenshot(path=shots / "editor.png")
        on.press("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "Enter", "ArrowDown", "ArrowDown", "Enter")
        on.until("the pad", lambda: on.layer() == "pin")
        on.page.screenshot(path=shots / "pin.png")
        _type(on, PIN)
        _profiles(on)

        # From a child's home there is no way back without the PIN, by keys or by a restart.
        on.press("ArrowDown", "Enter", "ArrowUp")
        on.move_to("Kids", "ArrowRight", 3)
        on.press("Enter")
        _home(on)
        expect(on.page.locator("body")).not_to_contain_text("Dark tale")
        on.page.screenshot(path=shots / "kids.png")
        on.page.reload()
        _home(on)
        expect(on.page.locator("body")).to_contain_text("Small tale", timeout=PATIENCE_MS)
        expect(on.page.locator("body")).not_to_contain_text("Dark tale")
        on.page.evaluate("location.hash = '#/profiles'")
        on.page.reload()
        _profiles(on)
        on.move_to("Salon", "ArrowLeft", 3)
        on.press("Enter")
        _type(on, "1111")
        expect(on.page.locator(".pin-says")).to_have_text("That is not the PIN. Try again.", timeout=PATIENCE_MS)
        on.press("Escape")
        _profiles(on)
        on.press("Enter")
        _type(on, PIN)
        _home(on)
        expect(on.page.locator("body")).to_contain_text("Dark tale", timeout=PATIENCE_MS)

        on.until("a title has the focus", lambda: bool(on.page.evaluate("document.activeElement?.dataset.title ?? ''")))

        # The list, from a title's page to the row on Home.
        on.press("Enter")
        on.until("a title", lambda: on.layer().startswith("#/title/"))
        on.move_to("liste", "ArrowRight", 5)
        on.press("Enter")
        on.page.screenshot(path=shots / "title.png")
        on.until("it is on the list", lambda: "Dans ma liste" in on.focused())
        on.press("Escape")
        _home(on)
        expect(on.page.locator("body")).to_contain_text("Ma liste", timeout=PATIENCE_MS)
        on.page.screenshot(path=shots / "home.png")

        # A start anew asks anew.
        on.page.reload()
        _profiles(on)
