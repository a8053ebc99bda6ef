"""What a household may ask of what is held of it: all of it as one file, and to be erased."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.params import JSONBody

from matinee.app import privacy
from matinee.app.forgetting import erase_everywhere
from matinee.base.clock import Clock
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId
from matinee.base.party import SCREENS, Party
from matinee.catalogue.answers import AnyRequest
from matinee.members.model import MemberError, ProfileNotFound
from matinee.members.snapshot import Members
from matinee.outside.database import Database


class EraseAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The word, so that nobody erases a home by sending an empty body."""

    confirm: Literal["erase everything"]


def routes(members: Members, database: Database, clock: Clock) -> Sequence[Router]:
    guard = members.guard

    def _asked(party: Party) -> HouseholdId:
        """The household, where this screen may speak for it."""
        if party.household is None:
            raise ProfileNotFound
        guard.check_change(party, clock())
        return party.household

    @get("/export", opt={"policy": SCREENS}, sync_to_thread=True)
    def get_export(request: AnyRequest) -> Response[dict[str, Any]]:
        """All that is held of the household, as one file. Asks for the PIN."""
        household = _asked(request.user)
        with database.read() as conn:
            told = privacy.export(conn, household, clock())
        return Response(
            told,
            headers={
                "Cache-Control": "private, no-store",
                "Content-Disposition": 'attachment; filename="household.json"',
            },
        )

    @post("/erase", opt={"policy": SCREENS}, status_code=204, sync_to_thread=True)
    def erase_household(request: AnyRequest, data: JSONBody[EraseAsked]) -> None:
        """Erase the household: people, viewing, tokens. Its box starts anew. Needs a PIN, so that no guest does it."""
        household = _asked(request.user)
        if not guard.has_pin(household):
            raise MemberError("The household has no PIN.", remedy="Set one first.", code=ErrorCode.CONFLICT)
        erase_everywhere(database, household, clock(), actor=f"household {household}")
        with database.read() as conn:
            members.load(conn)

    return [Router(path="/api/v1/privacy", route_handlers=[get_export, erase_household])]
