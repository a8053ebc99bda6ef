"""Small encoded films for the tests of the library, made by ffmpeg in the shape that `encoding` promises.

They are made here and not by `encoding`, so that the library's tests stand on the seam's types alone.
"""

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from matinee.base.units import BitsPerSecond, DurationMs, FrameRate, Pixels
from matinee.encoding.model import AudioRendition, Coding, EncodedFilm, TextRendition, ThumbnailSet, Transfer, VideoRendition
from matinee.outside.tools import find_tools

_MASTERED = "mastering-display=G(0.265,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000,0.005):content-light=900,300"


@dataclass(frozen=True)
class Shape:
    """What a test film is like."""

    rate: FrameRate = FrameRate(24, 1)  # noqa: RUF009 -- frozen
    segment_frames: int = 48
    frames: int = 132
    heights: tuple[int, ...] = (180, 90)
    sounds: tuple[tuple[str, str, str], ...] = (("fr", "Français", "main"), ("en", "English", "main"))
    texts: tuple[tuple[str, str, str], ...] = (("fr", "Français", "subtitle"), ("en", "English CC", "caption"))
    thumbnails: bool = True
    source: Path | None = None
    start: float = 0.0
    av1: Transfer | None = None
    """The light of the AV1 rungs beside those in H.264; None for no AV1."""


def make_film(folder: Path, shape: Shape) -> EncodedFilm:
    """Encode a film into `folder`; equal shapes give equal files."""
    folder.mkdir(parents=True, exist_ok=True)
    seconds = Fraction(shape.frames) / shape.rate.fraction
    video = tuple(_video(folder, shape, height) for height in shape.heights)
    if shape.av1 is not None:
        video += tuple(_av1(folder, shape, height, shape.av1) for height in shape.heights)
    audio = tuple(_audio(folder, shape, index, float(seconds)) for index in range(len(shape.sounds)))
    text = tuple(_text(folder, name, language, label, role) for name, (language, label, role) in _named("t", shape.texts))
    return EncodedFilm(
        duration_ms=DurationMs(round(seconds * 1000)),
        frame_rate=shape.rate,
        segment_frames=shape.segment_frames,
        frames=shape.frames,
        video=video,
        audio=audio,
        text=text,
        thumbnails=_thumbnails(folder, shape) if shape.thumbnails else None,
        stills=None,
        loudness=(),
        cuts=(),
        chapters=(),
        warnings=(),
    )


def _ffmpeg(*arguments: str) -> None:
    subprocess.run([find_tools().ffmpeg, "-nostdin", "-v", "error", "-y", "-bitexact", *arguments], check=True)


def _picture(shape: Shape, height: int) -> list[str]:
    width = height * 16 // 9
    if shape.source is not None:
        size = f"scale={width}:{height},setsar=1,fps={shape.rate}"
        seek = ["-ss", str(shape.start)]
        return [*seek, "-i", str(shape.source), "-vf", size, "-frames:v", str(shape.frames), "-an"]
    return ["-f", "lavfi", "-i", f"testsrc2=size={width}x{height}:rate={shape.rate}", "-frames:v", str(shape.frames)]


def _video(folder: Path, shape: Shape, height: int) -> VideoRendition:
    path = f"v{height}.mp4"
    _ffmpeg(
        *_picture(shape, height),
        *("-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-pix_fmt", "yuv420p", "-bf", "2"),
        *("-g", str(shape.segment_frames), "-keyint_min", str(shape.segment_frames), "-sc_threshold", "0"),
        *("-x264-params", "colorprim=bt709:transfer=bt709:colormatrix=bt709:range=tv"),
        *("-video_track_timescale", str(shape.rate.num * (1000 if shape.rate.den == 1 else 1)), str(folder / path)),
    )
    return VideoRendition(
        name=f"v{height}",
        path=path,
        width=Pixels(height * 16 // 9),
        height=Pixels(height),
        bitrate=BitsPerSecond(100_000),
        peak_bitrate=BitsPerSecond(200_000),
        codec="avc1.64000c",
        frame_rate=shape.rate,
        frames=shape.frames,
    )


def _av1(folder: Path, shape: Shape, height: int, transfer: Transfer) -> VideoRendition:
    """An AV1 rung; one in HDR is made of a film that says of which screen it was mastered on."""
    path = f"av1_{height}.mp4"
    words = f"crf=40:keyint={shape.segment_frames}:irefresh-type=2:scd=0:lp=1"
    picture, depth, colours = _picture(shape, height), "yuv420p", _tags("bt709", "bt709", "bt709")
    if transfer is not Transfer.SDR:
        depth = "yuv420p10le"
        colours = _tags("bt2020", "smpte2084" if transfer is Transfer.PQ else "arib-std-b67", "bt2020nc")
        master = f"master_{height}.mp4"
        _ffmpeg(
            *(*picture, "-filter:v", f"format={depth},{colours}", "-c:v", "libsvtav1", "-preset", "9"),
            *("-svtav1-params", f"{words}:{_MASTERED}", str(folder / master)),
        )
        picture = ["-i", str(folder / master)]
    _ffmpeg(
        *(*picture, "-filter:v", f"format={depth},{colours}", "-c:v", "libsvtav1", "-preset", "9", "-svtav1-params", words),
        *("-bsf:v", "filter_units=remove_types=5"),
        *("-video_track_timescale", str(shape.rate.num * (1000 if shape.rate.den == 1 else 1)), str(folder / path)),
    )
    return VideoRendition(
        name=f"av1_{height}",
        path=path,
        width=Pixels(height * 16 // 9),
        height=Pixels(height),
        bitrate=BitsPerSecond(100_000),
        peak_bitrate=BitsPerSecond(200_000),
        codec="av01.0.00M.08",
        frame_rate=shape.rate,
        frames=shape.frames,
        coding=Coding.AV1,
        transfer=transfer,
    )


def _tags(primaries: str, transfer: str, matrix: str) -> str:
    return f"setparams=range=tv:color_primaries={primaries}:color_trc={transfer}:colorspace={matrix}"


def _named(prefix: str, tracks: tuple[tuple[str, str, str], ...]) -> list[tuple[str, tuple[str, str, str]]]:
    return [(f"{prefix}_{track[0]}" + (f"_{index + 1}" if index else ""), track) for index, track in enumerate(tracks)]


def _audio(folder: Path, shape: Shape, index: int, seconds: float) -> AudioRendition:
    name, (language, label, role) = _named("a", shape.sounds)[index]
    path = f"{name}.mp4"
    sine = f"sine=frequency={300 + 100 * index}:sample_rate=48000:duration={seconds}"
    _ffmpeg("-f", "lavfi", "-i", sine, "-c:a", "aac", "-b:a", "64k", "-ac", "2", str(folder / path))
    return AudioRendition(
        name=name,
        path=path,
        language=language,
        label=label,
        channels=2,
        role=role,  # type: ignore[arg-type]
        default=index == 0,
        bitrate=BitsPerSecond(64_000),
    )


def _text(folder: Path, name: str, language: str, label: str, role: str) -> TextRendition:
    path = f"{name}.vtt"
    (folder / path).write_text(
        f"WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nUne phrase en {language}\n\n00:00:03.000 --> 00:00:04.000\nFin\n",
        encoding="utf-8",
    )
    return TextRendition(name=name, path=path, language=language, label=label, role=role)  # type: ignore[arg-type]


def _thumbnails(folder: Path, shape: Shape) -> ThumbnailSet:
    made = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=1"]
    source = made if shape.source is None else ["-ss", str(shape.start), "-i", str(shape.source)]
    tiled = "fps=1,scale=160:90,tile=2x2"
    _ffmpeg(*source, "-vf", tiled, "-frames:v", "2", str(folder / "thumb-%d.jpg"))
    return ThumbnailSet(
        paths=("thumb-1.jpg", "thumb-2.jpg"),
        tile_width=Pixels(160),
        tile_height=Pixels(90),
        columns=2,
        rows=2,
        interval_ms=DurationMs(1000),
        count=6,
    )
