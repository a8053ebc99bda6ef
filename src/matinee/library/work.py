"""package -> verify -> publish, and the ways back: check, unpublish.

Each stage may be killed anywhere and run again. Packaging fills a draft folder and renames it. Publishing goes from what
nothing refers to yet to what refers to all: segments, the list of contents, the playlists of the tracks, and at the end the
two manifests.
"""

import contextlib
import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TypeVar

from matinee.base.ids import PackageId
from matinee.base.units import Bytes, DurationMs
from matinee.encoding.model import EncodedFilm, Transfer
from matinee.library import checks, dash, hls, presentation
from matinee.library.checks import CheckFailed, Looked
from matinee.library.inspection import Read, clear_excerpt, inspect, is_media
from matinee.library.mastering import read_mastering, with_mastering
from matinee.library.measure import IMAGE_FOLDER, TEXT_FILE, measure
from matinee.library.model import (
    Check,
    CheckReport,
    ContentKeys,
    Contents,
    DrmSystem,
    FileHash,
    LibraryError,
    Package,
    PackageFiles,
    Track,
    TrackKind,
    VerifyReport,
)
from matinee.library.rules import CONTENTS, decoded_segments, publishing_order
from matinee.outside import packager
from matinee.outside.objects import ObjectMissing, ObjectStore
from matinee.outside.packager import Job, Stream
from matinee.outside.processes import Limits, ToolFailed, held_in_memory, run
from matinee.outside.tools import Tools

Progress = Callable[[float], None]
T = TypeVar("T")

_SYSTEM_NAMES = {
    DrmSystem.CLEARKEY: "Common",
    DrmSystem.WIDEVINE: "Widevine",
    DrmSystem.PLAYREADY: "PlayReady",
    DrmSystem.FAIRPLAY: "FairPlay",
}
_PACKAGER_LIMITS = Limits(wall_seconds=3600)
_READER_LIMITS = Limits(wall_seconds=1800)
_UPLOADS_AT_ONCE = 8


def _silent(_: float) -> None:
    return


def package_folder(package_id: PackageId) -> str:
    """Where a package lies in the published store."""
    return f"packages/{package_id}"


# --- package ---------------------------------------------------------------------------------------------------------


def package(
    film: EncodedFilm,
    workdir: Path,
    package_id: PackageId,
    keys: ContentKeys,
    drm: tuple[DrmSystem, ...],
    out: Path,
    tools: Tools,
    progress: Progress = _silent,
) -> PackageFiles:
    """Make the whole package in the folder `out` from the renditions in `workdir`; one that stands there is kept.

    Equal films, ids, keys and systems give equal bytes. Raises LibraryError where the segments are not what was encoded, and
    ToolFailed.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with _alone(out):
        standing = _standing(out, package_id, keys, drm)
        if standing is not None:
            progress(1.0)
            return standing
        draft = _fresh_draft(out)
        sources = {one.name: one.path for one in film.video} | {one.name: one.path for one in film.audio}
        _segment(film, workdir, sources, keys, None, drm, draft, tools)
        progress(0.5)
        _copy_text_and_images(film, workdir, draft)
        hashes = {name: _media_hash(workdir / path, tools) for name, path in sources.items()}
        progress(0.7)
        contents = _describe(film, package_id, keys, drm, draft, hashes)
        draft.rename(out)
    progress(1.0)
    return PackageFiles.of(contents)


def repackage(
    film: EncodedFilm,
    before: PackageFiles,
    store: ObjectStore,
    opens: ContentKeys,
    package_id: PackageId,
    keys: ContentKeys,
    drm: tuple[DrmSystem, ...],
    out: Path,
    tools: Tools,
    progress: Progress = _silent,
) -> PackageFiles:
    """Make the published package `before`, which `opens` opens, anew in the folder `out` with other keys. Nothing is encoded, and
    nothing lies clear on a disk: the packager decrypts and encrypts in its memory.

    What each track's clear samples must hash to is taken over from the package before, so that `verify` proves the pictures
    and sounds to be the same to the bit. Raises LibraryError where a file of it is not as it was written: its list of contents
    by the hash that the package's row has, every other file by that list.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with _alone(out), tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.before-") as folder:
        fetched, draft = Path(folder), _fresh_draft(out)
        old = Contents.decode(_fetched(store, before.package_id, CONTENTS, before.contents_sha256))
        hashes = {file.path: file.sha256 for file in old.files}
        for track in old.tracks:
            if is_media(track):
                _join_segments(track, before.package_id, store, hashes, fetched / f"{track.name}.mp4")
        progress(0.3)
        sources = {track.name: f"{track.name}.mp4" for track in old.tracks if is_media(track)}
        _segment(film, fetched, sources, keys, opens, drm, draft, tools)
        progress(0.6)
        for path, sha256 in hashes.items():
            if path.endswith((".vtt", ".jpg")):
                (draft / path).parent.mkdir(exist_ok=True)
                (draft / path).write_bytes(_fetched(store, before.package_id, path, sha256))
        contents = _describe(film, package_id, keys, drm, draft, {track.name: track.media_sha256 for track in old.tracks})
        draft.rename(out)
    progress(1.0)
    return PackageFiles.of(contents)


def _fresh_draft(out: Path) -> Path:
    """The empty folder that becomes `out` by its name when all is in it; what an earlier run left of either is gone."""
    draft = out.with_name(f".{out.name}.draft")
    for leftover in (draft, out):
        shutil.rmtree(leftover, ignore_errors=True)
    draft.mkdir()
    return draft


def _join_segments(track: Track, package_id: PackageId, store: ObjectStore, hashes: Mapping[str, str], joined: Path) -> None:
    """A track's files one after another, still encrypted: what the packager reads as one film."""
    names = [packager.INITIALISATION, *(f"{number}{packager.SEGMENT_SUFFIX}" for number in range(1, track.segments + 1))]
    with joined.open("wb") as file:
        for name in names:
            path = f"{track.name}/{name}"
            file.write(_fetched(store, package_id, path, hashes.get(path)))


def _fetched(store: ObjectStore, package_id: PackageId, path: str, sha256: str | None) -> bytes:
    """A file of a published package, held against its hash; what has none is not of it."""
    try:
        data = store.get(f"{package_folder(package_id)}/{path}")
    except ObjectMissing:
        raise LibraryError(f"{path} of package {package_id} is missing.", remedy="`matinee check` tells all faults.") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise LibraryError(
            f"{path} of package {package_id} is not as it was written.", remedy="`matinee check` tells all faults."
        )
    return data


def _describe(
    film: EncodedFilm,
    package_id: PackageId,
    keys: ContentKeys,
    drm: tuple[DrmSystem, ...],
    draft: Path,
    hashes: Mapping[str, str],
) -> Contents:
    """Write what tells of the segments, texts and pictures in a folder: playlists, manifest, and at the end the list of all."""
    told = measure(draft, film, keys, drm)
    for path, text in {**hls.playlists(told), dash.MANIFEST: dash.manifest(told)}.items():
        (draft / path).write_text(text, encoding="utf-8", newline="\n")
    contents = Contents(
        package_id=package_id,
        kid=keys.kid.hex(),
        drm=drm,
        duration_ms=film.duration_ms,
        tracks=_tracks(told, hashes),
        files=tuple(_hash_files(draft)),
    )
    (draft / CONTENTS).write_bytes(contents.encode())
    return contents


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """One packaging of a folder at a time on this machine; the lock ends with its process, however that ends."""
    with out.with_name(f".{out.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _standing(out: Path, package_id: PackageId, keys: ContentKeys, drm: tuple[DrmSystem, ...]) -> PackageFiles | None:
    """The package that an earlier run finished: its list was written before the folder got its name."""
    if not (out / CONTENTS).is_file():
        return None
    contents = read_contents(out)
    if (contents.package_id, contents.kid, contents.drm) != (package_id, keys.kid.hex(), drm):
        return None
    return PackageFiles.of(contents)


def read_contents(out: Path) -> Contents:
    """The list of contents of a package folder. Raises LibraryError."""
    try:
        return Contents.decode((out / CONTENTS).read_bytes())
    except (OSError, ValueError) as error:
        raise LibraryError(f"The list of contents of {out.name} cannot be read: {error}.") from error


def _segment(
    film: EncodedFilm,
    folder: Path,
    sources: Mapping[str, str],
    keys: ContentKeys,
    opens: ContentKeys | None,
    drm: tuple[DrmSystem, ...],
    draft: Path,
    tools: Tools,
) -> None:
    """Cut and encrypt all tracks. `sources`: the file of each in `folder`, by the track's name."""
    video = tuple(Stream(name=one.name, kind="video", source=sources[one.name]) for one in film.video)
    audio = tuple(Stream(name=one.name, kind="audio", source=sources[one.name]) for one in film.audio)
    job = Job(
        streams=video + audio,
        segment=Fraction(film.segment_frames) / film.frame_rate.fraction,
        kid=keys.kid,
        key=keys.key,
        iv=keys.iv,
        systems=tuple(_SYSTEM_NAMES[system] for system in drm),
        opens=None if opens is None else (opens.kid, opens.key),
    )
    packager.package(job, renditions=folder, out=draft, tools=tools, limits=_PACKAGER_LIMITS)
    for one in film.video:
        if one.transfer is not Transfer.SDR and (told := read_mastering(folder / sources[one.name])):
            init = draft / one.name / packager.INITIALISATION
            init.write_bytes(with_mastering(init.read_bytes(), told))


def _copy_text_and_images(film: EncodedFilm, workdir: Path, draft: Path) -> None:
    for text in film.text:
        (draft / text.name).mkdir()
        shutil.copyfile(workdir / text.path, draft / text.name / TEXT_FILE)
    if film.thumbnails is not None and film.thumbnails.paths:
        (draft / IMAGE_FOLDER).mkdir()
        for number, path in enumerate(film.thumbnails.paths, 1):
            shutil.copyfile(workdir / path, draft / IMAGE_FOLDER / f"{number}.jpg")


def _tracks(told: presentation.Presentation, hashes: Mapping[str, str]) -> tuple[Track, ...]:
    target = Fraction(hls.target_duration(told))
    tracks = []
    for video in told.video:
        rendition = video.rendition
        tracks.append(
            Track(
                name=rendition.name,
                kind=TrackKind.VIDEO,
                codec=video.codec,
                width=rendition.width,
                height=rendition.height,
                peak=presentation.peak_bitrate(video.timeline, target),
                average=presentation.average_bitrate(video.timeline),
                segments=len(video.timeline.segments),
                samples=video.samples,
                duration_ms=_milliseconds(video.timeline.seconds),
                media_sha256=hashes[rendition.name],
            )
        )
    for audio in told.audio:
        sound = audio.rendition
        tracks.append(
            Track(
                name=sound.name,
                kind=TrackKind.AUDIO,
                label=audio.label,
                language=sound.language,
                role=sound.role,
                codec=audio.codec,
                channels=audio.channels,
                peak=presentation.peak_bitrate(audio.timeline, target),
                average=presentation.average_bitrate(audio.timeline),
                segments=len(audio.timeline.segments),
                samples=audio.samples,
                duration_ms=_milliseconds(audio.timeline.seconds),
                media_sha256=hashes[sound.name],
            )
        )
    for text in told.text:
        written = text.rendition
        tracks.append(
            Track(name=written.name, kind=TrackKind.TEXT, label=text.label, language=written.language, role=written.role)
        )
    if told.image is not None:
        sheets = told.image.thumbnails
        tracks.append(
            Track(
                name=IMAGE_FOLDER,
                kind=TrackKind.IMAGE,
                width=sheets.tile_width,
                height=sheets.tile_height,
                segments=len(told.image.sizes),
                samples=sheets.count,
            )
        )
    return tuple(tracks)


def _milliseconds(seconds: Fraction) -> DurationMs:
    return DurationMs(round(seconds * 1000))


def _media_hash(rendition: Path, tools: Tools) -> str:
    """SHA-256 over the samples of a clear rendition, as ffmpeg reads them: other code than the packager's and than ours."""
    finished = run(
        [
            *(tools.ffmpeg, "-nostdin", "-v", "error", "-protocol_whitelist", "file", "-ignore_editlist", "1"),
            *("-i", f"file:{rendition}", "-map", "0:0", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "-"),
        ],
        limits=_READER_LIMITS,
    )
    answer = finished.stdout.decode("ascii").strip()
    if "SHA256=" not in answer:
        raise LibraryError(f"{rendition.name} holds no samples.")
    return answer.partition("SHA256=")[2]


def _hash_files(folder: Path) -> Iterator[FileHash]:
    for path in sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()):
        data = (folder / path).read_bytes()
        yield FileHash(path=path, size=Bytes(len(data)), sha256=hashlib.sha256(data).hexdigest())


# --- verify ----------------------------------------------------------------------------------------------------------


def verify(
    out: Path,
    film: EncodedFilm,
    keys: ContentKeys,
    tools: Tools,
    progress: Progress = _silent,
    scores: Callable[[], Mapping[str, float]] = dict,
    decodes: bool = True,
) -> VerifyReport:
    """Take the package apart again, by other code than made it. Raises CheckFailed: its check, and the fault with its file.

    `scores` samples how each rung looks beside its source (VMAF by the rung's name); without, that is not looked at.
    `decodes` is False for a package whose clear samples are to be, to the bit, those of one that was decoded here before: each
    is held against its hash all the same.
    """
    contents = _of(Check.FILES, lambda: read_contents(out))
    _of(Check.FILES, lambda: _compare_files(out, contents))
    _of(Check.ADDRESSES, lambda: _follow_playlists(out))
    progress(0.1)
    media = [track for track in contents.tracks if is_media(track)]
    looked: list[Looked] = []
    decoded = 0
    for number, track in enumerate(media, 1):
        looked.append(_of(Check.SAMPLES, partial(inspect, track, _reader(out), keys)))
        decoded += _of(Check.DECODING, partial(_decode_some, out, track, keys, tools)) if decodes else 0
        progress(0.1 + 0.5 * number / len(media))
    master, mpd = ((out / name).read_text(encoding="utf-8") for name in (hls.MASTER, dash.MANIFEST))
    for check, fault in checks.of_tracks(looked, film.duration_ms, master, mpd):
        raise CheckFailed(check, fault)
    sampled = scores()
    for fault in checks.pictures(sampled):
        raise CheckFailed(Check.PICTURES, fault)
    progress(1.0)
    return VerifyReport(
        files=len(contents.files) + 1,
        bytes=Bytes(sum(file.size for file in contents.files)),
        segments=sum(track.segments for track in media),
        samples=sum(track.samples for track in media),
        frames_decoded=decoded,
        duration_ms=contents.duration_ms,
        sync_ms=checks.largest_gap_ms(looked),
        scores={name: round(score, 1) for name, score in sampled.items()},
    )


def _of(check: Check, look: Callable[[], T]) -> T:
    """What a look gives; its fault under the name of the check, unless it names another itself."""
    try:
        return look()
    except CheckFailed:
        raise
    except LibraryError as fault:
        raise CheckFailed(check, fault.message) from fault


def _reader(out: Path) -> Read:
    def read(path: str) -> bytes:
        try:
            return (out / path).read_bytes()
        except OSError as error:
            raise LibraryError(f"{path} cannot be read: {error.strerror}.") from error

    return read


def _compare_files(out: Path, contents: Contents) -> None:
    standing = {file.path: file for file in _hash_files(out) if file.path != CONTENTS}
    listed = {file.path: file for file in contents.files}
    for path in sorted(standing.keys() | listed.keys()):
        if path not in standing:
            raise LibraryError(f"{path} is missing.")
        if path not in listed:
            raise LibraryError(f"{path} stands in the package and is not on its list.")
        if standing[path] != listed[path]:
            raise LibraryError(f"{path} is not as it was written.")


def _follow_playlists(out: Path) -> None:
    """Every address in every playlist and every representation of the MPD leads to a file of the package."""
    for playlist in sorted(out.rglob("*.m3u8")):
        for address in hls.addresses(playlist.read_text(encoding="utf-8")):
            if not (playlist.parent / address).is_file():
                raise LibraryError(f"{playlist.relative_to(out)} refers to {address}, which is not there.")
    for name in dash.representation_ids((out / dash.MANIFEST).read_text(encoding="utf-8")):
        if not (out / name).is_dir():
            raise LibraryError(f"{dash.MANIFEST} refers to {name}, which is not there.")


def _decode_some(out: Path, track: Track, keys: ContentKeys, tools: Tools) -> int:
    """Decode a few segments with ffmpeg; how many frames came out. The clear excerpt lies in memory alone."""
    excerpt, samples = clear_excerpt(track, _reader(out), keys, decoded_segments(track.segments))
    with held_in_memory(excerpt) as clear:
        try:
            finished = run(
                [
                    *(tools.ffmpeg, "-nostdin", "-v", "error", "-xerror", "-protocol_whitelist", "file"),
                    *("-ignore_editlist", "1", "-i", "file:/dev/stdin", "-map", "0:0"),
                    *("-fps_mode", "passthrough", "-f", "framecrc", "-"),
                ],
                limits=_READER_LIMITS,
                stdin_path=clear,
            )
        except ToolFailed as error:
            raise LibraryError(f"{track.name}: a part of it does not decode.") from error
    frames = sum(1 for line in finished.stdout.splitlines() if not line.startswith(b"#"))
    if track.kind is TrackKind.VIDEO and frames != samples:
        raise LibraryError(f"{track.name}: {frames} frames decode of the {samples} in a part of it.")
    if frames == 0:
        raise LibraryError(f"{track.name}: nothing decodes.")
    return frames


# --- publish ---------------------------------------------------------------------------------------------------------


def publish(out: Path, package_id: PackageId, store: ObjectStore, progress: Progress = _silent) -> None:
    """Copy a verified package into the published store, the manifests last; what stands there already is left.

    Raises LibraryError where an object of another size stands in the way: a package's id is never used twice.
    """
    contents = read_contents(out)
    if contents.package_id != package_id:
        raise LibraryError(f"The folder {out.name} holds package {contents.package_id}, not {package_id}.")
    prefix = package_folder(package_id)
    sizes = {file.path: file.size for file in contents.files}
    sizes[CONTENTS] = Bytes((out / CONTENTS).stat().st_size)
    done, total = 0, max(1, sum(sizes.values()))

    def copy(path: str) -> int:
        if not store.put_if_absent(f"{prefix}/{path}", out / path) and store.size(f"{prefix}/{path}") != sizes[path]:
            raise LibraryError(f"{prefix}/{path} stands in the store with another size.")
        return sizes[path]

    with ThreadPoolExecutor(_UPLOADS_AT_ONCE, thread_name_prefix="publish") as pool:
        for wave in publishing_order(sizes):
            for size in pool.map(copy, wave):
                done += size
                progress(done / total)


def unpublish(package_id: PackageId, store: ObjectStore) -> int:
    """Take a package out of the published store, what refers to the rest first; how many objects that were."""
    prefix = package_folder(package_id)
    paths = [path.removeprefix(f"{prefix}/") for path, _ in store.list(prefix)]
    for wave in reversed(publishing_order(paths)):
        for path in wave:
            store.delete(f"{prefix}/{path}")
    return len(paths)


# --- check -----------------------------------------------------------------------------------------------------------


def check(package: Package, store: ObjectStore, keys: ContentKeys, progress: Progress = _silent) -> CheckReport:
    """Whether every byte of a published package stands as it was written and decrypts to what was encoded.

    Needs neither renditions nor ffmpeg: the list of contents holds the hash of every file and of every track's clear
    samples, and the package's row holds the hash of the list. Faults are told, not raised: one never hides the next.
    """
    prefix = package_folder(package.id)
    if package.files is None:
        return CheckReport(package_id=package.id, files=0, bytes=Bytes(0), faults=("It was never published.",))
    try:
        listing = store.get(f"{prefix}/{CONTENTS}")
    except ObjectMissing:
        return CheckReport(package_id=package.id, files=0, bytes=Bytes(0), faults=(f"{CONTENTS} is missing.",))
    if hashlib.sha256(listing).hexdigest() != package.files.contents_sha256:
        faults = (f"{CONTENTS} is not as it was written.",)
        return CheckReport(package_id=package.id, files=0, bytes=Bytes(0), faults=faults)
    contents = Contents.decode(listing)
    listed = {file.path: file for file in contents.files}
    found = [f"{path} stands in the package and is not on its list." for path in _strangers(store, prefix, listed)]
    total, done = max(1, sum(file.size for file in contents.files)), 0
    good: set[str] = set()

    def read(path: str) -> bytes:
        """Each file is read once: media by the inspection of its track, the rest below."""
        nonlocal done
        try:
            data = store.get(f"{prefix}/{path}")
        except ObjectMissing:
            raise LibraryError(f"{path} is missing.") from None
        if hashlib.sha256(data).hexdigest() != listed[path].sha256:
            raise LibraryError(f"{path} is not as it was written.")
        if path not in good:
            good.add(path)
            done += len(data)
            progress(done / total)
        return data

    looked: list[Looked] = []
    media = [track for track in contents.tracks if is_media(track)]
    for track in media:
        found += _fault_of(lambda track=track: looked.append(inspect(track, read, keys)))  # type: ignore[misc]
    if len(looked) == len(media) and all(name in listed for name in (hls.MASTER, dash.MANIFEST)):
        found += _fault_of(lambda: found.extend(_faults_of_tracks(looked, contents, read)))
    for path in listed:
        if path not in good:
            found += _fault_of(partial(read, path))
    return CheckReport(
        package_id=package.id, files=len(listed) + 1, bytes=Bytes(done + len(listing)), faults=tuple(dict.fromkeys(found))
    )


def _faults_of_tracks(looked: Sequence[Looked], contents: Contents, read: Read) -> list[str]:
    master, mpd = (read(name).decode("utf-8") for name in (hls.MASTER, dash.MANIFEST))
    return [fault for _, fault in checks.of_tracks(looked, contents.duration_ms, master, mpd)]


def _strangers(store: ObjectStore, prefix: str, listed: Mapping[str, FileHash]) -> list[str]:
    standing = (path.removeprefix(f"{prefix}/") for path, _ in store.list(prefix))
    return sorted(path for path in standing if path not in listed and path != CONTENTS)


def _fault_of(look: Callable[[], object]) -> list[str]:
    try:
        look()
    except CheckFailed as failed:
        return [failed.fault]
    except LibraryError as fault:
        return [fault.message]
    return []
