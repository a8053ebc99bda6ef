"""A home that pays, or not, for what it plays: the world with playback over its own agreements, plans and titles."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar
from litestar.testing import TestClient

from matinee.app.showings import CatalogueShowings
from matinee.app.web import create_web
from matinee.app.wiring import BoxNames, ProfilePreferences
from matinee.base.ids import OperatorId, PackageId
from matinee.carriage.model import Billing
from matinee.catalogue.model import Title
from matinee.delivery.control import ControlWriter
from matinee.delivery.keyring import open_ring
from matinee.delivery.tokens import TokenMinter, TokenVerifier
from matinee.members import plan_store
from matinee.members.model import Profile, SubscriptionState
from matinee.outside.database import Database
from matinee.outside.objects import ObjectStore
from matinee.playback.api import routes
from matinee.playback.book import Book
from matinee.playback.leases import Leases
from matinee.playback.licences import ClearKeyIssuer
from matinee.playback.model import Addresses
from matinee.playback.work import Desk
from tests.catalogue.factories import episode, film, series
from tests.world import NOW, Screens, World


class Paying(World):
    """The world with a film and a series, and playback over its own sights, plans and titles."""

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database)
        own: dict[str, Any] = {"service": self.cinema.id, "publisher": self.studio.id}
        self.film, self.nights = film("Le Phare", **own), series("Les nuits", **own)
        self.night = episode(self.nights, 1, 1, "Un")
        self.put(self.film, self.nights, self.night)
        self.folder = folder
        self.player = self.desk_of(Book(database, lambda: self.now))

    def desk_of(self, book: Book) -> Litestar:
        """Playback with what a process remembers of its own in `book`."""
        self.book, ring, folder = book, open_ring(self.folder / "token.key"), self.folder
        self.leases = Leases(self.database, lambda: self.now)
        self.desk = desk = Desk(
            book=book,
            leases=self.leases,
            screens=BoxNames(self.fleet),
            showings=CatalogueShowings(self.catalogue),
            sights=self.sights,
            plans=self.entitlements,
            preferences=ProfilePreferences(self.members),
            licences=ClearKeyIssuer(self),
            minter=TokenMinter(ring),
            verifier=TokenVerifier(ring),
            control=ControlWriter(ObjectStore.local(folder / "published"), ring),
            stops=lambda grant: False,
            may_stop=self.members.check_stop,
            addresses=Addresses(web="http://web.test", edge="http://edge.test"),
            clock=lambda: self.now,
        )
        return create_web(
            routes(desk),
            authenticate=self.resolver.resolve,
            clock=lambda: self.now,
            page_policy="default-src 'self'",
        )

    def content_keys(self, package: PackageId) -> Mapping[str, str]:
        return {"00112233445566778899aabbccddeeff": "ffeeddccbbaa99887766554433221100"}

    def bill(self, billing: str) -> None:
        """Another agreement from the same moment on: a correction, so that the first never held."""
        self.sign(self.orange, self.cinema, valid_from=NOW, billing=Billing(billing))

    def subscribe(
        self,
        *,
        operator: OperatorId | None = None,
        state: SubscriptionState = SubscriptionState.ACTIVE,
        plan: str = "All of it",
        **times: Any,
    ) -> None:
        with self.database.write() as conn:
            made, _ = plan_store.ensure_plan(conn, self.cinema, plan, self.now, actor="test")
            home = self.one.household
            plan_store.record_subscription(conn, home, made, operator, state, self.now, actor="test", **times)
        self.feed.poll()


class Home:
    """The home at its screens: what it is told, and what OK does. Its box asks, where nothing else is said."""

    def __init__(self, world: Paying, who: Screens, player: "TestClient[Any]") -> None:
        self.world, self.who, self._player = world, who, player

    def told(self, title: Title, *, phone: bool = False) -> Any:
        screen = self.who.phone if phone else self.who.box
        answer = screen.get(f"/api/v1/titles/{title.id}", profile=self.world.one.adult.id)
        return answer.raise_for_status().json()["needs_plan"]

    def home(self) -> Any:
        return self.who.box.get("/api/v1/home", profile=self.world.one.adult.id).raise_for_status().json()

    def announced(self) -> list[tuple[str, str]]:
        found = self.who.box.get("/api/v1/announced").raise_for_status().json()["services"]
        return [(one["name"], one["shows"]) for one in found]

    def play(self, title: Title, *, phone: bool = False, profile: Profile | None = None) -> httpx.Response:
        body = {"title_id": title.id, "profile_id": (profile or self.world.one.adult).id}
        return self._post("/api/v1/playback", body, phone=phone)

    def stop(self, session: str, *, phone: bool = False, unlock: str = "") -> httpx.Response:
        """Stop a play from this screen, wherever it runs."""
        return self._post(f"/api/v1/playback/{session}/stop", None, phone=phone, unlock=unlock)

    def beat(self, session: str, sequence: int) -> httpx.Response:
        body = {"sequence": sequence, "position_ms": sequence * 1000, "state": "playing"}
        return self._post(f"/api/v1/playback/{session}/heartbeat", body)

    def _post(self, path: str, body: Any, *, phone: bool = False, unlock: str = "") -> httpx.Response:
        token = self.world.one.viewer_token if phone else self.world.one.box_token
        headers = {"Authorization": f"Bearer {token}", "Matinee-Unlock": unlock}
        return self._player.post(path, json=body, headers=headers)

    def explained(self, key: str, **moments: str) -> Any:
        asked = {"box": self.world.one.box.id, "service": self.world.cinema.id, **moments}
        return self.who.as_(key).get("/api/v1/decisions", **asked).raise_for_status().json()
