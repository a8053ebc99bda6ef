"""What a person on a sofa does, by the remote's keys, and what the web knows of it afterwards."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Route, expect

from matinee.fleet import store as fleet
from matinee.outside.database import Database
from tests.journeys.screens import CUT_LINE, PATIENCE_MS, Screen, choose_profile, is_lively, screen
from tests.journeys.service import FIRST_DAY, LIGHTHOUSE, SECOND_DAY, SERIES, TRAIN, Service

STEP_SECONDS = 10
SAME_PLACE_SECONDS = 1.0
"""The web goes on no further than this from where the television stopped, by what the two films show themselves."""


@contextmanager
def television(browser: Browser, service: Service, profile: str = "Kids", **options: object) -> Iterator[Screen]:
    """A box's screen at Home, its profile chosen."""
    with screen(browser, service.box_address, **options) as tv:  # type: ignore[arg-type]
        choose_profile(tv, profile)
        yield tv


def open_title(tv: Screen, service: Service, name: str) -> None:
    """From Home's rows to a title's page, and to its first button."""
    tv.find_card(service.titles[name])
    tv.press("Enter")
    tv.until(f"the page of {name}", lambda: tv.hash() == f"#/title/{service.titles[name]}")
    tv.until("its first button", lambda: tv.page.evaluate("document.activeElement?.dataset.action ?? ''") == "play")


def play(tv: Screen, service: Service, name: str) -> None:
    open_title(tv, service, name)
    tv.press("Enter")
    tv.await_film()


def test_from_home_to_a_film_and_on_the_web_where_the_box_left_it(service: Service, browser: Browser) -> None:
    service.rewind(LIGHTHOUSE)
    with television(browser, service) as tv:
        open_title(tv, service, LIGHTHOUSE)
        tv.see("A keeper, a lamp, and the sea rising.")
        assert tv.focused() == "Play"
        tv.note_film()
        tv.press("Enter")
        tv.await_film()
        assert is_lively(tv.picture({"x": 480, "y": 200, "width": 960, "height": 500})), "the decrypted picture is black"

        strip = tv.page.locator(".play-strip")
        with tv.unhurried():
            for steps in (1, 2, 3):
                tv.press("ArrowRight")
                expect(strip).to_be_visible(timeout=PATIENCE_MS)
                assert tv.film()["at"] < (steps + 1) * STEP_SECONDS + 30
            tv.until("thumbnails in the strip", lambda: is_lively(_strip_middle(tv)))
        tv.await_film(beyond=3 * STEP_SECONDS)
        expect(strip).to_be_hidden(timeout=PATIENCE_MS)

        tv.press("ArrowLeft")
        tv.await_film(beyond=2 * STEP_SECONDS)
        _leave(tv)
        _, left_at = tv.noted()
        tv.until("the title's page", lambda: tv.hash().startswith("#/title/"))
        tv.until("Resume has the focus", lambda: tv.focused() == "Resume")
        tv.see("left")

    kept = service.resume_ms(LIGHTHOUSE, "Kids")
    assert kept is not None
    assert abs(kept / 1000 - left_at) <= SAME_PLACE_SECONDS, (kept, left_at)

    with screen(browser, service.watch_address, size={"width": 1280, "height": 800}) as web:
        web.page.get_by_role("button", name=re.compile("Kids")).click()
        web.page.locator(f'a[data-title="{service.titles[LIGHTHOUSE]}"]').first.click()
        web.note_film()
        web.page.get_by_role("button", name="Resume").click()
        web.await_film()
        goes_on_at, _ = web.noted()
        print(f"the television stopped at {left_at:.3f} s, the web went on at {goes_on_at:.3f} s")
        assert abs(goes_on_at - left_at) <= SAME_PLACE_SECONDS, (goes_on_at, left_at)


def _strip_middle(tv: Screen) -> "object":
    box = tv.page.locator(".play-strip-middle .play-tile").bounding_box()
    assert box is not None
    return tv.picture(dict(box))  # type: ignore[arg-type]


def _leave(tv: Screen) -> float:
    """Back, as often as it takes to leave the film; where it was, in seconds."""
    at = 0.0
    for _ in range(4):
        if not tv.hash().startswith("#/play/"):
            break
        at = float(tv.film()["at"]) or at
        tv.press("Escape", pause_ms=250)
    assert not tv.hash().startswith("#/play/"), tv.state()
    return at


def test_the_token_leaves_the_address_and_the_next_start_needs_none(service: Service, browser: Browser) -> None:
    with television(browser, service) as tv:
        assert "token" not in tv.page.url
        tv.page.goto(f"{service.web}/box/")
        tv.until("Home again, with the profile kept", lambda: tv.layer() == "home")


def test_skip_the_intro(service: Service, browser: Browser) -> None:
    service.rewind(TRAIN, "Salon")
    with television(browser, service, "Salon") as tv:
        play(tv, service, TRAIN)
        tv.until("the offer to skip has the focus", lambda: tv.focused() == "Passer l’intro" or "ntro" in tv.focused())
        assert tv.film()["at"] < 19
        tv.press("Enter")
        tv.await_film(beyond=20)
        expect(tv.page.locator(".play-offer button")).to_have_count(0, timeout=PATIENCE_MS)
        _leave(tv)


def test_the_next_episode_follows_at_the_credits(service: Service, browser: Browser) -> None:
    service.rewind(FIRST_DAY)
    with television(browser, service) as tv:
        open_title(tv, service, SERIES)
        tv.step("ArrowDown")
        tv.move_to(FIRST_DAY, "ArrowLeft", 2)
        tv.press("Enter")
        tv.await_film()
        assert tv.hash() == f"#/play/{service.titles[FIRST_DAY]}"
        tv.press("ArrowRight")
        tv.until("the card of the next episode", lambda: tv.focused().startswith("Next episode"))
        assert tv.film()["at"] >= 12
        tv.see(SECOND_DAY)
        tv.press("Enter")
        tv.until("the second episode", lambda: tv.hash() == f"#/play/{service.titles[SECOND_DAY]}")
        tv.await_film()
        assert tv.film()["at"] < 12
        _leave(tv)


def test_another_language_and_subtitles_and_the_profile_keeps_them(service: Service, browser: Browser) -> None:
    profile = service.profile("Salon")
    service.rewind(LIGHTHOUSE, "Salon")
    try:
        with television(browser, service, "Salon") as tv:
            asked: list[str] = []
            tv.page.on("request", lambda request: asked.append(request.url))
            play(tv, service, LIGHTHOUSE)
            tv.until("French sound", lambda: any("/a_fr/" in url for url in asked))
            assert not any("/a_en/" in url for url in asked)

            tv.press("ArrowDown")
            tv.until("the controls", lambda: tv.focused() == "Audio et sous-titres")
            tv.press("Enter")
            tv.until("the panel", lambda: tv.layer() == "player-tracks")
            tv.move_to("Français", "ArrowDown", 4)
            tv.press("Enter")
            tv.step("ArrowLeft")
            tv.move_to("Anglais", "ArrowDown", 3)
            tv.press("Enter")
            tv.until("English sound", lambda: any("/a_en/" in url for url in asked))
            tv.press("Escape")
            expect(tv.page.locator(".play-subtitle")).to_have_text("La mer monte.", timeout=PATIENCE_MS)
            tv.await_film()
            _leave(tv)
        with service.client() as box:

            def kept() -> tuple[str, str]:
                one = next(p for p in box.get("/api/v1/me").json()["profiles"] if p["id"] == profile)
                return one["audio_language"], one["subtitle_language"]

            assert kept() == ("en", "fr")
            begun = box.post("/api/v1/playback", json={"title_id": service.titles[LIGHTHOUSE], "profile_id": profile}).json()
            assert (begun["audio_language"], begun["subtitle_language"]) == ("en", "fr")
            box.post(f"/api/v1/playback/{begun['session_id']}/end", json={"sequence": 1, "position_ms": begun["resume_ms"]})
    finally:
        with service.client() as box:
            box.put(f"/api/v1/profiles/{profile}/preferences", json={"audio_language": "fr", "subtitle_language": None})


def test_search_letter_by_letter_with_a_letter_wrong(service: Service, browser: Browser) -> None:
    with television(browser, service) as tv:
        tv.step("ArrowUp")
        tv.move_to("Search", "ArrowRight", 3)
        tv.press("Enter")
        tv.until("the keyboard", lambda: tv.layer() == "search" and tv.focused() == "a")
        at = 0
        for letter in "lighthpuse":
            at = _to_key(tv, at, "abcdefghijklmnopqrstuvwxyz1234567890".index(letter))
            assert tv.focused() == letter
            tv.press("Enter")
        tv.see("lighthpuse")
        found = tv.page.locator(".results a")
        expect(found).to_have_count(1, timeout=PATIENCE_MS)
        assert found.first.get_attribute("data-title") == service.titles[LIGHTHOUSE]
        while tv.step("ArrowRight"):
            pass
        tv.press("Enter")
        tv.until("its page", lambda: tv.hash() == f"#/title/{service.titles[LIGHTHOUSE]}")
        tv.press("Escape")
        tv.until("the search, as it was", lambda: tv.layer() == "search")
        tv.see("lighthpuse")
        found_again = service.titles[LIGHTHOUSE]
        tv.until("the card that was left", lambda: tv.page.evaluate("document.activeElement.dataset.title") == found_again)


def _to_key(tv: Screen, at: int, to: int, columns: int = 6) -> int:
    lines, steps = to // columns - at // columns, to % columns - at % columns
    tv.press(*["ArrowDown" if lines > 0 else "ArrowUp"] * abs(lines))
    tv.press(*["ArrowRight" if steps > 0 else "ArrowLeft"] * abs(steps))
    return to


@pytest.mark.parametrize(
    ("shows", "user_agent", "back", "play_code", "stop_code"),
    [
        ("webOS", "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/120 Safari/537.36", 461, 415, 413),
        ("Tizen", "Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 Chrome/120 TV Safari/537.36", 10009, 10252, 413),
        ("HbbTV", "Mozilla/5.0 (Linux armv7l) AppleWebKit/537.36 Chrome/120 Safari/537.36 HbbTV/1.6.1 (;;;;;)", 461, 415, 413),
    ],
)
def test_the_remotes_of_other_boxes(
    service: Service, browser: Browser, shows: str, user_agent: str, back: int, play_code: int, stop_code: int
) -> None:
    with television(browser, service, user_agent=user_agent) as tv:
        open_title(tv, service, TRAIN)
        tv.press_code(back)
        tv.until(f"{shows}: Home by its own Back", lambda: tv.layer() == "home")
        tv.press_code(13)
        tv.until(f"{shows}: a title by its OK", lambda: tv.hash().startswith("#/title/"))
        tv.until("its first button", lambda: tv.page.evaluate("document.activeElement?.dataset.action ?? ''") == "play")
        tv.press_code(play_code)
        tv.await_film()
        tv.press_code(stop_code)
        tv.until(f"{shows}: the film left by Stop", lambda: tv.hash().startswith("#/title/"))


def test_nothing_is_lost_while_the_line_is_cut(service: Service, browser: Browser) -> None:
    with television(browser, service, forgives=CUT_LINE) as tv:
        tv.find_card(service.titles[TRAIN])
        cards = tv.page.locator(".card").count()
        tv.context.set_offline(True)
        tv.see("No connection. Trying again.")
        assert tv.page.locator(".card").count() == cards
        tv.press("Enter")
        tv.until("a title's page", lambda: tv.hash().startswith("#/title/"))
        tv.see(TRAIN)  # from what Home knew of it
        tv.press("Escape")
        tv.until("Home, as it was", lambda: tv.layer() == "home" and tv.focused().startswith(TRAIN))
        assert tv.page.locator(".card").count() == cards
        tv.press("Enter")
        tv.context.set_offline(False)
        tv.see("Connected again")
        expect(tv.page.locator(".banner")).to_have_count(0, timeout=PATIENCE_MS)
        tv.until("the whole page comes by itself", lambda: tv.focused() in ("Play", "Resume"))


def test_a_film_goes_on_after_a_cut(service: Service, browser: Browser) -> None:
    service.rewind(LIGHTHOUSE, "Salon")
    with television(browser, service, "Salon", forgives=CUT_LINE) as tv:
        play(tv, service, LIGHTHOUSE)
        tv.context.set_offline(True)
        before = tv.film()["at"]
        # Beyond what was fetched: the film waits, and says so quietly.
        for _ in range(5):
            tv.press("ArrowRight", pause_ms=100)
        tv.page.wait_for_timeout(2500)
        assert tv.hash().startswith("#/play/")
        assert tv.page.locator(".banner").count() == 1
        tv.context.set_offline(False)
        tv.await_film(beyond=before + 3 * STEP_SECONDS)
        expect(tv.page.locator(".banner")).to_have_count(0, timeout=PATIENCE_MS)
        _leave(tv)


def test_a_viewer_who_wants_no_motion_reaches_every_control(service: Service, browser: Browser) -> None:
    service.rewind(LIGHTHOUSE, "Salon")
    with television(browser, service, "Salon", reduced_motion="reduce") as tv:
        play(tv, service, LIGHTHOUSE)
        tv.press("ArrowDown")
        tv.until("the focus on a control", lambda: tv.page.evaluate("document.activeElement.matches('.player button')"))
        _leave(tv)


def test_a_picture_that_does_not_come_is_a_card_in_type(service: Service, browser: Browser) -> None:
    with screen(browser, "about:blank", forgives=("Failed to load resource",)) as tv:

        def refuse(route: Route) -> None:
            route.fulfill(status=404, body="")

        tv.context.route("**/artwork/**", refuse)
        tv.page.goto(service.box_address)
        choose_profile(tv)
        failed = tv.page.locator(".card .picture-failed .picture-name")
        expect(failed.first).to_be_visible(timeout=PATIENCE_MS)
        expect(failed.filter(has_text=LIGHTHOUSE).first).to_be_visible(timeout=PATIENCE_MS)
        open_title(tv, service, LIGHTHOUSE)
        tv.see("A keeper, a lamp, and the sea rising.")


def test_a_box_proves_what_it_runs_after_a_start_that_worked(service: Service, browser: Browser) -> None:
    with television(browser, service) as tv:
        version = tv.page.evaluate("window.matineeShell.version")
        handed_out = service.client().get("/api/v1/box/release").json()
        assert version == handed_out["version"]
        tv.until("the confirmation", lambda: _confirmed(service) == version)
        entry = service.client("").get(handed_out["entry"])
        digest = base64.b64encode(hashlib.sha384(entry.content).digest()).decode()
        assert handed_out["integrity"] == f"sha384-{digest}"


def _confirmed(service: Service) -> str | None:
    database = Database(f"sqlite:///{service.data / 'matinee.db'}")
    try:
        with database.read() as conn:
            return next(iter(fleet.boxes_of(conn))).confirmed_release
    finally:
        database.close()


def test_a_box_without_a_token_says_how_to_connect(service: Service, browser: Browser) -> None:
    with screen(browser, f"{service.web}/box/") as tv:
        tv.see("This box is not connected yet.")
        tv.see("Cette box n’est pas encore reliée.")


def test_a_box_whose_token_is_refused_says_so(service: Service, browser: Browser) -> None:
    with screen(browser, f"{service.web}/box/#token=mtb_{'A' * 43}", forgives=("status of 401",)) as tv:
        tv.see("The service no longer knows this box.")
        kept = tv.page.evaluate("localStorage.getItem('matinee.launcher')")
        assert json.loads(kept)["token"] is None
