"""What the command line prints: colours and bars on a terminal, plain lines in a pipe, JSON where it is asked for."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from matinee.base.errors import MatineeError

_THEME = Theme({"good": "green", "bad": "bold red", "note": "yellow", "quiet": "dim", "name": "bold"})


class Terminal:
    """Standard output for results, standard error for what went wrong and for what is under way."""

    def __init__(self) -> None:
        self.out = Console(theme=_THEME, highlight=False, soft_wrap=True)
        self.err = Console(theme=_THEME, highlight=False, soft_wrap=True, stderr=True)

    @property
    def is_live(self) -> bool:
        """Whether a person watches: bars are drawn only then."""
        return self.out.is_terminal

    def json(self, value: Any) -> None:
        """One JSON document on standard output, and nothing else."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")

    def line(self, text: str, style: str = "") -> None:
        self.out.print(text, style=style or None, markup=False)

    def error(self, error: MatineeError) -> None:
        """One line that says what went wrong, and one that says what to do."""
        self.err.print(f"✗ {error.message}", style="bad", markup=False)
        if error.remedy:
            self.err.print(f"  {error.remedy}", markup=False)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns on a terminal; tab-separated lines without headings in a pipe, for other programs to read."""
        if not self.is_live:
            for row in rows:
                sys.stdout.write("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row) + "\n")
            return
        table = Table(box=None, pad_edge=False, header_style="quiet")
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))  # as it is: what strangers wrote may look like markup
        self.out.print(table)

    @contextmanager
    def bars(self) -> Iterator["Bars"]:
        """A bar for each thing under way; in a pipe a line at each new stage instead."""
        if not self.is_live:
            yield LineBars(self)
            return
        columns = (
            TextColumn("{task.description}", style="name"),
            TextColumn("{task.fields[stage]}", style="quiet"),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.out, refresh_per_second=8) as progress:
            yield LiveBars(progress)


class Bars(Protocol):
    """Shows how far named things have come."""

    def show(self, key: str, name: str, stage: str, fraction: float) -> None:
        """Where one thing stands: its stage, and the fraction of that stage from 0 to 1."""
        ...

    def finish(self, key: str, name: str, verdict: str, *, good: bool) -> None:
        """How one thing ended."""
        ...


class LiveBars:
    """Bars that move, on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, key: str, name: str, stage: str, fraction: float) -> None:
        self._progress.update(self._task(key, name), completed=fraction, stage=stage)

    def finish(self, key: str, name: str, verdict: str, *, good: bool) -> None:
        task = self._task(key, name)
        self._progress.update(task, stage=verdict, completed=1.0 if good else 0.0)
        self._progress.stop_task(task)

    def _task(self, key: str, name: str) -> TaskID:
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(escape(name), total=1.0, stage="")
        return self._tasks[key]


class LineBars:
    """A line when a thing reaches a new stage, in a pipe or a log."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._stages: dict[str, str] = {}

    def show(self, key: str, name: str, stage: str, fraction: float) -> None:
        if self._stages.get(key) != stage:
            self._stages[key] = stage
            self._terminal.line(f"{name}: {stage}")

    def finish(self, key: str, name: str, verdict: str, *, good: bool) -> None:
        self._terminal.line(f"{name}: {verdict}")
