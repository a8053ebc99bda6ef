"""What is known of a film, what is to be made of it, and what was made: frozen values that pass between durable steps.

A plan is data before it is a command line, so that it prints, compares and caches. Every path in these types is a POSIX
path relative to the work folder of its film, because another machine may hold that folder elsewhere.
"""

from enum import StrEnum
from fractions import Fraction
from typing import Literal

import msgspec

from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.units import BitsPerSecond, Bytes, DurationMs, FrameRate, Hertz, Lufs, Pixels, PositionMs

STEREO, SURROUND = 2, 6
"""Channels of the mixes that are delivered: two, and 5.1."""


class WarningCode(StrEnum):
    """What may be odd about a film that is published all the same. Closed: a code never changes its meaning."""

    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    NO_AUDIO = "no_audio"
    AUDIO_SHORTER = "audio_shorter"
    AUDIO_LONGER = "audio_longer"
    AUDIO_DOWNMIXED = "audio_downmixed"
    AUDIO_SKIPPED = "audio_skipped"
    HDR_TO_SDR = "hdr_to_sdr"
    DEINTERLACED = "deinterlaced"
    TELECINE_REMOVED = "telecine_removed"
    ROTATED = "rotated"
    SQUARE_PIXELS = "square_pixels"
    CROPPED = "cropped"
    FRAME_RATE_EVENED = "frame_rate_evened"
    FRAME_RATE_LOWERED = "frame_rate_lowered"
    SIZE_CHANGES = "size_changes"
    SEVERAL_VIDEO_STREAMS = "several_video_streams"
    SUBTITLE_BITMAP = "subtitle_bitmap"
    SUBTITLE_DAMAGED = "subtitle_damaged"
    SUBTITLE_EMPTY = "subtitle_empty"
    VERY_SHORT = "very_short"
    NOT_ANALYSED = "not_analysed"


class RefusalReason(StrEnum):
    """Why a file cannot become a title. Closed, like the warnings."""

    MISSING = "missing"
    EMPTY = "empty"
    NOT_A_FILE = "not_a_file"
    NOT_A_FILM = "not_a_film"
    PLAYLIST_OR_IMAGE = "playlist_or_image"
    NO_PICTURE = "no_picture"
    ENCRYPTED = "encrypted"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    UNREADABLE = "unreadable"
    UNDECODABLE = "undecodable"
    TOO_SLOW = "too_slow"


class FilmRefused(MatineeError):
    """A file is not published: the message names the file and the cause, the remedy what its owner can do."""

    code = ErrorCode.FILM_REFUSED
    reason: RefusalReason = RefusalReason.NOT_A_FILM

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        code: ErrorCode | None = None,
        reason: RefusalReason = RefusalReason.NOT_A_FILM,
    ) -> None:
        super().__init__(message, remedy=remedy, code=code)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_refusal, (self.message, self.remedy, self.code, self.reason)


def _rebuild_refusal(message: str, remedy: str, code: ErrorCode, reason: RefusalReason) -> FilmRefused:
    return FilmRefused(message, remedy=remedy, code=code, reason=reason)


class EncodeFailed(MatineeError):
    """The machine could not do it, whatever the film: a full disk, too little memory. Adding it again may work."""

    code = ErrorCode.TOOL_FAILED


class FilmWarning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something odd that the viewer may notice, and what was done about it, in one sentence."""

    code: WarningCode
    message: str


class Ratio(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An exact ratio, such as a pixel's shape."""

    num: int
    den: int

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.num, self.den)


# --- what is known of a file -------------------------------------------------------------------------------------------


class Transfer(StrEnum):
    """How the file's code values become light."""

    SDR = "sdr"
    PQ = "pq"
    HLG = "hlg"


class Coding(StrEnum):
    """How a picture is coded for delivery: H.264 for every box, AV1 for those that can."""

    H264 = "h264"
    AV1 = "av1"


class Crop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part of a coded picture that is kept: its left upper corner and its size, all even but at an odd picture's far edge."""

    left: Pixels
    top: Pixels
    width: Pixels
    height: Pixels


class VideoStream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One picture stream, as the container and the first decoded frames tell.

    `rotation` is what the picture must be turned clockwise to stand upright: 0, 90, 180 or 270 degrees; `mirrored` says
    that it must then be flipped left to right. `width` and `height` are coded, before either. `crop` is the picture between
    black bars that stand through the whole film, None where there are none.

    `telecined` is film of 24 frames whose fields were repeated to make 30; `mixed_fields` says that only parts of it are.
    `field_order` is set where the frames themselves do not tell which field comes first. `captions` are closed captions within
    the stream.
    """

    index: int
    codec: str
    width: Pixels
    height: Pixels
    pixel_shape: Ratio
    rotation: Literal[0, 90, 180, 270]
    mirrored: bool
    interlaced: bool
    rate: FrameRate
    variable_rate: bool
    transfer: Transfer
    primaries: str
    matrix: str
    full_range: bool
    start_ms: int
    duration_ms: DurationMs | None
    bit_depth: int
    size_changes: bool = False
    crop: Crop | None = None
    telecined: bool = False
    mixed_fields: bool = False
    field_order: Literal["", "tff", "bff"] = ""
    captions: bool = False


class Levels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """EBU R 128 of a whole sound before any gain: integrated loudness, and true peak in dBTP."""

    integrated: Lufs
    true_peak_dbtp: float


class AudioStream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sound stream. `language` is BCP 47, "und" where the file says nothing.

    `stereo` and `surround` are the levels of the mixes that are made of it, None where there is no such mix or nothing to hear.
    """

    index: int
    codec: str
    channels: int
    layout: str
    sample_rate: Hertz
    language: str
    title: str
    default: bool
    role: Literal["main", "description", "commentary"]
    start_ms: int
    duration_ms: DurationMs | None
    stereo: Levels | None = None
    surround: Levels | None = None


def mixes_of(sound: AudioStream) -> tuple[int, ...]:
    """The numbers of channels in which a sound is delivered: stereo, and 5.1 beside it where it has more than two."""
    return (STEREO, SURROUND) if sound.channels > STEREO else (STEREO,)


class TextStream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One subtitle stream. `bitmap` ones are pictures of text, which no player here can restyle or fold away."""

    index: int
    codec: str
    language: str
    title: str
    bitmap: bool
    role: Literal["subtitle", "caption", "forced"]
    default: bool


class Chapter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chapter mark that the file brings."""

    start_ms: PositionMs
    end_ms: PositionMs
    name: str


class Sidecar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subtitle file beside the film, by its name alone: FILM.fr.srt, FILM.en.sdh.vtt, FILM.fr.forced.ass."""

    file_name: str
    language: str
    role: Literal["subtitle", "caption", "forced"]


class Probe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file holds. `file_name` is for people; `video` is the one stream chosen as the film's picture.

    `duration_ms` is what the container promises, None where it promises nothing: what decodes decides in the end.
    """

    file_name: str
    size: Bytes
    container: str
    duration_ms: DurationMs | None
    start_ms: int
    video: VideoStream
    audio: tuple[AudioStream, ...]
    text: tuple[TextStream, ...]
    chapters: tuple[Chapter, ...]
    warnings: tuple[FilmWarning, ...] = ()


# --- what is to be made of it ------------------------------------------------------------------------------------------


class Rung(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One quality: the frame that a picture must fit into (both sides), and its bitrates at up to 30 frames a second."""

    width: Pixels
    height: Pixels
    bitrate: BitsPerSecond
    max_bitrate: BitsPerSecond
    threads: int


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rung that an analysis found worth having of one film: its exact size, its quality, and what that costs and gives.

    `peak` is what it is held to, where it was measured so."""

    width: Pixels
    height: Pixels
    crf: float
    bitrate: BitsPerSecond
    score: float
    coding: Coding = Coding.H264
    peak: BitsPerSecond | None = None


class Av1Rungs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the rungs of a ladder are made in AV1: SVT-AV1's preset, a quality that is held where none was measured, and the
    percent of the bits of the H.264 rung of the same size that it is thought to take, its peak included."""

    preset: str
    crf: float
    percent: int


class Ladder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The qualities that films are offered in, best first, with the encoders' settings; `preset` is x264's.

    Where it `measures`, each film is analysed, and the rungs only say at which frame sizes; they stand where that fails.
    Films are encoded in chunks of about `chunk_ms`.
    """

    name: str
    rungs: tuple[Rung, ...]
    preset: str
    segment_ms: DurationMs
    max_rate: int
    high_rate_percent: int
    audio_bitrate: BitsPerSecond
    surround_bitrate: BitsPerSecond = BitsPerSecond(384_000)
    measures: bool = False
    codings: tuple[Coding, ...] = (Coding.H264,)
    av1: Av1Rungs = Av1Rungs(preset="8", crf=32, percent=60)
    chunk_ms: DurationMs = DurationMs(30_000)


class VideoPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rung as it applies to this film: an exact even size and a level of its coding.

    With `crf` the encoder holds that quality, up to the peak, and `bitrate` is what is expected of it, as `score` is (VMAF at
    1080 lines, where it was measured); without, it holds the bitrate. AV1 always has one: its encoder bounds no mean.
    `transfer` is what comes out: HDR film keeps its own in AV1, and becomes SDR in H.264.
    """

    name: str
    path: str
    width: Pixels
    height: Pixels
    bitrate: BitsPerSecond
    max_bitrate: BitsPerSecond
    buffer_bits: int
    level: str
    codec: str
    threads: int
    crf: float | None = None
    score: float | None = None
    coding: Coding = Coding.H264
    transfer: Transfer = Transfer.SDR


class AudioPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sound stream to be made into AAC. `source_index` is None for the silence given to a silent film.

    `channels` is 2, or 6 (5.1) for the mix that is kept beside the stereo one named by `mix_of`. `gain_db` is added to all of
    it, so that films are equally loud and their dynamics stay.
    """

    name: str
    path: str
    source_index: int | None
    language: str
    label: str
    role: Literal["main", "description", "commentary"]
    default: bool
    bitrate: BitsPerSecond
    source_channels: int
    gain_db: float = 0.0
    channels: int = 2
    mix_of: str | None = None


class TextPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text track: from a stream of the film, from a file beside it (`sidecar` is that file's name), or lifted out of its
    picture (`captions`)."""

    name: str
    path: str
    source_index: int | None
    sidecar: str | None
    language: str
    label: str
    role: Literal["subtitle", "caption", "forced"]
    default: bool
    captions: bool = False


class ThumbnailPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tiled thumbnails: one picture each `every_frames` frames, `columns` x `rows` to a JPEG."""

    tile_width: Pixels
    tile_height: Pixels
    columns: int
    rows: int
    every_frames: int


class StillPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frames kept as candidates for artwork: one each `every_frames` frames, at most this size."""

    width: Pixels
    height: Pixels
    every_frames: int


class EncodePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that will be made of one film, decided before a frame is decoded. Equal plans give equal bytes.

    `video` has the H.264 rungs first, then those of AV1, each best first; one in H.264 there is always.

    `promised_ms` is how long the film should become, None where the container says nothing; `held_ms` is for how long
    the last frame is held because the sound goes on. `shift_us` is by how many microseconds all of the film is moved, so that its
    first frame stands exactly on a frame's time; `start_ms` is the file's first time stamp. Where it `measures`, the rungs are
    not these yet: an analysis chooses.
    """

    source_name: str
    ladder: str
    preset: str
    source: VideoStream
    rate: FrameRate
    segment_frames: int
    promised_ms: DurationMs | None
    held_ms: DurationMs
    video: tuple[VideoPlan, ...]
    audio: tuple[AudioPlan, ...]
    text: tuple[TextPlan, ...]
    thumbnails: ThumbnailPlan
    stills: StillPlan
    chapters: tuple[Chapter, ...]
    warnings: tuple[FilmWarning, ...]
    measures: bool = False
    av1_preset: str = "8"
    shift_us: int = 0
    start_ms: int = 0
    chunk_ms: DurationMs = DurationMs(30_000)

    @property
    def best(self) -> VideoPlan:
        """The largest rung in SDR: all other SDR ones are scaled from it, and stills are of its size."""
        return max((rung for rung in self.video if rung.transfer is Transfer.SDR), key=lambda rung: (rung.height, rung.width))

    def preset_of(self, coding: Coding) -> str:
        """The preset of the encoder of a coding."""
        return self.av1_preset if coding is Coding.AV1 else self.preset


# --- what was made -----------------------------------------------------------------------------------------------------


class VideoRendition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One encoded picture. `codec` is the RFC 6381 string; `bitrate` the measured mean, `peak_bitrate` the cap."""

    name: str
    path: str
    width: Pixels
    height: Pixels
    bitrate: BitsPerSecond
    peak_bitrate: BitsPerSecond
    codec: str
    frame_rate: FrameRate
    frames: int
    coding: Coding = Coding.H264
    transfer: Transfer = Transfer.SDR


class AudioRendition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One encoded sound, AAC-LC at 48 kHz. `mix_of` names the stereo one of which this is the surround mix."""

    name: str
    path: str
    language: str
    label: str
    channels: int
    role: Literal["main", "description", "commentary"]
    default: bool
    bitrate: BitsPerSecond
    codec: str = "mp4a.40.2"
    mix_of: str | None = None


class TextRendition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One WebVTT file. `role` caption is for the deaf and hard of hearing; forced is what a viewer of the dub needs."""

    name: str
    path: str
    language: str
    label: str
    role: Literal["subtitle", "caption", "forced"]
    default: bool = False


class ThumbnailSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tiled JPEGs for trick play, in order; picture `n` shows the film at n x interval_ms."""

    paths: tuple[str, ...]
    tile_width: Pixels
    tile_height: Pixels
    columns: int
    rows: int
    interval_ms: DurationMs
    count: int


class Still(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frame of the film kept for artwork. `score` is higher for a better picture, 0 for one of no use."""

    path: str
    position_ms: PositionMs
    score: float


class Stills(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Candidates for artwork, best first; the first suits a backdrop, `poster` names the best for an upright crop."""

    candidates: tuple[Still, ...]
    poster: str


class Loudness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """EBU R 128 of one rendition as it is delivered: integrated LUFS, loudness range in LU, true peak in dBTP.

    None where the sound is too quiet or too short to measure.
    """

    name: str
    integrated: Lufs | None
    range_lu: float | None
    true_peak_dbtp: float | None


class EncodedFilm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the library packages. `cuts` are the starts of shots after the first, for artwork and later planners.

    Every video rendition has the same number of frames, and an IDR frame each `segment_frames` from the first.
    """

    duration_ms: DurationMs
    frame_rate: FrameRate
    segment_frames: int
    frames: int
    video: tuple[VideoRendition, ...]
    audio: tuple[AudioRendition, ...]
    text: tuple[TextRendition, ...]
    thumbnails: ThumbnailSet | None
    stills: Stills | None
    loudness: tuple[Loudness, ...]
    cuts: tuple[PositionMs, ...]
    chapters: tuple[Chapter, ...]
    warnings: tuple[FilmWarning, ...]


class ArtworkFiles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pictures that a title is shown by: the name of each in the folder that they were drawn into."""

    poster: str = "poster.jpg"
    poster_small: str = "poster-320.jpg"
    backdrop: str = "backdrop.jpg"
    backdrop_small: str = "backdrop-960.jpg"
    tile: str = "tile.jpg"
