"""SQL for invoices: issued in one transaction with their number, so that a publisher's numbers have no gap, and never changed."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId, PlanId, PublisherId
from matinee.base.party import publisher_side
from matinee.members import charge_store, store
from matinee.members.charges import Charge
from matinee.members.invoices import Document, Invoice, InvoiceLine, documents, is_over, month_of, parse_month
from matinee.members.model import MemberError
from matinee.members.periods import day_of
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import audit, outbox

MAX_DETAILS: Final = 1_000

invoices = sa.Table(
    "invoices",
    metadata,
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False, index=True),
    sa.Column("month", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("issued_at", InstantColumn, nullable=False),
    sa.Column("body", JsonColumn, nullable=False),  # all that stands on it, as it was issued
)

invoice_lines = sa.Table(
    "invoice_lines",
    metadata,
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),  # one charge, one paper
    sa.Column("number", sa.BigInteger, nullable=False),
)

seller_details = sa.Table(
    "seller_details",
    metadata,
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), primary_key=True),
    sa.Column("recorded_at", InstantColumn, primary_key=True, autoincrement=False),
    sa.Column("details", sa.Text, nullable=False),
)

Names = Mapping[PlanId, tuple[str, str]]
"""Of each plan the name of its service, and its own."""


def record_details(conn: Connection, publisher: PublisherId, details: str, now: Instant, *, actor: str) -> None:
    """What stands under a publisher's name on invoices from now on: its address, its number at the tax office. Raises
    MemberError.
    """
    lines = details.strip().splitlines()
    if not lines or len(details) > MAX_DETAILS or not all(line.isprintable() for line in lines):
        raise MemberError(f"A seller's details are 1 to {MAX_DETAILS} characters.", remedy="Write an address and a tax number.")
    outbox.hold(conn)  # before the audit's lock, as everywhere
    newest = conn.execute(
        sa.select(sa.func.max(seller_details.c.recorded_at)).where(seller_details.c.publisher_id == publisher)
    ).scalar()
    at = now if newest is None or newest < now else Instant(newest + 1)
    conn.execute(sa.insert(seller_details).values(publisher_id=publisher, recorded_at=at, details="\n".join(lines)))
    audit.record(conn, actor, "seller.details", publisher, {"details": lines}, now, sides=[publisher_side(publisher)])


def issue(
    conn: Connection,
    publisher: PublisherId,
    seller: str,
    household: HouseholdId,
    month: str,
    names: Names,
    now: Instant,
    *,
    actor: str,
) -> Sequence[Invoice]:
    """The household's papers of a month that is over: those that are issued, and those that this issues, by number.

    Charges of earlier months that stand nowhere yet are issued first, each under its own month. Raises MemberError for a month
    that is not over, or holds nothing.
    """
    parse_month(month)
    outbox.hold(conn)  # of two that would issue the same, the second finds it; and numbers follow one another
    had = [one for one in charge_store.charges_of(conn, household) if one.operator is None and one.publisher == publisher]
    zone = ZoneInfo(had[-1].zone if had else "UTC")
    if not is_over(month, zone, now):
        raise MemberError(f"{month} is not over yet.", remedy="An invoice tells a whole month: ask again when it has ended.")
    for earlier in sorted({month_of(one) for one in had if month_of(one) <= month} | {month}):
        _issue_month(conn, publisher, seller, household, earlier, had, names, now, actor)
    found = of_month(conn, publisher, household, month)
    if not found:
        raise MemberError(f"Nothing was charged in {month}.", remedy="See that it is the right month.", code=ErrorCode.NOT_FOUND)
    return found


def of_month(conn: Connection, publisher: PublisherId, household: HouseholdId, month: str) -> Sequence[Invoice]:
    own = (invoices.c.publisher_id == publisher, invoices.c.household_id == household, invoices.c.month == month)
    rows = conn.execute(sa.select(invoices.c.body).where(*own).order_by(invoices.c.number))
    return [msgspec.convert(row.body, Invoice) for row in rows]


def of_household(conn: Connection, household: HouseholdId, publishers: Collection[PublisherId], limit: int) -> Sequence[Invoice]:
    """At most `limit` papers that these publishers issued to a household, the newest first."""
    own = (invoices.c.household_id == household, invoices.c.publisher_id.in_(publishers))
    newest = sa.select(invoices.c.body).where(*own).order_by(invoices.c.issued_at.desc(), invoices.c.number.desc()).limit(limit)
    return [msgspec.convert(row.body, Invoice) for row in conn.execute(newest)]


def all_numbers(conn: Connection, publisher: PublisherId) -> Sequence[int]:
    rows = conn.execute(sa.select(invoices.c.number).where(invoices.c.publisher_id == publisher))
    return sorted(int(row.number) for row in rows)


def _issue_month(
    conn: Connection,
    publisher: PublisherId,
    seller: str,
    household: HouseholdId,
    month: str,
    had: Sequence[Charge],
    names: Names,
    now: Instant,
    actor: str,
) -> None:
    """Issue what belongs to a month: its own charges, and those of earlier ones that came too late for their invoice."""
    on_paper = _standing_on(conn, publisher, had)
    new = [one for one in had if one.event_id not in on_paper and month_of(one) <= month]
    invoiced = {one.currency for one in of_month(conn, publisher, household, month) if one.corrects is None}
    for document in documents(new, on_paper, invoiced):
        _write(conn, publisher, seller, household, month, document, names, now, actor)


def _write(
    conn: Connection,
    publisher: PublisherId,
    seller: str,
    household: HouseholdId,
    month: str,
    document: Document,
    names: Names,
    now: Instant,
    actor: str,
) -> None:
    newest = conn.execute(sa.select(sa.func.max(invoices.c.number)).where(invoices.c.publisher_id == publisher)).scalar()
    last = document.charges[-1]
    made = Invoice(
        publisher=publisher,
        number=int(newest or 0) + 1,
        kind=document.kind,
        household=household,
        reference=store.references_of(conn, [household])[household],
        month=month,
        seller=seller,
        details=_details(conn, publisher),
        currency=document.currency,
        country=last.country,
        issued_on=day_of(now, ZoneInfo(last.zone)),
        issued_at=now,
        lines=tuple(_line(one, *names[one.plan]) for one in document.charges),
        corrects=document.corrects,
    )
    conn.execute(
        sa.insert(invoices).values(
            publisher_id=publisher,
            number=made.number,
            household_id=household,
            month=month,
            kind=made.kind.value,
            currency=made.currency,
            issued_at=now,
            body=msgspec.to_builtins(made),
        )
    )
    rows = [{"publisher_id": publisher, "event_id": one.event_id, "number": made.number} for one in document.charges]
    conn.execute(sa.insert(invoice_lines), rows)
    detail = {"household": household, "month": month, "kind": made.kind.value, "corrects": made.corrects}
    detail |= {"total": made.total.decimal, "tax": made.tax.decimal, "currency": made.currency}
    audit.record(conn, actor, "invoice.issue", str(made.number), detail, now, sides=[publisher_side(publisher)])


def _line(one: Charge, service: str, plan: str) -> InvoiceLine:
    return InvoiceLine(
        event_id=one.event_id,
        service=service,
        plan=plan,
        first=one.first,
        until=one.until,
        gross=one.amount.minor,
        tax=0 if one.tax is None else one.tax.minor,
        percent=Decimal(0) if one.percent is None else one.percent,
    )


def _standing_on(conn: Connection, publisher: PublisherId, charges: Sequence[Charge]) -> dict[str, int]:
    """By event id, the number of the paper on which a charge stands."""
    found: dict[str, int] = {}
    every = [one.event_id for one in charges]
    for first in range(0, len(every), 1_000):
        own = (invoice_lines.c.publisher_id == publisher, invoice_lines.c.event_id.in_(every[first : first + 1_000]))
        rows: Any = conn.execute(sa.select(invoice_lines.c.event_id, invoice_lines.c.number).where(*own))
        found.update((row.event_id, int(row.number)) for row in rows)
    return found


def _details(conn: Connection, publisher: PublisherId) -> str:
    told = sa.select(seller_details.c.details).where(seller_details.c.publisher_id == publisher)
    return str(conn.execute(told.order_by(seller_details.c.recorded_at.desc()).limit(1)).scalar() or "")
