"""SQL for vouchers: made in batches, kept as hashes, and redeemed once, into a household's credit at their publisher.

A voucher's row is never changed: that it was redeemed is the ledger's entry under its own key, which there can be one of.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId, PublisherId, ServiceId, new_id
from matinee.base.money import Money
from matinee.base.party import publisher_side
from matinee.catalogue.model import Service
from matinee.members import ledger
from matinee.members.ledger import Entry, Movement
from matinee.members.model import MemberError
from matinee.members.voucher_codes import VoucherCode, VoucherDigest, digest_of, draw
from matinee.outside.database import Database, InstantColumn, metadata
from matinee.parties import audit, outbox

MAX_COUNT: Final = 100_000
MAX_VALUE: Final = 1_000_000
"""In minor units: a voucher is no way to move a fortune."""
_AT_ONCE: Final = 1_000

voucher_batches = sa.Table(
    "voucher_batches",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), nullable=False),
    sa.Column("service_id", sa.Text, sa.ForeignKey("services.id"), nullable=False, index=True),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("minor", sa.BigInteger, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("ends_at", InstantColumn, nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
)

vouchers = sa.Table(
    "vouchers",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("batch_id", sa.Text, sa.ForeignKey("voucher_batches.id"), nullable=False, index=True),
)


class VoucherRefused(MemberError):
    """No voucher of this code gives this household anything: unknown, used, ended, or another service's, which read alike."""

    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__(
            "This code gives no credit here.",
            remedy="See that it is typed as it is printed. A code works once, and up to the day that is printed with it.",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return VoucherRefused, ()


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many vouchers of one value, redeemable before `ends_at`. `redeemed` is how many were."""

    id: str
    publisher: PublisherId
    service: ServiceId
    value: Money
    count: int
    ends_at: Instant
    created_at: Instant
    redeemed: int = 0


class Redeemed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a code brought a household, and the credit that it has with that. `is_new` False: it had redeemed it before."""

    publisher: PublisherId
    value: Money
    credit: Money
    is_new: bool


def make(
    conn: Connection, service: Service, value: Money, count: int, ends_at: Instant, now: Instant, *, actor: str
) -> tuple[Batch, Sequence[VoucherCode]]:
    """Make vouchers of a service, and their codes, which can be shown this once. Raises MemberError."""
    if not 0 < value.minor <= MAX_VALUE:
        most = Money(MAX_VALUE, value.currency)
        raise MemberError(f"A voucher is worth more than nothing and at most {most}.", remedy="Write such an amount.")
    if not 0 < count <= MAX_COUNT:
        raise MemberError(f"A batch has 1 to {MAX_COUNT} vouchers.", remedy="Make more in several batches.")
    if ends_at <= now:
        raise MemberError("The last day of these vouchers is over.", remedy="Write a day to come.")
    outbox.hold(conn)  # before the audit's lock, as everywhere
    batch = Batch(
        id=new_id(),
        publisher=service.publisher,
        service=service.id,
        value=value,
        count=count,
        ends_at=ends_at,
        created_at=now,
    )
    codes = [draw() for _ in range(count)]
    conn.execute(
        sa.insert(voucher_batches).values(
            id=batch.id,
            publisher_id=batch.publisher,
            service_id=batch.service,
            currency=value.currency,
            minor=value.minor,
            size=count,
            ends_at=ends_at,
            created_at=now,
        )
    )
    for first in range(0, count, _AT_ONCE):
        rows = [{"digest": digest_of(code), "batch_id": batch.id} for code in codes[first : first + _AT_ONCE]]
        conn.execute(sa.insert(vouchers), rows)
    detail = {"service": service.id, "amount": value.decimal, "currency": value.currency, "count": count, "ends_at": ends_at}
    audit.record(conn, actor, "voucher.make", batch.id, detail, now, sides=[publisher_side(batch.publisher)])
    return batch, codes


def redeem(
    database: Database,
    typed: str,
    household: HouseholdId,
    services: Collection[ServiceId],
    now: Instant,
    *,
    actor: str,
) -> Redeemed:
    """Put a voucher's value into a household's credit, once. `services` are those that the household can see now.

    The same household with the same code again is told what it got: an answer that was lost does no harm. Raises
    VoucherRefused for all else that gives nothing, in the same words.
    """
    digest = digest_of(typed)
    with database.read() as conn:  # a wrong code waits for no lock, and keeps nobody waiting
        batch = None if digest is None else _batch_of(conn, digest)
    if digest is None or batch is None or batch.service not in services:
        raise VoucherRefused
    key = f"voucher:{digest}"
    with database.write() as conn:
        outbox.hold(conn)
        before = ledger.entry_of(conn, batch.publisher, key)
        if (before is None and now >= batch.ends_at) or (before is not None and before.household != household):
            raise VoucherRefused
        entry = Entry(
            id="", publisher=batch.publisher, household=household, key=key, kind=Movement.REDEEM, amount=batch.value, at=now
        )
        _, is_new = ledger.move(conn, entry, actor=actor)
        credit = ledger.balance(conn, batch.publisher, household, batch.value.currency)
    return Redeemed(publisher=batch.publisher, value=batch.value, credit=credit, is_new=is_new)


def batches_of(conn: Connection, services: Collection[ServiceId]) -> Sequence[Batch]:
    """The batches of these services, oldest first, with how many of each were redeemed."""
    entries = ledger.ledger_entries
    of_batch = voucher_batches.join(vouchers, vouchers.c.batch_id == voucher_batches.c.id)
    own_key = sa.literal("voucher:") + vouchers.c.digest
    redeemed = sa.and_(entries.c.publisher_id == voucher_batches.c.publisher_id, entries.c.key == own_key)
    used = (
        sa.select(vouchers.c.batch_id, sa.func.count().label("used"))
        .select_from(of_batch.join(entries, redeemed))
        .where(voucher_batches.c.service_id.in_(services))
        .group_by(vouchers.c.batch_id)
        .subquery()
    )
    query = (
        sa.select(voucher_batches, sa.func.coalesce(used.c.used, 0).label("used"))
        .select_from(voucher_batches.outerjoin(used, used.c.batch_id == voucher_batches.c.id))
        .where(voucher_batches.c.service_id.in_(services))
        .order_by(voucher_batches.c.created_at, voucher_batches.c.id)
    )
    return [_batch(row, int(row.used)) for row in conn.execute(query)]


def _batch_of(conn: Connection, digest: VoucherDigest) -> Batch | None:
    both = voucher_batches.join(vouchers, vouchers.c.batch_id == voucher_batches.c.id)
    row = conn.execute(sa.select(voucher_batches).select_from(both).where(vouchers.c.digest == digest)).one_or_none()
    return None if row is None else _batch(row)


def _batch(row: "Row[Any]", redeemed: int = 0) -> Batch:
    return Batch(
        id=row.id,
        publisher=row.publisher_id,
        service=row.service_id,
        value=Money(int(row.minor), row.currency),
        count=row.size,
        ends_at=row.ends_at,
        created_at=row.created_at,
        redeemed=redeemed,
    )
