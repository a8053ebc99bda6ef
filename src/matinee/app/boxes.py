"""The commands on boxes: bringing an operator's list of them in."""

import contextlib
from pathlib import Path

import msgspec
from sqlalchemy.engine import Connection

from matinee.app.commands import DONE, FAILED, opened
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.errors import InvalidRequest, NotFound
from matinee.fleet import store
from matinee.fleet.model import Box
from matinee.fleet.work import BoxesRefused, ImportReport, import_boxes

ACTOR = "matinee boxes import"


def import_file(file: Path, *, data: Path | None, as_json: bool) -> int:
    """Record the boxes of a file, with a bar; a file with wrong rows is refused whole, and each fault is told."""
    terminal = Terminal()
    with opened(data) as installation:
        try:
            with terminal.bars() if not as_json else contextlib.nullcontext(None) as bars:

                def show(stage: str, fraction: float) -> None:
                    if bars is not None:
                        bars.show(str(file), file.name, stage, fraction)

                report = import_boxes(installation.database, file, read_clock(), actor=ACTOR, progress=show)
                if bars is not None:
                    bars.finish(str(file), file.name, f"{report.rows:,} rows", good=True)
        except BoxesRefused as refused:
            return _refused(terminal, refused, as_json=as_json)
    if as_json:
        terminal.json({"file": str(file), **msgspec.to_builtins(report), "faults": [], "more_faults": 0})
        return DONE
    _tell(terminal, report)
    return DONE


def release(name: str, *, by: str, data: Path | None, as_json: bool) -> int:
    """Let a box out of quarantine, by its serial or id."""
    if not by.strip():
        raise InvalidRequest("Nobody is named who says so.", remedy="Write --by and your name: the audit keeps it.")
    with opened(data) as installation, installation.database.write() as conn:
        made = store.release_box(conn, one_box(conn, name).id, read_clock(), actor=by.strip())
    terminal = Terminal()
    if as_json:
        terminal.json({"box": made.id, "serial": made.serial, "identity": made.identity.value})
    else:
        terminal.line(f"{made.serial} is out of quarantine: it is {made.identity.value} until its key proves it.", "good")
    return DONE


def one_box(conn: Connection, name: str) -> Box:
    """The box of a serial or an id. Raises NotFound for none and for several."""
    found = store.boxes_named(conn, name)
    if len(found) != 1:
        ids = f" Name one by its id: {', '.join(one.id for one in found[:5])}." if found else ""
        raise NotFound(f"{len(found) or 'No'} box has the serial or id {name!r}.", remedy=f"Look at the box's label.{ids}")
    return found[0]


def _tell(terminal: Terminal, report: ImportReport) -> None:
    terminal.line(f"{report.added:,} boxes added, {report.changed:,} changed, {report.unchanged:,} as they were.")
    if report.quarantined or report.held:
        terminal.line(
            f"{report.quarantined:,} put in quarantine, {report.held:,} there already: their serials stand at another operator's"
            " line. They were not moved, and see no service. Where a box did change hands, have it leave its old line first;"
            " `matinee boxes release` lets one out.",
            "note",
        )


def _refused(terminal: Terminal, refused: BoxesRefused, *, as_json: bool) -> int:
    if as_json:
        faults = [fault._asdict() for fault in refused.faults]
        nothing = msgspec.to_builtins(ImportReport())
        terminal.json({"file": str(refused.file), **nothing, "faults": faults, "more_faults": refused.more})
        return FAILED
    for line in refused.lines():
        terminal.err.print(f"✗ {line}", style="bad", markup=False)
    if refused.more:
        terminal.err.print(f"  and {refused.more:,} more", style="bad", markup=False)
    terminal.error(refused)
    return FAILED
