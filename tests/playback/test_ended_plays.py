"""A play ends with the session of its screen, and with its profile: at edges too, for a reason of its own, and no other does."""

from collections.abc import Callable

import pytest

from matinee.app.ended_plays import EndedPlays
from matinee.base.clock import DAY, MINUTE, Instant
from matinee.base.ids import ScreenSessionId, SessionId, new_id
from matinee.catalogue.model import AgeClass
from matinee.members import profile_store, store
from matinee.members.sign_in import rules, sessions
from matinee.members.sign_in.api import sign_out_everywhere
from matinee.members.sign_in.model import TV, ScreenSession
from matinee.parties import outbox
from tests.catalogue.factories import film
from tests.playback.paying import Home, Paying
from tests.playback.test_rights_that_end import revoked, unlock
from tests.world import NOW


@pytest.fixture
def follow(world: Paying) -> Callable[[], None]:
    """What a web process does within a second or two: follow the outbox, and take a step."""
    ended = EndedPlays(world.book, world.members, world.catalogue, world.desk.stop, lambda: world.now)
    seen = 0

    def follow() -> None:
        nonlocal seen
        world.feed.poll()
        with world.database.read() as conn:
            events = [one for one in outbox.after(conn, seen) if one.topic in ended.topics]
            seen = outbox.latest(conn)
            ended.follow(conn, events)
        ended.step()

    follow()
    return follow


def begin(world: Paying) -> ScreenSession:
    """A television that was signed in, with its first refresh token as its label."""
    made = ScreenSession(
        id=ScreenSessionId(new_id()), household=world.one.household, account=None, client=TV, scope="watch", label="",
        begun_at=NOW, last_seen=NOW, expires_at=Instant(NOW + DAY), authenticated_at=NOW,
    )  # fmt: skip
    with world.database.write() as conn:
        sessions.begin(conn, made, rules.first_refresh_token(made.id))
    return made


def play_on(world: Paying, home: Home, session: ScreenSession) -> SessionId:
    world.one.viewer_token = world.signer.access_token(session, world.now, ours=True)
    return SessionId(home.play(world.film, phone=True).raise_for_status().json()["session_id"])


def _reason(world: Paying, play: SessionId) -> str | None:
    found = world.book.find_session(play)
    assert found is not None
    return found.stop_reason


def _sign_out(world: Paying, session: ScreenSession) -> None:
    with world.database.write() as conn:
        sessions.end(conn, session.household, session.id, world.now)


def _everywhere(world: Paying, session: ScreenSession) -> None:
    with world.database.write() as conn:
        sign_out_everywhere(conn, session.household, world.now)


def _reuse(world: Paying, session: ScreenSession) -> None:
    with world.database.write() as conn:
        assert sessions.refreshed(conn, f"mtr_{session.id}{'A' * 43}", TV, world.now) is None


@pytest.mark.parametrize("ends", [_sign_out, _everywhere, _reuse], ids=["this screen", "everywhere", "a token used twice"])
def test_a_play_ends_with_its_screens_session_and_no_other_does(
    world: Paying, home: Home, follow: Callable[[], None], ends: Callable[[Paying, ScreenSession], None]
) -> None:
    one, other = begin(world), begin(world)
    on_box = SessionId(home.play(world.film).json()["session_id"])
    there, elsewhere = play_on(world, home, one), play_on(world, home, other)
    follow()
    assert revoked(world) == set()
    ends(world, one)
    follow()
    gone = {there, elsewhere} if ends is _everywhere else {there}
    assert revoked(world) == gone
    assert [_reason(world, play) for play in gone] == ["signed_out"] * len(gone)
    assert _reason(world, on_box) is None, "a box is there by its line"
    assert home.beat(on_box, 1).json()["stop"] is None


def test_a_play_by_a_token_of_its_own_ends_when_that_is_revoked(world: Paying, home: Home, follow: Callable[[], None]) -> None:
    begun = home.play(world.film, phone=True).json()
    follow()
    assert revoked(world) == set()
    with world.database.write() as conn:
        store.revoke_viewer_tokens(conn, world.one.household, world.now)
    follow()
    assert revoked(world) == {begun["session_id"]}
    assert unlock(home, begun).json()["code"] == "session_ended"
    assert _reason(world, begun["session_id"]) == "signed_out"


def _delete(world: Paying) -> None:
    with world.database.write() as conn:
        profile_store.delete(conn, world.one.household, world.one.adult.id, world.now)


def _lower(world: Paying) -> None:
    with world.database.write() as conn:
        profile_store.change(conn, world.one.household, world.one.adult.id, {"age_class": 10}, world.now)


def _rename(world: Paying) -> None:
    with world.database.write() as conn:
        profile_store.change(conn, world.one.household, world.one.adult.id, {"name": "Ada"}, world.now)


@pytest.mark.parametrize(
    ("act", "reason"), [(_delete, "profile"), (_lower, "profile"), (_rename, None)], ids=["deleted", "lowered", "renamed"]
)
def test_a_play_ends_with_its_profile_and_its_next_heartbeat_says_so(
    world: Paying, home: Home, follow: Callable[[], None], act: Callable[[Paying], None], reason: str | None
) -> None:
    grown = film("La Nuit", age_class=AgeClass(16), service=world.cinema.id, publisher=world.studio.id)
    world.put(grown)
    begun = home.play(grown).raise_for_status().json()
    act(world)
    follow()
    assert home.beat(begun["session_id"], 1).json()["stop"] == reason
    assert revoked(world) == ({begun["session_id"]} if reason else set())


def test_what_could_not_be_stopped_is_tried_again(world: Paying, home: Home, follow: Callable[[], None]) -> None:
    session = begin(world)
    play = play_on(world, home, session)
    fails = True

    def stop(which: SessionId, reason: str) -> None:
        if fails:
            raise OSError("the published store is away")
        world.desk.stop(which, reason)

    ended = EndedPlays(world.book, world.members, world.catalogue, stop, lambda: world.now)
    _sign_out(world, session)
    with world.database.read() as conn:
        ended.follow(conn, [one for one in outbox.after(conn, 0) if one.topic in ended.topics])
    with pytest.raises(OSError, match="away"):
        ended.step()
    fails = False
    ended.step()
    assert revoked(world) == {play}


def test_a_process_that_begins_after_a_sign_out_stops_what_it_learns_of(world: Paying, home: Home) -> None:
    """Whoever should have stopped it was killed between the two; a screen that is signed out asks nobody any more."""
    gone, stays = begin(world), begin(world)
    there, elsewhere = play_on(world, home, gone), play_on(world, home, stays)
    _sign_out(world, gone)
    later = EndedPlays(world.book, world.members, world.catalogue, world.desk.stop, lambda: world.now)
    with world.database.read() as conn:
        later.load(conn)
    later.step()
    assert revoked(world) == {there}
    assert (_reason(world, there), _reason(world, elsewhere)) == ("signed_out", None)


def test_a_process_that_begins_after_a_profile_was_deleted_stops_what_it_learns_of(world: Paying, home: Home) -> None:
    begun = home.play(world.film).raise_for_status().json()
    _delete(world)
    world.feed.poll()
    later = EndedPlays(world.book, world.members, world.catalogue, world.desk.stop, lambda: world.now)
    with world.database.read() as conn:
        later.load(conn)
    later.step()
    assert revoked(world) == {begun["session_id"]}


def test_a_play_that_was_beginning_when_its_screen_signed_out_is_stopped_a_minute_later(
    world: Paying, home: Home, follow: Callable[[], None]
) -> None:
    session = begin(world)
    play = play_on(world, home, session)
    held = world.book.held_session(play)
    assert held is not None
    world.book._sessions.pop(play)  # it is not in the book yet
    _sign_out(world, session)
    follow()
    world.book._sessions[play] = held
    follow()
    assert revoked(world) == set()
    world.now = Instant(world.now + MINUTE)
    follow()
    assert revoked(world) == {play}
    assert _reason(world, play) == "signed_out"


def test_one_that_cannot_be_stopped_keeps_no_other_playing_and_no_screen_out_that_is_signed_in(
    world: Paying, home: Home, follow: Callable[[], None]
) -> None:
    one, other = begin(world), begin(world)
    stuck, free = play_on(world, home, one), play_on(world, home, other)

    def stop(which: SessionId, reason: str) -> None:
        if which == stuck:
            raise OSError("no")
        world.desk.stop(which, reason)

    ended = EndedPlays(world.book, world.members, world.catalogue, stop, lambda: world.now)
    _everywhere(world, one)
    world.feed.poll()
    with world.database.read() as conn:
        ended.follow(conn, [one for one in outbox.after(conn, 0) if one.topic in ended.topics])
    with pytest.raises(OSError, match="no"):
        ended.step()
    assert revoked(world) == {free}
