"""Which markers a title has: what was written stands, what was found fills in, and what staff decided is never found anew.

All of it is pure: landmarks and titles go in, markers come out.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import CatalogueError, Marker, MarkerKind, MarkerSource, Title
from matinee.encoding.landmarks import Landmarks
from matinee.encoding.model import Chapter
from matinee.encoding.prints import Stretch, common_stretch

SHORTEST_INTRO_MS: Final = 5_000
LONGEST_INTRO_MS: Final = 120_000
LARGEST_SHARE: Final = 1 / 3
"""Of a film: what two films share for longer is one film twice, or a recap, and no intro."""
SHORTEST_END_MUSIC_MS: Final = 8_000
END_WITHIN_MS: Final = 20_000
"""From where shared end music stops to the end of the film: logos and black."""
SNAP_MS: Final = 1_200
"""How far an end of a stretch is moved to a cut or a silence: what fingerprints tell is true to about half a second."""
CUT_OFF_MS: Final = 1_000
"""A stretch that goes on to the end of what was listened to has no end that we know."""
AGREE_MS: Final = 2_000
SIBLINGS: Final = 8
"""Episodes of its season that a film is compared with, the nearest by number: half a second each at the most."""

_CHAPTERS: Final[Mapping[str, MarkerKind]] = {
    "intro": MarkerKind.INTRO, "opening": MarkerKind.INTRO, "opening credits": MarkerKind.INTRO, "générique": MarkerKind.INTRO,
    "générique de début": MarkerKind.INTRO,
    "recap": MarkerKind.RECAP, "previously": MarkerKind.RECAP, "résumé": MarkerKind.RECAP,
    "credits": MarkerKind.CREDITS, "end credits": MarkerKind.CREDITS, "closing credits": MarkerKind.CREDITS,
    "générique de fin": MarkerKind.CREDITS,
}  # fmt: skip


def of_chapters(chapters: Iterable[Chapter], length_ms: DurationMs) -> tuple[Marker, ...]:
    """The chapters whose names say what they are, as markers; the first of each kind."""
    found: dict[MarkerKind, Marker] = {}
    for chapter in chapters:
        kind = _CHAPTERS.get(" ".join(chapter.name.casefold().split()))
        end = min(chapter.end_ms, length_ms)
        if kind is not None and chapter.start_ms < end:
            found.setdefault(kind, Marker(kind=kind, start_ms=chapter.start_ms, end_ms=PositionMs(end)))
    return tuple(found.values())


def written(sidecar: Sequence[Marker], chapters: Sequence[Marker]) -> tuple[Marker, ...]:
    """What was written of a film: the sidecar's markers, and those of its chapters of other kinds."""
    kinds = {marker.kind for marker in sidecar}
    return (*sidecar, *(marker for marker in chapters if marker.kind not in kinds))


def with_found(title: Title, found: Iterable[Marker]) -> Title:
    """The title with markers that were found, where nothing of their kind was written, found before, or decided by staff."""
    taken = {marker.kind for marker in title.markers} | set(title.settled)
    new = [msgspec.structs.replace(one, source=MarkerSource.FOUND) for one in found if one.kind not in taken]
    return msgspec.structs.replace(title, markers=_sorted((*title.markers, *new))) if new else title


def edited(title: Title, changes: Mapping[MarkerKind, Stretch | None]) -> Title:
    """The title as staff want it: each kind that is named has this one marker, or none, and is theirs from then on.

    Raises CatalogueError for a stretch that does not lie within the film.
    """
    if title.playable is None:
        raise CatalogueError("This title does not play here: it has no markers.", remedy="Name a film or an episode.")
    length = title.playable.duration_ms
    made = []
    for kind, stretch in changes.items():
        if stretch is None:
            continue
        if not 0 <= stretch.start_ms < stretch.end_ms <= length:
            raise CatalogueError(
                f"{kind.value}: {stretch.start_ms} to {stretch.end_ms} ms does not lie within a film of {length} ms.",
                remedy="Name its start, then its end, both within the film.",
            )
        made.append(Marker(kind=kind, start_ms=stretch.start_ms, end_ms=stretch.end_ms))
    kept = [marker for marker in title.markers if marker.kind not in changes]
    return msgspec.structs.replace(title, markers=_sorted((*kept, *made)), settled=tuple(sorted({*title.settled, *changes})))


def found_alone(landmarks: Landmarks) -> tuple[Marker, ...]:
    """What a film tells by itself: its credits, by their picture."""
    if landmarks.credits is None:
        return ()
    start = snapped(landmarks.credits.start_ms, landmarks.edges)
    return (Marker(kind=MarkerKind.CREDITS, start_ms=start, end_ms=landmarks.credits.end_ms, source=MarkerSource.FOUND),)


def found_together(own: Landmarks, others: Sequence[Landmarks]) -> tuple[Marker, ...]:
    """What a film shares with others of its season: an intro, and music at its end."""
    found = []
    if (intro := _agreed([one for other in others if (one := _intro(own, other)) is not None])) is not None:
        found.append(_marker(MarkerKind.INTRO, snapped(intro.start_ms, own.edges), snapped(intro.end_ms, own.edges)))
    if (ending := _agreed([one for other in others if (one := _ending(own, other)) is not None])) is not None:
        found.append(_marker(MarkerKind.CREDITS, snapped(ending.start_ms, own.edges), PositionMs(own.length_ms)))
    return tuple(found)


def _intro(own: Landmarks, other: Landmarks) -> Stretch | None:
    common = common_stretch(own.head, other.head) if own.head is not None and other.head is not None else None
    if common is None or own.head is None or other.head is None:
        return None
    mine = common.first
    is_whole = mine.end_ms < own.head.end_ms - CUT_OFF_MS and common.second.end_ms < other.head.end_ms - CUT_OFF_MS
    longest = min(LONGEST_INTRO_MS, LARGEST_SHARE * min(own.length_ms, other.length_ms))
    return mine if is_whole and SHORTEST_INTRO_MS <= mine.length_ms <= longest else None


def _ending(own: Landmarks, other: Landmarks) -> Stretch | None:
    common = common_stretch(own.tail, other.tail) if own.tail is not None and other.tail is not None else None
    if common is None or own.tail is None or other.tail is None:
        return None
    mine, theirs = common.first, common.second
    is_last = own.length_ms - mine.end_ms <= END_WITHIN_MS and other.length_ms - theirs.end_ms <= END_WITHIN_MS
    begins = mine.start_ms > own.tail.start_ms + CUT_OFF_MS and theirs.start_ms > other.tail.start_ms + CUT_OFF_MS
    is_short = mine.length_ms <= LARGEST_SHARE * min(own.length_ms, other.length_ms)
    return mine if is_last and begins and is_short and mine.length_ms >= SHORTEST_END_MUSIC_MS else None


def _agreed(stretches: Sequence[Stretch]) -> Stretch | None:
    """The stretch that most siblings tell alike, the longest of several; its ends are the median of theirs."""
    if not stretches:
        return None

    def like(one: Stretch) -> list[Stretch]:
        return [
            other
            for other in stretches
            if abs(other.start_ms - one.start_ms) <= AGREE_MS and abs(other.end_ms - one.end_ms) <= AGREE_MS
        ]

    group = max((like(one) for one in stretches), key=lambda alike: (len(alike), max(one.length_ms for one in alike)))
    return Stretch(
        start_ms=PositionMs(round(statistics.median(one.start_ms for one in group))),
        end_ms=PositionMs(round(statistics.median(one.end_ms for one in group))),
    )


def snapped(at: PositionMs, edges: Sequence[PositionMs]) -> PositionMs:
    """The nearest cut or silence, where one is near."""
    nearest = min(edges, key=lambda edge: abs(edge - at), default=at)
    return nearest if abs(nearest - at) <= SNAP_MS else at


def _marker(kind: MarkerKind, start: PositionMs, end: PositionMs) -> Marker:
    return Marker(kind=kind, start_ms=start, end_ms=end, source=MarkerSource.FOUND)


def _sorted(markers: Iterable[Marker]) -> tuple[Marker, ...]:
    return tuple(sorted(markers, key=lambda marker: (marker.start_ms, marker.kind)))
