"""Reading a partner's feed: fetched part by part, read in a child process, and applied as one transaction or not at all.

    claim -> fetch, ask again only for what is new -> parts -> items and faults -> hold or apply -> outbox

A feed comes from a stranger's program. What is wrong with one item touches that item alone. What is wrong with the whole (it
cannot be reached or read, it changed while it was read, it suddenly lost half of itself) changes nothing: what was there stays.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import msgspec
import structlog
from sqlalchemy.engine import Connection

from matinee.base.clock import DAY, MINUTE, SECOND, Clock, Instant
from matinee.base.errors import ErrorCode, MatineeError, NotFound
from matinee.base.ids import ServiceId, TitleId
from matinee.base.units import DurationMs
from matinee.catalogue import partner_store as store
from matinee.catalogue import store as titles
from matinee.catalogue.deep_links import LinkRules, link_rules
from matinee.catalogue.model import AGE_CLASSES, AgeClass, CatalogueError, Service
from matinee.catalogue.partner_feed import FeedPart, FeedWrong, read_part
from matinee.catalogue.partner_rules import Fault, Outcomes, Reading, Standing, outcomes, settled, why_held, withdrawn
from matinee.catalogue.partner_store import KnownItem, Outcome, PartnerFeed
from matinee.outside.calling import Answer, CallLimits, call, check_url
from matinee.outside.database import Database

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_SECONDS: Final = 120
MAX_PARTS: Final = 1_000
MAX_TOTAL_ITEMS: Final = 200_000
LEAST_EVERY_MS: Final = DurationMs(5 * MINUTE)
MOST_EVERY_MS: Final = DurationMs(7 * DAY)
_HEADERS: Final = {"Accept": "application/ld+json, application/json"}
_MAX_TAG_CHARS: Final = 500

log = structlog.get_logger("matinee.feeds")


class FeedBusy(CatalogueError):
    """Another process reads this feed now."""

    code = ErrorCode.CONFLICT


class FeedReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a reading came to. `bad` counts items in quarantine, `kept` those of them whose last good title stays."""

    outcome: Outcome
    says: str = ""
    items: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    bad: int = 0
    kept: int = 0
    left_out: int = 0
    faults: tuple[Fault, ...] = ()


class _Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A feed as it came. `etag` and `last_modified` are those of a feed in one part: they speak for no other part."""

    parts: list[FeedPart]
    digest: str
    etag: str = ""
    last_modified: str = ""


def set_feed(
    conn: Connection,
    service: Service,
    url: str,
    every_ms: DurationMs,
    links: Sequence[str],
    unrated: int,
    now: Clock,
    *,
    actor: str,
) -> PartnerFeed:
    """Say where a service's feed is read, and take away what leads where its links may not lead any more.

    Without `links` they may lead to the feed's own host. Raises MatineeError.
    """
    parts = check_url(url)
    if not LEAST_EVERY_MS <= every_ms <= MOST_EVERY_MS:
        raise CatalogueError("A feed is read every 5 minutes at most, and once a week at least.", remedy="Write --every 60.")
    if unrated not in AGE_CLASSES:
        known = ", ".join(str(int(one)) for one in AGE_CLASSES)
        raise CatalogueError(f"The age class {unrated} is not known.", remedy=f"Write one of {known}.")
    rules: LinkRules = link_rules(links or [parts.hostname or ""])
    at = now()
    store.set_feed(conn, service, url, every_ms, rules, AgeClass(unrated), at)
    _withdraw(conn, service, rules, at)
    return store.record_set(conn, service, at, actor=actor)


def _withdraw(conn: Connection, service: Service, rules: LinkRules, now: Instant) -> None:
    """Take away at once the ways that lead where this service's links may not lead any more: no reading can be waited for."""
    before = store.items_of(conn, service.id)
    changed = withdrawn([one.title for one in _standing(conn, service.id, before).values()], rules)
    titles.write_partner_titles(conn, [], changed, [], now)
    # No item has this digest: where the feed tells of one as before, and may, its title is written again.
    lost = {one.id for one in changed}
    after = {ref: msgspec.structs.replace(one, digest="") if one.title in lost else one for ref, one in before.items()}
    store.write_items(conn, service.id, before, after)


class FeedReader:
    """Reads feeds. `poll` is a step of a repeating thread; `read` is one reading by hand."""

    def __init__(self, database: Database, clock: Clock, *, allow_private: bool) -> None:
        self._database = database
        self._clock = clock
        self._allow_private = allow_private

    def poll(self) -> None:
        """Read every feed that is due and that no other process reads."""
        with self._database.read() as conn:
            due = store.due_feeds(conn, self._clock())
        for service in due:
            try:
                report = self._claimed(service, due_only=True)
            except FeedBusy:
                continue
            except MatineeError as error:
                log.warning("a feed could not be read", service=service, code=error.code, message=error.message)
                continue
            tell = log.warning if report.outcome is Outcome.HELD else log.info
            tell("feed read", service=service, outcome=report.outcome.value, says=report.says, items=report.items, bad=report.bad)

    def read(self, service: ServiceId, *, accept: bool = False, file: Path | None = None) -> FeedReport:
        """Read a feed now, from its address or from a file. With `accept`, apply also what would be held.

        Raises FeedBusy, and MatineeError where it cannot be read; that is noted with the feed, and changes nothing else.
        """
        return self._claimed(service, accept=accept, file=file)

    def _claimed(
        self, service: ServiceId, *, accept: bool = False, file: Path | None = None, due_only: bool = False
    ) -> FeedReport:
        with self._database.write() as conn:
            claimed = store.claim(conn, service, self._clock(), due_only=due_only)
            feed = store.feed_of(conn, service)
        if feed is None:
            raise NotFound("This service has no feed.", remedy="`matinee feed set SERVICE URL` names one.")
        if claimed is None:
            raise FeedBusy("This feed is being read already.", remedy="Wait for that to end: `matinee feed show SERVICE` tells.")
        try:
            fetched = self._from_file(file, feed) if file is not None else self._fetch(feed, accept=accept)
            return self._settle(feed, claimed, fetched, accept=accept)
        except MatineeError as error:
            self._note(feed, claimed, Outcome.FAILED, error.message)
            raise
        except Exception as error:
            # A process boundary: whatever a stranger's bytes bring about, the claim is given back and the failure told.
            self._note(feed, claimed, Outcome.FAILED, f"It could not be read: {type(error).__name__}.")
            raise

    def _note(self, feed: PartnerFeed, claimed: str, outcome: Outcome, says: str) -> None:
        with self._database.write() as conn:
            store.finish(conn, feed, claimed, self._clock(), outcome=outcome.value, says=says)

    # --- fetching -----------------------------------------------------------------------------------------------------

    def _fetch(self, feed: PartnerFeed, *, accept: bool) -> _Fetched | None:
        """All parts of a feed; None where it says that it is what was applied last."""
        ends = self._clock() + MAX_SECONDS * SECOND
        left = MAX_BYTES
        digest = hashlib.sha256()
        parts: list[FeedPart] = []
        first: Answer | None = None
        for url in _addresses(feed.url, parts):
            asked = {} if accept or first is not None else _conditions(feed)
            answer = self._get(url, asked, ends, left)
            if answer.status == 304 and asked:
                return None
            _check_status(answer)
            left -= len(answer.body)
            digest.update(hashlib.sha256(answer.body).digest())
            parts.append(read_part(answer.body, feed.links))
            first = first or answer
        if first is None:
            raise FeedWrong("The feed has no part.")
        if len(parts) > 1:
            again = self._get(feed.url, {}, ends, MAX_BYTES)
            if again.status != 200 or again.body != first.body:
                raise FeedWrong(
                    "The feed changed while its parts were read.", remedy="Nothing of it is taken; it is read again in time."
                )
            return _Fetched(parts=parts, digest=digest.hexdigest())
        etag, modified = (first.headers.get(name, "")[: _MAX_TAG_CHARS + 1] for name in ("etag", "last-modified"))
        return _Fetched(parts=parts, digest=digest.hexdigest(), etag=_header(etag), last_modified=_header(modified))

    def _get(self, url: str, headers: dict[str, str], ends: int, most: int) -> Answer:
        seconds = (ends - self._clock()) / SECOND
        if seconds <= 0:
            raise FeedWrong(
                f"The feed was not read within {MAX_SECONDS} seconds.", remedy="Let it answer faster, in fewer parts."
            )
        limits = CallLimits(seconds=seconds, max_bytes=most)
        return call("GET", url, headers={**_HEADERS, **headers}, limits=limits, allow_private=self._allow_private)

    def _from_file(self, file: Path, feed: PartnerFeed) -> _Fetched:
        try:
            with file.open("rb") as opened:
                raw = opened.read(MAX_BYTES + 1)
        except OSError as error:
            raise FeedWrong(f"{file.name} cannot be read: {error.strerror}.", remedy="Name a file of JSON.") from error
        if len(raw) > MAX_BYTES:
            raise FeedWrong(f"{file.name} has more than {MAX_BYTES:,} bytes.", remedy="Split it.")
        part = read_part(raw, feed.links)
        if part.cursor is not None or part.next is not None:
            raise FeedWrong("This file is one part of a feed of several.", remedy="Ask for all of it in one part (`limit`).")
        return _Fetched(parts=[part], digest=hashlib.sha256(hashlib.sha256(raw).digest()).hexdigest())

    # --- applying -----------------------------------------------------------------------------------------------------

    def _settle(self, feed: PartnerFeed, claimed: str, fetched: _Fetched | None, *, accept: bool) -> FeedReport:
        if fetched is None or fetched.digest == feed.digest:
            self._note(feed, claimed, Outcome.UNCHANGED, "")
            return FeedReport(outcome=Outcome.UNCHANGED, items=feed.items)
        told = _reading(fetched.parts)
        with self._database.write() as conn:
            now = self._clock()
            service = titles.service_of(conn, feed.service)
            before = store.items_of(conn, feed.service)
            standing = _standing(conn, feed.service, before)
            reading = settled(feed.service, told, standing)
            held = "" if accept else why_held(feed.items, reading)
            ended: dict[str, Any] = {"outcome": Outcome.HELD.value, "says": f"Held: {held}."}
            if not held:
                tags = {"etag": fetched.etag, "last_modified": fetched.last_modified, "digest": fetched.digest}
                ended = {"outcome": Outcome.APPLIED.value, "says": "", "items": len(reading.items), "applied_at": now, **tags}
            # First of all writes: where the feed was set anew, or another took the claim over, this reading is not to be applied.
            if not store.finish(conn, feed, claimed, now, **ended):
                raise FeedBusy(
                    "The feed was set anew, or read by another, meanwhile.", remedy="Nothing was applied: read it again."
                )
            if held:
                return _report(reading, Outcomes(), Outcome.HELD, f"{held}. Nothing is applied before you accept it")
            found = outcomes(service, reading, standing, feed.unrated, now)
            titles.write_partner_titles(conn, found.made, found.changed, found.gone, now)
            store.write_items(conn, feed.service, before, _known(reading, found, before, standing, now))
        return _report(reading, found, Outcome.APPLIED, "")


def _addresses(url: str, parts: list[FeedPart]) -> Iterator[str]:
    """The addresses of a feed's parts, each as the one before tells it: on the same host, and none of them twice."""
    seen: set[str] = set()
    while True:
        if url in seen:
            raise FeedWrong("The feed leads back to a part that was read already.", remedy="Nothing of it is taken.")
        if len(seen) >= MAX_PARTS:
            raise FeedWrong(f"The feed has more than {MAX_PARTS:,} parts.", remedy="Let a part hold more items.")
        seen.add(url)
        yield url
        last = parts[-1]
        if last.next is not None:
            url = _next(url, last.next)
        elif last.cursor is not None:
            url = _with_cursor(url, last.cursor)
        else:
            return


def _next(url: str, told: str) -> str:
    found = urljoin(url, told)
    here, there = check_url(url), check_url(found)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise FeedWrong("The feed goes on at another host.", remedy="Its parts must lie at one host.")
    return found


def _with_cursor(url: str, cursor: str) -> str:
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "cursor"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("cursor", cursor)])))


def _conditions(feed: PartnerFeed) -> dict[str, str]:
    """What lets a server say that nothing changed. It speaks for what was applied, so that what was held is read again."""
    found = {}
    if feed.etag:
        found["If-None-Match"] = feed.etag
    if feed.last_modified:
        found["If-Modified-Since"] = feed.last_modified
    return found


def _header(value: str) -> str:
    """A header that we send back as it came; nothing where it could not be sent as it is."""
    return value if len(value) <= _MAX_TAG_CHARS and value.isascii() and value.isprintable() else ""


def _check_status(answer: Answer) -> None:
    if 300 <= answer.status < 400:
        told = ascii(answer.headers.get("location", "")[:200])
        raise FeedWrong(f"The feed's address leads elsewhere, to {told}.", remedy="Set that address, where you trust it.")
    if answer.status != 200:
        raise FeedWrong(f"The feed's address answers with status {answer.status}.", remedy="See what the partner says of it.")


def _reading(parts: Sequence[FeedPart]) -> Reading:
    """All parts as one. A fault without an @id is named by its number in the whole feed."""
    items = [item for part in parts for item in part.items]
    faults, number = [], 0
    for part in parts:
        for one in part.faults:
            place = f"{one.field}: " if one.field else ""
            faults.append(Fault(one.ref or f"item {number + one.number}", f"{place}{one.says}"))
        number += len(part.items) + len(part.faults) + part.left_out
    if number > MAX_TOTAL_ITEMS:
        raise FeedWrong(f"The feed has {number:,} items; {MAX_TOTAL_ITEMS:,} are read.", remedy="Let it hold fewer.")
    return Reading(items=tuple(items), faults=tuple(faults), left_out=sum(part.left_out for part in parts))


def _standing(conn: Connection, service: ServiceId, before: dict[str, KnownItem]) -> dict[str, Standing]:
    """The titles that earlier readings made. One that somebody took away by hand is made again where the feed tells of it."""
    ids = [TitleId(one.title) for one in before.values() if one.title is not None]
    there = titles.titles_by_id(conn, ids)
    return {
        one.ref: Standing(one.digest, there[one.title])
        for one in before.values()
        if one.title is not None and one.title in there and there[one.title].service == service
    }


def _known(
    reading: Reading, found: Outcomes, before: dict[str, KnownItem], standing: dict[str, Standing], now: Instant
) -> dict[str, KnownItem]:
    """What is kept of each item after this reading. One that stands as it did keeps since when it did."""
    made = {one.partner.ref: one.id for one in (*found.made, *found.changed) if one.partner is not None}
    after: dict[str, KnownItem] = {}

    def keep(ref: str, title: TitleId | None, digest: str, fault: str) -> None:
        known = before.get(ref)
        if known is not None and (known.title, known.digest, known.fault) == (title, digest, fault):
            after[ref] = known
        else:
            after[ref] = KnownItem(ref=ref, title=title, digest=digest, fault=fault, since=now)

    for item in reading.items:
        keep(item.ref, made.get(item.ref) or standing[item.ref].title.id, found.digests[item.ref], "")
    faults = {one.ref: one.says for one in reversed(reading.faults) if one.ref not in after}
    for ref in found.kept:
        keep(ref, standing[ref].title.id, standing[ref].digest, faults.pop(ref, ""))
    for ref, says in faults.items():
        keep(ref, None, "", says)
    return after


def _report(reading: Reading, found: Outcomes, outcome: Outcome, says: str) -> FeedReport:
    return FeedReport(
        outcome=outcome,
        says=says,
        items=len(reading.items),
        added=len(found.made),
        changed=len(found.changed),
        removed=len(found.gone),
        bad=len(reading.faults),
        kept=len(found.kept),
        left_out=reading.left_out,
        faults=reading.faults,
    )
