"""/api/openapi.json is what the API does: schemathesis draws requests from it, and every answer is one that it describes.

In process, as a box, a viewer and a publisher's program. A fault of ours (5xx) fails, and so does an answer of a shape that the
description does not name. Drawn requests are few and always the same ones, since this is a test and no search for holes.
"""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.app.installations import Running

WHO = ("box", "viewer", "api_key")
EXAMPLES = 25
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


def _description(running: Running) -> dict[str, Any]:
    answer = running.ask("anonymous", "GET", "/api/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def test_it_describes_every_route_of_the_api(app_running: Running) -> None:
    described = _description(app_running)["paths"]
    for route in app_running.app.routes:
        if route.path.startswith("/api/v1/"):
            assert route.path_format in described, f"{route.path_format} is not described"


def test_each_operation_says_what_it_is_for(app_running: Running) -> None:
    for path, operations in _description(app_running)["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary") or operation.get("description"), f"{method.upper()} {path} says nothing of itself"


@pytest.mark.parametrize("who", WHO)
def test_every_answer_is_one_that_it_describes(app_running: Running, who: str) -> None:
    schema = schemathesis.openapi.from_dict(_description(app_running))
    statuses = [status for result in schema.get_all_operations() for status in _ask(result.ok(), app_running, who)]
    assert len(statuses) > 100
    assert 200 in statuses


def _ask(operation: Any, running: Running, who: str) -> list[int]:
    """Send drawn requests of one operation; the statuses of the answers, each of which was judged."""
    statuses: list[int] = []

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
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
    known |= {"operator": running.operator, "service": running.film.service, "service_id": running.film.service}
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
