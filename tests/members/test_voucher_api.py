"""Vouchers and credit through the API: what a screen is told, and what nobody can find out by trying codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from matinee.app.web import create_web
from matinee.base.clock import DAY, MINUTE, Instant
from matinee.base.money import Money
from matinee.catalogue.model import Service
from matinee.members import voucher_store
from matinee.members.snapshot import Resolver
from matinee.members.voucher_api import IN_ALL, PER_HOUSEHOLD, routes
from matinee.members.voucher_codes import draw
from tests.world import Screen, Screens, World, world_on_sqlite

REDEEM = "/api/v1/vouchers/redeem"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_on_sqlite(tmp_path) as made:
        yield made


@contextmanager
def _screens(world: World) -> Iterator[Screens]:
    app = create_web(
        routes(world.sights, world.members, world.database, lambda: world.now),
        authenticate=Resolver(world.keys, world.fleet, world.members, world.staff).resolve,
        clock=lambda: world.now,
        page_policy="default-src 'self'",
    )
    with TestClient(app) as client:
        yield Screens(world, client)


def _codes(world: World, service: Service, count: int = 1, lasts: int = DAY) -> list[str]:
    with world.database.write() as conn:
        value, ends = Money(1_000, "EUR"), Instant(world.now + lasts)
        return list(voucher_store.make(conn, service, value, count, ends, world.now, actor="test")[1])


def _redeem(screen: Screen, code: Any) -> httpx.Response:
    return screen.send("POST", REDEEM, {"code": code})


def test_a_home_redeems_a_code_on_any_of_its_screens(world: World) -> None:
    first, second = _codes(world, world.cinema, 2)
    with _screens(world) as asked:
        answer = _redeem(asked.box, first.lower())
        assert answer.status_code == 200
        assert answer.json() == {"value": {"minor": 1000, "currency": "EUR"}, "credit": {"minor": 1000, "currency": "EUR"}}
        assert answer.headers["cache-control"] == "private, no-store"
        assert _redeem(asked.phone, second).json()["credit"]["minor"] == 2000
        assert _redeem(asked.phone, first).json()["credit"]["minor"] == 2000, "said again, it adds nothing"
        shown = asked.phone.get("/api/v1/credit").json()
        assert shown == {"items": [{"services": ["Cinéma"], "credit": {"minor": 2000, "currency": "EUR"}}]}
        assert asked.other_box.get("/api/v1/credit").json() == {"items": []}


def test_what_gives_nothing_is_answered_with_the_same_bytes(world: World) -> None:
    used, ended = _codes(world, world.cinema)[0], _codes(world, world.cinema, lasts=1)[0]
    (unseen,) = _codes(world, world.theatre)
    other = world.settle(world.orange, "another home")
    with _screens(world) as asked:
        assert _redeem(asked.as_(other.viewer_token), used).status_code == 200
        world.now = Instant(world.now + 1)
        answers = [_redeem(asked.box, code) for code in (used, ended, unseen, draw(), "nonsense")]
    assert {(one.status_code, one.content, str(one.headers)) for one in answers} == {
        (404, answers[0].content, str(answers[0].headers))
    }
    assert answers[0].json()["detail"] == "This code gives no credit here."


@pytest.mark.parametrize("body", [{}, {"code": 1}, {"code": None}, {"code": "x" * 65}, {"code": "a", "more": 1}, []])
def test_what_is_no_body_is_refused(world: World, body: Any) -> None:
    with _screens(world) as asked:
        assert asked.box.send("POST", REDEEM, body).status_code == 400


@pytest.mark.parametrize("code", ["", "\0", "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "é" * 64])
def test_whatever_is_typed_is_no_fault_of_ours(world: World, code: str) -> None:
    with _screens(world) as asked:
        assert _redeem(asked.box, code).status_code == 404


def test_a_household_tries_slowly_on_all_its_screens_together(world: World) -> None:
    (code,) = _codes(world, world.cinema)
    with _screens(world) as asked:
        for number in range(PER_HOUSEHOLD.burst):
            assert _redeem(asked.box if number % 2 else asked.phone, draw()).status_code == 404
        refused = _redeem(asked.phone, code)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) == 60
        assert _redeem(asked.other_box, draw()).status_code == 404, "another home is not kept waiting"
        world.now = Instant(world.now + MINUTE)
        assert _redeem(asked.box, code).status_code == 200
        assert _redeem(asked.box, draw()).status_code == 404, "who was right has all tries again"


def test_many_homes_together_try_slowly_too(world: World) -> None:
    with _screens(world) as asked:
        answers = []
        for number in range(IN_ALL.burst // PER_HOUSEHOLD.burst + 1):
            with world.database.write() as conn:
                from matinee.members import store

                token = store.mint_viewer_token(conn, store.ensure_household(conn, f"home {number}", world.now).id, world.now)
            world.feed.poll()
            answers += [_redeem(asked.as_(token), "wrong").status_code for _ in range(PER_HOUSEHOLD.burst)]
    assert answers[: IN_ALL.burst] == [404] * IN_ALL.burst
    assert set(answers[IN_ALL.burst :]) == {429}


def test_a_box_at_no_home_is_told_so(world: World) -> None:
    from matinee.fleet import store as fleet

    with world.database.write() as conn:
        box = fleet.ensure_box(conn, world.model.id, "loose", "Salon", world.now)
        token = fleet.mint_box_token(conn, box.id, world.now)
    world.feed.poll()
    with _screens(world) as asked:
        for answer in (_redeem(asked.as_(token), draw()), asked.as_(token).get("/api/v1/credit")):
            assert answer.status_code == 404
        for who in (asked.nobody, asked.studio):
            assert _redeem(who, draw()).status_code in (401, 403)
