"""`kill -9` of a worker at random points of an ingest, again and again: at the end every byte is that of an undisturbed one.

Both ingests have the same ids and the same content key, because the data folder is copied once the film is handed in and its
key is drawn. The seed is printed and may be given in MATINEE_CRASH_SEED.
"""

import hashlib
import os
import random
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from matinee.app.installation import Installation, open_installation
from matinee.catalogue.work import IngestRequest, OutcomeState, read_outcome
from tests.films import make_film, srt
from tests.journeys.service import run_matinee
from tests.journeys.workers import Worker, chunked_environment, handed_in, settings_of

KILLS = 6
INGEST_SECONDS = 180


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
    with open_installation(settings_of(environment)) as installation:
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
    film = make_film(tmp_path / "film.mp4", seconds=21)
    film.with_suffix(".fr.srt").write_text(srt((1, 15, "Bonjour.")))
    calm, stormy = chunked_environment(tmp_path / "calm"), chunked_environment(tmp_path / "stormy")
    request = handed_in(calm, film)
    shutil.copytree(tmp_path / "calm", tmp_path / "stormy")

    began = time.monotonic()
    undisturbed = Worker(calm, tmp_path / "calm.log")
    assert _await(calm, request, undisturbed, INGEST_SECONDS)
    took = time.monotonic() - began
    undisturbed.stop()

    stages: list[float] = []
    for _ in range(KILLS):
        worker = Worker(stormy, tmp_path / "stormy.log")
        wait = chance.uniform(0.15, 0.75) * took
        if _await(stormy, request, worker, wait):
            worker.stop()
            break
        worker.kill()
        stages.append(wait)
    else:
        worker = Worker(stormy, tmp_path / "stormy.log")
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
