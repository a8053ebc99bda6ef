"""A service's feed for partners: its shape whole, whatever titles are called, page by page, and windows as they stand."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import DAY, Instant, to_rfc3339
from matinee.base.ids import ArtworkId, OperatorId, PublisherId, ServiceId, TitleId
from matinee.base.pagination import encode_cursor
from matinee.catalogue import store as titles
from matinee.catalogue.model import AgeClass, Credit, Genre, Service, ServiceKind, Title, TitleText, Window
from matinee.catalogue.view import CatalogueView, view_of
from matinee.fleet.model import Operator
from matinee.home.watch_actions import MEDIA_TYPE, watch_feed
from tests.catalogue.factories import EN, FR, episode, film, series
from tests.world import NOW, ORIGIN, Screens, World, screens, world_on_sqlite

SERVICE = Service(id=ServiceId("s" * 26), publisher=PublisherId("p" * 26), name="Cinéma")
FIBRE = Operator(id=OperatorId("f" * 26), name="Fibre", country="FR", timezone="Europe/Paris")
CABLE = Operator(id=OperatorId("c" * 26), name="Câble", country="FR", timezone="Europe/Paris")
BELGIAN = Operator(id=OperatorId("b" * 26), name="Belge", country="BE", timezone="Europe/Brussels")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_on_sqlite(tmp_path) as made:
        yield made


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def address(service: Service) -> str:
    return f"/api/v1/services/{service.id}/watch-actions"


def day(number: float) -> Instant:
    return Instant(NOW + int(number * DAY))


def window(opens: float, closes: float | None = None, territory: str = "FR", operator: Operator | None = None) -> Window:
    return Window(
        territory=territory,
        operator=None if operator is None else operator.id,
        opens_at=day(opens),
        closes_at=None if closes is None else day(closes),
    )


def page(view: CatalogueView, operator: Operator | None = None, service: Service = SERVICE, **where: Any) -> dict[str, Any]:
    feed = watch_feed(
        view, service, "Studio", operator, where.get("now", NOW), ORIGIN, where.get("cursor"), where.get("limit", 100)
    )
    return dict(json.loads(msgspec.json.encode(feed)))


def access(work: dict[str, Any]) -> list[tuple[str | None, str, str | None]]:
    """(country, from, to) of each requirement of a work's action."""
    return [
        (one.get("eligibleRegion", {}).get("name"), one["availabilityStarts"], one.get("availabilityEnds"))
        for one in work["potentialAction"]["actionAccessibilityRequirement"]
    ]


def told(
    view: CatalogueView, operator: Operator | None = None, **where: Any
) -> dict[str, list[tuple[str | None, str, str | None]]]:
    """Name -> where and when, of all that a feed names."""
    return {work["name"][0]["@value"]: access(work) for work in page(view, operator, **where)["dataFeedElement"]}


# --- its shape --------------------------------------------------------------------------------------------------------------


def test_a_film_whole() -> None:
    made = film(
        "Le Phare",
        text={FR: TitleText(name="Le Phare", synopsis="Une île."), EN: TitleText(name="The Lighthouse", short="An island.")},
        year=1929,
        age_class=AgeClass(12),
        genres=(Genre("drama"),),
        original_language=FR,
        credits=(
            Credit(role="director", names=("D",)),
            Credit(role="cast", names=("A", "B")),
            Credit(role="camera", names=("C",)),
        ),
        artwork=ArtworkId("a" * 26),
    )
    assert page(view_of([made])) == {
        "@context": ["https://schema.org", {"next_cursor": None}],
        "@type": "DataFeed",
        "name": "Cinéma",
        "provider": {"@type": "Organization", "name": "Studio"},
        "next_cursor": None,
        "dataFeedElement": [
            {
                "@type": "Movie",
                "@id": f"{ORIGIN}/watch/#/title/{made.id}",
                "url": f"{ORIGIN}/watch/#/title/{made.id}",
                "name": [{"@language": "en", "@value": "The Lighthouse"}, {"@language": "fr", "@value": "Le Phare"}],
                "description": [{"@language": "fr", "@value": "Une île."}],
                "potentialAction": {
                    "@type": "WatchAction",
                    "target": {
                        "@type": "EntryPoint",
                        "urlTemplate": f"{ORIGIN}/watch/#/play/{made.id}",
                        "actionPlatform": [
                            "https://schema.org/DesktopWebPlatform",
                            "https://schema.org/MobileWebPlatform",
                        ],
                    },
                    "actionAccessibilityRequirement": [
                        {
                            "@type": "ActionAccessSpecification",
                            "category": "subscription",
                            "availabilityStarts": to_rfc3339(NOW),
                            "requiresSubscription": {"@type": "MediaSubscription", "name": "Cinéma"},
                        }
                    ],
                },
                "image": f"{ORIGIN}/artwork/{made.artwork}/poster.jpg",
                "duration": "PT0H1M0S",
                "datePublished": "1929",
                "typicalAgeRange": "12-",
                "genre": ["drama"],
                "inLanguage": "fr",
                "subtitleLanguage": ["fr"],
                "director": [{"@type": "Person", "name": "D"}],
                "actor": [{"@type": "Person", "name": "A"}, {"@type": "Person", "name": "B"}],
            }
        ],
    }


def test_an_episode_says_what_it_is_a_part_of_and_follows_its_series() -> None:
    saga = series("Saga", text={FR: TitleText(name="Saga")})
    parts = [episode(saga, 1, 2, text={}), episode(saga, 1, 1, "Un"), episode(saga, 2, 1, "Trois")]
    found = page(view_of([saga, *parts]))["dataFeedElement"]
    assert [(work["@type"], work["name"][0]["@value"]) for work in found] == [
        ("TVSeries", "Saga"),
        ("TVEpisode", "Un"),
        ("TVEpisode", "S01E02"),
        ("TVEpisode", "Trois"),
    ]
    assert found[0]["potentialAction"]["target"]["urlTemplate"] == found[0]["url"]
    assert "duration" not in found[0]
    last = found[3]
    assert (last["partOfSeason"], last["episodeNumber"]) == ({"@type": "TVSeason", "seasonNumber": 2}, 1)
    assert last["partOfSeries"] == {
        "@type": "TVSeries",
        "@id": found[0]["@id"],
        "name": [{"@language": "fr", "@value": "Saga"}],
    }


@pytest.mark.parametrize(
    ("kind", "category"), [("svod", "subscription"), ("paytv", "externalsubscription"), ("catchup", "free"), ("linear", "free")]
)
def test_how_a_viewer_comes_by_it_follows_from_the_kind_of_service(kind: str, category: str) -> None:
    service = msgspec.structs.replace(SERVICE, kind=ServiceKind(kind))
    (work,) = page(view_of([film("One")]), service=service)["dataFeedElement"]
    (requirement,) = work["potentialAction"]["actionAccessibilityRequirement"]
    assert requirement["category"] == category
    assert ("requiresSubscription" in requirement) is (category != "free")


@given(st.one_of(st.sampled_from(['"\\/', "</script><b>", "a\u2028b\x00", "👩‍👩‍👧", "مرحبا", "x" * 5_000]), st.text(min_size=1)))
def test_a_name_reads_back_as_it_was(name: str) -> None:
    name = name.encode("utf-8", "ignore").decode()
    (work,) = page(view_of([film("x", text={FR: TitleText(name=name, synopsis=name)})]))["dataFeedElement"]
    assert work["name"] == [{"@language": "fr" if name else "und", "@value": name or "S00E00"}]
    assert [words["@value"] for words in work.get("description", [])] == ([name] if name else [])


# --- windows ----------------------------------------------------------------------------------------------------------------

NOON, LATER = to_rfc3339(NOW), to_rfc3339(day(5))

WINDOWS: list[tuple[str, tuple[Window, ...], Operator | None, list[tuple[str | None, str, str | None]]]] = [
    ("no window, no operator: wherever it is carried", (), None, [(None, NOON, None)]),
    ("no window: the operator's country", (), FIBRE, [("FR", NOON, None)]),
    ("a window that is open", (window(0, 5),), None, [("FR", NOON, LATER)]),
    ("a window that is open, at an operator there", (window(0, 5),), FIBRE, [("FR", NOON, LATER)]),
    ("a window of another country", (window(0, 5),), BELGIAN, []),
    ("several countries", (window(0, None, "FR"), window(0, 5, "BE")), None, [("BE", NOON, LATER), ("FR", NOON, None)]),
    ("one of several countries", (window(0, None, "FR"), window(0, 5, "BE")), BELGIAN, [("BE", NOON, LATER)]),
    ("a window that will open", (window(5),), FIBRE, [("FR", LATER, None)]),
    ("a window that closed", (window(-5, -1),), None, []),
    ("a window that closes this moment", (window(-5, 0),), FIBRE, []),
    ("one that closed and one that will open", (window(-5, -1), window(5)), FIBRE, [("FR", LATER, None)]),
    ("an operator's own window, for it", (window(0, operator=FIBRE),), FIBRE, [("FR", NOON, None)]),
    ("an operator's own window, for its rival", (window(0, operator=FIBRE),), CABLE, []),
    ("an operator's own window, for nobody in particular", (window(0, operator=FIBRE),), None, []),
]


@pytest.mark.parametrize(("shows", "windows", "operator", "expected"), WINDOWS, ids=[row[0] for row in WINDOWS])
def test_windows_are_told_as_they_stand(
    shows: str, windows: tuple[Window, ...], operator: Operator | None, expected: list[tuple[str | None, str, str | None]]
) -> None:
    found = told(view_of([film("One", windows=windows)]), operator)
    assert found == ({"One": expected} if expected else {}), shows


def test_a_series_is_there_as_long_as_one_of_its_episodes_is() -> None:
    saga = series("Saga")
    parts = [
        episode(saga, 1, 1, "Gone", windows=(window(-5, -1),)),
        episode(saga, 1, 2, "Here", windows=(window(-1, 2), window(-1, None, "BE"))),
        episode(saga, 1, 3, "Soon", windows=(window(1, 5),)),
    ]
    view = view_of([saga, *parts])
    assert told(view, FIBRE).keys() == {"Saga", "Here", "Soon"}
    assert told(view)["Saga"] == [("BE", to_rfc3339(day(-1)), None), ("FR", to_rfc3339(day(-1)), LATER)]
    assert told(view, FIBRE, now=day(5)) == {}
    assert told(view_of([saga])) == {}


# --- pages ------------------------------------------------------------------------------------------------------------------


def _many() -> list[Title]:
    saga = series("Saga", published_at=day(3))
    parts = [episode(saga, 1 + n // 3, n % 3, f"E{n}", published_at=day(3)) for n in range(7)]
    films = [film(f"F{n}", published_at=day(n), age_class=AgeClass((0, 18)[n % 2])) for n in range(7)]
    closed = [film(f"C{n}", published_at=day(n), windows=(window(-5, -1),)) for n in range(7)]
    return [saga, *parts, *films, *closed]


def _pages(view: CatalogueView, limit: int) -> Iterator[list[str]]:
    cursor = None
    while True:
        found = page(view, cursor=cursor, limit=limit)
        yield [work["@id"] for work in found["dataFeedElement"]]
        cursor = found["next_cursor"]
        if cursor is None:
            return


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 15, 100])
def test_pages_together_are_the_whole_and_each_but_the_last_is_full(limit: int) -> None:
    view = view_of(_many())
    whole = next(_pages(view, 1_000))
    assert len(whole) == len(set(whole)) == 15
    pages = list(_pages(view, limit))
    assert list(itertools.chain(*pages)) == whole
    assert all(len(one) == limit for one in pages[:-1])


def test_a_title_that_goes_between_two_pages_takes_no_other_with_it() -> None:
    made = _many()
    whole = next(_pages(view_of(made), 1_000))
    for cut in range(1, len(whole)):
        first = page(view_of(made), limit=cut)
        last_seen = first["dataFeedElement"][-1]["@id"].rpartition("/")[2]
        left = [one for one in made if one.id != last_seen]
        if next(one for one in made if one.id == last_seen).series is None and last_seen in {one.series for one in made}:
            continue  # a series goes with its episodes
        rest = page(view_of(left), cursor=first["next_cursor"])
        assert [work["@id"] for work in rest["dataFeedElement"]] == whole[cut:]


# --- over HTTP --------------------------------------------------------------------------------------------------------------


def _mine(world: World, *made: Title) -> None:
    world.put(*(msgspec.structs.replace(one, publisher=world.studio.id, service=world.cinema.id) for one in made))


def test_a_publisher_reads_its_own_service_and_nobody_else_does(world: World, ask: Screens) -> None:
    _mine(world, film("Mine"))
    world.put(msgspec.structs.replace(film("Theirs"), publisher=world.rival.id, service=world.theatre.id))
    answer = ask.studio.get(address(world.cinema))
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    assert [work["name"][0]["@value"] for work in answer.json()["dataFeedElement"]] == ["Mine"]
    assert answer.json()["provider"]["name"] == "Studio"
    theirs, nowhere = (ask.rival.get(f"/api/v1/services/{one}/watch-actions") for one in (world.cinema.id, "0" * 26))
    assert theirs.status_code == nowhere.status_code == 404
    assert theirs.content == nowhere.content
    for who, status in ((ask.box, 403), (ask.phone, 403), (ask.nobody, 401), (ask.stranger, 401)):
        assert who.get(address(world.cinema)).status_code == status


def test_an_unchanged_feed_costs_304_and_another_publishers_change_changes_nothing(world: World, ask: Screens) -> None:
    _mine(world, film("Mine"))
    held = {"If-None-Match": ask.studio.get(address(world.cinema)).headers["etag"]}
    world.put(msgspec.structs.replace(film("Theirs"), publisher=world.rival.id, service=world.theatre.id))
    world.switch(world.free, world.cinema, "silent")
    assert ask.studio.get(address(world.cinema), headers=held).status_code == 304
    _mine(world, film("Another"))
    assert ask.studio.get(address(world.cinema), headers=held).status_code == 200


def test_an_operators_feed_holds_what_may_be_watched_there(world: World, ask: Screens) -> None:
    here, there = film("Here"), film("There")
    _mine(world, here, there)
    with world.database.write() as conn:
        titles.add_window(conn, world.studio.id, here.id, Window(territory="FR", opens_at=NOW), NOW)
        titles.add_window(conn, world.studio.id, there.id, Window(territory="FR", operator=world.free, opens_at=NOW), NOW)
    world.feed.poll()

    def names(**query: Any) -> list[str]:
        found = ask.studio.get(address(world.cinema), **query).raise_for_status().json()
        return sorted(work["name"][0]["@value"] for work in found["dataFeedElement"])

    assert names(operator=world.orange) == names() == ["Here"]
    assert names(operator=world.free) == ["Here", "There"]
    assert ask.studio.get(address(world.cinema), operator="0" * 26).status_code == 404
    assert ask.studio.get(address(world.cinema), operator="").status_code == 404


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"cursor": "W10"}, {"limit": 0}, {"limit": 101}, {"cursor": "é" * 400}])
def test_a_page_that_makes_no_sense_is_refused(world: World, ask: Screens, query: dict[str, Any]) -> None:
    assert ask.studio.get(address(world.cinema), **query).status_code == 400


def test_a_cursor_of_another_kind_of_ids_is_no_fault(world: World, ask: Screens) -> None:
    _mine(world, film("Mine", id=TitleId("7" * 26)))
    for cursor in (encode_cursor(10**15, "", 0, 0), encode_cursor(-(10**15), "z", -5, 10**15)):
        assert ask.studio.get(address(world.cinema), cursor=cursor).status_code == 200
