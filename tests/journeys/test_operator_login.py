"""A phone signs its household in at the operator, in Chromium: over there and back across two sites."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journeys.screens import CUT_LINE, PHONE, screen
from tests.journeys.service import environment_for, free_ports, run_matinee, serving
from tests.members.operator_provider import AUDIENCE, Provider, provider

OURS = "our-pages"


@pytest.fixture(scope="module")
def operator() -> Iterator[Provider]:
    """A provider under another name than the service's: to a browser it is another site."""
    with provider("localhost") as made:
        made.signed_in_at = int(time.time()) - 86_400
        yield made


@pytest.fixture(scope="module")
def web(operator: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service without films that has read the provider, and the household of the demo at its operator's line."""
    folder = tmp_path_factory.mktemp("operator-login")
    port, edge_port = free_ports(2)
    environment = environment_for(folder / "data", port=str(port), edge_port=str(edge_port), call_private_addresses="true")
    assert run_matinee(["token", "web"], environment, 120).returncode == 0
    named = ["sign-in", "issuer", "Home fibre", operator.issuer, "--audience", AUDIENCE, "--web-client", OURS, "--public"]
    said = run_matinee(named, environment, 120)
    assert said.returncode == 0, said.stderr
    (redirect,) = (word for word in said.stdout.split() if word.endswith("/done"))
    operator.clients[OURS] = ("", redirect)
    with serving(environment, folder / "serve.log", port=port, edge_port=edge_port):
        until = time.monotonic() + 90
        while True:
            (row,) = json.loads(run_matinee(["sign-in", "issuers", "--json"], environment, 60).stdout)["issuers"]
            if row["keys"]:
                break
            assert time.monotonic() < until, row
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    assert "did not sign a browser in" not in (folder / "serve.log").read_text()


def test_a_phone_signs_in_at_its_operator_and_comes_back(web: str, operator: Provider, browser: Browser, tmp_path: Path) -> None:
    operator.now, operator.customer = int(time.time() * 1000), "demo-line"
    operator.asked.clear()
    with screen(browser, f"{web}/watch/", size=PHONE, touch=True, forgives=CUT_LINE) as phone:
        phone.page.get_by_role("button", name="Sign in in this browser").click()
        there = phone.page.get_by_role("link", name="Sign in with Home fibre")
        there.wait_for()
        phone.page.screenshot(path=tmp_path / "phone-sign-in.png", full_page=True)
        there.click()
        phone.page.wait_for_url(lambda address: "/watch/" in address)
        phone.until("the profiles", lambda: phone.layer() == "profiles")
        assert "code=" not in phone.page.url
        phone.page.reload()
        phone.until("the profiles", lambda: phone.layer() == "profiles")
    assert [one.get("prompt") for one in operator.asked if "response_type" in one] == [None]


def test_whom_the_operator_knows_and_nobody_here_is_told_so(
    web: str, operator: Provider, browser: Browser, tmp_path: Path
) -> None:
    operator.now, operator.customer = int(time.time() * 1000), "nobody"
    with screen(browser, f"{web}/activate", size=PHONE, touch=True, forgives=CUT_LINE) as phone:
        phone.page.get_by_role("link", name="Sign in with Home fibre").click()
        phone.page.get_by_text("no household of this service is at your line").wait_for()
        phone.page.screenshot(path=tmp_path / "phone-no-home.png", full_page=True)
        phone.page.get_by_role("link", name="Go back").click()
        phone.page.get_by_label("Password").wait_for()
