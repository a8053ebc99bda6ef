"""How an ingest ends where nobody foresaw the error: undone and told, with nothing of a published title taken away."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from matinee.app import cli
from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.units import Bytes, DurationMs
from matinee.catalogue import progress, work
from matinee.catalogue.model import AlreadyAdded
from matinee.catalogue.work import IngestRequest, OutcomeState, hand_in, read_outcome
from matinee.encoding.ladder import FIXED_V1, PER_TITLE_V1
from matinee.encoding.model import EncodePlan
from matinee.library import store as library
from matinee.library.model import DrmSystem, PackageFiles
from matinee.library.work import package_folder
from tests.catalogue.ingesting import ingest_of
from tests.films import make_film


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with open_installation(load_settings(tmp_path / "data", {})) as opened:
        yield opened


@pytest.fixture
def request_(installation: Installation, tmp_path: Path) -> IngestRequest:
    (tmp_path / "film.mp4").write_bytes(b"a film")
    service = default_service(installation)
    with installation.database.write() as conn:
        return hand_in(conn, installation.queue, tmp_path / "film.mp4", service, read_clock())


def _at_once(_name: str, step: Callable[[], str]) -> str:
    return step()


def test_an_error_that_nobody_foresaw_is_undone_and_told(
    installation: Installation, request_: IngestRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(work, "metadata_of", broken)
    outcome = read_outcome(ingest_of(installation, FIXED_V1).run(_at_once, work._json(request_)))
    assert outcome.state is OutcomeState.FAILED
    assert "film.mp4" in outcome.message
    with installation.database.read() as conn:
        assert list(progress.under_way(conn)) == [], "its claim on the film would refuse every later add"


def test_undo_takes_nothing_from_a_title_that_stands(installation: Installation, request_: IngestRequest) -> None:
    kept = f"{package_folder(request_.package)}/master.m3u8"
    installation.published.put(kept, b"#EXTM3U")
    with installation.database.write() as conn:
        keys = library.ensure_keys(conn, installation.master, request_.package, request_.title, read_clock())
        files = PackageFiles(
            package_id=request_.package,
            kid=keys.kid.hex(),
            drm=(DrmSystem.CLEARKEY,),
            duration_ms=DurationMs(1000),
            tracks=(),
            file_count=1,
            total_bytes=Bytes(7),
            contents_sha256="0" * 64,
        )
        library.mark_published(conn, files, read_clock())
    ingest_of(installation, FIXED_V1)._undo(request_)
    assert installation.published.get(kept) == b"#EXTM3U"


def test_a_name_that_is_not_utf_8_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = os.path.join(os.fsencode(tmp_path), b"caf\xe9.mp4")
    with open(film, "wb") as file:
        file.write(b"film")
    assert cli.run(["add", "--detach", "--data", str(tmp_path / "data"), os.fsdecode(film)]) == cli.FAILED
    assert "not in UTF-8" in capsys.readouterr().err


def test_an_ingest_whose_note_was_lost_still_claims_its_film(installation: Installation, tmp_path: Path) -> None:
    """The program that handed it in died before its own commit: the claim must keep a second add apart all the same."""
    film = tmp_path / "one.mp4"
    film.write_bytes(b"the same bytes")
    service = default_service(installation)
    with installation.database.write() as conn:
        first, second = (hand_in(conn, installation.queue, film, service, read_clock()) for _ in range(2))
        progress.end(conn, first.ingest)
    ingest = ingest_of(installation, FIXED_V1)
    ingest._fingerprint(first, lambda _: None)
    with pytest.raises(AlreadyAdded, match="being added already"):
        ingest._fingerprint(second, lambda _: None)


MEASURING = msgspec.structs.replace(PER_TITLE_V1, preset="ultrafast", rungs=PER_TITLE_V1.rungs[-1:])


def test_a_film_is_published_with_the_rungs_that_its_analysis_chose_whatever_the_setting_is_by_then(
    installation: Installation, tmp_path: Path
) -> None:
    """A worker with a ladder that measures died after the plan; the one that takes over was started with a fixed one."""
    film = make_film(tmp_path / "one.mp4", seconds=2, size="416x234")
    service = default_service(installation)
    with installation.database.write() as conn:
        request = hand_in(conn, installation.queue, film, service, read_clock())
    done: dict[str, str] = {}

    class Died(BaseException):
        pass

    def until_the_plan(name: str, step: Callable[[], str]) -> str:
        if name == "choose":
            raise Died
        done[name] = step()
        return done[name]

    def taken_over(name: str, step: Callable[[], str]) -> str:
        done[name] = done[name] if name in done else step()
        return done[name]

    with pytest.raises(Died):
        ingest_of(installation, MEASURING).run(until_the_plan, work._json(request))
    outcome = read_outcome(ingest_of(installation, FIXED_V1).run(taken_over, work._json(request)))
    assert (outcome.state, outcome.warnings) == (OutcomeState.PUBLISHED, ())
    chosen = msgspec.json.decode(done["choose"], type=EncodePlan)
    assert all(rung.crf is not None and rung.score is not None for rung in chosen.video)
    master = installation.published.get(f"{package_folder(request.package)}/master.m3u8").decode()
    assert [rung.name for rung in chosen.video] == [line.split("/")[0] for line in master.splitlines() if line.startswith("v")]
    assert master.count("RESOLUTION=416x234,FRAME-RATE") == len(chosen.video)

    with installation.database.read() as conn:
        found = library.analysis_of(conn, request.package)
    assert found is not None
    assert [(one.crf, one.bitrate) for one in found.choices] == [(rung.crf, rung.bitrate) for rung in chosen.video]
    report, data = tmp_path / "report.html", str(tmp_path / "data")
    assert cli.run(["show", request.title, "--report", str(report), "--data", data]) == 0
    page = report.read_text()
    assert all(f"<td>{rung.name}</td>" in page for rung in chosen.video)
    assert "<td>-</td>" not in page  # each rung was delivered, and both models scored it
    assert cli.run(["show", request.title, "--report", str(tmp_path / "no" / "report.html"), "--data", data]) == 1
