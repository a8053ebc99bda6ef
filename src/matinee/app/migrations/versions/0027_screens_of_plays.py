"""screens of plays

A play on a box goes on as that box's. Which browser began one of before is not known: it is nobody's, and its token is its last.

Revision: 0027, after 0026.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = ("play_sessions", "stream_leases")


def upgrade() -> None:
    for name in TABLES:
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.add_column(sa.Column("screen", sa.Text(), server_default="", nullable=False))
        table = sa.table(name, sa.column("box", sa.String), sa.column("screen", sa.Text))
        op.execute(sa.update(table).where(table.c.box.is_not(None)).values(screen=sa.literal("box:") + table.c.box))


def downgrade() -> None:
    for name in reversed(TABLES):
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.drop_column("screen")
