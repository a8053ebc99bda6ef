"""`kill -9` of a worker at random points of an ingest, again and again: at the end every byte is that of an undisturbed one.

Both ingests have the same ids and the same content key, because the data folder is copied once the film is handed in and its
key is drawn. The seed is printed and may be given in MATINEE_CRASH_SEED.
"""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import Settings, load_settings
from matinee.catalogue.work import IngestRequest, OutcomeState, hand_in, read_outcome
from matinee.library import store as library
from matinee.outside.processes import dies_with_parent
from tests.films import make_film, srt
from tests.journeys.service import environment_for, run_matinee

KILLS = 6
INGEST_SECONDS = 180


class Worker:
    """A worker of its own process group, as `matinee work` is one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "matinee.app.worker"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=dies_with_parent,
        )

    def runs(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """As a power cut does: no goodbye, for it or for what it started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)


def _handed_in(environment: Mapping[str, str], film: Path) -> IngestRequest:
    """Hand a film in and draw its key, with no worker there to begin."""
    with open_installation(_settings(environment)) as installation:
        service = default_service(installation)
        with installation.database.write() as conn:
            request = hand_in(conn, installation.queue, film, service, read_clock())
            library.ensure_keys(conn, installation.master, request.package, request.title, read_clock())
        return request


def _settings(environment: Mapping[str, str]) -> Settings:
    return load_settings(Path(environment["MATINEE_DATA"]), environment)


def _ended(installation: Installation, request: IngestRequest) -> bool:
    state = installation.queue.state(request.ingest)
    assert state is not None
    if state.state in ("waiting", "running"):
        return False
    assert state.state == "done", state
    assert read_outcome(state.result or "").state is OutcomeState.PUBLISHED, state.result
    return True


def _await(environment: Mapping[str, str], request: IngestRequest, worker: Worker, seconds: float) -> bool:
    """Whether the ingest ends within so many seconds."""
    end = time.monotonic() + seconds
    with open_installation(_settings(environment)) as installation:
        while time.monotonic() < end:
            if _ended(installation, request):
                return True
            assert worker.runs(), "the worker ended by itself"
            time.sleep(0.05)
        return False


def _bytes_of(data: Path) -> dict[str, str]:
    published = data / "published"
    return {
        str(path.relative_to(published)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(published.rglob("*"))
        if path.is_file()
    }


def test_a_worker_that_is_killed_again_and_again_publishes_the_same_bytes(tmp_path: Path) -> None:
    seed = int(os.environ.get("MATINEE_CRASH_SEED") or random.randrange(10**9))
    print(f"MATINEE_CRASH_SEED={seed}")
    chance = random.Random(seed)
    film = make_film(tmp_path / "film.mp4", seconds=40)
    film.with_suffix(".fr.srt").write_text(srt((1, 30, "Bonjour.")))
    calm, stormy = environment_for(tmp_path / "calm"), environment_for(tmp_path / "stormy")
    request = _handed_in(calm, film)
    shutil.copytree(tmp_path / "calm", tmp_path / "stormy")

    began = time.monotonic()
    undisturbed = Worker(calm)
    assert _await(calm, request, undisturbed, INGEST_SECONDS)
    took = time.monotonic() - began
    undisturbed.stop()

    stages: list[float] = []
    for _ in range(KILLS):
        worker = Worker(stormy)
        wait = chance.uniform(0.15, 0.75) * took
        if _await(stormy, request, worker, wait):
            worker.stop()
            break
        worker.kill()
        stages.append(wait)
    else:
        worker = Worker(stormy)
        assert _await(stormy, request, worker, INGEST_SECONDS), f"seed {seed}: it never ended after kills at {stages}"
        worker.stop()
    assert stages, "no kill came before the end: this run proves nothing"

    whole = _bytes_of(tmp_path / "calm")
    assert len(whole) > 20
    assert _bytes_of(tmp_path / "stormy") == whole, f"seed {seed}: other bytes after kills at {stages}"
    assert list((tmp_path / "stormy" / "work").iterdir()) == [], f"seed {seed}"
    checked = run_matinee(["check"], stormy, 120)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert run_matinee(["titles"], stormy).stdout.count(request.title) == 1
