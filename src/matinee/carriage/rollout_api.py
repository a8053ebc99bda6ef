"""Rollouts over HTTP: where each of one's own side stands, and what the signed-in staff of it say to one.

Who says so is the account that is signed in. What lets a wave begin names the wave, so that a request that is sent again, its
answer lost, can never let the next one begin too: it is refused, with where the rollout stands.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, Parameter

from matinee.base.clock import Clock, to_rfc3339
from matinee.base.errors import NotFound
from matinee.base.ids import RolloutId, is_id
from matinee.base.pagination import MAX_PAGE, decode_cursor, encode_cursor
from matinee.base.party import APPROVERS, SIDES, Party
from matinee.carriage import rollout_store as store
from matinee.carriage.record_api import PRIVATE, Called
from matinee.carriage.rollouts import Rollout
from matinee.carriage.sides import Sides
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.snapshot import Fleet
from matinee.fleet.waves import MAX_WAVES, Standing
from matinee.outside.database import Database

StaffRequest = Request[Party, Any, Any]


class WaveBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which wave is meant, from 1: the one that the rollout was seen to stand in."""

    wave: Annotated[int, msgspec.Meta(ge=1, le=MAX_WAVES)]


class WireRollout(msgspec.Struct, frozen=True, kw_only=True):
    """Where a rollout stands: in which `wave` of `waves`, since when, and the last word said of it. `percent` is that wave's."""

    id: str
    operator: Called
    service: Called
    author: str
    phase: str
    wave: int
    waves: int
    percent: float
    since: str
    says: str


class RolloutPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[WireRollout]
    next_cursor: str | None


def routes(sides: Sides, fleet: Fleet, catalogue: Catalogue, database: Database, clock: Clock) -> Sequence[HTTPRouteHandler]:
    def told(one: Rollout, stands: Standing) -> WireRollout:
        operator, service = fleet.operator(one.operator), catalogue.view.services.get(one.service)
        wave = min(stands.wave, len(one.waves) - 1)
        return WireRollout(
            id=one.id,
            operator=Called(id=one.operator, name=operator.name if operator is not None else ""),
            service=Called(id=one.service, name=service.name if service is not None else ""),
            author=one.author,
            phase=stands.phase.value,
            wave=wave + 1,
            waves=len(one.waves),
            percent=one.waves[wave].share / 100,
            since=to_rfc3339(stands.since),
            says=stands.says,
        )

    def own(request: StaffRequest, rollout_id: str) -> Rollout:
        with database.read() as conn:
            found = store.standing_rollouts(conn, rollout=RolloutId(rollout_id)) if is_id(rollout_id) else ()
        for one, _ in found:
            if sides.has_pair(request.user, one.operator, one.service):
                return one
        raise NotFound("There is no such rollout of yours.", remedy="GET /api/v1/rollouts lists them.")

    def answer(rollout: RolloutId) -> Response[WireRollout]:
        with database.read() as conn:
            ((one, stands),) = store.standing_rollouts(conn, rollout=rollout)
        return Response(told(one, stands), headers=PRIVATE)

    @get("/api/v1/rollouts", opt={"policy": SIDES}, sync_to_thread=True)
    def list_rollouts(
        request: StaffRequest,
        cursor: Annotated[str | None, Parameter(max_length=400)] = None,
        limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = 50,
    ) -> Response[RolloutPage]:
        """How launches of one's own side spread in waves, the newest plan first."""
        behind = None if cursor is None else decode_cursor(cursor, int, str)
        with database.read() as conn:
            plans = [one for one in store.plans(conn) if sides.has_pair(request.user, one.operator, one.service)]
            rows = [one for one in plans[::-1] if behind is None or (one.recorded_at, one.id) < behind]
            items = [told(one, store.standing_of(conn, one)) for one in rows[:limit]]
        last = rows[limit - 1] if len(rows) > limit else None
        page = RolloutPage(items=items, next_cursor=None if last is None else encode_cursor(last.recorded_at, last.id))
        return Response(page, headers=PRIVATE)

    @post("/api/v1/rollouts/{rollout_id:str}/approve", opt={"policy": APPROVERS}, status_code=200, sync_to_thread=True)
    def approve(request: StaffRequest, rollout_id: FromPath[str], data: JSONBody[WaveBody]) -> Response[WireRollout]:
        """Let the wave that waits for approval begin. Whoever planned the rollout cannot."""
        found, who = own(request, rollout_id), request.user
        with database.write() as conn:
            store.approve(conn, found, who.name, clock(), wave=data.wave - 1, account=who.staff)
        return answer(found.id)

    @post("/api/v1/rollouts/{rollout_id:str}/resume", opt={"policy": APPROVERS}, status_code=200, sync_to_thread=True)
    def resume(request: StaffRequest, rollout_id: FromPath[str], data: JSONBody[WaveBody]) -> Response[WireRollout]:
        """Begin a wave that halted anew; it is approved anew, where it needs that."""
        found, who = own(request, rollout_id), request.user
        with database.write() as conn:
            store.resume(conn, found, who.name, clock(), wave=data.wave - 1, account=who.staff)
        return answer(found.id)

    @post("/api/v1/rollouts/{rollout_id:str}/withdraw", opt={"policy": APPROVERS}, status_code=200, sync_to_thread=True)
    def withdraw(request: StaffRequest, rollout_id: FromPath[str]) -> Response[WireRollout]:
        """End a rollout where it stands; boxes that have the service keep it."""
        found, who = own(request, rollout_id), request.user
        with database.write() as conn:
            store.withdraw(conn, found, who.name, clock(), account=who.staff)
        return answer(found.id)

    return [list_rollouts, approve, resume, withdraw]
