"""The household's PIN over HTTP: set, changed, taken away, and tried for an unlock."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Response, Router, delete, post, put
from litestar.params import JSONBody

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId
from matinee.base.party import SCREENS, Party
from matinee.catalogue.answers import AnyRequest
from matinee.members import pin_store, pins
from matinee.members.model import MemberError, PinWrong, ProfileNotFound
from matinee.members.snapshot import Members
from matinee.outside.database import Database

Digits = Annotated[str, msgspec.Meta(max_length=16)]


class PinSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pin: Digits


class PinTried(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the unlock is for: to open a profile or, with null, to change profiles and the PIN."""

    pin: Digits
    profile_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Unlocked(msgspec.Struct, frozen=True, kw_only=True):
    """`unlock` goes into the header Matinee-Unlock of what this screen asks, until it ends."""

    unlock: str
    expires_at: str


def routes(members: Members, database: Database, clock: Clock) -> Sequence[Router]:
    guard = members.guard

    def _home(party: Party) -> HouseholdId:
        if party.household is None:
            raise ProfileNotFound
        return party.household

    def _renew(household: HouseholdId) -> None:
        """After a change: this process reads it at once, and does not wait for its own event."""
        with database.read() as conn:
            guard.renew(conn, [household])

    @put("/pin", opt={"policy": SCREENS}, status_code=204, sync_to_thread=True)
    def set_pin(request: AnyRequest, data: JSONBody[PinSaid]) -> None:
        """Give the household a PIN, or another one, for which the one before is asked."""
        party, now = request.user, clock()
        household = _home(party)
        guard.check_change(party, now)
        if not guard.has_pin(household) and members.kids_here(party) is not None:
            raise MemberError(
                "A kids' profile is open on this screen.", remedy="Open another profile first.", code=ErrorCode.CONFLICT
            )
        with database.write() as conn:
            pin_store.set_pin(conn, guard.mark, household, data.pin, now, of_version=guard.version_of(household))
        _renew(household)

    @delete("/pin", opt={"policy": SCREENS}, status_code=204, sync_to_thread=True)
    def take_pin(request: AnyRequest) -> None:
        """Take the PIN away: nothing asks for one any more. Saying it again is fine."""
        party, now = request.user, clock()
        household = _home(party)
        guard.check_change(party, now)
        with database.write() as conn:
            pin_store.take_pin(conn, household, now)
        _renew(household)

    @post("/pin/unlock", opt={"policy": SCREENS}, status_code=200, sync_to_thread=True)
    def try_pin(request: AnyRequest, data: JSONBody[PinTried]) -> Response[Unlocked]:
        """Try the PIN. A right one unlocks for this screen alone; 403 `pin_wrong`, and 429 after a few of those."""
        party, now = request.user, clock()
        household = _home(party)
        scope = pins.HOUSEHOLD if data.profile_id is None else members.profile(household, data.profile_id).id
        with database.write() as conn:
            version = pin_store.try_pin(conn, guard.mark, household, party.screen, data.pin, now)
        if version is None:
            raise PinWrong
        until = Instant(now + (pins.CHANGES_MS if data.profile_id is None else pins.OPENS_MS))
        made = pins.unlock(guard.mark, household, version, party.screen, scope, until)
        return Response(Unlocked(unlock=made, expires_at=to_rfc3339(until)), headers={"Cache-Control": "private, no-store"})

    return [Router(path="/api/v1", route_handlers=[set_pin, take_pin, try_pin])]
