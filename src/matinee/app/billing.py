"""Charging direct plans, put together: what the worker does beside its other work, and `matinee bills run` at once."""

from functools import cached_property

from sqlalchemy.engine import Connection

from matinee.app.installation import Installation, read_clock
from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, ServiceId
from matinee.carriage.billed_homes import BilledHomes
from matinee.carriage.snapshot import Carriage
from matinee.fleet import store as fleet_store
from matinee.fleet.snapshot import Fleet
from matinee.members.bills import Bills, Outcome
from matinee.members.credit import PrepaidCredit
from matinee.members.payments import Place
from matinee.members.price_list import PlanPrices
from matinee.members.snapshot import Members
from matinee.outside.database import Database

BILLS_SECONDS = 300.0
"""How often it is looked whether a month has begun."""

ACTOR = "bills"


class BilledWhenAsked:
    """Implements `members.payments.Billed`. Whose line is whose is read when somebody is first asked about: on most runs nobody
    is, since all have paid."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def place_of(self, household: HouseholdId, service: ServiceId, at: Instant) -> Place | None:
        """See `Billed.place_of`."""
        return self._homes.place_of(household, service, at)

    @cached_property
    def _homes(self) -> BilledHomes:
        with self._database.read() as conn:
            fleet, members, carriage = lines_and_agreements(conn)
        return BilledHomes(carriage, fleet, members)


def lines_and_agreements(conn: Connection) -> tuple[Fleet, Members, Carriage]:
    """What says who is billed where: operators with their lines, homes and agreements. Of boxes, of which there may be millions,
    none.
    """
    fleet, members = Fleet(), Members()
    carriage = Carriage(fleet)
    fleet.put(
        operators=fleet_store.all_operators(conn),
        models=(),
        lines=fleet_store.lines_of(conn),
        boxes=(),
        assignments=(),
        interfaces=(),
    )
    members.load(conn)
    carriage.load(conn)
    return fleet, members, carriage


def run_bills(installation: Installation, actor: str = ACTOR) -> Outcome:
    """Charge all that is due by now, with prices, lines and agreements as they are recorded now."""
    database = installation.database
    with database.read() as conn:
        prices = PlanPrices(conn)
    bills = Bills(
        database,
        PrepaidCredit(database, read_clock, actor=actor),
        prices,
        BilledWhenAsked(database),
        grace_days=installation.settings.grace_days,
        actor=actor,
    )
    return bills.run(read_clock())
