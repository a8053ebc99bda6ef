"""Who may do what: every route of the running app, asked over HTTP by every kind of party, with one and the same request.

The request is well-formed, and names what is a home's of operator A (of a title, a plan, a rollout: the publisher's). What each
party is to be told is written in the table below by hand, and nothing in it is read from the policies that it holds. A route that
has no line fails, and so does one where nobody is let through: a refusal proves nothing where the request could not have
succeeded. Strangers must not change anything of the home either, also not a moment later, nor be told an id of it.

The words of a cell:
  ok   done (2xx, or sent on)         in   sign in first (401)            no   not for this kind of party (403)
  pin  the PIN is asked (403)         404  as if it were not there        a number: any other status
"""

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn

from matinee.app import privacy, wiring
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.clock import DAY, HOUR, Instant, to_rfc3339
from matinee.base.ids import HouseholdId, LaunchId, OperatorId, PackageId, RolloutId, ScreenSessionId, new_id
from matinee.base.money import Money
from matinee.base.units import DurationMs
from matinee.carriage import rollout_store
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus, Billing, Launch, LaunchState
from matinee.carriage.rollouts import Rollout
from matinee.catalogue import store as titles
from matinee.catalogue.model import AgeClass, Language, Offer, PartnerWork, WayToWatch
from matinee.fleet import store as fleet
from matinee.fleet.waves import EventKind, Wave
from matinee.library import store as library
from matinee.members import account_store, pin_store, pins, plan_store, profile_store, store, terms_store, voucher_store
from matinee.members.sign_in import issuers, rules, sessions
from matinee.members.sign_in.access import Signer
from matinee.members.sign_in.clients import our_own
from matinee.members.sign_in.keys import SigningKeys
from matinee.members.sign_in.model import TV, WEB, ScreenSession
from matinee.members.terms_store import Environment
from matinee.parties import hook_store, staff_store
from matinee.parties import store as parties
from matinee.parties.hooks import DeliveryState
from matinee.playback import book
from tests.app.test_policies import handlers
from tests.catalogue.factories import film
from tests.encoding.test_analysis_report import ANALYSIS
from tests.fleet.test_fleet import BoxKey
from tests.world import PASSWORD, PASSWORD_HASH, seat_of

PARTIES = (
    "anonymous", "viewer", "kid", "other", "staff_a", "staff_b", "publisher", "box", "stolen",
    "rival", "key_a", "key_publisher", "auditor_a", "auditor",
)  # fmt: skip
"""A rival is the staff of another publisher; `auditor_a` reads what operator A does, and `auditor` all."""
STRANGERS = ("anonymous", "other", "staff_b", "stolen", "rival")
BY_ITS_SECRET = frozenset({"POST /oauth/token"})
"""Where what is sent says who asks, whoever else they are: a stranger who holds it is none."""
FOR_NOBODY = frozenset({"GET /api/{path}", "GET /sign-in/{operator_id}/done"})
"""What answers nobody: no such route; and where only a browser comes back to that was sent away (test_operator_login)."""
PIN = "2468"

TABLE = """
#                                                             anon view kid  othr stfA stfB publ box  stol rivl keyA keyP audA aud
GET    /                                                      ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /.well-known/oauth-authorization-server                ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /.well-known/openid-configuration                      ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /activate                                              ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /activate                                              ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /api                                                   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /api/openapi.json                                      ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /api/v1/activations                                    in   ok   no   404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/announced                                      in   ok   ok   ok   no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/audit                                          in   no   no   no   ok   ok   ok   no   in   ok   ok   ok   ok   ok
POST   /api/v1/billing/events                                 in   no   no   no   ok   404  no   no   in   no   ok   no   no   no
POST   /api/v1/box/confirm                                    in   no   no   no   no   no   no   ok   in   no   no   no   no   no
POST   /api/v1/box/key                                        in   no   no   no   no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/box/nonce                                      in   no   no   no   no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/box/release                                    in   no   no   no   no   no   no   ok   in   no   no   no   no   no
POST   /api/v1/box/start-failed                               in   no   no   no   no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/boxes                                          in   no   no   no   ok   ok   no   no   in   no   ok   no   ok   ok
GET    /api/v1/carriage                                       in   no   no   no   ok   ok   ok   no   in   ok   ok   ok   ok   ok
GET    /api/v1/credit                                         in   ok   no   ok   no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/decisions                                      in   no   no   no   ok   404  ok   no   in   404  ok   ok   ok   ok
DELETE /api/v1/history                                        in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/history                                        in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
DELETE /api/v1/history/{title_id}                             in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/home                                           in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/hub                                            in   no   no   no   ok   ok   ok   no   in   ok   ok   ok   no   no
POST   /api/v1/hub                                            in   no   no   no   ok   ok   ok   no   in   ok   ok   ok   no   no
DELETE /api/v1/hub/{hub_id}                                   in   no   no   no   ok   404  404  no   in   404  ok   404  no   no
GET    /api/v1/hub/{hub_id}                                   in   no   no   no   ok   404  404  no   in   404  ok   404  no   no
GET    /api/v1/hub/{hub_id}/dead                              in   no   no   no   ok   404  404  no   in   404  ok   404  no   no
POST   /api/v1/hub/{hub_id}/dead/{delivery_id}/retry          in   no   no   no   ok   404  404  no   in   404  ok   404  no   no
POST   /api/v1/hub/{hub_id}/secret                            in   no   no   no   ok   404  404  no   in   404  ok   404  no   no
POST   /api/v1/hub/{hub_id}/test                              in   no   no   no   ok   404  404  no   in   404  ok   404  no   no
GET    /api/v1/invoices                                       in   ok   no   ok   no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/me                                             in   ok   ok   ok   no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/offers                                         in   no   no   no   ok   ok   ok   no   in   ok   ok   ok   ok   ok
POST   /api/v1/offers                                         in   no   no   no   ok   404  ok   no   in   404  ok   ok   no   no
GET    /api/v1/operators/{operator}/service-list.xml          ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /api/v1/partner-accounts                               in   no   no   no   ok   404  no   no   in   no   ok   no   no   no
GET    /api/v1/partner-accounts/{account_id}                  in   no   no   no   ok   404  ok   no   in   404  ok   ok   no   no
POST   /api/v1/partner-accounts/{account_id}/activation       in   no   no   no   ok   404  no   no   in   no   ok   no   no   no
DELETE /api/v1/pin                                            in   ok   pin  ok   no   no   no   pin  in   no   no   no   no   no
PUT    /api/v1/pin                                            in   ok   pin  ok   no   no   no   pin  in   no   no   no   no   no
POST   /api/v1/pin/unlock                                     in   ok   ok   409  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/plan                                           in   ok   no   ok   no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/plans                                          in   no   no   no   ok   ok   ok   no   in   ok   ok   ok   ok   ok
POST   /api/v1/plans                                          in   no   no   no   no   no   ok   no   in   404  no   ok   no   no
PUT    /api/v1/plans/{plan_id}/limits                         in   no   no   no   no   no   ok   no   in   404  no   ok   no   no
POST   /api/v1/plans/{plan_id}/terms                          in   no   no   no   no   no   ok   no   in   404  no   ok   no   no
POST   /api/v1/playback                                       in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
POST   /api/v1/playback/{session_id}/end                      in   ok   404  404  no   no   no   404  in   no   no   no   no   no
POST   /api/v1/playback/{session_id}/heartbeat                in   ok   404  404  no   no   no   404  in   no   no   no   no   no
POST   /api/v1/playback/{session_id}/stop                     in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
POST   /api/v1/privacy/erase                                  in   ok   pin  409  no   no   no   pin  in   no   no   no   no   no
GET    /api/v1/privacy/export                                 in   ok   pin  ok   no   no   no   pin  in   no   no   no   no   no
POST   /api/v1/profiles                                       in   ok   pin  ok   no   no   no   pin  in   no   no   no   no   no
PUT    /api/v1/profiles                                       in   ok   pin  409  no   no   no   ok   in   no   no   no   no   no
DELETE /api/v1/profiles/{profile_id}                          in   ok   pin  ok   no   no   no   pin  in   no   no   no   no   no
PATCH  /api/v1/profiles/{profile_id}                          in   ok   pin  404  no   no   no   pin  in   no   no   no   no   no
POST   /api/v1/profiles/{profile_id}/choose                   in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/profiles/{profile_id}/consents                 in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
PUT    /api/v1/profiles/{profile_id}/consents                 in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
PUT    /api/v1/profiles/{profile_id}/preferences              in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/ranking                                        in   no   no   no   no   no   ok   no   in   404  no   ok   no   no
GET    /api/v1/reach                                          in   no   no   no   ok   ok   ok   no   in   404  ok   ok   ok   ok
GET    /api/v1/rollouts                                       in   no   no   no   ok   ok   ok   no   in   ok   ok   ok   ok   ok
POST   /api/v1/rollouts/{rollout_id}/approve                  in   no   no   no   ok   404  ok   no   in   404  no   no   no   no
POST   /api/v1/rollouts/{rollout_id}/resume                   in   no   no   no   ok   404  ok   no   in   404  no   no   no   no
POST   /api/v1/rollouts/{rollout_id}/withdraw                 in   no   no   no   ok   404  ok   no   in   404  no   no   no   no
GET    /api/v1/rows/{row_id}                                  in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/search                                         in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/services/{service_id}/watch-actions            in   no   no   no   no   no   ok   no   in   404  no   ok   no   no
DELETE /api/v1/sessions                                       in   ok   pin  ok   no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/sessions                                       in   ok   pin  ok   no   no   no   ok   in   no   no   no   no   no
DELETE /api/v1/sessions/{session_id}                          in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/staff/me                                       in   no   no   no   ok   ok   ok   no   in   ok   no   no   ok   ok
DELETE /api/v1/staff/session                                  in   no   no   no   ok   ok   ok   no   in   ok   no   no   ok   ok
POST   /api/v1/staff/session                                  ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /api/v1/status                                         ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /api/v1/subscriptions                                  in   no   no   no   ok   ok   ok   no   in   ok   ok   ok   ok   ok
POST   /api/v1/subscriptions                                  in   no   no   no   ok   404  ok   no   in   404  ok   ok   no   no
GET    /api/v1/titles                                         in   no   no   no   no   no   ok   no   in   ok   no   ok   no   no
GET    /api/v1/titles/{title_id}                              in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/titles/{title_id}/analysis                     in   no   no   no   no   no   ok   no   in   404  no   ok   no   no
DELETE /api/v1/titles/{title_id}/list                         in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
PUT    /api/v1/titles/{title_id}/list                         in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
POST   /api/v1/titles/{title_id}/markers                      in   no   no   no   no   no   ok   no   in   404  no   ok   no   no
POST   /api/v1/titles/{title_id}/open                         in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/v1/titles/{title_id}/report                       in   no   no   no   no   no   ok   no   in   404  no   ok   no   no
PUT    /api/v1/titles/{title_id}/thumb                        in   ok   pin  404  no   no   no   ok   in   no   no   no   no   no
POST   /api/v1/vouchers/redeem                                in   ok   no   ok   no   no   no   ok   in   no   no   no   no   no
POST   /api/v1/watched                                        in   ok   404  404  no   no   no   ok   in   no   no   no   no   no
GET    /api/{path}                                            404  404  404  404  404  404  404  404  404  404  404  404  404  404
GET    /artwork/{artwork}/{name}                              ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /authority.pem                                         ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /box                                                   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /box/{rest}                                            ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /cmcd/{stream_token}                                   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /healthz                                               ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /licence/clearkey/{stream_token}                       ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /metrics                                               in   no   no   no   no   no   ok   no   in   ok   no   ok   no   no
GET    /oauth/authorize                                       ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /oauth/authorize                                       ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /oauth/device_authorization                            ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /oauth/jwks                                            ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /oauth/revoke                                          ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /oauth/token                                           ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /ofrep/v1/evaluate/flags                               in   no   no   no   ok   400  ok   no   in   400  ok   ok   ok   ok
POST   /ofrep/v1/evaluate/flags/{key}                         in   no   no   no   ok   400  ok   no   in   404  ok   ok   ok   ok
GET    /sign-in/{operator_id}                                 ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /sign-in/{operator_id}/done                            400  400  400  400  400  400  400  400  400  400  400  400  400  400
GET    /ui/{rest}                                             ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /watch                                                 ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /watch/{rest}                                          ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
"""


class Writers:
    """What the app writes down behind its answers, a moment later. Here it does so much sooner, and is waited for."""

    EVERY_SECONDS = 0.01
    NAMES = ("leases", "rankings", "handed-releases", "ended-plays")

    def __init__(self) -> None:
        self._done: dict[str, int] = {}

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Have what is built from now on counted."""
        watching = self

        class Repeating(wiring.Repeating):
            def __init__(self, name: str, step: Callable[[], object], seconds: float, failing: str) -> None:
                if name in watching.NAMES:
                    step, seconds = watching._counted(name, step), watching.EVERY_SECONDS
                super().__init__(name, step, seconds, failing)

        class Book(wiring.Book):
            def start(self) -> None:
                self.flush = watching._counted("book", self.flush)  # type: ignore[method-assign]
                super().start()

        patch.setattr(wiring, "Repeating", Repeating)
        patch.setattr(wiring, "Book", Book)
        patch.setattr(book, "FLUSH_SECONDS", self.EVERY_SECONDS)

    def settle(self) -> None:
        """Wait until each has begun and ended once since now: of two that end, the second began since."""
        until = {name: count + 2 for name, count in self._done.items()}
        assert until.keys() == {"book", *self.NAMES}
        end = time.monotonic() + 20
        while any(self._done[name] < count for name, count in until.items()):
            assert time.monotonic() < end, self._done
            time.sleep(0.002)

    def _counted(self, name: str, step: Callable[[], Any]) -> Callable[[], Any]:
        self._done[name] = 0

        def counted() -> Any:
            done = step()
            self._done[name] += 1
            return done

        return counted


@dataclass
class Home:
    """A new home of operator A with everything that a request may name, and the token of each party."""

    household: HouseholdId
    adult: str
    child: str
    box: str
    serial: str
    reference: str
    spare: str
    account: str
    voucher: str
    plan: str
    unlock: str
    tokens: dict[str, str]
    others: str
    key: BoxKey
    world: "World"
    hidden: tuple[str, ...] = ()
    began: Any = None


class World:
    """The whole app behind a real port, with two operators, a publisher, and a film that both carry."""

    def __init__(
        self, installation: Installation, signer: Signer, poll: Callable[[], Any], writers: Writers, base: str, routes: set[str]
    ) -> None:
        self.installation, self.database, self.signer, self.poll, self.writers, self.routes = (
            installation, installation.database, signer, poll, writers, routes,
        )  # fmt: skip
        self.client = httpx.Client(base_url=base, timeout=30)
        self._count = 0
        self._fresh: Home | None = None
        now = self.now = read_clock()
        with self.database.write() as conn:
            self.publisher = parties.ensure_publisher(conn, "Studio", "EUR", now)
            self.rival = parties.ensure_publisher(conn, "Rival", "EUR", now)
            self.films = titles.ensure_service(conn, self.publisher.id, "Films", now)
            self.sold = titles.ensure_service(conn, self.publisher.id, "Sold", now)
            self.a, self.b = (fleet.ensure_operator(conn, name, "FR", "Europe/Paris", now).id for name in ("A", "B"))
            self.model = fleet.ensure_box_model(conn, "00AFFF", "LBP", "Livebox Play", {"drm": ["clearkey"]}, now)
            for operator, service, billing in (
                (self.a, self.films, Billing.NONE), (self.b, self.films, Billing.NONE), (self.a, self.sold, Billing.OPERATOR),
            ):  # fmt: skip
                signed = AgreementStatus.SIGNED
                carriage.record_agreement(conn, operator, service.id, signed, now, now, actor="test", billing=billing)
                carriage.ensure_open_launch(conn, operator, service.id, now, actor="test")
            self.film = film("Le Phare", publisher=self.publisher.id, service=self.films.id)
            assert self.film.playable is not None
            way = WayToWatch(link="https://tv.example/{id}", offer=Offer.FREE)
            elsewhere = PartnerWork(ref="urn:elsewhere", ways=(way,))
            own: dict[str, Any] = {"publisher": self.publisher.id, "service": self.films.id}
            self.partner_film = film("Ailleurs", partner=elsewhere, playable=None, **own)
            titles.insert_many(conn, [self.film, self.partner_film], now)
            package = PackageId(self.film.playable.package)
            kid = library.ensure_keys(conn, installation.master, package, self.film.id, now).kid
            library.keep_analysis(conn, package, ANALYSIS, now)
            self.plan, _ = plan_store.ensure_plan(conn, self.sold, "All", now, actor="test")
            self.offer = terms_store.Offer(
                operator=self.a, environment=Environment.PRODUCTION, offer_id="all of it", plan=self.plan.id
            )  # fmt: skip
            terms_store.set_offer(conn, self.plan, self.offer, now, actor="test")
            web = issuers.WebClient(id="our pages")
            issuers.set_issuer(conn, self.a, "https://id.example", "films", "sub", now, actor="test", web=web)
            at = issuers.Endpoints(authorization="https://id.example/authorize", token="https://id.example/token")
            (issuer,) = issuers.all_issuers(conn)
            issuers.record_read(conn, issuer, {"keys": []}, at, now)
            seats = {
                "staff_a": seat_of("operator", operator=self.a),
                "staff_b": seat_of("operator", operator=self.b),
                "publisher": seat_of("publisher", publisher=self.publisher.id),
                "rival": seat_of("publisher", publisher=self.rival.id),
                "auditor_a": seat_of("auditor", operator=self.a),
                "auditor": seat_of("auditor"),
            }
            self.staff = {
                who: staff_store.add_account(conn, who.replace("_", "."), seat, PASSWORD_HASH, now, actor="test")
                for who, seat in seats.items()
            }
            self.keys = {
                "key_a": parties.add_api_key(conn, seats["staff_a"], "", now, actor="test"),
                "key_publisher": parties.add_api_key(conn, seats["publisher"], "", now, actor="test"),
            }
        self.picture = new_id()
        installation.published.put(f"artwork/{self.picture}/poster.jpg", b"a picture")
        self.kids = [base64.urlsafe_b64encode(kid).rstrip(b"=").decode()]
        self.origin = installation.settings.web_origin
        self.authorizes = {
            "client_id": WEB, "response_type": "code", "redirect_uri": our_own(self.origin)[WEB].redirect_uris[0],
            "scope": "watch", "code_challenge": "A" * 43, "code_challenge_method": "S256", "state": "s",
        }  # fmt: skip
        self.poll()

    def fresh(self) -> Home:
        """A home of which nobody has changed anything: a new one once somebody did."""
        if self._fresh is None:
            self._fresh = self._make()
        return self._fresh

    def answer(self, home: Home, who: str, asked: tuple[str, str, Mapping[str, Any]]) -> httpx.Response:
        """A party's answer. What it did must not stand in another's way."""
        answer = self.ask(home, who, asked)
        if asked[0] != "GET" and answer.status_code < 400:
            self._fresh = None
        return answer

    def _make(self) -> Home:
        self._count += 1
        now, name = read_clock(), f"home {self._count}"
        mark = self.installation.master.mark
        with self.database.write() as conn:
            household, adult, child, box, box_token = self._settle(conn, self.a, name)
            other, others, _, _, _ = self._settle(conn, self.b, f"other {name}")
            pin_store.set_pin(conn, mark, household, PIN, now, of_version=None)
            version = pin_store.versions_of(conn, [household])[household]
            begun = {who: self._begin(conn, whose) for who, whose in (
                ("viewer", household), ("kid", household), ("other", other), ("stolen", household), ("spare", household),
            )}  # fmt: skip
            pin_store.settle_screen(conn, f"viewer:{begun['kid'].id}", household, child, now)
            stolen = f"mtr_{begun['stolen'].id}{'A' * 43}"  # two have shown one refresh token: the session is over
            assert sessions.refreshed(conn, stolen, TV, now) is None
            account = account_store.add_account(conn, self.a, self.sold.id, household, now)
            worth = Money(500, "EUR")
            _, (voucher,) = voucher_store.make(conn, self.films, worth, 1, Instant(now + DAY), now, actor="test")
            staff = {
                who: staff_store.begin_session(conn, one, PASSWORD_HASH, now, Instant(now + DAY))[0]
                for who, one in self.staff.items()
            }
        self.poll()
        unlock = pins.unlock(mark, household, version, f"viewer:{begun['viewer'].id}", pins.HOUSEHOLD, Instant(now + HOUR))
        tokens = {who: self.signer.access_token(one, now, ours=True) for who, one in begun.items() if who != "spare"}
        tokens |= {"anonymous": "", "box": box_token, **staff, **self.keys}
        made = Home(
            household=household, adult=adult, child=child, box=box, serial=f"serial {name}", reference=name,
            spare=begun["spare"].id, account=account.id, voucher=voucher, plan=self.plan.id, unlock=unlock, tokens=tokens,
            others=others, key=BoxKey(), world=self,
        )  # fmt: skip
        made.hidden = (household, adult, child, box, made.spare, account.id, *(begun[one].id for one in ("viewer", "kid")))
        return made

    def _settle(self, conn: Any, operator: OperatorId, name: str) -> Any:
        now = read_clock()
        line = fleet.ensure_line(conn, operator, name, now)
        box = fleet.ensure_box(conn, self.model.id, f"serial {name}", "Salon", now)
        fleet.assign_box(conn, box.id, line.id, now, now)
        household = store.ensure_household(conn, name, now).id
        store.assign_household(conn, line.id, household, now, now)
        adult = store.ensure_profile(conn, household, "Grande", "#4477aa", AgeClass(16), Language("fr"), now)
        child = store.ensure_profile(conn, household, "Petit", "#4477aa", AgeClass(10), Language("fr"), now)
        profile_store.change(conn, household, child.id, {"kids": True}, now)
        return household, adult.id, child.id, box.id, fleet.mint_box_token(conn, box.id, now)

    def _begin(self, conn: Any, household: HouseholdId) -> ScreenSession:
        made = self._session(household)
        sessions.begin(conn, made, rules.first_refresh_token(made.id))
        return made

    def _session(self, household: HouseholdId) -> ScreenSession:
        now = read_clock()
        return ScreenSession(
            id=ScreenSessionId(new_id()), household=household, account=None, client=TV, scope="watch", label="Salon",
            begun_at=now, last_seen=now, expires_at=Instant(now + DAY), authenticated_at=now,
        )  # fmt: skip

    def play(self, home: Home) -> Any:
        """A play of the adult's on the viewer's screen, the same one for as long as the home is fresh."""
        if home.began is None:
            home.began = self._begin_play(home)
            self.writers.settle()
        return home.began

    def _begin_play(self, home: Home) -> Any:
        body = {"title_id": self.film.id, "profile_id": home.adult}
        return self.ask(home, "viewer", ("POST", "/api/v1/playback", {"json": body})).raise_for_status().json()

    def rollout(self, *, halted: bool) -> str:
        """A rollout at operator A that somebody else has planned, and that waits to be approved, or has halted."""
        now, hour = read_clock(), DurationMs(HOUR)
        with self.database.write() as conn:
            service = titles.ensure_service(conn, self.publisher.id, f"Waves {new_id()}", now).id
            carriage.record_agreement(conn, self.a, service, AgreementStatus.SIGNED, now, now, actor="test")
            launch = Launch(
                id=LaunchId(""), operator=self.a, service=service, state=LaunchState.OPEN, technical_at=now, valid_from=now,
                recorded_at=now, share=0,
            )  # fmt: skip
            carriage.record_launch(conn, launch, now, actor="test")
            wave = Wave(share=10_000, sample=1, soak_ms=hour, timeout_ms=hour, failing=5.0, needs_approval=True)
            wanted = Rollout(
                id=RolloutId(""), operator=self.a, service=service, starts_at=now, recorded_at=now, waves=(wave,),
                salt="", author="somebody",
            )  # fmt: skip
            made = rollout_store.plan(conn, wanted, now)
            for kind in (EventKind.APPROVED, EventKind.BEGUN, EventKind.HALTED) if halted else ():
                rollout_store.append(conn, made, kind, 0, now, "somebody")
        self.poll()
        return str(made.id)

    def dead_letter(self, hook: str) -> str:
        """An event that did not get through to this callback."""
        now, made = read_clock(), new_id()
        with self.database.write() as conn:
            conn.execute(
                sa.insert(hook_store.deliveries).values(
                    id=made, hook_id=hook, event_id=new_id(), type="TestEvent", body="{}", state=DeliveryState.DEAD, holds=False,
                    tries=10, next_try_at=now, created_at=now, ended_at=now, status=None, why="no answer", answer="",
                )
            )  # fmt: skip
        return made

    def link(self, home: Home) -> str:
        """Have the home's account wait for its link, and the code of that."""
        event = {**_event("activate"), "partner_account_id": home.account, "offer_id": self.offer.offer_id, "by_link": True}
        begun = self.tell(home, "staff_a", "/api/v1/billing/events", event)
        return str(begun["activation"]["code"])

    def somebody(self) -> str:
        """The name of a new account of operator A's staff."""
        name = f"staff.{new_id()}"
        with self.database.write() as conn:
            seat = seat_of("operator", operator=self.a)
            staff_store.add_account(conn, name, seat, PASSWORD_HASH, read_clock(), actor="test")
        self.poll()
        return name

    def refresh_token(self, home: Home) -> str:
        """That of a screen of the home which was signed in just now."""
        made = self._session(home.household)
        token = rules.first_refresh_token(made.id)
        with self.database.write() as conn:
            sessions.begin(conn, made, token)
        return token

    def rank(self, home: Home) -> None:
        """Have the rows of the home recorded."""
        asked = ("GET", "/api/v1/home", {"params": {"profile": home.adult}})
        self.ask(home, "viewer", asked).raise_for_status()
        self.writers.settle()

    def proved(self, home: Home, message: str) -> dict[str, str]:
        """What the home's box says of the release that it runs, signed by its key."""
        self.tell(home, "box", "/api/v1/box/key", home.key.registration())
        nonce = self.ask(home, "box", ("GET", "/api/v1/box/nonce", {})).raise_for_status().json()["nonce"]
        version = self.release(home)["version"]
        self.poll()
        return {"version": version, "nonce": nonce, "signature": home.key.sign(f"{message}\n{nonce}\n{version}".encode())}

    def release(self, home: Home) -> Any:
        return self.ask(home, "box", ("GET", "/api/v1/box/release", {})).raise_for_status().json()

    def tell(self, home: Home, who: str, path: str, body: Any) -> Any:
        answer = self.ask(home, who, ("POST", path, {"json": body})).raise_for_status().json()
        self._fresh = None
        return answer

    def hub(self, home: Home) -> str:
        """A callback that the staff of operator A registered; there may be a few at once."""
        for one in self.ask(home, "staff_a", ("GET", "/api/v1/hub", {})).raise_for_status().json()["items"]:
            self.ask(home, "staff_a", ("DELETE", f"/api/v1/hub/{one['id']}", {})).raise_for_status()
        asked = ("POST", "/api/v1/hub", {"json": {"callback": f"https://a.example/{new_id()}"}})
        return str(self.ask(home, "staff_a", asked).raise_for_status().json()["id"])

    def ask(self, home: Home, who: str, asked: tuple[str, str, Mapping[str, Any]]) -> httpx.Response:
        method, path, what = asked
        headers = {"Authorization": f"Bearer {home.tokens[who]}"} if home.tokens[who] else {}
        if who == "viewer":  # somebody who knows the PIN
            headers["Matinee-Unlock"] = home.unlock
        return self.client.request(method, path, **{**what, "headers": {**headers, **what.get("headers", {})}})

    def export(self, home: Home) -> str:
        """All that is held of the home."""
        with self.database.read() as conn:
            held = privacy.export(conn, home.household, self.now)["held"]
        return json.dumps(held, sort_keys=True, default=str)


Request = tuple[str, Mapping[str, Any]]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _stream(home: Home) -> str:
    return str(home.world.play(home)["manifests"]["dash"].split("/")[4])


def _paths(home: Home) -> dict[str, str]:
    return {
        "profile_id": home.adult, "session_id": home.spare, "plan_id": home.plan,
        "account_id": home.account, "title_id": home.world.film.id, "row_id": "new", "operator": home.world.a,
        "operator_id": home.world.a,
        "service_id": home.world.films.id, "key": home.world.films.id, "rest": "index.html", "path": "nothing",
        "artwork": home.world.picture, "name": "poster.jpg",
    }  # fmt: skip


def _event(kind: str) -> dict[str, Any]:
    return {"eventId": new_id(), "eventTime": to_rfc3339(read_clock()), "eventType": kind}


def _sale(home: Home) -> dict[str, Any]:
    return {**_event("activate"), "household": home.reference, "offer_id": home.world.offer.offer_id}


def _offer(home: Home) -> dict[str, Any]:
    return {"plan_id": home.plan, "offer_id": new_id(), "operator_id": home.world.a}


def _sold(home: Home) -> dict[str, Any]:
    return {"reference": new_id(), "household": home.reference, "plan_id": home.plan}


def _person(home: Home) -> dict[str, Any]:
    return {"request": new_id(), "name": "Tante", "color": "#4477aa", "language": "fr"}


def _flag(home: Home) -> dict[str, Any]:
    return {"context": {"targetingKey": home.box}}


def _beat(home: Home) -> dict[str, Any]:
    return {"sequence": 1, "position_ms": 1_000, "state": "playing"}


BODIES: dict[str, Callable[[Home], Any]] = {
    "POST /api/v1/staff/session": lambda home: {"name": home.world.somebody(), "password": PASSWORD},
    "POST /api/v1/box/key": lambda home: home.key.registration(),
    "POST /api/v1/box/confirm": lambda home: home.world.proved(home, "matinee-confirm"),
    "POST /api/v1/box/start-failed": lambda home: home.world.proved(home, "matinee-start-failed"),
    "PUT /api/v1/profiles/{profile_id}/preferences": lambda home: {"audio_language": "en"},
    "POST /api/v1/profiles": _person,
    "PUT /api/v1/profiles": lambda home: {"profile_ids": [home.child, home.adult]},
    "PATCH /api/v1/profiles/{profile_id}": lambda home: {"age_class": 18},
    "PUT /api/v1/pin": lambda home: {"pin": "1357"},
    "POST /api/v1/pin/unlock": lambda home: {"pin": PIN, "profile_id": None},
    "PUT /api/v1/profiles/{profile_id}/consents": lambda home: {"purpose": "measurement", "given": True},
    "POST /api/v1/vouchers/redeem": lambda home: {"code": home.voucher},
    "POST /api/v1/rollouts/{rollout_id}/approve": lambda home: {"wave": 1},
    "POST /api/v1/rollouts/{rollout_id}/resume": lambda home: {"wave": 1},
    "POST /api/v1/plans": lambda home: {"service_id": home.world.sold.id, "name": new_id()},
    "PUT /api/v1/plans/{plan_id}/limits": lambda home: {"streams": 2, "max_height": None},
    "POST /api/v1/subscriptions": _sold,
    "POST /api/v1/plans/{plan_id}/terms": lambda home: {"trial_days": 0},
    "POST /api/v1/offers": _offer,
    "POST /api/v1/billing/events": _sale,
    "POST /api/v1/partner-accounts": lambda home: {"service_id": home.world.sold.id, "household": home.reference},
    "POST /api/v1/activations": lambda home: {"code": home.world.link(home)},
    "POST /ofrep/v1/evaluate/flags/{key}": _flag,
    "POST /ofrep/v1/evaluate/flags": _flag,
    "POST /api/v1/titles/{title_id}/markers": lambda home: {"none": ["recap"]},
    "POST /api/v1/titles/{title_id}/open": lambda home: {"source": "home", "profile_id": home.adult},
    "POST /api/v1/watched": lambda home: {
        "service_id": home.world.partner_film.service,
        "entity_id": home.world.partner_film.partner.ref,
        "profile_id": home.adult,
        "progress": 0.5,
    },
    "PUT /api/v1/titles/{title_id}/list": lambda home: {"profile_id": home.adult},
    "PUT /api/v1/titles/{title_id}/thumb": lambda home: {"profile_id": home.adult, "thumb": "up"},
    "POST /api/v1/privacy/erase": lambda home: {"confirm": "erase everything"},
    "POST /api/v1/playback": lambda home: {"title_id": home.world.film.id, "profile_id": home.adult},
    "POST /api/v1/playback/{session_id}/heartbeat": _beat,
    "POST /api/v1/playback/{session_id}/end": lambda home: {"sequence": 1, "position_ms": 1_000},
    "POST /licence/clearkey/{stream_token}": lambda home: {"kids": home.world.kids},
    "POST /api/v1/hub": lambda home: {"callback": f"https://a.example/{new_id()}"},
}
QUERIES: dict[str, Callable[[Home], Mapping[str, str]]] = {
    "GET /api/v1/boxes": lambda home: {"serial": home.serial},
    "GET /api/v1/decisions": lambda home: {"box": home.box, "service": home.world.films.id},
    "GET /oauth/authorize": lambda home: home.world.authorizes,
    "POST /oauth/authorize": lambda home: home.world.authorizes,
    "GET /api/v1/reach": lambda home: {"service": home.world.films.id},
    "GET /api/v1/subscriptions": lambda home: {"household": home.reference},
    "GET /api/v1/search": lambda home: {"q": "phare", "profile": home.adult},
    "GET /api/v1/ranking": lambda home: {"service": home.world.films.id, "operator": home.world.a},
    **{
        route: lambda home: {"profile": home.adult}
        for route in (
            "GET /api/v1/titles/{title_id}", "GET /api/v1/home", "GET /api/v1/rows/{row_id}", "GET /api/v1/history",
            "DELETE /api/v1/history", "DELETE /api/v1/history/{title_id}", "DELETE /api/v1/titles/{title_id}/list",
        )
    },
}  # fmt: skip
TEXTS: dict[str, str | Callable[[Home], str]] = {
    "POST /oauth/token": lambda home: (
        f"client_id=matinee-tv&grant_type=refresh_token&refresh_token={home.world.refresh_token(home)}"
    ),
    "POST /oauth/device_authorization": "client_id=matinee-tv&scope=watch",
    "POST /oauth/revoke": "client_id=matinee-tv&token=nothing",
    "POST /oauth/authorize": "step=allow",
    "POST /activate": "step=code&user_code=BCDF-GHJK",
    "POST /cmcd/{stream_token}": "e=ps,sta=p,ts=1,v=2",
}


def request_of(route: str, home: Home) -> tuple[str, str, Mapping[str, Any]]:
    """The request of a route, for this home."""
    method, _, path = route.partition(" ")
    names = _paths(home)
    if "/playback/{session_id}" in path:
        names["session_id"] = home.world.play(home)["session_id"]
    if "{stream_token}" in path:
        names["stream_token"] = _stream(home)
    if "{rollout_id}" in path:
        names["rollout_id"] = home.world.rollout(halted=route.endswith("/resume"))
    if "{hub_id}" in path:
        names["hub_id"] = home.world.hub(home)
    if "{delivery_id}" in path:
        names["delivery_id"] = home.world.dead_letter(names["hub_id"])
    if path.endswith("/activation"):
        home.world.link(home)
    if path.endswith("/titles/{title_id}/open"):
        names["title_id"] = home.world.partner_film.id
    if path.startswith("/ui/"):
        names["rest"] = home.world.release(home)["entry"].removeprefix("/ui/")
    if path == "/api/v1/ranking":
        home.world.rank(home)
    what: dict[str, Any] = {}
    if route in BODIES:
        what["json"] = BODIES[route](home)
    if route in QUERIES:
        what["params"] = dict(QUERIES[route](home))
    if route in TEXTS:
        text = TEXTS[route]
        what |= {"content": text if isinstance(text, str) else text(home), "headers": {**FORM, "Origin": home.world.origin}}
    if path.startswith("/cmcd"):
        what["headers"] = {"Content-Type": "application/cmcd"}
    return method, path.format_map(names), what


def word(answer: httpx.Response) -> str:
    kind = answer.headers.get("content-type", "")
    code = answer.json().get("code", "") if "json" in kind and answer.status_code >= 400 else ""
    if answer.status_code < 400:
        return "ok"
    return {"not_signed_in": "in", "not_allowed": "no", "pin_needed": "pin"}.get(code, str(answer.status_code))


def table(text: str = TABLE) -> dict[str, list[str]]:
    """The cells of each route. Raises ValueError where a route has two lines: one would hide the other."""
    found: dict[str, list[str]] = {}
    for method, path, *cells in (line.split() for line in text.strip().splitlines() if line and not line.startswith("#")):
        if found.setdefault(f"{method} {path}", cells) is not cells:
            raise ValueError(f"{method} {path} has two lines in the table.")
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    feeds: list[Any] = []
    writers = Writers()

    class Followed(wiring.Following):
        def __init__(self, feed: Any) -> None:
            super().__init__(feed)
            feeds.append(feed)

    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(wiring, "Following", Followed)
        writers.watch(patch)
        settings = load_settings(tmp_path_factory.mktemp("matrix") / "data", {})
        installation = stack.enter_context(open_installation(settings))
        authority = tmp_path_factory.mktemp("authority") / "authority.pem"
        authority.write_text("a certificate")
        app = wiring.build_web(installation, landing=lambda: "", authority=authority)
        routes = {f"{method} {path}" for method, path, _ in handlers(app)}
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
            thread.start()
            while not server.started:
                time.sleep(0.02)
            port = listening.getsockname()[1]
            signer = Signer(SigningKeys(installation.sign_in_key_file), settings.web_origin)
            yield World(installation, signer, feeds[0].poll, writers, f"http://127.0.0.1:{port}", routes)
            server.should_exit = True
            thread.join(20)


def test_every_route_has_a_line_and_every_line_a_route(world: World) -> None:
    assert world.routes == set(table()), "write who may do what in the table above"
    assert {len(cells) for cells in table().values()} == {len(PARTIES)}
    nobody = {route for route, cells in table().items() if "ok" not in cells}
    assert nobody == FOR_NOBODY, "a refusal proves nothing where nobody could have succeeded"


def test_a_route_has_one_line_alone() -> None:
    with pytest.raises(ValueError, match="GET /a has two lines"):
        table("GET /a ok no\nPOST /a ok ok\nGET /a ok ok")


@pytest.mark.parametrize("route", table())
def test_each_party_is_told_what_the_table_says(world: World, route: str) -> None:
    found, told = [], []
    for who in PARTIES:
        home = world.fresh()
        asked = request_of(route, home)
        is_stranger = who in STRANGERS and route not in BY_ITS_SECRET
        if is_stranger:
            world.writers.settle()
        before = world.export(home) if is_stranger else ""
        answer = world.answer(home, who, asked)
        found.append(word(answer))
        if is_stranger:
            world.writers.settle()
            assert world.export(home) == before, f"{who} changed something of the home by {route}"
            named = str(asked)
            leaked = [one for one in home.hidden if one in answer.text and one not in named]
            if leaked:
                told.append(f"{who} is told {leaked} by {route}")
    assert found == table()[route], dict(zip(PARTIES, found, strict=True))
    assert told == []
