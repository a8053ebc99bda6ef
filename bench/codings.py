"""What AV1 beside H.264 costs and brings: an encode by `fixed-v2` over one by `fixed-v1`, at each effort, in turns.

    python -m bench codings

Processor time is of the whole encode (one decode, every rung, sound, pictures). Size is that of the rungs of one coding. They are
not of one quality: an AV1 rung holds a quality under a bound, an H.264 one a bitrate. `bench ladders` compares at equal scores.
"""

import resource
import tempfile
from pathlib import Path

from bench.film import short_film
from bench.rows import Row, compared
from matinee.encoding import work as encoding
from matinee.encoding.ladder import FIXED_V1, FIXED_V2, Effort, with_effort
from matinee.encoding.model import Coding, EncodedFilm, Ladder
from matinee.outside.tools import find_tools

SECONDS = 6


def run() -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        film = short_film(Path(name), SECONDS)
        for effort in Effort:
            alone, _ = _encoded(with_effort(FIXED_V1, effort), film, Path(name) / f"{effort}-v1")
            both, made = _encoded(with_effort(FIXED_V2, effort), film, Path(name) / f"{effort}-v2")
            told = f"H.264 alone, {effort}"
            rows.append(compared(f"encode in both codings, {effort}, processor time", [both], [alone], "s", told, None))
            av1, h264 = (_kilobits(made, coding) for coding in (Coding.AV1, Coding.H264))
            rows.append(compared(f"all AV1 rungs, {effort}", [av1], [h264], "kbit/s", "all H.264 rungs", None))
    return rows


def _encoded(ladder: Ladder, film: Path, folder: Path) -> tuple[float, EncodedFilm]:
    tools = find_tools()
    before = _children_seconds()
    plan = encoding.plan(encoding.probe(film, tools), ladder)
    made = encoding.encode(plan, film, folder, tools, lambda _: None)
    return _children_seconds() - before, made


def _kilobits(film: EncodedFilm, coding: Coding) -> float:
    return sum(rung.bitrate for rung in film.video if rung.coding is coding) / 1000


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
