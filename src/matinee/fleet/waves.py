"""What spreads over boxes in waves: what a plan says, where it stands, and what comes next. Pure, and the one engine for it.

Each wave gives something to a greater share of the boxes, drawn by one salt, so that a greater share only adds. It ends well when
enough of the boxes that it added have reported for long enough, and none of its limits is passed; it halts when one is, or when
its time is over and too few have reported: a box that is switched off holds up nobody for ever. What is spread (a launch, a
release of the interface), and what a step does, is known to whoever moves a plan on.

The words are hawkBit's (error condition, error action) and AWS IoT's (a least number of things before a percentage counts).
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import BoxId
from matinee.base.units import DurationMs
from matinee.fleet.buckets import ALL_BOXES, bucket
from matinee.fleet.model import FleetError

MAX_WAVES: Final = 50
MAX_FREEZES: Final = 50


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

    `sample`: the boxes that must have reported before a percentage of them counts. The limits are percent of the boxes that
    this wave added and that reported; None is no limit. Of a launch, `failing`: a film failed; `stalling`: one stood still;
    `lost`: one that ran broke off without an end and the box was not heard again. Of a release, `failing`: its start did not
    stand; `lost`: the box was handed it and did not come back to confirm it.
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


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every plan says, whatever it spreads. `holdback`: boxes of 10,000 that no wave reaches, to compare with.

    `base`: the share that had it when this was planned: boxes that no wave adds, and that none takes it from.
    """

    starts_at: Instant
    recorded_at: Instant
    waves: tuple[Wave, ...]
    salt: str
    author: str
    base: int = 0
    holdback: int = 0
    freezes: tuple[Freeze, ...] = ()


class EventKind(StrEnum):
    APPROVED = "approved"
    BEGUN = "begun"
    SUCCEEDED = "succeeded"
    HALTED = "halted"
    RESUMED = "resumed"
    WITHDRAWN = "withdrawn"


class WaveEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happened to a plan: appended, never edited. `wave` counts from 0."""

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
    """Where a plan stands: in which wave, how, since when, and the last word said of it."""

    phase: Phase
    wave: int
    since: Instant
    says: str = ""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the boxes that the running wave added have reported, and of how many of them what went wrong."""

    reported: int = 0
    failing: int = 0
    stalling: int = 0
    lost: int = 0


class LimitWords(msgspec.Struct, frozen=True, kw_only=True):
    """What a passed limit means where this is spread, in words for staff: "On 3 boxes ... a film failed"."""

    failing: str
    stalling: str
    lost: str


def standing(plan: Plan, events: Iterable[WaveEvent]) -> Standing:
    """Fold what happened, in its order."""
    now = Standing(phase=Phase.WAITING, wave=0, since=plan.recorded_at)
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
            phase = Phase.FINISHED if wave == len(plan.waves) else Phase.WAITING
        now = Standing(phase=phase, wave=wave, since=event.at, says=event.says)
    if now.phase is Phase.WAITING and plan.waves[now.wave].needs_approval and now.wave not in approved:
        return msgspec.structs.replace(now, phase=Phase.WAITING_FOR_APPROVAL)
    return now


_AFTER = {
    EventKind.BEGUN: Phase.RUNNING,
    EventKind.SUCCEEDED: Phase.WAITING,
    EventKind.HALTED: Phase.HALTED,
    EventKind.RESUMED: Phase.WAITING,
    EventKind.WITHDRAWN: Phase.WITHDRAWN,
}


def next_step(plan: Plan, now: Instant, stands: Standing, counts: Counts, words: LimitWords) -> tuple[EventKind, str] | None:
    """What the plan does now by itself, and why; None for nothing. `counts`: of the boxes that the running wave added."""
    if stands.phase is Phase.WAITING:
        return _begin(plan, now, stands)
    if stands.phase is not Phase.RUNNING:
        return None
    wave = plan.waves[stands.wave]
    halt = _passed_limit(wave, counts, words)
    if halt is not None:
        return EventKind.HALTED, halt
    ran = now - stands.since
    if ran >= wave.soak_ms and counts.reported >= wave.sample:
        return EventKind.SUCCEEDED, f"{counts.reported} boxes reported and no limit was passed."
    if ran >= wave.timeout_ms:
        says = f"Its time is over, and {counts.reported} boxes of at least {wave.sample} have reported."
        return (EventKind.SUCCEEDED if wave.on_timeout is OnTimeout.NEXT else EventKind.HALTED), says
    return None


def share_before(plan: Plan, wave: int) -> int:
    """The share of the boxes that had it before a wave."""
    return plan.waves[wave - 1].share if wave else plan.base


def added_by(plan: Plan, wave: int, box: BoxId) -> bool:
    """Whether it is this wave that adds the box."""
    return share_before(plan, wave) <= bucket(plan.salt, box, ALL_BOXES) < plan.waves[wave].share


def check_plan(plan: Plan, boxes: int) -> None:
    """Refuse a plan that could not be, or whose condition could never hold. `boxes`: how many there are to spread over.

    Raises FleetError, naming the wave.
    """
    if not 0 < len(plan.waves) <= MAX_WAVES:
        raise FleetError(f"There are 1 to {MAX_WAVES} waves.", remedy="Write one wave for each step.")
    if not 0 <= plan.holdback < ALL_BOXES:
        raise FleetError("holdback is no share of the boxes.", remedy="Write 0 to under 100 percent.")
    if not plan.author.strip():
        raise FleetError("The rollout has no author.", remedy="Say who plans it: somebody else approves.")
    _check_freezes(plan)
    before = plan.base
    for number, wave in enumerate(plan.waves):
        try:
            _check_wave(wave, before, ALL_BOXES - plan.holdback, boxes)
        except FleetError as error:
            raise FleetError(f"waves[{number}]: {error.message}", remedy=error.remedy) from error
        before = wave.share


def _passed_limit(wave: Wave, counts: Counts, words: LimitWords) -> str | None:
    """Which limit is passed, in words for staff; None for none, and where too few boxes reported to draw a percentage of."""
    if counts.reported < wave.sample:
        return None
    for limit, count, what in (
        (wave.failing, counts.failing, words.failing),
        (wave.stalling, counts.stalling, words.stalling),
        (wave.lost, counts.lost, words.lost),
    ):
        if limit is not None and count * 100 > limit * counts.reported:
            percent = 100 * count / counts.reported
            return f"On {count} boxes of {counts.reported} that reported {what}: {percent:.1f} %, over the limit of {limit:g} %."
    return None


def _check_wave(wave: Wave, before: int, most: int, boxes: int) -> None:
    if not before < wave.share <= most:
        raise FleetError(
            f"Its percent is {wave.share / 100:g}; the wave before has {before / 100:g}, and the most is {most / 100:g}.",
            remedy="Let each wave add boxes, up to 100 percent less the holdback.",
        )
    if wave.sample < 1:
        raise FleetError(f"Its sample is {wave.sample}.", remedy="Write at least 1 box.")
    adds = (wave.share - before) * boxes / ALL_BOXES
    if wave.sample > adds:
        raise FleetError(
            f"Its sample of {wave.sample} can never be met: it adds some {adds:.0f} boxes of {boxes:,}.",
            remedy="Ask for fewer boxes, or add more in this wave.",
        )
    limits = [limit for limit in (wave.failing, wave.stalling, wave.lost) if limit is not None]
    if not limits:
        raise FleetError("It has no limit: nothing would ever halt it.", remedy="Write failing, stalling or lost, in percent.")
    if any(not 0 <= limit < 100 for limit in limits):
        raise FleetError("A limit can never be passed, or always is.", remedy="Write 0 to under 100 percent.")
    if not 0 <= wave.soak_ms <= wave.timeout_ms or wave.timeout_ms < 1:
        raise FleetError(
            f"It is to go well for {wave.soak_ms / HOUR:g} hours, and its time is over after {wave.timeout_ms / HOUR:g}.",
            remedy="Let the timeout be the longer of the two.",
        )


def _check_freezes(plan: Plan) -> None:
    if len(plan.freezes) > MAX_FREEZES:
        raise FleetError(f"There are more than {MAX_FREEZES} freezes.", remedy="Put neighbours together.")
    ordered: Sequence[Freeze] = sorted(plan.freezes, key=lambda one: one.start)
    for number, one in enumerate(ordered):
        if one.end <= one.start:
            raise FleetError("A freeze ends before it begins.", remedy="Write its beginning first.")
        if number and one.start < ordered[number - 1].end:
            raise FleetError("Two freezes overlap.", remedy="Write them as one.")


def _begin(plan: Plan, now: Instant, stands: Standing) -> tuple[EventKind, str] | None:
    if now < plan.starts_at or any(one.start <= now < one.end for one in plan.freezes):
        return None
    wave = plan.waves[stands.wave]
    return EventKind.BEGUN, f"Wave {stands.wave + 1} of {len(plan.waves)}: {wave.share / 100:g} % of the boxes."
