"""Who is told of what: a table of what happens, and which sides hear of it; everybody listens, and nobody hears of another's."""

import itertools
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from matinee.app.rollouts import PlayerMeasures
from matinee.app.telling import STATUS
from matinee.base.clock import HOUR, MINUTE, SECOND, Instant
from matinee.base.ids import OperatorId, PublisherId, RolloutId, new_id
from matinee.base.party import SideKey, operator_side, publisher_side
from matinee.base.units import DurationMs
from matinee.carriage import rollout_store, rollout_work
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus, LaunchState, Switch
from matinee.carriage.rollouts import Rollout
from matinee.catalogue import store as catalogue
from matinee.fleet import key_store
from matinee.fleet import store as fleet
from matinee.fleet.model import Additions, Box, BoxIdentity
from matinee.fleet.snapshot import Fleet
from matinee.fleet.waves import EventKind, Phase, Wave
from matinee.members import account_store, plan_store
from matinee.members import store as members
from matinee.members.contracts import Act, BillingEvent
from matinee.members.leaving import HomesLines
from matinee.members.model import SubscriptionState
from matinee.members.selling import Selling
from matinee.members.snapshot import Members
from matinee.outside.database import Database
from matinee.parties import outbox
from matinee.parties.hooks import DomainEvent, EventType, told_to
from tests.app.hubs import MASTER, Heard, Hub, hub, listening, on_sqlite
from tests.catalogue.factories import film

SIDES = ("studio", "rival", "a", "b")


def _boxes(there: Hub, operator: OperatorId, count: int) -> list[Box]:
    with there.database.write() as conn:
        model = fleet.ensure_box_model(conn, "00AFFF", "NEW", "Newer", {}, there.now)
        line = fleet.ensure_line(conn, operator, f"line of {operator}", there.now)
        made = [fleet.add_box(conn, model.id, f"{operator} {number}", "Salon", there.now) for number in range(count)]
        for box in made:
            fleet.assign_box(conn, box.id, line.id, there.now, there.now)
        return made


def _switch(there: Hub, *where: OperatorId | None) -> None:
    there.now = Instant(there.now + SECOND)
    with there.database.write() as conn:
        standing = [
            Switch(
                service=there.service, operator=one, is_off=True, ends_plays=False, valid_from=there.now, recorded_at=there.now
            )
            for one in where
        ]
        carriage.follow_switches(conn, standing, there.now, actor="test")


def _quarantine(there: Hub) -> None:
    box, loose = _boxes(there, there.a, 2)
    with there.database.write() as conn:
        fleet.assign_box(conn, loose.id, None, there.now, there.now)
        fleet.record_many(conn, Additions(quarantined=[box.id, loose.id]), there.now)


def _release(there: Hub) -> None:
    _quarantine(there)
    with there.database.write() as conn:
        (box,) = fleet.boxes_named(conn, f"{there.a} 0")
        key_store.release_box(conn, box.id, there.now, actor="test")


def _publish(there: Hub) -> None:
    made = film("Le Phare", publisher=there.studio, service=there.service)
    with there.database.write() as conn:
        catalogue.insert_many(conn, [made], there.now)
        catalogue.remove(conn, PublisherId(there.studio), made.id, there.now)


def _new_service(there: Hub) -> None:
    with there.database.write() as conn:
        catalogue.ensure_service(conn, PublisherId(there.rival), "Another", there.now)


def _sell(there: Hub, operator: OperatorId | None) -> None:
    with there.database.write() as conn:
        household = members.ensure_household(conn, "a home", there.now).id
        service = catalogue.service_of(conn, there.service)
        plan, _ = plan_store.ensure_plan(conn, service, "Everything", there.now, actor="test")
        active = SubscriptionState.ACTIVE
        plan_store.record_subscription(conn, household, plan, operator, active, there.now, actor="test")


def _tell_of_an_account(there: Hub) -> None:
    """Of a home that is not known yet."""
    with there.database.write() as conn:
        service = catalogue.service_of(conn, there.service)
        plan, _ = plan_store.ensure_plan(conn, service, "Everything", there.now, actor="test")
        account = account_store.add_account(conn, there.a, service.id, None, there.now)
        event = BillingEvent(id="e", act=Act.ACTIVATE, at=there.now, plan=plan.id, by_link=True)
        Selling(conn, HomesLines(Members(), Fleet()), there.now, "test").take(account, event, {}, ZoneInfo("UTC"))


AGREEMENT, LAUNCH, SWITCH = EventType.AGREEMENT, EventType.LAUNCH, EventType.SWITCH
BOX, SUBSCRIPTION = EventType.BOX_IDENTITY, EventType.SUBSCRIPTION
HAPPENS: list[tuple[str, Callable[[Hub], object], dict[str, list[EventType]]]] = [
    ("an agreement ends", lambda hub: hub.agree(hub.a, AgreementStatus.ENDED), {"studio": [AGREEMENT], "a": [AGREEMENT]}),
    ("one is refused", lambda hub: hub.agree(hub.b, AgreementStatus.REFUSED), {"studio": [AGREEMENT], "b": [AGREEMENT]}),
    ("a silent launch at A", lambda hub: hub.launch(hub.a, LaunchState.SILENT), {"studio": [LAUNCH], "a": [LAUNCH]}),
    ("a launch at B", lambda hub: hub.launch(hub.b, LaunchState.PLANNED), {"studio": [LAUNCH], "b": [LAUNCH]}),
    ("the rival's at B", lambda hub: hub.launch(hub.b, LaunchState.SILENT, hub.other), {"rival": [LAUNCH], "b": [LAUNCH]}),
    ("a switch at A", lambda hub: _switch(hub, hub.a), {"studio": [SWITCH], "a": [SWITCH]}),
    ("a switch at B", lambda hub: _switch(hub, hub.b), {"studio": [SWITCH], "b": [SWITCH]}),
    ("a switch everywhere", lambda hub: _switch(hub, None), {"studio": [SWITCH], "a": [SWITCH]}),
    ("boxes in quarantine, one at no line", _quarantine, {"a": [BOX]}),
    ("one let out", _release, {"a": [BOX, BOX]}),
    ("a title comes and goes", _publish, {"studio": [EventType.TITLE_CREATED, EventType.TITLE_DELETED]}),
    ("the service itself sells", lambda hub: _sell(hub, None), {"studio": [SUBSCRIPTION]}),
    ("A sells", lambda hub: _sell(hub, hub.a), {"studio": [SUBSCRIPTION], "a": [SUBSCRIPTION]}),
    ("A's link waits for its home", _tell_of_an_account, {"studio": [SUBSCRIPTION], "a": [SUBSCRIPTION]}),
    ("a service comes", _new_service, {"rival": [EventType.SERVICE_CREATED]}),
]  # fmt: skip


def _world(there: Hub) -> None:
    there.agree(there.a)
    there.agree(there.b, service=there.other)
    there.agree(there.a, AgreementStatus.REFUSED, there.other)


@pytest.mark.parametrize(("shows", "happens", "hear"), HAPPENS, ids=[row[0] for row in HAPPENS])
def test_each_side_is_told_of_its_own_alone(
    tmp_path: Path, shows: str, happens: Callable[[Hub], object], hear: dict[str, list[EventType]]
) -> None:
    with on_sqlite(tmp_path) as database, hub(database) as there, listening() as listener:
        _world(there)
        secrets = {side: there.register(side, listener.url)["secret"] for side in SIDES}
        happens(there)
        there.round()
        heard = {side: [one for one in listener.heard if one.is_signed_by(secrets[side])] for side in SIDES}
        assert {side: [one.event["eventType"] for one in found] for side, found in heard.items() if found} == hear, shows
        assert len({one.id for one in listener.heard}) == len(listener.heard), "no id is the same for two sides"
        own = {"studio": {there.studio, there.service, "Cinéma"}, "rival": {there.rival, there.other, "Théâtre"}}
        for side, stranger in (("studio", "rival"), ("rival", "studio")):
            assert not any(word.encode() in one.body for one in heard[side] for word in own[stranger])
        for side, other in (("a", there.b), ("b", there.a)):
            assert not any(other.encode() in one.body for one in heard[side])
        assert not any(b"not for all eyes" in one.body for one in listener.heard), "reasons are for staff"


def test_a_switch_everywhere_is_told_to_each_operator_as_it_stands_there(any_database: Database) -> None:
    with hub(any_database) as there, listening() as listener:
        there.agree(there.a)
        there.agree(there.b)
        secrets = {side: there.register(side, listener.url)["secret"] for side in SIDES}
        _switch(there, None)
        _switch(there, None, there.a)
        _switch(there, None)
        _switch(there)
        there.round()

        def told(side: str) -> list[tuple[str, str | None]]:
            found = [one.event["event"]["switch"] for one in listener.heard if one.is_signed_by(secrets[side])]
            return [(one["state"], (one["operator"] or {}).get("name")) for one in found]

        assert told("studio") == [("off", None), ("off", "A"), ("on", "A"), ("on", None)]
        assert told("a") == [("off", "A"), ("off", "A"), ("off", "A"), ("on", "A")], "off until both are taken back"
        assert told("b") == [("off", "B"), ("on", "B")]


def test_a_rollout_is_told_step_by_step_with_why(any_database: Database, tmp_path: Path) -> None:
    with hub(any_database) as there, listening() as studio, listening() as operator, listening() as others:
        there.agree(there.a)
        _boxes(there, there.a, 40)
        there.launch(there.a, LaunchState.SILENT, share=0)
        query = f"eventType={EventType.ROLLOUT}"
        for side, listener in (("studio", studio), ("a", operator), ("b", others), ("rival", others)):
            there.register(side, listener.url, query)
        wave = Wave(share=5_000, sample=1, soak_ms=DurationMs(MINUTE), timeout_ms=DurationMs(HOUR), failing=5.0)
        last = msgspec.structs.replace(wave, share=10_000, needs_approval=True)
        wanted = Rollout(
            id=RolloutId(""),
            operator=there.a,
            service=there.service,
            starts_at=there.now,
            recorded_at=there.now,
            waves=(wave, last),
            salt="",
            author="Planner",
        )
        with there.database.write() as conn:
            plan = rollout_store.plan(conn, wanted, there.now)
        there.now = Instant(there.now + SECOND)
        rollout_work.advance_all(there.database, PlayerMeasures(tmp_path, there.clock), there.now)
        with there.database.write() as conn:
            rollout_store.append(conn, plan, EventKind.HALTED, 0, there.now, "rollout", "On 3 boxes of 20 a film failed.")
            rollout_store.resume(conn, plan, "Somebody", there.now)
            rollout_store.append(conn, plan, EventKind.SUCCEEDED, 0, there.now, "rollout", "20 boxes reported.")
            rollout_store.approve(conn, plan, "Somebody", there.now)
            rollout_store.append(conn, plan, EventKind.SUCCEEDED, 1, there.now, "rollout", "40 boxes reported.")
        there.round()
        told = [one.event["event"]["rollout"] for one in studio.heard]
        assert [(one["state"], one["status"], one["wave"], one["percent"]) for one in told] == [
            ("waiting", "created", 1, 50),
            ("running", "active", 1, 50),
            ("halted", "suspended", 1, 50),
            ("waiting", "created", 1, 50),
            ("waiting_for_approval", "pendingActive", 2, 100),
            ("waiting", "created", 2, 100),
            ("finished", "terminated", 2, 100),
        ]
        assert told[2]["statusReason"] == "On 3 boxes of 20 a film failed."
        assert [one.event["event"] for one in operator.heard] == [one.event["event"] for one in studio.heard]
        assert others.heard == []
        assert not any(b"Somebody" in one.body or b"Planner" in one.body for one in studio.heard), "people are no part of it"


def test_ids_tell_neither_how_many_nor_when(any_database: Database) -> None:
    """A side hears every other event; what lies between shows neither in its ids nor in any number of what it is sent."""
    with hub(any_database) as there, listening() as listener:
        there.agree(there.a)
        there.agree(there.b)
        there.register("a", listener.url)
        for _ in range(8):
            there.launch(there.a, LaunchState.SILENT)
            there.launch(there.b, LaunchState.SILENT)
        there.round()
        ids = [one.id for one in listener.heard]
        assert len(ids) == 8
        assert ids != sorted(ids), "they do not rise with time"
        with there.database.read() as conn:
            numbers = {event.seq for event in outbox.after(conn, 0)}
        assert not numbers & {number for one in listener.heard for number in _numbers(one)}
        assert len(ids) == len(set(ids))
        assert MASTER.mark(f"event\n{operator_side(there.a)}\n1\n0") != MASTER.mark(f"event\n{operator_side(there.b)}\n1\n0")


def _numbers(heard: Heard) -> set[int]:
    """Whole numbers that stand in a body by themselves, but those of what it is about (times, and 100 percent)."""
    return {int(found) for found in re.findall(rb":(\d+)[,}]", heard.body)} - {100}


PUBLISHER, OTHER = PublisherId(new_id()), PublisherId(new_id())
OPERATOR, ANOTHER = OperatorId(new_id()), OperatorId(new_id())
TOLD: list[tuple[str, PublisherId | None, set[OperatorId], set[SideKey]]] = [
    ("a publisher's", PUBLISHER, set(), {publisher_side(PUBLISHER)}),
    ("an operator's", None, {OPERATOR}, {operator_side(OPERATOR)}),
    ("of both", PUBLISHER, {OPERATOR}, {publisher_side(PUBLISHER), operator_side(OPERATOR)}),
    ("of several operators", None, {OPERATOR, ANOTHER}, {operator_side(OPERATOR), operator_side(ANOTHER)}),
    ("nobody's", None, set(), set()),
]


@pytest.mark.parametrize(("shows", "publisher", "operators", "hear"), TOLD, ids=[row[0] for row in TOLD])
def test_told_to(shows: str, publisher: PublisherId | None, operators: set[OperatorId], hear: set[SideKey]) -> None:
    event = DomainEvent(
        type=EventType.LAUNCH,
        domain="Carriage",
        concerns="",
        at=Instant(0),
        says="",
        resource={},
        publisher=publisher,
        operators=frozenset(operators),
    )
    everybody = [publisher_side(one) for one in (PUBLISHER, OTHER)] + [operator_side(one) for one in (OPERATOR, ANOTHER)]
    odd = [SideKey(""), SideKey("publisher:"), SideKey("operator:"), SideKey("publisher:None"), SideKey(f"operator:{PUBLISHER}")]
    assert {one for one in everybody + odd if told_to(event, one)} == hear, shows


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (catalogue.TITLE_TOPIC, {"change": catalogue.PUBLISHED}),
        (carriage.TOPIC, {"kind": carriage.LAUNCH_RECORDED, "state": "unheard of"}),
        (fleet.TOPIC, {"kind": fleet.IDENTITY_CHANGED, "identity": "odd", "boxes": [["box", "serial", "operator"]]}),
        (carriage.TOPIC, {"kind": carriage.SWITCHED, "service": [], "at": 7}),
    ],
)
def test_a_row_that_cannot_be_read_holds_up_no_other(tmp_path: Path, topic: str, payload: dict[str, object]) -> None:
    """As a process of another version may have written it."""
    with on_sqlite(tmp_path) as database, hub(database) as there, listening() as listener:
        there.register("studio", listener.url)
        with database.write() as conn:
            outbox.append(conn, topic, "x", payload, there.now)
        there.agree(there.a)
        there.round()
        assert listener.types == [AGREEMENT]


def test_every_word_of_ours_has_one_of_tm_forums() -> None:
    kinds: dict[str, type[StrEnum]] = {
        "agreement": AgreementStatus,
        "launch": LaunchState,
        "rollout": Phase,
        "subscription": SubscriptionState,
        "identity": BoxIdentity,
    }
    ours = set(itertools.chain.from_iterable([f"{kind} {word}" for word in words] for kind, words in kinds.items()))
    assert set(STATUS) == ours | {"switch on", "switch off"}
    assert set(STATUS.values()) <= {
        "created", "pendingActive", "active", "suspended", "pendingTerminate", "terminated", "cancelled", "aborted",
    }  # fmt: skip
