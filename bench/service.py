"""A real `matinee serve` on a data folder of its own, as the parts that measure screens and memory need it."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from matinee.app.household import ScreenTokens, ensure_household
from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import Settings, load_settings, settings_as_environment
from matinee.outside.processes import dies_with_parent

READY_SECONDS = 60
STOP_SECONDS = 20
ADD_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Serving:
    """A service that answers, with the token of a box."""

    web: str
    edge: str
    token: str
    pid: int

    @property
    def box_address(self) -> str:
        return f"{self.web}/box/#token={self.token}"

    def ask(self, method: str, path: str, said: Mapping[str, Any] | None = None) -> Any:
        """One request of the box to the API; its answer, None where it is empty. Raises HTTPError."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        body = None if said is None else json.dumps(said).encode()
        with urlopen(Request(self.web + path, body, headers, method=method), timeout=20) as answer:
            return json.loads(answer.read() or b"null")


def settings_for(data: Path) -> Settings:
    """Defaults, on ports at which nothing listens; none of the developer's own settings."""
    port, edge_port = _free_ports(2)
    return load_settings(data, {}, port=port, edge_port=edge_port, log_level="error")


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[tuple[Installation, ScreenTokens]]:
    """An installation, new at the first time, with its service carried to the household of one box."""
    with open_installation(settings) as installation:
        yield installation, ensure_household(installation, default_service(installation), read_clock())


def add(settings: Settings, *films: Path) -> None:
    """`matinee add`, to its end."""
    _matinee(settings, "add", *map(str, films))


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[Serving]:
    """`matinee serve` for as long as the block lasts; both its web and its edge answer when it begins."""
    with opened(settings) as (_, tokens):
        token = tokens.box
    log = settings.data_folder / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "matinee.app.cli", "serve"],
            env=settings_as_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=dies_with_parent,
        )
    try:
        for port in (settings.port, settings.edge_port):
            _await_answer(process, port, log)
        yield Serving(web=settings.web_origin, edge=settings.edge_origin, token=token, pid=process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def processes_of(pid: int) -> list[int]:
    """A process and all its living descendants. Linux."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += processes_of(int(child))
    return found


def _matinee(settings: Settings, *arguments: str) -> None:
    argv = [sys.executable, "-m", "matinee.app.cli", *arguments]
    done = subprocess.run(argv, env=settings_as_environment(settings), capture_output=True, text=True, timeout=ADD_SECONDS)
    if done.returncode != 0:
        raise SystemExit(f"bench: matinee {arguments[0]} failed:\n{done.stdout}{done.stderr}")


def _await_answer(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"bench: matinee serve ended with {process.returncode}:\n{log.read_text()}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/healthz")
            connection.getresponse()
            return
        time.sleep(0.1)
    raise SystemExit(f"bench: matinee serve did not answer at port {port} within {READY_SECONDS} s:\n{log.read_text()}")


def _free_ports(count: int) -> list[int]:
    """Ports at which nothing listens; held together while they are drawn, so that they differ."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
