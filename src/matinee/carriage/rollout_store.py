"""SQL for rollouts: the plans, and what happened to each. Both are appended, never edited; where one stands is folded from it."""

from collections.abc import Sequence
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.base.errors import ErrorCode
from matinee.base.ids import OperatorId, RolloutId, ServiceId, StaffId, new_id
from matinee.carriage import rollouts as rules
from matinee.carriage.model import LIVE, CarriageError, Launch
from matinee.carriage.rollouts import Rollout
from matinee.carriage.store import both_sides, launches_of
from matinee.fleet import store as fleet
from matinee.fleet import waves
from matinee.fleet.buckets import ALL_BOXES
from matinee.fleet.waves import OVER, EventKind, Phase, Standing, WaveEvent
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import audit, outbox

rollouts = sa.Table(
    "rollouts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id"), nullable=False, index=True),
    sa.Column("service_id", sa.Text, sa.ForeignKey("services.id"), nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
    sa.Column("plan", JsonColumn, nullable=False),  # model.Rollout
)

rollout_events = sa.Table(
    "rollout_events",
    metadata,
    sa.Column("rollout_id", sa.Text, sa.ForeignKey("rollouts.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("wave", sa.Integer, nullable=False),
    sa.Column("at", InstantColumn, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("says", sa.Text, nullable=False),
)

MAX_ACTOR: Final = 100
_IN_ORDER: Final = (rollouts.c.recorded_at, rollouts.c.id)
TOPIC: Final = "rollouts"
"""Apart from carriage's: no decision goes by where a rollout stands, so no snapshot need be refreshed."""


def plan(conn: Connection, wanted: Rollout, now: Instant) -> Rollout:
    """Record a plan; one that was under way for the same two is withdrawn by it. Raises CarriageError.

    Without a salt it takes that of the launch in force, so that boxes that have the service already are the first.
    """
    outbox.hold(conn)  # two plans at once: the second finds the first under way
    launch = launch_now(conn, wanted.operator, wanted.service, now)
    if launch is None or launch.state not in LIVE:
        raise CarriageError(
            "There is no launch to spread: none that is silent, announced or open.",
            remedy="Record one with percent = 0 first; the rollout gives it to boxes.",
        )
    own = launch.salt or launch.id
    partly = 0 < launch.share < ALL_BOXES
    if partly and wanted.salt not in ("", own):
        raise CarriageError(
            "The launch is for a share of the boxes that was drawn by another salt: some would lose the service.",
            remedy="Leave salt out.",
        )
    if launch.technical_at is None or launch.technical_at > max(wanted.starts_at, now):
        raise CarriageError(
            "The rollout starts before the launch's technical date: no box would have the service.",
            remedy="Record the launch with a technical date that comes first, or start later.",
        )
    if launch.share == ALL_BOXES:
        raise CarriageError(
            "The launch is for every box already.", remedy="Record it with percent = 0 first: this takes it from them."
        )
    made = msgspec.structs.replace(
        wanted, id=RolloutId(new_id()), recorded_at=now, salt=wanted.salt or own, base=launch.share
    )
    rules.check_rollout(made, fleet.boxes_standing(conn, made.operator, now))
    for before, stands in standing_rollouts(conn, made.operator, made.service):
        if stands.phase not in OVER:
            append(conn, before, EventKind.WITHDRAWN, stands.wave, now, made.author, "Another plan took its place.")
    words = msgspec.to_builtins(made)
    conn.execute(
        sa.insert(rollouts).values(
            id=made.id, operator_id=made.operator, service_id=made.service, recorded_at=now, plan=words
        )
    )
    sides = both_sides(conn, made.operator, made.service)
    audit.record(conn, made.author, "rollout.plan", made.id, words, now, sides=sides)
    _tell(conn, made, [], now)
    return made


def append(
    conn: Connection,
    rollout: Rollout,
    kind: EventKind,
    wave: int,
    now: Instant,
    actor: str,
    says: str = "",
    account: StaffId | None = None,
) -> WaveEvent:
    """Append what happened. `account` is that of a signed-in person; None where a name was typed. Raises CarriageError."""
    outbox.hold(conn)
    if not 0 < len(actor) <= MAX_ACTOR:
        raise CarriageError(f"The name of who does it has no or over {MAX_ACTOR} characters.", remedy="Say who you are.")
    count = conn.execute(
        sa.select(sa.func.count()).select_from(rollout_events).where(rollout_events.c.rollout_id == rollout.id)
    ).scalar_one()
    values = {"kind": kind.value, "wave": wave, "at": now, "actor": actor, "says": says}
    conn.execute(sa.insert(rollout_events).values(rollout_id=rollout.id, number=count, **values))
    detail = {"wave": wave, "says": says} | ({} if account is None else {"account": account})
    sides = both_sides(conn, rollout.operator, rollout.service)
    audit.record(conn, actor, f"rollout.{kind.value}", rollout.id, detail, now, sides=sides)
    _tell(conn, rollout, events_of(conn, rollout.id), now)
    return WaveEvent(kind=kind, wave=wave, at=now, actor=actor, says=says)


def _tell(conn: Connection, rollout: Rollout, events: Sequence[WaveEvent], now: Instant) -> None:
    """Append where the rollout stands after what happened."""
    stands = waves.standing(rollout, events)
    over = stands.wave == len(rollout.waves)
    told = {
        "rollout": rollout.id,
        "service": rollout.service,
        "phase": stands.phase.value,
        "wave": stands.wave if over else stands.wave + 1,
        "waves": len(rollout.waves),
        "share": rollout.waves[-1 if over else stands.wave].share,
        "says": events[-1].says if events else "",
    }
    outbox.append(conn, TOPIC, rollout.operator, told, now)


def standing_rollouts(
    conn: Connection, operator: OperatorId | None = None, service: ServiceId | None = None, rollout: RolloutId | None = None
) -> Sequence[tuple[Rollout, Standing]]:
    """Every rollout, or those of the two, or one, in the order of planning, with where it stands."""
    query = sa.select(rollouts).order_by(*_IN_ORDER)
    if operator is not None:
        query = query.where(rollouts.c.operator_id == operator)
    if service is not None:
        query = query.where(rollouts.c.service_id == service)
    if rollout is not None:
        query = query.where(rollouts.c.id == rollout)
    found = [msgspec.convert(row.plan, Rollout) for row in conn.execute(query)]
    return [(one, waves.standing(one, events_of(conn, one.id))) for one in found]


def plans(conn: Connection) -> Sequence[Rollout]:
    """Every plan there ever was, in the order of planning."""
    return [msgspec.convert(row.plan, Rollout) for row in conn.execute(sa.select(rollouts).order_by(*_IN_ORDER))]


def standing_of(conn: Connection, rollout: Rollout) -> Standing:
    return waves.standing(rollout, events_of(conn, rollout.id))


def events_of(conn: Connection, rollout: RolloutId) -> Sequence[WaveEvent]:
    rows = conn.execute(
        sa.select(rollout_events).where(rollout_events.c.rollout_id == rollout).order_by(rollout_events.c.number)
    )
    return [WaveEvent(kind=EventKind(r.kind), wave=r.wave, at=r.at, actor=r.actor, says=r.says) for r in rows]


def approve(
    conn: Connection, rollout: Rollout, actor: str, now: Instant, *, wave: int | None = None, account: StaffId | None = None
) -> None:
    """Let the wave that waits for it begin. Whoever planned it cannot: it takes two. Raises CarriageError.

    With `wave` (from 0) it must be that one: a request that is sent again must not let the next begin as well.
    """
    stands = _stands_for(conn, rollout, Phase.WAITING_FOR_APPROVAL, "waits for no approval", wave)
    if actor.strip().casefold() == rollout.author.strip().casefold():
        raise CarriageError(
            "Whoever planned a rollout cannot approve it.", remedy="Have somebody else do it.", code=ErrorCode.NOT_ALLOWED
        )
    append(conn, rollout, EventKind.APPROVED, stands.wave, now, actor, account=account)


def resume(
    conn: Connection, rollout: Rollout, actor: str, now: Instant, *, wave: int | None = None, account: StaffId | None = None
) -> None:
    """Begin a wave that halted anew; what was reported before no longer counts. Raises CarriageError. `wave` as above."""
    stands = _stands_for(conn, rollout, Phase.HALTED, "has not halted", wave)
    append(conn, rollout, EventKind.RESUMED, stands.wave, now, actor, account=account)


def withdraw(conn: Connection, rollout: Rollout, actor: str, now: Instant, *, account: StaffId | None = None) -> None:
    """End a rollout where it stands; boxes that have the service keep it. Raises CarriageError."""
    outbox.hold(conn)
    stands = standing_of(conn, rollout)
    if stands.phase in OVER:
        raise _conflict(f"The rollout is over: it is {_words(stands.phase)}.")
    append(conn, rollout, EventKind.WITHDRAWN, stands.wave, now, actor, account=account)


def _stands_for(conn: Connection, rollout: Rollout, phase: Phase, otherwise: str, wave: int | None) -> Standing:
    """Where it stands, if in this phase and wave. Of two who say the same at once, the second finds it done."""
    outbox.hold(conn)
    stands = standing_of(conn, rollout)
    if stands.phase is not phase:
        raise _conflict(f"The rollout {otherwise}: it is {_words(stands.phase)}.")
    if wave is not None and stands.wave != wave:
        raise _conflict(f"The rollout stands in wave {stands.wave + 1}, not in wave {wave + 1}.")
    return stands


def _conflict(message: str) -> CarriageError:
    return CarriageError(message, remedy="See `matinee rollout`, or GET /api/v1/rollouts.", code=ErrorCode.CONFLICT)


def _words(phase: Phase) -> str:
    return phase.value.replace("_", " ")


def launch_now(conn: Connection, operator: OperatorId, service: ServiceId, now: Instant) -> Launch | None:
    """The launch of the two that is in force."""
    return in_force(launches_of(conn, operator, service), now)


def next_launch_at(conn: Connection, operator: OperatorId, service: ServiceId, now: Instant) -> Instant | None:
    """When a launch that is recorded already begins next: what a rollout records may not outlast that."""
    return min((one.valid_from for one in launches_of(conn, operator, service) if one.valid_from > now), default=None)
