"""Since when a home has no line at an operator any more: what that operator sold to it is over then."""

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, OperatorId
from matinee.fleet.snapshot import Fleet
from matinee.members.plan_store import FIRST_MOMENT
from matinee.members.snapshot import Members


class HomesLines:
    """Implements `selling.Lines` over what is in memory. Safe from threads."""

    def __init__(self, members: Members, fleet: Fleet) -> None:
        self._members = members
        self._fleet = fleet

    def left(self, household: HouseholdId, operator: OperatorId, now: Instant) -> Instant | None:
        """See `selling.Lines`."""
        lines = [line for line in self._members.lines_ever(household) if self._fleet.operator_of_line(line) == operator]

        def has(at: Instant) -> bool:
            return any(self._members.household_at(line, at) == household for line in lines)

        if has(now):
            return None
        told = [one for line in lines for one in self._members.assignments(line)]
        edges = {edge for one in told for edge in (one.valid_from, one.valid_to) if edge is not None and edge <= now}
        since = Instant(FIRST_MOMENT)
        for edge in sorted(edges, reverse=True):
            if has(edge):
                return since
            since = edge
        return since
