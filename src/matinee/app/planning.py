"""`matinee plan FILM`: what would be made of a film, said before a frame of it is encoded. No database is opened."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec

from matinee.app.commands import DONE, settings_for
from matinee.app.terminal import Terminal
from matinee.app.worker import chosen_ladder
from matinee.encoding import command, rules
from matinee.encoding import work as encoding
from matinee.encoding.model import AudioPlan, EncodePlan, Probe, TextPlan
from matinee.outside.tools import find_tools


def plan(film: Path, *, data: Path | None, shows_command: bool, as_json: bool) -> int:
    """Tell of a film what it holds and what it would become. Raises FilmRefused where it would be refused."""
    terminal, source, tools = Terminal(), film.absolute(), find_tools()
    ladder = chosen_ladder(settings_for(data).ladder)
    probe = encoding.probe(source, tools)
    made = encoding.plan(probe, ladder, encoding.find_sidecars(source))
    argv = command.encode_command(made, source, tools)
    if as_json:
        terminal.json({"probe": msgspec.to_builtins(probe), "plan": msgspec.to_builtins(made), "command": argv})
    elif shows_command:
        terminal.line(shlex.join(argv))
    else:
        for line in told(probe, made):
            terminal.line(line)
    return DONE


def told(probe: Probe, plan: EncodePlan) -> Iterator[str]:
    """The plan as a person reads it, line by line."""
    video = probe.video
    scan = "interlaced" if video.interlaced else "progressive"
    yield f"{rules.printable(probe.file_name)}"
    yield (
        f"  holds    {video.codec} {video.width}x{video.height}, {video.bit_depth} bit, {video.transfer.value.upper()}, "
        f"{video.rate} frames a second, {scan}; {_count(len(probe.audio), 'sound')}, {_count(len(probe.text), 'subtitle')}"
    )
    length = "an unknown time" if plan.promised_ms is None else f"{plan.promised_ms / 1000:.3f} s"
    yield f"  becomes  {length} at {plan.rate} frames a second, in segments of {plan.segment_frames} frames"
    yield f"  ladder   {plan.ladder}, preset {plan.preset}"
    for rung in plan.video:
        yield (
            f"    {rung.name:<8} {f'{rung.width}x{rung.height}':<10} {rung.bitrate / 1000:>6.0f} kbit/s, at most "
            f"{rung.max_bitrate / 1000:.0f}; {rung.codec}"
        )
    for sound in plan.audio:
        yield f"    {sound.name:<8} {_sound(sound)}"
    for text in plan.text:
        yield f"    {text.name:<8} {_text(text)}"
    tiles = plan.thumbnails
    seconds = float(tiles.every_frames / plan.rate.fraction)
    yield f"    thumbs   {tiles.tile_width}x{tiles.tile_height}, one each {seconds:g} s, {tiles.columns}x{tiles.rows} to a sheet"
    for warning in plan.warnings:
        yield f"  {warning.code.value}: {warning.message}"


def _sound(sound: AudioPlan) -> str:
    comes = (
        "silence" if sound.source_index is None else f"stream {sound.source_index}, {_count(sound.source_channels, 'channel')}"
    )
    return f"{sound.language} {sound.role}, AAC stereo {sound.bitrate / 1000:.0f} kbit/s, from {comes}"


def _text(text: TextPlan) -> str:
    comes = f"stream {text.source_index}" if text.sidecar is None else rules.printable(text.sidecar)
    return f"{text.language} {text.role}, WebVTT, from {comes}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
