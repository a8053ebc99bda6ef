"""The text file beside a film, FILM.toml for FILM.mkv: what to tell of it. Where there is none, the film's name must do.

The file comes from outside, as the film does: its size is capped before it is read, and a key that we do not know is an
error rather than a shrug, since a misspelt `age_clas` that is passed over shows a film to the wrong child.

    kind = "episode"                    # film (the default) or episode
    year = 2014
    age_class = 10                      # 0, 10, 12, 16 or 18
    genres = ["drama", "science-fiction"]
    original_language = "fr"
    [title]                             # by language; at least one
    fr = "La première"
    en = "The First Night"
    [synopsis]                          # by language, and [short] likewise
    fr = "..."
    [[credits]]
    role = "director"
    names = ["Jean Vigo"]
    [[markers]]
    kind = "intro"                      # intro, recap or credits
    start = "00:00:01.500"
    end = "00:00:09.000"
    [series]                            # an episode's place
    id = "la-serie"                     # names the series among the publisher's own
    season = 1
    episode = 2
    [series.title]                      # and [series.synopsis], [series.short], by language
    fr = "La série"
"""

import difflib
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from matinee.base.units import PositionMs
from matinee.catalogue.model import (
    AGE_CLASSES,
    AgeClass,
    CatalogueError,
    Credit,
    Genre,
    Language,
    Marker,
    MarkerKind,
    Metadata,
    SeriesRef,
    TitleKind,
    TitleText,
)
from matinee.catalogue.naming import FIRST_YEAR, facts_of, printable

MAX_SIDECAR_BYTES: Final = 64 * 1024
MAX_TEXT_CHARS: Final = 4_000
MAX_ENTRIES: Final = 100
LAST_YEAR: Final = 2_100

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TIMECODE = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d)(?:\.(\d{1,3}))?")
_SERIES_KEY = re.compile(r"[\w.:-]{1,100}")

_TOP: Final = (
    "kind", "year", "age_class", "genres", "original_language", "title", "synopsis", "short", "credits", "markers", "series",
)  # fmt: skip


def metadata_of(film: Path) -> Metadata:
    """What is known of a film file: from the sidecar beside it (the same name, ending in .toml) or else from its name.

    Raises CatalogueError for a sidecar that cannot be read as one; it never falls back on the name then.
    """
    sidecar = sidecar_of(film)
    return from_name(film.name) if sidecar is None else read_sidecar(sidecar)


def sidecar_of(film: Path) -> Path | None:
    """Where the film's sidecar lies, None where it has none."""
    beside = film.with_name(film.stem + ".toml")
    return beside if beside.exists() or beside.is_symlink() else None


def from_name(file_name: str) -> Metadata:
    """The metadata that a file name gives by itself. Never raises."""
    facts = facts_of(file_name)
    und = Language("und")
    if facts.season is None or facts.episode is None:
        return Metadata(kind=TitleKind.FILM, text={und: TitleText(name=facts.name)}, year=facts.year)
    return Metadata(
        kind=TitleKind.EPISODE,
        text={und: TitleText(name=facts.episode_name)},
        year=facts.year,
        series=SeriesRef(
            key=facts.name.casefold(),
            season=facts.season,
            episode=facts.episode,
            text={und: TitleText(name=facts.name)},
        ),
    )


def read_sidecar(path: Path) -> Metadata:
    """Read a sidecar. Raises CatalogueError that names the file, the key, what is wrong with it and what to write."""
    reader = _Reader(printable(path.name))
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise reader.error("", "is no ordinary file", "Put a text file there.")
        with path.open("rb") as file:
            raw = file.read(MAX_SIDECAR_BYTES + 1)
    except OSError as error:
        raise reader.error("", f"cannot be read: {error.strerror}", "See that it is there and may be read.") from error
    return parse_sidecar(raw, path.name)


def parse_sidecar(raw: bytes, file_name: str) -> Metadata:
    """Read a sidecar's bytes; `file_name` is for the errors. Raises CatalogueError as `read_sidecar` does."""
    reader = _Reader(printable(file_name))
    if len(raw) > MAX_SIDECAR_BYTES:
        raise reader.error("", f"is larger than {MAX_SIDECAR_BYTES // 1024} KiB", "Keep the text short.")
    try:
        data = tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise reader.error("", f"is not UTF-8 at byte {error.start}", "Save it as UTF-8.") from error
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        said = printable(str(error)) or "it is nested too deeply"
        raise reader.error("", f"is no TOML: {said}", "Put text in double quotes, and one key on a line.") from error
    return reader.metadata(data)


class _Reader:
    """Reads the parsed file key by key; every error names the file and the key."""

    def __init__(self, file_name: str) -> None:
        self._file = file_name or "The sidecar"

    def error(self, key: str, wrong: str, remedy: str) -> CatalogueError:
        where = f"{self._file}: {printable(key)} {wrong}." if key else f"{self._file} {wrong}."
        return CatalogueError(where, remedy=remedy)

    def metadata(self, data: Mapping[str, Any]) -> Metadata:
        self._known("", data, _TOP)
        kind = self._one_of("kind", data.get("kind", "film"), ("film", "episode"))
        if (kind == "episode") != ("series" in data):
            raise self.error("kind", f'is "{kind}"', 'An episode has a [series] table and kind = "episode"; a film neither.')
        text = self._text("", data)
        if kind == "film" and not any(words.name for words in text.values()):
            raise self.error("title", "is missing", 'Write [title] and under it a language: fr = "...".')
        return Metadata(
            kind=TitleKind(kind),
            text=text,
            year=self._integer("year", data["year"], FIRST_YEAR, LAST_YEAR) if "year" in data else None,
            age_class=self._age_class(data.get("age_class", 0)),
            genres=self._genres(data.get("genres", [])),
            original_language=self._language("original_language", data.get("original_language")),
            credits=tuple(self._credit(f"credits[{n}]", c) for n, c in self._tables("credits", data)),
            markers=tuple(self._marker(f"markers[{n}]", m) for n, m in self._tables("markers", data)),
            series=self._series(data["series"]) if "series" in data else None,
        )

    def _known(self, at: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                remedy = f"Did you mean {near[0]}?" if near else f"Known here are: {', '.join(known)}."
                raise self.error(f"{at}{key}", "is no key that we know", remedy)

    def _table(self, key: str, value: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.error(key, "is no table", f"Write [{key}] on a line, and its keys under it.")
        return value

    def _tables(self, key: str, data: Mapping[str, Any]) -> list[tuple[int, Any]]:
        value = data.get(key, [])
        if not isinstance(value, list):
            raise self.error(key, "is no list of tables", f"Write [[{key}]] before each, in double brackets.")
        if len(value) > MAX_ENTRIES:
            raise self.error(key, f"has more than {MAX_ENTRIES} entries", "Leave some out.")
        return list(enumerate(value, 1))

    def _string(self, key: str, value: Any, limit: int = MAX_TEXT_CHARS) -> str:
        if not isinstance(value, str):
            raise self.error(key, "is no text", "Put it in double quotes.")
        text = printable(value, limit + 1)
        if len(text) > limit:
            raise self.error(key, f"is longer than {limit} characters", "Shorten it.")
        return text

    def _integer(self, key: str, value: Any, low: int, high: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.error(key, f"is no whole number from {low} to {high}", "Write it without quotes.")
        return value

    def _one_of(self, key: str, value: Any, known: tuple[str, ...]) -> str:
        if not isinstance(value, str) or value not in known:
            raise self.error(key, "is none that we know", f"Write one of: {', '.join(known)}.")
        return value

    def _language(self, key: str, value: Any) -> Language | None:
        if value is None:
            return None
        if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
            raise self.error(key, "is no language", "Write a BCP 47 tag: fr, en, pt-BR.")
        return Language(value)

    def _text(self, at: str, table: Mapping[str, Any]) -> dict[Language, TitleText]:
        by_field: dict[str, dict[Language, str]] = {}
        for field, limit in (("title", 200), ("synopsis", MAX_TEXT_CHARS), ("short", 300)):
            key = f"{at}{field}"
            words = self._table(key, table.get(field, {}))
            if len(words) > MAX_ENTRIES:
                raise self.error(key, f"has more than {MAX_ENTRIES} languages", "Leave some out.")
            by_field[field] = {
                language: self._string(f"{key}.{tag}", value, limit)
                for tag, value in words.items()
                if (language := self._language(f"{key}.{tag}", tag)) is not None
            }
        languages = dict.fromkeys(language for words in by_field.values() for language in words)
        return {
            language: TitleText(
                name=by_field["title"].get(language, ""),
                synopsis=by_field["synopsis"].get(language, ""),
                short=by_field["short"].get(language, ""),
            )
            for language in languages
        }

    def _age_class(self, value: Any) -> AgeClass:
        if type(value) is not int or value not in AGE_CLASSES:
            raise self.error("age_class", "is none that we know", "Write 0, 10, 12, 16 or 18, without quotes.")
        return AgeClass(value)

    def _genres(self, value: Any) -> tuple[Genre, ...]:
        if not isinstance(value, list) or len(value) > MAX_ENTRIES:
            raise self.error("genres", "is no list", 'Write genres = ["drama", "comedy"].')
        return tuple(dict.fromkeys(self._genre(f"genres[{n}]", genre) for n, genre in enumerate(value, 1)))

    def _genre(self, key: str, value: Any) -> Genre:
        slug = re.sub(r"[\s_]+", "-", self._string(key, value, 40).lower())
        if not _SLUG.fullmatch(slug):
            raise self.error(key, "is no genre", "Write English words and dashes: drama, science-fiction.")
        return Genre(slug)

    def _credit(self, key: str, value: Any) -> Credit:
        table = self._table(key, value)
        self._known(f"{key}.", table, ("role", "names"))
        role = self._string(f"{key}.role", table.get("role"), 60)
        names = table.get("names")
        if not isinstance(names, list) or not names or len(names) > MAX_ENTRIES:
            raise self.error(f"{key}.names", "is no list of names", 'Write names = ["..."].')
        return Credit(role=role, names=tuple(self._string(f"{key}.names[{n}]", s, 100) for n, s in enumerate(names, 1)))

    def _marker(self, key: str, value: Any) -> Marker:
        table = self._table(key, value)
        self._known(f"{key}.", table, ("kind", "start", "end"))
        kind = self._one_of(f"{key}.kind", table.get("kind"), tuple(MarkerKind))
        start = self._timecode(f"{key}.start", table.get("start"))
        end = self._timecode(f"{key}.end", table.get("end"))
        if end <= start:
            raise self.error(f"{key}.end", "is not after its start", "Write start before end.")
        return Marker(kind=MarkerKind(kind), start_ms=start, end_ms=end)

    def _timecode(self, key: str, value: Any) -> PositionMs:
        match = _TIMECODE.fullmatch(value) if isinstance(value, str) and value.isascii() else None
        if match is None:
            raise self.error(key, "is no time", 'Write hours, minutes, seconds: "00:01:30.500".')
        hours, minutes, seconds, fraction = match.groups()
        ms = int((fraction or "0").ljust(3, "0"))
        return PositionMs(((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + ms)

    def _series(self, value: Any) -> SeriesRef:
        table = self._table("series", value)
        self._known("series.", table, ("id", "season", "episode", "title", "synopsis", "short"))
        key = table.get("id")
        if not isinstance(key, str) or not _SERIES_KEY.fullmatch(key):
            raise self.error("series.id", "is no name for a series", "Write letters, digits, dots and dashes, no spaces.")
        return SeriesRef(
            key=key.casefold(),
            season=self._integer("series.season", table.get("season"), 0, 999),
            episode=self._integer("series.episode", table.get("episode"), 0, 9_999),
            text=self._text("series.", table),
        )
