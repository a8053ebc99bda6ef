"""From the packager's segments to a Presentation: every length, weight and byte range read back from the bytes themselves.

What does not fit what was encoded (a segment missing, a group of pictures cut in two, a frame lost) raises here, before
a manifest could promise it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from matinee.base.units import Bytes, FrameRate
from matinee.encoding.model import AudioRendition, Coding, EncodedFilm, TextRendition, VideoRendition
from matinee.library.boxes import BoxError, Initialisation, read_initialisation, read_segment
from matinee.library.model import ContentKeys, DrmSystem, LibraryError
from matinee.library.presentation import (
    PLAYREADY_SYSTEM,
    WIDEVINE_SYSTEM,
    AudioTrack,
    ImageTrack,
    Presentation,
    Segment,
    Signalling,
    TextTrack,
    Timeline,
    VideoTrack,
    unique_labels,
)
from matinee.outside.packager import INITIALISATION, SEGMENT_SUFFIX

TEXT_FILE = "main.vtt"
IMAGE_FOLDER = "thumbs"
_SYSTEMS = {DrmSystem.WIDEVINE: WIDEVINE_SYSTEM, DrmSystem.PLAYREADY: PLAYREADY_SYSTEM}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one track's files hold: its description, segments in order, how many samples, and when the first is shown."""

    init: Initialisation
    timeline: Timeline
    samples: int


def measure(folder: Path, film: EncodedFilm, keys: ContentKeys, drm: tuple[DrmSystem, ...]) -> Presentation:
    """Read back the package in `folder` (segments, text and thumbnails in place). Raises LibraryError."""
    ordered = sorted(film.video, key=lambda one: (one.coding is not Coding.H264, -one.height, -one.bitrate))
    video = tuple(_video(folder, rendition, film) for rendition in ordered)
    sounds = _one_default([one for one in film.audio if one.mix_of is None])
    labels = unique_labels([(rendition.label, rendition.language) for rendition in sounds])
    sounds, labels = _with_surround(sounds, labels, film.audio)
    audio = tuple(_audio(folder, rendition, label) for rendition, label in zip(sounds, labels, strict=True))
    texts = film.text
    text_labels = unique_labels([(rendition.label, rendition.language) for rendition in texts])
    text = tuple(_text(folder, rendition, label) for rendition, label in zip(texts, text_labels, strict=True))
    return Presentation(
        duration_ms=film.duration_ms,
        frame_rate=film.frame_rate,
        video=video,
        audio=audio,
        text=text,
        image=_image(folder, film),
        signalling=_signalling(folder / film.video[0].name, keys, drm),
    )


def segment_files(folder: Path) -> list[Path]:
    """The segments 1, 2, 3 ... of a track, without a gap. Raises LibraryError."""
    files: list[Path] = []
    while (file := folder / f"{len(files) + 1}{SEGMENT_SUFFIX}").is_file():
        files.append(file)
    standing = sum(1 for _ in folder.glob(f"*{SEGMENT_SUFFIX}"))
    if not files or standing != len(files):
        raise LibraryError(f"Track {folder.name} has {standing} segments, of which 1 to {len(files)} are in a row.")
    return files


def read_track(folder: Path) -> Measured:
    """Read every segment of one track. Raises LibraryError that names the file."""
    file = folder / INITIALISATION
    samples, at = 0, 0
    segments = []
    try:
        init = read_initialisation(file.read_bytes())
        for file in segment_files(folder):
            data = file.read_bytes()
            segment = read_segment(data, init)
            if segment.decode_time != at or not segment.samples:
                raise BoxError(f"it begins at tick {segment.decode_time} where {at} is due")
            first = segment.samples[0]
            segments.append(
                Segment(segment.duration, Bytes(len(data)), segment.moof_start, first.start + first.size)
            )
            samples += len(segment.samples)
            at += segment.duration
    except (BoxError, OSError) as error:
        raise LibraryError(f"{folder.name}/{file.name} cannot be read back: {error}.") from error
    return Measured(init, Timeline(init.timescale, tuple(segments)), samples)


def _video(folder: Path, rendition: VideoRendition, film: EncodedFilm) -> VideoTrack:
    found = read_track(folder / rendition.name)
    if found.samples != film.frames:
        raise LibraryError(f"{rendition.name} holds {found.samples} frames where {film.frames} were encoded.")
    expected = _segment_ticks(film.frame_rate, film.segment_frames, found.init.timescale)
    for number, segment in enumerate(found.timeline.segments[:-1], 1):
        if abs(segment.ticks - expected) > 1:
            raise LibraryError(
                f"{rendition.name}/{number}.m4s lasts {segment.ticks} ticks where {film.segment_frames} frames last "
                f"{expected}."
            )
    return VideoTrack(rendition, found.init.codec, found.timeline, found.samples)


def _segment_ticks(rate: FrameRate, frames: int, timescale: int) -> int:
    return round(frames * timescale / rate.fraction)


def _audio(folder: Path, rendition: AudioRendition, label: str) -> AudioTrack:
    found = read_track(folder / rendition.name)
    return AudioTrack(
        rendition=rendition,
        label=label,
        codec=found.init.codec,
        sample_rate=found.init.sample_rate,
        channels=found.init.channels or rendition.channels,
        timeline=found.timeline,
        samples=found.samples,
    )


def _text(folder: Path, rendition: TextRendition, label: str) -> TextTrack:
    path = f"{rendition.name}/{TEXT_FILE}"
    return TextTrack(rendition, label, path, Bytes((folder / path).stat().st_size))


def _image(folder: Path, film: EncodedFilm) -> ImageTrack | None:
    if film.thumbnails is None or not film.thumbnails.paths:
        return None
    count = len(film.thumbnails.paths)
    sizes = (Bytes((folder / IMAGE_FOLDER / f"{number}.jpg").stat().st_size) for number in range(1, count + 1))
    return ImageTrack(film.thumbnails, tuple(sizes))


def _signalling(track: Path, keys: ContentKeys, drm: tuple[DrmSystem, ...]) -> Signalling:
    """The PSSH boxes that the packager made for the systems asked for. Raises LibraryError where one is missing."""
    init = read_initialisation((track / INITIALISATION).read_bytes())
    boxes = {_uuid(system): box for system, box in init.pssh}
    for system in drm:
        if system in _SYSTEMS and _SYSTEMS[system] not in boxes:
            raise LibraryError(f"{track.name}/{INITIALISATION} carries no PSSH box for {system.value}.")
    return Signalling(kid=keys.kid, systems=drm, pssh=boxes)


def _uuid(raw: bytes) -> str:
    text = raw.hex()
    return "-".join(text[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))


def _with_surround(
    sounds: Sequence[AudioRendition], labels: Sequence[str], everything: Sequence[AudioRendition]
) -> tuple[list[AudioRendition], list[str]]:
    """The sounds, then their surround mixes: each is called as its stereo mix is, and is a default where that is one."""
    of = {sound.name: (sound, label) for sound, label in zip(sounds, labels, strict=True)}
    mixes = [(one, of[one.mix_of]) for one in everything if one.mix_of in of]
    surround = [msgspec.structs.replace(mix, default=sound.default) for mix, (sound, _) in mixes]
    return [*sounds, *surround], [*labels, *(label for _, (_, label) in mixes)]


def _one_default(sounds: Sequence[AudioRendition]) -> list[AudioRendition]:
    """The sound that plays unless the viewer chooses, first, and no second one: HLS lets one be DEFAULT."""
    if not sounds:
        return []
    chosen = next((index for index, sound in enumerate(sounds) if sound.default), 0)
    ordered = [sounds[chosen], *sounds[:chosen], *sounds[chosen + 1 :]]
    return [msgspec.structs.replace(sound, default=index == 0) for index, sound in enumerate(ordered)]


