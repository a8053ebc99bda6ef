"""Events brought to callbacks: the hub's routes, a postman, and listeners that check what they are sent and answer badly."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from matinee.base.clock import DAY, HOUR, MINUTE, SECOND, Instant, to_rfc3339
from matinee.base.ids import is_id, new_id
from matinee.base.pagination import encode_cursor
from matinee.base.party import operator_side
from matinee.carriage.model import AgreementStatus, LaunchState
from matinee.outside.calling import CallLimits
from matinee.outside.database import Database
from matinee.parties import audit, hook_store
from matinee.parties import hook_queue as queue
from matinee.parties.hook_work import OF_ONE_SIDE
from tests.app.hubs import OK, Heard, Hub, answering, hub, launch_states, listening, on_sqlite
from tests.app.installations import Running

SILENT, OPEN, PAUSED, KILLED = LaunchState.SILENT, LaunchState.OPEN, LaunchState.PAUSED, LaunchState.KILLED
LAUNCHES = "eventType=LaunchStateChangeEvent"


@pytest.fixture
def there(any_database: Database) -> Iterator[Hub]:
    """A hub where the studio's service is agreed on at A."""
    with hub(any_database) as made:
        made.agree(made.a)
        yield made


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Hub]:
    """The same on SQLite alone, for what does not hang on the database."""
    with on_sqlite(tmp_path) as database, hub(database) as made:
        made.agree(made.a)
        yield made


def test_an_event_comes_signed_in_tm_forums_envelope(there: Hub) -> None:
    with listening() as listener:
        made = there.register("studio", listener.url)
        there.launch(there.a, SILENT, share=500, announced_for="2014-11")
        there.wait(SECOND)
    (heard,) = listener.heard
    assert heard.is_signed_by(made["secret"])
    assert not heard.is_signed_by("whsec_" + "A" * 44)
    assert int(heard.headers["webhook-timestamp"]) == there.now // 1000
    assert heard.headers["content-type"] == "application/json"
    event = heard.event
    assert event["eventId"] == heard.id
    assert is_id(heard.id)
    assert is_id(event["correlationId"])
    assert event | {"eventId": "", "correlationId": ""} == {
        "eventId": "",
        "eventTime": "2014-10-02T10:00:01.000Z",
        "eventType": "LaunchStateChangeEvent",
        "correlationId": "",
        "domain": "Carriage",
        "title": "Launch state change",
        "description": "The launch is silent, for 5 % of the boxes.",
        "priority": "Normal",
        "timeOccurred": "2014-10-02T10:00:00.000Z",
        "event": {
            "launch": {
                "@type": "Launch",
                "id": event["event"]["launch"]["id"],
                "status": "active",
                "state": "silent",
                "service": {"id": there.service, "name": "Cinéma", "@type": "Service"},
                "operator": {"id": there.a, "name": "A", "@type": "Operator"},
                "percent": 5.0,
                "discoverability": "row",
                "technicalAt": "2014-10-02T10:00:00.000Z",
                "announcedFor": "2014-11",
                "embargoUntil": None,
                "validFor": {"startDateTime": "2014-10-02T10:00:00.000Z", "endDateTime": None},
            }
        },
        "@type": "LaunchStateChangeEvent",
        "@baseType": "Event",
    }


def test_events_come_in_the_order_of_commits_each_once(there: Hub) -> None:
    with listening() as listener:
        there.register("studio", listener.url)
        there.states(*[SILENT, OPEN, PAUSED, KILLED] * 30)
        there.round()
        there.round()  # 50 at one go; the next round goes on
        there.round()
    assert launch_states(listener.heard) == ["silent", "open", "paused", "killed"] * 30
    assert len({one.id for one in listener.heard}) == 120


def test_what_was_committed_before_a_registration_is_not_told(there: Hub) -> None:
    with listening() as listener:
        there.states(SILENT)
        there.register("studio", listener.url)
        there.states(OPEN)
        there.round()
        with listening() as second:
            there.register("studio", second.url)
            there.states(PAUSED)
            there.round()
    assert launch_states(listener.heard) == ["open", "paused"]
    assert launch_states(second.heard) == ["paused"]
    assert listener.heard[1].id == second.heard[0].id, "one side, one event, one id: a receiver behind both drops the double"


def test_a_query_picks_events(quick: Hub) -> None:
    with listening() as listener:
        made = quick.register("studio", listener.url, "eventType=AgreementStateChangeEvent, TitleCreateEvent")
        assert made["query"] == "eventType=AgreementStateChangeEvent,TitleCreateEvent"
        quick.states(SILENT)
        quick.agree(quick.a, AgreementStatus.SUSPENDED)
        quick.round()
    assert listener.types == ["AgreementStateChangeEvent"]


def test_a_failed_event_is_tried_again_by_the_schedule_and_is_the_same(there: Hub) -> None:
    with listening(answering(503)) as listener:
        made = there.register("studio", listener.url)
        there.states(SILENT)
        there.round()
        counts = []
        for wait in (9 * SECOND, SECOND, 59 * SECOND, SECOND, 5 * MINUTE, 30 * MINUTE):
            there.wait(wait)
            counts.append(len(listener.heard))
        assert counts == [1, 2, 2, 3, 4, 5]
        listener.speak = OK
        there.wait(2 * HOUR)
        there.wait(DAY)
    assert len(listener.heard) == 6
    assert len({(one.id, one.body) for one in listener.heard}) == 1
    assert all(one.is_signed_by(made["secret"]) for one in listener.heard)
    assert len({one.headers["webhook-timestamp"] for one in listener.heard}) == 6, "each try is signed with its own time"


def test_those_behind_wait_for_three_tries_and_then_pass(there: Hub) -> None:
    def refuse_the_first(request: Any, heard: Heard) -> None:
        silent = heard.event["event"]["launch"]["state"] == "silent"
        answering(500 if silent else 200)(request, heard)

    with listening(refuse_the_first) as listener:
        there.register("studio", listener.url)
        there.states(SILENT, OPEN, PAUSED)
        there.round()
        there.wait(10 * SECOND)
        assert launch_states(listener.heard) == ["silent", "silent"]
        there.wait(MINUTE)
        there.round()
        assert launch_states(listener.heard) == ["silent", "silent", "silent", "open", "paused"]
        listener.speak = OK
        there.wait(5 * MINUTE)
    assert launch_states(listener.heard)[5:] == ["silent"]


@pytest.mark.parametrize(
    ("shows", "asked", "quiet"),
    [
        ("seconds", "120", 119 * SECOND),
        ("a date", "Thu, 02 Oct 2014 10:02:00 GMT", 119 * SECOND),
        ("less than the schedule has", "1", 9 * SECOND),
        ("days, of which hours are granted", "864000", 4 * HOUR - SECOND),
        ("nonsense", "soon", 9 * SECOND),
    ],
)
def test_a_receiver_may_ask_for_time(quick: Hub, shows: str, asked: str, quiet: int) -> None:
    with listening(answering(429, Retry_After=asked)) as listener:
        quick.register("studio", listener.url)
        quick.states(SILENT)
        quick.round()
        listener.speak = OK
        quick.wait(quiet)
        assert len(listener.heard) == 1, shows
        quick.wait(SECOND)
        assert len(listener.heard) == 2, shows


def test_a_receiver_that_is_gone_is_called_no_more(there: Hub) -> None:
    with listening(answering(410)) as listener:
        made = there.register("studio", listener.url)
        there.states(SILENT, OPEN)
        there.round()
        there.states(PAUSED)
        there.wait(DAY)
    assert len(listener.heard) == 1
    told = there.ask("studio", "GET", f"/api/v1/hub/{made['id']}").json()
    assert (told["waiting"], told["dead"]) == (0, 2)
    assert "410" in told["ended_why"]
    assert told["ended_at"] is not None
    (dead, _) = there.ask("studio", "GET", f"/api/v1/hub/{made['id']}/dead").json()["items"]
    for path in (f"dead/{dead['id']}/retry", "test"):
        assert there.ask("studio", "POST", f"/api/v1/hub/{made['id']}/{path}").status_code == 409


def test_a_redirect_is_not_followed(quick: Hub) -> None:
    with listening() as elsewhere, listening(answering(307, Location=elsewhere.url)) as listener:
        quick.register("studio", listener.url)
        quick.states(SILENT)
        quick.round()
        quick.wait(10 * SECOND)
    assert (len(listener.heard), elsewhere.heard) == (2, [])


def test_a_slow_receiver_holds_up_nobody(tmp_path: Path) -> None:
    release, got, held = threading.Event(), threading.Event(), threading.Semaphore(0)

    def drip(request: Any, heard: Heard) -> None:
        held.release()
        request.send_response(200)
        request.end_headers()
        while not release.wait(0.02):
            request.wfile.write(b".")
            request.wfile.flush()

    def take(request: Any, heard: Heard) -> None:
        OK(request, heard)
        if len(quick.heard) == 3:
            got.set()

    with on_sqlite(tmp_path) as database, hub(database) as there, contextlib.ExitStack() as stack, listening(take) as quick:
        slow = [stack.enter_context(listening(drip)) for _ in range(3)]
        there.agree(there.a)
        for one in slow:
            there.register("studio", one.url)
        there.register("studio", quick.url)
        there.states(SILENT, OPEN, PAUSED)
        there.postman.step()  # nobody waits for it to end
        assert all(held.acquire(timeout=30) for _ in slow)
        assert got.wait(30), "the slow ones held it up"
        assert [len(one.heard) for one in slow] == [1, 1, 1]
        there.postman.step()
        assert [len(one.heard) for one in slow] == [1, 1, 1], "one call at a time for each"
        release.set()


def test_a_side_cannot_fill_the_postmans_hands(tmp_path: Path) -> None:
    """Ten callbacks that hold on for as long as they can, and another side that is brought its events meanwhile."""
    release, got, held = threading.Event(), threading.Event(), threading.Semaphore(0)

    def hold(request: Any, heard: Heard) -> None:
        held.release()
        release.wait(30)
        answering(500)(request, heard)

    def take(request: Any, heard: Heard) -> None:
        OK(request, heard)
        got.set()

    with on_sqlite(tmp_path) as database, hub(database) as there, listening(hold) as holding, listening(take) as quick:
        there.agree(there.a)
        for number in range(10):
            there.register("studio", f"{holding.url}/{number}")
        there.states(SILENT)
        there.postman.step()
        assert all(held.acquire(timeout=30) for _ in range(OF_ONE_SIDE[False]))
        there.register("a", quick.url)
        there.states(OPEN)
        there.postman.step()
        assert got.wait(30)
        assert len(holding.heard) == OF_ONE_SIDE[False]
        release.set()
        there.postman.settle()
        there.now = Instant(there.now + MINUTE)
        release.clear()
        quick.heard.clear()
        there.states(PAUSED)
        there.postman.step()
        assert all(held.acquire(timeout=30) for _ in range(OF_ONE_SIDE[False] + OF_ONE_SIDE[True]))
        there.postman.step()
        assert len(holding.heard) == 2 * OF_ONE_SIDE[False] + OF_ONE_SIDE[True], "one of those that failed, beside new ones"
        release.set()


def test_an_endless_drip_is_ended_and_counts_as_a_failure(tmp_path: Path) -> None:
    def drip(request: Any, heard: Heard) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(2_000):
            request.wfile.write(b".")
            request.wfile.flush()
            if threading.Event().wait(0.05):
                return

    with (
        on_sqlite(tmp_path) as database,
        hub(database, limits=CallLimits(seconds=0.5, max_bytes=1_000)) as there,
        listening(drip) as listener,
    ):
        there.agree(there.a)
        made = there.register("studio", listener.url)
        there.states(SILENT)
        there.round()
        assert len(listener.heard) == 1
        told = there.ask("studio", "GET", f"/api/v1/hub/{made['id']}").json()
        assert (told["waiting"], told["delivered_at"]) == (1, None)


def test_an_answer_of_ten_megabytes_is_not_read(quick: Hub) -> None:
    with listening(answering(200, b"x" * 10_000_000)) as listener:
        made = quick.register("studio", listener.url)
        quick.states(SILENT)
        quick.run_out()
    (dead,) = quick.ask("studio", "GET", f"/api/v1/hub/{made['id']}/dead").json()["items"]
    assert (dead["tries"], dead["status"], dead["answer"]) == (10, None, "")
    assert "65,536 bytes" in dead["why"]


def test_a_new_secret_signs_beside_the_one_before_for_a_day(quick: Hub) -> None:
    with listening() as listener:
        made = quick.register("studio", listener.url)
        renewed = quick.ask("studio", "POST", f"/api/v1/hub/{made['id']}/secret").json()
        assert renewed["secret"] != made["secret"]
        assert renewed["both_until"] == "2014-10-03T10:00:00.000Z"
        quick.states(SILENT)
        quick.wait(DAY - SECOND)
        quick.states(OPEN)
        quick.wait(SECOND)
    both, after = listener.heard
    assert [both.is_signed_by(one["secret"]) for one in (made, renewed)] == [True, True]
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    assert [after.is_signed_by(one["secret"]) for one in (made, renewed)] == [False, True]


def test_a_secret_is_shown_once_and_kept_sealed(quick: Hub) -> None:
    with listening() as listener:
        made = quick.register("studio", listener.url)
    answers = quick.ask("studio", "GET", "/api/v1/hub").text + quick.ask("studio", "GET", f"/api/v1/hub/{made['id']}").text
    assert "whsec_" not in answers
    with quick.database.read() as conn:
        (row,) = conn.execute(sa.select(hook_store.hooks))
    assert b"whsec" not in row.sealed
    assert len(row.sealed) == 1 + 12 + 32 + 16


def test_a_dead_letter_is_listed_and_comes_back_when_it_is_told_to(there: Hub) -> None:
    said = "Désolé \x1b[31m\u202e<b>no</b>\r\nX: 1" + "é" * 400
    with listening(answering(400, said.encode())) as listener:
        made = there.register("studio", listener.url)
        path = f"/api/v1/hub/{made['id']}"
        there.states(SILENT, OPEN)
        there.run_out()
        assert sorted(launch_states(listener.heard)) == ["open"] * 10 + ["silent"] * 10
        page = there.ask("studio", "GET", f"{path}/dead", params={"limit": 1}).json()
        (open_one,) = page["items"]
        (silent_one,) = there.ask("studio", "GET", f"{path}/dead", params={"cursor": page["next_cursor"]}).json()["items"]
        assert silent_one["event_id"] == listener.heard[0].id
        assert (silent_one["tries"], silent_one["status"], silent_one["why"]) == (10, 400, "It answered 400.")
        assert silent_one["answer"].startswith("Désolé  [31m <b>no</b>  X: 1é")
        assert len(silent_one["answer"]) == 200
        assert there.ask("studio", "GET", path).json()["dead"] == 2
        for who in ("rival", "a", "b"):
            for method, rest in (("GET", "dead"), ("POST", f"dead/{open_one['id']}/retry")):
                assert there.ask(who, method, f"{path}/{rest}").status_code == 404
        assert there.ask("studio", "POST", f"{path}/dead/{new_id()}/retry").status_code == 404
        listener.speak = OK
        assert there.ask("studio", "POST", f"{path}/dead/{open_one['id']}/retry").status_code == 202
        assert there.ask("studio", "POST", f"{path}/dead/{open_one['id']}/retry").status_code == 404, "it is dead no more"
        there.round()
        assert listener.heard[-1].id == open_one["event_id"]
        told = there.ask("studio", "GET", path).json()
        assert (told["waiting"], told["dead"], told["delivered_at"]) == (0, 1, to_rfc3339(there.now))


_SOME_ID = "3m0kj1bkkyk6n95yar0nzpb2ah"


@pytest.mark.parametrize("key", [(2**62, _SOME_ID), (-(2**62), _SOME_ID), (5, "x" * 200)])
def test_a_made_up_cursor_of_dead_letters_finds_none(there: Hub, key: tuple[int, str]) -> None:
    made = there.register("studio", "https://partner.example/")
    answer = there.ask("studio", "GET", f"/api/v1/hub/{made['id']}/dead", params={"cursor": encode_cursor(*key)})
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})


@pytest.mark.parametrize("key", [(2**70, _SOME_ID), (-(2**70), _SOME_ID), (5, "\0"), (5, "\ud800")])
def test_a_cursor_of_dead_letters_that_no_database_takes_is_refused(there: Hub, key: tuple[int, str]) -> None:
    made = there.register("studio", "https://partner.example/")
    answer = there.ask("studio", "GET", f"/api/v1/hub/{made['id']}/dead", params={"cursor": encode_cursor(*key)})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


def test_a_test_event_can_be_asked_for_one_at_a_time(there: Hub) -> None:
    with listening(answering(500)) as listener:
        made = there.register("a", listener.url, LAUNCHES)
        first = there.ask("a", "POST", f"/api/v1/hub/{made['id']}/test")
        assert first.status_code == 202
        assert there.ask("a", "POST", f"/api/v1/hub/{made['id']}/test").json()["code"] == "conflict"
        there.round()
        listener.speak = OK
        there.wait(10 * SECOND)
    assert [one.id for one in listener.heard] == [first.json()["event_id"]] * 2
    assert listener.types == ["HubTestEvent"] * 2
    assert listener.heard[1].event["event"]["hub"]["callback"] == listener.url
    assert there.ask("a", "POST", f"/api/v1/hub/{made['id']}/test").json()["code"] == "conflict", "once a minute at most"
    there.wait(MINUTE)
    assert there.ask("a", "POST", f"/api/v1/hub/{made['id']}/test").status_code == 202


REFUSED = [
    ("no https", "http://partner.example/events", "", "https"),
    ("another scheme", "ftp://partner.example/", "", "http or https"),
    ("no address", "events", "", "http or https"),
    ("a password", "https://u:p@partner.example/", "", "password"),
    ("a fragment", "https://partner.example/#a", "", "fragment"),
    ("a blank", "https://partner.example/a b", "", "signs"),
    ("a NUL", "https://partner.example/\x00", "", "signs"),
    ("too long", "https://partner.example/" + "a" * 500, "", "500"),
    ("another field", "https://partner.example/", "domain=Carriage", "eventType"),
    ("no such event", "https://partner.example/", "eventType=LaunchStateChangeEvent,Launch", "eventType"),
    ("an expression", "https://partner.example/", "eventType=LaunchStateChangeEvent&state=open", "eventType"),
]


@pytest.mark.parametrize(("shows", "callback", "query", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_registration_that_makes_no_sense_is_refused(quick: Hub, shows: str, callback: str, query: str, says: str) -> None:
    answer = quick.ask("studio", "POST", "/api/v1/hub", json={"callback": callback, "query": query})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), shows
    assert says in answer.json()["detail"]
    assert answer.json()["remedy"]
    assert quick.ask("studio", "GET", "/api/v1/hub").json() == {"items": []}


@pytest.mark.parametrize(
    "callback", ["http://127.0.0.1/", "https://127.0.0.1/", "https://10.0.0.1/", "https://localhost/", "https://[::1]/",
                 "https://crm.internal/", "https://[::ffff:169.254.169.254]/"]
)  # fmt: skip
def test_private_addresses_are_refused_by_default(tmp_path: Path, callback: str) -> None:
    with on_sqlite(tmp_path) as database, hub(database, allow_private=False) as there:
        answer = there.ask("studio", "POST", "/api/v1/hub", json={"callback": callback})
        assert answer.status_code == 400
        assert "call_private_addresses" in answer.json()["remedy"]


def test_a_name_that_leads_inside_is_not_called_by_default(tmp_path: Path) -> None:
    with on_sqlite(tmp_path) as database, hub(database, allow_private=False) as there, listening() as listener:
        there.agree(there.a)
        made = there.register("studio", listener.url.replace("http://127.0.0.1", "https://127.1"))
        there.states(SILENT)
        there.round()
        assert listener.heard == []
        told = there.ask("studio", "GET", f"/api/v1/hub/{made['id']}").json()
        assert told["waiting"] == 1
        with there.database.read() as conn:
            assert "no public address" in conn.execute(sa.select(hook_store.deliveries.c.why)).scalar_one()


def test_a_side_has_sixteen_callbacks_at_most(there: Hub) -> None:
    made = [there.register("studio", f"https://partner.example/{number}") for number in range(16)]
    one_more = {"callback": "https://partner.example/16"}
    assert there.ask("studio", "POST", "/api/v1/hub", json=one_more).json()["code"] == "conflict"
    assert there.ask("rival", "POST", "/api/v1/hub", json=one_more).status_code == 201
    assert there.ask("studio", "DELETE", f"/api/v1/hub/{made[3]['id']}").status_code == 204
    assert there.ask("studio", "POST", "/api/v1/hub", json=one_more).status_code == 201
    found = there.ask("studio", "GET", "/api/v1/hub").json()["items"]
    assert len(found) == 16
    assert made[3]["id"] not in {one["id"] for one in found}


def test_the_audit_keeps_who_registered_what_without_what_an_address_holds(there: Hub) -> None:
    made = there.register("studio", "https://partner.example/secret-in-the-path?token=1", LAUNCHES)
    there.ask("studio", "POST", f"/api/v1/hub/{made['id']}/secret")
    there.ask("studio", "DELETE", f"/api/v1/hub/{made['id']}")
    with there.database.read() as conn:
        newest, _ = audit.newest(conn)
        rows = [audit.row_at(conn, seq) or "" for seq in range(newest - 2, newest + 1)]
        assert audit.first_broken(conn) is None
    assert [
        f"publisher:{there.studio} hub.{act} {made['id']}" in row
        for act, row in zip(("register", "secret", "delete"), rows, strict=True)
    ] == [True] * 3
    assert "partner.example" in rows[0]
    assert not any("secret-in" in row or "token" in row for row in rows)


def test_the_audit_names_the_person_who_was_signed_in(there: Hub) -> None:
    there.parties["b"] = dataclasses.replace(there.parties["b"], name="maria.lopez")
    path = f"/api/v1/hub/{there.register('b', 'https://partner.example/')['id']}"
    there.ask("b", "POST", f"{path}/secret")
    there.ask("b", "DELETE", path)
    with there.database.read() as conn:
        rows = audit.page_of(conn, operator_side(there.b), None, 10)
    assert [(row.actor, row.action) for row in rows] == [
        ("maria.lopez", "hub.delete"),
        ("maria.lopez", "hub.secret"),
        ("maria.lopez", "hub.register"),
    ]


def test_a_callback_that_was_deleted_is_called_no_more(there: Hub) -> None:
    with listening(answering(500)) as listener:
        made = there.register("studio", listener.url)
        there.states(SILENT)
        there.round()
        assert there.ask("studio", "DELETE", f"/api/v1/hub/{made['id']}").status_code == 204
        there.wait(DAY)
        there.states(OPEN)
        there.round()
    assert len(listener.heard) == 1


def test_another_sides_callback_reads_as_none(there: Hub) -> None:
    made = there.register("studio", "https://partner.example/")
    asked = [("GET", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", "/test"), ("GET", "/dead")]
    for who in ("rival", "a", "b"):
        assert there.ask(who, "GET", "/api/v1/hub").json() == {"items": []}
        for method, rest in asked:
            answers = [there.ask(who, method, f"/api/v1/hub/{one}{rest}") for one in (made["id"], new_id(), "%00", "x" * 500)]
            assert {one.status_code for one in answers} == {404}, (who, method, rest)
            assert len({one.content for one in answers}) == 1
    assert there.ask("studio", "GET", f"/api/v1/hub/{made['id']}").status_code == 200


def test_who_is_of_no_side_has_no_hub(quick: Hub) -> None:
    assert quick.ask("nobody", "GET", "/api/v1/hub").json()["code"] == "not_allowed"
    assert quick.ask("box", "GET", "/api/v1/hub").json()["code"] == "not_allowed"
    assert quick.ask("auditor", "GET", "/api/v1/hub").json()["code"] == "not_allowed"
    assert quick.ask("", "GET", "/api/v1/hub").json()["code"] == "not_signed_in"


def test_much_that_happened_at_once_is_handed_on_in_several_transactions(quick: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else may write to SQLite while one of them runs."""
    monkeypatch.setattr("matinee.parties.hook_work.DELIVERIES_AT_A_TIME", 2)
    moved: list[int] = []
    move = queue.move_cursor
    monkeypatch.setattr(queue, "move_cursor", lambda conn, seq: (moved.append(seq), move(conn, seq)))
    with listening() as listener:
        quick.register("studio", listener.url)
        quick.states(SILENT, OPEN, PAUSED, OPEN, KILLED)
        quick.round()
        assert launch_states(listener.heard) == ["silent", "open", "paused", "open", "killed"]
    assert len(moved) == 3
    assert moved == sorted(set(moved))


def test_what_was_delivered_is_forgotten_after_a_week_and_what_is_dead_after_a_month(there: Hub) -> None:
    def count() -> int:
        with there.database.read() as conn:
            return conn.execute(sa.select(sa.func.count()).select_from(hook_store.deliveries)).scalar_one()

    with listening() as listener:
        made = there.register("studio", listener.url)
        there.states(SILENT)
        there.round()
        listener.speak = answering(500)
        there.states(OPEN)
        there.run_out()
        assert count() == 2
        there.wait(7 * DAY)
        assert count() == 1, "what was delivered is forgotten"
        assert there.ask("studio", "GET", f"/api/v1/hub/{made['id']}").json()["dead"] == 1
        there.wait(30 * DAY)
        assert count() == 0


def test_real_keys_and_signed_in_people_of_one_side_share_its_hub(app_running: Running) -> None:
    asked = {"callback": "https://partner.example/events", "query": LAUNCHES}
    made = app_running.ask("operator_key", "POST", "/api/v1/hub", json=asked)
    assert made.status_code == 201
    path = made.headers["location"]
    assert path == f"/api/v1/hub/{made.json()['id']}"
    assert app_running.ask("operator_staff", "GET", path).json()["query"] == LAUNCHES
    for who in ("api_key", "rival", "publisher_staff"):
        assert app_running.ask(who, "GET", path).status_code == 404
    for who in ("auditor_key", "auditor_staff", "box", "viewer"):
        assert app_running.ask(who, "GET", path).status_code == 403
    assert app_running.ask("operator_staff", "DELETE", path).status_code == 204
    assert app_running.ask("operator_key", "GET", path).status_code == 404
