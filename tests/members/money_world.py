"""A studio with a service, plans and homes at two operators' lines, with money: what tests of charging begin with.

All of it is real, but the price list and the agreement, which a test sets, and the clock, which it moves.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, PlanId, ServiceId
from matinee.base.money import Money
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Service
from matinee.members import ledger, plan_store, store, tax_store, voucher_store
from matinee.members.bills import Bills, Outcome
from matinee.members.charge_store import charges_of
from matinee.members.charges import Charge
from matinee.members.credit import PrepaidCredit
from matinee.members.model import Plan, SubscriptionState
from matinee.members.payments import PaymentPort, Place
from matinee.outside.database import Database, metadata
from matinee.parties import store as parties

PARIS = ZoneInfo("Europe/Paris")
PRICE = Money(799, "EUR")


def at(day: str, hour: int = 12) -> Instant:
    """A moment of a day in Paris."""
    moment = date.fromisoformat(day)
    return Instant(round(datetime(moment.year, moment.month, moment.day, hour, tzinfo=PARIS).timestamp() * 1000))


@dataclass
class Prices:
    """A price list whose prices hold from a day on: a real one, as small as it can be."""

    rows: list[tuple[PlanId, str, date, Money | None]] = field(default_factory=list)
    free: int = 0

    def price_of(self, plan: PlanId, country: str, day: date) -> Money | None:
        held = [row for row in self.rows if row[:2] == (plan, country) and row[2] <= day]
        return max(held, key=lambda row: row[2])[3] if held else None

    def free_days(self, plan: PlanId, sold_at: Instant) -> int:
        return self.free


@dataclass
class Agreement:
    """Who is billed: every home, in Paris, unless a test says otherwise."""

    place: Place | None = field(default_factory=lambda: Place(country="FR", zone="Europe/Paris"))

    def place_of(self, household: HouseholdId, service: ServiceId, at: Instant) -> Place | None:
        return self.place


class MoneyWorld:
    """One studio and its plan at 7.99 EUR a month in France, 20 % of tax in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = at("2026-11-01", 0)
        with database.write() as conn:
            self.studio = parties.ensure_publisher(conn, "Studio", "EUR", self.now)
            self.service: Service = catalogue.ensure_service(conn, self.studio.id, "Cinéma", self.now)
            self.plan: Plan = plan_store.ensure_plan(conn, self.service, "Everything", self.now, actor="test")[0]
            tax_store.record_rate(conn, self.studio.id, "FR", Decimal(20), date(2014, 1, 1), self.now, actor="test")
        self.prices = Prices([(self.plan.id, "FR", date(2014, 1, 1), PRICE)])
        self.agreement = Agreement()
        self.credit = PrepaidCredit(database, lambda: self.now, actor="test")

    def home(self, name: str) -> HouseholdId:
        with self.database.write() as conn:
            return store.ensure_household(conn, name, self.now).id

    def subscribe(self, home: HouseholdId, since: Instant, until: Instant | None = None) -> None:
        self.record(home, SubscriptionState.ACTIVE, since, until)

    def end(self, home: HouseholdId, since: Instant) -> None:
        self.record(home, SubscriptionState.ENDED, since)

    def record(self, home: HouseholdId, state: SubscriptionState, since: Instant, until: Instant | None = None) -> None:
        with self.database.write() as conn:
            plan_store.record_subscription(
                conn, home, self.plan, None, state, self.now, actor="test", valid_from=since, valid_to=until
            )

    def fill(self, home: HouseholdId, minor: int) -> str:
        """Put credit into a home by a voucher of that value: its code."""
        with self.database.write() as conn:
            value, ends = Money(minor, "EUR"), Instant(self.now + 1_000)
            _, (code,) = voucher_store.make(conn, self.service, value, 1, ends, self.now, actor="test")
        voucher_store.redeem(self.database, code, home, [self.service.id], self.now, actor="test")
        return code

    def bills(self, port: PaymentPort | None = None, grace_days: int = 7) -> Bills:
        chosen = self.credit if port is None else port
        return Bills(self.database, chosen, self.prices, self.agreement, grace_days=grace_days, actor="test")

    def run(self, day: str | None = None, hour: int = 12, grace_days: int = 7) -> Outcome:
        if day is not None:
            self.now = at(day, hour)
        outcome = self.bills(grace_days=grace_days).run(self.now)
        self.check()
        return outcome

    def charges(self, home: HouseholdId) -> Sequence[Charge]:
        with self.database.read() as conn:
            return charges_of(conn, home)

    def months(self, home: HouseholdId) -> list[str]:
        """The first days that were charged."""
        return [one.first.isoformat() for one in self.charges(home)]

    def balance(self, home: HouseholdId) -> int:
        with self.database.read() as conn:
            return ledger.balance(conn, self.studio.id, home, "EUR").minor

    def plays(self, home: HouseholdId, moment: Instant) -> bool:
        """Whether, by what is recorded, the home subscribes then."""
        from matinee.base.dated import in_force

        with self.database.read() as conn:
            held = in_force(plan_store.subscriptions_of(conn, [home]), moment)
        return held is not None and held.state is SubscriptionState.ACTIVE

    def check(self) -> None:
        """No money comes about or is lost."""
        with self.database.read() as conn:
            assert ledger.faults(conn) == []


@contextmanager
def money_world(folder: Path) -> Iterator[MoneyWorld]:
    """The same on SQLite alone: for rules that no database answers otherwise."""
    database = Database(f"sqlite:///{folder / 'money.db'}")
    try:
        metadata.create_all(database.engine)
        made = MoneyWorld(database)
        yield made
        made.check()
    finally:
        database.close()
