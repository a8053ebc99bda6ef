"""How many films a home sees at once: who holds a place, who may have one, and which place is nobody's any more. Pure.

A play holds a *lease* of a place among its home's streams of a service. Heartbeats renew it; a screen that is heard of no more
loses it by itself after `BEATS_MISSED` heartbeats and a little. Of too many that run, as after a plan was changed for a smaller
one, those that began first keep their places.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from matinee.base.clock import SECOND, Instant
from matinee.base.ids import BoxId, HouseholdId, ProfileId, ServiceId, SessionId, TitleId
from matinee.base.units import DurationMs

STREAMS = "streams"
"""Why a play is stopped: its home sees as many films at once as its plan gives, and this is not among them."""
OTHER_SCREEN = "other_screen"
"""Somebody of the home stopped it, at another screen."""
REPLACED = "replaced"
"""Another film was begun on the same box."""

BEATS_MISSED = 3
LATE_MS = 5 * SECOND
"""A heartbeat may be on its way for so long."""


class Lease(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place of one play among its home's streams of one service, from `since` until `until`, unless it is renewed.

    `token_until`: when edges refuse its stream token by themselves. `limit`: how many places there were when it was judged last,
    and `is_over` whether this one was not among them. `screen` is the one that began the play, by `Party.screen`.
    """

    session: SessionId
    household: HouseholdId
    service: ServiceId
    title: TitleId
    profile: ProfileId
    since: Instant
    until: Instant
    token_until: Instant
    box: BoxId | None = None
    screen: str = ""
    limit: int = 0
    is_over: bool = False


class Verdict(StrEnum):
    """`over`: it runs, and there are more than there may be; `refused`: it has no place, and there is none."""

    HELD = "held"
    OVER = "over"
    REFUSED = "refused"


class Judged(NamedTuple):
    """What becomes of a play that asks for its place. `lease` None: refused. `living` are the others that hold one.

    `superseded` ran on the box that asks, which shows one film at a time: they hold no place from now on. `displaced` held none,
    their tokens open edges still, and their place is needed: they must be stopped.
    """

    verdict: Verdict
    lease: Lease | None
    living: Sequence[Lease]
    displaced: Sequence[Lease] = ()
    superseded: Sequence[Lease] = ()


def lasts_until(now: Instant, heartbeat_ms: DurationMs) -> Instant:
    """Until when a place is held that was renewed now."""
    return Instant(now + BEATS_MISSED * heartbeat_ms + LATE_MS)


def judge(asks: Lease, known: Iterable[Lease], limit: int, now: Instant) -> Judged:
    """Whether a play has a place, or may have one, among all that is known of its home and service.

    `asks` is the lease as it would be; one that it holds already keeps its `since`.
    """
    every = list(known)
    own = next((one for one in every if one.session == asks.session), None)
    others = [one for one in every if one.session != asks.session]
    living = sorted((one for one in others if one.until > now), key=_by_age)
    if own is not None and own.until > now:
        before = sum(_by_age(one) < _by_age(own) for one in living)
        is_over = before >= limit
        lease = msgspec.structs.replace(asks, since=own.since, limit=limit, is_over=is_over)
        return Judged(Verdict.OVER if is_over else Verdict.HELD, lease, living)
    replaced = [msgspec.structs.replace(one, until=now) for one in living if asks.box is not None and one.box == asks.box]
    elsewhere = [one for one in living if asks.box is None or one.box != asks.box]
    if len(elsewhere) >= limit:
        return Judged(Verdict.REFUSED, None, elsewhere)
    lapsed = sorted((one for one in others if one.until <= now < one.token_until), key=lambda one: (one.until, one.session))
    # Edges honour a token whether its player is heard of or not: no more tokens may be good than there are places.
    too_many = max(0, len(elsewhere) + 1 + len(lapsed) + len(replaced) - limit)
    lease = msgspec.structs.replace(asks, limit=limit, is_over=False)
    return Judged(Verdict.HELD, lease, elsewhere, (*lapsed, *replaced)[:too_many], replaced)


def _by_age(one: Lease) -> tuple[Instant, SessionId]:
    return one.since, one.session
