"""SQL for what operators told of the subscriptions that they sell: every event once, as it was told, at its own time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.ids import OperatorId, PartnerAccountId, new_id
from matinee.members.account_store import PartnerAccount
from matinee.members.contracts import Act, BillingEvent
from matinee.outside.database import InstantColumn, JsonColumn, metadata

_NAMES: Final = frozenset({"household", "correlationId", "domain"})

billing_events = sa.Table(
    "billing_events",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id"), nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text, sa.ForeignKey("partner_accounts.id"), nullable=False, index=True),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("at", InstantColumn, nullable=False),
    sa.Column("plan_id", sa.Text, sa.ForeignKey("plans.id")),
    sa.Column("until", InstantColumn),
    sa.Column("by_link", sa.Boolean, nullable=False),
    sa.Column("hands_over", sa.Boolean, nullable=False),
    sa.Column("begins_at", InstantColumn),
    sa.Column("words", JsonColumn, nullable=False),  # as it was told, to know it again; of our own: empty
    sa.Column("recorded_at", InstantColumn, nullable=False),
    sa.UniqueConstraint("operator_id", "event_id"),
)


def events_of(conn: Connection, account: PartnerAccountId) -> Sequence[BillingEvent]:
    """All events of an account, in no order that means anything: see contracts.live."""
    rows = conn.execute(sa.select(billing_events).where(billing_events.c.account_id == account))
    return [_event(row) for row in rows]


def told_as(conn: Connection, operator: OperatorId, event_id: str) -> tuple[PartnerAccountId, Mapping[str, Any]] | None:
    """The account of an event that is there, and the words in which it was told."""
    named = (billing_events.c.operator_id == operator, billing_events.c.event_id == event_id)
    row = conn.execute(sa.select(billing_events.c.account_id, billing_events.c.words).where(*named)).one_or_none()
    return None if row is None else (row.account_id, row.words)


def forget_names(conn: Connection, account: PartnerAccountId) -> None:
    """Take out of an account's events what its operator called the home there: the reference, and words of its own choice."""
    rows = conn.execute(
        sa.select(billing_events.c.id, billing_events.c.words).where(billing_events.c.account_id == account)
    ).all()
    for row in rows:
        kept = {key: value for key, value in row.words.items() if key not in _NAMES}
        conn.execute(sa.update(billing_events).where(billing_events.c.id == row.id).values(words=kept))


def is_said_again(before: Mapping[str, Any], words: Mapping[str, Any]) -> bool:
    """Whether an event is told in the words that were kept of it. What was taken out of these is not asked for."""
    return bool(before) and all(key in words and words[key] == value for key, value in before.items())


def add_event(conn: Connection, account: PartnerAccount, event: BillingEvent, words: Mapping[str, Any], now: Instant) -> None:
    conn.execute(
        sa.insert(billing_events).values(
            id=new_id(),
            operator_id=account.operator,
            event_id=event.id,
            account_id=account.id,
            act=event.act.value,
            at=event.at,
            plan_id=event.plan,
            until=event.until,
            by_link=event.by_link,
            hands_over=event.hands_over,
            begins_at=event.begins_at,
            words=dict(words),
            recorded_at=now,
        )
    )


def _event(row: "Row[Any]") -> BillingEvent:
    return BillingEvent(
        id=row.event_id,
        act=Act(row.act),
        at=row.at,
        plan=row.plan_id,
        until=row.until,
        by_link=row.by_link,
        hands_over=row.hands_over,
        begins_at=row.begins_at,
    )
