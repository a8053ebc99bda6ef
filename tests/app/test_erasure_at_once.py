"""A household is erased while somebody writes of it: both come through, in one order or the other, and nothing of it is left.

On PostgreSQL the writer is held just before it waits for the outbox, until the erasure has come to a lock or to its end: had it
taken a row that the erasure wants before that, the two would wait for each other, and the database would end one of them.
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.app.forgetting import NAME, Forgetting, erase_everywhere
from matinee.base.clock import DAY, Instant
from matinee.base.errors import MatineeError
from matinee.base.ids import ClientId, PackageId, ServiceId, SessionId, TitleId, new_id
from matinee.base.units import DurationMs, PositionMs
from matinee.members import pin_store, plan_store, profile_store, store
from matinee.members.model import SubscriptionState
from matinee.members.profile_store import NewProfile
from matinee.members.sign_in import accounts, codes, rules, sessions
from matinee.members.sign_in.api import sign_out_everywhere
from matinee.members.sign_in.model import TV, AuthorizationCode, Decision, DeviceCode, ScreenSession
from matinee.outside.database import Database
from matinee.parties import cursors, outbox
from matinee.playback import lease_store
from matinee.playback import store as playback
from matinee.playback.model import Place, Session
from matinee.playback.streams import Lease
from tests.app.test_forgetting import fill
from tests.world import NOW, World

LATER = Instant(NOW + 60_000)
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class Filled:
    """A home with something of it in every table, and what a writer needs to know."""

    def __init__(self, world: World) -> None:
        self.world, self.home, self.household = world, world.one, world.one.household
        fill(world, world.one, TitleId(new_id()))
        self.refresh = ""
        with world.database.write() as conn:
            (self.account,) = accounts.accounts_of(conn, self.household)
            self.screens = [self._begin(conn, number) for number in range(3)]
            self.used_code = AuthorizationCode(
                digest=new_id(), client=ClientId("c"), redirect_uri="https://tv.example/", scope="watch", nonce="", challenge="c",
                household=self.household, account=self.account.id, session=self.screens[0].id, label="Salon",
                authenticated_at=NOW, expires_at=Instant(NOW + DAY),
            )  # fmt: skip
            codes.add_authorization_code(conn, self.used_code, NOW)
            self.waits = DeviceCode(
                digest=new_id(), user_code=rules.new_user_code(), client=TV, scope="watch", label="Salon",
                expires_at=Instant(NOW + DAY),
            )  # fmt: skip
            codes.add_device_code(conn, self.waits, NOW)

    def _begin(self, conn: Connection, number: int) -> ScreenSession:
        made = ScreenSession(
            id=sessions.ScreenSessionId(new_id()), household=self.household, account=self.account.id, client=TV, scope="watch",
            label=f"Salon {number}", begun_at=NOW, last_seen=NOW, expires_at=Instant(NOW + DAY), authenticated_at=NOW,
        )  # fmt: skip
        self.refresh = rules.first_refresh_token(made.id)
        sessions.begin(conn, made, self.refresh)
        return made

    def play(self, title: str = "") -> tuple[Session, Place, Lease]:
        session = Session(
            id=SessionId(new_id()), household=self.household, profile=self.home.adult.id, title=TitleId(title or new_id()),
            package=PackageId("p"), duration_ms=DurationMs(60_000), started_at=LATER, token_expires_at=Instant(LATER + DAY),
        )  # fmt: skip
        place = Place(
            household=self.household, profile=self.home.adult.id, title=session.title, position_ms=PositionMs(9_000),
            duration_ms=DurationMs(60_000), completed=False, session=session.id, sequence=1, counted_at=NOW,
        )  # fmt: skip
        lease = Lease(
            session=session.id, household=self.household, service=ServiceId("s"), title=session.title, profile=session.profile,
            since=LATER, until=Instant(LATER + DAY), token_until=Instant(LATER + DAY), limit=1, is_over=False,
        )  # fmt: skip
        return session, place, lease


def _decide(conn: Connection, one: Filled) -> None:
    codes.decide(conn, one.waits, Decision.APPROVED, one.household, one.account.id, NOW, LATER)


def _code_again(conn: Connection, one: Filled) -> None:
    found = codes.authorization_code(conn, one.used_code.digest)
    if found is not None:
        sessions.end(conn, one.household, found.session, LATER)


def _revoke(conn: Connection, one: Filled) -> None:
    if sessions.holder_of(conn, one.refresh) is not None:
        sessions.end(conn, one.household, one.screens[-1].id, LATER)


def _reuse(conn: Connection, one: Filled) -> None:
    stolen = one.refresh[:-43] + "A" * 43
    sessions.refreshed(conn, stolen, TV, LATER)


def _make_profile(conn: Connection, one: Filled) -> None:
    told = NewProfile(
        request=new_id(), name="Tante", color="#4477aa", age_class=one.home.adult.age_class, language=one.home.adult.language
    )
    profile_store.make(conn, one.household, told, LATER)


def _subscribe(conn: Connection, one: Filled) -> None:
    plan, _ = plan_store.ensure_plan(conn, one.world.cinema, "Tout", LATER, actor="test")
    state = SubscriptionState.ACTIVE
    plan_store.record_subscription(conn, one.household, plan, None, state, LATER, actor="test")


def _take_stream(conn: Connection, one: Filled) -> None:
    lease_store.take(conn, one.play()[2], 1, LATER)


def _stop_stream(conn: Connection, one: Filled) -> None:
    session, _, lease = one.play()
    lease_store.save(conn, [lease])
    lease_store.release(conn, [session.id])
    playback.stop_session(conn, session.id, "other", LATER)
    lease_store.tell_stopped(conn, session.id, "other", LATER)


WRITERS: list[tuple[str, Callable[[Connection, Filled], Any]]] = [
    ("a device is approved", _decide),
    ("a refresh token is used twice", _reuse),
    ("a code is used twice", _code_again),
    ("a screen is signed out", lambda conn, one: sessions.end(conn, one.household, one.screens[0].id, LATER)),
    ("a screen signs itself out", _revoke),
    ("everything is signed out", lambda conn, one: sign_out_everywhere(conn, one.household, LATER)),
    ("a password is changed", lambda conn, one: accounts.change_password(conn, one.account.name, "", LATER, actor="")),
    ("an account is ended", lambda conn, one: accounts.end_account(conn, one.account.name, LATER, actor="test")),
    ("an account is made", lambda conn, one: accounts.add_account(conn, one.household, "b@c.de", "", LATER, actor="")),
    ("a token is minted", lambda conn, one: store.mint_viewer_token(conn, one.household, LATER)),
    ("tokens are revoked", lambda conn, one: store.revoke_viewer_tokens(conn, one.household, LATER)),
    ("a language is chosen", lambda conn, one: store.change_preferences(
        conn, one.household, one.home.adult.id, {"audio_language": "en"}, LATER)),
    ("a profile is made", _make_profile),
    ("a profile is changed", lambda conn, one: profile_store.change(
        conn, one.household, one.home.adult.id, {"name": "Maman"}, LATER)),
    ("a profile is deleted", lambda conn, one: profile_store.delete(conn, one.household, one.home.child.id, LATER)),
    ("the PIN is taken away", lambda conn, one: pin_store.take_pin(conn, one.household, LATER)),
    ("a kids' profile is opened", lambda conn, one: pin_store.settle_screen(
        conn, "box:9", one.household, one.home.child.id, LATER)),
    ("a line is given to it", lambda conn, one: store.assign_household(conn, one.home.line.id, one.household, LATER, LATER)),
    ("somebody subscribes", _subscribe),
    ("a stream takes another's place", _take_stream),
    ("a stream is stopped", _stop_stream),
]  # fmt: skip


@pytest.mark.parametrize(("shows", "write"), WRITERS, ids=[row[0] for row in WRITERS])
def test_an_erasure_and_a_writer_at_once_both_come_through(
    any_database: Database, shows: str, write: Callable[[Connection, Filled], Any]
) -> None:
    one = Filled(World(any_database))
    came, may_go = threading.Event(), threading.Event()
    faults: list[BaseException] = []

    def pause(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        is_outbox = "pg_advisory_xact_lock" in statement and outbox._LOCK in parameters.values()
        if is_outbox and threading.current_thread().name == "writer":
            came.set()
            may_go.wait(5)

    def run(act: Callable[[], Any]) -> None:
        try:
            act()
        except MatineeError:
            pass  # it is gone: that is said in words, and nothing is half done
        except (sa.exc.SQLAlchemyError, AssertionError) as error:
            faults.append(error)

    def write_once() -> None:
        try:
            with any_database.write() as conn:
                write(conn, one)
        finally:
            came.set()

    def erase() -> None:
        erase_everywhere(any_database, one.household, LATER, actor="test")

    sa.event.listen(any_database.engine, "before_cursor_execute", pause)
    writer = threading.Thread(target=run, args=(write_once,), name="writer")
    eraser = threading.Thread(target=run, args=(erase,), name="eraser")
    writer.start()
    assert came.wait(5)
    eraser.start()
    if not any_database.is_sqlite:
        _wait_until_blocked_or_over(any_database, eraser)
    may_go.set()
    for thread in (writer, eraser):
        thread.join(20)
        assert not thread.is_alive(), shows
    assert faults == [], shows
    with any_database.read() as conn:
        names = conn.execute(sa.select(store.profiles.c.name).where(store.profiles.c.household_id == one.household)).all()
        living = sessions.sessions_of(conn, one.household, LATER)
    assert living == [], shows
    assert len(names) <= 1, f"{shows}: only what was written after the erasure may stand"


def test_an_erasure_and_the_book_of_plays_at_once_both_come_through(any_database: Database) -> None:
    """Each writes many rows of the home in one transaction: they take them in the same order."""
    one = Filled(World(any_database))
    plays = [one.play() for _ in range(200)]
    faults: list[Exception] = []

    def flush() -> None:
        try:
            for _ in range(15):
                with any_database.write() as conn:
                    playback.save_sessions(conn, [session for session, _, _ in plays])
                    playback.save_places(conn, [place for _, place, _ in plays])
        except (sa.exc.SQLAlchemyError, AssertionError) as error:
            faults.append(error)

    flush()
    threads = [threading.Thread(target=flush) for _ in range(2)]
    for thread in threads:
        thread.start()
    erase_everywhere(any_database, one.household, Instant(LATER + 1), actor="test")
    for thread in threads:
        thread.join(60)
    assert faults == []


def test_the_worker_that_erases_of_several_homes_keeps_no_row_of_one_while_it_waits_for_another(any_database: Database) -> None:
    """Somebody writes of both in one transaction, in the other order: neither waits for the other."""
    world = World(any_database)
    title = TitleId(new_id())
    for home in (world.one, world.other):
        fill(world, home, title)
        with any_database.write() as conn:
            profile_store.delete(conn, home.household, home.adult.id, NOW)
    faults: list[BaseException] = []

    def forgets() -> None:
        try:
            Forgetting(any_database, lambda: LATER, viewing_months=24, plays_months=13).step()
        except sa.exc.SQLAlchemyError as error:
            faults.append(error)

    def write(conn: Connection, household: str) -> None:
        conn.execute(sa.update(playback.places).where(playback.places.c.household == household).values(completed=True))

    worker = threading.Thread(target=forgets)
    with any_database.write() as conn:
        write(conn, world.other.household)
        worker.start()
        if not any_database.is_sqlite:
            _wait_until_blocked_or_over(any_database, worker)
        write(conn, world.one.household)
    worker.join(20)
    assert not worker.is_alive()
    assert faults == []
    with any_database.read() as conn:
        left = {row.profile for row in conn.execute(sa.select(playback.places.c.profile))}
        assert cursors.seen(conn, NAME) == outbox.latest(conn)
    assert left == {world.one.child.id, world.other.child.id}


def _wait_until_blocked_or_over(database: Database, eraser: threading.Thread) -> None:
    for _ in range(100):
        eraser.join(0.02)
        if not eraser.is_alive():
            return
        with database.read() as conn:
            if conn.execute(sa.text(BLOCKED)).scalar_one():
                return
    raise AssertionError("the erasure neither ended nor waits")
