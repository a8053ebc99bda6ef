"""POST /api/v1/playback, and a heartbeat, over a bare ASGI answer on the same server: uvicorn, one process each, in turns.

    python -m bench.playback          the rows
    python -m bench.playback cost     processor time of one play in the app alone, without server, client and writer

The app is the real one: web app with its middleware, parties by token, policies, the desk, tokens, ClearKey, a database file with
the writer running. The catalogue, the profiles and the library are a few lines in memory each, as their snapshots are in memory
too. A thousand homes play in turn, so that nothing is measured that one warm home would hide.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.asking import ask_once, bare, in_turns, post, rows_of, serving
from bench.rows import Row, table

NAME = "bench.playback"
GOAL = 0.20
HOMES = 1000
MANY = 10**6


def run() -> list[Row]:
    """The rows: plays and heartbeats a second, each over the bare answer to the same request bytes."""
    with tempfile.TemporaryDirectory() as folder, serving(NAME, "bare", folder) as bare, serving(NAME, "real", folder) as real:
        plays = [_play(home) for home in range(HOMES)]
        began = [json.loads(ask_once(real[0], request)) for request in plays]
        sequence = iter(range(MANY))

        def beats() -> bytes:
            at = next(sequence)
            home = at % HOMES
            said = {"sequence": at // HOMES, "position_ms": (at // HOMES) * 1000, "state": "playing"}
            return post(f"/api/v1/playback/{began[home]['session_id']}/heartbeat", said, f"mtb_{home}")

        turn = iter(range(MANY))
        played = in_turns(real, bare, lambda: plays[next(turn) % HOMES])
        heard = in_turns(real, bare, beats)
    return [
        *rows_of("POST /playback, warm, 1,000 homes", played, GOAL),
        *rows_of("heartbeat, stored and answered", heard, GOAL),
    ]


def _play(home: int) -> bytes:
    return post("/api/v1/playback", {"title_id": f"title{home % 40}", "profile_id": f"profile{home}"}, f"mtb_{home}")


def _real(folder: Path) -> Any:
    """The web app over stand-ins of the snapshots: the imports stand here, since the bare server must not carry them."""
    import msgspec

    from matinee.app.repeating import Repeating
    from matinee.app.web import create_web
    from matinee.base.clock import Instant
    from matinee.base.ids import BoxId, HouseholdId, OperatorId, PackageId, ProfileId, ServiceId, TitleId, new_id
    from matinee.base.party import Party, PartyKind
    from matinee.base.units import DurationMs, Pixels
    from matinee.catalogue.model import AgeClass, Language, Sight, StreamTerms, Thumbnails
    from matinee.delivery.control import ControlWriter
    from matinee.delivery.keyring import open_ring
    from matinee.delivery.tokens import TokenMinter, TokenVerifier
    from matinee.outside.alone import Alone
    from matinee.outside.database import Database, metadata
    from matinee.outside.objects import ObjectStore
    from matinee.playback.api import routes
    from matinee.playback.book import Book
    from matinee.playback.leases import Leases
    from matinee.playback.licences import ClearKeyIssuer
    from matinee.playback.model import Addresses, Preferences, Showing
    from matinee.playback.work import Desk

    french, english = Language("fr"), Language("en")
    operator = OperatorId(new_id())
    parties = {
        f"mtb_{home}": Party(kind=PartyKind.BOX, household=HouseholdId(f"home{home}"), box=BoxId(new_id()), operator=operator)
        for home in range(HOMES)
    }
    tile = {"id": new_id(), "kind": "film", "name": "Le phare", "year": 2014, "genres": ["drama", "mystery"]}
    tile |= {"duration_ms": 5_400_000, "age_class": 10, "synopsis_short": "Une lumière sur la mer, et personne pour la garder."}
    tile |= {"artwork": {name: f"/artwork/{new_id()}/{name}.jpg" for name in ("poster", "backdrop", "tile")}}
    wishes = Preferences(audio_language=english, subtitle_language=french)

    class Memory:
        def __init__(self) -> None:
            self.titles = {TitleId(f"title{n}"): self._showing(TitleId(f"title{n}")) for n in range(40)}

        def _showing(self, title: TitleId) -> Showing:
            return Showing(
                title=title,
                service=ServiceId("01hzy3v7k5q8w9x0r2t4b6n8m1"),
                package=PackageId(new_id()),
                duration_ms=DurationMs(5_400_000),
                tile=msgspec.Raw(msgspec.json.encode(tile)),
                markers=msgspec.Raw(b'[{"kind":"intro","start_ms":1000,"end_ms":40000}]'),
                audio=(french, english),
                subtitles=(french, english),
                thumbnails=Thumbnails(
                    path="thumbs/{n}.jpg",
                    columns=5,
                    rows=5,
                    tile_width=Pixels(320),
                    tile_height=Pixels(180),
                    interval_ms=DurationMs(10_000),
                    count=540,
                ),
            )

        def showing(self, title: TitleId, sight: Sight) -> Showing | None:
            return self.titles.get(title)

        def seller_needed(self, party: Party, service: ServiceId, now: Instant) -> None:
            return None

        def terms(self, party: Party, service: ServiceId, now: Instant) -> StreamTerms:
            return StreamTerms(streams=100)

        def label(self, box: BoxId) -> str:
            return "Living room"

        def sight(self, party: Party, profile: str | None, now: Instant, *, playing: bool = False) -> Sight:
            return Sight(
                services=frozenset(),
                searched=frozenset(),
                listed=frozenset(),
                max_age=AgeClass(18),
                operator=party.operator,
                territory="FR",
                now=now,
                language=french,
                profile=ProfileId(profile or ""),
            )

        def preferences(self, household: HouseholdId, profile: ProfileId) -> Preferences:
            return wishes

        def content_keys(self, package: PackageId) -> Mapping[str, str]:
            return {"00112233445566778899aabbccddeeff": "ffeeddccbbaa99887766554433221100"}

    memory, ring = Memory(), open_ring(folder / "token.key")
    clock: Callable[[], Instant] = lambda: Instant(time.time_ns() // 1_000_000)  # noqa: E731
    database = Database(f"sqlite:///{folder / 'bench.db'}")
    metadata.create_all(database.engine)
    book = Book(database, clock)
    leases = Leases(database, clock, Alone(folder, "web"))
    leases.start()
    writer = Repeating("leases", leases.step, 0.5, "leases cannot be written")
    desk = Desk(
        book=book,
        leases=leases,
        screens=memory,
        showings=memory,
        sights=memory,
        plans=memory,
        preferences=memory,
        licences=ClearKeyIssuer(memory),
        minter=TokenMinter(ring),
        verifier=TokenVerifier(ring),
        control=ControlWriter(ObjectStore.local(folder / "published"), ring),
        stops=lambda grant: False,
        may_stop=lambda party, profile, now: None,
        addresses=Addresses(web="https://tv.example", edge="https://edge.example"),
        clock=clock,
    )
    return create_web(
        routes(desk),
        authenticate=lambda token, _now: parties.get(token),
        clock=clock,
        page_policy="default-src 'self'",
        on_startup=[book.start, writer.start],
        on_shutdown=[writer.close, leases.close, book.close],
    )


def _cost(plays: int = 8000) -> None:
    """Print what a play costs from the ASGI call to its answer, and where it goes."""
    import asyncio
    import cProfile
    import pstats

    with tempfile.TemporaryDirectory() as folder:
        app = _real(Path(folder))
        bodies = [json.dumps({"title_id": f"title{n % 40}", "profile_id": f"profile{n}"}).encode() for n in range(HOMES)]
        scope = {"type": "http", "method": "POST", "path": "/api/v1/playback", "raw_path": b"/api/v1/playback"}
        scope |= {"asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "", "query_string": b""}
        scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}

        async def play(home: int) -> None:
            async def receive() -> Any:
                return {"type": "http.request", "body": bodies[home], "more_body": False}

            async def send(message: Any) -> None:
                assert message.get("status", 200) == 200

            headers = [(b"host", b"bench"), (b"authorization", b"Bearer mtb_%d" % home)]
            await app({**scope, "headers": headers, "state": {}}, receive, send)

        async def many(count: int) -> float:
            began = time.process_time()
            for turn in range(count):
                await play(turn % HOMES)
            return (time.process_time() - began) / count * 1e6

        async def measure() -> None:
            await many(2 * HOMES)
            print(f"{await many(plays):.1f} us of processor time for one play")
            profile = cProfile.Profile()
            profile.enable()
            await many(plays)
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(20)

        asyncio.run(measure())


def _serve(kind: str, folder: str, port: int) -> None:
    import uvicorn

    app = bare if kind == "bare" else _real(Path(folder))
    uvicorn.run(app, port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    if sys.argv[1:] == ["cost"]:
        _cost()
    elif len(sys.argv) == 4:
        _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        print(table(run()))
