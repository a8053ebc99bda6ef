"""The runs that find closed captions in a film, and lift them out as text: by copying its stream, never by decoding it."""

import contextlib
from pathlib import Path

from matinee.base.units import DurationMs
from matinee.encoding import captions, command, probing
from matinee.encoding.model import EncodePlan, TextPlan, VideoStream
from matinee.outside.processes import Limits, ToolFailed, run
from matinee.outside.tools import Tools

_LONGEST_SECONDS = 900
_MOST_BYTES = 128 * 1024**2
_LIMITS = Limits(wall_seconds=_LONGEST_SECONDS, memory_bytes=2 * 1024**3, output_bytes=_MOST_BYTES)


def has_captions(video: VideoStream, source: Path, tools: Tools) -> bool:
    """Whether a film's picture carries captions; those beyond the limits of a run are none."""
    reduced = _reduced(video, source, tools)
    return captions.holds_captions(reduced)


def lift_captions(plan: EncodePlan, text: TextPlan, source: Path, tools: Tools, part: Path, length: DurationMs) -> None:
    """Write the captions of a film of this length into `part`, as WebVTT still to be cleaned; no file where it fails."""
    video = plan.source
    shown = captions.pictures(_reduced(video, source, tools), video.codec)
    begin = plan.start_ms / 1000 - plan.shift_us / 1_000_000
    times = [packet.at - begin for packet in _packets(video, source, tools)]
    written = captions.scenarist(shown, times, length / 1000)
    if not written:
        return
    (part / f"{text.name}.scc").write_text(written, encoding="ascii")
    with contextlib.suppress(ToolFailed):
        run(command.scenarist_command(tools, text.name), limits=_LIMITS, cwd=part)
    (part / f"{text.name}.scc").unlink()


def _reduced(video: VideoStream, source: Path, tools: Tools) -> bytes:
    if video.codec not in captions.CODECS:
        return b""
    try:
        return run(command.captions_command(tools, source, video), limits=_LIMITS).stdout
    except ToolFailed:
        return b""


def _packets(video: VideoStream, source: Path, tools: Tools) -> list[probing.Packet]:
    try:
        said = run(command.times_command(tools, source, "%", video.index), limits=_LIMITS).stdout
    except ToolFailed:
        return []
    return probing.read_packets(said.decode("ascii", "replace"))
