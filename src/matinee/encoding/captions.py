"""Closed captions out of a picture's stream: CEA-608 as A/53 carries it in H.264, HEVC and MPEG-2, as a Scenarist file.

The stream is first reduced, without decoding, to its user data and a mark before each picture (`captions_command`); this file
reads what is left. Every byte of it is a stranger's: what does not fit is passed over.

Of the four caption channels the first is taken, which is where programmes have theirs. CEA-708 beside it says the same; a film
that has it alone is taken as one without captions.
"""

from collections.abc import Iterator, Sequence

CODECS = ("h264", "hevc", "mpeg2video")
_START = b"\0\0\1"
_MARK = b"GA94\x03"
_PADDING = (0x80, 0x00)
_TICK_MS = 33
"""A frame of a Scenarist file, as ffmpeg reads it."""
_MOST_PICTURES = 12 * 3600 * 120
"""Twelve hours of them, two fields to a frame of 60 a second."""

Pair = tuple[int, int]
_ERASE: list[Pair] = [(0x94, 0x2C)]


def holds_captions(reduced: bytes) -> bool:
    """Whether any picture brings characters of the first field."""
    at = -1
    while (at := reduced.find(_MARK, at + 1)) >= 0:
        if _pairs(_plain(reduced[at : at + 128])):
            return True
    return False


def pictures(reduced: bytes, codec: str) -> list[list[Pair]]:
    """For each picture in the order of the stream the pairs of characters that it brings, most of them none.

    Of more pictures than any film has, none is given. Equal pairs are one object: a stream may be made of nothing else.
    """
    found: list[list[Pair]] = []
    one: dict[Pair, Pair] = {}
    for unit in _units(reduced):
        if _begins_picture(unit, codec):
            if len(found) == _MOST_PICTURES:
                return []
            found.append([])
        elif found:
            at = unit.find(_MARK)
            if at >= 0:
                found[-1] += (one.setdefault(pair, pair) for pair in _pairs(_plain(unit[at:])))
    return found


def scenarist(pictures: Sequence[list[Pair]], times: Sequence[float], end: float) -> str:
    """A Scenarist file of what pictures bring, in the order in which they are shown. `times` are seconds, one to a picture.

    What still stands at the `end` is erased there. Field pictures come two to a time. Returns nothing where times and pictures
    do not fit.
    """
    if len(pictures) == 2 * len(times):
        pictures = [[*pictures[place], *pictures[place + 1]] for place in range(0, len(pictures), 2)]
    if len(pictures) != len(times):
        return ""
    lines = ["Scenarist_SCC V1.0", ""]
    if not any(pictures):
        return ""
    for at, pairs in [*sorted(zip(times, pictures, strict=True), key=lambda each: each[0]), (end, _ERASE)]:
        if pairs and 0 <= at <= end:
            seconds, ms = divmod(round(at * 1000), 1000)
            clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{ms // _TICK_MS:02d}"
            lines += [f"{clock}\t{' '.join(f'{first:02x}{second:02x}' for first, second in pairs)}", ""]
    return "\n".join(lines) + "\n"


def _units(data: bytes) -> Iterator[bytes]:
    at = data.find(_START)
    while at >= 0:
        end = data.find(_START, at + 3)
        yield data[at + 3 : end if end >= 0 else len(data)]
        at = end


def _begins_picture(unit: bytes, codec: str) -> bool:
    """The mark before a picture: an access unit delimiter, or MPEG-2's picture header."""
    first = unit[0] if unit else 0xFF
    match codec:
        case "h264":
            return first & 0x1F == 9
        case "hevc":
            return first >> 1 & 0x3F == 35
    return first == 0


def _plain(unit: bytes) -> bytes:
    """Without the bytes that keep start codes out of a unit."""
    return unit.replace(b"\0\0\x03", b"\0\0")


def _pairs(data: bytes) -> list[Pair]:
    """The pairs of the first field in one A/53 structure (CEA-708, 4.3), which begins with its mark."""
    if len(data) < 7 or not data[5] & 0x40:
        return []
    count = data[5] & 0x1F
    found = []
    for at in range(7, min(len(data) - 2, 7 + 3 * count), 3):
        valid, kind = data[at] & 0x04, data[at] & 0x03
        pair = data[at + 1], data[at + 2]
        if valid and kind == 0 and not (pair[0] in _PADDING and pair[1] in _PADDING):
            found.append(pair)
    return found
