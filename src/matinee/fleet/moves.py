"""What an operator does with boxes at lines: a move, a return, a swap. Each is one more dated record, and stands in the audit.

The household is the line's: a box that moves comes to the home of its new line, and the home that it left keeps its own. A
box that is returned has no home, and its tokens end, so that nothing of the old one can be reached from it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant, to_rfc3339
from matinee.base.dated import in_force
from matinee.base.errors import ErrorCode
from matinee.base.ids import BoxId, LineId
from matinee.base.party import operator_side
from matinee.fleet import store
from matinee.fleet.model import HELD, Box, BoxAssignment, FleetError, Line, Operator
from matinee.parties import audit, outbox


class Moved(NamedTuple):
    """Where a box stood and where it stands from a moment on; None is at no line. `tokens_ended` counts."""

    box: Box
    before: Line | None
    after: Line | None
    since: Instant
    tokens_ended: int = 0


def line_named(conn: Connection, name: str, now: Instant) -> Line:
    """The line of "OPERATOR/REFERENCE", made where the operator has none of that reference. Raises FleetError."""
    operators = store.all_operators(conn)
    named = [(one, key) for one in operators for key in (one.name, one.id) if name.startswith(f"{key}/")]
    if not named:
        known = ", ".join(one.name for one in operators[:5]) or "none"
        raise FleetError(
            f"{name!r} names no line of a known operator.", remedy=f"Write OPERATOR/REFERENCE. There are the operators: {known}."
        )
    operator, key = max(named, key=lambda one: len(one[1]))
    reference = name[len(key) + 1 :].strip()
    if not reference or not reference.isprintable():
        raise FleetError(f"{name!r} has no reference of a line.", remedy="Write OPERATOR/REFERENCE.")
    return store.ensure_line(conn, operator.id, reference, now)


def move_box(
    conn: Connection, box: BoxId, line: Line, since: Instant, now: Instant, *, actor: str, known: Instant | None = None
) -> Moved:
    """Record that a box stands at another line from a moment on, past or to come. Raises FleetError.

    `known` is when it was known, where that was before `now`; the audit says when it was written.
    """
    outbox.hold(conn)  # two moves at once must not both find the box where it was
    moved = _not_held(store.load_box(conn, box))
    facts = list(store.assignments_of(conn, [box]))
    before = _standing(conn, facts, since)
    if before is not None and before.id == line.id:
        raise FleetError(f"{moved.serial} stands at {line.reference} already.", remedy="Name another line.")
    _check_order(conn, moved, facts, since)
    store.assign_box(conn, box, line.id, since, now, known=known)
    _write_down(conn, "box.move", actor, moved, before, line, since, now)
    return Moved(moved, before, line, since)


def return_box(conn: Connection, box: BoxId, since: Instant, now: Instant, *, actor: str, known: Instant | None = None) -> Moved:
    """Record that a box came back to its operator: it stands at no line, and its tokens end. Raises FleetError."""
    outbox.hold(conn)
    returned = store.load_box(conn, box)
    return _take_away(conn, returned, since, now, known, actor, "box.return")


def swap_boxes(conn: Connection, old: BoxId, new: BoxId, since: Instant, now: Instant, *, actor: str) -> tuple[Moved, Moved]:
    """Record that a box came back and another one stands in its place, at the same line. Raises FleetError."""
    outbox.hold(conn)
    if old == new:
        raise FleetError("A box cannot be swapped for itself.", remedy="Name two boxes.")
    leaving, coming = store.load_box(conn, old), _not_held(store.load_box(conn, new))
    facts = list(store.assignments_of(conn, [new]))
    stands = _standing(conn, facts, since)
    if stands is not None:
        raise FleetError(
            f"{coming.serial} stands at {_place(conn, stands)} then.", remedy="Record its return first, or name another box."
        )
    _check_order(conn, coming, facts, since)
    gone = _take_away(conn, leaving, since, now, None, actor, "box.swap")
    if gone.before is None:  # checked there; for the type
        raise FleetError(f"{leaving.serial} stands at no line.", remedy="Name the box that stands there.")
    store.assign_box(conn, new, gone.before.id, since, now)
    _write_down(conn, "box.swap", actor, coming, None, gone.before, since, now)
    return gone, Moved(coming, None, gone.before, since)


def _take_away(conn: Connection, box: Box, since: Instant, now: Instant, known: Instant | None, actor: str, action: str) -> Moved:
    if since > now:
        raise FleetError(
            f"{to_rfc3339(since)} lies ahead.", remedy="Record a return once the box is back: its tokens end with it."
        )
    facts = list(store.assignments_of(conn, [box.id]))
    before = _standing(conn, facts, since)
    if before is None:
        raise FleetError(f"{box.serial} stands at no line then.", remedy="Look at its lines: matinee boxes show.")
    _check_order(conn, box, facts, since)
    store.assign_box(conn, box.id, None, since, now, known=known)
    ended = store.revoke_box_tokens(conn, box.id, now)
    _write_down(conn, action, actor, box, before, None, since, now)
    return Moved(box, before, None, since, ended)


def _not_held(box: Box) -> Box:
    if box.identity in HELD:
        raise FleetError(
            f"{box.serial} is {box.identity.value}, and held.",
            remedy="Find out which box it is: matinee boxes show, then release.",
        )
    return box


def _standing(conn: Connection, facts: Sequence[BoxAssignment], at: Instant) -> Line | None:
    found = in_force(facts, at)
    return None if found is None or found.line is None else _line(conn, found.line)


def _line(conn: Connection, line: LineId) -> Line:
    return next(store.lines_of(conn, [line]))


def _check_order(conn: Connection, box: Box, facts: Sequence[BoxAssignment], since: Instant) -> None:
    """What is recorded of the box must end before the new record begins: two windows must not lie over each other."""
    latest = max(facts, key=lambda one: (one.valid_from, one.recorded_at), default=None)
    if latest is None or since > latest.valid_from:
        return
    where = "at no line" if latest.line is None else f"at {_place(conn, _line(conn, latest.line))}"
    raise FleetError(
        f"{box.serial} stands {where} from {to_rfc3339(latest.valid_from)} on, which {to_rfc3339(since)} is not after.",
        remedy="Write --from a moment after that one.",
        code=ErrorCode.CONFLICT,
    )


def _place(conn: Connection, line: Line) -> str:
    return f"{_operator(conn, line).name}/{line.reference}"


def _operator(conn: Connection, line: Line) -> Operator:
    return next(one for one in store.all_operators(conn) if one.id == line.operator)


def _write_down(
    conn: Connection, action: str, actor: str, box: Box, before: Line | None, after: Line | None, since: Instant, now: Instant
) -> None:
    """A row for each operator, where a box goes from one to another: neither reads of the other's line."""
    for operator in dict.fromkeys(one.operator for one in (before, after) if one is not None):
        own = {name: one for name, one in (("before", before), ("after", after)) if one is not None and one.operator == operator}
        detail = {name: one.reference for name, one in own.items()} | {"serial": box.serial, "valid_from": since}
        audit.record(conn, actor, action, box.id, detail, now, sides=[operator_side(operator)])
