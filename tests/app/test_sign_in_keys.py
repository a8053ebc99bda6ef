"""Keys that a command puts in are taken up by running web processes: the newest signs, what was pushed out verifies nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from litestar.testing import TestClient

from matinee.app.household import HOUSEHOLD, ensure_household
from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.app.wiring import build_web
from matinee.members import store
from matinee.members.sign_in import accounts, keys
from tests.world import PASSWORD, PASSWORD_HASH

NAME = "ada@example.com"
COOKIE = "matinee-signed-in"
Client = Any


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with open_installation(load_settings(tmp_path / "data", {})) as opened:
        now = read_clock()
        ensure_household(opened, default_service(opened), now)
        with opened.database.write() as conn:
            home = store.ensure_household(conn, HOUSEHOLD, now).id
            accounts.add_account(conn, home, NAME, PASSWORD_HASH, now, actor="test")
        yield opened


@pytest.fixture
def webs(installation: Installation) -> Iterator[list[Client]]:
    """Two web processes' apps over one installation."""
    with ExitStack() as stack:
        apps = [build_web(installation, landing=lambda: "") for _ in range(2)]
        yield [stack.enter_context(TestClient(app, raise_server_exceptions=False)) for app in apps]


def _sign_in(client: Client) -> str:
    """The cookie of a browser that signs in anew."""
    client.cookies.clear()
    form = {"step": "sign_in", "name": NAME, "password": PASSWORD}
    answer = client.post("/activate", data=form, headers={"Origin": "http://testserver.local"}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.cookies[COOKIE])


def _kid(cookie: str) -> str:
    return str(jws.extract_compact(cookie.encode()).headers()["kid"])


def _is_signed_in(client: Client, cookie: str) -> bool:
    client.cookies.clear()
    client.cookies.set(COOKIE, cookie)
    return 'name="password"' not in client.get("/activate").text


def _soon(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_running_processes_sign_with_the_newest_key_and_drop_what_was_pushed_out(
    installation: Installation, webs: list[Client]
) -> None:
    first = [_sign_in(client) for client in webs]
    newest = keys.rotate(installation.sign_in_key_file).signs
    for client in webs:  # a process that meets no unknown key, and is asked for none, takes the new one up by itself
        assert _soon(lambda client=client: _kid(_sign_in(client)) == newest)  # type: ignore[misc]
    assert all(_is_signed_in(client, cookie) for client in webs for cookie in first), "the older key verifies on"
    for _ in range(keys.MAX_LIVE - 1):
        keys.rotate(installation.sign_in_key_file)
    for client in webs:
        assert _soon(lambda client=client: not any(_is_signed_in(client, one) for one in first))  # type: ignore[misc]
