"""What a film says of the screen that it was mastered on, put back where the packager leaves it out.

HDR metadata stands in two boxes of the sample description, `mdcv` and `clli` (ISO/IEC 14496-12, 12.1.6 and 12.1.7), which the
encoder's file has and Shaka Packager 3.8 does not copy. It cannot stand in the AV1 stream instead: the packager's encryption
fails at the metadata units that would hold it.
"""

from pathlib import Path

from matinee.library.boxes import Box, BoxError, walk

_KEPT = (b"mdcv", b"clli")
_LARGEST_HEAD = 64 * 1024**2


def read_mastering(rendition: Path) -> bytes:
    """The boxes of a rendition that tell of its mastering, one after another; empty where it tells nothing. Raises BoxError."""
    data = _movie_box(rendition)
    return b"".join(data[box.start : box.end] for box in walk(data) if box.kind in _KEPT)


def with_mastering(init: bytes, boxes: bytes) -> bytes:
    """An initialisation segment whose one sample entry holds these boxes too, before those of its protection. Raises BoxError."""
    around = list(walk(init))
    place = next((box.start for box in around if box.kind == b"sinf"), None)
    if place is None:
        raise BoxError("an initialisation segment has no sinf box")
    result = bytearray(init[:place] + boxes + init[place:])
    for box in around:
        if box.start < place < box.end:
            _lengthen(result, box, len(boxes))
    return bytes(result)


def _lengthen(data: bytearray, box: Box, by: int) -> None:
    data[box.start : box.start + 4] = (box.end - box.start + by).to_bytes(4)


def _movie_box(rendition: Path) -> bytes:
    """The moov of a file of ours, wherever it stands: the samples before it are not read."""
    with rendition.open("rb") as file:
        at = 0
        while header := file.read(16):
            size, kind = int.from_bytes(header[:4]), header[4:8]
            size = int.from_bytes(header[8:16]) if size == 1 else size
            if kind == b"moov" and size <= _LARGEST_HEAD:
                file.seek(at)
                return file.read(size)
            at += max(8, size)
            file.seek(at)
    raise BoxError(f"{rendition.name} has no moov box")
