"""A release of the screens from its key to a box that runs it, and a broken one from which the box and the service go back."""

import contextlib
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from playwright.sync_api import Browser, Error

from matinee.app import cli
from matinee.app.commands import opened
from matinee.app.household import BOX, BOX_MODEL
from matinee.app.installation import read_clock
from matinee.app.settings import load_settings
from matinee.fleet import bundle
from matinee.fleet import store as fleet
from tests.journeys.screens import Screen, screen
from tests.journeys.service import environment_for, free_ports, run_matinee, serving

GOOD, BROKEN = "2.0", "2.1"
PATIENCE_SECONDS = 90
"""A start that says nothing has failed after 15 s, two of them make the launcher go back, and waves move each 10 s."""


@dataclass(frozen=True)
class Installed:
    """A service without films, its box, and another box of the same model."""

    folder: Path
    data: Path
    web: str
    box_token: str
    other_token: str
    environment: dict[str, str]

    def release(self, *words: str) -> Any:
        """A command of `matinee release`, told as JSON; in this process, since a new one takes seconds to load."""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert cli.run(["release", *words, "--json", "--data", str(self.data)]) == 0, words
        return json.loads(out.getvalue())

    def row(self, version: str) -> dict[str, Any]:
        return next(one for one in self.release("list")["releases"] if one["version"] == version)

    def meant(self, token: str) -> dict[str, Any]:
        """What a launcher is told to run."""
        answer = httpx.get(f"{self.web}/api/v1/box/release", headers={"Authorization": f"Bearer {token}"}, timeout=10)
        return answer.raise_for_status().json()  # type: ignore[no-any-return]

    def publish(self, file: Path, version: str, *terms: str) -> None:
        """Uploaded by one, approved by two others, started for all boxes."""
        self.release("upload", str(file), "--by", "Builder")
        for name in ("Second", "Third"):
            self.release("approve", version, "--by", name)
        self.release("start", version, "--percent", "100", "--sample", "1", *terms, "--by", "Builder")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("releases")
    port, edge_port = free_ports(2)
    data = folder / "data"
    environment = environment_for(data, port=str(port), edge_port=str(edge_port))
    with serving(environment, folder / "serve.log", port=port, edge_port=edge_port):
        with opened(data) as installation, installation.database.write() as conn:
            model = fleet.ensure_box_model(conn, *BOX_MODEL, {}, read_clock())
            other = fleet.ensure_box(conn, model.id, "OTHER-1", "Other", read_clock())
            token = fleet.mint_box_token(conn, other.id, read_clock())
        screens = json.loads((data / "keys" / "screens.json").read_text())
        yield Installed(folder, data, f"http://127.0.0.1:{port}", screens["box"], token, environment)


def broken(good: Path, key: bytes) -> bytes:
    """The good bundle under another version, whose script throws before anything stands."""
    with good.open("rb") as file:
        opened_bundle = bundle.Bundle(file)
        told, files = opened_bundle.told, dict(opened_bundle.files())
    files[told.entry] = b'throw new Error("this release is broken");\n'
    hashes = dict(told.files) | {told.entry: hashlib.sha256(files[told.entry]).hexdigest()}
    integrity = bundle.sri(files[told.entry])
    return bundle.pack(msgspec.structs.replace(told, version=BROKEN, integrity=integrity, files=hashes), files, key)


def until(what: str, holds: Callable[[], bool], on: Screen | None = None) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {PATIENCE_SECONDS} s"
        time.sleep(0.5) if on is None else on.page.wait_for_timeout(500)


def runs(on: Screen, version: str) -> bool:
    """Whether the screen stands in a version: who is watching is asked."""
    try:
        shell = on.page.evaluate("window.matineeShell?.version ?? ''")
        return shell == version and on.layer() == "profiles"
    except Error:  # the launcher starts the page anew while it is asked
        return False


def test_a_release_spreads_and_a_broken_one_goes_back(installed: Installed, browser: Browser) -> None:
    folder = installed.folder
    key, good, bad = folder / "builds.key", folder / "good.matinee-ui", folder / "bad.matinee-ui"
    public = run_matinee(["release", "keygen", str(key)], installed.environment).stdout.strip()
    installed.release("key", "add", "builds", "--product", "matinee-ui", "--public", public, "--by", "Builder")
    dist = load_settings(folder, {}).screens
    packed = run_matinee(
        ["release", "pack", str(dist), "--key", str(key), "--version", GOOD, "--out", str(good)], installed.environment
    )
    assert packed.returncode == 0, packed.stderr
    bad.write_bytes(broken(good, key.read_bytes()))
    built_in = installed.meant(installed.box_token)["version"]
    assert built_in not in (GOOD, BROKEN)

    installed.publish(good, GOOD, "--soak", "0")
    until("the good release is handed out", lambda: installed.meant(installed.other_token)["version"] == GOOD)
    with screen(browser, f"{installed.web}/box/#token={installed.box_token}", forgives=("this release is broken",)) as tv:
        until("the box runs the good release", lambda: runs(tv, GOOD), tv)
        until("it has confirmed it", lambda: installed.release("explain", "--box", BOX[0])["confirmed"] == GOOD, tv)
        until("the release is active", lambda: installed.row(GOOD)["status"] == "active", tv)

        installed.publish(bad, BROKEN, "--soak", "1", "--failing", "0")
        until("the broken release is handed out", lambda: installed.meant(installed.box_token)["version"] == BROKEN, tv)
        tv.page.reload()
        until("the box is back in the good release by itself", lambda: runs(tv, GOOD), tv)
        assert "this release is broken" in " ".join(tv.complaints), "it was tried"
        until("its wave has halted", lambda: installed.row(BROKEN)["phase"] == "halted", tv)
        assert installed.row(BROKEN)["says"] == (
            "On 1 boxes of 1 that reported its start did not stand: 100.0 %, over the limit of 0 %."
        )
        until("no box is handed it any more", lambda: installed.meant(installed.other_token)["version"] == GOOD, tv)
        told = installed.release("explain", "--box", BOX[0])
        assert (told["meant"], told["confirmed"]) == (GOOD, GOOD)

        installed.release("withdraw", BROKEN, "--by", "Second")
        assert installed.row(BROKEN)["status"] == "withdrawn"
        tv.page.reload()
        until("the box starts the good release at once", lambda: runs(tv, GOOD), tv)
        assert installed.meant(installed.box_token)["version"] == GOOD

    installed.release("withdraw", GOOD, "--by", "Second")
    until("the built-in screens are the floor", lambda: installed.meant(installed.box_token)["version"] == built_in)
