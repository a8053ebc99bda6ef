"""What is known of sessions and places right now, ahead of the database, and the one thread that writes it down.

A play's answer must not wait for a disk, and a million screens that each report every ten seconds must not each cost a
transaction. So a report changes this memory at once, where the next reader of this process finds it, and a thread writes what
has changed each half second in one transaction. What a killed process loses is the last half second.

Everything here is bounded, because sessions are made by clients: unwritten changes by `MAX_UNWRITTEN`, after which new ones are
refused (the database is away, and promising to remember would be a lie); the rest by dropping what was used longest ago.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection

from matinee.base.clock import Clock, Instant
from matinee.base.ids import ProfileId, SessionId, TitleId
from matinee.catalogue.model import Watched
from matinee.outside.database import Database
from matinee.playback import lease_store, rules, store
from matinee.playback.model import Place, Report, Session, SessionNotFound, TooBusy
from matinee.playback.streams import REPLACED

MAX_UNWRITTEN = 50_000
MAX_SESSIONS = 100_000
MAX_PROFILES = 20_000
FLUSH_SECONDS = 0.5

log = structlog.get_logger("matinee.playback")

Places = dict[TitleId, Place]


class Book:
    """Sessions and places. Safe to call from the event loop and from threads; what says it blocks belongs in a thread.

    `fresh_ms` is how long a profile's places that were read from the database may be trusted: None for ever, right where this is
    the only process that writes; a second or so where several web processes share one database.
    """

    def __init__(self, database: Database, clock: Clock, *, fresh_ms: int | None = None) -> None:
        self._database = database
        self._clock = clock
        self._fresh_ms = fresh_ms
        self._lock = threading.Lock()
        self._sessions: OrderedDict[SessionId, Session] = OrderedDict()
        self._profiles: OrderedDict[ProfileId, tuple[Instant, Places]] = OrderedDict()
        self._unwritten_sessions: dict[SessionId, Session] = {}
        self._unwritten_places: dict[tuple[ProfileId, TitleId], Place] = {}
        self._writing_places: dict[tuple[ProfileId, TitleId], Place] = {}
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._flushes = 0
        self.failed_flushes = 0

    def learn(self) -> None:
        """Learn what runs under a lease. Blocks. Raises what the database raises.

        Who looks through what runs, to stop it, must know it after a restart too: some of it is never heard of again.
        """
        with self._database.read() as connection:
            found = lease_store.sessions_of(connection, self._clock(), MAX_SESSIONS)
        with self._lock:
            for session in found:
                self._sessions.setdefault(session.id, session)

    def start(self) -> None:
        """Start the writer."""
        self._thread = threading.Thread(target=self._write_on, name="playback-writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write all that is unwritten and stop. Call it when no request runs any more."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    # Sessions

    def open(self, session: Session) -> None:
        """Take a new session in. Raises TooBusy."""
        with self._lock:
            self._check_room()
            self._keep_session(session)

    def held_session(self, session: SessionId) -> Session | None:
        """A session that this process knows; None says nothing about others."""
        return self._sessions.get(session)

    def find_session(self, session: SessionId) -> Session | None:
        """A session of this or any process. Blocks."""
        held = self._sessions.get(session)
        if held is not None:
            return held
        with self._database.read() as connection:
            found = store.session_of(connection, session)
        if found is None:
            return None
        with self._lock:
            known = self._sessions.setdefault(session, found)
            self._trim()
        return known

    def known_session(self, session: SessionId) -> Session | None:
        """The same, as far as it can be known: while the database is away, of this process alone. Blocks."""
        try:
            return self.find_session(session)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            log.error("a session of another process cannot be read", error=type(error).__name__)
            return None

    def hear(self, session: SessionId, report: Report, now: Instant) -> tuple[Session, Place | None]:
        """Take a report of a held session: the session and where the profile is now, in memory at once. Raises TooBusy."""
        with self._lock:
            self._check_room()
            before = self._sessions.get(session)
            if before is None:
                raise SessionNotFound
            heard = rules.hear(before, self._known_place(before.profile, before.title), report, now)
            if heard.session is not before:
                self._keep_session(heard.session)
            if heard.place is not None:
                self._keep_place(heard.place)
            return heard.session, heard.place or self._known_place(before.profile, before.title)

    def put_session(self, session: Session) -> Session:
        """Change a held session: a fresh token, an end. Returns the session as it is then. Raises TooBusy.

        An end that came meanwhile, from another thread, is not taken back.
        """
        with self._lock:
            self._check_room()
            held = self._sessions.get(session.id)
            if held is not None and held.ended_at is not None:
                session = msgspec.structs.replace(session, ended_at=held.ended_at, stop_reason=held.stop_reason)
            self._keep_session(session)
            return session

    def mark_stopped(self, session: SessionId, reason: str) -> None:
        """Note that a session was stopped by another process, or by another play; one that is not held here needs no note.

        There is always room for it: what was stopped elsewhere must not go on here because the database is slow.
        """
        with self._lock:
            held = self._sessions.get(session)
            if held is not None and (held.stop_reason is None or held.stop_reason == REPLACED != reason):
                now = held.ended_at or self._clock()
                self._keep_session(msgspec.structs.replace(held, ended_at=now, stop_reason=reason))

    def running(self, now: Instant) -> Sequence[Session]:
        """The sessions held here whose token an edge takes still.

        That of a film that another one replaced on its box is among them: it was not revoked where the home had room for it.
        """
        with self._lock:
            held = list(self._sessions.values())
        return [one for one in held if one.stop_reason in (None, REPLACED) and one.token_expires_at > now]

    def running_on_boxes(self, now: Instant) -> Sequence[Session]:
        """Those of them that run on a box."""
        return [one for one in self.running(now) if one.box is not None]

    # Places

    def held_places(self, profile: ProfileId) -> Mapping[TitleId, Place] | None:
        """A profile's places if they are in memory and fresh; None means: ask `find_places` in a thread."""
        held = self._profiles.get(profile)
        if held is None or (self._fresh_ms is not None and self._clock() - held[0] > self._fresh_ms):
            return None
        return held[1]

    def find_places(self, profile: ProfileId) -> Mapping[TitleId, Place]:
        """A profile's places, read your own writes included. Blocks where they are not in memory.

        While the database is away it is what was last known here, which may be nothing: a film that begins at its start is better
        than one that does not play.
        """
        held = self.held_places(profile)
        if held is not None:
            return held
        while True:
            asked_at, flushes = self._clock(), self._flushes
            try:
                with self._database.read() as connection:
                    found: Places = {place.title: place for place in store.places_of(connection, profile)}
            except sa.exc.SQLAlchemyError as error:
                log.error("places cannot be read; what was last known is taken", error=type(error).__name__)
                return self._last_known(profile)
            if self._take_in(profile, found, asked_at, flushes):
                return found

    def _last_known(self, profile: ProfileId) -> Mapping[TitleId, Place]:
        with self._lock:
            held = self._profiles.get(profile)
            known = {} if held is None else dict(held[1])
            for unwritten in (self._writing_places, self._unwritten_places):
                known.update({title: place for (whose, title), place in unwritten.items() if whose == profile})
            return known

    def _take_in(self, profile: ProfileId, found: Places, asked_at: Instant, flushes: int) -> bool:
        """Lay what waits to be written over what the database said. False where a flush came between: ask it again."""
        with self._lock:
            if flushes != self._flushes:
                return False
            for unwritten in (self._writing_places, self._unwritten_places):
                for (whose, title), place in unwritten.items():
                    if whose == profile:
                        found[title] = rules.newer(place, found[title]) if title in found else place
            self._profiles[profile] = (asked_at, found)
            self._profiles.move_to_end(profile)
            self._trim()
            return True

    def recent(self, profile: ProfileId, limit: int) -> Sequence[Watched]:
        """What is under way, newest first (`catalogue.model.Positions`). May block."""
        return rules.continue_watching(list(self.find_places(profile).values()), limit)

    def among(self, profile: ProfileId, titles: Sequence[TitleId]) -> Mapping[TitleId, Watched]:
        """How far the profile is in those of these titles that are under way (`catalogue.model.Positions`). May block."""
        known = self.find_places(profile)
        wanted = set(titles)
        found = {title: rules.as_watched(known[title]) for title in wanted if title in known and not known[title].completed}
        for place in list(known.values()):
            following = place.next_title
            if place.completed and following in wanted and following not in known:
                found[following] = rules.next_up(place, following)
        return found

    def forget(self, profile: ProfileId, title: TitleId | None = None) -> None:
        """Drop what is held of a profile's places, or of one of them, unwritten ones too. The database is the caller's."""
        with self._lock:
            for unwritten in (self._unwritten_places, self._writing_places):
                for key in [one for one in unwritten if one[0] == profile and title in (None, one[1])]:
                    del unwritten[key]
            self._profiles.pop(profile, None)
            self._flushes += 1  # whoever reads the database now asks it again

    # Writing

    def flush(self) -> int:
        """Write what has changed, in one transaction; how many rows that were. Blocks. Raises what the database raises."""
        with self._lock:
            sessions, self._unwritten_sessions = self._unwritten_sessions, {}
            self._writing_places, self._unwritten_places = self._unwritten_places, {}
            counted = dict(self._writing_places)
        if not sessions and not counted:
            return 0
        try:
            with self._database.write() as connection:
                store.save_sessions(connection, sessions.values())
                store.save_places(connection, counted.values())
                ended = self._ended_elsewhere(connection, sessions)
        except sa.exc.SQLAlchemyError:
            with self._lock:
                self._unwritten_sessions = {**sessions, **self._unwritten_sessions}
                self._unwritten_places = {**counted, **self._unwritten_places}
                self._writing_places = {}
            raise
        with self._lock:
            self._writing_places = {}
            self._flushes += 1
            self._note_ends(ended)
        return len(sessions) + len(counted)

    def _ended_elsewhere(self, connection: Connection, written: Mapping[SessionId, Session]) -> Sequence[store.Ended]:
        """Which plays that go on here were ended in another process: a player that reports to both must not go on for ever."""
        return store.ended_of(connection, [session.id for session in written.values() if session.ended_at is None])

    def _note_ends(self, ended: Sequence[store.Ended]) -> None:
        for session, at, reason in ended:
            held = self._sessions.get(session)
            if held is not None and held.ended_at is None:
                self._sessions[session] = msgspec.structs.replace(held, ended_at=at, stop_reason=reason)

    def _write_on(self) -> None:
        while True:
            self._wake.wait(FLUSH_SECONDS)
            closing = self._closing
            try:
                self.flush()
            except sa.exc.SQLAlchemyError as error:
                self.failed_flushes += 1
                log.error("sessions and places wait to be written", error=type(error).__name__)
            if closing:
                return

    def _check_room(self) -> None:
        if len(self._unwritten_sessions) + len(self._unwritten_places) >= MAX_UNWRITTEN:
            raise TooBusy("Too much waits to be written.", remedy="Try again in a few seconds.")

    def _keep_session(self, session: Session) -> None:
        self._sessions[session.id] = session
        self._sessions.move_to_end(session.id)
        self._unwritten_sessions[session.id] = session
        self._trim()

    def _keep_place(self, place: Place) -> None:
        self._unwritten_places[place.profile, place.title] = place
        held = self._profiles.get(place.profile)
        if held is not None:
            # A new map each time: a reader in another thread may be walking over the old one.
            self._profiles[place.profile] = (held[0], {**held[1], place.title: place})

    def _known_place(self, profile: ProfileId, title: TitleId) -> Place | None:
        waiting = self._unwritten_places.get((profile, title)) or self._writing_places.get((profile, title))
        if waiting is not None:
            return waiting
        held = self._profiles.get(profile)
        return None if held is None else held[1].get(title)

    def _trim(self) -> None:
        while len(self._sessions) > MAX_SESSIONS:
            oldest = next(iter(self._sessions))
            if oldest in self._unwritten_sessions:
                break
            del self._sessions[oldest]
        while len(self._profiles) > MAX_PROFILES:
            self._profiles.popitem(last=False)
