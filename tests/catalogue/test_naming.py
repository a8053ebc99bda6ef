"""What file names tell, as a table of real habits, and the promises that hold for any name at all."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.catalogue.naming import MAX_NAME_CHARS, NameFacts, facts_of

FILMS = [
    ("Le.Grand.Film.(1998).1080p.x264.mkv", "Le Grand Film", 1998),
    ("2001 A Space Odyssey (1968).mkv", "2001 A Space Odyssey", 1968),
    ("2001.A.Space.Odyssey.1968.2160p.UHD.mkv", "2001 A Space Odyssey", 1968),
    ("Blade.Runner.2049.2017.1080p.BluRay.x265.mkv", "Blade Runner 2049", 2017),
    ("Blade Runner 2049.mp4", "Blade Runner 2049", None),
    ("2012.mkv", "2012", None),
    ("1917 (2019) [1080p].mkv", "1917", 2019),
    ("Metropolis 1927.avi", "Metropolis", 1927),
    ("big_buck_bunny_480p.mp4", "Big Buck Bunny", None),
    ("sintel-1280x720.mov", "Sintel", None),
    ("-rf.mp4", "Rf", None),
    ("--version.mkv", "Version", None),
    ("Mr. Nobody.mkv", "Mr. Nobody", None),
    ("The French Dispatch.mkv", "The French Dispatch", None),
    ("L'Atalante (1934).mp4", "L'Atalante", 1934),
    ("Amélie [2001].mkv", "Amélie", 2001),
    ("two\nlines\tand\x07bell.mp4", "Two Lines And Bell", None),
    ("100%d of %s.mp4", "100%d Of %s", None),
    ('"quoted" film.mp4', '"quoted" Film', None),
    ("映画.mkv", "映画", None),
    ("film.final", "Film Final", None),
    (".hidden.mp4", "Hidden", None),
    ("Dr. Strangelove (or How I Learned).mkv", "Dr. Strangelove (or How I Learned)", None),
    ("1080p.mkv", "1080p", None),
    (".mp4", "Mp4", None),
    ("....", "Untitled", None),
    ("", "Untitled", None),
    ("broken\udcff name.mp4", "Broken? Name", None),
]

EPISODES = [
    ("Series S01E02 Name.mp4", NameFacts(name="Series", season=1, episode=2, episode_name="Name")),
    ("the.wire.s03e11.720p.mkv", NameFacts(name="The Wire", season=3, episode=11)),
    (
        "Le Bureau (2015) - S02E10 - Retour.mkv",
        NameFacts(name="Le Bureau", year=2015, season=2, episode=10, episode_name="Retour"),
    ),
    ("Friends 4x12 The One.avi", NameFacts(name="Friends", season=4, episode=12, episode_name="The One")),
    ("S01E02.mkv", NameFacts(name="S01E02")),
]


@pytest.mark.parametrize(("file_name", "name", "year"), FILMS)
def test_a_films_name(file_name: str, name: str, year: int | None) -> None:
    assert facts_of(file_name) == NameFacts(name=name, year=year)


@pytest.mark.parametrize(("file_name", "facts"), EPISODES)
def test_an_episodes_name(file_name: str, facts: NameFacts) -> None:
    assert facts_of(file_name) == facts


_ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=300)


@given(_ANY)
def test_any_name_at_all_can_be_shown(file_name: str) -> None:
    facts = facts_of(file_name)
    for text in (facts.name, facts.episode_name):
        text.encode("utf-8")
        assert len(text) <= MAX_NAME_CHARS
        assert text == text.strip()
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text)
    assert facts.name
    assert (facts.season is None) == (facts.episode is None)


_WORD = st.text(alphabet="ABCDEFGHIJKLMNOPRSTUVWYZabcdefghijklmnopqrstuvwyzéèàçôœ", min_size=3, max_size=9).filter(
    lambda w: facts_of(f"Aaa {w} Bbb").name == f"Aaa {w} Bbb"  # not itself a tag such as "UHD"
)
_TITLE = st.lists(_WORD, min_size=1, max_size=5).map(lambda words: " ".join(["Film", *words]))


@given(
    title=_TITLE,
    year=st.none() | st.integers(1888, 2039),
    tags=st.lists(st.sampled_from(["1080p", "x264", "BluRay", "AAC"]), max_size=3),
    dotted=st.booleans(),
)
def test_a_name_that_is_put_together_comes_apart(title: str, year: int | None, tags: list[str], dotted: bool) -> None:
    title = unicodedata.normalize("NFC", title)
    parts = [title, *([f"({year})"] if year else []), *tags]
    file_name = " ".join(parts) + ".mkv"
    assert facts_of(file_name.replace(" ", ".") if dotted else file_name) == NameFacts(name=title, year=year)


@given(title=_TITLE, season=st.integers(1, 99), episode=st.integers(1, 999))
def test_an_episode_that_is_put_together_comes_apart_again(title: str, season: int, episode: int) -> None:
    facts = facts_of(f"{title} S{season:02d}E{episode:02d}.mkv")
    assert (facts.name, facts.season, facts.episode) == (unicodedata.normalize("NFC", title), season, episode)
