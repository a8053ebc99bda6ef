"""The command on the audit trail: does every row stand as it was written?"""

from pathlib import Path

from matinee.app.commands import DONE, FAILED, opened
from matinee.app.terminal import Terminal
from matinee.parties import audit


def check(*, kept: str | None, data: Path | None, as_json: bool) -> int:
    """Follow the seals from the first row to the last, and look for the seal that was kept elsewhere."""
    with opened(data) as installation, installation.database.read() as conn:
        rows, seal = audit.newest(conn)
        broken = audit.first_broken(conn)
        says = None if broken is None else audit.row_at(conn, broken)
        sides = audit.broken_sides(conn) if broken is None else ()  # where a row is touched, so are the chains that it is in
        is_kept = kept is None or audit.row_sealed(conn, kept) is not None
    terminal = Terminal()
    broken_sides = [{"side": side, "number": number} for side, number in sides]
    if as_json:
        told = {"rows": rows, "newest_seal": seal, "first_broken": broken, "says": says}
        terminal.json({**told, "broken_sides": broken_sides, "kept_seal_found": is_kept})
    elif broken is not None:
        fault = "is missing" if says is None else "is not as it was written"
        terminal.err.print(f"✗ Row {broken} of the audit {fault}.", style="bad", markup=False)
        if says is not None:
            terminal.err.print(f"  It says now: {says}", markup=False)
        terminal.err.print("  What follows it proves nothing. Compare with a backup that is older than the change.", markup=False)
    for side, number in sides if not as_json else ():
        fault = f"✗ Row {number} of the audit of {side} is not as it was written, or is missing."
        terminal.err.print(fault, style="bad", markup=False)
    if not as_json and not is_kept:
        terminal.err.print(f"✗ No row carries the seal {kept}.", style="bad", markup=False)
        terminal.err.print("  Rows at the end were cut off, or all from some row on were written anew.", markup=False)
    if broken is not None or sides or not is_kept:
        return FAILED
    if not as_json:
        terminal.line(f"{rows} rows, each sealed to the one before it.", "good")
        terminal.line(f"The newest seal is {seal}: kept elsewhere, it shows later whether rows were cut off (--kept).")
    return DONE
