"""Publishers, keys and signed-in staff in memory, so that a request is known without a query."""

import threading
from collections.abc import Sequence

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import PublisherId, StaffId
from matinee.base.party import Party, PartyKind, Role
from matinee.parties import staff_store, store, tokens
from matinee.parties.model import ApiKey, StaffAccount, StaffSession
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
        seat = key.seat
        return Party(
            kind=PartyKind.API_KEY,
            publisher=seat.publisher,
            operator=seat.operator,
            reads_all=seat.reads_all,
            roles=frozenset({seat.role}),
        )


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


class Staff:
    """Follows the topic "staff": who is signed in.

    A session that was begun in this process is known at once: it is held apart until the feed has come to its event, and from
    then on the tables alone count, so that an end that another process recorded is never overlooked.
    """

    topics = frozenset({staff_store.TOPIC})

    def __init__(self) -> None:
        self._accounts: dict[StaffId, StaffAccount] = {}
        self._sessions: dict[str, StaffSession] = {}
        self._begun_here: dict[str, tuple[StaffAccount, StaffSession]] = {}
        self._changing = threading.Lock()

    def load(self, conn: Connection) -> None:
        accounts = {one.id: one for one in staff_store.living_accounts(conn)}
        sessions = {one.digest: one for one in staff_store.all_sessions(conn)}
        with self._changing:
            begun = self._begun_here.values()
            self._accounts = {account.id: account for account, _ in begun} | accounts
            self._sessions = {session.digest: session for _, session in begun} | sessions

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        with self._changing:
            for event in events:
                self._begun_here.pop(event.key, None)
        self.load(conn)

    def admit(self, account: StaffAccount, session: StaffSession) -> None:
        """Take a session that is about to be committed: before its event can come, or it would be held for ever."""
        with self._changing:
            self._begun_here[session.digest] = (account, session)
            self._accounts = {**self._accounts, account.id: account}
            self._sessions = {**self._sessions, session.digest: session}

    def forget(self, digest: str) -> None:
        """Take back a session that has just been ended."""
        with self._changing:
            self._begun_here.pop(digest, None)
            self._sessions = {known: one for known, one in self._sessions.items() if known != digest}

    def session(self, digest: str) -> StaffSession | None:
        return self._sessions.get(digest)

    def account(self, account: StaffId | None) -> StaffAccount | None:
        return None if account is None else self._accounts.get(account)

    def resolve(self, token: str, now: Instant) -> Party | None:
        """Who is signed in by this at `now`; None for what is no session, or no longer one."""
        asked = tokens.digest(token)
        session = self._sessions.get(asked)
        if session is None or not tokens.same(session.digest, asked) or now >= session.expires_at:
            return None
        account = self.account(session.account)
        if account is None:
            return None
        seat = account.seat
        approves = {Role.APPROVER} if seat.role is not Role.AUDITOR else set()
        return Party(
            kind=PartyKind.STAFF,
            publisher=seat.publisher,
            operator=seat.operator,
            reads_all=seat.reads_all,
            roles=frozenset({seat.role, *approves}),
            staff=account.id,
            name=account.name,
            session=session.digest,
        )
