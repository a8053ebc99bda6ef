"""Households and the people in them, as far as a screen needs to know them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import HouseholdId, LineId, OperatorId, PlanId, ProfileId, PublisherId, ServiceId, SubscriptionId
from matinee.base.party import Party
from matinee.base.units import Pixels
from matinee.catalogue.model import AgeClass, Language, Seller, Service


class MemberError(MatineeError):
    """A household or a profile is not as it must be."""

    code = ErrorCode.INVALID_REQUEST


class NotForKids(MemberError):
    """A kids' profile is open on this screen."""

    code = ErrorCode.NOT_ALLOWED

    def __init__(self) -> None:
        super().__init__("A kids' profile is open on this screen.", remedy="Open another profile first.")

    def __reduce__(self) -> tuple[object, ...]:
        return NotForKids, ()


class ProfileNotFound(MemberError):
    """No such profile, or another household's: the two read alike."""

    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("There is no such profile.", remedy="Ask for the household's profiles again.")

    def __reduce__(self) -> tuple[object, ...]:
        return ProfileNotFound, ()


class PinNeeded(MemberError):
    """The household's PIN is asked before this."""

    code = ErrorCode.PIN_NEEDED

    def __init__(self) -> None:
        super().__init__("This asks for the household's PIN.", remedy="Enter the PIN.")

    def __reduce__(self) -> tuple[object, ...]:
        return PinNeeded, ()


class PinWrong(MemberError):
    """Not the household's PIN."""

    code = ErrorCode.PIN_WRONG

    def __init__(self) -> None:
        super().__init__("This is not the household's PIN.", remedy="Enter the four digits again.")

    def __reduce__(self) -> tuple[object, ...]:
        return PinWrong, ()


class Household(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: HouseholdId
    reference: str


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One viewer of a household. `color` is "#rrggbb"; `subtitle_language` None is no subtitles wanted.

    `avatar` names a drawing of the screens, "" for the name's first letter. `kids`: it has a home of its own, and the household's
    PIN is asked to leave it.
    """

    id: ProfileId
    household: HouseholdId
    name: str
    color: str
    age_class: AgeClass
    language: Language
    audio_language: Language
    subtitle_language: Language | None = None
    avatar: str = ""
    kids: bool = False
    place: int = 0


class HouseholdAssignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a line is a household's (None: nobody's) for a while; see base.dated for its two times."""

    line: LineId
    household: HouseholdId | None
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None = None


DEFAULT_STREAMS = 2
"""How many films a plan lets a home see at once where nobody said another number: what the plans had that were made before."""
MAX_STREAMS = 100
MIN_MAX_HEIGHT, MAX_MAX_HEIGHT = Pixels(144), Pixels(4320)


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a household subscribes to: a service's titles, under a name that no other plan of the service has.

    `streams`: how many of them play at once in one household. `max_height`: lines of the tallest picture, None: no limit.
    """

    id: PlanId
    publisher: PublisherId
    service: ServiceId
    name: str
    streams: int = DEFAULT_STREAMS
    max_height: Pixels | None = None


class SubscriptionState(StrEnum):
    """How a household stands with a plan. The first two may be recorded by hand; the others come of an operator's events.

    `ended` is a record of its own, from the moment on at which nothing is owed and nothing plays. `pending`: sold, and not begun:
    a link is to be opened, or what another sold ends first. `ending`: cancelled, and paid up to an end. `suspended`: held back
    for a while. `grace`: a bill is late, and it plays. `cancelled` and `revoked`: over, at the end of what was paid, or at once.
    """

    ACTIVE = "active"
    ENDED = "ended"
    PENDING = "pending"
    ENDING = "ending"
    SUSPENDED = "suspended"
    GRACE = "grace"
    CANCELLED = "cancelled"
    REVOKED = "revoked"


BY_HAND: Final = frozenset({SubscriptionState.ACTIVE, SubscriptionState.ENDED})
PLAYS: Final = frozenset({SubscriptionState.ACTIVE, SubscriptionState.ENDING, SubscriptionState.GRACE})
PAYING: Final = PLAYS | {SubscriptionState.SUSPENDED}
"""Somebody bills the home for it: of two sellers one alone may, at any moment."""
LIVE: Final = PAYING | {SubscriptionState.PENDING}


class Subscription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a household stands with a plan for a while; see base.dated for its two times.

    `operator` is the one that sold it and bills it, None where the service's publisher did (us). What an operator sold holds
    at that operator's lines alone. `reference` is the seller's own name for this record: to say it again changes nothing.
    """

    id: SubscriptionId
    household: HouseholdId
    plan: PlanId
    service: ServiceId
    operator: OperatorId | None
    state: SubscriptionState
    valid_from: Instant
    recorded_at: Instant
    reference: str
    valid_to: Instant | None = None

    @property
    def seller(self) -> Seller:
        return Seller.US if self.operator is None else Seller.OPERATOR


class Billed(msgspec.Struct, frozen=True, kw_only=True):
    """What the agreement that is in force says of money. `by` None: it bills nobody. `is_agreed` False: there is none."""

    is_agreed: bool
    by: Seller | None = None


class EntitlementClauseName(StrEnum):
    """What is asked of a household, in this order. Part of the API: a name never changes its meaning."""

    BILLING = "billing"
    SUBSCRIPTION = "subscription"
    PERIOD = "period"


class EntitlementClause(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was asked, whether it holds, and why: for staff, in English."""

    name: EntitlementClauseName
    holds: bool
    says: str


class Entitlement(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a household may play a service that is there for it, at a moment, as it was known at another.

    `seller`: who sells the plan where one is needed, None where none is.
    """

    service: ServiceId
    household: HouseholdId
    operator: OperatorId | None
    at: Instant
    known_at: Instant | None
    seller: Seller | None
    clauses: tuple[EntitlementClause, ...]

    @property
    def may_play(self) -> bool:
        return all(clause.holds for clause in self.clauses)


class CarriedServices(Protocol):
    """Which services a party may see now: carriage answers it."""

    def services_of(self, party: Party, now: Instant) -> Sequence[Service]:
        """By name."""
        ...
