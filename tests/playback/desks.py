"""A desk over real stores and keys, with a catalogue, profiles and a library of a few lines each in place of theirs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar

from matinee.app.web import create_web
from matinee.base.clock import HOUR, Instant
from matinee.base.errors import NotFound
from matinee.base.ids import BoxId, HouseholdId, OperatorId, PackageId, ProfileId, ServiceId, TitleId, new_id
from matinee.base.party import Party, PartyKind
from matinee.base.units import DurationMs, Pixels, PositionMs
from matinee.catalogue.model import AgeClass, Language, Seller, Sight, StreamTerms, Thumbnails
from matinee.delivery.control import ControlWriter
from matinee.delivery.keyring import open_ring
from matinee.delivery.tokens import TokenMinter, TokenVerifier
from matinee.outside.database import Database
from matinee.outside.objects import ObjectStore
from matinee.playback.api import routes
from matinee.playback.book import Book
from matinee.playback.leases import Leases
from matinee.playback.licences import ClearKeyIssuer
from matinee.playback.model import Addresses, Preferences, Showing
from matinee.playback.work import Desk, PlaybackSettings

FR, EN, DE = Language("fr"), Language("en"), Language("de")
MINUTE_MS = 60_000


class Stage:
    """Two households, one film, one series of two episodes; `now` is set by the test."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        *,
        fresh_ms: int | None = None,
        leases: Leases | None = None,
        token_ms: int = 4 * HOUR,
    ) -> None:
        self.now = Instant(1_795_500_000_000)
        self.database = database
        self.unread_ms = 0
        self.home, self.neighbour = HouseholdId(new_id()), HouseholdId(new_id())
        self.adult, self.child, self.stranger = ProfileId(new_id()), ProfileId(new_id()), ProfileId(new_id())
        self.profiles = {
            self.adult: (self.home, 18),
            self.child: (self.home, 10),
            self.stranger: (self.neighbour, 18),
        }
        self.operator = OperatorId(new_id())
        self.box = Party(kind=PartyKind.BOX, household=self.home, box=BoxId(new_id()), operator=self.operator)
        self.web = Party(kind=PartyKind.VIEWER, household=self.home, operator=self.operator, session=new_id())
        self.tablet = Party(kind=PartyKind.VIEWER, household=self.home, operator=self.operator, session=new_id())
        self.other = Party(kind=PartyKind.BOX, household=self.neighbour, box=BoxId(new_id()))
        self.tokens = {"mtb_box": self.box, "mtv_web": self.web, "mtv_tablet": self.tablet, "mtb_other": self.other}
        self.wishes: dict[ProfileId, Preferences] = {}
        self.ages: dict[TitleId, int] = {}
        self.showings: dict[TitleId, Showing] = {}
        self.keys: dict[PackageId, dict[str, str]] = {}
        self.key_reads = 0
        self.service = ServiceId(new_id())
        self.stopped: set[ServiceId | None] = set()
        self.seller: Seller | None = None
        self.given = StreamTerms()
        self.film = self.add(10 * MINUTE_MS, credits_ms=9 * MINUTE_MS)
        self.second = self.add(2 * MINUTE_MS)
        self.first = self.add(2 * MINUTE_MS, following=self.second)
        self.series = self.add(0, playable=False)
        self.grown_up = self.add(MINUTE_MS, age=18)
        self.ring = open_ring(folder / "token.key")
        self.verifier = TokenVerifier(self.ring)
        self.store = ObjectStore.local(folder / "published")
        self.book = Book(database, lambda: self.now, fresh_ms=fresh_ms)
        self.leases = leases or Leases(database, lambda: self.now)
        self.desk = Desk(
            book=self.book,
            leases=self.leases,
            screens=self,
            showings=self,
            sights=self,
            plans=self,
            preferences=self,
            licences=ClearKeyIssuer(self),
            minter=TokenMinter(self.ring),
            verifier=self.verifier,
            control=ControlWriter(self.store, self.ring),
            stops=lambda grant: grant.service in self.stopped,
            may_stop=lambda party, profile, now: None,
            addresses=Addresses(web="http://web.test", edge="http://edge.test"),
            clock=lambda: self.now,
            settings=PlaybackSettings(token_ms=DurationMs(token_ms)),
            unread_ms=lambda: self.unread_ms,
        )

    def add(
        self,
        duration_ms: int,
        *,
        credits_ms: int | None = None,
        following: TitleId | None = None,
        playable: bool = True,
        age: int = 0,
    ) -> TitleId:
        title = TitleId(new_id())
        package = PackageId(new_id()) if playable else None
        if package is not None:
            self.keys[package] = {"00112233445566778899aabbccddeeff": "ffeeddccbbaa99887766554433221100"}
        self.ages[title] = age
        self.showings[title] = Showing(
            title=title,
            service=self.service,
            package=package,
            duration_ms=DurationMs(duration_ms),
            tile=msgspec.Raw(msgspec.json.encode({"id": title, "name": "Le phare"})),
            markers=msgspec.Raw(b'[{"kind":"intro","start_ms":1000,"end_ms":4000}]'),
            audio=(FR, EN),
            subtitles=(FR, EN),
            credits_ms=None if credits_ms is None else PositionMs(credits_ms),
            thumbnails=Thumbnails(
                path="thumbs/{n}.jpg",
                columns=5,
                rows=5,
                tile_width=Pixels(320),
                tile_height=Pixels(180),
                interval_ms=DurationMs(10_000),
                count=60,
            ),
            next_title=following,
            next_duration_ms=None if following is None else self.showings[following].duration_ms,
            next_tile=None if following is None else self.showings[following].tile,
        )
        return title

    # What the catalogue, carriage, members and the library answer.

    def showing(self, title: TitleId, sight: Sight) -> Showing | None:
        return self.showings.get(title) if self.ages.get(title, 99) <= sight.max_age else None

    def service_of(self, title: TitleId, sight: Sight) -> ServiceId | None:
        found = self.showing(title, sight)
        return None if found is None else found.service

    def sight(self, party: Party, profile: str | None, now: Instant, *, playing: bool = False) -> Sight:
        household, age = self.profiles.get(ProfileId(profile or ""), (None, 0))
        if household is None or household != party.household:
            raise NotFound("There is no such profile.")
        return Sight(
            services=frozenset({ServiceId("s")}),
            searched=frozenset({ServiceId("s")}),
            listed=frozenset({ServiceId("s")}),
            max_age=AgeClass(age),
            operator=party.operator,
            territory="FR",
            now=now,
            language=FR,
            profile=ProfileId(profile or ""),
        )

    def waits_for_link(self, party: Party, service: ServiceId, now: Instant) -> bool:
        return False

    def seller_needed(self, party: Party, service: ServiceId, now: Instant) -> Seller | None:
        return self.seller

    def terms(self, party: Party, service: ServiceId, now: Instant) -> StreamTerms | None:
        return self.given if self.seller is None else None

    def label(self, box: BoxId) -> str:
        return f"the box {box}"

    def preferences(self, household: HouseholdId, profile: ProfileId) -> Preferences:
        return self.wishes.get(profile, Preferences())

    def content_keys(self, package: PackageId) -> Mapping[str, str]:
        self.key_reads += 1
        if package not in self.keys:
            raise NotFound("There is no such package.")
        return self.keys[package]

    def app(self, *more: Any) -> Litestar:
        """The routes in the real web app, with its parties, policies and problem details."""
        return create_web(
            [*routes(self.desk), *more],
            authenticate=lambda token, _now: self.tokens.get(token),
            clock=lambda: self.now,
            page_policy="default-src 'self'",
        )
