"""Parts of films between an ingest and its workers: what is used again, what is taken away, and in which order they are begun."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import msgspec
import pytest

from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.clock import HOUR, MINUTE, Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import PublisherId, new_id
from matinee.base.units import DurationMs
from matinee.catalogue import parts, progress, room, work
from matinee.catalogue.parts import PartStore, PartWork, WorkersMaker, priority_of, scratch, sweep, sweep_scratch
from matinee.catalogue.progress import IngestCancelled, Stage
from matinee.catalogue.work import IngestOutcome, IngestRequest, OutcomeState, Shared, hand_in, read_outcome
from matinee.encoding.chunks import REST, Chunk, Part, PartKind
from matinee.encoding.making import Made
from matinee.encoding.model import EncodeFailed, FilmRefused
from matinee.outside.objects import ObjectStore, ObjectStoreFailed
from matinee.outside.tools import find_tools
from matinee.outside.work import WorkState
from tests.catalogue.ingesting import ingest_of
from tests.encoding.films import make_film
from tests.encoding.test_chunks import CHUNKED, HASH, PLAN
from tests.films import srt


class AtOnce:
    """A queue whose work is done as it is handed in, by a worker in this process."""

    def __init__(self, installation: Installation) -> None:
        args = (installation.database, installation.work_store, installation.settings.work_folder, find_tools(), read_clock)
        self._worker = PartWork(*args)
        self._states: dict[str, WorkState] = {}
        self.handed: list[str] = []

    def enqueue(self, _queue: str, _work: str, work_id: str, argument: str, _priority: int) -> None:
        self.handed.append(work_id)
        self._states[work_id] = WorkState(work_id, "done", self._worker.run(lambda _, step: step(), argument), None)

    def states(self, work_ids: Sequence[str]) -> dict[str, WorkState]:
        return {work_id: self._states[work_id] for work_id in work_ids if work_id in self._states}

    def forget_all(self, prefix: str) -> None:
        self._states = {key: value for key, value in self._states.items() if not key.startswith(prefix)}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with open_installation(load_settings(tmp_path / "data", {})) as opened:
        yield opened


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make_film(tmp_path / "film.mp4", seconds=9)


def added(installation: Installation, film: Path) -> tuple[IngestOutcome, AtOnce]:
    queue = AtOnce(installation)
    ingest = ingest_of(installation, CHUNKED, Shared(installation.work_store, queue))  # type: ignore[arg-type]
    service = default_service(installation)
    with installation.database.write() as conn:
        request = hand_in(conn, installation.queue, film, service, read_clock())
    return read_outcome(ingest.run(lambda _, step: step(), msgspec.json.encode(request).decode())), queue


def stored(installation: Installation) -> list[str]:
    return [path for path, _ in installation.work_store.list("parts")]


def test_what_a_failed_ingest_encoded_is_used_by_the_next(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise EncodeFailed("The disk is full.", code=ErrorCode.DISK_FULL)

    with monkeypatch.context() as patch:
        patch.setattr(work.library, "package", broken)
        outcome, queue = added(installation, film)
    assert outcome.state is OutcomeState.FAILED
    assert len(queue.handed) == 3
    assert stored(installation)
    outcome, queue = added(installation, film)
    assert outcome.state is OutcomeState.PUBLISHED
    assert queue.handed == []
    assert list(installation.settings.work_folder.iterdir()) == []


def test_subtitles_that_were_mended_after_a_failure_are_the_ones_that_are_shown(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise EncodeFailed("The disk is full.", code=ErrorCode.DISK_FULL)

    beside = film.with_suffix(".fr.srt")
    beside.write_text(srt((1, 4, "Bonjuor.")))
    with monkeypatch.context() as patch:
        patch.setattr(work.library, "package", broken)
        added(installation, film)
    beside.write_text(srt((1, 4, "Bonjour.")))
    outcome, queue = added(installation, film)
    assert outcome.state is OutcomeState.PUBLISHED
    assert len(queue.handed) == 1, "the rungs are used again"
    told = [installation.published.get(path) for path, _ in installation.published.list("packages") if path.endswith(".vtt")]
    assert told
    assert all(b"Bonjour." in text for text in told)


def test_a_worker_that_sees_other_subtitles_says_so(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, real = film.with_suffix(".fr.srt"), PartWork._check
    beside.write_text(srt((1, 4, "Bonjour.")))

    def elsewhere(self: PartWork, request: parts.PartRequest) -> None:
        beside.unlink(missing_ok=True)
        real(self, request)

    monkeypatch.setattr(PartWork, "_check", elsewhere)
    outcome, _ = added(installation, film)
    assert outcome.state is OutcomeState.FAILED
    assert "would make something else of film.mp4" in outcome.message
    assert "subtitle files" in outcome.remedy


def test_a_refused_film_leaves_no_parts(installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = parts.make

    def refuses_chunks(plan: object, part: Part, *rest: object) -> Made:
        if part.kind is PartKind.CHUNK:
            raise FilmRefused("film.mp4: it is too slow.")
        return real(plan, part, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(parts, "make", refuses_chunks)
    outcome, _ = added(installation, film)
    assert (outcome.state, outcome.message) == (OutcomeState.REFUSED, "film.mp4: it is too slow.")
    assert list(installation.settings.work_folder.iterdir()) == []


def test_a_full_disk_pauses_the_ingest_and_says_so(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, said = parts.make, []

    def full_at_first(*arguments: object) -> Made:
        if not said:
            raise EncodeFailed("The disk is full.", code=ErrorCode.DISK_FULL)
        return real(*arguments)  # type: ignore[arg-type]

    def wait(self: WorkersMaker, seconds: float) -> None:
        self._on_pause()
        with installation.database.read() as conn:
            said.append((seconds, progress.under_way(conn)[0].stage))

    monkeypatch.setattr(parts, "make", full_at_first)
    monkeypatch.setattr(WorkersMaker, "_wait", wait)
    outcome, queue = added(installation, film)
    assert outcome.state is OutcomeState.PUBLISHED
    assert said == [(15, Stage.PAUSED)]
    assert len(queue.handed) == 6


def test_a_disk_that_stays_full_ends_the_ingest(installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Made:
        raise EncodeFailed("The disk is full.", code=ErrorCode.DISK_FULL)

    waited: list[float] = []
    monkeypatch.setattr(parts, "make", full)
    monkeypatch.setattr(WorkersMaker, "_wait", lambda _, seconds: waited.append(seconds))
    outcome, _ = added(installation, film)
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED, ErrorCode.DISK_FULL)
    assert waited == list(parts.PAUSES_SECONDS)


def test_a_part_that_was_stopped_is_no_refusal_of_the_film(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever notices first, the part's worker or the ingest's: it ends as cancelled, and nothing of it stays."""

    def stopped(*_: object) -> Made:
        raise IngestCancelled("It was cancelled.")

    monkeypatch.setattr(parts, "make", stopped)
    outcome, _ = added(installation, film)
    assert (outcome.state, outcome.message) == (OutcomeState.CANCELLED, "film.mp4 was cancelled.")
    assert stored(installation) == []


def test_a_worker_that_does_not_see_the_film_says_where_it_should_be(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = PartWork._check

    def elsewhere(self: PartWork, request: parts.PartRequest) -> None:
        real(self, msgspec.structs.replace(request, source="/nowhere/film.mp4"))

    monkeypatch.setattr(PartWork, "_check", elsewhere)
    outcome, _ = added(installation, film)
    assert outcome.state is OutcomeState.FAILED
    assert "cannot read film.mp4" in outcome.message
    assert "/nowhere/film.mp4" in outcome.remedy


@pytest.mark.parametrize("gone", ["made.json", "frames.crc", ""])
def test_a_part_that_is_gone_once_it_was_made_is_made_again(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """Another ingest of the film that ended at that moment took it away, or half of it, or forgot the work itself."""
    real, seen = AtOnce.states, []

    def taken(self: AtOnce, work_ids: Sequence[str]) -> dict[str, WorkState]:
        found = real(self, work_ids)
        if not seen:
            seen.append(True)
            for path in stored(installation):
                if path.endswith(f"/{gone}"):
                    installation.work_store.delete(path)
            if not gone:
                installation.work_store.delete_under("parts")
                return {}
        return found

    monkeypatch.setattr(AtOnce, "states", taken)
    outcome, queue = added(installation, film)
    assert outcome.state is OutcomeState.PUBLISHED, outcome
    assert len(queue.handed) == 6
    assert list(installation.settings.work_folder.iterdir()) == []


def test_parts_that_are_always_gone_end_the_ingest(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WorkersMaker, "_fetched", lambda *_: None)
    real = WorkersMaker.__init__

    def hasty(self: WorkersMaker, *arguments: object) -> None:
        real(self, *arguments, pauses=(1,))  # type: ignore[arg-type]

    monkeypatch.setattr(WorkersMaker, "__init__", hasty)
    outcome, _ = added(installation, film)
    assert outcome.state is OutcomeState.FAILED
    assert "again and again" in outcome.message


def test_a_part_is_no_longer_said_to_stand_before_its_files_go(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    store = PartStore(installation.work_store, PublisherId("publisher"), HASH)
    store.put("key", Made(frames=1, files=("a.mp4",)), tmp_path)
    real, gone = ObjectStore.delete, []

    def noted(self: ObjectStore, path: str) -> None:
        gone.append(path.rpartition("/")[2])
        real(self, path)

    monkeypatch.setattr(ObjectStore, "delete", noted)
    store.forget()
    assert gone == ["made.json", "a.mp4"]


@pytest.mark.parametrize("added_again", [False, True])
def test_a_part_stored_after_its_ingest_ended_is_taken_away_unless_the_film_is_made_again(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch, added_again: bool
) -> None:
    service, asked = default_service(installation), []
    with monkeypatch.context() as patch:
        patch.setattr(AtOnce, "enqueue", lambda *arguments: asked.append(arguments[4]))
        patch.setattr(AtOnce, "states", lambda _, ids: {one: WorkState(one, "done", "{}", None) for one in ids})
        patch.setattr(work.Ingest, "_undo", lambda *_, **__: "{}")
        patch.setattr(parts.WorkersMaker, "_fetched", lambda *_: None)
        added(installation, film)
    request = msgspec.json.decode(asked[0], type=parts.PartRequest)
    real = PartStore.put

    def late(self: PartStore, *arguments: object) -> None:
        with installation.database.write() as conn:
            progress.end(conn, request.ingest)
            if added_again:
                again = hand_in(conn, installation.queue, film, service, read_clock())
                progress.claim(conn, again.ingest, again.publisher, request.film_sha256)
        real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(PartStore, "put", late)
    AtOnce(installation).enqueue("", "", "late", asked[0], 1)
    assert bool(stored(installation)) == added_again


def test_a_work_store_that_is_away_keeps_no_claim_on_a_film(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> Made:
        raise FilmRefused("film.mp4: it is too slow.")

    def away(*_: object) -> None:
        raise ObjectStoreFailed("parts could not be listed: no route.")

    monkeypatch.setattr(parts, "make", refuses)
    monkeypatch.setattr(PartStore, "forget", away)
    outcome, _ = added(installation, film)
    assert outcome.state is OutcomeState.REFUSED
    with installation.database.read() as conn:
        assert progress.claimed(conn) == set()


def test_one_that_is_cancelled_while_the_disk_is_full_is_cancelled(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what one does about a full disk: its parts must go, and not wait there for another try."""

    def full(*_: object) -> Made:
        raise EncodeFailed("The disk is full.", code=ErrorCode.DISK_FULL)

    def cancelled(self: WorkersMaker, _: float) -> None:
        monkeypatch.setattr(room.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
        with installation.database.write() as conn:
            progress.cancel(conn, self._request.ingest)
        self._on_pause()

    monkeypatch.setattr(parts, "make", full)
    monkeypatch.setattr(WorkersMaker, "_wait", cancelled)
    outcome, _ = added(installation, film)
    assert outcome.state is OutcomeState.CANCELLED, outcome
    assert stored(installation) == []


def test_what_nobody_comes_back_for_is_swept_up(installation: Installation, film: Path, tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a.mp4").write_bytes(b"x")
    service = default_service(installation)
    with installation.database.write() as conn:
        request: IngestRequest = hand_in(conn, installation.queue, film, service, read_clock())
        progress.claim(conn, request.ingest, request.publisher, "1" * 64)
    for publisher, sha256 in ((request.publisher, "1" * 64), (request.publisher, "2" * 64), (PublisherId("other"), "1" * 64)):
        PartStore(installation.work_store, publisher, sha256).put("key", Made(frames=1, files=("a.mp4",)), tmp_path / "part")
    now = read_clock()
    assert sweep(installation.database, installation.work_store, Instant(now + parts.KEPT_MS - HOUR)) == 0
    assert sweep(installation.database, installation.work_store, Instant(now + parts.KEPT_MS + HOUR)) == 2
    assert {path.rsplit("/", 2)[0] for path in stored(installation)} == {f"parts/{request.publisher}/{'1' * 64}"}


def test_a_killed_processes_scratch_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
    (tmp_path / "scratch-dead").mkdir()
    (tmp_path / "scratch-dead.lock").touch()
    with scratch(tmp_path) as folder:
        sweep_scratch(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {folder.name, f"{folder.name}.lock"}
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_that_comes_between_a_lock_and_its_holder_leaves_no_folder_without_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, swept = parts.fcntl.flock, []

    def swept_first(file: BinaryIO, how: int) -> None:
        if not swept:
            swept.append(True)
            sweep_scratch(tmp_path)
        real(file, how)

    monkeypatch.setattr(parts.fcntl, "flock", swept_first)
    with scratch(tmp_path) as folder:
        assert {path.name for path in tmp_path.iterdir()} == {folder.name, f"{folder.name}.lock"}
        sweep_scratch(tmp_path)
        assert folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_an_ingest_that_ended_elsewhere_is_swept(installation: Installation, film: Path) -> None:
    service, folder = default_service(installation), installation.settings.work_folder
    with installation.database.write() as conn:
        under_way = hand_in(conn, installation.queue, film, service, read_clock()).ingest
    for name in (under_way, new_id(), "parts"):
        (folder / name).mkdir()
    parts.sweep_folders(installation.database, folder)
    assert {path.name for path in folder.iterdir()} == {under_way, "parts"}


def test_earlier_films_go_first_and_a_short_one_does_not_wait_for_all_of_a_long_one() -> None:
    began = Instant(1_800_000_000_000)
    plan = msgspec.structs.replace(PLAN, promised_ms=DurationMs(7_200_000))

    def at(minutes_later: int, seconds: int | None) -> int:
        part = REST
        if seconds is not None:
            start = plan.rate.frames_in(seconds)  # type: ignore[arg-type]
            part = Part(kind=PartKind.CHUNK, chunk=Chunk(start=start, end=start + 48))
        return priority_of(Instant(began + minutes_later * MINUTE), part, plan)

    assert at(0, None) == at(0, 0) < at(0, 60) < at(1, None) + 1
    assert at(0, 540) < at(10, None) < at(0, 660)
    assert 1 <= priority_of(Instant(0), REST, plan) <= at(0, None) < 2**31
