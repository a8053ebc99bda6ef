"""What every process knows of signing in from memory: programs that may ask, sessions that ended, codes that were decided.

Access tokens are good by themselves for a quarter of an hour; what must be known at once everywhere is the end of a session.
Nothing is held of the millions that live. A code that waits is in no event either: it is looked up once, and waits until one of
these says that somebody decided.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.engine import Connection

from matinee.base.clock import MINUTE, Clock, Instant
from matinee.base.ids import ClientId, OperatorId, ScreenSessionId
from matinee.members.sign_in import clients, codes, issuers, sessions
from matinee.members.sign_in.issuers import OperatorIssuer
from matinee.members.sign_in.model import ACCESS_MS, BROWSER_MS, Client
from matinee.parties.outbox import Event

REMEMBERED_MS: Final = max(ACCESS_MS, BROWSER_MS) + 5 * MINUTE
"""What lives longest of all that is signed, and what the clocks of two machines may differ by."""


class SignIns:
    """Follows the topic "sign-in". Readers take no lock."""

    topics = frozenset({sessions.TOPIC})

    def __init__(self, origin: str, clock: Clock) -> None:
        self._ours = clients.our_own(origin)
        self._clients: dict[ClientId, Client] = dict(self._ours)
        self._ended: dict[ScreenSessionId, Instant] = {}
        self._decided: dict[str, Instant] = {}
        self._issuers: dict[OperatorId, OperatorIssuer] = {}
        self._clock = clock

    def load(self, conn: Connection) -> None:
        now = self._clock()
        self._clients = self._ours | clients.living_clients(conn)
        self._ended = sessions.ended_since(conn, Instant(now - REMEMBERED_MS))
        self._decided = codes.decided_codes(conn, now)
        self._issuers = {one.operator: one for one in issuers.all_issuers(conn)}

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        for event in events:
            match event.payload["kind"]:
                case sessions.SESSIONS_ENDED:
                    self._ended.update((ScreenSessionId(one), event.at) for one in event.payload["sessions"])
                case codes.CODE_DECIDED:
                    self._decided[event.key] = Instant(event.payload["expires_at"])
                case issuers.ISSUERS_CHANGED:
                    self._issuers = {one.operator: one for one in issuers.all_issuers(conn)}
                case clients.CLIENTS_CHANGED:
                    self._clients = self._ours | clients.living_clients(conn)
        now = self._clock()
        self._ended = {one: at for one, at in self._ended.items() if at > now - REMEMBERED_MS}
        self._decided = {one: until for one, until in self._decided.items() if until > now}

    def client(self, client: str) -> Client | None:
        return self._clients.get(ClientId(client))

    def issuer_of(self, operator: OperatorId) -> OperatorIssuer | None:
        """Who signs an operator's customers in."""
        return self._issuers.get(operator)

    def issuers(self) -> Sequence[OperatorIssuer]:
        """Who signs operators' customers in, by the operators' ids."""
        return list(self._issuers.values())

    def has_ended(self, session: ScreenSessionId) -> bool:
        """Whether a session is known to have ended lately."""
        return session in self._ended

    def is_decided(self, device_digest: str) -> bool:
        """Whether somebody has said yes or no to a device's code."""
        return device_digest in self._decided
