"""Where the household's PIN is asked, decided from memory for each request: who has one, and which screens show a kids' profile.

A screen's word for which profile it shows is no proof, so the server keeps where a kids' profile was opened, and from there opens
no other without the PIN. What a right PIN gives is signed and travels with the screen's requests: each of several processes knows
it at once, also while the database is away.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, ProfileId
from matinee.base.party import Party
from matinee.members import pin_store, pins
from matinee.members.model import PinNeeded, Profile
from matinee.members.pins import Marking

ADULT: Final = 18


class Guard:
    """Readers take no lock: what is held is swapped or replaced key by key."""

    def __init__(self, mark: Marking) -> None:
        self.mark = mark
        self._versions: dict[HouseholdId, str] = {}
        self._screens: dict[str, tuple[HouseholdId, ProfileId]] = {}

    def load(self, conn: Connection) -> None:
        self._versions = pin_store.versions_of(conn)
        rows = pin_store.kids_screens_of(conn)
        self._screens = {row.screen: (HouseholdId(row.household_id), ProfileId(row.profile_id)) for row in rows}

    def renew(self, conn: Connection, households: Collection[HouseholdId]) -> None:
        """Read again what concerns these households."""
        versions = pin_store.versions_of(conn, households)
        screens = {
            row.screen: (HouseholdId(row.household_id), ProfileId(row.profile_id))
            for row in pin_store.kids_screens_of(conn, households)
        }
        gone = [one for one, (whose, _) in list(self._screens.items()) if whose in households and one not in screens]
        for household in households:
            if household in versions:
                self._versions[household] = versions[household]
            else:
                self._versions.pop(household, None)
        self._screens.update(screens)
        for one in gone:
            self._screens.pop(one, None)

    def has_pin(self, household: HouseholdId | None) -> bool:
        return household in self._versions

    def version_of(self, household: HouseholdId) -> str | None:
        return self._versions.get(household)

    def kept_on(self, party: Party) -> ProfileId | None:
        """The kids' profile that was opened on this screen of its household, None where none was."""
        household, profile = self._screens.get(party.screen, (None, None))
        return profile if household == party.household else None

    def asks_pin(self, party: Party, profile: Profile, here: Profile | None) -> bool:
        """Whether to open a profile takes the PIN, `here` being the kids' profile that is open on this screen.

        From one kids' profile to another that sees no more than it does none is asked.
        """
        if not self.has_pin(party.household):
            return False
        return profile.age_class >= ADULT or self.is_kept_from(party, profile, here)

    def is_kept_from(self, party: Party, profile: Profile, here: Profile | None) -> bool:
        """Whether the PIN stands between the kids' profile that is open on this screen and another profile."""
        if not self.has_pin(party.household) or here is None or not here.kids or here.id == profile.id:
            return False
        return not (profile.kids and profile.age_class <= here.age_class)

    def check_open(self, party: Party, profile: Profile, here: Profile | None, now: Instant) -> None:
        """Raises PinNeeded where this screen may not see with this profile's eyes."""
        if self.asks_pin(party, profile, here) and not self._unlocked(party, profile.id, now):
            raise PinNeeded

    def check_change(self, party: Party, now: Instant) -> None:
        """Raises PinNeeded where this screen may not change who lives here, or the PIN."""
        if self.has_pin(party.household) and not self._unlocked(party, pins.HOUSEHOLD, now):
            raise PinNeeded

    def may_change(self, party: Party, now: Instant) -> bool:
        return not self.has_pin(party.household) or self._unlocked(party, pins.HOUSEHOLD, now)

    def _unlocked(self, party: Party, scope: str, now: Instant) -> bool:
        household = party.household
        version = self._versions.get(household) if household is not None else None
        if household is None or version is None or not party.unlock:
            return False
        return pins.opens(self.mark, household, version, party.screen, scope, party.unlock, now)
