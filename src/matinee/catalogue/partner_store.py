"""SQL for partners' feeds: where each is read, how the last reading ended, and what became of each item.

A feed is read by one process at a time: who reads holds a claim that runs out, and writes nothing where the claim is no longer
its own. So a process that died in the middle keeps nobody waiting for long, and one that was slow does not write over another.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.ids import ServiceId, TitleId, new_id
from matinee.base.party import publisher_side
from matinee.base.units import DurationMs
from matinee.catalogue.deep_links import LinkRules
from matinee.catalogue.model import AgeClass, Service
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import audit

CLAIM_MS: Final = 10 * 60_000
"""Longer than the longest reading, whose parts have limits of their own."""

_BATCH: Final = 500

partner_feeds = sa.Table(
    "partner_feeds",
    metadata,
    sa.Column("service_id", sa.Text, sa.ForeignKey("services.id"), primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("every_ms", sa.BigInteger, nullable=False),
    sa.Column("links", JsonColumn, nullable=False),
    sa.Column("unrated", sa.Integer, nullable=False),
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("last_modified", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("says", sa.Text, nullable=False),
    sa.Column("items", sa.Integer, nullable=False),
    sa.Column("read_at", InstantColumn),
    sa.Column("applied_at", InstantColumn),
    sa.Column("next_at", InstantColumn, nullable=False),
    sa.Column("claim", sa.Text),
    sa.Column("claimed_until", InstantColumn),
)

partner_items = sa.Table(
    "partner_items",
    metadata,
    sa.Column("service_id", sa.Text, sa.ForeignKey("partner_feeds.service_id"), primary_key=True),
    # The partner's @id; of an item without one, its number in the feed, which as it holds a space is nobody's @id.
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("title_id", sa.Text),  # the title that the last good version of it made
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("fault", sa.Text),  # why its present version is in quarantine
    sa.Column("since", InstantColumn, nullable=False),
)


class Outcome(StrEnum):
    """How a reading ended. `held`: it was read, and is not applied before somebody accepts it."""

    NEVER = "never"
    UNCHANGED = "unchanged"
    APPLIED = "applied"
    HELD = "held"
    FAILED = "failed"


class PartnerFeed(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service's feed is read, and how the last reading ended.

    `unrated`: the age class of what tells none. `items`: how many good ones the last applied reading had.
    """

    service: ServiceId
    url: str
    every_ms: DurationMs
    links: LinkRules
    unrated: AgeClass
    etag: str
    last_modified: str
    digest: str
    outcome: Outcome
    says: str
    items: int
    read_at: Instant | None
    applied_at: Instant | None
    next_at: Instant


class KnownItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an item: its title, and what its present version's fault is, "" where it is good."""

    ref: str
    title: TitleId | None
    digest: str
    fault: str
    since: Instant


def set_feed(
    conn: Connection,
    service: Service,
    url: str,
    every_ms: DurationMs,
    links: LinkRules,
    unrated: AgeClass,
    now: Instant,
) -> None:
    """Say where a service's feed is read from now on; it is due at once, and whoever reads it now writes nothing."""
    values: dict[str, Any] = {
        "url": url,
        "every_ms": every_ms,
        "links": msgspec.to_builtins(links),
        "unrated": int(unrated),
        "etag": "",
        "last_modified": "",
        "digest": "",
        "next_at": now,
        "claim": None,
        "claimed_until": None,
    }
    changed = conn.execute(sa.update(partner_feeds).where(partner_feeds.c.service_id == service.id).values(**values))
    if not changed.rowcount:
        fresh = {"outcome": Outcome.NEVER.value, "says": "", "items": 0}
        conn.execute(sa.insert(partner_feeds).values(service_id=service.id, **values, **fresh))


def record_set(conn: Connection, service: Service, now: Instant, *, actor: str) -> PartnerFeed:
    """Audit how a feed was set. After all else of its transaction: who records has appended what it tells others before."""
    found = feed_of(conn, service.id)
    assert found is not None  # noqa: S101 -- it was written in this transaction
    links = msgspec.to_builtins(found.links)
    detail = {"url": found.url, "every_ms": found.every_ms, "links": links, "unrated": int(found.unrated)}
    audit.record(conn, actor, "feed.set", service.id, detail, now, sides=[publisher_side(service.publisher)])
    return found


def all_feeds(conn: Connection) -> Sequence[PartnerFeed]:
    return [_feed(row) for row in conn.execute(sa.select(partner_feeds).order_by(partner_feeds.c.service_id))]


def feed_of(conn: Connection, service: ServiceId) -> PartnerFeed | None:
    row = conn.execute(sa.select(partner_feeds).where(partner_feeds.c.service_id == service)).one_or_none()
    return None if row is None else _feed(row)


def due_feeds(conn: Connection, now: Instant) -> Sequence[ServiceId]:
    """Those that are to be read now and that nobody reads, the longest due first."""
    free = sa.or_(partner_feeds.c.claimed_until.is_(None), partner_feeds.c.claimed_until <= now)
    query = sa.select(partner_feeds.c.service_id).where(partner_feeds.c.next_at <= now, free)
    return [ServiceId(one) for one in conn.execute(query.order_by(partner_feeds.c.next_at, partner_feeds.c.service_id)).scalars()]


def claim(conn: Connection, service: ServiceId, now: Instant, *, due_only: bool = False) -> str | None:
    """Take a feed to read, alone; the claim's name, None where another has it, or (with `due_only`) has read it meanwhile."""
    made = new_id()
    free = sa.or_(partner_feeds.c.claimed_until.is_(None), partner_feeds.c.claimed_until <= now)
    where = [partner_feeds.c.service_id == service, free, *([partner_feeds.c.next_at <= now] if due_only else [])]
    taken = conn.execute(sa.update(partner_feeds).where(*where).values(claim=made, claimed_until=Instant(now + CLAIM_MS)))
    return made if taken.rowcount else None


def finish(conn: Connection, feed: PartnerFeed, claimed: str, now: Instant, **ended: Any) -> bool:
    """Write how a reading ended and give the claim back. False, and nothing written, where the claim is no longer this one.

    In the transaction of what it brought: the row is held from here on, so no other can take the feed before the commit.
    """
    values = {"read_at": now, "next_at": Instant(now + feed.every_ms), "claim": None, "claimed_until": None, **ended}
    mine = (partner_feeds.c.service_id == feed.service, partner_feeds.c.claim == claimed)
    return bool(conn.execute(sa.update(partner_feeds).where(*mine).values(**values)).rowcount)


def items_of(conn: Connection, service: ServiceId) -> dict[str, KnownItem]:
    """What became of each item of a service's feed, by its ref."""
    rows = conn.execute(sa.select(partner_items).where(partner_items.c.service_id == service).order_by(partner_items.c.ref))
    return {r.ref: KnownItem(ref=r.ref, title=r.title_id, digest=r.digest, fault=r.fault or "", since=r.since) for r in rows}


def write_items(conn: Connection, service: ServiceId, before: Mapping[str, KnownItem], after: Mapping[str, KnownItem]) -> None:
    """Keep what became of each item, where it is not what it was before."""
    gone = [ref for ref in before if after.get(ref) != before[ref]]
    for start in range(0, len(gone), _BATCH):
        refs = partner_items.c.ref.in_(gone[start : start + _BATCH])
        conn.execute(sa.delete(partner_items).where(partner_items.c.service_id == service, refs))
    rows = [_item_row(service, one) for ref, one in after.items() if before.get(ref) != one]
    if rows:
        conn.execute(sa.insert(partner_items), rows)


def quarantined(items: Iterable[KnownItem]) -> list[KnownItem]:
    return [one for one in items if one.fault]


def _item_row(service: ServiceId, one: KnownItem) -> dict[str, Any]:
    return {
        "service_id": service,
        "ref": one.ref,
        "title_id": one.title,
        "digest": one.digest,
        "fault": one.fault or None,
        "since": one.since,
    }


def _feed(row: "Row[Any]") -> PartnerFeed:
    return PartnerFeed(
        service=row.service_id,
        url=row.url,
        every_ms=row.every_ms,
        links=msgspec.convert(row.links, LinkRules),
        unrated=AgeClass(row.unrated),
        etag=row.etag,
        last_modified=row.last_modified,
        digest=row.digest,
        outcome=Outcome(row.outcome),
        says=row.says,
        items=row.items,
        read_at=row.read_at,
        applied_at=row.applied_at,
        next_at=row.next_at,
    )
