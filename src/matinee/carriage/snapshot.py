"""Agreements in memory, and what a party may see by them: the one answer that every route and every row goes by."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.dated import next_change
from matinee.base.ids import OperatorId, ServiceId
from matinee.base.party import Party
from matinee.carriage import store
from matinee.carriage.model import Agreement
from matinee.carriage.rules import visible_services
from matinee.catalogue.model import AGE_CLASSES, Language, Service, Sight
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet.snapshot import Fleet
from matinee.members.snapshot import Members
from matinee.parties.outbox import Event

DEFAULT_LANGUAGE = Language("fr")
_NOTHING: frozenset[ServiceId] = frozenset()


class Carriage:
    """Follows the topic "carriage". Answers are kept until the next dated change, and dropped when a record comes."""

    topics = frozenset({store.TOPIC})

    def __init__(self) -> None:
        self._recorded: dict[OperatorId, tuple[Agreement, ...]] = {}
        self._kept: dict[OperatorId, tuple[Instant, Instant | None, frozenset[ServiceId]]] = {}

    def load(self, conn: Connection) -> None:
        recorded: dict[OperatorId, list[Agreement]] = {}
        for agreement in store.all_agreements(conn):
            recorded.setdefault(agreement.operator, []).append(agreement)
        self._recorded = {operator: tuple(row) for operator, row in recorded.items()}
        self._kept = {}

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        self.load(conn)

    def visible(self, operator: OperatorId | None, now: Instant) -> frozenset[ServiceId]:
        """The services that this operator's homes may see now; none for no operator."""
        if operator is None:
            return _NOTHING
        kept_in = self._kept
        kept = kept_in.get(operator)
        if kept is not None and kept[0] <= now and (kept[1] is None or now < kept[1]):
            return kept[2]
        recorded = self._recorded.get(operator, ())
        found = visible_services(recorded, now)
        # Written to the table that was there when the records were read: a refresh in between has put a new one up.
        kept_in[operator] = (now, next_change(recorded, now), found)
        return found


class PartySight:
    """What a party may see: `catalogue.model.Sights` and `members.model.CarriedServices`, from three snapshots."""

    def __init__(self, carriage: Carriage, fleet: Fleet, members: Members, catalogue: Catalogue) -> None:
        self._carriage = carriage
        self._fleet = fleet
        self._members = members
        self._catalogue = catalogue

    def sight(self, party: Party, profile: str | None, now: Instant) -> Sight:
        """What the party may see as this profile; with None as its youngest. Raises ProfileNotFound."""
        one = self._members.youngest(party.household) if profile is None else self._members.profile(party.household, profile)
        operator = self._fleet.operator(party.operator)
        return Sight(
            services=self._carriage.visible(party.operator, now) if party.household is not None else _NOTHING,
            max_age=one.age_class if one is not None else AGE_CLASSES[0],
            operator=party.operator,
            territory=operator.country if operator is not None else None,
            now=now,
            language=one.language if one is not None else DEFAULT_LANGUAGE,
            profile=one.id if one is not None and profile is not None else None,
        )

    def services_of(self, party: Party, now: Instant) -> Sequence[Service]:
        """The services that the party may see, by name."""
        known = self._catalogue.view.services
        visible = self._carriage.visible(party.operator, now) if party.household is not None else _NOTHING
        return sorted((known[one] for one in visible if one in known), key=lambda service: (service.name, service.id))
