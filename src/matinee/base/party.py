"""Who asks. Every route names which kinds or roles may; one that no route names can do nothing."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from matinee.base.ids import BoxId, HouseholdId, LineId, OperatorId, PublisherId, StaffId


class PartyKind(StrEnum):
    ANONYMOUS = "anonymous"
    BOX = "box"
    VIEWER = "viewer"
    STAFF = "staff"
    API_KEY = "api_key"
    SERVICE = "service"


class Role(StrEnum):
    """What staff and API keys are here for. A key or an account has one of the first three."""

    PUBLISHER = "publisher"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    """Reads one side, or all, and changes nothing."""
    APPROVER = "approver"
    """A person of a publisher or an operator, signed in: what takes two people is never said by a key."""


SideKey = NewType("SideKey", str)
"""One side by its name: "publisher:ID" or "operator:ID"."""


def publisher_side(publisher: PublisherId) -> SideKey:
    return SideKey(f"publisher:{publisher}")


def operator_side(operator: OperatorId) -> SideKey:
    return SideKey(f"operator:{operator}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Whose part of the records somebody reads: one publisher's, one operator's, all of them, or with nothing set none."""

    publisher: PublisherId | None = None
    operator: OperatorId | None = None
    is_all: bool = False

    def has_operator(self, operator: OperatorId | None) -> bool:
        return self.is_all or (operator is not None and operator == self.operator)

    def has_publisher(self, publisher: PublisherId | None) -> bool:
        return self.is_all or (publisher is not None and publisher == self.publisher)

    @property
    def key(self) -> SideKey | None:
        """None where it is none, or all."""
        if self.is_all:
            return None
        if self.publisher is not None:
            return publisher_side(self.publisher)
        return None if self.operator is None else operator_side(self.operator)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who asks, resolved once per request and handed on; never read again from headers further in.

    A box and a viewer's web or phone both carry the box-to-household resolution of the moment of the request. `staff` and
    `name` are of a signed-in account. `session` is its token's digest, or a viewer's token's; of a viewer that signed in by an
    account it is the screen's session. `reads_all` is of an auditor of the whole installation. `unlock` is what a screen sent
    along after the right PIN: unchecked, see members/guard.py.
    """

    kind: PartyKind
    publisher: PublisherId | None = None
    operator: OperatorId | None = None
    box: BoxId | None = None
    line: LineId | None = None
    household: HouseholdId | None = None
    roles: frozenset[Role] = frozenset()
    staff: StaffId | None = None
    name: str = ""
    session: str = ""
    reads_all: bool = False
    unlock: str = ""

    @property
    def screen(self) -> str:
        """A screen by a name of its own, the same in each of its requests: what an unlock is bound to."""
        return f"viewer:{self.session}" if self.box is None else f"box:{self.box}"

    @property
    def side(self) -> Side:
        """Whose records it may read. Staff and keys alone have a side: a screen's operator is where it stands, no more."""
        if self.kind not in (PartyKind.STAFF, PartyKind.API_KEY):
            return Side()
        return Side(publisher=self.publisher, operator=self.operator, is_all=self.reads_all)


ANONYMOUS = Party(kind=PartyKind.ANONYMOUS)

Policy = frozenset[PartyKind | Role]
"""Which parties may use a route: those of a kind or of a role that it names. A handler carries it as `opt={"policy": ...}`.

Staff and keys are named by their roles, so that one of an operator is not let in where a publisher's is meant.
"""

ANYONE: Policy = frozenset(PartyKind)
SCREENS: Policy = frozenset({PartyKind.BOX, PartyKind.VIEWER})
PUBLISHERS: Policy = frozenset({Role.PUBLISHER})
SIDES: Policy = frozenset({Role.PUBLISHER, Role.OPERATOR, Role.AUDITOR})
"""Each sees its own side: the handler asks `party.side`."""
OWNERS: Policy = frozenset({Role.PUBLISHER, Role.OPERATOR})
"""Whose own side it is, without those who read it alone."""
OPERATORS: Policy = frozenset({Role.OPERATOR})
"""An operator itself, as the one who sells on its bill."""
FLEET_OWNERS: Policy = frozenset({Role.OPERATOR, Role.AUDITOR})
STAFF: Policy = frozenset({PartyKind.STAFF})
APPROVERS: Policy = frozenset({Role.APPROVER})


def may_use(party: Party, policy: Policy) -> bool:
    """Whether a policy names the party by its kind or by a role of it."""
    return party.kind in policy or not policy.isdisjoint(party.roles)
