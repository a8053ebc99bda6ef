"""What staff and keys may ask about: the part of carriage that is their own side's. Who is let to a route is its policy's.

A publisher has its services, and of them the boxes at lines of operators with which there is a record of them. An operator has
the boxes at its own lines, and the services with which it has a record: a refusal is one, also of what nobody else has heard of.
An auditor has what its side has, or all. What is outside of a side is looked up no further: it reads as what does not exist.
"""

from collections.abc import Sequence
from typing import NamedTuple

from matinee.base.clock import Instant
from matinee.base.ids import BoxId, OperatorId, ServiceId, is_id
from matinee.base.party import Party
from matinee.carriage.model import Agreement, Launch
from matinee.carriage.snapshot import Carriage
from matinee.catalogue.model import Service
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.model import Operator
from matinee.fleet.snapshot import Fleet


class Records(NamedTuple):
    """What was ever recorded of one operator and one service."""

    operator: Operator
    service: Service
    agreements: tuple[Agreement, ...]
    launches: tuple[Launch, ...]


class Sides:
    """Safe from threads: it reads snapshots alone."""

    def __init__(self, carriage: Carriage, fleet: Fleet, catalogue: Catalogue) -> None:
        self._carriage = carriage
        self._fleet = fleet
        self._catalogue = catalogue

    def service(self, party: Party, text: str) -> Service | None:
        """The service of this id, if it is of the party's side."""
        found = self._catalogue.view.services.get(ServiceId(text)) if is_id(text) else None
        return found if found is not None and self._has(party, found) else None

    def services(self, party: Party) -> Sequence[Service]:
        """All services of the party's side, by id."""
        every = self._catalogue.view.services
        return [every[one] for one in sorted(every) if self._has(party, every[one])]

    def name_of(self, service: ServiceId) -> str:
        """What a service is called: for who may hear of it."""
        found = self._catalogue.view.services.get(service)
        return "" if found is None else found.name

    def box(
        self, party: Party, text: str, services: Sequence[Service], at: Instant, known_at: Instant | None = None
    ) -> tuple[BoxId, Sequence[Service]] | None:
        """The box of this id, and which of these services of the party's side it may ask about there; None where it may of none.

        An operator's side, of a box that stood at a line of its own at that moment. A publisher's, of one that stood at a line of
        an operator with which something was ever recorded of the service: a refusal is told as one, and no more of any other box.
        """
        if not is_id(text) or self._fleet.box(BoxId(text)) is None:
            return None
        side, box = party.side, BoxId(text)
        stood = self._fleet.operator_of_line(self._fleet.line_of(box, at, known_at))
        if side.publisher is None:
            return (box, services) if side.has_operator(stood) else None
        recorded = [one for one in services if stood is not None and self._carriage.has_record(stood, one.id)]
        return (box, recorded) if recorded else None

    def records(self, party: Party) -> Sequence[Records]:
        """What was recorded of the party's side, by the ids of operators and services."""
        side, services = party.side, self._catalogue.view.services
        found = []
        for one, of, agreements, launches in self._carriage.records():
            operator, service = self._fleet.operator(one), services.get(of)
            if operator is None or service is None:
                continue
            if side.has_operator(one) or side.has_publisher(service.publisher):
                found.append(Records(operator, service, agreements, launches))
        return found

    def has_pair(self, party: Party, operator: OperatorId, service: ServiceId) -> bool:
        """Whether what is recorded of the two is of the party's side."""
        found = self._catalogue.view.services.get(service)
        return party.side.has_operator(operator) or (found is not None and party.side.has_publisher(found.publisher))

    def _has(self, party: Party, service: Service) -> bool:
        side = party.side
        if side.has_publisher(service.publisher):
            return True
        return side.operator is not None and self._carriage.has_record(side.operator, service.id)
