"""Who may do what: every route of the running app, asked over HTTP by every kind of party, with one and the same request.

The request is well-formed, and names what is a home's of operator A (of a title, a plan, a rollout: the publisher's). What each
party is to be told is written in the table below by hand, and nothing in it is read from the policies that it holds. A route that
has no line fails. Strangers must not change anything of the home either, nor be told an id of it.

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
import uvicorn

from matinee.app import privacy, wiring
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.clock import DAY, HOUR, Instant
from matinee.base.ids import HouseholdId, LaunchId, OperatorId, PackageId, RolloutId, ScreenSessionId, new_id
from matinee.base.money import Money
from matinee.base.units import DurationMs
from matinee.carriage import rollout_store
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus, Billing, Launch, LaunchState
from matinee.carriage.rollouts import Rollout
from matinee.catalogue import store as titles
from matinee.catalogue.model import AgeClass, Language
from matinee.fleet import store as fleet
from matinee.fleet.waves import Wave
from matinee.library import store as library
from matinee.members import account_store, pin_store, pins, plan_store, profile_store, store, voucher_store
from matinee.members.sign_in import rules, sessions
from matinee.members.sign_in.access import Signer
from matinee.members.sign_in.clients import our_own
from matinee.members.sign_in.keys import SigningKeys
from matinee.members.sign_in.model import TV, WEB, ScreenSession
from matinee.parties import staff_store
from matinee.parties import store as parties
from tests.app.test_policies import handlers
from tests.catalogue.factories import film
from tests.world import PASSWORD_HASH, seat_of

PARTIES = ("anonymous", "viewer", "kid", "other", "staff_a", "staff_b", "publisher", "box", "stolen")
STRANGERS = ("anonymous", "other", "staff_b", "stolen")
PIN = "2468"

TABLE = """
#                                                             anon view kid  othr stfA stfB publ box  stolen
GET    /                                                      ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /.well-known/oauth-authorization-server                ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /.well-known/openid-configuration                      ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /activate                                              ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /activate                                              ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /api                                                   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /api/openapi.json                                      ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /api/v1/activations                                    in   409  no   404  no   no   no   409  in
GET    /api/v1/announced                                      in   ok   ok   ok   no   no   no   ok   in
GET    /api/v1/audit                                          in   no   no   no   ok   ok   ok   no   in
POST   /api/v1/billing/events                                 in   no   no   no   409  404  no   no   in
POST   /api/v1/box/confirm                                    in   no   no   no   no   no   no   409  in
POST   /api/v1/box/key                                        in   no   no   no   no   no   no   400  in
GET    /api/v1/box/nonce                                      in   no   no   no   no   no   no   ok   in
GET    /api/v1/box/release                                    in   no   no   no   no   no   no   ok   in
POST   /api/v1/box/start-failed                               in   no   no   no   no   no   no   409  in
GET    /api/v1/boxes                                          in   no   no   no   ok   ok   no   no   in
GET    /api/v1/carriage                                       in   no   no   no   ok   ok   ok   no   in
GET    /api/v1/credit                                         in   ok   no   ok   no   no   no   ok   in
GET    /api/v1/decisions                                      in   no   no   no   ok   404  ok   no   in
DELETE /api/v1/history                                        in   ok   pin  404  no   no   no   ok   in
GET    /api/v1/history                                        in   ok   pin  404  no   no   no   ok   in
DELETE /api/v1/history/{title_id}                             in   ok   pin  404  no   no   no   ok   in
GET    /api/v1/home                                           in   ok   pin  404  no   no   no   ok   in
GET    /api/v1/hub                                            in   no   no   no   ok   ok   ok   no   in
POST   /api/v1/hub                                            in   no   no   no   ok   ok   ok   no   in
DELETE /api/v1/hub/{hub_id}                                   in   no   no   no   ok   404  404  no   in
GET    /api/v1/hub/{hub_id}                                   in   no   no   no   ok   404  404  no   in
GET    /api/v1/hub/{hub_id}/dead                              in   no   no   no   ok   404  404  no   in
POST   /api/v1/hub/{hub_id}/dead/{delivery_id}/retry          in   no   no   no   404  404  404  no   in
POST   /api/v1/hub/{hub_id}/secret                            in   no   no   no   ok   404  404  no   in
POST   /api/v1/hub/{hub_id}/test                              in   no   no   no   ok   404  404  no   in
GET    /api/v1/invoices                                       in   ok   no   ok   no   no   no   ok   in
GET    /api/v1/me                                             in   ok   ok   ok   no   no   no   ok   in
GET    /api/v1/offers                                         in   no   no   no   ok   ok   ok   no   in
POST   /api/v1/offers                                         in   no   no   no   ok   404  ok   no   in
GET    /api/v1/operators/{operator}/service-list.xml          ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /api/v1/partner-accounts                               in   no   no   no   ok   404  no   no   in
GET    /api/v1/partner-accounts/{account_id}                  in   no   no   no   ok   404  ok   no   in
POST   /api/v1/partner-accounts/{account_id}/activation       in   no   no   no   409  404  no   no   in
DELETE /api/v1/pin                                            in   ok   pin  ok   no   no   no   pin  in
PUT    /api/v1/pin                                            in   ok   pin  ok   no   no   no   pin  in
POST   /api/v1/pin/unlock                                     in   403  403  409  no   no   no   403  in
GET    /api/v1/plan                                           in   ok   no   ok   no   no   no   ok   in
GET    /api/v1/plans                                          in   no   no   no   ok   ok   ok   no   in
POST   /api/v1/plans                                          in   no   no   no   no   no   ok   no   in
PUT    /api/v1/plans/{plan_id}/limits                         in   no   no   no   no   no   ok   no   in
POST   /api/v1/plans/{plan_id}/terms                          in   no   no   no   no   no   ok   no   in
POST   /api/v1/playback                                       in   ok   pin  404  no   no   no   ok   in
POST   /api/v1/playback/{session_id}/end                      in   ok   404  404  no   no   no   404  in
POST   /api/v1/playback/{session_id}/heartbeat                in   ok   404  404  no   no   no   404  in
POST   /api/v1/playback/{session_id}/stop                     in   ok   ok   404  no   no   no   ok   in
POST   /api/v1/privacy/erase                                  in   ok   pin  409  no   no   no   pin  in
GET    /api/v1/privacy/export                                 in   ok   pin  ok   no   no   no   pin  in
POST   /api/v1/profiles                                       in   ok   pin  ok   no   no   no   pin  in
PUT    /api/v1/profiles                                       in   ok   pin  409  no   no   no   ok   in
DELETE /api/v1/profiles/{profile_id}                          in   ok   pin  ok   no   no   no   pin  in
PATCH  /api/v1/profiles/{profile_id}                          in   ok   pin  404  no   no   no   pin  in
POST   /api/v1/profiles/{profile_id}/choose                   in   ok   pin  404  no   no   no   ok   in
GET    /api/v1/profiles/{profile_id}/consents                 in   ok   pin  404  no   no   no   ok   in
PUT    /api/v1/profiles/{profile_id}/consents                 in   ok   pin  404  no   no   no   ok   in
PUT    /api/v1/profiles/{profile_id}/preferences              in   ok   pin  404  no   no   no   ok   in
GET    /api/v1/ranking                                        in   no   no   no   no   no   404  no   in
GET    /api/v1/reach                                          in   no   no   no   ok   ok   ok   no   in
GET    /api/v1/rollouts                                       in   no   no   no   ok   ok   ok   no   in
POST   /api/v1/rollouts/{rollout_id}/approve                  in   no   no   no   ok   404  ok   no   in
POST   /api/v1/rollouts/{rollout_id}/resume                   in   no   no   no   409  404  409  no   in
POST   /api/v1/rollouts/{rollout_id}/withdraw                 in   no   no   no   ok   404  ok   no   in
GET    /api/v1/rows/{row_id}                                  in   ok   pin  404  no   no   no   ok   in
GET    /api/v1/search                                         in   ok   pin  404  no   no   no   ok   in
GET    /api/v1/services/{service_id}/watch-actions            in   no   no   no   no   no   ok   no   in
DELETE /api/v1/sessions                                       in   ok   pin  ok   no   no   no   ok   in
GET    /api/v1/sessions                                       in   ok   ok   ok   no   no   no   ok   in
DELETE /api/v1/sessions/{session_id}                          in   ok   pin  404  no   no   no   ok   in
GET    /api/v1/staff/me                                       in   no   no   no   ok   ok   ok   no   in
DELETE /api/v1/staff/session                                  in   no   no   no   ok   ok   ok   no   in
POST   /api/v1/staff/session                                  in   in   in   in   in   in   in   in   in
GET    /api/v1/status                                         ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /api/v1/subscriptions                                  in   no   no   no   ok   ok   ok   no   in
POST   /api/v1/subscriptions                                  in   no   no   no   ok   404  ok   no   in
GET    /api/v1/titles                                         in   no   no   no   no   no   ok   no   in
GET    /api/v1/titles/{title_id}                              in   ok   pin  404  no   no   no   ok   in
GET    /api/v1/titles/{title_id}/analysis                     in   no   no   no   no   no   404  no   in
DELETE /api/v1/titles/{title_id}/list                         in   ok   pin  404  no   no   no   ok   in
PUT    /api/v1/titles/{title_id}/list                         in   ok   pin  404  no   no   no   ok   in
POST   /api/v1/titles/{title_id}/markers                      in   no   no   no   no   no   ok   no   in
POST   /api/v1/titles/{title_id}/open                         in   409  pin  404  no   no   no   409  in
GET    /api/v1/titles/{title_id}/report                       in   no   no   no   no   no   404  no   in
PUT    /api/v1/titles/{title_id}/thumb                        in   ok   pin  404  no   no   no   ok   in
POST   /api/v1/vouchers/redeem                                in   ok   no   ok   no   no   no   ok   in
GET    /api/{path}                                            404  404  404  404  404  404  404  404  404
GET    /artwork/{artwork}/{name}                              404  404  404  404  404  404  404  404  404
GET    /authority.pem                                         404  404  404  404  404  404  404  404  404
GET    /box                                                   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /box/{rest}                                            ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /cmcd/{stream_token}                                   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /healthz                                               ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /licence/clearkey/{stream_token}                       ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /metrics                                               in   no   no   no   no   no   ok   no   in
GET    /oauth/authorize                                       ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /oauth/authorize                                       ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /oauth/device_authorization                            ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /oauth/jwks                                            ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /oauth/revoke                                          ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   /oauth/token                                           400  400  400  400  400  400  400  400  400
POST   /ofrep/v1/evaluate/flags                               in   no   no   no   ok   400  ok   no   in
POST   /ofrep/v1/evaluate/flags/{key}                         in   no   no   no   ok   400  ok   no   in
GET    /ui/{rest}                                             404  404  404  404  404  404  404  404  404
GET    /watch                                                 ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    /watch/{rest}                                          ok   ok   ok   ok   ok   ok   ok   ok   ok
"""


@dataclass
class Home:
    """A new home of operator A with everything that a request may name, and the token of each of the nine parties."""

    household: HouseholdId
    adult: str
    child: str
    box: str
    serial: str
    reference: str
    spare: str
    account: str
    code: str
    voucher: str
    rollout: Callable[[], str]
    plan: str
    unlock: str
    tokens: dict[str, str]
    others: str
    play: Callable[[], Any]
    hub: Callable[[], str]
    world: "World"
    hidden: tuple[str, ...] = ()
    began: Any = None


class World:
    """The whole app behind a real port, with two operators, a publisher, and a film that both carry."""

    def __init__(self, installation: Installation, signer: Signer, poll: Callable[[], Any], base: str, routes: set[str]) -> None:
        self.installation, self.database, self.signer, self.poll, self.routes = (
            installation, installation.database, signer, poll, routes,
        )  # fmt: skip
        self.client = httpx.Client(base_url=base, timeout=30)
        self._count = 0
        self._fresh: Home | None = None
        now = self.now = read_clock()
        with self.database.write() as conn:
            self.publisher = parties.ensure_publisher(conn, "Studio", "EUR", now)
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
            titles.insert_many(conn, [self.film], now)
            package = PackageId(self.film.playable.package)
            kid = library.ensure_keys(conn, installation.master, package, self.film.id, now).kid
            self.plan, _ = plan_store.ensure_plan(conn, self.sold, "All", now, actor="test")
            seats = {
                "staff_a": seat_of("operator", operator=self.a),
                "staff_b": seat_of("operator", operator=self.b),
                "publisher": seat_of("publisher", publisher=self.publisher.id),
            }
            self.staff = {
                who: staff_store.add_account(conn, who.replace("_", "."), seat, PASSWORD_HASH, now, actor="test")
                for who, seat in seats.items()
            }
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
            code = new_id()[-10:]
            account_store.add_code(conn, account.id, code, now, Instant(now + DAY))
            worth = Money(500, "EUR")
            _, (voucher,) = voucher_store.make(conn, self.films, worth, 1, Instant(now + DAY), now, actor="test")
            staff = {
                who: staff_store.begin_session(conn, one, PASSWORD_HASH, now, Instant(now + DAY))[0]
                for who, one in self.staff.items()
            }
        self.poll()
        unlock = pins.unlock(mark, household, version, f"viewer:{begun['viewer'].id}", pins.HOUSEHOLD, Instant(now + HOUR))
        tokens = {who: self.signer.access_token(one, now, ours=True) for who, one in begun.items() if who != "spare"}
        tokens |= {"anonymous": "", "box": box_token, **staff}
        made = Home(
            household=household, adult=adult, child=child, box=box, serial=f"serial {name}", reference=name,
            spare=begun["spare"].id, account=account.id, code=code, voucher=voucher, rollout=self._rollout, plan=self.plan.id,
            unlock=unlock, tokens=tokens, others=others, play=lambda: self._play(made), hub=lambda: self._hub(made), world=self,
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
        now = read_clock()
        made = ScreenSession(
            id=ScreenSessionId(new_id()), household=household, account=None, client=TV, scope="watch", label="Salon",
            begun_at=now, last_seen=now, expires_at=Instant(now + DAY), authenticated_at=now,
        )  # fmt: skip
        sessions.begin(conn, made, rules.first_refresh_token(made.id))
        return made

    def _play(self, home: Home) -> Any:
        """A play of the adult's on the viewer's screen, the same one for as long as the home is fresh."""
        if home.began is None:
            home.began = self._begin_play(home)
            while not all(self._is_written(home, table) for table in ("play_sessions", "stream_leases")):
                time.sleep(0.05)  # it is, half a second later
        return home.began

    def _is_written(self, home: Home, table: str) -> bool:
        with self.database.read() as conn:
            return bool(privacy.export(conn, home.household, self.now)["held"][table])

    def _begin_play(self, home: Home) -> Any:
        body = {"title_id": self.film.id, "profile_id": home.adult}
        return self.ask(home, "viewer", ("POST", "/api/v1/playback", {"json": body})).raise_for_status().json()

    def _rollout(self) -> str:
        """A rollout at operator A that somebody else has planned, and that waits to be approved."""
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
        self.poll()
        return str(made.id)

    def _hub(self, home: Home) -> str:
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
    return str(home.play()["manifests"]["dash"].split("/")[4])


def _paths(home: Home) -> dict[str, str]:
    return {
        "profile_id": home.adult, "session_id": home.spare, "plan_id": home.plan,
        "account_id": home.account, "title_id": home.world.film.id, "row_id": "new", "operator": home.world.a,
        "service_id": home.world.films.id, "key": home.world.films.id, "rest": "index.html", "path": "nothing",
        "artwork": new_id(), "name": "poster.jpg", "delivery_id": new_id(),
    }  # fmt: skip


def _event(home: Home) -> dict[str, Any]:
    return {"eventId": new_id(), "eventTime": "2026-01-01T09:00:00Z", "eventType": "suspend", "partner_account_id": home.account}


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
    "POST /api/v1/staff/session": lambda home: {"name": f"nobody.{new_id()}", "password": "a word or two more"},
    "POST /api/v1/box/key": lambda home: {"jwk": {}, "proof": ""},
    "POST /api/v1/box/confirm": lambda home: {"version": "v1", "nonce": new_id(), "signature": ""},
    "POST /api/v1/box/start-failed": lambda home: {"version": "v1", "nonce": new_id(), "signature": ""},
    "PUT /api/v1/profiles/{profile_id}/preferences": lambda home: {"audio_language": "en"},
    "POST /api/v1/profiles": _person,
    "PUT /api/v1/profiles": lambda home: {"profile_ids": [home.child, home.adult]},
    "PATCH /api/v1/profiles/{profile_id}": lambda home: {"age_class": 18},
    "PUT /api/v1/pin": lambda home: {"pin": "1357"},
    "POST /api/v1/pin/unlock": lambda home: {"pin": "0000", "profile_id": None},
    "PUT /api/v1/profiles/{profile_id}/consents": lambda home: {"purpose": "measurement", "given": True},
    "POST /api/v1/vouchers/redeem": lambda home: {"code": home.voucher},
    "POST /api/v1/rollouts/{rollout_id}/approve": lambda home: {"wave": 1},
    "POST /api/v1/rollouts/{rollout_id}/resume": lambda home: {"wave": 1},
    "POST /api/v1/plans": lambda home: {"service_id": home.world.sold.id, "name": new_id()},
    "PUT /api/v1/plans/{plan_id}/limits": lambda home: {"streams": 2, "max_height": None},
    "POST /api/v1/subscriptions": _sold,
    "POST /api/v1/plans/{plan_id}/terms": lambda home: {"trial_days": 0},
    "POST /api/v1/offers": _offer,
    "POST /api/v1/billing/events": _event,
    "POST /api/v1/partner-accounts": lambda home: {"service_id": home.world.sold.id, "household": home.reference},
    "POST /api/v1/activations": lambda home: {"code": home.code},
    "POST /ofrep/v1/evaluate/flags/{key}": _flag,
    "POST /ofrep/v1/evaluate/flags": _flag,
    "POST /api/v1/titles/{title_id}/markers": lambda home: {"none": ["recap"]},
    "POST /api/v1/titles/{title_id}/open": lambda home: {"source": "home", "profile_id": home.adult},
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
TEXTS = {
    "POST /oauth/token": "client_id=matinee-tv&grant_type=refresh_token&refresh_token=nothing",
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
        names["session_id"] = home.play()["session_id"]
    if "{stream_token}" in path:
        names["stream_token"] = _stream(home)
    if "{rollout_id}" in path:
        names["rollout_id"] = home.rollout()
    if "{hub_id}" in path:
        names["hub_id"] = home.hub()
    what: dict[str, Any] = {}
    if route in BODIES:
        what["json"] = BODIES[route](home)
    if route in QUERIES:
        what["params"] = dict(QUERIES[route](home))
    if route in TEXTS:
        what |= {"content": TEXTS[route], "headers": {**FORM, "Origin": home.world.origin}}
    if path.startswith("/cmcd"):
        what["headers"] = {"Content-Type": "application/cmcd"}
    return method, path.format_map(names), what


def word(answer: httpx.Response) -> str:
    kind = answer.headers.get("content-type", "")
    code = answer.json().get("code", "") if "json" in kind and answer.status_code >= 400 else ""
    if answer.status_code < 400:
        return "ok"
    return {"not_signed_in": "in", "not_allowed": "no", "pin_needed": "pin"}.get(code, str(answer.status_code))


def table() -> dict[str, list[str]]:
    rows = [line.split() for line in TABLE.strip().splitlines() if line and not line.startswith("#")]
    return {f"{row[0]} {row[1]}": row[2:] for row in rows}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    feeds: list[Any] = []

    class Followed(wiring.Following):
        def __init__(self, feed: Any) -> None:
            super().__init__(feed)
            feeds.append(feed)

    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(wiring, "Following", Followed)
        settings = load_settings(tmp_path_factory.mktemp("matrix") / "data", {})
        installation = stack.enter_context(open_installation(settings))
        app = wiring.build_web(installation, landing=lambda: "")
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
            yield World(installation, signer, feeds[0].poll, f"http://127.0.0.1:{port}", routes)
            server.should_exit = True
            thread.join(20)


def test_every_route_has_a_line_and_every_line_a_route(world: World) -> None:
    assert world.routes == set(table()), "write who may do what in the table above"
    assert {len(cells) for cells in table().values()} == {len(PARTIES)}


@pytest.mark.parametrize("route", table())
def test_each_party_is_told_what_the_table_says(world: World, route: str) -> None:
    found, told = [], []
    for who in PARTIES:
        home = world.fresh()
        asked = request_of(route, home)
        before = world.export(home) if who in STRANGERS else ""
        answer = world.answer(home, who, asked)
        found.append(word(answer))
        if who in STRANGERS:
            assert world.export(home) == before, f"{who} changed something of the home by {route}"
            named = str(asked)
            leaked = [one for one in home.hidden if one in answer.text and one not in named]
            if leaked:
                told.append(f"{who} is told {leaked} by {route}")
    assert found == table()[route], dict(zip(PARTIES, found, strict=True))
    assert told == []
