"""What a screen is told of services that it does not have, and why a box has or has not a service, for staff."""

from collections.abc import Sequence
from typing import Annotated, Any, overload

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from matinee.base.clock import Clock, Instant, from_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import BoxId
from matinee.base.party import SCREENS, SIDES, Party
from matinee.carriage.entitlements import Entitlements, billed_by
from matinee.carriage.explanations import Explanation, explained
from matinee.carriage.model import Decision, Discoverability
from matinee.carriage.sides import Sides
from matinee.carriage.snapshot import Carriage, PartySight
from matinee.carriage.store import FIRST_MOMENT, LAST_MOMENT
from matinee.catalogue.answers import AnyRequest, revalidated
from matinee.catalogue.api import ProfileParameter
from matinee.catalogue.model import Seller, Service
from matinee.catalogue.plans import plans_among
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.snapshot import Fleet
from matinee.members.model import Entitlement

When = Annotated[str | None, Parameter(max_length=40)]


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A service of which this screen is told: one that it does not have, one that it loses, or one that asks for a plan.

    `shows`: "coming" (`announced_for` a month "2014-11", a day, or "" for no date), "update_needed", "not_on_this_box",
    "elsewhere" (not on this box, but on this home's phones and on the web: `watch_at` is the web's address), "leaving"
    (`announced_for` the day on which it goes), or "needs_plan" (it is here, and plays once the home has a plan). `watch_at` is ""
    where there is nothing to watch.
    """

    service: str
    name: str
    shows: str
    announced_for: str
    watch_at: str


class AnnouncedList(msgspec.Struct, frozen=True, kw_only=True):
    services: list[Announced]


def routes(
    carriage: Carriage,
    sights: PartySight,
    entitlements: Entitlements,
    fleet: Fleet,
    catalogue: Catalogue,
    web_origin: str,
    clock: Clock,
) -> Sequence[HTTPRouteHandler]:
    sides = Sides(carriage, fleet, catalogue)

    def _told(service: Service, decision: Decision) -> Announced:
        is_elsewhere = decision.elsewhere is not Discoverability.HIDDEN
        return Announced(
            service=service.id,
            name=service.name,
            shows="elsewhere" if is_elsewhere else decision.shows.value,
            announced_for=decision.announced_for,
            watch_at=f"{web_origin}/watch/" if is_elsewhere else "",
        )

    def _entitlement(party: Party, service: Service, box: BoxId, at: Instant, known_at: Instant | None) -> Entitlement | None:
        """What OK did there, as far as it is the party's to read.

        A publisher reads of homes where its service has an agreement; an operator, where that bills nobody or is on its own bill,
        of what it sold itself alone.
        """
        side = party.side
        if side.has_publisher(service.publisher):
            found = entitlements.of_box(box, service.id, at, known_at)
            if found is None or side.is_all:
                return found
            agreement = carriage.agreement_of(found.operator, service.id, at, known_at)
            return found if billed_by(agreement).is_agreed else None
        found = entitlements.of_box(box, service.id, at, known_at, sold_by=side.operator)
        is_its_own = found is not None and side.has_operator(found.operator) and found.seller is not Seller.US
        return found if is_its_own else None

    @get("/api/v1/announced", opt={"policy": SCREENS})
    async def get_announced(request: AnyRequest, profile: ProfileParameter = None) -> Response[AnnouncedList]:
        """The services that this screen may hear of: what is coming, what it could have, what goes soon, what asks for a plan."""
        now = clock()
        if sights.is_childs(request.user, profile):
            return revalidated(request, AnnouncedList(services=[]))  # nothing is advertised to children
        told = [_told(one, decision) for one, decision in sights.announced_to(request.user, now)]
        told += [
            Announced(service=one.id, name=one.name, shows="leaving", announced_for=day, watch_at="")
            for one, day in sights.leaving(request.user, now)
        ]
        needed = plans_among(
            catalogue.view,
            sights.seen(request.user, now).row,
            lambda service: entitlements.seller_needed(request.user, service, now),
        )
        told += [
            Announced(service=one.service_id, name=one.service_name, shows="needs_plan", announced_for="", watch_at="")
            for one in sorted(needed, key=lambda one: one.service_name)
        ]
        return revalidated(request, AnnouncedList(services=told))

    @get("/api/v1/decisions", opt={"policy": SIDES})
    async def get_decision(
        request: Request[Party, Any, Any],
        box: Annotated[str, Parameter(max_length=64)],
        service: Annotated[str, Parameter(max_length=64)],
        at: When = None,
        known_at: When = None,
    ) -> Response[Explanation]:
        """Why a box has, or had, a service of one's own side, or why not: at a moment, as it was known at another."""
        moment, known = instant("at", at, clock()), instant("known_at", known_at)
        found = sides.service(request.user, service)
        if found is None:
            raise NotFound("There is no such service of yours.", remedy="Send the id of one of your services.")
        allowed = sides.box(request.user, box, [found], moment, known)
        if allowed is None:
            raise NotFound("There is no such box.", remedy="Send the id of one that stood at a line of your side then.")
        asked, _ = allowed
        decision = carriage.explain(asked, found.id, moment, known)
        entitlement = _entitlement(request.user, found, asked, moment, known)
        return Response(explained(decision, entitlement), headers={"Cache-Control": "private, no-store"})

    return [get_announced, get_decision]


@overload
def instant(field: str, text: str | None) -> Instant | None: ...
@overload
def instant(field: str, text: str | None, otherwise: Instant) -> Instant: ...
def instant(field: str, text: str | None, otherwise: Instant | None = None) -> Instant | None:
    """A moment of a request's query, `otherwise` where it names none. Raises InvalidRequest."""
    if text is None:
        return otherwise
    try:
        moment = from_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"{field} is no moment: {text!r}.", remedy="Write it as 2014-10-02T08:00:00Z (with a + sign as %2B)."
        ) from error
    if not FIRST_MOMENT <= moment <= LAST_MOMENT:
        raise InvalidRequest(f"{field} lies before 1900 or after 9000.", remedy="Nothing was recorded of then.")
    return moment
