"""The fleet packed into rows, against plain dicts that are told the same; and readers beside a writer."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.base.ids import BoxId, BoxModelId, LineId, OperatorId, encode_id, new_id
from matinee.fleet.model import (
    ANY_BOX,
    Box,
    BoxAssignment,
    BoxIdentity,
    BoxInterface,
    IdentityCause,
    IdentityChange,
    Interface,
    PublicKey,
)
from matinee.fleet.packed import PackedFleet
from matinee.fleet.packing import KeyedRows, Rows, Texts
from matinee.parties.tokens import TokenDigest

BOXES = [BoxId(encode_id(bytes([n]) * 16)) for n in (0, 1, 255)] + [BoxId("a box"), BoxId("")]
LINES = [LineId(encode_id(bytes([n]) * 16)) for n in (0, 7)] + [LineId("a line")]
DIGESTS = [TokenDigest(bytes([n] * 32).hex()) for n in range(len(BOXES) * 2)]
MOMENTS = [Instant(n) for n in (-(2**62), 0, 1, 2, 3, 2**62)]

moments = st.sampled_from(MOMENTS)
texts = st.sampled_from(["", "Salon", "é" * 200, "x" * 254, "x" * 255]) | st.text(max_size=20)
coordinates = st.binary(min_size=32, max_size=32).map(
    lambda raw: msgspec.to_builtins(raw).replace("+", "-").replace("/", "_")[:43]
)
keys = st.builds(PublicKey, x=coordinates | texts, y=coordinates | texts, kty=st.sampled_from(["EC", "RSA"]))
boxes = st.builds(
    Box,
    id=st.sampled_from(BOXES),
    model=st.sampled_from([BoxModelId("one"), BoxModelId("two")]),
    serial=texts,
    label=texts,
    identity=st.sampled_from(BoxIdentity),
    public_key=st.none() | keys,
    installed_release=st.none() | texts,
    confirmed_release=st.none() | texts,
    confirmed_at=st.none() | moments,
    last_seen=st.none() | moments,
)
dated: dict[str, Any] = {"box": st.sampled_from(BOXES), "valid_from": moments, "valid_to": st.none() | moments}
assignments = st.builds(BoxAssignment, line=st.none() | st.sampled_from(LINES), recorded_at=moments, **dated)
interfaces = st.builds(
    BoxInterface, interface=st.builds(Interface, product=texts, version=st.sampled_from(["1", "2"])), recorded_at=moments, **dated
)
changes = st.builds(
    IdentityChange,
    box=st.sampled_from(BOXES),
    identity=st.sampled_from(BoxIdentity),
    why=st.just(IdentityCause.RELEASED),
    valid_from=moments,
    recorded_at=moments,
)
operators = st.none() | st.sampled_from([OperatorId("Orange"), OperatorId("Free")])
steps = st.one_of(
    st.tuples(st.just("line"), st.sampled_from(LINES), operators),
    st.tuples(st.just("box"), boxes),
    st.tuples(st.just("assigned"), assignments),
    st.tuples(st.just("ran"), interfaces),
    st.tuples(st.just("assigned anew"), st.lists(assignments, max_size=3)),
    st.tuples(st.just("changed"), changes),
    st.tuples(st.just("changed anew"), st.lists(changes, max_size=3)),
    st.tuples(st.just("tokens"), st.sampled_from(BOXES), st.sets(st.booleans())),
)


class Plain:
    """The same, as anybody would write it first."""

    def __init__(self) -> None:
        self.operators: dict[LineId, OperatorId | None] = {}
        self.boxes: dict[BoxId, Box] = {}
        self.assigned: dict[BoxId, list[BoxAssignment]] = {}
        self.ran: dict[BoxId, list[BoxInterface]] = {}
        self.changed: dict[BoxId, list[IdentityChange]] = {}
        self.tokens: dict[TokenDigest, BoxId] = {}
        self.came: dict[LineId, dict[BoxId, None]] = {}

    def assign(self, fact: BoxAssignment) -> None:
        self.assigned.setdefault(fact.box, []).append(fact)
        if fact.line is not None:
            self.came.setdefault(fact.line, {})[fact.box] = None

    def line_of(self, box: BoxId, at: Instant, known_at: Instant | None) -> LineId | None:
        found = in_force(self.assigned.get(box, ()), at, known_at)
        return found.line if found is not None else None

    def interface_of(self, box: BoxId, at: Instant, known_at: Instant | None) -> Interface | None:
        found = in_force(self.ran.get(box, ()), at, known_at)
        return found.interface if found is not None else None

    def identity_of(self, box: BoxId, at: Instant, known_at: Instant | None) -> BoxIdentity:
        changes = self.changed.get(box)
        if not changes:
            return self.boxes[box].identity
        found = in_force(changes, at, known_at)
        return found.identity if found is not None else BoxIdentity.UNVERIFIED


def take(step: tuple[Any, ...], packed: PackedFleet, plain: Plain) -> None:
    match step:
        case ("line", line, operator):
            packed.put_line(line, operator)
            plain.operators[line] = operator
        case ("box", box):
            packed.put_box(box)
            plain.boxes[box.id] = box
        case ("assigned", fact):
            packed.add_assignment(fact)
            if fact.box in plain.boxes:
                plain.assign(fact)
        case ("ran", fact):
            packed.add_interface(fact)
            if fact.box in plain.boxes:
                plain.ran.setdefault(fact.box, []).append(fact)
        case ("assigned anew", [first, *rest]):
            facts = [first, *(msgspec.structs.replace(fact, box=first.box) for fact in rest)]
            if len(rest) == 1:  # one more than what is known, as a rule
                facts = [*plain.assigned.get(first.box, []), *facts]
            packed.put_assignments(first.box, facts)
            if first.box in plain.boxes:
                plain.assigned[first.box] = []
                for fact in facts:
                    plain.assign(fact)
        case ("changed", fact):
            packed.add_identity(fact)
            if fact.box in plain.boxes:
                plain.changed.setdefault(fact.box, []).append(fact)
        case ("changed anew", [first, *rest]):
            facts = [first, *(msgspec.structs.replace(fact, box=first.box) for fact in rest)]
            if len(rest) == 1:
                facts = [*plain.changed.get(first.box, []), *facts]
            packed.put_identities(first.box, facts)
            if first.box in plain.boxes:
                plain.changed[first.box] = facts
        case ("tokens", box, which):
            own = DIGESTS[2 * BOXES.index(box) :][:2]
            living = [own[one] for one in sorted(which)]
            packed.put_tokens(box, living)
            if box in plain.boxes:
                plain.tokens = {one: of for one, of in plain.tokens.items() if one not in own} | dict.fromkeys(living, box)


@settings(deadline=None, max_examples=200)
@given(st.lists(steps, max_size=30), moments, st.none() | moments)
def test_what_is_packed_answers_as_plain_dicts_do(taken: list[Any], at: Instant, known_at: Instant | None) -> None:
    packed, plain = PackedFleet(), Plain()
    for step in taken:
        take(step, packed, plain)
    assert len(packed) == len(plain.boxes)
    for box in BOXES:
        known = plain.boxes.get(box)
        assert packed.box(box) == known
        assert packed.line_of(box, at, known_at) == plain.line_of(box, at, known_at)
        assert packed.interface_of(box, at, known_at) == plain.interface_of(box, at, known_at)
        kind = packed.kind_of(box, at, known_at)
        assert (kind is None) == (known is None)
        if kind is not None and known is not None:
            assert (kind.model, kind.serial) == (known.model, known.serial)
            assert kind.identity is plain.identity_of(box, at, known_at)
            assert kind.interface == plain.interface_of(box, at, known_at)
    for line in LINES:
        there = [box for box in plain.came.get(line, ()) if plain.line_of(box, at, known_at) == line]
        assert packed.boxes_at(line, at, known_at) == there
        assert packed.operator_of(line) == plain.operators.get(line)
    for digest in DIGESTS:
        assert packed.box_of_token(digest) == plain.tokens.get(digest)
    counted = {box: plain.operators.get(line) for box in plain.boxes if (line := plain.line_of(box, at, known_at)) is not None}
    standing = {box: operator for box, operator in counted.items() if operator is not None}
    assert dict(packed.standing(at, known_at)) == standing
    together: Counter[tuple[OperatorId, Any]] = Counter()
    for operator, kind, count in packed.counted(at, known_at, {OperatorId("Free")}):
        together[operator, kind] += count
    apart = ((operator, box, packed.kind_of(box, at, known_at)) for box, operator in standing.items())
    assert together == Counter(
        (operator, kind if operator == "Free" or kind is None else msgspec.structs.replace(kind, box=ANY_BOX, serial=""))
        for operator, box, kind in apart
    )
    for serial in {box.serial for box in plain.boxes.values()}:
        assert sorted(box.id for box in packed.of_serial(serial)) == sorted(
            box.id for box in plain.boxes.values() if box.serial == serial
        )


def test_facts_that_follow_what_is_known_are_written_once() -> None:
    packed, box = PackedFleet(), BoxId(new_id())
    packed.put_box(Box(id=box, model=BoxModelId("m"), serial="s", label="l"))
    facts = [BoxAssignment(box=box, line=LINES[n % 2], valid_from=Instant(n), recorded_at=Instant(n)) for n in range(50)]
    for count in range(1, 51):
        packed.put_assignments(box, facts[:count])
        packed.put_assignments(box, facts[:count])
    once = PackedFleet()
    once.put_box(Box(id=box, model=BoxModelId("m"), serial="s", label="l"))
    for fact in facts:
        once.add_assignment(fact)
    assert packed.weight == once.weight


def test_a_key_is_found_among_many_that_begin_alike() -> None:
    rows = KeyedRows(16, "i")
    made = {bytes(8) + number.to_bytes(8, "big"): number for number in range(2_000)}
    for key, number in made.items():
        rows.add(key, number)
    assert all(rows.read(rows.find(key)) == (key, number) for key, number in made.items())
    assert rows.find(b"\xff" * 16) == -1


def test_a_field_that_does_not_fit_changes_nothing() -> None:
    rows = Rows("ii")
    rows.add(1, 2)
    with pytest.raises(Exception, match="format requires"):
        rows.write(0, 3, 2**40)
    with pytest.raises(Exception, match="format requires"):
        rows.add(3, 2**40)
    assert (len(rows), rows.read(0)) == (1, (1, 2))


@given(st.lists(st.binary(max_size=600)))
def test_texts_keep_their_places(kept: list[bytes]) -> None:
    texts = Texts()
    places = [texts.add(one) for one in kept]
    assert [texts.read(place) for place in places] == kept


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads change places every few microseconds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurried")
def test_a_reader_never_sees_half_a_change() -> None:
    """All of a box says the same number, whichever moment a reader looks at it; and boxes that are there stay found."""
    packed, one, rounds = PackedFleet(), BoxId(new_id()), 1_500
    kept = [BoxId(new_id()) for _ in range(50)]
    for box in (one, *kept):
        packed.put_box(Box(id=box, model=BoxModelId("0"), serial="0", label="0"))
    stop, wrong, looks = threading.Event(), [], [0]

    def read() -> None:
        while not stop.is_set():
            looks[0] += 1
            box = packed.box(one)
            said = (
                {box.model, box.serial, box.label, *filter(None, (box.installed_release, box.confirmed_release))}
                if box
                else set()
            )
            if len(said) != 1 or any(packed.box(other) is None for other in kept[:5]):
                wrong.append(said)
            line = packed.line_of(one, Instant(rounds), None)
            there = packed.boxes_at(line, Instant(rounds), None) if line is not None else [one]
            if there != [one] and packed.line_of(one, Instant(rounds), None) == line:
                wrong.append(line)

    pool = ThreadPoolExecutor(3)
    readers = [pool.submit(read) for _ in range(3)]
    for number in range(1, rounds):
        word = str(number)
        packed.put_box(
            Box(id=one, model=BoxModelId(word), serial=word, label=word, installed_release=word, confirmed_release=word)
        )
        packed.add_assignment(
            BoxAssignment(box=one, line=LineId(new_id()), valid_from=Instant(number), recorded_at=Instant(number))
        )
        packed.put_box(Box(id=BoxId(new_id()), model=BoxModelId("0"), serial="0", label="0"))
    stop.set()
    for reader in readers:
        reader.result(20)
    assert not wrong
    assert looks[0] > 0


def test_a_reader_that_looks_for_a_model_gives_it_no_number() -> None:
    fleet = PackedFleet()
    fleet.put_box(Box(id=BOXES[0], model=BoxModelId("one"), serial="s", label=""))
    before = list(fleet._models)
    assert fleet.rows_of([], {(BoxModelId("nobody's"), "s")}) == frozenset()
    assert list(fleet._models) == before, "two threads that write at once give one number twice"
    assert fleet.rows_of([], {(BoxModelId("one"), "s")}) == {0}
