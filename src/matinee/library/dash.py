"""The DASH manifest of a package (ISO/IEC 23009-1, DASH-IF IOP 4.3; it validates against DASH-MPD.xsd).

The order of elements is the schema's. ContentProtection names ClearKey's own system id, with no licence URL: dash.js wants the
id, and the URL belongs to a session while a package is for ever.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby
from math import gcd

from matinee.encoding.model import Transfer
from matinee.library.boxes import pssh_payload, to_base64
from matinee.library.model import DrmSystem, LibraryError
from matinee.library.presentation import (
    CLEARKEY_SYSTEM,
    PLAYREADY_SYSTEM,
    WIDEVINE_SYSTEM,
    AudioTrack,
    ImageTrack,
    Presentation,
    Signalling,
    TextTrack,
    Timeline,
    VideoTrack,
    peak_bitrate,
)

MANIFEST = "manifest.mpd"

_MPD = "urn:mpeg:dash:schema:mpd:2011"
_CENC = "urn:mpeg:cenc:2013"
_MSPR = "urn:microsoft:playready"
_ROLE = "urn:mpeg:dash:role:2011"
_PURPOSE = "urn:tva:metadata:cs:AudioPurposeCS:2007"
_CHANNELS = "urn:mpeg:mpegB:cicp:ChannelConfiguration"
_CHANNEL_CODES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 8: 12}
"""Coding-independent code points (23091-3, table 8) of the usual layouts: 5.1 is 6, 7.1 is 12."""

_HDR = {
    Transfer.PQ: {"ColourPrimaries": "9", "TransferCharacteristics": "16", "MatrixCoefficients": "9"},
    Transfer.HLG: {"ColourPrimaries": "9", "TransferCharacteristics": "18", "MatrixCoefficients": "9"},
}
"""Coding-independent code points (23091-2) of BT.2020 and of the two transfers."""

ET.register_namespace("", _MPD)
ET.register_namespace("cenc", _CENC)
ET.register_namespace("mspr", _MSPR)


def manifest(film: Presentation) -> str:
    """The whole MPD as text, equal for equal films."""
    root = ET.Element(
        f"{{{_MPD}}}MPD",
        {
            "profiles": "urn:mpeg:dash:profile:isoff-live:2011",
            "type": "static",
            "mediaPresentationDuration": _duration(film.seconds),
            "minBufferTime": _duration(film.target),
        },
    )
    period = _add(root, "Period", id="0", start="PT0S")
    sets = [*_video_sets(film), *(_audio_set(film, track) for track in film.audio)]
    sets += [_text_set(film, track) for track in film.text]
    if film.image is not None:
        sets.append(_image_set(film, film.image))
    for number, adaptation in enumerate(sets, 1):
        adaptation.set("id", str(number))
        period.append(adaptation)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _video_sets(film: Presentation) -> list[ET.Element]:
    """One set to a coding, because no player changes between codings as it does between rungs. Their segments begin together."""
    first = film.video[0]
    for track in film.video[1:]:
        if track.timeline.boundaries() != first.timeline.boundaries():
            raise LibraryError(
                f"The segments of {track.rendition.name} do not begin where those of {first.rendition.name} do.",
                remedy="Encode the rungs again with one group of pictures.",
            )
    together = groupby(film.video, key=lambda track: (track.rendition.coding, track.rendition.transfer))
    return [_video_set(film, list(tracks)) for _, tracks in together]


def _video_set(film: Presentation, tracks: Sequence[VideoTrack]) -> ET.Element:
    first = tracks[0]
    width, height = first.rendition.width, first.rendition.height
    adaptation = ET.Element(
        f"{{{_MPD}}}AdaptationSet",
        {
            "contentType": "video",
            "mimeType": "video/mp4",
            "segmentAlignment": "true",
            "startWithSAP": "1",
            "maxWidth": str(max(track.rendition.width for track in tracks)),
            "maxHeight": str(max(track.rendition.height for track in tracks)),
            "frameRate": _frame_rate(film.frame_rate.fraction),
            "par": f"{width // gcd(width, height)}:{height // gcd(width, height)}",
        },
    )
    _protect(adaptation, film.signalling)
    for name, value in _HDR.get(first.rendition.transfer, {}).items():
        # Essential: a player that does not know these would show the pictures in the wrong light, and must leave them out.
        _describe(adaptation, "EssentialProperty", f"urn:mpeg:mpegB:cicp:{name}", value)
    _describe(adaptation, "Role", _ROLE, "main")
    adaptation.append(_template(first.timeline))
    for track in tracks:
        _add(
            adaptation,
            "Representation",
            id=track.rendition.name,
            bandwidth=str(peak_bitrate(track.timeline, film.target)),
            codecs=track.codec,
            width=str(track.rendition.width),
            height=str(track.rendition.height),
            sar="1:1",
        )
    return adaptation


def _audio_set(film: Presentation, track: AudioTrack) -> ET.Element:
    rendition = track.rendition
    adaptation = ET.Element(
        f"{{{_MPD}}}AdaptationSet",
        {
            "contentType": "audio",
            "mimeType": "audio/mp4",
            "lang": rendition.language,
            "segmentAlignment": "true",
            "startWithSAP": "1",
        },
    )
    if rendition.mix_of is None and any(other.rendition.mix_of == rendition.name for other in film.audio):
        adaptation.set("selectionPriority", "2")  # who asks for nothing is given the stereo mix
    channels = _CHANNEL_CODES.get(track.channels, 2)
    _describe(adaptation, "AudioChannelConfiguration", _CHANNELS, str(channels))
    _protect(adaptation, film.signalling)
    _add(adaptation, "Label").text = track.label
    if rendition.role == "description":
        _describe(adaptation, "Accessibility", _PURPOSE, "1")
    role = {"description": "description", "commentary": "commentary"}.get(rendition.role)
    _describe(adaptation, "Role", _ROLE, role or ("main" if rendition.default else "alternate"))
    adaptation.append(_template(track.timeline))
    _add(
        adaptation,
        "Representation",
        id=rendition.name,
        bandwidth=str(peak_bitrate(track.timeline, film.target)),
        codecs=track.codec,
        audioSamplingRate=str(track.sample_rate),
    )
    return adaptation


def _text_set(film: Presentation, track: TextTrack) -> ET.Element:
    rendition = track.rendition
    adaptation = ET.Element(
        f"{{{_MPD}}}AdaptationSet",
        {"contentType": "text", "mimeType": "text/vtt", "lang": rendition.language},
    )
    _add(adaptation, "Label").text = track.label
    if rendition.role == "caption":
        _describe(adaptation, "Accessibility", _PURPOSE, "2")
    role = {"caption": "caption", "forced": "forced-subtitle"}.get(rendition.role, "subtitle")
    _describe(adaptation, "Role", _ROLE, role)
    bandwidth = max(1, round(8 * track.size / film.seconds))
    representation = _add(adaptation, "Representation", id=rendition.name, bandwidth=str(bandwidth))
    _add(representation, "BaseURL").text = track.path
    return adaptation


def _image_set(film: Presentation, image: ImageTrack) -> ET.Element:
    """Tiles as IOP 4.3 (6.2.6) has them: a representation is one sheet wide and high, a segment is one sheet."""
    sheets = image.thumbnails
    adaptation = ET.Element(f"{{{_MPD}}}AdaptationSet", {"contentType": "image", "mimeType": "image/jpeg"})
    _add(
        adaptation,
        "SegmentTemplate",
        timescale="1000",
        duration=str(int(image.seconds_per_sheet * 1000)),
        startNumber="1",
        media="$RepresentationID$/$Number$.jpg",
    )
    seconds = min(image.seconds_per_sheet, film.seconds)
    representation = _add(
        adaptation,
        "Representation",
        id="thumbs",
        bandwidth=str(max(1, round(8 * max(image.sizes) / seconds))),
        width=str(sheets.tile_width * sheets.columns),
        height=str(sheets.tile_height * sheets.rows),
    )
    tiles = f"{sheets.columns}x{sheets.rows}"
    _describe(representation, "EssentialProperty", "http://dashif.org/guidelines/thumbnail_tile", tiles)
    return adaptation


def _protect(adaptation: ET.Element, signalling: Signalling) -> None:
    hexadecimal = signalling.kid.hex()
    kid = "-".join(hexadecimal[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    common = _describe(adaptation, "ContentProtection", "urn:mpeg:dash:mp4protection:2011", "cbcs")
    common.set(f"{{{_CENC}}}default_KID", kid)
    for system in signalling.systems:
        match system:
            case DrmSystem.CLEARKEY:
                _describe(adaptation, "ContentProtection", f"urn:uuid:{CLEARKEY_SYSTEM}", "ClearKey1.0")
            case DrmSystem.WIDEVINE:
                box = signalling.pssh[WIDEVINE_SYSTEM]
                element = _describe(adaptation, "ContentProtection", f"urn:uuid:{WIDEVINE_SYSTEM}", "Widevine")
                ET.SubElement(element, f"{{{_CENC}}}pssh").text = to_base64(box)
            case DrmSystem.PLAYREADY:
                box = signalling.pssh[PLAYREADY_SYSTEM]
                element = _describe(adaptation, "ContentProtection", f"urn:uuid:{PLAYREADY_SYSTEM}", "MSPR 2.0")
                ET.SubElement(element, f"{{{_CENC}}}pssh").text = to_base64(box)
                ET.SubElement(element, f"{{{_MSPR}}}pro").text = to_base64(pssh_payload(box))
            case DrmSystem.FAIRPLAY:
                continue  # FairPlay is for HLS alone.


def _template(timeline: Timeline) -> ET.Element:
    template = ET.Element(
        f"{{{_MPD}}}SegmentTemplate",
        {
            "timescale": str(timeline.timescale),
            "startNumber": "1",
            "initialization": "$RepresentationID$/init.mp4",
            "media": "$RepresentationID$/$Number$.m4s",
        },
    )
    line = _add(template, "SegmentTimeline")
    at = 0
    for ticks, same in groupby(segment.ticks for segment in timeline.segments):
        count = len(list(same))
        entry = _add(line, "S", t=str(at), d=str(ticks)) if at == 0 else _add(line, "S", d=str(ticks))
        if count > 1:
            entry.set("r", str(count - 1))
        at += ticks * count
    return template


def _add(parent: ET.Element, name: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{_MPD}}}{name}", attributes)


def _describe(parent: ET.Element, name: str, scheme: str, value: str) -> ET.Element:
    return _add(parent, name, schemeIdUri=scheme, value=value)


def _frame_rate(rate: Fraction) -> str:
    return str(rate.numerator) if rate.denominator == 1 else f"{rate.numerator}/{rate.denominator}"


def _duration(seconds: Fraction) -> str:
    """xs:duration in seconds with at most a microsecond's precision: PT52.208333S."""
    return "PT" + f"{float(seconds):.6f}".rstrip("0").rstrip(".") + "S"


def representation_ids(text: str) -> Iterable[str]:
    """The representations of an MPD, in its order: for a check that all of them are in the package."""
    for element in ET.fromstring(text).iter(f"{{{_MPD}}}Representation"):  # noqa: S314 -- ours, verified by hash
        yield element.attrib["id"]
