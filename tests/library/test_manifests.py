"""HLS and DASH from one small presentation, whole; and what holds for every one."""

import base64
import dataclasses
import re
import xml.etree.ElementTree as ET
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.units import BitsPerSecond, Bytes, DurationMs, FrameRate, Pixels
from matinee.encoding.model import AudioRendition, TextRendition, ThumbnailSet, VideoRendition
from matinee.library import dash, hls
from matinee.library.model import DrmSystem, LibraryError
from matinee.library.presentation import (
    AudioTrack,
    ImageTrack,
    Presentation,
    Segment,
    Signalling,
    TextTrack,
    Timeline,
    VideoTrack,
    average_bitrate,
    peak_bitrate,
    unique_labels,
)
from tests.library.conftest import Packaged
from tests.shared import DATA

KID = bytes(range(16))
MPD = "{urn:mpeg:dash:schema:mpd:2011}"


def _timeline(timescale: int, *segments: tuple[int, int]) -> Timeline:
    return Timeline(timescale, tuple(Segment(ticks, Bytes(size), 40, 40 + size // 4) for ticks, size in segments))


def _video(height: int, timeline: Timeline) -> VideoTrack:
    rendition = VideoRendition(
        name=f"v{height}",
        path=f"v{height}.mp4",
        width=Pixels(height * 16 // 9),
        height=Pixels(height),
        bitrate=BitsPerSecond(1),
        peak_bitrate=BitsPerSecond(1),
        codec="avc1.64001f",
        frame_rate=FrameRate(24, 1),
        frames=120,
    )
    return VideoTrack(rendition, "avc1.64001f", timeline, 120)


def _audio(name: str, language: str, label: str, role: str, default: bool, timeline: Timeline) -> AudioTrack:
    rendition = AudioRendition(
        name=name,
        path=f"{name}.mp4",
        language=language,
        label=label,
        channels=2,
        role=role,  # type: ignore[arg-type]
        default=default,
        bitrate=BitsPerSecond(1),
    )
    return AudioTrack(rendition, label, "mp4a.40.2", 48000, 2, timeline, 235)


def _text(name: str, language: str, label: str, role: str) -> TextTrack:
    rendition = TextRendition(name=name, path=f"{name}.vtt", language=language, label=label, role=role)  # type: ignore[arg-type]
    return TextTrack(rendition, label, f"{name}/main.vtt", Bytes(500))


def _film(**changes: object) -> Presentation:
    pictures = (24576, 500_000), (24576, 250_000), (12288, 125_000)
    sound = _timeline(48000, (96256, 32_000), (96256, 32_000), (47488, 16_000))
    values: dict[str, object] = {
        "duration_ms": DurationMs(5000),
        "frame_rate": FrameRate(24, 1),
        "video": (
            _video(720, _timeline(12288, *pictures)),
            _video(360, _timeline(12288, *((ticks, size // 5) for ticks, size in pictures))),
        ),
        "audio": (
            _audio("a_fr", "fr", "Français", "main", True, sound),
            _audio("a_fr_2", "fr", "Audiodescription", "description", False, sound),
            _audio("a_en", "en", "The director", "commentary", False, sound),
        ),
        "text": (_text("t_fr", "fr", "Français", "caption"), _text("t_und", "und", "Forced", "forced")),
        "image": ImageTrack(
            ThumbnailSet(
                paths=("1.jpg", "2.jpg"),
                tile_width=Pixels(160),
                tile_height=Pixels(90),
                columns=2,
                rows=2,
                interval_ms=DurationMs(1000),
                count=5,
            ),
            (Bytes(20_000), Bytes(6_000)),
        ),
        "signalling": Signalling(KID, (DrmSystem.CLEARKEY,), {}),
    }
    return Presentation(**{**values, **changes})  # type: ignore[arg-type]


def test_the_master_playlist_is_this() -> None:
    golden = Path(__file__).with_name("master.m3u8").read_text(encoding="utf-8")
    assert hls.playlists(_film())["master.m3u8"] == golden


def test_the_playlists_of_picture_text_and_thumbnails_are_these() -> None:
    files = hls.playlists(_film())
    key = (
        '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="data:text/plain;base64,AAECAwQFBgcICQoLDA0ODw==",'
        'KEYID=0x000102030405060708090a0b0c0d0e0f,KEYFORMAT="org.w3.clearkey",KEYFORMATVERSIONS="1"'
    )
    head = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:1", "#EXT-X-PLAYLIST-TYPE:VOD"]
    assert files["v720/main.m3u8"].splitlines() == [
        *head,
        '#EXT-X-MAP:URI="init.mp4"',
        key,
        *("#EXTINF:2.000000,", "1.m4s", "#EXTINF:2.000000,", "2.m4s", "#EXTINF:1.000000,", "3.m4s"),
        "#EXT-X-ENDLIST",
    ]
    assert files["v720/iframes.m3u8"].splitlines() == [
        *head,
        "#EXT-X-I-FRAMES-ONLY",
        '#EXT-X-MAP:URI="init.mp4"',
        key,
        *("#EXTINF:2.000000,", "#EXT-X-BYTERANGE:125000@40", "1.m4s"),
        *("#EXTINF:2.000000,", "#EXT-X-BYTERANGE:62500@40", "2.m4s"),
        *("#EXTINF:1.000000,", "#EXT-X-BYTERANGE:31250@40", "3.m4s"),
        "#EXT-X-ENDLIST",
    ]
    assert files["t_fr/main.m3u8"].splitlines()[2:] == [
        *("#EXT-X-TARGETDURATION:5", "#EXT-X-MEDIA-SEQUENCE:1", "#EXT-X-PLAYLIST-TYPE:VOD"),
        *("#EXTINF:5.000000,", "main.vtt", "#EXT-X-ENDLIST"),
    ]
    tiles = "#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=2x2,DURATION=1.000"
    assert files["thumbs/main.m3u8"].splitlines()[2:] == [
        *("#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:1", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-IMAGES-ONLY"),
        *("#EXTINF:4.000000,", tiles, "1.jpg", "#EXTINF:1.000000,", tiles, "2.jpg", "#EXT-X-ENDLIST"),
    ]


def _with_surround() -> Presentation:
    film = _film()
    stereo = film.audio[0]
    wide = msgspec.structs.replace(stereo.rendition, name="a_fr_surround", channels=6, mix_of="a_fr")
    return _film(audio=(*film.audio, dataclasses.replace(stereo, rendition=wide, channels=6)))


def test_surround_is_a_group_of_its_own_with_the_same_choices() -> None:
    lines = hls.playlists(_with_surround())["master.m3u8"].splitlines()
    sounds = [line.partition(":")[2] for line in lines if "TYPE=AUDIO" in line]
    told = [dict(re.findall(r'([A-Z-]+)="?([^",]*)', line)) for line in sounds]
    assert [(one["GROUP-ID"], one["NAME"], one["DEFAULT"], one["CHANNELS"], one["URI"]) for one in told] == [
        ("audio", "Français", "YES", "2", "a_fr/main.m3u8"),
        ("audio", "Audiodescription", "NO", "2", "a_fr_2/main.m3u8"),
        ("audio", "The director", "NO", "2", "a_en/main.m3u8"),
        ("surround", "Français", "YES", "6", "a_fr_surround/main.m3u8"),
        ("surround", "Audiodescription", "NO", "2", "a_fr_2/main.m3u8"),
        ("surround", "The director", "NO", "2", "a_en/main.m3u8"),
    ]
    variants = [re.search(r'AUDIO="(\w+)"', line) for line in lines if line.startswith("#EXT-X-STREAM-INF")]
    assert [found[1] for found in variants if found] == ["audio", "audio", "surround", "surround"]


def test_surround_is_an_adaptation_set_that_must_be_asked_for() -> None:
    text = dash.manifest(_with_surround())
    schema = mpd_schema()
    if schema is not None:
        schema.validate(text)
    told = [
        (
            element.get("selectionPriority"),
            element.findall(f"{MPD}AudioChannelConfiguration")[0].get("value"),
            element.findall(f"{MPD}Role")[0].get("value"),
        )
        for element in ET.fromstring(text).iter(f"{MPD}AdaptationSet")
        if element.get("contentType") == "audio"
    ]
    assert told == [("2", "2", "main"), (None, "2", "description"), (None, "2", "commentary"), (None, "6", "main")]


def test_a_film_without_sound_or_text_names_neither() -> None:
    files = hls.playlists(_film(audio=(), text=(), image=None))
    assert "AUDIO=" not in files["master.m3u8"]
    assert "SUBTITLES=" not in files["master.m3u8"]
    assert 'CODECS="avc1.64001f"' in files["master.m3u8"]
    assert dash.manifest(_film(audio=(), text=(), image=None)).count("<AdaptationSet") == 1


def test_rungs_that_are_cut_elsewhere_are_refused() -> None:
    shifted = _video(360, _timeline(12288, (24576, 1), (12288, 1), (24576, 1)))
    with pytest.raises(LibraryError, match="v360 do not begin where those of v720"):
        dash.manifest(_film(video=(_film().video[0], shifted)))


def mpd_schema() -> xmlschema.XMLSchema | None:
    if DATA is None:
        return None
    return xmlschema.XMLSchema(DATA / "standards" / "dash" / "DASH-MPD.xsd", allow="local")


_ORDER = [
    *("AudioChannelConfiguration", "ContentProtection", "EssentialProperty", "SupplementalProperty", "Label"),
    *("Accessibility", "Role", "BaseURL", "SegmentTemplate", "Representation"),
]
"""The order in which DASH-MPD.xsd has these within AdaptationSet and Representation."""


@pytest.mark.parametrize("systems", [(DrmSystem.CLEARKEY,), tuple(DrmSystem)])
def test_the_mpd_is_valid(packaged: Packaged, systems: tuple[DrmSystem, ...]) -> None:
    boxes = _pssh(packaged)
    text = dash.manifest(_film(signalling=Signalling(KID, systems, boxes)))
    for mpd in (text, (packaged.out / "manifest.mpd").read_text(encoding="utf-8")):
        for element in ET.fromstring(mpd).iter():
            if element.tag in (f"{MPD}AdaptationSet", f"{MPD}Representation"):
                places = [_ORDER.index(child.tag.removeprefix(MPD)) for child in element]
                assert places == sorted(places)
        schema = mpd_schema()
        if schema is not None:
            schema.validate(mpd)


def _pssh(packaged: Packaged) -> dict[str, bytes]:
    root = ET.parse(packaged.out / "manifest.mpd").getroot()
    found = {}
    for element in root.iter(f"{MPD}ContentProtection"):
        box = element.find("{urn:mpeg:cenc:2013}pssh")
        if box is not None and box.text:
            found[element.attrib["schemeIdUri"].removeprefix("urn:uuid:")] = base64.b64decode(box.text)
    return found


def test_the_mpd_tells_roles_and_protection() -> None:
    root = ET.fromstring(dash.manifest(_film()))
    told = []
    for adaptation in root.iter(f"{MPD}AdaptationSet"):
        role = [element.attrib["value"] for element in adaptation.findall(f"{MPD}Role")]
        access = [element.attrib["value"] for element in adaptation.findall(f"{MPD}Accessibility")]
        told.append((adaptation.attrib["contentType"], adaptation.get("lang"), role, access))
    assert told == [
        ("video", None, ["main"], []),
        ("audio", "fr", ["main"], []),
        ("audio", "fr", ["description"], ["1"]),
        ("audio", "en", ["commentary"], []),
        ("text", "fr", ["caption"], ["2"]),
        ("text", "und", ["forced-subtitle"], []),
        ("image", None, [], []),
    ]
    first = next(root.iter(f"{MPD}AdaptationSet"))
    assert [element.attrib for element in first.findall(f"{MPD}ContentProtection")] == [
        {
            "schemeIdUri": "urn:mpeg:dash:mp4protection:2011",
            "value": "cbcs",
            "{urn:mpeg:cenc:2013}default_KID": "00010203-0405-0607-0809-0a0b0c0d0e0f",
        },
        {"schemeIdUri": "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e", "value": "ClearKey1.0"},
    ]


_segments = st.lists(st.tuples(st.integers(1, 200_000), st.integers(1, 5_000_000)), min_size=1, max_size=12)


@given(timescale=st.sampled_from([1, 24, 12288, 24000, 48000, 90000]), segments=_segments, target=st.integers(1, 10))
def test_the_peak_is_never_below_what_a_segment_run_needs(
    timescale: int, segments: list[tuple[int, int]], target: int
) -> None:
    timeline = _timeline(timescale, *segments)
    peak, average = peak_bitrate(timeline, Fraction(target)), average_bitrate(timeline)
    assert average <= peak
    for first in range(len(segments)):
        for last in range(first + 1, len(segments) + 1):
            ticks = sum(one for one, _ in segments[first:last])
            if target / 2 <= Fraction(ticks, timescale) <= Fraction(3 * target, 2):
                assert 8 * sum(size for _, size in segments[first:last]) * timescale <= peak * ticks


@given(timescale=st.sampled_from([24, 12288, 24000, 30000, 48000]), segments=_segments)
def test_extinf_never_drifts_nor_passes_the_target(timescale: int, segments: list[tuple[int, int]]) -> None:
    timeline = _timeline(timescale, *segments)
    film = _film(video=(_video(720, timeline),), audio=(), text=(), image=None)
    playlist = hls.playlists(film)["v720/main.m3u8"]
    lengths = [Fraction(found) for found in re.findall(r"#EXTINF:([0-9.]+),", playlist)]
    (target,) = map(int, re.findall(r"#EXT-X-TARGETDURATION:(\d+)", playlist))
    assert len(lengths) == len(segments)
    assert all(int(length + Fraction(1, 2)) <= target for length in lengths)
    for number, (_, boundary) in enumerate(pairwise(timeline.boundaries()), 1):
        assert abs(sum(lengths[:number]) - boundary) <= Fraction(1, 1_000_000)
    root = ET.fromstring(dash.manifest(film))
    runs = [(int(s.attrib["d"]), int(s.get("r", "0")) + 1) for s in root.iter(f"{MPD}S")]
    assert [ticks for ticks, count in runs for _ in range(count)] == [ticks for ticks, _ in segments]


@given(label=st.text(min_size=1, max_size=40) | st.sampled_from(['a"b\nc,d=e', "\x01\x85\ufffe", "\u2028", "<b>&"]))
def test_a_label_cannot_add_an_attribute_or_a_line(label: str) -> None:
    (name,) = unique_labels([(label, "fr")])
    film = _film(audio=(dataclasses.replace(_film().audio[0], label=name),))
    line = hls.playlists(film)["master.m3u8"].split("\n")[3]
    assert re.fullmatch(
        r'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",LANGUAGE="fr",NAME="[^"\x00-\x1f\u2028]+",DEFAULT=YES,AUTOSELECT=YES,'
        r'CHANNELS="2",URI="a_fr/main.m3u8"',
        line,
    )
    element = ET.fromstring(dash.manifest(film)).find(f".//{MPD}Label")
    assert element is not None
    assert element.text == name


@given(st.lists(st.sampled_from(["a", "b", "a 2", "a 3", " a", "a\n2"]), max_size=12))
def test_labels_become_unique(labels: list[str]) -> None:
    result = unique_labels([(label, "fr") for label in labels])
    assert len(set(result)) == len(labels)
    assert all(new.startswith(old.split()[0]) for old, new in zip(labels, result, strict=True))
    assert unique_labels([("French", "fr"), ("French", "fr"), ("", "und")]) == ["French", "French 2", "und"]
