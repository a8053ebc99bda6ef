"""`matinee cancel` says what came of it, and never that a film was stopped which is there."""

from pathlib import Path

import msgspec
import pytest

from matinee.app import cli, commands
from matinee.app.demonstrate import _missing
from matinee.app.ingests import default_service
from matinee.app.installation import open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.clock import Instant
from matinee.base.ids import IngestId, new_id
from matinee.catalogue import progress
from matinee.catalogue.progress import Stage
from matinee.catalogue.work import IngestOutcome, OutcomeState, hand_in
from matinee.outside.work import WorkQueue, WorkState


@pytest.mark.parametrize(
    ("ended", "code", "said"),
    [
        (OutcomeState.CANCELLED, 0, "Cancelled film.mp4."),
        (OutcomeState.PUBLISHED, 1, "film.mp4 was published before it could be stopped."),
    ],
)
def test_what_came_of_it_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ended: OutcomeState,
    code: int,
    said: str,
) -> None:
    (tmp_path / "film.mp4").write_bytes(b"a film")
    with open_installation(load_settings(tmp_path / "data", {})) as installation:
        service = default_service(installation)
        with installation.database.write() as conn:
            request = hand_in(conn, installation.queue, tmp_path / "film.mp4", service, read_clock())
        outcome = IngestOutcome(ingest=request.ingest, state=ended, name="film.mp4")
        looks = [WorkState(request.ingest, "running", None, None)] * 2
        looks.append(WorkState(request.ingest, "done", msgspec.json.encode(outcome).decode(), None))
        monkeypatch.setattr(WorkQueue, "state", lambda *_: looks.pop(0))
        monkeypatch.setattr(commands, "any_worker_alive", lambda *_: True)
        assert cli.run(["cancel", "film.mp4", "--data", str(tmp_path / "data")]) == code
        with installation.database.read() as conn:
            assert [one.stage for one in progress.under_way(conn)] == [Stage.CANCELLING]
    told = capsys.readouterr()
    assert said in told.out + told.err
    assert cli.run(["cancel", "other.mp4", "--data", str(tmp_path / "data")]) == 1


def test_a_cancelled_film_that_was_never_handed_in_goes_and_one_that_was_waits_for_a_worker(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"a film")
    with open_installation(load_settings(tmp_path / "data", {})) as installation:
        service, announced = default_service(installation), IngestId(new_id())
        with installation.database.write() as conn:
            waiting = hand_in(conn, installation.queue, tmp_path / "film.mp4", service, read_clock()).ingest
            progress.begin(conn, announced, service.id, "A film", Instant(0))
            for ingest in (waiting, announced):
                assert progress.cancel(conn, ingest)
        _missing(installation, service, tmp_path)  # the demo begins anew, and announces its films
        with installation.database.read() as conn:
            assert [one.id for one in progress.under_way(conn) if one.stage is Stage.CANCELLING] == [waiting]
