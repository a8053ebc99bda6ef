"""Rollouts in the running service: what players report, as a wave asks it, and the thread that moves waves on."""

import threading
from collections.abc import Sequence
from pathlib import Path

import structlog

from matinee.base.clock import MINUTE, Clock, Instant
from matinee.base.ids import BoxId, OperatorId, ServiceId
from matinee.carriage.rollout_work import advance_all
from matinee.carriage.rollouts import BoxMeasure, EventKind, Measures
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


class RolloutThread:
    """Moves rollouts on from `start` until `close`, and goes on trying while the database is away."""

    def __init__(self, database: Database, measures: Measures, clock: Clock, every_seconds: float = EVERY_SECONDS) -> None:
        self._database = database
        self._measures = measures
        self._clock = clock
        self._every_seconds = every_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rollouts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        failing = False
        while not self._stopping.wait(self._every_seconds):
            try:
                happened = advance_all(self._database, self._measures, self._clock())
            except Exception as error:
                # A process boundary, as in the feed: a thread that ended here would leave a bad wave running for ever.
                if not failing:
                    log.error("rollouts cannot be moved on; it is tried again", exc_info=error)
                failing = True
                continue
            failing = False
            for rollout, event in happened:
                tell = log.warning if event.kind is EventKind.HALTED else log.info
                tell(f"wave {event.kind.value}", rollout=rollout.id, wave=event.wave + 1, says=event.says)
