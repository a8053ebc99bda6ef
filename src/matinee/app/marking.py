"""The command on a title's markers: tell them, set one by hand, or say that there is none."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from matinee.app.commands import DONE, one_title, opened
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.errors import InvalidRequest
from matinee.base.units import PositionMs
from matinee.catalogue import store
from matinee.catalogue.marking import edit_markers
from matinee.catalogue.model import Language, MarkerKind, Title
from matinee.catalogue.rules import name_of
from matinee.encoding.prints import Stretch

_TIME = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5})(?:\.(\d{1,3}))?", re.ASCII)
_ANY: Final = Language("en")
NONE: Final = "none"


def markers(wanted: str, given: Mapping[str, str | None], *, by: str, data: Path | None, as_json: bool) -> int:
    """Set what is given ("0:12-1:05", "41:10" up to the end, NONE for none of a kind), then tell a title's markers."""
    terminal = Terminal()
    with opened(data) as installation:
        with installation.database.read() as conn:
            title = one_title(list(store.all_titles(conn)), wanted, whole_name=False)
        named = {MarkerKind(kind): text for kind, text in given.items() if text is not None}
        changes = {kind: _stretch(kind, text, title) for kind, text in named.items()}
        if changes:
            actor = by or "matinee markers"
            title = edit_markers(installation.database, title.publisher, title.id, changes, read_clock(), actor=actor)
    if as_json:
        told = {"title_id": title.id, "markers": [msgspec.to_builtins(one) for one in title.markers], "settled": title.settled}
        terminal.json(told)
        return DONE
    terminal.line(name_of(title, _ANY), "name")
    shown = [(m.kind.value, _clock(m.start_ms), _clock(m.end_ms), m.source.value, _hand(title, m.kind)) for m in title.markers]
    missing = set(title.settled) - {marker.kind for marker in title.markers}
    shown += [(kind.value, "none", "", "", "by hand") for kind in sorted(missing)]
    terminal.table(("marker", "from", "to", "source", "set"), shown)
    return DONE


def _hand(title: Title, kind: MarkerKind) -> str:
    return "by hand" if kind in title.settled else ""


def _stretch(kind: MarkerKind, text: str, title: Title) -> Stretch | None:
    """Raises InvalidRequest for what is no stretch of time."""
    if text == NONE:
        return None
    start, dash, end = text.partition("-")
    length = title.playable.duration_ms if title.playable is not None else 0
    return Stretch(start_ms=_ms(kind, start), end_ms=_ms(kind, end) if dash else PositionMs(length))


def _ms(kind: MarkerKind, text: str) -> PositionMs:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise InvalidRequest(
            f"--{kind.value}: {text!r} is no time.", remedy='Write "0:12-1:05", or "41:10" for what lasts to the end.'
        )
    hours, minutes, seconds, fraction = match.groups()
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds)
    return PositionMs(whole * 1000 + int((fraction or "0").ljust(3, "0")))


def _clock(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes}:{rest // 1000:02d}.{rest % 1000:03d}"
