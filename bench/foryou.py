"""What is recommended, measured with made-up viewers of real films: the last film that each watched is kept back, and looked for.

Every viewer is asked once for ten titles, of all that it has not watched. Recall is how often the film kept back is among them,
nDCG the same with more for a higher place, coverage the share of the catalogue that was shown to anybody. Against it, in the same
turn: what was watched the most, ten titles by chance, and alternating least squares of the library `implicit`, which
docs/decisions/0031 weighs. And what a home costs with it, on this thread's processor, without HTTP.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from bench.catalogue_data import BEGINNING, SERVICE, make_titles
from bench.rows import Row
from bench.viewers import watched_by
from matinee.base.clock import DAY, Instant
from matinee.base.ids import OperatorId, ProfileId
from matinee.catalogue.model import AGE_CLASSES, Language, Sight, Title
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.view import view_of
from matinee.home.for_you import TOP, Viewed
from matinee.home.learning import Viewings, learnt_from
from matinee.home.learnt import Learnt, packed, unpacked
from matinee.home.learnt_store import Lessons
from matinee.home.model import everybody_may
from matinee.home.recommending import FOR_YOU, Recommending
from matinee.home.rows import Homes

TITLES = 36_000
VIEWERS = 5_000
ASKED = 2_000
LEAST_HOMES = 5
HOMES = 400
HOME_GOAL_MS = 10.0
OPERATOR = OperatorId("an operator")
AS_OF = Instant(BEGINNING + 3000 * DAY)
_SHARED = Path(os.environ.get("MATINEE_SHARED") or Path(__file__).resolve().parents[2] / "shared")

Ranked = Callable[[int], Sequence[int]]
Watched = list[npt.NDArray[np.int64]]


def run() -> list[Row]:
    data = _SHARED / "data"
    titles = sorted(make_titles(TITLES, data if data.is_dir() else None), key=lambda one: one.id)
    watched = watched_by(titles, VIEWERS)
    seen, kept_back = [one[:-1] for one in watched], [int(one[-1]) for one in watched]
    asked = range(0, len(seen), max(1, len(seen) // ASKED))

    began = time.thread_time()
    lesson = _lesson(titles, seen)
    learning_s = time.thread_time() - began
    viewer = _Viewer(titles, seen, lesson)
    counts = np.bincount(np.concatenate(seen), minlength=len(titles))
    found = {
        "for you": _measured(viewer.shown, kept_back, asked),
        "most watched": _measured(_most_watched(seen, counts), kept_back, asked),
        "by chance": _measured(_by_chance(seen, len(titles)), kept_back, asked),
        "ALS, 64 factors": _measured(_als(seen, len(titles)), kept_back, asked),
    }
    rows = []
    for place, name in ((0, "recall@10"), (1, "nDCG@10"), (2, "titles shown to anybody, of all")):
        ours, most = found["for you"][place], found["most watched"][place]
        others = ", ".join(f"{one}: {figures[place]:.4f}" for one, figures in found.items() if one != "for you")
        rows.append(
            Row(
                name=f"for you, {name}",
                value=ours,
                unit="",
                baseline=others,
                ratio=ours / most if most else None,
                goal="beats what was watched the most" if place < 2 else "",
                verdict="shown" if place == 2 else "meets" if ours > most else "misses",
            )
        )
    size, viewings = len(packed(lesson)), sum(map(len, seen))
    learnt_of = f"{len(seen):,} viewers, {viewings:,} viewings, {len(lesson.neighbours):,} pairs of {len(titles):,} titles"
    rows.append(
        Row(name="a lesson is learnt", value=learning_s, unit="s", baseline=learnt_of, ratio=None, goal="", verdict="shown")
    )
    rows.append(Row(name="a lesson, kept", value=size / 1e6, unit="MB", baseline=learnt_of, ratio=None, goal="", verdict="shown"))
    return [*rows, *viewer.homes()]


def _lesson(titles: Sequence[Title], seen: Watched) -> Learnt:
    profile = np.repeat(np.arange(len(seen), dtype=np.int32), [len(one) for one in seen])
    title = np.concatenate(seen).astype(np.int32)
    viewings = Viewings(profile=profile, home=profile, title=title, interest=np.ones(len(title), np.float32))
    ids = [one.id for one in titles]
    counts = np.bincount(title, minlength=len(titles))
    first = np.argsort(-counts, kind="stable")[:200]
    popular = {OPERATOR: [(-int(counts[number]), ids[number]) for number in first.tolist()]}
    return learnt_from(viewings, ids, np.zeros(len(titles), np.int32), LEAST_HOMES, AS_OF, popular)


class _Nothing:
    """Positions of somebody who has nothing under way."""

    def recent(self, profile: object, limit: int) -> list[object]:
        return []


class _Viewer:
    """Homes of viewers, as a web process has them: a lesson that was kept and read again, and each viewer's own places."""

    def __init__(self, titles: Sequence[Title], seen: Watched, lesson: Learnt) -> None:
        self._titles, self._seen = titles, seen
        self._numbers = {str(one.id): number for number, one in enumerate(titles)}
        lessons = Lessons()
        lessons.newest = unpacked(packed(lesson))
        self._catalogue = Catalogue()
        self._catalogue.view = view_of(titles)
        self._recommending = Recommending(lessons, self, everybody_may, lambda _operator: "Riviera")
        self._bare = Homes(self._catalogue, _Nothing())  # type: ignore[arg-type]
        self._homes = Homes(self._catalogue, _Nothing(), recommending=self._recommending)  # type: ignore[arg-type]

    def viewed(self, profile: ProfileId) -> Sequence[Viewed]:
        films = self._seen[int(profile)].tolist()
        return [
            Viewed(title=self._titles[one].id, interest=1.0, at=Instant(AS_OF - DAY + place)) for place, one in enumerate(films)
        ]

    def shown(self, viewer: int) -> Sequence[int]:
        """The first ten titles of the viewer's row, by their numbers."""
        for row in self._recommending.rows(self._catalogue.view, _sight(viewer), ()):
            if row.id == FOR_YOU:
                return [self._numbers[tile.id] for tile in row.items[:TOP]]
        return []

    def homes(self) -> list[Row]:
        """What a home costs, where all that homes share is kept: with rows of recommendations, against the same without."""
        encode = msgspec.json.Encoder().encode
        times: dict[bool, list[float]] = {True: [], False: []}
        for viewer in range(HOMES):
            for has_rows, homes in ((True, self._homes), (False, self._bare)):
                began = time.thread_time()
                encode(homes.home(_sight(viewer)))
                times[has_rows].append(time.thread_time() - began)
        ours, theirs = (sorted(times[one])[int(HOMES * 0.99)] * 1000 for one in (True, False))
        return [
            Row(
                name=f"home with recommendations, {len(self._titles):,} titles, p99",
                value=ours,
                unit="ms",
                baseline=f"the same home without: {theirs:.3g} ms",
                ratio=ours / theirs,
                goal=f"<= {HOME_GOAL_MS:g} ms",
                verdict="meets" if ours <= HOME_GOAL_MS else "misses",
            )
        ]


def _sight(viewer: int) -> Sight:
    services = frozenset({SERVICE})
    return Sight(
        services=services,
        searched=services,
        listed=services,
        max_age=AGE_CLASSES[-1],
        operator=OPERATOR,
        territory="FR",
        now=AS_OF,
        language=Language("fr"),
        profile=ProfileId(str(viewer)),
    )


def _most_watched(seen: Watched, counts: npt.NDArray[np.int64]) -> Ranked:
    order = np.argsort(-counts, kind="stable").tolist()

    def ranked(viewer: int) -> Sequence[int]:
        known = set(seen[viewer].tolist())
        return [one for one in order[: TOP + len(known)] if one not in known][:TOP]

    return ranked


def _by_chance(seen: Watched, titles: int) -> Ranked:
    draw = np.random.default_rng(7)

    def ranked(viewer: int) -> Sequence[int]:
        known = set(seen[viewer].tolist())
        return [one for one in draw.choice(titles, TOP + len(known), replace=False).tolist() if one not in known][:TOP]

    return ranked


def _als(seen: Watched, titles: int) -> Ranked:
    from implicit.als import AlternatingLeastSquares
    from scipy import sparse

    rows = np.repeat(np.arange(len(seen)), [len(one) for one in seen])
    watched = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, np.concatenate(seen))), shape=(len(seen), titles))
    model = AlternatingLeastSquares(factors=64, regularization=0.05, alpha=10, iterations=12, random_state=1, num_threads=1)
    model.fit(watched, show_progress=False)
    return lambda viewer: [int(one) for one in model.recommend(viewer, watched[viewer], N=TOP)[0]]


def _measured(ranked: Ranked, kept_back: Sequence[int], asked: Sequence[int]) -> tuple[float, float, float]:
    """Recall and nDCG at ten, and the share of all titles that anybody was shown."""
    hits, gains, shown = 0, 0.0, set()
    for viewer in asked:
        row = list(ranked(viewer))
        shown.update(row)
        if kept_back[viewer] in row:
            hits += 1
            gains += float(1 / np.log2(2 + row.index(kept_back[viewer])))
    return hits / len(asked), gains / len(asked), len(shown) / TITLES
