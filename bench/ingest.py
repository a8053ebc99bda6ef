"""A whole ingest over one plain run of ffmpeg that makes the same rungs, in turns.

    python -m bench.ingest

Ours is the real use case with its real stages (fingerprint, probe, plan, encode, artwork, package, verify, store, tell, clean)
on a fresh data folder each round, in this process, with a step runner that only calls: what durability adds, a few rows in
SQLite for each stage, is left out. The plain run is `bench.film.plain_command`: the same decode, sizes, x264 settings and
AAC, and nothing else. Its output is clear MP4 that no player could adapt between.
"""

import resource
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

import msgspec

from bench.film import plain_command, whole_film
from bench.rows import Row, compared, table
from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.ids import ArtworkId, IngestId, PackageId, TitleId, new_id
from matinee.catalogue import progress
from matinee.catalogue.work import Ingest, IngestRequest, OutcomeState, read_outcome
from matinee.encoding import work as encoding
from matinee.encoding.ladder import FIXED_V1
from matinee.encoding.model import Ladder
from matinee.outside.tools import find_tools

ROUNDS = 3
GOAL = 1.25
LONGEST_SECONDS = 600
"""For one run of either kind: longer means that something hangs."""


def run() -> list[Row]:
    tools = find_tools()
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        folder = Path(name)
        film = whole_film(folder)
        argv = plain_command(encoding.plan(encoding.probe(film, tools), FIXED_V1), film, tools)
        ours, theirs, stages = [], [], defaultdict[str, list[float]](list)
        for number in range(ROUNDS):
            ours.append(_timed(lambda place=folder / f"data{number}": _ingest(film, place, stages)))
            plain = folder / f"plain{number}"
            plain.mkdir()
            theirs.append(_timed(lambda place=plain: _run(argv, place)))
    walls = [[each[kind] for each in side] for side in (ours, theirs) for kind in (0, 1)]
    plain_walls = walls[2]
    rest = [sum(taken[n] for stage, taken in stages.items() if stage != "encode") for n in range(ROUNDS)]
    slowest = sorted((stage for stage in stages if stage != "encode"), key=lambda stage: -median(stages[stage]))[:3]
    told = ", ".join(f"{stage} {median(stages[stage]):.2g} s" for stage in slowest)
    baseline = f"plain ffmpeg, {film.name}"
    return [
        compared("ingest of a film, wall time", walls[0], plain_walls, "s", baseline, None, most=GOAL),
        compared("ingest of a film, processor time", walls[1], walls[3], "s", baseline, None),
        compared("its encode alone, wall time", stages["encode"], plain_walls, "s", baseline, None),
        compared(f"all else ({told}, ...)", rest, plain_walls, "s", baseline, None),
    ]


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of wall, and of processor time of this process and the children that ended meanwhile."""
    began, used = time.monotonic(), _processor_seconds()
    work()
    return time.monotonic() - began, _processor_seconds() - used


def _processor_seconds() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _run(argv: list[str], folder: Path) -> None:
    subprocess.run(argv, cwd=folder, check=True, timeout=LONGEST_SECONDS)


def _ingest(film: Path, data: Path, stages: dict[str, list[float]]) -> None:
    """One ingest into a new installation; the seconds of each stage are added to `stages`."""
    with open_installation(load_settings(data, {})) as installation:
        request = request_of(installation, film)

        def step(name: str, work: Callable[[], str]) -> str:
            began = time.monotonic()
            result = work()
            stages[name].append(time.monotonic() - began)
            return result

        outcome = read_outcome(ingest_of(installation).run(step, msgspec.json.encode(request).decode()))
        if outcome.state is not OutcomeState.PUBLISHED:
            raise SystemExit(f"bench ingest: {outcome.message} {outcome.remedy}")


def ingest_of(installation: Installation, ladder: Ladder = FIXED_V1) -> Ingest:
    """The use case on an installation."""
    return Ingest(
        database=installation.database,
        published=installation.published,
        work_folder=installation.settings.work_folder,
        tools=find_tools(),
        master=installation.master,
        ladder=ladder,
        drm=installation.settings.drm_systems,
        clock=read_clock,
    )


def request_of(installation: Installation, film: Path) -> IngestRequest:
    """What `matinee add` hands in, without putting it in the queue."""
    service = default_service(installation)
    request = IngestRequest(
        ingest=IngestId(new_id()),
        source=str(film.absolute()),
        publisher=service.publisher,
        service=service.id,
        title=TitleId(new_id()),
        package=PackageId(new_id()),
        artwork=ArtworkId(new_id()),
        series_artwork=ArtworkId(new_id()),
    )
    with installation.database.write() as conn:
        progress.begin(conn, request.ingest, service.id, film.name, read_clock())
    return request


if __name__ == "__main__":
    print(table(run()))
