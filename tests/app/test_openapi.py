"""/api/openapi.json is what the API does: schemathesis draws requests from it, and every answer is one that it describes.

In process, as a box, a viewer, and keys and staff of every role. A fault of ours (5xx) fails, and so does an answer of a shape
that the description does not name. Drawn requests are few and always the same ones, since this is a test and no search for holes.
Routes that it leaves out, pages and protocols with descriptions of their own, are drawn here without it.
"""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from matinee.app.household import BOX
from tests.app.installations import Running
from tests.app.test_policies import handlers

WHO = ("box", "viewer", "api_key", "operator_key", "operator_staff", "auditor_staff")
EXAMPLES = 25
SIGN_OUT = (("DELETE", "/api/v1/staff/session"), ("DELETE", "/api/v1/sessions"))
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
ONE_FLAG, ALL_FLAGS = "/ofrep/v1/evaluate/flags/{key}", "/ofrep/v1/evaluate/flags"
REFUSALS = {"FLAG_NOT_FOUND", "INVALID_CONTEXT", "PARSE_ERROR", "TARGETING_KEY_MISSING", "GENERAL"}  # OFREP's own, all of them

_few = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)),
    max_leaves=8,
)


def _description(running: Running) -> dict[str, Any]:
    answer = running.ask("anonymous", "GET", "/api/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def test_it_describes_every_route_of_the_api(app_running: Running) -> None:
    described = _description(app_running)["paths"]
    for route in app_running.app.routes:
        if route.path.startswith("/api/v1/"):
            assert route.path_format in described, f"{route.path_format} is not described"


@pytest.mark.parametrize("path", ["/api/v1/plans", "/api/v1/subscriptions", "/api/v1/offers", "/api/v1/billing/events"])
def test_what_is_sent_again_is_described_too(app_running: Running, path: str) -> None:
    assert {"200", "201"} < set(_description(app_running)["paths"][path]["post"]["responses"])


def test_each_operation_says_what_it_is_for(app_running: Running) -> None:
    for path, operations in _description(app_running)["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary") or operation.get("description"), f"{method.upper()} {path} says nothing of itself"


@pytest.mark.parametrize("who", WHO)
def test_every_answer_is_one_that_it_describes(app_running: Running, who: str) -> None:
    schema = schemathesis.openapi.from_dict(_description(app_running))
    operations = [one for one in (result.ok() for result in schema.get_all_operations()) if _keeps_the_session(one)]
    statuses = [status for operation in operations for status in _ask(operation, app_running, who)]
    assert len(statuses) > 100
    assert 200 in statuses


@pytest.mark.parametrize("who", ["anonymous", *WHO])
def test_what_it_leaves_out_has_no_fault_either(app_running: Running, who: str) -> None:
    described = _description(app_running)["paths"]
    left_out = [(method, path) for method, path, _ in handlers(app_running.app) if path not in described]
    assert {("POST", ONE_FLAG), ("POST", ALL_FLAGS)} <= set(left_out)
    for method, path in left_out:
        _ask_blindly(app_running, who, method, path)


def _ask_blindly(running: Running, who: str, method: str, path: str) -> None:
    """Anything in the path, anything as the body."""

    @given(place=st.text(min_size=1, max_size=40), body=st.one_of(st.binary(max_size=200), _json.map(json.dumps)))
    @_few
    def ask(place: str, body: bytes | str) -> None:
        address = re.sub(r"\{[^}]*\}", lambda _: quote(place, safe=""), path)
        answer = running.ask(who, method, address, content=body if method == "POST" else None)
        assert answer.status_code < 500, f"{who} asks {method} {address} with {body!r}: {answer.text[:200]}"

    ask()


@pytest.mark.parametrize("path", [ONE_FLAG, ALL_FLAGS])
def test_flags_are_answered_in_the_protocols_own_words_whatever_is_asked(app_running: Running, path: str) -> None:
    box, service = app_running.box, app_running.film.service
    context = st.one_of(_json, st.fixed_dictionaries({"targetingKey": st.one_of(st.just(box), _json)}, optional={"x": _json}))
    asked = st.one_of(_json, st.fixed_dictionaries({"context": context}, optional={"y": _json})).map(json.dumps)
    bodies = st.one_of(st.binary(max_size=200), asked, st.just(json.dumps({"context": {"targetingKey": box}})))
    statuses = set()

    @given(key=st.one_of(st.just(str(service)), st.text(min_size=1, max_size=30)), body=bodies)
    @settings(_few, max_examples=10 * EXAMPLES)
    def ask(key: str, body: bytes | str) -> None:
        address = path.replace("{key}", quote(key, safe=""))
        answer = app_running.ask("api_key", "POST", address, content=body)
        statuses.add(answer.status_code)
        told = answer.json()
        if answer.status_code == 200:
            for flag in told["flags"] if path == ALL_FLAGS else [told]:
                assert flag["key"] == service
                assert isinstance(flag["value"], bool)
                assert {"reason", "variant", "metadata"} <= flag.keys()
        elif answer.headers["content-type"] == "application/problem+json":
            assert (answer.status_code, "/" in key or key in (".", "..")) == (404, True), "no such address"
        else:
            assert answer.status_code == (404 if told["errorCode"] == "FLAG_NOT_FOUND" else 400)
            assert told["errorCode"] in REFUSALS
            assert told["errorDetails"]

    ask()
    assert {200, 400} <= statuses


def _keeps_the_session(operation: Any) -> bool:
    """All but signing out, after which nothing more could be asked; tests/parties/test_staff.py asks that."""
    return (operation.method.upper(), operation.path) not in SIGN_OUT


def _ask(operation: Any, running: Running, who: str) -> list[int]:
    """Send drawn requests of one operation; the statuses of the answers, each of which was judged."""
    statuses: list[int] = []

    @given(case=operation.as_strategy())
    @_few
    def ask(case: schemathesis.Case) -> None:
        _fill_in(case, running)
        request = case.as_transport_kwargs(base_url="http://testserver.local")
        headers = {**request.pop("headers", {}), "Authorization": f"Bearer {running.tokens[who]}"}
        answer = running.client.request(
            request.pop("method"), request.pop("url"), headers=headers, content=_content(request), params=request.get("params")
        )
        statuses.append(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    ask()
    return statuses


def _fill_in(case: schemathesis.Case, running: Running) -> None:
    """Real ids in every second place that takes one: drawn ids alone would never get past "not found"."""
    known = {"title_id": running.film.id, "profile": running.profile, "profile_id": running.profile, "box": running.box}
    known |= {"serial": BOX[0], "operator": running.operator, "service": running.film.service, "service_id": running.film.service}
    for place in (case.path_parameters, case.query):
        for name in list(place or {}):
            if name in known and len(str(place[name])) % 2 == 0:
                place[name] = known[name]
    if isinstance(case.body, dict):
        for name in list(case.body):
            if name in known and len(str(case.body[name])) % 2 == 0:
                case.body[name] = known[name]


def _content(request: dict[str, Any]) -> bytes | None:
    if "json" in request:
        return json.dumps(request["json"]).encode()
    data = request.get("data")
    return data.encode() if isinstance(data, str) else data
