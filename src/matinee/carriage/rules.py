"""Which services an operator's homes may see: pure, for any moment, as it was known at any other."""

from collections.abc import Iterable

from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.base.ids import ServiceId
from matinee.carriage.model import Agreement, AgreementStatus


def visible_services(
    agreements: Iterable[Agreement], at: Instant, known_at: Instant | None = None
) -> frozenset[ServiceId]:
    """The services whose agreement, of these of one operator, was signed at a moment. No agreement is no service."""
    by_service: dict[ServiceId, list[Agreement]] = {}
    for agreement in agreements:
        by_service.setdefault(agreement.service, []).append(agreement)
    return frozenset(
        service
        for service, recorded in by_service.items()
        if (now := in_force(recorded, at, known_at)) is not None and now.status is AgreementStatus.SIGNED
    )
