"""A launch that spreads in waves: what a plan says, where it stands, and what comes next. Pure.

Each wave gives the service to a greater share of an operator's boxes, drawn by one salt, so that a greater share only adds. It
ends well when enough of the boxes that it added have reported for long enough, and none of its limits is passed; it halts
when one is, or when its time is over and too few have reported: a box that is switched off holds up nobody for ever. What a wave
does is one more launch record, so that decisions, their past and their reasons need to know nothing of waves.

The words are hawkBit's (error condition, error action) and AWS IoT's (a least number of things before a percentage counts).
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import BoxId, OperatorId, RolloutId, ServiceId
from matinee.base.units import DurationMs
from matinee.carriage.buckets import bucket
from matinee.carriage.model import ALL_BOXES, CarriageError

MAX_WAVES: Final = 50
MAX_FREEZES: Final = 50


class OnError(StrEnum):
    """What becomes of the boxes that have the service when a wave halts."""

    STOP = "stop"
    """They keep it; no further box gets it."""
    BACK = "back"
    """Those that the wave added lose it again."""
    PAUSE = "pause"
    """The launch is paused: no new plays at all, films that run go on."""


class OnTimeout(StrEnum):
    HALT = "halt"
    NEXT = "next"


class Freeze(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in which no wave begins. One that runs goes on, and may halt."""

    start: Instant
    end: Instant
    reason: str = ""


class Wave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step. `share`: of 10,000 boxes, those of the waves before it among them.

    `sample`: the boxes that must have reported before a percentage of them counts. The limits are percent of the boxes that this
    wave added and that reported; None is no limit. `failing`: a film failed; `stalling`: one stood still; `lost`: one that ran
    broke off without an end and the box was not heard again.
    """

    share: int
    sample: int
    soak_ms: DurationMs
    timeout_ms: DurationMs
    failing: float | None = None
    stalling: float | None = None
    lost: float | None = None
    on_timeout: OnTimeout = OnTimeout.HALT
    needs_approval: bool = False


class Rollout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan for one service at one operator. `holdback`: boxes of 10,000 that no wave reaches, to compare with.

    `base`: the share that the launch had when it was planned: boxes that no wave adds, and that none takes it from.
    """

    id: RolloutId
    operator: OperatorId
    service: ServiceId
    starts_at: Instant
    recorded_at: Instant
    waves: tuple[Wave, ...]
    salt: str
    author: str
    base: int = 0
    holdback: int = 0
    freezes: tuple[Freeze, ...] = ()
    on_error: OnError = OnError.STOP


class EventKind(StrEnum):
    APPROVED = "approved"
    BEGUN = "begun"
    SUCCEEDED = "succeeded"
    HALTED = "halted"
    RESUMED = "resumed"
    WITHDRAWN = "withdrawn"


class RolloutEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happened to a rollout: appended, never edited. `wave` counts from 0."""

    kind: EventKind
    wave: int
    at: Instant
    actor: str
    says: str = ""


class Phase(StrEnum):
    WAITING = "waiting"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    RUNNING = "running"
    HALTED = "halted"
    FINISHED = "finished"
    WITHDRAWN = "withdrawn"


OVER: Final = frozenset({Phase.FINISHED, Phase.WITHDRAWN})


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a rollout stands: in which wave, how, since when, and the last word said of it."""

    phase: Phase
    wave: int
    since: Instant
    says: str = ""


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


def standing(rollout: Rollout, events: Iterable[RolloutEvent]) -> Standing:
    """Fold what happened, in its order."""
    now = Standing(phase=Phase.WAITING, wave=0, since=rollout.recorded_at)
    approved: set[int] = set()
    for event in events:
        if event.kind is EventKind.APPROVED:
            approved.add(event.wave)
            continue
        if event.kind is EventKind.RESUMED:
            approved.discard(event.wave)  # what went wrong once is looked at by two again
        phase, wave = _AFTER[event.kind], event.wave
        if event.kind is EventKind.SUCCEEDED:
            wave += 1
            phase = Phase.FINISHED if wave == len(rollout.waves) else Phase.WAITING
        now = Standing(phase=phase, wave=wave, since=event.at, says=event.says)
    if now.phase is Phase.WAITING and rollout.waves[now.wave].needs_approval and now.wave not in approved:
        return msgspec.structs.replace(now, phase=Phase.WAITING_FOR_APPROVAL)
    return now


_AFTER = {
    EventKind.BEGUN: Phase.RUNNING,
    EventKind.SUCCEEDED: Phase.WAITING,
    EventKind.HALTED: Phase.HALTED,
    EventKind.RESUMED: Phase.WAITING,
    EventKind.WITHDRAWN: Phase.WITHDRAWN,
}


def next_step(rollout: Rollout, now: Instant, stands: Standing, measures: Sequence[BoxMeasure]) -> tuple[EventKind, str] | None:
    """What the rollout does now by itself, and why; None for nothing. `measures`: of the boxes that the running wave added."""
    if stands.phase is Phase.WAITING:
        return _begin(rollout, now, stands)
    if stands.phase is not Phase.RUNNING:
        return None
    wave = rollout.waves[stands.wave]
    halt = passed_limit(wave, measures)
    if halt is not None:
        return EventKind.HALTED, halt
    ran = now - stands.since
    if ran >= wave.soak_ms and len(measures) >= wave.sample:
        return EventKind.SUCCEEDED, f"{len(measures)} boxes reported and no limit was passed."
    if ran >= wave.timeout_ms:
        says = f"Its time is over, and {len(measures)} boxes of at least {wave.sample} have reported."
        return (EventKind.SUCCEEDED if wave.on_timeout is OnTimeout.NEXT else EventKind.HALTED), says
    return None


def passed_limit(wave: Wave, measures: Sequence[BoxMeasure]) -> str | None:
    """Which limit is passed, in words for staff; None for none, and where too few boxes reported to draw a percentage of."""
    if len(measures) < wave.sample:
        return None
    for limit, count, words in (
        (wave.failing, sum(one.is_failing for one in measures), "a film failed"),
        (wave.stalling, sum(one.is_stalling for one in measures), "a film stood still"),
        (wave.lost, sum(one.is_lost for one in measures), "a film broke off and the box was not heard again"),
    ):
        if limit is not None and count * 100 > limit * len(measures):
            percent = 100 * count / len(measures)
            return f"On {count} boxes of {len(measures)} that reported {words}: {percent:.1f} %, over the limit of {limit:g} %."
    return None


def share_before(rollout: Rollout, wave: int) -> int:
    """The share of the boxes that had the service before a wave."""
    return rollout.waves[wave - 1].share if wave else rollout.base


def is_as_left(rollout: Rollout, stands: Standing, share: int) -> bool:
    """Whether the launch's share is what the rollout left it at. Otherwise staff have changed it, and they come first."""
    wave = stands.wave
    return share == rollout.waves[wave].share or (stands.phase is not Phase.RUNNING and share == share_before(rollout, wave))


def added_by(rollout: Rollout, wave: int, box: BoxId) -> bool:
    """Whether it is this wave that gives the service to the box."""
    return share_before(rollout, wave) <= bucket(rollout.salt, box, ALL_BOXES) < rollout.waves[wave].share


def check_rollout(rollout: Rollout, boxes: int) -> None:
    """Refuse a plan that could not be, or whose condition could never hold. `boxes`: how many the operator has.

    Raises CarriageError, naming the wave.
    """
    if rollout.waves and rollout.waves[0].share < rollout.base:
        raise CarriageError(
            f"The first wave would take the service from boxes that have it: it is at {rollout.base / 100:g} % now.",
            remedy="Begin with more than that, or record the launch with percent = 0 first.",
        )
    if not 0 < len(rollout.waves) <= MAX_WAVES:
        raise CarriageError(f"A rollout has 1 to {MAX_WAVES} waves.", remedy="Write one wave for each step.")
    if not 0 <= rollout.holdback < ALL_BOXES:
        raise CarriageError("holdback is no share of the boxes.", remedy="Write 0 to under 100 percent.")
    if not rollout.author.strip():
        raise CarriageError("The rollout has no author.", remedy="Say who plans it: somebody else approves.")
    _check_freezes(rollout)
    before = rollout.base
    for number, wave in enumerate(rollout.waves):
        try:
            _check_wave(wave, before, ALL_BOXES - rollout.holdback, boxes)
        except CarriageError as error:
            raise CarriageError(f"waves[{number}]: {error.message}", remedy=error.remedy) from error
        before = wave.share


def _check_wave(wave: Wave, before: int, most: int, boxes: int) -> None:
    if not before < wave.share <= most:
        raise CarriageError(
            f"Its percent is {wave.share / 100:g}; the wave before has {before / 100:g}, and the most is {most / 100:g}.",
            remedy="Let each wave add boxes, up to 100 percent less the holdback.",
        )
    if wave.sample < 1:
        raise CarriageError(f"Its sample is {wave.sample}.", remedy="Write at least 1 box.")
    adds = (wave.share - before) * boxes / ALL_BOXES
    if wave.sample > adds:
        raise CarriageError(
            f"Its sample of {wave.sample} can never be met: it adds some {adds:.0f} boxes of the operator's {boxes:,}.",
            remedy="Ask for fewer boxes, or add more in this wave.",
        )
    limits = [limit for limit in (wave.failing, wave.stalling, wave.lost) if limit is not None]
    if not limits:
        raise CarriageError("It has no limit: nothing would ever halt it.", remedy="Write failing, stalling or lost, in percent.")
    if any(not 0 <= limit < 100 for limit in limits):
        raise CarriageError("A limit can never be passed, or always is.", remedy="Write 0 to under 100 percent.")
    if not 0 <= wave.soak_ms <= wave.timeout_ms or wave.timeout_ms < 1:
        raise CarriageError(
            f"It is to go well for {wave.soak_ms / HOUR:g} hours, and its time is over after {wave.timeout_ms / HOUR:g}.",
            remedy="Let the timeout be the longer of the two.",
        )


def _check_freezes(rollout: Rollout) -> None:
    if len(rollout.freezes) > MAX_FREEZES:
        raise CarriageError(f"There are more than {MAX_FREEZES} freezes.", remedy="Put neighbours together.")
    ordered = sorted(rollout.freezes, key=lambda one: one.start)
    for number, one in enumerate(ordered):
        if one.end <= one.start:
            raise CarriageError("A freeze ends before it begins.", remedy="Write its beginning first.")
        if number and one.start < ordered[number - 1].end:
            raise CarriageError("Two freezes overlap.", remedy="Write them as one.")


def _begin(rollout: Rollout, now: Instant, stands: Standing) -> tuple[EventKind, str] | None:
    if now < rollout.starts_at or any(one.start <= now < one.end for one in rollout.freezes):
        return None
    wave = rollout.waves[stands.wave]
    return EventKind.BEGUN, f"Wave {stands.wave + 1} of {len(rollout.waves)}: {wave.share / 100:g} % of the boxes."
