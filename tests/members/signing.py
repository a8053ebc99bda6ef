"""A household with an account, browsers and televisions that sign in to it, through the real routes."""

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from litestar.testing import TestClient

from matinee.base.ids import HouseholdId
from matinee.members.sign_in import accounts, clients
from matinee.members.sign_in.model import DEVICE_GRANT, Client
from tests.world import ORIGIN, PASSWORD, PASSWORD_HASH, World

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
WEB = {"client_id": "matinee-web", "redirect_uri": f"{ORIGIN}/watch/"}


def add_account(world: World, household: HouseholdId, name: str) -> None:
    """An account whose password is PASSWORD."""
    with world.database.write() as conn:
        accounts.add_account(conn, household, name, PASSWORD_HASH, world.now, actor="test")


def add_client(world: World, *redirect_uris: str, has_secret: bool = True, name: str = "Programme") -> tuple[Client, str]:
    """A relying party and its secret."""
    with world.database.write() as conn:
        made, secret = clients.add_client(conn, name, redirect_uris, world.now, has_secret=has_secret, actor="test")
    world.feed.poll()
    return made, secret or ""


class Browser:
    """A browser of somebody's: it keeps cookies, says where its forms come from, and follows no redirect by itself."""

    def __init__(self, world: World) -> None:
        self._http = TestClient(world.web, base_url=ORIGIN)

    def get(self, path: str, **query: str) -> httpx.Response:
        return self._http.get(path, params=query or None, follow_redirects=False)

    def send(self, path: str, origin: str = ORIGIN, **form: str) -> httpx.Response:
        return self._http.post(path, data=form, headers={"Origin": origin} if origin else {}, follow_redirects=False)

    def sign_in(self, name: str, password: str = PASSWORD, path: str = "/activate") -> httpx.Response:
        return self.send(path, step="sign_in", name=name, password=password)

    def forget(self, *names: str) -> None:
        for name in names:
            self._http.cookies.delete(name)

    def keep(self, name: str, value: str) -> None:
        self._http.cookies.set(name, value, domain=urlsplit(ORIGIN).hostname or "")

    @property
    def cookies(self) -> dict[str, str]:
        return dict(self._http.cookies)


class Program:
    """Whatever asks the endpoints: a television, a page's script, a relying party's server."""

    def __init__(self, world: World) -> None:
        self._http = TestClient(world.web, base_url=ORIGIN)

    def post(self, path: str, auth: tuple[str, str] | None = None, **form: str) -> httpx.Response:
        return self._http.post(path, data=form, auth=auth)

    def token(self, auth: tuple[str, str] | None = None, **form: str) -> httpx.Response:
        return self.post("/oauth/token", auth, **form)

    def get(self, path: str, token: str = "") -> httpx.Response:
        return self._http.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})

    def send(self, method: str, path: str, token: str) -> httpx.Response:
        return self._http.request(method, path, headers={"Authorization": f"Bearer {token}"})

    def code(self, **form: str) -> dict[str, Any]:
        """A television's code."""
        return self.post("/oauth/device_authorization", **{"client_id": "matinee-tv", **form}).raise_for_status().json()  # type: ignore[no-any-return]

    def poll(self, code: dict[str, Any], client_id: str = "matinee-tv") -> httpx.Response:
        return self.token(grant_type=DEVICE_GRANT, device_code=code["device_code"], client_id=client_id)

    def refresh(self, token: str, client_id: str = "matinee-tv") -> httpx.Response:
        return self.token(grant_type="refresh_token", refresh_token=token, client_id=client_id)

    def exchange(self, code: str, auth: tuple[str, str] | None = None, **form: str) -> httpx.Response:
        said = {**({} if auth else WEB), "code": code, "code_verifier": VERIFIER, "grant_type": "authorization_code", **form}
        return self.token(auth, **said)


def asked(**changes: str) -> str:
    """The address to which a page sends its browser to sign in."""
    said = {
        **WEB,
        "response_type": "code",
        "scope": "watch",
        "state": "st",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return "/oauth/authorize?" + urlencode({name: value for name, value in said.items() if value})


def sent_back(answer: httpx.Response) -> dict[str, str]:
    """What a browser is sent back with."""
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def words_of(page: httpx.Response) -> str:
    """What a page says, without its marks."""
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.text))


@contextmanager
def signing(world: World) -> Iterator[None]:
    """An account at each of the two homes, while the app runs."""
    add_account(world, world.one.household, "ada@example.com")
    add_account(world, world.other.household, "eve@example.com")
    with TestClient(world.web):
        yield


def tv_of(world: World, browser: Browser, label: str = "Salon TV") -> dict[str, Any]:
    """A television that a signed-in browser has approved: its tokens."""
    tv = Program(world)
    code = tv.code(device_label=label)
    assert browser.send("/activate", step="approve", user_code=code["user_code"]).status_code == 200
    world.feed.poll()
    return tv.poll(code).raise_for_status().json()  # type: ignore[no-any-return]
