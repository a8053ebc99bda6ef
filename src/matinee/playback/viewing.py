"""Viewing as it is learnt from: all profiles' places, read in batches, never as one list.

A place says how far a profile came in a title at last, by the last report that counted.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import ProfileId
from matinee.playback.store import places, play_sessions

BATCH: Final = 20_000


def viewings(conn: Connection, since: Instant, until: Instant, below: ProfileId | None) -> Iterator[Sequence[Sequence[Any]]]:
    """Places that counted from `since` on and before `until`, by profile and title, in batches.

    With `below`, of the profiles whose ids come before it alone: ids are random, so that is a fair part of all. A row:
    (profile, title, household, position_ms, duration_ms, completed, counted_at).
    """
    one = places.c
    query = (
        sa.select(one.profile, one.title, one.household, one.position_ms, one.duration_ms, one.completed, one.counted_at)
        .where(one.counted_at >= since, one.counted_at < until)
        .order_by(one.profile, one.title)
    )
    if below is not None:
        query = query.where(one.profile < below)
    yield from conn.execution_options(yield_per=BATCH).execute(query).partitions(BATCH)


def viewings_at_operators(conn: Connection, since: Instant, until: Instant) -> Iterator[Sequence[Sequence[Any]]]:
    """Places of that time whose play was at an operator's line, in batches.

    A row: (operator, household, profile, title, position_ms, duration_ms, completed).
    """
    one = places.c
    query = (
        sa.select(
            play_sessions.c.operator, one.household, one.profile, one.title, one.position_ms, one.duration_ms, one.completed
        )
        .join_from(places, play_sessions, play_sessions.c.id == one.session)
        .where(one.counted_at >= since, one.counted_at < until, play_sessions.c.operator.is_not(None))
    )
    yield from conn.execution_options(yield_per=BATCH).execute(query).partitions(BATCH)
