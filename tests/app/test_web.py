"""The web's outer ring, through real URLs: who asks, deny by default, and one shape for every error."""

import msgspec
import pytest
from litestar import Request, get, post
from litestar.params import JSONBody
from litestar.testing import TestClient

from matinee.app.problems import PROBLEM_TYPE
from matinee.app.web import create_web
from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError, NotFound
from matinee.base.party import ANYONE, SCREENS, Party, PartyKind


class Wish(msgspec.Struct):
    count: int


@get("/open", opt={"policy": ANYONE})
async def open_to_all(request: Request) -> dict[str, str]:
    return {"party": request.user.kind}


@get("/screens", opt={"policy": SCREENS})
async def for_screens(request: Request) -> dict[str, str]:
    return {"box": request.user.box}


@get("/forgotten")
async def forgotten_policy() -> dict[str, str]:
    return {"secret": "yes"}


@get("/missing", opt={"policy": ANYONE})
async def missing() -> None:
    raise NotFound("There is no such title.", remedy="Look again.")


@get("/broken", opt={"policy": ANYONE})
async def broken() -> None:
    raise RuntimeError("the database password is hunter2")


@post("/wish", opt={"policy": ANYONE})
async def wish(data: JSONBody[Wish]) -> int:
    return data.count


PARTIES = {
    "good": Party(kind=PartyKind.BOX, box="b1"),  # type: ignore[arg-type]
    "key": Party(kind=PartyKind.API_KEY),
}


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = create_web(
        [open_to_all, for_screens, forgotten_policy, missing, broken, wish],
        authenticate=lambda token, now: PARTIES.get(token),
        clock=lambda: Instant(0),
        page_policy="default-src 'self'",
    )
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("shows", "path", "token", "status", "code"),
    [
        ("anyone may", "/open", None, 200, None),
        ("a token that says nothing is as none", "/open", "made up", 200, None),
        ("a box may", "/screens", "good", 200, None),
        ("nobody signed in", "/screens", None, 401, ErrorCode.NOT_SIGNED_IN),
        ("a made-up token", "/screens", "made up", 401, ErrorCode.NOT_SIGNED_IN),
        ("another kind of party", "/screens", "key", 403, ErrorCode.NOT_ALLOWED),
        ("a route without a policy", "/forgotten", None, 403, ErrorCode.NOT_ALLOWED),
        ("a route without a policy, signed in", "/forgotten", "good", 403, ErrorCode.NOT_ALLOWED),
        ("our own error", "/missing", None, 404, ErrorCode.NOT_FOUND),
        ("no such path", "/nowhere", None, 404, ErrorCode.NOT_FOUND),
        ("a fault of ours", "/broken", None, 500, ErrorCode.INTERNAL),
    ],
)
def test_who_is_answered_what(
    client: TestClient, shows: str, path: str, token: str | None, status: int, code: ErrorCode | None
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.get(path, headers=headers)
    assert answer.status_code == status, shows
    if code is not None:
        assert answer.headers["content-type"] == PROBLEM_TYPE, shows
        body = answer.json()
        assert (body["code"], body["status"]) == (code, status), shows
        assert body["type"].endswith(code)
        assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    ("shows", "body", "status", "says"),
    [
        ("a field of the wrong type", b'{"count": "x"}', 400, "count"),
        ("a field that is missing", b"{}", 400, "count"),
        ("no JSON", b"{", 400, ""),
        ("a body without end", b'{"count": 1, "pad": "' + b"x" * 300_000 + b'"}', 413, ""),
    ],
)
def test_a_wrong_body_is_refused_in_the_one_shape(client: TestClient, shows: str, body: bytes, status: int, says: str) -> None:
    answer = client.post("/wish", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, (shows, answer.text)
    assert answer.headers["content-type"] == PROBLEM_TYPE
    assert says in answer.json().get("detail", "")


def test_a_wrong_method_is_told_which_is_right(client: TestClient) -> None:
    answer = client.post("/open")
    assert answer.status_code == 405
    assert answer.json()["code"] == ErrorCode.METHOD_NOT_ALLOWED
    assert "GET" in answer.headers["allow"]


def test_every_answer_carries_the_headers_that_keep_pages_safe(client: TestClient) -> None:
    for path in ("/open", "/missing", "/nowhere"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == "default-src 'self'"
        assert headers["x-content-type-options"] == "nosniff"


def test_an_error_of_a_feature_maps_by_its_code_alone(client: TestClient) -> None:
    for code in ErrorCode:
        assert MatineeError("x", code=code).code.http_status == code.http_status
