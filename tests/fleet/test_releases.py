"""Releases: uploaded, approved by two, spread in waves, withdrawn; what a box is meant to run, and what it tells of a start."""

import base64
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.base.clock import HOUR, MINUTE, Instant
from matinee.base.ids import BoxId, BoxModelId, ReleaseId, ReleaseKeyId
from matinee.base.units import DurationMs
from matinee.fleet import handing, key_store, signing
from matinee.fleet import release_store as store
from matinee.fleet import release_work as work
from matinee.fleet import store as fleet
from matinee.fleet.buckets import ALL_BOXES, bucket
from matinee.fleet.model import Additions, Box, BoxModel, FleetError, Interface, PublicKey
from matinee.fleet.release_work import Terms
from matinee.fleet.releases import (
    RETURNS_WITHIN_MS,
    Act,
    ActKind,
    ReleaseStanding,
    ReleaseStatus,
    Spread,
    UIRelease,
    meant_for,
    newest_first,
    stand,
)
from matinee.fleet.waves import Freeze, OnTimeout, Phase, Plan, Wave
from matinee.outside.database import Database, metadata
from matinee.outside.objects import ObjectStore
from matinee.parties import audit, outbox
from tests.fleet.bundles import ENTRY, FILES, STYLE, made
from tests.fleet.test_fleet import BoxKey, confirm, nonce_of, register
from tests.world import NOW, Screen, Screens, World, screens

KEY, OTHER_KEY = signing.new_private_key(), signing.new_private_key()
ALL = Terms(percents=(100,), sample=1, soak_ms=DurationMs(0), timeout_ms=DurationMs(HOUR), failing=20.0)


class House:
    """A world that takes releases in: its store, and forty more boxes of its model."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.world, self.database = World(database), database
        self.folder, self.published = folder, ObjectStore.local(folder / "published")
        with database.write() as conn:
            store.add_key(conn, "builds", "matinee-ui", signing.public_key_of(KEY), NOW, actor="Builder")
            self.boxes = [fleet.ensure_box(conn, self.world.model.id, f"x{n}", "", NOW).id for n in range(40)]
        self.poll()

    def poll(self) -> None:
        self.world.feed.poll()

    def upload(self, raw: bytes | None = None, by: str = "Builder", **changes: Any) -> tuple[UIRelease, bool]:
        file = self.folder / "one.matinee-ui"
        file.write_bytes(made(KEY, **changes) if raw is None else raw)
        done = work.upload(self.database, self.published, file, self.world.now, actor=by, taken="v1")
        self.poll()
        return done

    def act(self, do: Any, release: UIRelease, *what: Any, by: str = "Builder") -> Spread:
        with self.database.write() as conn:
            done: Spread = do(conn, release, *what, by, self.world.now)
        self.poll()
        return done

    def approved(self, **changes: Any) -> UIRelease:
        release, _ = self.upload(**changes)
        self.act(work.approve, release, by="Second")
        self.act(work.approve, release, by="Third")
        return release

    def active(self, **changes: Any) -> UIRelease:
        """A release that all boxes are meant to run."""
        release = self.approved(**changes)
        self.act(work.start, release, msgspec.structs.replace(ALL, on_timeout=OnTimeout.NEXT))
        assert self.tick() == [ActKind.BEGUN]
        assert self.tick(HOUR) == [ActKind.SUCCEEDED]
        return release

    def tick(self, ms: int = 1) -> list[ActKind]:
        self.world.now = Instant(self.world.now + ms)
        happened = work.advance_all(self.database, self.world.now)
        self.poll()
        return [act.kind for _, act in happened]

    def stands(self, release: UIRelease) -> ReleaseStanding:
        with self.database.read() as conn:
            return store.load(conn, release.version).stands

    def version(self, box: BoxId) -> str:
        known = self.world.fleet.box(box)
        assert known is not None
        told = self.world.releases.meant_for(known, self.world.fleet.model(known.model))
        assert told is not None
        return told.version

    def having(self, release: UIRelease) -> set[BoxId]:
        return {box for box in self.boxes if self.version(box) == release.version}

    def told(self, what: str, release: UIRelease, boxes: Sequence[BoxId]) -> None:
        """What boxes told, as their launchers do it."""
        with self.database.write() as conn:
            for box in boxes:
                start = store.Start(release.id, box, bucket(release.id, box, ALL_BOXES))
                if what == "handed":
                    store.record_handed(conn, {start: self.world.now})
                else:
                    {"confirmed": store.record_confirmed, "failed": store.record_failed}[what](conn, start, self.world.now)


@pytest.fixture
def house(any_database: Database, tmp_path: Path) -> House:
    return House(any_database, tmp_path)


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[House]:
    """On SQLite alone, for what is the rules' and not the database's."""
    database = Database(f"sqlite:///{tmp_path / 'quiet.db'}")
    metadata.create_all(database.engine)
    yield House(database, tmp_path)
    database.close()


@pytest.fixture
def ask(house: House) -> Iterator[Screens]:
    with screens(house.world) as everybody:
        yield everybody


# --- uploading ----------------------------------------------------------------------------------------------------------


def test_an_upload_stores_every_file_and_is_a_draft_that_nobody_is_handed(house: House) -> None:
    release, is_new = house.upload()
    assert is_new
    assert {path: house.published.get(release.object_path(path)) for path in FILES} == FILES
    assert house.stands(release).status is ReleaseStatus.DRAFT
    assert house.having(release) == set()
    assert house.world.releases.file("2.1", ENTRY) is None, "what two have not approved is nobody's"
    assert house.upload() == (release, False), "the same bundle changes nothing"
    house.published.delete(release.object_path(STYLE))
    house.upload()
    assert house.published.get(release.object_path(STYLE)) == FILES[STYLE], "and puts back what was lost"
    house.published.put(release.object_path(ENTRY), FILES[ENTRY][:5])
    house.upload()
    assert house.published.get(release.object_path(ENTRY)) == FILES[ENTRY], "or damaged"


def test_an_upload_that_was_ended_halfway_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, count = house.published.put_if_absent, 0

    def ends(path: str, data: Any) -> bool:
        nonlocal count
        count += 1
        if count == 2:
            raise KeyboardInterrupt
        return whole(path, data)

    monkeypatch.setattr(house.published, "put_if_absent", ends)
    with pytest.raises(KeyboardInterrupt):
        house.upload()
    with house.database.read() as conn:
        assert store.all_spreads(conn) == []
    other = {**FILES, STYLE: b"body{}\n"}
    release, _ = house.upload(made(KEY, other))
    assert house.published.get(release.object_path(STYLE)) == other[STYLE], "the rest of another bundle is in nobody's way"


def test_what_is_not_taken(house: House) -> None:
    house.upload()
    with house.database.write() as conn:
        store.add_key(conn, "others", "polaris", signing.public_key_of(OTHER_KEY), NOW, actor="Builder")
    for shows, raw, says in (
        ("the same version with other bytes", made(KEY, {**FILES, STYLE: b"body{}"}), "never changes"),
        ("the built-in version", made(KEY, version="v1"), "built-in"),
        ("nobody's key", made(signing.new_private_key(), version="3"), "no key that may sign"),
        ("another product's key", made(OTHER_KEY, version="3"), "no key that may sign"),
        ("a model that does not exist", made(KEY, version="3", models=[["001A2B", "none"]]), "a model that does not exist"),
        ("no bundle", b"x", "cut off"),
    ):
        with pytest.raises(FleetError) as caught:
            house.upload(raw)
        assert says in caught.value.message, shows
        assert caught.value.remedy
    with house.database.write() as conn:
        store.end_key(conn, "builds", NOW, actor="Builder")
    with pytest.raises(FleetError, match="no key that may sign"):
        house.upload(made(KEY, version="3"))
    with pytest.raises(FleetError, match="no or over"):
        house.upload(by=" ")
    with house.database.read() as conn:
        assert [one.release.version for one in store.all_spreads(conn)] == ["2.1"]


def at_once(*steps: Callable[[], object]) -> list[object]:
    """What each step gave or raised, all begun at one moment."""
    start = threading.Barrier(len(steps))

    def take(step: Callable[[], object]) -> object:
        start.wait()
        try:
            return step()
        except FleetError as error:
            return error

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(take, steps))


def test_of_two_uploads_of_one_version_at_once_one_is_taken(house: House) -> None:
    bundles = []
    for number in range(2):
        bundles.append(house.folder / f"{number}.matinee-ui")
        bundles[-1].write_bytes(made(KEY, {**FILES, STYLE: b"body{}" + bytes([48 + number])}))
    said = at_once(
        *(
            lambda file=file: work.upload(house.database, house.published, file, NOW, actor="Builder", taken=None)  # type: ignore[misc]
            for file in bundles
        )
    )
    assert sum(isinstance(one, FleetError) and "never changes" in one.message for one in said) == 1
    with house.database.read() as conn:
        assert len(store.all_spreads(conn)) == 1


def test_a_key_is_named_once_and_ends_once(house: House) -> None:
    with house.database.write() as conn:
        for name, key in (("builds", OTHER_KEY), ("again", KEY)):
            with pytest.raises(FleetError):
                store.add_key(conn, name, "matinee-ui", signing.public_key_of(key), NOW, actor="Builder")
        store.end_key(conn, "builds", NOW, actor="Builder")
        with pytest.raises(FleetError):
            store.end_key(conn, "builds", NOW, actor="Builder")
        store.add_key(conn, "again", "matinee-ui", signing.public_key_of(KEY), NOW, actor="Builder")
        assert [(one.name, one.ended_at is None) for one in store.all_keys(conn)] == [("again", True), ("builds", False)]


# --- two people ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shows", "names", "says"),
    [
        ("who uploaded it", ["Builder"], "uploaded"),
        ("the same in other letters", ["  buiLDER "], "uploaded"),
        ("one person twice", ["Second", " second"], "already"),
        ("nobody", [" "], "no or over"),
        ("a third", ["Second", "Third", "Fourth"], "waits for no approval"),
    ],
)
def test_who_cannot_approve(quiet: House, shows: str, names: list[str], says: str) -> None:
    release, _ = quiet.upload()
    for name in names[:-1]:
        quiet.act(work.approve, release, by=name)
    with pytest.raises(FleetError, match=says):
        quiet.act(work.approve, release, by=names[-1])


def test_nothing_is_handed_out_before_two_approved_it(house: House) -> None:
    release, _ = house.upload()
    box = house.world.fleet.box(house.boxes[0])
    for approver in ("Second", "Third"):
        for do, what in ((work.start, ALL), (work.give_to, [box])):
            with pytest.raises(FleetError, match="of 2"):
                house.act(do, release, what)
        house.act(work.approve, release, by=approver)
    assert house.stands(release).status is ReleaseStatus.APPROVED
    house.act(work.start, release, ALL)
    assert house.tick() == [ActKind.BEGUN]
    assert house.having(release) == set(house.boxes)
    with house.database.read() as conn:
        assert audit.first_broken(conn) is None
        kinds = conn.execute(sa.select(audit.audit.c.actor, audit.audit.c.action)).all()
    assert [tuple(row) for row in kinds if "release" in row.action] == [
        ("Builder", "release_key.add"),
        ("Builder", "release.upload"),
        ("Second", "release.approved"),
        ("Third", "release.approved"),
        ("Builder", "release.started"),
        ("release", "release.begun"),
    ]


# --- which release a box is meant to run ----------------------------------------------------------------------------------


def test_waves_add_boxes_and_end_well(house: House) -> None:
    release = house.approved()
    terms = Terms(percents=(25, 50, 100), sample=1, soak_ms=DurationMs(HOUR), timeout_ms=DurationMs(2 * HOUR))
    house.act(work.start, release, terms)
    before: set[BoxId] = set()
    for share in (2500, 5000, 10_000):
        assert house.tick() == [ActKind.BEGUN]
        having = house.having(release)
        assert having == {box for box in house.boxes if bucket(release.id, box, ALL_BOXES) < share}
        assert having > before
        house.told("confirmed", release, sorted(having - before)[:2])
        assert house.tick(HOUR - 1) == []
        assert house.tick() == [ActKind.SUCCEEDED]
        before = having
    assert house.stands(release).status is ReleaseStatus.ACTIVE
    assert house.tick(HOUR) == []
    told = house.world.releases.meant_for(None, None)
    assert told is not None
    assert (told.product, told.version, told.entry, told.attempt) == ("matinee-ui", "2.1", f"/ui/2.1/{ENTRY}", 0)
    assert told.styles[0]["href"] == f"/ui/2.1/{STYLE}"
    assert told.styles[0]["integrity"].startswith("sha384-")


def test_a_withdrawn_release_gives_way_to_the_one_before_and_at_last_to_the_built_in(house: House) -> None:
    one, two = house.active(version="2.1"), house.active(version="2.2")
    assert house.having(two) == set(house.boxes)
    house.act(work.withdraw, two)
    assert house.having(one) == set(house.boxes)
    house.act(work.withdraw, one)
    assert {house.version(box) for box in house.boxes} == {"v1"}
    assert house.world.releases.file("2.2", ENTRY) is not None, "screens that run it load parts of it late"
    for do, what in ((work.withdraw, ()), (work.start, (ALL,)), (work.resume, ())):
        with pytest.raises(FleetError):
            house.act(do, two, *what)
    draft, _ = house.upload(version="2.3")
    assert house.act(work.withdraw, draft).stands.status is ReleaseStatus.WITHDRAWN


def test_named_boxes_come_first(house: House) -> None:
    release = house.approved()
    named = [house.world.fleet.box(box) for box in house.boxes[:2]]
    house.act(work.give_to, release, named)
    assert house.having(release) == set(house.boxes[:2])
    with house.database.write() as conn:
        other = fleet.ensure_box_model(conn, "00BBBB", "other", "Other", {}, NOW)
        stranger = fleet.ensure_box(conn, other.id, "stranger", "", NOW)
    house.poll()
    of_other = house.approved(version="2.2", models=[["00BBBB", "other"]])
    house.act(work.start, of_other, ALL)
    house.tick()
    assert house.version(stranger.id) == "2.2"
    assert house.having(of_other) == set()
    with pytest.raises(FleetError, match="not for the model"):
        house.act(work.give_to, of_other, named)


def test_a_model_runs_one_product_and_one_release_spreads_at_a_time(house: House) -> None:
    with house.database.write() as conn:
        store.add_key(conn, "polaris", "polaris", signing.public_key_of(KEY), NOW, actor="Builder")
    one, two, polaris = house.approved(), house.approved(version="2.2"), house.approved(product="polaris", version="p1")
    house.act(work.start, one, ALL)
    for other, says in ((two, "still spreads"), (polaris, "one product")):
        with pytest.raises(FleetError, match=says):
            house.act(work.start, other, ALL)
    with pytest.raises(FleetError, match="spreads already"):
        house.act(work.start, one, ALL)
    house.act(work.withdraw, one)
    house.act(work.start, polaris, ALL)


def test_what_a_later_release_covers_is_neither_started_nor_resumed(quiet: House) -> None:
    ended, halted = quiet.approved(version="2.1"), quiet.approved(version="2.2")
    part = msgspec.structs.replace(ALL, percents=(50,))
    quiet.act(work.start, ended, msgspec.structs.replace(part, on_timeout=OnTimeout.NEXT))
    assert [*quiet.tick(), *quiet.tick(HOUR)] == [ActKind.BEGUN, ActKind.SUCCEEDED]
    quiet.act(work.start, halted, part)
    assert [*quiet.tick(), *quiet.tick(HOUR)] == [ActKind.BEGUN, ActKind.HALTED]
    newest = quiet.active(version="2.3")
    for do, release, what in ((work.start, ended, (ALL,)), (work.resume, halted, ())):
        with pytest.raises(FleetError, match="was started later and is for all"):
            quiet.act(do, release, *what)
    quiet.act(work.withdraw, newest)
    quiet.act(work.resume, halted)


@pytest.mark.parametrize(
    ("shows", "terms", "says"),
    [
        ("a smaller share after a greater", Terms(percents=(50, 10)), r"waves\[1\]"),
        ("over all", Terms(percents=(101,)), r"waves\[0\]"),
        ("nothing", Terms(percents=()), "1 to 50 waves"),
        ("more than there are", Terms(percents=(100,), sample=43), "never be met"),
        ("a wave of no box", Terms(percents=(0.01, 100)), "never be met"),
        ("a limit that cannot be passed", Terms(percents=(100,), failing=100.0), "never be passed"),
        ("a soak over its time", Terms(percents=(100,), soak_ms=DurationMs(99 * HOUR)), "timeout"),
    ],
)
def test_waves_that_could_not_be(quiet: House, shows: str, terms: Terms, says: str) -> None:
    release = quiet.approved()
    with pytest.raises(FleetError, match=says):
        quiet.act(work.start, release, terms)
    assert quiet.stands(release).plan is None, shows


def spread(number: int, percents: Sequence[int], done: Sequence[ActKind], named: Sequence[BoxId] = ()) -> Spread:
    """A release with waves of these percents, of which this has happened."""
    words = {"sample": 1, "soak_ms": DurationMs(0), "timeout_ms": DurationMs(HOUR), "failing": 1.0}
    waves = tuple(Wave(share=percent * 100, **words) for percent in percents)  # type: ignore[arg-type]
    at = Instant(NOW + number)
    acts = [Act(kind=ActKind.APPROVED, at=at, actor=who) for who in ("Second", "Third")]
    if named:
        acts.append(Act(kind=ActKind.NAMED, at=at, actor="Builder", boxes=tuple(named)))
    plan = Plan(starts_at=at, recorded_at=at, waves=waves, salt=f"r{number}", author="Builder")
    acts.append(Act(kind=ActKind.STARTED, at=at, actor="Builder", plan=plan))
    wave = 0
    for kind in done:
        acts.append(Act(kind=kind, at=at, actor="release", wave=wave))
        wave += kind is ActKind.SUCCEEDED
    release = UIRelease(
        id=ReleaseId(f"r{number}"), product="p", version=f"v{number}", digest="", entry="", integrity="", styles=(), models=None,
        files={}, made_at="", uploaded_at=at, uploader="Builder", key=ReleaseKeyId(""),
    )  # fmt: skip
    return Spread(release, stand(acts))


B, S, H, R = ActKind.BEGUN, ActKind.SUCCEEDED, ActKind.HALTED, ActKind.RESUMED
MODEL = BoxModel(id=BoxModelId("m"), oui="00AFFF", product_class="LBP", name="")
MANY = [Box(id=BoxId(f"box-{n}"), model=MODEL.id, serial="", label="") for n in range(300)]


def reached(one: Spread, boxes: Sequence[Box] = MANY) -> set[BoxId]:
    return {box.id for box in boxes if meant_for(newest_first([one]), box, MODEL) is not None}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=6, unique=True).map(sorted))
def test_raising_a_percentage_only_adds_boxes(percents: list[int]) -> None:
    before: set[BoxId] = set()
    for count in range(len(percents)):
        running = reached(spread(1, percents, [*([B, S] * count), B]))
        ended = reached(spread(1, percents, [B, S] * (count + 1)))
        halted = reached(spread(1, percents, [*([B, S] * count), B, H]))
        assert before <= running == ended
        assert halted == before, "a wave that halted no longer adds its boxes"
        before = ended


def test_a_halted_wave_leaves_the_release_with_boxes_that_confirmed_it() -> None:
    halted = spread(1, [50, 100], [B, H])
    assert (halted.stands.waves and halted.stands.waves.phase, halted.stands.share) == (Phase.HALTED, 0)
    confirmed = [msgspec.structs.replace(box, confirmed_release="v1") for box in MANY[:3]]
    assert reached(halted, [*confirmed, *MANY[3:]]) == {box.id for box in confirmed}
    again = spread(1, [50, 100], [B, H, R, B])
    assert again.stands.attempt == 1
    assert reached(again) == reached(spread(1, [50, 100], [B]))


def test_the_newest_started_release_comes_first_and_named_boxes_before_it() -> None:
    old, new = spread(1, [100], [B, S]), spread(2, [50, 100], [B], named=[MANY[0].id])
    ordered = newest_first([old, new])
    assert [one.release.version for one in ordered] == ["v2", "v1"]
    for box in MANY:
        found = meant_for(ordered, box, MODEL)
        assert found is not None
        is_newer = box.id == MANY[0].id or bucket("r2", box.id, ALL_BOXES) < 5000
        assert found.release.version == ("v2" if is_newer else "v1")


# --- what boxes tell, and what waves do --------------------------------------------------------------------------------------


def test_a_wave_halts_at_failing_starts_and_says_why(house: House) -> None:
    good, bad = house.active(version="2.1"), house.approved(version="2.2")
    house.act(work.start, bad, msgspec.structs.replace(ALL, sample=5))
    house.tick()
    house.told("confirmed", bad, house.boxes[:3])
    house.told("failed", bad, house.boxes[3:4] * 9)
    assert house.tick() == [], "four boxes told of it, however often: too few"
    house.told("failed", bad, house.boxes[4:5])
    assert house.tick() == [ActKind.HALTED]
    stands = house.stands(bad)
    assert stands.waves is not None
    assert stands.waves.says == "On 2 boxes of 5 that reported its start did not stand: 40.0 %, over the limit of 20 %."
    assert house.having(good) == set(house.boxes), "they go back to the release before"
    assert house.tick(HOUR) == []
    house.act(work.resume, bad)
    assert house.tick() == [ActKind.BEGUN]
    assert house.tick() == [], "what was told before no longer counts"
    house.told("confirmed", bad, house.boxes[:5])
    assert house.tick() == [ActKind.SUCCEEDED]


def test_what_a_box_told_last_counts(house: House) -> None:
    release = house.approved()
    house.act(work.start, release, msgspec.structs.replace(ALL, sample=2))
    house.tick()
    house.told("failed", release, house.boxes[:2])
    house.world.now = Instant(house.world.now + 1)
    house.told("confirmed", release, house.boxes[:2])
    assert house.tick() == [ActKind.SUCCEEDED]


def test_boxes_that_do_not_return_count_and_those_that_never_asked_do_not(house: House) -> None:
    release = house.approved()
    house.act(work.start, release, msgspec.structs.replace(ALL, sample=3, lost=10.0))
    house.tick()
    with house.database.write() as conn:
        for box in house.boxes[:2]:
            words = {"x": "x", "y": "y", "kty": "EC", "crv": "P-256"}
            conn.execute(sa.update(fleet.boxes).where(fleet.boxes.c.id == box).values(public_key=words))
    house.told("handed", release, house.boxes[:4])  # two of them have no key, and so cannot confirm
    house.told("confirmed", release, house.boxes[1:2])
    house.told("confirmed", release, house.boxes[5:6])
    assert house.tick(RETURNS_WITHIN_MS - 2) == []
    house.told("confirmed", release, house.boxes[6:7])
    with house.database.read() as conn:
        counts = store.counts(conn, release.id, (0, ALL_BOXES), NOW, Instant(house.world.now + MINUTE))
    assert (counts.reported, counts.failing, counts.lost) == (4, 0, 1)
    assert house.tick(2) == [ActKind.HALTED]
    waves = house.stands(release).waves
    assert waves is not None
    assert "On 1 boxes of 4 that reported it was handed over and the box did not come back" in waves.says


def test_a_wave_of_boxes_that_are_off_ends_at_its_timeout(house: House) -> None:
    release = house.approved()
    house.act(work.start, release, ALL)
    house.tick()
    assert house.tick(HOUR) == [ActKind.HALTED]
    waves = house.stands(release).waves
    assert waves is not None
    assert "0 boxes of at least 1" in waves.says


def test_two_processes_that_move_a_wave_on_at_once_move_it_once(house: House) -> None:
    release = house.approved()
    house.act(work.start, release, ALL)
    now = Instant(house.world.now + 1)
    said = at_once(*(lambda: work.advance_all(house.database, now) for _ in range(3)))
    assert sum(len(one) for one in said if isinstance(one, list)) == 1
    with house.database.read() as conn:
        assert [act.kind for act in store.acts_of(conn, release.id)][-2:] == [ActKind.STARTED, ActKind.BEGUN]


def test_no_wave_begins_while_it_is_frozen(house: House) -> None:
    release = house.approved()
    freeze = Freeze(start=NOW, end=Instant(NOW + HOUR))
    house.act(work.start, release, msgspec.structs.replace(ALL, freezes=(freeze,)))
    assert house.tick(HOUR - 1) == []
    assert house.tick() == [ActKind.BEGUN]


def test_only_boxes_of_the_running_wave_count(house: House) -> None:
    release = house.approved()
    house.act(work.start, release, msgspec.structs.replace(ALL, percents=(50, 100)))
    house.tick()
    outside = [box for box in house.boxes if bucket(release.id, box, ALL_BOXES) >= 5000]
    house.told("failed", release, outside)
    assert house.tick() == []


def signed(screen: Screen, key: BoxKey, version: str, nonce: str | None = None, says: str = "matinee-start-failed") -> Any:
    drawn = nonce_of(screen) if nonce is None else nonce
    signature = key.sign(f"{says}\n{drawn}\n{version}".encode())
    return screen.send("POST", "/api/v1/box/start-failed", {"version": version, "nonce": drawn, "signature": signature})


def test_a_box_is_handed_a_release_confirms_it_and_tells_that_one_failed(house: House, ask: Screens) -> None:
    key, box = BoxKey(), house.world.one.box.id
    register(ask.box, key)
    house.poll()
    release = house.active(version="2.1")
    assert ask.box.get("/api/v1/box/release").json()["version"] == "2.1"
    house.world.handing.flush()
    house.poll()
    known = house.world.fleet.box(box)
    assert known is not None
    assert (known.installed_release, known.confirmed_release) == ("2.1", None)
    assert confirm(ask.box, key, nonce_of(ask.box), "2.1").status_code == 200
    house.poll()
    interface = house.world.fleet.interface_of(box, house.world.now)
    assert interface is not None
    assert (interface.product, interface.version) == ("matinee-ui", "2.1"), "what launches ask for"

    bad = house.approved(version="2.2")
    house.act(work.start, bad, ALL)
    house.tick()
    assert ask.box.get("/api/v1/box/release").json()["version"] == "2.2"
    answer = signed(ask.box, key, "2.2")
    assert (answer.status_code, answer.json()) == (200, {"version": "2.2", "counted": True})
    assert house.tick() == [ActKind.HALTED]
    assert ask.box.get("/api/v1/box/release").json()["version"] == "2.1"
    assert ask.other_box.get("/api/v1/box/release").json()["version"] == "2.1"
    assert signed(ask.box, key, "2.2").status_code == 200, "it may tell of it later too: it was handed it"
    house.act(work.resume, bad)
    house.tick()
    assert ask.box.get("/api/v1/box/release").json()["attempt"] == 1
    assert release.version == "2.1"


def test_a_start_that_failed_is_told_by_the_box_itself_once_for_each_nonce(house: House, ask: Screens) -> None:
    key = BoxKey()
    assert signed(ask.box, key, "v1").json()["detail"] == "This box has no key yet."
    register(ask.box, key)
    assert signed(ask.box, key, "v1").json() == {"version": "v1", "counted": False}
    nonce = nonce_of(ask.box)
    assert signed(ask.box, BoxKey(), "v1", nonce).status_code == 403
    assert signed(ask.box, key, "v1", nonce).status_code == 409, "a wrong signature spends it"
    assert signed(ask.box, key, "v1", says="matinee-confirm").status_code == 403, "a confirmation is no failure"
    release = house.approved()
    assert signed(ask.box, key, release.version).status_code == 409, "it was never handed that"
    assert signed(ask.box, key, "nothing").status_code == 409
    for screen, status in ((ask.phone, 403), (ask.studio, 403), (ask.nobody, 401)):
        assert screen.send("POST", "/api/v1/box/start-failed", {}).status_code == status


def test_what_was_handed_is_kept_while_the_database_is_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    release = house.active()
    box = house.world.fleet.box(house.boxes[0])
    assert box is not None
    house.world.handing.note(box, release.version)
    with monkeypatch.context() as away:
        away.setattr(house.database, "write", lambda: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError, match="away"):
            house.world.handing.flush()
    house.world.handing.flush()
    house.poll()
    known = house.world.fleet.box(box.id)
    assert known is not None
    assert known.installed_release == release.version
    with house.database.read() as conn:
        assert store.was_handed(conn, release.id, box.id)


def test_what_was_handed_is_written_a_piece_at_a_time(quiet: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "BOXES_AT_A_TIME", 2)
    release = quiet.active()
    for box in quiet.boxes[:3]:
        known = quiet.world.fleet.box(box)
        assert known is not None
        quiet.world.handing.note(known, release.version)
    write, pieces = fleet.record_installed, list[int]()

    def fails_second(conn: Any, handed: Any, now: Instant) -> None:
        pieces.append(len(handed))
        if len(pieces) == 2:
            raise OSError("away")
        write(conn, handed, now)

    monkeypatch.setattr(fleet, "record_installed", fails_second)
    with pytest.raises(OSError, match="away"):
        quiet.world.handing.flush()
    quiet.world.handing.flush()
    quiet.world.handing.flush()
    assert pieces == [2, 1, 1], "what was written once is not written again"


def test_a_box_that_is_handed_a_resumed_release_and_does_not_return_counts_again(quiet: House) -> None:
    release = quiet.approved()
    quiet.act(work.start, release, msgspec.structs.replace(ALL, lost=10.0))
    quiet.tick()
    with quiet.database.write() as conn:
        key_store.show_key(conn, quiet.boxes[0], PublicKey(x="x", y="y"), quiet.world.now)
    quiet.poll()

    def hand() -> None:
        known = quiet.world.fleet.box(quiet.boxes[0])
        assert known is not None
        quiet.world.handing.note(known, release.version)
        quiet.world.handing.flush()
        quiet.poll()

    hand()
    assert quiet.tick(RETURNS_WITHIN_MS) == [ActKind.HALTED]
    quiet.act(work.resume, release)
    assert quiet.tick() == [ActKind.BEGUN]
    hand()
    assert quiet.tick(RETURNS_WITHIN_MS - 1) == []
    hand()  # another start, while it is waited for, is no new wait
    assert quiet.tick() == [ActKind.HALTED]


@pytest.mark.parametrize("what", ["handed", "key", "label"])
def test_what_is_written_of_a_box_waits_in_no_ring_with_its_confirmation(house: House, what: str) -> None:
    box = house.boxes[0]
    known = house.world.fleet.box(box)
    assert known is not None
    house.world.handing.note(known, "v1")
    key = PublicKey(kty="EC", crv="P-256", x="x", y="y")

    def write() -> None:
        if what == "handed":
            house.world.handing.flush()
            return
        with house.database.write() as conn:
            if what == "key":
                key_store.show_key(conn, box, key, NOW)
            else:
                fleet.record_many(conn, Additions(labels={box: "hall"}), NOW)

    with ThreadPoolExecutor(1) as pool:
        with house.database.write() as conn:
            outbox.hold(conn)
            written = pool.submit(write)
            time.sleep(0.3)  # it has whatever it takes before it waits
            fleet.record_confirmed(conn, box, Interface(product="matinee-ui", version="v1"), NOW)
        written.result()
    with house.database.read() as conn:
        assert fleet.load_box(conn, box).confirmed_release == "v1"


def test_every_answer_has_its_reason(house: House) -> None:
    one, two = house.active(version="2.1"), house.approved(version="2.2")
    house.act(work.start, two, msgspec.structs.replace(ALL, percents=(50, 100)))
    house.tick()
    for box in house.boxes:
        known = house.world.fleet.box(box)
        assert known is not None
        answers = house.world.releases.explain(known, house.world.fleet.model(known.model))
        assert [answer.version for answer in answers] == ["2.2", "2.1"]
        assert next(answer.version for answer in answers if answer.holds) == house.version(box)
        assert "50 %" in answers[0].says
        assert answers[1].says == "It is for all boxes of its models."
    assert one.version != two.version


def test_a_public_key_is_written_as_other_programs_write_it() -> None:
    """RFC 8037, appendix A: the key of RFC 8032's first test."""
    raw = bytes.fromhex("302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    private = b"-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(raw) + b"\n-----END PRIVATE KEY-----\n"
    assert signing.public_key_of(private) == "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
