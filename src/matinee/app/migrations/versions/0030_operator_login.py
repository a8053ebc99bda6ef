"""browsers sign in at operators

An operator's issuer may know our pages in a browser as a client, too; and who comes from there has no account.

Revision: 0030, after 0029.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("operator_issuers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("web_client", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("sealed_secret", sa.LargeBinary()))
        batch_op.add_column(sa.Column("endpoints", sa.Text()))
    with op.batch_alter_table("authorization_codes", schema=None) as batch_op:
        batch_op.alter_column("account_id", existing_type=sa.Text(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM authorization_codes WHERE account_id IS NULL")
    with op.batch_alter_table("authorization_codes", schema=None) as batch_op:
        batch_op.alter_column("account_id", existing_type=sa.Text(), nullable=False)
    with op.batch_alter_table("operator_issuers", schema=None) as batch_op:
        batch_op.drop_column("endpoints")
        batch_op.drop_column("sealed_secret")
        batch_op.drop_column("web_client")
