"""Boxes, the lines they stand at, what they run and their tokens, packed: under 300 bytes for a box with all that.

Dated facts are rows that are only added, as they are in the database: each names the one recorded before it, and a box names
its newest. A box that changes is one row replaced. Ids are kept as the 16 bytes that they were made of; a name that is no id
is kept by a hash of it.
"""

import base64
import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from matinee.base.clock import Instant
from matinee.base.dated import in_force, next_change
from matinee.base.ids import BoxId, BoxModelId, LineId, OperatorId, decode_id, encode_id
from matinee.fleet.model import (
    ANY_BOX,
    Box,
    BoxAssignment,
    BoxIdentity,
    BoxInterface,
    BoxKind,
    IdentityChange,
    Interface,
    PublicKey,
)
from matinee.fleet.packing import NONE, Interned, KeyedRows, Rows, Texts
from matinee.parties.tokens import TokenDigest

_IDENTITIES: Final = tuple(BoxIdentity)
_UNVERIFIED: Final = _IDENTITIES.index(BoxIdentity.UNVERIFIED)
_NO_TIME: Final = -(2**63)
_NOBODY: Final = 0
"""The number of no operator."""

_KEY_BYTES: Final = 16
_COORDINATE_BYTES: Final = 32
_COORDINATE: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""32 bytes as base64url, whose last letter has two bits to spare, both 0."""
_LABELS_REMEMBERED: Final = 10_000
"""Labels that are kept once however many boxes have them; the first so many, so that odd ones cannot fill memory."""


class _BoxRow(NamedTuple):
    """Numbers of rows, of places of texts, and of what is interned. The last four are the newest rows of the box's chains.

    `identified` is none where the box's identity never changed, or was given with the box.
    """

    key: bytes
    model: int
    serial: int
    label: int
    public_key: int
    identity: int
    installed: int
    confirmed: int
    confirmed_at: int
    last_seen: int
    assigned: int = NONE
    ran: int = NONE
    token: int = NONE
    identified: int = NONE


_ASSIGNED, _RAN, _TOKEN, _IDENTIFIED = -4, -3, -2, -1


class _Assigned(NamedTuple):
    """The row of an assignment, with its end. `line` is a row's number."""

    line: int
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None


class _Ran(NamedTuple):
    """The row of what a box ran, with its end. `interface` is its number."""

    interface: int
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None


class _Identified(NamedTuple):
    """The row of a change of identity, which ends with the next. `identity` is its place in _IDENTITIES."""

    identity: int
    valid_from: Instant
    recorded_at: Instant
    valid_to: None = None


class PackedFleet:
    """What `Fleet` knows of boxes and lines. Written by one thread at a time, read by any without a lock.

    What it is given of a box that it does not know is passed over: such a box is told of later, whole.
    """

    def __init__(self) -> None:
        self._boxes = KeyedRows(_KEY_BYTES, "IIIIBHHqqiiii")  # as _BoxRow has it; of our own releases there are few
        self._lines = KeyedRows(_KEY_BYTES, "ii")  # operator, newest assignment
        self._assignments = Rows("qqiiii")  # from, recorded, line, box, the one before of the box, of the line
        self._runs = Rows("qqii")  # from, recorded, interface, the one before of the box
        self._tokens = KeyedRows(_KEY_BYTES, "ii")  # the one before of the box; the box, or NONE once it has ended
        self._identities = Rows("qBi")  # from, identity, the one before of the box
        self._recorded_late: dict[int, Instant] = {}  # of identities; nearly all are known as they begin
        self._ends: dict[int, Instant] = {}  # of assignments; few have one
        self._run_ends: dict[int, Instant] = {}
        self._texts = Texts()
        self._labels: dict[str, int] = {}
        self._models: Interned[BoxModelId] = Interned()
        self._operators: Interned[OperatorId | None] = Interned()
        self._operators.number(None)  # _NOBODY
        self._interfaces: Interned[Interface] = Interned()
        self._releases: Interned[str | None] = Interned()
        self._odd_names: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._boxes)

    @property
    def weight(self) -> int:
        """Bytes in use for rows, texts and tables."""
        parts = (self._boxes, self._lines, self._assignments, self._runs, self._identities, self._tokens, self._texts)
        return sum(part.weight for part in parts)

    # --- what is written ------------------------------------------------------------------------------------------------

    def put_line(self, line: LineId, operator: OperatorId | None) -> None:
        """A line and whose it is, new or in the place of what was known of it."""
        key, number = self._new_key(line), self._operators.number(operator)
        row = self._lines.find(key)
        if row == NONE:
            self._lines.add(key, number, NONE)
        else:
            self._lines.point(row, -2, number)

    def put_box(self, box: Box) -> None:
        """A box, new or in the place of what was known of it; its facts and tokens stay."""
        key = self._new_key(box.id)
        row = self._boxes.find(key)
        before = _NO_ROW if row == NONE else self._box(row)
        made = (
            key,
            self._models.number(box.model),
            self._text(box.serial.encode(), before.serial),
            self._label(box.label, before.label),
            self._text(_packed_key(box.public_key), before.public_key),
            _IDENTITIES.index(box.identity),
            self._releases.number(box.installed_release),
            self._releases.number(box.confirmed_release),
            _NO_TIME if box.confirmed_at is None else box.confirmed_at,
            _NO_TIME if box.last_seen is None else box.last_seen,
            before.assigned,
            before.ran,
            before.token,
            before.identified,
        )
        if row == NONE:
            self._boxes.add(*made)
        else:
            self._boxes.write(row, *made)

    def add_assignment(self, fact: BoxAssignment) -> None:
        """One more record of a box's line, later than all that are known of the box."""
        row = self._boxes.find(self._key(fact.box))
        if row != NONE:
            self._boxes.point(row, _ASSIGNED, self._assign(row, self._boxes.pointer(row, _ASSIGNED), fact))

    def put_assignments(self, box: BoxId, facts: Sequence[BoxAssignment]) -> None:
        """All that was recorded of a box's lines, in the order of recording, in the place of what was known."""
        row = self._boxes.find(self._key(box))
        if row == NONE:
            return
        newest = self._boxes.pointer(row, _ASSIGNED)
        before = [self._assignment(box, one) for one in self._assigned(newest)]
        # As a rule the new ones follow the old ones: then nothing is written twice.
        start = len(before) if list(facts[: len(before)]) == before else 0
        newest = newest if start else NONE
        for fact in facts[start:]:
            newest = self._assign(row, newest, fact)
        self._boxes.point(row, _ASSIGNED, newest)

    def add_interface(self, fact: BoxInterface) -> None:
        """One more record of what a box ran, later than all that are known of the box."""
        row = self._boxes.find(self._key(fact.box))
        if row != NONE:
            self._boxes.point(row, _RAN, self._run(self._boxes.pointer(row, _RAN), fact))

    def put_interfaces(self, box: BoxId, facts: Sequence[BoxInterface]) -> None:
        """All that was recorded of what a box ran, in the order of recording, in the place of what was known."""
        row = self._boxes.find(self._key(box))
        if row == NONE:
            return
        newest = self._boxes.pointer(row, _RAN)
        before = [self._interface(box, one) for one in self._ran(newest)]
        start = len(before) if list(facts[: len(before)]) == before else 0
        newest = newest if start else NONE
        for fact in facts[start:]:
            newest = self._run(newest, fact)
        self._boxes.point(row, _RAN, newest)

    def add_identity(self, fact: IdentityChange) -> None:
        """One more change of a box's identity, later than all that are known of the box."""
        row = self._boxes.find(self._key(fact.box))
        if row != NONE:
            self._boxes.point(row, _IDENTIFIED, self._identify(self._boxes.pointer(row, _IDENTIFIED), fact))

    def put_identities(self, box: BoxId, facts: Sequence[IdentityChange]) -> None:
        """All changes of a box's identity, in the order of recording, in the place of what was known."""
        row = self._boxes.find(self._key(box))
        if row == NONE:
            return
        newest = self._boxes.pointer(row, _IDENTIFIED)
        before = self._identified(newest)
        told = [_Identified(_IDENTITIES.index(one.identity), one.valid_from, one.recorded_at) for one in facts]
        start = len(before) if told[: len(before)] == list(before) else 0
        newest = newest if start else NONE
        for fact in facts[start:]:
            newest = self._identify(newest, fact)
        self._boxes.point(row, _IDENTIFIED, newest)

    def add_token(self, digest: TokenDigest, box: BoxId) -> None:
        """A living token of a box. Raises ValueError for a digest that is not hexadecimal."""
        row = self._boxes.find(self._key(box))
        if row == NONE:
            return
        key = _token_key(digest)
        token = self._tokens.find(key)
        if token == NONE:
            self._boxes.point(row, _TOKEN, self._tokens.add(key, self._boxes.pointer(row, _TOKEN), row))
        else:
            self._tokens.point(token, -1, row)

    def put_tokens(self, box: BoxId, living: Sequence[TokenDigest]) -> None:
        """All living tokens of a box; those known of it that are not among them have ended."""
        row = self._boxes.find(self._key(box))
        if row == NONE:
            return
        kept = {_token_key(one) for one in living}
        token = self._boxes.pointer(row, _TOKEN)
        while token != NONE:
            key, before, _ = self._tokens.read(token)
            if key not in kept:
                self._tokens.point(token, -1, NONE)
            token = before
        for one in living:
            self.add_token(one, box)

    # --- what is read ---------------------------------------------------------------------------------------------------

    def box(self, box: BoxId) -> Box | None:
        """All of a box, None where it is not known."""
        row = self._boxes.find(self._key(box))
        return None if row == NONE else self._whole(self._box(row))

    def kind_of(self, box: BoxId, at: Instant, known_at: Instant | None) -> BoxKind | None:
        """What kinds of boxes are told apart by, at a moment as known at another; None where the box is not known."""
        row = self._boxes.find(self._key(box))
        return None if row == NONE else self._kind(self._box(row), box, at, known_at)

    def model_of(self, box: BoxId) -> BoxModelId | None:
        """Of which model a box is; None where it is not known."""
        row = self._boxes.find(self._key(box))
        return None if row == NONE else self._models.value(self._box(row).model)

    def line_of(self, box: BoxId, at: Instant, known_at: Instant | None) -> LineId | None:
        """The line of a box at a moment, as known at another."""
        row = self._boxes.find(self._key(box))
        line = NONE if row == NONE else self._line_at(self._box(row), at, known_at)
        return None if line == NONE else self._line_name(line)

    def changes_after(self, box: BoxId, at: Instant) -> Instant | None:
        """The next moment at which a box may stand elsewhere, run something else or be another by what is recorded of it now."""
        row = self._boxes.find(self._key(box))
        if row == NONE:
            return None
        own = self._box(row)
        return next_change((*self._assigned(own.assigned), *self._ran(own.ran), *self._identified(own.identified)), at)

    def operator_of(self, line: LineId) -> OperatorId | None:
        """Whose a line is."""
        row = self._lines.find(self._key(line))
        return None if row == NONE else self._operators.value(self._lines.pointer(row, -2))

    def boxes_at(self, line: LineId, at: Instant, known_at: Instant | None) -> Sequence[BoxId]:
        """The boxes at a line at a moment, in the order in which they first came there."""
        row = self._lines.find(self._key(line))
        came: list[int] = []
        fact = NONE if row == NONE else self._lines.pointer(row, -1)
        while fact != NONE:
            *_, box, _, fact = self._assignments.read(fact)
            came.append(box)
        there = [self._box(box) for box in dict.fromkeys(reversed(came))]
        return [BoxId(self._name(box.key)) for box in there if self._line_at(box, at, known_at) == row]

    def interface_of(self, box: BoxId, at: Instant, known_at: Instant | None) -> Interface | None:
        """What a box was confirmed to run at a moment, as known at another."""
        row = self._boxes.find(self._key(box))
        return None if row == NONE else self._interface_at(self._box(row), at, known_at)

    def box_of_token(self, digest: TokenDigest) -> BoxId | None:
        """Whose a living token is."""
        token = self._tokens.find(_token_key(digest))
        box = NONE if token == NONE else self._tokens.pointer(token, -1)
        return None if box == NONE else BoxId(self._name(self._box(box).key))

    def standing(self, at: Instant, known_at: Instant | None) -> Iterator[tuple[BoxId, OperatorId]]:
        """Each box at an operator's line at a moment, as known at another."""
        for _, box, operator in self._standing(at, known_at):
            yield BoxId(self._name(box.key)), self._operator(operator)

    def rows_of(self, ids: Iterable[BoxId], serials: Set[tuple[BoxModelId, str]]) -> frozenset[int]:
        """The rows of boxes with these ids, or of a model and serial: with any of those it looks at every box."""
        found = {row for one in ids if (row := self._boxes.find(self._key(one))) != NONE}
        numbers = {model: number for number, model in enumerate(self._models)}  # only the writer gives new ones
        wanted = {(numbers[model], serial.encode()) for model, serial in serials if model in numbers}
        for row in range(len(self._boxes)) if wanted else ():
            box = self._box(row)
            if (box.model, self._texts.read(box.serial)) in wanted:
                found.add(row)
        return frozenset(found)

    def counted(
        self,
        at: Instant,
        known_at: Instant | None,
        apart: Container[OperatorId],
        rows: Mapping[OperatorId, frozenset[int]] = MappingProxyType({}),
    ) -> Iterator[tuple[OperatorId, BoxKind, int]]:
        """Each operator's kinds of boxes with how many stand at its lines.

        Operators that are told `apart` have a box each, and so has at the others each of the boxes in `rows`.
        """
        found: dict[tuple[int, int, int, int], int] = {}
        told_apart = {number for number, one in enumerate(self._operators) if one is not None and one in apart}
        own_rows = {number: rows[one] for number, one in enumerate(self._operators) if one is not None and one in rows}
        for row, box, operator in self._standing(at, known_at):
            if operator in told_apart or (own_rows and row in own_rows.get(operator, ())):
                yield self._operator(operator), self._kind(box, BoxId(self._name(box.key)), at, known_at), 1
            else:
                kind = (operator, box.model, self._identity_at(box, at, known_at), self._interface_number(box, at, known_at))
                found[kind] = found.get(kind, 0) + 1
        for (operator, model, identity, number), count in found.items():
            interface = None if number == NONE else self._interfaces.value(number)
            kind_of = BoxKind(
                box=ANY_BOX,
                model=self._models.value(model),
                serial="",
                identity=_IDENTITIES[identity],
                interface=interface,
            )
            yield self._operator(operator), kind_of, count

    def _standing(self, at: Instant, known_at: Instant | None) -> Iterator[tuple[int, _BoxRow, int]]:
        for row in range(len(self._boxes)):
            box = self._box(row)
            line = self._line_at(box, at, known_at)
            operator = _NOBODY if line == NONE else self._lines.pointer(line, -2)
            if operator != _NOBODY:
                yield row, box, operator

    def of_serial(self, serial: str) -> Iterator[Box]:
        """The boxes of a serial: looks at every box."""
        wanted = serial.encode()
        for row in range(len(self._boxes)):
            box = self._box(row)
            if self._texts.read(box.serial) == wanted:
                yield self._whole(box)

    # --- rows -----------------------------------------------------------------------------------------------------------

    def _box(self, row: int) -> _BoxRow:
        return _BoxRow._make(self._boxes.read(row))

    def _assigned(self, row: int) -> Sequence[_Assigned]:
        """The records of a box's lines, in the order of recording, up to the one of this row."""
        found: list[_Assigned] = []
        while row != NONE:
            begins, recorded, line, _, before, _ = self._assignments.read(row)
            fact = _Assigned(line, begins, recorded, self._ends.get(row))
            if before == NONE and not found:  # as a rule there is one
                return (fact,)
            found.append(fact)
            row = before
        found.reverse()
        return found

    def _ran(self, row: int) -> Sequence[_Ran]:
        """The records of what a box ran, in the order of recording, up to the one of this row."""
        found: list[_Ran] = []
        while row != NONE:
            begins, recorded, interface, before = self._runs.read(row)
            fact = _Ran(interface, begins, recorded, self._run_ends.get(row))
            if before == NONE and not found:  # as a rule there is one
                return (fact,)
            found.append(fact)
            row = before
        found.reverse()
        return found

    def _identified(self, row: int) -> Sequence[_Identified]:
        """The changes of a box's identity, in the order of recording, up to the one of this row."""
        found: list[_Identified] = []
        while row != NONE:
            begins, identity, before = self._identities.read(row)
            fact = _Identified(identity, begins, self._recorded_late.get(row, begins))
            if before == NONE and not found:  # as a rule there is one
                return (fact,)
            found.append(fact)
            row = before
        found.reverse()
        return found

    def _assign(self, box: int, before: int, fact: BoxAssignment) -> int:
        line, there = NONE, NONE
        if fact.line is not None:
            key = self._new_key(fact.line)
            line = self._lines.find(key)
            if line == NONE:  # its own event is still to come
                line = self._lines.add(key, _NOBODY, NONE)
            there = self._lines.pointer(line, -1)
        if fact.valid_to is not None:  # before the row, which nobody sees yet
            self._ends[len(self._assignments)] = fact.valid_to
        made = self._assignments.add(fact.valid_from, fact.recorded_at, line, box, before, there)
        if line != NONE:
            self._lines.point(line, -1, made)
        return made

    def _run(self, before: int, fact: BoxInterface) -> int:
        if fact.valid_to is not None:
            self._run_ends[len(self._runs)] = fact.valid_to
        return self._runs.add(fact.valid_from, fact.recorded_at, self._interfaces.number(fact.interface), before)

    def _identify(self, before: int, fact: IdentityChange) -> int:
        if fact.recorded_at != fact.valid_from:
            self._recorded_late[len(self._identities)] = fact.recorded_at
        return self._identities.add(fact.valid_from, _IDENTITIES.index(fact.identity), before)

    def _identity_at(self, box: _BoxRow, at: Instant, known_at: Instant | None) -> int:
        if box.identified == NONE:
            return box.identity
        found = in_force(self._identified(box.identified), at, known_at)
        return _UNVERIFIED if found is None else found.identity

    def _line_at(self, box: _BoxRow, at: Instant, known_at: Instant | None) -> int:
        found = in_force(self._assigned(box.assigned), at, known_at)
        return NONE if found is None else found.line

    def _interface_number(self, box: _BoxRow, at: Instant, known_at: Instant | None) -> int:
        found = in_force(self._ran(box.ran), at, known_at)
        return NONE if found is None else found.interface

    def _interface_at(self, box: _BoxRow, at: Instant, known_at: Instant | None) -> Interface | None:
        number = self._interface_number(box, at, known_at)
        return None if number == NONE else self._interfaces.value(number)

    # --- from rows to values --------------------------------------------------------------------------------------------

    def _whole(self, row: _BoxRow) -> Box:
        return Box(
            id=BoxId(self._name(row.key)),
            model=self._models.value(row.model),
            serial=self._texts.read(row.serial).decode(),
            label=self._texts.read(row.label).decode(),
            identity=_IDENTITIES[row.identity],
            public_key=_unpacked_key(self._texts.read(row.public_key)),
            installed_release=self._releases.value(row.installed),
            confirmed_release=self._releases.value(row.confirmed),
            confirmed_at=_time(row.confirmed_at),
            last_seen=_time(row.last_seen),
        )

    def _kind(self, row: _BoxRow, box: BoxId, at: Instant, known_at: Instant | None) -> BoxKind:
        return BoxKind(
            box=box,
            model=self._models.value(row.model),
            serial=self._texts.read(row.serial).decode(),
            identity=_IDENTITIES[self._identity_at(row, at, known_at)],
            interface=self._interface_at(row, at, known_at),
        )

    def _assignment(self, box: BoxId, row: _Assigned) -> BoxAssignment:
        line = None if row.line == NONE else self._line_name(row.line)
        return BoxAssignment(box=box, line=line, valid_from=row.valid_from, valid_to=row.valid_to, recorded_at=row.recorded_at)

    def _interface(self, box: BoxId, row: _Ran) -> BoxInterface:
        interface = self._interfaces.value(row.interface)
        return BoxInterface(
            box=box, interface=interface, valid_from=row.valid_from, valid_to=row.valid_to, recorded_at=row.recorded_at
        )

    # --- names and texts ------------------------------------------------------------------------------------------------

    def _key(self, name: str) -> bytes:
        try:
            return decode_id(name)
        except ValueError:
            return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()

    def _new_key(self, name: str) -> bytes:
        """The key of a name that gets a row."""
        try:
            return decode_id(name)
        except ValueError:
            key = self._key(name)
            self._odd_names[key] = name
            return key

    def _name(self, key: bytes) -> str:
        odd = self._odd_names.get(key) if self._odd_names else None
        return encode_id(key) if odd is None else odd

    def _operator(self, number: int) -> OperatorId:
        return OperatorId(self._operators.value(number) or "")

    def _line_name(self, row: int) -> LineId:
        return LineId(self._name(self._lines.read(row)[0]))

    def _text(self, text: bytes, before: int) -> int:
        """The place of a text, which is the place before where it is the same."""
        return before if self._texts.read(before) == text else self._texts.add(text)

    def _label(self, label: str, before: int) -> int:
        place = self._labels.get(label)
        if place is None:
            place = self._text(label.encode(), before)
            if len(self._labels) < _LABELS_REMEMBERED:
                self._labels[label] = place
        return place


_NO_ROW: Final = _BoxRow(b"", 0, 0, 0, 0, 0, 0, 0, 0, 0)


def _token_key(digest: TokenDigest) -> bytes:
    """The first half of a hash, 128 bits: as hard to meet by chance or on purpose as an id."""
    return bytes.fromhex(digest[: 2 * _KEY_BYTES])


def _time(number: int) -> Instant | None:
    return None if number == _NO_TIME else Instant(number)


def _packed_key(key: PublicKey | None) -> bytes:
    """No bytes for no key, 64 for both coordinates, and JSON of any other length for what has not the usual form."""
    if key is None:
        return b""
    if key.kty == "EC" and key.crv == "P-256" and _COORDINATE.fullmatch(key.x) and _COORDINATE.fullmatch(key.y):
        return base64.urlsafe_b64decode(key.x + "=") + base64.urlsafe_b64decode(key.y + "=")
    words = msgspec.json.encode(key)
    return words + b" " if len(words) == 2 * _COORDINATE_BYTES else words


def _unpacked_key(packed: bytes) -> PublicKey | None:
    if not packed:
        return None
    if len(packed) != 2 * _COORDINATE_BYTES:
        return msgspec.json.decode(packed, type=PublicKey)
    x, y = (base64.urlsafe_b64encode(packed[begin:][:_COORDINATE_BYTES]).decode().rstrip("=") for begin in (0, _COORDINATE_BYTES))
    return PublicKey(x=x, y=y)
