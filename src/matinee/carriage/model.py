"""How an operator and a service stand, how far the service is switched on there, and what follows of it for one box.

A refusal is a state of its own, with its reason. When a box may have a service and what the public is told of it are two
facts: a launch may be live for months before it is announced, or announced for years without a date.
"""

from enum import StrEnum

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import AgreementId, BoxId, BoxModelId, LaunchId, OperatorId, ServiceId
from matinee.fleet.buckets import ALL_BOXES
from matinee.fleet.model import BoxIdentity, Interface


class CarriageError(MatineeError):
    """An agreement or a launch is not as it must be."""

    code = ErrorCode.INVALID_REQUEST


class AgreementStatus(StrEnum):
    REFUSED = "refused"
    NEGOTIATING = "negotiating"
    SIGNED = "signed"
    SUSPENDED = "suspended"
    ENDED = "ended"


class Billing(StrEnum):
    """Who bills the viewer: nobody, the service itself, or the operator on its own bill."""

    NONE = "none"
    DIRECT = "direct"
    OPERATOR = "operator"


class Agreement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an operator and a service stand with each other for a while; see base.dated for its two times.

    `reason` is for staff alone, and is never empty for a refusal. `territories` are ISO 3166 countries; none is every one.
    `prominence`, 0 to 100, is the weight that the operator gives the service where a row lets weights act (home/rules.py).
    """

    id: AgreementId
    operator: OperatorId
    service: ServiceId
    status: AgreementStatus
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None = None
    reason: str = ""
    territories: tuple[str, ...] = ()
    billing: Billing = Billing.NONE
    prominence: int = 0


class LaunchState(StrEnum):
    """`paused` takes no new plays, `killed` ends those that run too; both hide the service. `silent` is live and untold."""

    PLANNED = "planned"
    SILENT = "silent"
    ANNOUNCED = "announced"
    OPEN = "open"
    PAUSED = "paused"
    KILLED = "killed"
    ENDED = "ended"


LIVE = frozenset({LaunchState.SILENT, LaunchState.ANNOUNCED, LaunchState.OPEN})
"""States in which a box that meets all else has the service, once the technical date has come."""

TOLD = frozenset({LaunchState.ANNOUNCED, LaunchState.OPEN})
"""States of which a viewer may hear, once an embargo is over."""


class Discoverability(StrEnum):
    """How a box that has the service finds it: each finds by what comes before it too."""

    HIDDEN = "hidden"
    DIRECT = "direct"
    SEARCH = "search"
    ROW = "row"

    def reaches(self, least: "Discoverability") -> bool:
        return _REACH.index(self) >= _REACH.index(least)


_REACH = tuple(Discoverability)

MAX_PROMINENCE = 100


MAX_NAMES = 10_000
"""Boxes that one launch may name and exclude together."""


class Blackout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in which the service is away whatever else holds."""

    start: Instant
    end: Instant
    reason: str = ""


class Launch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a service is switched on at an operator, for a while; see base.dated for its two times.

    `technical_at`: since when boxes may have it; None is no date yet. `announced_for`: what the public is told, "2014-11" for
    a month, "2014-11-20" for a day, "" for no date. `models`: the box models that may have it; none is every one. `interface`:
    the least one that a box must have been confirmed to run. `rule`: CEL that must hold of the box (expressions.py); "" is none.
    `share`: of 10,000 boxes, drawn by `salt`. `named` boxes have it ahead of rule and share, `excluded` ones never: each by its
    id or by "OUI-class-serial", which may be several boxes. `elsewhere`: once it is open and may be told, the other screens of a
    home whose box's model cannot have it may.
    """

    id: LaunchId
    operator: OperatorId
    service: ServiceId
    state: LaunchState
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None = None
    technical_at: Instant | None = None
    announced_for: str = ""
    embargo_until: Instant | None = None
    discoverability: Discoverability = Discoverability.ROW
    models: tuple[BoxModelId, ...] = ()
    interface: Interface | None = None
    named: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    rule: str = ""
    share: int = ALL_BOXES
    salt: str = ""
    blackouts: tuple[Blackout, ...] = ()
    elsewhere: bool = False
    reason: str = ""


class Switch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a service was switched off or on again by hand, at one operator or, with None, at every one; see base.dated.

    It overrules every launch, at once, and needs no database: what is in force stands in the edges' control file. With
    `ends_plays` films that run are stopped too.
    """

    service: ServiceId
    operator: OperatorId | None
    is_off: bool
    ends_plays: bool
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None = None


class BoxView(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision looks at of a box, at the moment that it decides for. A screen without a box has none of it."""

    box: BoxId | None = None
    model: BoxModelId | None = None
    model_name: str = ""
    serial: str = ""
    identity: BoxIdentity = BoxIdentity.UNVERIFIED
    interface: Interface | None = None


class ClauseName(StrEnum):
    """What is asked of a box, in this order. Part of the API: a name never changes its meaning."""

    AGREEMENT = "agreement"
    TERRITORY = "territory"
    LAUNCH = "launch"
    SWITCH = "switch"
    TECHNICAL_DATE = "technical_date"
    BLACKOUT = "blackout"
    IDENTITY = "identity"
    MODEL = "model"
    INTERFACE = "interface"
    NAMED = "named"
    RULE = "rule"
    SHARE = "share"


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was asked, whether it holds, and why: for staff, in English."""

    name: ClauseName
    holds: bool
    says: str


class Shows(StrEnum):
    """What a viewer is shown of the service. `nothing` is nothing at all, as if there were no such service."""

    NOTHING = "nothing"
    PLAYABLE = "playable"
    COMING = "coming"
    UPDATE_NEEDED = "update_needed"
    NOT_ON_THIS_BOX = "not_on_this_box"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a box has a service at a moment, as it was known at another, with every clause's own answer.

    `announced_for` is told to viewers with `coming` alone. `known_at` None: as it is known now. `plays_on`: a film that runs
    may go on, which is so where the service is there, and where nothing but a pause or a switch for new plays is in the way.
    `elsewhere`: how the home's other screens find it where the box's model keeps it from this one, `hidden` where they do not
    have it either; `elsewhere_plays_on`: what `plays_on` is for them. `share_drawn`: the launch is for a share of the boxes.
    """

    service: ServiceId
    operator: OperatorId | None
    box: BoxId | None
    at: Instant
    known_at: Instant | None
    shows: Shows
    discoverability: Discoverability
    announced_for: str
    plays_on: bool
    elsewhere: Discoverability
    elsewhere_plays_on: bool
    share_drawn: bool
    clauses: tuple[Clause, ...]

    @property
    def visible(self) -> bool:
        return self.shows is Shows.PLAYABLE

    @property
    def first_failed(self) -> Clause | None:
        return next((clause for clause in self.clauses if not clause.holds), None)


class OpenCarriage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That an operator carries a service for all to know, from `since` up to, not including, `until` (None: no end known).

    `since` may lie ahead: a day that the public has been told.
    """

    service: ServiceId
    since: Instant
    until: Instant | None = None
