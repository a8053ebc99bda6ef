"""How money is taken from a household: what every way to pay must promise. `credit.PrepaidCredit` is the one that is here.

A processor of cards is another implementation: docs/money.md says what it must do, and `tests/members/test_payments.py` holds
the promises as tests that any implementation can be put through.
"""

from datetime import date
from typing import Protocol

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId, PlanId, PublisherId, ServiceId
from matinee.base.money import Money
from matinee.members.model import MemberError

MAX_KEY = 200


class Declined(MemberError):
    """The household cannot pay this now: nothing was taken."""

    code = ErrorCode.CONFLICT


class KeyUsedOtherwise(MemberError):
    """The key names another payment already: nothing was done."""

    code = ErrorCode.CONFLICT


class Payment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of a household by a publisher. `key` is the payment's own name at that publisher; `amount` is above zero."""

    key: str
    publisher: PublisherId
    household: HouseholdId
    amount: Money


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a payment was made, or given back. `reference` is the payer's own name for it, `at` the moment of it."""

    key: str
    household: HouseholdId
    amount: Money
    at: Instant
    reference: str


class PaymentPort(Protocol):
    """Takes money, and gives it back.

    Every call may be made again with the same key, by any process, at any later time: it then does nothing and gives the receipt
    of the first. The same key with another household or amount raises KeyUsedOtherwise and does nothing.
    """

    @property
    def source(self) -> str:
        """In one word what a charge was paid by: "credit"."""
        ...

    def charge(self, payment: Payment) -> Receipt:
        """Take the whole amount or nothing. Raises Declined where the household cannot pay."""
        ...

    def refund(self, payment: Payment, of: str) -> Receipt:
        """Give back an amount of the payment whose key is `of`. Raises Declined for more than is left of it."""
        ...

    def found(self, publisher: PublisherId, key: str) -> Receipt | None:
        """What became of a key: the receipt, or None where nothing was taken and nothing will be unless it is asked again."""
        ...


class PriceList(Protocol):
    """What a month of a plan costs, tax included."""

    def price_of(self, plan: PlanId, country: str, day: date) -> Money | None:
        """The price that holds in a country on a day; None where the plan has none there, and so nothing is owed."""
        ...

    def free_days(self, plan: PlanId, sold_at: Instant) -> int:
        """For how many days what was sold at a moment costs nothing."""
        ...


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a household is billed: the country of its taxes, and the zone (IANA) of its days."""

    country: str
    zone: str


class Billed(Protocol):
    """Which homes owe a direct plan's price: those at lines where the agreement asks for a plan."""

    def place_of(self, household: HouseholdId, service: ServiceId, at: Instant) -> Place | None:
        """Where a household is billed for a service at a moment; None where it owes nothing for it."""
        ...
