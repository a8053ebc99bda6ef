"""SQL for agreements. A change is one more record; nothing that was once recorded is edited or taken away."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import AgreementId, OperatorId, ServiceId, new_id
from matinee.carriage.model import Agreement, AgreementStatus, CarriageError
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import audit, outbox

TOPIC: Final = "carriage"

agreements = sa.Table(
    "agreements",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id"), nullable=False, index=True),
    sa.Column("service_id", sa.Text, sa.ForeignKey("services.id"), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("valid_to", InstantColumn),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)


def record_agreement(
    conn: Connection,
    operator: OperatorId,
    service: ServiceId,
    status: AgreementStatus,
    valid_from: Instant,
    now: Instant,
    *,
    actor: str,
    valid_to: Instant | None = None,
    reason: str = "",
) -> Agreement:
    """Record how an operator and a service stand with each other from a moment on. Raises CarriageError."""
    if valid_to is not None and valid_to <= valid_from:
        raise CarriageError("The agreement ends before it begins.", remedy="Write its beginning first.")
    if status is AgreementStatus.REFUSED and not reason.strip():
        raise CarriageError("A refusal has no reason.", remedy="Say why: staff will ask.")
    made = Agreement(
        id=AgreementId(new_id()),
        operator=operator,
        service=service,
        status=status,
        valid_from=valid_from,
        valid_to=valid_to,
        recorded_at=now,
        reason=reason,
    )
    conn.execute(
        sa.insert(agreements).values(
            id=made.id,
            operator_id=operator,
            service_id=service,
            status=status.value,
            reason=reason,
            valid_from=valid_from,
            valid_to=valid_to,
            recorded_at=now,
        )
    )
    detail = {"operator": operator, "service": service, "status": status.value, "valid_from": valid_from}
    audit.record(conn, actor, "agreement.record", made.id, detail, now)
    outbox.append(conn, TOPIC, operator, {"service": service, "status": status.value}, now)
    return made


def ensure_agreement(
    conn: Connection, operator: OperatorId, service: ServiceId, status: AgreementStatus, now: Instant, *, actor: str
) -> Agreement:
    """The newest record of the two, where it has this status; else a new one that holds from now on."""
    known = [one for one in all_agreements(conn) if (one.operator, one.service) == (operator, service)]
    if known and known[-1].status is status:
        return known[-1]
    return record_agreement(conn, operator, service, status, now, now, actor=actor)


def all_agreements(conn: Connection) -> Sequence[Agreement]:
    """All that was ever recorded, in the order of recording."""
    rows = conn.execute(sa.select(agreements).order_by(agreements.c.recorded_at, agreements.c.valid_from, agreements.c.id))
    return [
        Agreement(
            id=r.id,
            operator=r.operator_id,
            service=r.service_id,
            status=AgreementStatus(r.status),
            reason=r.reason,
            valid_from=r.valid_from,
            valid_to=r.valid_to,
            recorded_at=r.recorded_at,
        )
        for r in rows
    ]
