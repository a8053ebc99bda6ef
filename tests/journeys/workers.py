"""Workers as processes of their own that are killed while they encode, and what an installation holds at the end."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from matinee.app.ingests import default_service
from matinee.app.installation import open_installation, read_clock
from matinee.app.settings import Settings, load_settings
from matinee.catalogue.work import IngestOutcome, IngestRequest, OutcomeState, hand_in, read_outcome
from matinee.library import store as library
from matinee.outside.processes import dies_with_parent
from tests.databases import PostgresServer
from tests.journeys.service import FAST_LADDER, environment_for

CHUNKED_LADDER = {**FAST_LADDER, "name": "chunked", "chunk_ms": 4000}


class Worker:
    """A worker of its own process group, as `matinee work` is one; what it says is kept."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "matinee.app.worker"],
                env={**environment, "PYTHONFAULTHANDLER": "1"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dies_with_parent,
            )

    def runs(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """As a power cut does: no goodbye, for it or for what it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def tell_where_it_stands(self) -> str:
        """End it so that it says what each of its threads does: for one that does not go on."""
        if self.runs():
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(30)
        return self.log.read_text("utf-8", "replace")[-8000:]

    def stop(self) -> None:
        if self.runs():
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


def chunked_environment(data: Path, **settings: str) -> dict[str, str]:
    """Settings of a machine on which films are encoded in chunks of four seconds, two at once if they do not say otherwise."""
    environment = environment_for(data, log_level="info", **{"encode_at_once": "2", **settings})
    Path(environment["MATINEE_LADDER"]).write_text(json.dumps(CHUNKED_LADDER))
    return environment


def settings_of(environment: Mapping[str, str]) -> Settings:
    return load_settings(Path(environment["MATINEE_DATA"]), environment)


def handed_in(environment: Mapping[str, str], film: Path) -> IngestRequest:
    """Hand a film in and draw its key, with no worker there to begin."""
    with open_installation(settings_of(environment)) as installation:
        service = default_service(installation)
        with installation.database.write() as conn:
            request = hand_in(conn, installation.queue, film, service, read_clock())
            library.ensure_keys(conn, installation.master, request.package, request.title, read_clock())
        return request


def outcome_within(environment: Mapping[str, str], request: IngestRequest, seconds: float) -> IngestOutcome | None:
    """How an ingest ended, None where it has not within so many seconds."""
    end = time.monotonic() + seconds
    with open_installation(settings_of(environment)) as installation:
        while time.monotonic() < end:
            state = installation.queue.state(request.ingest)
            assert state is not None
            if state.state not in ("waiting", "running"):
                assert state.result is not None, state
                return read_outcome(state.result)
            time.sleep(0.1)
    return None


def begun(*logs: Path) -> list[str]:
    """The key of every part that was begun, in no order, again for each time."""
    lines = [line for log in logs if log.exists() for line in log.read_text("utf-8", "replace").splitlines()]
    said = [json.loads(line) for line in lines if line.startswith("{")]
    return [one["key"] for one in said if one["event"] == "a part begins"]


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def objects_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Every published object and the hash of its bytes."""
    with open_installation(settings_of(environment)) as installation:
        store = installation.published
        return {path: hashlib.sha256(store.get(path)).hexdigest() for path, _ in store.list("packages")}


class HandedIn:
    """A film handed in to an installation on PostgreSQL and S3, its key drawn: copies of that must all end in the same bytes."""

    def __init__(self, postgres: PostgresServer, s3: str, folder: Path, film: Path, at_once: int = 2) -> None:
        """`at_once` is how many parts each machine encodes at a time."""
        self.folder = folder
        self._at_once = at_once
        self.s3 = s3
        self._postgres = postgres
        self._databases = [postgres.new_database_url() for _ in range(2)]
        self.request = handed_in(self.settings("template", self._databases, "template"), film)

    def settings(self, name: str, databases: list[str], machine: str) -> dict[str, str]:
        return chunked_environment(
            self.folder / machine,
            database_url=databases[0],
            work_database_url=databases[1],
            published_url=f"{self.s3}/{name}/published",
            work_url=f"{self.s3}/{name}/work",
            encode_at_once=str(self._at_once),
        )

    def copy(self, name: str) -> "Machines":
        """A copy of it, on which machines may work."""
        return Machines(self, name, [self._postgres.copy_of(url) for url in self._databases])

    def undisturbed(self, seconds: float) -> dict[str, str]:
        """What the film comes to on one worker that nobody disturbs."""
        calm = self.copy("calm")
        try:
            calm.start("calm")
            outcome = calm.outcome_within(seconds)
            assert outcome is not None
            assert outcome.state is OutcomeState.PUBLISHED, outcome
            return objects_of(calm.machine("calm"))
        finally:
            calm.end()


class Machines:
    """Machines that share an installation, each with a data folder of its own."""

    def __init__(self, handed: HandedIn, name: str, databases: list[str]) -> None:
        self._handed = handed
        self._name = name
        self._databases = databases
        self.workers: list[Worker] = []

    def machine(self, name: str) -> dict[str, str]:
        """The settings of one of them, or of one more."""
        folder = self._handed.folder / self._name / name
        if not folder.exists():
            shutil.copytree(self._handed.folder / "template" / "keys", folder / "keys")
        return self._handed.settings(self._name, self._databases, f"{self._name}/{name}")

    def start(self, name: str) -> Worker:
        """A worker on a machine."""
        worker = Worker(self.machine(name), self._handed.folder / self._name / f"{name}.log")
        self.workers.append(worker)
        return worker

    def outcome_within(self, seconds: float) -> IngestOutcome | None:
        """How the ingest ended, None where it has not."""
        return outcome_within(self.machine("asking"), self._handed.request, seconds)

    def begun(self) -> list[str]:
        """The parts that were begun on any machine."""
        return begun(*{worker.log for worker in self.workers})

    def end(self) -> None:
        for worker in self.workers:
            if worker.runs():
                worker.kill()


def left_over(environment: Mapping[str, str]) -> list[str]:
    """What lies in the work store and in the work folder."""
    with open_installation(settings_of(environment)) as installation:
        stored = [path for path, _ in installation.work_store.list("")]
        return stored + [str(path) for path in installation.settings.work_folder.rglob("*")]
