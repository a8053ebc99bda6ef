"""The parts of a film that any worker makes: handed out by the ingest, made on whichever machine, fetched back to be joined.

A part travels through the work store, under `parts/PUBLISHER/FILM/KEY/`: its files first, then `made.json`, which says that all
of them stand. One ingest at a time has a publisher's film, so that nobody else's parts lie there. What an ingest that failed had
made stays for the next one of the same film; what nobody comes back for is swept up after some days.

The film itself is read where it lies: every worker must see it at the same path (docs/decisions/0020).
"""

import contextlib
import fcntl
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from matinee.base.clock import HOUR, SECOND, Clock, Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import IngestId, PublisherId, is_id, new_id
from matinee.catalogue import progress
from matinee.catalogue.naming import printable
from matinee.catalogue.progress import IngestCancelled, PartReporter
from matinee.encoding.chunks import Part
from matinee.encoding.joining import Ready
from matinee.encoding.making import Made, hashes_beside, key_of, make, tool_build
from matinee.encoding.model import EncodeFailed, EncodePlan, FilmRefused, RefusalReason
from matinee.outside.database import Database
from matinee.outside.objects import ObjectMissing, ObjectStore
from matinee.outside.tools import Tools
from matinee.outside.work import StepRunner, WorkQueue

WORK = "encode-part"
QUEUE = "encode"
KEPT_MS = 72 * HOUR
"""How long the parts of an ingest that failed wait for another try."""
PAUSES_SECONDS = (15, 30, 60, 120, 300, 600, 600)
"""How long an ingest waits for room on a disk that is full, one after another; then it fails."""
_POLL_SECONDS = 0.4
_FOLDER = "parts"
_MADE = "made.json"
_SINCE_2020 = 1_577_836_800

log = structlog.get_logger("matinee.encode")

Progress = Callable[[float], None]


class PartRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is handed to a worker. `build` is the encoder's that must make it, `size` the film's in bytes."""

    ingest: IngestId
    publisher: PublisherId
    source: str
    size: int
    film_sha256: str
    build: str
    key: str
    part: Part
    plan: EncodePlan


class PartOutcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it ended: no `code` where the part stands in the work store."""

    code: ErrorCode | None = None
    message: str = ""
    remedy: str = ""
    reason: RefusalReason | None = None

    def error(self) -> MatineeError:
        """What was raised where it was made, to be raised again where it is waited for."""
        if self.reason is not None:
            return FilmRefused(self.message, remedy=self.remedy, code=self.code, reason=self.reason)
        if self.code is IngestCancelled.code:
            return IngestCancelled(self.message)
        return EncodeFailed(self.message, remedy=self.remedy, code=self.code)


class PartStore:
    """The parts of one publisher's film in the work store."""

    def __init__(self, store: ObjectStore, publisher: PublisherId, film_sha256: str) -> None:
        self._store = store
        self._folder = f"{_FOLDER}/{publisher}/{film_sha256}"

    def made(self, key: str) -> Made | None:
        """What stands under a key."""
        try:
            return msgspec.json.decode(self._store.get(f"{self._folder}/{key}/{_MADE}"), type=Made)
        except ObjectMissing:
            return None

    def put(self, key: str, made: Made, folder: Path) -> None:
        """Store a part, its files before what names them."""
        for file in made.files:
            self._store.put_if_absent(f"{self._folder}/{key}/{file}", folder / file)
        self._store.put_if_absent(f"{self._folder}/{key}/{_MADE}", msgspec.json.encode(made))

    def fetch(self, key: str, made: Made, to: Path) -> Ready:
        """Bring a part's files to a folder of this machine; those that are there stay. Raises ObjectMissing."""
        for file in made.files:
            place, draft = to / file, to / f"{file}.draft"
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                draft.unlink(missing_ok=True)
                self._store.fetch(f"{self._folder}/{key}/{file}", draft)
                draft.rename(place)
        return Ready(made, to)

    def forget(self, key: str = "") -> None:
        """Take one part away, or all of the film. What says that a part stands goes before its files, whoever is killed."""
        folder = f"{self._folder}/{key}".rstrip("/")
        for path, _ in self._store.list(folder):
            if path.endswith(f"/{_MADE}"):
                self._store.delete(path)
        self._store.delete_under(folder)


class PartWork:
    """The worker's side. `run` is the body of the durable work."""

    def __init__(self, database: Database, store: ObjectStore, work_folder: Path, tools: Tools, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._work_folder = work_folder
        self._tools = tools
        self._clock = clock

    def run(self, step: StepRunner, argument: str) -> str:
        """Make one part and store it. An error is an outcome: the ingest decides what follows from it."""
        request = msgspec.json.decode(argument, type=PartRequest)
        return step("make", lambda: msgspec.json.encode(self._outcome(request)).decode())

    def _outcome(self, request: PartRequest) -> PartOutcome:
        try:
            self._make(request)
        except MatineeError as error:
            return PartOutcome(
                code=error.code,
                message=error.message,
                remedy=error.remedy,
                reason=error.reason if isinstance(error, FilmRefused) else None,
            )
        except Exception as error:
            # A process boundary: this is the body of a step.
            log.error("a part broke", ingest=request.ingest, part=request.part.name, exc_info=error)
            told = f"{printable(Path(request.source).name)} could not be encoded: {type(error).__name__}."
            return PartOutcome(code=ErrorCode.INTERNAL, message=told, remedy="The worker's log says more; add the film again.")
        return PartOutcome()

    def _make(self, request: PartRequest) -> None:
        parts = PartStore(self._store, request.publisher, request.film_sha256)
        report = PartReporter(self._database, request.ingest, request.key, self._clock)
        report(0.0)
        if parts.made(request.key) is not None:
            return
        self._check(request)
        log.info("a part begins", ingest=request.ingest, part=request.part.name, key=request.key)
        with scratch(self._work_folder) as folder:
            try:
                made = make(request.plan, request.part, Path(request.source), folder, self._tools, report)
            except OSError as error:
                full = error.errno in (28, 122)
                raise EncodeFailed(
                    f"{printable(Path(request.source).name)} could not be encoded: {error.strerror or error}.",
                    remedy="See that the disk of the data folder has room and may be written.",
                    code=ErrorCode.DISK_FULL if full else ErrorCode.TOOL_FAILED,
                ) from error
            parts.put(request.key, made, folder)
        with self._database.read() as conn:
            claimed = progress.is_claimed(conn, request.publisher, request.film_sha256)
        if not claimed:  # the ingest ended since, and cleared away before this was stored; nobody else makes the film
            parts.forget(request.key)

    def _check(self, request: PartRequest) -> None:
        """That this worker sees the film, and makes what its key says."""
        name, host = printable(Path(request.source).name), socket.gethostname()
        try:
            size = Path(request.source).stat().st_size
        except OSError as error:
            raise EncodeFailed(
                f"The worker on {host} cannot read {name}: {error.strerror}.",
                remedy=f"Every worker must see films at the same path: {printable(request.source)}.",
            ) from error
        if size != request.size:
            raise EncodeFailed(
                f"The worker on {host} sees another {name}: {size} bytes where {request.size} were added.",
                remedy="See that the film no longer changes, and is the same on all workers; then add it again.",
            )
        if tool_build(self._tools) != request.build:
            raise EncodeFailed(
                f"The worker on {host} has another build of ffmpeg than the one that planned {name}.",
                remedy="Install the same locks on all workers (make setup), then add the film again.",
            )
        beside = hashes_beside(request.plan, Path(request.source))
        if key_of(request.plan, request.part, request.film_sha256, request.build, beside) != request.key:
            raise EncodeFailed(
                f"The worker on {host} would make something else of {name} than was asked of it.",
                remedy="See that all workers see the same subtitle files beside it and run the same version; then add it again.",
            )


class WorkersMaker:
    """The ingest's side: a Maker that hands parts to all workers and waits for them."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        queue: WorkQueue,
        request: PartRequest,
        folder: Path,
        on_pause: Callable[[], None],
        pauses: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        """`request` says all but which part and by which key; `folder` is where parts are brought to."""
        self._database = database
        self._parts = PartStore(store, request.publisher, request.film_sha256)
        self._queue = queue
        self._request = request
        self._folder = folder
        self._on_pause = on_pause
        self._pauses = pauses

    def make(self, plan: EncodePlan, parts: Sequence[Part], progress_: Progress) -> Sequence[Ready]:
        """Raises what the first part that failed was ended by; IngestCancelled."""
        beside = hashes_beside(plan, Path(self._request.source))
        keys = {key_of(plan, part, self._request.film_sha256, self._request.build, beside): part for part in parts}
        for attempt in range(len(self._pauses) + 1):
            ended = self._attempt(plan, keys, attempt, progress_)
            wrong = [outcome for outcome in ended.values() if outcome.code is not None]
            others = [outcome for outcome in wrong if outcome.code is not ErrorCode.DISK_FULL]
            if others or (wrong and attempt == len(self._pauses)):
                raise (others or wrong)[0].error()
            if wrong:
                log.warning("a disk is full: the ingest waits", ingest=self._request.ingest, seconds=self._pauses[attempt])
                self._wait(self._pauses[attempt])
                continue
            found = [self._fetched(key) for key in keys]
            ready = [one for one in found if one is not None]
            if len(ready) == len(found):
                return ready
            log.warning("parts are gone from the work store: they are made again", ingest=self._request.ingest)
        raise EncodeFailed(
            "Parts of the film were made, and are gone from the work store again and again.",
            remedy="See that nothing else deletes in the work store (the setting work_url), then add the film again.",
        )

    def _attempt(self, plan: EncodePlan, keys: dict[str, Part], attempt: int, progress_: Progress) -> dict[str, PartOutcome]:
        """Hand out what is not made yet, and wait until all of it ended or something is wrong with the film."""
        open_ = {f"{self._request.ingest}-{key[:32]}-{attempt}": key for key in keys if self._parts.made(key) is None}
        for work_id, key in open_.items():
            request = msgspec.structs.replace(self._request, plan=plan, part=keys[key], key=key)
            priority = priority_of(self._handed_in(), keys[key], plan)
            self._queue.enqueue(QUEUE, WORK, work_id, msgspec.json.encode(request).decode(), priority)
        ended: dict[str, PartOutcome] = {}
        done = len(keys) - len(open_)
        while open_:
            states = self._queue.states(list(open_))
            for work_id in tuple(open_):
                state = states.get(work_id)
                if state is None:  # forgotten by somebody: whether it was made shows when it is fetched
                    ended[open_.pop(work_id)] = PartOutcome()
                elif state.state in ("done", "failed", "cancelled"):
                    ended[open_.pop(work_id)] = _outcome_of(state.result, state.error or state.state)
            with self._database.read() as conn:
                under_way = progress.fractions(conn, self._request.ingest)
            progress_((done + len(ended) + sum(under_way.get(key, 0.0) for key in open_.values())) / len(keys))
            if any(outcome.code not in (None, ErrorCode.DISK_FULL) for outcome in ended.values()):
                break
            if open_:
                time.sleep(_POLL_SECONDS)
        return ended

    def _handed_in(self) -> Instant:
        with self._database.read() as conn:
            return progress.requested_at(conn, self._request.ingest)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._on_pause()
            time.sleep(min(1.0, seconds))

    def _fetched(self, key: str) -> Ready | None:
        """A part's files in a folder of this machine; None where it is gone, or not all of it stands any more."""
        made = self._parts.made(key)
        if made is None:
            return None
        try:
            return self._parts.fetch(key, made, self._folder / key)
        except ObjectMissing:
            self._parts.forget(key)
            return None


def priority_of(handed_in: Instant, part: Part, plan: EncodePlan) -> int:
    """In which order parts are begun: as if each film were encoded as fast as it plays, from the second it was handed in.

    So what came earlier goes first, and yet a short film that comes ten minutes after a long one waits for ten minutes of it
    alone.
    """
    start = Fraction(part.chunk.start) / plan.rate.fraction if part.chunk is not None else 0
    return max(1, handed_in // SECOND - _SINCE_2020 + int(start))


def _outcome_of(result: str | None, error: str) -> PartOutcome:
    if result is not None:
        return msgspec.json.decode(result, type=PartOutcome)
    return PartOutcome(code=ErrorCode.INTERNAL, message=f"A part of the film could not be made: {error}.", remedy="Add it again.")


@contextlib.contextmanager
def scratch(work_folder: Path) -> Iterator[Path]:
    """An empty folder for one part, held by a lock that ends with its process; those that nobody holds any more go first."""
    sweep_scratch(work_folder)
    name = f"scratch-{new_id()}"
    folder, lock = work_folder / name, work_folder / f"{name}.lock"
    with _locked(lock):
        try:
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _locked(lock: Path) -> BinaryIO:
    """A new file with a lock on it. A sweep may have come between the two and taken it for a killed process's: then again."""
    while True:
        file = lock.open("wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if lock.exists():
            return file
        file.close()


def sweep_scratch(work_folder: Path) -> None:
    """Take away what killed processes of this machine left half-made."""
    for lock in work_folder.glob("scratch-*.lock"):
        with contextlib.suppress(OSError), lock.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)


def sweep_folders(database: Database, work_folder: Path) -> None:
    """Take away the folders on this machine of ingests that ended elsewhere, after a worker of it had died."""
    found = [folder for folder in work_folder.iterdir() if is_id(folder.name)]
    with database.read() as conn:  # after them: an ingest is in the database before it makes its folder
        under_way = {one.id for one in progress.under_way(conn)}
    for folder in found:
        if folder.name not in under_way:
            shutil.rmtree(folder, ignore_errors=True)


def sweep(database: Database, store: ObjectStore, now: Instant) -> int:
    """Take away the parts of films that nobody came back for; how many films that were. Raises ObjectStoreFailed."""
    stale = [film for film, at in store.last_written(_FOLDER, 3).items() if at < now - KEPT_MS]
    with database.read() as conn:  # after them: a film is claimed before its parts are looked for
        held = {f"{_FOLDER}/{publisher}/{sha256}" for publisher, sha256 in progress.claimed(conn)}
    old = [film for film in stale if film not in held]
    for film in old:
        store.delete_under(film)
    return len(old)
