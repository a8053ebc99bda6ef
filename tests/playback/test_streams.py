"""How many films a home sees at once: through the URLs, by what screens are told."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from matinee.base.clock import HOUR, MINUTE, from_rfc3339
from matinee.base.ids import new_id
from matinee.catalogue.model import Seller, StreamTerms
from matinee.delivery.control import ControlWriter, read_control
from matinee.members.forgotten import Forgotten, ForgottenKind
from matinee.outside.database import Database
from matinee.playback import lease_store
from matinee.playback.leases import Leases
from matinee.playback.model import TooBusy
from tests.playback.desks import Stage
from tests.playback.homes import Household
from tests.playback.test_plans import _away

BEAT = 10_000
LAPSES = 3 * BEAT + 5_000
KID = base64.urlsafe_b64encode(bytes.fromhex("00112233445566778899aabbccddeeff")).rstrip(b"=").decode()


@pytest.fixture
def stage(any_database: Database, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path, any_database, token_ms=HOUR)
    made.given = StreamTerms(streams=1)
    yield made
    made.book.close()


@pytest.fixture
def home(stage: Stage) -> Iterator[Household]:
    with TestClient(stage.app()) as client:
        yield Household(stage, client)


def revoked(stage: Stage) -> list[str]:
    return [entry.session for entry in read_control(stage.store, stage.ring).revoked]


def test_one_more_is_refused_and_told_which_runs(stage: Stage, home: Household) -> None:
    tv, other = home.boxes(2)
    begun = home.play(tv)
    home.wait(BEAT)
    told = home.refused(other)
    assert told["limit"] == 1
    assert told["streams"] == [
        {
            "session_id": begun["session_id"],
            "screen": {"kind": "box", "label": f"the box {stage.tokens[tv].box}"},
            "title": {"id": stage.film, "name": "Le phare"},
            "since": told["streams"][0]["since"],
        }
    ]
    assert told["remedy"]
    assert home.refused("mtv_web")["streams"] == told["streams"]


def test_as_many_as_the_plan_gives_and_the_oldest_is_named_first(stage: Stage, home: Household) -> None:
    stage.given = StreamTerms(streams=3)
    begun = []
    for screen in (*home.boxes(2), "mtv_web"):
        begun.append(home.play(screen)["session_id"])
        home.wait(1)
    told = home.refused(home.box())
    assert [one["session_id"] for one in told["streams"]] == begun
    assert [one["screen"]["kind"] for one in told["streams"]] == ["box", "box", "web"]


def test_a_child_reads_no_name_of_what_it_may_not_see(stage: Stage, home: Household) -> None:
    home.play(home.box(), stage.grown_up)
    (told,) = home.refused("mtv_web", profile=stage.child)["streams"]
    assert told["title"] is None
    assert told["screen"]["kind"] == "box"
    assert home.refused("mtv_web")["streams"][0]["title"]["id"] == stage.grown_up


def test_another_home_and_another_service_count_for_themselves(stage: Stage, home: Household) -> None:
    home.play(home.box())
    home.play("mtb_other", profile=stage.stranger)
    elsewhere = stage.showings[stage.second]
    stage.showings[stage.second] = msgspec.structs.replace(elsewhere, service=type(stage.service)(new_id()))
    home.play(home.box(), stage.second)
    home.refused(home.box())


def test_an_end_frees_the_place_at_once(home: Household) -> None:
    tv, other = home.boxes(2)
    begun = home.play(tv)
    home.end(tv, begun["session_id"])
    home.play(other)


def test_a_dead_screen_frees_its_place_after_three_heartbeats_and_is_refused_by_edges_then(stage: Stage, home: Household) -> None:
    tv, other = home.boxes(2)
    begun = home.play(tv)
    home.wait(BEAT)
    home.beat(tv, begun["session_id"])
    home.wait(LAPSES - 1)
    home.refused(other)
    assert revoked(stage) == []
    home.wait(1)
    home.play(other)
    assert revoked(stage) == [begun["session_id"]], "its token must not go on beside the one that took its place"
    assert home.beat(tv, begun["session_id"])["stop"] == "streams"


def test_a_paused_film_that_is_heard_of_keeps_its_place(home: Household) -> None:
    tv, other = home.boxes(2)
    begun = home.play(tv)
    for _ in range(20):
        home.wait(BEAT)
        assert home.beat(tv, begun["session_id"], "paused")["stop"] is None
    home.refused(other)


def test_a_screen_that_was_away_for_a_minute_takes_its_place_again_where_it_is_free(home: Household) -> None:
    tv, other = home.boxes(2)
    begun = home.play(tv)
    home.wait(MINUTE)
    assert home.beat(tv, begun["session_id"])["stop"] is None
    home.refused(other)


def test_the_other_one_is_stopped_and_told_why(stage: Stage, home: Household) -> None:
    tv, other = home.boxes(2)
    begun = home.play(tv)
    (named,) = home.refused(other)["streams"]
    for _ in range(2):
        assert home.stop(other, named["session_id"]).status_code == 204
    assert revoked(stage) == [begun["session_id"]]
    home.play(other)
    assert home.beat(tv, begun["session_id"])["stop"] == "other_screen"
    refused = home.unlock(begun, [KID])
    assert (refused.status_code, refused.json()["code"]) == (410, "session_ended")
    home.refused(tv)


def test_another_household_stops_nothing_and_learns_nothing(stage: Stage, home: Household) -> None:
    begun = home.play(home.box())
    foreign, absent, shapeless = (home.stop("mtb_other", one) for one in (begun["session_id"], new_id(), "nonsense"))
    assert (foreign.status_code, foreign.content) == (404, absent.content)
    assert shapeless.content == absent.content
    assert revoked(stage) == []
    assert home.stop("", begun["session_id"]).status_code == 401


def test_what_has_ended_is_stopped_no_more(stage: Stage, home: Household) -> None:
    tv = home.box()
    begun = home.play(tv)
    home.end(tv, begun["session_id"])
    assert home.stop("mtv_web", begun["session_id"]).status_code == 204
    assert revoked(stage) == []


def test_a_box_that_begins_another_film_gives_its_own_place(stage: Stage, home: Household) -> None:
    """As after its power was cut: it is not told that it is the other screen itself."""
    tv = home.box()
    first = home.play(tv)
    second = home.play(tv, stage.second)
    assert home.beat(tv, first["session_id"])["stop"] == "replaced"
    assert home.beat(tv, second["session_id"])["stop"] is None
    assert revoked(stage) == [first["session_id"]], "one box's token does not open two streams"


def test_a_film_that_is_prepared_takes_no_place_before_it_moves(stage: Stage, home: Household) -> None:
    tv, other = home.boxes(2)
    waits = home.play(tv, prepares=True)
    token = stage.verifier.verify(waits["manifests"]["dash"].split("/")[4], stage.now)
    assert token.expires_at - stage.now <= 5 * MINUTE, "what holds no place opens an edge for a moment alone"
    begun = home.play(other)
    assert home.beat(tv, waits["session_id"])["stop"] == "streams"
    home.end(other, begun["session_id"])
    again = home.play(tv, prepares=True)
    heard = home.beat(tv, again["session_id"])
    assert heard["stop"] is None
    assert heard["token"] not in again["manifests"]["dash"], "a token for the whole film comes with the first report"
    home.refused(other)
    home.refused(other, prepares=True)


def test_without_a_limit_nobody_counts(stage: Stage, home: Household) -> None:
    stage.given = StreamTerms()
    for screen in home.boxes(8):
        home.play(screen)


def test_a_plan_that_gives_less_stops_no_film_that_runs_and_those_begun_last_get_no_other_token(
    stage: Stage, home: Household
) -> None:
    stage.given = StreamTerms(streams=4)
    screens = home.boxes(4)
    begun = []
    for screen in screens:
        begun.append(home.play(screen))
        home.wait(1)
    stage.given = StreamTerms(streams=2)

    def beats() -> list[Any]:
        return [home.beat(screen, one["session_id"]) for screen, one in zip(screens, begun, strict=True)]

    home.wait(BEAT)
    heard = beats()
    assert [one["notice"] for one in heard] == [None, None, "streams", "streams"], "the first two keep their places"
    assert [one["stop"] for one in heard] == [None] * 4, "nobody's film is cut"
    assert revoked(stage) == []
    ends = from_rfc3339(begun[2]["token_expires_at"])
    while stage.now < ends - 2 * BEAT:
        home.wait(3 * BEAT)
        heard = beats()
        assert stage.now >= ends - 2 * BEAT or not any(one["stop"] for one in heard), "until its token ends, it runs"
    assert [one["stop"] for one in heard] == [None, None, "streams", "streams"]
    assert sorted(revoked(stage)) == sorted(one["session_id"] for one in begun[2:])
    home.refused(home.box())


def test_one_that_was_over_the_limit_comes_within_it_when_another_ends(stage: Stage, home: Household) -> None:
    stage.given = StreamTerms(streams=2)
    tv, other = home.boxes(2)
    first = home.play(tv)
    home.wait(1)
    second = home.play(other)
    stage.given = StreamTerms(streams=1)
    assert home.beat(other, second["session_id"])["notice"] == "streams"
    home.end(tv, first["session_id"])
    assert home.beat(other, second["session_id"])["notice"] is None
    home.wait(HOUR)
    assert home.beat(other, second["session_id"])["stop"] is None


def test_a_plan_that_gives_more_lets_one_more_begin(stage: Stage, home: Household) -> None:
    home.play(home.box())
    other = home.box()
    home.refused(other)
    stage.given = StreamTerms(streams=2)
    home.play(other)


def test_a_film_whose_plan_has_ended_runs_and_holds_its_place_and_no_other_begins(stage: Stage, home: Household) -> None:
    tv, other = home.boxes(2)
    begun = home.play(tv)
    stage.seller = Seller.OPERATOR
    for _ in range(10):
        home.wait(BEAT)
        heard = home.beat(tv, begun["session_id"])
        assert (heard["stop"], heard["notice"]) == (None, "plan")
    assert home.ask(other).json()["code"] == "plan_needed"
    stage.seller = None
    home.refused(other)
    assert home.beat(tv, begun["session_id"])["notice"] is None


def test_a_restart_forgets_no_place(stage: Stage, home: Household, tmp_path: Path) -> None:
    tv, other = home.boxes(2)
    begun = home.play(tv)
    home.beat(tv, begun["session_id"])
    stage.leases.close()
    stage.book.flush()
    again = Stage(tmp_path, stage.database)
    again.now, again.given, again.tokens = stage.now, stage.given, stage.tokens
    again.profiles, again.showings, again.ages, again.keys = stage.profiles, stage.showings, stage.ages, stage.keys
    again.home, again.film, again.adult = stage.home, stage.film, stage.adult
    with TestClient(again.app()) as client:
        after = Household(again, client)
        after.refused(other)
        after._sequence = dict(home._sequence)
        assert after.beat(tv, begun["session_id"])["stop"] is None
        after.stop(other, begun["session_id"])
        after.play(other)
    again.book.close()


def test_while_the_database_is_away_a_process_goes_by_what_it_knows(stage: Stage, home: Household) -> None:
    tv, other, third = home.boxes(3)
    begun = home.play(tv)
    with _away(stage.database):
        home.refused(other)
        home.end(tv, begun["session_id"])
        went_on = home.play(other)
        home.refused(third)
    # Now others are told of it, by its next heartbeat; what ended meanwhile lapses by itself.
    elsewhere = Leases(stage.database, lambda: stage.now)
    home.wait(LAPSES)
    home.beat(other, went_on["session_id"])
    assert [one.session for one in elsewhere.look(stage.home, stage.service, stage.now)] == [went_on["session_id"]]


def test_a_household_that_is_erased_leaves_no_lease(stage: Stage, home: Household) -> None:
    home.play(home.box())
    home.play("mtb_other", profile=stage.stranger)
    stage.leases.flush()
    with stage.database.write() as conn:
        lease_store.forget(conn, Forgotten(kind=ForgottenKind.HOUSEHOLD, household=stage.home, until=stage.now))
        left = lease_store.all_leases(conn, stage.now)
    assert [one.household for one in left] == [stage.neighbour]


def test_old_rows_go(stage: Stage, home: Household) -> None:
    begun = home.play(home.box())
    stage.leases.flush()
    assert stage.leases.find(begun["session_id"]) is not None
    home.wait(5 * HOUR)
    stage.leases.flush()
    again = Leases(stage.database, lambda: stage.now)
    assert again.find(begun["session_id"]) is None


def test_one_screen_cannot_go_on_stopping_another(stage: Stage, home: Household) -> None:
    """A child at a phone stops the film on the television six times; then the phone is told to wait, and the film runs."""
    tv, other = home.boxes(2)
    for _ in range(6):
        begun = home.play(tv)
        assert home.stop("mtv_web", begun["session_id"]).status_code == 204
        assert home.stop("mtv_web", begun["session_id"]).status_code == 204  # said again it costs nothing
    begun = home.play(tv)
    refused = home.stop("mtv_web", begun["session_id"])
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (429, "too_many_requests", "600")
    assert home.beat(tv, begun["session_id"])["stop"] is None
    unknown = home.stop("mtv_web", new_id())
    assert unknown.content == home.stop("mtb_other", begun["session_id"]).content, "who has spent all learns nothing more"
    # Another screen of the home has its own budget, one's own film costs none, and ten minutes later it may again.
    assert home.stop(other, begun["session_id"]).status_code == 204
    for _ in range(9):
        begun = home.play("mtv_web")
        assert home.stop("mtv_web", begun["session_id"]).status_code == 204
    begun = home.play(tv)
    home.wait(10 * MINUTE)
    assert home.stop("mtv_web", begun["session_id"]).status_code == 204


def test_a_play_that_fails_to_begin_leaves_no_place_taken(stage: Stage, home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published store is away in the moment when a dead screen's token must be refused: the home is not locked out by it."""
    tv, other, third = home.boxes(3)
    home.play(tv)
    home.wait(LAPSES)
    with monkeypatch.context() as away:
        away.setattr(ControlWriter, "revoke", _fails)
        assert home.ask(other).status_code == 503
    home.play(third)


def _fails(*_: object) -> None:
    raise TooBusy("The store is away.")


def test_a_report_that_waits_for_its_place_while_the_play_ends_takes_none(
    stage: Stage, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    tv, other = home.boxes(2)
    begun = home.play(tv)
    home.wait(LAPSES)
    take = Leases.take

    def ends_meanwhile(self: Leases, *asked: Any) -> Any:
        monkeypatch.setattr(Leases, "take", take)
        session = stage.book.held_session(begun["session_id"])
        assert session is not None
        stage.book.put_session(msgspec.structs.replace(session, ended_at=stage.now))
        self.release(session.id)
        return take(self, *asked)

    monkeypatch.setattr(Leases, "take", ends_meanwhile)
    report = {"sequence": 1, "position_ms": 90_000, "state": "playing"}
    refused = home._post(tv, f"/api/v1/playback/{begun['session_id']}/heartbeat", report)
    assert (refused.status_code, refused.json()["code"]) == (410, "session_ended")
    assert stage.book.recent(stage.adult, 10) == [], "what has ended moves no place"
    home.play(other)
