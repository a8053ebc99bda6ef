"""Workers killed at random while they encode one film together, point after point: does it always end in the same bytes?

    python -m tests.prove_encoding_kills 30 [SEED]

Each point begins with the film handed in to one or two machines over PostgreSQL and S3 (moto), each of which encodes one part
at a time, and kills one or both of them, with all that they started, at a random moment; a killed one comes back, or leaves the
work to the other. One line for each point: when, who, how many parts were begun again, and the verdict. A point falls short where
the bytes differ, something is left behind, or a killed machine costs more than the one part that it had in hand.
"""

import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from matinee.catalogue.work import OutcomeState
from tests.databases import PostgresServer
from tests.films import make_film
from tests.journeys.workers import HandedIn, left_over, objects_of
from tests.s3 import s3_server

AT_ONCE = 1
SECONDS = 300


def prove(points: int, seed: int) -> int:
    """How many points fell short."""
    chance, wrong = random.Random(seed), 0
    folder = Path(tempfile.mkdtemp(prefix="matinee-kills-"))
    server_folder = Path(tempfile.mkdtemp(prefix="matinee-pg-"))
    server = PostgresServer(server_folder)
    try:
        with s3_server() as s3:
            handed = HandedIn(server, s3, folder, make_film(folder / "film.mp4", seconds=25), AT_ONCE)
            began = time.monotonic()
            whole = handed.undisturbed(SECONDS)
            took = time.monotonic() - began
            for number in range(points):
                fine, told = _point(handed, whole, f"point{number}", took, chance)
                wrong += not fine
                print(f"{number + 1:3}. {'HOLDS      ' if fine else 'FALLS SHORT'} {told}", flush=True)
    finally:
        server.stop()
        for left in (folder, server_folder):
            shutil.rmtree(left, ignore_errors=True)
    return wrong


def _point(handed: HandedIn, whole: dict[str, str], name: str, took: float, chance: random.Random) -> tuple[bool, str]:
    machines = handed.copy(name)
    names = chance.choice((("first",), ("first", "second")))
    kills = chance.choice((names, names[:1], names[1:] or names))
    at = chance.uniform(0.1, 0.95) * took / len(names)
    back = len(kills) == len(names) or chance.random() < 0.5
    try:
        workers = {each: machines.start(each) for each in names}
        time.sleep(at)
        for each in kills:
            workers[each].kill()
        if back:
            for each in kills:
                machines.start(each)
        outcome = machines.outcome_within(SECONDS)
        times = Counter(machines.begun())
        again = sum(times.values()) - len(times)
        told = f"{' and '.join(kills)} of {len(names)} at {at:.1f} s, {'back' if back else 'gone'}; {again} parts begun again"
        if outcome is None:
            stuck = "\n".join(worker.tell_where_it_stands() for worker in machines.workers if worker.runs())
            return False, f"{told}; it did not end within {SECONDS} s\n{stuck}"
        if outcome.state is not OutcomeState.PUBLISHED:
            return False, f"{told}; {outcome}"
        if objects_of(machines.machine("asking")) != whole:
            return False, f"{told}; other bytes"
        if again > AT_ONCE * len(kills):
            return False, f"{told}: more than were in hand"
        left = left_over(machines.machine("asking"))
        return not left, f"{told}; {len(whole)} objects as they should be{f'; left: {left[:3]}' if left else ''}"
    finally:
        machines.end()


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    seed = given[1] if len(given) > 1 else random.randrange(10**9)
    print(f"seed {seed}")
    sys.exit(1 if prove(given[0] if given else 30, seed) else 0)
