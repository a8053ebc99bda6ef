"""What is learnt of a whole film before its plan: which part of its picture is lit, how loud it is, what its fields are.

It costs one decode of its sounds, of few of its pictures, and of some seconds here and there. A film that cannot be gone through
is planned without: nothing is cut, no gain is applied, and its flags are believed.
"""

from pathlib import Path

import msgspec

from matinee.base.units import DurationMs
from matinee.encoding import command, report
from matinee.encoding.captioning import has_captions
from matinee.encoding.crop import choose_crop, read_boxes
from matinee.encoding.fields import Part, Verdict, judge, read_part
from matinee.encoding.model import STEREO, SURROUND, AudioStream, Levels, Probe, VideoStream, mixes_of
from matinee.outside.processes import Limits, ToolFailed, run
from matinee.outside.tools import Tools

_EVERY_FRAME_MS = 60_000
"""Of a shorter film all frames are decoded: it may have too few that stand alone."""
_SHORT_MS = 20_000
_SHORT_FRAMES, _PART_FRAMES = 240, 60
_FASTEST, _SLOWEST_TELECINED = 31, 29
_TALLEST, _NARROWEST = 1088, 320
_MEMORY = 4 * 1024**3


def screened(probed: Probe, source: Path, tools: Tools, longest: DurationMs) -> Probe:
    """The probe with what the whole film showed."""
    length = probed.duration_ms or longest
    argv = command.measure_command(tools, source, probed.video, probed.audio, length <= _EVERY_FRAME_MS)
    limits = Limits(wall_seconds=300 + length / 1000, memory_bytes=_MEMORY)
    try:
        said = run(argv, limits=limits)
    except ToolFailed:
        return probed
    video, fields = probed.video, _fields(probed, source, tools, length)
    boxes = () if video.size_changes else read_boxes(said.stdout.decode("ascii", "replace"))
    return msgspec.structs.replace(
        probed,
        video=msgspec.structs.replace(
            video,
            crop=choose_crop(boxes, video.width, video.height),
            interlaced=fields.interlaced,
            telecined=fields.telecined,
            mixed_fields=fields.mixed,
            field_order=fields.order,
            captions=has_captions(video, source, tools),
        ),
        audio=tuple(_levelled(sound, said.stderr) for sound in probed.audio),
    )


def _fields(probed: Probe, source: Path, tools: Tools, length: int) -> Verdict:
    """What a film's fields are: of a short one its head, of a longer one five parts. Above 30 frames no film has fields."""
    video = probed.video
    if video.rate.fraction > _FASTEST or video.height > _TALLEST or video.width < _NARROWEST:
        return Verdict(interlaced=video.interlaced)
    if length <= _SHORT_MS:
        parts = [_part(video, 0, _SHORT_FRAMES, source, tools)]
    else:
        parts = [_part(video, length * place // 100, _PART_FRAMES, source, tools) for place in (5, 25, 50, 70, 90)]
    judged = judge([part for part in parts if part is not None], video.interlaced)
    if judged.telecined and video.rate.fraction < _SLOWEST_TELECINED:
        return Verdict(interlaced=True, order=judged.order)
    return judged


def _part(video: VideoStream, start_ms: int, frames: int, source: Path, tools: Tools) -> Part | None:
    argv = command.fields_command(tools, source, video, start_ms, frames)
    try:
        said = run(argv, limits=Limits(wall_seconds=60, memory_bytes=_MEMORY))
    except ToolFailed:
        return None
    return read_part(said.stdout.decode("ascii", "replace"), said.stderr)


def _levelled(sound: AudioStream, said: str) -> AudioStream:
    levels = {channels: _levels(said, command.level_name(sound, channels)) for channels in mixes_of(sound)}
    return msgspec.structs.replace(sound, stereo=levels[STEREO], surround=levels.get(SURROUND))


def _levels(said: str, name: str) -> Levels | None:
    found = report.read_loudness(said, name)
    if found.integrated is None or found.true_peak_dbtp is None:
        return None
    return Levels(integrated=found.integrated, true_peak_dbtp=found.true_peak_dbtp)
