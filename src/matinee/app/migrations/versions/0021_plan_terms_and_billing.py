"""plan terms and billing

Revision: 0021, after 0020.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "partner_accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("service_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("bound_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_partner_accounts_household_id_households")),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_partner_accounts_operator_id_operators")),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_partner_accounts_service_id_services")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_accounts")),
        sa.UniqueConstraint(
            "operator_id", "service_id", "household_id", name=op.f("uq_partner_accounts_operator_id_service_id_household_id")
        ),
    )
    with op.batch_alter_table("partner_accounts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_partner_accounts_household_id"), ["household_id"], unique=False)

    op.create_table(
        "activation_codes",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["partner_accounts.id"], name=op.f("fk_activation_codes_account_id_partner_accounts")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_activation_codes")),
    )
    with op.batch_alter_table("activation_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_activation_codes_account_id"), ["account_id"], unique=False)

    op.create_table(
        "billing_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("by_link", sa.Boolean(), nullable=False),
        sa.Column("hands_over", sa.Boolean(), nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["partner_accounts.id"], name=op.f("fk_billing_events_account_id_partner_accounts")
        ),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_billing_events_operator_id_operators")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_billing_events_plan_id_plans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_events")),
        sa.UniqueConstraint("operator_id", "event_id", name=op.f("uq_billing_events_operator_id_event_id")),
    )
    with op.batch_alter_table("billing_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_billing_events_account_id"), ["account_id"], unique=False)

    op.create_table(
        "plan_offers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("is_taken_away", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_plan_offers_operator_id_operators")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_offers_plan_id_plans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_offers")),
    )
    with op.batch_alter_table("plan_offers", schema=None) as batch_op:
        batch_op.create_index("ix_plan_offers_named", ["operator_id", "environment", "offer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_plan_offers_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "plan_prices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_prices_plan_id_plans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_prices")),
    )
    with op.batch_alter_table("plan_prices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_prices_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "plan_trials",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_trials_plan_id_plans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_trials")),
    )
    with op.batch_alter_table("plan_trials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_trials_plan_id"), ["plan_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("plan_trials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_trials_plan_id"))

    op.drop_table("plan_trials")
    with op.batch_alter_table("plan_prices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_prices_plan_id"))

    op.drop_table("plan_prices")
    with op.batch_alter_table("plan_offers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_offers_plan_id"))
        batch_op.drop_index("ix_plan_offers_named")

    op.drop_table("plan_offers")
    with op.batch_alter_table("billing_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_billing_events_account_id"))

    op.drop_table("billing_events")
    with op.batch_alter_table("activation_codes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activation_codes_account_id"))

    op.drop_table("activation_codes")
    with op.batch_alter_table("partner_accounts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_partner_accounts_household_id"))

    op.drop_table("partner_accounts")
