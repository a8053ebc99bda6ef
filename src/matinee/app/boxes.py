"""The commands on boxes: bringing an operator's list of them in, who each one is, and at which line it stands."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy.engine import Connection

from matinee.app.box_pages import box_lines, box_page
from matinee.app.commands import DONE, FAILED, opened
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.clock import Instant, from_rfc3339, to_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.fleet import key_store, moves, store
from matinee.fleet.model import Box
from matinee.fleet.work import BoxesRefused, ImportReport, import_boxes

ACTOR = "matinee boxes import"
LISTED: Final = 1_000


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


def release(name: str, *, key: str, by: str, data: Path | None, as_json: bool) -> int:
    """Let a box out of quarantine, by its serial or id, and by the thumbprint of its right key where it showed several."""
    who = _who(by)
    with opened(data) as installation, installation.database.write() as conn:
        made = key_store.release_box(conn, one_box(conn, name).id, read_clock(), actor=who, key=key)
    return _identity_told(made, f"is out of quarantine: it is {made.identity.value} until its key proves it", as_json=as_json)


def accept_key(name: str, *, key: str, by: str, data: Path | None, as_json: bool) -> int:
    """Accept a key that a box has shown as the right one."""
    who = _who(by)
    with opened(data) as installation, installation.database.write() as conn:
        made = key_store.accept_key(conn, one_box(conn, name).id, key, read_clock(), actor=who)
    return _identity_told(made, f"goes by that key and no other: it is {made.identity.value}", as_json=as_json)


def token(name: str, *, by: str, data: Path | None, as_json: bool) -> int:
    """End all tokens of a box and print a new one."""
    who = _who(by)
    with opened(data) as installation, installation.database.write() as conn:
        box = one_box(conn, name)
        made = key_store.new_token(conn, box.id, read_clock(), actor=who)
    terminal = Terminal()
    if as_json:
        terminal.json({"box": box.id, "serial": box.serial, "token": made})
    else:
        terminal.line(made)
        terminal.err.print("It is shown this once; every earlier token of the box has ended.", style="note", markup=False)
    return DONE


def list_boxes(*, held: bool, data: Path | None, as_json: bool) -> int:
    """List boxes, or those alone that staff must look at."""
    now = read_clock()
    with opened(data) as installation, installation.database.read() as conn:
        wanted = store.boxes_to_check(conn) if held else store.boxes_of(conn)
        found = [box for _, box in zip(range(LISTED + 1), wanted, strict=False)]
        rows = box_lines(conn, found[:LISTED], now)
    terminal = Terminal()
    if as_json:
        terminal.json({"boxes": msgspec.to_builtins(rows), "more": len(found) > LISTED})
        return DONE
    cells = [[one.serial, one.model, one.line, one.identity, one.why, one.since, " ".join(one.waiting), one.box] for one in rows]
    terminal.table(["serial", "model", "line", "identity", "why", "since", "keys to decide on", "id"], cells)
    if len(found) > LISTED:
        terminal.err.print(f"There are more than {LISTED:,}: these are the first.", style="note", markup=False)
    elif not rows:
        terminal.err.print("No box waits for staff." if held else "There is no box.", style="note", markup=False)
    return DONE


def show(name: str, *, data: Path | None, as_json: bool) -> int:
    """Tell all of one box: its keys, and its identities, lines and interfaces with their dates."""
    with opened(data) as installation, installation.database.read() as conn:
        page = box_page(conn, one_box(conn, name), read_clock())
    terminal = Terminal()
    if as_json:
        terminal.json(msgspec.to_builtins(page))
        return DONE
    terminal.line(f"{page.serial} ({page.model}), {page.label}", "name")
    terminal.line(f"id {page.box}; {page.identity}; at {page.line or 'no line'}", "bad" if page.held else "")
    for heading, rows in (
        ("Keys", [(one.standing, one.thumbprint, f"first shown {one.first_shown}") for one in page.keys]),
        ("Identity", [(one.identity, f"since {one.since}", one.why) for one in page.identities]),
        ("Lines", [(one.line or "no line", _window(one.since, one.until), f"known {one.known}") for one in page.lines]),
        ("Interface", [(one.interface, f"since {one.since}", f"known {one.known}") for one in page.interfaces]),
    ):
        terminal.line(f"{heading}:" if rows else f"{heading}: none recorded")
        for row in rows:
            terminal.line("  " + "  ".join(row))
    return DONE


def move(name: str, *, line: str, since: str | None, by: str, data: Path | None, as_json: bool) -> int:
    """Record that a box stands at another line."""
    who = _who(by)
    with opened(data) as installation, installation.database.write() as conn:
        now = read_clock()
        moment = _since(since, now)
        moved = moves.move_box(conn, one_box(conn, name).id, moves.line_named(conn, line, now), moment, now, actor=who)
    return _moves_told([moved], as_json=as_json)


def give_back(name: str, *, since: str | None, by: str, data: Path | None, as_json: bool) -> int:
    """Record that a box came back: it stands at no line, and its tokens end."""
    who = _who(by)
    with opened(data) as installation, installation.database.write() as conn:
        now = read_clock()
        moved = moves.return_box(conn, one_box(conn, name).id, _since(since, now), now, actor=who)
    return _moves_told([moved], as_json=as_json)


def swap(old: str, new: str, *, since: str | None, by: str, data: Path | None, as_json: bool) -> int:
    """Record that a box came back and another stands in its place."""
    who = _who(by)
    with opened(data) as installation, installation.database.write() as conn:
        now = read_clock()
        both = moves.swap_boxes(conn, one_box(conn, old).id, one_box(conn, new).id, _since(since, now), now, actor=who)
    return _moves_told(both, as_json=as_json)


def _who(by: str) -> str:
    if not by.strip():
        raise InvalidRequest("Nobody is named who says so.", remedy="Write --by and your name: the audit keeps it.")
    return by.strip()


def _since(text: str | None, now: Instant) -> Instant:
    try:
        moment = now if text is None else from_rfc3339(text)
        to_rfc3339(moment)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidRequest(
            f"--from is no moment with a time zone: {text!r}.", remedy="Write 2014-10-02T08:00:00Z or 2014-10-02T08:00:00+02:00."
        ) from error
    return moment


def _window(since: str, until: str) -> str:
    return f"from {since} to {until}" if until else f"from {since}"


def _identity_told(box: Box, says: str, *, as_json: bool) -> int:
    terminal = Terminal()
    if as_json:
        terminal.json({"box": box.id, "serial": box.serial, "identity": box.identity.value})
    else:
        terminal.line(f"{box.serial} {says}.", "good")
    return DONE


def _moves_told(moved: Sequence[moves.Moved], *, as_json: bool) -> int:
    terminal = Terminal()
    if as_json:
        told = [
            {
                "box": one.box.id,
                "serial": one.box.serial,
                "before": None if one.before is None else one.before.reference,
                "after": None if one.after is None else one.after.reference,
                "since": to_rfc3339(one.since),
                "tokens_ended": one.tokens_ended,
            }
            for one in moved
        ]
        terminal.json({"moves": told})
        return DONE
    for one in moved:
        where = "at no line" if one.after is None else f"at {one.after.reference}"
        ended = f"; {one.tokens_ended} of its tokens ended" if one.tokens_ended else ""
        terminal.line(f"{one.box.serial} stands {where} from {to_rfc3339(one.since)} on{ended}.", "good")
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
    if report.keys_unknown:
        terminal.line(f"{report.keys_unknown:,} keys were not accepted: their boxes have not shown them yet.", "note")


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
