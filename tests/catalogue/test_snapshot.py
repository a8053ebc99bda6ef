"""The snapshot: whatever the order of changes, it is what one built from nothing would be, and it never shows too much."""

import itertools
import random
from pathlib import Path

import msgspec
from bench.catalogue_data import SERVICE, make_titles
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.base.clock import Instant
from matinee.base.ids import OperatorId, ServiceId, TitleId
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import AGE_CLASSES, AgeClass, Genre, Language, Sight, Title, TitleKind, Watched, Window
from matinee.catalogue.rules import is_open, language_from, name_of, short_synopsis
from matinee.catalogue.shelves import NEW, SERIES, genre_shelf
from matinee.catalogue.tiles import Progress, tile_of
from matinee.catalogue.view import CatalogueView, view_of, with_changes
from tests.catalogue.factories import EN, FR, NOW, episode, film, series
from tests.shared import DATA

S1, S2 = ServiceId("s" * 26), ServiceId("t" * 26)


def sight(*services: ServiceId, age: int = 18, now: int = NOW) -> Sight:
    return Sight(
        services=frozenset(services or (S1,)),
        searched=frozenset(services or (S1,)),
        listed=frozenset(services or (S1,)),
        max_age=AgeClass(age),
        operator=OperatorId("o"),
        territory="FR",
        now=Instant(now),
        language=FR,
    )


def row(view: CatalogueView, whose: Sight, shelf: str = NEW) -> list[Title]:
    return [title for _, title in view.walk(whose, shelf)]  # type: ignore[arg-type]


def test_new_titles_come_first_and_series_by_their_newest_episode() -> None:
    old, new = film("Old", published_at=Instant(NOW - 50)), film("New", published_at=Instant(NOW))
    saga = series("Saga", published_at=Instant(NOW - 100))
    first = episode(saga, 1, 1, published_at=Instant(NOW - 100))
    second = episode(saga, 1, 2, published_at=Instant(NOW - 10))
    view = view_of([old, new, saga, first])
    assert row(view, sight()) == [new, old, saga]
    later = with_changes(view, {}, {second.id: second})
    assert row(later, sight()) == [new, saga, old]
    assert row(later, sight(), SERIES) == [saga]
    assert row(with_changes(later, {}, {second.id: None}), sight()) == [new, old, saga]
    assert later.version == view.version + 1
    assert row(view, sight()) == [new, old, saga], "a view that is held never changes"


def test_a_series_is_there_while_an_episode_is() -> None:
    saga = series("Saga")
    grown, light = episode(saga, 1, 1, age_class=AgeClass(16)), episode(saga, 1, 2, age_class=AgeClass(10))
    view = view_of([saga, grown, light])
    assert view.get(sight(age=10), saga.id) == saga
    assert view.episodes_of(sight(age=10), saga.id) == [light]
    assert view.episodes_of(sight(age=16), saga.id) == [grown, light]
    assert view.next_episode(sight(age=16), grown) == light
    assert view.next_episode(sight(age=16), light) is None
    assert view.get(sight(age=0), saga.id) is None
    assert row(view, sight(age=0)) == []
    assert view_of([saga]).get(sight(), saga.id) is None


def test_a_closed_window_hides_a_title_everywhere() -> None:
    window = Window(territory="FR", opens_at=Instant(NOW), closes_at=Instant(NOW + 10))
    narrowed = film("Narrowed", windows=(window,), genres=(Genre("drama"),))
    view = view_of([narrowed])
    for now, seen in ((NOW - 1, []), (NOW, [narrowed]), (NOW + 9, [narrowed]), (NOW + 10, [])):
        assert row(view, sight(now=now)) == seen
        assert row(view, sight(now=now), genre_shelf(Genre("drama"))) == seen
        assert (view.get(sight(now=now), narrowed.id) is None) == (not seen)


def test_windows_are_of_a_territory_and_an_operator() -> None:
    here = Window(territory="FR", operator=OperatorId("o"), opens_at=NOW)
    assert is_open([here], "FR", OperatorId("o"), NOW)
    assert not is_open([here], "BE", OperatorId("o"), NOW)
    assert not is_open([here], "FR", OperatorId("x"), NOW)
    assert not is_open([here], None, None, NOW)
    assert is_open([], None, None, NOW)
    assert is_open([Window(territory="BE", opens_at=NOW), here], "FR", OperatorId("o"), NOW)


_AGES = st.sampled_from(AGE_CLASSES)
_GENRES = st.lists(st.sampled_from([Genre("drama"), Genre("comedy")]), unique=True, max_size=2).map(tuple)
_IDS = [TitleId(f"{n:026d}") for n in range(8)]


@st.composite
def _changes(draw: st.DrawFn) -> dict[TitleId, Title | None]:
    """A batch of changes over eight ids: films, two series, and episodes that move between them."""
    batch: dict[TitleId, Title | None] = {}
    for one in draw(st.lists(st.sampled_from(_IDS), unique=True, max_size=5)):
        kind = draw(st.sampled_from(["gone", "film", "series", "episode"]))
        fields = {
            "id": one,
            "service": draw(st.sampled_from([S1, S2])),
            "age_class": draw(_AGES),
            "genres": draw(_GENRES),
            "published_at": Instant(NOW + draw(st.integers(0, 3))),
        }
        if kind == "gone":
            batch[one] = None
        elif kind == "film":
            batch[one] = film("F", **fields)
        elif kind == "series":
            batch[one] = series("S", **fields)
        else:
            place = {"series": draw(st.sampled_from(_IDS)), "season": 1, "episode": draw(st.integers(1, 3))}
            batch[one] = film("E", kind=TitleKind.EPISODE, **place, **fields)
    return batch


@settings(max_examples=300, deadline=None)
@given(st.lists(_changes(), max_size=5))
def test_any_changes_in_any_order_end_where_a_fresh_start_does(batches: list[dict[TitleId, Title | None]]) -> None:
    view, there = CatalogueView(), dict[TitleId, Title]()
    for batch in batches:
        view = with_changes(view, {}, batch)
        for one, title in batch.items():
            if title is None:
                there.pop(one, None)
            else:
                there[one] = title
    fresh = view_of(there.values())
    assert view.titles == fresh.titles
    assert view.shelves == fresh.shelves
    assert view.episodes == fresh.episodes
    assert view.effective_age == fresh.effective_age


@settings(max_examples=100, deadline=None)
@given(st.lists(_changes(), min_size=1, max_size=3), _AGES)
def test_a_row_is_a_sorted_filter_of_all_titles(batches: list[dict[TitleId, Title | None]], age: AgeClass) -> None:
    """The merge of shelves against the plain way: filter everything, then sort."""
    view = CatalogueView()
    for batch in batches:
        view = with_changes(view, {}, batch)
    whose = sight(S1, age=age)
    for shelf in (NEW, SERIES, genre_shelf(Genre("drama"))):
        plain = [
            title
            for title in view.titles.values()
            if view.get(whose, title.id)
            and title.kind in ((TitleKind.SERIES,) if shelf == SERIES else (TitleKind.FILM, TitleKind.SERIES))
            and (shelf in (NEW, SERIES) or "drama" in title.genres)
        ]
        entries = list(view.walk(whose, shelf))
        assert {title.id for _, title in entries} == {title.id for title in plain}
        assert [entry for entry, _ in entries] == sorted(entry for entry, _ in entries)
        for cut in range(len(entries)):  # and any page goes on where the last one ended
            assert list(view.walk(whose, shelf, entries[cut][0])) == entries[cut + 1 :]


def test_similar_titles_share_something_and_are_never_the_title_itself() -> None:
    drama, comedy = Genre("drama"), Genre("comedy")
    one = film("One", genres=(drama, comedy), year=1998)
    close = film("Close", genres=(drama, comedy), year=1999)
    far = film("Far", genres=(comedy,), year=1920)
    hidden = film("Hidden", genres=(drama,), age_class=AgeClass(18))
    view = view_of([one, close, far, hidden, film("Else", genres=(Genre("war"),))])
    assert view.similar(sight(age=16), one, 10) == [close, far]


def test_the_head_of_a_row_costs_the_same_in_a_thousand_titles_and_in_many() -> None:
    """Counted, not timed: how many titles are looked at to show the first twenty-four."""
    data = DATA.parent / "data" if DATA else None
    for count in (1_000, 20_000):
        view = view_of(make_titles(count, data))
        looked_at = 0

        class Counting(dict[TitleId, Title]):
            def __getitem__(self, key: TitleId) -> Title:
                nonlocal looked_at
                looked_at += 1
                return super().__getitem__(key)

        object.__setattr__(view, "titles", Counting(view.titles))
        whose = sight(SERVICE, age=10)
        assert len(list(itertools.islice(view.walk(whose, NEW), 24))) == 24
        assert looked_at <= 24


def test_one_change_among_many_titles_touches_its_own_shelves_alone() -> None:
    made = make_titles(20_000, None)
    view = view_of(made)
    for title in random.Random(1).sample(made, 20):
        before, view = view, with_changes(view, {}, {title.id: None})
        touched = {
            key for key in before.shelves.keys() | view.shelves.keys() if before.shelves.get(key) is not view.shelves.get(key)
        }
        assert {key[2] for key in touched} == {title.age_class}
        assert {key[1] for key in touched} == {NEW, *map(genre_shelf, title.genres)}


def test_words_fall_back_language_by_language() -> None:
    both = film("F", text={FR: film("Été").text[FR], EN: film("Summer").text[EN]}, original_language=EN)
    assert name_of(both, Language("fr-CA")) == "Été"
    assert name_of(both, EN) == "Summer"
    assert name_of(both, Language("de")) == "Summer"
    nameless = episode(series("S"), 3, 7)
    assert name_of(nameless, FR) == "S03E07"
    long = film("F", text={FR: type(both.text[FR])(name="F", synopsis="mot " * 100)})
    assert short_synopsis(long, FR).endswith("mot…")
    assert len(short_synopsis(long, FR)) <= 161


def test_accept_language_is_read_as_it_is_meant() -> None:
    for header, best in (
        ("fr-FR,fr;q=0.9,en;q=0.8", FR),
        ("en;q=0.8, fr;q=0.2", EN),
        ("de, en;q=0.5", EN),
        ("de", FR),
        ("", FR),
        (None, FR),
        ("en;q=x, ;;;,,=", FR),
        ("en;q=0", FR),
        ("en;q=9", FR),
    ):
        assert language_from(header, (FR, EN), FR) == best, header


def test_made_titles_are_the_same_each_time(tmp_path: Path) -> None:
    assert make_titles(50, None) == make_titles(50, None)


def test_a_tile_that_was_made_is_kept_and_a_title_that_changed_has_another() -> None:
    phare = film("Le Phare")
    view, mine = with_changes(CatalogueView(), {}, {phare.id: phare}), sight()
    first = tile_of(view, mine, phare)
    assert tile_of(view, mine, phare) is first
    english = msgspec.structs.replace(mine, language=EN)
    assert tile_of(view, english, phare).name == name_of(phare, EN)
    watched = Watched(title=phare.id, position_ms=PositionMs(1), duration_ms=DurationMs(2), at=Instant(0))
    assert tile_of(view, mine, phare, watched).progress == Progress(position_ms=1, duration_ms=2)
    assert tile_of(view, mine, phare).progress is None
    renamed = msgspec.structs.replace(phare, year=1999)
    assert tile_of(view, mine, renamed).year == 1999, "a title of another moment is not mixed up with this one's"
    after = with_changes(view, {}, {phare.id: renamed})
    assert tile_of(after, mine, renamed).year == 1999
