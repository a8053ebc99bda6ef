"""ingest parts

Revision: 0020, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingest_parts",
        sa.Column("ingest_id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("fraction", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("ingest_id", "key", name=op.f("pk_ingest_parts")),
    )


def downgrade() -> None:
    op.drop_table("ingest_parts")
