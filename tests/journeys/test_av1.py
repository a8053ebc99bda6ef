"""A film in both codings, played by a real browser: by one whose box is declared to take no AV1, and by one that may choose."""

import json
import re
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser

from matinee.encoding.ladder import FIXED_V2
from tests.films import make_film
from tests.journeys.screens import Screen, choose_profile, is_lively, screen
from tests.journeys.service import ADD_SECONDS, FAST_LADDER, Service, environment_for, free_ports, run_matinee, serving

FILM = "Both"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own with one short film, in H.264 and AV1."""
    folder = tmp_path_factory.mktemp("av1")
    port, edge_port = free_ports(2)
    environment = environment_for(folder / "data", heartbeat_seconds="1", port=str(port), edge_port=str(edge_port))
    av1 = {"preset": "9", "crf": 40, "percent": 60}
    ladder = {**FAST_LADDER, "name": "both", "codings": list(FIXED_V2.codings), "av1": av1}
    (folder / "both.json").write_bytes(msgspec.json.encode(ladder))
    environment["MATINEE_LADDER"] = str(folder / "both.json")
    make_film(folder / "films" / f"{FILM}.mp4", seconds=8, source="testsrc2")
    added = run_matinee(["add", str(folder / "films"), "--json"], environment, ADD_SECONDS)
    assert added.returncode == 0, added.stdout + added.stderr
    with serving(environment, folder / "serve.log", port=port, edge_port=edge_port):
        listed = json.loads(run_matinee(["titles", "--json"], environment).stdout)["titles"]
        tokens = json.loads((folder / "data" / "keys" / "screens.json").read_text())
        yield Service(
            data=folder / "data",
            web=f"http://127.0.0.1:{port}",
            edge=f"http://127.0.0.1:{edge_port}",
            box_token=tokens["box"],
            web_token=tokens["web"],
            api_key="",
            titles={title["name"]: title["id"] for title in listed},
            environment=environment,
        )


def told_of_av1(service: Service, token: str) -> dict[str, object] | None:
    """What a play's answer tells a screen of AV1."""
    with service.client(token) as client:
        profile = client.get("/api/v1/me").raise_for_status().json()["profiles"][0]["id"]
        body = {"title_id": service.titles[FILM], "profile_id": profile}
        told: dict[str, object] | None = client.post("/api/v1/playback", json=body).raise_for_status().json()["av1"]
        return told


def watched(seen: Screen) -> tuple[set[str], int]:
    """The rungs whose bytes a screen asks for while its film plays, and how many frames it has shown."""
    seen.await_film(beyond=2.5)
    assert seen.film()["height"] in (180, 360)
    frames = seen.page.evaluate("document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames")
    asked = seen.page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
    return {found[1] for one in asked if (found := re.search(r"/((?:v|av1_)\d+)/\d+\.m4s", one))}, frames


def test_a_box_whose_model_takes_no_av1_is_told_of_none_and_plays_h264(both: Service, browser: Browser) -> None:
    assert told_of_av1(both, both.box_token) is None
    with screen(browser, both.box_address) as tv:
        choose_profile(tv, "Kids")
        tv.find_card(both.titles[FILM])
        tv.press("Enter")
        tv.until("the title's page", lambda: tv.hash() == f"#/title/{both.titles[FILM]}")
        tv.until("its first button", lambda: tv.page.evaluate("document.activeElement?.dataset.action ?? ''") == "play")
        tv.press("Enter")
        rungs, frames = watched(tv)
        assert rungs
        assert all(rung.startswith("v") for rung in rungs)
        assert frames > 0


def test_a_browser_that_decodes_av1_as_well_as_h264_plays_it(both: Service, browser: Browser) -> None:
    assert told_of_av1(both, both.web_token) == {
        "codec": "av01.0.01M.08",
        "width": 640,
        "height": 360,
        "bitrate": 540_000,
        "frame_rate": 24.0,
        "hdr": False,
    }
    with screen(browser, both.watch_address, size={"width": 1280, "height": 800}) as web:
        web.page.get_by_role("button", name=re.compile("Kids")).click()
        web.page.locator(f'a[data-title="{both.titles[FILM]}"]').first.click()
        web.page.get_by_role("button", name=re.compile("^(Play|Resume)$")).first.click()
        rungs, frames = watched(web)
        assert rungs
        assert all(rung.startswith("av1_") for rung in rungs)
        assert frames > 0
        assert is_lively(web.picture({"x": 320, "y": 100, "width": 640, "height": 400})), "the decrypted picture is black"
