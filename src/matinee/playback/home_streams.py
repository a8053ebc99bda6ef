"""A home's streams of a service as the desk asks for them: a place to begin or to keep, and what is told where there is none."""

import asyncio
from collections.abc import Sequence

import msgspec

from matinee.base.clock import Instant, to_rfc3339
from matinee.base.ids import SessionId
from matinee.catalogue.model import Sight
from matinee.playback.leases import Leases
from matinee.playback.model import ScreenNames, Showings, TooManyStreams
from matinee.playback.streams import Judged, Lease, Verdict

BOX, WEB = "box", "web"


class ScreenTold(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is "box", or "web" for a browser or a phone; `label` is what the box is called, "" on the web."""

    kind: str
    label: str


class StreamTold(msgspec.Struct, frozen=True, kw_only=True):
    """One film that runs in the home. `title` is its tile, null where the profile that asks may not see it."""

    session_id: SessionId
    screen: ScreenTold
    title: msgspec.Raw | None
    since: str


class HomeStreams:
    """Asks memory where that may answer, else the database in a thread."""

    def __init__(self, leases: Leases, showings: Showings, screens: ScreenNames) -> None:
        self._leases = leases
        self._showings = showings
        self._screens = screens

    async def begin(self, asks: Lease, limit: int, sight: Sight, now: Instant) -> Judged:
        """Take a place. Raises TooManyStreams, which names those that have one."""
        judged = self._leases.take_now(asks, limit, now)
        if judged is None:
            judged = await asyncio.to_thread(self._leases.take, asks, limit, now)
        if judged.verdict is Verdict.REFUSED:
            raise self._too_many(judged.living, limit, sight)
        return judged

    async def look(self, asks: Lease, limit: int, sight: Sight, now: Instant) -> None:
        """Whether there would be a place, without taking it. Raises TooManyStreams."""
        living = self._leases.look_now(asks.household, asks.service, now)
        if living is None:
            living = await asyncio.to_thread(self._leases.look, asks.household, asks.service, now)
        elsewhere = [one for one in living if asks.box is None or one.box != asks.box]
        if len(elsewhere) >= limit:
            raise self._too_many(elsewhere, limit, sight)

    async def keep(self, asks: Lease, limit: int, now: Instant) -> Judged | Verdict:
        """Renew a place; one that has lapsed, or was never taken, is taken where there is room."""
        verdict = self._leases.renew_now(asks.session, limit, asks.until, asks.token_until, now)
        if verdict is not None:
            return verdict
        judged = self._leases.take_now(asks, limit, now)
        return await asyncio.to_thread(self._leases.take, asks, limit, now) if judged is None else judged

    def keep_on(self, asks: Lease, now: Instant) -> None:
        """Renew a place whose home has no plan any more: the film runs on, and nothing is judged."""
        self._leases.renew_now(asks.session, None, asks.until, asks.token_until, now)

    async def free(self, session: SessionId) -> None:
        """Free the place of a play that has ended."""
        if not self._leases.release_now(session):
            await asyncio.to_thread(self._leases.release, session)

    def _too_many(self, living: Sequence[Lease], limit: int, sight: Sight) -> TooManyStreams:
        told = [self._told(one, sight) for one in sorted(living, key=lambda one: (one.since, one.session))]
        at_once = "one film" if limit == 1 else f"{limit} films"
        return TooManyStreams(
            f"This household sees {at_once} of this service at once, and {len(told)} run.",
            remedy="Stop one of them (POST /api/v1/playback/SESSION/stop), or wait until one has ended.",
            members={"limit": limit, "streams": told},
        )

    def _told(self, lease: Lease, sight: Sight) -> StreamTold:
        showing = self._showings.showing(lease.title, sight)
        screen = (
            ScreenTold(kind=WEB, label="") if lease.box is None else ScreenTold(kind=BOX, label=self._screens.label(lease.box))
        )
        return StreamTold(
            session_id=lease.session,
            screen=screen,
            title=None if showing is None else showing.tile,
            since=to_rfc3339(lease.since),
        )
