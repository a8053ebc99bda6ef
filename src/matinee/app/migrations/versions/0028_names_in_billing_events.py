"""names in billing events

What an operator told of a home that was erased since kept the home's reference: it led from what is left of it to the
contract.

Revision: 0028, after 0027.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

ERASED = "erased "
NAMES = ("household", "correlationId", "domain")


def upgrade() -> None:
    homes = sa.table("households", sa.column("id", sa.Text), sa.column("reference", sa.Text))
    accounts = sa.table("partner_accounts", sa.column("id", sa.Text), sa.column("household_id", sa.Text))
    events = sa.table("billing_events", sa.column("id", sa.Text), sa.column("account_id", sa.Text), sa.column("words", sa.Text))
    of_erased = (
        sa.select(events.c.id, events.c.words)
        .join_from(events, accounts, accounts.c.id == events.c.account_id)
        .join(homes, homes.c.id == accounts.c.household_id)
        .where(homes.c.reference.startswith(ERASED, autoescape=True))
    )
    conn = op.get_bind()
    for row in conn.execute(of_erased).all():
        kept = {key: value for key, value in json.loads(row.words).items() if key not in NAMES}
        words = json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        conn.execute(sa.update(events).where(events.c.id == row.id).values(words=words))


def downgrade() -> None:
    """Nothing: what was taken out is gone."""
