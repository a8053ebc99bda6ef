"""how far with partners

How far a profile came in a title that lies with a partner, where the partner tells it. Of what was opened before nobody told.

Revision: 0029, after 0028.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("opened_titles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("permille", sa.Integer()))
        batch_op.add_column(sa.Column("completed", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("opened_titles", schema=None) as batch_op:
        batch_op.drop_column("completed")
        batch_op.drop_column("permille")
