"""What operators tell of their bill and are answered, as it goes over the wire."""

from typing import Annotated, Literal

import msgspec

from matinee.base.clock import Instant, to_rfc3339
from matinee.base.errors import InvalidRequest
from matinee.carriage.api import instant
from matinee.carriage.explanations import moment_of
from matinee.carriage.subscription_api import Id, Text, When
from matinee.members.account_store import PartnerAccount
from matinee.members.contracts import NAMES_A_PLAN, Act, BillingEvent, Life, Span
from matinee.members.plan_store import FIRST_MOMENT, LAST_MOMENT, check_text
from matinee.members.selling import Taken
from matinee.members.terms_store import Environment

Household = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class EventAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event, in the words of TM Forum's product events. The same `eventId` with the same words changes nothing.

    The home by its `partner_account_id`, or by its reference as `household`, then with `offer_id` or `service_id`. `offer_id`:
    what is sold, of activate and change alone. `until`: of cancel the end of what was paid, of grace its end. `activate` may wait
    for the home's own yes (`by_link`), and may take over from the service itself (`hand_over`), when what was paid there ends.
    `environment` sandbox: it is tried, answered, and taken back.
    """

    event_id: Text = msgspec.field(name="eventId")
    event_time: When = msgspec.field(name="eventTime")
    event_type: Literal["activate", "change", "suspend", "resume", "grace", "cancel", "revoke"] = msgspec.field(name="eventType")
    correlation_id: Text | None = msgspec.field(name="correlationId", default=None)
    domain: Text | None = None
    partner_account_id: Id | None = None
    household: Household | None = None
    service_id: Id | None = None
    offer_id: Text | None = None
    environment: Environment = Environment.PRODUCTION
    until: When | None = None
    by_link: bool = False
    hand_over: bool = False


class WireLink(msgspec.Struct, frozen=True, kw_only=True):
    """What the home opens as a screen that is signed in: shown this once, good once, up to its end."""

    code: str
    url: str
    expires_at: str


class WireStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How a subscription stands now, or where it begins later, then. `activation`: where this began to wait for its link."""

    event_id: str = msgspec.field(name="eventId")
    partner_account_id: str
    service_id: str
    state: str
    plan_id: str
    valid_from: str
    valid_to: str | None
    activation: WireLink | None
    environment: str


class AccountAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`household` null: the home is not known yet, and will be by the link that it opens."""

    service_id: Id
    household: Household | None = None


class WireAccount(msgspec.Struct, frozen=True, kw_only=True):
    """`household`: its reference, null until its link was opened and to the publisher. `state` null: nothing was sold yet."""

    partner_account_id: str
    operator_id: str
    service_id: str
    household: str | None
    state: str | None


class CodeAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class Activated(msgspec.Struct, frozen=True, kw_only=True):
    """`state` "active", or "pending" up to `valid_to`, when what was paid before ends."""

    service_id: str
    service_name: str
    state: str
    valid_from: str
    valid_to: str | None


def read_event(told: EventAsked) -> BillingEvent:
    """An event's own words, without what is looked up. Raises InvalidRequest."""
    act = Act(told.event_type)
    check_text("eventId", told.event_id, 100)
    if told.offer_id is not None:
        check_text("offer_id", told.offer_id, 100)
    if (told.partner_account_id is None) == (told.household is None):
        raise InvalidRequest("It is not plain whose event it is.", remedy="Send partner_account_id, or household, and not both.")
    if told.household is not None and told.offer_id is None and told.service_id is None:
        raise InvalidRequest("service_id is missing.", remedy="Beside household send the id of the service.")
    if (told.offer_id is not None) != (act in NAMES_A_PLAN):
        raise InvalidRequest(
            "offer_id does not go with the event.", remedy="Send it with activate and change, and with no other."
        )
    if told.until is not None and act not in (Act.CANCEL, Act.GRACE):
        raise InvalidRequest("until does not go with the event.", remedy="Send it with cancel and grace alone.")
    if told.until is None and act is Act.CANCEL:
        raise InvalidRequest("until is missing.", remedy="Send the end of what was paid; to end it at once send revoke.")
    if (told.by_link or told.hand_over) and act is not Act.ACTIVATE:
        raise InvalidRequest("by_link and hand_over go with activate alone.", remedy="Leave them out.")
    at, until = instant("eventTime", told.event_time), instant("until", told.until)
    for name, moment in (("eventTime", at), ("until", until)):
        if moment is not None and not FIRST_MOMENT <= moment <= LAST_MOMENT:
            raise InvalidRequest(f"{name} lies before 1900 or after 9000.", remedy="Write when it was true.")
    if at is None:
        raise InvalidRequest("eventTime is missing.", remedy="Send when it was true.")
    return BillingEvent(id=told.event_id, act=act, at=at, until=until, by_link=told.by_link, hands_over=told.hand_over)


def standing_told(told: EventAsked, taken: Taken, link: WireLink | None, now: Instant) -> WireStanding:
    span = _now(taken.life, now)
    return WireStanding(
        event_id=told.event_id,
        partner_account_id=taken.account.id,
        service_id=taken.account.service,
        state=span.state.value,
        plan_id=span.plan,
        valid_from=to_rfc3339(span.valid_from),
        valid_to=moment_of(span.valid_to),
        activation=link if told.environment is Environment.PRODUCTION else None,
        environment=told.environment.value,
    )


def _now(life: Life, now: Instant) -> Span:
    """What stands now, or where all of it is to come, what comes first."""
    return life.at(now) or life.spans[0]


def account_told(one: PartnerAccount, household: str | None, life: Life, now: Instant) -> WireAccount:
    return WireAccount(
        partner_account_id=one.id,
        operator_id=one.operator,
        service_id=one.service,
        household=household,
        state=_now(life, now).state.value if life.spans else None,
    )
