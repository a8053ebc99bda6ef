"""One figure of the bench: what was measured, against which baseline in the same minute, and whether the goal holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`ratio` is value over baseline; `goal` what it should be ("ratio >= 0.2"); `verdict` is "meets", "misses" or "shown"."""

    name: str
    value: float
    unit: str
    baseline: str
    ratio: float | None
    goal: str
    verdict: str


def compared(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    unit: str,
    baseline: str,
    least: float | None,
    *,
    most: float | None = None,
) -> Row:
    """A row of medians over rounds that were run in turns, ours then theirs, so that a busy machine hurts both alike.

    The ratio is the median of the rounds' own ratios. `least` is the goal where more is better, `most` where less is.
    """
    ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    holds = (least is None or ratio >= least) and (most is None or ratio <= most)
    goals = [] if least is None else [f"ratio >= {least:g}"]
    goals += [] if most is None else [f"ratio <= {most:g}"]
    return Row(
        name=name,
        value=median(ours),
        unit=unit,
        baseline=f"{baseline}: {median(theirs):.4g} {unit}",
        ratio=ratio,
        goal=", ".join(goals),
        verdict="shown" if not goals else "meets" if holds else "misses",
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as one aligned table of plain text."""
    cells = [("what", "value", "unit", "ratio", "goal", "verdict", "baseline")]
    cells += [
        (
            row.name,
            f"{row.value:,.4g}" if row.value < 1000 else f"{row.value:,.0f}",
            row.unit,
            "" if row.ratio is None else f"{row.ratio:.3f}",
            row.goal,
            row.verdict,
            row.baseline,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells)
