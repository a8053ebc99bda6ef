"""Plays whose right ended with their screen's session, or with their profile: signed out, deleted, or grown too young for it.

Such a screen is told nothing any more by its token, but its stream token opens edges for hours. So what the outbox says of
sessions and of homes is kept, and a moment later what runs there is looked through and stopped, each with a reason of its own.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy.engine import Connection

from matinee.base.clock import Clock, Instant
from matinee.base.ids import HouseholdId, SessionId, is_id
from matinee.catalogue.snapshot import Catalogue
from matinee.members import store
from matinee.members.model import ProfileNotFound
from matinee.members.sign_in import sessions
from matinee.members.snapshot import Members
from matinee.parties.outbox import Event
from matinee.parties.tokens import TokenDigest
from matinee.playback.book import Book
from matinee.playback.model import Session, SessionNotFound

EVERY_SECONDS: Final = 1.0
SIGNED_OUT: Final = "signed_out"
PROFILE: Final = "profile"
VIEWER: Final = "viewer:"


class EndedPlays:
    """Follows the topics "sign-in" and "members", behind the snapshots that do. `stop` is the desk's: it blocks."""

    topics = frozenset({sessions.TOPIC, store.TOPIC})

    def __init__(
        self, book: Book, members: Members, catalogue: Catalogue, stop: Callable[[SessionId, str], None], clock: Clock
    ) -> None:
        self._book = book
        self._members = members
        self._catalogue = catalogue
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._screens: set[str] = set()
        self._homes: set[HouseholdId] = set()

    def load(self, conn: Connection) -> None:
        """Nothing: whatever runs is asked about when its first report comes."""

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        for event in events:
            with self._lock:
                if event.topic == store.TOPIC:
                    self._homes.add(HouseholdId(event.key))
                elif event.payload["kind"] == sessions.SESSIONS_ENDED:
                    self._screens.update(f"{VIEWER}{one}" for one in event.payload["sessions"])

    def step(self) -> None:
        """Stop what runs without a right since the last step. What could not be stopped is tried again. Blocks."""
        with self._lock:
            screens, homes = self._screens, self._homes
            self._screens, self._homes = set(), set()
        if not screens and not homes:
            return
        now = self._clock()
        try:
            for play in self._book.running(now):
                reason = self._reason(play, screens, homes, now)
                if reason is not None:
                    with contextlib.suppress(SessionNotFound):  # it has ended meanwhile
                        self._stop(play.id, reason)
        except Exception:
            with self._lock:
                self._screens |= screens
                self._homes |= homes
            raise

    def _reason(self, play: Session, screens: set[str], homes: set[HouseholdId], now: Instant) -> str | None:
        if play.screen in screens:
            return SIGNED_OUT
        if play.household not in homes:
            return None
        token = play.screen.removeprefix(VIEWER)
        if token != play.screen and not is_id(token) and not self._members.has_token(TokenDigest(token), now):
            return SIGNED_OUT  # a web or phone that goes by a token of its own, and not by a session
        try:
            profile = self._members.profile(play.household, play.profile)
        except ProfileNotFound:
            return PROFILE
        title = self._catalogue.view.titles.get(play.title)
        return PROFILE if title is not None and title.age_class > profile.age_class else None
