"""What counts as watching, what is finished, what comes next, and which tracks a viewer hears and reads. Pure: `now` is given.

The rule of places. Several screens of one profile may hold one film open, and each sends reports for as long as it is. A report
counts when its player has moved since the last one that counted for that session, so a screen left paused, or asleep on the last
picture, says the same place for ever and never overwrites where the viewer really is. Reports of one session are ordered by their
sequence, those of different sessions by when the server received them; a player's clock is never asked.
"""

from collections.abc import Iterable, Sequence

import msgspec

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import TitleId
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import Language, Watched
from matinee.playback.model import Place, PlayState, Report, Session

STILL_MS = 250
"""A paused player's clock may wander by a few frames: that is no movement."""

FINISHED_SHARE = 0.95
TOKEN_PAUSE_MS = 1 * HOUR


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a report: the session as it is now, and the place to keep, or None where the report did not count."""

    session: Session
    place: Place | None


def hear(session: Session, known: Place | None, report: Report, now: Instant) -> Heard:
    """Judge a report that came at `now` by the server's clock. `known` is where the profile is in this title so far.

    A report out of order, or of a play that has ended, changes nothing at all. The kept time never goes back, even if the
    machine's clock does.
    """
    if report.sequence <= session.sequence or session.ended_at is not None:
        return Heard(session=session, place=None)
    position = PositionMs(min(max(0, report.position_ms), session.duration_ms))
    moved = abs(position - session.position_ms) > STILL_MS or report.state is PlayState.ENDED
    heard = msgspec.structs.replace(
        session,
        sequence=report.sequence,
        reported_at=now,
        position_ms=position if moved else session.position_ms,
    )
    if not moved:
        return Heard(session=heard, place=None)
    completed = is_finished(position, session.duration_ms, session.credits_ms)
    place = Place(
        household=session.household,
        profile=session.profile,
        title=session.title,
        position_ms=position,
        duration_ms=session.duration_ms,
        completed=completed,
        session=session.id,
        sequence=report.sequence,
        counted_at=now if known is None else Instant(max(now, known.counted_at)),
        next_title=session.next_title if completed else None,
        next_duration_ms=session.next_duration_ms if completed else None,
    )
    return Heard(session=heard, place=place)


def newer(one: Place, other: Place) -> Place:
    """Which of two places of one profile in one title stands: the later one; within a session, the higher sequence.

    Between two sessions in the same millisecond, the first argument, which is the one that came after.
    """
    if one.session == other.session:
        return one if one.sequence > other.sequence else other
    return one if one.counted_at >= other.counted_at else other


def is_finished(position: PositionMs, duration: DurationMs, credits_ms: PositionMs | None) -> bool:
    """Whether the film is seen: in its credits, or at 95 % where nobody marked them. Credits of the first half are no end."""
    if credits_ms is not None and credits_ms * 2 >= duration > 0:
        return position >= credits_ms
    return duration > 0 and position >= FINISHED_SHARE * duration


def resume_position(place: Place | None) -> PositionMs:
    """Where a play begins: where the profile was, or at the start of a film that it has finished or not begun."""
    return PositionMs(0) if place is None or place.completed else place.position_ms


def continue_watching(places: Iterable[Place], limit: int) -> Sequence[Watched]:
    """What is under way, newest first. A finished title leaves; the one that follows it takes its place, unless begun already."""
    newest = sorted(places, key=lambda place: (-place.counted_at, place.title))
    known = {place.title for place in newest}
    under_way: list[Watched] = []
    for place in newest:
        if not place.completed:
            if place.position_ms > 0:
                under_way.append(as_watched(place))
        elif place.next_title is not None and place.next_title not in known:
            known.add(place.next_title)
            under_way.append(next_up(place, place.next_title))
        if len(under_way) >= limit:
            break
    return under_way


def as_watched(place: Place) -> Watched:
    return Watched(title=place.title, position_ms=place.position_ms, duration_ms=place.duration_ms, at=place.counted_at)


def next_up(finished: Place, title: TitleId) -> Watched:
    """The episode after a finished one: not begun, and of now."""
    return Watched(
        title=title,
        position_ms=PositionMs(0),
        duration_ms=finished.next_duration_ms or DurationMs(0),
        at=finished.counted_at,
    )


def choose_audio(wished: Language | None, there: Sequence[Language]) -> Language:
    """The wished language where the film has it (fr serves fr-CA and the other way round), else the film's own."""
    return _match(wished, there) or (there[0] if there else Language("und"))


def choose_subtitle(wished: Language | None, there: Sequence[Language]) -> Language | None:
    """The wished language where the film has it; none otherwise, rather than one that nobody asked for."""
    return _match(wished, there)


def token_expiry(now: Instant, duration: DurationMs, least_ms: DurationMs) -> Instant:
    """When a stream token ends: after the film and an hour's pause, and never under `least_ms` (four hours by default)."""
    return Instant(now + max(least_ms, duration + TOKEN_PAUSE_MS))


def renews(now: Instant, minted_at: Instant, expires_at: Instant) -> bool:
    """Whether a heartbeat's answer brings a fresh token: in the second half of its life.

    Not each time: a new token is a new address for every segment, and the player's own cache goes by address.
    """
    return now >= (minted_at + expires_at) // 2


def _match(wished: Language | None, there: Sequence[Language]) -> Language | None:
    if wished is None:
        return None
    if wished in there:
        return wished
    base = wished.partition("-")[0]
    return next((language for language in there if language.partition("-")[0] == base), None)
