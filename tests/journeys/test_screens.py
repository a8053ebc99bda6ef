"""Pictures of each screen on a television and a phone, for looking at: in MATINEE_SCREENSHOTS, else in a temporary folder.

What can be asserted of beauty is little: nothing is blank, every screen says what it is for, and no line of text is cut or
runs out of a phone's side.
"""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.journeys.places import PLACES, SEATS, address_for
from tests.journeys.screens import screen
from tests.journeys.service import LIGHTHOUSE, Service


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("MATINEE_SCREENSHOTS")
    made = Path(named) if named else tmp_path_factory.mktemp("screens")
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("place", PLACES)
def test_picture(service: Service, browser: Browser, folder: Path, place: str, seat: str) -> None:
    reach, says = PLACES[place]
    size, touch = SEATS[seat]
    service.rewind(LIGHTHOUSE)
    with screen(browser, address_for(service, seat), size=size, touch=touch) as on:
        reach(on, service)
        on.see(says)
        path = folder / f"{seat}-{place}.png"
        on.page.screenshot(path=path)
        picture = np.asarray(Image.open(BytesIO(path.read_bytes())).convert("RGB"))
        assert picture.shape[:2] == (size["height"], size["width"])
        assert len(np.unique(picture.reshape(-1, 3)[::97], axis=0)) > 20, "the screen is blank"
        assert picture.max() > 180, "nothing light stands on the screen"
        wide = on.page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
        assert wide <= 0, f"the page is {wide} px wider than the screen"
