"""Alembic runs this file for each migration command; `app.migrate` hands it the connection."""

from typing import Literal

from alembic import context

from matinee.app.tables import metadata
from matinee.outside.database import InstantColumn, JsonColumn


def render_item(kind: str, value: object, _autogen: object) -> str | Literal[False]:
    """A migration says what the database has, not what today's code calls it: it must still run when that code is gone."""
    if kind == "type" and isinstance(value, InstantColumn):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(value, JsonColumn):
        return "sa.Text()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite alters a table by making it anew; batch mode writes migrations that do so.
    render_as_batch=True,
    compare_type=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
