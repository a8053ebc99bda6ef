"""What OK does on what is there: agreements say who bills, subscriptions say who has a plan. `members/rules.py` decides.

It never asks whether a service is there: that is `snapshot.PartySight`, and the two answer apart.
"""

from zoneinfo import ZoneInfo

from matinee.base.clock import Instant
from matinee.base.ids import BoxId, HouseholdId, OperatorId, ServiceId
from matinee.base.party import Party
from matinee.carriage.model import Agreement, AgreementStatus, Billing
from matinee.carriage.snapshot import Carriage
from matinee.catalogue.model import Seller, StreamTerms
from matinee.fleet.snapshot import Fleet
from matinee.members.model import Billed, Entitlement
from matinee.members.rules import best_of, entitled, may_play, plans_held, waits_for_link
from matinee.members.snapshot import Members
from matinee.members.subscriptions import Subscriptions

_SELLERS = {Billing.NONE: None, Billing.DIRECT: Seller.US, Billing.OPERATOR: Seller.OPERATOR}
_BY = {billing: Billed(is_agreed=True, by=seller) for billing, seller in _SELLERS.items()}
_AGREED = frozenset({AgreementStatus.SIGNED, AgreementStatus.SUSPENDED})
"""A suspended one still says who bills: what renews meanwhile must be there when it is signed again."""
_NOT_AGREED = Billed(is_agreed=False)


def billed_by(agreement: Agreement | None) -> Billed:
    """What an agreement says of money; where none was signed or it has ended nothing is agreed, and so nobody may play."""
    return _BY[agreement.billing] if agreement is not None and agreement.status in _AGREED else _NOT_AGREED


class Entitlements:
    """Implements `catalogue.model.Plans` over what is in memory. Safe from threads."""

    def __init__(
        self,
        carriage: Carriage,
        fleet: Fleet,
        members: Members,
        subscriptions: Subscriptions,
        unbilled: StreamTerms | None = None,
    ) -> None:
        """`unbilled`: what a home may have where no plan is needed; None: without a limit."""
        self._unbilled = unbilled or StreamTerms()
        self._carriage = carriage
        self._fleet = fleet
        self._members = members
        self._subscriptions = subscriptions

    def seller_needed(self, party: Party, service: ServiceId, now: Instant) -> Seller | None:
        """See `catalogue.model.Plans`."""
        billed = billed_by(self._carriage.agreement_of(party.operator, service, now))
        if billed.is_agreed and billed.by is None:
            return None
        had = () if party.household is None else self._subscriptions.of(party.household, service)
        return None if may_play(billed, had, party.operator, now) else billed.by or Seller.US

    def waits_for_link(self, party: Party, service: ServiceId, now: Instant) -> bool:
        """See `catalogue.model.Plans`."""
        had = () if party.household is None else self._subscriptions.of(party.household, service)
        return waits_for_link(had, party.operator, now)

    def terms(self, party: Party, service: ServiceId, now: Instant) -> StreamTerms | None:
        """See `catalogue.model.Plans`."""
        billed = billed_by(self._carriage.agreement_of(party.operator, service, now))
        if billed.is_agreed and billed.by is None:
            return self._unbilled
        if not billed.is_agreed or party.household is None:
            return None
        held = plans_held(self._subscriptions.of(party.household, service), party.operator, now)
        return best_of(plan for one in held if (plan := self._subscriptions.plan(one)) is not None) if held else None

    def of_household(
        self, household: HouseholdId, service: ServiceId, at: Instant, known_at: Instant | None = None
    ) -> Entitlement:
        """Decide for a household at any moment, as it was known at any other, at the line that it had then."""
        line = self._members.line_of(household, at, known_at)
        return self._decide(household, self._fleet.operator_of_line(line), service, at, known_at)

    def of_box(
        self,
        box: BoxId,
        service: ServiceId,
        at: Instant,
        known_at: Instant | None = None,
        *,
        sold_by: OperatorId | None = None,
    ) -> Entitlement | None:
        """The same for the household whose line the box stood at; None where that was nobody's.

        With `sold_by` by what this operator sold alone.
        """
        line = self._fleet.line_of(box, at, known_at)
        household = self._members.household_at(line, at, known_at)
        if household is None:
            return None
        return self._decide(household, self._fleet.operator_of_line(line), service, at, known_at, sold_by)

    def _decide(
        self,
        household: HouseholdId,
        operator: OperatorId | None,
        service: ServiceId,
        at: Instant,
        known_at: Instant | None,
        sold_by: OperatorId | None = None,
    ) -> Entitlement:
        billed = billed_by(self._carriage.agreement_of(operator, service, at, known_at))
        had = self._subscriptions.of(household, service)
        found = self._fleet.operator(operator)
        zone = None if found is None else ZoneInfo(found.timezone)
        return entitled(service, household, operator, billed, had, at, known_at, zone, sold_by)
