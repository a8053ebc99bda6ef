"""Begin a play, hear of it, renew it, end it. What a screen's one round trip is made of.

The way of a play that is warm (keys and places in memory) has no SQL, no thread and no second encoding: two look-ups, one token,
one JSON document into which the catalogue's ready-made pieces are laid. Only a miss goes to a thread.
"""

import asyncio
import contextlib
from collections.abc import Callable

import msgspec

from matinee.base.clock import HOUR, MINUTE, Clock, Instant, to_rfc3339
from matinee.base.errors import ErrorCode, InvalidRequest, MatineeError, NotAllowed
from matinee.base.ids import HouseholdId, PackageId, ProfileId, ServiceId, SessionId, TitleId, is_id, new_id
from matinee.base.party import Party
from matinee.base.units import DurationMs, Pixels, PositionMs
from matinee.catalogue.model import Av1Picture, Language, Plans, Seller, Sight, Sights, Thumbnails, TitleNotFound
from matinee.delivery.control import ControlWriter
from matinee.delivery.model import StreamGrant, TokenRefused
from matinee.delivery.tokens import TokenMinter, TokenVerifier
from matinee.parties.attempts import Attempts, Budget
from matinee.playback import rules
from matinee.playback.book import Book
from matinee.playback.home_streams import HomeStreams
from matinee.playback.leases import Leases
from matinee.playback.licences import ClearKeyAnswer, answer_clearkey
from matinee.playback.model import (
    MAX_POSITION_MS,
    MAX_SEQUENCE,
    Addresses,
    Licence,
    LicenceIssuer,
    Manifests,
    PlanNeeded,
    PlayState,
    Report,
    ScreenNames,
    Session,
    SessionEnded,
    SessionNotFound,
    Showing,
    Showings,
    TitleNotPlayable,
    TooBusy,
    ViewerPreferences,
)
from matinee.playback.streams import OTHER_SCREEN, REPLACED, STREAMS, Judged, Lease, Verdict, lasts_until

_NOTHING = msgspec.Raw(b"null")


_AT_ONCE = DurationMs(0)
LONGEST_MS = DurationMs(24 * HOUR)
"""No film is longer."""
LEFT_THE_SERVICE = "rights"
PLAN_ENDED = "plan"
LAST_BEATS = 2
"""A play that gets no other token is told so this many heartbeats before edges refuse the one that it has."""
STOPS_OF_A_SCREEN = Budget(burst=6, refill_ms=10 * MINUTE)
"""How many plays at other screens one screen stops: enough for a family, and no way to keep another one from watching."""
STOPS_IN_ALL = Budget(burst=10_000, refill_ms=1)
"""No home is refused because of others."""
PREPARED_MS = DurationMs(5 * MINUTE)
"""How long a token lives of a play that was prepared and holds no place: its first heartbeat takes one, and brings another."""

_ASK_SELLER = {
    Seller.US: "Take a plan from the service itself.",
    Seller.OPERATOR: "Ask the operator for a plan: it comes with its bill.",
}
_OPEN_LINK = "A plan was taken for this household and has not begun: open the activation link that its seller sent."


class LicenceTold(msgspec.Struct, frozen=True, kw_only=True):
    system: str
    url: str
    keys: dict[str, str]


class ThumbnailsTold(msgspec.Struct, frozen=True, kw_only=True):
    """`url_template` is absolute, with {n} for the sheet's number, from 1."""

    url_template: str
    columns: int
    rows: int
    tile_width: Pixels
    tile_height: Pixels
    interval_ms: DurationMs
    count: int


class QualityTold(msgspec.Struct, frozen=True, kw_only=True):
    """`max_height`: lines of the tallest picture that this play's token opens at an edge; null: all that the film has."""

    max_height: Pixels | None


class HeartbeatTold(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    every_ms: DurationMs


class EventsTold(msgspec.Struct, frozen=True, kw_only=True):
    url: str


class PlayTold(msgspec.Struct, frozen=True, kw_only=True):
    """All that a player needs, in one answer. Languages are BCP 47; instants RFC 3339; addresses absolute.

    `title` and `next` are tiles as home tells them; `next` is null after a film and at the end of a series. `av1` is null where
    the package has no AV1 or the screen's box is declared not to take it: the player then keeps to H.264.
    """

    session_id: SessionId
    title: msgspec.Raw
    manifests: Manifests
    licence: LicenceTold
    resume_ms: PositionMs
    duration_ms: DurationMs
    audio_language: Language
    subtitle_language: Language | None
    thumbnails: ThumbnailsTold | None
    av1: Av1Picture | None
    quality: QualityTold
    markers: msgspec.Raw
    next: msgspec.Raw
    heartbeat: HeartbeatTold
    events: EventsTold
    token_expires_at: str


class HeartbeatHeard(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a heartbeat. `position_ms` is where the profile is by what counts, which may be another screen's report.

    `stop`: why the play must end now. `notice`: why it gets no other token, and so runs until `token_expires_at` and no longer.
    """

    manifests: Manifests
    token: str
    token_expires_at: str
    position_ms: PositionMs
    stop: str | None
    notice: str | None = None


class PlaybackSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a player reports, how long a token lives at the least, and how long one goes by what was known last."""

    heartbeat_ms: DurationMs = DurationMs(10_000)
    token_ms: DurationMs = DurationMs(4 * HOUR)
    trust_ms: DurationMs = DurationMs(24 * HOUR)
    """For how long what is known of rights counts while nothing can be read: then no play begins, and none gets another token."""


class Desk:
    """The use cases of playback. Made once by app, which wires what it asks."""

    def __init__(
        self,
        *,
        book: Book,
        leases: Leases,
        screens: ScreenNames,
        showings: Showings,
        sights: Sights,
        plans: Plans,
        preferences: ViewerPreferences,
        licences: LicenceIssuer,
        minter: TokenMinter,
        verifier: TokenVerifier,
        control: ControlWriter,
        stops: Callable[[StreamGrant], bool],
        may_stop: Callable[[Party, ProfileId, Instant], None],
        addresses: Addresses,
        clock: Clock,
        settings: PlaybackSettings | None = None,
        unread_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        """`may_stop` raises where a party may not stop a film of that profile at another screen of its home.

        `unread_ms`: for how long nothing could be read of what rights there are.
        """
        self._book = book
        self._showings = showings
        self._sights = sights
        self._plans = plans
        self._preferences = preferences
        self._licences = licences
        self._minter = minter
        self._verifier = verifier
        self._control = control
        self._stops = stops
        self._may_stop = may_stop
        self._to = addresses
        self._clock = clock
        self._unread_ms = unread_ms
        self._settings = settings or PlaybackSettings()
        self._leases = leases
        self._stopping = Attempts(STOPS_OF_A_SCREEN, STOPS_IN_ALL, says="This screen has stopped others too often.")
        self._streams = HomeStreams(leases, showings, screens)

    async def begin(self, party: Party, title: TitleId, profile: ProfileId, *, prepares: bool = False) -> PlayTold:
        """Begin a play. Raises TitleNotFound, TitleNotPlayable, PlanNeeded, TooManyStreams, NotFound (the profile), TooBusy.

        Two decisions, each with its own reasons: whether the title is there, then what the home may do with it. With `prepares`
        nobody has pressed OK yet: no place among the home's streams is taken before the first heartbeat.
        """
        household = _household(party)
        if not self._is_trusted():
            raise TooBusy("What may be seen could not be read for too long.", remedy="Try again when the service is whole.")
        now = self._clock()
        sight = self._sights.sight(party, profile, now)
        showing = self._showings.showing(title, sight)
        if showing is None:
            raise TitleNotFound
        package = showing.package
        if package is None:
            raise TitleNotPlayable(
                f"There is nothing to play in {title}.", remedy="Choose one of its episodes, or open it where it lies."
            )
        terms = self._plans.terms(party, showing.service, now)
        if terms is None:
            raise self._plan_needed(party, showing.service, now)
        licence = await self._licence_of(package)
        places = self._book.held_places(profile)
        if places is None:
            places = await asyncio.to_thread(self._book.find_places, profile)
        resume = min(rules.resume_position(places.get(title)), showing.duration_ms)
        session = self._make(
            party, household, profile, showing, package, PositionMs(resume), terms.max_height, now, prepares=prepares
        )
        if terms.streams is None:
            self._book.open(session)
        else:
            await self._open(session, showing.service, terms.streams, sight, now, prepares=prepares)
        return self._tell(session, showing, licence)

    def _plan_needed(self, party: Party, service: ServiceId, now: Instant) -> PlanNeeded:
        seller = self._plans.seller_needed(party, service, now) or Seller.US
        remedy = _OPEN_LINK if self._plans.waits_for_link(party, service, now) else _ASK_SELLER[seller]
        return PlanNeeded("This household needs a plan to watch this title.", remedy=remedy)

    def _is_trusted(self) -> bool:
        return self._unread_ms() <= self._settings.trust_ms

    async def _open(
        self, session: Session, service: ServiceId, limit: int, sight: Sight, now: Instant, *, prepares: bool
    ) -> None:
        asks = self._asks(session, service, now)
        if prepares:
            await self._streams.look(asks, limit, sight, now)
            self._book.open(session)
            return
        judged = await self._streams.begin(asks, limit, sight, now)
        async with contextlib.AsyncExitStack() as undone:
            undone.push_async_callback(self._streams.free, session.id)  # a play that fails leaves no place taken
            await self._clear_away(judged)
            self._book.open(session)
            undone.pop_all()

    async def _clear_away(self, judged: Judged) -> None:
        """End what another play has taken the place of."""
        replaced = {one.session for one in judged.superseded}
        for session in replaced:
            self._book.mark_stopped(session, REPLACED)
        for one in judged.displaced:
            with contextlib.suppress(SessionNotFound):
                await asyncio.to_thread(self.stop, one.session, REPLACED if one.session in replaced else STREAMS)

    def _asks(self, session: Session, service: ServiceId, now: Instant) -> Lease:
        return Lease(
            session=session.id,
            household=session.household,
            service=service,
            title=session.title,
            profile=session.profile,
            since=session.started_at,
            until=lasts_until(now, self._settings.heartbeat_ms),
            token_until=session.token_expires_at,
            box=session.box,
            screen=session.screen,
        )

    async def heartbeat(self, party: Party, session_id: SessionId, report: Report) -> HeartbeatHeard:
        """Take a report in and answer with fresh addresses. Raises SessionNotFound, SessionEnded, TooBusy, InvalidRequest."""
        now = self._clock()
        session = await self._own(party, session_id, report)
        service = None
        if session.stop_reason is None:
            if session.ended_at is not None:
                raise SessionEnded("The session has ended.", remedy="Start the film again.")
            service = self._showings.service_of(session.title, self._sight_of(party, session, now))
            if service is None:
                # A title that was removed, or that the operator no longer carries, must not play on from token to token.
                await asyncio.to_thread(self.stop, session_id, LEFT_THE_SERVICE)
                session = self._book.find_session(session_id) or session
        notice = None if service is None else await self._keep_place(party, session, service, now)
        if notice is not None:
            session = self._book.find_session(session_id) or session
        if session.stop_reason is None:
            session, place = self._book.hear(session_id, report, now)
            if session.ended_at is not None:  # while this waited for its place
                await self._streams.free(session_id)
                if session.stop_reason is None:
                    raise SessionEnded("The session has ended.", remedy="Start the film again.")
            is_last = notice is not None or not self._is_trusted()
            session = self._renewed(party, session, service, now, is_last=is_last)
            position = session.position_ms if place is None else place.position_ms
        else:
            position = session.position_ms
        return HeartbeatHeard(
            manifests=self._manifests(session.token, session.package),
            token=session.token,
            token_expires_at=to_rfc3339(session.token_expires_at),
            position_ms=position,
            stop=session.stop_reason,
            notice=notice if session.stop_reason is None else None,
        )

    def _sight_of(self, party: Party, session: Session, now: Instant) -> Sight:
        """With whose eyes a play goes on. Raises SessionNotFound where that profile is gone, or is not this screen's any more."""
        try:
            return self._sights.sight(party, session.profile, now, playing=True)
        except MatineeError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            raise SessionNotFound from None

    async def _keep_place(self, party: Party, session: Session, service: ServiceId, now: Instant) -> str | None:
        """Keep the play's place among the home's streams; why it gets no other token, or None where it does.

        Neither a plan that ends nor one that gives less stops a film that runs: it goes on by the token that it has. What has no
        place at all is stopped at once: its screen was not heard of for a while, and others have come.
        """
        asks, terms, notice = self._asks(session, service, now), self._plans.terms(party, service, now), None
        if terms is None:
            self._streams.keep_on(asks, now)
            notice = PLAN_ENDED
        else:
            kept = Verdict.HELD if terms.streams is None else await self._streams.keep(asks, terms.streams, now)
            if isinstance(kept, Judged):
                await self._clear_away(kept)
                kept = kept.verdict
            if kept is Verdict.REFUSED:
                await asyncio.to_thread(self.stop, session.id, STREAMS)
            notice = None if kept is Verdict.HELD else STREAMS
        if notice is not None and session.token_expires_at <= now + LAST_BEATS * self._settings.heartbeat_ms:
            await asyncio.to_thread(self.stop, session.id, notice)
        return notice

    async def end(
        self, party: Party, session_id: SessionId, sequence: int, position: PositionMs, late_ms: DurationMs = _AT_ONCE
    ) -> None:
        """End a play, at a place. Saying it again changes nothing. Raises SessionNotFound, TooBusy, InvalidRequest.

        `late_ms`: how long ago it ended by the screen's own measure, where it could not be told before. It orders this report
        against what other screens told meanwhile and nothing else, and never lies before the session was heard of last.
        """
        report = Report(sequence=sequence, position_ms=position, state=PlayState.PAUSED)
        session = await self._own(party, session_id, report)
        if session.ended_at is None:
            now = self._clock()
            if late_ms and await self._is_overtaken(
                session, Instant(max(now - late_ms, session.reported_at or session.started_at))
            ):
                report = msgspec.structs.replace(report, position_ms=session.position_ms)  # it ends, and moves no place
            session, _ = self._book.hear(session_id, report, now)
            self._book.put_session(msgspec.structs.replace(session, ended_at=now))
        await self._streams.free(session_id)

    async def _is_overtaken(self, session: Session, since: Instant) -> bool:
        """Whether another play of the profile has told of a place in this title after a moment."""
        known = await asyncio.to_thread(self._book.find_places, session.profile)
        place = known.get(session.title)
        return place is not None and place.session != session.id and place.counted_at > since

    async def stop_other(self, party: Party, session_id: SessionId) -> None:
        """Stop a play of the same household, from any of its screens. Saying it again changes nothing.

        Raises SessionNotFound, PinNeeded, and TooManyRequests where one screen stops others again and again.
        """
        watching = await asyncio.to_thread(self._watching_elsewhere, party, session_id)
        if watching is not None:
            now = self._clock()
            self._may_stop(party, watching, now)
            self._stopping.take(party.screen, now)
        await asyncio.to_thread(self._stop_for, _household(party), session_id)

    def _watching_elsewhere(self, party: Party, session_id: SessionId) -> ProfileId | None:
        """Whose film it is; None where it is this screen's own, or has ended."""
        session, found = self._play_of(_household(party), session_id)
        is_elsewhere = found.screen != party.screen and (session is None or session.ended_at is None)
        return found.profile if is_elsewhere else None

    def _play_of(self, household: HouseholdId, session_id: SessionId) -> tuple[Session | None, Session | Lease]:
        """A play of the household: its session, and what else is known of it by its lease alone."""
        session = self._book.find_session(session_id) if is_id(session_id) else None
        found = session or (self._leases.find(session_id) if is_id(session_id) else None)
        if found is None or found.household != household:
            raise SessionNotFound
        return session, found

    def _stop_for(self, household: HouseholdId, session_id: SessionId) -> None:
        session, _ = self._play_of(household, session_id)
        if session is None or session.ended_at is None:
            self.stop(session_id, OTHER_SCREEN)

    def stop(self, session_id: SessionId, reason: str) -> None:
        """Stop a play from our side: its next heartbeat is told why, and edges refuse it within a second. Blocks.

        It may be one that another process lets play, and that is not written down yet: then its lease alone is known.
        Raises SessionNotFound.
        """
        now = self._clock()
        session = self._book.find_session(session_id)
        if session is None and self._leases.find(session_id) is None:
            raise SessionNotFound
        # Another process may have brought it a token of which we do not know: none of them lives longer than this.
        until = Instant(now + MINUTE + rules.token_expiry(Instant(0), LONGEST_MS, self._settings.token_ms))
        if session is not None and session.token:
            until = session.token_expires_at
        # Edges first: where they cannot be told nothing is done, and whoever asks again is not told that it is done already.
        if session is None or not self._is_stopped_already(session, now):
            self._control.revoke(session_id, until, now)
        if session is not None:
            self._book.mark_stopped(session_id, reason)
        self._leases.stop(session_id, reason, now)

    def stopped_elsewhere(self, session_id: SessionId, reason: str) -> None:
        """Another web process has stopped a play whose heartbeats may come to this one."""
        self._book.mark_stopped(session_id, reason)

    def _is_stopped_already(self, session: Session, now: Instant) -> bool:
        """Whether edges refuse it by a switch of its service: a million plays that end so need no million entries."""
        try:
            return self._stops(self._verifier.verify(session.token, now))
        except TokenRefused:
            return False

    async def licence(self, token: str, kids: list[str]) -> ClearKeyAnswer:
        """Keys in the W3C form, for the package that the stream token is for.

        Raises TokenRefused, SessionEnded, LicenceRefused, InvalidRequest.
        """
        grant = self._verifier.verify(token, self._clock())
        session = self._book.held_session(grant.session)
        if session is None:  # another process let it play, or one of before
            session = await asyncio.to_thread(self._book.known_session, grant.session)
        if self._stops(grant) or (session is not None and session.ended_at is not None):
            raise SessionEnded("The session has ended, or was stopped.", remedy="Start the film again.")
        return answer_clearkey(kids, await self._licence_of(grant.package))

    async def _licence_of(self, package: PackageId) -> Licence:
        held = self._licences.held(package)
        return await asyncio.to_thread(self._licences.fetch, package) if held is None else held

    def _make(
        self,
        party: Party,
        household: HouseholdId,
        profile: ProfileId,
        showing: Showing,
        package: PackageId,
        resume: PositionMs,
        max_height: Pixels | None,
        now: Instant,
        *,
        prepares: bool,
    ) -> Session:
        session_id = SessionId(new_id())
        whole = rules.token_expiry(now, showing.duration_ms, self._settings.token_ms)
        expires_at = Instant(now + PREPARED_MS) if prepares else whole
        grant = StreamGrant(
            session=session_id,
            max_height=max_height,
            profile=profile,
            package=package,
            expires_at=expires_at,
            box=party.box,
            operator=party.operator,
            service=showing.service,
        )
        return Session(
            id=session_id,
            household=household,
            profile=profile,
            title=showing.title,
            package=package,
            duration_ms=showing.duration_ms,
            started_at=now,
            token_expires_at=expires_at,
            token=self._minter.mint(grant, now),
            max_height=max_height,
            box=party.box,
            screen=party.screen,
            operator=party.operator,
            credits_ms=showing.credits_ms,
            next_title=showing.next_title,
            next_duration_ms=showing.next_duration_ms,
            position_ms=resume,
        )

    def _tell(self, session: Session, showing: Showing, licence: Licence) -> PlayTold:
        wishes = self._preferences.preferences(session.household, session.profile)
        token, web = session.token, self._to.web
        return PlayTold(
            session_id=session.id,
            title=showing.tile,
            manifests=self._manifests(token, session.package),
            licence=LicenceTold(system=licence.system, url=f"{web}/licence/clearkey/{token}", keys=dict(licence.keys)),
            resume_ms=session.position_ms,
            duration_ms=session.duration_ms,
            audio_language=rules.choose_audio(wishes.audio_language, showing.audio),
            subtitle_language=rules.choose_subtitle(wishes.subtitle_language, showing.subtitles),
            thumbnails=self._thumbnails(token, session.package, showing.thumbnails),
            av1=showing.av1,
            quality=QualityTold(max_height=session.max_height),
            markers=showing.markers,
            next=showing.next_tile or _NOTHING,
            heartbeat=HeartbeatTold(url=f"{web}/api/v1/playback/{session.id}/heartbeat", every_ms=self._settings.heartbeat_ms),
            events=EventsTold(url=f"{web}/cmcd/{token}"),
            token_expires_at=to_rfc3339(session.token_expires_at),
        )

    def _base(self, token: str, package: PackageId) -> str:
        return f"{self._to.edge}/s/{token}/p/{package}/"

    def _manifests(self, token: str, package: PackageId) -> Manifests:
        base = self._base(token, package)
        return Manifests(hls=base + "master.m3u8", dash=base + "manifest.mpd")

    def _thumbnails(self, token: str, package: PackageId, sheets: Thumbnails | None) -> ThumbnailsTold | None:
        if sheets is None:
            return None
        return ThumbnailsTold(
            url_template=self._base(token, package) + sheets.path,
            columns=sheets.columns,
            rows=sheets.rows,
            tile_width=sheets.tile_width,
            tile_height=sheets.tile_height,
            interval_ms=sheets.interval_ms,
            count=sheets.count,
        )

    async def _own(self, party: Party, session_id: SessionId, report: Report) -> Session:
        """A session that the party's own screen began: a token goes nowhere else, since a child's screen is in the same home.

        A report that says nonsense is refused before anything is looked up.
        """
        if not 0 <= report.sequence <= MAX_SEQUENCE or not 0 <= report.position_ms <= MAX_POSITION_MS:
            raise InvalidRequest("sequence or position_ms is out of its range.", remedy="Count sequence up from 0.")
        household = _household(party)
        session = self._book.held_session(session_id)
        if session is None and is_id(session_id):
            session = await asyncio.to_thread(self._book.find_session, session_id)
        if session is None or session.household != household or session.screen != party.screen:
            raise SessionNotFound
        return session

    def _renewed(self, party: Party, session: Session, service: ServiceId | None, now: Instant, *, is_last: bool) -> Session:
        """The session with a token that lasts: the one it has in the first half of its life, a fresh one after.

        With `is_last` it ends when the one it has does: what it then lacks is a token alone, as after a restart of ours.
        """
        if session.ended_at is not None:
            return session
        whole = rules.token_expiry(Instant(0), session.duration_ms, self._settings.token_ms)
        begun = session.token_expires_at - whole
        if session.token and (is_last or not rules.renews(now, Instant(begun), session.token_expires_at)):
            return session
        expires_at = rules.token_expiry(now, session.duration_ms, self._settings.token_ms)
        if is_last:
            expires_at = session.token_expires_at
        tallest = session.max_height
        if service is not None and now >= session.started_at + whole:
            # A film keeps its height; a play that goes on for longer than its film and a pause gets what the plan gives now.
            terms = self._plans.terms(party, service, now)
            given = None if terms is None else terms.max_height
            tallest = given if tallest is None else min(tallest, given or tallest)
        grant = StreamGrant(
            session=session.id,
            max_height=tallest,
            profile=session.profile,
            package=session.package,
            expires_at=expires_at,
            box=session.box,
            operator=session.operator,
            service=service,
        )
        renewed = msgspec.structs.replace(
            session, token=self._minter.mint(grant, now), token_expires_at=expires_at, max_height=tallest
        )
        return self._book.put_session(renewed)


def _household(party: Party) -> HouseholdId:
    if party.household is None:
        raise NotAllowed("This screen is in no household.", remedy="Sign in first.", code=ErrorCode.NOT_ALLOWED)
    return party.household
