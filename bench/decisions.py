"""Decisions: how many a second on one core, a whole fleet decided anew, and what a million boxes weigh.

    python -m bench.decisions

Twenty operators, ten services at each, every launch with a rule in CEL: 200 rules. Boxes are of forty models and three
interfaces. Baseline: one bare CEL call for each decision, of the same rules on the same boxes, in turns, in the same process.
Every answer can be explained on demand: what is kept is kept by kind of box, and `explain` decides any one anew.
"""

import random
import resource
import time
from collections.abc import Callable
from dataclasses import replace

import cel

from bench.rows import Row, compared, table
from matinee.base.clock import DAY, Instant
from matinee.base.ids import AgreementId, BoxId, BoxModelId, LaunchId, LineId, OperatorId, ServiceId, new_id
from matinee.carriage.expressions import facts_of
from matinee.carriage.model import Agreement, AgreementStatus, BoxView, Launch, LaunchState
from matinee.carriage.snapshot import Carriage
from matinee.fleet.model import Box, BoxAssignment, BoxInterface, BoxModel, Interface, Line, Operator
from matinee.fleet.snapshot import Fleet

OPERATORS, SERVICES, MODELS = 20, 10, 40
BOXES = 200_000
CALLS = 40_000
TURNS = 5
NOW = Instant(1_412_244_000_000)
GOAL_RATE = 100_000
GOAL_FLEET_SECONDS = 60
GOAL_MB = 300
FLEET = 5_000_000


def run() -> list[Row]:
    fleet, carriage, services = _installation()
    before = _resident_mb()
    _fill(fleet)
    weighs = (_resident_mb() - before) * 1_000_000 / BOXES
    boxes = list(fleet.boxes_by_operator(NOW))
    draw = random.Random(2014)
    asked = draw.sample(boxes, CALLS // SERVICES)
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
    carriage.put(*_records(services))
    whole = _timed(lambda: carriage.reach(services[0], NOW))
    seconds = whole * FLEET / BOXES
    return [
        _against(rate, rate.value >= GOAL_RATE, f">= {GOAL_RATE:,}/s"),
        _against(
            compared(
                f"{FLEET // 1_000_000} million boxes decided anew, from {BOXES:,}", [seconds], [whole], "s", "measured", None
            ),
            seconds < GOAL_FLEET_SECONDS,
            f"< {GOAL_FLEET_SECONDS} s",
        ),
        _against(
            compared(f"a million boxes in memory, from {BOXES:,}", [weighs], [weighs * BOXES / 1e6], "MB", "measured", None),
            weighs <= GOAL_MB,
            f"<= {GOAL_MB} MB",
        ),
    ]


def _against(row: Row, holds: bool, goal: str) -> Row:
    return replace(row, goal=goal, verdict="meets" if holds else "misses")


def _installation() -> tuple[Fleet, Carriage, list[ServiceId]]:
    fleet = Fleet()
    fleet._operators = {
        _operator(n): Operator(id=_operator(n), name=f"{n}", country="FR", timezone="UTC") for n in range(OPERATORS)
    }
    fleet._models = {
        _id(n): BoxModel(
            id=_id(n),
            oui="00AFFF",
            product_class=f"P{n}",
            name=f"Model {n}",
            capabilities={"codecs": ["avc1", "av01"][: 1 + n % 2], "memory_mb": 256 * (1 + n % 8)},
        )
        for n in range(MODELS)
    }
    services = [ServiceId(f"service{number}") for number in range(SERVICES)]
    carriage = Carriage(fleet)
    carriage.put(*_records(services))
    return fleet, carriage, services


def _records(services: list[ServiceId]) -> tuple[list[Agreement], list[Launch]]:
    agreements, launches = [], []
    for place in range(OPERATORS):
        for number, service in enumerate(services):
            both = {"operator": _operator(place), "service": service, "valid_from": Instant(0), "recorded_at": Instant(0)}
            agreements.append(Agreement(id=AgreementId(""), status=AgreementStatus.SIGNED, **both))
            launch = Launch(id=LaunchId(""), state=LaunchState.OPEN, technical_at=Instant(0), rule=_rule(number), **both)
            launches.append(launch)
    return agreements, launches


def _fill(fleet: Fleet) -> None:
    draw = random.Random(461)
    interfaces = [Interface(product="polaris", version=version) for version in ("1", "2", "2.1")]
    for _ in range(BOXES):
        box, line = BoxId(new_id()), LineId(new_id())
        fleet._boxes[box] = Box(id=box, model=_id(draw.randrange(MODELS)), serial=box[:12], label="Salon")
        fleet._lines[line] = Line(id=line, operator=_operator(draw.randrange(OPERATORS)), reference=line[:12])
        fleet._assignments[box] = (BoxAssignment(box=box, line=line, valid_from=Instant(0), recorded_at=Instant(0)),)
        fleet._boxes_of[line] = (box,)
        seen = BoxInterface(box=box, interface=draw.choice(interfaces), valid_from=Instant(NOW - DAY), recorded_at=NOW)
        fleet._interfaces[box] = (seen,)


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
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(table(run()))
