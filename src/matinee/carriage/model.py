"""Whether an operator carries a service: a refusal is a state of its own, with its reason."""

from enum import StrEnum

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import AgreementId, OperatorId, ServiceId


class CarriageError(MatineeError):
    """An agreement is not as it must be."""

    code = ErrorCode.INVALID_REQUEST


class AgreementStatus(StrEnum):
    REFUSED = "refused"
    NEGOTIATING = "negotiating"
    SIGNED = "signed"
    SUSPENDED = "suspended"
    ENDED = "ended"


class Agreement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an operator and a service stand with each other for a while; see base.dated for its two times.

    `reason` is for staff alone, and is never empty for a refusal.
    """

    id: AgreementId
    operator: OperatorId
    service: ServiceId
    status: AgreementStatus
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None = None
    reason: str = ""
