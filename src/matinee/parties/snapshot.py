"""Publishers and their keys in memory, so that a request is known without a query."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import PublisherId
from matinee.base.party import Party, PartyKind
from matinee.parties import store, tokens
from matinee.parties.model import ApiKey
from matinee.parties.outbox import Event


class ApiKeys:
    """Follows the topic "parties". Readers need no lock: a refresh swaps the whole table of keys at once."""

    topics = frozenset({store.TOPIC})

    def __init__(self) -> None:
        self._by_digest: dict[str, ApiKey] = {}

    def load(self, conn: Connection) -> None:
        self._by_digest = {key.digest: key for key in store.all_api_keys(conn)}

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        self.load(conn)

    def resolve(self, token: str, now: Instant) -> Party | None:
        """Whose key this is at `now`; None for what is no key, or no longer one."""
        asked = tokens.digest(token)
        key = self._by_digest.get(asked)
        if key is None or not tokens.same(key.digest, asked):
            return None
        if key.revoked_at is not None and key.revoked_at <= now:
            return None
        return Party(kind=PartyKind.API_KEY, publisher=key.publisher)


class Publishers:
    """Follows the topic "parties": what the publishers of this installation are called."""

    topics = frozenset({store.TOPIC})

    def __init__(self) -> None:
        self._names: dict[PublisherId, str] = {}

    def load(self, conn: Connection) -> None:
        self._names = {publisher.id: publisher.name for publisher in store.all_publishers(conn)}

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        self.load(conn)

    def name_of(self, publisher: PublisherId) -> str:
        """What a publisher is called; "" for one that is not known yet."""
        return self._names.get(publisher, "")
