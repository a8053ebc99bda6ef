"""Households and the people in them, as far as a screen needs to know them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import HouseholdId, LineId, ProfileId
from matinee.base.party import Party
from matinee.catalogue.model import AgeClass, Language, Service


class MemberError(MatineeError):
    """A household or a profile is not as it must be."""

    code = ErrorCode.INVALID_REQUEST


class ProfileNotFound(MemberError):
    """No such profile, or another household's: the two read alike."""

    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("There is no such profile.", remedy="Ask for the household's profiles again.")

    def __reduce__(self) -> tuple[object, ...]:
        return ProfileNotFound, ()


class Household(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: HouseholdId
    reference: str


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One viewer of a household. `color` is "#rrggbb"; `subtitle_language` None is no subtitles wanted."""

    id: ProfileId
    household: HouseholdId
    name: str
    color: str
    age_class: AgeClass
    language: Language
    audio_language: Language
    subtitle_language: Language | None = None
    place: int = 0


class HouseholdAssignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a line is a household's (None: nobody's) for a while; see base.dated for its two times."""

    line: LineId
    household: HouseholdId | None
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None = None


class CarriedServices(Protocol):
    """Which services a party may see now: carriage answers it."""

    def services_of(self, party: Party, now: Instant) -> Sequence[Service]:
        """By name."""
        ...
