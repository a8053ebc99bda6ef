"""A real installation in a temporary folder, and the real web app over it, in process: what tests of the whole app ask."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient

from matinee.app.household import ensure_household, mint
from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.app.wiring import build_web
from matinee.base.ids import PackageId, PublisherId, new_id
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Title
from matinee.fleet import store as fleet
from matinee.library import store as library
from matinee.parties import store as parties
from tests.catalogue.factories import film
from tests.world import seat_of, sign_in


@dataclass(frozen=True)
class Running:
    """The app with somebody of each kind who may ask, and one film of the household's own publisher."""

    app: Litestar
    client: "TestClient[Litestar]"
    tokens: Mapping[str, str]
    """anonymous, box, viewer; keys: api_key (the film's publisher's), rival (another's), operator_key, auditor_key (of all); and
    signed in: publisher_staff, operator_staff, auditor_staff (of that operator)."""
    film: Title
    profile: str
    operator: str  # the household's
    box: str

    def ask(self, who: str, method: str, path: str, **what: Any) -> Any:
        token = self.tokens[who]
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **what.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **what)


@contextlib.contextmanager
def running(data: Path) -> Iterator[Running]:
    """Open an installation in an empty folder, publish one film's rows and keys, and start its web app."""
    with open_installation(load_settings(data, {})) as installation:
        service = default_service(installation)
        ensure_household(installation, service, read_clock())
        one = film("Le Phare", publisher=service.publisher, service=service.id)
        assert one.playable is not None
        with installation.database.write() as conn:
            rival = parties.ensure_publisher(conn, "Rival", "EUR", read_clock())
            tokens = {
                "anonymous": "",
                "rival": parties.mint_api_key(conn, rival.id, "test", read_clock()),
            }
            catalogue.insert_many(conn, [one], read_clock())
            library.ensure_keys(conn, installation.master, PackageId(one.playable.package), one.id, read_clock())
        tokens |= {
            kind: mint(installation, word, service, read_clock())
            for kind, word in (("box", "box"), ("viewer", "web"), ("api_key", "api"))
        }
        tokens |= _seated(installation, service.publisher)
        with _started(installation) as (app, client):
            me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {tokens['box']}"}).json()
            yield Running(app, client, tokens, one, me["profiles"][0]["id"], me["operator"]["id"], me["box"]["id"])


def _seated(installation: Installation, publisher: PublisherId) -> dict[str, str]:
    """Keys and signed-in staff at the side of the household's operator, and at the publisher's."""
    with installation.database.read() as conn:
        (operator,) = (one.id for one in fleet.all_operators(conn))
    now = read_clock()
    seats = {"operator_key": seat_of("operator", operator=operator), "auditor_key": seat_of("auditor")}
    with installation.database.write() as conn:
        made = {name: str(parties.add_api_key(conn, seat, "test", now, actor="test")) for name, seat in seats.items()}
    staff = {
        "publisher_staff": seat_of("publisher", publisher=publisher),
        "operator_staff": seat_of("operator", operator=operator),
        "auditor_staff": seat_of("auditor", operator=operator),
    }
    return made | {name: sign_in(installation.database, name.replace("_", "."), seat, now) for name, seat in staff.items()}


@contextlib.contextmanager
def _started(installation: Installation) -> Iterator[tuple[Litestar, "TestClient[Litestar]"]]:
    app = build_web(installation, landing=lambda: "<!doctype html><title>Matinee</title>")
    with TestClient(app, raise_server_exceptions=False) as client:
        yield app, client


def unknown_id() -> str:
    """An id of the right shape that names nothing."""
    return new_id()
