"""One web process of several, for tests: it takes places as asked on standard input, and says on standard output what came of it.

    python -m tests.playback.one_process DATABASE_URL FOLDER [alone]

Each line in is JSON: {"do": "take", "session", "box", "at"} | {"do": "release", "session"} | {"do": "stop"}; so is each line out.
`at` is a moment of the machine's monotonic clock (ns) to wait for, so that several processes begin at the same instant.
"""

import json
import sys
import threading
import time
from pathlib import Path

from matinee.base.clock import Instant
from matinee.base.ids import BoxId, HouseholdId, ProfileId, ServiceId, SessionId, TitleId
from matinee.outside.alone import Alone
from matinee.outside.database import Database
from matinee.playback.leases import Leases
from matinee.playback.streams import Lease

NOW = Instant(1_795_500_000_000)
STEP_SECONDS = 0.05


def main(url: str, folder: str, *rights: str) -> None:
    database = Database(url)
    leases = Leases(database, lambda: NOW, Alone(Path(folder), "web") if rights else None)
    leases.start()
    stopping = threading.Event()

    def steps() -> None:
        while not stopping.wait(STEP_SECONDS):
            leases.step()

    writer = threading.Thread(target=steps)
    writer.start()
    _say({"ready": True, "alone": leases._right.holds})
    for line in sys.stdin:
        told = json.loads(line)
        if told["do"] == "stop":
            break
        if told["do"] == "release":
            if not leases.release_now(told["session"]):
                leases.release(told["session"])
            _say({"released": told["session"]})
            continue
        asks = Lease(
            session=SessionId(told["session"]),
            household=HouseholdId("home"),
            service=ServiceId("service"),
            title=TitleId("title"),
            profile=ProfileId("profile"),
            since=NOW,
            until=Instant(NOW + 35_000),
            token_until=Instant(NOW + 14_400_000),
            box=BoxId(told["box"]),
        )
        while time.monotonic_ns() < told.get("at", 0):
            pass
        judged = leases.take_now(asks, 1, NOW)
        from_memory = judged is not None
        verdict = (judged or leases.take(asks, 1, NOW)).verdict
        _say({"verdict": verdict.value, "from_memory": from_memory})
    stopping.set()
    writer.join()
    leases.close()
    database.close()


def _say(told: dict[str, object]) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
