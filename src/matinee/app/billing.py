"""Charging direct plans, put together: what the worker does beside its other work, and `matinee bills run` at once."""

from matinee.app.installation import Installation, read_clock
from matinee.carriage.billed_homes import BilledHomes
from matinee.carriage.snapshot import Carriage
from matinee.fleet.snapshot import Fleet
from matinee.members.bills import Bills, Outcome
from matinee.members.credit import PrepaidCredit
from matinee.members.price_list import PlanPrices
from matinee.members.snapshot import Members

BILLS_SECONDS = 300.0
"""How often it is looked whether a month has begun."""

ACTOR = "bills"


def run_bills(installation: Installation, actor: str = ACTOR) -> Outcome:
    """Charge all that is due by now, with prices, lines and agreements as they are recorded now."""
    database = installation.database
    fleet, members = Fleet(), Members()
    carriage = Carriage(fleet)
    with database.read() as conn:
        for one in (fleet, members, carriage):
            one.load(conn)
        prices = PlanPrices(conn)
    bills = Bills(
        database,
        PrepaidCredit(database, read_clock, actor=actor),
        prices,
        BilledHomes(carriage, fleet, members),
        grace_days=installation.settings.grace_days,
        actor=actor,
    )
    return bills.run(read_clock())
