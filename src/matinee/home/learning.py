"""Learns from viewing which titles go together. Pure: arrays in, a `Learnt` out; the same arrays give the same bytes.

Two titles are as close as the cosine of the angle between them, where each profile is an axis and how much it saw of a title the
length along it; with a shrinkage, so that two titles that three people happened to see are not called twins. A pair counts only
where enough homes saw both: below it, "viewers of this also watch that" would tell of somebody.

Of each title the closest `NEIGHBOURS` of each service are kept, and not of all: else a title of one service could push out that
of another, and its absence would show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from matinee.base.clock import Instant
from matinee.base.ids import OperatorId, TitleId
from matinee.catalogue.view import Entry
from matinee.home.learnt import Learnt

NEIGHBOURS: Final = 32
SHRINKAGE: Final = 8.0
"""In whole viewings: what is added to the lengths' product. Between two that were tried, 4 and 16 (docs/decisions/0031)."""

BLOCK: Final = 256
"""So many titles are compared with all at once: what bounds the memory."""

Integers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewings:
    """Who watched how much of what: of each profile and title one, in the order of the profiles.

    `profile` and `home` count from 0; `title` is a number among the titles; `interest` is above 0 and at most 1.
    """

    profile: Integers
    home: Integers
    title: Integers
    interest: npt.NDArray[np.float32]


def learnt_from(
    viewings: Viewings,
    titles: Sequence[TitleId],
    service_of: Integers,
    least_homes: int,
    as_of: Instant,
    popular: Mapping[OperatorId, Sequence[Entry]],
) -> Learnt:
    """What these viewings teach. `titles` are in the order of their ids; `service_of` has each one's service, as a number."""
    counts, neighbours, closeness = [0], [], []
    watched = _by_profile(viewings.profile, viewings.title, viewings.interest, len(titles))
    homes = _by_profile(viewings.home, viewings.title, np.ones(len(viewings.home), np.float32), len(titles))
    homes.data[:] = 1  # a home counts once, however many of its profiles watched
    squares = np.bincount(viewings.title, viewings.interest.astype(np.float64) ** 2, minlength=len(titles))
    lengths = np.sqrt(squares)
    by_title, homes_by_title = watched.T.tocsr(), homes.T.tocsr()
    together = np.zeros(len(titles), np.float32)
    for start in range(0, len(titles), BLOCK):
        dots, both = by_title[start : start + BLOCK] @ watched, homes_by_title[start : start + BLOCK] @ homes
        for row in range(dots.shape[0]):
            number = start + row
            among = slice(both.indptr[row], both.indptr[row + 1])
            together[both.indices[among]] = both.data[among]
            mine = slice(dots.indptr[row], dots.indptr[row + 1])
            others, dot = dots.indices[mine], dots.data[mine]
            fit = (together[others] >= least_homes) & (others != number)
            others, dot = others[fit], dot[fit].astype(np.float64)
            together[both.indices[among]] = 0
            close = (dot / (lengths[number] * lengths[others] + SHRINKAGE)).astype(np.float16).astype(np.float32)
            kept = _first_of_each_service(others, close, service_of)
            neighbours.append(others[kept])
            closeness.append(close[kept])
            counts.append(len(kept))
    return Learnt(
        as_of=as_of,
        titles=tuple(titles),
        starts=np.cumsum(counts, dtype=np.int32),
        neighbours=np.concatenate([np.zeros(0, np.int32), *neighbours]).astype(np.int32),
        closeness=np.concatenate([np.zeros(0, np.float32), *closeness]),
        popular=popular,
        numbers={title: number for number, title in enumerate(titles)},
    )


def _by_profile(who: Integers, title: Integers, values: npt.NDArray[np.float32], titles: int) -> Any:
    """A matrix with a row for each of these people and a column for each title; what stands twice is added up."""
    count = int(who.max()) + 1 if len(who) else 0
    return sparse.csr_matrix((values, (who, title)), shape=(count, titles))


def _first_of_each_service(others: Integers, close: npt.NDArray[np.float32], service_of: Integers) -> npt.NDArray[np.int64]:
    """Which of these to keep: the closest of each service, equals by their ids; in the order of services and closeness."""
    services = service_of[others]
    order = np.lexsort((others, -close, services))
    order = order[close[order] > 0]
    ranked = services[order]
    firsts = np.searchsorted(ranked, ranked, side="left")
    return order[np.arange(len(order)) - firsts < NEIGHBOURS]
