"""The text files beside a film: FILM.toml, and FILM.fr.srt with FILM.en.srt. Pure: text out, nothing written."""

import json
from collections.abc import Iterable

from matinee.app.demo.model import Cue, DemoFilm, Language, Words


def toml(film: DemoFilm) -> str:
    """The sidecar as the catalogue reads it; docs of the keys stand with its parser."""
    lines = [
        f'kind = "{"episode" if film.episode else "film"}"',
        f"year = {film.year}",
        f"age_class = {film.age_class}",
        f"genres = {_list(film.genres)}",
        f'original_language = "{film.original_language}"',
        *_words("title", film.title),
        *_words("synopsis", film.synopsis),
        *_words("short", film.short),
    ]
    for credit in film.credits:
        lines += ["", "[[credits]]", f"role = {_quoted(credit.role)}", f"names = {_list(credit.names)}"]
    for marker in film.markers:
        lines += [
            "",
            "[[markers]]",
            f'kind = "{marker.kind}"',
            f'start = "{clock(marker.start)}"',
            f'end = "{clock(marker.end)}"',
        ]
    if film.episode:
        place = film.episode
        lines += ["", "[series]", f"id = {_quoted(place.series.id)}", f"season = {place.season}", f"episode = {place.number}"]
        lines += _words("series.title", place.series.title) + _words("series.synopsis", place.series.synopsis)
    return "\n".join(lines) + "\n"


def srt(cues: Iterable[Cue], language: Language) -> str:
    """Subtitles as SubRip."""
    blocks = (
        f"{number}\n{clock(cue.start, ',')} --> {clock(cue.end, ',')}\n{cue.text.in_language(language)}\n"
        for number, cue in enumerate(cues, 1)
    )
    return "\n".join(blocks)


def clock(seconds: float, point: str = ".") -> str:
    """hh:mm:ss.mmm"""
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


def _words(table: str, words: Words) -> list[str]:
    return ["", f"[{table}]", f"fr = {_quoted(words.fr)}", f"en = {_quoted(words.en)}"]


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(_quoted(item) for item in items) + "]"


def _quoted(text: str) -> str:
    # TOML's basic strings escape as JSON's do, for all that JSON escapes.
    return json.dumps(text, ensure_ascii=False)
