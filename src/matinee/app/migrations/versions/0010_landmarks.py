"""what is kept of a film to find its season's intro and credits

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "title_landmarks",
        sa.Column("title_id", sa.Text(), nullable=False),
        sa.Column("landmarks", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["title_id"], ["titles.id"], name=op.f("fk_title_landmarks_title_id_titles"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("title_id", name=op.f("pk_title_landmarks")),
    )


def downgrade() -> None:
    op.drop_table("title_landmarks")
