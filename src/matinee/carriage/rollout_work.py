"""Moving rollouts on: what each does by itself now, done as launch records, so that decisions need to know nothing of waves."""

from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import LaunchId
from matinee.carriage import rollout_store as store
from matinee.carriage.model import LIVE, Launch, LaunchState
from matinee.carriage.rollouts import BoxMeasure, Measures, OnError, Rollout, is_as_left, next_step
from matinee.carriage.store import record_launch
from matinee.fleet.waves import OVER, EventKind, Phase, Standing, WaveEvent, added_by, share_before
from matinee.outside.database import Database
from matinee.parties import outbox

ACTOR = "rollout"

log = structlog.get_logger("matinee.rollouts")


def advance_all(database: Database, measures: Measures, now: Instant) -> Sequence[tuple[Rollout, WaveEvent]]:
    """Move every rollout on by what it does now; what happened. Blocks: it asks the players' reports of each wave that runs.

    One that cannot be moved is told of in the log, and holds up no other.
    """
    with database.read() as conn:
        found = [(one, stands) for one, stands in store.standing_rollouts(conn) if stands.phase not in OVER]
    happened = []
    for rollout, stands in found:
        try:
            event = _advance(database, rollout, stands, measures, now)
        except Exception as error:
            log.error("a rollout cannot be moved on; it is tried again", rollout=rollout.id, exc_info=error)
            continue
        if event is not None:
            happened.append((rollout, event))
    return happened


def _advance(database: Database, rollout: Rollout, seen: Standing, measures: Measures, now: Instant) -> WaveEvent | None:
    # Reports are read before the transaction: they may take long, and say nothing that a moment's delay makes wrong.
    reported = _reported(rollout, seen, measures, now) if seen.phase is Phase.RUNNING else []
    with database.read() as conn:
        launch = store.launch_now(conn, rollout.operator, rollout.service, now)
    if _wants(rollout, seen, launch, reported, now) is None:
        return None
    with database.write() as conn:
        outbox.hold(conn)  # several processes do this, and staff record launches: one at a time, and each sees what came before
        ((_, stands),) = store.standing_rollouts(conn, rollout=rollout.id)
        launch = store.launch_now(conn, rollout.operator, rollout.service, now)
        step = _wants(rollout, stands, launch, reported, now)
        if stands != seen or step is None:
            return None
        kind, says = step
        if launch is not None and _theirs(rollout, stands, launch) is None:
            _record(conn, rollout, stands, launch, kind, says, now)
        return store.append(conn, rollout, kind, stands.wave, now, ACTOR, says)


def _reported(rollout: Rollout, stands: Standing, measures: Measures, now: Instant) -> Sequence[BoxMeasure]:
    everyone = measures.since(rollout.operator, rollout.service, stands.since, now)
    return [one for one in everyone if added_by(rollout, stands.wave, one.box)]


def _wants(
    rollout: Rollout, stands: Standing, launch: Launch | None, reported: Sequence[BoxMeasure], now: Instant
) -> tuple[EventKind, str] | None:
    """What the rollout does now. Staff come first: where they changed the launch, a wave halts and changes nothing itself."""
    theirs = _theirs(rollout, stands, launch)
    if theirs is None:
        return next_step(rollout, now, stands, reported)
    may_come_back = stands.phase is not Phase.RUNNING and (launch is None or launch.state not in LIVE)
    if may_come_back or stands.phase is Phase.HALTED:
        return None
    return EventKind.HALTED, theirs


def _theirs(rollout: Rollout, stands: Standing, launch: Launch | None) -> str | None:
    """How the launch is not as the rollout left it, in words; None where it is."""
    if launch is None:
        return "The launch is gone."
    if launch.state not in LIVE:
        return f"The launch is {launch.state.value}, by somebody else."
    if not is_as_left(rollout, stands, launch.share) or (launch.share and (launch.salt or launch.id) != rollout.salt):
        return f"The launch is for {launch.share / 100:g} % of the boxes, by somebody else."
    return None


def _record(
    conn: Connection, rollout: Rollout, stands: Standing, launch: Launch, kind: EventKind, reason: str, now: Instant
) -> None:
    """The launch as it was, but for what the step changes; nothing where it changes nothing."""
    share, state = launch.share, launch.state
    if kind is EventKind.BEGUN:
        share = rollout.waves[stands.wave].share
    elif kind is EventKind.HALTED and rollout.on_error is OnError.BACK:
        share = share_before(rollout, stands.wave)
    elif kind is EventKind.HALTED and rollout.on_error is OnError.PAUSE:
        state = LaunchState.PAUSED
    else:
        return
    planned = store.next_launch_at(conn, rollout.operator, rollout.service, now)
    ends = [end for end in (launch.valid_to, planned) if end is not None]
    changed = msgspec.structs.replace(
        launch,
        id=LaunchId(""),
        share=share,
        state=state,
        salt=rollout.salt,
        valid_from=now,
        valid_to=min(ends, default=None),
        recorded_at=now,
        reason=reason,
    )
    record_launch(conn, changed, now, actor=ACTOR)
