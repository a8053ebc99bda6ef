"""What a screen is told of services that it does not have, and why a box has or has not a service, for staff."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from matinee.base.clock import Clock, Instant, from_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import BoxId, ServiceId, is_id
from matinee.base.party import PUBLISHERS, SCREENS, Party
from matinee.carriage.explanations import Explanation, explained
from matinee.carriage.snapshot import Carriage, PartySight
from matinee.catalogue.answers import AnyRequest, revalidated
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.snapshot import Fleet

When = Annotated[str | None, Parameter(max_length=40)]


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A service of which this screen is told: one that it does not have, or one that it loses.

    `shows`: "coming" (`announced_for` a month "2014-11", a day, or "" for no date), "update_needed", "not_on_this_box", or
    "leaving" (`announced_for` the day on which it goes).
    """

    service: str
    name: str
    shows: str
    announced_for: str


class AnnouncedList(msgspec.Struct, frozen=True, kw_only=True):
    services: list[Announced]


def routes(
    carriage: Carriage, sights: PartySight, fleet: Fleet, catalogue: Catalogue, clock: Clock
) -> Sequence[HTTPRouteHandler]:
    @get("/api/v1/announced", opt={"policy": SCREENS})
    async def get_announced(request: AnyRequest) -> Response[AnnouncedList]:
        """The services that this screen may hear of: which are coming, which it could have, and which it loses soon."""
        now = clock()
        told = [
            Announced(service=one.id, name=one.name, shows=decision.shows.value, announced_for=decision.announced_for)
            for one, decision in sights.announced_to(request.user, now)
        ]
        told += [
            Announced(service=one.id, name=one.name, shows="leaving", announced_for=day)
            for one, day in sights.leaving(request.user, now)
        ]
        return revalidated(request, AnnouncedList(services=told))

    @get("/api/v1/decisions", opt={"policy": PUBLISHERS})
    async def get_decision(
        request: Request[Party, Any, Any],
        box: Annotated[str, Parameter(max_length=64)],
        service: Annotated[str, Parameter(max_length=64)],
        at: When = None,
        known_at: When = None,
    ) -> Response[Explanation]:
        """Why a box has, or had, one of the publisher's own services, or why not: at a moment, as it was known at another."""
        found = catalogue.view.services.get(ServiceId(service)) if is_id(service) else None
        if found is None or found.publisher != request.user.publisher:
            raise NotFound("There is no such service of yours.", remedy="Send the id of one of your services.")
        if not is_id(box) or fleet.box(BoxId(box)) is None:
            raise NotFound("There is no such box.", remedy="Send a box's id.")
        moment = _instant("at", at)
        decision = carriage.explain(BoxId(box), found.id, clock() if moment is None else moment, _instant("known_at", known_at))
        return Response(explained(decision), headers={"Cache-Control": "private, no-store"})

    return [get_announced, get_decision]


def _instant(field: str, text: str | None) -> Instant | None:
    if text is None:
        return None
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"{field} is no moment: {text!r}.", remedy="Write it as 2014-10-02T08:00:00Z (with a + sign as %2B)."
        ) from error
