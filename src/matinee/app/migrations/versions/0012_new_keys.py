"""what each package was made of, and since when one is retired: for new keys without an encode

Packages published before keep no record of what they were made of; their titles are added again instead.

Revision: 0012, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("packages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("film", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("retired_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("packages", schema=None) as batch_op:
        batch_op.drop_column("retired_at")
        batch_op.drop_column("film")
