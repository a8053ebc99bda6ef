"""people: profiles' looks, the PIN, lists and thumbs, consents

Revision: 0024, after 0023.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("profiles") as batch_op:
        batch_op.add_column(sa.Column("avatar", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("kids", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("request", sa.Text(), nullable=True))
        batch_op.create_unique_constraint(op.f("uq_profiles_household_id_request"), ["household_id", "request"])
    op.create_table(
        "household_pins",
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_household_pins_household_id_households")),
        sa.PrimaryKeyConstraint("household_id", name=op.f("pk_household_pins")),
    )
    op.create_table(
        "pin_tries",
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("screen", sa.Text(), nullable=False),
        sa.Column("spent", sa.Float(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_pin_tries_household_id_households")),
        sa.PrimaryKeyConstraint("household_id", "screen", name=op.f("pk_pin_tries")),
    )
    op.create_table(
        "kids_screens",
        sa.Column("screen", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_kids_screens_household_id_households")),
        sa.PrimaryKeyConstraint("screen", name=op.f("pk_kids_screens")),
    )
    op.create_index(op.f("ix_kids_screens_household_id"), "kids_screens", ["household_id"])
    op.create_index(op.f("ix_kids_screens_profile_id"), "kids_screens", ["profile_id"])
    op.create_table(
        "profile_titles",
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("title_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("listed_at", sa.BigInteger(), nullable=True),
        sa.Column("thumb", sa.Text(), nullable=True),
        sa.Column("thumb_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("profile_id", "title_id", name=op.f("pk_profile_titles")),
    )
    op.create_index(op.f("ix_profile_titles_household_id"), "profile_titles", ["household_id"])
    op.create_table(
        "consents",
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("profile_id", "purpose", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_household_id"), "consents", ["household_id"])
    op.create_table(
        "outbox_cursors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_outbox_cursors")),
    )


def downgrade() -> None:
    op.drop_table("outbox_cursors")
    op.drop_index(op.f("ix_consents_household_id"), table_name="consents")
    op.drop_table("consents")
    op.drop_index(op.f("ix_profile_titles_household_id"), table_name="profile_titles")
    op.drop_table("profile_titles")
    op.drop_index(op.f("ix_kids_screens_profile_id"), table_name="kids_screens")
    op.drop_index(op.f("ix_kids_screens_household_id"), table_name="kids_screens")
    op.drop_table("kids_screens")
    op.drop_table("pin_tries")
    op.drop_table("household_pins")
    with op.batch_alter_table("profiles") as batch_op:
        batch_op.drop_constraint(op.f("uq_profiles_household_id_request"), type_="unique")
        batch_op.drop_column("request")
        batch_op.drop_column("kids")
        batch_op.drop_column("avatar")
