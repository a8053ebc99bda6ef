"""SQL for networks and disputes. A change of a dispute is one more record."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import DisputeId, NetworkId, new_id
from matinee.base.party import operator_side
from matinee.interconnect.model import Dispute, DisputeState, InterconnectError, Network
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import audit, outbox

networks = sa.Table(
    "networks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("asn", sa.BigInteger, nullable=False),
)

disputes = sa.Table(
    "disputes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id"), nullable=False, index=True),
    sa.Column("network_id", sa.Text, sa.ForeignKey("networks.id"), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("valid_to", InstantColumn),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)


def ensure_network(conn: Connection, name: str, asn: int = 0) -> Network:
    """The network of that name, made where there is none. Raises InterconnectError for an empty name or a number of no AS."""
    if not name.strip():
        raise InterconnectError("A network's name is empty.", remedy="Give it a name.")
    if not 0 <= asn < 2**32:
        raise InterconnectError(f"{asn} is no AS number.", remedy="Write 1 to 4294967295, or 0 where it is not known.")
    row = conn.execute(sa.select(networks).where(networks.c.name == name)).one_or_none()
    if row is not None:
        return Network(id=row.id, name=row.name, asn=row.asn)
    made = Network(id=NetworkId(new_id()), name=name, asn=asn)
    conn.execute(sa.insert(networks).values(**msgspec.structs.asdict(made)))
    return made


def record_dispute(conn: Connection, dispute: Dispute, now: Instant, *, actor: str) -> Dispute:
    """Record how a dispute stands from a moment on; its id is drawn here. Raises InterconnectError."""
    if dispute.valid_to is not None and dispute.valid_to <= dispute.valid_from:
        raise InterconnectError("The dispute ends before it begins.", remedy="Write its beginning first.")
    outbox.hold(conn)  # before the audit's lock, as everywhere: more may be recorded in the same transaction
    made = msgspec.structs.replace(dispute, id=DisputeId(new_id()))
    conn.execute(
        sa.insert(disputes).values(
            id=made.id,
            operator_id=made.operator,
            network_id=made.network,
            state=made.state.value,
            note=made.note,
            valid_from=made.valid_from,
            valid_to=made.valid_to,
            recorded_at=made.recorded_at,
        )
    )
    sides = [operator_side(made.operator)]
    audit.record(conn, actor, "dispute.record", made.id, msgspec.to_builtins(made), now, sides=sides)
    return made


def all_disputes(conn: Connection) -> Sequence[Dispute]:
    """All that was ever recorded, in the order of recording."""
    return [
        Dispute(
            id=r.id,
            operator=r.operator_id,
            network=r.network_id,
            state=DisputeState(r.state),
            note=r.note,
            valid_from=r.valid_from,
            valid_to=r.valid_to,
            recorded_at=r.recorded_at,
        )
        for r in conn.execute(sa.select(disputes).order_by(disputes.c.recorded_at, disputes.c.valid_from, disputes.c.id))
    ]


def all_networks(conn: Connection) -> Sequence[Network]:
    rows = conn.execute(sa.select(networks).order_by(networks.c.name))
    return [Network(id=r.id, name=r.name, asn=r.asn) for r in rows]
