"""Alembic runs this file for each migration command; `app.migrate` hands it the connection."""

from alembic import context

from matinee.app.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite alters a table by making it anew; batch mode writes migrations that do so.
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
