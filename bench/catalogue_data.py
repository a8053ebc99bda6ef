"""Catalogues of any size for benches and tests: real film titles, where the shared data lies, and made-up ones elsewhere.

The real ones are American films by decade (Wikipedia, CC BY-SA), French titles of films shot in Paris, and a list of
films with all the dirt of a real one. Where fewer titles are asked for than there are, they are spread over all decades;
where more are, some come again as remakes.
"""

import csv
import gzip
import hashlib
import io
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from matinee.base.clock import DAY, Instant
from matinee.base.ids import ArtworkId, PackageId, PublisherId, ServiceId, TitleId, encode_id
from matinee.base.units import DurationMs, Pixels
from matinee.catalogue.model import (
    AGE_CLASSES,
    AudioTrack,
    Credit,
    Genre,
    Language,
    Playable,
    SubtitleTrack,
    Title,
    TitleKind,
    TitleText,
)

PUBLISHER = PublisherId("0" * 26)
SERVICE = ServiceId("1" * 26)
BEGINNING = Instant(1_412_208_000_000)

_FIRST_WORDS = ["The", "Le", "La", "A", "L'Étoile", "2"]
_SYLLABLES = ["ba", "cor", "dé", "fan", "gre", "hal", "in", "jo", "ka", "lune", "mar", "noc", "ora", "pel", "qui", "ro"]
_SYLLABLES += ["sa", "ter", "ul", "va", "wis", "xan", "yel", "zo", "œu", "blan", "chê", "dra", "eau", "fleu", "gui", "ombre"]


def make_titles(count: int, data: Path | None, *, publisher: str = PUBLISHER, service: str = SERVICE) -> list[Title]:
    """`count` films, the same ones each time for the same data; one is published each hour. `data` is the shared folder."""
    records = list(_real(data)) if data is not None else []
    if not records:
        records = list(_made_up(count))
    # A fixed shuffle: any first thousand of it holds all decades and both languages.
    random.Random(2014).shuffle(records)
    return [
        _title(number, records[number % len(records)], number // len(records), PublisherId(publisher), ServiceId(service))
        for number in range(count)
    ]


def _real(data: Path) -> Iterator[dict[str, Any]]:
    folder = data / "catalogue"
    for path in sorted(folder.glob("wikipedia-movies-*.json.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from json.load(file)
    with gzip.open(folder / "vega_movies_dirty.json.gz", "rt", encoding="utf-8") as file:
        for film in json.load(file):
            yield {"title": str(film["Title"] or ""), "genres": [film["Major Genre"] or ""]}
    with gzip.open(folder / "paris-shoots-fr.csv.gz", "rb") as raw:
        rows = csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8-sig"), delimiter=";")
        names = {row["Titre"]: row for row in rows if row.get("Titre")}
    for name, row in names.items():
        year = (row.get("Année du tournage") or "")[:4]
        yield {"title": name, "year": int(year) if year.isdigit() else None, "cast": [row.get("Réalisateur") or ""]}


def _made_up(count: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(1895)
    genres = ["Drama", "Comedy", "Western", "Romance", "Science Fiction", "Documentary", "Horror", "Animated"]

    def word() -> str:
        return "".join(draw.choices(_SYLLABLES, k=draw.randint(2, 3))).capitalize()

    for _ in range(count):
        yield {
            "title": " ".join([draw.choice(_FIRST_WORDS), *(word() for _ in range(draw.randint(1, 3)))]),
            "year": draw.randint(1900, 2025),
            "cast": [f"{word()} {word()}" for _ in range(draw.randint(0, 4))],
            "genres": draw.sample(genres, draw.randint(0, 2)),
            "extract": " ".join(word() for _ in range(40)),
        }


def _title(number: int, record: dict[str, Any], again: int, publisher: PublisherId, service: ServiceId) -> Title:
    raw = hashlib.sha256(f"title {number}".encode()).digest()
    name = record["title"].strip() or "Untitled"
    cast = tuple(name for name in record.get("cast", ()) if len(name) > 1)
    synopsis = record.get("extract") or ""
    named = f"{name} {again + 1}" if again else name
    return Title(
        id=TitleId(encode_id(raw[:16])),
        publisher=publisher,
        service=service,
        kind=TitleKind.FILM,
        text={
            Language("en"): TitleText(name=named, synopsis=synopsis),
            Language("fr"): TitleText(name=named, synopsis=synopsis),
        },
        published_at=Instant(BEGINNING + number * DAY // 24),
        year=record.get("year"),
        age_class=AGE_CLASSES[_weighted(raw[16])],
        genres=tuple(Genre(genre.lower().replace(" ", "-")) for genre in record.get("genres", ()) if genre),
        original_language=Language("en"),
        credits=(Credit(role="cast", names=cast),) if cast else (),
        artwork=ArtworkId(encode_id(raw[1:17])),
        playable=Playable(
            package=PackageId(encode_id(raw[2:18])),
            duration_ms=DurationMs(60_000 * (60 + raw[17] % 90)),
            height=Pixels(1080),
            audio=(AudioTrack(language=Language("en"), label="English"), AudioTrack(language=Language("fr"), label="Français")),
            subtitles=(SubtitleTrack(language=Language("fr"), label="Français"),),
        ),
    )


def _weighted(byte: int) -> int:
    """An age class's place in the list: most films are for everybody, few for adults alone."""
    return next(place for place, below in enumerate((150, 190, 225, 245, 256)) if byte < below)


def queries(titles: Sequence[Title], count: int) -> list[str]:
    """What people would type to find these titles: beginnings of each length, words out of the middle, and typos."""
    draw = random.Random(7)
    made = []
    for _ in range(count):
        title = draw.choice(titles)
        words = title.text[Language("en")].name.split()
        kind = draw.randrange(5)
        if kind == 0:
            name = " ".join(words)
            typed = name[: draw.randint(1, len(name))]
        elif kind == 1:
            typed = draw.choice(words)[: draw.randint(1, 8)]
        elif kind == 2 and title.credits:
            typed = draw.choice(title.credits[0].names)
        else:
            typed = _mistyped(draw.choice(words), draw)
        made.append(typed)
    return made


def _mistyped(word: str, draw: random.Random) -> str:
    place = draw.randrange(max(1, len(word) - 1))
    return draw.choice(
        [
            word[:place] + word[place + 1 :],
            word[:place] + "e" + word[place:],
            word[:place] + "s" + word[place + 1 :],
            word[:place] + word[place : place + 2][::-1] + word[place + 2 :],
        ]
    )
