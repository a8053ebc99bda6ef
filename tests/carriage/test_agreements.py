"""What an operator's homes may see, by dated agreements: tables of (what it shows, facts, moment, what is seen)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import DAY, Instant
from matinee.base.ids import AgreementId, LaunchId, OperatorId, ServiceId
from matinee.carriage import store
from matinee.carriage.model import (
    Agreement,
    AgreementStatus,
    BoxView,
    CarriageError,
    Discoverability,
    Launch,
    LaunchState,
)
from matinee.carriage.rules import decide
from matinee.carriage.snapshot import Carriage, Seen
from matinee.fleet.buckets import bucket
from matinee.fleet.snapshot import Fleet
from matinee.members.snapshot import Resolver
from matinee.outside.database import Database
from matinee.parties import audit
from tests.catalogue.factories import film
from tests.world import NOW, World, screens

S, ORANGE = ServiceId("s"), OperatorId("o")
OPEN = Launch(
    id=LaunchId(""),
    operator=ORANGE,
    service=S,
    state=LaunchState.OPEN,
    technical_at=Instant(0),
    valid_from=Instant(0),
    recorded_at=Instant(0),
)


def fact(status: str, day: int, recorded: int | None = None, until: int | None = None, service: str = S) -> Agreement:
    return Agreement(
        id=AgreementId(""),
        operator=ORANGE,
        service=ServiceId(service),
        status=AgreementStatus(status),
        valid_from=Instant(NOW + day * DAY),
        valid_to=None if until is None else Instant(NOW + until * DAY),
        recorded_at=Instant(NOW + (day if recorded is None else recorded) * DAY),
    )


TABLE = [
    ("no agreement", [], 0, None, False),
    ("signed", [fact("signed", 0)], 0, None, True),
    ("signed from tomorrow", [fact("signed", 1, 0)], 0, None, False),
    ("refused", [fact("refused", 0)], 5, None, False),
    ("under negotiation", [fact("negotiating", 0)], 5, None, False),
    ("suspended after it was signed", [fact("signed", 0), fact("suspended", 3)], 4, None, False),
    ("before it was suspended", [fact("signed", 0), fact("suspended", 3)], 2, None, True),
    ("ended", [fact("signed", 0), fact("ended", 3)], 3, None, False),
    ("its term is over", [fact("signed", 0, until=3)], 3, None, False),
    ("signed again", [fact("signed", 0), fact("ended", 3), fact("signed", 6)], 7, None, True),
    ("a suspension of two days, and over", [fact("signed", 0), fact("suspended", 3, until=5)], 6, None, True),
    ("live on the second, known on the tenth", [fact("signed", 2, 10)], 4, None, True),
    ("the same, as it was known on the fifth", [fact("signed", 2, 10)], 4, 5, False),
    ("a correction recorded later wins", [fact("signed", 0, 1), fact("refused", 0, 2)], 3, None, False),
    ("another service's", [fact("signed", 0, service="t")], 1, None, False),
]


@pytest.mark.parametrize(("shows", "facts", "day", "known", "seen"), TABLE, ids=[row[0] for row in TABLE])
def test_what_is_seen(shows: str, facts: list[Agreement], day: int, known: int | None, seen: bool) -> None:
    known_at = None if known is None else Instant(NOW + known * DAY)
    decision = decide(S, None, [one for one in facts if one.service == S], [OPEN], BoxView(), Instant(NOW + day * DAY), known_at)
    assert decision.visible is seen, (shows, decision.clauses)


_FACTS = st.lists(
    st.builds(
        fact,
        st.sampled_from([status.value for status in AgreementStatus]),
        st.integers(0, 6),
        st.integers(0, 6),
        st.none() | st.integers(7, 9),
        st.sampled_from(["s", "t"]),
    ),
    max_size=6,
)


@given(_FACTS, st.lists(st.integers(0, 10), min_size=1, max_size=6).map(sorted))
def test_what_is_kept_is_what_would_be_decided_anew(facts: list[Agreement], days: list[int]) -> None:
    services = {ServiceId("s"), ServiceId("t")}
    launches = [msgspec.structs.replace(OPEN, service=one) for one in services]
    carriage = Carriage(Fleet())
    carriage.put(facts, launches)
    for day in [*days, *reversed(days)]:
        now = Instant(NOW + day * DAY)
        anew = {
            one for one in services if decide(one, None, [f for f in facts if f.service == one], [OPEN], BoxView(), now).visible
        }
        assert carriage.seen(ORANGE, [], now).row == anew
    assert carriage.seen(None, [], NOW) == carriage.seen(OperatorId("else"), [], NOW) == Seen()


def carried(world: World, operator: OperatorId, now: Instant) -> frozenset[ServiceId]:
    return world.carriage.seen(operator, [], now).row


def test_a_change_is_seen_as_soon_as_the_feed_has_it(any_database: Database) -> None:
    world = World(any_database)
    assert carried(world, world.orange, NOW) == {world.cinema.id}
    world.now = Instant(NOW + 1)
    world.sign(world.orange, world.cinema, "suspended")
    assert carried(world, world.orange, world.now) == frozenset()
    assert carried(world, world.orange, NOW) == {world.cinema.id}, "as it was"
    assert carried(world, world.free, world.now) == frozenset()


def test_every_record_is_sealed_in_the_audit(any_database: Database) -> None:
    world = World(any_database)
    world.sign(world.free, world.cinema, "refused")
    with world.database.read() as conn:
        import sqlalchemy as sa

        rows = conn.execute(sa.select(audit.audit).order_by(audit.audit.c.seq)).all()
        assert [row.detail["status"] for row in rows if row.action == "agreement.record"] == ["signed", "refused"]
        assert audit.first_broken(conn) is None


def test_what_makes_no_sense_is_refused(any_database: Database) -> None:
    world = World(any_database)
    with any_database.write() as conn:
        with pytest.raises(CarriageError, match="no reason"):
            store.record_agreement(conn, world.free, world.cinema.id, AgreementStatus.REFUSED, NOW, NOW, actor="test", reason=" ")
        with pytest.raises(CarriageError, match="ends before it begins"):
            store.record_agreement(
                conn, world.free, world.cinema.id, AgreementStatus.SIGNED, NOW, NOW, actor="test", valid_to=NOW
            )


def test_a_set_up_that_runs_again_records_once(any_database: Database) -> None:
    world = World(any_database)
    with any_database.write() as conn:
        signed = AgreementStatus.SIGNED
        one = store.ensure_agreement(conn, world.free, world.cinema.id, signed, NOW, actor="test")
        assert store.ensure_agreement(conn, world.free, world.cinema.id, signed, Instant(NOW + 5), actor="test") == one
        assert len(store.all_agreements(conn)) == 2


def test_a_pause_takes_no_new_plays_and_lets_films_run_a_kill_ends_them(any_database: Database) -> None:
    world = World(any_database)
    party = Resolver(world.keys, world.fleet, world.members, world.staff).resolve(world.one.box_token, world.now)
    assert party is not None
    for state, there, running in (("paused", False, True), ("open", True, True), ("killed", False, False)):
        world.switch(world.orange, world.cinema, state)
        now = world.sights.sight(party, None, world.now)
        assert (world.cinema.id in now.services, world.cinema.id in now.listed) == (there, there), state
        assert (world.cinema.id in world.sights.sight(party, None, world.now, playing=True).services) is running, state


def test_a_share_of_the_boxes_is_the_same_boxes_on_every_screen_of_their_homes(any_database: Database) -> None:
    world = World(any_database)
    homes = [world.settle(world.orange, f"home-{number}") for number in range(40)]
    for share in (0, 2_500, 10_000):
        world.switch(world.orange, world.cinema, share=share, salt="draw")
        resolver = Resolver(world.keys, world.fleet, world.members, world.staff)
        for home in homes:
            expected = bucket("draw", home.box.id, 10_000) < share
            for token in (home.box_token, home.viewer_token):
                party = resolver.resolve(token, world.now)
                assert party is not None
                assert (world.cinema.id in world.sights.sight(party, None, world.now).listed) is expected


@pytest.mark.parametrize(
    ("found_by", "page", "search", "rows"),
    [("hidden", False, False, False), ("direct", True, False, False), ("search", True, True, False), ("row", True, True, True)],
)
def test_how_a_service_is_found(any_database: Database, found_by: str, page: bool, search: bool, rows: bool) -> None:
    world = World(any_database)
    made = film("The keeper", publisher=world.studio.id, service=world.cinema.id)
    world.put(made)
    world.switch(world.orange, world.cinema, discoverability=Discoverability(found_by))
    with screens(world) as ask:
        for screen in (ask.box, ask.phone):
            assert (screen.get(f"/api/v1/titles/{made.id}").status_code == 200) is page
            assert bool(screen.get("/api/v1/search", q="keeper").json()["items"]) is search
            assert bool(screen.get("/api/v1/home").json()["rows"]) is rows
            assert [one["name"] for one in screen.get("/api/v1/me").json()["services"]] == (["Cinéma"] if rows else [])
            assert screen.get("/api/v1/announced").json()["services"] == []
