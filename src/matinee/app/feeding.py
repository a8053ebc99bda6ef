"""`matinee feed`: where partners' feeds are read, and how the last reading ended."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from matinee.app.commands import DONE, FAILED, opened
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.clock import MINUTE, to_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.units import DurationMs
from matinee.catalogue import partner_store as store
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Service
from matinee.catalogue.partner_store import Outcome, PartnerFeed
from matinee.catalogue.partner_work import FeedReader, FeedReport
from matinee.catalogue.partner_work import set_feed as set_partner_feed

SHOWN_FAULTS = 20
_ACTOR = "matinee feed"
_STYLES = {Outcome.APPLIED: "good", Outcome.UNCHANGED: "good", Outcome.HELD: "note", Outcome.FAILED: "bad"}


def set_feed(service: str, url: str, *, every: int, links: str, unrated: int, data: Path | None, as_json: bool) -> int:
    """Say where a service's feed is read from now on."""
    with opened(data) as installation, installation.database.write() as conn:
        found = _service(catalogue.all_services(conn), service)
        allowed = [one for one in links.split(",") if one.strip()]
        every_ms = DurationMs(every * MINUTE)
        made = set_partner_feed(conn, found, url, every_ms, allowed, unrated, read_clock, actor=_ACTOR)
    _tell([(found, made)], as_json=as_json)
    return DONE


def read_feed(service: str, *, accept: bool, file: Path | None, data: Path | None, as_json: bool) -> int:
    """Read a feed now, and tell what it came to. 1 where it is held."""
    with opened(data) as installation:
        with installation.database.read() as conn:
            found = _service(catalogue.all_services(conn), service)
        reader = FeedReader(installation.database, read_clock, allow_private=installation.settings.call_private_addresses)
        report = reader.read(found.id, accept=accept, file=file)
    terminal = Terminal()
    if as_json:
        terminal.json(msgspec.to_builtins({"service": found.name, **_told(report)}))
    else:
        _tell_report(terminal, found, report)
    return FAILED if report.outcome is Outcome.HELD else DONE


def list_feeds(*, data: Path | None, as_json: bool) -> int:
    """Every feed, and how its last reading ended."""
    with opened(data) as installation, installation.database.read() as conn:
        services = {one.id: one for one in catalogue.all_services(conn)}
        rows = [(services[one.service], one) for one in store.all_feeds(conn)]
    if not rows and not as_json:
        Terminal().line("No service has a feed. `matinee feed set SERVICE URL` names one.")
    else:
        _tell(rows, as_json=as_json)
    return DONE


def show_feed(service: str, *, data: Path | None, as_json: bool) -> int:
    """One feed, with every item in quarantine and why."""
    with opened(data) as installation, installation.database.read() as conn:
        found = _service(catalogue.all_services(conn), service)
        feed = store.feed_of(conn, found.id)
        items = store.quarantined(store.items_of(conn, found.id).values())
    if feed is None:
        raise NotFound(f"{found.name} has no feed.", remedy="`matinee feed set SERVICE URL` names one.")
    terminal = Terminal()
    told = [{"ref": one.ref, "why": one.fault, "since": to_rfc3339(one.since), "last_good_title": one.title} for one in items]
    if as_json:
        terminal.json({**_row(found, feed), "quarantine": told})
        return DONE
    _tell([(found, feed)], as_json=False)
    for line in told:
        stays = " (its last good version stays)" if line["last_good_title"] else ""
        terminal.line(f"  ✗ {line['ref']}  {line['why']}{stays}", "bad")
    return DONE


def _told(report: FeedReport) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.structs.asdict(report)
    return {**told, "faults": [{"ref": one.ref, "why": one.says} for one in report.faults]}


def _tell_report(terminal: Terminal, service: Service, report: FeedReport) -> None:
    says = f": {report.says}." if report.says else "."
    terminal.line(f"{service.name}: {report.outcome.value}{says}", _STYLES.get(report.outcome, "note"))
    if report.outcome is Outcome.UNCHANGED:
        return
    terminal.line(
        f"  {report.items:,} good items: {report.added:,} new, {report.changed:,} changed, {report.removed:,} gone;"
        f" {report.bad:,} in quarantine, of which {report.kept:,} stay as they were; {report.left_out:,} of other types"
    )
    for one in report.faults[:SHOWN_FAULTS]:
        terminal.line(f"  ✗ {one.ref}  {one.says}", "bad")
    if len(report.faults) > SHOWN_FAULTS:
        terminal.line(f"  and {len(report.faults) - SHOWN_FAULTS:,} more", "bad")
    if report.outcome is Outcome.HELD:
        terminal.line("  To apply it as it is: matinee feed read SERVICE --accept", "note")


def _tell(rows: Sequence[tuple[Service, PartnerFeed]], *, as_json: bool) -> None:
    terminal = Terminal()
    if as_json:
        terminal.json({"feeds": [_row(service, feed) for service, feed in rows]})
        return
    for service, feed in rows:
        terminal.line(f"{service.name}  {feed.url}", "name")
        allowed = [*feed.links.hosts, *(f"{one}:" for one in feed.links.schemes)]
        terminal.line(f"  every {feed.every_ms // MINUTE} minutes; links may lead to {', '.join(allowed)}")
        read = "not read yet" if feed.read_at is None else f"read {to_rfc3339(feed.read_at)}: {feed.outcome.value}"
        applied = "" if feed.applied_at is None else f"; applied {to_rfc3339(feed.applied_at)}, {feed.items:,} items"
        tag = f"; ETag {feed.etag}" if feed.etag else ""
        terminal.line(f"  {read}{applied}{tag}", _STYLES.get(feed.outcome, ""))
        if feed.says:
            terminal.line(f"  {feed.says}")


def _row(service: Service, feed: PartnerFeed) -> dict[str, Any]:
    return {
        "service": service.name,
        "url": feed.url,
        "every_minutes": feed.every_ms // MINUTE,
        "links": [*feed.links.hosts, *(f"{one}:" for one in feed.links.schemes)],
        "unrated": int(feed.unrated),
        "outcome": feed.outcome.value,
        "says": feed.says,
        "items": feed.items,
        "etag": feed.etag,
        "read_at": None if feed.read_at is None else to_rfc3339(feed.read_at),
        "applied_at": None if feed.applied_at is None else to_rfc3339(feed.applied_at),
    }


def _service(services: Sequence[Service], name: str) -> Service:
    found = [one for one in services if name in (one.id, one.name)]
    if len(found) > 1:
        raise InvalidRequest(f"{len(found)} services are called {name!r}.", remedy="Name one by its id.")
    if not found:
        known = ", ".join(one.name for one in services) or "none"
        raise NotFound(f"There is no service {name!r}.", remedy=f"There are: {known}.")
    return found[0]
