"""Waves: tables of (what it shows, what boxes report, what the wave does), then whole rollouts over a real database."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.app.rollouts import LOST_AFTER_MS, PlayerMeasures
from matinee.base.clock import DAY, HOUR, MINUTE, Instant
from matinee.base.ids import BoxId, OperatorId, PackageId, RolloutId, ServiceId, SessionId, new_id
from matinee.base.units import DurationMs
from matinee.carriage import rollout_store as store
from matinee.carriage.model import CarriageError, Launch, LaunchState
from matinee.carriage.rollout_work import advance_all
from matinee.carriage.rollouts import BoxMeasure, OnError, Rollout, check_rollout, next_step
from matinee.carriage.store import record_launch
from matinee.fleet import store as fleet
from matinee.fleet.buckets import ALL_BOXES, bucket
from matinee.fleet.waves import EventKind, Freeze, OnTimeout, Phase, Standing, Wave, added_by
from matinee.outside.database import Database
from matinee.parties import audit
from matinee.telemetry.model import Event, Kind
from matinee.telemetry.store import EventFiles
from tests.world import NOW, World


def wave(share: int = 1000, **changes: Any) -> Wave:
    words = {"sample": 10, "soak_ms": DurationMs(HOUR), "timeout_ms": DurationMs(DAY), "failing": 20.0} | changes
    return Wave(share=share, **words)


def plan(*waves: Wave, **changes: Any) -> Rollout:
    words: dict[str, Any] = {"operator": OperatorId("o"), "service": ServiceId("s"), "salt": "t", "author": "Planner"} | changes
    times = {"starts_at": NOW, "recorded_at": NOW} | {key: words.pop(key) for key in ("starts_at", "recorded_at") if key in words}
    return Rollout(id=RolloutId("r"), waves=waves or (wave(), wave(10_000)), **times, **words)


def reports(good: int, failing: int = 0, stalling: int = 0, lost: int = 0) -> list[BoxMeasure]:
    kinds = ["good"] * good + ["failing"] * failing + ["stalling"] * stalling + ["lost"] * lost
    return [
        BoxMeasure(box=BoxId(f"b{n}"), is_failing=kind == "failing", is_stalling=kind == "stalling", is_lost=kind == "lost")
        for n, kind in enumerate(kinds)
    ]


RUNS: list[tuple[str, Wave, list[BoxMeasure], int, EventKind | None]] = [
    ("nobody reported, its time is not over", wave(), reports(0), 2 * HOUR, None),
    ("all fail, and they are too few to count", wave(), reports(0, 9), HOUR // 2, None),
    ("one more, and it halts", wave(), reports(0, 10), HOUR // 2, EventKind.HALTED),
    ("just at the limit", wave(), reports(8, 2), HOUR // 2, None),
    ("just over it", wave(), reports(8, 3), HOUR // 2, EventKind.HALTED),
    ("stalls count where they are limited", wave(stalling=5.0), reports(9, 0, 1), HOUR // 2, EventKind.HALTED),
    ("and not where they are not", wave(), reports(5, 0, 5), HOUR // 2, None),
    ("boxes that do not come back", wave(lost=5.0), reports(9, lost=1), HOUR // 2, EventKind.HALTED),
    ("enough, and all is well, but not for long enough", wave(), reports(10), HOUR - 1, None),
    ("for long enough", wave(), reports(10), HOUR, EventKind.SUCCEEDED),
    ("a limit counts at the end too", wave(), reports(7, 3), HOUR, EventKind.HALTED),
    ("too few until the end: halted, not hung", wave(), reports(9), DAY, EventKind.HALTED),
    ("too few until the end, and that is well", wave(on_timeout=OnTimeout.NEXT), reports(2), DAY, EventKind.SUCCEEDED),
    ("all boxes are off, and that is well", wave(on_timeout=OnTimeout.NEXT), reports(0), DAY, EventKind.SUCCEEDED),
]


@pytest.mark.parametrize(("shows", "step", "said", "ran", "expected"), RUNS)
def test_what_a_running_wave_does(shows: str, step: Wave, said: list[BoxMeasure], ran: int, expected: EventKind | None) -> None:
    running = Standing(phase=Phase.RUNNING, wave=0, since=NOW)
    done = next_step(plan(step), Instant(NOW + ran), running, said)
    assert (None if done is None else done[0]) is expected, shows
    if expected is EventKind.HALTED:
        assert done is not None
        assert str(len(said)) in done[1], "it says why, with the figures"


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.integers(1, 40), st.integers(0, 60))
def test_it_halts_at_the_very_box_that_passes_the_limit(fails: list[bool], sample: int, limit: int) -> None:
    step = wave(sample=sample, failing=float(limit), soak_ms=DurationMs(DAY))
    running = Standing(phase=Phase.RUNNING, wave=0, since=NOW)
    halted_at = None
    said: list[BoxMeasure] = []
    for number, failed in enumerate(fails):
        said.append(BoxMeasure(box=BoxId(f"b{number}"), is_failing=failed, is_stalling=False, is_lost=False))
        if next_step(plan(step), NOW, running, said) is not None:
            halted_at = number + 1
            break
    # The same, told another way: the first count of boxes, not under the sample, of which more than the limit failed.
    expected = next((n for n in range(sample, len(fails) + 1) if sum(fails[:n]) / n > limit / 100), None)
    assert halted_at == expected


@given(st.integers(1, 9_998), st.integers(1, 9_999), st.text(min_size=1, max_size=8), st.text(max_size=30))
def test_a_wave_adds_what_the_ones_before_have_not_and_takes_nothing(first: int, more: int, salt: str, box: str) -> None:
    second = min(first + more, ALL_BOXES)
    rollout = plan(wave(first), wave(second), salt=salt)
    place = bucket(salt, BoxId(box), ALL_BOXES)
    assert [added_by(rollout, number, BoxId(box)) for number in (0, 1)] == [place < first, first <= place < second]


NEVER: list[tuple[str, Rollout, str]] = [
    ("a smaller share", plan(wave(2000), wave(1000)), "waves[1]"),
    ("the same share", plan(wave(2000), wave(2000)), "waves[1]"),
    ("over what is held back", plan(wave(9_500), holdback=1000), "90"),
    ("a sample over the boxes", plan(wave(100, sample=11)), "never be met"),
    ("no limit at all", plan(wave(failing=None)), "nothing would ever halt"),
    ("a limit that cannot be passed", plan(wave(failing=100.0)), "never be passed"),
    ("a limit under nothing", plan(wave(lost=-1.0)), "never be passed"),
    ("a timeout before the soak", plan(wave(timeout_ms=DurationMs(HOUR - 1))), "timeout"),
    ("no sample", plan(wave(sample=0)), "sample"),
    ("nobody's plan", plan(author=" "), "author"),
    ("a freeze backwards", plan(freezes=(Freeze(start=Instant(5), end=Instant(5)),)), "ends before"),
    (
        "freezes that overlap",
        plan(freezes=(Freeze(start=Instant(0), end=Instant(9)), Freeze(start=Instant(8), end=Instant(10)))),
        "overlap",
    ),
]


@pytest.mark.parametrize(("shows", "rollout", "says"), NEVER)
def test_a_plan_that_could_not_be(shows: str, rollout: Rollout, says: str) -> None:
    with pytest.raises(CarriageError) as caught:
        check_rollout(rollout, boxes=1000)
    assert says in f"{caught.value.message} {caught.value.remedy}", shows


def test_a_plan_without_waves_and_one_that_would_take_the_service_away() -> None:
    check_rollout(plan(base=500), boxes=1000)
    for rollout in (plan_of([]), plan(base=1000), plan(base=1001)):
        with pytest.raises(CarriageError):
            check_rollout(rollout, boxes=1000)


def plan_of(waves: Sequence[Wave]) -> Rollout:
    return msgspec.structs.replace(plan(), waves=tuple(waves))


class SetMeasures:
    """What boxes report, as a test sets it."""

    def __init__(self) -> None:
        self.said: list[BoxMeasure] = []

    def since(self, operator: OperatorId, service: ServiceId, since: Instant, now: Instant) -> Sequence[BoxMeasure]:
        return self.said


class Spread:
    """A world of eighty boxes at an operator whose launch is for none of them yet."""

    def __init__(self, database: Database) -> None:
        self.world = World(database)
        self.measures = SetMeasures()
        with database.write() as conn:
            self.boxes = [fleet.ensure_box(conn, self.world.model.id, f"x{n}", "", NOW).id for n in range(80)]
            line = fleet.ensure_line(conn, self.world.orange, "many", NOW).id
            for box in self.boxes:
                fleet.assign_box(conn, box, line, NOW, NOW)
        self.world.switch(self.world.orange, self.world.cinema, LaunchState.SILENT.value, share=0, salt="t")

    def plan(self, *waves: Wave, **changes: Any) -> Rollout:
        wanted = plan(*waves, operator=self.world.orange, service=self.world.cinema.id, **changes)
        with self.world.database.write() as conn:
            made = store.plan(conn, wanted, self.world.now)
        self.world.feed.poll()
        return made

    def tick(self, ms: int = 1) -> list[EventKind]:
        self.world.now = Instant(self.world.now + ms)
        happened = advance_all(self.world.database, self.measures, self.world.now)
        self.world.feed.poll()
        return [event.kind for _, event in happened]

    def stands(self) -> Standing:
        with self.world.database.read() as conn:
            return store.standing_rollouts(conn)[-1][1]

    def having(self) -> set[BoxId]:
        carriage, now = self.world.carriage, self.world.now
        return {box for box in self.boxes if carriage.explain(box, self.world.cinema.id, now).visible}

    def report(self, boxes: Sequence[BoxId], failing: int = 0) -> None:
        self.measures.said = [
            BoxMeasure(box=box, is_failing=number < failing, is_stalling=False, is_lost=False) for number, box in enumerate(boxes)
        ]

    def act(self, what: Any, rollout: Rollout, actor: str) -> None:
        with self.world.database.write() as conn:
            what(conn, rollout, actor, self.world.now)


@pytest.fixture
def spread(any_database: Database) -> Spread:
    return Spread(any_database)


def test_wave_by_wave_to_the_end_and_each_only_adds(spread: Spread) -> None:
    rollout = spread.plan(wave(2500, sample=5), wave(5000, sample=5), wave(9000, sample=5), holdback=1000)
    assert spread.having() == set()
    before: set[BoxId] = set()
    for share in (2500, 5000, 9000):
        assert spread.tick() == [EventKind.BEGUN]
        having = spread.having()
        assert before < having
        assert having == {box for box in spread.boxes if bucket("t", box, ALL_BOXES) < share}
        spread.report(sorted(before), failing=len(before))
        assert spread.tick(HOUR) == [], "what earlier waves' boxes report says nothing of this one"
        spread.report(sorted(having - before))
        assert spread.tick() == [EventKind.SUCCEEDED]
        before = having
    assert spread.stands().phase is Phase.FINISHED
    assert spread.tick(DAY) == []
    assert len(before) < 80, "the holdback never has it"
    with spread.world.database.read() as conn:
        assert [one.kind for one in store.events_of(conn, rollout.id)] == [EventKind.BEGUN, EventKind.SUCCEEDED] * 3
        assert audit.first_broken(conn) is None
    # The past is told by launch records alone.
    begun = store_events(spread, rollout)[2].at
    earlier = spread.world.carriage.explain(max(before, key=lambda box: bucket("t", box, ALL_BOXES)), rollout.service, begun)
    assert not earlier.visible


def store_events(spread: Spread, rollout: Rollout) -> Any:
    with spread.world.database.read() as conn:
        return store.events_of(conn, rollout.id)


@pytest.mark.parametrize(
    ("on_error", "left", "state"),
    [(OnError.STOP, 5000, "silent"), (OnError.BACK, 2500, "silent"), (OnError.PAUSE, 0, "paused")],
)
def test_what_becomes_of_boxes_when_a_wave_halts(spread: Spread, on_error: OnError, left: int, state: str) -> None:
    rollout = spread.plan(wave(2500, sample=5), wave(5000, sample=5), on_error=on_error)
    spread.tick()
    first = spread.having()
    spread.report(sorted(first))
    assert spread.tick(HOUR) == [EventKind.SUCCEEDED]
    assert spread.tick() == [EventKind.BEGUN]
    added = sorted(spread.having() - first)
    spread.report(added, failing=len(added) // 2)
    assert spread.tick() == [EventKind.HALTED]
    assert spread.having() == {box for box in spread.boxes if bucket("t", box, ALL_BOXES) < left}
    assert "a film failed" in spread.stands().says
    assert spread.tick(7 * DAY) == [], "halted is halted"
    with spread.world.database.read() as conn:
        launch = store.launch_now(conn, rollout.operator, rollout.service, spread.world.now)
    assert launch is not None
    assert launch.state == state
    if on_error is OnError.PAUSE:
        assert "a film failed" in launch.reason
        return
    spread.act(store.resume, rollout, "Somebody")
    assert spread.tick() == [EventKind.BEGUN]


def test_offline_boxes_never_hang_a_wave(spread: Spread) -> None:
    spread.plan(wave(5000, sample=5))
    assert spread.tick() == [EventKind.BEGUN]
    assert spread.tick(DAY - 2) == []
    assert spread.tick(2) == [EventKind.HALTED]
    assert "0 boxes of at least 5" in spread.stands().says


def test_an_approval_takes_two_and_a_freeze_holds_a_wave_back(spread: Spread) -> None:
    thaw = Instant(spread.world.now + 2 * HOUR)
    freeze = Freeze(start=spread.world.now, end=thaw)
    rollout = spread.plan(wave(5000, sample=5, needs_approval=True), freezes=(freeze,), starts_at=Instant(NOW + HOUR))
    assert spread.tick(3 * HOUR) == []
    assert spread.stands().phase is Phase.WAITING_FOR_APPROVAL
    with pytest.raises(CarriageError, match="planned"):
        spread.act(store.approve, rollout, " planner ")
    spread.world.now = Instant(thaw - 2)
    spread.act(store.approve, rollout, "Somebody else")
    assert spread.tick() == [], "frozen"
    assert spread.tick() == [EventKind.BEGUN]
    with pytest.raises(CarriageError, match="waits for no approval"):
        spread.act(store.approve, rollout, "Somebody else")


def test_staff_come_first(spread: Spread) -> None:
    rollout = spread.plan(wave(2500, sample=5), wave(5000, sample=5))
    spread.tick()
    spread.world.switch(spread.world.orange, spread.world.cinema, LaunchState.PAUSED.value, share=2500, salt="t")
    assert spread.tick() == [EventKind.HALTED]
    assert "paused, by somebody else" in spread.stands().says
    spread.act(store.resume, rollout, "Somebody")
    assert spread.tick() == [], "it waits until the launch is live again"
    spread.act(store.withdraw, rollout, "Somebody")
    assert spread.tick(DAY) == []
    with pytest.raises(CarriageError, match="over"):
        spread.act(store.withdraw, rollout, "Somebody")


def test_a_new_plan_takes_the_place_of_one_under_way(spread: Spread) -> None:
    first = spread.plan(wave(2500, sample=5))
    spread.tick()
    with pytest.raises(CarriageError, match="would take the service from"):
        spread.plan(wave(1000, sample=5))
    with pytest.raises(CarriageError, match="another salt"):
        spread.plan(wave(5000, sample=5), salt="other")
    spread.plan(wave(5000, sample=5), salt="")
    assert store_events(spread, first)[-1].kind is EventKind.WITHDRAWN
    having = spread.having()
    assert spread.tick() == [EventKind.BEGUN]
    assert having < spread.having()


def test_what_players_report_halts_a_wave_at_the_right_box(spread: Spread, tmp_path: Path) -> None:
    """Real events, kept as Parquet, box by box: six starts that fail among the first nine are not counted, the tenth box is."""
    files = EventFiles(tmp_path)
    rollout = spread.plan(wave(9999, sample=10, failing=50.0))
    measures = PlayerMeasures(tmp_path, lambda: NOW)
    advance_all(spread.world.database, measures, spread.world.now)
    begun = spread.world.now
    boxes = [box for box in spread.boxes if added_by(rollout, 0, box)][:10]
    for number, box in enumerate(boxes):
        session = SessionId(new_id())
        told = [Kind.FAILURE] * 3 if number < 6 else [Kind.START, Kind.END]
        for at, kind in enumerate(told):
            files.add([event(spread, box, kind, Instant(begun + number * 10 + at), session)])
        files.add([event(spread, box, Kind.FAILURE, Instant(begun + number * 10), SessionId(new_id()), service="another")])
        files.flush()
        happened = advance_all(spread.world.database, measures, Instant(begun + number * 10 + 5))
        assert bool(happened) is (number == 9), number
    assert "On 6 boxes of 10" in spread.stands().says


def event(spread: Spread, box: BoxId, kind: Kind, at: Instant, session: SessionId, service: str | None = None) -> Event:
    return Event(
        received_at=at,
        session=session,
        operator=spread.world.orange,
        package=PackageId("p"),
        kind=kind,
        e="ps",
        ts=int(at),
        box=box,
        service=ServiceId(service) if service else spread.world.cinema.id,
    )


SAID: list[tuple[str, Kind, str | None, int]] = [
    ("plays on", Kind.START, "p", 0), ("plays on", Kind.OTHER, None, 29 * MINUTE),
    ("ended", Kind.START, "p", 0), ("ended", Kind.END, "e", MINUTE),
    ("ended at once", Kind.START, "p", 0), ("ended at once", Kind.END, "e", 0), ("ended at once", Kind.OTHER, "p", 0),
    ("paused for the night", Kind.START, "p", 0), ("paused for the night", Kind.OTHER, "a", MINUTE),
    ("broke off", Kind.START, "p", 0), ("broke off", Kind.OTHER, None, 2 * MINUTE),
    ("stalls", Kind.START, "p", 0), ("stalls", Kind.REBUFFER, "r", 1), ("stalls", Kind.END, "q", 2),
    ("fails", Kind.FAILURE, None, 0), ("fails", Kind.OTHER, "f", 1),
    ("fails in the middle", Kind.START, "p", 0), ("fails in the middle", Kind.FAILURE, "f", 1),
    ("began before", Kind.START, "p", -10 * MINUTE), ("began before", Kind.FAILURE, None, 5),
    ("only opened", Kind.OTHER, "s", 0),
]  # fmt: skip


def test_what_boxes_report_as_a_wave_asks_it(spread: Spread, tmp_path: Path) -> None:
    files, since = EventFiles(tmp_path), Instant(NOW + HOUR)
    for number, (box, kind, state, offset) in enumerate(SAID):
        made = event(spread, BoxId(box), kind, Instant(since + offset), SessionId(box))
        files.add([msgspec.structs.replace(made, sta=state, sn=number)])
    files.flush()
    world, now = spread.world, Instant(since + 30 * MINUTE)
    found = PlayerMeasures(tmp_path, lambda: since).since(world.orange, world.cinema.id, since, now)
    assert LOST_AFTER_MS < 28 * MINUTE
    assert {(one.box, one.is_failing, one.is_stalling, one.is_lost) for one in found} == {
        ("plays on", False, False, False),
        ("ended", False, False, False),
        ("ended at once", False, False, False),
        ("paused for the night", False, False, False),
        ("broke off", False, False, True),
        ("stalls", False, True, False),
        ("fails", True, False, False),
        ("fails in the middle", True, False, False),
    }
    back = PlayerMeasures(tmp_path, lambda: Instant(now - MINUTE)).since(world.orange, world.cinema.id, since, now)
    assert not any(one.is_lost for one in back), "nobody listened until a minute ago: that is no box's doing"


def test_a_box_that_came_back_is_not_lost(spread: Spread, tmp_path: Path) -> None:
    files, since = EventFiles(tmp_path), Instant(NOW + HOUR)
    for session, told in (("first", [(Kind.START, 0)]), ("second", [(Kind.START, MINUTE), (Kind.END, 2 * MINUTE)])):
        for kind, offset in told:
            files.add([event(spread, BoxId("b"), kind, Instant(since + offset), SessionId(session))])
    files.flush()
    measures = PlayerMeasures(tmp_path, lambda: since)
    (found,) = measures.since(spread.world.orange, spread.world.cinema.id, since, Instant(since + HOUR))
    assert not found.is_lost


def share_of(spread: Spread) -> int:
    return spread_launch(spread).share


def test_boxes_that_had_it_before_any_wave_keep_it(spread: Spread) -> None:
    spread.world.switch(spread.world.orange, spread.world.cinema, LaunchState.SILENT.value, share=2000, salt="t")
    had = spread.having()
    rollout = spread.plan(wave(5000, sample=5), on_error=OnError.BACK)
    assert spread.tick() == [EventKind.BEGUN]
    added = spread.having() - had
    assert added == {box for box in spread.boxes if added_by(rollout, 0, box)}
    spread.report(sorted(added), failing=len(added))
    assert spread.tick() == [EventKind.HALTED]
    assert spread.having() == had
    assert share_of(spread) == 2000


@pytest.mark.parametrize("theirs", [0, 3000, 10_000])
def test_where_staff_change_the_share_the_rollout_yields(spread: Spread, theirs: int) -> None:
    spread.plan(wave(2500, sample=5), wave(5000, sample=5), on_error=OnError.BACK)
    spread.tick()
    spread.report(sorted(spread.having()))
    assert spread.tick(HOUR) == [EventKind.SUCCEEDED]
    spread.world.switch(spread.world.orange, spread.world.cinema, LaunchState.SILENT.value, share=theirs, salt="t")
    assert spread.tick() == [EventKind.HALTED], "between two waves"
    assert "by somebody else" in spread.stands().says
    assert share_of(spread) == theirs
    assert spread.tick(DAY) == []


def test_what_is_recorded_for_later_comes_all_the_same(spread: Spread) -> None:
    ends = Instant(spread.world.now + 3 * DAY)
    spread.plan(wave(5000, sample=5, timeout_ms=DurationMs(9 * DAY)))
    spread.world.switch(spread.world.orange, spread.world.cinema, LaunchState.ENDED.value, valid_from=ends)
    assert spread.tick() == [EventKind.BEGUN]
    assert spread.having()
    spread.world.now = ends
    assert spread.having() == set()
    assert spread.tick() == [EventKind.HALTED]
    assert "ended, by somebody else" in spread.stands().says


def test_one_that_cannot_be_moved_holds_up_no_other(spread: Spread) -> None:
    world = spread.world
    world.sign(world.orange, world.theatre)
    world.switch(world.orange, world.theatre, LaunchState.SILENT.value, share=0, salt="u")
    spread.plan(wave(5000, sample=5))
    with world.database.write() as conn:
        store.plan(conn, plan(wave(5000, sample=5), operator=world.orange, service=world.theatre.id, salt="u"), world.now)
    assert spread.tick() == [EventKind.BEGUN, EventKind.BEGUN]

    class Broken(SetMeasures):
        def since(self, operator: OperatorId, service: ServiceId, since: Instant, now: Instant) -> Sequence[BoxMeasure]:
            if service == world.cinema.id:
                raise OSError("unreadable")
            return [BoxMeasure(box=box, is_failing=True, is_stalling=False, is_lost=False) for box in spread.boxes]

    spread.measures = Broken()
    assert spread.tick() == [EventKind.HALTED]


def test_after_a_halt_two_look_again(spread: Spread) -> None:
    rollout = spread.plan(wave(5000, sample=5, needs_approval=True))
    spread.act(store.approve, rollout, "Second")
    spread.tick()
    spread.report(spread.boxes, failing=80)
    assert spread.tick() == [EventKind.HALTED]
    spread.act(store.resume, rollout, "Planner")
    assert spread.tick() == []
    assert spread.stands().phase is Phase.WAITING_FOR_APPROVAL


def test_boxes_that_left_count_for_no_sample_and_a_date_must_come_first(spread: Spread) -> None:
    with spread.world.database.write() as conn:
        for box in spread.boxes[:60]:
            fleet.assign_box(conn, box, None, Instant(NOW + 1), Instant(NOW + 1))
    spread.world.now = Instant(NOW + 10)
    with pytest.raises(CarriageError, match="never be met"):
        spread.plan(wave(5000, sample=20))
    later = Instant(NOW + DAY)
    spread.world.switch(spread.world.orange, spread.world.cinema, LaunchState.SILENT.value, share=0, technical_at=later)
    with pytest.raises(CarriageError, match="technical date"):
        spread.plan(wave(5000, sample=5), salt="")


def test_a_kill_that_was_written_while_a_wave_began_holds(spread: Spread) -> None:
    """Staff's command reads the clock, then waits for the wave's transaction: it was said last, and is known last."""
    read_at = spread.world.now
    spread.plan(wave(5000, sample=5))
    assert spread.tick(HOUR) == [EventKind.BEGUN]
    killed = msgspec.structs.replace(
        spread_launch(spread), state=LaunchState.KILLED, valid_from=read_at, recorded_at=read_at, valid_to=None
    )
    with spread.world.database.write() as conn:
        record_launch(conn, killed, read_at, actor="test")
    spread.world.feed.poll()
    assert spread.having() == set()


def spread_launch(spread: Spread) -> Launch:
    with spread.world.database.read() as conn:
        launch = store.launch_now(conn, spread.world.orange, spread.world.cinema.id, spread.world.now)
    assert launch is not None
    return launch
