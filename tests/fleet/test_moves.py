"""Boxes that move, come back and are swapped: by the commands, and as their screens see it through the real addresses."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matinee.app import cli
from matinee.app.commands import opened
from matinee.base.clock import DAY, Instant, to_rfc3339
from matinee.base.party import operator_side
from matinee.fleet import moves, store
from matinee.fleet.model import FleetError, IdentityCause
from matinee.members import store as members
from matinee.outside.database import Database
from matinee.parties import audit
from tests.world import NOW, Screen, Screens, World, screens


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def day(number: float) -> Instant:
    return Instant(NOW + int(number * DAY))


def profiles(screen: Screen) -> list[str]:
    return [one["id"] for one in screen.get("/api/v1/me").json()["profiles"]]


def test_after_a_return_nothing_of_the_old_home_is_reached_from_the_box(world: World, ask: Screens) -> None:
    one, box = world.one, world.one.box.id
    assert profiles(ask.box) == [one.adult.id, one.child.id]
    world.now = day(1)
    with world.database.write() as conn:
        moved = moves.return_box(conn, box, day(1), day(1), actor="me")
        fresh = store.mint_box_token(conn, box, day(1))  # as the next home's is
    world.feed.poll()
    assert (moved.before, moved.after, moved.tokens_ended) == (one.line, None, 1)
    for path in ("/api/v1/me", "/api/v1/home", f"/api/v1/home?profile={one.adult.id}", "/api/v1/box/release"):
        assert ask.box.get(path).status_code == 401, path
    again = Screen(ask.box._client, fresh)
    assert again.get("/api/v1/me").status_code == 404
    assert again.get("/api/v1/home").json()["rows"] == []
    assert again.get("/api/v1/home", profile=one.adult.id).status_code == 404
    body = {"language": "en"}
    assert again.send("PUT", f"/api/v1/profiles/{one.adult.id}/preferences", body).status_code == 404
    assert profiles(ask.phone) == [one.adult.id, one.child.id], "the home keeps its own"


def test_the_household_follows_the_line_and_not_the_box(world: World, ask: Screens) -> None:
    one, other = world.one, world.other
    world.now = day(1)
    with world.database.write() as conn:
        line = moves.line_named(conn, "Free/other", day(1))
        moves.move_box(conn, one.box.id, line, day(1), day(1), actor="me")
    world.feed.poll()
    assert profiles(ask.box) == [other.adult.id, other.child.id]
    assert ask.box.get("/api/v1/me").json()["services"] == [], "and it has what its new operator carries"
    assert ask.box.get("/api/v1/home", profile=one.adult.id).status_code == 404
    assert [world.fleet.line_of(one.box.id, at) for at in (NOW, day(0.9), day(1))] == [one.line.id, one.line.id, other.line.id]


def test_neither_operator_reads_of_the_others_line_in_the_audit(world: World) -> None:
    with world.database.write() as conn:
        moves.move_box(conn, world.one.box.id, moves.line_named(conn, "Free/secret", day(1)), day(1), day(1), actor="me")
        twin = store.add_box(conn, world.model.id, "serial-one", "", NOW).id
        store.assign_box(conn, twin, world.one.line.id, day(2), day(2))  # and both are held
        sides = {one: audit.page_of(conn, operator_side(one), None, 10) for one in (world.orange, world.free)}
        assert audit.first_broken(conn) is None
        assert audit.broken_sides(conn) == []
    told = {side: [(row.action, row.detail) for row in reversed(rows)] for side, rows in sides.items()}
    hold = {"serial": "serial-one", "why": "serial_repeated"}
    moved = {"serial": "serial-one", "valid_from": day(1)}
    assert [one for one in told[world.orange] if one[0].startswith("box")] == [
        ("box.move", moved | {"before": "one"}),
        ("boxes.hold", hold | {"boxes": [twin]}),
    ]
    assert [one for one in told[world.free] if one[0].startswith("box")] == [
        ("box.move", moved | {"after": "secret"}),
        ("boxes.hold", hold | {"boxes": [world.one.box.id]}),
    ]


def test_a_move_that_is_told_late_is_known_late(world: World) -> None:
    box = world.one.box.id
    with world.database.write() as conn:
        new = moves.line_named(conn, "Orange/a new line", day(9))
        moves.move_box(conn, box, new, day(2), day(9), actor="me")
    world.feed.poll()
    assert world.fleet.line_of(box, day(3)) == new.id
    assert world.fleet.line_of(box, day(3), day(4)) == world.one.line.id


def test_a_move_may_be_recorded_ahead_and_a_return_may_not(world: World) -> None:
    box = world.one.box.id
    with world.database.write() as conn:
        with pytest.raises(FleetError, match="lies ahead"):
            moves.return_box(conn, box, day(3), day(1), actor="me")
        moves.move_box(conn, box, moves.line_named(conn, "Orange/new", day(1)), day(3), day(1), actor="me")
        with pytest.raises(FleetError, match=r"from 2014-10-05T10:00:00\.000Z on, which 2014-10-04T10:00:00\.000Z is not after"):
            moves.return_box(conn, box, day(2), day(2), actor="me")
    world.feed.poll()
    assert world.fleet.line_of(box, day(2)) == world.one.line.id


def test_a_swap_keeps_the_home_and_ends_the_old_boxs_tokens(world: World, ask: Screens) -> None:
    one = world.one
    world.now = day(1)
    with world.database.write() as conn:
        new = store.add_box(conn, world.model.id, "NEW", "", NOW).id
        token = store.mint_box_token(conn, new, NOW)
        gone, came = moves.swap_boxes(conn, one.box.id, new, day(1), day(1), actor="me")
    world.feed.poll()
    assert (gone.tokens_ended, came.after) == (1, one.line)
    assert ask.box.get("/api/v1/me").status_code == 401
    assert profiles(Screen(ask.box._client, token)) == [one.adult.id, one.child.id]
    assert list(world.fleet.boxes_at(one.line.id, day(1))) == [new]
    assert list(world.fleet.boxes_at(one.line.id, day(0))) == [one.box.id]


REFUSED = [
    ("backward", lambda w, c: moves.move_box(c, w.one.box.id, _line(c, "Orange/x"), day(-1), day(1), actor="me"), "is not after"),
    ("overlapping", lambda w, c: moves.move_box(c, w.one.box.id, _line(c, "Orange/x"), NOW, day(1), actor="me"), "is not after"),
    (
        "where it is",
        lambda w, c: moves.move_box(c, w.one.box.id, w.one.line, day(1), day(1), actor="me"),
        "stands at one already",
    ),
    ("no operator", lambda w, c: moves.line_named(c, "Nobody/1", NOW), "names no line of a known operator"),
    ("no reference", lambda w, c: moves.line_named(c, "Orange/ ", NOW), "has no reference"),
    ("swapped for itself", lambda w, c: moves.swap_boxes(c, w.one.box.id, w.one.box.id, day(1), day(1), actor="me"), "itself"),
    (
        "swapped for one that stands",
        lambda w, c: moves.swap_boxes(c, w.one.box.id, w.other.box.id, day(1), day(1), actor="me"),
        "serial-other stands at Free/other then",
    ),
    ("returned before it came", lambda w, c: moves.return_box(c, w.one.box.id, day(-1), day(1), actor="me"), "at no line then"),
]


def _line(conn: sa.Connection, name: str) -> store.Line:
    return moves.line_named(conn, name, NOW)


@pytest.mark.parametrize(("shows", "act", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_be_so_is_refused_and_nothing_is_recorded(world: World, shows: str, act: object, says: str) -> None:
    assert callable(act)
    with world.database.read() as conn:
        before = conn.execute(sa.select(sa.func.count()).select_from(store.box_assignments)).scalar_one()
    with pytest.raises(FleetError, match=says) as refused, world.database.write() as conn:
        act(world, conn)
    assert refused.value.remedy
    with world.database.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(store.box_assignments)).scalar_one() == before


def test_a_held_box_is_not_moved_and_may_be_returned(world: World) -> None:
    with world.database.write() as conn:
        twin = store.add_box(conn, world.model.id, "serial-one", "", NOW).id
        store.assign_box(conn, twin, world.other.line.id, NOW, NOW)
        with pytest.raises(FleetError, match="is quarantined, and held"):
            moves.move_box(conn, twin, _line(conn, "Orange/x"), day(1), day(1), actor="me")
        moves.return_box(conn, twin, day(1), day(1), actor="me")


def test_a_move_to_where_its_twin_is_not_holds_both(world: World) -> None:
    with world.database.write() as conn:
        twin = store.add_box(conn, world.model.id, "serial-one", "", NOW).id
        moves.move_box(conn, twin, _line(conn, "Orange/x"), day(1), day(1), actor="me")
        causes = {one.box: one.why for one in store.identities_of(conn)}
    assert causes == dict.fromkeys((twin, world.one.box.id), IdentityCause.SERIAL_REPEATED)


def test_a_move_that_was_known_before_is_held_by_the_twin_of_now_and_from_now_on(world: World) -> None:
    with world.database.write() as conn:
        gone, moved = (store.add_box(conn, world.model.id, "twin", "", NOW).id for _ in range(2))
        store.assign_box(conn, gone, world.other.line.id, NOW, NOW)
        moves.return_box(conn, gone, day(4), day(4), actor="me")
        moves.move_box(conn, moved, _line(conn, "Orange/x"), day(2), day(9), actor="me", known=day(3))
        assert list(store.identities_of(conn, [gone, moved])) == [], "the twin came back before anybody wrote of the move"
        moves.move_box(conn, gone, _line(conn, "Orange/y"), day(8), day(9), actor="me", known=day(8))
        assert {one.valid_from for one in store.identities_of(conn, [gone, moved])} == {day(9)}
        written = conn.execute(sa.select(audit.audit.c.at).where(audit.audit.c.action == "boxes.hold")).scalars()
        assert set(written) == {day(9)}


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(-3, 12), st.integers(0, 3)), max_size=6))
def test_windows_never_lie_over_each_other(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str | None, int, int]]
) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('moves') / 'w.db'}")
    store.metadata.create_all(database.engine)
    now = NOW
    with database.write() as conn:
        store.ensure_operator(conn, "Fibre", "FR", "Europe/Paris", NOW)
        model = store.ensure_box_model(conn, "00AFFF", "LBP", "Livebox Play", {}, NOW)
        box = store.add_box(conn, model.id, "S", "", NOW).id
    for reference, since, later in told:
        now = Instant(now + later * DAY)
        with contextlib.suppress(FleetError), database.write() as conn:
            if reference is None:
                moves.return_box(conn, box, day(since), now, actor="me")
            else:
                moves.move_box(conn, box, _line(conn, f"Fibre/{reference}"), day(since), now, actor="me")
    with database.read() as conn:
        facts = list(store.assignments_of(conn, [box]))
        assert audit.first_broken(conn) is None
    database.close()
    starts = [one.valid_from for one in facts]
    assert starts == sorted(set(starts)), "each begins after the one before it"
    assert all(one.line != other.line for one, other in itertools.pairwise(facts))


# --- the commands -------------------------------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], data: Path, *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.run(["boxes", *arguments, "--by", "me", "--data", str(data)])
    return code, *capsys.readouterr()


def test_the_commands_move_return_and_swap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    with opened(data) as installation, installation.database.write() as conn:
        for name in ("Fibre", "Fibre/Sud"):
            store.ensure_operator(conn, name, "FR", "Europe/Paris", NOW)
        model = store.ensure_box_model(conn, "00AFFF", "LBP", "Livebox Play", {}, NOW)
        for name in ("S1", "S2"):
            store.add_box(conn, model.id, name, "", NOW)
    code, out, _ = run(capsys, data, "move", "S1", "--line", "Fibre/Sud/12", "--from", to_rfc3339(day(1)), "--json")
    assert code == 0, "an operator's name may hold a slash"
    assert json.loads(out)["moves"] == [
        {
            "box": json.loads(out)["moves"][0]["box"],
            "serial": "S1",
            "before": None,
            "after": "12",
            "since": to_rfc3339(day(1)),
            "tokens_ended": 0,
        }
    ]
    code, _, err = run(capsys, data, "move", "S1", "--line", "Fibre/7", "--from", to_rfc3339(day(0)))
    assert (code, "S1 stands at Fibre/Sud/12 from" in err, "--from" in err) == (1, True, True)
    assert run(capsys, data, "move", "S1", "--line", "Fibre/7", "--from", "yesterday")[0] == 1
    code, out, _ = run(capsys, data, "swap", "S1", "S2", "--from", to_rfc3339(day(2)))
    assert code == 0
    assert "S1 stands at no line" in out
    assert "S2 stands at 12" in out
    code, out, _ = run(capsys, data, "return", "S2")
    assert code == 0
    page = json.loads(run_plain(capsys, data, "show", "S2", "--json"))
    assert [one["line"] for one in page["lines"]] == ["Fibre/Sud/12", ""]
    assert page["line"] == ""
    assert cli.run(["audit", "--data", str(data)]) == 0


def run_plain(capsys: pytest.CaptureFixture[str], data: Path, *arguments: str) -> str:
    capsys.readouterr()
    assert cli.run(["boxes", *arguments, "--data", str(data)]) == 0
    return capsys.readouterr().out


def test_a_new_home_at_the_old_line_is_not_told_of_the_old_one(world: World, ask: Screens) -> None:
    """A house move: the household goes, its box stays with the line's next home."""
    world.now = day(1)
    with world.database.write() as conn:
        newcomers = members.ensure_household(conn, "newcomers", day(1)).id
        members.assign_household(conn, world.one.line.id, newcomers, day(1), day(1))
    world.feed.poll()
    assert profiles(ask.box) == []
    assert ask.box.get("/api/v1/home", profile=world.one.adult.id).status_code == 404


_STORY = """
name = "Boxes that move"
today = 2014-10-02
retold = true
[[box_models]]
name = "Livebox Play"
oui = "00AFFF"
product_class = "LBP"
[[operators]]
name = "One"
country = "FR"
timezone = "Europe/Paris"
[[operators]]
name = "Two"
country = "FR"
timezone = "Europe/Paris"
[[homes]]
operator = "One"
model = "Livebox Play"
serial = "S1"
since = 2014-01-01
[[moves]]
operator = "One"
model = "Livebox Play"
serial = "S1"
since = 2014-03-01
[[moves]]
operator = "Two"
model = "Livebox Play"
serial = "S1"
line = "home"
since = 2014-04-01
known = 2014-05-01
"""


def test_a_scenario_tells_of_a_change_of_operator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, file = tmp_path / "data", tmp_path / "story.toml"
    file.write_text(_STORY)
    assert cli.run(["apply", str(file), "--data", str(data)]) == 0
    page = json.loads(run_plain(capsys, data, "show", "S1", "--json"))
    assert [(one["line"], one["since"][:10], one["known"][:10]) for one in page["lines"]] == [
        ("One/line-S1", "2013-12-31", "2013-12-31"),
        ("", "2014-02-28", "2014-02-28"),
        ("Two/home", "2014-03-31", "2014-04-30"),
    ]
    assert cli.run(["diff", str(file), "--data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [], "applied again it is nothing new"
