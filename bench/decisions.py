"""Decisions: how many a second on one core, a whole fleet decided anew, what a million boxes weigh, how long they load.

    python -m bench.decisions

Twenty operators, ten services at each, every launch with a rule in CEL: 200 rules. Boxes are of forty models and three
interfaces, each at a line of its own, with a key, a token, a label, a confirmed release; one in ten has moved once. They are
written to a SQLite database and loaded from it. Baseline of a decision: one bare CEL call for each, of the same rules on the
same boxes, in turns, in the same process. Baseline of the load: the same rows read by the database's driver alone.
Every answer can be explained on demand: what is kept is kept by kind of box, and `explain` decides any one anew.
"""

import base64
import gc
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cel
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bench.rows import Row, compared, table
from matinee.app.tables import metadata
from matinee.base.clock import DAY, Instant
from matinee.base.ids import AgreementId, BoxId, BoxModelId, LaunchId, OperatorId, ServiceId, new_id
from matinee.carriage.expressions import facts_of
from matinee.carriage.model import Agreement, AgreementStatus, BoxView, Launch, LaunchState
from matinee.carriage.snapshot import Carriage
from matinee.fleet import store
from matinee.fleet.snapshot import Fleet
from matinee.outside.database import Database

OPERATORS, SERVICES, MODELS = 20, 10, 40
BOXES = 1_000_000
CALLS = 40_000
TURNS = 5
NOW = Instant(1_412_244_000_000)
GOAL_RATE = 100_000
GOAL_FLEET_SECONDS = 60
GOAL_MB = 300
FLEET = 5_000_000
_AT_ONCE = 10_000


def run() -> list[Row]:
    services = [ServiceId(f"service{number}") for number in range(SERVICES)]
    fleet = Fleet()
    carriage = Carriage(fleet)
    carriage.put(*records(services))
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        file = Path(name) / "boxes.db"
        database = Database(f"sqlite:///{file}")
        metadata.create_all(database.engine)
        fill(database, BOXES)
        bare = _timed(lambda: _read_alone(file))
        gc.collect()
        before = _resident_mb()
        with database.read() as conn:
            loading = _timed(lambda: fleet.load(conn))
        gc.collect()
        weighs = (_resident_mb() - before) * 1_000_000 / BOXES
        asked = random.Random(2014).sample(list(fleet.boxes_by_operator(NOW)), CALLS // SERVICES)
        with database.read() as conn:
            few = _some(conn, fleet, [box for box, _ in asked])
        database.close()
    load = compared(f"snapshot load, {BOXES:,} boxes, from SQLite", [loading], [bare], "s", "the rows read alone", None)
    others = Carriage(few)
    others.put(*records(services))
    return [*_decided(fleet, carriage, services, asked), _flat(carriage, others, asked), _weight(weighs), load]


def _some(conn: Connection, fleet: Fleet, boxes: list[BoxId]) -> Fleet:
    """A fleet of these boxes alone."""
    made = Fleet()
    made.put(
        operators=store.all_operators(conn),
        models=store.all_models(conn),
        lines=store.lines_of(conn, [line for box in boxes if (line := fleet.line_of(box, NOW)) is not None]),
        boxes=store.boxes_of(conn, boxes),
        assignments=store.assignments_of(conn, boxes),
        interfaces=store.interfaces_of(conn, boxes),
    )
    return made


def _flat(many: Carriage, few: Carriage, asked: list[tuple[BoxId, OperatorId]]) -> Row:
    """One box looked up and decided, among all boxes and among few."""

    def one(carriage: Carriage) -> float:
        return _timed(lambda: [carriage.seen(of, [carriage.view_of(box, NOW)], NOW) for box, of in asked]) / len(asked) * 1e6

    ours, theirs = [], []
    for _ in range(TURNS + 1):
        ours.append(one(many))
        theirs.append(one(few))
    name = f"one box decided among {BOXES:,}"
    return compared(name, ours[1:], theirs[1:], "us", f"among {len(asked):,}", None, most=2.0)


def _weight(weighs: float) -> Row:
    row = compared(f"a million boxes in memory, {BOXES:,} loaded", [weighs], [_AS_OBJECTS_MB], "MB", "four objects each", None)
    return _against(row, weighs <= GOAL_MB, f"<= {GOAL_MB} MB")


_AS_OBJECTS_MB = 1_069.0
"""What they weighed as one msgspec object for box, line, assignment and interface each, without keys and tokens."""


def _decided(fleet: Fleet, carriage: Carriage, services: list[ServiceId], asked: list[tuple[BoxId, OperatorId]]) -> list[Row]:
    programs = [cel.compile(_rule(number)) for number in range(SERVICES)]
    facts = [{"box": facts_of(carriage.view_of(box, NOW), fleet.model(_model(carriage.view_of(box, NOW))))} for box, _ in asked]

    def ours() -> None:
        for box, operator in asked:
            carriage.seen(operator, [carriage.view_of(box, NOW)], NOW)

    def bare() -> None:
        for one in facts:
            for program in programs:
                program.execute(one)

    mine, theirs = [], []
    for _ in range(TURNS):
        mine.append(CALLS / _timed(ours))
        theirs.append(CALLS / _timed(bare))
    rate = compared("decisions on one core, 200 rules, kinds kept", mine, theirs, "/s", "one bare CEL call each", None)
    carriage.put([], [])
    carriage.put(*records(services))
    whole = _timed(lambda: carriage.reach(services[0], NOW))
    seconds = whole * FLEET / BOXES
    name = f"{FLEET // 1_000_000} million boxes decided anew, from {BOXES:,}"
    anew = compared(name, [seconds], [whole], "s", "measured", None)
    return [
        _against(rate, rate.value >= GOAL_RATE, f">= {GOAL_RATE:,}/s"),
        _against(anew, seconds < GOAL_FLEET_SECONDS, f"< {GOAL_FLEET_SECONDS} s"),
    ]


def _against(row: Row, holds: bool, goal: str) -> Row:
    return replace(row, goal=goal, verdict="meets" if holds else "misses")


def records(services: list[ServiceId]) -> tuple[list[Agreement], list[Launch]]:
    agreements, launches = [], []
    for place in range(OPERATORS):
        for number, service in enumerate(services):
            both = {"operator": _operator(place), "service": service, "valid_from": Instant(0), "recorded_at": Instant(0)}
            agreements.append(Agreement(id=AgreementId(""), status=AgreementStatus.SIGNED, **both))
            launch = Launch(id=LaunchId(""), state=LaunchState.OPEN, technical_at=Instant(0), rule=_rule(number), **both)
            launches.append(launch)
    return agreements, launches


Puts = Callable[[Connection, sa.Table, list[dict[str, Any]]], object]


def insert_rows(conn: Connection, into: sa.Table, rows: list[dict[str, Any]]) -> None:
    conn.execute(sa.insert(into), rows)


def fill(database: Database, boxes: int, put: Puts = insert_rows) -> None:
    """Write operators, models and boxes with all that belongs to them, in batches, as an import would."""
    draw = random.Random(461)
    with database.write() as conn:
        for n in range(OPERATORS):
            operator = {"id": _operator(n), "name": f"{n}", "country": "FR", "timezone": "UTC", "created_at": NOW}
            conn.execute(sa.insert(store.operators).values(operator))
        for n in range(MODELS):
            can = {"codecs": ["avc1", "av01"][: 1 + n % 2], "memory_mb": 256 * (1 + n % 8)}
            model = {"id": _id(n), "oui": "00AFFF", "product_class": f"P{n}", "name": f"Model {n}", "capabilities": can}
            conn.execute(sa.insert(store.box_models).values(model))
        for _ in range(boxes // _AT_ONCE):
            rows: dict[sa.Table, list[dict[str, Any]]] = {}
            for _ in range(_AT_ONCE):
                for into, row in _box(draw):
                    rows.setdefault(into, []).append(row)
            for into, many in rows.items():
                put(conn, into, many)


def _box(draw: random.Random) -> Iterator[tuple[sa.Table, dict[str, Any]]]:
    box, line, x = new_id(), new_id(), base64.urlsafe_b64encode(draw.randbytes(32)).decode().rstrip("=")
    version = draw.choice(("1", "2", "2.1"))
    key = {"kty": "EC", "crv": "P-256", "x": x, "y": x}
    proved = {"installed_release": version, "confirmed_release": version, "confirmed_at": NOW, "last_seen": NOW}
    told = {"model_id": _id(draw.randrange(MODELS)), "serial": box[:12], "label": "Salon", "identity": "verified"}
    yield store.boxes, {"id": box, "public_key": key, **told, **proved}
    yield store.lines, {"id": line, "operator_id": _operator(draw.randrange(OPERATORS)), "reference": line[:12]}
    stands = {"box_id": box, "line_id": line, "valid_to": None}
    for moment in (0, DAY) if draw.random() < 0.1 else (0,):
        yield store.box_assignments, {"id": new_id(), "valid_from": moment, "recorded_at": moment, **stands}
    ran = {"box_id": box, "product": "polaris", "version": version, "valid_from": NOW - DAY, "valid_to": None}
    yield store.box_interfaces, {"id": new_id(), "recorded_at": NOW, **ran}
    yield store.box_tokens, {"digest": draw.randbytes(32).hex(), "box_id": box, "created_at": NOW, "revoked_at": None}


def _read_alone(file: Path) -> None:
    connection = sqlite3.connect(file)
    for name in ("lines", "boxes", "box_assignments", "box_interfaces", "box_tokens"):
        for _ in connection.execute(f"SELECT * FROM {name}"):
            pass
    connection.close()


def _rule(number: int) -> str:
    return f'box.memory_mb >= {256 * (number % 4)} && box.version_major >= {number % 3} && "avc1" in box.codecs'


def _operator(number: int) -> OperatorId:
    return OperatorId(f"operator{number}")


def _id(number: int) -> BoxModelId:
    return BoxModelId(f"model{number}")


def _model(view: BoxView) -> BoxModelId:
    assert view.model is not None
    return view.model


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    print(table(run()))
