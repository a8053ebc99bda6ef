"""A film is stopped from another screen of the home: by a child's screen not without the PIN, where the film is not for it."""

import pytest

from matinee.base.ids import SessionId, new_id
from tests.playback.paying import Home, Paying

PIN = "2468"


@pytest.fixture
def parents_film(world: Paying, home: Home) -> str:
    """A film of the adult's on the phone. The box has the kids' profile open."""
    child, box = world.one.child.id, home.who.box
    assert box.send("PATCH", f"/api/v1/profiles/{child}", {"kids": True}).status_code == 200
    assert box.send("POST", f"/api/v1/profiles/{child}/choose").status_code == 200
    return str(home.play(world.film, phone=True).raise_for_status().json()["session_id"])


def _set_pin(home: Home) -> None:
    assert home.who.phone.send("PUT", "/api/v1/pin", {"pin": PIN}).status_code == 204


def _unlock(home: Home, profile: str | None = None) -> str:
    """What the PIN gives on the box."""
    told = home.who.box.send("POST", "/api/v1/pin/unlock", {"pin": PIN, "profile_id": profile})
    return str(told.raise_for_status().json()["unlock"])


def _is_stopped(world: Paying, session: str) -> bool:
    found = world.book.find_session(SessionId(session))
    assert found is not None
    return found.stop_reason is not None


def test_a_childs_screen_is_asked_for_the_pin_and_stops_the_film_with_it(world: Paying, home: Home, parents_film: str) -> None:
    _set_pin(home)
    for unlock in ("", _unlock(home, world.one.child.id), _unlock(home)[:-1]):
        refused = home.stop(parents_film, unlock=unlock)
        assert (refused.status_code, refused.json()["code"]) == (403, "pin_needed")
    assert not _is_stopped(world, parents_film)
    assert home.stop(parents_film, unlock=_unlock(home)).status_code == 204
    assert _is_stopped(world, parents_film)


def test_refusals_use_up_no_stop(world: Paying, home: Home, parents_film: str) -> None:
    _set_pin(home)
    assert {home.stop(parents_film).status_code for _ in range(20)} == {403}
    assert home.stop(parents_film, unlock=_unlock(home)).status_code == 204


def test_without_a_pin_nobody_is_asked(world: Paying, home: Home, parents_film: str) -> None:
    assert home.stop(parents_film).status_code == 204


def test_a_screen_that_was_given_back_is_not_asked(world: Paying, home: Home, parents_film: str) -> None:
    _set_pin(home)
    adult = world.one.adult.id
    chosen = home.who.box.send("POST", f"/api/v1/profiles/{adult}/choose", unlock=_unlock(home, adult))
    assert chosen.status_code == 200
    assert home.stop(parents_film).status_code == 204


def test_a_child_goes_on_here_with_its_own_film(world: Paying, home: Home, parents_film: str) -> None:
    _set_pin(home)
    own = home.play(world.film, phone=True, profile=world.one.child).raise_for_status().json()["session_id"]
    assert home.stop(own).status_code == 204


def test_what_does_not_run_elsewhere_reads_as_before(world: Paying, home: Home, parents_film: str) -> None:
    _set_pin(home)
    assert home.stop(new_id()).status_code == 404
    assert home.stop(parents_film, phone=True).status_code == 204, "the screen where it runs"
    assert home.stop(parents_film).status_code == 204, "it has ended: nothing is stopped"
