"""Plans and subscriptions in memory, so that a play asks no database whether its home has one."""

from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Connection

from matinee.base.ids import HouseholdId, OperatorId, PlanId, ServiceId
from matinee.members import plan_store, terms_store
from matinee.members.model import Plan, Subscription
from matinee.members.terms import NO_TERMS, Terms
from matinee.parties.outbox import Event

_OF_PLANS = frozenset({plan_store.PLAN_MADE, plan_store.PLAN_CHANGED, plan_store.TERMS_SET})


class Subscriptions:
    """Follows the topic "subscriptions". Readers take no lock: a household's rows are swapped whole."""

    topics = frozenset({plan_store.TOPIC})

    def __init__(self) -> None:
        self._plans: Sequence[Plan] = ()
        self._terms: Mapping[PlanId, Terms] = {}
        self._plan: dict[PlanId, Plan] = {}
        self._of: dict[HouseholdId, tuple[Subscription, ...]] = {}

    def load(self, conn: Connection) -> None:
        self._read_plans(conn)
        self._of = _by_household(plan_store.subscriptions_of(conn))

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        if any(event.payload["kind"] in _OF_PLANS for event in events):
            self._read_plans(conn)
        told = (event.key for event in events if event.payload["kind"] == plan_store.SUBSCRIPTION_RECORDED)
        households = {HouseholdId(key) for key in told}
        if households:
            self._of.update(_by_household(plan_store.subscriptions_of(conn, households)))

    def of(self, household: HouseholdId, service: ServiceId) -> Sequence[Subscription]:
        """All that was ever recorded of the two, in the order of recording."""
        return [one for one in self._of.get(household, ()) if one.service == service]

    def homes_of(self, operator: OperatorId, service: ServiceId) -> Sequence[HouseholdId]:
        """The homes to which an operator ever sold a service. Looks through all of them."""
        rows = list(self._of.items())
        return [home for home, row in rows if any((one.operator, one.service) == (operator, service) for one in row)]

    def plans(self) -> Sequence[Plan]:
        """Every plan, by service and name."""
        return self._plans

    def terms(self, plan: PlanId) -> Terms:
        """What was recorded of its prices and trials."""
        return self._terms.get(plan, NO_TERMS)

    def plan(self, plan: PlanId) -> Plan | None:
        return self._plan.get(plan)

    def _read_plans(self, conn: Connection) -> None:
        self._plans = plan_store.all_plans(conn)
        self._terms = terms_store.terms_of(conn)
        self._plan = {plan.id: plan for plan in self._plans}


def _by_household(recorded: Sequence[Subscription]) -> dict[HouseholdId, tuple[Subscription, ...]]:
    rows: dict[HouseholdId, list[Subscription]] = {}
    for one in recorded:
        rows.setdefault(one.household, []).append(one)
    return {household: tuple(row) for household, row in rows.items()}
