"""The life of a subscription that an operator sells: its events, each at its own time, become states. Pure.

What counts is when an event was true, never when it came: the same events give the same life in whatever order they come. So an
event that is not allowed where it stands is kept, and changes nothing for as long as none before it makes it fit.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from matinee.base.clock import Instant
from matinee.base.ids import PlanId
from matinee.members.model import LIVE, SubscriptionState

_S = SubscriptionState


class Act(StrEnum):
    """What happened. Of two at one moment the one that stands first here came first. The last two are our own."""

    ACTIVATE = "activate"
    OPEN = "open"
    """The home opened its activation link."""
    CHANGE = "change"
    SUSPEND = "suspend"
    GRACE = "grace"
    RESUME = "resume"
    CANCEL = "cancel"
    REVOKE = "revoke"
    CLOSE = "close"
    """The home has left the operator, or the operator's agreement with the service has ended."""


OURS: Final = frozenset({Act.OPEN, Act.CLOSE})
NAMES_A_PLAN: Final = frozenset({Act.ACTIVATE, Act.CHANGE})

ALLOWED: Final[Mapping[Act, frozenset[SubscriptionState | None]]] = MappingProxyType(
    {
        Act.ACTIVATE: frozenset({None, _S.CANCELLED, _S.REVOKED}),
        Act.OPEN: frozenset({_S.PENDING}),
        Act.CHANGE: frozenset({_S.PENDING, _S.ACTIVE, _S.GRACE, _S.SUSPENDED}),
        Act.SUSPEND: frozenset({_S.ACTIVE, _S.ENDING, _S.GRACE}),
        Act.GRACE: frozenset({_S.ACTIVE}),
        Act.RESUME: frozenset({_S.SUSPENDED, _S.GRACE, _S.ENDING}),
        Act.CANCEL: frozenset({_S.PENDING, _S.ACTIVE, _S.GRACE, _S.SUSPENDED}),
        Act.REVOKE: frozenset(LIVE),
        Act.CLOSE: frozenset(LIVE),
    }
)
"""From which states an event is allowed; None is before there was any."""


class BillingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of one account. `id` is its sender's own name for it, `at` when it was true.

    `until`: of a cancel the end of what was paid, of a grace its end. `by_link`: an activation that waits until the home opens
    its link. `hands_over`: it may end what the service itself sold. `begins_at`: when what was handed over begins to be this one.
    """

    id: str
    act: Act
    at: Instant
    plan: PlanId | None = None
    until: Instant | None = None
    by_link: bool = False
    hands_over: bool = False
    begins_at: Instant | None = None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A state from a moment up to, not including, another (None: no end known)."""

    state: SubscriptionState
    plan: PlanId
    valid_from: Instant
    valid_to: Instant | None = None


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """All states in order, without a gap between them. `unfit`: events that change nothing, each with the state that it met."""

    spans: tuple[Span, ...]
    unfit: Mapping[str, SubscriptionState | None]

    def at(self, moment: Instant) -> Span | None:
        """The span that a moment lies in; None before there was any."""
        held = [span for span in self.spans if span.valid_from <= moment]
        return held[-1] if held else None


class _Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a life stands. `ends_at`: the end of what was paid, once it is cancelled. `grace_to`: the end of a grace."""

    state: SubscriptionState
    plan: PlanId
    since: Instant
    ends_at: Instant | None = None
    grace_to: Instant | None = None
    begins_at: Instant | None = None


def live(events: Iterable[BillingEvent]) -> Life:
    """The life that events of one account make, whatever order they are given in."""
    stages: list[_Stage] = []
    unfit: dict[str, SubscriptionState | None] = {}
    for event in sorted(events, key=_place):
        _pass(stages, event.at)
        stage = stages[-1] if stages else None
        after = _after(stage, event)
        if after is None:
            unfit[event.id] = None if stage is None else stage.state
        else:
            stages.append(after)
    _pass(stages, None)
    return Life(spans=_spans(stages), unfit=unfit)


def waits_for_link(events: Iterable[BillingEvent], at: Instant) -> bool:
    """Whether at a moment it waits until its link is opened: what waits for another's end knows when it begins."""
    held = live(one for one in events if one.at <= at).at(at)
    return held is not None and held.state is _S.PENDING and held.valid_to is None


_ORDER: Final = {act: number for number, act in enumerate(Act)}


def _place(event: BillingEvent) -> tuple[Instant, int, str]:
    return event.at, _ORDER[event.act], event.id


def _pass(stages: list[_Stage], to: Instant | None) -> None:
    """What time alone does up to a moment: a grace runs out, what was paid ends, what was handed over begins."""
    while stages and (due := _due(stages[-1])) is not None and (to is None or due.since <= to):
        stages.append(due)


def _due(stage: _Stage) -> _Stage | None:
    """What the stage becomes by itself, next."""
    if stage.state is _S.PENDING and stage.begins_at is not None:
        return msgspec.structs.replace(stage, state=_S.ACTIVE, since=stage.begins_at, begins_at=None)
    if stage.state is _S.GRACE and stage.grace_to is not None and (stage.ends_at is None or stage.grace_to < stage.ends_at):
        return msgspec.structs.replace(stage, state=_S.SUSPENDED, since=stage.grace_to, grace_to=None)
    if stage.state in (_S.ENDING, _S.GRACE, _S.SUSPENDED) and stage.ends_at is not None:
        return _Stage(state=_S.CANCELLED, plan=stage.plan, since=stage.ends_at)
    return None


def _after(stage: _Stage | None, event: BillingEvent) -> _Stage | None:
    """What an event makes of a stage; None where it is not allowed there."""
    if (None if stage is None else stage.state) not in ALLOWED[event.act]:
        return None
    if event.act is Act.ACTIVATE:
        return None if event.plan is None else _begun(event, event.plan, waits=event.by_link)
    if stage is None or (event.act is Act.OPEN and stage.begins_at is not None):
        return None
    match event.act:
        case Act.OPEN:
            return _begun(event, stage.plan, waits=False)
        case Act.CHANGE:
            return msgspec.structs.replace(stage, plan=event.plan or stage.plan, since=event.at)
        case Act.SUSPEND:
            return msgspec.structs.replace(stage, state=_S.SUSPENDED, since=event.at, grace_to=None)
        case Act.GRACE:
            return msgspec.structs.replace(stage, state=_S.GRACE, since=event.at, grace_to=_later(event.until, event.at))
        case Act.RESUME:
            return _resumed(stage, event.at)
        case Act.CANCEL:
            return _cancelled(stage, event)
        case Act.REVOKE:
            return _Stage(state=_S.REVOKED, plan=stage.plan, since=event.at)
    return _Stage(state=_S.CANCELLED, plan=stage.plan, since=event.at)


def _begun(event: BillingEvent, plan: PlanId, *, waits: bool) -> _Stage:
    if waits:
        return _Stage(state=_S.PENDING, plan=plan, since=event.at)
    begins_at = None if event.begins_at is None or event.begins_at <= event.at else event.begins_at
    state = _S.ACTIVE if begins_at is None else _S.PENDING
    return _Stage(state=state, plan=plan, since=event.at, begins_at=begins_at)


def _resumed(stage: _Stage, at: Instant) -> _Stage:
    """What was held back goes on as it was; what was ending goes on for good."""
    if stage.state is _S.ENDING or stage.ends_at is None:
        return _Stage(state=_S.ACTIVE, plan=stage.plan, since=at)
    return _Stage(state=_S.ENDING, plan=stage.plan, since=at, ends_at=stage.ends_at)


def _cancelled(stage: _Stage, event: BillingEvent) -> _Stage:
    if stage.state is _S.PENDING or event.until is None or event.until <= event.at:
        return _Stage(state=_S.CANCELLED, plan=stage.plan, since=event.at)
    state = _S.ENDING if stage.state is _S.ACTIVE else stage.state
    return msgspec.structs.replace(stage, state=state, since=event.at, ends_at=event.until)


def _later(until: Instant | None, at: Instant) -> Instant | None:
    return None if until is None else max(until, at)


def _spans(stages: Sequence[_Stage]) -> tuple[Span, ...]:
    """Stages as spans: of several that begin at one moment the last, and what does not differ as one."""
    spans: list[Span] = []
    for stage in stages:
        if spans and spans[-1].valid_from == stage.since:
            spans.pop()
        if spans and (spans[-1].state, spans[-1].plan) == (stage.state, stage.plan):
            continue
        spans.append(Span(state=stage.state, plan=stage.plan, valid_from=stage.since))
    ends = [*(span.valid_from for span in spans[1:]), None]
    return tuple(msgspec.structs.replace(span, valid_to=end) for span, end in zip(spans, ends, strict=False))
