"""The form of a scenario's file, and reading it: nothing but the form is checked here. An unknown field is refused."""

import datetime
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from matinee.base.errors import InvalidRequest
from matinee.carriage.model import AgreementStatus, Billing, Discoverability, LaunchState
from matinee.carriage.rollouts import OnError
from matinee.carriage.trial import Example
from matinee.catalogue.model import Seller, ServiceKind
from matinee.fleet.model import Interface
from matinee.fleet.waves import OnTimeout
from matinee.interconnect.model import DisputeState
from matinee.members.model import SubscriptionState

MAX_BYTES = 1_000_000

Moment = str
"""A local day or time, "2014-10-02" or "2014-10-02T18:00:00"."""


class ServiceTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    kind: ServiceKind = ServiceKind.SVOD
    publisher: str = ""
    currency: str = "EUR"


class ModelTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    oui: str
    product_class: str
    capabilities: dict[str, Any] = {}


class OperatorTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    country: str
    timezone: str


class AgreementTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    operator: str
    service: str
    status: AgreementStatus
    since: Moment
    until: Moment | None = None
    known: Moment | None = None
    reason: str = ""
    territories: tuple[str, ...] = ()
    billing: Billing = Billing.NONE
    prominence: int = 0


class BlackoutTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    start: Moment
    end: Moment
    reason: str = ""


class LaunchTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    operator: str
    service: str
    state: LaunchState
    since: Moment
    until: Moment | None = None
    known: Moment | None = None
    technical_at: Moment | None = None
    announced_for: str = ""
    embargo_until: Moment | None = None
    discoverability: Discoverability = Discoverability.ROW
    models: tuple[str, ...] = ()
    interface: Interface | None = None
    named: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    rule: str = ""
    examples: tuple[Example, ...] = ()
    percent: float = 100.0
    salt: str = ""
    blackouts: tuple[BlackoutTold, ...] = ()
    elsewhere: bool = False
    reason: str = ""


class FreezeTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    start: Moment
    end: Moment
    reason: str = ""


class WaveTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See fleet.waves.Wave. Percents are of all boxes, and of those that reported; times are hours."""

    percent: float
    sample: int
    soak_hours: float
    timeout_hours: float
    failing: float | None = None
    stalling: float | None = None
    lost: float | None = None
    on_timeout: OnTimeout = OnTimeout.HALT
    needs_approval: bool = False


class RolloutTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    operator: str
    service: str
    starts: Moment
    author: str
    waves: tuple[WaveTold, ...]
    salt: str = ""
    holdback: float = 0.0
    on_error: OnError = OnError.STOP
    freezes: tuple[FreezeTold, ...] = ()


class InterfaceTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    product: str
    version: str
    since: Moment


class HomesTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`count` homes alike, each with one box; the serial and the line of each end in its number."""

    operator: str
    model: str
    serial: str
    since: Moment
    count: int = 1
    label: str = ""
    interfaces: tuple[InterfaceTold, ...] = ()


class PlanTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    service: str
    name: str


class SubscriptionTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a household subscribes, or with the state `ended` does no more. `operator`: whose line it has; days are its own.

    `household` by its reference: of a home that a scenario tells of, the operator's name and the box's serial.
    """

    operator: str
    household: str
    service: str
    plan: str
    since: Moment
    until: Moment | None = None
    known: Moment | None = None
    seller: Seller = Seller.US
    state: SubscriptionState = SubscriptionState.ACTIVE


class MoveTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a box stands at another line from a moment on. `line` is the operator's reference; "" is none: it came back."""

    operator: str
    model: str
    serial: str
    since: Moment
    line: str = ""
    known: Moment | None = None


class DisputeTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    operator: str
    network: str
    state: DisputeState
    since: Moment
    until: Moment | None = None
    known: Moment | None = None
    note: str = ""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. Parts are named in the order in which they need each other.

    `retold`: what the file tells was known when it began, but where it says `known`. Without it, it is known from now on.
    """

    name: str
    today: str
    retold: bool = False
    services: tuple[ServiceTold, ...] = ()
    box_models: tuple[ModelTold, ...] = ()
    operators: tuple[OperatorTold, ...] = ()
    agreements: tuple[AgreementTold, ...] = ()
    launches: tuple[LaunchTold, ...] = ()
    plans: tuple[PlanTold, ...] = ()
    homes: tuple[HomesTold, ...] = ()
    subscriptions: tuple[SubscriptionTold, ...] = ()
    moves: tuple[MoveTold, ...] = ()
    disputes: tuple[DisputeTold, ...] = ()
    rollouts: tuple[RolloutTold, ...] = ()


def read_scenario(path: Path) -> Scenario:
    """Read a scenario's file. Raises InvalidRequest, naming the file and the field or the line."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.", remedy="Name a scenario's file.") from error
    if len(raw) > MAX_BYTES:
        raise InvalidRequest(
            f"{path} has {len(raw):,} bytes; a scenario has {MAX_BYTES:,} at most.",
            remedy="Tell of homes that are alike by `count`.",
        )
    try:
        return msgspec.convert(_plain(tomllib.loads(raw.decode())), Scenario)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"{path} is no TOML: {error}.", remedy="Mend that place.") from error
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{path}: {error}.", remedy="See examples/france-2014.toml for what a scenario may hold.") from error


def day_of(text: str, name: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(f"{name} is no day: {text!r}.", remedy="Write it as 2014-10-02.") from error


def _plain(value: Any) -> Any:
    """TOML's own days and times as text, since the schema takes both forms of them."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    return value
