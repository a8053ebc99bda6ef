"""The home screen among a million households on PostgreSQL, beside one among a hundred thousand and a bare ASGI answer.

    python -m bench.homes [MANY]       of a million households by default

Each household has a line, a box, two profiles, a plan sold by its operator, and two films under way; boxes, operators and
launches are those of `bench.decisions`. All is written by COPY into a database of its own, and read from there by the real web
app, as it starts, once the database has cleared up (VACUUM, CHECKPOINT). Homes are asked for over one connection, one after
another, in turns: the large service, the small one, the bare answer. Each asks for another home than the one before, so most of
what is read was not read lately.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bench.asking import Server, ask, bare, connected, serving
from bench.catalogue_data import make_titles
from bench.decisions import fill, records
from bench.rows import Row, compared, table
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.clock import DAY, Instant
from matinee.base.ids import BoxId, HouseholdId, ServiceId, new_id
from matinee.carriage import store as carriage_store
from matinee.catalogue import store as catalogue_store
from matinee.fleet import store as fleet_store
from matinee.members import plan_store
from matinee.members import store as members_store
from matinee.parties import store as parties_store
from matinee.playback import store as playback_store

NAME = "bench.homes"
MANY, FEW = 1_000_000, 100_000
SERVICES, TITLES = 10, 1_000
HOMES, ROUNDS = 1_500, 3
SECONDS_TO_LOAD = 900
WITHIN_MS, FLAT_GOAL = 10, 1.5


@dataclass(frozen=True, slots=True)
class Filled:
    """A database, and the requests for the homes of some of its boxes."""

    url: str
    folder: Path
    asked: tuple[bytes, ...]


def run(many: int = MANY) -> list[Row]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="matinee-bench-")))
        new_url = stack.enter_context(_postgres())
        large, small = (_filled(folder / f"{count}", new_url(), count) for count in (many, FEW))
        servers, loads = [], []
        for filled in (large, small):
            began = time.monotonic()
            web = serving(NAME, "web", str(filled.folder), filled.url, patience=SECONDS_TO_LOAD)
            servers.append(stack.enter_context(web))
            loads.append(time.monotonic() - began)
        plain = stack.enter_context(serving(NAME, "bare"))
        weighs = [_resident_mb(server) for server in servers]
        times = _in_turns(stack, [*servers, plain], [large.asked, small.asked, large.asked])
    return _rows(times, many, loads, weighs)


def _rows(times: Sequence[Sequence[Sequence[float]]], many: int, loads: Sequence[float], weighs: Sequence[float]) -> list[Row]:
    p99, p50 = ([[_part(one, share) for one in rounds] for rounds in times] for share in (0.99, 0.5))
    among = f"among {FEW:,}"
    worst = compared(f"a home among {many:,} households, PostgreSQL, p99", p99[0], p99[2], "ms", "bare ASGI answer", None)
    meets = "meets" if worst.value <= WITHIN_MS else "misses"
    return [
        replace(worst, goal=f"<= {WITHIN_MS} ms", verdict=meets),
        compared("the same beside a smaller service", p99[0], p99[1], "ms", among, None, most=FLAT_GOAL),
        compared("the same, median", p50[0], p50[1], "ms", among, None),
        compared(f"a web process of {many:,} households", weighs[:1], weighs[1:], "MB", among, None),
        compared("until it answers", loads[:1], loads[1:], "s", among, None),
    ]


def _part(times: Sequence[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)]


def _in_turns(stack: ExitStack, servers: Sequence[Server], asked: Sequence[Sequence[bytes]]) -> list[list[list[float]]]:
    """Milliseconds of each answer, by server and round."""
    socks = [stack.enter_context(closing(connected(server))) for server in servers]
    times: list[list[list[float]]] = [[[] for _ in range(ROUNDS)] for _ in servers]
    for number in range(ROUNDS):
        for place in range(HOMES):
            for which, sock in enumerate(socks):
                began = time.perf_counter()
                ask(sock, asked[which][place])
                times[which][number].append((time.perf_counter() - began) * 1000)
    return times


@contextmanager
def _postgres() -> "Iterator[Callable[[], str]]":
    from tests.databases import PostgresServer

    with tempfile.TemporaryDirectory(prefix="matinee-bench-pg-") as name:
        Path(name).chmod(0o755)
        server = PostgresServer(Path(name))
        try:
            yield server.new_database_url
        finally:
            server.stop()


def _open(folder: Path, url: str) -> AbstractContextManager[Installation]:
    return open_installation(load_settings(folder, {}, log_level="error", database_url=url))


def _filled(folder: Path, url: str, count: int) -> Filled:
    folder.mkdir()
    draw, now = random.Random(2014), read_clock()
    with _open(folder, url) as installation:
        with installation.database.write() as conn:
            publisher = parties_store.ensure_publisher(conn, "Bench", "EUR", now)
            named = [catalogue_store.ensure_service(conn, publisher.id, f"Service {one}", now=now) for one in range(SERVICES)]
            services = [service.id for service in named]
            plan, _ = plan_store.ensure_plan(conn, named[0], "Tout", now, actor=NAME)
            titles = make_titles(TITLES, None, publisher=publisher.id, service=services[0])
            catalogue_store.insert_many(conn, titles, now)
        writer = _Writer(plan.id, [title.id for title in titles], now, draw, count)
        fill(installation.database, count, writer.put)
        with installation.database.write() as conn:
            _carry(conn, services, now)
            asked = [_home_of(str(fleet_store.mint_box_token(conn, box, now)), home) for box, home in writer.some()]
        _settle(installation)
    return Filled(url, folder, tuple(asked))


def _settle(installation: Installation) -> None:
    """Let the database do what it does by itself within the hour: else its own work on new rows falls among the homes."""
    with installation.database.engine.connect() as conn:
        alone = conn.execution_options(isolation_level="AUTOCOMMIT")
        for word in ("VACUUM ANALYZE", "CHECKPOINT"):
            alone.execute(sa.text(word))


def _carry(conn: Connection, services: list[ServiceId], now: Instant) -> None:
    agreements, launches = records(services)
    for agreement in agreements:
        carriage_store.ensure_agreement(conn, agreement.operator, agreement.service, agreement.status, now, actor=NAME)
    for launch in launches:
        carriage_store.record_launch(conn, launch, now, actor=NAME)


class _Writer:
    """Writes what `bench.decisions.fill` makes, and a household with what it has for each line of it."""

    def __init__(self, plan: str, titles: Sequence[str], now: Instant, draw: random.Random, count: int) -> None:
        self._plan, self._titles, self._now, self._draw = plan, titles, now, draw
        self._wanted = set(draw.sample(range(count), HOMES))
        self._written = 0
        self._lines: dict[str, HouseholdId] = {}
        self._profile: dict[HouseholdId, str] = {}
        self._some: list[tuple[BoxId, str]] = []

    def put(self, conn: Connection, into: sa.Table, rows: list[dict[str, Any]]) -> None:
        copy_rows(conn, into, rows)
        if into is fleet_store.lines:
            self._lines.clear()
            self._profile.clear()
            made: dict[sa.Table, list[dict[str, Any]]] = {}
            for line in rows:
                for table_, row in self._household(line["id"], line["operator_id"]):
                    made.setdefault(table_, []).append(row)
            for table_, many in made.items():
                copy_rows(conn, table_, many)
        elif into is fleet_store.box_assignments:
            first = {row["box_id"]: row["line_id"] for row in rows}
            for box, line in first.items():
                if self._written in self._wanted:
                    self._some.append((BoxId(box), self._profile[self._lines[line]]))
                self._written += 1

    def some(self) -> list[tuple[BoxId, str]]:
        """Boxes with the first profile of their household, in no order."""
        self._draw.shuffle(self._some)
        return self._some

    def _household(self, line: str, operator: str) -> Iterator[tuple[sa.Table, dict[str, Any]]]:
        home, own, now = HouseholdId(new_id()), [new_id(), new_id()], self._now
        self._lines[line], self._profile[home] = home, own[0]
        recorded = {"valid_from": now - DAY, "valid_to": None, "recorded_at": now - DAY}
        yield members_store.households, {"id": home, "reference": home, "created_at": now}
        yield members_store.household_assignments, {"id": new_id(), "line_id": line, "household_id": home, **recorded}
        for place, (who, age) in enumerate(zip(own, (18, 10), strict=True)):
            told = {"name": f"{place}", "color": "#c8553d", "age_class": age, "language": "fr", "audio_language": "fr"}
            yield members_store.profiles, {"id": who, "household_id": home, "place": place, **told}
        sold = {"plan_id": self._plan, "operator_id": operator, "state": "active", "seller": operator, "reference": home}
        yield plan_store.subscriptions, {"id": new_id(), "household_id": home, **recorded, **sold}
        for number, title in enumerate(self._draw.sample(self._titles, 2)):
            where = {"position_ms": 600_000, "duration_ms": 5_400_000, "completed": False, "session": new_id(), "sequence": 1}
            yield (
                playback_store.places,
                {
                    "profile": own[0],
                    "title": title,
                    "household": home,
                    "counted_at": now - number * 1000,
                    **where,
                },
            )


def copy_rows(conn: Connection, into: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Rows of the same columns into a table of PostgreSQL, by COPY."""
    names = list(rows[0])
    kinds = [into.c[name].type.dialect_impl(conn.dialect).bind_processor(conn.dialect) for name in names]
    cursor = conn.connection.cursor()
    with cursor.copy(f"COPY {into.name} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([kind(row[name]) if kind else row[name] for name, kind in zip(names, kinds, strict=True)])


def _home_of(token: str, profile: str) -> bytes:
    return (
        f"GET /api/v1/home?profile={profile} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        "Accept: application/json\r\n\r\n"
    ).encode()


def _resident_mb(server: Server) -> float:
    status = Path(f"/proc/{server[1]}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _serve(kind: str, arguments: Sequence[str], port: int) -> None:
    import uvicorn

    from matinee.app.wiring import build_web

    if kind == "bare":
        uvicorn.run(bare, port=port, log_level="error", access_log=False)
        return
    folder, url = arguments
    with _open(Path(folder), url) as installation:
        uvicorn.run(build_web(installation, landing=lambda: ""), port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        _serve(sys.argv[1], sys.argv[2:-1], int(sys.argv[-1]))
    else:
        print(table(run(*(int(word) for word in sys.argv[1:]))))
