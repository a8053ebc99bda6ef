"""One installation told in several ways from one seed: with a silent launch, without the launch, without the service.

Every id, token and key is drawn from what it is for and not from chance, and the clock stands still. Two worlds so differ in
nothing but in what was told of one service, and whatever differs in what they answer was told by that.
"""

import base64
import contextlib
import gzip
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
import sqlalchemy as sa
from litestar import Litestar
from sqlalchemy.engine import Connection

from matinee.app import wiring
from matinee.app.installation import Installation, open_installation
from matinee.app.settings import load_settings
from matinee.base.clock import DAY, HOUR, Instant
from matinee.base.ids import (
    ArtworkId,
    HouseholdId,
    LaunchId,
    OperatorId,
    PackageId,
    ProfileId,
    PublisherId,
    RolloutId,
    ServiceId,
    SessionId,
    TitleId,
    encode_id,
)
from matinee.base.party import PartyKind, Role
from matinee.base.units import DurationMs, PositionMs
from matinee.carriage import rollout_store
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus, Billing, Discoverability, Launch, LaunchState
from matinee.carriage.rollouts import Rollout
from matinee.catalogue import store as titles
from matinee.catalogue.model import (
    AgeClass,
    Credit,
    Genre,
    Language,
    Offer,
    PartnerWork,
    Service,
    Title,
    TitleText,
    WayToWatch,
)
from matinee.delivery.edge import Edge
from matinee.delivery.model import EdgeConfig
from matinee.delivery.wire import FileSlice, Request
from matinee.fleet import store as fleet
from matinee.fleet.model import Box, BoxModel, Operator
from matinee.fleet.waves import Wave
from matinee.home.lesson_work import learn
from matinee.home.ranking_log import RankingLog
from matinee.library import store as library
from matinee.members import account_store, consent_store, plan_store, terms_store, voucher_store
from matinee.members import store as members
from matinee.members.consent_store import Purpose
from matinee.members.model import SubscriptionState
from matinee.members.sign_in import keys
from matinee.members.terms_store import Environment
from matinee.members.terms_store import Offer as NamedPlan
from matinee.members.voucher_codes import digest_of
from matinee.parties import passwords
from matinee.parties import store as parties
from matinee.playback import store as playback
from matinee.playback.model import Place, Session
from tests.catalogue.factories import EN, FR, episode, film, playable, series
from tests.world import seat_of, sign_in

NOW = Instant(1_412_244_000_000)
SERVICE, TELLTALE = "Nocturama Plus", "Zibeline"
"""The service that is kept silent, and a word that stands in all of its titles and nowhere else."""

VOUCHER = "CDFG-HJKM-NPQR-TVWX-Y234"
"""What stands on a voucher of the silent service."""
PICTURE = b"\xff\xd8\xff a picture of "
OWNER, NEWER_BOX, OTHERS_BOX = "its own publisher", "the newer box", "the other operator's box"
OPERATORS_STAFF, OTHERS_STAFF = "the operator's staff", "the other operator's staff"
"""Both have a record of the service as soon as it was agreed or refused. The other's says nothing of the operator's launch."""
RIVALS_BOX = "the rival operator's box"
SILENT_OFFER, SEEN_OFFER, SILENT_CODE = "in full", "everything", "abcde12345"
"""Operators' ids for the plans of the silent service and of the rival's; a link of the first, for the home of the newer box."""
TELLTALES_REFERENCE = "order 1"
"""What every seller calls its first subscription: two who use one reference are told nothing of each other by it."""


class Dice:
    """In the place of chance: bytes that follow from what was last said to be drawn for."""

    def __init__(self) -> None:
        self.about("nothing yet")

    def about(self, purpose: str) -> None:
        self._purpose, self._drawn = purpose, 0

    def token_bytes(self, count: int | None = None) -> bytes:
        drawn = hashlib.shake_256(f"{self._purpose}/{self._drawn}".encode()).digest(count or 32)
        self._drawn += 1
        return drawn


def first_id(purpose: str) -> str:
    """The id that is drawn first for a purpose, in every world."""
    return encode_id(hashlib.shake_256(f"{purpose}/0".encode()).digest(16))


@dataclass(frozen=True)
class Telling:
    """What a world says of the silent service: whether there is one, how the operator stands with it, and its launch."""

    name: str
    there: bool = True
    status: AgreementStatus | None = None
    launch: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    """The launch as it is after the evening, where it changed."""
    elsewhere: bool = False
    """Whether the other operator has it open to everybody."""
    has: tuple[str, ...] = ()
    """The boxes whose homes have it, or had it that evening."""
    spreads: bool = False
    """Whether a rollout is planned, that nobody has approved."""
    billing: Billing = Billing.NONE
    """Who bills there; where it is the operator, it has sold a plan to the home of the newer box."""

    @property
    def may_know(self) -> frozenset[str]:
        """Those who ask and may be told."""
        staff = () if self.status is None else (OPERATORS_STAFF, OTHERS_STAFF)
        return frozenset({OWNER, *staff, *self.has, *(f"{box}'s phone" for box in self.has)})


NOWHERE = Telling("there is no such service", there=False)
UNLAUNCHED = Telling("no operator was ever asked")
_LIVE = {"state": LaunchState.SILENT, "technical_at": Instant(0)}
_TOLD = {"state": LaunchState.OPEN, "technical_at": Instant(0), "announced_for": "2014-11"}
KEPT_SILENT = (
    Telling("silent", status=AgreementStatus.SIGNED, launch=_LIVE, has=(NEWER_BOX,)),
    Telling(
        "announced, under embargo",
        status=AgreementStatus.SIGNED,
        launch={**_TOLD, "state": LaunchState.ANNOUNCED, "embargo_until": Instant(NOW + DAY)},
        has=(NEWER_BOX,),
    ),
    Telling(
        "silent, for a named box alone, and some day for other screens",
        status=AgreementStatus.SIGNED,
        launch={**_LIVE, "share": 0, "named": frozenset({f"00AFFF-NEW-{NEWER_BOX}"}), "elsewhere": True},
        has=(NEWER_BOX,),
    ),
    Telling(
        "open to other screens, under embargo",
        status=AgreementStatus.SIGNED,
        launch={**_TOLD, "elsewhere": True, "embargo_until": Instant(NOW + DAY)},
        has=(NEWER_BOX,),
    ),
    Telling(
        "silent, and killed after the evening",
        status=AgreementStatus.SIGNED,
        launch=_LIVE,
        after={"state": LaunchState.KILLED},
        has=(NEWER_BOX,),
    ),
    Telling(
        "planned here, and open at the other operator",
        status=AgreementStatus.SIGNED,
        launch={"state": LaunchState.PLANNED, "announced_for": "2014-11"},
        elsewhere=True,
        has=(OTHERS_BOX,),
    ),
    Telling("silent, about to spread in waves", status=AgreementStatus.SIGNED, launch={**_LIVE, "share": 0}, spreads=True),
    Telling("refused by the operator", status=AgreementStatus.REFUSED, launch=_TOLD),
    Telling("open, and hidden", status=AgreementStatus.SIGNED, launch={**_TOLD, "discoverability": Discoverability.HIDDEN}),
    Telling(
        "silent, on the operator's bill",
        status=AgreementStatus.SIGNED,
        launch=_LIVE,
        billing=Billing.OPERATOR,
        has=(NEWER_BOX,),
    ),
    Telling(
        "silent, sold by the service itself",
        status=AgreementStatus.SIGNED,
        launch=_LIVE,
        billing=Billing.DIRECT,
        has=(NEWER_BOX,),
    ),
)
EVERY_TELLING = (NOWHERE, UNLAUNCHED, *KEPT_SILENT)


@dataclass(frozen=True)
class Asker:
    """One who asks. `session` and `stream` are of a play that it began of a film that all may see; empty where it cannot."""

    name: str
    kind: PartyKind
    token: str
    adult: str = ""
    child: str = ""
    session: str = ""
    stream: str = ""
    roles: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Silent:
    """What there is to be told of the silent service: the same in every world, also where none of it exists."""

    service: ServiceId
    films: tuple[Title, ...]
    series: Title
    episodes: tuple[Title, ...]
    session: SessionId  # the newer box's play of the first film, where it has the service
    kid: str
    operators: tuple[str, ...]
    box: str
    older_box: str
    neighbour: str  # a profile of the home that may have it
    rollout: str
    plan: str
    seen_plan: str
    account: str  # by which the operator names the home of the newer box to it
    seen_account: str
    seen: Title  # a film that all may see
    seen_service: ServiceId  # its service, the rival's
    seen_kid: str

    @property
    def film(self) -> Title:
        return self.films[0]

    @property
    def titles(self) -> tuple[Title, ...]:
        return (*self.films, self.series, *self.episodes)

    @property
    def names(self) -> tuple[str, ...]:
        """With `ids`, what no answer to another party may hold, unless the question itself did."""
        return SERVICE, TELLTALE, self.kid

    @property
    def ids(self) -> frozenset[str]:
        parts = [part for one in self.titles for part in (one.id, one.artwork, one.playable and one.playable.package)]
        own = {self.service, self.session, self.rollout, self.plan, self.account}
        return frozenset({*own, *(str(part) for part in parts if part)})


@dataclass(frozen=True)
class Question:
    """A request. `opened_by` says what in it opens what it asks for, to whoever holds it: the service's absence then shows."""

    method: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    opened_by: str = ""

    def __str__(self) -> str:
        said = self.body if self.text is None else self.text
        return " ".join(str(part) for part in (self.method, self.path, self.query, said, self.headers) if part)

    def scope(self, token: str) -> dict[str, Any]:
        """The request's head as a server hands it to the app."""
        headers = {"host": "testserver.local", "accept-encoding": "identity", "content-type": "application/json"}
        headers |= {"authorization": f"Bearer {token}"} if token else {}
        headers |= {name.lower(): value for name, value in self.headers.items()}
        headers["content-length"] = str(len(self.sent))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": urlencode(self.query).encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.1", 4711),
            "server": ("testserver.local", 80),
        }

    @property
    def sent(self) -> bytes:
        if self.text is not None:
            return self.text.encode()
        return b"" if self.body is None else msgspec.json.encode(self.body)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Told:
    """A world that runs: its app, those who ask, and what there would be to tell."""

    app: Litestar
    dice: Dice
    silent: Silent
    edge: Edge
    askers: list[Asker] = field(default_factory=list)

    async def ask(self, purpose: str, token: str, question: Question) -> Answer:
        """The app's answer, as it leaves it; what was packed is unpacked, since the packing holds the moment when it was done."""
        self.dice.about(purpose)
        heard: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": question.sent, "more_body": False}

        async def send(message: Any) -> None:
            heard.append(message)

        await self.app(question.scope(token), receive, send)  # type: ignore[arg-type]
        headers = tuple((bytes(name), bytes(value)) for name, value in heard[0]["headers"])
        body = b"".join(message.get("body", b"") for message in heard[1:])
        return Answer(heard[0]["status"], headers, gzip.decompress(body) if (b"content-encoding", b"gzip") in headers else body)

    async def ask_edge(self, question: Question) -> Answer:
        answer = await self.edge.answer(Request(question.method, question.path, {}, is_last=True))
        if isinstance(answer.body, FileSlice):
            part = answer.body
            body = os.pread(part.descriptor, part.end - part.start, part.start)
            os.close(part.descriptor)
        else:
            assert isinstance(answer.body, bytes)
            body = answer.body
        return Answer(answer.status, tuple(answer.headers), body)


@contextlib.asynccontextmanager
async def told(telling: Telling, folder: Path) -> AsyncIterator[Told]:
    """A world with this telling, running, after the evening in which whoever may see the service has watched it."""
    dice, feeds, rankings = Dice(), [], []

    class Followed(wiring.Following):
        def __init__(self, feed: Any) -> None:
            super().__init__(feed)
            feeds.append(feed)

    class Remembered(RankingLog):
        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            rankings.append(self)

    async with contextlib.AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(secrets, "token_bytes", dice.token_bytes)
        patch.setattr(wiring, "read_clock", lambda: NOW)
        patch.setattr(wiring, "Following", Followed)
        patch.setattr(passwords, "COST", passwords.Cost(passes=1, lanes=1, memory_kib=32))  # a refusal need not take long here
        patch.setattr(wiring, "RankingLog", Remembered)
        dice.about("the installation")
        installation = stack.enter_context(open_installation(load_settings(folder, {})))
        keys.write_ring(installation.sign_in_key_file, _signing_ring())  # drawn once for all worlds
        builder = _Builder(installation, dice)
        dice.about("the web process")
        app = wiring.build_web(installation, landing=lambda: "<!doctype html><title>Matinee</title>")
        await stack.enter_async_context(app.lifespan())
        builder.publish(telling, feeds[0].poll)
        world = Told(app, dice, builder.silent(), builder.edge())
        world.askers = [await _begun(world, one) for one in builder.askers(telling)]
        await _watch(world)
        learn(installation.database, NOW, lambda _: True, 3, lambda: NOW)
        feeds[0].poll()
        rankings[0].step()
        builder.change(telling)
        feeds[0].poll()
        yield world


@cache
def _signing_ring() -> keys.SigningRing:
    return keys.fresh_ring()


class _Builder:
    """Tells one world's story, in the order in which it happened."""

    def __init__(self, installation: Installation, dice: Dice) -> None:
        self._installation = installation
        self._dice = dice
        self._tokens: dict[str, str] = {}
        self._staff: list[Asker] = []
        self._people: dict[str, tuple[ProfileId, ProfileId]] = {}
        self._households: dict[str, HouseholdId] = {}
        self._boxes: dict[str, Box] = {}
        with installation.database.write() as conn:
            dice.about("the operators")
            self._one, self._two, self._three = (
                fleet.ensure_operator(conn, name, "FR", "Europe/Paris", NOW) for name in ("One", "Two", "Three")
            )
            self._older = fleet.ensure_box_model(conn, "00AFFF", "OLD", "Older", {}, NOW)
            self._newer = fleet.ensure_box_model(conn, "00AFFF", "NEW", "Newer", {}, NOW)
        self._settle(NEWER_BOX, self._one, self._newer)
        self._settle("the older box", self._one, self._older)
        self._settle(OTHERS_BOX, self._two, self._newer)
        with installation.database.write() as conn:
            dice.about("a box at no line")
            loose = fleet.ensure_box(conn, self._newer.id, "a box at no line", "Salon", NOW)
            self._tokens["a box at no line"] = fleet.mint_box_token(conn, loose.id, NOW)
            dice.about("the rival operator's box")
            box = fleet.ensure_box(conn, self._newer.id, RIVALS_BOX, "Salon", NOW)
            fleet.assign_box(conn, box.id, fleet.ensure_line(conn, self._three.id, RIVALS_BOX, NOW).id, Instant(0), NOW)
            dice.about("the rival")
            rival = parties.ensure_publisher(conn, "Rival", "EUR", NOW)
            self._tokens["a rival publisher"] = parties.mint_api_key(conn, rival.id, "", NOW)
            self._seen = titles.ensure_service(conn, rival.id, "Théâtre", NOW)
            for operator in (self._one, self._two, self._three):
                billing = Billing.OPERATOR if operator is self._three else Billing.NONE
                signed = AgreementStatus.SIGNED
                carriage.record_agreement(conn, operator.id, self._seen.id, signed, NOW, NOW, actor="test", billing=billing)
                carriage.ensure_open_launch(conn, operator.id, self._seen.id, NOW, actor="test")
            dice.about("the rival's plan")
            plan, _ = plan_store.ensure_plan(conn, self._seen, "Everything", NOW, actor="test")
            subscribes = SubscriptionState.ACTIVE
            older = self._households["the older box"]
            plan_store.record_subscription(conn, older, plan, None, subscribes, NOW, actor="test", reference=TELLTALES_REFERENCE)
            dice.about("the rival's account")
            account_store.add_account(conn, self._three.id, self._seen.id, None, NOW)
            offer = NamedPlan(operator=self._three.id, environment=Environment.PRODUCTION, offer_id=SEEN_OFFER, plan=plan.id)
            terms_store.set_offer(conn, plan, offer, NOW, actor="test")
        self._rival = rival
        self._seat_staff(rival.id)
        self._service = Service(id=ServiceId(first_id("the service")), publisher=rival.id, name=SERVICE)
        self._visible = [_film(self._seen, f"Film rouge {number}", number) for number in range(40)]
        self._films = tuple(_film(self._service, f"Film rouge {TELLTALE} {number}", number) for number in range(120))
        self._films = (*self._films[:110], *(_with_a_partner(one) for one in self._films[110:]))
        self._series = series(
            f"Les nuits {TELLTALE}",
            id=TitleId(first_id("the series")),
            service=self._service.id,
            artwork=ArtworkId(first_id("the series' pictures")),
            genres=(Genre("drama"), Genre("western")),
        )
        self._episodes = tuple(
            episode(
                self._series, 1, number, f"{TELLTALE} {number}", id=TitleId(first_id(f"episode {number}")), playable=_plays(part)
            )
            for number, part in ((1, "episode 1"), (2, "episode 2"))
        )

    def _seat_staff(self, rival: PublisherId) -> None:
        """People and keys at the sides of the operators and of the rival publisher; and an auditor of the rival operator."""
        seats = {
            OPERATORS_STAFF: seat_of("operator", operator=self._one.id),
            OTHERS_STAFF: seat_of("operator", operator=self._two.id),
            "the rival operator's staff": seat_of("operator", operator=self._three.id),
            "a rival publisher's staff": seat_of("publisher", publisher=rival),
            "a foreign auditor": seat_of("auditor", operator=self._three.id),
        }
        for name, seat in seats.items():
            self._dice.about(name)
            account = re.sub(r"[^a-z]+", ".", name)
            self._tokens[name] = sign_in(self._installation.database, account, seat, NOW)
            approves = {Role.APPROVER} if seat.role is not Role.AUDITOR else set()
            self._staff.append(Asker(name, PartyKind.STAFF, self._tokens[name], roles=frozenset({seat.role, *approves})))
        self._dice.about("the rival operator's key")
        with self._installation.database.write() as conn:
            key = parties.add_api_key(conn, seats["the rival operator's staff"], "", NOW, actor="test")
        self._staff.append(Asker("the rival operator's key", PartyKind.API_KEY, key, roles=frozenset({Role.OPERATOR})))

    def _settle(self, name: str, operator: Operator, model: BoxModel) -> None:
        """A home with a box, a phone, an adult and a child."""
        with self._installation.database.write() as conn:
            self._dice.about(f"the home of {name}")
            line = fleet.ensure_line(conn, operator.id, name, NOW)
            box = self._boxes[name] = fleet.ensure_box(conn, model.id, name, "Salon", NOW)
            fleet.assign_box(conn, box.id, line.id, Instant(0), NOW)
            household = members.ensure_household(conn, name, NOW).id
            members.assign_household(conn, line.id, household, Instant(0), NOW)
            adult, child = (
                members.ensure_profile(conn, household, who, "#4477aa", AgeClass(age), FR, NOW)
                for who, age in (("Grande", 18), ("Petit", 10))
            )
            for one in (adult, child):
                consent_store.give(conn, household, one.id, Purpose.RECOMMENDATIONS, given=True, now=NOW)
            self._people[name] = adult.id, child.id
            self._tokens[name] = fleet.mint_box_token(conn, box.id, NOW)
            self._tokens[f"{name}'s phone"] = members.mint_viewer_token(conn, household, NOW)
            self._households[name] = household

    def publish(self, telling: Telling, poll: Any) -> None:
        """Titles come a few at a time, those of both services between each other, as they do in life; then what was agreed."""
        silent = [[self._series, *self._episodes], *(list(self._films[start : start + 10]) for start in range(0, 120, 10))]
        if telling.there:
            self._bring_the_service()
        for number in range(13):
            self._put(self._visible[number * 3 : number * 3 + 3] if number < 12 else self._visible[36:])
            poll()
            if telling.there:
                self._put(silent[number])
                poll()
        self._remember(telling)
        self._crowd(telling)
        if telling.status is not None and telling.launch is not None:
            self._agree(
                telling.status, telling.launch, elsewhere=telling.elsewhere, spreads=telling.spreads, billing=telling.billing
            )
        poll()

    def _bring_the_service(self) -> None:
        with self._installation.database.write() as conn:
            self._dice.about("its publisher")
            publisher = parties.ensure_publisher(conn, "Nocturama", "EUR", NOW)
            self._tokens[OWNER] = parties.mint_api_key(conn, publisher.id, "", NOW)
            self._dice.about("the service")
            self._service = titles.ensure_service(conn, publisher.id, SERVICE, NOW)
            self._make_a_voucher(conn, self._service)

    def _make_a_voucher(self, conn: Connection, service: Service) -> None:
        """One whose code is known beforehand, as no code that was drawn is."""
        batch = {"id": first_id("its vouchers"), "publisher_id": service.publisher, "service_id": service.id, "size": 1}
        terms = {"currency": "EUR", "minor": 1_000, "ends_at": NOW + DAY, "created_at": NOW}
        conn.execute(sa.insert(voucher_store.voucher_batches).values(**batch, **terms))
        conn.execute(sa.insert(voucher_store.vouchers).values(digest=digest_of(VOUCHER), batch_id=batch["id"]))

    def _put(self, made: list[Title]) -> None:
        owners = {one.id: one.publisher for one in (self._seen, self._service)}
        own = [msgspec.structs.replace(one, publisher=owners[one.service]) for one in made]
        with self._installation.database.write() as conn:
            titles.insert_many(conn, own, NOW)
            for one in own:
                if one.playable is not None:
                    self._dice.about(f"the key of {one.id}")
                    library.ensure_keys(conn, self._installation.master, PackageId(one.playable.package), one.id, NOW)
        published = self._installation.published
        for one in own:
            if one.artwork is not None:
                published.put(f"artwork/{one.artwork}/poster.jpg", PICTURE + one.id.encode())
            if one.playable is not None:
                manifest = f"packages/{one.playable.package}/master.m3u8"
                published.put(manifest, b"#EXTM3U\n")
                file = published.local_file(manifest)
                assert file is not None
                os.utime(file, (0, 0))  # the edge's entity tags go by it

    def _remember(self, telling: Telling) -> None:
        """The older box's home has watched the silent service before: at another operator, on a newer box."""
        adult, _ = self._people["the older box"]
        watched = [(self._visible[0], 1), *((one, 10 + number) for number, one in enumerate(self._films) if telling.there)]
        places = [
            Place(
                household=self._households["the older box"],
                profile=adult,
                title=one.id,
                position_ms=PositionMs(20_000),
                duration_ms=DurationMs(60_000),
                completed=False,
                session=SessionId(first_id(f"once {one.id}")),
                sequence=1,
                counted_at=Instant(at),
            )
            for one, at in watched
        ]
        with self._installation.database.write() as conn:
            playback.save_places(conn, places)

    def _crowd(self, telling: Telling) -> None:
        """What viewing is learnt from: at both operators six homes that watched of both services, and what the askers watched.

        Where the silent service is there, its films were watched more than any other, and with all of them.
        """
        sessions, places = [], []

        def watched(household: str, profile: str, operator: str, titles: Iterable[Title]) -> None:
            for number, one in enumerate(titles):
                session, at = SessionId(first_id(f"{profile} once watched {one.id}")), Instant(NOW - HOUR - number)
                whose = {"household": HouseholdId(household), "profile": ProfileId(profile), "title": one.id}
                length = {"duration_ms": DurationMs(60_000), "position_ms": PositionMs(59_000)}
                sessions.append(
                    Session(
                        id=session,
                        package=PackageId(first_id("a package")),
                        started_at=at,
                        token_expires_at=NOW,
                        operator=OperatorId(operator),
                        **whose,
                        **length,
                    )
                )
                places.append(Place(completed=True, session=session, sequence=1, counted_at=at, **whose, **length))

        for operator in (self._one, self._two):
            for home in range(6):
                name = f"{operator.name} {home}"
                shown = [one for number, one in enumerate(self._visible[:20]) if (number * (home + 1)) % 4]
                watched(name, f"{name}'s", operator.id, shown)
                if telling.there:
                    watched(name, f"{name}'s", operator.id, [*self._films[:20], *self._episodes])
        for name, (adult, child) in self._people.items():
            operator = self._two if name == OTHERS_BOX else self._one
            watched(self._households[name], adult, operator.id, (self._visible[1], self._visible[5]))
            watched(self._households[name], child, operator.id, (self._visible[3], self._visible[7]))
        if telling.there:
            adult, child = self._people[NEWER_BOX]
            watched(self._households[NEWER_BOX], adult, self._one.id, self._films[1:3])
            watched(self._households[NEWER_BOX], child, self._one.id, self._films[3:4])
        with self._installation.database.write() as conn:
            playback.save_sessions(conn, sessions)
            playback.save_places(conn, places)

    def edge(self) -> Edge:
        settings, key_file = self._installation.settings, self._installation.token_key_file
        return Edge(EdgeConfig(published_url=settings.published, key_file=str(key_file)), lambda: NOW)

    def change(self, telling: Telling) -> None:
        """What became of the launch after the evening, and what others did then, of which their audit tells."""
        if telling.after is not None:
            self._dice.about("the change")
            with self._installation.database.write() as conn:
                self._launch(conn, self._one, telling.after)
        self._dice.about("what the rivals did")
        with self._installation.database.write() as conn:
            for seat in (seat_of("operator", operator=self._three.id), seat_of("publisher", publisher=self._rival.id)):
                parties.add_api_key(conn, seat, "one more", NOW, actor="test")

    def _agree(
        self, status: AgreementStatus, launch: Mapping[str, Any], *, elsewhere: bool, spreads: bool, billing: Billing
    ) -> None:
        self._dice.about("the agreement")
        with self._installation.database.write() as conn:
            others = AgreementStatus.SIGNED if elsewhere else AgreementStatus.REFUSED
            for operator, stands in ((self._one, status), (self._two, others)):
                bills = billing if operator is self._one else Billing.NONE
                carriage.record_agreement(
                    conn, operator.id, self._service.id, stands, Instant(0), NOW, actor="test", reason="no peering", billing=bills
                )
            self._launch(conn, self._one, launch)
            if spreads:
                self._plan(conn)
            if elsewhere:
                self._launch(conn, self._two, _TOLD)
            self._dice.about("its plan")
            if billing is not Billing.NONE:
                self._sell(conn, self._one if billing is Billing.OPERATOR else None)

    def _sell(self, conn: Connection, operator: Operator | None) -> None:
        plan, _ = plan_store.ensure_plan(conn, self._service, f"{TELLTALE} in full", NOW, actor="test")
        plan_store.record_subscription(
            conn,
            self._households[NEWER_BOX],
            plan,
            None if operator is None else operator.id,
            SubscriptionState.ACTIVE,
            NOW,
            actor="test",
            reference=TELLTALES_REFERENCE,
        )
        if operator is not None:
            self._dice.about("its account")
            account = account_store.add_account(conn, operator.id, self._service.id, self._households[NEWER_BOX], NOW)
            account_store.add_code(conn, account.id, SILENT_CODE, NOW, Instant(NOW + DAY))
            offer = NamedPlan(operator=operator.id, environment=Environment.PRODUCTION, offer_id=SILENT_OFFER, plan=plan.id)
            terms_store.set_offer(conn, plan, offer, NOW, actor="test")

    def _launch(self, conn: Connection, operator: Operator, words: Mapping[str, Any]) -> None:
        since = Instant(NOW - 1) if "technical_at" in words else NOW
        made = Launch(
            id=LaunchId(""),
            operator=operator.id,
            service=self._service.id,
            valid_from=since,
            recorded_at=since,
            models=(self._newer.id,),
            **words,
        )
        carriage.record_launch(conn, made, NOW, actor="test")

    def _plan(self, conn: Connection) -> None:
        """A wave for each of its boxes, that waits for somebody to approve it."""
        hour = DurationMs(HOUR)
        wave = Wave(share=10_000, sample=1, soak_ms=hour, timeout_ms=hour, failing=5.0, needs_approval=True)
        wanted = Rollout(
            id=RolloutId(""),
            operator=self._one.id,
            service=self._service.id,
            starts_at=NOW,
            recorded_at=NOW,
            waves=(wave,),
            salt="",
            author="somebody",
        )
        self._dice.about("the rollout")
        rollout_store.plan(conn, wanted, NOW)

    def silent(self) -> Silent:
        return Silent(
            service=self._service.id,
            films=self._films,
            series=self._series,
            episodes=self._episodes,
            session=SessionId(first_id(f"{NEWER_BOX} plays {self._films[0].id}")),
            kid=_key_id(self._films[0]),
            operators=(self._one.id, self._two.id),
            box=self._boxes[NEWER_BOX].id,
            older_box=self._boxes["the older box"].id,
            rollout=first_id("the rollout"),
            plan=first_id("its plan"),
            seen_plan=first_id("the rival's plan"),
            account=first_id("its account"),
            seen_account=first_id("the rival's account"),
            neighbour=self._people[NEWER_BOX][0],
            seen=self._visible[0],
            seen_service=self._seen.id,
            seen_kid=_key_id(self._visible[0]),
        )

    def askers(self, telling: Telling) -> list[Asker]:
        """Everybody, who may have the service first, so that what they do could show in what the others are told."""
        publishers = frozenset({Role.PUBLISHER})
        found = [Asker(OWNER, PartyKind.API_KEY, self._tokens[OWNER], roles=publishers)] if telling.there else []
        found += self._staff  # the operator's and the other's are the first of them
        for home in self._people:
            adult, child = self._people[home]
            found.append(Asker(home, PartyKind.BOX, self._tokens[home], adult, child))
            found.append(Asker(f"{home}'s phone", PartyKind.VIEWER, self._tokens[f"{home}'s phone"], adult, child))
        return [
            *found,
            Asker("a box at no line", PartyKind.BOX, self._tokens["a box at no line"]),
            Asker("a rival publisher", PartyKind.API_KEY, self._tokens["a rival publisher"], roles=publishers),
            Asker("anybody", PartyKind.ANONYMOUS, ""),
        ]


def _with_a_partner(one: Title) -> Title:
    """The same title as one that lies elsewhere, and is opened there."""
    way = WayToWatch(link="https://tv.example/{id}?from={source}", offer=Offer.FREE)
    return msgspec.structs.replace(one, playable=None, partner=PartnerWork(ref=f"urn:{one.id}", ways=(way,)))


def _plays(purpose: str) -> Any:
    return msgspec.structs.replace(playable(), package=PackageId(first_id(f"the package of {purpose}")))


def _film(service: Service, name: str, number: int) -> Title:
    """Alike in all that search and rows go by, so that a title too many would push another out of its place."""
    purpose = f"{service.name} {number}"
    return film(
        name,
        id=TitleId(first_id(purpose)),
        service=service.id,
        publisher=service.publisher,
        published_at=Instant(NOW - 1000 * number),
        year=1998,
        age_class=AgeClass((0, 10, 16)[number % 3]),
        genres=(Genre("drama"), *((Genre("western"),) if TELLTALE in name else ())),
        credits=(Credit(role="director", names=("Jean Vigo", *((f"Ana {TELLTALE}",) if TELLTALE in name else ()))),),
        artwork=ArtworkId(first_id(f"the pictures of {purpose}")),
        text={FR: TitleText(name=name, synopsis=f"{name}."), EN: TitleText(name=name)},
        original_language=Language("fr"),
        playable=_plays(purpose),
    )


def _key_id(title: Title) -> str:
    """The key id that `library.ensure_keys` draws first for a title, as a licence request writes it."""
    raw = hashlib.shake_256(f"the key of {title.id}/0".encode()).digest(16)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def _begun(world: Told, asker: Asker) -> Asker:
    """The asker with a play under way of a film that it may see, where it may play at all."""
    question = Question("POST", "/api/v1/playback", body={"title_id": world.silent.seen.id, "profile_id": asker.adult})
    answer = await world.ask(f"{asker.name} plays", asker.token, question)
    if answer.status != 200:
        return asker
    told_to = answer.json()
    stream = told_to["events"]["url"].rpartition("/")[2]
    return replace(asker, session=told_to["session_id"], stream=stream)


async def _watch(world: Told) -> None:
    """Every screen asks for the silent film, and those that are given it watch it, report it, and go on."""
    for asker in world.askers:
        purpose = f"{asker.name} plays {world.silent.film.id}"
        question = Question("POST", "/api/v1/playback", body={"title_id": world.silent.film.id, "profile_id": asker.adult})
        answer = await world.ask(purpose, asker.token, question)
        if answer.status != 200:
            continue
        session, stream = answer.json()["session_id"], answer.json()["events"]["url"].rpartition("/")[2]
        assert session == first_id(purpose)
        beat = {"sequence": 1, "position_ms": 9_000, "state": "playing"}
        lines = "\n".join(f"e=ps,sn={number},sta={state},ts=1,v=2" for number, state in enumerate("sprpf"))
        for then, status in (
            (Question("POST", f"/api/v1/playback/{session}/heartbeat", body=beat), 200),
            (Question("POST", f"/cmcd/{stream}", text=lines, headers={"Content-Type": "application/cmcd"}), 204),
            (Question("POST", f"/licence/clearkey/{stream}", body={"kids": [world.silent.kid]}), 200),
        ):
            assert (await world.ask("", asker.token, then)).status == status
