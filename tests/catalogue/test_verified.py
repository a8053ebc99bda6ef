"""A title that fails a check before it is published says which, and leaves nothing: no row, no object, no file."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.errors import ErrorCode
from matinee.catalogue import progress, store
from matinee.catalogue import work as ingest_work
from matinee.catalogue.work import IngestOutcome, OutcomeState, hand_in, read_outcome
from matinee.library import store as library_store
from matinee.outside.tools import find_tools
from tests.catalogue.ingesting import ingest_of
from tests.films import make_film

Damage = Callable[[Path], None]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with open_installation(load_settings(tmp_path / "data", {})) as opened:
        yield opened


def _ingest(installation: Installation, film: Path, damage: dict[str, Damage]) -> IngestOutcome:
    """Run an ingest with something damaged in its work folder after some steps, as a faulty disk or program would."""
    service = default_service(installation)
    with installation.database.write() as conn:
        request = hand_in(conn, installation.queue, film, service, read_clock())
    folder = installation.settings.work_folder / request.ingest
    ingest = ingest_of(installation)

    def step(name: str, run: Callable[[], str]) -> str:
        answer = run()
        if name in damage:
            damage[name](folder)
        return answer

    return read_outcome(ingest.run(step, ingest_work._json(request)))


def _another_film(folder: Path) -> None:
    """The rung's file is that of another film: all that is written of it stays true."""
    (there,) = (folder / "encode").glob("v*.mp4")
    other = make_film(folder / "other.mp4", seconds=4, size="416x234", languages=("fra",), source="testsrc")
    argv = [find_tools().ffmpeg, "-nostdin", "-v", "error", "-y", "-i", str(other), "-map", "0:v", "-c:v", "libx264"]
    argv += ["-preset", "ultrafast", "-g", "48", "-keyint_min", "48", "-sc_threshold", "0", "-color_range", "tv"]
    argv += ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", str(there)]
    subprocess.run(argv, check=True, timeout=60)


def _flipped(folder: Path) -> None:
    segment = next((folder / "package").glob("v*/2.m4s"))
    data = bytearray(segment.read_bytes())
    data[-100] ^= 1
    segment.write_bytes(data)


@pytest.mark.parametrize(("step", "damage", "check"), [("encode", _another_film, "pictures"), ("package", _flipped, "files")])
def test_what_fails_a_check_is_not_published_and_leaves_nothing(
    installation: Installation, tmp_path: Path, step: str, damage: Damage, check: str
) -> None:
    film = make_film(tmp_path / "film.mp4", seconds=4, size="416x234", languages=("fra",))
    outcome = _ingest(installation, film, {step: damage})
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED, ErrorCode.PACKAGE_DAMAGED)
    assert outcome.message.endswith(f"(check: {check})")
    assert "Nothing was published" in outcome.remedy
    with installation.database.read() as conn:
        assert list(store.all_titles(conn)) == []
        assert list(progress.under_way(conn)) == []
        assert list(library_store.published(conn)) == []
    assert list(installation.published.list("packages")) == []
    assert list(installation.published.list("artwork")) == []
    assert list(installation.settings.work_folder.iterdir()) == []
    again = _ingest(installation, film, {})
    assert (again.state, again.message) == (OutcomeState.PUBLISHED, ""), "the same film, undamaged"
