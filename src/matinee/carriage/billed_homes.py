"""Which homes owe a direct plan's price, and whose days and taxes are theirs: agreements and lines say it, and money asks it."""

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, ServiceId
from matinee.carriage.entitlements import billed_by
from matinee.carriage.snapshot import Carriage
from matinee.fleet.snapshot import Fleet
from matinee.members.payments import Place
from matinee.members.snapshot import Members


class BilledHomes:
    """Implements `members.payments.Billed` over what is in memory."""

    def __init__(self, carriage: Carriage, fleet: Fleet, members: Members) -> None:
        self._carriage = carriage
        self._fleet = fleet
        self._members = members

    def place_of(self, household: HouseholdId, service: ServiceId, at: Instant) -> Place | None:
        """See `Billed.place_of`: a home at no line, or where the agreement asks for no plan, owes nothing."""
        operator = self._fleet.operator(self._fleet.operator_of_line(self._members.line_of(household, at)))
        if operator is None or billed_by(self._carriage.agreement_of(operator.id, service, at)).by is None:
            return None
        return Place(country=operator.country, zone=operator.timezone)
