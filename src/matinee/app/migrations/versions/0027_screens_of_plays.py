"""screens of plays

A play on a box goes on as that box's. Which browser began one of before is not known: it is nobody's, and its token is its last.

Revision: 0027, after 0026.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = {"play_sessions": "token_expires_at", "stream_leases": "token_until"}
"""And until when a screen may still ask for more of one."""


def upgrade() -> None:
    for name in TABLES:
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.add_column(sa.Column("screen", sa.Text(), server_default="", nullable=False))
    now = round(time.time() * 1000)
    for name, runs_until in TABLES.items():
        box, until, screen = sa.column("box", sa.String), sa.column(runs_until, sa.BigInteger), sa.column("screen", sa.Text)
        table = sa.table(name, box, until, screen)
        # Of years of plays those alone that still run: whoever plays waits for this.
        runs = sa.and_(table.c.box.is_not(None), table.c[runs_until] > now)
        op.execute(sa.update(table).where(runs).values(screen=sa.literal("box:") + table.c.box))


def downgrade() -> None:
    for name in reversed(TABLES):
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.drop_column("screen")
