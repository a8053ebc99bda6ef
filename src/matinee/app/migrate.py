"""Bring a database to the newest schema, from nothing or from any older version. Safe to run again, and from two processes."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from matinee.outside.database import Database

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x6D61_7469  # one migration at a time on PostgreSQL: "mati"


def migrate(database: Database) -> None:
    """Run what migrations are missing, all in one transaction. Where none is missing, nothing is written."""
    config = alembic_config()
    newest = ScriptDirectory.from_config(config).get_current_head()
    with database.read() as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config() -> Config:
    """Alembic's settings, without a file."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    return config
