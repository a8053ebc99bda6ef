"""Sidecars: what a good one says, what each bad one is told, and that no bytes at all can do worse than an error."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.catalogue import sidecar
from matinee.catalogue.model import CatalogueError, Credit, Marker, MarkerKind, SeriesRef, TitleKind, TitleText
from matinee.catalogue.sidecar import MAX_SIDECAR_BYTES, from_name, metadata_of, parse_sidecar


def test_the_example_of_the_documentation_is_read_whole() -> None:
    """The module's own example, comments and all, is what this reads: it cannot grow old."""
    assert sidecar.__doc__ is not None
    example = "\n".join(line[4:] for line in sidecar.__doc__.splitlines() if line.startswith("    "))
    read = parse_sidecar(example.encode(), "FILM.toml")
    assert read.kind is TitleKind.EPISODE
    assert (read.year, read.age_class, read.original_language) == (2014, 10, "fr")
    assert read.genres == ("drama", "science-fiction")
    assert read.text == {"fr": TitleText(name="La première", synopsis="..."), "en": TitleText(name="The First Night")}
    assert read.credits == (Credit(role="director", names=("Jean Vigo",)),)
    assert read.markers == (Marker(kind=MarkerKind.INTRO, start_ms=1500, end_ms=9000),)
    assert read.series == SeriesRef(key="la-serie", season=1, episode=2, text={"fr": TitleText(name="La série")})


TITLE = '[title]\nfr = "A"\n'
MARKER = TITLE + '[[markers]]\nkind = "intro"\n'
EPISODE = 'kind = "episode"\n[series]\nepisode = 1\n'
BAD = [
    ("a misspelt key", 'age_clas = 18\n[title]\nfr = "A"', "age_clas is no key that we know", "Did you mean age_class?"),
    ("a key from elsewhere", 'xyzzy = 1\n[title]\nfr = "A"', "xyzzy is no key", "Known here are: kind, year"),
    ("a key inside", TITLE + '[[credits]]\nrol = "x"\nnames = ["y"]', "credits[1].rol is no key", "Did you mean role?"),
    ("no title", "year = 1998", "title is missing", "[title]"),
    ("a year in quotes", 'year = "1998"\n' + TITLE, "year is no whole number", "without quotes"),
    ("a year of nonsense", "year = 3\n" + TITLE, "year is no whole number from 1888 to 2100", ""),
    ("a year that is true", "year = true\n" + TITLE, "year is no whole number", ""),
    ("an age class between two", "age_class = 11\n" + TITLE, "age_class is none that we know", "0, 10, 12, 16 or 18"),
    ("an age class that is true", "age_class = true\n" + TITLE, "age_class is none", ""),
    ("genres as text", 'genres = "drama"\n' + TITLE, "genres is no list", '["drama", "comedy"]'),
    ("a genre with a slash", 'genres = ["../x"]\n' + TITLE, "genres[1] is no genre", ""),
    ("a language of nonsense", '[title]\n"f r" = "A"', "title.f r is no language", "BCP 47"),
    ("a title that is a number", "[title]\nfr = 3", "title.fr is no text", "double quotes"),
    ("a title without end", f'[title]\nfr = "{"a" * 300}"', "title.fr is longer than 200", "Shorten"),
    ("a marker backwards", MARKER + 'start = "00:00:09"\nend = "00:00:01"', "markers[1].end is not after", ""),
    ("a marker in seconds", MARKER + 'start = 1\nend = 2', "markers[1].start is no time", "00:01:30.500"),
    ("a marker of no kind", TITLE + '[[markers]]\nkind = "ad"', "markers[1].kind is none", "intro, recap, credits"),
    ("credits as a table", TITLE + '[credits]\ndirector = "x"', "credits is no list of tables", "[[credits]]"),
    ("an episode of no series", 'kind = "episode"\n' + TITLE, 'kind is "episode"', "[series]"),
    ("a film in a series", TITLE + '[series]\nid = "x"\nseason = 1\nepisode = 1', 'kind is "film"', 'kind = "episode"'),
    ("a series with a path for a name", EPISODE + 'id = "a/b"\nseason = 1', "series.id is no name", ""),
    ("a season below nothing", EPISODE + 'id = "a"\nseason = -1', "series.season is no whole", ""),
    ("no TOML", "title: A", "is no TOML", "double quotes"),
    ("nested without end", "x = " + "[" * 5000, "is no TOML", ""),
    ("a date for a title", "[title]\nfr = 2014-10-02", "title.fr is no text", ""),
]  # fmt: skip


@pytest.mark.parametrize(("_shows", "text", "wrong", "remedy"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_sidecar_is_told_where_and_what_to_do(_shows: str, text: str, wrong: str, remedy: str) -> None:
    with pytest.raises(CatalogueError, match=r"Film\.toml") as refused:
        parse_sidecar(text.encode(), "Film.toml")
    assert wrong in refused.value.message
    assert remedy in refused.value.remedy
    assert refused.value.remedy
    assert "\n" not in str(refused.value)


def test_a_huge_sidecar_is_not_read_to_its_end(tmp_path: Path) -> None:
    big = tmp_path / "film.toml"
    with big.open("wb") as file:
        file.truncate(10 * 1024**3)  # a hole: reading it all would show
    with pytest.raises(CatalogueError, match="larger than 64 KiB"):
        metadata_of(tmp_path / "film.mkv")
    assert MAX_SIDECAR_BYTES < 10**6


def test_a_sidecar_that_is_a_pipe_a_folder_or_a_dead_link_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "dead.toml").symlink_to(tmp_path / "nowhere")
    for name in ("pipe", "folder", "dead"):
        with pytest.raises(CatalogueError, match=re.escape(f"{name}.toml")):
            metadata_of(tmp_path / f"{name}.mkv")


def test_bytes_that_are_no_utf8_are_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="not UTF-8 at byte 15"):
        parse_sidecar(b'[title]\nfr = "A\xff"', "Film.toml")


def test_a_byte_order_mark_is_no_matter() -> None:
    assert parse_sidecar(b"\xef\xbb\xbf" + TITLE.encode(), "Film.toml").text["fr"].name == "A"  # type: ignore[index]


def test_control_characters_are_taken_out_of_what_is_shown() -> None:
    read = parse_sidecar(b'[title]\nfr = "A\\u0000\\u001b[31mB\\nC"', "Film.toml")
    assert read.text["fr"].name == "A [31mB C"  # type: ignore[index]


def test_the_name_speaks_where_there_is_no_sidecar(tmp_path: Path) -> None:
    read = metadata_of(tmp_path / "Le.Grand.Film.(1998).mkv")
    assert (read.kind, read.text, read.year) == (TitleKind.FILM, {"und": TitleText(name="Le Grand Film")}, 1998)
    episode = from_name("The Wire S01E02.mkv")
    assert episode.kind is TitleKind.EPISODE
    assert episode.series is not None
    assert (episode.series.key, episode.series.season, episode.series.episode) == ("the wire", 1, 2)


def test_the_sidecar_wins_over_the_name(tmp_path: Path) -> None:
    (tmp_path / "Film.(1998).toml").write_text(TITLE)
    assert metadata_of(tmp_path / "Film.(1998).mkv").year is None


def _read_or_refused(raw: bytes) -> None:
    """Anything but a CatalogueError comes through and fails the test."""
    remedy = "none was needed"
    try:
        parse_sidecar(raw, "Film.toml")
    except CatalogueError as refused:
        remedy = refused.remedy
    assert remedy


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_bytes_at_all_are_read_or_refused(raw: bytes) -> None:
    _read_or_refused(raw)


_SCALARS = [
    '"a"', '1', '-1', 'true', '1.5', 'nan', '2014-10-02', '"fr"', '"00:00:01"', '"intro"', '"episode"',
    '99999999999999999999',
]
_VALUES = st.recursive(
    st.sampled_from(_SCALARS),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
    max_leaves=4,
)
_KEYS = st.sampled_from(
    [
    "kind", "year", "age_class", "genres", "original_language", "title", "title.fr", "credits", "markers", "series",
    "series.id", "series.season",
]
)


@given(st.lists(st.tuples(_KEYS, _VALUES), max_size=5))
def test_known_keys_with_any_values_are_read_or_refused(lines: list[tuple[str, str]]) -> None:
    _read_or_refused("\n".join(f"{key} = {value}" for key, value in lines).encode())
