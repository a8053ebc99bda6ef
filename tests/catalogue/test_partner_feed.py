"""A partner's feed from its server to the screens: what is taken, what is refused, and what stays when a feed goes wrong."""

import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matinee.base.clock import DAY, MINUTE, Instant, to_rfc3339
from matinee.base.errors import MatineeError
from matinee.base.units import DurationMs
from matinee.catalogue import partner_store, partner_work
from matinee.catalogue import store as titles
from matinee.catalogue.deep_links import link_rules
from matinee.catalogue.model import ServiceKind
from matinee.catalogue.partner_feed import FeedWrong, parse_part, read_part
from matinee.catalogue.partner_rules import Reading, why_held
from matinee.catalogue.partner_store import Outcome
from matinee.catalogue.partner_work import FeedBusy, FeedReader, FeedReport, set_feed
from matinee.catalogue.store import title_windows
from matinee.home.watch_actions import MEDIA_TYPE
from matinee.outside.calling import CallFailed
from matinee.outside.database import Database
from matinee.parties import outbox
from tests.catalogue.factories import FR, episode, film, series
from tests.feed_server import HOST, Partner, access, document, part_of, partner_server, work
from tests.world import NOW, Screens, World, screens, world_on_sqlite

RULES = link_rules([HOST, "an-app:"])


class Channel:
    """A partner service on the world's boxes, with its feed."""

    def __init__(self, world: World, partner: Partner) -> None:
        self.world, self.partner = world, partner
        with world.database.write() as conn:
            self.service = titles.ensure_service(conn, world.rival.id, "Chaîne 1", NOW, ServiceKind.CATCHUP)
        world.sign(world.orange, self.service)
        self.reader = FeedReader(world.database, lambda: world.now, allow_private=True)
        self.set()

    def set(self, **changes: Any) -> None:
        given: dict[str, Any] = {
            "url": self.partner.url,
            "every_ms": DurationMs(60 * MINUTE),
            "links": [HOST],
            "unrated": 18,
        } | changes
        with self.world.database.write() as conn:
            set_feed(conn, self.service, now=lambda: self.world.now, actor="test", **given)

    def read(self, **how: Any) -> FeedReport:
        self.world.now = Instant(self.world.now + 1)
        report = self.reader.read(self.service.id, **how)
        self.world.feed.poll()
        return report

    def names(self) -> list[str]:
        """What the service has now, as the database tells it."""
        with self.world.database.read() as conn:
            mine = [one for one in titles.all_titles(conn) if one.service == self.service.id]
        return sorted(next(iter(one.text.values())).name for one in mine)

    def events(self) -> int:
        with self.world.database.read() as conn:
            return outbox.latest(conn)

    def quarantine(self) -> dict[str, str]:
        with self.world.database.read() as conn:
            items = partner_store.items_of(conn, self.service.id)
        return {one.ref: one.fault for one in items.values() if one.fault}

    def feed(self) -> partner_store.PartnerFeed:
        with self.world.database.read() as conn:
            found = partner_store.feed_of(conn, self.service.id)
        assert found is not None
        return found


@pytest.fixture
def partner() -> Iterator[Partner]:
    with partner_server() as one:
        yield one


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


@pytest.fixture
def channel(world: World, partner: Partner) -> Channel:
    return Channel(world, partner)


@pytest.fixture
def small(tmp_path: Path, partner: Partner) -> Iterator[Channel]:
    """On SQLite alone: for what has nothing to do with the database."""
    with world_on_sqlite(tmp_path) as world:
        yield Channel(world, partner)


MANY = [work(f"Film {n}") for n in range(30)]


# --- what is taken ----------------------------------------------------------------------------------------------------------


def test_a_feed_becomes_titles_that_screens_show(channel: Channel, partner: Partner, ask: Screens) -> None:
    partner.tell(
        work(
            "Le Phare", description="Une île.", genre=["Drama", "buy-now"], duration="PT1H30M", datePublished="1929", director="D"
        ),
        work("Journal", kind="TVSeries"),
        part_of("Journal", 1, 1, "Lundi"),
        part_of("Feuilleton", 2, 3, "Trois"),
        {"@type": "TVSeason", "@id": "urn:s"},
    )
    report = channel.read()
    assert (report.outcome, report.added, report.bad, report.left_out) == (Outcome.APPLIED, 5, 0, 1)
    assert channel.names() == ["Feuilleton", "Journal", "Le Phare", "Lundi", "Trois"]
    rows = {row["id"]: row["items"] for row in ask.box.get("/api/v1/home", profile=channel.world.one.adult.id).json()["rows"]}
    assert sorted(tile["name"] for tile in rows["new"]) == ["Feuilleton", "Journal", "Le Phare"]
    assert set(rows) == {"new", "series", "genre-drama"}, "a partner names no row"
    (tile,) = ask.box.get("/api/v1/search", q="phare").json()["items"]
    assert (tile["service_name"], tile["duration_ms"], tile["artwork"]) == ("Chaîne 1", 5_400_000, None)
    page = ask.box.get(f"/api/v1/titles/{tile['id']}").json()
    assert page["ways"] == [{"number": 0, "offer": "free", "subscription": ""}]
    assert (page["synopsis"], page["year"], page["resume"]) == ("Une île.", 1929, None)


def test_what_did_not_change_writes_nothing(channel: Channel, partner: Partner) -> None:
    partner.tell(*MANY)
    channel.read()
    events = channel.events()
    assert channel.read().outcome is Outcome.UNCHANGED
    assert "if-none-match" in partner.asked[-1][1]
    partner.has_tags = False
    assert channel.read().outcome is Outcome.UNCHANGED, "the same bytes under no tag"
    partner.tell(*reversed(MANY))
    assert channel.read().outcome is Outcome.APPLIED, "other bytes that tell the same"
    assert channel.events() == events


def test_what_changes_changes_alone_and_what_vanishes_goes(channel: Channel, partner: Partner, ask: Screens) -> None:
    partner.tell(*MANY)
    channel.read()
    before = ask.box.get("/api/v1/search", q="Film 3").json()["items"][0]["id"]
    events = channel.events()
    partner.tell(*MANY[:3], work("Film 3", name="Un autre nom"), *MANY[5:], work("Nouveau"))
    report = channel.read()
    assert (report.added, report.changed, report.removed) == (1, 1, 1)
    assert channel.events() == events + 3
    assert ask.box.get("/api/v1/search", q="Un autre nom").json()["items"][0]["id"] == before, "its id is the partner's @id"
    assert ask.box.get("/api/v1/search", q="Film 4").json()["items"] == []


def test_episodes_may_change_places(channel: Channel, partner: Partner) -> None:
    partner.tell(part_of("Saga", 1, 1, "Un"), part_of("Saga", 1, 2, "Deux"))
    channel.read()
    partner.tell(part_of("Saga", 1, 2, "Un"), part_of("Saga", 1, 1, "Deux"))
    assert channel.read().changed == 2
    partner.tell(part_of("Saga", 1, 1, "Un"), part_of("Autre", 1, 1, "Deux"), part_of("Saga", 1, 1, "Trois"), *MANY)
    assert channel.read().bad == 1
    assert channel.quarantine() == {"urn:partner:Trois": "episodeNumber: season 1, episode 1 is taken by another"}


def test_an_item_that_is_refused_leaves_its_old_place_to_nobody_else(channel: Channel, partner: Partner) -> None:
    partner.tell(part_of("Saga", 1, 1, "Un"), part_of("Saga", 1, 5, "Cinq"), *MANY)
    channel.read()
    # Un may not have the place of Deux, and so stays at its own: which Cinq may not have then, and Six not that of Cinq.
    partner.tell(
        part_of("Saga", 1, 2, "Deux"),
        part_of("Saga", 1, 5, "Six"),
        part_of("Saga", 1, 1, "Cinq"),
        part_of("Saga", 1, 2, "Un"),
        *MANY,
    )
    report = channel.read()
    assert (report.outcome, report.added, report.kept) == (Outcome.APPLIED, 1, 2)
    assert channel.quarantine() == {
        "urn:partner:Un": "episodeNumber: season 1, episode 2 is taken by another",
        "urn:partner:Cinq": "episodeNumber: season 1, episode 1 is taken by another",
        "urn:partner:Six": "episodeNumber: season 1, episode 5 is taken by another",
    }
    assert {"Un", "Cinq", "Deux"} < set(channel.names())
    assert "Six" not in channel.names()


def test_windows_are_the_partners_and_keep_their_account(channel: Channel, partner: Partner, ask: Screens) -> None:
    france = {"@type": "Country", "name": "FR"}
    soon, later = to_rfc3339(Instant(NOW + DAY)), to_rfc3339(Instant(NOW + 2 * DAY))
    partner.tell(
        work("Ici", potentialAction=access(eligibleRegion=[france, "BE"])),
        work("Ailleurs", potentialAction=access(eligibleRegion={"@type": "Country", "name": "BE"})),
        work("Demain", potentialAction=access("rental", availabilityStarts=soon, availabilityEnds=later)),
        work(
            "Double",
            potentialAction=[
                access("subscription", requiresSubscription={"name": "Pass"}),
                access("purchase", eligibleRegion="BE"),
            ],
        ),
    )
    channel.read()

    def found() -> dict[str, list[str]]:
        tiles = ask.box.get("/api/v1/rows/new").json()["items"]
        return {
            tile["name"]: [
                f"{way['offer']} {way['subscription']}" for way in ask.box.get(f"/api/v1/titles/{tile['id']}").json()["ways"]
            ]
            for tile in tiles
        }

    assert found() == {"Ici": ["free "], "Double": ["subscribe Pass"]}
    channel.world.now = Instant(NOW + DAY)
    assert found()["Demain"] == ["rent "]
    channel.world.now = Instant(NOW + 2 * DAY)
    assert "Demain" not in found()
    partner.tell(work("Ici", potentialAction=access(eligibleRegion=[france])), *MANY)
    channel.read()
    with channel.world.database.read() as conn:
        rows = conn.execute(sa.select(title_windows.c.territory, title_windows.c.withdrawn_at)).all()
    assert sorted((row.territory, row.withdrawn_at is None) for row in rows) == [("BE", False), ("FR", True)]


def test_new_is_what_is_new_here(channel: Channel, partner: Partner) -> None:
    old, soon = to_rfc3339(Instant(NOW - 90 * DAY)), to_rfc3339(Instant(NOW + DAY))
    partner.tell(
        work("Vieux", potentialAction=access(availabilityStarts=old)),
        work("Tôt", potentialAction=access(availabilityStarts=soon)),
    )
    channel.read()
    with channel.world.database.read() as conn:
        came = {next(iter(one.text.values())).name: one.published_at for one in titles.all_titles(conn)}
    assert came == {"Vieux": NOW - 90 * DAY, "Tôt": NOW + 1}
    partner.tell(work("Vieux", description="x"), work("Tôt"))
    channel.read()
    with channel.world.database.read() as conn:
        assert {next(iter(one.text.values())).name: one.published_at for one in titles.all_titles(conn)} == came


def test_what_tells_no_age_is_for_adults_unless_staff_say_otherwise(channel: Channel, partner: Partner, ask: Screens) -> None:
    partner.tell(work("Sans âge", typicalAgeRange=None), work("Sept", typicalAgeRange="7-12"))
    channel.read()
    child = channel.world.one.child.id
    assert [one["name"] for one in ask.box.get("/api/v1/rows/new", profile=child).json()["items"]] == ["Sept"]
    channel.set(unrated=10)
    channel.read()
    assert len(ask.box.get("/api/v1/rows/new", profile=child).json()["items"]) == 2


def test_what_another_installation_tells_of_a_service_can_be_read_here(channel: Channel, partner: Partner, ask: Screens) -> None:
    """What `watch-actions` writes, this reads: names, ages, windows, people, places in a series."""
    world = channel.world
    saga = series("Saga", text={FR: msgspec.convert({"name": "Saga"}, type(film("x").text[FR]))})
    made = [saga, episode(saga, 1, 1, "Un"), episode(saga, 1, 2, text={}), film("Le Phare"), film("The Café")]
    own = [msgspec.structs.replace(one, publisher=world.studio.id, service=world.cinema.id) for one in made]
    world.put(*own)
    path = f"/api/v1/services/{world.cinema.id}/watch-actions"
    whole = ask.studio.get(path, limit=100)
    assert whole.headers["content-type"] == MEDIA_TYPE
    partner.pages["/feed"] = whole.content
    channel.set(links=["tv.example"])
    report = channel.read()
    assert (report.outcome, report.bad, report.added) == (Outcome.APPLIED, 0, 5)
    with world.database.read() as conn:
        read = {one.partner.ref.rpartition("/")[2]: one for one in titles.all_titles(conn) if one.partner is not None}
    for one in own:
        other = read[one.id]
        assert (other.kind, other.year, other.age_class, other.published_at) == (
            one.kind,
            one.year,
            one.age_class,
            one.published_at,
        )
        assert (other.genres, other.season, other.episode) == (one.genres, one.season, one.episode)
        assert one.text == {} or other.text == {tag: one.text[tag] for tag in sorted(one.text)}
    pages = [ask.studio.get(path, limit=2)]
    while (cursor := pages[-1].json()["next_cursor"]) is not None:
        pages.append(ask.studio.get(path, limit=2, cursor=cursor))
    partner.pages = {"/feed?limit=2": pages[0].content}
    for before, page in itertools.pairwise(pages):
        partner.pages[f"/feed?limit=2&cursor={before.json()['next_cursor'].replace('=', '%3D')}"] = page.content
    channel.set(url=f"{partner.url}?limit=2", links=["tv.example"])
    events = channel.events()
    assert (channel.read().outcome, channel.events()) == (Outcome.APPLIED, events), "the same in three parts"


# --- what is not ------------------------------------------------------------------------------------------------------------


def test_a_bad_item_keeps_its_last_good_version_and_takes_no_other_with_it(channel: Channel, partner: Partner) -> None:
    partner.tell(*MANY, part_of("Saga", 1, 1, "Un"))
    channel.read()
    evil = access()
    evil["target"] = "javascript:alert(1)"
    broken = [work("Film 3", name=7), work("Film 4", potentialAction=evil), part_of("Saga", 1, -1, "Un")]
    partner.tell(*MANY[:3], *MANY[5:], *broken)
    report = channel.read()
    assert (report.outcome, report.bad, report.kept, report.removed) == (Outcome.APPLIED, 3, 4, 0)
    assert channel.names() == sorted([f"Film {n}" for n in range(30)] + ["Saga", "Un"])
    assert channel.quarantine() == {
        "urn:partner:Film-3": "name: is a number; words are wanted, or an object with @language and @value",
        "urn:partner:Film-4": "potentialAction[0].target.urlTemplate: "
        "has the scheme 'javascript', which is not allowed for this service",
        "urn:partner:Un": "episodeNumber: is a number; a whole number from 0 to 100,000 is wanted",
    }
    partner.tell(*MANY, part_of("Saga", 1, 1, "Un"))
    report = channel.read()
    assert (report.changed, channel.quarantine()) == (0, {}), "it is mended, as it was"
    partner.tell(*MANY, {"@type": "Movie"}, 17)
    channel.read()
    assert set(channel.quarantine()) == {"item 30", "item 31"}
    assert "Saga" not in channel.names(), "what is told of no more goes, its series with it"


def test_a_host_that_is_no_longer_allowed_is_led_to_no_more(channel: Channel, partner: Partner, ask: Screens) -> None:
    """At once, and also where the feed goes on telling of it: neither quarantine nor a reading that is held keeps a way open."""

    def to(*hosts: str) -> list[Any]:
        return [access() | {"target": f"https://{host}/x"} for host in hosts]

    bad = "tv.bought.example"
    channel.set(links=[HOST, bad])
    partner.tell(
        work("Film 1"),
        work("Film 2", potentialAction=to(bad)),
        work("Film 3", potentialAction=to(bad, HOST)),
        work("Saga", kind="TVSeries", potentialAction=to(bad)),
        part_of("Saga", 1, 1, "Un"),
        work("Journal", kind="TVSeries", potentialAction=to(bad)),
        part_of("Feuilleton", 1, 1, "Deux", potentialAction=to(bad)),
    )
    channel.read()

    def shown() -> dict[str, list[str]]:
        """What the rows show: to which links each leads."""
        found: dict[str, list[str]] = {}
        rows = ask.box.get("/api/v1/home", profile=channel.world.one.adult.id).json()["rows"]
        for tile in (tile for row in rows if row["id"] in ("new", "series") for tile in row["items"]):
            ways = ask.box.get(f"/api/v1/titles/{tile['id']}").json()["ways"]
            asked = [{"source": "home", "way": way["number"]} for way in ways]
            opened = [ask.box.send("POST", f"/api/v1/titles/{tile['id']}/open", one).json()["uri"] for one in asked]
            found[tile["name"]] = sorted(uri.split("/")[2] for uri in opened)
        return found

    before = shown()
    assert before == {
        "Film 1": [HOST], "Film 2": [bad], "Film 3": [bad, HOST], "Saga": [bad], "Journal": [bad], "Feuilleton": []
    }  # fmt: skip
    with channel.world.database.read() as conn:
        was_new = {one.id: one.published_at for one in titles.all_titles(conn)}
    channel.world.now = Instant(channel.world.now + DAY)
    channel.set(links=[HOST])
    channel.world.feed.poll()
    narrowed = {"Film 1": [HOST], "Film 3": [HOST], "Saga": []}
    assert shown() == narrowed
    assert channel.read().outcome is Outcome.HELD
    assert shown() == narrowed
    assert channel.read(accept=True).outcome is Outcome.APPLIED
    assert shown() == narrowed
    channel.set(links=[HOST, bad])
    channel.read()
    assert shown() == before, "it is as it was, and no newer"
    with channel.world.database.read() as conn:
        assert {one.id: one.published_at for one in titles.all_titles(conn)} == was_new


def test_a_feed_that_lost_half_of_itself_waits_for_somebody(channel: Channel, partner: Partner) -> None:
    partner.tell(*MANY)
    channel.read()
    events = channel.events()
    partner.tell(*MANY[:14])
    report = channel.read()
    assert (report.outcome, report.says) == (
        Outcome.HELD,
        "14 good items are left of 30. Nothing is applied before you accept it",
    )
    assert (channel.feed().outcome, channel.events(), len(channel.names())) == (Outcome.HELD, events, 30)
    assert channel.read().outcome is Outcome.HELD, "it is held as long as it is so"
    assert channel.read(accept=True).removed == 16
    assert len(channel.names()) == 14
    partner.tell()
    assert channel.read().outcome is Outcome.HELD
    partner.tell(*MANY[:14])
    assert channel.read().outcome is Outcome.UNCHANGED, "it is as it was applied: nothing is to be accepted"


def test_a_feed_with_many_bad_items_waits_too(channel: Channel, partner: Partner) -> None:
    partner.tell(*MANY[:9], {}, {})
    report = channel.read()
    assert (report.outcome, report.says[:24]) == (Outcome.HELD, "2 of 11 items are wrong.")
    assert channel.names() == []
    assert (channel.read(accept=True).added, len(channel.quarantine())) == (9, 2)


@pytest.mark.parametrize(
    ("before", "good", "bad", "is_held"),
    [(0, 0, 0, False), (10, 5, 0, False), (10, 4, 0, True), (0, 9, 1, False), (0, 8, 1, True), (0, 0, 1, True), (1, 0, 0, True)],
)
def test_what_is_held(before: int, good: int, bad: int, is_held: bool) -> None:
    assert bool(why_held(before, Reading((None,) * good, (None,) * bad))) is is_held  # type: ignore[arg-type]


def test_a_feed_touches_no_title_but_its_own(channel: Channel, partner: Partner) -> None:
    """Not by naming another's title, not by being another service's feed of the same names, not where a hosted film is near."""
    world = channel.world
    hosted = film("À nous", publisher=world.rival.id, service=channel.service.id)
    theirs = film("À eux", publisher=world.studio.id, service=world.cinema.id)
    world.put(hosted, theirs)
    other = Channel(world, partner)
    assert other.service.id == channel.service.id
    with world.database.write() as conn:
        channel.service = titles.ensure_service(conn, world.studio.id, "Chaîne 2", NOW, ServiceKind.PAYTV)
    channel.set()
    partner.tell(work("x", **{"@id": theirs.id}), *MANY)
    assert (channel.read().added, other.read().added) == (31, 31)
    partner.tell(*MANY[:20])
    other.read()
    assert len(channel.names()) == 31
    assert len(other.names()) == 21
    with world.database.read() as conn:
        assert titles.load_title(conn, theirs.id).service == world.cinema.id


def slow(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b" ")
        request.wfile.flush()
        threading.Event().wait(0.05)


def leads_away(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "http://169.254.169.254/latest")
    request.end_headers()


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b" " * 65_536)


NASTY = [
    ("slow drip", slow, None, "did not answer in time"),
    ("endless", endless, None, "answers with more than"),
    ("a redirect is followed by nobody", leads_away, None, "leads elsewhere, to 'http://169.254.169.254/latest'"),
    ("no JSON", None, b"<html>", "is no DataFeed"),
    ("not UTF-8", None, b'{"@type":"DataFeed","dataFeedElement":["\xff"]}', "is not in UTF-8 (byte 40)"),
    ("nested", None, b'{"@type":"DataFeed","dataFeedElement":' + b"[" * 100_000, "is nested too deep"),
    ("another type", None, b'{"@type":"Movie","dataFeedElement":[]}', "is no DataFeed by its @type"),
    ("a burst of objects", None, b'{"@type":"DataFeed","dataFeedElement":[0' + b",0" * 15_000_000 + b"]}", "within a gigabyte"),
    ("items twice", None, b'{"@type":"DataFeed","dataFeedElement":[],"dataFeedElement":[]}', "has dataFeedElement twice"),
    ("cut off", None, document(MANY)[:-9], "is no DataFeed"),
    ("a next that is no text", None, document([], next=5), "has a next that is no text"),
    ("it goes on elsewhere", None, document([], next="http://127.0.0.1:1/feed"), "goes on at another host"),
    ("it goes on by a file", None, document([], next="file:///etc/passwd"), "is no http or https address"),
    ("it goes round", None, document([], next="/feed"), "leads back"),
    ("it is gone", lambda request: request.send_error(410), None, "answers with status 410"),
]  # fmt: skip


@pytest.mark.parametrize(("shows", "answer", "body", "says"), NASTY, ids=[row[0] for row in NASTY])
def test_what_is_wrong_as_a_whole_changes_nothing(
    small: Channel, partner: Partner, monkeypatch: pytest.MonkeyPatch, shows: str, answer: Any, body: bytes | None, says: str
) -> None:
    partner.tell(*MANY)
    small.read()
    events = small.events()
    monkeypatch.setattr(partner_work, "MAX_SECONDS", 1)
    partner.answer = answer
    if body is not None:
        partner.pages["/feed"] = body
    if answer is endless:
        monkeypatch.setattr(partner_work, "MAX_BYTES", 10_000_000)
    with pytest.raises((FeedWrong, CallFailed)) as caught:
        small.read()
    assert says in str(caught.value)
    assert (small.events(), len(small.names()), small.feed().outcome) == (events, 30, Outcome.FAILED)
    assert "169.254" not in str(partner.asked[1:])
    partner.answer = None
    partner.tell(*MANY, work("Et un de plus"))
    assert small.read().added == 1, "the claim was given back"


def test_a_private_address_is_not_called_unless_it_may_be(small: Channel, partner: Partner) -> None:
    partner.tell(*MANY)
    reader = FeedReader(small.world.database, lambda: small.world.now, allow_private=False)
    with pytest.raises(CallFailed, match="is no public address"):
        reader.read(small.service.id)
    assert partner.asked == []


def test_a_feed_that_changes_between_its_parts_is_not_taken(small: Channel, partner: Partner) -> None:
    partner.pages = {"/feed": document(MANY[:10], next="/more"), "/more": document(MANY[10:])}
    small.read()
    assert len(small.names()) == 30

    def changing(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/more":
            partner.pages["/feed"] = document(MANY[:9], next="/more")
        partner.answer = None
        partner.serve(request)
        partner.answer = changing

    partner.pages["/more"] = document(MANY[15:])
    partner.answer = changing
    with pytest.raises(FeedWrong, match="changed while its parts were read"):
        small.read()
    assert len(small.names()) == 30
    assert all("if-none-match" not in headers for _, headers in partner.asked), "one part's tag speaks for no other part"


def test_a_file_is_read_as_the_feed_is(small: Channel, partner: Partner, tmp_path: Path) -> None:
    file = tmp_path / "feed.json"
    file.write_bytes(document(MANY))
    assert small.read(file=file).added == 30
    assert partner.asked == []
    file.write_bytes(document(MANY, next_cursor="x"))
    with pytest.raises(FeedWrong, match="one part of a feed of several"):
        small.read(file=file)
    with pytest.raises(FeedWrong, match="cannot be read"):
        small.read(file=tmp_path)


# --- who reads ----------------------------------------------------------------------------------------------------------------


def test_of_several_that_would_read_one_does(channel: Channel, partner: Partner) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def waits(request: BaseHTTPRequestHandler) -> None:
        partner.answer = None
        reading.set()
        go_on.wait(20)
        partner.serve(request)

    partner.tell(*MANY)
    partner.answer = waits
    first = threading.Thread(target=channel.reader.poll)
    first.start()
    assert reading.wait(20)
    others = [FeedReader(channel.world.database, lambda: channel.world.now, allow_private=True) for _ in range(3)]
    for other in others:
        other.poll()
    with pytest.raises(FeedBusy):
        channel.read()
    go_on.set()
    first.join(20)
    for other in others:
        other.poll()
    assert len([path for path, _ in partner.asked if path == "/feed"]) == 2, "the waiting request, asked once and served once"
    assert len(channel.names()) == 30
    channel.world.now = Instant(channel.world.now + 60 * MINUTE)
    others[0].poll()
    assert channel.feed().outcome is Outcome.UNCHANGED, "it is due again after its interval"


def test_who_lost_its_claim_writes_nothing(channel: Channel, partner: Partner) -> None:
    """A reader that was slow, or whose feed was set anew meanwhile; and one that died keeps nobody waiting for ever."""

    def set_anew(request: BaseHTTPRequestHandler) -> None:
        partner.answer = None
        channel.set(every_ms=DurationMs(10 * MINUTE))
        partner.serve(request)

    partner.tell(*MANY)
    partner.answer = set_anew
    with pytest.raises(FeedBusy, match="was set anew"):
        channel.read()
    assert channel.names() == []
    with channel.world.database.write() as conn:
        assert partner_store.claim(conn, channel.service.id, channel.world.now) is not None
    channel.reader.poll()
    assert channel.names() == [], "another holds it"
    channel.world.now = Instant(channel.world.now + partner_store.CLAIM_MS)
    channel.reader.poll()
    assert len(channel.names()) == 30


def test_one_feed_that_cannot_be_read_keeps_no_other_waiting(channel: Channel, partner: Partner) -> None:
    with channel.world.database.write() as conn:
        other = titles.ensure_service(conn, channel.world.studio.id, "Chaîne 2", NOW, ServiceKind.PAYTV)
        set_feed(
            conn, other, f"{partner.origin}/none", DurationMs(60 * MINUTE), [HOST], 18, lambda: Instant(NOW - 5), actor="test"
        )
    partner.tell(*MANY)
    channel.reader.poll()
    assert len(channel.names()) == 30


# --- fuzz -------------------------------------------------------------------------------------------------------------------

_WORDS = ["Movie", "TVEpisode", "WatchAction", "FR", "fr", "free", "12-", "PT1H", "2014-10-02T08:00:00Z", f"https://{HOST}/"]
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20),
    st.sampled_from(_WORDS),
)  # fmt: skip
_FIELDS = (
    "@type", "@id", "name", "description", "potentialAction", "typicalAgeRange", "genre", "director", "duration", "datePublished",
    "inLanguage", "partOfSeries", "partOfSeason", "episodeNumber", "actor", "target", "urlTemplate",
    "actionAccessibilityRequirement", "category", "eligibleRegion", "availabilityStarts", "availabilityEnds",
    "requiresSubscription", "@language", "@value", "seasonNumber",
)  # fmt: skip
_ANY = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=6)),
    max_leaves=12,
)


@st.composite
def _bent(draw: st.DrawFn) -> Any:
    """A good item of which a few fields are bent."""
    item = draw(st.sampled_from([work("a"), work("b", kind="TVSeries"), part_of("b", 1, 1, "c"), part_of("d", 1, 2, "e")]))
    item = {**item, **draw(st.dictionaries(st.sampled_from(_FIELDS), _ANY, max_size=3))}
    if draw(st.booleans()):
        action = dict(item["potentialAction"]) if isinstance(item.get("potentialAction"), dict) else {}
        item["potentialAction"] = {**action, **draw(st.dictionaries(st.sampled_from(_FIELDS), _ANY, max_size=2))}
    return item


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_bent(), _ANY), max_size=6))
def test_whatever_an_item_is_it_is_taken_or_told_of(items: list[Any]) -> None:
    part = parse_part(document(items), RULES)
    assert part.wrong == ""
    assert len(part.items) + len(part.faults) + part.left_out == len(items)
    msgspec.msgpack.encode(part)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.builds(lambda raw, at, byte: raw[: at % len(raw)] + byte + raw[at % len(raw) :],
    st.just(document([work("a"), part_of("b", 1, 1, "c")])), st.integers(0, 2_000), st.binary(max_size=3))))  # fmt: skip
def test_whatever_a_feed_is_it_is_read_or_refused(raw: bytes) -> None:
    part = parse_part(raw, RULES)
    assert part.wrong or len(part.items) + len(part.faults) + part.left_out >= 0
    msgspec.msgpack.encode(part)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings=st.lists(st.lists(_bent(), max_size=5), min_size=1, max_size=3))
def test_whatever_comes_after_what_it_is_applied_whole(small: Channel, readings: list[list[Any]], monkeypatch: Any) -> None:
    """Never half of it, never a fault of ours: after each reading the titles are those that the items' records name."""
    monkeypatch.setattr(partner_work, "read_part", parse_part)
    for items in readings:
        small.partner.tell(*items)
        try:
            small.read(accept=True)
        except MatineeError as error:
            pytest.fail(f"{error}")
        with small.world.database.read() as conn:
            there = {one.id for one in titles.all_titles(conn)}
            known = partner_store.items_of(conn, small.service.id)
        assert there == {one.title for one in known.values() if one.title is not None}
        assert all(one.title is not None or one.fault for one in known.values())


def test_the_child_reads_as_this_process_does() -> None:
    raw = document([work("a"), {"@id": "x"}, part_of("b", 1, 1, "c")])
    assert read_part(raw, RULES) == parse_part(raw, RULES)


def test_what_is_over_hides_nothing_that_a_search_would_find(small: Channel, partner: Partner) -> None:
    """The index knows no windows: however many titles of the same name are over, the one that is not is found."""
    over = access(availabilityEnds=to_rfc3339(Instant(NOW - DAY)))
    name = [{"@language": "fr", "@value": "Le journal"}]
    partner.tell(
        *(work(f"{n}", name=name, datePublished="2014", potentialAction=over) for n in range(400)),
        work("now", name=name, datePublished="1950"),
    )
    small.read()
    with screens(small.world) as ask:
        found = ask.box.get("/api/v1/search", q="le journal", limit=5).json()["items"]
    assert [tile["year"] for tile in found] == [1950]
