"""POST /api/v1/playback with rights, limits and licence, and heartbeats, over a bare ASGI answer, in turns.

    python -m bench.plays

The service is the whole web app over a database file, nothing in it replaced: boxes of twenty operators at their lines, each in a
home that has a plan of its operator's with a limit of streams; launches with rules in CEL; forty films with keys of their own. A
play decides what the box may see, whether its home subscribes and whether a stream is left, and answers with the film's licence.
In each round every home begins a film, and ends it unmeasured before the next. The bare answer is given by the same program.
Heartbeats are answered from memory and written down together each half second; the last row tells what a thousand of them take,
written so.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from bench.asking import ROUNDS, Server, Turns, ask_all, bare, in_turns, post, rows_of, serving
from bench.carriage import HOMES, Filled, filled, opened
from bench.catalogue_data import make_titles
from bench.cpu import cpu_seconds
from bench.rows import Row, compared, table
from matinee.app.installation import read_clock
from matinee.base.clock import DAY, Instant
from matinee.base.ids import HouseholdId, ProfileId, SessionId, TitleId
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue import store as catalogue_store
from matinee.fleet.snapshot import Fleet
from matinee.library import store as library_store
from matinee.members import plan_store
from matinee.members.model import SubscriptionState
from matinee.members.snapshot import Members
from matinee.playback import store as playback_store
from matinee.playback.model import Place

NAME = "bench.plays"
BOXES, TITLES, STREAMS = 20_000, 40, 2
PLAY_ROUNDS = 15
PLAY_GOAL, BEAT_GOAL = 0.18, 0.25
WRITTEN = 1_000

Home = tuple[str, str]
"""A box's token, and a profile of its home."""


def run() -> list[Row]:
    """The rows: plays and heartbeats a second and per second of processor time, and the store's."""
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        world = filled(Path(name) / "data", BOXES)
        homes, titles = _with_plans(world)
        with serving(NAME, "bare") as plain, serving(NAME, "web", str(world.folder)) as real:
            played = _played(real, plain, homes, titles)
            answers = ask_all(real, [_play(home, titles[place % TITLES]) for place, home in enumerate(homes)])
            began = [json.loads(answer)["session_id"] for answer in answers]
            sequence = iter(range(10**7))

            def beat() -> bytes:
                at = next(sequence)
                said = {"sequence": at // HOMES, "position_ms": (at // HOMES) * 1000, "state": "playing"}
                return post(f"/api/v1/playback/{began[at % HOMES]}/heartbeat", said, homes[at % HOMES][0])

            heard = in_turns(real, plain, beat)
        written = _written(world)
    return [
        *_judged("POST /playback with rights, limits and licence", played, PLAY_GOAL),
        *_judged("heartbeat of a box, authenticated", heard, BEAT_GOAL),
        written,
    ]


def _judged(name: str, turns: Turns, least: float) -> list[Row]:
    """The goal is of processor time: a core's worth, whatever else the machine does."""
    rate, cpu = rows_of(name, turns, None)
    ratio = cpu.ratio or 0.0
    return [rate, replace(cpu, goal=f"ratio >= {least:g}", verdict="meets" if ratio >= least else "misses")]


def _with_plans(world: Filled) -> tuple[list[Home], list[TitleId]]:
    """Films with keys in the first service, a plan of it for each home; boxes that see it, and the titles."""
    now = read_clock()
    fleet, members = Fleet(), Members()
    with opened(world.folder) as installation:
        with installation.database.read() as conn:
            fleet.load(conn)
            members.load(conn)
            service = catalogue_store.service_of(conn, world.services[0])
        assert service is not None
        titles = make_titles(TITLES, None, publisher=service.publisher, service=service.id)
        homes = []
        with installation.database.write() as conn:
            catalogue_store.insert_many(conn, titles, now)
            for title in titles:
                assert title.playable is not None
                library_store.ensure_keys(conn, installation.master, title.playable.package, title.id, now)
            plan, _ = plan_store.ensure_plan(conn, service, "Tout", now, actor=NAME, streams=STREAMS)
            for box, token in world.homes:
                line = fleet.line_of(box, now)
                home = members.household_at(line, now)
                assert home is not None
                seller, began = fleet.operator_of_line(line), Instant(now - DAY)
                plan_store.record_subscription(
                    conn, home, plan, seller, SubscriptionState.ACTIVE, now, actor=NAME, valid_from=began
                )
                homes.append((token, str(members.profiles(home)[0].id)))
    return homes, [title.id for title in titles]


def _played(real: Server, plain: Server, homes: Sequence[Home], titles: Sequence[TitleId]) -> Turns:
    """Every home begins a film, then as many bare answers; what was begun is ended, as players do, before the next round."""
    turns: Turns = ([], [], [], [])
    for number in range(PLAY_ROUNDS):
        plays = [_play(home, titles[(place + number) % TITLES]) for place, home in enumerate(homes)]
        for which, server in enumerate((real, plain)):
            before, began = cpu_seconds(server[1]), time.monotonic()
            answers = ask_all(server, plays)
            turns[which].append(len(plays) / (time.monotonic() - began))
            turns[which + 2].append(len(plays) / max(cpu_seconds(server[1]) - before, 0.01))
            if server is real:
                begun = [json.loads(answer)["session_id"] for answer in answers]
        said = {"sequence": 1, "position_ms": 1_000}
        ends = [post(f"/api/v1/playback/{one}/end", said, token) for one, (token, _) in zip(begun, homes, strict=True)]
        ask_all(real, ends, statuses=(204,))
    return turns


def _play(home: Home, title: TitleId) -> bytes:
    token, profile = home
    return post("/api/v1/playback", {"title_id": title, "profile_id": profile}, token)


def _written(world: Filled) -> Row:
    """A thousand places in one transaction, over one transaction each."""
    with opened(world.folder) as installation:
        database = installation.database
        together, each = [], []
        for turn in range(ROUNDS):
            places = [_place(number, turn) for number in range(WRITTEN)]
            began = time.monotonic()
            with database.write() as conn:
                playback_store.save_places(conn, places)
            together.append(time.monotonic() - began)
            began = time.monotonic()
            for place in places[: WRITTEN // 10]:
                with database.write() as conn:
                    playback_store.save_places(conn, [msgspec.structs.replace(place, sequence=place.sequence + 1)])
            each.append((time.monotonic() - began) * 10)
    return compared(f"{WRITTEN:,} heartbeats written together", together, each, "s", "a transaction each, of a tenth", None)


def _place(number: int, turn: int) -> Place:
    return Place(
        household=HouseholdId("h"),
        profile=ProfileId(f"profile{number}"),
        title=TitleId("t"),
        position_ms=PositionMs(turn * 10_000),
        duration_ms=DurationMs(5_400_000),
        completed=False,
        session=SessionId("0" * 26),
        sequence=2 * turn,
        counted_at=read_clock(),
    )


def _serve(kind: str, arguments: Sequence[str], port: int) -> None:
    import uvicorn

    from matinee.app.wiring import build_web

    if kind == "bare":
        uvicorn.run(bare, port=port, log_level="error", access_log=False)
        return
    with opened(Path(arguments[0])) as installation:
        uvicorn.run(build_web(installation, landing=lambda: ""), port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _serve(sys.argv[1], sys.argv[2:-1], int(sys.argv[-1]))
    else:
        print(table(run()))
