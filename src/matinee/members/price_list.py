"""The prices and trials that publishers told of their plans, as whoever charges asks them."""

from datetime import date

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import PlanId
from matinee.base.money import Money
from matinee.members import terms_store
from matinee.members.terms import NO_TERMS, price_on, trial_days


class PlanPrices:
    """Implements `payments.PriceList` by what is recorded when it is made: one run has one list."""

    def __init__(self, conn: Connection) -> None:
        self._terms = terms_store.terms_of(conn)

    def price_of(self, plan: PlanId, country: str, day: date) -> Money | None:
        """See `PriceList.price_of`."""
        return price_on(self._terms.get(plan, NO_TERMS).prices, country, day.isoformat())

    def free_days(self, plan: PlanId, sold_at: Instant) -> int:
        """See `PriceList.free_days`."""
        return trial_days(self._terms.get(plan, NO_TERMS).trials, sold_at)
