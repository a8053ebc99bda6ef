"""Agreements and launches in memory, and what a party may see by them: the one answer that every route and row goes by.

Boxes of one kind are decided once: what a decision looks at of a box is a model, an interface and an identity, of which a
fleet of millions has a few dozen kinds. Where a launch is for a share of the boxes, each box is a kind of its own.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.engine import Connection

from matinee.base.clock import DAY, Instant
from matinee.base.dated import in_force
from matinee.base.ids import BoxId, BoxModelId, OperatorId, ServiceId
from matinee.base.party import Party, PartyKind
from matinee.base.units import Pixels
from matinee.carriage import store
from matinee.carriage.expressions import asks_for_one_box, check
from matinee.carriage.in_the_open import for_every_box, in_the_open
from matinee.carriage.model import (
    Agreement,
    BoxView,
    CarriageError,
    Decision,
    Discoverability,
    Launch,
    OpenCarriage,
    Shows,
    Switch,
)
from matinee.carriage.rules import decide, killed, leaves_at, milestones, names, next_decision, switched_off
from matinee.catalogue.model import AGE_CLASSES, Language, Service, Sight
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.view import CatalogueView, partners_for_grown_ups
from matinee.fleet.buckets import ALL_BOXES
from matinee.fleet.model import ANY_BOX, BoxKind, BoxModel, Operator
from matinee.fleet.snapshot import MAX_KEPT, Fleet
from matinee.members.model import Profile
from matinee.members.snapshot import Members
from matinee.parties.outbox import Event

DEFAULT_LANGUAGE = Language("fr")
MAX_KINDS: Final = 200_000
"""Kinds of boxes that are kept decided. Beyond it all are forgotten and decided anew: it bounds memory, not what is right."""

LEAVING_MS: Final = 30 * DAY
"""How long before its end a viewer is told that a service goes."""

_NO_BOX = BoxView()


@dataclass(frozen=True, slots=True)
class Seen:
    """The services that a screen has, by how it may come to them, and those of which it may only be told.

    `plays_on` are those whose films may run to their end: all of `direct`, and what is paused.
    """

    direct: frozenset[ServiceId] = frozenset()
    search: frozenset[ServiceId] = frozenset()
    row: frozenset[ServiceId] = frozenset()
    plays_on: frozenset[ServiceId] = frozenset()
    told: tuple[Decision, ...] = ()
    leaves: tuple[tuple[ServiceId, Instant], ...] = ()
    """Those of `row` that go at a moment which is known already."""
    prominence: tuple[tuple[ServiceId, int], ...] = ()
    """Those of `row` to which the operator gives a weight, by their ids."""
    others: "Seen | None" = None
    """What the home's other screens have and are told by this box, where that is not the same."""


_NOTHING = Seen()


@dataclass(frozen=True, slots=True)
class _Records:
    """What was ever recorded of one operator and one service."""

    agreements: tuple[Agreement, ...] = ()
    launches: tuple[Launch, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """How a service stands at one operator: the agreement, when it was first told and first live, and how many boxes have it.

    `boxes` are the operator's that stand at a line.
    """

    operator: Operator
    agreement: Agreement | None
    told_at: Instant | None
    live_at: Instant | None
    boxes: int
    having: int


@dataclass(frozen=True, slots=True)
class _Known:
    """All records, and what was decided by them: swapped whole, so that no answer is made of two states."""

    recorded: dict[OperatorId, dict[ServiceId, _Records]]
    tells_apart: frozenset[OperatorId]
    """Operators with a launch that may tell two boxes of one kind apart."""
    names: dict[OperatorId, frozenset[str]]
    """The boxes that a launch at the operator names or excludes: each of them is a kind of its own, and no other for it."""
    kept: dict[tuple[OperatorId, BoxView], tuple[Instant, Instant | None, Seen]]
    kept_boxes: dict[BoxId, tuple[BoxKind, OperatorId, tuple[Instant, Instant | None, Seen]]]
    """By boxes what was decided of their kinds: good while the fleet gives out the very same kind, so of as many as it keeps."""
    kept_open: dict[OperatorId, tuple[Instant, Instant | None, tuple[OpenCarriage, ...]]]
    recorded_switches: tuple[Switch, ...] = ()
    """What was ever recorded of switches: an account of what stood in the control file, which may be behind it."""
    switches: dict[ServiceId, tuple[Switch, ...]] = field(default_factory=dict)
    """What is switched off now, by the control file."""
    switches_since: Instant | None = None
    """When that was heard last. From then on it alone counts; before, the account does."""


class Carriage:
    """Follows the topic "carriage". Answers are kept until the next dated change, and dropped when a record comes."""

    topics = frozenset({store.TOPIC})

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._known = _Known({}, frozenset(), {}, {}, {}, {})
        self._changing = threading.Lock()

    def load(self, conn: Connection) -> None:
        self.put(store.all_agreements(conn), store.all_launches(conn), store.all_switches(conn))

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        self.load(conn)

    def put(self, agreements: Sequence[Agreement], launches: Sequence[Launch], switches: Sequence[Switch] = ()) -> None:
        """Take these records, in the order of recording, in the place of all before."""
        recorded: dict[OperatorId, dict[ServiceId, _Records]] = {}
        for agreement in agreements:
            row = recorded.setdefault(agreement.operator, {})
            known = row.get(agreement.service, _Records())
            row[agreement.service] = _Records((*known.agreements, agreement), known.launches)
        for launch in launches:
            row = recorded.setdefault(launch.operator, {})
            known = row.get(launch.service, _Records())
            row[launch.service] = _Records(known.agreements, (*known.launches, launch))
        tells_apart = frozenset(launch.operator for launch in launches if _tells_boxes_apart(launch))
        told_apart = {operator: one for operator, row in recorded.items() if (one := _names(row.values()))}
        with self._changing:
            before = self._known
            self._known = _Known(
                recorded, tells_apart, told_apart, {}, {}, {}, tuple(switches), before.switches, before.switches_since
            )

    def switch(self, switches: Sequence[Switch], now: Instant) -> None:
        """Take these as what is switched off from now on, in the place of what was. It needs no database."""
        by_service: dict[ServiceId, tuple[Switch, ...]] = {}
        for one in switches:
            by_service[one.service] = (*by_service.get(one.service, ()), one)
        with self._changing:
            if by_service != self._known.switches or self._known.switches_since is None:
                self._known = replace(self._known, kept={}, kept_boxes={}, kept_open={}, switches=by_service, switches_since=now)

    def killed(self, now: Instant) -> frozenset[tuple[OperatorId, ServiceId]]:
        """Operator and service of each launch that is recorded as killed now."""
        recorded = self._known.recorded.values()
        return killed((one for row in recorded for records in row.values() for one in records.launches), now)

    def view_of(self, box: BoxId, at: Instant, known_at: Instant | None = None) -> BoxView:
        """What a decision looks at of a box, as it was at a moment and was known at another."""
        found = self._fleet.kind_of(box, at, known_at)
        return _NO_BOX if found is None else self._view(found)

    def _view(self, kind: BoxKind) -> BoxView:
        model = self._fleet.model(kind.model)
        return BoxView(
            box=kind.box,
            model=kind.model,
            model_name=model.name if model is not None else "",
            serial=kind.serial,
            identity=kind.identity,
            interface=kind.interface,
        )

    def explain(self, box: BoxId, service: ServiceId, at: Instant, known_at: Instant | None = None) -> Decision:
        """Decide for one box at any moment, as it was known at any other, at the line where it stood then."""
        operator = self._fleet.operator_of_line(self._fleet.line_of(box, at, known_at))
        return self._decide(self._known, service, operator, self.view_of(box, at, known_at), at, known_at)

    def reach(self, service: ServiceId, at: Instant, known_at: Instant | None = None) -> Sequence[Reach]:
        """How a service stood at each operator that has boxes or a record of it, by the operators' names."""
        all_known = self._known
        counted: dict[OperatorId, list[int]] = {one: [0, 0] for one, row in all_known.recorded.items() if service in row}
        kinds: dict[tuple[OperatorId, BoxView], bool] = {}
        named = {one: _names([row[service]]) for one, row in all_known.recorded.items() if service in row}
        for operator, boxes_alike, count in self._fleet.kinds_by_operator(at, known_at, all_known.tells_apart, named):
            kind = (operator, self._view(boxes_alike))
            if kind not in kinds:
                kinds[kind] = self._decide(all_known, service, operator, kind[1], at, known_at).visible
            row = counted.setdefault(operator, [0, 0])
            row[0] += count
            row[1] += count * kinds[kind]
        rows = []
        for one, (boxes, having) in counted.items():
            operator_now = self._fleet.operator(one)
            if operator_now is not None:
                records = all_known.recorded.get(one, {}).get(service, _Records())
                launches = [launch for launch in records.launches if known_at is None or launch.recorded_at <= known_at]
                agreement = in_force(records.agreements, at, known_at)
                rows.append(Reach(operator_now, agreement, *milestones(launches), boxes, having))
        return sorted(rows, key=lambda row: row.operator.name)

    def has_record(self, operator: OperatorId, service: ServiceId) -> bool:
        """Whether anything was ever recorded of the two: an agreement, a refusal among them, or a launch."""
        return service in self._known.recorded.get(operator, {})

    def agreement_of(
        self, operator: OperatorId | None, service: ServiceId, at: Instant, known_at: Instant | None = None
    ) -> Agreement | None:
        """The agreement of the two that was in force at a moment, as it was known at another."""
        records = None if operator is None else self._known.recorded.get(operator, {}).get(service)
        return None if records is None else in_force(records.agreements, at, known_at)

    def records(self) -> Sequence[tuple[OperatorId, ServiceId, tuple[Agreement, ...], tuple[Launch, ...]]]:
        """All that was ever recorded, by operator and service, in the order of their ids; of each in the order of recording."""
        recorded = self._known.recorded
        return [
            (operator, service, row.agreements, row.launches)
            for operator in sorted(recorded)
            for service, row in sorted(recorded[operator].items())
        ]

    def carried_openly(self, operator: Operator, now: Instant) -> Sequence[OpenCarriage]:
        """What the operator carries for all to know, in no order that means anything."""
        known = self._known
        kept = known.kept_open.get(operator.id)
        if kept is not None and kept[0] <= now and (kept[1] is None or now < kept[1]):
            return kept[2]
        recorded = known.recorded.get(operator.id, {})
        decided = (
            in_the_open(one, operator, row.agreements, row.launches, now)
            for one, row in recorded.items()
            if switched_off(known.switches.get(one, ()), operator, now) is None
        )
        found = tuple(one for one in decided if one is not None)
        changes = [next_decision(row.agreements, row.launches, now) for row in recorded.values()]
        changes += [one.since for one in found if one.since > now]
        known.kept_open[operator.id] = (now, min((at for at in changes if at is not None), default=None), found)
        return found

    def in_rows_somewhere(self, operator: Operator, now: Instant) -> tuple[tuple[ServiceId, int], ...]:
        """The services that some box of the operator may find in its rows, told or silent, each with its weight. For staff."""
        known = self._known
        found = []
        for service, row in sorted(known.recorded.get(operator.id, {}).items()):
            launches = [for_every_box(one) for one in row.launches]
            switches = known.switches.get(service, ())
            decision = decide(service, operator, row.agreements, launches, _NO_BOX, now, switches=switches)
            agreement = in_force(row.agreements, now)
            if agreement is not None and decision.visible and decision.discoverability.reaches(Discoverability.ROW):
                found.append((service, agreement.prominence))
        return tuple(found)

    def _decide(
        self,
        known: _Known,
        service: ServiceId,
        operator: OperatorId | None,
        view: BoxView,
        at: Instant,
        known_at: Instant | None,
    ) -> Decision:
        records = _Records() if operator is None else known.recorded.get(operator, {}).get(service, _Records())
        switches: Iterable[Switch] = known.switches.get(service, ())
        if known_at is not None or known.switches_since is None or at < known.switches_since:
            switches = [one for one in known.recorded_switches if one.service == service]
        return decide(
            service,
            self._fleet.operator(operator),
            records.agreements,
            records.launches,
            view,
            at,
            known_at,
            self._model(view),
            switches,
        )

    def _kind(self, known: _Known, operator: OperatorId, view: BoxView) -> BoxView:
        """All that a decision looks at: the box itself too, where a launch may tell it from others of its kind."""
        if operator in known.tells_apart or view.box is None:
            return view
        of_operator = known.names.get(operator)
        if of_operator is not None and names(of_operator, view, self._model(view)):
            return view
        return msgspec.structs.replace(view, box=ANY_BOX, serial="")

    def _model(self, view: BoxView) -> BoxModel | None:
        return self._fleet.model(view.model) if view.model is not None else None

    def seen(self, operator: OperatorId | None, views: Sequence[BoxView], now: Instant, *, is_box: bool = False) -> Seen:
        """What a screen has now whose line has these boxes: all that any of them has; of the rest, what the first is told.

        With `is_box` the screen is the box itself: it has not what only the home's other screens have.
        """
        if operator is None:
            return _NOTHING
        found = [self._seen_by(operator, view, now) for view in views or (_NO_BOX,)]
        if not is_box:
            found = [one.others or one for one in found]
        if len(found) == 1:
            return found[0]
        direct = frozenset[ServiceId]().union(*(one.direct for one in found))
        told = {decision.service: decision for one in reversed(found) for decision in one.told if decision.service not in direct}
        return Seen(
            direct=direct,
            search=frozenset[ServiceId]().union(*(one.search for one in found)),
            row=frozenset[ServiceId]().union(*(one.row for one in found)),
            plays_on=frozenset[ServiceId]().union(*(one.plays_on for one in found)),
            told=tuple(told.values()),
            leaves=tuple(dict(pair for one in found for pair in one.leaves).items()),
            prominence=tuple(sorted({pair for one in found for pair in one.prominence})),
        )

    def seen_on(self, operator: OperatorId | None, box: BoxId, now: Instant) -> Seen:
        """`seen` of the box itself as it is now, by one look where nothing has changed since the last one."""
        known, kind = self._known, self._fleet.kind_of(box, now)
        if operator is None or kind is None:
            return self.seen(operator, [], now, is_box=True)
        before = known.kept_boxes.get(box)
        if before is not None and before[0] is kind and before[1] == operator and _holds(before[2], now):
            return before[2][2]
        found = self._kept_of(known, operator, self._view(kind), now)
        if len(known.kept_boxes) >= MAX_KEPT:
            known.kept_boxes.clear()
        known.kept_boxes[box] = kind, operator, found
        return found[2]

    def _seen_by(self, operator: OperatorId, view: BoxView, now: Instant) -> Seen:
        return self._kept_of(self._known, operator, view, now)[2]

    def _kept_of(self, known: _Known, operator: OperatorId, view: BoxView, now: Instant) -> tuple[Instant, Instant | None, Seen]:
        kind = self._kind(known, operator, view)
        kept = known.kept.get((operator, kind))
        if kept is not None and _holds(kept, now):
            return kept
        recorded = known.recorded.get(operator, {})
        found = _decide_all(self._fleet.operator(operator), recorded, kind, self._model(view), now, known.switches)
        changes = [next_decision(one.agreements, one.launches, now) for one in recorded.values()]
        if len(known.kept) >= MAX_KINDS:
            known.kept.clear()
        made = (now, min((at for at in changes if at is not None), default=None), found)
        known.kept[operator, kind] = made
        return made


def _holds(kept: tuple[Instant, Instant | None, Seen], now: Instant) -> bool:
    return kept[0] <= now and (kept[1] is None or now < kept[1])


def _names(records: Iterable[_Records]) -> frozenset[str]:
    """The boxes that any of these launches names or excludes."""
    sets = {some for one in records for launch in one.launches for some in (launch.named, launch.excluded)}
    return frozenset[str]().union(*sets)


def _tells_boxes_apart(launch: Launch) -> bool:
    """Whether it may tell any two boxes of one kind apart: those that it names are looked for by their names."""
    if 0 < launch.share < ALL_BOXES or not launch.rule:
        return 0 < launch.share < ALL_BOXES
    try:
        check(launch.rule)  # compiled here, on the feed's thread, and not in the first request
        return asks_for_one_box(launch.rule)
    except CarriageError:  # recorded under other bounds: it holds for no box, and each says so of itself
        return True


def _decide_all(
    operator: Operator | None,
    recorded: dict[ServiceId, _Records],
    view: BoxView,
    model: BoxModel | None,
    now: Instant,
    switches: dict[ServiceId, tuple[Switch, ...]],
) -> Seen:
    decisions = [
        decide(one, operator, row.agreements, row.launches, view, now, None, model, switches.get(one, ()))
        for one, row in recorded.items()
    ]

    own = {one.service: one.discoverability for one in decisions if one.visible}
    told = [one for one in decisions if one.shows not in (Shows.NOTHING, Shows.PLAYABLE)]
    plays_on = frozenset(one.service for one in decisions if one.plays_on)
    seen = _seen_of(own, plays_on, told, recorded, now)
    beyond = {one.service: one.elsewhere for one in decisions if one.elsewhere is not Discoverability.HIDDEN}
    beyond_on = frozenset(one.service for one in decisions if one.elsewhere_plays_on)
    if not (beyond or beyond_on):
        return seen
    still_told = [one for one in told if one.service not in beyond]
    return replace(seen, others=_seen_of(own | beyond, plays_on | beyond_on, still_told, recorded, now))


def _seen_of(
    found_by: Mapping[ServiceId, Discoverability],
    plays_on: frozenset[ServiceId],
    told: Sequence[Decision],
    recorded: Mapping[ServiceId, _Records],
    now: Instant,
) -> Seen:
    def within(least: Discoverability) -> frozenset[ServiceId]:
        return frozenset(one for one, reach in found_by.items() if reach.reaches(least))

    in_rows = within(Discoverability.ROW)
    ends = ((one, leaves_at(recorded[one].agreements, recorded[one].launches, now)) for one in in_rows)
    agreed = ((one, in_force(recorded[one].agreements, now)) for one in in_rows)
    return Seen(
        direct=within(Discoverability.DIRECT),
        search=within(Discoverability.SEARCH),
        row=in_rows,
        leaves=tuple((one, end) for one, end in ends if end is not None),
        prominence=tuple(sorted((one, agreement.prominence) for one, agreement in agreed if agreement and agreement.prominence)),
        plays_on=plays_on,
        told=tuple(told),
    )


class PartySight:
    """What a party may see: `catalogue.model.Sights` and `members.model.CarriedServices`, from three snapshots."""

    def __init__(self, carriage: Carriage, fleet: Fleet, members: Members, catalogue: Catalogue) -> None:
        self._carriage = carriage
        self._fleet = fleet
        self._members = members
        self._catalogue = catalogue
        self._barred: tuple[CatalogueView | None, frozenset[ServiceId]] = None, frozenset()
        self._pictures: dict[BoxModelId, tuple[BoxModel, Pixels | None, bool]] = {}

    def seen(self, party: Party, now: Instant) -> Seen:
        """The services that the party has now, and those of which it is told. A box without a household has none."""
        if party.household is None:
            return _NOTHING
        if party.kind is PartyKind.BOX and party.box is not None:
            return self._carriage.seen_on(party.operator, party.box, now)
        boxes = self._fleet.boxes_at(party.line, now)
        return self._carriage.seen(party.operator, [self._carriage.view_of(box, now) for box in boxes], now)

    def sight(self, party: Party, profile: str | None, now: Instant, *, playing: bool = False) -> Sight:
        """What the party may see as this profile; with None as its youngest. Raises ProfileNotFound, PinNeeded."""
        one, kids = self._eyes(party, profile, now, playing=playing)
        operator = self._fleet.operator(party.operator)
        max_height, takes_av1 = self._picture(self._fleet.model_of(party.box))
        seen = self.seen(party, now)
        services, searched, listed = (seen.plays_on if playing else seen.direct), seen.search, seen.row
        if kids:
            barred = self._not_for_kids()
            services, searched, listed = services - barred, searched - barred, listed - barred
        return Sight(
            services=services,
            searched=searched,
            listed=listed,
            prominence=() if kids else seen.prominence,
            kids=kids,
            max_age=one.age_class if one is not None else AGE_CLASSES[0],
            operator=party.operator,
            territory=operator.country if operator is not None else None,
            now=now,
            language=one.language if one is not None else DEFAULT_LANGUAGE,
            profile=one.id if one is not None and profile is not None else None,
            max_height=max_height,
            takes_av1=takes_av1,
        )

    def _picture(self, model: BoxModel | None) -> tuple[Pixels | None, bool]:
        """How high a picture a model shows, and whether it takes AV1: what it is declared to do, read once."""
        if model is None:
            return None, True
        kept = self._pictures.get(model.id)
        if kept is None or kept[0] is not model:
            kept = self._pictures[model.id] = model, model.max_height, model.takes_av1
        return kept[1], kept[2]

    def _eyes(self, party: Party, profile: str | None, now: Instant, *, playing: bool) -> tuple[Profile | None, bool]:
        """With whose eyes the party sees, and whether they are a child's. What plays already asks for no PIN again.

        It is not there for a child to whom its screen was given meanwhile.
        """
        if profile is None:
            return self._members.youngest(party.household), self.is_childs(party)
        one = self._members.watching(party, profile) if playing else self._members.opened(party, profile, now)
        return one, one.kids

    def is_childs(self, party: Party, profile: str | None = None) -> bool:
        """Whether a kids' profile is open on the party's screen, or is the one named."""
        named = (one.kids for one in self._members.profiles(party.household) if one.id == profile)
        return self._members.kids_here(party) is not None or any(named)

    def _not_for_kids(self) -> frozenset[ServiceId]:
        view, found = self._barred
        if view is not self._catalogue.view:
            view = self._catalogue.view
            found = partners_for_grown_ups(view)
            self._barred = view, found
        return found

    def services_of(self, party: Party, now: Instant) -> Sequence[Service]:
        """The services that the party may find by itself, by name."""
        barred = self._not_for_kids() if self.is_childs(party) else frozenset[ServiceId]()
        return self._named(self.seen(party, now).row - barred)

    def announced_to(self, party: Party, now: Instant) -> Sequence[tuple[Service, Decision]]:
        """The services that the party does not have and may be told of, by name, each with what it is told."""
        told = {decision.service: decision for decision in self.seen(party, now).told}
        return [(service, told[service.id]) for service in self._named(frozenset(told))]

    def leaving(self, party: Party, now: Instant) -> Sequence[tuple[Service, str]]:
        """The services that the party has and loses within `LEAVING_MS`, by name, each with the day in the operator's zone."""
        operator = self._fleet.operator(party.operator)
        if operator is None:
            return []
        ends = {service: end for service, end in self.seen(party, now).leaves if end - now <= LEAVING_MS}
        zone = ZoneInfo(operator.timezone)
        return [
            (service, datetime.fromtimestamp(ends[service.id] / 1000, zone).strftime("%Y-%m-%d"))
            for service in self._named(frozenset(ends))
        ]

    def _named(self, services: frozenset[ServiceId]) -> Sequence[Service]:
        known = self._catalogue.view.services
        return sorted((known[one] for one in services if one in known), key=lambda service: (service.name, service.id))
