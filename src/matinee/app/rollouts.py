"""Waves in the running service: what players report, as a launch's wave asks it, and how launches and releases move on."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from matinee.base.clock import MINUTE, Clock, Instant
from matinee.base.ids import BoxId, OperatorId, ServiceId
from matinee.carriage.rollout_work import advance_all
from matinee.carriage.rollouts import BoxMeasure, Measures
from matinee.fleet import release_work
from matinee.fleet.releases import ActKind
from matinee.fleet.waves import EventKind
from matinee.outside.database import Database
from matinee.telemetry.query import box_counts

LOST_AFTER_MS = 5 * MINUTE
"""A player that plays tells of itself each thirty seconds: ten of them in a row are no bad network. While nobody listened to it,
as before this process began, it may have told of itself in vain."""
EVERY_SECONDS = 10.0

log = structlog.get_logger("matinee.rollouts")


class PlayerMeasures:
    """Implements carriage's `Measures` over the kept CMCD events of this installation."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._listening_since = clock()

    def since(self, operator: OperatorId, service: ServiceId, since: Instant, now: Instant) -> Sequence[BoxMeasure]:
        """One entry for each box that reported a play of the service from then on. Blocks."""
        return [
            BoxMeasure(
                box=BoxId(one.box),
                is_failing=one.failures > 0,
                is_stalling=one.rebuffers > 0,
                is_lost=one.runs_on and now - max(one.last_at, self._listening_since) > LOST_AFTER_MS,
            )
            for one in box_counts(self._folder, operator, service, since)
            if one.starts or one.failures
        ]


def advance(database: Database, measures: Measures, clock: Clock) -> None:
    """Move every launch's rollout and every release on, and tell of what happened in the log."""
    for rollout, event in advance_all(database, measures, clock()):
        tell = log.warning if event.kind is EventKind.HALTED else log.info
        tell(f"wave {event.kind.value}", rollout=rollout.id, wave=event.wave + 1, says=event.says)
    for release, act in release_work.advance_all(database, clock()):
        tell = log.warning if act.kind is ActKind.HALTED else log.info
        tell(f"wave {act.kind.value}", release=release.version, wave=act.wave + 1, says=act.says)
