"""What is above a profile's age class reads, byte for byte, as what does not exist: on each route that a screen may ask.

A title that is asked for by its id is compared with an id that names nothing; a list with the list after all that is above the
age class was taken away. A route that no list here names fails the first test: say there what it tells of titles.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from matinee.app import wiring
from matinee.app.household import HOUSEHOLD, ensure_household
from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.clock import Instant
from matinee.base.ids import PackageId, ProfileId, SessionId, TitleId, new_id
from matinee.base.party import PartyKind
from matinee.base.units import DurationMs, PositionMs
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus
from matinee.catalogue import store as titles
from matinee.catalogue.model import AGE_CLASSES, AgeClass, Genre, Language, Offer, PartnerWork, Title, TitleKind, WayToWatch
from matinee.fleet import store as fleet
from matinee.home.opened import opened_titles
from matinee.library import store as library
from matinee.members import store as members
from matinee.members import taste_store
from matinee.parties import store as parties
from matinee.playback import store as playback
from matinee.playback.model import Place
from tests.app.test_policies import handlers
from tests.catalogue.factories import episode, film, series

DRAMA = Genre("drama")
Asked = tuple[str, str, Mapping[str, Any], Any]
"""Method, path, query, body."""

OF_A_TITLE: dict[str, Callable[[str, str], Asked]] = {
    "GET /api/v1/titles/{title_id}": lambda t, p: ("GET", f"/api/v1/titles/{t}", {"profile": p}, None),
    "POST /api/v1/titles/{title_id}/open": lambda t, p: (
        "POST", f"/api/v1/titles/{t}/open", {}, {"source": "home", "profile_id": p}
    ),
    "POST /api/v1/watched": lambda t, p: (
        "POST", "/api/v1/watched", {}, {"service_id": t, "entity_id": t, "profile_id": p, "progress": 0.5}
    ),
    "PUT /api/v1/titles/{title_id}/list": lambda t, p: ("PUT", f"/api/v1/titles/{t}/list", {}, {"profile_id": p}),
    "DELETE /api/v1/titles/{title_id}/list": lambda t, p: ("DELETE", f"/api/v1/titles/{t}/list", {"profile": p}, None),
    "PUT /api/v1/titles/{title_id}/thumb": lambda t, p: (
        "PUT", f"/api/v1/titles/{t}/thumb", {}, {"profile_id": p, "thumb": "up"}
    ),
    "DELETE /api/v1/history/{title_id}": lambda t, p: ("DELETE", f"/api/v1/history/{t}", {"profile": p}, None),
    "POST /api/v1/playback": lambda t, p: ("POST", "/api/v1/playback", {}, {"title_id": t, "profile_id": p}),
}  # fmt: skip
ROWS = ("continue", "my-list", "new", "series", "genre-drama")
TYPED = ("film", "film 18", "épisode", "ailleurs", "a", "jeanne")
LISTS: dict[str, Callable[[str], list[Asked]]] = {
    "GET /api/v1/home": lambda p: [("GET", "/api/v1/home", {"profile": p}, None)],
    "GET /api/v1/rows/{row_id}": lambda p: [
        ("GET", f"/api/v1/rows/{row}", {"profile": p, "limit": limit}, None) for row in ROWS for limit in (1, 3, 24)
    ],
    "GET /api/v1/search": lambda p: [
        ("GET", "/api/v1/search", {"profile": p, "q": q, "limit": limit}, None) for q in TYPED for limit in (1, 24)
    ],
    "GET /api/v1/history": lambda p: [("GET", "/api/v1/history", {"profile": p, "limit": limit}, None) for limit in (1, 50)],
    "GET /api/v1/titles/{title_id}": lambda p: [],  # the pages of what may be seen, which name others: asked below
}
OF_NO_TITLE = {
    "GET /api/v1/me": "the household's people and services",
    "GET /api/v1/announced": "services that are coming or going: of no title",
    "POST /api/v1/playback/{session_id}/heartbeat": "a play that began; a profile made younger stops it (tests/playback)",
    "POST /api/v1/playback/{session_id}/end": "a play that began",
    "POST /api/v1/playback/{session_id}/stop": "a play that began",
    "GET /api/v1/sessions": "screens",
    "DELETE /api/v1/sessions": "screens",
    "DELETE /api/v1/sessions/{session_id}": "screens",
    "PUT /api/v1/profiles/{profile_id}/preferences": "languages",
    "POST /api/v1/activations": "a link to a subscription",
    "POST /api/v1/vouchers/redeem": "money",
    "GET /api/v1/credit": "money",
    "GET /api/v1/plan": "money; refused where a kids' profile is open (tests/members/test_plan_api.py)",
    "GET /api/v1/invoices": "money; refused where a kids' profile is open (tests/members/test_plan_api.py)",
    "POST /api/v1/profiles": "people",
    "PUT /api/v1/profiles": "people",
    "PATCH /api/v1/profiles/{profile_id}": "people",
    "DELETE /api/v1/profiles/{profile_id}": "people",
    "POST /api/v1/profiles/{profile_id}/choose": "people",
    "PUT /api/v1/pin": "the PIN",
    "DELETE /api/v1/pin": "the PIN",
    "POST /api/v1/pin/unlock": "the PIN",
    "DELETE /api/v1/history": "hides all, and names none",
    "GET /api/v1/profiles/{profile_id}/consents": "people",
    "PUT /api/v1/profiles/{profile_id}/consents": "people",
    "GET /api/v1/privacy/export": "the household's own file, of every age: the PIN is asked",
    "POST /api/v1/privacy/erase": "the household",
}


@dataclass
class Aged:
    """The app, with a profile of each age class and titles of each."""

    client: "TestClient[Any]"
    token: str
    routes: set[str]
    profiles: dict[AgeClass, ProfileId]
    titles: list[Title]
    installation: Installation
    poll: Callable[[], Any]

    def ask(self, asked: Asked) -> tuple[int, bytes, list[tuple[str, str]]]:
        method, path, query, body = asked
        answer = self.client.request(
            method, path, params=dict(query), json=body, headers={"Authorization": f"Bearer {self.token}"}
        )
        assert answer.status_code < 500, (asked, answer.text)
        return answer.status_code, answer.content, sorted(answer.headers.items())

    def above(self, age: AgeClass) -> list[Title]:
        """What a profile of this age class may not see: a series where all of its episodes are, and its season."""
        return [one for one in self.titles if least_age(one, self.titles) > age]


def least_age(title: Title, every: Sequence[Title]) -> AgeClass:
    """The youngest that may see a title."""
    if title.kind is TitleKind.SERIES:
        parts = [one for one in every if one.series == title.id and one.kind is TitleKind.EPISODE]
        return min(one.age_class for one in parts)
    if title.kind is TitleKind.SEASON:
        return least_age(next(one for one in every if one.id == title.series), every)
    return title.age_class


@pytest.fixture
def aged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aged]:
    feeds: list[Any] = []

    class Followed(wiring.Following):
        def __init__(self, feed: Any) -> None:
            super().__init__(feed)
            feeds.append(feed)

    monkeypatch.setattr(wiring, "Following", Followed)
    now = Instant(read_clock() - 60_000)
    with contextlib.ExitStack() as stack:
        installation = stack.enter_context(open_installation(load_settings(tmp_path / "data", {})))
        token = ensure_household(installation, default_service(installation), now).box
        made = _titles(installation, now)
        profiles = _people(installation, made, now)
        app = wiring.build_web(installation, landing=lambda: "")
        client = stack.enter_context(TestClient(app, raise_server_exceptions=False))
        screens = {PartyKind.BOX, PartyKind.VIEWER}
        routes = {f"{method} {path}" for method, path, handler in handlers(app) if handler.opt["policy"] == screens}
        yield Aged(client, token, routes, profiles, made, installation, feeds[0].poll)


def _titles(installation: Installation, now: Instant) -> list[Title]:
    """Films, partner's films, and series of one season whose episodes are all of one age class; and one series of every age."""
    own = default_service(installation)
    with installation.database.write() as conn:
        studio = parties.ensure_publisher(conn, "Elsewhere", "EUR", now)
        partner = titles.ensure_service(conn, studio.id, "Ailleurs", now)
        operator = fleet.ensure_operator(conn, "Home fibre", "FR", "Europe/Paris", now)
        carriage.ensure_agreement(conn, operator.id, partner.id, AgreementStatus.SIGNED, now, actor="test")
        carriage.ensure_open_launch(conn, operator.id, partner.id, now, actor="test")
    ours = {"publisher": own.publisher, "service": own.id, "genres": (DRAMA,)}
    theirs = {"publisher": studio.id, "service": partner.id, "genres": (DRAMA,), "playable": None}
    made: list[Title] = []
    mixed = series("Tous les âges", **ours)
    for number, age in enumerate(AGE_CLASSES):
        ref = PartnerWork(ref=f"urn:{age}", ways=(WayToWatch(link="https://tv.example/{id}", offer=Offer.FREE),))
        saga = series(f"Saga {age}", age_class=AgeClass(0), **ours)
        made += [
            film(f"Film {age}", age_class=age, published_at=Instant(now + number), **ours),
            film(f"Ailleurs {age}", age_class=age, partner=ref, published_at=Instant(now - number), **theirs),
            saga,
            film(f"Saison {age}", kind=TitleKind.SEASON, series=saga.id, season=1, **{**ours, "playable": None}),
            *(episode(saga, 1, place, f"Épisode {age} {place}", age_class=age, genres=(DRAMA,)) for place in (1, 2)),
        ]
        if number == 0:
            made.append(mixed)
        made.append(episode(mixed, 1, number + 1, f"Épisode de tous {age}", age_class=age, genres=(DRAMA,)))
    with installation.database.write() as conn:
        titles.insert_many(conn, made, now)
        for one in made:
            if one.playable is not None:
                library.ensure_keys(conn, installation.master, PackageId(one.playable.package), one.id, now)
    return made


def _people(installation: Installation, made: Sequence[Title], now: Instant) -> dict[AgeClass, ProfileId]:
    """A profile of each age class, who has watched, opened and listed everything, whatever its age class was then."""
    found = {}
    with installation.database.write() as conn:
        household = members.ensure_household(conn, HOUSEHOLD, now).id
        for age in AGE_CLASSES:
            one = members.ensure_profile(conn, household, f"Class {age}", "#4477aa", age, Language("fr"), now)
            found[age] = one.id
            for number, title in enumerate(made):
                if title.partner is not None:
                    row = {"profile_id": one.id, "title_id": title.id, "household_id": household, "opened_at": now}
                    conn.execute(opened_titles.insert().values(**row))
                elif title.playable is not None:
                    following = made[number + 1].id if number + 1 < len(made) else None
                    place = Place(
                        household=household,
                        profile=one.id,
                        title=title.id,
                        position_ms=PositionMs(9_000),
                        duration_ms=DurationMs(60_000),
                        completed=number % 2 == 0,
                        session=SessionId(new_id()),
                        sequence=1,
                        counted_at=Instant(now + number),
                        next_title=following,
                        next_duration_ms=DurationMs(60_000),
                    )
                    playback.save_places(conn, [place])
                taste_store.put_on_list(conn, household, one.id, title.id, Instant(now + number))
    return found


def test_every_route_of_screens_is_listed_here(aged: Aged) -> None:
    listed = OF_A_TITLE.keys() | LISTS.keys() | OF_NO_TITLE.keys()
    assert aged.routes - listed == set(), "say here how it is asked, or why it tells of no title"
    assert listed - aged.routes == set(), "these are no routes of screens any more"


def test_what_is_above_an_age_class_reads_as_what_does_not_exist(aged: Aged) -> None:
    compared = seen = 0
    for age, profile in aged.profiles.items():
        above = {one.id for one in aged.above(age)}
        assert age == AGE_CLASSES[-1] or above
        for route, ask in OF_A_TITLE.items():
            if route.startswith("DELETE"):
                continue  # asked last: it takes away what the others are about
            nothing = aged.ask(ask(TitleId(new_id()), profile))
            for title in aged.titles:
                answer = aged.ask(ask(title.id, profile))
                if title.id in above:
                    assert answer == nothing, f"{route}: {title.text} at {age}"
                    compared += 1
                seen += answer[0] == 200
        for route, ask in OF_A_TITLE.items():
            nothing = aged.ask(ask(TitleId(new_id()), profile)) if route.startswith("DELETE") else None
            for one in above if nothing else ():
                assert aged.ask(ask(TitleId(one), profile)) == nothing, route
    assert compared > 300
    assert seen > 200, "what may be seen is answered: the comparison is of more than refusals"


def test_no_list_tells_of_what_is_above_an_age_class(aged: Aged) -> None:
    told = 0
    for age in reversed(AGE_CLASSES[:-1]):
        profile, above = aged.profiles[age], aged.above(age)
        allowed = [one for one in aged.titles if one not in above and one.kind is not TitleKind.SEASON]
        questions = [asked for make in LISTS.values() for asked in make(profile)]
        questions += [("GET", f"/api/v1/titles/{one.id}", {"profile": profile}, None) for one in allowed]
        before = [aged.ask(asked) for asked in questions]
        with aged.installation.database.write() as conn:
            titles.write_partner_titles(conn, [], [], above, read_clock())
        aged.poll()
        aged.titles = [one for one in aged.titles if one not in above]
        for asked, was in zip(questions, before, strict=True):
            assert aged.ask(asked) == was, f"{asked} at {age}"
        told += sum(status == 200 for status, _, _ in before)
    assert told > 100


def test_a_play_that_runs_stops_where_its_profile_is_made_younger(aged: Aged) -> None:
    grown, film_18 = aged.profiles[AgeClass(18)], next(one for one in aged.titles if one.age_class == 18 and one.playable)
    asked = OF_A_TITLE["POST /api/v1/playback"](film_18.id, grown)
    headers = {"Authorization": f"Bearer {aged.token}"}
    play = aged.client.post(asked[1], json=asked[3], headers=headers).json()
    beat = f"/api/v1/playback/{play['session_id']}/heartbeat"
    said = {"sequence": 0, "position_ms": 1_000, "state": "playing"}
    assert aged.client.post(beat, json=said, headers=headers).json()["stop"] is None
    assert aged.client.patch(f"/api/v1/profiles/{grown}", json={"age_class": 16}, headers=headers).status_code == 200
    assert aged.client.post(beat, json={**said, "sequence": 1}, headers=headers).json()["stop"] == "rights"


def test_a_kids_home_is_its_own(aged: Aged) -> None:
    """Nothing of a partner's service that is for grown-ups too, no prominence, nothing advertised; and what is new comes last."""
    child = aged.profiles[AgeClass(10)]
    headers = {"Authorization": f"Bearer {aged.token}"}
    home = ("GET", "/api/v1/home", {"profile": child}, None)
    search = ("GET", "/api/v1/search", {"profile": child, "q": "ailleurs"}, None)
    partner = next(one for one in aged.titles if one.partner is not None and one.age_class == 0)
    assert b"Ailleurs 10" in aged.ask(home)[1]
    assert b"Ailleurs 0" in aged.ask(search)[1]
    assert aged.client.patch(f"/api/v1/profiles/{child}", json={"kids": True}, headers=headers).status_code == 200
    rows = aged.client.get("/api/v1/home", params={"profile": child}, headers=headers).json()["rows"]
    assert [row["id"] for row in rows] == ["continue", "my-list", "series", "genre-drama", "new"]
    assert b"Ailleurs" not in aged.ask(home)[1]
    assert b"Ailleurs" not in aged.ask(search)[1]
    for route, ask in OF_A_TITLE.items():
        assert aged.ask(ask(partner.id, child)) == aged.ask(ask(TitleId(new_id()), child)), route
    with aged.installation.database.write() as conn:  # without what is for 16 and over, that service is for children too
        gone = [one for one in aged.titles if one.partner is not None and one.age_class > 12]
        titles.write_partner_titles(conn, [], [], gone, read_clock())
    aged.poll()
    assert b"Ailleurs 10" in aged.ask(home)[1]
