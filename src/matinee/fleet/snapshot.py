"""The fleet in memory: which box a token is, at which line it stands now, and whose line that is.

Readers take no lock. Each entry is one immutable value that a refresh replaces whole, so a reader sees a box as it was
or as it is. Changed boxes are read again one by one: there may be millions of the others.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.base.ids import BoxId, BoxModelId, LineId, OperatorId
from matinee.base.party import Party, PartyKind
from matinee.fleet import store
from matinee.fleet.model import Box, BoxAssignment, BoxInterface, BoxModel, Interface, Line, Operator
from matinee.parties import tokens
from matinee.parties.outbox import Event
from matinee.parties.tokens import TokenDigest


class Fleet:
    """Follows the topic "fleet"."""

    topics = frozenset({store.TOPIC})

    def __init__(self) -> None:
        self._operators: dict[OperatorId, Operator] = {}
        self._models: dict[BoxModelId, BoxModel] = {}
        self._lines: dict[LineId, Line] = {}
        self._boxes: dict[BoxId, Box] = {}
        self._assignments: dict[BoxId, tuple[BoxAssignment, ...]] = {}
        self._interfaces: dict[BoxId, tuple[BoxInterface, ...]] = {}
        self._boxes_of: dict[LineId, tuple[BoxId, ...]] = {}
        self._tokens: dict[TokenDigest, BoxId] = {}

    def load(self, conn: Connection) -> None:
        self._load_small(conn)
        self._boxes = {box.id: box for box in store.boxes_of(conn)}
        self._assignments = _by_box(store.assignments_of(conn))
        self._interfaces = _by_box(store.interfaces_of(conn))
        boxes_of: dict[LineId, dict[BoxId, None]] = {}
        for box, assigned in self._assignments.items():
            for line in {one.line for one in assigned if one.line is not None}:
                boxes_of.setdefault(line, {})[box] = None
        self._boxes_of = {line: tuple(row) for line, row in boxes_of.items()}
        self._tokens = dict(store.tokens_of(conn))

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        if any(event.payload.get("kind") != store.BOX_CHANGED for event in events):
            self._load_small(conn)
        changed = list({BoxId(event.key) for event in events if event.payload.get("kind") == store.BOX_CHANGED})
        if not changed:
            return
        self._boxes.update((box.id, box) for box in store.boxes_of(conn, changed))
        self._assignments.update(_by_box(store.assignments_of(conn, changed)))
        self._interfaces.update(_by_box(store.interfaces_of(conn, changed)))
        for box in changed:
            for line in {one.line for one in self._assignments.get(box, ()) if one.line is not None}:
                there = self._boxes_of.get(line, ())
                if box not in there:
                    self._boxes_of[line] = (*there, box)
        living = dict(store.tokens_of(conn, changed))
        asked = set(changed)
        for token in [token for token, box in self._tokens.items() if box in asked and token not in living]:
            del self._tokens[token]
        self._tokens.update(living)

    def _load_small(self, conn: Connection) -> None:
        self._operators = {operator.id: operator for operator in store.all_operators(conn)}
        self._models = {model.id: model for model in store.all_models(conn)}
        self._lines = {line.id: line for line in store.all_lines(conn)}

    def resolve(self, token: str, now: Instant) -> Party | None:
        """Which box this token is, with the line and the operator of the moment; None for what is no box's token."""
        box = self._tokens.get(tokens.digest(token))
        if box is None or box not in self._boxes:
            return None
        line = self.line_of(box, now)
        return Party(kind=PartyKind.BOX, box=box, line=line, operator=self.operator_of_line(line))

    def line_of(self, box: BoxId, now: Instant, known_at: Instant | None = None) -> LineId | None:
        """Where the box stands at a moment, as far as was known at another."""
        assigned = in_force(self._assignments.get(box, ()), now, known_at)
        return None if assigned is None else assigned.line

    def boxes_at(self, line: LineId | None, now: Instant, known_at: Instant | None = None) -> Sequence[BoxId]:
        """The boxes that stand at a line at a moment, in the order in which they came there."""
        there = self._boxes_of.get(line, ()) if line is not None else ()
        return [box for box in there if self.line_of(box, now, known_at) == line]

    def interface_of(self, box: BoxId, now: Instant, known_at: Instant | None = None) -> Interface | None:
        """What the box was confirmed to run at a moment."""
        recorded = in_force(self._interfaces.get(box, ()), now, known_at)
        return None if recorded is None else recorded.interface

    def boxes_by_operator(self, at: Instant, known_at: Instant | None = None) -> Iterator[tuple[BoxId, OperatorId]]:
        """Each box that stood at a line at a moment, with the line's operator."""
        for box in self._boxes:
            operator = self.operator_of_line(self.line_of(box, at, known_at))
            if operator is not None:
                yield box, operator

    def boxes_named(self, name: str) -> Sequence[Box]:
        """The boxes of this id, else of this serial: serials repeat in the field."""
        one = self._boxes.get(BoxId(name))
        return [one] if one is not None else [box for box in self._boxes.values() if box.serial == name]

    def operator_of_line(self, line: LineId | None) -> OperatorId | None:
        found = self._lines.get(line) if line is not None else None
        return None if found is None else found.operator

    def operator(self, operator: OperatorId | None) -> Operator | None:
        return self._operators.get(operator) if operator is not None else None

    def box(self, box: BoxId | None) -> Box | None:
        return self._boxes.get(box) if box is not None else None

    def model(self, model: BoxModelId) -> BoxModel | None:
        return self._models.get(model)


class _OfBox(Protocol):
    @property
    def box(self) -> BoxId: ...


F = TypeVar("F", bound=_OfBox)


def _by_box(facts: Iterable[F]) -> dict[BoxId, tuple[F, ...]]:
    found: dict[BoxId, list[F]] = {}
    for fact in facts:
        found.setdefault(fact.box, []).append(fact)
    return {box: tuple(row) for box, row in found.items()}
