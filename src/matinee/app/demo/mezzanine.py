"""Frames and sound into one file: raw planes down a pipe to ffmpeg, which codes them once, fast and nearly lossless.

The file is what a publisher would deliver, not what a viewer gets, so it is coded for speed. Threads are fixed and all
stamps are left out, so that the same frames give the same bytes on every run.
"""

import contextlib
import os
import queue
import subprocess
import threading
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from matinee.app.demo.canvas import quantised
from matinee.app.demo.model import LANGUAGES, DemoFilm, Language, Stereo
from matinee.app.demo.sidecar import srt
from matinee.app.demo.sound import RATE
from matinee.outside.processes import ToolFailed
from matinee.outside.tools import Tools

_ISO_639_2: dict[Language, str] = {"fr": "fra", "en": "eng"}
_TRACK_NAMES: dict[Language, str] = {"fr": "Français (voix chantée de synthèse)", "en": "English (synthetic sung voice)"}
_FRAMES_AHEAD = 4  # what may wait for the encoder: bounds memory, and lets painting and coding overlap


def write(film: DemoFilm, sounds: dict[Language, Stereo], work: Path, tools: Tools, progress: Callable[[float], None]) -> Path:
    """Code the film into `work`, a folder of its own, and return the file. Raises ToolFailed with what ffmpeg said."""
    for language in LANGUAGES:
        _wave(work / f"{language}.wav", sounds[language])
        (work / f"{language}.srt").write_text(srt(film.cues, language), encoding="utf-8")
    target = work / f"film.{film.container}"
    said = work / "ffmpeg.log"
    with said.open("wb") as log:
        child = subprocess.Popen(
            command(film, work, target, tools),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        try:
            _feed(child, _frames(film, progress))
            code = child.wait()
        finally:
            child.kill()
            child.wait()
    if code != 0:
        last = said.read_text(errors="replace").strip().splitlines()[-1:]
        raise ToolFailed(f"ffmpeg could not write {film.slug}: {''.join(last) or f'exit code {code}'}")
    return target


def command(film: DemoFilm, work: Path, target: Path, tools: Tools) -> list[str]:
    """The command line: frames from standard input, two languages of sound, and the subtitles where they go inside."""
    planes = "gray" if film.monochrome else "gbrp"
    argv = [tools.ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
    argv += [
        "-f",
        "rawvideo",
        "-pix_fmt",
        planes,
        "-s",
        f"{film.width}x{film.height}",
        "-r",
        str(film.frame_rate),
        "-i",
        "pipe:0",
    ]
    for language in LANGUAGES:
        argv += ["-i", str(work / f"{language}.wav")]
    inside = film.subtitles == "inside"
    if inside:
        for language in LANGUAGES:
            argv += ["-i", str(work / f"{language}.srt")]
    argv += ["-map", "0:v", "-map", "1:a", "-map", "2:a"] + (["-map", "3:s", "-map", "4:s"] if inside else [])
    argv += ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"]
    argv += [
        "-c:v",
        "libx264",
        "-preset",
        "superfast",
        "-crf",
        str(film.crf),
        "-threads",
        "2",
        "-g",
        str(round(film.frame_rate.fraction * 2)),
    ]
    argv += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    argv += ["-c:a", "aac", "-b:a", "192k"] if film.container == "mp4" else ["-c:a", "flac"]
    if inside:
        argv += ["-c:s", "mov_text" if film.container == "mp4" else "srt"]
    for index, language in enumerate(LANGUAGES):
        for kind in ("a", "s") if inside else ("a",):
            argv += [f"-metadata:s:{kind}:{index}", f"language={_ISO_639_2[language]}"]
        for key in ("title", "handler_name"):  # Matroska keeps the one, MP4 the other
            argv += [f"-metadata:s:a:{index}", f"{key}={_TRACK_NAMES[language]}"]
    argv += ["-disposition:a:0", "default", "-disposition:a:1", "0"] + (["-disposition:s", "0"] if inside else [])
    argv += ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    if film.container == "mp4":
        argv += ["-movflags", "+faststart"]
    return [*argv, str(target)]


def _frames(film: DemoFilm, progress: Callable[[float], None]) -> Iterator[bytes]:
    painter = film.picture(film.width, film.height)
    rate = float(film.frame_rate.fraction)
    for index in range(film.frames):
        planes = quantised(painter(index / rate))
        # ffmpeg's planar RGB lies in the order green, blue, red.
        yield planes.tobytes() if film.monochrome else planes[[1, 2, 0]].tobytes()
        progress((index + 1) / film.frames)


def _feed(child: "subprocess.Popen[bytes]", frames: Iterator[bytes]) -> None:
    """Write the frames from a second thread, so that painting the next ones does not wait for the pipe."""
    pipe = child.stdin
    assert pipe is not None  # noqa: S101 -- Popen was given a pipe
    waiting: queue.Queue[bytes | None] = queue.Queue(_FRAMES_AHEAD)
    broken = threading.Event()

    def drain() -> None:
        while (frame := waiting.get()) is not None:
            if not broken.is_set():
                try:
                    pipe.write(frame)
                except BrokenPipeError:  # ffmpeg has died: its own words are in its log, and the caller reads them
                    broken.set()

    writer = threading.Thread(target=drain, daemon=True)
    writer.start()
    try:
        for frame in frames:
            if broken.is_set():
                break
            waiting.put(frame)
    finally:
        waiting.put(None)
        writer.join()
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def _wave(path: Path, sound: Stereo) -> None:
    noise = np.random.default_rng(3).random(sound.shape, np.float32)  # dither, against the grit of a quiet fade
    samples = np.clip(np.floor(sound * 32767 + noise), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.ascontiguousarray(samples.T).tobytes())
