"""Playback through its URLs, in the real web app: (what it shows, request, expectation)."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from matinee.base.clock import HOUR, Instant, from_rfc3339
from matinee.base.ids import SessionId, new_id
from matinee.delivery.control import read_control
from matinee.outside.database import Database
from matinee.playback.model import Preferences
from matinee.playback.store import session_of
from tests.playback.desks import EN, FR, Stage

KID, KEY = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"


@pytest.fixture
def stage(any_database: Database, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path, any_database)
    yield made
    made.book.close()


@pytest.fixture
def client(stage: Stage) -> Iterator[TestClient[Any]]:
    with TestClient(stage.app()) as made:
        yield made


def call(client: TestClient[Any], path: str, body: Any, token: str = "mtb_box") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    return client.post(path, content=content, headers=headers)


def play(
    client: TestClient[Any], stage: Stage, title: str | None = None, profile: str | None = None, token: str = "mtb_box"
) -> Any:
    answer = call(client, "/api/v1/playback", {"title_id": title or stage.film, "profile_id": profile or stage.adult}, token)
    assert answer.status_code == 200, answer.text
    return answer.json()


def beat(
    client: TestClient[Any], session: str, sequence: int, position: int, state: str = "playing", token: str = "mtb_box"
) -> Any:
    said = {"sequence": sequence, "position_ms": position, "state": state}
    return call(client, f"/api/v1/playback/{session}/heartbeat", said, token)


def test_one_round_trip_tells_all_that_a_player_needs(client: TestClient[Any], stage: Stage) -> None:
    stage.wishes[stage.adult] = Preferences(audio_language=EN, subtitle_language=FR)
    told = play(client, stage)
    package = stage.showings[stage.film].package
    base, slash, rest = told["manifests"]["hls"].rpartition(f"/p/{package}/master.m3u8")
    token = base.removeprefix("http://edge.test/s/")
    assert (slash, rest) == (f"/p/{package}/master.m3u8", "")
    grant = stage.verifier.verify(token, stage.now)
    assert (grant.session, grant.profile, grant.package) == (told["session_id"], stage.adult, package)
    assert (grant.box, grant.operator) == (stage.box.box, stage.operator)
    session = told["session_id"]
    assert told == {
        "session_id": session,
        "title": {"id": stage.film, "name": "Le phare"},
        "manifests": {
            "hls": f"http://edge.test/s/{token}/p/{package}/master.m3u8",
            "dash": f"http://edge.test/s/{token}/p/{package}/manifest.mpd",
        },
        "licence": {
            "system": "org.w3.clearkey",
            "url": f"http://web.test/licence/clearkey/{token}",
            "keys": {KID: KEY},
        },
        "resume_ms": 0,
        "duration_ms": 600_000,
        "audio_language": "en",
        "subtitle_language": "fr",
        "thumbnails": {
            "url_template": f"http://edge.test/s/{token}/p/{package}/thumbs/{{n}}.jpg",
            "columns": 5,
            "rows": 5,
            "tile_width": 320,
            "tile_height": 180,
            "interval_ms": 10_000,
            "count": 60,
        },
        "av1": None,
        "quality": {"max_height": None},
        "markers": [{"kind": "intro", "start_ms": 1000, "end_ms": 4000}],
        "next": None,
        "heartbeat": {"url": f"http://web.test/api/v1/playback/{session}/heartbeat", "every_ms": 10_000},
        "events": {"url": f"http://web.test/cmcd/{token}"},
        "token_expires_at": told["token_expires_at"],
    }
    assert from_rfc3339(told["token_expires_at"]) == grant.expires_at == stage.now + 4 * HOUR
    assert play(client, stage, stage.first)["next"] == {"id": stage.second, "name": "Le phare"}


def test_an_answer_is_never_stored(client: TestClient[Any], stage: Stage) -> None:
    answer = call(client, "/api/v1/playback", {"title_id": stage.film, "profile_id": stage.adult})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("what", "title", "profile", "token", "status", "code"),
    [
        ("nobody", "film", "adult", "", 401, "not_signed_in"),
        ("a made-up token", "film", "adult", "mtb_guess", 401, "not_signed_in"),
        ("no such title", "0" * 26, "adult", "mtb_box", 404, "not_found"),
        ("a title above the child's age", "grown_up", "child", "mtb_box", 404, "not_found"),
        ("a series", "series", "adult", "mtb_box", 409, "title_not_playable"),
        ("another household's profile", "film", "stranger", "mtb_box", 404, "not_found"),
        ("no such profile", "film", "nobody", "mtb_box", 404, "not_found"),
        ("a title of no shape", "x" * 65, "adult", "mtb_box", 400, "invalid_request"),
        ("a title that is a path", "../../etc/passwd", "adult", "mtb_box", 404, "not_found"),
    ],
)
def test_plays_that_do_not_begin(
    client: TestClient[Any], stage: Stage, what: str, title: str, profile: str, token: str, status: int, code: str
) -> None:
    said = {"title_id": getattr(stage, title, title), "profile_id": getattr(stage, profile, profile)}
    answer = call(client, "/api/v1/playback", said, token)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert stage.book.flush() == 0


def test_a_title_too_old_for_a_child_answers_as_one_that_is_not_there(client: TestClient[Any], stage: Stage) -> None:
    answers = [
        call(client, "/api/v1/playback", {"title_id": title, "profile_id": stage.child}).content
        for title in (stage.grown_up, new_id())
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"title_id": 1, "profile_id": "a"}', 400),
        (b'{"title_id": "a"}', 400),
        (b'{"title_id": "a", "profile_id": "a", "household_id": "b"}', 400),
        (b'{"title_id": "\xff\xfe", "profile_id": "a"}', 400),
        (b"[" * 15_000, 400),
        (b'{"title_id": "' + b"a" * 17_000 + b'"}', 413),
    ],
)
def test_bodies_of_the_wrong_shape(client: TestClient[Any], body: bytes, status: int) -> None:
    answer = call(client, "/api/v1/playback", body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_web_goes_on_where_the_box_was(client: TestClient[Any], stage: Stage) -> None:
    box = play(client, stage)
    stage.now = Instant(stage.now + 10_000)
    heard = beat(client, box["session_id"], 0, 123_456).json()
    assert (heard["position_ms"], heard["stop"]) == (123_456, None)
    web = play(client, stage, token="mtv_web")
    assert web["resume_ms"] == 123_456
    # The box, left paused, reports on; the web has moved on; the box's place does not come back.
    beat(client, web["session_id"], 0, 200_000, token="mtv_web")
    assert beat(client, box["session_id"], 1, 123_456, "paused").json()["position_ms"] == 200_000
    assert beat(client, box["session_id"], 2, 123_456, "playing").json()["position_ms"] == 200_000
    assert play(client, stage)["resume_ms"] == 200_000
    # Another profile of the same home is at its own start.
    assert play(client, stage, profile=stage.child)["resume_ms"] == 0


def test_a_restart_forgets_nothing_that_was_heard(stage: Stage, tmp_path: Path) -> None:
    with TestClient(stage.app()) as client:
        begun = play(client, stage)
        beat(client, begun["session_id"], 0, 61_000)
    stage.book.close()
    stage.book.flush()
    again = Stage(tmp_path, stage.database)
    for name in ("home", "profiles", "adult", "box", "web", "tokens", "showings", "ages", "keys", "film"):
        setattr(again, name, getattr(stage, name))
    with TestClient(again.app()) as client:
        assert play(client, again)["resume_ms"] == 61_000
        heard = beat(client, begun["session_id"], 1, 71_000)
        assert heard.status_code == 200
        assert again.verifier.verify(heard.json()["token"], again.now).session == begun["session_id"]
        assert beat(client, begun["session_id"], 1, 5_000).json()["position_ms"] == 71_000


def test_what_is_finished_leaves_and_the_next_episode_moves_in(client: TestClient[Any], stage: Stage) -> None:
    first = play(client, stage, stage.first)
    beat(client, first["session_id"], 0, 60_000)
    assert [row.title for row in stage.book.recent(stage.adult, 10)] == [stage.first]
    beat(client, first["session_id"], 1, 119_000)
    rows = stage.book.recent(stage.adult, 10)
    assert [(row.title, row.position_ms, row.duration_ms) for row in rows] == [(stage.second, 0, 120_000)]
    assert stage.book.among(stage.adult, [stage.first, stage.second]).keys() == {stage.second}
    assert play(client, stage, stage.first)["resume_ms"] == 0
    film = play(client, stage)
    beat(client, film["session_id"], 0, 541_000)  # in the credits, long before 95 %
    assert [row.title for row in stage.book.recent(stage.adult, 10)] == [stage.second]


def test_a_session_is_its_household_s_alone(client: TestClient[Any], stage: Stage) -> None:
    begun = play(client, stage)
    for path, said in (
        ("heartbeat", {"sequence": 0, "position_ms": 1_000, "state": "playing"}),
        ("end", {"sequence": 0, "position_ms": 1_000}),
    ):
        foreign = call(client, f"/api/v1/playback/{begun['session_id']}/{path}", said, "mtb_other")
        absent = call(client, f"/api/v1/playback/{new_id()}/{path}", said, "mtb_other")
        shapeless = call(client, f"/api/v1/playback/nonsense/{path}", said, "mtb_other")
        assert foreign.status_code == 404
        assert foreign.content == absent.content == shapeless.content
    assert stage.book.recent(stage.adult, 10) == []


@pytest.mark.parametrize(("plays", "asks"), [("mtb_box", "mtv_web"), ("mtv_web", "mtv_tablet"), ("mtv_web", "mtb_box")])
def test_a_play_is_that_screen_s_alone_which_began_it(client: TestClient[Any], stage: Stage, plays: str, asks: str) -> None:
    """A child's screen is in the same home: by the id of a grown-up's play it must come to no token of it."""
    stage.tokens["mtv_again"] = stage.tokens[plays]  # a screen's token is renewed, and it stays that screen
    begun = play(client, stage, stage.grown_up, token=plays)
    assert beat(client, begun["session_id"], 0, 1_000, token=plays).json()["token"] in begun["manifests"]["dash"]

    def told(session: str) -> list[bytes]:
        report = {"sequence": 1, "position_ms": 30_000}
        answers = [
            call(client, f"/api/v1/playback/{session}/heartbeat", {**report, "state": "playing"}, asks),
            call(client, f"/api/v1/playback/{session}/end", report, asks),
        ]
        assert [one.status_code for one in answers] == [404, 404]
        return [one.content for one in answers]

    assert told(begun["session_id"]) == told(new_id())
    stage.book.flush()
    stage.book._sessions.clear()  # as another process, or after a restart: the column says it
    assert told(begun["session_id"]) == told(new_id())
    assert [one.position_ms for one in stage.book.recent(stage.adult, 10)] == [1_000]
    heard = beat(client, begun["session_id"], 1, 2_000, token="mtv_again").json()
    assert (heard["stop"], heard["position_ms"]) == (None, 2_000)


def test_a_profile_made_younger_gets_no_other_token_for_what_it_plays(client: TestClient[Any], stage: Stage) -> None:
    begun = play(client, stage, stage.grown_up)
    stage.profiles[stage.adult] = (stage.home, 16)
    heard = beat(client, begun["session_id"], 0, 1_000).json()
    assert heard["stop"] == "rights"
    assert [entry.session for entry in read_control(stage.store, stage.ring).revoked] == [begun["session_id"]]


@pytest.mark.parametrize(
    "said",
    [
        {"sequence": -1, "position_ms": 0, "state": "playing"},
        {"sequence": 2**31, "position_ms": 0, "state": "playing"},
        {"sequence": 10**30, "position_ms": 0, "state": "playing"},
        {"sequence": 0, "position_ms": -1, "state": "playing"},
        {"sequence": 0, "position_ms": 10**12, "state": "playing"},
        {"sequence": 0, "position_ms": 1.5, "state": "playing"},
        {"sequence": 0, "position_ms": 0, "state": "rewinding"},
        {"sequence": 0, "position_ms": 0},
        {"sequence": "0", "position_ms": 0, "state": "playing"},
        {"sequence": 0, "position_ms": 0, "state": "playing", "profile_id": "other"},
    ],
)
def test_reports_of_the_wrong_shape(client: TestClient[Any], stage: Stage, said: dict[str, Any]) -> None:
    begun = play(client, stage)
    answer = call(client, f"/api/v1/playback/{begun['session_id']}/heartbeat", said)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert stage.book.recent(stage.adult, 10) == []


def test_a_place_beyond_the_film_is_its_end(client: TestClient[Any], stage: Stage) -> None:
    begun = play(client, stage)
    assert beat(client, begun["session_id"], 0, 9_000_000).json()["position_ms"] == 600_000


def test_a_token_is_renewed_in_the_second_half_of_its_life(client: TestClient[Any], stage: Stage) -> None:
    begun = play(client, stage)
    stage.now = Instant(stage.now + 2 * HOUR - 1)
    early = beat(client, begun["session_id"], 0, 1_000).json()
    assert early["manifests"] == begun["manifests"]
    stage.now = Instant(stage.now + 1)
    late = beat(client, begun["session_id"], 1, 2_000).json()
    assert late["manifests"] != begun["manifests"]
    assert late["token"] in late["manifests"]["dash"]
    assert from_rfc3339(late["token_expires_at"]) == stage.now + 4 * HOUR
    assert stage.verifier.verify(late["token"], stage.now).session == begun["session_id"]
    assert beat(client, begun["session_id"], 2, 3_000).json()["token"] == late["token"]


def test_the_end(client: TestClient[Any], stage: Stage) -> None:
    begun = play(client, stage)
    path = f"/api/v1/playback/{begun['session_id']}/end"
    for _ in range(2):
        answer = call(client, path, {"sequence": 3, "position_ms": 44_000})
        assert (answer.status_code, answer.content) == (204, b"")
    assert beat(client, begun["session_id"], 4, 50_000).json()["code"] == "session_ended"
    assert play(client, stage)["resume_ms"] == 44_000
    stage.book.flush()
    with stage.database.read() as connection:
        written = session_of(connection, begun["session_id"])
    assert written is not None
    assert written.ended_at == stage.now


def test_the_row_follows_the_answer_by_a_second_at_most(stage: Stage) -> None:
    import time

    stage.book.start()
    with TestClient(stage.app()) as client:
        begun = play(client, stage)
        deadline = time.monotonic() + 1
        found = None
        while found is None and time.monotonic() < deadline:
            with stage.database.read() as connection:
                found = session_of(connection, begun["session_id"])
            time.sleep(0.02)
    assert found is not None
    assert (found.household, found.box, found.title) == (stage.home, stage.box.box, stage.film)


def test_a_stopped_play_is_told_why_and_gets_no_more(client: TestClient[Any], stage: Stage) -> None:
    begun = play(client, stage)
    stage.desk.stop(SessionId(begun["session_id"]), "another_screen")
    heard = beat(client, begun["session_id"], 0, 1_000).json()
    assert heard["stop"] == "another_screen"
    assert heard["token"] in begun["manifests"]["hls"]  # not a new one
    told = read_control(stage.store, stage.ring)
    assert [entry.session for entry in told.revoked] == [begun["session_id"]]
    assert from_rfc3339(begun["token_expires_at"]) == told.revoked[0].until
    kid = base64.urlsafe_b64encode(bytes.fromhex(KID)).rstrip(b"=").decode()
    refused = call(client, begun["licence"]["url"].removeprefix("http://web.test"), {"kids": [kid]}, "")
    assert (refused.status_code, refused.json()["code"]) == (410, "session_ended")


def test_a_title_that_left_plays_on_no_longer_than_a_heartbeat(client: TestClient[Any], stage: Stage) -> None:
    begun = play(client, stage)
    del stage.showings[stage.film]
    heard = beat(client, begun["session_id"], 0, 1_000).json()
    assert heard["stop"] == "rights"
    assert [entry.session for entry in read_control(stage.store, stage.ring).revoked] == [begun["session_id"]]


def b64(hexadecimal: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(hexadecimal)).rstrip(b"=").decode()


def test_the_licence_in_the_w3c_form(client: TestClient[Any], stage: Stage) -> None:
    path = play(client, stage)["licence"]["url"].removeprefix("http://web.test")
    answer = call(client, path, {"kids": [b64(KID)], "type": "temporary"}, token="")
    assert answer.status_code == 200
    assert answer.json() == {"keys": [{"kty": "oct", "kid": b64(KID), "k": b64(KEY)}], "type": "temporary"}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("kids", "status", "code"),
    [
        (["0" * 22], 403, "not_allowed"),
        ([b64(KID), b64("11" * 16)], 403, "not_allowed"),
        ([], 400, "invalid_request"),
        (["short"], 400, "invalid_request"),
        ([b64(KID) + "=="], 400, "invalid_request"),
        ([b64(KID)] * 33, 400, "invalid_request"),
        ([1], 400, "invalid_request"),
        ("AAAA", 400, "invalid_request"),
    ],
)
def test_licences_that_are_refused(client: TestClient[Any], stage: Stage, kids: Any, status: int, code: str) -> None:
    path = play(client, stage)["licence"]["url"].removeprefix("http://web.test")
    answer = call(client, path, {"kids": kids}, token="")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert KEY not in answer.text


def test_a_licence_needs_a_token_that_holds(client: TestClient[Any], stage: Stage) -> None:
    path = play(client, stage)["licence"]["url"].removeprefix("http://web.test")
    for token, code in ((path[:-4] + "AAAA", "token_invalid"), ("/licence/clearkey/x", "token_invalid")):
        answer = call(client, token, {"kids": [b64(KID)]}, token="")
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    stage.now = Instant(stage.now + 4 * HOUR)
    answer = call(client, path, {"kids": [b64(KID)]}, token="")
    assert (answer.status_code, answer.json()["code"]) == (403, "token_expired")


def test_another_film_s_keys_are_out_of_reach(client: TestClient[Any], stage: Stage) -> None:
    package = stage.showings[stage.first].package
    assert package is not None
    other = "aa" * 16
    stage.keys[package] = {other: "bb" * 16}
    path = play(client, stage)["licence"]["url"].removeprefix("http://web.test")
    assert call(client, path, {"kids": [b64(other)]}, token="").status_code == 403


def test_keys_are_read_once(client: TestClient[Any], stage: Stage) -> None:
    for _ in range(5):
        play(client, stage)
    assert stage.key_reads == 1


def test_no_key_is_in_a_repr(stage: Stage) -> None:
    package = stage.showings[stage.film].package
    assert package is not None
    licence = stage.desk._licences.fetch(package)
    assert KEY not in repr(licence)
    assert KEY in msgspec.json.encode(dict(licence.keys)).decode()


def test_a_body_that_is_nested_without_end_is_refused_and_not_our_fault(client: TestClient[Any]) -> None:
    answer = call(client, "/licence/clearkey/nobody", b'{"x":' + b"[" * 15_000, token="")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_rights_that_could_not_be_read_for_a_day_let_nothing_begin(client: TestClient[Any], stage: Stage) -> None:
    """What was taken back while the database is away is known to nobody: that lasts a day, and what runs ends with its token."""
    begun = play(client, stage)
    stage.unread_ms = 24 * HOUR
    play(client, stage)
    stage.unread_ms += 1
    refused = call(client, "/api/v1/playback", {"title_id": stage.film, "profile_id": stage.adult})
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    stage.now = Instant(stage.now + 3 * HOUR)
    heard = beat(client, begun["session_id"], 0, 1_000).json()
    assert (heard["stop"], heard["position_ms"], heard["manifests"]) == (None, 1_000, begun["manifests"])
    stage.unread_ms = 0
    assert beat(client, begun["session_id"], 1, 2_000).json()["manifests"] != begun["manifests"]
    play(client, stage)
