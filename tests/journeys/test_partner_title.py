"""A title that lies with a partner, by the remote's keys: in Home's rows, in search, on its page; and OK leads there."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from matinee.base.ids import ServiceId
from matinee.catalogue.partner_rules import title_id_of
from tests.feed_server import HOST, access, document, part_of, work
from tests.journeys.screens import PATIENCE_MS, choose_profile, screen
from tests.journeys.service import Service
from tests.journeys.stories import apply_story, signed_at_the_demos_operator

NAME = "Chaîne 1"
_STORY = signed_at_the_demos_operator(NAME, "catchup")
_LAUNCH = """
[[launches]]
operator = "Home fibre"
service = "Chaîne 1"
state = "{state}"
since = {since}
technical_at = 2026-01-01
"""
TIZEN = "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"


def _launch(service: Service, folder: Path, *launches: tuple[str, str]) -> None:
    apply_story(service, folder, _STORY + "".join(_LAUNCH.format(state=state, since=since) for state, since in launches))


@pytest.fixture(scope="module")
def titles(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """English name -> id of a partner's titles, for as long as this module runs."""
    folder = tmp_path_factory.mktemp("partner")
    _launch(service, folder, ("open", "2026-01-01"))
    link = {"@type": "EntryPoint", "urlTemplate": f"https://{HOST}/watch?title={{id}}&lang={{language}}&from={{source}}"}
    action = {**access("subscription", requiresSubscription={"name": "Pass"}), "target": link}
    about = {"description": "What happened today.", "genre": "documentary", "duration": "PT40M"}
    names = [{"@language": "fr", "@value": "Le journal du soir"}, {"@language": "en", "@value": "The Evening News"}]
    feed = folder / "feed.json"
    feed.write_bytes(
        document([
            work("news", name=names, potentialAction=action, **about),
            part_of("Les voisins", 1, 1, "Le palier", potentialAction=action),
        ])
    )  # fmt: skip
    done = service.matinee("feed", "set", NAME, f"https://{HOST}/feed", "--every", "10000")
    assert done.returncode == 0, done.stderr
    done = service.matinee("feed", "read", NAME, "--file", str(feed))
    end = time.monotonic() + 60
    while "being read already" in done.stderr and time.monotonic() < end:  # the worker has found it due
        time.sleep(0.5)
        done = service.matinee("feed", "read", NAME, "--file", str(feed))
    assert done.returncode == 0, done.stdout + done.stderr
    with service.client() as client:
        (news,) = _found(client, "journal du soir")
    partner = ServiceId(news["service_id"])
    assert news["id"] == title_id_of(partner, "urn:partner:news")
    yield {"news": news["id"], "neighbours": title_id_of(partner, "urn:partner:Les-voisins")}
    _launch(service, folder, ("open", "2026-01-01"), ("ended", "2026-01-02"))


def _found(client: httpx.Client, words: str) -> list[dict[str, str]]:
    """What a search finds, once the service has followed what a command wrote."""
    end = time.monotonic() + 20
    while not (items := client.get("/api/v1/search", params={"q": words}).json()["items"]):
        assert time.monotonic() < end, f"{words} was not found within 20 s"
        time.sleep(0.1)
    return list(items)


def test_ok_on_its_page_leads_to_the_partner(service: Service, browser: Browser, titles: dict[str, str], tmp_path: Path) -> None:
    folder = Path(os.environ.get("MATINEE_SCREENSHOTS") or tmp_path)
    with screen(browser, service.box_address) as on:
        on.context.route(
            f"https://{HOST}/**", lambda route: route.fulfill(body="<title>partner</title>", content_type="text/html")
        )
        choose_profile(on)
        on.find_card(titles["news"])
        assert on.focused() == "The Evening News, 40m, Chaîne 1"
        on.page.wait_for_timeout(900)
        on.page.screenshot(path=folder / "partner-home.png")
        on.press("Enter")
        on.until("its page", lambda: "Watch on Chaîne 1" in on.focused())
        expect(on.page.get_by_text("With Pass")).to_be_visible(timeout=PATIENCE_MS)
        assert on.page.get_by_text("Play", exact=True).count() == 0
        on.page.wait_for_timeout(900)
        on.page.screenshot(path=folder / "partner-title.png")
        with on.context.expect_page() as opened:
            on.press("Enter")
        page = opened.value
        page.wait_for_url(f"https://{HOST}/**")
        assert page.url == f"https://{HOST}/watch?title=urn%3Apartner%3Anews&lang=en&from=home"
        assert page.evaluate("[window.opener, document.referrer]") == [None, ""]
        page.close()
        on.press("Escape")
        on.until("Home again", lambda: on.layer() == "home")


def test_an_episode_is_opened_below_its_series(service: Service, browser: Browser, titles: dict[str, str]) -> None:
    with screen(browser, service.box_address) as on:
        on.context.route(
            f"https://{HOST}/**", lambda route: route.fulfill(body="<title>partner</title>", content_type="text/html")
        )
        choose_profile(on)
        on.find_card(titles["neighbours"])
        on.press("Enter")
        on.until("its page", lambda: "Watch on Chaîne 1" in on.focused())
        on.press("ArrowDown")
        on.until("its episode", lambda: "Le palier" in on.focused())
        with on.context.expect_page() as opened:
            on.press("Enter")
        opened.value.wait_for_url(f"https://{HOST}/**")
        assert "title=urn%3Apartner%3ALe-palier" in opened.value.url


def test_a_box_that_knows_no_way_says_so(service: Service, browser: Browser, titles: dict[str, str], tmp_path: Path) -> None:
    folder = Path(os.environ.get("MATINEE_SCREENSHOTS") or tmp_path)
    with screen(browser, service.box_address, user_agent=TIZEN) as on:
        choose_profile(on, "Salon")
        on.find_card(titles["news"])
        on.press("Enter")
        on.until("its page", lambda: "Regarder sur Chaîne 1" in on.focused())
        on.press("Enter")
        on.see("Cet appareil ne sait pas encore ouvrir Chaîne 1. Vous trouverez ce titre dans son application.")
        assert len(on.context.pages) == 1
        on.page.screenshot(path=folder / "partner-no-way.png")


def test_a_film_of_ours_is_not_opened_elsewhere(service: Service, titles: dict[str, str]) -> None:
    with service.client() as client:
        own = service.titles["The Lighthouse"]
        assert client.get(f"/api/v1/titles/{own}").json()["service_name"] is None
        assert client.post(f"/api/v1/titles/{own}/open", json={"source": "home"}).status_code == 409
        body = {"title_id": titles["news"], "profile_id": service.profile()}
        refused = client.post("/api/v1/playback", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "title_not_playable")
