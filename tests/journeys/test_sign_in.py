"""Signing in over HTTP: a television by its code that a phone approves, programs of other makers by the standards, and back out.

The clients are not ours: authlib's for codes and refresh tokens, idpyoidc's for a relying party of OpenID Connect.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from idpyoidc.client.rp_handler import RPHandler
from playwright.sync_api import Browser

from tests.journeys.screens import CUT_LINE, PHONE, Screen, choose_profile, screen
from tests.journeys.service import LIGHTHOUSE, Service, environment_for, free_ports, run_matinee, serving

NAME, PASSWORD = "ada@example.com", "four words of a test"
KEPT = "matinee.session.matinee-web"
"""Where a browser keeps what it signed in with."""
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def matinee(environment: dict[str, str], *arguments: str, typed: str = "") -> str:
    """Run one command to its end with something on its standard input; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "matinee.app.cli", *arguments],
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Running:
    """A service without films, with an account of the demo's household."""

    web: str
    environment: dict[str, str]

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """A browser in which the household has signed in."""
        with httpx.Client(base_url=self.web, timeout=60, headers={"Origin": self.web}) as browser:
            said = {"step": "sign_in", "name": NAME, "password": PASSWORD}
            assert browser.post("/activate", data=said).status_code == 303
            yield browser

    def me(self, access: str) -> httpx.Response:
        return httpx.get(f"{self.web}/api/v1/me", headers={"Authorization": f"Bearer {access}"}, timeout=60)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("sign-in")
    port, edge_port = free_ports(2)
    environment = environment_for(folder / "data", port=str(port), edge_port=str(edge_port))
    run_matinee(["token", "web"], environment, 120)
    told = matinee(environment, "account", "add", "demo", NAME, "--json", typed=PASSWORD + "\n")
    assert json.loads(told)["password"] is None
    with serving(environment, folder / "serve.log", port=port, edge_port=edge_port):
        yield Running(f"http://127.0.0.1:{port}", environment)
    log = (folder / "serve.log").read_text()
    assert PASSWORD not in log
    assert not re.search("mt[rcd]_|eyJ", log), "no token stands in a log"


def test_authlib_signs_a_television_in_by_its_code(running: Running) -> None:
    known = httpx.get(f"{running.web}/.well-known/oauth-authorization-server").json()
    with OAuth2Client("matinee-tv", token_endpoint_auth_method="none", timeout=60) as tv:
        code = httpx.post(known["device_authorization_endpoint"], data={"client_id": "matinee-tv"}).json()
        asked = {"grant_type": DEVICE_GRANT, "device_code": code["device_code"]}
        with pytest.raises(OAuthError, match="authorization_pending"):
            tv.fetch_token(known["token_endpoint"], **asked)
        with pytest.raises(OAuthError, match="slow_down"):
            tv.fetch_token(known["token_endpoint"], **asked)
        with running.signed_in() as phone:
            phone.post("/activate", data={"step": "approve", "user_code": code["user_code"]}).raise_for_status()
        until = time.monotonic() + 60
        while not (token := _tokens(tv, known["token_endpoint"], asked)):
            assert time.monotonic() < until
            time.sleep(0.5)
        assert running.me(token["access_token"]).json()["party"] == "viewer"
        before = token["refresh_token"]
        token = tv.refresh_token(known["token_endpoint"])
        assert token["refresh_token"] != before
        assert running.me(token["access_token"]).status_code == 200
        matinee(running.environment, "sign-in", "rotate-key")
        token = tv.refresh_token(known["token_endpoint"])
        assert running.me(token["access_token"]).status_code == 200
        tv.revoke_token(known["revocation_endpoint"], token["refresh_token"])
        _ends(running, token["access_token"])
        with pytest.raises(OAuthError, match="invalid_grant"):
            tv.refresh_token(known["token_endpoint"], token["refresh_token"])


def _tokens(tv: OAuth2Client, endpoint: str, asked: dict[str, str]) -> Any:
    try:
        return tv.fetch_token(endpoint, **asked)
    except OAuthError as error:
        if error.error in ("authorization_pending", "slow_down"):
            return None
        raise


def _ends(running: Running, access: str) -> None:
    until = time.monotonic() + 60
    while running.me(access).status_code != 401:
        assert time.monotonic() < until, "a session that ended is still let in"
        time.sleep(0.1)


def test_authlib_signs_a_page_in_by_a_code_with_pkce(running: Running) -> None:
    known = httpx.get(f"{running.web}/.well-known/oauth-authorization-server").json()
    back = f"{running.web}/watch/"
    verifier = "a-secret-of-the-page-that-nobody-else-has-seen-yet"
    page = OAuth2Client(
        "matinee-web", redirect_uri=back, scope="watch", code_challenge_method="S256", token_endpoint_auth_method="none"
    )
    with page, running.signed_in() as browser:
        address, state = page.create_authorization_url(known["authorization_endpoint"], code_verifier=verifier)
        answer = browser.get(address)
        assert answer.status_code == 303
        told = answer.headers["location"]
        assert parse_qs(urlsplit(told).query)["iss"] == [known["issuer"]]
        token = page.fetch_token(known["token_endpoint"], authorization_response=told, state=state, code_verifier=verifier)
        assert running.me(token["access_token"]).status_code == 200
        matinee(running.environment, "account", "sign-out", "demo")
        _ends(running, token["access_token"])


def test_a_relying_party_of_another_library_learns_who_it_is(running: Running) -> None:
    back = "http://127.0.0.1:9/callback"
    told = json.loads(matinee(running.environment, "client", "add", "Cinéclub", "--redirect", back, "--json"))
    party = RPHandler(
        base_url="http://127.0.0.1:9",
        client_configs={
            running.web: {
                "issuer": running.web,
                "client_id": told["id"],
                "client_secret": told["secret"],
                "redirect_uris": [back],
                "client_type": "oidc",
                "preference": {
                    "response_types": ["code"],
                    "scope": ["openid"],
                    "token_endpoint_auth_method": "client_secret_basic",
                    "id_token_signed_response_alg": "RS256",
                },
                "services": {
                    "discovery": {"class": "idpyoidc.client.oidc.provider_info_discovery.ProviderInfoDiscovery"},
                    "authorization": {"class": "idpyoidc.client.oidc.authorization.Authorization"},
                    "accesstoken": {"class": "idpyoidc.client.oidc.access_token.AccessToken"},
                },
                "add_ons": {
                    "pkce": {
                        "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                        "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
                    }
                },
            }
        },
    )
    subjects = []
    for _ in range(2):
        with running.signed_in() as browser:
            address = party.begin(running.web)
            assert "Cinéclub" in browser.get(address).text
            answer = browser.post(address, data={"step": "allow"})
            assert answer.status_code == 303, answer.text
        response = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
        done = party.finalize(running.web, response)
        assert "error" not in done, done
        subjects.append(done["id_token"]["sub"])
        assert done["id_token"]["aud"] == [told["id"]]
    assert subjects[0] == subjects[1]


@pytest.fixture(scope="module")
def lone_box(service: Service, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The token of a box that stands at a line where no household is, and an account of the household of the others."""
    boxes: Path = tmp_path_factory.mktemp("lone") / "boxes.csv"
    boxes.write_text(
        "ManufacturerOUI,ProductClass,SerialNumber,operator,line,label\n"
        "001A2B,demo-box,LONE-0001,Home fibre,a-line-of-nobody,Attic\n"
    )
    matinee(dict(service.environment), "boxes", "import", str(boxes))
    matinee(dict(service.environment), "account", "add", "demo", NAME, typed=PASSWORD + "\n")
    return str(json.loads(matinee(dict(service.environment), "boxes", "token", "LONE-0001", "--by", "Test", "--json"))["token"])


def test_a_code_on_the_television_is_approved_on_a_phone_and_the_film_plays(
    service: Service, browser: Browser, lone_box: str, tmp_path: Path
) -> None:
    with screen(browser, f"{service.web}/box/#token={lone_box}", forgives=CUT_LINE) as tv:
        tv.until("the code", lambda: tv.layer() == "sign-in" and tv.page.locator(".sign-in-code").count() == 1)
        code = tv.page.locator(".sign-in-code").inner_text()
        tv.page.screenshot(path=tmp_path / "tv-code.png")
        tv.press("Enter")  # "Show a new code"
        tv.until("another code", lambda: tv.page.locator(".sign-in-code").inner_text() != code)
        code = tv.page.locator(".sign-in-code").inner_text()

        with screen(browser, f"{service.web}/activate?user_code={code}", size=PHONE, touch=True) as phone:
            _sign_in(phone, tmp_path / "phone-sign-in.png")
            phone.page.get_by_role("button", name="Yes, sign it in").wait_for()
            assert "Television" in phone.page.inner_text("main")
            assert code in phone.page.inner_text("main")
            phone.page.screenshot(path=tmp_path / "phone-approve.png")
            phone.page.get_by_role("button", name="Yes, sign it in").click()
            phone.page.get_by_text("goes on by itself").wait_for()

        choose_profile(tv)
        tv.find_card(service.titles[LIGHTHOUSE])
        tv.press("Enter")
        tv.until("its first button", lambda: tv.page.evaluate("document.activeElement?.dataset.action ?? ''") == "play")
        tv.press("Enter")
        tv.await_film()

        with service.client() as box:  # another screen of the home signs it out
            (there,) = (one for one in box.get("/api/v1/sessions").json()["sessions"] if one["kind"] == "tv")
            box.delete(f"/api/v1/sessions/{there['id']}").raise_for_status()
        tv.see("This screen was signed out, so the film stopped.")
        assert tv.film()["paused"]
        assert tv.focused() == "Sign in"
        tv.page.screenshot(path=tmp_path / "tv-signed-out.png")
        tv.press("Enter")
        tv.until("another code", lambda: tv.layer() == "sign-in" and tv.page.locator(".sign-in-code").count() == 1)


def test_a_browser_signs_in_on_our_page_and_comes_back(service: Service, browser: Browser, lone_box: str, tmp_path: Path) -> None:
    with screen(browser, f"{service.web}/watch/", size=PHONE, touch=True, forgives=CUT_LINE) as phone:
        here = phone.page.get_by_role("button", name="Sign in in this browser")
        here.wait_for()
        phone.page.screenshot(path=tmp_path / "phone-signed-out.png")
        here.click()
        _sign_in(phone, tmp_path / "phone-authorize.png")
        phone.page.wait_for_url(lambda address: "/watch/" in address)
        phone.until("the code is exchanged", lambda: bool(phone.page.evaluate(f"localStorage.getItem('{KEPT}') ?? ''")))
        phone.until("the profiles", lambda: phone.layer() == "profiles")
        assert "code=" not in phone.page.url
        phone.page.reload()
        phone.until("the profiles", lambda: phone.layer() == "profiles")


def _sign_in(phone: Screen, shot: Path) -> None:
    phone.page.get_by_label("Name or e-mail address").fill(NAME)
    phone.page.get_by_label("Password").fill(PASSWORD)
    phone.page.screenshot(path=shot)
    phone.page.get_by_role("button", name="Sign in").click()
