"""Home and search among a thousand, ten thousand and thirty-six thousand titles.

Both are measured as a request has them, from the sight to the bytes of the answer, without HTTP: search typed letter by
letter with typos, against a plain scan of all folded names in the same turn; a home that nothing is kept for, against the
same home among a thousand titles. Time is this thread's processor time, so that a busy machine does not speak for us.
"""

import os
import time
from pathlib import Path

import msgspec

from bench.catalogue_data import BEGINNING, SERVICE, make_titles, queries
from bench.rows import Row
from matinee.catalogue.folding import fold
from matinee.catalogue.model import AGE_CLASSES, Language, Sight, Title
from matinee.catalogue.pages import search_answer
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.view import view_of
from matinee.home.rows import Homes

SIZES = (1_000, 10_000, 36_000)
QUERIES = 2_000
HOMES = 300
SEARCH_GOAL_MS = 10.0
FLAT_GOAL = 1.5
_SHARED = Path(os.environ.get("MATINEE_SHARED") or Path(__file__).resolve().parents[2] / "shared")


class _Nothing:
    """Positions of somebody who has watched nothing."""

    def recent(self, profile: object, limit: int) -> list[object]:
        return []

    def among(self, profile: object, titles: object) -> dict[object, object]:
        return {}


def run() -> list[Row]:
    data = _SHARED / "data"
    made = {size: make_titles(size, data if data.is_dir() else None) for size in SIZES}
    catalogues = {size: Catalogue() for size in SIZES}
    for size, catalogue in catalogues.items():
        catalogue.view = view_of(made[size])
        catalogue.search.rebuild(made[size])
    rows: list[Row] = []
    for size, catalogue in catalogues.items():
        search, scan = _search_ms(catalogue, made[size])
        rows.append(
            Row(
                name=f"search as one types, {size:,} titles, p99",
                value=search,
                unit="ms",
                baseline=f"a scan of all folded names: {scan:.3g} ms",
                ratio=search / scan,
                goal=f"<= {SEARCH_GOAL_MS:g} ms" if size == SIZES[-1] else "",
                verdict="shown" if size != SIZES[-1] else "meets" if search <= SEARCH_GOAL_MS else "misses",
            )
        )
    homes = _homes_ms(catalogues)
    first = homes[SIZES[0]]
    for size, home in homes.items():
        rows.append(
            Row(
                name=f"home, nothing kept, {size:,} titles, p99",
                value=home,
                unit="ms",
                baseline=f"the same among {SIZES[0]:,} titles: {first:.3g} ms",
                ratio=home / first,
                goal="" if size == SIZES[0] else f"ratio <= {FLAT_GOAL:g}",
                verdict="shown" if size == SIZES[0] else "meets" if home <= FLAT_GOAL * first else "misses",
            )
        )
    return rows


def _sight() -> Sight:
    return Sight(
        services=frozenset({SERVICE}),
        searched=frozenset({SERVICE}),
        listed=frozenset({SERVICE}),
        max_age=AGE_CLASSES[3],
        operator=None,
        territory="FR",
        now=BEGINNING,
        language=Language("fr"),
    )


def _search_ms(catalogue: Catalogue, titles: list[Title]) -> tuple[float, float]:
    sight, encode = _sight(), msgspec.json.Encoder().encode
    folded = [fold(title.text[Language("fr")].name) for title in titles]
    ours, theirs = [], []
    for number, query in enumerate(queries(titles, QUERIES)):
        began = time.thread_time()
        encode(search_answer(catalogue, sight, query, 24))
        ours.append(time.thread_time() - began)
        if number % 20 == 0:
            typed = fold(query)
            began = time.thread_time()
            [name for name in folded if typed in name][:24]
            theirs.append(time.thread_time() - began)
    return _p99(ours), _p99(theirs)


def _homes_ms(catalogues: dict[int, Catalogue]) -> dict[int, float]:
    """Each catalogue's home in turn, so that a busy moment hurts all sizes alike."""
    sight, encode = _sight(), msgspec.json.Encoder().encode
    times: dict[int, list[float]] = {size: [] for size in catalogues}
    for _ in range(HOMES):
        for size, catalogue in catalogues.items():
            homes = Homes(catalogue, _Nothing())  # type: ignore[arg-type]
            began = time.thread_time()
            encode(homes.home(sight))
            times[size].append(time.thread_time() - began)
    return {size: _p99(taken) for size, taken in times.items()}


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)] * 1000
