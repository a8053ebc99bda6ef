"""A hub over a real database with two publishers and two operators, listeners on 127.0.0.1, and time that the test moves."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from litestar.testing import TestClient

from matinee.app.telling import tell
from matinee.app.web import create_web
from matinee.base.clock import Instant
from matinee.base.ids import LaunchId, OperatorId, PublisherId, ServiceId
from matinee.base.party import Party, PartyKind, Role
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus, Launch, LaunchState
from matinee.catalogue import store as catalogue
from matinee.fleet import store as fleet
from matinee.library.keys import MasterKey
from matinee.outside.calling import CallLimits
from matinee.outside.database import Database, metadata
from matinee.parties import hook_api, hook_store
from matinee.parties import store as parties
from matinee.parties.hook_work import Postman, caller

START = Instant(1_412_244_000_000)
MASTER = MasterKey(b"m" * 32)
_PUBLISHER, _OPERATOR = frozenset({Role.PUBLISHER}), frozenset({Role.OPERATOR})
LIMITS = CallLimits(seconds=10, max_bytes=64 * 1024)


@dataclass(frozen=True)
class Heard:
    """One request, as it came."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_by(self, secret: str) -> bool:
        """Worked out here from the words of the Standard Webhooks specification, and from nothing of ours."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        content = b".".join((self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body))
        expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        found = [one.split(",", 1) for one in self.headers["webhook-signature"].split(" ")]
        return ["v1", expected] in found


Speak = Callable[[BaseHTTPRequestHandler, Heard], None]


def answering(status: int, body: bytes = b"", **headers: str) -> Speak:
    def speak(request: BaseHTTPRequestHandler, _: Heard) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return speak


OK = answering(204)


@dataclass
class Listener:
    """What a partner runs. `speak` may be changed while it listens."""

    url: str
    speak: Speak = OK
    heard: list[Heard] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        return [one.event["eventType"] for one in self.heard]


@contextlib.contextmanager
def listening(speak: Speak = OK) -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard = Heard({name.lower(): value for name, value in self.headers.items()}, body)
            with lock:
                listener.heard.append(heard)
            with contextlib.suppress(OSError):  # whoever called hung up
                listener.speak(self, heard)

        def log_message(self, *_: Any) -> None:
            pass

    lock = threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener = Listener(f"http://127.0.0.1:{server.server_address[1]}/events", speak)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Hub:
    """The world, the hub's routes over it, and a postman that works when it is told to."""

    client: TestClient[Any]

    def __init__(self, database: Database, *, allow_private: bool = True, limits: CallLimits = LIMITS) -> None:
        self.database, self.now = database, START
        with database.write() as conn:
            self.studio, self.rival = (parties.ensure_publisher(conn, name, "EUR", START).id for name in ("Studio", "Rival"))
            self.service, self.other = (
                catalogue.ensure_service(conn, publisher, name, START).id
                for publisher, name in ((self.studio, "Cinéma"), (self.rival, "Théâtre"))
            )
            self.a, self.b = (fleet.ensure_operator(conn, name, "FR", "Europe/Paris", START).id for name in ("A", "B"))
        self.parties = {
            "studio": Party(kind=PartyKind.API_KEY, publisher=PublisherId(self.studio), roles=_PUBLISHER),
            "rival": Party(kind=PartyKind.API_KEY, publisher=PublisherId(self.rival), roles=_PUBLISHER),
            "a": Party(kind=PartyKind.API_KEY, operator=self.a, roles=_OPERATOR),
            "b": Party(kind=PartyKind.STAFF, operator=self.b, roles=_OPERATOR),
            "nobody": Party(kind=PartyKind.STAFF, roles=_OPERATOR),
            "auditor": Party(kind=PartyKind.API_KEY, operator=self.a, roles=frozenset({Role.AUDITOR})),
            "box": Party(kind=PartyKind.BOX, operator=self.a),
        }
        self.app = create_web(
            hook_api.routes(database, MASTER, allow_private=allow_private, clock=self.clock),
            authenticate=lambda token, _: self.parties.get(token),
            clock=self.clock,
            page_policy="default-src 'none'",
        )
        self.postman = Postman(
            database, tell, MASTER, caller(allow_private=allow_private, limits=limits), self.clock, dice=lambda: 0.5
        )

    def clock(self) -> Instant:
        return self.now

    def wait(self, ms: int) -> None:
        """Let time pass, and the postman do its round."""
        self.now = Instant(self.now + ms)
        self.round()

    def round(self) -> None:
        self.postman.step()
        self.postman.settle()

    def run_out(self) -> None:
        """Let time pass from one thing that is due to the next, until nothing waits."""
        self.round()
        while (at := self._next()) is not None:
            self.now = max(self.now, at)
            self.round()

    def _next(self) -> Instant | None:
        with self.database.read() as conn:
            return conn.execute(sa.select(sa.func.min(hook_store.hooks.c.next_at))).scalar()

    def ask(self, who: str, method: str, path: str, **what: Any) -> Any:
        return self.client.request(method, path, headers={"Authorization": f"Bearer {who}"} if who else {}, **what)

    def register(self, who: str, callback: str, query: str = "") -> dict[str, Any]:
        answer = self.ask(who, "POST", "/api/v1/hub", json={"callback": callback, "query": query})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def agree(self, operator: OperatorId, status: AgreementStatus = AgreementStatus.SIGNED, service: str = "") -> None:
        with self.database.write() as conn:
            where = ServiceId(service or self.service)
            carriage.record_agreement(conn, operator, where, status, self.now, self.now, actor="test", reason="not for all eyes")

    def launch(self, operator: OperatorId, state: LaunchState, service: str = "", **words: Any) -> None:
        made = Launch(
            id=LaunchId(""),
            operator=operator,
            service=ServiceId(service or self.service),
            state=state,
            technical_at=self.now,
            valid_from=self.now,
            recorded_at=self.now,
            **words,
        )
        with self.database.write() as conn:
            carriage.record_launch(conn, made, self.now, actor="test")

    def states(self, *states: LaunchState) -> None:
        """A launch at A for each of these, as many events."""
        for state in states:
            self.launch(self.a, state)


@contextlib.contextmanager
def on_sqlite(folder: Path) -> Iterator[Database]:
    """An open database, for what does not hang on which kind it is."""
    database = Database(f"sqlite:///{folder / 'hub.db'}")
    try:
        metadata.create_all(database.engine)
        yield database
    finally:
        database.close()


@contextlib.contextmanager
def hub(database: Database, **settings: Any) -> Iterator[Hub]:
    made = Hub(database, **settings)
    try:
        with TestClient(made.app, raise_server_exceptions=False) as client:
            made.client = client
            yield made
    finally:
        made.postman.close()


def launch_states(heard: Sequence[Heard]) -> list[str]:
    return [one.event["event"]["launch"]["state"] for one in heard]
