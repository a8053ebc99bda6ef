"""What an analysis found, as one page that stands alone: the hull, the ladder, the film's timeline. Pure.

No script, no address of elsewhere: the pictures are SVG written here, and the colours follow what the reader's screen asks for.
"""

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

import msgspec

from matinee.base.units import BitsPerSecond, Pixels
from matinee.encoding.ladder import chosen_plans
from matinee.encoding.measured import Analysis, Measured
from matinee.encoding.model import Choice, Coding, VideoPlan

CODING_NAMES = {Coding.H264: "H.264", Coding.AV1: "AV1"}
_Place = Callable[[float], float]

_WIDTH, _HEIGHT = 900, 470
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 40, 16, 50
_BARS = 220
_SIZE_COLOURS = 6

REPORT_STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf7;--ink:#1d1c1a;--quiet:#66625a;--line:#d9d5cc;--bar:#b9b2a4;--mark:#b3261e;
--s0:#0b57a4;--s1:#0a7c5a;--s2:#9a4f00;--s3:#8b2fa0;--s4:#5f6368;--s5:#a8174f}
@media (prefers-color-scheme:dark){:root{--paper:#14151a;--ink:#f0ede6;--quiet:#a9a59b;--line:#34363e;--bar:#5b5e68;
--mark:#ff8a80;--s0:#7db8ff;--s1:#5fd3a8;--s2:#ffb364;--s3:#e0a0f0;--s4:#b6bac2;--s5:#ff8fb7}}
body{margin:0 auto;max-width:60rem;padding:1.5rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0;color:var(--quiet)}
svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:var(--quiet)}
svg text.rung{fill:var(--ink);font-weight:600}.grid{stroke:var(--line)}.bar{fill:var(--bar)}.looked{fill:var(--mark)}
.hull,.chosen{fill:none;stroke:var(--ink);stroke-width:1.5}.av1.hull{stroke-dasharray:6 4}
.c0{fill:var(--s0)}.c1{fill:var(--s1)}.c2{fill:var(--s2)}.c3{fill:var(--s3)}.c4{fill:var(--s4)}.c5{fill:var(--s5)}
.table{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}thead th{color:var(--quiet);font-weight:500;vertical-align:bottom}"""


class Delivered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a package holds of a rung: its mean, and its fullest segment, in bits a second."""

    name: str
    average: BitsPerSecond
    peak: BitsPerSecond


class RungReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rung: what was expected of it, and what was delivered, where the package holds it still."""

    name: str
    coding: Coding
    width: int
    height: int
    crf: float
    bitrate: BitsPerSecond
    max_bitrate: BitsPerSecond
    score: float
    older_score: float | None
    delivered: Delivered | None


class AnalysisReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was measured of a title's film, and what became of it. For staff: of a film that nobody may know of yet, too."""

    name: str
    analysis: Analysis
    rungs: tuple[RungReport, ...]


def report_of(name: str, analysis: Analysis, delivered: Iterable[Delivered]) -> AnalysisReport:
    """The report of a title by its name. `delivered` is matched by the names of rungs."""
    came = {one.name: one for one in delivered}
    plans = chosen_plans(analysis.choices, analysis.rate)
    rungs = tuple(_rung(plan, choice, analysis, came) for plan, choice in zip(plans, analysis.choices, strict=True))
    return AnalysisReport(name=name, analysis=analysis, rungs=rungs)


def report_html(report: AnalysisReport) -> str:
    """The whole page."""
    analysis = report.analysis
    looked = sum(one.frames for one in analysis.stretches)
    seconds = analysis.survey.frames / float(analysis.rate.fraction)
    how = "; ".join(f"{CODING_NAMES[coding]} at preset {preset}" for coding, preset in analysis.presets.items())
    said = (
        f"{looked} frames of {analysis.survey.frames} were encoded in {len(analysis.points)} ways ({how}) and scored by "
        f"{analysis.model}. The film lasts {_clock(seconds)}."
    )
    title = html.escape(report.name)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}: its ladder</title><style>{REPORT_STYLE}</style><h1>{title}</h1><p>{html.escape(said)}</p>"
        f"<h2>The hull</h2>{hull_svg(analysis)}<p>Each mark is an encode: its colour is the frame size, a disc is H.264, a "
        f"diamond AV1. Rings are the rungs, as they were measured under their peaks; lines join those of one coding.</p>"
        f"<h2>The ladder</h2>{_table(report)}"
        f"<h2>The film</h2>{timeline_svg(analysis)}<p>How many bits each part took in a small first pass, and in red the "
        f"stretches that were encoded to speak for all.</p></html>\n"
    )


def hull_svg(analysis: Analysis) -> str:
    """Bits a second (logarithmic) against VMAF: every encode, and the rungs that were chosen."""
    rates = [float(one.bitrate) for one in analysis.points] or [1e5, 1e6]
    low, high = math.log10(min(rates) / 1.15), math.log10(max(rates) * 1.15)
    floor = min(90, 10 * math.floor(min([one.score for one in analysis.points] or [0.0]) / 10))

    def x(rate: float) -> float:
        return _LEFT + (math.log10(rate) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y(score: float) -> float:
        return _TOP + (100 - score) / (100 - floor) * (_HEIGHT - _TOP - _BOTTOM)

    heights = sorted({one.height for one in analysis.points}, reverse=True)
    colours = {height: f"c{place % _SIZE_COLOURS}" for place, height in enumerate(heights)}
    parts = [*_axes(x, y, 10**low, 10**high, floor)]
    for coding in analysis.presets:
        line = " ".join(f"{x(one.bitrate):.1f},{y(one.score):.1f}" for one in analysis.choices_of(coding))
        parts.append(f'<polyline class="hull {coding.value}" points="{line}"/>')
    parts += [_mark(one, x(one.bitrate), y(one.score), colours[one.height]) for one in analysis.points]
    for one in analysis.choices:
        parts.append(_ring(one, x(one.bitrate), y(one.score)))
    parts += _legend(heights, colours, analysis.presets)
    label = f"Bitrate against VMAF of {len(analysis.points)} encodes, and the {len(analysis.choices)} rungs chosen"
    return _svg(_WIDTH, _HEIGHT, label, parts)


def timeline_svg(analysis: Analysis) -> str:
    """How hard the film is from its beginning to its end, and the stretches that were encoded."""
    height, foot = 130, 34
    groups = analysis.survey.groups
    each = max(1, math.ceil(len(groups) / _BARS))
    means = [sum(groups[at : at + each]) / len(groups[at : at + each]) for at in range(0, len(groups), each)]
    most = max(means, default=0) or 1
    inner, frames = _WIDTH - _LEFT - _RIGHT, analysis.survey.frames
    wide = inner * each * analysis.segment_frames / max(frames, 1)
    parts = []
    for place, mean in enumerate(means):
        tall, left = mean / most * (height - foot - 8), _LEFT + place * wide
        width = min(wide, _LEFT + inner - left)
        parts.append(
            f'<rect class="bar" x="{left:.1f}" y="{height - foot - tall:.1f}" width="{max(0.5, width - 0.6):.1f}" '
            f'height="{tall:.1f}"/>'
        )
    for one in analysis.stretches:
        left, width = _LEFT + inner * one.start_frame / frames, max(2.0, inner * one.frames / frames)
        parts.append(
            f'<rect class="looked" x="{left:.1f}" y="{height - foot + 2}" width="{width:.1f}" height="5">'
            f"<title>{_clock(one.start_frame / float(analysis.rate.fraction))}, speaks for {one.weight:.0%}</title></rect>"
        )
    seconds = frames / float(analysis.rate.fraction)
    for quarter in range(5):
        anchor = ("start", "middle", "middle", "middle", "end")[quarter]
        parts.append(
            f'<text x="{_LEFT + inner * quarter / 4:.1f}" y="{height - 8}" text-anchor="{anchor}">'
            f"{_clock(seconds * quarter / 4)}</text>"
        )
    parts.append(f'<text x="{_LEFT - 8}" y="14" text-anchor="end">hard</text>')
    parts.append(f'<text x="{_LEFT - 8}" y="{height - foot}" text-anchor="end">easy</text>')
    return _svg(_WIDTH, height, f"The film's {_clock(seconds)}, and {len(analysis.stretches)} stretches of it", parts)


def _rung(plan: VideoPlan, choice: Choice, analysis: Analysis, came: dict[str, Delivered]) -> RungReport:
    """`plan` is how the rung of a choice is named and encoded."""
    same = [one for one in analysis.points_of(choice.coding) if (one.height, one.crf, one.peak) == _which(choice)]
    return RungReport(
        name=plan.name,
        coding=choice.coding,
        width=choice.width,
        height=choice.height,
        crf=choice.crf,
        bitrate=choice.bitrate,
        max_bitrate=plan.max_bitrate,
        score=choice.score,
        older_score=same[0].older_score if same else None,
        delivered=came.get(plan.name),
    )


def _which(choice: Choice) -> tuple[int, float, int | None]:
    return choice.height, choice.crf, choice.peak


def _axes(x: _Place, y: _Place, lowest: float, highest: float, floor: int) -> Iterable[str]:
    bottom = _HEIGHT - _BOTTOM
    for score in range(floor, 101, 10):
        at = y(score)
        yield f'<path class="grid" d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}"/>'
        yield f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{score}</text>'
    for rate in _round_rates(lowest, highest):
        at = x(rate)
        yield f'<path class="grid" d="M{at:.1f} {_TOP}V{bottom}"/>'
        yield f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{_short_rate(rate)}</text>'
    yield f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">bits a second</text>'
    middle = (_TOP + bottom) / 2
    yield f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">VMAF</text>'


def _round_rates(lowest: float, highest: float) -> list[int]:
    """1, 2 and 5 times each power of ten."""
    every = (step * 10**power for power in range(3, 9) for step in (1, 2, 5))
    return [rate for rate in every if lowest <= rate <= highest]


def _mark(one: Measured, x: float, y: float, colour: str) -> str:
    under = "" if one.peak is None else f", at most {_short_rate(one.peak)}"
    size = f"{CODING_NAMES[one.coding]} {one.width}x{one.height}, CRF {one.crf:g}{under}"
    told = f"<title>{size}: {_short_rate(one.bitrate)}, VMAF {one.score:.1f}</title>"
    if one.coding is Coding.AV1:
        return f'<path class="{colour}" d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z">{told}</path>'
    return f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4">{told}</circle>'


def _ring(one: Choice, x: float, y: float) -> str:
    """H.264 is named below and to the right of its line, AV1 above and to the left of its own, which lies over it."""
    ring = f'<circle class="chosen" cx="{x:.1f}" cy="{y:.1f}" r="8"/>'
    above, below = f'x="{x - 10:.1f}" y="{y - 7:.1f}" text-anchor="end"', f'x="{x + 9:.1f}" y="{y + 14:.1f}"'
    place = above if one.coding is Coding.AV1 else below
    return f'{ring}<text class="rung" {place}>{one.height}</text>'


def _legend(heights: Sequence[Pixels], colours: Mapping[Pixels, str], codings: Iterable[Coding]) -> Iterable[str]:
    """In the lower right corner, where no encode lies: many bits and a poor picture."""
    names = [(f'<circle class="{colours[height]}" cx="0" cy="-4" r="4"/>', f"{height} lines") for height in heights]
    names += [(f'<path class="hull {coding.value}" d="M-12 -4H8"/>', f"{CODING_NAMES[coding]}, its rungs") for coding in codings]
    for place, (sign, name) in enumerate(names):
        down = _HEIGHT - _BOTTOM - 12 - 18 * (len(names) - 1 - place)
        yield f'<g transform="translate({_WIDTH - _RIGHT - 120} {down})">{sign}<text x="14">{name}</text></g>'


def _table(report: AnalysisReport) -> str:
    heads = ("rung", "frame", "CRF", "expected", "peak", "VMAF", report.analysis.older_model, "delivered", "fullest segment")
    rows = []
    for coding, rungs in groupby(report.rungs, key=lambda rung: rung.coding):
        rows.append(f'<tr><th colspan="{len(heads)}">{CODING_NAMES[coding]}</th></tr>')
        rows += [_row(rung) for rung in rungs]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    return (
        f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        f"<p>Rates in kbit/s.</p>"
    )


def _row(rung: RungReport) -> str:
    came = rung.delivered
    cells = (
        rung.name,
        f"{rung.width}x{rung.height}",
        f"{rung.crf:g}",
        _kbit(rung.bitrate),
        _kbit(rung.max_bitrate),
        f"{rung.score:.1f}",
        "-" if rung.older_score is None else f"{rung.older_score:.1f}",
        "-" if came is None else f"{_kbit(came.average)} ({came.average / rung.bitrate - 1:+.0%})",
        "-" if came is None else f"{_kbit(came.peak)} ({came.peak / came.average:.2f}x)",
    )
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"


def _svg(width: int, height: int, label: str, parts: Iterable[str]) -> str:
    words = html.escape(label, quote=True)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{words}">{"".join(parts)}</svg>'


def _kbit(rate: float) -> str:
    return f"{rate / 1000:,.0f}"


def _short_rate(rate: float) -> str:
    return f"{rate / 1e6:g} M" if rate >= 1e6 and rate % 1e5 == 0 else f"{rate / 1000:,.0f} k"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
