"""Operators, their boxes and their lines, and what a launcher is told to run."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import BoxId, BoxModelId, LineId, OperatorId
from matinee.base.units import Pixels


class FleetError(MatineeError):
    """A box, a line or an operator is not as it must be."""

    code = ErrorCode.INVALID_REQUEST


class Operator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An internet operator. `country` is ISO 3166; its days, evenings and months are those of `timezone` (IANA)."""

    id: OperatorId
    name: str
    country: str
    timezone: str


_LINES_BY_HDCP: Final = (("none", 576), ("1", 1080))


class BoxModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of box, by TR-181's names: ManufacturerOUI and ProductClass say which, `name` is what a home calls it.

    `capabilities`: what it can do, by name ("codecs", "drm", "hdcp", "memory_mb", "max_height").
    """

    id: BoxModelId
    oui: str
    product_class: str
    name: str
    capabilities: dict[str, Any] = {}

    @property
    def max_height(self) -> Pixels | None:
        """The highest picture that it is declared to show, None where nothing says so.

        That is its "max_height", or what studios let out by its "hdcp" (the content protection of its HDMI): 576 lines with
        "none", 1080 with version 1; version 2 bounds nothing. What is declared in another form counts as not declared.
        """
        told, hdcp = self.capabilities.get("max_height"), self.capabilities.get("hdcp")
        bounds = [told] if type(told) is int and told > 0 else []
        if isinstance(hdcp, str):
            bounds += [height for version, height in _LINES_BY_HDCP if hdcp.strip().lower().startswith(version)]
        return Pixels(min(bounds)) if bounds else None

    @property
    def takes_av1(self) -> bool:
        """Whether AV1 may be offered to it: not where its "codecs" are declared and av01 is none of them.

        Its player asks the decoder besides. What is declared in another form counts as not declared.
        """
        told = self.capabilities.get("codecs")
        if not isinstance(told, list) or not told or not all(isinstance(one, str) for one in told):
            return True
        return any(one.strip().lower().startswith(("av01", "av1")) for one in told)


class BoxIdentity(StrEnum):
    """How sure we are of which box this is."""

    UNVERIFIED = "unverified"
    VERIFIED = "verified"
    QUARANTINED = "quarantined"
    CLONED = "cloned"


HELD: Final = frozenset({BoxIdentity.QUARANTINED, BoxIdentity.CLONED})
"""Identities of boxes to which no service is visible until staff let them out."""


class IdentityCause(StrEnum):
    """Why a box's identity changed. Kept with the change: a word never changes its meaning."""

    RECORDED = "recorded"
    """It was so before identities had dates."""
    FOR_SHOW = "for_show"
    """The demo's box: any browser may be it, so keys that alternate say nothing."""
    FIRST_KEY = "first_key"
    ANOTHER_KEY = "another_key"
    KEYS_ALTERNATE = "keys_alternate"
    """One token was used with a key, with another one, and with the first again."""
    TOLD_ELSEWHERE = "told_elsewhere"
    """An operator's file tells of the serial, which stands at another operator's line."""
    SERIAL_REPEATED = "serial_repeated"
    """Two boxes of one model and serial stand at two lines."""
    SERIAL_WITH_TWO_KEYS = "serial_with_two_keys"
    """They do, and have shown two keys."""
    RELEASED = "released"
    KEY_ACCEPTED = "key_accepted"
    KEY_PROVED = "key_proved"
    """The key that staff named was shown again, with its proof."""


class PublicKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A box's P-256 public key as a JWK has it: coordinates as base64url of 32 bytes."""

    x: str
    y: str
    kty: str = "EC"
    crv: str = "P-256"


class KeyStanding(StrEnum):
    """How a key of a box came onto record."""

    USED = "used"
    """The box showed it, and it was taken as the box's own from then on."""
    WAITING = "waiting"
    """The box showed it, and it was not taken: another one is accepted, or the box is held."""
    ACCEPTED = "accepted"
    """Staff, or the operator's file, named it as the right one: no other is taken from then on."""


class BoxKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a box showed a key, with proof that it holds it, or that staff accepted one. These records are only added."""

    box: BoxId
    key: PublicKey
    standing: KeyStanding
    recorded_at: Instant


class Box(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One box. (OUI, product class, serial) is not unique in the field, so it is no key here.

    `installed_release` is what it was last handed, `confirmed_release` what it proved to run, after a start that worked.
    """

    id: BoxId
    model: BoxModelId
    serial: str
    label: str
    identity: BoxIdentity = BoxIdentity.UNVERIFIED
    public_key: PublicKey | None = None
    installed_release: str | None = None
    confirmed_release: str | None = None
    confirmed_at: Instant | None = None
    last_seen: Instant | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subscriber's access line; `reference` is the operator's own name for it."""

    id: LineId
    operator: OperatorId
    reference: str


class BoxAssignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a box stands at a line (None: at none) for a while; see base.dated for its two times."""

    box: BoxId
    line: LineId | None
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None = None


class Interface(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An interface by its product and version ("polaris", "2.1"): not the box's SoftwareVersion, a thing of its own."""

    product: str
    version: str

    def meets(self, least: "Interface") -> bool:
        """Whether this is that product in that version or a later one. What is no dotted number meets itself alone."""
        if self.product != least.product:
            return False
        mine, theirs = _numbers(self.version), _numbers(least.version)
        return self.version == least.version if mine is None or theirs is None else mine >= theirs


def _numbers(version: str) -> tuple[int, ...] | None:
    """The numbers of a dotted version without the zeros at its end, so that 2 and 2.0 are one; None for any other form."""
    parts = version.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        return None
    numbers = [int(part) for part in parts]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


class BoxInterface(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a box was confirmed to run an interface for a while; see base.dated for its two times."""

    box: BoxId
    interface: Interface
    valid_from: Instant
    recorded_at: Instant
    valid_to: Instant | None = None


@dataclass(slots=True)
class Additions:
    """What many boxes bring at once, to be recorded together. `labels` are new ones of boxes that are there."""

    lines: list[Line] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    assignments: list[BoxAssignment] = field(default_factory=list)
    interfaces: list[BoxInterface] = field(default_factory=list)
    labels: dict[BoxId, str] = field(default_factory=dict)
    quarantined: list[BoxId] = field(default_factory=list)
    accepted: dict[BoxId, PublicKey] = field(default_factory=dict)

    @property
    def changed_boxes(self) -> list[BoxId]:
        """Each box that is new or changes, once."""
        new, moved, ran = (
            [box.id for box in self.boxes],
            [one.box for one in self.assignments],
            [one.box for one in self.interfaces],
        )
        return list(dict.fromkeys([*new, *moved, *ran, *self.labels, *self.quarantined, *self.accepted]))


ANY_BOX: Final = BoxId("")
"""In the place of a box's id where all boxes of its kind are meant."""


class BoxKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a box is told apart by when it is decided what it has, at one moment. `identity` and `interface` are those of that
    moment.

    Where all boxes of a kind are meant, `box` is ANY_BOX and `serial` is "".
    """

    box: BoxId
    model: BoxModelId
    serial: str
    identity: BoxIdentity
    interface: Interface | None


class IdentityChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a box has an identity from a moment on, and why; see base.dated for its two times. It ends with the next one.

    Before the first of a box it was unverified.
    """

    box: BoxId
    identity: BoxIdentity
    why: IdentityCause
    valid_from: Instant
    recorded_at: Instant
    valid_to: None = None


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A built interface, as a launcher is told of it. `entry` and `styles` are paths on the web origin, `integrity` the entry's
    hash as SRI has it; a style is a path, or a path and its hash. Where `attempt` has changed, one that failed is tried again.
    """

    product: str
    version: str
    entry: str
    integrity: str
    styles: tuple[Any, ...] = ()
    attempt: int = 0
