"""What a terminal shows, where a person watches."""

import io

import pytest
from rich.console import Console

from matinee.app.terminal import _THEME, Terminal


@pytest.mark.parametrize("cell", ["[/no]", "[conceal]no[/conceal]", "[link=https://elsewhere.example]here[/link]", "a [b] c"])
def test_a_table_shows_what_strangers_wrote_as_it_is(cell: str) -> None:
    terminal = Terminal()
    shown = io.StringIO()
    terminal.out = Console(file=shown, force_terminal=True, width=200, color_system=None, theme=_THEME)
    terminal.table(["answer"], [[cell]])
    assert cell in shown.getvalue()
