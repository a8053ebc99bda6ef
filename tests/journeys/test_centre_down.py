"""The centre is killed while a film plays and the edge lives on: the film goes on by the right that it was given, and so does its
place when the centre is back.

The stream token is that right: signed, good for the film and an hour, asked of nobody (docs/decisions/0030). The edge stands
alone here, as it does in an operator's network: a process of its own, which no end of `matinee serve` takes along.
"""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from matinee.app.edge_process import edge_child
from matinee.app.installation import open_installation
from matinee.app.settings import load_settings
from matinee.delivery.keyring import open_ring
from matinee.outside.processes import dies_with_parent
from tests.films import make_film
from tests.journeys.screens import CUT_LINE, PATIENCE_MS, Screen, choose_profile, screen
from tests.journeys.service import ADD_SECONDS, environment_for, free_ports, run_matinee, serving

SECONDS = 110
"""Of the film: what a player fetches ahead is 30 s, and the rest must come while the centre is away."""
BEYOND_SECONDS = 8.0
BUFFERED = "(() => { const film = document.querySelector('video'); return film.buffered.end(film.buffered.length - 1); })()"


@dataclass(frozen=True)
class Centre:
    """What the centre is started with, again and again, beside an edge that stands."""

    environment: Mapping[str, str]
    port: int
    edge_port: int
    log: Path
    title: str

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def up(self) -> "Iterator[subprocess.Popen[bytes]]":
        with serving(self.environment, self.log, port=self.port, edge_port=self.edge_port) as process:
            yield process

    def client(self) -> httpx.Client:
        token = json.loads((Path(self.environment["MATINEE_DATA"]) / "keys" / "screens.json").read_text())["box"]
        return httpx.Client(base_url=self.web, headers={"Authorization": f"Bearer {token}"}, timeout=20)


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("centre")
    film = make_film(folder / "films" / "film.mp4", seconds=SECONDS, languages=("eng",))
    port, own_edge, edge_port = free_ports(3)
    edge_url = f"http://127.0.0.1:{edge_port}"
    environment = environment_for(
        folder / "data", heartbeat_seconds="1", port=str(port), edge_port=str(own_edge), edge_url=edge_url
    )
    added = run_matinee(["add", str(film), "--json"], environment, ADD_SECONDS)
    assert added.returncode == 0, added.stdout + added.stderr
    title = json.loads(run_matinee(["titles", "--json"], environment).stdout)["titles"][0]["id"]
    settings = load_settings(folder / "data", {"MATINEE_EDGE_PORT": str(edge_port), "MATINEE_PORT": str(port)})
    with open_installation(settings) as installation:
        open_ring(installation.token_key_file)  # made where there is none: an edge makes no keys
        child = edge_child(installation)
    edge = subprocess.Popen(
        [sys.executable, "-m", child.module], env=dict(child.environment), stdin=subprocess.DEVNULL, preexec_fn=dies_with_parent
    )
    try:
        yield Centre(environment, port, own_edge, folder / "serve.log", title)
    finally:
        edge.terminate()
        edge.wait(20)


def _fetched_ahead(tv: Screen) -> float:
    """Up to which second the player has the film."""
    return float(tv.page.evaluate(BUFFERED))


def test_a_film_plays_on_beyond_what_was_fetched_and_its_place_is_told_when_the_centre_is_back(
    centre: Centre, browser: Browser
) -> None:
    with centre.up() as process, screen(browser, _box(centre), forgives=CUT_LINE) as tv:
        choose_profile(tv)
        tv.find_card(centre.title)
        tv.press("Enter")
        tv.until("its first button", lambda: tv.page.evaluate("document.activeElement?.dataset.action ?? ''") == "play")
        tv.press("Enter")
        tv.await_film(1.0)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{centre.web}/healthz", timeout=2)
        ahead = _fetched_ahead(tv)
        assert ahead < SECONDS - 2 * BEYOND_SECONDS, "the film was there to its end: this would prove nothing"

        tv.until("it plays beyond what it had", lambda: tv.film()["at"] > ahead + BEYOND_SECONDS, ahead + 2 * PATIENCE_MS / 1000)
        assert not tv.film()["paused"]
        assert tv.hash().startswith("#/play/"), "nothing has taken the film's place on the screen"
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{centre.web}/healthz", timeout=2)

        with centre.up():
            _is_told_a_place_beyond(centre, ahead)
            assert not tv.film()["paused"], "the same film has played through all of it"
            for _ in range(3):
                if tv.hash().startswith("#/play/"):
                    tv.press("Escape", pause_ms=250)
            tv.until("its first button", lambda: tv.page.evaluate("document.activeElement?.dataset.action ?? ''") == "play")
            tv.press("Enter")
            tv.await_film(ahead)


def _is_told_a_place_beyond(centre: Centre, second: float) -> None:
    """The screen's next reports move the place of its profile, as if nothing had been."""
    end = time.monotonic() + PATIENCE_MS / 1000
    with centre.client() as client:
        profiles = client.get("/api/v1/me").json()["profiles"]
        kids = next(one["id"] for one in profiles if one["name"] == "Kids")
        while True:
            told = client.get(f"/api/v1/titles/{centre.title}", params={"profile": kids}).json()["resume"]
            if told is not None and told["position_ms"] > second * 1000:
                return
            assert time.monotonic() < end, told
            time.sleep(0.2)


def _box(centre: Centre) -> str:
    token = json.loads((Path(centre.environment["MATINEE_DATA"]) / "keys" / "screens.json").read_text())["box"]
    return f"{centre.web}/box/#token={token}"
