"""Where an operator's agreement with a service has ended, what it sold of the service ends at the same moment.

Nothing of it plays from then on anyway, since nothing says who bills. It is recorded as ended all the same, so that it does not
come to life again when the two agree anew, and so that both sides are told.
"""

from collections.abc import Sequence
from typing import Final

from matinee.base.clock import Clock, Instant
from matinee.base.dated import in_force
from matinee.base.ids import HouseholdId, OperatorId, ServiceId
from matinee.carriage.entitlements import billed_by
from matinee.carriage.model import Agreement
from matinee.carriage.snapshot import Carriage
from matinee.members.selling import Lines, Selling
from matinee.members.subscriptions import Subscriptions
from matinee.outside.database import Database

CLOSING_SECONDS: Final = 30.0
AT_ONCE: Final = 200
"""So many homes in one transaction: others write in between."""
ACTOR: Final = "the agreement's end"


def ended_since(agreements: Sequence[Agreement], now: Instant) -> Instant | None:
    """Since when nothing is agreed any more; None while something is, or where nothing ever was."""
    if billed_by(in_force(agreements, now)).is_agreed:
        return None
    edges = {edge for one in agreements for edge in (one.valid_from, one.valid_to) if edge is not None and edge <= now}
    since = None
    for edge in sorted(edges, reverse=True):
        if billed_by(in_force(agreements, edge)).is_agreed:
            return since
        since = edge
    return None


class Closing:
    """Remembers what it has closed, so that an ended agreement costs one look for each process."""

    def __init__(self, carriage: Carriage, subscriptions: Subscriptions, lines: Lines, database: Database, clock: Clock) -> None:
        self._carriage = carriage
        self._subscriptions = subscriptions
        self._lines = lines
        self._database = database
        self._clock = clock
        self._closed: set[tuple[OperatorId, ServiceId, Instant]] = set()

    def step(self) -> None:
        """Close what was sold under agreements that have ended since the last step."""
        now = self._clock()
        for operator, service, agreements, _ in self._carriage.records():
            since = ended_since(agreements, now)
            if since is not None and (operator, service, since) not in self._closed:
                self._close(operator, service, since, now)
                self._closed.add((operator, service, since))

    def _close(self, operator: OperatorId, service: ServiceId, since: Instant, now: Instant) -> None:
        homes: Sequence[HouseholdId] = self._subscriptions.homes_of(operator, service)
        for first in range(0, len(homes), AT_ONCE):
            with self._database.write() as conn:
                selling = Selling(conn, self._lines, now, ACTOR)
                for home in homes[first : first + AT_ONCE]:
                    selling.close(operator, home, service, since)
