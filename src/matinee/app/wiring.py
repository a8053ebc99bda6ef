"""The web process put together: every feature's memory, use cases and routes, started and stopped as mirrored lists.

This is the one file that knows all features at once. Whatever one needs from another is a Protocol of its own that is met here.
"""

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from litestar import Litestar

from matinee.app.installation import Installation, read_clock
from matinee.app.pages import Pictures, page_policy
from matinee.app.pages import routes as page_routes
from matinee.app.repeating import Repeating
from matinee.app.rollouts import EVERY_SECONDS, PlayerMeasures, advance
from matinee.app.screens import Screens, UploadedFiles
from matinee.app.showings import CatalogueShowings
from matinee.app.switchboard import Switchboard
from matinee.app.web import create_web
from matinee.base.clock import MINUTE, SECOND
from matinee.base.ids import HouseholdId, OperatorId, PackageId, ProfileId
from matinee.base.units import DurationMs
from matinee.carriage import api as carriage_api
from matinee.carriage import ofrep, record_api, rollout_api, subscription_api
from matinee.carriage.entitlements import Entitlements
from matinee.carriage.sides import Sides
from matinee.carriage.snapshot import Carriage, PartySight
from matinee.catalogue import api as catalogue_api
from matinee.catalogue import reports
from matinee.catalogue.snapshot import Catalogue
from matinee.delivery.control import ControlWriter
from matinee.delivery.keyring import open_ring
from matinee.delivery.tokens import TokenMinter, TokenVerifier
from matinee.encoding.analysis_report import REPORT_STYLE
from matinee.fleet import api as fleet_api
from matinee.fleet.handing import FLUSH_SECONDS, Handing
from matinee.fleet.release_book import ReleaseBook
from matinee.fleet.snapshot import Fleet
from matinee.home import api as home_api
from matinee.home import feeds
from matinee.home.learnt_store import Lessons
from matinee.home.model import MayRecommend, everybody_may
from matinee.home.opened import OpenedTitles
from matinee.home.ranking_log import STEP_SECONDS, RankingLog
from matinee.home.recommending import Recommending
from matinee.home.rows import Homes
from matinee.home.viewed import ViewedPlaces
from matinee.library import store as library_store
from matinee.library.keys import MasterKey
from matinee.members import api as members_api
from matinee.members.snapshot import Members, Resolver
from matinee.members.subscriptions import Subscriptions
from matinee.outside.database import Database
from matinee.parties import api as parties_api
from matinee.parties import hook_api
from matinee.parties.feed import Feed
from matinee.parties.sign_in import SignIn
from matinee.parties.snapshot import ApiKeys, Publishers, Staff
from matinee.playback import api as playback_api
from matinee.playback.book import Book
from matinee.playback.licences import ClearKeyIssuer
from matinee.playback.model import Addresses, Preferences
from matinee.playback.work import Desk, PlaybackSettings
from matinee.telemetry import api as telemetry_api
from matinee.telemetry.metrics import CountersByPublisher
from matinee.telemetry.store import EventFiles
from matinee.telemetry.work import Intake

FEED_SECONDS = 0.25


class LibraryKeys:
    """Implements playback's `ContentKeySource`: the library's keys, unwrapped when they are asked for."""

    def __init__(self, database: Database, master: MasterKey) -> None:
        self._database = database
        self._master = master

    def content_keys(self, package: PackageId) -> Mapping[str, str]:
        """Key id -> key of a package, in hexadecimal. Raises LibraryError (not_found)."""
        with self._database.read() as conn:
            keys = library_store.keys_of(conn, self._master, package)
        return {keys.kid.hex(): keys.key.hex()}


class ProfilePreferences:
    """Implements playback's `ViewerPreferences` over the households in memory."""

    def __init__(self, members: Members) -> None:
        self._members = members

    def preferences(self, household: HouseholdId, profile: ProfileId) -> Preferences:
        """A profile's wishes. Raises ProfileNotFound."""
        one = self._members.profile(household, profile)
        return Preferences(audio_language=one.audio_language, subtitle_language=one.subtitle_language)


def operator_name(fleet: Fleet, operator: OperatorId) -> str:
    """What an operator is called, "" for one that is not known: home's `OperatorNames`."""
    known = fleet.operator(operator)
    return "" if known is None else known.name


class Following:
    """Keeps every snapshot as new as the newest commit, and goes on trying while the database is away."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._again = Repeating(
            "outbox-feed", feed.poll, FEED_SECONDS, "the outbox cannot be followed; what was last known goes on answering"
        )

    def start(self) -> None:
        """Load every snapshot, then follow. Raises what the database raises: a service without snapshots serves nothing."""
        self._feed.poll()
        gc.collect()
        gc.freeze()  # what was loaded stays: a collection need not look through it again in the middle of a request
        self._again.start()

    def close(self) -> None:
        self._again.close()


def build_web(
    installation: Installation,
    *,
    shows_progress: bool = False,
    landing: Callable[[], str],
    authority: Path | None = None,
) -> Litestar:
    """The web process's app over an open installation. Raises ScreensMissing where the screens are not built."""
    settings, database, clock = installation.settings, installation.database, read_clock
    screens = Screens(settings.screens)

    keys, staff, publishers, fleet, members, catalogue = ApiKeys(), Staff(), Publishers(), Fleet(), Members(), Catalogue()
    carriage, releases, subscriptions = Carriage(fleet), ReleaseBook(screens.release), Subscriptions()
    lessons = Lessons()
    followers = (keys, staff, publishers, fleet, releases, members, subscriptions, catalogue, carriage, lessons)
    feed = Following(Feed(database, followers))
    sights = PartySight(carriage, fleet, members, catalogue)
    entitlements = Entitlements(carriage, fleet, members, subscriptions)
    resolver = Resolver(keys, fleet, members, staff)
    sign_in = SignIn(database, staff, clock)

    ring = open_ring(installation.token_key_file)
    control = ControlWriter(installation.published, ring, installation.control_lock)
    switchboard = Switchboard(installation.published, ring, control, carriage, database, clock)
    verifier = TokenVerifier(ring)
    book = Book(database, clock, fresh_ms=None if database.is_sqlite else SECOND)
    desk = Desk(
        book=book,
        showings=CatalogueShowings(catalogue),
        sights=sights,
        plans=entitlements,
        preferences=ProfilePreferences(members),
        licences=ClearKeyIssuer(LibraryKeys(database, installation.master)),
        minter=TokenMinter(ring),
        verifier=verifier,
        control=control,
        stops=switchboard.stops,
        addresses=Addresses(web=settings.web_origin, edge=settings.edge_origin),
        clock=clock,
        settings=PlaybackSettings(
            heartbeat_ms=DurationMs(settings.heartbeat_seconds * SECOND),
            token_ms=DurationMs(settings.token_minutes * MINUTE),
        ),
    )
    handing = Handing(database, releases, clock)
    counters = CountersByPublisher()
    events = EventFiles(settings.data_folder / "telemetry")

    opened = OpenedTitles(database, clock, fresh_ms=None if database.is_sqlite else SECOND)
    rankings = RankingLog(database, catalogue, carriage, fleet, clock, lessons)
    may_recommend: MayRecommend = everybody_may
    recommending = Recommending(lessons, ViewedPlaces(book), may_recommend, partial(operator_name, fleet), rankings)
    homes = Homes(catalogue, book, opened, rankings, recommending)

    routes: Sequence[Sequence[object]] = (
        parties_api.routes(sign_in, staff, publishers, database, clock),
        fleet_api.routes(fleet, database, releases, handing, clock),
        members_api.routes(members, fleet, sights, database, clock),
        carriage_api.routes(carriage, sights, entitlements, fleet, catalogue, settings.web_origin, clock),
        record_api.routes(carriage, fleet, catalogue, clock),
        rollout_api.routes(Sides(carriage, fleet, catalogue), fleet, catalogue, database, clock),
        subscription_api.routes(subscription_api.Counter(carriage, fleet, catalogue, members, subscriptions), database, clock),
        ofrep.routes(carriage, fleet, catalogue, clock),
        catalogue_api.routes(catalogue, database, sights, entitlements, book, clock),
        reports.routes(database),
        home_api.routes(homes, opened, catalogue, sights, entitlements, clock),
        feeds.routes(carriage, fleet, catalogue, publishers, database, settings.web_origin, clock),
        playback_api.routes(desk),
        hook_api.routes(database, installation.master, allow_private=settings.call_private_addresses, clock=clock),
        telemetry_api.routes(Intake(verifier, events, counters, catalogue, clock)),
        screens.routes(UploadedFiles(installation.published, releases)),
        page_routes(
            database=database,
            pictures=Pictures(installation.published),
            catalogue=catalogue,
            shows_progress=shows_progress,
            landing=landing,
            authority=authority,
            counters=counters,
        ),
    )
    measures = PlayerMeasures(settings.data_folder / "telemetry", clock)
    rollouts = Repeating(
        "rollouts", partial(advance, database, measures, clock), EVERY_SECONDS, "rollouts cannot be moved on; each stands still"
    )
    handed = Repeating(
        "handed-releases", handing.flush, FLUSH_SECONDS, "which box was handed which release cannot be written down; it is kept"
    )
    ranking_log = Repeating("rankings", rankings.step, STEP_SECONDS, "the ranking log cannot be written; homes are answered")
    started = (feed, sign_in, switchboard, book, events, handed, rollouts, ranking_log)
    return create_web(
        [route for feature in routes for route in feature],  # type: ignore[misc]
        authenticate=resolver.resolve,
        clock=clock,
        page_policy=page_policy(settings.edge_origin, (*screens.inline_styles, REPORT_STYLE)),
        on_startup=[part.start for part in started],
        on_shutdown=[part.close for part in reversed(started)],
    )
