"""The ranking log: what decided the rows, made again; what a publisher is told of it; and what it is not."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from matinee.base.clock import DAY, HOUR, Instant, to_rfc3339
from matinee.catalogue import store as titles
from matinee.catalogue.model import AGE_CLASSES, Genre, Language, Service, Sight
from matinee.home import ranking_store as store
from matinee.home.learnt import NOTHING_LEARNT
from matinee.home.ranking import ranked, titles_shown
from matinee.home.ranking_log import RankingLog
from matinee.home.ranking_store import HOURLY, Ranking, rankings
from matinee.outside.database import Database
from matinee.parties import store as parties
from tests.catalogue.factories import episode as an_episode
from tests.catalogue.factories import film, series
from tests.world import NOW, Screens, World, screens

DRAMA = Genre("drama")


@pytest.fixture
def world(any_database: Database) -> World:
    world = World(any_database)
    world.sign(world.orange, world.theatre)
    world.put(*(_film(world.cinema, f"S{n:02d}", 2 * n + 1) for n in range(20)))
    world.put(*(_film(world.theatre, f"R{n:02d}", 2 * n) for n in range(20)))
    return world


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def _film(service: Service, name: str, at: int) -> Any:
    made = film(name, genres=(DRAMA,), published_at=Instant(NOW + at))
    return msgspec.structs.replace(made, publisher=service.publisher, service=service.id)


def records(world: World) -> list[Ranking]:
    with world.database.read() as conn:
        return list(store.every(conn))


def told(world: World, ask: Screens, **query: Any) -> Any:
    given = {"service": world.theatre.id, "operator": world.orange} | query
    return ask.rival.get("/api/v1/ranking", **given)


def weigh(world: World, service: Service, weight: int) -> None:
    world.now = Instant(world.now + 1)
    world.sign(world.orange, service, prominence=weight)


def test_what_homes_are_answered_can_be_made_again(world: World, ask: Screens) -> None:
    saga = msgspec.structs.replace(series("Saga", genres=(DRAMA,)), publisher=world.rival.id, service=world.theatre.id)
    part = msgspec.structs.replace(an_episode(saga, 1, 1, "Un"), publisher=world.rival.id, service=world.theatre.id)
    world.put(saga, part)
    weigh(world, world.theatre, 10)
    answers = [ask.box.get("/api/v1/home", profile=one.id).json()["rows"] for one in (world.one.adult, world.one.child)]
    ask.phone.get("/api/v1/home")
    world.rankings.step()
    samples = [one for one in records(world) if one.audience != HOURLY]
    assert len(samples) == 2, "one for each audience, whoever asked and how often"
    shown = [{row["id"]: [tile["id"] for tile in row["items"][:12]] for row in rows} for rows in answers]
    assert [one.shown for one in samples] == shown, "all titles are for all ages, so both audiences were shown the same"
    for one in records(world):
        assert titles_shown(ranked(one.inputs)) == one.shown
        assert not {world.one.adult.id, world.one.child.id, world.one.household, world.one.box.id} & set(str(one).split("'"))


def test_a_publisher_is_told_its_places_and_why(world: World, ask: Screens) -> None:
    weigh(world, world.theatre, 10)
    world.rankings.step()
    answer = told(world, ask).raise_for_status().json()
    assert (answer["rule"], answer["prominence"], answer["first_places"]) == ("rows-2", 10, 12)
    assert "greater weight" in answer["says"]
    new, drama = answer["rows"]
    assert (new["row"], drama["row"], new["titles"], new["filled"]) == ("new", "genre-drama", 20, 12)
    assert [(one["place"], one["own_place"]) for one in new["places"]] == [(1, 2), (2, 4), (3, 6), (4, 8), (5, 10), (6, 12)]
    assert new["places"][0]["sorted_by"] == to_rfc3339(Instant(NOW + 38))
    mine = ask.studio.get("/api/v1/ranking", service=world.cinema.id, operator=world.orange).json()
    assert [(one["place"], one["own_place"]) for one in mine["rows"][0]["places"]] == [(n + 6, 2 * n - 1) for n in range(1, 7)]
    assert mine["prominence"] == 0
    assert world.theatre.id not in str(mine)


def test_of_a_service_that_nobody_may_know_of_nothing_is_told(world: World, ask: Screens) -> None:
    """The same bytes with a silent service in every first place and without it; its own publisher sees it, and staff do."""
    world.rankings.step()
    before = told(world, ask).content
    with world.database.write() as conn:
        third = parties.ensure_publisher(conn, "Third", "EUR", NOW)
        key = parties.mint_api_key(conn, third.id, "", NOW)
        silent = titles.ensure_service(conn, third.id, "Nocturama", NOW)
    world.put(*(_film(silent, f"N{n:02d}", 100 + n) for n in range(20)))
    world.sign(world.orange, silent, prominence=100)
    world.switch(world.orange, silent, "silent")
    world.now = Instant(world.now + HOUR)
    hour = {"at": to_rfc3339(Instant(world.now - HOUR))}
    world.rankings.step()
    hourly = [one for one in records(world) if one.audience == HOURLY and one.operator == world.orange]
    assert [silent.id in one.inputs.weights for one in hourly] == [False, True]
    assert hourly[-1].shown["new"] == hourly[-1].shown["genre-drama"]
    then, after = told(world, ask, **hour), told(world, ask)
    assert then.content == before
    assert after.content.replace(after.json()["hour"].encode(), then.json()["hour"].encode()) == before
    own = ask.rival._client.get(
        "/api/v1/ranking", params={"service": silent.id, "operator": world.orange}, headers={"Authorization": f"Bearer {key}"}
    ).json()
    assert [one["place"] for one in own["rows"][0]["places"]] == list(range(1, 13))
    assert own["prominence"] == 100
    refused = told(world, ask, service=silent.id)
    assert refused.content == told(world, ask, service="0" * 26).content


def test_an_hour_is_told_as_it_was(world: World, ask: Screens) -> None:
    world.rankings.step()
    first = world.now
    weigh(world, world.theatre, 10)
    world.rankings.step()
    assert told(world, ask).json()["prominence"] == 0, "an hour has one record"
    world.now = Instant(world.now + HOUR)
    world.rankings.step()
    world.now = Instant(world.now + HOUR)
    world.rankings.step()
    assert [told(world, ask, at=to_rfc3339(at)).json()["prominence"] for at in (first, world.now)] == [0, 10]
    assert len([one for one in records(world) if one.operator == world.orange]) == 2, "what did not change is not written again"
    assert told(world, ask, at=to_rfc3339(Instant(NOW - DAY))).status_code == 404
    assert told(world, ask, at=to_rfc3339(Instant(world.now + 1))).status_code == 404


def test_what_is_old_goes_and_what_still_held_stays(world: World, ask: Screens) -> None:
    world.rankings.step()
    for days in (1, 40, 95):
        world.now = Instant(NOW + days * DAY)
        weigh(world, world.theatre, days)
        world.rankings.step()
    kept = sorted(one.at for one in records(world) if one.operator == world.orange)
    assert [(at - NOW) // DAY for at in kept] == [1, 40, 95], "the one of the first day still held 90 days ago"
    assert told(world, ask, at=to_rfc3339(Instant(NOW + 5 * DAY + HOUR))).json()["prominence"] == 1
    assert told(world, ask, at=to_rfc3339(Instant(NOW + 4 * DAY))).status_code == 404


def test_two_processes_write_one_record(world: World) -> None:
    other = RankingLog(world.database, world.catalogue, world.carriage, world.fleet, lambda: world.now)
    other.step()
    world.rankings.step()
    with world.database.write() as conn:
        store.add(conn, records(world))
    assert len([one for one in records(world) if one.operator == world.orange]) == 1


def test_an_hour_is_settled_once_also_where_nothing_had_changed(world: World, ask: Screens) -> None:
    """Else what a later process wrote of a rival would depend on whether a service of which nobody may know had changed first."""
    world.rankings.step()
    world.now = Instant(world.now + HOUR)
    world.rankings.step()
    weigh(world, world.theatre, 10)
    other = RankingLog(world.database, world.catalogue, world.carriage, world.fleet, lambda: world.now)
    other.step()
    assert told(world, ask).json()["prominence"] == 0
    world.now = Instant(world.now + HOUR)
    other.step()
    assert told(world, ask).json()["prominence"] == 10
    world.now = Instant(world.now + 2 * DAY)
    other.step()
    with world.database.read() as conn:
        marks = conn.execute(sa.select(sa.func.count()).where(rankings.c.audience == "-", rankings.c.operator_id == world.orange))
        assert marks.scalar_one() == 1, "marks of old hours are kept no longer than they are of use"


def test_an_hour_that_begins_while_the_last_one_is_written_gets_its_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    only = frozenset({world.theatre.id})
    sight = Sight(
        services=only,
        searched=only,
        listed=only,
        max_age=AGE_CLASSES[-1],
        operator=world.orange,
        territory="FR",
        now=Instant(world.now + HOUR),
        language=Language("fr"),
    )
    prune = store.prune

    def late(conn: Any, now: Instant) -> int:
        monkeypatch.undo()
        world.rankings.note(world.catalogue.view, NOTHING_LEARNT, sight, [])
        return prune(conn, now)

    monkeypatch.setattr(store, "prune", late)
    world.rankings.step()
    weigh(world, world.theatre, 10)
    world.now = Instant(world.now + HOUR)
    world.rankings.step()
    assert len([one for one in records(world) if one.audience == HOURLY and one.operator == world.orange]) == 2


def test_a_record_that_somebody_touched_comes_out_otherwise(world: World) -> None:
    world.rankings.step()
    with world.database.write() as conn:
        theirs = (rankings.c.operator_id == world.orange, rankings.c.audience == HOURLY)
        row = conn.execute(sa.select(rankings).where(*theirs)).one()
        shown = {**row.shown, "new": row.shown["new"][::-1]}
        conn.execute(sa.update(rankings).where(*theirs).values(shown=shown))
    (touched,) = [one for one in records(world) if one.operator == world.orange]
    assert titles_shown(ranked(touched.inputs)) != touched.shown


@pytest.mark.parametrize(
    "query", [{"at": "yesterday"}, {"service": None}, {"operator": None}, {"operator": "0" * 26}, {"at": "x" * 41}]
)
def test_what_makes_no_sense_is_refused(world: World, ask: Screens, query: dict[str, Any]) -> None:
    assert told(world, ask, **query).status_code in (400, 404)
    for who, status in ((ask.box, 403), (ask.phone, 403), (ask.nobody, 401)):
        assert who.get("/api/v1/ranking", service=world.theatre.id, operator=world.orange).status_code == status
