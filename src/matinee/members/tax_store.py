"""SQL for the rates of tax that a publisher told: appended, never edited; the newest record of a day counts."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import PublisherId, new_id
from matinee.base.party import publisher_side
from matinee.members.tax import TaxRate
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import audit, outbox

tax_rates = sa.Table(
    "tax_rates",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), nullable=False, index=True),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("percent", sa.Text, nullable=False),  # a decimal as it was told: a number of the database would be a float
    sa.Column("since", sa.Text, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)


def record_rate(
    conn: Connection, publisher: PublisherId, country: str, percent: Decimal, since: date, now: Instant, *, actor: str
) -> TaxRate:
    """Record what a publisher's sales to a country are taxed at from a day on. What was charged before stays as it was."""
    outbox.hold(conn)  # before the audit's lock, as everywhere
    made = TaxRate(publisher=publisher, country=country, percent=percent, since=since, recorded_at=now)
    row = {"country": country, "percent": str(percent), "since": since.isoformat()}
    conn.execute(sa.insert(tax_rates).values(id=new_id(), publisher_id=publisher, recorded_at=now, **row))
    audit.record(conn, actor, "tax.record", publisher, row, now, sides=[publisher_side(publisher)])
    return made


def rates_of(conn: Connection, publisher: PublisherId | None = None) -> Sequence[TaxRate]:
    """What a publisher told, or all did, in the order of the days from which it holds."""
    query = sa.select(tax_rates).order_by(tax_rates.c.country, tax_rates.c.since, tax_rates.c.recorded_at)
    if publisher is not None:
        query = query.where(tax_rates.c.publisher_id == publisher)
    return [
        TaxRate(
            publisher=row.publisher_id,
            country=row.country,
            percent=Decimal(row.percent),
            since=date.fromisoformat(row.since),
            recorded_at=row.recorded_at,
        )
        for row in conn.execute(query)
    ]
