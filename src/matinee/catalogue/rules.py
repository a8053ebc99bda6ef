"""What may be seen, and in whose words: pure, with the moment and the party's sight as arguments."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from matinee.base.clock import Instant
from matinee.base.ids import OperatorId
from matinee.catalogue.model import Credit, Language, Sight, Title, TitleText, WayToWatch, Window

SHORT_SYNOPSIS_CHARS: Final = 160


def may_see(sight: Sight, title: Title) -> bool:
    """Whether the title is there for this party now. All that shows titles asks this, and nothing else."""
    return (
        title.service in sight.services
        and title.age_class <= sight.max_age
        and (not title.windows or is_open(title.windows, sight.territory, sight.operator, sight.now))
        and (title.partner is None or bool(title.partner.ways))  # to one whose links were all withdrawn nothing leads
    )


def is_open(windows: Iterable[Window], territory: str | None, operator: OperatorId | None, now: Instant) -> bool:
    """Whether one of these windows is open there now. No windows at all mean that none narrows the title."""
    narrowed = False
    for window in windows:
        narrowed = True
        if (
            window.territory in ("", territory)
            and window.operator in (None, operator)
            and window.opens_at <= now
            and (window.closes_at is None or now < window.closes_at)
        ):
            return True
    return not narrowed


def open_ways(sight: Sight, title: Title) -> list[tuple[int, WayToWatch]]:
    """The ways to a partner's title that are open to this party now, each with its number. Empty for what plays here."""
    ways = title.partner.ways if title.partner is not None else ()
    return [
        (number, way)
        for number, way in enumerate(ways)
        if not way.windows or is_open(way.windows, sight.territory, sight.operator, sight.now)
    ]


def in_language(texts: Mapping[Language, TitleText], field: str, wanted: Language, original: Language | None) -> str:
    """A title's `field` ("name", "synopsis", "short") in the wanted language, else in the original, else in any."""
    for language in (wanted, Language(wanted.partition("-")[0]), original, Language("en"), *texts):
        if language is not None and (text := texts.get(language)) is not None and (words := getattr(text, field)):
            return str(words)
    return ""


def name_of(title: Title, language: Language) -> str:
    """A title's name to show; an episode that has none is known by its place, "S01E02"."""
    name = in_language(title.text, "name", language, title.original_language)
    return name or f"S{title.season or 0:02d}E{title.episode or 0:02d}"


def short_synopsis(title: Title, language: Language) -> str:
    """A line or two about a title; the beginning of its synopsis, cut between words, where nobody wrote one."""
    short = in_language(title.text, "short", language, title.original_language)
    if short:
        return short
    synopsis = in_language(title.text, "synopsis", language, title.original_language)
    if len(synopsis) <= SHORT_SYNOPSIS_CHARS:
        return synopsis
    cut = synopsis[:SHORT_SYNOPSIS_CHARS].rpartition(" ")[0] or synopsis[:SHORT_SYNOPSIS_CHARS]
    return cut.rstrip(" ,;:.–-") + "…"


def language_from(accept_language: str | None, known: Sequence[Language], default: Language) -> Language:
    """The best of the `known` languages for an Accept-Language header (RFC 9110 12.5.4); a broken header is no matter."""
    best, best_weight = default, 0.0
    for part in (accept_language or "")[:500].split(","):
        tag, _, parameters = part.strip().partition(";")
        weight_text = parameters.strip().removeprefix("q=") if parameters else "1"
        try:
            weight = float(weight_text)
        except ValueError:
            continue
        primary = Language(tag.strip().lower().partition("-")[0])
        if primary in known and best_weight < weight <= 1:
            best, best_weight = primary, weight
    return best


def likeness(one: Title, other: Title) -> int:
    """How alike two titles are: shared genres count most, then shared people, then nearness in time."""
    people = len(_people(one.credits) & _people(other.credits))
    near = one.year is not None and other.year is not None and abs(one.year - other.year) <= 5
    return 4 * len(set(one.genres) & set(other.genres)) + 3 * min(people, 3) + (1 if near else 0)


def _people(work: Iterable[Credit]) -> set[str]:
    return {name for credit in work for name in credit.names}
