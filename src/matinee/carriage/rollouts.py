"""A launch that spreads in waves: what a plan is for, what players report of it, and what its limits mean. Pure.

The engine is `fleet.waves`, which releases of the interface use too. What a wave does here is one more launch record, so that
decisions, their past and their reasons need to know nothing of waves.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from matinee.base.clock import Instant
from matinee.base.ids import BoxId, OperatorId, RolloutId, ServiceId
from matinee.carriage.model import CarriageError
from matinee.fleet import waves
from matinee.fleet.model import FleetError
from matinee.fleet.waves import Counts, EventKind, LimitWords, Phase, Plan, Standing, share_before

WORDS: Final = LimitWords(
    failing="a film failed",
    stalling="a film stood still",
    lost="a film broke off and the box was not heard again",
)


class OnError(StrEnum):
    """What becomes of the boxes that have the service when a wave halts."""

    STOP = "stop"
    """They keep it; no further box gets it."""
    BACK = "back"
    """Those that the wave added lose it again."""
    PAUSE = "pause"
    """The launch is paused: no new plays at all, films that run go on."""


class Rollout(Plan, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan for one service at one operator."""

    id: RolloutId
    operator: OperatorId
    service: ServiceId
    on_error: OnError = OnError.STOP


class BoxMeasure(msgspec.Struct, frozen=True, kw_only=True):
    """What one box's players reported of a service since a moment. It is lost when it broke off and has not been heard since."""

    box: BoxId
    is_failing: bool
    is_stalling: bool
    is_lost: bool


class Measures(Protocol):
    """What players report, as a wave asks it. Blocks."""

    def since(self, operator: OperatorId, service: ServiceId, since: Instant, now: Instant) -> Sequence[BoxMeasure]:
        """One entry for each box that reported a play of the service from then on."""
        ...


def next_step(rollout: Rollout, now: Instant, stands: Standing, measures: Sequence[BoxMeasure]) -> tuple[EventKind, str] | None:
    """What the rollout does now by itself, and why; None for nothing. `measures`: of the boxes that the running wave added."""
    counts = Counts(
        reported=len(measures),
        failing=sum(one.is_failing for one in measures),
        stalling=sum(one.is_stalling for one in measures),
        lost=sum(one.is_lost for one in measures),
    )
    return waves.next_step(rollout, now, stands, counts, WORDS)


def is_as_left(rollout: Rollout, stands: Standing, share: int) -> bool:
    """Whether the launch's share is what the rollout left it at. Otherwise staff have changed it, and they come first."""
    wave = stands.wave
    return share == rollout.waves[wave].share or (stands.phase is not Phase.RUNNING and share == share_before(rollout, wave))


def check_rollout(rollout: Rollout, boxes: int) -> None:
    """Refuse a plan that could not be, or whose condition could never hold. `boxes`: how many the operator has.

    Raises CarriageError, naming the wave.
    """
    if rollout.waves and rollout.waves[0].share < rollout.base:
        raise CarriageError(
            f"The first wave would take the service from boxes that have it: it is at {rollout.base / 100:g} % now.",
            remedy="Begin with more than that, or record the launch with percent = 0 first.",
        )
    try:
        waves.check_plan(rollout, boxes)
    except FleetError as error:
        raise CarriageError(error.message, remedy=error.remedy) from error
