"""The HLS playlists of a package (RFC 8216bis-17, Apple's authoring rules, and Roku's image playlists for thumbnails).

One set of playlists serves every player. H.264 variants stand before those in AV1: a player that starts with the first one, and
drops what it does not know, plays everywhere. For ClearKey the key format is `org.w3.clearkey`, which hls.js reads; Shaka Player
skips formats that it does not know and plays with the keys that its `drm.clearKeys` setting names. An `identity` tag beside it
would serve nobody and stop hls.js. No playlist names a key or a licence server: a package outlives both, and a session brings
its own.
"""

import base64
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

from matinee.library.boxes import pssh_payload, to_base64
from matinee.library.model import DrmSystem
from matinee.library.presentation import (
    PLAYREADY_SYSTEM,
    WIDEVINE_SYSTEM,
    AudioTrack,
    ImageTrack,
    Presentation,
    Signalling,
    TextTrack,
    Timeline,
    VideoTrack,
    audio_groups,
    average_bitrate,
    peak_bitrate,
)

MASTER = "master.m3u8"
_VERSION = 6
_TEXT_GROUP = "text"
_CAPTION_CHARACTERISTICS = (
    "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"
)


def playlists(film: Presentation) -> dict[str, str]:
    """Every playlist by its path within the package, the master playlist last."""
    files: dict[str, str] = {}
    for video in film.video:
        files[f"{video.rendition.name}/main.m3u8"] = _media_playlist(film, video.timeline)
        files[f"{video.rendition.name}/iframes.m3u8"] = _iframe_playlist(film, video.timeline)
    for audio in film.audio:
        files[f"{audio.rendition.name}/main.m3u8"] = _media_playlist(film, audio.timeline)
    for text in film.text:
        files[f"{text.rendition.name}/main.m3u8"] = _text_playlist(film, text)
    if film.image is not None:
        files["thumbs/main.m3u8"] = _image_playlist(film, film.image)
    files[MASTER] = _master(film)
    return files


def _master(film: Presentation) -> str:
    target = Fraction(target_duration(film))
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    groups = audio_groups(film)
    lines += [_audio_line(track, group) for group, tracks in groups.items() for track in tracks]
    lines += [_text_line(track) for track in film.text]
    for group, sounds in groups.items() or [("", [])]:
        lines += _variants(film, group, sounds, target)
    lines += [_iframe_line(video, target) for video in film.video]
    if film.image is not None:
        lines.append(_image_line(film, film.image))
    return _text(lines)


def _variants(film: Presentation, group: str, sounds: list[AudioTrack], target: Fraction) -> list[str]:
    """Every picture with one group of sounds."""
    lines: list[str] = []
    audio_peak = max((peak_bitrate(track.timeline, target) for track in sounds), default=0)
    audio_average = max((average_bitrate(track.timeline) for track in sounds), default=0)
    audio_codecs = sorted({track.codec for track in sounds})
    for video in film.video:
        attributes = [
            f"BANDWIDTH={peak_bitrate(video.timeline, target) + audio_peak}",
            f"AVERAGE-BANDWIDTH={average_bitrate(video.timeline) + audio_average}",
            f'CODECS="{",".join([video.codec, *audio_codecs])}"',
            f"RESOLUTION={video.rendition.width}x{video.rendition.height}",
            f"FRAME-RATE={_decimal(film.frame_rate.fraction, 3)}",
            f"VIDEO-RANGE={video.rendition.transfer.value.upper()}",
        ]
        if group:
            attributes.append(f'AUDIO="{group}"')
        if film.text:
            attributes.append(f'SUBTITLES="{_TEXT_GROUP}"')
        attributes.append("CLOSED-CAPTIONS=NONE")
        lines += [f"#EXT-X-STREAM-INF:{','.join(attributes)}", f"{video.rendition.name}/main.m3u8"]
    return lines


def _audio_line(track: AudioTrack, group: str) -> str:
    rendition = track.rendition
    attributes = ["TYPE=AUDIO", f'GROUP-ID="{group}"']
    attributes += _language(rendition.language)
    attributes.append(f"NAME={_quoted(track.label)}")
    attributes.append(f"DEFAULT={_yes(rendition.default)}")
    # A player may pick it unasked for the viewer's language or need; a commentary is never what was meant.
    attributes.append(f"AUTOSELECT={_yes(rendition.default or rendition.role != 'commentary')}")
    if rendition.role == "description":
        attributes.append('CHARACTERISTICS="public.accessibility.describes-video"')
    attributes.append(f'CHANNELS="{track.channels}"')
    attributes.append(f'URI="{rendition.name}/main.m3u8"')
    return f"#EXT-X-MEDIA:{','.join(attributes)}"


def _text_line(track: TextTrack) -> str:
    rendition = track.rendition
    attributes = ["TYPE=SUBTITLES", f'GROUP-ID="{_TEXT_GROUP}"']
    attributes += _language(rendition.language)
    attributes += [f"NAME={_quoted(track.label)}", "DEFAULT=NO", "AUTOSELECT=YES"]
    if rendition.role == "forced":
        attributes.append("FORCED=YES")
    if rendition.role == "caption":
        attributes.append(f'CHARACTERISTICS="{_CAPTION_CHARACTERISTICS}"')
    attributes.append(f'URI="{rendition.name}/main.m3u8"')
    return f"#EXT-X-MEDIA:{','.join(attributes)}"


def _iframe_line(video: VideoTrack, target: Fraction) -> str:
    pictures = video.timeline.key_pictures()
    return (
        f"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={peak_bitrate(pictures, target)},"
        f'AVERAGE-BANDWIDTH={average_bitrate(pictures)},CODECS="{video.codec}",'
        f"RESOLUTION={video.rendition.width}x{video.rendition.height},VIDEO-RANGE={video.rendition.transfer.value.upper()},"
        f'URI="{video.rendition.name}/iframes.m3u8"'
    )


def _image_line(film: Presentation, image: ImageTrack) -> str:
    sheets = image.thumbnails
    seconds = [length for length, _ in _sheets(film, image)]
    rates = [Fraction(8 * size) / length for size, length in zip(image.sizes, seconds, strict=True)]
    return (
        f"#EXT-X-IMAGE-STREAM-INF:BANDWIDTH={-(-max(rates).numerator // max(rates).denominator)},"
        f'RESOLUTION={sheets.tile_width}x{sheets.tile_height},CODECS="jpeg",URI="thumbs/main.m3u8"'
    )


def _media_playlist(film: Presentation, timeline: Timeline) -> str:
    lines = _head(target_duration(film))
    lines += ['#EXT-X-MAP:URI="init.mp4"', *_keys(film.signalling)]
    for number, length in enumerate(_lengths(timeline), 1):
        lines += [f"#EXTINF:{length},", f"{number}.m4s"]
    return _text([*lines, "#EXT-X-ENDLIST"])


def _iframe_playlist(film: Presentation, timeline: Timeline) -> str:
    """One entry to a segment, because a group of pictures is a segment; the range begins at `moof`, which decrypting needs."""
    lines = _head(target_duration(film))
    lines += ["#EXT-X-I-FRAMES-ONLY", '#EXT-X-MAP:URI="init.mp4"', *_keys(film.signalling)]
    for number, (length, segment) in enumerate(zip(_lengths(timeline), timeline.segments, strict=True), 1):
        span = f"{segment.key_end - segment.key_start}@{segment.key_start}"
        lines += [f"#EXTINF:{length},", f"#EXT-X-BYTERANGE:{span}", f"{number}.m4s"]
    return _text([*lines, "#EXT-X-ENDLIST"])


def _text_playlist(film: Presentation, track: TextTrack) -> str:
    """The whole text as one segment: it weighs less than a second of picture, and the players asked for no more.

    RFC 8216bis (6.2.4) lets subtitles of a VOD have a target duration of their own.
    """
    name = track.path.rpartition("/")[2]
    lines = _head(max(1, _rounded(film.seconds)))
    return _text([*lines, f"#EXTINF:{_decimal(film.seconds, 6)},", name, "#EXT-X-ENDLIST"])


def _image_playlist(film: Presentation, image: ImageTrack) -> str:
    sheets = image.thumbnails
    entries = list(_sheets(film, image))
    lines = _head(max(1, max(_rounded(length) for length, _ in entries)))
    lines.append("#EXT-X-IMAGES-ONLY")
    layout = f"LAYOUT={sheets.columns}x{sheets.rows},DURATION={_decimal(Fraction(sheets.interval_ms, 1000), 3)}"
    tiles = f"RESOLUTION={sheets.tile_width}x{sheets.tile_height},{layout}"
    for length, number in entries:
        lines += [f"#EXTINF:{_decimal(length, 6)},", f"#EXT-X-TILES:{tiles}", f"{number}.jpg"]
    return _text([*lines, "#EXT-X-ENDLIST"])


def _sheets(film: Presentation, image: ImageTrack) -> Iterable[tuple[Fraction, int]]:
    """How long each sheet of tiles lasts, and its number; the last one ends with the film."""
    whole = image.seconds_per_sheet
    count = len(image.sizes)
    for number in range(1, count + 1):
        left = film.seconds - whole * (number - 1)
        yield (whole if number < count else max(Fraction(1, 1000), min(whole, left))), number


def _keys(signalling: Signalling) -> list[str]:
    lines = []
    kid = f"0x{signalling.kid.hex()}"
    for system in signalling.systems:
        match system:
            case DrmSystem.CLEARKEY:
                uri = f"data:text/plain;base64,{base64.b64encode(signalling.kid).decode('ascii')}"
                extra = f',KEYID={kid},KEYFORMAT="org.w3.clearkey"'
            case DrmSystem.WIDEVINE:
                uri = f"data:text/plain;base64,{to_base64(signalling.pssh[WIDEVINE_SYSTEM])}"
                extra = f',KEYID={kid},KEYFORMAT="urn:uuid:{WIDEVINE_SYSTEM}"'
            case DrmSystem.PLAYREADY:
                payload = to_base64(pssh_payload(signalling.pssh[PLAYREADY_SYSTEM]))
                uri = f"data:text/plain;charset=UTF-16;base64,{payload}"
                extra = ',KEYFORMAT="com.microsoft.playready"'
            case DrmSystem.FAIRPLAY:
                uri = f"skd://{signalling.kid.hex()}"
                extra = ',KEYFORMAT="com.apple.streamingkeydelivery"'
        lines.append(f'#EXT-X-KEY:METHOD=SAMPLE-AES,URI="{uri}"{extra},KEYFORMATVERSIONS="1"')
    return lines


def target_duration(film: Presentation) -> int:
    """Whole seconds, the same for picture and sound, as RFC 8216bis (6.2.4) asks of the playlists of a variant."""
    return max(1, _rounded(film.target))


def _lengths(timeline: Timeline) -> list[str]:
    """Each segment's EXTINF, rounded so that their sums never drift from the boundaries."""
    at = [round(boundary * 1_000_000) for boundary in timeline.boundaries()]
    return [_decimal(Fraction(end - start, 1_000_000), 6) for start, end in pairwise(at)]


def _head(target: int) -> list[str]:
    return [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{target}",
        "#EXT-X-MEDIA-SEQUENCE:1",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]


def addresses(playlist: str) -> Iterable[str]:
    """The files that a playlist of ours refers to, relative to it: its lines, and its URI attributes that are no key."""
    for line in playlist.splitlines():
        if line and not line.startswith("#"):
            yield line
        elif not line.startswith("#EXT-X-KEY:") and 'URI="' in line:
            yield line.partition('URI="')[2].partition('"')[0]


def _language(tag: str) -> list[str]:
    return [] if tag in ("", "und") else [f'LANGUAGE="{tag}"']


def _quoted(text: str) -> str:
    """A quoted string: it has no escapes, so that a double quote becomes a typographic one and line breaks a space."""
    return '"' + " ".join(text.replace('"', "”").split()) + '"'


def _yes(value: bool) -> str:
    return "YES" if value else "NO"


def _rounded(value: Fraction) -> int:
    """To the nearest whole number, halves up, as the RFC compares durations."""
    return int(value + Fraction(1, 2))


def _decimal(value: Fraction, places: int) -> str:
    """A fraction with a fixed number of decimal places, exact before it is rounded."""
    scaled = round(value * 10**places)
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
