"""Networks that meet an operator's, and what is disputed between them. Links, samples and accounts follow."""

from enum import StrEnum

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import DisputeId, NetworkId, OperatorId


class InterconnectError(MatineeError):
    """A network or a dispute is not as it must be."""

    code = ErrorCode.INVALID_REQUEST


class Network(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An autonomous system that an operator exchanges traffic with; it need be no service here. `asn` 0: not known."""

    id: NetworkId
    name: str
    asn: int = 0


class DisputeState(StrEnum):
    OPEN = "open"
    SETTLED = "settled"


class Dispute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That an operator and a network are at odds over their interconnection for a while; see base.dated for its two times."""

    id: DisputeId
    operator: OperatorId
    network: NetworkId
    state: DisputeState
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None = None
    note: str = ""
