"""Rows of recommendations in memory: what a process remembers of a day, and what takes it back."""

from collections.abc import Sequence

import numpy as np
import pytest

from matinee.base.clock import DAY, Instant
from matinee.base.ids import OperatorId, ProfileId, ServiceId
from matinee.catalogue.model import AGE_CLASSES, Genre, Sight, Title
from matinee.catalogue.view import CatalogueView, view_of
from matinee.home import recommending
from matinee.home.for_you import Viewed
from matinee.home.learning import Viewings, learnt_from
from matinee.home.learnt_store import Lessons
from matinee.home.recommending import Recommending
from tests.catalogue.factories import FR, film
from tests.world import NOW

ONE, OTHER = ServiceId("1" * 26), ServiceId("2" * 26)
ME = ProfileId("me")


class History:
    """`home.model.Viewings` as a test sets it."""

    def __init__(self) -> None:
        self.films: list[Title] = []

    def viewed(self, profile: ProfileId) -> Sequence[Viewed]:
        return [Viewed(title=one.id, interest=1.0, at=Instant(NOW - DAY)) for one in self.films]


class Town:
    """Twenty films, ten of each of two services, and a lesson of homes that watched them all."""

    def __init__(self) -> None:
        genres = (Genre("drama"), Genre("comedy"))
        self.films = sorted(
            (film(f"F{n:02}", service=(ONE, OTHER)[n % 2], genres=(genres[n // 2 % 2],)) for n in range(20)),
            key=lambda one: one.id,
        )
        count = len(self.films)
        home, title = (np.array(one, np.int32).ravel() for one in np.mgrid[0:6, 0:count])
        services = np.array([one.service == OTHER for one in self.films], np.int32)
        viewings = Viewings(profile=home, home=home, title=title, interest=np.ones(len(home), np.float32))
        self.lessons, self.history = Lessons(), History()
        self.lessons.newest = learnt_from(viewings, [one.id for one in self.films], services, 3, NOW, {})
        self.view = view_of(self.films)
        self.rows_of = Recommending(self.lessons, self.history, lambda _profile: True, lambda _operator: "Riviera")

    def rows(self, *services: ServiceId, view: CatalogueView | None = None) -> dict[str, list[str]]:
        there = frozenset(services or (ONE, OTHER))
        sight = Sight(
            services=there,
            searched=there,
            listed=there,
            max_age=AGE_CLASSES[-1],
            operator=OperatorId("one"),
            territory="FR",
            now=NOW,
            language=FR,
            profile=ME,
        )
        return {row.id: [tile.id for tile in row.items] for row in self.rows_of.rows(view or self.view, sight, ())}


@pytest.fixture
def town() -> Town:
    return Town()


def test_what_is_taken_out_of_the_history_speaks_for_nothing(town: Town) -> None:
    first, second = town.films[:2]
    town.history.films = [first, second]
    assert set(town.rows()) == {"for-you", f"because-{first.id}", f"because-{second.id}"}
    town.history.films = [second]
    assert set(town.rows()) == {"for-you", f"because-{second.id}"}
    town.history.films = []
    assert town.rows() == {}


def test_a_new_title_waits_for_the_next_day_and_one_that_goes_leaves_at_once(town: Town) -> None:
    town.history.films = town.films[:1]
    row = town.rows()["for-you"]
    more = view_of([*town.films, *(film(f"New {number}", service=ONE, genres=(Genre("western"),)) for number in range(5))])
    assert town.rows(view=more)["for-you"] == row
    less = view_of([one for one in town.films if one.id != row[0]])
    assert town.rows(view=less)["for-you"] == row[1:]


def test_two_screens_of_a_profile_see_each_its_own(town: Town) -> None:
    """A row that the box has with a service that the phone has not is not the phone's, whichever asked first."""
    mine = next(one for one in town.films if one.service == ONE)
    silent = [one for one in town.films if one.service == OTHER]
    town.history.films = [mine]
    alone = town.rows(ONE)
    town.history.films = [mine, *silent[:3]]
    both = town.rows()
    assert {one.id for one in silent} & set(both["for-you"])
    assert town.rows(ONE) == alone, "what the box watched of it speaks for nothing on the phone"
    fresh = Town.__new__(Town)
    fresh.__dict__.update(town.__dict__)
    fresh.rows_of = Recommending(town.lessons, town.history, lambda _profile: True, lambda _operator: "Riviera")
    assert fresh.rows(ONE) == alone, "nor where the box has not asked"


def test_what_is_remembered_has_a_bound(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommending, "KEPT_DAYS", 1)
    town.history.films = town.films[:1]
    one = town.rows(ONE), town.rows(OTHER), town.rows()
    assert (town.rows(ONE), town.rows(OTHER), town.rows()) == one
    assert len(town.rows_of._days) == 1


def test_a_lesson_of_the_next_day_makes_the_row_anew(town: Town) -> None:
    town.history.films = town.films[:1]
    assert "for-you" in town.rows()
    newest = town.lessons.newest
    town.lessons.newest = type(newest)(as_of=Instant(NOW - 2 * DAY), titles=newest.titles, numbers=newest.numbers)
    assert town.rows() == {}, "before that day nothing had been watched"
