"""A story of operators, boxes, agreements and launches in one TOML file, and how it is brought into being.

Whatever the file tells is told as dated facts: what is recorded already is left as it is, so that a file may be applied again,
and a changed one adds records and edits none. All of it comes in one transaction: `matinee diff` runs the very same and
takes it back.

Days and times in the file carry no zone: they are those of the operator that the fact is about. `today` names the day of the
story that a shifted one is told on: every date moves by as many days as lie between it and the real day, and no clock moves.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.engine import Connection

from matinee.app.scenario.told import (
    AgreementTold,
    DisputeTold,
    HomesTold,
    InterfaceTold,
    LaunchTold,
    ModelTold,
    Moment,
    MoveTold,
    OperatorTold,
    PlanTold,
    RolloutTold,
    Scenario,
    ServiceTold,
    SubscriptionTold,
    day_of,
)
from matinee.base.clock import HOUR, Instant
from matinee.base.errors import InvalidRequest, MatineeError
from matinee.base.ids import AgreementId, BoxId, DisputeId, LaunchId, LineId, RolloutId
from matinee.base.units import DurationMs
from matinee.carriage import rollout_store
from matinee.carriage import store as carriage
from matinee.carriage.model import Agreement, Blackout, Launch
from matinee.carriage.rollouts import Rollout
from matinee.carriage.trial import try_rule
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import AgeClass, Language, Seller, Service
from matinee.fleet import moves
from matinee.fleet import store as fleet
from matinee.fleet.buckets import ALL_BOXES
from matinee.fleet.model import BoxModel, Interface, Operator
from matinee.fleet.waves import Freeze, Wave
from matinee.interconnect import store as interconnect
from matinee.interconnect.model import Dispute, Network
from matinee.members import plan_store
from matinee.members import store as members
from matinee.members.model import Plan
from matinee.parties import store as parties

MAX_HOMES = 10_000
MAX_HOURS = 10_000
ACTOR = "matinee apply"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a scenario brings into being: its kind, and what is told of it."""

    kind: str
    what: str


def apply_scenario(conn: Connection, scenario: Scenario, now: Instant, *, shift_days: int = 0) -> Sequence[Change]:
    """Bring a scenario into being; what was new. Raises MatineeError, naming the part; then take the transaction back."""
    applying = _Applying(conn, scenario, now, shift_days)
    applying.run()
    return applying.changes


def days_until(scenario: Scenario, now: Instant) -> int:
    """The days to shift by so that the scenario's `today` is the real one. Raises InvalidRequest."""
    story = day_of(scenario.today, "today")
    return datetime.datetime.fromtimestamp(now / 1000, datetime.UTC).date().toordinal() - story.toordinal()


N = TypeVar("N")
D = TypeVar("D", Agreement, Launch, Dispute)


Place = tuple[str, str, str, int]
"""Which record: its kind, its operator, what it is about, and since when it holds."""


def _place(record: Agreement | Launch | Dispute) -> Place:
    about = record.network if isinstance(record, Dispute) else record.service
    return type(record).__name__, record.operator, about, record.valid_from


def _same(one: D, other: D) -> bool:
    """Whether two records tell the same, whenever each was known."""
    return msgspec.structs.replace(one, id=other.id, recorded_at=other.recorded_at) == other


def try_rules(scenario: Scenario) -> None:
    """Try every rule in a child process, before the transaction: a trial takes its time. Raises InvalidRequest."""
    for place, told in enumerate(scenario.launches):
        if told.rule:
            with _Named(f"launches[{place}]"):
                try_rule(told.rule, told.examples)


@dataclass(slots=True)
class _Applying:
    conn: Connection
    scenario: Scenario
    now: Instant
    shift_days: int
    changes: list[Change] = field(default_factory=list)
    services: dict[str, Service] = field(default_factory=dict)
    models: dict[str, BoxModel] = field(default_factory=dict)
    operators: dict[str, Operator] = field(default_factory=dict)
    networks: dict[str, Network] = field(default_factory=dict)
    plans: dict[tuple[str, str], Plan] = field(default_factory=dict)
    recorded: dict[Place, Agreement | Launch | Dispute] = field(default_factory=dict)
    told: set[Place] = field(default_factory=set)

    def run(self) -> None:
        day_of(self.scenario.today, "today")
        records: list[Agreement | Launch | Dispute] = [*carriage.all_agreements(self.conn), *carriage.all_launches(self.conn)]
        records += interconnect.all_disputes(self.conn)
        self.recorded = {_place(record): record for record in records}  # of several that begin at one moment, the newest
        for part, tell in (
            ("services", self._service),
            ("box_models", self._model),
            ("operators", self._operator),
            ("agreements", self._agreement),
            ("launches", self._launch),
            ("plans", self._plan),
            ("homes", self._homes),
            ("subscriptions", self._subscription),
            ("moves", self._move),
            ("disputes", self._dispute),
            ("rollouts", self._rollout),
        ):
            for place, told in enumerate(getattr(self.scenario, part)):
                with _Named(f"{part}[{place}]"):
                    tell(told)

    def _service(self, told: ServiceTold) -> None:
        known = {one.name for one in parties.all_publishers(self.conn)}
        name = told.publisher or told.name
        publisher = parties.ensure_publisher(self.conn, name, told.currency, self.now)
        if name not in known:
            self._new("publisher", name)
        there = {one.id for one in catalogue.all_services(self.conn)}
        made = catalogue.ensure_service(self.conn, publisher.id, told.name, self.now, told.kind)
        self.services[told.name] = made
        if made.id not in there:
            self._new("service", f"{told.name} ({told.kind.value})")

    def _model(self, told: ModelTold) -> None:
        there = {one.id for one in fleet.all_models(self.conn)}
        made = fleet.ensure_box_model(self.conn, told.oui, told.product_class, told.name, told.capabilities, self.now)
        if made.capabilities != told.capabilities:
            raise InvalidRequest(
                f"The box model {told.name!r} is there already, with other capabilities.",
                remedy="Tell of it as it is, or of a new product class.",
            )
        self.models[told.name] = made
        if made.id not in there:
            self._new("box model", told.name)

    def _operator(self, told: OperatorTold) -> None:
        there = {one.id for one in fleet.all_operators(self.conn)}
        made = fleet.ensure_operator(self.conn, told.name, told.country, told.timezone, self.now)
        self.operators[told.name] = made
        if made.id not in there:
            self._new("operator", told.name)

    def _agreement(self, told: AgreementTold) -> None:
        operator, service = self._of(self.operators, "operator", told.operator), self._of(self.services, "service", told.service)
        since, until = self._at(operator, "since", told.since), self._maybe(operator, "until", told.until)
        wanted = Agreement(
            id=AgreementId(""),
            operator=operator.id,
            service=service.id,
            status=told.status,
            valid_from=since,
            valid_to=until,
            recorded_at=self.now,
            reason=told.reason,
            territories=told.territories,
            billing=told.billing,
            prominence=told.prominence,
        )
        before = self._before(wanted)
        if before is not None and _same(before, wanted):
            return
        carriage.record_agreement(
            self.conn,
            operator.id,
            service.id,
            told.status,
            since,
            self.now,
            actor=ACTOR,
            valid_to=until,
            reason=told.reason,
            territories=told.territories,
            billing=told.billing,
            prominence=told.prominence,
            recorded_at=self._known(operator, told) if before is None else self.now,
        )
        self._new("agreement", f"{operator.name} and {service.name}: {told.status.value} since {told.since}")

    def _launch(self, told: LaunchTold) -> None:
        operator, service = self._of(self.operators, "operator", told.operator), self._of(self.services, "service", told.service)
        if not 0 <= told.percent <= 100:
            raise InvalidRequest(f"percent is {told.percent:g}.", remedy="Write 0 to 100.")
        share = round(told.percent * ALL_BOXES / 100)
        launch = Launch(
            id=LaunchId(""),
            operator=operator.id,
            service=service.id,
            state=told.state,
            valid_from=self._at(operator, "since", told.since),
            valid_to=self._maybe(operator, "until", told.until),
            recorded_at=self._known(operator, told),
            technical_at=self._maybe(operator, "technical_at", told.technical_at),
            announced_for=self._shifted_announcement(told.announced_for),
            embargo_until=self._maybe(operator, "embargo_until", told.embargo_until),
            discoverability=told.discoverability,
            models=tuple(self._of(self.models, "box model", name).id for name in told.models),
            interface=told.interface,
            named=told.named,
            excluded=told.excluded,
            rule=told.rule,
            share=share,
            salt=told.salt,
            blackouts=tuple(
                Blackout(start=self._at(operator, "start", one.start), end=self._at(operator, "end", one.end), reason=one.reason)
                for one in told.blackouts
            ),
            elsewhere=told.elsewhere,
            reason=told.reason,
        )
        before = self._before(launch)
        if before is not None:
            if _same(before, launch):
                return
            launch = msgspec.structs.replace(launch, recorded_at=self.now)
        carriage.record_launch(self.conn, launch, self.now, actor=ACTOR)
        text = f"{service.name} at {operator.name}: {told.state.value} since {told.since}"
        self._new("launch", f"{text}, announced for {launch.announced_for}" if launch.announced_for else text)

    def _plan(self, told: PlanTold) -> None:
        service = self._of(self.services, "service", told.service)
        made, is_new = plan_store.ensure_plan(self.conn, service, told.name, self.now, actor=ACTOR)
        self.plans[told.service, told.name] = made
        if is_new:
            self._new("plan", f"{told.name} of {told.service}")

    def _subscription(self, told: SubscriptionTold) -> None:
        operator = self._of(self.operators, "operator", told.operator)
        plan = self.plans.get((told.service, told.plan))
        if plan is None:
            raise InvalidRequest(
                f"There is no plan {told.plan!r} of {told.service!r} in this file.", remedy="Tell of it in plans."
            )
        household = members.household_named(self.conn, told.household)
        if household is None:
            raise InvalidRequest(
                f"There is no household {told.household!r}.", remedy="Of a home in this file: the operator's name and the serial."
            )
        since, until = self._at(operator, "since", told.since), self._maybe(operator, "until", told.until)
        seller = None if told.seller is Seller.US else operator.id
        same = (plan.id, seller, told.state, since, until)
        rows = plan_store.subscriptions_of(self.conn, [household])
        begun = [one for one in rows if (one.plan, one.operator, one.valid_from) == (plan.id, seller, since)]
        if any((one.plan, one.operator, one.state, one.valid_from, one.valid_to) == same for one in begun[-1:]):
            return
        plan_store.record_subscription(
            self.conn,
            household,
            plan,
            seller,
            told.state,
            self.now,
            actor=ACTOR,
            valid_from=since,
            valid_to=until,
            recorded_at=self.now if begun else self._known(operator, told),
        )
        self._new("subscription", f"{told.household} to {told.plan} of {told.service}: {told.state.value} since {told.since}")

    def _homes(self, told: HomesTold) -> None:
        operator, model = self._of(self.operators, "operator", told.operator), self._of(self.models, "box model", told.model)
        if not 1 <= told.count <= MAX_HOMES:
            raise InvalidRequest(f"count is {told.count:,}.", remedy=f"Write 1 to {MAX_HOMES:,}.")
        since = self._at(operator, "since", told.since)
        made = 0
        for number in range(1, told.count + 1):
            serial = told.serial if told.count == 1 else f"{told.serial}-{number:05d}"
            there = fleet.find_box(self.conn, model.id, serial)
            box = there.id if there is not None else self._home(told, operator, model, serial, since)
            made += there is None
            self._interfaces(box, operator, told.interfaces)
        if made:
            who = f"{made:,} x" if made > 1 else f"{told.serial},"
            self._new("homes", f"{who} {model.name} at {operator.name}")

    def _home(self, told: HomesTold, operator: Operator, model: BoxModel, serial: str, since: Instant) -> BoxId:
        box = fleet.add_box(self.conn, model.id, serial, told.label or model.name, self.now)
        line = fleet.ensure_line(self.conn, operator.id, f"line-{serial}", self.now)
        self._settle(line.id, box.id, f"{operator.name} {serial}", since)
        return box.id

    def _settle(self, line: LineId, box: BoxId, reference: str, since: Instant) -> None:
        known = min(since, self.now)
        fleet.assign_box(self.conn, box, line, since, known)
        household = members.ensure_household(self.conn, reference, self.now)
        members.assign_household(self.conn, line, household.id, since, known)
        members.ensure_profile(self.conn, household.id, "Salon", "#c8553d", AgeClass(18), Language("fr"), self.now)

    def _interfaces(self, box: BoxId, operator: Operator, told: Sequence[InterfaceTold]) -> None:
        there = {(one.interface, one.valid_from) for one in fleet.interfaces_of(self.conn, [box])}
        for one in told:
            since = self._at(operator, "since", one.since)
            interface = Interface(product=one.product, version=one.version)
            if (interface, since) not in there:
                fleet.record_interface(self.conn, box, interface, since, min(since, self.now))

    def _move(self, told: MoveTold) -> None:
        operator, model = self._of(self.operators, "operator", told.operator), self._of(self.models, "box model", told.model)
        box = fleet.find_box(self.conn, model.id, told.serial)
        if box is None:
            raise InvalidRequest(f"There is no box {told.serial!r} of that model.", remedy="Tell of it in homes, or import it.")
        since, known = self._at(operator, "since", told.since), self._known(operator, told)
        line = fleet.ensure_line(self.conn, operator.id, told.line, self.now) if told.line else None
        at = None if line is None else line.id
        if any((one.line, one.valid_from) == (at, since) for one in fleet.assignments_of(self.conn, [box.id])):
            return
        if line is not None:
            moves.move_box(self.conn, box.id, line, since, self.now, actor=ACTOR, known=known)
        else:
            moves.return_box(self.conn, box.id, since, self.now, actor=ACTOR, known=known)
        self._new("move", f"{told.serial} to {told.line or 'no line'} at {operator.name} since {told.since}")

    def _dispute(self, told: DisputeTold) -> None:
        operator = self._of(self.operators, "operator", told.operator)
        network = interconnect.ensure_network(self.conn, told.network)
        dispute = Dispute(
            id=DisputeId(""),
            operator=operator.id,
            network=network.id,
            state=told.state,
            valid_from=self._at(operator, "since", told.since),
            valid_to=self._maybe(operator, "until", told.until),
            recorded_at=self._known(operator, told),
            note=told.note,
        )
        before = self._before(dispute)
        if before is not None:
            if _same(before, dispute):
                return
            dispute = msgspec.structs.replace(dispute, recorded_at=self.now)
        interconnect.record_dispute(self.conn, dispute, self.now, actor=ACTOR)
        self._new("dispute", f"{operator.name} and {network.name}: {told.state.value}")

    def _rollout(self, told: RolloutTold) -> None:
        operator, service = self._of(self.operators, "operator", told.operator), self._of(self.services, "service", told.service)
        figures = [told.holdback, *(figure for one in told.waves for figure in (one.percent, one.soak_hours, one.timeout_hours))]
        if not all(0 <= figure <= MAX_HOURS for figure in figures):
            raise InvalidRequest(
                f"A percentage or a time is none, or over {MAX_HOURS:,}.", remedy="Write 0 to 100 percent, and hours."
            )
        wanted = Rollout(
            id=RolloutId(""),
            operator=operator.id,
            service=service.id,
            starts_at=self._at(operator, "starts", told.starts),
            recorded_at=self.now,
            waves=tuple(
                Wave(
                    share=round(one.percent * ALL_BOXES / 100),
                    sample=one.sample,
                    soak_ms=DurationMs(round(one.soak_hours * HOUR)),
                    timeout_ms=DurationMs(round(one.timeout_hours * HOUR)),
                    failing=one.failing,
                    stalling=one.stalling,
                    lost=one.lost,
                    on_timeout=one.on_timeout,
                    needs_approval=one.needs_approval,
                )
                for one in told.waves
            ),
            salt=told.salt,
            author=told.author,
            holdback=round(told.holdback * ALL_BOXES / 100),
            freezes=tuple(
                Freeze(start=self._at(operator, "start", one.start), end=self._at(operator, "end", one.end), reason=one.reason)
                for one in told.freezes
            ),
            on_error=told.on_error,
        )
        for before, _ in rollout_store.standing_rollouts(self.conn, operator.id, service.id):
            same = {"id": before.id, "recorded_at": before.recorded_at, "base": before.base}
            if msgspec.structs.replace(wanted, **same, salt=told.salt or before.salt) == before:
                return
        rollout_store.plan(self.conn, wanted, self.now)
        self._new("rollout", f"{service.name} at {operator.name} in {len(wanted.waves)} waves from {told.starts}")

    def _before(self, wanted: D) -> D | None:
        """The newest record that begins at the same moment: what is told otherwise now is a correction of it, known from now on.

        Raises InvalidRequest where this file tells of that moment twice.
        """
        place = _place(wanted)
        if place in self.told:
            raise InvalidRequest("This file tells of the same from the same moment on twice.", remedy="Write it once.")
        self.told.add(place)
        before = self.recorded.get(place)
        return before if isinstance(before, type(wanted)) else None

    def _new(self, kind: str, what: str) -> None:
        self.changes.append(Change(kind, what))

    @staticmethod
    def _of(known: dict[str, N], kind: str, name: str) -> N:
        found = known.get(name)
        if found is None:
            names = ", ".join(sorted(known)) or "none"
            raise InvalidRequest(f"There is no {kind} {name!r} in this file.", remedy=f"It tells of {names}.")
        return found

    def _known(self, operator: Operator, told: AgreementTold | LaunchTold | MoveTold | DisputeTold | SubscriptionTold) -> Instant:
        """When a fact was known: as the file says, and never after now."""
        if told.known is not None:
            return min(self._at(operator, "known", told.known), self.now)
        return min(self._at(operator, "since", told.since), self.now) if self.scenario.retold else self.now

    def _maybe(self, operator: Operator, name: str, text: Moment | None) -> Instant | None:
        return None if text is None else self._at(operator, name, text)

    def _at(self, operator: Operator, name: str, text: Moment) -> Instant:
        """A local day or time at the operator's, shifted by whole days: 18:00 stays 18:00 where the hour changes."""
        try:
            moment = datetime.datetime.fromisoformat(text) + datetime.timedelta(days=self.shift_days)
            if moment.tzinfo is not None:
                raise ValueError("names a time zone")
            return Instant(round(moment.replace(tzinfo=ZoneInfo(operator.timezone)).timestamp() * 1000))
        except (ValueError, OverflowError) as error:
            raise InvalidRequest(
                f"{name} is no day or time: {text!r}.", remedy="Write 2014-10-02 or 2014-10-02T18:00:00, with no time zone."
            ) from error

    def _shifted_announcement(self, text: str) -> str:
        """A day shifts by days; a month becomes the one that its middle falls into. What is neither is refused when recorded."""
        if not text or self.shift_days == 0:
            return text
        month = len(text) == len("2014-11")
        day = day_of(f"{text}-15" if month else text, "announced_for") + datetime.timedelta(days=self.shift_days)
        return day.isoformat()[:7] if month else day.isoformat()


class _Named:
    """Say in which part of the file something is wrong."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, MatineeError):
            raise InvalidRequest(f"{self._place}: {error.message}", remedy=error.remedy) from error
        if isinstance(error, msgspec.ValidationError):
            raise InvalidRequest(f"{self._place}: {error}.", remedy="Mend that field.") from error
