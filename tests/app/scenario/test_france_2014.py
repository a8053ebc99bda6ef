"""The article of October 2014, sentence by sentence: the example scenario applied, and asked through real addresses.

The file is applied on 25 October; the service's clock is then set to the moments of the story.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from litestar.testing import TestClient

from matinee.app.scenario.apply import apply_scenario, days_until
from matinee.app.scenario.told import read_scenario
from matinee.base.clock import DAY, Instant, from_rfc3339
from matinee.base.ids import BoxId, ServiceId
from matinee.carriage.model import Shows
from matinee.catalogue import store as titles
from matinee.catalogue.model import Title
from matinee.fleet import store as fleet
from matinee.interconnect import store as interconnect
from matinee.members import store as members
from matinee.outside.database import Database, metadata
from matinee.parties import store as parties
from tests.catalogue.factories import film
from tests.world import Screen, World

FILE = Path(__file__).parents[3] / "examples" / "france-2014.toml"
APPLIED = from_rfc3339("2014-10-25T12:00:00+02:00")
EVE = "2014-10-01T20:00:00+02:00"
MORNING = "2014-10-02T08:00:00+02:00"
EVENING = "2014-10-02T19:00:00+02:00"
LATER = "2014-10-24T20:00:00+02:00"

ELIGIBLE, OLDER_INTERFACE, OLDER_BOX = "ORANGE-1", "ORANGE-2", "ORANGE-3"
BOUYGUES, SFR, FREE, NUMERICABLE = "BBOX-1", "SFR-1", "FREE-1", "NUMERICABLE-1"
EVERY_BOX = (ELIGIBLE, OLDER_INTERFACE, OLDER_BOX, BOUYGUES, SFR, FREE, NUMERICABLE)


class Story:
    """The scenario, running: a film in each service, a token for each box of the story, and a clock to set."""

    def __init__(self, world: World, client: "TestClient[object]") -> None:
        self.world = world
        world.now = APPLIED
        with world.database.write() as conn:
            self.changes = apply_scenario(conn, read_scenario(FILE), APPLIED)
            self.services = {one.name: one for one in titles.all_services(conn)}
            self.films: dict[str, Title] = {}
            for name in ("Netflix", "Canal+", "TF1"):
                service = self.services[name]
                made = film(f"A film of {name}", publisher=service.publisher, service=service.id, published_at=Instant(0))
                self.films[name] = made
            titles.insert_many(conn, list(self.films.values()), Instant(0))
            self.operators = {one.name: one for one in fleet.all_operators(conn)}
            serials = {box.serial: box.id for box in fleet.boxes_of(conn)}
            self.boxes: dict[str, BoxId] = {serial: serials[serial] for serial in EVERY_BOX}
            tokens = {serial: fleet.mint_box_token(conn, box, APPLIED) for serial, box in self.boxes.items()}
            keys = {name: parties.mint_api_key(conn, one.publisher, "", APPLIED) for name, one in self.services.items()}
            self.phones = {
                serial: Screen(client, members.mint_viewer_token(conn, members.ensure_household(conn, name, APPLIED).id, APPLIED))
                for serial, name in ((ELIGIBLE, f"Orange {ELIGIBLE}"), (OLDER_BOX, f"Orange {OLDER_BOX}"))
            }
        world.feed.poll()
        self.screens = {serial: Screen(client, token) for serial, token in tokens.items()}
        self.staff = {name: Screen(client, key) for name, key in keys.items()}

    def at(self, moment: str) -> None:
        self.world.now = from_rfc3339(moment)

    def has(self, screen: Screen, service: str = "Netflix") -> bool:
        """Whether the service is there, by every way at once: rows, search, a title's own address, the list of services."""
        made = self.films[service]
        home = screen.get("/api/v1/home").raise_for_status().json()
        ways = {
            "rows": any(tile["id"] == made.id for row in home["rows"] for tile in row["items"]),
            "search": any(tile["id"] == made.id for tile in screen.get("/api/v1/search", q=f"film {service}").json()["items"]),
            "page": screen.get(f"/api/v1/titles/{made.id}").status_code == 200,
            "services": service in [one["name"] for one in screen.get("/api/v1/me").json()["services"]],
        }
        assert len(set(ways.values())) == 1, f"one way shows it and another does not: {ways}"
        return ways["rows"]

    def told(self, screen: Screen) -> dict[str, tuple[str, str]]:
        found = screen.get("/api/v1/announced").raise_for_status().json()["services"]
        return {one["name"]: (one["shows"], one["announced_for"]) for one in found}

    def why(self, serial: str, moment: str, known_at: str | None = None) -> dict[str, object]:
        asked = self.staff["Netflix"].get(
            "/api/v1/decisions", box=self.boxes[serial], service=self.services["Netflix"].id, at=moment, known_at=known_at
        )
        return dict(asked.raise_for_status().json())

    def against(self, serial: str, moment: str, known_at: str | None = None) -> dict[str, str]:
        """What stands in the way, in staff's words."""
        clauses = self.why(serial, moment, known_at)["clauses"]
        return {one["name"]: one["says"] for one in clauses if not one["holds"]}  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('story') / 'story.db'}")
    metadata.create_all(database.engine)
    world = World(database)
    with TestClient(world.web) as client:
        yield Story(world, client)
    database.close()


def test_a_stranger_reads_of_it_only_where_it_is_open_to_all(story: Story) -> None:
    """The lists that any television reads: never of Orange's silent launch, nor of what is announced with no day."""
    nobody = Screen(story.staff["Netflix"]._client, "")
    lists = {name: f"/api/v1/operators/{one.id}/service-list.xml" for name, one in story.operators.items()}

    def names_it() -> set[str]:
        return {name for name, address in lists.items() if "Netflix" in nobody.get(address).raise_for_status().text}

    for moment in (EVE, MORNING, EVENING):
        story.at(moment)
        assert names_it() == set()
        before = nobody.get(lists["Orange"]).content
        assert b"Canal+" in before
    story.at(LATER)
    assert names_it() == {"SFR"}
    assert nobody.get(lists["Orange"]).content == before


def test_on_the_first_of_october_nobody(story: Story) -> None:
    story.at(EVE)
    assert not any(story.has(screen) for screen in story.screens.values())
    assert not any(story.has(phone) for phone in story.phones.values())


def test_on_the_second_the_newest_box_on_the_newest_interface_and_nobody_else(story: Story) -> None:
    story.at(MORNING)
    assert {serial: story.has(screen) for serial, screen in story.screens.items()} == {
        serial: serial == ELIGIBLE for serial in EVERY_BOX
    }
    assert story.has(story.phones[ELIGIBLE]), "one set of services on every screen of the home"
    assert not story.has(story.phones[OLDER_BOX])


@pytest.mark.parametrize("serial", [OLDER_INTERFACE, OLDER_BOX])
def test_silently(story: Story, serial: str) -> None:
    story.at(MORNING)
    assert story.told(story.screens[serial]) == {}


@pytest.mark.parametrize("serial", [OLDER_INTERFACE, OLDER_BOX])
def test_announced_the_same_day_for_november(story: Story, serial: str) -> None:
    story.at(EVENING)
    assert story.told(story.screens[serial]) == {"Netflix": ("coming", "2014-11")}
    assert not story.has(story.screens[serial])
    assert story.told(story.screens[ELIGIBLE]) == {}, "who has it is not told that it is coming"
    assert story.told(story.phones[OLDER_BOX]) == {"Netflix": ("coming", "2014-11")}


def test_staff_are_told_why(story: Story) -> None:
    assert story.against(ELIGIBLE, MORNING) == {}
    interface = story.against(OLDER_INTERFACE, MORNING)
    assert set(interface) == {"interface"}
    assert interface["interface"].startswith("Update needed")
    model = story.against(OLDER_BOX, MORNING)
    assert model["model"].startswith("Not on this model")


def test_that_it_was_live_became_known_over_a_week_later(story: Story) -> None:
    assert story.why(ELIGIBLE, MORNING)["visible"] is True
    assert story.why(ELIGIBLE, MORNING, "2014-10-09T12:00:00+02:00")["visible"] is False
    assert "launch" in story.against(ELIGIBLE, MORNING, "2014-10-09T12:00:00+02:00")
    assert story.why(ELIGIBLE, MORNING, "2014-10-10T12:00:00+02:00")["visible"] is True


def test_bouygues_announced_first_for_its_next_box_without_a_date(story: Story) -> None:
    story.at("2014-09-20T12:00:00+02:00")
    assert story.told(story.screens[BOUYGUES]) == {"Netflix": ("coming", "")}
    assert story.told(story.screens[OLDER_BOX]) == {}
    story.at(LATER)
    assert not story.has(story.screens[BOUYGUES])
    assert {"technical_date", "model"} <= set(story.against(BOUYGUES, LATER))


def test_first_announced_and_first_live_are_told_apart(story: Story) -> None:
    rows = {row.operator.name: row for row in story.world.carriage.reach(story.services["Netflix"].id, APPLIED)}
    announced = min((row for row in rows.values() if row.told_at is not None), key=lambda row: row.told_at or 0)
    live = min((row for row in rows.values() if row.live_at is not None), key=lambda row: row.live_at or 0)
    assert (announced.operator.name, live.operator.name) == ("Bouygues Telecom", "Orange")
    assert rows["Bouygues Telecom"].live_at is None
    orange = rows["Orange"]
    assert orange.live_at is not None
    assert orange.told_at is not None
    assert orange.live_at < orange.told_at, "silent before it was announced"


def test_sfr_followed(story: Story) -> None:
    story.at(MORNING)
    assert not story.has(story.screens[SFR])
    story.at(LATER)
    assert story.has(story.screens[SFR])


@pytest.mark.parametrize("serial", [FREE, NUMERICABLE])
@pytest.mark.parametrize("moment", [MORNING, EVENING, LATER])
def test_free_and_numericable_refused_without_a_trace_for_viewers(story: Story, serial: str, moment: str) -> None:
    story.at(moment)
    assert not story.has(story.screens[serial])
    assert story.told(story.screens[serial]) == {}
    assert "interconnection is not settled" in story.against(serial, moment)["agreement"]


def test_to_a_home_that_has_it_not_it_reads_as_what_does_not_exist(story: Story) -> None:
    """Byte by byte: the same questions about the launch's film and about an id that never was."""
    for serial in (OLDER_INTERFACE, OLDER_BOX, FREE, NUMERICABLE):
        story.at(MORNING)
        screen, nothing = story.screens[serial], "0" * 26
        ours, none = screen.get(f"/api/v1/titles/{story.films['Netflix'].id}"), screen.get(f"/api/v1/titles/{nothing}")
        assert (ours.status_code, ours.content) == (none.status_code, none.content)
        for path, query in (
            ("/api/v1/home", {}),
            ("/api/v1/search", {"q": "film"}),
            ("/api/v1/me", {}),
            ("/api/v1/announced", {}),
        ):
            before_it, silent = _on(story, screen, EVE, path, query), _on(story, screen, MORNING, path, query)
            assert before_it.content == silent.content, f"{path} of {serial} tells of the launch"
            assert dict(before_it.headers) == dict(silent.headers)


def _on(story: Story, screen: Screen, moment: str, path: str, query: dict[str, str]) -> httpx.Response:
    story.at(moment)
    return screen.get(path, **query)


def test_a_rival_learns_nothing_of_it(story: Story) -> None:
    story.at(LATER)
    asked = {"box": story.boxes[ELIGIBLE], "service": story.services["Netflix"].id}
    rival = story.staff["Canal+"].get("/api/v1/decisions", **asked)
    nothing = story.staff["Canal+"].get("/api/v1/decisions", **(asked | {"service": ServiceId("0" * 26)}))
    assert (rival.status_code, rival.content) == (404, nothing.content)


def test_the_rivals_are_on_the_same_boxes(story: Story) -> None:
    for moment in (EVE, MORNING, LATER):
        story.at(moment)
        for serial in (ELIGIBLE, OLDER_INTERFACE, OLDER_BOX):
            assert story.has(story.screens[serial], "Canal+")
            assert story.has(story.screens[serial], "TF1")
        assert not story.has(story.screens[FREE], "Canal+")


def test_the_share_of_oranges_homes_is_small_and_reported(story: Story) -> None:
    moment = from_rfc3339(MORNING)
    orange = next(
        row for row in story.world.carriage.reach(story.services["Netflix"].id, moment) if row.operator.name == "Orange"
    )
    assert (orange.having, orange.boxes) == (1, 60)
    assert orange.having / orange.boxes < 0.05


def test_frees_dispute_is_with_a_network_that_is_no_service(story: Story) -> None:
    with story.world.database.read() as conn:
        disputes, networks = interconnect.all_disputes(conn), {one.id: one.name for one in interconnect.all_networks(conn)}
        operators = {one.id: one.name for one in fleet.all_operators(conn)}
    assert [(operators[one.operator], networks[one.network], one.state.value) for one in disputes] == [
        ("Free", "Google (YouTube)", "open")
    ]
    assert not any("Google" in name for name in story.services)


def test_applied_again_nothing_is_new(story: Story) -> None:
    with story.world.database.write() as conn:
        assert list(apply_scenario(conn, read_scenario(FILE), Instant(APPLIED + DAY))) == []


def test_shifted_to_today_the_story_is_the_same(any_database: Database) -> None:
    """Every date moves by whole days, and no clock: what was on 2 October then is on that day now."""
    scenario, real = read_scenario(FILE), from_rfc3339("2026-03-29T09:00:00Z")  # a day of 23 hours in Paris
    world = World(any_database)
    world.now = real
    with any_database.write() as conn:
        apply_scenario(conn, scenario, real, shift_days=days_until(scenario, real))
        netflix = next(one for one in titles.all_services(conn) if one.name == "Netflix")
        boxes = {box.serial: box.id for box in fleet.boxes_of(conn)}
    world.feed.poll()
    shown = [
        [world.carriage.explain(boxes[serial], netflix.id, from_rfc3339(at)).shows for serial in (ELIGIBLE, OLDER_BOX)]
        for at in ("2026-03-28T20:00:00+01:00", "2026-03-29T08:00:00+02:00", "2026-03-29T19:00:00+02:00")
    ]
    assert shown == [
        [Shows.NOTHING, Shows.NOTHING],
        [Shows.PLAYABLE, Shows.NOTHING],
        [Shows.PLAYABLE, Shows.COMING],
    ]
    later = world.carriage.explain(boxes[OLDER_BOX], netflix.id, from_rfc3339("2026-03-29T19:00:00+02:00"))
    assert later.announced_for == "2026-05"  # 178 days after the middle of November


def test_the_whole_file_is_one_transaction(any_database: Database) -> None:
    world = World(any_database)
    scenario = read_scenario(FILE)
    last = scenario.disputes[0]
    broken = msgspec.structs.replace(scenario, disputes=(msgspec.structs.replace(last, until=last.since),))

    def apply_broken() -> None:
        with world.database.write() as conn:
            apply_scenario(conn, broken, APPLIED)

    with pytest.raises(Exception, match=r"disputes\[0\]: The dispute ends before it begins"):
        apply_broken()
    with world.database.read() as conn:
        assert [one.name for one in fleet.all_operators(conn)] == ["Free", "Orange"], "nothing is half-applied"


def test_a_file_that_changes_its_mind_is_obeyed_each_time(any_database: Database) -> None:
    """10 %, then 50 %, then 10 % again, all since the same day: what is told last holds, though it was told before."""
    world, story = World(any_database), read_scenario(FILE)
    serials: dict[str, BoxId] = {}
    for turn, (percent, expected) in enumerate(((0.0, False), (100.0, True), (0.0, False), (100.0, True))):
        launches = tuple(
            msgspec.structs.replace(one, percent=percent) if one.operator == "SFR" else one for one in story.launches
        )
        now = Instant(APPLIED + turn)
        with any_database.write() as conn:
            changed = apply_scenario(conn, msgspec.structs.replace(story, launches=launches), now)
            again = apply_scenario(conn, msgspec.structs.replace(story, launches=launches), now)
            serials = {box.serial: box.id for box in fleet.boxes_of(conn)}
            netflix = next(one for one in titles.all_services(conn) if one.name == "Netflix")
        world.feed.poll()
        assert again == []
        assert turn == 0 or [one.kind for one in changed] == ["launch"]
        assert world.carriage.explain(serials[SFR], netflix.id, now).visible is expected


def test_told_as_if_it_were_today_it_may_be_applied_again_on_that_day(any_database: Database) -> None:
    """The story knows things a week later: on its own day they are known now, and the second time they are no news."""
    World(any_database)
    scenario, real = read_scenario(FILE), from_rfc3339("2026-11-26T09:00:00Z")
    for turn in range(3):
        with any_database.write() as conn:
            changed = apply_scenario(conn, scenario, Instant(real + turn * 1000), shift_days=days_until(scenario, real))
        assert bool(changed) is (turn == 0)
