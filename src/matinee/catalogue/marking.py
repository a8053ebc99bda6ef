"""Markers of titles: found when a film comes, found again in its season with each new episode, edited by staff.

Nothing of the finding can fail a title: what goes wrong is logged, and the title has no marker.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog

from matinee.base.clock import Clock, Instant
from matinee.base.ids import PublisherId, TitleId
from matinee.base.party import publisher_side
from matinee.catalogue import landmark_store, markers, store
from matinee.catalogue.model import MarkerKind, Metadata, Title, TitleNotFound
from matinee.encoding.landmarks import Landmarks, find_landmarks
from matinee.encoding.model import EncodedFilm
from matinee.encoding.prints import Stretch
from matinee.outside.database import Database
from matinee.outside.tools import Tools
from matinee.parties import audit

log = structlog.get_logger("matinee.ingest")


def landmarks_or_none(film: EncodedFilm, folder: Path, tools: Tools) -> Landmarks:
    """What a film's landmarks are; bare ones, with a line in the log, where that cannot be told."""
    try:
        return find_landmarks(film, folder, tools)
    except Exception as error:
        # A boundary: a film is worth publishing without markers, whatever kept us from finding them.
        log.warning("landmarks not found", exc_info=error)
        return Landmarks(length_ms=film.duration_ms)


def with_film_markers(told: Metadata, film: EncodedFilm, landmarks: Landmarks) -> Metadata:
    """What is told of a film, with the markers that its chapters name and those that it shows by itself."""
    written = markers.written(told.markers, markers.of_chapters(film.chapters, film.duration_ms))
    kinds = {marker.kind for marker in written}
    found = [marker for marker in markers.found_alone(landmarks) if marker.kind not in kinds]
    return msgspec.structs.replace(told, markers=(*written, *found))


def mark_season(database: Database, title: TitleId, landmarks: Landmarks, clock: Clock) -> str:
    """Compare a published episode with others of its season, and give each of them the markers that they share.

    A marker that was found once stays as it is; so does what was written, and what staff decided. The answer is a step's: "{}".
    """
    try:
        _mark_season(database, title, landmarks, clock())
    except Exception as error:
        # A boundary: the title is published by now, and a marker that is missing is no reason to say otherwise.
        log.warning("season not marked", title=title, exc_info=error)
    return "{}"


def _mark_season(database: Database, title: TitleId, own: Landmarks, now: Instant) -> None:
    with database.write() as conn:
        if store.load_title(conn, title).series is None:
            return
        landmark_store.keep(conn, title, own, now)
    # In a transaction after that one: of two episodes at once, the later to keep its landmarks sees those of both.
    with database.read() as conn:
        near = store.episodes_near(conn, store.load_title(conn, title), markers.SIBLINGS)
        theirs = landmark_store.landmarks_of(conn, [one.id for one in near])
    found = {title: markers.found_together(own, list(theirs.values()))}
    found.update((other, markers.found_together(marks, [own])) for other, marks in theirs.items())
    for one, new in found.items():
        if new:
            with database.write() as conn:
                store.change_markers(conn, one, lambda there, new=new: markers.with_found(there, new), now)  # type: ignore[misc]


def edit_markers(
    database: Database,
    publisher: PublisherId,
    title: TitleId,
    changes: Mapping[MarkerKind, Stretch | None],
    now: Instant,
    *,
    actor: str,
) -> Title:
    """Give a title the markers that staff want, and none of the kinds that they want none of. The title as it now stands.

    Raises TitleNotFound, also for another publisher's, and CatalogueError for a stretch outside the film.
    """
    with database.write() as conn:

        def change(there: Title) -> Title:
            if there.publisher != publisher:
                raise TitleNotFound
            return markers.edited(there, changes)

        after = store.change_markers(conn, title, change, now)
        detail = {kind.value: None if one is None else [one.start_ms, one.end_ms] for kind, one in changes.items()}
        audit.record(conn, actor, "title.markers", title, detail, now, sides=[publisher_side(publisher)])
    return after
