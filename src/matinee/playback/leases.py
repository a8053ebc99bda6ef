"""Who holds which place now, as one web process knows it, and the database where several must know the same.

A process that is alone (`outside.alone`) decides from memory at once and writes down each half second, as the book does. Where
several share a database, a play that begins is one transaction there, in which no other play of its home can be judged;
heartbeats renew in memory, and what they renewed is written together.

While the database is away a process goes by what it knows: a home may then see more at once than its plan gives, by what other
processes let begin, which is better than a dark screen.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection

from matinee.base.clock import MINUTE, Clock, Instant
from matinee.base.ids import HouseholdId, ServiceId, SessionId
from matinee.outside.alone import Alone
from matinee.outside.database import Database
from matinee.parties.outbox import Event
from matinee.playback import lease_store, store
from matinee.playback.streams import Judged, Lease, Verdict, judge

AWAY = (sa.exc.SQLAlchemyError, OSError)
FORGET_EVERY_MS = 10 * MINUTE
_UNSURE = -1

log = structlog.get_logger("matinee.playback")

Home = tuple[HouseholdId, ServiceId]


class Shared(NamedTuple):
    """Stands for `Alone` where several processes always share."""

    holds: bool = False


class Leases:
    """Safe from the event loop and from threads. What ends in `_now` never blocks, and answers None where a thread must ask."""

    def __init__(self, database: Database, clock: Clock, alone: Alone | None = None) -> None:
        """Without `alone` every play that begins is judged in the database, as where processes run on several machines."""
        self._database = database
        self._clock = clock
        self._alone = alone
        self._right: Alone | Shared = alone or Shared()
        self._lock = threading.Lock()
        self._homes: dict[Home, dict[SessionId, Lease]] = {}
        self._home_of: dict[SessionId, Home] = {}
        self._unwritten: dict[SessionId, Lease | None] = {}
        self._is_written = threading.Event()
        """Set where the database knows all that this process let begin, so that others and it may be judged there."""
        self._is_written.set()
        self._forgot_at = Instant(0)

    def start(self) -> None:
        """Become alone if nobody is here, and learn what was held before. Blocks. Raises what the database raises."""
        if self._alone is not None:
            self._alone.enter()
        if self._right.holds:
            self._is_written.clear()
            with self._database.read() as conn:
                held = lease_store.all_leases(conn, self._clock())
            with self._lock:
                for lease in held:
                    self._put(lease)

    def close(self) -> None:
        """Write down what is not, and end the right to be alone. Where that cannot be written it lapses by itself."""
        try:
            self.flush()
        except AWAY as error:
            log.error("leases cannot be written; they lapse", error=type(error).__name__)
        if self._alone is not None:
            self._alone.leave()

    # Places

    def take_now(self, asks: Lease, limit: int, now: Instant) -> Judged | None:
        """Judge a play that begins, or is heard of again, from memory; None where others must be asked."""
        with self._lock:
            return self._judge(asks, limit, now) if self._right.holds else None

    def take(self, asks: Lease, limit: int, now: Instant) -> Judged:
        """The same by the database. Blocks."""
        while not self._is_written.wait(0.02):
            judged = self.take_now(asks, limit, now)
            if judged is not None:
                return judged
        try:
            with self._database.write() as conn:
                judged = lease_store.take(conn, asks, limit, now)
        except AWAY as error:
            log.error("a play is judged by what this process knows", error=type(error).__name__)
            with self._lock:
                judged = self._judge(asks, limit, now)
                if judged.lease is not None:  # its next heartbeat asks the database again
                    self._put(msgspec.structs.replace(judged.lease, limit=_UNSURE))
                return judged
        with self._lock:
            for lease in judged.superseded:
                self._drop(lease.session)
            if judged.lease is not None:
                self._put(judged.lease)
        return judged

    def renew_now(
        self, session: SessionId, limit: int | None, until: Instant, token_until: Instant, now: Instant
    ) -> Verdict | None:
        """Renew a place that is held and was judged by this limit (None: by whichever); None where it must be judged anew."""
        with self._lock:
            lease = self._held(session)
            if lease is None or lease.until <= now:
                return None
            if limit is not None and (lease.is_over or lease.limit != limit):
                return None
            renewed = msgspec.structs.replace(
                lease, until=max(until, lease.until), token_until=max(token_until, lease.token_until)
            )
            self._keep(renewed)
            return Verdict.OVER if lease.is_over else Verdict.HELD

    def look_now(self, household: HouseholdId, service: ServiceId, now: Instant) -> Sequence[Lease] | None:
        """Who holds a place, from memory; None where others must be asked."""
        with self._lock:
            return self._living(household, service, now) if self._right.holds else None

    def look(self, household: HouseholdId, service: ServiceId, now: Instant) -> Sequence[Lease]:
        """Who holds a place. Blocks."""
        try:
            with self._database.read() as conn:
                return [one for one in lease_store.leases_of(conn, household, service) if one.until > now]
        except AWAY:
            with self._lock:
                return self._living(household, service, now)

    def release_now(self, session: SessionId) -> bool:
        """Free a place at once; False where the database must be told, by `release`."""
        with self._lock:
            self._drop(session)
            if self._right.holds:
                self._unwritten[session] = None
                return True
            self._unwritten.pop(session, None)
            return False

    def release(self, session: SessionId) -> None:
        """Free a place for all processes. Blocks. Where the database is away it lapses by itself."""
        try:
            with self._database.write() as conn:
                lease_store.release(conn, [session])
        except AWAY as error:
            log.error("a place is free when it lapses", error=type(error).__name__)

    def find(self, session: SessionId) -> Lease | None:
        """The lease of a play that any process let begin. Blocks."""
        with self._lock:
            held = self._held(session)
        if held is not None or self._right.holds:
            return held
        try:
            with self._database.read() as conn:
                return lease_store.lease_of(conn, session)
        except AWAY:
            return None

    def stop(self, session: SessionId, reason: str, now: Instant) -> None:
        """Free the place of a play that is stopped, and tell all processes why. Blocks."""
        if self.release_now(session):
            return
        try:
            with self._database.write() as conn:
                store.stop_session(conn, session, reason, now)  # plays, then their leases, as in parties/outbox.py
                lease_store.release(conn, [session])
                lease_store.tell_stopped(conn, session, reason, now)
        except AWAY as error:
            log.error("other processes are not told of a stop; edges are", error=type(error).__name__)

    # Writing

    def step(self) -> None:
        """Write what has changed, and share where another process has come. Blocks. Raises what the database raises."""
        if self._alone is None:
            self.flush()
        else:
            was_alone = self._alone.holds
            self._alone.step(lambda: self._write(alone=True))
            if was_alone and not self._alone.holds:
                self._is_written.set()
            self.flush()

    def flush(self) -> None:
        """Write what has changed, in one transaction. Blocks. Raises what the database raises."""
        self._write(alone=self._right.holds)

    def _write(self, *, alone: bool) -> None:
        now = self._clock()
        with self._lock:
            unwritten, self._unwritten = self._unwritten, {}
        is_old = now - self._forgot_at > FORGET_EVERY_MS
        if not unwritten and not is_old:
            return
        try:
            with self._database.write() as conn:
                self._write_all(conn, unwritten, alone=alone)
                if is_old:
                    lease_store.forget_old(conn, now)
        except AWAY:
            with self._lock:
                self._unwritten = {**unwritten, **self._unwritten}
            raise
        if is_old:
            self._forgot_at = now
            with self._lock:
                self._forget_old(now)

    def _write_all(self, conn: Connection, unwritten: Mapping[SessionId, Lease | None], *, alone: bool) -> None:
        kept = [lease for lease in unwritten.values() if lease is not None]
        # Alone, a row is as memory has it; else another process may have ended it, and it must not come back.
        (lease_store.save if alone else lease_store.renew)(conn, kept)
        lease_store.release(conn, [session for session, lease in unwritten.items() if lease is None])

    # Memory, under the lock

    def _judge(self, asks: Lease, limit: int, now: Instant) -> Judged:
        judged = judge(asks, self._homes.get((asks.household, asks.service), {}).values(), limit, now)
        if judged.lease is not None:
            for lease in (judged.lease, *judged.superseded):
                self._keep(lease)
        return judged

    def _living(self, household: HouseholdId, service: ServiceId, now: Instant) -> Sequence[Lease]:
        return [one for one in self._homes.get((household, service), {}).values() if one.until > now]

    def _held(self, session: SessionId) -> Lease | None:
        home = self._home_of.get(session)
        return None if home is None else self._homes[home].get(session)

    def _keep(self, lease: Lease) -> None:
        self._put(lease)
        self._unwritten[lease.session] = lease

    def _put(self, lease: Lease) -> None:
        home = lease.household, lease.service
        self._homes.setdefault(home, {})[lease.session] = lease
        self._home_of[lease.session] = home

    def _drop(self, session: SessionId) -> None:
        home = self._home_of.pop(session, None)
        if home is not None:
            own = self._homes[home]
            del own[session]
            if not own:
                del self._homes[home]

    def _forget_old(self, now: Instant) -> None:
        for lease in [one for home in self._homes.values() for one in home.values() if one.token_until <= now]:
            self._drop(lease.session)


class Stops:
    """Hears of plays that other web processes stopped: follows the topic "playback"."""

    topics = frozenset({lease_store.TOPIC})

    def __init__(self, told: Callable[[SessionId, str], None]) -> None:
        self._told = told

    def load(self, conn: Connection) -> None:
        """What was stopped before stands in the sessions' rows."""

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        for event in events:
            if event.payload["kind"] == lease_store.STOPPED:
                self._told(SessionId(event.key), str(event.payload["reason"]))
