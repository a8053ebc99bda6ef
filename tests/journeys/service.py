"""The service that the journeys travel through: films from nothing, `matinee add`, `matinee serve`, all as a person would.

One for each test run, since it costs some twenty seconds: tests/conftest.py gives all journeys to one worker. Journeys may
leave places watched and preferences set; each begins by putting back what it relies on. What this starts it ends, by its own
process id, and with it if it is killed.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from matinee.outside.processes import dies_with_parent
from tests.films import make_film, srt

READY_SECONDS = 60
ADD_SECONDS = 240

LIGHTHOUSE, TRAIN, FIRST_DAY, SECOND_DAY = "The Lighthouse", "Night Train", "The Longest", "The Shortest"
SERIES = "Short Days"

FAST_LADDER: Mapping[str, Any] = {
    "name": "journeys",
    "rungs": [
        {"width": 640, "height": 360, "bitrate": 600_000, "max_bitrate": 900_000, "threads": 1},
        {"width": 320, "height": 180, "bitrate": 200_000, "max_bitrate": 300_000, "threads": 1},
    ],
    "preset": "ultrafast",
    "segment_ms": 2000,
    "max_rate": 60,
    "high_rate_percent": 140,
    "audio_bitrate": 64_000,
}
"""Two small rungs at the encoder's fastest: the way of a film is the same, and takes a twentieth of the time. One thread each:
with more, x264 under a bound on its buffer makes other bytes each time, and the crash test compares bytes."""


@dataclass(frozen=True)
class FilmToMake:
    """A film of moving test pictures, and what its sidecar tells of it."""

    stem: str
    seconds: float
    source: str
    toml: str
    subtitles: bool = False


_FILMS = (
    FilmToMake(
        "lighthouse",
        90,
        "testsrc2",
        """
year = 2014
age_class = 0
genres = ["drama", "nature"]
original_language = "fr"
[title]
fr = "Le phare"
en = "The Lighthouse"
[synopsis]
fr = "Un gardien, une lampe, et la mer qui monte."
en = "A keeper, a lamp, and the sea rising."
[[credits]]
role = "director"
names = ["Matinee"]
[[credits]]
role = "cast"
names = ["The sea", "The lamp"]
[[markers]]
kind = "credits"
start = "00:01:20"
end = "00:01:30"
""",
        subtitles=True,
    ),
    FilmToMake(
        "train",
        40,
        "gradients",
        """
year = 1998
age_class = 0
genres = ["drama"]
[title]
fr = "Train de nuit"
en = "Night Train"
[[markers]]
kind = "intro"
start = "00:00:01"
end = "00:00:20"
""",
    ),
    *(
        FilmToMake(
            f"days{number}",
            24,
            source,
            f"""
kind = "episode"
year = 2012
age_class = 0
genres = ["comedy"]
[title]
fr = "{french}"
en = "{english}"
[[markers]]
kind = "credits"
start = "00:00:12"
end = "00:00:24"
[series]
id = "short-days"
season = 1
episode = {number}
[series.title]
fr = "Jours courts"
en = "Short Days"
[series.synopsis]
fr = "Deux jours, deux saisons."
en = "Two days, two seasons."
""",
        )
        for number, source, french, english in (
            (1, "testsrc", "Le plus long", "The Longest"),
            (2, "gradients", "Le plus court", "The Shortest"),
        )
    ),
)


@dataclass(frozen=True)
class Service:
    """A running `matinee serve`, and what a person would have been told of it."""

    data: Path
    web: str
    edge: str
    box_token: str
    web_token: str
    api_key: str
    titles: Mapping[str, str]  # English name -> id, the series' among them
    environment: Mapping[str, str]

    @property
    def box_address(self) -> str:
        return f"{self.web}/box/#token={self.box_token}"

    @property
    def watch_address(self) -> str:
        return f"{self.web}/watch/#token={self.web_token}"

    def client(self, token: str | None = None) -> httpx.Client:
        """A client of the API: the box's, unless another token is given; "" for nobody's."""
        wanted = self.box_token if token is None else token
        headers = {"Authorization": f"Bearer {wanted}"} if wanted else {}
        return httpx.Client(base_url=self.web, headers=headers, timeout=20, verify=self.web.startswith("http:"))

    def matinee(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command on this service's data."""
        return run_matinee(arguments, self.environment)

    def profile(self, name: str = "Salon") -> str:
        with self.client() as client:
            return next(one["id"] for one in client.get("/api/v1/me").json()["profiles"] if one["name"] == name)

    def rewind(self, title: str, profile: str = "Kids") -> None:
        """Put a profile back to the start of a title, as a screen does that seeks there and ends."""
        with self.client() as client:
            body = {"title_id": self.titles[title], "profile_id": self.profile(profile)}
            session = client.post("/api/v1/playback", json=body).raise_for_status().json()["session_id"]
            client.post(f"/api/v1/playback/{session}/end", json={"sequence": 1, "position_ms": 0}).raise_for_status()

    def resume_ms(self, title: str, profile: str = "Salon") -> int | None:
        """Where a profile is in a title, as a title page is told; None where it would begin."""
        with self.client() as client:
            answer = client.get(f"/api/v1/titles/{self.titles[title]}", params={"profile": self.profile(profile)})
            resume = answer.raise_for_status().json()["resume"]
        return None if resume is None else int(resume["position_ms"])


def make_films(folder: Path) -> Path:
    """The journeys' films, each with its sidecar, in a folder as a person has it."""
    for film in _FILMS:
        make_film(folder / f"{film.stem}.mp4", seconds=film.seconds, source=film.source)
        (folder / f"{film.stem}.toml").write_text(film.toml)
        if film.subtitles:
            for language, text in (("fr", "La mer monte."), ("en", "The sea is rising.")):
                (folder / f"{film.stem}.{language}.srt").write_text(srt((0.5, film.seconds - 0.5, text)))
    return folder


def environment_for(data: Path, **settings: str) -> dict[str, str]:
    """This process's environment with our settings in it, and none of the developer's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")}
    ladder = data.parent / f"{data.name}-ladder.json"
    ladder.write_text(json.dumps(FAST_LADDER))
    named = {f"MATINEE_{name.upper()}": value for name, value in settings.items()}
    return {**kept, "MATINEE_DATA": str(data), "MATINEE_LADDER": str(ladder), "MATINEE_LOG_LEVEL": "warning", **named}


def run_matinee(
    arguments: "tuple[str, ...] | list[str]", environment: Mapping[str, str], seconds: float = 60, stdin: int = subprocess.DEVNULL
) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end, in a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "matinee.app.cli", *arguments],
        env=dict(environment),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def free_ports(count: int) -> list[int]:
    """Ports at which nothing listens; held together while they are drawn, so that they differ."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@contextlib.contextmanager
def serving(
    environment: Mapping[str, str], log: Path, *options: str, port: int, edge_port: int, scheme: str = "http"
) -> Iterator["subprocess.Popen[bytes]"]:
    """`matinee serve` until the block ends; up and answering when it begins."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "matinee.app.cli", "serve", "--port", str(port), "--edge-port", str(edge_port), *options],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=dies_with_parent,
        )
        try:
            for address in (f"{scheme}://127.0.0.1:{port}/healthz", f"{scheme}://127.0.0.1:{edge_port}/"):
                _await_answer(address, process, log)
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_answer(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, f"matinee serve ended with {process.returncode}:\n{log.read_text()}"
        try:
            httpx.get(address, timeout=2, verify=False)  # whether it is up; whom to trust is the journeys' to ask
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{address} did not answer within {READY_SECONDS} s:\n{log.read_text()}")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The one service of a test run, with two films and a series of two episodes published."""
    with running_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@contextlib.contextmanager
def running_service(folder: Path) -> Iterator[Service]:
    """Make films, add them, serve them."""
    data = folder / "data"
    port, edge_port = free_ports(2)
    environment = environment_for(data, heartbeat_seconds="1", port=str(port), edge_port=str(edge_port))
    films = make_films(folder / "films")
    added = run_matinee(["add", str(films), "--json"], environment, ADD_SECONDS)
    assert added.returncode == 0, added.stdout + added.stderr
    with serving(environment, folder / "serve.log", port=port, edge_port=edge_port):
        api_key = json.loads(run_matinee(["token", "api", "--json"], environment).stdout)["token"]
        listed = json.loads(run_matinee(["titles", "--json"], environment).stdout)["titles"]
        tokens = json.loads((data / "keys" / "screens.json").read_text())
        yield Service(
            data=data,
            web=f"http://127.0.0.1:{port}",
            edge=f"http://127.0.0.1:{edge_port}",
            box_token=tokens["box"],
            web_token=tokens["web"],
            api_key=api_key,
            titles={title["name"]: title["id"] for title in listed},
            environment=environment,
        )
