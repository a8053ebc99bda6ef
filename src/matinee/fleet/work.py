"""Bringing a list of boxes in: a file is checked whole before anything of it is recorded.

What stands in the file twice, or names a model or an operator that is not known, refuses all of it. Then boxes are recorded a
few thousand at a time, each with its line and its interface in one transaction, so that a service that runs goes on writing
meanwhile. What is recorded already changes nothing: whoever is interrupted begins again.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.base.ids import BoxId, BoxModelId, LineId, OperatorId, new_id
from matinee.base.party import operator_side
from matinee.fleet import store
from matinee.fleet.boxlist import BoxTold, Fault, place_name, read_boxes
from matinee.fleet.identities import VOUCHED, accepted_key
from matinee.fleet.model import (
    HELD,
    Additions,
    Box,
    BoxAssignment,
    BoxInterface,
    BoxKey,
    BoxModel,
    FleetError,
    Interface,
    Line,
    Operator,
)
from matinee.fleet.packing import NONE, KeyedRows
from matinee.fleet.rules import thumbprint
from matinee.outside.database import Database
from matinee.parties import audit, outbox

FAULTS_TOLD: Final = 20

Progress = Callable[[str, float], None]
"""Told of the stage ("checking", "recording") and of the fraction of it that is done, 0 to 1."""


class BoxesRefused(FleetError):
    """A file with rows that cannot be boxes. `faults` are the first of them, `more` is how many others there are."""

    def __init__(self, file: Path, faults: Sequence[Fault], more: int) -> None:
        count = len(faults) + more
        super().__init__(
            f"{file}: {count:,} {'row' if count == 1 else 'rows'} cannot be read as boxes; nothing was recorded.",
            remedy="Mend the file, then import it again.",
        )
        self.file, self.faults, self.more = file, tuple(faults), more

    def lines(self) -> Sequence[str]:
        """The first faults, one line each, as they are told to a person."""
        return [f"{place_name(self.file, one.place)}: {one.says}. {one.remedy}" for one in self.faults]


class ImportReport(msgspec.Struct, kw_only=True):
    """Rows of a file, by what came of them: each is in one of added, changed, unchanged, quarantined and held.

    `quarantined`: the serial stands at another operator's line; that box is held from now on, and was not moved. `held` are
    such boxes that were held before; one that staff vouched for is neither held again nor moved, and counts as unchanged.
    `keys_unknown`: rows whose key the box has not shown.
    """

    rows: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    held: int = 0
    keys_unknown: int = 0


class _Known(NamedTuple):
    """A row whose model and operator are known."""

    told: BoxTold
    model: BoxModel
    operator: Operator


def import_boxes(database: Database, file: Path, now: Instant, *, actor: str, progress: Progress) -> ImportReport:
    """Record the boxes of a file. Raises BoxesRefused for rows, FleetError for a file that is no list of boxes."""
    with database.read() as conn:
        check = _Check(store.all_operators(conn), store.all_models(conn))
    _check_all(file, check, progress)
    report, operators = ImportReport(), set[OperatorId]()
    for rows, done in read_boxes(file):
        known = [one for row in rows if isinstance(one := check.known(row), _Known)]
        if len(known) != len(rows):
            raise FleetError(f"{file} changed while it was read.", remedy="Import it again once it is whole.")
        operators |= {one.operator.id for one in known}
        with database.write() as conn:
            _record(conn, known, now, actor, report)
        progress("recording", done)
    if report.added or report.changed:
        with database.write() as conn:
            # The counts of a file of several operators are told to none of them: each would read of the others' boxes.
            sides = [operator_side(one) for one in operators] if len(operators) == 1 else []
            audit.record(conn, actor, "boxes.import", file.name, msgspec.to_builtins(report), now, sides=sides)
    return report


def _check_all(file: Path, check: "_Check", progress: Progress) -> None:
    faults: list[Fault] = []
    more = 0
    for rows, done in read_boxes(file):
        for row in rows:
            one = check.known(row)
            if isinstance(one, Fault) and len(faults) < FAULTS_TOLD:
                faults.append(one)
            elif isinstance(one, Fault):
                more += 1
        progress("checking", done)
    if faults:
        raise BoxesRefused(file, faults, more)


class _Check:
    """Tells rows that can be boxes from those that cannot, and remembers which box each row is of."""

    def __init__(self, operators: Iterable[Operator], models: Iterable[BoxModel]) -> None:
        self._operators = {name: one for one in operators for name in (one.id, one.name)}
        self._models = {(one.oui, one.product_class): one for one in models}
        self._seen = KeyedRows(16, "q")  # a hash of model and serial, and the row's place: 32 bytes each

    def known(self, row: BoxTold | Fault) -> _Known | Fault:
        """The row with its model and operator, or why it has none. A row may be asked for twice."""
        if isinstance(row, Fault):
            return row
        model = self._models.get((row.oui, row.product_class))
        if model is None:
            says = f"there is no box model {row.oui} {row.product_class}"
            return Fault(row.place, says, f"Tell of it in a scenario and apply that; there are: {self._models_told()}.")
        operator = self._operators.get(row.operator)
        if operator is None:
            names = _some(sorted({one.name for one in self._operators.values()}))
            says = f"there is no operator {row.operator!r}"
            return Fault(row.place, says, f"Tell of it in a scenario and apply that; there are: {names}.")
        key = hashlib.blake2b(f"{row.oui}\0{row.product_class}\0{row.serial}".encode(), digest_size=16).digest()
        seen = self._seen.find(key)
        if seen == NONE:
            self._seen.add(key, row.place)
        elif (first := self._seen.read(seen)[1]) != row.place:
            says = f"the serial {row.serial} of {row.product_class} stands at {first} already"
            return Fault(row.place, says, "Leave one of the two rows out.")
        return _Known(row, model, operator)

    def _models_told(self) -> str:
        return _some(sorted(f"{oui} {product_class}" for oui, product_class in self._models))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") if names else "none yet"


class _There:
    """What is recorded of the boxes and lines that some rows tell of."""

    def __init__(self, conn: Connection, rows: Sequence[_Known], now: Instant) -> None:
        self.boxes: dict[tuple[BoxModelId, str], list[Box]] = {}
        self.lines: dict[tuple[OperatorId, str], LineId] = {}
        serials: dict[BoxModelId, list[str]] = {}
        references: dict[OperatorId, list[str]] = {}
        for row in rows:
            serials.setdefault(row.model.id, []).append(row.told.serial)
            references.setdefault(row.operator.id, []).append(row.told.line)
        for model, some in serials.items():
            for known in store.boxes_of_serials(conn, model, some):
                self.boxes.setdefault((model, known.serial), []).append(known)
        for operator, some in references.items():
            self.lines |= {(operator, line.reference): line.id for line in store.lines_of_references(conn, operator, some)}
        ids = [known.id for same in self.boxes.values() for known in same]
        assigned: dict[BoxId, list[BoxAssignment]] = {box: [] for box in ids}
        ran: dict[BoxId, list[BoxInterface]] = {box: [] for box in ids}
        for one in store.assignments_of(conn, ids):
            assigned[one.box].append(one)
        for other in store.interfaces_of(conn, ids):
            ran[other.box].append(other)
        self.stands: dict[BoxId, LineId] = {}
        self.runs: dict[BoxId, Interface] = {}
        for box in ids:
            stands, runs = in_force(assigned[box], now), in_force(ran[box], now)
            if stands is not None and stands.line is not None:
                self.stands[box] = stands.line
            if runs is not None:
                self.runs[box] = runs.interface
        self.keys: dict[BoxId, list[BoxKey]] = {}
        for key in store.keys_of(conn, ids) if any(row.told.key for row in rows) else ():
            self.keys.setdefault(key.box, []).append(key)
        self.operators = {line.id: line.operator for line in store.lines_of(conn, list(set(self.stands.values())))}
        self.vouched = frozenset(one.box for one in store.identities_of(conn, ids) if one.why in VOUCHED)


def _record(conn: Connection, rows: Sequence[_Known], now: Instant, actor: str, report: ImportReport) -> None:
    outbox.hold(conn)  # two imports at once must not both find a line missing
    there, made = _There(conn, rows, now), Additions()
    accepted: dict[OperatorId, list[BoxId]] = {}
    for row in rows:
        report.rows += 1
        held, before = len(made.quarantined), len(made.accepted)
        box = _same_box(row, there, made)
        if box is None and len(made.quarantined) > held:
            report.quarantined += 1
        elif box is None and (same := there.boxes.get((row.model.id, row.told.serial))):
            is_held = any(one.identity in HELD for one in same if one.id in there.stands)
            report.held += is_held
            report.unchanged += not is_held
        elif box is None:
            report.added += 1
            box = Box(id=BoxId(new_id()), model=row.model.id, serial=row.told.serial, label=row.told.label or row.model.name)
            made.boxes.append(box)
            _bring_up_to_date(row, box, there, made, report, now)
        elif _bring_up_to_date(row, box, there, made, report, now):
            report.changed += 1
        else:
            report.unchanged += 1
        if box is not None and len(made.accepted) > before:
            accepted.setdefault(row.operator.id, []).append(box.id)
    store.record_many(conn, made, now)
    for operator, boxes in accepted.items():
        audit.record(conn, actor, "boxes.accept_keys", boxes[0], {"boxes": boxes}, now, sides=[operator_side(operator)])
    if made.quarantined:
        theirs: dict[OperatorId, list[BoxId]] = {}
        for quarantined in made.quarantined:  # they stand at other operators' lines than the rows are of: each is told of its own
            theirs.setdefault(there.operators[there.stands[quarantined]], []).append(quarantined)
        for operator, boxes in theirs.items():
            detail = {"boxes": boxes}
            audit.record(conn, actor, "boxes.quarantine", boxes[0], detail, now, sides=[operator_side(operator)])


def _same_box(row: _Known, there: _There, made: Additions) -> Box | None:
    """The box that a row is of, None where it is new, or where its serial stands at another operator: that box is held."""
    same = there.boxes.get((row.model.id, row.told.serial), [])
    line = there.lines.get((row.operator.id, row.told.line))
    standing = [box for box in same if box.id in there.stands]
    own = [box for box in standing if there.operators.get(there.stands[box.id]) == row.operator.id]
    if own:
        return next((box for box in own if there.stands[box.id] == line), own[0])
    if standing:
        made.quarantined += [box.id for box in standing if box.identity not in HELD and box.id not in there.vouched]
        return None
    return same[0] if same else None


def _bring_up_to_date(row: _Known, box: Box, there: _There, made: Additions, report: ImportReport, now: Instant) -> bool:
    """Add what the row tells and is not recorded of its box; whether there was any."""
    told, place = row.told, (row.operator.id, row.told.line)
    changes = False
    if place not in there.lines:
        line = Line(id=LineId(new_id()), operator=row.operator.id, reference=told.line)
        there.lines[place] = line.id
        made.lines.append(line)
    if there.stands.get(box.id) != there.lines[place]:
        made.assignments.append(BoxAssignment(box=box.id, line=there.lines[place], valid_from=now, recorded_at=now))
        changes = True
    if told.label and told.label != box.label:
        made.labels[box.id] = told.label
        changes = True
    interface = Interface(product=told.product, version=told.version)
    keys = there.keys.get(box.id, [])
    right = next((one.key for one in keys if thumbprint(one.key) == told.key), None) if told.key else None
    report.keys_unknown += bool(told.key) and right is None
    if right is not None and right != accepted_key(keys) and box.identity not in HELD:
        made.accepted[box.id] = right
        changes = True
    if told.product and there.runs.get(box.id) != interface:
        made.interfaces.append(BoxInterface(box=box.id, interface=interface, valid_from=now, recorded_at=now))
        changes = True
    return changes
