"""A home that watches on as many screens as its plan gives; and films that go on while the centre is away."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from playwright.sync_api import Browser, expect

from matinee.app.edge_process import VARIABLE
from matinee.delivery.model import EdgeConfig
from matinee.outside.processes import dies_with_parent
from tests.journeys.screens import PATIENCE_MS, PHONE, Screen, choose_profile, screen
from tests.journeys.service import LIGHTHOUSE, TRAIN, Service, free_ports, serving
from tests.journeys.stories import apply_story, signed_at_the_demos_operator

_PLAN = ("--service", "Matinee", "--plan", "One screen")
_REFUSED = ("status of 409",)
_AWAY = ("net::ERR_", "status of 5")


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    return Path(os.environ.get("MATINEE_SCREENSHOTS") or tmp_path)


@pytest.fixture
def one_screen(service: Service, tmp_path: Path) -> Iterator[None]:
    """The demo's home has a plan for one film at a time, for the length of a test."""
    apply_story(service, tmp_path, signed_at_the_demos_operator("Matinee", publisher="Matinee", billing="direct"))
    _run(service, "subscription", "add", "demo", *_PLAN)
    _run(service, "subscription", "limits", *_PLAN, "--streams", "1")
    with service.client() as client:
        _until(
            "the plan is known", lambda: client.get(f"/api/v1/titles/{service.titles[LIGHTHOUSE]}").json()["needs_plan"] is None
        )
    time.sleep(10)  # what other journeys left playing lapses
    yield
    service.matinee("subscription", "end", "demo", *_PLAN)
    apply_story(service, tmp_path, signed_at_the_demos_operator("Matinee", publisher="Matinee", billing="none"))


def _run(service: Service, *arguments: str) -> None:
    done = service.matinee(*arguments)
    assert done.returncode == 0, done.stderr


def _until(what: str, holds: object, seconds: float = PATIENCE_MS / 1000) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, what
        time.sleep(0.1)


def _watch(on: Screen, service: Service, title: str) -> None:
    """From the screen's start to a film that plays, by its address."""
    on.page.evaluate("href => { location.hash = href; }", f"#/title/{service.titles[title]}")
    on.page.locator("[data-action=play]").click()


def test_the_box_names_the_phone_stops_it_and_plays(service: Service, browser: Browser, one_screen: None, shots: Path) -> None:
    with (
        screen(browser, service.watch_address, size=PHONE, touch=True, forgives=_REFUSED) as phone,
        screen(browser, service.box_address, forgives=_REFUSED) as box,
    ):
        phone.page.get_by_role("button", name="Kids").click()
        phone.page.locator(".card").first.wait_for()
        _watch(phone, service, TRAIN)
        phone.await_film()

        choose_profile(box)
        box.find_card(service.titles[LIGHTHOUSE])
        box.press("Enter")
        box.until("its page", lambda: box.focused() in ("Play", "Resume"))
        box.press("Enter")
        box.until("what runs is named", lambda: box.layer() == "player-streams")
        box.see("Already watching elsewhere")
        assert "A browser or a phone" in box.focused()
        assert TRAIN in box.focused()
        box.page.wait_for_timeout(600)
        box.page.screenshot(path=shots / "box-streams.png")
        box.press("ArrowDown")
        box.until("the other ways", lambda: "Try again" in box.focused())
        box.press("Enter")
        box.until("it is asked anew, and named again", lambda: "A browser or a phone" in box.focused())
        box.press("Enter")
        box.await_film()

        expect(phone.page.locator(".play-trouble")).to_contain_text("stopped it from another screen", timeout=PATIENCE_MS)
        phone.page.wait_for_timeout(600)
        phone.page.screenshot(path=shots / "phone-stopped.png")
        phone.page.get_by_role("button", name="Try again").click()
        expect(phone.page.locator(".play-stream")).to_contain_text("The Lighthouse", timeout=PATIENCE_MS)
        phone.page.wait_for_timeout(600)
        phone.page.screenshot(path=shots / "phone-streams.png")
        phone.page.locator(".play-stream").click()
        phone.await_film()
        box.see("The film was stopped")
        box.page.wait_for_timeout(600)
        box.page.screenshot(path=shots / "box-stopped.png")
        box.press("Escape")
        box.until("back at its page", lambda: "#/title/" in box.hash())


@contextlib.contextmanager
def _edge_of_its_own(service: Service, port: int) -> Iterator[None]:
    """An edge that is no child of `matinee serve`, as one in an operator's network."""
    config = EdgeConfig(
        published_url=f"file://{service.data}/published", key_file=str(service.data / "keys" / "token.key"), port=port
    )
    environment = {"PATH": os.environ["PATH"], VARIABLE: msgspec.json.encode(config).decode()}
    environment |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    edge = subprocess.Popen([sys.executable, "-m", "matinee.app.edge_process"], env=environment, preexec_fn=dies_with_parent)
    try:
        _until("the edge answers", lambda: _answers(f"http://127.0.0.1:{port}/healthz"))
        yield
    finally:
        edge.send_signal(signal.SIGTERM)
        edge.wait(20)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_film_goes_on_while_the_centre_is_away_and_its_place_is_told_when_it_is_back(
    service: Service, browser: Browser, tmp_path: Path, shots: Path
) -> None:
    port, unused, edge_port = free_ports(3)
    environment = {
        **service.environment,
        "MATINEE_PORT": str(port),
        "MATINEE_EDGE_PORT": str(unused),
        "MATINEE_EDGE_URL": f"http://127.0.0.1:{edge_port}",
    }
    second = dataclasses.replace(service, web=f"http://127.0.0.1:{port}", environment=environment)
    second.rewind(LIGHTHOUSE) if _answers(f"{second.web}/healthz") else service.rewind(LIGHTHOUSE)
    centre = lambda: serving(environment, tmp_path / "serve.log", port=port, edge_port=unused)  # noqa: E731
    with _edge_of_its_own(service, edge_port), contextlib.ExitStack() as first:
        process = first.enter_context(centre())
        with screen(browser, second.box_address, forgives=_AWAY) as on:
            choose_profile(on)
            on.find_card(second.titles[LIGHTHOUSE])
            on.press("Enter")
            on.until("its page", lambda: on.focused() in ("Play", "Resume"))
            on.press("Enter")
            on.await_film(1.0)

            process.kill()  # as a power cut: the web process and all that it started
            process.wait()
            assert not _answers(f"{second.web}/healthz")
            on.await_film(on.film()["at"] + 3)
            with second_edge_is_asked(on, edge_port):
                while on.film()["at"] < 60:
                    on.press("ArrowRight", pause_ms=60)
                on.await_film(60.0)
            on.page.screenshot(path=shots / "box-centre-away.png")
            at = on.film()["at"]
            on.press("Escape")
            on.page.wait_for_timeout(500)
            if "#/play" in on.hash():
                on.press("Escape")
            on.until("the film is left", lambda: "#/play" not in on.hash())

            with centre():
                _until("the place is told", lambda: (second.resume_ms(LIGHTHOUSE, "Kids") or 0) >= at * 1000 - 2_000, 60)


@contextlib.contextmanager
def second_edge_is_asked(on: Screen, port: int) -> Iterator[None]:
    """Segments come from the edge within the block: the film does not merely live from what it had."""
    asked: list[str] = []
    note = lambda answer: asked.append(answer.url) if answer.status in (200, 206) else None  # noqa: E731
    on.page.on("response", note)
    yield
    on.page.remove_listener("response", note)
    assert any(f":{port}/s/" in url and url.endswith(".m4s") for url in asked), "no segment was fetched"
