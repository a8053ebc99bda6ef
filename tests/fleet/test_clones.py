"""Which box is the right one: keys that alternate, serials told of twice, and the way back that staff have."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.app import cli
from matinee.app.commands import opened
from matinee.base.clock import DAY, HOUR, Instant
from matinee.base.ids import BoxId
from matinee.fleet import key_store, rules, store
from matinee.fleet.identities import NEW_KEYS_A_DAY, show, waiting_keys
from matinee.fleet.model import (
    HELD,
    BoxIdentity,
    BoxKey,
    FleetError,
    IdentityCause,
    KeyStanding,
    PublicKey,
)
from matinee.fleet.work import ImportReport, import_boxes
from matinee.outside.database import Database
from matinee.parties import audit, outbox
from tests.fleet.test_fleet import BoxKey as KeyPair
from tests.fleet.test_fleet import confirm, nonce_of, register
from tests.world import NOW, Screen, Screens, World, screens

U, V, Q, C = BoxIdentity.UNVERIFIED, BoxIdentity.VERIFIED, BoxIdentity.QUARANTINED, BoxIdentity.CLONED


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def key(name: str) -> PublicKey:
    return PublicKey(x=name, y=name)


Told = list[tuple[str, int] | tuple[str, int, str]]
"""(key, hour) or (key, hour, "accepted")."""

TABLE: list[tuple[str, BoxIdentity, Told, BoxIdentity, bool]] = [
    ("the first key", U, [("A", 0)], V, True),
    ("the same key, again and again", U, [("A", 0), ("A", 1), ("A", 99)], V, True),
    ("a second key, as after a factory reset", U, [("A", 0), ("B", 1)], U, True),
    ("a second key goes on", U, [("A", 0), ("B", 1), ("B", 2)], U, True),
    ("the first one comes back within a day", U, [("A", 0), ("B", 1), ("A", 25)], C, False),
    ("the first one comes back later", U, [("A", 0), ("B", 1), ("A", 26)], U, True),
    ("a third one is no return", U, [("A", 0), ("B", 1), ("C", 2)], U, True),
    ("an old one comes back", U, [("A", 0), ("B", 1), ("C", 2), ("A", 3)], C, False),
    ("of the clones each is held", U, [("A", 0), ("B", 1), ("A", 2), ("B", 3)], C, True),
    ("staff named the first: another one changes nothing", U, [("A", 0), ("A", 1, "accepted"), ("B", 2)], V, False),
    ("nor does it by coming and going", U, [("A", 0), ("A", 1, "accepted"), ("B", 2), ("A", 3), ("B", 4)], V, False),
    ("the right one has its services on", U, [("A", 0), ("A", 1, "accepted"), ("B", 2), ("A", 3)], V, True),
    ("staff accepted the second", U, [("A", 0), ("B", 1), ("B", 2, "accepted"), ("A", 3)], V, False),
    ("a held box shows its first key", Q, [("A", 0)], Q, True),
    ("a held box shows another key", Q, [("A", 0), ("B", 1)], Q, False),
]


@pytest.mark.parametrize(("shows", "identity", "told", "becomes", "is_taken"), TABLE, ids=[row[0] for row in TABLE])
def test_what_comes_of_keys(shows: str, identity: BoxIdentity, told: Told, becomes: BoxIdentity, is_taken: bool) -> None:
    history: list[BoxKey] = []
    taken = False
    for one in told:
        at = Instant(NOW + one[1] * HOUR)
        if len(one) == 3:
            history.append(BoxKey(box=BoxId("b"), key=key(one[0]), standing=KeyStanding.ACCEPTED, recorded_at=at))
            identity = V
            continue
        outcome = show(identity, history, key(one[0]), at)
        if outcome.standing is not None:
            history.append(BoxKey(box=BoxId("b"), key=key(one[0]), standing=outcome.standing, recorded_at=at))
        identity, taken = outcome.identity or identity, outcome.is_taken
    assert (identity, taken) == (becomes, is_taken), shows


@given(st.lists(st.tuples(st.sampled_from("ABCDEFGHIJKLMNOP"), st.integers(0, 2 * DAY)), max_size=60), st.integers(0, 60))
def test_whatever_is_shown_after_staff_spoke_holds_nobody(shown: list[tuple[str, int]], spoke: int) -> None:
    history: list[BoxKey] = []
    identity, now = U, NOW
    for number, (name, later) in enumerate(shown):
        now = Instant(now + later)
        if number == spoke and history:
            history.append(BoxKey(box=BoxId("b"), key=history[0].key, standing=KeyStanding.ACCEPTED, recorded_at=now))
            identity = V
        before, accepted = identity, number >= spoke and any(one.standing is KeyStanding.ACCEPTED for one in history)
        outcome = show(identity, history, key(name), now)
        identity = outcome.identity or identity
        if outcome.standing is not None:
            history.append(BoxKey(box=BoxId("b"), key=key(name), standing=outcome.standing, recorded_at=now))
        if before in HELD:
            assert identity is before, "only staff let a box out"
        if accepted:
            assert identity is V
            assert outcome.is_taken == (key(name) == history[0].key)
        assert len({one.key for one in history if one.recorded_at > now - DAY}) <= NEW_KEYS_A_DAY + len(
            {one.key for one in history if one.recorded_at <= now - DAY}
        )


def services(screen: Screen) -> list[str]:
    return [one["name"] for one in screen.get("/api/v1/me").json()["services"]]


def test_two_boxes_with_one_token_are_both_held_and_the_right_one_comes_back(world: World, ask: Screens) -> None:
    right, stranger, box = KeyPair(), KeyPair(), world.one.box.id
    register(ask.box, right)
    assert services(ask.box) == ["Cinéma"]
    world.now = Instant(NOW + HOUR)
    assert register(ask.box, stranger).json()["identity"] == "unverified", "no quiet takeover: it shows"
    world.now = Instant(NOW + 2 * HOUR)
    assert register(ask.box, right).json()["identity"] == "cloned"
    world.feed.poll()
    assert services(ask.box) == []
    assert ask.box.get("/api/v1/me").json()["box"]["held"] is True
    assert ask.box.get("/api/v1/home").json()["rows"] == []
    assert confirm(ask.box, right, nonce_of(ask.box)).status_code == 403

    with world.database.write() as conn, pytest.raises(FleetError, match="several keys"):
        key_store.release_box(conn, box, world.now, actor="somebody")
    thumbprint = rules.thumbprint(rules.public_key_of(right.jwk))
    with world.database.write() as conn:
        key_store.release_box(conn, box, Instant(world.now + 1), actor="somebody", key=thumbprint)
    world.now = Instant(world.now + 2)
    world.feed.poll()
    assert services(ask.box) == ["Cinéma"]
    assert register(ask.box, stranger).status_code == 403
    assert confirm(ask.box, stranger, nonce_of(ask.box)).status_code == 403
    assert register(ask.box, right).json()["identity"] == "verified"
    assert confirm(ask.box, right, nonce_of(ask.box)).status_code == 200
    assert register(ask.box, KeyPair()).status_code == 403, "nor can it be locked out again"
    assert register(ask.box, right).json()["identity"] == "verified"
    world.feed.poll()
    assert services(ask.box) == ["Cinéma"]
    with world.database.read() as conn:
        whys = [one.why for one in store.identities_of(conn, [box])]
        told = [one.payload["identity"] for one in outbox.after(conn, 0) if one.payload.get("kind") == store.IDENTITY_CHANGED]
    assert told == ["cloned", "unverified"], "its operator hears that it was held, and let out"
    with world.database.read() as conn:
        assert audit.first_broken(conn) is None
    assert whys == [
        IdentityCause.FIRST_KEY,
        IdentityCause.ANOTHER_KEY,
        IdentityCause.KEYS_ALTERNATE,
        IdentityCause.RELEASED,
        IdentityCause.KEY_PROVED,
    ]


def test_an_old_key_that_confirms_shows_the_clone_too(world: World, ask: Screens) -> None:
    right, stranger = KeyPair(), KeyPair()
    register(ask.box, right)
    register(ask.box, stranger)
    assert confirm(ask.box, right, nonce_of(ask.box)).status_code == 403
    with world.database.read() as conn:
        assert store.load_box(conn, world.one.box.id).identity is C


def test_a_mended_box_goes_on_and_staff_accept_its_key(world: World, ask: Screens) -> None:
    before, after, box = KeyPair(), KeyPair(), world.one.box.id
    register(ask.box, before)
    assert register(ask.box, after).json()["identity"] == "unverified"
    assert confirm(ask.box, after, nonce_of(ask.box)).status_code == 200
    world.feed.poll()
    assert services(ask.box) == ["Cinéma"], "a reset takes nothing from the home"
    thumbprint = rules.thumbprint(rules.public_key_of(after.jwk))
    with world.database.write() as conn:
        assert [one.id for one in store.boxes_to_check(conn)] == [box]
        assert len(waiting_keys(list(store.keys_of(conn, [box])))) == 2
        with pytest.raises(FleetError, match="No key of the box begins with 'nothing'"):
            key_store.accept_key(conn, box, "nothing", world.now, actor="somebody")
        assert key_store.accept_key(conn, box, thumbprint[:12], world.now, actor="somebody").identity is V
        assert not waiting_keys(list(store.keys_of(conn, [box])))
        assert list(store.boxes_to_check(conn)) == []
    assert register(ask.box, before).status_code == 403
    with world.database.read() as conn:
        assert [one.id for one in store.boxes_to_check(conn)] == [box], "another key was shown, which staff may look at"
        assert [rules.public_key_of(before.jwk)] == waiting_keys(list(store.keys_of(conn, [box])))


def test_too_many_keys_in_a_day_are_refused_and_the_right_box_is_not(world: World, ask: Screens) -> None:
    right = KeyPair()
    register(ask.box, right)
    for _ in range(NEW_KEYS_A_DAY - 1):
        assert register(ask.box, KeyPair()).status_code == 200
    assert register(ask.box, KeyPair()).json()["code"] == "too_many_requests"
    assert register(ask.box, right).json()["identity"] == "cloned", "what is on record may always be shown"
    world.now = Instant(NOW + DAY + HOUR)
    assert register(ask.box, KeyPair()).status_code == 200


@pytest.mark.parametrize("both_show_keys", [False, True])
def test_a_serial_at_two_lines_holds_both_until_staff_let_one_out(world: World, ask: Screens, both_show_keys: bool) -> None:
    one, keys = world.one.box.id, [KeyPair(), KeyPair()]
    with world.database.write() as conn:
        line = store.ensure_line(conn, world.free, "elsewhere", NOW)
        twin = store.add_box(conn, world.model.id, "serial-one", "", NOW).id
        assert store.load_box(conn, one).identity is U, "a box at no line is in nobody's way"
        token = store.mint_box_token(conn, twin, NOW)
    world.feed.poll()
    if both_show_keys:
        register(ask.box, keys[0])
        register(Screen(ask.box._client, token), keys[1])
    with world.database.write() as conn:
        store.assign_box(conn, twin, line.id, NOW, NOW)
        identities = [store.load_box(conn, box).identity for box in (one, twin)]
        assert identities == ([C, C] if both_show_keys else [Q, Q])
        key_store.release_box(conn, one, Instant(NOW + 1), actor="somebody")
        assert [store.load_box(conn, box).identity for box in (one, twin)] == [U, identities[1]]
    if not both_show_keys:
        # What the boxes themselves show now says more: the twin is a clone, and the one that staff let out stays out.
        world.now = Instant(NOW + 2)
        register(ask.box, keys[0])
        register(Screen(ask.box._client, token), keys[1])
        with world.database.read() as conn:
            assert [store.load_box(conn, box).identity for box in (one, twin)] == [V, C]


def test_the_demos_box_is_any_browser(world: World, ask: Screens) -> None:
    with world.database.write() as conn:
        key_store.mark_for_show(conn, world.one.box.id, NOW)
        key_store.mark_for_show(conn, world.one.box.id, NOW)
    browsers = [KeyPair() for _ in range(NEW_KEYS_A_DAY + 2)]
    for browser in (*browsers, *browsers):
        assert register(ask.box, browser).status_code == 200
        assert confirm(ask.box, browser, nonce_of(ask.box)).status_code == 200
    with world.database.read() as conn:
        assert store.load_box(conn, world.one.box.id).identity is U
        assert list(store.boxes_to_check(conn)) == []


def test_what_staff_must_look_at_is_what_the_rule_says(world: World) -> None:
    """The query and the rule say the same of boxes with every history of keys."""
    shown = [key(name) for name in "AB"]
    standings = list(KeyStanding)
    histories = [
        list(one)
        for length in range(4)
        for one in itertools.product([(name, standing) for name in shown for standing in standings], repeat=length)
    ][:: 3 if world.database.is_sqlite else 7]
    with world.database.write() as conn:
        boxes = [store.add_box(conn, world.model.id, f"h{number}", "", NOW).id for number in range(len(histories))]
        for box, history in zip(boxes, histories, strict=True):
            for number, (name, standing) in enumerate(history):
                store.record_keys(conn, {box: name}, standing, Instant(NOW + number))
        expected = set()
        for box in boxes:
            keys = list(store.keys_of(conn, [box]))
            expected |= {box} if waiting_keys(keys) else set()
        found = {one.id for one in store.boxes_to_check(conn)}
    odd = [histories[boxes.index(box)] for box in found ^ expected]
    # What never comes of showing keys: the accepted key itself shown and put on record again.
    assert all(_repeats_accepted(history) for history in odd), odd[:3]


def _repeats_accepted(history: list[tuple[PublicKey, KeyStanding]]) -> bool:
    last = max((place for place, one in enumerate(history) if one[1] is KeyStanding.ACCEPTED), default=None)
    return last is not None and any(name == history[last][0] for name, _ in history[last + 1 :])


def test_an_operators_file_accepts_a_key_that_the_box_has_shown(world: World, ask: Screens, tmp_path: Path) -> None:
    first, second = KeyPair(), KeyPair()
    register(ask.box, first)
    register(ask.box, second)
    file = tmp_path / "boxes.csv"

    def bring(*rows: str) -> ImportReport:
        world.now = Instant(world.now + 1)
        file.write_text("\n".join(("ManufacturerOUI,ProductClass,SerialNumber,operator,line,key", *rows, "")))
        return import_boxes(world.database, file, world.now, actor="test", progress=lambda stage, done: None)

    thumbprint = rules.thumbprint(rules.public_key_of(second.jwk))
    rows = (f"00AFFF,LBP,serial-one,Orange,one,{thumbprint}", "00AFFF,LBP,serial-other,Free,other,notShownYet")
    assert bring(*rows) == ImportReport(rows=2, changed=1, unchanged=1, keys_unknown=1)
    assert bring(*rows) == ImportReport(rows=2, unchanged=2, keys_unknown=1)
    with world.database.read() as conn:
        box = store.load_box(conn, world.one.box.id)
        assert audit.first_broken(conn) is None
    assert (box.identity, box.public_key) == (V, rules.public_key_of(second.jwk))
    assert register(ask.box, first).status_code == 403


# --- the commands -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    with opened(folder) as installation, installation.database.write() as conn:
        operator = store.ensure_operator(conn, "Fibre", "FR", "Europe/Paris", NOW)
        model = store.ensure_box_model(conn, "00AFFF", "LBP", "Livebox Play", {}, NOW)
        for name in ("S1", "S2"):
            box = store.add_box(conn, model.id, name, "Salon", NOW)
            store.assign_box(conn, box.id, store.ensure_line(conn, operator.id, f"line-{name}", NOW).id, NOW, NOW)
        one = store.boxes_named(conn, "S1")[0].id
        for number, pair in enumerate((_A, _B, _A)):
            key_store.show_key(conn, one, rules.public_key_of(pair.jwk), Instant(NOW + number * HOUR))
    return folder


_A, _B = KeyPair(), KeyPair()


def run(capsys: pytest.CaptureFixture[str], data: Path, *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.run(["boxes", *arguments, "--data", str(data)])
    return code, *capsys.readouterr()


def test_staff_find_a_held_box_and_let_it_out_by_its_key(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, data, "list", "--held", "--json")
    (held,) = json.loads(out)["boxes"]
    assert (code, held["serial"], held["identity"], held["why"], held["line"]) == (
        0,
        "S1",
        "cloned",
        "keys_alternate",
        "Fibre/line-S1",
    )
    prints = {rules.thumbprint(rules.public_key_of(pair.jwk)) for pair in (_A, _B)}
    assert set(held["waiting"]) == prints
    assert len(json.loads(run(capsys, data, "list", "--json")[1])["boxes"]) == 2
    code, out, _ = run(capsys, data, "show", "S1")
    assert code == 0
    assert all(one in out for one in (*prints, "cloned", "keys_alternate", "Fibre/line-S1", "Interface: none recorded"))
    code, _, err = run(capsys, data, "release", "S1", "--by", "me")
    assert code == 1
    assert all(one in "".join(err.split()) for one in prints)
    right = rules.thumbprint(rules.public_key_of(_A.jwk))
    assert run(capsys, data, "accept-key", "S1", f"--key={right}", "--by", "me")[0] == 1, "a held box is let out, not accepted"
    code, out, _ = run(capsys, data, "release", "S1", f"--key={right}", "--by", "me", "--json")
    assert (code, json.loads(out)["identity"]) == (0, "unverified")
    assert json.loads(run(capsys, data, "list", "--held", "--json")[1])["boxes"] == []
    page = json.loads(run(capsys, data, "show", "S1", "--json")[1])
    assert {one["thumbprint"]: one["standing"] for one in page["keys"]} == {
        right: "accepted",
        next(iter(prints - {right})): "past",
    }
    assert [one["why"] for one in page["identities"]] == ["first_key", "another_key", "keys_alternate", "released"]
    assert cli.run(["audit", "--data", str(data)]) == 0


def test_a_new_token_ends_the_copied_one(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(data) as installation, installation.database.write() as conn:
        box = store.boxes_named(conn, "S1")[0].id
        store.mint_box_token(conn, box, NOW)
    code, out, _ = run(capsys, data, "token", "S1", "--by", "me", "--json")
    made = json.loads(out)
    with opened(data) as installation, installation.database.read() as conn:
        living = [one for _, one in store.tokens_of(conn)]
    assert (code, living, made["token"][:4]) == (0, [box], "mtb_")


@pytest.mark.parametrize(
    "arguments",
    [("release", "S1", "--key", "x"), ("accept-key", "S1", "--key", "x"), ("token", "S1"), ("move", "S1", "--line", "Fibre/x")],
)
def test_who_says_so_must_be_named(data: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    code, _, err = run(capsys, data, *arguments)
    assert (code, "--by" in err) == (1, True)


def test_what_is_kept_of_a_key_is_its_public_half(data: Path) -> None:
    with opened(data) as installation, installation.database.read() as conn:
        kept = [msgspec.to_builtins(one.key) for one in store.keys_of(conn)]
    assert {frozenset(one) for one in kept} == {frozenset({"x", "y", "kty", "crv"})}
