"""The hub (TM Forum's form): where a side registers callbacks, sees how they stand, and has dead letters tried again."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody, Parameter

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.ids import new_id
from matinee.base.pagination import MAX_PAGE
from matinee.base.party import OWNERS, Party
from matinee.outside.database import Database
from matinee.parties import hook_queue as queue
from matinee.parties import hook_store as store
from matinee.parties import signing
from matinee.parties.hook_store import Counts
from matinee.parties.hook_work import made_up_event, purpose_of
from matinee.parties.hooks import (
    Delivery,
    Hook,
    HookId,
    Seals,
    actor_of,
    check_callback,
    read_query,
    side_of,
    written_query,
)

PartyRequest = Request[Party, Any, Any]
_PRIVATE = {"Cache-Control": "private, no-store"}


class HubAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A registration. `query` picks event types: "eventType=LaunchStateChangeEvent,SwitchStateChangeEvent"; "" is all."""

    callback: str
    query: str = ""


class HubRegistered(msgspec.Struct, frozen=True, kw_only=True):
    """What was registered. `secret` signs what is sent, and is shown this once."""

    id: str
    callback: str
    query: str
    secret: str


class SecretMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret, shown this once. Until `both_until` what is sent carries the signature of the one before, too."""

    id: str
    secret: str
    both_until: str


class HubTold(msgspec.Struct, frozen=True, kw_only=True):
    """A registration as it stands. `ended_why` is "" while it lives."""

    id: str
    callback: str
    query: str
    created_at: str
    ended_at: str | None
    ended_why: str
    waiting: int
    dead: int
    delivered_at: str | None


class HubList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[HubTold]


class DeadTold(msgspec.Struct, frozen=True, kw_only=True):
    """An event that could not be delivered: why, what the last try was answered, and how it began."""

    id: str
    event_id: str
    event_type: str
    tries: int
    since: str
    ended_at: str
    status: int | None
    why: str
    answer: str


class DeadPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[DeadTold]
    next_cursor: str | None


class HubTested(msgspec.Struct, frozen=True, kw_only=True):
    event_id: str


def routes(database: Database, seals: Seals, *, allow_private: bool, clock: Clock) -> Sequence[Router]:
    allowed = {"policy": OWNERS}

    @post("/", opt=allowed, sync_to_thread=True)
    def register(request: PartyRequest, data: JSONBody[HubAsked]) -> Response[HubRegistered]:
        """Register a callback for the events that concern this publisher or operator."""
        owner, types = side_of(request.user), read_query(data.query)
        check_callback(data.callback, allow_private=allow_private)
        identifier, secret = HookId(new_id()), signing.new_secret()
        with database.write() as conn:
            sealed = seals.seal(purpose_of(identifier), secret)
            store.register(conn, owner, identifier, data.callback, types, sealed, clock(), actor=actor_of(request.user))
        made = HubRegistered(id=identifier, callback=data.callback, query=written_query(types), secret=signing.written(secret))
        return Response(made, status_code=201, headers={**_PRIVATE, "Location": f"/api/v1/hub/{identifier}"})

    @get("/", opt=allowed, sync_to_thread=True)
    def list_hub(request: PartyRequest) -> Response[HubList]:
        """The callbacks of this side."""
        with database.read() as conn:
            found = store.hooks_of(conn, side_of(request.user))
            counts = store.counts_of(conn, [one.id for one in found])
        return Response(HubList(items=[_told(one, counts) for one in found]), headers=_PRIVATE)

    @get("/{hub_id:str}", opt=allowed, sync_to_thread=True)
    def get_hub(request: PartyRequest, hub_id: FromPath[str]) -> Response[HubTold]:
        """One callback: what waits for it, what is dead, when it last took an event."""
        with database.read() as conn:
            found = store.hook_of(conn, side_of(request.user), hub_id)
            counts = store.counts_of(conn, [found.id])
        return Response(_told(found, counts), headers=_PRIVATE)

    @delete("/{hub_id:str}", opt=allowed, sync_to_thread=True)
    def delete_hub(request: PartyRequest, hub_id: FromPath[str]) -> None:
        """Take a callback away, with what was on its way to it."""
        with database.write() as conn:
            store.remove(conn, side_of(request.user), hub_id, clock(), actor=actor_of(request.user))

    @post("/{hub_id:str}/secret", opt=allowed, sync_to_thread=True, status_code=200)
    def renew_secret(request: PartyRequest, hub_id: FromPath[str]) -> Response[SecretMade]:
        """A new secret. The one before signs, too, for a day: time to change the receiver over."""
        owner, secret = side_of(request.user), signing.new_secret()
        with database.write() as conn:
            known = store.hook_of(conn, owner, hub_id)
            sealed = seals.seal(purpose_of(known.id), secret)
            made = store.renew_secret(conn, owner, known.id, sealed, clock(), actor=actor_of(request.user))
        until = to_rfc3339(made.before_until or clock())
        return Response(SecretMade(id=made.id, secret=signing.written(secret), both_until=until), headers=_PRIVATE)

    @post("/{hub_id:str}/test", opt=allowed, sync_to_thread=True, status_code=202)
    def send_test(request: PartyRequest, hub_id: FromPath[str]) -> Response[HubTested]:
        """Send a test event to one callback."""
        with database.write() as conn:
            known, now = store.hook_of(conn, side_of(request.user), hub_id), clock()
            identifier, body = made_up_event(known, now)
            queue.add_test(conn, known, identifier, body, now)
        return Response(HubTested(event_id=identifier), headers=_PRIVATE)

    @get("/{hub_id:str}/dead", opt=allowed, sync_to_thread=True)
    def list_dead(
        request: PartyRequest,
        hub_id: FromPath[str],
        cursor: Annotated[str | None, Parameter(max_length=400)] = None,
        limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = 50,
    ) -> Response[DeadPage]:
        """The events that could not be delivered to one callback, newest first."""
        with database.read() as conn:
            known = store.hook_of(conn, side_of(request.user), hub_id)
            page = store.dead_of(conn, known.id, cursor, limit)
        return Response(DeadPage(items=[dead_told(one) for one in page.items], next_cursor=page.next_cursor), headers=_PRIVATE)

    @post("/{hub_id:str}/dead/{delivery_id:str}/retry", opt=allowed, sync_to_thread=True, status_code=202)
    def retry_dead(request: PartyRequest, hub_id: FromPath[str], delivery_id: FromPath[str]) -> None:
        """Try a dead letter again, from the first try on."""
        owner = side_of(request.user)
        with database.write() as conn:
            store.give_back(conn, owner, hub_id, delivery_id, clock(), actor=actor_of(request.user))

    handlers = [register, list_hub, get_hub, delete_hub, renew_secret, send_test, list_dead, retry_dead]
    # In a router, since several methods share a path: the app would register such handlers twice, and wrap them in threads twice.
    return [Router(path="/api/v1/hub", route_handlers=handlers)]


def _told(hook: Hook, counts: Mapping[HookId, Counts]) -> HubTold:
    stand = counts[hook.id]
    return HubTold(
        id=hook.id,
        callback=hook.callback,
        query=written_query(hook.types),
        created_at=to_rfc3339(hook.created_at),
        ended_at=_time(hook.ended_at),
        ended_why=hook.ended_why,
        waiting=stand.waiting,
        dead=stand.dead,
        delivered_at=_time(hook.delivered_at),
    )


def dead_told(one: Delivery) -> DeadTold:
    """A dead letter as its owner reads it."""
    return DeadTold(
        id=one.id,
        event_id=one.event_id,
        event_type=one.type.value,
        tries=one.tries,
        since=to_rfc3339(one.created_at),
        ended_at=to_rfc3339(one.ended_at or one.created_at),
        status=one.status,
        why=one.why,
        answer=one.answer,
    )


def _time(at: Instant | None) -> str | None:
    return None if at is None else to_rfc3339(at)
