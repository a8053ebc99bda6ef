"""What is recorded between operators and services, and how a service stands and reaches: each side reads its own."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.dated import in_force
from matinee.base.errors import NotFound
from matinee.base.ids import OperatorId, ServiceId
from matinee.base.pagination import MAX_PAGE, decode_cursor, encode_cursor
from matinee.base.party import SIDES, Party
from matinee.carriage.api import When, instant
from matinee.carriage.explanations import WireReach, moment_of, reach_row
from matinee.carriage.model import Agreement, Launch
from matinee.carriage.sides import Records, Sides
from matinee.carriage.snapshot import Carriage, Reach
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.buckets import ALL_BOXES
from matinee.fleet.snapshot import Fleet

PRIVATE = {"Cache-Control": "private, no-store"}


class Called(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str


class WireAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """`holds`: it is the one in force at the moment that was asked about. `reason` is the two sides' own: of a refusal, why.

    `prominence`: the weight that the operator gives the service, 0 for none.
    """

    id: str
    status: str
    reason: str
    territories: tuple[str, ...]
    billing: str
    prominence: int
    valid_from: str
    valid_to: str | None
    recorded_at: str
    holds: bool


class WireLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """`percent` of the boxes; `named` and `excluded`: how many are named one by one.

    `technical_at`: since when boxes may have it; `announced_for`: what the public is told.
    """

    id: str
    state: str
    reason: str
    technical_at: str | None
    announced_for: str
    embargo_until: str | None
    discoverability: str
    models: list[str]
    interface: str | None
    named: int
    excluded: int
    rule: str
    percent: float
    elsewhere: bool
    valid_from: str
    valid_to: str | None
    recorded_at: str
    holds: bool


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One operator and one service: all that was known of the two at the moment asked by, in the order of recording."""

    operator: Called
    service: Called
    agreements: list[WireAgreement]
    launches: list[WireLaunch]


class CarriagePage(msgspec.Struct, frozen=True, kw_only=True):
    at: str
    known_at: str | None
    items: list[Pair]
    next_cursor: str | None


class ReachAnswer(msgspec.Struct, frozen=True, kw_only=True):
    at: str
    operators: list[WireReach]


def routes(carriage: Carriage, fleet: Fleet, catalogue: Catalogue, clock: Clock) -> Sequence[HTTPRouteHandler]:
    sides = Sides(carriage, fleet, catalogue)
    counting = asyncio.Lock()  # a count looks at every box: one at a time, and whoever waits holds no thread

    @get("/api/v1/carriage", opt={"policy": SIDES}, sync_to_thread=True)
    def list_carriage(
        request: Request[Party, Any, Any],
        at: When = None,
        known_at: When = None,
        cursor: Annotated[str | None, Parameter(max_length=400)] = None,
        limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = 50,
    ) -> Response[CarriagePage]:
        """Agreements and launches of one's own side as they were recorded, and which held at a moment, as known at another."""
        moment, known = instant("at", at, clock()), instant("known_at", known_at)
        behind = None if cursor is None else decode_cursor(cursor, str, str)
        rows = [row for row in sides.records(request.user) if behind is None or _place(row) > behind]
        pairs = [pair for row in rows if (pair := _pair(fleet, row, moment, known)).agreements or pair.launches]
        page = CarriagePage(
            at=to_rfc3339(moment),
            known_at=None if known is None else to_rfc3339(known),
            items=pairs[:limit],
            next_cursor=encode_cursor(pairs[limit - 1].operator.id, pairs[limit - 1].service.id) if len(pairs) > limit else None,
        )
        return Response(page, headers=PRIVATE)

    @get("/api/v1/reach", opt={"policy": SIDES})
    async def get_reach(
        request: Request[Party, Any, Any],
        service: Annotated[str, Parameter(max_length=64)],
        at: When = None,
        known_at: When = None,
    ) -> Response[ReachAnswer]:
        """How a service of one's own side stands at each operator of one's own side, and how many of its boxes have it."""
        moment, known = instant("at", at, clock()), instant("known_at", known_at)
        found = sides.service(request.user, service)
        if found is None:
            raise NotFound("There is no such service of yours.", remedy="Send the id of one of your services.")
        async with counting:
            rows = await asyncio.to_thread(carriage.reach, found.id, moment, known)
        own = [reach_row(one) for one in rows if _may_read(request.user, one, found.id)]
        return Response(ReachAnswer(at=to_rfc3339(moment), operators=own), headers=PRIVATE)

    def _may_read(party: Party, row: Reach, service: ServiceId) -> bool:
        """A publisher is told of the operators with which its service has a record: the others' boxes are not its business."""
        operator = row.operator.id
        return sides.has_pair(party, operator, service) and (party.side.is_all or carriage.has_record(operator, service))

    return [list_carriage, get_reach]


def _place(row: Records) -> tuple[OperatorId, ServiceId]:
    return row.operator.id, row.service.id


def _pair(fleet: Fleet, row: Records, at: Instant, known_at: Instant | None) -> Pair:
    agreement, launch = in_force(row.agreements, at, known_at), in_force(row.launches, at, known_at)
    return Pair(
        operator=Called(id=row.operator.id, name=row.operator.name),
        service=Called(id=row.service.id, name=row.service.name),
        agreements=[_agreement(one, one is agreement) for one in row.agreements if _was_known(one, known_at)],
        launches=[_launch(fleet, one, one is launch) for one in row.launches if _was_known(one, known_at)],
    )


def _was_known(record: Agreement | Launch, known_at: Instant | None) -> bool:
    return known_at is None or record.recorded_at <= known_at


def _agreement(one: Agreement, holds: bool) -> WireAgreement:
    return WireAgreement(
        id=one.id,
        status=one.status.value,
        reason=one.reason,
        territories=one.territories,
        billing=one.billing.value,
        prominence=one.prominence,
        valid_from=to_rfc3339(one.valid_from),
        valid_to=moment_of(one.valid_to),
        recorded_at=to_rfc3339(one.recorded_at),
        holds=holds,
    )


def _launch(fleet: Fleet, one: Launch, holds: bool) -> WireLaunch:
    models = [fleet.model(model) for model in one.models]
    return WireLaunch(
        id=one.id,
        state=one.state.value,
        reason=one.reason,
        technical_at=moment_of(one.technical_at),
        announced_for=one.announced_for,
        embargo_until=moment_of(one.embargo_until),
        discoverability=one.discoverability.value,
        models=[model.name for model in models if model is not None],
        interface=None if one.interface is None else f"{one.interface.product} {one.interface.version}",
        named=len(one.named),
        excluded=len(one.excluded),
        rule=one.rule,
        percent=one.share * 100 / ALL_BOXES,
        elsewhere=one.elsewhere,
        valid_from=to_rfc3339(one.valid_from),
        valid_to=moment_of(one.valid_to),
        recorded_at=to_rfc3339(one.recorded_at),
        holds=holds,
    )
