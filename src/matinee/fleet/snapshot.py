"""The fleet in memory: which box a token is, at which line it stands now, and whose line that is.

Readers take no lock: `packing` says why none of them sees half a change. Changed boxes are read again one by one: there may be
millions of the others. What was found of a box that asked is kept until the box changes, by a record or since a moment has come.
"""

import threading
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import BoxId, BoxModelId, LineId, OperatorId
from matinee.base.party import Party, PartyKind
from matinee.fleet import store
from matinee.fleet.model import Box, BoxAssignment, BoxInterface, BoxKind, BoxModel, IdentityChange, Interface, Line, Operator
from matinee.fleet.packed import PackedFleet
from matinee.parties import tokens
from matinee.parties.outbox import Event
from matinee.parties.tokens import TokenDigest

_READ_AGAIN: Final = 2_000
"""Changed boxes that are read by one query: databases bound the number of a query's parameters."""
MAX_KEPT: Final = 20_000
"""Boxes of which is kept what was found, here and in the household and the decisions that follow: as many as one process answers
between two heartbeats of each, some 950 bytes for a box in all three (19 MB, by tracemalloc). Beyond it all are looked up anew:
it bounds memory, not what is right."""


class _Standing(NamedTuple):
    """What was found of a box, which holds from `since` on and until just before `until`."""

    since: Instant
    until: Instant | None
    party: Party
    kind: BoxKind


class Fleet:
    """Follows the topic "fleet"."""

    topics = frozenset({store.TOPIC})

    def __init__(self) -> None:
        self._operators: dict[OperatorId, Operator] = {}
        self._models: dict[BoxModelId, BoxModel] = {}
        self._packed = PackedFleet()
        self._kept: dict[BoxId, _Standing] = {}
        self._box_of: dict[TokenDigest, _Standing] = {}
        """By a token of a box: good as long as it is what is kept of the box, whose tokens end with a change of it."""
        self._changes = 0
        self._keeping = threading.Lock()

    def load(self, conn: Connection) -> None:
        self.put(
            operators=store.all_operators(conn),
            models=store.all_models(conn),
            lines=store.lines_of(conn),
            boxes=store.boxes_of(conn),
            assignments=store.assignments_of(conn),
            interfaces=store.interfaces_of(conn),
            identities=store.identities_of(conn),
            living=store.tokens_of(conn),
        )

    def put(
        self,
        *,
        operators: Iterable[Operator],
        models: Iterable[BoxModel],
        lines: Iterable[Line],
        boxes: Iterable[Box],
        assignments: Iterable[BoxAssignment],
        interfaces: Iterable[BoxInterface],
        identities: Iterable[IdentityChange] = (),
        living: Iterable[tuple[TokenDigest, BoxId]] = (),
    ) -> None:
        """Take all this in the place of all before; facts in the order of recording, `living` the tokens. Each is read once."""
        made = PackedFleet()
        for line in lines:
            made.put_line(line.id, line.operator)
        for box in boxes:
            made.put_box(box)
        for assigned in assignments:
            made.add_assignment(assigned)
        for ran in interfaces:
            made.add_interface(ran)
        for changed in identities:
            made.add_identity(changed)
        for digest, of in living:
            made.add_token(digest, of)
        self._operators = {operator.id: operator for operator in operators}
        self._models = {model.id: model for model in models}
        self._packed = made
        self._forget_all()

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        kinds = {event.payload.get("kind") for event in events}
        if kinds - {store.BOX_CHANGED, store.LINE_CHANGED, store.IDENTITY_CHANGED}:
            self._operators = {operator.id: operator for operator in store.all_operators(conn)}
            self._models = {model.id: model for model in store.all_models(conn)}
            self._forget_all()
        for lines in _batches(store.changed(events, store.LINE_CHANGED)):
            for line in store.lines_of(conn, [LineId(one) for one in lines]):
                self._packed.put_line(line.id, line.operator)
            self._forget_at({LineId(one) for one in lines})
        for boxes in _batches(store.changed(events, store.BOX_CHANGED)):
            again = [BoxId(one) for one in boxes]
            try:
                self._read_again(conn, again)
            finally:  # some may be read, and be other than what is kept of them
                self._forget(again)

    def _read_again(self, conn: Connection, boxes: Sequence[BoxId]) -> None:
        for known in store.boxes_of(conn, boxes):
            self._packed.put_box(known)
        assigned: dict[BoxId, list[BoxAssignment]] = {box: [] for box in boxes}
        ran: dict[BoxId, list[BoxInterface]] = {box: [] for box in boxes}
        changed: dict[BoxId, list[IdentityChange]] = {box: [] for box in boxes}
        living: dict[BoxId, list[TokenDigest]] = {box: [] for box in boxes}
        for one in store.assignments_of(conn, boxes):
            assigned[one.box].append(one)
        for other in store.interfaces_of(conn, boxes):
            ran[other.box].append(other)
        for change in store.identities_of(conn, boxes):
            changed[change.box].append(change)
        for digest, box in store.tokens_of(conn, boxes):
            living[box].append(digest)
        for box in boxes:
            self._packed.put_assignments(box, assigned[box])
            self._packed.put_interfaces(box, ran[box])
            self._packed.put_identities(box, changed[box])
            self._packed.put_tokens(box, living[box])

    def resolve(self, token: str, now: Instant) -> Party | None:
        """Which box this token is, with the line and the operator of the moment; None for what is no box's token."""
        digest = tokens.digest(token)
        known = self._box_of.get(digest)
        if known is not None and known.party.box is not None and self._standing(known.party.box, now) is known:
            return known.party
        changes = self._changes
        box = self._packed.box_of_token(digest)
        if box is None:
            return None
        found = self._find(box, now)
        if found is None:
            return Party(kind=PartyKind.BOX, box=box)
        with self._keeping:
            if changes == self._changes:
                self._make_room()
                self._box_of[digest] = found
        return found.party

    def _standing(self, box: BoxId, at: Instant) -> _Standing | None:
        """What is kept of a box and holds at a moment."""
        kept = self._kept.get(box)
        return kept if kept is not None and kept.since <= at and (kept.until is None or at < kept.until) else None

    def _find(self, box: BoxId, at: Instant) -> _Standing | None:
        """What is kept of a box, or is found of it and kept; None for a box that is not known."""
        kept = self._standing(box, at)
        if kept is not None:
            return kept
        changes, packed = self._changes, self._packed
        kind = packed.kind_of(box, at, None)
        if kind is None:
            return None
        line = packed.line_of(box, at, None)
        operator = None if line is None else packed.operator_of(line)
        party = Party(kind=PartyKind.BOX, box=box, line=line, operator=operator)
        found = _Standing(at, packed.changes_after(box, at), party, kind)
        with self._keeping:
            if changes == self._changes:  # else it may be half of before and half of after
                self._make_room()
                self._kept[box] = found
        return found

    def _make_room(self) -> None:
        if max(len(self._kept), len(self._box_of)) >= MAX_KEPT:
            self._kept, self._box_of = {}, {}

    def _forget(self, boxes: Collection[BoxId]) -> None:
        """Called when what is read of these boxes has changed: after, so that who read before keeps nothing of it."""
        with self._keeping:
            self._changes += 1
            for box in boxes:
                self._kept.pop(box, None)

    def _forget_at(self, lines: Collection[LineId]) -> None:
        with self._keeping:
            self._changes += 1
            self._kept = {box: one for box, one in self._kept.items() if one.party.line not in lines}

    def _forget_all(self) -> None:
        with self._keeping:
            self._changes += 1
            self._kept, self._box_of = {}, {}

    def line_of(self, box: BoxId, now: Instant, known_at: Instant | None = None) -> LineId | None:
        """Where the box stands at a moment, as far as was known at another."""
        kept = self._standing(box, now) if known_at is None else None
        return self._packed.line_of(box, now, known_at) if kept is None else kept.party.line

    def boxes_at(self, line: LineId | None, now: Instant, known_at: Instant | None = None) -> Sequence[BoxId]:
        """The boxes that stand at a line at a moment, in the order in which they came there."""
        return () if line is None else self._packed.boxes_at(line, now, known_at)

    def interface_of(self, box: BoxId, now: Instant, known_at: Instant | None = None) -> Interface | None:
        """What the box was confirmed to run at a moment."""
        return self._packed.interface_of(box, now, known_at)

    def kind_of(self, box: BoxId, at: Instant, known_at: Instant | None = None) -> BoxKind | None:
        """What is asked of a box when it is decided what it has, found by one look; None for a box that is not known."""
        if known_at is not None:
            return self._packed.kind_of(box, at, known_at)
        found = self._standing(box, at)
        return self._packed.kind_of(box, at, None) if found is None else found.kind

    def boxes_by_operator(self, at: Instant, known_at: Instant | None = None) -> Iterator[tuple[BoxId, OperatorId]]:
        """Each box that stood at a line at a moment, with the line's operator."""
        return self._packed.standing(at, known_at)

    def kinds_by_operator(
        self,
        at: Instant,
        known_at: Instant | None,
        apart: Container[OperatorId],
        names: Mapping[OperatorId, Iterable[str]] = MappingProxyType({}),
    ) -> Iterator[tuple[OperatorId, BoxKind, int]]:
        """How many boxes of each kind stood at each operator's lines.

        At operators `apart` each box is a kind of its own, and so is at the others each of the boxes that `names` has, by its id
        or by "OUI-class-serial".
        """
        return self._packed.counted(at, known_at, apart, {one: self._found_by(some) for one, some in names.items()})

    def _found_by(self, names: Iterable[str]) -> frozenset[int]:
        """The rows of the boxes that these names may mean."""
        models = {(one.oui, one.product_class): one.id for one in self._models.values()}
        serials: set[tuple[BoxModelId, str]] = set()
        ids = []
        for name in names:
            ids.append(BoxId(name))
            parts = name.split("-")
            for end in range(2, len(parts)):  # a product class may hold a dash, and so may a serial
                model = models.get((parts[0], "-".join(parts[1:end])))
                if model is not None:
                    serials.add((model, "-".join(parts[end:])))
        return self._packed.rows_of(ids, serials)

    def boxes_named(self, name: str) -> Sequence[Box]:
        """The boxes of this id, else of this serial: serials repeat in the field. Looks at every box for a serial."""
        one = self._packed.box(BoxId(name))
        return [one] if one is not None else list(self._packed.of_serial(name))

    def operator_of_line(self, line: LineId | None) -> OperatorId | None:
        return None if line is None else self._packed.operator_of(line)

    def operator(self, operator: OperatorId | None) -> Operator | None:
        return self._operators.get(operator) if operator is not None else None

    def operators(self) -> Sequence[Operator]:
        """All operators, by their ids."""
        return [self._operators[one] for one in sorted(self._operators)]

    def box(self, box: BoxId | None) -> Box | None:
        return None if box is None else self._packed.box(box)

    def models(self) -> Sequence[BoxModelId]:
        return list(self._models)

    def model_of(self, box: BoxId | None) -> BoxModel | None:
        """The model of a box, None where the box or its model is not known."""
        kept = None if box is None else self._kept.get(box)
        model = kept.kind.model if kept is not None else None if box is None else self._packed.model_of(box)
        return None if model is None else self.model(model)

    def model(self, model: BoxModelId) -> BoxModel | None:
        return self._models.get(model)


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[begin : begin + _READ_AGAIN] for begin in range(0, len(ids), _READ_AGAIN))
