"""A small world for tests of the API: two operators, two studios, boxes, homes, and the real routes over a real database.

Everything here is the real thing but the clock, which a test moves, and the positions, which a test sets.
"""

import atexit
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from litestar.testing import TestClient

from matinee.app import privacy_api
from matinee.app.web import create_web
from matinee.base.clock import DAY, Clock, Instant
from matinee.base.ids import HouseholdId, LaunchId, OperatorId, ProfileId, PublisherId, TitleId
from matinee.base.party import Role
from matinee.carriage import api as carriage_api
from matinee.carriage import billing_api, ofrep, record_api, rollout_api, subscription_api, terms_api
from matinee.carriage.entitlements import Entitlements
from matinee.carriage.model import AgreementStatus, Launch, LaunchState
from matinee.carriage.sides import Sides
from matinee.carriage.snapshot import Carriage, PartySight
from matinee.carriage.store import ensure_open_launch, record_agreement, record_launch
from matinee.catalogue import api as catalogue_api
from matinee.catalogue import reports
from matinee.catalogue import store as titles
from matinee.catalogue.model import AgeClass, Language, Service, Title, Watched
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet import api as fleet_api
from matinee.fleet import store as fleet_store
from matinee.fleet.handing import Handing
from matinee.fleet.model import Box, Line, Release
from matinee.fleet.release_book import ReleaseBook
from matinee.fleet.snapshot import Fleet
from matinee.home import api as home_api
from matinee.home import feeds, history_api
from matinee.home.opened import OpenedTitles
from matinee.home.ranking_log import RankingLog
from matinee.home.rows import Homes
from matinee.library.keys import MasterKey
from matinee.members import api as members_api
from matinee.members import store as members_store
from matinee.members import taste_api
from matinee.members.consents import KeptConsents
from matinee.members.model import Profile
from matinee.members.sign_in import api as sign_in_api
from matinee.members.sign_in import operator_pages
from matinee.members.sign_in import pages as sign_in_pages
from matinee.members.sign_in.access import Signer
from matinee.members.sign_in.keys import SigningKeys
from matinee.members.sign_in.operator_identity import Whereabouts
from matinee.members.sign_in.operator_login import OperatorLogin
from matinee.members.sign_in.screen_tokens import ScreenTokens
from matinee.members.sign_in.server import SignInServer
from matinee.members.sign_in.signing import HouseholdSignIn
from matinee.members.sign_in.snapshot import SignIns
from matinee.members.snapshot import Members, Resolver
from matinee.members.subscriptions import Subscriptions
from matinee.members.tastes import KeptTastes
from matinee.outside.database import Database, metadata
from matinee.parties import api as parties_api
from matinee.parties import staff_store
from matinee.parties import store as parties
from matinee.parties.feed import Feed
from matinee.parties.model import Seat
from matinee.parties.sign_in import SignIn
from matinee.parties.snapshot import ApiKeys, Publishers, Staff
from matinee.playback.book import Book

NOW = Instant(1_412_244_000_000)
ORIGIN = "https://tv.example"
RELEASE = Release(product="matinee-ui", version="v1", entry="/ui/v1/main.js", integrity="sha384-x")


class SetPositions:
    """`catalogue.model.Positions` as a test sets them, newest first."""

    def __init__(self) -> None:
        self.watched: dict[ProfileId, list[Watched]] = {}

    def recent(self, profile: ProfileId, limit: int) -> Sequence[Watched]:
        return self.watched.get(profile, [])[:limit]

    def among(self, profile: ProfileId, wanted: Sequence[TitleId]) -> Mapping[TitleId, Watched]:
        return {one.title: one for one in self.watched.get(profile, []) if one.title in wanted}


class Home:
    """A household with its line, its box, its tokens and its profiles."""

    def __init__(self, line: Line, box: Box, box_token: str, household: HouseholdId, viewer: str, own: list[Profile]) -> None:
        self.line, self.box, self.box_token = line, box, box_token
        self.household, self.viewer_token = household, viewer
        self.adult, self.child = own


class World:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        clock: Clock = lambda: self.now  # noqa: E731
        self.keys, self.publishers, self.fleet, self.members = ApiKeys(), Publishers(), Fleet(), Members()
        self.staff = Staff()
        self.signing = SignIn(database, self.staff, clock)
        self.catalogue, self.carriage = Catalogue(), Carriage(self.fleet)
        self.positions, self.releases = SetPositions(), ReleaseBook(RELEASE)
        self.handing = Handing(database, self.releases, clock)
        self.sign_ins = SignIns(ORIGIN, clock)
        self.signer = Signer(_signing_keys(), ORIGIN)
        self.household_sign_in = HouseholdSignIn(database, self.signer, clock)
        whereabouts = Whereabouts(self.fleet, self.members.household_at)
        self.sign_in_server = SignInServer(database, self.sign_ins, self.signer, whereabouts, clock)
        self.master = MasterKey(b"m" * 32)
        self.operator_login = OperatorLogin(
            database, self.sign_ins, self.signer, whereabouts, self.master, clock, allow_private=True
        )
        browser_pages = sign_in_pages.Pages(
            self.sign_in_server, self.household_sign_in, self.operator_login, self.members.guard, clock
        )
        self.resolver = Resolver(self.keys, self.fleet, self.members, self.staff, ScreenTokens(self.signer, self.sign_ins))
        followers = [self.keys, self.staff, self.publishers, self.fleet, self.releases, self.sign_ins]
        self.subscriptions = Subscriptions()
        followers += [self.members, self.subscriptions, self.carriage, self.catalogue]
        self.feed = Feed(database, followers)
        self.sights = PartySight(self.carriage, self.fleet, self.members, self.catalogue)
        self.entitlements = Entitlements(self.carriage, self.fleet, self.members, self.subscriptions)
        counter = subscription_api.Counter(self.carriage, self.fleet, self.catalogue, self.members, self.subscriptions)
        self.rankings = RankingLog(database, self.catalogue, self.carriage, self.fleet, clock)
        opened = OpenedTitles(database, clock)
        self.tastes = KeptTastes(database, clock)
        self.consents = KeptConsents(database, clock)
        self.book = Book(database, clock)
        self.web = create_web(
            [
                *catalogue_api.routes(
                    self.catalogue, database, self.sights, self.entitlements, self.positions, self.tastes, clock
                ),
                *reports.routes(database),
                *fleet_api.routes(self.fleet, database, self.releases, self.handing, clock),
                *members_api.routes(self.members, self.fleet, self.sights, self.consents, database, clock),
                *sign_in_api.routes(self.sign_in_server, self.members, clock),
                *sign_in_pages.routes(browser_pages),
                *operator_pages.routes(browser_pages),
                *carriage_api.routes(self.carriage, self.sights, self.entitlements, self.fleet, self.catalogue, ORIGIN, clock),
                *subscription_api.routes(counter, database, clock),
                *terms_api.routes(counter, database, clock),
                *billing_api.routes(counter, self.fleet, database, ORIGIN, clock),
                *record_api.routes(self.carriage, self.fleet, self.catalogue, clock),
                *rollout_api.routes(
                    Sides(self.carriage, self.fleet, self.catalogue), self.fleet, self.catalogue, database, clock
                ),
                *parties_api.routes(self.signing, self.staff, self.publishers, database, clock),
                *ofrep.routes(self.carriage, self.fleet, self.catalogue, clock),
                *home_api.routes(
                    Homes(self.catalogue, self.positions, opened, self.rankings, self.tastes),
                    opened,
                    self.catalogue,
                    self.sights,
                    self.entitlements,
                    database,
                    clock,
                ),
                *taste_api.routes(self.catalogue, self.sights, self.tastes, clock),
                *history_api.routes(self.book, opened, self.catalogue, self.sights, database, clock),
                *privacy_api.routes(self.members, database, clock),
                *feeds.routes(self.carriage, self.fleet, self.catalogue, self.publishers, database, ORIGIN, clock),
            ],
            authenticate=self.resolver.resolve,
            clock=clock,
            page_policy="default-src 'self'",
        )
        with database.write() as conn:
            self.studio = parties.ensure_publisher(conn, "Studio", "EUR", NOW)
            self.rival = parties.ensure_publisher(conn, "Rival", "EUR", NOW)
            self.studio_key = parties.mint_api_key(conn, self.studio.id, "", NOW)
            self.rival_key = parties.mint_api_key(conn, self.rival.id, "", NOW)
            self.cinema = titles.ensure_service(conn, self.studio.id, "Cinéma", NOW)
            self.theatre = titles.ensure_service(conn, self.rival.id, "Théâtre", NOW)
            self.orange = fleet_store.ensure_operator(conn, "Orange", "FR", "Europe/Paris", NOW).id
            self.free = fleet_store.ensure_operator(conn, "Free", "FR", "Europe/Paris", NOW).id
            self.model = fleet_store.ensure_box_model(conn, "00AFFF", "LBP", "Livebox Play", {"drm": ["clearkey"]}, NOW)
        self.one = self.settle(self.orange, "one")
        self.other = self.settle(self.free, "other")
        self.sign(self.orange, self.cinema)

    def settle(self, operator: OperatorId, name: str) -> Home:
        """A home at an operator, with an adult and a child of ten."""
        with self.database.write() as conn:
            line = fleet_store.ensure_line(conn, operator, name, NOW)
            box = fleet_store.ensure_box(conn, self.model.id, f"serial-{name}", "Salon", NOW)
            fleet_store.assign_box(conn, box.id, line.id, NOW, NOW)
            household = members_store.ensure_household(conn, name, NOW).id
            members_store.assign_household(conn, line.id, household, NOW, NOW)
            own = [
                members_store.ensure_profile(conn, household, who, "#4477aa", AgeClass(age), Language("fr"), NOW)
                for who, age in (("Grande", 18), ("Petit", 10))
            ]
            home = Home(
                line,
                box,
                fleet_store.mint_box_token(conn, box.id, NOW),
                household,
                members_store.mint_viewer_token(conn, household, NOW),
                own,
            )
        self.feed.poll()
        return home

    def sign(self, operator: OperatorId, service: Service, status: str = "signed", **fields: Any) -> None:
        with self.database.write() as conn:
            record_agreement(
                conn,
                operator,
                service.id,
                AgreementStatus(status),
                fields.pop("valid_from", self.now),
                self.now,
                actor="test",
                reason="no peering",
                **fields,
            )
            ensure_open_launch(conn, operator, service.id, self.now, actor="test")
        self.feed.poll()

    def switch(self, operator: OperatorId, service: Service, state: str = "open", **changes: Any) -> None:
        """Record a launch, a moment later than whatever was recorded before: open to every box but for what is changed."""
        self.now = Instant(self.now + 1)
        words = {"technical_at": Instant(0), "valid_from": self.now, "recorded_at": self.now} | changes
        made = Launch(id=LaunchId(""), operator=operator, service=service.id, state=LaunchState(state), **words)
        with self.database.write() as conn:
            record_launch(conn, made, self.now, actor="test")
        self.feed.poll()

    def sign_in(self, name: str, role: str, publisher: PublisherId | None = None, operator: OperatorId | None = None) -> str:
        """The token of a new account that is signed in."""
        token = sign_in(self.database, name, seat_of(role, publisher, operator), self.now)
        self.feed.poll()
        return token

    def key(self, role: str, publisher: PublisherId | None = None, operator: OperatorId | None = None) -> str:
        """A new API key."""
        with self.database.write() as conn:
            key = parties.add_api_key(conn, seat_of(role, publisher, operator), "", self.now, actor="test")
        self.feed.poll()
        return key

    def put(self, *made: Title) -> None:
        """Publish titles."""
        with self.database.write() as conn:
            titles.insert_many(conn, made, self.now)
        self.feed.poll()

    def take(self, publisher: PublisherId, title: TitleId) -> None:
        with self.database.write() as conn:
            titles.remove(conn, publisher, title, self.now)
        self.feed.poll()


@cache
def _signing_keys() -> SigningKeys:
    """One file of keys for all worlds of a process: to make one takes its time."""
    folder = TemporaryDirectory(prefix="matinee-keys-")
    atexit.register(folder.cleanup)
    return SigningKeys(Path(folder.name) / "sign-in.json")


@contextmanager
def world_on_sqlite(folder: Path) -> Iterator[World]:
    """A world for tests of what is the same on every database."""
    database = Database(f"sqlite:///{folder / 'world.db'}")
    metadata.create_all(database.engine)
    yield World(database)
    database.close()


PASSWORD = "four words of a test"
PASSWORD_HASH = "$argon2id$v=19$m=32,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$5IbShih00B8wFoW7pSmbEHYwVGBRGI/4QHpmHTOzH7c"
"""Of the password above, at next to no cost: what the cost is for is tried where people sign in."""


def seat_of(role: str, publisher: PublisherId | None = None, operator: OperatorId | None = None) -> Seat:
    """A seat at one side; of neither, one that reads all."""
    return Seat(role=Role(role), publisher=publisher, operator=operator, reads_all=publisher is None and operator is None)


def sign_in(database: Database, name: str, seat: Seat, now: Instant) -> str:
    """An account of a name and a seat, signed in for a day: its token."""
    with database.write() as conn:
        account = staff_store.add_account(conn, name, seat, PASSWORD_HASH, now, actor="test")
        token, _ = staff_store.begin_session(conn, account, PASSWORD_HASH, now, Instant(now + DAY))
    return token


class Screen:
    """A client with a token."""

    def __init__(self, client: "TestClient[Any]", token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        params = {key: value for key, value in query.items() if value is not None}
        return self._client.get(path, params=params, headers={**self._headers, **(headers or {})})

    def send(self, method: str, path: str, body: Any = None, unlock: str = "") -> httpx.Response:
        headers = {**self._headers, **({"Matinee-Unlock": unlock} if unlock else {})}
        return self._client.request(method, path, json=body, headers=headers)


@contextmanager
def screens(world: World) -> Iterator["Screens"]:
    with TestClient(world.web) as client:
        yield Screens(world, client)


class Screens:
    """Everybody who might ask."""

    def __init__(self, world: World, client: "TestClient[Any]") -> None:
        self._client = client
        self.box = Screen(client, world.one.box_token)
        self.phone = Screen(client, world.one.viewer_token)
        self.other_box = Screen(client, world.other.box_token)
        self.studio = Screen(client, world.studio_key)
        self.rival = Screen(client, world.rival_key)
        self.nobody = Screen(client, "")
        self.stranger = Screen(client, "mtb_" + "A" * 43)

    def as_(self, token: str) -> Screen:
        """Whoever holds a token."""
        return Screen(self._client, token)
