"""Carriage in the running service: OFREP under load, a change until every process answers by it, a home among more boxes.

    python -m bench.carriage

Twenty operators carry ten services each, every launch with a rule in CEL; boxes are written as `bench.decisions` writes them.
The service is the real web app over a database file. OFREP stands beside a bare ASGI answer on the same server program, in turns.
A change is a launch that is paused and opened again, in the database, by this process: three serving processes are asked by
OFREP until each has turned, and the time runs from the commit. A home is measured as a request has it, from the token to the
bytes of the answer, without HTTP, in this thread's processor time; nothing is kept of it from one to the next.
"""

import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.asking import Server, ask_once, bare, in_turns, rows_of, serving
from bench.catalogue_data import make_titles
from bench.decisions import fill, records
from bench.rows import Row, compared, table
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.ids import BoxId, ServiceId
from matinee.carriage import store as carriage_store
from matinee.carriage.model import LaunchState
from matinee.carriage.snapshot import Carriage, PartySight
from matinee.catalogue import store as catalogue_store
from matinee.catalogue.model import AgeClass, Language
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.view import view_of
from matinee.fleet import store as fleet_store
from matinee.fleet.snapshot import Fleet
from matinee.home.rows import Homes
from matinee.members import store as members_store
from matinee.members.snapshot import Members, Resolver
from matinee.parties import store as parties_store
from matinee.parties.feed import Feed
from matinee.parties.snapshot import ApiKeys, Staff

NAME = "bench.carriage"
FEW, MANY = 20_000, 200_000
SERVICES = 10
HOMES = 500
TITLES = 1_000
CHANGES = 20
PROCESSES = 3
SEEN_WITHIN_SECONDS = 1.0
FLAT_GOAL = 1.5


@dataclass(frozen=True, slots=True)
class Filled:
    """An installation's folder, the key of its publisher, its services, and boxes of homes with their tokens."""

    folder: Path
    key: str
    services: tuple[ServiceId, ...]
    homes: tuple[tuple[BoxId, str], ...]


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        few, many = filled(Path(name) / "few", FEW), filled(Path(name) / "many", MANY)
        return [*_ofrep(few), *_changes(few), *_homes(few, many)]


def opened(folder: Path) -> AbstractContextManager[Installation]:
    return open_installation(load_settings(folder, {}, log_level="error"))


def filled(folder: Path, boxes: int) -> Filled:
    folder.mkdir()
    with opened(folder) as installation:
        now, database = read_clock(), installation.database
        fill(database, boxes)
        fleet = Fleet()
        with database.read() as conn:
            fleet.load(conn)
        asked = random.Random(2014).sample(list(fleet.boxes_by_operator(now)), HOMES)
        with database.write() as conn:
            publisher = parties_store.ensure_publisher(conn, "Bench", "EUR", now)
            named = [catalogue_store.ensure_service(conn, publisher.id, f"Service {one}", now=now) for one in range(SERVICES)]
            services = tuple(service.id for service in named)
            agreements, launches = records(list(services))
            for agreement in agreements:
                carriage_store.ensure_agreement(conn, agreement.operator, agreement.service, agreement.status, now, actor=NAME)
            for launch in launches:
                carriage_store.record_launch(conn, launch, now, actor=NAME)
            homes = []
            for number, (box, _) in enumerate(asked):
                household = members_store.ensure_household(conn, f"home {number}", now)
                line = fleet.line_of(box, now)
                assert line is not None
                members_store.assign_household(conn, line, household.id, now, now)
                members_store.ensure_profile(conn, household.id, "Salon", "#c8553d", AgeClass(18), Language("fr"), now)
                homes.append((box, str(fleet_store.mint_box_token(conn, box, now))))
            key = parties_store.mint_api_key(conn, publisher.id, NAME, now)
    return Filled(folder, key, services, tuple(homes))


def _flag(filled: Filled, box: BoxId, service: ServiceId) -> bytes:
    body = json.dumps({"context": {"targetingKey": box}}).encode()
    return (
        f"POST /ofrep/v1/evaluate/flags/{service} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {filled.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _ofrep(filled: Filled) -> list[Row]:
    asked = [_flag(filled, box, filled.services[n % SERVICES]) for n, (box, _) in enumerate(filled.homes)]
    turn = iter(range(10**7))
    with serving(NAME, "bare") as plain, serving(NAME, "web", str(filled.folder)) as real:
        turns = in_turns(real, plain, lambda: asked[next(turn) % len(asked)])
    return rows_of(f"OFREP, one flag of a box, {HOMES} boxes", turns, None)


def _changes(filled: Filled) -> list[Row]:
    """From the commit of a change until the last of the processes answers by it."""
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(NAME, "web", str(filled.folder))) for _ in range(PROCESSES)]
        installation = stack.enter_context(opened(filled.folder))
        service, box = filled.services[0], _having(filled, servers[0])
        with installation.database.read() as conn:
            operator = _operator_of(filled, box)
            standing = carriage_store.launches_of(conn, operator, service)[-1]
        seen, commits = [], []
        for number in range(CHANGES):
            state = LaunchState.OPEN if number % 2 else LaunchState.PAUSED
            began, now = time.monotonic(), read_clock()
            with installation.database.write() as conn:
                launch = msgspec.structs.replace(standing, state=state, valid_from=now, recorded_at=now)
                carriage_store.record_launch(conn, launch, now, actor=NAME)
            committed = time.monotonic()
            commits.append(committed - began)
            seen.append(_until(servers, _flag(filled, box, service), state is LaunchState.OPEN) - committed)
    row = compared(
        f"a change seen by {PROCESSES} processes, the slowest of {CHANGES}", [max(seen)], [max(commits)], "s", "its commit", None
    )
    holds = row.value <= SEEN_WITHIN_SECONDS
    half = compared("a change seen by all of them, median", seen, commits, "s", "its commit", None)
    return [replace(row, goal=f"<= {SEEN_WITHIN_SECONDS:g} s", verdict="meets" if holds else "misses"), half]


def _having(filled: Filled, server: Server) -> BoxId:
    """A box that has the first service: the rule of some models does not hold."""
    for box, _ in filled.homes:
        if json.loads(ask_once(server[0], _flag(filled, box, filled.services[0])))["value"]:
            return box
    raise SystemExit("bench: no box has the first service.")


def _operator_of(filled: Filled, box: BoxId) -> str:
    with opened(filled.folder) as installation, installation.database.read() as conn:
        fleet = Fleet()
        fleet.load(conn)
    operator = fleet.operator_of_line(fleet.line_of(box, read_clock()))
    assert operator is not None
    return operator


def _until(servers: Sequence[Server], request: bytes, value: bool) -> float:
    """When the last of the servers answered with the value."""
    turned: list[float] = []

    def ask(port: int) -> None:
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            if json.loads(ask_once(port, request))["value"] is value:
                turned.append(time.monotonic())
                return
            time.sleep(0.005)

    threads = [threading.Thread(target=ask, args=(port,)) for port, _ in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(turned) < len(servers):
        raise SystemExit("bench: a process never saw a change.")
    return max(turned)


def _homes(few: Filled, many: Filled) -> list[Row]:
    ours, theirs = _home(many), _home(few)
    encode = msgspec.json.Encoder().encode
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(2):  # the first keeps what decisions keep
        for number in range(HOMES):
            for which, (filled, home) in enumerate(((many, ours), (few, theirs))):
                began = time.thread_time()
                encode(home(filled.homes[number][1]))
                if turn:
                    times[which].append((time.thread_time() - began) * 1000)
    more, fewer = (sorted(taken)[int(len(taken) * 0.99)] for taken in times)
    name = f"a box's home with its decisions, {MANY:,} boxes, p99"
    return [compared(name, [more], [fewer], "ms", f"among {FEW:,} boxes", None, most=FLAT_GOAL)]


def _home(filled: Filled) -> Callable[[str], object]:
    """From a box's token to its home, over snapshots that were loaded from the database, with titles of the first service."""
    keys, staff, fleet, members, catalogue = ApiKeys(), Staff(), Fleet(), Members(), Catalogue()
    carriage = Carriage(fleet)
    with opened(filled.folder) as installation:
        Feed(installation.database, (keys, fleet, members, catalogue, carriage)).poll()
    view = view_of(make_titles(TITLES, None, service=filled.services[0]))
    view.services.update(catalogue.view.services)  # type: ignore[attr-defined]
    catalogue.view = view
    resolver, sights = Resolver(keys, fleet, members, staff), PartySight(carriage, fleet, members, catalogue)

    def home(token: str) -> object:
        now = read_clock()
        party = resolver.resolve(token, now)
        assert party is not None
        profile = members.profiles(party.household)[0].id
        return Homes(catalogue, _Nothing()).home(sights.sight(party, profile, now))  # type: ignore[arg-type]

    return home


class _Nothing:
    """Positions of somebody who has watched nothing."""

    def recent(self, profile: object, limit: int) -> list[object]:
        return []


def _serve(kind: str, folder: str, port: int) -> None:
    import uvicorn

    from matinee.app.wiring import build_web

    if kind == "bare":
        uvicorn.run(bare, port=port, log_level="error", access_log=False)
        return
    with opened(Path(folder)) as installation:
        uvicorn.run(build_web(installation, landing=lambda: ""), port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _serve(sys.argv[1], sys.argv[2], int(sys.argv[-1]))
    else:
        print(table(run()))
