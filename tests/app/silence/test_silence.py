"""While a launch is kept silent, no other party reads of its service anywhere: every route, asked by everybody, in two worlds.

The worlds come from one seed and differ in the telling of one service alone (worlds.py). Each answer's status, headers and body
are compared byte by byte: with the launch against without it, and without it against a world that has no such service at all.
What is asked for by the ids of the silent service is thereby compared with what does not exist.

Nothing is left out of the comparison: with the clock standing still and nothing drawn by chance there is no need. A server adds
Date after the app. A picture alone is opened by its random id to whoever holds it (`Question.opened_by`), since no element of a
page that shows a picture can send a token. So a picture is compared with and without the launch, and not with one that does not
exist; that nobody else is told its id is what the rest proves.
"""

import asyncio
import itertools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from matinee.base.party import PartyKind, Policy
from matinee.carriage.model import Billing
from matinee.parties.tokens import TokenKind
from tests.app.installations import Running
from tests.app.silence.questions import RECIPES, nowhere, of_the_edge
from tests.app.silence.worlds import (
    EVERY_TELLING,
    KEPT_SILENT,
    NEWER_BOX,
    NOWHERE,
    OPERATORS_STAFF,
    OTHERS_BOX,
    OTHERS_STAFF,
    OWNER,
    TELLTALE,
    UNLAUNCHED,
    Answer,
    Asker,
    Question,
    Silent,
    Telling,
    told,
)
from tests.app.test_policies import handlers

SHOWN = 20
_ID = re.compile(rb"[0-9a-z]{26}")

_WITHOUT_TOKENS = {
    PartyKind.SERVICE: "our own processes, which ask nothing over HTTP yet",
}


@dataclass(frozen=True)
class Asked:
    """Who asked what, and the answer."""

    asker: Asker
    question: Question
    answer: Answer


Key = tuple[str, int]
"""Asker's name, and the number of the question: of those that the edge is asked, below zero."""


@dataclass(frozen=True, repr=False)
class Walk:
    """All that a world answered. `routes` are the routes that it has."""

    telling: Telling
    silent: Silent
    routes: frozenset[str]
    answers: Mapping[Key, Asked]


async def _walk(telling: Telling, folder: Path) -> Walk:
    async with told(telling, folder) as world:
        policies = {f"{method} {path}": handler.opt["policy"] for method, path, handler in handlers(world.app)}
        answers: dict[Key, Asked] = {}
        for asker in world.askers:
            for number, question in enumerate(_questions(policies, world.silent, asker)):
                purpose = f"{asker.name} asks {number}"
                answers[asker.name, number] = Asked(asker, question, await world.ask(purpose, asker.token, question))
        await world.edge.start()
        for asker in world.askers:
            for number, question in enumerate(of_the_edge(world.silent, asker), 1):
                answers[asker.name, -number] = Asked(asker, question, await world.ask_edge(question))
        await world.edge.stop()
        return Walk(telling, world.silent, frozenset(policies), answers)


def _questions(policies: Mapping[str, Policy], silent: Silent, asker: Asker) -> Iterator[Question]:
    """All questions of all routes. Whoever a route's policy keeps out, before anything is looked up, is heard twice there."""
    for made in dict.fromkeys(RECIPES[route] for route in sorted(policies.keys() & RECIPES.keys())):
        names = {asker.kind, *asker.roles}
        let_in = any(policies[route] & names for route in policies.keys() & RECIPES.keys() if RECIPES[route] is made)
        yield from itertools.islice(made(silent, asker), None if let_in else 2)
    yield from nowhere(silent)


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Walk]:
    made = {one.name: asyncio.run(_walk(one, tmp_path_factory.mktemp("world") / "data")) for one in EVERY_TELLING}
    _note(made)
    return made


def test_every_route_says_how_it_is_called(app_running: Running) -> None:
    routes = {f"{method} {path}" for method, path, _ in handlers(app_running.app)}
    new = sorted(routes - RECIPES.keys())
    assert not new, (
        f"{', '.join(new)}: nobody knows yet whether it tells of a service that is kept silent. Add a recipe to "
        "tests/app/silence/questions.py: @recipe(route) over a function that yields each Question that might find it out."
    )
    assert not RECIPES.keys() - routes, f"{sorted(RECIPES.keys() - routes)} are no routes any more: take their recipes out"


def test_everybody_who_can_ask_is_asked(walks: dict[str, Walk]) -> None:
    kinds = {asked.asker.kind for asked in walks[UNLAUNCHED.name].answers.values()}
    assert kinds | _WITHOUT_TOKENS.keys() == set(PartyKind), "a kind of party is missing: add an Asker of it in worlds.py"
    held = {"BOX", "VIEWER", "API_KEY", "STAFF"}
    assert {kind.name for kind in TokenKind} == held, "a new token: add who holds it in worlds.py"


def test_no_question_breaks_anything_and_every_route_is_reached(walks: dict[str, Walk]) -> None:
    for walk in walks.values():
        assert [str(asked.question) for asked in walk.answers.values() if asked.answer.status >= 500] == []
    walk = walks[UNLAUNCHED.name]
    called = {f"{asked.question.method} {asked.question.path}" for asked in walk.answers.values()}
    for route in walk.routes:
        shape = re.compile(".+".join(map(re.escape, re.split(r"\{[^}]*\}", route))))
        assert any(map(shape.fullmatch, called)), f"the recipe of {route} never calls it"


@pytest.mark.parametrize("telling", KEPT_SILENT, ids=lambda one: one.name)
def test_with_the_launch_it_reads_as_without(walks: dict[str, Walk], telling: Telling) -> None:
    found = _differences(_pairs(walks, telling))
    assert not found, "\n".join(found)


def test_an_operator_that_has_refused_it_reads_nothing_of_anothers_launch(walks: dict[str, Walk]) -> None:
    """It knows of the service, by its own refusal; how the first operator stands with it changes no byte of what it is told."""
    here, *others = (walks[one.name] for one in KEPT_SILENT if not one.elsewhere)
    assert len(others) > 3
    keys = [key for key in here.answers if key[0] == OTHERS_STAFF]
    pairs = [(there.answers[key], here.answers[key]) for there in others for key in keys]
    assert any(asked.answer.status == 200 and asked.question.path == "/api/v1/reach" for asked, _ in pairs)
    found = _differences(pairs)
    assert not found, "\n".join(found)


def test_what_nobody_was_told_of_reads_as_what_does_not_exist(walks: dict[str, Walk]) -> None:
    opened = {asked.question.path for asked in walks[UNLAUNCHED.name].answers.values() if asked.question.opened_by}
    assert all(path.startswith("/artwork/") for path in opened)
    found = _differences(_pairs(walks, NOWHERE))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("telling", [UNLAUNCHED, *KEPT_SILENT], ids=lambda one: one.name)
def test_no_answer_holds_a_word_of_it(walks: dict[str, Walk], telling: Telling) -> None:
    """The same by another way: no id, name or key of the service, but where the question itself said it."""
    walk = walks[telling.name]
    names, ids = [word.encode() for word in walk.silent.names], {one.encode() for one in walk.silent.ids}
    found = []
    for (who, _), asked in walk.answers.items():
        if who in telling.may_know or asked.question.opened_by or _is_told_openly(telling, walk.silent, asked.question):
            continue
        said = asked.answer.body + b"\n".join(b"%s: %s" % pair for pair in asked.answer.headers)
        told_of = [*(name for name in names if name in said), *(ids & set(_ID.findall(said)))]
        found += [f"{who}: {asked.question}: {word!r}" for word in told_of if word.decode() not in str(asked.question)]
    assert not found, "\n".join(found[:SHOWN])


def test_who_may_have_it_does(walks: dict[str, Walk]) -> None:
    """The walk can see: where the newer box has the service, its answers differ, by rows, search, page, play and services."""
    silent, without = walks[KEPT_SILENT[0].name], walks[UNLAUNCHED.name]
    told_to = {path.split("/")[3] for path in _paths_that_differ(silent, without, NEWER_BOX) if path.startswith("/api/v1/")}
    rows, own = {"home", "rows", "search", "titles", "watched"}, {"me", "playback", "vouchers", "credit", "history", "privacy"}
    assert told_to == rows | own
    opened = [asked for (who, _), asked in silent.answers.items() if who == NEWER_BOX and asked.question.path.endswith("/open")]
    assert any(b"tv.example" in asked.answer.body for asked in opened), "its titles that lie with a partner are opened"
    for who in (NEWER_BOX, "the older box", OTHERS_BOX):
        asked_by = [asked for (one, _), asked in silent.answers.items() if one == who]
        homes = [asked.answer.body for asked in asked_by if asked.question.path == "/api/v1/home"]
        for row in (b'"for-you"', b'"because-', b'"top"'):
            assert any(row in body for body in homes), f"{who} has a row {row!r} that might tell"
    recommended = [
        asked.answer.body
        for (who, _), asked in silent.answers.items()
        if who == NEWER_BOX and asked.question.path.endswith(("/for-you", "/top", f"/because-{silent.silent.films[1].id}"))
    ]
    assert len(recommended) > 3
    assert all(TELLTALE.encode() in body for body in recommended if body.startswith(b'{"items"')), "it is watched the most"
    of_its_own = _paths_that_differ(silent, without, OWNER)
    assert {"/metrics", "/api/v1/decisions", "/ofrep/v1/evaluate/flags"} <= of_its_own
    assert "/api/v1/titles" not in of_its_own, "its titles were there before the launch"
    sides = {"/api/v1/decisions", "/ofrep/v1/evaluate/flags", "/api/v1/carriage", "/api/v1/reach", "/api/v1/audit"}
    assert sides <= of_its_own
    assert sides <= _paths_that_differ(silent, without, OPERATORS_STAFF)
    sold = next(walks[one.name] for one in KEPT_SILENT if one.billing is Billing.OPERATOR)
    for who in (OWNER, OPERATORS_STAFF):
        assert {"/api/v1/plans", "/api/v1/subscriptions"} <= _paths_that_differ(sold, without, who)
    spreads = next(walks[one.name] for one in KEPT_SILENT if one.spreads)
    for who in (OWNER, OPERATORS_STAFF):
        assert "/api/v1/rollouts" in _paths_that_differ(spreads, without, who)
    assert f"/api/v1/rollouts/{silent.silent.rollout}/approve" in _paths_that_differ(spreads, without, OPERATORS_STAFF)


def test_any_byte_of_a_difference_is_found() -> None:
    plain = Answer(200, ((b"etag", b"1"), (b"vary", b"x")), b"abc")
    for other in (
        Answer(404, plain.headers, plain.body),
        Answer(200, (*plain.headers, (b"x-services", b"2")), plain.body),
        Answer(200, plain.headers[::-1], plain.body),
        Answer(200, ((b"etag", b"2"), (b"vary", b"x")), plain.body),
        Answer(200, plain.headers, b"abd"),
        Answer(200, plain.headers, b"abcd"),
    ):
        assert len(_apart(plain, other)) in (1, 2)
    assert _apart(plain, plain) == []


def _paths_that_differ(one: Walk, other: Walk, who: str) -> set[str]:
    return {
        asked.question.path for key, asked in one.answers.items() if key[0] == who and asked.answer != other.answers[key].answer
    }


def _pairs(walks: Mapping[str, Walk], telling: Telling) -> list[tuple[Asked, Asked]]:
    """A world's answers and those of the world without a launch, to the same questions of all who may not be told."""
    one, other = walks[telling.name], walks[UNLAUNCHED.name]
    assert one.silent == other.silent
    keys = [{key for key in walk.answers if key[0] not in telling.may_know} for walk in (one, other)]
    assert keys[0] == keys[1]
    pairs = [(one.answers[key], other.answers[key]) for key in sorted(keys[0])]
    assert all(str(here.question) == str(there.question) for here, there in pairs), "the worlds were asked different things"
    pairs = [pair for pair in pairs if telling.there or not pair[0].question.opened_by]
    return [pair for pair in pairs if not _is_told_openly(telling, walks[telling.name].silent, pair[0].question)]


def _is_told_openly(telling: Telling, silent: Silent, question: Question) -> bool:
    """Whether it asks for the public list of an operator that has the service open, which names it as a television there does;
    or for how a rival is ranked there, where it fills places that everybody sees; or for a home's own file, which tells all that
    was recorded of that very home: what it watched, wherever that was, and what was sold to it."""
    if question.path == "/api/v1/privacy/export":
        return True
    there = silent.operators[1]
    is_list, is_ranking = question.path.startswith(f"/api/v1/operators/{there}/"), question.path == "/api/v1/ranking"
    return telling.elsewhere and (is_list or (is_ranking and question.query.get("operator") == there))


def _differences(pairs: list[tuple[Asked, Asked]]) -> list[str]:
    """What tells two worlds apart: who was told, by which question, and where it differs."""
    apart = ((here, what) for here, there in pairs for what in _apart(here.answer, there.answer))
    return [f"{here.asker.name}: {here.question}: {what}" for here, what in itertools.islice(apart, SHOWN)]


def _apart(one: Answer, other: Answer) -> list[str]:
    found = [] if one.status == other.status else [f"status {one.status} against {other.status}"]
    found += [f"header {pair} here alone" for pair in one.headers if pair not in other.headers]
    found += [f"header {pair} there alone" for pair in other.headers if pair not in one.headers]
    if not found and one.headers != other.headers:
        found.append("headers in another order")
    if one.body != other.body:
        at = next((n for n, (a, b) in enumerate(zip(one.body, other.body, strict=False)) if a != b), -1)
        start = max(0, at - 60)
        ours, ends = one.body[start : at + 60], other.body[start : at + 60]
        found.append(f"body of {len(one.body)} against {len(other.body)} bytes: {ours!r} against {ends!r}")
    return found


def _note(walks: Mapping[str, Walk]) -> None:
    """The figure, for `make prove-carriage`."""
    if path := os.environ.get("MATINEE_SILENCE_FIGURE"):
        pairs = [pair for one in (NOWHERE, *KEPT_SILENT) for pair in _pairs(walks, one)]
        parties = {here.asker.name for here, _ in pairs}
        given = sum(here.answer.status < 400 for here, _ in pairs)
        Path(path).write_text(
            f"{len(walks[UNLAUNCHED.name].routes)} routes and the edge x {len(parties)} parties x {len(walks)} worlds: "
            f"{len(pairs)} pairs of answers byte by byte, {given} of them no refusal"
        )
