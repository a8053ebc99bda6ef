"""A film encoded in chunks over one plain run of ffmpeg that makes the same rungs, in turns.

    python -m bench.chunks

Ours is all that an ingest encodes: chunks of 20 s, as many at once as a worker takes on this machine, beside them sound, pictures
and the checksums of the whole film; then comparing and joining. The plain run is `bench.film.plain_command`.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.film import plain_command, whole_film
from bench.rows import Row, compared, table
from matinee.app.settings import Settings
from matinee.base.units import DurationMs
from matinee.encoding import work as encoding
from matinee.encoding.chunks import cut
from matinee.encoding.joining import HereMaker, encode_in_parts
from matinee.encoding.ladder import FIXED_V1
from matinee.outside.tools import find_tools

ROUNDS = 3
GOAL = 1.1
LADDER = msgspec.structs.replace(FIXED_V1, chunk_ms=DurationMs(20_000))
LONGEST_SECONDS = 600


def run() -> list[Row]:
    tools = find_tools()
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        folder = Path(name)
        film = whole_film(folder)
        plan = encoding.plan(encoding.probe(film, tools), LADDER)
        argv = plain_command(plan, film, tools)
        at_once = Settings().parts_at_once
        ours, theirs = [], []
        for number in range(ROUNDS):
            place = folder / f"ours{number}"
            place.mkdir()
            maker = HereMaker(film, "0" * 64, place / "parts", tools, at_once)
            ours.append(_timed(lambda place=place, maker=maker: encode_in_parts(plan, film, place, maker, tools, lambda _: None)))
            plain = folder / f"plain{number}"
            plain.mkdir()
            theirs.append(_timed(lambda place=plain: subprocess.run(argv, cwd=place, check=True, timeout=LONGEST_SECONDS)))
        chunks = len(cut(plan).chunks)
    baseline = f"plain ffmpeg, {film.name}"
    what = f"encode in {chunks} chunks, {at_once} parts at once on {os.cpu_count()} cores, wall time"
    return [compared(what, ours, theirs, "s", baseline, None, most=GOAL)]


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    print(table(run()))
