"""How each route is called by somebody who would like to find out: a recipe for each, and questions to addresses that are none.

A recipe gives the questions for one asker. They are the same in every world, and name what only the silent service has.
"""

from collections.abc import Callable, Iterator
from typing import Any

from matinee.base.ids import encode_id
from matinee.base.pagination import encode_cursor
from matinee.base.party import PartyKind
from matinee.catalogue.model import Title
from tests.app.silence.worlds import (
    NEWER_BOX,
    RIVALS_BOX,
    SEEN_OFFER,
    SERVICE,
    SILENT_CODE,
    SILENT_OFFER,
    TELLTALE,
    TELLTALES_REFERENCE,
    VOUCHER,
    Asker,
    Question,
    Silent,
)

UNKNOWN = encode_id(b"there is nothing")
_CMCD = {"Content-Type": "application/cmcd"}
_PACKED = {"Accept-Encoding": "gzip"}


Recipe = Callable[[Silent, Asker], Iterator[Question]]
RECIPES: dict[str, Recipe] = {}
"""By "METHOD /path/{as:it}/is/routed"."""


def recipe(*routes: str) -> Callable[[Recipe], Recipe]:
    def keep(made: Recipe) -> Recipe:
        RECIPES.update(dict.fromkeys(routes, made))
        return made

    return keep


def _plain(*routes: str) -> None:
    """Routes that take nothing."""
    for route in routes:
        method, _, path = route.partition(" ")
        RECIPES[route] = lambda _silent, _asker, method=method, path=path: iter([Question(method, path)])  # type: ignore[misc]


_plain(
    "GET /",
    "GET /api",
    "GET /api/openapi.json",
    "GET /api/v1/announced",
    "GET /api/v1/box/nonce",
    "GET /api/v1/box/release",
    "GET /api/v1/me",
    "GET /api/v1/staff/me",
    "GET /api/v1/status",
    "GET /authority.pem",
    "GET /box",
    "GET /healthz",
    "GET /metrics",
    "GET /watch",
)


@recipe("GET /api/{path}", "GET /box/{rest}", "GET /watch/{rest}", "GET /ui/{rest}")
def _below(silent: Silent, asker: Asker) -> Iterator[Question]:
    for root in ("/api", "/box", "/watch", "/ui"):
        for rest in ("", silent.service, f"titles/{silent.film.id}", f"{silent.film.id}.js", "index.html"):
            yield Question("GET", f"{root}/{rest}")


@recipe("GET /api/v1/decisions")
def _decisions(silent: Silent, asker: Asker) -> Iterator[Question]:
    for box in (silent.box, silent.older_box, UNKNOWN, ""):
        for service in (silent.service, SERVICE, UNKNOWN):
            yield Question("GET", "/api/v1/decisions", {"box": box, "service": service})
    asked = {"box": silent.box, "service": silent.service}
    yield Question("GET", "/api/v1/decisions", {**asked, "at": "2014-10-02T08:00:00Z", "known_at": "2014-10-02T08:00:00Z"})
    yield Question("GET", "/api/v1/decisions", {**asked, "at": "no moment"})
    yield Question("GET", "/api/v1/decisions", {"service": silent.service})


@recipe("GET /api/v1/carriage")
def _carriage(silent: Silent, asker: Asker) -> Iterator[Question]:
    yield Question("GET", "/api/v1/carriage")
    yield Question("GET", "/api/v1/carriage", {"at": "2014-10-02T08:00:00Z", "known_at": "2014-10-02T08:00:00Z"})
    yield Question("GET", "/api/v1/carriage", {"limit": 1})
    for operator in silent.operators:
        yield Question("GET", "/api/v1/carriage", {"cursor": encode_cursor(operator, silent.service), "limit": 1})


@recipe("GET /api/v1/plans", "POST /api/v1/plans", "PUT /api/v1/plans/{plan_id}/limits")
def _plans(silent: Silent, asker: Asker) -> Iterator[Question]:
    yield Question("GET", "/api/v1/plans")
    yield Question("POST", "/api/v1/plans", body={"service_id": silent.service, "name": f"{TELLTALE} in full"})
    for service in (silent.service, silent.seen_service, UNKNOWN, TELLTALE):
        # The rival's own plan is there already: a new one would be told only when the snapshot has followed, at some real moment.
        yield Question("POST", "/api/v1/plans", body={"service_id": service, "name": "Everything"})
    yield Question("POST", "/api/v1/plans", body={"service_id": silent.service, "name": ""})
    for plan in (silent.plan, UNKNOWN, silent.service, TELLTALE):
        yield Question("PUT", f"/api/v1/plans/{plan}/limits", body={"streams": 2, "max_height": None})
        yield Question("PUT", f"/api/v1/plans/{plan}/limits", body={"streams": 0, "max_height": None})
    yield Question("GET", "/api/v1/plans")


@recipe("GET /api/v1/subscriptions", "POST /api/v1/subscriptions")
def _subscriptions(silent: Silent, asker: Asker) -> Iterator[Question]:
    yield Question("GET", "/api/v1/subscriptions")
    body = {"reference": TELLTALES_REFERENCE, "household": NEWER_BOX, "plan_id": silent.plan}
    yield Question("POST", "/api/v1/subscriptions", body=body)
    for household in (NEWER_BOX, "the older box", RIVALS_BOX, silent.service, "\0"):
        yield Question("GET", "/api/v1/subscriptions", {"household": household})
        for number, plan in enumerate((silent.plan, silent.seen_plan, UNKNOWN, silent.service)):
            told = {"reference": f"{household} {number}", "household": household, "plan_id": plan}
            yield Question("POST", "/api/v1/subscriptions", body=told)
            ends = {**told, "reference": f"{household} {number} ends", "state": "ended", "since": "2030-01-01T00:00:00Z"}
            yield Question("POST", "/api/v1/subscriptions", body=ends)
    yield Question("POST", "/api/v1/subscriptions", body={**body, "since": "no moment"})
    yield Question("POST", "/api/v1/subscriptions", body={**body, "state": silent.service})
    yield Question("GET", "/api/v1/subscriptions", {"limit": 1, "cursor": encode_cursor(silent.plan)})
    yield Question("GET", "/api/v1/subscriptions")


@recipe("POST /api/v1/plans/{plan_id}/terms")
def _terms(silent: Silent, asker: Asker) -> Iterator[Question]:
    """Nothing is set: what the snapshots follow would be told at some real moment."""
    for plan in (silent.plan, silent.seen_plan, UNKNOWN, silent.service, TELLTALE):
        yield Question("POST", f"/api/v1/plans/{plan}/terms", body={"trial_days": 0})
        priced = {"country": "xx", "minor": 1, "currency": "EUR", "from_day": "2014-10-02"}
        yield Question("POST", f"/api/v1/plans/{plan}/terms", body={"prices": [priced]})


@recipe("GET /api/v1/offers", "POST /api/v1/offers")
def _offers(silent: Silent, asker: Asker) -> Iterator[Question]:
    yield Question("GET", "/api/v1/offers")
    yield Question("POST", "/api/v1/offers", body={"plan_id": silent.plan, "offer_id": "all of it"})
    for plan in (silent.plan, silent.seen_plan, UNKNOWN, silent.service):
        for operator in (*silent.operators, UNKNOWN, None):
            told = {"plan_id": plan, "offer_id": f"all of it {operator}", "operator_id": operator}
            yield Question("POST", "/api/v1/offers", body=told)
            yield Question("POST", "/api/v1/offers", body={**told, "environment": "sandbox", "takes_away": True})
    yield Question("GET", "/api/v1/offers")


@recipe("POST /api/v1/billing/events")
def _billing(silent: Silent, asker: Asker) -> Iterator[Question]:
    path, at = "/api/v1/billing/events", "2014-10-02T09:00:00Z"
    begins = {"eventTime": at, "eventType": "activate", "by_link": True}
    body = {**begins, "eventId": "first", "partner_account_id": silent.account, "offer_id": SILENT_OFFER}
    yield Question("POST", path, body=body)
    for number, account in enumerate((silent.account, silent.seen_account, UNKNOWN, silent.service)):
        for offer in (SILENT_OFFER, SEEN_OFFER, silent.plan):
            told = {"eventId": f"{number} {offer}", "partner_account_id": account, "offer_id": offer}
            yield Question("POST", path, body={**begins, **told})
        ends = {"eventId": f"{number} ends", "eventTime": at, "eventType": "revoke", "partner_account_id": account}
        yield Question("POST", path, body=ends)
    for household in (NEWER_BOX, "the older box", RIVALS_BOX, silent.service, "\0"):
        for service in (silent.service, silent.seen_service, UNKNOWN):
            told = {"eventId": f"{household} {service}", "eventTime": at, "household": household, "service_id": service}
            yield Question("POST", path, body={**told, "eventType": "suspend"})
        told = {"eventId": f"{household} begins", "household": household, "offer_id": SILENT_OFFER}
        yield Question("POST", path, body={**begins, **told, "hand_over": True})
        yield Question("POST", path, body={**begins, **told, "environment": "sandbox"})
    yield Question("POST", path, body={**body, "eventTime": "no moment"})


@recipe(
    "POST /api/v1/partner-accounts",
    "GET /api/v1/partner-accounts/{account_id}",
    "POST /api/v1/partner-accounts/{account_id}/activation",
)
def _accounts(silent: Silent, asker: Asker) -> Iterator[Question]:
    path = "/api/v1/partner-accounts"
    for service in (silent.service, silent.seen_service, UNKNOWN, TELLTALE):
        for household in (None, NEWER_BOX, "the older box", RIVALS_BOX):
            yield Question("POST", path, body={"service_id": service, "household": household})
    for account in (silent.account, silent.seen_account, UNKNOWN, silent.service, TELLTALE):
        yield Question("GET", f"{path}/{account}")
        yield Question("POST", f"{path}/{account}/activation")


@recipe("POST /api/v1/activations")
def _activations(silent: Silent, asker: Asker) -> Iterator[Question]:
    """A code that another home was given, and none. A few tries: a home's box and phone have one budget."""
    yield Question("POST", "/api/v1/activations", body={"code": SILENT_CODE})
    yield Question("POST", "/api/v1/activations", body={"code": silent.service})


@recipe("POST /api/v1/vouchers/redeem", "GET /api/v1/credit")
def _credit(silent: Silent, asker: Asker) -> Iterator[Question]:
    yield Question("GET", "/api/v1/credit")
    for code in (VOUCHER, VOUCHER.lower().replace("-", " "), UNKNOWN, silent.service):
        yield Question("POST", "/api/v1/vouchers/redeem", body={"code": code})
    yield Question("GET", "/api/v1/credit")
    for _ in range(4):  # until it is too often, which comes at the same try for a code that is one
        yield Question("POST", "/api/v1/vouchers/redeem", body={"code": VOUCHER})


@recipe("GET /api/v1/plan", "GET /api/v1/invoices")
def _plan(silent: Silent, asker: Asker) -> Iterator[Question]:
    yield Question("GET", "/api/v1/plan")
    yield Question("GET", "/api/v1/invoices")


@recipe("GET /api/v1/reach")
def _reach(silent: Silent, asker: Asker) -> Iterator[Question]:
    for service in (silent.service, silent.seen.service, SERVICE, UNKNOWN):
        yield Question("GET", "/api/v1/reach", {"service": service})
    yield Question("GET", "/api/v1/reach", {"service": silent.service, "at": "2014-10-02T08:00:00Z"})


@recipe("GET /api/v1/boxes")
def _boxes(silent: Silent, asker: Asker) -> Iterator[Question]:
    for serial in (NEWER_BOX, RIVALS_BOX, silent.service, UNKNOWN):
        yield Question("GET", "/api/v1/boxes", {"serial": serial})


@recipe("GET /api/v1/audit")
def _audit(silent: Silent, asker: Asker) -> Iterator[Question]:
    yield Question("GET", "/api/v1/audit")
    yield Question("GET", "/api/v1/audit", {"limit": 1})
    for number in (1, 4, 50):
        yield Question("GET", "/api/v1/audit", {"cursor": encode_cursor(number)})


@recipe("GET /api/v1/rollouts")
def _rollouts(silent: Silent, asker: Asker) -> Iterator[Question]:
    yield Question("GET", "/api/v1/rollouts")
    yield Question("GET", "/api/v1/rollouts", {"limit": 1, "cursor": encode_cursor(silent.film.published_at, silent.rollout)})


@recipe(*(f"POST /api/v1/rollouts/{{rollout_id}}/{act}" for act in ("approve", "resume", "withdraw")))
def _rollout_acts(silent: Silent, asker: Asker) -> Iterator[Question]:
    for act in ("approve", "resume", "withdraw"):
        for rollout in (silent.rollout, UNKNOWN, silent.service):
            for wave in (1, 2):
                yield Question("POST", f"/api/v1/rollouts/{rollout}/{act}", body={"wave": wave})


@recipe("POST /api/v1/staff/session", "DELETE /api/v1/staff/session")
def _sign_in(silent: Silent, asker: Asker) -> Iterator[Question]:
    """A few tries in all: the budget of tries is everybody's. Nobody signs out here, or could ask no more."""
    yield Question("POST", "/api/v1/staff/session", body={"name": silent.service})
    yield Question("DELETE", "/api/v1/staff/session", headers={"Authorization": f"Bearer mts_{'A' * 43}"})
    if asker.kind is PartyKind.ANONYMOUS:
        for name in ("the.operator.s.staff", "nobody.of.the.name", TELLTALE, silent.service):
            yield Question("POST", "/api/v1/staff/session", body={"name": name, "password": SERVICE})


@recipe(
    "POST /oauth/token",
    "POST /oauth/device_authorization",
    "POST /oauth/revoke",
    "GET /oauth/authorize",
    "POST /oauth/authorize",
    "GET /oauth/jwks",
    "GET /.well-known/oauth-authorization-server",
    "GET /.well-known/openid-configuration",
    "GET /sign-in/{operator_id}",
    "GET /sign-in/{operator_id}/done",
    "GET /activate",
    "POST /activate",
)
def _oauth(silent: Silent, asker: Asker) -> Iterator[Question]:
    """What a household signs in with knows of no service; all the same, everything is asked by the silent one's names."""
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1:8400"}
    for path in ("/oauth/jwks", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
        yield Question("GET", path)
    for name in ("matinee-tv", silent.service, TELLTALE):
        yield Question("POST", "/oauth/device_authorization", text=f"client_id={name}&scope={silent.service}", headers=form)
        yield Question("POST", "/oauth/token", text=f"client_id={name}&grant_type={silent.service}", headers=form)
        yield Question("POST", "/oauth/revoke", text=f"client_id={name}&token={silent.service}", headers=form)
        yield Question("GET", "/oauth/authorize", {"client_id": name, "response_type": "code", "scope": silent.service})
        yield Question("GET", "/activate", {"user_code": name})
        yield Question("GET", f"/sign-in/{name}", {"then": f"/activate?user_code={silent.service}"})
        yield Question("GET", f"/sign-in/{name}/done", {"state": name, "code": silent.service})
    yield Question("POST", "/oauth/authorize", text="step=allow", headers=form)
    yield Question("POST", "/activate", text=f"step=approve&user_code={silent.service}", headers=form)


@recipe("GET /api/v1/sessions", "DELETE /api/v1/sessions", "DELETE /api/v1/sessions/{session_id}")
def _screen_sessions(silent: Silent, asker: Asker) -> Iterator[Question]:
    """Nobody signs out here, or could ask no more."""
    yield Question("GET", "/api/v1/sessions")
    for session in (silent.service, silent.session, UNKNOWN):
        yield Question("DELETE", f"/api/v1/sessions/{session}")
    yield Question("DELETE", "/api/v1/sessions", headers={"Authorization": f"Bearer mtv_{'A' * 43}"})


@recipe("POST /ofrep/v1/evaluate/flags/{key}")
def _flag(silent: Silent, asker: Asker) -> Iterator[Question]:
    for key in (silent.service, SERVICE, silent.film.id, UNKNOWN):
        for context in ({"targetingKey": silent.box}, {"targetingKey": silent.older_box}, {}, None):
            yield Question("POST", f"/ofrep/v1/evaluate/flags/{key}", body={"context": context})
        yield Question("POST", f"/ofrep/v1/evaluate/flags/{key}", text="{")


@recipe("POST /ofrep/v1/evaluate/flags")
def _flags(silent: Silent, asker: Asker) -> Iterator[Question]:
    for box in (silent.box, silent.older_box, UNKNOWN):
        asked = {"context": {"targetingKey": box, "service": silent.service}}
        yield Question("POST", "/ofrep/v1/evaluate/flags", body=asked)
        yield Question("POST", "/ofrep/v1/evaluate/flags", body=asked, headers={"If-None-Match": "*"})
    yield Question("POST", "/ofrep/v1/evaluate/flags", text="{")


@recipe("GET /api/v1/operators/{operator}/service-list.xml")
def _service_list(silent: Silent, asker: Asker) -> Iterator[Question]:
    for operator in (*silent.operators, UNKNOWN, silent.service, TELLTALE):
        yield Question("GET", f"/api/v1/operators/{operator}/service-list.xml")
    yield Question("GET", f"/api/v1/operators/{silent.operators[0]}/service-list.xml", headers={"If-None-Match": "*"})
    yield Question("GET", f"/api/v1/operators/{silent.operators[0]}/service-list.xml", headers=_PACKED)


@recipe("GET /api/v1/services/{service_id}/watch-actions")
def _watch_actions(silent: Silent, asker: Asker) -> Iterator[Question]:
    for service in (silent.service, silent.film.id, UNKNOWN, TELLTALE):
        path = f"/api/v1/services/{service}/watch-actions"
        yield Question("GET", path)
        for operator in (*silent.operators, UNKNOWN):
            yield Question("GET", path, {"operator": operator, "limit": 1})
        yield Question("GET", path, {"cursor": encode_cursor(silent.film.published_at, silent.film.id)})


@recipe("GET /api/v1/ranking")
def _ranking(silent: Silent, asker: Asker) -> Iterator[Question]:
    for service in (silent.service, silent.seen_service, UNKNOWN, TELLTALE):
        for operator in (*silent.operators, UNKNOWN):
            yield Question("GET", "/api/v1/ranking", {"service": service, "operator": operator})
    asked = {"service": silent.seen_service, "operator": silent.operators[0]}
    for at in ("2014-10-02T09:00:00Z", "2014-10-02T10:59:00Z", "2014-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "no moment"):
        yield Question("GET", "/api/v1/ranking", {**asked, "at": at})


@recipe("GET /api/v1/home")
def _home(silent: Silent, asker: Asker) -> Iterator[Question]:
    for profile in _profiles(silent, asker):
        yield Question("GET", "/api/v1/home", profile)
    yield Question("GET", "/api/v1/home", headers={"Accept-Language": "en"})
    yield Question("GET", "/api/v1/home", headers={"If-None-Match": "*"})
    yield Question("GET", "/api/v1/home", headers=_PACKED)


@recipe("GET /api/v1/rows/{row_id}")
def _rows(silent: Silent, asker: Asker) -> Iterator[Question]:
    cursors = [encode_cursor(-one.published_at, one.id) for one in (silent.film, silent.films[40], silent.seen)]
    of_one = [f"because-{one}" for one in (silent.film.id, silent.films[1].id, silent.series.id, UNKNOWN)]
    for row in ("new", "top", "for-you", *of_one, "series", "genre-drama", "genre-western", "continue", silent.service, TELLTALE):
        for profile in _profiles(silent, asker):
            yield Question("GET", f"/api/v1/rows/{row}", profile)
        for limit in (1, 7, 100):
            yield Question("GET", f"/api/v1/rows/{row}", {"limit": limit})
        for cursor in cursors:
            yield Question("GET", f"/api/v1/rows/{row}", {"limit": 5, "cursor": cursor})


@recipe("GET /api/v1/search")
def _search(silent: Silent, asker: Asker) -> Iterator[Question]:
    name = f"Film rouge {TELLTALE}"
    typed = [f"{name} 7", name, TELLTALE, TELLTALE[:4], TELLTALE[0], "Zibelune", "rouge zibelin", f"Ana {TELLTALE}", "Ana Z"]
    typed += ["film", "film rouge", "film rogue", "rouge 3", "Jean Vigo", "nuits", "Les nuits"]
    typed += [SERVICE, silent.film.id, "western", "", " "]
    for words in typed:
        yield Question("GET", "/api/v1/search", {"q": words})
        if asker.adult:
            yield Question("GET", "/api/v1/search", {"q": words, "limit": 60, "profile": asker.adult})
    yield Question("GET", "/api/v1/search", {"q": "film rouge", "limit": 1})
    yield Question("GET", "/api/v1/search", {"q": name}, headers=_PACKED)


@recipe(
    "POST /api/v1/hub",
    "GET /api/v1/hub",
    "GET /api/v1/hub/{hub_id}",
    "DELETE /api/v1/hub/{hub_id}",
    "POST /api/v1/hub/{hub_id}/secret",
    "POST /api/v1/hub/{hub_id}/test",
    "GET /api/v1/hub/{hub_id}/dead",
    "POST /api/v1/hub/{hub_id}/dead/{delivery_id}/retry",
)
def _hub(silent: Silent, asker: Asker) -> Iterator[Question]:
    """What is brought to callbacks is compared in tests/app/test_told_to.py; here, what the routes themselves tell."""
    yield Question("POST", "/api/v1/hub", body={"callback": "https://partner.example/", "query": ""})
    yield Question("GET", "/api/v1/hub")
    yield Question("POST", "/api/v1/hub", body={"callback": f"http://{silent.service}.example/{TELLTALE}"})
    yield Question("POST", "/api/v1/hub", body={"callback": "https://a.example/", "query": f"service={silent.service}"})
    for hook in (silent.service, silent.film.id, UNKNOWN, TELLTALE):
        for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", "/test"), ("GET", "/dead")):
            yield Question(method, f"/api/v1/hub/{hook}{rest}")
        yield Question("POST", f"/api/v1/hub/{hook}/dead/{silent.film.id}/retry")
    yield Question("GET", "/api/v1/hub")


@recipe("GET /api/v1/titles/{title_id}")
def _titles(silent: Silent, asker: Asker) -> Iterator[Question]:
    for one in (*silent.films[:3], silent.films[-1], silent.series, *silent.episodes, silent.seen):
        for profile in _profiles(silent, asker):
            yield Question("GET", f"/api/v1/titles/{one.id}", profile)
    for nothing in (UNKNOWN, silent.service, silent.film.artwork, TELLTALE):
        yield Question("GET", f"/api/v1/titles/{nothing}")


@recipe("GET /api/v1/titles/{title_id}/analysis", "GET /api/v1/titles/{title_id}/report")
def _reports(silent: Silent, asker: Asker) -> Iterator[Question]:
    for title in (silent.film.id, silent.series.id, silent.seen.id, silent.service, UNKNOWN, TELLTALE):
        for what in ("analysis", "report"):
            yield Question("GET", f"/api/v1/titles/{title}/{what}")


@recipe("POST /api/v1/titles/{title_id}/open")
def _open(silent: Silent, asker: Asker) -> Iterator[Question]:
    elsewhere = silent.films[-3].id  # one of its titles that lie with a partner, and that children may see
    for title in (elsewhere, silent.film.id, silent.series.id, silent.seen.id, silent.service, UNKNOWN):
        for body in (
            {"source": "home"},
            {"source": "search", "way": 0},
            {"source": "home", "profile_id": asker.adult or UNKNOWN},
        ):
            yield Question("POST", f"/api/v1/titles/{title}/open", body=body)
    yield Question("POST", f"/api/v1/titles/{silent.film.id}/open", body={"source": "nowhere"})


@recipe("POST /api/v1/watched")
def _watched(silent: Silent, asker: Asker) -> Iterator[Question]:
    elsewhere = silent.films[-3].id
    for service in (silent.service, silent.seen.service, UNKNOWN, TELLTALE):
        for entity in (f"urn:{elsewhere}", elsewhere, TELLTALE):
            said = {"service_id": service, "entity_id": entity, "profile_id": asker.adult or UNKNOWN, "progress": 0.5}
            yield Question("POST", "/api/v1/watched", body=said)
    yield Question("POST", "/api/v1/watched", body={"service_id": silent.service})


@recipe("POST /api/v1/titles/{title_id}/markers")
def _markers(silent: Silent, asker: Asker) -> Iterator[Question]:
    intro = {"kind": "intro", "start_ms": 1, "end_ms": 2}
    for title in (silent.film.id, silent.series.id, silent.episodes[0].id, silent.service, UNKNOWN, TELLTALE):
        for body in ({"none": ["recap"]}, {"markers": [intro]}, {"markers": [intro], "none": ["intro"]}, {}):
            yield Question("POST", f"/api/v1/titles/{title}/markers", body=body)


@recipe("GET /api/v1/titles")
def _own_titles(silent: Silent, asker: Asker) -> Iterator[Question]:
    for limit in (1, 50, 100):
        yield Question("GET", "/api/v1/titles", {"limit": limit})
    for one in (silent.film, silent.films[-1], silent.seen):
        yield Question("GET", "/api/v1/titles", {"cursor": encode_cursor(one.published_at, one.id), "limit": 3})


@recipe("PUT /api/v1/profiles/{profile_id}/preferences")
def _preferences(silent: Silent, asker: Asker) -> Iterator[Question]:
    for profile in (asker.adult or UNKNOWN, silent.neighbour, silent.film.id):
        yield Question("PUT", f"/api/v1/profiles/{profile}/preferences", body={"audio_language": "fr"})


@recipe("POST /api/v1/profiles", "PUT /api/v1/profiles")
def _people(silent: Silent, asker: Asker) -> Iterator[Question]:
    told = {"request": silent.service, "name": "Neuf", "color": "#4477aa", "language": "fr"}
    for _ in range(2):
        yield Question("POST", "/api/v1/profiles", body=told)
    yield Question("POST", "/api/v1/profiles", body={**told, "avatar": silent.service})
    for order in ([], [silent.film.id], [one for one in (asker.child, asker.adult) if one]):
        yield Question("PUT", "/api/v1/profiles", body={"profile_ids": order})


@recipe(
    "PATCH /api/v1/profiles/{profile_id}",
    "DELETE /api/v1/profiles/{profile_id}",
    "POST /api/v1/profiles/{profile_id}/choose",
)
def _one_of_them(silent: Silent, asker: Asker) -> Iterator[Question]:
    for profile in (asker.adult or UNKNOWN, silent.neighbour, silent.film.id):
        yield Question("PATCH", f"/api/v1/profiles/{profile}", body={"avatar": "owl"})
        yield Question("POST", f"/api/v1/profiles/{profile}/choose")
    for profile in (silent.neighbour, silent.film.id, TELLTALE):
        if profile not in (asker.adult, asker.child):
            yield Question("DELETE", f"/api/v1/profiles/{profile}")


@recipe("PUT /api/v1/pin", "DELETE /api/v1/pin", "POST /api/v1/pin/unlock")
def _pin(silent: Silent, asker: Asker) -> Iterator[Question]:
    """No home gets a PIN: it would keep the questions of its adults from being answered."""
    yield Question("PUT", "/api/v1/pin", body={"pin": TELLTALE})
    yield Question("DELETE", "/api/v1/pin")
    for profile in (None, asker.adult, silent.neighbour, silent.film.id):
        yield Question("POST", "/api/v1/pin/unlock", body={"pin": "1234", "profile_id": profile})


@recipe(
    "PUT /api/v1/titles/{title_id}/list",
    "DELETE /api/v1/titles/{title_id}/list",
    "PUT /api/v1/titles/{title_id}/thumb",
)
def _tastes(silent: Silent, asker: Asker) -> Iterator[Question]:
    for title in (silent.film.id, silent.series.id, silent.episodes[0].id, silent.seen.id, silent.service, UNKNOWN, TELLTALE):
        for profile in (asker.adult or UNKNOWN, silent.neighbour):
            yield Question("PUT", f"/api/v1/titles/{title}/list", body={"profile_id": profile})
            yield Question("PUT", f"/api/v1/titles/{title}/thumb", body={"profile_id": profile, "thumb": "up"})
            yield Question("DELETE", f"/api/v1/titles/{title}/list", {"profile": profile})


@recipe("GET /api/v1/profiles/{profile_id}/consents", "PUT /api/v1/profiles/{profile_id}/consents")
def _consents(silent: Silent, asker: Asker) -> Iterator[Question]:
    for profile in (asker.adult or UNKNOWN, silent.neighbour, silent.film.id):
        yield Question("PUT", f"/api/v1/profiles/{profile}/consents", body={"purpose": "measurement", "given": True})
        yield Question("PUT", f"/api/v1/profiles/{profile}/consents", body={"purpose": silent.service, "given": True})
        yield Question("GET", f"/api/v1/profiles/{profile}/consents")


@recipe("GET /api/v1/privacy/export", "POST /api/v1/privacy/erase")
def _privacy(silent: Silent, asker: Asker) -> Iterator[Question]:
    """No home is erased: it has no PIN, and its people are asked for by other questions."""
    yield Question("GET", "/api/v1/privacy/export")
    yield Question("POST", "/api/v1/privacy/erase", body={"confirm": silent.service})
    yield Question("POST", "/api/v1/privacy/erase", body={"confirm": "erase everything"})


@recipe("GET /api/v1/history", "DELETE /api/v1/history", "DELETE /api/v1/history/{title_id}")
def _history(silent: Silent, asker: Asker) -> Iterator[Question]:
    for profile in _profiles(silent, asker):
        yield Question("GET", "/api/v1/history", profile)
        yield Question("GET", "/api/v1/history", {**profile, "limit": 1})
    asked = {"profile": asker.child or UNKNOWN}
    yield Question("GET", "/api/v1/history", {**asked, "cursor": encode_cursor(-silent.film.published_at, silent.film.id)})
    for title in (silent.film.id, silent.seen.id, UNKNOWN, TELLTALE):
        yield Question("DELETE", f"/api/v1/history/{title}", asked)
    yield Question("DELETE", "/api/v1/history", asked)


@recipe("POST /api/v1/playback")
def _play(silent: Silent, asker: Asker) -> Iterator[Question]:
    for profile in dict.fromkeys((asker.adult or UNKNOWN, asker.child or UNKNOWN, silent.neighbour)):
        for title in (silent.film.id, silent.series.id, silent.episodes[0].id, silent.seen.id, UNKNOWN):
            yield Question("POST", "/api/v1/playback", body={"title_id": title, "profile_id": profile})
        yield Question("POST", "/api/v1/playback", body={"title_id": silent.film.id, "profile_id": profile, "prepares": True})
    yield Question("POST", "/api/v1/playback", body={"title_id": silent.film.id})


@recipe("POST /api/v1/playback/{session_id}/heartbeat", "POST /api/v1/playback/{session_id}/end")
def _sessions(silent: Silent, asker: Asker) -> Iterator[Question]:
    for session in filter(None, (silent.session, UNKNOWN, silent.film.id, asker.session)):
        for sequence, place in ((2, 10_000), (-1, 0), (3, 2**60)):
            said = {"sequence": sequence, "position_ms": place}
            yield Question("POST", f"/api/v1/playback/{session}/heartbeat", body={**said, "state": "playing"})
            yield Question("POST", f"/api/v1/playback/{session}/end", body=said)


@recipe("POST /api/v1/playback/{session_id}/stop")
def _stops(silent: Silent, asker: Asker) -> Iterator[Question]:
    """Not the asker's own play: it is asked about after this."""
    for session in (silent.session, UNKNOWN, silent.film.id, TELLTALE):
        yield Question("POST", f"/api/v1/playback/{session}/stop")


@recipe("POST /licence/clearkey/{stream_token}")
def _licence(silent: Silent, asker: Asker) -> Iterator[Question]:
    for stream in filter(None, (asker.stream, silent.session, "AAAA")):
        for kids in ([silent.kid], [silent.seen_kid], [silent.seen_kid, silent.kid], ["A" * 22], [silent.film.id]):
            yield Question("POST", f"/licence/clearkey/{stream}", body={"kids": kids})


@recipe("POST /cmcd/{stream_token}")
def _reports(silent: Silent, asker: Asker) -> Iterator[Question]:
    for stream in filter(None, (asker.stream, silent.session, "AAAA")):
        for session in (silent.session, UNKNOWN, asker.session):
            line = f'e=ps,sid="{session}",sn=1,sta=p,ts=1,v=2'
            yield Question("POST", f"/cmcd/{stream}", text=line, headers=_CMCD)
        yield Question("POST", f"/cmcd/{stream}", text="<html>", headers=_CMCD)


@recipe("GET /artwork/{artwork}/{name}")
def _pictures(silent: Silent, asker: Asker) -> Iterator[Question]:
    """A picture is fetched by an element of a page, which can show no token: its random id is what opens it."""
    for one in (silent.film, silent.series):
        yield Question("GET", f"/artwork/{one.artwork}/poster.jpg", opened_by="the picture's random id")
        yield Question("GET", f"/artwork/{one.artwork}/tile.jpg")
        yield Question("GET", f"/artwork/{one.artwork}/other.jpg")
    for nothing in (silent.film.id, silent.service, UNKNOWN, silent.seen.artwork):
        yield Question("GET", f"/artwork/{nothing}/poster.jpg")


@recipe("POST /api/v1/box/key", "POST /api/v1/box/confirm", "POST /api/v1/box/start-failed")
def _box(silent: Silent, asker: Asker) -> Iterator[Question]:
    yield Question("POST", "/api/v1/box/key", body={"jwk": {}, "proof": silent.service})
    for told in ("confirm", "start-failed"):
        for version in ("v1", silent.service):
            yield Question("POST", f"/api/v1/box/{told}", body={"version": version, "nonce": silent.session, "signature": ""})


def nowhere(silent: Silent) -> Iterator[Question]:
    """Addresses that no route has, at which a service might be told of all the same, and methods that routes have not."""
    places = ("/sitemap.xml", "/robots.txt", "/feed", "/rss", "/manifest.json", "/dvb-i/services.xml", "/docs/errors")
    for path in (*places, f"/{silent.service}", f"/services/{silent.service}", f"/api/v1/services/{silent.service}"):
        yield Question("GET", path)
    for path in ("/api/v1/home", f"/api/v1/titles/{silent.film.id}", f"/artwork/{silent.film.artwork}/poster.jpg", "/metrics"):
        for method in ("OPTIONS", "HEAD", "DELETE", "PUT"):
            yield Question(method, path)


def of_the_edge(silent: Silent, asker: Asker) -> Iterator[Question]:
    """Streams, which another process hands out: the silent film's by the token of another play, and how that process is."""
    yield Question("GET", "/healthz")
    for stream in filter(None, (asker.stream, silent.session, "AAAA")):
        for package in (_package(silent.film), _package(silent.seen), UNKNOWN):
            for file in ("master.m3u8", "nothing.m3u8"):
                yield Question("GET", f"/s/{stream}/p/{package}/{file}")
        yield Question("HEAD", f"/s/{stream}/p/{_package(silent.film)}/master.m3u8")
        yield Question("OPTIONS", f"/s/{stream}/p/{_package(silent.film)}/master.m3u8")


def _package(title: Title) -> str:
    assert title.playable is not None
    return title.playable.package


def _profiles(silent: Silent, asker: Asker) -> list[dict[str, Any]]:
    """Nobody in particular, the asker's own people, and one of the home that may have the service."""
    return [{}, *({"profile": one} for one in dict.fromkeys((asker.adult, asker.child, silent.neighbour)) if one)]
