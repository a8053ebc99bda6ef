"""The web process put together: every feature's memory, use cases and routes, started and stopped as mirrored lists.

This is the one file that knows all features at once. Whatever one needs from another is a Protocol of its own that is met here.
"""

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from litestar import Litestar

from matinee.app import privacy_api
from matinee.app.ended_plays import EVERY_SECONDS as ENDED_SECONDS
from matinee.app.ended_plays import EndedPlays
from matinee.app.forgetting import ForgetsInMemory
from matinee.app.installation import Installation, read_clock
from matinee.app.moved_boxes import EVERY_SECONDS as MOVED_SECONDS
from matinee.app.moved_boxes import MovedBoxes
from matinee.app.pages import Pictures, page_policy
from matinee.app.pages import routes as page_routes
from matinee.app.repeating import Repeating
from matinee.app.rollouts import EVERY_SECONDS, PlayerMeasures, advance
from matinee.app.screens import Screens, UploadedFiles
from matinee.app.showings import CatalogueShowings
from matinee.app.switchboard import Switchboard
from matinee.app.web import create_web
from matinee.base.clock import HOUR, MINUTE, SECOND
from matinee.base.ids import BoxId, HouseholdId, OperatorId, PackageId, ProfileId
from matinee.base.units import DurationMs
from matinee.carriage import api as carriage_api
from matinee.carriage import billing_api, ofrep, record_api, rollout_api, subscription_api, terms_api
from matinee.carriage.billed_homes import BilledHomes
from matinee.carriage.closing import CLOSING_SECONDS, Closing
from matinee.carriage.entitlements import Entitlements
from matinee.carriage.sides import Sides
from matinee.carriage.snapshot import Carriage, PartySight
from matinee.catalogue import api as catalogue_api
from matinee.catalogue import reports
from matinee.catalogue.model import StreamTerms
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
from matinee.home import feeds, history_api
from matinee.home.learnt_store import Lessons
from matinee.home.opened import OpenedTitles
from matinee.home.ranking_log import STEP_SECONDS, RankingLog
from matinee.home.recommending import Recommending
from matinee.home.rows import Homes
from matinee.home.viewed import ViewedPlaces
from matinee.library import store as library_store
from matinee.library.keys import MasterKey
from matinee.members import api as members_api
from matinee.members import plan_api, taste_api, voucher_api
from matinee.members.consents import KeptConsents
from matinee.members.sign_in import api as sign_in_api
from matinee.members.sign_in import operator_pages
from matinee.members.sign_in import pages as sign_in_pages
from matinee.members.sign_in.access import Signer
from matinee.members.sign_in.keys import SigningKeys
from matinee.members.sign_in.operator_identity import Whereabouts
from matinee.members.sign_in.operator_login import OperatorLogin
from matinee.members.sign_in.screen_tokens import ScreenTokens
from matinee.members.sign_in.server import SignInServer
from matinee.members.sign_in.signing import HouseholdSignIn
from matinee.members.sign_in.snapshot import SignIns
from matinee.members.sign_in.work import FORGET_SECONDS, forget_old
from matinee.members.snapshot import Members, Resolver
from matinee.members.subscriptions import Subscriptions
from matinee.members.tastes import KeptTastes
from matinee.outside.alone import Alone
from matinee.outside.database import Database
from matinee.parties import api as parties_api
from matinee.parties import hook_api
from matinee.parties.feed import Feed, Follower
from matinee.parties.sign_in import SignIn
from matinee.parties.snapshot import ApiKeys, Publishers, Staff
from matinee.playback import api as playback_api
from matinee.playback.book import Book
from matinee.playback.leases import Leases, Stops
from matinee.playback.licences import ClearKeyIssuer
from matinee.playback.model import Addresses, Preferences
from matinee.playback.work import Desk, PlaybackSettings
from matinee.telemetry import api as telemetry_api
from matinee.telemetry.metrics import CountersByPublisher
from matinee.telemetry.store import EventFiles
from matinee.telemetry.work import Intake

FEED_SECONDS = 0.25
LEASE_SECONDS = 0.5
KEY_SECONDS = 1.0


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


class BoxNames:
    """Implements playback's `ScreenNames` over the boxes in memory."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def label(self, box: BoxId) -> str:
        """The label that the home gave it, else its model's name."""
        found, model = self._fleet.box(box), self._fleet.model_of(box)
        return (found.label if found is not None else "") or (model.name if model is not None else "")


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

    keys, staff, publishers, fleet, catalogue = ApiKeys(), Staff(), Publishers(), Fleet(), Catalogue()
    members = Members(installation.master.mark)
    carriage, releases, subscriptions = Carriage(fleet), ReleaseBook(screens.release), Subscriptions()
    lessons, sign_ins = Lessons(), SignIns(settings.web_origin, clock)
    followers: list[Follower] = [keys, staff, publishers, fleet, releases, members, sign_ins, subscriptions, catalogue, carriage]
    followers.append(lessons)
    sights = PartySight(carriage, fleet, members, catalogue)
    unbilled = StreamTerms(streams=settings.streams_without_plan or None)
    entitlements = Entitlements(carriage, fleet, members, subscriptions, unbilled)
    signer = Signer(SigningKeys(installation.sign_in_key_file), settings.web_origin)
    resolver = Resolver(keys, fleet, members, staff, ScreenTokens(signer, sign_ins))
    sign_in = SignIn(database, staff, clock)
    household_sign_in = HouseholdSignIn(database, signer, clock)
    whereabouts = Whereabouts(fleet, members.household_at)
    sign_in_server = SignInServer(database, sign_ins, signer, whereabouts, clock)
    operator_login = OperatorLogin(
        database,
        sign_ins,
        signer,
        whereabouts,
        installation.master,
        clock,
        allow_private=settings.call_private_addresses,
    )
    browser_pages = sign_in_pages.Pages(sign_in_server, household_sign_in, operator_login, members.guard, clock)

    ring = open_ring(installation.token_key_file)
    control = ControlWriter(installation.published, ring, installation.control_lock)
    switchboard = Switchboard(installation.published, ring, control, carriage, database, clock)
    verifier = TokenVerifier(ring)
    book = Book(database, clock, fresh_ms=None if database.is_sqlite else SECOND)
    # Processes that share a SQLite file share a machine, and know by locks in its folder who is there.
    leases = Leases(database, clock, Alone(settings.data_folder, "web") if database.is_sqlite else None)
    desk = Desk(
        book=book,
        leases=leases,
        screens=BoxNames(fleet),
        showings=CatalogueShowings(catalogue),
        sights=sights,
        plans=entitlements,
        preferences=ProfilePreferences(members),
        licences=ClearKeyIssuer(LibraryKeys(database, installation.master)),
        minter=TokenMinter(ring),
        verifier=verifier,
        control=control,
        stops=switchboard.stops,
        may_stop=members.check_stop,
        addresses=Addresses(web=settings.web_origin, edge=settings.edge_origin),
        clock=clock,
        settings=PlaybackSettings(
            heartbeat_ms=DurationMs(settings.heartbeat_seconds * SECOND),
            token_ms=DurationMs(settings.token_minutes * MINUTE),
            trust_ms=DurationMs(settings.trust_hours * HOUR),
        ),
        unread_ms=lambda: reader.unread_ms(),
    )
    handing = Handing(database, releases, clock)
    counters = CountersByPublisher()
    events = EventFiles(settings.data_folder / "telemetry")

    opened = OpenedTitles(database, clock, fresh_ms=None if database.is_sqlite else SECOND)
    rankings = RankingLog(database, catalogue, carriage, fleet, clock, lessons)
    consents = KeptConsents(database, clock, fresh_ms=None if database.is_sqlite else SECOND)
    recommending = Recommending(lessons, ViewedPlaces(book), consents.may_recommend, partial(operator_name, fleet), rankings)

    counter = subscription_api.Counter(carriage, fleet, catalogue, members, subscriptions)
    tastes = KeptTastes(database, clock, fresh_ms=None if database.is_sqlite else SECOND)
    homes = Homes(catalogue, book, opened, rankings, tastes, recommending)
    ended = EndedPlays(book, members, catalogue, desk.stop, clock)
    behind = (Stops(desk.stopped_elsewhere), ForgetsInMemory(book, opened, tastes), ended)
    reader = Feed(database, [*followers, *behind])
    feed = Following(reader)

    routes: Sequence[Sequence[object]] = (
        parties_api.routes(sign_in, staff, publishers, database, clock),
        fleet_api.routes(fleet, database, releases, handing, clock),
        members_api.routes(members, fleet, sights, consents, database, clock),
        voucher_api.routes(sights, members, database, clock),
        plan_api.routes(sights, members, fleet, BilledHomes(carriage, fleet, members), database, clock),
        sign_in_api.routes(sign_in_server, members, clock),
        sign_in_pages.routes(browser_pages),
        operator_pages.routes(browser_pages),
        carriage_api.routes(carriage, sights, entitlements, fleet, catalogue, settings.web_origin, clock),
        record_api.routes(carriage, fleet, catalogue, clock),
        rollout_api.routes(Sides(carriage, fleet, catalogue), fleet, catalogue, database, clock),
        subscription_api.routes(counter, database, clock),
        terms_api.routes(counter, database, clock),
        billing_api.routes(counter, fleet, database, settings.web_origin, clock),
        ofrep.routes(carriage, fleet, catalogue, clock),
        catalogue_api.routes(catalogue, database, sights, entitlements, book, tastes, clock),
        reports.routes(database),
        home_api.routes(homes, opened, catalogue, sights, entitlements, database, clock),
        taste_api.routes(catalogue, sights, tastes, clock),
        history_api.routes(book, opened, catalogue, sights, database, clock),
        privacy_api.routes(members, database, clock),
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
    closing = Repeating(
        "closing",
        Closing(carriage, subscriptions, counter.lines, database, clock).step,
        CLOSING_SECONDS,
        "what was sold under agreements that have ended cannot be ended yet; none of it plays",
    )
    forgetting = Repeating(
        "old-sign-ins",
        partial(forget_old, database, clock),
        FORGET_SECONDS,
        "old sessions cannot be taken away; they stay a while",
    )
    rotated = Repeating(
        "sign-in-keys", signer.keys.refresh, KEY_SECONDS, "the sign-in keys cannot be read; the last known sign on"
    )
    moved = MovedBoxes(book, fleet, members, desk.stop, clock)
    moved_boxes = Repeating("moved-boxes", moved.step, MOVED_SECONDS, "plays on boxes that left their home are not stopped")
    ended_plays = Repeating("ended-plays", ended.step, ENDED_SECONDS, "plays of who was signed out are not stopped yet")
    lease_writer = Repeating("leases", leases.step, LEASE_SECONDS, "leases cannot be written; what this process knows counts")
    playing = (book, leases, lease_writer, moved_boxes, ended_plays)
    signing_in = (sign_in, household_sign_in, operator_login, rotated, forgetting)
    started = (feed, *signing_in, switchboard, *playing, events, handed, rollouts, closing, ranking_log)
    return create_web(
        [route for feature in routes for route in feature],  # type: ignore[misc]
        authenticate=resolver.resolve,
        clock=clock,
        page_policy=page_policy(settings.edge_origin, (*screens.inline_styles, REPORT_STYLE)),
        on_startup=[book.learn, *(part.start for part in started)],
        on_shutdown=[part.close for part in reversed(started)],
    )
