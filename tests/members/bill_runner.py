"""A process that charges what is due and ends: what a test kills. `python -m tests.members.bill_runner URL NOW PLAN`."""

import sys
from datetime import date

from matinee.base.clock import Instant
from matinee.base.ids import PlanId
from matinee.members.bills import Bills
from matinee.members.credit import PrepaidCredit
from matinee.outside.database import Database
from tests.members.money_world import PRICE, Agreement, Prices


def main(url: str, now: Instant, plan: PlanId) -> None:
    database = Database(url)
    prices = Prices([(plan, "FR", date(2014, 1, 1), PRICE)])
    port = PrepaidCredit(database, lambda: now, actor="test")
    Bills(database, port, prices, Agreement(), grace_days=7, actor="test").run(now)


if __name__ == "__main__":
    main(sys.argv[1], Instant(int(sys.argv[2])), PlanId(sys.argv[3]))
