"""Deny by default: every route of the real app names who may use it, and is asked by everybody.

Nobody gets a fault of ours (5xx) for asking, and whoever a policy does not name gets 401 without a token, 403 with one.
"""

import re
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from matinee.base.errors import ErrorCode
from matinee.base.party import ANYONE, PartyKind, Policy, Role
from tests.app.installations import Running, unknown_id

_NAMES_OF: dict[str, Policy] = {
    "anonymous": frozenset({PartyKind.ANONYMOUS}),
    "box": frozenset({PartyKind.BOX}),
    "viewer": frozenset({PartyKind.VIEWER}),
    "api_key": frozenset({PartyKind.API_KEY, Role.PUBLISHER}),
    "rival": frozenset({PartyKind.API_KEY, Role.PUBLISHER}),
    "operator_key": frozenset({PartyKind.API_KEY, Role.OPERATOR}),
    "auditor_key": frozenset({PartyKind.API_KEY, Role.AUDITOR}),
    "publisher_staff": frozenset({PartyKind.STAFF, Role.PUBLISHER, Role.APPROVER}),
    "operator_staff": frozenset({PartyKind.STAFF, Role.OPERATOR, Role.APPROVER}),
    "auditor_staff": frozenset({PartyKind.STAFF, Role.AUDITOR}),
}
"""By what a policy may name each."""
_OPEN = re.compile(
    r"/(api|api/\{path\}|api/openapi\.json|api/v1/status|api/v1/operators/\{operator\}/service-list\.xml|artwork/.*|authority\.pem|box.*|cmcd/.*|healthz|licence/.*|api/v1/staff/session|ui/.*|watch.*|oauth/.*|activate|sign-in/.*|\.well-known/.*|)"
)
"""What anyone may ask: pages and pictures, what a stream token in the path opens, and to sign in. All else needs a token."""


def handlers(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """(method, path format, handler) of every route of our own. OPTIONS is the framework's answer, told apart below."""
    for route in app.routes:
        assert isinstance(route, HTTPRoute), f"{route.path} is no HTTP route: say here what its policy is"
        for handler in route.route_handlers:
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                yield method, route.path_format, handler


def test_every_route_names_its_policy(app_running: Running) -> None:
    found = list(handlers(app_running.app))
    assert len(found) > 20
    for method, path, handler in found:
        policy = handler.opt.get("policy")
        assert isinstance(policy, frozenset), f"{method} {path} names no policy"
        assert policy <= {*PartyKind, *Role}, f"{method} {path} names what is no kind of party and no role"
        assert PartyKind.API_KEY not in policy or policy == ANYONE, f"{method} {path}: name keys by their role (base/party.py)"
        assert policy, f"{method} {path} is open to nobody"


def test_what_is_open_to_anyone_is_listed_here(app_running: Running) -> None:
    for method, path, handler in handlers(app_running.app):
        if (method, path) == ("DELETE", "/api/v1/staff/session"):
            continue  # to sign out needs the token; to sign in, at the same address, needs none
        is_open = PartyKind.ANONYMOUS in handler.opt["policy"]
        assert is_open == bool(_OPEN.fullmatch(path)), f"{method} {path}: open to anyone is {is_open}"
        if is_open:
            assert handler.opt["policy"] == ANYONE


@pytest.mark.parametrize("who", _NAMES_OF)
def test_everybody_is_answered_as_the_policy_says(app_running: Running, who: str) -> None:
    for method, path, handler in handlers(app_running.app):
        if path in ("/api/v1/staff/session", "/api/v1/sessions"):
            continue  # it ends the session that it is asked with, and others go on asking; see tests/parties and tests/members
        concrete = re.sub(r"\{[^}]*\}", lambda _: unknown_id(), path)
        body = {"json": {}} if method in ("POST", "PUT", "PATCH") else {}
        answer = app_running.ask(who, method, concrete, **body)
        what = f"{who} asks {method} {concrete}: {answer.status_code} {answer.text[:200]}"
        assert answer.status_code < 500, what
        code = answer.json().get("code") if answer.headers.get("content-type", "").endswith("problem+json") else None
        if handler.opt["policy"] & _NAMES_OF[who]:
            assert code not in (ErrorCode.NOT_SIGNED_IN, ErrorCode.NOT_ALLOWED), what
        elif who == "anonymous":
            assert (answer.status_code, code) == (401, ErrorCode.NOT_SIGNED_IN), what
        else:
            assert (answer.status_code, code) == (403, ErrorCode.NOT_ALLOWED), what


def test_two_publishers_see_nothing_of_each_other(app_running: Running) -> None:
    own = app_running.ask("api_key", "GET", "/api/v1/titles").json()
    rival = app_running.ask("rival", "GET", "/api/v1/titles").json()
    assert [item["id"] for item in own["items"]] == [app_running.film.id]
    assert rival["items"] == []
    there = app_running.ask("rival", "GET", f"/api/v1/titles/{app_running.film.id}")
    nowhere = app_running.ask("rival", "GET", f"/api/v1/titles/{unknown_id()}")
    assert (there.status_code, there.json()["code"]) == (nowhere.status_code, nowhere.json()["code"])


def test_a_method_that_a_path_has_not_is_told_which_it_has(app_running: Running) -> None:
    answer = app_running.ask("box", "DELETE", "/api/v1/home")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
