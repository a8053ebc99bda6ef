"""One item of a partner's feed: a Movie, TVSeries or TVEpisode of schema.org, read field by field into what we keep of it.

Every field is foreign. What we do not use is not looked at; what we use is checked, and the first thing that is wrong is told
with its place in the item, so that the partner can mend it. The form is the one that home/watch_actions.py writes; where
schema.org lets a thing stand alone, as a list or by its name only, each is taken.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from matinee.base.clock import Instant, from_rfc3339
from matinee.base.units import DurationMs
from matinee.catalogue.deep_links import LinkRules, check_link
from matinee.catalogue.model import (
    AGE_CLASSES,
    AgeClass,
    CatalogueError,
    Credit,
    Genre,
    Language,
    Offer,
    TitleKind,
    TitleText,
    WayToWatch,
    Window,
)
from matinee.catalogue.partner_text import plain_text

MAX_REF_CHARS: Final = 500
MAX_NAME_CHARS: Final = 200
MAX_SYNOPSIS_CHARS: Final = 2_000
MAX_LANGUAGES: Final = 20
MAX_PEOPLE: Final = 50
MAX_WAYS: Final = 20
MAX_WINDOWS: Final = 50
MAX_NUMBER: Final = 100_000
MAX_DURATION_MS: Final = 48 * 3_600_000

KINDS: Final = {"Movie": TitleKind.FILM, "TVSeries": TitleKind.SERIES, "TVEpisode": TitleKind.EPISODE}
LEFT_OUT: Final = frozenset({"TVSeason", "CreativeWorkSeason", "BroadcastService", "BroadcastEvent", "Organization"})
"""Types that such feeds hold and that are no title here: they are no fault."""

GENRES: Final = frozenset({
    "action", "adventure", "animation", "comedy", "crime", "documentary", "drama", "family", "fantasy", "history", "horror",
    "kids", "music", "mystery", "nature", "romance", "science-fiction", "short", "sport", "thriller", "war", "western",
})  # fmt: skip
"""The genres that the screens have words for. Others are left out: each would be a row of the home that a partner names."""

_OFFERS: Final = {
    "free": Offer.FREE,
    "nologinrequired": Offer.FREE,
    "subscription": Offer.SUBSCRIBE,
    "externalsubscription": Offer.SUBSCRIBE,
    "purchase": Offer.BUY,
    "rental": Offer.RENT,
}
_CREDITS: Final = {"director": "director", "actor": "cast", "musicBy": "music"}
_TAG = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8}){0,4}")
_DURATION = re.compile(r"P(?:(\d{1,3})D)?T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})(?:\.\d{1,9})?S)?")
_AGE = re.compile(r"(\d{1,2})(?:-\d{0,3}|\+)?")
_YEAR = re.compile(r"(\d{4})(?:-\d{2}){0,2}(?:T.{1,40})?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_FIRST_MOMENT: Final = -2_208_988_800_000
_LAST_MOMENT: Final = 221_845_392_000_000
"""The first days of 1900 and of 9000."""


class ItemWrong(CatalogueError):
    """One item cannot be taken: `field` is the place in it, `message` what is wrong there."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field

    def __reduce__(self) -> tuple[object, ...]:
        return ItemWrong, (self.field, self.message)


class PartnerItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of an item. `age_class` None: nobody said. An episode names its series by `series_ref`, and tells its name
    for the case that the feed holds no item of it."""

    ref: str
    kind: TitleKind
    text: dict[Language, TitleText]
    ways: tuple[WayToWatch, ...]
    year: int | None = None
    age_class: AgeClass | None = None
    genres: tuple[Genre, ...] = ()
    original_language: Language | None = None
    credits: tuple[Credit, ...] = ()
    duration_ms: DurationMs | None = None
    series_ref: str | None = None
    series_text: dict[Language, TitleText] = {}
    season: int | None = None
    episode: int | None = None


def read_item(told: Any, rules: LinkRules) -> PartnerItem | None:
    """What an item tells, None for one of a type that is no title here. Raises ItemWrong."""
    if not isinstance(told, dict):
        raise ItemWrong("", f"is {_kind(told)}; an object is wanted")
    types = [one for one in _many(told.get("@type")) if isinstance(one, str)]
    kind = next((KINDS[one] for one in types if one in KINDS), None)
    if kind is None:
        if any(one in LEFT_OUT for one in types):
            return None
        raise ItemWrong("@type", f"is {_said(told.get('@type'))}; taken are {', '.join(KINDS)}")
    text = _texts(told, "name", "description")
    if not any(one.name for one in text.values()):
        raise ItemWrong("name", "is missing, or nothing is left of it")
    ways = _ways(told, rules)
    if not ways:
        raise ItemWrong("potentialAction", "holds no WatchAction: there is no way to watch it")
    is_part = kind is TitleKind.EPISODE
    series = _part(told, "partOfSeries") if is_part else {}
    season = _part(told, "partOfSeason") if is_part else {}
    series_text = _texts(series, "name", None, "partOfSeries.")
    series_ref = _ref(series, "partOfSeries.@id") if is_part else None
    if is_part and not any(one.name for one in series_text.values()):
        raise ItemWrong("partOfSeries.name", "is missing: an episode is shown below its series")
    return PartnerItem(
        ref=_ref(told, "@id"),
        kind=kind,
        text=text,
        ways=ways,
        year=_year(told.get("datePublished")),
        age_class=_age(told.get("typicalAgeRange")),
        genres=_genres(told.get("genre")),
        original_language=_language(told["inLanguage"], "inLanguage") if told.get("inLanguage") is not None else None,
        credits=_credits(told),
        duration_ms=_duration(told.get("duration")),
        series_ref=series_ref,
        series_text=series_text,
        season=_number(season.get("seasonNumber"), "partOfSeason.seasonNumber", 1) if is_part else None,
        episode=_number(told.get("episodeNumber"), "episodeNumber", None) if is_part else None,
    )


def ref_of(told: Any) -> str | None:
    """The @id of an item that may be wrong elsewhere, None where it has none that could be kept."""
    try:
        return _ref(told, "@id") if isinstance(told, dict) else None
    except ItemWrong:
        return None


def _ref(told: dict[str, Any], field: str) -> str:
    ref = told.get("@id")
    if not isinstance(ref, str) or not ref:
        raise ItemWrong(field, "is missing: it names the title for good")
    if len(ref) > MAX_REF_CHARS or not ref.isprintable() or " " in ref:
        raise ItemWrong(field, f"has over {MAX_REF_CHARS} characters, or some that are not to be seen")
    return ref


def _texts(told: dict[str, Any], name: str, synopsis: str | None, before: str = "") -> dict[Language, TitleText]:
    names = _words(told, name, MAX_NAME_CHARS, before)
    synopses = _words(told, synopsis, MAX_SYNOPSIS_CHARS, before) if synopsis is not None else {}
    return {
        tag: TitleText(name=names.get(tag, ""), synopsis=synopses.get(tag, "")) for tag in sorted(names.keys() | synopses.keys())
    }


def _words(told: dict[str, Any], field: str, limit: int, before: str) -> dict[Language, str]:
    """Language -> words, from a string, an object with @language and @value, or a list of these."""
    place = before + field
    found: dict[Language, str] = {}
    for one in _many(told.get(field)):
        value, tag = (one.get("@value"), one.get("@language")) if isinstance(one, dict) else (one, None)
        if not isinstance(value, str):
            raise ItemWrong(place, f"is {_kind(one)}; words are wanted, or an object with @language and @value")
        language = _language(tag if tag is not None else told.get("inLanguage", "und"), f"{place}.@language")
        words = _checked(place, plain_text, value, limit)
        if words:
            found.setdefault(language, words)
    if len(found) > MAX_LANGUAGES:
        raise ItemWrong(place, f"has {len(found)} languages; {MAX_LANGUAGES} are taken")
    return found


def _language(told: Any, field: str) -> Language:
    tag = next(iter(_many(told)), None)
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise ItemWrong(field, f"is {_said(tag)}; a language's tag is wanted (BCP 47): fr, pt-BR")
    primary, _, rest = tag.partition("-")
    return Language(f"{primary.lower()}-{rest}" if rest else primary.lower())


def _ways(told: dict[str, Any], rules: LinkRules) -> tuple[WayToWatch, ...]:
    found: dict[tuple[str, Offer, str], list[Window] | None] = {}
    for at, action in enumerate(_many(told.get("potentialAction"))):
        place = f"potentialAction[{at}]"
        if not isinstance(action, dict):
            raise ItemWrong(place, f"is {_kind(action)}; an object is wanted")
        if "WatchAction" not in _many(action.get("@type")):
            continue
        for link in _links(action, place, rules):
            for offer, subscription, windows in _accesses(action, place):
                key = (link, offer, subscription)
                known = found.get(key, [])
                found[key] = None if known is None or not windows else [*known, *windows]
    if len(found) > MAX_WAYS:
        raise ItemWrong("potentialAction", f"has {len(found)} ways to watch; {MAX_WAYS} are taken")
    ways = [
        WayToWatch(link=link, offer=offer, subscription=subscription, windows=tuple(_sorted(windows or ())))
        for (link, offer, subscription), windows in found.items()
    ]
    if sum(len(way.windows) for way in ways) > MAX_WINDOWS:
        raise ItemWrong("potentialAction", f"has over {MAX_WINDOWS} windows")
    return tuple(ways)


def _links(action: dict[str, Any], place: str, rules: LinkRules) -> Iterator[str]:
    targets = _many(action.get("target"))
    if not targets:
        raise ItemWrong(f"{place}.target", "is missing: it says where OK leads")
    seen = set()
    for target in targets:
        link = target.get("urlTemplate") if isinstance(target, dict) else target
        if not isinstance(link, str):
            raise ItemWrong(f"{place}.target.urlTemplate", f"is {_kind(link)}; a link is wanted")
        if link not in seen:
            seen.add(link)
            yield _checked(f"{place}.target.urlTemplate", check_link, link, rules)


def _accesses(action: dict[str, Any], place: str) -> Iterator[tuple[Offer, str, tuple[Window, ...]]]:
    """(offer, subscription, windows) of each requirement; no windows at all is wherever and whenever."""
    place = f"{place}.actionAccessibilityRequirement"
    accesses = _many(action.get("actionAccessibilityRequirement"))
    if not accesses:
        raise ItemWrong(place, "is missing: it says who may watch")
    for access in accesses:
        if not isinstance(access, dict):
            raise ItemWrong(place, f"is {_kind(access)}; an object is wanted")
        if access.get("ineligibleRegion") is not None:
            raise ItemWrong(f"{place}.ineligibleRegion", "is not understood: name the countries where it may be watched")
        category = next(iter(_many(access.get("category"))), None)
        offer = _OFFERS.get(category) if isinstance(category, str) else None
        if offer is None:
            raise ItemWrong(f"{place}.category", f"is {_said(category)}; taken are {', '.join(_OFFERS)}")
        subscription = next(iter(_many(access.get("requiresSubscription"))), None)
        name = subscription.get("name") if isinstance(subscription, dict) else None
        if isinstance(name, list | dict):
            name = next(iter(_words({"name": name}, "name", 100, f"{place}.requiresSubscription.").values()), None)
        words = _checked(f"{place}.requiresSubscription.name", plain_text, name, 100) if isinstance(name, str) else ""
        yield offer, words, tuple(_windows(access, place))


def _windows(access: dict[str, Any], place: str) -> Iterator[Window]:
    opens, closes = _moment(access, "availabilityStarts", place), _moment(access, "availabilityEnds", place)
    if opens is not None and closes is not None and closes <= opens:
        raise ItemWrong(f"{place}.availabilityEnds", "is not after availabilityStarts")
    regions = [_country(one, f"{place}.eligibleRegion") for one in _many(access.get("eligibleRegion"))]
    if regions or opens is not None or closes is not None:
        for region in regions or [""]:
            yield Window(territory=region, opens_at=Instant(_FIRST_MOMENT) if opens is None else opens, closes_at=closes)


def _country(told: Any, field: str) -> str:
    name = told.get("name") if isinstance(told, dict) else told
    if not isinstance(name, str) or not _COUNTRY.fullmatch(name):
        raise ItemWrong(field, f"is {_said(name)}; a country is wanted (ISO 3166): FR")
    return name


def _moment(access: dict[str, Any], field: str, place: str) -> Instant | None:
    told = access.get(field)
    if told is None:
        return None
    try:
        moment = from_rfc3339(told) if isinstance(told, str) and len(told) <= 40 else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not _FIRST_MOMENT <= moment <= _LAST_MOMENT:
        raise ItemWrong(f"{place}.{field}", f"is {_said(told)}; a moment with its zone is wanted: 2014-10-02T08:00:00Z")
    return moment


def _sorted(windows: "list[Window] | tuple[Window, ...]") -> list[Window]:
    return sorted(dict.fromkeys(windows), key=lambda one: (one.territory, one.opens_at, one.closes_at or _LAST_MOMENT))


def _part(told: dict[str, Any], field: str) -> dict[str, Any]:
    part: Any = next(iter(_many(told.get(field))), {})
    if not isinstance(part, dict):
        raise ItemWrong(field, f"is {_kind(part)}; an object is wanted")
    return part


def _year(told: Any) -> int | None:
    if told is None:
        return None
    found = _YEAR.fullmatch(told) if isinstance(told, str) else None
    if found is None or not 1880 <= int(found.group(1)) <= 2100:
        raise ItemWrong("datePublished", f"is {_said(told)}; a year or a day is wanted")
    return int(found.group(1))


def _age(told: Any) -> AgeClass | None:
    if told is None:
        return None
    found = _AGE.fullmatch(told.replace(" ", "")) if isinstance(told, str) and len(told) <= 20 else None
    if found is None:
        raise ItemWrong("typicalAgeRange", f"is {_said(told)}; an age and a dash is wanted: 12-")
    return next((one for one in AGE_CLASSES if one >= int(found.group(1))), AGE_CLASSES[-1])


def _genres(told: Any) -> tuple[Genre, ...]:
    words = [one.strip().lower().replace(" ", "-").replace("_", "-") for one in _many(told) if isinstance(one, str)]
    return tuple(Genre(one) for one in dict.fromkeys(words) if one in GENRES)


def _credits(told: dict[str, Any]) -> tuple[Credit, ...]:
    found = []
    for field, role in _CREDITS.items():
        people = [one.get("name") if isinstance(one, dict) else one for one in _many(told.get(field))[:MAX_PEOPLE]]
        if not all(isinstance(one, str) for one in people):
            raise ItemWrong(field, "has no name: people are named, each by a string")
        names = [_checked(field, plain_text, one, MAX_NAME_CHARS) for one in people]
        if kept := tuple(dict.fromkeys(name for name in names if name)):
            found.append(Credit(role=role, names=kept))
    return tuple(found)


def _duration(told: Any) -> DurationMs | None:
    if told is None:
        return None
    found = _DURATION.fullmatch(told) if isinstance(told, str) and len(told) <= 40 else None
    if found is None:
        raise ItemWrong("duration", f"is {_said(told)}; a length as ISO 8601 is wanted: PT1H30M")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    length = 1000 * (86_400 * days + 3_600 * hours + 60 * minutes + seconds)
    if not 0 < length <= MAX_DURATION_MS:
        raise ItemWrong("duration", "is nothing, or over two days")
    return DurationMs(length)


def _number(told: Any, field: str, otherwise: int | None) -> int:
    if told is None and otherwise is not None:
        return otherwise
    if type(told) is not int or not 0 <= told <= MAX_NUMBER:
        raise ItemWrong(field, f"is {_said(told)}; a whole number from 0 to {MAX_NUMBER:,} is wanted")
    return told


def _many(told: Any) -> list[Any]:
    """What schema.org lets stand alone or in a list, as a list."""
    return [] if told is None else told if isinstance(told, list) else [told]


def _checked(field: str, check: Callable[..., str], *told: Any) -> str:
    try:
        return check(*told)
    except CatalogueError as error:
        raise ItemWrong(field, error.message) from error


def _kind(told: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(told), "nothing")


def _said(told: Any) -> str:
    """A foreign value in a sentence of ours: short, and plain ASCII."""
    return f"{told[:40]!a}" if isinstance(told, str) else _kind(told)
