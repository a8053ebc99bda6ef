"""Boxes at lines by dated facts, and the proof of the release that a box runs, through the real addresses."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import DAY, Instant
from matinee.fleet import rules, store
from matinee.fleet.model import BoxIdentity, FleetError, Interface
from matinee.outside.database import Database, metadata
from matinee.parties import outbox
from tests.world import NOW, RELEASE, Screen, Screens, World, screens


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Screens]]:
    """One world on SQLite for all that only asks, or is refused: nothing in it changes."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('quiet') / 'world.db'}")
    metadata.create_all(database.engine)
    world = World(database)
    with screens(world) as everybody:
        yield world, everybody
    database.close()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class BoxKey:
    """A key pair as WebCrypto makes and uses one."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        self.jwk: dict[str, Any] = {
            "kty": "EC",
            "crv": "P-256",
            "x": b64(numbers.x.to_bytes(32, "big")),
            "y": b64(numbers.y.to_bytes(32, "big")),
            "ext": True,
            "key_ops": ["verify"],
        }

    def sign(self, message: bytes) -> str:
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256())))
        return b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def registration(self) -> dict[str, Any]:
        return {"jwk": self.jwk, "proof": self.sign(rules.key_message(rules.public_key_of(self.jwk)))}


def register(screen: Screen, key: BoxKey) -> Any:
    return screen.send("POST", "/api/v1/box/key", key.registration())


def confirm(screen: Screen, key: BoxKey, nonce: str, version: str = RELEASE.version) -> Any:
    signature = key.sign(f"matinee-confirm\n{nonce}\n{version}".encode())
    return screen.send("POST", "/api/v1/box/confirm", {"version": version, "nonce": nonce, "signature": signature})


def nonce_of(screen: Screen) -> str:
    return str(screen.get("/api/v1/box/nonce").json()["nonce"])


def test_the_launchers_whole_way(world: World, ask: Screens) -> None:
    key = BoxKey()
    assert ask.box.get("/api/v1/box/release").json() == {
        "product": "matinee-ui",
        "version": "v1",
        "entry": "/ui/v1/main.js",
        "integrity": "sha384-x",
        "styles": [],
        "attempt": 0,
    }
    answer = register(ask.box, key)
    assert (answer.status_code, answer.json()["identity"]) == (200, "verified")
    nonce = ask.box.get("/api/v1/box/nonce").json()
    assert nonce["expires_at"] == "2014-10-02T10:02:00.000Z"
    answer = confirm(ask.box, key, nonce["nonce"])
    assert (answer.status_code, answer.json()) == (200, {"version": "v1", "confirmed_at": "2014-10-02T10:00:00.000Z"})
    world.feed.poll()
    box = world.fleet.box(world.one.box.id)
    assert box is not None
    assert (box.identity, box.confirmed_release, box.confirmed_at) == (BoxIdentity.VERIFIED, "v1", NOW)


def test_a_nonce_serves_once_one_box_and_not_for_long(world: World, ask: Screens) -> None:
    key, others = BoxKey(), BoxKey()
    register(ask.box, key)
    register(ask.other_box, others)
    nonce = nonce_of(ask.box)
    stolen = confirm(ask.other_box, others, nonce)
    assert (stolen.status_code, stolen.json()["code"]) == (409, "conflict")
    assert confirm(ask.box, key, nonce).status_code == 200
    assert confirm(ask.box, key, nonce).status_code == 409
    late = nonce_of(ask.box)
    world.now = Instant(NOW + rules.NONCE_LIVES_MS)
    assert confirm(ask.box, key, late).status_code == 409


@pytest.mark.parametrize("nonce", ["", "a\0b", "a" * 101])
def test_a_nonce_that_cannot_be_one_is_refused_before_a_database_is_asked(world: World, ask: Screens, nonce: str) -> None:
    key = BoxKey()
    register(ask.box, key)
    assert confirm(ask.box, key, nonce).status_code == 400


def test_a_wrong_signature_confirms_nothing_and_spends_the_nonce(world: World, ask: Screens) -> None:
    key = BoxKey()
    register(ask.box, key)
    nonce = nonce_of(ask.box)
    refused = confirm(ask.box, BoxKey(), nonce)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert confirm(ask.box, key, nonce).status_code == 409
    world.feed.poll()
    box = world.fleet.box(world.one.box.id)
    assert box is not None
    assert box.confirmed_release is None


def test_a_box_confirms_the_release_it_is_meant_to_run_and_no_other(world: World, ask: Screens) -> None:
    key = BoxKey()
    assert confirm(ask.box, key, nonce_of(ask.box)).json()["detail"] == "This box has no key yet."
    register(ask.box, key)
    answer = confirm(ask.box, key, nonce_of(ask.box), "v0")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    world.releases.builtin = None
    assert ask.box.get("/api/v1/box/release").status_code == 404


def test_a_box_holds_a_few_nonces_at_most(world: World, ask: Screens) -> None:
    key = BoxKey()
    register(ask.box, key)
    nonces = []
    for _ in range(rules.NONCES_PER_BOX + 3):
        world.now = Instant(world.now + 1)
        nonces.append(nonce_of(ask.box))
    assert [confirm(ask.box, key, nonce).status_code for nonce in nonces] == [409] * 3 + [200] * rules.NONCES_PER_BOX


def test_a_second_key_is_taken_and_no_longer_trusted(world: World, ask: Screens) -> None:
    first, second = BoxKey(), BoxKey()
    assert register(ask.box, first).json()["identity"] == "verified"
    assert register(ask.box, first).json()["identity"] == "verified"
    assert register(ask.box, second).json()["identity"] == "unverified"
    assert confirm(ask.box, second, nonce_of(ask.box)).status_code == 200
    with world.database.read() as conn:
        kept = list(store.keys_of(conn, [world.one.box.id]))
    assert [one.key for one in kept] == [rules.public_key_of(key.jwk) for key in (first, second)]


def _changed(change: dict[str, Any]) -> dict[str, Any]:
    body = BoxKey().registration()
    return {"jwk": {**body["jwk"], **change}, "proof": body["proof"]}


BAD_KEYS = [
    ("another's signature", {**BoxKey().registration(), "proof": BoxKey().registration()["proof"]}, 403),
    ("a private key", _changed({"d": "AA"}), 400),
    ("another curve", _changed({"crv": "P-384"}), 400),
    ("another kind", _changed({"kty": "RSA"}), 400),
    ("a point beside the curve", _changed({"x": b64(b"\x01" * 32)}), 400),
    ("a point at nothing", _changed({"x": b64(bytes(32)), "y": b64(bytes(32))}), 400),
    ("a short coordinate", _changed({"x": b64(b"\x01" * 31)}), 400),
    ("no base64", _changed({"x": "***"}), 400),
    ("a number", _changed({"x": 7}), 400),
    ("nothing", {}, 400),
    ("a key beside", {**BoxKey().registration(), "more": 1}, 400),
    ("a signature without end", {**BoxKey().registration(), "proof": "A" * 10_000}, 400),
    ("an empty signature", {**BoxKey().registration(), "proof": ""}, 403),
    ("a signature of zeros", {**BoxKey().registration(), "proof": b64(bytes(64))}, 403),
    ("a list", [], 400),
]


@pytest.mark.parametrize(("_shows", "body", "status"), BAD_KEYS, ids=[row[0] for row in BAD_KEYS])
def test_a_bad_key_is_refused(quiet: tuple[World, Screens], _shows: str, body: Any, status: int) -> None:
    answer = quiet[1].box.send("POST", "/api/v1/box/key", body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_only_a_box_may_ask(quiet: tuple[World, Screens]) -> None:
    ask = quiet[1]
    for screen, status in ((ask.phone, 403), (ask.studio, 403), (ask.nobody, 401)):
        assert screen.get("/api/v1/box/release").status_code == status
        assert screen.get("/api/v1/box/nonce").status_code == status
        assert screen.send("POST", "/api/v1/box/confirm", {}).status_code == status


def test_a_box_follows_its_line_through_time(world: World) -> None:
    """Swap, return and correction: as it was, and as it was known."""
    box, first = world.one.box.id, world.one.line.id
    with world.database.write() as conn:
        second = store.ensure_line(conn, world.free, "second", NOW).id
        store.assign_box(conn, box, second, Instant(NOW + 2 * DAY), Instant(NOW + 5 * DAY))  # told three days late
        store.assign_box(conn, box, None, Instant(NOW + 9 * DAY), Instant(NOW + 9 * DAY))
    world.feed.poll()

    def at(day: int, known: int | None = None) -> str | None:
        return world.fleet.line_of(box, Instant(NOW + day * DAY), None if known is None else Instant(NOW + known * DAY))

    assert [at(day) for day in (-1, 0, 1, 2, 8, 9, 99)] == [None, first, first, second, second, None, None]
    assert at(3, known=4) == first, "on the fourth day nobody knew yet"
    assert at(3, known=5) == second
    party = world.fleet.resolve(world.one.box_token, Instant(NOW + 3 * DAY))
    assert party is not None
    assert (party.line, party.operator) == (second, world.free)
    party = world.fleet.resolve(world.one.box_token, Instant(NOW + 9 * DAY))
    assert party is not None
    assert (party.line, party.operator) == (None, None)


def test_a_boxs_token_ends(world: World, ask: Screens) -> None:
    assert ask.box.get("/api/v1/box/release").status_code == 200
    with world.database.write() as conn:
        assert store.revoke_box_tokens(conn, world.one.box.id, NOW) == 1
    world.feed.poll()
    assert ask.box.get("/api/v1/box/release").status_code == 401
    assert ask.other_box.get("/api/v1/box/release").status_code == 200


def test_set_ups_that_run_again_make_nothing_twice(world: World) -> None:
    with world.database.write() as conn:
        again = store.ensure_operator(conn, "Orange", "FR", "Europe/Paris", NOW)
        assert again.id == world.orange
        assert store.ensure_box_model(conn, "00AFFF", "LBP", "?", {}, NOW) == world.model
        assert store.ensure_box(conn, world.model.id, "serial-one", "?", NOW).id == world.one.box.id
        assert store.ensure_line(conn, world.orange, "one", NOW) == world.one.line


NOWHERE = [("fr", "Europe/Paris"), ("FRA", "UTC"), ("FR", "Mars/Olympus"), ("FR", "../etc")]


@pytest.mark.parametrize(("country", "timezone"), NOWHERE)
def test_an_operator_of_nowhere_is_refused(quiet: tuple[World, Screens], country: str, timezone: str) -> None:
    with pytest.raises(FleetError), quiet[0].database.write() as conn:
        store.ensure_operator(conn, "X", country, timezone, NOW)


def test_a_repeated_serial_is_another_box(world: World) -> None:
    with world.database.write() as conn:
        one = store.add_box(conn, world.model.id, "same", "", NOW)
        assert store.add_box(conn, world.model.id, "same", "", NOW).id != one.id


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "d"]), st.none() | st.text(max_size=50) | st.integers()))
def test_any_key_at_all_is_read_or_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(FleetError):
        rules.public_key_of(jwk)


@given(st.text(max_size=120))
def test_any_signature_at_all_is_refused(signature: str) -> None:
    key = rules.public_key_of(_KEY.jwk)
    with pytest.raises(FleetError):
        rules.check_signature(key, signature, b"message")


_KEY = BoxKey()


def test_a_box_that_confirms_again_what_it_runs_is_known_to_run_it(any_database: Database) -> None:
    """Also one that had confirmed before interfaces were kept, and one of which its operator reported another meanwhile."""
    world = World(any_database)
    ours, theirs = Interface(product="matinee", version="2.1"), Interface(product="matinee", version="1")
    with any_database.write() as conn:
        conn.execute(
            sa.update(store.boxes)
            .where(store.boxes.c.id == world.one.box.id)
            .values(installed_release="2.1", confirmed_release="2.1")
        )
        store.record_confirmed(conn, world.one.box.id, ours, world.now)
        store.record_confirmed(conn, world.one.box.id, ours, world.now)
        assert [one.interface for one in store.interfaces_of(conn, [world.one.box.id])] == [ours]
        store.record_interface(conn, world.one.box.id, theirs, Instant(world.now + 1), Instant(world.now + 1))
        store.record_confirmed(conn, world.one.box.id, ours, Instant(world.now + 2))
    world.feed.poll()
    assert world.fleet.interface_of(world.one.box.id, Instant(world.now + 1)) == theirs
    assert world.fleet.interface_of(world.one.box.id, Instant(world.now + 2)) == ours


def test_a_new_line_is_followed_without_reading_the_others_again(world: World) -> None:
    with world.database.write() as conn:
        line = store.ensure_line(conn, world.free, "new", NOW)
        conn.execute(sa.update(store.lines).where(store.lines.c.id == world.one.line.id).values(operator_id=world.free))
    world.feed.poll()
    assert world.fleet.operator_of_line(line.id) == world.free
    assert world.fleet.operator_of_line(world.one.line.id) == world.orange, "nobody said that it changed"


def test_many_boxes_may_be_told_of_by_one_event(world: World) -> None:
    with world.database.write() as conn:
        made = [store.add_box(conn, world.model.id, f"serial{number}", "", NOW).id for number in range(3)]
        conn.execute(sa.delete(outbox.outbox))
        outbox.append(conn, store.TOPIC, made[0], {"kind": store.BOX_CHANGED, "ids": made}, NOW)
    world.feed.poll()
    assert [box.serial for one in made if (box := world.fleet.box(one))] == ["serial0", "serial1", "serial2"]
    assert [box.id for box in world.fleet.boxes_named("serial1")] == [made[1]]
