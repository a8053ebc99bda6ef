"""axe-core on every screen, on a television and on a phone: nothing that it calls serious or critical."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journeys.places import PLACES, SEATS, address_for
from tests.journeys.screens import screen
from tests.journeys.service import LIGHTHOUSE, Service

_AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
_GRAVE = ("serious", "critical")


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("place", PLACES)
def test_nothing_grave(service: Service, browser: Browser, place: str, seat: str) -> None:
    reach, _ = PLACES[place]
    size, touch = SEATS[seat]
    service.rewind(LIGHTHOUSE)
    with screen(browser, address_for(service, seat), size=size, touch=touch) as on:
        reach(on, service)
        on.page.evaluate(_AXE.read_text())  # run by the inspector, which our own policy rightly does not stop
        found = on.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        assert len(found["passes"]) > 5, "axe saw nothing"
        grave = [
            f"{one['id']} ({one['impact']}): {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in _GRAVE
        ]
        assert not grave, "\n".join(grave)
