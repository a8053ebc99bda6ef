"""A film added a second time, and a title given new keys, over its ingest: neither encodes anything.

    python -m bench.again

All three in this process on one data folder, as `bench.ingest` runs the first; once with the fixed ladder of H.264, whose encode
is the cheapest there is, and once with the one that measures, in both codings, which the goal for new keys is of. The second add
is of the same bytes under another name.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.film import whole_film
from bench.ingest import ingest_of, request_of
from bench.rows import Row, compared, table
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.catalogue import store
from matinee.catalogue.rekey import Rekeying
from matinee.catalogue.work import IngestOutcome, read_outcome
from matinee.encoding.ladder import FIXED_V1, PER_TITLE_V2
from matinee.encoding.model import Ladder
from matinee.outside.tools import find_tools

MOST_AGAIN, MOST_KEYS = 0.02, 0.01

T = TypeVar("T")


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        film = whole_film(Path(name))
        copy = Path(name) / f"copy{film.suffix}"
        shutil.copyfile(film, copy)
        return [row for ladder in (FIXED_V1, PER_TITLE_V2) for row in _rows(ladder, film, copy, Path(name) / ladder.name)]


def _rows(ladder: Ladder, film: Path, copy: Path, data: Path) -> list[Row]:
    with open_installation(load_settings(data, {})) as installation:
        first, added = _timed(lambda: _add(installation, film, ladder))
        second, refused = _timed(lambda: _add(installation, copy, ladder))
        if added.title is None or refused.code != "already_added":
            raise SystemExit(f"bench again: {added.message} {refused.message}")
        with installation.database.read() as conn:
            title = store.load_title(conn, added.title)
        keys, _ = _timed(lambda: _rekeying(installation).rekey(title, at_once=True, progress=lambda _: None))
    baseline = f"its ingest, ladder {ladder.name}, {film.name}"
    most = MOST_KEYS if ladder.measures else None
    return [
        compared(f"a second add of the same film, {ladder.name}", [second], [first], "s", baseline, None, most=MOST_AGAIN),
        compared(f"new keys for the title, proved, {ladder.name}", [keys], [first], "s", baseline, None, most=most),
    ]


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.monotonic()
    answer = work()
    return time.monotonic() - began, answer


def _add(installation: Installation, film: Path, ladder: Ladder) -> IngestOutcome:
    request = msgspec.json.encode(request_of(installation, film)).decode()
    return read_outcome(ingest_of(installation, ladder).run(lambda _, step: step(), request))


def _rekeying(installation: Installation) -> Rekeying:
    return Rekeying(
        database=installation.database,
        published=installation.published,
        work_folder=installation.settings.work_folder,
        tools=find_tools(),
        master=installation.master,
        drm=installation.settings.drm_systems,
        clock=read_clock,
    )


if __name__ == "__main__":
    print(table(run()))
