"""Looking into the tracks of a package, in a folder or in the published store: does every byte decrypt to what was encoded?

The list of contents holds the hash of each track's clear samples, taken by ffmpeg from the rendition before it was
packaged. So the answer needs the key and the bytes alone, today and in ten years.
"""

import hashlib
from collections.abc import Callable
from fractions import Fraction

from matinee.base.units import Bytes
from matinee.library.boxes import BoxError, Initialisation, MediaSegment, picture_size, read_initialisation, read_segment
from matinee.library.checks import CheckFailed, Looked
from matinee.library.decryption import clear_initialisation, decrypt_segment, initialisation_matches, samples_of
from matinee.library.key_pictures import UnknownCoding, coding_of, stands_alone
from matinee.library.model import Check, ContentKeys, LibraryError, Track, TrackKind
from matinee.library.presentation import Segment, Timeline
from matinee.outside.packager import INITIALISATION, SEGMENT_SUFFIX

Read = Callable[[str], bytes]
"""The bytes of a file of the package, by its path within it."""


def is_media(track: Track) -> bool:
    """Whether a track is encrypted picture or sound."""
    return track.kind in (TrackKind.VIDEO, TrackKind.AUDIO)


def inspect(track: Track, read: Read, keys: ContentKeys) -> Looked:
    """Decrypt a whole track and compare it with what was encoded; what it is like, for the checks of the whole package.

    Raises LibraryError that names file and fault, CheckFailed among them where a segment begins with no key picture.
    """
    init = _initialisation(track, read, keys)
    width, height = picture_size(read(f"{track.name}/{INITIALISATION}"))
    digest = hashlib.sha256()
    segments: list[Segment] = []
    samples, at = 0, 0
    first_shown: int | None = None
    dependent = ""
    for number in range(1, track.segments + 1):
        path = _segment_path(track, number)
        segment, clear = _decrypted(path, read, init, keys)
        if segment.decode_time != at or not segment.samples:
            raise LibraryError(f"{path} begins at tick {segment.decode_time} where {at} is due.")
        if track.kind is TrackKind.VIDEO and not dependent and not _stands_alone(track, clear, segment):
            dependent = path
        if first_shown is None:
            first_shown = _first_shown(segment)
        for sample in samples_of(clear, segment):
            digest.update(sample)
        first = segment.samples[0]
        segments.append(Segment(segment.duration, Bytes(len(clear)), segment.moof_start, first.start + first.size))
        samples += len(segment.samples)
        at += segment.duration
    if samples != track.samples:
        raise LibraryError(f"{track.name} holds {samples} samples where {track.samples} are due.")
    if digest.hexdigest() != track.media_sha256:
        raise LibraryError(f"{track.name} does not decrypt to what was encoded.")
    if dependent:  # told after what decrypts to something else, which may look like it
        raise CheckFailed(Check.KEY_PICTURES, f"{dependent} does not begin with a picture that stands alone.")
    # What lies before the edit's start is an encoder's run-up: it is decoded and never shown.
    shown = max(0, (first_shown or 0) - init.edit_media_time)
    return Looked(
        track=track,
        timeline=Timeline(init.timescale, tuple(segments)),
        first_shown=Fraction(shown, init.timescale),
        run_up=Fraction(init.edit_media_time if track.kind is TrackKind.AUDIO else 0, init.timescale),
        codec=init.codec,
        width=width,
        height=height,
    )


def _stands_alone(track: Track, clear: bytes, segment: MediaSegment) -> bool:
    first = segment.samples[0]
    try:
        return first.sync and stands_alone(clear[first.start : first.start + first.size], coding_of(track.codec))
    except UnknownCoding as error:
        raise CheckFailed(Check.DESCRIPTIONS, f"{track.name} cannot be looked into: {error}.") from error


def clear_excerpt(track: Track, read: Read, keys: ContentKeys, numbers: list[int]) -> tuple[bytes, int]:
    """Some segments of a track as one clear file that any decoder reads, and how many samples it holds."""
    init = _initialisation(track, read, keys)
    parts = [clear_initialisation(read(f"{track.name}/{INITIALISATION}"))]
    samples = 0
    for number in numbers:
        segment, clear = _decrypted(_segment_path(track, number), read, init, keys)
        parts.append(clear)
        samples += len(segment.samples)
    return b"".join(parts), samples


def _first_shown(segment: MediaSegment) -> int:
    """The smallest presentation time of a segment, in ticks: pictures are stored in another order than they are shown."""
    at, times = segment.decode_time, []
    for sample in segment.samples:
        times.append(at + sample.composition)
        at += sample.duration
    return min(times)


def _segment_path(track: Track, number: int) -> str:
    return f"{track.name}/{number}{SEGMENT_SUFFIX}"


def _initialisation(track: Track, read: Read, keys: ContentKeys) -> Initialisation:
    path = f"{track.name}/{INITIALISATION}"
    try:
        init = read_initialisation(read(path))
    except BoxError as error:
        raise LibraryError(f"{path} cannot be read back: {error}.") from error
    if not initialisation_matches(init, keys):
        raise LibraryError(f"{path} is clear, or names another key than the package's.")
    return init


def _decrypted(path: str, read: Read, init: Initialisation, keys: ContentKeys) -> tuple[MediaSegment, bytes]:
    data = read(path)
    protection = init.protection
    if protection is None:
        raise LibraryError(f"{path} belongs to a clear track.")
    try:
        segment = read_segment(data, init)
        return segment, decrypt_segment(data, segment, protection, keys)
    except BoxError as error:
        raise LibraryError(f"{path} cannot be read back: {error}.") from error
