"""Each side's own chain of the audit: it holds that side's rows alone, can be followed as it is shown, and shows any touch."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matinee.base.clock import Instant, from_rfc3339
from matinee.base.ids import OperatorId, PublisherId, ServiceId, new_id
from matinee.base.pagination import encode_cursor
from matinee.base.party import SideKey, operator_side, publisher_side
from matinee.carriage.model import Switch
from matinee.carriage.store import follow_switches
from matinee.fleet import key_store
from matinee.fleet.work import import_boxes
from matinee.outside.database import Database
from matinee.parties import audit
from tests.world import NOW, Screens, World, screens, world_on_sqlite

ONE, TWO = operator_side(OperatorId("one")), publisher_side(PublisherId("two"))


def followed(items: list[dict[str, Any]]) -> None:
    """What an auditor does with all rows of its side: make each seal anew from the words that are shown."""
    before = "0" * 64
    for number, row in enumerate(reversed(items), 1):
        words = [before, number, from_rfc3339(row["at"]), row["actor"], row["action"], row["subject"], row["detail"]]
        before = hashlib.sha256(json.dumps(words, sort_keys=True).encode("ascii")).hexdigest()
        assert (row["number"], row["seal"], row["stands"]) == (number, before, True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_on_sqlite(tmp_path) as made:
        yield made


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def all_of(ask: Screens, token: str, limit: int = 100) -> list[dict[str, Any]]:
    items, cursor = [], None
    while True:
        page = ask.as_(token).get("/api/v1/audit", limit=limit, cursor=cursor).json()
        items += page["items"]
        if (cursor := page["next_cursor"]) is None:
            return items


def test_a_side_reads_its_own_rows_and_can_follow_them_alone(world: World, ask: Screens) -> None:
    world.sign(world.free, world.cinema, "refused")
    world.sign(world.free, world.theatre)
    world.sign(world.orange, world.theatre)
    free = world.sign_in("free.auditor", "auditor", operator=world.free)
    studio = world.key("publisher", publisher=world.studio.id)
    everything = world.sign_in("auditor.of.all", "auditor")
    for limit in (1, 2, 100):
        rows = all_of(ask, free, limit)
        followed(rows)
        told = [(one["action"], one["detail"].get("service")) for one in rows]
        assert told == [
            ("staff.add", None),
            ("launch.record", world.theatre.id),
            ("agreement.record", world.theatre.id),
            ("launch.record", world.cinema.id),
            ("agreement.record", world.cinema.id),
        ]
    rows = all_of(ask, studio)
    followed(rows)
    assert {one["detail"].get("service") for one in rows} == {None, world.cinema.id}
    assert {one["detail"].get("operator") for one in rows if one["action"] == "agreement.record"} == {world.free, world.orange}
    assert "key.add" in [one["action"] for one in rows], "its own keys are among it"
    rows = all_of(ask, everything, 3)
    followed(rows)
    with world.database.read() as conn:
        assert (rows[0]["number"], rows[0]["seal"]) == audit.newest(conn), "the whole one is that of `matinee audit check`"


def test_what_others_do_changes_no_byte_of_ones_own(world: World, ask: Screens) -> None:
    world.sign(world.free, world.theatre)
    free = world.key("operator", operator=world.free)
    before = ask.as_(free).get("/api/v1/audit")
    world.switch(world.orange, world.cinema, "silent")
    world.key("operator", operator=world.orange)
    after = ask.as_(free).get("/api/v1/audit")
    assert (before.content, before.headers) == (after.content, after.headers)
    world.key("operator", operator=world.free)
    numbers = [one["number"] for one in ask.as_(free).get("/api/v1/audit").json()["items"]]
    assert numbers == list(range(len(numbers), 0, -1)), "and what comes later shows no gap"


def told_of(world: World, prefix: str) -> dict[str, list[str]]:
    """Which rows whose act begins so are in whose chain."""
    sides = {
        "studio": publisher_side(world.studio.id),
        "rival": publisher_side(world.rival.id),
        "orange": operator_side(world.orange),
        "free": operator_side(world.free),
    }
    with world.database.read() as conn:
        pages = {name: audit.page_of(conn, side, None, 100) for name, side in sides.items()}
        assert audit.broken_sides(conn) == []
    return {name: [row.subject for row in page if row.action.startswith(prefix)] for name, page in pages.items()}


def test_a_switch_is_told_to_the_publisher_and_to_those_with_a_record(world: World) -> None:
    world.sign(world.free, world.theatre)
    words: dict[str, Any] = {"is_off": True, "ends_plays": True, "valid_from": world.now, "recorded_at": world.now}
    everywhere = Switch(service=world.cinema.id, operator=None, **words)
    at_free = Switch(service=world.theatre.id, operator=world.free, **words)
    gone = Switch(service=ServiceId(new_id()), operator=None, **words)
    with world.database.write() as conn:
        assert follow_switches(conn, [everywhere, at_free, gone], world.now, actor="test") == 3
    told = told_of(world, "service.switch")
    assert {name: len(rows) for name, rows in told.items()} == {"studio": 1, "rival": 1, "orange": 1, "free": 1}
    assert told["studio"] == told["orange"] != told["rival"] == told["free"]


def test_boxes_are_told_to_the_operator_whose_they_are(world: World, tmp_path: Path) -> None:
    heading = "ManufacturerOUI,ProductClass,SerialNumber,operator,line\n"
    files = {
        "of free": "00AFFF,LBP,serial-one,Free,mine\n00AFFF,LBP,N1,Free,mine\n",
        "of two": "00AFFF,LBP,N2,Free,mine\n00AFFF,LBP,N3,Orange,mine\n",
    }
    for name, rows in files.items():
        (tmp_path / name).write_text(heading + rows)
        import_boxes(world.database, tmp_path / name, Instant(NOW + 1), actor="test", progress=lambda _stage, _part: None)
    box = world.one.box.id
    with world.database.write() as conn:
        key_store.release_box(conn, box, Instant(NOW + 2), actor="test")
    told = told_of(world, "box")
    assert told == {"studio": [], "rival": [], "orange": [box, box], "free": ["of free"]}, "of two is told to neither"
    everything = world.sign_in("auditor.of.all", "auditor")
    with screens(world) as ask:
        assert "of two" in [one["subject"] for one in all_of(ask, everything)]


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzFd" * 200, "WyJhIl0", "WzEuNV0", "W3RydWVd"])
def test_a_cursor_that_is_none(world: World, ask: Screens, cursor: str) -> None:
    answer = ask.studio.get("/api/v1/audit", cursor=cursor)
    assert answer.status_code == 400


@pytest.mark.parametrize("number", [-(10**15), -1, 0, 10**15])
def test_a_cursor_beyond_any_row(world: World, ask: Screens, number: int) -> None:
    answer = ask.studio.get("/api/v1/audit", cursor=encode_cursor(number))
    assert answer.status_code == 200
    assert len(answer.json()["items"]) == (3 if number > 0 else 0)


TOUCHED = [
    ("another actor", "UPDATE audit SET actor = 'somebody' WHERE seq = 3", 2),
    ("another detail", "UPDATE audit SET detail = '{}' WHERE seq = 3", 2),
    ("a detail that is no JSON", "UPDATE audit SET detail = '{' WHERE seq = 3", 2),
    ("a row of the audit gone", "DELETE FROM audit WHERE seq = 3", 2),
    ("a row kept from a side", f"DELETE FROM audit_sides WHERE side = '{ONE}' AND number = 2", 2),
    ("the first kept from a side", f"DELETE FROM audit_sides WHERE side = '{ONE}' AND number = 1", 1),
    ("another's row shown to a side", f"UPDATE audit_sides SET seq = 2 WHERE side = '{ONE}' AND number = 2", 2),
    ("another seal", f"UPDATE audit_sides SET seal = '0' WHERE side = '{ONE}' AND number = 2", 2),
]


@pytest.mark.parametrize(("shows", "touch", "number"), TOUCHED, ids=[row[0] for row in TOUCHED])
def test_whatever_is_touched_shows_in_the_side(any_database: Database, shows: str, touch: str, number: int) -> None:
    with any_database.write() as conn:
        for place, sides in enumerate([[ONE], [TWO], [ONE, TWO], [ONE]], 1):
            audit.record(conn, "staff", "agreement.record", f"s{place}", {"n": place}, NOW, sides=sides)
        assert audit.broken_sides(conn) == []
        conn.execute(sa.text(touch))
        assert (ONE, number) in audit.broken_sides(conn)
        shown = audit.page_of(conn, ONE, None, 10)
        assert not all(row.stands for row in shown), shows


@given(st.lists(st.sets(st.sampled_from([ONE, TWO, SideKey("operator:three")])), max_size=12))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_chain_is_what_it_would_be_without_the_others(tmp_path: Path, rows: list[set[SideKey]]) -> None:
    def seals(only: SideKey | None) -> list[tuple[int, str]]:
        database = Database("sqlite://")
        audit.metadata.create_all(database.engine, tables=[audit.audit, audit.audit_sides])
        with database.write() as conn:
            for place, sides in enumerate(rows):
                if only is None or only in sides:
                    audit.record(conn, "a", "b", f"s{place}", {"at": place}, Instant(NOW + place), sides=sides)
            found = [(row.number, row.seal) for row in audit.page_of(conn, ONE, None, 100)]
        database.close()
        return found

    assert seals(None) == seals(ONE)
