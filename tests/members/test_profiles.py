"""The household's people through URLs: made, changed, put in order, deleted; also by two screens at once."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.ids import new_id
from matinee.catalogue.model import AgeClass, Language
from matinee.members import forgotten, profile_store, store
from matinee.members.model import MemberError
from matinee.members.profile_rules import MAX_NAME, MAX_PROFILES, cleaned
from matinee.members.profile_store import NewProfile
from matinee.outside.database import Database
from matinee.parties import outbox
from tests.world import NOW, Screens, World, screens


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def wish(name: str, **fields: Any) -> dict[str, Any]:
    return {"request": new_id(), "name": name, "color": "#4477aa", "language": "fr"} | fields


def names(answer: Any) -> list[str]:
    return [one["name"] for one in answer.json()["profiles"]]


def test_a_profile_is_made_once_however_often_it_is_asked_for(ask: Screens) -> None:
    told = wish("  Zoé \u200b ", avatar="owl", age_class=10, kids=True)
    made = ask.box.send("POST", "/api/v1/profiles", told)
    assert made.status_code == 201
    assert names(made) == ["Grande", "Petit", "Zoé"]
    profile = made.json()["profile"]
    assert {key: profile[key] for key in ("name", "avatar", "age_class", "kids")} == {
        "name": "Zoé",
        "avatar": "owl",
        "age_class": 10,
        "kids": True,
    }
    again = ask.phone.send("POST", "/api/v1/profiles", told)
    assert (again.status_code, again.json()["profile"]["id"]) == (200, profile["id"])
    assert names(ask.phone.get("/api/v1/me")) == ["Grande", "Petit", "Zoé"]
    assert names(ask.other_box.get("/api/v1/me")) == ["Grande", "Petit"]


def test_a_household_has_five_profiles_at_the_most(ask: Screens) -> None:
    for number in range(3):
        assert ask.box.send("POST", "/api/v1/profiles", wish(f"P{number}")).status_code == 201
    full = ask.box.send("POST", "/api/v1/profiles", wish("Sixth"))
    assert (full.status_code, full.json()["code"]) == (409, "conflict")
    assert ask.other_box.send("POST", "/api/v1/profiles", wish("Sixth")).status_code == 201


BAD: list[dict[str, Any]] = [
    {"name": ""},
    {"name": " \u200b\u202e "},
    {"name": "\u0301"},
    {"name": "x" * (MAX_NAME + 1)},
    {"color": "blue"},
    {"avatar": "../../x"},
    {"age_class": 11},
    {"age_class": 16, "kids": True},
    {"language": "de"},
    {"request": "x"},
    {"place": 0},
]


@pytest.mark.parametrize("wrong", BAD)
def test_what_is_no_profile_is_not_made(ask: Screens, wrong: dict[str, Any]) -> None:
    answer = ask.box.send("POST", "/api/v1/profiles", wish("Nom") | wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert names(ask.box.get("/api/v1/me")) == ["Grande", "Petit"]


def test_two_profiles_are_never_taken_for_one_another(ask: Screens, world: World) -> None:
    assert ask.box.send("POST", "/api/v1/profiles", wish("GRANDE")).status_code == 409
    path = f"/api/v1/profiles/{world.one.child.id}"
    assert ask.box.send("PATCH", path, {"name": "\uff27rande"}).status_code == 409
    assert ask.box.send("PATCH", path, {"name": "PETIT"}).status_code == 200, "its own name is free for it"


CHANGES: list[dict[str, Any]] = [
    {"name": "Léo"},
    {"color": "#aa7744"},
    {"avatar": "fox"},
    {"language": "en"},
    {"age_class": 12},
    {"kids": True, "age_class": 0},
    {},
]


@pytest.mark.parametrize("body", CHANGES)
def test_a_change_changes_what_it_names_and_the_same_again_nothing(world: World, ask: Screens, body: dict[str, Any]) -> None:
    path = f"/api/v1/profiles/{world.one.child.id}"
    before = ask.box.get("/api/v1/me").json()["profiles"][1]
    for _ in range(2):
        answer = ask.box.send("PATCH", path, body)
        assert (answer.status_code, answer.json()["profile"]) == (200, before | body)
    world.feed.poll()
    assert ask.phone.get("/api/v1/me").json()["profiles"][1] == before | body


def test_another_households_profile_is_not_there(world: World, ask: Screens) -> None:
    for method, path, body in (
        ("PATCH", "/api/v1/profiles/{}", {"name": "X"}),
        ("POST", "/api/v1/profiles/{}/choose", None),
        ("DELETE", "/api/v1/profiles/{}", None),
    ):
        theirs = ask.box.send(method, path.format(world.other.adult.id), body)
        nobodys = ask.box.send(method, path.format(new_id()), body)
        assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
    assert ask.other_box.get("/api/v1/me").json()["profiles"][0]["name"] == "Grande"


def test_profiles_are_put_in_order(world: World, ask: Screens) -> None:
    adult, child = world.one.adult.id, world.one.child.id
    assert names(ask.box.send("PUT", "/api/v1/profiles", {"profile_ids": [child, adult]})) == ["Petit", "Grande"]
    world.feed.poll()
    assert names(ask.phone.get("/api/v1/me")) == ["Petit", "Grande"]
    for wrong in ([child], [child, child], [child, adult, new_id()], [child, world.other.adult.id]):
        assert ask.box.send("PUT", "/api/v1/profiles", {"profile_ids": wrong}).status_code == 409


def test_the_last_profile_stays_and_a_deleted_one_is_gone_at_once(world: World, ask: Screens) -> None:
    adult, child = world.one.adult.id, world.one.child.id
    for _ in range(2):
        assert names(ask.box.send("DELETE", f"/api/v1/profiles/{adult}")) == ["Petit"]
    assert ask.box.get("/api/v1/home", profile=adult).status_code == 404
    last = ask.box.send("DELETE", f"/api/v1/profiles/{child}")
    assert (last.status_code, last.json()["code"]) == (409, "conflict")
    with world.database.read() as conn:
        told = [event.payload for event in outbox.after(conn, 0) if event.topic == forgotten.TOPIC]
    household = world.one.household
    assert told == [{"kind": "profile", "household": household, "profile": adult, "until": NOW}], (
        "said once, for whoever holds something of it"
    )


def test_two_screens_at_once_make_no_sixth_profile_and_leave_one(world: World) -> None:
    household = world.one.household
    made: list[str] = []

    def make(number: int) -> None:
        told = NewProfile(
            request=f"request {number}", name=f"P{number}", color="#4477aa", age_class=AgeClass(18), language=Language("fr")
        )
        try:
            with world.database.write() as conn:
                made.append(profile_store.make(conn, household, told, NOW)[0].id)
        except MemberError:
            pass

    _at_once(make, 8)
    with world.database.read() as conn:
        there = store.profiles_of(conn, household)
    assert len(there) == MAX_PROFILES
    assert len({one.place for one in there}) == MAX_PROFILES
    assert len(made) == MAX_PROFILES - 2

    def delete(number: int) -> None:
        try:
            with world.database.write() as conn:
                profile_store.delete(conn, household, there[number].id, NOW)
        except MemberError:
            pass

    _at_once(delete, MAX_PROFILES)
    with world.database.read() as conn:
        assert len(store.profiles_of(conn, household)) == 1


def _at_once(act: Any, count: int) -> None:
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        act(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


@given(st.text(max_size=60))
def test_a_name_is_refused_or_fits_on_one_line(text: str) -> None:
    try:
        name = cleaned(text)
    except MemberError:
        return
    assert 0 < len(name) <= MAX_NAME
    assert name == cleaned(name), "what is clean stays as it is"
    assert not {"\n", "\r", "\0", "\u202e", "\u2028", "\u200b"} & set(name)
    assert name == " ".join(name.split())


def test_a_family_of_emoji_stays_whole() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert cleaned(family) == family
    assert cleaned("a" + "\u0301" * 40) == "á" + "\u0301" * 3
