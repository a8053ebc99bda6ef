"""What a package must be like, one named check to each thing that may be wrong: pure, from what its bytes were read as.

A verification before publishing and a check of what is published ask the same functions. Each answers with faults, in whole
sentences that name the track or the file; none when all is well.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from matinee.base.units import BitsPerSecond, DurationMs
from matinee.library.model import Check, LibraryError, Track, TrackKind
from matinee.library.presentation import Timeline, average_bitrate, peak_bitrate

RATE_TOLERANCE = Fraction(1, 10)
"""Between what a manifest says of a bitrate and what the segments weigh."""
SYNC_MS = 20
"""How far picture and sound may begin, or end, apart; or one frame of the picture, where that is more. A sound ends with a whole
frame of its own besides."""
LOWEST_SCORE = 15.0
"""VMAF at 360 lines, of a stretch, below which a rung does not show what its source shows. Measured: 79 and more of poor rungs of
real films, 31 of the poorest, 0 of another film, 6 of the same film half a second late (docs/decisions/0026)."""


class CheckFailed(LibraryError):
    """A package is not what it must be; `check` says which of the closed set of checks found it."""

    check: Check = Check.FILES

    def __init__(self, check: Check, fault: str) -> None:
        super().__init__(f"{fault} (check: {check.value})", remedy="Nothing was published. Add the film again.")
        self.check = check
        self.fault = fault

    def __reduce__(self) -> tuple[object, ...]:
        return CheckFailed, (self.check, self.fault)


@dataclass(frozen=True, slots=True)
class Looked:
    """A track as its bytes tell it: its segments, when its first sample is shown, what its description says of it.

    `run_up`: what a decoder is given before the first sample that is heard, in seconds.
    """

    track: Track
    timeline: Timeline
    first_shown: Fraction
    run_up: Fraction
    codec: str
    width: int = 0
    height: int = 0

    @property
    def shown_until(self) -> Fraction:
        return self.timeline.seconds - self.run_up


def boundaries(tracks: Iterable[Looked]) -> list[str]:
    """The segments of all rungs, of every coding, begin at the same moments: a player changes rungs at any of them."""
    first: Looked | None = None
    faults = []
    for one in tracks:
        if one.track.kind is not TrackKind.VIDEO:
            continue
        if first is None:
            first = one
        elif one.timeline.boundaries() != first.timeline.boundaries():
            faults.append(f"The segments of {one.track.name} do not begin where those of {first.track.name} do.")
    return faults


def descriptions(tracks: Iterable[Looked]) -> list[str]:
    """A track's own description says what the list says of it: codec, width and height."""
    faults = []
    for one in tracks:
        track = one.track
        if one.codec != track.codec:
            faults.append(f"{track.name} is {one.codec} where {track.codec} is promised.")
        if track.kind is TrackKind.VIDEO and (one.width, one.height) != (track.width, track.height):
            faults.append(f"{track.name} is {one.width}x{one.height} where {track.width}x{track.height} is promised.")
    return faults


def lengths(tracks: Iterable[Looked], length_ms: DurationMs) -> list[str]:
    """Every picture lasts as long as the film, to a frame."""
    film = Fraction(length_ms, 1000)
    return [
        f"{one.track.name} lasts {_ms(one.timeline.seconds)} ms where the film lasts {length_ms} ms."
        for one in tracks
        if one.track.kind is TrackKind.VIDEO and abs(one.timeline.seconds - film) > _frame(one) + Fraction(1, 1000)
    ]


def sync(tracks: Sequence[Looked]) -> list[str]:
    """Each sound begins and ends with the picture."""
    picture = next((one for one in tracks if one.track.kind is TrackKind.VIDEO), None)
    faults = []
    for one in tracks:
        if picture is None or one.track.kind is not TrackKind.AUDIO:
            continue
        most = max(Fraction(SYNC_MS, 1000), _frame(picture))
        early, late = one.first_shown - picture.first_shown, one.shown_until - picture.timeline.seconds
        if abs(early) > most:
            faults.append(f"{one.track.name} begins {_ms(early)} ms after the picture.")
        if abs(late) > most + _frame(one):
            faults.append(f"{one.track.name} ends {_ms(late)} ms after the picture.")
    return faults


def largest_gap_ms(tracks: Sequence[Looked]) -> int:
    """How long after the picture the sound begins, the worst of all tracks."""
    shown = {kind: [one.first_shown for one in tracks if one.track.kind is kind] for kind in (TrackKind.VIDEO, TrackKind.AUDIO)}
    gaps = [_ms(sound - picture) for picture in shown[TrackKind.VIDEO] for sound in shown[TrackKind.AUDIO]]
    return max(gaps, key=abs, default=0)


def rates(tracks: Sequence[Looked], target: Fraction, master: str, mpd: str) -> list[str]:
    """The manifests' bitrates are those of the segments, to a tenth. `target`: the HLS target duration, in seconds."""
    by_name = {one.track.name: one for one in tracks}
    groups = _groups(master)
    faults = []
    for name, attributes in _variants(master):
        track = by_name.get(name)
        if track is None:
            continue  # an image or a text: nothing chooses it by its rate
        with_it = groups.get(attributes.get("AUDIO", ""), ())
        shares = _weights([by_name[sound] for sound in with_it if sound in by_name], target)
        line = track.timeline.key_pictures() if attributes["I-FRAMES"] else track.timeline
        for key, measured in (
            ("BANDWIDTH", peak_bitrate(line, target) + shares[0]),
            ("AVERAGE-BANDWIDTH", average_bitrate(line) + shares[1]),
        ):
            faults += _rate_fault(f"master.m3u8: {key} of {name}", attributes.get(key, "0"), measured)
    longest = max((one.timeline.longest for one in tracks), default=Fraction(1))
    try:
        root = ET.fromstring(mpd)  # noqa: S314 -- ours, by its hash
    except ET.ParseError as error:
        return [*faults, f"manifest.mpd cannot be read: {error}."]
    for element in root.iter("{urn:mpeg:dash:schema:mpd:2011}Representation"):
        track = by_name.get(element.attrib.get("id", ""))
        if track is not None:
            said = element.attrib.get("bandwidth", "0")
            faults += _rate_fault(f"manifest.mpd: bandwidth of {track.track.name}", said, peak_bitrate(track.timeline, longest))
    return faults


def pictures(scores: Mapping[str, float]) -> list[str]:
    """Every rung shows what its source shows: its poorest sampled stretch scores no less than `LOWEST_SCORE`."""
    return [
        f"{name} does not look like the film: a stretch of it scores {score:.0f} where {LOWEST_SCORE:.0f} is the least."
        for name, score in scores.items()
        if score < LOWEST_SCORE
    ]


def _weights(sounds: Sequence[Looked], target: Fraction) -> tuple[int, int]:
    """Peak and average of the heaviest sound: a variant's rate is that of its picture with any sound of its group."""
    return (
        max((peak_bitrate(one.timeline, target) for one in sounds), default=0),
        max((average_bitrate(one.timeline) for one in sounds), default=0),
    )


def _rate_fault(what: str, said: str, measured: int) -> list[str]:
    declared = BitsPerSecond(int(said)) if said.isascii() and said.isdigit() else BitsPerSecond(0)
    if abs(declared - measured) <= RATE_TOLERANCE * measured:
        return []
    return [f"{what} is {said} bits a second where its segments weigh {measured}."]


_ATTRIBUTE = re.compile(r'([A-Z-]+)=("[^"]*"|[^",]*)')


def _groups(master: str) -> dict[str, list[str]]:
    """The folders of the sounds of each group of a master playlist."""
    found: dict[str, list[str]] = {}
    for line in master.splitlines():
        attributes = dict(_ATTRIBUTE.findall(line.removeprefix("#EXT-X-MEDIA:"))) if line.startswith("#EXT-X-MEDIA:") else {}
        if attributes.get("TYPE") == "AUDIO":
            folder = attributes.get("URI", "").strip('"').partition("/")[0]
            found.setdefault(attributes.get("GROUP-ID", ""), []).append(folder)
    return found


def _variants(master: str) -> Iterable[tuple[str, dict[str, str]]]:
    """The variants of a master playlist by the folder that they lead to, with their attributes; `I-FRAMES` says which kind."""
    lines = master.splitlines()
    for number, line in enumerate(lines):
        tag, _, rest = line.partition(":")
        attributes = dict(_ATTRIBUTE.findall(rest))
        if tag == "#EXT-X-STREAM-INF" and number + 1 < len(lines):
            yield lines[number + 1].partition("/")[0], {**attributes, "I-FRAMES": ""}
        elif tag == "#EXT-X-I-FRAME-STREAM-INF":
            yield attributes.get("URI", '""').strip('"').partition("/")[0], {**attributes, "I-FRAMES": "yes"}


def _frame(one: Looked) -> Fraction:
    """How long a sample of a track lasts, on average."""
    return one.timeline.seconds / max(1, one.track.samples)


def _ms(seconds: Fraction) -> int:
    return round(seconds * 1000)


def of_tracks(tracks: Sequence[Looked], length_ms: DurationMs, master: str, mpd: str) -> list[tuple[Check, str]]:
    """All faults of a package whose tracks were read, with the check that found each."""
    longest = max((one.timeline.longest for one in tracks), default=Fraction(1))
    target = Fraction(max(1, int(longest + Fraction(1, 2))))
    found = [
        (Check.BOUNDARIES, boundaries(tracks)),
        (Check.DESCRIPTIONS, descriptions(tracks)),
        (Check.LENGTHS, lengths(tracks, length_ms)),
        (Check.SYNC, sync(tracks)),
        (Check.RATES, rates(tracks, target, master, mpd)),
    ]
    return [(check, fault) for check, faults in found for fault in faults]
