"""SQL for charges, which are never changed, and for what is due: the list of work of whoever charges direct plans."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import HouseholdId, OperatorId, PlanId, PublisherId
from matinee.base.money import Money
from matinee.base.party import SideKey, publisher_side
from matinee.members.charges import Charge, Due
from matinee.members.model import MemberError
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import audit, outbox

MAX_EVENT_ID: Final = 100
_AT_ONCE: Final = 1_000


class EventTaken(MemberError):
    """A seller's event id names another charge already."""

    code = ErrorCode.CONFLICT

    def __init__(self, event_id: str, says: str) -> None:
        self.event_id, self.says = event_id, says
        super().__init__(
            f"The event {event_id!r} is recorded already as another charge: {says}.",
            remedy="Give each charge an id of its own; a correction is a charge that takes the first one back.",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return EventTaken, (self.event_id, self.says)


charges = sa.Table(
    "charges",
    metadata,
    sa.Column("seller", sa.Text, primary_key=True),  # the side that charged (base/party.py): its event ids are its own
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), nullable=False, index=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id")),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False, index=True),
    sa.Column("plan_id", sa.Text, sa.ForeignKey("plans.id"), nullable=False),
    sa.Column("subscription_id", sa.Text, sa.ForeignKey("subscriptions.id")),
    sa.Column("first_day", sa.Text, nullable=False),
    sa.Column("until_day", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("minor", sa.BigInteger, nullable=False),
    sa.Column("tax_minor", sa.BigInteger),
    sa.Column("tax_percent", sa.Text),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("corrects", sa.Text),
    sa.Column("at", InstantColumn, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)

dues = sa.Table(
    "dues",
    metadata,
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("household_id", sa.Text, sa.ForeignKey("households.id"), nullable=False, index=True),
    sa.Column("plan_id", sa.Text, sa.ForeignKey("plans.id"), nullable=False),
    sa.Column("subscription_id", sa.Text, sa.ForeignKey("subscriptions.id"), nullable=False),
    sa.Column("anchor_day", sa.Text, nullable=False),
    sa.Column("first_day", sa.Text, nullable=False),
    sa.Column("until_day", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("minor", sa.BigInteger, nullable=False),
    sa.Column("tax_minor", sa.BigInteger, nullable=False),
    sa.Column("tax_percent", sa.Text, nullable=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
    sa.Column("grace_until", InstantColumn),
    sa.Column("settled_at", InstantColumn),
    sa.Column("lapsed_at", InstantColumn),
)


def record_charge(conn: Connection, charge: Charge, *, actor: str) -> tuple[Charge, bool]:
    """Record a charge once: what is recorded under its seller and event id, and whether it was new.

    Raises EventTaken.
    """
    return _recorded(conn, [charge], actor=actor)[0]


def record_charges(conn: Connection, told: Sequence[Charge], *, actor: str) -> Sequence[tuple[Charge, bool]]:
    """The same for many of one seller and one publisher, with one row of the audit for all that are new."""
    return _recorded(conn, told, actor=actor)


def charges_of(conn: Connection, household: HouseholdId) -> Sequence[Charge]:
    """All that a household was ever charged, oldest first."""
    query = sa.select(charges).where(charges.c.household_id == household)
    return [_charge(row) for row in conn.execute(query.order_by(charges.c.at, charges.c.seller, charges.c.event_id))]


def charge_of(conn: Connection, seller: SideKey, event_id: str) -> Charge | None:
    row = conn.execute(sa.select(charges).where(charges.c.seller == seller, charges.c.event_id == event_id)).one_or_none()
    return None if row is None else _charge(row)


def sold_by(conn: Connection, operator: OperatorId, plans: Collection[PlanId], since: date, until: date) -> Sequence[Charge]:
    """An operator's charges for these plans whose days touch those from `since` up to, not including, `until`."""
    own = (
        charges.c.operator_id == operator,
        charges.c.plan_id.in_(plans),
        charges.c.first_day < until.isoformat(),
        charges.c.until_day > since.isoformat(),
    )
    return [_charge(row) for row in conn.execute(sa.select(charges).where(*own).order_by(charges.c.event_id))]


def add_due(conn: Connection, due: Due) -> bool:
    """Write down what is owed, once; whether it was new. Where its month was written down before, that stays as it is."""
    outbox.hold(conn)
    if due_of(conn, due.publisher, due.event_id) is not None:
        return False
    conn.execute(
        sa.insert(dues).values(
            publisher_id=due.publisher,
            event_id=due.event_id,
            household_id=due.household,
            plan_id=due.plan,
            subscription_id=due.subscription,
            anchor_day=due.anchor.isoformat(),
            first_day=due.first.isoformat(),
            until_day=due.until.isoformat(),
            currency=due.amount.currency,
            minor=due.amount.minor,
            tax_minor=due.tax.minor,
            tax_percent=str(due.percent),
            country=due.country,
            zone=due.zone,
            recorded_at=due.recorded_at,
        )
    )
    return True


def due_of(conn: Connection, publisher: PublisherId, event_id: str) -> Due | None:
    row = conn.execute(sa.select(dues).where(dues.c.publisher_id == publisher, dues.c.event_id == event_id)).one_or_none()
    return None if row is None else _due(row)


def dues_of(conn: Connection, household: HouseholdId, *plans: PlanId) -> Sequence[Due]:
    """All that a household ever owed for these plans, by its days."""
    own = (dues.c.household_id == household, dues.c.plan_id.in_(plans))
    return [_due(row) for row in conn.execute(sa.select(dues).where(*own).order_by(dues.c.first_day, dues.c.event_id))]


def open_dues(conn: Connection) -> Sequence[Due]:
    """What is neither paid nor given up, the oldest first."""
    query = sa.select(dues).where(dues.c.settled_at.is_(None), dues.c.lapsed_at.is_(None))
    return [_due(row) for row in conn.execute(query.order_by(dues.c.first_day, dues.c.event_id))]


def paid_until(conn: Connection) -> dict[tuple[HouseholdId, PlanId], tuple[date, str]]:
    """Up to which day, not including it, each household has paid for each plan, and the zone of its days."""
    last = sa.func.max(dues.c.until_day + " " + dues.c.zone).label("last")  # of a home that moved, the zone of that very month
    query = sa.select(dues.c.household_id, dues.c.plan_id, last).where(dues.c.settled_at.is_not(None))
    rows = conn.execute(query.group_by(dues.c.household_id, dues.c.plan_id))
    parts = ((row.household_id, row.plan_id, *row.last.split(" ", 1)) for row in rows)
    return {(household, plan): (date.fromisoformat(until), zone) for household, plan, until, zone in parts}


def change_due(conn: Connection, due: Due, **moments: Instant) -> bool:
    """Tell `grace_until`, `settled_at` or `lapsed_at` of an open due, each once; whether this was the first to tell it."""
    is_new = [dues.c[name].is_(None) for name in moments]
    own = (dues.c.publisher_id == due.publisher, dues.c.event_id == due.event_id)
    still_open = (dues.c.settled_at.is_(None), dues.c.lapsed_at.is_(None))
    return conn.execute(sa.update(dues).where(*own, *still_open, *is_new).values(**moments)).rowcount == 1


def shorten_due(conn: Connection, due: Due, until: date) -> bool:
    """Let a paid month end before a day, from which on it was given back; whether it lasted longer until now."""
    own = (dues.c.publisher_id == due.publisher, dues.c.event_id == due.event_id, dues.c.settled_at.is_not(None))
    shorter = sa.update(dues).where(*own, dues.c.until_day > until.isoformat()).values(until_day=until.isoformat())
    return conn.execute(shorter).rowcount == 1


def _recorded(conn: Connection, told: Sequence[Charge], *, actor: str) -> Sequence[tuple[Charge, bool]]:
    outbox.hold(conn)  # of two that tell the same, the second finds it; and before the audit's lock
    known = _known(conn, told)
    done: list[tuple[Charge, bool]] = []
    new: list[Charge] = []
    for one in told:
        before = known.get(one.event_id)
        if before is None:
            _check_id(one.event_id)
            known[one.event_id] = one
            new.append(one)
        done.append((one, True) if before is None else (_again(before, one), False))
    if new:
        for begins in range(0, len(new), _AT_ONCE):
            conn.execute(sa.insert(charges), [_row(one) for one in new[begins : begins + _AT_ONCE]])
        first = new[0]
        sides = {first.seller, publisher_side(first.publisher)}
        if len(new) == 1:
            audit.record(conn, actor, "charge.record", first.event_id, _told(first), first.recorded_at, sides=sides)
        else:
            totals: dict[str, Money] = {}
            for one in new:
                currency = one.amount.currency
                totals[currency] = totals.get(currency, Money(0, currency)) + one.amount
            detail = {"seller": first.seller, "count": len(new), "total": {key: sum_.decimal for key, sum_ in totals.items()}}
            # Of hundreds of thousands the names would be no row that anybody reads: their hash seals them all the same.
            names = "\n".join(sorted(f"{one.event_id} {one.amount}" for one in new))
            detail["sha256"] = hashlib.sha256(names.encode()).hexdigest()
            audit.record(conn, actor, "charges.import", first.publisher, detail, first.recorded_at, sides=sides)
    return done


def _known(conn: Connection, told: Sequence[Charge]) -> dict[str, Charge]:
    """By event id the charges that are recorded already; all are of one seller."""
    found: dict[str, Charge] = {}
    for begins in range(0, len(told), _AT_ONCE):
        some = told[begins : begins + _AT_ONCE]
        own = (charges.c.seller == some[0].seller, charges.c.event_id.in_([one.event_id for one in some]))
        found.update((row.event_id, _charge(row)) for row in conn.execute(sa.select(charges).where(*own)))
    return found


def _again(before: Charge, told: Charge) -> Charge:
    """The charge of an event id that is told again. When it was told, and what we made of it, may differ."""
    same: dict[str, Any] = {name: getattr(before, name) for name in ("recorded_at", "at", "subscription", "tax", "percent")}
    if msgspec.structs.replace(told, **same) == before:
        return before
    raise EventTaken(before.event_id, f"{before.amount} from {before.first}")


def _check_id(event_id: str) -> None:
    if not event_id.strip() or len(event_id) > MAX_EVENT_ID or not event_id.isprintable():
        raise MemberError(f"An event's id is a line of 1 to {MAX_EVENT_ID} characters.", remedy="Write a short one.")


def _told(one: Charge) -> dict[str, Any]:
    return {
        "household": one.household,
        "plan": one.plan,
        "first_day": one.first.isoformat(),
        "until_day": one.until.isoformat(),
        "amount": one.amount.decimal,
        "currency": one.amount.currency,
        "tax": None if one.tax is None else one.tax.decimal,
        "source": one.source,
        "corrects": one.corrects,
    }


def _row(one: Charge) -> dict[str, Any]:
    return {
        "seller": one.seller,
        "event_id": one.event_id,
        "publisher_id": one.publisher,
        "operator_id": one.operator,
        "household_id": one.household,
        "plan_id": one.plan,
        "subscription_id": one.subscription,
        "first_day": one.first.isoformat(),
        "until_day": one.until.isoformat(),
        "currency": one.amount.currency,
        "minor": one.amount.minor,
        "tax_minor": None if one.tax is None else one.tax.minor,
        "tax_percent": None if one.percent is None else str(one.percent),
        "country": one.country,
        "zone": one.zone,
        "source": one.source,
        "corrects": one.corrects,
        "at": one.at,
        "recorded_at": one.recorded_at,
    }


def _charge(row: "Row[Any]") -> Charge:
    return Charge(
        event_id=row.event_id,
        publisher=row.publisher_id,
        operator=row.operator_id,
        household=row.household_id,
        plan=row.plan_id,
        subscription=row.subscription_id,
        first=date.fromisoformat(row.first_day),
        until=date.fromisoformat(row.until_day),
        amount=Money(int(row.minor), row.currency),
        tax=None if row.tax_minor is None else Money(int(row.tax_minor), row.currency),
        percent=None if row.tax_percent is None else Decimal(row.tax_percent),
        country=row.country,
        zone=row.zone,
        source=row.source,
        corrects=row.corrects,
        at=row.at,
        recorded_at=row.recorded_at,
    )


def _due(row: "Row[Any]") -> Due:
    return Due(
        event_id=row.event_id,
        publisher=row.publisher_id,
        household=row.household_id,
        plan=row.plan_id,
        subscription=row.subscription_id,
        anchor=date.fromisoformat(row.anchor_day),
        first=date.fromisoformat(row.first_day),
        until=date.fromisoformat(row.until_day),
        amount=Money(int(row.minor), row.currency),
        tax=Money(int(row.tax_minor), row.currency),
        percent=Decimal(row.tax_percent),
        country=row.country,
        zone=row.zone,
        recorded_at=row.recorded_at,
        grace_until=row.grace_until,
        settled_at=row.settled_at,
        lapsed_at=row.lapsed_at,
    )
