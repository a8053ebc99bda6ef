"""`serve --lan` for a real television or phone: TLS by a local authority that the screen is told to trust, and a film over it.

It is asked to listen at the loopback address alone: the certificate is good for that too.
"""

import ssl
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from tests.journeys.screens import choose_profile, screen
from tests.journeys.service import TRAIN, Service, free_ports, serving


@pytest.fixture(scope="module")
def lan(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The same films served once more, as for a home network."""
    port, edge_port = free_ports(2)
    web, edge = f"https://127.0.0.1:{port}", f"https://127.0.0.1:{edge_port}"
    addresses = {"MATINEE_PORT": str(port), "MATINEE_EDGE_PORT": str(edge_port)}
    environment = {**service.environment, **addresses, "MATINEE_PUBLIC_URL": web, "MATINEE_EDGE_URL": edge}
    log = tmp_path_factory.mktemp("lan") / "serve.log"
    options = ("--lan", "--host", "127.0.0.1")
    with serving(environment, log, *options, port=port, edge_port=edge_port, scheme="https"):
        yield replace(service, web=web, edge=edge, environment=environment)


def test_who_trusts_the_local_authority_trusts_web_and_edge_and_nobody_else_does(lan: Service) -> None:
    offered = httpx.get(f"{lan.web}/authority.pem", verify=False)
    assert offered.status_code == 200
    trusting = ssl.create_default_context(cadata=offered.text)
    assert httpx.get(f"{lan.web}/healthz", verify=trusting).status_code == 200
    assert httpx.get(f"{lan.edge}/healthz", verify=trusting).status_code == 200
    for address in (lan.web, lan.edge):
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{address}/healthz")
    key = lan.data / "tls" / "key.pem"
    assert stat.S_IMODE(Path(key).stat().st_mode) == 0o600


def test_a_screen_plays_over_tls_and_asks_nothing_in_clear(lan: Service, browser: Browser) -> None:
    lan.rewind(TRAIN)
    with screen(browser, "about:blank", ignore_https_errors=True) as tv:
        asked: list[str] = []
        tv.page.on("request", lambda request: asked.append(request.url))
        tv.page.goto(lan.box_address)
        choose_profile(tv)
        tv.find_card(lan.titles[TRAIN])
        tv.press("Enter")
        tv.until("its first button", lambda: tv.page.evaluate("document.activeElement?.dataset.action ?? ''") == "play")
        tv.press("Enter")
        tv.await_film()
        assert tv.page.evaluate("window.isSecureContext") is True
    assert any(url.startswith(f"{lan.edge}/s/") for url in asked), "no segment came from the edge"
    assert [url for url in asked if not url.startswith(("https://", "blob:", "data:"))] == []
