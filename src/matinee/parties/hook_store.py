"""SQL for callbacks: how a side registers them, how they stand, and their dead letters. What brings events is hook_queue.py."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, NotFound
from matinee.base.ids import is_id
from matinee.base.pagination import Page, decode_cursor, encode_cursor
from matinee.base.party import SideKey
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import audit, outbox
from matinee.parties.hooks import (
    BOTH_SIGN_MS,
    MAX_HOOKS,
    Delivery,
    DeliveryState,
    EventType,
    Hook,
    HookError,
    HookId,
)

hooks = sa.Table(
    "hooks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, index=True),
    sa.Column("callback", sa.Text, nullable=False),
    sa.Column("types", JsonColumn, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("sealed_before", sa.LargeBinary),
    sa.Column("before_until", InstantColumn),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("from_seq", sa.BigInteger, nullable=False),
    sa.Column("delivered_at", InstantColumn),
    sa.Column("ended_at", InstantColumn),
    sa.Column("ended_why", sa.Text, nullable=False),
    sa.Column("next_at", InstantColumn),  # None: nothing waits
    sa.Column("is_slow", sa.Boolean, nullable=False),
    sa.Column("holder", sa.Text),
    sa.Column("lease_until", InstantColumn),
    sa.Index("ix_hooks_by_next_at", "next_at"),
)

deliveries = sa.Table(
    "hook_deliveries",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("hook_id", sa.Text, sa.ForeignKey("hooks.id"), nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("holds", sa.Boolean, nullable=False),  # those behind it wait for it
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_try_at", InstantColumn, nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("ended_at", InstantColumn),
    sa.Column("status", sa.Integer),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.UniqueConstraint("hook_id", "event_id"),
    sa.Index("ix_hook_deliveries_by_turn", "hook_id", "state", "holds", "number"),
    sa.Index("ix_hook_deliveries_by_age", "state", "created_at"),
)

cursors = sa.Table(
    "hook_cursor",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)
CURSOR: Final = "outbox"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a hook's events wait, and how many are dead."""

    waiting: int = 0
    dead: int = 0


# --- registration ---------------------------------------------------------------------------------------------------


def register(
    conn: Connection,
    owner: SideKey,
    hook: HookId,
    callback: str,
    types: Sequence[EventType],
    sealed: bytes,
    now: Instant,
    *,
    actor: str,
) -> Hook:
    """Register a callback for what is committed from now on. Raises HookError where the side has as many as it may."""
    outbox.hold(conn)  # what is appended before this is not told, all after it is; and a side counts its own one at a time
    known = conn.execute(sa.select(sa.func.count()).select_from(hooks).where(hooks.c.owner == owner)).scalar_one()
    if known >= MAX_HOOKS:
        raise HookError(
            f"There are {MAX_HOOKS} callbacks already.", remedy="Delete one that is not used any more.", code=ErrorCode.CONFLICT
        )
    newest = outbox.latest(conn)
    if conn.execute(sa.select(cursors.c.seq).where(cursors.c.name == CURSOR)).one_or_none() is None:
        conn.execute(sa.insert(cursors).values(name=CURSOR, seq=newest))
    conn.execute(
        sa.insert(hooks).values(
            id=hook,
            owner=owner,
            callback=callback,
            types=list(types),
            sealed=sealed,
            created_at=now,
            from_seq=newest,
            ended_why="",
            is_slow=False,
        )
    )
    # The host alone: there are addresses whose path is the secret.
    audit.record(
        conn, actor, "hub.register", hook, {"host": urlsplit(callback).hostname, "types": list(types)}, now, sides=[owner]
    )
    return hook_of(conn, owner, hook)


def hooks_of(conn: Connection, owner: SideKey | None) -> Sequence[Hook]:
    """A side's callbacks, or those of all sides, in the order of registration."""
    query = sa.select(hooks).order_by(hooks.c.created_at, hooks.c.id)
    return [hook_from(row) for row in conn.execute(query if owner is None else query.where(hooks.c.owner == owner))]


def hook_of(conn: Connection, owner: SideKey | None, hook: str) -> Hook:
    """One of a side's callbacks. Raises NotFound, also for one of another side's; None asks for any side."""
    query = sa.select(hooks).where(hooks.c.id == hook)
    row = None
    if is_id(hook):
        row = conn.execute(query if owner is None else query.where(hooks.c.owner == owner)).one_or_none()
    if row is None:
        raise NotFound("There is no such callback of yours.", remedy="GET /api/v1/hub lists them.")
    return hook_from(row)


def counts_of(conn: Connection, ids: Sequence[HookId]) -> Mapping[HookId, Counts]:
    """How the events of these hooks stand."""
    query = (
        sa.select(deliveries.c.hook_id, deliveries.c.state, sa.func.count())
        .where(deliveries.c.hook_id.in_(ids), deliveries.c.state != DeliveryState.DELIVERED)
        .group_by(deliveries.c.hook_id, deliveries.c.state)
    )
    found = dict.fromkeys(ids, Counts())
    for hook, state, count in conn.execute(query):
        found[hook] = msgspec.structs.replace(found[hook], **{state: count})
    return found


def remove(conn: Connection, owner: SideKey, hook: str, now: Instant, *, actor: str) -> None:
    """Take a callback away, with all that was on its way to it. Raises NotFound."""
    known = hook_of(conn, owner, hook)
    lock(conn, known.id)
    conn.execute(sa.delete(deliveries).where(deliveries.c.hook_id == known.id))
    conn.execute(sa.delete(hooks).where(hooks.c.id == known.id))
    audit.record(conn, actor, "hub.delete", known.id, {}, now, sides=[owner])


def renew_secret(conn: Connection, owner: SideKey, hook: str, sealed: bytes, now: Instant, *, actor: str) -> Hook:
    """Give a hook a new secret; the one that it had signs too for a day. Raises NotFound."""
    known = hook_of(conn, owner, hook)
    values = {"sealed": sealed, "sealed_before": known.sealed, "before_until": now + BOTH_SIGN_MS}
    conn.execute(sa.update(hooks).where(hooks.c.id == known.id).values(**values))
    audit.record(conn, actor, "hub.secret", known.id, {}, now, sides=[owner])
    return hook_of(conn, owner, hook)


# --- dead letters -----------------------------------------------------------------------------------------------------


def dead_of(conn: Connection, hook: HookId, cursor: str | None, limit: int) -> Page[Delivery]:
    """A hook's dead letters, newest first."""
    query = sa.select(deliveries).where(deliveries.c.hook_id == hook, deliveries.c.state == DeliveryState.DEAD)
    if cursor is not None:
        ended, last = decode_cursor(cursor, int, str)
        if not is_id(str(last)) or not 0 <= int(ended) < 2**62:  # a database could not even be asked
            return Page([], None)
        query = query.where(sa.tuple_(deliveries.c.ended_at, deliveries.c.id) < sa.tuple_(sa.literal(ended), sa.literal(last)))
    rows = list(conn.execute(query.order_by(deliveries.c.ended_at.desc(), deliveries.c.id.desc()).limit(limit + 1)))
    items = [delivery_from(row) for row in rows[:limit]]
    more = len(rows) > limit and items[-1].ended_at is not None
    return Page(items, encode_cursor(items[-1].ended_at or 0, items[-1].id) if more else None)


def give_back(conn: Connection, owner: SideKey | None, hook: str, delivery: str, now: Instant, *, actor: str) -> None:
    """Begin a dead letter's tries anew; nothing waits for it. Raises NotFound, and HookError where the hook has ended."""
    known = hook_of(conn, owner, hook)
    lock(conn, known.id)
    check_living(known)
    values = {"state": DeliveryState.WAITING.value, "tries": 0, "holds": False, "next_try_at": now, "created_at": now}
    dead = (deliveries.c.id == delivery, deliveries.c.hook_id == known.id, deliveries.c.state == DeliveryState.DEAD)
    if not is_id(delivery) or conn.execute(sa.update(deliveries).where(*dead).values(**values, ended_at=None)).rowcount == 0:
        raise NotFound("There is no such dead letter.", remedy=f"GET /api/v1/hub/{known.id}/dead lists them.")
    wake(conn, known.id, now)
    audit.record(conn, actor, "hub.retry", known.id, {"delivery": delivery}, now, sides=[known.owner])


def hook_of_dead(conn: Connection, delivery: str) -> HookId:
    """Whose dead letter this is. Raises NotFound."""
    query = sa.select(deliveries.c.hook_id).where(deliveries.c.id == delivery, deliveries.c.state == DeliveryState.DEAD)
    hook = conn.execute(query).scalar_one_or_none()
    if hook is None:
        raise NotFound(f"There is no dead letter {delivery!r}.", remedy="`matinee hooks dead` lists them.")
    return HookId(hook)


# --- rows -------------------------------------------------------------------------------------------------------------


def lock(conn: Connection, hook: HookId) -> None:
    """Keep whoever delivers from this hook until the commit."""
    conn.execute(sa.select(hooks.c.id).where(hooks.c.id == hook).with_for_update())


def wake(conn: Connection, hook: str, now: Instant) -> None:
    """Say that there is something to do for a hook from now on."""
    later = sa.or_(hooks.c.next_at.is_(None), hooks.c.next_at > now)
    conn.execute(sa.update(hooks).where(hooks.c.id == hook, hooks.c.ended_at.is_(None), later).values(next_at=now))


def check_living(hook: Hook) -> None:
    """Raises HookError (conflict) for a hook that has ended."""
    if hook.ended_at is not None:
        raise HookError(
            f"The callback has ended: {hook.ended_why}", remedy="Delete it and register it anew.", code=ErrorCode.CONFLICT
        )


def hook_from(row: "Row[Any]") -> Hook:
    return Hook(
        id=row.id,
        owner=row.owner,
        callback=row.callback,
        types=tuple(EventType(one) for one in row.types),
        sealed=row.sealed,
        created_at=row.created_at,
        from_seq=row.from_seq,
        before=row.sealed_before,
        before_until=row.before_until,
        delivered_at=row.delivered_at,
        ended_at=row.ended_at,
        ended_why=row.ended_why,
    )


def delivery_from(row: "Row[Any]") -> Delivery:
    return Delivery(
        id=row.id,
        number=row.number,
        hook=row.hook_id,
        event_id=row.event_id,
        type=EventType(row.type),
        body=row.body,
        state=DeliveryState(row.state),
        tries=row.tries,
        next_try_at=row.next_try_at,
        created_at=row.created_at,
        ended_at=row.ended_at,
        status=row.status,
        why=row.why,
        answer=row.answer,
    )
