"""What rows of the outbox mean to publishers and operators outside: which event each is, whose it is, in TM Forum's words.

All of it follows from the row itself, but for names and for whose a service is, which never changes. A row that concerns nobody
outside is no event.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant, to_rfc3339
from matinee.base.ids import OperatorId, ServiceId
from matinee.carriage import rollout_store
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus, LaunchState
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Service
from matinee.fleet import store as fleet
from matinee.fleet.model import BoxIdentity, Operator
from matinee.fleet.waves import Phase
from matinee.members import plan_store
from matinee.members.model import SubscriptionState
from matinee.parties import outbox
from matinee.parties.hooks import DomainEvent, EventType

log = structlog.get_logger("matinee.hooks")

STATUS: Final[Mapping[str, str]] = {
    f"agreement {AgreementStatus.REFUSED}": "cancelled",
    f"agreement {AgreementStatus.NEGOTIATING}": "created",
    f"agreement {AgreementStatus.SIGNED}": "active",
    f"agreement {AgreementStatus.SUSPENDED}": "suspended",
    f"agreement {AgreementStatus.ENDED}": "terminated",
    f"launch {LaunchState.PLANNED}": "created",
    f"launch {LaunchState.SILENT}": "active",
    f"launch {LaunchState.ANNOUNCED}": "pendingActive",
    f"launch {LaunchState.OPEN}": "active",
    f"launch {LaunchState.PAUSED}": "suspended",
    f"launch {LaunchState.KILLED}": "aborted",
    f"launch {LaunchState.ENDED}": "terminated",
    f"rollout {Phase.WAITING}": "created",
    f"rollout {Phase.WAITING_FOR_APPROVAL}": "pendingActive",
    f"rollout {Phase.RUNNING}": "active",
    f"rollout {Phase.HALTED}": "suspended",
    f"rollout {Phase.FINISHED}": "terminated",
    f"rollout {Phase.WITHDRAWN}": "cancelled",
    "switch on": "active",
    "switch off": "suspended",
    f"subscription {SubscriptionState.PENDING}": "pendingActive",
    f"subscription {SubscriptionState.ACTIVE}": "active",
    f"subscription {SubscriptionState.GRACE}": "active",
    f"subscription {SubscriptionState.ENDING}": "pendingTerminate",
    f"subscription {SubscriptionState.SUSPENDED}": "suspended",
    f"subscription {SubscriptionState.CANCELLED}": "terminated",
    f"subscription {SubscriptionState.REVOKED}": "terminated",
    f"subscription {SubscriptionState.ENDED}": "terminated",
    f"identity {BoxIdentity.UNVERIFIED}": "created",
    f"identity {BoxIdentity.VERIFIED}": "active",
    f"identity {BoxIdentity.QUARANTINED}": "suspended",
    f"identity {BoxIdentity.CLONED}": "suspended",
}
"""Our word, and the one of TM Forum's product lifecycle that comes nearest. Both are told."""

_URGENT: Final = frozenset({LaunchState.PAUSED, LaunchState.KILLED})


class Names:
    """Whose services are, and what services and operators are called."""

    def __init__(self, services: Sequence[Service], operators: Sequence[Operator]) -> None:
        self.services = {one.id: one for one in services}
        self.operators = {one.id: one.name for one in operators}


def tell(conn: Connection, events: Sequence[outbox.Event]) -> Sequence[tuple[outbox.Event, Sequence[DomainEvent]]]:
    """The events that rows of the outbox are, to those outside.

    A row that cannot be read, such as one of a process of another version, is told to nobody: it must not hold up all others.
    """
    names = Names(catalogue.all_services(conn), fleet.all_operators(conn))
    return [(event, _told_or_logged(event, names)) for event in events]


def _told_or_logged(event: outbox.Event, names: Names) -> Sequence[DomainEvent]:
    try:
        return told_of(event, names)
    except (LookupError, TypeError, ValueError) as error:
        log.error(
            "a row of the outbox cannot be told to callbacks; it is passed by", seq=event.seq, topic=event.topic, exc_info=error
        )
        return []


def told_of(event: outbox.Event, names: Names) -> Sequence[DomainEvent]:
    """What one row of the outbox is to those outside: nothing, one event, or one for each side where each is told its own."""
    kind = str(event.payload.get("change") or event.payload.get("kind") or "")
    make = _MAKERS.get((event.topic, kind)) or _MAKERS.get((event.topic, ""))
    return [] if make is None else make(event, names)


def _agreement(event: outbox.Event, names: Names) -> Sequence[DomainEvent]:
    told = event.payload
    service, operator = names.services.get(ServiceId(told["service"])), OperatorId(event.key)
    if service is None:
        return []
    resource = {
        "id": told["agreement"],
        **_status("agreement", told["status"]),
        **_parties(service, operator, names),
        "billing": told["billing"],
        "territories": told["territories"],
        "validFor": _valid_for(told["valid_from"], told["valid_to"]),
    }
    return [_of_both(event, EventType.AGREEMENT, service, operator, f"The agreement is {told['status']}.", resource)]


def _launch(event: outbox.Event, names: Names) -> Sequence[DomainEvent]:
    told = event.payload
    service, operator = names.services.get(ServiceId(told["service"])), OperatorId(event.key)
    if service is None:
        return []
    resource = {
        "id": told["launch"],
        **_status("launch", told["state"]),
        **_parties(service, operator, names),
        "percent": told["share"] / 100,
        "discoverability": told["discoverability"],
        "technicalAt": _time(told["technical_at"]),
        "announcedFor": told["announced_for"],
        "embargoUntil": _time(told["embargo_until"]),
        "validFor": _valid_for(told["valid_from"], told["valid_to"]),
    }
    says = f"The launch is {told['state']}, for {told['share'] / 100:g} % of the boxes."
    return [_of_both(event, EventType.LAUNCH, service, operator, says, resource, is_urgent=told["state"] in _URGENT)]


def _of_both(
    event: outbox.Event,
    kind: EventType,
    service: Service,
    operator: OperatorId,
    says: str,
    resource: dict[str, Any],
    *,
    is_urgent: bool = False,
) -> DomainEvent:
    """What stands between a service and an operator, and is told to both."""
    return DomainEvent(
        type=kind,
        domain="Carriage",
        concerns=f"{service.id} {operator}",
        at=event.at,
        says=says,
        resource=resource,
        publisher=service.publisher,
        operators=frozenset({operator}),
        is_urgent=is_urgent,
    )


def _switch(event: outbox.Event, names: Names) -> Sequence[DomainEvent]:
    """One for the publisher, who may have switched it off everywhere; for each operator one that speaks of it alone."""
    told = event.payload
    service = names.services.get(ServiceId(told["service"]))
    if service is None:
        return []
    at = OperatorId(event.key) if event.key else None
    own = _switched(event, names, service, at, is_off=told["is_off"], ends_plays=told["ends_plays"])
    theirs = [
        _switched(event, names, service, OperatorId(operator), is_off=is_off, ends_plays=ends_plays, to_operator=True)
        for operator, is_off, ends_plays in told["at"]
    ]
    return [own, *theirs]


def _switched(
    event: outbox.Event,
    names: Names,
    service: Service,
    operator: OperatorId | None,
    *,
    is_off: bool,
    ends_plays: bool,
    to_operator: bool = False,
) -> DomainEvent:
    word = "off" if is_off else "on"
    resource = {
        "id": f"{service.id}.{operator}" if operator else service.id,
        **_status("switch", word),
        **_parties(service, operator, names),
        "endsPlays": ends_plays,
    }
    return DomainEvent(
        type=EventType.SWITCH,
        domain="Carriage",
        concerns=f"{service.id} {operator}" if operator else service.id,
        at=event.at,
        says=f"The service is switched {word}" + (" by hand." if is_off else " again, as far as its launch goes."),
        resource=resource,
        publisher=None if to_operator else service.publisher,
        operators=frozenset({operator}) if to_operator and operator else frozenset(),
        is_urgent=True,
    )


def _rollout(event: outbox.Event, names: Names) -> Sequence[DomainEvent]:
    told = event.payload
    service, operator = names.services.get(ServiceId(told["service"])), OperatorId(event.key)
    if service is None:
        return []
    resource = {
        "id": told["rollout"],
        **_status("rollout", told["phase"]),
        **_parties(service, operator, names),
        "wave": told["wave"],
        "waves": told["waves"],
        "percent": told["share"] / 100,
        "statusReason": told["says"],
    }
    phase = told["phase"].replace("_", " ")
    says = f"The rollout is {phase} in wave {told['wave']} of {told['waves']}. {told['says']}".strip()
    return [_of_both(event, EventType.ROLLOUT, service, operator, says, resource, is_urgent=told["phase"] == Phase.HALTED)]


def _identities(event: outbox.Event, names: Names) -> Sequence[DomainEvent]:
    """Boxes are their operator's alone; where else a box was told to stand is another's."""
    word = event.payload["identity"]
    held = word in (BoxIdentity.QUARANTINED, BoxIdentity.CLONED)
    return [
        DomainEvent(
            type=EventType.BOX_IDENTITY,
            domain="Fleet",
            concerns=f"box {box}",
            at=event.at,
            says=f"The box is {'held in quarantine' if held else 'out of quarantine'}: it is {word}.",
            resource={
                "id": box,
                **_status("identity", word),
                "serialNumber": serial,
                "operator": _operator(OperatorId(operator), names),
            },
            operators=frozenset({OperatorId(operator)}),
            is_urgent=held,
        )
        for box, serial, operator in event.payload["boxes"]
    ]


def _subscription(event: outbox.Event, names: Names) -> Sequence[DomainEvent]:
    """The publisher's, and the operator's that sold it. The home is named by the account that these two alone can resolve."""
    told = event.payload
    service = names.services.get(ServiceId(told.get("service", "")))
    if service is None:
        return []  # also of rows from before states were told
    operator = None if told["operator"] is None else OperatorId(told["operator"])
    resource = {
        "id": told["account"] or told["reference"],
        **_status("subscription", told["state"]),
        **_parties(service, operator, names),
        "partnerAccountId": told["account"],
        "reference": told.get("reference"),
        "planId": told["plan"],
        "validFor": _valid_for(told["valid_from"], told["valid_to"]),
    }
    return [
        DomainEvent(
            type=EventType.SUBSCRIPTION,
            domain="Members",
            concerns=f"{service.id} {event.key}",
            at=event.at,
            says=f"The subscription is {told['state']}.",
            resource=resource,
            publisher=service.publisher,
            operators=frozenset() if operator is None else frozenset({operator}),
        )
    ]


def _service(event: outbox.Event, names: Names) -> Sequence[DomainEvent]:
    service = names.services.get(ServiceId(event.key))
    if service is None:
        return []
    return [
        DomainEvent(
            type=EventType.SERVICE_CREATED,
            domain="Catalogue",
            concerns=service.id,
            at=event.at,
            says="The service is there.",
            resource={"id": service.id, "name": service.name, "kind": service.kind.value},
            publisher=service.publisher,
        )
    ]


def _title(event: outbox.Event, names: Names) -> Sequence[DomainEvent]:
    """The publisher's alone: a title may be kept for one operator by windows, which may be recorded after it."""
    told = event.payload
    service = names.services.get(ServiceId(told["service"]))
    if service is None:
        return []
    is_new = told["change"] == catalogue.PUBLISHED
    return [
        DomainEvent(
            type=EventType.TITLE_CREATED if is_new else EventType.TITLE_DELETED,
            domain="Catalogue",
            concerns=f"title {event.key}",
            at=event.at,
            says="The title is published." if is_new else "The title is removed.",
            resource={"id": event.key, "kind": told["kind"], "service": _named("Service", service.id, service.name)},
            publisher=service.publisher,
        )
    ]


_MAKERS: Final[Mapping[tuple[str, str], Callable[[outbox.Event, Names], Sequence[DomainEvent]]]] = {
    (carriage.TOPIC, carriage.AGREEMENT_RECORDED): _agreement,
    (carriage.TOPIC, carriage.LAUNCH_RECORDED): _launch,
    (carriage.TOPIC, carriage.SWITCHED): _switch,
    (rollout_store.TOPIC, ""): _rollout,
    (fleet.TOPIC, fleet.IDENTITY_CHANGED): _identities,
    (plan_store.TOPIC, plan_store.SUBSCRIPTION_RECORDED): _subscription,
    (plan_store.TOPIC, plan_store.ACCOUNT_TOLD): _subscription,
    (catalogue.SERVICE_TOPIC, catalogue.PUBLISHED): _service,
    (catalogue.TITLE_TOPIC, catalogue.PUBLISHED): _title,
    (catalogue.TITLE_TOPIC, catalogue.REMOVED): _title,
}


def _status(noun: str, word: str) -> dict[str, str]:
    return {"status": STATUS[f"{noun} {word}"], "state": word}


def _parties(service: Service, operator: OperatorId | None, names: Names) -> dict[str, Any]:
    return {"service": _named("Service", service.id, service.name), "operator": _operator(operator, names)}


def _operator(operator: OperatorId | None, names: Names) -> dict[str, str] | None:
    return None if operator is None else _named("Operator", operator, names.operators.get(operator, ""))


def _named(kind: str, identifier: str, name: str) -> dict[str, str]:
    return {"id": identifier, "name": name, "@type": kind}


def _valid_for(begins: Instant, ends: Instant | None) -> dict[str, str | None]:
    return {"startDateTime": to_rfc3339(begins), "endDateTime": _time(ends)}


def _time(at: Instant | None) -> str | None:
    return None if at is None else to_rfc3339(at)
