"""identities of boxes with dates, and how each of their keys stands

What was known of a box's identity becomes its first dated record: a box that its first key verified was so since that key; of any
other nobody kept since when, and it counts as having been so since ever, as decisions about the past had it before.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "box_identities",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("box_id", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["boxes.id"], name=op.f("fk_box_identities_box_id_boxes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_box_identities")),
    )
    with op.batch_alter_table("box_identities", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_box_identities_box_id"), ["box_id"], unique=False)
    with op.batch_alter_table("box_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("standing", sa.Text(), server_default="used", nullable=False))
    _date_what_is_known()


def _date_what_is_known() -> None:
    """A box's own id serves as its row's: random too, and nobody names rows by it."""
    op.execute(
        """
        INSERT INTO box_identities (id, box_id, identity, why, valid_from, recorded_at)
        SELECT id, id, identity, 'recorded', since, since FROM (
            SELECT id, identity, COALESCE(
                (SELECT MIN(valid_from) FROM box_keys WHERE box_id = boxes.id AND boxes.identity = 'verified'), 0
            ) AS since
            FROM boxes WHERE identity != 'unverified'
        ) AS known
        """
    )


def downgrade() -> None:
    with op.batch_alter_table("box_keys", schema=None) as batch_op:
        batch_op.drop_column("standing")

    with op.batch_alter_table("box_identities", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_box_identities_box_id"))

    op.drop_table("box_identities")
