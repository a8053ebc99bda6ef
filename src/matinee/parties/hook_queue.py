"""SQL that brings events on their way: from the outbox to hooks, and from try to try. Any number of processes may do it at once.

The cursor's row is locked while the outbox is handed on. A hook's row is what is fought for after that: whoever sets its lease
may try its deliveries, one at a time, until the lease ends. Its `next_at` says when there is something to do, so that nobody
looks through deliveries to find out. Both are written with the row locked first, and the deliveries read after: what is added
meanwhile is never overlooked.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import DAY, MINUTE, SECOND, Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import new_id
from matinee.base.party import SideKey
from matinee.parties import outbox
from matinee.parties.hook_store import CURSOR, check_living, cursors, deliveries, delivery_from, hook_from, hooks, lock, wake
from matinee.parties.hooks import (
    HOLDING_TRIES,
    MAX_TRIES,
    Delivery,
    DeliveryId,
    DeliveryState,
    EventType,
    Hook,
    HookError,
    HookId,
    Outcome,
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

# --- from the outbox to the hooks -------------------------------------------------------------------------------------


def is_behind(conn: Connection) -> bool:
    """Whether the outbox holds what has not been handed to hooks. Where no hook ever was, nothing is."""
    seq = conn.execute(sa.select(cursors.c.seq).where(cursors.c.name == CURSOR)).scalar_one_or_none()
    return seq is not None and outbox.latest(conn) > seq


def take_cursor(conn: Connection) -> int | None:
    """The number up to which the outbox was handed on, kept from others until the commit; None where another has it now."""
    query = sa.select(cursors.c.seq).where(cursors.c.name == CURSOR)
    return conn.execute(query.with_for_update(skip_locked=True)).scalar_one_or_none()


def move_cursor(conn: Connection, seq: int) -> None:
    conn.execute(sa.update(cursors).where(cursors.c.name == CURSOR).values(seq=seq))


def living(conn: Connection) -> Sequence[Hook]:
    """The hooks that events are handed to."""
    return [hook_from(row) for row in conn.execute(sa.select(hooks).where(hooks.c.ended_at.is_(None)).order_by(hooks.c.id))]


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
        wake(conn, hook, now)


def add_test(conn: Connection, hook: Hook, event: str, body: str, now: Instant) -> None:
    """Put a test event on its way. Raises HookError where one waits or went a moment ago, and where the hook has ended.

    Somebody else's address can be registered, too: it is not to be called as often as one likes.
    """
    lock(conn, hook.id)
    check_living(hook)
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
) -> Sequence[tuple[HookId, SideKey]]:
    """Hooks with something to do now that nobody holds, those first that wait longest, and whose they are."""
    query = (
        sa.select(hooks.c.id, hooks.c.owner)
        .where(hooks.c.next_at <= now, hooks.c.is_slow == is_slow, _free(now), hooks.c.id.not_in(without))
        .order_by(hooks.c.next_at, hooks.c.id)
        .limit(limit)
    )
    return [(HookId(row.id), SideKey(row.owner)) for row in conn.execute(query)]


def claim(conn: Connection, hook: HookId, holder: str, now: Instant) -> Hook | None:
    """Take a hook, so that nobody else tries its deliveries until it is let go or the lease ends. None where another has it."""
    won = conn.execute(
        sa.update(hooks)
        .where(hooks.c.id == hook, hooks.c.next_at <= now, _free(now))
        .values(holder=holder, lease_until=now + LEASE_MS)
    )
    return hook_from(conn.execute(sa.select(hooks).where(hooks.c.id == hook)).one()) if won.rowcount == 1 else None


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
        return msgspec.structs.replace(delivery_from(found), tries=tries)
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
