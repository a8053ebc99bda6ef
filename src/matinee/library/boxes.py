"""Reading fragmented MP4 (ISO/IEC 14496-12, 23001-7): what the packager wrote, read back by other code than wrote it.

The manifests need measured facts (durations, sizes, where a picture's bytes lie) and the checks need every sample, so that a
mistake of the packager, of a disk or of a copy shows here and not on a screen. Only what our own packages hold is understood:
one track to a file, `moof` + `mdat` fragments, constant-IV pattern encryption. Anything else raises BoxError, which names it.
"""

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf", b"sinf", b"schi"})
_VIDEO_ENTRY_BYTES = 78
_AUDIO_ENTRY_BYTES = 28
_NOT_SYNC = 0x00010000


class BoxError(ValueError):
    """The bytes are not what a segment of ours holds; the sentence says what was found."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box by its four letters; `start` is that of its header, `body` that of what it holds, both within the file."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes from `start` to `end`, in order, not those inside them. Raises BoxError where a size makes no sense."""
    end = len(data) if end is None else end
    while start < end:
        if end - start < 8:
            raise BoxError(f"{end - start} stray bytes stand after the last box")
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            if end - start < 16:
                raise BoxError(f"box {kind!r} is cut off in its header")
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            raise BoxError(f"box {kind!r} at byte {start} claims {size} bytes where {end - start} are left")
        yield Box(kind, start, start + header, start + size)
        start += size


def walk(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """All boxes in depth-first order, those of the sample description and its protection included."""
    for box in boxes(data, start, end):
        yield box
        if box.kind in _CONTAINERS:
            yield from walk(data, box.body, box.end)
        elif box.kind == b"stsd":
            yield from walk(data, box.body + 8, box.end)
        elif box.kind in (b"encv", b"avc1", b"av01"):
            yield from walk(data, box.body + _VIDEO_ENTRY_BYTES, box.end)
        elif box.kind in (b"enca", b"mp4a"):
            yield from walk(data, box.body + _AUDIO_ENTRY_BYTES, box.end)


@dataclass(frozen=True, slots=True)
class Protection:
    """How samples are encrypted (`tenc` of 23001-7): `crypt` of every `crypt + skip` 16-byte blocks; 0 and 0 mean all of them."""

    scheme: str
    kid: bytes
    constant_iv: bytes
    crypt: int
    skip: int


@dataclass(frozen=True, slots=True)
class Initialisation:
    """What an initialisation segment says of its one track.

    `edit_media_time` (in `timescale` ticks) is the media time that is shown at zero: the encoder's delay, or reordering.
    `pssh` holds whole boxes by system id (16 bytes).
    """

    timescale: int
    codec: str
    default_duration: int
    default_size: int
    default_flags: int
    edit_media_time: int
    protection: Protection | None
    pssh: tuple[tuple[bytes, bytes], ...]
    sample_rate: int = 0
    channels: int = 0


def read_initialisation(data: bytes) -> Initialisation:
    """Read an initialisation segment (`ftyp` + `moov`). Raises BoxError."""
    try:
        return _initialisation(data)
    except (IndexError, struct.error, RecursionError) as error:
        raise BoxError("an initialisation segment is cut off, or its boxes do not fit") from error


def _initialisation(data: bytes) -> Initialisation:
    found: dict[bytes, Box] = {}
    pssh: list[tuple[bytes, bytes]] = []
    for box in walk(data):
        if box.kind == b"pssh":
            pssh.append((data[box.body + 4 : box.body + 20], data[box.start : box.end]))
        elif box.kind == b"trak" and b"trak" in found:
            raise BoxError("an initialisation segment holds more than one track")
        else:
            found.setdefault(box.kind, box)
    for needed in (b"moov", b"mdhd", b"trex", b"stsd"):
        if needed not in found:
            raise BoxError(f"an initialisation segment has no {needed.decode()} box")
    trex = struct.unpack_from(">IIIII", data, found[b"trex"].body + 4)
    entry = found.get(b"enca") or found.get(b"mp4a")
    channels, sample_rate = 0, 0
    if entry is not None:
        channels = int.from_bytes(data[entry.body + 16 : entry.body + 18])
        sample_rate = int.from_bytes(data[entry.body + 24 : entry.body + 26])
    return Initialisation(
        timescale=_after_times(data, found[b"mdhd"]),
        codec=_codec(data, found),
        default_duration=trex[2],
        default_size=trex[3],
        default_flags=trex[4],
        edit_media_time=_edit_media_time(data, found.get(b"elst")),
        protection=_protection(data, found),
        pssh=tuple(pssh),
        sample_rate=sample_rate,
        channels=channels,
    )


def _after_times(data: bytes, box: Box) -> int:
    """The timescale of an mdhd: its place depends on the width of the two times before it."""
    return int(struct.unpack_from(">I", data, box.body + (20 if data[box.body] == 1 else 12))[0])


def _edit_media_time(data: bytes, box: Box | None) -> int:
    if box is None:
        return 0
    wide = data[box.body] == 1
    (count,) = struct.unpack_from(">I", data, box.body + 4)
    if count != 1:
        raise BoxError(f"an edit list has {count} entries where one is expected")
    return int(struct.unpack_from(">q" if wide else ">i", data, box.body + (16 if wide else 12))[0])


def _codec(data: bytes, found: dict[bytes, Box]) -> str:
    """The RFC 6381 name: avc1.ppccll or av01.P.LLT.DD from the decoder configuration, mp4a.40.N from the audio object type."""
    if b"avcC" in found:
        return "avc1." + data[found[b"avcC"].body + 1 : found[b"avcC"].body + 4].hex()
    if b"av1C" in found:
        return _av1_codec(data, found[b"av1C"], found.get(b"colr"))
    if b"esds" in found:
        return _audio_codec(data[found[b"esds"].body + 4 : found[b"esds"].end])
    raise BoxError("a track is neither H.264, AV1 nor AAC; the library packages no other yet")


def _av1_codec(data: bytes, configuration: Box, colours: Box | None) -> str:
    """From av1C and colr (AV1 in ISOBMFF, 2.3 and 5): profile, level, tier, bit depth; the rest where it is not BT.709."""
    one, two = data[configuration.body + 1], data[configuration.body + 2]
    depth = (12 if two & 0x20 else 10) if two & 0x40 else 8
    short = f"av01.{one >> 5}.{one & 31:02d}{'H' if two & 0x80 else 'M'}.{depth:02d}"
    if colours is None or data[colours.body : colours.body + 4] != b"nclx":
        return short
    primaries, transfer, matrix = struct.unpack_from(">HHH", data, colours.body + 4)
    full = data[colours.body + 10] >> 7
    if (primaries, transfer, matrix, full) == (1, 1, 1, 0):
        return short
    chroma = f"{two >> 4 & 1}.{two >> 3 & 1}{two >> 2 & 1}{two & 3}"
    return f"{short}.{chroma}.{primaries:02d}.{transfer:02d}.{matrix:02d}.{full}"


def _audio_codec(descriptors: bytes) -> str:
    """Follow ES -> decoder configuration -> decoder specific info (14496-1), whose first five bits are the object type."""
    at, end = 0, len(descriptors)
    while at < end:
        tag = descriptors[at]
        at += 1
        length = 0
        while at < end:
            length = length << 7 | descriptors[at] & 0x7F
            at += 1
            if not descriptors[at - 1] & 0x80:
                break
        if tag == 0x03:
            flags = descriptors[at + 2]
            at += 3 + (2 if flags & 0x80 else 0) + (1 + descriptors[at + 3] if flags & 0x40 else 0) + (2 if flags & 0x20 else 0)
        elif tag == 0x04:
            at += 13
        elif tag == 0x05:
            first = int.from_bytes(descriptors[at : at + 2])
            kind = first >> 11
            return f"mp4a.40.{32 + (first >> 5 & 0x3F) if kind == 31 else kind}"
        else:
            at += length
    raise BoxError("an esds box holds no decoder specific info")


def _protection(data: bytes, found: dict[bytes, Box]) -> Protection | None:
    if b"schm" not in found or b"tenc" not in found:
        return None
    scheme = data[found[b"schm"].body + 4 : found[b"schm"].body + 8].decode("ascii", "replace")
    at = found[b"tenc"].body
    pattern, protected, iv_size = data[at + 5], data[at + 6], data[at + 7]
    if protected != 1 or iv_size != 0:
        raise BoxError("samples carry an IV each, or none is protected: this is not constant-IV encryption")
    length = data[at + 24]
    return Protection(
        scheme=scheme,
        kid=data[at + 8 : at + 24],
        constant_iv=data[at + 25 : at + 25 + length],
        crypt=pattern >> 4,
        skip=pattern & 15,
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """One access unit: its bytes are `data[start:start + size]` of the segment; times in ticks of the track.

    `subsamples` are pairs of (clear bytes, protected bytes); empty means that the whole sample is protected.
    """

    start: int
    size: int
    duration: int
    composition: int
    sync: bool
    subsamples: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """One segment of one fragment: `decode_time` of its first sample, and its samples in order.

    `moof_start` is where a byte range must begin so that it can be decoded after the initialisation segment.
    """

    decode_time: int
    samples: tuple[Sample, ...]
    moof_start: int

    @property
    def duration(self) -> int:
        return sum(sample.duration for sample in self.samples)


def read_segment(data: bytes, init: Initialisation) -> MediaSegment:
    """Read a media segment of one fragment. Raises BoxError."""
    try:
        return _segment(data, init)
    except (IndexError, struct.error, RecursionError) as error:
        raise BoxError("a segment is cut off, or its boxes do not fit") from error


def _segment(data: bytes, init: Initialisation) -> MediaSegment:
    top = list(boxes(data))
    fragments = [box for box in top if box.kind == b"moof"]
    payloads = [box for box in top if box.kind == b"mdat"]
    if len(fragments) != 1 or len(payloads) != 1:
        raise BoxError(f"a segment holds {len(fragments)} fragments and {len(payloads)} payloads where one each is expected")
    moof = fragments[0]
    inner = {box.kind: box for box in walk(data, moof.start, moof.end)}
    for needed in (b"tfhd", b"tfdt", b"trun"):
        if needed not in inner:
            raise BoxError(f"a fragment has no {needed.decode()} box")
    duration, size, flags = _fragment_defaults(data, inner[b"tfhd"], init)
    samples = list(_run(data, inner[b"trun"], moof.start, duration, size, flags))
    if samples and samples[-1].start + samples[-1].size > payloads[0].end:
        raise BoxError("the samples of a segment reach beyond its payload")
    if b"senc" in inner:
        samples = _with_subsamples(data, inner[b"senc"], samples)
    wide = data[inner[b"tfdt"].body] == 1
    (decode_time,) = struct.unpack_from(">Q" if wide else ">I", data, inner[b"tfdt"].body + 4)
    return MediaSegment(decode_time, tuple(samples), moof.start)


def _fragment_defaults(data: bytes, box: Box, init: Initialisation) -> tuple[int, int, int]:
    bits = int.from_bytes(data[box.body + 1 : box.body + 4])
    at = box.body + 8 + (8 if bits & 0x01 else 0) + (4 if bits & 0x02 else 0)
    values = [init.default_duration, init.default_size, init.default_flags]
    for index, bit in enumerate((0x08, 0x10, 0x20)):
        if bits & bit:
            (values[index],) = struct.unpack_from(">I", data, at)
            at += 4
    return values[0], values[1], values[2]


def _run(data: bytes, box: Box, base: int, duration: int, size: int, flags: int) -> Iterator[Sample]:
    version = data[box.body]
    bits = int.from_bytes(data[box.body + 1 : box.body + 4])
    count, offset = struct.unpack_from(">Ii", data, box.body + 4)
    if not bits & 0x01:
        raise BoxError("a run of samples names no data offset")
    at = box.body + 12
    first_flags = flags
    if bits & 0x04:
        (first_flags,) = struct.unpack_from(">I", data, at)
        at += 4
    fields = [bool(bits & bit) for bit in (0x100, 0x200, 0x400, 0x800)]
    if at + 4 * sum(fields) * count > box.end:
        raise BoxError(f"a run claims {count} samples, more than its box can hold")
    start = base + offset
    for index in range(count):
        values = [duration, size, first_flags if index == 0 else flags, 0]
        for column, present in enumerate(fields):
            if present:
                (values[column],) = struct.unpack_from(">i" if column == 3 and version else ">I", data, at)
                at += 4
        yield Sample(start, values[1], values[0], values[3], not values[2] & _NOT_SYNC)
        start += values[1]


def _with_subsamples(data: bytes, box: Box, samples: list[Sample]) -> list[Sample]:
    bits = int.from_bytes(data[box.body + 1 : box.body + 4])
    (count,) = struct.unpack_from(">I", data, box.body + 4)
    if count != len(samples):
        raise BoxError(f"{count} samples are described as encrypted where the fragment holds {len(samples)}")
    if not bits & 0x02:
        return samples
    at = box.body + 8
    described = []
    for sample in samples:
        (parts,) = struct.unpack_from(">H", data, at)
        flat = struct.unpack_from(">" + "HI" * parts, data, at + 2)
        at += 2 + 6 * parts
        pairs = tuple(zip(flat[::2], flat[1::2], strict=True))
        if sum(clear + protected for clear, protected in pairs) != sample.size:
            raise BoxError("the parts of an encrypted sample do not add up to its size")
        described.append(
            Sample(sample.start, sample.size, sample.duration, sample.composition, sample.sync, pairs)
        )
    return described


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height by the sample description of an initialisation segment; (0, 0) where it describes no picture."""
    for box in walk(data):
        if box.kind in (b"encv", b"avc1", b"av01") and box.end - box.body >= _VIDEO_ENTRY_BYTES:
            width, height = struct.unpack_from(">HH", data, box.body + 24)
            return width, height
    return 0, 0


def pssh_payload(box: bytes) -> bytes:
    """The data of a PSSH box behind its header and, in version 1, its list of key ids."""
    at = 28
    if box[8] == 1:
        at += 4 + 16 * int.from_bytes(box[28:32])
    return box[at + 4 : at + 4 + int.from_bytes(box[at : at + 4])]


def to_base64(box: bytes) -> str:
    return base64.b64encode(box).decode("ascii")
