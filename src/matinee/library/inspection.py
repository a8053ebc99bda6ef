"""Looking into the tracks of a package, in a folder or in the published store: does every byte decrypt to what was encoded?

The list of contents holds the hash of each track's clear samples, taken by ffmpeg from the rendition before it was
packaged. So the answer needs the key and the bytes alone, today and in ten years.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from matinee.library.boxes import BoxError, Initialisation, MediaSegment, read_initialisation, read_segment
from matinee.library.decryption import clear_initialisation, decrypt_segment, initialisation_matches, samples_of
from matinee.library.model import ContentKeys, LibraryError, Track, TrackKind
from matinee.outside.packager import INITIALISATION, SEGMENT_SUFFIX

Read = Callable[[str], bytes]
"""The bytes of a file of the package, by its path within it."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A track that is as it should be. `first_shown` is when its first sample is shown, in seconds of the film."""

    first_shown: Fraction
    segments: int
    samples: int


def is_media(track: Track) -> bool:
    """Whether a track is encrypted picture or sound."""
    return track.kind in (TrackKind.VIDEO, TrackKind.AUDIO)


def inspect(track: Track, read: Read, keys: ContentKeys) -> Inspected:
    """Decrypt a whole track and compare it with what was encoded. Raises LibraryError that names file and fault."""
    init = _initialisation(track, read, keys)
    digest = hashlib.sha256()
    samples, at = 0, 0
    first_shown: int | None = None
    for number in range(1, track.segments + 1):
        path = _segment_path(track, number)
        segment, clear = _decrypted(path, read, init, keys)
        if segment.decode_time != at or not segment.samples:
            raise LibraryError(f"{path} begins at tick {segment.decode_time} where {at} is due.")
        if track.kind is TrackKind.VIDEO and not segment.samples[0].sync:
            raise LibraryError(f"{path} does not begin with a picture that stands alone.")
        if first_shown is None:
            first_shown = _first_shown(segment)
        for sample in samples_of(clear, segment):
            digest.update(sample)
        samples += len(segment.samples)
        at += segment.duration
    if samples != track.samples:
        raise LibraryError(f"{track.name} holds {samples} samples where {track.samples} are due.")
    if digest.hexdigest() != track.media_sha256:
        raise LibraryError(f"{track.name} does not decrypt to what was encoded.")
    # What lies before the edit's start is an encoder's run-up: it is decoded and never shown.
    shown = max(0, (first_shown or 0) - init.edit_media_time)
    return Inspected(Fraction(shown, init.timescale), track.segments, samples)


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
