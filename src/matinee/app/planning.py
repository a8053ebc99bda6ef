"""`matinee plan FILM`: what would be made of a film, said before a frame of it is encoded. No database is opened."""

import contextlib
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from matinee.app.commands import DONE, settings_for
from matinee.app.settings import Settings
from matinee.app.terminal import Terminal
from matinee.app.worker import chosen_ladder
from matinee.base.errors import InvalidRequest
from matinee.encoding import rules
from matinee.encoding import work as encoding
from matinee.encoding.chunks import cut, parts_of
from matinee.encoding.kept import Kept
from matinee.encoding.ladder import PER_TITLE_V1, PER_TITLE_V2
from matinee.encoding.making import part_command
from matinee.encoding.measured import Analysis
from matinee.encoding.model import AudioPlan, Coding, EncodePlan, Probe, TextPlan, Transfer, VideoPlan
from matinee.outside.tools import Tools, find_tools


def plan(film: Path, *, data: Path | None, analyses: bool, shows_command: bool, as_json: bool) -> int:
    """Tell of a film what it holds and what it would become. Raises FilmRefused where it would be refused."""
    terminal, source, tools = Terminal(), film.absolute(), find_tools()
    settings = settings_for(data)
    ladder = chosen_ladder(settings.ladder, settings.effort)
    if analyses and not ladder.measures:
        ladder = chosen_ladder((PER_TITLE_V2 if Coding.AV1 in ladder.codings else PER_TITLE_V1).name, settings.effort)
    if shows_command and ladder.measures and not analyses:
        raise InvalidRequest(f"The ladder {ladder.name} chooses its rungs by an analysis.", remedy="Add --analyse.")
    probe = encoding.probe(source, tools)
    made, analysis = encoding.plan(probe, ladder, encoding.find_sidecars(source)), None
    if analyses:
        made, analysis = _chosen(terminal, made, source, tools, _kept(settings))
    cutting = cut(made)
    commands = [part_command(made, part, source, tools) for part in parts_of(cutting)]
    if as_json:
        shown = {"probe": probe, "analysis": analysis, "plan": made, "cutting": cutting}
        first, *others = commands if not made.measures else [None]
        terminal.json(msgspec.to_builtins({**shown, "command": first, "chunk_commands": others}))
    elif shows_command:
        for argv in commands:
            terminal.line(shlex.join(argv))
    else:
        for line in [*told(probe, made), *(measured(analysis) if analysis is not None else ())]:
            terminal.line(line)
    return DONE


def _kept(settings: Settings) -> Kept | None:
    """What was measured before, where there is an installation already: none is begun for a plan."""
    return Kept(settings.analyses_folder) if settings.data_folder.is_dir() else None


def _chosen(
    terminal: Terminal, made: EncodePlan, source: Path, tools: Tools, kept: Kept | None
) -> tuple[EncodePlan, Analysis | None]:
    """Choose the rungs as an ingest does, in a folder of its own; a person sees a bar meanwhile."""
    with tempfile.TemporaryDirectory(prefix="matinee-plan-") as folder, contextlib.ExitStack() as stack:
        bars = stack.enter_context(terminal.bars()) if terminal.is_live else None

        def tell(part: float) -> None:
            if bars is not None:
                bars.show("analysis", rules.printable(source.name), "analyse", part)

        return encoding.choose(made, source, Path(folder), tools, tell, kept)


def measured(analysis: Analysis) -> Iterator[str]:
    """What an analysis looked at, line by line."""
    frames = sum(one.frames for one in analysis.stretches)
    yield f"  measured {frames} frames of {analysis.survey.frames} in {len(analysis.stretches)} stretches, by {analysis.model}"
    for point in analysis.points:
        size = f"{point.width}x{point.height}"
        held = "" if point.peak is None else f", at most {point.peak / 1000:.0f}"
        rate = f"{point.bitrate / 1000:>7.0f} kbit/s"
        yield f"    {point.coding:<4} {size:<9} crf {point.crf:<5g} {rate}  {point.score:>5.1f}{held}"


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
    later = (
        "; its rungs are chosen by an analysis when it is added (--analyse): these frame sizes are looked at"
        if plan.measures
        else ""
    )
    av1 = f"; AV1 at preset {plan.av1_preset}" if any(rung.coding is Coding.AV1 for rung in plan.video) else ""
    yield f"  ladder   {plan.ladder}, preset {plan.preset}{av1}{later}"
    for rung in plan.video:
        yield (
            f"    {rung.name:<8} {f'{rung.width}x{rung.height}':<10} {rung.bitrate / 1000:>6.0f} kbit/s, at most "
            f"{rung.max_bitrate / 1000:.0f}; {rung.codec}{_quality(rung)}"
        )
    for sound in plan.audio:
        yield f"    {sound.name:<8} {_sound(sound)}"
    for text in plan.text:
        yield f"    {text.name:<8} {_text(text)}"
    tiles = plan.thumbnails
    seconds = float(tiles.every_frames / plan.rate.fraction)
    yield f"    thumbs   {tiles.tile_width}x{tiles.tile_height}, one each {seconds:g} s, {tiles.columns}x{tiles.rows} to a sheet"
    yield f"  encoded  {_runs(plan)}"
    for warning in plan.warnings:
        yield f"  {warning.code.value}: {warning.message}"


def _runs(plan: EncodePlan) -> str:
    cutting = cut(plan)
    if not cutting.chunks:
        return f"in one run: {cutting.why}"
    seconds = float((cutting.chunks[0].end - cutting.chunks[0].start) / plan.rate.fraction)
    return f"in {len(cutting.chunks)} chunks of {seconds:g} s, and all but the rungs in one run beside them"


def _quality(rung: VideoPlan) -> str:
    light = "" if rung.transfer is Transfer.SDR else f"; {rung.transfer.value.upper()}, 10 bit"
    crf = "" if rung.crf is None else f"; crf {rung.crf:g}"
    return f"{light}{crf}{'' if rung.score is None else f', expected to score {rung.score:.1f}'}"


def _sound(sound: AudioPlan) -> str:
    comes = (
        "silence" if sound.source_index is None else f"stream {sound.source_index}, {_count(sound.source_channels, 'channel')}"
    )
    mix = "stereo" if sound.mix_of is None else "5.1"
    return f"{sound.language} {sound.role}, AAC {mix} {sound.bitrate / 1000:.0f} kbit/s, from {comes}"


def _text(text: TextPlan) -> str:
    comes = f"stream {text.source_index}" if text.sidecar is None else rules.printable(text.sidecar)
    comes = "the closed captions" if text.captions else comes
    return f"{text.language} {text.role}, WebVTT, from {comes}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
