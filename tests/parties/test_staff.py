"""Staff accounts: who may sign in, what a refusal tells, how often a password may be tried, and how an end reaches everybody."""

import asyncio
import threading
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.base.clock import DAY, HOUR, MINUTE, SECOND, Instant
from matinee.base.errors import ErrorCode, MatineeError, TooManyRequests
from matinee.base.ids import OperatorId, PublisherId
from matinee.base.party import Role
from matinee.outside.database import Database
from matinee.parties import passwords, staff_store, store
from matinee.parties import sign_in as signing
from matinee.parties.attempts import IN_ALL, NAMES_KEPT, PER_NAME, Attempts
from matinee.parties.feed import Feed
from matinee.parties.model import PartyError, Seat, SignInRefused
from matinee.parties.rules import check_name, check_password, check_seat, is_name
from matinee.parties.sign_in import AT_ONCE, MAX_WAITING, SESSION_MS, SignIn
from matinee.parties.snapshot import Staff
from tests.world import NOW, PASSWORD, PASSWORD_HASH, Screens, World, screens, world_on_sqlite

SESSION, ME = "/api/v1/staff/session", "/api/v1/staff/me"
ALL_SIDES = Seat(role=Role.AUDITOR, reads_all=True)


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs is tried once below; elsewhere it would only be waited for."""
    monkeypatch.setattr(passwords, "COST", passwords.Cost(passes=1, lanes=1, memory_kib=32))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_on_sqlite(tmp_path) as made:
        yield made


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def account(world: World, name: str = "first.last", **seat: Any) -> None:
    with world.database.write() as conn:
        made = Seat(**seat) if seat else Seat(role=Role.OPERATOR, operator=world.orange)
        staff_store.add_account(conn, name, made, PASSWORD_HASH, world.now, actor="test")


def begin(ask: Screens, name: str = "first.last", password: str = PASSWORD) -> Any:
    return ask.nobody.send("POST", SESSION, {"name": name, "password": password})


# --- names, passwords, seats ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["", "ab", "Last", "first last", "lasté", "last\n", "-last", "last-", "j" * 65, "first\x00last", "ｌast"]
)
def test_a_name_that_could_be_read_as_another_is_refused(name: str) -> None:
    with pytest.raises(PartyError):
        check_name(name)
    assert not is_name(name)


@pytest.mark.parametrize("name", ["first.last", "first.last@fibre.example", "abc", "j" * 64, "a+b", "007"])
def test_a_name(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("eleven char", "fewer than 12"),
        ("", "fewer than 12"),
        ("First.Last.1976", "own name"),
        ("first.last.1976 ", "own name"),
        ("abababababab", "repeats"),
        ("x" * 201, "more than 200"),
        ("a lone \ud800 surrogate", "UTF-8"),
    ],
)
def test_a_weak_password_is_refused_with_the_remedy(password: str, says: str) -> None:
    with pytest.raises(PartyError, match=says) as refused:
        check_password("first.last.1976", password)
    assert refused.value.remedy


def test_a_password_is_the_same_however_its_accents_are_composed() -> None:
    kept = passwords.hashed(unicodedata.normalize("NFC", "un mot de passe caché"))
    assert passwords.matches(unicodedata.normalize("NFD", "un mot de passe caché"), kept)
    assert not passwords.matches("un mot de passe cache", kept)


def test_a_made_password_is_taken_and_never_the_same() -> None:
    made = {passwords.generated() for _ in range(50)}
    assert len(made) == 50
    for one in made:
        check_password("first.last", one)


P, Q = PublisherId("p"), OperatorId("q")
SEATS = [
    (True, {"role": Role.PUBLISHER, "publisher": P}),
    (True, {"role": Role.OPERATOR, "operator": Q}),
    (True, {"role": Role.AUDITOR, "publisher": P}),
    (True, {"role": Role.AUDITOR, "operator": Q}),
    (True, {"role": Role.AUDITOR, "reads_all": True}),
    (False, {"role": Role.AUDITOR}),
    (False, {"role": Role.PUBLISHER}),
    (False, {"role": Role.PUBLISHER, "operator": Q}),
    (False, {"role": Role.OPERATOR, "publisher": P}),
    (False, {"role": Role.PUBLISHER, "reads_all": True}),
    (False, {"role": Role.OPERATOR, "reads_all": True}),
    (False, {"role": Role.PUBLISHER, "publisher": P, "operator": Q}),
    (False, {"role": Role.AUDITOR, "publisher": P, "operator": Q}),
    (False, {"role": Role.AUDITOR, "publisher": P, "reads_all": True}),
    (False, {"role": Role.APPROVER, "publisher": P}),
]


@pytest.mark.parametrize(("good", "words"), SEATS)
def test_a_seat_is_at_one_side_and_all_is_said_aloud(good: bool, words: dict[str, Any]) -> None:
    if good:
        check_seat(Seat(**words))
        return
    with pytest.raises(PartyError):
        check_seat(Seat(**words))


# --- signing in and out -----------------------------------------------------------------------------------------------


def test_in_and_out_again(any_database: Database) -> None:
    world = World(any_database)
    with screens(world) as ask:
        _in_and_out(world, ask)


def _in_and_out(world: World, ask: Screens) -> None:
    account(world)
    answer = begin(ask, " First.Last ")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    token, told = answer.json()["token"], answer.json()["me"]
    assert token.startswith("mts_")
    assert (told["name"], told["role"], told["operator"], told["publisher"], told["reads_all"]) == (
        "first.last",
        "operator",
        world.orange,
        None,
        False,
    )
    person = ask.as_(token)
    assert person.get(ME).json() == told, "known at once, before the feed has come round"
    world.feed.poll()
    assert person.get(ME).json() == told
    other = begin(ask).json()["token"]
    assert person.send("DELETE", SESSION, None).status_code == 204
    assert person.get(ME).status_code == 401, "at once in this process"
    world.feed.poll()
    assert person.get(ME).status_code == 401
    assert ask.as_(other).get(ME).status_code == 200, "another session goes on"


def test_of_a_token_and_a_password_nothing_is_kept(world: World, ask: Screens) -> None:
    account(world)
    token = begin(ask).json()["token"]
    with world.database.read() as conn:
        for table in staff_store.metadata.sorted_tables:
            for row in conn.execute(sa.select(table)):
                assert token not in str(row)
                assert PASSWORD not in str(row)


def test_a_session_ends_by_its_time(world: World, ask: Screens) -> None:
    account(world)
    person = ask.as_(begin(ask).json()["token"])
    world.now = Instant(NOW + SESSION_MS - 1)
    assert person.get(ME).status_code == 200
    world.now = Instant(NOW + SESSION_MS)
    assert person.get(ME).status_code == 401
    begin(ask)
    with world.database.read() as conn:
        assert len(staff_store.all_sessions(conn)) == 1, "those that are over are taken away"


def test_a_wrong_name_and_a_wrong_password_read_alike_and_cost_alike(
    world: World, ask: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(world)
    account(world, "has.left")
    with world.database.write() as conn:
        staff_store.end_account(conn, "has.left", world.now, actor="test")
    worked_on = []
    matches = passwords.matches

    def counted(password: str, kept: str) -> bool:
        worked_on.append(kept.split("$")[1:4])
        return matches(password, kept)

    monkeypatch.setattr(passwords, "matches", counted)
    tries = [
        ("first.last", "another password"),
        ("nobody.here", PASSWORD),
        ("has.left", PASSWORD),
        ("first\x00last", PASSWORD),
        ("é" * 100, PASSWORD),
        ("'; DROP TABLE staff_accounts; --", PASSWORD),
    ]
    answers = [begin(ask, *one) for one in tries]
    assert {(one.status_code, one.content, tuple(sorted(one.headers.items()))) for one in answers} == {
        (401, answers[0].content, tuple(sorted(answers[0].headers.items())))
    }
    assert answers[0].json()["code"] == ErrorCode.NOT_SIGNED_IN
    assert worked_on == [["argon2id", "v=19", "m=32,t=1,p=1"]] * len(tries), "one hash each, all of one cost"


def test_what_a_hash_costs_by_default() -> None:
    assert passwords.Cost(passes=3, lanes=4, memory_kib=65_536) == _DEFAULT
    assert passwords.nobodys().startswith("$argon2id$v=19$m=32,t=1,p=1$"), "as what is kept would be made now"


_DEFAULT = passwords.COST


@pytest.mark.parametrize(
    "body", [None, [], {}, {"name": "first.last"}, {"name": 1, "password": PASSWORD}, {"name": "a", "password": ""}]
)
def test_what_is_no_sign_in_is_no_fault(ask: Screens, body: Any) -> None:
    assert ask.nobody.send("POST", SESSION, body).status_code == 400


# --- ends, in every process -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["ended", "password"])
def test_an_end_reaches_every_process(any_database: Database, by: str) -> None:
    world = World(any_database)
    with screens(world) as ask:
        _ends(world, ask, by)


def _ends(world: World, ask: Screens, by: str) -> None:
    elsewhere = Staff()
    there = Feed(world.database, [elsewhere])
    there.poll()
    account(world)
    token = begin(ask).json()["token"]
    there.poll()
    assert elsewhere.resolve(token, world.now) is not None
    with world.database.write() as conn:
        if by == "ended":
            staff_store.end_account(conn, "first.last", world.now, actor="test")
        else:
            staff_store.change_password(conn, "first.last", passwords.hashed("quite another one"), world.now, actor="test")
    there.poll()
    world.feed.poll()
    assert elsewhere.resolve(token, world.now) is None
    assert ask.as_(token).get(ME).status_code == 401, "also where the session was begun, and held apart until its event came"
    assert begin(ask).status_code == 401, "the old password opens nothing"
    assert begin(ask, password="quite another one").status_code == (401 if by == "ended" else 200)


def test_a_password_that_changes_while_the_old_one_is_worked_on_lets_nobody_in(any_database: Database) -> None:
    with any_database.write() as conn:
        made = staff_store.add_account(conn, "first.last", ALL_SIDES, PASSWORD_HASH, NOW, actor="test")
        staff_store.change_password(conn, "first.last", "another hash", NOW, actor="test")
    with pytest.raises(SignInRefused), any_database.write() as conn:
        staff_store.begin_session(conn, made, PASSWORD_HASH, NOW, Instant(NOW + DAY))


def test_a_session_that_was_not_committed_is_none(world: World, ask: Screens, monkeypatch: pytest.MonkeyPatch) -> None:
    account(world)
    made = []

    def refuse(_conn: Any, *_: Any) -> Any:
        made.append(begin_session(_conn, *_))
        raise SignInRefused

    begin_session = staff_store.begin_session
    monkeypatch.setattr(staff_store, "begin_session", refuse)
    assert begin(ask).status_code == 401
    assert ask.as_(made[0][0]).get(ME).status_code == 401


def test_a_commit_that_fails_leaves_nothing_behind(world: World, ask: Screens, monkeypatch: pytest.MonkeyPatch) -> None:
    account(world)
    admitted = []
    admit = world.staff.admit

    def then_fail(who: Any, session: Any) -> None:
        admit(who, session)
        admitted.append(session)
        raise MatineeError("The disk is full.", code=ErrorCode.DISK_FULL)

    monkeypatch.setattr(world.staff, "admit", then_fail)
    assert begin(ask).status_code == 507
    assert world.staff.session(admitted[0].digest) is None


def test_an_account_has_so_many_sessions_at_once(any_database: Database) -> None:
    with any_database.write() as conn:
        made = staff_store.add_account(conn, "first.last", ALL_SIDES, PASSWORD_HASH, NOW, actor="test")
        begun = [
            staff_store.begin_session(conn, made, PASSWORD_HASH, Instant(NOW + n), Instant(NOW + DAY))[1].digest
            for n in range(staff_store.MAX_SESSIONS + 3)
        ]
        assert {one.digest for one in staff_store.all_sessions(conn)} == set(begun[3:])


def test_a_name_is_never_given_twice_and_an_end_is_one(any_database: Database) -> None:
    with any_database.write() as conn:
        staff_store.add_account(conn, "first.last", ALL_SIDES, PASSWORD_HASH, NOW, actor="test")
        with pytest.raises(PartyError, match="given before"):
            staff_store.add_account(conn, "first.last", ALL_SIDES, PASSWORD_HASH, NOW, actor="test")
        staff_store.end_account(conn, "first.last", NOW, actor="test")
        for again in (staff_store.end_account, lambda *a, **k: staff_store.change_password(*a[:2], "x", *a[2:], **k)):
            with pytest.raises(PartyError, match="has ended"):
                again(conn, "first.last", NOW, actor="test")
        with pytest.raises(PartyError, match="given before"):
            staff_store.add_account(conn, "first.last", ALL_SIDES, PASSWORD_HASH, NOW, actor="test")
        (one,) = staff_store.all_accounts(conn)
        assert (one.ended_at, staff_store.living_accounts(conn)) == (NOW, [])


# --- how often --------------------------------------------------------------------------------------------------------


def test_guessing_at_one_name_is_slow_whether_there_is_such_an_account_or_not(world: World, ask: Screens) -> None:
    account(world)
    for name in ("first.last", "nobody.here"):
        assert [begin(ask, name, "a wrong password").status_code for _ in range(PER_NAME.burst)] == [401] * PER_NAME.burst
    refused = [begin(ask, name) for name in ("first.last", "nobody.here")]
    assert [one.status_code for one in refused] == [429, 429]
    assert refused[0].content == refused[1].content
    assert (refused[0].headers["retry-after"], refused[0].json()["code"]) == ("60", "too_many_requests")
    world.now = Instant(NOW + MINUTE)
    assert begin(ask, "first.last").status_code == 200, "a minute later the right password is taken"
    assert begin(ask, "first.last", "a wrong password").status_code == 401, "and the name has its whole budget again"


def test_trying_many_names_is_slow_too(world: World, ask: Screens) -> None:
    statuses = [begin(ask, f"name.{number}", "a wrong password").status_code for number in range(IN_ALL.burst + 2)]
    assert statuses == [401] * IN_ALL.burst + [429, 429]
    account(world)
    world.now = Instant(NOW + 2 * SECOND)
    assert begin(ask).status_code == 200


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 200 * SECOND)), max_size=200))
@settings(max_examples=50, deadline=None)
def test_no_order_of_tries_gets_more_through_than_the_budgets_hold(tries: list[tuple[str, int]]) -> None:
    attempts, now = Attempts(), NOW
    let_in: list[tuple[str, Instant]] = []
    for name, later in tries:
        now = Instant(now + later)
        try:
            attempts.take(name, now)
            let_in.append((name, now))
        except TooManyRequests:
            continue
    for place, (name, at) in enumerate(let_in):
        same = [when for one, when in let_in[place:] if one == name and when - at < HOUR]
        assert len(same) <= PER_NAME.burst + HOUR // PER_NAME.refill_ms + 1


def test_a_refusal_says_when_it_will_be_over_and_a_clock_that_goes_back_gives_nothing() -> None:
    attempts = Attempts()
    for _ in range(PER_NAME.burst):
        attempts.take("a", NOW)
    for now in (NOW, Instant(NOW - HOUR)):
        with pytest.raises(TooManyRequests) as refused:
            attempts.take("a", now)
        assert refused.value.retry_after == 60


def test_what_is_remembered_of_names_is_bounded() -> None:
    attempts, now = Attempts(), NOW
    for number in range(NAMES_KEPT + 10):
        now = Instant(now + 2 * SECOND)
        attempts.take(f"n{number}", now)
    assert len(attempts._names) == NAMES_KEPT


def test_a_flood_of_sign_ins_runs_two_hashes_at_once_and_is_turned_away(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, going = 0, 0, threading.Event()
    lock = threading.Lock()

    def slow(_password: str, _kept: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        going.wait(10)
        with lock:
            running -= 1
        return False

    monkeypatch.setattr(signing.passwords, "matches", slow)
    desk = SignIn(any_database, Staff(), lambda: NOW)

    async def flood() -> list[str]:
        tries = [asyncio.create_task(desk.begin(f"name.{number}", PASSWORD)) for number in range(IN_ALL.burst)]
        while running < AT_ONCE:
            await asyncio.sleep(0.01)
        going.set()
        done = await asyncio.gather(*tries, return_exceptions=True)
        return [type(one).__name__ for one in done]

    said = asyncio.run(flood())
    desk.close()
    assert most == AT_ONCE
    assert said.count("SignInRefused") == AT_ONCE + MAX_WAITING
    assert said.count("TooManyRequests") == IN_ALL.burst - AT_ONCE - MAX_WAITING


def test_while_a_password_is_worked_on_others_are_answered(world: World, ask: Screens, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is done beside the event loop: a sign-in that hangs holds up nobody."""
    begun, going = threading.Event(), threading.Event()

    def slow(_password: str, _kept: str) -> bool:
        begun.set()
        return going.wait(10) and False

    monkeypatch.setattr(passwords, "matches", slow)
    asked = threading.Thread(target=begin, args=(ask,))
    asked.start()
    assert begun.wait(10)
    assert ask.box.get("/api/v1/me").status_code == 200
    going.set()
    asked.join(10)


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["publisher", "operator", "auditor"])
def test_a_key_has_the_side_and_the_role_it_was_minted_for(world: World, role: str) -> None:
    where = {"publisher": world.studio.id} if role != "operator" else {"operator": world.orange}
    party = world.keys.resolve(world.key(role, **where), world.now)
    assert party is not None
    assert party.roles == {Role(role)}, "and is nobody who approves"
    assert (party.publisher, party.operator) == (where.get("publisher"), where.get("operator"))


def test_a_label_is_one_line(any_database: Database) -> None:
    for label in ("two\nlines", "x" * 101, "\x1b[31m"):
        with pytest.raises(PartyError), any_database.write() as conn:
            store.add_api_key(conn, ALL_SIDES, label, NOW, actor="test")


def test_the_hash_itself_takes_its_time_and_lets_others_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its real cost, once: it is a real Argon2id, and this thread goes on while it is made."""
    monkeypatch.setattr(passwords, "COST", _DEFAULT)
    made: list[str] = []
    working = threading.Thread(target=lambda: made.append(passwords.hashed(PASSWORD)))
    working.start()
    turns = 0
    while working.is_alive():
        turns += 1
        time.sleep(0.001)
    assert turns > 5
    assert made[0].startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches(PASSWORD, made[0])
