"""The stages from a file to renditions: probe, plan, encode. Each is synchronous and safe to run again.

ffmpeg and ffprobe are the only programs that touch a stranger's bytes; they run as limited children. An encode writes into
`encode.part` and renames it to `encode` when all of it stands, with `film.json` inside: a second run finds that and
returns it, a killed one leaves nothing that could be taken for done.
"""

import contextlib
import json
import os
import shutil
import signal
import stat
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from matinee.base.errors import ErrorCode
from matinee.base.units import BitsPerSecond, Bytes, DurationMs, PositionMs
from matinee.encoding import command, probing, report, rules, subtitles
from matinee.encoding.analysis import analyse
from matinee.encoding.captioning import lift_captions
from matinee.encoding.chunk_command import CHECKSUMS_FILE, rest_command
from matinee.encoding.kept import Kept
from matinee.encoding.ladder import chosen_plans
from matinee.encoding.measured import Analysis
from matinee.encoding.model import (
    AudioRendition,
    EncodedFilm,
    EncodeFailed,
    EncodePlan,
    FilmRefused,
    FilmWarning,
    Ladder,
    Probe,
    RefusalReason,
    Sidecar,
    Stills,
    TextRendition,
    ThumbnailSet,
    VideoRendition,
    WarningCode,
)
from matinee.encoding.screening import screened
from matinee.encoding.stills import choose_stills
from matinee.outside.processes import Finished, Limits, ToolFailed, run
from matinee.outside.tools import Tools

Progress = Callable[[float], None]

OUT = "encode"
_PART = "encode.part"
_RESULT = "film.json"
_HEAD_BYTES = 1024**2
_PROBE_LIMITS = Limits(wall_seconds=60, memory_bytes=2 * 1024**3, output_bytes=16 * 1024**2)
_LOOK_LIMITS = Limits(wall_seconds=120, memory_bytes=4 * 1024**3)
_ENCODE_MEMORY = 8 * 1024**3
_TAIL_SECONDS = 20
_NO_ROOM = ("No space left on device", "Disk quota exceeded", "File too large")


def find_sidecars(source: Path) -> tuple[Sidecar, ...]:
    """The subtitle files beside a film, by name, in a fixed order."""
    found = (
        subtitles.find_role_and_language(source.stem, path.name)
        for path in sorted(source.parent.iterdir())
        if path.is_file()
    )
    return tuple(sidecar for sidecar in found if sidecar is not None)


def probe(source: Path, tools: Tools) -> Probe:
    """Learn what a file holds. Raises FilmRefused where it cannot become a title."""
    name = source.name
    size, head = _look_at_file(source)
    found = _streams(source, tools, head)
    streams: list[dict[str, Any]] = found.get("streams", [])
    container: Mapping[str, Any] = found.get("format", {})
    if probing.is_encrypted(streams, head):
        raise _encrypted(name)
    main = probing.main_video(streams)
    if main is None:
        kind = "it holds sound only" if any(each.get("codec_type") == "audio" for each in streams) else "it holds no picture"
        raise rules.refuse(name, kind, "Give a file with a moving picture.", RefusalReason.NO_PICTURE)
    rules.check_size(name, int(main.get("width", 0)), int(main.get("height", 0)))
    duration = probing.milliseconds(container.get("duration"))
    rules.check_length(name, None if duration is None else DurationMs(duration))
    look = _look(source, tools, int(main["index"]))
    rules.check_size(name, look.width, look.height)
    packets, ends = _times(source, tools, duration)
    shown = [packet.at for packet in packets if packet.stream == int(main["index"])]
    video = probing.video_stream(main, look, shown, ends)
    sounds = [each for each in streams if each.get("codec_type") == "audio"]
    audio = [sound for each in sounds if (sound := probing.audio_stream(each, ends)) is not None]
    others = [each for each in streams if each.get("codec_type") == "video" and each is not main]
    told = Probe(
        file_name=name,
        size=size,
        container=str(container.get("format_name", "")),
        duration_ms=None if duration is None else DurationMs(duration),
        start_ms=probing.milliseconds(container.get("start_time")) or 0,
        video=video,
        audio=tuple(audio),
        text=tuple(probing.text_stream(each) for each in streams if each.get("codec_type") == "subtitle"),
        chapters=probing.chapters(found.get("chapters", [])),
        warnings=tuple(_stream_warnings(video.index, others, len(sounds) - len(audio))),
    )
    return screened(told, source, tools, DurationMs(rules.LONGEST_MS))


def plan(probed: Probe, ladder: Ladder, sidecars: tuple[Sidecar, ...] = ()) -> EncodePlan:
    """Decide what will be made of a film. Pure: the same film and ladder give the same plan."""
    return rules.plan_encode(probed, ladder, sidecars)


def choose(
    plan: EncodePlan, source: Path, workdir: Path, tools: Tools, progress: Progress, kept: Kept | None = None
) -> tuple[EncodePlan, Analysis | None]:
    """The plan with the rungs that an analysis of the film chose, and what it found.

    The frame sizes of `plan` are where it looks. Where the film cannot be analysed its rungs stay, with a warning.
    """
    try:
        found = analyse(plan, source, workdir, tools, progress, kept=kept)
    except EncodeFailed as error:
        warning = rules.warn(WarningCode.NOT_ANALYSED, f"The ladder {plan.ladder} was taken as it stands: {error.message}")
        return msgspec.structs.replace(plan, measures=False, warnings=(*plan.warnings, warning)), None
    return rules.with_rungs(plan, chosen_plans(found.choices, plan.rate, plan.source.transfer)), found


def encode(plan: EncodePlan, source: Path, workdir: Path, tools: Tools, progress: Progress) -> EncodedFilm:
    """Make everything that a plan names in one run, under `workdir/encode`. `progress` is given fractions from 0 to 1.

    Raises FilmRefused where the film does not decode, EncodeFailed where this machine could not do it (a full disk).
    """
    return into_place(plan, source, workdir, lambda part: encode_into(part, plan, source, tools, progress), progress)


def into_place(
    plan: EncodePlan, source: Path, workdir: Path, fill: Callable[[Path], EncodedFilm], progress: Progress
) -> EncodedFilm:
    """Have a folder filled and give it the name `workdir/encode` once all of it stands; one that stands there is kept."""
    done, part = workdir / OUT, workdir / _PART
    stamp = msgspec.json.encode(plan)
    finished = _already_done(done, stamp)
    if finished is not None:
        progress(1.0)
        return finished
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(done, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        film = fill(part)
        (part / "plan.json").write_bytes(stamp)
        (part / _RESULT).write_bytes(msgspec.json.encode(film))
        part.rename(done)
    except OSError as error:
        raise EncodeFailed(
            f"{rules.printable(source.name)} could not be encoded: {error.strerror or error}.",
            remedy="See that the disk of the data folder has room and may be written.",
            code=ErrorCode.DISK_FULL if error.errno in (28, 122) else ErrorCode.TOOL_FAILED,
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    progress(1.0)
    return film


def _already_done(done: Path, stamp: bytes) -> EncodedFilm | None:
    try:
        if (done / "plan.json").read_bytes() != stamp:
            return None
        return msgspec.json.decode((done / _RESULT).read_bytes(), type=EncodedFilm)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def encode_into(
    part: Path, plan: EncodePlan, source: Path, tools: Tools, progress: Progress, *, rungs: bool = True
) -> EncodedFilm:
    """Make everything in an empty folder; or without the rungs, which are then made in chunks, all else and the checksums by
    which those are compared. Raises as `encode` does.
    """
    for folder in ("thumbs", "stills"):
        (part / folder).mkdir()
    limits = encode_limits(plan)
    watch = report.ProgressReader(plan.promised_ms, progress)
    argv = command.encode_command(plan, source, tools) if rungs else rest_command(plan, source, tools)
    said = run_encoder(argv, limits, part, plan.source_name, watch).stderr
    frames = _frames(part / plan.video[0].path) if rungs else len(report.read_checksums(part / CHECKSUMS_FILE))
    if frames == 0:
        raise rules.refuse(
            plan.source_name,
            "none of its frames could be decoded",
            "The file is damaged or of a kind that ffmpeg cannot read: export it again.",
            RefusalReason.UNDECODABLE,
        )
    length = DurationMs(round(frames * 1000 / plan.rate.fraction))
    errors = report.count_errors(said)
    warnings = [*plan.warnings, *rules.outcome_warnings(plan, length, errors)]
    if plan.promised_ms is None or abs(length - plan.promised_ms) > rules.SAME_END_MS:
        again = command.audio_command(plan, source, tools, length)
        said += run_encoder(again, limits, part, plan.source_name, report.ProgressReader(None, lambda _: None)).stderr
    cuts = report.read_cuts(part / command.CUTS_FILE)
    text, text_warnings = _texts(part, plan, source, tools, length)
    _name_cleanly(part)
    return EncodedFilm(
        duration_ms=length,
        frame_rate=plan.rate,
        segment_frames=plan.segment_frames,
        frames=frames,
        video=video_renditions(part, plan, frames, length) if rungs else (),
        audio=_audio_renditions(part, plan, length),
        text=text,
        thumbnails=_thumbnails(part, plan, frames),
        stills=_stills(part, plan, cuts, length),
        loudness=tuple(report.read_loudness(said, sound.name) for sound in plan.audio),
        cuts=cuts,
        chapters=plan.chapters,
        warnings=(*warnings, *text_warnings),
    )


def _frames(path: Path) -> int:
    return report.read_video(path).frames if path.exists() else 0


def _look_at_file(source: Path) -> tuple[Bytes, bytes]:
    """The size and the first bytes, before any program is asked. Raises FilmRefused for what is no regular file."""
    try:
        status = source.stat()
        if not stat.S_ISREG(status.st_mode):
            raise rules.refuse(source.name, "it is no regular file", "Give a film file.", RefusalReason.NOT_A_FILE)
        with source.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError) as error:
        cause = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
        raise rules.refuse(
            source.name, f"it cannot be read ({cause})", "See that it is there and may be read.", RefusalReason.MISSING
        ) from error
    if not head:
        raise rules.refuse(source.name, "it is empty", "Copy the file again.", RefusalReason.EMPTY)
    return Bytes(status.st_size), head


def _streams(source: Path, tools: Tools, head: bytes) -> dict[str, Any]:
    try:
        said = run(command.streams_command(tools, source), limits=_PROBE_LIMITS)
        found: dict[str, Any] = json.loads(said.stdout)
    except ToolFailed as error:
        raise _unreadable(source.name, error, head) from error
    except ValueError as error:
        raise _not_a_film(source.name) from error
    return found


def _unreadable(name: str, error: ToolFailed, head: bytes) -> FilmRefused:
    if probing.is_encrypted((), head):
        return _encrypted(name)
    if "not on whitelist" in error.stderr or head.lstrip(b"\xef\xbb\xbf").startswith((b"#EXTM3U", b"ffconcat")):
        return rules.refuse(
            name,
            "it is a playlist, a picture or another kind of file, not a film",
            "Give the film itself (MP4, MKV, WebM, MPEG, TS, AVI, ...).",
            RefusalReason.PLAYLIST_OR_IMAGE,
        )
    if error.timed_out:
        remedy = "Write it anew (ffmpeg -i FILE -c copy NEW)."
        return rules.refuse(name, "reading it takes too long", remedy, RefusalReason.TOO_SLOW)
    if "moov atom not found" in error.stderr and head[4:8] == b"ftyp":
        return rules.refuse(
            name,
            "its index (the moov box) is missing: it was cut off, or never finished",
            "Copy or record the file again, to its end.",
            RefusalReason.UNREADABLE,
        )
    return _not_a_film(name)


def _not_a_film(name: str) -> FilmRefused:
    return rules.refuse(
        name, "it is no film that can be read", "Give a film that plays elsewhere, or export it again.", RefusalReason.NOT_A_FILM
    )


def _encrypted(name: str) -> FilmRefused:
    return rules.refuse(name, "it is encrypted", "Give the film without DRM.", RefusalReason.ENCRYPTED)


def _look(source: Path, tools: Tools, stream: int) -> probing.Look:
    undecodable = rules.refuse(
        source.name,
        "its picture cannot be decoded",
        "The file is damaged or of a kind that ffmpeg cannot read: export it again.",
        RefusalReason.UNDECODABLE,
    )
    try:
        said = run(command.look_command(tools, source, stream), limits=_LOOK_LIMITS).stderr
    except ToolFailed as error:
        said = error.stderr
    look = probing.read_look(said)
    if look is None:
        raise undecodable
    return look


def _times(source: Path, tools: Tools, duration: int | None) -> tuple[list[probing.Packet], dict[int, float]]:
    """The first packets, and when the last one of each stream ends, in seconds; both as far as they can be read."""
    first = _packets(source, tools, f"%+#{command.TIMED_PACKETS}")
    if len(first) < command.TIMED_PACKETS:
        last = first
    elif duration is not None:
        last = _packets(source, tools, f"{max(0, duration // 1000 - _TAIL_SECONDS)}%")
    else:
        last = []
    ends: dict[int, float] = {}
    for packet in last:
        ends[packet.stream] = max(ends.get(packet.stream, 0.0), packet.at + packet.lasting)
    return first, ends


def _packets(source: Path, tools: Tools, interval: str) -> list[probing.Packet]:
    try:
        said = run(command.times_command(tools, source, interval), limits=_PROBE_LIMITS)
    except ToolFailed:
        return []
    return probing.read_packets(said.stdout.decode("ascii", "replace"))


def _stream_warnings(main: int, others: list[dict[str, Any]], silent: int) -> list[FilmWarning]:
    found = []
    rivals = [each for each in others if probing.main_video([each]) is not None]
    if rivals:
        text = f"It has {len(rivals) + 1} picture streams; stream {main} was taken as the film."
        found.append(rules.warn(WarningCode.SEVERAL_VIDEO_STREAMS, text))
    if silent:
        found.append(rules.warn(WarningCode.AUDIO_SKIPPED, f"{silent} of its sound streams cannot be decoded and were left out."))
    return found


def encode_limits(plan: EncodePlan) -> Limits:
    """Time grows with the film: a hundred times its length on top of ten minutes is more than the slowest machine needs."""
    seconds = (plan.promised_ms or rules.LONGEST_MS) / 1000
    return Limits(wall_seconds=600 + 100 * seconds, memory_bytes=_ENCODE_MEMORY)


def run_encoder(argv: list[str], limits: Limits, cwd: Path, name: str, watch: report.ProgressReader) -> Finished:
    """Run ffmpeg on a film. Raises FilmRefused where the film is at fault, EncodeFailed where this machine is."""
    try:
        return run(argv, limits=limits, cwd=cwd, on_stdout_line=watch)
    except ToolFailed as error:
        if any(cause in error.stderr for cause in _NO_ROOM) or error.signal_number == signal.SIGXFSZ:
            raise EncodeFailed(
                f"The disk is full: {rules.printable(name)} could not be encoded.",
                remedy="Make room on the disk of the data folder and add the film again.",
                code=ErrorCode.DISK_FULL,
            ) from error
        if error.timed_out:
            raise rules.refuse(
                name, "decoding it took too long", "Convert it to H.264 in MP4 and add it again.", RefusalReason.TOO_SLOW
            ) from error
        if error.signal_number == signal.SIGKILL:
            raise EncodeFailed(
                f"ffmpeg was ended by signal {error.signal_number} while it encoded {rules.printable(name)}.",
                remedy="See that the machine has enough memory and add the film again.",
            ) from error
        raise rules.refuse(
            name,
            f"it cannot be decoded ({report.last_error(error.stderr)})",
            "The file is damaged or of a kind that ffmpeg cannot read: export it again.",
            RefusalReason.UNDECODABLE,
        ) from error


def video_renditions(part: Path, plan: EncodePlan, frames: int, length: DurationMs) -> tuple[VideoRendition, ...]:
    """The rungs that lie in a folder, as they turned out."""
    return tuple(
        VideoRendition(
            name=rung.name,
            path=f"{OUT}/{rung.path}",
            width=rung.width,
            height=rung.height,
            bitrate=_mean_bitrate(part / rung.path, length),
            peak_bitrate=rung.max_bitrate,
            codec=rung.codec,
            frame_rate=plan.rate,
            frames=frames,
            coding=rung.coding,
            transfer=rung.transfer,
        )
        for rung in plan.video
    )


def _audio_renditions(part: Path, plan: EncodePlan, length: DurationMs) -> tuple[AudioRendition, ...]:
    return tuple(
        AudioRendition(
            name=sound.name,
            path=f"{OUT}/{sound.path}",
            language=sound.language,
            label=sound.label,
            channels=sound.channels,
            role=sound.role,
            default=sound.default,
            bitrate=_mean_bitrate(part / sound.path, length),
            mix_of=sound.mix_of,
        )
        for sound in plan.audio
    )


def _mean_bitrate(path: Path, length: DurationMs) -> BitsPerSecond:
    return BitsPerSecond(round(path.stat().st_size * 8000 / max(1, length)))


def _texts(
    part: Path, plan: EncodePlan, source: Path, tools: Tools, length: DurationMs
) -> tuple[tuple[TextRendition, ...], list[FilmWarning]]:
    if any(text.source_index is not None for text in plan.text):
        with contextlib.suppress(ToolFailed):  # what was written is used; a track without cues is named below
            run(command.text_command(plan, source, tools), limits=encode_limits(plan), cwd=part)
    made, warnings = [], []
    for text in plan.text:
        if text.captions:
            lift_captions(plan, text, source, tools, part, length)
        where = source.parent / text.sidecar if text.sidecar else part / f"{text.name}.raw"
        label = rules.printable(text.sidecar) if text.sidecar else f"Subtitle stream {text.source_index}"
        label = "The closed captions" if text.captions else label
        data = _text_bytes(where)
        cleaned = subtitles.clean(subtitles.decode_text(data, text.language), length)
        if cleaned.dropped:
            warnings.append(
                rules.warn(WarningCode.SUBTITLE_DAMAGED, f"{label}: {cleaned.dropped} cues made no sense and were left out.")
            )
        if not cleaned.cues:
            warnings.append(rules.warn(WarningCode.SUBTITLE_EMPTY, f"{label} ({text.language}) shows nothing and was left out."))
            continue
        (part / text.path).write_text(cleaned.vtt, encoding="utf-8")
        made.append(
            TextRendition(
                name=text.name,
                path=f"{OUT}/{text.path}",
                language=text.language,
                label=text.label,
                role=text.role,
                default=text.default,
            )
        )
    return tuple(made), warnings


def _text_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(subtitles.LARGEST_BYTES)
    except OSError:
        return b""


def _name_cleanly(part: Path) -> None:
    """Take away what only this run needed."""
    for path in [*part.glob("*.raw"), part / command.CUTS_FILE]:
        path.unlink(missing_ok=True)


def _thumbnails(part: Path, plan: EncodePlan, frames: int) -> ThumbnailSet | None:
    tiles = plan.thumbnails
    count = -(-frames // tiles.every_frames)
    sheets = -(-count // (tiles.columns * tiles.rows))
    paths = [f"thumbs/{number}.jpg" for number in range(sheets)]
    if not all((part / path).exists() for path in paths):
        return None
    return ThumbnailSet(
        paths=tuple(f"{OUT}/{path}" for path in paths),
        tile_width=tiles.tile_width,
        tile_height=tiles.tile_height,
        columns=tiles.columns,
        rows=tiles.rows,
        interval_ms=DurationMs(round(tiles.every_frames * 1000 / plan.rate.fraction)),
        count=count,
    )


def _stills(part: Path, plan: EncodePlan, cuts: tuple[PositionMs, ...], length: DurationMs) -> Stills | None:
    step = Fraction(plan.stills.every_frames * 1000) / plan.rate.fraction
    files = sorted((part / "stills").glob("*.jpg"), key=lambda path: int(path.stem))
    frames = [(path, PositionMs(round(int(path.stem) * step))) for path in files]
    chosen = choose_stills(frames, cuts, length)
    if chosen is None:
        return None
    kept = {Path(still.path).name for still in chosen.candidates} | {Path(chosen.poster).name}
    for path in files:
        if path.name not in kept:
            os.unlink(path)
    return msgspec.structs.replace(
        chosen,
        candidates=tuple(
            msgspec.structs.replace(still, path=f"{OUT}/stills/{Path(still.path).name}") for still in chosen.candidates
        ),
        poster=f"{OUT}/stills/{Path(chosen.poster).name}",
    )
