"""A profile's list and thumbs through URLs: said twice, bounded, its own, gone with it."""

import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from matinee.base.clock import Instant
from matinee.base.ids import ProfileId, TitleId, new_id
from matinee.catalogue.model import AgeClass, Title
from matinee.members import taste_store
from matinee.members.model import MemberError, ProfileNotFound
from matinee.members.taste_store import MAX_LISTED, profile_titles
from matinee.outside.database import Database
from tests.catalogue.factories import episode, film, series
from tests.world import NOW, Screens, World, screens


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def mine(world: World, title: Title, **fields: Any) -> Title:
    return msgspec.structs.replace(title, publisher=world.studio.id, service=world.cinema.id, **fields)


def listed(ask: Screens, profile: str) -> list[str]:
    rows = ask.phone.get("/api/v1/home", profile=profile).json()["rows"]
    return [tile["name"] for row in rows if row["kind"] == "my_list" for tile in row["items"]]


def test_a_list_is_the_profiles_own_newest_first(world: World, ask: Screens) -> None:
    saga = mine(world, series("Saga"))
    one, two = mine(world, film("Un")), mine(world, film("Deux", age_class=AgeClass(16)))
    first = mine(world, episode(saga, 1, 1, "E1"))
    world.put(one, two, saga, first)
    adult, child = world.one.adult.id, world.one.child.id
    for number, title in enumerate((one, two, first, one)):
        world.now = Instant(NOW + number)
        answer = ask.box.send("PUT", f"/api/v1/titles/{title.id}/list", {"profile_id": adult})
        assert (answer.status_code, answer.json()) == (200, {"in_list": True, "thumb": None})
    assert listed(ask, adult) == ["Saga", "Deux", "Un"], "of an episode its series; what is there already stays in its place"
    assert listed(ask, child) == []
    assert ask.box.get(f"/api/v1/titles/{saga.id}", profile=adult).json()["in_list"] is True
    assert ask.box.get(f"/api/v1/titles/{first.id}", profile=adult).json()["in_list"] is True
    assert ask.box.get(f"/api/v1/titles/{saga.id}", profile=child).json()["in_list"] is False
    assert ask.box.send("PUT", f"/api/v1/titles/{two.id}/list", {"profile_id": child}).status_code == 404
    page = ask.box.get("/api/v1/rows/my-list", profile=adult).json()
    assert [tile["name"] for tile in page["items"]] == ["Saga", "Deux", "Un"]
    world.take(world.studio.id, two.id)
    assert listed(ask, adult) == ["Saga", "Un"], "what is gone is not shown"
    for title in (first, two, one):
        for _ in range(2):
            off = ask.box.send("DELETE", f"/api/v1/titles/{title.id}/list?profile={adult}")
            assert (off.status_code, off.json()["in_list"]) == (200, False)
    assert listed(ask, adult) == []
    assert ask.box.get("/api/v1/rows/my-list", profile=adult).status_code == 404
    with world.database.read() as conn:
        assert conn.execute(sa.select(profile_titles)).all() == [], "rows that say nothing are not kept"


@pytest.mark.parametrize("thumb", ["up", "down"])
def test_a_thumb_is_given_and_taken_back(world: World, ask: Screens, thumb: str) -> None:
    one = mine(world, film("Un"))
    world.put(one)
    path, adult = f"/api/v1/titles/{one.id}/thumb", world.one.adult.id
    for _ in range(2):
        assert ask.box.send("PUT", path, {"profile_id": adult, "thumb": thumb}).json() == {"in_list": False, "thumb": thumb}
    assert ask.phone.get(f"/api/v1/titles/{one.id}", profile=adult).json()["thumb"] == thumb
    assert ask.phone.get(f"/api/v1/titles/{one.id}").json()["thumb"] is None
    assert ask.box.send("PUT", path, {"profile_id": adult, "thumb": None}).json()["thumb"] is None
    for wrong in ({"profile_id": adult, "thumb": "sideways"}, {"profile_id": adult}, {"thumb": "up"}):
        assert ask.box.send("PUT", path, wrong).status_code == 400
    assert ask.box.send("PUT", path, {"profile_id": world.other.adult.id, "thumb": "up"}).status_code == 404


def test_a_list_is_bounded_also_where_many_screens_write_at_once(world: World) -> None:
    household, adult = world.one.household, world.one.adult.id
    with world.database.write() as conn:
        for number in range(MAX_LISTED - 3):
            taste_store.put_on_list(conn, household, adult, TitleId(f"title {number}"), Instant(NOW + number))
    refused: list[int] = []
    gate = threading.Barrier(8)

    def put(number: int) -> None:
        gate.wait()
        try:
            with world.database.write() as conn:
                taste_store.put_on_list(conn, household, adult, TitleId(f"more {number}"), NOW)
        except MemberError:
            refused.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(refused) == 5
    with world.database.read() as conn:
        assert sum(row.listed_at is not None for row in taste_store.tastes_of(conn, adult)) == MAX_LISTED


def test_of_too_many_thumbs_the_oldest_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taste_store, "MAX_THUMBS", 3)
    household, adult = world.one.household, world.one.adult.id
    with world.database.write() as conn:
        for number in range(5):
            taste_store.put_thumb(conn, household, adult, TitleId(f"t{number}"), "up", Instant(NOW + number))
        assert sorted(row.title_id for row in taste_store.tastes_of(conn, adult)) == ["t2", "t3", "t4"]


def test_a_profile_that_is_deleted_meanwhile_keeps_nothing(world: World) -> None:
    with pytest.raises(ProfileNotFound), world.database.write() as conn:
        taste_store.put_on_list(conn, world.one.household, ProfileId(new_id()), TitleId("t"), NOW)
