"""Who asks. Every route names which kinds may; a kind that no route names can do nothing."""

from dataclasses import dataclass
from enum import StrEnum

from matinee.base.ids import BoxId, HouseholdId, LineId, OperatorId, PublisherId


class PartyKind(StrEnum):
    ANONYMOUS = "anonymous"
    BOX = "box"
    VIEWER = "viewer"
    STAFF = "staff"
    API_KEY = "api_key"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who asks, resolved once per request and handed on; never read again from headers further in.

    A box and a viewer's web or phone both carry the box-to-household resolution of the moment of the request.
    """

    kind: PartyKind
    publisher: PublisherId | None = None
    operator: OperatorId | None = None
    box: BoxId | None = None
    line: LineId | None = None
    household: HouseholdId | None = None
    roles: frozenset[str] = frozenset()


ANONYMOUS = Party(kind=PartyKind.ANONYMOUS)

Policy = frozenset[PartyKind]
"""Which kinds of party may use a route. A handler carries it as `opt={"policy": ...}`."""

ANYONE: Policy = frozenset(PartyKind)
SCREENS: Policy = frozenset({PartyKind.BOX, PartyKind.VIEWER})
PUBLISHERS: Policy = frozenset({PartyKind.API_KEY, PartyKind.STAFF})
