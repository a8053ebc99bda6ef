"""Lessons in the database: which worker takes one, who is read for it, and what is kept."""

import msgspec
import pytest

from matinee.base.clock import DAY, HOUR, Instant
from matinee.base.ids import HouseholdId, OperatorId, ProfileId, ServiceId, SessionId, new_id
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import Title
from matinee.home import learnt_store as store
from matinee.home import lesson_work
from matinee.home.for_you import lesson_of
from matinee.home.learnt import NOTHING_LEARNT
from matinee.home.learnt_store import GIVEN_UP_MS, KEPT_MS, Lessons
from matinee.home.lesson_work import learn
from matinee.outside.database import Database
from matinee.playback import store as playback
from matinee.playback.model import Place, Session
from tests.catalogue.factories import episode, film, series
from tests.world import NOW, World

AS_OF = lesson_of(NOW)


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


def mine(world: World, title: Title) -> Title:
    return msgspec.structs.replace(title, publisher=world.studio.id, service=world.cinema.id)


def watch(
    world: World, home: str, *titles: Title, ago: int = HOUR, profile: str = "", share: float = 1.0, operator: str | None = None
) -> None:
    """A profile of a home watched so much of these titles."""
    who = ProfileId(profile or f"{home}'s")
    for title in titles:
        session = SessionId(new_id())
        begun = Session(
            id=session,
            household=HouseholdId(home),
            profile=who,
            title=title.id,
            package=title.id,  # type: ignore[arg-type]
            duration_ms=DurationMs(100_000),
            started_at=Instant(AS_OF - ago),
            token_expires_at=NOW,
            operator=OperatorId(operator or world.orange),
        )
        place = Place(
            household=HouseholdId(home),
            profile=who,
            title=title.id,
            position_ms=PositionMs(int(100_000 * share)),
            duration_ms=DurationMs(100_000),
            completed=share == 1.0,
            session=session,
            sequence=1,
            counted_at=Instant(AS_OF - ago),
        )
        with world.database.write() as conn:
            playback.save_sessions(conn, [begun])
            playback.save_places(conn, [place])


def everybody_may(_profile: object) -> bool:
    return True


def lesson(world: World, least_homes: int = 2, may: object = everybody_may) -> Lessons:
    assert learn(world.database, AS_OF, may, least_homes, lambda: NOW)  # type: ignore[arg-type]
    world.feed.poll()
    followed = Lessons()
    with world.database.read() as conn:
        followed.load(conn)
    return followed


def test_a_lesson_is_of_all_viewing_before_its_moment(world: World) -> None:
    one, two, late = (mine(world, film(name)) for name in ("One", "Two", "Late"))
    saga = mine(world, series("Saga"))
    parts = [mine(world, episode(saga, 1, number)) for number in (1, 2)]
    world.put(one, two, late, saga, *parts)
    for home in ("a", "b"):
        watch(world, home, one, two, *parts)
        watch(world, home, late, ago=0)
    watch(world, "c", one, share=0.05)
    learnt = lesson(world).newest
    assert list(learnt.close_to([(one.id, 1.0)])) == sorted([two.id, saga.id])
    assert list(learnt.close_to([(late.id, 1.0)])) == []
    assert learnt.popular == {world.orange: tuple((-2, title) for title in sorted([one.id, two.id, saga.id]))}
    with world.database.read() as conn:
        told = store.newest(conn)
    assert told is not None
    assert (told.as_of, told.told.profiles, told.told.viewings, told.told.titles) == (AS_OF, 2, 6, 3)


def test_the_top_counts_homes_of_the_operator_within_a_week(world: World) -> None:
    one, two = mine(world, film("One")), mine(world, film("Two"))
    world.put(one, two)
    for home in ("a", "b", "c"):
        for profile in ("x", "y"):
            watch(world, home, one, profile=f"{home}{profile}")
    for number in range(9):
        watch(world, "a", two, profile=f"a{number}")  # one home, however many of its people
    watch(world, "d", two, ago=8 * DAY)
    watch(world, "e", two, operator=world.free)
    learnt = lesson(world).newest
    assert learnt.popular == {world.orange: ((-3, one.id),)}


def test_who_may_not_be_learnt_from_is_not(world: World) -> None:
    one, two = mine(world, film("One")), mine(world, film("Two"))
    world.put(one, two)
    for home in ("a", "b", "c"):
        watch(world, home, one, two)
    learnt = lesson(world, may=lambda profile: profile == "a's").newest
    assert len(learnt.neighbours) == 0
    assert learnt.popular == {}


def test_of_many_profiles_a_part_is_read_and_all_homes_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson_work, "MAX_PROFILES", 2)  # of the world's four
    one, two = mine(world, film("One")), mine(world, film("Two"))
    world.put(one, two)
    for number in range(8):
        watch(world, f"h{number}", one, two, profile=f"{number}{'0' * 25}")
    learnt = lesson(world).newest
    assert learnt.popular[world.orange][0][0] == -8
    with world.database.read() as conn:
        told = store.newest(conn)
    assert told is not None
    assert told.told.profiles == 4, "half of the ids lie below 4000..."


def test_a_title_of_one_service_pushes_none_of_another_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson_work, "MAX_VIEWED", 1)
    monkeypatch.setattr(lesson_work, "KEPT_POPULAR", 1)
    seen = mine(world, film("Seen"))
    others = [film(f"Other {number}", publisher=world.rival.id, service=world.theatre.id) for number in range(3)]
    world.put(seen, *others)
    for home in ("a", "b"):
        watch(world, home, seen, ago=2 * DAY)
        for number, one in enumerate(others):
            watch(world, home, one, ago=DAY + number)
    learnt = lesson(world).newest
    assert list(learnt.close_to([(seen.id, 1.0)])) == [others[0].id], "the newest of the other service, and not two"
    assert {title for _, title in learnt.popular[world.orange]} == {seen.id, min(one.id for one in others)}


def test_one_worker_learns_and_another_takes_over_what_was_left(world: World) -> None:
    def takes(now: int) -> bool:
        with world.database.write() as conn:
            return store.take(conn, AS_OF, Instant(now))

    assert takes(NOW)
    assert not takes(NOW + 1)
    assert takes(NOW + GIVEN_UP_MS)
    assert not takes(NOW + GIVEN_UP_MS + 1)
    assert learn(world.database, AS_OF, everybody_may, 2, lambda: Instant(NOW + 2 * GIVEN_UP_MS))
    assert not takes(NOW + 9 * GIVEN_UP_MS), "it is learnt"


def test_what_is_old_goes_and_what_cannot_be_read_is_passed_over(world: World) -> None:
    for days in range(5):
        assert learn(world.database, Instant(AS_OF + days * DAY), everybody_may, 2, lambda: NOW)
    followed = Lessons()
    with world.database.write() as conn:
        import sqlalchemy as sa

        kept = conn.execute(sa.select(store.lessons.c.as_of).order_by(store.lessons.c.as_of)).scalars().all()
        followed.load(conn)
        newest = followed.newest
        conn.execute(sa.update(store.lessons).values(data=b"of another version"))
        followed.load(conn)
        assert followed.newest is newest, "what was known goes on"
        fresh = Lessons()
        fresh.load(conn)
        assert fresh.newest is NOTHING_LEARNT
    assert kept == [AS_OF + days * DAY for days in range(1, 5)]
    assert KEPT_MS == 3 * DAY
    assert newest.as_of == AS_OF + 4 * DAY


def test_places_are_counted_by_rule(world: World) -> None:
    key = (world.orange, NOW, "for-you", ServiceId("s"), "together")
    with world.database.write() as conn:
        store.add_places(conn, {key: 3})
        store.add_places(conn, {key: 4, (*key[:4], "new"): 1})
        store.add_places(conn, {})
        assert store.places_since(conn, NOW) == [
            (world.orange, "for-you", "s", "new", 1),
            (world.orange, "for-you", "s", "together", 7),
        ]
        assert store.places_since(conn, Instant(NOW + 1)) == []
