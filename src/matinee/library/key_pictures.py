"""Does a picture stand alone? Told from the coded bytes themselves, not from what the container says of them.

A player that joins at a segment decodes from its first sample on. The container marks that sample as a sync sample; whether the
encoder made it one stands in its bytes alone.
"""

from matinee.encoding.model import Coding

_NAL_LENGTH_BYTES = 4
_IDR, _SLICES = 5, range(1, 6)
_FRAME_HEADER, _FRAME, _TILE_LIST = 3, 6, 8
_KEY_FRAME = 0


class UnknownCoding(ValueError):
    """A codec's name is none of those whose pictures are understood here."""


def coding_of(codec: str) -> Coding:
    """How a picture is coded, by its RFC 6381 name. Raises UnknownCoding."""
    match codec.partition(".")[0]:
        case "avc1" | "avc3":
            return Coding.H264
        case "av01":
            return Coding.AV1
    raise UnknownCoding(f"its codec is {codec!r}")


def stands_alone(sample: bytes, coding: Coding) -> bool:
    """Whether decoding may begin at a clear sample. One that cannot be read does not stand alone."""
    match coding:
        case Coding.H264:
            return _is_idr(sample)
        case Coding.AV1:
            return _is_key_frame(sample)


def _is_idr(sample: bytes) -> bool:
    """The first slice of the picture is of an IDR picture (ISO/IEC 14496-10, table 7-1); a NAL unit's length stands before it."""
    at = 0
    while at + _NAL_LENGTH_BYTES < len(sample):
        length = int.from_bytes(sample[at : at + _NAL_LENGTH_BYTES])
        kind = sample[at + _NAL_LENGTH_BYTES] & 0x1F
        if length == 0 or at + _NAL_LENGTH_BYTES + length > len(sample):
            return False
        if kind in _SLICES:
            return kind == _IDR
        at += _NAL_LENGTH_BYTES + length
    return False


def _is_key_frame(sample: bytes) -> bool:
    """The first frame of the temporal unit is a key frame that is coded here (AV1 specification, 5.3.2, 5.9.2)."""
    at = 0
    while at < len(sample):
        header = sample[at]
        kind, has_extension, has_size = header >> 3 & 15, header >> 2 & 1, header >> 1 & 1
        at += 1 + has_extension
        size = len(sample) - at
        if has_size:
            size, at = _leb128(sample, at)
        if size < 0 or at + size > len(sample) or kind == _TILE_LIST:
            return False
        if kind in (_FRAME_HEADER, _FRAME):
            shows_existing, frame_type = sample[at] >> 7 if size else 1, sample[at] >> 5 & 3 if size else 1
            return not shows_existing and frame_type == _KEY_FRAME
        at += size
    return False


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """A size and where it ends; -1 where it does not end within eight bytes."""
    value = 0
    for number, byte in enumerate(data[at : at + 8]):
        value |= (byte & 0x7F) << 7 * number
        if not byte & 0x80:
            return value, at + number + 1
    return -1, at
