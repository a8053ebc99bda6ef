"""Search: a table of what is typed and what must be found, then the promises that hold for any typing at all."""

import threading
import unicodedata

import pytest
from bench.catalogue_data import SERVICE, make_titles
from hypothesis import example, given, settings
from hypothesis import strategies as st

from matinee.base.ids import ServiceId, TitleId
from matinee.catalogue.folding import fold, indexed_words, starts, typed_words
from matinee.catalogue.model import AgeClass, Credit, Sight, Title, TitleText
from matinee.catalogue.search import SearchIndex
from tests.catalogue.factories import EN, FR, NOW, episode, film, series
from tests.shared import DATA

S = ServiceId("s" * 26)


def sight(*services: ServiceId, age: int = 18) -> Sight:
    return Sight(
        services=frozenset(services),
        searched=frozenset(services),
        listed=frozenset(services),
        max_age=AgeClass(age),
        operator=None,
        territory=None,
        now=NOW,
        language=FR,
    )


def _by(name: str) -> tuple[Credit, ...]:
    return (Credit(role="director", names=(name,)),)


NAMES = [
    film("L'Œuvre au noir", year=1988),
    film("L’Atalante", year=1934, credits=_by("Jean Vigo")),
    film("Le Fabuleux Destin d'Amélie Poulain", year=2001, credits=_by("Jean-Pierre Jeunet")),
    film("The Matrix", year=1999),
    film("The Matrix Reloaded", year=2003),
    film("A Matrimonial Affair", year=2020),
    film("Alien", year=1979),
    film("Aliens", year=1986),
    film("My Favorite Alien", year=2022),
    film("Spider-Man", year=2002),
    film("Ocean's Eleven", year=2001),
    film("Rocky II", year=1979),
    film("2001: A Space Odyssey", year=1968, credits=_by("Stanley Kubrick")),
    film("Fast & Furious", year=2009),
    film("Straße ohne Ende", year=1950),
    film("映画の夜", year=1962),
    film("The Lord of the Rings", year=2001),
    film("Vertigo", year=1958, text={FR: TitleText(name="Sueurs froides"), EN: TitleText(name="Vertigo")}),
    film("Hitchcock", year=2012),
    film("Psycho", year=1960, credits=_by("Alfred Hitchcock")),
    film("Don't Look Now", year=1973),
    film("It", year=2017),
]

TABLE = [
    ("oeuvre", "L'Œuvre au noir"),
    ("ŒUVRE AU", "L'Œuvre au noir"),
    ("l'oeuv", "L'Œuvre au noir"),
    ("loeuvre", "L'Œuvre au noir"),
    ("l oeuvre", "L'Œuvre au noir"),
    ("atalante", "L’Atalante"),
    ("l'atalante", "L’Atalante"),
    ("l’atal", "L’Atalante"),
    ("atlante", "L’Atalante"),  # a letter left out
    ("amelie", "Le Fabuleux Destin d'Amélie Poulain"),
    ("AMÉLIE", "Le Fabuleux Destin d'Amélie Poulain"),
    ("d'amelie poul", "Le Fabuleux Destin d'Amélie Poulain"),
    ("destin fabuleux", "Le Fabuleux Destin d'Amélie Poulain"),  # any order
    ("fabuleux poulian", "Le Fabuleux Destin d'Amélie Poulain"),  # two letters swapped
    ("jeunet", "Le Fabuleux Destin d'Amélie Poulain"),
    ("matrix", "The Matrix"),
    ("the mat", "The Matrix Reloaded"),  # both begin so: the newer one
    ("matrxi", "The Matrix"),
    ("matrox", "The Matrix"),  # a wrong letter
    ("matrrix", "The Matrix"),  # one too many
    ("alien", "Alien"),  # the whole name before the newer ones
    ("alie", "Aliens"),
    ("favorit alien", "My Favorite Alien"),
    ("spiderman", "Spider-Man"),
    ("spider man", "Spider-Man"),
    ("spider-m", "Spider-Man"),
    ("oceans 11", "Ocean's Eleven"),
    ("ocean's eleven", "Ocean's Eleven"),
    ("rocky 2", "Rocky II"),
    ("rocky ii", "Rocky II"),
    ("2001", "2001: A Space Odyssey"),
    ("space odysey", "2001: A Space Odyssey"),
    ("kubrick", "2001: A Space Odyssey"),
    ("fast and furious", "Fast & Furious"),
    ("fast & fur", "Fast & Furious"),
    ("strasse", "Straße ohne Ende"),
    ("映画", "映画の夜"),
    ("lord of the rings", "The Lord of the Rings"),
    ("lord of the", "The Lord of the Rings"),
    ("lord rings", "The Lord of the Rings"),
    ("sueurs", "Vertigo"),
    ("vertigo", "Vertigo"),
    ("hitchcock", "Hitchcock"),  # a name before a person
    ("alfred hitch", "Psycho"),
    ("alfred hichcock", "Psycho"),
    ("dont look", "Don't Look Now"),
    ("don't look", "Don't Look Now"),
    ("it", "It"),
    ("jean vigo", "L’Atalante"),
]


@pytest.fixture(scope="module")
def index() -> SearchIndex:
    made = SearchIndex()
    made.rebuild(NAMES)
    return made


def names(index: SearchIndex, query: str, whose: Sight | None = None) -> list[str]:
    by_id = {title.id: title for title in NAMES}
    return [by_id[one].text[EN].name for one in index.find(whose or sight(S), query, 10)]


@pytest.mark.parametrize(("typed", "first"), TABLE)
def test_what_is_typed_is_found_first(index: SearchIndex, typed: str, first: str) -> None:
    assert names(index, typed)[:1] == [first]


NOTHING = ["", "   ", "'", "?!…", "-", "🎬", "\x00", "xyzzy", "2002", "mtx", '" OR *', "word:alien AND (", "a" * 10_000]


@pytest.mark.parametrize("typed", NOTHING)
def test_what_means_nothing_finds_nothing(index: SearchIndex, typed: str) -> None:
    assert names(index, typed) == []


def test_what_fits_as_typed_comes_before_what_is_forgiven(index: SearchIndex) -> None:
    assert names(index, "alien") == ["Alien", "Aliens", "My Favorite Alien"]
    assert names(index, "matri") == ["A Matrimonial Affair", "The Matrix Reloaded", "The Matrix"]  # newest first
    assert names(index, "matrix") == ["The Matrix", "The Matrix Reloaded", "A Matrimonial Affair"]  # the last with a typo


def test_numbers_are_never_taken_for_one_another(index: SearchIndex) -> None:
    assert names(index, "2002") == []


def test_what_a_party_may_not_see_is_left_out_before_the_list_is_cut() -> None:
    """A hundred better hits of another service, or of another age, leave the one that may be seen in its place."""
    hidden = [film("Alien", service=ServiceId("t" * 26), year=2020) for _ in range(100)]
    grown = [film("Alien", age_class=AgeClass(18), year=2020) for _ in range(100)]
    mine = film("My Own Alien", age_class=AgeClass(10), year=1950)
    index = SearchIndex()
    index.rebuild([*hidden, *grown, mine])
    assert index.find(sight(S, age=10), "alien", 1) == [mine.id]
    assert index.find(sight(S, age=0), "alien", 1) == []
    assert index.find(sight(), "alien", 10) == []


def test_what_a_party_may_not_see_has_no_say_in_the_order_either() -> None:
    """Equal hits come in one order, however the index was filled, and whatever else was written to it between them."""
    mine = [film(f"Rouge {number}", year=1998) for number in range(40)]
    hidden = [film(f"Rouge {number}", year=1998, service=ServiceId("t" * 26)) for number in range(200)]
    orders = []
    for others in ([], [], hidden):
        index = SearchIndex()
        index.rebuild(mine[:4])
        for turn in range(12):
            index.update({one.id: one for one in others[turn * 16 : turn * 16 + 16]})
            index.update({one.id: one for one in mine[4 + turn * 3 : 7 + turn * 3]})
        orders.append([index.find(sight(S), "rouge", limit) for limit in (1, 24, 40)])
    assert orders[0] == orders[1] == orders[2]
    assert [len(row) for row in orders[0]] == [1, 24, 40]


def test_the_index_follows_what_changes() -> None:
    index = SearchIndex()
    one = film("First")
    index.rebuild([one])
    renamed = film("Second", id=one.id)
    index.update({one.id: renamed})
    assert index.find(sight(S), "first", 5) == []
    assert index.find(sight(S), "second", 5) == [one.id]
    another = film("Second too")
    index.update({another.id: another, one.id: None})
    assert index.find(sight(S), "second", 5) == [another.id]
    index.update({})
    index.rebuild([])
    assert index.find(sight(S), "second", 5) == []


def test_episodes_are_found_by_their_names_and_films_come_first() -> None:
    saga = series("The Saga", year=2000)
    one = episode(saga, 1, 1, "Noël", year=2000)
    other = film("Noël", year=2000)
    index = SearchIndex()
    index.rebuild([saga, one, other])
    assert index.find(sight(S), "noel", 5) == [other.id, one.id]
    assert index.find(sight(S), "saga", 5) == [saga.id]


def test_readers_see_whole_answers_while_the_index_changes() -> None:
    index, made = SearchIndex(), [film(f"Alien {n}") for n in range(200)]
    index.rebuild(made)
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        known = {title.id for title in made}
        while not done.is_set():
            found = index.find(sight(S), "alien", 50)
            if len(found) != 50 or len(set(found)) != 50 or not known.issuperset(found):
                wrong.append(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for title in made[:40]:
        index.update({title.id: title})
    done.set()
    for reader in readers:
        reader.join(20)
    assert wrong == []


@given(st.text(max_size=60))
@example("İ")
@example("L'’'")
@example("ﬁn")
def test_folding_is_stable_and_plain(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert not any(unicodedata.combining(c) for c in once)
    for word in [*typed_words(text), *indexed_words(text)]:
        assert word
        assert " " not in word
        assert "'" not in word


@given(st.text(max_size=60))
def test_a_name_is_found_by_the_words_it_is_typed_with(text: str) -> None:
    """Whatever a name is made of, each word of it that can be typed is a word that it is indexed by."""
    assert set(typed_words(text)) <= set(indexed_words(text))
    if typed_words(text):
        assert " ".join(typed_words(text)) in starts(text)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=150))
def test_any_typing_at_all_gets_an_answer(text: str) -> None:
    _SHARED.find(sight(S), text, 10)


_SHARED = SearchIndex()
_SHARED.rebuild(NAMES)


def _big() -> list[Title]:
    return make_titles(3_000, DATA.parent / "data" if DATA else None)


def test_every_title_of_a_big_catalogue_is_found_by_its_own_name() -> None:
    made = _big()
    index = SearchIndex()
    index.rebuild(made)
    folded = {title.id: fold(title.text[EN].name) for title in made}
    missed = []
    for title in made[::10]:
        name = title.text[EN].name
        if len(name) <= 100 and typed_words(name):
            found = [folded[one] for one in index.find(sight(SERVICE), name, 10)]
            if folded[title.id] not in found:
                missed.append(name)
    assert missed == []


def test_nearly_every_title_is_found_with_a_typo_in_its_longest_word() -> None:
    made = _big()
    index = SearchIndex()
    index.rebuild(made)
    asked = found = 0
    for title in made[::7]:
        words = typed_words(title.text[EN].name)
        longest = max(words, key=len, default="")
        if len(longest) < 6 or longest.isdigit():
            continue
        middle = len(longest) // 2
        for typo in (
            longest[:middle] + longest[middle + 1 :],
            longest[:middle] + "x" + longest[middle:],
            longest[: middle - 1] + longest[middle] + longest[middle - 1] + longest[middle + 1 :],
        ):
            asked += 1
            query = " ".join(typo if word == longest else word for word in words[:6])
            found += title.id in index.find(sight(SERVICE), query, 30)
    assert asked > 300
    assert found / asked > 0.97


def test_ids_of_titles_that_are_gone_never_come_back() -> None:
    index = SearchIndex()
    made = {title.id: title for title in (film("Alien") for _ in range(30))}
    index.rebuild(made.values())
    gone: dict[TitleId, Title | None] = dict.fromkeys(list(made)[:15])
    index.update(gone)
    assert set(index.find(sight(S), "alien", 60)) == set(made) - set(gone)
