"""Ingest: from a film file to a published title, as durable steps that a killed process leaves safe to run again.

    fingerprint -> metadata -> probe -> plan -> (choose) -> encode -> landmarks -> artwork -> package -> verify -> store -> tell
        -> season

Every id is drawn when the work is handed in, every stage writes under a temporary name and then renames, and the rows that
make the title visible are written last, in one transaction. A refusal takes back whatever stands by then: no row, no file,
no process.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import structlog
from sqlalchemy.engine import Connection

from matinee.base.clock import Clock, Instant
from matinee.base.errors import ErrorCode, InvalidRequest, MatineeError
from matinee.base.ids import ArtworkId, IngestId, PackageId, PublisherId, ServiceId, TitleId, new_id
from matinee.base.units import Pixels
from matinee.catalogue import progress, store
from matinee.catalogue.marking import landmarks_or_none, mark_season, with_film_markers
from matinee.catalogue.model import (
    AlreadyAdded,
    AudioTrack,
    Av1Picture,
    Language,
    Marker,
    Metadata,
    Playable,
    Service,
    SubtitleTrack,
    Thumbnails,
    Title,
    TrackLoudness,
)
from matinee.catalogue.naming import printable
from matinee.catalogue.parts import PartRequest, PartStore, WorkersMaker, sweep_scratch
from matinee.catalogue.progress import IngestCancelled, Reporter, Stage
from matinee.catalogue.room import check_room, telling_of_a_full_disk
from matinee.catalogue.rules import in_language
from matinee.catalogue.sidecar import metadata_of
from matinee.encoding import artwork
from matinee.encoding import work as encoding
from matinee.encoding.chunks import WHOLE
from matinee.encoding.joining import HereMaker, Maker, encode_in_parts
from matinee.encoding.kept import Kept
from matinee.encoding.landmarks import Landmarks
from matinee.encoding.making import tool_build
from matinee.encoding.model import Coding, EncodedFilm, EncodePlan, FilmRefused, Ladder, Probe, RefusalReason, Stills, Transfer
from matinee.encoding.sampling import sampled_scores
from matinee.library import store as library_store
from matinee.library import work as library
from matinee.library.keys import MasterKey
from matinee.library.model import DrmSystem, PackageFiles, PackageState, VerifyReport
from matinee.outside.database import Database
from matinee.outside.objects import ObjectStore
from matinee.outside.tools import Tools
from matinee.outside.work import StepRunner, WorkQueue

WORK = "ingest"
QUEUE = "ingest"
HASH_BLOCK_BYTES = 4 * 1024 * 1024
_REFUSALS = frozenset({ErrorCode.FILM_REFUSED, ErrorCode.ALREADY_ADDED, ErrorCode.INVALID_REQUEST, ErrorCode.CONFLICT})

T = TypeVar("T", bound=msgspec.Struct)
Progress = Callable[[float], None]

log = structlog.get_logger("matinee.ingest")


class IngestRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is handed in. `source` is an absolute path on the machine that runs the work; the ids are fresh ones."""

    ingest: IngestId
    source: str
    publisher: PublisherId
    service: ServiceId
    title: TitleId
    package: PackageId
    artwork: ArtworkId
    series_artwork: ArtworkId


class OutcomeState(StrEnum):
    PUBLISHED = "published"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


class IngestOutcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an ingest ended. A refusal is the film's fault and final; a failure is ours, and adding the film again may do: what was
    encoded by then is used again."""

    ingest: IngestId
    state: OutcomeState
    name: str
    title: TitleId | None = None
    warnings: tuple[str, ...] = ()
    code: str = ""
    message: str = ""
    remedy: str = ""


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tells one film file from another, and whether it changed while we read it."""

    sha256: str
    size: int
    modified_ns: int


class Nothing(msgspec.Struct, frozen=True):
    """The answer of a step whose effect is all there is to it."""


class Shared(NamedTuple):
    """What the workers of an installation encode a film together by."""

    store: ObjectStore
    queue: WorkQueue


class Ingest:
    """The use case, with what it works on. `run` is the body of the durable work."""

    def __init__(
        self,
        *,
        database: Database,
        published: ObjectStore,
        work_folder: Path,
        tools: Tools,
        master: MasterKey,
        ladder: Ladder,
        drm: tuple[DrmSystem, ...],
        clock: Clock,
        kept: Kept | None = None,
        shared: Shared | None = None,
    ) -> None:
        """`shared` is what workers have in common to encode a film together; without it, it is encoded in this process."""
        self._shared = shared
        self._database = database
        self._published = published
        self._work_folder = work_folder
        self._tools = tools
        self._master = master
        self._ladder = ladder
        self._drm = drm
        self._clock = clock
        self._kept = kept

    def run(self, step: StepRunner, argument: str) -> str:
        """Take one request to its outcome; both are JSON. Only an error of the work engine itself is raised."""
        request = msgspec.json.decode(argument, type=IngestRequest)
        name = Path(request.source).name
        try:
            warnings = self._stages(step, request)
        except MatineeError as error:
            state = OutcomeState.REFUSED if error.code in _REFUSALS else OutcomeState.FAILED
            if isinstance(error, IngestCancelled):
                state, error = OutcomeState.CANCELLED, IngestCancelled(f"{printable(name)} was cancelled.")
            step("undo", lambda: self._undo(request, keep_parts=state is OutcomeState.FAILED))
            log.warning("ingest ended", state=state, code=error.code, message=error.message)
            return _json(
                IngestOutcome(
                    ingest=request.ingest, state=state, name=name, code=error.code, message=error.message, remedy=error.remedy
                )
            )
        outcome = IngestOutcome(
            ingest=request.ingest, state=OutcomeState.PUBLISHED, name=name, title=request.title, warnings=warnings
        )
        return _json(outcome)

    def _stages(self, step: StepRunner, request: IngestRequest) -> tuple[str, ...]:
        source = Path(request.source)
        report = Reporter(self._database, request.ingest, self._clock)

        def at(stage: Stage, work: Callable[[Progress], msgspec.Struct]) -> Callable[[], str]:
            return lambda: _json(_in_our_words(lambda: work(report.stage(stage)), self._work_folder, request))

        mark = _read(step("fingerprint", at(Stage.PROBE, lambda p: self._fingerprint(request, p))), Fingerprint)
        metadata = _read(step("metadata", at(Stage.PROBE, lambda _: metadata_of(source))), Metadata)
        probe = _read(step("probe", at(Stage.PROBE, lambda _: encoding.probe(source, self._tools))), Probe)
        plan = _read(step("plan", at(Stage.PROBE, lambda _: self._plan(probe, source))), EncodePlan)
        folder = self._folder_of(request)
        if plan.measures:  # as it was recorded: the setting may have changed since a process died here
            plan = _read(step("choose", at(Stage.PROBE, lambda p: self._choose(request, plan, source, folder, p))), EncodePlan)

        def encode(on_progress: Progress) -> EncodedFilm:
            return self._encode(plan, request, mark, report, on_progress)

        film = _read(step("encode", at(Stage.ENCODE, lambda p: _unchanged(source, mark, encode(p)))), EncodedFilm)

        def package(on_progress: Progress) -> PackageFiles:
            encode(_silent)
            return self._package(request, film, folder, on_progress)

        # The worker that encoded or packaged may be dead by now, and its disk far away: each step makes sure of what it needs.
        # Where that stands it costs nothing, and where not it is put together again from the same parts.
        look = _after(encode, lambda _: landmarks_or_none(film, folder, self._tools))
        marks = _read(step("landmarks", at(Stage.PACKAGE, look)), Landmarks)
        metadata = with_film_markers(metadata, film, marks)
        step("artwork", at(Stage.PACKAGE, _after(encode, lambda _: self._artwork(request, film, metadata, folder))))
        files = _read(step("package", at(Stage.PACKAGE, package)), PackageFiles)
        step("verify", at(Stage.VERIFY, _after(package, lambda p: self._verify(request, plan, film, folder, p))))
        step("store", at(Stage.PUBLISH, _after(package, lambda p: self._store(request, folder, p))))
        step("tell", at(Stage.PUBLISH, lambda _: self._tell(request, metadata, mark, film, files)))
        step("season", lambda: mark_season(self._database, request.title, marks, self._clock))
        step("clean", lambda: self._finish(request, mark))
        return tuple(warning.message for warning in film.warnings)

    def _fingerprint(self, request: IngestRequest, on_progress: Progress) -> Fingerprint:
        """Read the film once, and claim it: of two adds of one film at once, the second ends here."""
        source = Path(request.source)
        try:
            mark = fingerprint(source, on_progress)
        except OSError as error:
            raise FilmRefused(
                f"{source.name} cannot be read: {error.strerror}.",
                remedy="See that the file is there and that the worker may read it.",
                reason=RefusalReason.UNREADABLE,
            ) from error
        with self._database.write() as conn:
            there = store.title_of_source(conn, request.publisher, mark.sha256)
            if there is not None and there != request.title:
                raise AlreadyAdded(
                    f"{source.name} is already published as title {there}.",
                    remedy="Nothing is to be done; to encode it anew, remove that title first.",
                )
            # Noted when it was handed in, unless that program died in between: the claim needs a row to stand on.
            progress.begin(conn, request.ingest, request.service, printable(source.name), self._clock())
            if not progress.claim(conn, request.ingest, request.publisher, mark.sha256):
                raise AlreadyAdded(
                    f"{source.name} is being added already.", remedy="Nothing is to be done: the other ingest goes on."
                )
        return mark

    def _plan(self, probe: Probe, source: Path) -> EncodePlan:
        plan = encoding.plan(probe, self._ladder, encoding.find_sidecars(source))
        _check_room(self._work_folder, plan, probe.file_name)
        return plan

    def _choose(
        self, request: IngestRequest, plan: EncodePlan, source: Path, folder: Path, on_progress: Progress
    ) -> EncodePlan:
        chosen, found = encoding.choose(plan, source, folder, self._tools, on_progress, self._kept)
        if found is not None:
            with self._database.write() as conn:
                library_store.keep_analysis(conn, request.package, found, self._clock())
        _check_room(self._work_folder, chosen, source.name)
        return chosen

    def _encode(
        self, plan: EncodePlan, request: IngestRequest, mark: Fingerprint, report: Reporter, on_progress: Progress
    ) -> EncodedFilm:
        source, folder = Path(request.source), self._folder_of(request)
        maker = self._maker(plan, request, mark, report)
        return encode_in_parts(plan, source, folder, maker, self._tools, on_progress)

    def _maker(self, plan: EncodePlan, request: IngestRequest, mark: Fingerprint, report: Reporter) -> Maker:
        folder = self._folder_of(request) / "parts"
        if self._shared is None:
            return HereMaker(Path(request.source), mark.sha256, folder, self._tools, at_once=2)
        wanted = PartRequest(
            ingest=request.ingest,
            publisher=request.publisher,
            source=request.source,
            size=mark.size,
            film_sha256=mark.sha256,
            build=tool_build(self._tools),
            key="",
            part=WHOLE,
            plan=plan,
        )

        def pause() -> None:
            report.stage(Stage.PAUSED)

        return WorkersMaker(self._database, self._shared.store, self._shared.queue, wanted, folder, pause)

    def _artwork(self, request: IngestRequest, film: EncodedFilm, metadata: Metadata, folder: Path) -> Nothing:
        """The title's pictures, and with the first episode of a series the series' own, its name on them."""
        stills = outside_markers(film.stills, metadata.markers) if film.stills is not None else None
        drawn = [(request.artwork, metadata.text)]
        if metadata.series is not None:
            drawn.append((request.series_artwork, metadata.series.text or metadata.text))
        for artwork_id, words in drawn:
            art = folder / "artwork" / artwork_id
            name = in_language(words, "name", Language(""), metadata.original_language)
            files = artwork.draw_artwork(stills, folder, name, art)
            for file in msgspec.structs.astuple(files):
                self._published.put(f"{artwork_folder(artwork_id)}/{file}", art / file)
        return Nothing()

    def _package(self, request: IngestRequest, film: EncodedFilm, folder: Path, on_progress: Progress) -> PackageFiles:
        with self._database.write() as conn:
            keys = library_store.ensure_keys(conn, self._master, request.package, request.title, self._clock())
        out = folder / "package"
        return library.package(film, folder, request.package, keys, self._drm, out, self._tools, on_progress)

    def _verify(
        self, request: IngestRequest, plan: EncodePlan, film: EncodedFilm, folder: Path, on_progress: Progress
    ) -> VerifyReport:
        with self._database.read() as conn:
            keys = library_store.keys_of(conn, self._master, request.package)

        def scores() -> dict[str, float]:
            return sampled_scores(plan, film, Path(request.source), folder, self._tools)

        return library.verify(folder / "package", film, keys, self._tools, on_progress, scores)

    def _store(self, request: IngestRequest, folder: Path, on_progress: Progress) -> Nothing:
        library.publish(folder / "package", request.package, self._published, on_progress)
        return Nothing()

    def _tell(
        self, request: IngestRequest, metadata: Metadata, mark: Fingerprint, film: EncodedFilm, files: PackageFiles
    ) -> Nothing:
        """The one transaction that makes the title visible."""
        now = self._clock()
        with self._database.write() as conn:
            library_store.mark_published(conn, files, now, film)
            store.publish(
                conn,
                request.title,
                store.service_of(conn, request.service),
                metadata,
                playable_of(request.package, film),
                request.artwork,
                mark.sha256,
                now,
                [warning.message for warning in film.warnings],
                series_artwork=request.series_artwork,
            )
            progress.end(conn, request.ingest)
        return Nothing()

    def _finish(self, request: IngestRequest, mark: Fingerprint) -> str:
        """Take away what the published title does not need: the clear files, and pictures for a series that has its own."""
        with self._database.read() as conn:
            used = store.series_artwork_of(conn, request.title)
        if used != request.series_artwork:
            self._published.delete_under(artwork_folder(request.series_artwork))
        return self._clean(request, mark.sha256)

    def _clean(self, request: IngestRequest, film_sha256: str | None) -> str:
        """Take away the clear files, here and in the work store; without the film's hash the parts there stay."""
        shutil.rmtree(self._folder_of(request), ignore_errors=True)
        sweep_scratch(self._work_folder)
        if self._shared is not None:
            self._shared.queue.forget_all(f"{request.ingest}-")
            if film_sha256 is not None:
                self._forget_parts(self._shared.store, request, film_sha256)
        return "{}"

    def _forget_parts(self, shared: ObjectStore, request: IngestRequest, film_sha256: str) -> None:
        try:
            PartStore(shared, request.publisher, film_sha256).forget()
        except MatineeError as error:  # the ingest has ended all the same; what lies there is swept up after some days
            log.warning("parts stay in the work store", ingest=request.ingest, message=error.message)

    def _undo(self, request: IngestRequest, *, keep_parts: bool = False) -> str:
        """Leave no row and no object of an ingest that did not end in a title, but for parts that another try may use.

        Safe to run at any point, and again.
        """
        with self._database.read() as conn:
            sha256 = None if keep_parts else progress.claim_of(conn, request.ingest)
        self._clean(request, sha256)
        with self._database.write() as conn:
            progress.end(conn, request.ingest)
            library_store.forget(conn, request.package)
        with self._database.read() as conn:
            claimed = sha256 is not None and progress.is_claimed(conn, request.publisher, sha256)
        if not claimed:  # again: a part that was stored meanwhile; from now on its worker takes it away
            self._clean(request, sha256)
        with self._database.read() as conn:
            if library_store.is_published(conn, request.package):
                return "{}"  # what failed came after the title was told of: its bytes stay
        self._published.delete_under(f"packages/{request.package}")
        self._published.delete_under(artwork_folder(request.artwork))
        self._published.delete_under(artwork_folder(request.series_artwork))
        return "{}"

    def _folder_of(self, request: IngestRequest) -> Path:
        return self._work_folder / request.ingest


def hand_in(
    conn: Connection, queue: WorkQueue, film: Path, service: Service, now: Instant, ingest: IngestId | None = None
) -> IngestRequest:
    """Draw the ids of a new ingest, note it as waiting, and put it in the queue. `ingest` is one that was announced.

    Raises InvalidRequest for a path that is no text: it could be neither stored nor told.
    """
    if not _is_text(str(film.absolute())):
        raise InvalidRequest(
            f"The path of {printable(film.name)!a} is not in UTF-8.", remedy="Rename it (convmv does many at once), then add it."
        )
    request = IngestRequest(
        ingest=ingest or IngestId(new_id()),
        source=str(film.absolute()),
        publisher=service.publisher,
        service=service.id,
        title=TitleId(new_id()),
        package=PackageId(new_id()),
        artwork=ArtworkId(new_id()),
        series_artwork=ArtworkId(new_id()),
    )
    progress.begin(conn, request.ingest, service.id, printable(film.name), now)
    queue.enqueue(QUEUE, WORK, request.ingest, _json(request))
    return request


def _silent(_: float) -> None:
    return


def _after(first: Callable[[Progress], object], then: Callable[[Progress], T]) -> Callable[[Progress], T]:
    def both(on_progress: Progress) -> T:
        first(_silent)
        return then(on_progress)

    return both


def _unchanged(source: Path, mark: Fingerprint, film: EncodedFilm) -> EncodedFilm:
    """What was encoded, if the file is still what it was. Raises FilmRefused."""
    stat = source.stat()
    if (stat.st_size, stat.st_mtime_ns) != (mark.size, mark.modified_ns):
        raise FilmRefused(
            f"{source.name} changed while it was encoded.",
            remedy="Add it again once it is whole.",
            reason=RefusalReason.UNREADABLE,
        )
    return film


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_outcome(result: str) -> IngestOutcome:
    """The outcome that a finished ingest left with the work engine."""
    return msgspec.json.decode(result, type=IngestOutcome)


def take_away(
    database: Database, published: ObjectStore, publisher: PublisherId, title: TitleId, now: Instant
) -> Sequence[Title]:
    """Remove a title (a series with its episodes): first the rows and the key, so that nobody starts it any more, then the
    bytes. What went. Raises TitleNotFound."""
    with database.write() as conn:
        gone = store.remove(conn, publisher, title, now)
        packages = [one.playable.package for one in gone if one.playable is not None]
        packages += [old for one in gone for old in library_store.of_title(conn, one.id, PackageState.RETIRED)]
        for package in packages:
            library_store.mark_removed(conn, package)
    for package in packages:
        library.unpublish(package, published)
    for one in gone:
        if one.artwork is not None:
            published.delete_under(artwork_folder(one.artwork))
    return gone


def fingerprint(source: Path, on_progress: Progress) -> Fingerprint:
    """SHA-256 of a film with its size and time of change. Raises OSError."""
    digest = hashlib.sha256()
    with source.open("rb") as file:
        stat = os.fstat(file.fileno())
        done = 0
        while block := file.read(HASH_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            on_progress(done / max(1, stat.st_size))
    return Fingerprint(sha256=digest.hexdigest(), size=done, modified_ns=stat.st_mtime_ns)


def outside_markers(stills: Stills, markers: Sequence[Marker]) -> Stills:
    """The frames that show the film itself: those of its intro and credits show lettering, which ours would lie upon."""
    kept = tuple(
        still
        for still in stills.candidates
        if not any(marker.start_ms <= still.position_ms < marker.end_ms for marker in markers)
    )
    if not kept:
        return stills
    poster = stills.poster if any(still.path == stills.poster for still in kept) else kept[0].path
    return Stills(candidates=kept, poster=poster)


def playable_of(package: PackageId, film: EncodedFilm) -> Playable:
    """What a screen is told of an encoded film."""
    return Playable(
        package=package,
        duration_ms=film.duration_ms,
        height=max((video.height for video in film.video), default=Pixels(0)),
        hdr=any(video.transfer is not Transfer.SDR for video in film.video),
        audio=tuple(
            AudioTrack(language=Language(a.language), label=a.label, role=a.role)
            for a in film.audio
            if a.mix_of is None  # a surround mix is the same choice, made by the device
        ),
        subtitles=tuple(SubtitleTrack(language=Language(t.language), label=t.label, role=t.role) for t in film.text),
        av1=_av1_of(film),
        thumbnails=None
        if film.thumbnails is None
        else Thumbnails(
            path="thumbs/{n}.jpg",
            columns=film.thumbnails.columns,
            rows=film.thumbnails.rows,
            tile_width=film.thumbnails.tile_width,
            tile_height=film.thumbnails.tile_height,
            interval_ms=film.thumbnails.interval_ms,
            count=film.thumbnails.count,
        ),
        loudness=tuple(
            TrackLoudness(
                track=one.name,
                integrated_lufs=one.integrated,
                range_lu=one.range_lu,
                true_peak_dbtp=one.true_peak_dbtp,
            )
            for one in film.loudness
        ),
    )


def _av1_of(film: EncodedFilm) -> Av1Picture | None:
    in_av1 = (one for one in film.video if one.coding is Coding.AV1)
    best = max(in_av1, key=lambda one: (one.height, one.peak_bitrate), default=None)
    if best is None:
        return None
    return Av1Picture(
        codec=best.codec,
        width=best.width,
        height=best.height,
        bitrate=best.peak_bitrate,
        frame_rate=round(float(best.frame_rate.fraction), 3),
        hdr=best.transfer is not Transfer.SDR,
    )


def _check_room(folder: Path, plan: EncodePlan, name: str) -> None:
    """Before the encode: what it makes and its encrypted copy, with a margin."""
    bits = sum(video.bitrate for video in plan.video) + sum(audio.bitrate for audio in plan.audio)
    check_room(folder, bits * (plan.promised_ms or 0) // 8000 * 3, name, "add the film again")


def _in_our_words(work: Callable[[], msgspec.Struct], folder: Path, request: IngestRequest) -> msgspec.Struct:
    """What nobody foresaw ends an ingest as any failure does: undone, and told. Left to the work engine, it would keep the claim
    on the film for ever, and no later add could make it."""
    try:
        return telling_of_a_full_disk(work, folder, "add the film again; what was encoded by then is used")
    except MatineeError:
        raise
    except Exception as error:
        # A process boundary: this is the body of a step.
        log.error("ingest broke", ingest=request.ingest, exc_info=error)
        raise MatineeError(
            f"{printable(Path(request.source).name)} could not be ingested: {type(error).__name__}.",
            remedy="Add it again; if it fails again, the worker's log says more.",
        ) from error


def artwork_folder(artwork_id: ArtworkId) -> str:
    """Where a title's pictures lie in the published store."""
    return f"artwork/{artwork_id}"


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()


def _read(text: str, kind: type[T]) -> T:
    """What a step answered. Raises MatineeError where another version wrote it and it cannot be read: so the film is let go."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise MatineeError(
            f"What another version recorded of this ingest cannot be read: {error}.", remedy="Add the film again."
        ) from error
