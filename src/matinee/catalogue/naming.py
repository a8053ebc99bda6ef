"""What a film's file name tells of it: the name for a screen, the year, the place in a series.

A guess, and it knows it: a sidecar beside the film always wins. The guess keeps two promises whatever the name holds:
the result may be shown (never empty, no control character, no half of a surrogate pair), and nothing that is plainly a
title is cut away ("2012", "1917", "Blade Runner 2049").
"""

import re
import unicodedata
from typing import Final

import msgspec

MAX_NAME_CHARS: Final = 200
FIRST_YEAR: Final = 1888  # the oldest film that survives
LAST_GUESSED_YEAR: Final = 2039  # a bare number above is part of a title until films of that year exist
UNNAMED: Final = "Untitled"

# fmt: off
FILM_SUFFIXES: Final = frozenset({
    "3g2", "3gp", "asf", "avi", "divx", "dv", "f4v", "flv", "h264", "m2ts", "m2v", "m4v", "mkv", "mov", "mp4",
    "mpeg", "mpg", "mts", "mxf", "ogm", "ogv", "qt", "rm", "rmvb", "ts", "vob", "webm", "wmv", "y4m",
})
# fmt: on

_TAG = re.compile(
    r"""(?ix) (?<![^\s\[\](){}-]) (?: (?:480|576|720|1080|1440|2160|4320)[pi] | 4k | uhd | \d{3,4}x\d{3,4}
    | [xh]\s?26[456] | avc | hevc | av1 | vp9 | xvid | divx | 10bit | 8bit | hdr(?:10)?\+? | sdr
    | web(?:[ -]?(?:dl|rip))? | blu-?ray | b[dr]rip | dvd(?:rip|scr|5|9)? | hd(?:tv|rip) | remux | repack
    | aac(?:2\s0|5\s1)? | e?ac3 | dts(?:-hd)? | ddp?5?\s?1? | flac | opus | truehd | atmos
    | multi | vostfr | vff | vfq | truefrench | subfrench ) (?![^\s\[\](){}-])"""
)
_BRACKETED_YEAR = re.compile(r"[(\[{]\s*(\d{4})\s*[)\]}]")
_BARE_YEAR = re.compile(r"(?<![\w-])(\d{4})(?![\w-])")
_EPISODE = re.compile(r"(?i)(?<!\w)(?:s(\d{1,2})\s?[ ._-]?\s?e(?:p\s?)?(\d{1,3})|(\d{1,2})x(\d{2,3}))(?!\w)")


class NameFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was read from a file name. With `season` and `episode`, `name` is the series' and `episode_name` may be ""."""

    name: str
    year: int | None = None
    season: int | None = None
    episode: int | None = None
    episode_name: str = ""


def facts_of(file_name: str) -> NameFacts:
    """Read a file name (not a path). Never raises: a name that tells nothing is its own title.

    "Le.Grand.Film.(1998).1080p.x264.mkv" is "Le Grand Film", 1998; "Series S01E02 Name.mp4" is the series' season 1,
    episode 2, "Name".
    """
    text = _spaced(_without_suffix(_printable(file_name)))
    place = _EPISODE.search(text)
    if place is not None and _tidy(text[: place.start()]):
        name, year = _split_year(text[: place.start()])
        episode_name, _ = _split_year(text[place.end() :], may_be_empty=True)
        return NameFacts(
            name=_shown(name),
            year=year,
            season=int(place.group(1) or place.group(3)),
            episode=int(place.group(2) or place.group(4)),
            episode_name=_tidy(episode_name)[:MAX_NAME_CHARS],
        )
    name, year = _split_year(text)
    return NameFacts(name=_shown(name), year=year)


def printable(text: str, limit: int = MAX_NAME_CHARS) -> str:
    """Foreign text made fit for one line: no control characters, no broken surrogates, at most `limit` characters."""
    return " ".join(_printable(text).split())[:limit].strip()


def _printable(text: str) -> str:
    # os.fsdecode hands bytes that are no UTF-8 on as lone surrogates; no database and no JSON takes those.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    composed = unicodedata.normalize("NFC", whole)
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn") else c for c in composed)


def _without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem.strip(". ") and suffix.strip().lower() in FILM_SUFFIXES else name


def _spaced(text: str) -> str:
    """Dots and underscores stand for spaces, the dots only where no space was written: "Mr. Nobody" keeps its own."""
    text = text.replace("_", " ")
    return text if " " in text.strip() else text.replace(".", " ")


def _split_year(text: str, *, may_be_empty: bool = False) -> tuple[str, int | None]:
    """The words before the year and the technical tags, and the year. A title is never cut down to nothing."""

    def cut_here(match: "re.Match[str]") -> bool:
        return may_be_empty or bool(_tidy(text[: match.start()]))

    tag = next((m for m in _TAG.finditer(text) if cut_here(m)), None)
    end = len(text) if tag is None else tag.start()
    bracketed = [m for m in _BRACKETED_YEAR.finditer(text) if _plausible(m) and cut_here(m)]
    if bracketed:
        return text[: min(bracketed[-1].start(), end)], int(bracketed[-1].group(1))
    bare = [m for m in _BARE_YEAR.finditer(text, 0, end) if _plausible(m) and _tidy(text[: m.start()])]
    if bare and (tag is not None or not _tidy(text[bare[-1].end() : end])):
        return text[: bare[-1].start()], int(bare[-1].group(1))
    return text[:end], None


def _plausible(match: "re.Match[str]") -> bool:
    return FIRST_YEAR <= int(match.group(1)) <= LAST_GUESSED_YEAR


def _tidy(text: str) -> str:
    """One line with no brackets left empty and no dashes or dots at its ends, save the dots of an ellipsis."""
    text = re.sub(r"[(\[{]\s*[)\]}]", " ", text)
    text = " ".join(text.split())
    text = text.strip(" -–—_+~,;:#([{")
    while text and text[-1] in ")]}" and not any(opening in text for opening in "([{"):
        text = text[:-1].rstrip()
    return text.lstrip(".").rstrip() if text.strip(".") else ""


def _shown(text: str) -> str:
    name = _tidy(text)[:MAX_NAME_CHARS].strip() or " ".join(text.split())[:MAX_NAME_CHARS].strip() or UNNAMED
    if name == name.lower() and any(c.isalpha() for c in name):
        name = " ".join(word[:1].upper() + word[1:] for word in name.split(" "))
    return name
