"""Two machines encode one film together over PostgreSQL and S3; one dies; the other ends with the bytes of an undisturbed one."""

import shutil
from collections import Counter
from collections.abc import Iterator

import pytest

from matinee.catalogue.work import OutcomeState
from tests.databases import PostgresServer
from tests.films import make_film
from tests.journeys.service import run_matinee
from tests.journeys.workers import HandedIn, Machines, begun, left_over, objects_of, settings_of, until
from tests.s3 import s3_server

SECONDS = 180
PARTS = 6
"""The rest, and five chunks."""


@pytest.fixture(scope="module")
def handed(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HandedIn]:
    folder = tmp_path_factory.mktemp("machines")
    with s3_server() as s3:
        yield HandedIn(postgres_server, s3, folder, make_film(folder / "film.mp4", seconds=25))


@pytest.fixture(scope="module")
def whole(handed: HandedIn) -> dict[str, str]:
    return handed.undisturbed(SECONDS)


@pytest.fixture
def machines(handed: HandedIn, request: pytest.FixtureRequest) -> Iterator[Machines]:
    made = handed.copy(request.node.name)
    yield made
    made.end()


def test_a_dead_machines_chunks_are_taken_over_and_no_others_made_again(machines: Machines, whole: dict[str, str]) -> None:
    names = ("first", "second")
    workers = {name: machines.start(name) for name in names}
    until(lambda: any(len(begun(worker.log)) >= 2 for worker in workers.values()))
    busy, other = sorted(names, key=lambda name: -len(begun(workers[name].log)))
    workers[busy].kill()
    outcome = machines.outcome_within(SECONDS)
    assert outcome is not None
    assert outcome.state is OutcomeState.PUBLISHED, outcome
    assert len(whole) > 20
    assert objects_of(machines.machine(other)) == whole
    times = Counter(machines.begun())
    assert len(times) == PARTS
    assert sum(times.values()) - len(times) <= 2, "only what the dead machine had in hand"
    until(lambda: left_over(machines.machine(other)) == [])
    machines.start(busy)  # it comes back, and sweeps up what it left
    until(lambda: left_over(machines.machine(busy)) == [])


def test_a_machine_whose_disk_is_gone_is_taken_over_by_one_that_has_none_of_its_files(
    handed: HandedIn, machines: Machines, whole: dict[str, str]
) -> None:
    """It dies once all is encoded: the renditions on its disk are joined anew elsewhere, from the parts in the work store."""
    first = machines.start("first")
    work_folder = settings_of(machines.machine("first")).work_folder
    until((work_folder / handed.request.ingest / "encode" / "film.json").exists, SECONDS)
    first.kill()
    shutil.rmtree(work_folder)
    second = machines.start("second")
    outcome = machines.outcome_within(SECONDS)
    assert outcome is not None
    assert outcome.state is OutcomeState.PUBLISHED, outcome
    assert objects_of(machines.machine("second")) == whole
    assert begun(second.log) == [], "nothing was encoded again"


def test_a_film_that_is_cancelled_leaves_nothing_on_any_machine(handed: HandedIn, machines: Machines) -> None:
    for name in ("first", "second"):
        machines.start(name)
    until(lambda: bool(machines.begun()))
    asking = machines.machine("asking")
    assert run_matinee(["cancel", handed.request.ingest], asking).returncode == 0
    outcome = machines.outcome_within(SECONDS)
    assert outcome is not None
    assert outcome.state is OutcomeState.CANCELLED, outcome
    for name in ("first", "second"):
        until(lambda name=name: left_over(machines.machine(name)) == [])
    assert objects_of(asking) == {}
    assert "under way" not in run_matinee(["titles"], asking).stderr
    assert run_matinee(["cancel", handed.request.ingest], asking).returncode == 1
