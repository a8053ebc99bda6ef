"""Durable work: a queue and steps that survive a killed process, on DBOS. No other file imports it.

A piece of work is a function of (runner, argument): it calls `runner(name, step)` for each step, and a step that has once
returned is not run again. Steps must be idempotent all the same, since a process may die between a step's effect and its
record. Arguments and results are JSON text, so that what is stored can be read by a person and by the next version.

A dead worker's work stays PENDING with DBOS. Here each worker beats in the table `workers`; another one claims the row of one
that has stopped beating, then resumes its work by DBOS's public call, which runs again only the unfinished step.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSClient, DBOSConfig
from dbos import error as dbos_error
from dbos._sys_db import SystemDatabase

from matinee.base.clock import SECOND, Clock, Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import new_id
from matinee.outside.database import Database, InstantColumn, metadata

StepRunner = Callable[[str, Callable[[], str]], str]
Body = Callable[[StepRunner, str], str]

BEAT_SECONDS = 2.0
DEAD_AFTER_MS = 12 * SECOND
CLAIM_HOLDS_MS = 30 * SECOND
LAST_PRIORITY = 2**31 - 1
_APPLICATION_VERSION = "1"
_NAME = "matinee"

log = structlog.get_logger("matinee.work")

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("executor", sa.String(64), primary_key=True),
    sa.Column("host", sa.String(128), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("pid_started", sa.BigInteger, nullable=False),
    sa.Column("seen_at", InstantColumn, nullable=False),
    sa.Column("claimed_by", sa.String(64)),
    sa.Column("claimed_at", InstantColumn),
)


class WorkFailed(MatineeError):
    """The work engine could not do what it was asked."""

    code = ErrorCode.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class WorkState:
    """How a piece of work stands: waiting | running | done | failed | cancelled; `result` when done, `error` when failed."""

    id: str
    state: str
    result: str | None
    error: str | None


def prepare(url: str) -> None:
    """Bring the work engine's own tables into being or up to date. Safe to run again."""
    DBOS.migrate(_sync_url(url))


class WorkQueue:
    """The client's side: hand work in, ask how it stands. Any process may hold one; it runs nothing."""

    def __init__(self, url: str) -> None:
        self._client = DBOSClient(system_database_url=_sync_url(url), application_name=_NAME)

    def enqueue(self, queue: str, work: str, work_id: str, argument: str, priority: int = 1) -> None:
        """Hand a piece of work in. An id that was handed in before is left as it is. Lower priorities go first, from 1 on."""
        self._client.enqueue(
            {
                "queue_name": queue,
                "workflow_name": work,
                "workflow_id": work_id,
                "app_version": _APPLICATION_VERSION,
                "priority": min(max(priority, 1), LAST_PRIORITY),
            },
            argument,
        )

    def state(self, work_id: str) -> WorkState | None:
        """How one piece of work stands, or None where it was never handed in."""
        found = self._client.list_workflows(workflow_ids=[work_id], load_input=False)
        return _work_state(found[0]) if found else None

    def states(self, work_ids: Sequence[str]) -> dict[str, WorkState]:
        """How several pieces of work stand, by id; those that were never handed in are not in it."""
        found = self._client.list_workflows(workflow_ids=list(work_ids), load_input=False) if work_ids else []
        return {status.workflow_id: _work_state(status) for status in found}

    def forget(self, work_id: str) -> None:
        """Delete the record of a piece of work, and stop it where it still runs."""
        self._client.cancel_workflow(work_id)
        self._client.delete_workflow(work_id)

    def forget_all(self, prefix: str) -> None:
        """Delete the records of all work whose ids begin so, and begin none of it that waits."""
        for status in self._client.list_workflows(workflow_id_prefix=prefix, load_input=False, load_output=False):
            self.forget(status.workflow_id)

    def close(self) -> None:
        self._client.destroy()


class WorkEngine:
    """The worker's side: runs defined work in this process's threads until closed. One per process (DBOS is global)."""

    def __init__(self, url: str, database: Database, clock: Clock) -> None:
        self.executor = new_id()
        self._database = database
        self._clock = clock
        self._stop = threading.Event()
        self._beating: threading.Thread | None = None
        self._queues: dict[str, int] = {}
        config: DBOSConfig = {
            "name": _NAME,
            "system_database_url": _sync_url(url),
            "executor_id": self.executor,
            "application_version": _APPLICATION_VERSION,
            "log_level": "ERROR",
            "console_log_level": "ERROR",
            "notification_listener_polling_interval_sec": 0.2,
        }
        DBOS(config=config)

    def define(self, name: str, body: Body) -> None:
        """Name a piece of work. Call before `start`."""

        def run(argument: str) -> str:
            return body(_run_step, argument)

        run.__qualname__ = run.__name__ = name
        DBOS.workflow(name=name)(run)

    def queue(self, name: str, at_once: int) -> None:
        """Name a queue, and how many of its pieces this worker runs at once; another may run more. Call before `start`."""
        self._queues[name] = at_once

    def start(self) -> None:
        """Begin to run work, and to look after the work of dead workers."""
        self._beat()
        self._limit_by_worker()
        DBOS.launch()
        for name, at_once in self._queues.items():
            DBOS.register_queue(name, worker_concurrency=at_once, polling_interval_sec=0.2, on_conflict="always_update")
        self._beating = threading.Thread(target=self._keep_beating, name="work-heartbeat", daemon=True)
        self._beating.start()

    def _limit_by_worker(self) -> None:
        """DBOS keeps one limit of a queue for all workers in the database, as the last of them said it; a large machine and a
        small one share our queues. So what is read from there is given this worker's own figure, and that from the first look on:
        the queues of earlier workers are listened to from the moment of the launch."""
        read, ours = SystemDatabase.get_queue, self._queues

        def with_ours(database: SystemDatabase, name: str, **options: Any) -> Any:
            found = read(database, name, **options)
            if found is not None and name in ours:
                found._worker_concurrency = ours[name]
            return found

        SystemDatabase.get_queue = with_ours  # type: ignore[method-assign, assignment]

    def say_goodbye(self) -> None:
        """Stop beating, and say so. The process is to end now: work under way is the next worker's, step by step."""
        self._stop.set()
        if self._beating is not None:
            self._beating.join()
        with self._database.write() as connection:
            connection.execute(sa.update(workers).where(workers.c.executor == self.executor).values(seen_at=0))

    def _keep_beating(self) -> None:
        while True:
            for duty in (self._beat, self._take_over):
                try:
                    duty()
                except Exception as error:
                    # Whatever it was, the next beat tries again: without this thread the worker would be taken for dead, and
                    # nobody who dies would be taken over by it any more.
                    log.error("the worker's heartbeat failed", exc_info=error)
            if self._stop.wait(BEAT_SECONDS):
                return

    def _beat(self) -> None:
        now = self._clock()
        with self._database.write() as connection:
            seen = connection.execute(sa.update(workers).where(workers.c.executor == self.executor).values(seen_at=now))
            if seen.rowcount == 0:
                connection.execute(sa.insert(workers).values(executor=self.executor, seen_at=now, **_this_process()))

    def _take_over(self) -> None:
        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        owners = {status.executor_id for status in pending if status.executor_id} - {self.executor}
        for owner in sorted(owners):
            if self._claim(owner):
                self._take_over_from(owner)

    def _take_over_from(self, owner: str) -> None:
        # Asked again: another worker may have taken over since, and its work must not be run a second time beside it.
        for status in DBOS.list_workflows(status="PENDING", load_input=False, load_output=False):
            if status.executor_id == owner:
                with contextlib.suppress(dbos_error.DBOSNonExistentWorkflowError):  # forgotten since: nobody waits for it
                    # Not cancelled before: a worker that died between the two would leave it cancelled for ever.
                    DBOS.resume_workflow(status.workflow_id, queue_name=status.queue_name)
        with self._database.write() as connection:
            connection.execute(sa.delete(workers).where(workers.c.executor == owner))

    def _claim(self, owner: str) -> bool:
        """Whether this worker, and no other, is to take over from a dead one. One that has no row is dead, and is given one."""
        now = self._clock()
        with self._database.write() as connection:
            row = connection.execute(sa.select(workers).where(workers.c.executor == owner)).one_or_none()
            if row is None:
                gone = {"host": "", "pid": 0, "pid_started": 0, "seen_at": 0, "claimed_by": self.executor, "claimed_at": now}
                try:
                    with connection.begin_nested():
                        connection.execute(sa.insert(workers).values(executor=owner, **gone))
                except sa.exc.IntegrityError:
                    return False
                return True
            if not is_dead(row.host, row.pid, row.pid_started, Instant(row.seen_at), now):
                return False
            unclaimed = sa.or_(workers.c.claimed_at.is_(None), workers.c.claimed_at < now - CLAIM_HOLDS_MS)
            claimed = connection.execute(
                sa.update(workers).where(workers.c.executor == owner, unclaimed).values(claimed_by=self.executor, claimed_at=now)
            )
            return claimed.rowcount == 1


def any_worker_alive(database: Database, now: Instant) -> bool:
    """Whether some worker beats, so that work handed in now will be run without our doing."""
    with database.read() as connection:
        rows = connection.execute(sa.select(workers)).all()
    return any(not is_dead(row.host, row.pid, row.pid_started, Instant(row.seen_at), now) for row in rows)


def is_dead(host: str, pid: int, pid_started: int, seen_at: Instant, now: Instant) -> bool:
    """A worker of this machine is dead when its process is gone; one of another machine when it has stopped beating."""
    if host == _host() and seen_at > 0:
        return _process_started(pid) != pid_started
    return now - seen_at > DEAD_AFTER_MS


def _run_step(name: str, step: Callable[[], str]) -> str:
    """Run a step, or give what it once returned.

    Another version of the work, under way when this one was installed, may have recorded another step in this place. What it did
    is then done again, which steps must bear anyway: better than work that fails for ever, and keeps what it holds.
    """
    try:
        return DBOS.run_step({"name": name}, step)
    except dbos_error.DBOSUnexpectedStepError:
        return step()


def _work_state(status: Any) -> WorkState:
    states = {"SUCCESS": "done", "ERROR": "failed", "CANCELLED": "cancelled", "PENDING": "running"}
    state = states.get(status.status, "waiting")
    if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        state = "failed"
    return WorkState(status.workflow_id, state, status.output, None if status.error is None else str(status.error))


def _sync_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1) if url.startswith("postgresql://") else url


def _this_process() -> dict[str, object]:
    return {"host": _host(), "pid": os.getpid(), "pid_started": _process_started(os.getpid())}


def _host() -> str:
    # The boot id tells two boots of one machine apart, and two containers that share a name but not a process table.
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    parts = [socket.gethostname()]
    if boot.exists():
        parts.append(boot.read_text().strip()[:8])
    if namespace.exists():
        parts.append(str(namespace.stat().st_ino))
    return ":".join(parts)


def _process_started(pid: int) -> int:
    """When a process began, in ticks since boot; 0 where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    after_name = stat.rpartition(")")[2].split()
    return 0 if after_name[0] == "Z" else int(after_name[19])
