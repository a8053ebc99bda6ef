"""Plays whose right ended with their screen's session, or with their profile: signed out, deleted, or grown too young for it.

Such a screen is told nothing any more by its token, but its stream token opens edges for hours. So what the outbox says of
sessions and of homes is kept, and a moment later what runs there is looked through and stopped, each with a reason of its own.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy.engine import Connection

from matinee.base.clock import DAY, MINUTE, Clock, Instant
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
AGAIN_MS: Final = MINUTE
"""Longer than it takes to begin a play."""
RUNS_ON_MS: Final = DAY
"""Longer than the token of a film of half a day lives."""


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
        self._asks_of_all = True
        self._again: deque[tuple[Instant, set[str], set[HouseholdId]]] = deque()

    def load(self, conn: Connection) -> None:
        """What ended while nobody followed, and is to be looked for among all that the book learnt of what runs."""
        ended = sessions.ended_since(conn, Instant(self._clock() - RUNS_ON_MS))
        with self._lock:
            self._screens.update(f"{VIEWER}{one}" for one in ended)
            self._asks_of_all = True

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        for event in events:
            with self._lock:
                if event.topic == store.TOPIC:
                    self._homes.add(HouseholdId(event.key))
                elif event.payload["kind"] == sessions.SESSIONS_ENDED:
                    self._screens.update(f"{VIEWER}{one}" for one in event.payload["sessions"])

    def step(self) -> None:
        """Stop what runs without a right since the last step. What could not be stopped is tried again. Blocks.

        What ended is looked for once more after a minute: a play that was beginning then is there by now. Raises what the first
        play that could not be stopped raises, after all others.
        """
        now = self._clock()
        with self._lock:
            screens, homes, asks_of_all = self._screens, self._homes, self._asks_of_all
            self._screens, self._homes, self._asks_of_all = set(), set(), False
            if screens or homes:
                self._again.append((Instant(now + AGAIN_MS), screens, homes))
            while self._again and self._again[0][0] <= now:
                _, late_screens, late_homes = self._again.popleft()
                screens, homes = screens | late_screens, homes | late_homes
        if not screens and not homes and not asks_of_all:
            return
        running = self._book.running(now)
        if asks_of_all:
            homes = homes | {play.household for play in running}
        failed: list[Exception] = []
        for play in running:
            try:
                reason = self._reason(play, screens, homes, now)
                if reason is not None:
                    with contextlib.suppress(SessionNotFound):  # it has ended meanwhile
                        self._stop(play.id, reason)
            except Exception as error:  # noqa: BLE001 -- one that cannot be stopped keeps none behind it playing; it is raised below
                failed.append(error)
                with self._lock:
                    if play.screen in screens:
                        self._screens.add(play.screen)
                    else:
                        self._homes.add(play.household)
        if failed:
            raise failed[0]

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
