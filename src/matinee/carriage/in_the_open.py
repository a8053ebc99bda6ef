"""What an operator carries for all to know: what a list that anybody reads may say, without telling what is not told. Pure.

Silence is kept in dates as well as in names. A launch that went live silently and was announced later is open since the
announcement; a technical date that lies ahead is told to nobody; where most homes are told "coming", so is the list.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.base.ids import ServiceId
from matinee.carriage.model import (
    Agreement,
    AgreementStatus,
    BoxView,
    Discoverability,
    Launch,
    LaunchState,
    OpenCarriage,
    Shows,
)
from matinee.carriage.rules import decide, may_be_told
from matinee.fleet.buckets import ALL_BOXES
from matinee.fleet.model import Operator

_NO_BOX: Final = BoxView()
_DAY: Final = len("2014-11-20")


def in_the_open(
    service: ServiceId, operator: Operator, agreements: Sequence[Agreement], launches: Sequence[Launch], at: Instant
) -> OpenCarriage | None:
    """How the public may know of a service at an operator; None where it may not, or knows no day."""
    launch = in_force(launches, at)
    if launch is None or not _may_be_listed(launch, at):
        return None
    shows = decide(service, operator, agreements, [for_every_box(one) for one in launches], _NO_BOX, at).shows
    if shows is Shows.PLAYABLE and _has_come(launch):
        since = _since(service, operator, agreements, launches, at)
    elif shows in (Shows.PLAYABLE, Shows.COMING):
        day = _told_day(launch, operator)
        if day is None or (day <= at and shows is Shows.COMING):
            return None
        since = day
    else:
        return None
    until = _end_of(agreements, at)
    return None if until is not None and until <= since else OpenCarriage(service=service, since=since, until=until)


def _may_be_listed(launch: Launch, at: Instant) -> bool:
    return launch.discoverability is Discoverability.ROW and may_be_told(launch, at)


def for_every_box(launch: Launch) -> Launch:
    """The launch without what it asks of a box: a list is read by screens that are none."""
    asks_nothing = {"models": (), "interface": None, "named": frozenset[str](), "excluded": frozenset[str](), "rule": ""}
    return msgspec.structs.replace(launch, share=ALL_BOXES, **asks_nothing)


def _has_come(launch: Launch) -> bool:
    """Whether nobody is told "coming" any more. An open launch may leave out models and interfaces: their homes are told so."""
    if launch.rule or launch.share != ALL_BOXES:
        return False
    return launch.state is LaunchState.OPEN or (not launch.models and launch.interface is None)


def _since(
    service: ServiceId, operator: Operator, agreements: Sequence[Agreement], launches: Sequence[Launch], at: Instant
) -> Instant:
    """Since when it has been so without a break. A blackout is none: it is a pause of the same service."""
    whole = [msgspec.structs.replace(for_every_box(one), blackouts=()) for one in launches]
    since = at
    for edge in _edges(agreements, launches, at):
        launch = in_force(launches, edge)
        if launch is None or not _may_be_listed(launch, edge) or not _has_come(launch):
            break
        if decide(service, operator, agreements, whole, _NO_BOX, edge).shows is not Shows.PLAYABLE:
            break
        since = edge
    return since


def _edges(agreements: Iterable[Agreement], launches: Iterable[Launch], at: Instant) -> list[Instant]:
    """The moments up to `at` at which anything changed, the newest first: between two of them nothing did."""
    moments = [moment for one in agreements for moment in (one.valid_from, one.valid_to)]
    moments += [moment for one in launches for moment in (one.valid_from, one.valid_to, one.technical_at, one.embargo_until)]
    return sorted({moment for moment in moments if moment is not None and moment <= at}, reverse=True)


def _told_day(launch: Launch, operator: Operator) -> Instant | None:
    """The beginning of the day that the public was told, in the operator's zone; None for a month or no date."""
    if len(launch.announced_for) != _DAY:
        return None
    midnight = datetime.fromisoformat(launch.announced_for).replace(tzinfo=ZoneInfo(operator.timezone))
    return Instant(round(midnight.timestamp() * 1000))


def _end_of(agreements: Sequence[Agreement], at: Instant) -> Instant | None:
    """When the agreement ends by its own term, and no other follows it there and then."""
    agreement = in_force(agreements, at)
    while agreement is not None and agreement.status is AgreementStatus.SIGNED:
        end = agreement.valid_to
        if end is None:
            return None
        agreement = in_force(agreements, end)
        if agreement is None or agreement.status is not AgreementStatus.SIGNED:
            return end
    return None
