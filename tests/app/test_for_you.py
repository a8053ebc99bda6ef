"""Rows of recommendations of the whole app: homes watch by the routes of playback, a night passes, and rows are asked for."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from matinee.app import wiring
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.learning import lesson_in_a_child
from matinee.app.learning_process import learn_now
from matinee.app.settings import load_settings
from matinee.base.clock import DAY, HOUR, Instant, to_rfc3339
from matinee.base.ids import PackageId
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import AgeClass, Genre, Title
from matinee.fleet import store as fleet
from matinee.home import learnt_store
from matinee.home.for_you import lesson_of
from matinee.home.ranking_log import RankingLog
from matinee.library import store as library
from matinee.members import consent_store
from matinee.members import store as members
from matinee.members.consent_store import Purpose
from matinee.parties import store as parties
from matinee.playback.book import Book
from tests.app.test_cli import run
from tests.catalogue.factories import FR, episode, film, series
from tests.world import NOW

GENRES = ("drama", "comedy", "western", "crime")


class Evening:
    """An installation with an operator, a service and homes, its web app, and a clock that a test moves."""

    def __init__(self, installation: Installation) -> None:
        self.installation, self.now = installation, NOW
        with installation.database.write() as conn:
            self.operator = fleet.ensure_operator(conn, "Riviera", "FR", "Europe/Paris", NOW)
            publisher = parties.ensure_publisher(conn, "Studio", "EUR", NOW)
            self.service = catalogue.ensure_service(conn, publisher.id, "Cinéma", NOW)
            self.other_service = catalogue.ensure_service(conn, publisher.id, "Théâtre", NOW)
            self.model = fleet.ensure_box_model(conn, "00AFFF", "NEW", "Newer", {}, NOW)
        self.carry(self.service)
        self.tokens: dict[str, str] = {}
        self.profiles: dict[str, tuple[str, str]] = {}

    def carry(self, service: Any, status: AgreementStatus = AgreementStatus.SIGNED) -> None:
        with self.installation.database.write() as conn:
            carriage.record_agreement(conn, self.operator.id, service.id, status, self.now, self.now, actor="test", reason="x")
            carriage.ensure_open_launch(conn, self.operator.id, service.id, self.now, actor="test")

    def settle(self, *names: str) -> None:
        """Homes with a box, an adult and a child of ten."""
        for name in names:
            with self.installation.database.write() as conn:
                line = fleet.ensure_line(conn, self.operator.id, name, NOW)
                box = fleet.ensure_box(conn, self.model.id, name, "Salon", NOW)
                fleet.assign_box(conn, box.id, line.id, Instant(0), NOW)
                household = members.ensure_household(conn, name, NOW).id
                members.assign_household(conn, line.id, household, Instant(0), NOW)
                adult, child = (
                    members.ensure_profile(conn, household, who, "#4477aa", AgeClass(age), FR, NOW).id
                    for who, age in (("Grande", 18), ("Petit", 10))
                )
                for one in (adult, child):
                    consent_store.give(conn, household, one, Purpose.RECOMMENDATIONS, given=True, now=NOW)
                self.tokens[name] = fleet.mint_box_token(conn, box.id, NOW)
            self.profiles[name] = adult, child

    def put(self, *made: Title) -> list[Title]:
        """Publish titles in the service, or in the other one where they name it."""
        services = {self.other_service.id: self.other_service.id}
        own = [
            msgspec.structs.replace(one, publisher=self.service.publisher, service=services.get(one.service, self.service.id))
            for one in made
        ]
        with self.installation.database.write() as conn:
            catalogue.insert_many(conn, own, NOW)
            for one in own:
                if one.playable is not None:
                    library.ensure_keys(conn, self.installation.master, PackageId(one.playable.package), one.id, NOW)
        return own

    @contextlib.contextmanager
    def web(self) -> Iterator["Web"]:
        """The app, started anew: a restart, or one of several processes."""
        feeds: list[Any] = []
        books: list[Book] = []
        logs: list[RankingLog] = []

        class Followed(wiring.Following):
            def __init__(self, feed: Any) -> None:
                super().__init__(feed)
                feeds.append(feed)

        class Kept(Book):
            def __init__(self, *parts: Any, **words: Any) -> None:
                super().__init__(*parts, **words)
                books.append(self)

        class Noted(RankingLog):
            def __init__(self, *parts: Any) -> None:
                super().__init__(*parts)
                logs.append(self)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wiring, "RankingLog", Noted)
            patch.setattr(wiring, "read_clock", lambda: self.now)
            patch.setattr(wiring, "Following", Followed)
            patch.setattr(wiring, "Book", Kept)
            app = wiring.build_web(self.installation, landing=lambda: "<!doctype html><title>Matinee</title>")
            with TestClient(app) as client:
                yield Web(self, client, feeds[0], books[0], logs[0])

    def sleep(self) -> None:
        """A night passes: what was watched becomes a lesson."""
        self.now = Instant(lesson_of(self.now) + DAY + 15 * HOUR)
        assert learn_now(self.installation, lesson_of(self.now))


class Web:
    def __init__(self, evening: Evening, client: "TestClient[Any]", feed: Any, book: Book, rankings: RankingLog) -> None:
        self.evening, self.client, self.feed, self.book, self.rankings = evening, client, feed, book, rankings

    def ask(self, home: str, method: str, path: str, **what: Any) -> Any:
        return self.client.request(method, path, headers={"Authorization": f"Bearer {self.evening.tokens[home]}"}, **what)

    def watch(self, home: str, *titles: Title, share: float = 1.0, who: int = 0) -> None:
        """Somebody of a home watches so much of each title, one after the other, by the routes of playback."""
        for one in titles:
            assert one.playable is not None
            asked = {"title_id": one.id, "profile_id": self.evening.profiles[home][who]}
            begun = self.ask(home, "POST", "/api/v1/playback", json=asked)
            assert begun.status_code == 200, begun.text
            beat = f"/api/v1/playback/{begun.json()['session_id']}/heartbeat"
            place = int(one.playable.duration_ms * share)
            said = {"sequence": 1, "position_ms": place, "state": "playing"}
            assert self.ask(home, "POST", beat, json=said).status_code == 200
            self.evening.now = Instant(self.evening.now + 1)
        self.book.flush()

    def rows(self, home: str, who: int = 0) -> dict[str, list[str]]:
        """The names of the titles in each row of a home."""
        self.feed.poll()
        answer = self.ask(home, "GET", "/api/v1/home", params={"profile": self.evening.profiles[home][who]})
        assert answer.status_code == 200, answer.text
        return {row["id"]: [tile["name"] for tile in row["items"]] for row in answer.json()["rows"]}


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    data = tmp_path / "data"
    data.mkdir()
    (data / "matinee.toml").write_text("least_homes = 3\n")
    with open_installation(load_settings(data, {})) as installation:
        yield Evening(installation)


def films(count: int, name: str = "F", **fields: Any) -> list[Title]:
    return [
        film(f"{name}{number:02}", genres=(Genre(GENRES[number % 4]),), published_at=Instant(NOW - 1000 * number), **fields)
        for number in range(count)
    ]


NEIGHBOURS = ("a", "b", "c", "d")


@pytest.fixture
def town(evening: Evening) -> tuple[Evening, list[Title]]:
    """Four homes have watched seven films; the home "me" has watched the first of them."""
    evening.settle(*NEIGHBOURS, "me", "new")
    made = evening.put(*films(40))
    with evening.web() as web:
        for number, home in enumerate(NEIGHBOURS):
            web.watch(home, *made[30:34], *made[34 : 37 - (number == 3)])
        web.watch("me", made[30])
    evening.sleep()
    return evening, made


def names(titles: list[Title]) -> list[str]:
    return [one.text[FR].name for one in titles]


def test_rows_for_who_watched_and_none_for_who_did_not(town: tuple[Evening, list[Title]]) -> None:
    evening, made = town
    with evening.web() as web:
        mine = web.rows("me")
        because = f"because-{made[30].id}"
        assert list(mine)[:4] == ["for-you", "new", "top", because]
        assert set(mine["for-you"][:6]) == set(names(made[31:37])), "what the others watched who watched it comes first"
        assert len(mine["for-you"]) == 24, "the rest is new, of its genre and then of others"
        assert set(mine[because]) == set(names(made[31:37]))
        assert "F30" not in mine["for-you"], "it is finished"
        assert mine["top"] == web.rows("new")["top"]
        assert mine["top"][0] == "F30", "five homes watched it"
        assert set(mine["top"]) == set(names(made[30:37]))
        stranger = web.rows("new")
        assert list(stranger) == ["new", "top", "genre-comedy", "genre-crime", "genre-drama", "genre-western"]
        home = web.ask("me", "GET", "/api/v1/home", params={"profile": evening.profiles["me"][0]}).json()
        about = {row["id"]: row["about"] for row in home["rows"]}
        assert (about["top"], about[because], about["for-you"], about["new"]) == ("Riviera", "F30", None, None)
        for row in ("for-you", "top", because):
            page = web.ask("me", "GET", f"/api/v1/rows/{row}", params={"profile": evening.profiles["me"][0]}).json()
            assert [tile["name"] for tile in page["items"]] == mine[row]
            assert page["next_cursor"] is None
        for row in ("for-you", because, f"because-{made[31].id}"):
            gone = web.ask("new", "GET", f"/api/v1/rows/{row}", params={"profile": evening.profiles["new"][0]})
            assert gone.status_code == 404


def test_a_row_stays_for_a_day_wherever_it_is_made(town: tuple[Evening, list[Title]]) -> None:
    evening, made = town
    with evening.web() as web, evening.web() as other:
        first = web.rows("me")["for-you"]
        assert web.rows("me")["for-you"] == first
        assert other.rows("me")["for-you"] == first
        web.watch("me", made[31], share=0.5)
        web.watch("me", made[0])
        evening.now = Instant(evening.now + 2 * HOUR)
        left = [name for name in first if name not in ("F31", "F00")]
        assert web.rows("me")["continue"] == ["F31"]
        assert web.rows("me")["for-you"][: len(left)] == left, "what was watched leaves it, and nothing else moves"
    with evening.web() as web:
        assert web.rows("me")["for-you"][: len(left)] == left, "also after a restart"
        before = web.rows("me")
        evening.sleep()
        after = web.rows("me")
    assert after["for-you"] != before["for-you"]
    rows = ["continue", "for-you", "new", "top", f"because-{made[0].id}", f"because-{made[31].id}"]
    assert list(after)[:6] == rows, "a day later it speaks for others"


def test_children_are_recommended_what_they_may_see_with_no_gap(evening: Evening) -> None:
    evening.settle(*NEIGHBOURS, "me")
    grown = evening.put(*films(4, "Grown", age_class=AgeClass(16)))
    small = evening.put(*films(8, "Small"))
    with evening.web() as web:
        for home in NEIGHBOURS:
            web.watch(home, *grown, *small[:5])
        web.watch("me", small[0], who=1)
        web.watch("me", grown[0])
    evening.sleep()
    with evening.web() as web:
        child, adult = web.rows("me", 1), web.rows("me")
    assert set(child["for-you"][:4]) == set(names(small[1:5]))
    assert not [name for row in child.values() for name in row if name.startswith("Grown")]
    assert child["top"] == [name for name in adult["top"] if name.startswith("Small")]
    assert len(child["top"]) == 5
    assert set(adult["top"][:2]) == {"Grown00", "Small00"}, "five homes watched them, the others four"


def test_a_service_that_is_carried_no_more_is_in_no_row_and_speaks_for_none(evening: Evening) -> None:
    evening.settle(*NEIGHBOURS, "me")
    made = evening.put(*films(12))
    evening.carry(evening.other_service)
    others = evening.put(*films(6, "Other", service=evening.other_service.id))
    with evening.web() as web:
        for home in NEIGHBOURS:
            web.watch(home, *made[:6], *others)
        web.watch("me", made[0], others[0])
    evening.sleep()
    with evening.web() as web:
        both = web.rows("me")
        assert f"because-{others[0].id}" in both
        assert {"Other01", "F01"} <= set(both["for-you"])
        evening.now = Instant(evening.now + HOUR)
        evening.carry(evening.other_service, AgreementStatus.ENDED)
        one = web.rows("me")
    assert not [name for row in one.values() for name in row if name.startswith("Other")]
    assert f"because-{others[0].id}" not in one
    assert set(one["top"]) == set(names(made[:6])), "of all that were counted, and not of the ten that were shown"
    assert set(one["for-you"][:5]) == set(names(made[1:6]))


def test_a_series_is_one_title_and_its_episodes_none(evening: Evening) -> None:
    evening.settle(*NEIGHBOURS, "me")
    made = evening.put(*films(8))
    saga = series("Saga", genres=(Genre("drama"),))
    parts = [episode(saga, 1, number, f"E{number}") for number in range(1, 7)]
    evening.put(saga, *parts)
    with evening.web() as web:
        for home in NEIGHBOURS:
            web.watch(home, *made[:5], *parts)
        web.watch("me", made[0])
    evening.sleep()
    with evening.web() as web:
        mine = web.rows("me")
        assert mine["for-you"].count("Saga") == 1
        assert mine["top"].count("Saga") == 1
        assert not [name for row in mine.values() for name in row if name.startswith("E")]
        web.watch("me", parts[0])
        again = web.rows("me")
        assert again["continue"] == ["E2"]
        assert "Saga" not in again["for-you"], "it is under way"


def test_who_may_not_be_recommended_to_is_shown_what_is_new_and_popular(
    town: tuple[Evening, list[Title]],
) -> None:
    evening, _ = town
    me = evening.profiles["me"][0]
    with evening.web() as web:
        assert [row for row in web.rows("me") if row.startswith(("for-you", "because"))]
        headers = {"Authorization": f"Bearer {evening.tokens['me']}"}
        said = {"purpose": "recommendations", "given": False}
        assert web.client.put(f"/api/v1/profiles/{me}/consents", json=said, headers=headers).status_code == 200
        assert list(web.rows("me"))[:2] == ["new", "top"], "within this very process, at once"
        assert not [row for row in web.rows("me") if row.startswith(("for-you", "because"))]


def test_what_was_recommended_is_counted_by_rule(town: tuple[Evening, list[Title]], capsys: pytest.CaptureFixture[str]) -> None:
    evening, made = town
    with evening.web() as web:
        web.rows("me")
        web.rows("new")
        web.rankings.step()
    with evening.installation.database.read() as conn:
        given = learnt_store.places_since(conn, Instant(0))
    where, service = evening.operator.id, evening.service.id
    assert given == [
        (where, "because", service, "together", 6),
        (where, "for-you", service, "genre", 8),
        (where, "for-you", service, "new", 10),
        (where, "for-you", service, "together", 6),
    ]
    code, said, _ = run(["ranking", "verify", "--data", evening.installation.settings.data], capsys)
    assert code == 0, f"the top is made again from its record: {said}"
    assert len(made) == 40


def test_the_workers_child_learns_the_days_lesson(evening: Evening, capsys: pytest.CaptureFixture[str]) -> None:
    evening.now = Instant(read_clock() - 26 * HOUR)
    evening.settle(*NEIGHBOURS)
    made = evening.put(*films(4))
    with evening.web() as web:
        for home in NEIGHBOURS:
            web.watch(home, *made)
    installation = evening.installation
    data = ["--data", installation.settings.data]
    assert "Nothing was learnt" in run(["lesson", *data], capsys)[1]
    for _ in range(2):
        lesson_in_a_child(installation)
    told = msgspec.json.decode(run(["lesson", "--json", *data], capsys)[1])["lesson"]
    assert told["as_of"] == to_rfc3339(lesson_of(read_clock()))
    assert (told["profiles"], told["viewings"], told["titles"], told["pairs"]) == (4, 16, 4, 12)
    with evening.web() as web:
        assert set(web.rows("a")["top"]) == set(names(made))
    assert "4 profiles, 16 viewings of 4 titles; 12 pairs" in run(["lesson", "learn", *data], capsys)[1]
    code, _, said = run(["lesson", "forget", *data], capsys)
    assert (code, "Write `matinee lesson`" in said) == (1, True)
