"""What a reading of a partner's feed comes to: which titles are new, changed or gone, which items wait in quarantine. Pure.

An item that is wrong leaves the last good version of itself where it was. An item that is no longer told of is taken away. A
title's id follows from its service and the partner's own name for it, so it stays the same whatever else the feed does, and no
feed can name a title of another service.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from matinee.base.clock import Instant
from matinee.base.ids import ServiceId, TitleId, encode_id
from matinee.catalogue.deep_links import LinkRules, may_lead
from matinee.catalogue.model import AgeClass, PartnerWork, Service, Title, TitleKind, WayToWatch, Window
from matinee.catalogue.partner_items import PartnerItem

MAX_BAD_SHARE: Final = 0.10
LEAST_LEFT: Final = 0.5

Place = tuple[TitleId | None, int | None, int | None]
"""Where an episode stands: its series, season and number."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An item that is not taken: by its ref or, where it has none, its number; and why."""

    ref: str
    says: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a feed told: good items, each @id once, and faults."""

    items: tuple[PartnerItem, ...]
    faults: tuple[Fault, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A title that an earlier reading made: its digest then, and the title as it is."""

    digest: str
    title: Title


@dataclass(slots=True)
class Outcomes:
    """What is to be written. `kept`: refs in quarantine whose last good title stays."""

    made: list[Title] = field(default_factory=list)
    changed: list[Title] = field(default_factory=list)
    gone: list[Title] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)


def title_id_of(service: ServiceId, ref: str) -> TitleId:
    """The id of a partner's title. Who does not know the service's id, which is random, cannot tell it from another."""
    return TitleId(encode_id(hashlib.blake2b(f"{service}\n{ref}".encode(), digest_size=16).digest()))


def why_held(items_before: int, reading: Reading) -> str:
    """Why a reading is not to be applied by itself, "" where it may be."""
    told, bad = len(reading.items) + len(reading.faults), len(reading.faults)
    if told and bad > told * MAX_BAD_SHARE:
        return f"{bad:,} of {told:,} items are wrong"
    if len(reading.items) < items_before * LEAST_LEFT:
        return f"{len(reading.items):,} good items are left of {items_before:,}"
    return ""


def settled(service: ServiceId, reading: Reading, standing: Mapping[str, Standing]) -> Reading:
    """The reading with each @id and each place in a series once, and with a series for each episode.

    A series that the feed tells of only as a part of an episode gets its name from there.
    """
    faults = list(reading.faults)
    faulty = {one.ref for one in faults}
    by_ref: dict[str, PartnerItem] = {}
    for item in reading.items:
        before = standing.get(item.ref)
        if item.ref in by_ref:
            faults.append(Fault(item.ref, "@id: stands twice in the feed; the first is taken"))
        elif before is not None and before.title.kind is not item.kind:
            faults.append(Fault(item.ref, f"@type: was a {before.title.kind.value} before: a new title needs an @id of its own"))
            faulty.add(item.ref)
        else:
            by_ref[item.ref] = item
    kinds = {ref: one.title.kind for ref, one in standing.items()} | {ref: item.kind for ref, item in by_ref.items()}
    refused: set[str] = set()
    # The places of what stays as it was; beside them those of the good episodes, as they are taken.
    places: dict[Place, PartnerItem | None] = {
        place: None for ref, one in standing.items() if ref in faulty and ref not in by_ref and (place := _place_of(one.title))
    }

    def refuse(item: PartnerItem, says: str) -> None:
        """Leave an item out. It stays where it stood: who was to have that place is left out too, and so on."""
        left = [Fault(item.ref, says)]
        while left:
            fault = left.pop()
            faults.append(fault)
            refused.add(fault.ref)
            before = standing.get(fault.ref)
            place = _place_of(before.title) if before is not None else None
            if place is not None:
                other = places.get(place)
                places[place] = None
                if other is not None and other.ref not in refused:
                    left.append(Fault(other.ref, _is_taken(other)))

    for item in by_ref.values():
        if item.kind is not TitleKind.EPISODE or item.series_ref is None:
            continue
        kind = kinds.get(item.series_ref, TitleKind.SERIES)
        place = (title_id_of(service, item.series_ref), item.season, item.episode)
        if kind is not TitleKind.SERIES:
            refuse(item, f"partOfSeries.@id: names a {kind.value}")
        elif place in places:
            refuse(item, _is_taken(item))
        else:
            places[place] = item
    kept: list[PartnerItem] = []
    series = {ref for ref, item in by_ref.items() if item.kind is TitleKind.SERIES}
    series |= {ref for ref, one in standing.items() if ref in faulty and ref not in by_ref and one.title.kind is TitleKind.SERIES}
    for item in by_ref.values():
        if item.ref in refused:
            continue
        if item.series_ref is not None and item.series_ref not in series:
            series.add(item.series_ref)
            kept.append(_series_of(item))
        kept.append(item)
    return Reading(items=tuple(kept), faults=tuple(dict.fromkeys(faults)), left_out=reading.left_out)


def _place_of(title: Title) -> Place | None:
    return (title.series, title.season, title.episode) if title.series is not None else None


def _is_taken(item: PartnerItem) -> str:
    return f"episodeNumber: season {item.season}, episode {item.episode} is taken by another"


def outcomes(service: Service, reading: Reading, standing: Mapping[str, Standing], unrated: AgeClass, now: Instant) -> Outcomes:
    """What a settled reading changes of what stands."""
    found = Outcomes()
    good = {item.ref for item in reading.items}
    found.kept = [one.ref for one in reading.faults if one.ref in standing and one.ref not in good]
    needed = {standing[ref].title.series for ref in found.kept}
    for item in sorted(reading.items, key=lambda item: item.kind is TitleKind.EPISODE):  # series before episodes
        before = standing.get(item.ref)
        digest = _digest(item, unrated)
        found.digests[item.ref] = digest
        if before is not None and before.digest == digest:
            continue
        title = _title(service, item, unrated, now if before is None else before.title.published_at, is_new=before is None)
        (found.made if before is None else found.changed).append(title)
    left = [
        one.title for ref, one in standing.items() if ref not in good and ref not in found.kept and one.title.id not in needed
    ]
    found.kept += [ref for ref, one in standing.items() if ref not in good and one.title.id in needed and ref not in found.kept]
    found.gone = sorted(left, key=lambda one: one.kind is not TitleKind.EPISODE)  # episodes before series
    return found


def withdrawn(standing: Iterable[Title], rules: LinkRules) -> list[Title]:
    """The titles that lose ways because their links may not lead there any more, without these. One that has none left is shown
    to nobody, and stays to be as new as it was where the feed tells of it rightly."""
    changed = []
    for title in standing:
        ways = title.partner.ways if title.partner is not None else ()
        left = tuple(way for way in ways if may_lead(way.link, rules))
        if title.partner is not None and left != ways:
            partner = msgspec.structs.replace(title.partner, ways=left)
            changed.append(msgspec.structs.replace(title, partner=partner, windows=windows_of(left)))
    return changed


def windows_of(ways: Sequence[WayToWatch]) -> tuple[Window, ...]:
    """Where and when a title is there: where and when any way to it is. None at all where one holds everywhere."""
    if any(not way.windows for way in ways):
        return ()
    every = {window for way in ways for window in way.windows}
    return tuple(sorted(every, key=lambda one: (one.territory, one.opens_at, one.closes_at is None, one.closes_at or 0)))


def _title(service: Service, item: PartnerItem, unrated: AgeClass, at: Instant, *, is_new: bool) -> Title:
    windows = windows_of(item.ways)
    # New is what is new here: a feed may make a title older than that by its windows, and never newer.
    opened = [one.opens_at for one in windows if one.opens_at > 0]
    return Title(
        id=title_id_of(service.id, item.ref),
        publisher=service.publisher,
        service=service.id,
        kind=item.kind,
        text=item.text,
        published_at=min([at, *opened]) if is_new else at,
        year=item.year,
        age_class=item.age_class if item.age_class is not None else unrated,
        genres=item.genres,
        original_language=item.original_language,
        credits=item.credits,
        windows=windows,
        partner=PartnerWork(ref=item.ref, duration_ms=item.duration_ms, ways=item.ways),
        series=title_id_of(service.id, item.series_ref) if item.series_ref is not None else None,
        season=item.season,
        episode=item.episode,
    )


def _series_of(episode: PartnerItem) -> PartnerItem:
    """A series as one of its episodes tells it."""
    return PartnerItem(
        ref=episode.series_ref or "",
        kind=TitleKind.SERIES,
        text=episode.series_text,
        ways=(),
        year=episode.year,
        age_class=episode.age_class,
        genres=episode.genres,
        original_language=episode.original_language,
    )


def _digest(item: PartnerItem, unrated: AgeClass) -> str:
    told = msgspec.json.encode(item) + f"\n{unrated if item.age_class is None else ''}".encode()
    return hashlib.blake2b(told, digest_size=16).hexdigest()
