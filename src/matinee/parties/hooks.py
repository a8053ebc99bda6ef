"""Events out: what a side of the installation is told of, in which words, at which address, and when it is tried again. Pure.

The envelope is TM Forum's (TMF688), the registration its hub. A *side* is a publisher or an operator; each is told of what is
its own. Nothing on the wire counts what others did: an event's id is drawn from a key, and there is no number in it.
"""

import email.utils
import ipaddress
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NewType, Protocol

import msgspec

from matinee.base.clock import DAY, HOUR, MINUTE, SECOND, Instant, to_rfc3339
from matinee.base.errors import ErrorCode, MatineeError, NotAllowed
from matinee.base.ids import OperatorId, PublisherId, encode_id
from matinee.base.party import Party, SideKey, operator_side, publisher_side
from matinee.outside.calling import CallFailed, check_url, is_public

HookId = NewType("HookId", str)
DeliveryId = NewType("DeliveryId", str)

MAX_HOOKS: Final = 16
MAX_CALLBACK: Final = 500
MAX_QUERY: Final = 500
ANSWER_SHOWN: Final = 200
BOTH_SIGN_MS: Final = DAY
"""For so long after a new secret was made the one before it signs too."""

RETRY_MS: Final = (10 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 4 * HOUR, 8 * HOUR, 8 * HOUR, 8 * HOUR)
"""After each try but the last: some 30 hours, and more than 24 also where JITTER shortens each: a receiver may be away a day."""
MAX_TRIES: Final = len(RETRY_MS) + 1
HOLDING_TRIES: Final = 3
"""So often an event is tried before those behind it may pass: order outlasts a receiver's restart, not a day without it."""
JITTER: Final = 0.2
MOST_ASKED_MS: Final = 4 * HOUR
"""A receiver may ask for a longer wait (Retry-After), up to this."""


class EventType(StrEnum):
    """Part of the API: a name never changes its meaning."""

    AGREEMENT = "AgreementStateChangeEvent"
    LAUNCH = "LaunchStateChangeEvent"
    ROLLOUT = "RolloutStateChangeEvent"
    SWITCH = "SwitchStateChangeEvent"
    BOX_IDENTITY = "BoxIdentityStateChangeEvent"
    SUBSCRIPTION = "SubscriptionStateChangeEvent"
    SERVICE_CREATED = "ServiceCreateEvent"
    TITLE_CREATED = "TitleCreateEvent"
    TITLE_DELETED = "TitleDeleteEvent"
    HUB_TEST = "HubTestEvent"

    @property
    def resource(self) -> str:
        """What the event is of: "Launch"."""
        for ending in ("StateChangeEvent", "CreateEvent", "DeleteEvent", "TestEvent"):
            if self.endswith(ending):
                return self.removesuffix(ending)
        raise ValueError(self)


class DomainEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, and the sides that it concerns. `concerns` is what events of one matter have in common."""

    type: EventType
    domain: str
    concerns: str
    at: Instant
    says: str
    resource: Mapping[str, Any]
    publisher: PublisherId | None = None
    operators: frozenset[OperatorId] = frozenset()
    is_urgent: bool = False


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """An address that a side registered. `types` none: every one. `before`: the secret that still signs beside the newest."""

    id: HookId
    owner: SideKey
    callback: str
    types: tuple[EventType, ...]
    sealed: bytes
    created_at: Instant
    from_seq: int
    before: bytes | None = None
    before_until: Instant | None = None
    delivered_at: Instant | None = None
    ended_at: Instant | None = None
    ended_why: str = ""


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one address. `body` is what is sent, byte for byte, at every try."""

    id: DeliveryId
    number: int
    hook: HookId
    event_id: str
    type: EventType
    body: str
    state: DeliveryState
    tries: int
    next_try_at: Instant
    created_at: Instant
    ended_at: Instant | None = None
    status: int | None = None
    why: str = ""
    answer: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try. `status` None: there was no answer. `wait_ms`: how long the receiver asked to be left alone."""

    is_delivered: bool
    status: int | None = None
    why: str = ""
    answer: str = ""
    wait_ms: int = 0
    is_gone: bool = False
    is_slow: bool = False


class HookError(MatineeError):
    """A callback cannot be registered or used as asked."""

    code = ErrorCode.INVALID_REQUEST


class Seals(Protocol):
    """The installation's master key, as it is needed here: library.keys.MasterKey is one."""

    def seal(self, purpose: str, clear: bytes) -> bytes: ...

    def unseal(self, purpose: str, sealed: bytes) -> bytes: ...

    def mark(self, words: str) -> bytes: ...


def side_of(party: Party) -> SideKey:
    """The side that asks. Raises NotAllowed for a key of neither."""
    if (side := party.side.key) is None:
        raise NotAllowed("This token belongs to no publisher and no operator.")
    return side


def actor_of(party: Party) -> str:
    """Who does it, as the audit names them: a signed-in person by name, a key by its side. Raises NotAllowed as above."""
    return party.name or side_of(party)


def told_to(event: DomainEvent, owner: SideKey) -> bool:
    """Whether an event is this side's own: a publisher's of its services, an operator's of what is at it."""
    if event.publisher is not None and owner == publisher_side(event.publisher):
        return True
    return any(owner == operator_side(one) for one in event.operators)


def wanted_by(event: DomainEvent, types: Sequence[EventType]) -> bool:
    return not types or event.type in types


def event_id(seals: Seals, owner: SideKey, seq: int, part: int) -> str:
    """The id by which receivers drop doubles: the same for a side whenever it is told, and of no use to another side."""
    return encode_id(seals.mark(f"event\n{owner}\n{seq}\n{part}"))


def envelope(event: DomainEvent, identifier: str, correlation: str, now: Instant) -> str:
    """The body that is sent (TMF688's Event), as JSON text."""
    resource = event.type.resource
    noun = resource[0].lower() + resource[1:]
    words = {
        "eventId": identifier,
        "eventTime": to_rfc3339(now),
        "eventType": event.type.value,
        "correlationId": correlation,
        "domain": event.domain,
        "title": _in_words(event.type.removesuffix("Event")),
        "description": event.says,
        "priority": "High" if event.is_urgent else "Normal",
        "timeOccurred": to_rfc3339(event.at),
        "event": {noun: {"@type": resource, **event.resource}},
        "@type": event.type.value,
        "@baseType": "Event",
    }
    return msgspec.json.encode(words).decode()


def _in_words(name: str) -> str:
    return "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in name).strip().capitalize()


def read_query(query: str) -> tuple[EventType, ...]:
    """The event types that a hub's query picks; none for every one. Raises HookError for any other query."""
    text = query.strip()
    if not text:
        return ()
    field, _, listed = text.partition("=")
    picked = [one.strip() for one in listed.split(",")]
    if len(text) > MAX_QUERY or field.strip() != "eventType" or not set(picked) <= set(EventType):
        raise HookError(
            "query picks by something else than eventType, or an event that there is not.",
            remedy=f"Leave it empty, or write eventType= and some of these with commas between: {', '.join(EventType)}.",
        )
    return tuple(dict.fromkeys(EventType(one) for one in picked))


def written_query(types: Sequence[EventType]) -> str:
    return f"eventType={','.join(types)}" if types else ""


def check_callback(callback: str, *, allow_private: bool) -> None:
    """Refuse an address that is never called. Where a name leads is looked at again at each call. Raises HookError."""
    try:
        parts = check_url(callback)
    except CallFailed as error:
        raise HookError(f"callback: {error.message}", remedy=error.remedy) from error
    if len(callback) > MAX_CALLBACK:
        raise HookError(f"callback is longer than {MAX_CALLBACK} signs.", remedy="Write a shorter address.")
    if parts.fragment:
        raise HookError("callback has a fragment (#...), which is never sent.", remedy="Leave it out.")
    inside = _is_inside(parts.hostname or "")
    if parts.scheme != "https" and not (inside and allow_private):
        raise HookError(
            "callback is no https address.",
            remedy="Write https://HOST/PATH. http is for private addresses alone, where call_private_addresses allows those.",
        )
    if inside and not allow_private:
        raise HookError(
            "callback is no public address.",
            remedy="Name a public host, or have the setting call_private_addresses set where such hosts are the operator's own.",
        )


def _is_inside(host: str) -> bool:
    """Whether a host is private by its very name. Other names may still lead inside: the call finds out."""
    name = host.lower().rstrip(".")
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name == "localhost" or name.endswith((".localhost", ".internal", ".local"))
    return not is_public(name)


def next_try(tries: int, now: Instant, *, asked_ms: int = 0, dice: float = 0.5) -> Instant | None:
    """When an event is tried again after so many tries; None when that was the last. `dice`, from 0 to 1, spreads the load."""
    if tries >= MAX_TRIES:
        return None
    wait = RETRY_MS[tries - 1] * (1 - JITTER + 2 * JITTER * dice)
    return Instant(now + round(max(wait, min(asked_ms, MOST_ASKED_MS))))


def asked_wait(retry_after: str | None, now: Instant) -> int:
    """The milliseconds that a Retry-After header asks for, in either of its forms; 0 for none and for nonsense."""
    if not retry_after or len(retry_after) > 40:
        return 0
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(int(text), MOST_ASKED_MS // SECOND) * SECOND
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp() * 1000
    except (ValueError, TypeError, OverflowError):
        return 0
    return int(min(max(at - now, 0), MOST_ASKED_MS))


def judged(status: int, retry_after: str | None, answer: bytes, now: Instant) -> Outcome:
    """What an answer means. 2xx is delivered; 410 ends the listener; all else is tried again: receivers get deployed wrong."""
    if 200 <= status < 300:
        return Outcome(is_delivered=True, status=status)
    why = f"It answered {status}."
    if status == 410:
        why = "It answered 410: nobody listens there any more."
    elif 300 <= status < 400:
        why = f"It answered {status}: redirects are not followed. Register the address that it leads to."
    return Outcome(
        is_delivered=False,
        status=status,
        why=why,
        answer=shown(answer),
        wait_ms=asked_wait(retry_after, now),
        is_gone=status == 410,
    )


def shown(answer: bytes) -> str:
    """The beginning of what a stranger answered, as text that does nothing to a terminal or a page."""
    text = answer[: 4 * ANSWER_SHOWN].decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else " " for sign in text[:ANSWER_SHOWN]).strip()
