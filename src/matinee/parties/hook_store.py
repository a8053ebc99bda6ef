"""SQL for callbacks, and for every event on its way to one. Two processes may do all of this at once.

A hook's own row is what is fought for: whoever sets its lease may try its deliveries, one at a time, until the lease ends. Its
`next_at` says when there is something to do, so that nobody looks through deliveries to find out. Both are written with the
row locked first, and the deliveries read after: what is added meanwhile is never overlooked.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import DAY, MINUTE, SECOND, Instant
from matinee.base.errors import ErrorCode, NotFound
from matinee.base.ids import is_id, new_id
from matinee.base.pagination import Page, decode_cursor, encode_cursor
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import audit, outbox
from matinee.parties.hooks import (
    BOTH_SIGN_MS,
    HOLDING_TRIES,
    MAX_HOOKS,
    MAX_TRIES,
    Delivery,
    DeliveryId,
    DeliveryState,
    EventType,
    Hook,
    HookError,
    HookId,
    Outcome,
    Owner,
    next_try,
)

LEASE_MS: Final = 90 * SECOND
"""Longer than a call and the look-up of its name can take; a process that died keeps a hook waiting for so long."""
TEST_EVERY_MS: Final = MINUTE
KEEP_DELIVERED_MS: Final = 7 * DAY
KEEP_DEAD_MS: Final = 30 * DAY
GIVE_UP_MS: Final = 3 * DAY
"""An event that waited so long is dead, also where it was never its turn."""
TOO_OLD: Final = "It waited for days: those before it could not be delivered."
PRUNE_AT_A_TIME: Final = 2_000
_ROWS: Final = 500

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
_CURSOR: Final = "outbox"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a hook's events wait, and how many are dead."""

    waiting: int = 0
    dead: int = 0


# --- registration ---------------------------------------------------------------------------------------------------


def register(
    conn: Connection, owner: Owner, hook: HookId, callback: str, types: Sequence[EventType], sealed: bytes, now: Instant
) -> Hook:
    """Register a callback for what is committed from now on. Raises HookError where the side has as many as it may."""
    outbox.hold(conn)  # what is appended before this is not told, all after it is; and a side counts its own one at a time
    known = conn.execute(sa.select(sa.func.count()).select_from(hooks).where(hooks.c.owner == owner)).scalar_one()
    if known >= MAX_HOOKS:
        raise HookError(
            f"There are {MAX_HOOKS} callbacks already.", remedy="Delete one that is not used any more.", code=ErrorCode.CONFLICT
        )
    newest = outbox.latest(conn)
    if conn.execute(sa.select(cursors.c.seq).where(cursors.c.name == _CURSOR)).one_or_none() is None:
        conn.execute(sa.insert(cursors).values(name=_CURSOR, seq=newest))
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
    audit.record(conn, owner, "hub.register", hook, {"host": urlsplit(callback).hostname, "types": list(types)}, now)
    return hook_of(conn, owner, hook)


def hooks_of(conn: Connection, owner: Owner | None) -> Sequence[Hook]:
    """A side's callbacks, or those of all sides, in the order of registration."""
    query = sa.select(hooks).order_by(hooks.c.created_at, hooks.c.id)
    return [_hook(row) for row in conn.execute(query if owner is None else query.where(hooks.c.owner == owner))]


def hook_of(conn: Connection, owner: Owner | None, hook: str) -> Hook:
    """One of a side's callbacks. Raises NotFound, also for one of another side's; None asks for any side."""
    query = sa.select(hooks).where(hooks.c.id == hook)
    row = None
    if is_id(hook):
        row = conn.execute(query if owner is None else query.where(hooks.c.owner == owner)).one_or_none()
    if row is None:
        raise NotFound("There is no such callback of yours.", remedy="GET /api/v1/hub lists them.")
    return _hook(row)


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


def remove(conn: Connection, owner: Owner, hook: str, now: Instant) -> None:
    """Take a callback away, with all that was on its way to it. Raises NotFound."""
    known = hook_of(conn, owner, hook)
    _lock(conn, known.id)
    conn.execute(sa.delete(deliveries).where(deliveries.c.hook_id == known.id))
    conn.execute(sa.delete(hooks).where(hooks.c.id == known.id))
    audit.record(conn, owner, "hub.delete", known.id, {}, now)


def renew_secret(conn: Connection, owner: Owner, hook: str, sealed: bytes, now: Instant) -> Hook:
    """Give a hook a new secret; the one that it had signs too for a day. Raises NotFound."""
    known = hook_of(conn, owner, hook)
    values = {"sealed": sealed, "sealed_before": known.sealed, "before_until": now + BOTH_SIGN_MS}
    conn.execute(sa.update(hooks).where(hooks.c.id == known.id).values(**values))
    audit.record(conn, owner, "hub.secret", known.id, {}, now)
    return hook_of(conn, owner, hook)


# --- from the outbox to the hooks -------------------------------------------------------------------------------------


def is_behind(conn: Connection) -> bool:
    """Whether the outbox holds what has not been handed to hooks. Where no hook ever was, nothing is."""
    seq = conn.execute(sa.select(cursors.c.seq).where(cursors.c.name == _CURSOR)).scalar_one_or_none()
    return seq is not None and outbox.latest(conn) > seq


def take_cursor(conn: Connection) -> int | None:
    """The number up to which the outbox was handed on, kept from others until the commit; None where another has it now."""
    query = sa.select(cursors.c.seq).where(cursors.c.name == _CURSOR)
    return conn.execute(query.with_for_update(skip_locked=True)).scalar_one_or_none()


def move_cursor(conn: Connection, seq: int) -> None:
    conn.execute(sa.update(cursors).where(cursors.c.name == _CURSOR).values(seq=seq))


def living(conn: Connection) -> Sequence[Hook]:
    """The hooks that events are handed to."""
    return [_hook(row) for row in conn.execute(sa.select(hooks).where(hooks.c.ended_at.is_(None)).order_by(hooks.c.id))]


def add(conn: Connection, made: Sequence[tuple[HookId, str, EventType, str]], now: Instant) -> None:
    """Put events on their way, in this order: hook, event id, type, body. One that is on its way already is left as it is."""
    for begin in range(0, len(made), _ROWS):
        some = made[begin : begin + _ROWS]
        known = sa.select(deliveries.c.hook_id, deliveries.c.event_id).where(
            deliveries.c.hook_id.in_({hook for hook, _, _, _ in some}),
            deliveries.c.event_id.in_({event for _, event, _, _ in some}),
        )
        there = {(row.hook_id, row.event_id) for row in conn.execute(known)}
        rows = [
            {
                "id": new_id(),
                "hook_id": hook,
                "event_id": event,
                "type": kind.value,
                "body": body,
                "state": DeliveryState.WAITING.value,
                "holds": True,
                "tries": 0,
                "next_try_at": now,
                "created_at": now,
                "why": "",
                "answer": "",
            }
            for hook, event, kind, body in some
            if (hook, event) not in there
        ]
        if rows:
            conn.execute(sa.insert(deliveries), rows)
    for hook in sorted({hook for hook, _, _, _ in made}):
        _wake(conn, hook, now)


def add_test(conn: Connection, hook: Hook, event: str, body: str, now: Instant) -> None:
    """Put a test event on its way. Raises HookError where one waits or went a moment ago, and where the hook has ended.

    Somebody else's address can be registered, too: it is not to be called as often as one likes.
    """
    _lock(conn, hook.id)
    _check_living(hook)
    tests = sa.select(deliveries.c.number).where(deliveries.c.hook_id == hook.id, deliveries.c.type == EventType.HUB_TEST)
    lately = sa.or_(deliveries.c.state == DeliveryState.WAITING, deliveries.c.created_at > now - TEST_EVERY_MS)
    if conn.execute(tests.where(lately).limit(1)).one_or_none() is not None:
        raise HookError(
            "A test event is on its way, or was within the last minute.", remedy="Wait a minute.", code=ErrorCode.CONFLICT
        )
    add(conn, [(hook.id, event, EventType.HUB_TEST, body)], now)


# --- delivery ---------------------------------------------------------------------------------------------------------


def due(
    conn: Connection, now: Instant, *, is_slow: bool, limit: int, without: Sequence[str] = ()
) -> Sequence[tuple[HookId, Owner]]:
    """Hooks with something to do now that nobody holds, those first that wait longest, and whose they are."""
    query = (
        sa.select(hooks.c.id, hooks.c.owner)
        .where(hooks.c.next_at <= now, hooks.c.is_slow == is_slow, _free(now), hooks.c.id.not_in(without))
        .order_by(hooks.c.next_at, hooks.c.id)
        .limit(limit)
    )
    return [(HookId(row.id), Owner(row.owner)) for row in conn.execute(query)]


def claim(conn: Connection, hook: HookId, holder: str, now: Instant) -> Hook | None:
    """Take a hook, so that nobody else tries its deliveries until it is let go or the lease ends. None where another has it."""
    won = conn.execute(
        sa.update(hooks)
        .where(hooks.c.id == hook, hooks.c.next_at <= now, _free(now))
        .values(holder=holder, lease_until=now + LEASE_MS)
    )
    return _hook(conn.execute(sa.select(hooks).where(hooks.c.id == hook)).one()) if won.rowcount == 1 else None


def begin(conn: Connection, hook: HookId, now: Instant, dice: float) -> Delivery | None:
    """The hook's next try, counted before it is made: a process that dies in it has used it. None where nothing is due.

    The caller holds the hook.
    """
    while (found := _turn(conn, hook, now)) is not None:
        tries = found.tries + 1
        again = next_try(tries, now, dice=dice)
        if found.tries >= MAX_TRIES:
            lost = Outcome(is_delivered=False, why="The last try was broken off.")
            _end(conn, found.id, DeliveryState.DEAD, lost, now)
            continue
        values = {"tries": tries, "next_try_at": now + LEASE_MS if again is None else again, "holds": tries < HOLDING_TRIES}
        if not found.holds:
            values["holds"] = False
        conn.execute(sa.update(deliveries).where(deliveries.c.number == found.number).values(**values))
        return msgspec.structs.replace(_delivery(found), tries=tries)
    return None


def settle(conn: Connection, hook: HookId, holder: str, tried: Delivery, outcome: Outcome, now: Instant, dice: float) -> bool:
    """Write down what came of a try. Whether the hook is still held, for its next one."""
    held = conn.execute(
        sa.update(hooks)
        .where(hooks.c.id == hook, hooks.c.holder == holder)
        .values(lease_until=now + LEASE_MS, is_slow=outcome.is_slow or not outcome.is_delivered)
    )
    again = None if outcome.is_gone else next_try(tried.tries, now, asked_ms=outcome.wait_ms, dice=dice)
    if outcome.is_delivered:
        _end(conn, tried.id, DeliveryState.DELIVERED, outcome, now)
        conn.execute(sa.update(hooks).where(hooks.c.id == hook).values(delivered_at=now))
    elif held.rowcount and again is None:
        _end(conn, tried.id, DeliveryState.DEAD, outcome, now)
    elif held.rowcount:
        values = {"next_try_at": again, "status": outcome.status, "why": outcome.why, "answer": outcome.answer}
        _change(conn, tried.id, values)
    if held.rowcount and outcome.is_gone:
        _end_hook(conn, hook, outcome.why, now)
    return held.rowcount == 1 and not outcome.is_gone


def let_go(conn: Connection, hook: HookId, holder: str) -> None:
    """Give a hook back, and say when there is something to do for it."""
    held = conn.execute(
        sa.update(hooks).where(hooks.c.id == hook, hooks.c.holder == holder).values(holder=None, lease_until=None)
    )
    if held.rowcount:
        waiting = (deliveries.c.hook_id == hook, deliveries.c.state == DeliveryState.WAITING)
        head = sa.select(deliveries.c.next_try_at).where(*waiting, deliveries.c.holds).order_by(deliveries.c.number).limit(1)
        passed = sa.select(sa.func.min(deliveries.c.next_try_at)).where(*waiting, ~deliveries.c.holds)
        times = [conn.execute(head).scalar_one_or_none(), conn.execute(passed).scalar_one_or_none()]
        at = min((time for time in times if time is not None), default=None)
        conn.execute(sa.update(hooks).where(hooks.c.id == hook, hooks.c.ended_at.is_(None)).values(next_at=at))


def prune(conn: Connection, now: Instant) -> bool:
    """Forget what was delivered a week ago or is dead for a month, and give up what waits for days: some of it at a time, since
    nobody else may write to SQLite meanwhile. Whether there is more."""
    d = deliveries.c
    aged = _some(d.state == DeliveryState.WAITING, d.created_at < now - GIVE_UP_MS)
    why = sa.case((d.why == "", TOO_OLD), else_=d.why)
    given_up = sa.update(deliveries).where(d.number.in_(aged)).values(state=DeliveryState.DEAD.value, ended_at=now, why=why)
    counts = [conn.execute(given_up).rowcount]
    for state, keep in ((DeliveryState.DELIVERED, KEEP_DELIVERED_MS), (DeliveryState.DEAD, KEEP_DEAD_MS)):
        old = _some(d.state == state, d.created_at < now - keep, d.ended_at < now - keep)
        counts.append(conn.execute(sa.delete(deliveries).where(d.number.in_(old))).rowcount)
    return max(counts) >= PRUNE_AT_A_TIME


def _some(*holds: "sa.ColumnElement[bool]") -> "sa.Select[Any]":
    return sa.select(deliveries.c.number).where(*holds).limit(PRUNE_AT_A_TIME)


# --- dead letters -----------------------------------------------------------------------------------------------------


def dead_of(conn: Connection, hook: HookId, cursor: str | None, limit: int) -> Page[Delivery]:
    """A hook's dead letters, newest first."""
    query = sa.select(deliveries).where(deliveries.c.hook_id == hook, deliveries.c.state == DeliveryState.DEAD)
    if cursor is not None:
        ended, last = decode_cursor(cursor, int, str)
        query = query.where(sa.tuple_(deliveries.c.ended_at, deliveries.c.id) < sa.tuple_(sa.literal(ended), sa.literal(last)))
    rows = list(conn.execute(query.order_by(deliveries.c.ended_at.desc(), deliveries.c.id.desc()).limit(limit + 1)))
    items = [_delivery(row) for row in rows[:limit]]
    more = len(rows) > limit and items[-1].ended_at is not None
    return Page(items, encode_cursor(items[-1].ended_at or 0, items[-1].id) if more else None)


def give_back(conn: Connection, owner: Owner | None, hook: str, delivery: str, now: Instant, *, actor: str) -> None:
    """Begin a dead letter's tries anew; nothing waits for it. Raises NotFound, and HookError where the hook has ended."""
    known = hook_of(conn, owner, hook)
    _lock(conn, known.id)
    _check_living(known)
    values = {"state": DeliveryState.WAITING.value, "tries": 0, "holds": False, "next_try_at": now, "created_at": now}
    dead = (deliveries.c.id == delivery, deliveries.c.hook_id == known.id, deliveries.c.state == DeliveryState.DEAD)
    if not is_id(delivery) or conn.execute(sa.update(deliveries).where(*dead).values(**values, ended_at=None)).rowcount == 0:
        raise NotFound("There is no such dead letter.", remedy=f"GET /api/v1/hub/{known.id}/dead lists them.")
    _wake(conn, known.id, now)
    audit.record(conn, actor, "hub.retry", known.id, {"delivery": delivery}, now)


def hook_of_dead(conn: Connection, delivery: str) -> HookId:
    """Whose dead letter this is. Raises NotFound."""
    query = sa.select(deliveries.c.hook_id).where(deliveries.c.id == delivery, deliveries.c.state == DeliveryState.DEAD)
    hook = conn.execute(query).scalar_one_or_none()
    if hook is None:
        raise NotFound(f"There is no dead letter {delivery!r}.", remedy="`matinee hooks dead` lists them.")
    return HookId(hook)


# --- rows -------------------------------------------------------------------------------------------------------------


def _turn(conn: Connection, hook: HookId, now: Instant) -> "Row[Any] | None":
    """What is due first: the first of those that hold others up, or an earlier one that was passed by."""
    waiting = sa.select(deliveries).where(deliveries.c.hook_id == hook, deliveries.c.state == DeliveryState.WAITING)
    first = waiting.where(deliveries.c.holds).order_by(deliveries.c.number).limit(1)
    passed = waiting.where(~deliveries.c.holds, deliveries.c.next_try_at <= now).order_by(deliveries.c.number).limit(1)
    found = [*conn.execute(first), *conn.execute(passed)]
    return min((row for row in found if row.next_try_at <= now), key=lambda row: int(row.number), default=None)


def _free(now: Instant) -> "sa.ColumnElement[bool]":
    return sa.or_(hooks.c.lease_until.is_(None), hooks.c.lease_until <= now)


def _lock(conn: Connection, hook: HookId) -> None:
    """Keep whoever delivers from this hook until the commit."""
    conn.execute(sa.select(hooks.c.id).where(hooks.c.id == hook).with_for_update())


def _wake(conn: Connection, hook: str, now: Instant) -> None:
    later = sa.or_(hooks.c.next_at.is_(None), hooks.c.next_at > now)
    conn.execute(sa.update(hooks).where(hooks.c.id == hook, hooks.c.ended_at.is_(None), later).values(next_at=now))


def _check_living(hook: Hook) -> None:
    if hook.ended_at is not None:
        raise HookError(
            f"The callback has ended: {hook.ended_why}", remedy="Delete it and register it anew.", code=ErrorCode.CONFLICT
        )


def _end_hook(conn: Connection, hook: HookId, why: str, now: Instant) -> None:
    """Nothing is handed to the hook any more; what waits for it is dead."""
    conn.execute(sa.update(hooks).where(hooks.c.id == hook).values(ended_at=now, ended_why=why, next_at=None))
    conn.execute(
        sa.update(deliveries)
        .where(deliveries.c.hook_id == hook, deliveries.c.state == DeliveryState.WAITING)
        .values(state=DeliveryState.DEAD.value, ended_at=now, why=why)
    )


def _end(conn: Connection, delivery: DeliveryId, state: DeliveryState, outcome: Outcome, now: Instant) -> None:
    values = {"status": outcome.status, "why": outcome.why, "answer": outcome.answer}
    _change(conn, delivery, {"state": state.value, "ended_at": now, **values})


def _change(conn: Connection, delivery: DeliveryId, values: Mapping[str, Any]) -> None:
    conn.execute(
        sa.update(deliveries).where(deliveries.c.id == delivery, deliveries.c.state == DeliveryState.WAITING).values(**values)
    )


def _hook(row: "Row[Any]") -> Hook:
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


def _delivery(row: "Row[Any]") -> Delivery:
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
