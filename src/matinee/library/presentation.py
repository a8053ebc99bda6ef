"""A package as the manifests tell it: what was encoded, joined with what was measured in the segments.

HLS and DASH say the same of the same segments, so both are written from this one value; neither is a translation of the other,
and neither repeats what a tool guessed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from matinee.base.units import BitsPerSecond, Bytes, DurationMs, FrameRate
from matinee.encoding.model import AudioRendition, TextRendition, ThumbnailSet, VideoRendition
from matinee.library.model import DrmSystem

CLEARKEY_SYSTEM = "e2719d58-a985-b3c9-781a-b030af78d30e"
WIDEVINE_SYSTEM = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"
PLAYREADY_SYSTEM = "9a04f079-9840-4286-ab92-e65be0885f95"


@dataclass(frozen=True, slots=True)
class Segment:
    """One media segment: how long, how heavy, and where its first picture lies (bytes `key_start` to `key_end`, IDR first)."""

    ticks: int
    size: Bytes
    key_start: int = 0
    key_end: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """The segments of a track, whose times are `timescale` ticks to the second."""

    timescale: int
    segments: tuple[Segment, ...]

    @property
    def ticks(self) -> int:
        return sum(segment.ticks for segment in self.segments)

    @property
    def seconds(self) -> Fraction:
        return Fraction(self.ticks, self.timescale)

    @property
    def longest(self) -> Fraction:
        """Seconds of the longest segment."""
        return Fraction(max(segment.ticks for segment in self.segments), self.timescale)

    def boundaries(self) -> list[Fraction]:
        """Where each segment begins, and the end: n + 1 times in seconds."""
        at, result = 0, [Fraction(0)]
        for segment in self.segments:
            at += segment.ticks
            result.append(Fraction(at, self.timescale))
        return result

    def key_pictures(self) -> "Timeline":
        """The same times with the weight of the first picture of each segment alone."""
        weights = (Segment(s.ticks, Bytes(s.key_end - s.key_start)) for s in self.segments)
        return Timeline(self.timescale, tuple(weights))


def average_bitrate(timeline: Timeline) -> BitsPerSecond:
    """All bits over all seconds, rounded up."""
    bits = 8 * sum(segment.size for segment in timeline.segments)
    return BitsPerSecond(-(-bits * timeline.timescale // timeline.ticks))


def peak_bitrate(timeline: Timeline, target: Fraction) -> BitsPerSecond:
    """The peak segment bit rate of RFC 8216bis (4.4.6.2): the largest rate of any run of segments that lasts between half and
    one and a half target durations; a track that has no such run is judged as a whole."""
    rates: list[Fraction] = []
    segments = timeline.segments
    low, high = target / 2 * timeline.timescale, target * 3 / 2 * timeline.timescale
    for first in range(len(segments)):
        ticks, size = 0, 0
        for segment in segments[first:]:
            ticks += segment.ticks
            size += segment.size
            if ticks > high:
                break
            if ticks >= low:
                rates.append(Fraction(8 * size * timeline.timescale, ticks))
    peak = max(rates, default=Fraction(0))
    return BitsPerSecond(max(-(-peak.numerator // peak.denominator), average_bitrate(timeline)))


@dataclass(frozen=True, slots=True)
class VideoTrack:
    rendition: VideoRendition
    codec: str
    timeline: Timeline
    samples: int


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """`label` is unique among the sounds of a film, as HLS asks; a surround mix has that of its stereo one."""

    rendition: AudioRendition
    label: str
    codec: str
    sample_rate: int
    channels: int
    timeline: Timeline
    samples: int


@dataclass(frozen=True, slots=True)
class TextTrack:
    """`path` is the one WebVTT file of the track within the package."""

    rendition: TextRendition
    label: str
    path: str
    size: Bytes


@dataclass(frozen=True, slots=True)
class ImageTrack:
    """Tiled thumbnails as `thumbs/<n>.jpg`, n from 1; `sizes` in bytes, in that order."""

    thumbnails: ThumbnailSet
    sizes: tuple[Bytes, ...]

    @property
    def seconds_per_sheet(self) -> Fraction:
        return Fraction(self.thumbnails.interval_ms * self.thumbnails.columns * self.thumbnails.rows, 1000)


@dataclass(frozen=True, slots=True)
class Signalling:
    """What the manifests say of encryption. `pssh` holds whole boxes by system id, as the packager wrote them."""

    kid: bytes
    systems: tuple[DrmSystem, ...]
    pssh: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Presentation:
    """A whole package. Video is H.264 and then AV1, each best first; audio has the one that plays by default first, surround
    mixes last."""

    duration_ms: DurationMs
    frame_rate: FrameRate
    video: tuple[VideoTrack, ...]
    audio: tuple[AudioTrack, ...]
    text: tuple[TextTrack, ...]
    image: ImageTrack | None
    signalling: Signalling

    @property
    def seconds(self) -> Fraction:
        return Fraction(self.duration_ms, 1000)

    @property
    def target(self) -> Fraction:
        """The length of the longest segment of picture or sound, in seconds."""
        timelines = [track.timeline for track in self.video] + [track.timeline for track in self.audio]
        return max(timeline.longest for timeline in timelines)


def audio_groups(film: Presentation) -> dict[str, list[AudioTrack]]:
    """The sounds as a player chooses by what it can play: all in stereo, and where there is surround, all at their fullest.

    Both groups hold the same choices under the same names: a sound that has no surround mix is in both.
    """
    stereo = [track for track in film.audio if track.rendition.mix_of is None]
    surround = {track.rendition.mix_of: track for track in film.audio if track.rendition.mix_of is not None}
    groups = {"audio": stereo} if stereo else {}
    if surround:
        groups["surround"] = [surround.get(track.rendition.name, track) for track in stereo]
    return groups


_NO_TEXT = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
"""What XML 1.0 cannot hold, and the control characters that nobody should see: labels come from strangers' files."""


def unique_labels(labels: Sequence[tuple[str, str]]) -> list[str]:
    """Pairs of a label and a language as names to choose by: never empty, and numbered where they repeat: French, French 2."""
    taken: set[str] = set()
    result = []
    for given, language in labels:
        label = " ".join(_NO_TEXT.sub(" ", given).split()) or language
        name, number = label, 2
        while name in taken:
            name, number = f"{label} {number}", number + 1
        taken.add(name)
        result.append(name)
    return result
