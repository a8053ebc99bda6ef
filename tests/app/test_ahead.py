"""Routes that an act answers, ahead of the framework and behind it: the same gate, the same answers, the same errors."""

import httpx
import pytest
from litestar import post
from litestar.params import FromPath
from litestar.testing import TestClient

from matinee.app.answering import MAX_BODY_BYTES, Web
from matinee.app.web import create_web
from matinee.base.ahead import Answer, Asked, answered_ahead
from matinee.base.clock import Instant
from matinee.base.errors import NotFound, TooManyRequests
from matinee.base.party import ANYONE, SCREENS, Party, PartyKind

PARTIES = {
    "box": Party(kind=PartyKind.BOX, box="b1"),  # type: ignore[arg-type]
    "key": Party(kind=PartyKind.API_KEY),
}


async def echo(asked: Asked) -> Answer:
    match asked.body:
        case b"missing":
            raise NotFound("There is none.", remedy="Look again.")
        case b"often":
            raise TooManyRequests("Too often.", retry_after=7)
        case b"broken":
            raise RuntimeError("the database password is hunter2")
    told = [asked.party.kind, asked.party.unlock, *asked.path.values(), asked.body.decode()]
    return Answer("|".join(map(str, told)).encode(), 202, [(b"content-type", b"text/plain"), (b"x-own", b"1")])


@post("/echo", opt={"policy": SCREENS, "ahead": echo})
async def plain() -> None:
    answered_ahead()


@post("/echo/{name:str}/of", opt={"policy": ANYONE, "ahead": echo})
async def named(name: FromPath[str]) -> None:
    answered_ahead()


@post("/echo/{name:str}", opt={"policy": ANYONE, "ahead": echo})
async def last(name: FromPath[str]) -> None:
    answered_ahead()


@post("/closed", opt={"ahead": echo})
async def closed() -> None:
    answered_ahead()


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = create_web(
        [plain, named, last, closed],
        authenticate=lambda token, now: PARTIES.get(token),
        clock=lambda: Instant(0),
        page_policy="default-src 'self'",
    )
    return TestClient(app, raise_server_exceptions=False)


def say(client: TestClient, path: str, body: bytes = b"hello", token: str = "box") -> httpx.Response:
    return client.post(path, content=body, headers={"Authorization": f"Bearer {token}", "Matinee-Unlock": "u"})


@pytest.fixture(params=["", "/"], ids=["ahead", "behind"])
def behind(request: pytest.FixtureRequest, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is written after an address to have the framework route it: that is answered alike."""
    if request.param:
        return str(request.param)

    async def never(*_: object) -> None:
        raise AssertionError("the framework was asked")

    monkeypatch.setattr(client.app, "asgi_handler", never)
    return ""


@pytest.mark.parametrize(("path", "value"), [("/echo", ""), ("/echo/lighthouse/of", "lighthouse|"), ("/echo/of", "of|")])
def test_an_act_answers_its_own_addresses(client: TestClient, behind: str, path: str, value: str) -> None:
    answer = say(client, path + behind)
    assert (answer.status_code, answer.text) == (202, f"box|u|{value}hello")
    said = answer.headers
    assert (said["content-type"], said["x-own"], said["content-length"]) == ("text/plain", "1", str(len(answer.content)))
    assert said["x-content-type-options"] == "nosniff"
    assert said.get("content-security-policy") == ("default-src 'self'" if behind else None)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [(b"missing", 404, "not_found"), (b"often", 429, "too_many_requests"), (b"broken", 500, "internal")],
)
def test_errors_are_problems_as_anywhere_else(client: TestClient, behind: str, body: bytes, status: int, code: str) -> None:
    answer = say(client, "/echo" + behind, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(("token", "status"), [("key", 403), ("nobody", 401), ("", 401)])
def test_who_may_not_is_not_answered(client: TestClient, behind: str, token: str, status: int) -> None:
    assert say(client, "/echo" + behind, token=token).status_code == status


def test_a_route_without_a_policy_answers_nobody(client: TestClient, behind: str) -> None:
    assert say(client, "/closed" + behind).status_code == 403


def test_a_body_has_a_most(client: TestClient, behind: str) -> None:
    assert say(client, "/echo" + behind, b"x" * MAX_BODY_BYTES).status_code == 202
    assert say(client, "/echo" + behind, b"x" * (MAX_BODY_BYTES + 1)).status_code == 413


@pytest.mark.parametrize("path", ["/echo/a/b/of", "/echo/a/b", "/Echo", "/echoes"])
def test_an_address_of_nobody_is_not_found(client: TestClient, path: str) -> None:
    assert say(client, path).status_code == 404


def test_another_method_is_refused_by_the_framework(client: TestClient) -> None:
    assert client.get("/echo").status_code == 405
    assert isinstance(client.app, Web)
