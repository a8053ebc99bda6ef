"""what a plan gives at once, and who holds a stream

Revision: 0023, after 0022.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("plans", schema=None) as batch_op:
        batch_op.add_column(sa.Column("streams", sa.Integer(), server_default="2", nullable=False))
        batch_op.add_column(sa.Column("max_height", sa.Integer(), nullable=True))
    with op.batch_alter_table("play_sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("max_height", sa.Integer(), nullable=True))
    op.create_table(
        "stream_leases",
        sa.Column("session", sa.String(length=26), nullable=False),
        sa.Column("household", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("box", sa.String(length=64), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("token_until", sa.BigInteger(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_stream_leases")),
    )
    with op.batch_alter_table("stream_leases", schema=None) as batch_op:
        batch_op.create_index("ix_stream_leases_home", ["household", "service"], unique=False)
        batch_op.create_index("ix_stream_leases_token_until", ["token_until"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("stream_leases", schema=None) as batch_op:
        batch_op.drop_index("ix_stream_leases_token_until")
        batch_op.drop_index("ix_stream_leases_home")

    op.drop_table("stream_leases")
    with op.batch_alter_table("play_sessions", schema=None) as batch_op:
        batch_op.drop_column("max_height")
    with op.batch_alter_table("plans", schema=None) as batch_op:
        batch_op.drop_column("max_height")
        batch_op.drop_column("streams")
