"""The postman: what was committed is handed to the callbacks that it concerns, and each is called until it has taken it.

Any number of processes may run one (hook_queue.py says how they keep out of each other's way). Callbacks of strangers are slow,
so calls are made in threads of two lanes: one that was slow or failed the last time waits behind others of its kind, and never
before one that answers. Of each lane a side has a part at most, so that nobody can fill it with callbacks that dawdle on purpose.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final, Protocol

import msgspec
import structlog
from sqlalchemy.engine import Connection

from matinee.base.clock import HOUR, Clock, Instant
from matinee.base.errors import MatineeError
from matinee.base.ids import encode_id, new_id
from matinee.base.party import SideKey
from matinee.outside.calling import Answer, CallLimits, call
from matinee.outside.database import Database
from matinee.parties import hook_queue as queue
from matinee.parties import hook_store as store
from matinee.parties import outbox, signing
from matinee.parties.hooks import (
    Delivery,
    DomainEvent,
    EventType,
    Hook,
    HookId,
    Outcome,
    Seals,
    envelope,
    event_id,
    judged,
    told_to,
    wanted_by,
)

LIMITS: Final = CallLimits(seconds=10.0, max_bytes=64 * 1024)
SLOW_SECONDS: Final = 2.0
THREADS: Final = {False: 8, True: 4}
OF_ONE_SIDE: Final = {False: 4, True: 1}
"""Calls at a time, in all and to the callbacks of one side, by whether it is the slow lane."""
LOOKED_AT: Final = 100
AT_ONE_GO: Final = 50
"""So many events one hook is brought before another has its turn."""
EVENTS_AT_A_TIME: Final = 200
DELIVERIES_AT_A_TIME: Final = 5_000
"""In one transaction, since nobody else may write to SQLite meanwhile: one row can tell of a thousand boxes to many callbacks."""
PRUNE_EVERY_MS: Final = HOUR

log = structlog.get_logger("matinee.hooks")

Tell = Callable[[Connection, Sequence[outbox.Event]], Iterable[tuple[outbox.Event, Sequence[DomainEvent]]]]
"""What rows of the outbox mean to those outside: the events of each, in order."""


class Caller(Protocol):
    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Answer: ...


def caller(*, allow_private: bool, limits: CallLimits = LIMITS) -> Caller:
    """Calls by the guarded client alone."""

    def post(url: str, headers: dict[str, str], body: bytes) -> Answer:
        return call("POST", url, headers=headers, body=body, limits=limits, allow_private=allow_private)

    return post


def purpose_of(hook: HookId) -> str:
    """What a hook's secret is sealed for."""
    return f"hook {hook}"


class Postman:
    """Takes a `step` every moment (its caller says how often), and calls out from threads of its own until `close`."""

    def __init__(
        self,
        database: Database,
        tell: Tell,
        seals: Seals,
        post: Caller,
        clock: Clock,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._tell = tell
        self._seals = seals
        self._post = post
        self._clock = clock
        self._dice = dice
        self._lanes = {
            is_slow: ThreadPoolExecutor(THREADS[is_slow], thread_name_prefix=f"hooks-{'slow' if is_slow else 'quick'}")
            for is_slow in (False, True)
        }
        self._under_way: dict[HookId, tuple[bool, SideKey, Future[None]]] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._pruned_at = Instant(0)

    def step(self) -> None:
        """Hand on what is new, and begin to call whoever has something due. Does not wait for answers."""
        now = self._clock()
        if now - self._pruned_at >= PRUNE_EVERY_MS:
            with self._database.write() as conn:
                more = queue.prune(conn, now)
            self._pruned_at = self._pruned_at if more else now
        while self._spread():
            pass
        for is_slow, lane in self._lanes.items():
            self._begin(is_slow, lane)

    def settle(self, seconds: float | None = None) -> None:
        """Wait until every call under way has ended, so long at most."""
        with self._lock:
            running = [future for _, _, future in self._under_way.values()]
        wait(running, timeout=seconds)

    def close(self, seconds: float | None = None) -> None:
        """Begin no more calls, and wait so long at most for those under way: one that is broken off has used a try."""
        self._closing = True
        for lane in self._lanes.values():
            lane.shutdown(wait=False, cancel_futures=True)
        self.settle(seconds)

    def _spread(self) -> bool:
        """Hand some of the outbox to the hooks that it concerns, and move on, in one transaction. Whether there is more."""
        with self._database.read() as conn:
            if not queue.is_behind(conn):
                return False
        now = self._clock()
        with self._database.write() as conn:
            seq = queue.take_cursor(conn)
            if seq is None:
                return False  # another process does it now
            events = outbox.after(conn, seq, EVENTS_AT_A_TIME)
            hooks = queue.living(conn)  # after the events: one that registered before an event was appended is among them
            done, count = events[-1].seq if events else seq, 0
            for event, told in self._tell(conn, events) if hooks else ():
                named = [self._addressed(hook, event, part, one, now) for part, one in enumerate(told) for hook in hooks]
                made = [one for one in named if one is not None]
                queue.add(conn, made, now)
                count += len(made)
                if count >= DELIVERIES_AT_A_TIME:
                    done = event.seq
                    break
            if done > seq:
                queue.move_cursor(conn, done)
        return len(events) == EVENTS_AT_A_TIME or count >= DELIVERIES_AT_A_TIME

    def _addressed(
        self, hook: Hook, event: outbox.Event, part: int, told: DomainEvent, now: Instant
    ) -> tuple[HookId, str, EventType, str] | None:
        """What is put on its way to a hook; None where the event is not its side's, not wanted, or from before it was there."""
        if event.seq <= hook.from_seq or not told_to(told, hook.owner) or not wanted_by(told, hook.types):
            return None
        identifier = event_id(self._seals, hook.owner, event.seq, part)
        correlation = encode_id(self._seals.mark(f"matter\n{told.concerns}"))
        return hook.id, identifier, told.type, envelope(told, identifier, correlation, now)

    def _begin(self, is_slow: bool, lane: ThreadPoolExecutor) -> None:
        with self._lock:
            self._under_way = {hook: one for hook, one in self._under_way.items() if not one[2].done()}
            mine = Counter(owner for slow, owner, _ in self._under_way.values() if slow == is_slow)
            if mine.total() >= THREADS[is_slow] or self._closing:
                return
            with self._database.read() as conn:
                found = queue.due(conn, self._clock(), is_slow=is_slow, limit=LOOKED_AT, without=list(self._under_way))
            for hook, owner in found:
                if mine.total() < THREADS[is_slow] and mine[owner] < OF_ONE_SIDE[is_slow]:
                    mine[owner] += 1
                    self._under_way[hook] = (is_slow, owner, lane.submit(self._serve, hook))

    def _serve(self, hook: HookId) -> None:
        """Bring a hook what is due, until nothing is, it fails or is slow, or others have waited long enough."""
        try:
            self._bring(hook)
        except Exception as error:  # a thread's end: its lease ends by itself, and the next step tries again
            log.error("events cannot be brought to a callback; it is tried again", hook=hook, exc_info=error)

    def _bring(self, hook: HookId) -> None:
        holder = new_id()
        with self._database.write() as conn:
            now = self._clock()
            known = queue.claim(conn, hook, holder, now)
            if known is None:
                return
            delivery = self._next(conn, hook, holder, now)
        for turn in range(AT_ONE_GO):
            if delivery is None:
                return
            outcome = self._try(known, delivery)
            with self._database.write() as conn:
                now = self._clock()
                held = queue.settle(conn, hook, holder, delivery, outcome, now, self._dice())
                goes_on = held and outcome.is_delivered and not outcome.is_slow and not self._closing and turn < AT_ONE_GO - 1
                if goes_on:
                    known, delivery = store.hook_of(conn, None, hook), self._next(conn, hook, holder, now)
                else:
                    queue.let_go(conn, hook, holder)
                    delivery = None
            self._log(hook, outcome)

    def _next(self, conn: Connection, hook: HookId, holder: str, now: Instant) -> Delivery | None:
        delivery = queue.begin(conn, hook, now, self._dice())
        if delivery is None:
            queue.let_go(conn, hook, holder)
        return delivery

    def _try(self, hook: Hook, delivery: Delivery) -> Outcome:
        now, body = self._clock(), delivery.body.encode()
        began = time.monotonic()
        try:
            keys = [self._seals.unseal(purpose_of(hook.id), hook.sealed)]
            if hook.before is not None and hook.before_until is not None and now < hook.before_until:
                keys.append(self._seals.unseal(purpose_of(hook.id), hook.before))
            headers = {"Content-Type": "application/json", **signing.signed_headers(keys, delivery.event_id, now, body)}
            answer = self._post(hook.callback, headers, body)
        except MatineeError as error:
            return Outcome(is_delivered=False, why=error.message, is_slow=True)
        outcome = judged(answer.status, answer.headers.get("retry-after"), answer.body, now)
        if time.monotonic() - began < SLOW_SECONDS:
            return outcome
        return msgspec.structs.replace(outcome, is_slow=True)

    def _log(self, hook: HookId, outcome: Outcome) -> None:
        """Nothing of what a stranger answered but its status."""
        if outcome.is_delivered:
            log.debug("an event was delivered", hook=hook, status=outcome.status)
        elif outcome.is_gone:
            log.warning("a callback ended itself", hook=hook, status=outcome.status)
        else:
            log.info("an event was not delivered", hook=hook, status=outcome.status)


def made_up_event(hook: Hook, now: Instant) -> tuple[str, str]:
    """A test event's id and body."""
    identifier = new_id()
    event = DomainEvent(
        type=EventType.HUB_TEST,
        domain="Hub",
        concerns=f"hub {hook.id}",
        at=now,
        says="A test: nothing happened.",
        resource={"id": hook.id, "callback": hook.callback},
    )
    return identifier, envelope(event, identifier, identifier, now)
