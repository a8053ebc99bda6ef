"""The one decision: whether a box has a service. Pure, for any moment, as it was known at any other.

Every clause is asked, also when an earlier one fails, so that staff see all that stands in the way at once. They are
`and`ed: nothing overrules a clause that does not hold, and no agreement or no launch is no service. Days in what is said to
staff are the operator's.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from matinee.base.clock import Instant
from matinee.base.dated import in_force, next_change
from matinee.base.ids import OperatorId, ServiceId
from matinee.carriage.expressions import evaluate, facts_of
from matinee.carriage.model import (
    LIVE,
    TOLD,
    Agreement,
    AgreementStatus,
    BoxView,
    CarriageError,
    Clause,
    ClauseName,
    Decision,
    Discoverability,
    Launch,
    LaunchState,
    Shows,
    Switch,
)
from matinee.fleet.buckets import ALL_BOXES, bucket
from matinee.fleet.model import HELD, BoxModel, Operator

_NOT_A_WORD: Final = frozenset(
    {
        ClauseName.AGREEMENT,
        ClauseName.SWITCH,
        ClauseName.TERRITORY,
        ClauseName.BLACKOUT,
        ClauseName.IDENTITY,
        ClauseName.NAMED,
    }
)
"""Where one of these fails a viewer hears nothing: there is nothing to wait for, or nothing to do about it."""

_OF_THE_BOX: Final = frozenset({ClauseName.MODEL, ClauseName.INTERFACE})
"""What stands in the way of a box and not of the home's other screens."""


def decide(
    service: ServiceId,
    operator: Operator | None,
    agreements: Iterable[Agreement],
    launches: Iterable[Launch],
    view: BoxView,
    at: Instant,
    known_at: Instant | None = None,
    model: BoxModel | None = None,
    switches: Iterable[Switch] = (),
) -> Decision:
    """Decide by the records of this operator and this service alone; `view` is the box as it was at `at`, `model` its model."""
    agreement = in_force(agreements, at, known_at)
    launch = in_force(launches, at, known_at)
    off = switched_off(switches, operator, at, known_at)
    is_named = launch is not None and names(launch.named, view, model)
    zone = ZoneInfo(operator.timezone) if operator is not None else ZoneInfo("UTC")
    clauses = (
        _agreement(agreement, zone),
        _territory(agreement, operator),
        _launch(launch, zone),
        _switch(off, zone),
        _technical_date(launch, at, zone),
        _blackout(launch, at, zone),
        _identity(view),
        _model(launch, view),
        _interface(launch, view),
        _named(launch, view, model, is_named=is_named),
        _rule(launch, view, model, is_named=is_named),
        _share(launch, view, is_named=is_named),
    )
    failed = {clause.name for clause in clauses if not clause.holds}
    bearable = ({ClauseName.SWITCH} if off is not None and not off.ends_plays else set()) | (
        {ClauseName.LAUNCH} if launch is not None and launch.state is LaunchState.PAUSED else set()
    )
    found_by = launch.discoverability if launch is not None else Discoverability.HIDDEN
    shows = _shows(failed, launch, found_by, at)
    beyond_box = _model_alone_is_asked(failed, launch, view, at)
    is_elsewhere = beyond_box and shows is Shows.NOT_ON_THIS_BOX and failed <= _OF_THE_BOX
    return Decision(
        service=service,
        operator=None if operator is None else operator.id,
        box=view.box,
        at=at,
        known_at=known_at,
        shows=shows,
        discoverability=found_by if shows is Shows.PLAYABLE else Discoverability.HIDDEN,
        announced_for=launch.announced_for if launch is not None and shows is Shows.COMING else "",
        plays_on=failed <= bearable,
        elsewhere=found_by if is_elsewhere else Discoverability.HIDDEN,
        elsewhere_plays_on=beyond_box and failed - _OF_THE_BOX <= bearable,
        share_drawn=launch is not None and launch.share != ALL_BOXES and not is_named,
        clauses=clauses,
    )


def switched_off(
    switches: Iterable[Switch], operator: Operator | None, at: Instant, known_at: Instant | None = None
) -> Switch | None:
    """The switch that keeps a service away at an operator, of the service's own; one that ends plays before one that does not."""
    named = {None} if operator is None else {None, operator.id}
    rows: dict[OperatorId | None, list[Switch]] = {}
    for one in switches:
        if one.operator in named:
            rows.setdefault(one.operator, []).append(one)
    newest = [in_force(row, at, known_at) for row in rows.values()]
    return max((one for one in newest if one is not None and one.is_off), key=lambda one: one.ends_plays, default=None)


def killed(launches: Iterable[Launch], at: Instant) -> frozenset[tuple[OperatorId, ServiceId]]:
    """Operator and service of each launch that is killed at a moment."""
    rows: dict[tuple[OperatorId, ServiceId], list[Launch]] = {}
    for one in launches:
        rows.setdefault((one.operator, one.service), []).append(one)
    found = {pair: in_force(row, at) for pair, row in rows.items()}
    return frozenset(pair for pair, one in found.items() if one is not None and one.state is LaunchState.KILLED)


def next_decision(agreements: Iterable[Agreement], launches: Iterable[Launch], after: Instant) -> Instant | None:
    """The next moment at which `decide` may answer otherwise for a box that stays as it is."""
    launches = tuple(launches)
    edges = [
        edge
        for launch in launches
        for edge in (
            launch.technical_at,
            launch.embargo_until,
            *(moment for one in launch.blackouts for moment in (one.start, one.end)),
        )
        if edge is not None and edge > after
    ]
    change = next_change((*agreements, *launches), after)
    return min((*edges, *(() if change is None else (change,))), default=None)


def _shows(failed: set[ClauseName], launch: Launch | None, found_by: Discoverability, at: Instant) -> Shows:
    if found_by is Discoverability.HIDDEN:
        return Shows.NOTHING
    if not failed:
        return Shows.PLAYABLE
    if launch is None or not may_be_told(launch, at):
        return Shows.NOTHING
    if failed & _NOT_A_WORD:
        return Shows.NOTHING
    if launch.state is not LaunchState.OPEN:
        return Shows.COMING
    if ClauseName.MODEL in failed:
        return Shows.NOT_ON_THIS_BOX
    return Shows.COMING if failed & {ClauseName.TECHNICAL_DATE, ClauseName.RULE, ClauseName.SHARE} else Shows.UPDATE_NEEDED


def _model_alone_is_asked(failed: set[ClauseName], launch: Launch | None, view: BoxView, at: Instant) -> bool:
    """Whether a box's model is in the way at a launch that lets the home's other screens have it, and play on in a pause."""
    if launch is None or not launch.elsewhere or view.box is None or ClauseName.MODEL not in failed:
        return False
    is_out = launch.embargo_until is None or launch.embargo_until <= at
    return is_out and launch.state in {LaunchState.OPEN, LaunchState.PAUSED}


def leaves_at(agreements: Iterable[Agreement], launches: Iterable[Launch], at: Instant) -> Instant | None:
    """When a service that is there now goes by what is recorded today; None where no end is known. A blackout is no end."""
    agreements, launches = tuple(agreements), tuple(launches)
    edge = next_change((*agreements, *launches), at)
    while edge is not None:
        agreement, launch = in_force(agreements, edge), in_force(launches, edge)
        if agreement is None or agreement.status is not AgreementStatus.SIGNED or launch is None or launch.state not in LIVE:
            return edge
        edge = next_change((*agreements, *launches), edge)
    return None


def milestones(launches: Iterable[Launch]) -> tuple[Instant | None, Instant | None]:
    """When a viewer could first hear of it, and when a box could first have it; None where neither has been recorded.

    Two moments that need not follow each other: a silent launch is live before it is told, an announcement may have no date.
    """
    told, live = [], []
    for launch in launches:
        ends = launch.valid_to
        if launch.state in TOLD:
            told.append(max(launch.valid_from, launch.embargo_until or launch.valid_from))
        if launch.state in LIVE and launch.technical_at is not None:
            began = max(launch.valid_from, launch.technical_at)
            live += [began] if ends is None or began < ends else []
    return min(told, default=None), min(live, default=None)


def may_be_told(launch: Launch, at: Instant) -> bool:
    """Whether a viewer who does not have the service may hear of it."""
    return launch.state in TOLD and (launch.embargo_until is None or launch.embargo_until <= at)


def _agreement(agreement: Agreement | None, zone: ZoneInfo) -> Clause:
    if agreement is None:
        return _no(ClauseName.AGREEMENT, "No agreement is recorded.")
    why = f": {agreement.reason}" if agreement.reason else ""
    says = f"The agreement is {agreement.status.value} since {_day(agreement.valid_from, zone)}{why}."
    return Clause(name=ClauseName.AGREEMENT, holds=agreement.status is AgreementStatus.SIGNED, says=says)


def _territory(agreement: Agreement | None, operator: Operator | None) -> Clause:
    if agreement is None or not agreement.territories:
        return _yes(ClauseName.TERRITORY, "The agreement names no territory: every one is in it.")
    country = operator.country if operator is not None else None
    named = ", ".join(agreement.territories)
    if country in agreement.territories:
        return _yes(ClauseName.TERRITORY, f"{country} is among the agreement's territories ({named}).")
    return _no(ClauseName.TERRITORY, f"{country or 'No country'} is not among the agreement's territories ({named}).")


def _launch(launch: Launch | None, zone: ZoneInfo) -> Clause:
    if launch is None:
        return _no(ClauseName.LAUNCH, "No launch is recorded.")
    told = f", announced for {launch.announced_for}" if launch.announced_for else ""
    why = f": {launch.reason}" if launch.reason else ""
    says = f"The launch is {launch.state.value} since {_day(launch.valid_from, zone)}{told}{why}."
    return Clause(name=ClauseName.LAUNCH, holds=launch.state in LIVE, says=says)


def _switch(off: Switch | None, zone: ZoneInfo) -> Clause:
    if off is None:
        return _yes(ClauseName.SWITCH, "Nobody has switched it off.")
    what = "new plays and those that run" if off.ends_plays else "new plays"
    where = "at every operator" if off.operator is None else "at this operator"
    return _no(ClauseName.SWITCH, f"Switched off by hand {where} since {_moment(off.valid_from, zone)}: {what}.")


def _technical_date(launch: Launch | None, at: Instant, zone: ZoneInfo) -> Clause:
    if launch is None or launch.technical_at is None:
        return _no(ClauseName.TECHNICAL_DATE, "The launch has no technical date.")
    holds = launch.technical_at <= at
    return Clause(
        name=ClauseName.TECHNICAL_DATE,
        holds=holds,
        says=f"The technical date, {_moment(launch.technical_at, zone)}, {'has come' if holds else 'has not come'}.",
    )


def _blackout(launch: Launch | None, at: Instant, zone: ZoneInfo) -> Clause:
    for one in launch.blackouts if launch is not None else ():
        if one.start <= at < one.end:
            why = f": {one.reason}" if one.reason else ""
            return _no(ClauseName.BLACKOUT, f"A blackout lasts from {_moment(one.start, zone)} to {_moment(one.end, zone)}{why}.")
    return _yes(ClauseName.BLACKOUT, "No blackout lasts.")


def _identity(view: BoxView) -> Clause:
    if view.box is None:
        return _yes(ClauseName.IDENTITY, "The screen is no box.")
    return Clause(name=ClauseName.IDENTITY, holds=view.identity not in HELD, says=f"The box's identity is {view.identity.value}.")


def _model(launch: Launch | None, view: BoxView) -> Clause:
    if launch is None or not launch.models:
        return _yes(ClauseName.MODEL, "The launch names no model: every one may have it.")
    if view.model in launch.models:
        return _yes(ClauseName.MODEL, f"The launch names this model, {view.model_name}.")
    return _no(ClauseName.MODEL, f"Not on this model: the launch does not name {view.model_name or 'a screen without a box'}.")


def _interface(launch: Launch | None, view: BoxView) -> Clause:
    least = launch.interface if launch is not None else None
    if least is None:
        return _yes(ClauseName.INTERFACE, "The launch asks for no interface.")
    asked = f"{least.product} {least.version} or later"
    if view.interface is None:
        return _no(ClauseName.INTERFACE, f"Update needed: {asked} is asked for, and none was confirmed.")
    runs = f"{view.interface.product} {view.interface.version}"
    if view.interface.meets(least):
        return _yes(ClauseName.INTERFACE, f"The box was confirmed to run {runs}; {asked} is asked for.")
    return _no(ClauseName.INTERFACE, f"Update needed: the box was confirmed to run {runs}; {asked} is asked for.")


def names(named: frozenset[str], view: BoxView, model: BoxModel | None) -> bool:
    """Whether a box is among named ones, by its id or by "OUI-class-serial"."""
    if not named or not view.box:
        return False
    return view.box in named or (model is not None and f"{model.oui}-{model.product_class}-{view.serial}" in named)


def _named(launch: Launch | None, view: BoxView, model: BoxModel | None, *, is_named: bool) -> Clause:
    if launch is not None and names(launch.excluded, view, model):
        return _no(ClauseName.NAMED, "The launch excludes this box.")
    if is_named:
        return _yes(ClauseName.NAMED, "The launch names this box: it goes ahead of rule and share.")
    if launch is None or not (launch.named or launch.excluded):
        return _yes(ClauseName.NAMED, "The launch names no box.")
    return _yes(ClauseName.NAMED, "The launch names other boxes: rule and share decide.")


def _rule(launch: Launch | None, view: BoxView, model: BoxModel | None, *, is_named: bool) -> Clause:
    if launch is None or not launch.rule:
        return _yes(ClauseName.RULE, "The launch has no rule.")
    if is_named:
        return _yes(ClauseName.RULE, "The box is named: the rule is not asked.")
    if view.box is None:
        return _no(ClauseName.RULE, "The launch has a rule, and the screen is no box.")
    try:
        holds = evaluate(launch.rule, facts_of(view, model))
    except CarriageError as error:
        return _no(ClauseName.RULE, error.message)
    return Clause(name=ClauseName.RULE, holds=holds, says=f"The rule {'holds' if holds else 'does not hold'}: {launch.rule}")


def _share(launch: Launch | None, view: BoxView, *, is_named: bool) -> Clause:
    if launch is None or launch.share == ALL_BOXES:
        return _yes(ClauseName.SHARE, "The launch is for every box.")
    if is_named:
        return _yes(ClauseName.SHARE, "The box is named: the share is not drawn.")
    percent = f"{launch.share / 100:g} %"
    if view.box is None:
        return _no(ClauseName.SHARE, f"The launch is for {percent} of the boxes, and the screen is none.")
    place = bucket(launch.salt or launch.id, view.box, ALL_BOXES)
    return Clause(
        name=ClauseName.SHARE,
        holds=place < launch.share,
        says=f"The launch is for {percent} of the boxes; this one's place is {place / 100:.2f} of 100.",
    )


def _yes(name: ClauseName, says: str) -> Clause:
    return Clause(name=name, holds=True, says=says)


def _no(name: ClauseName, says: str) -> Clause:
    return Clause(name=name, holds=False, says=says)


def _day(at: Instant, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).strftime("%Y-%m-%d")


def _moment(at: Instant, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).strftime(f"%Y-%m-%d %H:%M {zone.key}")
