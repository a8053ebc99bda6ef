"""Moving rollouts on: what each does by itself now, done as launch records, so that decisions need to know nothing of waves."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import LaunchId, RolloutId
from matinee.carriage import rollout_store as store
from matinee.carriage.model import LIVE, Launch, LaunchState
from matinee.carriage.rollouts import (
    OVER,
    BoxMeasure,
    EventKind,
    Measures,
    OnError,
    Phase,
    Rollout,
    RolloutEvent,
    Standing,
    added_by,
    next_step,
)
from matinee.carriage.store import record_launch
from matinee.outside.database import Database

ACTOR = "rollout"


def advance_all(database: Database, measures: Measures, now: Instant) -> Sequence[tuple[Rollout, RolloutEvent]]:
    """Move every rollout on by what it does now; what happened. Blocks: it asks the players' reports of each wave that runs."""
    with database.read() as conn:
        found = [(one, stands) for one, stands in store.standing_rollouts(conn) if stands.phase not in OVER]
    happened = []
    for rollout, stands in found:
        # Reports are read before the transaction: they may take long, and say nothing that a moment's delay makes wrong.
        reported = _reported(rollout, stands, measures, now) if stands.phase is Phase.RUNNING else []
        with database.write() as conn:
            event = _advance(conn, rollout.id, stands, reported, now)
        if event is not None:
            happened.append((rollout, event))
    return happened


def _reported(rollout: Rollout, stands: Standing, measures: Measures, now: Instant) -> Sequence[BoxMeasure]:
    everyone = measures.since(rollout.operator, rollout.service, stands.since, now)
    return [one for one in everyone if added_by(rollout, stands.wave, one.box)]


def _advance(
    conn: Connection, rollout_id: RolloutId, seen: Standing, reported: Sequence[BoxMeasure], now: Instant
) -> RolloutEvent | None:
    # Where several processes do this, one at a time holds the row; the others then see that it has moved.
    conn.execute(sa.select(store.rollouts.c.id).where(store.rollouts.c.id == rollout_id).with_for_update())
    rollout, stands = next(pair for pair in store.standing_rollouts(conn) if pair[0].id == rollout_id)
    if stands != seen:
        return None
    launch = store.launch_now(conn, rollout.operator, rollout.service, now)
    if launch is None or launch.state not in LIVE:
        return _yield_to_staff(conn, rollout, stands, launch, now)
    step = next_step(rollout, now, stands, reported)
    if step is None:
        return None
    kind, says = step
    if kind is EventKind.BEGUN:
        _record(conn, rollout, launch, now, share=rollout.waves[stands.wave].share, reason=says)
    elif kind is EventKind.HALTED and rollout.on_error is OnError.BACK:
        _record(conn, rollout, launch, now, share=rollout.waves[stands.wave - 1].share if stands.wave else 0, reason=says)
    elif kind is EventKind.HALTED and rollout.on_error is OnError.PAUSE:
        _record(conn, rollout, launch, now, state=LaunchState.PAUSED, reason=says)
    return store.append(conn, rollout, kind, stands.wave, now, ACTOR, says)


def _yield_to_staff(
    conn: Connection, rollout: Rollout, stands: Standing, launch: Launch | None, now: Instant
) -> RolloutEvent | None:
    """Somebody paused, killed or ended the launch: a wave that runs halts, and one that waits waits on."""
    if stands.phase is not Phase.RUNNING:
        return None
    says = "The launch is gone." if launch is None else f"The launch is {launch.state.value}, by somebody else."
    return store.append(conn, rollout, EventKind.HALTED, stands.wave, now, ACTOR, says)


def _record(
    conn: Connection,
    rollout: Rollout,
    launch: Launch,
    now: Instant,
    *,
    reason: str,
    share: int | None = None,
    state: LaunchState | None = None,
) -> None:
    """The launch as it was, but for its share or its state."""
    changed = msgspec.structs.replace(
        launch,
        id=LaunchId(""),
        share=launch.share if share is None else share,
        state=launch.state if state is None else state,
        salt=rollout.salt,
        valid_from=now,
        recorded_at=now,
        reason=reason,
    )
    record_launch(conn, changed, now, actor=ACTOR)
