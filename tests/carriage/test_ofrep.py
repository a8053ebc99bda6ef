"""OFREP as a stranger's client speaks it: values, reasons, error codes, and an unchanged answer that costs 304."""

from collections.abc import Iterator
from typing import Any

import pytest

from matinee.catalogue import store as titles
from matinee.fleet import store as fleet
from matinee.fleet.buckets import bucket
from tests.world import Screens, World, screens, world_on_sqlite

BULK = "/ofrep/v1/evaluate/flags"


@pytest.fixture
def world(tmp_path: Any) -> Iterator[World]:
    with world_on_sqlite(tmp_path) as made:
        yield made


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def context(key: str | None) -> dict[str, Any]:
    return {"context": {} if key is None else {"targetingKey": key}}


def test_a_flag_is_whether_a_box_has_a_service(world: World, ask: Screens) -> None:
    world.sign(world.free, world.cinema, "refused")
    for box, value, reason in ((world.one.box.id, True, "TARGETING_MATCH"), (world.other.box.id, False, "DISABLED")):
        answer = ask.studio.send("POST", f"{BULK}/{world.cinema.id}", context(box))
        assert answer.status_code == 200
        flag = answer.json()
        assert (flag["key"], flag["value"], flag["reason"]) == (world.cinema.id, value, reason)
        assert flag["variant"] == ("on" if value else "off")


def test_reasons_follow_the_decision(world: World, ask: Screens) -> None:
    def flag() -> dict[str, Any]:
        return dict(ask.studio.send("POST", f"{BULK}/{world.cinema.id}", context(world.one.box.id)).json())

    place = bucket("w", world.one.box.id, 10_000)
    world.switch(world.orange, world.cinema, share=place + 1, salt="w")
    assert (flag()["value"], flag()["reason"]) == (True, "SPLIT")
    world.switch(world.orange, world.cinema, share=place, salt="w")
    assert (flag()["value"], flag()["reason"]) == (False, "SPLIT")
    world.switch(world.orange, world.cinema, models=("another",))
    assert (flag()["value"], flag()["reason"], flag()["metadata"]["clause"]) == (False, "TARGETING_MATCH", "model")
    world.switch(world.orange, world.cinema, "killed")
    assert (flag()["value"], flag()["reason"]) == (False, "DISABLED")


def test_all_flags_at_once_and_304_until_something_changes(world: World, ask: Screens) -> None:
    first = ask.studio.send("POST", BULK, context(world.one.box.id))
    assert [(flag["key"], flag["value"]) for flag in first.json()["flags"]] == [(world.cinema.id, True)]
    headers = {"If-None-Match": first.headers["etag"], "Authorization": f"Bearer {world.studio_key}"}

    def again() -> int:
        return ask.studio._client.post(BULK, json=context(world.one.box.id), headers=headers).status_code

    assert again() == 304
    world.switch(world.orange, world.cinema, "paused")
    assert again() == 200


BODIES: list[tuple[str, Any, str]] = [
    ("no key of a box", context(None), "TARGETING_KEY_MISSING"),
    ("an empty key", context(""), "TARGETING_KEY_MISSING"),
    ("a key that is no box's", context("0" * 26), "INVALID_CONTEXT"),
    ("a key of no form", context("../etc"), "INVALID_CONTEXT"),
    ("no context", {}, "INVALID_CONTEXT"),
    ("a context that is none", {"context": 7}, "INVALID_CONTEXT"),
    ("a list", [], "INVALID_CONTEXT"),
]


@pytest.mark.parametrize(("shows", "body", "code"), BODIES, ids=[row[0] for row in BODIES])
def test_what_cannot_be_evaluated_says_so_in_the_protocols_words(
    world: World, ask: Screens, shows: str, body: Any, code: str
) -> None:
    one = ask.studio.send("POST", f"{BULK}/{world.cinema.id}", body)
    assert (one.status_code, one.json()["errorCode"], one.json()["key"]) == (400, code, world.cinema.id), shows
    every = ask.studio.send("POST", BULK, body)
    assert (every.status_code, every.json()["errorCode"]) == (400, code)
    assert "key" not in every.json()


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"x": ' + b"[" * 100_000])
def test_what_is_no_json_is_a_parse_error(world: World, ask: Screens, raw: bytes) -> None:
    answer = ask.studio._client.post(BULK, content=raw, headers={"Authorization": f"Bearer {world.studio_key}"})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "PARSE_ERROR")


def test_anothers_flag_reads_as_one_that_does_not_exist(world: World, ask: Screens) -> None:
    body = context(world.one.box.id)
    theirs, none = (ask.rival.send("POST", f"{BULK}/{key}", body) for key in (world.cinema.id, "0" * 26))
    assert theirs.status_code == none.status_code == 404
    assert theirs.json()["errorCode"] == none.json()["errorCode"] == "FLAG_NOT_FOUND"
    assert len(theirs.content) == len(none.content)
    world.sign(world.orange, world.theatre, "refused")
    assert [flag["key"] for flag in ask.rival.send("POST", BULK, body).json()["flags"]] == [world.theatre.id]


def test_a_publisher_asks_about_no_box_of_an_operator_that_it_has_nothing_with(world: World, ask: Screens) -> None:
    """Nor about one at no line: each reads as a box that does not exist. All at once tells of what is recorded there alone."""
    with world.database.write() as conn:
        loose = fleet.ensure_box(conn, world.model.id, "at no line", "Salon", world.now)
        second = titles.ensure_service(conn, world.studio.id, "Nocturama", world.now)
    world.feed.poll()
    for path in (BULK, f"{BULK}/{world.cinema.id}"):
        nothing = ask.studio.send("POST", path, context("0" * 26))
        assert nothing.json()["errorCode"] == "INVALID_CONTEXT"
        for box in (world.other.box.id, loose.id):
            answer = ask.studio.send("POST", path, context(box))
            assert (answer.status_code, answer.content) == (nothing.status_code, nothing.content)
    assert [flag["key"] for flag in ask.studio.send("POST", BULK, context(world.one.box.id)).json()["flags"]] == [world.cinema.id]
    here = ask.studio.send("POST", f"{BULK}/{second.id}", context(world.one.box.id))
    assert (here.status_code, here.json()["errorCode"]) == (400, "INVALID_CONTEXT")


def test_screens_and_strangers_may_not_ask(world: World, ask: Screens) -> None:
    for who, status in ((ask.box, 403), (ask.phone, 403), (ask.nobody, 401), (ask.stranger, 401)):
        assert who.send("POST", BULK, context(world.one.box.id)).status_code == status
