"""Titles, search and the publisher's list through their real addresses, as each kind of party asks."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from matinee.base.clock import Instant
from matinee.base.ids import ArtworkId, TitleId, new_id
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import (
    AgeClass,
    Credit,
    Genre,
    Language,
    Marker,
    MarkerKind,
    MarkerSource,
    Title,
    TitleText,
    Watched,
    Window,
)
from matinee.outside.database import Database, metadata
from tests.catalogue.factories import EN, FR, episode, film, series
from tests.world import NOW, Screens, World, screens


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Screens]]:
    """One world on SQLite for all that only asks, or is refused: nothing in it changes."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('quiet') / 'world.db'}")
    metadata.create_all(database.engine)
    world = World(database)
    with screens(world) as everybody:
        yield world, everybody
    database.close()


def mine(world: World, title: Title, **fields: Any) -> Title:
    """A title of the studio's own service."""
    import msgspec

    return msgspec.structs.replace(title, publisher=world.studio.id, service=world.cinema.id, **fields)


def test_a_films_page_says_all_that_the_screens_show(world: World, ask: Screens) -> None:
    artwork = ArtworkId(new_id())
    made = mine(
        world,
        film(
            "Été",
            text={FR: TitleText(name="Été", synopsis="Il fait chaud.", short="Chaud."), EN: TitleText(name="Summer")},
            year=1998,
            age_class=AgeClass(10),
            genres=(Genre("drama"),),
            credits=(Credit(role="director", names=("Jean Vigo",)),),
            markers=(Marker(kind=MarkerKind.INTRO, start_ms=PositionMs(1), end_ms=PositionMs(2)),),
            artwork=artwork,
            warnings=("It has no sound.",),
        ),
    )
    world.put(made)
    page = ask.box.get(f"/api/v1/titles/{made.id}", profile=world.one.adult.id).json()
    assert page == {
        "id": made.id,
        "kind": "film",
        "name": "Été",
        "year": 1998,
        "duration_ms": 60_000,
        "age_class": 10,
        "genres": ["drama"],
        "artwork": {
            "poster": f"/artwork/{artwork}/poster.jpg",
            "poster_small": f"/artwork/{artwork}/poster-320.jpg",
            "backdrop": f"/artwork/{artwork}/backdrop.jpg",
            "backdrop_small": f"/artwork/{artwork}/backdrop-960.jpg",
            "tile": f"/artwork/{artwork}/tile.jpg",
        },
        "synopsis_short": "Chaud.",
        "series": None,
        "progress": None,
        "service_id": world.cinema.id,
        "service_name": None,
        "synopsis": "Il fait chaud.",
        "credits": [{"role": "director", "names": ["Jean Vigo"]}],
        "audio": [
            {"language": "fr", "label": "Français", "role": "main"},
            {"language": "en", "label": "English", "role": "main"},
        ],
        "subtitles": [{"language": "fr", "label": "Français", "role": "subtitle"}],
        "quality": {"height": 1080, "hdr": False, "here": None},
        "seasons": [],
        "resume": None,
        "markers": [{"kind": "intro", "start_ms": 1, "end_ms": 2}],
        "warnings": ["It has no sound."],
        "ways": [],
        "in_list": False,
        "thumb": None,
        "needs_plan": None,
        "similar": [],
    }
    english = ask.phone.get(f"/api/v1/titles/{made.id}", headers={"Accept-Language": "en-GB,en;q=0.9"}).json()
    assert english["name"] == "Summer"
    assert english["synopsis"] == "Il fait chaud.", "a synopsis that nobody translated is shown as it is"


def test_a_series_page_holds_its_seasons_and_what_resume_plays(world: World, ask: Screens) -> None:
    saga = mine(world, series("Saga"))
    parts = [mine(world, episode(saga, season, number, f"E{season}{number}")) for season, number in ((1, 1), (1, 2), (2, 1))]
    world.put(saga, *parts)
    path, adult = f"/api/v1/titles/{saga.id}", world.one.adult.id
    page = ask.box.get(path, profile=adult).json()
    assert [(s["number"], [e["name"] for e in s["episodes"]]) for s in page["seasons"]] == [(1, ["E11", "E12"]), (2, ["E21"])]
    assert page["seasons"][1]["episodes"][0]["series"] == {"id": saga.id, "name": "Saga", "season": 2, "episode": 1}
    assert (page["duration_ms"], page["quality"], page["resume"]) == (None, {"height": 1080, "hdr": False, "here": None}, None)
    world.positions.watched[adult] = [
        Watched(title=parts[0].id, position_ms=PositionMs(5_000), duration_ms=DurationMs(60_000), at=NOW),
        Watched(title=parts[1].id, position_ms=PositionMs(7_000), duration_ms=DurationMs(60_000), at=Instant(NOW + 1)),
    ]
    page = ask.box.get(path, profile=adult).json()
    assert page["resume"] == {"title_id": parts[1].id, "position_ms": 7_000}
    assert page["seasons"][0]["episodes"][0]["progress"] == {"position_ms": 5_000, "duration_ms": 60_000}
    one = ask.box.get(f"/api/v1/titles/{parts[0].id}", profile=adult).json()
    assert one["resume"] == {"title_id": parts[0].id, "position_ms": 5_000}
    assert ask.box.get(path, profile=world.one.child.id).json()["resume"] is None


def test_what_may_not_be_seen_reads_to_the_byte_as_what_does_not_exist(world: World, ask: Screens) -> None:
    rival = film("Rival", publisher=world.rival.id, service=world.theatre.id)
    grown = mine(world, film("Grown", age_class=AgeClass(16)))
    shut = mine(world, film("Shut"))
    world.put(rival, grown, shut)
    with world.database.write() as conn:
        from matinee.catalogue import store

        window = Window(territory="FR", opens_at=Instant(NOW + 1_000))
        store.add_window(conn, world.studio.id, shut.id, window, NOW)
    world.feed.poll()
    child = world.one.child.id
    nothing = ask.box.get(f"/api/v1/titles/{TitleId(new_id())}", profile=child)
    assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")
    hidden = [
        ("no agreement", ask.box.get(f"/api/v1/titles/{rival.id}", profile=child)),
        ("above the profile's age", ask.box.get(f"/api/v1/titles/{grown.id}", profile=child)),
        ("above the youngest's age", ask.box.get(f"/api/v1/titles/{grown.id}")),
        ("a window not open", ask.box.get(f"/api/v1/titles/{shut.id}", profile=child)),
        ("another operator's box", ask.other_box.get(f"/api/v1/titles/{shut.id}")),
        ("no id at all", ask.box.get("/api/v1/titles/nonsense", profile=child)),
        ("an id with a line in it", ask.box.get("/api/v1/titles/a%0Ab", profile=child)),
    ]
    for why, answer in hidden:
        assert (answer.status_code, answer.content) == (nothing.status_code, nothing.content), why
        assert dict(answer.headers) == dict(nothing.headers), why
    assert ask.box.get(f"/api/v1/titles/{grown.id}", profile=world.one.adult.id).status_code == 200
    world.now = Instant(NOW + 1_000)
    assert ask.box.get(f"/api/v1/titles/{shut.id}", profile=child).status_code == 200


def test_search_finds_what_the_profile_may_see(world: World, ask: Screens) -> None:
    seen = mine(world, film("Alien au jardin", credits=(Credit(role="cast", names=("Alienor Petit",)),)))
    grown = mine(world, film("Alien", age_class=AgeClass(16)))
    rival = film("Alien", publisher=world.rival.id, service=world.theatre.id)
    world.put(seen, grown, rival)
    answer = ask.box.get("/api/v1/search", q="álien", profile=world.one.child.id).json()
    assert [tile["id"] for tile in answer["items"]] == [seen.id]
    assert answer["query"] == "álien"
    assert answer["suggestions"] == ["Alienor Petit", "Alien au jardin"]
    adult = ask.box.get("/api/v1/search", q="alien", profile=world.one.adult.id).json()
    assert [tile["id"] for tile in adult["items"]] == [grown.id, seen.id]
    assert ask.other_box.get("/api/v1/search", q="alien").json() == {"query": "alien", "items": [], "suggestions": []}
    world.take(world.studio.id, seen.id)
    assert ask.box.get("/api/v1/search", q="jardin", profile=world.one.child.id).json()["items"] == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"q": "a" * 300}, 400, "invalid_request"),
        ({"q": "a", "limit": "0"}, 400, "invalid_request"),
        ({"q": "a", "limit": "x"}, 400, "invalid_request"),
        ({"q": "a", "profile": "nobody"}, 404, "not_found"),
        ({"q": ""}, 200, None),
        ({"q": "\x00\ud83d"}, 200, None),
    ],
)
def test_search_answers_odd_questions(quiet: tuple[World, Screens], query: dict[str, str], status: int, code: str | None) -> None:
    if "q" in query:
        query = {**query, "q": query["q"].encode("utf-8", "replace").decode()}
    answer = quiet[1].box.get("/api/v1/search", **query)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


def test_another_households_profile_is_no_profile(world: World, ask: Screens) -> None:
    made = mine(world, film("Film"))
    world.put(made)
    theirs = ask.box.get(f"/api/v1/titles/{made.id}", profile=world.other.adult.id)
    nobodys = ask.box.get(f"/api/v1/titles/{made.id}", profile=new_id())
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content


def test_an_answer_that_is_held_is_not_sent_again_until_it_changes(world: World, ask: Screens) -> None:
    made = mine(world, film("Film"))
    world.put(made)
    path, adult = f"/api/v1/titles/{made.id}", world.one.adult.id
    first = ask.box.get(path, profile=adult)
    tag = first.headers["etag"]
    again = ask.box.get(path, {"If-None-Match": f'"other", {tag}'}, profile=adult)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert "private" in first.headers["cache-control"]
    assert {"Authorization", "Accept-Language"} <= {part.strip() for part in first.headers["vary"].split(",")}
    world.put(film("Elsewhere", publisher=world.rival.id, service=world.theatre.id))
    assert ask.box.get(path, {"If-None-Match": tag}, profile=adult).status_code == 304, "others' changes do not show"
    world.positions.watched[adult] = [
        Watched(title=made.id, position_ms=PositionMs(20_000), duration_ms=DurationMs(60_000), at=NOW)
    ]
    assert ask.box.get(path, {"If-None-Match": tag}, profile=adult).status_code == 200


def test_a_publisher_lists_its_own_and_nothing_of_anothers(world: World, ask: Screens) -> None:
    own = [mine(world, film(f"Film {n}", published_at=Instant(NOW + n))) for n in range(5)]
    world.put(*own, film("Rival", publisher=world.rival.id, service=world.theatre.id))
    first = ask.studio.get("/api/v1/titles", limit=3).json()
    rest = ask.studio.get("/api/v1/titles", limit=3, cursor=first["next_cursor"]).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [title.id for title in reversed(own)]
    assert rest["next_cursor"] is None
    assert first["items"][0]["text"]["fr"]["name"] == "Film 4"
    assert first["items"][0]["published_at"] == "2014-10-02T10:00:00.004Z"
    theirs = ask.rival.get("/api/v1/titles").json()
    assert [item["text"]["fr"]["name"] for item in theirs["items"]] == ["Rival"]
    assert not {title.id for title in own} & set(json.dumps(theirs).split('"'))
    for cursor in ("x", "W10", "WzEsMl0", "é", "A" * 399):
        bad = ask.studio.get("/api/v1/titles", cursor=cursor)
        assert (bad.status_code, bad.json()["code"]) == (400, "invalid_cursor"), cursor


def test_a_publisher_sets_markers_by_hand_and_viewers_see_no_source(world: World, ask: Screens) -> None:
    found = Marker(kind=MarkerKind.CREDITS, start_ms=PositionMs(50_000), end_ms=PositionMs(60_000), source=MarkerSource.FOUND)
    made = mine(world, film("Film", markers=(found,)))
    world.put(made)
    intro = {"kind": "intro", "start_ms": 12_000, "end_ms": 6_500}
    path = f"/api/v1/titles/{made.id}/markers"
    backward = ask.studio.send("POST", path, {"markers": [intro]})
    assert (backward.status_code, backward.json()["code"]) == (400, "invalid_request")
    intro["end_ms"] = 20_000
    answer = ask.studio.send("POST", path, {"markers": [intro], "none": ["recap"]}).json()
    credits_ = {"kind": "credits", "start_ms": 50_000, "end_ms": 60_000}
    assert answer == {
        "title_id": made.id,
        "markers": [{**intro, "source": "written"}, {**credits_, "source": "found"}],
        "settled": ["intro", "recap"],
    }
    world.feed.poll()
    assert ask.studio.get("/api/v1/titles").json()["items"][0]["markers"] == answer["markers"]
    page = ask.box.get(f"/api/v1/titles/{made.id}", profile=world.one.adult.id).json()
    assert page["markers"] == [intro, credits_]


@pytest.mark.parametrize(
    ("shows", "body", "code"),
    [
        ("no kind", {}, "invalid_request"),
        ("a kind twice", {"none": ["intro"], "markers": [{"kind": "intro", "start_ms": 1, "end_ms": 2}]}, "invalid_request"),
        ("a kind that is none", {"none": ["ad"]}, "invalid_request"),
        ("beyond the film", {"markers": [{"kind": "intro", "start_ms": 1, "end_ms": 60_001}]}, "invalid_request"),
        ("a stray field", {"markers": [{"kind": "intro", "start_ms": 1, "end_ms": 2, "source": "found"}]}, "invalid_request"),
    ],
)
def test_markers_that_make_no_sense_are_refused(
    world: World, ask: Screens, shows: str, body: dict[str, Any], code: str
) -> None:
    made = mine(world, film("Film"))
    world.put(made)
    answer = ask.studio.send("POST", f"/api/v1/titles/{made.id}/markers", body)
    assert (answer.status_code, answer.json()["code"]) == (400, code), shows


def test_nobody_else_sets_a_titles_markers(world: World, ask: Screens) -> None:
    made = mine(world, film("Film"))
    world.put(made)
    for who, title, status in (
        (ask.rival, made.id, 404), (ask.studio, "x", 404), (ask.box, made.id, 403), (ask.nobody, made.id, 401),
    ):  # fmt: skip
        assert who.send("POST", f"/api/v1/titles/{title}/markers", {"none": ["intro"]}).status_code == status
    assert ask.studio.get("/api/v1/titles").json()["items"][0]["markers"] == []


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("nobody", "/api/v1/titles", 401),
        ("stranger", "/api/v1/search?q=a", 401),
        ("box", "/api/v1/titles", 403),
        ("phone", "/api/v1/titles", 403),
        ("studio", "/api/v1/search?q=a", 403),
        ("studio", "/api/v1/titles/x", 403),
        ("nobody", "/api/v1/titles/x", 401),
    ],
)
def test_each_route_answers_its_parties_alone(quiet: tuple[World, Screens], who: str, path: str, status: int) -> None:
    assert getattr(quiet[1], who).get(path).status_code == status


def test_a_title_named_in_one_language_is_shown_by_that_name(world: World, ask: Screens) -> None:
    made = mine(world, film("x", text={Language("und"): TitleText(name="Sintel")}))
    world.put(made)
    assert ask.box.get(f"/api/v1/titles/{made.id}").json()["name"] == "Sintel"
