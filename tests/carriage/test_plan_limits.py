"""What a plan gives (films at once, the tallest picture): told, changed by its publisher alone, and kept in the audit."""

from collections.abc import Iterator
from typing import Any

import pytest

from matinee.base.units import Pixels
from matinee.members import plan_store
from matinee.members.model import MemberError
from matinee.outside.database import Database
from matinee.parties import audit
from tests.world import NOW, Screen, Screens, World, screens

PLANS = "/api/v1/plans"


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def who(world: World) -> Iterator[Screens]:
    with screens(world) as made:
        yield made


def make(world: World, seller: Screen, **terms: Any) -> Any:
    answer = seller.send("POST", PLANS, {"service_id": world.cinema.id, "name": "Everything", **terms})
    world.feed.poll()
    return answer.raise_for_status().json()


def change(seller: Screen, plan: str, streams: Any, max_height: Any) -> Any:
    return seller.send("PUT", f"{PLANS}/{plan}/limits", {"streams": streams, "max_height": max_height})


def test_a_plan_of_which_nothing_is_said_gives_two_films_and_every_height(world: World, who: Screens) -> None:
    made = make(world, who.studio)
    assert (made["streams"], made["max_height"]) == (2, None)
    assert make(world, who.studio, streams=4, max_height=720) == made, "it was there, and keeps what it gives"


def test_what_is_said_is_told_again(world: World, who: Screens) -> None:
    made = make(world, who.studio, streams=4, max_height=1080)
    assert (made["streams"], made["max_height"]) == (4, 1080)
    assert who.studio.get(PLANS).json()["items"] == [made]


def test_a_change_is_followed_and_stands_in_the_audit_once(world: World, who: Screens) -> None:
    plan = make(world, who.studio)["id"]
    for _ in range(2):
        changed = change(who.studio, plan, 1, 720)
        assert (changed.status_code, changed.json()["streams"], changed.json()["max_height"]) == (200, 1, 720)
    world.feed.poll()
    held = world.subscriptions.plan(plan)
    assert held is not None
    assert (held.streams, held.max_height) == (1, 720)
    with world.database.read() as conn:
        rows = [row for row in audit.page_of(conn, None, None, 50) if row.action == "plan.limits"]
    assert [row.detail["before"] | {"to": row.detail["after"]} for row in rows] == [
        {"streams": 2, "max_height": None, "to": {"streams": 1, "max_height": 720}}
    ]


def test_another_s_plan_reads_as_none_and_an_operator_changes_nothing(world: World, who: Screens) -> None:
    plan = make(world, who.studio)["id"]
    other, nobody = change(who.rival, plan, 1, None), change(who.rival, "0" * 26, 1, None)
    assert (other.status_code, other.content) == (404, nobody.content)
    assert change(who.as_(world.key("operator", operator=world.orange)), plan, 1, None).status_code == 403
    assert change(who.box, plan, 1, None).status_code == 403


@pytest.mark.parametrize(
    ("streams", "max_height"), [(0, None), (-1, None), (101, None), (2, 0), (2, 143), (2, 4321), (2, "tall"), (None, 720)]
)
def test_terms_that_are_none(world: World, who: Screens, streams: Any, max_height: Any) -> None:
    plan = make(world, who.studio)["id"]
    refused = change(who.studio, plan, streams, max_height)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


def test_the_store_refuses_them_by_itself(world: World) -> None:
    with pytest.raises(MemberError, match="max_height"), world.database.write() as conn:
        plan_store.ensure_plan(conn, world.cinema, "Tall", NOW, actor="test", max_height=Pixels(5000))
    with pytest.raises(MemberError, match="no such plan"), world.database.write() as conn:
        plan_store.change_limits(conn, plan_store.PlanId("0" * 26), 2, None, NOW, actor="test")
