"""The command lines of a film that is encoded in chunks: all rungs of one chunk; all that is not rungs; the joining of a rung.

A chunk must hold exactly the frames that one decode of the whole film would give it. So the film's own clock is kept
(`-copyts -start_at_zero`), the reader jumps to a key frame well before the chunk, and the filters that look at several frames run
from there. Frames are counted where the rate is even: the `fps` filter fills the time before with copies of what it sees first,
so that frame n is frame n wherever the decoder began. What comes before the chunk is dropped before it is scaled.

Each run also writes a checksum of each frame of the smallest rung, before it is encoded: by them the chunks are compared
with the one decode of the whole that makes the pictures.
"""

from collections.abc import Sequence
from pathlib import Path

from matinee.encoding import command
from matinee.encoding.chunks import Chunk
from matinee.encoding.model import EncodePlan, Transfer, VideoPlan
from matinee.outside.tools import Tools

CHECKSUMS_FILE = "frames.crc"
RUN_UP_SECONDS = 3
"""What is decoded before a chunk: enough for what looks back, and for frames that lean on a group of pictures before theirs."""
_TELLING = ["-progress", "pipe:1", "-stats_period", "0.5"]


def chunk_command(plan: EncodePlan, chunk: Chunk, source: Path, tools: Tools) -> list[str]:
    """Every rung of one chunk from one decode."""
    window = (chunk.start, chunk.end)
    argv = [tools.ffmpeg, *command.QUIET, *_TELLING, "-max_error_rate", "1", "-reinit_filter", "0", *_from(plan, chunk)]
    argv += [*command.film_input(source), "-filter_complex", command.video_graph(plan, window)]
    if hdr := command.hdr_graph(plan, window):
        argv += ["-filter_complex", hdr]
    for rung in plan.video:
        argv += command.video_output(rung, plan)
    return argv + _checksums_output()


def rest_command(plan: EncodePlan, source: Path, tools: Tools) -> list[str]:
    """All that is made of the whole film and is no rung: every sound, thumbnails, stills, cuts, loudness, checksums."""
    small = min((rung for rung in plan.video if rung.transfer is Transfer.SDR), key=lambda rung: (rung.height, rung.width))
    same = (small.width, small.height) == (plan.best.width, plan.best.height)
    shrunk = [] if same else [f"{command.scaled(small.width, small.height)},setsar=1"]
    graph = [
        f"{command.frames(plan, command.upright(plan), None)},split=2[still][whole]",
        f"[whole]{','.join([*shrunk, 'split=2'])}[check][small]",
        *command.picture_chains(plan.thumbnails, plan.stills),
    ]
    argv = [tools.ffmpeg, *command.QUIET, *_TELLING, "-max_error_rate", "1"]
    argv += ["-reinit_filter", "0", *command.film_input(source), "-filter_complex", ";".join(graph)]
    for sound in plan.audio:
        argv += ["-filter_complex", command.audio_graph(sound, plan.promised_ms, plan.shift_us)]
    for sound in plan.audio:
        argv += command.audio_output(sound)
    argv += command.pictures_output("thumbs", "4", "thumbs/%d.jpg")
    argv += command.pictures_output("stills", "2", "stills/%d.jpg")
    return argv + _checksums_output()


def join_command(plan: EncodePlan, rung: VideoPlan, list_file: str, tools: Tools) -> list[str]:
    """One rung from the files of its chunks, without encoding anew. It reads our own files alone.

    Frames are decoded one each frame's time, as in one run: a chunk of a few frames would say that its own come late.
    """
    evenly = f"setts=pts=PTS:dts=STARTDTS+N/(TB*{plan.rate})"
    return [
        *[tools.ffmpeg, *command.QUIET, "-f", "concat", "-i", list_file, "-map", "0:v", "-c", "copy", "-bsf:v", evenly],
        *[*command.NO_TRACES, "-f", "mp4", rung.path],
    ]


def join_list(plan: EncodePlan, files: Sequence[tuple[str, int]]) -> str:
    """ffmpeg's list of files that come one after another, each with its frames. Lengths are rounded to the microsecond of where
    they end, so that the error of a long film is that of one of them."""
    lines, frames, begin = ["ffconcat version 1.0"], 0, 0
    for file, count in files:
        frames += count
        end = round(frames * 1_000_000 / plan.rate.fraction)
        lines += [f"file '{file}'", f"duration {end - begin}us"]
        begin = end
    return "\n".join(lines) + "\n"


def _from(plan: EncodePlan, chunk: Chunk) -> list[str]:
    """Where the reader begins: well before the chunk, and never beyond the picture, whose last frame may be held into it."""
    at = float(chunk.start / plan.rate.fraction)
    if plan.promised_ms is not None:
        at = min(at, (plan.promised_ms - plan.held_ms) / 1000)
    if not chunk.sought or at <= RUN_UP_SECONDS:
        return []
    return ["-copyts", "-start_at_zero", "-noaccurate_seek", "-ss", f"{at - RUN_UP_SECONDS:.6f}"]


def _checksums_output() -> list[str]:
    return ["-map", "[check]", "-c:v", "rawvideo", "-fps_mode", "passthrough", "-f", "framecrc", CHECKSUMS_FILE]
