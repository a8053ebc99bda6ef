"""Made-up viewers of real films, with a structure that can be found again, for measuring what is recommended to them.

A viewer likes one to three genres, each in one of several strands that nobody wrote down (a director's circle, a mood), and the
films of some years more than others. One film in five is taken for its fame alone, which has a long tail: few films are watched
by very many. What nobody watches is as common here as in life. How well real viewers are served no made-up one can tell.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from matinee.catalogue.model import Title

STRANDS = 12
"""In each genre."""

BY_FAME = 0.2
FAME = 0.9
"""The exponent of the long tail: the film at place n of fame is taken with a weight of n ** -FAME."""

SEED = 2014


def watched_by(titles: Sequence[Title], viewers: int, *, mean: float = 20.0) -> list[npt.NDArray[np.int64]]:
    """For each viewer the numbers of the films that it watched, in order; five at the least, each once."""
    draw = np.random.default_rng(SEED)
    fame = (1.0 + draw.permutation(len(titles))) ** -FAME
    years = np.array([title.year or 1960 for title in titles], np.float64)
    strands = _strands(titles)
    names = sorted(strands)
    weights = np.array([fame[strands[name]].sum() for name in names])
    weights /= weights.sum()
    found = []
    for _ in range(viewers):
        likes = draw.choice(len(names), size=draw.integers(1, 4), replace=False, p=weights)
        tastes = draw.dirichlet(np.full(len(likes), 2.0))
        favourite = draw.choice(years)
        count = max(5, int(draw.lognormal(np.log(mean) - 0.3, 0.77)))
        taken: dict[int, None] = {}
        for taste in draw.choice(len(likes), size=count, p=tastes):
            among = np.arange(len(titles)) if draw.random() < BY_FAME else strands[names[likes[taste]]]
            near = fame[among] * (0.2 + np.exp(-(((years[among] - favourite) / 20.0) ** 2)))
            sums = np.cumsum(near)
            taken[int(among[np.searchsorted(sums, draw.random() * sums[-1])])] = None
        if len(taken) >= 5:
            found.append(np.fromiter(taken, np.int64))
    return found


def _strands(titles: Sequence[Title]) -> dict[str, npt.NDArray[np.int64]]:
    """The films of each genre and strand: a film belongs to one strand of each of its genres."""
    made: dict[str, list[int]] = {}
    for number, title in enumerate(titles):
        for genre in title.genres:
            strand = hashlib.sha256(f"{genre} {title.id}".encode()).digest()[0] % STRANDS
            made.setdefault(f"{genre}/{strand}", []).append(number)
    return {name: np.array(members, np.int64) for name, members in made.items() if len(members) >= 8}
