"""From what ffprobe and a first look at decoded frames say, to a `Probe`. Pure: text in, values out.

Containers are believed only where the frames do not contradict them: the size, the pixel shape, the colours and whether a
picture is interlaced come from frames that were decoded. Numbers in a hostile file may be anything, so each is read with
a default.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import msgspec

from matinee.base.units import DurationMs, Hertz, Pixels, PositionMs
from matinee.encoding.languages import language_tag
from matinee.encoding.model import AudioStream, Chapter, Ratio, TextStream, Transfer, VideoStream
from matinee.encoding.rates import choose_rate

BITMAP_TEXT = frozenset({"hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub", "dvb_teletext"})
READABLE_TEXT = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text", "ttml", "eia_608"})

_FRAME = re.compile(
    r"\bpts_time:(?P<time>\S+).*?\bfmt:(?P<format>\S+).*?\bsar:(?P<sar>\d+/\d+) s:(?P<size>\d+x\d+) i:(?P<field>[PTB?])"
)
_COLOURS = re.compile(
    r"color_range:(?P<range>\S+) color_space:(?P<matrix>\S+) color_primaries:(?P<primaries>\S+) color_trc:(?P<transfer>\S+)"
)
_DEEP = re.compile(r"(?:p|gray|gbrp|gbrap|p0|p2|p4|x2rgb|x2bgr|rgb|bgr)(9|10|12|14|16|48|64)(?:le|be)?$")


class Look(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the first decoded frames showed. `frames` is 0 where none could be decoded."""

    frames: int
    width: Pixels
    height: Pixels
    pixel_shape: Ratio
    interlaced: bool
    pixel_format: str
    full_range: bool
    matrix: str
    primaries: str
    transfer: str
    size_changes: bool


class Packet(NamedTuple):
    """A piece of a stream as it is stored: when it is shown and for how long, in seconds."""

    stream: int
    at: float
    lasting: float


def read_look(stderr: str) -> Look | None:
    """The first frames as ffmpeg's showinfo filter tells them. None where no frame was decoded."""
    frames = list(_FRAME.finditer(stderr))
    if not frames:
        return None
    first = frames[0]
    colours = _COLOURS.search(stderr)
    width, height = (int(side) for side in first["size"].split("x"))
    shape = _ratio(first["sar"].replace("/", ":"))
    fields = sum(1 for frame in frames if frame["field"] in "TB")
    return Look(
        frames=len(frames),
        width=Pixels(width),
        height=Pixels(height),
        pixel_shape=shape,
        interlaced=fields * 2 > len(frames),
        pixel_format=first["format"],
        full_range=(colours is not None and colours["range"] in ("pc", "full")) or first["format"].startswith("yuvj"),
        matrix=colours["matrix"] if colours else "unknown",
        primaries=colours["primaries"] if colours else "unknown",
        transfer=colours["transfer"] if colours else "unknown",
        size_changes=len({frame["size"] for frame in frames}) > 1,
    )


def video_stream(stream: Mapping[str, Any], look: Look, times: Sequence[float], ends: Mapping[int, float]) -> VideoStream:
    """The film's picture, from its stream entry, its first frames and the times of its first packets."""
    rotation, mirrored = orientation(_display_matrix(stream))
    claimed = [rate for rate in (_fraction(stream.get("avg_frame_rate")), _fraction(stream.get("r_frame_rate"))) if rate]
    rate, uneven = choose_rate(times, claimed)
    start = milliseconds(stream.get("start_time")) or 0
    duration = _duration(stream, start, ends)
    deep = _DEEP.search(look.pixel_format)
    return VideoStream(
        index=int(stream["index"]),
        codec=str(stream.get("codec_name", "unknown")),
        width=look.width,
        height=look.height,
        pixel_shape=look.pixel_shape,
        rotation=rotation,
        mirrored=mirrored,
        interlaced=look.interlaced,
        rate=rate,
        variable_rate=uneven,
        transfer=_transfer(look.transfer),
        primaries=look.primaries,
        matrix=look.matrix,
        full_range=look.full_range,
        start_ms=start,
        duration_ms=None if duration is None else DurationMs(duration),
        bit_depth=min(16, int(deep[1])) if deep else 8,
        size_changes=look.size_changes,
    )


def audio_stream(stream: Mapping[str, Any], ends: Mapping[int, float]) -> AudioStream | None:
    """A sound stream, or None where its entry has no channels or no decoder and so nothing to hear."""
    channels, rate = _int(stream.get("channels")), _int(stream.get("sample_rate"))
    if channels <= 0 or rate <= 0 or stream.get("codec_name", "unknown") == "unknown":
        return None
    tags, flags = _tags(stream), _flags(stream)
    title = tags.get("title", "")
    start = milliseconds(stream.get("start_time")) or 0
    duration = _duration(stream, start, ends)
    return AudioStream(
        index=int(stream["index"]),
        codec=str(stream["codec_name"]),
        channels=channels,
        layout=str(stream.get("channel_layout", "")),
        sample_rate=Hertz(rate),
        language=language_tag(tags.get("language", "")),
        title=title,
        default=flags.get("default", 0) == 1,
        role=_audio_role(flags, title),
        start_ms=start,
        duration_ms=None if duration is None else DurationMs(duration),
    )


def text_stream(stream: Mapping[str, Any]) -> TextStream:
    """A subtitle stream of any kind; whether it can be used is for the rules."""
    tags, flags = _tags(stream), _flags(stream)
    codec = str(stream.get("codec_name", "unknown"))
    return TextStream(
        index=int(stream["index"]),
        codec=codec,
        language=language_tag(tags.get("language", "")),
        title=tags.get("title", ""),
        bitmap=codec in BITMAP_TEXT,
        role=_text_role(flags, tags.get("title", ""), codec),
        default=flags.get("default", 0) == 1,
    )


def chapters(entries: Sequence[Mapping[str, Any]]) -> tuple[Chapter, ...]:
    """The chapter marks that have a length."""
    found = []
    for entry in entries:
        start, end = milliseconds(entry.get("start_time")) or 0, milliseconds(entry.get("end_time")) or 0
        if 0 <= start < end:
            name = _tags(entry).get("title", "")
            found.append(Chapter(start_ms=PositionMs(start), end_ms=PositionMs(end), name=name))
    return tuple(found)


def main_video(streams: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The stream that is the film: not a cover, with frames, the default one, then the largest, then the first."""
    candidates = [
        stream
        for stream in streams
        if stream.get("codec_type") == "video"
        and _flags(stream).get("attached_pic", 0) == 0
        and _flags(stream).get("timed_thumbnails", 0) == 0
        and stream.get("nb_frames") != "0"
    ]

    def rank(stream: Mapping[str, Any]) -> tuple[int, int, int, int]:
        known = int(stream.get("codec_name", "unknown") != "unknown")
        area = _int(stream.get("width")) * _int(stream.get("height"))
        return known, _flags(stream).get("default", 0), area, -int(stream["index"])

    return max(candidates, key=rank, default=None)


def is_encrypted(streams: Sequence[Mapping[str, Any]], head: bytes) -> bool:
    """Whether the media are protected: a protected sample entry, or the boxes of Common Encryption in the file's head."""
    tags = {str(stream.get("codec_tag_string", "")) for stream in streams}
    return bool(tags & {"encv", "enca", "drmi", "drms"}) or (b"sinf" in head and b"schm" in head and b"tenc" in head)


def orientation(matrix: Sequence[int] | None) -> tuple[Literal[0, 90, 180, 270], bool]:
    """How to stand a picture upright, from an ISO 14496-12 matrix (a, b, c, d): clockwise turn, then flip left to right.

    The matrix takes a source point (p, q) to (a p + c q, b p + d q), y downwards. A shear or a turn between quarters is
    read as the nearest quarter.
    """
    if matrix is None:
        return 0, False
    a, b, c, d = matrix
    mirrored = a * d - b * c < 0
    if mirrored:  # undo the flip, which comes last: it negates what lands on x
        a, c = -a, -c
    if abs(a) >= abs(b):
        return (0 if a >= 0 else 180), mirrored
    return (90 if b > 0 else 270), mirrored


def milliseconds(value: object) -> int | None:
    """A time in seconds, as ffprobe writes it, in milliseconds; None for "N/A" and the like."""
    try:
        return round(float(str(value)) * 1000)
    except (ValueError, OverflowError):
        return None


def read_packets(csv: str) -> list[Packet]:
    """Packets that have a time, from ffprobe's CSV of stream, time and duration."""
    found = []
    for line in csv.splitlines():
        stream, at, lasting = [*line.split(","), "", "", ""][:3]
        if stream.isdigit() and milliseconds(at) is not None:
            found.append(Packet(int(stream), float(at), (milliseconds(lasting) or 0) / 1000))
    return found


def _duration(stream: Mapping[str, Any], start: int, ends: Mapping[int, float]) -> int | None:
    """How long a stream lasts, by its own entry, else by its last packet: Matroska has no lengths of streams."""
    told = milliseconds(stream.get("duration"))
    if told is not None:
        return told
    end = ends.get(int(stream["index"]))
    return None if end is None else max(0, round(end * 1000) - start)


def _display_matrix(stream: Mapping[str, Any]) -> tuple[int, int, int, int] | None:
    for data in stream.get("side_data_list", ()):
        if data.get("side_data_type") == "Display Matrix":
            rows = [line.split(":", 1)[1].split() for line in str(data.get("displaymatrix", "")).splitlines() if ":" in line]
            if len(rows) >= 2 and all(len(row) >= 2 for row in rows[:2]):
                return int(rows[0][0]), int(rows[0][1]), int(rows[1][0]), int(rows[1][1])
    return None


def _transfer(name: str) -> Transfer:
    return {"smpte2084": Transfer.PQ, "arib-std-b67": Transfer.HLG}.get(name, Transfer.SDR)


def _audio_role(flags: Mapping[str, int], title: str) -> Literal["main", "description", "commentary"]:
    words = title.lower()
    if flags.get("visual_impaired") or flags.get("descriptions") or "audio description" in words or "audiodesc" in words:
        return "description"
    if flags.get("comment") or "commentary" in words or "commentaire" in words:
        return "commentary"
    return "main"


def _text_role(flags: Mapping[str, int], title: str, codec: str) -> Literal["subtitle", "caption", "forced"]:
    words = set(re.findall(r"\w+", title.lower()))
    if flags.get("forced") or words & {"forced", "forcés", "forcé"}:
        return "forced"
    if codec == "eia_608" or flags.get("hearing_impaired") or flags.get("captions") or words & {"sdh", "sme", "cc"}:
        return "caption"
    return "subtitle"


def _tags(entry: Mapping[str, Any]) -> dict[str, str]:
    return {str(key).lower(): str(value)[:200] for key, value in entry.get("tags", {}).items()}


def _flags(stream: Mapping[str, Any]) -> Mapping[str, int]:
    flags: Mapping[str, int] = stream.get("disposition", {})
    return flags


def _int(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def _ratio(text: str) -> Ratio:
    num, _, den = text.partition(":")
    if _int(num) <= 0 or _int(den) <= 0:
        return Ratio(num=1, den=1)
    exact = Fraction(_int(num), _int(den))
    return Ratio(num=exact.numerator, den=exact.denominator)


def _fraction(value: object) -> Fraction | None:
    num, _, den = str(value).partition("/")
    return Fraction(_int(num), _int(den)) if _int(num) > 0 and _int(den) > 0 else None
