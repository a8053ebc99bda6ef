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
        sa.Column("id", sa.String(length=96), nullable=False),
        sa.Column("ingest_id", sa.String(length=26), nullable=False),
        sa.Column("fraction", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_parts")),
    )
    with op.batch_alter_table("ingest_parts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ingest_parts_ingest_id"), ["ingest_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("ingest_parts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ingest_parts_ingest_id"))

    op.drop_table("ingest_parts")
